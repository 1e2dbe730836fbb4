/*
 * assertion.c: signed statements about a client (RFC 7523): private_key_jwt, which the client makes about itself, good once; and those
 * of an issuer of tokens that it is registered with, which are used for as long as they live.
 */
#include "sts/source.h"

#include "base/text.h"

#define ASSERTION_LIFE	(5 * LG_MINUTE)
#define FEDERATED_LIFE	(24 * 60 * LG_MINUTE)
#define SKEW		LG_MINUTE

lg_err
sts_assertion_peek(struct sts_rq *rq, lg_str assertion, struct lg_claims *ret)
{
	lg_str header, rest, payload, signature, json;

	if (assertion.n > LG_TOKEN_MAX || !lg_str_cut(assertion, '.', &header, &rest)
	    || !lg_str_cut(rest, '.', &payload, &signature)
	    || !lg_base64url_parse(rq->cx->arena, payload, &json) || lg_claims_parse(rq->cx, json, ret) != LG_OK
	    || ret->subject.n == 0)
		return sts_refuse(rq, STS_INVALID_CLIENT, "the client assertion does not parse");
	return LG_OK;
}

struct sts_source
sts_client_place(const struct lg_sts_client *client)
{
	return (struct sts_source){ .name = client->id, .id = client->entry, .jwks_uri = client->jwks_uri };
}

lg_err
sts_client_keys(struct sts_rq *rq, const struct lg_sts_client *client, lg_str token, struct lg_keyset **ret)
{
	struct sts_source place = sts_client_place(client);
	lg_str kid = sts_token_kid(rq->cx->arena, token);
	lg_err e;

	if (client->jwks_uri.n == 0)
		return lg_keyset_from_jwks(rq->cx, client->jwks, ret);
	e = sts_foreign_keys(rq->cx, rq->sts, &place, kid, ret);
	if (e == LG_PENDING && rq->run == NULL)		/* a worker fetched them before, if they were to be had */
		return lg_fail(rq->cx, LG_E_UNAVAILABLE, "the client's keys cannot be had at the moment");
	return e == LG_PENDING ? sts_foreign_wait(rq, &place, kid) : e;
}

/* ---- what every assertion must be ------------------------------------------------------------------------ */

/* One audience: an assertion for several servers could be replayed by each at the others. */
static bool
for_us(const struct sts_rq *rq, const struct sts_assertion *want, const struct lg_claims *c)
{
	if (c->naudience != 1)
		return false;
	if (want->audience.n > 0)
		return lg_str_eq(c->audience[0], want->audience);
	return lg_str_eq(c->audience[0], rq->tenant.issuer)
	    || lg_str_eq(c->audience[0], lg_print(rq->cx->arena, "%.*s/oauth2/token", LG_FMT(rq->tenant.issuer)));
}

lg_err
sts_assertion_verify(struct sts_rq *rq, lg_str token, const struct lg_keyset *keys, const struct sts_assertion *want,
    struct lg_claims *ret)
{
	struct lg_jws jws;

	if (lg_jws_verify(rq->cx, token, keys, "JWT", &jws) != LG_OK || lg_claims_parse(rq->cx, jws.payload, ret) != LG_OK
	    || lg_claims_check_time(rq->cx, ret) != LG_OK) {
		(void)lg_fail_in(rq->cx, LG_E_INVALID, want->what);
		rq->error = STS_INVALID_CLIENT;
		return LG_E_INVALID;
	}
	LG_TRY(sts_fapi2_assertion(rq, &jws));
	if (!for_us(rq, want, ret))
		return sts_refuse(rq, STS_INVALID_CLIENT, "the %s's aud must be the issuer", want->what);
	if (ret->expires - rq->cx->now > want->life)
		return sts_refuse(rq, STS_INVALID_CLIENT, "the %s lives too long", want->what);
	return LG_OK;
}

/* ---- private_key_jwt ------------------------------------------------------------------------------------------ */

static lg_err
use_once(struct sts_rq *rq, const struct lg_claims *c)
{
	lg_str id = lg_print(rq->cx->arena, "%u %.*s %.*s", rq->tenant_id, LG_FMT(c->subject), LG_FMT(c->jti));
	lg_err e = sts_replay_use(rq->cx, rq->sts->replay, rq->tenant_id, sts_share_whose(rq), id, c->expires + SKEW + LG_SECOND);

	if (e == LG_E_EXISTS)
		return sts_refuse(rq, STS_INVALID_CLIENT, "the assertion was used before");
	return e;
}

lg_err
sts_assertion_check(struct sts_rq *rq, const struct lg_sts_client *client, lg_str assertion)
{
	static const struct sts_assertion want = { .what = "client assertion", .life = ASSERTION_LIFE + SKEW };
	LG_AUTO(lg_keyset_unref) struct lg_keyset *keys = NULL;
	struct lg_claims c;

	LG_TRY(sts_client_keys(rq, client, assertion, &keys));
	LG_TRY(sts_assertion_verify(rq, assertion, keys, &want, &c));
	if (!lg_str_eq(c.issuer, client->id) || !lg_str_eq(c.subject, client->id))
		return sts_refuse(rq, STS_INVALID_CLIENT, "the assertion's iss and sub must be the client_id");
	if (c.jti.n == 0 || c.jti.n > 255)
		return sts_refuse(rq, STS_INVALID_CLIENT, "the assertion has no usable jti");
	if ((c.issued != 0 ? c.issued : c.expires - ASSERTION_LIFE) < sts_replay_started(rq->sts->replay))
		return sts_refuse(rq, STS_INVALID_CLIENT, "the assertion was made before the service started");
	return use_once(rq, &c);
}

/* ---- federated_jwt: issuer and subject stand in the client, keys there or at the source of that issuer ------------- */

static lg_err
keys_of(struct sts_rq *rq, const struct lg_sts_client *client, lg_str assertion, struct lg_keyset **ret)
{
	struct sts_source *s;
	lg_err e;

	if (client->jwks.n > 0 || client->jwks_uri.n > 0)
		return sts_client_keys(rq, client, assertion, ret);
	s = LG_NEW(rq->cx->arena, struct sts_source);
	e = sts_source_by_issuer(rq->cx, rq->view, rq->tenant_id, client->issuer, s);
	if (e == LG_E_NOT_FOUND || (e == LG_OK && !s->enabled))
		return sts_refuse(rq, STS_INVALID_CLIENT, "the client's issuer is no source that is trusted");
	LG_TRY(e);
	return sts_source_vouches(rq, s, assertion, ret);
}

lg_err
sts_federated_check(struct sts_rq *rq, const struct lg_sts_client *client, lg_str assertion)
{
	static const struct sts_assertion want = { .what = "assertion", .life = FEDERATED_LIFE };
	LG_AUTO(lg_keyset_unref) struct lg_keyset *keys = NULL;
	struct lg_claims c;

	LG_TRY(keys_of(rq, client, assertion, &keys));
	LG_TRY(sts_assertion_verify(rq, assertion, keys, &want, &c));
	if (!lg_str_eq(c.issuer, client->issuer))
		return sts_refuse(rq, STS_INVALID_CLIENT, "the assertion is of another issuer than the one trusted for this client");
	if (!lg_str_eq(c.subject, client->subject))
		return sts_refuse(rq, STS_INVALID_CLIENT, "the assertion is about another subject than the one trusted for this client");
	return LG_OK;
}
