/* explain.h: a decision taken apart, before it is told as text or as JSON. */
#ifndef LG_POLICY_EXPLAIN_H
#define LG_POLICY_EXPLAIN_H

#include "policy/decide.h"

struct lg_why_value {			/* a part of an expression, and what it was */
	lg_str expression, value;
	bool failed;			/* value is why */
};

struct lg_why_part {			/* a part of the scope, or a clause */
	enum lg_var var;
	const struct lg_scope *scope;	/* NULL for a clause */
	const struct lg_clause *clause;
	bool holds;
	const struct lg_why_value *v;
	uint32_t n;
};

enum lg_why_role { WHY_DETERMINING, WHY_ERRED, WHY_MISSED };

struct lg_why_policy {
	enum lg_why_role role;
	uint32_t policy;
	lg_str error;			/* of ERRED */
	const struct lg_why_part *part;	/* of DETERMINING the clauses, else what did not hold */
	uint32_t nparts;
};

struct lg_why {
	const struct lg_policies *set;
	const struct lg_request *rq;
	struct lg_answer answer;
	struct lg_why_policy *v;
	uint32_t n;
	size_t further[3];		/* by role: not told for their number */
	uint32_t permits;		/* in the set, when nothing permitted it */
};

void lg_why(struct lg_ctx *cx, const struct lg_policies *set, const struct lg_entities *entities, const struct lg_request *rq,
    struct lg_why *ret);
/* An expression's source on one line, cut when it is long. */
lg_str lg_why_text(struct lg_arena *a, const struct lg_policy *p, const struct lg_expr *x);

#endif
