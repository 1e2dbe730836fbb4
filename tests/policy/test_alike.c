/* test_alike.c: which policies tell principals of one type apart. */
#include "policy_test.h"

static bool
alike(const char *policies, size_t *n)
{
	static const lg_str actions[] = { LG_STR("read"), LG_STR("search") };
	struct fixture f = fixture_new();
	struct lg_policies *set = policies_of(&f, policies, NULL);
	struct lg_euid above[4];
	bool is;

	*n = 0;
	is = lg_policies_alike(set, actions, LG_COUNT(actions), LG_STR("enabled"), above, LG_COUNT(above), n);
	lg_policies_unref(&set);
	fixture_free(&f);
	return is;
}

static void
apart(const char *policies)
{
	size_t n;

	cr_expect_not(alike(policies, &n), "%s", policies);
}

static void
same(const char *policies, size_t entities)
{
	size_t n;

	cr_expect(alike(policies, &n), "%s", policies);
	cr_expect_eq(n, entities, "%s: %zu", policies, n);
}

Test(alike, by_membership_and_the_one_attribute)
{
	same("permit(principal, action, resource);", 0);
	same("permit(principal in Group::\"g\", action, resource); forbid(principal in Group::\"g\", action, resource);", 1);
	same("permit(principal is User in Tenant::\"t\", action, resource) when { principal in [Group::\"a\", Project::\"b\"] };", 3);
	same("forbid(principal is User, action, resource) unless { principal.enabled && principal has enabled };", 0);
	same("permit(principal, action, resource) when { principal is User in Group::\"g\" && context.attribute == \"x\" && context has now };", 1);
	same("permit(principal, action, resource) when { resource.owner == \"x\" };", 0);
}

Test(alike, whatever_else_is_known_of_a_principal_tells_it_apart)
{
	apart("permit(principal == User::\"a\", action, resource);");
	apart("permit(principal in User::\"a\", action, resource);");
	apart("permit(principal, action, resource) when { principal == User::\"a\" };");
	apart("permit(principal, action, resource) when { resource.owner == principal };");
	apart("permit(principal, action, resource) when { principal.mail == \"x\" };");
	apart("permit(principal, action, resource) when { principal has mail };");
	apart("permit(principal, action, resource) when { resource in principal };");
	apart("permit(principal, action, resource) when { principal in resource.groups };");
	apart("permit(principal, action, resource) when { principal in [Group::\"g\", User::\"a\"] };");
	apart("permit(principal, action, resource) when { [principal].contains(User::\"a\") };");
	apart("permit(principal, action, resource) when { context has address && context.address == \"x\" };");
	apart("permit(principal, action, resource) when { context.asker.id == \"a\" };");
	apart("permit(principal, action, resource) when { {c: context}.c.asker.id == \"a\" };");
	apart("permit(principal in Group::\"1\", action, resource); permit(principal in Group::\"2\", action, resource);"
	    "permit(principal in Group::\"3\", action, resource); permit(principal in Group::\"4\", action, resource);"
	    "permit(principal in Group::\"5\", action, resource);");
}

Test(alike, policies_of_other_actions_do_not_count)
{
	same("permit(principal == User::\"a\", action == Action::\"write\", resource);", 0);
	apart("permit(principal == User::\"a\", action == Action::\"read\", resource);");
	apart("permit(principal == User::\"a\", action in Action::\"group\", resource);");
}
