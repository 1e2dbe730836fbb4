/* decide.c: one question to the service (AuthZEN Authorization API 1.0, section 6); anything but a clear yes is a no. */
#include <sys/stat.h>

#include "base/file.h"
#include "base/json.h"
#include "client/handle.h"

#define QUESTION_MAX	(64u << 10)
#define PEM_MAX		(256u << 10)

struct lightgate_decision {
	struct lg_arena *arena;
	bool permit, decided;
	lg_str reason, policy, id, ticket;	/* each followed by a NUL */
};

/* ---- the link ------------------------------------------------------------------------------------------------ */

static bool
is_current(const struct lightgate *lg, const struct stat *st)
{
	return lg->own_link != NULL && st->st_mtim.tv_sec == lg->cert_time.tv_sec && st->st_mtim.tv_nsec == lg->cert_time.tv_nsec;
}

static lg_err
make_link(struct lg_ctx *cx, struct lightgate *lg, const struct stat *st)
{
	struct lg_endpoint at = lg->own;
	struct lg_link *fresh;

	LG_TRY(lg_file_read(cx, lg->cert_file, PEM_MAX, &at.cert));
	LG_TRY(lg_file_read(cx, lg->key_file, PEM_MAX, &at.key));
	LG_TRY(lg_link_new(cx, &at, &fresh));
	lg_link_free(&lg->own_link);
	lg->own_link = fresh;
	lg->cert_time = st->st_mtim;
	return LG_OK;
}

/* Leaves the read lock held on success.  A certificate that was renewed is taken up here. */
static lg_err
hold_link(struct lg_ctx *cx, struct lightgate *lg, struct lg_link **ret)
{
	struct stat st;
	lg_err e = LG_OK;

	pthread_rwlock_rdlock(&lg->links);
	*ret = lg->public_link;
	if (lg->cert_file == NULL)
		return LG_OK;
	if (stat(lg->cert_file, &st) != 0)
		e = lg_fail(cx, LG_E_NOT_FOUND, "%s cannot be read", lg->cert_file);
	else if (!is_current(lg, &st)) {
		pthread_rwlock_unlock(&lg->links);
		pthread_rwlock_wrlock(&lg->links);
		e = is_current(lg, &st) ? LG_OK : make_link(cx, lg, &st);
		if (e != LG_OK && lg->own_link != NULL)
			e = LG_OK;	/* half of a renewal: the old one goes on, the next call looks again */
		pthread_rwlock_unlock(&lg->links);
		pthread_rwlock_rdlock(&lg->links);
	}
	*ret = lg->own_link;
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

static lg_err
check_question(struct lg_ctx *cx, const struct lightgate_question *q)
{
	if (q->action == NULL || q->resource_type == NULL || q->resource_id == NULL)
		return lg_fail(cx, LG_E_INVALID, "a question needs an action and a resource");
	if (q->subject_token == NULL && q->subject_id == NULL)
		return lg_fail(cx, LG_E_INVALID, "a question needs a subject: a token or a name");
	return LG_OK;
}

/* ---- the answer ------------------------------------------------------------------------------------------------- */

static lg_err
read_answer(struct lg_ctx *cx, lg_str body, struct lightgate_decision *d)
{
	lg_str decision = lg_api_raw(cx, body, "decision"), context = lg_api_member(cx, body, "context");

	if (!lg_str_eq(decision, LG_STR("true")) && !lg_str_eq(decision, LG_STR("false")))
		return lg_fail(cx, LG_E_INVALID, "the service's answer is not a decision");
	d->decided = true;
	d->reason = lg_dup(d->arena, lg_api_member(cx, context, "reason"));
	d->policy = lg_dup(d->arena, lg_api_member(cx, context, "policy"));
	d->id = lg_dup(d->arena, lg_api_member(cx, context, "id"));
	d->ticket = lg_dup(d->arena, lg_api_member(cx, context, "ticket"));
	d->permit = lg_str_eq(decision, LG_STR("true"));
	return LG_OK;
}

static lg_err
ask(struct lg_ctx *cx, struct lightgate *lg, const struct lightgate_question *q, struct lg_link *link, struct lg_reply *ret)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(QUESTION_MAX);
	struct lg_jsonw w = lg_jsonw_of(&b);
	lg_str token = LG_NONE;

	if (lg->token_file != NULL) {
		LG_TRY(lg_file_read(cx, lg->token_file, LG_TOKEN_MAX, &token));
		token = lg_str_trim(token);
	}
	put_question(&w, q);
	LG_TRY(lg_buf_status(cx, &b));
	struct lg_call call = {
		.method = "POST", .path = LG_STR("/access/v1/evaluation"), .body = lg_buf_view(&b), .token = token, .time = lg->deadline,
		.headers = { { q->subject_token != NULL ? "Lightgate-Subject-Token" : NULL, lg_str_of(q->subject_token) },
		    { q->request_id != NULL ? "X-Request-ID" : NULL, lg_str_of(q->request_id) } },
	};
	return lg_api_call(cx, link, &call, ret);
}

static lg_err
decide(struct lg_ctx *cx, struct lightgate *lg, const struct lightgate_question *q, struct lightgate_decision *d)
{
	struct lg_reply answer;
	struct lg_link *link;

	LG_TRY(check_question(cx, q));
	LG_TRY(hold_link(cx, lg, &link));
	lg_err e = ask(cx, lg, q, link, &answer);
	pthread_rwlock_unlock(&lg->links);
	LG_TRY(e);
	return read_answer(cx, answer.body, d);
}

lightgate_decision *
lightgate_decide(lightgate *lg, const struct lightgate_question *question)
{
	struct lightgate_question q = LIGHTGATE_QUESTION;
	struct lg_arena *a = lg_arena_new();
	struct lightgate_decision *d = LG_NEW(a, struct lightgate_decision);
	struct lg_ctx cx;

	lg_ctx_init(&cx, a);
	memcpy(&q, question, question->size < sizeof q ? question->size : sizeof q);
	*d = (struct lightgate_decision){ .arena = a, .reason = LG_STR(""), .policy = LG_STR(""), .id = LG_STR(""), .ticket = LG_STR("") };
	if (decide(&cx, lg, &q, d) != LG_OK)
		d->reason = lg_dup(a, lg_str_of(cx.error));
	return d;
}

bool
lightgate_permits(const lightgate_decision *d)
{
	return d != NULL && d->decided && d->permit;
}

bool
lightgate_decided(const lightgate_decision *d)
{
	return d != NULL && d->decided;
}

const char *
lightgate_decision_reason(const lightgate_decision *d)
{
	return d == NULL ? "" : d->reason.p;
}

const char *
lightgate_decision_policy(const lightgate_decision *d)
{
	return d == NULL ? "" : d->policy.p;
}

const char *
lightgate_decision_id(const lightgate_decision *d)
{
	return d == NULL ? "" : d->id.p;
}

const char *
lightgate_decision_ticket(const lightgate_decision *d)
{
	return d == NULL ? "" : d->ticket.p;
}

void
lightgate_decision_free(lightgate_decision *d)
{
	if (d == NULL)
		return;
	struct lg_arena *a = d->arena;
	lg_arena_free(&a);
}
