/* test_indexes.c: indexes chosen while the service runs: built in steps, resumed, used only when complete, equal to a rebuild. */
#include "directory/entry.h"
#include "directory/filter.h"
#include "directory/find.h"
#include "directory/indexes.h"
#include "directory/plan.h"
#include "tests/directory/wire.h"

#include <stdio.h>

enum { PEOPLE = 1200 };

static struct world w;

static void
start(void)
{
	world_start(&w);
	for (int i = 0; i < PEOPLE; i++) {
		char name[32], ldif[200];
		snprintf(name, sizeof name, "u%d", i);
		snprintf(ldif, sizeof ldif, "employeeNumber: %d\ndescription: this is number %d of many%s", i, i, i % 100 == 7 ? "\ncarLicense: KA-07" : "");
		struct lg_entry e;
		assert_ok(&w, world_create(&w, LG_TYPE_USER, name, ldif, &e));
	}
}

static void
end(void)
{
	world_end(&w);
}

TestSuite(indexes, .init = start, .fini = end);

struct choice {
	const char *attribute, *kind;
	bool on;
};

static lg_err
choose_one(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	struct lg_edit ed = lg_edit_of(w.dirp, v, 1);
	struct choice *c = arg;

	return lg_index_choose(cx, &ed, lg_str_of(c->attribute), lg_str_of(c->kind), c->on);
}

static lg_err
choose(const char *attribute, const char *kind, bool on)
{
	world_unview(&w);
	return lg_store_apply(&w.cx, w.store, 1, "test", choose_one, &(struct choice){ attribute, kind, on }, NULL);
}

static unsigned
build(unsigned most)
{
	bool more = true;
	unsigned steps = 0;

	world_unview(&w);
	for (; more && steps < most; steps++)
		assert_ok(&w, lg_index_work(&w.cx, w.dirp, &more));
	return steps;
}

static const char *
planned(const char *filter)
{
	static const char *const names[] = { "all", "prefix", "list" };
	struct lg_entry base = world_entry(&w, SUFFIX);
	struct lg_filter *f;
	struct lg_plan plan;

	assert_ok(&w, lg_filter_parse(&w.cx, lg_str_of(filter), &f));
	assert_ok(&w, lg_plan_make(&w.cx, world_view, f, LG_SCOPE_SUBTREE, &base, &plan));
	return lg_print(w.arena, "%s %zu", names[plan.source], plan.source == LG_SOURCE_ALL ? 0 : plan.estimate).p;
}

static void
check_store(void)
{
	uint64_t rows, faults;

	world_unview(&w);
	assert_ok(&w, lg_store_check(&w.cx, w.store, &rows, &faults));
	cr_assert_eq(faults, 0, "%llu faults", (unsigned long long)faults);
}

#define assert_planned(want, filter) do { \
		const char *got_ = planned(filter); \
		cr_assert_str_eq(got_, (want), "%s: %s", filter, got_); \
	} while (0)

Test(indexes, each_kind_is_used_when_it_is_complete)
{
	assert_planned("all 0", "(employeeNumber=77)");
	assert_ok(&w, choose("employeeNumber", "equality", true));
	assert_planned("all 0", "(employeeNumber=77)");
	cr_assert_gt(build(1000), 2, "in steps");
	assert_planned("prefix 1", "(employeeNumber=77)");
	assert_planned("all 0", "(carLicense=*)");
	assert_ok(&w, choose("carLicense", "presence", true));
	assert_ok(&w, choose("description", "substring", true));
	build(1000);
	assert_planned("prefix 12", "(carLicense=*)");
	assert_planned("list 1", "(description=*number 777 of*)");
	assert_planned("prefix 12", "(&(description=*many*)(carLicense=*))");
	check_store();
}

Test(indexes, values_in_order_are_a_range)
{
	assert_ok(&w, choose("employeeNumber", "ordering", true));
	build(1000);
	assert_planned("prefix 1", "(employeeNumber=77)");
	assert_planned("list 0", "(uidNumber>=5)");
	struct lg_entry e;
	assert_ok(&w, world_create(&w, LG_TYPE_USER, "unix", "objectClass: inetOrgPerson\nobjectClass: posixAccount\nuidNumber: 5000\ngidNumber: 1\n"
	    "homeDirectory: /", &e));
	world_unview(&w);
	assert_planned("list 1", "(uidNumber>=5000)");
	assert_planned("list 0", "(uidNumber>=5001)");
	assert_planned("list 1", "(uidNumber<=5000)");
	assert_planned("list 0", "(uidNumber<=4999)");
}

Test(indexes, what_changes_while_it_is_built_is_in_it)
{
	assert_ok(&w, choose("description", "substring", true));
	build(2);		/* purged, and the first entries made */
	assert_planned("all 0", "(description=*changed*)");
	assert_result(&w, 0, world_modify(&w, "uid=u5,ou=people," SUFFIX, "replace: description\ndescription: it changed"));
	assert_result(&w, 0, world_modify(&w, "uid=u1100,ou=people," SUFFIX, "replace: description\ndescription: it changed too"));
	assert_result(&w, 0, world_delete(&w, "uid=u3,ou=people," SUFFIX));
	build(1000);
	assert_planned("list 2", "(description=*changed*)");
	check_store();
}

/* As after a kill: the marks are in the store, the process knows nothing. */
Test(indexes, a_build_goes_on_where_it_was)
{
	struct lg_index *list;
	size_t n, seen = 0;
	unsigned all;

	assert_ok(&w, choose("employeeNumber", "equality", true));
	all = build(1000);
	assert_ok(&w, choose("employeeNumber", "equality", false));
	build(1000);
	assert_ok(&w, choose("employeeNumber", "equality", true));
	build(3);
	(void)world_entry(&w, SUFFIX);
	assert_ok(&w, lg_index_list(&w.cx, world_view, 1, &list, &n));
	for (size_t i = 0; i < n; i++)
		if (list[i].state == LG_INDEX_BUILDING) {
			cr_assert(lg_str_eq(list[i].attribute, LG_STR("employeeNumber")) && list[i].done > 1);
			seen++;
		}
	cr_assert_eq(seen, 1);
	world_unview(&w);
	assert_ok(&w, lg_directory_follow(&w.cx, w.store));
	cr_assert_lt(build(1000), all, "not from the beginning");
	assert_planned("prefix 1", "(employeeNumber=77)");
	check_store();
}

Test(indexes, a_dropped_one_leaves_no_rows)
{
	size_t pending;
	uint64_t rows;

	assert_ok(&w, choose("description", "substring", true));
	build(1000);
	assert_ok(&w, choose("description", "substring", false));
	assert_planned("all 0", "(description=*number 777 of*)");
	world_unview(&w);
	assert_ok(&w, lg_index_pending(&w.cx, w.store, &pending));
	cr_assert_eq(pending, 1);
	build(1000);
	assert_ok(&w, lg_index_pending(&w.cx, w.store, &pending));
	cr_assert_eq(pending, 0);
	(void)world_entry(&w, SUFFIX);
	assert_ok(&w, lg_table_count(&w.cx, world_view, &lg_table_gram, &rows));
	cr_assert_eq(rows, 0);
	check_store();
}

Test(indexes, a_value_too_long_to_take_apart_is_found_all_the_same)
{
	lg_str text = lg_print(w.arena, "replace: description\ndescription: %0600d needle", 7);

	assert_ok(&w, choose("description", "substring", true));
	build(1000);
	assert_result(&w, 0, world_modify(&w, "uid=u9,ou=people," SUFFIX, text.p));
	assert_planned("list 1", "(description=*needle*)");
}

Test(indexes, what_could_not_serve_is_refused)
{
	assert_err(&w, LG_E_INVALID, choose("frob", "equality", true));
	assert_err(&w, LG_E_INVALID, choose("cn", "best", true));
	assert_err(&w, LG_E_EXISTS, choose("cn", "equality", true));
	assert_err(&w, LG_E_INVALID, choose("jpegPhoto", "equality", true));
	assert_err(&w, LG_E_INVALID, choose("uidNumber", "substring", true));
	assert_err(&w, LG_E_CONFLICT, choose("entryUUID", "presence", true));
	assert_err(&w, LG_E_CONFLICT, choose("userPassword", "presence", true));
	assert_err(&w, LG_E_CONFLICT, choose("member", "presence", true));
	assert_err(&w, LG_E_NOT_FOUND, choose("title", "equality", false));
	assert_ok(&w, choose("title", "equality", true));
	assert_err(&w, LG_E_EXISTS, choose("title", "ordering", true));
}

/* Rows of many other tenants. */
static lg_err
fill(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	const unsigned *n = arg;

	for (unsigned i = 0; i < *n; i++) {
		struct lg_dkey k = lg_key_tenant(1000 + i);
		lg_dkey_u16(&k, LG_A_CN);
		lg_dkey_u8(&k, 0);
		LG_TRY(lg_put(cx, v, &lg_table_index, lg_dkey_str(&k), LG_STR("\x01\0\0\0\0\0\0\0\x01")));
	}
	return LG_OK;
}

Test(indexes, there_is_room_for_so_many)
{
	unsigned others = LG_INDEXES - 2;

	assert_ok(&w, choose("employeeNumber", "equality", true));
	world_unview(&w);
	assert_ok(&w, lg_store_apply(&w.cx, w.store, 1, "test", fill, &others, NULL));
	assert_ok(&w, choose("title", "equality", true));
	assert_err(&w, LG_E_LIMIT, choose("carLicense", "presence", true));
	assert_ok(&w, choose("title", "equality", false));
	assert_ok(&w, choose("title", "equality", true));	/* its row is still there */
}

Test(indexes, a_search_without_an_index_is_told_and_one_with_it_is_not)
{
	const char *out;
	struct wire k;

	wire_start(&k, &w);
	cr_assert_eq(wire_search(&k, SUFFIX, 2, "(&(!(sn=x))(employeeNumber=77))", "1.1", &out), 0);
	cr_assert_gt(w.unindexed, PEOPLE);
	cr_assert(lg_str_eq(w.unindexed_by, LG_STR("sn")));
	w.unindexed = 0;
	cr_assert_eq(wire_search(&k, SUFFIX, 2, "(uid=u77)", "1.1", &out), 0);
	cr_assert_eq(wire_search(&k, SUFFIX, 2, "(objectClass=*)", "1.1", &out), 0);
	cr_assert_eq(w.unindexed, 0);
	wire_end(&k);
}

static void
count_fault(void *arg, lg_str what)
{
	(void)what;
	++*(unsigned *)arg;
}

static lg_err
break_things(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	struct lg_dkey k = lg_key_pair(1, *(uint64_t *)arg, 424242), nobody = lg_key_id(1, 434343);
	struct lg_entry e;
	lg_str row;

	LG_TRY(lg_put(cx, v, &lg_table_member, lg_dkey_str(&k), LG_NONE));
	LG_TRY(lg_entry_by_name(cx, v, 1, LG_TYPE_USER, LG_STR("u6"), &e));
	k = lg_key_pair(1, *(uint64_t *)arg, e.id);
	LG_TRY(lg_put(cx, v, &lg_table_member, lg_dkey_str(&k), LG_STR("r")));
	LG_TRY(lg_put(cx, v, &lg_table_password, lg_dkey_str(&nobody), LG_STR("x")));
	LG_TRY(lg_entry_by_name(cx, v, 1, LG_TYPE_USER, LG_STR("u5"), &e));
	struct lg_dkey id = lg_key_id(1, e.id);
	LG_TRY(lg_get(cx, v, &lg_table_entry, lg_dkey_str(&id), &row));
	e.body = LG_STR("");
	LG_TRY(lg_put(cx, v, &lg_table_entry, lg_dkey_str(&id), lg_entry_encode(cx->arena, &e)));
	/* as it was written when names were prepared by other rules */
	LG_TRY(lg_entry_by_name(cx, v, 1, LG_TYPE_USER, LG_STR("u7"), &e));
	id = lg_key_id(1, e.id);
	e.rdn_normal = LG_STR("1=U7");
	return lg_put(cx, v, &lg_table_entry, lg_dkey_str(&id), lg_entry_encode(cx->arena, &e));
}

Test(indexes, a_deep_check_finds_what_the_rules_do_not_allow)
{
	unsigned faults = 0;
	uint64_t rows, group;
	struct lg_entry e;

	assert_ok(&w, world_create(&w, LG_TYPE_GROUP, "staff", "", &e));
	group = e.id;
	world_unview(&w);
	assert_ok(&w, lg_directory_check(&w.cx, w.store, count_fault, &faults, &rows));
	cr_assert_eq(faults, 0);
	cr_assert_gt(rows, PEOPLE);
	world_unview(&w);
	assert_ok(&w, lg_store_apply(&w.cx, w.store, 1, "test", break_things, &group, NULL));
	assert_ok(&w, lg_directory_check(&w.cx, w.store, count_fault, &faults, &rows));
	cr_assert_eq(faults, 5, "an entry without classes, one of an old name, a member and a password of nobody, a member by no rule: %u", faults);
}
