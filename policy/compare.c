/*
 * compare.c: does one set allow what another does not?
 * A request that shows it is proof.  With scopes alone the least requests suffice: if any shows it, then the least one that the
 * permit (and the old forbid that is gone) matches does.  Conditions are tried on requests made for them.
 */
#include "policy/analyse.h"
#include "policy/check.h"

struct comparing {
	struct lg_analysing an;
	const struct lg_policies *before, *after;
	bool *old_hits, *new_hits;
	struct lg_sample *s;
	uint32_t me;				/* number of the permit at hand, in `after` */
};

/* The new set allows the request, by this policy, and the old one does not. */
static bool
is_wider(void *self)
{
	struct comparing *c = self;
	struct lg_analysing *an = &c->an;

	return lg_analysis_try(an, c->after, c->s, false, c->new_hits) && c->new_hits[c->me] &&
	    lg_analysis_allows(c->after, c->new_hits, UINT32_MAX) && lg_analysis_try(an, c->before, c->s, false, c->old_hits) &&
	    !lg_analysis_allows(c->before, c->old_hits, UINT32_MAX);
}

/* q: NULL, or a policy that the request is to suit too. */
static bool
try_pair(struct comparing *c, const struct lg_sample_env *env, const struct lg_policy *q, bool loose)
{
	const struct lg_policy *p = c->after->v[c->me];
	struct lg_finding f = { .kind = LG_FINDING_WIDENS, .exact = true, .policy = p->info.id };
	bool wider = lg_sample_make(&c->an.sampler, &c->an.work, env, p, q, loose, c->s) && is_wider(c);

	if (wider) {
		lg_sample_shrink(&c->an.sampler, &c->an.work, env, c->s, is_wider, c);
		lg_analysis_add(&c->an, &f, c->s);
	}
	lg_arena_reset(c->an.scratch);
	return wider;
}

/* The least request of the permit, alone and where each forbid of the old set met it. */
static bool
try_least(struct comparing *c)
{
	for (uint32_t e = 0; e < c->an.nenv; e++) {
		if (try_pair(c, &c->an.env[e], NULL, false))
			return true;
		for (uint32_t i = 0; i < c->before->n; i++)
			if (c->before->v[i]->info.effect == LG_FORBID && !c->before->v[i]->info.is_template &&
			    !lg_analysis_spent(&c->an) && try_pair(c, &c->an.env[e], c->before->v[i], false))
				return true;
	}
	return false;
}

static bool
try_samples(struct comparing *c)
{
	for (uint32_t n = 0; n < c->an.samples * c->an.nenv && !lg_analysis_spent(&c->an); n++) {
		const struct lg_policy *with = n % 2 == 0 || c->before->n == 0 ? NULL : c->before->v[n / 2 % c->before->n];

		if (try_pair(c, &c->an.env[n % c->an.nenv], with, true))
			return true;
	}
	return false;
}

/* ---- proof without requests ------------------------------------------------------------------ */

static bool
covered_in(const struct comparing *c, const struct lg_policies *set, const struct lg_policy *p)
{
	for (uint32_t i = 0; i < set->n; i++)
		if (set->v[i]->info.effect == p->info.effect && lg_policy_implies(c->an.schema, p, set->v[i]))
			return true;
	return false;
}

/* Every permit of `after` implies one of `before` or never matches, and every forbid of `before` one of `after`. */
static bool
is_proved(const struct comparing *c)
{
	for (uint32_t i = 0; i < c->after->n; i++)
		if (c->after->v[i]->info.effect == LG_PERMIT && !c->after->v[i]->info.is_template &&
		    !lg_policy_contradicts_itself(c->after->v[i]) &&
		    !covered_in(c, c->before, c->after->v[i]))
			return false;
	for (uint32_t i = 0; i < c->before->n; i++)
		if (c->before->v[i]->info.effect == LG_FORBID && !c->before->v[i]->info.is_template &&
		    !covered_in(c, c->after, c->before->v[i]))
			return false;
	return true;
}

static bool
only_scopes(const struct lg_policies *set)
{
	for (uint32_t i = 0; i < set->n; i++)
		if (set->v[i]->nclauses > 0)
			return false;
	return true;
}

static void
compare(struct comparing *c)
{
	bool scopes = only_scopes(c->before) && only_scopes(c->after), exact = is_proved(c);
	struct lg_finding none = { .kind = LG_FINDING_NO_WIDER };

	for (uint32_t i = 0; i < c->after->n && !exact; i++) {
		const struct lg_policy *p = c->after->v[i];

		c->me = i;
		if (p->info.effect == LG_PERMIT && !p->info.is_template && !try_least(c) && !scopes)
			(void)try_samples(c);
	}
	none.exact = exact || (scopes && !c->an.sampler.guessed && !lg_analysis_spent(&c->an));
	if (c->an.ret->n == 0)
		lg_analysis_add(&c->an, &none, NULL);
}

lg_err
lg_policies_compare(struct lg_ctx *cx, const struct lg_policies *before, const struct lg_policies *after,
    const struct lg_schema *schema, const struct lg_analysis *how, struct lg_findings *ret)
{
	struct comparing c = { .before = before, .after = after };

	LG_TRY(lg_analysis_begin(&c.an, cx, before, after, schema, how, ret));
	c.old_hits = LG_NEWS(cx->arena, bool, before->n);
	c.new_hits = LG_NEWS(cx->arena, bool, after->n);
	c.s = LG_NEW(cx->arena, struct lg_sample);
	compare(&c);
	lg_analysis_end(&c.an);
	return LG_OK;
}
