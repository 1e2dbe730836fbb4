/* policy_test.c: cases with the answers they should have, as `cedar run-tests` reads them, and what of the policies they tried. */
#include "cli/offline.h"

#include "base/json.h"
#include "base/text.h"

#define COVERAGE_MAX	(64u << 20)	/* octets of it as JSON */

struct test_case {
	lg_str name, request, entities, decision;
	const lg_str *reason;
	size_t nreason;
	int64_t errors;
};

struct tests {
	struct cli *c;
	struct cli_files *f;
	struct lg_coverage *coverage;
	size_t n, failed;
};

static const lg_str *
read_list(struct cli *c, struct lg_json *js, size_t *n)
{
	lg_str *v = LG_NEWS(c->cx->arena, lg_str, 256);

	lg_json_array(js);
	for (*n = 0; lg_json_item(js); ++*n) {
		if (*n == 256) {
			lg_json_fault(js, "at most 256 reasons");
			break;
		}
		v[*n] = lg_json_str(js);
	}
	return v;
}

static void
read_case(struct cli *c, struct lg_json *js, struct test_case *ret)
{
	lg_str name;

	*ret = (struct test_case){ .name = LG_STR("(unnamed)") };
	lg_json_object(js);
	while (lg_json_member(js, &name)) {
		if (lg_str_eq(name, LG_STR("name")))
			ret->name = lg_json_str(js);
		else if (lg_str_eq(name, LG_STR("request")))
			ret->request = lg_json_raw(js);
		else if (lg_str_eq(name, LG_STR("entities")))
			ret->entities = lg_json_raw(js);
		else if (lg_str_eq(name, LG_STR("decision")))
			ret->decision = lg_json_str(js);
		else if (lg_str_eq(name, LG_STR("reason")))
			ret->reason = read_list(c, js, &ret->nreason);
		else if (lg_str_eq(name, LG_STR("num_errors")))
			ret->errors = lg_json_int(js);
		else
			lg_json_skip(js);
	}
}

static bool
is_reason(const struct lg_policies *set, const struct lg_answer *a, lg_str id)
{
	struct lg_policy_info info;

	for (size_t i = 0; i < a->ndetermining; i++) {
		lg_policies_info(set, a->determining[i], &info);
		if (lg_str_eq(info.id, id))
			return true;
	}
	return false;
}

/* LG_E_CONFLICT with the sentence when the answer is not what the case says. */
static lg_err
compare(struct tests *t, const struct test_case *tc, const struct lg_answer *a)
{
	lg_str got = a->allow ? LG_STR("allow") : LG_STR("deny");
	struct lg_ctx *cx = t->c->cx;

	if (!lg_str_eq(tc->decision, got))
		return lg_fail(cx, LG_E_CONFLICT, "expected %.*s, got %.*s by: %.*s", LG_FMT(tc->decision), LG_FMT(got),
		    LG_FMT(cli_ids(t->c, t->f->set, a->determining, a->ndetermining)));
	for (size_t i = 0; i < tc->nreason; i++)
		if (!is_reason(t->f->set, a, tc->reason[i]))
			return lg_fail(cx, LG_E_CONFLICT, "%.*s is not a reason; the reasons are: %.*s", LG_FMT(tc->reason[i]),
			    LG_FMT(cli_ids(t->c, t->f->set, a->determining, a->ndetermining)));
	if (tc->errors != (int64_t)a->nerrors)
		return lg_fail(cx, LG_E_CONFLICT, "expected %lld errors, got %zu%s%.*s", (long long)tc->errors, a->nerrors,
		    a->nerrors > 0 ? ": " : "", a->nerrors > 0 ? (int)a->errors[0].message.n : 0, a->nerrors > 0 ? a->errors[0].message.p : "");
	return LG_OK;
}

static lg_err
run_case(struct tests *t, const struct test_case *tc)
{
	LG_AUTO(lg_entity_store_free) struct lg_entity_store *own = NULL;
	struct lg_request rq;
	struct lg_answer a;

	if (tc->request.n == 0)
		return lg_fail(t->c->cx, LG_E_INVALID, "the case has no request");
	if (tc->entities.n > 0)
		LG_TRY(cli_entities_of(t->c, t->f->schema, tc->entities, &own));
	LG_TRY(lg_request_json(t->c->cx, t->f->schema, tc->request, &rq));
	struct lg_entities port = lg_entity_store_port(own != NULL ? own : t->f->store);
	lg_authorize(t->c->cx, t->f->set, &port, &rq, &a);
	lg_coverage_add(t->c->cx, t->coverage, &port, &rq);
	return compare(t, tc, &a);
}

/* ---- what the cases never tried ----------------------------------------------------------------------------------- */

static const char *const part_names[] = {
	[LG_PART_POLICY] = "policy", [LG_PART_WHEN] = "when", [LG_PART_UNLESS] = "unless", [LG_PART_OPERAND] = "operand",
};

/* A lone file's policies have no source to tell. */
static lg_str
file_of(const struct tests *t, const struct lg_part *part)
{
	struct lg_policy_info info;

	lg_policies_info(t->f->set, part->policy, &info);
	return info.source.n > 0 ? info.source : t->c->args[1];
}

static const char *
missing(const struct lg_part *part)
{
	if (part->constant || (part->yes > 0 && (part->kind == LG_PART_POLICY || part->no > 0)))
		return NULL;
	if (part->kind == LG_PART_POLICY)
		return "never satisfied";
	if (part->yes + part->no == 0)
		return part->errors > 0 ? "failed each time" : "never reached";
	return part->yes == 0 ? "never true" : "never false";
}

static void
tell_part(struct tests *t, const struct lg_part *part)
{
	lg_str line, rest, place = lg_print(t->c->cx->arena, "%.*s:%u:%u", LG_FMT(file_of(t, part)), part->line, part->column);
	const char *what = missing(part);

	if (what == NULL)
		return;
	(void)lg_str_cut(part->text, '\n', &line, &rest);
	cli_line(t->c, "  %-24.*s  %-7s  %-16s  %.*s%s", LG_FMT(place), part_names[part->kind], what, LG_FMT(line), rest.n > 0 ? " ..." : "");
}

static unsigned
percent(const struct tests *t)
{
	size_t seen, all;

	lg_coverage_sum(t->coverage, &seen, &all);
	return all == 0 ? 100 : (unsigned)(seen * 100 / all);
}

static void
tell_coverage(struct tests *t)
{
	size_t n, seen, all;
	const struct lg_part *v = lg_coverage_parts(t->coverage, &n);

	for (size_t i = 0; i < n; i++)
		tell_part(t, &v[i]);
	lg_coverage_sum(t->coverage, &seen, &all);
	cli_line(t->c, "coverage: %zu of %zu outcomes, %u %%", seen, all, percent(t));
}

static void
write_part(struct tests *t, struct lg_jsonw *w, const struct lg_part *part)
{
	struct lg_policy_info info;

	lg_policies_info(t->f->set, part->policy, &info);
	lg_jsonw_object(w);
	lg_jsonw_str_of(w, "policy", info.id);
	lg_jsonw_str_of(w, "part", lg_str_of(part_names[part->kind]));
	lg_jsonw_str_of(w, "file", file_of(t, part));
	lg_jsonw_int_of(w, "line", part->line);
	lg_jsonw_int_of(w, "column", part->column);
	if (part->kind != LG_PART_POLICY)
		lg_jsonw_str_of(w, "text", part->text);
	if (part->constant)
		lg_jsonw_bool_of(w, "constant", true);
	lg_jsonw_int_of(w, "true", (int64_t)part->yes);
	lg_jsonw_int_of(w, "false", (int64_t)part->no);
	lg_jsonw_int_of(w, "errors", (int64_t)part->errors);
	lg_jsonw_object_end(w);
}

static void
write_coverage(struct tests *t)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(COVERAGE_MAX);
	struct lg_jsonw w = lg_jsonw_of(&b);
	size_t n, seen, all;
	const struct lg_part *v = lg_coverage_parts(t->coverage, &n);

	lg_coverage_sum(t->coverage, &seen, &all);
	lg_jsonw_object(&w);
	lg_jsonw_int_of(&w, "passed", (int64_t)(t->n - t->failed));
	lg_jsonw_int_of(&w, "failed", (int64_t)t->failed);
	lg_jsonw_name(&w, LG_STR("coverage"));
	lg_jsonw_object(&w);
	lg_jsonw_int_of(&w, "seen", (int64_t)seen);
	lg_jsonw_int_of(&w, "all", (int64_t)all);
	lg_jsonw_int_of(&w, "percent", percent(t));
	lg_jsonw_name(&w, LG_STR("parts"));
	lg_jsonw_array(&w);
	for (size_t i = 0; i < n; i++)
		write_part(t, &w, &v[i]);
	lg_jsonw_array_end(&w);
	lg_jsonw_object_end(&w);
	lg_jsonw_object_end(&w);
	cli_json(t->c, lg_buf_view(&b));
}

/* --min-coverage PERCENT */
static lg_err
enough(struct tests *t, bool *ret)
{
	int64_t least = 0;

	if (cli_given(t->c, "min-coverage") && (!lg_int_parse(cli_value(t->c, "min-coverage"), &least) || least < 0 || least > 100))
		return lg_fail(t->c->cx, LG_E_INVALID, "--min-coverage is a number up to 100");
	*ret = percent(t) >= least;
	if (!*ret)
		cli_line(t->c, "the coverage is below %lld %%", (long long)least);
	return LG_OK;
}

/* ---- the whole ------------------------------------------------------------------------------------------------------ */

static lg_err
run_cases(struct tests *t, lg_str text)
{
	struct test_case tc;
	struct lg_json js;

	lg_json_init(&js, t->c->cx->arena, text);
	lg_json_array(&js);
	while (lg_json_item(&js)) {
		read_case(t->c, &js, &tc);
		if (js.fault != NULL)
			break;
		bool passed = run_case(t, &tc) == LG_OK;
		t->n++;
		t->failed += !passed;
		cli_line(t->c, "%s  %.*s%s%s", passed ? "ok  " : "FAIL", LG_FMT(tc.name), passed ? "" : ": ", passed ? "" : t->c->cx->error);
		t->c->cx->error[0] = '\0';
	}
	return lg_json_end(t->c->cx, &js);
}

lg_err
cli_policy_test(struct cli *c)
{
	LG_AUTO(cli_files_close) struct cli_files f = { NULL, NULL, NULL };
	struct tests t = { .c = c, .f = &f };
	bool covered = true;
	lg_str text;

	LG_TRY(cli_read_file(c, c->args[0], &text));
	LG_TRY(cli_files_open(c, c->args + 1, c->nargs - 1, &f));
	LG_TRY(cli_entities_open(c, f.schema, &f.store));
	t.coverage = lg_coverage_new(c->cx->arena, f.set);
	LG_TRY(run_cases(&t, text));
	tell_coverage(&t);
	if (cli_wants_json(c))
		write_coverage(&t);
	cli_line(c, "%zu passed, %zu failed", t.n - t.failed, t.failed);
	LG_TRY(enough(&t, &covered));
	c->answer = t.failed == 0 && covered ? CLI_YES : CLI_NO;
	return LG_OK;
}
