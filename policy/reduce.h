/*
 * reduce.h: expressions over a request that is known in part.  What is known is evaluated, what is not stays an expression
 * (a residual) that gives, in every completion of the request, just what the whole would have given: value or error.
 */
#ifndef LG_POLICY_REDUCE_H
#define LG_POLICY_REDUCE_H

#include "policy/eval.h"

enum lg_reduced_kind { REDUCED_VALUE, REDUCED_OPEN, REDUCED_ERROR };

struct lg_reduced {
	enum lg_reduced_kind kind;
	struct lg_expr *x;			/* VALUE: x->constant is it; ERROR: fails whenever it is evaluated */
};

struct lg_reducer {
	struct lg_eval ev;			/* variables that are not known must not reach it */
	const struct lg_schema *schema;		/* or NULL; completions conform to it */
	const struct lg_partial_request *rq;
	const struct lg_type *context;		/* the action's, or NULL */
	bool open[4];				/* by enum lg_var */
	uint32_t steps;				/* nodes left; what comes behind stays as it is */
};

void lg_reducer_init(struct lg_reducer *re, struct lg_ctx *cx, const struct lg_entities *entities,
    const struct lg_schema *schema, const struct lg_partial_request *rq);
/* Never writes to x, which may be shared; new nodes lie in the context's arena. */
struct lg_reduced lg_reduce(struct lg_reducer *re, struct lg_expr *x);
/* One conjunction of the clauses of a policy: its result need not be a bool, evaluating it tells. */
struct lg_reduced lg_reduce_clauses(struct lg_reducer *re, const struct lg_policy *p);
/* LG_UNKNOWN: it depends. */
enum lg_found lg_reduce_scope(struct lg_reducer *re, const struct lg_scope *sc, enum lg_var var);
/* The attribute's declared type if every completion has it, or NULL. */
const struct lg_type *lg_reduce_declared(const struct lg_reducer *re, const struct lg_name *name);

/* ---- what is known without evaluating (reduce_kind.c) ---------------------------------------- */

/* The kind of value x gives in every completion, if it can neither fail nor ask for an entity; -1 otherwise. */
int lg_reduce_kind(const struct lg_reducer *re, const struct lg_expr *x);
bool lg_reduce_is_bool(const struct lg_expr *x);	/* it fails, or gives a bool */
/* `a == b` from kinds and types alone; LG_UNKNOWN when it takes evaluation. */
enum lg_found lg_reduce_equal(const struct lg_reducer *re, const struct lg_expr *a, const struct lg_expr *b);
/* Can an entity of this type be one of these, or in one of them? */
bool lg_reduce_may_be_in(const struct lg_reducer *re, lg_str type, const struct lg_euid *above);
/* The type of the entity an open variable stands for; empty for other expressions. */
lg_str lg_reduce_type_of(const struct lg_reducer *re, const struct lg_expr *x);

#endif
