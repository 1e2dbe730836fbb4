/*
 * acme_profile.c: a client chooses among the kinds of certificates (draft-ietf-acme-profiles): the profiles of names that are proved, the
 * built-in one and those that the tenant added.  Policy decides who gets which, when the certificate is issued.
 */
#include "base/clock.h"
#include "base/text.h"
#include "certs/acme.h"
#include "certs/profiles.h"

static bool
is_for_servers(const struct lg_cert_profile *p)
{
	return p->kind == LG_PROFILE_LEAF && p->type.n == 0;
}

static lg_err
put_one(struct lg_acme *q, struct lg_view *v, lg_str name, struct lg_jsonw *w)
{
	struct lg_cert_profile p;
	bool own;

	LG_TRY(lg_cert_profile_get(q->cx, v, q->ex->tenant, name, &p, &own));
	if (!is_for_servers(&p))
		return LG_OK;
	lg_jsonw_name(w, p.name);
	lg_jsonw_str(w, lg_print(q->cx->arena, "a server's names; ends after %lld seconds", (long long)(p.life / LG_SECOND)));
	return LG_OK;
}

lg_err
lg_acme_profiles_put(struct lg_acme *q, struct lg_view *v, struct lg_jsonw *w)
{
	lg_str name[LG_PROFILES];
	size_t n;

	LG_TRY(lg_profile_added(q->cx, v, q->ex->tenant, name, &n));
	LG_TRY(put_one(q, v, LG_ACME_PROFILE, w));
	for (size_t i = 0; i < n; i++)
		LG_TRY(put_one(q, v, name[i], w));
	return LG_OK;
}

lg_err
lg_acme_profile_check(struct lg_acme *q, lg_str name)
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;
	struct lg_cert_profile p;
	bool own;

	if (lg_str_eq(name, LG_ACME_PROFILE))
		return LG_OK;
	LG_TRY(lg_view_begin(q->cx, q->c->ports.store, &v));
	if (lg_cert_profile_get(q->cx, v, q->ex->tenant, name, &p, &own) != LG_OK || !is_for_servers(&p))
		return lg_acme_fail(q, 400, "invalidProfile", "no profile \"%.*s\" in the directory", LG_FMT(lg_str_sub(name, 0, LG_PROFILE_NAME)));
	return LG_OK;
}
