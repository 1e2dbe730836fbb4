// The FAPI 2.0 Security Profile plan of the OpenID Foundation's suite played against the running service, one named check each; names are
// the suite's.  Its variants: client_auth_type=private_key_jwt with sender_constrain=dpop, and mtls with mtls (VARIANT=mtls).
import * as jose from 'jose'
import http from 'node:https'
import {
	assertion, asserted, auth, back, BANK, BANK2, bankCb, bankCode, bankRedeem, browser, certified, dpopKey, INFO, issuer, meta, module_, mtls, now, otherKey, own, PAR,
	post, proof, proved, push, pushed, pushProved, random, redeem, request, s256, shown, shownTo, TOKEN, until, url,
} from './rp.mjs'

const fapi = (name, run) => module_(`fapi2-security-profile-final-${name}${mtls ? ' (mtls)' : ''}`, run)
// Modules of one variant alone.
const byKey = mtls ? async () => {} : fapi, byCertificate = mtls ? fapi : async () => {}
const late = process.env.LG_LONG ? { at: performance.now(), code: await bankCode(), par: await push() } : null
const refused = (r, ...errors) => (r.status === 400 || (r.status === 401 && r.body.error === 'invalid_client')) && errors.includes(r.body.error)
	&& !/[\r\n\t]/.test(r.body.error_description ?? '') || `${r.status} ${JSON.stringify(r.body)}`
const GOOD = ['PS256', 'ES256', 'EdDSA', 'Ed25519']
const ask = (to, how) => mtls ? certified(BANK, to, how) : fetch(to, how)
const jktOf = async key => jose.calculateJwkThumbprint(await jose.exportJWK(key.publicKey))

// The second bank's flow, which shows a certificate that it made itself.
async function certified2() {
	const v = random(), form = { client_id: BANK2, redirect_uri: bankCb }
	const p = await post(PAR, { ...form, response_type: 'code', scope: 'openid', code_challenge: s256(v), code_challenge_method: 'S256' }, {}, BANK2)
	const code = back(await browser().signIn(url({ client_id: BANK2, request_uri: p.body.request_uri }))).get('code')
	return post(TOKEN, { ...form, grant_type: 'authorization_code', code, code_verifier: v }, {}, BANK2)
}

// ---- base ---------------------------------------------------------------------------------------------------------------
await fapi('discovery-end-point-verification', async () => meta.authorization_response_iss_parameter_supported === true && PAR !== undefined &&
	meta.tls_client_certificate_bound_access_tokens === true && typeof meta.require_pushed_authorization_requests === 'boolean' &&
	(mtls ? ['tls_client_auth', 'self_signed_tls_client_auth'] : ['private_key_jwt']).every(m => meta.token_endpoint_auth_methods_supported.includes(m)) &&
	['token_endpoint', 'userinfo_endpoint', 'pushed_authorization_request_endpoint'].every(e => meta.mtls_endpoint_aliases[e].startsWith('https://')) && meta.code_challenge_methods_supported.includes('S256') &&
	['id_token', 'userinfo', 'token_endpoint_auth', 'dpop', 'request_object'].every(of => GOOD.some(a => meta[`${of}_signing_alg_values_supported`].includes(a))) &&
	!meta.dpop_signing_alg_values_supported.includes('RS256'))
await fapi('happy-flow', async () => {
	const c = await bankCode(), t = await bankRedeem(c)
	const { payload, protectedHeader } = await jose.jwtVerify(t.body.id_token, jose.createRemoteJWKSet(new URL(meta.jwks_uri)), { issuer, audience: BANK })
	const n = await shownTo(INFO, t.body.access_token)
	const { cnf } = jose.decodeJwt(t.body.access_token), bound = mtls ? cnf['x5t#S256'] : cnf.jkt
	return c.iss === issuer && t.body.token_type === (mtls ? 'Bearer' : 'DPoP') && bound?.length === 43 && GOOD.includes(protectedHeader.alg) && n.status === 200 && (await n.json()).sub === payload.sub ||
		`${t.status} ${JSON.stringify(t.body)} ${n.status}`
})
await fapi('user-rejects-authentication', async () => {
	const b = browser()
	b.answer = 'deny'
	const c = await pushed(await push({ prompt: 'consent', state: 's1' }), b), q = back(c.r)
	return q.get('error') === 'access_denied' && q.get('state') === 's1' && q.get('iss') === issuer && c.code === null || c.r.headers.get('location')
})
await fapi('ensure-other-scope-order-succeeds', async () => {
	const t = await bankRedeem(await bankCode({ scope: 'email profile openid' }))
	return (await (await shownTo(INFO, t.body.access_token)).json()).email === 'alice@example.org'
})
await fapi('test-claims-parameter-identity-claims', async () => {
	const names = ['name', 'given_name', 'family_name', 'preferred_username', 'email', 'email_verified', 'phone_number', 'address', 'updated_at']
	const ask = Object.fromEntries(names.map((n, i) => [n, [null, { essential: true }, { essential: false }][i % 3]]))
	const t = await bankRedeem(await bankCode({ claims: JSON.stringify({ userinfo: { ...ask, 'x-unknown': null }, id_token: { ...ask, 'urn:unknown': { value: 'a' } } }) }))
	const i = await (await shownTo(INFO, t.body.access_token)).json(), d = jose.decodeJwt(t.body.id_token)
	return names.every(n => i[n] !== undefined && d[n] !== undefined) && i['x-unknown'] === undefined && d['urn:unknown'] === undefined && i.sub === d.sub ||
		JSON.stringify({ i, d })
})
await fapi('access-token-type-header-case-sensitivity', async () =>
	(await shownTo(INFO, (await bankRedeem(await bankCode())).body.access_token, { scheme: mtls ? 'bEaRer' : 'dPoP' })).status === 200)
await fapi('refresh-token', async () => {
	const t = await bankRedeem(await bankCode({ scope: 'openid offline_access' })), first = t.body.refresh_token
	const again = (token, opt) => proved(TOKEN, a => ({ ...a, grant_type: 'refresh_token', refresh_token: token }), opt)
	const n = await again(first), one = jose.decodeJwt(t.body.id_token), two = n.body.id_token && jose.decodeJwt(n.body.id_token)
	const other = await proved(TOKEN, a => ({ ...a, grant_type: 'refresh_token', refresh_token: n.body.refresh_token ?? first }), {}, BANK2)
	const wider = await proved(TOKEN, a => ({ ...a, grant_type: 'refresh_token', refresh_token: n.body.refresh_token ?? first, scope: 'openid offline_access groups' }))
	return /^[\x20-\x7e]+$/.test(first) && n.status === 200 && n.body.token_type === t.body.token_type && (!two || two.sub === one.sub && two.iss === one.iss && two.nonce === undefined) &&
		other.body.error === 'invalid_grant' && wider.body.error === 'invalid_scope' && (await shownTo(INFO, n.body.access_token)).status === 200 ||
		JSON.stringify({ n: n.body, other: other.body, wider: wider.body })
})

// ---- the request ------------------------------------------------------------------------------------------------------------
await fapi('ensure-unsigned-authorization-request-without-using-par-fails', async () => {
	const r = await browser().go(url({ ...request(), client_id: BANK, redirect_uri: bankCb, code_challenge: s256('x'), code_challenge_method: 'S256' }))
	return back(r).get('error') === 'invalid_request' || shown(r)
})
for (const [name, more] of [['without-state', { state: undefined }], ['without-nonce', { nonce: undefined }], ['with-64-char-nonce', { nonce: 'n'.repeat(64) }]])
	await fapi(`ensure-authorization-request-${name}-success`, async () => {
		const c = await bankCode(more), t = await bankRedeem(c)
		return t.status === 200 && (!more.nonce || jose.decodeJwt(t.body.id_token).nonce === more.nonce) && (!('state' in more) || !back(c.r).has('state'))
	})
// 384 and 512 characters: taken and given back whole, or refused where they are pushed.
for (const [name, more] of [['nonce', { nonce: 'n'.repeat(384) }], ['state', { state: 's'.repeat(512) }]])
	await fapi(`ensure-authorization-request-with-long-${name}`, async () => {
		const p = await push(more)
		if (p.status !== 201) return refused(p, 'invalid_request')
		const c = await pushed(p), t = await bankRedeem(c)
		return t.status === 200 && (name === 'nonce' ? jose.decodeJwt(t.body.id_token).nonce === more.nonce : back(c.r).get('state') === more.state)
	})
for (const [name, more, errors] of [
	['par-ensure-pkce-required', { code_challenge: undefined, code_challenge_method: undefined }], ['par-plain-pkce-rejected', { code_challenge_method: 'plain' }],
	['par-authorization-request-containing-request_uri-form-param', { request_uri: 'urn:ietf:params:oauth:request_uri:x' }],
	['ensure-redirect-uri-in-authorization-request', { redirect_uri: undefined }], ['ensure-registered-redirect-uri', { redirect_uri: 'https://bank.example/other' }],
	['plain-fapi-tolerate-unregistered-redirect-uri', { redirect_uri: `${bankCb}/${random()}` }],
	['ensure-response-type-code-idtoken-fails', { response_type: 'code id_token' }, ['unsupported_response_type', 'invalid_request', 'unauthorized_client']],
	['ensure-response-type-token-fails', { response_type: 'token' }, ['unsupported_response_type', 'invalid_request', 'unauthorized_client']]])
	await fapi(name, async () => refused(await push(more), ...errors ?? ['invalid_request']))

// ---- pushed requests ----------------------------------------------------------------------------------------------------------
await fapi('par-attempt-invalid-http-method', async () => (await ask(PAR)).status === 405 && (await ask(PAR, { method: 'PUT', body: '' })).status === 405)
await byKey('par-authorization-request-containing-request_uri', async () => {
	const o = await assertion({ iss: 'bank', client_id: 'bank', response_type: 'code', redirect_uri: bankCb, scope: 'openid', request_uri: 'urn:ietf:params:oauth:request_uri:x',
		code_challenge: s256('x'), code_challenge_method: 'S256', exp: now() + 60, nbf: now() })
	return refused(await post(PAR, { ...await auth(), request: o }), 'invalid_request', 'invalid_request_object')
})
await fapi('par-without-duplicate-parameters', async () => (await bankRedeem(await bankCode())).status === 200)	// client_id and request_uri alone
await fapi('par-attempt-reuse-request_uri', async () => {
	const c = await bankCode()
	return c.code !== null && shown(await c.b.go(url({ client_id: BANK, request_uri: c.uri })))
})
await fapi('par-attempt-to-use-request_uri-for-different-client', async () => {
	const p = await push()
	return shown(await browser().go(url({ client_id: BANK2, request_uri: p.body.request_uri })))
})
await fapi('par-ensure-reused-request-uri-prior-to-auth-completion-succeeds', async () => {
	const p = await push(), b = browser(), u = url({ client_id: BANK, request_uri: p.body.request_uri })
	await b.go(u)
	return back(await b.signIn(u)).get('code') !== null
})

// ---- client assertions --------------------------------------------------------------------------------------------------------
for (const [name, a] of [['par-test-array-as-audience-fails', { aud: [issuer] }], ['par-test-par-endpoint-url-as-audience-fails', { aud: PAR }],
	['par-test-token-endpoint-url-as-audience-fails', { aud: meta.token_endpoint }],
	['par-ensure-jwt-client-assertions-nbf-over-60-seconds-in-the-future-fails', { nbf: now() + 120, iat: now() + 120, exp: now() + 240 }],
	['ensure-client-assertion-with-exp-is-5-minutes-in-past-fails', { exp: now() - 300 }], ['ensure-client-assertion-with-wrong-aud-fails', { aud: 'https://other.example' }],
	['ensure-client-assertion-with-no-sub-fails', { sub: undefined }]])
	await byKey(name, async () => refused(await push({}, a), 'invalid_client'))
await byKey('par-ensure-jwt-client-assertions-nbf-8-seconds-in-the-future-is-accepted', async () => (await push({}, { nbf: now() + 8, iat: now() + 8 })).status === 201)
await byKey('ensure-signed-client-assertion-with-RS256-fails', async () =>
	refused(await push({ client_assertion: await assertion({}, { kid: 'bank-rsa', alg: 'RS256' }) }), 'invalid_client'))
await byKey('ensure-client-assertion-in-token-endpoint', async () => {
	const c = await bankCode()
	return refused(await post(meta.token_endpoint, { client_id: 'bank', grant_type: 'authorization_code', code: c.code, redirect_uri: bankCb, code_verifier: c.v },
		{ dpop: await proof('POST', meta.token_endpoint) }), 'invalid_client', 'invalid_request')
})

// ---- codes and tokens -----------------------------------------------------------------------------------------------------------
await fapi('ensure-pkce-code-verifier-required', async () => refused(await bankRedeem(await bankCode(), {}, { code_verifier: undefined }), 'invalid_grant', 'invalid_request'))
await fapi('incorrect-pkce-code-verifier-rejected', async () => refused(await bankRedeem(await bankCode(), {}, { code_verifier: random() }), 'invalid_grant'))
await fapi('ensure-client-id-in-token-endpoint', async () => {
	const c = await bankCode(), form = { grant_type: 'authorization_code', code: c.code, redirect_uri: bankCb, code_verifier: c.v }
	// The second client's name, the first one's key.
	if (mtls) return refused(await post(TOKEN, { ...form, client_id: BANK2 }, {}, BANK), 'invalid_client', 'invalid_grant')
	return refused(await post(TOKEN, { ...form, ...await asserted(BANK2, {}, { key: own.bank }) }, { dpop: await proof('POST', TOKEN) }), 'invalid_client', 'invalid_grant')
})
await fapi('ensure-authorization-code-is-bound-to-client', async () => {
	const c = await bankCode()
	return refused(await redeem(c.code, { redirect_uri: bankCb, code_verifier: c.v }), 'invalid_grant')
})
await fapi('attempt-reuse-authorization-code-after-one-second', async () => {
	const c = await bankCode(), t = await bankRedeem(c), from = performance.now()
	await until(from + 1000)
	return (await refused(await bankRedeem(c), 'invalid_grant')) === true && (await shownTo(INFO, t.body.access_token)).status === 401
})
await fapi('ensure-holder-of-key-required', async () => {
	const c = await bankCode()
	const form = { ...await auth(), grant_type: 'authorization_code', code: c.code, redirect_uri: bankCb, code_verifier: c.v }
	// Where certificates are wanted, the handshake fails without one.
	if (mtls) return await post(TOKEN, form).then(() => 'an answer without a certificate', () => true) === true && refused(await post(meta.token_endpoint, form), 'invalid_client')
	return refused(await post(TOKEN, form), 'invalid_dpop_proof', 'invalid_request')
})

// ---- certificates: what the suite checks of them in its happy flow, one by one ---------------------------------------------------
await byCertificate('par-without-certificate-fails', async () => refused(await post(meta.pushed_authorization_request_endpoint, { ...await auth(), response_type: 'code',
	redirect_uri: bankCb }), 'invalid_client'))
await byCertificate('par-with-the-second-clients-certificate-fails', async () => refused(await post(PAR, { ...await auth(), response_type: 'code', redirect_uri: bankCb }, {}, BANK2),
	'invalid_client'))
await byCertificate('token-is-worth-nothing-without-its-certificate', async () => {
	const t = (await bankRedeem(await bankCode())).body.access_token, header = { headers: { authorization: `Bearer ${t}` } }
	const at = [await shownTo(INFO, t), await shownTo(INFO, t, { who: BANK2 }), await fetch(meta.userinfo_endpoint, header)].map(r => r.status)
	return String(at) === '200,401,401' || String(at)
})
await byCertificate('self-signed-certificate-is-as-good', async () => {
	const t = await certified2()
	return t.status === 200 && (await shownTo(INFO, t.body.access_token, { who: BANK2 })).status === 200 && (await shownTo(INFO, t.body.access_token)).status === 401 || JSON.stringify(t)
})

// ---- DPoP ---------------------------------------------------------------------------------------------------------------------------
const MISMATCH = ['invalid_request', 'invalid_grant', 'invalid_dpop_proof']
await byKey('check-dpop-proof-nbf-exp', async () => {
	const times = { nbf: now(), exp: now() + 300 }, t = await bankRedeem(await bankCode(), times)
	return (await shownTo(INFO, t.body.access_token, times)).status === 200
})
await byKey('ensure-mismatched-dpop-jkt-fails', async () =>
	refused(await pushProved({ dpop_jkt: await jktOf(otherKey) }), 'invalid_request', 'invalid_dpop_proof'))
await byKey('ensure-token-endpoint-fails-with-mismatched-dpop-jkt', async () => refused(await bankRedeem(await bankCode({ dpop_jkt: await jktOf(otherKey) })), ...MISMATCH))
await byKey('ensure-token-endpoint-fails-with-mismatched-dpop-proof-jkt', async () =>
	refused(await bankRedeem(await pushed(await pushProved()), { key: otherKey }), ...MISMATCH))
await byKey('ensure-dpopproof-at-par-endpoint-binding-success', async () => (await bankRedeem(await pushed(await pushProved()))).status === 200)
await byKey('ensure-dpop-auth-code-binding-success', async () => (await bankRedeem(await bankCode({ dpop_jkt: await jktOf(dpopKey) }))).status === 200)
// What was made before the service started is refused: which proofs it saw then, nobody remembers.
if (!mtls) await until(10000)
for (const [when, d] of [['before', -8], ['after', 8]])
	await byKey(`ensure-dpopproof-with-iat-10seconds-${when}-succeeds`, async () => (await bankRedeem(await bankCode(), { shift: d })).status === 200)

// Two headers of one name are one header to fetch.
const twice = (t, one, two) => new Promise((done, fail) => {
	const r = http.request(INFO, { headers: ['Authorization', `DPoP ${t}`, 'DPoP', one, 'DPoP', two], ca: process.env.CA_TEXT, agent: false }, a => { a.resume(); done(a.statusCode) })
	r.on('error', fail).end()
})
await byKey('dpop-negative-tests', async () => {
	const t = (await bankRedeem(await bankCode())).body.access_token
	const nonce = (await fetch(INFO, { headers: { authorization: `DPoP ${t}`, dpop: await proof('GET', INFO, { token: t }) } })).headers.get('dpop-nonce') ?? undefined
	const tell = async (dpop, scheme = 'DPoP') => (await fetch(INFO, { headers: { authorization: `${scheme} ${t}`, ...(dpop && { dpop }) } })).status
	const make = (o = {}, htm = 'GET', htu = INFO) => proof(htm, htu, { token: t, nonce, ...o }), at = async (o, ...where) => tell(await make(o, ...where))
	const parts = (await make()).split('.'), once = await make(), other = new URL(INFO)
	const unsigned = `${Buffer.from(JSON.stringify({ ...jose.decodeProtectedHeader(once), alg: 'none' })).toString('base64url')}.${parts[1]}.`
	const rsaKey = await jose.generateKeyPair('RS256', { extractable: true })
	const bad = {
		'header repeated': await twice(t, await make(), await make()), 'no JWT': await tell('invalid'), 'no typ': await at({ typ: '' }), 'no alg': await tell(`${Buffer.from('{"typ":"dpop+jwt"}')
			.toString('base64url')}.${parts[1]}.${parts[2]}`), 'no jwk': await at({ jwk: null }), 'no jti': await at({ jti: undefined }), 'no htm': await at({ htm: undefined }),
		'no htu': await at({ htu: undefined }), 'no iat': await at({ iat: undefined }), 'no ath': await at({ token: undefined }), 'wrong typ': await at({ typ: 'JWT' }),
		RS256: await at({ key: rsaKey, alg: 'RS256' }), none: await tell(unsigned), 'bad signature': await tell(`${parts[0]}.${parts[1]}.${parts[2].slice(0, -8)}AAAAAAAA`),
		'private jwk': await at({ jwk: await jose.exportJWK(dpopKey.privateKey) }), 'wrong htm': await at({}, 'POST'), 'other URL': await at({}, 'GET', `${INFO}/x`),
		'an hour ago': await at({ shift: -3600 }), 'in an hour': await at({ shift: 3600 }), 'wrong ath': await at({ ath: s256('other') }), 'other key': await at({ key: otherKey }),
		'no proof': await tell(undefined), 'Bearer': await tell(await make(), 'Bearer'),
	}
	const fine = { once: await tell(once), query: await at({}, 'GET', `${INFO}?a=b`), 'upper case': await at({}, 'GET', `HTTPS://${other.host.toUpperCase()}${other.pathname}`), extra: await at({ extra: 1 }) }
	const again = await tell(once)
	return Object.values(bad).every(s => s === 401 || s === 400) && again === 401 && Object.values(fine).every(s => s === 200) || JSON.stringify({ bad, again, fine })
})

// ---- what grows old in a minute: in make check-long --------------------------------------------------------------------------------
if (late !== null) {
	await until(late.at + 62000)
	await fapi('ensure-token-endpoint-fails-with-expired-auth-code', async () => refused(await bankRedeem(late.code), 'invalid_grant'))
	await fapi('par-attempt-to-use-expired-request_uri', async () => shown(await browser().go(url({ client_id: BANK, request_uri: late.par.body.request_uri }))))
}
console.log('ok the end')
