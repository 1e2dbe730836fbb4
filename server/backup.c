#include "server/backup.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"

static const char magic[] = "LGBKUP01";

lg_err
lg_backup_key(struct lg_ctx *cx, lg_str text, struct lg_secret *ret)
{
	lg_str bytes;

	if (!lg_base64url_parse(cx->arena, text, &bytes) || bytes.n != LG_BACKUP_KEY)
		return lg_fail(cx, LG_E_INVALID, "a recovery key is 32 random octets as base64url, 43 characters");
	*ret = lg_secret_copy(bytes);
	return LG_OK;
}

static struct lg_secret
file_key(const struct lg_secret *recovery, lg_str header)
{
	return lg_hkdf_sha256(recovery, header, LG_STR("lightgate backup"), LG_BACKUP_KEY);
}

static lg_str
additional(char aad[9], uint64_t chunk, bool last)
{
	for (size_t i = 0; i < 8; i++)
		aad[i] = (char)(chunk >> (56 - 8 * i));
	aad[8] = last;
	return (lg_str){ aad, 9 };
}

/* ---- making one ------------------------------------------------------------------------------------------- */

void
lg_backup_begin(struct lg_backup_out *b, const struct lg_secret *recovery, const struct lg_backup_file *file, size_t n, struct lg_buf *out)
{
	char header[LG_BACKUP_HEADER];

	memcpy(header, magic, sizeof magic - 1);
	lg_random(header + sizeof magic - 1, sizeof header - (sizeof magic - 1));
	*b = (struct lg_backup_out){ .key = file_key(recovery, (lg_str){ header, sizeof header }), .file = file, .nfiles = n, .fd = -1,
		.plain = LG_BUF(LG_BACKUP_CHUNK + LG_BACKUP_NAME + 16) };
	lg_buf_bytes(out, header, sizeof header);
}

static lg_err
open_next(struct lg_ctx *cx, struct lg_backup_out *b)
{
	const struct lg_backup_file *f = &b->file[b->at];
	const char *path;
	struct stat st;

	LG_TRY(lg_cstr(cx, f->name, &path));
	b->fd = f->fd >= 0 ? fcntl(f->fd, F_DUPFD_CLOEXEC, 3) : open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (b->fd < 0 || fstat(b->fd, &st) != 0)
		return lg_fail(cx, LG_E_IO, "%s: %s", path, strerror(errno));
	b->left = (uint64_t)st.st_size;		/* what is appended from now on is not of this backup */
	lg_buf_str32(&b->plain, f->name);
	lg_buf_u64(&b->plain, b->left);
	return LG_OK;
}

static lg_err
read_some(struct lg_ctx *cx, struct lg_backup_out *b)
{
	size_t want = LG_BACKUP_CHUNK - b->plain.n;

	if (want > b->left)
		want = (size_t)b->left;
	if (!lg_buf_reserve(&b->plain, want))
		return lg_buf_status(cx, &b->plain);
	ssize_t n = read(b->fd, b->plain.p + b->plain.n, want);
	if (n < 0 && errno == EINTR)
		return LG_OK;
	if (n <= 0)
		return lg_fail(cx, LG_E_IO, "%.*s: %s", LG_FMT(b->file[b->at].name), n == 0 ? "it became shorter" : strerror(errno));
	b->plain.n += (size_t)n;
	b->left -= (size_t)n;
	return LG_OK;
}

static lg_err
fill(struct lg_ctx *cx, struct lg_backup_out *b)
{
	while (b->plain.n < LG_BACKUP_CHUNK && !b->ended) {
		if (b->fd >= 0 && b->left > 0) {
			LG_TRY(read_some(cx, b));
		} else if (b->fd >= 0) {
			close(b->fd);
			b->fd = -1;
			b->at++;
		} else if (b->at < b->nfiles) {
			LG_TRY(open_next(cx, b));
		} else {
			lg_buf_str32(&b->plain, LG_NONE);
			b->ended = true;
		}
	}
	return lg_buf_status(cx, &b->plain);
}

lg_err
lg_backup_next(struct lg_ctx *cx, struct lg_backup_out *b, struct lg_buf *out)
{
	char aad[9];
	lg_str sealed;

	LG_TRY(fill(cx, b));
	LG_TRY(lg_seal(cx, &b->key, additional(aad, b->chunk, b->ended), lg_buf_view(&b->plain), &sealed));
	lg_buf_u32(out, (uint32_t)sealed.n | (b->ended ? LG_BACKUP_LAST : 0));
	lg_buf_str(out, sealed);
	lg_buf_clear(&b->plain);
	b->chunk++;
	return lg_buf_status(cx, out);
}

void
lg_backup_end(struct lg_backup_out *b)
{
	lg_secret_free(&b->key);
	lg_buf_wipe(&b->plain);
	if (b->fd >= 0)
		close(b->fd);
	b->fd = -1;
}

/* ---- taking one apart ---------------------------------------------------------------------------------------- */

struct reading {
	struct lg_ctx *cx;
	int from;
	struct lg_secret key, plain;
	size_t used;			/* of plain */
	uint64_t chunk;
	bool last;
};

static lg_err
damaged(struct reading *r, const char *why)
{
	return lg_fail(r->cx, LG_E_CORRUPT, "the backup is %s, at chunk %llu", why, (unsigned long long)r->chunk);
}

static lg_err
read_chunk(struct reading *r, lg_str *ret)
{
	uint8_t head[4];

	if (!lg_read_all(r->from, head, sizeof head))
		return damaged(r, "not whole");
	struct lg_rd rd = lg_rd_of((lg_str){ (char *)head, sizeof head });
	uint32_t n = lg_rd_u32(&rd);
	r->last = (n & LG_BACKUP_LAST) != 0;
	n &= ~LG_BACKUP_LAST;
	if (n > LG_BACKUP_CHUNK + LG_BACKUP_NAME + 256)
		return damaged(r, "damaged");
	char *p = lg_alloc(r->cx->arena, n + 1);
	if (!lg_read_all(r->from, p, n))
		return damaged(r, "not whole");
	*ret = (lg_str){ p, n };
	return LG_OK;
}

static lg_err
next_chunk(struct reading *r)
{
	char aad[9];
	lg_str sealed;

	if (r->last)
		return damaged(r, "not whole");
	lg_arena_reset(r->cx->arena);
	lg_secret_free(&r->plain);
	LG_TRY(read_chunk(r, &sealed));
	if (lg_unseal(r->cx, &r->key, additional(aad, r->chunk, r->last), sealed, &r->plain) != LG_OK)
		return r->chunk > 0 ? damaged(r, "damaged")
				    : lg_fail(r->cx, LG_E_UNAUTHENTICATED, "the backup does not open with this key");
	r->used = 0;
	r->chunk++;
	return LG_OK;
}

static lg_err
take(struct reading *r, void *p, size_t n)
{
	for (size_t got = 0; got < n;) {
		size_t here = r->plain.n - r->used;
		if (here == 0) {
			LG_TRY(next_chunk(r));
			continue;
		}
		if (here > n - got)
			here = n - got;
		memcpy((char *)p + got, r->plain.p + r->used, here);
		r->used += here;
		got += here;
	}
	return LG_OK;
}

static lg_err
copy_file(struct reading *r, uint64_t size, int fd)
{
	while (size > 0) {
		size_t here = r->plain.n - r->used;
		if (here == 0) {
			LG_TRY(next_chunk(r));
			continue;
		}
		if (here > size)
			here = (size_t)size;
		if (!lg_write_all(fd, r->plain.p + r->used, here))
			return lg_fail(r->cx, errno == ENOSPC ? LG_E_FULL : LG_E_IO, "writing what was in the backup: %s", strerror(errno));
		r->used += here;
		size -= here;
	}
	return fsync(fd) == 0 ? LG_OK : lg_fail(r->cx, LG_E_IO, "writing what was in the backup: %s", strerror(errno));
}

/* *more is false behind the last file. */
static lg_err
read_file(struct reading *r, lg_backup_file_begin *begin, void *arg, bool *more)
{
	char head[4], name[LG_BACKUP_NAME], size[8];
	int fd;

	LG_TRY(take(r, head, sizeof head));
	struct lg_rd rd = lg_rd_of((lg_str){ head, sizeof head });
	uint32_t n = lg_rd_u32(&rd);
	*more = n > 0;
	if (n == 0)
		return r->last && r->used == r->plain.n ? LG_OK : damaged(r, "damaged");
	if (n > sizeof name)
		return damaged(r, "damaged");
	LG_TRY(take(r, name, n));
	LG_TRY(take(r, size, sizeof size));
	rd = lg_rd_of((lg_str){ size, sizeof size });
	uint64_t octets = lg_rd_u64(&rd);
	LG_TRY(begin(arg, r->cx, (lg_str){ name, n }, octets, &fd));
	lg_err e = copy_file(r, octets, fd);
	close(fd);
	return e;
}

lg_err
lg_backup_read(struct lg_ctx *cx, int from, const struct lg_secret *recovery, lg_backup_file_begin *begin, void *arg)
{
	char header[LG_BACKUP_HEADER];
	struct lg_ctx own;
	struct reading r = { .cx = &own, .from = from };
	lg_err e = LG_OK;
	bool more = true;

	if (!lg_read_all(from, header, sizeof header) || memcmp(header, magic, sizeof magic - 1) != 0)
		return lg_fail(cx, LG_E_INVALID, "this is no backup of Lightgate");
	lg_ctx_init(&own, lg_arena_new());	/* reset with every chunk */
	r.key = file_key(recovery, (lg_str){ header, sizeof header });
	for (size_t i = 0; e == LG_OK && more; i++)
		e = i < LG_BACKUP_FILES ? read_file(&r, begin, arg, &more) : damaged(&r, "damaged");
	if (e != LG_OK)
		lg_fail(cx, e, "%s", own.error);
	lg_secret_free(&r.key);
	lg_secret_free(&r.plain);
	lg_arena_free(&own.arena);
	return e;
}
