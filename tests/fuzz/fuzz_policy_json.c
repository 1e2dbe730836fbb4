/* fuzz_policy_json.c: any text as policies and as a schema in JSON: what is taken can be written and is taken again. */
#include <stdint.h>
#include <stdlib.h>

#include "lightgate/policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
policies(struct lg_ctx *cx, lg_str json)
{
	struct lg_buf first = LG_BUF(64u << 20), second = LG_BUF(64u << 20);
	struct lg_policy_faults faults = { 0 };
	struct lg_policies *set = NULL, *again = NULL;

	if (lg_policies_parse_json(cx, json, NULL, &faults, &set) == LG_OK) {
		lg_policies_json(set, &first);
		if (lg_policies_parse_json(cx, lg_buf_view(&first), NULL, &faults, &again) != LG_OK)
			abort();
		lg_policies_json(again, &second);
		if (!lg_str_eq(lg_buf_view(&first), lg_buf_view(&second)))
			abort();
	} else if (cx->error[0] == '\0') {
		abort();
	}
	lg_policies_unref(&set);
	lg_policies_unref(&again);
	lg_buf_free(&first);
	lg_buf_free(&second);
}

static void
schema(struct lg_ctx *cx, lg_str json)
{
	struct lg_policy_faults faults = { 0 };
	struct lg_schema *s = NULL;
	lg_str text, back;

	if (lg_schema_parse_json(cx, LG_NONE, json, &faults, &s) != LG_OK)
		return;
	lg_schema_unref(&s);
	if (lg_schema_json_text(cx, json, &text) != LG_OK || lg_schema_text_json(cx, text, &back) != LG_OK)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct lg_arena *a = lg_arena_new();
	struct lg_ctx cx;

	lg_ctx_init(&cx, a);
	policies(&cx, (lg_str){ (const char *)data, size });
	schema(&cx, (lg_str){ (const char *)data, size });
	lg_arena_free(&a);
	return 0;
}
