// A strict relying party (openid-client, jose) against the running service: oidc.mjs ISSUER SECRETS.json; one line a claim, "ok" or "not ok".
import * as client from 'openid-client'
import * as jose from 'jose'
import fs from 'node:fs'
import { Browser, claim, field } from './browser.mjs'

const [, , address, file] = process.argv
const issuer = new URL(address), secrets = JSON.parse(fs.readFileSync(file, 'utf8'))
const secret = (kind, name) => secrets.find(c => c.kind === kind && c.name === name).secret
const callback = 'http://127.0.0.1:9000/cb'
const DEVICE = 'urn:ietf:params:oauth:grant-type:device_code'

async function refused(what, error, promise) {
	try {
		await promise
		claim(what, false, 'was not refused')
	} catch (e) {
		const got = e.error ?? e.cause?.error ?? e.message
		claim(what, got === error, `${got}: ${e.error_description ?? ''}`)
	}
}

const parties = {
	portal: client.None(),
	web: client.ClientSecretBasic(secret('Client', 'web')),
	post: client.ClientSecretPost(secret('Client', 'web')),
}
const discover = (who, algorithm = 'oidc') =>
	client.discovery(issuer, who === 'post' ? 'web' : who, { id_token_signed_response_alg: 'ES256' }, parties[who], { algorithm })

async function codeFlow(config, what, { DPoP, push, parameters = {} } = {}) {
	const verifier = client.randomPKCECodeVerifier(), state = client.randomState(), nonce = client.randomNonce()
	const request = {
		redirect_uri: callback, scope: 'openid profile email groups offline_access', state, nonce, code_challenge_method: 'S256',
		code_challenge: await client.calculatePKCECodeChallenge(verifier), ...parameters,
	}
	const url = push ? await client.buildAuthorizationUrlWithPAR(config, request, { DPoP }) : client.buildAuthorizationUrl(config, request)
	const back = await new Browser(issuer, secret('User', 'alice')).signIn(url)
	const tokens = await client.authorizationCodeGrant(config, new URL(back.headers.get('location')),
		{ pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true }, undefined, { DPoP })
	claim(`${what}: the ID token names alice's groups`, tokens.claims().groups?.includes('staff'), JSON.stringify(tokens.claims()))
	claim(`${what}: token_type`, tokens.token_type === (DPoP ? 'dpop' : 'bearer'), tokens.token_type)
	const info = await client.fetchUserInfo(config, tokens.access_token, tokens.claims().sub, { DPoP })
	claim(`${what}: userinfo`, info.email === 'alice@example.org', JSON.stringify(info))
	return { tokens, url }
}

async function refreshing() {
	const config = await discover('portal')
	const { tokens } = await codeFlow(config, 'a public client')
	const next = await client.refreshTokenGrant(config, tokens.refresh_token)
	claim('a refresh token rotates', next.refresh_token !== tokens.refresh_token)
	await refused('a scope does not grow', 'invalid_scope', client.refreshTokenGrant(config, next.refresh_token, { scope: 'openid admin' }))
}

async function tokensOfAClient() {
	const config = await discover('web')
	const { tokens } = await codeFlow(config, 'a confidential client')
	claim('introspection', (await client.tokenIntrospection(config, tokens.access_token)).active === true)
	await client.tokenRevocation(config, tokens.access_token)
	claim('a revoked token is not active', (await client.tokenIntrospection(config, tokens.access_token)).active === false)
	await codeFlow(await discover('post', 'oauth2'), 'client_secret_post and RFC 8414')
}

async function pushing() {
	const { url } = await codeFlow(await discover('web'), 'a pushed request', { push: true })
	const again = await new Browser(issuer, secret('User', 'alice')).go(url)
	claim('a pushed request is good for one sign-in', again.status === 400, again.status)
}

async function proving() {
	const config = await discover('portal'), keys = await client.randomDPoPKeyPair('ES256'), DPoP = client.getDPoPHandle(config, keys)
	const { tokens } = await codeFlow(config, 'a proved key', { DPoP, parameters: { dpop_jkt: await DPoP.calculateThumbprint() } })
	const other = client.getDPoPHandle(config, await client.randomDPoPKeyPair('ES256'))
	claim('the token names its key', jose.decodeJwt(tokens.access_token).cnf.jkt === await DPoP.calculateThumbprint())
	const next = await client.refreshTokenGrant(config, tokens.refresh_token, undefined, { DPoP })
	claim('a refresh keeps the key', next.token_type === 'dpop')
	await refused('a refresh token belongs to its key', 'invalid_grant', client.refreshTokenGrant(config, tokens.refresh_token, undefined, { DPoP: other }))
	const r = await fetch(config.serverMetadata().userinfo_endpoint, { headers: { authorization: `Bearer ${tokens.access_token}` } })
	claim('a bound token is no bearer token', r.status === 401, r.status)
	await codeFlow(config, 'a proved key and a pushed request', { DPoP, push: true })
}

async function device() {
	const config = await discover('portal'), person = new Browser(issuer, secret('User', 'alice'))
	const asked = await client.initiateDeviceAuthorization(config, { scope: 'openid profile' })
	await refused('nobody has answered', 'authorization_pending', client.genericGrantRequest(config, DEVICE, { device_code: asked.device_code }))
	const back = await person.signIn(asked.verification_uri_complete)
	const page = await (await person.go(new URL(back.headers.get('location'), issuer))).text()
	const consent = await (await person.go(asked.verification_uri, { csrf: field(page, 'csrf'), user_code: field(page, 'user_code') })).text()
	const end = await person.go(asked.verification_uri, { csrf: field(consent, 'csrf'), user_code: field(consent, 'user_code'), answer: 'allow' })
	claim('the person allows it', end.status === 200, end.status)
	const tokens = await client.genericGrantRequest(config, DEVICE, { device_code: asked.device_code })
	claim('the device has its tokens', jose.decodeJwt(tokens.id_token).aud.includes('portal'))
}

async function services() {
	const config = await client.discovery(issuer, 'controller', undefined, client.ClientSecretBasic(secret('Service', 'controller')))
	const tokens = await client.clientCredentialsGrant(config, {})
	const keys = jose.createRemoteJWKSet(new URL(config.serverMetadata().jwks_uri))
	const seen = await jose.jwtVerify(tokens.access_token, keys, { typ: 'at+jwt', issuer: address, audience: `${address}/v1` })
	claim('jose verifies a service\'s token', seen.protectedHeader.alg === 'ES256')
	const wrong = await client.discovery(issuer, 'controller', undefined, client.ClientSecretPost('wrong'))
	try {
		await client.clientCredentialsGrant(wrong, {})
		claim('a wrong secret', false)
	} catch (e) {
		claim('a wrong secret is refused with 401', (e.status ?? e.cause?.status) === 401, e.message)
	}
}

for (const part of [refreshing, tokensOfAClient, pushing, proving, device, services])
	await part().catch(e => claim(part.name, false, `${e.message} ${e.error ?? ''} ${e.error_description ?? ''} ${JSON.stringify(e.cause ?? '')}`))
