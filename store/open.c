/* open.c: the environment, its tables and the threads around it. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/file.h"
#include "store/internal.h"

static const struct lg_table *const own[] = { &lg_table_meta, &lg_table_log, &lg_table_audit, &lg_table_blob,
	&lg_table_revision };

/* ---- options ------------------------------------------------------------------------------------- */

static lg_err
add_table(struct lg_ctx *cx, struct lg_store *st, const struct lg_table *t)
{
	if (st->by_id[t->id] != NULL)
		return lg_fail(cx, LG_E_INTERNAL, "tables %s and %s have the same id", st->by_id[t->id]->name, t->name);
	st->by_id[t->id] = t;
	return LG_OK;
}

static lg_err
check_tables(struct lg_ctx *cx, struct lg_store *st, const struct lg_store_options *o)
{
	if (o->ntables > LG_TABLES_MAX)
		return lg_fail(cx, LG_E_LIMIT, "%zu tables, at most %d", o->ntables, LG_TABLES_MAX);
	for (size_t i = 0; i < LG_COUNT(own); i++)
		LG_TRY(add_table(cx, st, own[i]));
	for (size_t i = 0; i < o->ntables; i++) {
		const struct lg_table *t = o->tables[i];
		if (t->id == 0 || t->id >= LG_TABLE_OWN || lg_str_starts(lg_str_of(t->name), LG_STR("lg.")))
			return lg_fail(cx, LG_E_INTERNAL, "table %s has a name or an id of the store's own", t->name);
		if (t->derived && (t->derive != NULL || t->domain != LG_DOMAIN_NONE))
			return lg_fail(cx, LG_E_INTERNAL, "table %s is an index and derives nothing", t->name);
		LG_TRY(add_table(cx, st, t));
	}
	return LG_OK;
}

static lg_err
new_store(struct lg_ctx *cx, const struct lg_store_options *o, struct lg_store *st)
{
	*st = (struct lg_store){ .dirfd = -1, .tables = o->tables, .ntables = o->ntables, .nosync = o->nosync };
	pthread_mutex_init(&st->write, NULL);
	pthread_mutex_init(&st->lock, NULL);
	pthread_mutex_init(&st->snapshot, NULL);
	st->dir = strdup(o->dir);
	st->archive = o->archive == NULL ? NULL : strdup(o->archive);
	st->node = strndup(o->node.n == 0 ? "" : o->node.p, o->node.n);
	st->dbi = calloc(UINT16_MAX + 1, sizeof *st->dbi);
	st->by_id = calloc(UINT16_MAX + 1, sizeof(struct lg_table *));
	if (st->dir == NULL || st->node == NULL || st->dbi == NULL || st->by_id == NULL)
		return lg_fail(cx, LG_E_LIMIT, "no memory for the store");
	if (o->node.n > LG_NODE_MAX)
		return lg_fail(cx, LG_E_INVALID, "the node's name has %zu octets", o->node.n);
	LG_TRY(lg_views_open(cx, st));
	st->keyed = true;
	return check_tables(cx, st, o);
}

/* ---- the environment -------------------------------------------------------------------------------- */

/* Two processes could share LMDB, but not one writer thread, one incarnation, one set of snapshots. */
static lg_err
lock_dir(struct lg_ctx *cx, struct lg_store *st)
{
	LG_TRY(lg_dir_make(cx, st->dir, 0700));
	st->dirfd = open(st->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (st->dirfd < 0)
		return lg_fail(cx, LG_E_IO, "%s: %s", st->dir, strerror(errno));
	if (flock(st->dirfd, LOCK_EX | LOCK_NB) != 0)
		return lg_fail(cx, LG_E_CONFLICT, "%s is in use by another process", st->dir);
	return LG_OK;
}

static lg_err
open_env(struct lg_ctx *cx, struct lg_store *st, size_t map_size)
{
	/* No WRITEMAP: SIGBUS on a full disk, no nested transactions.  NOTLS: read transactions are pooled. */
	unsigned flags = MDB_NOTLS | (st->nosync ? MDB_NOSYNC : 0);
	int dead;

	LG_TRY(lg_lmdb_fail(cx, mdb_env_create(&st->env), "LMDB"));
	LG_TRY(lg_lmdb_fail(cx, mdb_env_set_mapsize(st->env, map_size == 0 ? LG_STORE_MAP : map_size), "store.map_size"));
	LG_TRY(lg_lmdb_fail(cx, mdb_env_set_maxdbs(st->env, (MDB_dbi)(LG_TABLES_MAX + LG_COUNT(own))), "LMDB"));
	LG_TRY(lg_lmdb_fail(cx, mdb_env_set_maxreaders(st->env, LG_STORE_READERS), "LMDB"));
	LG_TRY(lg_lmdb_fail(cx, mdb_env_open(st->env, st->dir, flags, 0600), st->dir));
	return lg_lmdb_fail(cx, mdb_reader_check(st->env, &dead), "LMDB");
}

static lg_err
open_table(struct lg_ctx *cx, struct lg_store *st, MDB_txn *txn, const struct lg_table *t, bool *fresh)
{
	char name[24];
	lg_str bound;
	MDB_dbi dbi;

	int rc = mdb_dbi_open(txn, t->name, 0, &dbi);
	if (rc == MDB_NOTFOUND) {
		*fresh |= t->derived;
		rc = mdb_dbi_open(txn, t->name, MDB_CREATE, &dbi);
	}
	LG_TRY(lg_lmdb_fail(cx, rc, t->name));
	st->dbi[t->id] = (uint16_t)dbi;
	snprintf(name, sizeof name, "table/%u", t->id);
	lg_err e = lg_meta_get(cx, st, txn, name, &bound);
	if (e == LG_E_NOT_FOUND)
		return lg_meta_put(cx, st, txn, name, lg_str_of(t->name));
	LG_TRY(e);
	if (!lg_str_eq(bound, lg_str_of(t->name)))
		return lg_fail(cx, LG_E_CORRUPT, "table id %u was %.*s and is now %s", t->id, LG_FMT(bound), t->name);
	return LG_OK;
}

uint64_t
lg_nonce_new(void)
{
	lg_uuid random = lg_uuid_new();
	struct lg_rd r = lg_rd_of((lg_str){ (const char *)random.b + 8, 8 });

	return lg_rd_u64(&r);
}

static lg_err
load_nonce(struct lg_ctx *cx, struct lg_store *st, MDB_txn *txn)
{
	uint64_t nonce;

	LG_TRY(lg_meta_u64(cx, st, txn, "nonce", lg_nonce_new(), &nonce));
	return lg_meta_u64_put(cx, st, txn, "nonce", nonce);
}

static lg_err
load(struct lg_ctx *cx, struct lg_store *st, MDB_txn *txn, bool *fresh)
{
	bool unused = false;

	for (size_t i = 0; i < LG_COUNT(own); i++)
		LG_TRY(open_table(cx, st, txn, own[i], &unused));
	LG_TRY(lg_store_migrate(cx, st, txn, LG_STORE_FORMAT, lg_migrations, lg_nmigrations));
	for (size_t i = 0; i < st->ntables; i++)
		LG_TRY(open_table(cx, st, txn, st->tables[i], fresh));
	LG_TRY(lg_meta_u64(cx, st, txn, "incarnation", 0, &st->incarnation));
	LG_TRY(lg_meta_u64_put(cx, st, txn, "incarnation", ++st->incarnation));
	LG_TRY(load_nonce(cx, st, txn));
	LG_TRY(st->log->engine->head(cx, st->log, txn, &st->head));
	return lg_clock_load(cx, st, txn);
}

static lg_err
open_store(struct lg_ctx *cx, const struct lg_store_options *o, struct lg_store *st)
{
	bool fresh = false;
	MDB_txn *txn;

	LG_TRY(new_store(cx, o, st));
	LG_TRY(lock_dir(cx, st));
	LG_TRY(open_env(cx, st, o->map_size));
	LG_TRY(lg_log_lmdb.open(cx, st, &st->log));
	LG_TRY(lg_write_begin(cx, st, &txn));
	lg_err e = load(cx, st, txn, &fresh);
	if (e != LG_OK) {
		lg_write_abort(st, txn);
		return e;
	}
	LG_TRY(lg_write_commit(cx, st, txn, NULL, 0));
	if (fresh && st->head.seq > 0)	/* an index that older rows do not have yet */
		LG_TRY(lg_store_rebuild(cx, st));
	return lg_writer_start(cx, st);
}

lg_err
lg_store_open(struct lg_ctx *cx, const struct lg_store_options *o, struct lg_store **ret)
{
	LG_AUTO(lg_store_close) struct lg_store *st = malloc(sizeof *st);

	if (st == NULL)
		return lg_fail(cx, LG_E_LIMIT, "no memory for the store");
	LG_TRY(open_store(cx, o, st));
	*ret = st;
	st = NULL;
	return LG_OK;
}

void
lg_store_close(struct lg_store **sp)
{
	struct lg_store *st = *sp;

	if (st == NULL)
		return;
	lg_writer_stop(st);
	if (st->keyed)
		lg_views_close(st);
	if (st->log != NULL)
		st->log->engine->close(&st->log);
	if (st->env != NULL)
		mdb_env_close(st->env);
	if (st->dirfd >= 0)
		close(st->dirfd);
	pthread_mutex_destroy(&st->write);
	pthread_mutex_destroy(&st->lock);
	pthread_mutex_destroy(&st->snapshot);
	free(st->dir);
	free(st->archive);
	free(st->node);
	free(st->dbi);
	free(st->by_id);
	free(st);
	*sp = NULL;
}
