/* test_shown.c: what an entry shows of other entries goes no further than what the reader may know of them. */
#include "tests/directory/wired.h"

#define CHAIN ":1.2.840.113556.1.4.1941:="

TestSuite(shown, .init = start, .fini = end);

static void
hide(const char *dn)
{
	w.deny[w.ndeny++] = (struct denial){ .action = "entry:disclose", .dn = dn };
	w.policy++;
}

Test(shown, member_of_names_only_groups_that_the_reader_may_know_of)
{
	wire_finds(&k, ALICE, 0, "(objectClass=*)", "memberOf", ALICE " memberOf=" STAFF "\n");
	hide(STAFF);
	wire_finds(&k, ALICE, 0, "(objectClass=*)", "memberOf", ALICE "\n");
	wire_finds(&k, SUFFIX, 2, "(memberOf=*)", "1.1", BOB "\n");
	wire_finds(&k, SUFFIX, 2, "(memberOf=" STAFF ")", "1.1", "");
	wire_finds(&k, SUFFIX, 2, "(memberOf" CHAIN STAFF ")", "1.1", "");
	send_compare(&k, 1, ALICE, "memberOf", STAFF);
	wire_pump(&k);
	wire_expect(&k, 1, 0x6f, 16);
}

Test(shown, members_that_are_hidden_are_not_listed)
{
	hide(BOB);
	wire_finds(&k, ADMINS, 0, "(objectClass=*)", "member", ADMINS "\n");
	wire_finds(&k, SUFFIX, 2, "(member=" BOB ")", "1.1", "");
	wire_finds(&k, SUFFIX, 2, "(member" CHAIN BOB ")", "1.1", "");
	wire_finds(&k, STAFF, 0, "(objectClass=*)", "member", STAFF " member=" ALICE " member=" ADMINS "\n");
}

Test(shown, a_chain_does_not_pass_through_a_hidden_group)
{
	wire_finds(&k, SUFFIX, 2, "(memberOf" CHAIN STAFF ")", "1.1", ALICE "\n" BOB "\n" ADMINS "\n");
	hide(ADMINS);
	wire_finds(&k, SUFFIX, 2, "(memberOf" CHAIN STAFF ")", "1.1", ALICE "\n");
	wire_finds(&k, SUFFIX, 2, "(member" CHAIN BOB ")", "1.1", "");
}

Test(shown, a_chain_does_not_pass_through_members_that_may_not_be_searched)
{
	w.deny[w.ndeny++] = (struct denial){ .action = "attribute:search", .attribute = "member", .dn = ADMINS };
	wire_finds(&k, SUFFIX, 2, "(memberOf" CHAIN STAFF ")", "1.1", ALICE "\n" ADMINS "\n");
}

Test(shown, references_and_actors_that_are_hidden_are_left_out)
{
	struct lg_entry e;

	assert_ok(&w, world_create(&w, LG_TYPE_PROJECT, "shop", "", &e));
	assert_ok(&w, world_create(&w, LG_TYPE_SERVICE, "s", "lgProject: cn=shop,ou=projects," SUFFIX, &e));
	cr_assert_eq(wire_bind(&k, BOB, "secret"), 0);
	send_modify(&k, 1, "cn=s,ou=services," SUFFIX, 2, "description", "x");
	wire_pump(&k);
	wire_expect(&k, 1, 0x67, 0);
	wire_finds(&k, "cn=s,ou=services," SUFFIX, 0, "(objectClass=*)", "lgProject modifiersName",
	    "cn=s,ou=services," SUFFIX " lgProject=cn=shop,ou=projects," SUFFIX " modifiersName=" BOB "\n");
	hide("cn=shop,ou=projects," SUFFIX);
	hide(BOB);
	wire_finds(&k, "cn=s,ou=services," SUFFIX, 0, "(objectClass=*)", "lgProject modifiersName", "cn=s,ou=services," SUFFIX "\n");
	wire_finds(&k, SUFFIX, 2, "(lgProject=*)", "1.1", "");
}
