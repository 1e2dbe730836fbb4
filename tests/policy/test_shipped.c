/* The shipped schema and default policies: they parse, and validate strictly without a warning. */
#include "policy_test.h"

#include <glob.h>

#include "base/file.h"

#define FILE_MAX (1u << 20)

Test(shipped, default_policies_validate_strictly_without_a_warning)
{
	struct fixture f = fixture_new();
	struct lg_policy_source src[64];
	struct lg_policy_faults faults = { 0 };
	struct lg_policies *set = NULL;
	struct lg_schema *s = NULL;
	lg_str text;
	glob_t g;

	cr_assert_eq(lg_file_read(&f.cx, "conf/lightgate.cedarschema", FILE_MAX, &text), LG_OK, "%s", f.cx.error);
	cr_assert_eq(lg_schema_parse(&f.cx, LG_STR("conf/lightgate.cedarschema"), text, &faults, &s), LG_OK, "%.*s",
	    LG_FMT(lg_policy_faults_text(f.arena, &faults)));
	cr_assert_eq(glob("conf/policies/*.cedar", 0, NULL, &g), 0);
	cr_assert_leq(g.gl_pathc, LG_COUNT(src));
	for (size_t i = 0; i < g.gl_pathc; i++) {
		src[i].name = lg_dup(f.arena, lg_str_of(g.gl_pathv[i]));
		cr_assert_eq(lg_file_read(&f.cx, g.gl_pathv[i], FILE_MAX, &src[i].text), LG_OK);
	}
	cr_expect_eq(lg_policies_parse(&f.cx, src, g.gl_pathc, &(struct lg_policy_options){ .schema = s }, &faults, &set), LG_OK);
	if (set != NULL)
		cr_expect_eq(lg_policies_validate(&f.cx, set, s, LG_STRICT, &faults), LG_OK);
	cr_expect_eq(faults.n, 0, "%.*s", LG_FMT(lg_policy_faults_text(f.arena, &faults)));
	globfree(&g);
	lg_policies_unref(&set);
	lg_schema_unref(&s);
	fixture_free(&f);
}
