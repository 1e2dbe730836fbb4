/*
 * est.c: Enrollment over Secure Transport (RFC 7030): a host's first certificate for a join token, and renewal by what it has.
 *
 * Names are the entry's, as everywhere; requests prove a key and narrow.  Bodies are base64 without line breaks, which every client
 * reads (RFC 8951 3.1).  A key that is made here (serverkeygen) is handed out once and kept nowhere.  Full CMC is not offered.
 */
#include "base/text.h"
#include "certs/csr.h"
#include "certs/names.h"
#include "certs/profiles.h"
#include "certs/routes.h"

#define PKCS7_MAX (64u << 10)

/* ---- answers -------------------------------------------------------------------------------------------- */

/* A SignedData without content or signers: only certificates (RFC 5652 5, "certs-only" of RFC 5751 3.2.2). */
static lg_err
certs_only(struct lg_ctx *cx, const lg_str *certs, size_t n, lg_str *ret)
{
	static const lg_str signed_data = LG_STR("\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02"), data = LG_STR("\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01");
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(PKCS7_MAX);
	size_t info = lg_derw_begin(&b, LG_DER_SEQUENCE), content, body, part;

	lg_derw_oid(&b, signed_data);
	content = lg_derw_begin(&b, LG_DER_EXPLICIT(0));
	body = lg_derw_begin(&b, LG_DER_SEQUENCE);
	lg_derw_int(&b, 1);
	lg_derw_element(&b, LG_DER_SET, LG_NONE);	/* digestAlgorithms */
	part = lg_derw_begin(&b, LG_DER_SEQUENCE);
	lg_derw_oid(&b, data);
	lg_derw_end(&b, part);
	part = lg_derw_begin(&b, LG_DER_EXPLICIT(0));
	for (size_t i = 0; i < n; i++)
		lg_derw_raw(&b, certs[i]);
	lg_derw_end(&b, part);
	lg_derw_element(&b, LG_DER_SET, LG_NONE);	/* signerInfos */
	lg_derw_end(&b, body);
	lg_derw_end(&b, content);
	lg_derw_end(&b, info);
	LG_TRY(lg_buf_status(cx, &b));
	*ret = lg_base64(cx->arena, lg_buf_view(&b));
	return LG_OK;
}

#define CERTS_ONLY "application/pkcs7-mime; smime-type=certs-only"

static lg_err
answer(struct lg_http *ex, const char *type, const lg_str *certs, size_t n)
{
	lg_str text;

	LG_TRY(certs_only(ex->cx, certs, n, &text));
	lg_http_type(ex, type);
	lg_http_header(ex, "Content-Transfer-Encoding", LG_STR("base64"));
	lg_buf_str(&ex->out, text);
	return lg_buf_status(ex->cx, &ex->out);
}

/* RFC 7030 4.1: the root and every issuing certificate that is believed, or will be. */
lg_err
lg_route_est_cacerts(void *self, struct lg_http *ex)
{
	LG_AUTO(lg_trust_release) struct lg_trust *t = lg_trust_hold(self);
	lg_str certs[2 + 2 * LG_ISSUERS];
	size_t n = 0;
	const struct lg_ca *ca;

	LG_TRY(lg_trust_tenant(ex->cx, t, ex->tenant, &ca));
	certs[n++] = ca->root.x509.der;
	for (size_t i = 0; i < ca->nissuers; i++)
		certs[n++] = ca->issuer[i].x509.der;
	if (ca->au.next.n > 0)
		certs[n++] = ca->au.next;
	for (size_t i = 0; i < ca->nold_roots; i++)
		certs[n++] = ca->old_root[i].x509.der;
	return answer(ex, "application/pkcs7-mime", certs, n);
}

/* RFC 7030 4.5.2: one wish, a signature with ECDSA and SHA-256; other keys are taken too. */
lg_err
lg_route_est_csrattrs(void *self, struct lg_http *ex)
{
	static const lg_str attributes = LG_STR("\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02");

	(void)self;
	lg_http_type(ex, "application/csrattrs");
	lg_http_header(ex, "Content-Transfer-Encoding", LG_STR("base64"));
	lg_buf_str(&ex->out, lg_base64(ex->cx->arena, attributes));
	return lg_buf_status(ex->cx, &ex->out);
}

/* ---- requests ------------------------------------------------------------------------------------------------ */

/* base64, with line breaks if it must be. */
lg_err
lg_est_body(struct lg_http *ex, lg_str *ret)
{
	char *p = lg_alloc(ex->cx->arena, ex->body.n + 1);
	size_t n = 0;

	for (size_t i = 0; i < ex->body.n; i++)
		if (ex->body.p[i] != '\r' && ex->body.p[i] != '\n')
			p[n++] = ex->body.p[i];
	if (n == 0 || !lg_base64_parse(ex->cx->arena, (lg_str){ p, n }, ret))
		return lg_fail(ex->cx, LG_E_INVALID, "the body is a request in base64");
	return LG_OK;
}

/* ---- who asks -------------------------------------------------------------------------------------------------- */

struct basic {
	bool given;
	lg_str name, password;
};

/* RFC 7030 3.2.3 */
static struct basic
basic_of(struct lg_http *ex)
{
	lg_str scheme, text, plain;
	struct basic b = { .given = false };

	b.given = lg_str_cut(ex->header(ex, "Authorization"), ' ', &scheme, &text) && lg_str_eq_fold(scheme, LG_STR("Basic")) &&
	    lg_base64_parse(ex->cx->arena, lg_str_trim(text), &plain) && lg_str_cut(plain, ':', &b.name, &b.password);
	return b;
}

/* The password is a join token: the user's name is not looked at, since the token names the host. */
static lg_err
enroll_by_token(struct lg_certs *c, struct lg_http *ex, lg_str token, lg_str csr, lg_str *cert)
{
	struct lg_joined joined;

	lg_routes_unknown(ex);
	LG_TRY(lg_certs_join(ex->cx, c, ex->tenant, token, csr, &joined));
	*cert = joined.issued.cert;
	return LG_OK;
}

/* By name and secret, a certificate or a bearer token. */
static lg_err
authenticate(struct lg_certs *c, struct lg_http *ex, const struct basic *b, struct lg_certs_caller *ret)
{
	struct lg_certs_caller found;
	lg_err e;

	if (b->given && c->ports.by_secret != NULL)
		e = c->ports.by_secret(c->ports.callers, ex, b->name, b->password, &found);
	else
		e = c->ports.authenticate(c->ports.callers, ex, "/v1", &found);
	if (e == LG_E_UNAUTHENTICATED)
		lg_http_header(ex, "WWW-Authenticate", LG_STR("Basic realm=\"est\""));
	LG_TRY(e);
	*ret = found;
	ret->type = lg_dup(ex->cx->arena, found.type);
	ret->name = lg_dup(ex->cx->arena, found.name);
	return LG_OK;
}

/* ---- enrolling ----------------------------------------------------------------------------------------------------- */

/* For the caller's own entry. */
static lg_err
issue_to(struct lg_certs *c, struct lg_http *ex, const struct lg_certs_caller *who, lg_str profile, lg_str spki,
    const struct lg_cert_names *only, lg_str *cert)
{
	struct lg_cert_request rq = { .tenant = ex->tenant, .profile = profile, .proof = who->proof, .entry = who->id, .spki = spki, .only = only,
		.asker = { .type = who->type, .id = who->id, .name = who->name } };
	struct lg_issued issued;

	LG_TRY(lg_certs_issue(ex->cx, c, &rq, &issued));
	*cert = issued.cert;
	return LG_OK;
}

/* A new one, of the profile of its kind. */
static lg_err
enroll_caller(struct lg_certs *c, struct lg_http *ex, const struct basic *b, lg_str der, lg_str *cert)
{
	const struct lg_cert_profile *profile;
	struct lg_certs_caller who;
	struct lg_csr csr;

	LG_TRY(authenticate(c, ex, b, &who));
	profile = lg_profile_of_type(who.type);
	if (profile == NULL)
		return lg_fail(ex->cx, LG_E_DENIED, "a %.*s has no certificate", LG_FMT(who.type));
	LG_TRY(lg_csr_parse(ex->cx, der, &csr));
	return issue_to(c, ex, &who, profile->name, csr.spki, &csr.names, cert);
}

static lg_err
enroll(struct lg_certs *c, struct lg_http *ex, lg_str csr, lg_str *cert)
{
	struct basic b = basic_of(ex);

	if (b.given && lg_str_starts(b.password, LG_STR("lgj1.")))
		return enroll_by_token(c, ex, b.password, csr, cert);
	return enroll_caller(c, ex, &b, csr, cert);
}

lg_err
lg_route_est_enroll(void *self, struct lg_http *ex)
{
	lg_str csr, cert;

	LG_TRY(lg_est_body(ex, &csr));
	LG_TRY(enroll(self, ex, csr, &cert));
	return answer(ex, CERTS_ONLY, &cert, 1);
}

/* ---- renewing (RFC 7030 4.2.2): with the certificate itself, on the surface that asks for one ------------------------- */

/* "MUST be identical": strongSwan cannot write a URI into a request, so one without any subjectAltName means the certificate's. */
static lg_err
check_same(struct lg_ctx *cx, const struct lg_csr *csr, const struct lg_x509 *old)
{
	if (!lg_x509_name_eq(csr->subject, old->subject))
		return lg_fail(cx, LG_E_INVALID, "the request's subject is not that of the certificate that it renews");
	if (csr->names.nuri + csr->names.ndns + csr->names.nip > 0 && !lg_cert_names_eq(&csr->names, &old->exts.names))
		return lg_fail(cx, LG_E_INVALID, "the request's subjectAltName is not that of the certificate that it renews: "
		    "leave it out, or ask for other names by simpleenroll");
	return LG_OK;
}

static lg_err
presented(struct lg_certs *c, struct lg_http *ex, lg_str *profile, struct lg_x509 *ret)
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;
	struct lg_certs_peer peer;
	struct lg_cert_row row;

	LG_TRY(lg_view_begin(ex->cx, c->ports.store, &v));
	LG_TRY(lg_certs_peer(ex->cx, c, v, ex->peer->cert, &peer));
	LG_TRY(lg_cert_find(ex->cx, v, ex->tenant, &peer.serial, &row));
	*profile = lg_dup(ex->cx->arena, row.profile);
	return lg_x509_parse(ex->cx, ex->peer->cert, ret);
}

/* Subject, names and profile stay; the key may be another one. */
static lg_err
renew(struct lg_certs *c, struct lg_http *ex, lg_str der, lg_str *cert)
{
	struct lg_certs_caller who;
	struct lg_x509 old;
	struct lg_csr csr;
	lg_str profile;

	if (ex->header(ex, "Authorization").n > 0)
		return lg_fail(ex->cx, LG_E_INVALID, "a certificate is renewed by itself: leave \"Authorization\" out, or use simpleenroll");
	LG_TRY(authenticate(c, ex, &(struct basic){ .given = false }, &who));
	LG_TRY(lg_csr_parse(ex->cx, der, &csr));
	LG_TRY(presented(c, ex, &profile, &old));
	LG_TRY(check_same(ex->cx, &csr, &old));
	return issue_to(c, ex, &who, profile, csr.spki, &old.exts.names, cert);
}

lg_err
lg_route_est_reenroll(void *self, struct lg_http *ex)
{
	lg_str csr, cert;

	LG_TRY(lg_est_body(ex, &csr));
	LG_TRY(renew(self, ex, csr, &cert));
	return answer(ex, CERTS_ONLY, &cert, 1);
}

/* ---- a key with it (RFC 7030 4.4) ------------------------------------------------------------------------------------ */

/* The client's request with a key of ours: its kind of key and its names stay. */
static lg_err
replace_key(struct lg_ctx *cx, const struct lg_csr *wish, struct lg_key **key, lg_str *csr)
{
	struct lg_csr_names names = { .dns = wish->names.dns, .ndns = wish->names.ndns, .uri = wish->names.uri, .nuri = wish->names.nuri };

	if (wish->names.nip > 0)
		return lg_fail(cx, LG_E_UNSUPPORTED, "a request for a key does not name addresses");
	LG_TRY(lg_key_generate(cx, wish->key, key));
	return lg_csr_make(cx, *key, &names, csr);
}

static void
put_part(struct lg_http *ex, const char *boundary, const char *type, lg_str text)
{
	lg_buf_printf(&ex->out, "--%s\r\nContent-Type: %s\r\nContent-Transfer-Encoding: base64\r\n\r\n", boundary, type);
	lg_buf_str(&ex->out, text);
	lg_buf_str(&ex->out, LG_STR("\r\n"));
}

/* RFC 7030 4.4.2: the key as PKCS#8, then the certificate. */
static lg_err
answer_key(struct lg_http *ex, const struct lg_key *key, lg_str cert)
{
	static const char boundary[] = "lightgate-est";		/* no base64 has a hyphen */
	lg_str pem, pkcs8, text;

	LG_TRY(lg_key_pem(ex->cx, key, &pem));
	if (!lg_pem_parse(ex->cx->arena, pem, LG_STR("PRIVATE KEY"), &pkcs8, NULL))
		return lg_fail(ex->cx, LG_E_INTERNAL, "a key of ours is no PKCS#8");
	LG_TRY(certs_only(ex->cx, &cert, 1, &text));
	lg_http_type(ex, "multipart/mixed; boundary=lightgate-est");
	lg_http_header(ex, "Cache-Control", LG_STR("no-store"));
	put_part(ex, boundary, "application/pkcs8", lg_base64(ex->cx->arena, pkcs8));
	put_part(ex, boundary, CERTS_ONLY, text);
	lg_buf_printf(&ex->out, "--%s--\r\n", boundary);
	return lg_buf_status(ex->cx, &ex->out);
}

lg_err
lg_route_est_serverkeygen(void *self, struct lg_http *ex)
{
	LG_AUTO(lg_key_free) struct lg_key *key = NULL;
	lg_str der, csr, cert;
	struct lg_csr wish;

	LG_TRY(lg_est_body(ex, &der));
	LG_TRY(lg_csr_wish(ex->cx, der, &wish));
	LG_TRY(replace_key(ex->cx, &wish, &key, &csr));
	LG_TRY(enroll(self, ex, csr, &cert));
	return answer_key(ex, key, cert);
}
