/* source_try.c: an identity source is asked what can be asked without anybody's credentials, for whoever has just described it. */
#include "sts/ldap.h"

static lg_err
get(struct lg_ctx *cx, struct lg_sts *sts, uint32_t tenant, lg_str name, struct sts_source *ret)
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;

	LG_TRY(lg_view_begin(cx, sts->store, &v));
	return sts_source_get(cx, v, tenant, name, ret);
}

static lg_err
try_keys(struct lg_ctx *cx, struct lg_sts *sts, const struct sts_source *s, struct lg_jsonw *w)
{
	LG_AUTO(lg_keyset_unref) struct lg_keyset *keys = NULL;
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(LG_WEB_BODY);
	struct sts_endpoints ends;
	lg_err e = sts_foreign_keys(cx, sts, s, LG_NONE, &keys);

	if (e == LG_PENDING || s->kind == STS_SOURCE_OIDC) {
		LG_TRY(sts_foreign_fetch(cx, sts, s, LG_NONE));
		e = keys == NULL ? sts_foreign_keys(cx, sts, s, LG_NONE, &keys) : LG_OK;
	}
	LG_TRY(e);
	if (s->kind == STS_SOURCE_OIDC)
		LG_TRY(sts_foreign_endpoints(cx, sts, s, &ends));
	lg_keyset_jwks(keys, &b);
	LG_TRY(lg_buf_status(cx, &b));
	lg_jsonw_name(w, LG_STR("jwks"));
	lg_jsonw_raw(w, lg_buf_view(&b));
	return LG_OK;
}

lg_err
lg_sts_source_try(struct lg_ctx *cx, struct lg_sts *sts, uint32_t tenant, lg_str name, struct lg_jsonw *w)
{
	struct sts_source *s = LG_NEW(cx->arena, struct sts_source);

	LG_TRY(get(cx, sts, tenant, name, s));
	lg_store_turn(sts->store);
	lg_jsonw_object(w);
	lg_jsonw_str_of(w, "name", s->name);
	lg_jsonw_bool_of(w, "enabled", s->enabled);
	LG_TRY(s->kind == STS_SOURCE_LDAP ? sts_ldap_knock(cx, sts, tenant, s, w) : try_keys(cx, sts, s, w));
	lg_jsonw_object_end(w);
	return LG_OK;
}
