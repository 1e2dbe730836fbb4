#include "server/tool_kit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "crypto/confine.h"
#include "lightgate/directory.h"
#include "server/storage.h"

/* The running server holds the same lock on the store's folder; a copy elsewhere is nobody's business. */
static lg_err
must_be_stopped(struct lg_ctx *cx)
{
	int fd = open("store", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return lg_fail(cx, LG_E_IO, "store: %s", strerror(errno));
	int rc = flock(fd, LOCK_EX | LOCK_NB);
	close(fd);
	return rc == 0 ? LG_OK : lg_fail(cx, LG_E_CONFLICT, "the service is running: stop it first");
}

static void
init(struct lg_tool_world *w, const struct lg_settings *s)
{
	*w = (struct lg_tool_world){ .parent = { .settings = *s, .nloops = 1, .server_control = -1, .arena = lg_arena_new() } };
	lg_ctx_init(&w->cx, lg_arena_new());
	lg_ctx_init(&w->parent.cx, w->parent.arena);
	for (size_t i = 0; i < LG_LOOPS; i++)
		w->parent.channels[i] = -1;
	signal(SIGPIPE, SIG_IGN);
	lg_log_open("lightgated", LG_WARN, !isatty(2));
}

static lg_err
start_keeper(struct lg_tool_world *w)
{
	LG_TRY(lg_sealing_secret(&w->cx, &w->parent.settings, &w->parent.secret));
	lg_err e = lg_parent_keeper_start(&w->parent);
	lg_secret_free(&w->parent.secret);
	lg_parent_channels_close(&w->parent);
	return e == LG_OK ? LG_OK : lg_fail(&w->cx, e, "the keeper: %s", w->parent.cx.error);
}

lg_err
lg_tool_enter(struct lg_tool_world *w, const struct lg_settings *s, bool keeper)
{
	const char *data;

	init(w, s);
	LG_TRY(lg_cstr(&w->cx, s->data, &data));
	if (chdir(data) != 0)
		return lg_fail(&w->cx, LG_E_IO, "%s: %s", data, strerror(errno));
	LG_TRY(lg_users_find(&w->cx, s, &w->parent.users));
	if (keeper)			/* a tool that changes much: on a new machine nothing may be there yet */
		LG_TRY(lg_layout_make(&w->cx, s, &w->parent.users));
	LG_TRY(must_be_stopped(&w->cx));
	if (keeper)
		LG_TRY(start_keeper(w));
	return w->parent.users.own ? lg_confine_drop(&w->cx, w->parent.users.server_uid, w->parent.users.server_gid) : LG_OK;
}

int
lg_tool_leave(struct lg_tool_world *w, lg_err e)
{
	if (e != LG_OK)
		fprintf(stderr, "lightgated: %s\n", w->cx.error);
	lg_store_close(&w->store);
	lg_parent_keeper_stop(&w->parent);
	if (w->parent.keeper.pid > 0)
		waitpid(w->parent.keeper.pid, NULL, 0);
	lg_arena_free(&w->parent.arena);
	lg_arena_free(&w->cx.arena);
	return e == LG_OK ? 0 : 1;
}

lg_err
lg_tool_store(struct lg_tool_world *w, const char *dir, const char *archive)
{
	LG_TRY(lg_storage_open(&w->cx, &w->parent.settings, dir, archive, &w->store));
	return lg_directory_follow(&w->cx, w->store);
}

/* ---- the keeper ------------------------------------------------------------------------------------------------- */

lg_err
lg_tool_mark(struct lg_tool_world *w, enum lg_chain chain, struct lg_mark *ret)
{
	struct lg_keeper_told t = { .keeper = w->parent.keeper_control, .cx = &w->cx };
	lg_str reply;
	lg_err e;

	*ret = (struct lg_mark){ .seq = 0 };
	e = lg_keeper_await(&t, lg_keeper_mark(t.keeper, (uint32_t)chain, lg_keeper_told, &t), &reply);
	if (e == LG_E_NOT_FOUND)
		return LG_OK;
	LG_TRY(e);
	return lg_mark_decode(&w->cx, reply, ret);
}

lg_err
lg_tool_mark_epoch(struct lg_tool_world *w, enum lg_chain chain, const struct lg_head *head)
{
	struct lg_keeper_told t = { .keeper = w->parent.keeper_control, .cx = &w->cx };
	lg_str reply;

	return lg_keeper_await(&t, lg_keeper_new_epoch(t.keeper, (uint32_t)chain, head->epoch, head->seq, &head->hash, lg_keeper_told, &t), &reply);
}

/* ---- words ----------------------------------------------------------------------------------------------------------- */

bool
lg_tool_option(int argc, char **argv, const char *name, const char **ret)
{
	for (int i = 1; i + 1 < argc; i++)
		if (strcmp(argv[i], name) == 0) {
			*ret = argv[i + 1];
			return true;
		}
	return false;
}

bool
lg_tool_flag(int argc, char **argv, const char *name)
{
	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], name) == 0)
			return true;
	return false;
}
