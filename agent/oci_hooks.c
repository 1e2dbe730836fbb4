/*
 * oci_hooks.c: the hooks of a config.json.  The runtime runs them as root on the host, so each is a fact that policy judges; only
 * the one that we put there ourselves is not.
 */
#include "agent/oci_read.h"

struct hook {
	lg_str path;
	struct lg_oci_list args, env;
};

/* Exactly as oci_rewrite.c writes it: with another environment it would be somebody else's program. */
static bool
is_ours(const struct lg_oci_reading *r, const struct hook *h)
{
	if (!lg_str_eq(h->path, r->own_hook) || h->args.n != 2 || !lg_str_eq(h->args.v[0], LG_STR("lightgate-runc")) ||
	    !lg_str_eq(h->args.v[1], LG_STR("hook")))
		return false;
	for (size_t i = 0; i < h->env.n; i++)
		if (!lg_str_starts(h->env.v[i], LG_STR("LIGHTGATE_AGENT_SOCKET=")) && !lg_str_starts(h->env.v[i], LG_STR("LIGHTGATE_START=")))
			return false;
	return true;
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
	if (!is_ours(r, &h))
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
