/* kubernetes.c: users and requests of a cluster, in the directory's and policy's words. */
#include "server/kubernetes.h"

#include "base/json.h"

/* ---- users ------------------------------------------------------------------------------------------------------- */

static const struct {
	lg_str prefix;
	enum lg_entry_type type;
} prefixes[] = {
	{ LG_STR("service:"), LG_TYPE_SERVICE }, { LG_STR("workload:"), LG_TYPE_WORKLOAD }, { LG_STR("host:"), LG_TYPE_HOST },
};

#define RESERVED	LG_STR("system:")	/* Kubernetes' own users and groups: system:masters may do everything */

bool
lg_kube_user_name(struct lg_arena *a, lg_str type, lg_str name, lg_str *ret)
{
	*ret = name;
	for (size_t i = 0; i < LG_COUNT(prefixes); i++) {
		if (lg_str_eq(type, lg_type_name(prefixes[i].type)))
			*ret = lg_cat(a, prefixes[i].prefix, name);
		else if (lg_str_starts(name, prefixes[i].prefix))
			return false;		/* a person with such a name would be somebody else */
	}
	return name.n > 0 && !lg_str_starts(*ret, RESERVED);
}

lg_err
lg_kube_user_find(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_str user, lg_str uid, struct lg_entity_id *ret)
{
	enum lg_entry_type type = LG_TYPE_USER;
	lg_str name = user;
	struct lg_entry e;
	lg_uuid id;

	for (size_t i = 0; i < LG_COUNT(prefixes); i++)
		if (lg_str_starts(user, prefixes[i].prefix)) {
			type = prefixes[i].type;
			name = lg_str_sub(user, prefixes[i].prefix.n, user.n);
		}
	lg_err err = name.n == 0 || lg_str_starts(user, RESERVED) ? LG_E_NOT_FOUND : lg_entry_by_name(cx, v, tenant, type, name, &e);
	if (err == LG_OK && lg_uuid_parse(uid, &id) && !lg_uuid_eq(id, e.uuid))
		err = LG_E_NOT_FOUND;
	if (err == LG_E_NOT_FOUND)
		return lg_fail(cx, err, "\"%.*s\" is nobody in the directory", LG_FMT(user));
	LG_TRY(err);
	*ret = lg_entry_entity(&e);
	ret->name = lg_dup(cx->arena, ret->name);
	return LG_OK;
}

lg_err
lg_kube_review_read(struct lg_ctx *cx, lg_str body, const struct lg_kube_review *rv, lg_str *version)
{
	lg_str name, kind = LG_NONE;
	struct lg_json js;

	*version = LG_NONE;
	lg_json_init(&js, cx->arena, body);
	lg_json_object(&js);
	while (lg_json_member(&js, &name)) {
		if (lg_str_eq(name, LG_STR("apiVersion")))
			*version = lg_json_str(&js);
		else if (lg_str_eq(name, LG_STR("kind")))
			kind = lg_json_str(&js);
		else if (lg_str_eq(name, lg_str_of(rv->member)))
			rv->read(&js, rv->arg);
		else
			lg_json_skip(&js);
	}
	LG_TRY(lg_json_end(cx, &js));
	if (!lg_str_eq(kind, lg_str_of(rv->kind)) || !lg_str_starts(*version, lg_str_of(rv->versions)))
		return lg_fail(cx, LG_E_INVALID, "a %s of %s is expected", rv->kind, rv->versions);
	return LG_OK;
}

void
lg_kube_read_user(struct lg_json *js, lg_str name_member, lg_str *name, lg_str *uid)
{
	lg_str member;

	lg_json_object(js);
	while (lg_json_member(js, &member)) {
		if (lg_str_eq(member, name_member))
			*name = lg_json_str(js);
		else if (lg_str_eq(member, LG_STR("uid")))
			*uid = lg_json_str(js);
		else
			lg_json_skip(js);
	}
}

lg_err
lg_kube_caller(struct lg_app *app, struct lg_http *ex, struct lg_view *v, struct lg_caller *ret)
{
	LG_TRY(lg_caller_find(app, ex, v, "/v1", ret));
	if (!lg_str_eq(ret->entity.type, LG_STR("Service")))
		return lg_fail(ex->cx, LG_E_DENIED, "this is for a cluster's API server, which is a service of the directory");
	return LG_OK;
}

/* ---- requests ------------------------------------------------------------------------------------------------------ */

static const struct {
	const char *verb, *action;
} verbs[] = {
	{ "get", "kubernetes:get" }, { "list", "kubernetes:list" }, { "watch", "kubernetes:watch" },
	{ "create", "kubernetes:create" }, { "update", "kubernetes:update" }, { "patch", "kubernetes:patch" },
	{ "delete", "kubernetes:delete" }, { "deletecollection", "kubernetes:deletecollection" },
	{ "impersonate", "kubernetes:impersonate" }, { "bind", "kubernetes:bind" }, { "escalate", "kubernetes:escalate" },
	{ "approve", "kubernetes:approve" }, { "sign", "kubernetes:sign" }, { "use", "kubernetes:use" },
};

/* By a GET too: whoever may read is not let into a container by that. */
static const lg_str connecting[] = { LG_STR("exec"), LG_STR("attach"), LG_STR("portforward"), LG_STR("proxy") };

const char *
lg_kube_action(const struct lg_kube_request *rq)
{
	if (rq->path.n > 0)
		return "kubernetes:path";
	for (size_t i = 0; i < LG_COUNT(connecting); i++)
		if (lg_str_eq(rq->subresource, connecting[i]))
			return "kubernetes:connect";
	for (size_t i = 0; i < LG_COUNT(verbs); i++)
		if (lg_str_eq(rq->verb, lg_str_of(verbs[i].verb)))
			return verbs[i].action;
	return "kubernetes:other";
}

struct lg_fact
lg_kube_fact(struct lg_arena *a, const struct lg_kube_request *rq)
{
	const struct lg_fact members[] = {
		lg_fact_str("verb", rq->verb), lg_fact_str("namespace", rq->ns), lg_fact_str("group", rq->group),
		lg_fact_str("version", rq->version), lg_fact_str("resource", rq->resource), lg_fact_str("subresource", rq->subresource),
		lg_fact_str("name", rq->name), lg_fact_str("path", rq->path),
	};
	struct lg_fact *kept = LG_NEWS(a, struct lg_fact, LG_COUNT(members));

	memcpy(kept, members, sizeof members);
	return (struct lg_fact){ .name = "kubernetes", .type = LG_FACT_RECORD, .record = kept, .n = LG_COUNT(members) };
}
