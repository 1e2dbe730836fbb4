/*
 * tbs.c: the encoder.  One shape for all profiles; what differs is data.
 *
 * The extensions stand in the order of the functions below.  Order means nothing to readers (RFC 5280 4.2), but the same
 * request then always gives the same octets.
 */
#include "certs/tbs.h"

#include "base/clock.h"
#include "crypto/oid.h"
#include "crypto/x509.h"

static void
put_validity(struct lg_buf *b, const struct lg_tbs *t)
{
	size_t seq = lg_derw_begin(b, LG_DER_SEQUENCE);

	lg_derw_time(b, t->not_before - t->not_before % LG_SECOND);
	lg_derw_time(b, t->not_after - t->not_after % LG_SECOND);
	lg_derw_end(b, seq);
}

/* cA is FALSE by default: an empty sequence says "no CA" (4.2.1.9). */
static void
put_basic_constraints(struct lg_buf *b)
{
	struct lg_x509_ext e = lg_x509_ext_begin(b, LG_OID_BASIC, true);

	lg_derw_end(b, lg_derw_begin(b, LG_DER_SEQUENCE));
	lg_x509_ext_end(b, e);
}

static void
put_key_usage(struct lg_buf *b)
{
	struct lg_x509_ext e = lg_x509_ext_begin(b, LG_OID_KEY_USAGE, true);

	lg_derw_named_bits(b, LG_DER_BIT_STRING, LG_KU_DIGITAL_SIGNATURE);
	lg_x509_ext_end(b, e);
}

static void
put_eku(struct lg_buf *b, unsigned eku)
{
	struct lg_x509_ext e = lg_x509_ext_begin(b, LG_OID_EKU, false);
	size_t seq = lg_derw_begin(b, LG_DER_SEQUENCE);

	for (size_t i = 0; i < LG_COUNT(lg_eku_oids); i++)
		if ((eku & 1u << i) != 0)
			lg_derw_oid(b, lg_eku_oids[i]);
	lg_derw_end(b, seq);
	lg_x509_ext_end(b, e);
}

/* 4.2.1.6: critical when the subject is empty, because then nothing else names the holder. */
static void
put_san(struct lg_buf *b, const struct lg_tbs *t)
{
	struct lg_x509_ext e = lg_x509_ext_begin(b, LG_OID_SAN, t->common_name.n == 0);
	size_t seq = lg_derw_begin(b, LG_DER_SEQUENCE);

	for (size_t i = 0; i < t->names->nuri; i++)
		lg_derw_element(b, LG_DER_IMPLICIT(6), t->names->uri[i]);
	for (size_t i = 0; i < t->names->ndns; i++)
		lg_derw_element(b, LG_DER_IMPLICIT(2), t->names->dns[i]);
	for (size_t i = 0; i < t->names->nip; i++)
		lg_derw_element(b, LG_DER_IMPLICIT(7), t->names->ip[i]);
	lg_derw_end(b, seq);
	lg_x509_ext_end(b, e);
}

/* RFC 7093 2 (1): the leftmost 160 bits of the SHA-256 of the key's bits. */
static void
put_ski(struct lg_buf *b, lg_str spki)
{
	struct lg_der d = lg_der_of(spki), info = lg_der_enter(&d, LG_DER_SEQUENCE);
	struct lg_x509_ext e;
	lg_sha256 h;

	lg_der_whole(&info, LG_DER_SEQUENCE);
	h = lg_sha256_of(lg_der_bits(&info));
	e = lg_x509_ext_begin(b, LG_OID_SKI, false);
	lg_derw_octets(b, (lg_str){ (const char *)h.b, LG_KEY_ID });
	lg_x509_ext_end(b, e);
}

/* 4.2.1.13: one DistributionPoint whose fullName [0] [0] is one URI [6]. */
static void
put_crl_point(struct lg_buf *b, lg_str url)
{
	struct lg_x509_ext e = lg_x509_ext_begin(b, LG_OID_CDP, false);
	size_t points = lg_derw_begin(b, LG_DER_SEQUENCE), point = lg_derw_begin(b, LG_DER_SEQUENCE);
	size_t name = lg_derw_begin(b, LG_DER_EXPLICIT(0)), full = lg_derw_begin(b, LG_DER_EXPLICIT(0));

	lg_derw_element(b, LG_DER_IMPLICIT(6), url);
	lg_derw_end(b, full);
	lg_derw_end(b, name);
	lg_derw_end(b, point);
	lg_derw_end(b, points);
	lg_x509_ext_end(b, e);
}

static void
put_access(struct lg_buf *b, lg_str method, lg_str url)
{
	size_t access = lg_derw_begin(b, LG_DER_SEQUENCE);

	lg_derw_oid(b, method);
	lg_derw_element(b, LG_DER_IMPLICIT(6), url);
	lg_derw_end(b, access);
}

/* 4.2.2.1: caIssuers leads to the issuing certificate, ocsp to who answers for it. */
static void
put_aia(struct lg_buf *b, const struct lg_tbs *t)
{
	const lg_str ocsp = LG_STR("\x2b\x06\x01\x05\x05\x07\x30\x01"), ca_issuers = LG_STR("\x2b\x06\x01\x05\x05\x07\x30\x02");
	struct lg_x509_ext e = lg_x509_ext_begin(b, LG_OID_AIA, false);
	size_t list = lg_derw_begin(b, LG_DER_SEQUENCE);

	if (t->ocsp_url.n > 0)
		put_access(b, ocsp, t->ocsp_url);
	put_access(b, ca_issuers, t->ca_url);
	lg_derw_end(b, list);
	lg_x509_ext_end(b, e);
}

/* 4.2.1.4: under which policies it was issued, without qualifiers. */
static lg_err
put_policies(struct lg_ctx *cx, struct lg_buf *b, const struct lg_tbs *t)
{
	struct lg_x509_ext e;
	size_t list;
	lg_str oid;

	if (t->npolicies == 0)
		return LG_OK;
	e = lg_x509_ext_begin(b, LG_OID_POLICIES, false);
	list = lg_derw_begin(b, LG_DER_SEQUENCE);
	for (size_t i = 0; i < t->npolicies; i++) {
		size_t one = lg_derw_begin(b, LG_DER_SEQUENCE);

		if (!lg_oid_parse(cx->arena, t->policies[i], &oid))
			return lg_fail(cx, LG_E_INVALID, "\"%.*s\" is no object identifier", LG_FMT(t->policies[i]));
		lg_derw_oid(b, oid);
		lg_derw_end(b, one);
	}
	lg_derw_end(b, list);
	lg_x509_ext_end(b, e);
	return LG_OK;
}

static lg_err
put_extensions(struct lg_ctx *cx, struct lg_buf *b, const struct lg_tbs *t)
{
	size_t tagged = lg_derw_begin(b, LG_DER_EXPLICIT(3)), list = lg_derw_begin(b, LG_DER_SEQUENCE);

	put_basic_constraints(b);
	put_key_usage(b);
	put_eku(b, t->eku);
	put_san(b, t);
	put_ski(b, t->spki);
	lg_x509_put_aki(b, t->issuer_key_id);
	put_crl_point(b, t->crl_url);
	put_aia(b, t);
	LG_TRY(put_policies(cx, b, t));
	lg_derw_end(b, list);
	lg_derw_end(b, tagged);
	return LG_OK;
}

lg_err
lg_tbs_write(struct lg_ctx *cx, const struct lg_tbs *t, lg_str *ret)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(LG_TBS_MAX);
	size_t tbs = lg_derw_begin(&b, LG_DER_SEQUENCE), version = lg_derw_begin(&b, LG_DER_EXPLICIT(0));

	lg_derw_int(&b, 2);			/* v3 */
	lg_derw_end(&b, version);
	lg_derw_unsigned(&b, (lg_str){ (const char *)t->serial.b, sizeof t->serial.b });
	lg_derw_raw(&b, lg_x509_alg(t->alg));
	lg_derw_raw(&b, t->issuer);
	put_validity(&b, t);
	lg_x509_put_name(&b, t->common_name);
	lg_derw_raw(&b, t->spki);
	LG_TRY(put_extensions(cx, &b, t));
	lg_derw_end(&b, tbs);
	LG_TRY(lg_buf_status(cx, &b));
	*ret = lg_dup(cx->arena, lg_buf_view(&b));
	return LG_OK;
}
