/* What the parser takes, what it refuses, and that it reports everything at its place. */
#include "policy_test.h"

static size_t
errors_of(struct fixture *f, const char *text, struct lg_policy_faults *faults)
{
	struct lg_policy_source src = { LG_STR("p.cedar"), lg_str_of(text) };
	struct lg_policies *set = NULL;
	lg_err e = lg_policies_parse(&f->cx, &src, 1, NULL, faults, &set);

	cr_assert_eq(e == LG_OK, faults->errors == 0, "%s", text);
	lg_policies_unref(&set);
	return faults->errors;
}

static void
expect_all(const char *const *texts, size_t n, bool good)
{
	for (size_t i = 0; i < n; i++) {
		struct fixture f = fixture_new();
		struct lg_policy_faults faults = { 0 };
		size_t errors = errors_of(&f, texts[i], &faults);

		cr_expect_eq(errors == 0, good, "%s: %s", texts[i], f.cx.error);
		fixture_free(&f);
	}
}

Test(parse, what_the_grammar_has)
{
	static const char *const good[] = {
		"", "// nothing\n", "permit(principal, action, resource);", "forbid(principal, action, resource,);",
		"permit(principal == User::\"a\", action == Action::\"b\", resource == N::T::\"c\");",
		"permit(principal in G::\"a\", action in [Action::\"b\", N::Action::\"c\",], resource is T in F::\"x\");",
		"permit(principal is N::User, action in Action::\"b\", resource);", "permit(principal, action in [], resource);",
		"permit(principal == ?principal, action, resource in ?resource);",
		"permit(principal is U in ?principal, action, resource);", "permit(principal == (U::\"a\"), action, resource);",
		"@id(\"x\") @if @advice(\"a\\\"b\") permit(principal, action, resource) when { true } unless { false } when { 1 == 1 };",
		"permit(principal, action, resource) when { if true then [1,] == [] else {a: 1, \"b c\": 2,} has a };",
		"permit(principal, action, resource) when { principal.when.permit == context[\"if\"] };",
		"permit(principal, action, resource) when { \"a\" like \"*\" && principal has when.permit };",
		"permit(principal, action, resource) when { ----1 == 1 && !!!!true };",
		"permit(principal, action, resource) when { principal::X::\"a\" == action::\"b\" };",
		"permit(principal, action, resource) when { ip(\"nonsense\").isLoopback() };",
		("permit\xc2\xa0(principal,\xe3\x80\x80" "action, resource);"),
	};
	expect_all(good, LG_COUNT(good), true);
}

Test(parse, what_it_refuses)
{
	static const char *const bad[] = {
		"permit(principal, action, resource)", "permit(principal, resource, action);", "permit(principal, action);",
		"permit(principal, action, resource, context);", "allow(principal, action, resource);", "permit();",
		"permit(principal, action, resource) when { };", "permit(principal, action, resource) if { true };",
		"permit(principal = User::\"a\", action, resource);", "permit(principal != User::\"a\", action, resource);",
		"permit(principal: User, action, resource);", "permit(principal is U == U::\"a\", action, resource);",
		"permit(principal, action is Action, resource);", "permit(principal, action == User::\"a\", resource);",
		"permit(principal == ?resource, action, resource);", "permit(principal, action == ?action, resource);",
		"permit(principal in [U::\"a\"], action, resource);", "@a @a permit(principal, action, resource);",
		"permit(principal, action, resource) when { ?principal == principal };",
		"permit(principal, action, resource) when { 9223372036854775808 == 1 };",
		"permit(principal, action, resource) when { 1 == 1 == true };", "permit(principal, action, resource) when { 1 < 2 < 3 };",
		"permit(principal, action, resource) when { !!!!!true };", "permit(principal, action, resource) when { -----1 == 1 };",
		"permit(principal, action, resource) when { !-1 == 1 };", "permit(principal, action, resource) when { /* a */ true };",
		"permit(principal, action, resource) when { {a: 1, a: 2} == {} };", "permit(principal, action, resource) when { 4 / 2 == 2 };",
		"permit(principal, action, resource) when { foo };", "permit(principal, action, resource) when { foo(1) };",
		"permit(principal, action, resource) when { principal.contains };x",
		"permit(principal, action, resource) when { contains(1) };", "permit(principal, action, resource) when { 1.ip() };",
		"permit(principal, action, resource) when { [1].contains(1, 2) };", "permit(principal, action, resource) when { principal() };",
		"permit(principal, action, resource) when { principal.in };", "permit(principal, action, resource) when { principal[1] };",
		"permit(principal, action, resource) when { principal has 1 };", "permit(principal, action, resource) when { \"a\" like principal };",
		"permit(principal, action, resource) when { __cedar::A::\"x\" == principal };", "permit(principal, action, resource) when { \"a };",
		"permit(principal, action, resource) when { {if: 1} == {} };", "permit(principal, action, resource) when { principal is \"U\" };",
		"permit(principal, action, resource) when { true }; ;", "permit(principal, action, resource) when { (true };", "\xff",
	};
	expect_all(bad, LG_COUNT(bad), false);
}

Test(parse, every_fault_of_a_file_is_reported_with_its_place)
{
	struct fixture f = fixture_new();
	struct lg_policy_faults faults = { 0 };

	errors_of(&f,
	    "permit(principal, action, resource) when { foo && bar(1) };\n"
	    "permit(principal action, resource);\n"
	    "forbid(principal, action, resource)\n"
	    "  when { 1 + } unless { principal.true };\n"
	    "permit(principal, action, resource) when { \"\xc3\xa9\\q\" == 1 };\n", &faults);
	cr_assert_eq(faults.errors, 6, "%.*s", LG_FMT(lg_policy_faults_text(f.arena, &faults)));
	static const unsigned lines[] = { 1, 1, 2, 4, 4, 5 }, columns[] = { 44, 51, 18, 14, 35, 46 };
	for (size_t i = 0; i < faults.n; i++) {
		cr_expect_eq(faults.v[i].line, lines[i], "%zu: line %u", i, faults.v[i].line);
		cr_expect_eq(faults.v[i].column, columns[i], "%zu: column %u", i, faults.v[i].column);
	}
	fixture_free(&f);
}

Test(parse, nesting_is_bounded_and_chains_are_not)
{
	struct fixture f = fixture_new();
	struct lg_buf b = LG_BUF(1u << 20);
	struct lg_policy_faults faults = { 0 };

	lg_buf_str(&b, LG_STR("permit(principal, action, resource) when { "));
	for (int i = 0; i < 5000; i++)
		lg_buf_str(&b, LG_STR("true && "));
	lg_buf_str(&b, LG_STR("true };"));
	lg_buf_byte(&b, '\0');
	cr_assert_eq(errors_of(&f, b.p, &faults), 0);
	lg_buf_clear(&b);
	lg_buf_str(&b, LG_STR("permit(principal, action, resource) when { "));
	for (int i = 0; i < 100000; i++)
		lg_buf_byte(&b, '(');
	lg_buf_byte(&b, '\0');
	cr_assert_eq(errors_of(&f, b.p, &faults), 1, "%s", f.cx.error);
	lg_buf_free(&b);
	fixture_free(&f);
}

Test(parse, ids_come_from_the_position_or_on_request_from_the_annotation)
{
	struct fixture f = fixture_new();
	const char *text = "@id(\"foo\") permit(principal, action, resource); forbid(principal, action, resource);";
	struct lg_policies *set = policies_of(&f, text, NULL);
	struct lg_policy_info info;
	size_t at = 9;

	cr_assert_eq(lg_policies_count(set), 2);
	lg_policies_info(set, 1, &info);
	cr_assert(lg_str_eq(info.id, LG_STR("policy1")));
	cr_assert_eq(info.effect, LG_FORBID);
	cr_assert_eq(info.column, 49);
	lg_policies_info(set, 0, &info);
	cr_assert(lg_str_eq(info.annotations[0].value, LG_STR("foo")));
	cr_assert(lg_str_ends(info.text, LG_STR("resource);")));
	cr_assert_not(lg_policies_find(set, LG_STR("foo"), &at));
	lg_policies_unref(&set);

	struct lg_policy_source src = { LG_STR("a"), lg_str_of(text) };
	struct lg_policy_options opt = { .ids_from_annotation = true };
	struct lg_policy_faults faults = { 0 };
	cr_assert_eq(lg_policies_parse(&f.cx, &src, 1, &opt, &faults, &set), LG_OK);
	cr_assert(lg_policies_find(set, LG_STR("foo"), &at) && at == 0);
	cr_assert(lg_policies_find(set, LG_STR("a:policy1"), &at) && at == 1);
	lg_policies_unref(&set);

	struct lg_policy_source twice[] = { src, src };
	cr_assert_eq(lg_policies_parse(&f.cx, twice, 2, &opt, &faults, &set), LG_E_INVALID);
	fixture_free(&f);
}

static lg_err
rename_users(void *self, struct lg_ctx *cx, const struct lg_euid *uid, struct lg_euid *ret)
{
	(void)self;
	if (lg_str_eq(uid->id, LG_STR("nobody")))
		return lg_fail(cx, LG_E_NOT_FOUND, "there is no user nobody");
	if (lg_str_eq(uid->type, LG_STR("User")))
		*ret = lg_euid_of(uid->type, lg_print(cx->arena, "id-of-%.*s", LG_FMT(uid->id)));
	return LG_OK;
}

struct seen {
	struct fixture *f;
	lg_str text;
};

static bool
see(void *self, size_t policy, const struct lg_euid *uid, unsigned line, unsigned column)
{
	struct seen *s = self;

	s->text = lg_print(s->f->arena, "%.*s%zu:%u:%u %.*s; ", LG_FMT(s->text), policy, line, column,
	    LG_FMT(lg_euid_text(s->f->arena, uid)));
	return true;
}

Test(parse, entity_literals_are_resolved_once_and_listed_with_their_places)
{
	struct fixture f = fixture_new();
	struct lg_policy_source src = { LG_NONE, LG_STR("permit(principal == User::\"a\", action == Action::\"x\", resource)\n"
	    "when { [User::\"b\"].contains(principal) };\nforbid(principal in Group::\"g\", action, resource);") };
	struct lg_policy_options opt = { .resolve = rename_users };
	struct lg_policy_faults faults = { 0 };
	struct lg_policies *set = NULL;
	struct seen s = { &f, LG_STR("") };

	cr_assert_eq(lg_policies_parse(&f.cx, &src, 1, &opt, &faults, &set), LG_OK, "%s", f.cx.error);
	lg_policies_uids(set, see, &s);
	cr_assert(lg_str_eq(s.text, LG_STR("0:1:21 User::\"id-of-a\"; 0:1:42 Action::\"x\"; 0:2:9 User::\"id-of-b\"; "
	    "1:3:21 Group::\"g\"; ")), "%.*s", LG_FMT(s.text));
	lg_policies_unref(&set);
	src.text = LG_STR("permit(principal, action, resource) when {\n principal == User::\"nobody\" };");
	cr_assert_eq(lg_policies_parse(&f.cx, &src, 1, &opt, &faults, &set), LG_E_INVALID);
	cr_assert_eq(faults.v[0].line, 2);
	cr_assert_eq(faults.v[0].column, 15);
	fixture_free(&f);
}
