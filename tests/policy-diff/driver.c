/*
 * driver.c: the policy engine on programs from standard input, one JSON object a line; what it made of each, a line of JSON.
 * run.mjs generates the programs and compares the answers with those of cedar-wasm.
 */
#include "lightgate/policy.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"

enum { TEXT_MAX = 64 << 20, SET_MAX = 256, JSON_DEPTH = 512 };

struct program {
	lg_str schema, text, entities, requests;
	bool has_schema, has_text, only_schema;
	lg_str what, document;			/* of one in JSON: policies, schema, entities, context */
	bool template;
	struct lg_euid action;
	struct lg_policy_source source[SET_MAX];
	lg_str id[SET_MAX];
	bool is_template[SET_MAX];
	size_t n;
	struct lg_policy_link link[SET_MAX];
	size_t nlinks;
	lg_str their_json, their_formatted, their_schema;	/* empty: none */
};

struct run {
	struct lg_ctx cx;
	struct program *p;
	struct lg_schema *schema;
	struct lg_policies *set;
	struct lg_jsonw w;
};

static struct lg_json
json_of(struct lg_ctx *cx, lg_str text)
{
	struct lg_json js;

	lg_json_init(&js, cx->arena, text);
	js.nul = true;
	js.max_depth = JSON_DEPTH;
	return js;
}

/* ---- reading ---------------------------------------------------------------------------------------------------- */

static struct lg_euid
read_uid(struct lg_json *js)
{
	lg_str name, type = LG_NONE, id = LG_NONE;

	lg_json_object(js);
	while (lg_json_member(js, &name))
		*(lg_str_eq(name, LG_STR("type")) ? &type : &id) = lg_json_str(js);
	return lg_euid_of(type, id);
}

static void
read_policies(struct lg_json *js, struct program *p, bool templates)
{
	lg_str id;

	lg_json_object(js);
	while (lg_json_member(js, &id)) {
		lg_str text = lg_json_str(js);
		if (p->n == SET_MAX)
			abort();
		p->source[p->n].text = text;
		p->source[p->n].name = LG_STR("p");
		p->is_template[p->n] = templates;
		p->id[p->n++] = id;
	}
}

static void
read_links(struct lg_json *js, struct program *p)
{
	lg_str name;

	lg_json_array(js);
	while (lg_json_item(js)) {
		struct lg_policy_link *l = &p->link[p->nlinks++];
		lg_json_object(js);
		while (lg_json_member(js, &name)) {
			if (lg_str_eq(name, LG_STR("template"))) {
				l->template_id = lg_json_str(js);
			} else if (lg_str_eq(name, LG_STR("id"))) {
				l->id = lg_json_str(js);
			} else {
				struct lg_euid *uid = LG_NEW(js->arena, struct lg_euid);
				*uid = read_uid(js);
				*(lg_str_eq(name, LG_STR("principal")) ? &l->principal : &l->resource) = uid;
			}
		}
	}
}

static void
read_set(struct lg_json *js, struct program *p)
{
	lg_str name;

	lg_json_object(js);
	while (lg_json_member(js, &name)) {
		if (lg_str_eq(name, LG_STR("links")))
			read_links(js, p);
		else
			read_policies(js, p, lg_str_eq(name, LG_STR("templates")));
	}
}

static void
read_theirs(struct lg_json *js, struct program *p)
{
	lg_str name;

	lg_json_object(js);
	while (lg_json_member(js, &name)) {
		if (lg_str_eq(name, LG_STR("json")))
			p->their_json = lg_json_raw(js);
		else if (lg_str_eq(name, LG_STR("formatted")))
			p->their_formatted = lg_json_str(js);
		else if (lg_str_eq(name, LG_STR("schemaText")))
			p->their_schema = lg_json_str(js);
		else
			lg_json_skip(js);
	}
}

static void
read_program(struct run *r, lg_str line)
{
	struct lg_json js = json_of(&r->cx, line);
	struct program *p = r->p;
	lg_str name;

	lg_json_object(&js);
	while (lg_json_member(&js, &name)) {
		if (lg_str_eq(name, LG_STR("kind"))) {
			p->only_schema = lg_str_eq(lg_json_str(&js), LG_STR("schemas"));
		} else if (lg_str_eq(name, LG_STR("what"))) {
			p->what = lg_json_str(&js);
		} else if (lg_str_eq(name, LG_STR("document"))) {
			p->document = lg_json_raw(&js);
		} else if (lg_str_eq(name, LG_STR("template"))) {
			p->template = lg_json_bool(&js);
		} else if (lg_str_eq(name, LG_STR("action"))) {
			p->action = read_uid(&js);
		} else if (lg_str_eq(name, LG_STR("schema"))) {
			p->schema = lg_json_str(&js);
			p->has_schema = true;
		} else if (lg_str_eq(name, LG_STR("text"))) {
			p->text = lg_json_str(&js);
			p->has_text = true;
		} else if (lg_str_eq(name, LG_STR("set"))) {
			read_set(&js, p);
		} else if (lg_str_eq(name, LG_STR("entities"))) {
			p->entities = lg_json_raw(&js);
		} else if (lg_str_eq(name, LG_STR("requests"))) {
			p->requests = lg_json_raw(&js);
		} else if (lg_str_eq(name, LG_STR("theirs"))) {
			read_theirs(&js, p);
		} else {
			lg_json_skip(&js);
		}
	}
	if (lg_json_end(&r->cx, &js) != LG_OK) {
		fprintf(stderr, "driver: %s\n", r->cx.error);
		exit(2);
	}
}

/* ---- policies ------------------------------------------------------------------------------------------------------ */

static lg_err
parse(struct run *r, struct lg_policies **ret)
{
	struct program *p = r->p;
	struct lg_policy_faults faults = { .n = 0 };
	struct lg_policy_options options = { .schema = r->schema, .links = p->link, .nlinks = p->nlinks, .ids = p->has_text ? NULL : p->id };
	struct lg_policy_source text = { LG_NONE, p->text };

	return p->has_text ? lg_policies_parse(&r->cx, &text, 1, &options, &faults, ret)
			   : lg_policies_parse(&r->cx, p->source, p->n, &options, &faults, ret);
}

/* {"id": EST, ...} without links, which are told by their template */
static void
write_json(struct run *r, const char *name, const struct lg_policies *set, size_t n)
{
	struct lg_policy_info info;

	lg_jsonw_name(&r->w, lg_str_of(name));
	lg_jsonw_object(&r->w);
	for (size_t i = 0; i < n; i++) {
		LG_AUTO(lg_buf_free) struct lg_buf one = LG_BUF(TEXT_MAX);
		lg_policies_info(set, i, &info);
		lg_policy_json(set, i, &one);
		lg_jsonw_name(&r->w, info.id);
		lg_jsonw_raw(&r->w, lg_buf_view(&one));
	}
	lg_jsonw_object_end(&r->w);
}

/* Everything printed and read again: texts, their JSON, their layout. */
static void
write_translations(struct run *r, size_t n)
{
	struct lg_policy_faults faults = { .n = 0 };
	struct lg_policy_source *again = LG_NEWS(r->cx.arena, struct lg_policy_source, n);
	lg_str *ids = LG_NEWS(r->cx.arena, lg_str, n);
	struct lg_policies *set = NULL;
	struct lg_policy_info info;

	write_json(r, "json", r->set, n);
	lg_jsonw_name(&r->w, LG_STR("printed"));
	lg_jsonw_object(&r->w);
	for (size_t i = 0; i < n; i++) {
		LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(TEXT_MAX);
		lg_policies_info(r->set, i, &info);
		lg_policy_text(r->set, i, &b);
		ids[i] = info.id;
		again[i] = (struct lg_policy_source){ LG_STR("printed"), lg_dup(r->cx.arena, lg_buf_view(&b)) };
		lg_jsonw_name(&r->w, info.id);
		lg_jsonw_str(&r->w, again[i].text);
	}
	lg_jsonw_object_end(&r->w);
	struct lg_policy_options options = { .ids = ids };
	if (lg_policies_parse(&r->cx, again, n, &options, &faults, &set) == LG_OK)
		write_json(r, "again", set, n);
	lg_policies_unref(&set);
	struct lg_policy_source laid = { LG_NONE, r->p->their_formatted };
	if (laid.text.n > 0 && lg_policies_parse(&r->cx, &laid, 1, NULL, &faults, &set) == LG_OK)
		write_json(r, "fromFormatted", set, lg_policies_count(set));
	lg_policies_unref(&set);
	struct lg_policy_source ours = { LG_NONE, LG_NONE };
	if (r->p->has_text && lg_policy_format(&r->cx, LG_STR("text"), r->p->text, &faults, &ours.text) == LG_OK &&
	    lg_policies_parse(&r->cx, &ours, 1, NULL, &faults, &set) == LG_OK)
		write_json(r, "fromOurLayout", set, lg_policies_count(set));
	lg_policies_unref(&set);
	lg_str wrapped = lg_print(r->cx.arena, "{\"staticPolicies\":%.*s}", LG_FMT(r->p->their_json));
	if (r->p->their_json.n == 0)
		return;
	if (lg_policies_parse_json(&r->cx, wrapped, NULL, &faults, &set) == LG_OK)
		write_json(r, "fromJson", set, lg_policies_count(set));
	else
		lg_jsonw_str_of(&r->w, "fromJsonWhy", lg_str_of(r->cx.error));
	lg_policies_unref(&set);
}

static void
write_validity(struct run *r)
{
	struct lg_policy_faults faults = { .n = 0 };
	lg_err e = lg_policies_validate(&r->cx, r->set, r->schema, LG_STRICT, &faults);

	lg_jsonw_bool_of(&r->w, "valid", e == LG_OK);
	lg_jsonw_name(&r->w, LG_STR("validWhy"));
	lg_jsonw_array(&r->w);
	for (size_t i = 0; i < faults.n; i++)
		if (!faults.v[i].warning)
			lg_jsonw_str(&r->w, lg_print(r->cx.arena, "%.*s: %.*s", LG_FMT(faults.v[i].policy), LG_FMT(faults.v[i].message)));
	lg_jsonw_array_end(&r->w);
}

/* ---- decisions ------------------------------------------------------------------------------------------------------- */

static void
write_refusal(struct run *r, const char *why)
{
	lg_jsonw_object(&r->w);
	lg_jsonw_str_of(&r->w, "refused", lg_str_of(why));
	lg_jsonw_object_end(&r->w);
}

static void
write_ids(struct run *r, const char *name, const struct lg_answer *a, bool errors)
{
	struct lg_policy_info info;

	lg_jsonw_name(&r->w, lg_str_of(name));
	lg_jsonw_array(&r->w);
	for (size_t i = 0; i < (errors ? a->nerrors : a->ndetermining); i++) {
		lg_policies_info(r->set, errors ? a->errors[i].policy : a->determining[i], &info);
		lg_jsonw_str(&r->w, info.id);
	}
	lg_jsonw_array_end(&r->w);
}

static void
answer(struct run *r, const struct lg_entity_store *store, struct lg_request *rq, lg_str context)
{
	struct lg_entities port = lg_entity_store_port(store);
	struct lg_answer a;

	if (lg_context_json(&r->cx, r->schema, &rq->action, context, &rq->context) != LG_OK ||
	    (r->schema != NULL && lg_request_validate(&r->cx, r->schema, rq) != LG_OK)) {
		write_refusal(r, r->cx.error);
		return;
	}
	lg_authorize(&r->cx, r->set, &port, rq, &a);
	lg_jsonw_object(&r->w);
	lg_jsonw_str_of(&r->w, "decision", a.allow ? LG_STR("allow") : LG_STR("deny"));
	write_ids(r, "reason", &a, false);
	write_ids(r, "errors", &a, true);
	lg_jsonw_object_end(&r->w);
}

static void
write_answers(struct run *r)
{
	struct lg_json js = json_of(&r->cx, r->p->requests);
	struct lg_entity_store *store = lg_entity_store_new();
	lg_str name, context = LG_NONE;
	const char *why = NULL;

	if (lg_entity_store_json(&r->cx, store, r->schema, r->p->entities) != LG_OK || lg_entity_store_finish(&r->cx, store) != LG_OK)
		why = lg_print(r->cx.arena, "%s", r->cx.error).p;
	lg_jsonw_name(&r->w, LG_STR("answers"));
	lg_jsonw_array(&r->w);
	lg_json_array(&js);
	while (lg_json_item(&js)) {
		struct lg_request rq = { .context = NULL };
		lg_json_object(&js);
		while (lg_json_member(&js, &name)) {
			if (lg_str_eq(name, LG_STR("context")))
				context = lg_json_raw(&js);
			else
				*(name.p[0] == 'p' ? &rq.principal : name.p[0] == 'a' ? &rq.action : &rq.resource) = read_uid(&js);
		}
		if (why != NULL)
			write_refusal(r, why);
		else
			answer(r, store, &rq, context);
	}
	lg_jsonw_array_end(&r->w);
	lg_entity_store_free(&store);
}

/* ---- documents in JSON --------------------------------------------------------------------------------------------------- */

static lg_err
take_policy(struct run *r)
{
	struct lg_policy_faults faults = { .n = 0 };
	lg_str wrapped = lg_print(r->cx.arena, "{\"%s\":{\"p\":%.*s}}", r->p->template ? "templates" : "staticPolicies", LG_FMT(r->p->document));
	LG_AUTO(lg_buf_free) struct lg_buf one = LG_BUF(TEXT_MAX);

	LG_TRY(lg_policies_parse_json(&r->cx, wrapped, NULL, &faults, &r->set));
	lg_policy_json(r->set, 0, &one);
	lg_jsonw_name(&r->w, LG_STR("normal"));
	lg_jsonw_raw(&r->w, lg_buf_view(&one));
	return LG_OK;
}

static lg_err
take_schema(struct run *r)
{
	struct lg_policy_faults faults = { .n = 0 };
	lg_str text, again;

	LG_TRY(lg_schema_parse_json(&r->cx, LG_STR("schema"), r->p->document, &faults, &r->schema));
	LG_TRY(lg_schema_json_text(&r->cx, r->p->document, &text));
	LG_TRY(lg_schema_text_json(&r->cx, text, &again));
	lg_jsonw_name(&r->w, LG_STR("normal"));
	lg_jsonw_raw(&r->w, again);
	return LG_OK;
}

static lg_err
take_entities(struct run *r)
{
	LG_AUTO(lg_entity_store_free) struct lg_entity_store *store = lg_entity_store_new();

	LG_TRY(lg_entity_store_json(&r->cx, store, r->schema, r->p->document));
	return lg_entity_store_finish(&r->cx, store);
}

static lg_err
take_context(struct run *r)
{
	lg_str of = lg_str_eq(r->p->action.id, LG_STR("nothing")) ? LG_STR("User") : LG_STR("Doc");
	struct lg_request rq = { lg_euid_of(LG_STR("User"), LG_STR("alice")), r->p->action, lg_euid_of(of, LG_STR("d1")), NULL };

	LG_TRY(lg_context_json(&r->cx, r->schema, &r->p->action, r->p->document, &rq.context));
	return r->schema == NULL ? LG_OK : lg_request_validate(&r->cx, r->schema, &rq);
}

static void
take_document(struct run *r)
{
	char first = r->p->what.p[0];
	lg_err e = first == 'p' ? take_policy(r) : first == 's' ? take_schema(r) : first == 'e' ? take_entities(r) : take_context(r);

	lg_jsonw_bool_of(&r->w, "accepted", e == LG_OK);
	if (e != LG_OK)
		lg_jsonw_str_of(&r->w, "why", lg_str_of(r->cx.error));
}

/* ---- one program --------------------------------------------------------------------------------------------------------- */

static void
write_schema(struct run *r)
{
	lg_str json, text, again;

	if (lg_schema_text_json(&r->cx, r->p->schema, &json) == LG_OK) {
		lg_jsonw_name(&r->w, LG_STR("schemaJson"));
		lg_jsonw_raw(&r->w, json);
		if (lg_schema_json_text(&r->cx, json, &text) == LG_OK) {
			lg_jsonw_str_of(&r->w, "schemaPrinted", text);
			if (lg_schema_text_json(&r->cx, text, &again) == LG_OK) {
				lg_jsonw_name(&r->w, LG_STR("schemaAgain"));
				lg_jsonw_raw(&r->w, again);
			}
		}
	}
	if (r->p->their_schema.n > 0 && lg_schema_text_json(&r->cx, r->p->their_schema, &again) == LG_OK) {
		lg_jsonw_name(&r->w, LG_STR("schemaFromTheirs"));
		lg_jsonw_raw(&r->w, again);
	}
}

static void
run_policies(struct run *r)
{
	bool parsed = parse(r, &r->set) == LG_OK;

	lg_jsonw_bool_of(&r->w, "parsed", parsed);
	if (!parsed) {
		lg_jsonw_str_of(&r->w, "why", lg_str_of(r->cx.error));
		return;
	}
	write_translations(r, lg_policies_count(r->set) - r->p->nlinks);
	if (r->schema != NULL)
		write_validity(r);
	if (r->p->requests.n > 0)
		write_answers(r);
}

static void
run_one(lg_str line, struct lg_buf *out)
{
	struct run r = { .w = lg_jsonw_of(out) };
	struct lg_policy_faults faults = { .n = 0 };
	struct lg_arena *arena = lg_arena_new();

	lg_ctx_init(&r.cx, arena);
	r.p = LG_NEW(arena, struct program);
	read_program(&r, line);
	lg_jsonw_object(&r.w);
	if (r.p->has_schema) {
		bool parsed = lg_schema_parse(&r.cx, LG_STR("schema"), r.p->schema, &faults, &r.schema) == LG_OK;
		lg_jsonw_bool_of(&r.w, "schemaParsed", parsed);
		if (!parsed)
			lg_jsonw_str_of(&r.w, "why", lg_str_of(r.cx.error));
	}
	if (r.p->what.n > 0)
		take_document(&r);
	else if (r.p->only_schema)
		write_schema(&r);
	else
		run_policies(&r);
	lg_jsonw_object_end(&r.w);
	lg_buf_byte(out, '\n');
	lg_policies_unref(&r.set);
	lg_schema_unref(&r.schema);
	lg_arena_free(&arena);
}

int
main(void)
{
	LG_AUTO(lg_buf_free) struct lg_buf out = LG_BUF(TEXT_MAX);
	size_t size = 0;
	char *line = NULL;
	ssize_t n;

	while ((n = getline(&line, &size, stdin)) > 0) {
		lg_buf_clear(&out);
		run_one((lg_str){ line, (size_t)n }, &out);
		if (out.full) {
			fprintf(stderr, "driver: an answer is too long\n");
			return 2;
		}
		fwrite(out.p, 1, out.n, stdout);
		fflush(stdout);
	}
	free(line);
	return 0;
}
