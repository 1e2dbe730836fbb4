/* oci_paths.c: host paths that would hand the host, an engine or Lightgate to a container. */
#include "agent/oci.h"

#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>

/* Seeing one of them, or a folder above it, is enough.  below: all that lies in it counts too; engines keep the
 * containers' own resolv.conf, volumes and roots below their state, so those folders count only as a whole. */
static const struct {
	lg_str path;
	bool below;
} protected[] = {
	{ LG_STR("/proc"), true }, { LG_STR("/sys"), true }, { LG_STR("/dev"), false }, { LG_STR("/boot"), true },
	{ LG_STR("/etc"), false }, { LG_STR("/etc/lightgate"), true }, { LG_STR("/etc/docker"), true }, { LG_STR("/root"), true },
	{ LG_STR("/usr"), false }, { LG_STR("/var/lib"), false }, { LG_STR("/var/log/lightgate"), true },
	{ LG_STR("/var/lib/docker"), false }, { LG_STR("/var/lib/containerd"), false }, { LG_STR("/var/lib/containers"), false },
	{ LG_STR("/var/lib/lightgate"), true }, { LG_STR("/var/lib/lightgate-agent"), true }, { LG_STR("/var/lib/kubelet"), false },
	{ LG_STR("/run"), false }, { LG_STR("/run/docker.sock"), true }, { LG_STR("/run/docker"), true },
	{ LG_STR("/run/containerd"), false }, { LG_STR("/run/containerd/containerd.sock"), true }, { LG_STR("/run/podman"), true },
	{ LG_STR("/run/crio"), true }, { LG_STR("/run/libvirt"), true }, { LG_STR("/run/lightgate"), true },
	{ LG_STR("/run/lightgate-agent"), true }, { LG_STR("/run/systemd"), true }, { LG_STR("/run/dbus"), true },
	{ LG_STR("/run/runc"), true }, { LG_STR("/run/crun"), true },
};

/* Is `path` the folder or inside it? */
static bool
within(lg_str path, lg_str folder)
{
	if (lg_str_eq(folder, LG_STR("/")))
		return true;
	return lg_str_starts(path, folder) && (path.n == folder.n || path.p[folder.n] == '/');
}

/* Without ".", "..", "//" and an end slash; the text alone, nothing is looked up. */
static lg_str
lexical(struct lg_ctx *cx, lg_str path)
{
	char *out = lg_alloc(cx->arena, path.n + 2);
	size_t n = 0;
	lg_str piece, rest = path;

	for (bool more = true; more; ) {
		more = lg_str_cut(rest, '/', &piece, &rest);
		if (piece.n == 0 || lg_str_eq(piece, LG_STR(".")))
			continue;
		if (lg_str_eq(piece, LG_STR(".."))) {
			while (n > 0 && out[--n] != '/')
				continue;
			continue;
		}
		out[n++] = '/';
		memcpy(out + n, piece.p, piece.n);
		n += piece.n;
	}
	if (n == 0)
		out[n++] = '/';
	return (lg_str){ out, n };
}

static bool
listed(lg_str path)
{
	/* /var/run is /run under another name, also where the link is missing */
	static const lg_str var_run = { "/var/run", 8 };

	if (within(path, var_run))
		path = lg_str_sub(path, 4, path.n);
	for (size_t i = 0; i < LG_COUNT(protected); i++)
		if (within(protected[i].path, path) || (protected[i].below && within(path, protected[i].path)))
			return true;
	return within(var_run, path);
}

bool
lg_oci_paths_overlap(struct lg_ctx *cx, lg_str path, lg_str folder)
{
	char real[PATH_MAX];
	const char *name;

	path = lexical(cx, path);
	if (within(path, folder) || within(folder, path))
		return true;
	if (lg_cstr(cx, path, &name) != LG_OK || realpath(lg_dup(cx->arena, path).p, real) == NULL)
		return false;
	return within(lg_str_of(real), folder) || within(folder, lg_str_of(real));
}

/* Sockets speak for whoever listens: no engine's, wherever it lies. */
static bool
is_socket(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISSOCK(st.st_mode);
}

bool
lg_oci_path_sensitive(struct lg_ctx *cx, lg_str path)
{
	char real[PATH_MAX];
	const char *name;

	path = lexical(cx, path);
	if (listed(path) || lg_cstr(cx, path, &name) != LG_OK)
		return true;
	/* What a link leads to is what is mounted; what does not exist yet is judged by its name. */
	if (realpath(lg_dup(cx->arena, path).p, real) != NULL && listed(lg_str_of(real)))
		return true;
	return is_socket(lg_dup(cx->arena, path).p);
}
