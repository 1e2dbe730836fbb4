// What is tried with tokens and with the flows that lead to them, one row each, against the running service: token-attacks.mjs ISSUER SECRETS.json.
// Each row of `forgeries` is played at every door that reads a JWT; what it must answer stands with the door.  The rows of `attacks` say what
// must have happened.  What takes an issuer's own key is in tests/crypto/test_jws.c and tests/sts/test_check.c.
import crypto from 'node:crypto'
import fs from 'node:fs'
import https from 'node:https'
import * as jose from 'jose'
import { Browser, claim, field } from './browser.mjs'
import {
	assertion, asserted, auth, back, bankCb, bankCode, bankRedeem, basic, browser, bye, cb, dpopKey, end, errorOf, flow, issuer, meta, module_, now, over, PAR, post, proof,
	proved, push, pushed, random, redeem, request, s256, secret, shown, shownTo, url, userinfo, web,
} from './rp.mjs'

const b64 = v => Buffer.from(typeof v === 'string' || Buffer.isBuffer(v) ? v : JSON.stringify(v)).toString('base64url')
const API = `${issuer}/v1`, clientKeys = Object.fromEntries(JSON.parse(process.env.CLIENT_KEYS).map(k => [k.kid, k]))
const keyOf = jwk => crypto.createPrivateKey({ key: jwk, format: 'jwk' })
const publicOf = ({ d, ...jwk }) => jwk
const attacker = crypto.generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' })
const p384 = crypto.generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey.export({ format: 'jwk' })

// ---- forgeries: every one of them is refused -----------------------------------------------------------------------------------
// d: a door's { head, body, jwk: whom the attacker signs as, verifier: the public key that is really asked, good: a token that it takes }
const signed = (text, jwk, how = {}) => crypto.sign('sha256', text, { key: keyOf(jwk), dsaEncoding: 'ieee-p1363', ...how })
const compose = (head, body, jwk, how) => { const t = `${b64(head)}.${b64(body)}`; return `${t}.${b64(signed(Buffer.from(t), jwk, how))}` }
const headed = more => d => compose({ ...d.head, ...more }, d.body, d.jwk)
const raw = (from, to) => d => compose(JSON.stringify(d.head).replace(from, to), d.body, d.jwk)
const unsigned = alg => d => `${b64({ ...d.head, alg })}.${b64(d.body)}.`
const keyed = by => d => { const t = `${b64({ ...d.head, alg: 'HS256' })}.${b64(d.body)}`; return `${t}.${b64(crypto.createHmac('sha256', by(d)).update(t).digest())}` }
const spki = (d, o) => crypto.createPublicKey({ key: d.verifier, format: 'jwk' }).export({ type: 'spki', ...o })
const cut = (d, f) => { const [h, p, s] = d.good.split('.'); return f(h, p, s) }
const resigned = f => d => cut(d, (h, p, s) => `${h}.${p}.${b64(f(Buffer.from(s, 'base64url'), `${h}.${p}`, d))}`)
const LAST = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
const forgeries = {
	...Object.fromEntries(['none', 'None', 'NONE', 'nOnE', 'none ', ' none', 'none\u0000', ''].map(a => [`alg "${a.replace('\u0000', '\\0')}" without a signature`, unsigned(a)])),
	'alg none under a good signature': d => cut(d, (h, p, s) => `${b64({ ...d.head, alg: 'none' })}.${p}.${s}`),
	'alg absent': headed({ alg: undefined }), 'alg null': headed({ alg: null }), 'alg a list': headed({ alg: ['ES256'] }), 'alg in lower case': headed({ alg: 'es256' }),
	'alg of another kind of key': headed({ alg: 'RS256' }), 'alg of another curve': headed({ alg: 'ES384' }),
	'a key of another curve': d => compose({ ...d.head, alg: 'ES384' }, d.body, p384), 'a key of another curve that says ES256': d => compose(d.head, d.body, p384),
	'HMAC with the public key, PEM': keyed(d => spki(d, { format: 'pem' })), 'HMAC with the public key, DER': keyed(d => spki(d, { format: 'der' })),
	'HMAC with the public key, JWK': keyed(d => JSON.stringify(d.verifier)), 'HMAC with nothing': keyed(() => ''), 'HMAC with a word': keyed(() => 'secret'),
	'signed by a stranger': d => compose(d.head, d.body, attacker),
	'a stranger\'s jwk in the header': d => compose({ ...d.head, jwk: publicOf(attacker) }, d.body, attacker),
	'a jwk with its private half': d => compose({ ...d.head, jwk: attacker }, d.body, attacker),
	'jku': headed({ jku: 'https://evil.example/jwks' }), 'x5u': headed({ x5u: 'https://evil.example/x' }), 'x5c': headed({ x5c: ['AAAA'] }),
	'kid a path': headed({ kid: '../../../../dev/null' }), 'kid SQL': headed({ kid: "x' UNION SELECT 'k" }), 'kid empty': headed({ kid: '' }), 'kid a number': headed({ kid: 7 }),
	'kid of another key': headed({ kid: 'bank2' }), 'kid a command': headed({ kid: 'k|id' }),
	'alg twice': raw('{', '{"alg":"ES256",'), 'alg twice, one escaped': raw('{', '{"\\u0061lg":"none",'), 'typ twice': raw('{', '{"typ":"JWT","typ":"JWT",'),
	'a claim twice': d => compose(d.head, JSON.stringify(d.body).replace("{", `{"iat":1,`), d.jwk),
	'crit of something unknown': headed({ crit: ['x-new'], 'x-new': 1 }), 'crit empty': headed({ crit: [] }), 'b64 false': headed({ b64: false, crit: ['b64'] }),
	'zip': headed({ zip: 'DEF' }), 'typ of something else': headed({ typ: 'logout+jwt' }), 'header a list': d => compose('["ES256"]', d.body, d.jwk),
	'header not JSON': d => compose('{', d.body, d.jwk), 'payload a list': d => compose(d.head, [d.body], d.jwk), 'payload not JSON': d => compose(d.head, '{"sub":', d.jwk),
	'r = s = 0': resigned(() => Buffer.alloc(64)), 'DER signature': resigned((s, text, d) => crypto.sign('sha256', text, keyOf(d.jwk))),
	'octets after the signature': resigned(s => Buffer.concat([s, Buffer.alloc(1)])), 'signature cut short': resigned(s => s.subarray(0, 63)), 'no signature': d => cut(d, (h, p) => `${h}.${p}.`),
	'two segments': d => cut(d, (h, p) => `${h}.${p}`), 'four segments': d => `${d.good}.x`, 'five segments (JWE)': d => `${d.good}.e30.e30`, 'a dot behind': d => `${d.good}.`,
	'padding': d => `${d.good}==`, 'padding in the header': d => cut(d, (h, p, s) => `${h}=.${p}.${s}`), 'the other alphabet': d => cut(d, (h, p, s) => `${h}.${p}.${s.slice(0, -4)}+/+/`),
	'other last bits': d => d.good.slice(0, -1) + LAST[LAST.indexOf(d.good.at(-1)) ^ 1], 'a blank within': d => cut(d, (h, p, s) => `${h}.${p}. ${s}`),
	'another payload': d => cut(d, (h, p, s) => `${h}.${b64({ ...d.body, jti: random() })}.${s}`), '12 MiB': () => 'A'.repeat(12 << 20), '20 KiB': d => compose(d.head, { ...d.body, x: 'A'.repeat(15000) }, d.jwk),
}

// ---- the doors -------------------------------------------------------------------------------------------------------------------
const jwks = (await (await fetch(meta.jwks_uri)).json()).keys
const parts = t => ({ head: jose.decodeProtectedHeader(t), body: jose.decodeJwt(t), good: t, verifier: jwks.find(k => k.kid === jose.decodeProtectedHeader(t).kid), jwk: attacker })
const bearer = (await (await fetch(`${API}/login`, { method: 'POST', body: JSON.stringify({ username: 'alice', password: secret('User', 'alice') }) })).json()).access_token
const first = await flow(), bound = (await bankRedeem(await bankCode())).body.access_token
const header = async (to, headers) => { const r = await fetch(to, { headers }); return { status: r.status, body: await r.text(), said: r.headers.get('www-authenticate') ?? '', nonce: r.headers.get('dpop-nonce') } }
const form = async (to, f, headers) => { const r = await post(to, f, headers); return { status: r.status, ...r.body } }
const client = { jwk: clientKeys.bank, verifier: publicOf(clientKeys.bank), head: { alg: 'ES256', kid: 'bank', typ: 'JWT' } }
const claims = more => ({ iss: 'bank', sub: 'bank', aud: issuer, jti: random(), iat: now(), exp: now() + 120, ...more })
const inRequest = () => claims({ client_id: 'bank', response_type: 'code', redirect_uri: bankCb, scope: 'openid', code_challenge: s256('x'), code_challenge_method: 'S256', nbf: now() })
const fresh = (kind, body) => { const d = { ...client, ...kind, body: body() }; return { ...d, good: compose(d.head, d.body, d.jwk) } }
const info = new URL(meta.userinfo_endpoint), nonceOf = async () => (await fetch(info, { headers: { authorization: `DPoP ${bound}`, dpop: await proof('GET', `${info}`, { token: bound }) } })).headers.get('dpop-nonce')
const nonce = await nonceOf(), dpopJwk = await jose.exportJWK(dpopKey.privateKey)
const dpop = () => fresh({ jwk: dpopJwk, verifier: publicOf(dpopJwk), head: { alg: 'ES256', typ: 'dpop+jwt', jwk: publicOf(dpopJwk) } },
	() => ({ jti: random(), htm: 'GET', htu: `${info}`, iat: now(), ath: s256(bound), ...(nonce && { nonce }) }))
// make: a token that the door takes; send: what it answers; good, refused: what that is.  without: rows that are no attack there.
const doors = {
	'/v1': { make: () => parts(bearer), send: t => header(`${API}/whoami`, { authorization: `Bearer ${t}` }), good: r => r.status === 200, refused: r => r.status === 401 && /^Bearer realm="lightgate", error="invalid_token"/.test(r.said) },
	userinfo: { make: () => parts(first.t.access_token), send: t => header(info, { authorization: `Bearer ${t}` }), good: r => r.status === 200, refused: r => r.status === 401 && r.body.includes('invalid_token') },
	introspection: { make: () => parts(first.t.access_token), send: t => form(meta.introspection_endpoint, { token: t }, web), good: r => r.active, refused: r => r.active === false },
	'client assertion': { make: () => fresh({}, () => claims()), good: r => r.active === false, refused: r => [400, 401].includes(r.status) && r.error === 'invalid_client',
		send: t => form(meta.introspection_endpoint, { token: 'x', client_id: 'bank', client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer', client_assertion: t }) },
	'request object': { make: () => fresh({ head: { ...client.head, typ: 'oauth-authz-req+jwt' } }, inRequest), good: r => r.status === 201, refused: r => r.status === 400 && r.error === 'invalid_request_object',
		send: async t => form(PAR, { ...await auth(), request: t }) },
	'DPoP proof': { make: dpop, good: r => r.status === 200, refused: r => r.status === 401 && /invalid_dpop_proof|use_dpop_nonce|invalid_token/.test(r.body),
		send: t => header(info, { authorization: `DPoP ${bound}`, dpop: t }),
		// its key is in its header: what changes only which key is meant says another key, which the token is not bound to
		without: /^kid |^typ twice/ },
	id_token_hint: { make: () => parts(first.t.id_token), send: async t => header(`${end({ id_token_hint: t, post_logout_redirect_uri: bye })}`, {}), refused: r => r.status === 400 },
}
const TOO_LONG = r => r.status === 413 || r.status === 414 || r.status === 431
for (const [door, d] of Object.entries(doors)) {
	if (d.good) claim(`${door}: takes what is right`, d.good(await d.send(d.make().good)))
	for (const [name, forge] of Object.entries(forgeries)) {
		if (d.without?.test(name)) continue
		await module_(`${door}: ${name}`, async () => {
			// A text that is no header at all, or too long, ends at the door of HTTP.
			const r = await d.send(forge(d.make())).catch(e => ({ status: /header|ECONNRESET|other side|Parse/i.test(`${e} ${e.cause}`) ? 431 : `${e} ${e.cause}` }))
			return d.refused(r) || (/MiB|KiB/.test(name) && TOO_LONG(r)) || JSON.stringify(r).slice(0, 300)
		})
	}
	if (d.good) claim(`${door}: and still takes what is right`, d.good(await d.send(d.make().good)))
}

// ---- attacks on the flows --------------------------------------------------------------------------------------------------------------
const agent = new https.Agent({ ca: process.env.CA_TEXT })
// What fetch would not send.
const wire = (path, { method = 'GET', headers = {}, body } = {}) => new Promise((done, fail) => {
	const r = https.request(new URL(path, issuer), { method, agent, headers: { ...(body !== undefined && { 'content-type': 'application/x-www-form-urlencoded', 'content-length': Buffer.byteLength(body) }), ...headers } }, a => {
		let text = ''
		a.on('data', c => { text += c }).on('end', () => done({ status: a.statusCode, headers: a.headers, lines: a.rawHeaders, text }))
	})
	r.on('error', fail).end(body)
})
const cookies = b => [...b.jar].map(([k, v]) => `${k}=${v}`).join('; ')
const stays = (r, at = issuer) => { const to = r.headers.get('location'); return to === null || new URL(to, `${issuer}/login`).origin === new URL(at).origin }
const shop = more => ({ ...request({ client_id: 'shop', redirect_uri: 'https://shop.example/cb', code_challenge: s256('v'), code_challenge_method: 'S256' }), ...more })
const dead = async t => (await userinfo(t)).status === 401
const invalid = (r, error = 'invalid_grant') => r.status === 400 && r.body.error === error || `${r.status} ${JSON.stringify(r.body)}`
const refresh = (token, headers = web) => post(meta.token_endpoint, { grant_type: 'refresh_token', refresh_token: token }, headers)
// Every page and every form, by the table of routes: none is without its row here.
const routes = method => fs.readFileSync('tests/server/routes.txt', 'utf8').split('\n').map(l => l.match(/^(GET|POST) (\/(?:login|device|account|logout|oauth2\/consent)\S*) /))
	.filter(m => m?.[1] === method).map(m => m[2])
const PAGES = [...routes('GET'), '/oauth2/authorize', url(request()), url(request({ prompt: 'consent' })), url(request({ client_id: 'nobody' })), end({ id_token_hint: 'x' })]
const FORMS = routes('POST')
const BODY = { username: 'alice', password: secret('User', 'alice'), request: new URLSearchParams(request()).toString(), code: '123456', user_code: 'BCDF-GHJK', answer: 'allow', end: 'others', remove: 'totp', key: 'A', step: 'x' }

const attacks = {
	// replay
	'a code twice': async () => { const f = await flow(); return invalid(await redeem(f.code)) === true && await dead(f.t) },
	'a code of another client': async () => { const p = back(await browser().signIn(url(request()))); return invalid(await redeem(p.get('code'), {}, basic('app', secret('Client', 'app')))) },
	'a code for another address': async () => { const p = back(await browser().signIn(url(request()))); return invalid(await redeem(p.get('code'), { redirect_uri: 'http://127.0.0.1:9001/cb' })) },
	'a pushed request twice': async () => { const c = await bankCode(); return shown(await c.b.go(url({ client_id: 'bank', request_uri: c.uri }))) },
	'a pushed request of another client': async () => shown(await browser().go(url({ client_id: 'bank2', request_uri: (await push()).body.request_uri }))),
	'a client assertion twice': async () => { const a = await auth(), ask = () => post(meta.introspection_endpoint, { token: 'x', ...a }); await ask(); const r = await ask(); return r.status === 401 && r.body.error === 'invalid_client' },
	'a client assertion of another service': async () => (await post(meta.introspection_endpoint, { token: 'x', ...await asserted('bank', { aud: 'https://evil.example' }) })).body.error === 'invalid_client',
	'a client assertion for another client': async () => (await post(meta.introspection_endpoint, { token: 'x', ...await auth(), client_id: 'bank2' })).body.error === 'invalid_client',
	'a DPoP proof twice': async () => { const p = dpop().good, ask = () => doors['DPoP proof'].send(p); return (await ask()).status === 200 && (await ask()).status === 401 },
	'a DPoP proof for another token': async () => { const t = (await bankRedeem(await bankCode())).body.access_token; return (await header(info, { authorization: `DPoP ${t}`, dpop: dpop().good })).status === 401 },
	'a bound token as a bearer': async () => (await userinfo({ access_token: bound })).status === 401,
	'a bearer token as a bound one': async () => (await shownTo(`${info}`, first.t.access_token)).status === 401,
	'a proof with a nonce of somebody else at /v1, which says so and gives its own': async () => {
		const to = `${API}/whoami`, r = await header(to, { authorization: `DPoP ${bound}`, dpop: await proof('GET', to, { token: bound, nonce: 'x' }) })
		return r.status === 401 && r.said.startsWith('DPoP realm="lightgate", error="use_dpop_nonce"') && r.nonce?.length === 22
	},
	'a refresh token that has two successors': async () => {
		const f = await flow({ scope: 'openid offline_access' }), one = (await refresh(f.t.refresh_token)).body, two = (await refresh(one.refresh_token)).body
		return two.refresh_token !== undefined && invalid(await refresh(f.t.refresh_token)) === true && invalid(await refresh(two.refresh_token)) === true && dead(two)
	},
	'a refresh token of another client': async () => { const f = await flow({ scope: 'openid offline_access' }); return invalid(await refresh(f.t.refresh_token, basic('app', secret('Client', 'app')))) },
	'a refresh token as an access token': async () => dead({ access_token: (await flow({ scope: 'openid offline_access' })).t.refresh_token }),
	'an ID token as an access token': async () => dead({ access_token: first.t.id_token }),
	'an access token as an ID token': async () => (await header(end({ id_token_hint: first.t.access_token }), {})).status === 400,
	'an access token for one door at another': async () => (await header(`${API}/whoami`, { authorization: `Bearer ${first.t.access_token}` })).status === 401,
	'an access token in the query': async () => (await header(`${info}?access_token=${first.t.access_token}`, {})).status >= 400,
	'a wider scope by refreshing': async () => invalid(await post(meta.token_endpoint, { grant_type: 'refresh_token', scope: 'openid groups', refresh_token: (await flow({ scope: 'openid offline_access' })).t.refresh_token }, web), 'invalid_scope'),
	'secret and assertion at once': async () => [400, 401].includes((await post(meta.introspection_endpoint, { token: 'x', ...await auth() }, web)).status),
	'no verifier for a challenge': async () => { const p = back(await browser().signIn(url(request({ code_challenge: s256('v'.repeat(43)), code_challenge_method: 'S256' })))); return invalid(await redeem(p.get('code'))) },
	'a verifier for no challenge': async () => { const p = back(await browser().signIn(url(request()))); return invalid(await redeem(p.get('code'), { code_verifier: 'v'.repeat(43) })) },
	'a public client without a challenge': async () => back(await browser().go(url(request({ client_id: 'shop', redirect_uri: 'https://shop.example/cb' })))).get('error') === 'invalid_request',
	'the answer where scripts or the fragment read it': async () => { for (const m of ['fragment', 'form_post', 'web_message']) if (await errorOf(request({ response_mode: m })) !== 'invalid_request') return m },
	'tokens from the authorization endpoint': async () => { for (const t of ['token', 'id_token', 'code id_token', 'id_token token']) if (await errorOf(request({ response_type: t })) !== 'unsupported_response_type') return t },
	// mix-up
	'mix-up: who answered is in every answer': async () => {
		const good = back(await browser().signIn(url(request()))), bad = back(await browser().go(url(request({ prompt: 'none' }))))
		return good.get('iss') === issuer && bad.get('iss') === issuer && bad.get('error') === 'login_required' && meta.authorization_response_iss_parameter_supported
	},
	// redirects: nothing but what was registered, to the octet; of loopback addresses the port is free
	...Object.fromEntries(['https://shop.example/cb.evil.example', 'https://shop.example/cb/', 'https://shop.example/cb/../x', 'https://shop.example.evil.example/cb', 'https://shop.example@evil.example/cb',
		'https://evil.example@shop.example/cb', 'https://shop.example%2f@evil.example/cb', 'https://shop.example%40evil.example/cb', 'https://shop.example/%63b', 'https://shop.example/cb%00', 'https://shop.example/cb#x',
		'https://shop.example/cb?x=y', 'https://shop.example/cb;x', 'HTTPS://shop.example/cb', 'https://SHOP.example/cb', 'https://shop.example:443/cb', 'https://shop.example:8443/cb', 'http://shop.example/cb', '//shop.example/cb', 'shop.example/cb',
		'https:/shop.example/cb', 'https:\\\\shop.example\\cb', 'https://shop.example\\@evil.example/cb', 'javascript:alert(1)//https://shop.example/cb', 'data:text/html,x', ' https://shop.example/cb', 'https://shop.example/cb ',
		'https://shop.example/cb\r\nX: y', 'https://shop.example/cb\t', 'https://sh\u043Ep.example/cb', 'https://evil.example/?https://shop.example/cb', ''].map(u =>
		[`shop's redirect to ${JSON.stringify(u)}`, async () => shown(await browser().go(url(shop({ redirect_uri: u }))))])),
	...Object.fromEntries(['http://127.0.0.1:9000/other', 'http://localhost:9000/cb', 'http://127.0.0.2:9000/cb', 'http://[::1]:9000/cb', 'http://127.0.0.1.evil.example:9000/cb', 'http://127.1:9000/cb', 'http://2130706433:9000/cb',
		'http://0x7f000001:9000/cb', 'http://127.0.0.1:9000@evil.example/cb', 'http://127.0.0.1:99999999/cb', 'http://127.0.0.1:/cb', 'https://127.0.0.1:9000/cb', 'http://0.0.0.0:9000/cb'].map(u =>
		[`a program's redirect to ${u}`, async () => shown(await browser().go(url(request({ redirect_uri: u }))))])),
	'a program\'s redirect to another port is taken': async () => (await browser().signIn(url(request({ redirect_uri: 'http://127.0.0.1:45678/cb' })))).headers.get('location').startsWith('http://127.0.0.1:45678/cb?'),
	'redirect_uri twice': async () => shown(await browser().go(`${url(request())}&redirect_uri=https%3A%2F%2Fevil.example`)),
	'client_id twice': async () => shown(await browser().go(`${url(request())}&client_id=shop`)),
	'state twice': async () => { const r = await browser().go(`${url(request())}&state=x`); return stays(r) || back(r).get('error') === 'invalid_request' },
	'an unknown client\'s redirect': async () => shown(await browser().go(url(request({ client_id: 'nobody', redirect_uri: 'https://evil.example' })))),
	// open redirects
	'after signing out to elsewhere': async () => { const b = browser(), f = await flow({}, b); return shown(await b.go(end({ id_token_hint: f.t.id_token, post_logout_redirect_uri: 'https://evil.example' }))) },
	'after signing in to elsewhere': async () => {
		for (const to of ['https://evil.example', '//evil.example', '/\\evil.example', '/account//evil.example', '/account@evil.example', '/account\r\nX: y', 'javascript:alert(1)', '/device/../../evil', '\\\\evil.example']) {
			const b = browser(), page = await (await b.go(`${issuer}/login`)).text()
			const r = await b.go(`${issuer}/login`, { ...BODY, request: to, csrf: field(page, 'csrf') })
			if (!stays(r) || r.status >= 500) return `${to}: ${r.status} ${r.headers.get('location')}`
		}
	},
	'after an error to elsewhere': async () => { for (const q of ['error_uri=https://evil.example', 'redirect=https://evil.example', 'next=//evil.example', 'target_link_uri=https://evil.example', 'iss=https://evil.example']) if (!stays(await browser().go(`${issuer}/oauth2/authorize?${q}`))) return q },
	// line ends
	'line ends in what is given back': async () => {
		const evil = 'x\r\nSet-Cookie: evil=1\r\n\r\n<script>alert(1)</script>'
		for (const q of [request({ state: evil }), request({ state: evil, prompt: 'none' }), request({ scope: evil }), request({ response_type: evil, state: 's' }), request({ nonce: evil, prompt: 'none' }), request({ login_hint: evil }),
			request({ ui_locales: evil }), request({ acr_values: evil, prompt: 'none' }), request({ client_id: evil }), request({ redirect_uri: evil }), request({ request_uri: evil }), request({ claims: evil })]) {
			const a = await wire(url(q)), p = new URLSearchParams((a.headers.location ?? '').split('?')[1])
			if (a.lines.some(l => /[\r\n]/.test(l)) || /evil=1/.test(a.headers['set-cookie'] ?? '') || a.text.includes('<script>alert') || /[\r\n\t<>"\\]/.test(p.get('error_description') ?? '') || a.status >= 500) return JSON.stringify([q, a.status, a.headers])
		}
	},
	'markup in what is shown': async () => {
		for (const q of [`login_hint=${encodeURIComponent('"><img src=x onerror=alert(1)>')}`, `client_id=${encodeURIComponent('<script>alert(1)</script>')}`]) {
			const a = await wire(`${url(request())}&${q}`), c = await wire(`/device?user_code=${encodeURIComponent('"><script>alert(1)</script>')}`)
			if (/<script>alert|<img src=x/.test(a.text + c.text)) return q
		}
	},
	// forms that somebody else's page sends
	...Object.fromEntries(FORMS.map(path => [`POST ${path} from elsewhere`, async () => {
		const b = browser(), other = browser()
		await flow({}, b); await flow({}, other)
		const page = await (await b.go(`${issuer}/account`)).text(), theirs = await (await other.go(`${issuer}/account`)).text(), own = field(page, 'csrf')
		const send = (csrf, headers = {}) => wire(path, { method: 'POST', headers: { cookie: cookies(b), ...headers }, body: new URLSearchParams({ ...BODY, ...(csrf && { csrf }) }).toString() })
		// New recovery codes are a page; without its form one is back at the account.
		const tries = [await send(), await send(field(theirs, 'csrf')), await send('A'.repeat(43)), await send(own, { 'sec-fetch-site': 'cross-site' }), await send(own, { 'sec-fetch-site': 'same-site' })]
		const led = a => path === '/account/codes' && a.status === 303 && a.headers.location === '/account'
		const bad = tries.findIndex(a => a.status >= 500 || (a.status < 400 && !led(a) && !(path === '/logout' && a.status === 200)) || a.headers['set-cookie']?.some(c => /-session-\d+=[^;]/.test(c)))
		return bad === -1 && !await over(b) && !await over(other) || `${bad}: ${tries.map(a => a.status)} ${tries[bad]?.headers.location}`
	}])),
	'there are forms to try': () => FORMS.length >= 10 || FORMS.join(),
	// sessions that were planted
	'a cookie from before the sign-in': async () => {
		const b = browser(), planted = browser()
		await flow({}, planted)
		const [name, value] = [...planted.jar].find(([k]) => k.includes('-session-'))
		b.jar.set(name, value)
		await b.signIn(url(request({ prompt: 'login' })))
		const old = browser()
		old.jar.set(name, value)
		return b.jar.get(name) !== value && await over(old)
	},
	'a cookie that was made up': async () => { const b = browser(); b.jar.set([...(await flow()).b.jar.keys()].find(k => k.includes('-session-')), 'A'.repeat(66)); return over(b) },
	'a sign-in page of another browser': async () => {
		const mine = browser(), theirs = browser(), page = await (await theirs.go(url(request()))).text()
		await mine.go(url(request()))
		const r = await mine.go(`${issuer}/login`, { ...BODY, csrf: field(page, 'csrf'), request: field(page, 'request') })
		return r.status === 403 && r.headers.get('location') === null && over(mine)
	},
	'cookies are the browser\'s and this host\'s alone': async () => {
		const a = await wire(url(request())), b = await browser().signIn(url(request())), all = [...a.headers['set-cookie'], ...b.headers.getSetCookie()]
		return all.length >= 3 && all.every(c => c.startsWith('__Host-') && /; Path=\/;/.test(c) && /; Secure/.test(c) && /; HttpOnly/.test(c) && /; SameSite=(Lax|Strict)/.test(c) && !/Domain/i.test(c)) || all.join(' | ')
	},
	'a session after signing out': async () => { const b = browser(), f = await flow({}, b), kept = new Map(b.jar); await b.go(end({ id_token_hint: f.t.id_token })); b.jar = kept; return await over(b) && dead(f.t) },
	// pages in somebody else's frame
	...Object.fromEntries(PAGES.map(p => [`${p.slice(issuer.length && p.startsWith(issuer) ? issuer.length : 0).slice(0, 60)} in a frame`, async () => {
		const a = await wire(p)
		return a.status === 303 || (a.headers['x-frame-options'] === 'DENY' && /frame-ancestors 'none'/.test(a.headers['content-security-policy']) && /default-src 'none'/.test(a.headers['content-security-policy']) &&
			a.headers['cache-control'] === 'no-store' && a.headers['x-content-type-options'] === 'nosniff' && a.headers['referrer-policy'] === 'no-referrer') || JSON.stringify([a.status, a.headers])
	}])),
	// guesses that keep somebody out
	'a thousand wrong passwords': async () => {
		const b = browser(), f = await flow({}, b), attacker = new Browser(issuer, 'wrong'), page = await (await attacker.go(url(request()))).text()
		const tries = await Promise.all(Array.from({ length: 8 }, async () => { const s = []; for (let i = 0; i < 125; i++) s.push((await attacker.fill(page)).status); return s }))
		const waits = tries.flat().filter(s => s === 429).length
		await b.go(end({ id_token_hint: f.t.id_token }))
		const strange = await browser().signIn(url(request()))
		return waits > 900 && await over(b) && back(await b.signIn(url(request()))).get('code') !== null && strange.status === 429 || `${waits} ${strange.status}`
	},
}
for (const [name, run] of Object.entries(attacks)) await module_(name, run)
console.log('ok the end')
