/* x509.c: Certificate and TBSCertificate (RFC 5280 4.1).  Extensions are in exts.c. */
#include "certs/x509.h"

#include "base/text.h"

/* Parameters are part of the comparison: NULL for RSA, absent for the others (RFC 4055 5, RFC 5758 3.2, RFC 8410 3). */
static const struct {
	enum lg_alg alg;
	lg_str der;
} algs[] = {
	{ LG_ALG_ES256, LG_STR("\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02") },
	{ LG_ALG_ES384, LG_STR("\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x03") },
	{ LG_ALG_EDDSA, LG_STR("\x30\x05\x06\x03\x2b\x65\x70") },
	{ LG_ALG_RS256, LG_STR("\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b\x05\x00") },
	{ LG_ALG_RS384, LG_STR("\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0c\x05\x00") },
	{ LG_ALG_RS512, LG_STR("\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0d\x05\x00") },
};

lg_str
lg_x509_alg(enum lg_alg a)
{
	for (size_t i = 0; i < LG_COUNT(algs); i++)
		if (algs[i].alg == a)
			return algs[i].der;
	return LG_NONE;
}

enum lg_alg
lg_x509_alg_of(lg_str whole)
{
	for (size_t i = 0; i < LG_COUNT(algs); i++)
		if (lg_str_eq(algs[i].der, whole))
			return algs[i].alg;
	return LG_ALG_NONE;
}

/* AlgorithmIdentifier (4.1.1.2), whole: whether the algorithm is one of ours is asked later, but it must be one. */
static lg_str
take_alg(struct lg_der *d)
{
	lg_str whole = lg_der_whole(d, LG_DER_SEQUENCE);
	struct lg_der outer = lg_der_of(whole), alg = lg_der_enter(&outer, LG_DER_SEQUENCE);
	struct lg_der_item parameters;

	lg_der_oid(&alg);
	if (lg_der_more(&alg))
		lg_der_next(&alg, &parameters);
	lg_der_leave(&outer, &alg);
	if (outer.bad)
		lg_der_fault(d);
	return whole;
}

/* DirectoryString and the other strings of 4.1.2.4 and appendix A, well-formed as the tag says; nothing else. */
static bool
name_value_valid(const struct lg_der_item *value)
{
	switch (value->tag) {
	case LG_DER_UTF8:
		return lg_utf8_valid(value->body);
	case LG_DER_BMP:
		return value->body.n % 2 == 0;
	case LG_DER_UNIVERSAL:
		return value->body.n % 4 == 0;
	case LG_DER_PRINTABLE:
	case LG_DER_T61:
	case LG_DER_IA5:
	case LG_DER_NUMERIC:
		return true;
	default:
		return false;
	}
}

/* Name ::= SEQUENCE OF SET OF AttributeTypeAndValue.  Its shape only: names are compared as they stand. */
static lg_str
take_name(struct lg_der *d)
{
	lg_str whole = lg_der_whole(d, LG_DER_SEQUENCE);
	struct lg_der outer = lg_der_of(whole), rdns = lg_der_enter(&outer, LG_DER_SEQUENCE);

	while (lg_der_more(&rdns)) {
		struct lg_der set = lg_der_enter(&rdns, LG_DER_SET);

		do {
			struct lg_der pair = lg_der_enter(&set, LG_DER_SEQUENCE);
			struct lg_der_item value;

			lg_der_oid(&pair);
			if (!lg_der_next(&pair, &value) || !name_value_valid(&value))
				lg_der_fault(&set);
			lg_der_leave(&set, &pair);
		} while (lg_der_more(&set));
		lg_der_leave(&rdns, &set);
	}
	lg_der_leave(&outer, &rdns);
	if (outer.bad)
		lg_der_fault(d);
	return whole;
}

/* version [0] EXPLICIT INTEGER DEFAULT v1; DER leaves a default out (X.690 11.5). */
static int64_t
take_version(struct lg_der *d)
{
	struct lg_der v;
	int64_t n;

	if (lg_der_peek(d) != LG_DER_EXPLICIT(0))
		return 0;
	v = lg_der_enter(d, LG_DER_EXPLICIT(0));
	n = lg_der_int(&v);
	lg_der_leave(d, &v);
	if (n != 1 && n != 2)
		lg_der_fault(d);
	return n;
}

/* What follows the key: unique identifiers (v2, v3) and extensions (v3). */
static lg_err
take_tail(struct lg_ctx *cx, struct lg_der *tbs, struct lg_x509 *x)
{
	lg_str skipped, exts = LG_NONE;
	bool ids, subject_id;

	ids = lg_der_optional(tbs, LG_DER_IMPLICIT(1), &skipped);
	subject_id = lg_der_optional(tbs, LG_DER_IMPLICIT(2), &skipped);
	x->unique_ids = ids || subject_id;
	if (lg_der_peek(tbs) == LG_DER_EXPLICIT(3)) {
		struct lg_der e = lg_der_enter(tbs, LG_DER_EXPLICIT(3));

		exts = lg_der_whole(&e, LG_DER_SEQUENCE);
		lg_der_leave(tbs, &e);
		if (x->version != 2)
			lg_der_fault(tbs);
	}
	if (x->unique_ids && x->version == 0)
		lg_der_fault(tbs);
	if (tbs->bad || exts.n == 0)
		return LG_OK;
	return lg_x509_exts_parse(cx, exts, &x->exts);
}

static bool
is_text(uint8_t tag)
{
	return tag == LG_DER_PRINTABLE || tag == LG_DER_UTF8 || tag == LG_DER_IA5;
}

/* Element by element, down to an attribute's type and value: Name, RelativeDistinguishedName, AttributeTypeAndValue. */
static bool
alike(lg_str a, lg_str b, int depth)
{
	struct lg_der da = lg_der_of(a), db = lg_der_of(b);
	struct lg_der_item x, y;

	while (lg_der_more(&da) && lg_der_more(&db)) {
		if (!lg_der_next(&da, &x) || !lg_der_next(&db, &y))
			return false;
		if (x.tag != y.tag && !(is_text(x.tag) && is_text(y.tag)))
			return false;
		if (depth > 0 ? !alike(x.body, y.body, depth - 1) : !lg_str_eq(x.body, y.body))
			return false;
	}
	return !da.bad && !db.bad && !lg_der_more(&da) && !lg_der_more(&db);
}

bool
lg_x509_name_eq(lg_str a, lg_str b)
{
	return alike(a, b, 3);
}

lg_err
lg_x509_parse_tbs(struct lg_ctx *cx, lg_str whole, struct lg_x509 *ret)
{
	struct lg_x509 x = { .tbs = whole, .exts.path_len = -1 };
	struct lg_der d = lg_der_of(whole), tbs = lg_der_enter(&d, LG_DER_SEQUENCE), validity;

	x.version = take_version(&tbs);
	x.serial = lg_der_integer(&tbs);
	x.tbs_alg = take_alg(&tbs);
	x.issuer = take_name(&tbs);
	validity = lg_der_enter(&tbs, LG_DER_SEQUENCE);
	x.not_before = lg_der_time(&validity);
	x.not_after = lg_der_time(&validity);
	lg_der_leave(&tbs, &validity);
	x.subject = take_name(&tbs);
	x.spki = lg_der_whole(&tbs, LG_DER_SEQUENCE);
	LG_TRY(take_tail(cx, &tbs, &x));
	lg_der_leave(&d, &tbs);
	LG_TRY(lg_der_end(cx, &d, "certificate"));
	*ret = x;
	return LG_OK;
}

lg_err
lg_x509_parse(struct lg_ctx *cx, lg_str der, struct lg_x509 *ret)
{
	struct lg_der d = lg_der_of(der), cert = lg_der_enter(&d, LG_DER_SEQUENCE);
	lg_str tbs = lg_der_whole(&cert, LG_DER_SEQUENCE), alg = take_alg(&cert);
	lg_str sig = lg_der_bits(&cert);
	struct lg_x509 x;

	lg_der_leave(&d, &cert);
	LG_TRY(lg_der_end(cx, &d, "certificate"));
	LG_TRY(lg_x509_parse_tbs(cx, tbs, &x));
	x.der = der;
	x.alg = alg;
	x.sig = sig;
	*ret = x;
	return LG_OK;
}
