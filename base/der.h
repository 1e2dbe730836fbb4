/*
 * der.h: DER (ITU-T X.690) read strictly and written: certificates, CSRs, CRLs, OCSP.
 *
 * Reading.  A cursor over elements; like lg_rd it remembers the first fault, after which every call
 * gives an empty value.  Definite minimal lengths and low tag numbers only.  Slices are of the input.
 *
 *	struct lg_der d = lg_der_of(bytes), cert, tbs;
 *	cert = lg_der_enter(&d, LG_DER_SEQUENCE);
 *	signed_bytes = lg_der_whole(&cert, LG_DER_SEQUENCE);	// with its tag and length
 *	...
 *	lg_der_leave(&d, &cert);			// faults unless cert was read to its end
 *	LG_TRY(lg_der_end(cx, &d, "certificate"));
 */
#ifndef LG_BASE_DER_H
#define LG_BASE_DER_H

#include "lightgate/base.h"

#define LG_DER_DEPTH	32		/* of lg_der_valid */
#define LG_OID_ARCS	32

enum lg_der_tag {			/* whole identifier octets */
	LG_DER_BOOLEAN = 0x01,
	LG_DER_INTEGER = 0x02,
	LG_DER_BIT_STRING = 0x03,
	LG_DER_OCTET_STRING = 0x04,
	LG_DER_NULL = 0x05,
	LG_DER_OID = 0x06,
	LG_DER_ENUMERATED = 0x0a,
	LG_DER_UTF8 = 0x0c,
	LG_DER_NUMERIC = 0x12,
	LG_DER_PRINTABLE = 0x13,
	LG_DER_T61 = 0x14,
	LG_DER_IA5 = 0x16,
	LG_DER_UTC_TIME = 0x17,
	LG_DER_TIME = 0x18,		/* GeneralizedTime */
	LG_DER_UNIVERSAL = 0x1c,
	LG_DER_BMP = 0x1e,
	LG_DER_SEQUENCE = 0x30,
	LG_DER_SET = 0x31
};
#define LG_DER_IMPLICIT(n)	(0x80 | (n))	/* [n] over a primitive type; n below 31 */
#define LG_DER_EXPLICIT(n)	(0xa0 | (n))	/* [n] EXPLICIT, or IMPLICIT over SEQUENCE or SET */

/* ---- reader ----------------------------------------------------------------------------------- */

struct lg_der {
	const uint8_t *p, *end;
	bool bad;
};

struct lg_der_item {
	uint8_t tag;
	lg_str whole;			/* tag, length and content */
	lg_str body;
};

struct lg_der lg_der_of(lg_str s);
bool lg_der_more(const struct lg_der *d);		/* something is left and nothing was wrong */
uint8_t lg_der_peek(const struct lg_der *d);		/* next tag; 0 at the end or after a fault */
bool lg_der_next(struct lg_der *d, struct lg_der_item *ret);	/* any element; false at the end or on a fault */
void lg_der_fault(struct lg_der *d);			/* the caller's own */

lg_str lg_der_take(struct lg_der *d, uint8_t tag);	/* content of the next element, which must have this tag */
lg_str lg_der_whole(struct lg_der *d, uint8_t tag);	/* the same with tag and length */
bool lg_der_optional(struct lg_der *d, uint8_t tag, lg_str *ret);	/* false (*ret empty) if the next is another */
struct lg_der lg_der_enter(struct lg_der *d, uint8_t tag);	/* cursor over the content; faulty if it is none */
void lg_der_leave(struct lg_der *outer, const struct lg_der *inner);	/* faults unless inner was read to its end */
LG_CHECKED lg_err lg_der_end(struct lg_ctx *cx, const struct lg_der *d, const char *what);	/* LG_E_INVALID "malformed <what>" */

bool lg_der_boolean(struct lg_der *d);			/* 00 or FF only */
void lg_der_null(struct lg_der *d);
lg_str lg_der_integer(struct lg_der *d);		/* two's complement, minimal, as it stands */
lg_str lg_der_unsigned(struct lg_der *d);		/* not negative; without the leading zero octet; "\0" for 0 */
int64_t lg_der_int(struct lg_der *d);			/* must fit */
lg_str lg_der_oid(struct lg_der *d);			/* content octets, checked */
lg_str lg_der_bits(struct lg_der *d);			/* whole octets: unused bits must be 0 */
uint32_t lg_der_named_bits(struct lg_der *d);		/* KeyUsage and the like: bit n is 1 << n; trailing zeros refused */
lg_str lg_der_octets(struct lg_der *d);
int64_t lg_der_time(struct lg_der *d);			/* UTCTime or GeneralizedTime as in RFC 5280 4.1.2.5; microseconds */

/* The same for values behind an IMPLICIT tag, whose content was taken already. */
bool lg_der_integer_valid(lg_str body);
bool lg_der_oid_valid(lg_str body);
bool lg_der_time_of(uint8_t tag, lg_str body, int64_t *ret);

bool lg_der_valid(lg_str s);		/* one element, constructed ones well-formed to LG_DER_DEPTH, nothing after it */

/* "1.2.840.113549" to content octets. */
bool lg_oid_parse(struct lg_arena *a, lg_str text, lg_str *ret);

/* ---- writer: into an lg_buf, constructed ones by begin and end --------------------------------
 *	size_t seq = lg_derw_begin(&b, LG_DER_SEQUENCE);
 *	lg_derw_int(&b, 2);
 *	lg_derw_end(&b, seq);			// the length is put in when it is known
 * A full buffer remembers: ask once with lg_buf_status.
 */

size_t lg_derw_begin(struct lg_buf *b, uint8_t tag);
void lg_derw_end(struct lg_buf *b, size_t begun);
void lg_derw_raw(struct lg_buf *b, lg_str der);		/* already DER */
void lg_derw_element(struct lg_buf *b, uint8_t tag, lg_str body);	/* any primitive: strings, octets, OIDs */
void lg_derw_boolean(struct lg_buf *b, bool v);
void lg_derw_null(struct lg_buf *b);
void lg_derw_int(struct lg_buf *b, int64_t v);
void lg_derw_enumerated(struct lg_buf *b, int64_t v);
void lg_derw_unsigned(struct lg_buf *b, lg_str magnitude);	/* big-endian; leading zeros are put right */
void lg_derw_oid(struct lg_buf *b, lg_str oid);		/* content octets */
void lg_derw_octets(struct lg_buf *b, lg_str s);
void lg_derw_utf8(struct lg_buf *b, lg_str s);
void lg_derw_bits(struct lg_buf *b, lg_str s);		/* whole octets */
void lg_derw_named_bits(struct lg_buf *b, uint8_t tag, uint32_t bits);	/* trailing zero bits removed (X.690 11.2.2) */
void lg_derw_time(struct lg_buf *b, int64_t us);	/* UTCTime through 2049, then GeneralizedTime (RFC 5280) */
void lg_derw_generalized(struct lg_buf *b, int64_t us);	/* always GeneralizedTime (OCSP) */

#endif
