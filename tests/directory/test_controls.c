/* test_controls.c: controls of searches and writes, each with what is refused. */
#include "directory/search.h"
#include "tests/directory/wired.h"


TestSuite(controls, .init = start, .fini = end);
TestSuite(sort, .init = start, .fini = end);
TestSuite(proxy, .init = start, .fini = end);
TestSuite(tree, .init = start, .fini = end);

/* Adds a control to those of the next request. */
static void
with(const char *oid, bool critical, lg_str value)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(1 << 20);
	struct lg_berw bw = lg_berw_of(&b);

	lg_buf_str(&b, k.controls);
	lg_berw_open(&bw, LG_BER_SEQUENCE);
	lg_berw_str(&bw, LG_BER_OCTETS, lg_str_of(oid));
	if (critical)
		lg_berw_bool(&bw, LG_BER_BOOLEAN, true);
	if (value.p != NULL)
		lg_berw_str(&bw, LG_BER_OCTETS, value);
	lg_berw_close(&bw);
	k.controls = lg_dup(w.arena, lg_buf_view(&b));
}

/* "-sn" "cn:rule": a sort control. */
static void
sorted_by(const char *keys, bool critical)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(4096);
	struct lg_berw bw = lg_berw_of(&b);
	lg_str word, name, rule;

	lg_berw_open(&bw, LG_BER_SEQUENCE);
	while (lg_word_next(&keys, &word)) {
		bool reverse = word.p[0] == '-';
		lg_berw_open(&bw, LG_BER_SEQUENCE);
		lg_str_cut(reverse ? lg_str_sub(word, 1, word.n) : word, ':', &name, &rule);
		lg_berw_str(&bw, LG_BER_OCTETS, name);
		if (rule.n > 0)
			lg_berw_str(&bw, LG_BER_CONTEXT(0), rule);
		if (reverse)
			lg_berw_bool(&bw, LG_BER_CONTEXT(1), true);
		lg_berw_close(&bw);
	}
	lg_berw_close(&bw);
	with(LG_CONTROL_SORT, critical, lg_buf_view(&b));
}

static void
window(int before, int after, int offset, int count, const char *value)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(4096);
	struct lg_berw bw = lg_berw_of(&b);

	lg_berw_open(&bw, LG_BER_SEQUENCE);
	lg_berw_int(&bw, LG_BER_INTEGER, before);
	lg_berw_int(&bw, LG_BER_INTEGER, after);
	if (value != NULL) {
		lg_berw_str(&bw, LG_BER_CONTEXT(1), lg_str_of(value));
	} else {
		lg_berw_open(&bw, LG_BER_CONTEXT_SET(0));
		lg_berw_int(&bw, LG_BER_INTEGER, offset);
		lg_berw_int(&bw, LG_BER_INTEGER, count);
		lg_berw_close(&bw);
	}
	lg_berw_close(&bw);
	with(LG_CONTROL_VLV, true, lg_buf_view(&b));
}

/* The value of one control of an answer. */
static struct lg_ber
reply(const struct answer *a, const char *oid)
{
	struct lg_ber list = lg_ber_of(a->controls);

	while (lg_ber_more(&list)) {
		struct lg_ber one = lg_ber_enter(&list, LG_BER_SEQUENCE);
		if (lg_str_eq(lg_ber_str(&one, LG_BER_OCTETS), lg_str_of(oid))) {
			struct lg_ber value = lg_ber_of(lg_ber_str(&one, LG_BER_OCTETS));
			return lg_ber_enter(&value, LG_BER_SEQUENCE);
		}
	}
	cr_assert_fail("no control %s in the answer", oid);
	return list;
}

/* RDNs of what a search finds, in a row; the answer in *ret. */
static const char *
names(const char *filter, int size, struct answer *ret)
{
	LG_AUTO(lg_buf_free) struct lg_buf out = LG_BUF(1 << 20);
	lg_str rdn, rest;

	send_search(&k, 3, PEOPLE, 1, filter, "1.1", size);
	wire_pump(&k);
	while (wire_next(&k, ret) && ret->tag == 0x64) {
		lg_str_cut(lg_ber_str(&ret->rest, LG_BER_OCTETS), ',', &rdn, &rest);
		lg_buf_printf(&out, "%.*s ", LG_FMT(lg_str_sub(rdn, 4, rdn.n)));
	}
	cr_assert(ret->tag == 0x65 && ret->id == 3);
	return lg_dup(w.arena, lg_buf_view(&out)).p;
}

static void
some_people(void)
{
	static const struct { const char *name, *sn; } list[] = {
		{ "p1", "Delta" }, { "p2", "bravo" }, { "p3", "Charlie" }, { "p4", "alpha" }, { "p5", "Echo" },
	};
	struct lg_entry e;

	for (size_t i = 0; i < LG_COUNT(list); i++)
		assert_ok(&w, world_create(&w, LG_TYPE_USER, list[i].name, lg_print(w.arena, "sn: %s\ncn: x", list[i].sn).p, &e));
	world_unview(&w);
}

/* ---- sort -------------------------------------------------------------------------------------------------------------- */

Test(sort, by_the_rule_of_the_attribute_or_the_one_that_is_named)
{
	struct answer a;
	struct lg_ber b;

	some_people();
	sorted_by("sn:caseIgnoreOrderingMatch", true);
	assert_text(names("(uid=p*)", 0, &a), "p4 p2 p3 p1 p5 ");
	b = reply(&a, LG_CONTROL_SORTED);
	cr_assert(a.code == 0 && lg_ber_int(&b, LG_BER_ENUMERATED) == 0);
	sorted_by("-sn:2.5.13.3", true);
	assert_text(names("(uid=p*)", 0, &a), "p5 p1 p3 p2 p4 ");
	sorted_by("sn:caseExactOrderingMatch", true);
	assert_text(names("(uid=p*)", 0, &a), "p3 p1 p5 p4 p2 ");
	sorted_by("-createTimestamp -uid:2.5.13.3", true);
	assert_text(names("(|(uid=p1)(uid=p2))", 0, &a), "p2 p1 ");
}

Test(sort, of_several_values_the_least_counts_and_none_is_the_largest)
{
	struct answer a;

	some_people();
	assert_result(&w, 0, world_modify(&w, "uid=p5," PEOPLE, "add: sn\nsn: aaa\n-\nadd: title\ntitle: b"));
	assert_result(&w, 0, world_modify(&w, "uid=p3," PEOPLE, "add: title\ntitle: a"));
	world_unview(&w);
	sorted_by("sn:2.5.13.3", true);
	assert_text(names("(uid=p*)", 0, &a), "p5 p4 p2 p3 p1 ");
	sorted_by("title:2.5.13.3 sn:2.5.13.3", true);
	assert_text(names("(uid=p*)", 0, &a), "p3 p5 p4 p2 p1 ");
}

Test(sort, a_key_that_may_not_be_searched_orders_nothing)
{
	struct answer a;

	some_people();
	w.deny[w.ndeny++] = (struct denial){ .action = "attribute:search", .attribute = "sn" };
	w.policy++;
	sorted_by("sn:2.5.13.3", true);
	assert_text(names("(uid=p*)", 0, &a), "p1 p2 p3 p4 p5 ");
}

Test(sort, by_so_many_keys_and_no_more)
{
	const char *keys = "sn:2.5.13.3";
	struct answer a;

	some_people();
	for (int n = 1; n < LG_SORT_KEYS; n++)
		keys = lg_print(w.arena, "%s uid:2.5.13.3", keys).p;
	sorted_by(keys, true);
	assert_text(names("(uid=p*)", 0, &a), "p4 p2 p3 p1 p5 ");
	cr_assert_eq(a.code, 0);
	sorted_by(lg_print(w.arena, "%s uid:2.5.13.3", keys).p, true);
	assert_text(names("(uid=p*)", 0, &a), "");
	struct lg_ber b = reply(&a, LG_CONTROL_SORTED);
	cr_assert_eq(lg_ber_int(&b, LG_BER_ENUMERATED), 53);
	cr_assert_eq(a.code, 12);
}

Test(sort, what_cannot_be_sorted_is_refused_or_comes_as_it_is)
{
	static const struct { const char *keys; int why; } bad[] = { { "frob", 16 }, { "sn", 18 }, { "sn:caseIgnoreMatch", 18 }, { "sn:nothing", 18 },
		{ "a b c d e f g h i", 53 } };
	struct answer a;
	struct lg_ber b;

	some_people();
	for (size_t i = 0; i < LG_COUNT(bad); i++) {
		bool many = bad[i].why == 53;
		sorted_by(bad[i].keys, true);
		assert_text(names("(uid=p*)", 0, &a), "");
		b = reply(&a, LG_CONTROL_SORTED);
		int why = (int)lg_ber_int(&b, LG_BER_ENUMERATED);
		cr_assert(a.code == 12 && (many || why == bad[i].why), "%s: %d, %d", bad[i].keys, a.code, why);
		sorted_by(bad[i].keys, false);
		assert_text(names("(uid=p*)", 0, &a), "p1 p2 p3 p4 p5 ");
		b = reply(&a, LG_CONTROL_SORTED);
		cr_assert(a.code == 0 && lg_ber_int(&b, LG_BER_ENUMERATED) != 0);
	}
	with(LG_CONTROL_SORT, false, LG_STR("\x30\x00"));
	names("(uid=p*)", 0, &a);
	cr_assert_eq(a.code, 2);
}

Test(sort, limits_apply_to_the_sorted_list)
{
	struct answer a;

	some_people();
	sorted_by("sn:2.5.13.3", true);
	assert_text(names("(uid=p*)", 2, &a), "p4 p2 ");
	cr_assert_eq(a.code, 4);
}

/* The next page of so many, and the cookie for another; its entries, and a bar. */
static const char *
page(int size, lg_str *cookie)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(4096);
	struct lg_berw bw = lg_berw_of(&b);
	struct lg_ber value;
	struct answer a;
	const char *got;

	lg_berw_open(&bw, LG_BER_SEQUENCE);
	lg_berw_int(&bw, LG_BER_INTEGER, size);
	lg_berw_str(&bw, LG_BER_OCTETS, *cookie);
	lg_berw_close(&bw);
	with(LG_CONTROL_PAGED, true, lg_buf_view(&b));
	got = names("(uid=p*)", 0, &a);
	if (a.code != 0)
		return lg_print(w.arena, "%d", a.code).p;
	value = reply(&a, LG_CONTROL_PAGED);
	lg_ber_int(&value, LG_BER_INTEGER);
	*cookie = lg_ber_str(&value, LG_BER_OCTETS);
	return lg_print(w.arena, "%s|", got).p;
}

Test(sort, pages_follow_the_order)
{
	LG_AUTO(lg_buf_free) struct lg_buf all = LG_BUF(4096);
	lg_str cookie = LG_STR("");

	some_people();
	for (int i = 0; i < 3; i++) {
		sorted_by("sn:2.5.13.3", true);
		lg_buf_str(&all, lg_str_of(page(2, &cookie)));
	}
	cr_assert_eq(cookie.n, 0);
	assert_text(lg_dup(w.arena, lg_buf_view(&all)).p, "p4 p2 |p3 p1 |p5 |");
}

Test(sort, a_page_is_of_the_list_that_it_was_begun_in)
{
	lg_str cookie = LG_STR("");

	some_people();
	sorted_by("sn:2.5.13.3", false);
	assert_text(page(2, &cookie), "p4 p2 |");
	assert_text(page(2, &cookie), "2");
	sorted_by("frob", false);
	assert_text(page(2, &cookie), "2");
	sorted_by("sn:2.5.13.3", false);
	assert_text(page(2, &cookie), "p3 p1 |");
}

/* ---- too much to be sorted ----------------------------------------------------------------------------------------------- */

#define BY_TEXT "-description:caseIgnoreOrderingMatch -uid:2.5.13.3"
enum { LONG = 1000000, MOST = LG_SORT_BYTES / LONG + 1 };

/* p00 to pMOST have keys of more octets than are sorted.  Many entries lead to the same end, and take too long here. */
static void
one_of_many(const char *name)
{
	lg_str text = lg_print(w.arena, "sn: x\ncn: x\ndescription: %0*d", LONG, 7);
	struct lg_entry e;

	assert_ok(&w, world_create(&w, LG_TYPE_USER, name, text.p, &e));
	world_unview(&w);
}

static void
many_octets(void)
{
	for (int i = 0; i <= MOST; i++)
		one_of_many(lg_print(w.arena, "p%02d", i).p);
}

Test(sort, keys_of_so_many_octets_and_no_more)
{
	lg_str in_order = LG_STR(""), last = lg_print(w.arena, "uid=p%02d," PEOPLE, MOST);
	struct answer a;
	struct lg_ber b;

	many_octets();
	for (int i = 0; i <= MOST; i++)
		in_order = lg_print(w.arena, "%.*sp%02d ", LG_FMT(in_order), i);
	sorted_by(BY_TEXT, true);
	assert_text(names("(uid=p*)", 0, &a), "");
	b = reply(&a, LG_CONTROL_SORTED);
	cr_assert(a.code == 12 && lg_ber_int(&b, LG_BER_ENUMERATED) == 11, "%d", a.code);
	sorted_by(BY_TEXT, false);
	assert_text(names("(uid=p*)", 0, &a), in_order.p);
	b = reply(&a, LG_CONTROL_SORTED);
	cr_assert(a.code == 0 && lg_ber_int(&b, LG_BER_ENUMERATED) == 11, "and the answer says why");
	assert_result(&w, 0, world_delete(&w, last.p));
	world_unview(&w);
	sorted_by(BY_TEXT, true);
	cr_assert(strncmp(names("(uid=p*)", 0, &a), lg_print(w.arena, "p%02d p%02d ", MOST - 1, MOST - 2).p, 8) == 0 && a.code == 0);
}

Test(sort, pages_of_what_cannot_be_sorted_come_to_an_end)
{
	lg_str cookie = LG_STR("");

	many_octets();
	sorted_by(BY_TEXT, false);
	assert_text(page(3, &cookie), "p00 p01 p02 |");
	sorted_by(BY_TEXT, false);
	assert_text(page(3, &cookie), "p03 p04 p05 |");
	/* what could be sorted at the beginning and no longer can */
	cookie = LG_STR("");
	assert_result(&w, 0, world_delete(&w, "uid=p00," PEOPLE));
	world_unview(&w);
	sorted_by(BY_TEXT, false);
	assert_text(page(1, &cookie), lg_print(w.arena, "p%02d |", MOST).p);
	one_of_many("p99");
	sorted_by(BY_TEXT, false);
	assert_text(page(1, &cookie), "11");
}

static void
sees(const char *what, int target, int count, int code)
{
	struct answer a;
	struct lg_ber b;
	const char *got;

	sorted_by("sn:2.5.13.3", true);
	got = names("(uid=p*)", 0, &a);
	assert_text(got, what);
	b = reply(&a, LG_CONTROL_VLV_DONE);
	int at = (int)lg_ber_int(&b, LG_BER_INTEGER), n = (int)lg_ber_int(&b, LG_BER_INTEGER), result = (int)lg_ber_int(&b, LG_BER_ENUMERATED);
	cr_assert(a.code == code && at == target && n == count && result == code, "code %d, %d of %d, %d", a.code, at, n, result);
}

Test(sort, windows_by_offset_and_by_value)
{
	some_people();		/* p4 p2 p3 p1 p5 */
	window(0, 1, 1, 0, NULL);
	sees("p4 p2 ", 1, 5, 0);
	window(1, 1, 3, 5, NULL);
	sees("p2 p3 p1 ", 3, 5, 0);
	window(9, 9, 2, 0, NULL);
	sees("p4 p2 p3 p1 p5 ", 2, 5, 0);
	window(0, 0, 100, 100, NULL);
	sees("p5 ", 5, 5, 0);
	window(0, 0, 51, 101, NULL);
	sees("p3 ", 3, 5, 0);
	window(0, 0, 0, 0, "c");
	sees("p3 ", 3, 5, 0);
	window(1, 1, 0, 0, "Charlie");
	sees("p2 p3 p1 ", 3, 5, 0);
	window(2, 2, 0, 0, "zulu");
	sees("p1 p5 ", 6, 5, 0);
}

Test(sort, windows_that_are_refused)
{
	struct answer a;
	struct lg_ber b;

	some_people();
	window(0, 0, 9, 0, NULL);
	sees("", 0, 5, 61);
	window(0, 0, 0, 0, NULL);
	sees("", 0, 5, 61);
	window(0, 0, 1, 0, NULL);
	assert_text(names("(uid=p*)", 0, &a), "");
	b = reply(&a, LG_CONTROL_VLV_DONE);
	cr_assert(a.code == 60 && lg_ber_int(&b, LG_BER_INTEGER) == 0);
	window(-1, 0, 1, 0, NULL);
	sorted_by("sn:2.5.13.3", true);
	names("(uid=p*)", 0, &a);
	cr_assert_eq(a.code, 2);
}

/* ---- what is returned --------------------------------------------------------------------------------------------------------- */

static void
values_of(const char *filters)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(1 << 20), list = LG_BUF(1 << 20);
	struct lg_berw bw = lg_berw_of(&b);
	lg_str word;

	while (lg_word_next(&filters, &word))
		assert_ok(&w, lg_filter_encode(&w.cx, word, &list));
	lg_berw_str(&bw, LG_BER_SEQUENCE, lg_buf_view(&list));
	with(LG_CONTROL_VALUES, true, lg_buf_view(&b));
}

Test(controls, matched_values_leave_the_others_out)
{
	assert_result(&w, 0, world_modify(&w, ALICE, "add: cn\ncn: Alice S\ncn: A Smith\n-\nadd: mail\nmail: a@example.net"));
	world_unview(&w);
	values_of("(cn=alice*)");
	wire_finds(&k, ALICE, 0, "(objectClass=*)", "cn sn mail", ALICE " cn=Alice Smith cn=Alice S\n");
	values_of("(mail=*@example.net) (sn=*)");
	wire_finds(&k, ALICE, 0, "(objectClass=*)", "cn sn mail", ALICE " sn=Smith mail=a@example.net\n");
	values_of("(name=a\\20smith)");
	wire_finds(&k, ALICE, 0, "(objectClass=*)", "cn sn mail", ALICE " cn=A Smith\n");
	values_of("(member=UID=bob,ou=People," SUFFIX ")");
	wire_finds(&k, STAFF, 0, "(objectClass=*)", "member", STAFF "\n");
	values_of("(member=UID=alice,ou=People," SUFFIX ")");
	wire_finds(&k, STAFF, 0, "(objectClass=*)", "member", STAFF " member=" ALICE "\n");
	values_of("(frob=x)");
	wire_finds(&k, ALICE, 0, "(objectClass=*)", "cn", ALICE "\n");
}

Test(controls, matched_values_take_simple_terms_only)
{
	values_of("(!(cn=a))");
	cr_assert_eq(wire_search(&k, ALICE, 0, "(objectClass=*)", "cn", NULL), 2);
	values_of("(cn:dn:=a)");
	cr_assert_eq(wire_search(&k, ALICE, 0, "(objectClass=*)", "cn", NULL), 2);
	with(LG_CONTROL_VALUES, true, LG_STR("\x30\x00"));
	cr_assert_eq(wire_search(&k, ALICE, 0, "(objectClass=*)", "cn", NULL), 2);
}

static void
dereferenced_times(int times, const char *attr, const char *attrs)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(1 << 20);
	struct lg_berw bw = lg_berw_of(&b);
	lg_str word;

	lg_berw_open(&bw, LG_BER_SEQUENCE);
	for (int i = 0; i < times; i++) {
		const char *rest = attrs;
		lg_berw_open(&bw, LG_BER_SEQUENCE);
		lg_berw_str(&bw, LG_BER_OCTETS, lg_str_of(attr));
		lg_berw_open(&bw, LG_BER_SEQUENCE);
		while (lg_word_next(&rest, &word))
			lg_berw_str(&bw, LG_BER_OCTETS, word);
		lg_berw_close(&bw);
		lg_berw_close(&bw);
	}
	lg_berw_close(&bw);
	with(LG_CONTROL_DEREF, false, lg_buf_view(&b));
}

static void
dereferenced(const char *attr, const char *attrs)
{
	dereferenced_times(1, attr, attrs);
}

/* "dn attr=value dn ...": what came along with the first entry. */
static const char *
came_along(const char *base)
{
	LG_AUTO(lg_buf_free) struct lg_buf out = LG_BUF(1 << 20);
	struct answer a;
	struct lg_ber b;

	send_search(&k, 4, base, 0, "(objectClass=*)", "1.1", 0);
	wire_pump(&k);
	cr_assert(wire_next(&k, &a) && a.tag == 0x64);
	if (a.controls.n == 0)
		b = lg_ber_of(LG_NONE);
	else
		b = reply(&a, LG_CONTROL_DEREF);
	while (lg_ber_more(&b)) {
		struct lg_ber one = lg_ber_enter(&b, LG_BER_SEQUENCE), list;
		lg_ber_str(&one, LG_BER_OCTETS);
		lg_str dn = lg_ber_str(&one, LG_BER_OCTETS);
		lg_buf_str(&out, dn);
		list = lg_ber_enter(&one, LG_BER_CONTEXT_SET(0));
		while (lg_ber_more(&list)) {
			struct lg_ber attr = lg_ber_enter(&list, LG_BER_SEQUENCE), set;
			lg_str name = lg_ber_str(&attr, LG_BER_OCTETS), v;
			set = lg_ber_enter(&attr, LG_BER_SET);
			v = lg_ber_str(&set, LG_BER_OCTETS);
			lg_buf_printf(&out, " %.*s=%.*s", LG_FMT(name), LG_FMT(v));
		}
		lg_buf_byte(&out, ';');
	}
	wire_expect(&k, 4, 0x65, 0);
	return lg_dup(w.arena, lg_buf_view(&out)).p;
}

Test(controls, dereferencing_shows_what_a_search_would)
{
	dereferenced("member", "uid cn userPassword");
	assert_text(came_along(STAFF), ALICE " cn=Alice Smith uid=alice;" ADMINS " cn=admins;");
	dereferenced("member", "uid");
	assert_text(came_along(ALICE), "");
	w.deny[w.ndeny++] = (struct denial){ .action = "entry:disclose", .dn = ADMINS };
	w.deny[w.ndeny++] = (struct denial){ .action = "attribute:read", .attribute = "cn", .dn = ALICE };
	w.policy++;
	dereferenced("member", "uid cn");
	assert_text(came_along(STAFF), ALICE " uid=alice;");
	w.deny[w.ndeny++] = (struct denial){ .action = "attribute:read", .attribute = "member" };
	w.policy++;
	dereferenced("member", "uid");
	assert_text(came_along(STAFF), "");
	dereferenced("frob", "uid");
	assert_text(came_along(STAFF), "");
	dereferenced("cn", "uid");
	cr_assert_eq(wire_search(&k, STAFF, 0, "(objectClass=*)", "cn", NULL), 2);
}

Test(controls, so_many_values_are_followed_and_no_more)
{
	struct lg_entry e;
	size_t n = 0;

	assert_ok(&w, world_create(&w, LG_TYPE_GROUP, "all", "", &e));
	for (int i = 0; i <= LG_DEREF_VALUES; i++) {
		const char *name = lg_print(w.arena, "g%d", i).p;
		assert_ok(&w, world_create(&w, LG_TYPE_GROUP, name, "", &e));
		assert_ok(&w, world_member(&w, "cn=all,ou=groups," SUFFIX, lg_print(w.arena, "cn=%s,ou=groups," SUFFIX, name).p, true));
	}
	world_unview(&w);
	dereferenced("member", "cn");
	for (const char *p = came_along("cn=all,ou=groups," SUFFIX); *p != '\0'; p++)
		n += *p == ';';
	cr_assert_eq(n, LG_DEREF_VALUES, "of one more");
}

Test(controls, so_many_attributes_are_followed_and_no_more)
{
	dereferenced_times(LG_DEREF_SPECS, "member", "uid");
	cr_assert_eq(wire_search(&k, STAFF, 0, "(objectClass=*)", "cn", NULL), 0);
	dereferenced_times(LG_DEREF_SPECS + 1, "member", "uid");
	cr_assert_eq(wire_search(&k, STAFF, 0, "(objectClass=*)", "cn", NULL), 11);
}

Test(controls, no_entry_is_a_subentry_or_a_copy)
{
	with(LG_CONTROL_SUBENTRIES, true, LG_STR("\x01\x01\xff"));
	wire_finds(&k, SUFFIX, 2, "(uid=alice)", "1.1", "");
	with(LG_CONTROL_SUBENTRIES, true, lg_str_of("\x01\x01\x00"));
	k.controls = LG_NONE;
	with(LG_CONTROL_SUBENTRIES, true, LG_STR("\x01\x01\x00"));
	wire_finds(&k, SUFFIX, 2, "(uid=alice)", "1.1", ALICE "\n");
	with(LG_CONTROL_NO_COPY, true, LG_NONE);
	wire_finds(&k, SUFFIX, 2, "(uid=alice)", "1.1", ALICE "\n");
}

Test(controls, the_root_names_all_that_are_understood_and_the_others_are_refused)
{
	const char *got;
	lg_str oid;

	cr_assert_eq(wire_search(&k, "", 0, "(objectClass=*)", "supportedControl", &got), 0);
	for (size_t i = 0; lg_control_oid(i, &oid); i++)
		cr_assert_not_null(strstr(got, lg_print(w.arena, "supportedControl=%.*s", LG_FMT(oid)).p));
	with("1.2.3.4", true, LG_NONE);
	cr_assert_eq(wire_search(&k, ALICE, 0, "(objectClass=*)", "cn", NULL), 12);
	with(LG_CONTROL_TREE_DELETE, true, LG_NONE);	/* no control of a search */
	cr_assert_eq(wire_search(&k, ALICE, 0, "(objectClass=*)", "cn", NULL), 12);
	with(LG_CONTROL_TREE_DELETE, false, LG_NONE);
	cr_assert_eq(wire_search(&k, ALICE, 0, "(objectClass=*)", "cn", NULL), 0);
}

/* ---- proxied authorization ----------------------------------------------------------------------------------------------------- */

static const char *
who_as(const char *authzid, int code)
{
	struct answer a;

	with(LG_CONTROL_PROXIED, true, lg_str_of(authzid));
	send_extended(&k, 5, "1.3.6.1.4.1.4203.1.11.3", LG_NONE);
	wire_pump(&k);
	a = wire_expect(&k, 5, 0x78, code);
	return lg_dup(w.arena, a.value).p;
}

Test(proxy, one_operation_is_done_as_somebody_else)
{
	cr_assert_eq(wire_bind(&k, ALICE, "secret"), 0);
	assert_text(who_as("dn:" BOB, 0), "dn:" BOB);
	assert_text(who_as("u:bob", 0), "dn:" BOB);
	assert_text(who_as("", 0), "");
	send_extended(&k, 6, "1.3.6.1.4.1.4203.1.11.3", LG_NONE);
	wire_pump(&k);
	cr_assert(lg_str_eq(wire_expect(&k, 6, 0x78, 0).value, LG_STR("dn:" ALICE)));
	with(LG_CONTROL_PROXIED, true, LG_STR("dn:" BOB));
	send_modify(&k, 7, ALICE, 2, "title", "Dr");
	wire_pump(&k);
	wire_expect(&k, 7, 0x67, 0);
	wire_finds(&k, ALICE, 0, "(objectClass=*)", "modifiersName", ALICE " modifiersName=" BOB "\n");
}

struct seen {
	lg_str actor, detail;
};

static bool
newest(void *arg, const struct lg_change *c)
{
	struct seen *s = arg;

	s->actor = lg_dup(w.arena, c->actor_name);
	s->detail = lg_dup(w.arena, c->detail);
	return false;
}

Test(proxy, the_record_names_both)
{
	struct seen s = { LG_NONE, LG_NONE };
	struct lg_view *v;

	cr_assert_eq(wire_bind(&k, ALICE, "secret"), 0);
	with(LG_CONTROL_PROXIED, true, LG_STR("dn:" BOB));
	send_modify(&k, 7, BOB, 2, "title", "Dr");
	wire_pump(&k);
	wire_expect(&k, 7, 0x67, 0);
	assert_ok(&w, lg_view_begin(&w.cx, w.store, &v));
	assert_ok(&w, lg_changes(&w.cx, v, 1, 0, newest, &s));
	lg_view_end(&v);
	assert_text(s.actor.p, "bob");
	cr_assert_not_null(strstr(s.detail.p, "\"asked_by\":\"alice\""), "%s", s.detail.p);
}

Test(proxy, policy_says_who_may_be_assumed_and_by_whom)
{
	who_as("dn:" BOB, 123);			/* anonymous */
	cr_assert_eq(wire_bind(&k, ALICE, "secret"), 0);
	who_as("dn:uid=nobody,ou=people," SUFFIX, 123);
	who_as("dn:frob", 123);
	who_as("frob", 123);
	w.deny[w.ndeny++] = (struct denial){ .action = "entry:act_as", .dn = BOB };
	w.policy++;
	who_as("dn:" BOB, 123);
	assert_text(who_as("dn:" ALICE, 0), "dn:" ALICE);
	assert_result(&w, 0, world_modify(&w, BOB, "add: lgEnabled\nlgEnabled: FALSE"));
	w.ndeny = 0;
	who_as("dn:" BOB, 123);
}

Test(proxy, it_must_be_critical_and_goes_with_no_bind)
{
	struct answer a;

	cr_assert_eq(wire_bind(&k, ALICE, "secret"), 0);
	with(LG_CONTROL_PROXIED, false, LG_STR("dn:" BOB));
	send_compare(&k, 1, ALICE, "sn", "Smith");
	wire_pump(&k);
	wire_expect(&k, 1, 0x6f, 2);
	with(LG_CONTROL_PROXIED, true, LG_STR("dn:" BOB));
	send_bind(&k, 2, ALICE, "secret");
	wire_pump(&k);
	a = wire_expect(&k, 2, 0x61, 12);
	cr_assert_eq(a.code, 12);
}

/* ---- subtree delete -------------------------------------------------------------------------------------------------------------- */

static int
fell(const char *dn)
{
	struct answer a;

	with(LG_CONTROL_TREE_DELETE, true, LG_NONE);
	send_delete(&k, 8, dn);
	wire_pump(&k);
	cr_assert(wire_next(&k, &a) && a.tag == 0x6b);
	return a.code;
}

static void
plant(void)
{
	assert_result(&w, 0, world_add(&w, "ou=a," SUFFIX, "objectClass: organizationalUnit\nou: a"));
	assert_result(&w, 0, world_add(&w, "ou=b,ou=a," SUFFIX, "objectClass: organizationalUnit\nou: b"));
	assert_result(&w, 0, world_add(&w, "ou=c,ou=a," SUFFIX, "objectClass: organizationalUnit\nou: c"));
	assert_result(&w, 0, world_add(&w, "ou=d,ou=b,ou=a," SUFFIX, "objectClass: organizationalUnit\nou: d"));
}

Test(tree, all_of_it_goes_in_one_change)
{
	plant();
	cr_assert_eq(wire_bind(&k, ALICE, "secret"), 0);
	cr_assert_eq(fell("ou=a," SUFFIX), 0);
	cr_assert_not(world_has(&w, "ou=d,ou=b,ou=a," SUFFIX));
	cr_assert_not(world_has(&w, "ou=a," SUFFIX));
	cr_assert_eq(fell("ou=a," SUFFIX), 32);
}

Test(tree, one_that_may_not_be_deleted_keeps_all)
{
	plant();
	w.deny[w.ndeny++] = (struct denial){ .action = "entry:delete", .dn = "ou=d,ou=b,ou=a," SUFFIX };
	w.policy++;
	cr_assert_eq(fell("ou=a," SUFFIX), 50);
	cr_assert(world_has(&w, "ou=c,ou=a," SUFFIX));
	cr_assert_eq(fell("ou=c,ou=a," SUFFIX), 0);
	cr_assert_eq(fell(SUFFIX), 50);
}

Test(tree, without_the_control_only_leaves_go)
{
	plant();
	send_delete(&k, 1, "ou=a," SUFFIX);
	wire_pump(&k);
	wire_expect(&k, 1, 0x6b, 66);
}

/* ---- relax (draft-zeilenga-ldap-relax-03) ------------------------------------------------------------------------------------ */

#define OLD_ID "0f8fad5b-d9cb-469f-a165-70867728950e"

static int
relaxed_add(const char *dn, const char *ldif, bool critical)
{
	struct answer a;

	with(LG_CONTROL_RELAX, critical, LG_NONE);
	send_add(&k, 50, dn, ldif);
	wire_pump(&k);
	cr_assert(wire_next(&k, &a));
	return a.code;
}

#define DEVICE "objectClass: device\ncn: old\n"

Test(controls, relax_lets_an_entry_keep_what_it_had_elsewhere)
{
	const char *text;

	cr_assert_eq(wire_bind(&k, ALICE, "secret"), 0);
	cr_assert_eq(relaxed_add("cn=old," SUFFIX, DEVICE "entryUUID: " OLD_ID "\ncreateTimestamp: 20200102030405Z\ncreatorsName: " BOB
	    "\nstructuralObjectClass: device", true), 0);
	wire_finds(&k, "cn=old," SUFFIX, 0, "(entryUUID=" OLD_ID ")", "entryUUID createTimestamp creatorsName structuralObjectClass",
	    "cn=old," SUFFIX " createTimestamp=20200102030405Z creatorsName=" BOB " structuralObjectClass=device entryUUID=" OLD_ID "\n");
	cr_assert_eq(wire_search(&k, "cn=old," SUFFIX, 0, "(modifyTimestamp>=20260101000000Z)", "modifiersName", &text), 0);
	assert_text(text, "cn=old," SUFFIX " modifiersName=" ALICE "\n");
	cr_assert_eq(wire_search(&k, SUFFIX, 2, "(entryUUID=" OLD_ID ")", "1.1", &text), 0);
	assert_text(text, "cn=old," SUFFIX "\n");
}

Test(controls, relax_takes_only_what_can_be)
{
	cr_assert_eq(wire_bind(&k, ALICE, "secret"), 0);
	cr_assert_eq(relaxed_add("cn=old," SUFFIX, DEVICE "entryUUID: " OLD_ID, true), 0);
	cr_assert_eq(relaxed_add("cn=new," SUFFIX, DEVICE "entryUUID: " OLD_ID, true), 19, "another entry's");
	cr_assert_eq(relaxed_add("cn=new," SUFFIX, DEVICE "entryUUID: 00000000-0000-0000-0000-000000000000", true), 19);
	cr_assert_eq(relaxed_add("cn=new," SUFFIX, DEVICE "createTimestamp: 29990102030405Z", true), 19, "of the future");
	cr_assert_eq(relaxed_add("cn=new," SUFFIX, DEVICE "creatorsName: cn=nobody," SUFFIX, true), 19);
	cr_assert_eq(relaxed_add("cn=new," SUFFIX, DEVICE "structuralObjectClass: person", true), 65);
	cr_assert_eq(relaxed_add("cn=new," SUFFIX, DEVICE "entryCSN: 20200102030405.000000Z#000000#000#000000", true), 19);
	cr_assert_eq(relaxed_add("cn=new," SUFFIX, DEVICE "memberOf: cn=staff,ou=groups," SUFFIX, true), 19);
	cr_assert_eq(relaxed_add("cn=new," SUFFIX, DEVICE "description: x", false), 2, "it must be critical");
	with(LG_CONTROL_RELAX, true, LG_NONE);
	send_delete(&k, 51, ALICE);
	wire_pump(&k);
	wire_expect(&k, 51, 0x6b, 12);
}

static int
relaxed_modify(const char *dn, int kind, const char *attribute, const char *value)
{
	struct answer a;

	with(LG_CONTROL_RELAX, true, LG_NONE);
	send_modify(&k, 53, dn, kind, attribute, value);
	wire_pump(&k);
	cr_assert(wire_next(&k, &a));
	return a.code;
}

#define OLD "cn=old," SUFFIX

Test(controls, relax_mends_what_an_entry_is_said_to_have_been)
{
	cr_assert_eq(wire_bind(&k, ALICE, "secret"), 0);
	assert_result(&w, 0, world_add(&w, OLD, DEVICE "description: x"));
	cr_assert_eq(relaxed_modify(OLD, 2, "entryUUID", OLD_ID), 0);
	cr_assert_eq(relaxed_modify(OLD, 2, "createTimestamp", "20200102030405Z"), 0);
	cr_assert_eq(relaxed_modify(OLD, 2, "creatorsName", BOB), 0);
	cr_assert_eq(relaxed_modify(OLD, 2, "modifyTimestamp", "20210102030405Z"), 0);
	wire_finds(&k, OLD, 0, "(entryUUID=" OLD_ID ")", "entryUUID createTimestamp creatorsName modifyTimestamp modifiersName",
	    OLD " createTimestamp=20200102030405Z modifyTimestamp=20210102030405Z creatorsName=" BOB " modifiersName=" ALICE
	    " entryUUID=" OLD_ID "\n");
	cr_assert_eq(relaxed_modify(OLD, 2, "modifiersName", BOB), 0);
	cr_assert_eq(relaxed_modify(OLD, 2, "structuralObjectClass", "device"), 0);
	cr_assert_eq(relaxed_modify(OLD, 2, "description", "y"), 0);
	wire_finds(&k, OLD, 0, "(description=y)", "modifiersName", OLD " modifiersName=" ALICE "\n");
}

Test(controls, relax_mends_nothing_that_could_not_have_been)
{
	cr_assert_eq(wire_bind(&k, ALICE, "secret"), 0);
	assert_result(&w, 0, world_add(&w, OLD, DEVICE "description: x"));
	cr_assert_eq(relaxed_modify(OLD, 2, "entryUUID", "00000000-0000-0000-0000-000000000000"), 19);
	cr_assert_eq(relaxed_modify(OLD, 1, "entryUUID", NULL), 19, "every entry has one");
	cr_assert_eq(relaxed_modify(OLD, 0, "createTimestamp", "20200102030405Z"), 19, "and one alone");
	cr_assert_eq(relaxed_modify(OLD, 2, "createTimestamp", "29990102030405Z"), 19);
	cr_assert_eq(relaxed_modify(OLD, 2, "modifyTimestamp", "20000102030405Z"), 19, "before it was made");
	cr_assert_eq(relaxed_modify(OLD, 2, "structuralObjectClass", "person"), 65);
	cr_assert_eq(relaxed_modify(OLD, 2, "memberOf", "cn=staff,ou=groups," SUFFIX), 19);
	cr_assert_eq(relaxed_modify(BOB, 2, "entryUUID", OLD_ID), 53, "his password is sealed for who he is");
	w.deny[w.ndeny++] = (struct denial){ "entry:relax", NULL, NULL, NULL };
	cr_assert_eq(relaxed_modify(OLD, 2, "entryUUID", OLD_ID), 50);
	cr_assert_eq(relaxed_modify(OLD, 2, "description", "y"), 50);
}

Test(controls, relax_makes_an_entry_one_of_another_structural_class)
{
	unsigned taken, ended;

	cr_assert_eq(wire_bind(&k, ALICE, "secret"), 0);
	assert_result(&w, 0, world_add(&w, "cn=eve," SUFFIX, "objectClass: person\ncn: eve\nsn: E"));
	assert_result(&w, 0, world_add(&w, OLD, DEVICE "description: x"));
	assert_result(&w, 0, world_add(&w, "cn=crew," SUFFIX, "objectClass: groupOfNames\ncn: crew\nmember: " BOB));
	assert_result(&w, 69, world_modify(&w, "cn=eve," SUFFIX, "replace: objectClass\nobjectClass: device"));
	cr_assert_eq(relaxed_modify("cn=eve," SUFFIX, 2, "objectClass", "device"), 65, "a device has no sn");
	cr_assert_eq(relaxed_modify("cn=crew," SUFFIX, 2, "objectClass", "device"), 65, "nor members");
	cr_assert_eq(relaxed_modify("cn=crew," SUFFIX, 2, "objectClass", "lgGroup"), 0);
	cr_assert_eq(relaxed_modify("cn=eve," SUFFIX, 2, "objectClass", "inetOrgPerson"), 0);
	wire_finds(&k, "cn=eve," SUFFIX, 0, "(objectClass=inetOrgPerson)", "structuralObjectClass", "cn=eve," SUFFIX
	    " structuralObjectClass=inetOrgPerson\n");
	taken = w.taken;
	ended = w.ended;
	cr_assert_eq(relaxed_modify(OLD, 2, "objectClass", "lgService"), 0);
	cr_assert(world_entry(&w, OLD).type == LG_TYPE_SERVICE);
	cr_assert_gt(w.taken, taken);
	cr_assert_gt(w.ended, ended, "what was obtained as something else");
}

Test(controls, relax_is_a_right_of_its_own)
{
	cr_assert_eq(wire_bind(&k, ALICE, "secret"), 0);
	w.deny[w.ndeny++] = (struct denial){ "entry:relax", NULL, NULL, NULL };
	cr_assert_eq(relaxed_add("cn=old," SUFFIX, DEVICE "description: x", true), 50);
	send_add(&k, 52, "cn=old," SUFFIX, DEVICE "entryUUID: " OLD_ID);
	wire_pump(&k);
	wire_expect(&k, 52, 0x69, 19);
}
