/* docker_engine.c: what the engine knows under a name: the agent asks it as anybody would, and its plugin lets the agent through. */
#include "agent/docker_body.h"
#include "agent/docker_own.h"
#include "base/text.h"
#include "client/api.h"

#define API	"/v1.40"	/* what every engine since 19.03 speaks */

static lg_err
ask(struct lg_ctx *cx, struct lg_docker *d, lg_str uri, lg_str *ret)
{
	struct lg_pass pass = { .self = true, .method = LG_STR("GET"), .uri = uri };
	struct lg_reply answer;

	lg_pass_add(&d->passes, &pass);
	struct lg_call call = { .method = "GET", .path = uri, .time = LG_DOCKER_TIME / 3,
		.headers = { { LG_PASS_HEADER, lg_str_of(pass.token) } } };
	lg_err e = lg_link_call(cx, d->engine, &call, &answer);
	lg_pass_remove(&d->passes, &pass);
	LG_TRY(e);
	if (answer.status == 404)
		return lg_fail(cx, LG_E_NOT_FOUND, "the engine knows nothing of that name");
	if (answer.status != 200)
		return lg_fail(cx, LG_E_UNAVAILABLE, "the engine answered %d", answer.status);
	*ret = answer.body;
	return LG_OK;
}

static bool
is_hex(lg_str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (lg_hex_digit(s.p[i]) < 0)
			return false;
	return true;
}

/*
 * Names may be made of an id's digits.  One that is also how another container's id begins leads there as soon as its bearer is renamed or
 * removed, which may be between the decision and the deed: then the id must be said.
 */
static lg_err
check_meant(struct lg_ctx *cx, struct lg_docker *d, lg_str name, lg_str id)
{
	lg_str list;

	if (lg_str_starts(id, name) || !is_hex(name))
		return LG_OK;
	LG_TRY(ask(cx, d, lg_print(cx->arena, API "/containers/json?all=1&filters=%%7B%%22id%%22:%%5B%%22%.*s%%22%%5D%%7D", LG_FMT(name)), &list));
	if (!lg_str_eq(lg_str_trim(list), LG_STR("[]")))
		return lg_fail(cx, LG_E_DENIED, "\"%.*s\" is also how another container's id begins: say the id", LG_FMT(name));
	return LG_OK;
}

/* The workload: the label it was created with, else its name. */
lg_err
lg_docker_inspect(struct lg_ctx *cx, struct lg_docker *d, lg_str name, struct lg_docker_container *ret)
{
	lg_str json;

	LG_TRY(ask(cx, d, lg_print(cx->arena, API "/containers/%.*s/json", LG_FMT(name)), &json));
	lg_str config = lg_api_raw(cx, json, "Config"), labels = lg_api_raw(cx, config, "Labels");
	*ret = (struct lg_docker_container){
		.id = lg_api_member(cx, json, "Id"), .image = lg_docker_familiar(lg_api_member(cx, config, "Image")),
		.workload = lg_api_member(cx, labels, LG_DOCKER_LABEL_WORKLOAD), .project = lg_api_member(cx, labels, LG_DOCKER_LABEL_PROJECT),
	};
	if (ret->workload.n == 0) {
		lg_str called = lg_api_member(cx, json, "Name");
		ret->workload = lg_str_starts(called, LG_STR("/")) ? lg_str_sub(called, 1, called.n) : called;
	}
	if (ret->id.n == 0 || ret->workload.n == 0)
		return lg_fail(cx, LG_E_UNAVAILABLE, "the engine does not say which container that is");
	LG_TRY(check_meant(cx, d, name, ret->id));
	/* What it was admitted as counts more than what it is called now. */
	lg_err e = lg_door_admitted(cx, d->door, ret->id, &ret->workload);
	return e == LG_E_NOT_FOUND ? LG_OK : e;
}

lg_err
lg_docker_network(struct lg_ctx *cx, struct lg_docker *d, lg_str name, lg_str *ret)
{
	lg_str json;

	LG_TRY(ask(cx, d, lg_print(cx->arena, API "/networks/%.*s", LG_FMT(name)), &json));
	*ret = lg_api_member(cx, json, "Name");
	return ret->n > 0 ? LG_OK : lg_fail(cx, LG_E_UNAVAILABLE, "the engine does not say which network that is");
}
