/* ticket.c: see ticket.h. */
#include "agent/ticket.h"

#include "agent/records.h"
#include "base/clock.h"
#include "base/text.h"
#include "client/api.h"

#define OVER	(5 * LG_MINUTE)		/* beyond what any clock's tolerance makes of it */

lg_err
lg_ticket_check(struct lg_ctx *cx, const struct lg_identity *id, const struct lg_keyset *keys, lg_str text, lg_str workload,
    struct lg_ticket *ret)
{
	struct lg_claims claims;
	struct lg_jws jws;
	lg_uuid subject;

	if (lg_jws_verify(cx, text, keys, LG_TICKET_TYP, &jws) != LG_OK)
		return lg_fail_in(cx, LG_E_UNAUTHENTICATED, "the ticket is not genuine");
	LG_TRY(lg_claims_parse(cx, jws.payload, &claims));
	if (!lg_str_eq(claims.issuer, id->issuer))
		return lg_fail(cx, LG_E_UNAUTHENTICATED, "the ticket was issued by somebody else");
	if (claims.naudience != 1 || !lg_claims_for(&claims, id->host_id))
		return lg_fail(cx, LG_E_UNAUTHENTICATED, "the ticket is for another host");
	if (lg_claims_check_time(cx, &claims) != LG_OK)
		return lg_fail_in(cx, LG_E_EXPIRED, "the ticket");
	if (claims.jti.n == 0 || !lg_uuid_parse(claims.subject, &subject))
		return lg_fail(cx, LG_E_UNAUTHENTICATED, "the ticket names nobody");
	lg_str wl = lg_api_member(cx, jws.payload, "wl");
	if (!lg_str_eq(wl, workload))
		return lg_fail(cx, LG_E_DENIED, "the ticket is for workload \"%.*s\", not \"%.*s\"", LG_FMT(wl), LG_FMT(workload));
	*ret = (struct lg_ticket){ .jti = claims.jti, .workload = wl, .expires = claims.expires,
		.digest = lg_api_member(cx, jws.payload, "digest") };
	return LG_OK;
}

bool
lg_ticket_spent(struct lg_ctx *cx, const char *state, lg_str text)
{
	lg_str head, payload, rest, json, jti;
	int64_t expires;

	(void)lg_str_cut(text, '.', &head, &rest);
	(void)lg_str_cut(rest, '.', &payload, &rest);
	if (!lg_base64url_parse(cx->arena, payload, &json) || !lg_int_parse(lg_api_raw(cx, json, "exp"), &expires))
		return false;
	jti = lg_api_member(cx, json, "jti");
	return expires < (cx->now - OVER) / LG_SECOND || (jti.n > 0 && lg_redeemed_has(cx, state, jti));
}
