/* fuzz_policy_format.c: whatever parses is laid out afresh without losing its meaning, and laying it out again changes nothing. */
#include <stdlib.h>

#include "lightgate/policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static lg_str
json_of(struct lg_ctx *cx, lg_str text)
{
	struct lg_policy_source src = { LG_NONE, text };
	struct lg_policy_faults faults = { 0 };
	struct lg_buf b = LG_BUF(LG_POLICY_JSON_MAX);
	struct lg_policies *set = NULL;
	lg_str s;

	if (lg_policies_parse(cx, &src, 1, NULL, &faults, &set) != LG_OK)
		abort();
	lg_policies_json(set, &b);
	s = lg_dup(cx->arena, lg_buf_view(&b));
	lg_buf_free(&b);
	lg_policies_unref(&set);
	return s;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct lg_arena *arena = lg_arena_new();
	struct lg_policy_faults faults = { 0 };
	lg_str text = { (const char *)data, size }, once, twice;
	struct lg_ctx cx;

	lg_ctx_init(&cx, arena);
	if (lg_policy_format(&cx, LG_STR("fuzz"), text, &faults, &once) == LG_OK) {
		if (lg_policy_format(&cx, LG_STR("fuzz"), once, &faults, &twice) != LG_OK || !lg_str_eq(once, twice) ||
		    !lg_str_eq(json_of(&cx, text), json_of(&cx, once)))
			abort();
	}
	lg_arena_free(&arena);
	return 0;
}
