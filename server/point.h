/*
 * point.h: the decision point: the one place where an access is decided.
 *
 * It stands above the policy engine: two sets (the system's and the tenant's), erring forbids deny, requests that do not fit
 * the schema deny, what could not be read denies.  Every component's lg_decider port leads here.
 */
#ifndef LG_SERVER_POINT_H
#define LG_SERVER_POINT_H

#include "base/decide.h"
#include "lightgate/policy.h"
#include "lightgate/store.h"
#include "server/tally.h"

#define LG_POLICY_TENANT_SOURCE	(4u << 20)	/* octets of a tenant's set; the store takes 4 MiB a value */
#define LG_POLICY_ADMINS	1000		/* people looked at by the no-lock-out check, and administrators before them */

struct lg_point;

extern const struct lg_table *const lg_point_tables[];
extern const size_t lg_point_ntables;

/* Compiles the schema and the system's set; no tenant has a set until lg_point_load. */
LG_CHECKED lg_err lg_point_new(struct lg_ctx *cx, struct lg_store *st, lg_str schema, lg_str system, struct lg_point **ret);
void lg_point_free(struct lg_point **p);
void lg_point_decider(struct lg_point *p, struct lg_decider *ret);	/* fills the port */

/* Puts the active version of every tenant in force, with the names as they were resolved at activation.  A version that cannot be
 * read or is not valid any more never replaces another: it is logged, and a tenant without a set is denied everything. */
LG_CHECKED lg_err lg_point_load(struct lg_ctx *cx, struct lg_point *p);
/* Where the port's questions that are a door's (q->record) are written; without it they are denied. */
void lg_point_log(struct lg_point *p, struct lg_segments *sg);
/* What policy is asked when a person of the tenant signs in, the principal left out: a set under which no administrator can is refused.
 * Without it that is not looked at. */
typedef lg_err lg_point_signin_question(void *self, struct lg_ctx *cx, uint32_t tenant, struct lg_question *ret);
void lg_point_signin(struct lg_point *p, lg_point_signin_question *question, void *self);
struct lg_tally *lg_point_tally(struct lg_point *p);	/* of all that it decided */
uint64_t lg_point_version(struct lg_point *p, uint32_t tenant);	/* of the set in force, 0 without one */
bool lg_point_ready(struct lg_point *p, uint32_t tenant);
/* The schema's actions for a principal and a resource of these types. */
size_t lg_point_actions(const struct lg_point *p, lg_str principal_type, lg_str resource_type, struct lg_arena *a, const struct lg_euid **ret);

/* LG_OK with a verdict, also for deny.  On any thread. */
LG_CHECKED lg_err lg_point_ask(struct lg_point *p, struct lg_ctx *cx, struct lg_view *v, const struct lg_question *q,
    struct lg_verdict *ret);

/* The same under another set of the tenant than the one in force (NULL: that one): nothing is remembered, counted or recorded. */
LG_CHECKED lg_err lg_point_ask_under(struct lg_point *p, struct lg_ctx *cx, struct lg_view *v, const struct lg_policies *set,
    const struct lg_question *q, struct lg_verdict *ret);

/* ---- life of a set: on workers -------------------------------------------------------------------------- */

struct lg_policy_version {
	uint64_t version;
	int64_t time;
	lg_str author;		/* name of who activated it */
	lg_str source;
	bool active;
};

/*
 * Inside the first start's mutation: version 1 of a tenant's set.  Names must already be there.  Not yet in force:
 * lg_point_load follows.
 */
LG_CHECKED lg_err lg_policy_first(struct lg_ctx *cx, struct lg_point *p, struct lg_view *v, uint32_t tenant, lg_str source);
/*
 * Compiles, resolves names, validates strictly, refuses a set that would lock the administrators out, records it as a new
 * version and puts it in force.  LG_E_INVALID: `faults` lists everything; LG_E_CONFLICT: lock-out; LG_E_RETRY: another activation won.
 */
LG_CHECKED lg_err lg_policy_activate(struct lg_ctx *cx, struct lg_point *p, uint32_t tenant, lg_str source, const char *operation,
    struct lg_policy_faults *faults, uint64_t *version);
/* What must hold for it, judged inside the change, against the state that it changes. */
struct lg_policy_terms {
	lg_err (*may)(void *arg, struct lg_ctx *cx, struct lg_view *v);	/* the right to do it; NULL: whoever calls has it */
	void *arg;
	uint64_t replaces;		/* the version in force is this one (LG_E_CONFLICT); 0: any */
};
LG_CHECKED lg_err lg_policy_activate_if(struct lg_ctx *cx, struct lg_point *p, uint32_t tenant, lg_str source, const char *operation,
    const struct lg_policy_terms *terms, struct lg_policy_faults *faults, uint64_t *version);
/* The version in force with the entities that it names: type, name as written, entryUUID. */
struct lg_policy_name {
	lg_str type, name, id;
};
LG_CHECKED lg_err lg_policy_in_force(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, struct lg_policy_version *ret,
    const struct lg_policy_name **names, size_t *n);
/* May policies of that version, or the system's, read an attribute of this name?  True while that is not known. */
bool lg_point_may_read(struct lg_point *p, uint32_t tenant, uint64_t version, lg_str attribute);
/* Inside a mutation that took rights from somebody: the same check under the set in force; fine where none is yet. */
LG_CHECKED lg_err lg_point_lockout(struct lg_ctx *cx, struct lg_point *p, struct lg_view *v, uint32_t tenant);
/* What activation would say now, and the set that it would put in force, for the caller to unref; nothing is changed. */
LG_CHECKED lg_err lg_policy_candidate(struct lg_ctx *cx, struct lg_point *p, uint32_t tenant, lg_str source,
    struct lg_policy_faults *faults, struct lg_policies **ret);
LG_CHECKED lg_err lg_policy_version_get(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, uint64_t version,
    struct lg_policy_version *ret);		/* 0: the active one */
typedef bool lg_policy_version_each(void *arg, const struct lg_policy_version *pv);
LG_CHECKED lg_err lg_policy_versions(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_policy_version_each *each, void *arg);

#endif
