/*
 * fapi2.c: the FAPI 2.0 Security Profile, for clients with `fapi2`: its rules as a set, each with the clause it comes from.
 *
 * What the service does for every client is not here: codes live a minute and are good once, PKCE is S256, `iss` is in every
 * response, answers redirect with 303, there is no implicit grant, and whoever proves a key at each refresh keeps their token.
 */
#include "sts/sts.h"

#include "base/text.h"

#define GOOD_ALGS (1u << LG_ALG_ES256 | 1u << LG_ALG_PS256 | 1u << LG_ALG_EDDSA)

/* ---- how a client is registered ------------------------------------------------------------------------------ */

static bool
is_confidential(const struct lg_sts_client *c)
{
	return c->auth != LG_CLIENT_NONE;
}

static bool
is_strong(const struct lg_sts_client *c)
{
	return c->auth == LG_CLIENT_JWT || c->auth == LG_CLIENT_TLS || c->auth == LG_CLIENT_SELF_TLS;
}

static bool
has_no_password(const struct lg_sts_client *c)
{
	return (c->grants & LG_GRANT_PASSWORD) == 0;
}

static bool
is_https(const struct lg_sts_client *c)
{
	for (size_t i = 0; i < c->nredirects; i++)
		if (!lg_str_starts(c->redirects[i], LG_STR("https://")))
			return false;
	return true;
}

static bool
has_good_algs(const struct lg_sts_client *c)
{
	const enum lg_alg algs[] = { c->id_token_alg, c->access_alg, c->userinfo_alg, c->introspection_alg, c->request_alg };

	for (size_t i = 0; i < LG_COUNT(algs); i++)
		if (algs[i] != LG_ALG_NONE && (GOOD_ALGS & 1u << algs[i]) == 0)
			return false;
	return true;
}

static const struct {
	const char *rule, *clause, *wants;
	bool (*met)(const struct lg_sts_client *c);
} client_rules[] = {
	{ "no-password", "5.3.2.1", "the password grant is not for it", has_no_password },
	{ "confidential", "5.3.2.1", "public clients have no place in it", is_confidential },
	{ "client-authentication", "5.3.2.1", "auth is private_key_jwt, tls_client_auth or self_signed_tls_client_auth", is_strong },
	{ "redirect-https", "5.3.2.2", "redirect_uris are https", is_https },
	{ "algorithms", "5.4.1", "signatures are ES256, PS256 or EdDSA", has_good_algs },
};

lg_err
sts_fapi2_client(struct lg_ctx *cx, const struct lg_sts_client *c)
{
	for (size_t i = 0; c->fapi2 && i < LG_COUNT(client_rules); i++)
		if (!client_rules[i].met(c))
			return lg_fail(cx, LG_E_INVALID, "fapi2 %s (%s): %s", client_rules[i].rule, client_rules[i].clause, client_rules[i].wants);
	return LG_OK;
}

/* ---- what it sends -------------------------------------------------------------------------------------------------- */

static bool
is_pushed(const struct sts_rq *rq, const struct sts_authorize *az)
{
	return rq->pushing || az->pushed.n > 0;
}

static bool
has_challenge(const struct sts_rq *rq, const struct sts_authorize *az)
{
	(void)rq;
	return az->challenge.n > 0;
}

static bool
has_redirect(const struct sts_rq *rq, const struct sts_authorize *az)
{
	(void)az;
	return lg_form_has(&rq->form, "redirect_uri");
}

static const struct {
	const char *rule, *clause, *wants;
	bool (*met)(const struct sts_rq *rq, const struct sts_authorize *az);
} request_rules[] = {
	{ "pushed-request", "5.3.2.2", "the request has to be pushed", is_pushed },
	{ "pkce", "5.3.2.2", "code_challenge is wanted", has_challenge },
	{ "redirect-uri", "5.3.2.2", "redirect_uri is wanted", has_redirect },
};

lg_err
sts_fapi2_request(struct sts_rq *rq, const struct sts_authorize *az)
{
	if (!rq->client.fapi2)
		return LG_OK;
	if (sts_fapi2_client(rq->cx, &rq->client) != LG_OK)
		return sts_refuse(rq, STS_UNAUTHORIZED_CLIENT, "%s", lg_dup(rq->cx->arena, lg_str_of(rq->cx->error)).p);
	for (size_t i = 0; i < LG_COUNT(request_rules); i++)
		if (!request_rules[i].met(rq, az))
			return sts_refuse(rq, STS_INVALID_REQUEST, "fapi2 %s (%s): %s", request_rules[i].rule, request_rules[i].clause,
			    request_rules[i].wants);
	return LG_OK;
}

/* A token without a key of its sender would be good in anybody's hands. */
lg_err
sts_fapi2_token(struct sts_rq *rq)
{
	bool shows = sts_peer_cert(rq->ex->peer).n > 0;

	if (rq->client.mtls_bound && !shows)
		return sts_refuse(rq, STS_INVALID_REQUEST, "this client has to show its certificate: its tokens are bound to it");
	if (!rq->client.fapi2)
		return LG_OK;
	if (sts_fapi2_client(rq->cx, &rq->client) != LG_OK)
		return sts_refuse(rq, STS_UNAUTHORIZED_CLIENT, "%s", lg_dup(rq->cx->arena, lg_str_of(rq->cx->error)).p);
	if (rq->jkt.n == 0 && !shows)
		return sts_refuse(rq, STS_INVALID_DPOP_PROOF, "fapi2 sender-constrained (5.3.2.1): a DPoP proof or a certificate is wanted");
	return LG_OK;
}

/* The audience is one text, not an array: an array of one is how two begin. */
static bool
audience_is(struct sts_rq *rq, lg_str payload, lg_str wanted)
{
	lg_str name, found = LG_NONE;
	struct lg_json js;

	lg_json_init(&js, rq->cx->arena, payload);
	lg_json_object(&js);
	while (lg_json_member(&js, &name)) {
		if (lg_str_eq(name, LG_STR("aud")) && lg_json_peek(&js) == LG_JSON_STRING)
			found = lg_json_str(&js);
		else
			lg_json_skip(&js);
	}
	return lg_str_eq(found, wanted);
}

lg_err
sts_fapi2_assertion(struct sts_rq *rq, const struct lg_jws *jws)
{
	if (!rq->client.fapi2)
		return LG_OK;
	if ((GOOD_ALGS & 1u << jws->alg) == 0)
		return sts_refuse(rq, STS_INVALID_CLIENT, "fapi2 algorithms (5.4.1): assertions are signed with ES256, PS256 or EdDSA");
	if (!audience_is(rq, jws->payload, rq->tenant.issuer))
		return sts_refuse(rq, STS_INVALID_CLIENT, "fapi2 assertion-audience (5.3.2.1): aud is the issuer, as one text");
	return LG_OK;
}
