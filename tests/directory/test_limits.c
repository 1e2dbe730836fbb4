/* test_limits.c: what clients can make grow has an end, and says so; large sets stay right and quick. */
#include "base/clock.h"
#include "directory/conn.h"
#include "directory/controls.h"
#include "directory/plan.h"
#include "tests/directory/wired.h"


TestSuite(limits, .init = start, .fini = end);
TestSuite(plan, .init = start, .fini = end);

struct many {
	int from, to;
	bool users;			/* else groups that hold alice */
};

static lg_err
make_many(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	const struct many *m = arg;
	lg_str alice = LG_STR(ALICE), sn;

	for (int i = m->from; i < m->to; i++) {
		struct lg_edit ed = lg_edit_of(w.dirp, v, 1);
		struct lg_values values = { LG_STR("member"), &alice, 1 };
		struct lg_entry e;
		if (m->users) {
			sn = lg_print(cx->arena, "Row%d", i % 100);
			values = (struct lg_values){ LG_STR("sn"), &sn, 1 };
		}
		LG_TRY(lg_entry_create(cx, &ed, m->users ? LG_TYPE_USER : LG_TYPE_GROUP, lg_print(cx->arena, "n%d", i), &values, 1, &e));
	}
	return LG_OK;
}

static void
many(bool users, int n)
{
	world_unview(&w);
	for (int i = 0; i < n; i += 500) {
		struct many m = { i, i + 500 > n ? n : i + 500, users };
		assert_ok(&w, lg_store_apply(&w.cx, w.store, 1, "test", make_many, &m, NULL));
	}
}

Test(limits, groups_of_one_entry)
{
	struct lg_entry e;
	uint64_t *ids;
	size_t n;

	many(false, LG_GROUPS_MAX - 1);		/* and staff */
	e = world_entry(&w, ALICE);
	assert_ok(&w, lg_entry_groups(&w.cx, world_view, &e, true, &ids, &n));
	cr_assert_eq(n, LG_GROUPS_MAX);
	for (size_t i = 1; i < n; i++)
		cr_assert_lt(ids[i - 1], ids[i]);
	assert_ok(&w, world_create(&w, LG_TYPE_GROUP, "onemore", "member: " ALICE, &e));
	e = world_entry(&w, ALICE);
	assert_err(&w, LG_E_LIMIT, lg_entry_groups(&w.cx, world_view, &e, true, &ids, &n));
}

static int
modify_values(size_t n, size_t size, const char *attribute)
{
	struct lg_buf out = LG_BUF(64u << 20);
	struct lg_berw b = lg_berw_of(&out);
	struct answer a;

	lg_berw_open(&b, LG_BER_SEQUENCE);
	lg_berw_int(&b, LG_BER_INTEGER, 1);
	lg_berw_open(&b, 0x66);
	lg_berw_str(&b, LG_BER_OCTETS, LG_STR(BOB));
	lg_berw_open(&b, LG_BER_SEQUENCE);
	lg_berw_open(&b, LG_BER_SEQUENCE);
	lg_berw_int(&b, LG_BER_ENUMERATED, 2);
	lg_berw_open(&b, LG_BER_SEQUENCE);
	lg_berw_str(&b, LG_BER_OCTETS, lg_str_of(attribute));
	lg_berw_open(&b, LG_BER_SET);
	for (size_t i = 0; i < n; i++)
		lg_berw_str(&b, LG_BER_OCTETS, lg_print(w.arena, "%0*zu", (int)size, i));
	for (int i = 0; i < 6; i++)
		lg_berw_close(&b);
	lg_ldap_feed(k.c, lg_buf_view(&out));
	lg_buf_free(&out);
	wire_pump(&k);
	cr_assert(wire_next(&k, &a));
	return a.code;
}

Test(limits, values_and_octets_of_one_entry)
{
	cr_assert_eq(wire_bind(&k, ALICE, "secret"), 0);
	cr_assert_eq(modify_values(LG_ENTRY_VALUES - 20, 5, "description"), 0);
	cr_assert_eq(modify_values(LG_ENTRY_VALUES + 1, 5, "description"), 11);
	cr_assert_eq(modify_values(100, LG_ENTRY_BYTES / 100, "description"), 11);
	cr_assert_eq(modify_values(1, 100, "description"), 0);
}

Test(limits, controls_of_one_request)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(4096);

	for (int i = 0; i < LG_LDAP_CONTROLS; i++)
		lg_buf_str(&b, LG_STR("\x30\x05\x04\x03" "1.2"));
	k.controls = lg_buf_view(&b);
	send_search(&k, 1, ALICE, 0, "(objectClass=*)", "1.1", 0);
	wire_pump(&k);
	wire_expect(&k, 1, 0x64, 0);
	wire_expect(&k, 1, 0x65, 0);
	lg_buf_str(&b, LG_STR("\x30\x05\x04\x03" "1.2"));
	k.controls = lg_buf_view(&b);
	send_search(&k, 2, ALICE, 0, "(objectClass=*)", "1.1", 0);
	wire_pump(&k);
	wire_expect(&k, 2, 0x65, 11);
}

Test(limits, pages_of_lists)
{
	struct lg_entry *list;
	size_t n;
	bool more;

	many(true, LG_LIST_MAX + 10);
	world_entry(&w, ALICE);
	assert_ok(&w, lg_entry_list(&w.cx, world_view, 1, LG_TYPE_USER, LG_STR("n"), LG_STR(""), 1000000, &list, &n, &more));
	cr_assert(n == LG_LIST_MAX && more);
	assert_ok(&w, lg_entry_list(&w.cx, world_view, 1, LG_TYPE_USER, LG_STR("n"), list[n - 1].name, 1000000, &list, &n, &more));
	cr_assert(n == 10 && !more);
}

/* ---- many at once ----------------------------------------------------------------------------------------------------- */

Test(limits, binds_in_one_write)
{
	for (int32_t id = 1; id <= 20; id++)
		send_bind(&k, id, ALICE, "secret");
	wire_pump(&k);
	for (int32_t id = 1; id <= 20; id++)
		wire_expect(&k, id, 0x61, 0);
	wire_quiet(&k);
}

/* A search whose filter is these octets. */
static int
search_by(lg_str filter)
{
	LG_AUTO(lg_buf_free) struct lg_buf out = LG_BUF(2 << 20);
	struct lg_berw b = lg_berw_of(&out);
	struct answer a = { .code = -1 };

	lg_berw_open(&b, LG_BER_SEQUENCE);
	lg_berw_int(&b, LG_BER_INTEGER, 1);
	lg_berw_open(&b, 0x63);
	lg_berw_str(&b, LG_BER_OCTETS, LG_STR(SUFFIX));
	lg_berw_int(&b, LG_BER_ENUMERATED, 2);
	lg_berw_int(&b, LG_BER_ENUMERATED, 0);
	lg_berw_int(&b, LG_BER_INTEGER, 0);
	lg_berw_int(&b, LG_BER_INTEGER, 0);
	lg_berw_bool(&b, LG_BER_BOOLEAN, false);
	lg_buf_str(&out, filter);
	lg_berw_open(&b, LG_BER_SEQUENCE);
	lg_berw_close(&b);
	lg_berw_close(&b);
	lg_berw_close(&b);
	lg_ldap_feed(k.c, lg_buf_view(&out));
	wire_pump(&k);
	while (wire_next(&k, &a) && a.tag == 0x64)
		;
	return a.code;
}

/* "(|(uid=a00001)...)" with n terms */
static lg_str
one_of(int n)
{
	struct lg_buf b = LG_BUF(2 << 20), all = LG_BUF(2 << 20);
	struct lg_berw bw = lg_berw_of(&b), aw = lg_berw_of(&all);
	lg_str s;

	for (int i = 0; i < n; i++) {
		lg_berw_open(&bw, 0xa3);
		lg_berw_str(&bw, LG_BER_OCTETS, LG_STR("uid"));
		lg_berw_str(&bw, LG_BER_OCTETS, lg_print(w.arena, "a%05d", i));
		lg_berw_close(&bw);
	}
	lg_berw_str(&aw, 0xa1, lg_buf_view(&b));
	s = lg_dup(w.arena, lg_buf_view(&all));
	lg_buf_free(&b);
	lg_buf_free(&all);
	return s;
}

Test(limits, terms_of_a_filter)
{
	cr_assert_eq(wire_bind(&k, ALICE, "secret"), 0);
	cr_assert_eq(search_by(one_of(LG_FILTER_TERMS - 1)), 0);
	cr_assert_eq(search_by(one_of(18000)), 11);
	cr_assert_eq(search_by(one_of(1)), 0, "and the connection goes on");
}

Test(limits, a_large_filter_of_somebody_unknown_is_not_read)
{
	cr_assert_eq(search_by(one_of(18000)), 2);
	cr_assert((k.wants & LG_LDAP_CLOSE) != 0);
}

Test(limits, depth_of_a_filter)
{
	lg_str f = LG_STR("\x87\x02" "cn");

	for (int depth = 1; depth <= 1001; depth++) {
		struct lg_buf b = LG_BUF(1 << 20);
		struct lg_berw bw = lg_berw_of(&b);
		lg_berw_str(&bw, 0xa2, f);
		f = lg_dup(w.arena, lg_buf_view(&b));
		lg_buf_free(&b);
		if (depth == LG_FILTER_DEPTH - 1)
			cr_assert_eq(search_by(f), 0);
	}
	cr_assert_eq(search_by(f), 11);
	cr_assert_eq(search_by(LG_STR("\x87\x02" "cn")), 0);
}

/* A length of four gigabytes, and a client that then says nothing: what it claims is not reserved. */
Test(limits, claimed_lengths_cost_nothing)
{
	wire_feed(&k, LG_STR("\x30\x83\x03\xff\xff"));
	cr_assert((k.wants & LG_LDAP_READ) != 0);
	cr_assert_leq(k.c->in.size, 1024u);
	wire_reconnect(&k);
	wire_feed(&k, LG_STR("\x30\x84\xff\xff\xff\xff"));
	wire_expect(&k, 0, 0x78, 2);
	cr_assert((k.wants & LG_LDAP_CLOSE) != 0);
}

/* All of it in one mutation, which has room for them. */
Test(limits, entries_below_one_that_goes_with_them)
{
	lg_str tree = LG_STR("\x30\x1b\x04\x16" LG_CONTROL_TREE_DELETE "\x01\x01\xff");

	cr_assert_eq(wire_bind(&k, ALICE, "secret"), 0);
	many(true, LG_TREE_DELETE - 1);
	k.controls = tree;
	send_delete(&k, 1, PEOPLE);
	wire_pump(&k);
	wire_expect(&k, 1, 0x6b, 11);
	cr_assert(world_has(&w, "uid=n0," PEOPLE));
	assert_result(&w, 0, world_delete(&w, "uid=n0," PEOPLE));
	world_unview(&w);
	k.controls = tree;
	send_delete(&k, 2, PEOPLE);
	wire_pump(&k);
	wire_expect(&k, 2, 0x6b, 0);
	cr_assert_not(world_has(&w, PEOPLE));
}

/* ---- plans ------------------------------------------------------------------------------------------------------------ */

/* A double negation says the same and is answered by walking all entries. */
Test(plan, every_source_finds_what_a_walk_finds)
{
	static const char *const filters[] = {
		"(uid=n7)", "(sn=row7)", "(sn=row1*)", "(sn=row*)", "(&(objectClass=person)(sn=row5))", "(&(sn=row*)(uid=n5*))", "(|(sn=row3)(sn=row4)(uid=alice))",
		"(|(sn=row3)(memberOf=cn=staff,ou=groups," SUFFIX "))", "(&(objectClass=*)(sn=row9))", "(objectClass=inetOrgPerson)", "(objectClass=lgGroup)",
		"(&(objectClass=inetOrgPerson)(objectClass=person))", "(&(|(uid=n1)(uid=n2))(|(uid=n2)(uid=n3)))", "(&)", "(|)", "(&(frob=x)(uid=n1))",
		"(uid=n*9)", "(mail=*)", "(member:1.2.840.113556.1.4.1941:=" BOB ")", "(member=cn=admins,ou=groups," SUFFIX ")", "(cn=N1 *)",
	};

	many(true, 600);
	for (size_t i = 0; i < LG_COUNT(filters); i++) {
		const char *direct, *walked, *twice = lg_print(w.arena, "(!(!%s))", filters[i]).p;
		for (int scope = 1; scope <= 3; scope++) {
			cr_assert_eq(wire_search(&k, "ou=people," SUFFIX, scope, filters[i], "1.1", &direct), 0);
			cr_assert_eq(wire_search(&k, "ou=people," SUFFIX, scope, twice, "1.1", &walked), 0);
			cr_assert_str_eq(direct, walked, "%s, scope %d: %zu and %zu octets", filters[i], scope, strlen(direct), strlen(walked));
		}
		cr_assert_eq(wire_search(&k, SUFFIX, 2, filters[i], "1.1", &direct), 0);
		cr_assert_eq(wire_search(&k, SUFFIX, 2, twice, "1.1", &walked), 0);
		cr_assert_str_eq(direct, walked, "%s", filters[i]);
	}
}

Test(plan, an_assertion_may_ask_the_names_of_an_entry)
{
	const char *got;

	cr_assert_eq(wire_search(&k, SUFFIX, 2, "(&(uid=alice)(ou:dn:=people))", "1.1", &got), 0);
	assert_text(got, ALICE "\n");
	cr_assert_eq(wire_search(&k, SUFFIX, 2, "(&(uid=alice)(ou:dn:=groups))", "1.1", &got), 0);
	assert_text(got, "");
	cr_assert_eq(wire_search(&k, SUFFIX, 2, "(&(uid=alice)(:dn:caseIgnoreMatch:=PEOPLE))", "1.1", &got), 0);
	assert_text(got, ALICE "\n");
}

static struct lg_plan
plan(const char *filter, enum lg_scope scope)
{
	struct lg_entry base = world_entry(&w, "ou=people," SUFFIX);
	struct lg_filter *f;
	struct lg_plan p;

	assert_ok(&w, lg_filter_parse(&w.cx, lg_str_of(filter), &f));
	assert_ok(&w, lg_plan_make(&w.cx, world_view, f, scope, &base, &p));
	return p;
}

Test(plan, the_narrowest_source_is_taken)
{
	struct lg_plan p;

	many(true, 600);
	p = plan("(&(objectClass=person)(uid=n5))", LG_SCOPE_SUBTREE);
	cr_assert(p.source == LG_SOURCE_PREFIX && p.estimate == 1);
	p = plan("(&(objectClass=person)(sn=row5)(description=*))", LG_SCOPE_SUBTREE);
	cr_assert(p.source == LG_SOURCE_PREFIX && p.estimate < LG_PLAN_FEW);
	p = plan("(&(objectClass=person)(objectClass=lgAccount))", LG_SCOPE_SUBTREE);
	cr_assert(p.source == LG_SOURCE_PREFIX && p.estimate == LG_PLAN_COUNT);
	p = plan("(|(uid=n1)(uid=n2))", LG_SCOPE_SUBTREE);
	cr_assert(p.source == LG_SOURCE_LIST && p.n == 2);
	p = plan("(|(uid=n1)(description=x))", LG_SCOPE_SUBTREE);
	cr_assert_eq(p.source, LG_SOURCE_ALL);
	p = plan("(description=x)", LG_SCOPE_ONE);
	cr_assert(p.source == LG_SOURCE_LIST && p.n == 602);
	p = plan("(frob=x)", LG_SCOPE_SUBTREE);
	cr_assert(p.source == LG_SOURCE_LIST && p.n == 0);
	p = plan("(sn=row1*)", LG_SCOPE_SUBTREE);
	cr_assert(p.source == LG_SOURCE_LIST && p.n == 66);
}

/* ---- what reading many costs ------------------------------------------------------------------------------------------ */

Test(limits, decisions_do_not_grow_with_the_entries_that_are_read)
{
	const char *text;
	unsigned few, lots;

	cr_assert_eq(wire_bind(&k, ALICE, "secret"), 0);
	w.asked = 0;
	cr_assert_eq(wire_search(&k, SUFFIX, 2, "(sn=*)", "* +", &text), 0);
	few = w.asked;
	many(true, 1000);
	w.asked = 0;
	cr_assert_eq(wire_search(&k, SUFFIX, 2, "(sn=*)", "* +", &text), 0);
	lots = w.asked;
	cr_assert_gt(strlen(text), 100000u, "they are all there");
	cr_assert_leq(lots, few + 32, "%u questions for 1,000 entries, %u for two", lots, few);
}
