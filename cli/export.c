/*
 * export.c: `lightgate export`: what the caller may read, as LDIF, page by page.  A page ends with a comment that says where the next
 * one begins, so that the part that was written is all that must be known to go on.
 */
#include "cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"

#define TAIL	(2u << 20)		/* octets at the end of a part in which a page has ended; a page is half as long, entries may be longer */

static const char after[] = "\n# after ";

struct export {
	struct cli *c;
	struct lg_arena *arena;		/* of one page */
	const char *name, *partial;
	int fd;
	lg_str next;			/* an entryUUID; empty: the first page */
	char at[LG_UUID_TEXT + 1];
	uint64_t octets;
	int64_t told;
};

/* The place behind the last whole page of the text; 0: there is none. */
static size_t
last_page(lg_str text, struct export *x)
{
	size_t line = sizeof after - 1 + LG_UUID_TEXT;

	for (size_t i = text.n; i > line; i--) {
		lg_str at = lg_str_sub(text, i - line - 1, line + 1);
		if (!lg_str_starts(at, LG_STR(after)) || at.p[line] != '\n')
			continue;
		memcpy(x->at, at.p + sizeof after - 1, LG_UUID_TEXT);
		x->next = lg_str_of(x->at);
		return i;
	}
	return 0;
}

/* What an earlier run has written, up to its last whole page. */
static lg_err
resume(struct export *x, struct stat *st)
{
	off_t from = st->st_size > TAIL ? st->st_size - TAIL : 0;
	size_t n = (size_t)(st->st_size - from), end;
	char *tail = lg_alloc(x->c->cx->arena, n + 1);

	if (pread(x->fd, tail, n, from) != (ssize_t)n)
		return lg_fail(x->c->cx, LG_E_IO, "%s: %s", x->partial, strerror(errno));
	end = last_page((lg_str){ tail, n }, x);
	x->octets = end == 0 ? 0 : (uint64_t)from + end;
	if (ftruncate(x->fd, (off_t)x->octets) != 0 || lseek(x->fd, (off_t)x->octets, SEEK_SET) < 0)
		return lg_fail(x->c->cx, LG_E_IO, "%s: %s", x->partial, strerror(errno));
	if (end > 0)
		cli_line(x->c, "going on behind %" PRIu64 " octets; without %s it would begin anew", x->octets, x->partial);
	return LG_OK;
}

static lg_err
open_file(struct export *x)
{
	struct stat st;

	if (lg_str_eq(x->c->args[0], LG_STR("-"))) {
		x->fd = dup(STDOUT_FILENO);
		return x->fd >= 0 ? LG_OK : lg_fail(x->c->cx, LG_E_IO, "standard output: %s", strerror(errno));
	}
	LG_TRY(lg_cstr(x->c->cx, x->c->args[0], &x->name));
	x->partial = lg_print(x->c->cx->arena, "%s.partial", x->name).p;
	x->fd = open(x->partial, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (x->fd < 0 || fstat(x->fd, &st) != 0)
		return lg_fail(x->c->cx, LG_E_IO, "%s: %s", x->partial, strerror(errno));
	return resume(x, &st);
}

static lg_str
path(struct export *x)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(32u << 10);

	lg_buf_printf(&b, "/v1/export?base=");
	lg_buf_percent(&b, cli_value(x->c, "base"));
	if (x->next.n > 0)
		lg_buf_printf(&b, "&after=%.*s", LG_FMT(x->next));
	return lg_dup(x->arena, lg_buf_view(&b));
}

static void
tell_progress(struct export *x)
{
	int64_t now = lg_monotonic_ns();

	if (x->name == NULL || cli_wants_json(x->c) || !isatty(fileno(x->c->err)) || now - x->told < 200000000)
		return;
	x->told = now;
	fprintf(x->c->err, "\r\033[K%.1f MiB", (double)x->octets / 1048576);
	fflush(x->c->err);
}

/* x->next becomes the next page's beginning, empty behind the last one. */
static lg_err
page(struct export *x)
{
	struct lg_arena *long_lived = x->c->cx->arena;
	struct lg_reply answer;
	struct lg_call call = { .method = "GET", .path = path(x), .token = x->c->session.token, .time = 60 * INT64_C(1000000) };
	size_t end;

	x->c->cx->arena = x->arena;
	lg_err e = lg_api_call(x->c->cx, x->c->session.link, &call, &answer);
	x->c->cx->arena = long_lived;
	LG_TRY(e);
	x->next = LG_NONE;
	end = last_page(answer.body, x);
	if (end != answer.body.n)
		x->next = LG_NONE;
	/* On a terminal or a pipe nobody goes on: the comment is left out by readers all the same. */
	if (!lg_write_all(x->fd, answer.body.p, answer.body.n))
		return lg_fail(x->c->cx, LG_E_IO, "the export cannot be written: %s", strerror(errno));
	x->octets += answer.body.n;
	tell_progress(x);
	return LG_OK;
}

static lg_err
pages(struct export *x)
{
	LG_TRY(cli_sign_in(x->c, "/v1"));
	do {
		lg_arena_reset(x->arena);
		lg_err e = page(x);
		if (e == LG_E_UNAUTHENTICATED && x->c->session.token.n > 0) {	/* it expired on the way */
			x->c->session.token = LG_NONE;
			LG_TRY(cli_sign_in(x->c, "/v1"));
			e = page(x);
		}
		LG_TRY(e);
	} while (x->next.n > 0);
	if (x->name != NULL && (fsync(x->fd) != 0 || rename(x->partial, x->name) != 0))
		return lg_fail(x->c->cx, LG_E_IO, "%s: %s", x->name, strerror(errno));
	return LG_OK;
}

lg_err
cli_export(struct cli *c)
{
	struct export x = { .c = c, .arena = lg_arena_new(), .fd = -1 };
	lg_err e = open_file(&x);

	if (e == LG_OK)
		e = pages(&x);
	if (x.name != NULL && isatty(fileno(c->err)))
		fputs("\r\033[K", c->err);
	if (e == LG_OK && x.name != NULL)
		cli_line(c, "%s: %" PRIu64 " octets", x.name, x.octets);
	if (x.fd >= 0)
		close(x.fd);
	lg_arena_free(&x.arena);
	return e;
}
