/* Bodies of EST requests: base64 with line breaks around a request that is proved or only read; what is read has a key and bounded names. */
#include <stdlib.h>

#include "base/text.h"
#include "certs/csr.h"
#include "certs/routes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	LG_AUTO(lg_arena_free) struct lg_arena *a = lg_arena_new();
	struct lg_csr proved, wish;
	struct lg_http ex = { .body = { (const char *)data, size } };
	struct lg_ctx cx;
	lg_str der;
	lg_err e;

	lg_ctx_init(&cx, a);
	ex.cx = &cx;
	if (lg_est_body(&ex, &der) != LG_OK)
		return 0;
	if (der.n > size)
		abort();
	e = lg_csr_parse(&cx, der, &proved);
	if (lg_csr_wish(&cx, der, &wish) != LG_OK)
		return 0;
	if (wish.spki.n == 0 || wish.names.ndns > LG_CERT_NAMES || wish.names.nuri > LG_CERT_NAMES || wish.names.nip > LG_CERT_NAMES)
		abort();
	if (e == LG_OK && !lg_str_eq(proved.spki, wish.spki))
		abort();
	return 0;
}
