/*
 * csr.c: PKCS#10 requests (RFC 2986), read with bounds and proved.
 *
 * A request is a key, a proof that its holder has the private half, and wishes.  Of the wishes only the names of
 * subjectAltName count, and they can only narrow; every other extension is the profile's business, and the subject that of few callers.
 */
#include "certs/csr.h"

#include "certs/x509.h"

static const lg_str extension_request = LG_STR("\x2a\x86\x48\x86\xf7\x0d\x01\x09\x0e");	/* RFC 2985 5.4.2 */
/* RFC 4108 2.2.5, RFC 7030 4.4.1.2: DecryptKeyIdentifier, AsymmetricDecryptKeyIdentifier */
static const lg_str decrypt_with[] = { LG_STR("\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x02\x25"),
	LG_STR("\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x02\x36") };

struct parts {
	struct lg_csr csr;
	lg_str info, alg, sig;
	bool encrypted;			/* a key made for it would have to be */
};

static lg_err
read_extensions(struct lg_ctx *cx, struct lg_der *values, struct lg_cert_names *ret)
{
	struct lg_x509_exts exts;

	LG_TRY(lg_x509_exts_parse(cx, lg_der_whole(values, LG_DER_SEQUENCE), &exts));
	if (exts.other_names)
		return lg_fail(cx, LG_E_INVALID, "the request asks for names of a kind that is not issued");
	if (exts.ca || (exts.key_usage & (LG_KU_KEY_CERT_SIGN | LG_KU_CRL_SIGN)) != 0)
		return lg_fail(cx, LG_E_INVALID, "the request asks for a CA certificate");
	/* RFC 5280 4.2: what is critical and not understood is refused, not left out. */
	if (exts.unknown_critical)
		return lg_fail(cx, LG_E_INVALID, "the request has a critical extension that is not known");
	*ret = exts.names;
	return LG_OK;
}

/* attributes [0] IMPLICIT SET OF Attribute; each at most once, all but extensionRequest passed over. */
static lg_err
read_attributes(struct lg_ctx *cx, struct lg_der *info, struct parts *ret)
{
	struct lg_der attributes = lg_der_enter(info, LG_DER_EXPLICIT(0));
	bool seen = false;

	for (size_t n = 0; lg_der_more(&attributes); n++) {
		struct lg_der attribute = lg_der_enter(&attributes, LG_DER_SEQUENCE), values;
		lg_str oid = lg_der_oid(&attribute);

		if (n == LG_CSR_ATTRIBUTES)
			return lg_fail(cx, LG_E_LIMIT, "more than %d attributes in a request", LG_CSR_ATTRIBUTES);
		for (size_t i = 0; i < LG_COUNT(decrypt_with); i++)
			ret->encrypted = ret->encrypted || lg_str_eq(oid, decrypt_with[i]);
		if (!lg_str_eq(oid, extension_request)) {
			if (!lg_der_valid(lg_der_whole(&attribute, LG_DER_SET)))
				lg_der_fault(&attribute);
			lg_der_leave(&attributes, &attribute);
			continue;
		}
		if (seen)
			lg_der_fault(&attributes);
		seen = true;
		values = lg_der_enter(&attribute, LG_DER_SET);
		LG_TRY(read_extensions(cx, &values, &ret->csr.names));
		lg_der_leave(&attribute, &values);
		lg_der_leave(&attributes, &attribute);
	}
	lg_der_leave(info, &attributes);
	return LG_OK;
}

/* Name ::= SEQUENCE OF SET OF AttributeTypeAndValue. */
static void
read_subject(struct lg_der *info, struct lg_csr *ret)
{
	struct lg_der name, rdns;

	ret->subject = lg_der_whole(info, LG_DER_SEQUENCE);
	name = lg_der_of(ret->subject);
	rdns = lg_der_enter(&name, LG_DER_SEQUENCE);
	while (lg_der_more(&rdns)) {
		struct lg_der set = lg_der_enter(&rdns, LG_DER_SET);

		while (lg_der_more(&set)) {
			struct lg_der pair = lg_der_enter(&set, LG_DER_SEQUENCE);
			lg_str type = lg_der_oid(&pair);
			struct lg_der_item value;

			if (lg_der_next(&pair, &value) && lg_str_eq(type, LG_STR("\x55\x04\x03")))
				ret->common_name = value.body;
			lg_der_leave(&set, &pair);
		}
		lg_der_leave(&rdns, &set);
	}
	lg_der_leave(info, &rdns);
}

/* CertificationRequestInfo ::= SEQUENCE { version 0, subject Name, subjectPKInfo, attributes [0] } */
static lg_err
read_info(struct lg_ctx *cx, struct parts *ret)
{
	struct lg_der d = lg_der_of(ret->info), info = lg_der_enter(&d, LG_DER_SEQUENCE);

	if (lg_der_int(&info) != 0)
		lg_der_fault(&info);
	read_subject(&info, &ret->csr);
	ret->csr.spki = lg_der_whole(&info, LG_DER_SEQUENCE);
	LG_TRY(read_attributes(cx, &info, ret));
	lg_der_leave(&d, &info);
	return lg_der_end(cx, &d, "certificate request");
}

static lg_err
check_proof(struct lg_ctx *cx, lg_str spki, lg_str bytes, lg_str alg_der, lg_str sig)
{
	LG_AUTO(lg_pubkey_unref) struct lg_pubkey *key = NULL;
	enum lg_alg alg = lg_x509_alg_of(alg_der);

	if (alg == LG_ALG_NONE)
		return lg_fail(cx, LG_E_UNSUPPORTED, "the request is signed with an algorithm that is not accepted");
	LG_TRY(lg_pubkey_from_spki(cx, spki, &key));
	if (!lg_csr_proof_valid(key, alg, bytes, sig))
		return lg_fail(cx, LG_E_INVALID, "the request's signature does not prove possession of its key");
	return LG_OK;
}

static lg_err
read_request(struct lg_ctx *cx, lg_str der, struct parts *ret)
{
	struct lg_der d = lg_der_of(der), csr;

	if (der.n > LG_CSR_MAX)
		return lg_fail(cx, LG_E_LIMIT, "a certificate request of more than %u octets", LG_CSR_MAX);
	csr = lg_der_enter(&d, LG_DER_SEQUENCE);
	ret->info = lg_der_whole(&csr, LG_DER_SEQUENCE);
	ret->alg = lg_der_whole(&csr, LG_DER_SEQUENCE);
	ret->sig = lg_der_bits(&csr);
	lg_der_leave(&d, &csr);
	LG_TRY(lg_der_end(cx, &d, "certificate request"));
	LG_TRY(read_info(cx, ret));
	return lg_spki_check(cx, ret->csr.spki, &ret->csr.key);
}

lg_err
lg_csr_parse(struct lg_ctx *cx, lg_str der, struct lg_csr *ret)
{
	struct parts p = { .encrypted = false };

	LG_TRY(read_request(cx, der, &p));
	LG_TRY(check_proof(cx, p.csr.spki, p.info, p.alg, p.sig));
	*ret = p.csr;
	return LG_OK;
}

lg_err
lg_csr_wish(struct lg_ctx *cx, lg_str der, struct lg_csr *ret)
{
	struct parts p = { .encrypted = false };

	LG_TRY(read_request(cx, der, &p));
	if (p.encrypted)
		return lg_fail(cx, LG_E_UNSUPPORTED, "keys that are made here are encrypted for nobody: leave the identifier of a decryption key out");
	*ret = p.csr;
	return LG_OK;
}
