/* test_ocsp.c: OCSP with OpenSSL as client: it makes the requests and verifies the answers. */
#include <criterion/criterion.h>
#include <openssl/ocsp.h>

#include "certs/ocsp.h"
#include "tests/certs/world.h"

static OCSP_CERTID *
id_of(struct world *w, lg_str cert, uint32_t tenant, const EVP_MD *digest)
{
	X509 *x = x509_of(cert);
	OCSP_CERTID *id = OCSP_cert_to_id(digest, x, w->keys[tenant].issuer);

	X509_free(x);
	return id;
}

static lg_str
request_der(struct world *w, OCSP_REQUEST *rq)
{
	unsigned char *p = NULL;
	int n = i2d_OCSP_REQUEST(rq, &p);
	lg_str der = lg_dup(w->arena, (lg_str){ (char *)p, (size_t)n });

	OPENSSL_free(p);
	return der;
}

static void
keep(void *arg, const struct lg_ocsp_answer *a)
{
	*(struct lg_ocsp_answer *)arg = *a;
}

static OCSP_RESPONSE *
ask(struct world *w, lg_str der)
{
	struct lg_ocsp_answer a = { .der = LG_NONE };
	const unsigned char *p;
	OCSP_RESPONSE *r;

	lg_store_turn(w->store);
	cr_assert_eq(lg_certs_ocsp(&w->cx, w->certs, TENANT_A, der, keep, &a), LG_OK, "%s", w->cx.error);
	p = (const unsigned char *)a.der.p;
	r = d2i_OCSP_RESPONSE(NULL, &p, (long)a.der.n);
	cr_assert_not_null(r);
	cr_assert_eq(p, (const unsigned char *)a.der.p + a.der.n);
	cr_assert_eq(OCSP_response_status(r), (int)a.status);
	return r;
}

static lg_str
raw(struct world *w, lg_str der)
{
	struct lg_ocsp_answer a = { .der = LG_NONE };

	lg_store_turn(w->store);
	cr_assert_eq(lg_certs_ocsp(&w->cx, w->certs, TENANT_A, der, keep, &a), LG_OK, "%s", w->cx.error);
	cr_assert_eq(a.status, LG_OCSP_SUCCESSFUL);
	return lg_dup(w->arena, a.der);
}

/* The verified status of one certificate: V_OCSP_CERTSTATUS_*; the nonce must come back. */
static int
status_of(struct world *w, lg_str cert, uint32_t tenant, const EVP_MD *digest, int *reason)
{
	OCSP_REQUEST *rq = OCSP_REQUEST_new();
	OCSP_CERTID *id = id_of(w, cert, tenant, digest);
	STACK_OF(X509) *issuers = sk_X509_new_null();
	ASN1_GENERALIZEDTIME *revoked, *this, *next;
	OCSP_RESPONSE *r;
	OCSP_BASICRESP *b;
	int status = -1;

	OCSP_request_add0_id(rq, OCSP_CERTID_dup(id));
	OCSP_request_add1_nonce(rq, NULL, 16);
	r = ask(w, request_der(w, rq));
	cr_assert_eq(OCSP_response_status(r), OCSP_RESPONSE_STATUS_SUCCESSFUL);
	b = OCSP_response_get1_basic(r);
	sk_X509_push(issuers, w->keys[TENANT_A].issuer);
	cr_assert_eq(OCSP_basic_verify(b, issuers, NULL, OCSP_TRUSTOTHER), 1);
	cr_assert_eq(OCSP_check_nonce(rq, b), 1);
	cr_assert_eq(OCSP_resp_find_status(b, id, &status, reason, &revoked, &this, &next), 1);
	cr_assert_eq(OCSP_check_validity(this, next, 0, -1), 1);
	sk_X509_free(issuers);
	OCSP_BASICRESP_free(b);
	OCSP_RESPONSE_free(r);
	OCSP_REQUEST_free(rq);
	OCSP_CERTID_free(id);
	return status;
}

Test(ocsp, good_revoked_and_unknown_by_either_digest)
{
	static const EVP_MD *(*const digests[])(void) = { EVP_sha1, EVP_sha256 };
	struct world *w = world_new();

	for (size_t i = 0; i < LG_COUNT(digests); i++) {
		struct lg_issued is = world_issued(w, w->host, "host");
		struct craft c = craft_good(w, TENANT_A);
		int reason = -1;

		cr_assert_eq(status_of(w, is.cert, TENANT_A, digests[i](), &reason), V_OCSP_CERTSTATUS_GOOD);
		cr_assert_eq(lg_certs_revoke(&w->cx, w->certs, TENANT_A, &is.serial, LG_REVOKED_KEY_COMPROMISE), LG_OK);
		cr_assert_eq(status_of(w, is.cert, TENANT_A, digests[i](), &reason), V_OCSP_CERTSTATUS_REVOKED);
		cr_assert_eq(reason, OCSP_REVOKED_STATUS_KEYCOMPROMISE);
		/* Signed with our key, but not by us: nobody recorded it. */
		cr_assert_eq(status_of(w, craft_der(w, &c), TENANT_A, digests[i](), &reason), V_OCSP_CERTSTATUS_UNKNOWN);
	}
	world_free(w);
}

Test(ocsp, other_issuers_are_not_answered_for)
{
	struct world *w = world_new();
	OCSP_REQUEST *rq = OCSP_REQUEST_new();
	OCSP_RESPONSE *r;

	OCSP_request_add0_id(rq, id_of(w, world_issued(w, w->host, "host").cert, TENANT_B, EVP_sha1()));
	r = ask(w, request_der(w, rq));
	cr_assert_eq(OCSP_response_status(r), OCSP_RESPONSE_STATUS_UNAUTHORIZED);
	OCSP_RESPONSE_free(r);
	OCSP_REQUEST_free(rq);
	world_free(w);
}

Test(ocsp, a_request_is_bounded)
{
	struct world *w = world_new();
	lg_str cert = world_issued(w, w->host, "host").cert;
	OCSP_REQUEST *rq = OCSP_REQUEST_new();
	OCSP_RESPONSE *r;

	for (int i = 0; i < LG_OCSP_ASKED; i++)
		OCSP_request_add0_id(rq, id_of(w, cert, TENANT_A, EVP_sha1()));
	r = ask(w, request_der(w, rq));
	cr_assert_eq(OCSP_response_status(r), OCSP_RESPONSE_STATUS_SUCCESSFUL);
	OCSP_RESPONSE_free(r);
	OCSP_request_add0_id(rq, id_of(w, cert, TENANT_A, EVP_sha1()));
	r = ask(w, request_der(w, rq));
	cr_assert_eq(OCSP_response_status(r), OCSP_RESPONSE_STATUS_MALFORMEDREQUEST);
	OCSP_RESPONSE_free(r);
	OCSP_REQUEST_free(rq);
	world_free(w);
}

static int
status_with_nonce(struct world *w, lg_str cert, int octets)
{
	OCSP_REQUEST *rq = OCSP_REQUEST_new();
	OCSP_RESPONSE *r;
	int status;

	OCSP_request_add0_id(rq, id_of(w, cert, TENANT_A, EVP_sha1()));
	OCSP_request_add1_nonce(rq, NULL, octets);
	r = ask(w, request_der(w, rq));
	status = OCSP_response_status(r);
	OCSP_RESPONSE_free(r);
	OCSP_REQUEST_free(rq);
	return status;
}

Test(ocsp, nonces_have_1_to_32_octets)
{
	struct world *w = world_new();
	lg_str cert = world_issued(w, w->host, "host").cert;

	cr_assert_eq(status_with_nonce(w, cert, 1), OCSP_RESPONSE_STATUS_SUCCESSFUL);
	cr_assert_eq(status_with_nonce(w, cert, 32), OCSP_RESPONSE_STATUS_SUCCESSFUL);
	cr_assert_eq(status_with_nonce(w, cert, 33), OCSP_RESPONSE_STATUS_MALFORMEDREQUEST);
	world_free(w);
}

Test(ocsp, damage_is_malformed_and_a_missing_keeper_means_later)
{
	struct world *w = world_new();
	OCSP_REQUEST *rq = OCSP_REQUEST_new();
	struct lg_ocsp_request parsed;
	OCSP_RESPONSE *r;
	lg_str der;

	OCSP_request_add0_id(rq, id_of(w, world_issued(w, w->host, "host").cert, TENANT_A, EVP_sha256()));
	der = request_der(w, rq);
	for (size_t i = 0; i < der.n; i++) {
		r = ask(w, lg_str_sub(der, 0, i));
		cr_assert_eq(OCSP_response_status(r), OCSP_RESPONSE_STATUS_MALFORMEDREQUEST);
		OCSP_RESPONSE_free(r);
	}
	cr_assert_eq(lg_ocsp_parse(&w->cx, lg_cat(w->arena, der, LG_STR("\0")), &parsed), LG_E_INVALID);
	cr_assert_eq(lg_ocsp_parse(&w->cx, (lg_str){ lg_alloc(w->arena, LG_OCSP_MAX + 1), LG_OCSP_MAX + 1 }, &parsed), LG_E_INVALID);
	w->keeper_gone = true;
	r = ask(w, der);
	cr_assert_eq(OCSP_response_status(r), OCSP_RESPONSE_STATUS_TRYLATER);
	OCSP_RESPONSE_free(r);
	OCSP_REQUEST_free(rq);
	world_free(w);
}

Test(ocsp, an_answer_is_given_again_until_trust_changes_or_it_is_old)
{
	struct world *w = world_new();
	struct lg_issued is = world_issued(w, w->host, "host");
	OCSP_REQUEST *rq = OCSP_REQUEST_new();
	lg_str der, first, again;

	OCSP_request_add0_id(rq, id_of(w, is.cert, TENANT_A, EVP_sha1()));
	der = request_der(w, rq);
	first = raw(w, der);
	cr_assert_eq(w->signed_ocsp, 1);
	again = raw(w, der);
	cr_assert(w->signed_ocsp == 1 && lg_str_eq(first, again));
	w->cx.now += LG_OCSP_KEPT + LG_SECOND;
	raw(w, der);
	cr_assert_eq(w->signed_ocsp, 2, "old");
	cr_assert_eq(lg_certs_revoke(&w->cx, w->certs, TENANT_A, &is.serial, LG_REVOKED_SUPERSEDED), LG_OK, "%s", w->cx.error);
	again = raw(w, der);
	cr_assert(w->signed_ocsp == 3 && !lg_str_eq(first, again), "revoked");
	OCSP_request_add1_nonce(rq, NULL, 16);
	der = request_der(w, rq);
	raw(w, der);
	raw(w, der);
	cr_assert_eq(w->signed_ocsp, 5, "nobody else has this nonce");
	OCSP_REQUEST_free(rq);
	world_free(w);
}

Test(ocsp, what_is_unknown_is_asked_for_anew)
{
	struct world *w = world_new();
	OCSP_REQUEST *rq = OCSP_REQUEST_new();
	struct craft odd = craft_good(w, TENANT_A);
	lg_str cert = craft_der(w, &odd), der;

	OCSP_request_add0_id(rq, id_of(w, cert, TENANT_A, EVP_sha256()));
	der = request_der(w, rq);
	raw(w, der);
	world_record(w, TENANT_A, w->host, "Host", "node1", cert);
	raw(w, der);
	cr_assert_eq(w->signed_ocsp, 2, "it may be issued meanwhile");
	OCSP_REQUEST_free(rq);
	world_free(w);
}

Test(ocsp, a_keeper_that_goes_meanwhile_means_later)
{
	struct world *w = world_new();
	OCSP_REQUEST *rq = OCSP_REQUEST_new();
	OCSP_RESPONSE *r;

	OCSP_request_add0_id(rq, id_of(w, world_issued(w, w->host, "host").cert, TENANT_A, EVP_sha256()));
	w->keeper_late = true;
	r = ask(w, request_der(w, rq));
	cr_assert_eq(OCSP_response_status(r), OCSP_RESPONSE_STATUS_TRYLATER);
	OCSP_RESPONSE_free(r);
	OCSP_REQUEST_free(rq);
	world_free(w);
}
