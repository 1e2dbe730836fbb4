/* set.h: a compiled policy set as the folder sees it. */
#ifndef LG_POLICY_SET_H
#define LG_POLICY_SET_H

#include <stdatomic.h>

#include "base/map.h"
#include "policy/ast.h"
#include "policy/index.h"

struct lg_policies {
	atomic_uint refs;
	struct lg_arena *arena;
	struct lg_schema *schema;		/* a reference, or NULL */
	struct lg_policy **v;
	uint32_t n;
	/* A set that was made by a change stands on a whole one, or NULL: a policy that is in both at the same number is found by
	 * what the base has of it.  by_id and index are of the others alone, the recent ones. */
	struct lg_policies *base;
	uint32_t nrecent;
	struct lg_map by_id;			/* id -> (void *)(number + 1) */
	struct lg_name *names;
	uint32_t nnames;
	struct lg_index index;
};

/* What `layer`, the set or its base, says of this number is so in the set. */
static inline bool
lg_set_holds(const struct lg_policies *set, const struct lg_policies *layer, uint32_t number)
{
	return layer == set || (number < set->n && layer->v[number] == set->v[number]);
}

/* ---- making one (compile.c) ------------------------------------------------------------------- */

struct lg_beside {			/* the set that a new one comes from */
	const struct lg_policies *was;
	const bool *gone;		/* by number in it */
};

struct lg_policies *lg_set_new(const struct lg_schema *schema);
/* Sources and links become the policies of `set`, without index.  `names` are those known before, set->nnames of them.  Ids
 * must not clash with `beside`, or NULL, and its templates can be linked to. */
LG_CHECKED lg_err lg_set_compile(struct lg_ctx *cx, struct lg_policies *set, const struct lg_beside *beside, struct lg_map *names,
    const struct lg_policy_source *sources, size_t n, const struct lg_policy_options *options, struct lg_policy_faults *faults);
void lg_set_keep_names(struct lg_policies *set, const struct lg_map *names);
/* The same policy, with nothing shared; its names from `names`, sources from `sources` (both grow). */
struct lg_policy *lg_policy_copy(struct lg_arena *a, struct lg_map *names, struct lg_map *sources, const struct lg_policy *p);
/* The same text; of links, the same template and entities. */
bool lg_policy_same(const struct lg_policy *x, const struct lg_policy *y);

#endif
