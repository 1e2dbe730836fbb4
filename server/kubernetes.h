/* kubernetes.h: what a cluster's API server asks, and how it is understood: users, verbs, pods (docs/kubernetes.md). */
#ifndef LG_SERVER_KUBERNETES_H
#define LG_SERVER_KUBERNETES_H

#include "server/caller.h"

#define LG_KUBE_AUDIENCES	16		/* of one TokenReview */
#define LG_KUBE_GROUPS		1000		/* that it tells of a user */
#define LG_KUBE_CONTAINERS	64		/* of one pod, all kinds together */
#define LG_KUBE_REVIEW		(4u << 20)	/* octets of an AdmissionReview: an object has at most 1.5 MiB, and there may be two */

/* ---- users ------------------------------------------------------------------------------------------------------- */

/* A directory name as a cluster's user name: people by their name, others with their type before it ("service:ci").  False for names that
 * belong to Kubernetes itself ("system:..."). */
bool lg_kube_user_name(struct lg_arena *a, lg_str type, lg_str name, lg_str *ret);
/* Back again.  uid: the entryUUID that came with it; a name that has another entry by now is nobody's.  LG_E_NOT_FOUND: none of ours. */
LG_CHECKED lg_err lg_kube_user_find(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_str user, lg_str uid, struct lg_entity_id *ret);

/* ---- requests to the API server ------------------------------------------------------------------------------------ */

struct lg_kube_request {
	lg_str verb;
	lg_str ns, group, version, resource, subresource, name;
	lg_str path;				/* of what is no resource; empty for resources */
};
/* "kubernetes:get", "kubernetes:connect", "kubernetes:path", "kubernetes:other" */
const char *lg_kube_action(const struct lg_kube_request *rq);
struct lg_fact lg_kube_fact(struct lg_arena *a, const struct lg_kube_request *rq);	/* context.kubernetes */

/* ---- pods ---------------------------------------------------------------------------------------------------------------- */

struct lg_kube_pod {
	lg_str workload;			/* label lightgate.workload, else the name, else generateName without its end */
	lg_str said_workload, said_project;	/* annotations, by which a node's door goes; empty: not said */
	lg_str images[LG_KUBE_CONTAINERS];	/* of its containers, each once */
	size_t nimages;
	struct lg_fact facts;			/* context.container: what the pod's containers could do together */
};
/* A Pod's JSON as the API server sends it.  What is not understood leans towards "it can". */
LG_CHECKED lg_err lg_kube_pod_read(struct lg_ctx *cx, lg_str json, struct lg_kube_pod *ret);

/* ---- routes: files of the API ------------------------------------------------------------------------------------------ */

/* The cluster that asks: a service, whose own the question is.  LG_E_DENIED for anybody else. */
LG_CHECKED lg_err lg_kube_caller(struct lg_app *app, struct lg_http *ex, struct lg_view *v, struct lg_caller *ret);
lg_err lg_api_kube_admission(void *self, struct lg_http *ex);

/* {"apiVersion","kind",<member>:...}: `read` takes the member.  LG_E_INVALID unless it is that kind of a version that begins so. */
struct lg_json;
struct lg_kube_review {
	const char *kind, *versions, *member;
	void (*read)(struct lg_json *js, void *arg);
	void *arg;
};
LG_CHECKED lg_err lg_kube_review_read(struct lg_ctx *cx, lg_str body, const struct lg_kube_review *rv, lg_str *version);
/* {"username","uid","groups":[...]}: the groups are the cluster's word and not read. */
void lg_kube_read_user(struct lg_json *js, lg_str name_member, lg_str *name, lg_str *uid);

#endif
