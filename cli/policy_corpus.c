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

struct corpus {
	struct cli *c;			/* the output; each case has a context of its own */
	const char *top;
	size_t cases, requests, equal, validations, valid_equal, shown;
};

/* ---- reading --------------------------------------------------------------------------------------------------- */

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

static void
show(struct corpus *co, const char *file, const char *what)
{
	if (co->shown++ < SHOWN)
		cli_line(co->c, "%s: %s", file, what);
}

static void
run_requests(struct corpus *co, struct cli *c, const char *file, const struct lg_case *tc, const struct lg_schema *schema,
    const struct lg_policies *set, const struct lg_entities *port)
{
	for (size_t i = 0; i < tc->n; i++) {
		const struct lg_case_request *x = &tc->rq[i];
		struct lg_request rq;
		struct lg_answer a;

		if (lg_request_json(c->cx, x->validate ? schema : NULL, x->request, &rq) != LG_OK) {
			show(co, file, c->cx->error);
			continue;
		}
		lg_authorize(c->cx, set, port, &rq, &a);
		if (lg_case_met(set, &a, x))
			co->equal++;
		else
			show(co, file, lg_print(c->cx->arena, "%.*s: %s, expected %s", LG_FMT(x->description), a.allow ? "allow" : "deny",
			    x->allow ? "allow" : "deny").p);
	}
}

static void
check_verdict(struct corpus *co, struct cli *c, const char *file, const struct lg_case *tc, const struct lg_schema *schema,
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
load_case(struct cli *c, const char *folder, const struct lg_case *tc, struct lg_schema **schema, struct lg_policies **set,
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
	struct cli c = *co->c;
	struct lg_ctx cx;
	struct lg_case tc;
	lg_str text;

	lg_ctx_init(&cx, arena);
	c.cx = &cx;
	if (cli_read_file(&c, lg_str_of(file), &text) != LG_OK || lg_case_read(&cx, text, &tc) != LG_OK)
		return;
	co->cases++;
	co->requests += tc.n;
	if (load_case(&c, folder, &tc, &schema, &set, &store) != LG_OK) {
		show(co, file, cx.error);
		return;
	}
	struct lg_entities port = lg_entity_store_port(store);
	run_requests(co, &c, file, &tc, schema, set, &port);
	if (schema != NULL)
		check_verdict(co, &c, file, &tc, schema, set);
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
