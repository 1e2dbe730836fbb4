/* policy_ask.c: decisions and expressions over files, and tests made of them. */
#include "cli/offline.h"

#include <stdlib.h>

#include "base/json.h"

#define ANSWER_MAX	(16u << 20)

/* What one command works with. */
struct files {
	struct lg_schema *schema;
	struct lg_policies *set;
	struct lg_entity_store *store;
};

static void
close_files(struct files *f)
{
	lg_policies_unref(&f->set);
	lg_entity_store_free(&f->store);
	lg_schema_unref(&f->schema);
}

static lg_err
open_policies(struct cli *c, const lg_str *files, size_t n, struct files *f)
{
	struct lg_policy_faults faults = { .n = 0 };

	LG_TRY(cli_schema_open(c, &f->schema));
	lg_err e = cli_policies_open(c, files, n, f->schema, &faults, &f->set);
	return e == LG_OK ? e : cli_fail_faults(c, e, &faults);
}

/* ---- authorize ---------------------------------------------------------------------------------------------------- */

static void
write_answer(struct cli *c, const struct lg_policies *set, const struct lg_answer *a)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(ANSWER_MAX);
	struct lg_jsonw w = lg_jsonw_of(&b);
	struct lg_policy_info info;

	lg_jsonw_object(&w);
	lg_jsonw_str_of(&w, "decision", a->allow ? LG_STR("allow") : LG_STR("deny"));
	lg_jsonw_name(&w, LG_STR("reason"));
	lg_jsonw_array(&w);
	for (size_t i = 0; i < a->ndetermining; i++) {
		lg_policies_info(set, a->determining[i], &info);
		lg_jsonw_str(&w, info.id);
	}
	lg_jsonw_array_end(&w);
	lg_jsonw_name(&w, LG_STR("errors"));
	lg_jsonw_array(&w);
	for (size_t i = 0; i < a->nerrors; i++) {
		lg_policies_info(set, a->errors[i].policy, &info);
		lg_jsonw_object(&w);
		lg_jsonw_str_of(&w, "policy", info.id);
		lg_jsonw_str_of(&w, "message", a->errors[i].message);
		lg_jsonw_object_end(&w);
	}
	lg_jsonw_array_end(&w);
	lg_jsonw_object_end(&w);
	cli_json(c, lg_buf_view(&b));
}

static void
tell_errors(struct cli *c, const struct lg_policies *set, const struct lg_answer *a)
{
	struct lg_policy_info info;

	for (size_t i = 0; i < a->nerrors; i++) {
		lg_policies_info(set, a->errors[i].policy, &info);
		cli_line(c, "  error     %.*s: %.*s", LG_FMT(info.id), LG_FMT(a->errors[i].message));
	}
}

static lg_err
explain(struct cli *c, const struct files *f, const struct lg_entities *port, const struct lg_request *rq)
{
	lg_str text, line;

	if (!cli_given(c, "explain"))
		return LG_OK;
	LG_TRY(lg_policy_explain(c->cx, f->set, port, rq, &text));
	for (text = lg_str_trim(text); text.n > 0;) {
		(void)lg_str_cut(text, '\n', &line, &text);
		cli_line(c, "  %.*s", LG_FMT(line));
	}
	return LG_OK;
}

lg_err
cli_policy_authorize(struct cli *c)
{
	LG_AUTO(close_files) struct files f = { NULL, NULL, NULL };
	struct lg_request rq;
	struct lg_answer a;

	LG_TRY(open_policies(c, c->args, c->nargs, &f));
	LG_TRY(cli_entities_open(c, f.schema, &f.store));
	LG_TRY(cli_request_open(c, f.schema, &rq));
	struct lg_entities port = lg_entity_store_port(f.store);
	lg_authorize(c->cx, f.set, &port, &rq, &a);
	c->answer = a.allow ? CLI_YES : CLI_NO;
	if (cli_wants_json(c)) {
		write_answer(c, f.set, &a);
		return LG_OK;
	}
	cli_line(c, "%s", a.allow ? "allow" : "deny");
	if (a.ndetermining > 0)
		cli_line(c, "  by        %.*s", LG_FMT(cli_ids(c, f.set, a.determining, a.ndetermining)));
	tell_errors(c, f.set, &a);
	return explain(c, &f, &port, &rq);
}

/* ---- evaluate ------------------------------------------------------------------------------------------------------- */

lg_err
cli_policy_evaluate(struct cli *c)
{
	LG_AUTO(close_files) struct files f = { NULL, NULL, NULL };
	bool asked = cli_given(c, "request") || cli_given(c, "principal");
	struct lg_request rq;
	struct lg_value v;

	LG_TRY(cli_schema_open(c, &f.schema));
	LG_TRY(cli_entities_open(c, f.schema, &f.store));
	if (asked)
		LG_TRY(cli_request_open(c, f.schema, &rq));
	struct lg_entities port = lg_entity_store_port(f.store);
	LG_TRY(lg_policy_evaluate(c->cx, c->args[0], &port, asked ? &rq : NULL, &v));
	lg_str text = lg_value_text(c->cx->arena, &v);
	if (cli_wants_json(c))
		cli_json(c, text);
	cli_line(c, "%.*s", LG_FMT(text));
	c->answer = v.kind == LG_V_BOOL && !v.u.b ? CLI_NO : CLI_YES;
	return LG_OK;
}

/* ---- test: the cases of `cedar run-tests` ------------------------------------------------------------------------------ */

struct test_case {
	lg_str name, request, entities, decision;
	const lg_str *reason;
	size_t nreason;
	int64_t errors;
};

struct tests {
	struct cli *c;
	struct files *f;
	uint32_t *decided;			/* by policy: in how many cases it was a reason */
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
	LG_TRY(cli_request_of(t->c, t->f->schema, tc->request, &rq));
	struct lg_entities port = lg_entity_store_port(own != NULL ? own : t->f->store);
	lg_authorize(t->c->cx, t->f->set, &port, &rq, &a);
	for (size_t i = 0; i < a.ndetermining; i++)
		t->decided[a.determining[i]]++;
	return compare(t, tc, &a);
}

/* Policies that decided nothing are untested. */
static void
tell_coverage(struct tests *t)
{
	size_t n = lg_policies_count(t->f->set), covered = 0, all = 0;
	struct lg_policy_info info;

	for (size_t i = 0; i < n; i++) {
		lg_policies_info(t->f->set, i, &info);
		if (info.is_template)
			continue;
		all++;
		covered += t->decided[i] > 0;
		if (t->decided[i] == 0)
			cli_line(t->c, "  decided no case: %.*s", LG_FMT(info.id));
	}
	cli_line(t->c, "%zu of %zu policies decided a case", covered, all);
}

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
	LG_AUTO(close_files) struct files f = { NULL, NULL, NULL };
	struct tests t = { .c = c, .f = &f };
	lg_str text;

	LG_TRY(cli_read_file(c, c->args[0], &text));
	LG_TRY(open_policies(c, c->args + 1, c->nargs - 1, &f));
	LG_TRY(cli_entities_open(c, f.schema, &f.store));
	t.decided = LG_NEWS(c->cx->arena, uint32_t, lg_policies_count(f.set));
	LG_TRY(run_cases(&t, text));
	tell_coverage(&t);
	if (cli_wants_json(c))
		cli_json(c, lg_print(c->cx->arena, "{\"passed\":%zu,\"failed\":%zu}", t.n - t.failed, t.failed));
	cli_line(c, "%zu passed, %zu failed", t.n - t.failed, t.failed);
	c->answer = t.failed == 0 ? CLI_YES : CLI_NO;
	return LG_OK;
}
