/*
 * policy_corpus.c: a folder of cases as cedar-integration-tests has them, answered and compared:
 * X.json names policies, schema and entities by their path below the corpus, with requests and the reference's answers.
 */
#include "cli/offline.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/json.h"

#define SHOWN		20		/* differences told */
#define DEPTH		3		/* folders below the one named */
#define REQUESTS	256		/* of one case */
#define REASONS		64		/* of one request */

struct expected {
	lg_str request;			/* the object itself: principal, action, resource, context */
	bool check;			/* validateRequest */
	lg_str description, decision;
	lg_str reason[REASONS], errors[REASONS];
	size_t nreason, nerrors;
};

struct one_case {
	lg_str policies, entities, schema;
	bool has_verdict, should_validate;
	struct expected rq[REQUESTS];
	size_t n;
};

struct corpus {
	struct cli *c;			/* the output; each case has a context of its own */
	const char *top;
	size_t cases, requests, equal, validations, valid_equal, shown;
};

/* ---- reading --------------------------------------------------------------------------------------------------- */

static size_t
read_ids(struct lg_json *js, lg_str ret[REASONS])
{
	size_t n = 0;

	lg_json_array(js);
	while (lg_json_item(js))
		if (n == REASONS)
			lg_json_fault(js, "too many ids");
		else
			ret[n++] = lg_json_str(js);
	return n;
}

static void
read_request(struct cli *c, lg_str text, struct expected *ret)
{
	struct lg_json js;
	lg_str name;

	*ret = (struct expected){ .request = text, .check = true };
	lg_json_init(&js, c->cx->arena, text);
	js.nul = true;
	lg_json_object(&js);
	while (lg_json_member(&js, &name)) {
		if (lg_str_eq(name, LG_STR("decision")))
			ret->decision = lg_json_str(&js);
		else if (lg_str_eq(name, LG_STR("description")))
			ret->description = lg_json_str(&js);
		else if (lg_str_eq(name, LG_STR("validateRequest")))
			ret->check = lg_json_bool(&js);
		else if (lg_str_eq(name, LG_STR("reason")))
			ret->nreason = read_ids(&js, ret->reason);
		else if (lg_str_eq(name, LG_STR("errors")))
			ret->nerrors = read_ids(&js, ret->errors);
		else
			lg_json_skip(&js);
	}
}

/* False for JSON that is no case: validation results, translations. */
static bool
read_case(struct cli *c, lg_str text, struct one_case *ret)
{
	struct lg_json js;
	lg_str name;

	lg_json_init(&js, c->cx->arena, text);
	js.nul = true;
	if (lg_json_peek(&js) != LG_JSON_OBJECT)
		return false;
	lg_json_object(&js);
	while (lg_json_member(&js, &name)) {
		bool string = lg_json_peek(&js) == LG_JSON_STRING;
		if (string && lg_str_eq(name, LG_STR("policies")))
			ret->policies = lg_json_str(&js);
		else if (string && lg_str_eq(name, LG_STR("entities")))
			ret->entities = lg_json_str(&js);
		else if (string && lg_str_eq(name, LG_STR("schema")))
			ret->schema = lg_json_str(&js);
		else if (lg_str_eq(name, LG_STR("shouldValidate"))) {
			ret->should_validate = lg_json_bool(&js);
			ret->has_verdict = true;
		} else if (lg_str_eq(name, LG_STR("requests")) && lg_json_peek(&js) == LG_JSON_ARRAY) {
			lg_json_array(&js);
			while (ret->n < REQUESTS && lg_json_item(&js))
				read_request(c, lg_json_raw(&js), &ret->rq[ret->n++]);
		} else
			lg_json_skip(&js);
	}
	return js.fault == NULL && ret->policies.n > 0 && ret->n > 0;
}

/* Paths are below the corpus' root, which is the folder named or one above it. */
static lg_err
read_named(struct cli *c, const char *folder, lg_str path, lg_str *ret)
{
	lg_str up = lg_str_of(folder);
	struct stat st;

	for (int i = 0; i <= DEPTH; i++) {
		lg_str file = lg_print(c->cx->arena, "%.*s/%.*s", LG_FMT(up), LG_FMT(path));
		if (stat(file.p, &st) == 0)
			return cli_read_file(c, file, ret);
		up = lg_cat(c->cx->arena, up, LG_STR("/.."));
	}
	return lg_fail(c->cx, LG_E_NOT_FOUND, "%.*s is not there", LG_FMT(path));
}

/* ---- comparing ----------------------------------------------------------------------------------------------------- */

static bool
has_id(const lg_str *ids, size_t n, lg_str id)
{
	for (size_t i = 0; i < n; i++)
		if (lg_str_eq(ids[i], id))
			return true;
	return false;
}

static bool
answer_is(const struct lg_policies *set, const struct lg_answer *a, const struct expected *x)
{
	bool same = lg_str_eq(x->decision, a->allow ? LG_STR("allow") : LG_STR("deny")) && a->ndetermining == x->nreason &&
	    a->nerrors == x->nerrors;
	struct lg_policy_info info;

	for (size_t i = 0; same && i < a->ndetermining; i++) {
		lg_policies_info(set, a->determining[i], &info);
		same = has_id(x->reason, x->nreason, info.id);
	}
	for (size_t i = 0; same && i < a->nerrors; i++) {
		lg_policies_info(set, a->errors[i].policy, &info);
		same = has_id(x->errors, x->nerrors, info.id);
	}
	return same;
}

static void
show(struct corpus *co, const char *file, const char *what)
{
	if (co->shown++ < SHOWN)
		cli_line(co->c, "%s: %s", file, what);
}

static void
run_requests(struct corpus *co, struct cli *c, const char *file, const struct one_case *tc, const struct lg_schema *schema,
    const struct lg_policies *set, const struct lg_entities *port)
{
	for (size_t i = 0; i < tc->n; i++) {
		const struct expected *x = &tc->rq[i];
		struct lg_request rq;
		struct lg_answer a;

		if (cli_request_of(c, x->check ? schema : NULL, x->request, &rq) != LG_OK) {
			show(co, file, c->cx->error);
			continue;
		}
		lg_authorize(c->cx, set, port, &rq, &a);
		if (answer_is(set, &a, x))
			co->equal++;
		else
			show(co, file, lg_print(c->cx->arena, "%.*s: %s, expected %.*s", LG_FMT(x->description), a.allow ? "allow" : "deny",
			    LG_FMT(x->decision)).p);
	}
}

static void
check_verdict(struct corpus *co, struct cli *c, const char *file, const struct one_case *tc, const struct lg_schema *schema,
    const struct lg_policies *set)
{
	struct lg_policy_faults faults = { .n = 0 };

	if (!tc->has_verdict)
		return;
	bool valid = lg_policies_validate(c->cx, set, schema, LG_STRICT, &faults) == LG_OK;
	co->validations++;
	co->valid_equal += valid == tc->should_validate;
	if (valid != tc->should_validate)
		show(co, file, valid ? "validates and should not" : c->cx->error);
}

static lg_err
load_case(struct cli *c, const char *folder, const struct one_case *tc, struct lg_schema **schema, struct lg_policies **set,
    struct lg_entity_store **store)
{
	struct lg_policy_source source = { .name = LG_NONE };
	struct lg_policy_options options = { .schema = NULL };
	struct lg_policy_faults faults = { .n = 0 };
	lg_str text, entities = LG_NONE;

	if (tc->schema.n > 0) {
		LG_TRY(read_named(c, folder, tc->schema, &text));
		LG_TRY(cli_schema_of(c, tc->schema, text, schema));
	}
	options.schema = *schema;
	LG_TRY(read_named(c, folder, tc->policies, &source.text));
	lg_err e = lg_policies_parse(c->cx, &source, 1, &options, &faults, set);
	if (e != LG_OK)
		return cli_fail_faults(c, e, &faults);
	if (tc->entities.n > 0)
		LG_TRY(read_named(c, folder, tc->entities, &entities));
	return cli_entities_of(c, *schema, entities, store);
}

/* ---- walking --------------------------------------------------------------------------------------------------------- */

static void
run_case(struct corpus *co, const char *folder, const char *file)
{
	LG_AUTO(lg_arena_free) struct lg_arena *arena = lg_arena_new();
	LG_AUTO(lg_entity_store_free) struct lg_entity_store *store = NULL;
	LG_AUTO(lg_policies_unref) struct lg_policies *set = NULL;
	LG_AUTO(lg_schema_unref) struct lg_schema *schema = NULL;
	struct one_case *tc = LG_NEW(arena, struct one_case);
	struct cli c = *co->c;
	struct lg_ctx cx;
	lg_str text;

	lg_ctx_init(&cx, arena);
	c.cx = &cx;
	if (cli_read_file(&c, lg_str_of(file), &text) != LG_OK || !read_case(&c, text, tc))
		return;
	co->cases++;
	co->requests += tc->n;
	if (load_case(&c, folder, tc, &schema, &set, &store) != LG_OK) {
		show(co, file, cx.error);
		return;
	}
	struct lg_entities port = lg_entity_store_port(store);
	run_requests(co, &c, file, tc, schema, set, &port);
	if (schema != NULL)
		check_verdict(co, &c, file, tc, schema, set);
}

static bool
is_case(const char *name)
{
	lg_str s = lg_str_of(name);

	return lg_str_ends(s, LG_STR(".json")) && !lg_str_ends(s, LG_STR(".entities.json"));
}

static lg_err
walk(struct corpus *co, const char *folder, int depth)
{
	LG_AUTO(lg_arena_free) struct lg_arena *arena = lg_arena_new();
	struct dirent **entries;
	lg_err e = LG_OK;
	int n = scandir(folder, &entries, NULL, alphasort);

	if (n < 0)
		return lg_fail(co->c->cx, LG_E_NOT_FOUND, "%s: %s", folder, strerror(errno));
	for (int i = 0; i < n; i++) {
		const char *name = entries[i]->d_name, *path = lg_print(arena, "%s/%s", folder, name).p;
		struct stat st;
		if (e == LG_OK && name[0] != '.' && stat(path, &st) == 0) {
			if (S_ISDIR(st.st_mode) && depth < DEPTH)
				e = walk(co, path, depth + 1);
			else if (S_ISREG(st.st_mode) && is_case(name))
				run_case(co, folder, path);
		}
		free(entries[i]);
	}
	free(entries);
	return e;
}

lg_err
cli_policy_corpus(struct cli *c)
{
	struct corpus co = { .c = c };

	LG_TRY(lg_cstr(c->cx, c->args[0], &co.top));
	LG_TRY(walk(&co, co.top, 0));
	if (co.cases == 0)
		return lg_fail(c->cx, LG_E_NOT_FOUND, "%s: no cases there", co.top);
	size_t differ = co.requests - co.equal;
	if (cli_wants_json(c))
		cli_json(c, lg_print(c->cx->arena, "{\"cases\":%zu,\"requests\":%zu,\"equal\":%zu,\"different\":%zu,\"validations\":%zu,"
		    "\"validations_different\":%zu}", co.cases, co.requests, co.equal, differ, co.validations, co.validations - co.valid_equal));
	cli_line(c, "cases %zu, requests %zu, equal %zu, different %zu", co.cases, co.requests, co.equal, differ);
	if (co.validations > 0)
		cli_line(c, "validations %zu, equal %zu, different %zu", co.validations, co.valid_equal, co.validations - co.valid_equal);
	c->answer = differ == 0 && co.validations == co.valid_equal ? CLI_YES : CLI_NO;
	return LG_OK;
}
