// rp.mjs: a relying party for the tests of whole plans: requests, the code flow judged as the certification suite judges it, client
// assertions, DPoP proofs.  Run as SCRIPT.mjs ISSUER SECRETS.json; CLIENT_KEYS has the private keys of clients, by their names.
import * as jose from 'jose'
import crypto from 'node:crypto'
import fs from 'node:fs'
import https from 'node:https'
import { Browser, claim } from './browser.mjs'

const [, , address, file] = process.argv
const secrets = JSON.parse(fs.readFileSync(file, 'utf8'))
export const issuer = address
export const secret = (kind, name) => secrets.find(c => c.kind === kind && c.name === name).secret
export const cb = 'http://127.0.0.1:9000/cb', bye = 'http://127.0.0.1:9000/bye'
export const browser = () => new Browser(issuer, secret('User', 'alice'))
export const meta = await (await fetch(`${issuer}/.well-known/openid-configuration`)).json()
export const keys = jose.createRemoteJWKSet(new URL(meta.jwks_uri), { cooldownDuration: 0 })
export const random = () => crypto.randomBytes(32).toString('base64url')
export const s256 = v => crypto.createHash('sha256').update(v).digest('base64url')
export const now = () => Math.floor(Date.now() / 1000)
export const basic = (id, pw) => ({ authorization: 'Basic ' + Buffer.from(`${encodeURIComponent(id)}:${encodeURIComponent(pw)}`).toString('base64') })
export const web = basic('web', secret('Client', 'web'))
export const until = async (ms) => { while (performance.now() < ms) await new Promise(r => setTimeout(r, 20)) }	// since this program began

export async function module_(name, run) {
	try {
		const fault = await run()
		claim(name, fault === undefined || fault === true, typeof fault === 'object' ? JSON.stringify(fault) : fault)
	} catch (e) {
		claim(name, false, e.stack?.split('\n').slice(0, 3).join(' '))
	}
}

const said = form => new URLSearchParams(Object.entries(form).filter(([, v]) => v !== undefined))
export const request = (more = {}) => ({ response_type: 'code', client_id: 'web', redirect_uri: cb, scope: 'openid', state: random(), nonce: random(), ...more })
export const url = q => `${meta.authorization_endpoint}?${said(q)}`
export const back = r => new URL(r.headers.get('location') ?? 'none:').searchParams

// With a client certificate, which fetch has none of: what a reader of its answers needs.
export const certified = (who, to, { method = 'GET', headers = {}, body } = {}) => new Promise((done, fail) => {
	const r = https.request(to, { method, headers: { ...headers, ...(body && { 'content-type': 'application/x-www-form-urlencoded' }) }, ...certificates[who], ca: process.env.CA_TEXT,
		agent: false }, async a => {
		let text = ''
		for await (const part of a) text += part
		done({ status: a.statusCode, headers: new Headers(Object.entries(a.headers).map(([k, v]) => [k, String(v)])), json: async () => JSON.parse(text) })
	})
	r.on('error', fail).end(body === undefined ? undefined : String(body))
})
const certificates = Object.fromEntries((process.env.CLIENT_CERTS ?? '').split(' ').filter(Boolean).map(f => f.split('=')).map(([who, at]) =>
	[who, { cert: fs.readFileSync(`${at}.pem`), key: fs.readFileSync(`${at}.key`) }]))

export async function post(to, form, headers = {}, who = undefined) {
	const r = await (certificates[who] ? certified(who, to, { method: 'POST', headers, body: said(form) }) : fetch(to, { method: 'POST', headers, body: said(form) }))
	return { status: r.status, headers: r.headers, body: await r.json().catch(() => ({})) }
}
export const redeem = (code, more = {}, headers = web) => post(meta.token_endpoint, { grant_type: 'authorization_code', code, redirect_uri: cb, ...more }, headers)

// The whole flow: what came back, the token response, the ID token's claims, all judged as the suite judges them.
// who: another client than `web`: { id, redirect, auth: async () => form }.
export async function flow(more = {}, b = browser(), signedIn = false, who = undefined) {
	const q = request({ ...(who && { client_id: who.id, redirect_uri: who.redirect }), ...more })
	const r = signedIn ? await b.go(url(q)) : await b.signIn(url(q)), p = back(r)
	if (p.get('state') !== q.state || p.get('iss') !== issuer || !p.get('code') || p.get('code').length < 32)
		throw new Error(`authorization response ${r.status} ${r.headers.get('location')}`)
	const t = who ? await redeem(p.get('code'), { redirect_uri: q.redirect_uri, ...await who.auth() }, {}) : await redeem(p.get('code'))
	if (t.status !== 200 || t.headers.get('cache-control') !== 'no-store' || !Number.isInteger(t.body.expires_in))
		throw new Error(`token response ${t.status} ${JSON.stringify(t.body)}`)
	const { payload, protectedHeader } = await jose.jwtVerify(t.body.id_token, keys, { issuer, audience: q.client_id })
	const half = crypto.createHash(protectedHeader.alg === 'EdDSA' ? 'sha512' : 'sha256').update(t.body.access_token).digest()
	if (payload.nonce !== q.nonce || !protectedHeader.kid || payload.at_hash !== half.subarray(0, half.length / 2).toString('base64url'))
		throw new Error(`ID token ${JSON.stringify(payload)}`)
	return { b, t: t.body, id: payload, code: p.get('code'), header: protectedHeader, location: r.headers.get('location') }
}
export const userinfo = (t, how = {}) => fetch(meta.userinfo_endpoint, { headers: { authorization: `Bearer ${t.access_token}` }, ...how })
export const shown = async (r, word) => r.status >= 400 && r.status < 500 && !r.headers.get('location') && (word === undefined || (await r.text()).includes(word))
export const errorOf = async (q, b = browser()) => back(await b.go(url(q))).get('error')
export const over = async b => await errorOf(request({ prompt: 'none' }), b) === 'login_required'
export const end = q => `${meta.end_session_endpoint}?${said(q)}`

// ---- client assertions and DPoP proofs ----------------------------------------------------------------------------------------
export const ASSERTION = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
export const own = {}
for (const jwk of JSON.parse(process.env.CLIENT_KEYS ?? '[]')) own[jwk.kid] = await jose.importJWK(jwk, jwk.alg)
export const assertion = (more = {}, { who = 'bank', kid = who, key = own[kid], alg = 'ES256' } = {}) =>
	new jose.SignJWT({ iss: who, sub: who, aud: issuer, jti: random(), iat: now(), exp: now() + 60, ...more }).setProtectedHeader({ alg, kid }).sign(key)
export const asserted = async (who, more, how) => ({ client_id: who, client_assertion_type: ASSERTION, client_assertion: await assertion(more, { who, ...how }) })
// How the bank proves who it is and binds its tokens: by assertions and DPoP, or both by its certificate.
export const mtls = process.env.VARIANT === 'mtls', BANK = mtls ? 'certbank' : 'bank', BANK2 = `${BANK}2`
export const as = (who, more) => mtls ? { client_id: who } : asserted(who, more)
export const auth = (more = {}) => as(BANK, more)
const at = name => (mtls && meta.mtls_endpoint_aliases[name]) || meta[name]
export const TOKEN = at('token_endpoint'), INFO = at('userinfo_endpoint')

export const dpopKey = await jose.generateKeyPair('ES256', { extractable: true }), otherKey = await jose.generateKeyPair('ES256', { extractable: true })
export const proof = async (htm, htu, { key = dpopKey, typ = 'dpop+jwt', alg = 'ES256', jwk, token, shift = 0, ...more } = {}) =>
	new jose.SignJWT({ jti: random(), htm, htu, iat: now() + shift, ...(token && { ath: s256(token) }), ...more })
		.setProtectedHeader({ alg, ...(typ && { typ }), ...(jwk !== null && { jwk: jwk ?? await jose.exportJWK(key.publicKey) }) }).sign(key.privateKey)
// With the server's nonce, if it wants one (RFC 9449 8).
export async function proved(to, form, opt = {}, who = BANK) {
	if (mtls) return post(to, form(await as(who)), {}, who)
	const send = async more => post(to, form(await asserted(who)), { dpop: await proof('POST', to, { ...opt, ...more }) })
	const r = await send()
	return r.body.error === 'use_dpop_nonce' ? send({ nonce: r.headers.get('dpop-nonce') }) : r
}

// ---- the flow of the bank: pushed, with PKCE, bound to a key -----------------------------------------------------------------------------
export const PAR = at('pushed_authorization_request_endpoint'), bankCb = 'https://bank.example/cb'
const bankRequest = (v, more) => ({ response_type: 'code', redirect_uri: bankCb, scope: 'openid', state: random(), nonce: random(),
	code_challenge: s256(v), code_challenge_method: 'S256', ...more })
export async function push(more = {}, a = {}) {
	const v = random()
	return { ...await post(PAR, { ...await auth(a), ...bankRequest(v, more) }, {}, BANK), v }
}
export async function pushProved(more = {}, opt = {}) {
	const v = random()
	return { ...await proved(PAR, a => ({ ...a, ...bankRequest(v, more) }), opt), v }
}
export async function pushed(p, b = browser()) {
	if (p.status !== 201) throw new Error(`PAR ${p.status} ${JSON.stringify(p.body)}`)
	const r = await b.signIn(url({ client_id: BANK, request_uri: p.body.request_uri }))
	return { code: back(r).get('code'), iss: back(r).get('iss'), v: p.v, uri: p.body.request_uri, b, r }
}
export const bankCode = async (more = {}) => pushed(await push(more))
export const bankRedeem = (c, opt = {}, more = {}) => proved(TOKEN, a => ({ ...a, grant_type: 'authorization_code', code: c.code,
	redirect_uri: bankCb, code_verifier: c.v, ...more }), opt)
// A resource's request with its token's key, and the nonce that the resource wants: what was answered.
export async function shownTo(to, t, { method = 'GET', scheme = mtls ? 'Bearer' : 'DPoP', nonce, who = BANK, ...opt } = {}) {
	if (mtls) return certified(who, to, { method, headers: { authorization: `${scheme} ${t}` } })
	const ask = async n => fetch(to, { method, headers: { authorization: `${scheme} ${t}`, dpop: await proof(method, to, { token: t, nonce: n, ...opt }) } })
	const r = await ask(nonce)
	return r.status === 401 && !nonce && r.headers.get('dpop-nonce') ? ask(r.headers.get('dpop-nonce')) : r
}
