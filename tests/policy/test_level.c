/* How far policies reach, names that look like others, and links against a schema. */
#include "policy_test.h"

static const char house[] =
    "entity User in [User] = { user: User, flag: Bool, name: String, nested: { user: User } } tags User;"
    "entity Color enum [\"red\", \"blue\"];"
    "action all; action view in [all] appliesTo { principal: User, resource: User, context: { user: User, nested: { user: User } } };";

static bool
valid_at(const char *scope, const char *expression, unsigned level)
{
	struct fixture f = fixture_new();
	struct lg_schema *schema = schema_of(&f, house);
	struct lg_policies *set =
	    policies_of(&f, lg_print(f.arena, "permit(%s) when { %s };", scope, expression).p, schema);
	struct lg_policy_faults faults = { 0 };
	bool ok;

	cr_expect_eq(lg_policies_validate(&f.cx, set, schema, LG_STRICT, &faults), LG_OK, "%s", f.cx.error);
	ok = lg_policies_validate_level(&f.cx, set, schema, LG_STRICT, level, &faults) == LG_OK;
	lg_policies_unref(&set);
	lg_schema_unref(&schema);
	fixture_free(&f);
	return ok;
}

/* Needs just this level. */
static void
needs(const char *expression, unsigned level)
{
	const char *any = "principal, action, resource";

	cr_expect(valid_at(any, expression, level), "%s at %u", expression, level);
	if (level > 0)
		cr_expect(!valid_at(any, expression, level - 1), "%s at %u", expression, level - 1);
}

Test(level, counts_the_entities_on_the_way)
{
	needs("1 > 0 && context.user is User && {a: principal}.a is User && context.nested.user is User", 0);
	needs("principal.flag", 1);
	needs("principal has user", 1);
	needs("context.user.flag", 1);
	needs("principal.nested.user is User", 1);
	needs("principal.hasTag(\"t\") && principal.getTag(\"t\") is User", 1);
	needs("principal in resource.user", 1);
	needs("principal.user in resource", 2);
	needs("context.nested.user.user.flag", 2);
	needs("principal.hasTag(\"t\") && principal.getTag(\"t\").flag", 2);
	needs("principal.hasTag(principal.user.name)", 2);
	needs("principal is User in resource.user.user", 2);
	needs("principal has user.user.flag", 3);
	needs("principal.nested.user.nested.user.flag", 3);
	needs("resource.user.user.user.name like \"*\"", 4);
}

Test(level, through_branches_and_record_literals)
{
	needs("(if principal.flag then principal else resource.user).flag", 2);
	needs("if principal.flag then resource.user.user.flag else true", 3);
	needs("{a: principal, b: resource.user.user}.a.flag", 2);
	needs("{a: {b: principal.user}}.a.b.flag", 2);
	needs("{a: principal, b: 1} == {a: resource.user.user.user, b: 1}", 3);
	/* What is never reached does not count. */
	needs("principal is Color && principal.user.user.flag", 0);
	needs("principal is User || principal.user.user.flag", 0);
	needs("if principal is User then true else principal.user.user.flag", 0);
}

Test(level, scopes_count_and_literals_are_not_read_from)
{
	cr_expect(valid_at("principal == User::\"a\", action == Action::\"view\", resource is User", "true", 0));
	cr_expect(!valid_at("principal in User::\"a\", action, resource", "true", 0));
	cr_expect(valid_at("principal in User::\"a\", action, resource", "true", 1));
	cr_expect(!valid_at("principal, action in Action::\"all\", resource", "true", 0));
	cr_expect(!valid_at("principal, action, resource", "User::\"a\".flag", 9));
	cr_expect(!valid_at("principal, action, resource", "User::\"a\" in principal", 9));
	cr_expect(valid_at("principal, action, resource", "Action::\"view\" in [action]", 1));
}

Test(level, what_does_not_validate_is_not_measured)
{
	struct fixture f = fixture_new();
	struct lg_schema *schema = schema_of(&f, house);
	struct lg_policies *set = policies_of(&f, "permit(principal, action, resource) when { principal.nothing };", schema);
	struct lg_policy_faults faults = { 0 };

	cr_expect_eq(lg_policies_validate_level(&f.cx, set, schema, LG_STRICT, 3, &faults), LG_E_INVALID);
	cr_expect_eq(faults.errors, 1);
	lg_policies_unref(&set);
	lg_schema_unref(&schema);
	fixture_free(&f);
}

/* ---- names that look like others ------------------------------------------------------------- */

static size_t
warnings(const char *policy)
{
	struct fixture f = fixture_new();
	struct lg_schema *schema = schema_of(&f, house);
	struct lg_policies *set = policies_of(&f, policy, schema);
	struct lg_policy_faults faults = { 0 };

	(void)!lg_policies_validate(&f.cx, set, schema, LG_STRICT, &faults);
	lg_policies_unref(&set);
	lg_schema_unref(&schema);
	fixture_free(&f);
	return faults.warnings;
}

#define NAMED(s)	"permit(principal == User::\"" s "\", action, resource);"
#define STRING(s)	"permit(principal, action, resource) when { principal.name == \"" s "\" };"

Test(confusable, ordinary_names_raise_no_warning)
{
	cr_expect_eq(warnings(NAMED("https://www.example.com/test?foo={bar}&b#c +1@x.org") NAMED("Jürgen Müller")), 0);
	cr_expect_eq(warnings(NAMED("мир") NAMED("東京タワー") NAMED("한국 漢字") NAMED("Ελλάδα 2")), 0);
	cr_expect_eq(warnings(STRING("tab\\tand\\nline") STRING("🍌 and → arrows")), 0);
}

Test(confusable, mixed_scripts_directions_and_what_cannot_be_seen)
{
	cr_expect_eq(warnings(NAMED("say_һello")), 1);				/* Cyrillic shha */
	cr_expect_eq(warnings(STRING("pаypal")), 1);				/* Cyrillic a */
	cr_expect_eq(warnings(STRING("user\u202e \u2066&& x\u2069")), 1);
	cr_expect_eq(warnings(NAMED("is\u200bAdmin") NAMED("🍌") NAMED("new\\nline")), 3);
	cr_expect_eq(warnings("permit(principal, action, resource) when { principal.name like \"*_һello\" };"), 1);
	cr_expect_eq(warnings("permit(principal, action, resource) when { principal has \"pаy\" };"), 2);	/* and never matches */
}

/* ---- links ---------------------------------------------------------------------------------- */

static size_t
link_faults(struct lg_euid to)
{
	struct fixture f = fixture_new();
	struct lg_schema *schema = schema_of(&f, house);
	struct lg_policy_source src = { LG_NONE, LG_STR("@id(\"t\") permit(principal in ?principal, action, resource);") };
	struct lg_policy_link link = { LG_STR("t"), LG_STR("linked"), &to, NULL };
	struct lg_policy_options opt = { .schema = schema, .ids_from_annotation = true, .links = &link, .nlinks = 1 };
	struct lg_policy_faults faults = { 0 };
	struct lg_policies *set = NULL;

	cr_assert_eq(lg_policies_parse(&f.cx, &src, 1, &opt, &faults, &set), LG_OK, "%s", f.cx.error);
	(void)!lg_policies_validate(&f.cx, set, schema, LG_STRICT, &faults);
	for (size_t i = 0; i < faults.n; i++)
		cr_expect(lg_str_eq(faults.v[i].policy, LG_STR("linked")) && faults.v[i].line == 1);
	lg_policies_unref(&set);
	lg_schema_unref(&schema);
	fixture_free(&f);
	return faults.errors;
}

Test(links, what_fills_a_slot_is_checked_as_if_it_stood_there)
{
	cr_expect_eq(link_faults(lg_euid_of(LG_STR("User"), LG_STR("a"))), 0);
	cr_expect_eq(link_faults(lg_euid_of(LG_STR("Color"), LG_STR("red"))), 1);	/* no user is in a color */
	cr_expect_eq(link_faults(lg_euid_of(LG_STR("Color"), LG_STR("pink"))), 2);
	cr_expect_eq(link_faults(lg_euid_of(LG_STR("Nobody"), LG_STR("x"))), 2);
}
