/* people.c: what people have, as administrators see and end it: second factors and sessions. */
#include "sts/factor.h"

#include "base/text.h"

#define SESSIONS 500		/* of one person that are shown */

/* ---- second factors: "totp" and "recovery" are their own ids, passkeys have one ------------------------------------------ */

static lg_str
factor_id(struct lg_arena *a, const struct sts_factor *f)
{
	char id[LG_UUID_TEXT + 1];

	if (f->kind != STS_FACTOR_PASSKEY)
		return lg_str_of(sts_factor_kind_name(f->kind));
	lg_uuid_text(f->id, id);
	return lg_dup(a, lg_str_of(id));
}

static void
write_factor(struct lg_ctx *cx, struct lg_jsonw *w, const struct sts_factor *f)
{
	lg_jsonw_object(w);
	lg_jsonw_str_of(w, "id", factor_id(cx->arena, f));
	lg_jsonw_str_of(w, "kind", lg_str_of(sts_factor_kind_name(f->kind)));
	if (f->name.n > 0)
		lg_jsonw_str_of(w, "name", f->name);
	lg_jsonw_time_of(w, "created", f->created);
	if (f->used > 0)
		lg_jsonw_time_of(w, "used", f->used);
	if (f->kind == STS_FACTOR_RECOVERY)
		lg_jsonw_int_of(w, "left", STS_RECOVERY_CODES - __builtin_popcount(f->spent));
	if (f->kind == STS_FACTOR_PASSKEY)
		lg_jsonw_bool_of(w, "synced", f->passkey.synced);
	lg_jsonw_object_end(w);
}

lg_err
lg_sts_factors_write(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_uuid subject, struct lg_jsonw *w)
{
	struct sts_factor_set *set = LG_NEW(cx->arena, struct sts_factor_set);

	LG_TRY(sts_factor_set_of(cx, v, tenant, subject, set));
	lg_jsonw_object(w);
	lg_jsonw_name(w, LG_STR("items"));
	lg_jsonw_array(w);
	for (size_t i = 0; i < set->n; i++)
		write_factor(cx, w, &set->v[i]);
	lg_jsonw_array_end(w);
	lg_jsonw_object_end(w);
	return LG_OK;
}

lg_err
lg_sts_factor_del(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_uuid subject, lg_str id)
{
	static const enum sts_factor_kind single[] = { STS_FACTOR_TOTP, STS_FACTOR_RECOVERY };
	lg_uuid passkey = { { 0 } };

	for (size_t i = 0; i < LG_COUNT(single); i++)
		if (lg_str_eq(id, lg_str_of(sts_factor_kind_name(single[i]))))
			return sts_factor_remove(cx, v, tenant, subject, single[i], passkey);
	if (!lg_uuid_parse(id, &passkey))
		return lg_fail(cx, LG_E_NOT_FOUND, "there is no such factor: totp, recovery, or a passkey's id");
	return sts_factor_remove(cx, v, tenant, subject, STS_FACTOR_PASSKEY, passkey);
}

/* ---- sessions ---------------------------------------------------------------------------------------------------------------- */

static void
write_session(struct lg_jsonw *w, const struct sts_session *s)
{
	lg_jsonw_object(w);
	lg_jsonw_uuid_of(w, "id", s->id);
	lg_jsonw_time_of(w, "began", s->began);
	lg_jsonw_time_of(w, "expires", s->expires);
	lg_jsonw_str_of(w, "address", sts_address_host(s->address));
	lg_jsonw_str_of(w, "agent", s->agent);
	sts_acr_write(w, &s->how);
	lg_jsonw_object_end(w);
}

lg_err
lg_sts_sessions_write(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_uuid subject, struct lg_jsonw *w)
{
	lg_uuid *ids = LG_NEWS(cx->arena, lg_uuid, SESSIONS);
	size_t n;

	LG_TRY(sts_sessions_of(cx, v, tenant, subject, ids, SESSIONS, &n));
	lg_jsonw_object(w);
	lg_jsonw_name(w, LG_STR("items"));
	lg_jsonw_array(w);
	for (size_t i = 0; i < n; i++) {
		struct sts_session s;

		if (sts_session_live(cx, v, tenant, ids[i], &s) == LG_OK)
			write_session(w, &s);
	}
	lg_jsonw_array_end(w);
	lg_jsonw_object_end(w);
	return LG_OK;
}

lg_err
lg_sts_session_del(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_uuid subject, lg_uuid id)
{
	struct sts_session s;
	lg_err e = sts_session_get(cx, v, tenant, id, &s);

	if (e == LG_E_NOT_FOUND || (e == LG_OK && !lg_uuid_eq(s.subject, subject)))
		return lg_fail(cx, LG_E_NOT_FOUND, "there is no such session of theirs");
	LG_TRY(e);
	return sts_session_end(cx, v, tenant, id);
}
