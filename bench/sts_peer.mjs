/* sts_peer.mjs PORT: npm's oidc-provider, giving ES256 access tokens (JWT) to one client: what the token service is measured beside. */
import { Provider } from 'oidc-provider';

const port = Number(process.argv[2]);
const { privateKey } = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify']);
const jwk = { ...await crypto.subtle.exportKey('jwk', privateKey), kid: 'k', alg: 'ES256', use: 'sig', key_ops: undefined, ext: undefined };
const provider = new Provider(`http://127.0.0.1:${port}`, {
	jwks: { keys: [jwk] },
	clients: [{ client_id: 'a', client_secret: 'b', grant_types: ['client_credentials'], redirect_uris: [], response_types: [], id_token_signed_response_alg: 'ES256' }],
	features: {
		clientCredentials: { enabled: true },
		devInteractions: { enabled: false },
		resourceIndicators: { enabled: true, defaultResource: () => 'urn:api', useGrantedResource: () => true,
			getResourceServerInfo: () => ({ scope: '', accessTokenFormat: 'jwt', jwt: { sign: { alg: 'ES256' } } }) },
	},
});
provider.listen(port, '127.0.0.1', () => console.log('ready'));
