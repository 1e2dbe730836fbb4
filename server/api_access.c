/* api_access.c: AuthZEN over HTTP: evaluation, evaluations, metadata (Authorization API 1.0). */
#include "server/answers.h"
#include "server/api.h"
#include "server/app_own.h"
#include "server/freshness.h"
#include "server/pending.h"
#include "server/point.h"

enum semantic { EXECUTE_ALL, DENY_ON_FIRST_DENY, PERMIT_ON_FIRST_PERMIT };

static const struct {
	const char *name;
	enum semantic is;
} semantics[] = {
	{ "execute_all", EXECUTE_ALL },
	{ "deny_on_first_deny", DENY_ON_FIRST_DENY },
	{ "permit_on_first_permit", PERMIT_ON_FIRST_PERMIT },
};

struct item {
	struct lg_evaluation asked;
	struct lg_access access;
	lg_str ticket;
	lg_err error;			/* not decided: a member is missing, a name is unknown */
	lg_str sentence;
};

struct batch {
	struct lg_http *ex;
	struct lg_app *app;
	lg_str key;			/* of the thread's answers; empty: not to be kept */

	struct lg_caller who;
	enum semantic semantic;
	bool many;			/* /evaluations: the answer is a list */
	struct item *item;
	size_t n, done;
};

/* ---- reading --------------------------------------------------------------------------------------------------- */

static void
read_semantic(struct lg_json *js, struct batch *b)
{
	lg_str name;

	lg_json_object(js);
	while (lg_json_member(js, &name)) {
		if (!lg_str_eq(name, LG_STR("evaluations_semantic"))) {
			lg_json_skip(js);
			continue;
		}
		lg_str value = lg_json_str(js);
		size_t i = 0;
		while (i < LG_COUNT(semantics) && !lg_str_eq(value, lg_str_of(semantics[i].name)))
			i++;
		if (i == LG_COUNT(semantics))
			lg_json_fault(js, "unknown evaluations_semantic");
		else
			b->semantic = semantics[i].is;
	}
}

static void
read_item(struct lg_ctx *cx, struct lg_json *js, struct lg_evaluation *ret)
{
	lg_str name;

	lg_json_object(js);
	while (lg_json_member(js, &name))
		if (!lg_evaluation_member(cx, js, name, ret))
			lg_json_skip(js);
}

/* Defaults may stand behind the list in the text: the list is read last. */
static lg_err
read_list(struct lg_ctx *cx, struct batch *b, lg_str list, const struct lg_evaluation *defaults)
{
	struct lg_json js;

	b->many = true;
	b->item = LG_NEWS(cx->arena, struct item, LG_EVALUATIONS);
	lg_json_init(&js, cx->arena, list);
	lg_json_array(&js);
	while (lg_json_item(&js)) {
		if (b->n == LG_EVALUATIONS)
			return lg_fail(cx, LG_E_LIMIT, "a batch has at most %d evaluations", LG_EVALUATIONS);
		b->item[b->n].asked = *defaults;
		read_item(cx, &js, &b->item[b->n++].asked);
	}
	return lg_json_end(cx, &js);
}

static lg_err
read_request(struct lg_http *ex, struct batch *b, bool many)
{
	struct lg_evaluation defaults = { .port = 0 };
	lg_str name, list = LG_NONE;
	struct lg_json js;

	lg_json_init(&js, ex->cx->arena, ex->body);
	lg_json_object(&js);
	while (lg_json_member(&js, &name)) {
		if (many && lg_str_eq(name, LG_STR("evaluations")))
			list = lg_json_raw(&js);
		else if (many && lg_str_eq(name, LG_STR("options")))
			read_semantic(&js, b);
		else if (!lg_evaluation_member(ex->cx, &js, name, &defaults))
			lg_json_skip(&js);
	}
	LG_TRY(lg_json_end(ex->cx, &js));
	if (list.n > 0)
		LG_TRY(read_list(ex->cx, b, list, &defaults));
	if (b->n > 0)
		return LG_OK;
	/* AuthZEN 7.1: without a list the batch is one evaluation and is answered like one. */
	b->many = false;
	b->item = LG_NEW(ex->cx->arena, struct item);
	b->item[b->n++].asked = defaults;
	return LG_OK;
}

lg_err
lg_api_is_json(struct lg_http *ex)
{
	lg_str type, rest;

	(void)lg_str_cut(ex->header(ex, "Content-Type"), ';', &type, &rest);
	if (!lg_str_eq_fold(lg_str_trim(type), LG_STR("application/json")))
		return lg_fail(ex->cx, LG_E_INVALID, "the body must be application/json");
	return LG_OK;
}

/* ---- answers given before --------------------------------------------------------------------------------------- */

static struct lg_answers *
own_answers(const struct batch *b)
{
	return lg_own(b->app)->answers[lg_loop_index(lg_http_loop(b->ex))];
}

/* Who asks, how that was proved and with which token, from where, and the question as it came.  What a subject token says is looked at every time. */
static lg_str
answer_key(struct lg_http *ex, const struct lg_caller *who)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(LG_ANSWER_KEY);

	if (ex->header(ex, "Lightgate-Subject-Token").n > 0)
		return LG_NONE;
	lg_buf_bytes(&b, who->entity.id.b, sizeof who->entity.id.b);
	lg_buf_str32(&b, lg_str_of(who->proof));
	lg_buf_str32(&b, who->actor.address);
	lg_buf_str32(&b, who->claims.client_id);
	lg_buf_str32(&b, who->claims.scope);
	lg_buf_str(&b, ex->body);
	return b.full ? LG_NONE : lg_dup(ex->cx->arena, lg_buf_view(&b));
}

static void
put_id(lg_str text, size_t at, const char *id)
{
	memcpy((char *)(uintptr_t)text.p + at, id, LG_UUID_TEXT);
}

/* True when the question was answered from what this thread knows. */
static bool
answer_again(struct batch *b, struct lg_view *v, lg_err *e)
{
	uint64_t policy = lg_point_version(b->app->point, b->ex->tenant);
	char id[LG_UUID_TEXT + 1];
	struct lg_kept an;

	b->key = answer_key(b->ex, &b->who);
	if (b->key.n == 0 || !lg_answers_get(own_answers(b), v, b->ex->tenant, policy, b->key, &an))
		return false;
	lg_uuid_text(lg_uuid_new(), id);
	lg_http_type(b->ex, "application/json");
	lg_buf_str(&b->ex->out, an.response);
	put_id(lg_buf_view(&b->ex->out), an.response_id, id);
	*e = LG_OK;
	lg_tally_add(lg_point_tally(b->app->point), an.group, an.permit);
	if (an.record.n == 0)
		return true;
	struct lg_decision d = { .tenant = b->ex->tenant, .time = b->ex->cx->now, .body = an.record };
	put_id(d.body, an.record_id, id);	/* where it is kept: the next use writes another */
	*e = lg_segments_append(b->app->segments, &d);
	if (*e != LG_OK) {
		lg_buf_clear(&b->ex->out);
		*e = lg_fail(b->ex->cx, *e, "the decision log cannot be written");
	}
	return true;
}

static size_t
place_of(lg_str text, lg_str what)
{
	const char *at = memmem(text.p, text.n, what.p, what.n);

	return at == NULL ? 0 : (size_t)(at - text.p);
}

static void
keep_answer(struct batch *b, struct lg_view *v)
{
	const struct item *it = &b->item[0];
	lg_str id = lg_str_of(it->access.id);
	struct lg_kept an = { .response = lg_buf_view(&b->ex->out), .group = lg_tally_group(it->access.question.action),
		.permit = it->access.verdict.permit };

	if (b->key.n == 0 || b->many || !it->access.stable || lg_access_waits(&it->access) || it->ticket.n > 0)
		return;
	if (lg_access_recorded(&it->access))
		an.record = lg_access_record(b->ex->cx, &it->access);
	an.response_id = place_of(an.response, id);
	an.record_id = an.record.n == 0 ? 0 : place_of(an.record, id);
	lg_answers_put(own_answers(b), v, b->ex->tenant, it->access.verdict.revision, b->key, &an);
}

/* ---- deciding ---------------------------------------------------------------------------------------------------- */

static bool
ends_batch(const struct batch *b, const struct item *it)
{
	bool permit = it->error == LG_OK && it->access.verdict.permit;

	return (b->semantic == DENY_ON_FIRST_DENY && !permit) || (b->semantic == PERMIT_ON_FIRST_PERMIT && permit);
}

static lg_err
decide_all(struct lg_app *app, struct batch *b, struct lg_view *v, struct lg_pending *p)
{
	lg_str token = b->ex->header(b->ex, "Lightgate-Subject-Token");

	for (size_t i = 0; i < b->n; i++) {
		struct item *it = &b->item[i];
		it->error = lg_access_decide(app, b->ex, v, &b->who, &it->asked, token, &it->access);
		if (it->error != LG_OK && !b->many)
			return it->error;
		b->done++;
		if (it->error != LG_OK)
			it->sentence = lg_dup(b->ex->cx->arena, lg_str_of(b->ex->cx->error));
		else
			lg_pending_add(p, &it->access, &b->who, &it->ticket);
		if (ends_batch(b, it))
			break;
	}
	return LG_OK;
}

/* ---- answering ------------------------------------------------------------------------------------------------------ */

static void
write_item(struct lg_jsonw *w, const struct item *it)
{
	if (it->error == LG_OK) {
		lg_access_write(w, &it->access, it->ticket);
		return;
	}
	lg_jsonw_object(w);
	lg_jsonw_bool_of(w, "decision", false);
	lg_jsonw_name(w, LG_STR("context"));
	lg_jsonw_object(w);
	lg_jsonw_name(w, LG_STR("error"));
	lg_jsonw_object(w);
	lg_jsonw_int_of(w, "status", lg_problem_status_of(it->error));
	lg_jsonw_str_of(w, "message", it->sentence);
	lg_jsonw_object_end(w);
	lg_jsonw_object_end(w);
	lg_jsonw_object_end(w);
}

static void
answer(struct lg_pending *p, void *arg)
{
	struct batch *b = arg;
	struct lg_jsonw w = lg_jsonw_of(&b->ex->out);

	if (lg_pending_error(p) != LG_OK) {
		lg_problem(b->ex, lg_pending_error(p));
		return;
	}
	lg_http_type(b->ex, "application/json");
	if (!b->many) {
		write_item(&w, &b->item[0]);
		return;
	}
	lg_jsonw_object(&w);
	lg_jsonw_name(&w, LG_STR("evaluations"));
	lg_jsonw_array(&w);
	for (size_t i = 0; i < b->done; i++)
		write_item(&w, &b->item[i]);
	lg_jsonw_array_end(&w);
	lg_jsonw_object_end(&w);
}

static lg_err
evaluate(struct batch *b)
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;
	struct lg_app *app = b->app;
	struct lg_http *ex = b->ex;
	lg_err e;

	LG_TRY(lg_view_begin(ex->cx, app->store, &v));
	LG_TRY(lg_caller_find(app, ex, v, "/access/v1", &b->who));
	lg_fresh_tell(app, ex, v);
	if (!b->many && answer_again(b, v, &e))
		return e;
	LG_TRY(read_request(ex, b, b->many));
	struct lg_pending *p = lg_pending_new(app, ex, answer, b);
	LG_TRY(decide_all(app, b, v, p));
	e = lg_pending_seal(p);
	if (e == LG_OK && lg_pending_error(p) == LG_OK)
		keep_answer(b, v);
	return e;
}

static void
evaluate_late(struct lg_app *app, struct lg_http *ex, void *arg, lg_err e)
{
	(void)app;
	if (e == LG_OK)
		e = evaluate(arg);
	if (e == LG_PENDING)
		return;
	if (e != LG_OK)
		lg_problem(ex, e);
	lg_http_done(ex);
}

static lg_err
begin(struct lg_app *app, struct lg_http *ex, bool many)
{
	struct batch *b = LG_NEW(ex->cx->arena, struct batch);

	*b = (struct batch){ .ex = ex, .app = app, .many = many };
	LG_TRY(lg_api_is_json(ex));
	LG_TRY(lg_fresh_await(app, ex, evaluate_late, b));
	return evaluate(b);
}

static lg_err
evaluation(void *self, struct lg_http *ex)
{
	return begin(self, ex, false);
}

static lg_err
evaluations(void *self, struct lg_http *ex)
{
	return begin(self, ex, true);
}

static const struct {
	const char *name, *path;
} endpoints[] = {
	{ "access_evaluation_endpoint", "/access/v1/evaluation" },
	{ "access_evaluations_endpoint", "/access/v1/evaluations" },
	{ "search_subject_endpoint", "/access/v1/search/subject" },
	{ "search_resource_endpoint", "/access/v1/search/resource" },
	{ "search_action_endpoint", "/access/v1/search/action" },
};

static lg_err
metadata(void *self, struct lg_http *ex)
{
	struct lg_app *app = self;
	const struct lg_tenant_view *t = lg_tenants_get(app->tenants, ex->tenant);
	struct lg_jsonw w = lg_jsonw_of(&ex->out);

	if (t == NULL)
		return lg_fail(ex->cx, LG_E_NOT_FOUND, "there is no such tenant");
	lg_http_type(ex, "application/json");
	lg_jsonw_object(&w);
	lg_jsonw_str_of(&w, "policy_decision_point", t->sts.issuer);
	for (size_t i = 0; i < LG_COUNT(endpoints); i++)
		lg_jsonw_str_of(&w, endpoints[i].name, lg_cat(ex->cx->arena, t->sts.issuer, lg_str_of(endpoints[i].path)));
	lg_jsonw_object_end(&w);
	return LG_OK;
}

const struct lg_route lg_api_access_routes[] = {
	{ "POST", "/access/v1/evaluation", LG_SURFACE_API, LG_ON_LOOP, 0, evaluation },
	{ "POST", "/access/v1/evaluations", LG_SURFACE_API, LG_ON_LOOP, 1u << 20, evaluations },
	{ "GET", "/.well-known/authzen-configuration", LG_SURFACE_API, LG_ON_LOOP, 0, metadata },
};
const size_t lg_api_access_nroutes = LG_COUNT(lg_api_access_routes);
