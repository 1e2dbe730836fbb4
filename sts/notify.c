/*
 * notify.c: applications are told that a session has ended (OpenID Connect Back-Channel Logout 1.0): a logout token, posted to the
 * address that the client registered, tried again for a while if nobody takes it.
 *
 * Several lanes share the work, so that one application that never answers does not keep all others waiting.  On workers.
 */
#include "sts/sts.h"

#include "base/text.h"

#define TOKEN_LIFE	(2 * LG_MINUTE)	/* 2.4: short */
#define ANSWER_MAX	4096

/* ---- one notice ------------------------------------------------------------------------------------------------ */

static lg_err
find_client(struct lg_ctx *cx, struct lg_sts *sts, const struct sts_notice *nt, struct lg_sts_client *ret)
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;

	LG_TRY(lg_view_begin(cx, sts->store, &v));
	LG_TRY(lg_sts_client_get(cx, v, nt->tenant, nt->client, ret));
	ret->backchannel = lg_dup(cx->arena, ret->backchannel);
	return LG_OK;
}

/* 2.4: who, which session, the event; never a nonce. */
static lg_err
logout_token(struct lg_ctx *cx, struct lg_sts *sts, const struct sts_notice *nt, const struct lg_sts_client *client, lg_str *ret)
{
	char subject[LG_UUID_TEXT + 1], session[LG_UUID_TEXT + 1];
	struct lg_token_request tr = {
		.tenant = nt->tenant, .purpose = LG_PURPOSE_TOKEN, .alg = client->id_token_alg, .typ = LG_STR("logout+jwt"),
		.audience = { nt->client }, .naudience = 1, .issued = cx->now, .life = TOKEN_LIFE,
	};

	lg_uuid_text(nt->subject, subject);
	lg_uuid_text(nt->session, session);
	tr.subject = lg_str_of(subject);
	tr.extra = lg_print(cx->arena, "\"sid\":\"%s\",\"events\":{\"http://schemas.openid.net/event/backchannel-logout\":{}}", session);
	return sts->signer.token_wait(sts->signer.self, cx, &tr, ret);
}

static lg_err
post(struct lg_ctx *cx, struct lg_sts *sts, const struct sts_notice *nt, const struct lg_sts_client *client)
{
	struct lg_web_request rq = {
		.url = client->backchannel, .type = LG_STR("application/x-www-form-urlencoded"), .max = ANSWER_MAX,
	};
	struct lg_web_reply reply;
	lg_str token;

	LG_TRY(logout_token(cx, sts, nt, client, &token));
	rq.body = lg_cat(cx->arena, LG_STR("logout_token="), token);	/* base64url and dots need no escapes */
	LG_TRY(sts->outside.ask(sts->outside.self, cx, &rq, &reply));
	if (reply.status != 200 && reply.status != 204)
		return lg_fail(cx, LG_E_UNAVAILABLE, "status %d", reply.status);
	return LG_OK;
}

struct outcome {
	struct sts_notice notice;
	bool told, again;
	lg_str why;			/* it was not told */
};

static lg_err
settle_run(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(4096);
	struct lg_jsonw w = lg_jsonw_of(&b);
	const struct outcome *o = arg;

	lg_jsonw_object(&w);
	lg_jsonw_bool_of(&w, "told", o->told);
	lg_jsonw_int_of(&w, "attempt", o->notice.attempts);
	if (o->why.n > 0)
		lg_jsonw_str_of(&w, "why", o->why);
	lg_jsonw_object_end(&w);
	LG_TRY(lg_buf_status(cx, &b));
	lg_audit(v, o->notice.client, lg_dup(cx->arena, lg_buf_view(&b)));
	LG_TRY(lg_del(cx, v, &sts_notices, o->notice.key));
	return o->again ? sts_notice_put(cx, v, &o->notice) : LG_OK;
}

/* A client that is gone, or wants no news any more, gets none. */
static lg_err
carry_out(struct lg_ctx *cx, struct lg_sts *sts, const struct sts_notice *nt, bool *again)
{
	struct outcome o = { .notice = *nt };
	struct lg_sts_client client;
	lg_err e = find_client(cx, sts, nt, &client);
	bool wanted = e == LG_OK && client.backchannel.n > 0;

	lg_store_turn(sts->store);
	if (e != LG_OK && e != LG_E_NOT_FOUND)
		return e;
	*again = false;
	o.told = wanted && post(cx, sts, nt, &client) == LG_OK;
	if (wanted && !o.told)
		o.why = lg_dup(cx->arena, lg_str_of(cx->error));
	o.again = wanted && !o.told && sts_outbox_pause(nt->attempts) > 0;
	o.notice.attempts++;
	if (o.again)
		o.notice.due = cx->now + sts_outbox_pause(nt->attempts);
	*again = o.again;
	e = lg_store_apply(cx, sts->store, nt->tenant, "logout.notify", settle_run, &o, NULL);
	return e == LG_E_NOT_FOUND ? LG_OK : e;
}

lg_err
lg_sts_notify(struct lg_ctx *cx, struct lg_sts *sts, unsigned lane)
{
	struct sts_outbox *due = LG_NEW(cx->arena, struct sts_outbox);
	struct sts_notice nt;
	bool again = false;
	lg_err e = sts_outbox_due(cx, sts, &sts_notices, lane, LG_STS_LANES, due);

	/* Who did not answer took five seconds: the rest is the next turn's, so that the service can stop. */
	for (size_t i = 0; i < due->n && e == LG_OK && !again; i++)
		if (sts_notice_read(cx->arena, due->key[i], due->row[i], &nt))
			e = carry_out(cx, sts, &nt, &again);
	return e;
}
