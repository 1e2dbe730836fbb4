/* test_entry.c: finding, reading and changing entries over a real store. */
#include "directory/entry.h"
#include "directory/tables.h"
#include "directory/tenant.h"
#include "tests/directory/world.h"

#define ALICE "uid=alice,ou=people," SUFFIX
#define BOB "uid=bob,ou=people," SUFFIX
#define ADMINS "cn=admins,ou=groups," SUFFIX
#define STAFF "cn=staff,ou=groups," SUFFIX

static struct world w;

static void
start(void)
{
	world_start(&w);
	world_people(&w);
}

static void
end(void)
{
	world_end(&w);
}

TestSuite(entry, .init = start, .fini = end);
TestSuite(edit, .init = start, .fini = end);

/* ---- finding ---------------------------------------------------------------------------------------------------- */

Test(entry, is_found_by_every_name_it_has)
{
	struct lg_entry e = world_entry(&w, "UID=Alice, OU=People,dc=example,dc=org"), other;

	assert_ok(&w, lg_entry_by_uuid(&w.cx, world_view, 1, e.uuid, &other));
	cr_assert_eq(other.id, e.id);
	assert_ok(&w, lg_entry_by_name(&w.cx, world_view, 1, LG_TYPE_USER, LG_STR("ALICE"), &other));
	cr_assert_eq(other.id, e.id);
	assert_ok(&w, lg_entry_by_login(&w.cx, world_view, 1, LG_STR("alice"), &other));
	cr_assert_eq(other.id, e.id);
	assert_ok(&w, lg_entry_by_login(&w.cx, world_view, 1, LG_STR("Alice@example.org"), &other));
	cr_assert_eq(other.id, e.id);
	cr_assert(e.enabled);
	cr_assert(lg_str_eq(e.name, LG_STR("alice")));
	cr_assert_eq(e.type, LG_TYPE_USER);
}

Test(entry, that_is_not_there_is_not_found)
{
	struct lg_entry e;
	lg_uuid u = lg_uuid_new();

	world_entry(&w, ALICE);
	assert_err(&w, LG_E_NOT_FOUND, lg_entry_by_uuid(&w.cx, world_view, 1, u, &e));
	assert_err(&w, LG_E_NOT_FOUND, lg_entry_by_name(&w.cx, world_view, 1, LG_TYPE_GROUP, LG_STR("alice"), &e));
	assert_err(&w, LG_E_NOT_FOUND, lg_entry_by_name(&w.cx, world_view, 2, LG_TYPE_USER, LG_STR("alice"), &e));
	assert_err(&w, LG_E_NOT_FOUND, lg_entry_by_name(&w.cx, world_view, 1, LG_TYPE_USER, LG_STR("\xff"), &e));
	assert_err(&w, LG_E_NOT_FOUND, lg_entry_by_dn(&w.cx, world_view, LG_STR("dc=other"), &e));
	assert_err(&w, LG_E_NOT_FOUND, lg_entry_by_dn(&w.cx, world_view, LG_STR(""), &e));
	assert_err(&w, LG_E_INVALID, lg_entry_by_dn(&w.cx, world_view, LG_STR("x"), &e));
	assert_err(&w, LG_E_NOT_FOUND, lg_entry_by_login(&w.cx, world_view, 1, LG_STR("nobody@example.org"), &e));
	assert_err(&w, LG_E_NOT_FOUND, lg_entry_by_uid_number(&w.cx, world_view, 1, 1000, &e));
}

Test(entry, uid_number_finds_the_account)
{
	struct lg_entry e;

	assert_result(&w, 0, world_modify(&w, ALICE,
	    "add: objectClass\nobjectClass: posixAccount\n-\nadd: uidNumber\nuidNumber: 1000\n-\nadd: gidNumber\ngidNumber: 1000\n-\n"
	    "add: homeDirectory\nhomeDirectory: /home/alice"));
	world_entry(&w, ALICE);
	assert_ok(&w, lg_entry_by_uid_number(&w.cx, world_view, 1, 1000, &e));
	cr_assert(lg_str_eq(e.name, LG_STR("alice")));
}

Test(entry, dn_is_written_from_its_path)
{
	struct lg_entry e = world_entry(&w, "UID=ALICE,ou=PEOPLE," SUFFIX);
	lg_str dn;

	assert_ok(&w, lg_entry_dn(&w.cx, world_view, &e, &dn));
	cr_assert(lg_str_eq(dn, LG_STR(ALICE)), "%.*s", LG_FMT(dn));
}

Test(entry, lists_come_by_name_in_pages)
{
	struct lg_entry *list, e;
	size_t n;
	bool more;

	assert_ok(&w, world_create(&w, LG_TYPE_USER, "bert", "", &e));
	assert_ok(&w, lg_entry_list(&w.cx, world_view, 1, LG_TYPE_USER, LG_STR(""), LG_STR(""), 2, &list, &n, &more));
	cr_assert_eq(n, 2);
	cr_assert(more);
	cr_assert(lg_str_eq(list[1].name, LG_STR("bert")));
	assert_ok(&w, lg_entry_list(&w.cx, world_view, 1, LG_TYPE_USER, LG_STR(""), list[1].name, 2, &list, &n, &more));
	cr_assert_eq(n, 1);
	cr_assert_not(more);
	cr_assert(lg_str_eq(list[0].name, LG_STR("bob")));
	assert_ok(&w, lg_entry_list(&w.cx, world_view, 1, LG_TYPE_USER, LG_STR("b"), LG_STR(""), 9, &list, &n, &more));
	cr_assert_eq(n, 2);
}

/* What follows from the rest is not written: each of these leaves out something else. */
Test(entry, a_row_gives_back_what_it_was_made_of)
{
	struct lg_entry all[] = {
		{ .id = 7, .uuid = lg_uuid_new(), .type = LG_TYPE_TENANT, .enabled = true, .rdn = LG_STR("dc=a,dc=b"), .rdn_normal = LG_STR("x"), .name = LG_STR("a") },
		{ .id = UINT64_MAX, .parent = 7, .uuid = lg_uuid_new(), .type = LG_TYPE_USER, .name = LG_STR("Anna"), .rdn = LG_STR("uid=Anna"),
		    .created = 5, .modified = 5, .stamp = UINT64_MAX, .body = LG_STR("body") },
		{ .id = 1, .parent = UINT64_MAX, .name = LG_STR("a=b"), .rdn = LG_STR("cn=a=b"), .created = INT64_MAX, .modified = 1, .creator = lg_uuid_new() },
		{ .id = 1, .rdn = LG_STR("uid=anna"), .name = LG_STR("anna2"), .enabled = true, .modifier = lg_uuid_new(), .rdn_normal = LG_STR("12") },
	};

	for (size_t i = 0; i < LG_COUNT(all); i++) {
		struct lg_dkey k = lg_key_id(3, all[i].id);
		struct lg_entry e;
		lg_str row = lg_entry_encode(w.cx.arena, &all[i]);
		cr_assert(lg_entry_decode(lg_dkey_str(&k), row, &e));
		cr_assert(e.tenant == 3 && e.id == all[i].id && e.parent == all[i].parent && e.stamp == all[i].stamp);
		cr_assert(e.type == all[i].type && e.enabled == all[i].enabled && e.created == all[i].created && e.modified == all[i].modified);
		cr_assert(lg_uuid_eq(e.uuid, all[i].uuid) && lg_uuid_eq(e.creator, all[i].creator) && lg_uuid_eq(e.modifier, all[i].modifier));
		cr_assert(lg_str_eq(e.rdn, all[i].rdn) && lg_str_eq(e.rdn_normal, all[i].rdn_normal) && lg_str_eq(e.name, all[i].name));
		cr_assert(lg_str_eq(e.body, all[i].body));
		for (size_t n = 0; n < row.n - all[i].body.n; n++)
			cr_assert_not(lg_entry_decode(lg_dkey_str(&k), lg_str_sub(row, 0, n), &e));
	}
}

/* ---- as Cedar entities --------------------------------------------------------------------------------------------- */

Test(entry, nested_groups_are_ancestors)
{
	struct lg_entry bob = world_entry(&w, BOB), admins = world_entry(&w, ADMINS), staff = world_entry(&w, STAFF), alice = world_entry(&w, ALICE);
	struct lg_entity_id *up;
	uint64_t *ids;
	size_t n;
	bool is;

	assert_ok(&w, lg_entry_groups(&w.cx, world_view, &bob, false, &ids, &n));
	cr_assert_eq(n, 1);
	assert_ok(&w, lg_entry_groups(&w.cx, world_view, &bob, true, &ids, &n));
	cr_assert_eq(n, 2);
	assert_ok(&w, lg_entry_is_member(&w.cx, world_view, &bob, &staff, &is));
	cr_assert(is);
	assert_ok(&w, lg_entry_is_member(&w.cx, world_view, &alice, &admins, &is));
	cr_assert_not(is);
	assert_ok(&w, lg_entry_within(&w.cx, world_view, &bob, staff.uuid, &is));
	cr_assert(is);
	assert_ok(&w, lg_entry_ancestors(&w.cx, world_view, &bob, &up, &n));
	cr_assert_eq(n, 3);		/* two groups and the tenant */
	assert_ok(&w, lg_entry_parents(&w.cx, world_view, &bob, &up, &n));
	cr_assert_eq(n, 2);
	assert_ok(&w, lg_entry_within(&w.cx, world_view, &bob, lg_uuid_new(), &is));
	cr_assert_not(is);
}

Test(entry, a_cycle_of_groups_ends)
{
	struct lg_entry bob;
	uint64_t *ids;
	size_t n;

	assert_ok(&w, world_member(&w, ADMINS, STAFF, true));
	bob = world_entry(&w, BOB);
	assert_ok(&w, lg_entry_groups(&w.cx, world_view, &bob, true, &ids, &n));
	cr_assert_eq(n, 2);
}

Test(entry, facts_are_those_of_the_cedar_schema)
{
	struct lg_entry p, img, wl, host;
	struct lg_fact f;
	bool is;

	assert_ok(&w, world_create(&w, LG_TYPE_PROJECT, "shop", "", &p));
	assert_ok(&w, world_create(&w, LG_TYPE_IMAGE, "busybox", "lgProject: cn=shop,ou=projects," SUFFIX "\nlgDigest: sha256:ab\nlgSigned: TRUE", &img));
	assert_ok(&w, world_create(&w, LG_TYPE_HOST, "node1", "lgEnabled: FALSE", &host));
	assert_ok(&w, world_create(&w, LG_TYPE_WORKLOAD, "web", "lgProject: cn=shop,ou=projects," SUFFIX "\nlgImage: cn=busybox,ou=images," SUFFIX
	    "\nlgLabel: tier=web\nlgLabel: env=test", &wl));
	p = world_entry(&w, "cn=shop,ou=projects," SUFFIX);
	img = world_entry(&w, "cn=busybox,ou=images," SUFFIX);
	host = world_entry(&w, "cn=node1,ou=hosts," SUFFIX);
	assert_ok(&w, lg_entry_fact(&w.cx, world_view, &wl, LG_STR("project"), &f));
	cr_assert(f.type == LG_FACT_ENTITY && lg_uuid_eq(f.id, p.uuid) && lg_str_eq(f.s, LG_STR("Project")));
	assert_ok(&w, lg_entry_fact(&w.cx, world_view, &wl, LG_STR("labels"), &f));
	cr_assert(f.type == LG_FACT_SET && f.n == 2 && lg_str_eq(f.set[1], LG_STR("env=test")));
	assert_err(&w, LG_E_NOT_FOUND, lg_entry_fact(&w.cx, world_view, &wl, LG_STR("host"), &f));
	assert_err(&w, LG_E_NOT_FOUND, lg_entry_fact(&w.cx, world_view, &wl, LG_STR("mail"), &f));
	assert_ok(&w, lg_entry_fact(&w.cx, world_view, &img, LG_STR("signed"), &f));
	cr_assert(f.type == LG_FACT_BOOL && f.i == 1);
	assert_ok(&w, lg_entry_fact(&w.cx, world_view, &host, LG_STR("enabled"), &f));
	cr_assert_eq(f.i, 0);
	assert_ok(&w, lg_entry_within(&w.cx, world_view, &wl, p.uuid, &is));
	cr_assert(is);
}

Test(entry, a_reference_to_what_is_gone_is_absent)
{
	struct lg_entry p, wl;
	struct lg_fact f;

	assert_ok(&w, world_create(&w, LG_TYPE_PROJECT, "shop", "", &p));
	assert_ok(&w, world_create(&w, LG_TYPE_WORKLOAD, "web", "lgProject: cn=shop,ou=projects," SUFFIX, &wl));
	assert_result(&w, 0, world_delete(&w, "cn=shop,ou=projects," SUFFIX));
	assert_ok(&w, world_create(&w, LG_TYPE_PROJECT, "shop", "", &p));
	wl = world_entry(&w, "cn=web,ou=workloads," SUFFIX);
	assert_err(&w, LG_E_NOT_FOUND, lg_entry_fact(&w.cx, world_view, &wl, LG_STR("project"), &f));
}

/* ---- adding ------------------------------------------------------------------------------------------------------------ */

#define PERSON "objectClass: inetOrgPerson\nsn: X\ncn: X\n"

Test(edit, add_gives_the_codes_of_the_standards)
{
	static const struct { const char *dn, *ldif; int code; } rows[] = {
		{ "uid=x,ou=people," SUFFIX, PERSON "uid: x", 0 },
		{ ALICE, PERSON "uid: alice", 68 },
		{ "uid=alice,ou=groups," SUFFIX, PERSON "uid: alice", 19 },	/* the name is taken */
		{ "x", PERSON, 34 },
		{ "uid=y,dc=elsewhere", PERSON "uid: y", 53 },
		{ "uid=y,ou=nowhere," SUFFIX, PERSON "uid: y", 32 },
		{ "ou=y,ou=groups," SUFFIX, "objectClass: lgProject\ncn: y", 65 },	/* the RDN's value is the entry's, and not allowed */
		{ "uid=named,ou=people," SUFFIX, PERSON, 0 },		/* RFC 4511 4.7: the RDN gives its value */
		{ "uid=y,ou=people," SUFFIX, PERSON "uid: y\nfrob: 1", 17 },
		{ "uid=y,ou=people," SUFFIX, PERSON "uid: y\nuidNumber: 5", 65 },
		{ "uid=y,ou=people," SUFFIX, "objectClass: inetOrgPerson\ncn: Y\nuid: y", 65 },
		{ "uid=y,ou=people," SUFFIX, "cn: Y\nuid: y", 65 },
		{ "uid=y,ou=people," SUFFIX, "objectClass: frob\nuid: y", 21 },
		{ "uid=y,ou=people," SUFFIX, "objectClass: uidObject\nuid: y", 65 },	/* no structural class */
		{ "uid=y,ou=people," SUFFIX, "objectClass: inetOrgPerson\nobjectClass: device\nsn: Y\ncn: Y\nuid: y", 65 },
		{ "uid=y,ou=people," SUFFIX, PERSON "uid: y\nentryUUID: 00000000-0000-4000-8000-000000000000", 19 },
		{ "uid=y,ou=people," SUFFIX, PERSON "uid: y\nseeAlso: no dn", 21 },
		{ "uid=y,ou=people," SUFFIX, PERSON "uid: y\nemployeeNumber: 1\nemployeeNumber: 2", 19 },
		{ "uid=y,ou=people," SUFFIX, PERSON "uid: y\ngivenName: a\ngivenName: A", 20 },
		{ "uid=y,ou=people," SUFFIX, PERSON "uid: y\nuserPassword: clear", 19 },
		{ "frob=y,ou=people," SUFFIX, PERSON, 17 },
		{ "cn=g,ou=groups," SUFFIX, "objectClass: groupOfNames\ncn: g", 65 },	/* member is required */
		{ "cn=g,ou=groups," SUFFIX, "objectClass: groupOfNames\ncn: g\nmember: uid=nobody," SUFFIX, 19 },
		{ "cn=g,ou=groups," SUFFIX, "objectClass: groupOfNames\ncn: g\nmember: x", 21 },
		{ "cn=g,ou=groups," SUFFIX, "objectClass: groupOfNames\ncn: g\nmember: " ALICE, 0 },
		{ "cn=px,ou=groups," SUFFIX, "objectClass: posixGroup\ncn: px\ngidNumber: 7\nmember: " ALICE, 65 },
		{ "2.5.4.3=h,ou=groups," SUFFIX, "objectClass: lgGroup\ncn: h", 0 },
		{ "cn=p,ou=projects," SUFFIX, "objectClass: lgService\ncn: p\nlgProject: cn=none," SUFFIX, 19 },
	};

	for (size_t i = 0; i < LG_COUNT(rows); i++) {
		int code = world_add(&w, rows[i].dn, rows[i].ldif);
		cr_assert_eq(code, rows[i].code, "%zu %s: %d (%s), not %d", i, rows[i].dn, code, w.cx.error, rows[i].code);
	}
}

Test(edit, a_failed_add_leaves_nothing)
{
	uint64_t before, after;

	world_entry(&w, ALICE);
	before = lg_view_seq(world_view);
	assert_result(&w, 19, world_add(&w, "cn=g,ou=groups," SUFFIX, "objectClass: groupOfNames\ncn: g\nmember: " ALICE "\nmember: uid=nobody," SUFFIX));
	cr_assert_not(world_has(&w, "cn=g,ou=groups," SUFFIX));
	after = lg_view_seq(world_view);
	cr_assert_eq(before, after);
}

Test(edit, superclasses_are_stored)
{
	struct lg_entry e = world_entry(&w, ALICE);
	lg_str v;
	size_t n = 0;

	while (lg_entry_value(&e, LG_STR("objectClass"), n, &v))
		n++;
	cr_assert_eq(n, 5);	/* inetOrgPerson organizationalPerson person top lgAccount */
}

Test(edit, create_wants_a_plain_name_and_refuses_a_second)
{
	struct lg_entry e;

	assert_err(&w, LG_E_INVALID, world_create(&w, LG_TYPE_USER, "a b", "", &e));
	assert_err(&w, LG_E_INVALID, world_create(&w, LG_TYPE_USER, "", "", &e));
	assert_err(&w, LG_E_INVALID, world_create(&w, LG_TYPE_TENANT, "x", "", &e));
	assert_err(&w, LG_E_EXISTS, world_create(&w, LG_TYPE_USER, "Alice", "", &e));
	assert_ok(&w, world_create(&w, LG_TYPE_USER, "carol", "", &e));
	cr_assert_str_eq(world_value(&w, "uid=carol,ou=people," SUFFIX, "sn"), "carol");
}

/* ---- modifying ------------------------------------------------------------------------------------------------------------ */

Test(edit, modify_gives_the_codes_of_the_standards)
{
	static const struct { const char *dn, *ldif; int code; } rows[] = {
		{ ALICE, "add: title\ntitle: Dr", 0 },
		{ ALICE, "add: title\ntitle: dr", 20 },
		{ ALICE, "delete: title\ntitle: DR", 0 },
		{ ALICE, "delete: title", 16 },
		{ ALICE, "delete: mail\nmail: b@c", 16 },
		{ ALICE, "delete: frob", 17 },
		{ ALICE, "delete: sn", 65 },
		{ ALICE, "delete: uid", 67 },
		{ ALICE, "replace: uid\nuid: other", 67 },
		{ ALICE, "replace: objectClass\nobjectClass: device", 69 },
		{ ALICE, "replace: createTimestamp\ncreateTimestamp: 20260101000000Z", 19 },
		{ ALICE, "add: displayName\ndisplayName: a\ndisplayName: b", 19 },
		{ ALICE, "increment: sn\nsn: 1", 19 },
		{ ALICE, "replace: title", 0 },				/* there is none: fine */
		{ ALICE, "add: uidNumber\nuidNumber: 1", 65 },
		{ ALICE, "delete: userPassword\nuserPassword: secret", 53 },
		{ ALICE, "add: member\nmember: " BOB, 65 },
		{ ADMINS, "add: member\nmember: " BOB, 20 },
		{ ADMINS, "delete: member\nmember: " ALICE, 16 },
		{ ADMINS, "delete: member\nmember: uid=nobody," SUFFIX, 16 },
		{ ADMINS, "add: member\nmember: " ADMINS, 19 },
		{ ADMINS, "replace: member\nmember: " ALICE "\nmember: " BOB, 0 },
		{ ADMINS, "delete: member", 0 },
		{ ADMINS, "delete: member", 16 },
		{ SUFFIX, "add: description\ndescription: top", 0 },
		{ "uid=nobody," SUFFIX, "add: title\ntitle: x", 32 },
	};

	for (size_t i = 0; i < LG_COUNT(rows); i++) {
		int code = world_modify(&w, rows[i].dn, rows[i].ldif);
		cr_assert_eq(code, rows[i].code, "%zu %s: %d (%s), not %d", i, rows[i].ldif, code, w.cx.error, rows[i].code);
	}
}

Test(edit, the_last_member_of_group_of_names_stays)
{
	assert_result(&w, 0, world_add(&w, "cn=g,ou=groups," SUFFIX, "objectClass: groupOfNames\ncn: g\nmember: " ALICE));
	assert_result(&w, 65, world_modify(&w, "cn=g,ou=groups," SUFFIX, "delete: member\nmember: " ALICE));
	assert_result(&w, 0, world_modify(&w, "cn=g,ou=groups," SUFFIX, "replace: member\nmember: " BOB));
}

Test(edit, increment_adds_and_stops_at_the_end)
{
	assert_result(&w, 0, world_modify(&w, ADMINS, "add: gidNumber\ngidNumber: 41"));
	assert_result(&w, 0, world_modify(&w, ADMINS, "increment: gidNumber\ngidNumber: 1"));
	cr_assert_str_eq(world_value(&w, ADMINS, "gidNumber"), "42");
	assert_result(&w, 0, world_modify(&w, ADMINS, "increment: gidNumber\ngidNumber: -50"));
	cr_assert_str_eq(world_value(&w, ADMINS, "gidNumber"), "-8");
	assert_result(&w, 19, world_modify(&w, ADMINS, "increment: gidNumber\ngidNumber: -9223372036854775807"));
	assert_result(&w, 2, world_modify(&w, ADMINS, "increment: gidNumber\ngidNumber: x"));
}

Test(edit, indexes_follow_a_change)
{
	struct lg_entry e;

	assert_result(&w, 0, world_modify(&w, ALICE, "replace: mail\nmail: new@example.org"));
	world_entry(&w, ALICE);
	assert_err(&w, LG_E_NOT_FOUND, lg_entry_by_login(&w.cx, world_view, 1, LG_STR("alice@example.org"), &e));
	assert_ok(&w, lg_entry_by_login(&w.cx, world_view, 1, LG_STR("new@example.org"), &e));
	world_unview(&w);
	uint64_t rows, faults;
	assert_ok(&w, lg_store_check(&w.cx, w.store, &rows, &faults));
	cr_assert_eq(faults, 0);
}

/* ---- renaming and deleting ---------------------------------------------------------------------------------------------------- */

Test(edit, renaming_a_container_moves_what_is_below)
{
	assert_result(&w, 0, world_rename(&w, "ou=people," SUFFIX, "ou=humans", true, NULL));
	cr_assert(world_has(&w, "uid=alice,ou=humans," SUFFIX));
	cr_assert_not(world_has(&w, ALICE));
	cr_assert_str_eq(world_value(&w, "ou=humans," SUFFIX, "ou"), "humans");
}

Test(edit, rename_gives_the_codes_of_the_standards)
{
	static const struct { const char *dn, *rdn; bool drop; const char *superior; int code; } rows[] = {
		{ ALICE, "uid=bob", true, NULL, 68 },
		{ ALICE, "x", true, NULL, 34 },
		{ ALICE, "frob=x", true, NULL, 17 },
		{ ALICE, "cn=Alice Smith", false, NULL, 0 },
		{ "cn=Alice Smith,ou=people," SUFFIX, "uid=alice", false, NULL, 0 },
		{ ALICE, "sn=Smith", true, NULL, 0 },
		{ "sn=Smith,ou=people," SUFFIX, "cn=A", true, NULL, 65 },	/* would take the last sn away */
		{ "ou=people," SUFFIX, "ou=people", false, "ou=groups," SUFFIX, 0 },
		{ "ou=groups," SUFFIX, "ou=groups", false, "ou=people,ou=groups," SUFFIX, 53 },
		{ SUFFIX, "dc=other", true, NULL, 53 },
		{ "ou=hosts," SUFFIX, "ou=nodes+l=here", true, NULL, 0 },
	};

	for (size_t i = 0; i < LG_COUNT(rows); i++) {
		int code = world_rename(&w, rows[i].dn, rows[i].rdn, rows[i].drop, rows[i].superior);
		cr_assert_eq(code, rows[i].code, "%zu %s %s: %d (%s), not %d", i, rows[i].dn, rows[i].rdn, code, w.cx.error, rows[i].code);
	}
}

Test(edit, delete_takes_memberships_and_the_password_along)
{
	struct lg_entry *list, staff;
	size_t n;

	assert_result(&w, 66, world_delete(&w, "ou=people," SUFFIX));
	assert_result(&w, 53, world_delete(&w, SUFFIX));
	assert_result(&w, 0, world_delete(&w, ALICE));
	assert_result(&w, 32, world_delete(&w, ALICE));
	staff = world_entry(&w, STAFF);
	assert_ok(&w, lg_group_members(&w.cx, world_view, &staff, 0, 9, &list, &n));
	cr_assert_eq(n, 1);
	assert_result(&w, 0, world_delete(&w, STAFF));
	world_unview(&w);
	uint64_t rows, faults;
	assert_ok(&w, lg_store_check(&w.cx, w.store, &rows, &faults));
	cr_assert_eq(faults, 0);
}

Test(edit, members_are_added_once)
{
	uint64_t stamp = world_entry(&w, STAFF).stamp;

	assert_err(&w, LG_E_EXISTS, world_member(&w, STAFF, ALICE, true));
	assert_ok(&w, world_member(&w, STAFF, ALICE, false));
	cr_assert_gt(world_entry(&w, STAFF).stamp, stamp);
	assert_err(&w, LG_E_NOT_FOUND, world_member(&w, STAFF, ALICE, false));
	assert_err(&w, LG_E_INVALID, world_member(&w, STAFF, STAFF, true));
	assert_err(&w, LG_E_INVALID, world_member(&w, ALICE, STAFF, true));
}

/* ---- passwords, tenants ----------------------------------------------------------------------------------------------------------- */

Test(edit, whatever_ends_a_password_tells_so)
{
	assert_ok(&w, world_password(&w, ALICE, "other"));
	cr_assert_eq(w.ended, 1);
	assert_result(&w, 0, world_modify(&w, ALICE, "replace: sn\nsn: Smith"));
	cr_assert_eq(w.ended, 1);
	assert_result(&w, 0, world_modify(&w, ALICE, "delete: userPassword"));
	cr_assert_eq(w.ended, 2);
	assert_ok(&w, world_password(&w, ALICE, "first again"));
	cr_assert_eq(w.ended, 2, "there was none to end");
	cr_assert_eq(w.deleted, 0);
	assert_result(&w, 0, world_delete(&w, ALICE));
	cr_assert_eq(w.deleted, 1);
}

/* STAFF holds ALICE, who has a password. */
Test(edit, whatever_takes_rights_away_is_asked_about_and_undone_if_refused)
{
	assert_result(&w, 0, world_modify(&w, ALICE, "replace: sn\nsn: Smith"));
	assert_ok(&w, world_password(&w, ALICE, "other"));
	cr_assert_eq(w.taken, 0);
	w.refuse_taking = true;
	assert_result(&w, 53, world_modify(&w, ALICE, "delete: userPassword"));
	assert_result(&w, 53, world_modify(&w, ALICE, "replace: lgEnabled\nlgEnabled: FALSE"));
	assert_result(&w, 53, world_modify(&w, STAFF, "delete: member\nmember: " ALICE));
	assert_err(&w, LG_E_CONFLICT, world_member(&w, STAFF, ALICE, false));
	assert_result(&w, 53, world_delete(&w, ALICE));
	assert_result(&w, 53, world_delete(&w, STAFF));
	cr_assert_eq(w.taken, 6);
	cr_assert(lg_entry_has_verifier(&(struct lg_entry[]){ world_entry(&w, ALICE) }[0]));
	w.refuse_taking = false;
	assert_result(&w, 0, world_delete(&w, ALICE));
}

Test(edit, verifiers_are_sealed_and_replaced)
{
	struct lg_entry e = world_entry(&w, ALICE);
	lg_str v;

	assert_ok(&w, lg_entry_verifier(&w.cx, w.dirp, world_view, &e, &v));
	cr_assert(lg_str_eq(v, LG_STR("{PLAIN}secret")));
	cr_assert_not(lg_entry_value(&e, LG_STR("userPassword"), 0, &v));
	assert_ok(&w, world_password(&w, ALICE, "other"));
	e = world_entry(&w, ALICE);
	assert_ok(&w, lg_entry_verifier(&w.cx, w.dirp, world_view, &e, &v));
	cr_assert(lg_str_eq(v, LG_STR("{PLAIN}other")));
	assert_result(&w, 0, world_modify(&w, ALICE, "delete: userPassword"));
	e = world_entry(&w, ALICE);
	cr_assert_not(lg_entry_has_verifier(&e));
	assert_err(&w, LG_E_NOT_FOUND, lg_entry_verifier(&w.cx, w.dirp, world_view, &e, &v));
}

Test(edit, tenants_do_not_overlap)
{
	struct lg_tenant *list, t;
	size_t n;

	assert_err(&w, LG_E_EXISTS, world_tenant(&w, 1, "other", "dc=other"));
	assert_err(&w, LG_E_EXISTS, world_tenant(&w, 2, "Default", "dc=other"));
	assert_err(&w, LG_E_EXISTS, world_tenant(&w, 2, "other", "dc=org"));
	assert_err(&w, LG_E_EXISTS, world_tenant(&w, 2, "other", "o=sub," SUFFIX));
	assert_err(&w, LG_E_INVALID, world_tenant(&w, 2, "other", "x"));
	assert_err(&w, LG_E_INVALID, world_tenant(&w, 2, "other", "cn=x"));
	assert_ok(&w, world_tenant(&w, 2, "other", "o=Other Org,c=DE"));
	world_entry(&w, ALICE);
	assert_ok(&w, lg_tenant_list(&w.cx, world_view, &list, &n));
	cr_assert_eq(n, 2);
	assert_ok(&w, lg_tenant_by_name(&w.cx, world_view, LG_STR("other"), &t));
	cr_assert_eq(t.id, 2);
	cr_assert(world_has(&w, "ou=people,o=Other Org,c=DE"));
	assert_result(&w, 50, world_add(&w, "ou=x,o=other org,c=de", "objectClass: organizationalUnit\nou: x"));
}

static lg_err
tenants_to(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(1024);
	lg_uuid nobody = { { 0 } };

	for (uint32_t i = 2; i <= *(const uint32_t *)arg; i++) {
		struct lg_dkey k = lg_key_tenant(i);
		lg_buf_clear(&b);
		lg_buf_byte(&b, 1);
		for (int text = 0; text < 3; text++)		/* name, suffix, its normal form */
			lg_buf_str32(&b, lg_print(cx->arena, "t=%u", i));
		lg_buf_bytes(&b, nobody.b, sizeof nobody.b);
		lg_buf_u64(&b, 0);
		LG_TRY(lg_put(cx, v, &lg_table_tenant, lg_dkey_str(&k), lg_dup(cx->arena, lg_buf_view(&b))));
	}
	return LG_OK;
}

Test(edit, there_are_so_many_tenants_and_no_more)
{
	uint32_t n = LG_TENANTS - 1;

	world_unview(&w);
	assert_ok(&w, lg_store_apply(&w.cx, w.store, 1, "test", tenants_to, &n, NULL));
	assert_ok(&w, world_tenant(&w, LG_TENANTS, "last", "dc=last"));
	assert_err(&w, LG_E_LIMIT, world_tenant(&w, LG_TENANTS + 1, "another", "dc=another"));
}

Test(edit, numbers_and_addresses_are_unique_within_a_tenant)
{
	assert_result(&w, 0, world_modify(&w, "uid=alice,ou=people," SUFFIX,
	    "add: objectClass\nobjectClass: posixAccount\n-\nadd: uidNumber\nuidNumber: 5\n-\nadd: gidNumber\ngidNumber: 5\n-\nadd: homeDirectory\n"
	    "homeDirectory: /\n-\nreplace: mail\nmail: a@example.org"));
	assert_result(&w, 0, world_modify(&w, "uid=alice,ou=people," SUFFIX, "replace: mail\nmail: A@example.org"));
	assert_result(&w, 19, world_modify(&w, "uid=bob,ou=people," SUFFIX, "replace: mail\nmail: a@EXAMPLE.org"));
	assert_result(&w, 19, world_modify(&w, "uid=bob,ou=people," SUFFIX,
	    "add: objectClass\nobjectClass: posixAccount\n-\nadd: uidNumber\nuidNumber: 5\n-\nadd: gidNumber\ngidNumber: 5\n-\nadd: homeDirectory\n"
	    "homeDirectory: /"));
}
