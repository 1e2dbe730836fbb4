/* strays.c: see strays.h. */
#include "agent/strays.h"

#include <dirent.h>
#include <glob.h>
#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/process.h"

#define STATE_MAX	(8u << 20)	/* octets of a runtime's state of one container */

/* Folders with one folder a container: runc below its engines, and crun. */
static const char *const usual[] = {
	"/run/runc", "/run/containerd/runc/*", "/run/docker/runtime-runc/moby", "/run/user/*/runc", "/run/crun", "/run/user/*/crun",
};

/* ---- one container ------------------------------------------------------------------------------------------------------ */

/* runc writes state.json, crun a file "status". */
static bool
read_state(struct lg_ctx *cx, const char *path, const char *pid_name, const char *start_name, struct lg_running *ret)
{
	int64_t start = -1;
	struct lg_json js;
	lg_str text, name;

	if (access(path, F_OK) != 0 || lg_file_read(cx, path, STATE_MAX, &text) != LG_OK)
		return false;
	lg_json_init(&js, cx->arena, text);
	lg_json_object(&js);
	while (lg_json_member(&js, &name)) {
		if (lg_str_eq(name, lg_str_of(pid_name)))
			ret->pid = lg_json_int(&js);
		else if (lg_str_eq(name, lg_str_of(start_name)))
			start = lg_json_int(&js);
		else
			lg_json_skip(&js);
	}
	if (lg_json_end(cx, &js) != LG_OK || ret->pid <= 0)
		return false;
	int64_t now = lg_process_started(cx, ret->pid);
	return now >= 0 && (start < 0 || start == now);		/* a number may be another process's by now */
}

struct sweep {
	struct lg_ctx *cx;
	void (*each)(void *arg, const struct lg_running *r);
	void *arg;
	lg_str wanted;			/* only: is it known? */
	bool found;
	size_t n;
};

static void
look_at(struct sweep *s, const char *root, const char *id)
{
	struct lg_ctx *cx = s->cx;
	struct lg_running r = { .id = lg_dup(cx->arena, lg_str_of(id)) };

	if (read_state(cx, lg_print(cx->arena, "%s/%s/state.json", root, id).p, "init_process_pid", "init_process_start", &r) ||
	    read_state(cx, lg_print(cx->arena, "%s/%s/status", root, id).p, "pid", "process-start-time", &r))
		s->each(s->arg, &r);
	cx->error[0] = '\0';		/* a container that goes while we look is nobody's failure */
}

static void
sweep_root(struct sweep *s, const char *root)
{
	DIR *d = opendir(root);
	const struct dirent *e;

	while (d != NULL && (e = readdir(d)) != NULL && s->n++ < LG_STRAYS_CONTAINERS) {
		if (!lg_container_id_valid(lg_str_of(e->d_name)))
			continue;
		if (s->each == NULL)
			s->found = s->found || lg_str_eq(lg_str_of(e->d_name), s->wanted);
		else
			look_at(s, root, e->d_name);
	}
	if (d != NULL)
		closedir(d);
}

static void
sweep_all(struct sweep *s, const char *const *extra)
{
	for (size_t i = 0; i < LG_COUNT(usual); i++) {
		glob_t g;
		if (glob(usual[i], GLOB_NOSORT, NULL, &g) != 0)
			continue;
		for (size_t k = 0; k < g.gl_pathc; k++)
			sweep_root(s, g.gl_pathv[k]);
		globfree(&g);
	}
	for (size_t i = 0; extra != NULL && extra[i] != NULL; i++)
		sweep_root(s, extra[i]);
}

void
lg_running_each(struct lg_ctx *cx, const char *const *extra, void (*each)(void *arg, const struct lg_running *r), void *arg)
{
	struct sweep s = { .cx = cx, .each = each, .arg = arg };

	sweep_all(&s, extra);
}

bool
lg_running_known(struct lg_ctx *cx, const char *const *extra, lg_str id)
{
	struct sweep s = { .cx = cx, .wanted = id };

	sweep_all(&s, extra);
	return s.found;
}

/* ---- where it lives -------------------------------------------------------------------------------------------------------- */

/* ".../<id>/..." -> ".../<id>"; empty if the id is no part of the path. */
static lg_str
folder_of(lg_str path, lg_str id)
{
	for (size_t i = 1; i + id.n <= path.n; i++)
		if (path.p[i - 1] == '/' && memcmp(path.p + i, id.p, id.n) == 0 && (i + id.n == path.n || path.p[i + id.n] == '/'))
			return lg_str_sub(path, 0, i + id.n);
	return LG_NONE;
}

/* What lies below /run goes with a boot, the container does not. */
lg_str
lg_running_home(struct lg_ctx *cx, const struct lg_oci *oci, lg_str id)
{
	lg_str home = LG_NONE;

	for (size_t i = 0; i < oci->bind_from.n; i++) {
		lg_str folder = folder_of(oci->bind_from.v[i], id);
		if (folder.n > 0 && !lg_str_starts(folder, LG_STR("/run/")))
			home = folder;
	}
	return lg_dup(cx->arena, home.n > 0 ? home : oci->rootfs);
}

void
lg_running_kill(const struct lg_running *r)
{
	int fd = (int)syscall(SYS_pidfd_open, (pid_t)r->pid, 0);

	if (fd < 0)
		return;
	syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0);
	close(fd);
}
