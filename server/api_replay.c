/* api_replay.c: what would change if these policies were in force: a page of the decision log at a time. */
#include "base/text.h"
#include "server/api.h"
#include "server/replay.h"

struct asked {
	lg_str source;
	int64_t version;		/* instead of source */
	int64_t since, limit;
	int64_t from, until;		/* of a later page */
};

struct rows {
	struct lg_ctx *cx;
	struct lg_jsonw w;
};

/* ---- the request ----------------------------------------------------------------------------------------------- */

static void
read_since(struct lg_json *js, struct asked *ret)
{
	if (!lg_time_parse(lg_json_str(js), &ret->since))
		lg_json_fault(js, "since is a time of RFC 3339");
}

static lg_err
read_asked(struct lg_http *ex, struct asked *ret)
{
	struct lg_json js;
	lg_str name;

	*ret = (struct asked){ .limit = LG_REPLAY_LIMIT };
	lg_json_init(&js, ex->cx->arena, ex->body);
	lg_json_object(&js);
	while (lg_json_member(&js, &name)) {
		if (lg_str_eq(name, LG_STR("source")))
			ret->source = lg_json_str(&js);
		else if (lg_str_eq(name, LG_STR("version")))
			ret->version = lg_json_int(&js);
		else if (lg_str_eq(name, LG_STR("since")))
			read_since(&js, ret);
		else if (lg_str_eq(name, LG_STR("limit")))
			ret->limit = lg_json_int(&js);
		else if (lg_str_eq(name, LG_STR("from")))
			ret->from = lg_json_int(&js);
		else if (lg_str_eq(name, LG_STR("until")))
			ret->until = lg_json_int(&js);
		else
			lg_json_unknown(&js, name);
	}
	LG_TRY(lg_json_end(ex->cx, &js));
	if ((ret->source.n > 0) == (ret->version != 0) || ret->version < 0)
		return lg_fail(ex->cx, LG_E_INVALID, "either source or version says which policies");
	if (ret->limit < 1 || ret->limit > LG_REPLAY_LIMIT_MAX)
		return lg_fail(ex->cx, LG_E_INVALID, "limit is between 1 and %d", LG_REPLAY_LIMIT_MAX);
	if (ret->from < 0 || ret->until < ret->from || (ret->until > 0) != (ret->from > 0))
		return lg_fail(ex->cx, LG_E_INVALID, "from and until are those of the page before");
	return LG_OK;
}

/* It tells of others' decisions, and of policies. */
static lg_err
may_replay(struct lg_app *app, struct lg_http *ex)
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;
	struct lg_caller who;

	LG_TRY(lg_view_begin(ex->cx, app->store, &v));
	LG_TRY(lg_caller_admin(app, ex, v, "policy:read", &who));
	return lg_caller_may_better(app, ex, v, &who, "audit:read", lg_tenant_entity(who.tenant));
}

/* ---- the answer -------------------------------------------------------------------------------------------------- */

static void
write_name(struct lg_jsonw *w, struct lg_ctx *cx, const char *member, lg_str type, lg_str name)
{
	lg_jsonw_str_of(w, member, lg_print(cx->arena, "%.*s/%.*s", LG_FMT(type), LG_FMT(name)));
}

static void
write_verdict(struct lg_jsonw *w, const char *member, const struct lg_verdict *v)
{
	lg_jsonw_name(w, lg_str_of(member));
	lg_jsonw_object(w);
	lg_jsonw_bool_of(w, "decision", v->permit);
	lg_jsonw_name(w, LG_STR("policies"));
	lg_jsonw_array(w);
	for (size_t i = 0; i < v->npolicies; i++)
		lg_jsonw_str(w, v->policies[i]);
	lg_jsonw_array_end(w);
	lg_jsonw_str_of(w, "reason", v->reason);
	if (v->revision > 0)
		lg_jsonw_int_of(w, "revision", (int64_t)v->revision);
	lg_jsonw_object_end(w);
}

static void
write_row(void *arg, const struct lg_replay_row *row)
{
	const struct lg_question *q = &row->past->question;
	struct rows *rows = arg;
	struct lg_jsonw *w = &rows->w;

	lg_jsonw_object(w);
	lg_jsonw_str_of(w, "id", row->past->id);
	lg_jsonw_int_of(w, "seq", (int64_t)row->seq);
	lg_jsonw_time_of(w, "time", row->time);
	write_name(w, rows->cx, "subject", q->principal.type, q->principal.name);
	lg_jsonw_str_of(w, "action", lg_str_of(q->action));
	write_name(w, rows->cx, "resource", q->resource.type, q->resource.name);
	write_name(w, rows->cx, "asker", row->past->asker.type, row->past->asker.name);
	lg_jsonw_str_of(w, "by", row->changed ? LG_STR("candidate") : LG_STR("drift"));
	write_verdict(w, "logged", &row->past->verdict);
	write_verdict(w, "now", row->now);
	write_verdict(w, "candidate", row->candidate);
	lg_jsonw_object_end(w);
}

static void
write_page(struct lg_http *ex, const struct lg_replay *r, lg_str rows, uint64_t in_force)
{
	const struct {
		const char *name;
		size_t n;
	} counts[] = {
		{ "looked", r->looked }, { "replayed", r->replayed }, { "changed", r->changed }, { "drifted", r->drifted },
		{ "masked", r->masked }, { "gone", r->gone }, { "partial", r->partial },
	};
	struct lg_jsonw w = lg_api_json(ex);

	lg_jsonw_object(&w);
	lg_jsonw_int_of(&w, "in_force", (int64_t)in_force);
	lg_jsonw_str_of(&w, "entities", LG_STR("now"));
	lg_jsonw_str_of(&w, "question", LG_STR("logged"));
	lg_jsonw_str_of(&w, "clock", LG_STR("logged"));
	for (size_t i = 0; i < LG_COUNT(counts); i++)
		lg_jsonw_int_of(&w, counts[i].name, (int64_t)counts[i].n);
	lg_jsonw_int_of(&w, "from", (int64_t)r->from);
	lg_jsonw_int_of(&w, "until", (int64_t)r->until);
	lg_jsonw_name(&w, LG_STR("differences"));
	lg_jsonw_raw(&w, rows);
	lg_jsonw_object_end(&w);
}

static lg_err
replay(struct lg_app *app, struct lg_http *ex, const struct asked *a, const struct lg_policies *candidate)
{
	LG_AUTO(lg_buf_free) struct lg_buf text = LG_BUF(LG_HTTP_RESPONSE_MAX);
	struct rows rows = { ex->cx, lg_jsonw_of(&text) };
	uint64_t in_force = lg_point_version(app->point, ex->tenant);
	struct lg_replay r = {
		.point = app->point, .store = app->store, .log = app->folders->log, .tenant = ex->tenant, .candidate = candidate,
		.from = (uint64_t)a->from, .until = (uint64_t)a->until,
	};

	lg_store_turn(app->store);
	if (a->from == 0)
		LG_TRY(lg_replay_begin(ex->cx, &r, lg_segments_head(app->segments).seq, a->since, (uint64_t)a->limit));
	lg_jsonw_array(&rows.w);
	LG_TRY(lg_replay_page(ex->cx, &r, write_row, &rows));
	lg_jsonw_array_end(&rows.w);
	LG_TRY(lg_buf_status(ex->cx, &text));
	write_page(ex, &r, lg_buf_view(&text), in_force);
	return LG_OK;
}

lg_err
lg_api_replay(void *self, struct lg_http *ex)
{
	LG_AUTO(lg_policies_unref) struct lg_policies *candidate = NULL;
	struct lg_policy_faults faults = { .n = 0 };
	struct lg_app *app = self;
	struct asked a;

	LG_TRY(may_replay(app, ex));
	LG_TRY(read_asked(ex, &a));
	if (a.version > 0)
		LG_TRY(lg_api_policy_source(app, ex, (uint64_t)a.version, &a.source));
	lg_err e = lg_policy_candidate(ex->cx, app->point, ex->tenant, a.source, &faults, &candidate);
	if (e == LG_E_INVALID && faults.n > 0)
		return lg_api_policy_faults(ex, &faults);
	LG_TRY(e);
	return replay(app, ex, &a, candidate);
}
