/* test_oci.c: what a configuration lets a container do; what the runtime would read otherwise than we do is refused. */
#include "agent/oci.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/json.h"
#include "tests/agent/bundle.h"
#include "tests/base/base_test.h"
#include "tests/client/responder.h"

static const struct lg_oci_own own = { .hook = { "/usr/bin/lightgate-runc", 23 }, .identities = { "/run/ids", 8 },
	.identity = { "/run/ids/c1", 11 }, .api = { "/run/api", 8 } };

static lg_err
parse(struct lg_ctx *cx, const char *text, struct lg_oci *ret)
{
	return lg_oci_parse(cx, lg_str_of(text), LG_STR("/srv/bundle"), &own, ret);
}

static const char *
facts(struct lg_ctx *cx, const char *text)
{
	struct lg_buf b = LG_BUF(1 << 20);
	struct lg_oci oci;

	cr_assert_eq(parse(cx, text, &oci), LG_OK, "%s: %s", cx->error, text);
	lg_oci_facts(&oci, &b);
	const char *p = lg_dup(cx->arena, lg_buf_view(&b)).p;
	lg_buf_free(&b);
	return p;
}

Test(oci, an_ordinary_container_has_ordinary_facts)
{
	TEST_CTX(cx);
	struct lg_oci oci;

	cr_assert_str_eq(facts(cx, BUNDLE_SPEC), "{\"privileged\":false,\"host_network\":false,\"host_pid\":false,\"host_ipc\":false,"
	    "\"shared_namespace\":false,\"user\":\"0:0\",\"capabilities\":[\"CAP_AUDIT_WRITE\",\"CAP_KILL\"],\"devices\":[],\"mounts\":[],"
	    "\"sensitive_mount\":false,\"args\":[\"/bin/echo\",\"hello\"],\"hooks\":[]}");
	cr_assert_eq(parse(cx, BUNDLE_SPEC, &oci), LG_OK);
	assert_str(oci.rootfs, "/srv/bundle/rootfs");
	assert_str(oci.workload, "web");
	assert_str(oci.ticket, "");
}

#define MOUNT(rest) "\"mounts\":[{\"destination\":\"/x\"," rest "},"
#define BIND(source) MOUNT("\"type\":\"bind\",\"source\":\"" source "\",\"options\":[\"rbind\"]")

#define GUARD "{\"type\":\"cgroup\"}],\"maskedPaths\":[\"/proc/kcore\"],\"readonlyPaths\":["
#define USER(host) "{\"type\":\"user\"}],\"uidMappings\":[{\"containerID\":0,\"hostID\":" host ",\"size\":65536}],\"x\":["

/* One change of the ordinary configuration, and the fact that must appear. */
static const struct {
	const char *from, *to, *fact;
} changes[] = {
	{ "{\"type\":\"network\"},", "", "\"host_network\":true" },
	{ "{\"type\":\"pid\"},", "", "\"host_pid\":true" },
	{ "{\"type\":\"ipc\"},", "", "\"host_ipc\":true" },
	{ "{\"type\":\"mount\"},", "", "\"privileged\":true" },
	{ "\"namespaces\":[", "\"namespaces\":null,\"x\":[", "\"host_pid\":true" },
	{ "\"linux\":{", "\"linux\":null,\"x\":{", "\"host_network\":true" },
	{ "{\"type\":\"network\"}", "{\"type\":\"network\",\"path\":\"/proc/self/ns/net\"}", "\"host_network\":true" },
	{ "{\"type\":\"network\"}", "{\"type\":\"network\",\"path\":\"/proc/self/ns/net\"}", "\"shared_namespace\":true" },
	{ "{\"type\":\"network\"}", "{\"type\":\"network\",\"path\":\"/proc/12345678/ns/net\"}", "\"shared_namespace\":true" },
	{ "{\"type\":\"pid\"}", "{\"type\":\"pid\",\"path\":\"/run/pid\"}", "\"shared_namespace\":true" },
	{ "\"CAP_AUDIT_WRITE\"", "\"CAP_SYS_ADMIN\"", "\"privileged\":true" },
	{ "\"CAP_AUDIT_WRITE\"", "\"cap_sys_admin\"", "\"privileged\":true" },
	{ "\"permitted\":[\"CAP_KILL\"]", "\"ambient\":[\"CAP_SYS_PTRACE\"]", "\"privileged\":true" },
	{ "\"permitted\":[\"CAP_KILL\"]", "\"ambient\":[\"CAP_NET_RAW\"]", "\"capabilities\":[\"CAP_AUDIT_WRITE\",\"CAP_KILL\",\"CAP_NET_RAW\"]" },
	{ "{\"allow\":false,", "{\"allow\":true,", "\"privileged\":true" },
	{ "{\"allow\":false,\"access\":\"rwm\"}", "{\"allow\":true,\"type\":\"b\",\"access\":\"rw\"}", "\"privileged\":true" },
	{ "{\"allow\":false,\"access\":\"rwm\"}", "{\"allow\":true,\"type\":\"c\",\"access\":\"m\"}", "\"privileged\":false" },
	{ "{\"allow\":false,\"access\":\"rwm\"}", "{\"allow\":true,\"type\":\"b\",\"major\":8,\"minor\":0,\"access\":\"r\"}", "\"privileged\":true" },
	{ "{\"allow\":false,\"access\":\"rwm\"}", "{\"allow\":true,\"major\":1,\"minor\":3,\"access\":\"rw\"}", "\"privileged\":true" },
	{ "{\"allow\":false,\"access\":\"rwm\"}", "{\"allow\":true,\"type\":\"c\",\"major\":1,\"access\":\"rw\"}", "\"privileged\":true" },
	{ "{\"allow\":false,\"access\":\"rwm\"}", "{\"allow\":true,\"type\":\"c\",\"major\":1,\"minor\":3,\"access\":\"rwm\"}", "\"privileged\":false" },
	{ "{\"allow\":false,\"access\":\"rwm\"}", "{\"allow\":true,\"type\":\"c\",\"major\":202,\"minor\":0,\"access\":\"rw\"}", "\"privileged\":true" },
	{ "\"linux\":{", "\"linux\":{\"devices\":[{\"path\":\"/dev/x\",\"type\":\"b\",\"major\":8,\"minor\":1}],", "\"privileged\":true" },
	{ "\"linux\":{", "\"linux\":{\"devices\":[{\"path\":\"/dev/mem\",\"type\":\"c\",\"major\":1,\"minor\":1}],", "\"privileged\":true" },
	{ "\"linux\":{", "\"linux\":{\"devices\":[{\"path\":\"/dev/fuse\",\"type\":\"c\",\"major\":10,\"minor\":229}],", "\"privileged\":false" },
	{ "\"linux\":{", "\"linux\":{\"devices\":[{\"path\":\"/dev/log\",\"type\":\"p\"}],", "\"privileged\":false" },
	/* a user namespace spares the guard of /proc/sys, unless the host's root is in it */
	{ GUARD, USER("100000"), "\"privileged\":false" }, { GUARD, USER("0"), "\"privileged\":true" },
	{ "{\"allow\":false,\"access\":\"rwm\"}", "{\"allow\":true,\"type\":\"b\",\"major\":8,\"minor\":0,\"access\":\"r\"}", "\"devices\":[\"b 8:0 r\"]" },
	{ "\"resources\"", "\"devices\":[{\"path\":\"/dev/sda\",\"type\":\"b\",\"major\":8,\"minor\":0}],\"resources\"", "\"devices\":[\"/dev/sda\"]" },
	{ "\"options\":[\"relatime\",\"ro\"]", "\"options\":[\"relatime\"]", "\"privileged\":true" },
	{ "\"options\":[\"nosuid\",\"ro\"]", "\"options\":[\"ro\",\"rw\"]", "\"privileged\":true" },
	{ "\"/proc/sys\",", "", "\"privileged\":true" },
	{ "\"readonlyPaths\":[", "\"x\":[", "\"privileged\":true" },
	{ "{\"uid\":0,\"gid\":0}", "{\"uid\":1000,\"gid\":100}", "\"user\":\"1000:100\"" },
	{ "\"path\":\"rootfs\"", "\"path\":\"/\"", "\"sensitive_mount\":true" },
	{ "\"path\":\"rootfs\"", "\"path\":\"../..\"", "\"sensitive_mount\":true" },
	{ "\"mounts\":[", BIND("/"), "\"sensitive_mount\":true" },
	{ "\"mounts\":[", BIND("//etc/.."), "\"sensitive_mount\":true" },
	{ "\"mounts\":[", BIND("/proc"), "\"sensitive_mount\":true" },
	{ "\"mounts\":[", BIND("/proc/1/root"), "\"sensitive_mount\":true" },
	{ "\"mounts\":[", BIND("/sys/fs/cgroup"), "\"sensitive_mount\":true" },
	{ "\"mounts\":[", BIND("/var/run/docker.sock"), "\"sensitive_mount\":true" },
	{ "\"mounts\":[", BIND("/run/docker.sock"), "\"sensitive_mount\":true" },
	{ "\"mounts\":[", BIND("/run/containerd/containerd.sock"), "\"sensitive_mount\":true" },
	{ "\"mounts\":[", BIND("/run/podman/podman.sock"), "\"sensitive_mount\":true" },
	{ "\"mounts\":[", BIND("/run/lightgate/lightgate.sock"), "\"sensitive_mount\":true" },
	{ "\"mounts\":[", BIND("/run"), "\"sensitive_mount\":true" },
	{ "\"mounts\":[", BIND("/var"), "\"sensitive_mount\":true" },
	{ "\"mounts\":[", BIND("/var/lib/lightgate-agent/identity.json"), "\"sensitive_mount\":true" },
	{ "\"mounts\":[", BIND("/var/lib/docker"), "\"sensitive_mount\":true" },
	{ "\"mounts\":[", BIND("../../proc"), "\"sensitive_mount\":true" },
	{ "\"mounts\":[", BIND("/var/lib/docker/volumes/v/_data"), "\"sensitive_mount\":false" },
	{ "\"mounts\":[", BIND("/procedures"), "\"sensitive_mount\":false" },
	{ "\"mounts\":[", BIND("data"), "\"mounts\":[\"/srv/bundle/data:/x:rw\"]" },
	{ "\"mounts\":[", MOUNT("\"type\":\"none\",\"source\":\"/srv/d\",\"options\":[\"bind\",\"ro\"]"), "\"mounts\":[\"/srv/d:/x:ro\"]" },
	{ "\"mounts\":[", MOUNT("\"type\":\"ext4\",\"source\":\"/dev/sda1\""), "\"sensitive_mount\":true" },
	{ "\"mounts\":[", MOUNT("\"source\":\"/srv\""), "\"sensitive_mount\":true" },
	{ "\"mounts\":[", MOUNT("\"type\":\"proc\""), "\"privileged\":true" },
	{ "\"destination\":\"/proc\"", "\"destination\":\"/proc/\"", "\"privileged\":true" },
	{ "\"readonlyPaths\":[", "\"namespace\":0,\"x\":[", "\"privileged\":true" },
	{ "{\"type\":\"pid\"},", "{\"type\":\"pid\"},{\"type\":\"user\"},", "\"privileged\":false" },
};

#define OWN(source, destination, option) \
	"\"mounts\":[{\"destination\":\"" destination "\",\"type\":\"bind\",\"source\":\"" source "\",\"options\":[\"bind\",\"" option "\"]},"

Test(oci, what_we_mount_ourselves_is_no_fact_and_anything_like_it_is)
{
	static const struct {
		const char *mount, *fact;
	} mounts[] = {
		{ OWN("/run/ids/c1", LG_OCI_IDENTITY, "ro"), "\"mounts\":[],\"sensitive_mount\":false" },
		{ OWN("/run/api", LG_OCI_API, "ro"), "\"mounts\":[],\"sensitive_mount\":false" },
		{ OWN("/run/ids/c1", LG_OCI_IDENTITY, "rw"), "\"sensitive_mount\":true" },
		{ OWN("/run/ids/c1", "/elsewhere", "ro"), "\"sensitive_mount\":true" },
		{ OWN("/run/ids/c2", LG_OCI_IDENTITY, "ro"), "\"sensitive_mount\":true" },
		{ OWN("/run/ids", LG_OCI_IDENTITY, "ro"), "\"sensitive_mount\":true" },
		{ OWN("/srv/../run/ids/c2/.", "/x", "ro"), "\"sensitive_mount\":true" },
		{ OWN("/run/api", "/elsewhere", "ro"), "\"mounts\":[\"/run/api:/elsewhere:ro\"]" },
	};
	TEST_CTX(cx);

	for (size_t i = 0; i < LG_COUNT(mounts); i++) {
		const char *got = facts(cx, bundle_with("\"mounts\":[", mounts[i].mount));
		cr_assert_not_null(strstr(got, mounts[i].fact), "%s: %s", mounts[i].mount, got);
	}
}

Test(oci, each_way_out_is_seen)
{
	TEST_CTX(cx);

	for (size_t i = 0; i < LG_COUNT(changes); i++) {
		const char *got = facts(cx, bundle_with(changes[i].from, changes[i].to));
		cr_assert_not_null(strstr(got, changes[i].fact), "%s -> %s: %s", changes[i].from, changes[i].to, got);
	}
}

/* Go decodes member names without case and lets the last of two win. */
static const struct {
	const char *from, *to;
} refused[] = {
	{ "\"mounts\":[", "\"Mounts\":[" }, { "\"process\":", "\"PROCESS\":" }, { "\"linux\":", "\"Linux\":" }, { "\"root\":", "\"rooT\":" },
	{ "\"namespaces\":", "\"nameSpaces\":" }, { "\"uid\":", "\"Uid\":" }, { "\"options\":", "\"Options\":" },
	{ "\"bounding\":", "\"Bounding\":" }, { "\"allow\":", "\"Allow\":" }, { "\"type\":\"pid\"", "\"Type\":\"pid\"" },
	{ "\"ociVersion\":", "\"mount\xc5\xbf\":[],\"ociVersion\":" },		/* U+017F, which folds to s */
	{ "\"ociVersion\":", "\"lin\xc5\xabx\":{},\"ociVersion\":" },
	{ "\"ociVersion\":", "\"hooks\":{\"preStart\":[]},\"ociVersion\":" },
	{ "\"ociVersion\":", "\"root\":{\"path\":\"/\"},\"ociVersion\":" },		/* twice */
	{ "{\"type\":\"pid\"}", "{\"type\":\"PID\"}" }, { "{\"type\":\"pid\"}", "{\"type\":\"\"}" },
	{ "\"mounts\":[", MOUNT("\"type\":\"bind\"") }, { "\"mounts\":[", BIND("") },
	{ "\"root\":{\"path\":\"rootfs\",\"readonly\":true},", "" }, { "\"path\":\"rootfs\",", "" },
	{ "\"args\":[\"/bin/echo\",", "\"args\":[7," }, { "\"uid\":0", "\"uid\":0.5" }, { "\"annotations\":{", "\"annotations\":{\"a\":1," },
	{ "{\"ociVersion\"", "[{\"ociVersion\"" }, { "\"hostname\":\"runc\"", "\"hostname\":\"\xff\"" },
};

Test(oci, what_the_runtime_might_read_otherwise_is_refused)
{
	TEST_CTX(cx);
	struct lg_oci oci;

	for (size_t i = 0; i < LG_COUNT(refused); i++)
		cr_assert_eq(parse(cx, bundle_with(refused[i].from, refused[i].to), &oci), LG_E_INVALID, "%s -> %s", refused[i].from, refused[i].to);
	cr_assert_eq(parse(cx, "", &oci), LG_E_INVALID);
	cr_assert_eq(parse(cx, "{}", &oci), LG_E_INVALID);
}

Test(oci, more_items_than_are_told_are_refused)
{
	TEST_CTX(cx);
	struct lg_buf b = LG_BUF(1 << 20);
	struct lg_oci oci;

	lg_buf_str(&b, LG_STR("\"args\":["));
	for (int i = 0; i < LG_OCI_LIST; i++)
		lg_buf_str(&b, LG_STR("\"x\","));
	lg_buf_byte(&b, '\0');
	cr_assert_eq(parse(cx, bundle_with("\"args\":[", b.p), &oci), LG_E_INVALID);
	cr_assert_not_null(strstr(cx->error, "more items"));
	lg_buf_free(&b);
}

Test(oci, a_socket_and_a_link_to_a_folder_of_the_host_are_sensitive)
{
	TEST_CTX(cx);
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	char link[300];
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(link, sizeof link, "%s/s", test_folder());
	strncpy(at.sun_path, link, sizeof at.sun_path - 1);
	cr_assert_eq(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
	cr_assert(lg_oci_path_sensitive(cx, lg_str_of(at.sun_path), true));
	snprintf(link, sizeof link, "%s/link", test_folder());
	cr_assert_eq(symlink("/proc/1", link), 0);
	cr_assert(lg_oci_path_sensitive(cx, lg_str_of(link), true));
	snprintf(link, sizeof link, "%s/folder", test_folder());
	cr_assert_eq(mkdir(link, 0700), 0);
	cr_assert_not(lg_oci_path_sensitive(cx, lg_str_of(link), true));
	cr_assert(lg_oci_path_sensitive(cx, (lg_str){ "/srv\0x", 6 }, true));
	close(fd);
}

static const struct {
	const char *path;
	bool read, written;		/* sensitive then */
} paths[] = {
	{ "/", true, true }, { "/etc", true, true }, { "/etc/shadow", true, true }, { "/etc/cron.d", true, true }, { "/etc/ssh/ssh_host_ed25519_key", true, true },
	{ "/etc/ssl", true, true }, { "/etc/ssl/certs", false, true }, { "/etc/ssl/certs/ca.pem", false, true }, { "/etc/localtime", false, true },
	{ "/etc/hosts.allow", true, true }, { "/usr", true, true }, { "/usr/bin", false, true }, { "/usr/share/zoneinfo", false, true }, { "/usr2", false, false },
	{ "/home", true, true }, { "/home/alice/src", false, false }, { "/root/.ssh", true, true }, { "/var/spool/cron", true, true },
	{ "/run/lock/x", true, true }, { "/var/run/user/1000", true, true }, { "/run/containerd", true, true },
	{ "/run/containerd/containerd.sock", true, true }, { "/run/containerd/io.containerd.grpc.v1.cri", true, true },
	{ "/run/containerd/io.containerd.grpc.v1.cri/sandboxes/a/shm", false, false }, { "/run/containers/storage/a/userdata/hosts", false, false },
	{ "/var/lib/docker", true, true }, { "/var/lib/docker/volumes/v/_data", false, false }, { "/var/lib/dpkg/info", true, true },
	{ "/srv/data", false, false }, { "/srv/../etc/shadow", true, true },
};

Test(oci, of_the_hosts_folders_little_may_be_read_and_less_written)
{
	for (size_t i = 0; i < LG_COUNT(paths); i++) {
		TEST_CTX(cx);
		cr_assert_eq(lg_oci_path_sensitive(cx, lg_str_of(paths[i].path), true), paths[i].read, "%s, read", paths[i].path);
		cr_assert_eq(lg_oci_path_sensitive(cx, lg_str_of(paths[i].path), false), paths[i].written, "%s, written", paths[i].path);
	}
}

Test(oci, sameness_is_of_what_runs_not_of_the_ticket)
{
	TEST_CTX(cx);
	struct lg_oci a, b, c;

	cr_assert_eq(parse(cx, BUNDLE_SPEC, &a), LG_OK);
	cr_assert_eq(parse(cx, bundle_with("\"annotations\":{", "\"annotations\":{\"lightgate.ticket\":\"t\","), &b), LG_OK);
	assert_str(b.ticket, "t");
	cr_assert_eq(parse(cx, bundle_with("\"hello\"", "\"bye\""), &c), LG_OK);
	cr_assert_arr_eq(a.sameness.b, b.sameness.b, 32);
	cr_assert_arr_neq(a.digest.b, b.digest.b, 32);
	cr_assert_arr_neq(a.sameness.b, c.sameness.b, 32);
}

/* ---- the copy --------------------------------------------------------------------------------------------------- */

static const char *
rewrite(struct lg_ctx *cx, const char *text)
{
	const struct lg_oci_hook hook = { .path = own.hook, .socket = LG_STR("/run/a.sock"), .start = LG_STR("s1"),
		.identity = own.identity, .api = own.api };
	struct lg_buf b = LG_BUF(1 << 20);

	cr_assert_eq(lg_oci_rewrite(cx, lg_str_of(text), LG_STR("/srv/bundle"), &hook, &b), LG_OK, "%s", cx->error);
	const char *p = lg_dup(cx->arena, lg_buf_view(&b)).p;
	lg_buf_free(&b);
	return p;
}

#define OURS_WITH(env) "{\"path\":\"/usr/bin/lightgate-runc\",\"args\":[\"lightgate-runc\",\"hook\"],\"env\":[" env "]}"

static const struct {
	const char *hook, *want;
} foreign[] = {
	{ "{\"path\":\"/bin/evil\"}", "\"hooks\":[\"/bin/evil\"]" },
	{ "{\"path\":\"/bin/sh\",\"args\":[\"sh\",\"-c\",\"x\"]}", "\"hooks\":[\"/bin/sh -c x\"]" },
	{ OURS_WITH("\"LIGHTGATE_START=s1\""), "\"hooks\":[]" },
	{ OURS_WITH("\"LD_PRELOAD=/tmp/x.so\""), "\"hooks\":[\"/usr/bin/lightgate-runc hook\"]" },
	{ "{\"path\":\"/tmp/lightgate-runc\",\"args\":[\"lightgate-runc\",\"hook\"]}", "\"hooks\":[\"/tmp/lightgate-runc hook\"]" },
	{ "{\"path\":\"/usr/bin/lightgate-runc\",\"args\":[\"lightgate-runc\",\"kill\"]}", "\"hooks\":[\"/usr/bin/lightgate-runc kill\"]" },
};

Test(oci, every_hook_but_our_own_is_a_fact)
{
	static const char *const stages[] = { "prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop" };

	for (size_t i = 0; i < LG_COUNT(foreign); i++) {
		for (size_t k = 0; k < LG_COUNT(stages); k++) {
			TEST_CTX(cx);
			lg_str text = lg_print(cx->arena, "{\"hooks\":{\"%s\":[%s]},%s", stages[k], foreign[i].hook, &BUNDLE_SPEC[1]);
			cr_assert(strstr(facts(cx, text.p), foreign[i].want) != NULL, "%s: %s", text.p, foreign[i].want);
		}
	}
}

#define OURS "{\"path\":\"/usr/bin/lightgate-runc\",\"args\":[\"lightgate-runc\",\"hook\"],\"env\":[\"LIGHTGATE_AGENT_SOCKET=/run/a.sock\",\"LIGHTGATE_START=s1\"]}"

Test(rewrite, the_copy_says_the_same_from_another_place)
{
	TEST_CTX(cx);
	const char *spec = bundle_with("\"mounts\":[", BIND("data"));
	const char *before = facts(cx, spec), *copy = rewrite(cx, spec);
	struct lg_oci oci;

	cr_assert_not_null(strstr(copy, "\"path\":\"/srv/bundle/rootfs\""), "%s", copy);
	cr_assert_not_null(strstr(copy, "\"source\":\"/srv/bundle/data\""), "%s", copy);
	cr_assert_not_null(strstr(copy, "\"source\":\"proc\""), "%s", copy);
	cr_assert_eq(lg_oci_parse(cx, lg_str_of(copy), LG_STR("/elsewhere"), &own, &oci), LG_OK, "%s", cx->error);
	assert_str(oci.rootfs, "/srv/bundle/rootfs");
	cr_assert_str_eq(facts(cx, copy), before);
}

static const struct {
	const char *hooks, *want;
} hooks[] = {
	{ NULL, "\"hooks\":{\"createRuntime\":[" OURS "],\"poststop\":[" OURS "]}" },
	{ "null", "\"hooks\":{\"createRuntime\":[" OURS "],\"poststop\":[" OURS "]}" },
	{ "{}", "\"hooks\":{\"createRuntime\":[" OURS "],\"poststop\":[" OURS "]}" },
	{ "{\"prestart\":[]}", "\"hooks\":{\"createRuntime\":[" OURS "],\"poststop\":[" OURS "],\"prestart\":[]}" },
	{ "{\"prestart\":null}", "\"hooks\":{\"createRuntime\":[" OURS "],\"poststop\":[" OURS "],\"prestart\":null}" },
	{ "{\"createRuntime\":[{\"path\":\"/a\"}]}", "\"hooks\":{\"createRuntime\":[" OURS ",{\"path\":\"/a\"}],\"poststop\":[" OURS "]}" },
	{ "{\"createRuntime\":[{\"path\":\"/a\"}],\"prestart\":[{\"path\":\"/b\"}],\"poststop\":[{\"path\":\"/c\"}]}",
	    "\"hooks\":{\"prestart\":[" OURS ",{\"path\":\"/b\"}],\"poststop\":[" OURS ",{\"path\":\"/c\"}],\"createRuntime\":[{\"path\":\"/a\"}]}" },
	{ "{\"poststart\":[{\"path\":\"/d\"}]}", "\"hooks\":{\"createRuntime\":[" OURS "],\"poststop\":[" OURS "],\"poststart\":[{\"path\":\"/d\"}]}" },
};

Test(rewrite, identity_and_socket_are_mounted_last_and_the_socket_is_named)
{
	TEST_CTX(cx);
	const char *copy = rewrite(cx, BUNDLE_SPEC);
	const char *end = "{\"destination\":\"/run/lightgate/api\",\"type\":\"bind\",\"source\":\"/run/api\","
	    "\"options\":[\"bind\",\"ro\",\"nosuid\",\"nodev\",\"noexec\"]}]";

	cr_assert_not_null(strstr(copy, end), "%s", copy);
	cr_assert_not_null(strstr(copy, "\"source\":\"/run/ids/c1\""), "%s", copy);
	copy = rewrite(cx, bundle_with("\"mounts\":[", "\"mounts\":null,\"x\":["));
	cr_assert_not_null(strstr(copy, end), "%s", copy);
	copy = rewrite(cx, bundle_with("\"PATH=/bin\"", "\"A=b\""));
	cr_assert_not_null(strstr(copy, "\"env\":[\"A=b\",\"SPIFFE_ENDPOINT_SOCKET=unix:///run/lightgate/api/workload.sock\"]"), "%s", copy);
	copy = rewrite(cx, bundle_with("\"PATH=/bin\"", "\"SPIFFE_ENDPOINT_SOCKET=x\""));
	cr_assert_not_null(strstr(copy, "\"env\":[\"SPIFFE_ENDPOINT_SOCKET=x\"]"), "%s", copy);
}

Test(rewrite, our_hook_is_the_very_first)
{
	TEST_CTX(cx);

	for (size_t i = 0; i < LG_COUNT(hooks); i++) {
		const char *spec = hooks[i].hooks == NULL ? BUNDLE_SPEC :
		    bundle_with("\"hostname\":", lg_print(cx->arena, "\"hooks\":%s,\"hostname\":", hooks[i].hooks).p);
		const char *copy = rewrite(cx, spec);
		cr_assert_not_null(strstr(copy, hooks[i].want), "%s\n%s", hooks[i].want, copy);
	}
}
