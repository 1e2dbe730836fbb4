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

/* RFC 8555 7.4: what cannot be as it was asked for is refused, and when it is asked for. */
static lg_err
check_end(struct lg_acme *q, const struct lg_cert_profile *p, int64_t not_after)
{
	int64_t longest = lg_issuing_longest(q->ca, p);

	if (not_after <= q->cx->now || not_after - q->cx->now > longest || not_after > q->ca->issuer[0].x509.not_after)
		return lg_acme_fail(q, 400, "malformed", "\"notAfter\" is at most %lld seconds from now with profile %.*s, and not after the "
		    "issuing certificate's", (long long)(longest / LG_SECOND), LG_FMT(p->name));
	return LG_OK;
}

lg_err
lg_acme_profile_check(struct lg_acme *q, lg_str name, int64_t not_after)
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;
	struct lg_cert_profile p;
	bool own;

	if (not_after == 0 && lg_str_eq(name, LG_ACME_PROFILE))
		return LG_OK;
	LG_TRY(lg_view_begin(q->cx, q->c->ports.store, &v));
	if (lg_cert_profile_get(q->cx, v, q->ex->tenant, name, &p, &own) != LG_OK || !is_for_servers(&p))
		return lg_acme_fail(q, 400, "invalidProfile", "no profile \"%.*s\" in the directory", LG_FMT(lg_str_sub(name, 0, LG_PROFILE_NAME)));
	return not_after == 0 ? LG_OK : check_end(q, &p, not_after);
}
