// Policies over schemas.world: expressions by type, now and then of another type than wanted.
import { makers, oddStrings, pattern, quoted, text } from './literals.mjs';

const users = ['alice', 'bob', 'carol', 'ghost'], groups = ['g1', 'g2', 'g3'], docs = ['d1', 'd2', 'd3'], folders = ['f1', 'f2'];
const uids = { User: users, Group: groups, Doc: docs, Folder: folders, Color: ['red', 'green'], Stranger: ['x'] };
const types = Object.keys(uids);
const longs = ['0', '1', '2', '7', '10', '42', '100', '9223372036854775807', '-9223372036854775808', '-1', '4611686018427387904'];

export const uid = (r, type = r.pick(types)) => `${type}::${quoted(r, r.chance(97) ? r.pick(uids[type]) : text(r))}`;
const set = (items) => `[${items.join(', ')}]`;

const attribute = { Bool: ['principal.admin', 'resource.open', 'context.mfa'], Long: ['principal.age', 'resource.size', 'context.n', 'principal.info.n'],
	String: ['principal.name', 'context.s', 'principal.info.s', 'principal.getTag("t1")'], User: ['principal', 'resource.owner', 'principal.manager', 'context.who'],
	ip: ['principal.addr', 'context.from'], decimal: ['principal.balance'], datetime: ['principal.since', 'resource.made', 'context.at'], duration: ['principal.quota'] };
const paths = ['principal has manager', 'principal has addr', 'principal has info.s', 'principal has info.deep.b', 'context has at', 'context has who.name', 'resource has owner',
	'resource has made', 'principal has balance', 'principal has "quota"', 'context has from', 'resource has color', 'principal has since', 'principal has nothing.at.all'];

export class Maker {
	constructor(r, wrong = 4) {
		this.r = r;
		this.wrong = wrong;	// percent of expressions of another type
	}

	expr(type, depth) {
		const { r } = this;
		if (r.chance(this.wrong))
			type = r.pick(['Bool', 'Long', 'String', 'User', 'Set', 'Record', 'ip', 'decimal', 'datetime', 'duration']);
		if (depth > 0 && r.chance(8))
			return `(if ${this.expr('Bool', depth - 1)} then ${this.expr(type, depth - 1)} else ${this.expr(type, depth - 1)})`;
		if (attribute[type] !== undefined && r.chance(30))
			return r.pick(attribute[type]);
		return this[type](depth);
	}

	Bool(depth) {
		const { r } = this, e = (type) => this.expr(type, depth - 1);
		if (depth <= 0)
			return r.pick(['true', 'false', 'principal == principal', r.pick(paths), `${uid(r)} == ${uid(r)}`]);
		return r.pick([
			() => `(${e('Bool')} && ${e('Bool')})`, () => `(${e('Bool')} || ${e('Bool')})`, () => `!(${e('Bool')})`, () => `!${r.pick(['', '!', '!!'])}(${e('Bool')})`,
			() => `(${r.pick(paths)} && ${e('Bool')})`,
			() => `(${e('Long')} ${r.pick(['<', '<=', '>', '>=', '==', '!='])} ${e('Long')})`,
			() => `(${e('String')} ${r.pick(['==', '!='])} ${e('String')})`,
			() => `(${e('String')} like ${pattern(r)})`,
			() => `(${this.entity()} in ${r.pick([() => uid(r), () => set(r.some(0, 3, () => uid(r))), () => this.entity()])()})`,
			() => `(${this.entity()} is ${r.pick(types)}${r.chance(30) ? ` in ${uid(r)}` : ''})`,
			() => `${e('Set')}.contains(${e(r.pick(['Long', 'String', 'User']))})`,
			() => `${e('Set')}.${r.pick(['containsAll', 'containsAny'])}(${e('Set')})`,
			() => `${e('Set')}.isEmpty()`,
			() => `(${e('Record')} == ${e('Record')})`, () => `(${e('Set')} == ${e('Set')})`,
			() => `(${e('Record')} has ${r.pick(['a', '"b"', 'a.b', 'c'])})`,
			() => `(${e('User')} has ${r.pick(['manager', 'name', 'info.s', 'zzz'])})`,
			() => `${e('User')}.hasTag(${e('String')})`,
			() => `${e('ip')}.${r.pick(['isIpv4', 'isIpv6', 'isLoopback', 'isMulticast'])}()`, () => `${e('ip')}.isInRange(${e('ip')})`,
			() => `(${e('ip')} == ${e('ip')})`,
			() => `${e('decimal')}.${r.pick(['lessThan', 'lessThanOrEqual', 'greaterThan', 'greaterThanOrEqual'])}(${e('decimal')})`,
			() => `(${e('datetime')} ${r.pick(['<', '<=', '>', '>=', '=='])} ${e('datetime')})`,
			() => `(${e('duration')} ${r.pick(['<', '<=', '>', '>=', '=='])} ${e('duration')})`,
		])();
	}

	entity() {
		const { r } = this;
		return r.pick([() => 'principal', () => 'resource', () => 'action', () => this.expr('User', 0), () => uid(r)])();
	}

	Long(depth) {
		const { r } = this, e = (type) => this.expr(type, depth - 1);
		if (depth <= 0 || r.chance(30))
			return r.pick(longs);
		return r.pick([() => `(${e('Long')} ${r.pick(['+', '-', '*'])} ${e('Long')})`, () => `-(${e('Long')})`, () => `-${r.pick(['', '-', '--'])}${e('Long')}`,
			() => `${e('datetime')}.durationSince(${e('datetime')}).${r.pick(['toDays', 'toHours', 'toMinutes', 'toSeconds', 'toMilliseconds'])}()`,
			() => `${e('duration')}.${r.pick(['toDays', 'toHours', 'toMinutes', 'toSeconds', 'toMilliseconds'])}()`,
			() => `{a: ${e('Long')}, "b": 2}.${r.pick(['a', 'b'])}`, () => `{a: ${e('Long')}}["${r.pick(['a', 'a', 'b'])}"]`])();
	}

	String(depth) {
		const { r } = this;
		if (depth > 0 && r.chance(15))
			return `${this.expr('User', depth - 1)}.${r.pick(['name', 'getTag("t1")', 'getTag("t2")', 'info.s'])}`;
		return r.pick([() => quoted(r, text(r)), () => quoted(r, r.pick([...users, 't1', 't2', 'x']))])();
	}

	User(depth) {
		const { r } = this;
		return depth > 0 && r.chance(30) ? `${this.expr('User', depth - 1)}.manager` : uid(r, 'User');
	}

	Set(depth) {
		const { r } = this, type = r.pick(['Long', 'String', 'User', 'Bool']);
		return r.chance(20) ? r.pick(['principal.labels', 'principal.friends', 'resource.getTag("t1")']) : set(r.some(r.chance(85) ? 1 : 0, 3, () => this.expr(type, depth - 1)));
	}

	Record(depth) {
		const { r } = this, keys = r.subset(['a', '"b"', 'c', '"odd key"', 'in'], 50);
		return r.chance(20) ? r.pick(['principal.info', 'context', 'principal.info.deep']) : `{${keys.map((k) => `${k}: ${this.expr(r.pick(['Long', 'String']), depth - 1)}`).join(', ')}}`;
	}

	extension(type, depth, more) {
		const { r } = this;
		if (depth > 0 && more.length > 0 && r.chance(40))
			return r.pick(more)();
		return `${type}(${r.chance(97) ? quoted(r, makers[type](r)) : this.expr('String', depth - 1)})`;
	}

	ip(depth) {
		return this.extension('ip', depth, []);
	}
	decimal(depth) {
		return this.extension('decimal', depth, []);
	}
	datetime(depth) {
		const e = (type) => this.expr(type, depth - 1);
		return this.extension('datetime', depth, [() => `${e('datetime')}.offset(${e('duration')})`, () => `${e('datetime')}.toDate()`]);
	}
	duration(depth) {
		const e = (type) => this.expr(type, depth - 1);
		return this.extension('duration', depth, [() => `${e('datetime')}.toTime()`, () => `${e('datetime')}.durationSince(${e('datetime')})`]);
	}

	// ---- policies ----

	scope(variable, slot) {
		const { r } = this, kind = variable === 'principal' ? ['User', 'Group'] : ['Doc', 'Folder', 'User'];
		const target = slot ? `?${variable}` : uid(r, r.pick(kind));
		if (slot)
			return `${variable} ${r.pick(['==', 'in', `is ${r.pick(kind)} in`])} ${target}`;
		if (r.chance(50))
			return variable;
		return r.pick([() => `${variable} == ${target}`, () => `${variable} in ${target}`, () => `${variable} is ${r.pick(kind)}`,
			() => `${variable} is ${r.pick(kind)} in ${target}`])();
	}

	action() {
		const { r } = this, one = () => `Action::${quoted(r, r.pick(['read', 'write', 'read', 'write', 'all', 'all', 'nothing', 'read', r.chance(20) ? 'unknown' : 'quoted "action"']))}`;
		return r.pick([() => 'action', () => 'action', () => 'action in [Action::"read", Action::"write"]', () => `action == ${one()}`, () => `action in ${one()}`, () => `action in [${r.some(0, 3, one).join(', ')}${r.chance(5) ? ',' : ''}]`])();
	}

	annotations() {
		const { r } = this;
		return r.chance(75) ? '' : r.some(1, 3, (i) => `@${r.pick(['id', 'a', 'if', 'principal', '_'])}${i}${r.chance(70) ? `(${quoted(r, text(r))})` : ''}\n`).join('');
	}

	policy(slots = { principal: false, resource: false }, depth = 3) {
		const { r } = this;
		const conditions = r.some(0, 2, () => `${r.pick(['when', 'when', 'unless'])} {${r.chance(10) ? ' // why\n' : ' '}${this.expr('Bool', r.between(0, depth))} }`);
		return `${this.annotations()}${r.pick(['permit', 'permit', 'forbid'])}(${this.scope('principal', slots.principal)}, ${this.action()}, ${
			this.scope('resource', slots.resource)}${r.chance(5) ? ',' : ''})\n${conditions.join('\n')};`;
	}
}

// ---- spoiling: tokens taken out, doubled, exchanged ----

const spare = ['(', ')', '{', '}', '[', ']', ',', ';', '.', '::', ':', '==', '!', '-', '+', '*', '&&', '||', '<', '=', '?', '@', 'if', 'then', 'else', 'in', 'is', 'has', 'like', 'when',
	'permit', 'true', 'principal', '?principal', '?resource', '?x', '__cedar', 'x', 'U::"a"', 'A::B::"c"', '1', '9223372036854775808', '"s"', '/* c */', '//c\n', 'ip', 'ip("1.1.1.1")', 'contains',
	'{a: 1, a: 2}', '{"a": 1, a: 2}', '{a: 1,}', '[1,]', '#', '\u00a0', 'é', ...oddStrings];

export function spoiled(r, source) {
	const tokens = source.match(/"(?:[^"\\]|\\.)*"|\/\/.*\n|[A-Za-z_]\w*|\d+|\s+|&&|\|\||::|[=!<>]=|./gsu) ?? [];
	for (let i = r.chance(80) ? 1 : 2; i > 0 && tokens.length > 0; i--) {
		const at = r.below(tokens.length);
		r.pick([() => tokens.splice(at, 1), () => tokens.splice(at, 0, r.pick(['\n', ' // note\n', '\t', ' ', '\r\n', '\f', '\v', '\u2003', '\u0085'])),
			() => /^[a-z_]+$/i.test(tokens[at]) && tokens.splice(at, 1, r.pick(['x', 'principal', 'context', 'true', 'Action', 'User', '_', 'contains', 'ip'])), () => tokens.splice(at, 0, tokens[r.below(tokens.length)]), () => tokens.splice(at, 0, ` ${r.pick(spare)} `),
			() => tokens.splice(at, 1, ` ${r.pick(spare)} `), () => ([tokens[at], tokens[tokens.length - 1 - at]] = [tokens[tokens.length - 1 - at], tokens[at]])])();
	}
	return tokens.join('');
}
