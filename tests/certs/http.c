/* http.c: see http.h. */
#include "tests/certs/http.h"

#include <criterion/criterion.h>

static const struct lg_peer nowhere = { .surface = LG_SURFACE_HTTPS, .address = "10.0.0.7:4711", .uid = -1, .gid = -1, .pid = -1 };

static lg_str
no_header(const struct lg_http *ex, const char *name)
{
	(void)ex;
	(void)name;
	return LG_NONE;
}

/* Finds the route as the server does: exact, or by the prefix before '*'. */
static const struct lg_route *
find(const char *method, lg_str path, lg_str *tail)
{
	for (size_t i = 0; i < lg_certs_nroutes; i++) {
		const struct lg_route *r = &lg_certs_routes[i];
		lg_str p = lg_str_of(r->path);

		*tail = LG_NONE;
		if (strcmp(r->method, method) != 0)
			continue;
		if (lg_str_eq(p, path))
			return r;
		if (lg_str_ends(p, LG_STR("*")) && lg_str_starts(path, lg_str_sub(p, 0, p.n - 1))) {
			*tail = lg_str_sub(path, p.n - 1, path.n);
			return r;
		}
	}
	return NULL;
}

struct answer
world_call(struct world *w, const char *method, const char *path, const char *query, lg_str body)
{
	struct lg_http ex = { .cx = &w->cx, .peer = &nowhere, .tenant = TENANT_A, .method = lg_str_of(method),
		.path = lg_str_of(path), .query = lg_str_of(query), .body = body, .header = no_header,
		.out = LG_BUF(LG_HTTP_RESPONSE_MAX) };
	const struct lg_route *r = find(method, ex.path, &ex.tail);
	struct answer a = { .type = "" };

	cr_assert_not_null(r, "%s %s", method, path);
	lg_store_turn(w->store);
	w->cx.actor = &lg_anonymous;
	a.e = r->run(w->certs, &ex);
	a.status = ex.status;
	a.body = lg_dup(w->arena, lg_buf_view(&ex.out));
	for (size_t i = 0; i < ex.nheaders; i++)
		if (lg_str_eq_fold(ex.headers[i].name, LG_STR("Content-Type")))
			a.type = lg_dup(w->arena, ex.headers[i].value).p;
	lg_buf_free(&ex.out);
	lg_store_turn(w->store);
	return a;
}

