/* api_admissions.c: what agents ask: may this container start, start again; it has ended. */
#include "base/clock.h"
#include "base/text.h"
#include "server/admissions.h"
#include "server/api_identity.h"
#include "server/app_own.h"
#include "server/bundle.h"
#include "server/heads.h"
#include "server/point.h"
#include "server/whereabouts.h"

struct start {
	struct lg_app *app;
	struct lg_caller host;
	lg_str ticket_text, container, workload, project, bundle, facts_json;
	struct lg_fact facts;
	struct lg_ticket ticket;	/* without one: of the host itself, and with no jti */
	struct lg_evaluation asked;
	struct lg_access access;
	struct lg_admission admission;
};

/* ---- who asks ---------------------------------------------------------------------------------------------------- */

static lg_err
find_host(struct lg_app *app, struct lg_http *ex, struct lg_caller *ret)
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;

	LG_TRY(lg_view_begin(ex->cx, app->store, &v));
	return lg_caller_host(app, ex, v, ret);
}

/* ---- a first start ------------------------------------------------------------------------------------------------- */

static lg_err
read_start(struct lg_http *ex, struct start *st)
{
	struct lg_json js;
	lg_str name;

	lg_json_init(&js, ex->cx->arena, ex->body);
	lg_json_object(&js);
	while (lg_json_member(&js, &name)) {
		if (lg_str_eq(name, LG_STR("ticket")))
			st->ticket_text = lg_json_str(&js);
		else if (lg_str_eq(name, LG_STR("container")))
			st->container = lg_json_str(&js);
		else if (lg_str_eq(name, LG_STR("workload")))
			st->workload = lg_json_str(&js);
		else if (lg_str_eq(name, LG_STR("project")))
			st->project = lg_json_str(&js);
		else if (lg_str_eq(name, LG_STR("bundle_sha256")))
			st->bundle = lg_json_str(&js);
		else if (lg_str_eq(name, LG_STR("container_facts")))
			st->facts_json = lg_json_raw(&js);
		else
			lg_json_skip(&js);
	}
	LG_TRY(lg_json_end(ex->cx, &js));
	LG_TRY(lg_container_id_check(ex->cx, st->container));
	LG_TRY(lg_container_id_check(ex->cx, st->workload));
	if (st->bundle.n != 64)
		return lg_fail(ex->cx, LG_E_INVALID, "bundle_sha256 must be 64 hexadecimal digits");
	return lg_container_facts(ex->cx, st->facts_json, &st->facts);
}

static void
deny_by(struct start *st, const char *reason)
{
	st->access.verdict = (struct lg_verdict){ .permit = false, .reason = lg_str_of(reason) };
}

/* Without a ticket the host asks for itself, as for what a cluster's scheduler put there; a bad ticket is refused, and says why. */
static lg_err
read_ticket(struct lg_ctx *cx, struct start *st)
{
	if (st->ticket_text.n == 0) {
		st->ticket = (struct lg_ticket){ .subject = st->host.entity.id, .subject_type = st->host.entity.type, .workload = st->workload,
			.project = st->project };
		return LG_OK;
	}
	LG_TRY(lg_ticket_check(cx, st->host.tenant, st->ticket_text, st->host.entity.id, &st->ticket));
	if (!lg_str_eq(st->ticket.workload, st->workload))
		return lg_fail(cx, LG_E_DENIED, "the ticket is for workload %.*s", LG_FMT(st->ticket.workload));
	return LG_OK;
}

static lg_err
decide(struct lg_ctx *cx, struct lg_view *v, struct start *st, const char *action, lg_uuid requester)
{
	struct lg_access *ac = &st->access;

	*ac = (struct lg_access){ .proof = lg_uuid_eq(requester, st->host.entity.id) ? "self" : "ticket" };
	LG_TRY(lg_admission_question(cx, v, st->host.tenant->id, &st->asked, requester, action, ac));
	lg_access_fact(&ac->question, lg_fact_str("subject_proof", lg_str_of(ac->proof)));
	lg_access_fact(&ac->question, st->facts);
	return lg_point_ask(st->app->point, cx, v, &ac->question, &ac->verdict);
}

static void
make_admission(struct lg_view *v, struct start *st)
{
	st->admission = (struct lg_admission){
		.id = lg_uuid_new(), .host = st->host.entity.id, .requester = st->ticket.subject,
		.entry = st->access.question.resource.id, .parent = st->access.question.parent.id, .container = st->container, .requester_type = st->ticket.subject_type, .workload = st->workload,
		.project = st->ticket.project, .image = st->ticket.image, .bundle = st->bundle,
		.time = lg_view_time(v), .revision = st->access.verdict.revision,
	};
}

/* Who is behind the container, for whoever looks for it by its id. */
static lg_str
admission_detail(struct lg_ctx *cx, const struct start *st)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(4096);
	const struct lg_entity_id *who = &st->access.question.principal;
	struct lg_jsonw w = lg_jsonw_of(&b);

	lg_jsonw_object(&w);
	lg_jsonw_str_of(&w, "workload", st->workload);
	lg_jsonw_str_of(&w, "requester", lg_print(cx->arena, "%.*s/%.*s", LG_FMT(who->type), LG_FMT(who->name)));
	lg_jsonw_str_of(&w, "policy", st->access.verdict.policy);
	lg_jsonw_object_end(&w);
	return b.full ? LG_NONE : lg_dup(cx->arena, lg_buf_view(&b));
}

/* Redeeming, deciding and admitting are one change: none of them exists without the others. */
static lg_err
admit(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	struct start *st = arg;

	LG_TRY(decide(cx, v, st, "container:start", st->ticket.subject));
	if (!st->access.verdict.permit) {
		if (st->ticket_text.n == 0 && st->access.verdict.policy.n == 0)
			st->access.verdict.reason = LG_STR("the container carries no ticket, and no policy lets its host start it");
		return LG_OK;
	}
	if (st->ticket_text.n > 0)
		LG_TRY(lg_ticket_redeem(cx, v, st->host.tenant->id, &st->ticket));
	make_admission(v, st);
	LG_TRY(lg_admission_put(cx, v, st->host.tenant->id, &st->admission));
	lg_audit(v, st->container, admission_detail(cx, st));
	return LG_OK;
}

/* ---- the record and the answer ---------------------------------------------------------------------------------------- */

static lg_err
record(struct lg_http *ex, struct start *st)
{
	struct lg_access *ac = &st->access;
	struct lg_question *q = &ac->question;

	if (ac->id[0] == '\0')
		lg_uuid_text(lg_uuid_new(), ac->id);
	q->container = st->container;
	if (q->resource.name.n == 0)
		q->resource = (struct lg_entity_id){ LG_STR("Workload"), { { 0 } }, st->workload };
	if (q->principal.type.n == 0)
		q->principal = st->host.entity;
	return lg_access_log(ex->cx, st->app->segments, ac);
}

static lg_err
answer(struct lg_http *ex, struct start *st)
{
	struct lg_jsonw w = lg_jsonw_of(&ex->out);

	LG_TRY(record(ex, st));
	lg_http_type(ex, "application/json");
	lg_access_write(&w, &st->access, LG_NONE);
	return LG_OK;
}

/* A refusal that is the door's verdict, not a fault: it is recorded and told as a deny. */
static bool
is_verdict(lg_err e)
{
	return e == LG_E_DENIED || e == LG_E_UNAUTHENTICATED || e == LG_E_EXPIRED || e == LG_E_NOT_FOUND;
}

static lg_err
settle(struct lg_http *ex, struct start *st, lg_err e, const char *action)
{
	if (e != LG_OK && !is_verdict(e))
		return e;
	st->access.question.tenant = st->host.tenant->id;
	st->access.question.action = action;
	if (st->access.proof == NULL)
		st->access.proof = "ticket";
	if (e != LG_OK)
		deny_by(st, lg_dup(ex->cx->arena, lg_str_of(ex->cx->error)).p);
	return answer(ex, st);
}

static lg_err
start(void *self, struct lg_http *ex)
{
	struct start *st = LG_NEW(ex->cx->arena, struct start);

	st->app = self;
	LG_TRY(find_host(st->app, ex, &st->host));
	LG_TRY(read_start(ex, st));
	lg_err e = read_ticket(ex->cx, st);
	if (e == LG_OK) {
		st->asked = (struct lg_evaluation){
			.resource_type = LG_STR("Workload"), .resource_id = st->workload, .project = st->ticket.project,
			.image = st->ticket.image, .host = st->host.entity.name, .action = LG_STR("container:start"),
		};
		e = lg_store_apply(ex->cx, st->app->store, st->host.tenant->id, "container.admit", admit, st, NULL);
	}
	return settle(ex, st, e, "container:start");
}

/* ---- a later start; the end ----------------------------------------------------------------------------------------------- */

static lg_err
again(struct lg_ctx *cx, struct start *st, const char *action)
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;
	struct lg_admission *ad = &st->admission;

	LG_TRY(lg_view_begin(cx, st->app->store, &v));
	lg_err e = lg_admission_get(cx, v, st->host.tenant->id, st->host.entity.id, st->container, ad);
	if (e == LG_E_NOT_FOUND || (e == LG_OK && ad->ended != 0))
		return lg_fail(cx, LG_E_DENIED, "the container has no admission on this host");
	LG_TRY(e);
	LG_TRY(lg_admission_names(cx, v, st->host.tenant->id, ad));
	st->workload = ad->workload;
	st->asked = (struct lg_evaluation){
		.resource_type = LG_STR("Workload"), .resource_id = ad->workload, .project = ad->project, .image = ad->image,
		.host = st->host.entity.name, .action = lg_str_of(action),
	};
	return decide(cx, v, st, action, ad->requester);
}

/* A later start, or a process that somebody wants to run in it. */
static lg_err
go_on(struct lg_http *ex, struct start *st, const char *action)
{
	lg_str name;
	struct lg_json js;

	lg_json_init(&js, ex->cx->arena, ex->body);
	lg_json_object(&js);
	while (lg_json_member(&js, &name)) {
		if (lg_str_eq(name, LG_STR("container_facts")))
			st->facts_json = lg_json_raw(&js);
		else
			lg_json_skip(&js);
	}
	LG_TRY(lg_json_end(ex->cx, &js));
	LG_TRY(lg_container_facts(ex->cx, st->facts_json, &st->facts));
	st->workload = st->container;
	return settle(ex, st, again(ex->cx, st, action), action);
}

static lg_err
end_admission(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	struct start *st = arg;

	LG_TRY(lg_admission_get(cx, v, st->host.tenant->id, st->host.entity.id, st->container, &st->admission));
	if (st->admission.ended != 0)
		return LG_OK;
	st->admission.ended = lg_view_time(v);
	lg_audit(v, st->container, LG_NONE);
	LG_TRY(lg_whereabouts_forget(cx, v, st->host.tenant->id, st->host.entity.id, st->container));
	return lg_admission_put(cx, v, st->host.tenant->id, &st->admission);
}

static lg_err
end(struct lg_http *ex, struct start *st)
{
	lg_err e = lg_store_apply(ex->cx, st->app->store, st->host.tenant->id, "container.end", end_admission, st, NULL);

	if (e == LG_E_NOT_FOUND)
		return lg_fail(ex->cx, e, "the container has no admission on this host");
	if (e == LG_OK)
		ex->status = 204;
	return e;
}

static lg_err
later(void *self, struct lg_http *ex)
{
	struct start *st = LG_NEW(ex->cx->arena, struct start);
	lg_str verb;

	st->app = self;
	LG_TRY(find_host(st->app, ex, &st->host));
	(void)lg_str_cut(ex->tail, '/', &st->container, &verb);
	LG_TRY(lg_container_id_check(ex->cx, st->container));
	if (lg_str_eq(verb, LG_STR("restart")))
		return go_on(ex, st, "container:restart");
	if (lg_str_eq(verb, LG_STR("exec")))
		return go_on(ex, st, "container:exec");
	if (lg_str_eq(verb, LG_STR("end")))
		return end(ex, st);
	if (lg_str_eq(verb, LG_STR("certificate")))
		return lg_api_workload_certificate(st->app, ex, &st->host, st->container);
	if (lg_str_eq(verb, LG_STR("token")))
		return lg_api_workload_token(st->app, ex, &st->host, st->container);
	if (lg_str_eq(verb, LG_STR("stray"))) {
		st->workload = st->container;
		return settle(ex, st, lg_fail(ex->cx, LG_E_DENIED, "the container runs without an admission"), "container:start");
	}
	return lg_fail(ex->cx, LG_E_NOT_FOUND, "an admission can be asked to restart, to be entered, to end, and for a certificate or a token");
}

/* What an agent needs to check tickets by itself. */
static lg_err
agent_keys(void *self, struct lg_http *ex)
{
	struct lg_app *app = self;
	struct lg_caller host;
	struct lg_jsonw w = lg_jsonw_of(&ex->out);
	lg_str audit;

	LG_TRY(find_host(app, ex, &host));
	LG_TRY(lg_heads_keys(ex->cx, app, &audit));
	lg_http_type(ex, "application/json");
	lg_jsonw_object(&w);
	lg_jsonw_str_of(&w, "issuer", host.tenant->sts.issuer);
	lg_jsonw_uuid_of(&w, "host", host.entity.id);
	lg_jsonw_name(&w, LG_STR("ticket_keys"));
	lg_keyset_jwks(host.tenant->tickets, &ex->out);
	w.comma = true;
	lg_jsonw_name(&w, LG_STR("bundle_keys"));
	lg_keyset_jwks(host.tenant->bundles, &ex->out);
	w.comma = true;
	lg_jsonw_name(&w, LG_STR("audit_keys"));
	lg_jsonw_raw(&w, audit);
	lg_jsonw_str_of(&w, "stream", lg_bundle_stream(ex->cx->arena, app, host.tenant));
	lg_jsonw_int_of(&w, "max_stale", app->settings->max_stale / LG_SECOND);
	lg_jsonw_str_of(&w, "root", lg_pem(ex->cx->arena, LG_STR("CERTIFICATE"), host.tenant->root));
	lg_jsonw_str_of(&w, "time", lg_time_text(ex->cx->arena, ex->cx->now));
	lg_jsonw_object_end(&w);
	return LG_OK;
}

const struct lg_route lg_api_admission_routes[] = {
	{ "POST", "/v1/admissions", LG_SURFACE_MTLS, LG_ON_WORKER, 1u << 20, start },
	{ "POST", "/v1/admissions/*", LG_SURFACE_MTLS, LG_ON_WORKER, 1u << 20, later },
	{ "GET", "/v1/agent/keys", LG_SURFACE_MTLS, LG_ON_WORKER, 0, agent_keys },
};
const size_t lg_api_admission_nroutes = LG_COUNT(lg_api_admission_routes);
