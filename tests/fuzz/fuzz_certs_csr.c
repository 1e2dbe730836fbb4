/* Certificate requests: never a crash, and what is accepted is a key that we would accept alone, with names within bounds. */
#include <stdlib.h>

#include "lightgate/certs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	LG_AUTO(lg_arena_free) struct lg_arena *a = lg_arena_new();
	enum lg_key_type type;
	struct lg_csr csr;
	struct lg_ctx cx;

	lg_ctx_init(&cx, a);
	if (lg_csr_parse(&cx, (lg_str){ (const char *)data, size }, &csr) != LG_OK)
		return 0;
	if (lg_spki_check(&cx, csr.spki, &type) != LG_OK || type != csr.key)
		abort();
	if (csr.names.ndns > LG_CERT_NAMES || csr.names.nuri > LG_CERT_NAMES || csr.names.nip > LG_CERT_NAMES)
		abort();
	return 0;
}
