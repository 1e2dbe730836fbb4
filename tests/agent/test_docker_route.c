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
		{ "GET", "/v1.55/images/a/b/attestations", "engine:view", "a/b" },
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
		/* older APIs: a HostConfig with the start; and versions that are none */
		{ "POST", "/v1.23/containers/web/start" }, { "POST", "/v1.12/containers/create" }, { "POST", "/v1.041/containers/create" },
		{ "POST", "/v2.41/containers/create" }, { "POST", "/v1.9/containers/create" }, { "POST", "/v1.41.0/containers/create" },
		{ "POST", "/v1.-5/containers/create" },
	};
	TEST_CTX(cx);
	struct lg_docker_match m;

	for (size_t i = 0; i < LG_COUNT(cases); i++)
		cr_assert_eq(match(cx, cases[i].method, cases[i].uri, &m), LG_E_UNSUPPORTED, "%s %s", cases[i].method, cases[i].uri);
}

/* Of Moby's routers (daemon/server/router), API 1.24 to 1.55: whatever changes something. */
Test(docker_route, every_route_of_an_engine_that_changes_something_has_its_action)
{
	static const struct {
		const char *action, *method, *uris[20];
	} cases[] = {
		{ "container:create", "POST", { "/containers/create" } },
		{ "container:start", "POST", { "/containers/c/start", "/containers/c/unpause" } },
		{ "container:restart", "POST", { "/containers/c/restart" } },
		{ "container:stop", "POST", { "/containers/c/stop", "/containers/c/kill", "/containers/c/pause" } },
		{ "container:update", "POST", { "/containers/c/update", "/containers/c/rename" } },
		{ "container:attach", "POST", { "/containers/c/attach", "/containers/c/resize" } },
		{ "container:exec", "POST", { "/containers/c/exec", "/exec/e/start", "/exec/e/resize" } },
		{ "container:inspect", "POST", { "/containers/c/wait" } },
		{ "container:copy", "PUT", { "/containers/c/archive" } },
		{ "container:copy", "POST", { "/containers/c/copy" } },
		{ "container:commit", "POST", { "/commit" } },
		{ "container:remove", "DELETE", { "/containers/c" } },
		{ "image:pull", "POST", { "/images/create" } },
		{ "image:push", "POST", { "/images/a/b/push" } },
		{ "image:build", "POST", { "/images/load", "/images/a/b/tag", "/build", "/build/cancel" } },
		{ "image:build", "DELETE", { "/images/a/b" } },
		{ "network:attach", "POST", { "/networks/n/connect", "/networks/n/disconnect" } },
		{ "volume:create", "POST", { "/volumes/create" } },
		{ "volume:remove", "DELETE", { "/volumes/v" } },
		{ "engine:view", "POST", { "/auth" } },
		{ "engine:administer", "PUT", { "/volumes/v" } },
		{ "engine:administer", "POST", { "/containers/prune", "/images/prune", "/build/prune", "/networks/create", "/networks/prune", "/volumes/prune",
			"/session", "/grpc", "/swarm/init", "/swarm/join", "/swarm/leave", "/swarm/update", "/swarm/unlock", "/services/create",
			"/services/s/update", "/nodes/n/update", "/secrets/create", "/secrets/s/update", "/configs/create" } },
		{ "engine:administer", "POST", { "/configs/c/update", "/plugins/pull", "/plugins/create", "/plugins/a/b/enable", "/plugins/a/b/disable",
			"/plugins/a/b/push", "/plugins/a/b/upgrade", "/plugins/a/b/set" } },
		{ "engine:administer", "DELETE", { "/networks/n", "/services/s", "/nodes/n", "/secrets/s", "/configs/c", "/plugins/a/b" } },
		/* an experimental engine's.  In no row: what a checkpoint may do, nobody can read from it. */
		{ NULL, "POST", { "/containers/c/checkpoints" } },
		{ NULL, "DELETE", { "/containers/c/checkpoints/x" } },
	};
	static const char *const versions[] = { "", "/v1.24", "/v1.55" };
	TEST_CTX(cx);
	struct lg_docker_match m;

	for (size_t i = 0; i < LG_COUNT(cases); i++)
		for (size_t k = 0; k < LG_COUNT(cases[i].uris) && cases[i].uris[k] != NULL; k++)
			for (size_t v = 0; v < LG_COUNT(versions); v++) {
				const char *uri = lg_print(cx->arena, "%s%s", versions[v], cases[i].uris[k]).p;
				lg_err e = match(cx, cases[i].method, uri, &m);
				cr_assert_eq(e, cases[i].action == NULL ? LG_E_UNSUPPORTED : LG_OK, "%s %s: %s", cases[i].method, uri, cx->error);
				if (e == LG_OK)
					cr_assert_str_eq(m.route->action, cases[i].action, "%s %s", cases[i].method, uri);
			}
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

Test(docker_route, a_form_is_one_however_its_type_is_written)
{
	static const struct {
		const char *type;
		bool form;
	} cases[] = {
		{ "application/x-www-form-urlencoded", true }, { "Application/X-WWW-Form-Urlencoded", true },
		{ "application/x-www-form-urlencoded ; charset=utf-8", true }, { "application/x-www-form-urlencoded;a=b;a=c", true },
		{ "multipart/form-data; boundary=x", true }, { "MULTIPART/mixed", true },
		{ "", false }, { "application/json", false }, { "application/x-tar", false }, { "application/x-www-form-urlencoded2", false },
	};

	for (size_t i = 0; i < LG_COUNT(cases); i++)
		cr_assert_eq(lg_docker_is_form(lg_str_of(cases[i].type)), cases[i].form, "%s", cases[i].type);
}
