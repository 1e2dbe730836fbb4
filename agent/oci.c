/* oci.c: reading config.json.  Every judgement leans towards "this container can do it". */
#include "agent/oci_read.h"

#include "base/capability.h"

/* ---- process ------------------------------------------------------------------------------------------------- */

static void
read_user(struct lg_oci_reading *r)
{
	static const char *const known[] = { "uid", "gid", "username", NULL };
	int64_t uid = 0, gid = 0;
	int i;

	if (!lg_oci_object(r))
		return;
	while ((i = lg_oci_member(r, known)) >= 0) {
		if (i == 0)
			uid = lg_json_int(&r->js);
		else if (i == 1)
			gid = lg_json_int(&r->js);
		else
			lg_json_skip(&r->js);
	}
	r->oci->uid = uid;
	r->oci->gid = gid;
	r->oci->user = lg_print(r->cx->arena, "%lld:%lld", (long long)uid, (long long)gid);
}

static void
read_capabilities(struct lg_oci_reading *r)
{
	static const char *const known[] = { "bounding", "effective", "inheritable", "permitted", "ambient", NULL };

	if (!lg_oci_object(r))
		return;
	while (lg_oci_member(r, known) >= 0)
		lg_oci_strings(r, &r->oci->capabilities, true);
	for (size_t i = 0; i < r->oci->capabilities.n; i++) {
		r->oci->capabilities.v[i] = lg_capability_name(r->cx->arena, r->oci->capabilities.v[i]);
		r->oci->privileged |= lg_capability_owns_host(r->oci->capabilities.v[i]);
	}
}

static void
read_process(struct lg_oci_reading *r)
{
	static const char *const known[] = { "user", "capabilities", "args", NULL };
	int i;

	if (!lg_oci_object(r))
		return;
	while ((i = lg_oci_member(r, known)) >= 0) {
		if (i == 0)
			read_user(r);
		else if (i == 1)
			read_capabilities(r);
		else
			lg_oci_strings(r, &r->oci->args, false);
	}
}

/* ---- root, mounts ---------------------------------------------------------------------------------------------- */

static lg_str
absolute(struct lg_oci_reading *r, lg_str path)
{
	if (lg_str_starts(path, LG_STR("/")))
		return path;
	return lg_print(r->cx->arena, "%.*s/%.*s", LG_FMT(r->bundle), LG_FMT(path));
}

static void
read_root(struct lg_oci_reading *r)
{
	static const char *const known[] = { "path", "readonly", NULL };
	int i;

	if (!lg_oci_object(r))
		return;
	while ((i = lg_oci_member(r, known)) >= 0) {
		if (i == 0)
			r->oci->rootfs = absolute(r, lg_json_str(&r->js));
		else
			lg_json_skip(&r->js);
	}
	if (lg_oci_path_sensitive(r->cx, r->oci->rootfs, false))
		r->oci->sensitive_mount = true;
}

struct mount {
	lg_str type, source, destination;
	bool bind, readonly;
};

static void
read_options(struct lg_oci_reading *r, struct mount *m)
{
	struct lg_oci_list options = { NULL, 0 };

	lg_oci_strings(r, &options, false);
	for (size_t i = 0; i < options.n; i++) {
		lg_str o = options.v[i];
		if (lg_str_eq(o, LG_STR("bind")) || lg_str_eq(o, LG_STR("rbind")))
			m->bind = true;
		else if (lg_str_eq(o, LG_STR("ro")) || lg_str_eq(o, LG_STR("rro")))
			m->readonly = true;
		else if (lg_str_eq(o, LG_STR("rw")))
			m->readonly = false;
	}
}

/* File systems that the kernel makes up for the container's own namespaces. */
static bool
is_virtual(lg_str type)
{
	static const lg_str types[] = { LG_STR("proc"), LG_STR("tmpfs"), LG_STR("devpts"), LG_STR("mqueue"), LG_STR("sysfs"),
		LG_STR("cgroup"), LG_STR("cgroup2") };

	for (size_t i = 0; i < LG_COUNT(types); i++)
		if (lg_str_eq(type, types[i]))
			return true;
	return false;
}

/* Exactly as oci_rewrite.c puts it in: this container's identity and the socket, where they belong, read-only. */
static bool
is_ours(const struct lg_oci_reading *r, const struct mount *m)
{
	const struct lg_oci_own *own = r->own;

	return m->readonly && m->source.n > 0 &&
	    ((lg_str_eq(m->source, own->identity) && lg_str_eq(m->destination, LG_STR(LG_OCI_IDENTITY))) ||
	     (lg_str_eq(m->source, own->api) && lg_str_eq(m->destination, LG_STR(LG_OCI_API))));
}

static void
judge_bind(struct lg_oci_reading *r, const struct mount *m)
{
	struct lg_oci *o = r->oci;
	lg_str source = absolute(r, m->source), identities = r->own->identities;

	if (m->source.n == 0)
		lg_json_fault(&r->js, "a bind mount without a source");
	if (is_ours(r, m))
		return;
	o->sensitive_mount |= lg_oci_path_sensitive(r->cx, source, m->readonly) || (identities.n > 0 && lg_oci_paths_overlap(r->cx, source, identities));
	lg_oci_add(r, &o->bind_from, source);
	lg_oci_add(r, &o->bind_to, m->destination);
	lg_oci_add(r, &o->mounts, lg_print(r->cx->arena, "%.*s:%.*s:%s", LG_FMT(source), LG_FMT(m->destination), m->readonly ? "ro" : "rw"));
}

static void
judge_mount(struct lg_oci_reading *r, const struct mount *m)
{
	struct lg_oci *o = r->oci;
	bool kernel = lg_str_eq(m->type, LG_STR("sysfs")) || lg_str_starts(m->type, LG_STR("cgroup"));

	if (m->bind || lg_str_eq(m->type, LG_STR("bind"))) {
		judge_bind(r, m);
		return;
	}
	if (lg_str_eq(m->type, LG_STR("proc"))) {
		r->has_proc = true;
		/* readonlyPaths says "/proc/sys"; elsewhere nothing guards it */
		o->privileged |= !lg_str_eq(m->destination, LG_STR("/proc")) && !m->readonly;
	}
	if (kernel && !m->readonly)
		o->privileged = true;		/* writable: release_agent, uevent_helper and the like */
	if (!is_virtual(m->type)) {
		o->sensitive_mount = true;	/* a disk, an overlay of host folders, something we do not know */
		lg_oci_add(r, &o->mounts, lg_print(r->cx->arena, "%.*s(%.*s):%.*s:%s", LG_FMT(m->type), LG_FMT(m->source),
		    LG_FMT(m->destination), m->readonly ? "ro" : "rw"));
	}
}

static void
read_mounts(struct lg_oci_reading *r)
{
	static const char *const known[] = { "type", "source", "destination", "options", "uidMappings", "gidMappings", NULL };
	int i;

	if (!lg_oci_array(r))
		return;
	while (lg_json_item(&r->js)) {
		struct mount m = { .type = LG_NONE };
		lg_json_object(&r->js);
		while ((i = lg_oci_member(r, known)) >= 0) {
			if (i == 3)
				read_options(r, &m);
			else if (i > 3)
				lg_json_skip(&r->js);
			else
				*(i == 0 ? &m.type : i == 1 ? &m.source : &m.destination) = lg_json_str(&r->js);
		}
		judge_mount(r, &m);
	}
}

/* ---- annotations, the whole ------------------------------------------------------------------------------------------- */

/* A map: Go takes its keys as they are. */
static void
read_annotations(struct lg_oci_reading *r)
{
	lg_str name;

	if (!lg_oci_object(r))
		return;
	while (lg_json_member(&r->js, &name)) {
		lg_str value = lg_json_str(&r->js);
		if (lg_str_eq(name, LG_STR(LG_OCI_TICKET)))
			r->oci->ticket = value;
		else if (lg_str_eq(name, LG_STR(LG_OCI_WORKLOAD)))
			r->oci->workload = value;
		else if (lg_str_eq(name, LG_STR(LG_OCI_PROJECT)))
			r->oci->project = value;
		else if (lg_str_eq(name, LG_STR(LG_OCI_DIGEST)))
			r->oci->image_digest = value;
		else if (lg_str_eq(name, LG_STR("org.opencontainers.image.ref.name")))
			r->oci->image = value;
	}
}

static void
judge_whole(struct lg_oci_reading *r)
{
	struct lg_oci *o = r->oci;

	o->host_network = !(r->namespaces & 1u << LG_NS_NETWORK);
	o->host_pid = !(r->namespaces & 1u << LG_NS_PID);
	o->host_ipc = !(r->namespaces & 1u << LG_NS_IPC);
	r->user_namespace = (r->namespaces & 1u << LG_NS_USER) != 0 && !r->maps_root;
	if (!(r->namespaces & 1u << LG_NS_MOUNT))
		o->privileged = true;
	/* The host's uid 0, also inside a user namespace, writes /proc/sys (core_pattern) unless the runtime guards it. */
	if (r->has_proc && !r->sys_readonly && !r->user_namespace)
		o->privileged = true;
}

static void
read_config(struct lg_oci_reading *r)
{
	static const char *const known[] = { "root", "process", "mounts", "linux", "annotations", "hooks", "ociVersion", "hostname",
		"domainname", "vm", "windows", "solaris", NULL };
	static void (*const readers[])(struct lg_oci_reading *) = { read_root, read_process, read_mounts, lg_oci_read_linux, read_annotations,
		lg_oci_read_hooks };
	int i;

	lg_json_object(&r->js);
	while ((i = lg_oci_member(r, known)) >= 0) {
		if ((size_t)i < LG_COUNT(readers))
			readers[i](r);
		else
			lg_json_skip(&r->js);
	}
}

/* ---- the facts -------------------------------------------------------------------------------------------------------------- */

static void
put_list(struct lg_jsonw *w, const char *name, const struct lg_oci_list *l)
{
	lg_jsonw_name(w, lg_str_of(name));
	lg_jsonw_array(w);
	for (size_t i = 0; i < l->n; i++)
		lg_jsonw_str(w, l->v[i]);
	lg_jsonw_array_end(w);
}

void
lg_oci_facts(const struct lg_oci *oci, struct lg_buf *out)
{
	struct lg_jsonw w = lg_jsonw_of(out);

	lg_jsonw_object(&w);
	lg_jsonw_bool_of(&w, "privileged", oci->privileged);
	lg_jsonw_bool_of(&w, "host_network", oci->host_network);
	lg_jsonw_bool_of(&w, "host_pid", oci->host_pid);
	lg_jsonw_bool_of(&w, "host_ipc", oci->host_ipc);
	lg_jsonw_bool_of(&w, "shared_namespace", oci->shared_namespace);
	lg_jsonw_str_of(&w, "user", oci->user);
	put_list(&w, "capabilities", &oci->capabilities);
	put_list(&w, "devices", &oci->devices);
	put_list(&w, "mounts", &oci->mounts);
	lg_jsonw_bool_of(&w, "sensitive_mount", oci->sensitive_mount);
	put_list(&w, "args", &oci->args);
	if (oci->networked)
		put_list(&w, "networks", &oci->networks);
	put_list(&w, "hooks", &oci->hooks);
	lg_jsonw_object_end(&w);
}

static lg_err
finish(struct lg_ctx *cx, lg_str text, struct lg_oci *oci)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(2 * LG_OCI_MAX);

	lg_oci_facts(oci, &b);
	lg_buf_str32(&b, oci->rootfs);
	lg_buf_str32(&b, oci->workload);
	LG_TRY(lg_buf_status(cx, &b));
	oci->sameness = lg_sha256_of(lg_buf_view(&b));
	oci->digest = lg_sha256_of(text);
	return LG_OK;
}

lg_err
lg_oci_parse(struct lg_ctx *cx, lg_str text, lg_str bundle, const struct lg_oci_own *own, struct lg_oci *ret)
{
	struct lg_oci oci = { .user = LG_STR("0:0") };
	struct lg_oci_reading r = { .cx = cx, .oci = &oci, .bundle = bundle, .own = own };

	lg_json_init(&r.js, cx->arena, text);
	read_config(&r);
	if (lg_json_end(cx, &r.js) != LG_OK)
		return lg_fail_in(cx, LG_E_INVALID, "config.json");
	if (oci.rootfs.n == 0)
		return lg_fail(cx, LG_E_INVALID, "config.json: there is no root.path");
	judge_whole(&r);
	LG_TRY(finish(cx, text, &oci));
	*ret = oci;
	return LG_OK;
}

lg_err
lg_oci_parse_process(struct lg_ctx *cx, lg_str text, struct lg_oci *ret)
{
	static const struct lg_oci_own own = { .hook = { NULL, 0 } };
	struct lg_oci oci = { .user = LG_STR("0:0") };
	struct lg_oci_reading r = { .cx = cx, .oci = &oci, .own = &own };

	lg_json_init(&r.js, cx->arena, text);
	read_process(&r);
	if (lg_json_end(cx, &r.js) != LG_OK)
		return lg_fail_in(cx, LG_E_INVALID, "the process");
	*ret = oci;
	return LG_OK;
}
