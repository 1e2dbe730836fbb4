/* Snapshots, archived records, and records replayed elsewhere. */
#include <dirent.h>
#include <fcntl.h>
#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fixture.h"
#include "store/archive.h"
#include "store/internal.h"

/* Changes of every kind: puts, long values that splice, deletions, blobs, several tables. */
static lg_err
storm(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	unsigned *seed = arg;
	lg_str value = LG_NONE, key = fx_key(cx->arena, 1, lg_print(cx->arena, "k%d", rand_r(seed) % 12).p);
	lg_uuid id;

	for (int i = rand_r(seed) % 60; i >= 0; i--)
		value = lg_cat(cx->arena, value, lg_print(cx->arena, "member%d,", i < 50 ? i : rand_r(seed) % 1000));
	lg_audit(v, key, LG_STR("{}"));
	LG_TRY(lg_put(cx, v, &t_people, key, value));
	if (rand_r(seed) % 3 == 0)
		LG_TRY(lg_put(cx, v, &t_counter, LG_STR("n"), lg_print(cx->arena, "%d", rand_r(seed))));
	if (rand_r(seed) % 4 == 0)
		LG_TRY(lg_blob_put(cx, v, 1, value, &id));
	return rand_r(seed) % 5 == 0 ? lg_del(cx, v, &t_people, key) : LG_OK;
}

static void
rage(struct fixture *f, int n)
{
	static unsigned seed = 4711;

	for (int i = 0; i < n; i++)
		assert_ok(f, lg_store_apply(&f->cx, f->st, 1, "storm", storm, &seed, NULL));
}

/* ---- replay ------------------------------------------------------------------------------------------------- */

struct pair {
	struct fixture *from, *to;
	struct lg_view *view;
	lg_err e;
};

static lg_err
blob_of(void *arg, lg_str key, lg_str *sealed)
{
	struct pair *p = arg;
	lg_str row;

	LG_TRY(lg_get(&p->from->cx, p->view, &lg_table_blob, key, &row));
	*sealed = lg_str_sub(row, 32, row.n);
	return LG_OK;
}

static bool
replay(void *arg, uint64_t seq, lg_str body)
{
	struct pair *p = arg;

	(void)seq;
	p->e = lg_store_replay(&p->to->cx, p->to->st, body, blob_of, p);
	return p->e == LG_OK;
}

static void
same_table(struct fixture *a, struct fixture *b, const struct lg_table *t)
{
	LG_AUTO(lg_cursor_end) struct lg_cursor x = { 0 };
	LG_AUTO(lg_cursor_end) struct lg_cursor y = { 0 };
	struct lg_view *v, *w;
	lg_str k, l, c, d;

	assert_ok(a, lg_view_begin(&a->cx, a->st, &v));
	assert_ok(b, lg_view_begin(&b->cx, b->st, &w));
	assert_ok(a, lg_scan(&a->cx, v, t, LG_NONE, LG_NONE, &x));
	assert_ok(b, lg_scan(&b->cx, w, t, LG_NONE, LG_NONE, &y));
	while (lg_cursor_next(&x, &k, &c)) {
		cr_assert(lg_cursor_next(&y, &l, &d), "%s has fewer rows", t->name);
		cr_assert(lg_str_eq(k, l) && lg_str_eq(c, d), "%s differs", t->name);
	}
	cr_assert_not(lg_cursor_next(&y, &l, &d), "%s has more rows", t->name);
	lg_view_end(&v);
	lg_view_end(&w);
}

static void
replay_all(struct fixture *a, struct fixture *b, uint64_t from)
{
	struct pair p = { .from = a, .to = b };

	assert_ok(a, lg_view_begin(&a->cx, a->st, &p.view));
	assert_ok(a, lg_log_read(&a->cx, a->st, from, replay, &p));
	assert_ok(b, p.e);
	lg_view_end(&p.view);
	lg_store_turn(a->st);
}

static void
same_store(struct fixture *a, struct fixture *b)
{
	static const struct lg_table *const all[] = { &t_people, &t_notes, &t_by_value, &t_counter, &lg_table_audit,
		&lg_table_blob, &lg_table_revision };
	struct lg_head x = lg_store_head(a->st), y = lg_store_head(b->st);

	for (size_t i = 0; i < LG_COUNT(all); i++)
		same_table(a, b, all[i]);
	cr_assert_eq(x.seq, y.seq);
	cr_assert_eq(memcmp(&x.hash, &y.hash, sizeof x.hash), 0);
	lg_store_turn(a->st);
	lg_store_turn(b->st);
}

Test(replay, records_applied_elsewhere_give_the_same_store)
{
	struct fixture a, b;
	struct lg_head h;
	uint64_t rows, faults;

	fixture_start(&a);
	fixture_start(&b);
	rage(&a, 200);
	assert_ok(&a, lg_store_new_epoch(&a.cx, a.st, LG_STR("test")));
	rage(&a, 20);
	replay_all(&a, &b, 1);
	same_store(&a, &b);
	assert_ok(&b, lg_log_verify(&b.cx, b.st, 0, NULL, NULL, &h));
	assert_ok(&b, lg_store_check(&b.cx, b.st, &rows, &faults));
	cr_assert_eq(faults, 0);
	cr_assert_eq(h.epoch, 2);
	rage(&b, 3);	/* and it goes on from there */
	assert_ok(&b, lg_log_verify(&b.cx, b.st, 0, NULL, NULL, &h));
	fixture_end(&a);
	fixture_end(&b);
}

static bool
keep_body(void *arg, uint64_t seq, lg_str body)
{
	struct trail_of { struct lg_arena *a; lg_str body[3]; } *t = arg;

	t->body[seq - 1] = lg_dup(t->a, body);
	return seq < 3;
}

Test(replay, a_record_that_does_not_follow_is_refused)
{
	struct fixture a, b;
	struct { struct lg_arena *a; lg_str body[3]; } t;

	fixture_start(&a);
	fixture_start(&b);
	t.a = a.arena;
	for (int i = 0; i < 3; i++)
		assert_ok(&a, fx_put(&a, &t_notes, "a", lg_print(a.arena, "%d", i).p));
	assert_ok(&a, lg_log_read(&a.cx, a.st, 1, keep_body, &t));
	assert_err(&b, LG_E_CONFLICT, lg_store_replay(&b.cx, b.st, t.body[1], NULL, NULL));	/* too early */
	assert_ok(&b, lg_store_replay(&b.cx, b.st, t.body[0], NULL, NULL));
	assert_err(&b, LG_E_CONFLICT, lg_store_replay(&b.cx, b.st, t.body[0], NULL, NULL));	/* twice */
	assert_ok(&b, fx_put(&b, &t_notes, "own", "1"));
	assert_err(&b, LG_E_CORRUPT, lg_store_replay(&b.cx, b.st, t.body[2], NULL, NULL));	/* another chain */
	assert_err(&b, LG_E_CORRUPT, lg_store_replay(&b.cx, b.st, LG_STR("nonsense"), NULL, NULL));
	cr_assert_eq(lg_store_head(b.st).seq, 2);
	fixture_end(&a);
	fixture_end(&b);
}

static void
one_effect(struct fixture *f, struct lg_buf *out, struct lg_effect e)
{
	struct lg_head at = lg_store_head(f->st);
	struct lg_record_head h = { .epoch = 1, .seq = at.seq + 1, .prev = at.hash, .time = at.time + 1, .level = 1 };
	struct lg_buf effect = LG_BUF(1 << 16);

	lg_buf_clear(out);
	lg_record_put_head(out, &h);
	size_t end = out->n;
	lg_effect_put(&effect, &e);
	lg_record_put_change(out, &(struct lg_change){ .tenant = 1 }, 1, lg_buf_view(&effect));
	lg_record_set_count(out, end, 1);
	lg_buf_free(&effect);
}

Test(replay, effects_that_no_mutation_has_are_refused_and_leave_nothing)
{
	static const struct lg_effect bad[] = {
		{ .op = LG_EFFECT_PUT, .table = 3, .key = { "\0\0\0\1x", 5 }, .value = { "x", 1 } },	/* an index */
		{ .op = LG_EFFECT_PUT, .table = 0xff01, .key = { "\0\0\0\1x", 5 }, .value = { "x", 1 } },	/* the log */
		{ .op = LG_EFFECT_DEL, .table = 2, .key = { "\0\0\0\1x", 5 } },				/* absent */
		{ .op = LG_EFFECT_SPLICE, .table = 2, .key = { "\0\0\0\1x", 5 }, .value = { "x", 1 } },	/* of nothing */
		{ .op = LG_EFFECT_SPLICE, .table = 2, .key = { "\0\0\0\1a", 5 }, .value = { "x", 1 }, .at = 9 },
		{ .op = LG_EFFECT_SPLICE, .table = 2, .key = { "\0\0\0\1a", 5 }, .value = { "x", 1 }, .cut = 9 },
		{ .op = LG_EFFECT_PUT, .table = 2, .key = { "ab", 2 }, .value = { "x", 1 } },		/* no tenant */
		{ .op = LG_EFFECT_BLOB_DEL, .table = 2, .key = { "\0\0\0\1a", 5 } },
		{ .op = LG_EFFECT_PUT, .table = 0xff03, .key = { "\0\0\0\1a", 5 }, .value = { "x", 1 } },
	};
	struct lg_buf b = LG_BUF(1 << 16);
	struct fixture f;

	fixture_start(&f);
	assert_ok(&f, fx_put(&f, &t_notes, "a", "1"));
	for (size_t i = 0; i < LG_COUNT(bad); i++) {
		one_effect(&f, &b, bad[i]);
		lg_err e = lg_store_replay(&f.cx, f.st, lg_buf_view(&b), NULL, NULL);
		cr_assert_eq(e, LG_E_CORRUPT, "%zu: %s", i, lg_err_name(e));
	}
	one_effect(&f, &b, (struct lg_effect){ .op = LG_EFFECT_PUT, .table = 77, .key = { "\0\0\0\1x", 5 } });
	assert_err(&f, LG_E_UNSUPPORTED, lg_store_replay(&f.cx, f.st, lg_buf_view(&b), NULL, NULL));
	cr_assert_eq(lg_store_head(f.st).seq, 1);
	cr_assert_eq(fx_count(&f, &t_notes), 1);
	lg_buf_free(&b);
	fixture_end(&f);
}

/* ---- snapshots and the archive -------------------------------------------------------------------------------------- */

static uint64_t
first_in_log(struct fixture *f)
{
	struct lg_view *v;
	uint64_t first;

	assert_ok(f, lg_view_begin(&f->cx, f->st, &v));
	assert_ok(f, lg_log_first(&f->cx, f->st, v->txn, &first));
	lg_view_end(&v);
	lg_store_turn(f->st);
	return first;
}

static bool
count_change(void *arg, const struct lg_change *c)
{
	uint64_t *expect = arg;

	cr_assert_eq(c->seq, (*expect)--);
	cr_assert(lg_str_eq(c->operation, LG_STR("storm")));
	return true;
}

static void
whole_trail(struct fixture *f, uint64_t n)
{
	struct lg_view *v;

	assert_ok(f, lg_view_begin(&f->cx, f->st, &v));
	assert_ok(f, lg_changes(&f->cx, v, 1, 0, count_change, &n));
	cr_assert_eq(n, 0);
	lg_view_end(&v);
	lg_store_turn(f->st);
}

static int
files(const char *dir, const char *end)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	int n = 0;

	while (d != NULL && (e = readdir(d)) != NULL)
		n += lg_str_ends(lg_str_of(e->d_name), lg_str_of(end));
	if (d != NULL)
		closedir(d);
	return n;
}

Test(archive, old_records_move_and_are_still_read_verified_and_replayed)
{
	struct fixture f, copy;
	uint64_t rows, faults;
	struct lg_head h;

	fixture_start(&f);
	fixture_start(&copy);
	for (int i = 1; i <= 3; i++) {
		rage(&f, 50);
		assert_ok(&f, lg_store_snapshot(&f.cx, f.st, true));
		cr_assert_eq(first_in_log(&f), (uint64_t)i * 50, "only the head is left in the log");
	}
	cr_assert_eq(files(f.archive, ".mdb"), 1);
	cr_assert_eq(files(f.archive, ".log"), 3);
	rage(&f, 10);
	assert_ok(&f, lg_log_verify(&f.cx, f.st, 0, NULL, NULL, &h));
	cr_assert_eq(h.seq, 160);
	assert_ok(&f, lg_log_verify(&f.cx, f.st, 77, NULL, NULL, &h));
	assert_ok(&f, lg_log_verify(&f.cx, f.st, 155, NULL, NULL, &h));
	whole_trail(&f, 160);
	assert_ok(&f, lg_store_check(&f.cx, f.st, &rows, &faults));
	cr_assert_eq(faults, 0);
	lg_store_turn(f.st);
	assert_ok(&f, lg_store_rebuild(&f.cx, f.st));
	whole_trail(&f, 160);
	replay_all(&f, &copy, 1);
	same_store(&f, &copy);
	fixture_end(&copy);
	fixture_close(&f);
	assert_ok(&f, fixture_open(&f));
	cr_assert_eq(lg_store_head(f.st).seq, 160);
	fixture_end(&f);
}

Test(archive, a_snapshot_that_is_not_due_is_not_taken)
{
	struct fixture f;

	fixture_start(&f);
	assert_ok(&f, lg_store_snapshot(&f.cx, f.st, true));	/* nothing is there to keep */
	cr_assert_eq(files(f.archive, ".mdb"), 0);
	rage(&f, 5);
	assert_ok(&f, lg_store_snapshot(&f.cx, f.st, false));	/* the first is due */
	cr_assert_eq(files(f.archive, ".mdb"), 1);
	rage(&f, 5);
	assert_ok(&f, lg_store_snapshot(&f.cx, f.st, false));
	cr_assert_eq(first_in_log(&f), 5);
	fixture_end(&f);
}

Test(archive, a_snapshot_and_the_log_after_it_restore_the_store)
{
	struct fixture f, r;
	char cmd[1400];

	fixture_start(&f);
	rage(&f, 40);
	assert_ok(&f, lg_store_snapshot(&f.cx, f.st, true));
	rage(&f, 40);
	fixture_init(&r);
	snprintf(cmd, sizeof cmd, "mkdir -m 700 '%s' && cp '%s'/snapshot-*.mdb '%s'/data.mdb", r.store, f.archive, r.store);
	cr_assert_eq(system(cmd), 0);
	assert_ok(&r, fixture_open(&r));
	cr_assert_eq(lg_store_head(r.st).seq, 40);
	replay_all(&f, &r, 41);
	same_store(&f, &r);
	fixture_end(&f);
	fixture_end(&r);
}

/* After a crash between the archive's rename and the log's truncation a record is in both. */
Test(archive, records_that_are_archived_twice_are_read_once)
{
	struct fixture f;
	char cmd[1400];
	struct lg_head h;

	fixture_start(&f);
	rage(&f, 20);
	fixture_close(&f);
	snprintf(cmd, sizeof cmd, "cp -r '%s' '%s.before'", f.store, f.store);
	cr_assert_eq(system(cmd), 0);
	assert_ok(&f, fixture_open(&f));
	assert_ok(&f, lg_store_snapshot(&f.cx, f.st, true));
	fixture_close(&f);
	snprintf(cmd, sizeof cmd, "rm -r '%s' && mv '%s.before' '%s'", f.store, f.store, f.store);
	cr_assert_eq(system(cmd), 0);
	assert_ok(&f, fixture_open(&f));
	rage(&f, 7);
	assert_ok(&f, lg_store_snapshot(&f.cx, f.st, true));
	rage(&f, 1);
	cr_assert_eq(files(f.archive, ".log"), 2);
	assert_ok(&f, lg_log_verify(&f.cx, f.st, 0, NULL, NULL, &h));
	cr_assert_eq(h.seq, 28);
	whole_trail(&f, 28);
	fixture_end(&f);
}

static void
archive_file(struct fixture *f, char *ret, size_t size)
{
	DIR *d = opendir(f->archive);
	struct dirent *e;

	while ((e = readdir(d)) != NULL)
		if (lg_str_ends(lg_str_of(e->d_name), LG_STR(".log")))
			snprintf(ret, size, "%s/%s", f->archive, e->d_name);
	closedir(d);
}

Test(archive, a_changed_octet_in_the_archive_is_found)
{
	struct fixture f;
	struct lg_head h;
	struct stat s;
	char path[600];

	fixture_start(&f);
	rage(&f, 10);
	assert_ok(&f, lg_store_snapshot(&f.cx, f.st, true));
	archive_file(&f, path, sizeof path);
	cr_assert_eq(stat(path, &s), 0);
	int fd = open(path, O_RDWR);
	for (off_t at = 0; at < s.st_size; at++) {
		char was, bad;
		cr_assert_eq(pread(fd, &was, 1, at), 1);
		bad = (char)(was ^ 4);
		cr_assert_eq(pwrite(fd, &bad, 1, at), 1);
		lg_err e = lg_log_verify(&f.cx, f.st, 0, NULL, NULL, &h);
		cr_assert_eq(e, LG_E_CORRUPT, "octet %lld: %s", (long long)at, lg_err_name(e));
		cr_assert_eq(pwrite(fd, &was, 1, at), 1);
	}
	assert_ok(&f, lg_log_verify(&f.cx, f.st, 0, NULL, NULL, &h));
	cr_assert_eq(ftruncate(fd, s.st_size - 1), 0);
	assert_err(&f, LG_E_CORRUPT, lg_log_verify(&f.cx, f.st, 0, NULL, NULL, &h));
	close(fd);
	fixture_end(&f);
}

Test(archive, thinned_out_records_end_the_trail_without_a_fault)
{
	struct fixture f;
	uint64_t rows, faults;
	char path[600];
	struct lg_head h;

	fixture_start(&f);
	rage(&f, 10);
	assert_ok(&f, lg_store_snapshot(&f.cx, f.st, true));
	archive_file(&f, path, sizeof path);
	cr_assert_eq(unlink(path), 0);
	rage(&f, 3);
	assert_ok(&f, lg_log_verify(&f.cx, f.st, 0, NULL, NULL, &h));
	struct lg_view *v;
	uint64_t n = 13;
	assert_ok(&f, lg_view_begin(&f.cx, f.st, &v));
	assert_ok(&f, lg_changes(&f.cx, v, 1, 0, count_change, &n));
	cr_assert_eq(n, 9);
	lg_view_end(&v);
	lg_store_turn(f.st);
	assert_ok(&f, lg_store_check(&f.cx, f.st, &rows, &faults));
	cr_assert_eq(faults, 0);
	fixture_end(&f);
}

Test(archive, without_a_folder_there_is_no_snapshot)
{
	struct fixture f;

	fixture_init(&f);
	struct lg_store_options o = { .dir = f.store, .tables = t_all, .ntables = LG_COUNT(t_all) };
	assert_ok(&f, lg_store_open(&f.cx, &o, &f.st));
	assert_err(&f, LG_E_UNSUPPORTED, lg_store_snapshot(&f.cx, f.st, true));
	fixture_end(&f);
}
