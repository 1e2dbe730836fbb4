/* fuzz_policy_entities.c: any text as entities JSON and as a context, with and without a schema. */
#include <stdint.h>
#include <stdlib.h>

#include "lightgate/policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char house[] =
    "entity G; entity U in [G] = { n?: Long, s?: String, b?: U, r?: { k?: Long }, l?: Set<U>, i?: ipaddr, d?: datetime } tags Long;"
    "action a appliesTo { principal: U, resource: U, context: { n?: Long, b?: U, i?: ipaddr } };";

static void
load(struct lg_ctx *cx, const struct lg_schema *schema, lg_str json)
{
	struct lg_entity_store *st = lg_entity_store_new();
	struct lg_euid action = lg_euid_of(LG_STR("Action"), LG_STR("a"));
	const struct lg_record *context;

	if (lg_entity_store_json(cx, st, schema, json) == LG_OK && lg_entity_store_finish(cx, st) == LG_OK) {
		struct lg_entities port = lg_entity_store_port(st);
		struct lg_euid u = lg_euid_of(LG_STR("U"), LG_STR("a"));
		const struct lg_euid *const *above;
		lg_entity e = 0;
		size_t n = 0;

		if (port.find(port.self, &u, &e) == LG_PRESENT && port.ancestors(port.self, e, &above, &n) == LG_PRESENT)
			for (size_t i = 0; i < n; i++)
				if (port.within(port.self, e, above[i], 0) != LG_PRESENT)
					abort();
	} else if (cx->error[0] == '\0') {
		abort();
	}
	if (lg_context_json(cx, schema, &action, json, &context) == LG_OK) {
		struct lg_value v = { LG_V_RECORD, { .record = context } };

		(void)lg_value_text(cx->arena, &v);
	}
	lg_entity_store_free(&st);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct lg_arena *a = lg_arena_new();
	struct lg_ctx cx;
	struct lg_policy_faults faults = { 0 };
	struct lg_schema *schema = NULL;

	lg_ctx_init(&cx, a);
	if (lg_schema_parse(&cx, LG_NONE, LG_STR(house), &faults, &schema) != LG_OK)
		abort();
	load(&cx, NULL, (lg_str){ (const char *)data, size });
	load(&cx, schema, (lg_str){ (const char *)data, size });
	lg_schema_unref(&schema);
	lg_arena_free(&a);
	return 0;
}
