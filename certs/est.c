/*
 * est.c: Enrollment over Secure Transport (RFC 7030): a host's first certificate for a join token, and renewal by what it has.
 *
 * Names are the entry's, as everywhere; requests prove a key and narrow.  Bodies are base64 without line breaks, which every client
 * reads (RFC 8951 3.1).  Server-side key generation and full CMC are not offered.
 */
#include "base/text.h"
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

/* RFC 7030 4.1: the root and every issuing certificate that is believed. */
lg_err
lg_route_est_cacerts(void *self, struct lg_http *ex)
{
	LG_AUTO(lg_trust_release) struct lg_trust *t = lg_trust_hold(self);
	lg_str certs[1 + LG_ISSUERS];
	const struct lg_ca *ca;

	LG_TRY(lg_trust_tenant(ex->cx, t, ex->tenant, &ca));
	certs[0] = ca->root.x509.der;
	for (size_t i = 0; i < ca->nissuers; i++)
		certs[1 + i] = ca->issuer[i].x509.der;
	return answer(ex, "application/pkcs7-mime", certs, 1 + ca->nissuers);
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
static lg_err
read_csr(struct lg_http *ex, lg_str *ret)
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

/* RFC 7030 3.2.3: HTTP Basic.  The password is the join token; the user's name is not looked at, since the token names the host. */
static bool
basic_token(struct lg_http *ex, lg_str *token)
{
	lg_str scheme, text, plain, user;

	return lg_str_cut(ex->header(ex, "Authorization"), ' ', &scheme, &text) && lg_str_eq_fold(scheme, LG_STR("Basic")) &&
	    lg_base64_parse(ex->cx->arena, lg_str_trim(text), &plain) && lg_str_cut(plain, ':', &user, token);
}

static lg_err
enroll_by_token(struct lg_certs *c, struct lg_http *ex, lg_str token, lg_str csr, lg_str *cert)
{
	struct lg_actor *a = LG_NEW(ex->cx->arena, struct lg_actor);
	struct lg_joined joined;

	*a = lg_anonymous;
	a->tenant = ex->tenant;
	a->address = lg_str_of(ex->peer->address);
	ex->cx->actor = a;
	LG_TRY(lg_certs_join(ex->cx, c, ex->tenant, token, csr, &joined));
	*cert = joined.issued.cert;
	return LG_OK;
}

/* By a certificate or a bearer token: a new one for the caller's own entry, of the profile of its kind. */
static lg_err
enroll_caller(struct lg_certs *c, struct lg_http *ex, lg_str der, lg_str *cert)
{
	struct lg_cert_request rq = { .tenant = ex->tenant };
	struct lg_certs_caller who;
	struct lg_issued issued;
	struct lg_csr csr;
	lg_err e = c->ports.authenticate(c->ports.callers, ex, "/v1", &who);

	if (e == LG_E_UNAUTHENTICATED)
		lg_http_header(ex, "WWW-Authenticate", LG_STR("Basic realm=\"est\""));
	LG_TRY(e);
	const struct lg_cert_profile *profile = lg_profile_of_type(who.type);
	if (profile == NULL)
		return lg_fail(ex->cx, LG_E_DENIED, "a %.*s has no certificate", LG_FMT(who.type));
	LG_TRY(lg_csr_parse(ex->cx, der, &csr));
	rq.profile = profile->name;
	rq.asker = (struct lg_entity_id){ .type = lg_dup(ex->cx->arena, who.type), .id = who.id, .name = lg_dup(ex->cx->arena, who.name) };
	rq.proof = who.proof;
	rq.entry = who.id;
	rq.spki = csr.spki;
	rq.only = &csr.names;
	LG_TRY(lg_certs_issue(ex->cx, c, &rq, &issued));
	*cert = issued.cert;
	return LG_OK;
}

static lg_err
enroll(struct lg_certs *c, struct lg_http *ex, bool again)
{
	lg_str csr, token, cert;

	LG_TRY(read_csr(ex, &csr));
	if (!again && basic_token(ex, &token))
		LG_TRY(enroll_by_token(c, ex, token, csr, &cert));
	else
		LG_TRY(enroll_caller(c, ex, csr, &cert));
	return answer(ex, "application/pkcs7-mime; smime-type=certs-only", &cert, 1);
}

lg_err
lg_route_est_enroll(void *self, struct lg_http *ex)
{
	return enroll(self, ex, false);
}

/* RFC 7030 4.2.2: with the certificate that is renewed, on the surface that asks for one. */
lg_err
lg_route_est_reenroll(void *self, struct lg_http *ex)
{
	return enroll(self, ex, true);
}
