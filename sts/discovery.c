/*
 * discovery.c: what this issuer is (RFC 8414, OpenID Connect Discovery 3) and its keys (RFC 7517).  Both are the same for everybody, and
 * are kept as bytes with their entity tag until keys or clients change.
 */
#include "sts/sts.h"

#include <stdio.h>

#include "base/text.h"

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

static void
write_discovery(struct sts_rq *rq)
{
	struct lg_jsonw w = lg_jsonw_of(&rq->ex->out);

	lg_jsonw_object(&w);
	lg_jsonw_str_of(&w, "issuer", rq->tenant.issuer);
	write_endpoints(&w, rq->cx->arena, rq->tenant.issuer, false);
	for (size_t i = 0; i < LG_COUNT(constants); i++) {
		lg_jsonw_name(&w, lg_str_of(constants[i].name));
		lg_jsonw_raw(&w, lg_str_of(constants[i].json));
	}
	write_claims(&w);
	/* The password grant is told only where some client has it. */
	sts_grants_write(&w, LG_STR("grant_types_supported"), sts_passwords_wanted(rq) ? ~0u : ~(unsigned)LG_GRANT_PASSWORD);
	if (rq->tenant.mtls.n > 0) {
		lg_jsonw_name(&w, LG_STR("mtls_endpoint_aliases"));
		lg_jsonw_object(&w);
		write_endpoints(&w, rq->cx->arena, rq->tenant.mtls, true);
		lg_jsonw_object_end(&w);
	}
	lg_jsonw_object_end(&w);
}

static void
write_keys(struct sts_rq *rq)
{
	lg_keyset_jwks(rq->tenant.keys, &rq->ex->out);
}

/* ---- documents for everybody ------------------------------------------------------------------------------------------- */

#define TAG_OCTETS 15

/* The body is behind it. */
struct document {
	uint64_t keys, clients;		/* revisions that it was made from */
	char tag[1 + TAG_OCTETS / 3 * 4 + 2];	/* in its quotes */
};

static lg_sha256
name_of(struct sts_rq *rq, const char *name)
{
	const char tenant[4] = {
		(char)(rq->tenant_id >> 24), (char)(rq->tenant_id >> 16), (char)(rq->tenant_id >> 8), (char)rq->tenant_id,
	};
	lg_str before = lg_print(rq->cx->arena, "document %s\n%.*s\n%.*s\n", name, LG_FMT(rq->tenant.issuer), LG_FMT(rq->tenant.mtls));

	return lg_sha256_pair(before, (lg_str){ tenant, sizeof tenant });
}

static void
make(struct sts_rq *rq, void (*write)(struct sts_rq *), struct document *doc)
{
	lg_sha256 h;

	write(rq);
	h = lg_sha256_of(lg_buf_view(&rq->ex->out));
	(void)snprintf(doc->tag, sizeof doc->tag, "\"%.*s\"", LG_FMT(lg_base64url(rq->cx->arena, (lg_str){ (const char *)h.b, TAG_OCTETS })));
}

static lg_err
document(struct sts_rq *rq, const char *name, void (*write)(struct sts_rq *), struct document *ret)
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;
	lg_sha256 key = name_of(rq, name);
	lg_str kept;

	LG_TRY(lg_view_begin(rq->cx, rq->sts->store, &v));
	rq->view = v;
	struct document doc = { .keys = rq->tenant.keys_revision, .clients = lg_revision(v, rq->tenant_id, LG_DOMAIN_CLIENTS) };
	if (sts_kept_get(rq->sts->answers, rq->cx, &key, &kept)) {
		memcpy(ret, kept.p, sizeof *ret);
		lg_buf_str(&rq->ex->out, lg_str_sub(kept, sizeof *ret, kept.n));
		if (ret->keys == doc.keys && ret->clients == doc.clients)
			return LG_OK;
		lg_buf_clear(&rq->ex->out);
	}
	make(rq, write, &doc);
	LG_TRY(lg_buf_status(rq->cx, &rq->ex->out));
	sts_kept_put(rq->sts->answers, rq->cx, &key, lg_cat(rq->cx->arena, (lg_str){ (const char *)&doc, sizeof doc }, lg_buf_view(&rq->ex->out)));
	*ret = doc;
	return LG_OK;
}

/* RFC 9110 13.1.2. */
static bool
is_known(struct sts_rq *rq, lg_str tag)
{
	lg_str one, rest = rq->ex->header(rq->ex, "If-None-Match");

	while (rest.n > 0) {
		(void)lg_str_cut(rest, ',', &one, &rest);
		one = lg_str_trim(one);
		if (lg_str_starts(one, LG_STR("W/")))
			one = lg_str_sub(one, 2, one.n);
		if (lg_str_eq(one, tag) || lg_str_eq(one, LG_STR("*")))
			return true;
	}
	return false;
}

static lg_err
answer(struct lg_sts *sts, struct lg_http *ex, const char *name, const char *type, void (*write)(struct sts_rq *))
{
	struct document doc;
	struct sts_rq *rq;

	LG_TRY(sts_rq_new(sts, ex, &rq));
	LG_TRY(document(rq, name, write, &doc));
	lg_http_type(ex, type);
	/* Short enough that a verifier sees the next key before it is used. */
	lg_http_header(ex, "Cache-Control", LG_STR("public, max-age=300"));
	lg_http_header(ex, "Access-Control-Allow-Origin", LG_STR("*"));
	lg_http_header(ex, "ETag", lg_str_of(doc.tag));
	if (is_known(rq, lg_str_of(doc.tag))) {
		lg_buf_clear(&ex->out);
		ex->status = 304;
	}
	return lg_buf_status(ex->cx, &ex->out);
}

lg_err
sts_http_discovery(void *self, struct lg_http *ex)
{
	return answer(self, ex, "discovery", "application/json", write_discovery);
}

lg_err
sts_http_jwks(void *self, struct lg_http *ex)
{
	return answer(self, ex, "jwks", "application/jwk-set+json", write_keys);
}
