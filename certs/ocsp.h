/* ocsp.h: OCSP (RFC 6960, RFC 5019): requests read, answers made on demand and signed by the issuing key through the keeper. */
#ifndef LG_CERTS_OCSP_H
#define LG_CERTS_OCSP_H

#include "certs/x509.h"

#define LG_OCSP_MAX		(4u << 10)	/* octets of a request */
#define LG_OCSP_ASKED		16		/* certificates in one request */
#define LG_OCSP_NONCE		32		/* octets, RFC 8954 2.1 */
#define LG_OCSP_LIFE		(INT64_C(3600) * 1000000)
#define LG_OCSP_KEPT		(LG_OCSP_LIFE / 4)	/* so long the same answer is given again, unless trust changes */

enum lg_ocsp_status {			/* OCSPResponseStatus, 4.2.1 */
	LG_OCSP_SUCCESSFUL = 0, LG_OCSP_MALFORMED = 1, LG_OCSP_INTERNAL = 2, LG_OCSP_TRY_LATER = 3, LG_OCSP_UNAUTHORIZED = 6
};

struct lg_ocsp_id {
	lg_str whole;			/* CertID, as it came: it goes back unchanged */
	bool sha1;			/* else SHA-256 */
	lg_str name_hash, key_hash;	/* of the issuer */
	lg_str serial;
};

struct lg_ocsp_request {
	struct lg_ocsp_id id[LG_OCSP_ASKED];
	size_t n;
	lg_str nonce;			/* Extension, whole; empty without one */
};
/* LG_E_INVALID; hash algorithms that we do not have make the request malformed. */
LG_CHECKED lg_err lg_ocsp_parse(struct lg_ctx *cx, lg_str der, struct lg_ocsp_request *ret);

struct lg_ocsp_answer {
	enum lg_ocsp_status status;
	lg_str der;			/* OCSPResponse, in cx's arena */
};
/* The answer to a request, whatever it is, is told to `done`: before this returns LG_OK, or later on this thread, which must be a loop
 * (LG_PENDING); until then request and cx are in use.  Answers about one certificate without a nonce are kept a while. */
typedef void lg_ocsp_done(void *arg, const struct lg_ocsp_answer *a);
LG_CHECKED lg_err lg_certs_ocsp(struct lg_ctx *cx, struct lg_certs *c, uint32_t tenant, lg_str request, lg_ocsp_done *done, void *arg);

#endif
