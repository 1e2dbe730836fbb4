/*
 * docker_route.h: what a request to the Docker Engine API is, in the words of policy.  A table, one row a route; what is in
 * no row is refused.  The engine matches paths with Go's router after cleaning them; a path that would need cleaning is refused.
 */
#ifndef LG_AGENT_DOCKER_ROUTE_H
#define LG_AGENT_DOCKER_ROUTE_H

#include "lightgate/base.h"

#define LG_DOCKER_API_FIRST	24	/* 1.24: the oldest API that is let through */

enum lg_docker_kind {
	LG_DOCKER_OPEN,			/* for everybody: says nothing about anything that runs */
	LG_DOCKER_ENGINE,		/* the engine as a whole: the resource is the host */
	LG_DOCKER_CREATE,		/* a new container: the body says what it could do */
	LG_DOCKER_CONTAINER,		/* one that is named in the path */
	LG_DOCKER_START,
	LG_DOCKER_EXEC,			/* a new program in one: the body says which */
	LG_DOCKER_EXEC_USE,		/* one that was decided before, by its id */
	LG_DOCKER_COMMIT,		/* ?container=NAME */
	LG_DOCKER_PULL,			/* ?fromImage=NAME, or ?fromSrc= */
	LG_DOCKER_IMAGE,		/* named in the path */
	LG_DOCKER_NETWORK,		/* named in the path; the body names a container */
	LG_DOCKER_VOLUME,		/* the body says what it is made of */
	LG_DOCKER_BUILD			/* ?version=, by which builder */
};

struct lg_docker_route {
	const char *method, *path;	/* path: "*" is one segment, "**" one or more */
	const char *action;
	enum lg_docker_kind kind;
};

struct lg_docker_match {
	const struct lg_docker_route *route;
	lg_str name;			/* what stood at the asterisk */
	lg_str query;			/* as it came */
};

/* uri: origin form.  LG_E_INVALID: a path that two readers could take for different ones; LG_E_UNSUPPORTED: in no row. */
LG_CHECKED lg_err lg_docker_match(struct lg_ctx *cx, lg_str method, lg_str uri, struct lg_docker_match *ret);
bool lg_docker_name_valid(lg_str name);	/* of a container or network: may stand in a path as it is */
bool lg_docker_has_body(enum lg_docker_kind kind);	/* is decided by what its JSON body says */
bool lg_docker_is_form(lg_str type);	/* a Content-Type whose body Go's servers read as more parameters of the query */

#endif
