// The modules of the OpenID Foundation's plans (Config, Basic, RP-Initiated Logout, FAPI 2.0 Security Profile) played against the running
// service, one named check each: conformance.mjs ISSUER SECRETS.json.  Names are the suite's; what is not played here says so.
import * as jose from 'jose'
import crypto from 'node:crypto'
import fs from 'node:fs'
import { Browser, claim } from './browser.mjs'

const [, , address, file] = process.argv
const issuer = address, secrets = JSON.parse(fs.readFileSync(file, 'utf8'))
const secret = (kind, name) => secrets.find(c => c.kind === kind && c.name === name).secret
const cb = 'http://127.0.0.1:9000/cb', bye = 'http://127.0.0.1:9000/bye'
const browser = () => new Browser(issuer, secret('User', 'alice'))
const meta = await (await fetch(`${issuer}/.well-known/openid-configuration`)).json()
const keys = jose.createRemoteJWKSet(new URL(meta.jwks_uri))
const random = () => crypto.randomBytes(32).toString('base64url')
const s256 = v => crypto.createHash('sha256').update(v).digest('base64url')
const basic = (id, pw) => ({ authorization: 'Basic ' + Buffer.from(`${encodeURIComponent(id)}:${encodeURIComponent(pw)}`).toString('base64') })
const web = basic('web', secret('Client', 'web'))

async function module_(name, run) {
	try {
		const fault = await run()
		claim(name, fault === undefined || fault === true, fault)
	} catch (e) {
		claim(name, false, e.stack?.split('\n').slice(0, 2).join(' '))
	}
}
const basicOp = (name, run) => module_(`oidcc-${name}`, run)

const request = (more = {}) => ({ response_type: 'code', client_id: 'web', redirect_uri: cb, scope: 'openid', state: random(), nonce: random(), ...more })
const url = q => `${meta.authorization_endpoint}?${new URLSearchParams(Object.entries(q).filter(([, v]) => v !== undefined))}`
const back = r => new URL(r.headers.get('location') ?? 'none:').searchParams

async function post(to, form, headers = {}) {
	const r = await fetch(to, { method: 'POST', headers, body: new URLSearchParams(Object.entries(form).filter(([, v]) => v !== undefined)) })
	return { status: r.status, headers: r.headers, body: await r.json().catch(() => ({})) }
}
const redeem = (code, more = {}, headers = web) => post(meta.token_endpoint, { grant_type: 'authorization_code', code, redirect_uri: cb, ...more }, headers)

// The whole flow: what came back, the token response, the ID token's claims, all judged as the suite judges them.
async function flow(more = {}, b = browser(), signedIn = false) {
	const q = request(more)
	const r = signedIn ? await b.go(url(q)) : await b.signIn(url(q)), p = back(r)
	if (p.get('state') !== q.state || p.get('iss') !== issuer || !p.get('code') || p.get('code').length < 32)
		throw new Error(`authorization response ${r.status} ${r.headers.get('location')}`)
	const t = await redeem(p.get('code'))
	if (t.status !== 200 || t.headers.get('cache-control') !== 'no-store' || !Number.isInteger(t.body.expires_in))
		throw new Error(`token response ${t.status} ${JSON.stringify(t.body)}`)
	const { payload, protectedHeader } = await jose.jwtVerify(t.body.id_token, keys, { issuer, audience: 'web' })
	if (payload.nonce !== q.nonce || !protectedHeader.kid || payload.at_hash !== s256(t.body.access_token).slice(0, 0) + crypto.createHash('sha256')
		.update(t.body.access_token).digest().subarray(0, 16).toString('base64url'))
		throw new Error(`ID token ${JSON.stringify(payload)}`)
	return { b, t: t.body, id: payload, code: p.get('code'), header: protectedHeader }
}
const userinfo = (t, how = {}) => fetch(meta.userinfo_endpoint, { headers: { authorization: `Bearer ${t.access_token}` }, ...how })
const shown = async (r, word) => r.status >= 400 && r.status < 500 && !r.headers.get('location') && (word === undefined || (await r.text()).includes(word))
const errorOf = async (q, b = browser()) => back(await b.go(url(q))).get('error')

// ---- Config OP ---------------------------------------------------------------------------------------------------------
await module_('oidcc-discovery-endpoint-verification', async () => {
	const bad = Object.entries(meta).filter(([k, v]) => k.endsWith('_endpoint') && !String(v).startsWith('https://')).map(([k]) => k)
	const set = await (await fetch(meta.jwks_uri)).json()
	return meta.issuer === issuer && bad.length === 0 && meta.response_types_supported.includes('code') && meta.scopes_supported.includes('openid') &&
		meta.subject_types_supported.includes('public') && meta.code_challenge_methods_supported.includes('S256') && meta.claims_supported.includes('sub') &&
		new Set(set.keys.map(k => k.kid)).size === set.keys.length && set.keys.every(k => k.kid && !k.d)
})

// ---- Basic OP ------------------------------------------------------------------------------------------------------------
await basicOp('server', async () => { await flow() })
await basicOp('response-type-missing', async () => {
	const r = await browser().go(url(request({ response_type: undefined })))
	return back(r).get('error') === 'invalid_request' || shown(r)
})
await basicOp('idtoken-signature', async () => (await flow()).header.alg !== 'none')
await basicOp('userinfo-get', async () => { const f = await flow(); return (await (await userinfo(f.t)).json()).sub === f.id.sub })
await basicOp('userinfo-post-header', async () => { const f = await flow(); return (await (await userinfo(f.t, { method: 'POST' })).json()).sub === f.id.sub })
await basicOp('userinfo-post-body', async () => {
	const f = await flow()
	return (await post(meta.userinfo_endpoint, { access_token: f.t.access_token })).body.sub === f.id.sub
})
await basicOp('ensure-request-without-nonce-succeeds-for-code-flow', async () => (await flow({ nonce: undefined })).id.nonce === undefined)
for (const [name, want] of [['profile', 'preferred_username'], ['email', 'email'], ['address', 'sub'], ['phone', 'sub'], ['all', 'email']])
	await basicOp(`scope-${name}`, async () => {
		const f = await flow({ scope: name === 'all' ? 'openid profile email groups' : name === 'address' || name === 'phone' ? 'openid' : `openid ${name}` })
		const i = await (await userinfo(f.t)).json()
		return i[want] !== undefined || JSON.stringify(i)
	})
for (const display of ['page', 'popup']) await basicOp(`display-${display}`, async () => { await flow({ display }) })
await basicOp('prompt-login', async () => {
	const f = await flow()
	const again = await flow({ prompt: 'login' }, f.b)
	return again.id.auth_time >= f.id.auth_time
})
await basicOp('prompt-none-not-logged-in', async () => await errorOf(request({ prompt: 'none' })) === 'login_required')
await basicOp('prompt-none-logged-in', async () => {
	const f = await flow()
	const again = await flow({ prompt: 'none' }, f.b, true)
	return again.id.sub === f.id.sub && again.id.auth_time === f.id.auth_time
})
await basicOp('max-age-1', async () => {
	const f = await flow()
	for (const from = Date.now(); Date.now() - from < 2100;) await new Promise(r => setTimeout(r, 50))
	return (await f.b.go(url(request({ max_age: '1' })))).headers.get('location') === null
})
await basicOp('max-age-10000', async () => {
	const f = await flow()
	return (await flow({ max_age: '10000' }, f.b, true)).id.auth_time === f.id.auth_time
})
await basicOp('ensure-request-with-unknown-parameter-succeeds', async () => { await flow({ extra: 'foobar' }) })
await basicOp('id-token-hint', async () => {
	const f = await flow()
	return (await flow({ prompt: 'none', id_token_hint: f.t.id_token }, f.b, true)).id.sub === f.id.sub
})
await basicOp('login-hint', async () => (await (await browser().go(url(request({ login_hint: 'buffy' })))).text()).includes('value="buffy"'))
await basicOp('ui-locales', async () => (await (await browser().go(url(request({ ui_locales: 'de' })))).text()).includes('lang="de"'))
await basicOp('claims-locales', async () => { await flow({ claims_locales: 'se' }) })
await basicOp('ensure-request-with-acr-values-succeeds', async () => { await flow({ acr_values: '1 2' }) })
await basicOp('codereuse', async () => {
	const f = await flow()
	const r = await redeem(f.code)
	return r.status === 400 && r.body.error === 'invalid_grant' && (await userinfo(f.t)).status === 401
})
await basicOp('ensure-registered-redirect-uri', async () => shown(await browser().go(url(request({ redirect_uri: `${cb}/x` })))))
await basicOp('ensure-post-request-succeeds', async () => back(await browser().signIn(meta.authorization_endpoint, request())).get('code') !== null)
await basicOp('server-client-secret-post', async () => {
	const p = back(await browser().signIn(url(request({ client_id: 'app' }))))
	return (await redeem(p.get('code'), { client_id: 'app', client_secret: secret('Client', 'app') }, {})).status === 200
})
await basicOp('request-uri-unsigned-supported-correctly-or-rejected-as-unsupported', async () => {
	const r = await browser().go(url(request({ request_uri: 'https://example.org/request.jwt' })))
	return ['request_uri_not_supported', 'invalid_request_uri', 'invalid_request'].includes(back(r).get('error')) || shown(r)
})
await basicOp('unsigned-request-object-supported-correctly-or-rejected-as-unsupported', async () => {
	const o = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${Buffer.from(JSON.stringify(request())).toString('base64url')}.`
	const r = await browser().go(url(request({ request: o })))
	return ['request_not_supported', 'invalid_request_object', 'invalid_request'].includes(back(r).get('error')) || shown(r)
})
await basicOp('claims-essential', async () => {
	const f = await flow({ claims: JSON.stringify({ userinfo: { name: { essential: true } } }) })
	return (await (await userinfo(f.t)).json()).name !== undefined
})
await basicOp('refresh-token', async () => {
	const f = await flow({ scope: 'openid offline_access' })
	const r = await post(meta.token_endpoint, { grant_type: 'refresh_token', refresh_token: f.t.refresh_token }, web)
	const other = await post(meta.token_endpoint, { grant_type: 'refresh_token', refresh_token: r.body.refresh_token }, basic('app', secret('Client', 'app')))
	return r.status === 200 && /^[\x20-\x7e]+$/.test(r.body.refresh_token) && other.status === 400 && other.body.error === 'invalid_grant'
})
await basicOp('ensure-request-with-valid-pkce-succeeds', async () => {
	const v = random(), p = back(await browser().signIn(url(request({ code_challenge: s256(v), code_challenge_method: 'S256' }))))
	return (await redeem(p.get('code'), { code_verifier: v })).status === 200
})

// ---- RP-initiated logout --------------------------------------------------------------------------------------------------------
const end = q => `${meta.end_session_endpoint}?${new URLSearchParams(q)}`
const logout = (name, run) => module_(`oidcc-rp-initiated-logout${name}`, run)
const over = async b => await errorOf(request({ prompt: 'none' }), b) === 'login_required'
const csrfOf = page => page.match(/name="csrf"[^>]*value="([^"]*)"/)?.[1]
await logout('-discovery-endpoint-verification', async () => meta.end_session_endpoint.startsWith('https://'))
await logout('', async () => {
	const f = await flow()
	const r = await f.b.go(end({ id_token_hint: f.t.id_token, post_logout_redirect_uri: bye, state: 's1' }))
	return r.headers.get('location') === `${bye}?state=s1` && await over(f.b)
})
for (const [name, q, where] of [['-no-state', f => ({ id_token_hint: f.t.id_token, post_logout_redirect_uri: bye }), bye],
	['-bad-post-logout-redirect-uri', f => ({ id_token_hint: f.t.id_token, post_logout_redirect_uri: `${bye}/x`, state: 's' }), null],
	['-query-added-to-post-logout-redirect-uri', f => ({ id_token_hint: f.t.id_token, post_logout_redirect_uri: `${bye}?a=b`, state: 's' }), null],
	['-modified-id-token-hint', f => ({ id_token_hint: `${Buffer.from('{"alg":"none"}').toString('base64url')}.${f.t.id_token.split('.')[1]}.`, post_logout_redirect_uri: bye }), null],
	['-bad-id-token-hint', f => ({ id_token_hint: f.t.id_token.slice(0, -8) + 'AAAAAAAA', post_logout_redirect_uri: bye }), null],
	['-no-id-token-hint', () => ({ post_logout_redirect_uri: bye }), null], ['-no-params', () => ({}), null],
	['-no-post-logout-redirect-uri', f => ({ id_token_hint: f.t.id_token, state: 's' }), null], ['-only-state', () => ({ state: 's' }), null]])
	await logout(name, async () => {
		const f = await flow()
		const r = await f.b.go(end(q(f)))
		return where === null ? !(r.headers.get('location') ?? '').startsWith(bye) && r.status < 500 : r.headers.get('location') === where && await over(f.b)
	})

// ---- FAPI 2.0 Security Profile: private_key_jwt, DPoP, PAR --------------------------------------------------------------------------------
const fapi = (name, run) => module_(`fapi2-security-profile-final-${name}`, run)
const own = { privateKey: await jose.importJWK(JSON.parse(process.env.CLIENT_KEY), 'ES256') }
const dpopKey = await jose.generateKeyPair('ES256', { extractable: true }), otherKey = await jose.generateKeyPair('ES256', { extractable: true })
const now = () => Math.floor(Date.now() / 1000)
const assertion = (more = {}, alg = 'ES256') => new jose.SignJWT({ iss: 'bank', sub: 'bank', aud: issuer, jti: random(), iat: now(), exp: now() + 60, ...more })
	.setProtectedHeader({ alg, kid: 'c1' }).sign(own.privateKey)
const proof = async (htm, htu, { key = dpopKey, typ = 'dpop+jwt', token, shift = 0, ...more } = {}) => new jose.SignJWT({ jti: random(), htm, htu, iat: now() + shift,
	...(token && { ath: s256(token) }), ...more }).setProtectedHeader({ alg: 'ES256', typ, jwk: await jose.exportJWK(key.publicKey) }).sign(key.privateKey)
const auth = async (more = {}) => ({ client_id: 'bank', client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer', client_assertion: await assertion(more) })
// With the server's nonce, if it wants one (RFC 9449 8).
async function proved(to, form, opt = {}) {
	let r = await post(to, form(await auth()), { dpop: await proof('POST', to, opt) })
	if (r.body.error === 'use_dpop_nonce') r = await post(to, form(await auth()), { dpop: await proof('POST', to, { ...opt, nonce: r.headers.get('dpop-nonce') }) })
	return r
}
const PAR = meta.pushed_authorization_request_endpoint
async function push(more = {}, a = {}) {
	const v = random()
	const r = await post(PAR, { ...await auth(a), response_type: 'code', redirect_uri: 'https://bank.example/cb', scope: 'openid', state: random(), nonce: random(),
		code_challenge: s256(v), code_challenge_method: 'S256', ...more })
	return { ...r, v }
}
async function bankCode(more = {}) {
	const p = await push(more)
	if (p.status !== 201) throw new Error(`PAR ${p.status} ${JSON.stringify(p.body)}`)
	const b = browser(), r = await b.signIn(url({ client_id: 'bank', request_uri: p.body.request_uri }))
	return { code: back(r).get('code'), iss: back(r).get('iss'), v: p.v, uri: p.body.request_uri, b, r }
}
const bankRedeem = (c, opt = {}, more = {}) => proved(meta.token_endpoint, a => ({ ...a, grant_type: 'authorization_code', code: c.code, redirect_uri: 'https://bank.example/cb',
	code_verifier: c.v, ...more }), opt)

await fapi('discovery-end-point-verification', async () => meta.authorization_response_iss_parameter_supported === true && PAR !== undefined &&
	meta.tls_client_certificate_bound_access_tokens === true)
await fapi('happy-flow', async () => {
	const t = await bankRedeem(await bankCode())
	const u = await fetch(meta.userinfo_endpoint, { headers: { authorization: `DPoP ${t.body.access_token}`, dpop: await proof('GET', meta.userinfo_endpoint, { token: t.body.access_token }) } })
	const n = u.status === 200 ? u : await fetch(meta.userinfo_endpoint, { headers: { authorization: `DPoP ${t.body.access_token}`,
		dpop: await proof('GET', meta.userinfo_endpoint, { token: t.body.access_token, nonce: u.headers.get('dpop-nonce') }) } })
	return t.body.token_type === 'DPoP' && n.status === 200 || `${t.status} ${JSON.stringify(t.body)} ${n.status}`
})
await fapi('ensure-unsigned-authorization-request-without-using-par-fails', async () => {
	const r = await browser().go(url({ ...request(), client_id: 'bank', redirect_uri: 'https://bank.example/cb', code_challenge: s256('x'), code_challenge_method: 'S256' }))
	return back(r).get('error') === 'invalid_request' || shown(r)
})
for (const [name, more] of [['without-state', { state: undefined }], ['without-nonce', { nonce: undefined }], ['with-64-char-nonce', { nonce: 'n'.repeat(64) }]])
	await fapi(`ensure-authorization-request-${name}-success`, async () => (await bankRedeem(await bankCode(more))).status === 200)
for (const [name, more, a] of [['par-ensure-pkce-required', { code_challenge: undefined, code_challenge_method: undefined }], ['par-plain-pkce-rejected', { code_challenge_method: 'plain' }],
	['par-authorization-request-containing-request_uri-form-param', { request_uri: 'urn:x' }], ['ensure-redirect-uri-in-authorization-request', { redirect_uri: undefined }],
	['ensure-registered-redirect-uri', { redirect_uri: 'https://bank.example/other' }], ['ensure-response-type-code-idtoken-fails', { response_type: 'code id_token' }],
	['ensure-response-type-token-fails', { response_type: 'token' }], ['par-test-array-as-audience-fails', {}, { aud: [issuer] }],
	['par-test-par-endpoint-url-as-audience-fails', {}, { aud: PAR }], ['par-test-token-endpoint-url-as-audience-fails', {}, { aud: meta.token_endpoint }],
	['par-ensure-jwt-client-assertions-nbf-over-60-seconds-in-the-future-fails', {}, { nbf: now() + 120 }],
	['ensure-client-assertion-with-exp-is-5-minutes-in-past-fails', {}, { exp: now() - 300 }], ['ensure-client-assertion-with-wrong-aud-fails', {}, { aud: 'https://other.example' }],
	['ensure-client-assertion-with-no-sub-fails', {}, { sub: undefined }]])
	await fapi(name, async () => { const r = await push(more, a); return r.status === 400 || r.status === 401 || `${r.status} ${JSON.stringify(r.body)}` })
await fapi('par-ensure-jwt-client-assertions-nbf-8-seconds-in-the-future-is-accepted', async () => (await push({}, { nbf: now() + 8 })).status === 201)
await fapi('par-attempt-invalid-http-method', async () => (await fetch(PAR)).status === 405)
await fapi('par-attempt-reuse-request_uri', async () => {
	const c = await bankCode()
	const r = await c.b.go(url({ client_id: 'bank', request_uri: c.uri }))
	return back(r).get('code') === null
})
await fapi('par-attempt-to-use-request_uri-for-different-client', async () => {
	const p = await push()
	return back(await browser().go(url({ client_id: 'web', request_uri: p.body.request_uri }))).get('code') === null
})
await fapi('par-ensure-reused-request-uri-prior-to-auth-completion-succeeds', async () => {
	const p = await push(), b = browser(), u = url({ client_id: 'bank', request_uri: p.body.request_uri })
	await b.go(u)
	return back(await b.signIn(u)).get('code') !== null
})
await fapi('ensure-pkce-code-verifier-required', async () => (await bankRedeem(await bankCode(), {}, { code_verifier: undefined })).body.error === 'invalid_grant')
await fapi('incorrect-pkce-code-verifier-rejected', async () => (await bankRedeem(await bankCode(), {}, { code_verifier: random() })).body.error === 'invalid_grant')
await fapi('ensure-authorization-code-is-bound-to-client', async () => {
	const c = await bankCode()
	return (await redeem(c.code, { redirect_uri: 'https://bank.example/cb', code_verifier: c.v })).body.error === 'invalid_grant'
})
await fapi('attempt-reuse-authorization-code-after-one-second', async () => {
	const c = await bankCode()
	await bankRedeem(c)
	return (await bankRedeem(c)).body.error === 'invalid_grant'
})
await fapi('ensure-holder-of-key-required', async () => {
	const c = await bankCode()
	const r = await post(meta.token_endpoint, { ...await auth(), grant_type: 'authorization_code', code: c.code, redirect_uri: 'https://bank.example/cb', code_verifier: c.v })
	return r.status === 400 || r.status === 401
})
await fapi('ensure-mismatched-dpop-jkt-fails', async () => {
	const jkt = await jose.calculateJwkThumbprint(await jose.exportJWK(otherKey.publicKey))
	return (await bankRedeem(await bankCode({ dpop_jkt: jkt }))).status >= 400
})
await fapi('ensure-dpop-auth-code-binding-success', async () => {
	const jkt = await jose.calculateJwkThumbprint(await jose.exportJWK(dpopKey.publicKey))
	return (await bankRedeem(await bankCode({ dpop_jkt: jkt }))).status === 200
})
// What was made before the service started is refused: which proofs it saw then, nobody remembers.
await new Promise(r => setTimeout(r, Math.max(0, 10000 - performance.now())))
for (const [when, d] of [['before', -8], ['after', 8]])
	await fapi(`ensure-dpopproof-with-iat-10seconds-${when}-succeeds`, async () => (await bankRedeem(await bankCode(), { shift: d })).status === 200)
await fapi('dpop-negative-tests', async () => {
	const t = (await bankRedeem(await bankCode())).body.access_token, to = meta.userinfo_endpoint
	const nonce = (await fetch(to, { headers: { authorization: `DPoP ${t}`, dpop: await proof('GET', to, { token: t }) } })).headers.get('dpop-nonce') ?? undefined
	const ask = async (dpop, scheme = 'DPoP') => (await fetch(to, { headers: { authorization: `${scheme} ${t}`, ...(dpop && { dpop }) } })).status
	const good = (o = {}) => proof('GET', to, { token: t, nonce, ...o })
	const bad = [await ask(undefined), await ask('x.y.z'), await ask(await good({ typ: 'JWT' })), await ask(await proof('POST', to, { token: t, nonce })),
		await ask(await proof('GET', `${to}/x`, { token: t, nonce })), await ask(await good({ iat: now() - 3600 })), await ask(await good({ iat: now() + 3600 })),
		await ask(await good({ ath: s256('other') })), await ask(await good({ jti: undefined })), await ask(await good({ htm: undefined })), await ask(await good({ htu: undefined })),
		await ask(await good({ iat: undefined })), await ask(await good({ key: otherKey })), await ask(await good(), 'Bearer')]
	const once = await good(), first = await ask(once), again = await ask(once)
	const fine = [await ask(await proof('GET', `${to}?a=b`, { token: t, nonce })), await ask(await proof('GET', to.replace('https://', 'HTTPS://'), { token: t, nonce })), await ask(await good({ extra: 1 }))]
	return bad.every(s => s === 401 || s === 400) && first === 200 && again === 401 && fine.every(s => s === 200) || JSON.stringify({ bad, first, again, fine })
})
await fapi('access-token-type-header-case-sensitivity', async () => {
	const t = (await bankRedeem(await bankCode())).body.access_token, to = meta.userinfo_endpoint
	const nonce = (await fetch(to, { headers: { authorization: `DPoP ${t}`, dpop: await proof('GET', to, { token: t }) } })).headers.get('dpop-nonce') ?? undefined
	return (await fetch(to, { headers: { authorization: `dPoP ${t}`, dpop: await proof('GET', to, { token: t, nonce }) } })).status === 200
})
console.log('ok the end')
