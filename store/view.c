/*
 * view.c: a thread's snapshot: taken on first use, shared by nested views, given back at the end of the turn.
 *
 * MDB_NOTLS lets read transactions move between threads, so that one that a thread leaves behind serves the next thread.
 * A reset transaction keeps its reader slot but holds no pages: a forgotten live one would make the file grow without end.
 */
#include "store/internal.h"

#include <assert.h>
#include <stdlib.h>

static void
forget(struct lg_store *st, struct lg_view *v)
{
	for (struct lg_view **at = &st->views; *at != NULL; at = &(*at)->next)
		if (*at == v) {
			*at = v->next;
			return;
		}
}

/* At the end of a thread: its transaction goes to the pool. */
static void
thread_ended(void *arg)
{
	struct lg_view *v = arg;
	struct lg_store *st = v->st;

	pthread_mutex_lock(&st->lock);
	forget(st, v);
	mdb_txn_reset(v->txn);
	if (st->npool < LG_COUNT(st->pool))
		st->pool[st->npool++] = v->txn;
	else
		mdb_txn_abort(v->txn);
	pthread_mutex_unlock(&st->lock);
	free(v);
}

lg_err
lg_views_open(struct lg_ctx *cx, struct lg_store *st)
{
	if (pthread_key_create(&st->key, thread_ended) != 0)
		return lg_fail(cx, LG_E_LIMIT, "no key for thread-specific data left");
	return LG_OK;
}

void
lg_views_close(struct lg_store *st)
{
	pthread_key_delete(st->key);
	while (st->views != NULL) {
		struct lg_view *v = st->views;
		st->views = v->next;
		mdb_txn_abort(v->txn);
		free(v);
	}
	while (st->npool > 0)
		mdb_txn_abort(st->pool[--st->npool]);
}

static int
read_txn(struct lg_store *st, MDB_txn **ret)
{
	pthread_mutex_lock(&st->lock);
	MDB_txn *txn = st->npool > 0 ? st->pool[--st->npool] : NULL;
	pthread_mutex_unlock(&st->lock);
	if (txn != NULL) {
		*ret = txn;
		return mdb_txn_renew(txn);
	}
	int rc = mdb_txn_begin(st->env, NULL, MDB_RDONLY, ret);
	if (rc != MDB_READERS_FULL)
		return rc;
	int dead;
	mdb_reader_check(st->env, &dead);	/* slots of processes that were killed */
	return mdb_txn_begin(st->env, NULL, MDB_RDONLY, ret);
}

static lg_err
first_view(struct lg_ctx *cx, struct lg_store *st, struct lg_view **ret)
{
	MDB_txn *txn = NULL;
	int rc = read_txn(st, &txn);

	if (rc != 0) {
		mdb_txn_abort(txn);	/* one of the pool; NULL otherwise */
		return lg_lmdb_fail(cx, rc, "taking a snapshot");
	}
	struct lg_view *v = calloc(1, sizeof *v);
	if (v == NULL)
		abort();
	*v = (struct lg_view){ .st = st, .txn = txn, .live = true };
	pthread_mutex_lock(&st->lock);
	v->next = st->views;
	st->views = v;
	pthread_mutex_unlock(&st->lock);
	pthread_setspecific(st->key, v);
	*ret = v;
	return LG_OK;
}

lg_err
lg_view_begin(struct lg_ctx *cx, struct lg_store *st, struct lg_view **ret)
{
	struct lg_view *v = pthread_getspecific(st->key);

	if (v == NULL)
		LG_TRY(first_view(cx, st, &v));
	if (!v->live)
		LG_TRY(lg_lmdb_fail(cx, mdb_txn_renew(v->txn), "renewing a snapshot"));
	v->live = true;
	v->depth++;
	*ret = v;
	return LG_OK;
}

void
lg_view_end(struct lg_view **vp)
{
	if (*vp == NULL)
		return;
	assert((*vp)->depth > 0 && (*vp)->scope == NULL);
	(*vp)->depth--;
	*vp = NULL;
}

void
lg_store_turn(struct lg_store *st)
{
	struct lg_view *v = pthread_getspecific(st->key);

	if (v == NULL || !v->live || v->depth > 0)
		return;
	mdb_txn_reset(v->txn);
	v->live = false;
}

/* ---- reading single rows ------------------------------------------------------------------------ */

lg_err
lg_get(struct lg_ctx *cx, struct lg_view *v, const struct lg_table *t, lg_str key, lg_str *ret)
{
	MDB_val k = lg_val(key), val;
	MDB_dbi dbi = lg_dbi(v->st, t);

	if (dbi == 0)
		return lg_fail(cx, LG_E_INTERNAL, "table %s is not of this store", t->name);
	if (key.n == 0 || key.n > LG_KEY_MAX)	/* lg_put refuses it, so it is not there */
		return LG_E_NOT_FOUND;
	int rc = mdb_get(v->txn, dbi, &k, &val);
	if (rc == MDB_NOTFOUND)
		return LG_E_NOT_FOUND;
	LG_TRY(lg_lmdb_fail(cx, rc, t->name));
	/* Inside a mutation the next put may move the page: what was read there is copied. */
	*ret = v->scope == NULL ? lg_val_str(val) : lg_dup(v->scope->arena, lg_val_str(val));
	return LG_OK;
}

bool
lg_exists(struct lg_ctx *cx, struct lg_view *v, const struct lg_table *t, lg_str key)
{
	MDB_val k = lg_val(key), val;
	MDB_dbi dbi = lg_dbi(v->st, t);

	(void)cx;
	return dbi != 0 && key.n > 0 && key.n <= LG_KEY_MAX && mdb_get(v->txn, dbi, &k, &val) == 0;
}

lg_err
lg_table_count(struct lg_ctx *cx, struct lg_view *v, const struct lg_table *t, uint64_t *ret)
{
	MDB_stat s;

	if (lg_dbi(v->st, t) == 0)
		return lg_fail(cx, LG_E_INTERNAL, "table %s is not of this store", t->name);
	LG_TRY(lg_lmdb_fail(cx, mdb_stat(v->txn, lg_dbi(v->st, t), &s), t->name));
	*ret = s.ms_entries;
	return LG_OK;
}

uint64_t
lg_view_snapshot(const struct lg_view *v)
{
	return mdb_txn_id(v->txn);
}

uint64_t
lg_view_seq(const struct lg_view *v)
{
	/* What is remembered beside the snapshot is no part of it. */
	struct lg_view_at *at = (struct lg_view_at *)(uintptr_t)&v->at;
	struct lg_head h;
	struct lg_ctx cx;

	if (v->scope != NULL)
		return v->scope->batch->prev.seq;
	/* The environment numbers its snapshots: of the same number is the same head. */
	if (at->known && at->snapshot == mdb_txn_id(v->txn))
		return at->seq;
	lg_ctx_init(&cx, NULL);
	if (v->st->log->engine->head(&cx, v->st->log, v->txn, &h) != LG_OK)
		return 0;
	*at = (struct lg_view_at){ true, mdb_txn_id(v->txn), h.seq };
	return h.seq;
}

bool
lg_view_writable(const struct lg_view *v)
{
	return v->scope != NULL;
}
