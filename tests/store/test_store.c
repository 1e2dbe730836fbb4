/* Opening, reading and writing: the contracts of store.h. */
#include <pthread.h>
#include <stdio.h>
#include <sys/stat.h>

#include "fixture.h"

Test(store, what_was_put_is_read)
{
	struct fixture f;

	fixture_start(&f);
	assert_ok(&f, fx_put(&f, &t_people, "alice", "red,green"));
	cr_assert_str_eq(fx_get(&f, &t_people, "alice"), "red,green");
	cr_assert_null(fx_get(&f, &t_people, "bob"));
	cr_assert_null(fx_get(&f, &t_notes, "alice"));
	fixture_end(&f);
}

Test(store, rows_survive_a_close)
{
	struct fixture f;

	fixture_start(&f);
	assert_ok(&f, fx_put(&f, &t_people, "alice", "red"));
	struct lg_head before = lg_store_head(f.st);
	fixture_close(&f);
	assert_ok(&f, fixture_open(&f));
	struct lg_head after = lg_store_head(f.st);
	cr_assert_str_eq(fx_get(&f, &t_people, "alice"), "red");
	cr_assert_eq(memcmp(&before.hash, &after.hash, sizeof before.hash), 0);
	cr_assert_eq(after.seq, 1);
	fixture_end(&f);
}

Test(store, a_second_open_is_refused)
{
	struct fixture f;
	struct lg_store *first;

	fixture_start(&f);
	first = f.st;
	assert_err(&f, LG_E_CONFLICT, fixture_open(&f));
	f.st = first;
	fixture_end(&f);
}

Test(store, a_folder_that_cannot_be_made_is_an_error)
{
	struct fixture f;

	fixture_init(&f);
	snprintf(f.store, sizeof f.store, "%s/no/such/folder", f.dir);
	cr_assert_neq(fixture_open(&f), LG_OK);
	cr_assert_null(f.st);
	fixture_end(&f);
}

Test(store, files_are_for_the_owner_only)
{
	struct fixture f;
	struct stat s;
	char p[400];

	fixture_start(&f);
	snprintf(p, sizeof p, "%s/data.mdb", f.store);
	cr_assert_eq(stat(p, &s), 0);
	cr_assert_eq(s.st_mode & 0777, 0600);
	cr_assert_eq(stat(f.store, &s), 0);
	cr_assert_eq(s.st_mode & 0777, 0700);
	fixture_end(&f);
}

Test(store, the_file_has_room_ahead_of_what_is_used)
{
	struct lg_store_stats used;
	struct fixture f;
	struct stat s;
	char p[400];

	fixture_start(&f);
	assert_ok(&f, fx_put(&f, &t_people, "alice", "red"));
	assert_ok(&f, lg_store_stats(&f.cx, f.st, &used));
	snprintf(p, sizeof p, "%s/data.mdb", f.store);
	fixture_close(&f);	/* the writer is through */
	cr_assert_eq(stat(p, &s), 0);
	cr_assert_geq((uint64_t)s.st_size, used.used + (1u << 20));
	cr_assert_geq((uint64_t)s.st_blocks * 512, used.used + (1u << 20), "with blocks of its own");
	assert_ok(&f, fixture_open(&f));
	cr_assert_str_eq(fx_get(&f, &t_people, "alice"), "red");
	fixture_end(&f);
}

Test(store, room_ahead_ends_where_the_map_does)
{
	struct fixture f;
	struct stat s;
	char p[400];

	fixture_init(&f);
	f.map_size = 1u << 20;
	assert_ok(&f, fixture_open(&f));
	assert_ok(&f, fx_put(&f, &t_people, "alice", "red"));
	snprintf(p, sizeof p, "%s/data.mdb", f.store);
	fixture_close(&f);
	cr_assert_eq(stat(p, &s), 0);
	cr_assert_eq(s.st_size, 1 << 20);
	fixture_end(&f);
}

static lg_err
open_with(struct fixture *f, const struct lg_table *const *tables, size_t n)
{
	struct lg_store_options o = { .dir = f->store, .tables = tables, .ntables = n, .node = LG_STR("n1") };

	return lg_store_open(&f->cx, &o, &f->st);
}

Test(store, wrong_table_declarations_are_refused)
{
	static const struct lg_table same_id = { .name = "other", .id = 1 }, own_id = { .name = "x", .id = 0xff00 },
	    own_name = { .name = "lg.log", .id = 9 }, zero = { .name = "zero" };
	const struct lg_table *two[] = { &t_people, &same_id }, *a[] = { &own_id }, *b[] = { &own_name }, *c[] = { &zero };
	struct fixture f;

	fixture_init(&f);
	assert_err(&f, LG_E_INTERNAL, open_with(&f, two, 2));
	assert_err(&f, LG_E_INTERNAL, open_with(&f, a, 1));
	assert_err(&f, LG_E_INTERNAL, open_with(&f, b, 1));
	assert_err(&f, LG_E_INTERNAL, open_with(&f, c, 1));
	fixture_end(&f);
}

Test(store, an_id_that_changes_its_name_is_refused)
{
	static const struct lg_table renamed = { .name = "persons", .id = 1 };
	const struct lg_table *v[] = { &renamed };
	struct fixture f;

	fixture_start(&f);
	fixture_close(&f);
	assert_err(&f, LG_E_CORRUPT, open_with(&f, v, 1));
	fixture_end(&f);
}

Test(store, an_index_that_is_declared_later_is_built_at_open)
{
	const struct lg_table *before[] = { &t_notes, &t_counter };
	struct fixture f;

	/* The same table, at first without its index. */
	static struct lg_table plain;
	plain = t_people;
	plain.derive = NULL;
	const struct lg_table *first[] = { &plain, before[0] };
	fixture_init(&f);
	assert_ok(&f, open_with(&f, first, 2));
	assert_ok(&f, fx_put(&f, &plain, "alice", "red,green"));
	fixture_close(&f);
	assert_ok(&f, fixture_open(&f));
	cr_assert_eq(fx_count(&f, &t_by_value), 2);
	fixture_end(&f);
}

/* ---- mutations ---------------------------------------------------------------------------------------- */

static lg_err
put_then_fail(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	LG_TRY(put_row(cx, v, arg));
	return lg_fail(cx, LG_E_CONFLICT, "no");
}

Test(store, a_failed_mutation_leaves_nothing)
{
	struct fixture f;

	fixture_start(&f);
	struct row r = { &t_people, fx_key(f.arena, 1, "alice"), LG_STR("red"), false };
	uint64_t seq = 77;
	assert_err(&f, LG_E_CONFLICT, lg_store_apply(&f.cx, f.st, 1, "x", put_then_fail, &r, &seq));
	cr_assert_str_eq(f.cx.error, "no");
	cr_assert_eq(seq, 77);
	cr_assert_null(fx_get(&f, &t_people, "alice"));
	cr_assert_eq(fx_count(&f, &t_by_value), 0);
	cr_assert_eq(lg_store_head(f.st).seq, 0);
	fixture_end(&f);
}

static lg_err
overlook(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	lg_str *key = arg;
	lg_err ignored = lg_put(cx, v, &t_people, *key, LG_STR("red"));

	ignored = lg_put(cx, v, &t_by_value, *key, LG_STR("x"));	/* an index: not for mutations */
	(void)ignored;
	return LG_OK;
}

Test(store, a_fault_that_the_mutation_overlooks_still_fails_it)
{
	struct fixture f;

	fixture_start(&f);
	lg_str key = fx_key(f.arena, 1, "alice");
	assert_err(&f, LG_E_INTERNAL, lg_store_apply(&f.cx, f.st, 1, "x", overlook, &key, NULL));
	cr_assert_null(fx_get(&f, &t_people, "alice"));
	fixture_end(&f);
}

static lg_err
nothing(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	(void)cx, (void)arg;
	cr_assert(lg_view_writable(v));
	return LG_OK;
}

Test(store, a_mutation_without_effects_makes_no_record)
{
	struct fixture f;
	uint64_t seq = 77;

	fixture_start(&f);
	assert_ok(&f, lg_store_apply(&f.cx, f.st, 1, "x", nothing, NULL, &seq));
	cr_assert_eq(seq, 0);
	assert_ok(&f, fx_put(&f, &t_people, "alice", "red"));
	assert_ok(&f, fx_put(&f, &t_people, "alice", "red"));	/* the same again */
	cr_assert_eq(lg_store_head(f.st).seq, 1);
	fixture_end(&f);
}

static lg_err
audit_only(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	(void)cx, (void)arg;
	lg_audit(v, LG_STR("door"), LG_STR("{\"tried\":true}"));
	return LG_OK;
}

Test(store, an_audit_row_alone_is_a_record)
{
	struct fixture f;
	uint64_t seq = 0;

	fixture_start(&f);
	assert_ok(&f, lg_store_apply(&f.cx, f.st, 1, "door.try", audit_only, NULL, &seq));
	cr_assert_eq(seq, 1);
	fixture_end(&f);
}

static lg_err
count_retries(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	int *left = arg;

	(void)v;
	return (*left)-- > 0 ? lg_fail(cx, LG_E_RETRY, "again") : LG_OK;
}

Test(store, retry_runs_a_mutation_up_to_three_times_more)
{
	struct fixture f;
	int three = 3, many = 100;

	fixture_start(&f);
	assert_ok(&f, lg_store_apply(&f.cx, f.st, 1, "x", count_retries, &three, NULL));
	assert_err(&f, LG_E_RETRY, lg_store_apply(&f.cx, f.st, 1, "x", count_retries, &many, NULL));
	cr_assert_eq(many, 96);		/* four runs */
	fixture_end(&f);
}

Test(store, del_of_an_absent_row_is_not_found)
{
	struct fixture f;

	fixture_start(&f);
	assert_err(&f, LG_E_NOT_FOUND, fx_del(&f, &t_people, "nobody"));
	assert_ok(&f, fx_put(&f, &t_people, "alice", "red,green"));
	assert_ok(&f, fx_del(&f, &t_people, "alice"));
	cr_assert_null(fx_get(&f, &t_people, "alice"));
	cr_assert_eq(fx_count(&f, &t_by_value), 0);
	fixture_end(&f);
}

static lg_err
put_many(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	int n = *(int *)arg;

	for (int i = 0; i < n; i++)
		LG_TRY(lg_put(cx, v, &t_notes, fx_key(cx->arena, 1, lg_print(cx->arena, "%d", i).p), LG_STR("x")));
	return LG_OK;
}

Test(store, ten_thousand_rows_are_the_most)
{
	struct fixture f;
	int most = LG_MUTATION_ROWS, more = LG_MUTATION_ROWS + 1;

	fixture_start(&f);
	assert_err(&f, LG_E_LIMIT, lg_store_apply(&f.cx, f.st, 1, "x", put_many, &more, NULL));
	cr_assert_eq(fx_count(&f, &t_notes), 0);
	assert_ok(&f, lg_store_apply(&f.cx, f.st, 1, "x", put_many, &most, NULL));
	cr_assert_eq(fx_count(&f, &t_notes), LG_MUTATION_ROWS);
	fixture_end(&f);
}

Test(store, keys_and_values_have_limits)
{
	struct fixture f;
	char key[LG_KEY_MAX + 2];

	fixture_start(&f);
	memset(key, 'k', sizeof key);
	char *big = lg_alloc(f.arena, LG_VALUE_MAX + 1);
	struct row r = { &t_notes, { key, LG_KEY_MAX + 1 }, LG_STR("x"), false };
	assert_err(&f, LG_E_LIMIT, lg_store_apply(&f.cx, f.st, 1, "x", put_row, &r, NULL));
	r.key.n = LG_KEY_MAX;
	assert_ok(&f, lg_store_apply(&f.cx, f.st, 1, "x", put_row, &r, NULL));
	r.value = (lg_str){ big, LG_VALUE_MAX + 1 };
	assert_err(&f, LG_E_LIMIT, lg_store_apply(&f.cx, f.st, 1, "x", put_row, &r, NULL));
	r.value.n = LG_VALUE_MAX;
	assert_ok(&f, lg_store_apply(&f.cx, f.st, 1, "x", put_row, &r, NULL));
	r.key.n = 3;	/* no room for a tenant */
	assert_err(&f, LG_E_INTERNAL, lg_store_apply(&f.cx, f.st, 1, "x", put_row, &r, NULL));
	r.key.n = 0;
	assert_err(&f, LG_E_INTERNAL, lg_store_apply(&f.cx, f.st, 1, "x", put_row, &r, NULL));
	fixture_end(&f);
}

static lg_err
two_big(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	lg_str big = { arg, LG_MUTATION_BYTES / 2 + 1 };

	LG_TRY(lg_put(cx, v, &t_notes, fx_key(cx->arena, 1, "a"), big));
	return lg_put(cx, v, &t_notes, fx_key(cx->arena, 1, "b"), big);
}

Test(store, a_mutation_writes_at_most_four_mebibytes)
{
	struct fixture f;

	fixture_start(&f);
	assert_err(&f, LG_E_LIMIT, lg_store_apply(&f.cx, f.st, 1, "x", two_big, lg_alloc(f.arena, LG_MUTATION_BYTES), NULL));
	cr_assert_eq(fx_count(&f, &t_notes), 0);
	fixture_end(&f);
}

Test(store, a_snapshot_is_not_for_writing)
{
	struct fixture f;
	struct lg_view *v;

	fixture_start(&f);
	assert_ok(&f, lg_view_begin(&f.cx, f.st, &v));
	cr_assert_not(lg_view_writable(v));
	assert_err(&f, LG_E_INTERNAL, lg_put(&f.cx, v, &t_notes, LG_STR("\0\0\0\1a"), LG_STR("x")));
	assert_err(&f, LG_E_INTERNAL, lg_del(&f.cx, v, &t_notes, LG_STR("\0\0\0\1a")));
	lg_view_end(&v);
	fixture_end(&f);
}

static lg_err
see_own_writes(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	lg_str key = fx_key(cx->arena, 1, "alice"), first, second;

	(void)arg;
	LG_TRY(lg_put(cx, v, &t_people, key, LG_STR("red")));
	LG_TRY(lg_get(cx, v, &t_people, key, &first));
	LG_TRY(lg_put(cx, v, &t_people, key, LG_STR("green,longer")));
	LG_TRY(lg_get(cx, v, &t_people, key, &second));
	cr_assert(lg_str_eq(first, LG_STR("red")), "a slice read in a mutation stays as it was read");
	cr_assert(lg_str_eq(second, LG_STR("green,longer")));
	cr_assert(lg_exists(cx, v, &t_people, key));
	LG_TRY(lg_del(cx, v, &t_people, key));
	cr_assert_not(lg_exists(cx, v, &t_people, key));
	return LG_OK;
}

Test(store, a_mutation_sees_its_own_writes)
{
	struct fixture f;

	fixture_start(&f);
	assert_ok(&f, lg_store_apply(&f.cx, f.st, 1, "x", see_own_writes, NULL, NULL));
	cr_assert_eq(fx_count(&f, &t_by_value), 0);
	fixture_end(&f);
}

static lg_err
take_ids(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	uint64_t *ids = arg;

	ids[0] = lg_view_new_id(v);
	ids[1] = lg_view_new_id(v);
	ids[2] = (uint64_t)lg_view_time(v);
	lg_str value = lg_print(cx->arena, "%llu", (unsigned long long)ids[1]);
	return lg_put(cx, v, &t_notes, fx_key(cx->arena, 1, "id"), value);
}

Test(store, ids_and_times_rise)
{
	struct fixture f;
	uint64_t a[3], b[3];

	fixture_start(&f);
	assert_ok(&f, lg_store_apply(&f.cx, f.st, 1, "x", take_ids, a, NULL));
	assert_ok(&f, lg_store_apply(&f.cx, f.st, 1, "x", take_ids, b, NULL));
	cr_assert(a[0] < a[1] && a[1] < b[0] && b[0] < b[1]);
	cr_assert_eq(a[0] >> 16, 1);
	cr_assert_eq(b[0] >> 16, 2);
	cr_assert_lt(a[2], b[2]);
	cr_assert_eq((int64_t)b[2], lg_store_head(f.st).time);
	fixture_end(&f);
}

/* ---- reading --------------------------------------------------------------------------------------------- */

Test(store, a_view_is_one_snapshot_until_the_turn_ends)
{
	struct fixture f;
	struct lg_view *outer, *inner;

	fixture_start(&f);
	assert_ok(&f, fx_put(&f, &t_notes, "a", "1"));
	assert_ok(&f, lg_view_begin(&f.cx, f.st, &outer));
	cr_assert_eq(lg_view_seq(outer), 1);
	assert_ok(&f, fx_put(&f, &t_notes, "b", "2"));	/* the open view keeps this thread's snapshot */
	assert_ok(&f, lg_view_begin(&f.cx, f.st, &inner));
	cr_assert_eq(lg_view_seq(inner), 1);
	cr_assert_not(lg_exists(&f.cx, inner, &t_notes, fx_key(f.arena, 1, "b")));
	lg_view_end(&inner);
	cr_assert_null(inner);
	lg_view_end(&inner);	/* safe on NULL */
	lg_view_end(&outer);
	lg_store_turn(f.st);
	assert_ok(&f, lg_view_begin(&f.cx, f.st, &outer));
	cr_assert_eq(lg_view_seq(outer), 2);
	lg_view_end(&outer);
	fixture_end(&f);
}

static void *
read_once(void *arg)
{
	struct fixture *f = arg;
	struct lg_view *v;
	struct lg_ctx cx;
	LG_AUTO(lg_arena_free) struct lg_arena *a = lg_arena_new();

	lg_ctx_init(&cx, a);
	if (lg_view_begin(&cx, f->st, &v) != LG_OK)
		return (void *)1;
	bool there = lg_exists(&cx, v, &t_notes, fx_key(a, 1, "a"));
	lg_view_end(&v);
	return there ? NULL : (void *)1;
}

Test(store, more_threads_than_reader_slots_come_and_go)
{
	struct fixture f;
	void *bad;

	fixture_start(&f);
	assert_ok(&f, fx_put(&f, &t_notes, "a", "1"));
	for (int i = 0; i < 1500; i++) {
		pthread_t t;
		cr_assert_eq(pthread_create(&t, NULL, read_once, &f), 0);
		pthread_join(t, &bad);
		cr_assert_null(bad);
	}
	fixture_end(&f);
}

Test(store, odd_keys_are_not_found)
{
	struct fixture f;
	struct lg_view *v;
	char key[600] = { 0 };
	lg_str row;

	fixture_start(&f);
	assert_ok(&f, lg_view_begin(&f.cx, f.st, &v));
	assert_err(&f, LG_E_NOT_FOUND, lg_get(&f.cx, v, &t_notes, LG_NONE, &row));
	assert_err(&f, LG_E_NOT_FOUND, lg_get(&f.cx, v, &t_notes, (lg_str){ key, sizeof key }, &row));
	cr_assert_str_empty(f.cx.error);
	static const struct lg_table foreign = { .name = "foreign", .id = 99 };
	assert_err(&f, LG_E_INTERNAL, lg_get(&f.cx, v, &foreign, LG_STR("k"), &row));
	lg_view_end(&v);
	fixture_end(&f);
}

static size_t
scan(struct fixture *f, struct lg_view *v, const char *prefix, const char *from, char *ret)
{
	LG_AUTO(lg_cursor_end) struct lg_cursor c = { 0 };
	lg_str key, value;
	size_t n = 0;

	assert_ok(f, lg_scan(&f->cx, v, &t_notes, fx_key(f->arena, 1, prefix),
	    from == NULL ? LG_NONE : fx_key(f->arena, 1, from), &c));
	for (; lg_cursor_next(&c, &key, &value); n++)
		ret[n] = value.p[0];
	ret[n] = '\0';
	return n;
}

Test(store, a_scan_keeps_to_its_prefix_and_starts_where_it_is_told)
{
	static const char *const keys[] = { "a", "ab", "ac", "ad", "b" };
	struct fixture f;
	struct lg_view *v;
	char got[16];

	fixture_start(&f);
	for (size_t i = 0; i < LG_COUNT(keys); i++)
		assert_ok(&f, fx_put(&f, &t_notes, keys[i], (char[]){ (char)('1' + i), 0 }));
	assert_ok(&f, lg_view_begin(&f.cx, f.st, &v));
	scan(&f, v, "a", NULL, got);
	cr_assert_str_eq(got, "1234");
	scan(&f, v, "a", "ac", got);
	cr_assert_str_eq(got, "34");
	scan(&f, v, "a", "abb", got);
	cr_assert_str_eq(got, "34");
	scan(&f, v, "", NULL, got);
	cr_assert_str_eq(got, "12345");
	cr_assert_eq(scan(&f, v, "c", NULL, got), 0);
	cr_assert_eq(scan(&f, v, "a", "b", got), 0);
	lg_view_end(&v);
	fixture_end(&f);
}

static lg_err
del_while_walking(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	LG_AUTO(lg_cursor_end) struct lg_cursor c = { 0 };
	lg_str key, value;
	int *n = arg;

	LG_TRY(lg_scan(cx, v, &t_notes, fx_key(cx->arena, 1, ""), LG_NONE, &c));
	while (lg_cursor_next(&c, &key, &value)) {
		++*n;
		LG_TRY(lg_del(cx, v, &t_notes, key));
		LG_TRY(lg_put(cx, v, &t_counter, key, value));
	}
	return LG_OK;
}

Test(store, a_mutation_may_delete_what_it_walks_over)
{
	struct fixture f;
	int many = 2000, n = 0;

	fixture_start(&f);
	assert_ok(&f, lg_store_apply(&f.cx, f.st, 1, "x", put_many, &many, NULL));
	assert_ok(&f, lg_store_apply(&f.cx, f.st, 1, "x", del_while_walking, &n, NULL));
	cr_assert_eq(n, many);
	cr_assert_eq(fx_count(&f, &t_notes), 0);
	cr_assert_eq(fx_count(&f, &t_counter), 2000);
	fixture_end(&f);
}

Test(store, a_scan_may_be_left_early)
{
	struct fixture f;
	struct lg_view *v;
	lg_str k, val;

	fixture_start(&f);
	assert_ok(&f, fx_put(&f, &t_notes, "a", "1"));
	assert_ok(&f, lg_view_begin(&f.cx, f.st, &v));
	LG_AUTO(lg_cursor_end) struct lg_cursor c = { 0 };
	assert_ok(&f, lg_scan(&f.cx, v, &t_notes, LG_NONE, LG_NONE, &c));
	cr_assert(lg_cursor_next(&c, &k, &val));
	lg_cursor_end(&c);
	cr_assert_not(lg_cursor_next(&c, &k, &val));
	lg_view_end(&v);
	fixture_end(&f);
}

/* ---- revisions ----------------------------------------------------------------------------------------------- */

static uint64_t
revision(struct fixture *f, uint32_t tenant, enum lg_domain d)
{
	struct lg_view *v;

	assert_ok(f, lg_view_begin(&f->cx, f->st, &v));
	uint64_t r = lg_revision(v, tenant, d);
	lg_view_end(&v);
	lg_store_turn(f->st);
	return r;
}

Test(store, a_revision_rises_with_its_domain_and_tenant_only)
{
	struct fixture f;

	fixture_start(&f);
	cr_assert_eq(revision(&f, 1, LG_DOMAIN_ENTRY), 0);
	assert_ok(&f, fx_put(&f, &t_people, "alice", "red"));
	uint64_t r = revision(&f, 1, LG_DOMAIN_ENTRY);
	cr_assert_gt(r, 0);
	cr_assert_eq(revision(&f, 2, LG_DOMAIN_ENTRY), 0);
	cr_assert_eq(revision(&f, 1, LG_DOMAIN_POLICY), 0);
	assert_ok(&f, fx_put(&f, &t_notes, "a", "1"));		/* of no domain */
	assert_ok(&f, fx_put(&f, &t_counter, "a", "1"));	/* the service's */
	cr_assert_eq(revision(&f, 1, LG_DOMAIN_ENTRY), r);
	cr_assert_gt(revision(&f, 0, LG_DOMAIN_POLICY), r);
	fixture_end(&f);
}

/* ---- unique index keys ------------------------------------------------------------------------------------------ */

static const struct lg_table t_by_name = { .name = "by_name", .id = 11, .derived = true };

static void
derive_name(struct lg_derive *d, lg_str key, lg_str value)
{
	lg_emit(d, &t_by_name, value, key);
}

static const struct lg_table t_named = { .name = "named", .id = 10, .service = true, .derive = derive_name };

static lg_err
exchange(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	(void)arg;
	LG_TRY(lg_put(cx, v, &t_named, LG_STR("b"), LG_STR("smith")));	/* before a gives it up */
	return lg_put(cx, v, &t_named, LG_STR("a"), LG_STR("jones"));
}

Test(store, a_name_that_changes_hands_in_one_mutation_stays_indexed)
{
	const struct lg_table *const both[] = { &t_named, &t_by_name };
	struct fixture f;
	struct row a = { &t_named, LG_STR("a"), LG_STR("smith"), false };
	struct lg_view *v;
	uint64_t rows, faults;
	lg_str whose;

	fixture_init(&f);
	assert_ok(&f, open_with(&f, both, 2));
	assert_ok(&f, lg_store_apply(&f.cx, f.st, 0, "x", put_row, &a, NULL));
	assert_ok(&f, lg_store_apply(&f.cx, f.st, 0, "x", exchange, NULL, NULL));
	assert_ok(&f, lg_view_begin(&f.cx, f.st, &v));
	assert_ok(&f, lg_get(&f.cx, v, &t_by_name, LG_STR("smith"), &whose));
	cr_assert(lg_str_eq(whose, LG_STR("b")));
	assert_ok(&f, lg_get(&f.cx, v, &t_by_name, LG_STR("jones"), &whose));
	cr_assert(lg_str_eq(whose, LG_STR("a")));
	lg_view_end(&v);
	assert_ok(&f, lg_store_check(&f.cx, f.st, &rows, &faults));
	cr_assert_eq(faults, 0);
	fixture_end(&f);
}
