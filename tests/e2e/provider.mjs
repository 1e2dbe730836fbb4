/* provider.mjs PORT CERT KEY REDIRECT: npm's oidc-provider over TLS with its own sign-in pages: whom people sign in with. */
import fs from 'node:fs';
import https from 'node:https';
import { Provider } from 'oidc-provider';

const [port, cert, key, redirect] = process.argv.slice(2);
const people = { dora: { email: 'dora@corp.example', email_verified: true, name: 'Dora Elsewhere', preferred_username: 'dora', groups: ['ops', 'x'] },
	eve: { email: 'admin@example.org', email_verified: false, name: 'Eve', preferred_username: 'eve' },
	ann: { email: 'alice@example.org', email_verified: true, name: 'Ann', preferred_username: 'ann' } };
const provider = new Provider(`https://127.0.0.1:${port}`, {
	clients: [{ client_id: 'lightgate', client_secret: 's p+&=', redirect_uris: [redirect], id_token_signed_response_alg: 'ES256' }],
	findAccount: (ctx, id) => people[id] && { accountId: id, claims: () => ({ sub: id, ...people[id] }) },
	claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name', 'preferred_username'], groups: ['groups'] },
	scopes: ['openid', 'offline_access'],
	jwks: { keys: [await (async () => {
		const { privateKey } = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify']);
		return { ...await crypto.subtle.exportKey('jwk', privateKey), kid: 'up-1', alg: 'ES256', use: 'sig', key_ops: undefined, ext: undefined };
	})()] },
	cookies: { keys: ['a'] },
	features: { devInteractions: { enabled: true } },
});
https.createServer({ cert: fs.readFileSync(cert), key: fs.readFileSync(key) }, provider.callback()).listen(Number(port), '127.0.0.1', () => console.log('ready'));
