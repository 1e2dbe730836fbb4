/* svid_files.c: a container's folder of identity files: each is replaced by rename, so that a reader sees the old or the new one. */
#include "agent/svid.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"

#define FILE_MAX	(128u << 10)
#define WAITING		".new"
#define REVOKED		"revoked"

static const char *const names[] = { "key.pem", "certificate.pem", "identity.pem", "bundle.pem", "token", "federated.json" };

/* On a tmpfs there is nothing to be synced. */
static lg_err
put(struct lg_ctx *cx, int folder, const char *name, lg_str text, uid_t uid, gid_t gid)
{
	(void)unlinkat(folder, WAITING, 0);
	LG_AUTO(lg_fd_close) int fd = openat(folder, WAITING, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0 || !lg_write_all(fd, text.p, text.n) || fchown(fd, uid, gid) != 0 || renameat(folder, WAITING, folder, name) != 0)
		return lg_fail(cx, LG_E_IO, "%s of a workload cannot be written: %s", name, strerror(errno));
	return LG_OK;
}

static int
open_folder(const char *folder)
{
	return open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

lg_err
lg_svid_write(struct lg_ctx *cx, const char *folder, const struct lg_svid *svid, uid_t uid, gid_t gid)
{
	LG_AUTO(lg_fd_close) int fd = open_folder(folder);
	lg_str certificate = lg_cat(cx->arena, svid->certificate, svid->chain);
	const lg_str texts[] = { svid->key, certificate, lg_cat(cx->arena, svid->key, certificate), svid->roots, svid->token,
		svid->federated };

	if (fd < 0)
		return lg_fail(cx, LG_E_IO, "%s: %s", folder, strerror(errno));
	for (size_t i = 0; i < LG_COUNT(names); i++)
		if (texts[i].n > 0)
			LG_TRY(put(cx, fd, names[i], texts[i], uid, gid));
	(void)unlinkat(fd, REVOKED, 0);
	return LG_OK;
}

lg_err
lg_svid_mark(struct lg_ctx *cx, const char *folder, const struct lg_svid *svid, uid_t uid, gid_t gid)
{
	LG_AUTO(lg_fd_close) int fd = open_folder(folder);

	if (fd < 0)
		return lg_fail(cx, LG_E_IO, "%s: %s", folder, strerror(errno));
	return put(cx, fd, REVOKED, lg_print(cx->arena, "%.*s\n", LG_FMT(svid->serial)), uid, gid);
}

bool
lg_svid_marked(struct lg_ctx *cx, const char *folder)
{
	return access(lg_print(cx->arena, "%s/" REVOKED, folder).p, F_OK) == 0;
}

static lg_err
get(struct lg_ctx *cx, const char *folder, const char *name, lg_str *ret)
{
	return lg_file_read(cx, lg_print(cx->arena, "%s/%s", folder, name).p, FILE_MAX, ret);
}

/* The token is not taken up: a new one is cheap, and says by which keys it is to be verified. */
lg_err
lg_svid_read(struct lg_ctx *cx, const char *folder, uid_t *uid, gid_t *gid, struct lg_svid **ret)
{
	lg_str certificate, key, roots;
	struct stat st;

	if (stat(lg_print(cx->arena, "%s/key.pem", folder).p, &st) != 0)
		return lg_fail(cx, LG_E_NOT_FOUND, "%s holds no identity", folder);
	*uid = st.st_uid;
	*gid = st.st_gid;
	LG_TRY(get(cx, folder, "certificate.pem", &certificate));
	LG_TRY(get(cx, folder, "key.pem", &key));
	LG_TRY(get(cx, folder, "bundle.pem", &roots));
	return lg_svid_of(cx, certificate, key, roots, ret);
}

void
lg_svid_remove(struct lg_ctx *cx, const char *folder)
{
	for (size_t i = 0; i < LG_COUNT(names); i++)
		(void)unlink(lg_print(cx->arena, "%s/%s", folder, names[i]).p);
	(void)unlink(lg_print(cx->arena, "%s/" REVOKED, folder).p);
	(void)unlink(lg_print(cx->arena, "%s/" WAITING, folder).p);
	(void)rmdir(folder);
}
