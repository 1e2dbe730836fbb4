/* test_alias.c: aliases: where a search begins and what it goes into, with loops, ends that lead nowhere, and limits. */
#include "directory/search.h"
#include "tests/directory/wire.h"

#define PEOPLE "ou=people," SUFFIX
#define OTHERS "ou=others," SUFFIX
#define ALICE "uid=alice," PEOPLE
#define BOB "uid=bob," PEOPLE

enum { NEVER, SEARCHING, FINDING, ALWAYS };

static struct world w;
static struct wire k;

static int
alias(const char *name, const char *to)
{
	lg_str dn = lg_print(w.arena, "cn=%s," OTHERS, name), ldif = lg_print(w.arena, "objectClass: alias\nobjectClass: extensibleObject\ncn: %s\n"
	    "aliasedObjectName: %s", name, to);

	return world_add(&w, dn.p, ldif.p);
}

static void
start(void)
{
	world_start(&w);
	world_people(&w);
	assert_result(&w, 0, world_add(&w, OTHERS, "objectClass: organizationalUnit\nou: others"));
	wire_start(&k, &w);
}

static void
end(void)
{
	wire_end(&k);
	world_end(&w);
}

TestSuite(alias, .init = start, .fini = end);

Test(alias, a_base_is_found_through_them)
{
	assert_result(&w, 0, alias("folk", PEOPLE));
	wire_finds(&k, "cn=folk," OTHERS, 0, "(objectClass=*)", "1.1", "cn=folk," OTHERS "\n");
	k.deref = SEARCHING;
	wire_finds(&k, "cn=folk," OTHERS, 0, "(objectClass=*)", "1.1", "cn=folk," OTHERS "\n");
	k.deref = FINDING;
	wire_finds(&k, "cn=folk," OTHERS, 0, "(objectClass=*)", "1.1", PEOPLE "\n");
	wire_finds(&k, "uid=alice,cn=folk," OTHERS, 0, "(objectClass=*)", "1.1", ALICE "\n");
	k.deref = ALWAYS;
	wire_finds(&k, "cn=folk," OTHERS, 1, "(uid=b*)", "1.1", BOB "\n");
	k.deref = NEVER;
	cr_assert_eq(wire_search(&k, "uid=alice,cn=folk," OTHERS, 0, "(objectClass=*)", "1.1", NULL), 32);
}

Test(alias, they_are_gone_into_while_searching)
{
	assert_result(&w, 0, alias("folk", PEOPLE));
	assert_result(&w, 0, alias("boss", ALICE));
	wire_finds(&k, OTHERS, 2, "(uid=*)", "1.1", "");
	wire_finds(&k, OTHERS, 1, "(objectClass=alias)", "1.1", "cn=folk," OTHERS "\ncn=boss," OTHERS "\n");
	k.deref = SEARCHING;
	wire_finds(&k, OTHERS, 2, "(uid=*)", "1.1", ALICE "\n" BOB "\n");		/* each once */
	wire_finds(&k, OTHERS, 1, "(|(uid=*)(ou=*))", "1.1", PEOPLE "\n" ALICE "\n");	/* not what is below */
	wire_finds(&k, OTHERS, 2, "(objectClass=alias)", "1.1", "");
	wire_finds(&k, SUFFIX, 2, "(uid=alice)", "1.1", ALICE "\n");
	k.deref = FINDING;
	wire_finds(&k, OTHERS, 2, "(uid=*)", "1.1", "");
}

Test(alias, what_they_lead_to_may_hold_further_ones)
{
	assert_result(&w, 0, world_add(&w, "ou=more," SUFFIX, "objectClass: organizationalUnit\nou: more"));
	assert_result(&w, 0, alias("more", "ou=more," SUFFIX));
	assert_result(&w, 0, world_add(&w, "cn=back,ou=more," SUFFIX, "objectClass: alias\nobjectClass: extensibleObject\ncn: back\naliasedObjectName: " OTHERS));
	assert_result(&w, 0, world_add(&w, "cn=on,ou=more," SUFFIX, "objectClass: alias\nobjectClass: extensibleObject\ncn: on\naliasedObjectName: " ALICE));
	k.deref = SEARCHING;
	wire_finds(&k, OTHERS, 2, "(|(uid=*)(ou=*))", "1.1", ALICE "\n" OTHERS "\nou=more," SUFFIX "\n");
}

Test(alias, loops_and_dead_ends_are_a_problem_of_the_base_alone)
{
	assert_result(&w, 0, alias("a", "cn=b," OTHERS));
	assert_result(&w, 0, alias("b", "cn=a," OTHERS));
	assert_result(&w, 0, alias("nowhere", "uid=nobody," PEOPLE));
	assert_result(&w, 0, alias("self", "cn=self," OTHERS));
	k.deref = ALWAYS;
	cr_assert_eq(wire_search(&k, "cn=a," OTHERS, 0, "(objectClass=*)", "1.1", NULL), 33);
	cr_assert_eq(wire_search(&k, "cn=self," OTHERS, 2, "(objectClass=*)", "1.1", NULL), 33);
	cr_assert_eq(wire_search(&k, "cn=nowhere," OTHERS, 2, "(objectClass=*)", "1.1", NULL), 33);
	wire_finds(&k, OTHERS, 2, "(objectClass=*)", "1.1", OTHERS "\n");
}

Test(alias, chains_have_an_end)
{
	assert_result(&w, 0, alias("n0", ALICE));
	for (int i = 1; i <= LG_ALIAS_STEPS; i++)
		assert_result(&w, 0, alias(lg_print(w.arena, "n%d", i).p, lg_print(w.arena, "cn=n%d," OTHERS, i - 1).p));
	k.deref = FINDING;
	wire_finds(&k, lg_print(w.arena, "cn=n%d," OTHERS, LG_ALIAS_STEPS - 2).p, 0, "(objectClass=*)", "1.1", ALICE "\n");
	cr_assert_eq(wire_search(&k, lg_print(w.arena, "cn=n%d," OTHERS, LG_ALIAS_STEPS).p, 0, "(objectClass=*)", "1.1", NULL), 33);
}

Test(alias, so_many_ends_and_no_more)
{
	for (int i = 0; i <= LG_ALIAS_VERTICES; i++) {
		struct lg_entry e;
		assert_ok(&w, world_create(&w, LG_TYPE_USER, lg_print(w.arena, "n%d", i).p, "", &e));
		world_unview(&w);
		assert_result(&w, 0, alias(lg_print(w.arena, "n%d", i).p, lg_print(w.arena, "uid=n%d," PEOPLE, i).p));
	}
	k.deref = SEARCHING;
	cr_assert_eq(wire_search(&k, OTHERS, 2, "(objectClass=*)", "1.1", NULL), 11);
	assert_result(&w, 0, world_delete(&w, "cn=n0," OTHERS));
	cr_assert_eq(wire_search(&k, OTHERS, 2, "(objectClass=*)", "1.1", NULL), 0);
}

Test(alias, rights_hold_behind_them)
{
	assert_result(&w, 0, alias("boss", ALICE));
	w.deny[w.ndeny++] = (struct denial){ "entry:disclose", NULL, NULL, ALICE };
	w.policy++;
	k.deref = ALWAYS;
	wire_finds(&k, OTHERS, 2, "(uid=*)", "1.1", "");
	cr_assert_eq(wire_search(&k, "cn=boss," OTHERS, 0, "(objectClass=*)", "1.1", NULL), 32);
	w.deny[0] = (struct denial){ "entry:disclose", NULL, NULL, "cn=boss," OTHERS };
	w.policy++;
	wire_finds(&k, OTHERS, 2, "(uid=*)", "1.1", "");
}

Test(alias, has_nothing_below_it)
{
	assert_result(&w, 0, alias("boss", ALICE));
	assert_result(&w, 33, world_add(&w, "cn=x,cn=boss," OTHERS, "objectClass: device\ncn: x"));
	assert_result(&w, 33, world_rename(&w, BOB, "uid=bob", false, "cn=boss," OTHERS));
	assert_result(&w, 65, world_add(&w, "cn=y," OTHERS, "objectClass: alias\ncn: y\naliasedObjectName: " ALICE));
	assert_result(&w, 65, world_add(&w, "cn=y," OTHERS, "objectClass: alias\nobjectClass: extensibleObject\ncn: y"));
}
