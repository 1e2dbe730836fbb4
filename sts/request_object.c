/*
 * request_object.c: an authorization request that its client has signed (RFC 9101, OpenID Connect Core 6).
 *
 * All parameters come from the object; of what stands beside it only client_id counts, and must be the same (RFC 9101 6.3).  An
 * object without a signature is never taken (10.2), whatever a client registered.
 */
#include "sts/sts.h"

#include "base/clock.h"
#include "base/text.h"

#define OBJECT_LIFE	LG_HOUR		/* FAPI 2.0 Message Signing 5.3.1: at most 60 minutes old, and to live */
#define PARAMETERS	(24u << 10)	/* octets of the parameters in it */

static lg_err
bad(struct sts_rq *rq, const char *why)
{
	return sts_refuse(rq, STS_INVALID_REQUEST_OBJECT, "request object: %s", why);
}

/* ---- the signature and what the object says of itself ------------------------------------------------------- */

static lg_err
verify(struct sts_rq *rq, const struct lg_sts_client *client, lg_str object, struct lg_jws *ret)
{
	LG_AUTO(lg_keyset_unref) struct lg_keyset *keys = NULL;

	if (client->jwks.n == 0 && client->jwks_uri.n == 0)
		return bad(rq, "the client registered no keys");
	LG_TRY(sts_client_keys(rq, client, object, &keys));
	if (lg_jws_verify(rq->cx, object, keys, "JWT", ret) != LG_OK
	    && lg_jws_verify(rq->cx, object, keys, "oauth-authz-req+jwt", ret) != LG_OK) {
		(void)lg_fail_in(rq->cx, LG_E_INVALID, "request object");
		rq->error = STS_INVALID_REQUEST_OBJECT;
		return LG_E_INVALID;
	}
	if ((STS_CLIENT_ALG_BITS & 1u << ret->alg) == 0 || (client->fapi2 && ret->alg == LG_ALG_RS256) || (client->request_alg != LG_ALG_NONE && ret->alg != client->request_alg))
		return bad(rq, "its algorithm is not the one that the client registered");
	return LG_OK;
}

/* A sign-in takes its time: the object was judged when it began. */
static lg_err
check_time(struct sts_rq *rq, const struct lg_sts_client *client, const struct lg_claims *c)
{
	if (rq->resumed)
		return LG_OK;
	if (lg_claims_check_time(rq->cx, c) != LG_OK) {
		(void)lg_fail_in(rq->cx, LG_E_INVALID, "request object");
		rq->error = STS_INVALID_REQUEST_OBJECT;
		return LG_E_INVALID;
	}
	if (c->expires > rq->cx->now + OBJECT_LIFE + LG_MINUTE)
		return bad(rq, "it lives for more than an hour");
	if (client->fapi2 && (c->not_before == 0 || c->not_before < rq->cx->now - OBJECT_LIFE))
		return bad(rq, "nbf is missing, or more than an hour ago");
	return LG_OK;
}

static lg_err
check_claims(struct sts_rq *rq, const struct lg_sts_client *client, lg_str payload)
{
	struct lg_claims c;

	if (lg_claims_parse(rq->cx, payload, &c) != LG_OK)
		return bad(rq, "its claims do not parse");
	if (!lg_str_eq(c.issuer, client->id))
		return bad(rq, "iss must be the client_id");
	if (!lg_claims_for(&c, rq->tenant.issuer))
		return bad(rq, "aud must be the issuer");
	if (!lg_str_eq(c.client_id, client->id))
		return bad(rq, "client_id is missing, or another than beside it");
	return check_time(rq, client, &c);
}

/* ---- its members become parameters ------------------------------------------------------------------------------- */

/* Strings as they are, everything else as JSON (RFC 9101 4); `resource` may be several (RFC 8707 2.1). */
static void
add_member(struct lg_json *js, lg_str name, struct lg_buf *b)
{
	enum lg_json_type type = lg_json_peek(js);

	if (type == LG_JSON_STRING) {
		lg_form_put(b, name, lg_json_str(js));
	} else if (type == LG_JSON_ARRAY && lg_str_eq(name, LG_STR("resource"))) {
		lg_json_array(js);
		while (lg_json_item(js))
			lg_form_put(b, name, lg_json_str(js));
	} else {
		lg_form_put(b, name, lg_json_raw(js));
	}
}

static bool
is_of_token(lg_str name)
{
	static const lg_str own[] = {
		LG_STR("iss"), LG_STR("sub"), LG_STR("aud"), LG_STR("exp"), LG_STR("nbf"), LG_STR("iat"), LG_STR("jti"),
	};

	for (size_t i = 0; i < LG_COUNT(own); i++)
		if (lg_str_eq(name, own[i]))
			return true;
	return false;
}

static lg_err
take_members(struct sts_rq *rq, lg_str payload)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(PARAMETERS);
	struct lg_json js;
	lg_str name;

	lg_json_init(&js, rq->cx->arena, payload);
	lg_json_object(&js);
	while (lg_json_member(&js, &name)) {
		/* RFC 9101 4: an object within the object is none. */
		if (lg_str_eq(name, LG_STR("request")) || lg_str_eq(name, LG_STR("request_uri")))
			return bad(rq, "it has request or request_uri in it");
		if (is_of_token(name))
			lg_json_skip(&js);
		else
			add_member(&js, name, &b);
	}
	if (lg_json_end(rq->cx, &js) != LG_OK || lg_buf_status(rq->cx, &b) != LG_OK)
		return bad(rq, "its members are no parameters, or too many");
	if (sts_form_read(rq, lg_dup(rq->cx->arena, lg_buf_view(&b))) != LG_OK)
		return bad(rq, "its members are no parameters");
	return LG_OK;
}

lg_err
sts_request_object(struct sts_rq *rq, const struct lg_sts_client *client)
{
	lg_str object = lg_form_get(&rq->form, "request");
	struct lg_jws jws;

	if (lg_form_has(&rq->form, "request_uri"))
		return sts_refuse(rq, STS_INVALID_REQUEST, "request and request_uri exclude each other");
	LG_TRY(verify(rq, client, object, &jws));
	LG_TRY(check_claims(rq, client, jws.payload));
	rq->signed_request = true;
	return take_members(rq, jws.payload);
}
