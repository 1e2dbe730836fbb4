/* docker_body.c: see docker_body.h. */
#include "agent/docker_body.h"

#include "agent/oci_read.h"
#include "base/capability.h"

/* What an engine gives a container that asks for nothing (moby, oci/caps/defaults.go). */
static const lg_str default_capabilities[] = {
	LG_STR("CAP_CHOWN"), LG_STR("CAP_DAC_OVERRIDE"), LG_STR("CAP_FSETID"), LG_STR("CAP_FOWNER"), LG_STR("CAP_MKNOD"),
	LG_STR("CAP_NET_RAW"), LG_STR("CAP_SETGID"), LG_STR("CAP_SETUID"), LG_STR("CAP_SETFCAP"), LG_STR("CAP_SETPCAP"),
	LG_STR("CAP_NET_BIND_SERVICE"), LG_STR("CAP_SYS_CHROOT"), LG_STR("CAP_KILL"), LG_STR("CAP_AUDIT_WRITE"),
};

struct reading {
	struct lg_oci_reading r;
	struct lg_docker_body *body;
	struct lg_oci_list cap_add, cap_drop, entrypoint, cmd;
	lg_str network_mode;
	bool network_disabled;
};

/* A member that may be null; strings alone. */
static lg_str
text(struct reading *rd)
{
	return lg_oci_absent(&rd->r) ? LG_NONE : lg_json_str(&rd->r.js);
}

static bool
flag(struct reading *rd)
{
	return !lg_oci_absent(&rd->r) && lg_json_bool(&rd->r.js);
}

/* Is there anything in it?  For members whose mere presence matters. */
static bool
something(struct reading *rd)
{
	lg_str raw = lg_json_raw(&rd->r.js);

	return !lg_str_eq(raw, LG_STR("null")) && !lg_str_eq(raw, LG_STR("[]")) && !lg_str_eq(raw, LG_STR("{}")) &&
	    !lg_str_eq(raw, LG_STR("\"\""));
}

/* Go takes a string where a list of strings may stand (Entrypoint, Cmd). */
static void
words(struct reading *rd, struct lg_oci_list *l)
{
	if (lg_json_peek(&rd->r.js) == LG_JSON_STRING)
		lg_oci_add(&rd->r, l, lg_json_str(&rd->r.js));
	else
		lg_oci_strings(&rd->r, l, false);
}

static bool
contains(lg_str s, lg_str what)
{
	return s.n >= what.n && memmem(s.p, s.n, what.p, what.n) != NULL;
}

/* ---- mounts ---------------------------------------------------------------------------------------------------- */

static void
bind(struct reading *rd, lg_str source, lg_str target, bool readonly)
{
	struct lg_oci *o = &rd->body->facts;

	o->sensitive_mount |= lg_oci_path_sensitive(rd->r.cx, source, readonly);
	lg_oci_add(&rd->r, &o->mounts, lg_print(rd->r.cx->arena, "%.*s:%.*s:%s", LG_FMT(source), LG_FMT(target), readonly ? "ro" : "rw"));
}

/* "/host:/in[:ro]" is a bind; "name:/in" a volume, which the hook sees as the folder that it is. */
static void
read_binds(struct reading *rd)
{
	struct lg_oci_list l = { NULL, 0 };

	lg_oci_strings(&rd->r, &l, false);
	for (size_t i = 0; i < l.n; i++) {
		lg_str source, rest, target, mode;
		(void)lg_str_cut(l.v[i], ':', &source, &rest);
		(void)lg_str_cut(rest, ':', &target, &mode);
		if (lg_str_starts(source, LG_STR("/")))
			bind(rd, source, target, contains(mode, LG_STR("ro")));
	}
}

/* The local driver mounts what its options say: a disk, a folder, with any flags. */
static void
read_driver_options(struct reading *rd)
{
	lg_str name;

	if (!lg_oci_object(&rd->r))
		return;
	while (lg_json_member(&rd->r.js, &name)) {
		lg_str value = lg_json_str(&rd->r.js);
		rd->body->facts.sensitive_mount |= contains(value, LG_STR("/")) || contains(value, LG_STR("bind"));
	}
}

static void
read_driver(struct reading *rd)
{
	static const char *const known[] = { "Options", NULL };

	if (!lg_oci_object(&rd->r))
		return;
	while (lg_oci_member(&rd->r, known) >= 0)
		read_driver_options(rd);
}

static void
read_volume_options(struct reading *rd)
{
	static const char *const known[] = { "DriverConfig", NULL };

	if (!lg_oci_object(&rd->r))
		return;
	while (lg_oci_member(&rd->r, known) >= 0)
		read_driver(rd);
}

static void
read_mount(struct reading *rd)
{
	static const char *const known[] = { "Type", "Source", "Target", "ReadOnly", "VolumeOptions", NULL };
	lg_str part[3] = { LG_NONE, LG_NONE, LG_NONE };
	bool readonly = false;
	int i;

	if (!lg_oci_object(&rd->r))
		return;
	while ((i = lg_oci_member(&rd->r, known)) >= 0) {
		if (i < 3)
			part[i] = text(rd);
		else if (i == 3)
			readonly = flag(rd);
		else
			read_volume_options(rd);
	}
	if (lg_str_eq(part[0], LG_STR("bind")) || lg_str_starts(part[1], LG_STR("/")))
		bind(rd, part[1], part[2], readonly);
	else if (!lg_str_eq(part[0], LG_STR("volume")) && !lg_str_eq(part[0], LG_STR("tmpfs")) && part[0].n > 0)
		rd->body->facts.sensitive_mount = true;		/* a kind that is not known here */
}

static void
read_mounts(struct reading *rd)
{
	if (!lg_oci_array(&rd->r))
		return;
	while (lg_json_item(&rd->r.js))
		read_mount(rd);
}

/* The hook sees what these are; here they are only named. */
static void
read_volumes_from(struct reading *rd)
{
	struct lg_oci_list l = { NULL, 0 };

	lg_oci_strings(&rd->r, &l, false);
	for (size_t i = 0; i < l.n; i++)
		lg_oci_add(&rd->r, &rd->body->facts.mounts, lg_print(rd->r.cx->arena, "from:%.*s", LG_FMT(l.v[i])));
}

/* ---- devices, namespaces, confinement ---------------------------------------------------------------------------------- */

static void
read_devices(struct reading *rd)
{
	static const char *const known[] = { "PathOnHost", NULL };

	if (!lg_oci_array(&rd->r))
		return;
	while (lg_json_item(&rd->r.js)) {
		if (!lg_oci_object(&rd->r))
			continue;
		while (lg_oci_member(&rd->r, known) >= 0)
			lg_oci_add(&rd->r, &rd->body->facts.devices, text(rd));
	}
}

static void
read_device_requests(struct reading *rd)
{
	if (something(rd))
		lg_oci_add(&rd->r, &rd->body->facts.devices, LG_STR("request"));
}

static void
read_device_rules(struct reading *rd)
{
	struct lg_oci_list l = { NULL, 0 };

	lg_oci_strings(&rd->r, &l, false);
	for (size_t i = 0; i < l.n; i++)
		lg_oci_add(&rd->r, &rd->body->facts.devices, l.v[i]);
}

/* "host" is the host's own (which bit that is, the caller says); "container:x" another container's. */
static void
judge_mode(struct reading *rd, lg_str mode, bool *host)
{
	if (lg_str_eq(mode, LG_STR("host")))
		*host = true;
	else if (contains(mode, LG_STR(":")))
		rd->body->facts.shared_namespace = true;
}

static void
read_mode(struct reading *rd, bool *host)
{
	judge_mode(rd, text(rd), host);
}

static void
read_network_mode(struct reading *rd)
{
	rd->network_mode = text(rd);
	judge_mode(rd, rd->network_mode, &rd->body->facts.host_network);
}

static void
read_network_disabled(struct reading *rd)
{
	rd->network_disabled = flag(rd);
}

static void
read_pid_mode(struct reading *rd)
{
	read_mode(rd, &rd->body->facts.host_pid);
}

static void
read_ipc_mode(struct reading *rd)
{
	read_mode(rd, &rd->body->facts.host_ipc);
}

static void
read_other_mode(struct reading *rd)
{
	read_mode(rd, &rd->body->facts.shared_namespace);
}

/* Anything that takes a protection away, and anything unknown, counts as doing so. */
static void
read_security(struct reading *rd)
{
	struct lg_oci_list l = { NULL, 0 };

	lg_oci_strings(&rd->r, &l, false);
	for (size_t i = 0; i < l.n; i++)
		if (!lg_str_eq(l.v[i], LG_STR("no-new-privileges")) && !lg_str_eq(l.v[i], LG_STR("no-new-privileges:true")) &&
		    !lg_str_eq(l.v[i], LG_STR("no-new-privileges=true")))
			rd->body->facts.privileged = true;
}

/* Where the engine itself writes down what a container prints.  Every other driver carries it over the host's network, wherever the options say. */
static void
read_log_driver(struct reading *rd)
{
	static const lg_str local[] = { LG_STR(""), LG_STR("none"), LG_STR("json-file"), LG_STR("local"), LG_STR("journald") };
	lg_str driver = text(rd);
	bool known = false;

	for (size_t i = 0; i < LG_COUNT(local); i++)
		known |= lg_str_eq(driver, local[i]);
	rd->body->facts.host_network |= !known;
}

static void
read_log(struct reading *rd)
{
	static const char *const known[] = { "Type", NULL };

	if (!lg_oci_object(&rd->r))
		return;
	while (lg_oci_member(&rd->r, known) >= 0)
		read_log_driver(rd);
}

/* The engine's own lists guard /proc; any list of the caller's replaces them. */
static void
read_paths(struct reading *rd)
{
	if (!lg_oci_absent(&rd->r)) {
		lg_json_skip(&rd->r.js);
		rd->body->facts.privileged = true;
	}
}

static void
read_privileged(struct reading *rd)
{
	rd->body->facts.privileged |= flag(rd);
}

static void
read_cap_add(struct reading *rd)
{
	words(rd, &rd->cap_add);
}

static void
read_cap_drop(struct reading *rd)
{
	words(rd, &rd->cap_drop);
}

static void
read_runtime(struct reading *rd)
{
	rd->body->runtime = text(rd);
}

/* ---- the objects ---------------------------------------------------------------------------------------------------------- */

struct member {
	const char *name;
	void (*read)(struct reading *rd);
};

#define MEMBERS 32		/* of the largest table, create_members */

static void
read_members(struct reading *rd, const struct member *members, size_t n)
{
	const char *known[MEMBERS + 1] = { NULL };
	int i;

	for (size_t k = 0; k < n && k < MEMBERS; k++)
		known[k] = members[k].name;
	if (!lg_oci_object(&rd->r))
		return;
	while ((i = lg_oci_member(&rd->r, known)) >= 0)
		members[i].read(rd);
}

#define HOST_MEMBERS \
	{ "Binds", read_binds }, { "Mounts", read_mounts }, { "VolumesFrom", read_volumes_from }, { "Privileged", read_privileged }, \
	{ "NetworkMode", read_network_mode }, { "PidMode", read_pid_mode }, { "IpcMode", read_ipc_mode }, \
	{ "UTSMode", read_other_mode }, { "UsernsMode", read_other_mode }, { "CgroupnsMode", read_other_mode }, \
	{ "Cgroup", read_other_mode }, { "CapAdd", read_cap_add }, { "CapDrop", read_cap_drop }, { "Capabilities", read_cap_add }, \
	{ "Devices", read_devices }, { "DeviceRequests", read_device_requests }, { "DeviceCgroupRules", read_device_rules }, \
	{ "SecurityOpt", read_security }, { "MaskedPaths", read_paths }, { "ReadonlyPaths", read_paths }, { "Runtime", read_runtime }, \
	{ "LogConfig", read_log }

static void
read_host_config(struct reading *rd)
{
	static const struct member members[] = { HOST_MEMBERS };

	read_members(rd, members, LG_COUNT(members));
}

/* "none" is no network, "host" and "container:x" are namespaces, and what has no name is where the engine puts it. */
static void
add_network(struct reading *rd, lg_str name)
{
	struct lg_oci *o = &rd->body->facts;

	if (name.n == 0 || lg_str_eq(name, LG_STR(LG_DOCKER_NETWORK_DEFAULT)))
		name = LG_STR(LG_DOCKER_NETWORK_USUAL);
	if (!lg_str_eq(name, LG_STR("none")) && !lg_str_eq(name, LG_STR("host")) && !contains(name, LG_STR(":")) && !lg_oci_has(&o->networks, name))
		lg_oci_add(&rd->r, &o->networks, name);
}

static void
read_endpoints(struct reading *rd)
{
	lg_str name;

	if (!lg_oci_object(&rd->r))
		return;
	while (lg_json_member(&rd->r.js, &name)) {
		rd->body->facts.host_network |= lg_str_eq(name, LG_STR("host"));
		add_network(rd, name);
		lg_json_skip(&rd->r.js);
	}
}

static void
read_networking(struct reading *rd)
{
	static const struct member members[] = { { "EndpointsConfig", read_endpoints } };

	read_members(rd, members, LG_COUNT(members));
}

/* A map: Go takes its keys as they are. */
static void
read_labels(struct reading *rd)
{
	lg_str name;

	if (!lg_oci_object(&rd->r))
		return;
	while (lg_json_member(&rd->r.js, &name)) {
		lg_str value = text(rd);
		if (lg_str_eq(name, LG_STR(LG_DOCKER_LABEL_WORKLOAD)))
			rd->body->workload = value;
		else if (lg_str_eq(name, LG_STR(LG_DOCKER_LABEL_PROJECT)))
			rd->body->project = value;
	}
}

static void
read_image(struct reading *rd)
{
	rd->body->image = lg_docker_familiar(text(rd));
}

static void
read_user(struct reading *rd)
{
	rd->body->facts.user = text(rd);
}

static void
read_entrypoint(struct reading *rd)
{
	words(rd, &rd->entrypoint);
}

static void
read_cmd(struct reading *rd)
{
	words(rd, &rd->cmd);
}

static void
read_container(struct reading *rd)
{
	rd->body->container = text(rd);
}

/* Without a HostConfig the engine takes its members from the body itself, as its first versions did. */
static const struct member create_members[] = {
	{ "Image", read_image }, { "User", read_user }, { "Entrypoint", read_entrypoint }, { "Cmd", read_cmd }, { "Labels", read_labels },
	{ "HostConfig", read_host_config }, { "NetworkingConfig", read_networking }, { "NetworkDisabled", read_network_disabled }, HOST_MEMBERS,
}, exec_members[] = {
	{ "User", read_user }, { "Cmd", read_cmd }, { "Privileged", read_privileged },
}, volume_members[] = {
	{ "DriverOpts", read_driver_options },
}, network_members[] = {
	{ "Container", read_container },
};

/* ---- the facts -------------------------------------------------------------------------------------------------------------- */

static void
add_capability(struct reading *rd, lg_str name)
{
	struct lg_oci *o = &rd->body->facts;

	o->privileged |= lg_str_eq(name, LG_STR("CAP_ALL")) || lg_capability_owns_host(name);
	if (!lg_oci_has(&o->capabilities, name))
		lg_oci_add(&rd->r, &o->capabilities, name);
}

static void
judge_capabilities(struct reading *rd)
{
	struct lg_oci_list dropped = { NULL, 0 };

	for (size_t i = 0; i < rd->cap_drop.n; i++)
		lg_oci_add(&rd->r, &dropped, lg_capability_name(rd->r.cx->arena, rd->cap_drop.v[i]));
	for (size_t i = 0; i < LG_COUNT(default_capabilities); i++)
		if (!lg_oci_has(&dropped, LG_STR("CAP_ALL")) && !lg_oci_has(&dropped, default_capabilities[i]))
			add_capability(rd, default_capabilities[i]);
	for (size_t i = 0; i < rd->cap_add.n; i++)
		add_capability(rd, lg_capability_name(rd->r.cx->arena, rd->cap_add.v[i]));
}

static void
judge_create(struct reading *rd)
{
	judge_capabilities(rd);
	rd->body->facts.networked = true;
	if (!rd->network_disabled)
		add_network(rd, rd->network_mode);
}

static lg_err
read_body(struct lg_ctx *cx, lg_str json, const struct member *members, size_t n, void (*judge)(struct reading *), struct lg_docker_body *ret)
{
	struct reading rd = { .r = { .cx = cx, .oci = &ret->facts }, .body = ret };

	*ret = (struct lg_docker_body){ .runtime = LG_NONE };
	lg_json_init(&rd.r.js, cx->arena, json);
	read_members(&rd, members, n);
	if (judge != NULL)
		judge(&rd);
	for (size_t i = 0; i < rd.entrypoint.n; i++)
		lg_oci_add(&rd.r, &ret->facts.args, rd.entrypoint.v[i]);
	for (size_t i = 0; i < rd.cmd.n; i++)
		lg_oci_add(&rd.r, &ret->facts.args, rd.cmd.v[i]);
	return lg_json_end(cx, &rd.r.js);
}

lg_err
lg_docker_read_create(struct lg_ctx *cx, lg_str json, struct lg_docker_body *ret)
{
	_Static_assert(LG_COUNT(create_members) <= MEMBERS, "room for every name");

	return read_body(cx, json, create_members, LG_COUNT(create_members), judge_create, ret);
}

lg_err
lg_docker_read_exec(struct lg_ctx *cx, lg_str json, struct lg_docker_body *ret)
{
	return read_body(cx, json, exec_members, LG_COUNT(exec_members), NULL, ret);
}

lg_err
lg_docker_read_volume(struct lg_ctx *cx, lg_str json, struct lg_docker_body *ret)
{
	return read_body(cx, json, volume_members, LG_COUNT(volume_members), NULL, ret);
}

lg_err
lg_docker_read_network(struct lg_ctx *cx, lg_str json, struct lg_docker_body *ret)
{
	return read_body(cx, json, network_members, LG_COUNT(network_members), NULL, ret);
}

lg_str
lg_docker_familiar(lg_str image)
{
	static const lg_str fronts[] = { LG_STR("docker.io/library/"), LG_STR("docker.io/") };

	for (size_t i = 0; i < LG_COUNT(fronts); i++)
		if (lg_str_starts(image, fronts[i])) {
			image = lg_str_sub(image, fronts[i].n, image.n);
			break;
		}
	return lg_str_ends(image, LG_STR(":latest")) ? lg_str_sub(image, 0, image.n - 7) : image;
}
