/* docker_route.c: see docker_route.h.  Engine API 1.24 to 1.55. */
#include "agent/docker_route.h"

#include "base/text.h"

static const struct lg_docker_route routes[] = {
	{ "GET", "/_ping", NULL, LG_DOCKER_OPEN },
	{ "GET", "/version", NULL, LG_DOCKER_OPEN },

	{ "POST", "/containers/create", "container:create", LG_DOCKER_CREATE },
	{ "GET", "/containers/json", "engine:view", LG_DOCKER_ENGINE },
	{ "POST", "/containers/prune", "engine:administer", LG_DOCKER_ENGINE },
	{ "GET", "/containers/*/json", "container:inspect", LG_DOCKER_CONTAINER },
	{ "GET", "/containers/*/top", "container:inspect", LG_DOCKER_CONTAINER },
	{ "GET", "/containers/*/changes", "container:inspect", LG_DOCKER_CONTAINER },
	{ "GET", "/containers/*/stats", "container:inspect", LG_DOCKER_CONTAINER },
	{ "POST", "/containers/*/wait", "container:inspect", LG_DOCKER_CONTAINER },
	{ "GET", "/containers/*/logs", "container:logs", LG_DOCKER_CONTAINER },
	{ "POST", "/containers/*/start", "container:start", LG_DOCKER_START },
	{ "POST", "/containers/*/restart", "container:restart", LG_DOCKER_START },
	{ "POST", "/containers/*/unpause", "container:start", LG_DOCKER_CONTAINER },
	{ "POST", "/containers/*/stop", "container:stop", LG_DOCKER_CONTAINER },
	{ "POST", "/containers/*/kill", "container:stop", LG_DOCKER_CONTAINER },
	{ "POST", "/containers/*/pause", "container:stop", LG_DOCKER_CONTAINER },
	{ "POST", "/containers/*/update", "container:update", LG_DOCKER_CONTAINER },
	{ "POST", "/containers/*/rename", "container:update", LG_DOCKER_CONTAINER },
	{ "POST", "/containers/*/attach", "container:attach", LG_DOCKER_CONTAINER },
	{ "GET", "/containers/*/attach/ws", "container:attach", LG_DOCKER_CONTAINER },
	{ "POST", "/containers/*/resize", "container:attach", LG_DOCKER_CONTAINER },
	{ "GET", "/containers/*/export", "container:copy", LG_DOCKER_CONTAINER },
	{ "GET", "/containers/*/archive", "container:copy", LG_DOCKER_CONTAINER },
	{ "PUT", "/containers/*/archive", "container:copy", LG_DOCKER_CONTAINER },
	{ "POST", "/containers/*/copy", "container:copy", LG_DOCKER_CONTAINER },
	{ "DELETE", "/containers/*", "container:remove", LG_DOCKER_CONTAINER },
	{ "POST", "/commit", "container:commit", LG_DOCKER_COMMIT },

	{ "POST", "/containers/*/exec", "container:exec", LG_DOCKER_EXEC },
	{ "POST", "/exec/*/start", "container:exec", LG_DOCKER_EXEC_USE },
	{ "POST", "/exec/*/resize", "container:exec", LG_DOCKER_EXEC_USE },
	{ "GET", "/exec/*/json", "container:exec", LG_DOCKER_EXEC_USE },

	{ "POST", "/images/create", "image:pull", LG_DOCKER_PULL },
	{ "GET", "/images/json", "engine:view", LG_DOCKER_ENGINE },
	{ "GET", "/images/search", "engine:view", LG_DOCKER_ENGINE },
	{ "GET", "/images/get", "engine:view", LG_DOCKER_ENGINE },
	{ "GET", "/images/**/json", "engine:view", LG_DOCKER_ENGINE },
	{ "GET", "/images/**/history", "engine:view", LG_DOCKER_ENGINE },
	{ "GET", "/images/**/get", "engine:view", LG_DOCKER_ENGINE },
	{ "GET", "/images/**/attestations", "engine:view", LG_DOCKER_ENGINE },
	{ "GET", "/distribution/**/json", "engine:view", LG_DOCKER_ENGINE },
	{ "POST", "/images/**/push", "image:push", LG_DOCKER_IMAGE },
	{ "POST", "/images/**/tag", "image:build", LG_DOCKER_ENGINE },
	{ "POST", "/images/load", "image:build", LG_DOCKER_ENGINE },
	{ "POST", "/images/prune", "engine:administer", LG_DOCKER_ENGINE },
	{ "DELETE", "/images/**", "image:build", LG_DOCKER_ENGINE },
	{ "POST", "/build", "image:build", LG_DOCKER_BUILD },
	{ "POST", "/build/cancel", "image:build", LG_DOCKER_ENGINE },
	{ "POST", "/build/prune", "engine:administer", LG_DOCKER_ENGINE },

	{ "GET", "/networks", "engine:view", LG_DOCKER_ENGINE },
	{ "GET", "/networks/*", "engine:view", LG_DOCKER_ENGINE },
	{ "POST", "/networks/create", "engine:administer", LG_DOCKER_ENGINE },
	{ "POST", "/networks/prune", "engine:administer", LG_DOCKER_ENGINE },
	{ "POST", "/networks/*/connect", "network:attach", LG_DOCKER_NETWORK },
	{ "POST", "/networks/*/disconnect", "network:attach", LG_DOCKER_NETWORK },
	{ "DELETE", "/networks/*", "engine:administer", LG_DOCKER_ENGINE },

	{ "GET", "/volumes", "engine:view", LG_DOCKER_ENGINE },
	{ "GET", "/volumes/*", "engine:view", LG_DOCKER_ENGINE },
	{ "POST", "/volumes/create", "volume:create", LG_DOCKER_VOLUME },
	{ "POST", "/volumes/prune", "engine:administer", LG_DOCKER_ENGINE },
	{ "PUT", "/volumes/*", "engine:administer", LG_DOCKER_ENGINE },
	{ "DELETE", "/volumes/*", "volume:remove", LG_DOCKER_ENGINE },

	{ "GET", "/info", "engine:view", LG_DOCKER_ENGINE },
	{ "GET", "/events", "engine:view", LG_DOCKER_ENGINE },
	{ "GET", "/system/df", "engine:view", LG_DOCKER_ENGINE },
	{ "POST", "/auth", "engine:view", LG_DOCKER_ENGINE },

	/* What is done over these two is not shown to a plugin again. */
	{ "POST", "/session", "engine:administer", LG_DOCKER_ENGINE },
	{ "POST", "/grpc", "engine:administer", LG_DOCKER_ENGINE },

	/* Swarm and engine plugins. */
	{ "GET", "/swarm", "engine:administer", LG_DOCKER_ENGINE },
	{ "GET", "/swarm/**", "engine:administer", LG_DOCKER_ENGINE },
	{ "POST", "/swarm/**", "engine:administer", LG_DOCKER_ENGINE },
	{ "GET", "/nodes", "engine:administer", LG_DOCKER_ENGINE },
	{ "GET", "/nodes/**", "engine:administer", LG_DOCKER_ENGINE },
	{ "POST", "/nodes/**", "engine:administer", LG_DOCKER_ENGINE },
	{ "DELETE", "/nodes/**", "engine:administer", LG_DOCKER_ENGINE },
	{ "GET", "/services", "engine:administer", LG_DOCKER_ENGINE },
	{ "GET", "/services/**", "engine:administer", LG_DOCKER_ENGINE },
	{ "POST", "/services/**", "engine:administer", LG_DOCKER_ENGINE },
	{ "DELETE", "/services/**", "engine:administer", LG_DOCKER_ENGINE },
	{ "GET", "/tasks", "engine:administer", LG_DOCKER_ENGINE },
	{ "GET", "/tasks/**", "engine:administer", LG_DOCKER_ENGINE },
	{ "GET", "/secrets", "engine:administer", LG_DOCKER_ENGINE },
	{ "GET", "/secrets/**", "engine:administer", LG_DOCKER_ENGINE },
	{ "POST", "/secrets/**", "engine:administer", LG_DOCKER_ENGINE },
	{ "DELETE", "/secrets/**", "engine:administer", LG_DOCKER_ENGINE },
	{ "GET", "/configs", "engine:administer", LG_DOCKER_ENGINE },
	{ "GET", "/configs/**", "engine:administer", LG_DOCKER_ENGINE },
	{ "POST", "/configs/**", "engine:administer", LG_DOCKER_ENGINE },
	{ "DELETE", "/configs/**", "engine:administer", LG_DOCKER_ENGINE },
	{ "GET", "/plugins", "engine:administer", LG_DOCKER_ENGINE },
	{ "GET", "/plugins/**", "engine:administer", LG_DOCKER_ENGINE },
	{ "POST", "/plugins/**", "engine:administer", LG_DOCKER_ENGINE },
	{ "DELETE", "/plugins/**", "engine:administer", LG_DOCKER_ENGINE },
};

bool
lg_docker_has_body(enum lg_docker_kind kind)
{
	return kind == LG_DOCKER_CREATE || kind == LG_DOCKER_EXEC || kind == LG_DOCKER_NETWORK || kind == LG_DOCKER_VOLUME;
}

/* As Go's mime.ParseMediaType reads it: letters of either size, up to the first parameter. */
bool
lg_docker_is_form(lg_str type)
{
	lg_str rest, family;

	(void)lg_str_cut(type, ';', &type, &rest);
	type = lg_str_trim(type);
	(void)lg_str_cut(type, '/', &family, &rest);
	return lg_str_eq_fold(type, LG_STR("application/x-www-form-urlencoded")) || lg_str_eq_fold(family, LG_STR("multipart"));
}

/* ---- paths ------------------------------------------------------------------------------------------------ */

/* Letters that names of containers, images, networks and volumes are made of; no escapes, no cleaning, nothing to fold. */
static bool
is_plain(lg_str path)
{
	return lg_str_only(path, "/._-:@+") && lg_str_starts(path, LG_STR("/"));
}

bool
lg_docker_name_valid(lg_str name)
{
	return name.n <= 255 && lg_str_only(name, "._-") && name.p[0] != '.';
}

/* No empty segment and none that a cleaner would take away. */
static bool
is_clean(lg_str path)
{
	lg_str piece, rest = lg_str_sub(path, 1, path.n);
	bool more = true;

	while (more) {
		more = lg_str_cut(rest, '/', &piece, &rest);
		if (piece.n == 0 || lg_str_eq(piece, LG_STR(".")) || lg_str_eq(piece, LG_STR("..")))
			return false;
	}
	return true;
}

/*
 * "/v1.41" in front, which may be absent.  Before 1.24 a start could bring a HostConfig of its own, and bodies meant other things: such a path
 * keeps its version and is in no row.
 */
static lg_str
without_version(lg_str path)
{
	lg_str version, rest;
	int64_t minor;

	if (!lg_str_starts(path, LG_STR("/v1.")) || !lg_str_cut(lg_str_sub(path, 4, path.n), '/', &version, &rest) ||
	    version.n != 2 || !lg_int_parse(version, &minor) || minor < LG_DOCKER_API_FIRST)
		return path;
	return lg_str_sub(path, 4 + version.n, path.n);
}

/* One asterisk at most a row; with two it takes as much as leaves the rest of the pattern, as Go's {name:.*} does. */
static bool
fits(const char *pattern, lg_str path, lg_str *name)
{
	const char *star = strchr(pattern, '*');

	if (star == NULL)
		return lg_str_eq(path, lg_str_of(pattern));
	bool many = star[1] == '*';
	lg_str front = { pattern, (size_t)(star - pattern) }, back = lg_str_of(star + (many ? 2 : 1));
	if (path.n <= front.n + back.n || !lg_str_starts(path, front) || !lg_str_ends(path, back))
		return false;
	*name = lg_str_sub(path, front.n, path.n - front.n - back.n);
	return many || memchr(name->p, '/', name->n) == NULL;
}

/* HEAD asks for what GET would tell. */
static bool
same_method(const char *row, lg_str method)
{
	return lg_str_eq(method, lg_str_of(row)) || (strcmp(row, "GET") == 0 && lg_str_eq(method, LG_STR("HEAD")));
}

lg_err
lg_docker_match(struct lg_ctx *cx, lg_str method, lg_str uri, struct lg_docker_match *ret)
{
	lg_str path;

	*ret = (struct lg_docker_match){ .route = NULL };
	(void)lg_str_cut(uri, '?', &path, &ret->query);
	if (!is_plain(path) || !is_clean(path))
		return lg_fail(cx, LG_E_INVALID, "a path that could be read in two ways");
	path = without_version(path);
	for (size_t i = 0; i < LG_COUNT(routes); i++)
		if (same_method(routes[i].method, method) && fits(routes[i].path, path, &ret->name)) {
			ret->route = &routes[i];
			return LG_OK;
		}
	return lg_fail(cx, LG_E_UNSUPPORTED, "%.*s %.*s is in no list of what may be asked", LG_FMT(method), LG_FMT(path));
}
