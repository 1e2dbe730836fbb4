/* Peers' certificates, with OpenSSL as oracle: what our reader and lint accept, OpenSSL reads too, to the same serial number,
 * times and octets. */
#include <openssl/x509.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/text.h"
#include "certs/lint.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int64_t
time_of(const ASN1_TIME *t)
{
	struct tm tm;
	int64_t us;

	if (ASN1_TIME_to_tm(t, &tm) != 1)
		abort();
	if (!lg_time_of((const int[6]){ tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec }, &us))
		abort();
	return us;
}

static void
compare(const struct lg_x509 *x, X509 *theirs)
{
	const ASN1_INTEGER *serial = X509_get0_serialNumber(theirs);
	lg_str ours = x->serial;

	while (ours.n > 1 && ours.p[0] == 0)
		ours = lg_str_sub(ours, 1, ours.n);
	if (!lg_str_eq(ours, (lg_str){ (const char *)serial->data, (size_t)serial->length }))
		abort();
	if (time_of(X509_get0_notBefore(theirs)) != x->not_before || time_of(X509_get0_notAfter(theirs)) != x->not_after)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	LG_AUTO(lg_arena_free) struct lg_arena *a = lg_arena_new();
	const unsigned char *p = data;
	struct lg_x509 x;
	struct lg_ctx cx;
	X509 *theirs;

	lg_ctx_init(&cx, a);
	if (lg_x509_parse(&cx, (lg_str){ (const char *)data, size }, &x) != LG_OK || lg_x509_lint(&cx, &x) != LG_OK ||
	    !lg_str_eq(x.alg, x.tbs_alg))		/* as lg_x509_link wants it */
		return 0;
	theirs = d2i_X509(NULL, &p, (long)size);
	if (theirs == NULL || p != data + size)
		abort();
	compare(&x, theirs);
	X509_free(theirs);
	return 0;
}
