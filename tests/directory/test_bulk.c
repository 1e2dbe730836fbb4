/* test_bulk.c: LDIF loaded at once: as by LDAP, whole or with what is wrong told; and written again. */
#include <stdlib.h>

#include "directory/dynamic.h"
#include "directory/events.h"
#include "directory/rule.h"
#include "tests/directory/world.h"

#define PEOPLE "ou=people," SUFFIX
#define PERSON(uid) "dn: uid=" uid "," PEOPLE "\nobjectClass: inetOrgPerson\nuid: " uid "\ncn: " uid "\nsn: X\n"

static struct world w;

struct source {
	lg_str rest;
	struct lg_buf faults;
	unsigned hashed;
};

static void
start(void)
{
	world_start(&w);
}

static void
end(void)
{
	world_end(&w);
}

TestSuite(bulk, .init = start, .fini = end);

static lg_err
read_text(void *arg, struct lg_ctx *cx, char *to, size_t size, size_t *n)
{
	struct source *s = arg;

	(void)cx;
	*n = s->rest.n < size ? s->rest.n : size;
	memcpy(to, s->rest.p, *n);
	s->rest = lg_str_sub(s->rest, *n, s->rest.n);
	return LG_OK;
}

static lg_err
hash_clear(void *arg, struct lg_ctx *cx, lg_str password, lg_str *ret)
{
	struct source *s = arg;

	s->hashed++;
	*ret = lg_print(cx->arena, "{TEST}%.*s", LG_FMT(password));
	return LG_OK;
}

static void
note_fault(void *arg, const char *why)
{
	struct source *s = arg;

	lg_buf_printf(&s->faults, "%s\n", why);
}

static lg_err
load_from(const char *text, enum lg_ldif_origin origin, bool carry_on, struct lg_ldif_counts *c, const char **faults)
{
	struct source s = { lg_str_of(text), LG_BUF(65536), 0 };
	struct lg_ldif_options o = { .tenant = 1, .origin = origin, .carry_on = carry_on, .arg = &s, .read = read_text, .hash = hash_clear,
		.fault = note_fault };

	world_unview(&w);
	lg_err e = lg_bulk_load(&w.cx, w.dirp, &o, c);
	lg_store_turn(w.store);
	*faults = lg_dup(w.arena, lg_buf_view(&s.faults)).p;
	lg_buf_free(&s.faults);
	return e;
}

static struct lg_ldif_counts
load(const char *text)
{
	struct lg_ldif_counts c;
	const char *faults;

	assert_ok(&w, load_from(text, LG_LDIF_OPENLDAP, false, &c, &faults));
	return c;
}

static const char *
value(const char *dn, const char *attribute)
{
	struct lg_entry e = world_entry(&w, dn);
	lg_str v;

	return lg_entry_value(&e, lg_str_of(attribute), 0, &v) ? lg_dup(w.arena, v).p : NULL;
}

static void
check_store(void)
{
	uint64_t rows, faults;

	world_unview(&w);
	assert_ok(&w, lg_store_check(&w.cx, w.store, &rows, &faults));
	cr_assert_eq(faults, 0, "index rows follow from the entries");
}

Test(bulk, entries_are_there_as_if_they_had_been_added)
{
	struct lg_ldif_counts c = load("version: 1\n\ndn: " SUFFIX "\nobjectClass: domain\ndc: example\n\n"
	    "dn: cn=staff,ou=groups," SUFFIX "\nobjectClass: groupOfNames\ncn: staff\nmember: uid=carl," PEOPLE "\nmember: UID=dora , " PEOPLE "\n\n"
	    PERSON("carl") "userPassword: {SSHA}abcdefgh\nentryUUID: 11111111-2222-4333-8444-555555555555\ncreateTimestamp: 20200102030405Z\n"
	    "modifyTimestamp: 20210102030405Z\ncreatorsName: cn=admin\nmemberOf: cn=x\n\n"
	    "dn: ou=deep," PEOPLE "\nobjectClass: organizationalUnit\n\n"
	    "dn: uid=dora," PEOPLE "\nobjectClass: inetOrgPerson\ncn: Dora\nsn: D\nuserPassword: clear\n\n"
	    "dn: uid=emil,ou=deep," PEOPLE "\nobjectClass: inetOrgPerson\ncn: Emil\nsn: E\n");
	struct lg_entry carl = world_entry(&w, "uid=carl," PEOPLE), staff = world_entry(&w, "cn=staff,ou=groups," SUFFIX);
	char uuid[LG_UUID_TEXT + 1];
	lg_str verifier;
	bool is;

	cr_assert(c.entries == 5 && c.there == 1 && c.members == 2 && c.hashed == 1 && c.faults == 0);
	lg_uuid_text(carl.uuid, uuid);
	cr_assert_str_eq(uuid, "11111111-2222-4333-8444-555555555555");
	cr_assert_eq(carl.created, 1577934245000000);
	cr_assert_eq(carl.modified, 1609556645000000);
	assert_ok(&w, lg_entry_verifier(&w.cx, w.dirp, world_view, &carl, &verifier));
	cr_assert(lg_str_eq(verifier, LG_STR("{SSHA}abcdefgh")));
	assert_ok(&w, lg_entry_is_member(&w.cx, world_view, &carl, &staff, &is));
	cr_assert(is, "a member that came after its group");
	cr_assert_str_eq(value("uid=dora," PEOPLE, "uid"), "dora", "the RDN gives its value");
	cr_assert_str_eq(value("uid=emil,ou=deep," PEOPLE, "cn"), "Emil");
	check_store();
}

Test(bulk, whoever_follows_the_log_begins_anew)
{
	struct lg_event_bounds before, after;

	world_entry(&w, SUFFIX);
	assert_ok(&w, lg_event_bounds(&w.cx, world_view, 1, &before));
	load(PERSON("carl"));
	world_entry(&w, SUFFIX);
	assert_ok(&w, lg_event_bounds(&w.cx, world_view, 1, &after));
	cr_assert(lg_moment_before(before.reload, after.reload));
}

Test(bulk, a_fault_ends_it_with_its_line)
{
	static const struct { const char *text, *why; } rows[] = {
		{ PERSON("a") "\n" PERSON("b") "frob: x\n", "line 7: frob: attribute type undefined" },
		{ "dn: uid=a,ou=nowhere," SUFFIX "\nobjectClass: inetOrgPerson\ncn: a\nsn: a\n", "line 1: the entry above it is missing" },
		{ "dn: uid=a,dc=elsewhere\nobjectClass: inetOrgPerson\ncn: a\nsn: a\n", "line 1: the entry is not below " SUFFIX },
		{ PERSON("a") "\ndn: uid=A,ou=groups," SUFFIX "\nobjectClass: inetOrgPerson\ncn: a\nsn: a\n", "line 7: there is a User named 'A' already" },
		{ PERSON("a") "changetype: delete\n", "line 1: changetype: attribute type undefined" },
		{ "dn: uid=a," PEOPLE "\nchangetype: delete\n", "line 1: a bulk load takes entries, no changes" },
		{ "dn: uid=a," PEOPLE "\nobjectClass: inetOrgPerson\nsn: a\n", "line 1: object class 'inetOrgPerson' requires attribute 'cn'" },
		{ "dn: cn=g,ou=groups," SUFFIX "\nobjectClass: groupOfNames\nmember: uid=ghost," PEOPLE "\n", "line 1: member: there is no entry 'uid=ghost," PEOPLE "'" },
		{ "dn: cn=g,ou=groups," SUFFIX "\nobjectClass: groupOfNames\nmember: cn=g,ou=groups," SUFFIX "\n", "line 1: a group cannot hold itself" },
	};
	struct lg_ldif_counts c;
	const char *faults;

	for (size_t i = 0; i < LG_COUNT(rows); i++) {
		lg_err e = load_from(rows[i].text, LG_LDIF_OPENLDAP, false, &c, &faults);
		cr_assert_neq(e, LG_OK, "%zu", i);
		cr_assert_str_eq(w.cx.error, rows[i].why, "%zu: %s", i, w.cx.error);
	}
}

Test(bulk, with_carry_on_faults_are_told_and_the_rest_is_there)
{
	struct lg_ldif_counts c;
	const char *faults;

	assert_ok(&w, load_from(PERSON("a") "\nno ldif\n\n" PERSON("b") "uidNumber: x\n\n" PERSON("c") "\n"
	    "dn: cn=g,ou=groups," SUFFIX "\nobjectClass: groupOfNames\nmember: uid=c," PEOPLE "\nmember: uid=b," PEOPLE "\nmember: no dn\n",
	    LG_LDIF_OPENLDAP, true, &c, &faults));
	cr_assert_str_eq(faults, "line 7: not an attribute and its value\nline 9: uidNumber: a value is no INTEGER\nline 22: a member is no DN\n"
	    "line 22: member: there is no entry 'uid=b," PEOPLE "'\n", "%s", faults);
	cr_assert(c.entries == 3 && c.members == 1 && c.faults == 4);
	cr_assert_not(world_has(&w, "uid=b," PEOPLE));
	check_store();
}

Test(bulk, active_directory_is_mapped)
{
	struct lg_ldif_counts c;
	const char *faults;
	struct lg_entry anna, group, pc;
	char uuid[LG_UUID_TEXT + 1];
	bool is;

	assert_ok(&w, load_from("dn: CN=Users," SUFFIX "\nobjectClass: top\nobjectClass: container\ncn: Users\nsystemFlags: -1946157056\n\n"
	    "dn: CN=Anna Archer,CN=Users," SUFFIX "\nobjectClass: top\nobjectClass: person\nobjectClass: organizationalPerson\nobjectClass: user\n"
	    "cn: Anna Archer\ngivenName: Anna\nsAMAccountName: anna\nuserPrincipalName: anna@example.org\nmail: anna@example.org\n"
	    "objectGUID:: AAECAwQFBgcICQoLDA0ODw==\nwhenCreated: 20200102030405.0Z\nuserAccountControl: 514\ndepartment: Shipping\nmemberOf: CN=Staff,CN=Users," SUFFIX "\n"
	    "objectSid:: AQUAAA==\npwdLastSet: 132\n\n"
	    "dn: CN=Staff,CN=Users," SUFFIX "\nobjectClass: top\nobjectClass: group\ncn: Staff\nsAMAccountName: Staff\nmember: CN=Anna Archer,CN=Users," SUFFIX "\n\n"
	    "dn: CN=PC1,CN=Users," SUFFIX "\nobjectClass: top\nobjectClass: person\nobjectClass: organizationalPerson\nobjectClass: user\nobjectClass: computer\n"
	    "cn: PC1\nsAMAccountName: PC1$\n\n"
	    "dn: CN=RID Set,CN=PC1,CN=Users," SUFFIX "\nobjectClass: top\nobjectClass: rIDSet\ncn: RID Set\n", LG_LDIF_AD, false, &c, &faults));
	cr_assert_eq(c.entries, 4);
	anna = world_entry(&w, "cn=anna archer,cn=users," SUFFIX);
	group = world_entry(&w, "cn=staff,cn=users," SUFFIX);
	pc = world_entry(&w, "cn=pc1,cn=users," SUFFIX);
	lg_uuid_text(anna.uuid, uuid);
	cr_assert_str_eq(uuid, "03020100-0504-0706-0809-0a0b0c0d0e0f");
	cr_assert(anna.type == LG_TYPE_USER && lg_str_eq(anna.name, LG_STR("anna")) && !anna.enabled);
	cr_assert_str_eq(value("cn=anna archer,cn=users," SUFFIX, "sn"), "Anna Archer");
	cr_assert_str_eq(value("cn=anna archer,cn=users," SUFFIX, "departmentNumber"), "Shipping");
	cr_assert(group.type == LG_TYPE_GROUP && pc.type == LG_TYPE_HOST && pc.enabled);
	assert_ok(&w, lg_entry_is_member(&w.cx, world_view, &anna, &group, &is));
	cr_assert(is);
	check_store();
}

/* ---- and out again ------------------------------------------------------------------------------------------------------------ */

static const char *
export(bool secrets)
{
	struct lg_buf out = LG_BUF(1u << 20);
	struct lg_entry top = world_entry(&w, SUFFIX), e = { .id = 0 };
	const char *text;
	lg_err err;

	while ((err = lg_tree_next(&w.cx, world_view, &top, &e)) == LG_OK)
		assert_ok(&w, lg_ldif_entry(&w.cx, w.dirp, world_view, &e, secrets, &out));
	cr_assert_eq(err, LG_E_NOT_FOUND);
	text = lg_dup(w.arena, lg_buf_view(&out)).p;
	lg_buf_free(&out);
	return text;
}

static void
check_same_record(const char *x, const char *y, const char *dn)
{
	const char *a = strstr(x, dn), *b = strstr(y, dn);
	size_t n;

	cr_assert(a != NULL && b != NULL, "%s", dn);
	n = (size_t)(strstr(a, "\n\n") - a);
	cr_assert(strncmp(a, b, n) == 0 && strncmp(b + n, "\n\n", 2) == 0, "%.*s", (int)n + 100, b);
}

Test(bulk, what_is_written_loads_as_the_same)
{
	char *first;
	const char *again;

	load(PERSON("carl") "userPassword: {SSHA}abcdefgh\ndescription:: w7xiZXIgYWxsZXM=\n\n"
	    "dn: cn=staff,ou=groups," SUFFIX "\nobjectClass: lgGroup\nmember: uid=carl," PEOPLE "\n\n"
	    "dn: cn=web,ou=services," SUFFIX "\nobjectClass: lgService\n\n");
	first = strdup(export(true));
	cr_assert_not_null(strstr(first, "userPassword: {SSHA}abcdefgh"));
	cr_assert_null(strstr(export(false), "userPassword"), "secrets stay");
	world_end(&w);
	world_start(&w);
	load(first);
	again = export(true);
	check_same_record(first, again, "dn: uid=carl,");
	check_same_record(first, again, "dn: cn=staff,");
	check_same_record(first, again, "dn: cn=web,");
	free(first);
	check_store();
}

/* Rules are asked of what is loaded, whichever comes first. */
Test(bulk, groups_by_rule_have_their_members)
{
	load("dn: cn=smiths,ou=groups," SUFFIX "\nobjectClass: groupOfURLs\ncn: smiths\nmemberURL: ldap:///" PEOPLE "??one?(sn=Smith)\n\n"
	     "dn: uid=eve," PEOPLE "\nobjectClass: inetOrgPerson\nuid: eve\ncn: Eve\nsn: Smith\n\n"
	     "dn: uid=ted," PEOPLE "\nobjectClass: inetOrgPerson\nuid: ted\ncn: Ted\nsn: Jones\n");
	struct lg_entry group = world_entry(&w, "cn=smiths,ou=groups," SUFFIX), eve = world_entry(&w, "uid=eve," PEOPLE),
	    ted = world_entry(&w, "uid=ted," PEOPLE);
	bool in;

	assert_ok(&w, lg_entry_is_member(&w.cx, world_view, &eve, &group, &in));
	cr_assert(in);
	assert_ok(&w, lg_entry_is_member(&w.cx, world_view, &ted, &group, &in));
	cr_assert_not(in);
	check_store();
}

static size_t
count_members(const struct lg_entry *group)
{
	struct lg_entry *page;
	uint64_t after = 0;
	size_t n, all = 0;

	do {
		assert_ok(&w, lg_group_members(&w.cx, world_view, group, after, 1000, &page, &n));
		all += n;
		after = n > 0 ? page[n - 1].id : after;
	} while (n > 0);
	return all;
}

/* A rule that would hold the writer for long is refused, and nothing of it stays. */
Test(bulk, a_rule_looks_at_so_many_entries)
{
	enum { PERSONS = LG_DYNAMIC_LOOKED / LG_RULE_URLS + 1 };
	LG_AUTO(lg_buf_free) struct lg_buf text = LG_BUF(4u << 20);
	lg_str urls = LG_STR("objectClass: groupOfURLs\ncn: all");

	for (int i = 0; i < PERSONS; i++)
		lg_buf_printf(&text, "dn: uid=u%d," PEOPLE "\nobjectClass: inetOrgPerson\nuid: u%d\ncn: U\nsn: S\n\n", i, i);
	lg_buf_byte(&text, '\0');
	load(lg_buf_view(&text).p);
	for (int i = 0; i < LG_RULE_URLS; i++)
		urls = lg_print(w.arena, "%.*s\nmemberURL: ldap:///" PEOPLE "??sub?(description=none%d)", LG_FMT(urls), i);
	world_unview(&w);
	assert_result(&w, 11, world_add(&w, "cn=all,ou=groups," SUFFIX, urls.p));
	cr_assert_not(world_has(&w, "cn=all,ou=groups," SUFFIX));
	world_unview(&w);
	assert_result(&w, 11, world_add(&w, "cn=all,ou=groups," SUFFIX, "objectClass: groupOfURLs\ncn: all\nmemberURL: ldap:///" PEOPLE "??sub?(cn=u)"));
	load("dn: cn=all,ou=groups," SUFFIX "\nobjectClass: groupOfURLs\ncn: all\nmemberURL: ldap:///" PEOPLE "??sub?(cn=u)\n");
	struct lg_entry group = world_entry(&w, "cn=all,ou=groups," SUFFIX);
	cr_assert_eq(count_members(&group), PERSONS, "a load has no such bound");
}
