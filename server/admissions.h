/*
 * admissions.h: what a host was allowed to start: written when a ticket is redeemed, asked at every restart, ended by poststop.
 */
#ifndef LG_SERVER_ADMISSIONS_H
#define LG_SERVER_ADMISSIONS_H

#include "lightgate/store.h"
#include "server/access.h"

#define LG_CONTAINER_ID	128		/* octets of a container's id: [A-Za-z0-9._-] */
#define LG_FACT_LIST	512		/* mounts, capabilities, devices, arguments: of each */

struct lg_admission {
	lg_uuid id, host, requester;
	lg_uuid entry, parent;		/* the workload's, and its project's; nil: it had none when it was admitted */
	bool by_name;			/* written by an older release, which kept names alone */
	lg_str container, requester_type, workload, project, image, bundle;
	int64_t time, ended;		/* ended: 0 while it lasts */
	uint64_t revision;		/* of the policy it was decided under */
};

extern const struct lg_table lg_admission_table, lg_redeemed_table;

LG_CHECKED lg_err lg_admission_get(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_uuid host, lg_str container,
    struct lg_admission *ret);
/* All of a host, ended ones too; false from the callback ends it. */
typedef bool lg_admission_each(void *arg, const struct lg_admission *ad);
LG_CHECKED lg_err lg_admissions_each(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_uuid host, lg_admission_each *each, void *arg);
/* What an admission was given for is still that: workload and project get the names that they have now.  LG_E_DENIED where an entry is gone, or where the
 * name of a workload without one has become an entry's: a name that is used again is another workload, and a container that had the name is not it. */
LG_CHECKED lg_err lg_admission_names(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, struct lg_admission *ad);
/* For whoever knows entries alone, what a container is called that is nobody: the id of what it was admitted for, which is no entry's (any more). */
lg_str lg_admission_nobody(struct lg_arena *a, const struct lg_admission *ad);
/* Inside a mutation: */
LG_CHECKED lg_err lg_admission_put(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, const struct lg_admission *ad);
/* Redeems a ticket's jti: LG_E_DENIED the second time. */
LG_CHECKED lg_err lg_ticket_redeem(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, const struct lg_ticket *t);
/* Deletes redeemed tickets of a tenant that have expired, at most 1,000 a call.  On a worker. */
LG_CHECKED lg_err lg_redeemed_sweep(struct lg_ctx *cx, struct lg_app *app, uint32_t tenant, bool *more);

/* Who asks for what: the resource, and the entry that the container was admitted for.  Names are copied: they outlive the view.  LG_E_DENIED when the
 * requester does not exist any more. */
LG_CHECKED lg_err lg_admission_question(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, const struct lg_evaluation *asked, lg_uuid requester,
    const char *action, struct lg_access *ac);

/* context.container from the agent's JSON; every member must be there. */
LG_CHECKED lg_err lg_container_facts(struct lg_ctx *cx, lg_str json, struct lg_fact *ret);
LG_CHECKED lg_err lg_container_id_check(struct lg_ctx *cx, lg_str id);

#endif
