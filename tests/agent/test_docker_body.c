/* test_docker_body.c: what a body asks for, in the words of policy; doubt counts as asking for it. */
#include "agent/docker_body.h"

#include "tests/base/base_test.h"

static struct lg_docker_body
create(struct lg_ctx *cx, const char *json)
{
	struct lg_docker_body b;

	cr_assert_eq(lg_docker_read_create(cx, lg_str_of(json), &b), LG_OK, "%s: %s", cx->error, json);
	return b;
}

Test(docker_body, an_ordinary_container_asks_for_nothing)
{
	TEST_CTX(cx);
	struct lg_docker_body b = create(cx, "{\"Image\":\"docker.io/library/busybox:latest\",\"Cmd\":[\"echo\",\"x\"],\"Entrypoint\":\"/in\","
	    "\"Labels\":{\"lightgate.workload\":\"web\",\"lightgate.project\":\"shop\"},\"User\":\"1000\",\"HostConfig\":{\"NetworkMode\":\"default\","
	    "\"Binds\":null,\"CapAdd\":null,\"MaskedPaths\":null,\"ReadonlyPaths\":null,\"Devices\":[],\"PidMode\":\"\",\"IpcMode\":\"private\","
	    "\"SecurityOpt\":[\"no-new-privileges\"]},\"NetworkingConfig\":{\"EndpointsConfig\":{\"front\":{}}}}");
	const struct lg_oci *o = &b.facts;

	cr_assert(!o->privileged && !o->host_network && !o->host_pid && !o->host_ipc && !o->shared_namespace && !o->sensitive_mount);
	cr_assert_eq(o->capabilities.n, 14);
	cr_assert_eq(o->devices.n, 0);
	cr_assert_eq(o->args.n, 3);
	cr_assert(lg_str_eq(o->args.v[0], LG_STR("/in")));
	cr_assert(lg_str_eq(b.image, LG_STR("busybox")) && lg_str_eq(b.workload, LG_STR("web")) && lg_str_eq(b.project, LG_STR("shop")));
	cr_assert(lg_str_eq(o->user, LG_STR("1000")));
}

/* Each must come out as at least this. */
enum fact { PRIVILEGED, NETWORK, PROCESSES, IPC, SHARED, MOUNT };

static bool
holds(const struct lg_oci *o, enum fact f)
{
	const bool is[] = { o->privileged, o->host_network, o->host_pid, o->host_ipc, o->shared_namespace, o->sensitive_mount };

	return is[f];
}

Test(docker_body, every_way_to_the_host_is_seen)
{
	static const struct {
		const char *host_config;
		enum fact fact;
	} cases[] = {
		{ "\"Privileged\":true", PRIVILEGED }, { "\"CapAdd\":[\"sys_admin\"]", PRIVILEGED }, { "\"CapAdd\":[\"CAP_SYS_PTRACE\"]", PRIVILEGED },
		{ "\"CapAdd\":[\"All\"]", PRIVILEGED }, { "\"CapAdd\":\"ALL\"", PRIVILEGED }, { "\"Capabilities\":[\"CAP_BPF\"]", PRIVILEGED },
		{ "\"SecurityOpt\":[\"seccomp=unconfined\"]", PRIVILEGED }, { "\"SecurityOpt\":[\"apparmor:unconfined\"]", PRIVILEGED },
		{ "\"SecurityOpt\":[\"label=disable\"]", PRIVILEGED }, { "\"SecurityOpt\":[\"no-new-privileges:false\"]", PRIVILEGED },
		{ "\"MaskedPaths\":[]", PRIVILEGED }, { "\"ReadonlyPaths\":[]", PRIVILEGED },
		{ "\"NetworkMode\":\"host\"", NETWORK }, { "\"LogConfig\":{\"Type\":\"syslog\"}", NETWORK },
		{ "\"NetworkMode\":\"container:abc\"", SHARED }, { "\"PidMode\":\"host\"", PROCESSES },
		{ "\"PidMode\":\"container:abc\"", SHARED }, { "\"IpcMode\":\"host\"", IPC }, { "\"IpcMode\":\"container:abc\"", SHARED },
		{ "\"UTSMode\":\"host\"", SHARED }, { "\"UsernsMode\":\"host\"", SHARED }, { "\"CgroupnsMode\":\"host\"", SHARED },
		{ "\"Cgroup\":\"container:abc\"", SHARED },
		{ "\"Binds\":[\"/:/h\"]", MOUNT }, { "\"Binds\":[\"/var/run/docker.sock:/s\"]", MOUNT }, { "\"Binds\":[\"/etc:/e:ro\"]", MOUNT },
		{ "\"Binds\":[\"/etc/shadow:/e:ro\"]", MOUNT }, { "\"Binds\":[\"/usr/bin:/b\"]", MOUNT }, { "\"Binds\":[\"/usr/bin:/b:rw,z\"]", MOUNT },
		{ "\"Binds\":[\"/srv/../proc:/p\"]", MOUNT }, { "\"Mounts\":[{\"Type\":\"bind\",\"Source\":\"/\",\"Target\":\"/h\"}]", MOUNT },
		{ "\"Mounts\":[{\"Source\":\"/sys\",\"Target\":\"/h\"}]", MOUNT }, { "\"Mounts\":[{\"Type\":\"npipe\",\"Source\":\"x\"}]", MOUNT },
		{ "\"Mounts\":[{\"Type\":\"volume\",\"Source\":\"v\",\"VolumeOptions\":{\"DriverConfig\":{\"Name\":\"local\",\"Options\":{\"type\":\"ext4\","
		  "\"device\":\"/dev/sda1\"}}}}]", MOUNT },
	};
	TEST_CTX(cx);

	for (size_t i = 0; i < LG_COUNT(cases); i++) {
		struct lg_docker_body b = create(cx, lg_print(cx->arena, "{\"Image\":\"x\",\"HostConfig\":{%s}}", cases[i].host_config).p);
		cr_assert(holds(&b.facts, cases[i].fact), "%s", cases[i].host_config);
		/* The engine's first versions had these members in the body itself, and it still takes them from there. */
		b = create(cx, lg_print(cx->arena, "{\"Image\":\"x\",%s}", cases[i].host_config).p);
		cr_assert(holds(&b.facts, cases[i].fact), "outside HostConfig: %s", cases[i].host_config);
	}
	cr_assert(create(cx, "{\"NetworkingConfig\":{\"EndpointsConfig\":{\"host\":{}}}}").facts.host_network);
}

Test(docker_body, lists_are_named)
{
	TEST_CTX(cx);
	struct lg_docker_body b = create(cx, "{\"HostConfig\":{\"Devices\":[{\"PathOnHost\":\"/dev/fuse\"}],\"DeviceCgroupRules\":[\"c 1:3 mr\"],"
	    "\"DeviceRequests\":[{\"Driver\":\"nvidia\"}],\"Binds\":[\"data:/d\",\"/srv/x:/x:ro\"],\"VolumesFrom\":[\"db\"],"
	    "\"CapDrop\":[\"ALL\"],\"CapAdd\":[\"net_raw\"],\"Runtime\":\"runc\"}}");

	cr_assert_eq(b.facts.devices.n, 3);
	cr_assert_eq(b.facts.mounts.n, 2);
	cr_assert(lg_str_eq(b.facts.mounts.v[0], LG_STR("/srv/x:/x:ro")));
	cr_assert(lg_str_eq(b.facts.mounts.v[1], LG_STR("from:db")));
	cr_assert_eq(b.facts.capabilities.n, 1);
	cr_assert(lg_str_eq(b.facts.capabilities.v[0], LG_STR("CAP_NET_RAW")));
	cr_assert(lg_str_eq(b.runtime, LG_STR("runc")));
}

/* Both places name networks; a namespace is none, and who says nothing is where the engine puts them. */
Test(docker_body, networks_are_named_each_once)
{
	static const struct {
		const char *body, *networks;
	} cases[] = {
		{ "{}", "bridge" }, { "{\"HostConfig\":{\"NetworkMode\":\"\"}}", "bridge" }, { "{\"HostConfig\":{\"NetworkMode\":\"default\"}}", "bridge" },
		{ "{\"HostConfig\":{\"NetworkMode\":\"none\"}}", "" }, { "{\"HostConfig\":{\"NetworkMode\":\"host\"}}", "" },
		{ "{\"HostConfig\":{\"NetworkMode\":\"container:db\"}}", "" }, { "{\"NetworkDisabled\":true}", "" },
		{ "{\"HostConfig\":{\"NetworkMode\":\"front\"},\"NetworkingConfig\":{\"EndpointsConfig\":{\"front\":{},\"back\":null}}}", "front,back" },
		{ "{\"NetworkingConfig\":{\"EndpointsConfig\":{\"default\":{},\"front\":{}}}}", "bridge,front" },
		{ "{\"NetworkMode\":\"front\"}", "front" },
	};
	TEST_CTX(cx);

	for (size_t i = 0; i < LG_COUNT(cases); i++) {
		struct lg_docker_body b = create(cx, cases[i].body);
		lg_str all = LG_NONE;
		for (size_t k = 0; k < b.facts.networks.n; k++)
			all = lg_print(cx->arena, "%.*s%s%.*s", LG_FMT(all), k > 0 ? "," : "", LG_FMT(b.facts.networks.v[k]));
		cr_assert_str_eq(lg_dup(cx->arena, all).p, cases[i].networks, "%s", cases[i].body);
		cr_assert(b.facts.networked);
	}
}

Test(docker_body, what_go_would_read_otherwise_is_refused)
{
	static const char *const bodies[] = { "{\"hostconfig\":{}}", "{\"HostConfig\":{\"privileged\":true}}", "{\"HostConfig\":{},\"HostConfig\":{}}",
		"{\"Ho\\u017ftConfig\":{}}", "{\"HostConfig\":{\"Binds\":\"/:/h\"}}", "{} {}", "[]", "\"x\"", "", "{\"image\":\"x\"}",
		"{\"HostConfig\":{\"Mounts\":[{\"source\":\"/\"}]}}", "{\"labels\":{\"lightgate.workload\":\"x\"}}" };
	TEST_CTX(cx);
	struct lg_docker_body b;

	for (size_t i = 0; i < LG_COUNT(bodies); i++)
		cr_assert_neq(lg_docker_read_create(cx, lg_str_of(bodies[i]), &b), LG_OK, "%s", bodies[i]);
}

Test(docker_body, programs_volumes_and_networks)
{
	TEST_CTX(cx);
	struct lg_docker_body b;

	cr_assert_eq(lg_docker_read_exec(cx, LG_STR("{\"Cmd\":[\"sh\",\"-c\",\"x\"],\"Privileged\":true,\"User\":\"root\"}"), &b), LG_OK);
	cr_assert(b.facts.privileged && b.facts.args.n == 3 && lg_str_eq(b.facts.user, LG_STR("root")));
	cr_assert_eq(lg_docker_read_volume(cx, LG_STR("{\"Name\":\"v\",\"DriverOpts\":{}}"), &b), LG_OK);
	cr_assert(!b.facts.sensitive_mount);
	cr_assert_eq(lg_docker_read_volume(cx, LG_STR("{\"DriverOpts\":{\"o\":\"size=1m\"}}"), &b), LG_OK);
	cr_assert(!b.facts.sensitive_mount);
	cr_assert_eq(lg_docker_read_volume(cx, LG_STR("{\"DriverOpts\":{\"device\":\"/\"}}"), &b), LG_OK);
	cr_assert(b.facts.sensitive_mount);
	cr_assert_eq(lg_docker_read_network(cx, LG_STR("{\"Container\":\"web\"}"), &b), LG_OK);
	cr_assert(lg_str_eq(b.container, LG_STR("web")));
}

Test(docker_body, images_have_their_familiar_names)
{
	cr_assert(lg_str_eq(lg_docker_familiar(LG_STR("docker.io/library/busybox:latest")), LG_STR("busybox")));
	cr_assert(lg_str_eq(lg_docker_familiar(LG_STR("docker.io/acme/web:2")), LG_STR("acme/web:2")));
	cr_assert(lg_str_eq(lg_docker_familiar(LG_STR("registry.example/busybox")), LG_STR("registry.example/busybox")));
}
