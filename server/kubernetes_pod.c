/* kubernetes_pod.c: what the containers of a pod could do, from the pod's own words (core/v1 PodSpec). */
#include "base/capability.h"
#include "base/json.h"
#include "server/admissions.h"
#include "server/kubernetes.h"

struct list {
	const char *name;
	lg_str v[LG_FACT_LIST];
	size_t n;
};

enum { USER, GROUP, IDS };

struct reading {
	struct lg_ctx *cx;
	struct lg_json js;
	struct lg_kube_pod *pod;
	lg_str name, generate, label;
	bool privileged, host_network, host_pid, host_ipc, sensitive;
	/* who they run as; -1: the image says it */
	int64_t now[IDS], of_pod[IDS], least[IDS];
	bool given[IDS], inherited[IDS];	/* by some container */
	struct list capabilities, devices, mounts, args;
};

static void
add(struct reading *r, struct list *l, lg_str s)
{
	if (l->n == LG_FACT_LIST)
		lg_json_fault(&r->js, "more items than are taken here");
	else
		l->v[l->n++] = s;
}

/* null is what is absent. */
static bool
enter(struct reading *r, enum lg_json_type type)
{
	if (lg_json_peek(&r->js) == LG_JSON_NULL) {
		lg_json_null(&r->js);
		return false;
	}
	(type == LG_JSON_ARRAY ? lg_json_array : lg_json_object)(&r->js);
	return true;
}

/* A member and what takes it; what no line names is passed over, and so is null. */
struct member {
	const char *name;
	void (*take)(struct reading *r);
};

static void
read_members(struct reading *r, const struct member *known, size_t n)
{
	lg_str name;

	if (!enter(r, LG_JSON_OBJECT))
		return;
	while (lg_json_member(&r->js, &name)) {
		size_t i = 0;
		while (i < n && !lg_str_eq(name, lg_str_of(known[i].name)))
			i++;
		if (i == n || lg_json_peek(&r->js) == LG_JSON_NULL)
			lg_json_skip(&r->js);
		else
			known[i].take(r);
	}
}

/* An array of such objects. */
static void
read_each(struct reading *r, const struct member *known, size_t n)
{
	if (!enter(r, LG_JSON_ARRAY))
		return;
	while (lg_json_item(&r->js))
		read_members(r, known, n);
}

static void
read_strings(struct reading *r, struct list *l)
{
	if (!enter(r, LG_JSON_ARRAY))
		return;
	while (lg_json_item(&r->js))
		add(r, l, lg_json_str(&r->js));
}

/* ---- security contexts: of the pod, and of a container ------------------------------------------------------------------ */

static void
take_added(struct reading *r)
{
	size_t before = r->capabilities.n;

	read_strings(r, &r->capabilities);
	for (size_t i = before; i < r->capabilities.n; i++) {
		r->capabilities.v[i] = lg_capability_name(r->cx->arena, r->capabilities.v[i]);
		r->privileged |= lg_str_eq(r->capabilities.v[i], LG_STR("CAP_ALL")) || lg_capability_owns_host(r->capabilities.v[i]);
	}
}

static void
take_privileged(struct reading *r)
{
	r->privileged |= lg_json_bool(&r->js);
}

static void
take_proc_mount(struct reading *r)
{
	r->privileged |= !lg_str_eq(lg_json_str(&r->js), LG_STR("Default"));
}

/* Without the filter as good as privileged. */
static void
take_profile_type(struct reading *r)
{
	r->privileged |= lg_str_eq(lg_json_str(&r->js), LG_STR("Unconfined"));
}

/* Types that engines give by themselves (Pod Security Standards, baseline); whatever else is said takes their confinement away. */
static void
take_selinux_type(struct reading *r)
{
	static const lg_str usual[] = { LG_STR(""), LG_STR("container_t"), LG_STR("container_init_t"), LG_STR("container_kvm_t"), LG_STR("container_engine_t") };
	lg_str type = lg_json_str(&r->js);
	bool known = false;

	for (size_t i = 0; i < LG_COUNT(usual); i++)
		known |= lg_str_eq(type, usual[i]);
	r->privileged |= !known;
}

static void
take_selinux_part(struct reading *r)
{
	r->privileged |= lg_json_str(&r->js).n > 0;
}

static void
take_selinux(struct reading *r)
{
	static const struct member known[] = { { "type", take_selinux_type }, { "user", take_selinux_part }, { "role", take_selinux_part } };

	read_members(r, known, LG_COUNT(known));
}

static void
take_user(struct reading *r)
{
	r->now[USER] = lg_json_int(&r->js);
}

static void
take_group(struct reading *r)
{
	r->now[GROUP] = lg_json_int(&r->js);
}

static void
take_capabilities(struct reading *r)
{
	static const struct member known[] = { { "add", take_added } };

	read_members(r, known, LG_COUNT(known));
}

static void
take_profile(struct reading *r)
{
	static const struct member known[] = { { "type", take_profile_type }, { "hostProcess", take_privileged } };

	read_members(r, known, LG_COUNT(known));
}

static void
take_security(struct reading *r)
{
	static const struct member known[] = {
		{ "privileged", take_privileged }, { "procMount", take_proc_mount }, { "capabilities", take_capabilities }, { "runAsUser", take_user },
		{ "runAsGroup", take_group }, { "seccompProfile", take_profile }, { "windowsOptions", take_profile },
		{ "appArmorProfile", take_profile }, { "seLinuxOptions", take_selinux },
	};

	read_members(r, known, LG_COUNT(known));
}

/* ---- who they run as: a container as itself says, else as the pod ------------------------------------------------------ */

/* Root before whom the image names, who may be root, and these before anybody else. */
static int64_t
stronger(int64_t a, int64_t b)
{
	int ra = a == 0 ? 0 : a < 0 ? 1 : 2, rb = b == 0 ? 0 : b < 0 ? 1 : 2;

	return ra != rb ? (ra < rb ? a : b) : a < b ? a : b;
}

static void
run_as_nobody_yet(struct reading *r)
{
	r->now[USER] = r->now[GROUP] = -1;
}

static void
join_container(struct reading *r)
{
	for (int i = 0; i < IDS; i++) {
		if (r->now[i] < 0) {
			r->inherited[i] = true;
			continue;
		}
		r->least[i] = r->given[i] ? stronger(r->least[i], r->now[i]) : r->now[i];
		r->given[i] = true;
	}
}

static long long
strongest(const struct reading *r, int i)
{
	if (!r->given[i])
		return r->of_pod[i];
	return r->inherited[i] ? stronger(r->least[i], r->of_pod[i]) : r->least[i];
}

static void
take_pod_security(struct reading *r)
{
	run_as_nobody_yet(r);
	take_security(r);
	memcpy(r->of_pod, r->now, sizeof r->of_pod);
}

/* ---- volumes -------------------------------------------------------------------------------------------------------------- */

/* What a cluster makes up for the pod alone; of everything else the host or somebody else may be seen. */
static const lg_str harmless[] = {
	LG_STR("emptyDir"), LG_STR("configMap"), LG_STR("secret"), LG_STR("projected"), LG_STR("downwardAPI"), LG_STR("persistentVolumeClaim"),
	LG_STR("ephemeral"), LG_STR("image"),
};

static void
take_host_path(struct reading *r)
{
	add(r, &r->mounts, lg_cat(r->cx->arena, LG_STR("hostPath:"), lg_json_str(&r->js)));
}

static void
read_volume_source(struct reading *r, lg_str kind)
{
	if (lg_json_peek(&r->js) == LG_JSON_NULL) {
		lg_json_null(&r->js);
		return;
	}
	for (size_t i = 0; i < LG_COUNT(harmless); i++)
		if (lg_str_eq(kind, harmless[i])) {
			lg_json_skip(&r->js);
			return;
		}
	r->sensitive = true;
	if (lg_str_eq(kind, LG_STR("hostPath"))) {
		static const struct member known[] = { { "path", take_host_path } };
		read_members(r, known, LG_COUNT(known));
	} else {
		add(r, &r->mounts, kind);
		lg_json_skip(&r->js);
	}
}

static void
take_volumes(struct reading *r)
{
	lg_str name;

	if (!enter(r, LG_JSON_ARRAY))
		return;
	while (lg_json_item(&r->js)) {
		lg_json_object(&r->js);
		while (lg_json_member(&r->js, &name)) {
			if (lg_str_eq(name, LG_STR("name")))
				lg_json_skip(&r->js);
			else
				read_volume_source(r, name);
		}
	}
}

/* ---- containers ------------------------------------------------------------------------------------------------------------- */

static void
take_device_path(struct reading *r)
{
	add(r, &r->devices, lg_json_str(&r->js));
}

static void
take_devices(struct reading *r)
{
	static const struct member known[] = { { "devicePath", take_device_path } };

	read_each(r, known, LG_COUNT(known));
}

static void
take_image(struct reading *r)
{
	struct lg_kube_pod *p = r->pod;
	lg_str image = lg_json_str(&r->js);

	for (size_t i = 0; i < p->nimages; i++)
		if (lg_str_eq(p->images[i], image))
			return;
	if (p->nimages == LG_KUBE_CONTAINERS)
		lg_json_fault(&r->js, "too many containers");
	else
		p->images[p->nimages++] = image;
}

static void
take_words(struct reading *r)
{
	read_strings(r, &r->args);
}

static void
take_containers(struct reading *r)
{
	static const struct member known[] = {
		{ "image", take_image }, { "command", take_words }, { "args", take_words }, { "securityContext", take_security },
		{ "volumeDevices", take_devices },
	};

	if (!enter(r, LG_JSON_ARRAY))
		return;
	while (lg_json_item(&r->js)) {
		run_as_nobody_yet(r);
		read_members(r, known, LG_COUNT(known));
		join_container(r);
	}
}

/* ---- the whole ---------------------------------------------------------------------------------------------------------------- */

static void
take_host_network(struct reading *r)
{
	r->host_network = lg_json_bool(&r->js);
}

static void
take_host_pid(struct reading *r)
{
	r->host_pid = lg_json_bool(&r->js);
}

static void
take_host_ipc(struct reading *r)
{
	r->host_ipc = lg_json_bool(&r->js);
}

static void
take_spec(struct reading *r)
{
	static const struct member known[] = {
		{ "containers", take_containers }, { "initContainers", take_containers }, { "ephemeralContainers", take_containers },
		{ "volumes", take_volumes }, { "securityContext", take_pod_security }, { "hostNetwork", take_host_network }, { "hostPID", take_host_pid },
		{ "hostIPC", take_host_ipc },
	};

	read_members(r, known, LG_COUNT(known));
}

static void
take_name(struct reading *r)
{
	r->name = lg_json_str(&r->js);
}

static void
take_generate_name(struct reading *r)
{
	r->generate = lg_json_str(&r->js);
}

static void
take_label(struct reading *r)
{
	r->label = lg_json_str(&r->js);
}

static void
take_labels(struct reading *r)
{
	static const struct member known[] = { { "lightgate.workload", take_label } };

	read_members(r, known, LG_COUNT(known));
}

/* What the node's door will read, and AppArmor as it was said before there was a member for it. */
static void
take_annotations(struct reading *r)
{
	lg_str name;

	lg_json_object(&r->js);
	while (lg_json_member(&r->js, &name)) {
		lg_str value = lg_json_str(&r->js);
		if (lg_str_eq(name, LG_STR("lightgate.workload")))
			r->pod->said_workload = value;
		else if (lg_str_eq(name, LG_STR("lightgate.project")))
			r->pod->said_project = value;
		else if (lg_str_starts(name, LG_STR("container.apparmor.security.beta.kubernetes.io/")))
			r->privileged |= lg_str_eq(value, LG_STR("unconfined"));
	}
}

static void
take_metadata(struct reading *r)
{
	static const struct member known[] = { { "name", take_name }, { "generateName", take_generate_name }, { "labels", take_labels },
		{ "annotations", take_annotations } };

	read_members(r, known, LG_COUNT(known));
}

/* "web-": of a ReplicaSet's pods, which have no name yet. */
static lg_str
workload_of(const struct reading *r)
{
	if (r->label.n > 0)
		return r->label;
	if (r->name.n > 0)
		return r->name;
	return lg_str_ends(r->generate, LG_STR("-")) ? lg_str_sub(r->generate, 0, r->generate.n - 1) : r->generate;
}

static struct lg_fact
boolean(const char *name, bool value)
{
	return (struct lg_fact){ .name = name, .type = LG_FACT_BOOL, .i = value };
}

static struct lg_fact
kept(struct reading *r, const char *name, const struct list *l)
{
	lg_str *v = LG_NEWS(r->cx->arena, lg_str, l->n);

	if (l->n > 0)
		memcpy(v, l->v, l->n * sizeof *v);
	return lg_fact_set(name, v, l->n);
}

static struct lg_fact
facts_of(struct reading *r)
{
	const struct lg_fact members[] = {
		boolean("privileged", r->privileged), boolean("host_network", r->host_network), boolean("host_pid", r->host_pid),
		boolean("host_ipc", r->host_ipc), boolean("shared_namespace", false), boolean("sensitive_mount", r->sensitive),
		lg_fact_str("user", lg_print(r->cx->arena, "%lld:%lld", strongest(r, USER), strongest(r, GROUP))),
		kept(r, "capabilities", &r->capabilities), kept(r, "devices", &r->devices), kept(r, "mounts", &r->mounts),
		kept(r, "args", &r->args), lg_fact_set("hooks", NULL, 0),
	};
	struct lg_fact *all = LG_NEWS(r->cx->arena, struct lg_fact, LG_COUNT(members));

	memcpy(all, members, sizeof members);
	return (struct lg_fact){ .name = "container", .type = LG_FACT_RECORD, .record = all, .n = LG_COUNT(members) };
}

lg_err
lg_kube_pod_read(struct lg_ctx *cx, lg_str json, struct lg_kube_pod *ret)
{
	static const struct member known[] = { { "metadata", take_metadata }, { "spec", take_spec } };
	struct reading *r = LG_NEW(cx->arena, struct reading);

	*ret = (struct lg_kube_pod){ .nimages = 0 };
	*r = (struct reading){ .cx = cx, .pod = ret, .of_pod = { -1, -1 } };
	lg_json_init(&r->js, cx->arena, json);
	read_members(r, known, LG_COUNT(known));
	LG_TRY(lg_json_end(cx, &r->js));
	ret->workload = workload_of(r);
	if (ret->workload.n == 0)
		return lg_fail(cx, LG_E_INVALID, "the pod says by no name which workload it is");
	ret->facts = facts_of(r);
	return LG_OK;
}
