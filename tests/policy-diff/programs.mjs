// One program of each seed: what both engines are asked.
import { makers, text } from './literals.mjs';
import { Maker, spoiled } from './policies.mjs';
import { Random } from './random.mjs';
import { schema, world } from './schemas.mjs';

const ref = (type, id) => ({ __entity: { type, id } });
const ext = (fn, arg) => ({ __extn: { fn, arg } });
const maybe = (r, percent, field) => (r.chance(percent) ? field() : {});

function user(r, id) {
	return { uid: { type: 'User', id }, parents: r.subset(['g1', 'g2', 'g3'], 40).map((g) => ({ type: 'Group', id: g })),
		attrs: { name: r.chance(70) ? id : text(r), age: r.pick([0, 1, 7, 42, 9007199254740991, -9007199254740991]), admin: r.chance(50), labels: r.subset(['t1', 't2', 'x', ''], 50),
			info: { n: r.below(50), ...maybe(r, 50, () => ({ s: text(r) })), ...maybe(r, 30, () => ({ deep: { b: r.chance(50), 'odd key': 1 } })) },
			friends: r.subset(['alice', 'bob', 'ghost'], 40).map((u) => ref('User', u)),
			...maybe(r, 60, () => ({ addr: ext('ip', r.pick(['10.0.0.1', '::1', '127.0.0.1/8', '10.0.0.0/24'])) })), ...maybe(r, 50, () => ({ manager: ref('User', r.pick(['alice', 'bob', 'ghost'])) })),
			...maybe(r, 50, () => ({ balance: ext('decimal', `${r.below(20)}.${r.below(10)}`) })), ...maybe(r, 50, () => ({ since: ext('datetime', `20${r.between(10, 29)}-0${r.between(1, 9)}-01`) })),
			...maybe(r, 50, () => ({ quota: ext('duration', `${r.below(40)}h`) })), ...maybe(r, 1, () => ({ age: 'old' })), ...maybe(r, 1, () => ({ extra: 1 })) },
		tags: Object.fromEntries(r.subset(['t1', 't2', ''], 50).map((t) => [t, text(r)])) };
}

function entities(r) {
	const of = (type, id, parents, attrs = {}) => ({ uid: { type, id }, attrs, parents: parents.map(([t, i]) => ({ type: t, id: i })) });
	const all = [...['alice', 'bob', 'carol'].map((u) => user(r, u)),
		of('Group', 'g1', r.subset([['Group', 'g2'], ['Group', 'g3']], 50), maybe(r, 30, () => ({ owner: ref('User', 'bob') }))), of('Group', 'g2', r.subset([['Group', 'g3']], 50)), of('Group', 'g3', []),
		of('Folder', 'f1', r.subset([['Folder', 'f2']], 60)), of('Folder', 'f2', []),
		...['d1', 'd2', 'd3'].map((d) => ({ ...of('Doc', d, r.subset([['Folder', 'f1'], ['Folder', 'f2']], 40), { owner: ref('User', r.pick(['alice', 'bob', 'ghost'])), open: r.chance(50),
			readers: ref('Group', r.pick(['g1', 'g2'])), size: r.below(100), ...maybe(r, 40, () => ({ color: ref('Color', r.pick(['red', 'green']) ) })),
			...maybe(r, 40, () => ({ made: ext('datetime', '2024-05-05T12:00:00Z') })) }), tags: r.chance(50) ? { t1: [1, 2] } : {} }))];
	const held = r.subset(all, 92);
	if (r.chance(1))
		held.push(of('Group', 'g3', [['Group', 'g1']]));	// a cycle, or a second g3
	return held;
}

function request(r) {
	const action = r.pick(['read', 'write', 'read', 'write', 'read', 'write', 'read', 'write', 'nothing', r.chance(20) ? 'all' : 'read']);
	const principal = r.chance(92) ? { type: 'User', id: r.pick(['alice', 'bob', 'carol', 'ghost']) } : { type: 'Group', id: 'g1' };
	const resource = action === 'nothing' ? { type: 'User', id: 'bob' } : r.chance(90) ? { type: 'Doc', id: r.pick(['d1', 'd2', 'd3', 'd4']) } : { type: 'Folder', id: 'f1' };
	const context = action === 'nothing' || action === 'all' ? {} : { n: r.below(60), s: text(r), mfa: r.chance(50),
		...(action === 'write' ? { ...maybe(r, 50, () => ({ at: ext('datetime', '2024-05-05') })), ...maybe(r, 50, () => ({ from: ext('ip', r.pick(['10.0.0.9', '::1'])) })),
			...maybe(r, 40, () => ({ who: ref('User', r.pick(['alice', 'ghost'])) })) } : {}),
		...maybe(r, 3, () => ({ stray: 1 })), ...maybe(r, 2, () => ({ n: 'three' })) };
	return { principal, action: { type: 'Action', id: action }, resource, context };
}

// Templates with their links; static policies by id.
function policySet(r, size) {
	const make = new Maker(r, r.pick([0, 2, 8]));
	const set = { statics: {}, templates: {}, links: [] };
	for (let i = 0; i < size; i++) {
		const slots = r.chance(25) ? r.pick([{ principal: true, resource: false }, { principal: false, resource: true }, { principal: true, resource: true }]) : null;
		const id = r.chance(90) ? `p${i}` : `${i} ${text(r)}`;
		if (slots === null) {
			set.statics[id] = make.policy(undefined, r.pick([1, 2, 3]));
			continue;
		}
		set.templates[id] = make.policy(slots, 2);
		for (let k = r.below(3); k > 0; k--)
			set.links.push({ template: id, id: r.chance(99) ? `${id}-link${k}` : 'p0', ...(slots.principal && r.chance(99) ? { principal: { type: r.pick(['User', 'Group']), id: r.pick(['alice', 'g1', 'g3']) } } : {}),
				...(slots.resource && r.chance(99) ? { resource: { type: r.pick(['Doc', 'Folder']), id: r.pick(['d1', 'f1', 'f2']) } } : {}) });
	}
	return set;
}

// A policy for each literal: the constructor's refusals and the order of what it makes.
function extensionSet(r) {
	const set = { statics: {}, templates: {}, links: [] };
	for (let i = 0; i < 12; i++) {
		const make = new Maker(r, 0), type = r.pick(Object.keys(makers)), one = JSON.stringify(makers[type](r)), other = JSON.stringify(makers[type](r));
		const call = (s) => `${type}(${s.replace(/\\n/g, '\n')})`;
		const compare = { ip: ['.isInRange(', ')'], decimal: ['.lessThan(', ')'], datetime: [' < (', ')'], duration: [' < (', ')'] }[type];
		set.statics[`e${i}`] = `permit(principal, action, resource) when { ${r.chance(70) ? call(one) : make.expr(type, 2)}${compare[0]}${r.chance(70) ? call(other) : make.expr(type, 1)}${compare[1]} };`;
	}
	return set;
}

// A document in JSON that the oracle makes of this and spoils: policies, a schema, entities, a context.
function document(r) {
	const what = r.pick(['policies', 'schema', 'entities', 'context']), common = { kind: 'json', what, mutation: r.next() };
	if (what === 'policies')
		return { ...common, set: policySet(r, r.between(1, 3)) };
	if (what === 'schema')
		return { ...common, source: schema(r) };
	const under = r.chance(65) ? { schema: world } : {};
	if (what === 'entities')
		return { ...common, ...under, document: entities(r).slice(0, r.between(1, 4)) };
	const q = request(r);
	return q.action.id === 'all' ? document(r) : { ...common, ...under, action: q.action, document: q.context };
}

const kinds = [
	[42, (r) => ({ kind: 'decide', schema: r.chance(70) ? world : undefined, set: policySet(r, r.chance(85) ? r.between(1, 6) : r.between(10, 50)), entities: entities(r), requests: r.some(3, 6, () => request(r)) })],
	[10, (r) => ({ kind: 'extensions', schema: r.chance(50) ? world : undefined, set: extensionSet(r), entities: [], requests: [{ ...request(r), context: { n: 1, s: '', mfa: true } }] })],
	[18, (r) => ({ kind: 'refusals', text: spoiled(r, r.some(1, 2, () => new Maker(r, 5).policy(undefined, 2)).join('\n')) })],
	[5, (r) => ({ kind: 'texts', text: r.some(2, 8, () => new Maker(r, 5).policy(undefined, 3)).join(r.pick(['\n', ' ', '\n// between\n'])) })],
	[10, (r) => ({ kind: 'schemas', schema: r.chance(80) ? schema(r) : spoiled(r, schema(r)) })],
	[15, document],
];

export function program(seed) {
	const r = new Random(seed);
	let at = r.below(100);
	for (const [share, make] of kinds) {
		if (at < share)
			return { seed, ...make(r) };
		at -= share;
	}
	throw new Error('the shares do not add up');
}
