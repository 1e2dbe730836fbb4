/* write.c: the one write transaction, and what the rest of the process learns of its commit. */
#include "store/internal.h"

#include <assert.h>

lg_err
lg_write_begin(struct lg_ctx *cx, struct lg_store *st, MDB_txn **ret)
{
	pthread_mutex_lock(&st->write);
	lg_err e = lg_lmdb_fail(cx, mdb_txn_begin(st->env, NULL, 0, ret), "beginning to write");
	if (e != LG_OK)
		pthread_mutex_unlock(&st->write);
	return e;
}

void
lg_write_abort(struct lg_store *st, MDB_txn *txn)
{
	mdb_txn_abort(txn);
	pthread_mutex_unlock(&st->write);
}

static void
publish(struct lg_store *st, const struct lg_head *head, unsigned long domains)
{
	LG_AUTO(lg_arena_free) struct lg_arena *a = lg_arena_new();
	struct lg_view *v;
	struct lg_ctx cx;

	lg_ctx_init(&cx, a);
	if (st->nhooks == 0 || lg_view_begin(&cx, st, &v) != LG_OK)
		return;
	assert(lg_view_seq(v) == head->seq);	/* who writes directly has no view open */
	for (size_t i = 0; i < st->nhooks; i++)
		st->hooks[i].fn(st->hooks[i].arg, v, head, domains);
	lg_view_end(&v);
}

lg_err
lg_write_commit(struct lg_ctx *cx, struct lg_store *st, MDB_txn *txn, const struct lg_head *head, unsigned long domains)
{
	lg_err e = lg_lmdb_fail(cx, mdb_txn_commit(txn), "committing");

	if (e == LG_OK && head != NULL) {
		pthread_mutex_lock(&st->lock);
		st->head = *head;
		pthread_mutex_unlock(&st->lock);
		lg_store_turn(st);	/* this thread's snapshot is of before */
		publish(st, head, domains);
		lg_store_turn(st);
	}
	pthread_mutex_unlock(&st->write);
	return e;
}

struct lg_head
lg_store_head(struct lg_store *st)
{
	pthread_mutex_lock(&st->lock);
	struct lg_head h = st->head;
	pthread_mutex_unlock(&st->lock);
	return h;
}

void
lg_store_on_commit(struct lg_store *st, lg_committed *fn, void *arg)
{
	pthread_mutex_lock(&st->write);
	assert(st->nhooks < LG_STORE_HOOKS);
	st->hooks[st->nhooks++] = (struct lg_hook){ fn, arg };
	pthread_mutex_unlock(&st->write);
}

void
lg_store_off_commit(struct lg_store *st, lg_committed *fn, void *arg)
{
	pthread_mutex_lock(&st->write);
	for (size_t i = 0; i < st->nhooks; i++)
		if (st->hooks[i].fn == fn && st->hooks[i].arg == arg) {
			st->hooks[i] = st->hooks[--st->nhooks];
			break;
		}
	pthread_mutex_unlock(&st->write);
}
