/* join.c: see join.h. */
#include "agent/join.h"

#include <unistd.h>

#include "client/cert.h"
#include "agent/invite.h"
#include "agent/records.h"
#include "base/file.h"
#include "base/json.h"
#include "base/text.h"
#include "client/api.h"

#define KEY_MAX 4096

/* ---- the root ------------------------------------------------------------------------------------- */

static bool
is_root(const struct lg_invite *invite, lg_str der)
{
	lg_sha256 h = lg_sha256_of(der);

	return memcmp(h.b, invite->root.b, sizeof h.b) == 0;
}

/* Among the certificates that the server presented itself. */
static bool
root_in_chain(struct lg_ctx *cx, const struct lg_invite *invite, lg_str pem, lg_str *ret)
{
	while (lg_pem_parse(cx->arena, pem, LG_STR("CERTIFICATE"), ret, &pem))
		if (is_root(invite, *ret))
			return true;
	return false;
}

/* In a SPIFFE bundle: keys[].x5c[0] (SPIFFE Trust Domain and Bundle 4.2). */
static bool
root_in_bundle(struct lg_ctx *cx, const struct lg_invite *invite, lg_str bundle, lg_str *ret)
{
	lg_str keys = lg_api_member(cx, bundle, "keys");
	struct lg_json js, x5c;
	bool found = false;

	lg_json_init(&js, cx->arena, keys);
	lg_json_array(&js);
	while (lg_json_item(&js)) {
		lg_json_init(&x5c, cx->arena, lg_api_member(cx, lg_json_raw(&js), "x5c"));
		lg_json_array(&x5c);
		while (lg_json_item(&x5c)) {
			lg_str der;
			if (!found && lg_base64_parse(cx->arena, lg_json_str(&x5c), &der) && is_root(invite, der)) {
				*ret = der;
				found = true;
			}
		}
	}
	return found;
}

/*
 * Whoever answers may tell us roots: the one whose SHA-256 stands in the token is the service's, whoever told it.  (A tenant
 * below a path has a root of its own, which comes with the answer.)
 * Nothing secret goes over this connection.
 */
static lg_err
find_root(struct lg_ctx *cx, const struct lg_invite *invite, lg_str url, lg_str *ret)
{
	LG_AUTO(lg_link_free) struct lg_link *link = NULL;
	struct lg_call call = { .method = "GET", .path = LG_STR("/spiffe/bundle") };
	struct lg_reply answer;

	LG_TRY(lg_link_new(cx, &(struct lg_endpoint){ .url = url, .unverified = true }, &link));
	LG_TRY(lg_link_call(cx, link, &call, &answer));
	if (root_in_chain(cx, invite, answer.chain, ret) || root_in_bundle(cx, invite, answer.body, ret))
		return LG_OK;
	return lg_fail(cx, LG_E_UNAUTHENTICATED, "%.*s does not show the root certificate that the join token names; "
	    "the token was not sent", LG_FMT(url));
}

/* ---- requests ----------------------------------------------------------------------------------------- */

/* The key survives a failed join, because the token belongs to the first key that presented it. */
static lg_err
join_key(struct lg_ctx *cx, const char *path, struct lg_key **ret)
{
	lg_str pem;

	if (access(path, F_OK) == 0) {
		LG_TRY(lg_file_read(cx, path, KEY_MAX, &pem));
		return lg_key_from_pem(cx, pem, ret);
	}
	LG_TRY(lg_key_generate(cx, LG_KEY_P256, ret));
	LG_TRY(lg_key_pem(cx, *ret, &pem));
	return lg_file_write(cx, path, 0600, pem);
}

/* {"csr": PEM, <name>: value} without names in the request: they come from the directory. */
static lg_err
request_body(struct lg_ctx *cx, const struct lg_key *key, const char *name, lg_str value, struct lg_buf *out)
{
	struct lg_jsonw w = lg_jsonw_of(out);
	lg_str csr;

	LG_TRY(lg_csr_make(cx, key, &(struct lg_csr_names){ .common_name = LG_NONE }, &csr));
	lg_jsonw_object(&w);
	lg_jsonw_str_of(&w, name, value);
	lg_jsonw_str_of(&w, "csr", lg_pem(cx->arena, LG_STR("CERTIFICATE REQUEST"), csr));
	lg_jsonw_object_end(&w);
	return lg_buf_status(cx, out);
}

struct asking {
	const char *path;		/* of the API */
	const char *name;		/* what goes with the CSR */
	lg_str value;
	struct lg_endpoint at;
};

/* Asks, and believes the answer only if it is for our key and leads to our root. */
static lg_err
ask(struct lg_ctx *cx, const struct asking *as, const struct lg_key *key, struct lg_identity *id)
{
	LG_AUTO(lg_link_free) struct lg_link *link = NULL;
	LG_AUTO(lg_buf_wipe) struct lg_buf b = LG_BUF(64u << 10);
	struct lg_reply answer;
	struct lg_cert cert;
	lg_str root;

	LG_TRY(lg_link_new(cx, &as->at, &link));
	LG_TRY(request_body(cx, key, as->name, as->value, &b));
	struct lg_call call = { .method = "POST", .path = lg_str_of(as->path), .body = lg_buf_view(&b) };
	LG_TRY(lg_api_call(cx, link, &call, &answer));
	LG_TRY(lg_identity_take(cx, answer.body, id));
	if (!lg_pem_parse(cx->arena, id->root, LG_STR("CERTIFICATE"), &root, NULL))
		return lg_fail(cx, LG_E_CORRUPT, "the root certificate of this host does not decode");
	LG_TRY(lg_cert_check(cx, id->certificate, id->chain, root, lg_key_public(key), &cert));
	return lg_key_pem(cx, key, &id->key);
}

/* Without the tenant's path: whose bundle has the root of the service's own certificates. */
static lg_str
service_of(lg_str url)
{
	size_t at = sizeof "https://" - 1;

	while (at < url.n && url.p[at] != '/')
		at++;
	return lg_str_sub(url, 0, at);
}

static lg_err
own_cert(struct lg_ctx *cx, const struct lg_identity *id, struct lg_cert *ret)
{
	lg_str der;

	if (!lg_pem_parse(cx->arena, id->certificate, LG_STR("CERTIFICATE"), &der, NULL))
		return lg_fail(cx, LG_E_CORRUPT, "the certificate of this host does not decode");
	return lg_cert_parse(cx, der, ret);
}

/* ---- join ------------------------------------------------------------------------------------------------ */

lg_err
lg_join(struct lg_ctx *cx, const char *state, lg_str token, lg_str server)
{
	LG_AUTO(lg_key_free) struct lg_key *key = NULL;
	struct lg_identity id = { .key = LG_NONE };
	struct lg_invite invite;
	const char *key_path;
	lg_str root;

	LG_TRY(lg_invite_parse(cx, token, &invite));
	if (server.n > 0 && !lg_invite_server_valid(server))
		return lg_fail(cx, LG_E_INVALID, "\"%.*s\" is not of the form host:port", LG_FMT(server));
	LG_TRY(lg_state_open(cx, state));
	if (lg_identity_exists(cx, state))
		return lg_fail(cx, LG_E_EXISTS, "%s holds an identity already; to join anew, give another --state or remove it", state);
	id.https = lg_cat(cx->arena, LG_STR("https://"), server.n > 0 ? server : invite.server);
	LG_TRY(find_root(cx, &invite, service_of(id.https), &root));
	id.root = id.service_root = lg_pem(cx->arena, LG_STR("CERTIFICATE"), root);
	key_path = lg_print(cx->arena, "%s/join.key", state).p;
	LG_TRY(join_key(cx, key_path, &key));
	struct asking as = { "/v1/join", "token", invite.text, { .url = id.https, .ca = id.service_root } };
	LG_TRY(ask(cx, &as, key, &id));
	LG_TRY(lg_identity_save(cx, state, &id));
	(void)unlink(key_path);
	return LG_OK;
}

/* Somebody who may invite the host has signed in: with their token the join token is made and used here, and seen by nobody. */
lg_err
lg_join_by_sign_in(struct lg_ctx *cx, const char *state, const struct lg_join_at *at, lg_str access_token, lg_str host)
{
	LG_AUTO(lg_link_free) struct lg_link *link = NULL;
	struct lg_call call = { .method = "POST", .body = LG_STR("{}"), .token = lg_str_trim(access_token),
		.path = lg_api_path(cx, (const lg_str[]){ LG_STR("v1"), LG_STR("hosts"), host, LG_STR("join-tokens") }, 4) };
	struct lg_reply answer;

	if (!lg_invite_server_valid(at->server))
		return lg_fail(cx, LG_E_INVALID, "\"%.*s\" is not of the form host:port", LG_FMT(at->server));
	LG_TRY(lg_link_new(cx, &(struct lg_endpoint){ .url = lg_cat(cx->arena, LG_STR("https://"), at->server), .ca = at->ca }, &link));
	LG_TRY(lg_api_call(cx, link, &call, &answer));
	return lg_join(cx, state, lg_api_member(cx, answer.body, "token"), at->server);
}

/* What the service knows of the host that holds this certificate. */
static lg_err
learn_identity(struct lg_ctx *cx, const struct lg_endpoint *at, struct lg_identity *id)
{
	struct lg_call call = { .method = "GET", .path = LG_STR("/v1/agent/keys") };
	LG_AUTO(lg_link_free) struct lg_link *link = NULL;
	struct lg_cert_name name;
	struct lg_reply answer;
	struct lg_cert cert;

	LG_TRY(own_cert(cx, id, &cert));
	if (!lg_cert_name_parse(cert.uri, &name) || !lg_str_eq(name.type, LG_STR("Host")))
		return lg_fail(cx, LG_E_INVALID, "the certificate is not a host's");
	LG_TRY(lg_link_new(cx, at, &link));
	LG_TRY(lg_api_call(cx, link, &call, &answer));
	id->host_name = name.name;
	id->trust_domain = name.domain;
	id->host_id = lg_api_member(cx, answer.body, "host");
	id->issuer = id->https = lg_api_member(cx, answer.body, "issuer");
	id->ticket_keys = lg_api_member(cx, answer.body, "ticket_keys");
	id->root = lg_api_member(cx, answer.body, "root");
	return LG_OK;
}

lg_err
lg_join_by_certificate(struct lg_ctx *cx, const char *state, const struct lg_join_at *at, lg_str certificate, lg_str private_key)
{
	LG_AUTO(lg_key_free) struct lg_key *key = NULL;
	struct lg_identity id = { .certificate = certificate, .mtls = lg_cat(cx->arena, LG_STR("https://"), at->server), .service_root = at->ca };
	struct asking as = { "/v1/certificates", "profile", LG_STR("host"), { .url = id.mtls, .ca = at->ca, .cert = certificate, .key = private_key } };

	if (!lg_invite_server_valid(at->server))
		return lg_fail(cx, LG_E_INVALID, "\"%.*s\" is not of the form host:port", LG_FMT(at->server));
	LG_TRY(lg_state_open(cx, state));
	if (lg_identity_exists(cx, state))
		return lg_fail(cx, LG_E_EXISTS, "%s holds an identity already; to join anew, give another --state or remove it", state);
	LG_TRY(learn_identity(cx, &as.at, &id));
	LG_TRY(lg_key_generate(cx, LG_KEY_P256, &key));
	LG_TRY(ask(cx, &as, key, &id));
	return lg_identity_save(cx, state, &id);
}

/* ---- renew -------------------------------------------------------------------------------------------------- */

lg_err
lg_renew(struct lg_ctx *cx, const char *state)
{
	LG_AUTO(lg_key_free) struct lg_key *key = NULL;
	struct lg_identity id;
	struct lg_cert cert;

	LG_TRY(lg_identity_load(cx, state, &id));
	LG_TRY(own_cert(cx, &id, &cert));
	if (cert.not_after <= cx->now) {
		/* overslept: the same key proves that it is still us */
		struct asking as = { "/v1/rejoin", "certificate", id.certificate, { .url = id.https, .ca = id.service_root } };
		LG_TRY(lg_key_from_pem(cx, id.key, &key));
		LG_TRY(ask(cx, &as, key, &id));
	} else {
		struct asking as = { "/v1/certificates", "profile", LG_STR("host"),
			{ .url = id.mtls, .ca = id.service_root, .cert = lg_cat(cx->arena, id.certificate, id.chain), .key = id.key } };
		LG_TRY(lg_key_generate(cx, LG_KEY_P256, &key));
		LG_TRY(ask(cx, &as, key, &id));
	}
	return lg_identity_save(cx, state, &id);
}

lg_err
lg_renewal_time(struct lg_ctx *cx, const struct lg_identity *id, double chance, int64_t *ret)
{
	struct lg_cert cert;

	LG_TRY(own_cert(cx, id, &cert));
	double life = (double)(cert.not_after - cert.not_before);
	/* hosts that joined together must not renew together */
	*ret = cert.not_before + (int64_t)(life * (2.0 / 3.0 + (chance - 0.5) / 10.0));
	return LG_OK;
}
