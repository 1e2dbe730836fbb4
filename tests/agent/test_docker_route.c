/* test_docker_route.c: what requests to the engine are; what is unknown or could be read in two ways is refused. */
#include "agent/docker_route.h"

#include "tests/base/base_test.h"

static lg_err
match(struct lg_ctx *cx, const char *method, const char *uri, struct lg_docker_match *ret)
{
	return lg_docker_match(cx, lg_str_of(method), lg_str_of(uri), ret);
}

Test(docker_route, requests_have_their_action_with_any_version_in_front)
{
	static const struct {
		const char *method, *uri, *action, *name;
	} cases[] = {
		{ "POST", "/containers/create", "container:create", "" },
		{ "POST", "/v1.41/containers/create?name=web", "container:create", "" },
		{ "POST", "/v1.24/containers/web/start", "container:start", "web" },
		{ "POST", "/containers/web.1_x-2/restart", "container:restart", "web.1_x-2" },
		{ "POST", "/containers/web/kill?signal=HUP", "container:stop", "web" },
		{ "GET", "/containers/json?all=1", "engine:view", "" },
		{ "GET", "/containers/web/json", "container:inspect", "web" },
		{ "HEAD", "/containers/web/archive?path=/", "container:copy", "web" },
		{ "PUT", "/containers/web/archive", "container:copy", "web" },
		{ "DELETE", "/v1.41/containers/web?force=1", "container:remove", "web" },
		{ "GET", "/containers/web/attach/ws", "container:attach", "web" },
		{ "POST", "/exec/abc/start", "container:exec", "abc" },
		{ "POST", "/images/create?fromImage=x", "image:pull", "" },
		{ "POST", "/images/registry.example:5000/a/b/push", "image:push", "registry.example:5000/a/b" },
		{ "DELETE", "/images/a/b:1", "image:build", "a/b:1" },
		{ "POST", "/networks/front/connect", "network:attach", "front" },
		{ "POST", "/volumes/create", "volume:create", "" },
		{ "POST", "/swarm/init", "engine:administer", "init" },
		{ "POST", "/plugins/pull", "engine:administer", "pull" },
	};
	TEST_CTX(cx);
	struct lg_docker_match m;

	for (size_t i = 0; i < LG_COUNT(cases); i++) {
		cr_assert_eq(match(cx, cases[i].method, cases[i].uri, &m), LG_OK, "%s: %s", cases[i].uri, cx->error);
		cr_assert_str_eq(m.route->action, cases[i].action, "%s", cases[i].uri);
		cr_assert(lg_str_eq(m.name, lg_str_of(cases[i].name)), "%s: %.*s", cases[i].uri, LG_FMT(m.name));
	}
}

Test(docker_route, paths_that_somebody_would_clean_are_refused)
{
	static const char *const uris[] = { "//containers/create", "/v1.41//containers/create", "/containers//create", "/containers/./create",
		"/containers/../containers/create", "/containers%2fcreate", "/containers/%63reate", "/containers/create/", "/containers\\create",
		"/containers/create;x=1", "/containers/create#x", "containers/create", "", "/containers/a b/start", ("/containers/w\xc3\xa9" "b/start") };
	TEST_CTX(cx);
	struct lg_docker_match m;

	for (size_t i = 0; i < LG_COUNT(uris); i++)
		cr_assert_eq(match(cx, "POST", uris[i], &m), LG_E_INVALID, "%s", uris[i]);
}

Test(docker_route, what_is_in_no_row_is_refused)
{
	static const struct {
		const char *method, *uri;
	} cases[] = {
		{ "POST", "/containers/create/x" }, { "POST", "/containers" }, { "PATCH", "/containers/create" }, { "post", "/containers/create" },
		{ "POST", "/v1.41/v1.41/containers/create" }, { "POST", "/volumesx/create" }, { "POST", "/containers/a/b/start" },
		{ "GET", "/debug/pprof/heap" }, { "POST", "/_ping" }, { "POST", "/checkpoints" }, { "GET", "/v1.41" }, { "GET", "/v1.41x/info" },
		{ "HEAD", "/containers/create" },
	};
	TEST_CTX(cx);
	struct lg_docker_match m;

	for (size_t i = 0; i < LG_COUNT(cases); i++)
		cr_assert_eq(match(cx, cases[i].method, cases[i].uri, &m), LG_E_UNSUPPORTED, "%s %s", cases[i].method, cases[i].uri);
}

Test(docker_route, names_for_a_path_are_plain)
{
	cr_assert(lg_docker_name_valid(LG_STR("web_1.x-y")));
	cr_assert(!lg_docker_name_valid(LG_STR("")));
	cr_assert(!lg_docker_name_valid(LG_STR("..")));
	cr_assert(!lg_docker_name_valid(LG_STR("a/b")));
	cr_assert(!lg_docker_name_valid(LG_STR("a?b")));
	cr_assert(!lg_docker_name_valid(LG_STR("a%62")));
}
