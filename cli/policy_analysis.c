/* policy_analysis.c: what policies in files say without a request: which do nothing, and whether a new set allows more than an old one. */
#include "cli/offline.h"

#include "base/json.h"
#include "base/text.h"

#define FINDINGS_MAX	(16u << 20)	/* octets of them as JSON */

static const struct {
	const char *name, *says;
} kinds[] = {
	[LG_FINDING_NEVER] = { "never", "matches no request" },
	[LG_FINDING_ALWAYS] = { "always", "matches every request" },
	[LG_FINDING_SHADOWED] = { "shadowed", "changes nothing: all it permits is forbidden" },
	[LG_FINDING_REDUNDANT] = { "redundant", "changes nothing: the same is said without it" },
	[LG_FINDING_WIDENS] = { "widens", "allows what was not allowed" },
	[LG_FINDING_NO_WIDER] = { "no_wider", "nothing is allowed that was not" },
};

static lg_str
question(struct cli *c, const struct lg_request *rq)
{
	struct lg_arena *a = c->cx->arena;
	lg_str p = lg_euid_text(a, &rq->principal), act = lg_euid_text(a, &rq->action), r = lg_euid_text(a, &rq->resource), context = LG_STR("{}");

	if (rq->context != NULL) {
		struct lg_value v = { .kind = LG_V_RECORD, .u = { .record = rq->context } };
		context = lg_value_text(a, &v);
	}
	return lg_print(a, "%.*s, %.*s, %.*s, %.*s", LG_FMT(p), LG_FMT(act), LG_FMT(r), LG_FMT(context));
}

static void
tell(struct cli *c, const struct lg_finding *f)
{
	lg_str rest = lg_str_trim(f->entities), line;

	cli_line(c, "%.*s%s%s%s%.*s (%s)", LG_FMT(f->policy), f->policy.n > 0 ? ": " : "", kinds[f->kind].says, f->by.n > 0 ? ", see " : "",
	    LG_FMT(f->by), f->exact ? "proved" : "not refuted by samples");
	if (f->witness == NULL)
		return;
	cli_line(c, "  for example %.*s", LG_FMT(question(c, f->witness)));
	while (rest.n > 0) {
		(void)lg_str_cut(rest, '\n', &line, &rest);
		cli_line(c, "    %.*s", LG_FMT(line));
	}
}

static void
write_json(struct cli *c, const struct lg_findings *all)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(FINDINGS_MAX);
	struct lg_jsonw w = lg_jsonw_of(&b);

	lg_jsonw_object(&w);
	lg_jsonw_int_of(&w, "tried", all->tried);
	lg_jsonw_name(&w, LG_STR("findings"));
	lg_jsonw_array(&w);
	for (size_t i = 0; i < all->n; i++) {
		const struct lg_finding *f = &all->v[i];
		lg_jsonw_object(&w);
		lg_jsonw_str_of(&w, "kind", lg_str_of(kinds[f->kind].name));
		lg_jsonw_bool_of(&w, "exact", f->exact);
		lg_jsonw_str_of(&w, "policy", f->policy);
		lg_jsonw_str_of(&w, "by", f->by);
		if (f->witness != NULL)
			lg_jsonw_str_of(&w, "request", question(c, f->witness));
		lg_jsonw_str_of(&w, "entities", f->entities);
		lg_jsonw_object_end(&w);
	}
	lg_jsonw_array_end(&w);
	lg_jsonw_object_end(&w);
	cli_json(c, lg_buf_view(&b));
}

static void
tell_all(struct cli *c, const struct lg_findings *all)
{
	if (cli_wants_json(c)) {
		write_json(c, all);
		return;
	}
	for (size_t i = 0; i < all->n; i++)
		tell(c, &all->v[i]);
}

static lg_err
how_to(struct cli *c, struct lg_analysis *ret)
{
	int64_t samples = 0;

	*ret = (struct lg_analysis){ .seed = 1 };
	if (cli_given(c, "samples") && (!lg_int_parse(cli_value(c, "samples"), &samples) || samples < 1 || samples > LG_ANALYSIS_SAMPLES_MAX))
		return lg_fail(c->cx, LG_E_INVALID, "--samples is a number up to %d", LG_ANALYSIS_SAMPLES_MAX);
	ret->samples = (uint32_t)samples;
	return LG_OK;
}

static lg_err
open_all(struct cli *c, const lg_str *files, size_t n, const struct lg_schema *schema, struct lg_policies **ret)
{
	struct lg_policy_faults faults = { .n = 0 };
	lg_err e = cli_policies_open(c, files, n, schema, &faults, ret);

	return e == LG_OK ? e : cli_fail_faults(c, e, &faults);
}

static lg_err
need_schema(struct cli *c, struct lg_schema **ret)
{
	LG_TRY(cli_schema_open(c, ret));
	return *ret != NULL ? LG_OK : lg_fail(c->cx, LG_E_INVALID, "that takes a schema");
}

/* A few samples rarely hit a policy that asks for much: what they did not refute is told to who asked for samples. */
static void
keep_proved(struct cli *c, struct lg_findings *all)
{
	struct lg_finding *v = LG_NEWS(c->cx->arena, struct lg_finding, all->n);
	size_t n = 0;

	for (size_t i = 0; i < all->n; i++)
		if (all->v[i].exact)
			v[n++] = all->v[i];
	all->v = v;
	all->n = n;
}

lg_err
cli_policy_analyze(struct cli *c)
{
	LG_AUTO(lg_schema_unref) struct lg_schema *schema = NULL;
	LG_AUTO(lg_policies_unref) struct lg_policies *set = NULL;
	struct lg_findings all = { .n = 0 };
	struct lg_analysis how;

	LG_TRY(how_to(c, &how));
	LG_TRY(need_schema(c, &schema));
	LG_TRY(open_all(c, c->args, c->nargs, schema, &set));
	LG_TRY(lg_policies_analyse(c->cx, set, schema, &how, &all));
	if (!cli_given(c, "samples"))
		keep_proved(c, &all);
	tell_all(c, &all);
	cli_line(c, "%zu findings in %zu policies", all.n, lg_policies_count(set));
	c->answer = all.n == 0 ? CLI_YES : CLI_NO;
	return LG_OK;
}

lg_err
cli_policy_diff(struct cli *c)
{
	LG_AUTO(lg_schema_unref) struct lg_schema *schema = NULL;
	LG_AUTO(lg_policies_unref) struct lg_policies *before = NULL, *after = NULL;
	struct lg_findings all = { .n = 0 };
	struct lg_analysis how;

	LG_TRY(how_to(c, &how));
	LG_TRY(need_schema(c, &schema));
	LG_TRY(open_all(c, &c->args[0], 1, schema, &before));
	LG_TRY(open_all(c, &c->args[1], 1, schema, &after));
	LG_TRY(lg_policies_compare(c->cx, before, after, schema, &how, &all));
	tell_all(c, &all);
	for (size_t i = 0; i < all.n; i++)
		if (all.v[i].kind == LG_FINDING_WIDENS)
			c->answer = CLI_NO;
	return LG_OK;
}
