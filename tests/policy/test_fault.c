/* What is wrong with a source, as a list. */
#include "policy_test.h"

#include <stdlib.h>

Test(fault, outlives_the_set_it_was_found_in)
{
	struct fixture f = fixture_new();
	struct lg_schema *s = schema_of(&f, "entity U { a?: Bool }; action \"x\" appliesTo { principal: [U], resource: [U] };");
	struct lg_policies *set = policies_of(&f, "@id(\"one\") permit (principal, action, resource) when { principal.a };", s);
	struct lg_policy_faults faults = { 0 };

	cr_assert_eq(lg_policies_validate(&f.cx, set, s, LG_STRICT, &faults), LG_E_INVALID);
	lg_str id = lg_dup(f.arena, faults.v[0].policy);
	lg_policies_unref(&set);
	cr_assert_eq(faults.n, 1);
	cr_expect(lg_str_eq(faults.v[0].policy, id) && id.n > 0, "%.*s", LG_FMT(faults.v[0].policy));
	cr_expect(memmem(f.cx.error, strlen(f.cx.error), "optional", 8) != NULL, "%s", f.cx.error);
	lg_schema_unref(&s);
	fixture_free(&f);
}

/* Two million of them, each of which would be placed by counting lines from the start. */
Test(fault, is_counted_but_not_placed_when_a_hundred_are_told)
{
	struct fixture f = fixture_new();
	size_t n = 4u << 20;
	char *text = malloc(n);
	struct lg_policy_source src = { LG_STR("flood"), { text, n } };
	struct lg_policy_faults faults = { 0 };
	struct lg_policies *set = NULL;

	for (size_t i = 0; i < n; i += 2)
		memcpy(text + i, "x;", 2);
	size_t before = lg_arena_used(f.arena);
	cr_assert_eq(lg_policies_parse(&f.cx, &src, 1, NULL, &faults, &set), LG_E_INVALID);
	cr_expect_eq(faults.n, LG_POLICY_ERRORS_MAX);
	cr_expect_eq(faults.errors, n / 2);
	cr_expect_lt(lg_arena_used(f.arena) - before, 256u << 10);
	free(text);
	fixture_free(&f);
}
