/* assertion.c: private_key_jwt (RFC 7523 3): a client's signed statement about itself, good once. */
#include "sts/sts.h"

#include "base/text.h"

#define ASSERTION_LIFE	(5 * LG_MINUTE)
#define SKEW		LG_MINUTE

static lg_err
use_once(struct sts_rq *rq, const struct lg_claims *c)
{
	lg_str id = lg_print(rq->cx->arena, "%u %.*s %.*s", rq->tenant_id, LG_FMT(c->subject), LG_FMT(c->jti));
	lg_err e = sts_replay_use(rq->cx, rq->sts->replay, id, c->expires + SKEW + LG_SECOND);

	if (e == LG_E_EXISTS)
		return sts_refuse(rq, STS_INVALID_CLIENT, "the assertion was used before");
	return e;
}

/* ---- what it must say ---------------------------------------------------------------------------------- */

lg_err
sts_assertion_client(struct sts_rq *rq, lg_str assertion, lg_str *ret)
{
	struct lg_claims c;
	lg_str header, rest, payload, signature, json;

	if (assertion.n > LG_TOKEN_MAX || !lg_str_cut(assertion, '.', &header, &rest)
	    || !lg_str_cut(rest, '.', &payload, &signature)
	    || !lg_base64url_parse(rq->cx->arena, payload, &json) || lg_claims_parse(rq->cx, json, &c) != LG_OK
	    || c.subject.n == 0)
		return sts_refuse(rq, STS_INVALID_CLIENT, "the client assertion does not parse");
	*ret = c.subject;
	return LG_OK;
}

static const char *
fault_of(const struct sts_rq *rq, const struct lg_sts_client *client, const struct lg_claims *c)
{
	int64_t made = c->issued != 0 ? c->issued : c->expires - ASSERTION_LIFE;

	if (!lg_str_eq(c->issuer, client->id) || !lg_str_eq(c->subject, client->id))
		return "the assertion's iss and sub must be the client_id";
	/* One audience: an assertion for several servers could be replayed by each at the others. */
	if (c->naudience != 1
	    || (!lg_str_eq(c->audience[0], rq->tenant.issuer)
	        && !lg_str_eq(c->audience[0], lg_print(rq->cx->arena, "%.*s/oauth2/token", LG_FMT(rq->tenant.issuer)))))
		return "the assertion's aud must be the issuer";
	if (c->jti.n == 0 || c->jti.n > 255)
		return "the assertion has no usable jti";
	if (c->expires - rq->cx->now > ASSERTION_LIFE + SKEW)
		return "the assertion lives too long";
	if (made < sts_replay_started(rq->sts->replay))
		return "the assertion was made before the service started";
	return NULL;
}

lg_err
sts_assertion_check(struct sts_rq *rq, const struct lg_sts_client *client, lg_str assertion)
{
	LG_AUTO(lg_keyset_unref) struct lg_keyset *keys = NULL;
	struct lg_claims c;
	struct lg_jws jws;
	const char *fault;

	LG_TRY(lg_keyset_from_jwks(rq->cx, client->jwks, &keys));
	if (lg_jws_verify(rq->cx, assertion, keys, "JWT", &jws) != LG_OK || lg_claims_parse(rq->cx, jws.payload, &c) != LG_OK
	    || lg_claims_check_time(rq->cx, &c) != LG_OK) {
		(void)lg_fail_in(rq->cx, LG_E_INVALID, "client assertion");
		rq->error = STS_INVALID_CLIENT;
		return LG_E_INVALID;
	}
	fault = fault_of(rq, client, &c);
	if (fault != NULL)
		return sts_refuse(rq, STS_INVALID_CLIENT, "%s", fault);
	return use_once(rq, &c);
}
