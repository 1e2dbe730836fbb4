#include "server/http_router.h"

void
lg_router_init(struct lg_router *r, struct lg_arena *arena, size_t max, size_t max_kinds)
{
	*r = (struct lg_router){ .arena = arena, .max = max, .max_kinds = max_kinds };
	lg_map_init(&r->exact, arena);
	r->kinds = LG_NEWS(arena, void *, max_kinds);
	r->all = LG_NEWS(arena, struct lg_bound_route *, max);
}

static struct lg_router_path *
open_path(struct lg_router *r, lg_str path)
{
	struct lg_router_path **at = &r->open, *p;

	while (*at != NULL && (*at)->path.n > path.n)
		at = &(*at)->next;
	for (p = *at; p != NULL && p->path.n == path.n; p = p->next)
		if (lg_str_eq(p->path, path))
			return p;
	p = LG_NEW(r->arena, struct lg_router_path);
	*p = (struct lg_router_path){ .path = path, .open = true, .next = *at };
	*at = p;
	return p;
}

static struct lg_router_path *
path_of(struct lg_router *r, lg_str path)
{
	void **slot;

	if (lg_str_ends(path, LG_STR("*")))
		return open_path(r, lg_str_sub(path, 0, path.n - 1));
	slot = lg_map_at(&r->exact, path);
	if (*slot == NULL) {
		struct lg_router_path *p = LG_NEW(r->arena, struct lg_router_path);

		p->path = path;
		*slot = p;
	}
	return *slot;
}

/* r->nkinds if there is no room for another. */
static size_t
kind_of(struct lg_router *r, void *self)
{
	size_t i = 0;

	while (i < r->nkinds && r->kinds[i] != self)
		i++;
	if (i == r->nkinds && i < r->max_kinds)
		r->kinds[r->nkinds++] = self;
	return i;
}

lg_err
lg_router_add(struct lg_ctx *cx, struct lg_router *r, const struct lg_route *route, void *self)
{
	struct lg_router_path *p = path_of(r, lg_str_of(route->path));
	struct lg_bound_route **at = &p->first, *b;
	size_t kind;

	for (; *at != NULL; at = &(*at)->next)
		if (strcmp((*at)->route->method, route->method) == 0 &&
		    ((*at)->route->surfaces & route->surfaces) != 0)
			return lg_fail(cx, LG_E_EXISTS, "%s %s is offered twice", route->method, route->path);
	kind = kind_of(r, self);
	if (r->n >= r->max || kind >= r->nkinds)
		return lg_fail(cx, LG_E_LIMIT, "more than %zu routes or %zu components", r->max, r->max_kinds);
	b = LG_NEW(r->arena, struct lg_bound_route);
	*b = (struct lg_bound_route){ .route = route, .self = self, .index = r->n, .kind = kind };
	r->all[r->n++] = b;
	*at = b;
	return LG_OK;
}

static bool
method_fits(const char *offered, lg_str method)
{
	return lg_str_eq(method, lg_str_of(offered)) ||
	    (lg_str_eq(method, LG_STR("HEAD")) && strcmp(offered, "GET") == 0);
}

static void
allow(const struct lg_router_path *p, struct lg_arena *arena, enum lg_surface surface, struct lg_match *ret)
{
	ret->status = 405;
	for (const struct lg_bound_route *b = p->first; b != NULL; b = b->next) {
		const char *m = b->route->method;

		if ((b->route->surfaces & surface) == 0)
			continue;
		ret->allow = lg_print(arena, "%.*s%s%s%s", LG_FMT(ret->allow), ret->allow.n == 0 ? "" : ", ",
		    m, strcmp(m, "GET") == 0 ? ", HEAD" : "");
	}
}

/* False if the path offers nothing at all on this surface. */
static bool
match_method(const struct lg_router_path *p, struct lg_arena *arena, enum lg_surface surface, lg_str method,
    struct lg_match *ret)
{
	bool offered = false;

	for (const struct lg_bound_route *b = p->first; b != NULL; b = b->next) {
		if ((b->route->surfaces & surface) == 0)
			continue;
		offered = true;
		if (method_fits(b->route->method, method)) {
			ret->bound = b;
			return true;
		}
	}
	if (offered)
		allow(p, arena, surface, ret);
	return offered;
}

void
lg_router_match(const struct lg_router *r, struct lg_arena *arena, enum lg_surface surface, lg_str method,
    const struct lg_target *t, struct lg_match *ret)
{
	const struct lg_router_path *p = lg_map_get(&r->exact, t->path);

	*ret = (struct lg_match){ .status = 404 };
	if (p != NULL && t->slash == t->path.n && match_method(p, arena, surface, method, ret))
		return;
	for (p = r->open; p != NULL; p = p->next) {
		if (!lg_str_starts(t->path, p->path) || t->slash < p->path.n)
			continue;
		ret->tail = lg_str_sub(t->path, p->path.n, t->path.n);
		if (match_method(p, arena, surface, method, ret))
			return;
	}
}
