/*
 * api_kubernetes_admission.c: an API server's admission webhook for pods (AdmissionReview, admission.k8s.io/v1).
 *
 * A pod is decided on as a container is at any other door: the same actions on the same workload, with what its containers could do in
 * context.container.  Who asks is the user if the directory knows them; Kubernetes' own controllers act for the cluster, whose service is
 * the principal then.
 */
#include "base/json.h"
#include "server/api.h"
#include "server/kubernetes.h"
#include "server/point.h"

struct admission {
	struct lg_app *app;
	struct lg_http *ex;
	struct lg_caller cluster;
	lg_str version, uid, operation, ns, name, user, user_uid, resource, subresource, object, old;
	struct lg_kube_pod pod;
	struct lg_access access;
};

/* ---- reading --------------------------------------------------------------------------------------------------------- */

static void
read_resource(struct lg_json *js, lg_str *ret)
{
	lg_str name;

	lg_json_object(js);
	while (lg_json_member(js, &name)) {
		if (lg_str_eq(name, LG_STR("resource")))
			*ret = lg_json_str(js);
		else
			lg_json_skip(js);
	}
}

static void
read_request(struct lg_json *js, void *arg)
{
	struct admission *a = arg;
	const struct {
		const char *name;
		lg_str *value;
	} known[] = {
		{ "uid", &a->uid }, { "operation", &a->operation }, { "namespace", &a->ns }, { "name", &a->name }, { "subResource", &a->subresource },
	};
	lg_str name;

	lg_json_object(js);
	while (lg_json_member(js, &name)) {
		size_t i = 0;
		while (i < LG_COUNT(known) && !lg_str_eq(name, lg_str_of(known[i].name)))
			i++;
		if (i < LG_COUNT(known))
			*known[i].value = lg_json_str(js);
		else if (lg_str_eq(name, LG_STR("resource")))
			read_resource(js, &a->resource);
		else if (lg_str_eq(name, LG_STR("userInfo")))
			lg_kube_read_user(js, LG_STR("username"), &a->user, &a->user_uid);
		else if (lg_str_eq(name, LG_STR("object")))
			a->object = lg_json_raw(js);
		else if (lg_str_eq(name, LG_STR("oldObject")))
			a->old = lg_json_raw(js);
		else
			lg_json_skip(js);
	}
}

static lg_err
read_review(struct admission *a)
{
	LG_TRY(lg_kube_review_read(a->ex->cx, a->ex->body, &(struct lg_kube_review){ .kind = "AdmissionReview", .versions = "admission.k8s.io/v1",
	    .member = "request", .read = read_request, .arg = a }, &a->version));
	return a->uid.n > 0 ? LG_OK : lg_fail(a->ex->cx, LG_E_INVALID, "the request has no uid");
}

/* ---- what is asked ------------------------------------------------------------------------------------------------------- */

static const struct {
	const char *operation, *subresource, *action;
	bool old;			/* the object is what was there */
	bool pod;			/* the object is a pod; otherwise the name says which */
} deeds[] = {
	{ "CREATE", "", "container:create", false, true },
	{ "UPDATE", "", "container:update", false, true },
	{ "UPDATE", "ephemeralcontainers", "container:update", false, true },
	{ "UPDATE", "resize", "container:update", false, true },
	{ "DELETE", "", "container:remove", true, true },
	{ "CONNECT", "exec", "container:exec", false, false },
	{ "CONNECT", "attach", "container:attach", false, false },
	{ "CONNECT", "portforward", "container:attach", false, false },
	{ "CONNECT", "proxy", "container:attach", false, false },
};

static lg_err
find_deed(struct admission *a, size_t *ret)
{
	if (!lg_str_eq(a->resource, LG_STR("pods")))
		return lg_fail(a->ex->cx, LG_E_DENIED, "pods are decided on here, not %.*s", LG_FMT(a->resource));
	for (*ret = 0; *ret < LG_COUNT(deeds); (*ret)++)
		if (lg_str_eq(a->operation, lg_str_of(deeds[*ret].operation)) && lg_str_eq(a->subresource, lg_str_of(deeds[*ret].subresource)))
			return LG_OK;
	return lg_fail(a->ex->cx, LG_E_DENIED, "%.*s of pods/%.*s is not known here", LG_FMT(a->operation), LG_FMT(a->subresource));
}

static lg_err
find_who(struct admission *a, struct lg_view *v, struct lg_entity_id *ret)
{
	struct lg_ctx *cx = a->ex->cx;

	*ret = a->cluster.entity;
	if (lg_str_starts(a->user, LG_STR("system:")))
		return LG_OK;
	lg_err e = lg_kube_user_find(cx, v, a->cluster.tenant->id, a->user, a->user_uid, ret);
	return e == LG_E_NOT_FOUND ? LG_E_DENIED : e;
}

/* ---- deciding ---------------------------------------------------------------------------------------------------------------- */

/* One question an image: each is a fact that policies may look at. */
static lg_err
ask(struct admission *a, struct lg_view *v, const char *action, struct lg_entity_id who, lg_str workload, lg_str image, const struct lg_fact *facts)
{
	struct lg_evaluation asked = { .action = lg_str_of(action), .resource_type = LG_STR("Workload"), .resource_id = workload,
		.project = a->ns, .image = image };
	struct lg_recognised by = { .subject = who, .proof = "cluster", .fact = facts };

	return lg_access_decide_for(a->app, a->ex, v, &a->cluster, &asked, &by, &a->access);
}

/* A node's door goes by the annotations: they may say nothing else than what is decided on here. */
static lg_err
check_said(struct admission *a)
{
	const struct lg_kube_pod *p = &a->pod;

	if (p->said_workload.n > 0 && !lg_str_eq(p->said_workload, p->workload))
		return lg_fail(a->ex->cx, LG_E_DENIED, "the pod is workload %.*s, but its annotation lightgate.workload says %.*s",
		    LG_FMT(p->workload), LG_FMT(p->said_workload));
	if (p->said_project.n > 0 && !lg_str_eq(p->said_project, a->ns))
		return lg_fail(a->ex->cx, LG_E_DENIED, "the pod is in namespace %.*s, but its annotation lightgate.project says %.*s",
		    LG_FMT(a->ns), LG_FMT(p->said_project));
	return LG_OK;
}

static lg_err
ask_images(struct admission *a, struct lg_view *v, const char *action, struct lg_entity_id who, lg_str workload)
{
	bool going = true;

	for (size_t i = 0; i < a->pod.nimages && going; i++) {
		LG_TRY(ask(a, v, action, who, workload, a->pod.images[i], &a->pod.facts));
		going = a->access.verdict.permit;
	}
	return LG_OK;
}

static bool
is_there(lg_str object)
{
	return object.n > 0 && !lg_str_eq(object, LG_STR("null"));
}

static lg_err
decide_pod(struct admission *a, struct lg_view *v, size_t deed, struct lg_entity_id who)
{
	struct lg_kube_pod was = { .nimages = 0 };
	lg_str object = deeds[deed].old ? a->old : a->object;
	struct lg_ctx *cx = a->ex->cx;

	if (!is_there(object))
		return lg_fail(cx, LG_E_DENIED, "the request has no pod in it");
	LG_TRY(lg_kube_pod_read(cx, object, &a->pod));
	if (a->pod.nimages == 0)
		return lg_fail(cx, LG_E_DENIED, "the pod has no image");
	if (!deeds[deed].old)
		LG_TRY(check_said(a));
	LG_TRY(ask_images(a, v, deeds[deed].action, who, a->pod.workload));
	if (deeds[deed].old || !is_there(a->old) || !a->access.verdict.permit)
		return LG_OK;
	LG_TRY(lg_kube_pod_read(cx, a->old, &was));		/* of one that becomes another workload's, the first is asked about too */
	return lg_str_eq(was.workload, a->pod.workload) ? LG_OK : ask_images(a, v, deeds[deed].action, who, was.workload);
}

static lg_err
decide(struct admission *a)
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;
	struct lg_entity_id who;
	size_t deed;

	LG_TRY(lg_view_begin(a->ex->cx, a->app->store, &v));
	LG_TRY(find_deed(a, &deed));
	LG_TRY(find_who(a, v, &who));
	if (deeds[deed].pod)
		LG_TRY(decide_pod(a, v, deed, who));
	else
		LG_TRY(ask(a, v, deeds[deed].action, who, a->name, LG_NONE, NULL));
	/* What is recorded and told outlives the view. */
	a->access.question.resource.name = lg_dup(a->ex->cx->arena, a->access.question.resource.name);
	a->access.question.parent.name = lg_dup(a->ex->cx->arena, a->access.question.parent.name);
	return LG_OK;
}

/* ---- the answer ------------------------------------------------------------------------------------------------------------------ */

static void
put_answer(struct admission *a, bool allowed, lg_str why)
{
	struct lg_jsonw w = lg_api_json(a->ex);

	lg_jsonw_object(&w);
	lg_jsonw_str_of(&w, "apiVersion", a->version);
	lg_jsonw_str_of(&w, "kind", LG_STR("AdmissionReview"));
	lg_jsonw_name(&w, LG_STR("response"));
	lg_jsonw_object(&w);
	lg_jsonw_str_of(&w, "uid", a->uid);
	lg_jsonw_bool_of(&w, "allowed", allowed);
	lg_jsonw_name(&w, LG_STR("status"));
	lg_jsonw_object(&w);
	lg_jsonw_int_of(&w, "code", allowed ? 200 : 403);
	lg_jsonw_str_of(&w, "message", why);
	lg_jsonw_object_end(&w);
	if (a->access.id[0] != '\0') {
		lg_jsonw_name(&w, LG_STR("auditAnnotations"));
		lg_jsonw_object(&w);
		lg_jsonw_str_of(&w, "decision", lg_str_of(a->access.id));
		lg_jsonw_object_end(&w);
	}
	lg_jsonw_object_end(&w);
	lg_jsonw_object_end(&w);
}

lg_err
lg_api_kube_admission(void *self, struct lg_http *ex)
{
	struct admission *a = LG_NEW(ex->cx->arena, struct admission);
	struct lg_view *v = NULL;

	a->app = self;
	a->ex = ex;
	LG_TRY(lg_view_begin(ex->cx, a->app->store, &v));
	lg_err e = lg_kube_caller(a->app, ex, v, &a->cluster);
	lg_view_end(&v);
	LG_TRY(e);
	LG_TRY(read_review(a));
	e = decide(a);
	if (e == LG_E_DENIED || e == LG_E_INVALID || e == LG_E_NOT_FOUND) {
		put_answer(a, false, lg_dup(ex->cx->arena, lg_str_of(ex->cx->error)));
		return LG_OK;
	}
	LG_TRY(e);
	LG_TRY(lg_access_log(ex->cx, a->app->segments, &a->access));
	put_answer(a, a->access.verdict.permit, a->access.verdict.reason);
	return LG_OK;
}
