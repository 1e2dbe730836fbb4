/*
 * chain.c: RFC 5280 6.1.3 and 6.1.4 for the two links that our paths have: root, issuing CA, leaf.
 *
 * Names are compared octet by octet (stricter than 7.1): both sides of a comparison were written by us.
 * Constraints of a CA certificate on names are in constraints.c.
 */
#include "certs/chain.h"

#include "certs/csr.h"

lg_err
lg_x509_valid_at(struct lg_ctx *cx, const struct lg_x509 *x, int64_t now)
{
	if (now < x->not_before)
		return lg_fail(cx, LG_E_EXPIRED, "the certificate is not valid yet");
	if (now > x->not_after)
		return lg_fail(cx, LG_E_EXPIRED, "the certificate has expired");
	return LG_OK;
}

lg_err
lg_x509_link(struct lg_ctx *cx, const struct lg_x509 *issuer, const struct lg_pubkey *issuer_key, const struct lg_x509 *cert,
    int64_t now)
{
	enum lg_alg alg = lg_x509_alg_of(cert->alg);

	/* 4.1.1.2: the algorithm outside the signature must be the one inside. */
	if (alg == LG_ALG_NONE || !lg_str_eq(cert->alg, cert->tbs_alg))
		return lg_fail(cx, LG_E_UNAUTHENTICATED, "the certificate's signature algorithm is not accepted");
	if (!lg_str_eq(cert->issuer, issuer->subject))
		return lg_fail(cx, LG_E_UNAUTHENTICATED, "the certificate names another issuer");
	if (cert->exts.aki.n > 0 && issuer->exts.ski.n > 0 && !lg_str_eq(cert->exts.aki, issuer->exts.ski))
		return lg_fail(cx, LG_E_UNAUTHENTICATED, "the certificate names another key of its issuer");
	LG_TRY(lg_x509_valid_at(cx, cert, now));
	/* A root elsewhere may sign with another digest than its key's own (stock tools: P-384 with SHA-256). */
	if (!lg_csr_proof_valid(issuer_key, alg, cert->tbs, cert->sig))
		return lg_fail(cx, LG_E_UNAUTHENTICATED, "the certificate's signature is not its issuer's");
	return LG_OK;
}

/* Extensions whose critical mark we can answer for in a CA certificate. */
#define CA_CRITICAL (1u << LG_EXT_BASIC_CONSTRAINTS | 1u << LG_EXT_KEY_USAGE | 1u << LG_EXT_NAME_CONSTRAINTS | 1u << LG_EXT_EKU)

lg_err
lg_x509_is_ca(struct lg_ctx *cx, const struct lg_x509 *x, int64_t below)
{
	const struct lg_x509_exts *e = &x->exts;

	if (x->version != 2 || !e->ca || !lg_x509_critical(e, LG_EXT_BASIC_CONSTRAINTS))
		return lg_fail(cx, LG_E_INVALID, "not a CA certificate (RFC 5280 4.2.1.9)");
	if (e->path_len >= 0 && e->path_len < below)
		return lg_fail(cx, LG_E_INVALID, "the CA may not have that many CAs below it (RFC 5280 4.2.1.9)");
	if ((e->key_usage & LG_KU_KEY_CERT_SIGN) == 0)
		return lg_fail(cx, LG_E_INVALID, "the CA's key usage lacks keyCertSign (RFC 5280 4.2.1.3)");
	if (lg_x509_has(e, LG_EXT_NAME_CONSTRAINTS) && !lg_x509_critical(e, LG_EXT_NAME_CONSTRAINTS))
		return lg_fail(cx, LG_E_INVALID, "the CA's name constraints are not critical (RFC 5280 4.2.1.10)");
	if (e->unknown_critical || (e->critical & ~CA_CRITICAL) != 0)
		return lg_fail(cx, LG_E_INVALID, "a critical extension of the CA certificate is not understood (RFC 5280 4.2)");
	return LG_OK;
}
