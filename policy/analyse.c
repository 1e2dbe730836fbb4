/*
 * analyse.c: policies that never match, always match, or change nothing.
 * Scopes only ask for more (to be in a group), so what matches the least request that a policy matches, matches all of them:
 * one request for each environment proves it.  Of conditions some follow from others (imply.c); the rest is tried on requests
 * made for them.
 */
#include <stdlib.h>

#include "policy/analyse.h"
#include "policy/partial.h"

struct verdict {
	bool possible, always;
	bool found;
	struct lg_finding f;
	struct lg_sample *witness;
};

/* ---- by types ------------------------------------------------------------------------------- */

/* Every policy in one environment, nothing known but types. */
static void
look_at_types(struct lg_analysing *an, const struct lg_policies *set, const struct lg_entities *nothing,
    const struct lg_sample_env *env, struct verdict *v)
{
	struct lg_partial_request rq = { .principal = lg_euid_any(env->principal), .resource = lg_euid_any(env->resource),
		.action = env->action->uid, .context_open = true };
	struct lg_partial *p = lg_partial_make(&an->work, set, nothing, an->schema, &rq);
	uint32_t k = 0;

	for (uint32_t i = 0; i < set->n; i++) {
		bool here = k < p->n && p->v[k].policy == i;

		v[i].always = v[i].always && here && p->v[k].kind == LG_RESIDUAL_TRUE;
		v[i].possible = v[i].possible || (here && p->v[k].kind != LG_RESIDUAL_ERROR);
		k += here;
	}
	lg_arena_reset(an->scratch);
}

static lg_err
by_types(struct lg_analysing *an, const struct lg_policies *set, struct verdict *v)
{
	struct lg_entity_store *st = lg_entity_store_new();
	struct lg_entities nothing;
	lg_err e;

	lg_entity_store_holds(st, LG_NONE);		/* of no type is all known */
	e = lg_entity_store_finish(an->cx, st);
	nothing = lg_entity_store_port(st);
	for (uint32_t i = 0; i < set->n; i++)
		v[i].always = an->nenv > 0;
	for (uint32_t i = 0; i < an->nenv && e == LG_OK; i++)
		look_at_types(an, set, &nothing, &an->env[i], v);
	for (uint32_t i = 0; i < set->n; i++) {
		v[i].found = v[i].always || !v[i].possible;
		v[i].f = (struct lg_finding){ .kind = v[i].always ? LG_FINDING_ALWAYS : LG_FINDING_NEVER, .exact = true };
	}
	lg_entity_store_free(&st);
	return e;
}

/* ---- by scopes ------------------------------------------------------------------------------ */

static void
found_as(struct verdict *v, enum lg_finding_kind kind, bool exact, lg_str by)
{
	v->found = true;
	v->f = (struct lg_finding){ .kind = kind, .exact = exact, .by = by };
}

/* Another policy of this effect that matches; one that was found superfluous does not count. */
static uint32_t
other(const struct lg_policies *set, const bool *hits, const struct verdict *v, uint32_t me, enum lg_policy_effect effect)
{
	for (uint32_t i = 0; i < set->n; i++)
		if (i != me && hits[i] && set->v[i]->info.effect == effect && !(v[i].found && v[i].f.kind >= LG_FINDING_SHADOWED))
			return i;
	return UINT32_MAX;
}

static void
by_scopes(struct lg_analysing *an, const struct lg_policies *set, uint32_t me, bool *hits, struct verdict *v)
{
	const struct lg_policy *p = set->v[me];
	bool shadowed = p->info.effect == LG_PERMIT, covered = true;
	uint32_t shadow = UINT32_MAX, cover = UINT32_MAX, seen = 0;
	struct lg_sample *s = LG_NEW(an->cx->arena, struct lg_sample);

	an->sampler.guessed = false;
	for (uint32_t i = 0; i < an->nenv && (shadowed || covered); i++) {
		uint32_t by;

		if (lg_sample_make(&an->sampler, &an->work, &an->env[i], p, NULL, false, s) &&
		    lg_analysis_try(an, set, s, true, hits)) {
			seen++;
			by = other(set, hits, v, me, LG_FORBID);
			shadowed = shadowed && by != UINT32_MAX;
			shadow = shadow == UINT32_MAX ? by : shadow;
			by = other(set, hits, v, me, p->info.effect);
			covered = covered && by != UINT32_MAX;
			cover = cover == UINT32_MAX ? by : cover;
		}
		lg_arena_reset(an->scratch);
	}
	if (seen == 0 || an->sampler.guessed)
		return;
	if (shadowed)
		found_as(&v[me], LG_FINDING_SHADOWED, true, set->v[shadow]->info.id);
	else if (covered)
		found_as(&v[me], LG_FINDING_REDUNDANT, true, set->v[cover]->info.id);
}

/* ---- by conditions -------------------------------------------------------------------------- */

static void
by_conditions(struct lg_analysing *an, const struct lg_policies *set, uint32_t me, struct verdict *v)
{
	const struct lg_policy *p = set->v[me];

	if (lg_policy_contradicts_itself(p)) {
		found_as(&v[me], LG_FINDING_NEVER, true, LG_NONE);
		return;
	}
	for (uint32_t i = 0; i < set->n && !v[me].found; i++) {
		enum lg_policy_effect effect = set->v[i]->info.effect;

		/* A permit that is forbidden is shadowed; one that was found superfluous itself explains nothing. */
		if (i == me || (v[i].found && v[i].f.kind >= LG_FINDING_SHADOWED) ||
		    (effect != p->info.effect && effect != LG_FORBID) || !lg_policy_implies(an->schema, p, set->v[i]))
			continue;
		found_as(&v[me], effect == p->info.effect ? LG_FINDING_REDUNDANT : LG_FINDING_SHADOWED, true, set->v[i]->info.id);
	}
}

/* ---- by samples ----------------------------------------------------------------------------- */

struct counts {
	uint32_t tried, matched, mattered, forbidden;
};

static void
count_try(const struct lg_policies *set, const bool *hits, uint32_t me, struct counts *c)
{
	bool forbidden = false;

	c->tried++;
	if (!hits[me])
		return;
	for (uint32_t i = 0; i < set->n; i++)
		forbidden = forbidden || (hits[i] && i != me && set->v[i]->info.effect == LG_FORBID);
	c->matched++;
	c->forbidden += forbidden;
	c->mattered += lg_analysis_allows(set, hits, UINT32_MAX) != lg_analysis_allows(set, hits, me);
}

static void
by_samples(struct lg_analysing *an, const struct lg_policies *set, uint32_t me, bool *hits, struct verdict *v)
{
	struct lg_sample *s = LG_NEW(an->cx->arena, struct lg_sample);
	struct counts c = { 0 };

	for (uint32_t n = 0; n < an->samples * an->nenv && c.tried < an->samples && c.mattered == 0; n++) {
		/* With every other policy in turn: what changes nothing alone may matter where it meets one. */
		const struct lg_policy *with = n % 2 == 0 ? NULL : set->v[n / 2 % set->n];

		if (lg_analysis_spent(an))
			return;
		if (lg_sample_make(&an->sampler, &an->work, &an->env[n % an->nenv], set->v[me], with, true, s) &&
		    lg_analysis_try(an, set, s, false, hits))
			count_try(set, hits, me, &c);
		lg_arena_reset(an->scratch);
	}
	if (c.mattered > 0 || c.tried == 0)
		return;
	if (c.matched == 0)
		found_as(&v[me], LG_FINDING_NEVER, false, LG_NONE);
	else if (set->v[me]->info.effect == LG_PERMIT && c.forbidden == c.matched)
		found_as(&v[me], LG_FINDING_SHADOWED, false, LG_NONE);
	else
		found_as(&v[me], LG_FINDING_REDUNDANT, false, LG_NONE);
}

lg_err
lg_policies_analyse(struct lg_ctx *cx, const struct lg_policies *set, const struct lg_schema *schema,
    const struct lg_analysis *how, struct lg_findings *ret)
{
	struct verdict *v = LG_NEWS(cx->arena, struct verdict, set->n);
	bool *hits = LG_NEWS(cx->arena, bool, set->n);
	struct lg_analysing an;
	lg_err e;

	LG_TRY(lg_analysis_begin(&an, cx, set, NULL, schema, how, ret));
	e = by_types(&an, set, v);
	for (uint32_t i = set->n; i-- > 0 && e == LG_OK;) {		/* of two that are alike the later one is superfluous */
		if (set->v[i]->info.is_template || (v[i].found && v[i].f.kind == LG_FINDING_NEVER))
			continue;
		by_scopes(&an, set, i, hits, v);
		if (!v[i].found)
			by_conditions(&an, set, i, v);
		if (!v[i].found && set->v[i]->nclauses > 0)
			by_samples(&an, set, i, hits, v);
	}
	for (uint32_t i = 0; i < set->n && e == LG_OK; i++)
		if (v[i].found && !set->v[i]->info.is_template) {
			v[i].f.policy = set->v[i]->info.id;
			lg_analysis_add(&an, &v[i].f, NULL);
		}
	lg_analysis_end(&an);
	return e;
}
