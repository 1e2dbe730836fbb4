/* x509.c: names, extensions, signature algorithms and key identifiers, written. */
#include "crypto/x509.h"

#include "base/der.h"
#include "crypto/oid.h"

void
lg_x509_put_name(struct lg_buf *b, lg_str common_name)
{
	size_t name = lg_derw_begin(b, LG_DER_SEQUENCE);

	if (common_name.n > 0) {
		size_t rdn = lg_derw_begin(b, LG_DER_SET);
		size_t ava = lg_derw_begin(b, LG_DER_SEQUENCE);
		lg_derw_oid(b, LG_OID_COMMON_NAME);
		lg_derw_utf8(b, common_name);
		lg_derw_end(b, ava);
		lg_derw_end(b, rdn);
	}
	lg_derw_end(b, name);
}

static const struct {
	enum lg_alg alg;
	lg_str oid;
	bool null;			/* RFC 4055 5: RSA has a NULL parameter, the others have none */
} sig_algs[] = {
	{ LG_ALG_ES256, LG_OID_ECDSA_SHA256, false },
	{ LG_ALG_ES384, LG_STR("\x2a\x86\x48\xce\x3d\x04\x03\x03"), false },
	{ LG_ALG_EDDSA, LG_OID_ED25519, false },
	{ LG_ALG_RS256, LG_STR("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b"), true },
};

void
lg_x509_put_sig_alg(struct lg_buf *b, enum lg_alg alg)
{
	for (size_t i = 0; i < LG_COUNT(sig_algs); i++) {
		if (sig_algs[i].alg != alg)
			continue;
		size_t seq = lg_derw_begin(b, LG_DER_SEQUENCE);
		lg_derw_oid(b, sig_algs[i].oid);
		if (sig_algs[i].null)
			lg_derw_null(b);
		lg_derw_end(b, seq);
	}
}

struct lg_x509_ext
lg_x509_ext_begin(struct lg_buf *b, lg_str oid, bool critical)
{
	struct lg_x509_ext e;

	e.ext = lg_derw_begin(b, LG_DER_SEQUENCE);
	lg_derw_oid(b, oid);
	if (critical)			/* DEFAULT FALSE is not encoded (X.690 11.5) */
		lg_derw_boolean(b, true);
	e.value = lg_derw_begin(b, LG_DER_OCTET_STRING);
	return e;
}

void
lg_x509_ext_end(struct lg_buf *b, struct lg_x509_ext e)
{
	lg_derw_end(b, e.value);
	lg_derw_end(b, e.ext);
}

void
lg_x509_put_aki(struct lg_buf *b, lg_str key_id)
{
	struct lg_x509_ext e = lg_x509_ext_begin(b, LG_OID_AKI, false);
	size_t seq = lg_derw_begin(b, LG_DER_SEQUENCE);

	lg_derw_element(b, LG_DER_IMPLICIT(0), key_id);
	lg_derw_end(b, seq);
	lg_x509_ext_end(b, e);
}

struct lg_key_id
lg_x509_key_id(const struct lg_pubkey *k)
{
	struct lg_der d = lg_der_of(lg_pubkey_spki(k)), spki = lg_der_enter(&d, LG_DER_SEQUENCE);
	struct lg_key_id id;

	lg_der_take(&spki, LG_DER_SEQUENCE);
	lg_sha256 h = lg_sha256_of(lg_der_bits(&spki));
	memcpy(id.b, h.b, sizeof id.b);
	return id;
}

bool
lg_x509_enter(lg_str der, struct lg_x509_parts *ret)
{
	struct lg_der d = lg_der_of(der), cert = lg_der_enter(&d, LG_DER_SEQUENCE), tbs = lg_der_enter(&cert, LG_DER_SEQUENCE);
	lg_str version;

	(void)lg_der_optional(&tbs, LG_DER_EXPLICIT(0), &version);
	(void)lg_der_take(&tbs, LG_DER_INTEGER);	/* serial number */
	for (int i = 0; i < 3; i++)
		(void)lg_der_take(&tbs, LG_DER_SEQUENCE);	/* signature, issuer, validity */
	ret->subject = lg_der_whole(&tbs, LG_DER_SEQUENCE);
	ret->spki = lg_der_whole(&tbs, LG_DER_SEQUENCE);
	ret->rest = tbs;
	return !tbs.bad && !cert.bad && !d.bad;
}

lg_err
lg_pubkey_from_cert(struct lg_ctx *cx, lg_str der, struct lg_pubkey **ret)
{
	struct lg_x509_parts parts;

	if (!lg_x509_enter(der, &parts))
		return lg_fail(cx, LG_E_INVALID, "malformed certificate");
	return lg_pubkey_from_spki(cx, parts.spki, ret);
}
