// A kubelet's calls: node cri.mjs SOCKET METHOD JSON; prints the answer, or {"error"}.
import { createRequire } from 'node:module';
const require = createRequire(process.env.MODULES + '/x.js');
const grpc = require('@grpc/grpc-js'), loader = require('@grpc/proto-loader');
const [socket, method, request] = process.argv.slice(2);
const { runtime } = grpc.loadPackageDefinition(loader.loadSync(new URL('cri.proto', import.meta.url).pathname, { keepCase: true, longs: String, defaults: true }));
const client = new runtime.v1.RuntimeService('unix://' + socket, grpc.credentials.createInsecure());
client[method](JSON.parse(request), new grpc.Metadata(), { deadline: Date.now() + 20000 }, (e, r) => {
	console.log(JSON.stringify(e ? { error: e.details } : r, (k, v) => v?.type === 'Buffer' ? Buffer.from(v.data).toString() : v));
	process.exit(0);
});
