/*
 * signed.c: rows of LG_SIGNED_ROW octets in DATA/keeper/signed.log.
 *
 * A row of time 0 is no signature: of purpose 0 it says which number this file's first row has, of another it carries a
 * count and a chain over from the file before.  A full file is put aside as signed-NUMBER.log, where it is still read.
 */
#include "crypto/keeper/signed.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/map.h"
#include "crypto/local.h"

#define ROW		LG_SIGNED_ROW
#define FILE_MAX	(64u << 20)
#define PENDING_MAX	(4u << 20)

struct entry {
	uint8_t key[5];			/* purpose, tenant */
	uint64_t count;
	lg_sha256 chain;
	bool waits;			/* tokens counted since the last row */
	lg_sha256 batch;
};

struct lg_signed {
	pthread_mutex_t lock;
	struct lg_arena *arena;		/* entries; as many as tenants and purposes */
	struct lg_map entries;
	char *path, *dir;
	int fd;
	uint64_t base;			/* number of the file's first row */
	off_t size;
	struct lg_buf pending;
	bool ok, dirty;
};

static struct entry *
entry_of(struct lg_signed *sg, uint8_t purpose, uint32_t tenant)
{
	uint8_t key[5] = { purpose, (uint8_t)(tenant >> 24), (uint8_t)(tenant >> 16), (uint8_t)(tenant >> 8), (uint8_t)tenant };
	struct entry *e = lg_map_get(&sg->entries, (lg_str){ (char *)key, sizeof key });

	if (e == NULL) {
		e = LG_NEW(sg->arena, struct entry);
		memcpy(e->key, key, sizeof key);
		*lg_map_at(&sg->entries, (lg_str){ (char *)e->key, sizeof e->key }) = e;
	}
	return e;
}

static void
put_row(struct lg_buf *b, int64_t time, const struct entry *e, const lg_sha256 *digest)
{
	lg_buf_u64(b, (uint64_t)time);
	lg_buf_bytes(b, e->key, sizeof e->key);
	lg_buf_u64(b, e->count);
	lg_buf_str(b, lg_sha256_str(digest));
}

/* ---- opening ------------------------------------------------------------------------------------------------------ */

static void
replay_row(struct lg_signed *sg, lg_str bytes)
{
	struct lg_rd rd = lg_rd_of(bytes);
	struct lg_signed_row row = lg_signed_row_read(&rd);

	if ((row.purpose & LG_SIGNED_LEAF) != 0)
		return;			/* told of the row before, which counts */
	if (row.time == 0 && row.purpose == 0) {
		sg->base = row.count;
		return;
	}
	struct entry *e = entry_of(sg, row.purpose, row.tenant);
	e->count = row.count;
	if (row.time == 0)
		e->chain = row.digest;
	else
		e->chain = lg_sha256_pair(lg_sha256_str(&e->chain), lg_sha256_str(&row.digest));
}

static lg_err
replay(struct lg_ctx *cx, struct lg_signed *sg)
{
	char block[ROW * 512];
	struct stat st;

	if (fstat(sg->fd, &st) != 0)
		return lg_fail(cx, LG_E_IO, "%s: %m", sg->path);
	off_t whole = st.st_size - st.st_size % ROW;		/* a row cut by a crash was never answered for */
	while (sg->size < whole) {
		ssize_t n = pread(sg->fd, block, sizeof block, sg->size);
		if (n < ROW)
			return lg_fail(cx, LG_E_IO, "%s: %m", sg->path);
		for (ssize_t at = 0; at + ROW <= n && sg->size < whole; at += ROW, sg->size += ROW)
			replay_row(sg, (lg_str){ block + at, ROW });
	}
	return LG_OK;
}

lg_err
lg_signed_open(struct lg_ctx *cx, const char *dir, struct lg_signed **ret)
{
	LG_AUTO(lg_signed_close) struct lg_signed *sg = calloc(1, sizeof *sg);

	lg_crypto_must(sg != NULL);
	pthread_mutex_init(&sg->lock, NULL);
	sg->arena = lg_arena_new();
	lg_map_init(&sg->entries, sg->arena);
	sg->pending = LG_BUF(PENDING_MAX);
	sg->ok = true;
	sg->dir = strdup(dir);
	lg_crypto_must(sg->dir != NULL && asprintf(&sg->path, "%s/signed.log", dir) > 0);
	sg->fd = open(sg->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (sg->fd < 0)
		return lg_fail(cx, LG_E_IO, "%s: %m", sg->path);
	LG_TRY(replay(cx, sg));
	*ret = sg;
	sg = NULL;
	return LG_OK;
}

void
lg_signed_close(struct lg_signed **sgp)
{
	struct lg_signed *sg = *sgp;

	if (sg == NULL)
		return;
	if (sg->fd >= 0) {
		lg_signed_tick(sg);
		close(sg->fd);
	}
	lg_buf_free(&sg->pending);
	lg_arena_free(&sg->arena);
	pthread_mutex_destroy(&sg->lock);
	free(sg->path);
	free(sg->dir);
	free(sg);
	*sgp = NULL;
}

/* ---- adding --------------------------------------------------------------------------------------------------------- */

static void
extend(struct lg_signed *sg, struct entry *e, const lg_sha256 *digest)
{
	e->chain = lg_sha256_pair(lg_sha256_str(&e->chain), lg_sha256_str(digest));
	put_row(&sg->pending, lg_wall(), e, digest);
}

void
lg_signed_add(struct lg_signed *sg, enum lg_purpose purpose, uint32_t tenant, const lg_sha256 *digest)
{
	pthread_mutex_lock(&sg->lock);
	struct entry *e = entry_of(sg, (uint8_t)purpose, tenant);
	e->count++;
	extend(sg, e, digest);
	pthread_mutex_unlock(&sg->lock);
}

void
lg_signed_add_leaf(struct lg_signed *sg, enum lg_purpose purpose, uint32_t tenant, const lg_sha256 *digest, const struct lg_signed_leaf *leaf)
{
	lg_sha256 told = { { 0 } };

	lg_crypto_must(leaf->serial.n <= LG_SIGNED_SERIAL && leaf->kid.n >= LG_SIGNED_KID);
	memcpy(told.b + LG_SIGNED_SERIAL - leaf->serial.n, leaf->serial.p, leaf->serial.n);
	memcpy(told.b + LG_SIGNED_SERIAL, leaf->kid.p, LG_SIGNED_KID);
	pthread_mutex_lock(&sg->lock);
	struct entry *e = entry_of(sg, (uint8_t)purpose, tenant), row = { .count = (uint64_t)leaf->ends };
	e->count++;
	extend(sg, e, digest);
	memcpy(row.key, e->key, sizeof row.key);
	row.key[0] |= LG_SIGNED_LEAF;
	put_row(&sg->pending, lg_wall(), &row, &told);
	pthread_mutex_unlock(&sg->lock);
}

void
lg_tally_hand_over(struct lg_signed *sg, struct lg_tally *t)
{
	if (t->n == 0)
		return;
	pthread_mutex_lock(&sg->lock);
	struct entry *e = entry_of(sg, (uint8_t)t->purpose, t->tenant);
	e->count += t->n;
	e->batch = lg_sha256_pair(lg_sha256_str(&e->batch), lg_sha256_str(&t->digest));
	e->waits = true;
	pthread_mutex_unlock(&sg->lock);
	*t = (struct lg_tally){ .n = 0 };
}

void
lg_tally_token(struct lg_signed *sg, struct lg_tally *t, uint32_t tenant, enum lg_purpose purpose, lg_str signature)
{
	if (t->tenant != tenant || t->purpose != purpose)
		lg_tally_hand_over(sg, t);
	t->tenant = tenant;
	t->purpose = purpose;
	t->n++;
	t->digest = lg_sha256_pair(lg_sha256_str(&t->digest), signature);
}

/* ---- writing -------------------------------------------------------------------------------------------------------- */

static bool
write_at(int fd, lg_str bytes, off_t at)
{
	while (bytes.n > 0) {
		ssize_t n = pwrite(fd, bytes.p, bytes.n, at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		bytes = lg_str_sub(bytes, (size_t)n, bytes.n);
		at += n;
	}
	return true;
}

static void
write_locked(struct lg_signed *sg)
{
	if (sg->pending.n == 0)
		return;
	/* At a known place, so that a write that broke off is written over. */
	bool fits = !sg->pending.full;
	sg->ok = write_at(sg->fd, lg_buf_view(&sg->pending), sg->size) && fits;
	if (!sg->ok)
		return;
	sg->size += (off_t)sg->pending.n;
	sg->dirty = true;
	lg_buf_clear(&sg->pending);
}

void
lg_signed_write(struct lg_signed *sg)
{
	pthread_mutex_lock(&sg->lock);
	write_locked(sg);
	pthread_mutex_unlock(&sg->lock);
}

bool
lg_signed_ok(struct lg_signed *sg)
{
	pthread_mutex_lock(&sg->lock);
	bool ok = sg->ok;
	pthread_mutex_unlock(&sg->lock);
	return ok;
}

static void
put_tokens(struct lg_signed *sg)
{
	size_t it = 0;
	lg_str key;
	void *value;

	while (lg_map_next(&sg->entries, &it, &key, &value)) {
		struct entry *e = value;
		if (!e->waits)
			continue;
		extend(sg, e, &e->batch);
		e->waits = false;
		e->batch = (lg_sha256){ { 0 } };
	}
}

/* The new file's first rows: its number, and where every chain stands. */
static void
put_carried(struct lg_signed *sg, struct lg_buf *b)
{
	struct entry first = { .count = sg->base + (uint64_t)(sg->size / ROW) };
	size_t it = 0;
	lg_str key;
	void *value;

	put_row(b, 0, &first, &first.chain);
	while (lg_map_next(&sg->entries, &it, &key, &value)) {
		const struct entry *e = value;
		put_row(b, 0, e, &e->chain);
	}
}

static void
put_aside(struct lg_signed *sg)
{
	LG_AUTO(lg_buf_free) struct lg_buf rows = LG_BUF(PENDING_MAX);
	char old[4096], new[4096];

	snprintf(old, sizeof old, "%s/signed-%020llu.log", sg->dir, (unsigned long long)sg->base);
	snprintf(new, sizeof new, "%s/signed.new", sg->dir);
	int fd = open(new, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return;			/* tried again at the next tick */
	put_carried(sg, &rows);
	if (rows.full || !write_at(fd, lg_buf_view(&rows), 0) || fdatasync(fd) != 0
	    || link(sg->path, old) != 0 || rename(new, sg->path) != 0) {
		close(fd);
		return;
	}
	close(sg->fd);
	sg->fd = fd;
	sg->base += (uint64_t)(sg->size / ROW);
	sg->size = (off_t)rows.n;
}

void
lg_signed_tick(struct lg_signed *sg)
{
	pthread_mutex_lock(&sg->lock);
	put_tokens(sg);
	write_locked(sg);
	bool sync = sg->dirty && sg->ok;
	sg->dirty = false;
	if (sg->size > FILE_MAX && sg->ok)
		put_aside(sg);
	int fd = sync ? dup(sg->fd) : -1;
	pthread_mutex_unlock(&sg->lock);
	if (fd >= 0) {			/* not under the lock: a sync takes milliseconds */
		fdatasync(fd);
		close(fd);
	}
}

/* ---- reading --------------------------------------------------------------------------------------------------------- */

void
lg_signed_rows(struct lg_signed *sg, struct lg_buf *out)
{
	size_t it = 0;
	lg_str key;
	void *value;

	pthread_mutex_lock(&sg->lock);
	while (lg_map_next(&sg->entries, &it, &key, &value)) {
		const struct entry *e = value;
		lg_buf_bytes(out, e->key, sizeof e->key);
		lg_buf_u64(out, e->count);
		lg_buf_str(out, lg_sha256_str(&e->chain));
	}
	pthread_mutex_unlock(&sg->lock);
}

/* The file put aside that begins with this row or, of those that begin before it, last; -1 (errno): it cannot be opened. */
static int
open_aside(const char *dir, uint64_t from, uint64_t *base)
{
	DIR *d = opendir(dir);
	const struct dirent *e;
	bool found = false;
	char path[4096];

	while (d != NULL && (e = readdir(d)) != NULL) {
		unsigned long long number;

		if (sscanf(e->d_name, "signed-%20llu.log", &number) != 1 || number > from || (found && number < *base))
			continue;
		*base = number;
		found = true;
	}
	if (d != NULL)
		closedir(d);
	if (!found) {
		errno = ENOENT;
		return -1;
	}
	snprintf(path, sizeof path, "%s/signed-%020llu.log", dir, (unsigned long long)*base);
	return open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
}

/* Under the lock for the file in use; what was put aside does not change. */
static lg_err
read_rows(struct lg_ctx *cx, int fd, uint64_t first, size_t rows, struct lg_buf *out)
{
	char *p = lg_alloc(cx->arena, rows * ROW + 1);
	ssize_t n = pread(fd, p, rows * ROW, (off_t)(first * ROW));

	if (n < 0)
		return lg_fail(cx, LG_E_IO, "the keeper's record: %m");
	lg_buf_bytes(out, p, (size_t)n - (size_t)n % ROW);
	return LG_OK;
}

lg_err
lg_signed_read(struct lg_ctx *cx, struct lg_signed *sg, uint64_t from, size_t rows, struct lg_buf *out)
{
	uint64_t base = 0;
	lg_err e = LG_OK;
	int fd;

	lg_signed_tick(sg);
	pthread_mutex_lock(&sg->lock);
	bool aside = from < sg->base;
	uint64_t have = (uint64_t)(sg->size / ROW), first = aside ? 0 : from - sg->base;
	if (!aside && first < have)
		e = read_rows(cx, sg->fd, first, have - first < rows ? (size_t)(have - first) : rows, out);
	pthread_mutex_unlock(&sg->lock);
	if (!aside)
		return e;
	fd = open_aside(sg->dir, from, &base);
	if (fd < 0)
		return lg_fail(cx, LG_E_NOT_FOUND, "row %llu of the keeper's record is in a file that is not there: %m", (unsigned long long)from);
	e = read_rows(cx, fd, from - base, rows, out);
	close(fd);
	return e;
}
