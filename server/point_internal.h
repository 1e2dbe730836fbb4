/* point_internal.h: what point.c and policies.c share. */
#ifndef LG_SERVER_POINT_INTERNAL_H
#define LG_SERVER_POINT_INTERNAL_H

#include <pthread.h>

#include "server/answers.h"
#include "server/loop.h"
#include "server/point.h"
#include "server/published.h"

struct tenant_set {
	uint32_t tenant;
	uint64_t version;
	struct lg_policies *policies;
	uint64_t time;			/* of lg_answer.reads: what changes by itself */
	bool alike;			/* readers of the directory who are in the same of `above` are answered alike */
	lg_uuid above[LG_ALIKE];
	size_t nabove;
};

struct snapshot {
	size_t n;
	struct tenant_set set[];
};

struct lg_point {
	struct lg_store *store;
	struct lg_segments *segments;
	struct lg_schema *schema;
	struct lg_policies *system;
	uint64_t system_time;		/* the same of the system's set */
	pthread_mutex_t publishing;
	struct lg_published *sets;	/* struct snapshot */
	struct lg_tally *tally;
	lg_point_signin_question *signin;
	void *signin_self;
	struct lg_answers *memo[LG_LOOPS];	/* each its loop's own, made when first used */
};

const struct tenant_set *lg_snapshot_find(const struct snapshot *s, uint32_t tenant);
/* The set in force, which is valid, for the caller to unref; NULL without one. */
struct lg_policies *lg_point_in_force(struct lg_point *p, uint32_t tenant);
/* Takes the reference over.  An older version than the one in force is dropped. */
void lg_point_publish(struct lg_point *p, uint32_t tenant, uint64_t version, struct lg_policies *policies);
/* The context of a question with what only we may say. */
LG_CHECKED lg_err lg_point_context(struct lg_ctx *cx, struct lg_view *v, const struct lg_question *q, const struct lg_record **ret);
/* Principal, action and resource of a question; those that have no entry are made known to the source. */
struct lg_request lg_point_uids(struct lg_ctx *cx, const struct lg_question *q);
LG_CHECKED lg_err lg_point_synthetic(struct lg_entity_source *es, const struct lg_question *q, const struct lg_request *rq);
/* The decider port's question about all entries of a class (certain.c). */
LG_CHECKED lg_err lg_point_certain(struct lg_point *p, struct lg_ctx *cx, struct lg_view *v, const struct lg_question *q, bool *certain,
    bool *permit);
/* LG_E_CONFLICT: under this set nobody who is enabled and has a password could change policies and entries again. */
LG_CHECKED lg_err lg_lockout_check(struct lg_ctx *cx, struct lg_point *p, struct lg_view *v, uint32_t tenant, const struct lg_policies *set);

#endif
