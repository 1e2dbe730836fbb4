// A stock gRPC client at the Workload API: node workload-api.mjs PROTO VERB [ARGS]; prints one JSON line an answer, or {"code","details"}.
import { createRequire } from 'node:module';
import { X509Certificate, createPrivateKey } from 'node:crypto';
const require = createRequire(process.env.MODULES + '/x.js');
const grpc = require('@grpc/grpc-js'), loader = require('@grpc/proto-loader');
const [proto, verb, ...args] = process.argv.slice(2);
const { SpiffeWorkloadAPI } = grpc.loadPackageDefinition(loader.loadSync(proto, { keepCase: true, longs: String, defaults: true }));
const at = process.env.SPIFFE_ENDPOINT_SOCKET;
const client = () => new SpiffeWorkloadAPI(at, grpc.credentials.createInsecure());
const metadata = new grpc.Metadata();
if (!process.env.BARE) metadata.set('workload.spiffe.io', 'true');
const out = x => console.log(JSON.stringify(x));
const failed = e => { out({ code: e.code, details: e.details }); process.exit(0); };
const deadline = () => ({ deadline: Date.now() + 60000 });
const unary = (method, request) => new Promise(done => client()[method](request, metadata, deadline(), (e, r) => e ? failed(e) : done(r)));
function stream(method, count, show) {
	const call = client()[method]({}, metadata, deadline());
	call.on('data', r => { out(show(r)); if (--count === 0) process.exit(0); });
	call.on('error', failed);
	call.on('end', () => { out({ ended: true }); process.exit(0); });
}
const der = b => { const n = b.readUInt16BE(2) + 4; return [b.subarray(0, n), b.subarray(n)]; };	// one certificate off the front
function x509(r) {
	const s = r.svids[0], [leaf, rest] = der(s.x509_svid), cert = new X509Certificate(leaf), issuer = new X509Certificate(rest);
	const root = new X509Certificate(der(s.bundle)[0]), key = createPrivateKey({ key: s.x509_svid_key, format: 'der', type: 'pkcs8' });
	return { n: r.svids.length, id: s.spiffe_id, san: cert.subjectAltName, serial: cert.serialNumber, key: cert.checkPrivateKey(key),
		chain: cert.verify(issuer.publicKey) && issuer.verify(root.publicKey),
		federated: Object.fromEntries(Object.entries(r.federated_bundles).map(([k, v]) => [k, new X509Certificate(v).ca])) };
}
const bundles = show => r => Object.fromEntries(Object.entries(r.bundles).map(([k, v]) => [k, show(v)]));
const value = v => v.structValue ? struct(v.structValue) : v.listValue ? v.listValue.values.map(value) : v[v.kind];
const struct = s => Object.fromEntries(Object.entries(s.fields ?? {}).map(([k, v]) => [k, value(v)]));
const verbs = {
	x509: n => stream('FetchX509SVID', Number(n ?? 1), x509),
	x509bundles: () => stream('FetchX509Bundles', 1, bundles(b => new X509Certificate(b).ca)),
	jwtbundles: () => stream('FetchJWTBundles', 1, bundles(b => JSON.parse(b).keys.length)),
	jwt: async (id, ...audience) => out((await unary('FetchJWTSVID', { audience, spiffe_id: id })).svids[0]),
	many: async n => { for (let i = 0; i < n; i += 8) await Promise.all(Array.from({ length: 8 }, () => unary('FetchJWTSVID', { audience: ['a'], spiffe_id: '' }))); out({ all: n }); },
	validate: async (audience, svid) => out(await unary('ValidateJWTSVID', { audience, svid })),
	nonsense: async () => out(await unary('Nonsense', {})),
	// many connections at once, each with a stream that stays open
	crowd: n => {
		let open = 0, refused = 0;
		for (let i = 0; i < n; i++) {
			const own = new SpiffeWorkloadAPI(at, grpc.credentials.createInsecure(), { 'grpc.use_local_subchannel_pool': 1, 'grpc.enable_retries': 0 });
			const call = own.FetchX509SVID({}, metadata, deadline());
			const count = () => { if (open + refused === Number(n)) { out({ open, refused }); process.exit(0); } };
			call.once('data', () => { open++; count(); });
			call.on('error', () => { refused++; count(); });
		}
	},
};
await verbs[verb](...args);
