/*
 * consent.c: may this application have that of me?  Asked by a page, for clients whose setting says so and whenever one asks for it
 * (prompt=consent); the answer is kept for each person and client with its scopes, and asked anew for what is wider.
 */
#include "sts/consent.h"

#include "base/text.h"

#define ROW_MAX		(4u << 10)
#define ROW_VERSION	1

/* tenant, subject, client id */
const struct lg_table sts_consents = { .name = "sts_consents", .id = 0x0541 };
/* tenant, subject, id of a refresh family */
const struct lg_table sts_grant_subjects = { .name = "sts_grant_subjects", .id = 0x0542, .derived = true };

static lg_str
key_of(struct lg_arena *a, uint32_t tenant, lg_uuid subject, lg_str client)
{
	return sts_key(a, tenant, lg_cat(a, sts_uuid_str(&subject), client));
}

struct consent {
	lg_str scope;
	int64_t since;
	lg_uuid entry;			/* the client's: the name may be another's by now; nil: of an older release */
};

static lg_err
decode(struct lg_ctx *cx, lg_str row, struct consent *ret)
{
	struct lg_rd rd = lg_rd_of(lg_dup(cx->arena, row));
	uint8_t version = lg_rd_u8(&rd);

	ret->scope = lg_rd_str32(&rd);
	ret->since = (int64_t)lg_rd_u64(&rd);
	if (rd.p != rd.end)
		ret->entry = lg_rd_uuid(&rd);
	return version == ROW_VERSION && lg_rd_done(&rd) ? LG_OK : lg_fail(cx, LG_E_CORRUPT, "sts_consents: a row does not decode");
}

static lg_err
read_consent(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_uuid subject, lg_str client, struct consent *ret)
{
	lg_str row;

	LG_TRY(lg_get(cx, v, &sts_consents, key_of(cx->arena, tenant, subject, client), &row));
	return decode(cx, row, ret);
}

/* What was allowed to this very client. */
static lg_err
read_own(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_uuid subject, const struct lg_sts_client *client, struct consent *ret)
{
	LG_TRY(read_consent(cx, v, tenant, subject, client->id, ret));
	return lg_uuid_is_nil(ret->entry) || lg_uuid_eq(ret->entry, client->entry) ? LG_OK : LG_E_NOT_FOUND;
}

/* ---- the question ---------------------------------------------------------------------------------------------------------- */

static lg_err
is_needed(struct sts_rq *rq, const struct sts_authorize *az, lg_uuid subject, bool *ret)
{
	struct consent c = { .scope = LG_NONE };
	lg_err e;

	*ret = az->prompt_consent;
	if (*ret || (!az->client.consent && az->client.registered == 0))
		return LG_OK;
	LG_TRY(lg_view_begin(rq->cx, rq->sts->store, &rq->view));
	e = read_own(rq->cx, rq->view, rq->tenant_id, subject, &az->client, &c);
	lg_view_end(&rq->view);
	lg_store_turn(rq->sts->store);
	if (e != LG_OK && e != LG_E_NOT_FOUND)
		return e;
	*ret = e != LG_OK || !sts_scope_within(az->scope, c.scope);
	return LG_OK;
}

/* What a scope means, where there is a message for it. */
static lg_str
meaning_of(struct sts_rq *rq, lg_str scope)
{
	lg_str key = lg_print(rq->cx->arena, "scope.%.*s", LG_FMT(scope)), text = sts_text(rq, key.p);

	return lg_str_eq(text, key) ? scope : text;
}

lg_str
sts_client_called(struct lg_arena *a, const struct lg_sts_client *c)
{
	return c->display.n == 0 ? c->id : lg_print(a, "%.*s (%.*s)", LG_FMT(c->display), LG_FMT(c->id));
}

lg_str
sts_client_called_by_id(struct sts_rq *rq, lg_str id)
{
	struct lg_sts_client *c = LG_NEW(rq->cx->arena, struct lg_sts_client);

	return sts_client_load(rq, id, c) == LG_OK ? sts_client_called(rq->cx->arena, c) : id;
}

lg_str
sts_meanings(struct sts_rq *rq, lg_str scope)
{
	lg_str *one, out = LG_NONE;
	size_t n = sts_scope_split(rq->cx->arena, scope, &one);

	for (size_t i = 0; i < n; i++) {
		lg_str text = meaning_of(rq, one[i]);

		out = lg_print(rq->cx->arena, "%.*s%s%.*s", LG_FMT(out), i > 0 ? ", " : "", LG_FMT(text));
	}
	return out;
}

static lg_err
ask(struct sts_rq *rq, const struct sts_signin *si, lg_str cookie)
{
	lg_str *scopes, csrf;
	size_t n = sts_scope_split(rq->cx->arena, si->az.scope, &scopes);
	struct sts_slot *rows = LG_NEWS(rq->cx->arena, struct sts_slot, n + 1);
	struct sts_rows list = { rows, 1, n };

	for (size_t i = 0; i < n; i++)
		rows[i] = (struct sts_slot){ .name = "meaning", .value = meaning_of(rq, scopes[i]) };
	LG_TRY(sts_csrf_make(rq, cookie, lg_cat(rq->cx->arena, LG_STR("consent "), si->request), &csrf));
	const struct lg_sts_client *c = &si->az.client;
	const struct sts_slot slots[] = {
		{ .name = "csrf", .value = csrf }, { .name = "request", .value = si->request },
		{ .name = "client", .value = sts_client_called(rq->cx->arena, c) }, { .name = "about", .value = c->uri },
		{ .name = "policy", .value = c->policy_uri }, { .name = "terms", .value = c->tos_uri }, { .name = "site", .value = sts_redirect_origin(si->az.redirect) },
		{ .name = "name", .value = si->subject.name }, { .name = "scopes", .rows = &list },
	};
	return sts_page(rq, 200, "consent", slots, LG_COUNT(slots), sts_redirect_origin(si->az.redirect));
}

lg_err
sts_consent_or_grant(struct sts_rq *rq, struct sts_signin *si, const struct sts_session *s, lg_str cookie, bool new_session)
{
	bool needed;

	LG_TRY(is_needed(rq, &si->az, s->subject, &needed));
	if (!needed)
		return sts_authorize_grant(rq, &si->az, s, new_session);
	if (si->az.prompt_none)
		return sts_refuse(rq, STS_CONSENT_REQUIRED, "the person has not allowed this yet");
	if (new_session)
		LG_TRY(sts_session_begin(rq, s));
	return ask(rq, si, cookie);
}

/* ---- the answer -------------------------------------------------------------------------------------------------------------- */

struct giving {
	struct sts_rq *rq;
	lg_uuid subject;
	const struct lg_sts_client *client;
	lg_str scope;
};

/* Scopes add up: what was allowed before stays so. */
static lg_err
give_run(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(ROW_MAX);
	struct giving *g = arg;
	struct consent old = { .scope = LG_NONE };
	lg_err e = read_own(cx, v, g->rq->tenant_id, g->subject, g->client, &old);
	lg_str *scopes;
	size_t n;

	if (e != LG_OK && e != LG_E_NOT_FOUND)
		return e;
	if (e == LG_E_NOT_FOUND)
		old.scope = LG_NONE;
	n = sts_scope_split(cx->arena, g->scope, &scopes);
	for (size_t i = 0; i < n; i++)
		if (!sts_scope_has(old.scope, scopes[i]))
			old.scope = old.scope.n == 0 ? scopes[i] : lg_print(cx->arena, "%.*s %.*s", LG_FMT(old.scope), LG_FMT(scopes[i]));
	lg_buf_byte(&b, ROW_VERSION);
	lg_buf_str32(&b, old.scope);
	lg_buf_u64(&b, (uint64_t)lg_view_time(v));
	lg_buf_uuid(&b, g->client->entry);
	LG_TRY(lg_buf_status(cx, &b));
	lg_audit(v, g->client->id, LG_NONE);
	return lg_put(cx, v, &sts_consents, key_of(cx->arena, g->rq->tenant_id, g->subject, g->client->id), lg_buf_view(&b));
}

static lg_err
allow(struct sts_rq *rq, struct sts_signin *si, const struct sts_session *s)
{
	struct giving g = { .rq = rq, .subject = s->subject, .client = &si->az.client, .scope = si->az.scope };

	LG_TRY(lg_store_apply(rq->cx, rq->sts->store, rq->tenant_id, "consent.give", give_run, &g, NULL));
	return sts_authorize_grant(rq, &si->az, s, false);
}

static lg_err
run(struct sts_rq *rq, struct sts_signin *si)
{
	lg_str cookie = sts_cookie_of(rq, "session"), csrf, said;
	enum sts_signin_lack lack;
	struct sts_session s;

	LG_TRY(sts_rq_form(rq));
	si->request = lg_form_get(&rq->form, "request");
	csrf = lg_form_get(&rq->form, "csrf");
	said = lg_form_get(&rq->form, "answer");
	/* The page was made for this session and request after all else was judged. */
	if (!sts_origin_ok(rq) || !sts_csrf_ok(rq, cookie, lg_cat(rq->cx->arena, LG_STR("consent "), si->request), csrf))
		return sts_message(rq, 403, "old-page", LG_NONE);
	rq->resumed = true;
	LG_TRY(sts_signin_open(rq, si));
	if (si->az.redirect.n == 0 || sts_session_read(rq, &s) != LG_OK)
		return sts_message(rq, 403, "old-page", LG_NONE);
	if (!lg_str_eq(said, LG_STR("allow")))
		return sts_refuse(rq, STS_ACCESS_DENIED, "the person did not allow it");
	si->subject.id = s.subject;
	si->amr = s.how.amr;
	si->auth_time = s.auth_time;
	LG_TRY(sts_signin_read(rq, si, s.subject));
	LG_TRY(sts_signin_lacks(rq, si, &lack));
	/* Read for longer than policy lets a sign-in count. */
	if (lack == STS_SIGNIN_OLD)
		return sts_signin_more(rq, si, lack);
	return lack == STS_SIGNIN_COMPLETE ? allow(rq, si, &s) : sts_message(rq, 403, "old-page", LG_NONE);
}

lg_err
sts_http_consent(void *self, struct lg_http *ex)
{
	return sts_signin_post(self, ex, run);
}

/* ---- seen and withdrawn -------------------------------------------------------------------------------------------------------- */

lg_err
sts_consent_list(struct sts_rq *rq, lg_uuid subject, struct sts_rows *ret)
{
	LG_AUTO(lg_cursor_end) struct lg_cursor c = { .started = false };
	struct sts_slot *s = LG_NEWS(rq->cx->arena, struct sts_slot, 4 * STS_CONSENTS);
	lg_str prefix = key_of(rq->cx->arena, rq->tenant_id, subject, LG_NONE), key, row;
	size_t n = 0;

	LG_TRY(lg_scan(rq->cx, rq->view, &sts_consents, prefix, LG_NONE, &c));
	while (n < STS_CONSENTS && lg_cursor_next(&c, &key, &row)) {
		struct consent one;

		LG_TRY(decode(rq->cx, row, &one));
		lg_str id = lg_dup(rq->cx->arena, lg_str_sub(key, prefix.n, key.n));
		s[4 * n] = (struct sts_slot){ .name = "client", .value = id };
		s[4 * n + 1] = (struct sts_slot){ .name = "called", .value = sts_client_called_by_id(rq, id) };
		s[4 * n + 2] = (struct sts_slot){ .name = "scope", .value = sts_meanings(rq, one.scope) };
		s[4 * n + 3] = (struct sts_slot){ .name = "since", .value = lg_str_sub(lg_time_text(rq->cx->arena, one.since), 0, 10) };
		n++;
	}
	*ret = (struct sts_rows){ s, 4, n };
	return LG_OK;
}

/* Ends some of the client's families; *n: how many. */
static lg_err
end_families(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_uuid subject, lg_str client, size_t *n)
{
	lg_str prefix = sts_key(cx->arena, tenant, sts_uuid_str(&subject)), key, value;
	lg_uuid ids[STS_CONSENTS];
	struct sts_grant g;

	*n = 0;
	{
		LG_AUTO(lg_cursor_end) struct lg_cursor c = { .started = false };

		LG_TRY(lg_scan(cx, v, &sts_grant_subjects, prefix, LG_NONE, &c));
		while (*n < STS_CONSENTS && lg_cursor_next(&c, &key, &value)) {
			struct lg_rd rd = lg_rd_of(lg_str_sub(key, prefix.n, key.n));

			if (lg_str_eq(value, client))
				ids[(*n)++] = lg_rd_uuid(&rd);
		}
	}
	for (size_t i = 0; i < *n; i++) {
		LG_TRY(sts_grant_get(cx, v, tenant, ids[i], &g));
		LG_TRY(sts_grant_kill(cx, v, tenant, &g));
	}
	return LG_OK;
}

/* A client makes as many families as it likes: none of them outlives its consent. */
lg_err
sts_consent_withdraw(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_uuid subject, lg_str client)
{
	lg_err gone = lg_del(cx, v, &sts_consents, key_of(cx->arena, tenant, subject, client));
	size_t n;

	if (gone != LG_OK && gone != LG_E_NOT_FOUND)
		return gone;
	do {
		LG_TRY(end_families(cx, v, tenant, subject, client, &n));
		gone = n > 0 ? LG_OK : gone;
	} while (n == STS_CONSENTS);
	return gone;
}

lg_err
sts_consents_del(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_uuid subject)
{
	lg_str prefix = key_of(cx->arena, tenant, subject, LG_NONE), keys[STS_CONSENTS], key, row;
	size_t n;

	do {
		LG_AUTO(lg_cursor_end) struct lg_cursor c = { .started = false };

		n = 0;
		LG_TRY(lg_scan(cx, v, &sts_consents, prefix, LG_NONE, &c));
		while (n < STS_CONSENTS && lg_cursor_next(&c, &key, &row))
			keys[n++] = lg_dup(cx->arena, key);
		lg_cursor_end(&c);
		for (size_t i = 0; i < n; i++)
			LG_TRY(lg_del(cx, v, &sts_consents, keys[i]));
	} while (n == STS_CONSENTS);
	return LG_OK;
}
