/* decide.c: one question to the service (AuthZEN Authorization API 1.0, section 6); anything but a clear yes is a no. */
#include <sys/stat.h>

#include "base/file.h"
#include "base/json.h"
#include "client/handle.h"

/* ---- the link ------------------------------------------------------------------------------------------------ */

static bool
is_current(const struct lightgate *lg, const struct stat *st)
{
	return lg->own.link[0] != NULL && st->st_mtim.tv_sec == lg->cert_time.tv_sec && st->st_mtim.tv_nsec == lg->cert_time.tv_nsec;
}

lg_err
lg_handle_own(struct lg_ctx *cx, const struct lightgate *lg, struct lg_servers *s)
{
	lg_str cert = LG_NONE, key = LG_NONE;

	if (lg->cert_file != NULL) {
		LG_TRY(lg_file_read(cx, lg->cert_file, LG_HANDLE_PEM, &cert));
		LG_TRY(lg_file_read(cx, lg->key_file, LG_HANDLE_PEM, &key));
	}
	return lg_servers_open(cx, s, cert, key);
}

/* Leaves the read lock held on success.  A certificate that was renewed is taken up here. */
static lg_err
hold_links(struct lg_ctx *cx, struct lightgate *lg, struct lg_servers **ret)
{
	struct stat st;
	lg_err e = LG_OK;

	pthread_rwlock_rdlock(&lg->links);
	*ret = &lg->public;
	if (lg->cert_file == NULL)
		return LG_OK;
	if (stat(lg->cert_file, &st) != 0)
		e = lg_fail(cx, LG_E_NOT_FOUND, "%s cannot be read", lg->cert_file);
	else if (!is_current(lg, &st)) {
		pthread_rwlock_unlock(&lg->links);
		pthread_rwlock_wrlock(&lg->links);
		e = is_current(lg, &st) ? LG_OK : lg_handle_own(cx, lg, &lg->own);
		if (e == LG_OK)
			lg->cert_time = st.st_mtim;
		else if (lg->own.link[0] != NULL)
			e = LG_OK;	/* half of a renewal: the old one goes on, the next call looks again */
		pthread_rwlock_unlock(&lg->links);
		pthread_rwlock_rdlock(&lg->links);
	}
	*ret = &lg->own;
	if (e != LG_OK)
		pthread_rwlock_unlock(&lg->links);
	return e;
}

/* ---- the question ---------------------------------------------------------------------------------------------- */

static void
put_said(struct lg_jsonw *w, const char *name, const char *value)
{
	if (value != NULL)
		lg_jsonw_str_of(w, name, lg_str_of(value));
}

static void
put_named(struct lg_jsonw *w, const char *member, const char *type, const char *id)
{
	lg_jsonw_name(w, lg_str_of(member));
	lg_jsonw_object(w);
	lg_jsonw_str_of(w, "type", lg_str_of(type));
	lg_jsonw_str_of(w, "id", lg_str_of(id));
}

static void
put_question(struct lg_jsonw *w, const struct lightgate_question *q)
{
	bool named = q->subject_id != NULL;

	lg_jsonw_object(w);
	put_named(w, "subject", named && q->subject_type != NULL ? q->subject_type : "User", named ? q->subject_id : "");
	lg_jsonw_object_end(w);
	lg_jsonw_name(w, LG_STR("action"));
	lg_jsonw_object(w);
	lg_jsonw_str_of(w, "name", lg_str_of(q->action));
	lg_jsonw_object_end(w);
	put_named(w, "resource", q->resource_type, q->resource_id);
	lg_jsonw_name(w, LG_STR("properties"));
	lg_jsonw_object(w);
	put_said(w, "project", q->project);
	put_said(w, "image", q->image);
	put_said(w, "host", q->host);
	lg_jsonw_object_end(w);
	lg_jsonw_object_end(w);
	lg_jsonw_name(w, LG_STR("context"));
	lg_jsonw_object(w);
	if (q->port != 0)
		lg_jsonw_int_of(w, "port", q->port);
	put_said(w, "protocol", q->protocol);
	lg_jsonw_object_end(w);
	lg_jsonw_object_end(w);
}

struct lightgate_question
lg_question_of(const struct lightgate_question *q)
{
	struct lightgate_question own = LIGHTGATE_QUESTION;

	if (q != NULL)
		memcpy(&own, q, q->size < sizeof own ? q->size : sizeof own);
	return own;
}

lg_err
lg_question_check(struct lg_ctx *cx, const struct lightgate_question *q)
{
	if (q->action == NULL || q->resource_type == NULL || q->resource_id == NULL)
		return lg_fail(cx, LG_E_INVALID, "a question needs an action and a resource");
	if (q->subject_token == NULL && q->subject_id == NULL)
		return lg_fail(cx, LG_E_INVALID, "a question needs a subject: a token or a name");
	return LG_OK;
}

/* ---- the answer ------------------------------------------------------------------------------------------------- */

/* One of a batch that could not be decided says so in its context (7.2.1), and its "false" is no decision. */
lg_err
lg_decision_read(struct lg_ctx *cx, lg_str body, struct lightgate_decision *d)
{
	lg_str decision = lg_api_raw(cx, body, "decision"), context = lg_api_member(cx, body, "context"), error = lg_api_raw(cx, context, "error");

	if (!lg_str_eq(decision, LG_STR("true")) && !lg_str_eq(decision, LG_STR("false")))
		return lg_fail(cx, LG_E_INVALID, "the service's answer is not a decision");
	if (error.n > 0) {
		lg_str message = lg_api_member(cx, error, "message");
		d->reason = lg_dup(d->arena, message.n > 0 ? message : LG_STR("the service could not decide this"));
		return LG_OK;
	}
	d->decided = true;
	d->reason = lg_dup(d->arena, lg_api_member(cx, context, "reason"));
	d->policy = lg_dup(d->arena, lg_api_member(cx, context, "policy"));
	d->id = lg_dup(d->arena, lg_api_member(cx, context, "id"));
	d->ticket = lg_dup(d->arena, lg_api_member(cx, context, "ticket"));
	d->permit = lg_str_eq(decision, LG_STR("true"));
	return LG_OK;
}

/* b holds the body while the call lasts. */
lg_err
lg_question_call(struct lg_ctx *cx, const struct lightgate *lg, const struct lightgate_question *q, struct lg_buf *b, struct lg_call *ret)
{
	struct lg_jsonw w = lg_jsonw_of(b);
	lg_str token = LG_NONE;

	LG_TRY(lg_question_check(cx, q));
	if (lg->token_file != NULL) {
		LG_TRY(lg_file_read(cx, lg->token_file, LG_TOKEN_MAX, &token));
		token = lg_str_trim(token);
	}
	put_question(&w, q);
	LG_TRY(lg_buf_status(cx, b));
	*ret = (struct lg_call){
		.method = "POST", .path = LG_STR("/access/v1/evaluation"), .body = lg_buf_view(b), .token = token, .time = lg->deadline,
		.headers = { { q->subject_token != NULL ? "Lightgate-Subject-Token" : NULL, lg_str_of(q->subject_token) },
		    { q->request_id != NULL ? "X-Request-ID" : NULL, lg_str_of(q->request_id) } },
	};
	return LG_OK;
}

static lg_err
decide(struct lg_ctx *cx, struct lightgate *lg, const struct lightgate_question *q, struct lightgate_decision *d)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(LG_QUESTION_BODY);
	struct lg_servers *links;
	struct lg_reply answer;
	struct lg_call call;

	LG_TRY(lg_question_call(cx, lg, q, &b, &call));
	LG_TRY(hold_links(cx, lg, &links));
	lg_err e = lg_servers_call(cx, links, &call, &answer);
	pthread_rwlock_unlock(&lg->links);
	LG_TRY(e);
	return lg_decision_read(cx, answer.body, d);
}

lightgate_decision *
lightgate_decide(lightgate *lg, const struct lightgate_question *question)
{
	return lg_decision_by(lg, question, decide);
}

/* ---- many questions at once ------------------------------------------------------------------------------------------------ */

static lg_err
put_batch(struct lg_ctx *cx, const struct lightgate_question *q, size_t n, struct lg_jsonw *w)
{
	lg_jsonw_object(w);
	lg_jsonw_name(w, LG_STR("evaluations"));
	lg_jsonw_array(w);
	for (size_t i = 0; i < n; i++) {
		LG_TRY(lg_question_check(cx, &q[i]));
		if (lg_str_of(q[i].subject_token).n > 0 && !lg_str_eq(lg_str_of(q[i].subject_token), lg_str_of(q[0].subject_token)))
			return lg_fail(cx, LG_E_INVALID, "all questions of a batch are of one subject token, or of none");
		put_question(w, &q[i]);
	}
	lg_jsonw_array_end(w);
	lg_jsonw_object_end(w);
	return lg_buf_status(cx, w->out);
}

static lg_err
read_batch(struct lg_ctx *cx, lg_str body, struct lightgate_decision **d, size_t n)
{
	struct lg_json js;
	size_t i = 0;

	lg_json_init(&js, cx->arena, lg_api_raw(cx, body, "evaluations"));
	lg_json_array(&js);
	while (lg_json_item(&js)) {
		lg_str one = lg_json_raw(&js);
		if (i == n || lg_decision_read(cx, one, d[i++]) != LG_OK)
			lg_json_fault(&js, "not the answer to the question");
	}
	LG_TRY(lg_json_end(cx, &js));
	return i == n ? LG_OK : lg_fail(cx, LG_E_INVALID, "the service answers %zu of %zu questions", i, n);
}

static lg_err
decide_batch(struct lg_ctx *cx, struct lightgate *lg, const struct lightgate_question *q, size_t n, struct lightgate_decision **d)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(LG_QUESTION_BODY), all = LG_BUF(LG_QUESTION_BODY);
	struct lg_jsonw w = lg_jsonw_of(&all);
	struct lg_servers *links;
	struct lg_reply answer;
	struct lg_call call;

	LG_TRY(put_batch(cx, q, n, &w));
	LG_TRY(lg_question_call(cx, lg, &q[0], &b, &call));
	call.path = LG_STR("/access/v1/evaluations");
	call.body = lg_buf_view(&all);
	LG_TRY(hold_links(cx, lg, &links));
	lg_err e = lg_servers_call(cx, links, &call, &answer);
	pthread_rwlock_unlock(&lg->links);
	LG_TRY(e);
	return read_batch(cx, answer.body, d, n);
}

static lg_err
check_batch(struct lg_ctx *cx, const struct lightgate *lg, const struct lightgate_question *q, size_t n)
{
	LG_TRY(lg_handle_check(cx, lg));
	if (n > LIGHTGATE_BATCH)
		return lg_fail(cx, LG_E_LIMIT, "at most %d questions at once", LIGHTGATE_BATCH);
	return q != NULL ? LG_OK : lg_fail(cx, LG_E_INVALID, "there are no questions");
}

static void
take_back(struct lightgate_decision *d, const struct lg_ctx *cx)
{
	d->decided = d->permit = false;
	d->policy = d->id = d->ticket = LG_STR("");
	d->reason = lg_dup(d->arena, lg_str_of(cx->error));
}

/* One bad answer among them is no answer to any: which is which cannot be known then. */
void
lightgate_decide_batch(lightgate *lg, const struct lightgate_question *questions, size_t n, lightgate_decision **ret)
{
	if (n == 0 || ret == NULL)
		return;
	struct lightgate_question *q;
	struct lg_ctx cx, own;

	lg_ctx_init(&cx, lg_arena_new());
	for (size_t i = 0; i < n; i++)
		ret[i] = lg_decision_new(lg, &own);
	lg_err e = check_batch(&cx, lg, questions, n);
	if (e == LG_OK) {
		q = LG_NEWS(cx.arena, struct lightgate_question, n);
		for (size_t i = 0; i < n; i++)
			q[i] = lg_question_of((const struct lightgate_question *)(const void *)((const char *)questions + i * questions->size));
		e = decide_batch(&cx, lg, q, n, ret);
	}
	for (size_t i = 0; i < n && e != LG_OK; i++)
		take_back(ret[i], &cx);
	lg_arena_free(&cx.arena);
}
