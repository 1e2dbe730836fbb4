/* test_dn.c: names: which are the same, which are none, and how they are written. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "directory/dn.h"

static lg_str
normal(struct lg_arena *a, const char *text)
{
	struct lg_dn dn;

	cr_assert(lg_dn_parse(a, lg_str_of(text), &dn), "'%s' is a DN", text);
	return lg_dn_normal(a, &dn);
}

static void
check_same(const char *x, const char *y, bool same)
{
	LG_AUTO(lg_arena_free) struct lg_arena *a = lg_arena_new();

	cr_assert_eq(lg_str_eq(normal(a, x), normal(a, y)), same, "'%s' and '%s'", x, y);
}

static void
check_written(const char *text, const char *as)
{
	LG_AUTO(lg_arena_free) struct lg_arena *a = lg_arena_new();
	struct lg_dn dn;
	lg_str got;

	cr_assert(lg_dn_parse(a, lg_str_of(text), &dn), "'%s' is a DN", text);
	got = lg_dn_text(a, &dn);
	cr_assert(lg_str_eq(got, lg_str_of(as)), "'%.*s', not '%s'", LG_FMT(got), as);
	check_same(text, as, true);
}

static void
check_bad(lg_str text)
{
	LG_AUTO(lg_arena_free) struct lg_arena *a = lg_arena_new();
	struct lg_dn dn;

	cr_assert_not(lg_dn_parse(a, text, &dn), "'%.*s' is none", LG_FMT(lg_str_sub(text, 0, 80)));
}

Test(dn, space_around_separators_is_not_significant)
{
	check_same("cn=a,dc=b", " cn = a , dc = b ", true);
	check_same("cn=a+sn=b,dc=c", "cn=a + sn=b,dc=c", true);
}

Test(dn, case_and_inner_blanks_follow_the_matching_rule)
{
	check_same("cn=John  Smith,dc=b", "CN=john smith,DC=B", true);
	check_same("cn=\xc3\x84rger", "cn=\xc3\xa4rger", true);
	check_same("labeledURI=http://A", "labeledURI=http://a", false);
}

Test(dn, names_and_numbers_of_a_type_are_one)
{
	check_same("cn=a", "2.5.4.3=a", true);
	check_same("cn=a", "commonName=a", true);
	check_same("cn=a", "OID.2.5.4.3=a", true);
	check_same("cn=a", "sn=a", false);
}

Test(dn, order_within_an_rdn_is_not_significant)
{
	check_same("cn=a+uid=b,dc=c", "uid=b+cn=a,dc=c", true);
	check_same("cn=a,uid=b", "uid=b,cn=a", false);
}

Test(dn, escapes_are_undone)
{
	check_same("cn=a\\,b", "cn=a\\2cb", true);
	check_same("cn=\\C3\\A4", "cn=\xc3\xa4", true);
	check_same("cn=#04024869", "cn=Hi", true);
	check_same("cn=a\\ ", "cn=a", true);		/* an outer blank, escaped or not, is insignificant to caseIgnoreMatch */
}

Test(dn, is_written_in_one_spelling)
{
	check_written("CN=Smith\\, John , ou = People,DC=example", "cn=Smith\\, John,ou=People,dc=example");
	check_written("cn=\\#a\\ ", "cn=\\#a\\ ");
	check_written("cn=a=b", "cn=a=b");
	check_written("cn=a\\0d", "cn=a\\0d");
	check_written("", "");
}

Test(dn, what_is_no_dn_is_refused)
{
	static const char *const bad[] = {
		"cn", "=a", "cn=a,", ",cn=a", "cn=a,,dc=b", "cn=a+", "cn=a+cn=b", "cn=a\\", "cn=a\\zz", "cn=a\"b", "cn=a<b", "cn=#0", "cn=#04",
		"cn=#0403aa", "c n=a", "cn=\\ff", "uidNumber=abc", "dc=\xc3\xa4", "cn=", "1..2=a", "01.2=a",
	};

	for (size_t i = 0; i < LG_COUNT(bad); i++)
		check_bad(lg_str_of(bad[i]));
	check_bad(LG_STR("cn=a\0b"));
}

Test(dn, depth_and_length_are_limited)
{
	char text[LG_DN_MAX + 100];
	size_t n = 0;
	LG_AUTO(lg_arena_free) struct lg_arena *a = lg_arena_new();
	struct lg_dn dn;

	for (int i = 0; i < LG_DN_RDNS; i++)
		n += (size_t)sprintf(text + n, "%scn=a", i > 0 ? "," : "");
	cr_assert(lg_dn_parse(a, lg_str_of(text), &dn));
	strcpy(text + n, ",cn=a");
	check_bad(lg_str_of(text));
	memset(text, 'a', sizeof text);
	memcpy(text, "cn=", 3);
	cr_assert(lg_dn_parse(a, (lg_str){ text, LG_DN_MAX }, &dn));
	check_bad((lg_str){ text, LG_DN_MAX + 1 });
	check_bad(LG_STR("cn=1+sn=2+uid=3+ou=4+o=5+l=6+st=7+street=8+title=9"));
}

Test(dn, unknown_types_parse_and_name_nothing)
{
	LG_AUTO(lg_arena_free) struct lg_arena *a = lg_arena_new();
	struct lg_dn dn;

	cr_assert(lg_dn_parse(a, LG_STR("frob=a,dc=b"), &dn));
	cr_assert_not(lg_dn_known(&dn));
}

Test(dn, a_name_below_another_begins_with_its_normal_form)
{
	LG_AUTO(lg_arena_free) struct lg_arena *a = lg_arena_new();

	cr_assert(lg_str_starts(normal(a, "cn=x,dc=b,dc=c"), normal(a, "DC=b,dc=c")));
	cr_assert_not(lg_str_starts(normal(a, "cn=x,dc=bb,dc=c"), normal(a, "dc=b,dc=c")));
}
