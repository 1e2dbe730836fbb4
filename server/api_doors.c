/*
 * api_doors.c: what a host asks for somebody whom its own door has seen: the user at the other end of a UNIX socket, or the holder
 * of a client certificate.  The host says who knocked; who that is in the directory, and what they may do there, is said here.
 */
#include "base/text.h"
#include "server/admissions.h"
#include "server/app_own.h"
#include "server/pending.h"
#include "server/point.h"

struct knock {
	struct lg_app *app;
	struct lg_http *ex;
	struct lg_caller host;
	int64_t uid;			/* -1: a certificate was shown */
	lg_str certificate;		/* DER */
	lg_str called;			/* by a runtime: a container's id; empty: none was named */
	struct lg_evaluation asked;
	struct lg_fact container;
	bool has_container;
	struct lg_access access;
	lg_str ticket;
};

/* ---- reading --------------------------------------------------------------------------------------------------- */

static void
read_caller(struct lg_ctx *cx, struct lg_json *js, struct knock *k)
{
	lg_str name;

	lg_json_object(js);
	while (lg_json_member(js, &name)) {
		if (lg_str_eq(name, LG_STR("uid")))
			k->uid = lg_json_int(js);
		else if (!lg_str_eq(name, LG_STR("certificate")))
			lg_json_skip(js);
		else if (!lg_base64_parse(cx->arena, lg_json_str(js), &k->certificate))
			lg_json_fault(js, "the certificate is not base64");
	}
}

static lg_err
read_knock(struct lg_http *ex, struct knock *k)
{
	struct lg_ctx *cx = ex->cx;
	lg_str name, facts = LG_NONE;
	struct lg_json js;

	k->uid = -1;
	lg_json_init(&js, cx->arena, ex->body);
	lg_json_object(&js);
	while (lg_json_member(&js, &name)) {
		if (lg_str_eq(name, LG_STR("caller")))
			read_caller(cx, &js, k);
		else if (lg_str_eq(name, LG_STR("container")))
			k->called = lg_json_str(&js);
		else if (lg_str_eq(name, LG_STR("container_facts")))
			facts = lg_json_raw(&js);
		else if (lg_str_eq(name, LG_STR("subject")) || !lg_evaluation_member(cx, &js, name, &k->asked))
			lg_json_skip(&js);
	}
	LG_TRY(lg_json_end(cx, &js));
	if (k->called.n > 0)
		LG_TRY(lg_container_id_check(cx, k->called));
	if ((k->uid < 0) == (k->certificate.n == 0))
		return lg_fail(cx, LG_E_INVALID, "caller must have a uid or a certificate");
	if (facts.n == 0)
		return LG_OK;
	k->has_container = true;
	return lg_container_facts(cx, facts, &k->container);
}

/* ---- who knocked ------------------------------------------------------------------------------------------------ */

/* uid 0 of a host is the host, never an administrator. */
static lg_err
by_uid(struct lg_ctx *cx, struct lg_view *v, struct knock *k, struct lg_entity_id *ret)
{
	struct lg_entry e;

	if (k->uid == 0) {
		*ret = k->host.entity;
		return LG_OK;
	}
	lg_err err = lg_entry_by_uid_number(cx, v, k->host.tenant->id, k->uid, &e);
	if (err == LG_E_NOT_FOUND)
		return lg_fail(cx, LG_E_DENIED, "nobody in the directory has the uidNumber %lld", (long long)k->uid);
	LG_TRY(err);
	*ret = lg_entry_entity(&e);
	return LG_OK;
}

static lg_err
by_certificate(struct lg_ctx *cx, struct lg_view *v, struct knock *k, struct lg_entity_id *ret)
{
	struct lg_certs_peer peer;
	lg_err e = lg_certs_peer(cx, k->app->certs, v, k->certificate, &peer);

	if (e == LG_E_UNAUTHENTICATED || e == LG_E_EXPIRED)
		return lg_fail(cx, LG_E_DENIED, "the client's certificate is not accepted: %s", lg_dup(cx->arena, lg_str_of(cx->error)).p);
	LG_TRY(e);
	if (peer.tenant != k->host.tenant->id)
		return lg_fail(cx, LG_E_DENIED, "the client's certificate belongs to another tenant");
	*ret = (struct lg_entity_id){ peer.type, peer.id, peer.name };
	return LG_OK;
}

/* ---- deciding ------------------------------------------------------------------------------------------------------ */

/* Nobody we know: a deny like any other, on the record with the host that asked. */
static void
turn_away(struct lg_ctx *cx, struct knock *k)
{
	struct lg_question *q = &k->access.question;

	k->access = (struct lg_access){ .proof = "door" };
	lg_uuid_text(lg_uuid_new(), k->access.id);
	q->tenant = k->host.tenant->id;
	q->principal = k->host.entity;
	q->action = lg_dup(cx->arena, k->asked.action).p;
	q->resource = (struct lg_entity_id){ k->asked.resource_type, { { 0 } }, k->asked.resource_id };
	k->access.verdict = (struct lg_verdict){ .permit = false, .reason = lg_dup(cx->arena, lg_str_of(cx->error)) };
}

static lg_err
decide(struct lg_view *v, struct knock *k)
{
	struct lg_ctx *cx = k->ex->cx;
	struct lg_entity_id subject;

	lg_err e = k->certificate.n > 0 ? by_certificate(cx, v, k, &subject) : by_uid(cx, v, k, &subject);
	if (e == LG_E_DENIED) {
		turn_away(cx, k);
		return LG_OK;
	}
	LG_TRY(e);
	k->asked.host = k->host.entity.name;	/* there, and nowhere else */
	return lg_access_decide_for(k->app, k->ex, v, &k->host, &k->asked, &(struct lg_recognised){
	    .subject = subject, .proof = "door", .fact = k->has_container ? &k->container : NULL }, &k->access);
}

static void
answer(struct lg_pending *p, void *arg)
{
	struct knock *k = arg;
	struct lg_jsonw w = lg_jsonw_of(&k->ex->out);

	if (lg_pending_error(p) != LG_OK) {
		lg_problem(k->ex, lg_pending_error(p));
		return;
	}
	lg_http_type(k->ex, "application/json");
	lg_access_write(&w, &k->access, k->ticket);
}

static lg_err
door(void *self, struct lg_http *ex)
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;
	struct knock *k = LG_NEW(ex->cx->arena, struct knock);

	k->app = self;
	k->ex = ex;
	LG_TRY(lg_view_begin(ex->cx, k->app->store, &v));
	LG_TRY(lg_caller_host(k->app, ex, v, &k->host));
	LG_TRY(read_knock(ex, k));
	LG_TRY(decide(v, k));
	k->access.question.container = k->called;
	struct lg_pending *p = lg_pending_new(k->app, ex, answer, k);
	lg_pending_add(p, &k->access, &k->host, &k->ticket);
	return lg_pending_seal(p);
}

const struct lg_route lg_api_door_routes[] = {
	{ "POST", "/v1/doors", LG_SURFACE_MTLS, LG_ON_LOOP, 1u << 20, door },
};
const size_t lg_api_door_nroutes = LG_COUNT(lg_api_door_routes);
