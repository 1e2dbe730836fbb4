/* sample.h: requests and entities made from a schema, with values that policies speak of. */
#ifndef LG_POLICY_SAMPLE_H
#define LG_POLICY_SAMPLE_H

#include "base/map.h"
#include "policy/schema.h"
#include "policy/set.h"

#define LG_SAMPLE_POOL 256		/* constants remembered */

struct lg_sampler {
	struct lg_ctx *cx;
	const struct lg_schema *schema;
	uint64_t state;
	struct lg_value pool[LG_SAMPLE_POOL];
	uint32_t n;
	struct lg_map ids;			/* of all entities that policies name */
	bool guessed;			/* a name had to be one that policies may speak of: the request is not the least */
};

struct lg_sample_env {			/* one environment of the schema */
	const struct lg_schema_action *action;
	lg_str principal, resource;
};

struct lg_sample {
	struct lg_request rq;
	struct lg_entity_row rows[2 + LG_SAMPLE_POOL];
	uint32_t nrows;
};

void lg_sampler_init(struct lg_sampler *sm, struct lg_ctx *cx, const struct lg_schema *schema, uint64_t seed);
void lg_sampler_learn(struct lg_sampler *sm, const struct lg_policies *set);
/* The least request that the scopes of p and (unless NULL) q both match: nothing is in more than they ask for, and the names
 * are new ones where they may be.  `loose` puts things into more groups, at random.  False when there is none. */
bool lg_sample_make(struct lg_sampler *sm, struct lg_ctx *cx, const struct lg_sample_env *env, const struct lg_policy *p,
    const struct lg_policy *q, bool loose, struct lg_sample *ret);
/* Changes a sample so that it meets conditions of p, as far as they are plain. */
void lg_sample_wish(struct lg_sampler *sm, struct lg_ctx *cx, const struct lg_sample_env *env, const struct lg_policy *p, struct lg_sample *s);
/* Takes out attributes that may be absent, as long as it is `still` what it was made for. */
void lg_sample_shrink(struct lg_sampler *sm, struct lg_ctx *cx, const struct lg_sample_env *env, struct lg_sample *s,
    bool (*still)(void *self), void *self);
struct lg_value lg_sample_value(struct lg_sampler *sm, struct lg_ctx *cx, const struct lg_type *t, const struct lg_sample *s);
uint32_t lg_sample_below(struct lg_sampler *sm, uint32_t n);
bool lg_sample_may_be_in(const struct lg_sampler *sm, lg_str type, lg_str above);
lg_str lg_sample_text(struct lg_ctx *cx, const struct lg_sample *s);		/* its entities, one a line */

#endif
