/* cert.c: RFC 5280 4.1, strictly as far as it is read; TLS libraries check the rest when the certificate is used. */
#include "agent/cert.h"

#include "base/der.h"
#include "base/text.h"

static struct lg_der
read_tbs(struct lg_der *outer, struct lg_cert *ret)
{
	struct lg_der tbs = lg_der_enter(outer, LG_DER_SEQUENCE), validity;
	lg_str version;

	(void)lg_der_optional(&tbs, LG_DER_EXPLICIT(0), &version);
	(void)lg_der_integer(&tbs);			/* serial */
	(void)lg_der_take(&tbs, LG_DER_SEQUENCE);	/* signature algorithm: the key of the issuer has one */
	(void)lg_der_take(&tbs, LG_DER_SEQUENCE);	/* issuer */
	validity = lg_der_enter(&tbs, LG_DER_SEQUENCE);
	ret->not_before = lg_der_time(&validity);
	ret->not_after = lg_der_time(&validity);
	lg_der_leave(&tbs, &validity);
	(void)lg_der_take(&tbs, LG_DER_SEQUENCE);	/* subject */
	ret->spki = lg_der_whole(&tbs, LG_DER_SEQUENCE);
	return tbs;
}

lg_err
lg_cert_parse(struct lg_ctx *cx, lg_str der, struct lg_cert *ret)
{
	struct lg_der d = lg_der_of(der), copy, cert, tbs;
	struct lg_cert found = { .der = der };

	copy = d;
	cert = lg_der_enter(&copy, LG_DER_SEQUENCE);
	found.tbs = lg_der_whole(&cert, LG_DER_SEQUENCE);
	(void)lg_der_take(&cert, LG_DER_SEQUENCE);
	found.signature = lg_der_bits(&cert);
	lg_der_leave(&copy, &cert);
	LG_TRY(lg_der_end(cx, &copy, "certificate"));
	struct lg_der inner = lg_der_of(found.tbs);
	tbs = read_tbs(&inner, &found);
	if (tbs.bad)
		return lg_fail(cx, LG_E_INVALID, "malformed certificate");
	*ret = found;
	return LG_OK;
}

bool
lg_cert_signed_by(struct lg_ctx *cx, const struct lg_cert *child, const struct lg_cert *parent)
{
	LG_AUTO(lg_pubkey_unref) struct lg_pubkey *key = NULL;

	return lg_pubkey_from_spki(cx, parent->spki, &key) == LG_OK &&
	    lg_verify_der(key, lg_pubkey_default_alg(key), child->tbs, child->signature);
}

lg_err
lg_cert_check(struct lg_ctx *cx, lg_str pem, lg_str chain, lg_str root, const struct lg_pubkey *key, struct lg_cert *ret)
{
	struct lg_cert leaf, above, top;
	lg_str der;

	LG_TRY(lg_cert_parse(cx, root, &top));
	if (!lg_pem_parse(cx->arena, pem, LG_STR("CERTIFICATE"), &der, NULL))
		return lg_fail(cx, LG_E_INVALID, "the answer holds no certificate");
	LG_TRY(lg_cert_parse(cx, der, &leaf));
	if (!lg_str_eq(leaf.spki, lg_pubkey_spki(key)))
		return lg_fail(cx, LG_E_INVALID, "the certificate is for another key");
	struct lg_cert at = leaf;
	for (int i = 0; i < LG_CERT_CHAIN && lg_pem_parse(cx->arena, chain, LG_STR("CERTIFICATE"), &der, &chain); i++) {
		LG_TRY(lg_cert_parse(cx, der, &above));
		if (!lg_cert_signed_by(cx, &at, &above))
			return lg_fail(cx, LG_E_INVALID, "the certificate's chain does not hold");
		at = above;
	}
	if (!lg_cert_signed_by(cx, &at, &top))
		return lg_fail(cx, LG_E_INVALID, "the certificate does not lead to the root that this host trusts");
	*ret = leaf;
	return LG_OK;
}
