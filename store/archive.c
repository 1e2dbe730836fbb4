/*
 * archive.c: a compact copy of the store, then the records below it leave the log for compressed files beside it.  Each step
 * is durable before the next, so that a crash leaves a record twice at most; readers take it once.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>
#include <zstd.h>

#include "base/clock.h"
#include "base/file.h"
#include "store/archive.h"
#include "store/internal.h"

#define LG_SNAPSHOT_EVERY	LG_DAY
#define LG_SNAPSHOT_LOG		((size_t)512 << 20)
#define LG_TRUNCATE_STEP	1000	/* records a write transaction: others get between */

/* ---- writing frames ----------------------------------------------------------------------------------------- */

struct writing {
	struct lg_ctx *cx;
	int fd;
	const char *path;
	struct lg_buf raw, packed;
	struct lg_frame frame;
	lg_err e;
};

static lg_err
write_frame(struct writing *w)
{
	if (w->raw.n == 0)
		return LG_OK;
	LG_TRY(lg_buf_status(w->cx, &w->raw));
	lg_buf_clear(&w->packed);
	size_t bound = ZSTD_compressBound(w->raw.n);
	if (!lg_buf_reserve(&w->packed, LG_FRAME_HEADER + bound))
		return lg_buf_status(w->cx, &w->packed);
	size_t n = ZSTD_compress(w->packed.p + LG_FRAME_HEADER, bound, w->raw.p, w->raw.n, ZSTD_CLEVEL_DEFAULT);
	if (ZSTD_isError(n))
		return lg_fail(w->cx, LG_E_INTERNAL, "%s: %s", w->path, ZSTD_getErrorName(n));
	w->frame.raw = (uint32_t)w->raw.n;
	w->frame.packed = (uint32_t)n;
	w->frame.check = lg_frame_check((lg_str){ w->packed.p + LG_FRAME_HEADER, n });
	lg_frame_put(&w->packed, &w->frame);	/* in front: the buffer is still empty */
	if (!lg_write_all(w->fd, w->packed.p, LG_FRAME_HEADER + n))
		return lg_fail(w->cx, errno == ENOSPC ? LG_E_FULL : LG_E_IO, "%s: %s", w->path, strerror(errno));
	lg_buf_clear(&w->raw);
	return LG_OK;
}

static bool
add_record(void *arg, const struct lg_log_record *r)
{
	struct writing *w = arg;

	if (w->raw.n == 0)
		w->frame.first = r->seq;
	w->frame.last = r->seq;
	lg_buf_u64(&w->raw, r->seq);
	lg_buf_bytes(&w->raw, r->hash.b, sizeof r->hash.b);
	lg_buf_str32(&w->raw, r->body);
	if (w->raw.n >= LG_FRAME_RAW)
		w->e = write_frame(w);
	return w->e == LG_OK;
}

static lg_err
fill_file(struct writing *w, struct lg_store *st, uint64_t from, uint64_t to)
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;

	LG_TRY(lg_view_begin(w->cx, st, &v));
	LG_TRY(st->log->engine->read(w->cx, st->log, v->txn, from, to, add_record, w));
	LG_TRY(w->e);
	LG_TRY(write_frame(w));
	if (fsync(w->fd) != 0)
		return lg_fail(w->cx, LG_E_IO, "%s: %s", w->path, strerror(errno));
	return LG_OK;
}

static lg_err
archive_records(struct lg_ctx *cx, struct lg_store *st, uint64_t from, uint64_t to)
{
	lg_str part = lg_print(cx->arena, "%s/log.part", st->archive);
	lg_str path = lg_print(cx->arena, "%s/%016" PRIx64 "-%016" PRIx64 ".log", st->archive, from, to);
	struct writing w = { .cx = cx, .path = part.p, .raw = LG_BUF(LG_FRAME_MAX), .packed = LG_BUF(LG_FRAME_MAX + (1u << 20)) };

	w.fd = open(part.p, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (w.fd < 0)
		return lg_fail(cx, LG_E_IO, "%s: %s", part.p, strerror(errno));
	lg_err e = fill_file(&w, st, from, to);
	close(w.fd);
	lg_buf_free(&w.raw);
	lg_buf_free(&w.packed);
	if (e == LG_OK && rename(part.p, path.p) != 0)
		e = lg_fail(cx, LG_E_IO, "%s: %s", path.p, strerror(errno));
	if (e == LG_OK)
		return lg_dir_sync_of(cx, path.p);
	unlink(part.p);
	return e;
}

/* ---- the snapshot --------------------------------------------------------------------------------------------- */

static lg_err
truncate_log(struct lg_ctx *cx, struct lg_store *st, uint64_t below)
{
	size_t n = LG_TRUNCATE_STEP;
	MDB_txn *txn;

	while (n == LG_TRUNCATE_STEP) {
		LG_TRY(lg_write_begin(cx, st, &txn));
		lg_err e = st->log->engine->truncate(cx, st->log, txn, below, &n);
		if (e != LG_OK) {
			lg_write_abort(st, txn);
			return e;
		}
		LG_TRY(lg_write_commit(cx, st, txn, NULL, 0));
	}
	return LG_OK;
}

/* Of the copies only the newest is needed. */
static void
forget_older(const struct lg_store *st, uint64_t seq)
{
	DIR *d = opendir(st->archive);
	struct dirent *e;
	uint64_t n;
	char again[40];

	while (d != NULL && (e = readdir(d)) != NULL) {
		if (sscanf(e->d_name, "snapshot-%16" SCNx64 ".mdb", &n) != 1 || n >= seq)
			continue;
		snprintf(again, sizeof again, "snapshot-%016" PRIx64 ".mdb", n);
		if (strcmp(e->d_name, again) == 0)
			unlinkat(dirfd(d), again, 0);
	}
	if (d != NULL)
		closedir(d);
}

static lg_err
note_snapshot(struct lg_ctx *cx, struct lg_store *st, const struct lg_head *head)
{
	MDB_txn *txn;

	LG_TRY(lg_write_begin(cx, st, &txn));
	lg_err e = lg_meta_u64_put(cx, st, txn, "snapshot.seq", head->seq);
	if (e == LG_OK)
		e = lg_meta_u64_put(cx, st, txn, "snapshot.time", (uint64_t)lg_wall());
	if (e == LG_OK)
		return lg_write_commit(cx, st, txn, NULL, 0);
	lg_write_abort(st, txn);
	return e;
}

static lg_err
due(struct lg_ctx *cx, struct lg_store *st, const struct lg_head *head, bool force, uint64_t *first, bool *ret)
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;
	uint64_t seq, time;
	MDB_stat s;

	LG_TRY(lg_view_begin(cx, st, &v));
	LG_TRY(lg_meta_u64(cx, st, v->txn, "snapshot.seq", 0, &seq));
	LG_TRY(lg_meta_u64(cx, st, v->txn, "snapshot.time", 0, &time));
	LG_TRY(lg_lmdb_fail(cx, mdb_stat(v->txn, lg_dbi(st, &lg_table_log), &s), "the log"));
	LG_TRY(lg_log_first(cx, st, v->txn, first));
	size_t size = (s.ms_branch_pages + s.ms_leaf_pages + s.ms_overflow_pages) * s.ms_psize;
	*ret = head->seq > seq && (force || size >= LG_SNAPSHOT_LOG || lg_wall() - (int64_t)time >= LG_SNAPSHOT_EVERY);
	return LG_OK;
}

static lg_err
snapshot(struct lg_ctx *cx, struct lg_store *st, bool force)
{
	struct lg_head head = lg_store_head(st);
	uint64_t first;
	bool now;

	LG_TRY(due(cx, st, &head, force, &first, &now));
	lg_store_turn(st);
	if (!now)
		return LG_OK;
	LG_TRY(lg_dir_make(cx, st->archive, 0700));
	LG_TRY(lg_store_backup(cx, st, lg_print(cx->arena, "%s/snapshot-%016" PRIx64 ".mdb", st->archive, head.seq).p));
	if (first < head.seq) {
		LG_TRY(archive_records(cx, st, first, head.seq - 1));
		lg_store_turn(st);
		LG_TRY(truncate_log(cx, st, head.seq));
	}
	LG_TRY(note_snapshot(cx, st, &head));
	forget_older(st, head.seq);
	return LG_OK;
}

lg_err
lg_store_snapshot(struct lg_ctx *cx, struct lg_store *st, bool force)
{
	if (st->archive == NULL)
		return lg_fail(cx, LG_E_UNSUPPORTED, "the store has no archive");
	if (pthread_mutex_trylock(&st->snapshot) != 0)
		return lg_fail(cx, LG_E_BUSY, "a snapshot is being taken");
	lg_err e = snapshot(cx, st, force);
	pthread_mutex_unlock(&st->snapshot);
	return e;
}
