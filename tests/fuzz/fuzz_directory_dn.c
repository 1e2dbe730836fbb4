/* fuzz_directory_dn.c: what parses as a DN is written as text that parses to the same name. */
#include <stdint.h>
#include <stdlib.h>

#include "directory/dn.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	LG_AUTO(lg_arena_free) struct lg_arena *a = lg_arena_new();
	lg_str text = lg_dup(a, (lg_str){ (const char *)data, size }), written;
	struct lg_dn dn, again;

	if (!lg_dn_parse(a, text, &dn))
		return 0;
	written = lg_dn_text(a, &dn);
	/* Escapes lengthen a name: only what fits again is compared. */
	if (written.n > LG_DN_MAX)
		return 0;
	if (!lg_dn_parse(a, written, &again) || !lg_str_eq(lg_dn_normal(a, &dn), lg_dn_normal(a, &again)))
		abort();
	return 0;
}
