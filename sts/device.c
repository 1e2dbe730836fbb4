/*
 * device.c: the device grant (RFC 8628) as the device sees it: it asks for a pair of codes, shows one and polls with the other.
 *
 * One row holds both: its key is the code that people type, and the device's own is "<that code>.<secret>", of which the row has
 * the hash.  People's side is device_page.c.
 */
#include "sts/sts.h"

#define DEVICE_LIFE	600		/* seconds */
#define INTERVAL	5
#define DEVICE_ROWS	20000		/* waiting at a time; beyond it: come back later */

static const char letters[] = "BCDFGHJKLMNPQRSTVWXZ";	/* 6.1: no vowels, no words; 20^8 codes */

lg_str
sts_user_code_read(struct lg_arena *a, lg_str typed)
{
	char *p = lg_alloc(a, STS_USER_CODE);
	size_t n = 0;

	for (size_t i = 0; i < typed.n; i++) {
		char c = typed.p[i];

		if (c == '-' || c == ' ')
			continue;
		if (c >= 'a' && c <= 'z')
			c = (char)(c - 'a' + 'A');
		if (n == STS_USER_CODE || c == '\0' || strchr(letters, c) == NULL)
			return LG_NONE;
		p[n++] = c;
	}
	return n == STS_USER_CODE ? (lg_str){ p, n } : LG_NONE;
}

lg_str
sts_user_code_show(struct lg_arena *a, lg_str code)
{
	return lg_print(a, "%.4s-%.4s", code.p, code.p + 4);
}

static lg_str
new_user_code(struct lg_arena *a)
{
	char *p = lg_alloc(a, STS_USER_CODE);
	uint8_t r;

	for (size_t n = 0; n < STS_USER_CODE;) {
		lg_random(&r, sizeof r);
		if (r < 240)			/* the last 16 would favour some letters */
			p[n++] = letters[r % 20];
	}
	return (lg_str){ p, STS_USER_CODE };
}

/* ---- POST /oauth2/device_authorization (3.1, 3.2) ------------------------------------------------------------------ */

struct starting {
	lg_str user_code, device_code;
	struct sts_device device;
	bool within;			/* its asker's share */
};

static lg_err
start_run(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	struct sts_rq *rq = arg;
	struct starting *st = rq->grant;
	struct sts_device old;
	uint64_t n;

	LG_TRY(lg_table_count(cx, v, &sts_devices, &n));
	if (!sts_share_fits(n, DEVICE_ROWS, st->within) || sts_device_get(cx, v, rq->tenant_id, st->user_code, &old) == LG_OK)
		return lg_fail(cx, LG_E_BUSY, "too many devices are waiting");
	return sts_device_put(cx, v, rq->tenant_id, st->user_code, &st->device);
}

static lg_err
start_finish(struct sts_rq *rq, void *arg)
{
	struct lg_jsonw w = lg_jsonw_of(&rq->ex->out);
	struct starting *st = rq->grant;
	struct lg_arena *a = rq->cx->arena;
	lg_str page = lg_cat(a, rq->tenant.issuer, LG_STR("/device")), shown = sts_user_code_show(a, st->user_code);

	(void)arg;
	lg_jsonw_object(&w);
	lg_jsonw_str_of(&w, "device_code", st->device_code);
	lg_jsonw_str_of(&w, "user_code", shown);
	lg_jsonw_str_of(&w, "verification_uri", page);
	lg_jsonw_str_of(&w, "verification_uri_complete", lg_print(a, "%.*s?user_code=%.*s", LG_FMT(page), LG_FMT(shown)));
	lg_jsonw_int_of(&w, "expires_in", DEVICE_LIFE);
	lg_jsonw_int_of(&w, "interval", INTERVAL);
	lg_jsonw_object_end(&w);
	sts_json(rq->ex);
	sts_no_store(rq->ex);
	return LG_OK;
}

static lg_err
read_scope(struct sts_rq *rq, struct sts_code *c)
{
	lg_str asked = lg_form_get(&rq->form, "scope");

	if (!sts_scope_valid(asked))
		return sts_refuse(rq, STS_INVALID_SCOPE, "scope is malformed");
	c->scope = sts_scope_allowed(rq->cx->arena, &rq->client, asked);
	if (c->scope.n == 0)
		return sts_refuse(rq, STS_INVALID_SCOPE, "the client may have none of these scopes");
	return sts_issue_ready(rq, c->scope);
}

static lg_err
start(struct sts_rq *rq)
{
	struct starting *st = LG_NEW(rq->cx->arena, struct starting);
	struct sts_issue is = { .naudience = 0 };
	struct sts_code *c = &st->device.code;

	LG_TRY(sts_rq_form(rq));
	LG_TRY(sts_client_authenticate(rq));
	if ((rq->client.grants & LG_GRANT_DEVICE) == 0)
		return sts_refuse(rq, STS_UNAUTHORIZED_CLIENT, "this client may not use this grant");
	LG_TRY(read_scope(rq, c));
	LG_TRY(sts_issue_audience(rq, STS_REACH_USERINFO, &is));
	memcpy(c->audience, is.audience, sizeof c->audience);
	c->naudience = is.naudience;
	c->client = rq->client.id;
	c->expires = rq->cx->now + DEVICE_LIFE * LG_SECOND;
	st->user_code = new_user_code(rq->cx->arena);
	st->device_code = lg_print(rq->cx->arena, "%.*s.%.*s", LG_FMT(st->user_code), LG_FMT(lg_token_new(rq->cx->arena)));
	st->device.secret = lg_sha256_of(st->device_code);
	st->device.state = STS_DEVICE_WAITING;
	st->within = sts_share_of(rq);
	rq->grant = st;
	return sts_submit(rq, "device.start", start_run, start_finish, rq);
}

lg_err
sts_http_device_authorization(void *self, struct lg_http *ex)
{
	return sts_rq_run(self, ex, start);
}

/* ---- the grant (3.4, 3.5) ------------------------------------------------------------------------------------------ */

struct polling {
	lg_str user_code;
	struct sts_device device;
	struct sts_grant grant;
	bool gone;
	struct sts_issue is;
};

static lg_err
find(struct sts_rq *rq, struct polling *p)
{
	lg_str given = lg_form_get(&rq->form, "device_code"), secret;
	lg_sha256 h = lg_sha256_of(given);

	if (given.n == 0)
		return sts_refuse(rq, STS_INVALID_REQUEST, "device_code is missing");
	if (!lg_str_cut(given, '.', &p->user_code, &secret) || p->user_code.n != STS_USER_CODE
	    || sts_device_get(rq->cx, rq->view, rq->tenant_id, p->user_code, &p->device) != LG_OK
	    || !lg_equal_bytes(h.b, p->device.secret.b, sizeof h.b))
		return sts_refuse(rq, STS_INVALID_GRANT, "no such device code");
	if (!lg_str_eq(p->device.code.client, rq->client.id))
		return sts_refuse(rq, STS_INVALID_GRANT, "the device code was given to another client");
	if (p->device.code.expires <= rq->cx->now)
		return sts_refuse(rq, STS_EXPIRED_TOKEN, "the device code has expired");
	return LG_OK;
}

/* When it asked last is kept in memory: a poll writes nothing. */
static lg_err
wait_for_answer(struct sts_rq *rq, struct polling *p)
{
	lg_err e = sts_replay_use(rq->cx, rq->sts->proofs, rq->tenant_id, sts_share_whose(rq),
	    lg_print(rq->cx->arena, "poll %u %.*s", rq->tenant_id, LG_FMT(p->user_code)), rq->cx->now + (INTERVAL - 1) * LG_SECOND);

	if (e == LG_E_EXISTS)
		return sts_refuse(rq, STS_SLOW_DOWN, "ask every %d seconds", INTERVAL);
	LG_TRY(e);
	return sts_refuse(rq, STS_AUTHORIZATION_PENDING, "nobody has answered yet");
}

static lg_err
redeem_run(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	struct sts_rq *rq = arg;
	struct polling *p = rq->grant;
	lg_err e = sts_device_del(cx, v, rq->tenant_id, p->user_code);

	p->gone = e == LG_E_NOT_FOUND;
	if (p->gone)
		return LG_OK;
	LG_TRY(e);
	lg_audit(v, p->device.code.client, LG_NONE);
	LG_TRY(sts_visit_put(cx, v, rq->tenant_id, p->device.code.session, &rq->client));
	return lg_uuid_is_nil(p->grant.id) ? LG_OK : sts_grant_put(cx, v, rq->tenant_id, &p->grant);
}

static lg_err
redeem_finish(struct sts_rq *rq, void *arg)
{
	struct polling *p = rq->grant;

	(void)arg;
	return p->gone ? sts_refuse(rq, STS_INVALID_GRANT, "the device code was used before") : LG_OK;
}

lg_err
sts_grant_device(struct sts_rq *rq)
{
	struct polling *p = LG_NEW(rq->cx->arena, struct polling);

	rq->grant = p;
	LG_TRY(find(rq, p));
	if (p->device.state == STS_DEVICE_WAITING)
		return wait_for_answer(rq, p);
	if (p->device.state != STS_DEVICE_ALLOWED)
		return sts_refuse(rq, STS_ACCESS_DENIED, "the person refused");
	LG_TRY(sts_code_issue(rq, &p->device.code, &p->is));
	sts_code_family(rq, &p->device.code, &p->is, &p->grant);
	return sts_issue_stored(rq, &p->is, "token.device", redeem_run, redeem_finish);
}
