/* discovery.c: what this issuer is (RFC 8414, OpenID Connect Discovery 3) and its keys (RFC 7517). */
#include "sts/sts.h"

static const struct {
	const char *name;
	const char *path;
	bool mtls;			/* also offered where client certificates are asked for (RFC 8705 5) */
} endpoints[] = {
	{ "authorization_endpoint", "/oauth2/authorize", false },
	{ "token_endpoint", "/oauth2/token", true },
	{ "userinfo_endpoint", "/oauth2/userinfo", true },
	{ "introspection_endpoint", "/oauth2/introspect", true },
	{ "revocation_endpoint", "/oauth2/revoke", true },
	{ "pushed_authorization_request_endpoint", "/oauth2/par", true },
	{ "device_authorization_endpoint", "/oauth2/device_authorization", true },
	{ "registration_endpoint", "/oauth2/register", false },
	{ "jwks_uri", "/oauth2/jwks", false },
	{ "end_session_endpoint", "/logout", false },
};

#define SECRET_METHODS "\"client_secret_basic\",\"client_secret_post\",\"tls_client_auth\",\"self_signed_tls_client_auth\",\"private_key_jwt\"]"
#define AUTH_METHODS "[\"none\"," SECRET_METHODS
#define TOKEN_ALGS "[\"ES256\",\"RS256\",\"PS256\",\"EdDSA\"]"
#define AUTH_ALGS "[\"ES256\",\"EdDSA\",\"RS256\",\"PS256\",\"ES384\"]"

static const struct {
	const char *name;
	const char *json;
} constants[] = {
	{ "response_types_supported", "[\"code\"]" },
	{ "response_modes_supported", "[\"query\"]" },
	{ "subject_types_supported", "[\"public\"]" },
	{ "scopes_supported", "[\"openid\",\"profile\",\"email\",\"phone\",\"address\",\"groups\",\"offline_access\"]" },
	{ "acr_values_supported", "[\"" STS_ACR_PASSWORD "\",\"" STS_ACR_MFA "\",\"" STS_ACR_PASSKEY "\"]" },
	{ "prompt_values_supported", "[\"none\",\"login\",\"consent\",\"select_account\"]" },
	/* Whoever registers for one has its key made (lg_sts_wanted_algs). */
	{ "id_token_signing_alg_values_supported", TOKEN_ALGS },
	{ "userinfo_signing_alg_values_supported", TOKEN_ALGS },
	{ "introspection_signing_alg_values_supported", TOKEN_ALGS },
	{ "code_challenge_methods_supported", "[\"S256\"]" },
	{ "token_endpoint_auth_methods_supported", AUTH_METHODS },
	{ "token_endpoint_auth_signing_alg_values_supported", AUTH_ALGS },
	{ "introspection_endpoint_auth_methods_supported", "[" SECRET_METHODS },
	{ "introspection_endpoint_auth_signing_alg_values_supported", AUTH_ALGS },
	{ "revocation_endpoint_auth_methods_supported", AUTH_METHODS },
	{ "revocation_endpoint_auth_signing_alg_values_supported", AUTH_ALGS },
	{ "authorization_response_iss_parameter_supported", "true" },
	{ "require_pushed_authorization_requests", "false" },
	{ "claims_parameter_supported", "true" },
	{ "request_parameter_supported", "true" },
	{ "request_uri_parameter_supported", "true" },
	{ "require_request_uri_registration", "true" },
	{ "require_signed_request_object", "false" },
	{ "request_object_signing_alg_values_supported", AUTH_ALGS },
	{ "dpop_signing_alg_values_supported", "[\"ES256\",\"EdDSA\",\"PS256\",\"ES384\"]" },
	{ "tls_client_certificate_bound_access_tokens", "true" },
	{ "backchannel_logout_supported", "true" },
	{ "backchannel_logout_session_supported", "true" },
	{ "frontchannel_logout_supported", "true" },
	{ "frontchannel_logout_session_supported", "true" },
};

static void
write_endpoints(struct lg_jsonw *w, struct lg_arena *a, lg_str base, bool mtls)
{
	for (size_t i = 0; i < LG_COUNT(endpoints); i++)
		if (!mtls || endpoints[i].mtls)
			lg_jsonw_str_of(w, endpoints[i].name, lg_cat(a, base, lg_str_of(endpoints[i].path)));
}

/* The password grant is told only where some client has it. */
static lg_err
write_grants(struct sts_rq *rq, struct lg_jsonw *w)
{
	bool passwords;

	LG_TRY(lg_view_begin(rq->cx, rq->sts->store, &rq->view));
	passwords = sts_passwords_wanted(rq);
	lg_view_end(&rq->view);
	sts_grants_write(w, LG_STR("grant_types_supported"), passwords ? ~0u : ~(unsigned)LG_GRANT_PASSWORD);
	return LG_OK;
}

/* Those of every ID token, and what can be said of people. */
static void
write_claims(struct lg_jsonw *w)
{
	static const char *const always[] = {
		"sub", "iss", "aud", "exp", "iat", "jti", "auth_time", "nonce", "acr", "amr", "azp", "at_hash", "sid",
	};

	lg_jsonw_name(w, LG_STR("claims_supported"));
	lg_jsonw_array(w);
	for (size_t i = 0; i < LG_COUNT(always); i++)
		lg_jsonw_str(w, lg_str_of(always[i]));
	sts_claims_names(w);
	lg_jsonw_array_end(w);
}

lg_err
sts_http_discovery(void *self, struct lg_http *ex)
{
	struct lg_jsonw w = lg_jsonw_of(&ex->out);
	struct sts_rq *rq;

	LG_TRY(sts_rq_new(self, ex, &rq));
	lg_jsonw_object(&w);
	lg_jsonw_str_of(&w, "issuer", rq->tenant.issuer);
	write_endpoints(&w, rq->cx->arena, rq->tenant.issuer, false);
	for (size_t i = 0; i < LG_COUNT(constants); i++) {
		lg_jsonw_name(&w, lg_str_of(constants[i].name));
		lg_jsonw_raw(&w, lg_str_of(constants[i].json));
	}
	write_claims(&w);
	LG_TRY(write_grants(rq, &w));
	if (rq->tenant.mtls.n > 0) {
		lg_jsonw_name(&w, LG_STR("mtls_endpoint_aliases"));
		lg_jsonw_object(&w);
		write_endpoints(&w, rq->cx->arena, rq->tenant.mtls, true);
		lg_jsonw_object_end(&w);
	}
	lg_jsonw_object_end(&w);
	sts_json(ex);
	lg_http_header(ex, "Cache-Control", LG_STR("public, max-age=300"));
	lg_http_header(ex, "Access-Control-Allow-Origin", LG_STR("*"));
	return lg_buf_status(ex->cx, &ex->out);
}

lg_err
sts_http_jwks(void *self, struct lg_http *ex)
{
	struct sts_rq *rq;

	LG_TRY(sts_rq_new(self, ex, &rq));
	lg_keyset_jwks(rq->tenant.keys, &ex->out);
	lg_http_type(ex, "application/jwk-set+json");
	/* Short enough that a verifier sees the next key before it is used. */
	lg_http_header(ex, "Cache-Control", LG_STR("public, max-age=300"));
	lg_http_header(ex, "Access-Control-Allow-Origin", LG_STR("*"));
	return lg_buf_status(ex->cx, &ex->out);
}
