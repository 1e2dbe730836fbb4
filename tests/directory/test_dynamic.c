/* test_dynamic.c: groups by rule: whatever is written, in whatever order, members are those whom the rules find. */
#include "directory/dynamic.h"
#include "directory/rule.h"
#include "directory/shown.h"
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

static void
tell_fault(void *arg, lg_str what)
{
	cr_log_warn("%.*s", LG_FMT(what));
	++*(unsigned *)arg;
}

/* Every row of a membership is what the rules say, and what follows from it. */
static void
agree(void)
{
	uint64_t rows, faults;
	unsigned wrong = 0;

	world_unview(&w);
	assert_ok(&w, lg_directory_check(&w.cx, w.store, tell_fault, &wrong, &rows));
	cr_assert_eq(wrong, 0);
	assert_ok(&w, lg_store_check(&w.cx, w.store, &rows, &faults));
	cr_assert_eq(faults, 0);
}

static void
has_members(const char *group, const char *members)
{
	wire_finds(&k, group, 0, "(objectClass=*)", "member", lg_print(w.arena, "%s%s\n", group, members).p);
	agree();
}

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

Test(dynamic, what_is_hidden_from_the_reader_is_not_shown)
{
	w.deny[w.ndeny++] = (struct denial){ "entry:disclose", NULL, NULL, ALICE };
	w.policy++;
	wire_finds(&k, SMITHS, 0, "(objectClass=*)", "member", SMITHS "\n");
	cr_assert_eq(compare(SMITHS, "member", ALICE), 16);
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

static bool
is_in(const char *dn, const char *group)
{
	struct lg_entry e, g;
	bool in = false;

	world_unview(&w);
	e = world_entry(&w, dn);
	g = world_entry(&w, group);
	assert_ok(&w, lg_entry_is_member(&w.cx, world_view, &e, &g, &in));
	return in;
}

Test(dynamic, policies_see_them_and_what_is_kept_of_a_decision_ends_with_a_change)
{
	uint64_t before, after;

	cr_assert(is_in(ALICE, SMITHS));
	cr_assert_not(is_in(BOB, SMITHS));
	before = lg_revision(world_view, 1, LG_DOMAIN_MEMBERSHIP);
	assert_result(&w, 0, world_modify(&w, BOB, "replace: telephoneNumber\ntelephoneNumber: 1"));
	cr_assert_not(is_in(BOB, SMITHS));
	cr_assert_eq(lg_revision(world_view, 1, LG_DOMAIN_MEMBERSHIP), before, "of what no rule asks for, nothing follows");
	assert_result(&w, 0, world_modify(&w, BOB, "replace: sn\nsn: Smith"));
	cr_assert(is_in(BOB, SMITHS));
	after = lg_revision(world_view, 1, LG_DOMAIN_MEMBERSHIP);
	cr_assert_neq(after, before);
	assert_result(&w, 0, world_modify(&w, BOB, "replace: sn\nsn: Jones"));
	cr_assert_not(is_in(BOB, SMITHS));
	cr_assert_neq(lg_revision(world_view, 1, LG_DOMAIN_MEMBERSHIP), after);
}

Test(dynamic, nested_groups_and_the_chain_lead_through_them)
{
	struct lg_entry e;

	assert_ok(&w, world_create(&w, LG_TYPE_GROUP, "all", "member: " SMITHS, &e));
	cr_assert(is_in(ALICE, "cn=all,ou=groups," SUFFIX));
	wire_finds(&k, SUFFIX, 2, "(memberOf:1.2.840.113556.1.4.1941:=cn=all,ou=groups," SUFFIX ")", "1.1", ALICE "\n" SMITHS "\n");
	wire_finds(&k, SUFFIX, 2, "(&(cn=all)(member:1.2.840.113556.1.4.1941:=" ALICE "))", "1.1", "cn=all,ou=groups," SUFFIX "\n");
	assert_result(&w, 0, by_rule("ruled", "ldap:///ou=groups," SUFFIX "??one?(cn=staff)"));
	cr_assert(is_in(BOB, "cn=ruled,ou=groups," SUFFIX), "staff holds admins, admins hold bob");
	agree();
}

Test(dynamic, rights_that_a_change_takes_are_asked_about)
{
	unsigned taken = w.taken;

	assert_result(&w, 0, world_modify(&w, BOB, "replace: sn\nsn: Smith"));
	cr_assert_eq(w.taken, taken);
	assert_result(&w, 0, world_modify(&w, BOB, "replace: sn\nsn: Jones"));
	cr_assert_gt(w.taken, taken);
	w.refuse_taking = true;
	assert_result(&w, 53, world_modify(&w, ALICE, "replace: sn\nsn: Jones"));
	assert_result(&w, 53, world_modify(&w, SMITHS, "replace: memberURL\nmemberURL: ldap:///" BOB));
	w.refuse_taking = false;
	has_members(SMITHS, " member=" ALICE);
}

Test(dynamic, who_is_given_and_found_stays_when_one_of_both_ends)
{
	assert_result(&w, 0, world_modify(&w, SMITHS, "add: objectClass\nobjectClass: extensibleObject\n-\nadd: member\nmember: " ALICE));
	has_members(SMITHS, " member=" ALICE);
	assert_result(&w, 20, world_modify(&w, SMITHS, "add: member\nmember: " ALICE));
	assert_result(&w, 0, world_modify(&w, ALICE, "replace: sn\nsn: Miller"));
	has_members(SMITHS, " member=" ALICE);
	assert_result(&w, 0, world_modify(&w, ALICE, "replace: sn\nsn: Smith"));
	assert_result(&w, 0, world_modify(&w, SMITHS, "delete: member\nmember: " ALICE));
	has_members(SMITHS, " member=" ALICE);
	assert_result(&w, 16, world_modify(&w, SMITHS, "delete: member\nmember: " ALICE));
	assert_result(&w, 0, world_modify(&w, SMITHS, "add: member\nmember: " BOB));
	assert_result(&w, 0, world_modify(&w, SMITHS, "replace: member"));
	has_members(SMITHS, " member=" ALICE);
	assert_ok(&w, world_member(&w, SMITHS, ALICE, true));
	assert_ok(&w, world_member(&w, SMITHS, ALICE, false));
	has_members(SMITHS, " member=" ALICE);
}

Test(dynamic, rules_follow_entries_that_come_go_and_get_other_names)
{
	assert_result(&w, 0, world_add(&w, "uid=eve,ou=people," SUFFIX, "objectClass: inetOrgPerson\nuid: eve\ncn: Eve\nsn: Smith"));
	has_members(SMITHS, " member=" ALICE " member=uid=eve,ou=people," SUFFIX);
	assert_result(&w, 0, world_rename(&w, "uid=eve,ou=people," SUFFIX, "uid=eve", true, "ou=services," SUFFIX));
	has_members(SMITHS, " member=" ALICE);
	assert_result(&w, 0, world_rename(&w, "uid=eve,ou=services," SUFFIX, "uid=eva", true, "ou=people," SUFFIX));
	has_members(SMITHS, " member=" ALICE " member=uid=eva,ou=people," SUFFIX);
	assert_result(&w, 0, world_delete(&w, "uid=eva,ou=people," SUFFIX));
	has_members(SMITHS, " member=" ALICE);
	assert_result(&w, 0, world_modify(&w, SMITHS, "delete: memberURL"));
	has_members(SMITHS, "");
}

Test(dynamic, a_subtree_that_moves_takes_its_members_along_or_leaves_them)
{
	assert_result(&w, 0, world_add(&w, "ou=berlin,ou=people," SUFFIX, "objectClass: organizationalUnit\nou: berlin"));
	assert_result(&w, 0, world_add(&w, "ou=team,ou=berlin,ou=people," SUFFIX, "objectClass: organizationalUnit\nou: team"));
	assert_result(&w, 0, world_add(&w, "uid=eve,ou=team,ou=berlin,ou=people," SUFFIX, "objectClass: inetOrgPerson\nuid: eve\ncn: Eve\nsn: Smith"));
	assert_result(&w, 0, by_rule("berlin", "ldap:///ou=berlin,ou=people," SUFFIX "??sub?(objectClass=person)"));
	has_members("cn=berlin,ou=groups," SUFFIX, " member=uid=eve,ou=team,ou=berlin,ou=people," SUFFIX);
	assert_result(&w, 0, world_rename(&w, "ou=team,ou=berlin,ou=people," SUFFIX, "ou=team", true, "ou=services," SUFFIX));
	has_members("cn=berlin,ou=groups," SUFFIX, "");
	assert_result(&w, 0, world_rename(&w, "ou=team,ou=services," SUFFIX, "ou=team", true, "ou=berlin,ou=people," SUFFIX));
	has_members("cn=berlin,ou=groups," SUFFIX, " member=uid=eve,ou=team,ou=berlin,ou=people," SUFFIX);
	/* the rule's own base: by another name it is not what the rule speaks of */
	assert_result(&w, 0, world_rename(&w, "ou=berlin,ou=people," SUFFIX, "ou=munich", true, NULL));
	has_members("cn=berlin,ou=groups," SUFFIX, "");
	assert_result(&w, 0, world_rename(&w, "ou=munich,ou=people," SUFFIX, "ou=berlin", true, NULL));
	has_members("cn=berlin,ou=groups," SUFFIX, " member=uid=eve,ou=team,ou=berlin,ou=people," SUFFIX);
	cr_assert(is_in("uid=eve,ou=team,ou=berlin,ou=people," SUFFIX, "cn=berlin,ou=groups," SUFFIX));
}

Test(dynamic, a_rule_about_a_value_that_is_an_entry_follows_its_name)
{
	struct lg_entry e;

	assert_ok(&w, world_create(&w, LG_TYPE_PROJECT, "shop", "", &e));
	assert_ok(&w, world_create(&w, LG_TYPE_SERVICE, "cart", "lgProject: cn=shop,ou=projects," SUFFIX, &e));
	assert_result(&w, 0, by_rule("sellers", "ldap:///" SUFFIX "??sub?(lgProject=cn=shop,ou=projects," SUFFIX ")"));
	has_members("cn=sellers,ou=groups," SUFFIX, " member=cn=cart,ou=services," SUFFIX);
	assert_result(&w, 0, world_rename(&w, "cn=shop,ou=projects," SUFFIX, "cn=store", true, NULL));
	has_members("cn=sellers,ou=groups," SUFFIX, "");
	assert_result(&w, 0, world_rename(&w, "cn=store,ou=projects," SUFFIX, "cn=shop", true, NULL));
	has_members("cn=sellers,ou=groups," SUFFIX, " member=cn=cart,ou=services," SUFFIX);
	assert_result(&w, 0, world_delete(&w, "cn=shop,ou=projects," SUFFIX));
	has_members("cn=sellers,ou=groups," SUFFIX, "");
}

/* What nothing would tell of is Undefined in a rule, and so is its negation. */
Test(dynamic, rules_speak_of_what_an_entry_itself_holds)
{
	static const char *const filters[] = { "(memberOf=cn=staff,ou=groups," SUFFIX ")", "(!(memberOf=cn=staff,ou=groups," SUFFIX "))",
		"(!(member=" BOB "))", "(!(entryDN=" BOB "))", "(!(hasSubordinates=TRUE))", "(!(creatorsName=" BOB "))", "(!(userPassword=x))",
		"(!(ou:dn:=nowhere))", "(!(distinguishedName=" BOB "))", "(!(:caseIgnoreMatch:=nobody))" };

	for (size_t i = 0; i < LG_COUNT(filters); i++) {
		lg_str name = lg_print(w.arena, "u%zu", i), dn = lg_print(w.arena, "cn=u%zu,ou=groups," SUFFIX, i);
		assert_result(&w, 0, by_rule(name.p, lg_print(w.arena, "ldap:///ou=people," SUFFIX "??one?%s", filters[i]).p));
		has_members(dn.p, "");
	}
	assert_result(&w, 0, by_rule("old", "ldap:///ou=people," SUFFIX "??one?(&(createTimestamp>=20000101000000Z)(!(sn=Jones)))"));
	has_members("cn=old,ou=groups," SUFFIX, " member=" ALICE);
}

Test(dynamic, what_is_not_defined_cannot_be_asked_for_nor_undefined_while_it_is)
{
	assert_result(&w, 21, by_rule("badges", "ldap:///ou=people," SUFFIX "??one?(!(badge=x))"));
	assert_result(&w, 21, world_modify(&w, SMITHS, "replace: memberURL\nmemberURL: ldap:///ou=people," SUFFIX "??one?(badge=x)"));
	has_members(SMITHS, " member=" ALICE);
}

Test(dynamic, there_is_room_for_so_many_rules_and_groups)
{
	lg_str urls = LG_STR("replace: memberURL");

	for (int i = 0; i <= LG_RULE_URLS; i++)
		urls = lg_print(w.arena, "%.*s\nmemberURL: ldap:///ou=people," SUFFIX "??one?(uid=u%d)", LG_FMT(urls), i);
	assert_result(&w, 11, world_modify(&w, SMITHS, urls.p));
	for (int i = 1; i < LG_RULE_GROUPS; i++)
		assert_result(&w, 0, by_rule(lg_print(w.arena, "g%d", i).p, "ldap:///ou=people," SUFFIX "??one?(uid=alice)"));
	assert_result(&w, 11, by_rule("more", "ldap:///ou=people," SUFFIX "??one?(uid=alice)"));
	agree();
}

Test(dynamic, a_consumer_gets_the_rules_and_whom_somebody_has_put_there)
{
	struct lg_shown sh;
	struct lg_access ac;
	LG_AUTO(lg_buf_free) struct lg_buf out = LG_BUF(4096);
	struct lg_selection all = { .user = true };
	struct lg_berw b = lg_berw_of(&out);

	assert_result(&w, 0, world_modify(&w, SMITHS, "add: objectClass\nobjectClass: extensibleObject\n-\nadd: member\nmember: " BOB));
	world_unview(&w);
	struct lg_entry group = world_entry(&w, SMITHS);
	ac = (struct lg_access){ .cx = &w.cx, .v = world_view, .tenant = 1, .service = true };
	sh = (struct lg_shown){ .ac = &ac, .e = &group, .dn = LG_STR(SMITHS), .content = true };
	lg_shown_put(&sh, &all, &b);
	lg_str text = lg_buf_view(&out);
	cr_assert_not_null(memmem(text.p, text.n, "memberURL", 9));
	cr_assert_not_null(memmem(text.p, text.n, BOB, strlen(BOB)));
	cr_assert_null(memmem(text.p, text.n, ALICE, strlen(ALICE)));
}
