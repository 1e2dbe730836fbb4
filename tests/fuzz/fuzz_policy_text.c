/* fuzz_policy_text.c: any text as policies: all faults have a place, what parses tells about itself, can be changed and checked. */
#include <stdint.h>
#include <stdlib.h>

#include "lightgate/policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char house[] =
    "entity Group; entity User in [Group] = { n: Long, s: String, boss?: User } tags Long; entity Doc enum [\"d\"];"
    "action read, write appliesTo { principal: User, resource: Doc, context: { mfa: Bool, ip?: ipaddr } };";

static bool
count(void *self, size_t policy, const struct lg_euid *uid, unsigned line, unsigned column)
{
	if (uid->type.n == 0 || line == 0 || column == 0)
		abort();
	*(size_t *)self += policy;
	return true;
}

static lg_str
json_of(struct lg_arena *a, const struct lg_policies *set)
{
	struct lg_buf b = LG_BUF(64u << 20);
	lg_str s;

	lg_policies_json(set, &b);
	s = lg_dup(a, lg_buf_view(&b));
	lg_buf_free(&b);
	return s;
}

/* Printed and read again, as text and as JSON, it is the same; only nesting may turn out too deep. */
static void
translate(struct lg_ctx *cx, const struct lg_policies *set)
{
	struct lg_buf text = LG_BUF(64u << 20);
	struct lg_policy_faults faults = { 0 };
	struct lg_policies *again = NULL;
	lg_str json = json_of(cx->arena, set);

	for (size_t i = 0; i < lg_policies_count(set); i++)
		lg_policy_text(set, i, &text);
	struct lg_policy_source src = { .text = lg_buf_view(&text) };
	for (int round = 0; round < 2; round++) {
		lg_err e = round == 0 ? lg_policies_parse(cx, &src, 1, NULL, &faults, &again) :
		    lg_policies_parse_json(cx, json, NULL, &faults, &again);

		if (e != LG_OK ? strstr(cx->error, "nested") == NULL :
		    round == 0 && !lg_str_eq(json_of(cx->arena, again), json))
			abort();
		lg_policies_unref(&again);
	}
	lg_buf_free(&text);
}

/* Each of the first ones replaced by itself: the set says the same, though what it came from is gone. */
static void
change(struct lg_ctx *cx, const struct lg_policies *set)
{
	struct lg_policies *now = lg_policies_ref(set), *next = NULL;
	lg_str json = json_of(cx->arena, set);

	for (size_t i = 0; i < lg_policies_count(set) && i < 4; i++) {
		struct lg_policy_faults faults = { 0 };
		struct lg_policy_info info;

		lg_policies_info(now, i, &info);
		struct lg_policy_source text = { .text = info.text };
		struct lg_policy_change c = { &info.id, 1, &text, 1 };
		struct lg_policy_options o = { .ids = &info.id };

		if (lg_policies_change(cx, now, &c, &o, &faults, &next) != LG_OK)
			abort();
		lg_policies_unref(&now);
		now = next;
	}
	if (!lg_str_eq(json_of(cx->arena, now), json))
		abort();
	lg_policies_unref(&now);
}

static void
inspect(struct lg_ctx *cx, const struct lg_policies *set, const struct lg_schema *schema)
{
	struct lg_policy_faults faults = { 0 };
	struct lg_policy_info info;
	size_t sum = 0, at;

	for (size_t i = 0; i < lg_policies_count(set); i++) {
		lg_policies_info(set, i, &info);
		if (!lg_policies_find(set, info.id, &at) || at != i || info.line == 0)
			abort();
	}
	lg_policies_uids(set, count, &sum);
	translate(cx, set);
	change(cx, set);
	for (int mode = LG_STRICT; mode <= LG_PERMISSIVE; mode++)
		if ((lg_policies_validate(cx, set, schema, (enum lg_validation)mode, &faults) == LG_OK) != (faults.errors == 0))
			abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct lg_arena *a = lg_arena_new();
	struct lg_ctx cx;
	struct lg_policy_faults faults = { 0 };
	struct lg_policy_source src = { LG_NONE, { (const char *)data, size } };
	struct lg_policies *set = NULL;
	struct lg_schema *schema = NULL;

	lg_ctx_init(&cx, a);
	if (lg_schema_parse(&cx, LG_NONE, LG_STR(house), &faults, &schema) != LG_OK)
		abort();
	if (lg_policies_parse(&cx, &src, 1, NULL, &faults, &set) == LG_OK)
		inspect(&cx, set, schema);
	else if (faults.errors == 0 || faults.v[0].line == 0 || cx.error[0] == '\0')
		abort();
	lg_policies_unref(&set);
	lg_schema_unref(&schema);
	lg_arena_free(&a);
	return 0;
}
