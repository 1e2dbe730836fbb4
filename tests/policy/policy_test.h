/* policy_test.h: a context per test, and sets, schemas and entities from text. */
#ifndef LG_POLICY_TEST_H
#define LG_POLICY_TEST_H

#include <criterion/criterion.h>

#include "lightgate/policy.h"

struct fixture {
	struct lg_arena *arena;
	struct lg_ctx cx;
};

static inline struct fixture
fixture_new(void)
{
	struct fixture f = { .arena = lg_arena_new() };

	lg_ctx_init(&f.cx, f.arena);
	return f;
}

static inline void
fixture_free(struct fixture *f)
{
	lg_arena_free(&f->arena);
}

static inline struct lg_policies *
policies_of(struct fixture *f, const char *text, const struct lg_schema *schema)
{
	struct lg_policy_source src = { LG_NONE, lg_str_of(text) };
	struct lg_policy_options opt = { .schema = schema };
	struct lg_policy_faults faults = { 0 };
	struct lg_policies *set = NULL;

	cr_assert_eq(lg_policies_parse(&f->cx, &src, 1, &opt, &faults, &set), LG_OK, "%s", f->cx.error);
	return set;
}

static inline struct lg_schema *
schema_of(struct fixture *f, const char *text)
{
	struct lg_policy_faults faults = { 0 };
	struct lg_schema *s = NULL;

	cr_assert_eq(lg_schema_parse(&f->cx, LG_STR("schema"), lg_str_of(text), &faults, &s), LG_OK, "%s", f->cx.error);
	return s;
}

static inline struct lg_entity_store *
store_of(struct fixture *f, const char *json, const struct lg_schema *schema)
{
	struct lg_entity_store *st = lg_entity_store_new();

	cr_assert_eq(lg_entity_store_json(&f->cx, st, schema, lg_str_of(json)), LG_OK, "%s", f->cx.error);
	cr_assert_eq(lg_entity_store_finish(&f->cx, st), LG_OK, "%s", f->cx.error);
	return st;
}

static inline struct lg_euid
uid_of(struct fixture *f, const char *text)
{
	struct lg_euid u = { LG_NONE, LG_NONE, 0 };

	cr_assert_eq(lg_euid_parse(&f->cx, lg_str_of(text), &u), LG_OK, "%s", f->cx.error);
	return u;
}

#endif
