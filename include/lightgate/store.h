/*
 * store.h: named tables on LMDB, one writer thread with group commit, the hash-chained change log, blobs, backup.
 * One store per process; threads share it.
 *
 * A mutation is a short, repeatable function: it reads through its view, writes only primary tables, and becomes one
 * *change* of the batch's record.  Index rows are made by the table's derive function alone, so that replay, rebuild and
 * online indexing give the same rows.  The callers of a batch hear success after its one sync.
 */
#ifndef LIGHTGATE_STORE_H
#define LIGHTGATE_STORE_H

#include "base/mailbox.h"
#include "lightgate/crypto.h"

#define LG_KEY_MAX		500		/* LMDB allows 511 */
#define LG_VALUE_MAX		(4u << 20)
#define LG_MUTATION_ROWS	10000
#define LG_MUTATION_BYTES	(4u << 20)
#define LG_STORE_QUEUE		4096		/* waiting mutations; beyond it LG_E_BUSY */
#define LG_STORE_FORMAT		5

struct lg_store;
struct lg_view;			/* a snapshot, or the inside of a mutation: one set of getters for both */
struct lg_derive;

/* What a commit changes; caches are keyed by the revisions of the domains they read. */
enum lg_domain {
	LG_DOMAIN_NONE, LG_DOMAIN_ENTRY, LG_DOMAIN_MEMBERSHIP, LG_DOMAIN_POLICY, LG_DOMAIN_TRUST, LG_DOMAIN_CLIENTS,
	LG_DOMAIN_SCHEMA, LG_DOMAIN_WHEREABOUTS, LG_DOMAINS
};

/*
 * A table belongs to one component, which declares it as a constant.  Keys begin with the tenant (u32) except in tables of
 * the service itself.  `id` stands in log records and never changes; 0 and those from 0xff00 on are the store's own.
 */
struct lg_table {
	const char *name;
	uint16_t id;
	bool derived;			/* index rows only: no effects, written only by derive */
	bool service;			/* keys have no tenant in front */
	enum lg_domain domain;		/* bumped for the key's tenant by every change of a row */
	/* Emits the index rows that follow from a row: called with the old row and with the new one, and what differs is removed and
	 * added.  Pure: reads nothing but its arguments.  No two rows emit one index key: it contains
	 * its row's key, or is unique (a name) and the value says whose it is. */
	void (*derive)(struct lg_derive *d, lg_str key, lg_str value);
};
/* A key of over LG_KEY_MAX octets fails the mutation: cut or hash long values. */
void lg_emit(struct lg_derive *d, const struct lg_table *index, lg_str key, lg_str value);

struct lg_store_options {
	const char *dir;			/* DATA/store */
	const char *archive;			/* DATA/archive */
	size_t map_size;			/* 0: 1 TiB of address space */
	const struct lg_table *const *tables;
	size_t ntables;
	lg_str node;				/* this node's name in records */
	bool nosync;				/* tests and bulk load only */
};
LG_CHECKED lg_err lg_store_open(struct lg_ctx *cx, const struct lg_store_options *o, struct lg_store **ret);
void lg_store_close(struct lg_store **st);	/* waits for the writer's queue; mailboxes that jobs named are freed after it */

/* ---- reading ------------------------------------------------------------------------------------
 * A thread's view is renewed on first use and given back at the end of its turn; what must outlive it is copied.  Slices are
 * good until lg_store_turn; inside a mutation until it returns, whatever it writes meanwhile.  Every thread that reads ends
 * its turns, workers after each piece of work: a snapshot that is kept makes the file grow.
 */
LG_CHECKED lg_err lg_view_begin(struct lg_ctx *cx, struct lg_store *st, struct lg_view **ret);	/* nests: one snapshot per thread */
void lg_view_end(struct lg_view **v);		/* safe on NULL; the snapshot itself is kept until the turn ends */
void lg_store_turn(struct lg_store *st);	/* end of a turn on this thread: its snapshot is reset */
uint64_t lg_view_snapshot(const struct lg_view *v);	/* snapshots of one number show the same */
uint64_t lg_view_seq(const struct lg_view *v);	/* sequence number of the last record it sees */

LG_CHECKED lg_err lg_get(struct lg_ctx *cx, struct lg_view *v, const struct lg_table *t, lg_str key, lg_str *ret);	/* LG_E_NOT_FOUND without a sentence */
bool lg_exists(struct lg_ctx *cx, struct lg_view *v, const struct lg_table *t, lg_str key);
uint64_t lg_revision(struct lg_view *v, uint32_t tenant, enum lg_domain d);

struct lg_cursor {
	void *lmdb;
	lg_str prefix;			/* must stay valid */
	struct lg_view *view;
	const struct lg_table *table;
	bool started;
	lg_str from;
};
/* Rows whose key starts with prefix, in key order, beginning at `from` (a whole key; empty: the first). */
LG_CHECKED lg_err lg_scan(struct lg_ctx *cx, struct lg_view *v, const struct lg_table *t, lg_str prefix, lg_str from, struct lg_cursor *ret);
bool lg_cursor_next(struct lg_cursor *c, lg_str *key, lg_str *value);
void lg_cursor_end(struct lg_cursor *c);	/* for LG_AUTO */
LG_CHECKED lg_err lg_table_count(struct lg_ctx *cx, struct lg_view *v, const struct lg_table *t, uint64_t *ret);

/* ---- writing: only inside a mutation -------------------------------------------------------------- */

struct lg_job {
	struct lg_note note;		/* posted to `reply` when the batch is durable (or the job failed) */
	lg_err (*run)(struct lg_ctx *cx, struct lg_view *v, struct lg_job *job);
	struct lg_mailbox *reply;	/* note.run is called by its owner; NULL: on the writer thread, where it must not wait */
	struct lg_ctx *cx;		/* belongs to the writer until the reply; its actor is recorded, its error set */
	uint32_t tenant;
	const char *operation;		/* "user.create": stable, stands in the audit row */
	lg_err result;
	uint64_t seq;			/* of the record, on success; 0 if nothing was changed */
	/* the writer's own */
	struct lg_job *next;
};
/* Never blocks; LG_E_BUSY when the queue is full (then no reply follows). */
LG_CHECKED lg_err lg_store_submit(struct lg_store *st, struct lg_job *job);
/* Submits and waits.  For workers, never for loops.  run may be called again after LG_E_RETRY is returned (at most 3 times), and
 * when the map is full and its batch is tried job by job.  Ends this thread's turn, unless a view is open: what it reads next
 * shows its change. */
void lg_store_loop_thread(void);		/* says that this thread is a loop: lg_store_apply on it is an assertion */
typedef lg_err lg_mutation(struct lg_ctx *cx, struct lg_view *v, void *arg);
LG_CHECKED lg_err lg_store_apply(struct lg_ctx *cx, struct lg_store *st, uint32_t tenant, const char *operation,
    lg_mutation *run, void *arg, uint64_t *seq);
/* The same for loops, which do not wait: LG_PENDING, and the owner of `reply` calls `then` with what became of it.  Any other code: it will not
 * be called.  cx and what arg points to are the writer's until then. */
LG_CHECKED lg_err lg_store_later(struct lg_ctx *cx, struct lg_store *st, uint32_t tenant, const char *operation, lg_mutation *run,
    void (*then)(void *arg, lg_err e), void *arg, struct lg_mailbox *reply);

/* A row that is already so makes no effect.  A fault (limit, full map) fails the mutation even if its error is overlooked. */
LG_CHECKED lg_err lg_put(struct lg_ctx *cx, struct lg_view *v, const struct lg_table *t, lg_str key, lg_str value);
LG_CHECKED lg_err lg_del(struct lg_ctx *cx, struct lg_view *v, const struct lg_table *t, lg_str key);	/* LG_E_NOT_FOUND */
/* Inside a mutation: */
int64_t lg_view_time(const struct lg_view *v);		/* the record's time; not before the last record's */
struct lg_arena *lg_view_arena(struct lg_view *v);	/* until the mutation ends; for one whose context brings none */
uint64_t lg_view_new_id(struct lg_view *v);		/* seq << 16 | index: rises, never used twice */
/* The audit row's target and detail (JSON object, no secrets); without it the row names operation and actor only. */
void lg_audit(struct lg_view *v, lg_str target, lg_str detail);
bool lg_view_writable(const struct lg_view *v);

/* ---- bulk load: into a store that nobody serves ---------------------------------------------------------
 * Opened with nosync, a copy that takes the store's place when all went well: what is left after a failure is thrown away.  Rows are
 * new and of one tenant; they make no effects, and the mutations in which they are put say in their audit rows what was loaded.  Index
 * rows are there after lg_load_end only.
 */
struct lg_load;
LG_CHECKED lg_err lg_load_new(struct lg_ctx *cx, struct lg_store *st, struct lg_load **ret);
void lg_load_free(struct lg_load **ld);		/* safe on NULL */
/* Inside a mutation.  ascending: keys of this table come in order; others wait until the end, like index rows. */
LG_CHECKED lg_err lg_load_put(struct lg_ctx *cx, struct lg_load *ld, struct lg_view *v, const struct lg_table *t, lg_str key, lg_str value,
    bool ascending);
LG_CHECKED lg_err lg_load_blob(struct lg_ctx *cx, struct lg_load *ld, uint32_t tenant, lg_str sealed, lg_uuid *id);
/* Rows so far, and the digest of them all: SHA-256(digest before, SHA-256(key, value)). */
void lg_load_tell(const struct lg_load *ld, uint64_t *rows, lg_sha256 *digest);
/* Outside of mutations.  LG_E_EXISTS: two rows had one index key.  progress (may be NULL) is called now and then; its error ends it. */
LG_CHECKED lg_err lg_load_end(struct lg_ctx *cx, struct lg_load *ld, lg_err (*progress)(void *arg, uint64_t rows), void *arg);

/* ---- secret blobs: beside the log, never in it ------------------------------------------------------
 * The record holds (id, SHA-256 of the sealed bytes); the bytes live in a table that only backup reads.
 */
LG_CHECKED lg_err lg_blob_put(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_str sealed, lg_uuid *id);
LG_CHECKED lg_err lg_blob_get(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_uuid id, lg_str *sealed);
LG_CHECKED lg_err lg_blob_del(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_uuid id);

/* ---- the log ------------------------------------------------------------------------------------------ */

struct lg_head {
	uint32_t epoch;
	uint64_t seq;
	lg_sha256 hash;
	int64_t time;
};
struct lg_head lg_store_head(struct lg_store *st);

/*
 * Record time runs ahead of its anchor by at most elapsed CLOCK_BOOTTIME + 5 min within a boot.  AHEAD (also: over 30 days
 * between boots) and BACK (over 5 min) mean that nothing should be issued until the operator accepts the wall clock.
 */
enum lg_clock_state { LG_CLOCK_FINE, LG_CLOCK_AHEAD, LG_CLOCK_BACK };
enum lg_clock_state lg_store_clock(struct lg_store *st);
LG_CHECKED lg_err lg_store_clock_accept(struct lg_ctx *cx, struct lg_store *st);

/* One audit row: the header of one change. */
struct lg_change {
	uint64_t seq;
	uint32_t index;			/* within the record */
	uint32_t tenant;
	int64_t time;
	enum lg_actor_kind kind;
	lg_uuid actor;
	lg_str actor_type, actor_name, address, operation, target, detail;
};
/* From the newest backwards (before = 0) or before a sequence number; false from the callback ends it. */
typedef bool lg_change_each(void *arg, const struct lg_change *c);
LG_CHECKED lg_err lg_changes(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, uint64_t before, lg_change_each *each, void *arg);
/* Walks the whole chain.  LG_E_CORRUPT with the first record that does not fit.  body hashes go to `each` when given. */
typedef bool lg_record_each(void *arg, uint64_t seq, const lg_sha256 *body, const lg_sha256 *hash);
LG_CHECKED lg_err lg_log_verify(struct lg_ctx *cx, struct lg_store *st, uint64_t from, lg_record_each *each, void *arg, struct lg_head *ret);
/* The records themselves, from `from` on, archived ones included; body is good during the call.  For restore and replicas. */
typedef bool lg_record_read(void *arg, uint64_t seq, lg_str body);
LG_CHECKED lg_err lg_log_read(struct lg_ctx *cx, struct lg_store *st, uint64_t from, lg_record_read *each, void *arg);
/* Applies a record of another store as it is.  It must follow the head (LG_E_CONFLICT: by number, LG_E_CORRUPT: by hash).
 * `blob` gives the sealed bytes of a blob by its key; LG_E_NOT_FOUND (or no function) leaves it out, as if erased. */
typedef lg_err lg_replay_blob(void *arg, lg_str key, lg_str *sealed);
LG_CHECKED lg_err lg_store_replay(struct lg_ctx *cx, struct lg_store *st, lg_str body, lg_replay_blob *blob, void *arg);
/* Is called on the committing thread after every record, before the callers are answered: snapshots are published here.  It
 * must not write or wait.  At most 8. */
typedef void lg_committed(void *arg, struct lg_view *v, const struct lg_head *head, unsigned long domains);	/* bit per enum lg_domain */
void lg_store_on_commit(struct lg_store *st, lg_committed *fn, void *arg);
void lg_store_off_commit(struct lg_store *st, lg_committed *fn, void *arg);	/* waits for a commit that is under way */

/* ---- backup and restore --------------------------------------------------------------------------------- */

LG_CHECKED lg_err lg_store_backup(struct lg_ctx *cx, struct lg_store *st, const char *file);	/* compact copy; the caller encrypts */
/* A compact copy to the archive, then the records below it move there, compressed; lg_changes, lg_log_read and
 * lg_log_verify go on reading them.  Unless forced it does nothing before a day or 512 MiB of log have passed.  For a worker. */
LG_CHECKED lg_err lg_store_snapshot(struct lg_ctx *cx, struct lg_store *st, bool force);
/*
 * Online indexing.  A step puts the index rows (those of `index` that begin with prefix) of at most `most` rows of a primary table whose
 * keys are `rows` and an id of eight octets, and moves the mark.  A mark is this node's own: 0 at first, LG_MARK_DONE at the end.
 * For workers without a view; while no mutation's derive has stopped making these rows.
 */
#define LG_MARK_DONE UINT64_MAX
struct lg_index_step {
	const struct lg_table *table;
	lg_str rows;
	const struct lg_table *index;
	lg_str prefix;
	size_t most;
	const char *mark;
};
LG_CHECKED lg_err lg_store_derive_step(struct lg_ctx *cx, struct lg_store *st, const struct lg_index_step *s, bool *done);
/* Removes at most `most` index rows; at the end the mark (NULL: none) becomes 1. */
LG_CHECKED lg_err lg_store_purge_step(struct lg_ctx *cx, struct lg_store *st, const struct lg_table *index, lg_str prefix, size_t most,
    const char *mark, bool *done);
LG_CHECKED lg_err lg_store_mark(struct lg_ctx *cx, struct lg_view *v, const char *name, uint64_t *ret);
LG_CHECKED lg_err lg_store_rebuild(struct lg_ctx *cx, struct lg_store *st);			/* all derived tables from the primary ones */
LG_CHECKED lg_err lg_store_check(struct lg_ctx *cx, struct lg_store *st, uint64_t *rows, uint64_t *faults);	/* derived == derive(primary)? */
LG_CHECKED lg_err lg_store_new_epoch(struct lg_ctx *cx, struct lg_store *st, lg_str why);		/* restore --accept-loss */

/* Figures, from any thread, without a snapshot. */
struct lg_store_stats {
	uint64_t used, size;		/* octets of the file in use, and of its map */
	uint64_t behind;		/* commits since the oldest snapshot that somebody still holds; 0: nobody lags */
};
LG_CHECKED lg_err lg_store_stats(struct lg_ctx *cx, struct lg_store *st, struct lg_store_stats *ret);

/* ---- decision segments: append-only, hash-chained files; one thread owns them ------------------------------ */

struct lg_segments;
struct lg_decision {			/* one record */
	uint32_t tenant;
	int64_t time;
	lg_str body;			/* JSON object, one line, no secrets */
	bool wait;			/* the waiter hears after the sync */
	bool later;			/* with wait: lg_segments_hurry follows soon, so that what is appended until then shares the sync */
	struct lg_mailbox *reply;	/* NULL: note.run is called on the log's thread, where it must not wait */
	struct lg_note note;		/* posted when durable, if wait; without wait the record may be forgotten at once */
	lg_err result;
};
LG_CHECKED lg_err lg_segments_open(struct lg_ctx *cx, const char *dir, size_t buffer, struct lg_segments **ret);	/* repairs a torn tail */
void lg_segments_close(struct lg_segments **sg);
/* Never blocks.  Copies body.  LG_E_BUSY when the bounded buffer is full or the log cannot be written. */
LG_CHECKED lg_err lg_segments_append(struct lg_segments *sg, struct lg_decision *d);
void lg_segments_hurry(struct lg_segments *sg);	/* whoever waits is written and synced now */
/* For workers and tests: append and wait for the sync. */
LG_CHECKED lg_err lg_segments_apply(struct lg_ctx *cx, struct lg_segments *sg, uint32_t tenant, lg_str body);
struct lg_head lg_segments_head(struct lg_segments *sg);	/* of what is synced */
/* Body digests of records (from, head], 32 octets each, at most max records: what the keeper extends its mark with. */
LG_CHECKED lg_err lg_segments_digests(struct lg_ctx *cx, struct lg_segments *sg, uint64_t from, size_t max, lg_str *ret);
typedef bool lg_decision_each(void *arg, uint64_t seq, uint32_t tenant, int64_t time, lg_str body);
LG_CHECKED lg_err lg_segments_read(struct lg_ctx *cx, const char *dir, uint64_t from, lg_decision_each *each, void *arg);
LG_CHECKED lg_err lg_segments_new_epoch(struct lg_ctx *cx, const char *dir);	/* restore --accept-loss; while nothing has it open */
LG_CHECKED lg_err lg_segments_verify(struct lg_ctx *cx, const char *dir, struct lg_head *ret);	/* LG_E_CORRUPT names file and record */

#endif
