/*
 * log.h: the seam under which the log may live elsewhere: nine functions, one file per engine, and nothing above store/
 * knows which one is in use.  log_lmdb.c is the embedded engine: the record is a row of the same transaction as its effects.
 */
#ifndef LG_STORE_LOG_H
#define LG_STORE_LOG_H

#include "lightgate/store.h"

struct MDB_txn;

struct lg_log {
	const struct lg_log_engine *engine;
	struct lg_store *st;
};

enum lg_appended {
	LG_APPENDED,			/* it is the log's next record once the scope commits */
	LG_APPEND_CONFLICT,		/* somebody was faster: what was missed arrives by tail, the batch runs again */
	LG_APPEND_UNKNOWN,		/* no answer: read the log before anything else is said about it */
	LG_APPEND_UNAVAILABLE		/* certainly not appended; *why and cx->error say the reason */
};

struct lg_log_record {
	uint64_t seq;
	lg_sha256 hash;
	lg_str body;
};
typedef bool lg_log_each(void *arg, const struct lg_log_record *r);	/* false ends it */

struct lg_log_member {
	lg_str node;
	uint64_t incarnation;
	uint64_t seq;			/* applied */
};

struct lg_log_engine {
	const char *name;
	lg_err (*open)(struct lg_ctx *cx, struct lg_store *st, struct lg_log **ret);
	/* The head as `scope` sees it: epoch 0 and seq 0 for an empty log. */
	lg_err (*head)(struct lg_ctx *cx, struct lg_log *log, struct MDB_txn *scope, struct lg_head *ret);
	/* The blobs that the record names are rows of the scope; an engine that keeps them elsewhere makes them durable there
	 * before the record. */
	enum lg_appended (*append)(struct lg_ctx *cx, struct lg_log *log, struct MDB_txn *scope, const struct lg_head *expected,
	    const struct lg_log_record *record, lg_err *why);
	/* Records from..to, in order; ends quietly where the log ends. */
	lg_err (*read)(struct lg_ctx *cx, struct lg_log *log, struct MDB_txn *scope, uint64_t from, uint64_t to,
	    lg_log_each *each, void *arg);
	/* Every record that others append from now on; the embedded engine has no others. */
	lg_err (*tail)(struct lg_ctx *cx, struct lg_log *log, lg_log_each *each, void *arg);
	/* At most *removed records below `below`, oldest first; says how many.  The newest record is never removed. */
	lg_err (*truncate)(struct lg_ctx *cx, struct lg_log *log, struct MDB_txn *scope, uint64_t below, size_t *removed);
	/* The row (digest, sealed bytes) that a record's blob effect names by its key. */
	lg_err (*blob_get)(struct lg_ctx *cx, struct lg_log *log, struct MDB_txn *scope, lg_str key, lg_str *ret);
	lg_err (*members)(struct lg_ctx *cx, struct lg_log *log, struct lg_log_member *ret, size_t max, size_t *n);
	void (*close)(struct lg_log **log);
};

extern const struct lg_log_engine lg_log_lmdb;

#endif
