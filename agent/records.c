/* records.c: see records.h. */
#include "agent/records.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "base/text.h"
#include "client/api.h"

#define RECORD_MAX 4096

lg_err
lg_state_open(struct lg_ctx *cx, const char *state)
{
	struct stat st;

	LG_TRY(lg_dir_make(cx, state, 0700));
	if (stat(state, &st) != 0)
		return lg_fail(cx, LG_E_IO, "%s: %s", state, strerror(errno));
	if ((st.st_uid != geteuid() && st.st_uid != 0) || (st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return lg_fail(cx, LG_E_DENIED, "%s can be written to by others", state);
	return LG_OK;
}

lg_err
lg_records_open(struct lg_ctx *cx, const char *state)
{
	static const char *const folders[] = { "redeemed", "admissions", "bundles" };

	LG_TRY(lg_state_open(cx, state));
	for (size_t i = 0; i < LG_COUNT(folders); i++)
		LG_TRY(lg_dir_make(cx, lg_print(cx->arena, "%s/%s", state, folders[i]).p, 0700));
	return LG_OK;
}

bool
lg_container_id_valid(lg_str id)
{
	bool good = id.n > 0 && id.n <= LG_CONTAINER_ID && id.p[0] != '.';

	for (size_t i = 0; good && i < id.n; i++) {
		char c = id.p[i];
		good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
	}
	return good;
}

/* ---- redeemed tickets ------------------------------------------------------------------------------- */

static const char *
redeemed_path(struct lg_ctx *cx, const char *state, lg_str jti)
{
	lg_sha256 h = lg_sha256_of(jti);

	return lg_print(cx->arena, "%s/redeemed/%.*s", state, LG_FMT(lg_hex(cx->arena, lg_sha256_str(&h)))).p;
}

bool
lg_redeemed_has(struct lg_ctx *cx, const char *state, lg_str jti)
{
	/* what cannot be looked at counts as used */
	return access(redeemed_path(cx, state, jti), F_OK) == 0 || errno != ENOENT;
}

lg_err
lg_redeemed_put(struct lg_ctx *cx, const char *state, lg_str jti, int64_t expires)
{
	const char *path = redeemed_path(cx, state, jti);
	lg_str text = lg_print(cx->arena, "%lld\n", (long long)expires);
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0 && errno == EEXIST)
		return lg_fail(cx, LG_E_DENIED, "the ticket has been used before");
	bool done = fd >= 0 && lg_write_all(fd, text.p, text.n);
	int error = errno;
	if (fd >= 0)
		close(fd);
	return done ? LG_OK : lg_fail(cx, LG_E_IO, "%s: %s", path, strerror(error));
}

static bool
is_over(struct lg_ctx *cx, const char *path)
{
	int64_t expires;
	lg_str text;

	/* a file cut short by a crash keeps its ticket used for as long as any ticket lives */
	if (lg_file_read(cx, path, RECORD_MAX, &text) != LG_OK || !lg_int_parse(lg_str_trim(text), &expires)) {
		struct stat st;
		return stat(path, &st) == 0 && (int64_t)st.st_mtime * LG_SECOND < cx->now - LG_HOUR;
	}
	return expires < cx->now - 5 * LG_MINUTE;
}

lg_err
lg_redeemed_sweep(struct lg_ctx *cx, const char *state)
{
	const char *folder = lg_print(cx->arena, "%s/redeemed", state).p;
	DIR *d = opendir(folder);
	const struct dirent *e;
	int n = 0;

	if (d == NULL)
		return lg_fail(cx, LG_E_IO, "%s: %s", folder, strerror(errno));
	while ((e = readdir(d)) != NULL && n++ < LG_RECORDS_MAX) {
		if (e->d_name[0] == '.')
			continue;
		const char *path = lg_print(cx->arena, "%s/%s", folder, e->d_name).p;
		if (is_over(cx, path))
			(void)unlink(path);
	}
	closedir(d);
	return LG_OK;
}

/* ---- admissions ---------------------------------------------------------------------------------------- */

static lg_err
admitted_path(struct lg_ctx *cx, const char *state, lg_str container, const char **ret)
{
	if (!lg_container_id_valid(container))
		return lg_fail(cx, LG_E_INVALID, "not a container id: at most %d of A-Z a-z 0-9 . _ -", LG_CONTAINER_ID);
	*ret = lg_print(cx->arena, "%s/admissions/%.*s.json", state, LG_FMT(container)).p;
	return LG_OK;
}

lg_err
lg_admitted_put(struct lg_ctx *cx, const char *state, const struct lg_admitted *ad)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(RECORD_MAX);
	struct lg_jsonw w = lg_jsonw_of(&b);
	const char *path = NULL;

	LG_TRY(admitted_path(cx, state, ad->container, &path));
	lg_jsonw_object(&w);
	lg_jsonw_str_of(&w, "container", ad->container);
	lg_jsonw_str_of(&w, "workload", ad->workload);
	lg_jsonw_str_of(&w, "admission", ad->admission);
	lg_jsonw_str_of(&w, "sameness", lg_hex(cx->arena, lg_sha256_str(&ad->sameness)));
	lg_jsonw_int_of(&w, "time", ad->time);
	lg_jsonw_str_of(&w, "home", ad->home);
	lg_jsonw_object_end(&w);
	LG_TRY(lg_buf_status(cx, &b));
	return lg_file_put(cx, path, 0600, lg_buf_view(&b));
}

lg_err
lg_admitted_get(struct lg_ctx *cx, const char *state, lg_str container, struct lg_admitted *ret)
{
	const char *path = NULL;
	lg_str text, sameness;

	LG_TRY(admitted_path(cx, state, container, &path));
	if (access(path, F_OK) != 0 && errno == ENOENT)
		return lg_fail(cx, LG_E_NOT_FOUND, "the container was not admitted on this host");
	LG_TRY(lg_file_read(cx, path, RECORD_MAX, &text));
	if (text.n == 0)		/* the power failed before its octets reached the disk */
		return lg_fail(cx, LG_E_NOT_FOUND, "the container's admission was lost");
	struct lg_admitted found = {
		.container = lg_api_member(cx, text, "container"), .workload = lg_api_member(cx, text, "workload"),
		.admission = lg_api_member(cx, text, "admission"), .home = lg_api_member(cx, text, "home"),
	};
	if (!lg_str_eq(found.container, container) || !lg_int_parse(lg_api_member(cx, text, "time"), &found.time) ||
	    !lg_hex_parse(cx->arena, lg_api_member(cx, text, "sameness"), &sameness) || sameness.n != sizeof found.sameness.b)
		return lg_fail(cx, LG_E_CORRUPT, "%s does not decode", path);
	memcpy(found.sameness.b, sameness.p, sameness.n);
	*ret = found;
	return LG_OK;
}

lg_err
lg_admitted_ids(struct lg_ctx *cx, const char *state, lg_str **ret, size_t *n)
{
	const char *folder = lg_print(cx->arena, "%s/admissions", state).p;
	DIR *d = opendir(folder);
	const struct dirent *e;
	lg_str *list = NULL;
	size_t size = 0;

	if (d == NULL)
		return lg_fail(cx, LG_E_IO, "%s: %s", folder, strerror(errno));
	*n = 0;
	while ((e = readdir(d)) != NULL && *n < LG_RECORDS_MAX) {
		lg_str name = lg_str_of(e->d_name), end = LG_STR(".json");
		if (!lg_str_ends(name, end) || !lg_container_id_valid(lg_str_sub(name, 0, name.n - end.n)))
			continue;
		if (*n == size) {
			lg_str *more = LG_NEWS(cx->arena, lg_str, size = size == 0 ? 64 : size * 2);
			if (*n > 0)
				memcpy(more, list, *n * sizeof *list);
			list = more;
		}
		list[(*n)++] = lg_dup(cx->arena, lg_str_sub(name, 0, name.n - end.n));
	}
	closedir(d);
	*ret = list;
	return LG_OK;
}

lg_err
lg_admitted_del(struct lg_ctx *cx, const char *state, lg_str container)
{
	const char *path = NULL;

	LG_TRY(admitted_path(cx, state, container, &path));
	if (unlink(path) != 0 && errno != ENOENT)
		return lg_fail(cx, LG_E_IO, "%s: %s", path, strerror(errno));
	return LG_OK;
}

/* ---- to the disk ------------------------------------------------------------------------------------------- */

static lg_err
sync_record(struct lg_ctx *cx, const char *path)
{
	LG_AUTO(lg_fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT)
		return LG_OK;
	if (fd < 0 || fdatasync(fd) != 0)
		return lg_fail(cx, LG_E_IO, "%s: %s", path, strerror(errno));
	return lg_dir_sync_of(cx, path);
}

lg_err
lg_records_sync(struct lg_ctx *cx, const char *state, lg_str container, lg_str jti)
{
	const char *path = NULL;

	LG_TRY(admitted_path(cx, state, container, &path));
	if (jti.n > 0)
		LG_TRY(sync_record(cx, redeemed_path(cx, state, jti)));
	return sync_record(cx, path);
}
