// Schemas: one that programs decide under, and random ones for the translations.
import { quoted, text } from './literals.mjs';

export const world = `
type Info = { n: Long, s?: String, deep?: { b: Bool, "odd key": Long } };
entity Group in [Group] { owner?: User };
entity User in [Group] {
  name: String, age: Long, admin: Bool, labels: Set<String>, info: Info, friends: Set<User>,
  addr?: ipaddr, manager?: User, balance?: decimal, since?: datetime, quota?: duration,
} tags String;
entity Folder in [Folder];
entity Doc in [Folder] { owner: User, open: Bool, readers: Group, size: Long, color?: Color, made?: datetime } tags Set<Long>;
entity Color enum ["red", "green", "\\u{1f600}"];
action all, "quoted \\"action\\"";
action write in [all] appliesTo { principal: [User], resource: [Doc], context: { at?: datetime, from?: ipaddr, n: Long, s: String, who?: User, mfa: Bool } };
action read in [all, write] appliesTo { principal: [User, Group], resource: [Doc, Folder], context: { n: Long, s: String, mfa: Bool } };
action nothing appliesTo { principal: [User], resource: [User] };
`;

const reserved = ['String', 'Long', 'Set', 'Record', 'Entity', 'Extension', '__cedar', 'in', 'is', 'if', 'true', 'Bool', 'ipaddr'];
const primitives = ['Long', 'String', 'Bool', 'ipaddr', 'decimal', 'datetime', 'duration', '__cedar::Long', '__cedar::String', '__cedar::ipaddr'];
const blank = (r) => r.pick([' ', ' ', ' ', '\n', '\t', ' // remark\n']);
const list = (r, make) => (r.chance(40) ? make() : `[${r.some(0, 3, make).join(', ')}${r.chance(2) ? ',' : ''}]`);

function annotations(r) {
	const names = r.chance(85) ? [] : r.subset(['doc', 'x', 'in', '_', 'if'], 40);
	return names.map((n) => `@${n}${r.chance(70) ? `(${quoted(r, text(r))})` : ''}\n`).join('');
}

// Declarations of one namespace: names are declared once and mostly known where they are used.
class Space {
	constructor(r, name, others) {
		this.r = r;
		this.prefix = name === '' ? '' : `${name.replaceAll('::', '')}_`;
		this.name = name;
		this.entities = r.some(1, 4, (i) => `${this.prefix}${['E', 'User', 'type', 'namespace'][i] ?? 'E'}${i}`);
		this.enums = r.some(0, 1, (i) => `${this.prefix}Color${i}`);
		this.types = r.some(0, 3, (i) => `${this.prefix}${r.pick(['T', 'entity', 'Size'])}${i}`);
		this.actions = r.some(0, 4, (i) => r.pick([`act${i}${this.prefix}`, `in${i}${this.prefix}`, quoted(r, `${this.prefix}${i} ${text(r)}`), `"${this.prefix}a${i}"`]));
		this.others = others;
	}

	mistake(good) {
		return this.r.chance(1) ? this.r.pick([...reserved, 'Nowhere', 'N::Nowhere', this.entities[0]]) : good();
	}
	entity() {
		const { r } = this;
		return this.mistake(() => {
			const space = r.chance(25) && this.others.length > 0 ? r.pick(this.others) : this;
			const own = r.pick(space.entities);
			return space.name !== '' && (space !== this || r.chance(20)) ? `${space.name}::${own}` : own;
		});
	}
	type(depth) {
		const { r } = this;
		if (depth > 0 && r.chance(20))
			return `Set<${this.type(depth - 1)}>`;
		if (depth > 0 && r.chance(20))
			return this.record(depth - 1);
		// Common types refer to earlier ones only: a cycle is refused.
		const known = this.types.slice(0, this.typesDone ?? this.types.length);
		return r.chance(55) ? r.pick(primitives) : r.chance(50) && known.length > 0 ? r.pick(known) : this.entity();
	}
	record(depth) {
		const { r } = this, keys = r.subset(['a', 'b', 'c', 'type', '"odd key"', '"\\u{e9}"', '_', r.chance(5) ? 'in' : 'd'], 30);
		const fields = keys.map((k) => `${annotations(r)}${k}${r.chance(30) ? '?' : ''}:${blank(r)}${this.type(depth)}`);
		return `{${blank(r)}${fields.join(', ')}${fields.length > 0 && r.chance(20) ? ',' : ''} }`;
	}
	entityText(name) {
		const { r } = this;
		return `entity ${name}${r.chance(5) ? `, ${name}2` : ''}${r.chance(40) ? ` in ${list(r, () => this.entity())}` : ''}${r.chance(60) ? `${r.chance(30) ? ' =' : ''} ${this.record(2)}` : ''}${
			r.chance(15) ? ` tags ${this.type(1)}` : ''};`;
	}
	actionText(name, i) {
		const { r } = this, groups = () => (i > 0 ? r.pick(this.actions.slice(0, i)) : r.chance(5) ? '"missing"' : undefined);
		const parents = [groups()].filter((g) => g !== undefined && r.chance(60));
		const written = parents.map((g) => (r.chance(70) ? g : `${this.name === '' ? '' : `${this.name}::`}Action::${g.startsWith('"') ? g : `"${g}"`}`));
		const some = () => (r.chance(50) ? this.entity() : `[${r.some(r.chance(97) ? 1 : 0, 3, () => this.entity()).join(', ')}]`);
		return `action ${name}${written.length > 0 ? ` in ${r.chance(50) ? written[0] : `[${written.join(', ')}]`}` : ''}${
			r.chance(70) ? ` appliesTo {${blank(r)}principal: ${some()}, resource: ${some()}${r.chance(50) ? `, context: ${this.record(1)}` : ''}${r.chance(20) ? ',' : ''} }` : ''};`;
	}
	declarations() {
		const { r } = this;
		const types = this.types.map((n, i) => { this.typesDone = i; return `type ${n} = ${this.type(2)};`; });
		this.typesDone = undefined;
		return [...this.entities.map((n) => this.entityText(n)), ...this.enums.map((n) => `entity ${n} enum [${r.some(r.chance(97) ? 1 : 0, 3, (i) => quoted(r, `${i}${text(r)}`)).join(', ')}${r.chance(10) ? ',' : ''}];`),
			...types, ...this.actions.map((n, i) => this.actionText(n, i))].map((d) => annotations(r) + d).join(r.pick(['\n', ' ', '\n\n']));
	}
}

export function schema(r) {
	const spaces = [];
	for (const name of ['', 'N', 'M::K', 'Z'])
		if (name === '' ? r.chance(80) : r.chance(30))
			spaces.push(new Space(r, name, [...spaces]));
	return spaces.map((s) => (s.name === '' ? s.declarations() : `${annotations(r)}namespace ${s.name} {\n${s.declarations()}\n}`)).join('\n');
}
