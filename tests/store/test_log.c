/* The log: its chain, the audit trail that points into it, blobs beside it, backup, check and rebuild. */
#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fixture.h"

static void
seed(struct fixture *f)
{
	assert_ok(f, fx_put(f, &t_people, "alice", "red,green"));
	assert_ok(f, fx_put(f, &t_people, "bob", "red"));
	assert_ok(f, fx_put(f, &t_people, "alice", "green,blue"));
	assert_ok(f, fx_del(f, &t_people, "bob"));
	assert_ok(f, fx_put(f, &t_notes, "n", "1"));
}

/* Changes a row behind the store's back, in a closed store: value NULL deletes it. */
static void
tamper(struct fixture *f, const char *table, lg_str key, const lg_str *value)
{
	MDB_env *env;
	MDB_txn *txn;
	MDB_dbi dbi;
	MDB_val k = { key.n, (void *)(uintptr_t)key.p };

	cr_assert_eq(mdb_env_create(&env), 0);
	mdb_env_set_maxdbs(env, 32);
	mdb_env_set_mapsize(env, 1 << 28);
	cr_assert_eq(mdb_env_open(env, f->store, 0, 0600), 0);
	cr_assert_eq(mdb_txn_begin(env, NULL, 0, &txn), 0);
	cr_assert_eq(mdb_dbi_open(txn, table, 0, &dbi), 0);
	if (value != NULL) {
		MDB_val v = { value->n, (void *)(uintptr_t)value->p };
		cr_assert_eq(mdb_put(txn, dbi, &k, &v, 0), 0);
	} else {
		cr_assert_eq(mdb_del(txn, dbi, &k, NULL), 0);
	}
	cr_assert_eq(mdb_txn_commit(txn), 0);
	mdb_env_close(env);
}

static lg_str
raw(struct fixture *f, const char *table, lg_str key)
{
	MDB_env *env;
	MDB_txn *txn;
	MDB_dbi dbi;
	MDB_val k = { key.n, (void *)(uintptr_t)key.p }, v;

	cr_assert_eq(mdb_env_create(&env), 0);
	mdb_env_set_maxdbs(env, 32);
	mdb_env_set_mapsize(env, 1 << 28);
	cr_assert_eq(mdb_env_open(env, f->store, 0, 0600), 0);
	cr_assert_eq(mdb_txn_begin(env, NULL, MDB_RDONLY, &txn), 0);
	cr_assert_eq(mdb_dbi_open(txn, table, 0, &dbi), 0);
	cr_assert_eq(mdb_get(txn, dbi, &k, &v), 0);
	lg_str ret = lg_dup(f->arena, (lg_str){ v.mv_data, v.mv_size });
	mdb_txn_abort(txn);
	mdb_env_close(env);
	return ret;
}

#define SEQ(n)	((lg_str){ (char[]){ 0, 0, 0, 0, 0, 0, 0, (n) }, 8 })

/* ---- the chain ------------------------------------------------------------------------------------------- */

struct heads {
	struct lg_head at;
	bool wrong;
};

static bool
extend(void *arg, uint64_t seq, const lg_sha256 *body, const lg_sha256 *hash)
{
	struct heads *h = arg;
	lg_sha256 want = lg_sha256_pair(lg_sha256_str(&h->at.hash), lg_sha256_str(body));

	if (memcmp(&want, hash, sizeof want) != 0 || seq != h->at.seq + 1)
		h->wrong = true;
	h->at.seq = seq;
	h->at.hash = *hash;
	return true;
}

Test(log, a_head_is_extended_from_digests_alone)
{
	struct fixture f;
	struct heads x = { 0 };
	struct lg_head h;

	fixture_start(&f);
	seed(&f);
	assert_ok(&f, lg_log_verify(&f.cx, f.st, 0, extend, &x, &h));
	struct lg_head head = lg_store_head(f.st);
	cr_assert_not(x.wrong);
	cr_assert_eq(h.seq, 5);
	cr_assert_eq(x.at.seq, 5);
	cr_assert_eq(memcmp(&head.hash, &x.at.hash, sizeof head.hash), 0);
	struct heads from = { .at = h };
	assert_ok(&f, lg_log_verify(&f.cx, f.st, h.seq + 1, extend, &from, &head));
	fixture_end(&f);
}

Test(log, every_flipped_octet_of_a_record_is_found)
{
	struct fixture f;
	struct lg_head h;

	fixture_start(&f);
	seed(&f);
	fixture_close(&f);
	lg_str row = raw(&f, "lg.log", SEQ(3));
	for (size_t i = 0; i < row.n; i++) {
		lg_str bad = lg_dup(f.arena, row);
		((char *)(uintptr_t)bad.p)[i] ^= 0x10;
		tamper(&f, "lg.log", SEQ(3), &bad);
		assert_ok(&f, fixture_open(&f));
		lg_err e = lg_log_verify(&f.cx, f.st, 0, NULL, NULL, &h);
		cr_assert_eq(e, LG_E_CORRUPT, "octet %zu: %s", i, lg_err_name(e));
		cr_assert_not_null(strstr(f.cx.error, "record 3") != NULL ? f.cx.error : strstr(f.cx.error, "record 4"));
		fixture_close(&f);
	}
	fixture_end(&f);
}

Test(log, a_removed_or_exchanged_record_is_found)
{
	struct fixture f;
	struct lg_head h;

	fixture_start(&f);
	seed(&f);
	fixture_close(&f);
	lg_str two = raw(&f, "lg.log", SEQ(2)), three = raw(&f, "lg.log", SEQ(3));
	tamper(&f, "lg.log", SEQ(2), NULL);
	assert_ok(&f, fixture_open(&f));
	assert_err(&f, LG_E_CORRUPT, lg_log_verify(&f.cx, f.st, 0, NULL, NULL, &h));
	fixture_close(&f);
	tamper(&f, "lg.log", SEQ(2), &three);
	assert_ok(&f, fixture_open(&f));
	assert_err(&f, LG_E_CORRUPT, lg_log_verify(&f.cx, f.st, 0, NULL, NULL, &h));
	fixture_close(&f);
	tamper(&f, "lg.log", SEQ(2), &two);
	assert_ok(&f, fixture_open(&f));
	assert_ok(&f, lg_log_verify(&f.cx, f.st, 0, NULL, NULL, &h));
	fixture_end(&f);
}

Test(log, a_new_epoch_is_a_record_of_the_same_chain)
{
	struct fixture f;
	struct lg_head h;

	fixture_start(&f);
	seed(&f);
	assert_ok(&f, lg_store_new_epoch(&f.cx, f.st, LG_STR("restored without the last hour")));
	cr_assert_eq(lg_store_head(f.st).epoch, 2);
	assert_ok(&f, fx_put(&f, &t_notes, "after", "1"));
	assert_ok(&f, lg_log_verify(&f.cx, f.st, 0, NULL, NULL, &h));
	cr_assert_eq(h.epoch, 2);
	cr_assert_eq(h.seq, 7);
	fixture_close(&f);
	assert_ok(&f, fixture_open(&f));
	cr_assert_eq(lg_store_head(f.st).epoch, 2);
	fixture_end(&f);
}

Test(log, a_store_of_a_newer_format_is_left_alone)
{
	struct fixture f;
	lg_str two = { (char[]){ 0, 0, 0, 0, 0, 0, 0, LG_STORE_FORMAT + 1 }, 8 };

	fixture_start(&f);
	fixture_close(&f);
	tamper(&f, "lg.meta", LG_STR("format"), &two);
	assert_err(&f, LG_E_UNSUPPORTED, fixture_open(&f));
	fixture_end(&f);
}

/* ---- audit ------------------------------------------------------------------------------------------------- */

struct trail {
	struct lg_arena *arena;
	int n, most;
	struct lg_change c[16];
};

static bool
gather(void *arg, const struct lg_change *c)
{
	struct trail *t = arg;

	t->c[t->n] = *c;
	t->c[t->n].operation = lg_dup(t->arena, c->operation);
	t->c[t->n].target = lg_dup(t->arena, c->target);
	t->c[t->n].detail = lg_dup(t->arena, c->detail);
	t->c[t->n].actor_name = lg_dup(t->arena, c->actor_name);
	return ++t->n < t->most;
}

static lg_err
audited(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	lg_audit(v, lg_str_of(arg), LG_STR("{\"why\":\"test\"}"));
	return lg_put(cx, v, &t_notes, fx_key(cx->arena, 1, arg), LG_STR("x"));
}

static struct trail
trail(struct fixture *f, uint32_t tenant, uint64_t before, int most)
{
	struct trail t = { .arena = f->arena, .most = most };
	struct lg_view *v;

	assert_ok(f, lg_view_begin(&f->cx, f->st, &v));
	assert_ok(f, lg_changes(&f->cx, v, tenant, before, gather, &t));
	lg_view_end(&v);
	lg_store_turn(f->st);
	return t;
}

Test(audit, a_change_says_who_did_what_to_whom)
{
	static const struct lg_actor alice = { .kind = LG_ACTOR_ENTRY, .tenant = 1, .id = { { 1, 2, 3 } }, .type = { "User", 4 },
		.name = { "alice", 5 }, .address = { "10.0.0.7:4711", 13 } };
	struct fixture f;

	fixture_start(&f);
	f.cx.actor = &alice;
	assert_ok(&f, lg_store_apply(&f.cx, f.st, 1, "note.add", audited, "first", NULL));
	assert_ok(&f, lg_store_apply(&f.cx, f.st, 2, "note.add", audited, "second", NULL));
	f.cx.actor = &lg_system;
	assert_ok(&f, lg_store_apply(&f.cx, f.st, 1, "note.add", audited, "third", NULL));
	struct trail t = trail(&f, 1, 0, 16);
	cr_assert_eq(t.n, 2);
	cr_assert(lg_str_eq(t.c[0].target, LG_STR("third")), "the newest first");
	cr_assert_eq(t.c[0].kind, LG_ACTOR_SYSTEM);
	cr_assert(lg_str_eq(t.c[1].target, LG_STR("first")));
	cr_assert(lg_str_eq(t.c[1].operation, LG_STR("note.add")));
	cr_assert(lg_str_eq(t.c[1].detail, LG_STR("{\"why\":\"test\"}")));
	cr_assert(lg_str_eq(t.c[1].actor_name, LG_STR("alice")));
	cr_assert(lg_uuid_eq(t.c[1].actor, alice.id));
	cr_assert_eq(t.c[1].seq, 1);
	cr_assert_gt(t.c[0].time, t.c[1].time);
	cr_assert_eq(trail(&f, 2, 0, 16).n, 1);
	cr_assert_eq(trail(&f, 3, 0, 16).n, 0);
	fixture_end(&f);
}

Test(audit, the_trail_is_read_in_pages)
{
	struct fixture f;

	fixture_start(&f);
	seed(&f);
	struct trail t = trail(&f, 1, 0, 2);
	cr_assert_eq(t.n, 2);
	cr_assert_eq(t.c[1].seq, 4);
	t = trail(&f, 1, t.c[1].seq, 16);
	cr_assert_eq(t.n, 3);
	cr_assert_eq(t.c[2].seq, 1);
	cr_assert_eq(trail(&f, 1, 1, 16).n, 0);
	fixture_end(&f);
}

static lg_err
long_audit(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	lg_str *s = arg;

	(void)cx;
	lg_audit(v, LG_STR("t"), *s);
	return LG_OK;
}

Test(audit, an_endless_detail_is_refused)
{
	struct fixture f;

	fixture_start(&f);
	lg_str s = { lg_alloc(f.arena, 70000), 70000 };
	assert_err(&f, LG_E_LIMIT, lg_store_apply(&f.cx, f.st, 1, "x", long_audit, &s, NULL));
	cr_assert_str_not_empty(f.cx.error);
	fixture_end(&f);
}

/* ---- blobs --------------------------------------------------------------------------------------------------- */

struct blob {
	lg_str sealed;
	lg_uuid id;
	bool del;
};

static lg_err
change_blob(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	struct blob *b = arg;

	return b->del ? lg_blob_del(cx, v, 1, b->id) : lg_blob_put(cx, v, 1, b->sealed, &b->id);
}

static lg_err
get_blob(struct fixture *f, uint32_t tenant, lg_uuid id, lg_str *ret)
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;

	LG_TRY(lg_view_begin(&f->cx, f->st, &v));
	lg_err e = lg_blob_get(&f->cx, v, tenant, id, ret);
	if (e == LG_OK)
		*ret = lg_dup(f->arena, *ret);
	return e;
}

Test(blob, its_bytes_are_beside_the_log_and_deleting_them_keeps_the_chain)
{
	struct fixture f;
	struct blob b = { .sealed = LG_STR("sealed-bytes-of-a-secret") };
	struct lg_head h;
	lg_str got;

	fixture_start(&f);
	assert_ok(&f, lg_store_apply(&f.cx, f.st, 1, "x", change_blob, &b, NULL));
	assert_ok(&f, get_blob(&f, 1, b.id, &got));
	cr_assert(lg_str_eq(got, b.sealed));
	assert_err(&f, LG_E_NOT_FOUND, get_blob(&f, 2, b.id, &got));
	lg_store_turn(f.st);
	fixture_close(&f);
	lg_str record = raw(&f, "lg.log", SEQ(1));
	cr_assert_null(memmem(record.p, record.n, b.sealed.p, b.sealed.n));
	lg_sha256 digest = lg_sha256_of(b.sealed);
	cr_assert_not_null(memmem(record.p, record.n, digest.b, sizeof digest.b));
	assert_ok(&f, fixture_open(&f));
	b.del = true;
	assert_ok(&f, lg_store_apply(&f.cx, f.st, 1, "x", change_blob, &b, NULL));
	assert_err(&f, LG_E_NOT_FOUND, get_blob(&f, 1, b.id, &got));
	assert_err(&f, LG_E_NOT_FOUND, lg_store_apply(&f.cx, f.st, 1, "x", change_blob, &b, NULL));
	lg_store_turn(f.st);
	assert_ok(&f, lg_log_verify(&f.cx, f.st, 0, NULL, NULL, &h));
	cr_assert_eq(h.seq, 2);
	fixture_end(&f);
}

Test(blob, changed_bytes_are_found)
{
	struct fixture f;
	struct blob b = { .sealed = LG_STR("sealed") };
	lg_str got;

	fixture_start(&f);
	assert_ok(&f, lg_store_apply(&f.cx, f.st, 1, "x", change_blob, &b, NULL));
	fixture_close(&f);
	lg_str key = lg_cat(f.arena, (lg_str){ "\0\0\0\1", 4 }, (lg_str){ (char *)b.id.b, 16 });
	lg_str row = raw(&f, "lg.blob", key);
	((char *)(uintptr_t)row.p)[row.n - 1] ^= 1;
	tamper(&f, "lg.blob", key, &row);
	assert_ok(&f, fixture_open(&f));
	assert_err(&f, LG_E_CORRUPT, get_blob(&f, 1, b.id, &got));
	fixture_end(&f);
}

Test(blob, a_blob_over_four_mebibytes_is_refused)
{
	struct fixture f;
	struct blob b = { .sealed = LG_NONE };

	fixture_start(&f);
	b.sealed = (lg_str){ lg_alloc(f.arena, LG_VALUE_MAX + 1), LG_VALUE_MAX + 1 };
	assert_err(&f, LG_E_LIMIT, lg_store_apply(&f.cx, f.st, 1, "x", change_blob, &b, NULL));
	fixture_end(&f);
}

/* ---- check and rebuild ---------------------------------------------------------------------------------------- */

static uint64_t
faults(struct fixture *f)
{
	uint64_t rows, n;

	assert_ok(f, lg_store_check(&f->cx, f->st, &rows, &n));
	lg_store_turn(f->st);
	return n;
}

Test(check, a_sound_store_has_no_faults_and_rebuilding_changes_nothing)
{
	struct fixture f;

	fixture_start(&f);
	seed(&f);
	cr_assert_eq(faults(&f), 0);
	uint64_t before = fx_count(&f, &t_by_value);
	struct lg_head h = lg_store_head(f.st);
	assert_ok(&f, lg_store_rebuild(&f.cx, f.st));
	cr_assert_eq(fx_count(&f, &t_by_value), before);
	cr_assert_eq(faults(&f), 0);
	cr_assert_eq(lg_store_head(f.st).seq, h.seq);
	cr_assert_eq(trail(&f, 1, 0, 16).n, 5);
	fixture_end(&f);
}

Test(check, a_removed_an_added_and_a_changed_index_row_are_found_and_rebuilt)
{
	static const lg_str green = { "\0\0\0\1green\0alice", 15 }, more = { "\0\0\0\1grey\0alice", 14 };
	lg_str x = LG_STR("x");
	struct fixture f;

	fixture_start(&f);
	seed(&f);
	fixture_close(&f);
	tamper(&f, "by_value", green, NULL);
	assert_ok(&f, fixture_open(&f));
	cr_assert_eq(faults(&f), 1);
	fixture_close(&f);
	tamper(&f, "by_value", more, &x);	/* one missing and one too many are two faults, not none */
	assert_ok(&f, fixture_open(&f));
	cr_assert_eq(faults(&f), 2);
	assert_ok(&f, lg_store_rebuild(&f.cx, f.st));
	cr_assert_eq(faults(&f), 0);
	fixture_close(&f);
	tamper(&f, "by_value", green, &x);
	assert_ok(&f, fixture_open(&f));
	cr_assert_eq(faults(&f), 1);
	fixture_end(&f);
}

Test(check, a_lost_audit_row_is_found_and_rebuilt)
{
	static const lg_str key = { "\0\0\0\1\0\0\0\0\0\0\0\2\0\0\0\0", 16 };
	struct fixture f;

	fixture_start(&f);
	seed(&f);
	fixture_close(&f);
	tamper(&f, "lg.audit", key, NULL);
	assert_ok(&f, fixture_open(&f));
	cr_assert_eq(faults(&f), 1);
	assert_ok(&f, lg_store_rebuild(&f.cx, f.st));
	cr_assert_eq(faults(&f), 0);
	fixture_end(&f);
}

/* ---- backup ------------------------------------------------------------------------------------------------------ */

Test(backup, a_copy_taken_while_open_is_a_whole_store)
{
	struct fixture f;
	char file[600], cmd[1400];
	struct lg_head h;
	struct stat s;

	fixture_start(&f);
	seed(&f);
	snprintf(file, sizeof file, "%s/copy.mdb", f.dir);
	assert_ok(&f, lg_store_backup(&f.cx, f.st, file));
	assert_ok(&f, fx_put(&f, &t_notes, "later", "1"));
	cr_assert_eq(stat(file, &s), 0);
	cr_assert_eq(s.st_mode & 0777, 0600);
	fixture_close(&f);
	snprintf(cmd, sizeof cmd, "rm '%s'/*.mdb && cp '%s' '%s/data.mdb'", f.store, file, f.store);
	cr_assert_eq(system(cmd), 0);
	assert_ok(&f, fixture_open(&f));
	cr_assert_str_eq(fx_get(&f, &t_people, "alice"), "green,blue");
	cr_assert_null(fx_get(&f, &t_notes, "later"));
	assert_ok(&f, lg_log_verify(&f.cx, f.st, 0, NULL, NULL, &h));
	cr_assert_eq(h.seq, 5);
	cr_assert_eq(faults(&f), 0);
	fixture_end(&f);
}

Test(backup, a_place_that_cannot_be_written_is_an_error)
{
	struct fixture f;

	fixture_start(&f);
	assert_err(&f, LG_E_IO, lg_store_backup(&f.cx, f.st, "/nonexistent/copy.mdb"));
	fixture_end(&f);
}
