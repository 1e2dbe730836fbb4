/* sample.c: requests made to suit policies. */
#include "policy/sample.h"

#include "policy/print.h"

#define ELEMENTS 3			/* of a made set */

uint32_t
lg_sample_below(struct lg_sampler *sm, uint32_t n)
{
	/* splitmix64 */
	uint64_t z = sm->state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return (uint32_t)((z ^ (z >> 31)) % n);
}

/* ---- constants ------------------------------------------------------------------------------ */

static void
learn(struct lg_sampler *sm, const struct lg_value *v)
{
	if (v->kind == LG_V_ENTITY)
		*lg_map_at(&sm->ids, v->u.e.uid->id) = sm;
	for (uint32_t i = 0; i < sm->n; i++)
		if (lg_value_eq(&sm->pool[i], v))
			return;
	if (v->kind == LG_V_SET)
		for (uint32_t i = 0; i < v->u.set->n; i++)
			learn(sm, &v->u.set->v[i]);
	else if (sm->n < LG_SAMPLE_POOL && v->kind != LG_V_RECORD)
		sm->pool[sm->n++] = *v;
}

static void
learn_pattern(struct lg_sampler *sm, lg_str pattern)
{
	char *text = lg_alloc(sm->cx->arena, pattern.n + 1);
	size_t n = 0;
	struct lg_value v;

	for (size_t i = 0; i < pattern.n; i++)
		if ((unsigned char)pattern.p[i] != LG_PATTERN_STAR)
			text[n++] = pattern.p[i];
	v = lg_value_string((lg_str){ text, n });
	learn(sm, &v);
}

static bool
learn_node(void *self, struct lg_expr *x)
{
	struct lg_sampler *sm = self;
	struct lg_value near;

	if (x->op == X_LIKE)
		learn_pattern(sm, x->pattern);
	if (x->constant == NULL)
		return true;
	learn(sm, x->constant);
	near = *x->constant;		/* comparisons change at the next value */
	if ((near.kind == LG_V_LONG || near.kind == LG_V_DATETIME) && near.u.i < INT64_MAX) {
		near.u.i++;
		learn(sm, &near);
	}
	return true;
}

void
lg_sampler_init(struct lg_sampler *sm, struct lg_ctx *cx, const struct lg_schema *schema, uint64_t seed)
{
	*sm = (struct lg_sampler){ .cx = cx, .schema = schema, .state = seed };
	lg_map_init(&sm->ids, cx->arena);
}

void
lg_sampler_learn(struct lg_sampler *sm, const struct lg_policies *set)
{
	for (uint32_t i = 0; i < set->n; i++) {
		const struct lg_policy *p = set->v[i];
		const struct lg_scope *scopes[] = { &p->principal, &p->resource };

		for (size_t k = 0; k < LG_COUNT(scopes); k++)
			for (uint32_t u = 0; u < scopes[k]->n; u++) {
				struct lg_value v = lg_value_entity(&scopes[k]->uids[u]);

				learn(sm, &v);
			}
		for (uint32_t k = 0; k < p->nclauses; k++)
			lg_expr_walk(p->clauses[k].body, learn_node, sm);
	}
}

/* ---- values --------------------------------------------------------------------------------- */

/* A constant of the kind (and type of entity); false with none, and sometimes. */
static bool
from_pool(struct lg_sampler *sm, enum lg_kind kind, lg_str type, struct lg_value *ret)
{
	uint32_t start = sm->n == 0 ? 0 : lg_sample_below(sm, sm->n);

	if (lg_sample_below(sm, 4) == 0)
		return false;
	for (uint32_t i = 0; i < sm->n; i++) {
		const struct lg_value *v = &sm->pool[(start + i) % sm->n];

		if (v->kind != kind || (kind == LG_V_ENTITY && !lg_str_eq(v->u.e.uid->type, type)))
			continue;
		*ret = *v;
		return true;
	}
	return false;
}

static struct lg_value
make_entity(struct lg_sampler *sm, struct lg_ctx *cx, lg_str type, const struct lg_sample *s)
{
	const struct lg_schema_entity *e = lg_schema_entity_find(sm->schema, type);
	struct lg_euid *uid = LG_NEW(cx->arena, struct lg_euid);
	struct lg_value v;

	*uid = lg_euid_of(type, LG_STR("other"));
	if (e != NULL && e->is_enum && e->nids > 0)
		*uid = lg_euid_of(type, e->ids[lg_sample_below(sm, e->nids)]);
	else if (lg_str_eq(type, s->rq.principal.type) && lg_sample_below(sm, 2) == 0)
		*uid = s->rq.principal;
	else if (lg_str_eq(type, s->rq.resource.type) && lg_sample_below(sm, 2) == 0)
		*uid = s->rq.resource;
	else if (from_pool(sm, LG_V_ENTITY, type, &v))
		return v;
	return lg_value_entity(uid);
}

static struct lg_value
make_extension(struct lg_sampler *sm, struct lg_ctx *cx, enum lg_kind kind)
{
	struct lg_value v = { kind, { .i = (int64_t)lg_sample_below(sm, 1000) - 500 } };
	struct lg_ip *ip;

	if (from_pool(sm, kind, LG_NONE, &v) || kind != LG_V_IP)
		return v;
	ip = LG_NEW(cx->arena, struct lg_ip);
	*ip = (struct lg_ip){ .b = { 10, (uint8_t)lg_sample_below(sm, 256), 0, (uint8_t)lg_sample_below(sm, 256) }, .prefix = 32 };
	v.u.ip = ip;
	return v;
}

static struct lg_value
make_record(struct lg_sampler *sm, struct lg_ctx *cx, const struct lg_type *t, const struct lg_sample *s)
{
	struct lg_field *v = LG_NEWS(cx->arena, struct lg_field, t->n);
	struct lg_record *r = LG_NEW(cx->arena, struct lg_record);
	uint32_t n = 0;

	for (uint32_t i = 0; i < t->n; i++)
		if (!t->attrs[i].optional || lg_sample_below(sm, 3) > 0)
			v[n++] = (struct lg_field){ t->attrs[i].name, lg_sample_value(sm, cx, t->attrs[i].type, s) };
	*r = (struct lg_record){ n, v };		/* the type's order is the record's */
	return (struct lg_value){ LG_V_RECORD, { .record = r } };
}

static struct lg_value
make_set(struct lg_sampler *sm, struct lg_ctx *cx, const struct lg_type *element, const struct lg_sample *s)
{
	static const struct lg_set nothing = { 0, NULL };
	struct lg_value *v = LG_NEWS(cx->arena, struct lg_value, ELEMENTS), r;
	uint32_t n = element == NULL ? 0 : lg_sample_below(sm, ELEMENTS + 1);

	for (uint32_t i = 0; i < n; i++)
		v[i] = lg_sample_value(sm, cx, element, s);
	if (lg_value_set(cx, v, n, &r) != LG_OK)
		r = (struct lg_value){ LG_V_SET, { .set = &nothing } };
	return r;
}

struct lg_value
lg_sample_value(struct lg_sampler *sm, struct lg_ctx *cx, const struct lg_type *t, const struct lg_sample *s)
{
	struct lg_value v;

	switch (t->kind) {
	case TY_LONG: return from_pool(sm, LG_V_LONG, LG_NONE, &v) ? v : lg_value_long((int64_t)lg_sample_below(sm, 200) - 100);
	case TY_STRING: return from_pool(sm, LG_V_STRING, LG_NONE, &v) ? v : lg_value_string(LG_STR("text"));
	case TY_ENTITY: return make_entity(sm, cx, t->entities[0], s);
	case TY_SET: return make_set(sm, cx, t->element, s);
	case TY_RECORD: return make_record(sm, cx, t, s);
	case TY_EXT: return make_extension(sm, cx, t->ext);
	default: return lg_value_bool(lg_sample_below(sm, 2) == 0);
	}
}

/* ---- the least entity that scopes match ------------------------------------------------------ */

bool
lg_sample_may_be_in(const struct lg_sampler *sm, lg_str type, lg_str above)
{
	const struct lg_schema_entity *e = lg_schema_entity_find(sm->schema, type);

	return e != NULL && lg_schema_type_within(e, above);
}

struct least {
	lg_str type;
	const struct lg_euid *self;		/* it must be this one */
	const struct lg_euid *in[4];
	uint32_t n;
};

/* Adds what one scope asks for; false when that cannot be. */
static bool
least_add(const struct lg_sampler *sm, struct least *l, const struct lg_scope *sc)
{
	const struct lg_euid *self = NULL;

	if (sc->kind == SCOPE_ANY)
		return true;
	if ((sc->kind == SCOPE_IS || sc->kind == SCOPE_IS_IN) && !lg_str_eq(sc->type, l->type))
		return false;
	if (sc->kind == SCOPE_IS)
		return true;
	if (sc->kind == SCOPE_EQ || !lg_sample_may_be_in(sm, l->type, sc->uids[0].type))
		self = &sc->uids[0];		/* in the sense that everything is in itself */
	else
		l->in[l->n++] = &sc->uids[0];
	if (self == NULL)
		return true;
	if (!lg_str_eq(self->type, l->type) || (l->self != NULL && !lg_euid_eq(l->self, self)))
		return false;
	l->self = self;
	return true;
}

/* A name that no policy knows; of an enumeration any name. */
static bool
least_uid(struct lg_sampler *sm, struct lg_ctx *cx, const struct least *l, lg_str id, struct lg_euid *ret)
{
	const struct lg_schema_entity *e = lg_schema_entity_find(sm->schema, l->type);

	if (l->self != NULL) {
		*ret = *l->self;
		return true;
	}
	if (e != NULL && e->is_enum) {
		sm->guessed = true;
		if (e->nids > 0)
			*ret = lg_euid_of(l->type, e->ids[lg_sample_below(sm, e->nids)]);
		return e->nids > 0;
	}
	while (lg_map_get(&sm->ids, id) != NULL)
		id = lg_cat(cx->arena, id, LG_STR("-"));
	*ret = lg_euid_of(l->type, id);
	return true;
}

/* ---- rows ----------------------------------------------------------------------------------- */

static void
add_parents(struct lg_sampler *sm, const struct least *l, bool loose, struct lg_entity_row *row, struct lg_euid *parents)
{
	for (uint32_t i = 0; i < l->n; i++)
		if (!lg_euid_eq(l->in[i], &row->uid))
			parents[row->nparents++] = *l->in[i];
	for (uint32_t i = 0; loose && i < sm->n; i++) {
		const struct lg_euid *up = sm->pool[i].kind == LG_V_ENTITY ? sm->pool[i].u.e.uid : NULL;

		if (up != NULL && !lg_str_eq(up->type, row->uid.type) && lg_sample_may_be_in(sm, row->uid.type, up->type) && lg_sample_below(sm, 4) == 0)
			parents[row->nparents++] = *up;
	}
	row->parents = parents;
}

static void
add_row(struct lg_sampler *sm, struct lg_ctx *cx, const struct lg_euid *uid, const struct least *l, bool loose,
    struct lg_sample *s)
{
	const struct lg_schema_entity *e = lg_schema_entity_find(sm->schema, uid->type);
	struct lg_entity_row *row = &s->rows[s->nrows];

	for (uint32_t i = 0; i < s->nrows; i++)
		if (lg_euid_eq(&s->rows[i].uid, uid))
			return;
	if (e == NULL)
		return;
	*row = (struct lg_entity_row){ *uid, make_record(sm, cx, e->shape, s).u.record, NULL, NULL, 0 };
	if (l != NULL)
		add_parents(sm, l, loose, row, LG_NEWS(cx->arena, struct lg_euid, 4 + sm->n));
	s->nrows++;
}

static bool
action_matches(const struct lg_sample_env *env, const struct lg_policy *p)
{
	const struct lg_scope *sc = &p->action;

	for (uint32_t i = 0; i < sc->n; i++)
		if (lg_euid_eq(&sc->uids[i], &env->action->uid) ||
		    (sc->kind == SCOPE_IN && lg_schema_action_within(env->action, &sc->uids[i])))
			return true;
	return sc->kind == SCOPE_ANY;
}

bool
lg_sample_make(struct lg_sampler *sm, struct lg_ctx *cx, const struct lg_sample_env *env, const struct lg_policy *p,
    const struct lg_policy *q, bool loose, struct lg_sample *ret)
{
	struct least who = { .type = env->principal }, what = { .type = env->resource };
	const struct lg_policy *both[] = { p, q };
	struct lg_request *rq = &ret->rq;

	for (size_t i = 0; i < LG_COUNT(both); i++)
		if (both[i] != NULL && (!action_matches(env, both[i]) || !least_add(sm, &who, &both[i]->principal) ||
		    !least_add(sm, &what, &both[i]->resource)))
			return false;
	*ret = (struct lg_sample){ .rq = { .action = env->action->uid } };
	if (!least_uid(sm, cx, &who, LG_STR("someone"), &rq->principal) ||
	    !least_uid(sm, cx, &what, LG_STR("something"), &rq->resource))
		return false;
	if (lg_euid_eq(&rq->principal, &rq->resource)) {	/* one entity: it is in what both ask for */
		for (uint32_t i = 0; i < what.n; i++)
			who.in[who.n++] = what.in[i];
	}
	add_row(sm, cx, &rq->principal, &who, loose, ret);
	add_row(sm, cx, &rq->resource, &what, loose, ret);
	for (uint32_t i = 0; loose && i < sm->n; i++)
		if (sm->pool[i].kind == LG_V_ENTITY)
			add_row(sm, cx, sm->pool[i].u.e.uid, NULL, false, ret);
	rq->context = make_record(sm, cx, env->action->context, ret).u.record;
	for (size_t i = 0; loose && i < LG_COUNT(both); i++)	/* mostly, for what is not met is worth a try too */
		if (both[i] != NULL && lg_sample_below(sm, 4) > 0)
			lg_sample_wish(sm, cx, env, both[i], ret);
	return true;
}

lg_str
lg_sample_text(struct lg_ctx *cx, const struct lg_sample *s)
{
	struct lg_buf b = LG_BUF(64u << 10);
	lg_str text;

	for (uint32_t i = 0; i < s->nrows; i++) {
		struct lg_value attrs = { LG_V_RECORD, { .record = s->rows[i].attrs } };

		lg_buf_str(&b, lg_euid_text(cx->arena, &s->rows[i].uid));
		for (size_t k = 0; k < s->rows[i].nparents; k++) {
			lg_buf_str(&b, k == 0 ? LG_STR(" in [") : LG_STR(", "));
			lg_buf_str(&b, lg_euid_text(cx->arena, &s->rows[i].parents[k]));
		}
		lg_buf_str(&b, s->rows[i].nparents > 0 ? LG_STR("] ") : LG_STR(" "));
		lg_value_print(&b, &attrs);
		lg_buf_byte(&b, '\n');
	}
	text = lg_dup(cx->arena, lg_buf_view(&b));
	lg_buf_free(&b);
	return text;
}
