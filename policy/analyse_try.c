/* analyse_try.c: made requests, decided policy by policy. */
#include "policy/analyse.h"
#include "policy/decide.h"

static void
list_environments(struct lg_analysing *an)
{
	const struct lg_schema *s = an->schema;
	uint32_t n = 0;

	for (uint32_t i = 0; i < s->nactions; i++)
		n += s->action[i]->nprincipals * s->action[i]->nresources;
	an->env = LG_NEWS(an->cx->arena, struct lg_sample_env, n);
	for (uint32_t i = 0; i < s->nactions; i++)
		for (uint32_t p = 0; p < s->action[i]->nprincipals; p++)
			for (uint32_t r = 0; r < s->action[i]->nresources; r++)
				an->env[an->nenv++] = (struct lg_sample_env){ s->action[i], s->action[i]->principals[p],
					s->action[i]->resources[r] };
}

lg_err
lg_analysis_begin(struct lg_analysing *an, struct lg_ctx *cx, const struct lg_policies *a, const struct lg_policies *b,
    const struct lg_schema *schema, const struct lg_analysis *how, struct lg_findings *ret)
{
	if (a->n > LG_ANALYSIS_POLICIES_MAX || (b != NULL && b->n > LG_ANALYSIS_POLICIES_MAX))
		return lg_fail(cx, LG_E_LIMIT, "analysis: more than %d policies", LG_ANALYSIS_POLICIES_MAX);
	if (how->samples > LG_ANALYSIS_SAMPLES_MAX)
		return lg_fail(cx, LG_E_LIMIT, "analysis: more than %d samples", LG_ANALYSIS_SAMPLES_MAX);
	*an = (struct lg_analysing){ .cx = cx, .schema = schema, .samples = how->samples == 0 ? 50 : how->samples, .ret = ret };
	*ret = (struct lg_findings){ 0 };
	list_environments(an);
	lg_sampler_init(&an->sampler, cx, schema, how->seed);
	lg_sampler_learn(&an->sampler, a);
	if (b != NULL)
		lg_sampler_learn(&an->sampler, b);
	an->scratch = lg_arena_new();
	lg_ctx_init(&an->work, an->scratch);
	return LG_OK;
}

void
lg_analysis_end(struct lg_analysing *an)
{
	lg_arena_free(&an->scratch);
}

bool
lg_analysis_spent(const struct lg_analysing *an)
{
	return an->spent > LG_ANALYSIS_WORK_MAX;
}

static bool
matches(struct lg_eval *ev, const struct lg_policy *p)
{
	lg_eval_start(ev);
	return lg_scope_match(ev, &p->action, VAR_ACTION) == LG_PRESENT &&
	    lg_scope_match(ev, &p->principal, VAR_PRINCIPAL) == LG_PRESENT &&
	    lg_scope_match(ev, &p->resource, VAR_RESOURCE) == LG_PRESENT && lg_policy_run(ev, p) == OUTCOME_YES;
}

bool
lg_analysis_try(struct lg_analysing *an, const struct lg_policies *set, const struct lg_sample *s, bool only_scopes, bool *hits)
{
	struct lg_entity_store *st = lg_entity_store_new();
	struct lg_entities port;
	struct lg_eval ev;
	lg_err e = LG_OK;

	for (uint32_t i = 0; i < s->nrows && e == LG_OK; i++)
		e = lg_entity_store_add(&an->work, st, &s->rows[i]);
	if (e == LG_OK)
		e = lg_entity_store_finish(&an->work, st);	/* a cycle of groups is no world */
	if (e == LG_OK) {
		port = lg_entity_store_port(st);
		lg_eval_init(&ev, &an->work, &port, an->schema, &s->rq);
		for (uint32_t i = 0; i < set->n; i++)
			hits[i] = !set->v[i]->info.is_template && (!only_scopes || set->v[i]->nclauses == 0) &&
			    matches(&ev, set->v[i]);
		an->spent += set->n;
		an->ret->tried++;
	}
	lg_entity_store_free(&st);
	return e == LG_OK;
}

bool
lg_analysis_allows(const struct lg_policies *set, const bool *hits, uint32_t without)
{
	bool permitted = false;

	for (uint32_t i = 0; i < set->n; i++) {
		if (!hits[i] || i == without)
			continue;
		if (set->v[i]->info.effect == LG_FORBID)
			return false;
		permitted = true;
	}
	return permitted;
}

void
lg_analysis_add(struct lg_analysing *an, const struct lg_finding *f, const struct lg_sample *witness)
{
	struct lg_arena *a = an->cx->arena;
	struct lg_finding *kept;

	if (an->ret->n == an->size) {
		struct lg_finding *v = LG_NEWS(a, struct lg_finding, an->size = an->size == 0 ? 16 : an->size * 2);

		if (an->ret->n > 0)
			memcpy(v, an->found, an->ret->n * sizeof(*v));
		an->found = v;
		an->ret->v = v;
	}
	kept = &an->found[an->ret->n++];
	*kept = *f;
	kept->policy = lg_dup(a, f->policy);
	kept->by = lg_dup(a, f->by);
	if (witness == NULL)
		return;
	struct lg_request *rq = LG_NEW(a, struct lg_request);
	struct lg_value context = { LG_V_RECORD, { .record = witness->rq.context } };
	*rq = (struct lg_request){ .principal = lg_euid_dup(a, &witness->rq.principal), .action = lg_euid_dup(a, &witness->rq.action),
		.resource = lg_euid_dup(a, &witness->rq.resource), .context = lg_value_copy(a, &context).u.record };
	kept->witness = rq;
	kept->entities = lg_sample_text(an->cx, witness);
}
