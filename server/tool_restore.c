/*
 * tool_restore.c: `lightgated tool restore`: a backup takes the place of the store.
 *
 * Everything is unpacked beside the store and verified there; one exchange of names puts it in its place, and what was there
 * before stays as store/replaced.mdb.  A backup that ends before the keeper's mark has lost what the service has acknowledged: it
 * is taken only with --accept-loss, which opens a new epoch and gives up everything that may have been issued meanwhile.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "lightgate/certs.h"
#include "lightgate/directory.h"
#include "lightgate/sts.h"
#include "server/backup.h"
#include "server/tool_kit.h"
#include "server/tools.h"

#define ROOM	"store/restore"
#define OPERATION "restore.accept-loss"

struct restore {
	struct lg_tool_world w;
	const char *from, *key_file;
	int fd;
	struct lg_secret recovery;
	bool accept_loss;
	bool lost[LG_CHAINS];
	const char *decisions;		/* the folder of the log that will be in force */
	struct lg_head head;
	size_t unknown;			/* certificates that the backup does not know */
};

/* ---- unpacking ------------------------------------------------------------------------------------------------- */

/* The three folders of a backup, and where their files wait for the exchange. */
static const struct {
	const char *folder, *room, *ending;
} places[] = {
	{ "store/", ROOM, "data.mdb" },
	{ "archive/", ROOM "/archive", ".log" },
	{ "log/", ROOM "/log", ".seg" },
};

static bool
plain_name(lg_str name)
{
	for (size_t i = 0; i < name.n; i++) {
		char c = name.p[i];
		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || (c == '.' && i > 0)))
			return false;
	}
	return name.n > 0;
}

static lg_err
begin_file(void *arg, struct lg_ctx *cx, lg_str name, uint64_t size, int *fd)
{
	(void)arg, (void)size;
	for (size_t i = 0; i < LG_COUNT(places); i++) {
		lg_str base = lg_str_sub(name, strlen(places[i].folder), SIZE_MAX);
		if (!lg_str_starts(name, lg_str_of(places[i].folder)) || !lg_str_ends(base, lg_str_of(places[i].ending)) || !plain_name(base))
			continue;
		lg_str path = lg_print(cx->arena, "%s/%.*s", places[i].room, LG_FMT(base));
		*fd = open(path.p, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
		return *fd >= 0 ? LG_OK : lg_fail(cx, LG_E_IO, "%s: %s", path.p, strerror(errno));
	}
	return lg_fail(cx, LG_E_CORRUPT, "the backup holds %.*s, which has no place here", LG_FMT(name));
}

static void
empty_folder(const char *path)
{
	DIR *d = opendir(path);
	struct dirent *e;

	while (d != NULL && (e = readdir(d)) != NULL)
		unlinkat(dirfd(d), e->d_name, 0);
	if (d != NULL)
		closedir(d);
	rmdir(path);
}

/* What an earlier try left behind, or this one. */
static void
clear_room(void)
{
	for (size_t i = LG_COUNT(places); i-- > 0;)
		empty_folder(places[i].room);
}

static lg_err
unpack(struct restore *r)
{
	clear_room();
	for (size_t i = 0; i < LG_COUNT(places); i++)
		LG_TRY(lg_dir_make(&r->w.cx, places[i].room, 0700));
	return lg_backup_read(&r->w.cx, r->fd, &r->recovery, begin_file, NULL);
}

/* ---- judging ------------------------------------------------------------------------------------------------------ */

static bool
has_files(const char *path, const char *ending)
{
	DIR *d = opendir(path);
	struct dirent *e;
	bool found = false;

	while (d != NULL && !found && (e = readdir(d)) != NULL)
		found = lg_str_ends(lg_str_of(e->d_name), lg_str_of(ending));
	if (d != NULL)
		closedir(d);
	return found;
}

static lg_err
judge_one(struct restore *r, enum lg_chain chain, const struct lg_head *head, lg_digests *digests, void *arg, const char *what)
{
	struct lg_mark mark;

	LG_TRY(lg_tool_mark(&r->w, chain, &mark));
	lg_err e = lg_mark_check(&r->w.cx, &mark, head, digests, arg, what);
	if (e != LG_E_CORRUPT)
		return e;
	r->lost[chain] = true;
	if (r->accept_loss)
		return LG_OK;
	lg_str why = lg_print(r->w.cx.arena, "%s; --accept-loss takes the backup all the same", r->w.cx.error);
	return lg_fail(&r->w.cx, LG_E_CONFLICT, "%.*s", LG_FMT(why));
}

static lg_err
judge_decisions(struct restore *r)
{
	LG_AUTO(lg_segments_close) struct lg_segments *sg = NULL;
	struct lg_head head;

	/* The log that is there is newer than its copy, and its chain tells whether it is whole. */
	r->decisions = has_files("log", ".seg") ? "log" : ROOM "/log";
	LG_TRY(lg_segments_open(&r->w.cx, r->decisions, 1u << 20, &sg));	/* a record cut by the copy goes */
	LG_TRY(lg_segments_verify(&r->w.cx, r->decisions, &head));
	return judge_one(r, LG_CHAIN_DECISIONS, &head, lg_digests_decisions, sg, "decision log");
}

static lg_err
judge(struct restore *r)
{
	uint64_t rows = 0, faults = 0;

	LG_TRY(lg_tool_store(&r->w, ROOM, ROOM "/archive"));
	LG_TRY(lg_log_verify(&r->w.cx, r->w.store, 1, NULL, NULL, &r->head));
	lg_store_turn(r->w.store);
	LG_TRY(lg_store_check(&r->w.cx, r->w.store, &rows, &faults));
	if (faults > 0)
		return lg_fail(&r->w.cx, LG_E_CORRUPT, "%llu index rows of the backup do not follow from its entries", (unsigned long long)faults);
	LG_TRY(judge_one(r, LG_CHAIN_CHANGES, &r->head, lg_digests_changes, r->w.store, "change log"));
	return judge_decisions(r);
}

/* ---- giving up what was issued ------------------------------------------------------------------------------------- */

static lg_err
end_tokens(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	const uint32_t *tenant = arg;
	/* Record time may be behind the clock, and what was issued meanwhile carries the clock's. */
	int64_t now = cx->now > lg_view_time(v) ? cx->now : lg_view_time(v);

	lg_audit(v, LG_STR("tokens and sessions"), LG_STR("{\"accept_loss\":true}"));
	return lg_sts_revoke(cx, v, *tenant, LG_REVOKED_TENANT, LG_NONE, now);
}

static lg_err
give_up_tenant(struct lg_ctx *cx, struct lg_store *st, uint32_t tenant)
{
	LG_TRY(lg_store_apply(cx, st, tenant, OPERATION, end_tokens, &tenant, NULL));
	return lg_certs_give_up(cx, st, tenant, OPERATION);
}

static lg_err
tenants(struct lg_ctx *cx, struct lg_store *st, struct lg_tenant **ret, size_t *n)
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;

	LG_TRY(lg_view_begin(cx, st, &v));
	return lg_tenant_list(cx, v, ret, n);
}

/* Epochs rise until the keeper's is passed: it takes no other. */
static lg_err
new_epoch(struct restore *r)
{
	struct lg_ctx *cx = &r->w.cx;
	struct lg_mark mark;

	LG_TRY(lg_tool_mark(&r->w, LG_CHAIN_CHANGES, &mark));
	do
		LG_TRY(lg_store_new_epoch(cx, r->w.store, LG_STR("restore --accept-loss")));
	while (lg_store_head(r->w.store).epoch <= mark.epoch);
	return LG_OK;
}

static lg_err
give_up(struct restore *r)
{
	struct lg_ctx *cx = &r->w.cx;
	struct lg_tenant *t = NULL;
	size_t n = 0;

	LG_TRY(new_epoch(r));
	LG_TRY(tenants(cx, r->w.store, &t, &n));
	uint32_t *id = LG_NEWS(cx->arena, uint32_t, n);
	for (size_t i = 0; i < n; i++)
		id[i] = t[i].id;
	lg_store_turn(r->w.store);
	for (size_t i = 0; i < n; i++)
		LG_TRY(give_up_tenant(cx, r->w.store, id[i]));
	LG_TRY(lg_tool_revoke_lost(&r->w, OPERATION, &r->unknown));
	r->head = lg_store_head(r->w.store);
	return LG_OK;
}

/* ---- putting it in its place ------------------------------------------------------------------------------------------ */

static lg_err
move(struct lg_ctx *cx, const char *from, const char *to)
{
	return rename(from, to) == 0 ? LG_OK : lg_fail(cx, LG_E_IO, "%s to %s: %s", from, to, strerror(errno));
}

/* Archived records of another history would stand beside this one's: they keep their bytes and lose their names. */
static lg_err
set_aside(struct lg_ctx *cx, const char *folder, const char *ending)
{
	DIR *d = opendir(folder);
	struct dirent *e;
	lg_err err = LG_OK;

	while (d != NULL && err == LG_OK && (e = readdir(d)) != NULL)
		if (e->d_name[0] != '.' && lg_str_ends(lg_str_of(e->d_name), lg_str_of(ending)))
			err = move(cx, lg_print(cx->arena, "%s/%s", folder, e->d_name).p,
			    lg_print(cx->arena, "%s/%s.replaced", folder, e->d_name).p);
	if (d != NULL)
		closedir(d);
	return err;
}

static lg_err
move_all(struct lg_ctx *cx, const char *room, const char *folder)
{
	DIR *d = opendir(room);
	struct dirent *e;
	lg_err err = LG_OK;

	while (d != NULL && err == LG_OK && (e = readdir(d)) != NULL)
		if (e->d_name[0] != '.')
			err = move(cx, lg_print(cx->arena, "%s/%s", room, e->d_name).p, lg_print(cx->arena, "%s/%s", folder, e->d_name).p);
	if (d != NULL)
		closedir(d);
	return err;
}

/* The store itself comes last: until then a second try finds everything as the first one did. */
static lg_err
put_in_place(struct restore *r)
{
	struct lg_ctx *cx = &r->w.cx;

	if (r->lost[LG_CHAIN_CHANGES])
		LG_TRY(set_aside(cx, "archive", ".log"));
	LG_TRY(move_all(cx, ROOM "/archive", "archive"));
	if (strcmp(r->decisions, "log") != 0)
		LG_TRY(move_all(cx, ROOM "/log", "log"));
	LG_TRY(lg_dir_sync(cx, "archive"));
	LG_TRY(lg_dir_sync(cx, "log"));
	unlink("store/lock.mdb");
	if (renameat2(AT_FDCWD, ROOM "/data.mdb", AT_FDCWD, "store/data.mdb", RENAME_EXCHANGE) == 0)
		LG_TRY(move(cx, ROOM "/data.mdb", "store/replaced.mdb"));
	else
		LG_TRY(move(cx, ROOM "/data.mdb", "store/data.mdb"));
	return lg_dir_sync(cx, "store");
}

/* Only now: a store that the keeper does not know yet does not start, and restoring again mends it. */
static lg_err
tell_keeper(struct restore *r)
{
	struct lg_ctx *cx = &r->w.cx;
	struct lg_head head;
	struct lg_mark mark;

	if (r->lost[LG_CHAIN_CHANGES])
		LG_TRY(lg_tool_mark_epoch(&r->w, LG_CHAIN_CHANGES, &r->head));
	if (!r->lost[LG_CHAIN_DECISIONS])
		return LG_OK;
	LG_TRY(lg_tool_mark(&r->w, LG_CHAIN_DECISIONS, &mark));
	do {
		LG_TRY(lg_segments_new_epoch(cx, "log"));
		LG_TRY(lg_segments_verify(cx, "log", &head));
	} while (head.epoch <= mark.epoch);
	return lg_tool_mark_epoch(&r->w, LG_CHAIN_DECISIONS, &head);
}

/* ---- the tool ------------------------------------------------------------------------------------------------------------ */

/* As the parent's user: the files are the operator's. */
static lg_err
open_files(struct lg_ctx *cx, struct restore *r)
{
	lg_str text;

	LG_TRY(lg_file_read(cx, r->key_file, 256, &text));
	LG_TRY(lg_backup_key(cx, lg_str_trim(text), &r->recovery));
	r->fd = open(r->from, O_RDONLY | O_CLOEXEC);
	return r->fd >= 0 ? LG_OK : lg_fail(cx, LG_E_IO, "%s: %s", r->from, strerror(errno));
}

static lg_err
restore(struct restore *r)
{
	static const struct lg_actor actor = { .kind = LG_ACTOR_RECOVER, .type = { "Recover", 7 }, .name = { "restore", 7 } };

	LG_TRY(unpack(r));
	r->w.cx.now = lg_wall();
	LG_TRY(judge(r));
	r->w.cx.actor = &actor;
	if (r->lost[LG_CHAIN_CHANGES])
		LG_TRY(give_up(r));
	lg_store_close(&r->w.store);
	LG_TRY(put_in_place(r));
	LG_TRY(tell_keeper(r));
	printf("restored: epoch %u, record %llu%s\n", r->head.epoch, (unsigned long long)r->head.seq,
	    r->lost[LG_CHAIN_CHANGES] ? "; all tokens, sessions and certificates were given up" : "");
	if (r->unknown > 0)
		printf("%zu certificate(s) that the backup does not know are revoked too: the keeper had signed them\n", r->unknown);
	return LG_OK;
}

int
lg_tool_restore(const struct lg_settings *s, int argc, char **argv)
{
	struct restore *r = calloc(1, sizeof *r);
	struct lg_ctx cx;
	int status = 2;

	if (r == NULL)
		abort();
	r->fd = -1;
	r->accept_loss = lg_tool_flag(argc, argv, "--accept-loss");
	lg_ctx_init(&cx, lg_arena_new());
	if (!lg_tool_option(argc, argv, "--from", &r->from) || !lg_tool_option(argc, argv, "--key-file", &r->key_file)) {
		fprintf(stderr, "lightgated: restore --from FILE --key-file FILE [--accept-loss]\n");
	} else if (open_files(&cx, r) != LG_OK) {
		fprintf(stderr, "lightgated: %s\n", cx.error);
	} else {
		lg_err e = lg_tool_enter(&r->w, s, true);
		if (e == LG_OK) {
			e = restore(r);
			lg_store_close(&r->w.store);
			clear_room();
		}
		status = lg_tool_leave(&r->w, e);
	}
	lg_secret_free(&r->recovery);
	if (r->fd >= 0)
		close(r->fd);
	lg_arena_free(&cx.arena);
	free(r);
	return status;
}
