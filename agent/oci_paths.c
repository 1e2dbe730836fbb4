/* oci_paths.c: host paths that would hand the host, an engine or Lightgate to a container. */
#include "agent/oci.h"

#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>

/*
 * Seeing one of them, or a folder above it, is enough.  What lies in it counts always, where it can be written (programs), or, where engines keep the
 * containers' own resolv.conf, volumes and roots below their state, never.
 */
enum inside { NEVER, WRITTEN, ALWAYS };

static const struct {
	lg_str path;
	enum inside inside;
} protected[] = {
	{ LG_STR("/proc"), ALWAYS }, { LG_STR("/sys"), ALWAYS }, { LG_STR("/dev"), NEVER }, { LG_STR("/boot"), ALWAYS }, { LG_STR("/root"), ALWAYS },
	{ LG_STR("/etc"), ALWAYS }, { LG_STR("/usr"), WRITTEN }, { LG_STR("/bin"), WRITTEN }, { LG_STR("/sbin"), WRITTEN }, { LG_STR("/lib"), WRITTEN },
	{ LG_STR("/home"), NEVER }, { LG_STR("/run"), ALWAYS }, { LG_STR("/var/spool"), ALWAYS }, { LG_STR("/var/lib"), NEVER },
	{ LG_STR("/var/lib/docker"), NEVER }, { LG_STR("/var/lib/containerd"), NEVER }, { LG_STR("/var/lib/containers"), NEVER },
	{ LG_STR("/var/lib/kubelet"), NEVER }, { LG_STR("/var/lib/dpkg"), ALWAYS }, { LG_STR("/var/lib/rpm"), ALWAYS },
	{ LG_STR("/var/lib/systemd"), ALWAYS }, { LG_STR("/var/lib/lightgate"), ALWAYS }, { LG_STR("/var/lib/lightgate-agent"), ALWAYS },
	{ LG_STR("/var/log"), NEVER }, { LG_STR("/var/log/lightgate"), ALWAYS },
};

/* Of those, what may be seen all the same: state of engines below /run, and what every program may know, as long as it is not written. */
static const struct {
	lg_str path;
	bool written;
} harmless[] = {
	{ LG_STR("/run/containerd/io.containerd.grpc.v1.cri"), true }, { LG_STR("/run/containerd/io.containerd.runtime.v2.task"), true },
	{ LG_STR("/run/containers/storage"), true }, { LG_STR("/etc/localtime"), false }, { LG_STR("/etc/timezone"), false }, { LG_STR("/etc/hosts"), false },
	{ LG_STR("/etc/hostname"), false }, { LG_STR("/etc/resolv.conf"), false }, { LG_STR("/etc/ssl/certs"), false },
	{ LG_STR("/etc/ca-certificates"), false }, { LG_STR("/etc/os-release"), false },
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
is_harmless(lg_str path, bool readonly)
{
	for (size_t i = 0; i < LG_COUNT(harmless); i++)
		if (within(path, harmless[i].path) && path.n > (harmless[i].written ? harmless[i].path.n : 0) && (readonly || harmless[i].written))
			return true;
	return false;
}

static bool
listed(lg_str path, bool readonly)
{
	/* /var/run is /run under another name, also where the link is missing */
	static const lg_str var_run = { "/var/run", 8 };

	if (within(path, var_run))
		path = lg_str_sub(path, 4, path.n);
	if (is_harmless(path, readonly))
		return false;
	for (size_t i = 0; i < LG_COUNT(protected); i++)
		if (within(protected[i].path, path) ||
		    ((protected[i].inside == ALWAYS || (protected[i].inside == WRITTEN && !readonly)) && within(path, protected[i].path)))
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
lg_oci_path_sensitive(struct lg_ctx *cx, lg_str path, bool readonly)
{
	char real[PATH_MAX];
	const char *name;

	path = lexical(cx, path);
	if (listed(path, readonly) || lg_cstr(cx, path, &name) != LG_OK)
		return true;
	/* What a link leads to is what is mounted; what does not exist yet is judged by its name. */
	if (realpath(lg_dup(cx->arena, path).p, real) != NULL && listed(lg_str_of(real), readonly))
		return true;
	return is_socket(lg_dup(cx->arena, path).p);
}
