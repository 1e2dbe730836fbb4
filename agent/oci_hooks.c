/*
 * oci_hooks.c: the hooks of a config.json.  The runtime runs them as root on the host, so each is a fact that policy judges; only
 * the one that we put there ourselves, and the one by which dockerd hands the network namespace to itself, are not.
 */
#include "agent/oci_read.h"

#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

struct hook {
	lg_str path;
	struct lg_oci_list args, env;
};

/* Exactly as oci_rewrite.c writes it: with another environment it would be somebody else's program. */
static bool
is_ours(const struct lg_oci_reading *r, const struct hook *h)
{
	if (!lg_str_eq(h->path, r->own->hook) || h->args.n != 2 || !lg_str_eq(h->args.v[0], LG_STR("lightgate-runc")) ||
	    !lg_str_eq(h->args.v[1], LG_STR("hook")))
		return false;
	for (size_t i = 0; i < h->env.n; i++)
		if (!lg_str_starts(h->env.v[i], LG_STR("LIGHTGATE_AGENT_SOCKET=")) && !lg_str_starts(h->env.v[i], LG_STR("LIGHTGATE_START=")))
			return false;
	return true;
}

/* "/proc/PID/exe" of a dockerd that only root could have put on this host. */
static bool
is_dockerd(const struct lg_oci_reading *r, lg_str path)
{
	char program[PATH_MAX];
	struct stat st;
	lg_str pid = lg_str_sub(path, 6, path.n > 10 ? path.n - 10 : 0);

	if (!lg_str_starts(path, LG_STR("/proc/")) || !lg_str_ends(path, LG_STR("/exe")) || pid.n == 0 || pid.n > 10)
		return false;
	for (size_t i = 0; i < pid.n; i++)
		if (pid.p[i] < '0' || pid.p[i] > '9')
			return false;
	const char *link = lg_dup(r->cx->arena, path).p;
	ssize_t n = readlink(link, program, sizeof program);
	return n > 0 && lg_str_ends((lg_str){ program, (size_t)n }, LG_STR("/dockerd")) && stat(link, &st) == 0 && S_ISREG(st.st_mode) &&
	    st.st_uid == 0 && (st.st_mode & 0022) == 0;
}

/* dockerd as its own hook (moby, libnetwork/sandbox_externalkey_unix.go): nothing but this entry point, nothing in its environment. */
static bool
is_engines(const struct lg_oci_reading *r, const struct hook *h)
{
	return h->args.n == 4 && h->env.n == 0 && lg_str_eq(h->args.v[0], LG_STR("libnetwork-setkey")) && is_dockerd(r, h->path);
}

static lg_str
hook_text(const struct lg_oci_reading *r, const struct hook *h)
{
	lg_str text = h->path;

	for (size_t i = 1; i < h->args.n; i++)
		text = lg_cat(r->cx->arena, lg_cat(r->cx->arena, text, LG_STR(" ")), h->args.v[i]);
	return text;
}

static void
read_hook(struct lg_oci_reading *r)
{
	static const char *const known[] = { "path", "args", "env", "timeout", NULL };
	struct hook h = { .path = LG_NONE };
	int i;

	lg_json_object(&r->js);
	while ((i = lg_oci_member(r, known)) >= 0) {
		if (i == 0)
			h.path = lg_json_str(&r->js);
		else if (i == 1)
			lg_oci_strings(r, &h.args, false);
		else if (i == 2)
			lg_oci_strings(r, &h.env, false);
		else
			lg_json_skip(&r->js);
	}
	if (!is_ours(r, &h) && !is_engines(r, &h))
		lg_oci_add(r, &r->oci->hooks, hook_text(r, &h));
}

/* A stage under another spelling would take the place of ours: lg_oci_member refuses it. */
void
lg_oci_read_hooks(struct lg_oci_reading *r)
{
	static const char *const known[] = { "prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop", NULL };

	if (!lg_oci_object(r))
		return;
	while (lg_oci_member(r, known) >= 0)
		if (lg_oci_array(r))
			while (lg_json_item(&r->js))
				read_hook(r);
}
