/* analyse.h: what the two analyses share: environments, trying requests, findings. */
#ifndef LG_POLICY_ANALYSE_H
#define LG_POLICY_ANALYSE_H

#include "policy/sample.h"

struct lg_analysing {
	struct lg_ctx *cx;
	struct lg_ctx work;			/* of one try */
	struct lg_arena *scratch;
	const struct lg_schema *schema;
	struct lg_sampler sampler;
	struct lg_sample_env *env;
	uint32_t nenv, samples;
	uint64_t spent;				/* policies tried on requests */
	struct lg_finding *found;
	size_t size;
	struct lg_findings *ret;
};

LG_CHECKED lg_err lg_analysis_begin(struct lg_analysing *an, struct lg_ctx *cx, const struct lg_policies *a,
    const struct lg_policies *b, const struct lg_schema *schema, const struct lg_analysis *how, struct lg_findings *ret);
void lg_analysis_end(struct lg_analysing *an);
/* hits[i]: policy i matches; of `only_scopes`, those with clauses do not.  False when the request could not be set up. */
bool lg_analysis_try(struct lg_analysing *an, const struct lg_policies *set, const struct lg_sample *s, bool only_scopes,
    bool *hits);
/* Is it allowed?  `without`: a policy left out, or UINT32_MAX. */
bool lg_analysis_allows(const struct lg_policies *set, const bool *hits, uint32_t without);
void lg_analysis_add(struct lg_analysing *an, const struct lg_finding *f, const struct lg_sample *witness);
bool lg_analysis_spent(const struct lg_analysing *an);

/* No request can satisfy its conditions. */
bool lg_policy_contradicts_itself(const struct lg_policy *p);
/* Whatever `low` matches, `wide` matches too, by what stands in them. */
bool lg_policy_implies(const struct lg_schema *schema, const struct lg_policy *low, const struct lg_policy *wide);

/* Is x a comparison of something with a literal?  `positive`: that it is true, else that it is false; *op as if *e stood on the left. */
bool lg_comparison(const struct lg_expr *x, bool positive, const struct lg_expr **e, const struct lg_value **literal, enum lg_op *op);

#endif
