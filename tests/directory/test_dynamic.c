/* test_dynamic.c: groups by rule: read, compared, searched for; what hides an entry hides its membership. */
#include "directory/dynamic.h"
#include "tests/directory/wire.h"

#define ALICE "uid=alice,ou=people," SUFFIX
#define BOB "uid=bob,ou=people," SUFFIX
#define SMITHS "cn=smiths,ou=groups," SUFFIX

static struct world w;
static struct wire k;

static int
by_rule(const char *name, const char *url)
{
	lg_str dn = lg_print(w.arena, "cn=%s,ou=groups," SUFFIX, name);

	return world_add(&w, dn.p, lg_print(w.arena, "objectClass: groupOfURLs\ncn: %s\nmemberURL: %s", name, url).p);
}

static void
start(void)
{
	world_start(&w);
	world_people(&w);
	assert_result(&w, 0, by_rule("smiths", "ldap:///ou=people," SUFFIX "??one?(sn=smi%74h)"));
	wire_start(&k, &w);
}

static void
end(void)
{
	wire_end(&k);
	world_end(&w);
}

TestSuite(dynamic, .init = start, .fini = end);

static int
compare(const char *dn, const char *attribute, const char *value)
{
	struct answer a;

	send_compare(&k, 7, dn, attribute, value);
	wire_pump(&k);
	cr_assert(wire_next(&k, &a));
	return a.code;
}

Test(dynamic, members_are_found_as_they_are_now)
{
	wire_finds(&k, SMITHS, 0, "(objectClass=*)", "member", SMITHS " member=" ALICE "\n");
	assert_result(&w, 0, world_modify(&w, BOB, "replace: sn\nsn: Smith"));
	wire_finds(&k, SMITHS, 0, "(objectClass=*)", "member", SMITHS " member=" ALICE " member=" BOB "\n");
	assert_result(&w, 0, world_modify(&w, ALICE, "replace: sn\nsn: Miller"));
	wire_finds(&k, SMITHS, 0, "(objectClass=*)", "member", SMITHS " member=" BOB "\n");
}

Test(dynamic, are_compared_and_searched_both_ways)
{
	cr_assert_eq(compare(SMITHS, "member", ALICE), 6);
	cr_assert_eq(compare(SMITHS, "member", BOB), 5);
	cr_assert_eq(compare(ALICE, "memberOf", SMITHS), 6);
	wire_finds(&k, SUFFIX, 2, "(member=" ALICE ")", "1.1", "cn=staff,ou=groups," SUFFIX "\n" SMITHS "\n");
	wire_finds(&k, SUFFIX, 2, "(memberOf=" SMITHS ")", "1.1", ALICE "\n");
	wire_finds(&k, ALICE, 0, "(objectClass=*)", "memberOf", ALICE " memberOf=cn=staff,ou=groups," SUFFIX " memberOf=" SMITHS "\n");
	wire_finds(&k, BOB, 0, "(objectClass=*)", "memberOf", BOB " memberOf=cn=admins,ou=groups," SUFFIX "\n");
}

Test(dynamic, several_rules_name_each_member_once)
{
	assert_result(&w, 0, world_modify(&w, SMITHS, "add: memberURL\nmemberURL: ldap:///" SUFFIX "??sub?(objectClass=person)\nmemberURL: ldap:///" BOB));
	wire_finds(&k, SMITHS, 0, "(objectClass=*)", "member", SMITHS " member=" ALICE " member=" BOB "\n");
}

Test(dynamic, what_is_hidden_from_the_reader_is_no_member)
{
	w.deny[w.ndeny++] = (struct denial){ "entry:disclose", NULL, NULL, ALICE };
	w.policy++;
	wire_finds(&k, SMITHS, 0, "(objectClass=*)", "member", SMITHS "\n");
	cr_assert_eq(compare(SMITHS, "member", ALICE), 16);
	w.deny[0] = (struct denial){ "attribute:search", "sn", NULL, NULL };
	w.policy++;
	wire_finds(&k, SMITHS, 0, "(objectClass=*)", "member", SMITHS "\n");
}

Test(dynamic, rules_that_are_none_or_go_in_circles_have_no_members)
{
	static const char *const urls[] = { "ldap://other.example.org/" SUFFIX "??sub?(uid=*)", "ldap:///" SUFFIX "??sub?(uid=", "ldap:///" SUFFIX "??deep?(uid=*)",
		"ldap:///dc=nowhere??sub?(uid=*)", "ldap:///%zz??sub?(uid=*)", "http://x", "ldap:///" SUFFIX "??sub?(member=cn=r0,ou=groups," SUFFIX ")" };

	for (size_t i = 0; i < LG_COUNT(urls); i++) {
		lg_str name = lg_print(w.arena, "r%zu", i), dn = lg_print(w.arena, "cn=r%zu,ou=groups," SUFFIX, i);
		assert_result(&w, 0, by_rule(name.p, urls[i]));
		wire_finds(&k, dn.p, 0, "(objectClass=*)", "member", lg_print(w.arena, "%s\n", dn.p).p);
	}
	assert_result(&w, 0, by_rule("self", "ldap:///ou=groups," SUFFIX "??sub?(|(memberOf=cn=self,ou=groups," SUFFIX ")(cn=self))"));
	wire_finds(&k, "cn=self,ou=groups," SUFFIX, 0, "(objectClass=*)", "member", "cn=self,ou=groups," SUFFIX "\n");
}

Test(dynamic, policies_do_not_see_them)
{
	struct lg_entry alice = world_entry(&w, ALICE), group = world_entry(&w, SMITHS);
	bool in = true;

	assert_ok(&w, lg_entry_is_member(&w.cx, world_view, &alice, &group, &in));
	cr_assert_not(in);
}
