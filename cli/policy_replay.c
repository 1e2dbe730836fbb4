/* policy_replay.c: decisions that were made, asked again under policies that are not in force. */
#include "cli/cli.h"

#include <unistd.h>

#include "base/json.h"
#include "base/text.h"

#define DAY	86400
#define BAR	30		/* characters of the progress bar */

enum { LOOKED, REPLAYED, CHANGED, DRIFTED, MASKED, GONE, PARTIAL, COUNTS };

static const char *const counts[COUNTS] = {
	[LOOKED] = "looked", [REPLAYED] = "replayed", [CHANGED] = "changed", [DRIFTED] = "drifted",
	[MASKED] = "masked", [GONE] = "gone", [PARTIAL] = "partial",
};

struct replay {
	struct cli *c;
	lg_str source;			/* text, or */
	lg_str version;			/* number of an old one */
	lg_str since;			/* RFC 3339, or empty */
	lg_str limit;
	int64_t from, until;		/* of the next page; from 0: there is none */
	int64_t n[COUNTS];
	int64_t in_force;
	bool bar;			/* somebody looks on */
	bool any;			/* a difference was printed */
};

/* ---- what is asked --------------------------------------------------------------------------------------------------- */

/* "2026-11-22T08:00:00Z", or how long ago: "90m", "24h", "7d". */
static lg_err
read_since(struct cli *c, lg_str text, lg_str *ret)
{
	static const struct {
		char letter;
		int64_t seconds;
	} units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', DAY } };
	int64_t n, time;

	for (size_t i = 0; i < LG_COUNT(units) && text.n > 1; i++) {
		if (text.p[text.n - 1] != units[i].letter || !lg_int_parse(lg_str_sub(text, 0, text.n - 1), &n))
			continue;
		if (n < 1 || n > 10000 * DAY / units[i].seconds)
			break;
		*ret = lg_time_text(c->cx->arena, c->cx->now - n * units[i].seconds * 1000000);
		return LG_OK;
	}
	*ret = text;
	return lg_time_parse(text, &time) ? LG_OK
	    : lg_fail(c->cx, LG_E_INVALID, "--since is a time (2026-11-22T08:00:00Z) or how long ago (24h, 7d), not \"%.*s\"", LG_FMT(text));
}

static lg_err
read_options(struct replay *r)
{
	struct cli *c = r->c;
	int64_t n;

	if (cli_given(c, "since"))
		LG_TRY(read_since(c, cli_value(c, "since"), &r->since));
	if (cli_given(c, "limit") && (!lg_int_parse(cli_value(c, "limit"), &n) || n < 1))
		return lg_fail(c->cx, LG_E_INVALID, "--limit is a number of records");
	r->limit = cli_value(c, "limit");
	r->bar = isatty(fileno(c->err)) == 1 && !cli_wants_json(c);
	return LG_OK;
}

static lg_err
put_request(struct replay *r, struct lg_ctx *cx, lg_str *ret)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(2 * CLI_FILE_MAX);
	struct lg_jsonw w = lg_jsonw_of(&b);

	lg_jsonw_object(&w);
	if (r->version.n > 0) {
		lg_jsonw_name(&w, LG_STR("version"));
		lg_jsonw_raw(&w, r->version);
	} else {
		lg_jsonw_str_of(&w, "source", r->source);
	}
	if (r->since.n > 0)
		lg_jsonw_str_of(&w, "since", r->since);
	if (r->limit.n > 0) {
		lg_jsonw_name(&w, LG_STR("limit"));
		lg_jsonw_raw(&w, r->limit);
	}
	if (r->from > 0) {
		lg_jsonw_int_of(&w, "from", r->from);
		lg_jsonw_int_of(&w, "until", r->until);
	}
	lg_jsonw_object_end(&w);
	LG_TRY(lg_buf_status(cx, &b));
	*ret = lg_dup(cx->arena, lg_buf_view(&b));
	return LG_OK;
}

/* ---- what is told ----------------------------------------------------------------------------------------------------- */

static void
draw_bar(struct replay *r, int64_t done, int64_t all)
{
	int filled = all > 0 ? (int)(done * BAR / all) : BAR;

	if (!r->bar)
		return;
	fprintf(r->c->err, "\r[%.*s%*s] %lld of %lld", filled, "##############################", BAR - filled, "", (long long)done,
	    (long long)all);
	fflush(r->c->err);
}

static void
clear_bar(struct replay *r)
{
	if (r->bar)
		fprintf(r->c->err, "\r\033[K");
}

static void
tell_verdict(struct cli *c, const char *when, lg_str verdict)
{
	lg_str policies = cli_text(c, lg_api_raw(c->cx, verdict, "policies"));
	bool permit = lg_api_is_true(c->cx, verdict, "decision");

	cli_line(c, "  %-10s %-6s  %.*s", when, permit ? "permit" : "deny",
	    LG_FMT(policies.n > 0 ? policies : lg_api_member(c->cx, verdict, "reason")));
}

static void
tell_difference(struct replay *r, lg_str row)
{
	struct cli *c = r->c;
	bool drift = lg_str_eq(lg_api_member(c->cx, row, "by"), LG_STR("drift"));
	lg_str action = lg_api_member(c->cx, row, "action"), subject = lg_api_member(c->cx, row, "subject");
	lg_str resource = lg_api_member(c->cx, row, "resource"), time = lg_api_member(c->cx, row, "time");

	if (drift && !cli_given(c, "all"))
		return;
	if (cli_wants_json(c)) {
		fprintf(c->out, "%s%.*s", r->any ? ",\n" : "", LG_FMT(row));
		r->any = true;
		return;
	}
	cli_line(c, "%.*s  %.*s  %.*s on %.*s%s", LG_FMT(time), LG_FMT(subject), LG_FMT(action), LG_FMT(resource), drift ? "  (drifted)" : "");
	tell_verdict(c, "logged", lg_api_raw(c->cx, row, "logged"));
	tell_verdict(c, "in force", lg_api_raw(c->cx, row, "now"));
	tell_verdict(c, "candidate", lg_api_raw(c->cx, row, "candidate"));
}

static void
tell_summary(struct replay *r)
{
	struct cli *c = r->c;
	const int64_t *n = r->n;

	cli_line(c, "%lld decisions asked again: %lld would change, %lld have drifted%s", (long long)n[REPLAYED], (long long)n[CHANGED],
	    (long long)n[DRIFTED], n[DRIFTED] > 0 && !cli_given(c, "all") ? " (--all shows them)" : "");
	cli_line(c, "Question, claims and clock are as logged; groups, projects and attributes of entries as they are now.");
	if (n[GONE] > 0)
		cli_line(c, "%lld were not asked: they name entries that are gone", (long long)n[GONE]);
	if (n[PARTIAL] > 0)
		cli_line(c, "%lld were not asked: the log does not hold their question, or no policy decided them", (long long)n[PARTIAL]);
	if (n[MASKED] > 0)
		cli_line(c, "%lld were asked without the arguments of the process, which are not logged", (long long)n[MASKED]);
}

static void
tell_json_end(struct replay *r)
{
	fprintf(r->c->out, "],\n\"in_force\":%lld,\"entities\":\"now\",\"question\":\"logged\",\"clock\":\"logged\"", (long long)r->in_force);
	for (size_t i = 0; i < COUNTS; i++)
		fprintf(r->c->out, ",\"%s\":%lld", counts[i], (long long)r->n[i]);
	fprintf(r->c->out, "}\n");
}

/* ---- pages -------------------------------------------------------------------------------------------------------------- */

static int64_t
number(struct lg_ctx *cx, lg_str body, const char *name)
{
	int64_t n = 0;

	(void)lg_int_parse(lg_api_raw(cx, body, name), &n);
	return n;
}

static lg_err
one_page(struct replay *r)
{
	struct lg_ctx *cx = r->c->cx;
	struct lg_reply answer;
	struct lg_json js;
	lg_str body;

	LG_TRY(put_request(r, cx, &body));
	LG_TRY(cli_call(r->c, "POST", LG_STR("/v1/policies/simulate"), body, &answer));
	clear_bar(r);
	for (size_t i = 0; i < COUNTS; i++)
		r->n[i] += number(cx, answer.body, counts[i]);
	r->in_force = number(cx, answer.body, "in_force");
	r->until = number(cx, answer.body, "until");
	lg_json_init(&js, cx->arena, lg_api_raw(cx, answer.body, "differences"));
	lg_json_array(&js);
	while (lg_json_item(&js))
		tell_difference(r, lg_json_raw(&js));
	LG_TRY(lg_json_end(cx, &js));
	int64_t next = number(cx, answer.body, "from");
	if (next != 0 && next <= r->from)
		return lg_fail(cx, LG_E_INVALID, "the service's pages do not end");
	r->from = next;
	draw_bar(r, r->n[LOOKED], r->n[LOOKED] + (next > 0 ? r->until - next + 1 : 0));
	return LG_OK;
}

/* Each page in an arena of its own: a log may be long. */
static lg_err
all_pages(struct replay *r)
{
	LG_AUTO(lg_arena_free) struct lg_arena *scratch = lg_arena_new();
	struct lg_ctx *cx = r->c->cx, page;
	lg_err e = LG_OK;

	do {
		lg_arena_reset(scratch);
		page = *cx;
		page.arena = scratch;
		r->c->cx = &page;
		e = one_page(r);
		r->c->cx = cx;
	} while (e == LG_OK && r->from > 0);
	clear_bar(r);
	return e == LG_OK ? LG_OK : lg_fail(cx, e, "%s", page.error);
}

static lg_err
run(struct replay *r)
{
	struct cli *c = r->c;

	LG_TRY(read_options(r));
	LG_TRY(cli_sign_in(c, "/v1"));
	if (cli_wants_json(c))
		fprintf(c->out, "{\"differences\":[");
	LG_TRY(all_pages(r));
	if (cli_wants_json(c))
		tell_json_end(r);
	else
		tell_summary(r);
	return LG_OK;
}

lg_err
cli_policy_replay(struct cli *c)
{
	struct replay r = { .c = c };
	int64_t version;

	if (lg_int_parse(c->args[0], &version) && version > 0)
		r.version = c->args[0];
	else
		LG_TRY(cli_read_file(c, c->args[0], &r.source));
	LG_TRY(run(&r));
	c->answer = r.n[CHANGED] == 0 ? CLI_YES : CLI_NO;
	return LG_OK;
}

lg_err
cli_replay_first(struct cli *c, lg_str source, int64_t *replaces, bool *go_on)
{
	struct replay r = { .c = c, .source = source };

	LG_TRY(run(&r));
	*replaces = r.in_force;
	*go_on = r.n[CHANGED] == 0 || cli_given(c, "accept");
	if (!*go_on)
		cli_line(c, "not activated: %lld decisions would change; --accept takes that", (long long)r.n[CHANGED]);
	c->answer = *go_on ? CLI_YES : CLI_NO;
	return LG_OK;
}
