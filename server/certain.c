/*
 * certain.c: one answer for all entries of a class, where there is one.
 *
 * The policies are evaluated as far as principal, action, attribute and class decide them; the entry's dn and owner and the time
 * are left open.  Where nothing depends on what is open, reading 100,000 entries takes this one look.
 */
#include "server/entities.h"
#include "server/point_internal.h"

/* What became of both sets' policies, by effect. */
struct remains {
	size_t sure[2], open[2];
	bool forbid_erred;
};

static const lg_str of_the_moment[] = { LG_STR("now"), LG_STR("revision") };

static bool
changes(lg_str name)
{
	for (size_t i = 0; i < LG_COUNT(of_the_moment); i++)
		if (lg_str_eq(of_the_moment[i], name))
			return true;
	return false;
}

static lg_err
lasting(struct lg_ctx *cx, const struct lg_record *context, const struct lg_record **ret)
{
	struct lg_field *f = LG_NEWS(cx->arena, struct lg_field, context->n);
	struct lg_value record;
	size_t n = 0;

	for (uint32_t i = 0; i < context->n; i++)
		if (!changes(context->v[i].name.text))
			f[n++] = context->v[i];
	LG_TRY(lg_value_record(cx, f, n, &record));
	*ret = record.u.record;
	return LG_OK;
}

static lg_err
look(struct lg_ctx *cx, const struct lg_policies *set, const struct lg_entities *port, const struct lg_partial_request *rq,
    struct remains *left)
{
	struct lg_partial *partial = NULL;
	struct lg_policy_info info;

	LG_TRY(lg_partial_new(cx, set, port, rq, &partial));
	for (size_t i = 0; i < lg_partial_count(partial); i++) {
		struct lg_residual r = lg_partial_at(partial, i);
		lg_policies_info(set, r.policy, &info);
		left->sure[info.effect] += r.kind == LG_RESIDUAL_TRUE;
		left->open[info.effect] += r.kind == LG_RESIDUAL_OPEN;
		left->forbid_erred |= r.kind == LG_RESIDUAL_ERROR && info.effect == LG_FORBID;
	}
	return LG_OK;
}

static lg_err
look_at_both(struct lg_point *p, struct lg_ctx *cx, struct lg_view *v, const struct tenant_set *t, const struct lg_question *q,
    bool *certain, bool *permit)
{
	struct lg_request rq = lg_point_uids(cx, q);
	struct lg_partial_request part = { .principal = rq.principal, .action = rq.action, .resource = rq.resource,
		.unknown = of_the_moment, .nunknown = LG_COUNT(of_the_moment) };
	struct lg_entity_source es;
	struct remains left = { .forbid_erred = false };

	LG_TRY(lg_point_context(cx, v, q, &rq.context));
	LG_TRY(lg_request_validate(cx, p->schema, &rq));
	LG_TRY(lasting(cx, rq.context, &part.context));
	lg_entity_source_init(&es, cx, v, q->tenant);
	es.any_entry = true;
	LG_TRY(lg_point_synthetic(&es, q, &rq));
	struct lg_entities port = lg_entity_source_port(&es);
	LG_TRY(look(cx, p->system, &port, &part, &left));
	LG_TRY(look(cx, t->policies, &port, &part, &left));
	bool denied = left.sure[LG_FORBID] > 0 || left.forbid_erred || left.sure[LG_PERMIT] + left.open[LG_PERMIT] == 0;
	*permit = !denied && left.sure[LG_PERMIT] > 0;
	*certain = !es.failed && (denied || (*permit && left.open[LG_FORBID] == 0));
	return LG_OK;
}

lg_err
lg_point_certain(struct lg_point *p, struct lg_ctx *cx, struct lg_view *v, const struct lg_question *q, bool *certain, bool *permit)
{
	const struct tenant_set *t = lg_snapshot_find(lg_published_begin(p->sets), q->tenant);
	lg_err e = LG_OK;

	*certain = false;
	if (t != NULL)
		e = look_at_both(p, cx, v, t, q, certain, permit);
	lg_published_end(p->sets);
	return e;
}
