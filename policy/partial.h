/* partial.h: a partial decision as the folder sees it. */
#ifndef LG_POLICY_PARTIAL_H
#define LG_POLICY_PARTIAL_H

#include "policy/reduce.h"
#include "policy/set.h"

struct lg_partial_item {
	uint32_t policy;
	enum lg_residual_kind kind;
	bool scope[3];			/* by enum lg_var: this part of the scope is still to be matched */
	struct lg_expr *x;		/* what is left of the clauses; NULL: nothing */
};

struct lg_partial {
	const struct lg_policies *set;
	struct lg_partial_request rq;
	struct lg_partial_item *v;	/* in order of policies */
	uint32_t n;
	uint32_t sure[2], open[2];	/* by effect */
};

/* lg_partial_new of a request that is one, under another schema (or NULL) than the set's. */
struct lg_partial *lg_partial_make(struct lg_ctx *cx, const struct lg_policies *set, const struct lg_entities *entities,
    const struct lg_schema *schema, const struct lg_partial_request *rq);
/* lg_partial_complete without the check that rq completes it. */
void lg_partial_answer(struct lg_ctx *cx, const struct lg_partial *p, const struct lg_entities *entities,
    const struct lg_request *rq, struct lg_answer *ret);
/* lg_partial_narrow without its check. */
struct lg_partial *lg_partial_reduce(struct lg_ctx *cx, const struct lg_partial *p, const struct lg_entities *entities,
    const struct lg_partial_request *rq);

#endif
