/* Any bytes as a change record: refused, or walked to the end and pointed into by audit rows. */
#include "store/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	LG_AUTO(lg_arena_free) struct lg_arena *a = lg_arena_new();
	lg_str body = { (const char *)data, size };
	struct lg_record_change c;
	struct lg_change one;
	struct lg_record r;
	struct lg_effect e;
	struct lg_ctx cx;

	lg_ctx_init(&cx, a);
	if (lg_record_decode(&cx, body, &r) != LG_OK)
		return 0;
	for (;;) {
		size_t at = lg_record_offset(&r);
		uint32_t index = r.index, effects = 0;
		if (!lg_record_next(&r, &c))
			break;
		while (lg_effect_next(&c.effects, &e))
			effects++;
		if (effects != c.neffects || lg_record_change_at(&cx, body, index, at, &one) != LG_OK ||
		    one.tenant != c.change.tenant)
			__builtin_trap();
	}
	if (r.index != r.head.changes)
		__builtin_trap();
	return 0;
}
