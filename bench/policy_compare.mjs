// Our engine beside cedar-wasm on the same workloads in the same run: policy_compare.mjs BIN-DIR WORK-DIR.
// Ours reads the whole entity store; cedar-wasm, which takes entities with each call, gets the slice that the request can reach.
// Slices are made before the clock starts.  Decisions must agree.  To add a policy there, the set is parsed whole.
// Prints a table; a row with a bar says whether it was met.  Exit 1 if decisions differ or a bar is missed.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import * as cedar from '@cedar-policy/cedar-wasm/nodejs';

// p50 in microseconds that we want to stay under, from what the best published engines reach.
const workloads = [
	['todo-5', 0.35], ['todo-50', 0.35], ['drive-5', null], ['drive-50', 0.8], ['forge-5', null], ['forge-50', 0.8],
	['ctr-10', 0.7], ['ctr-100', null], ['ctr-1000', null], ['ctr-10000', 2],
];
const budgetMs = 4000;	// of cedar-wasm on one workload

const [bin, work] = process.argv.slice(2);
const read = (name, file) => readFileSync(`${work}/${name}/${file}`, 'utf8');
const key = (uid) => `${uid.type}::${uid.id}`;
const median = (list) => list.sort((a, b) => a - b)[list.length >> 1];

// What a request can reach: parents, and entities that attributes name.
function slice(byId, request) {
	const found = new Map(), open = [request.principal, request.action, request.resource];
	while (open.length > 0) {
		const uid = open.pop(), entity = byId.get(key(uid));
		if (entity === undefined || found.has(key(uid)))
			continue;
		found.set(key(uid), entity);
		open.push(...entity.parents, ...Object.values(entity.attrs).flatMap((v) => v.__entity ?? []));
	}
	return [...found.values()];
}

function theirs(name) {
	const entities = JSON.parse(read(name, 'entities.json')), requests = JSON.parse(read(name, 'requests.json'));
	const byId = new Map(entities.map((e) => [key(e.uid), e]));
	const began = performance.now();
	const parsed = cedar.preparsePolicySet(name, { staticPolicies: read(name, 'policies.cedar') });
	if (parsed.type !== 'success')
		throw new Error(`${name}: ${JSON.stringify(parsed)}`);
	const parseMs = performance.now() - began;
	const times = [];
	let decisions = '';
	for (const request of requests) {
		const call = { ...request, preparsedPolicySetId: name, validateRequest: false, entities: slice(byId, request) };
		const from = performance.now();
		const answer = cedar.statefulIsAuthorized(call);
		times.push((performance.now() - from) * 1000);
		if (answer.type !== 'success')
			throw new Error(`${name}: ${JSON.stringify(answer)}`);
		decisions += answer.response.decision === 'allow' ? '1' : '0';
		if (performance.now() - began - parseMs > budgetMs)
			break;
	}
	return { p50: median(times), parseMs, decisions };
}

// Each figure is the median of five runs.
function ours(name) {
	const runs = Array.from({ length: 5 }, () => JSON.parse(execFileSync(`${bin}/policy`, [`${work}/${name}`], { encoding: 'utf8' })));
	const figures = Object.keys(runs[0]).filter((k) => typeof runs[0][k] === 'number');
	return { ...runs[0], ...Object.fromEntries(figures.map((k) => [k, median(runs.map((r) => r[k]))])) };
}

const rows = [['figure', 'lightgate', 'cedar-wasm', 'ratio', 'bar', 'met']];
let different = 0, missed = 0;

function row(figure, value, other, bar, digits = 2) {
	const met = bar === null ? '' : value <= bar ? 'yes' : 'no';
	missed += met === 'no';
	rows.push([figure, value.toFixed(digits), other?.toFixed(0) ?? '', other ? `${(other / value).toFixed(0)}x` : '', bar ?? '', met]);
}

for (const [name, bar] of workloads) {
	const we = ours(name), wasm = theirs(name);
	if (!we.decisions.startsWith(wasm.decisions)) {
		console.log(`${name}: the decisions differ`);
		different++;
	}
	row(`${name}, p50 us`, we.p50_us, wasm.p50, bar);
	if (name !== 'ctr-10000')
		continue;
	row(`parse and index ${we.policies} policies, ms`, we.parse_ms, wasm.parseMs, 40, 1);
	row(`add one policy to ${we.policies}, us`, we.change_us, wasm.parseMs * 1000, 1000, 0);
	row('  the slowest of 401, which copies all, ms', we.change_max_us / 1000, null, null, 1);
	row(`load ${we.entities} entities, ms`, we.load_ms, null, 60, 1);
	row('resident, all of it, MB', we.rss_mb, null, 60, 1);
}
const widths = rows[0].map((_, i) => Math.max(...rows.map((r) => String(r[i]).length)));
for (const r of rows)
	console.log(r.map((cell, i) => (i === 0 ? String(cell).padEnd(widths[i]) : String(cell).padStart(widths[i]))).join('  '));
const bars = rows.filter((r) => r[5] === 'yes' || r[5] === 'no').length;
console.log(`${workloads.length} workloads, ${different} with different decisions; ${bars - missed} of ${bars} bars met`);
process.exit(different > 0 || missed > 0 ? 1 : 0);
