/* tbs_status.c: what is read in a TBSCertList (RFC 5280 5.1) and a ResponseData (RFC 6960 4.2.1) before signing. */
#include "base/clock.h"
#include "base/der.h"
#include "crypto/keeper/tbs_check.h"

#define CLOCKS_APART	(10 * LG_MINUTE)
#define NEXT_UPDATE_MAX	(31 * LG_DAY)
#define RESPONSES_MAX	256

/* ---- CRLs ------------------------------------------------------------------------------------------------------------------ */

/* The outer SEQUENCE of a document whose end has not arrived: a cursor over what is there of its content. */
static bool
open_sequence(lg_str part, struct lg_der *content, size_t *total)
{
	struct lg_rd rd = lg_rd_of(part);
	size_t n;

	if (lg_rd_u8(&rd) != LG_DER_SEQUENCE)
		return false;
	uint8_t first = lg_rd_u8(&rd), octets = first & 0x7f;
	if (first < 0x80) {
		n = first;
	} else {
		if (octets == 0 || octets > 4)
			return false;
		for (n = 0; octets > 0; octets--)
			n = n << 8 | lg_rd_u8(&rd);
	}
	if (rd.bad || (first >= 0x80 && n < 0x80))
		return false;
	*total = (size_t)(rd.p - (const uint8_t *)part.p) + n;
	*content = (struct lg_der){ .p = rd.p, .end = rd.end };
	return *total >= part.n;
}

static lg_err
crl_begin(struct lg_ctx *cx, lg_str part, struct lg_der *d, lg_str *alg, lg_str *name, size_t *total)
{
	if (!open_sequence(part, d, total) || *total > LG_KEEPER_CRL)
		return lg_fail(cx, LG_E_INVALID, "not the beginning of a TBSCertList");
	if (lg_der_int(d) != 1)
		return lg_fail(cx, LG_E_DENIED, "not a TBSCertList of version 2");
	*alg = lg_der_whole(d, LG_DER_SEQUENCE);
	*name = lg_der_whole(d, LG_DER_SEQUENCE);
	return d->bad ? lg_fail(cx, LG_E_INVALID, "malformed TBSCertList") : LG_OK;
}

lg_err
lg_tbs_crl_issuer(struct lg_ctx *cx, lg_str first_part, lg_str *name)
{
	struct lg_der d;
	size_t total;
	lg_str alg;

	return crl_begin(cx, first_part, &d, &alg, name, &total);
}

static bool
update_plausible(const struct lg_ctx *cx, int64_t this, int64_t next)
{
	return this >= cx->now - CLOCKS_APART && this <= cx->now + CLOCKS_APART
	    && next > this && next <= cx->now + NEXT_UPDATE_MAX;
}

lg_err
lg_tbs_crl_check(struct lg_ctx *cx, lg_str first_part, const struct lg_issuer *issuer, size_t *total)
{
	struct lg_der d;
	lg_str alg, name;

	LG_TRY(crl_begin(cx, first_part, &d, &alg, &name, total));
	if (!lg_str_eq(alg, issuer->sig_alg) || !lg_str_eq(name, issuer->subject))
		return lg_fail(cx, LG_E_DENIED, "CRL: algorithm or issuer is not this CA's");
	int64_t this = lg_der_time(&d), next = lg_der_time(&d);
	if (d.bad || !update_plausible(cx, this, next))
		return lg_fail(cx, LG_E_DENIED, "CRL: thisUpdate is not now, or nextUpdate is missing or too far");
	return LG_OK;
}

/* ---- OCSP ------------------------------------------------------------------------------------------------------------------ */

static bool
generalized(struct lg_der *d, int64_t *ret)
{
	return lg_der_time_of(LG_DER_TIME, lg_der_take(d, LG_DER_TIME), ret);
}

/* byName or byKey (RFC 6960 4.2.1). */
static bool
responder_is(struct lg_der *d, const struct lg_issuer *issuer)
{
	if (lg_der_peek(d) == LG_DER_EXPLICIT(1)) {
		struct lg_der by_name = lg_der_enter(d, LG_DER_EXPLICIT(1));
		lg_str name = lg_der_whole(&by_name, LG_DER_SEQUENCE);
		lg_der_leave(d, &by_name);
		return lg_str_eq(name, issuer->subject);
	}
	struct lg_der by_key = lg_der_enter(d, LG_DER_EXPLICIT(2));
	lg_str hash = lg_der_octets(&by_key);
	lg_der_leave(d, &by_key);
	return lg_str_eq(hash, (lg_str){ (const char *)issuer->key_sha1, sizeof issuer->key_sha1 });
}

/* SingleResponse: CertID, status, thisUpdate, [0] nextUpdate, [1] extensions. */
static bool
response_plausible(const struct lg_ctx *cx, struct lg_der *list)
{
	struct lg_der one = lg_der_enter(list, LG_DER_SEQUENCE);
	struct lg_der_item status;
	int64_t this, next;
	lg_str extensions;

	lg_der_take(&one, LG_DER_SEQUENCE);
	if (!lg_der_next(&one, &status) || !generalized(&one, &this))
		return false;
	struct lg_der when = lg_der_enter(&one, LG_DER_EXPLICIT(0));
	if (!generalized(&when, &next))
		return false;
	lg_der_leave(&one, &when);
	lg_der_optional(&one, LG_DER_EXPLICIT(1), &extensions);
	lg_der_leave(list, &one);
	return update_plausible(cx, this, next);
}

bool
lg_tbs_ocsp_by(lg_str tbs, const struct lg_issuer *responder)
{
	struct lg_der d = lg_der_of(tbs), data = lg_der_enter(&d, LG_DER_SEQUENCE);

	return responder_is(&data, responder);
}

lg_err
lg_tbs_ocsp_check(struct lg_ctx *cx, lg_str tbs, const struct lg_issuer *issuer)
{
	struct lg_der d = lg_der_of(tbs), data = lg_der_enter(&d, LG_DER_SEQUENCE);
	unsigned n = 0;
	int64_t produced;
	lg_str extensions;

	if (!responder_is(&data, issuer))
		return lg_fail(cx, LG_E_DENIED, "OCSP: the responder is not this CA");
	if (!generalized(&data, &produced) || produced < cx->now - CLOCKS_APART || produced > cx->now + CLOCKS_APART)
		return lg_fail(cx, LG_E_DENIED, "OCSP: not produced now");
	struct lg_der list = lg_der_enter(&data, LG_DER_SEQUENCE);
	while (lg_der_more(&list))
		if (++n > RESPONSES_MAX || !response_plausible(cx, &list))
			return lg_fail(cx, LG_E_DENIED, "OCSP: an answer that is malformed, not of now or holds for too long");
	lg_der_leave(&data, &list);
	lg_der_optional(&data, LG_DER_EXPLICIT(1), &extensions);
	lg_der_leave(&d, &data);
	return lg_der_end(cx, &d, "ResponseData");
}
