/* segment_file.c: one file of decisions: made, listed, walked, and its torn end put right. */
#include "store/segment.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

static lg_err
fail_io(struct lg_ctx *cx, const char *path)
{
	return lg_fail(cx, errno == ENOSPC || errno == EDQUOT ? LG_E_FULL : LG_E_IO, "%s: %s", path, strerror(errno));
}

/* Reads up to n bytes at `at`; fewer only at the end of the file. */
static lg_err
read_at(struct lg_ctx *cx, const struct lg_segment_file *f, uint64_t at, char *p, size_t n, size_t *got)
{
	size_t done = 0;

	while (done < n) {
		ssize_t r = pread(f->fd, p + done, n - done, (off_t)(at + done));
		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return fail_io(cx, f->path);
		if (r == 0)
			break;
		done += (size_t)r;
	}
	*got = done;
	return LG_OK;
}

/* ---- making, opening, listing ------------------------------------------------------------------------- */

void
lg_segment_close(struct lg_segment_file *f)
{
	if (f->fd > 0)
		close(f->fd);
	f->fd = -1;
}

lg_err
lg_segment_open(struct lg_ctx *cx, const char *dir, uint64_t first, int flags, struct lg_segment_file *ret)
{
	struct lg_segment_file f = { .fd = -1 };
	char head[LG_SEGMENT_HEADER];
	struct stat s;
	size_t got;

	if ((size_t)snprintf(f.path, sizeof f.path, "%s/%016" PRIx64 ".seg", dir, first) >= sizeof f.path)
		return lg_fail(cx, LG_E_INVALID, "%s: too long a path", dir);
	f.fd = open(f.path, flags | O_CLOEXEC | O_NOFOLLOW);
	if (f.fd < 0 || fstat(f.fd, &s) != 0) {
		lg_err e = fail_io(cx, f.path);
		lg_segment_close(&f);
		return e;
	}
	f.size = (uint64_t)s.st_size;
	lg_err e = read_at(cx, &f, 0, head, sizeof head, &got);
	if (e == LG_OK && (!lg_segment_head_decode((lg_str){ head, got }, &f.head) || f.head.first != first))
		e = lg_fail(cx, LG_E_CORRUPT, "%s: its header does not decode", f.path);
	if (e != LG_OK) {
		lg_segment_close(&f);
		return e;
	}
	*ret = f;
	return LG_OK;
}

static lg_err
fill_new(struct lg_ctx *cx, int fd, const char *path, uint64_t size, const struct lg_segment_head *h)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(LG_SEGMENT_HEADER);

	lg_segment_head_put(&b, h);
	LG_TRY(lg_buf_status(cx, &b));
	errno = posix_fallocate(fd, 0, (off_t)size);
	if (errno != 0 || !lg_write_all(fd, b.p, b.n) || fsync(fd) != 0)
		return fail_io(cx, path);
	return LG_OK;
}

static lg_err
sync_dir(struct lg_ctx *cx, const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return fail_io(cx, dir);
	lg_err e = fsync(fd) == 0 ? LG_OK : fail_io(cx, dir);
	close(fd);
	return e;
}

/* Complete before it has its name: a crash leaves no segment without a header. */
lg_err
lg_segment_create(struct lg_ctx *cx, const char *dir, uint64_t size, const struct lg_segment_head *h,
    struct lg_segment_file *ret)
{
	char part[512], path[512];

	snprintf(path, sizeof path, "%s/%016" PRIx64 ".seg", dir, h->first);
	if ((size_t)snprintf(part, sizeof part, "%s/next.part", dir) >= sizeof part)
		return lg_fail(cx, LG_E_INVALID, "%s: too long a path", dir);
	int fd = open(part, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return fail_io(cx, part);
	lg_err e = fill_new(cx, fd, part, size, h);
	close(fd);
	if (e == LG_OK && rename(part, path) != 0)
		e = fail_io(cx, path);
	if (e != LG_OK) {
		unlink(part);
		return e;
	}
	LG_TRY(sync_dir(cx, dir));
	return lg_segment_open(cx, dir, h->first, O_RDWR, ret);
}

static int
rising(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static bool
segment_name(const char *name, uint64_t *first)
{
	char again[24];

	if (sscanf(name, "%16" SCNx64 ".seg", first) != 1)
		return false;
	snprintf(again, sizeof again, "%016" PRIx64 ".seg", *first);
	return strcmp(name, again) == 0;
}

lg_err
lg_segment_list(struct lg_ctx *cx, const char *dir, uint64_t **first, size_t *n)
{
	DIR *d = opendir(dir);
	uint64_t *v = NULL, one;
	size_t size = 0, used = 0;
	struct dirent *e;

	if (d == NULL)
		return fail_io(cx, dir);
	while ((e = readdir(d)) != NULL && used < LG_SEGMENTS_MAX) {
		if (!segment_name(e->d_name, &one))
			continue;
		if (used == size) {
			uint64_t *more = LG_NEWS(cx->arena, uint64_t, size = size == 0 ? 64 : size * 2);
			if (used > 0)
				memcpy(more, v, used * sizeof *v);
			v = more;
		}
		v[used++] = one;
	}
	closedir(d);
	if (used == LG_SEGMENTS_MAX)
		return lg_fail(cx, LG_E_LIMIT, "%s: more than %d segments", dir, LG_SEGMENTS_MAX);
	if (used > 1)
		qsort(v, used, sizeof *v, rising);
	*first = v;
	*n = used;
	return LG_OK;
}

/* ---- walking ---------------------------------------------------------------------------------------------- */

/* The next offset that may hold something; preallocated and never written is a hole to lseek. */
static uint64_t
next_data(const struct lg_segment_file *f, uint64_t at)
{
	off_t data = lseek(f->fd, (off_t)at, SEEK_DATA);

	if (data < 0)
		return errno == ENXIO ? f->size : at;
	return (uint64_t)data;
}

/* Is there anything after the end, and is the block of a later record among it? */
static lg_err
look_behind(struct lg_ctx *cx, const struct lg_segment_file *f, const struct lg_head *chain, struct lg_segment_end *end)
{
	enum { STEP = 1 << 14 };
	static const char zeros[STEP];
	char p[STEP + LG_BLOCK_HEADER];
	struct lg_block_head h;
	size_t got;

	end->clean = true;
	end->torn = true;
	for (uint64_t at = next_data(f, end->at); at < f->size; at = next_data(f, at + STEP)) {
		LG_TRY(read_at(cx, f, at, p, sizeof p, &got));
		if (memcmp(p, zeros, got < STEP ? got : STEP) == 0)
			continue;
		for (size_t i = 0; i < got && i < STEP; i++) {
			if (p[i] == 0)
				continue;
			end->clean = false;
			if (!lg_block_head_decode((lg_str){ p + i, got - i }, &h) || h.first <= chain->seq)
				continue;
			end->torn = false;	/* it was written after a sync of what does not fit */
			return LG_OK;
		}
	}
	return LG_OK;
}

/* The records of one block; false where one does not fit. */
static bool
walk_block(lg_str records, uint32_t count, struct lg_head *chain, lg_segment_each *each, void *arg, struct lg_segment_end *end)
{
	struct lg_segment_record r;
	size_t size = records.n;
	uint64_t first = chain->seq + 1;

	for (uint32_t i = 0; i < count; i++) {
		if (!lg_segment_record_next(&records, chain, &r)) {
			end->good = (struct lg_block_head){ (uint32_t)(size - records.n), i, first };
			return false;
		}
		if (each != NULL && !each(arg, &r)) {
			end->stopped = true;
			return true;
		}
	}
	end->good = (struct lg_block_head){ (uint32_t)(size - records.n), count, first };
	return records.n == 0;
}

static lg_err
walk(struct lg_ctx *cx, const struct lg_segment_file *f, struct lg_head *chain, struct lg_buf *buf, lg_segment_each *each,
    void *arg, struct lg_segment_end *end)
{
	char head[LG_BLOCK_HEADER];
	struct lg_block_head h;
	size_t got;

	while (!end->stopped) {
		LG_TRY(read_at(cx, f, end->at, head, sizeof head, &got));
		if (!lg_block_head_decode((lg_str){ head, got }, &h) || h.first != chain->seq + 1)
			return LG_OK;
		lg_buf_clear(buf);
		if (!lg_buf_reserve(buf, h.size))
			return lg_buf_status(cx, buf);
		LG_TRY(read_at(cx, f, end->at + LG_BLOCK_HEADER, buf->p, h.size, &got));
		if (!walk_block((lg_str){ buf->p, got }, h.count, chain, each, arg, end) || (got < h.size && !end->stopped)) {
			end->block = end->at;
			end->at += LG_BLOCK_HEADER + end->good.size;
			return LG_OK;
		}
		end->at += LG_BLOCK_HEADER + h.size;
	}
	return LG_OK;
}

lg_err
lg_segment_walk(struct lg_ctx *cx, const struct lg_segment_file *f, struct lg_head *chain, lg_segment_each *each, void *arg,
    struct lg_segment_end *ret)
{
	LG_AUTO(lg_buf_free) struct lg_buf buf = LG_BUF(LG_BLOCK_MAX + LG_DECISION_MAX);
	struct lg_segment_end end = { .at = LG_SEGMENT_HEADER };

	LG_TRY(walk(cx, f, chain, &buf, each, arg, &end));
	if (!end.stopped)
		LG_TRY(look_behind(cx, f, chain, &end));
	if (end.block != 0)
		end.clean = false;	/* its header promises more than is there */
	*ret = end;
	return LG_OK;
}

/* ---- repair ------------------------------------------------------------------------------------------------- */

lg_err
lg_segment_wipe(struct lg_ctx *cx, int fd, uint64_t at, uint64_t size)
{
	if (ftruncate(fd, (off_t)at) != 0)
		return fail_io(cx, "a segment's tail");
	errno = posix_fallocate(fd, 0, (off_t)size);
	return errno == 0 && fsync(fd) == 0 ? LG_OK : fail_io(cx, "a segment's tail");
}

lg_err
lg_segment_repair(struct lg_ctx *cx, const struct lg_segment_file *f, uint64_t size, const struct lg_segment_end *end)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(LG_BLOCK_HEADER);
	uint64_t at = end->at;

	if (end->block != 0 && end->good.count == 0)
		at = end->block;
	LG_TRY(lg_segment_wipe(cx, f->fd, at, size > at ? size : at));
	if (at == end->block || end->block == 0)
		return LG_OK;
	lg_block_head_put(&b, &end->good);	/* the block keeps what is good of it */
	if (pwrite(f->fd, b.p, b.n, (off_t)end->block) != LG_BLOCK_HEADER || fsync(f->fd) != 0)
		return fail_io(cx, f->path);
	return LG_OK;
}
