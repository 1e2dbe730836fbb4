/* oci_rewrite.c: the configuration that the runtime really gets: ours to write, so nobody else can change it afterwards. */
#include "agent/oci.h"

#include "base/json.h"
#include "client/api.h"

struct rewriting {
	struct lg_ctx *cx;
	struct lg_json js;
	struct lg_jsonw w;
	lg_str bundle;
	const struct lg_oci_hook *hook;
	bool hooked, mounted;
};

static void
copy(struct rewriting *r, lg_str name)
{
	lg_jsonw_name(&r->w, name);
	lg_jsonw_raw(&r->w, lg_json_raw(&r->js));
}

static void
put_path(struct rewriting *r, const char *name, lg_str path)
{
	if (!lg_str_starts(path, LG_STR("/")))
		path = lg_print(r->cx->arena, "%.*s/%.*s", LG_FMT(r->bundle), LG_FMT(path));
	lg_jsonw_str_of(&r->w, name, path);
}

/* An object whose member `path` counts from the bundle. */
static void
rewrite_paths(struct rewriting *r, const char *path)
{
	lg_str name;

	lg_json_object(&r->js);
	lg_jsonw_object(&r->w);
	while (lg_json_member(&r->js, &name)) {
		if (lg_str_eq(name, lg_str_of(path)))
			put_path(r, path, lg_json_str(&r->js));
		else
			copy(r, name);
	}
	lg_jsonw_object_end(&r->w);
}

/* ---- mounts -------------------------------------------------------------------------------------------- */

static bool
list_has_bind(struct rewriting *r, lg_str list)
{
	struct lg_json js;
	bool found = false;

	lg_json_init(&js, r->cx->arena, list);
	if (lg_json_peek(&js) != LG_JSON_ARRAY)
		return false;
	lg_json_array(&js);
	while (lg_json_item(&js)) {
		lg_str s = lg_json_str(&js);
		found |= lg_str_eq(s, LG_STR("bind")) || lg_str_eq(s, LG_STR("rbind"));
	}
	return found;
}

static bool
is_bind(struct rewriting *r, lg_str mount)
{
	struct lg_json js;
	bool bind = false;
	lg_str name;

	lg_json_init(&js, r->cx->arena, mount);
	lg_json_object(&js);
	while (lg_json_member(&js, &name)) {
		if (lg_str_eq(name, LG_STR("type")))
			bind |= lg_str_eq(lg_json_str(&js), LG_STR("bind"));
		else if (lg_str_eq(name, LG_STR("options")))
			bind |= list_has_bind(r, lg_json_raw(&js));
		else
			lg_json_skip(&js);
	}
	return bind;
}

/* oci.c knows it again by source, destination and "ro". */
static void
put_mount(struct rewriting *r, lg_str source, const char *destination)
{
	static const char *const options[] = { "bind", "ro", "nosuid", "nodev", "noexec" };

	if (source.n == 0)
		return;
	lg_jsonw_object(&r->w);
	lg_jsonw_str_of(&r->w, "destination", lg_str_of(destination));
	lg_jsonw_str_of(&r->w, "type", LG_STR("bind"));
	lg_jsonw_str_of(&r->w, "source", source);
	lg_jsonw_name(&r->w, LG_STR("options"));
	lg_jsonw_array(&r->w);
	for (size_t i = 0; i < LG_COUNT(options); i++)
		lg_jsonw_str(&r->w, lg_str_of(options[i]));
	lg_jsonw_array_end(&r->w);
	lg_jsonw_object_end(&r->w);
}

/* Last, so that none of the container's own covers them. */
static void
put_mounts(struct rewriting *r)
{
	r->mounted = true;
	put_mount(r, r->hook->identity, LG_OCI_IDENTITY);
	put_mount(r, r->hook->api, LG_OCI_API);
}

static void
rewrite_mounts(struct rewriting *r)
{
	lg_json_array(&r->js);
	lg_jsonw_array(&r->w);
	while (lg_json_item(&r->js)) {
		lg_str mount = lg_json_raw(&r->js);
		if (!is_bind(r, mount)) {
			lg_jsonw_raw(&r->w, mount);
			continue;
		}
		struct rewriting inner = { .cx = r->cx, .w = r->w, .bundle = r->bundle };
		lg_json_init(&inner.js, r->cx->arena, mount);
		rewrite_paths(&inner, "source");
		r->w = inner.w;
	}
	put_mounts(r);
	lg_jsonw_array_end(&r->w);
}

/* ---- environment: where a SPIFFE library looks, unless the container says something else --------------------------------- */

#define ENDPOINT	"SPIFFE_ENDPOINT_SOCKET="

static void
rewrite_env(struct rewriting *r)
{
	bool said = r->hook->api.n == 0;

	lg_json_array(&r->js);
	lg_jsonw_array(&r->w);
	while (lg_json_item(&r->js)) {
		lg_str one = lg_json_raw(&r->js);
		said |= lg_str_starts(one, LG_STR("\"" ENDPOINT));
		lg_jsonw_raw(&r->w, one);
	}
	if (!said)
		lg_jsonw_str(&r->w, LG_STR(ENDPOINT "unix://" LG_OCI_API "/" LG_OCI_API_SOCKET));
	lg_jsonw_array_end(&r->w);
}

static void
rewrite_process(struct rewriting *r)
{
	lg_str name;

	lg_json_object(&r->js);
	lg_jsonw_object(&r->w);
	while (lg_json_member(&r->js, &name)) {
		if (lg_str_eq(name, LG_STR("env")) && lg_json_peek(&r->js) == LG_JSON_ARRAY) {
			lg_jsonw_name(&r->w, name);
			rewrite_env(r);
		} else {
			copy(r, name);
		}
	}
	lg_jsonw_object_end(&r->w);
}

/* ---- hooks ------------------------------------------------------------------------------------------------- */

static void
put_hook(struct rewriting *r)
{
	lg_jsonw_object(&r->w);
	lg_jsonw_str_of(&r->w, "path", r->hook->path);
	lg_jsonw_name(&r->w, LG_STR("args"));
	lg_jsonw_array(&r->w);
	lg_jsonw_str(&r->w, LG_STR("lightgate-runc"));
	lg_jsonw_str(&r->w, LG_STR("hook"));
	lg_jsonw_array_end(&r->w);
	lg_jsonw_name(&r->w, LG_STR("env"));
	lg_jsonw_array(&r->w);
	lg_jsonw_str(&r->w, lg_cat(r->cx->arena, LG_STR("LIGHTGATE_AGENT_SOCKET="), r->hook->socket));
	lg_jsonw_str(&r->w, lg_cat(r->cx->arena, LG_STR("LIGHTGATE_START="), r->hook->start));
	lg_jsonw_array_end(&r->w);
	lg_jsonw_object_end(&r->w);
}

/* Ours, then those that stand there already (an array, null, or nothing). */
static void
put_hooks(struct rewriting *r, const char *stage, lg_str theirs)
{
	struct lg_json js;

	lg_jsonw_name(&r->w, lg_str_of(stage));
	lg_jsonw_array(&r->w);
	put_hook(r);
	lg_json_init(&js, r->cx->arena, theirs);
	if (lg_json_peek(&js) == LG_JSON_ARRAY) {
		lg_json_array(&js);
		while (lg_json_item(&js))
			lg_jsonw_raw(&r->w, lg_json_raw(&js));
	}
	lg_jsonw_array_end(&r->w);
}

static bool
has_items(lg_str list)
{
	return list.n > 0 && !lg_str_eq(list, LG_STR("null")) && !lg_str_eq(lg_str_trim(lg_str_sub(list, 1, list.n - 2)), LG_STR(""));
}

/*
 * Runtimes run `prestart` (deprecated, but Docker's) before `createRuntime`: the hooks of a container that is refused
 * must not run either, so ours is the very first.
 */
static void
rewrite_hooks(struct rewriting *r, lg_str hooks)
{
	lg_str prestart = lg_api_member(r->cx, hooks, "prestart"), name;
	const char *stage = has_items(prestart) ? "prestart" : "createRuntime";
	struct lg_json js;

	r->hooked = true;
	lg_jsonw_name(&r->w, LG_STR("hooks"));
	lg_jsonw_object(&r->w);
	put_hooks(r, stage, lg_api_member(r->cx, hooks, stage));
	put_hooks(r, "poststop", lg_api_member(r->cx, hooks, "poststop"));
	lg_json_init(&js, r->cx->arena, hooks);
	lg_json_object(&js);
	while (lg_json_member(&js, &name)) {
		lg_str list = lg_json_raw(&js);
		if (lg_str_eq(name, lg_str_of(stage)) || lg_str_eq(name, LG_STR("poststop")))
			continue;
		lg_jsonw_name(&r->w, name);
		lg_jsonw_raw(&r->w, list);
	}
	lg_jsonw_object_end(&r->w);
}

static void
rewrite_member(struct rewriting *r, lg_str name)
{
	bool null = lg_json_peek(&r->js) == LG_JSON_NULL;

	if (lg_str_eq(name, LG_STR("root"))) {
		lg_jsonw_name(&r->w, name);
		rewrite_paths(r, "path");
	} else if (lg_str_eq(name, LG_STR("process")) && !null) {
		lg_jsonw_name(&r->w, name);
		rewrite_process(r);
	} else if (lg_str_eq(name, LG_STR("mounts")) && !null) {
		lg_jsonw_name(&r->w, name);
		rewrite_mounts(r);
	} else if (lg_str_eq(name, LG_STR("hooks")) && !null) {
		rewrite_hooks(r, lg_json_raw(&r->js));
	} else if (lg_str_eq(name, LG_STR("hooks")) || lg_str_eq(name, LG_STR("mounts"))) {
		lg_json_null(&r->js);
	} else {
		copy(r, name);
	}
}

lg_err
lg_oci_rewrite(struct lg_ctx *cx, lg_str text, lg_str bundle, const struct lg_oci_hook *hook, struct lg_buf *out)
{
	struct rewriting r = { .cx = cx, .w = lg_jsonw_of(out), .bundle = bundle, .hook = hook };
	lg_str name;

	lg_json_init(&r.js, cx->arena, text);
	lg_json_object(&r.js);
	lg_jsonw_object(&r.w);
	while (lg_json_member(&r.js, &name))
		rewrite_member(&r, name);
	LG_TRY(lg_json_end(cx, &r.js));
	if (!r.hooked)
		rewrite_hooks(&r, LG_STR("{}"));
	if (!r.mounted) {
		lg_jsonw_name(&r.w, LG_STR("mounts"));
		lg_jsonw_array(&r.w);
		put_mounts(&r);
		lg_jsonw_array_end(&r.w);
	}
	lg_jsonw_object_end(&r.w);
	return lg_buf_status(cx, out);
}
