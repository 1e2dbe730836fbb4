/* routes_api.c: joining and certificates of one's own, as JSON (docs/api.md), and the table of all routes. */
#include "certs/acme.h"
#include "certs/foreign.h"
#include "certs/ocsp.h"
#include "certs/profiles.h"
#include "certs/routes.h"
#include "certs/ssh.h"

/* ---- joining ------------------------------------------------------------------------------------------------ */

static lg_err
answer_joined(struct lg_certs *c, struct lg_http *ex, const struct lg_joined *j)
{
	LG_AUTO(lg_trust_release) struct lg_trust *t = lg_trust_hold(c);
	const struct lg_ca *ca;
	lg_str keys = LG_NONE;
	struct lg_jsonw w;

	LG_TRY(lg_trust_tenant(ex->cx, t, ex->tenant, &ca));
	if (c->ports.ticket_keys != NULL)
		LG_TRY(c->ports.ticket_keys(c->ports.callers, ex->cx, ex->tenant, &keys));
	w = lg_routes_begin(ex);
	lg_routes_put_issued(ex->cx, &w, &j->issued);
	lg_jsonw_name(&w, LG_STR("host"));
	lg_jsonw_object(&w);
	lg_jsonw_uuid_of(&w, "id", j->host.id);
	lg_jsonw_str_of(&w, "name", j->host.name);
	lg_jsonw_object_end(&w);
	lg_jsonw_name(&w, LG_STR("tenant"));
	lg_jsonw_object(&w);
	lg_jsonw_str_of(&w, "issuer", ca->au.issuer);
	lg_jsonw_str_of(&w, "trust_domain", ca->au.trust_domain);
	lg_jsonw_object_end(&w);
	lg_jsonw_str_of(&w, "mtls", ca->au.mtls_url.n > 0 ? ca->au.mtls_url : c->ports.mtls_url);
	lg_routes_put_pem(ex->cx, &w, "service_root", ca->au.service_root.n > 0 ? ca->au.service_root : ca->issuer[0].above->x509.der);
	if (keys.n > 0) {
		lg_jsonw_name(&w, LG_STR("ticket_keys"));
		lg_jsonw_raw(&w, keys);
	}
	return lg_routes_end(ex, &w);
}

static lg_err
route_join(void *self, struct lg_http *ex)
{
	lg_str token = LG_NONE, pem = LG_NONE, csr;
	const struct lg_routes_field fields[] = { { "token", &token, false }, { "csr", &pem, false } };
	struct lg_joined joined;

	lg_routes_unknown(ex);
	LG_TRY(lg_routes_body(ex, fields, LG_COUNT(fields)));
	LG_TRY(lg_routes_pem(ex->cx, pem, LG_STR("CERTIFICATE REQUEST"), &csr));
	LG_TRY(lg_certs_join(ex->cx, self, ex->tenant, token, csr, &joined));
	return answer_joined(self, ex, &joined);
}

static lg_err
route_rejoin(void *self, struct lg_http *ex)
{
	lg_str old = LG_NONE, pem = LG_NONE, cert, csr;
	const struct lg_routes_field fields[] = { { "certificate", &old, false }, { "csr", &pem, false } };
	struct lg_joined joined;

	lg_routes_unknown(ex);
	LG_TRY(lg_routes_body(ex, fields, LG_COUNT(fields)));
	LG_TRY(lg_routes_pem(ex->cx, old, LG_STR("CERTIFICATE"), &cert));
	LG_TRY(lg_routes_pem(ex->cx, pem, LG_STR("CERTIFICATE REQUEST"), &csr));
	LG_TRY(lg_certs_rejoin(ex->cx, self, ex->tenant, cert, csr, &joined));
	return answer_joined(self, ex, &joined);
}

/* ---- one's own certificate ------------------------------------------------------------------------------------ */

/* The key of a request that proves it, or one that is made here: *made, freed by the caller. */
static lg_err
key_for(struct lg_http *ex, lg_str pem, lg_str kind, struct lg_csr *csr, struct lg_key **made)
{
	enum lg_key_type type;
	lg_str der;

	if ((pem.n > 0) == (kind.n > 0))
		return lg_fail(ex->cx, LG_E_INVALID, "either \"csr\", or \"key\" for a key that is made here");
	if (pem.n > 0) {
		LG_TRY(lg_routes_pem(ex->cx, pem, LG_STR("CERTIFICATE REQUEST"), &der));
		return lg_csr_parse(ex->cx, der, csr);
	}
	if (!lg_profile_key_parse(kind, &type))
		return lg_fail(ex->cx, LG_E_INVALID, "no kind of key \"%.*s\"", LG_FMT(kind));
	LG_TRY(lg_key_generate(ex->cx, type, made));
	csr->spki = lg_pubkey_spki(lg_key_public(*made));
	return LG_OK;
}

static lg_err
answer_issued(struct lg_http *ex, const struct lg_issued *issued, const struct lg_key *made)
{
	struct lg_jsonw w = lg_routes_begin(ex);
	lg_str pem;

	lg_routes_put_issued(ex->cx, &w, issued);
	if (made != NULL) {
		LG_TRY(lg_key_pem(ex->cx, made, &pem));
		lg_jsonw_str_of(&w, "private_key", pem);
		lg_http_header(ex, "Cache-Control", LG_STR("no-store"));
	}
	return lg_routes_end(ex, &w);
}

/* One request, until it is answered: the steps behind it are other threads'. */
struct asking {
	struct lg_issuing is;		/* first: what lg_issuing_start gives back */
	struct lg_http *ex;
	struct lg_trust *trust;
	struct lg_cert_request rq;
	struct lg_csr csr;
	struct lg_key *made;
};

static lg_err
asked(struct asking *a, lg_err e)
{
	if (e == LG_OK)
		e = answer_issued(a->ex, &a->is.issued, a->made);
	lg_key_free(&a->made);
	lg_trust_release(&a->trust);
	return e;
}

static void
asked_later(struct lg_issuing *is, lg_err e)
{
	struct asking *a = (struct asking *)is;

	lg_http_ended(a->ex, asked(a, e));
}

static lg_err
start(struct lg_http *ex, lg_str csr, lg_str kind, struct asking *a)
{
	LG_TRY(key_for(ex, csr, kind, &a->csr, &a->made));
	a->rq.spki = a->csr.spki;
	a->rq.only = &a->csr.names;
	LG_TRY(lg_trust_tenant(ex->cx, a->trust, ex->tenant, &a->is.ca));
	if (a->made != NULL)		/* on a worker, which answers when it returns */
		return lg_certs_issue(ex->cx, a->is.c, &a->rq, &a->is.issued);
	return lg_issuing_start(ex->cx, &a->is);
}

static lg_err
route_issue(void *self, struct lg_http *ex)
{
	struct asking *a = LG_NEW(ex->cx->arena, struct asking);
	lg_str csr = LG_NONE, profile = LG_NONE, kind = LG_NONE;
	const struct lg_routes_field fields[] = { { "csr", &csr, true }, { "key", &kind, true }, { "profile", &profile, false } };
	struct lg_certs_caller caller;
	int64_t life = 0;
	lg_err e;

	LG_TRY(lg_routes_who(self, ex, &caller));
	LG_TRY(lg_routes_body_life(ex, fields, LG_COUNT(fields), &life));
	if (kind.n > 0)
		LG_TRY(lg_http_may_block(ex));		/* an RSA key takes its time */
	a->ex = ex;
	a->rq = (struct lg_cert_request){ .tenant = ex->tenant, .profile = profile, .proof = caller.proof, .entry = caller.id, .life = life,
		.asker = { .type = caller.type, .id = caller.id, .name = caller.name } };
	a->is = (struct lg_issuing){ .c = self, .rq = &a->rq, .done = asked_later };
	a->trust = lg_trust_hold(self);
	e = start(ex, csr, kind, a);
	return e == LG_PENDING ? e : asked(a, e);
}

/* ---- the table ------------------------------------------------------------------------------------------------------ */

#define EST (LG_SURFACE_HTTPS | LG_SURFACE_MTLS)

const struct lg_route lg_certs_routes[] = {
	{ "GET",  "/crl/*",             LG_SURFACE_HTTP, LG_ON_WORKER, 0, lg_route_crl },
	{ "GET",  "/ca/*",              LG_SURFACE_HTTP, LG_ON_LOOP,   0, lg_route_ca },
	{ "GET",  "/spiffe/bundle",     LG_SURFACE_HTTP | LG_SURFACE_HTTPS, LG_ON_LOOP, 0, lg_route_bundle },
	{ "GET",  "/spiffe/bundles",    LG_SURFACE_HTTP | LG_SURFACE_API, LG_ON_LOOP, 0, lg_route_bundles },
	{ "POST", "/ocsp",              LG_SURFACE_HTTP, LG_ON_LOOP,   LG_OCSP_MAX, lg_route_ocsp_post },
	{ "GET",  "/ocsp/*",            LG_SURFACE_HTTP, LG_ON_LOOP,   0, lg_route_ocsp_get },
	{ "POST", "/v1/join",           LG_SURFACE_API,  LG_ON_WORKER, 0, route_join },
	{ "POST", "/v1/rejoin",         LG_SURFACE_API,  LG_ON_WORKER, 0, route_rejoin },
	{ "POST", "/v1/certificates",   LG_SURFACE_API,  LG_ON_CORE,   0, route_issue },
	{ "GET",  "/v1/certificates",   LG_SURFACE_API,  LG_ON_LOOP,   0, lg_route_list },
	{ "GET",  "/v1/certificates/ending", LG_SURFACE_API, LG_ON_WORKER, 0, lg_route_ending },
	{ "POST", "/v1/certificates/revoke", LG_SURFACE_API, LG_ON_WORKER, 0, lg_route_revoke_many },
	{ "POST", "/v1/certificates/purge", LG_SURFACE_API, LG_ON_WORKER, 0, lg_route_purge },
	{ "POST", "/v1/certificates/*", LG_SURFACE_API,  LG_ON_WORKER, 0, lg_route_revoke },
	{ "GET",  "/v1/profiles",       LG_SURFACE_API,  LG_ON_LOOP,   0, lg_route_profiles },
	{ "GET",  "/v1/profiles/*",     LG_SURFACE_API,  LG_ON_LOOP,   0, lg_route_profile },
	{ "PUT",  "/v1/profiles/*",     LG_SURFACE_API,  LG_ON_WORKER, 0, lg_route_profile_put },
	{ "DELETE", "/v1/profiles/*",   LG_SURFACE_API,  LG_ON_WORKER, 0, lg_route_profile_delete },
	{ "GET",  "/v1/webhooks",       LG_SURFACE_API,  LG_ON_LOOP,   0, lg_route_hooks },
	{ "PUT",  "/v1/webhooks/*",     LG_SURFACE_API,  LG_ON_WORKER, 0, lg_route_hook_put },
	{ "DELETE", "/v1/webhooks/*",   LG_SURFACE_API,  LG_ON_WORKER, 0, lg_route_hook_delete },
	{ "POST", "/v1/webhooks/*",     LG_SURFACE_API,  LG_ON_WORKER, 0, lg_route_hook_test },
	{ "GET",  "/v1/federation",     LG_SURFACE_API,  LG_ON_LOOP,   0, lg_route_foreign_list },
	{ "GET",  "/v1/federation/*",   LG_SURFACE_API,  LG_ON_LOOP,   0, lg_route_foreign_get },
	{ "PUT",  "/v1/federation/*",   LG_SURFACE_API,  LG_ON_WORKER, 2 * LG_SVID_BUNDLE, lg_route_foreign_put },
	{ "DELETE", "/v1/federation/*", LG_SURFACE_API,  LG_ON_WORKER, 0, lg_route_foreign_delete },
	{ "POST", "/v1/federation/*",   LG_SURFACE_API,  LG_ON_WORKER, 0, lg_route_foreign_post },
	{ "GET",  "/ledger",            LG_SURFACE_HTTP | LG_SURFACE_API, LG_ON_WORKER, 0, lg_route_ledger_signed },
	{ "GET",  "/ledger/consistency", LG_SURFACE_HTTP | LG_SURFACE_API, LG_ON_LOOP, 0, lg_route_ledger_growth },
	{ "GET",  "/v1/ledger",         LG_SURFACE_API,  LG_ON_LOOP,   0, lg_route_ledger },
	{ "GET",  "/v1/ledger/entries", LG_SURFACE_API,  LG_ON_LOOP,   0, lg_route_ledger_entries },
	{ "GET",  "/v1/ledger/proof",   LG_SURFACE_API,  LG_ON_LOOP,   0, lg_route_ledger_proof },
	{ "GET",  "/v1/ledger/consistency", LG_SURFACE_API, LG_ON_LOOP, 0, lg_route_ledger_consistency },
	{ "POST", "/v1/ssh/certificates", LG_SURFACE_API, LG_ON_WORKER, LG_SSH_REQUEST, lg_route_ssh_issue },
	{ "GET",  "/ssh/user_ca.pub",   LG_SURFACE_API,  LG_ON_LOOP,   0, lg_route_ssh_user_ca },
	{ "GET",  "/ssh/host_ca.pub",   LG_SURFACE_API,  LG_ON_LOOP,   0, lg_route_ssh_host_ca },
	{ "GET",  "/ssh/krl",           LG_SURFACE_API,  LG_ON_WORKER, 0, lg_route_ssh_krl },
	{ "GET",  "/.well-known/est/cacerts",        EST, LG_ON_LOOP,   0, lg_route_est_cacerts },
	{ "GET",  "/.well-known/est/csrattrs",       EST, LG_ON_LOOP,   0, lg_route_est_csrattrs },
	{ "POST", "/.well-known/est/simpleenroll",   EST, LG_ON_WORKER, 0, lg_route_est_enroll },
	{ "POST", "/.well-known/est/serverkeygen",   EST, LG_ON_WORKER, 0, lg_route_est_serverkeygen },
	{ "POST", "/.well-known/est/simplereenroll", LG_SURFACE_MTLS, LG_ON_WORKER, 0, lg_route_est_reenroll },
	{ "POST", "/v1/eab",            LG_SURFACE_API,  LG_ON_WORKER, 0, lg_route_eab },
	{ "GET",  "/acme/directory",      LG_SURFACE_HTTPS, LG_ON_LOOP,   0, lg_acme_directory },
	{ "GET",  "/acme/new-nonce",      LG_SURFACE_HTTPS, LG_ON_LOOP,   0, lg_acme_new_nonce },
	{ "POST", "/acme/new-account",    LG_SURFACE_HTTPS, LG_ON_LOOP,   0, lg_acme_new_account },
	{ "POST", "/acme/account/*",      LG_SURFACE_HTTPS, LG_ON_LOOP,   0, lg_acme_account_route },
	{ "POST", "/acme/new-order",      LG_SURFACE_HTTPS, LG_ON_LOOP,   0, lg_acme_new_order },
	{ "POST", "/acme/order/*",        LG_SURFACE_HTTPS, LG_ON_LOOP,   0, lg_acme_order_route },
	{ "POST", "/acme/authz/*",        LG_SURFACE_HTTPS, LG_ON_LOOP,   0, lg_acme_authz_route },
	{ "POST", "/acme/challenge/*",    LG_SURFACE_HTTPS, LG_ON_WORKER, 0, lg_acme_challenge_route },
	{ "POST", "/acme/certificate/*",  LG_SURFACE_HTTPS, LG_ON_LOOP,   0, lg_acme_certificate_route },
	{ "POST", "/acme/revoke-cert",    LG_SURFACE_HTTPS, LG_ON_WORKER, 0, lg_acme_revoke_route },
	{ "POST", "/acme/key-change",     LG_SURFACE_HTTPS, LG_ON_LOOP,   0, lg_acme_key_change_route },
	{ "GET",  "/acme/renewal-info/*", LG_SURFACE_HTTPS, LG_ON_LOOP,   0, lg_acme_renewal_route },
};
const size_t lg_certs_nroutes = LG_COUNT(lg_certs_routes);
