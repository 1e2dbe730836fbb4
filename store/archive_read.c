/* archive_read.c: archived records, found by hopping over frames. */
#include "store/archive.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <zstd.h>

static const char magic[4] = { 'L', 'G', 'A', 'F' };

void
lg_frame_put(struct lg_buf *b, const struct lg_frame *f)
{
	lg_buf_bytes(b, magic, sizeof magic);
	lg_buf_u64(b, f->first);
	lg_buf_u64(b, f->last);
	lg_buf_u32(b, f->raw);
	lg_buf_u32(b, f->packed);
	lg_buf_u64(b, f->check);
}

uint64_t
lg_frame_check(lg_str packed)
{
	lg_sha256 h = lg_sha256_of(packed);
	struct lg_rd r = lg_rd_of(lg_sha256_str(&h));

	return lg_rd_u64(&r);
}

static bool
frame_decode(lg_str bytes, struct lg_frame *ret)
{
	struct lg_rd r = lg_rd_of(bytes);
	struct lg_frame f;

	lg_str m = lg_rd_bytes(&r, sizeof magic);
	f.first = lg_rd_u64(&r);
	f.last = lg_rd_u64(&r);
	f.raw = lg_rd_u32(&r);
	f.packed = lg_rd_u32(&r);
	f.check = lg_rd_u64(&r);
	if (r.bad || memcmp(m.p, magic, sizeof magic) != 0 || f.first == 0 || f.first > f.last ||
	    f.raw > LG_FRAME_MAX || f.packed > LG_FRAME_MAX)
		return false;
	*ret = f;
	return true;
}

/* ---- the folder ------------------------------------------------------------------------------------------- */

static bool
file_name(const char *name, struct lg_archive_file *ret)
{
	char again[48];

	if (sscanf(name, "%16" SCNx64 "-%16" SCNx64 ".log", &ret->first, &ret->last) != 2)
		return false;
	snprintf(again, sizeof again, "%016" PRIx64 "-%016" PRIx64 ".log", ret->first, ret->last);
	return strcmp(name, again) == 0;
}

static int
rising(const void *a, const void *b)
{
	const struct lg_archive_file *x = a, *y = b;

	return x->first != y->first ? (x->first < y->first ? -1 : 1) : x->last < y->last ? -1 : x->last > y->last;
}

static lg_err
list(struct lg_ctx *cx, DIR *d, struct lg_archive *a)
{
	struct lg_archive_file f;
	struct dirent *e;
	size_t size = 0;

	while ((e = readdir(d)) != NULL) {
		if (!file_name(e->d_name, &f))
			continue;
		if (a->n == LG_ARCHIVE_FILES)
			return lg_fail(cx, LG_E_LIMIT, "%s: more than %d files", a->dir, LG_ARCHIVE_FILES);
		if (a->n == size) {
			struct lg_archive_file *v = LG_NEWS(cx->arena, struct lg_archive_file, size = size == 0 ? 16 : size * 2);
			if (a->n > 0)
				memcpy(v, a->file, a->n * sizeof *v);
			a->file = v;
		}
		a->file[a->n++] = f;
	}
	if (a->n > 1)
		qsort(a->file, a->n, sizeof *a->file, rising);
	return LG_OK;
}

lg_err
lg_archive_open(struct lg_ctx *cx, const char *dir, struct lg_archive *ret)
{
	struct lg_archive a = { .dir = dir, .raw = LG_BUF(LG_FRAME_MAX) };
	DIR *d = dir == NULL ? NULL : opendir(dir);

	if (d == NULL && dir != NULL && errno != ENOENT)
		return lg_fail(cx, LG_E_IO, "%s: %s", dir, strerror(errno));
	if (d != NULL) {
		lg_err e = list(cx, d, &a);
		closedir(d);
		LG_TRY(e);
	}
	*ret = a;
	return LG_OK;
}

void
lg_archive_close(struct lg_archive *a)
{
	lg_buf_free(&a->raw);
}

static uint64_t
last_of(const struct lg_archive *a)
{
	uint64_t last = 0;

	for (size_t i = 0; i < a->n; i++)
		last = a->file[i].last > last ? a->file[i].last : last;
	return last;
}

/* ---- frames ------------------------------------------------------------------------------------------------ */

static lg_err
unpack(struct lg_ctx *cx, struct lg_archive *a, int fd, off_t at, const struct lg_frame *f, const char *path)
{
	LG_AUTO(lg_buf_free) struct lg_buf packed = LG_BUF(LG_FRAME_MAX);

	lg_buf_clear(&a->raw);
	a->last = 0;
	if (!lg_buf_reserve(&packed, f->packed) || !lg_buf_reserve(&a->raw, f->raw))
		return lg_fail(cx, LG_E_LIMIT, "%s: a frame of %" PRIu32 " octets", path, f->raw);
	if (pread(fd, packed.p, f->packed, at) != (ssize_t)f->packed)
		return lg_fail(cx, LG_E_CORRUPT, "%s: the frame of record %" PRIu64 " is cut short", path, f->first);
	if (lg_frame_check((lg_str){ packed.p, f->packed }) != f->check)
		return lg_fail(cx, LG_E_CORRUPT, "%s: the frame of record %" PRIu64 " was changed", path, f->first);
	size_t n = ZSTD_decompress(a->raw.p, f->raw, packed.p, f->packed);
	if (ZSTD_isError(n) || n != f->raw)
		return lg_fail(cx, LG_E_CORRUPT, "%s: the frame of record %" PRIu64 " does not unpack", path, f->first);
	a->raw.n = n;
	a->first = f->first;
	a->last = f->last;
	return LG_OK;
}

/* Unpacks the frame that holds seq; last stays 0 if the file has none. */
static lg_err
find_frame(struct lg_ctx *cx, struct lg_archive *a, int fd, uint64_t seq, const char *path)
{
	char head[LG_FRAME_HEADER];
	struct lg_frame f;
	ssize_t got;

	for (off_t at = 0; (got = pread(fd, head, sizeof head, at)) > 0; at += LG_FRAME_HEADER + (off_t)f.packed) {
		if (!frame_decode((lg_str){ head, (size_t)got }, &f))
			return lg_fail(cx, LG_E_CORRUPT, "%s: no frame at %lld", path, (long long)at);
		if (seq <= f.last)
			return seq < f.first ? LG_OK : unpack(cx, a, fd, at + LG_FRAME_HEADER, &f, path);
	}
	return got == 0 ? LG_OK : lg_fail(cx, LG_E_IO, "%s: %s", path, strerror(errno));
}

static lg_err
load(struct lg_ctx *cx, struct lg_archive *a, uint64_t seq)
{
	char path[600];

	for (size_t i = 0; i < a->n; i++) {
		if (seq < a->file[i].first || seq > a->file[i].last)
			continue;
		snprintf(path, sizeof path, "%s/%016" PRIx64 "-%016" PRIx64 ".log", a->dir, a->file[i].first, a->file[i].last);
		int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
		if (fd < 0)
			return lg_fail(cx, LG_E_IO, "%s: %s", path, strerror(errno));
		lg_err e = find_frame(cx, a, fd, seq, path);
		close(fd);
		if (e != LG_OK || a->last != 0)
			return e;
	}
	return LG_OK;
}

/* The records of the unpacked frame, which must be all that its header says; *next moves over what was given. */
static lg_err
give(struct lg_ctx *cx, const struct lg_archive *a, uint64_t *next, uint64_t to, lg_log_each *each, void *arg, bool *stopped)
{
	struct lg_rd r = lg_rd_of(lg_buf_view(&a->raw));
	struct lg_log_record rec;

	for (uint64_t seq = a->first; seq <= a->last && !*stopped; seq++) {
		rec.seq = lg_rd_u64(&r);
		lg_str hash = lg_rd_bytes(&r, sizeof rec.hash.b);
		rec.body = lg_rd_str32(&r);
		if (r.bad || rec.seq != seq || (seq == a->last && !lg_rd_done(&r)))
			return lg_fail(cx, LG_E_CORRUPT, "%s: the frame of record %" PRIu64 " does not decode", a->dir, a->first);
		if (seq < *next || seq > to)
			continue;
		memcpy(rec.hash.b, hash.p, sizeof rec.hash.b);
		*next = seq + 1;
		*stopped = !each(arg, &rec);
	}
	return LG_OK;
}

lg_err
lg_archive_read(struct lg_ctx *cx, struct lg_archive *a, uint64_t from, uint64_t to, lg_log_each *each, void *arg, bool *stopped)
{
	uint64_t end = last_of(a);

	*stopped = false;
	if (a->n == 0)
		return LG_OK;
	if (to > end)
		to = end;
	if (from < a->file[0].first)	/* the oldest may have been taken away */
		from = a->file[0].first;
	while (from <= to && !*stopped) {
		if (a->last == 0 || from < a->first || from > a->last) {
			a->last = 0;
			LG_TRY(load(cx, a, from));
		}
		if (a->last == 0)
			return lg_fail(cx, LG_E_CORRUPT, "%s: record %" PRIu64 " is missing", a->dir, from);
		LG_TRY(give(cx, a, &from, to, each, arg, stopped));
	}
	return LG_OK;
}
