/* test_kubernetes.c: names, verbs and pods of a cluster, and the limits of what it may send. */
#include "server/kubernetes.h"

#include "tests/base/base_test.h"

static const struct {
	const char *type, *name, *user;		/* user NULL: none */
} names[] = {
	{ "User", "alice", "alice" }, { "Service", "ci", "service:ci" }, { "Workload", "web", "workload:web" }, { "Host", "node1", "host:node1" },
	{ "User", "system:admin", NULL }, { "User", "service:ci", NULL }, { "Group", "system:masters", NULL }, { "Group", "staff", "staff" },
	{ "User", "", NULL },
};

Test(kubernetes, names_are_of_one_kind_and_none_of_kubernetes_own)
{
	TEST_CTX(cx);
	lg_str got;

	for (size_t i = 0; i < LG_COUNT(names); i++) {
		bool ok = lg_kube_user_name(cx->arena, lg_str_of(names[i].type), lg_str_of(names[i].name), &got);
		cr_assert_eq(ok, names[i].user != NULL, "%s", names[i].name);
		if (ok)
			assert_str(got, names[i].user);
	}
}

static const struct {
	const char *verb, *subresource, *path, *action;
} requests[] = {
	{ "get", "", "", "kubernetes:get" }, { "deletecollection", "", "", "kubernetes:deletecollection" }, { "get", "exec", "", "kubernetes:connect" },
	{ "create", "proxy", "", "kubernetes:connect" }, { "get", "log", "", "kubernetes:get" }, { "get", "", "/healthz", "kubernetes:path" },
	{ "*", "", "", "kubernetes:other" }, { "GET", "", "", "kubernetes:other" }, { "", "", "", "kubernetes:other" },
};

Test(kubernetes, verbs_are_actions_and_what_leads_into_a_container_is_one_of_its_own)
{
	for (size_t i = 0; i < LG_COUNT(requests); i++) {
		struct lg_kube_request rq = { .verb = lg_str_of(requests[i].verb), .subresource = lg_str_of(requests[i].subresource),
			.path = lg_str_of(requests[i].path) };
		cr_assert_str_eq(lg_kube_action(&rq), requests[i].action);
	}
}

static lg_err
pod_of(struct lg_ctx *cx, const char *item, int n, struct lg_kube_pod *ret)
{
	struct lg_buf b = LG_BUF(1 << 20);

	lg_buf_str(&b, LG_STR("{\"metadata\":{\"name\":\"p\"},\"spec\":{\"containers\":["));
	for (int i = 0; i < n; i++)
		lg_buf_printf(&b, "%s{\"image\":\"i%d\",%s}", i > 0 ? "," : "", i, item);
	lg_buf_str(&b, LG_STR("]}}"));
	lg_str text = lg_dup(cx->arena, lg_buf_view(&b));
	lg_buf_free(&b);
	return lg_kube_pod_read(cx, text, ret);
}

Test(kubernetes, a_pod_has_so_many_containers_and_arguments)
{
	TEST_CTX(cx);
	struct lg_kube_pod pod;

	cr_assert_eq(pod_of(cx, "\"name\":\"x\"", LG_KUBE_CONTAINERS, &pod), LG_OK, "%s", cx->error);
	cr_assert_eq(pod.nimages, LG_KUBE_CONTAINERS);
	cr_assert_eq(pod_of(cx, "\"name\":\"x\"", LG_KUBE_CONTAINERS + 1, &pod), LG_E_INVALID);
	cr_assert_not_null(strstr(cx->error, "too many containers"), "%s", cx->error);
	cr_assert_eq(pod_of(cx, "\"args\":[\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\"]", 64, &pod), LG_OK, "%s", cx->error);
	cr_assert_eq(pod_of(cx, "\"args\":[\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\"]", 64, &pod), LG_E_INVALID);
}

Test(kubernetes, a_pod_that_is_none_is_refused)
{
	static const char *const bad[] = {
		"", "[]", "{}", "{\"metadata\":{\"name\":\"\"}}", "{\"metadata\":{\"name\":1}}", "{\"metadata\":{\"name\":\"p\"},\"spec\":[]}",
		"{\"metadata\":{\"name\":\"p\"},\"spec\":{\"hostPID\":\"no\"}}", "{\"metadata\":{\"name\":\"p\"},\"metadata\":{\"name\":\"q\"}}",
	};
	struct lg_kube_pod pod;

	for (size_t i = 0; i < LG_COUNT(bad); i++) {
		TEST_CTX(cx);
		cr_assert_eq(lg_kube_pod_read(cx, lg_str_of(bad[i]), &pod), LG_E_INVALID, "%s", bad[i]);
	}
}

static const struct {
	const char *containers, *pod, *user;
} run_as[] = {
	{ "{}", "null", "-1:-1" },
	{ "{}", "{\"runAsUser\":1000,\"runAsGroup\":7}", "1000:7" },
	{ "{\"securityContext\":{\"runAsUser\":0}}", "{\"runAsUser\":1000}", "0:-1" },
	{ "{\"securityContext\":{\"runAsUser\":0}},{\"securityContext\":{\"runAsUser\":1000}}", "null", "0:-1" },
	{ "{\"securityContext\":{\"runAsUser\":1000}},{}", "null", "-1:-1" },
	{ "{\"securityContext\":{\"runAsUser\":1000}},{}", "{\"runAsUser\":0}", "0:-1" },
	{ "{\"securityContext\":{\"runAsUser\":1000,\"runAsGroup\":9}}", "{\"runAsUser\":0,\"runAsGroup\":0}", "1000:9" },
	{ "{\"securityContext\":{\"runAsUser\":1000}},{\"securityContext\":{\"runAsUser\":500}}", "{\"runAsUser\":0}", "500:-1" },
};

static const struct lg_fact *
fact_of(const struct lg_kube_pod *pod, const char *name)
{
	for (size_t i = 0; i < pod->facts.n; i++)
		if (strcmp(pod->facts.record[i].name, name) == 0)
			return &pod->facts.record[i];
	cr_assert_fail("no fact %s", name);
	return NULL;
}

/* Whichever comes first in the pod's JSON. */
Test(kubernetes, a_pod_runs_as_the_strongest_of_its_containers)
{
	struct lg_kube_pod pod;

	for (size_t i = 0; i < LG_COUNT(run_as); i++)
		for (int first = 0; first < 2; first++) {
			TEST_CTX(cx);
			const char *containers = run_as[i].containers, *of_pod = run_as[i].pod;
			lg_str text = first ? lg_print(cx->arena, "{\"metadata\":{\"name\":\"p\"},\"spec\":{\"containers\":[%s],\"securityContext\":%s}}",
			    containers, of_pod) : lg_print(cx->arena, "{\"metadata\":{\"name\":\"p\"},\"spec\":{\"securityContext\":%s,\"containers\":[%s]}}",
			    of_pod, containers);
			cr_assert_eq(lg_kube_pod_read(cx, text, &pod), LG_OK, "%s", cx->error);
			assert_str(fact_of(&pod, "user")->s, run_as[i].user);
		}
}

Test(kubernetes, block_devices_of_a_pod_are_told)
{
	TEST_CTX(cx);
	struct lg_kube_pod pod;

	cr_assert_eq(pod_of(cx, "\"volumeDevices\":[{\"name\":\"d\",\"devicePath\":\"/dev/xvda\"}]", 1, &pod), LG_OK, "%s", cx->error);
	const struct lg_fact *devices = fact_of(&pod, "devices");
	cr_assert_eq(devices->n, 1);
	assert_str(devices->set[0], "/dev/xvda");
}
