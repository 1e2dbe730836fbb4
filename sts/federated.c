/*
 * federated.c: a service known by the tokens of an issuer that the administrator trusts for it (RFC 7523): a cluster's service
 * account, a SPIFFE workload.  Its client names issuer, subject and the issuer's keys; nothing is fetched.
 *
 * Such a token is used for as long as it lives, at each request again, so it is not good once only; it must be for us alone.
 */
#include "sts/sts.h"

#define FEDERATED_LIFE	(24 * 60 * LG_MINUTE)

static const char *
fault_of(const struct sts_rq *rq, const struct lg_sts_client *client, const struct lg_claims *c)
{
	if (!lg_str_eq(c->issuer, client->issuer))
		return "the assertion is of another issuer than the one trusted for this client";
	if (!lg_str_eq(c->subject, client->subject))
		return "the assertion is about another subject than the one trusted for this client";
	if (c->naudience != 1
	    || (!lg_str_eq(c->audience[0], rq->tenant.issuer)
	        && !lg_str_eq(c->audience[0], lg_print(rq->cx->arena, "%.*s/oauth2/token", LG_FMT(rq->tenant.issuer)))))
		return "the assertion's aud must be the issuer";
	if (c->expires - rq->cx->now > FEDERATED_LIFE)
		return "the assertion lives too long";
	return NULL;
}

lg_err
sts_federated_check(struct sts_rq *rq, const struct lg_sts_client *client, lg_str assertion)
{
	LG_AUTO(lg_keyset_unref) struct lg_keyset *keys = NULL;
	struct lg_claims c;
	struct lg_jws jws;
	const char *fault;

	LG_TRY(lg_keyset_from_jwks(rq->cx, client->jwks, &keys));
	if (lg_jws_verify(rq->cx, assertion, keys, "JWT", &jws) != LG_OK || lg_claims_parse(rq->cx, jws.payload, &c) != LG_OK
	    || lg_claims_check_time(rq->cx, &c) != LG_OK) {
		(void)lg_fail_in(rq->cx, LG_E_INVALID, "assertion");
		rq->error = STS_INVALID_CLIENT;
		return LG_E_INVALID;
	}
	fault = fault_of(rq, client, &c);
	return fault == NULL ? LG_OK : sts_refuse(rq, STS_INVALID_CLIENT, "%s", fault);
}
