/* source_row.c: identity sources as rows; whom they know already. */
#include "sts/source.h"

#define ROW_VERSION	1
#define ROW_MAX		(LG_SOURCE_MAX + (8u << 10))
#define LINKS_DELETED	5000	/* with their source, in one change; what is left is never found again */
#define SPIFFE		"spiffe://"

static void derive_issuers(struct lg_derive *d, lg_str key, lg_str value);

/* Key: tenant, name. */
const struct lg_table sts_sources = { .name = "sts_sources", .id = 0x0520, .domain = LG_DOMAIN_CLIENTS, .derive = derive_issuers };
/* Key: tenant, SHA-256 of an issuer or of "spiffe://<trust domain>"; value: the source's name. */
const struct lg_table sts_source_keys = { .name = "sts_source_keys", .id = 0x0521, .derived = true };
/* Key: tenant, source's id, SHA-256 of their id of somebody; value: version, entryUUID. */
const struct lg_table sts_links = { .name = "sts_links", .id = 0x0522 };

/* ---- encoding -------------------------------------------------------------------------------------------------------- */

static void
encode(struct lg_buf *b, const struct sts_source *s, lg_str json)
{
	bool speaks = s->kind == STS_SOURCE_JWT;

	lg_buf_byte(b, ROW_VERSION);
	lg_buf_uuid(b, s->id);
	lg_buf_str32(b, speaks ? s->issuer : LG_NONE);
	if (speaks && s->trust_domain.n > 0) {
		lg_buf_u32(b, (uint32_t)(sizeof SPIFFE - 1 + s->trust_domain.n));
		lg_buf_str(b, LG_STR(SPIFFE));
		lg_buf_str(b, s->trust_domain);
	} else {
		lg_buf_str32(b, LG_NONE);
	}
	lg_buf_str32(b, s->sealed);
	lg_buf_str32(b, json);
}

struct row {
	lg_uuid id;
	lg_str issuer, domain, sealed, json;
};

static bool
decode(lg_str bytes, struct row *ret)
{
	struct lg_rd rd = lg_rd_of(bytes);

	if (lg_rd_u8(&rd) != ROW_VERSION)
		return false;
	ret->id = lg_rd_uuid(&rd);
	ret->issuer = lg_rd_str32(&rd);
	ret->domain = lg_rd_str32(&rd);
	ret->sealed = lg_rd_str32(&rd);
	ret->json = lg_rd_str32(&rd);
	return lg_rd_done(&rd);
}

static void
derive_issuers(struct lg_derive *d, lg_str key, lg_str value)
{
	struct row r;
	char at[4 + sizeof(lg_sha256)];

	if (key.n <= 4 || !decode(value, &r))
		return;
	for (int i = 0; i < 2; i++) {
		lg_str issuer = i == 0 ? r.issuer : r.domain;
		lg_sha256 h = lg_sha256_of(issuer);

		memcpy(at, key.p, 4);
		memcpy(at + 4, h.b, sizeof h.b);
		if (issuer.n > 0)
			lg_emit(d, &sts_source_keys, (lg_str){ at, sizeof at }, lg_str_sub(key, 4, key.n));
	}
}

static lg_err
open_row(struct lg_ctx *cx, lg_str name, lg_str bytes, struct sts_source *ret)
{
	struct row r;

	if (!decode(lg_dup(cx->arena, bytes), &r) || sts_source_parse(cx, r.json, ret) != LG_OK)
		return lg_fail(cx, LG_E_CORRUPT, "source %.*s: its row does not decode", LG_FMT(name));
	ret->id = r.id;
	ret->sealed = r.sealed;
	return LG_OK;
}

/* ---- finding ------------------------------------------------------------------------------------------------------------- */

lg_err
sts_source_get(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_str name, struct sts_source *ret)
{
	lg_str bytes;
	lg_err e = LG_E_NOT_FOUND;

	if (name.n > 0 && name.n <= LG_SOURCE_NAME_MAX)
		e = lg_get(cx, v, &sts_sources, sts_key(cx->arena, tenant, name), &bytes);
	if (e == LG_E_NOT_FOUND)
		return lg_fail(cx, e, "there is no source \"%.*s\"", LG_FMT(lg_str_sub(name, 0, LG_SOURCE_NAME_MAX)));
	LG_TRY(e);
	return open_row(cx, name, bytes, ret);
}

static lg_err
name_of(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_str issuer, lg_str *ret)
{
	lg_sha256 h = lg_sha256_of(issuer);

	LG_TRY(lg_get(cx, v, &sts_source_keys, sts_key(cx->arena, tenant, lg_sha256_str(&h)), ret));
	*ret = lg_dup(cx->arena, *ret);
	return LG_OK;
}

lg_err
sts_source_by_issuer(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_str issuer, struct sts_source *ret)
{
	lg_str name;

	if (issuer.n == 0)
		return LG_E_NOT_FOUND;
	LG_TRY(name_of(cx, v, tenant, issuer, &name));
	return sts_source_get(cx, v, tenant, name, ret);
}

lg_err
sts_source_list(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, unsigned kinds, struct sts_source **ret, size_t *n)
{
	LG_AUTO(lg_cursor_end) struct lg_cursor c = { .started = false };
	struct sts_source *list = LG_NEWS(cx->arena, struct sts_source, LG_SOURCES);
	lg_str key, value;

	*n = 0;
	LG_TRY(lg_scan(cx, v, &sts_sources, sts_key(cx->arena, tenant, LG_NONE), LG_NONE, &c));
	while (*n < LG_SOURCES && lg_cursor_next(&c, &key, &value)) {
		LG_TRY(open_row(cx, lg_str_sub(key, 4, key.n), value, &list[*n]));
		if ((list[*n].kind & kinds) != 0 && list[*n].enabled)
			++*n;
	}
	*ret = list;
	return LG_OK;
}

/* ---- its secret --------------------------------------------------------------------------------------------------------------- */

static lg_str
aad_of(struct lg_arena *a, uint32_t tenant, lg_str name)
{
	return lg_print(a, "source %u %.*s", tenant, LG_FMT(name));
}

lg_err
lg_sts_source_read(struct lg_ctx *cx, struct lg_sts *sts, uint32_t tenant, lg_str json, struct sts_source **ret)
{
	struct sts_source *s = LG_NEW(cx->arena, struct sts_source);
	const struct lg_secret *key;

	LG_TRY(sts_source_parse(cx, json, s));
	s->id = lg_uuid_new();		/* if it turns out to be new */
	if (s->secret.n > 0) {
		LG_TRY(sts->signer.data_key(sts->signer.self, cx, tenant, &key));
		LG_TRY(lg_seal(cx, key, aad_of(cx->arena, tenant, s->name), s->secret, &s->sealed));
		s->secret = LG_NONE;
	}
	*ret = s;
	return LG_OK;
}

lg_err
sts_source_secret(struct lg_ctx *cx, struct lg_sts *sts, uint32_t tenant, const struct sts_source *s, struct lg_secret *ret)
{
	const struct lg_secret *key;

	*ret = (struct lg_secret){ NULL, 0 };
	if (s->sealed.n == 0)
		return LG_OK;
	LG_TRY(sts->signer.data_key(sts->signer.self, cx, tenant, &key));
	return lg_unseal(cx, key, aad_of(cx->arena, tenant, s->name), s->sealed, ret);
}

lg_str
lg_sts_source_name(const struct sts_source *s)
{
	return s->name;
}

/* ---- changing ---------------------------------------------------------------------------------------------------------------------- */

static lg_err
check_free(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, const struct sts_source *s, lg_str issuer)
{
	lg_str name;
	lg_err e = issuer.n == 0 || s->kind != STS_SOURCE_JWT ? LG_E_NOT_FOUND : name_of(cx, v, tenant, issuer, &name);

	if (e == LG_OK && !lg_str_eq(name, s->name))
		return lg_fail(cx, LG_E_EXISTS, "%.*s is source %.*s already", LG_FMT(issuer), LG_FMT(name));
	return e == LG_E_NOT_FOUND ? LG_OK : e;
}

static lg_err
check_room(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant)
{
	LG_AUTO(lg_cursor_end) struct lg_cursor c = { .started = false };
	lg_str key, value;
	size_t n = 0;

	LG_TRY(lg_scan(cx, v, &sts_sources, sts_key(cx->arena, tenant, LG_NONE), LG_NONE, &c));
	while (lg_cursor_next(&c, &key, &value))
		n++;
	return n < LG_SOURCES ? LG_OK : lg_fail(cx, LG_E_LIMIT, "a tenant has at most %d sources", LG_SOURCES);
}

static lg_err
end_tokens(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_uuid id)
{
	char sid[LG_UUID_TEXT + 1];

	lg_uuid_text(id, sid);
	return lg_sts_revoke(cx, v, tenant, LG_REVOKED_SESSION, lg_str_of(sid), lg_view_time(v));
}

static lg_err
drop_links(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_uuid id)
{
	lg_str *link = LG_NEWS(cx->arena, lg_str, LINKS_DELETED), key, value;
	size_t n = 0;

	{
		LG_AUTO(lg_cursor_end) struct lg_cursor c = { .started = false };

		LG_TRY(lg_scan(cx, v, &sts_links, sts_key(cx->arena, tenant, sts_uuid_str(&id)), LG_NONE, &c));
		while (n < LINKS_DELETED && lg_cursor_next(&c, &key, &value))
			link[n++] = lg_dup(cx->arena, key);
	}
	for (size_t i = 0; i < n; i++)
		LG_TRY(lg_del(cx, v, &sts_links, link[i]));
	return LG_OK;
}

/* Whose word counted before does not count any more, or is another's now. */
static bool
trust_ends(const struct sts_source *old, const struct sts_source *new)
{
	return old->enabled && (!new->enabled || old->kind != new->kind || !lg_str_eq(old->issuer, new->issuer)
	    || !lg_str_eq(old->trust_domain, new->trust_domain) || !lg_str_eq(old->jwks, new->jwks)
	    || !lg_str_eq(old->jwks_uri, new->jwks_uri));
}

/* Of a URL: its host, in brackets if it is an IPv6 address. */
static lg_str
host_of(lg_str url)
{
	lg_str scheme, rest, host;

	(void)lg_str_cut(url, ':', &scheme, &rest);
	rest = lg_str_sub(rest, 2, rest.n);
	(void)lg_str_cut(rest, '/', &host, &rest);
	for (size_t i = host.n; i > 0 && host.p[i - 1] != ']'; i--)
		if (host.p[i - 1] == ':')
			return lg_str_sub(host, 0, i - 1);
	return host;
}

/* Whether a secret of the old one would be said to a host that it was not given for.  Whoever may change a source must not thereby learn it. */
static bool
goes_elsewhere(const struct sts_source *old, const struct sts_source *new)
{
	bool known = lg_str_eq(old->issuer, new->issuer);

	for (size_t i = 0; i < new->urls.n && known; i++) {
		known = false;
		for (size_t k = 0; k < old->urls.n; k++)
			known |= lg_str_eq_fold(host_of(old->urls.v[k]), host_of(new->urls.v[i]));
	}
	return !known;
}

static lg_err
keep_secret(struct lg_ctx *cx, const struct sts_source *old, struct sts_source *new)
{
	if (new->sealed.n > 0 || old->sealed.n == 0 || old->kind != new->kind)
		return LG_OK;
	if (goes_elsewhere(old, new))
		return lg_fail(cx, LG_E_INVALID, "source %.*s: its secret must be said for another server", LG_FMT(new->name));
	new->sealed = old->sealed;
	return LG_OK;
}

static lg_err
put_row(struct lg_ctx *cx, struct lg_view *v, lg_str key, const struct sts_source *s, bool *changed)
{
	LG_AUTO(lg_buf_free) struct lg_buf text = LG_BUF(LG_SOURCE_MAX), b = LG_BUF(ROW_MAX);
	struct lg_jsonw w = lg_jsonw_of(&text);
	lg_str old;

	sts_source_write(&w, s);
	LG_TRY(lg_buf_status(cx, &text));
	encode(&b, s, lg_buf_view(&text));
	LG_TRY(lg_buf_status(cx, &b));
	*changed = lg_get(cx, v, &sts_sources, key, &old) != LG_OK || !lg_str_eq(old, lg_buf_view(&b));
	return *changed ? lg_put(cx, v, &sts_sources, key, lg_buf_view(&b)) : LG_OK;
}

lg_err
lg_sts_source_put(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, const struct sts_source *s, enum lg_sts_change *ret)
{
	struct sts_source *old = LG_NEW(cx->arena, struct sts_source), *new = LG_NEW(cx->arena, struct sts_source);
	lg_str key = sts_key(cx->arena, tenant, s->name);
	lg_err e = sts_source_get(cx, v, tenant, s->name, old);
	bool changed;

	if (e != LG_OK && e != LG_E_NOT_FOUND)
		return e;
	*new = *s;
	/* Another issuer's people are others, whatever it calls them. */
	bool same = e == LG_OK && old->kind == s->kind && lg_str_eq(old->issuer, s->issuer);
	new->id = same ? old->id : s->id;
	if (e == LG_OK)
		LG_TRY(keep_secret(cx, old, new));
	if (e == LG_E_NOT_FOUND)
		LG_TRY(check_room(cx, v, tenant));
	LG_TRY(check_free(cx, v, tenant, s, s->issuer));
	if (s->trust_domain.n > 0)
		LG_TRY(check_free(cx, v, tenant, s, lg_cat(cx->arena, LG_STR(SPIFFE), s->trust_domain)));
	LG_TRY(put_row(cx, v, key, new, &changed));
	if (e == LG_OK && trust_ends(old, new))
		LG_TRY(end_tokens(cx, v, tenant, old->id));
	if (e == LG_OK && !same)
		LG_TRY(drop_links(cx, v, tenant, old->id));
	*ret = e == LG_E_NOT_FOUND ? LG_STS_CREATED : changed ? LG_STS_CHANGED : LG_STS_UNCHANGED;
	return LG_OK;
}

lg_err
lg_sts_source_del(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_str name)
{
	struct sts_source *old = LG_NEW(cx->arena, struct sts_source);

	LG_TRY(sts_source_get(cx, v, tenant, name, old));
	LG_TRY(lg_del(cx, v, &sts_sources, sts_key(cx->arena, tenant, name)));
	LG_TRY(drop_links(cx, v, tenant, old->id));
	return end_tokens(cx, v, tenant, old->id);
}

/* ---- showing ----------------------------------------------------------------------------------------------------------------------------- */

lg_err
lg_sts_source_write(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_str name, struct lg_jsonw *w)
{
	struct sts_source *s = LG_NEW(cx->arena, struct sts_source);

	LG_TRY(sts_source_get(cx, v, tenant, name, s));
	sts_source_write(w, s);
	return LG_OK;
}

lg_err
lg_sts_sources_write(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, struct lg_jsonw *w)
{
	LG_AUTO(lg_cursor_end) struct lg_cursor c = { .started = false };
	struct sts_source *s = LG_NEW(cx->arena, struct sts_source);
	lg_str key, value;

	LG_TRY(lg_scan(cx, v, &sts_sources, sts_key(cx->arena, tenant, LG_NONE), LG_NONE, &c));
	lg_jsonw_array(w);
	while (lg_cursor_next(&c, &key, &value)) {
		LG_TRY(open_row(cx, lg_str_sub(key, 4, key.n), value, s));
		sts_source_write(w, s);
	}
	lg_jsonw_array_end(w);
	return LG_OK;
}
