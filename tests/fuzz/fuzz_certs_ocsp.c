/* OCSP requests, with OpenSSL as oracle: what we accept, it reads too, with as many certificates in it. */
#include <openssl/ocsp.h>
#include <stdlib.h>

#include "certs/ocsp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	LG_AUTO(lg_arena_free) struct lg_arena *a = lg_arena_new();
	const unsigned char *p = data;
	struct lg_ocsp_request rq;
	OCSP_REQUEST *theirs;
	struct lg_ctx cx;

	lg_ctx_init(&cx, a);
	if (lg_ocsp_parse(&cx, (lg_str){ (const char *)data, size }, &rq) != LG_OK)
		return 0;
	if (rq.n == 0 || rq.n > LG_OCSP_ASKED)
		abort();
	theirs = d2i_OCSP_REQUEST(NULL, &p, (long)size);
	/* What we pass over (names, signatures, extensions of single requests) may be odd inside; the rest must agree. */
	if (theirs != NULL && OCSP_request_onereq_count(theirs) != (int)rq.n)
		abort();
	OCSP_REQUEST_free(theirs);
	return 0;
}
