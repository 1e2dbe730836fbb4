/* client_row.c: clients as rows: encoded, decoded, created, changed, deleted. */
#include "sts/sts.h"

#define ROW_VERSION	3	/* 1: up to audiences; 2: up to subject; then fields by their tags */
#define ROW_MAX		(64u << 10)

static void
encode(struct lg_buf *b, const struct lg_sts_client *c)
{
	lg_buf_byte(b, ROW_VERSION);
	lg_buf_bytes(b, c->entry.b, sizeof c->entry.b);
	lg_buf_str32(b, c->type);
	lg_buf_byte(b, c->enabled);
	lg_buf_byte(b, (char)c->auth);
	lg_buf_byte(b, (char)c->grants);
	lg_buf_byte(b, c->has_secret);
	lg_buf_str(b, lg_sha256_str(&c->secret));
	lg_buf_str32(b, c->jwks);
	lg_buf_byte(b, (char)c->id_token_alg);
	lg_buf_byte(b, c->introspect);
	lg_buf_u32(b, c->access_life);
	sts_row_put_list(b, c->redirects, c->nredirects);
	sts_row_put_list(b, c->logouts, c->nlogouts);
	sts_row_put_list(b, c->scopes, c->nscopes);
	sts_row_put_list(b, c->audiences, c->naudiences);
	lg_buf_byte(b, c->dpop);
	lg_buf_byte(b, c->par);
	lg_buf_str32(b, c->issuer);
	lg_buf_str32(b, c->subject);
	sts_fields_encode(b, c);
}

static void
decode_added(struct lg_rd *rd, struct lg_sts_client *c)
{
	c->dpop = lg_rd_u8(rd) != 0;
	c->par = lg_rd_u8(rd) != 0;
	c->issuer = lg_rd_str32(rd);
	c->subject = lg_rd_str32(rd);
}

static bool
decode_row(lg_str id, lg_str row, struct lg_sts_client *c)
{
	struct lg_rd rd = lg_rd_of(row);
	uint8_t version = lg_rd_u8(&rd);
	lg_str s;

	memset(c, 0, sizeof *c);
	c->id = id;
	if (version == 0 || version > ROW_VERSION)
		rd.bad = true;
	s = lg_rd_bytes(&rd, sizeof c->entry.b);
	if (s.n > 0)
		memcpy(c->entry.b, s.p, s.n);
	c->type = lg_rd_str32(&rd);
	c->enabled = lg_rd_u8(&rd) != 0;
	c->auth = (enum lg_client_auth)lg_rd_u8(&rd);
	c->grants = lg_rd_u8(&rd);
	c->has_secret = lg_rd_u8(&rd) != 0;
	s = lg_rd_bytes(&rd, sizeof c->secret.b);
	if (s.n > 0)
		memcpy(c->secret.b, s.p, s.n);
	c->jwks = lg_rd_str32(&rd);
	c->id_token_alg = (enum lg_alg)lg_rd_u8(&rd);
	c->introspect = lg_rd_u8(&rd) != 0;
	c->access_life = lg_rd_u32(&rd);
	c->nredirects = sts_row_get_list(&rd, c->redirects, LG_CLIENT_URIS);
	c->nlogouts = sts_row_get_list(&rd, c->logouts, LG_CLIENT_URIS);
	c->nscopes = sts_row_get_list(&rd, c->scopes, LG_CLIENT_SCOPES);
	c->naudiences = sts_row_get_list(&rd, c->audiences, LG_CLIENT_AUDIENCES);
	if (version > 1)
		decode_added(&rd, c);
	if (version > 2)
		sts_fields_decode(&rd, c);
	return lg_rd_done(&rd);
}

static lg_err
decode(struct lg_ctx *cx, lg_str id, lg_str row, struct lg_sts_client *c)
{
	if (!decode_row(id, row, c))
		return lg_fail(cx, LG_E_CORRUPT, "client %.*s: its row does not decode", LG_FMT(id));
	return LG_OK;
}

/* ---- what some client wants (sts_wants): u32 tenant, u8 what, client id -------------------------------------------- */

#define WANTS_PASSWORD	0x80		/* below: an algorithm */

/* Every value that tokens may be signed with, and who may bring passwords. */
void
sts_client_derive(struct lg_derive *d, lg_str key, lg_str value)
{
	struct lg_sts_client c;
	uint8_t what[5];
	size_t n = 0;

	if (key.n <= 4 || key.n > 4 + LG_CLIENT_ID_MAX || !decode_row(lg_str_sub(key, 4, key.n), value, &c) || !c.enabled)
		return;
	const enum lg_alg algs[] = { c.id_token_alg, c.access_alg, c.userinfo_alg, c.introspection_alg };
	for (size_t i = 0; i < LG_COUNT(algs); i++)
		if (algs[i] != LG_ALG_NONE && algs[i] != LG_ALG_ES256 && memchr(what, (int)algs[i], n) == NULL)
			what[n++] = (uint8_t)algs[i];
	if ((c.grants & LG_GRANT_PASSWORD) != 0)
		what[n++] = WANTS_PASSWORD;
	for (size_t i = 0; i < n; i++) {
		char at[5 + LG_CLIENT_ID_MAX];

		memcpy(at, key.p, 4);
		at[4] = (char)what[i];
		memcpy(at + 5, key.p + 4, key.n - 4);
		lg_emit(d, &sts_wants, (lg_str){ at, key.n + 1 }, LG_NONE);
	}
}

static lg_err
is_wanted(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, int what, bool *ret)
{
	LG_AUTO(lg_cursor_end) struct lg_cursor c = { .started = false };
	const char byte = (char)what;
	lg_str key, value, prefix = sts_key(cx->arena, tenant, (lg_str){ &byte, 1 });

	LG_TRY(lg_scan(cx, v, &sts_wants, prefix, LG_NONE, &c));
	*ret = lg_cursor_next(&c, &key, &value);
	return LG_OK;
}

lg_err
lg_sts_wanted_algs(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, unsigned *ret)
{
	bool yes;

	*ret = 0;
	for (int alg = LG_ALG_ES256; alg <= LG_ALG_PS512; alg++) {
		LG_TRY(is_wanted(cx, v, tenant, alg, &yes));
		*ret |= yes ? 1u << alg : 0;
	}
	return LG_OK;
}

bool
sts_passwords_wanted(struct sts_rq *rq)
{
	bool yes;

	return is_wanted(rq->cx, rq->view, rq->tenant_id, WANTS_PASSWORD, &yes) == LG_OK && yes;
}

lg_err
lg_sts_client_get(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_str id, struct lg_sts_client *ret)
{
	lg_str row;

	if (id.n == 0 || id.n > LG_CLIENT_ID_MAX)
		return lg_fail(cx, LG_E_NOT_FOUND, "no such client");
	LG_TRY(lg_get(cx, v, &sts_clients, sts_key(cx->arena, tenant, id), &row));
	return decode(cx, id, row, ret);
}

lg_err
sts_client_load(struct sts_rq *rq, lg_str id, struct lg_sts_client *ret)
{
	lg_str row;

	if (id.n == 0 || id.n > LG_CLIENT_ID_MAX)
		return lg_fail(rq->cx, LG_E_NOT_FOUND, "no such client");
	LG_TRY(lg_get(rq->cx, rq->view, &sts_clients, sts_key(rq->cx->arena, rq->tenant_id, id), &row));
	return decode(rq->cx, lg_dup(rq->cx->arena, id), lg_dup(rq->cx->arena, row), ret);
}

bool
lg_sts_client_needs_secret(const struct lg_sts_client *c)
{
	return c->auth == LG_CLIENT_SECRET && !c->has_secret;
}

/* The old row, if there is one; it must belong to the same entry. */
static lg_err
old_row(struct lg_ctx *cx, struct lg_view *v, const struct lg_sts_client *c, lg_str key, lg_str *row,
    struct lg_sts_client *old)
{
	lg_err e = lg_get(cx, v, &sts_clients, key, row);

	*row = e == LG_OK ? *row : LG_NONE;
	if (e != LG_OK)
		return e == LG_E_NOT_FOUND ? LG_OK : e;
	*row = lg_dup(cx->arena, *row);
	LG_TRY(decode(cx, c->id, *row, old));
	if (!lg_uuid_eq(old->entry, c->entry))
		return lg_fail(cx, LG_E_EXISTS, "client id %.*s belongs to another entry", LG_FMT(c->id));
	return LG_OK;
}

lg_err
lg_sts_client_put(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, const struct lg_sts_client *c,
    const lg_sha256 *secret, enum lg_sts_change *ret)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(ROW_MAX);
	struct lg_sts_client new = *c, old = { .has_secret = false };
	lg_str row, key = sts_key(cx->arena, tenant, c->id);

	LG_TRY(old_row(cx, v, c, key, &row, &old));
	new.has_secret = secret != NULL || old.has_secret;
	new.secret = secret != NULL ? *secret : old.secret;
	encode(&b, &new);
	LG_TRY(lg_buf_status(cx, &b));
	if (lg_str_eq(row, lg_buf_view(&b))) {
		*ret = LG_STS_UNCHANGED;
		return LG_OK;
	}
	LG_TRY(lg_put(cx, v, &sts_clients, key, lg_buf_view(&b)));
	*ret = row.n == 0 ? LG_STS_CREATED : LG_STS_CHANGED;
	return LG_OK;
}

lg_err
lg_sts_client_del(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_str id)
{
	if (id.n == 0 || id.n > LG_CLIENT_ID_MAX)
		return lg_fail(cx, LG_E_NOT_FOUND, "no such client");
	return lg_del(cx, v, &sts_clients, sts_key(cx->arena, tenant, id));
}
