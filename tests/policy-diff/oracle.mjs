// cedar-wasm in a process of its own: a line of JSON in, a line out.  It ends itself after a trap, which spoils every later call.
import * as readline from 'node:readline';
import * as cedar from '@cedar-policy/cedar-wasm/nodejs';
import { mutated } from './mutate.mjs';
import { Random } from './random.mjs';

const ok = (answer) => answer.type === 'success';

function setOf(p) {
	if (p.text !== undefined)
		return { staticPolicies: p.text };
	return { staticPolicies: p.set.statics, templates: p.set.templates, templateLinks: p.set.links.map((l) => ({ templateId: l.template, newId: l.id,
		values: { ...(l.principal ? { '?principal': l.principal } : {}), ...(l.resource ? { '?resource': l.resource } : {}) } })) };
}

function answers(p) {
	const schema = p.schema !== undefined ? { preparsedSchemaName: 's' } : {};
	return p.requests.map((q) => {
		const a = cedar.statefulIsAuthorized({ ...q, ...schema, validateRequest: p.schema !== undefined, preparsedPolicySetId: 'p', entities: p.entities });
		return ok(a) ? { decision: a.response.decision, reason: a.response.diagnostics.reason.sort(), errors: a.response.diagnostics.errors.map((e) => e.policyId).sort() }
			: { refused: a.errors.map((e) => e.message).join('; ') };
	});
}

function json(text, template) {
	const a = (template ? cedar.templateToJson : cedar.policyToJson)(text);
	return ok(a) ? a.json : null;
}

function policies(p, out) {
	const set = setOf(p), parsed = cedar.preparsePolicySet('p', set);
	out.parsed = ok(parsed);
	if (!out.parsed) {
		out.why = parsed.errors.map((e) => e.message).join('; ');
		return;
	}
	let texts = p.set === undefined ? [] : Object.entries({ ...p.set.statics, ...p.set.templates });
	if (p.text !== undefined) {
		const parts = cedar.policySetTextToParts(p.text);
		if (ok(parts) && parts.policy_templates.length === 0)
			texts = parts.policies.map((t, i) => [`policy${i}`, t]);
		const laid = cedar.formatPolicies({ policyText: p.text, lineWidth: 80, indentWidth: 2 });
		out.formatted = ok(laid) ? laid.formatted_policy : undefined;
	}
	out.json = Object.fromEntries(texts.map(([id, t]) => [id, json(t, p.set !== undefined && id in p.set.templates)]));
	if (p.schema !== undefined) {
		const v = cedar.validate({ schema: p.schema, policies: set });
		out.valid = ok(v) ? v.validationErrors.length === 0 : null;
		out.validWhy = ok(v) ? v.validationErrors.map((e) => `${e.policyId}: ${e.error.message}`) : v.errors.map((e) => e.message);
		out.schemaParsed = ok(cedar.preparseSchema('s', p.schema));
	}
	if (p.requests !== undefined)
		out.answers = answers(p);
}

function schemas(p, out) {
	out.schemaParsed = ok(cedar.checkParseSchema(p.schema));
	const j = cedar.schemaToJson(p.schema);
	out.schemaJson = ok(j) ? j.json : null;
	if (out.schemaJson !== null) {
		const t = cedar.schemaToText(j.json);
		out.schemaText = ok(t) ? t.text : null;
		const again = ok(t) ? cedar.schemaToJson(t.text) : null;
		out.schemaAgain = again !== null && ok(again) ? again.json : null;
	}
}

// A document, spoiled, and what becomes of it here.  Policies are judged one by one: what is around them is not Cedar's JSON.
const documents = {
	policies(p, r, out) {
		const [id, text] = r.pick(Object.entries({ ...p.set.statics, ...p.set.templates })), template = id in p.set.templates;
		const whole = json(text, template);
		if (whole === null)
			return;
		out.document = mutated(r, whole);
		out.template = template;
		const set = template ? { templates: { [id]: out.document } } : { staticPolicies: { [id]: out.document } };
		const parsed = cedar.checkParsePolicySet(set);
		out.accepted = ok(parsed);
		out.why = out.accepted ? undefined : parsed.errors.map((e) => e.message).join('; ');
		const again = out.accepted ? (template ? cedar.templateToText : cedar.policyToText)(out.document) : null;
		out.normal = again !== null && ok(again) ? json(again.text, template) : null;
	},
	schema(p, r, out) {
		const whole = cedar.schemaToJson(p.source);
		if (!ok(whole))
			return;
		out.document = mutated(r, whole.json);
		const parsed = cedar.checkParseSchema(out.document);
		out.accepted = ok(parsed);
		out.why = out.accepted ? undefined : parsed.errors.map((e) => e.message).join('; ');
		const t = out.accepted ? cedar.schemaToText(out.document) : null, again = t !== null && ok(t) ? cedar.schemaToJson(t.text) : null;
		out.normal = again !== null && ok(again) ? again.json : null;
	},
	entities(p, r, out) {
		out.document = mutated(r, p.document);
		const parsed = cedar.checkParseEntities({ entities: out.document, ...(p.schema ? { schema: p.schema } : {}) });
		out.accepted = ok(parsed);
		out.why = out.accepted ? undefined : parsed.errors.map((e) => e.message).join('; ');
	},
	context(p, r, out) {
		out.document = mutated(r, p.document);
		const parsed = cedar.checkParseContext({ context: out.document, ...(p.schema ? { schema: p.schema, action: p.action } : {}) });
		out.accepted = ok(parsed);
		out.why = out.accepted ? undefined : parsed.errors.map((e) => e.message).join('; ');
	},
};

// What our engine wrote, read here.
function reread(p, out) {
	if (p.printed !== undefined)
		out.json = Object.fromEntries(Object.entries(p.printed).map(([id, t]) => [id, json(t, p.templates.includes(id))]));
	if (p.schemaPrinted !== undefined) {
		const j = cedar.schemaToJson(p.schemaPrinted);
		out.schemaJson = ok(j) ? j.json : null;
	}
}

for await (const line of readline.createInterface({ input: process.stdin })) {
	const p = JSON.parse(line), out = {};
	try {
		if (p.kind === 'reread')
			reread(p, out);
		else if (p.kind === 'schemas')
			schemas(p, out);
		else if (p.kind === 'json')
			documents[p.what](p, new Random(p.mutation), out);
		else
			policies(p, out);
	} catch (e) {
		if (e instanceof WebAssembly.RuntimeError)
			process.exit(3);
		out.thrown = String(e);
	}
	process.stdout.write(`${JSON.stringify(out)}\n`);
}
