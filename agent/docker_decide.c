/* docker_decide.c: one request to the engine, as a question to the service. */
#include <stdio.h>

#include "agent/docker_body.h"
#include "agent/docker_own.h"
#include "agent/docker_route.h"
#include "agent/upstream.h"
#include "base/clock.h"
#include "base/http.h"
#include "client/api.h"

struct deciding {
	struct lg_ctx *cx;
	struct lg_docker *d;
	const struct lg_docker_request *rq;
	struct lg_docker_match at;
	struct lg_upstream *up;
	int64_t until;
	struct lg_docker_body body;
	struct lg_docker_container container;
	lg_str ticket;
};

/* ---- the question --------------------------------------------------------------------------------------------- */

static lg_err
knock(struct deciding *k, struct lg_knock *q)
{
	int64_t left = k->until - lg_boottime();
	struct lg_verdict_of vd;

	q->uid = k->rq->who.uid;
	q->certificate = k->rq->who.certificate;
	LG_TRY(lg_upstream_knock(k->cx, k->up, q, left > LG_SECOND / 100 ? left : LG_SECOND / 100, &vd));
	if (!vd.permit)
		return lg_fail(k->cx, LG_E_DENIED, "%.*s", LG_FMT(vd.reason.n > 0 ? vd.reason : LG_STR("denied by policy")));
	k->ticket = vd.ticket;
	return LG_OK;
}

static lg_err
knock_engine(struct deciding *k, const char *action, const struct lg_oci *facts)
{
	return knock(k, &(struct lg_knock){ .action = action, .type = "Host", .id = k->up->id.host_name, .facts = facts });
}

static lg_err
knock_container(struct deciding *k, const char *action, const struct lg_oci *facts)
{
	const struct lg_docker_container *c = &k->container;

	return knock(k, &(struct lg_knock){ .action = action, .type = "Workload", .id = c->workload, .project = c->project,
	    .image = c->image, .container = c->id, .facts = facts });
}

/* A parameter of the query; one that is there twice is refused: the engine takes the first. */
static lg_err
parameter(struct deciding *k, const char *name, lg_str *ret)
{
	struct lg_form form;

	LG_TRY(lg_form_parse(k->cx, k->at.query, &form));
	*ret = lg_form_get(&form, name);
	return LG_OK;
}

/* One that a decision hangs on.  A body that is not shown may be a form, whose fields the engine takes before the query's. */
static lg_err
sure_parameter(struct deciding *k, const char *name, lg_str *ret)
{
	if (k->rq->hidden)
		return lg_fail(k->cx, LG_E_DENIED, "a body that cannot be seen could bring other parameters: send none, and say so (Content-Length: 0)");
	return parameter(k, name, ret);
}

/* ---- one function a kind of route --------------------------------------------------------------------------------- */

static lg_err
decide_open(struct deciding *k)
{
	(void)k;
	return LG_OK;
}

static lg_err
decide_engine(struct deciding *k)
{
	return knock_engine(k, k->at.route->action, NULL);
}

/* Whoever may not attach to a network gets no container that is in it.  The one that needs no name needs no right of its own. */
static lg_err
decide_networks(struct deciding *k)
{
	struct lg_oci_list *l = &k->body.facts.networks;

	if (l->n > LG_DOCKER_NETWORKS)
		return lg_fail(k->cx, LG_E_LIMIT, "a container is created in at most %d networks", LG_DOCKER_NETWORKS);
	for (size_t i = 0; i < l->n; i++) {
		if (lg_str_eq(l->v[i], LG_STR(LG_DOCKER_NETWORK_USUAL)))
			continue;
		if (!lg_docker_name_valid(l->v[i]))
			return lg_fail(k->cx, LG_E_INVALID, "\"%.*s\" is no network's name", LG_FMT(l->v[i]));
		LG_TRY(lg_docker_network(k->cx, k->d, l->v[i], &l->v[i]));
		if (!lg_str_eq(l->v[i], LG_STR(LG_DOCKER_NETWORK_USUAL)))
			LG_TRY(knock(k, &(struct lg_knock){ .action = "network:attach", .type = "Network", .id = l->v[i] }));
	}
	return LG_OK;
}

static lg_err
decide_create(struct deciding *k)
{
	struct lg_docker_body *b = &k->body;
	lg_str name;

	LG_TRY(lg_docker_read_create(k->cx, k->rq->body, b));
	LG_TRY(parameter(k, "name", &name));
	if (b->runtime.n > 0 && !lg_str_eq(b->runtime, LG_STR("lightgate-runc")))
		return lg_fail(k->cx, LG_E_DENIED, "the runtime %.*s does not ask before it starts a container", LG_FMT(b->runtime));
	k->container = (struct lg_docker_container){ .workload = b->workload.n > 0 ? b->workload : name, .project = b->project,
		.image = b->image };
	if (k->container.workload.n == 0)
		return lg_fail(k->cx, LG_E_INVALID, "say which workload it is: --label " LG_DOCKER_LABEL_WORKLOAD "=NAME, or --name NAME");
	LG_TRY(decide_networks(k));
	return knock_container(k, "container:create", &b->facts);
}

static lg_err
decide_container(struct deciding *k)
{
	LG_TRY(lg_docker_inspect(k->cx, k->d, k->at.name, &k->container));
	return knock_container(k, k->at.route->action, NULL);
}

/*
 * What was never admitted here is created by whoever starts it first: the ticket is for them, and the hook redeems it.
 * Later starts the hook asks about with the one who was admitted; whoever presses the button is asked about too.
 */
static lg_err
decide_start(struct deciding *k)
{
	lg_str workload, checkpoint;

	LG_TRY(sure_parameter(k, "checkpoint", &checkpoint));
	if (checkpoint.n > 0)
		return lg_fail(k->cx, LG_E_DENIED, "checkpoints are not taken: what a restored process may do stands in its image, which nobody reads here");
	LG_TRY(lg_docker_inspect(k->cx, k->d, k->at.name, &k->container));
	if (lg_door_admitted(k->cx, k->d->door, k->container.id, &workload) == LG_OK)
		return knock_container(k, k->at.route->action, NULL);
	LG_TRY(knock_container(k, "container:create", NULL));
	if (k->ticket.n > 0)
		lg_door_expect(k->d->door, k->container.id, k->container.workload, k->ticket);
	return LG_OK;
}

static lg_err
decide_exec(struct deciding *k)
{
	LG_TRY(lg_docker_read_exec(k->cx, k->rq->body, &k->body));
	LG_TRY(lg_docker_inspect(k->cx, k->d, k->at.name, &k->container));
	return knock_container(k, k->at.route->action, &k->body.facts);
}

static lg_err
decide_commit(struct deciding *k)
{
	lg_str name;

	LG_TRY(sure_parameter(k, "container", &name));
	if (!lg_docker_name_valid(name))
		return lg_fail(k->cx, LG_E_INVALID, "no container is named");
	LG_TRY(lg_docker_inspect(k->cx, k->d, name, &k->container));
	return knock_container(k, k->at.route->action, NULL);
}

/* The parameter `tag` is a part of its name; without one the engine takes all that the name has. */
static lg_err
knock_image(struct deciding *k, lg_str name)
{
	lg_str tag;

	LG_TRY(sure_parameter(k, "tag", &tag));
	if (tag.n > 0)
		name = lg_print(k->cx->arena, "%.*s%c%.*s", LG_FMT(name), lg_str_starts(tag, LG_STR("sha256:")) ? '@' : ':', LG_FMT(tag));
	return knock(k, &(struct lg_knock){ .action = k->at.route->action, .type = "Image", .id = lg_docker_familiar(name) });
}

/* fromSrc brings a file system of the caller's: that is building. */
static lg_err
decide_pull(struct deciding *k)
{
	lg_str name;

	LG_TRY(parameter(k, "fromImage", &name));
	return name.n > 0 ? knock_image(k, name) : knock_engine(k, "image:build", NULL);
}

static lg_err
decide_image(struct deciding *k)
{
	return knock_image(k, k->at.name);
}

/*
 * BuildKit (version 2) runs its steps by itself, past the door below, in the host's network if it is asked to.  A caller over TLS can name it in a
 * form that the engine does not show (the front lets no such thing through).
 */
static lg_err
decide_build(struct deciding *k)
{
	lg_str version;

	LG_TRY(parameter(k, "version", &version));
	bool classic = k->rq->who.certificate.n == 0 && (version.n == 0 || lg_str_eq(version, LG_STR("1")));
	return knock_engine(k, classic ? k->at.route->action : "engine:administer", NULL);
}

/* Both ends: the network, and the container that is to be in it. */
static lg_err
decide_network(struct deciding *k)
{
	lg_str network;

	LG_TRY(lg_docker_read_network(k->cx, k->rq->body, &k->body));
	if (!lg_docker_name_valid(k->body.container))
		return lg_fail(k->cx, LG_E_INVALID, "no container is named");
	LG_TRY(lg_docker_network(k->cx, k->d, k->at.name, &network));
	LG_TRY(lg_docker_inspect(k->cx, k->d, k->body.container, &k->container));
	LG_TRY(knock_container(k, "container:update", NULL));
	return knock(k, &(struct lg_knock){ .action = k->at.route->action, .type = "Network", .id = network });
}

static lg_err
decide_volume(struct deciding *k)
{
	LG_TRY(lg_docker_read_volume(k->cx, k->rq->body, &k->body));
	return knock_engine(k, k->at.route->action, &k->body.facts);
}

/* ---- programs in containers ------------------------------------------------------------------------------------------ */

static lg_sha256
caller_digest(const struct lg_docker_caller *who)
{
	char uid[32];

	if (who->certificate.n > 0)
		return lg_sha256_of(who->certificate);
	snprintf(uid, sizeof uid, "uid=%lld", (long long)who->uid);
	return lg_sha256_of(lg_str_of(uid));
}

static lg_err
decide_exec_use(struct deciding *k)
{
	struct lg_docker *d = k->d;
	lg_sha256 who = caller_digest(&k->rq->who);
	bool found = false;

	pthread_mutex_lock(&d->lock);
	for (size_t i = 0; i < LG_DOCKER_EXECS && i < d->nexecs && !found; i++)
		found = lg_str_eq(lg_str_of(d->execs[i].id), k->at.name) && memcmp(&d->execs[i].caller, &who, sizeof who) == 0;
	pthread_mutex_unlock(&d->lock);
	return found ? LG_OK : lg_fail(k->cx, LG_E_DENIED, "the program was not asked for by the one who wants it now");
}

void
lg_docker_made(struct lg_ctx *cx, struct lg_docker *d, const struct lg_docker_request *rq, lg_str answer)
{
	struct lg_docker_match at;
	lg_str id = lg_api_member(cx, answer, "Id");

	if (lg_docker_match(cx, rq->method, rq->uri, &at) != LG_OK || at.route->kind != LG_DOCKER_EXEC || id.n == 0 || id.n > LG_EXEC_ID)
		return;
	pthread_mutex_lock(&d->lock);
	struct lg_exec *x = &d->execs[d->nexecs++ % LG_DOCKER_EXECS];
	snprintf(x->id, sizeof x->id, "%.*s", LG_FMT(id));
	x->caller = caller_digest(&rq->who);
	pthread_mutex_unlock(&d->lock);
}

/* ---- the decision ------------------------------------------------------------------------------------------------------- */

static lg_err (*const deciders[])(struct deciding *) = {
	[LG_DOCKER_OPEN] = decide_open, [LG_DOCKER_ENGINE] = decide_engine, [LG_DOCKER_CREATE] = decide_create,
	[LG_DOCKER_CONTAINER] = decide_container, [LG_DOCKER_START] = decide_start, [LG_DOCKER_EXEC] = decide_exec,
	[LG_DOCKER_EXEC_USE] = decide_exec_use, [LG_DOCKER_COMMIT] = decide_commit, [LG_DOCKER_PULL] = decide_pull,
	[LG_DOCKER_IMAGE] = decide_image, [LG_DOCKER_NETWORK] = decide_network, [LG_DOCKER_VOLUME] = decide_volume,
	[LG_DOCKER_BUILD] = decide_build,
};

/* The agent asks the engine for what lg_docker_inspect and lg_docker_network need; its passes name those requests alone. */
static lg_err
check_request(struct deciding *k)
{
	const struct lg_docker_request *rq = k->rq;

	LG_TRY(lg_docker_match(k->cx, rq->method, rq->uri, &k->at));
	if (k->at.route->kind != LG_DOCKER_OPEN && !rq->who.known)
		return lg_fail(k->cx, LG_E_UNAUTHENTICATED, "the engine does not say who asks: use the agent's socket, or TLS with a client certificate");
	if (lg_docker_is_form(rq->type))
		return lg_fail(k->cx, LG_E_INVALID, "forms are not taken");	/* its fields would be taken for parameters of the query */
	if (lg_docker_has_body(k->at.route->kind) && (rq->hidden || rq->body.n == 0))
		return lg_fail(k->cx, LG_E_DENIED, "a body that cannot be seen cannot be decided on: JSON of at most 1 MiB");
	return LG_OK;
}

lg_err
lg_docker_decide(struct lg_ctx *cx, struct lg_docker *d, const struct lg_docker_request *rq)
{
	struct deciding k = { .cx = cx, .d = d, .rq = rq, .until = lg_boottime() + LG_DOCKER_TIME };

	LG_TRY(check_request(&k));
	if (rq->who.self)
		return LG_OK;
	k.up = lg_door_upstream(d->door);
	lg_err e = deciders[k.at.route->kind](&k);
	lg_upstream_unref(&k.up);
	return e;
}
