/* oci_linux.c: the part of config.json that is Linux's: namespaces, devices, /proc. */
#include "agent/oci_read.h"

#include <sys/stat.h>

static const char *const namespace_types[] = { "pid", "network", "ipc", "mount", "uts", "user", "cgroup", "time", NULL };
const char *const lg_namespace_files[LG_NS_TYPES] = { "pid", "net", "ipc", "mnt", "uts", "user", "cgroup", "time" };

/* Does the path lead to a namespace of the host (the agent's own)?  A path is always somebody's: then it is shared. */
static bool
is_host_namespace(struct lg_oci_reading *r, int type, lg_str path)
{
	struct stat theirs, ours;

	return stat(lg_dup(r->cx->arena, path).p, &theirs) == 0 &&
	    stat(lg_print(r->cx->arena, "/proc/self/ns/%s", lg_namespace_files[type]).p, &ours) == 0 &&
	    theirs.st_ino == ours.st_ino && theirs.st_dev == ours.st_dev;
}

static void
judge_namespace(struct lg_oci_reading *r, lg_str type, lg_str path)
{
	int t = 0;

	while (namespace_types[t] != NULL && !lg_str_eq(type, lg_str_of(namespace_types[t])))
		t++;
	if (t == LG_NS_TYPES) {
		lg_json_fault(&r->js, "a namespace of unknown type");
		return;
	}
	if (path.n > 0) {
		r->oci->shared_namespace = true;
		r->oci->joined |= 1u << t;
	}
	if (path.n == 0 || !is_host_namespace(r, t, path))
		r->namespaces |= 1u << t;
}

static void
read_namespaces(struct lg_oci_reading *r)
{
	static const char *const known[] = { "type", "path", NULL };
	int i;

	if (!lg_oci_array(r))
		return;
	while (lg_json_item(&r->js)) {
		lg_str type = LG_NONE, path = LG_NONE;
		lg_json_object(&r->js);
		while ((i = lg_oci_member(r, known)) >= 0)
			*(i == 0 ? &type : &path) = lg_json_str(&r->js);
		judge_namespace(r, type, path);
	}
}

struct device {
	bool allow;			/* of a rule */
	lg_str path, type, access;	/* path: of a node; access: of a rule */
	int64_t major, minor;		/* -1: all */
};

/* Disks, memory, ports, a processor's registers: whoever reads or writes them has the host. */
static bool
is_host_device(const struct device *d)
{
	static const struct {
		int64_t major, minor;
	} host[] = { { 1, 1 }, { 1, 2 }, { 1, 4 }, { 202, -1 } };

	if (d->major < 0 || (!lg_str_eq(d->type, LG_STR("c")) && !lg_str_eq(d->type, LG_STR("u")) && !lg_str_eq(d->type, LG_STR("p"))))
		return true;
	for (size_t i = 0; i < LG_COUNT(host) && !lg_str_eq(d->type, LG_STR("p")); i++)
		if (d->major == host[i].major && (d->minor < 0 || host[i].minor < 0 || d->minor == host[i].minor))
			return true;
	return false;
}

static void
read_devices(struct lg_oci_reading *r)
{
	static const char *const known[] = { "path", "type", "major", "minor", "fileMode", "uid", "gid", NULL };
	int i;

	if (!lg_oci_array(r))
		return;
	while (lg_json_item(&r->js)) {
		struct device d = { .path = LG_NONE };
		lg_json_object(&r->js);
		while ((i = lg_oci_member(r, known)) >= 0) {
			if (i <= 1)
				*(i == 0 ? &d.path : &d.type) = lg_json_str(&r->js);
			else if (i <= 3 && !lg_oci_absent(r))
				*(i == 2 ? &d.major : &d.minor) = lg_json_int(&r->js);
			else if (i > 3)
				lg_json_skip(&r->js);
		}
		lg_oci_add(r, &r->oci->devices, d.path);
		r->oci->privileged |= is_host_device(&d);
	}
}

static void
judge_rule(struct lg_oci_reading *r, const struct device *d)
{
	if (!d->allow)
		return;
	/* To make the nodes alone ("m") is what engines allow by default. */
	if (is_host_device(d) && !lg_str_eq(d->access, LG_STR("m")))
		r->oci->privileged = true;
	lg_oci_add(r, &r->oci->devices, lg_print(r->cx->arena, "%.*s %lld:%lld %.*s", LG_FMT(d->type.n > 0 ? d->type : LG_STR("a")),
	    (long long)d->major, (long long)d->minor, LG_FMT(d->access)));
}

static void
read_device_rules(struct lg_oci_reading *r)
{
	static const char *const known[] = { "allow", "type", "access", "major", "minor", NULL };
	int i;

	if (!lg_oci_array(r))
		return;
	while (lg_json_item(&r->js)) {
		struct device d = { .major = -1, .minor = -1 };
		lg_json_object(&r->js);
		while ((i = lg_oci_member(r, known)) >= 0) {
			if (i == 0)
				d.allow = lg_json_bool(&r->js);
			else if (i <= 2)
				*(i == 1 ? &d.type : &d.access) = lg_json_str(&r->js);
			else if (!lg_oci_absent(r))
				*(i == 3 ? &d.major : &d.minor) = lg_json_int(&r->js);
		}
		judge_rule(r, &d);
	}
}

static void
read_resources(struct lg_oci_reading *r)
{
	static const char *const known[] = { "devices", NULL };

	if (!lg_oci_object(r))
		return;
	while (lg_oci_member(r, known) >= 0)
		read_device_rules(r);
}

static void
read_readonly_paths(struct lg_oci_reading *r)
{
	struct lg_oci_list paths = { NULL, 0 };

	lg_oci_strings(r, &paths, false);
	r->sys_readonly = lg_oci_has(&paths, LG_STR("/proc/sys")) && lg_oci_has(&paths, LG_STR("/proc/sysrq-trigger"));
}

/* A user namespace in which somebody is the host's root guards nothing that belongs to root. */
static void
read_uid_mappings(struct lg_oci_reading *r)
{
	static const char *const known[] = { "containerID", "hostID", "size", NULL };
	int i;

	if (!lg_oci_array(r))
		return;
	while (lg_json_item(&r->js)) {
		int64_t host = 0;
		lg_json_object(&r->js);
		while ((i = lg_oci_member(r, known)) >= 0) {
			if (i == 1)
				host = lg_json_int(&r->js);
			else
				lg_json_skip(&r->js);
		}
		r->maps_root |= host == 0;
	}
}

void
lg_oci_read_linux(struct lg_oci_reading *r)
{
	static const char *const known[] = { "namespaces", "devices", "resources", "readonlyPaths", "uidMappings", NULL };
	int i;

	if (!lg_oci_object(r))
		return;
	while ((i = lg_oci_member(r, known)) >= 0) {
		if (i == 0)
			read_namespaces(r);
		else if (i == 1)
			read_devices(r);
		else if (i == 2)
			read_resources(r);
		else if (i == 3)
			read_readonly_paths(r);
		else
			read_uid_mappings(r);
	}
}
