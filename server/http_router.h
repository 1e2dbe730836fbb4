/* http_router.h: from surface, path and method to a handler.  Filled before the listeners open, then only read. */
#ifndef LG_SERVER_HTTP_ROUTER_H
#define LG_SERVER_HTTP_ROUTER_H

#include "base/http.h"
#include "base/map.h"
#include "server/http_target.h"

struct lg_bound_route {
	const struct lg_route *route;
	void *self;
	size_t index;			/* among all, for metrics */
	size_t kind;			/* 0, 1, ...: the same for routes of one self */
	struct lg_bound_route *next;	/* with the same path */
};

/* All routes of one path. */
struct lg_router_path {
	lg_str path;			/* without '*' */
	bool open;			/* ended in '*' */
	struct lg_bound_route *first;
	struct lg_router_path *next;	/* open ones, longest first */
};

struct lg_router {
	struct lg_arena *arena;
	struct lg_map exact;
	struct lg_router_path *open;
	struct lg_bound_route **all;
	size_t n, max;
	void **kinds;
	size_t nkinds, max_kinds;
};

struct lg_match {
	const struct lg_bound_route *bound;	/* NULL: see status */
	int status;			/* 404, 405 or 400 */
	lg_str tail;			/* what '*' stands for */
	lg_str allow;			/* with 405: "GET, HEAD" */
};

void lg_router_init(struct lg_router *r, struct lg_arena *arena, size_t max, size_t max_kinds);
/* LG_E_EXISTS: taken on a surface that both want.  LG_E_LIMIT: more routes or components than may be. */
LG_CHECKED lg_err lg_router_add(struct lg_ctx *cx, struct lg_router *r, const struct lg_route *route, void *self);
/* An exact path goes before an open one, a longer open one before a shorter.  arena: for the list of allowed methods. */
void lg_router_match(const struct lg_router *r, struct lg_arena *arena, enum lg_surface surface, lg_str method,
    const struct lg_target *t, struct lg_match *ret);

#endif
