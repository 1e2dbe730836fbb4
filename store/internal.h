/*
 * internal.h: what the files of store/ share.  lmdb.h is seen here and nowhere else in the tree.
 *
 * One LMDB environment; the writer thread (writer.c) runs waiting jobs, each in a scope of its own (scope.c), and commits
 * them as one record (record.c) through the log's seam (log.h).  Whoever else must write (rebuild, replay, truncation)
 * takes the same lock, so that there is one write transaction at a time and the head moves under it alone.
 */
#ifndef LG_STORE_INTERNAL_H
#define LG_STORE_INTERNAL_H

#include <endian.h>
#include <lmdb.h>
#include <pthread.h>

#include "lightgate/store.h"
#include "store/log.h"
#include "store/record.h"

#ifdef __SANITIZE_THREAD__
#define LG_STORE_MAP		((size_t)1 << 36)	/* TSan keeps most of the address space for itself */
#else
#define LG_STORE_MAP		((size_t)1 << 40)	/* address space; the file grows as it is used */
#endif
#define LG_STORE_READERS	1024			/* reader slots: threads that ever read, and a reserve */
#define LG_STORE_HOOKS		8
#define LG_TABLES_MAX		200
#define LG_TABLE_OWN		0xff00			/* ids from here on are the store's own */
#define LG_BATCH_JOBS		512
#define LG_BATCH_BYTES		(16u << 20)		/* of effects: no further job joins the batch */
#define LG_BATCH_IDS		65536			/* lg_view_new_id has 16 bits for them */
#define LG_DERIVED_ROWS		65536			/* index rows one mutation may change */
#define LG_RETRIES		3

extern const struct lg_table lg_table_meta, lg_table_log, lg_table_audit, lg_table_blob, lg_table_revision;

struct lg_view_at {
	bool known;
	uint64_t snapshot, seq;		/* the environment's number of it, and ours of its last record */
};

struct lg_view {
	struct lg_store *st;
	MDB_txn *txn;
	struct lg_scope *scope;		/* NULL: a snapshot */
	unsigned depth;			/* lg_view_begin calls that have not ended */
	bool live;			/* the snapshot is taken; otherwise the transaction is reset */
	struct lg_view *next;		/* all views of the store */
	struct lg_view_at at;		/* the last snapshot that lg_view_seq was asked of */
};

/* What runs and is not yet committed: one record in the making. */
struct lg_batch {
	MDB_txn *txn;
	struct lg_head prev;
	struct lg_record_head head;
	struct lg_buf body;		/* header, then the changes of the jobs that succeeded */
	size_t header;			/* its length */
	uint32_t changes, ids;
	size_t rows;
	unsigned long domains;		/* bit per enum lg_domain */
};

/* One job's share of the batch; its transaction is nested in the batch's. */
struct lg_scope {
	struct lg_batch *batch;
	struct lg_arena *arena;		/* what was read in here, until the job ends */
	struct lg_buf effects;
	uint32_t neffects, ids;
	size_t bytes, derived;
	unsigned long domains;
	lg_str target, detail;
	bool audited;
	lg_err fault;			/* remembered: a mutation cannot go on over it */
};

/* Where the record clock was last tied to the wall clock, and what CLOCK_BOOTTIME said then. */
struct lg_anchor {
	int64_t wall, boot;
};

struct lg_hook {
	lg_committed *fn;
	void *arg;
};

struct lg_store {
	MDB_env *env;
	int dirfd;			/* locked: one process a store */
	char *dir, *archive;
	char *node;
	const struct lg_table *const *tables;
	size_t ntables;
	uint16_t *dbi;			/* by table id; 0: not ours (LMDB's own handles are 0 and 1) */
	const struct lg_table **by_id;
	struct lg_log *log;
	uint64_t incarnation, batch;

	pthread_mutex_t write;		/* held through every write transaction */
	bool nosync;
	size_t room;			/* octets of the file that were written to; with the lock (room.c) */
	struct lg_hook hooks[LG_STORE_HOOKS];
	size_t nhooks;

	pthread_mutex_t snapshot;	/* held by lg_store_snapshot */
	pthread_mutex_t lock;		/* what follows, for moments */
	struct lg_head head;
	struct lg_anchor anchor;	/* record time runs ahead of it only so far (clock.c) */
	struct lg_view *views;
	MDB_txn *pool[LG_STORE_READERS];	/* reset read transactions of threads that ended */
	size_t npool;
	pthread_key_t key;		/* this thread's view */
	bool keyed;

	struct lg_writer *writer;
};

/* errors.c */
lg_err lg_lmdb_err(int rc);
lg_err lg_lmdb_fail(struct lg_ctx *cx, int rc, const char *what);

static inline MDB_val
lg_val(lg_str s)
{
	return (MDB_val){ s.n, (void *)(uintptr_t)s.p };
}

static inline lg_str
lg_val_str(MDB_val v)
{
	return (lg_str){ v.mv_data, v.mv_size };
}

static inline MDB_dbi
lg_dbi(const struct lg_store *st, const struct lg_table *t)
{
	return st->dbi[t->id];
}

static inline void
lg_be32(char *p, uint32_t v)
{
	v = htobe32(v);
	memcpy(p, &v, sizeof v);
}

static inline void
lg_be64(char *p, uint64_t v)
{
	v = htobe64(v);
	memcpy(p, &v, sizeof v);
}

/* meta.c: the rows a store keeps about itself. */
lg_err lg_meta_get(struct lg_ctx *cx, struct lg_store *st, MDB_txn *txn, const char *name, lg_str *ret);
lg_err lg_meta_put(struct lg_ctx *cx, struct lg_store *st, MDB_txn *txn, const char *name, lg_str value);
lg_err lg_meta_u64(struct lg_ctx *cx, struct lg_store *st, MDB_txn *txn, const char *name, uint64_t fallback, uint64_t *ret);
lg_err lg_meta_u64_put(struct lg_ctx *cx, struct lg_store *st, MDB_txn *txn, const char *name, uint64_t v);

uint64_t lg_nonce_new(void);		/* what tells an epoch from others of the same number */

/* migrate.c: steps from one format to the next, each in the transaction it is given. */
struct lg_migration {
	uint64_t from;			/* to from + 1 */
	lg_err (*run)(struct lg_ctx *cx, struct lg_store *st, MDB_txn *txn);
};
lg_err lg_store_migrate(struct lg_ctx *cx, struct lg_store *st, MDB_txn *txn, uint64_t target,
    const struct lg_migration *steps, size_t n);
extern const struct lg_migration lg_migrations[];
extern const size_t lg_nmigrations;

/* write.c: the one write transaction. */
lg_err lg_write_begin(struct lg_ctx *cx, struct lg_store *st, MDB_txn **ret);
/* Ends the transaction in every case.  With a head: it becomes the store's, and the hooks hear of `domains`. */
lg_err lg_write_commit(struct lg_ctx *cx, struct lg_store *st, MDB_txn *txn, const struct lg_head *head, unsigned long domains);
void lg_write_abort(struct lg_store *st, MDB_txn *txn);

/* view.c */
lg_err lg_views_open(struct lg_ctx *cx, struct lg_store *st);
void lg_views_close(struct lg_store *st);

/* scope.c */
lg_err lg_scope_fault(struct lg_ctx *cx, struct lg_view *v, lg_err e, const char *fmt, ...) LG_PRINTF(4, 5);
void lg_scope_reset(struct lg_scope *sc, struct lg_batch *b, struct lg_ctx *cx);
void lg_scope_free(struct lg_scope *sc);
lg_err lg_scope_effect(struct lg_ctx *cx, struct lg_view *v, const struct lg_effect *e);
/* One row from `old` (NULL: absent) to `value` (NULL: removed), its index rows and its domain's revision with it. */
lg_err lg_row_change(struct lg_ctx *cx, struct lg_view *v, const struct lg_table *t, lg_str key, const lg_str *old, const lg_str *value);

/* derive.c: the index rows of one row, as a list in key order. */
struct lg_derived {
	const struct lg_table *index;
	lg_str key, value;
	size_t order;
};
struct lg_derive {
	struct lg_store *st;
	struct lg_arena *arena;
	struct lg_derived *v;
	size_t n, size;
	const char *fault;
};
lg_err lg_derive_rows(struct lg_ctx *cx, struct lg_store *st, struct lg_arena *a, const struct lg_table *t, lg_str key, const lg_str *value, struct lg_derive *ret);
lg_err lg_derive_apply(struct lg_ctx *cx, struct lg_view *v, const struct lg_table *t, lg_str key, const lg_str *old, const lg_str *value);

/* revision.c */
lg_err lg_revision_bump(struct lg_ctx *cx, struct lg_view *v, const struct lg_table *t, lg_str key);

/* batch.c: jobs to record. */
void lg_batch_free(struct lg_batch *b);
lg_err lg_batch_begin(struct lg_ctx *cx, struct lg_store *st, struct lg_batch *b);
lg_err lg_batch_run(struct lg_store *st, struct lg_batch *b, struct lg_scope *sc, struct lg_job *job);
bool lg_batch_has_room(const struct lg_batch *b);
/* Commits, or aborts when nothing was changed; ends the batch in every case.  ret only when something was. */
lg_err lg_batch_commit(struct lg_ctx *cx, struct lg_store *st, struct lg_batch *b, struct lg_head *ret);

/* audit.c: index rows to the change headers of a record. */
lg_err lg_audit_count(struct lg_ctx *cx, struct lg_view *v, uint64_t from, uint64_t *ret);
lg_err lg_audit_index(struct lg_ctx *cx, struct lg_store *st, MDB_txn *txn, lg_str body);

/* verify.c: every record from `from` on that there is, in the archive or the log, in order. */
lg_err lg_log_walk(struct lg_ctx *cx, struct lg_store *st, MDB_txn *txn, uint64_t from, lg_log_each *each, void *arg);
lg_err lg_log_first(struct lg_ctx *cx, struct lg_store *st, MDB_txn *txn, uint64_t *ret);	/* in the log; UINT64_MAX: it is empty */

/* room.c: on the writer's thread, between batches. */
void lg_room_ahead(struct lg_store *st);

/* writer.c */
lg_err lg_writer_start(struct lg_ctx *cx, struct lg_store *st);
void lg_writer_stop(struct lg_store *st);

/* clock.c */
int64_t lg_clock_next(const struct lg_anchor *a, int64_t wall, int64_t boot, int64_t last);
enum lg_clock_state lg_clock_judge(const struct lg_anchor *a, int64_t wall, int64_t boot, int64_t last);
struct lg_anchor lg_clock_start(int64_t wall, int64_t boot, int64_t last);	/* in a boot that is new to the store */
lg_err lg_clock_load(struct lg_ctx *cx, struct lg_store *st, MDB_txn *txn);

#endif
