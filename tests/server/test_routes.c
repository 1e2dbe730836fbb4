/*
 * test_routes.c: every route says in tests/server/routes.txt which action it asks the decision point for, or why it asks none.
 * tests/e2e/routes.sh holds a running service to that file.
 */
#include <criterion/criterion.h>

#include "base/file.h"
#include "base/map.h"
#include "lightgate/certs.h"
#include "lightgate/sts.h"
#include "server/app_own.h"
#include "server/bundle.h"
#include "server/embedded.h"
#include "server/health.h"
#include "server/watch.h"
#include "server/whereabouts.h"

#define FILE_NAME "tests/server/routes.txt"

static struct lg_ctx cx;
static struct lg_map lines;		/* "METHOD /path" -> what is asked */

static void
read_lines(void)
{
	lg_str text, line, more, method, path, asked;

	cr_assert_eq(lg_file_read(&cx, FILE_NAME, 1u << 20, &text), LG_OK, "%s", cx.error);
	for (more = text; more.n > 0;) {
		(void)lg_str_cut(more, '\n', &line, &more);
		if (line.n == 0 || line.p[0] == '#')
			continue;
		cr_assert(lg_str_cut(line, ' ', &method, &path) && lg_str_cut(path, ' ', &path, &asked), "%.*s", LG_FMT(line));
		lg_str *value = LG_NEW(cx.arena, lg_str);
		*value = asked;
		void **at = lg_map_at(&lines, lg_print(cx.arena, "%.*s %.*s", LG_FMT(method), LG_FMT(path)));
		cr_assert_null(*at, "twice: %.*s", LG_FMT(line));
		*at = value;
	}
}

static void
setup(void)
{
	lg_ctx_init(&cx, lg_arena_new());
	lg_map_init(&lines, cx.arena);
	read_lines();
}

static void
teardown(void)
{
	lg_arena_free(&cx.arena);
}

TestSuite(routes, .init = setup, .fini = teardown);

struct table {
	const struct lg_route *routes;
	size_t n;
};

static size_t
tables(struct table *ret)
{
	size_t nsts;
	const struct lg_route *sts = lg_sts_routes(&nsts);
	const struct table all[] = {
		{ lg_api_access_routes, lg_api_access_nroutes }, { lg_api_search_routes, lg_api_search_nroutes },
		{ lg_api_admission_routes, lg_api_admission_nroutes }, { lg_api_door_routes, lg_api_door_nroutes },
		{ lg_api_proxy_routes, lg_api_proxy_nroutes },
		{ lg_api_kubernetes_routes, lg_api_kubernetes_nroutes },
		{ lg_api_whereabouts_routes, lg_api_whereabouts_nroutes }, { lg_api_told_routes, lg_api_told_nroutes },
		{ lg_api_bundle_routes, lg_api_bundle_nroutes }, { lg_watch_routes, lg_watch_nroutes },
		{ lg_api_operator_routes, lg_api_operator_nroutes }, { lg_api_admin_routes, lg_api_admin_nroutes },
		{ lg_certs_routes, lg_certs_nroutes }, { sts, nsts }, { lg_health_routes, lg_health_nroutes },
	};

	memcpy(ret, all, sizeof all);
	return LG_COUNT(all);
}

Test(routes, each_names_the_action_that_it_asks_or_says_why_it_asks_none)
{
	LG_AUTO(lg_buf_free) struct lg_buf missing = LG_BUF(64u << 10);
	struct table table[16];
	size_t seen = 0;

	for (size_t i = 0, n = tables(table); i < n; i++) {
		for (size_t k = 0; k < table[i].n; k++, seen++) {
			const struct lg_route *r = &table[i].routes[k];
			if (lg_map_get(&lines, lg_print(cx.arena, "%s %s", r->method, r->path)) == NULL)
				lg_buf_printf(&missing, "%s %s\n", r->method, r->path);
		}
	}
	lg_buf_byte(&missing, '\0');
	cr_assert_eq(missing.n, 1, "no line in " FILE_NAME " for\n%s", missing.p);
	cr_assert_eq(seen, lines.n, "%zu routes, %zu lines: a line is of no route any more", seen, lines.n);
}

/* "action", several with commas, or "-" and why. */
Test(routes, what_they_ask_is_an_action_of_the_schema)
{
	lg_str schema = lg_embedded_get("conf/lightgate.cedarschema")->data, key, actions, rest, one;
	void *value;
	size_t it = 0;

	while (lg_map_next(&lines, &it, &key, &value)) {
		(void)lg_str_cut(*(lg_str *)value, ' ', &actions, &rest);
		if (lg_str_eq(actions, LG_STR("-"))) {
			cr_assert_gt(rest.n, 8, "%.*s asks nothing: why?", LG_FMT(key));
			continue;
		}
		for (rest = actions; rest.n > 0;) {
			(void)lg_str_cut(rest, ',', &one, &rest);
			lg_str quoted = lg_print(cx.arena, "\"%.*s\"", LG_FMT(one));
			cr_assert_not_null(memmem(schema.p, schema.n, quoted.p, quoted.n), "%.*s asks for %.*s", LG_FMT(key), LG_FMT(one));
		}
	}
}
