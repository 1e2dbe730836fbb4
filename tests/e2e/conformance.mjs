// The Config, Basic and RP-Initiated Logout plans of the OpenID Foundation's suite played against the running service, one named check
// each; names are the suite's.
import { field } from './browser.mjs'
import {
	back, basic, browser, bye, cb, end, errorOf, flow, issuer, meta, module_, over, post, random, redeem, request, s256, secret, shown, until, url, userinfo, web,
} from './rp.mjs'

const basicOp = (name, run) => module_(`oidcc-${name}`, run)
// Played at the end: what it needs is half a minute old then.
const early = { from: performance.now(), flow: await flow() }

// ---- Config OP ---------------------------------------------------------------------------------------------------------
await module_('oidcc-discovery-endpoint-verification', async () => {
	const bad = Object.entries(meta).filter(([k, v]) => k.endsWith('_endpoint') && !String(v).startsWith('https://')).map(([k]) => k)
	const set = await (await fetch(meta.jwks_uri)).json()
	const oauth = await (await fetch(issuer.replace(/^(https:\/\/[^/]*)(.*)$/, '$1/.well-known/oauth-authorization-server$2'))).json()
	return meta.issuer === issuer && bad.length === 0 && meta.id_token_signing_alg_values_supported.includes('RS256') &&
		JSON.stringify(oauth) === JSON.stringify(meta) && Object.values(meta).every(v => !(Array.isArray(v) && v.length === 0)) && meta.response_types_supported.includes('code') && meta.scopes_supported.includes('openid') &&
		meta.subject_types_supported.includes('public') && meta.code_challenge_methods_supported.includes('S256') && meta.claims_supported.includes('sub') &&
		new Set(set.keys.map(k => k.kid)).size === set.keys.length && set.keys.every(k => k.kid && !k.d)
})

// ---- Basic OP ------------------------------------------------------------------------------------------------------------
await basicOp('server', async () => { await flow() })
await basicOp('response-type-missing', async () => {
	const r = await browser().go(url(request({ response_type: undefined })))
	return back(r).get('error') === 'invalid_request' || shown(r)
})
await basicOp('idtoken-unsigned', async () => !meta.id_token_signing_alg_values_supported.includes('none'))	// then the suite's is not played
await basicOp('idtoken-signature', async () => (await flow()).header.alg !== 'none')
await basicOp('userinfo-get', async () => { const f = await flow(); return (await (await userinfo(f.t)).json()).sub === f.id.sub })
await basicOp('userinfo-post-header', async () => { const f = await flow(); return (await (await userinfo(f.t, { method: 'POST' })).json()).sub === f.id.sub })
await basicOp('userinfo-post-body', async () => {
	const f = await flow()
	return (await post(meta.userinfo_endpoint, { access_token: f.t.access_token })).body.sub === f.id.sub
})
await basicOp('ensure-request-without-nonce-succeeds-for-code-flow', async () => (await flow({ nonce: undefined })).id.nonce === undefined)
const CLAIMS = { profile: ['name', 'given_name', 'family_name', 'preferred_username', 'updated_at'], email: ['email', 'email_verified'], address: ['address'], phone: ['phone_number'] }
const scopeTest = scope => async () => {
	const f = await flow({ scope }), i = await (await userinfo(f.t)).json()
	const asked = scope.split(' ').flatMap(s => CLAIMS[s] ?? []), all = Object.values(CLAIMS).flat()
	return asked.every(c => i[c] !== undefined) && all.every(c => asked.includes(c) || (i[c] ?? f.id[c]) === undefined) && i.sub === f.id.sub || JSON.stringify(i)
}
for (const scope of Object.keys(CLAIMS)) await basicOp(`scope-${scope}`, scopeTest(`openid ${scope}`))
await basicOp('scope-all', scopeTest('openid profile email address phone'))
// The parameters in another order, the scopes backwards.
await basicOp('alternate-happy-flow', async () => {
	const { scope, ...rest } = request({ scope: 'email openid' }), b = browser()
	const r = await b.signIn(`${meta.authorization_endpoint}?${new URLSearchParams([['scope', scope], ...Object.entries(rest).reverse()])}`)
	const t = await redeem(back(r).get('code'))
	return back(r).get('state') === rest.state && (await (await userinfo(t.body)).json()).email === 'alice@example.org'
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
// The suite plays it where unsigned objects are taken; here signed ones are (conformance-dynamic.mjs has that).
await basicOp('ensure-request-object-with-redirect-uri', async () => !meta.request_object_signing_alg_values_supported.includes('none'))
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
const logout = (name, run) => module_(`oidcc-rp-initiated-logout${name}`, run)
await logout('-discovery-endpoint-verification', async () => meta.end_session_endpoint.startsWith('https://'))
await logout('', async () => {
	const f = await flow()
	const r = await f.b.go(end({ id_token_hint: f.t.id_token, post_logout_redirect_uri: bye, state: 's1' }))
	return r.headers.get('location') === `${bye}?state=s1` && await over(f.b)
})
await logout('-no-state', async () => {
	const f = await flow()
	return (await f.b.go(end({ id_token_hint: f.t.id_token, post_logout_redirect_uri: bye }))).headers.get('location') === bye && await over(f.b)
})
// Nothing that was not registered is gone to, and nothing that is no ID token of ours counts.
for (const [name, q] of [['-bad-post-logout-redirect-uri', f => ({ id_token_hint: f.t.id_token, post_logout_redirect_uri: `${bye}/x`, state: 's' })],
	['-query-added-to-post-logout-redirect-uri', f => ({ id_token_hint: f.t.id_token, post_logout_redirect_uri: `${bye}?a=b`, state: 's' })],
	['-modified-id-token-hint', f => ({ id_token_hint: `${Buffer.from('{"alg":"none"}').toString('base64url')}.${f.t.id_token.split('.')[1]}.`, post_logout_redirect_uri: bye })],
	['-bad-id-token-hint', f => ({ id_token_hint: f.t.id_token.slice(0, -8) + 'AAAAAAAA', post_logout_redirect_uri: bye })]])
	await logout(name, async () => { const f = await flow(); return shown(await f.b.go(end(q(f)))) })
// The session's own ID token ends it at once; without, the person is asked, and then it ends.
await logout('-no-post-logout-redirect-uri', async () => {
	const f = await flow()
	const r = await f.b.go(end({ id_token_hint: f.t.id_token, state: 's' }))
	return r.status === 200 && r.headers.get('location') === null && await over(f.b)
})
for (const [name, q] of [['-no-params', {}], ['-only-state', { state: 's' }], ['-no-id-token-hint', { client_id: 'web', post_logout_redirect_uri: bye, state: 's1' }]])
	await logout(name, async () => {
		const f = await flow(), asked = await (await f.b.go(end(q))).text(), still = !await over(f.b)
		const r = await f.b.go(meta.end_session_endpoint, { csrf: field(asked, 'csrf'), request: field(asked, 'request') })
		return still && r.headers.get('location') === (q.client_id ? `${bye}?state=s1` : null) && await over(f.b)
	})

// Not the suite's: at_hash by the hash that goes with the key (SHA-512 of Ed25519).
await module_('at_hash of EdDSA', async () => {
	const who = { id: 'edwards', redirect: cb, auth: async () => ({ client_id: 'edwards', client_secret: secret('Client', 'edwards') }) }
	return (await flow({}, browser(), false, who)).header.alg === 'EdDSA'
})

// ---- what takes its time ----------------------------------------------------------------------------------------------------
await until(early.from + 30000)
await basicOp('codereuse-30seconds', async () => {
	const r = await redeem(early.flow.code)
	return r.status === 400 && r.body.error === 'invalid_grant' && (await userinfo(early.flow.t)).status === 401
})
console.log('ok the end')
