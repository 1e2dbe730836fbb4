/* test_wire.c: whole exchanges in bytes: bind, search, compare, writes, extended operations, and what happens between them. */
#include "tests/directory/wired.h"

#include <stdlib.h>

#define STARTTLS "1.3.6.1.4.1.1466.20037"
#define WHOAMI "1.3.6.1.4.1.4203.1.11.3"
#define PASSMOD "1.3.6.1.4.1.4203.1.11.1"

TestSuite(bind, .init = start, .fini = end);
TestSuite(search, .init = start, .fini = end);
TestSuite(write, .init = start, .fini = end);
TestSuite(conn, .init = start, .fini = end);
TestSuite(access, .init = start, .fini = end);

static const char *
who(void)
{
	struct answer a;

	send_extended(&k, 77, WHOAMI, LG_NONE);
	wire_pump(&k);
	a = wire_expect(&k, 77, 0x78, 0);
	return lg_dup(w.arena, a.value).p;
}

/* ---- bind ------------------------------------------------------------------------------------------------------------ */

Test(bind, right_password_gives_the_identity)
{
	assert_text(who(), "");
	cr_assert_eq(wire_bind(&k, "UID=alice , ou=people," SUFFIX, "secret"), 0);
	assert_text(who(), "dn:" ALICE);
	cr_assert_eq(wire_bind(&k, "", ""), 0);
	assert_text(who(), "");
}

Test(bind, wrong_password_and_unknown_name_look_and_cost_the_same)
{
	cr_assert_eq(wire_bind(&k, ALICE, "wrong"), 49);
	cr_assert_eq(w.wasted, 0);
	cr_assert_eq(wire_bind(&k, "uid=nobody,ou=people," SUFFIX, "secret"), 49);
	cr_assert_eq(wire_bind(&k, "ou=people," SUFFIX, "secret"), 49);
	cr_assert_eq(wire_bind(&k, "dc=elsewhere", "secret"), 49);
	cr_assert_eq(wire_bind(&k, "", "secret"), 49);
	cr_assert_eq(w.wasted, 4);
}

Test(bind, a_failed_bind_ends_the_old_identity)
{
	cr_assert_eq(wire_bind(&k, ALICE, "secret"), 0);
	cr_assert_eq(wire_bind(&k, ALICE, "wrong"), 49);
	assert_text(who(), "");
}

Test(bind, empty_password_with_a_name_is_refused)
{
	cr_assert_eq(wire_bind(&k, ALICE, ""), 53);
}

Test(bind, in_clear_is_refused_before_the_password_is_looked_at)
{
	k.peer.tls = false;
	wire_reconnect(&k);
	cr_assert_eq(wire_bind(&k, ALICE, "secret"), 13);
	cr_assert_eq(wire_bind(&k, "no dn", "secret"), 13);
	cr_assert_eq(w.nhash, 0);
	cr_assert_eq(wire_bind(&k, "", ""), 0);
	k.peer.loopback = true;
	wire_reconnect(&k);
	cr_assert_eq(wire_bind(&k, ALICE, "secret"), 0);
}

Test(bind, disabled_accounts_do_not_bind)
{
	assert_result(&w, 0, world_modify(&w, ALICE, "add: lgEnabled\nlgEnabled: FALSE"));
	cr_assert_eq(wire_bind(&k, ALICE, "secret"), 49);
}

Test(bind, guesses_are_counted_and_refused_before_they_cost_a_hash)
{
	cr_assert_eq(wire_bind(&k, ALICE, "wrong"), 49);
	cr_assert_eq(wire_bind(&k, "uid=nobody,ou=people," SUFFIX, "secret"), 49);
	cr_assert_eq(w.wrong, 2);
	cr_assert_eq(wire_bind(&k, ALICE, "secret"), 0);
	cr_assert_eq(w.right, 1);
	size_t hashes = w.nhash;
	w.refuse_attempts = true;
	cr_assert_eq(wire_bind(&k, ALICE, "secret"), 51);
	cr_assert_eq(wire_bind(&k, "uid=nobody,ou=people," SUFFIX, "secret"), 51);
	cr_assert_eq(wire_bind(&k, "", ""), 0);
	cr_assert_eq(w.nhash, hashes);
	cr_assert_eq(w.wrong + w.right, 3);
}

Test(bind, a_full_queue_is_busy)
{
	w.busy = true;
	cr_assert_eq(wire_bind(&k, ALICE, "secret"), 51);
	w.busy = false;
	cr_assert_eq(wire_bind(&k, ALICE, "secret"), 0);
}

Test(bind, other_versions_and_methods_are_refused)
{
	wire_feed(&k, LG_STR("\x30\x0c\x02\x01\x01\x60\x07\x02\x01\x02\x04\x00\x80\x00"));
	wire_expect(&k, 1, 0x61, 2);
	wire_feed(&k, LG_STR("\x30\x0c\x02\x01\x02\x60\x07\x02\x01\x03\x04\x00\x81\x00"));
	wire_expect(&k, 2, 0x61, 7);
	wire_feed(&k, LG_STR("\x30\x14\x02\x01\x03\x60\x0f\x02\x01\x03\x04\x00\xa3\x08\x04\x06" "DIGEST"));
	wire_expect(&k, 3, 0x61, 7);
	cr_assert_eq(wire_bind(&k, "no dn", "x"), 34);
}

Test(bind, what_comes_behind_a_bind_waits_for_it)
{
	send_bind(&k, 1, ALICE, "secret");
	send_extended(&k, 2, WHOAMI, LG_NONE);
	wire_run(&k);
	wire_quiet(&k);
	cr_assert_eq(k.wants, 0);
	world_hash(&w);
	cr_assert_gt(k.woken, 0);
	wire_run(&k);
	wire_expect(&k, 1, 0x61, 0);
	struct answer a = wire_expect(&k, 2, 0x78, 0);
	cr_assert(lg_str_eq(a.value, LG_STR("dn:" ALICE)));
}

Test(bind, a_connection_may_go_while_its_password_is_checked)
{
	send_bind(&k, 1, ALICE, "secret");
	wire_run(&k);
	lg_ldap_conn_free(&k.c);
	cr_assert_eq(lg_ldap_outstanding(k.l), 1);
	world_hash(&w);
	cr_assert_eq(lg_ldap_outstanding(k.l), 0);
	wire_reconnect(&k);
}

Test(bind, external_takes_the_certificate_or_the_unix_peer)
{
	struct lg_entry bob = world_entry(&w, BOB);

	send_external(&k, 1, NULL);
	wire_pump(&k);
	wire_expect(&k, 1, 0x61, 49);
	w.cert_entry = bob.uuid;
	k.peer.cert = LG_STR("der");
	wire_reconnect(&k);
	send_external(&k, 2, "");
	wire_pump(&k);
	wire_expect(&k, 2, 0x61, 0);
	assert_text(who(), "dn:" BOB);
	send_external(&k, 3, "dn:" ALICE);
	wire_pump(&k);
	wire_expect(&k, 3, 0x61, 49);
	assert_result(&w, 0, world_modify(&w, ALICE,
	    "add: objectClass\nobjectClass: posixAccount\n-\nadd: uidNumber\nuidNumber: 1000\n-\nadd: gidNumber\ngidNumber: 1\n-\nadd: homeDirectory\nhomeDirectory: /"));
	k.peer = (struct lg_ldap_peer){ .address = "uid=1000 pid=1", .loopback = true, .uid = 1000, .gid = 1, .pid = 1 };
	wire_reconnect(&k);
	send_external(&k, 4, "u:alice");
	wire_pump(&k);
	wire_expect(&k, 4, 0x61, 0);
	assert_text(who(), "dn:" ALICE);
}

/* ---- search ------------------------------------------------------------------------------------------------------------- */

static void
found(const char *base, int scope, const char *filter, const char *attrs, const char *want)
{
	const char *got;
	int code = wire_search(&k, base, scope, filter, attrs, &got);

	cr_assert_eq(code, 0, "%s: %d", filter, code);
	cr_assert_str_eq(got, want, "%s: '%s', not '%s'", filter, got, want);
}

Test(search, scopes)
{
	found(ALICE, 0, "(objectClass=*)", "1.1", ALICE "\n");
	found("ou=people," SUFFIX, 1, "(objectClass=*)", "1.1", ALICE "\n" BOB "\n");
	found("ou=people," SUFFIX, 2, "(objectClass=*)", "1.1", "ou=people," SUFFIX "\n" ALICE "\n" BOB "\n");
	found("ou=people," SUFFIX, 3, "(objectClass=*)", "1.1", ALICE "\n" BOB "\n");
	found("ou=people," SUFFIX, 0, "(uid=alice)", "1.1", "");
	found("ou=groups," SUFFIX, 2, "(uid=alice)", "1.1", "");
}

Test(search, filters_use_indexes_and_agree_with_a_walk)
{
	static const struct { const char *filter, *want; } rows[] = {
		{ "(uid=ALICE)", ALICE "\n" },
		{ "(mail=alice@example.org)", ALICE "\n" },
		{ "(sn=smi*)", ALICE "\n" },
		{ "(cn=*jones)", BOB "\n" },
		{ "(|(uid=alice)(uid=bob)(uid=carol))", ALICE "\n" BOB "\n" },
		{ "(&(objectClass=person)(!(uid=alice)))", BOB "\n" },
		{ "(&(objectClass=person)(sn=jones))", BOB "\n" },
		{ "(member=" ALICE ")", STAFF "\n" },
		{ "(member=" BOB ")", ADMINS "\n" },
		{ "(member:1.2.840.113556.1.4.1941:=" BOB ")", ADMINS "\n" STAFF "\n" },
		{ "(memberOf=" STAFF ")", ALICE "\n" ADMINS "\n" },
		{ "(memberOf:1.2.840.113556.1.4.1941:=" STAFF ")", ALICE "\n" BOB "\n" ADMINS "\n" },
		{ "(member=uid=nobody," SUFFIX ")", "" },
		{ "(name=admins)", ADMINS "\n" },
		{ "(frob=x)", "" },
		{ "(!(frob=x))", "" },
		{ "(|(frob=x)(uid=bob))", BOB "\n" },
		{ "(userPassword=*)", "" },
		{ "(!(userPassword=x))", "" },
		{ "(telephoneNumber=+12345)", BOB "\n" },
	};

	for (size_t i = 0; i < LG_COUNT(rows); i++)
		found(SUFFIX, 2, rows[i].filter, "1.1", rows[i].want);
}

Test(search, by_uuid)
{
	struct lg_entry e = world_entry(&w, ALICE);
	char text[LG_UUID_TEXT + 1];

	lg_uuid_text(e.uuid, text);
	found(SUFFIX, 2, lg_print(w.arena, "(entryUUID=%s)", text).p, "1.1", ALICE "\n");
}

Test(search, attributes_are_those_asked_for)
{
	found(BOB, 0, "(objectClass=*)", "SN 2.5.4.20 frob", BOB " sn=Jones telephoneNumber=+1 23-45\n");
	found(BOB, 0, "(objectClass=*)", "name", BOB " sn=Jones cn=Bob Jones\n");
	found(BOB, 0, "(objectClass=*)", "memberOf hasSubordinates structuralObjectClass", BOB
	    " structuralObjectClass=inetOrgPerson hasSubordinates=FALSE memberOf=" ADMINS "\n");
	found(STAFF, 0, "(objectClass=*)", "member", STAFF " member=" ALICE " member=" ADMINS "\n");
	found("ou=people," SUFFIX, 0, "(objectClass=*)", "@organizationalUnit",
	    "ou=people," SUFFIX " objectClass=organizationalUnit objectClass=top ou=people\n");
	found(ALICE, 0, "(objectClass=*)", "userPassword", ALICE "\n");
}

Test(search, operational_attributes_come_only_when_asked_for)
{
	const char *text;

	cr_assert_eq(wire_search(&k, ALICE, 0, "(objectClass=*)", "", &text), 0);
	cr_assert_null(strstr(text, "entryUUID"));
	cr_assert_null(strstr(text, "userPassword"));
	cr_assert_not_null(strstr(text, "mail=alice@example.org"));
	cr_assert_eq(wire_search(&k, ALICE, 0, "(objectClass=*)", "+", &text), 0);
	cr_assert_null(strstr(text, "mail="));
	cr_assert_not_null(strstr(text, " entryUUID="));
	cr_assert_not_null(strstr(text, "#000#000000"));
	cr_assert_not_null(strstr(text, " creatorsName=cn=lightgate"));
	cr_assert_not_null(strstr(text, " subschemaSubentry=cn=Subschema"));
}

Test(search, missing_base_names_what_there_is)
{
	struct answer a;

	send_search(&k, 1, "uid=nobody,ou=people," SUFFIX, 0, "(objectClass=*)", "", 0);
	send_search(&k, 2, "no dn", 0, "(objectClass=*)", "", 0);
	send_search(&k, 3, "dc=elsewhere", 2, "(objectClass=*)", "", 0);
	wire_pump(&k);
	a = wire_expect(&k, 1, 0x65, 32);
	cr_assert(lg_str_eq(a.matched, LG_STR("ou=people," SUFFIX)));
	wire_expect(&k, 2, 0x65, 34);
	a = wire_expect(&k, 3, 0x65, 32);
	cr_assert_eq(a.matched.n, 0);
}

Test(search, root_and_subschema_are_for_all)
{
	const char *text;

	cr_assert_eq(wire_search(&k, "", 0, "(objectClass=*)", "+", &text), 0);
	cr_assert_not_null(strstr(text, "namingContexts=" SUFFIX));
	cr_assert_not_null(strstr(text, "supportedExtension=" STARTTLS));
	cr_assert_not_null(strstr(text, "subschemaSubentry=cn=Subschema"));
	cr_assert_eq(wire_search(&k, "cn=subschema", 0, "(objectClass=subschema)", "attributeTypes objectClasses", &text), 0);
	cr_assert_not_null(strstr(text, "( 2.5.4.3 NAME ( 'cn' 'commonName' ) SUP name EQUALITY caseIgnoreMatch SUBSTR caseIgnoreSubstringsMatch"));
	cr_assert_not_null(strstr(text, "( 2.5.6.6 NAME 'person'  SUP top STRUCTURAL MUST ( sn $ cn ) MAY"));
	cr_assert_eq(wire_search(&k, "", 0, "(objectClass=person)", "", &text), 0);
	assert_text(text, "");
}

Test(search, size_limit_is_reached_only_by_one_more)
{
	send_search(&k, 1, "ou=people," SUFFIX, 1, "(objectClass=*)", "1.1", 2);
	send_search(&k, 2, "ou=people," SUFFIX, 1, "(objectClass=*)", "1.1", 1);
	wire_pump(&k);
	wire_expect(&k, 1, 0x64, 0);
	wire_expect(&k, 1, 0x64, 0);
	wire_expect(&k, 1, 0x65, 0);
	wire_expect(&k, 2, 0x64, 0);
	wire_expect(&k, 2, 0x65, 4);
}

/* The control: SEQUENCE { OID, SEQUENCE { size, cookie } as octets } */
static lg_str
paged(int size, lg_str cookie)
{
	struct lg_buf value = LG_BUF(256), all = LG_BUF(512);
	struct lg_berw v = lg_berw_of(&value), c = lg_berw_of(&all);
	lg_str ret;

	lg_berw_open(&v, LG_BER_SEQUENCE);
	lg_berw_int(&v, LG_BER_INTEGER, size);
	lg_berw_str(&v, LG_BER_OCTETS, cookie);
	lg_berw_close(&v);
	lg_berw_open(&c, LG_BER_SEQUENCE);
	lg_berw_str(&c, LG_BER_OCTETS, LG_STR("1.2.840.113556.1.4.319"));
	lg_berw_bool(&c, LG_BER_BOOLEAN, true);
	lg_berw_str(&c, LG_BER_OCTETS, lg_buf_view(&value));
	lg_berw_close(&c);
	ret = lg_dup(w.arena, lg_buf_view(&all));
	lg_buf_free(&value);
	lg_buf_free(&all);
	return ret;
}

static lg_str
cookie_of(const struct answer *a)
{
	struct lg_ber list = lg_ber_of(a->controls), c = lg_ber_enter(&list, LG_BER_SEQUENCE), outer, v;

	cr_assert(lg_str_eq(lg_ber_str(&c, LG_BER_OCTETS), LG_STR("1.2.840.113556.1.4.319")));
	outer = lg_ber_of(lg_ber_str(&c, LG_BER_OCTETS));
	v = lg_ber_enter(&outer, LG_BER_SEQUENCE);
	lg_ber_int(&v, LG_BER_INTEGER);
	return lg_ber_str(&v, LG_BER_OCTETS);
}

Test(search, pages_come_one_after_the_other_and_lose_nothing)
{
	lg_str cookie = LG_STR("");
	struct answer a;
	int entries = 0, pages = 0;

	for (int i = 0; i < 25; i++)
		assert_result(&w, 0, world_add(&w, lg_print(w.arena, "uid=p%d,ou=people," SUFFIX, i).p,
		    lg_print(w.arena, "objectClass: inetOrgPerson\nsn: Paged\ncn: P\nuid: p%d", i).p));
	do {
		k.controls = paged(10, cookie);
		send_search(&k, 5, SUFFIX, 2, "(sn=paged)", "1.1", 0);
		wire_pump(&k);
		while (wire_next(&k, &a) && a.tag == 0x64)
			entries++;
		cr_assert_eq(a.code, 0);
		cookie = cookie_of(&a);
		pages++;
	} while (cookie.n > 0);
	cr_assert_eq(entries, 25);
	cr_assert_eq(pages, 3);
}

Test(search, a_made_up_cookie_is_refused)
{
	lg_str cookie;
	struct answer a;

	k.controls = paged(1, LG_STR("0123456789abcdef"));
	send_search(&k, 1, SUFFIX, 2, "(objectClass=*)", "1.1", 0);
	wire_pump(&k);
	wire_expect(&k, 1, 0x65, 2);
	k.controls = paged(1, LG_STR(""));
	send_search(&k, 2, SUFFIX, 2, "(objectClass=*)", "1.1", 0);
	wire_pump(&k);
	wire_expect(&k, 2, 0x64, 0);
	a = wire_expect(&k, 2, 0x65, 0);
	cookie = cookie_of(&a);
	cr_assert_gt(cookie.n, 0);
	k.controls = paged(1, cookie);		/* another request's */
	send_search(&k, 3, SUFFIX, 2, "(sn=*)", "1.1", 0);
	wire_pump(&k);
	wire_expect(&k, 3, 0x65, 2);
}

Test(search, a_long_one_runs_in_slices_and_others_are_served_between)
{
	struct answer a;
	int entries = 0, before = -1;

	for (int i = 0; i < 300; i++)
		assert_result(&w, 0, world_add(&w, lg_print(w.arena, "uid=p%d,ou=people," SUFFIX, i).p,
		    lg_print(w.arena, "objectClass: inetOrgPerson\nsn: Long\ncn: P\nuid: p%d\ndescription: %0*d", i, 4000, i).p));
	k.runs = 0;
	send_search(&k, 1, SUFFIX, 2, "(description=*)", "", 0);
	send_extended(&k, 2, WHOAMI, LG_NONE);
	wire_pump(&k);
	cr_assert_gt(k.runs, 3, "%u turns", k.runs);
	while (wire_next(&k, &a)) {
		entries += a.tag == 0x64;
		if (a.tag == 0x78)
			before = entries;
	}
	cr_assert_eq(entries, 300);
	cr_assert(before >= 0 && before < 300, "%d", before);
}

Test(search, unknown_critical_controls_are_refused)
{
	k.controls = LG_STR("\x30\x0a\x04\x05" "1.2.3\x01\x01\xff");
	send_search(&k, 1, SUFFIX, 0, "(objectClass=*)", "1.1", 0);
	k.controls = LG_STR("\x30\x07\x04\x05" "1.2.3");
	send_search(&k, 2, SUFFIX, 0, "(objectClass=*)", "1.1", 0);
	k.controls = LG_STR("\x30\x07\x05\x05" "1.2.3");
	send_search(&k, 3, SUFFIX, 0, "(objectClass=*)", "1.1", 0);
	k.controls = LG_STR("\x30\x1e\x04\x19" "2.16.840.1.113730.3.4.2xx\x01\x01\xff");
	send_delete(&k, 4, ALICE);
	wire_pump(&k);
	wire_expect(&k, 1, 0x65, 12);
	wire_expect(&k, 2, 0x64, 0);
	wire_expect(&k, 2, 0x65, 0);
	wire_expect(&k, 3, 0x65, 2);
	wire_expect(&k, 4, 0x6b, 12);
}

Test(search, abandoned_ones_are_not_answered)
{
	for (int i = 0; i < 300; i++)
		assert_result(&w, 0, world_add(&w, lg_print(w.arena, "uid=p%d,ou=people," SUFFIX, i).p,
		    lg_print(w.arena, "objectClass: inetOrgPerson\nsn: Long\ncn: P\nuid: p%d\ndescription: %0*d", i, 4000, i).p));
	send_search(&k, 1, SUFFIX, 2, "(description=*)", "", 0);
	wire_run(&k);
	send_abandon(&k, 2, 1);
	wire_pump(&k);
	struct answer a;
	while (wire_next(&k, &a))
		cr_assert_eq(a.tag, 0x64);
}

/* ---- compare -------------------------------------------------------------------------------------------------------------- */

Test(search, compare_gives_the_codes_of_the_standards)
{
	static const struct { const char *dn, *attr, *value; int code; } rows[] = {
		{ ALICE, "sn", "SMITH", 6 }, { ALICE, "sn", "Jones", 5 }, { ALICE, "name", "smith", 6 }, { ALICE, "frob", "x", 17 },
		{ ALICE, "title", "x", 16 }, { ALICE, "uidNumber", "abc", 21 }, { ALICE, "userPassword", "secret", 50 }, { "uid=nobody," SUFFIX, "sn", "x", 32 },
		{ "x", "sn", "x", 34 }, { STAFF, "member", ALICE, 6 }, { STAFF, "member", BOB, 5 }, { ALICE, "memberOf", STAFF, 6 },
		{ ALICE, "objectClass", "nonsense", 21 }, { "uid=nobody," SUFFIX, "uidNumber", "abc", 21 }, { "x", "frob", "x", 34 },
		{ ALICE, "telexNumber", "x", 18 },
	};

	for (size_t i = 0; i < LG_COUNT(rows); i++) {
		send_compare(&k, (int32_t)i + 1, rows[i].dn, rows[i].attr, rows[i].value);
		wire_pump(&k);
		wire_expect(&k, (int32_t)i + 1, 0x6f, rows[i].code);
	}
}

/* ---- writes ------------------------------------------------------------------------------------------------------------------ */

Test(write, answers_come_when_the_change_is_there)
{
	cr_assert_eq(wire_bind(&k, ALICE, "secret"), 0);
	send_add(&k, 1, "uid=carol,ou=people," SUFFIX, "objectClass: inetOrgPerson\nsn: C\ncn: C\nuid: carol");
	send_modify(&k, 2, BOB, 2, "title", "Dr");
	wire_run(&k);
	wire_pump(&k);
	wire_expect(&k, 1, 0x69, 0);
	wire_expect(&k, 2, 0x67, 0);
	found(SUFFIX, 2, "(uid=carol)", "creatorsName", "uid=carol,ou=people," SUFFIX " creatorsName=" ALICE "\n");
	send_rename(&k, 3, "uid=carol,ou=people," SUFFIX, "uid=caroline", true, NULL);
	wire_pump(&k);
	wire_expect(&k, 3, 0x6d, 0);
	found("uid=caroline,ou=people," SUFFIX, 0, "(objectClass=*)", "uid", "uid=caroline,ou=people," SUFFIX " uid=caroline\n");
	send_delete(&k, 4, "uid=caroline,ou=people," SUFFIX);
	send_delete(&k, 5, "uid=caroline,ou=people," SUFFIX);
	wire_pump(&k);
	wire_expect(&k, 4, 0x6b, 0);
	struct answer a = wire_expect(&k, 5, 0x6b, 32);
	cr_assert(lg_str_eq(a.matched, LG_STR("ou=people," SUFFIX)));
}

Test(write, what_is_wrong_whatever_the_entry_is_comes_first)
{
	static const struct { int kind; const char *attr, *value; int code; } rows[] = {
		{ 0, "frob", "x", 17 }, { 2, "uidNumber", "abc", 21 }, { 1, "telephoneNumber", "", 21 }, { 3, "sn", "1", 19 },
		{ 3, "uidNumber", "x", 21 }, { 0, "sn", NULL, 2 }, { 0, "objectClass", "nonsense", 21 }, { 0, "member", "no dn", 21 },
		{ 0, "sn", "x", 32 },
	};

	for (size_t i = 0; i < LG_COUNT(rows); i++) {
		send_modify(&k, (int32_t)i + 1, "uid=nobody," SUFFIX, rows[i].kind, rows[i].attr, rows[i].value);
		wire_pump(&k);
		wire_expect(&k, (int32_t)i + 1, 0x67, rows[i].code);
	}
	send_rename(&k, 50, "uid=nobody," SUFFIX, "frob=x", false, NULL);
	wire_pump(&k);
	wire_expect(&k, 50, 0x6d, 34);
}

Test(write, codes_of_edits_arrive)
{
	send_add(&k, 1, "uid=x,ou=none," SUFFIX, "objectClass: inetOrgPerson\nsn: C\ncn: C\nuid: x");
	send_add(&k, 2, "uid=x,dc=none", "objectClass: inetOrgPerson\nsn: C\ncn: C\nuid: x");
	send_modify(&k, 3, ALICE, 1, "sn", NULL);
	send_modify(&k, 4, ALICE, 1, "uid", NULL);
	send_modify(&k, 5, "x", 1, "uid", NULL);
	send_rename(&k, 6, ALICE, "uid=alice", false, "ou=none," SUFFIX);
	send_delete(&k, 7, "ou=people," SUFFIX);
	wire_pump(&k);
	struct { int code, tag; } want[] = { { 32, 0x69 }, { 53, 0x69 }, { 65, 0x67 }, { 67, 0x67 }, { 34, 0x67 }, { 32, 0x6d }, { 66, 0x6b } };
	bool seen[8] = { false };
	struct answer a;
	while (wire_next(&k, &a)) {
		cr_assert(a.id >= 1 && a.id <= 7 && !seen[a.id]);
		seen[a.id] = true;
		cr_assert_eq(a.code, want[a.id - 1].code, "%d: %d (%.*s)", a.id, a.code, LG_FMT(a.text));
		cr_assert_eq(a.tag, want[a.id - 1].tag);
	}
	for (int i = 1; i <= 7; i++)
		cr_assert(seen[i], "%d", i);
}

Test(write, who_may_not_set_a_password_costs_no_hash)
{
	send_modify(&k, 1, ALICE, 2, "userPassword", "x");
	wire_run(&k);
	wire_expect(&k, 1, 0x67, 8);
	cr_assert_eq(wire_bind(&k, BOB, "secret"), 0);
	w.deny[w.ndeny++] = (struct denial){ .action = "attribute:write", .attribute = "userPassword", .dn = ALICE };
	send_modify(&k, 2, ALICE, 2, "userPassword", "x");
	wire_run(&k);
	wire_expect(&k, 2, 0x67, 50);
	cr_assert_eq(w.nhash, 0);
}

Test(write, passwords_are_hashed_on_their_way_in)
{
	cr_assert_eq(wire_bind(&k, BOB, "secret"), 0);
	send_add(&k, 1, "uid=carol,ou=people," SUFFIX, "objectClass: inetOrgPerson\nsn: C\ncn: C\nuid: carol\nuserPassword: hidden");
	wire_pump(&k);
	wire_expect(&k, 1, 0x69, 0);
	cr_assert_eq(wire_bind(&k, "uid=carol,ou=people," SUFFIX, "hidden"), 0);
	send_modify(&k, 2, "uid=carol,ou=people," SUFFIX, 2, "userPassword", "another one");
	wire_pump(&k);
	wire_expect(&k, 2, 0x67, 0);
	cr_assert_eq(wire_bind(&k, "uid=carol,ou=people," SUFFIX, "hidden"), 49);
	cr_assert_eq(wire_bind(&k, "uid=carol,ou=people," SUFFIX, "another one"), 0);
	k.peer.tls = false;
	wire_reconnect(&k);
	send_modify(&k, 3, ALICE, 2, "userPassword", "other");
	wire_pump(&k);
	wire_expect(&k, 3, 0x67, 13);
}

Test(write, a_verifier_is_taken_from_others_and_hashed_from_oneself)
{
	cr_assert_eq(wire_bind(&k, BOB, "secret"), 0);
	send_modify(&k, 1, ALICE, 2, "userPassword", "{PLAIN}migrated");
	wire_pump(&k);
	wire_expect(&k, 1, 0x67, 0);
	cr_assert_eq(wire_bind(&k, ALICE, "migrated"), 0);
	send_modify(&k, 2, ALICE, 2, "userPassword", "{PLAIN}self");
	wire_pump(&k);
	wire_expect(&k, 2, 0x67, 0);
	cr_assert_eq(wire_bind(&k, ALICE, "self"), 49);
	cr_assert_eq(wire_bind(&k, ALICE, "{PLAIN}self"), 0);
}

/* PasswdModifyRequestValue: fields that are not NULL. */
static lg_str
passmod(const char *who_, const char *old, const char *new)
{
	struct lg_buf b = LG_BUF(512);
	struct lg_berw v = lg_berw_of(&b);
	const char *fields[] = { who_, old, new };
	lg_str ret;

	lg_berw_open(&v, LG_BER_SEQUENCE);
	for (int i = 0; i < 3; i++)
		if (fields[i] != NULL)
			lg_berw_str(&v, LG_BER_CONTEXT(i), lg_str_of(fields[i]));
	lg_berw_close(&v);
	ret = lg_dup(w.arena, lg_buf_view(&b));
	lg_buf_free(&b);
	return ret;
}

Test(write, password_modify)
{
	struct answer a;

	send_extended(&k, 1, PASSMOD, passmod(ALICE, "secret", "new"));
	wire_pump(&k);
	wire_expect(&k, 1, 0x78, 8);
	cr_assert_eq(wire_bind(&k, ALICE, "secret"), 0);
	send_extended(&k, 2, PASSMOD, passmod(NULL, "wrong", "new-secret"));
	wire_pump(&k);
	wire_expect(&k, 2, 0x78, 53);
	send_extended(&k, 3, PASSMOD, passmod(NULL, "secret", "new-secret"));
	wire_pump(&k);
	wire_expect(&k, 3, 0x78, 0);
	cr_assert_eq(wire_bind(&k, ALICE, "new-secret"), 0);
	send_extended(&k, 4, PASSMOD, passmod("u:bob", NULL, NULL));
	wire_pump(&k);
	a = wire_expect(&k, 4, 0x78, 0);
	struct lg_ber outer = lg_ber_of(a.value), seq = lg_ber_enter(&outer, LG_BER_SEQUENCE);
	lg_str made = lg_ber_str(&seq, LG_BER_CONTEXT(0));
	cr_assert_eq(made.n, 20);
	cr_assert_eq(wire_bind(&k, BOB, lg_dup(w.arena, made).p), 0);
	send_extended(&k, 5, PASSMOD, passmod("uid=nobody," SUFFIX, NULL, "x"));
	wire_pump(&k);
	wire_expect(&k, 5, 0x78, 32);
	send_extended(&k, 6, PASSMOD, passmod("uid=nobody," SUFFIX, "y", "x"));
	wire_pump(&k);
	wire_expect(&k, 6, 0x78, 53);
}

Test(write, a_bind_waits_for_writes)
{
	send_modify(&k, 1, BOB, 2, "title", "Dr");
	send_bind(&k, 2, ALICE, "secret");
	wire_run(&k);
	wire_quiet(&k);
	cr_assert_eq(k.wants, 0);
	wire_pump(&k);
	wire_expect(&k, 1, 0x67, 0);
	wire_expect(&k, 2, 0x61, 0);
}

Test(write, a_connection_may_go_while_its_write_is_under_way)
{
	send_modify(&k, 1, BOB, 2, "title", "Dr");
	wire_run(&k);
	lg_ldap_conn_free(&k.c);
	world_drain(&w);
	cr_assert_eq(lg_ldap_outstanding(k.l), 0);
	wire_reconnect(&k);
	assert_text(world_value(&w, BOB, "title"), "Dr");
}

/* ---- access ---------------------------------------------------------------------------------------------------------------------- */

Test(access, an_entry_that_is_not_disclosed_does_not_exist)
{
	struct answer a;

	w.deny[w.ndeny++] = (struct denial){ .action = "entry:disclose", .dn = BOB };
	found("ou=people," SUFFIX, 1, "(objectClass=*)", "1.1", ALICE "\n");
	send_search(&k, 1, BOB, 0, "(objectClass=*)", "", 0);
	send_compare(&k, 2, BOB, "sn", "Jones");
	wire_pump(&k);
	a = wire_expect(&k, 1, 0x65, 32);
	cr_assert(lg_str_eq(a.matched, LG_STR("ou=people," SUFFIX)));
	wire_expect(&k, 2, 0x6f, 32);
	w.deny[w.ndeny++] = (struct denial){ .action = "entry:disclose", .dn = "ou=people," SUFFIX };
	send_search(&k, 3, BOB, 0, "(objectClass=*)", "", 0);
	wire_pump(&k);
	a = wire_expect(&k, 3, 0x65, 32);
	cr_assert(lg_str_eq(a.matched, LG_STR(SUFFIX)));
}

Test(access, an_attribute_without_search_is_undefined_in_filters)
{
	w.deny[w.ndeny++] = (struct denial){ .action = "attribute:search", .attribute = "sn" };
	found(SUFFIX, 2, "(sn=smith)", "1.1", "");
	found(SUFFIX, 2, "(!(sn=smith))", "1.1", "");
	found(SUFFIX, 2, "(name=smith)", "1.1", "");
	found(SUFFIX, 2, "(|(sn=smith)(uid=alice))", "sn", ALICE " sn=Smith\n");
}

Test(access, an_attribute_without_read_is_left_out)
{
	w.deny[w.ndeny++] = (struct denial){ .action = "attribute:read", .attribute = "mail", .class = "User" };
	found(ALICE, 0, "(mail=*)", "mail sn", ALICE " sn=Smith\n");
}

Test(access, a_write_is_decided_on_the_state_it_changes)
{
	w.deny[w.ndeny++] = (struct denial){ .action = "attribute:write", .attribute = "title" };
	w.deny[w.ndeny++] = (struct denial){ .action = "entry:delete", .dn = BOB };
	w.deny[w.ndeny++] = (struct denial){ .action = "entry:add", .class = "Host" };
	w.deny[w.ndeny++] = (struct denial){ .action = "entry:rename", .dn = ALICE };
	w.deny[w.ndeny++] = (struct denial){ .action = "entry:disclose", .dn = STAFF };
	w.deny[w.ndeny++] = (struct denial){ .action = "entry:delete", .dn = STAFF };
	send_modify(&k, 1, ALICE, 2, "title", "Dr");
	wire_pump(&k);
	wire_expect(&k, 1, 0x67, 50);
	send_delete(&k, 2, BOB);
	wire_pump(&k);
	wire_expect(&k, 2, 0x6b, 50);
	send_add(&k, 3, "cn=n1,ou=hosts," SUFFIX, "objectClass: lgHost\ncn: n1");
	wire_pump(&k);
	wire_expect(&k, 3, 0x69, 50);
	send_rename(&k, 4, ALICE, "uid=al", true, NULL);
	wire_pump(&k);
	wire_expect(&k, 4, 0x6d, 50);
	send_delete(&k, 5, STAFF);
	wire_pump(&k);
	wire_expect(&k, 5, 0x6b, 32);
	send_add(&k, 6, "uid=c,ou=people," SUFFIX, "objectClass: inetOrgPerson\nsn: c\ncn: c\nuid: c\ntitle: x");
	wire_pump(&k);
	wire_expect(&k, 6, 0x69, 50);
}

Test(access, no_tenant_sees_another)
{
	assert_ok(&w, world_tenant(&w, 2, "other", "o=other"));
	found("o=other", 0, "(objectClass=*)", "1.1", "o=other\n");	/* anonymous: what that tenant's policy says */
	cr_assert_eq(wire_bind(&k, ALICE, "secret"), 0);
	cr_assert_eq(wire_search(&k, "o=other", 0, "(objectClass=*)", "1.1", NULL), 32);
	send_add(&k, 1, "ou=x,o=other", "objectClass: organizationalUnit\nou: x");
	wire_pump(&k);
	wire_expect(&k, 1, 0x69, 50);
	send_rename(&k, 2, ALICE, "uid=alice", false, "o=other");
	wire_pump(&k);
	wire_expect(&k, 2, 0x6d, 32);
}

Test(access, general_verdicts_are_kept_until_something_changes)
{
	found(SUFFIX, 2, "(sn=*)", "sn cn", ALICE " sn=Smith cn=Alice Smith\n" BOB " sn=Jones cn=Bob Jones\n");
	w.asked = 0;
	found(SUFFIX, 2, "(sn=*)", "sn cn", ALICE " sn=Smith cn=Alice Smith\n" BOB " sn=Jones cn=Bob Jones\n");
	cr_assert_eq(w.asked, 0);
	assert_result(&w, 0, world_modify(&w, ALICE, "add: title\ntitle: x"));
	found(SUFFIX, 2, "(sn=*)", "sn", ALICE " sn=Smith\n" BOB " sn=Jones\n");
	cr_assert_gt(w.asked, 0);
	w.asked = 0;
	w.unstable = true;
	cr_assert_eq(wire_bind(&k, ALICE, "secret"), 0);
	found(BOB, 0, "(sn=*)", "sn", BOB " sn=Jones\n");
	w.asked = 0;
	found(BOB, 0, "(sn=*)", "sn", BOB " sn=Jones\n");
	cr_assert_gt(w.asked, 2);
}

Test(access, particular_verdicts_do_not_leak_to_others)
{
	w.particular = true;
	w.deny[w.ndeny++] = (struct denial){ .action = "attribute:read", .attribute = "sn", .dn = ALICE };
	found(SUFFIX, 2, "(sn=*)", "sn", ALICE "\n" BOB " sn=Jones\n");
	found(SUFFIX, 2, "(sn=*)", "sn", ALICE "\n" BOB " sn=Jones\n");
}

/* ---- the connection --------------------------------------------------------------------------------------------------------------- */

Test(conn, bytes_may_come_one_by_one)
{
	static const char bind[] = "\x30\x0c\x02\x01\x01\x60\x07\x02\x01\x03\x04\x00\x80\x00";

	for (size_t i = 0; i + 1 < sizeof bind; i++) {
		wire_quiet(&k);
		cr_assert((k.wants & LG_LDAP_READ) != 0);
		wire_feed(&k, (lg_str){ bind + i, 1 });
	}
	wire_expect(&k, 1, 0x61, 0);
}

static void
cut(lg_str bytes)
{
	struct answer a;

	wire_reconnect(&k);
	wire_feed(&k, bytes);
	cr_assert((k.wants & LG_LDAP_CLOSE) != 0);
	a = wire_expect(&k, 0, 0x78, 2);
	cr_assert(lg_str_eq(a.oid, LG_STR("1.3.6.1.4.1.1466.20036")));
}

Test(conn, what_is_no_ldap_ends_with_a_notice)
{
	cut(LG_STR("GET / HTTP/1.1\r\n"));
	cut(LG_STR("\x30\x84\x10\x00\x00\x00"));			/* longer than is taken before a bind */
	cut(LG_STR("\x30\x80\x02\x01\x01"));				/* indefinite */
	cut(LG_STR("\x30\x0c\x02\x01\x00\x60\x07\x02\x01\x03\x04\x00\x80\x00"));	/* message 0 */
	cut(LG_STR("\x30\x0c\x02\x01\xff\x60\x07\x02\x01\x03\x04\x00\x80\x00"));	/* message -1 */
	cut(LG_STR("\x30\x05\x02\x01\x01\x7e\x00"));			/* unknown operation */
	cut(LG_STR("\x30\x03\x04\x01\x01"));
}

Test(conn, malformed_bodies_are_answered)
{
	static const struct { lg_str bytes; int tag; } rows[] = {
		{ LG_STR("\x30\x05\x02\x01\x01\x60\x00"), 0x61 }, { LG_STR("\x30\x05\x02\x01\x01\x63\x00"), 0x65 },
		{ LG_STR("\x30\x05\x02\x01\x01\x66\x00"), 0x67 }, { LG_STR("\x30\x05\x02\x01\x01\x68\x00"), 0x69 },
		{ LG_STR("\x30\x05\x02\x01\x01\x6c\x00"), 0x6d }, { LG_STR("\x30\x05\x02\x01\x01\x6e\x00"), 0x6f },
		{ LG_STR("\x30\x05\x02\x01\x01\x77\x00"), 0x78 },
	};

	for (size_t i = 0; i < LG_COUNT(rows); i++) {
		wire_feed(&k, rows[i].bytes);
		wire_expect(&k, 1, rows[i].tag, 2);
	}
}

Test(conn, larger_requests_are_taken_after_a_bind)
{
	char *big = calloc(1, LG_LDAP_PDU_FIRST + 100);

	memset(big, 'x', LG_LDAP_PDU_FIRST + 50);
	cr_assert_eq(wire_bind(&k, ALICE, "secret"), 0);
	send_modify(&k, 1, ALICE, 2, "description", big);
	wire_pump(&k);
	wire_expect(&k, 1, 0x67, 0);
	cr_assert_eq(wire_bind(&k, "", ""), 0);		/* anonymous again: small again */
	send_modify(&k, 2, ALICE, 2, "description", big);
	wire_run(&k);
	wire_expect(&k, 0, 0x78, 2);
	free(big);
}

Test(conn, operations_in_flight_are_limited_by_pausing)
{
	int answers = 0;
	struct answer a;

	for (int i = 1; i <= 3 * LG_LDAP_OPERATIONS; i++)
		send_modify(&k, i, BOB, 2, "title", lg_print(w.arena, "t%d", i).p);
	do
		wire_run(&k);
	while ((k.wants & LG_LDAP_RUN) != 0);
	cr_assert_eq(lg_ldap_outstanding(k.l), LG_LDAP_OPERATIONS);
	cr_assert_eq(k.wants & LG_LDAP_READ, 0);
	wire_pump(&k);
	while (wire_next(&k, &a)) {
		cr_assert_eq(a.code, 0);
		answers++;
	}
	cr_assert_eq(answers, 3 * LG_LDAP_OPERATIONS);
}

Test(conn, a_client_that_does_not_read_is_paused)
{
	assert_result(&w, 0, world_modify(&w, BOB, lg_print(w.arena, "add: description\ndescription: %0*d", 100000, 1).p));
	for (int i = 1; i <= 40; i++)
		send_search(&k, i, BOB, 0, "(objectClass=*)", "description", 0);
	for (int i = 0; i < 40; i++)
		k.wants = lg_ldap_run(k.c);
	cr_assert_lt(lg_ldap_output(k.c).n, LG_LDAP_UNSENT + 200000);
	cr_assert_eq(k.wants, LG_LDAP_WRITE);
	cr_assert_eq(k.woken, 0);
	wire_run(&k);
	cr_assert_eq(k.woken, 1);	/* what it took has made room */
	wire_pump(&k);
	for (int i = 1; i <= 40; i++) {
		wire_expect(&k, i, 0x64, 0);
		wire_expect(&k, i, 0x65, 0);
	}
}

Test(conn, start_tls_forgets_what_was_before)
{
	k.peer.tls = false;
	k.peer.loopback = true;
	wire_reconnect(&k);
	cr_assert_eq(wire_bind(&k, ALICE, "secret"), 0);
	send_extended(&k, 1, STARTTLS, LG_NONE);
	wire_run(&k);
	wire_expect(&k, 1, 0x78, 0);
	cr_assert_eq(k.wants, LG_LDAP_START_TLS | LG_LDAP_WRITE);
	k.peer.tls = true;
	lg_ldap_secured(k.c, &k.peer);
	assert_text(who(), "");
	send_extended(&k, 2, STARTTLS, LG_NONE);
	wire_run(&k);
	wire_expect(&k, 2, 0x78, 1);
}

Test(conn, nothing_in_clear_is_carried_into_tls)
{
	k.peer.tls = false;
	wire_reconnect(&k);
	send_extended(&k, 1, STARTTLS, LG_NONE);
	send_extended(&k, 2, WHOAMI, LG_NONE);
	wire_run(&k);
	wire_expect(&k, 1, 0x78, 1);
	cr_assert_eq(k.wants & LG_LDAP_START_TLS, 0);
	wire_expect(&k, 2, 0x78, 0);
}

Test(conn, unbind_ends_it_without_a_word)
{
	send_unbind(&k, 1);
	wire_run(&k);
	wire_quiet(&k);
	cr_assert_eq(k.wants, LG_LDAP_CLOSE);
}

Test(conn, stopping_says_why)
{
	lg_ldap_conn_stop(k.c, 52, LG_STR("shutting down"));
	wire_run(&k);
	wire_expect(&k, 0, 0x78, 52);
	cr_assert_eq(k.wants & LG_LDAP_CLOSE, LG_LDAP_CLOSE);
}

Test(conn, the_first_request_has_a_deadline)
{
	cr_assert_gt(lg_ldap_deadline(k.c), 0);
	cr_assert_eq(wire_bind(&k, "", ""), 0);
	cr_assert_eq(lg_ldap_deadline(k.c), 0);
}

Test(conn, unknown_extended_operations_are_refused)
{
	send_extended(&k, 1, "1.2.3.4", LG_NONE);
	wire_run(&k);
	wire_expect(&k, 1, 0x78, 2);
}

Test(conn, many_attributes_and_deep_filters_are_limited)
{
	LG_AUTO(lg_buf_free) struct lg_buf names = LG_BUF(1 << 20);

	for (int i = 0; i <= LG_LDAP_ATTRIBUTES; i++)
		lg_buf_str(&names, LG_STR("cn "));
	lg_buf_byte(&names, '\0');
	send_search(&k, 1, SUFFIX, 0, "(objectClass=*)", names.p, 0);
	wire_pump(&k);
	wire_expect(&k, 1, 0x65, 11);
	send_search(&k, 2, SUFFIX, 0, "(objectClass=*)", names.p + 3, 0);
	wire_pump(&k);
	wire_expect(&k, 2, 0x64, 0);
	wire_expect(&k, 2, 0x65, 0);
}
