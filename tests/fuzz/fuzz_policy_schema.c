/* fuzz_policy_schema.c: any text as a schema; a permit of everything is checked against what is one. */
#include <stdint.h>
#include <stdlib.h>

#include "lightgate/policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct lg_arena *a = lg_arena_new();
	struct lg_ctx cx;
	struct lg_policy_faults faults = { 0 }, verdict = { 0 };
	struct lg_policy_source src = { LG_NONE, LG_STR("permit(principal, action, resource) when { principal has a.b };") };
	struct lg_policies *set = NULL;
	struct lg_schema *schema = NULL;

	lg_ctx_init(&cx, a);
	if (lg_schema_parse(&cx, LG_NONE, (lg_str){ (const char *)data, size }, &faults, &schema) == LG_OK) {
		struct lg_policy_options opt = { .schema = schema };

		if (lg_policies_parse(&cx, &src, 1, &opt, &faults, &set) != LG_OK)
			abort();
		(void)!lg_policies_validate(&cx, set, schema, LG_STRICT, &verdict);
	} else if (faults.errors == 0 || faults.v[0].line == 0) {
		abort();
	}
	lg_policies_unref(&set);
	lg_schema_unref(&schema);
	lg_arena_free(&a);
	return 0;
}
