// The Dynamic, Back-Channel and Front-Channel Logout plans of the OpenID Foundation's suite played against the running service, one named
// check each; names are the suite's.  Clients register themselves; their keys, documents and logout addresses are served here, over TLS.
import * as jose from 'jose'
import fs from 'node:fs'
import https from 'node:https'
import {
	asserted, back, browser, end, errorOf, flow, issuer, keys, meta, module_, now, over, post, random, redeem, request, shown, until, url, userinfo,
} from './rp.mjs'

const begun = performance.now()
const served = new Map(), posted = []
const server = https.createServer({ cert: fs.readFileSync(process.env.OWN_CERT), key: fs.readFileSync(process.env.OWN_KEY) }, (q, r) => {
	let body = ''
	q.on('data', d => { body += d }).on('end', () => {
		if (q.method === 'POST') posted.push({ path: q.url, type: q.headers['content-type'], body: new URLSearchParams(body) })
		const file = served.get(q.url)
		r.writeHead(q.method === 'POST' ? 200 : file ? 200 : 404, { 'content-type': file?.type ?? 'application/json', 'cache-control': 'no-store' }).end(file?.text)
	})
})
await new Promise(done => server.listen(0, '127.0.0.1', done))
const base = `https://127.0.0.1:${server.address().port}`, cb = `${base}/cb`
const serve = (path, text, type) => { served.set(path, { text: typeof text === 'string' ? text : JSON.stringify(text), type }); return base + path }

// ---- registration ---------------------------------------------------------------------------------------------------------------
async function pair(kid) {
	const k = await jose.generateKeyPair('RS256', { extractable: true })
	return { kid, key: k.privateKey, public: { ...await jose.exportJWK(k.publicKey), kid, use: 'sig', alg: 'RS256' } }
}
const own = await pair('own-1')
async function tell(metadata) {
	const r = await fetch(meta.registration_endpoint, { method: 'POST', headers: { authorization: `Bearer ${process.env.ADMIN}`, 'content-type': 'application/json' },
		body: JSON.stringify({ redirect_uris: [cb], token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [own.public] }, grant_types: ['authorization_code'],
			response_types: ['code'], application_type: 'web', client_name: 'The Suite', contacts: ['suite@example.org'], ...metadata }) })
	return { status: r.status, body: await r.json() }
}
const using = (id, k = own) => ({ id, redirect: cb, auth: () => asserted(id, {}, { kid: k.kid, key: k.key, alg: 'RS256' }) })
async function register(metadata = {}) {
	const r = await tell(metadata), told = Object.entries(metadata).filter(([k, v]) => v !== undefined && JSON.stringify(r.body[k]) !== JSON.stringify(v)).map(([k]) => k)
	if (r.status !== 201 || told.length > 0) throw new Error(`registration ${r.status} ${told} ${JSON.stringify(r.body)}`)
	return using(r.body.client_id)
}
const refused = async (metadata, ...errors) => { const r = await tell(metadata); return r.status === 400 && errors.includes(r.body.error) || `${r.status} ${JSON.stringify(r.body)}` }
const play = (who, more = {}, b = browser()) => flow(more, b, false, who)
const ask = (who, more) => request({ client_id: who.id, redirect_uri: who.redirect, ...more })
const object = (who, claims, alg = 'RS256') => new jose.SignJWT({ iss: who.id, aud: issuer, exp: now() + 300, ...claims }).setProtectedHeader({ alg, kid: own.kid }).sign(own.key)

// ---- Dynamic OP --------------------------------------------------------------------------------------------------------------------
const dynamic = (name, run) => module_(`oidcc-${name}`, run)
const kids = async () => (await (await fetch(meta.jwks_uri)).json()).keys.map(k => k.kid)
const firstKids = await kids()
await dynamic('discovery-endpoint-verification (dynamic)', async () => meta.registration_endpoint.startsWith(issuer) && meta.request_uri_parameter_supported === true &&
	meta.request_parameter_supported === true && meta.claims_parameter_supported === true && meta.response_types_supported.includes('code') &&
	['authorization_code', 'refresh_token'].every(g => meta.grant_types_supported.includes(g)))
await dynamic('server (dynamic)', async () => {
	const f = await play(await register()), i = await (await userinfo(f.t)).json()
	return i.sub === f.id.sub
})
await dynamic('idtoken-rs256', async () => (await play(await register({ id_token_signed_response_alg: 'RS256' }))).header.alg === 'RS256')
await dynamic('idtoken-unsigned (refused)', async () => refused({ id_token_signed_response_alg: 'none' }, 'invalid_client_metadata'))
await dynamic('userinfo-rs256', async () => {
	const who = await register({ userinfo_signed_response_alg: 'RS256' }), f = await play(who), r = await userinfo(f.t)
	const { payload, protectedHeader } = await jose.jwtVerify(await r.text(), keys, { issuer, audience: who.id })
	return r.headers.get('content-type').startsWith('application/jwt') && protectedHeader.alg === 'RS256' && payload.sub === f.id.sub
})
await dynamic('ensure-redirect-uri-in-authorization-request', async () => shown(await browser().go(url(ask(await register(), { redirect_uri: undefined })))))
const query = { redirect_uris: [`${cb}?foo=bar`] }
await dynamic('redirect-uri-query-OK', async () => {
	const f = await play({ ...await register(query), redirect: `${cb}?foo=bar` })
	return new URL(f.location).searchParams.get('foo') === 'bar' && f.location.startsWith(cb)
})
await dynamic('redirect-uri-query-mismatch', async () => shown(await browser().go(url(ask(await register(query), { redirect_uri: `${cb}?foo=baz` })))))
await dynamic('redirect-uri-query-added', async () => shown(await browser().go(url(ask(await register(), { redirect_uri: `${cb}?foo=bar` })))))
await dynamic('redirect-uri-regfrag', async () => refused({ redirect_uris: [`${cb}#foo`] }, 'invalid_redirect_uri', 'invalid_client_metadata'))
for (const [name, member] of [['policy', 'policy_uri'], ['tos', 'tos_uri']])
	await dynamic(`registration-${name}-uri`, async () => {
		const who = await register({ [member]: `${base}/${name}` }), b = browser()
		b.consent = r => r
		const page = await (await b.signIn(url(ask(who)))).text()
		return page.includes(`href="${base}/${name}"`) && page.includes('The Suite')
	})
await dynamic('registration-logo-uri', async () => { await play(await register({ logo_uri: `${base}/logo.png` })) })	// kept and told; pages load nothing from elsewhere
await dynamic('registration-jwks-uri', async () => {
	const who = await register({ jwks: undefined, jwks_uri: serve('/jwks', { keys: [own.public] }) })
	return (await play(who)).header.alg !== 'none'
})
await dynamic('registration-sector-uri', async () => { await play(await register({ sector_identifier_uri: serve('/sector', [cb]) }).catch(async e => {
	if (!/sector_identifier_uri/.test(e.message) || !/registration 201/.test(e.message)) throw e
	return using(JSON.parse(e.message.slice(e.message.indexOf('{'))).client_id)	// what is judged once is not kept
})) })
await dynamic('registration-sector-bad', async () => refused({ sector_identifier_uri: serve('/bad', [`${base}/elsewhere`]) }, 'invalid_client_metadata'))
await dynamic('registration-sector-bad (pairwise)', async () => !meta.subject_types_supported.includes('pairwise') && refused({ subject_type: 'pairwise' }, 'invalid_client_metadata'))
await dynamic('request-uri-unsigned (refused)', async () => {
	const none = { alg: 'none' }, who = await register({ request_uris: [`${base}/none.jwt`] })
	serve('/none.jwt', `${Buffer.from(JSON.stringify(none)).toString('base64url')}.${Buffer.from(JSON.stringify(ask(who))).toString('base64url')}.`)
	const q = back(await browser().go(url(ask(who, { request_uri: `${base}/none.jwt` }))))
	return !meta.request_object_signing_alg_values_supported.includes('none') && q.get('error') === 'invalid_request_object' && q.get('code') === null
})
await dynamic('request-uri-signed-rs256', async () => {
	const who = await register({ request_uris: [`${base}/request.jwt`], request_object_signing_alg: 'RS256' }), q = ask(who)
	serve('/request.jwt', await object(who, q), 'application/oauth-authz-req+jwt')
	const r = await browser().signIn(url({ client_id: who.id, response_type: 'code', scope: 'openid', request_uri: `${base}/request.jwt` })), p = back(r)
	return p.get('state') === q.state && p.get('code') !== null && p.get('iss') === issuer || r.headers.get('location')
})
await dynamic('ensure-request-object-with-redirect-uri (dynamic)', async () => {
	const who = await register(), q = ask(who)
	const r = await browser().signIn(url({ ...q, redirect_uri: `${base}/unregistered`, request: await object(who, q) }))
	return r.headers.get('location').startsWith(`${cb}?`) && back(r).get('code') !== null
})
await dynamic('refresh-token (dynamic)', async () => {
	const who = await register({ grant_types: ['authorization_code', 'refresh_token'] }), other = await register({ grant_types: ['authorization_code', 'refresh_token'] })
	const f = await play(who, { scope: 'openid offline_access', prompt: 'consent' })
	const r = await post(meta.token_endpoint, { grant_type: 'refresh_token', refresh_token: f.t.refresh_token, ...await who.auth() })
	const theirs = await post(meta.token_endpoint, { grant_type: 'refresh_token', refresh_token: r.body.refresh_token ?? f.t.refresh_token, ...await other.auth() })
	return r.status === 200 && theirs.status === 400 && theirs.body.error === 'invalid_grant' || JSON.stringify([r.body, theirs.body])
})
await dynamic('ensure-client-assertion-with-iss-aud-succeeds', async () => {
	const who = await register(), p = back(await browser().signIn(url(ask(who))))
	return (await redeem(p.get('code'), { redirect_uri: cb, ...await asserted(who.id, { aud: issuer }, { kid: own.kid, key: own.key, alg: 'RS256' }) }, {})).status === 200
})
const rotating = await register({ jwks: undefined, jwks_uri: serve('/rotating', { keys: [own.public] }), grant_types: ['authorization_code', 'refresh_token'] })
const rotated = await play(rotating, { scope: 'openid offline_access', prompt: 'consent' })

// ---- logout, told by the back and by the front ------------------------------------------------------------------------------------------
await module_('oidcc-backchannel-logout-discovery-endpoint-verification', () => meta.backchannel_logout_supported === true && meta.backchannel_logout_session_supported === true &&
	meta.end_session_endpoint.startsWith('https://'))
await module_('oidcc-backchannel-rp-initiated-logout', async () => {
	const who = await register({ backchannel_logout_uri: `${base}/ended`, backchannel_logout_session_required: true, post_logout_redirect_uris: [`${base}/bye`] })
	const f = await play(who), r = await f.b.go(end({ id_token_hint: f.t.id_token, post_logout_redirect_uri: `${base}/bye`, state: 's1' }))
	for (const from = performance.now(); posted.length === 0 && performance.now() - from < 10000;) await new Promise(d => setTimeout(d, 20))
	const [got] = posted, names = [...got.body.keys()]
	const { payload: l, protectedHeader: h } = await jose.jwtVerify(got.body.get('logout_token'), keys, { issuer, audience: who.id, typ: 'logout+jwt' })
	return r.headers.get('location') === `${base}/bye?state=s1` && await over(f.b) && got.path === '/ended' && got.type === 'application/x-www-form-urlencoded' &&
		names.join() === 'logout_token' && l.sid === f.id.sid && (l.sub === undefined || l.sub === f.id.sub) && l.nonce === undefined && Number.isInteger(l.iat) && l.jti &&
		JSON.stringify(l.events) === '{"http://schemas.openid.net/event/backchannel-logout":{}}' && h.alg === f.header.alg || JSON.stringify([l, h, names, got.type])
})
await module_('oidcc-frontchannel-logout-discovery-endpoint-verification', () => meta.frontchannel_logout_supported === true && meta.frontchannel_logout_session_supported === true)
await module_('oidcc-frontchannel-rp-initiated-logout', async () => {
	const who = await register({ frontchannel_logout_uri: `${base}/front`, frontchannel_logout_session_required: true, post_logout_redirect_uris: [`${base}/bye`] })
	const f = await play(who), r = await f.b.go(end({ id_token_hint: f.t.id_token, post_logout_redirect_uri: `${base}/bye`, state: 's2' }))
	const src = (await r.text()).match(/<iframe[^>]*src="([^"]*)"/)?.[1].replace(/&amp;/g, '&'), q = src && new URL(src)
	return r.status === 200 && src.startsWith(`${base}/front?`) && q.searchParams.get('iss') === issuer && q.searchParams.get('sid') === f.id.sid &&
		r.headers.get('content-security-policy').includes(`frame-src ${base};`) && r.headers.get('refresh').endsWith(`url=${base}/bye?state=s2`) && await over(f.b)
})

// ---- keys that turn: the client's, and the service's own -----------------------------------------------------------------------------------
await dynamic('refresh-token-rp-key-rotation', async () => {
	const next = await pair('own-2')
	serve('/rotating', { keys: [next.public] })
	const with_ = async k => post(meta.token_endpoint, { grant_type: 'refresh_token', refresh_token: rotated.t.refresh_token, ...await using(rotating.id, k).auth() })
	let r = await with_(next)
	for (; r.body.error === 'invalid_client' && performance.now() - begun < 90000; r = await with_(next)) await new Promise(d => setTimeout(d, 500))
	return r.status === 200 || `${JSON.stringify(r.body)} after ${Math.round(performance.now() - begun)} ms`
})
await dynamic('server-rotate-keys', async () => {
	let later = await kids()
	for (; later.every(k => firstKids.includes(k)) && performance.now() - begun < 60000; later = await kids()) await new Promise(d => setTimeout(d, 500))
	return later.some(k => !firstKids.includes(k)) && firstKids.every(k => later.includes(k))
})
server.close()
console.log('ok the end')
