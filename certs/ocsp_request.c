/* ocsp_request.c: OCSPRequest (RFC 6960 4.1.1), bounded.  A requestor's signature is passed over (4.1.2: it is optional, and
 * nothing that we say is secret). */
#include "certs/ocsp.h"

static const lg_str sha1 = LG_STR("\x2b\x0e\x03\x02\x1a"), sha256 = LG_STR("\x60\x86\x48\x01\x65\x03\x04\x02\x01");
static const lg_str nonce_oid = LG_STR("\x2b\x06\x01\x05\x05\x07\x30\x01\x02");

/* AlgorithmIdentifier of a digest: parameters NULL or absent (RFC 5754 2). */
static void
read_digest(struct lg_der *id, struct lg_ocsp_id *ret)
{
	struct lg_der alg = lg_der_enter(id, LG_DER_SEQUENCE);
	lg_str oid = lg_der_oid(&alg);

	if (lg_der_more(&alg))
		lg_der_null(&alg);
	lg_der_leave(id, &alg);
	ret->sha1 = lg_str_eq(oid, sha1);
	if (!ret->sha1 && !lg_str_eq(oid, sha256))
		lg_der_fault(id);
}

static void
read_id(struct lg_der *one, struct lg_ocsp_id *ret)
{
	struct lg_der d, id;
	size_t digest;

	ret->whole = lg_der_whole(one, LG_DER_SEQUENCE);
	d = lg_der_of(ret->whole);
	id = lg_der_enter(&d, LG_DER_SEQUENCE);
	read_digest(&id, ret);
	ret->name_hash = lg_der_octets(&id);
	ret->key_hash = lg_der_octets(&id);
	ret->serial = lg_der_integer(&id);
	lg_der_leave(&d, &id);
	digest = ret->sha1 ? 20 : 32;
	if (d.bad || lg_der_more(&d) || ret->name_hash.n != digest || ret->key_hash.n != digest)
		lg_der_fault(one);
}

/* requestList SEQUENCE OF Request { reqCert, singleRequestExtensions [0] } */
static lg_err
read_list(struct lg_ctx *cx, struct lg_der *tbs, struct lg_ocsp_request *ret)
{
	struct lg_der list = lg_der_enter(tbs, LG_DER_SEQUENCE);
	lg_str skipped;

	do {
		struct lg_der one = lg_der_enter(&list, LG_DER_SEQUENCE);

		if (ret->n == LG_OCSP_ASKED)
			return lg_fail(cx, LG_E_INVALID, "more than %d certificates in an OCSP request", LG_OCSP_ASKED);
		read_id(&one, &ret->id[ret->n++]);
		lg_der_optional(&one, LG_DER_EXPLICIT(0), &skipped);
		lg_der_leave(&list, &one);
	} while (lg_der_more(&list));
	lg_der_leave(tbs, &list);
	return LG_OK;
}

/* RFC 8954 2.1: extnValue holds an OCTET STRING of 1 to 32; others make the request malformed. */
static void
read_nonce(struct lg_der *list, lg_str whole, lg_str value, struct lg_ocsp_request *ret)
{
	struct lg_der v = lg_der_of(value);
	lg_str nonce = lg_der_octets(&v);

	if (v.bad || lg_der_more(&v) || nonce.n == 0 || nonce.n > LG_OCSP_NONCE || ret->nonce.n > 0)
		lg_der_fault(list);
	ret->nonce = whole;
}

static void
read_extensions(struct lg_der *tbs, struct lg_ocsp_request *ret)
{
	struct lg_der outer, list;

	if (lg_der_peek(tbs) != LG_DER_EXPLICIT(2))
		return;
	outer = lg_der_enter(tbs, LG_DER_EXPLICIT(2));
	list = lg_der_enter(&outer, LG_DER_SEQUENCE);
	while (lg_der_more(&list)) {
		lg_str whole = lg_der_whole(&list, LG_DER_SEQUENCE), oid, value;
		struct lg_der d = lg_der_of(whole), ext = lg_der_enter(&d, LG_DER_SEQUENCE);
		bool critical = false;

		oid = lg_der_oid(&ext);
		if (lg_der_peek(&ext) == LG_DER_BOOLEAN)
			critical = lg_der_boolean(&ext);
		value = lg_der_octets(&ext);
		lg_der_leave(&d, &ext);
		if (d.bad)
			lg_der_fault(&list);
		else if (lg_str_eq(oid, nonce_oid))
			read_nonce(&list, whole, value, ret);
		else if (critical)
			lg_der_fault(&list);
	}
	lg_der_leave(&outer, &list);
	lg_der_leave(tbs, &outer);
}

lg_err
lg_ocsp_parse(struct lg_ctx *cx, lg_str der, struct lg_ocsp_request *ret)
{
	struct lg_der d = lg_der_of(der), request, tbs;
	struct lg_ocsp_request found = { .n = 0 };
	lg_str skipped;

	if (der.n > LG_OCSP_MAX)
		return lg_fail(cx, LG_E_INVALID, "an OCSP request of more than %u octets", LG_OCSP_MAX);
	request = lg_der_enter(&d, LG_DER_SEQUENCE);
	tbs = lg_der_enter(&request, LG_DER_SEQUENCE);
	if (lg_der_peek(&tbs) == LG_DER_EXPLICIT(0))	/* v1 is the default, which DER leaves out */
		lg_der_fault(&tbs);
	lg_der_optional(&tbs, LG_DER_EXPLICIT(1), &skipped);	/* requestorName */
	LG_TRY(read_list(cx, &tbs, &found));
	read_extensions(&tbs, &found);
	lg_der_leave(&request, &tbs);
	lg_der_optional(&request, LG_DER_EXPLICIT(0), &skipped);	/* optionalSignature */
	lg_der_leave(&d, &request);
	LG_TRY(lg_der_end(cx, &d, "OCSP request"));
	*ret = found;
	return LG_OK;
}
