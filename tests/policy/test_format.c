/* Laying policies out afresh, and two sets in one. */
#include "generate.h"

static const char *
formatted(struct fixture *f, const char *text)
{
	struct lg_policy_faults faults = { 0 };
	lg_str once = LG_NONE, twice = LG_NONE;

	cr_assert_eq(lg_policy_format(&f->cx, LG_STR("p"), lg_str_of(text), &faults, &once), LG_OK, "%s\n%s", f->cx.error, text);
	cr_assert_eq(lg_policy_format(&f->cx, LG_STR("p"), once, &faults, &twice), LG_OK, "%s\n%.*s", f->cx.error, LG_FMT(once));
	cr_expect(lg_str_eq(once, twice), "once:\n%.*s\ntwice:\n%.*s", LG_FMT(once), LG_FMT(twice));
	return once.p;
}

Test(format, one_policy_has_one_layout)
{
	struct fixture f = fixture_new();

	cr_expect_str_eq(formatted(&f, "permit(principal,action,resource);"), "permit(\n  principal,\n  action,\n  resource\n);\n");
	cr_expect_str_eq(formatted(&f, "@id (\"x\") @note\nforbid(principal is A::B in C::\"d\",action in[Action::\"r\",Action::\"w\"],resource==?resource,)"
	    "when{-1- -2<context . n&&![1,2].contains(principal [\"a b\"])}unless{{a:1,\"b c\":{}}has a||(if true then (1+2)*3==9 else false)};"),
	    "@id(\"x\")\n@note\nforbid(\n  principal is A::B in C::\"d\",\n  action in [Action::\"r\", Action::\"w\"],\n  resource == ?resource,\n)\n"
	    "when {\n  -1 - -2 < context.n && ![1, 2].contains(principal[\"a b\"])\n}\n"
	    "unless {\n  {a: 1, \"b c\": {}} has a || (if true then (1 + 2) * 3 == 9 else false)\n};\n");
	cr_expect_str_eq(formatted(&f, ""), "");
	fixture_free(&f);
}

Test(format, long_conditions_have_a_line_for_each_part)
{
	struct fixture f = fixture_new();

	cr_expect_str_eq(formatted(&f, "permit(principal,action,resource) when { principal.department == resource.department && "
	    "principal.level >= resource.level && (context.a || context.b) };"),
	    "permit(\n  principal,\n  action,\n  resource\n)\nwhen {\n  principal.department == resource.department &&\n"
	    "  principal.level >= resource.level &&\n  (context.a || context.b)\n};\n");
	fixture_free(&f);
}

Test(format, comments_stay_where_they_stood)
{
	struct fixture f = fixture_new();

	cr_expect_str_eq(formatted(&f, "// the file\n\n\n// about p\n@a(\"b\") // note\npermit( // who\n  principal, // anybody\n  // what\n  action,\n  resource\n"
	    "  // end of scope\n) // done\nwhen { // why\n  // first\n  true && // both\n  // second\n  false // last\n} // after\n; // tail\n\n"
	    "// q\nforbid(principal, action, resource);// t2\n\n\n// the end\n"),
	    "// the file\n\n// about p\n@a(\"b\")  // note\npermit(  // who\n  principal,  // anybody\n  // what\n  action,\n  resource\n"
	    "  // end of scope\n)  // done\nwhen {  // why\n  // first\n  true &&  // both\n  // second\n  false  // last\n}  // after\n;  // tail\n\n"
	    "// q\nforbid(\n  principal,\n  action,\n  resource\n);  // t2\n\n// the end\n");
	cr_expect_str_eq(formatted(&f, "// alone"), "// alone\n");
	/* A carriage return ends a comment, and so its line. */
	cr_expect_str_eq(formatted(&f, "permit(principal, action, resource); // a\r// b\r\r\n// c\r\n// d"),
	    "permit(\n  principal,\n  action,\n  resource\n);  // a\n\n// b\n\n// c\n// d\n");
	/* Lines of spaces are blank lines, too. */
	cr_expect_str_eq(formatted(&f, "permit(principal, action, resource);\n \n\n\r// a\n \n\n\r// b"),
	    "permit(\n  principal,\n  action,\n  resource\n);\n\n// a\n\n// b\n");
	fixture_free(&f);
}

Test(format, what_does_not_parse_is_refused)
{
	struct fixture f = fixture_new();
	struct lg_policy_faults faults = { 0 };
	lg_str s;

	cr_expect_eq(lg_policy_format(&f.cx, LG_STR("p"), LG_STR("permit(principal, action);"), &faults, &s), LG_E_INVALID);
	cr_expect_eq(faults.errors, 1);
	fixture_free(&f);
}

static lg_str
json_of(struct fixture *f, const char *text)
{
	struct lg_policies *set = policies_of(f, text, NULL);
	struct lg_buf b = LG_BUF(1u << 22);
	lg_str s;

	lg_policies_json(set, &b);
	s = lg_dup(f->arena, lg_buf_view(&b));
	lg_buf_free(&b);
	lg_policies_unref(&set);
	return s;
}

/* Comments anywhere between tokens: random ones at every blank. */
static void
with_comments(struct generator *g, lg_str text, struct lg_buf *out, unsigned *count)
{
	bool quoted = false;

	for (size_t i = 0; i < text.n; i++) {
		quoted = quoted != (text.p[i] == '"');
		lg_buf_byte(out, text.p[i]);
		if (text.p[i] == ' ' && !quoted && gen_below(g, 12) == 0)
			lg_buf_printf(out, "%s// note %u\n", gen_below(g, 2) == 0 ? "\n" : "", (*count)++);
	}
}

static unsigned
notes_in(const char *text)
{
	unsigned n = 0;

	for (const char *at = text; (at = strstr(at, "// note ")) != NULL; at++)
		n++;
	return n;
}

Test(format, keeps_meaning_and_every_comment)
{
	struct generator g = { .state = 77 };

	for (int i = 0; i < 1500; i++) {
		struct fixture f = fixture_new();
		struct lg_buf b = LG_BUF(1u << 20), c = LG_BUF(1u << 20);
		unsigned count = 0;
		const char *out;

		g.out = &b;
		for (uint32_t n = 1 + gen_below(&g, 3); n > 0; n--)
			gen_policy(&g);
		with_comments(&g, lg_buf_view(&b), &c, &count);
		lg_buf_byte(&c, '\0');
		out = formatted(&f, c.p);
		cr_assert_eq(notes_in(out), count, "%s\nbecame\n%s", c.p, out);
		cr_assert(lg_str_eq(json_of(&f, c.p), json_of(&f, out)), "%s\nbecame\n%s", c.p, out);
		lg_buf_free(&b);
		lg_buf_free(&c);
		fixture_free(&f);
	}
}

/* ---- merging -------------------------------------------------------------------------------- */

static struct lg_policies *
linked(struct fixture *f, const char *text, const char *who)
{
	struct lg_policy_source src = { LG_NONE, lg_str_of(text) };
	struct lg_euid uid = lg_euid_of(LG_STR("User"), lg_str_of(who));
	struct lg_policy_link link = { LG_STR("t"), LG_STR("l"), &uid, NULL };
	struct lg_policy_options opt = { .ids_from_annotation = true, .links = &link, .nlinks = 1 };
	struct lg_policy_faults faults = { 0 };
	struct lg_policies *set = NULL;

	cr_assert_eq(lg_policies_parse(&f->cx, &src, 1, &opt, &faults, &set), LG_OK, "%s", f->cx.error);
	return set;
}

#define T1 "@id(\"t\") permit(principal == ?principal, action, resource);"
#define T2 "@id(\"t\") forbid(principal == ?principal, action, resource);"

Test(merge, the_same_is_taken_once_and_what_differs_gets_a_new_id)
{
	struct fixture f = fixture_new();
	struct lg_policies *a = linked(&f, T1 "@id(\"p\") permit(principal, action, resource);", "x"), *m = NULL;
	struct lg_policies *same = linked(&f, "@id(\"p\") permit(principal, action, resource);" T1, "x");
	struct lg_policies *other = linked(&f, T2 "@id(\"p\") permit(principal, action, resource);", "x");
	const struct lg_policy_rename *r;
	struct lg_policy_info info;
	size_t n, at;

	cr_assert_eq(lg_policies_merge(&f.cx, a, same, NULL, false, &m, &r, &n), LG_OK, "%s", f.cx.error);
	cr_expect(n == 0 && lg_policies_count(m) == 3);
	lg_policies_unref(&m);
	cr_expect_eq(lg_policies_merge(&f.cx, a, other, NULL, false, &m, &r, &n), LG_E_EXISTS);
	cr_assert_eq(lg_policies_merge(&f.cx, a, other, NULL, true, &m, &r, &n), LG_OK, "%s", f.cx.error);
	cr_assert_eq(n, 2);
	cr_expect(lg_str_eq(r[0].from, LG_STR("t")) && lg_str_eq(r[0].to, LG_STR("t-1")) && lg_str_eq(r[1].to, LG_STR("l-1")));
	cr_expect_eq(lg_policies_count(m), 5);
	cr_assert(lg_policies_find(m, LG_STR("l-1"), &at));
	lg_policies_info(m, at, &info);
	cr_expect_eq(info.effect, LG_FORBID);
	lg_policies_unref(&m);
	lg_policies_unref(&a);
	lg_policies_unref(&same);
	lg_policies_unref(&other);
	fixture_free(&f);
}
