/*
 * api_backup.c: GET /v1/backup: a copy of the store, the archived log and the decision log, sealed under the caller's recovery
 * key and streamed.  Files are read and sealed on workers; the loop only hands on what is ready.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lightgate/store.h"
#include "server/api.h"
#include "server/backup.h"

#define READY_MAX	(4 * (LG_BACKUP_CHUNK + 1024))	/* sealed by one job */
#define COPY_PREFIX	"backup-"

/* Lives from the handler's end until the peer has all, or leaves and no job is under way. */
struct sending {
	struct lg_note note;
	struct lg_http *ex;		/* NULL: the peer has left */
	struct lg_app *app;
	struct lg_loop *loop;
	struct lg_arena *arena;		/* names of files */
	struct lg_backup_file *file;
	size_t nfiles;
	int copy;			/* the store's, already without a name */
	struct lg_backup_out out;
	struct lg_buf ready;
	size_t given;			/* of ready */
	bool busy;			/* a job is under way: it owns out and ready */
	lg_err e;
};

static void
sending_free(struct sending *s)
{
	lg_backup_end(&s->out);
	lg_buf_free(&s->ready);
	if (s->copy >= 0)
		close(s->copy);
	__atomic_store_n(&lg_own(s->app)->backing_up, false, __ATOMIC_RELEASE);
	lg_arena_free(&s->arena);
	free(s);
}

/* ---- sealing on workers, sending on the loop ------------------------------------------------------------------- */

static void
sealed(struct lg_note *note)
{
	struct sending *s = (struct sending *)(void *)note;

	s->busy = false;
	if (s->ex != NULL)
		lg_http_wake(s->ex);
	else
		sending_free(s);
}

static void
seal_some(void *arg)
{
	struct sending *s = arg;
	struct lg_arena *arena = lg_arena_new();
	struct lg_ctx cx;

	lg_ctx_init(&cx, arena);
	while (s->e == LG_OK && !s->out.ended && s->ready.n + LG_BACKUP_CHUNK + 1024 <= READY_MAX) {
		s->e = lg_backup_next(&cx, &s->out, &s->ready);
		lg_arena_reset(arena);
	}
	lg_arena_free(&arena);
	lg_mailbox_post(lg_loop_mailbox(s->loop), &s->note);
}

static lg_err
next(void *self, struct lg_buf *out, size_t max)
{
	struct sending *s = self;
	size_t n = s->ready.n - s->given;

	if (s->busy)
		return LG_PENDING;
	if (n > 0) {
		n = n < max ? n : max;
		lg_buf_bytes(out, s->ready.p + s->given, n);
		s->given += n;
		return LG_OK;
	}
	if (s->e != LG_OK || s->out.ended)
		return s->e != LG_OK ? s->e : LG_E_NOT_FOUND;
	lg_buf_clear(&s->ready);
	s->given = 0;
	/* From here s is the worker's; s->e may be its failure already. */
	s->busy = true;
	lg_err e = lg_pool_submit(s->app->workers, seal_some, s);
	if (e == LG_OK)
		return LG_PENDING;
	s->busy = false;
	return s->e = e;
}

static void
end(void *self)
{
	struct sending *s = self;

	s->ex = NULL;
	if (!s->busy)
		sending_free(s);
}

/* ---- what is in it ------------------------------------------------------------------------------------------------ */

static void
add_file(struct sending *s, lg_str name, int fd)
{
	if (s->nfiles < LG_BACKUP_FILES)
		s->file[s->nfiles++] = (struct lg_backup_file){ name, fd };
}

static int
by_name(const void *a, const void *b)
{
	const struct lg_backup_file *x = a, *y = b;

	return lg_str_cmp(x->name, y->name);
}

/* Files of a folder with this ending, in the order of their names. */
static lg_err
add_folder(struct lg_ctx *cx, struct sending *s, const char *folder, const char *ending)
{
	size_t first = s->nfiles;
	struct dirent *e;
	DIR *d = opendir(folder);

	if (d == NULL)
		return errno == ENOENT ? LG_OK : lg_fail(cx, LG_E_IO, "%s: %s", folder, strerror(errno));
	while ((e = readdir(d)) != NULL)
		if (e->d_name[0] != '.' && lg_str_ends(lg_str_of(e->d_name), lg_str_of(ending)))
			add_file(s, lg_print(s->arena, "%s/%s", folder, e->d_name), -1);
	closedir(d);
	qsort(s->file + first, s->nfiles - first, sizeof *s->file, by_name);
	return LG_OK;
}

/* A copy that has no name any more: nobody has to remember to delete it. */
static lg_err
copy_store(struct lg_ctx *cx, struct sending *s)
{
	char id[LG_UUID_TEXT + 1];

	lg_uuid_text(lg_uuid_new(), id);
	lg_str path = lg_print(cx->arena, "%s/" COPY_PREFIX "%s", s->app->folders->archive, id);
	LG_TRY(lg_store_backup(cx, s->app->store, path.p));
	s->copy = open(path.p, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	unlink(path.p);
	return s->copy >= 0 ? LG_OK : lg_fail(cx, LG_E_IO, "%s: %s", path.p, strerror(errno));
}

/* The copy first: what moves to the archive meanwhile is in both rather than in none. */
static lg_err
gather(struct lg_ctx *cx, struct sending *s)
{
	s->file = LG_NEWS(s->arena, struct lg_backup_file, LG_BACKUP_FILES);
	LG_TRY(copy_store(cx, s));
	add_file(s, LG_STR("store/data.mdb"), s->copy);
	LG_TRY(add_folder(cx, s, s->app->folders->archive, ".log"));
	return add_folder(cx, s, s->app->folders->log, ".seg");
}

void
lg_backup_sweep(const char *archive)
{
	DIR *d = opendir(archive);
	struct dirent *e;

	while (d != NULL && (e = readdir(d)) != NULL)
		if (lg_str_starts(lg_str_of(e->d_name), LG_STR(COPY_PREFIX)))
			unlinkat(dirfd(d), e->d_name, 0);
	if (d != NULL)
		closedir(d);
}

/* ---- the request ----------------------------------------------------------------------------------------------------- */

struct permission {
	struct lg_app *app;
	struct lg_caller who;
};

/* The row of who took a copy stands in the copy. */
static lg_err
note_backup(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	struct permission *p = arg;

	LG_TRY(lg_caller_may(p->app, cx, v, &p->who, "admin:write", lg_tenant_entity(p->who.tenant)));
	lg_audit(v, LG_STR("store"), LG_NONE);
	return LG_OK;
}

static lg_err
allow(struct lg_app *app, struct lg_http *ex, struct permission *p)
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;

	p->app = app;
	LG_TRY(lg_view_begin(ex->cx, app->store, &v));
	LG_TRY(lg_caller_admin(app, ex, v, "admin:write", &p->who));
	/* All tenants are in the store, so only the first one's administrators may copy it. */
	if (ex->tenant != LG_DEFAULT_TENANT)
		return lg_fail(ex->cx, LG_E_DENIED, "a backup holds all tenants: it is taken by the default tenant's administrators");
	return LG_OK;
}

static lg_err
begin(struct lg_app *app, struct lg_http *ex, struct permission *p, const struct lg_secret *recovery)
{
	struct sending *s = calloc(1, sizeof *s);

	if (s == NULL)
		abort();
	*s = (struct sending){ .note.run = sealed, .ex = ex, .app = app, .loop = lg_http_loop(ex), .arena = lg_arena_new(), .copy = -1,
		.ready = LG_BUF(READY_MAX), .out.fd = -1 };
	lg_err e = lg_store_apply(ex->cx, app->store, ex->tenant, "backup.create", note_backup, p, NULL);
	if (e == LG_OK)
		e = gather(ex->cx, s);
	if (e != LG_OK) {
		sending_free(s);
		return e;
	}
	lg_backup_begin(&s->out, recovery, s->file, s->nfiles, &s->ready);
	lg_http_type(ex, "application/octet-stream");
	lg_http_header(ex, "Content-Disposition", LG_STR("attachment; filename=\"lightgate.backup\""));
	lg_http_stream(ex, &(struct lg_http_stream){ next, end, s });
	return LG_OK;
}

lg_err
lg_api_backup(void *self, struct lg_http *ex)
{
	LG_AUTO(lg_secret_free) struct lg_secret recovery = { NULL, 0 };
	struct lg_app *app = self;
	struct permission p;

	LG_TRY(allow(app, ex, &p));
	LG_TRY(lg_backup_key(ex->cx, ex->header(ex, "Lightgate-Recovery-Key"), &recovery));
	if (__atomic_exchange_n(&lg_own(app)->backing_up, true, __ATOMIC_ACQ_REL))
		return lg_fail(ex->cx, LG_E_BUSY, "a backup is being taken");
	return begin(app, ex, &p, &recovery);
}
