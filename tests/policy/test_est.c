/* Policies in JSON and printed as text: there and back, and what is refused. */
#include "policy_test.h"

/* The policy as JSON, that JSON as text, and the same again: must not move. */
static void
expect_round(const char *text)
{
	struct fixture f = fixture_new();
	struct lg_policies *set = policies_of(&f, text, NULL), *again = NULL;
	struct lg_buf first = LG_BUF(1u << 20), second = LG_BUF(1u << 20);
	struct lg_policy_faults faults = { 0 };

	lg_policies_json(set, &first);
	cr_assert_eq(lg_policies_parse_json(&f.cx, lg_buf_view(&first), NULL, &faults, &again), LG_OK, "%s: %s", text, f.cx.error);
	lg_policies_json(again, &second);
	cr_expect(lg_str_eq(lg_buf_view(&first), lg_buf_view(&second)), "%s:\n%.*s\n%.*s", text, LG_FMT(lg_buf_view(&first)),
	    LG_FMT(lg_buf_view(&second)));
	lg_buf_free(&first);
	lg_buf_free(&second);
	lg_policies_unref(&set);
	lg_policies_unref(&again);
	fixture_free(&f);
}

#define W(expr) "permit(principal, action, resource) when { " expr " };"

Test(est, goes_there_and_back)
{
	static const char *const texts[] = {
		"@id(\"a\\\"b\") @if @x(\"\") permit(principal == N::U::\"a b\", action in [Action::\"x\", N::Action::\"y\"], resource is T in F::\"f\") "
		"when { true } unless { false };",
		"permit(principal in ?principal, action == Action::\"a\", resource == ?resource); forbid(principal is U in ?principal, action in [], resource is V);",
		W("principal has a.b.c && principal has \"x y\" && principal[\"if\"].b == 1"), W("!(!(!true)) && -(-5) == --5 && -(principal.x) < 3"),
		W("(1 - (2 - 3)) * -4 + 5 * (6 * 7) == (1 + 2) * 3"), W("(a::\"1\" == b::\"2\") == (1 < 2)"),
		W("if true then if false then 1 else 2 else 3 == (if true then 1 else 2)"), W("(true || false) && (true && (false && true)) || (true || false)"),
		W("\"a*\\u{1F600}b\" like \"a\\*\\u{1F600}*\\\\*\""), W("{a: [1, {\"b c\": ip(\"::1\").isLoopback()}], context: context}.a.contains(1)"),
		W("principal is U in [resource, principal] && resource in principal.x"), W("datetime(\"2024-01-01\").offset(duration(\"1d\")) >= context.t"),
		W("-9223372036854775808 != 9223372036854775807 && (-1).x == 1 && !principal.hasTag(\"a\") && principal.getTag(context.k)"),
	};

	for (size_t i = 0; i < LG_COUNT(texts); i++)
		expect_round(texts[i]);
}

static lg_err
read(struct fixture *f, const char *json)
{
	struct lg_policy_faults faults = { 0 };
	struct lg_policies *set = NULL;
	lg_err e = lg_policies_parse_json(&f->cx, lg_str_of(json), NULL, &faults, &set);

	lg_policies_unref(&set);
	return e;
}

#define S(policy) "{\"staticPolicies\":{\"p\":" policy "}}"
#define WITH(scope, conditions, rest) S("{\"effect\":\"permit\",\"principal\":" scope ",\"action\":{\"op\":\"All\"}," \
	"\"resource\":{\"op\":\"All\"},\"conditions\":[" conditions "]" rest "}")
#define POLICY(scope, rest) WITH(scope, "", rest)
#define BODY(x) WITH("{\"op\":\"All\"}", "{\"kind\":\"when\",\"body\":" x "}", "")

Test(est, names_from_json_cannot_carry_syntax)
{
	struct fixture f = fixture_new();

	cr_expect_eq(read(&f, POLICY("{\"op\":\"is\",\"entity_type\":\"User\"}", "")), LG_OK, "%s", f.cx.error);
	cr_expect_eq(read(&f, POLICY("{\"op\":\"is\",\"entity_type\":\"User, action, resource); permit(principal\"}", "")), LG_E_INVALID);
	cr_expect_eq(read(&f, POLICY("{\"op\":\"==\",\"entity\":{\"type\":\"U::\\\"x\\\"); //\",\"id\":\"a\"}}", "")), LG_E_INVALID);
	cr_expect_eq(read(&f, POLICY("{\"op\":\"All\"}", ",\"annotations\":{\"a) permit(\":\"x\"}")), LG_E_INVALID);
	cr_expect_eq(read(&f, POLICY("{\"op\":\"All\"}", ",\"annotations\":{\"if\":\"\\\") permit(\"}")), LG_OK, "%s", f.cx.error);
	cr_expect_eq(read(&f, BODY("{\".\":{\"left\":{\"Var\":\"context\"},\"attr\":\"x\\\"] || true || context[\\\"y\"}}")), LG_OK, "%s", f.cx.error);
	cr_expect_eq(read(&f, BODY("{\"has\":{\"left\":{\"Var\":\"context\"},\"attr\":[\"a b\",\"c) || (true\"]}}")), LG_OK, "%s", f.cx.error);
	cr_expect_eq(read(&f, BODY("{\"is\":{\"left\":{\"Var\":\"principal\"},\"entity_type\":\"U || true\"}}")), LG_E_INVALID);
	cr_expect_eq(read(&f, BODY("{\"Var\":\"principal || true\"}")), LG_E_INVALID);
	fixture_free(&f);
}

Test(est, what_is_refused)
{
	static const char *const bad[] = {
		"[]", "{\"what\":{}}", S("{}"), S("{\"effect\":\"permit\",\"principal\":{\"op\":\"All\"},\"action\":{\"op\":\"All\"},"
		"\"resource\":{\"op\":\"All\"}}"), S("{\"effect\":\"permit\"}"), POLICY("{\"op\":\"has\"}", ""), POLICY("{\"op\":\"is\",\"entity_type\":\"U\",\"x\":1}", ""), POLICY("{\"op\":\"==\"}", ""),
		POLICY("{\"op\":\"All\",\"entity\":{\"type\":\"U\",\"id\":\"a\"}}", ""), POLICY("{\"op\":\"in\",\"entities\":[]}", ""),
		POLICY("{\"op\":\"==\",\"slot\":\"?principal\"}", ""), "{\"templates\":{\"p\":{\"effect\":\"permit\",\"principal\":{\"op\":\"All\"},"
		"\"action\":{\"op\":\"All\"},\"resource\":{\"op\":\"All\"},\"conditions\":[]}}}", "{\"templates\":{\"p\":{\"effect\":\"permit\",\"principal\":{\"op\":\"==\","
		"\"slot\":\"?resource\"},\"action\":{\"op\":\"All\"},\"resource\":{\"op\":\"All\"},\"conditions\":[]}}}", BODY("{}"), BODY("{\"nope\":{}}"), BODY("true"),
		BODY("{\"==\":{\"left\":{\"Value\":1}}}"), BODY("{\"==\":{\"left\":{\"Value\":1},\"right\":{\"Value\":1},\"arg\":{\"Value\":1}},\"x\":1}"),
		BODY("{\"!\":{\"left\":{\"Value\":true},\"right\":{\"Value\":true}}}"), BODY("{\"Value\":null}"), BODY("{\"Value\":1.5}"),
		BODY("{\"Slot\":\"?principal\"}"), BODY("{\"isIpv4\":[]}"), BODY("{\"like\":{\"left\":{\"Value\":\"a\"},\"pattern\":[\"Star\"]}}"),
		BODY("{\"has\":{\"left\":{\"Var\":\"context\"},\"attr\":[]}}"),
		"{\"templateLinks\":[{\"templateId\":\"t\",\"newId\":\"n\",\"values\":{}}]}",
	};

	for (size_t i = 0; i < LG_COUNT(bad); i++) {
		struct fixture f = fixture_new();

		cr_expect_eq(read(&f, bad[i]), LG_E_INVALID, "%s", bad[i]);
		fixture_free(&f);
	}
}

#define ENTITY "\"entity\":{\"type\":\"U\",\"id\":\"a\"}"

/* The reference passes over them and the policy means less than its author wrote. */
Test(est, a_scope_has_no_member_of_another_op)
{
	static const char *const good[] = {
		POLICY("{\"op\":\"all\"}", ""), POLICY("{\"op\":\"All\",\"in\":null}", ""), POLICY("{\"op\":\"==\"," ENTITY "}", ""), POLICY("{\"op\":\"in\"," ENTITY "}", ""),
		POLICY("{\"op\":\"is\",\"entity_type\":\"U\",\"in\":{" ENTITY ",\"in\":7}}", ""), POLICY("{\"op\":\"is\",\"entity_type\":\"U\",\"in\":null}", ""),
	};
	static const char *const bad[] = {
		POLICY("{\"op\":\"all\"," ENTITY "}", ""), POLICY("{\"op\":\"All\",\"entity_type\":\"U\"}", ""), POLICY("{\"op\":\"==\"," ENTITY ",\"in\":{" ENTITY "}}", ""),
		POLICY("{\"op\":\"in\"," ENTITY ",\"in\":7}", ""), POLICY("{\"op\":\"==\"," ENTITY ",\"slot\":\"?principal\"}", ""),
		POLICY("{\"op\":\"in\"," ENTITY ",\"entities\":[]}", ""), POLICY("{\"op\":\"is\",\"entity_type\":\"U\"," ENTITY "}", ""),
		POLICY("{\"op\":\"is\",\"entity_type\":\"U\",\"in\":{" ENTITY ",\"entity_type\":\"V\"}}", ""), POLICY("{\"op\":\"is\",\"entity_type\":\"U\",\"in\":{}}", ""),
	};
	struct fixture f = fixture_new();

	for (size_t i = 0; i < LG_COUNT(good); i++)
		cr_expect_eq(read(&f, good[i]), LG_OK, "%s: %s", good[i], f.cx.error);
	for (size_t i = 0; i < LG_COUNT(bad); i++)
		cr_expect_eq(read(&f, bad[i]), LG_E_INVALID, "%s", bad[i]);
	fixture_free(&f);
}

/* What the reference passes over is passed over. */
Test(est, members_that_are_none)
{
	struct fixture f = fixture_new();

	cr_expect_eq(read(&f, POLICY("{\"op\":\"All\",\"x\":[{}]}", "")), LG_OK, "%s", f.cx.error);
	cr_expect_eq(read(&f, BODY("{\"has\":{\"left\":{\"Var\":\"context\"},\"attr\":\"a\",\"x\":1}}")), LG_OK, "%s", f.cx.error);
	cr_expect_eq(read(&f, BODY("{\".\":{\"left\":{\"Var\":\"context\"},\"attr\":\"a\",\"x\":1}}")), LG_E_INVALID);
	cr_expect_eq(read(&f, POLICY("{\"op\":\"==\",\"entity\":{\"type\":\"U\",\"id\":\"a\",\"x\":1}}", "")), LG_OK, "%s", f.cx.error);
	fixture_free(&f);
}

#define TEMPLATE "\"templates\":{\"t\":{\"effect\":\"permit\",\"principal\":{\"op\":\"==\",\"slot\":\"?principal\"},\"action\":{\"op\":\"All\"}," \
	"\"resource\":{\"op\":\"in\",\"slot\":\"?resource\"},\"conditions\":[]}}"
#define STATIC "\"staticPolicies\":{\"s\":{\"effect\":\"forbid\",\"principal\":{\"op\":\"All\"},\"action\":{\"op\":\"All\"},\"resource\":{\"op\":\"All\"}," \
	"\"conditions\":[]}}"
#define UID(id) "{\"type\":\"U\",\"id\":\"" id "\"}"
#define BOTH "\"?principal\":" UID("a") ",\"?resource\":" UID("b")
#define LINK(of, id, values) "{\"templateId\":\"" of "\",\"newId\":\"" id "\",\"values\":{" values "}}"
#define LINKED(links) "{" STATIC "," TEMPLATE ",\"templateLinks\":[" links "]}"

Test(est, links_fill_just_the_slots_of_a_template_that_is_there_under_an_id_of_their_own)
{
	static const char *const good[] = { LINKED(""), LINKED(LINK("t", "l", BOTH)), LINKED(LINK("t", "l", BOTH) "," LINK("t", "m", BOTH)),
		LINKED(LINK("t", "l", "\"?resource\":{\"__entity\":" UID("b") "},\"?principal\":" UID("a"))) };
	static const char *const bad[] = { LINKED(LINK("t", "l", "\"?principal\":" UID("a"))), LINKED(LINK("t", "l", BOTH ",\"?other\":" UID("c"))),
		LINKED(LINK("t", "l", "")), LINKED(LINK("none", "l", BOTH)), LINKED(LINK("s", "l", "")), LINKED(LINK("t", "s", BOTH)), LINKED(LINK("t", "t", BOTH)),
		LINKED(LINK("t", "l", BOTH) "," LINK("t", "l", BOTH)), LINKED("{\"templateId\":\"t\",\"newId\":\"l\"}"), LINKED("{\"templateId\":\"t\",\"values\":{" BOTH "}}"),
		LINKED(LINK("t", "l", "\"?principal\":\"U::a\",\"?resource\":" UID("b"))), "{" STATIC ",\"templateLinks\":{}}", "{" STATIC "," STATIC "}" };

	for (size_t i = 0; i < LG_COUNT(good); i++) {
		struct fixture f = fixture_new();

		cr_expect_eq(read(&f, good[i]), LG_OK, "%s: %s", good[i], f.cx.error);
		fixture_free(&f);
	}
	for (size_t i = 0; i < LG_COUNT(bad); i++) {
		struct fixture f = fixture_new();

		cr_expect_eq(read(&f, bad[i]), LG_E_INVALID, "%s", bad[i]);
		cr_expect(f.cx.error[0] != '\0', "%s", bad[i]);
		fixture_free(&f);
	}
}

/* Templates, links and static policies: text, JSON and back are the same set, which answers the same. */
Test(est, a_set_with_links_comes_back_as_it_went)
{
	struct fixture f = fixture_new();
	struct lg_policies *set = NULL, *again = NULL;
	struct lg_policy_faults faults = { 0 };
	struct lg_buf first = LG_BUF(1u << 16), second = LG_BUF(1u << 16);
	struct lg_request rq = { uid_of(&f, "U::\"a\""), uid_of(&f, "Action::\"x\""), uid_of(&f, "U::\"b\""), NULL };
	struct lg_answer a;

	lg_str json = LG_STR("{" TEMPLATE ",\"templateLinks\":[" LINK("t", "l \\\"1\\\"", BOTH) "]}");
	cr_assert_eq(lg_policies_parse_json(&f.cx, json, NULL, &faults, &set), LG_OK, "%s", f.cx.error);
	lg_policies_json(set, &first);
	cr_assert_eq(lg_policies_parse_json(&f.cx, lg_buf_view(&first), NULL, &faults, &again), LG_OK, "%s", f.cx.error);
	lg_policies_json(again, &second);
	cr_expect(lg_str_eq(lg_buf_view(&first), lg_buf_view(&second)), "%.*s\n%.*s", LG_FMT(lg_buf_view(&first)), LG_FMT(lg_buf_view(&second)));
	lg_authorize(&f.cx, again, NULL, &rq, &a);
	cr_expect(a.allow && a.ndetermining == 1);
	rq.principal = uid_of(&f, "U::\"c\"");
	lg_authorize(&f.cx, again, NULL, &rq, &a);
	cr_expect_not(a.allow);
	lg_policies_unref(&set);
	lg_policies_unref(&again);
	lg_buf_free(&first);
	lg_buf_free(&second);
	fixture_free(&f);
}

Test(est, nesting_is_bounded)
{
	struct fixture f = fixture_new();
	struct lg_buf b = LG_BUF(1u << 22);

	for (int deep = 0; deep < 2; deep++) {
		int levels = deep ? 50000 : 100;

		lg_buf_clear(&b);
		lg_buf_str(&b, LG_STR("{\"staticPolicies\":{\"p\":{\"effect\":\"permit\",\"principal\":{\"op\":\"All\"},\"action\":{\"op\":\"All\"},"
		    "\"resource\":{\"op\":\"All\"},\"conditions\":[{\"kind\":\"when\",\"body\":"));
		for (int i = 0; i < levels; i++)
			lg_buf_str(&b, LG_STR("{\"&&\":{\"left\":"));
		lg_buf_str(&b, LG_STR("{\"Value\":true}"));
		for (int i = 0; i < levels; i++)
			lg_buf_str(&b, LG_STR(",\"right\":{\"Value\":true}}}"));
		lg_buf_bytes(&b, "}]}}}", 6);
		cr_expect_eq(read(&f, b.p), deep ? LG_E_INVALID : LG_OK, "%s", f.cx.error);
	}
	lg_buf_free(&b);
	fixture_free(&f);
}
