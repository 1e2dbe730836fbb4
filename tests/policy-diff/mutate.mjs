// JSON documents with one or two things wrong, or merely different: members gone, renamed, added, values of another kind.
const words = ['', 'x', 'a b', 'if', '__cedar', 'Action', 'User', 'A::B', 'A::', '::A', 'N::Action', 'principal', '?principal', '?resource', 'é', '1', '*', 'a"b', 'ip', '10.0.0.1',
	'true', 'read', 'permit', 'forbid', 'when', 'All', '==', 'in', 'is', 'Record', 'Set', 'Entity', 'EntityOrCommon', 'Extension', 'String', 'Long', 'Bool', 'Boolean', 'ipaddr', '__cedar::Long', '\u0000'];
const values = [null, true, false, 0, 7, -1, 1.5, '', 'x', [], {}, [[]], { x: 1 }, { type: 'User', id: 'alice' }, { __entity: { type: 'User', id: 'alice' } }, { __extn: { fn: 'ip', arg: '10.0.0.1' } },
	{ __expr: 'true' }, { fn: 'ip', arg: '::1' }, { Value: 1 }, { Var: 'context' }, { slot: '?principal' }, { type: 'Long' }, { type: 'Record', attributes: {} }, { required: false }];

// Every place in the document that is inside an object or array: [holder, key].
function places(doc, found = []) {
	if (typeof doc === 'object' && doc !== null)
		for (const key of Object.keys(doc)) {
			found.push([doc, key]);
			places(doc[key], found);
		}
	return found;
}

const copy = (v) => JSON.parse(JSON.stringify(v));

export function mutated(r, doc) {
	doc = copy(doc);
	for (let i = r.chance(75) ? 1 : 2; i > 0; i--) {
		const all = places(doc);
		if (all.length === 0)
			return doc;
		const [holder, key] = r.pick(all), [other, otherKey] = r.pick(all), list = Array.isArray(holder);
		r.pick([
			() => (list ? holder.splice(Number(key), 1) : delete holder[key]),
			() => { holder[key] = copy(r.pick(values)); },
			() => { if (typeof holder[key] === 'string') holder[key] = r.pick(words); else holder[key] = copy(r.pick(values)); },
			() => { if (list) holder.push(copy(holder[key])); else { const v = holder[key]; delete holder[key]; holder[r.pick(words)] = v; } },
			() => { if (list) holder.push(copy(r.pick(values))); else holder[r.pick([...words, ...Object.keys(other)])] = copy(r.pick(values)); },
			() => { holder[key] = copy(other[otherKey]); },
			() => { holder[key] = list ? holder[key] : [holder[key]]; },
		])();
	}
	return doc;
}
