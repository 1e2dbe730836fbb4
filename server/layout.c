#include "server/layout.h"

#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

enum owner { ROOT, SERVER, KEEPER };

static const struct {
	const char *name;
	mode_t mode;
	enum owner owner;
} folders[] = {
	{ "", 0711, ROOT },
	{ "/store", 0700, SERVER },
	{ "/log", 0700, SERVER },
	{ "/archive", 0700, SERVER },
	{ "/keeper", 0700, KEEPER },
	{ "/recover", 0700, ROOT },
	{ "/run", 0755, SERVER },
};

static lg_err
find_user(struct lg_ctx *cx, lg_str name, uid_t *uid, gid_t *gid)
{
	const char *text;
	struct passwd *pw;

	LG_TRY(lg_cstr(cx, name, &text));
	pw = getpwnam(text);
	if (pw == NULL)
		return lg_fail(cx, LG_E_NOT_FOUND, "there is no user %s", text);
	*uid = pw->pw_uid;
	*gid = pw->pw_gid;
	return LG_OK;
}

lg_err
lg_users_find(struct lg_ctx *cx, const struct lg_settings *s, struct lg_users *ret)
{
	*ret = (struct lg_users){ .own = geteuid() == 0, .server_uid = geteuid(), .keeper_uid = geteuid(), .server_gid = getegid(),
		.keeper_gid = getegid() };
	if (!ret->own)
		return LG_OK;
	if (s->dev) {
		ret->server_uid = ret->server_gid = LG_DEV_SERVER_UID;
		ret->keeper_uid = ret->keeper_gid = LG_DEV_KEEPER_UID;
		return LG_OK;
	}
	LG_TRY(find_user(cx, s->server_user, &ret->server_uid, &ret->server_gid));
	LG_TRY(find_user(cx, s->keeper_user, &ret->keeper_uid, &ret->keeper_gid));
	if (ret->server_uid == ret->keeper_uid)
		return lg_fail(cx, LG_E_INVALID, "server and keeper need users of their own");
	return LG_OK;
}

static lg_err
own_folder(struct lg_ctx *cx, const char *path, mode_t mode, enum owner owner, const struct lg_users *u)
{
	uid_t uid = owner == SERVER ? u->server_uid : owner == KEEPER ? u->keeper_uid : geteuid();
	gid_t gid = owner == SERVER ? u->server_gid : owner == KEEPER ? u->keeper_gid : getegid();

	LG_TRY(lg_dir_make(cx, path, mode));
	if (chmod(path, mode) != 0 || (u->own && chown(path, uid, gid) != 0))
		return lg_fail(cx, LG_E_IO, "%s: %s", path, strerror(errno));
	return LG_OK;
}

/* A folder of the socket outside DATA: made, never changed if it is there. */
static lg_err
socket_folder(struct lg_ctx *cx, const struct lg_settings *s)
{
	size_t at = s->socket.n;
	const char *path;

	while (at > 0 && s->socket.p[at - 1] != '/')
		at--;
	if (at <= 1 || lg_str_starts(s->socket, s->data))
		return LG_OK;
	LG_TRY(lg_cstr(cx, lg_str_sub(s->socket, 0, at - 1), &path));
	return access(path, F_OK) == 0 ? LG_OK : lg_dir_make(cx, path, 0755);
}

lg_err
lg_layout_make(struct lg_ctx *cx, const struct lg_settings *s, const struct lg_users *u)
{
	for (size_t i = 0; i < LG_COUNT(folders); i++) {
		const char *path;

		LG_TRY(lg_cstr(cx, lg_cat(cx->arena, s->data, lg_str_of(folders[i].name)), &path));
		LG_TRY(own_folder(cx, path, folders[i].mode, folders[i].owner, u));
	}
	return socket_folder(cx, s);
}

/* ---- the sealing secret ----------------------------------------------------------------------------- */

static lg_str
secret_path(struct lg_ctx *cx, const struct lg_settings *s)
{
	const char *credentials = getenv("CREDENTIALS_DIRECTORY");

	if (credentials != NULL)
		return lg_print(cx->arena, "%s/sealing-secret", credentials);
	return s->secret_file.n > 0 ? s->secret_file : lg_print(cx->arena, "%.*s/sealing-secret", LG_FMT(s->data));
}

static lg_err
secret_make(struct lg_ctx *cx, const char *path, struct lg_secret *ret)
{
	struct lg_secret fresh = lg_secret_random(LG_SEALING_SECRET);
	lg_err e = lg_file_write(cx, path, 0400, (lg_str){ (const char *)fresh.p, fresh.n });

	if (e != LG_OK) {
		lg_secret_free(&fresh);
		return e;
	}
	*ret = fresh;
	return LG_OK;
}

lg_err
lg_sealing_secret(struct lg_ctx *cx, const struct lg_settings *s, struct lg_secret *ret)
{
	const char *path;
	lg_str text;
	lg_err e;

	LG_TRY(lg_cstr(cx, secret_path(cx, s), &path));
	e = lg_file_read(cx, path, LG_SEALING_SECRET, &text);
	if (e == LG_E_NOT_FOUND && s->dev)
		return secret_make(cx, path, ret);
	if (e != LG_OK)
		return lg_fail_in(cx, e, "the sealing secret");
	if (text.n != LG_SEALING_SECRET)
		return lg_fail(cx, LG_E_INVALID, "the sealing secret in %s has %zu octets, not %d", path, text.n, LG_SEALING_SECRET);
	*ret = lg_secret_copy(text);
	/* The server is a copy of this process: nothing of the secret may stay but what it wipes. */
	explicit_bzero((void *)(uintptr_t)text.p, text.n);
	return LG_OK;
}
