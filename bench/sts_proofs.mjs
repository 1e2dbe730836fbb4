/* sts_proofs.mjs N METHOD URL NONCE: as many proofs of possession of one key (RFC 9449), a line each and all of one length: each is good once. */
const [n, htm, htu, nonce] = process.argv.slice(2);
const { privateKey, publicKey } = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify']);
const { kty, crv, x, y } = await crypto.subtle.exportKey('jwk', publicKey);
const text = (o) => Buffer.from(JSON.stringify(o)).toString('base64url');
const header = text({ typ: 'dpop+jwt', alg: 'ES256', jwk: { kty, crv, x, y } });
const iat = Math.floor(Date.now() / 1000), lines = [];
for (let i = 0; i < Number(n); i++) {
	const signed = `${header}.${text({ jti: `${Date.now()}-${String(i).padStart(8, '0')}`, htm, htu, iat, nonce })}`;
	const s = await crypto.subtle.sign({ name: 'ECDSA', hash: 'SHA-256' }, privateKey, Buffer.from(signed));
	lines.push(`${signed}.${Buffer.from(s).toString('base64url')}`);
}
console.log(lines.join('\n'));
