/* csr.c: certification requests (PKCS#10, RFC 2986) for keys of ours. */
#include "crypto/key.h"

#include "base/der.h"
#include "base/text.h"
#include "crypto/oid.h"
#include "crypto/x509.h"

enum { CSR_MAX = 16 << 10 };

static void
put_names(struct lg_buf *b, const lg_str *name, size_t n, uint8_t tag)
{
	for (size_t i = 0; i < n; i++)
		lg_derw_element(b, tag, name[i]);
}

/* [0] Attributes with one extensionRequest (RFC 2985 5.4.2) holding the subjectAltName; empty without names. */
static void
put_attributes(struct lg_buf *b, const struct lg_csr_names *names)
{
	size_t attrs = lg_derw_begin(b, LG_DER_EXPLICIT(0));

	if (names->ndns + names->nuri > 0) {
		size_t attr = lg_derw_begin(b, LG_DER_SEQUENCE);
		lg_derw_oid(b, LG_OID_EXTENSION_REQUEST);
		size_t set = lg_derw_begin(b, LG_DER_SET);
		size_t exts = lg_derw_begin(b, LG_DER_SEQUENCE);
		struct lg_x509_ext ext = lg_x509_ext_begin(b, LG_OID_SAN, false);
		size_t san = lg_derw_begin(b, LG_DER_SEQUENCE);
		put_names(b, names->dns, names->ndns, LG_DER_IMPLICIT(2));
		put_names(b, names->uri, names->nuri, LG_DER_IMPLICIT(6));
		lg_derw_end(b, san);
		lg_x509_ext_end(b, ext);
		lg_derw_end(b, exts);
		lg_derw_end(b, set);
		lg_derw_end(b, attr);
	}
	lg_derw_end(b, attrs);
}

static bool
all_ia5(const lg_str *name, size_t n)
{
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < name[i].n; j++)
			if (name[i].p[j] <= ' ' || name[i].p[j] > '~')
				return false;
	return true;
}

lg_err
lg_csr_make(struct lg_ctx *cx, const struct lg_key *k, const struct lg_csr_names *names, lg_str *der)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(CSR_MAX);
	enum lg_alg alg = lg_pubkey_default_alg(k->pub);
	lg_str sig;

	if (!all_ia5(names->dns, names->ndns) || !all_ia5(names->uri, names->nuri)
	    || !lg_utf8_valid(names->common_name))
		return lg_fail(cx, LG_E_INVALID, "a name for a certificate has characters it cannot have");
	size_t csr = lg_derw_begin(&b, LG_DER_SEQUENCE);
	size_t from = b.n;
	size_t info = lg_derw_begin(&b, LG_DER_SEQUENCE);
	lg_derw_int(&b, 0);
	lg_x509_put_name(&b, names->common_name);
	lg_derw_raw(&b, k->pub->spki);
	put_attributes(&b, names);
	lg_derw_end(&b, info);
	LG_TRY(lg_buf_status(cx, &b));
	LG_TRY(lg_key_sign_der(cx, k, alg, (lg_str){ b.p + from, b.n - from }, &sig));
	lg_x509_put_sig_alg(&b, alg);
	lg_derw_bits(&b, sig);
	lg_derw_end(&b, csr);
	LG_TRY(lg_buf_status(cx, &b));
	*der = lg_dup(cx->arena, lg_buf_view(&b));
	return LG_OK;
}
