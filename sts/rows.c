/* rows.c: codes, grants and sessions as bytes, and back. */
#include "sts/sts.h"

#include "base/text.h"

#define ROW_MAX		(16u << 10)
/* A code's row stays after its use, so that a second use is recognised while tokens of the first may live. */
#define CODE_KEEP	((LG_STS_ACCESS_LIFE_MAX + LG_STS_CODE_LIFE) * LG_SECOND)

static lg_sha256
get_sha256(struct lg_rd *rd)
{
	lg_sha256 h = { { 0 } };
	lg_str s = lg_rd_bytes(rd, sizeof h.b);

	if (s.n == sizeof h.b)
		memcpy(h.b, s.p, s.n);
	return h;
}

/* A text that rows written by older releases end before. */
static lg_str
get_added(struct lg_rd *rd)
{
	return rd->p == rd->end ? LG_NONE : lg_rd_str32(rd);
}

static void
put_known(struct lg_buf *b, const struct sts_signed_in *how, const struct sts_wanted *wanted)
{
	lg_buf_str32(b, how->acr);
	lg_buf_str32(b, how->amr);
	lg_buf_str32(b, wanted->id_token);
	lg_buf_str32(b, wanted->userinfo);
}

/* Whoever is in a row of an older release came with a password. */
static struct sts_signed_in
get_signed_in(struct lg_rd *rd)
{
	bool old = rd->p == rd->end;
	struct sts_signed_in how = { .acr = get_added(rd) };

	how.amr = get_added(rd);
	return old ? (struct sts_signed_in){ LG_STR(STS_ACR_PASSWORD), LG_STR("pwd") } : how;
}

static void
get_known(struct lg_rd *rd, struct sts_signed_in *how, struct sts_wanted *wanted)
{
	*how = get_signed_in(rd);
	wanted->id_token = get_added(rd);
	wanted->userinfo = get_added(rd);
}

void
sts_row_put_list(struct lg_buf *b, const lg_str *v, size_t n)
{
	lg_buf_u16(b, (uint16_t)n);
	for (size_t i = 0; i < n; i++)
		lg_buf_str32(b, v[i]);
}

size_t
sts_row_get_list(struct lg_rd *rd, lg_str *v, size_t max)
{
	size_t n = lg_rd_u16(rd);

	if (n > max)
		rd->bad = true;
	for (size_t i = 0; !rd->bad && i < n; i++)
		v[i] = lg_rd_str32(rd);
	return rd->bad ? 0 : n;
}

/* Writes a row that is complete in b. */
static lg_err
put_row(struct lg_ctx *cx, struct lg_view *v, const struct lg_table *t, lg_str key, const struct lg_buf *b)
{
	LG_TRY(lg_buf_status(cx, b));
	return lg_put(cx, v, t, key, lg_buf_view(b));
}

/* A copy, so that what is decoded lives as long as the request. */
static lg_err
get_row(struct lg_ctx *cx, struct lg_view *v, const struct lg_table *t, lg_str key, struct lg_rd *ret)
{
	lg_str row;

	LG_TRY(lg_get(cx, v, t, key, &row));
	*ret = sts_row_open(lg_dup(cx->arena, row), t);
	return LG_OK;
}

static lg_err
row_done(struct lg_ctx *cx, const struct lg_rd *rd, const struct lg_table *t)
{
	if (!lg_rd_done(rd))
		return lg_fail(cx, LG_E_CORRUPT, "%s: a row does not decode", t->name);
	return LG_OK;
}

/* ---- codes ------------------------------------------------------------------------------------------- */

static void
encode_code(struct lg_buf *b, const struct sts_code *c)
{
	lg_buf_str32(b, c->client);
	lg_buf_str32(b, c->redirect);
	lg_buf_str32(b, c->nonce);
	lg_buf_str32(b, c->scope);
	lg_buf_str32(b, c->challenge);
	sts_row_put_list(b, c->audience, c->naudience);
	lg_buf_uuid(b, c->subject);
	lg_buf_uuid(b, c->session);
	lg_buf_u64(b, (uint64_t)c->auth_time);
	lg_buf_u64(b, (uint64_t)c->expires);
	lg_buf_byte(b, c->used);
	lg_buf_uuid(b, c->grant);
	lg_buf_str32(b, c->jti);
	lg_buf_str32(b, c->jkt);
	put_known(b, &c->how, &c->wanted);
}

static struct sts_code
decode_code(struct lg_rd *rd)
{
	struct sts_code c = { .used = false };

	c.client = lg_rd_str32(rd);
	c.redirect = lg_rd_str32(rd);
	c.nonce = lg_rd_str32(rd);
	c.scope = lg_rd_str32(rd);
	c.challenge = lg_rd_str32(rd);
	c.naudience = sts_row_get_list(rd, c.audience, LG_AUDIENCES);
	c.subject = lg_rd_uuid(rd);
	c.session = lg_rd_uuid(rd);
	c.auth_time = (int64_t)lg_rd_u64(rd);
	c.expires = (int64_t)lg_rd_u64(rd);
	c.used = lg_rd_u8(rd) != 0;
	c.grant = lg_rd_uuid(rd);
	c.jti = lg_rd_str32(rd);
	c.jkt = get_added(rd);
	get_known(rd, &c.how, &c.wanted);
	return c;
}

lg_err
sts_code_put(struct lg_ctx *cx, struct lg_view *v, lg_str key, const struct sts_code *c)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(ROW_MAX);

	sts_row_begin(&b, &sts_codes, c->expires + CODE_KEEP);
	encode_code(&b, c);
	return put_row(cx, v, &sts_codes, key, &b);
}

lg_err
sts_code_get(struct lg_ctx *cx, struct lg_view *v, lg_str key, struct sts_code *ret)
{
	struct lg_rd rd;

	LG_TRY(get_row(cx, v, &sts_codes, key, &rd));
	*ret = decode_code(&rd);
	return row_done(cx, &rd, &sts_codes);
}

/* ---- devices ------------------------------------------------------------------------------------------- */

lg_err
sts_device_put(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_str user_code, const struct sts_device *d)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(ROW_MAX);

	/* A minute longer, so that the device hears why. */
	sts_row_begin(&b, &sts_devices, d->code.expires + LG_MINUTE);
	lg_buf_str(&b, lg_sha256_str(&d->secret));
	lg_buf_byte(&b, (char)d->state);
	encode_code(&b, &d->code);
	return put_row(cx, v, &sts_devices, sts_key(cx->arena, tenant, user_code), &b);
}

lg_err
sts_device_get(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_str user_code, struct sts_device *ret)
{
	struct lg_rd rd;

	LG_TRY(get_row(cx, v, &sts_devices, sts_key(cx->arena, tenant, user_code), &rd));
	ret->secret = get_sha256(&rd);
	ret->state = (enum sts_device_state)lg_rd_u8(&rd);
	ret->code = decode_code(&rd);
	return row_done(cx, &rd, &sts_devices);
}

lg_err
sts_device_del(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_str user_code)
{
	return lg_del(cx, v, &sts_devices, sts_key(cx->arena, tenant, user_code));
}

/* ---- grants -------------------------------------------------------------------------------------------- */

lg_err
sts_grant_put(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, const struct sts_grant *g)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(ROW_MAX);

	sts_row_begin(&b, &sts_grants, g->expires);
	lg_buf_str32(&b, g->client);
	lg_buf_str32(&b, g->scope);
	sts_row_put_list(&b, g->audience, g->naudience);
	lg_buf_uuid(&b, g->subject);
	lg_buf_uuid(&b, g->session);
	lg_buf_u64(&b, (uint64_t)g->auth_time);
	lg_buf_u64(&b, (uint64_t)g->expires);
	lg_buf_u64(&b, (uint64_t)g->rotated);
	lg_buf_byte(&b, g->offline);
	lg_buf_u32(&b, g->generation);
	lg_buf_str(&b, lg_sha256_str(&g->current));
	lg_buf_str(&b, lg_sha256_str(&g->previous));
	lg_buf_str32(&b, g->jkt);
	put_known(&b, &g->how, &g->wanted);
	lg_buf_str32(&b, g->x5t);
	lg_buf_uuid(&b, g->client_entry);
	return put_row(cx, v, &sts_grants, sts_key(cx->arena, tenant, sts_uuid_str(&g->id)), &b);
}

lg_err
sts_grant_get(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_uuid id, struct sts_grant *ret)
{
	struct sts_grant g = { .id = id };
	struct lg_rd rd;

	LG_TRY(get_row(cx, v, &sts_grants, sts_key(cx->arena, tenant, sts_uuid_str(&id)), &rd));
	g.client = lg_rd_str32(&rd);
	g.scope = lg_rd_str32(&rd);
	g.naudience = sts_row_get_list(&rd, g.audience, LG_AUDIENCES);
	g.subject = lg_rd_uuid(&rd);
	g.session = lg_rd_uuid(&rd);
	g.auth_time = (int64_t)lg_rd_u64(&rd);
	g.expires = (int64_t)lg_rd_u64(&rd);
	g.rotated = (int64_t)lg_rd_u64(&rd);
	g.offline = lg_rd_u8(&rd) != 0;
	g.generation = lg_rd_u32(&rd);
	g.current = get_sha256(&rd);
	g.previous = get_sha256(&rd);
	g.jkt = get_added(&rd);
	get_known(&rd, &g.how, &g.wanted);
	g.x5t = get_added(&rd);
	if (rd.p != rd.end)
		g.client_entry = lg_rd_uuid(&rd);
	LG_TRY(row_done(cx, &rd, &sts_grants));
	*ret = g;
	return LG_OK;
}

/* ---- sessions --------------------------------------------------------------------------------------------- */

lg_err
sts_session_put(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, const struct sts_session *s)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(ROW_MAX);

	sts_row_begin(&b, &sts_sessions, s->expires);
	lg_buf_uuid(&b, s->subject);
	lg_buf_u64(&b, (uint64_t)s->auth_time);
	lg_buf_u64(&b, (uint64_t)s->expires);
	lg_buf_str32(&b, s->how.acr);
	lg_buf_str32(&b, s->how.amr);
	lg_buf_u64(&b, (uint64_t)s->began);
	lg_buf_str(&b, lg_sha256_str(&s->cookie));
	lg_buf_str32(&b, s->address);
	lg_buf_str32(&b, s->agent);
	return put_row(cx, v, &sts_sessions, sts_key(cx->arena, tenant, sts_uuid_str(&s->id)), &b);
}

lg_err
sts_session_get(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_uuid id, struct sts_session *ret)
{
	struct sts_session s = { .id = id };
	struct lg_rd rd;

	LG_TRY(get_row(cx, v, &sts_sessions, sts_key(cx->arena, tenant, sts_uuid_str(&id)), &rd));
	s.subject = lg_rd_uuid(&rd);
	s.auth_time = (int64_t)lg_rd_u64(&rd);
	s.expires = (int64_t)lg_rd_u64(&rd);
	s.how = get_signed_in(&rd);
	/* Of an older release: no cookie opens it, tokens and families go on. */
	if (rd.p != rd.end) {
		s.began = (int64_t)lg_rd_u64(&rd);
		s.cookie = get_sha256(&rd);
		s.address = lg_rd_str32(&rd);
		s.agent = lg_rd_str32(&rd);
	}
	LG_TRY(row_done(cx, &rd, &sts_sessions));
	*ret = s;
	return LG_OK;
}

lg_err
sts_session_live(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_uuid id, struct sts_session *ret)
{
	char subject[LG_UUID_TEXT + 1];
	struct sts_session s;

	LG_TRY(sts_session_get(cx, v, tenant, id, &s));
	lg_uuid_text(s.subject, subject);
	if (s.expires <= cx->now
	    || sts_is_revoked(cx, v, tenant, LG_REVOKED_SUBJECT, lg_str_of(subject), s.auth_time)
	    || sts_is_revoked(cx, v, tenant, LG_REVOKED_TENANT, LG_NONE, s.auth_time))
		return lg_fail(cx, LG_E_NOT_FOUND, "the session has ended");
	*ret = s;
	return LG_OK;
}
