// Programs SEED..SEED+COUNT-1 through our engine and cedar-wasm: run.mjs DRIVER COUNT [SEED].  Prints every difference that is not known
// and a line of counts; exit 1 if there is one.  `run.mjs DRIVER show SEED` prints one program and both answers.
import { spawn } from 'node:child_process';
import { isDeepStrictEqual } from 'node:util';
import * as readline from 'node:readline';
import { program } from './programs.mjs';

const [driver, count, first] = process.argv.slice(2);
const patience = 20_000;	// ms for one program

// A process that answers lines with lines, in order.  When it ends, whoever waited longest gets null; the others are asked again.
class Engine {
	constructor(command, args, stderr) {
		this.waiting = [];
		this.start = () => {
			const child = this.child = spawn(command, args, { stdio: ['pipe', 'pipe', stderr] });
			child.stdin.on('error', () => {});
			readline.createInterface({ input: child.stdout }).on('line', (line) => {
				this.watch();
				this.waiting.shift().resolve(JSON.parse(line));
			}).on('close', () => this.ended());
		};
		this.start();
	}
	watch() {
		clearTimeout(this.timer);
		this.timer = setTimeout(() => this.child.kill('SIGKILL'), patience);
	}
	ended() {
		clearTimeout(this.timer);
		if (this.waiting.length === 0)
			return;
		this.waiting.shift().resolve(null);
		this.start();
		for (const w of this.waiting)
			this.child.stdin.write(w.line);
		this.watch();
	}
	ask(message) {
		const line = `${JSON.stringify(message)}\n`;
		this.watch();
		this.child.stdin.write(line);
		return new Promise((resolve) => this.waiting.push({ line, resolve }));
	}
	end() {
		clearTimeout(this.timer);
		this.child.stdin.end();
	}
}

const ours = new Engine(driver, [], 'inherit');
const theirs = new Engine(process.execPath, [new URL('oracle.mjs', import.meta.url).pathname], 'ignore');

// Numbers beyond 2^53 - 1 are rounded by JavaScript on their way through cedar-wasm: our reader would see other ones.
const exact = (value) => typeof value === 'object' && value !== null ? Object.values(value).every(exact) : typeof value !== 'number' || Number.isSafeInteger(value);
const sorted = (a) => (a?.refused !== undefined ? { refused: true } : { ...a, reason: [...a.reason].sort(), errors: [...a.errors].sort() });
const brief = (value) => { const s = JSON.stringify(value) ?? 'nothing'; return s.length > 600 ? `${s.slice(0, 600)}...` : s; };

// Where two values part, so that long ones can be told briefly.
function part(x, y, path = '') {
	const both = [x, y].every((v) => typeof v === 'object' && v !== null) && Array.isArray(x) === Array.isArray(y);
	const key = both ? [...new Set([...Object.keys(x), ...Object.keys(y)])].find((k) => !isDeepStrictEqual(x[k], y[k])) : undefined;
	return key === undefined ? { path, x, y } : part(x[key], y[key], `${path}.${key}`);
}

// What an action is in may be written with its type or without.
const untyped = (schema) => JSON.parse(JSON.stringify(schema, (k, v) => (k === 'memberOf' && Array.isArray(v) ? v.map((m) => ({ id: m.id, ...(/(^|::)Action$/.test(m.type ?? 'Action') ? {} : { type: m.type }) })) : v)));

// An escape that is not whole is a record there, or an argument that fails only when it is evaluated; here it is refused.  One with
// something beside it is itself there, after what is beside it was evaluated.
const full = { __extn: (e) => typeof e.fn === 'string' && (e.arg !== undefined || Array.isArray(e.args)), __entity: (e) => typeof e.type === 'string' && typeof e.id === 'string' };
// A scope may have, there, a member that another op asks for, or two where its own asks for one of them.
const given = (v, ...names) => names.filter((k) => k in v && !(k === 'in' && v[k] === null)).length;
const oddScope = (v) => {
	const named = given(v, 'entity', 'entities', 'slot');
	switch (v.op) {
	case 'All': case 'all': return named + given(v, 'entity_type', 'in') > 0;
	case '==': case 'in': return named > 1 || given(v, 'entity_type', 'in', ...(v.op === 'in' ? [] : ['entities'])) > 0;
	case 'is': return typeof v.in === 'object' && v.in !== null && given(v.in, 'entity', 'entities', 'slot', 'entity_type') > 1;
	default: return false;
	}
};
// Attributes of an entity may be called `__entity` there; a structure may be written as a list.
const odd = (v) => typeof v === 'object' && v !== null && (Object.keys(full).some((k) => Object.keys(v.attrs ?? {}).includes(k)) || oddScope(v) ||
	Object.entries(v).some(([k, types]) => /^(entityTypes|actions)$/.test(k) && Object.values(types ?? {}).some(Array.isArray)) || Object.keys(full).some((k) => k in v && (Object.keys(v).length > 1 || typeof v[k] !== 'object' || v[k] === null || !full[k](v[k]))) ||
	Object.values(v).some(odd));

// cedar-wasm 4.13 made a warning of what 4.12 and we call an error.
const noAction = (why) => /no action of the schema applies|unable to find an applicable action/.test(why);

function compare(p, w, o, differ) {
	const same = (what, x, y) => isDeepStrictEqual(x, y) || differ(what, x, y);
	if (p.kind === 'json') {
		const normal = p.what === 'schema' ? untyped : (v) => v;
		if (odd(w.document))
			return;
		if (w.accepted !== o.accepted)
			differ(`${p.what} in JSON ${JSON.stringify(w.document)}`, o.accepted || o.why, w.accepted || w.why);
		else if (w.accepted && w.normal)
			same(`${p.what} in JSON`, normal(o.normal), normal(w.normal));
		return;
	}
	if (p.kind === 'schemas') {
		if (same('schema accepted', o.schemaParsed, w.schemaParsed) !== true)
			return;
		if (w.schemaJson !== null) {
			same('schema as JSON', o.schemaJson, w.schemaJson);
			if (o.schemaJson !== undefined)
				same('schema printed and read again', o.schemaAgain, o.schemaJson);
			if (w.schemaText)
				same('their text of the schema', o.schemaFromTheirs ?? null, w.schemaAgain);
		}
		return;
	}
	if (same('accepted', o.parsed, w.parsed) !== true || !o.parsed)
		return;
	const known = Object.fromEntries(Object.entries(w.json ?? {}).filter(([, j]) => j !== null));
	for (const [id, json] of Object.entries(known))
		same(`policy as JSON: ${id}`, o.json[id], json);
	same('printed and read again', o.again, o.json);
	if (p.askedJson)
		same('read from their JSON', o.fromJson ?? o.fromJsonWhy, Object.fromEntries(Object.keys(p.askedJson).map((id) => [id, o.json[id]])));
	if (w.formatted !== undefined)
		same('read from their layout', o.fromFormatted, o.json);
	if (p.text !== undefined)
		same('read from our layout', o.fromOurLayout, o.json);
	if (w.valid !== undefined && o.valid !== w.valid && !(w.valid && o.validWhy.every(noAction)))
		differ('valid', o.valid ? true : o.validWhy, w.valid ? true : w.validWhy);
	(w.answers ?? []).forEach((a, i) => same(`request ${i}`, sorted(o.answers[i]), sorted(a)));
}

async function both(p) {
	const w = await theirs.ask(p);
	if (w === null || w.thrown !== undefined)
		return { trapped: true, w };
	// Only static policies have a form of JSON that needs no links.
	if (w.parsed && exact(w.json) && Object.values(w.json).every((j) => j !== null))
		p.askedJson = Object.fromEntries(Object.entries(w.json).filter(([id]) => !(p.set && id in p.set.templates)));
	if (p.kind === 'json')
		return { w, o: w.accepted === undefined || !exact(w.document) ? { accepted: w.accepted, normal: w.normal } : await ours.ask({ kind: 'json', what: p.what, document: w.document, template: w.template, action: p.action, schema: p.schema }) };
	const o = await ours.ask({ ...p, theirs: { json: p.askedJson, formatted: w.formatted, schemaText: w.schemaText ?? undefined } });
	return { w, o };
}

async function check(seed, counts, report) {
	const p = program(seed), { w, o, trapped } = await both(p);
	counts.programs++;
	if (trapped) {
		counts.trapped++;
		return;
	}
	if (o === null) {
		report('our engine ended', null, w);
		return;
	}
	counts.requests += w.answers?.length ?? 0;
	counts.refused += w.parsed === false || w.schemaParsed === false || w.accepted === false;
	let differences = 0;
	compare(p, w, o, (what, x, y) => { differences++; report(what, x, y); });
	if (differences > 0 || (o.printed === undefined && o.schemaPrinted === undefined))
		return;
	const read = await theirs.ask({ kind: 'reread', printed: o.printed, templates: Object.keys(p.set?.templates ?? {}), schemaPrinted: o.schemaPrinted });
	if (read?.json !== undefined)
		for (const [id, j] of Object.entries(read.json))
			if (!isDeepStrictEqual(j, w.json?.[id] ?? j))
				report(`our text of ${id} read there`, o.printed[id], j);
	if (read?.schemaJson !== undefined && !isDeepStrictEqual(read.schemaJson, w.schemaJson))
		report('our text of the schema read there', o.schemaPrinted, read.schemaJson);
}

if (count === 'show') {
	const p = program(Number(first)), { w, o } = await both(p);
	for (const [k, v] of Object.entries({ ...p.set?.statics, ...p.set?.templates }))
		console.log(`--- ${k}\n${v}`);
	console.log(p.text ?? '', p.kind === 'schemas' ? p.schema : '');
	console.log(JSON.stringify({ links: p.set?.links, requests: p.requests }), '\nTHEIRS', JSON.stringify(w), '\nOURS', JSON.stringify(o));
} else {
	const counts = { programs: 0, requests: 0, refused: 0, trapped: 0, different: 0 };
	const from = Number(first ?? 1), last = from + Number(count);
	let seed = from;
	const one = async (at) => {
		let told = 0;
		await check(at, counts, (what, ours, theirs) => {
			const { path, x, y } = part(ours, theirs);
			if (told++ === 0)
				counts.different++;
			if (told <= 3 && counts.different <= 25)
				console.log(`program ${at}: ${what}${path}\n  ours   ${brief(x)}\n  theirs ${brief(y)}`);
		});
	};
	const worker = async () => {
		while (seed < last)
			await one(seed++);
	};
	await Promise.all(Array.from({ length: 16 }, worker));
	console.log(`programs ${counts.programs}, requests ${counts.requests}, refused ${counts.refused}, trapped there ${counts.trapped}, different ${counts.different}`);
	// An oracle that ends now and then is restarted; one that always does says nothing.
	process.exitCode = counts.different > 0 || counts.trapped * 50 > counts.programs ? 1 : 0;
}
ours.end();
theirs.end();
