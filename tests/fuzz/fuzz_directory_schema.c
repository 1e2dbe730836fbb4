/* fuzz_directory_schema.c: whatever definition is understood has an OID and a name, and its text registers as it stands. */
#include <stdint.h>
#include <stdlib.h>

#include "directory/schema_own.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	LG_AUTO(lg_arena_free) struct lg_arena *a = lg_arena_new();
	lg_str text = lg_dup(a, (lg_str){ (const char *)data, size });
	struct lg_attr at;
	struct lg_class c;
	struct lg_ctx cx;

	lg_ctx_init(&cx, a);
	if (lg_attr_parse(&cx, text, &at) == LG_OK && (at.oid[0] == '\0' || at.names[0] == '\0' || at.syntax >= LG_SYNTAXES))
		abort();
	if (lg_class_parse(&cx, text, &c) == LG_OK && (c.oid[0] == '\0' || c.names[0] == '\0' || lg_class_find(lg_str_of(c.sup)) == NULL))
		abort();
	return 0;
}
