/* Schemas: what is taken, what is refused, and what the validator makes of policies. */
#include "policy_test.h"

static size_t
errors_of(const char *text)
{
	struct fixture f = fixture_new();
	struct lg_policy_faults faults = { 0 };
	struct lg_schema *s = NULL;
	lg_err e = lg_schema_parse(&f.cx, LG_STR("s"), lg_str_of(text), &faults, &s);
	size_t n = faults.errors;

	cr_assert_eq(e == LG_OK, n == 0);
	lg_schema_unref(&s);
	fixture_free(&f);
	return n;
}

Test(schema, what_the_grammar_has)
{
	static const char *const good[] = {
		"", "entity A;", "entity A, B in [A, B] = { x: Long, \"y z\"?: Set<Set<String>>, } tags Long;", "entity A { };",
		"entity A in A = {};", "entity A enum [\"x\", \"y\"];", "@doc(\"d\") @x namespace N::M { @doc entity A { @doc(\"x\") b: Bool }; }",
		"type T = { a: U }; type U = Set<Long>; entity A = T2; type T2 = {};", "entity A; action a, \"b c\" in [\"d\"]; action d;",
		"entity A; action a appliesTo { principal: A, resource: [A], context: {x: Long}, };",
		"entity A; type C = {x: Long}; action a appliesTo { principal: A, resource: A, context: C } attributes {};",
		"namespace N { entity A; action a in [b, M::Action::\"c\"]; action b; } namespace M { action c; }",
		"entity U { a: __cedar::Long, b: ipaddr, c: __cedar::datetime };", "namespace N { entity Long; entity A { x: Long }; }",
		"namespace N { type x = Long; } entity A { y: N::x };", "entity entity { type: Long, action: Bool };",
		"entity A; namespace N { entity B in A { a: A }; }",
	};
	static const size_t skip = 7;		/* `entity A = T2` is not Cedar: a shape is written out */

	for (size_t i = 0; i < LG_COUNT(good); i++)
		cr_expect_eq(errors_of(good[i]) == 0, i != skip, "%s", good[i]);
}

static const char *const by_action[] = { "entity U { x: Action }; action a;", "entity U { x: Set<N::Action> }; namespace N { action a; }",
	"namespace N { entity U { x: Action }; } action a;" };

Test(schema, attributes_can_name_actions_where_there_are_some)
{
	for (size_t i = 0; i < LG_COUNT(by_action); i++)
		cr_expect_eq(errors_of(by_action[i]), 0, "%s", by_action[i]);
	cr_expect_neq(errors_of("entity U { x: Action };"), 0);
	cr_expect_neq(errors_of("entity U { x: N::Action }; action a;"), 0);
	cr_expect_neq(errors_of("entity U in [Action]; action a;"), 0);
	cr_expect_neq(errors_of("entity U { x: Boolean };"), 0, "the type is Bool");
}

Test(schema, what_it_refuses)
{
	static const char *const bad[] = {
		"entity A; entity B in [A,];", "entity A; action x appliesTo { principal: [A,], resource: A };",
		"entity A", "entity A; entity A;", "entity A in B;", "entity A { x: Nothing };", "entity A { x: Long, x: Bool };",
		"entity A enum [];", "entity in;", "type T = T;", "type T = { a: U }; type U = Set<T>;", "type Long = Bool;", "entity Action;",
		"action a in b;", "action a in b; action b in a;", "action a; action a;", "entity A; action a appliesTo { principal: A };",
		"entity A; action a appliesTo { principal: [], resource: A };", "entity A; action a appliesTo { principal: A, principal: A, resource: A };",
		"entity A; action a appliesTo { principal: B, resource: A };", "entity A; action a appliesTo { principal: A, resource: A, context: Long };",
		"entity A; type C = Long; action a appliesTo { principal: A, resource: A, context: C };", "namespace __cedar { entity A; }",
		"namespace N { entity A; } namespace N { entity B; }", "entity A; namespace N { entity A; }", "type T = Long; namespace N { type T = Bool; }",
		"@a @a entity A;", "entity A { x: Set<Long };", "}", "namespace N { entity A;", "entity A { true: Long };",
	};

	for (size_t i = 0; i < LG_COUNT(bad); i++)
		cr_expect_neq(errors_of(bad[i]), 0, "%s", bad[i]);
	cr_expect_eq(errors_of("entity A in B;\nentity C { x: D };\naction a in b;\n"), 3);
	cr_expect_eq(errors_of("entity A = ;\nentity B { x Long };\nentity C;\naction ;\n"), 3, "goes on behind each ;");
}

static const char house[] =
    "entity Group; entity User in [Group] = { n: Long, s: String, boss?: User, opt?: { k?: Long } } tags Long; entity Doc { owner: User };\n"
    "action read, write appliesTo { principal: User, resource: Doc, context: { mfa: Bool, ip?: ipaddr } };\n"
    "action join appliesTo { principal: User, resource: Group };";

static const char *
verdict(struct fixture *f, const char *policy, enum lg_validation mode)
{
	struct lg_schema *s = schema_of(f, house);
	struct lg_policies *set = policies_of(f, policy, s);
	struct lg_policy_faults faults = { 0 };
	lg_err e = lg_policies_validate(&f->cx, set, s, mode, &faults);

	cr_assert_eq(e == LG_OK, faults.errors == 0);
	lg_policies_unref(&set);
	lg_schema_unref(&s);
	if (faults.errors > 0)
		return lg_dup(f->arena, faults.v[0].message).p;
	return faults.warnings > 0 ? "warning" : "valid";
}

#define RW "permit(principal, action in [Action::\"read\", Action::\"write\"], resource) when { "

Test(validate, types_capabilities_and_scopes)
{
	static const struct {
		const char *policy, *wanted;		/* a part of the message */
	} rows[] = {
		{ "permit(principal, action, resource);", "valid" }, { RW "principal.n > 1 && resource.owner == principal };", "valid" },
		{ RW "principal.boss == principal };", "optional" }, { RW "principal has boss && principal.boss.n == 1 };", "valid" },
		{ RW "principal has opt.k && principal.opt.k == 1 };", "valid" }, { RW "principal has opt && principal.opt.k == 1 };", "optional" },
		{ RW "if principal has boss then principal.boss has n else false };", "valid" },
		{ RW "!(principal has boss) || principal.boss.n == 1 };", "optional" },
		{ RW "(principal has boss || false) && principal.boss.n == 1 };", "valid" },
		{ RW "principal.getTag(\"x\") == 1 };", "hasTag" }, { RW "principal.hasTag(\"x\") && principal.getTag(\"x\") == 1 };", "valid" },
		{ RW "principal.hasTag(context.x) };", "no attribute" }, { RW "resource.hasTag(\"x\") && resource.getTag(\"x\") == 1 };", "warning" },
		{ RW "principal.nope == 1 };", "no attribute" }, { RW "principal.n == \"1\" };", "not compatible" },
		{ RW "principal.n + principal.s == 1 };", "expected Long" }, { RW "[] == [] };", "empty set" },
		{ RW "[1, \"a\"].contains(1) };", "incompatible" }, { RW "context.mfa && context has ip && context.ip.isLoopback() };", "valid" },
		{ RW "ip(\"1.2.3\").isLoopback() };", "no valid ipaddr" }, { RW "ip(principal.s).isLoopback() };", "literal" },
		{ RW "ip(\"::1\").isInRange() };", "argument" }, { RW "principal is Nobody };", "not in the schema" },
		{ RW "principal == Nobody::\"x\" };", "not in the schema" }, { RW "action == Action::\"erase\" };", "not in the schema" },
		{ RW "principal == resource };", "warning" }, { RW "resource in principal };", "warning" }, { RW "principal in Group::\"g\" };", "valid" },
		{ RW "principal.n };", "expected Bool" }, { RW "false && principal.nope };", "warning" }, { RW "if 1 == 1 then true else 1 + \"a\" };", "valid" },
		{ "permit(principal is Doc, action, resource);", "no action" }, { "permit(principal, action == Action::\"join\", resource is Doc);", "no action" },
		{ "permit(principal == Group::\"g\", action, resource);", "no action" }, { "permit(principal in ?principal, action, resource);", "valid" },
		{ "permit(principal, action == Action::\"join\", resource) when { context.mfa };", "no attribute" },
		{ "permit(principal, action, resource) when { action == Action::\"join\" || context.mfa };", "valid" },
		{ "permit(principal, action, resource) when { action in [Action::\"join\"] || context.mfa };", "valid" },
		{ RW "principal < resource };", "order" }, { RW "principal.s like \"*\" && !principal.s };", "expected Bool" },
	};
	struct fixture f = fixture_new();

	for (size_t i = 0; i < LG_COUNT(rows); i++) {
		const char *got = verdict(&f, rows[i].policy, LG_STRICT);

		cr_expect(strstr(got, rows[i].wanted) != NULL, "%s: %s", rows[i].policy, got);
	}
	fixture_free(&f);
}

Test(validate, permissive_takes_mixed_types)
{
	struct fixture f = fixture_new();

	cr_expect_str_eq(verdict(&f, RW "principal.n == \"1\" };", LG_PERMISSIVE), "valid");
	cr_expect_str_eq(verdict(&f, RW "[principal, resource].contains(principal) };", LG_PERMISSIVE), "valid");
	cr_expect_str_eq(verdict(&f, RW "[] == [] };", LG_PERMISSIVE), "valid");
	cr_expect_str_eq(verdict(&f, RW "ip(principal.s).isLoopback() };", LG_PERMISSIVE), "valid");
	cr_expect(strstr(verdict(&f, RW "principal.n + \"1\" == 1 };", LG_PERMISSIVE), "expected Long") != NULL);
	fixture_free(&f);
}

static size_t
json_errors_of(const char *json)
{
	struct fixture f = fixture_new();
	struct lg_policy_faults faults = { 0 };
	struct lg_schema *s = NULL;
	lg_err e = lg_schema_parse_json(&f.cx, LG_STR("s.json"), lg_str_of(json), &faults, &s);
	size_t n = faults.errors;

	cr_assert_eq(e == LG_OK, n == 0);
	lg_schema_unref(&s);
	fixture_free(&f);
	return n;
}

#define NS(x) "{\"\":{\"entityTypes\":{" x "},\"actions\":{}}}"

Test(schema, json_is_taken_and_refused_like_text)
{
	static const char *const good[] = {
		"{}", NS(""), NS("\"A\":{}"), NS("\"A\":{\"memberOfTypes\":[\"A\"],\"shape\":{\"type\":\"Record\",\"attributes\":{\"x\":{\"type\":\"Long\","
		"\"required\":false},\"y\":{\"type\":\"Set\",\"element\":{\"type\":\"Entity\",\"name\":\"A\"}},\"z\":{\"type\":\"Extension\",\"name\":\"ipaddr\"}}},"
		"\"tags\":{\"type\":\"String\"}}"), NS("\"A\":{\"enum\":[\"x\"]}"),
		"{\"N\":{\"commonTypes\":{\"T\":{\"type\":\"Record\",\"attributes\":{}}},\"entityTypes\":{\"A\":{\"shape\":{\"type\":\"T\"}}},"
		"\"actions\":{\"a b\":{\"memberOf\":[{\"id\":\"g\"}],\"appliesTo\":{\"principalTypes\":[\"A\"],\"resourceTypes\":[\"N::A\"],\"context\":{\"type\":\"T\"}}},\"g\":{}},"
		"\"annotations\":{\"doc\":\"x\"}}}",
	};
	static const char *const bad[] = {
		"[]", "{\"\":{}} x", "{\"\":{\"what\":{}}}", NS("\"A B\":{}"), NS("\"A\":{\"enum\":[]}"), NS("\"A\":{\"enum\":[\"x\"],\"tags\":{\"type\":\"Long\"}}"),
		NS("\"A\":{\"memberOfTypes\":[\"B\"]}"), NS("\"A\":{\"shape\":{\"type\":\"Long\"}}"), NS("\"A\":{\"tags\":{\"type\":\"Set\"}}"),
		NS("\"A\":{\"tags\":{\"type\":\"Entity\",\"name\":\"A; entity B\"}}"), NS("\"A\":{\"annotations\":{\"a b\":\"\"}}"),
		NS("\"A\":{\"shape\":{\"type\":\"Record\",\"attributes\":{},\"additionalAttributes\":true}}"), "{\"\":{\"entityTypes\":{}}}", "{\"\":{\"entityTypes\":{},\"actions\":{},\"annotations\":{\"a\":\"x\"}}}",
		"{\"\":{\"actions\":{}}}", "{\"\":{\"entityTypes\":{\"A\":{}},\"actions\":{\"a\":{\"appliesTo\":{\"resourceTypes\":[\"A\"]}}}}}",
		"{\"\":{\"entityTypes\":{\"A\":{}},\"actions\":{\"a\":{\"appliesTo\":{\"principalTypes\":[\"A\"]}}}}}", "{\"a b\":{\"entityTypes\":{},\"actions\":{}}}",
	};

	for (size_t i = 0; i < LG_COUNT(good); i++)
		cr_expect_eq(json_errors_of(good[i]), 0, "%s", good[i]);
	for (size_t i = 0; i < LG_COUNT(bad); i++)
		cr_expect_neq(json_errors_of(bad[i]), 0, "%s", bad[i]);
}

Test(schema, nesting_is_bounded)
{
	struct lg_buf b = LG_BUF(1u << 22);

	lg_buf_str(&b, LG_STR("type T = "));
	for (int i = 0; i < 100000; i++)
		lg_buf_str(&b, LG_STR("Set<"));
	lg_buf_byte(&b, '\0');
	cr_expect_neq(errors_of(b.p), 0);
	lg_buf_clear(&b);
	for (int i = 0; i < 1000; i++)
		lg_buf_printf(&b, "entity E%d in E%d;", i, i + 1);
	lg_buf_bytes(&b, "entity E1000;", 14);
	cr_expect_neq(errors_of(b.p), 0, "a hierarchy too deep");
	lg_buf_free(&b);
}
