/*
 * api_kubernetes.c: an API server's webhooks for its users: whose token is this (TokenReview), may they (SubjectAccessReview).
 *
 * The cluster is a service of the directory, known by its certificate or token; it asks about itself alone.  Who is no user of the
 * directory gets "no opinion", so that a cluster's own components are left to the next authorizer; a forbid is a "denied", which ends it.
 */
#include "base/json.h"
#include "server/api.h"
#include "server/kubernetes.h"
#include "server/pending.h"

static void
put_head(struct lg_jsonw *w, lg_str version, const char *kind)
{
	lg_jsonw_object(w);
	lg_jsonw_str_of(w, "apiVersion", version);
	lg_jsonw_str_of(w, "kind", lg_str_of(kind));
	lg_jsonw_name(w, LG_STR("status"));
	lg_jsonw_object(w);
}

static void
put_tail(struct lg_jsonw *w)
{
	lg_jsonw_object_end(w);
	lg_jsonw_object_end(w);
}

/* ---- TokenReview: authentication.k8s.io --------------------------------------------------------------------------------- */

struct token_review {
	struct lg_app *app;
	struct lg_http *ex;
	struct lg_caller cluster;
	lg_str version, token;
	lg_str audiences[LG_KUBE_AUDIENCES];
	size_t naudiences;
};

static void
read_token_spec(struct lg_json *js, void *arg)
{
	struct token_review *t = arg;
	lg_str name;

	lg_json_object(js);
	while (lg_json_member(js, &name)) {
		if (lg_str_eq(name, LG_STR("token"))) {
			t->token = lg_json_str(js);
		} else if (lg_str_eq(name, LG_STR("audiences")) && lg_json_peek(js) == LG_JSON_ARRAY) {
			lg_json_array(js);
			while (lg_json_item(js)) {
				lg_str audience = lg_json_str(js);
				if (t->naudiences == LG_KUBE_AUDIENCES)
					lg_json_fault(js, "too many audiences");
				else
					t->audiences[t->naudiences++] = audience;
			}
		} else {
			lg_json_skip(js);
		}
	}
}

static lg_err
read_token_review(struct token_review *t)
{
	return lg_kube_review_read(t->ex->cx, t->ex->body, &(struct lg_kube_review){ .kind = "TokenReview", .versions = "authentication.k8s.io/v1",
	    .member = "spec", .read = read_token_spec, .arg = t }, &t->version);
}

/* Those of the audiences that the token is for; without any, the cluster's own name. */
static lg_err
check_token(struct token_review *t, struct lg_view *v, struct lg_sts_bearer *ret)
{
	struct lg_ctx *cx = t->ex->cx;
	lg_err e = LG_E_UNAUTHENTICATED, one;
	size_t n = 0;

	if (t->naudiences == 0)
		return lg_sts_token_check(cx, t->app->sts, v, t->cluster.tenant->id, t->token, t->cluster.entity.name, LG_NONE, ret);
	for (size_t i = 0; i < t->naudiences; i++) {
		one = lg_sts_token_check(cx, t->app->sts, v, t->cluster.tenant->id, t->token, t->audiences[i], LG_NONE, ret);
		if (one == LG_OK)
			t->audiences[n++] = t->audiences[i];
		e = n > 0 ? LG_OK : one;
	}
	t->naudiences = n;
	return e;
}

/* Names that Kubernetes keeps for itself are not ours to give: a group "system:masters" of the directory is no cluster's. */
static lg_err
put_groups(struct token_review *t, struct lg_view *v, lg_uuid id, struct lg_jsonw *w)
{
	struct lg_entry e, group;
	uint64_t *ids = NULL;
	size_t n = 0;
	lg_str name;

	LG_TRY(lg_entry_by_uuid(t->ex->cx, v, t->cluster.tenant->id, id, &e));
	LG_TRY(lg_entry_groups(t->ex->cx, v, &e, true, &ids, &n));
	lg_jsonw_name(w, LG_STR("groups"));
	lg_jsonw_array(w);
	for (size_t i = 0; i < n && i < LG_KUBE_GROUPS; i++) {
		LG_TRY(lg_entry_by_id(t->ex->cx, v, t->cluster.tenant->id, ids[i], &group));
		if (lg_kube_user_name(t->ex->cx->arena, LG_STR("Group"), group.name, &name))
			lg_jsonw_str(w, name);
	}
	lg_jsonw_array_end(w);
	return LG_OK;
}

static lg_err
put_user(struct token_review *t, struct lg_view *v, const struct lg_sts_bearer *b, lg_str username, struct lg_jsonw *w)
{
	lg_jsonw_bool_of(w, "authenticated", true);
	lg_jsonw_name(w, LG_STR("user"));
	lg_jsonw_object(w);
	lg_jsonw_str_of(w, "username", username);
	lg_jsonw_uuid_of(w, "uid", b->subject.id);
	LG_TRY(put_groups(t, v, b->subject.id, w));
	lg_jsonw_object_end(w);
	if (t->naudiences == 0)
		return LG_OK;
	lg_jsonw_name(w, LG_STR("audiences"));
	lg_jsonw_array(w);
	for (size_t i = 0; i < t->naudiences; i++)
		lg_jsonw_str(w, t->audiences[i]);
	lg_jsonw_array_end(w);
	return LG_OK;
}

static lg_err
kube_token(void *self, struct lg_http *ex)
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;
	struct token_review *t = LG_NEW(ex->cx->arena, struct token_review);
	struct lg_sts_bearer bearer;
	lg_str username;

	t->app = self;
	t->ex = ex;
	LG_TRY(lg_view_begin(ex->cx, t->app->store, &v));
	LG_TRY(lg_kube_caller(t->app, ex, v, &t->cluster));
	LG_TRY(read_token_review(t));
	lg_err e = check_token(t, v, &bearer);
	if (e != LG_OK && e != LG_E_UNAUTHENTICATED && e != LG_E_EXPIRED)
		return e;
	if (e == LG_OK && !lg_kube_user_name(ex->cx->arena, bearer.subject.type, bearer.subject.name, &username))
		e = lg_fail(ex->cx, LG_E_UNAUTHENTICATED, "the name belongs to Kubernetes itself");
	struct lg_jsonw w = lg_api_json(ex);
	put_head(&w, t->version, "TokenReview");
	if (e == LG_OK) {
		LG_TRY(put_user(t, v, &bearer, username, &w));
	} else {
		lg_jsonw_bool_of(&w, "authenticated", false);
		lg_jsonw_str_of(&w, "error", lg_str_of(ex->cx->error));
	}
	put_tail(&w);
	return LG_OK;
}

/* ---- SubjectAccessReview: authorization.k8s.io ------------------------------------------------------------------------------ */

struct access_review {
	struct lg_app *app;
	struct lg_http *ex;
	struct lg_caller cluster;
	lg_str version, user, uid;
	struct lg_kube_request rq;
	bool resource, path;			/* which attributes were there */
	struct lg_evaluation asked;
	struct lg_access access;
};

/* Names of resourceAttributes and nonResourceAttributes; selectors narrow what is asked, and are not looked at. */
static void
read_attributes(struct lg_json *js, struct lg_kube_request *rq)
{
	const struct {
		const char *name;
		lg_str *value;
	} known[] = {
		{ "verb", &rq->verb }, { "namespace", &rq->ns }, { "group", &rq->group }, { "version", &rq->version },
		{ "resource", &rq->resource }, { "subresource", &rq->subresource }, { "name", &rq->name }, { "path", &rq->path },
	};
	lg_str name;

	lg_json_object(js);
	while (lg_json_member(js, &name)) {
		size_t i = 0;
		while (i < LG_COUNT(known) && !lg_str_eq(name, lg_str_of(known[i].name)))
			i++;
		if (i == LG_COUNT(known))
			lg_json_skip(js);
		else
			*known[i].value = lg_json_str(js);
		if (i < LG_COUNT(known) && known[i].value->n > LG_ASKED_NAME)
			lg_json_fault(js, "an attribute that is too long");
	}
}

static void
read_access_spec(struct lg_json *js, void *arg)
{
	struct access_review *r = arg;
	lg_str name;

	lg_json_object(js);
	while (lg_json_member(js, &name)) {
		bool resource = lg_str_eq(name, LG_STR("resourceAttributes")), path = lg_str_eq(name, LG_STR("nonResourceAttributes"));
		if (lg_str_eq(name, LG_STR("user"))) {
			r->user = lg_json_str(js);
		} else if (lg_str_eq(name, LG_STR("uid"))) {
			r->uid = lg_json_str(js);
		} else if ((resource || path) && lg_json_peek(js) == LG_JSON_OBJECT) {
			read_attributes(js, &r->rq);
			r->resource |= resource;
			r->path |= path;
		} else {
			lg_json_skip(js);
		}
	}
}

static lg_err
read_access_review(struct access_review *r)
{
	LG_TRY(lg_kube_review_read(r->ex->cx, r->ex->body, &(struct lg_kube_review){ .kind = "SubjectAccessReview",
	    .versions = "authorization.k8s.io/v1", .member = "spec", .read = read_access_spec, .arg = r }, &r->version));
	if (r->resource == r->path || (r->path && r->rq.path.n == 0) || (r->resource && r->rq.path.n > 0) || r->rq.verb.n == 0)
		return lg_fail(r->ex->cx, LG_E_INVALID, "either resourceAttributes or nonResourceAttributes, with a verb");
	return LG_OK;
}

static void
put_verdict(struct access_review *r, bool allowed, bool denied, lg_str reason)
{
	struct lg_jsonw w = lg_api_json(r->ex);

	put_head(&w, r->version, "SubjectAccessReview");
	lg_jsonw_bool_of(&w, "allowed", allowed);
	if (denied)
		lg_jsonw_bool_of(&w, "denied", true);
	lg_jsonw_str_of(&w, "reason", reason);
	put_tail(&w);
}

static void
answer_access(struct lg_pending *p, void *arg)
{
	struct access_review *r = arg;
	const struct lg_verdict *verdict = &r->access.verdict;

	if (lg_pending_error(p) != LG_OK)
		lg_problem(r->ex, lg_pending_error(p));
	else
		put_verdict(r, verdict->permit, !verdict->permit && verdict->policy.n > 0, verdict->reason);
}

static lg_err
decide_access(struct access_review *r, struct lg_view *v, struct lg_entity_id subject)
{
	struct lg_fact fact = lg_kube_fact(r->ex->cx->arena, &r->rq);
	struct lg_recognised by = { .subject = subject, .proof = "cluster", .fact = &fact };
	lg_str none = LG_NONE;

	r->asked = (struct lg_evaluation){ .action = lg_str_of(lg_kube_action(&r->rq)), .resource_type = LG_STR("Service"),
		.resource_id = r->cluster.entity.name };
	LG_TRY(lg_access_decide_for(r->app, r->ex, v, &r->cluster, &r->asked, &by, &r->access));
	struct lg_pending *p = lg_pending_new(r->app, r->ex, answer_access, r);
	lg_pending_add(p, &r->access, &r->cluster, &none);
	return lg_pending_seal(p);
}

static lg_err
kube_access(void *self, struct lg_http *ex)
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;
	struct access_review *r = LG_NEW(ex->cx->arena, struct access_review);
	struct lg_entity_id subject;

	r->app = self;
	r->ex = ex;
	LG_TRY(lg_view_begin(ex->cx, r->app->store, &v));
	LG_TRY(lg_kube_caller(r->app, ex, v, &r->cluster));
	LG_TRY(read_access_review(r));
	lg_err e = lg_kube_user_find(ex->cx, v, r->cluster.tenant->id, r->user, r->uid, &subject);
	if (e == LG_E_NOT_FOUND) {
		put_verdict(r, false, false, lg_dup(ex->cx->arena, lg_str_of(ex->cx->error)));
		return LG_OK;
	}
	LG_TRY(e);
	return decide_access(r, v, subject);
}

const struct lg_route lg_api_kubernetes_routes[] = {
	{ "POST", "/v1/kubernetes/tokenreview", LG_SURFACE_API, LG_ON_LOOP, 0, kube_token },
	{ "POST", "/v1/kubernetes/subjectaccessreview", LG_SURFACE_API, LG_ON_LOOP, 0, kube_access },
	{ "POST", "/v1/kubernetes/admissionreview", LG_SURFACE_API, LG_ON_WORKER, LG_KUBE_REVIEW, lg_api_kube_admission },
};
const size_t lg_api_kubernetes_nroutes = LG_COUNT(lg_api_kubernetes_routes);
