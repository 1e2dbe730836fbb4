/* copy.c: a compiled policy in another arena: what a set keeps when the one it came from goes. */
#include "policy/set.h"

struct copying {
	struct lg_arena *arena;
	struct lg_map *names, *sources;
};

static struct lg_expr *copy_expr(struct copying *c, const struct lg_expr *x);

static const struct lg_name *
copy_name(struct copying *c, const struct lg_name *name)
{
	void **slot = lg_map_at(c->names, name->text);
	struct lg_name *mine;

	if (*slot == NULL) {
		*slot = mine = LG_NEW(c->arena, struct lg_name);
		*mine = (struct lg_name){ lg_dup(c->arena, name->text), name->hash, name->id };
	}
	return *slot;
}

static void
copy_list(struct copying *c, const struct lg_expr *x, struct lg_expr *y)
{
	y->list = LG_NEWS(c->arena, struct lg_expr *, x->n);
	for (uint32_t i = 0; i < x->n; i++)
		y->list[i] = copy_expr(c, x->list[i]);
	if (x->op != X_RECORD)
		return;
	const struct lg_name **names = LG_NEWS(c->arena, const struct lg_name *, x->n);

	for (uint32_t i = 0; i < x->n; i++)
		names[i] = copy_name(c, x->names[i]);
	y->names = names;
}

static void
copy_parts(struct copying *c, const struct lg_expr *x, struct lg_expr *y)
{
	switch (x->op) {
	case X_LIT:
	case X_VAR:
	case X_SLOT:
		return;
	case X_AND:
	case X_OR:
	case X_SET:
	case X_RECORD:
	case X_CALL:
		copy_list(c, x, y);
		return;
	default:
		break;
	}
	y->a = copy_expr(c, x->a);
	switch (x->op) {
	case X_NOT:
	case X_NEG:
	case X_IS_EMPTY:
		break;
	case X_HAS:
	case X_GET:
		y->name = copy_name(c, x->name);
		break;
	case X_LIKE:
		y->pattern = lg_dup(c->arena, x->pattern);
		break;
	case X_IS:
		y->type = lg_dup(c->arena, x->type);
		y->in = x->in == NULL ? NULL : copy_expr(c, x->in);
		break;
	case X_IF:
		y->c = copy_expr(c, x->c);
		y->b = copy_expr(c, x->b);
		break;
	default:
		y->b = copy_expr(c, x->b);
	}
}

static struct lg_expr *
copy_expr(struct copying *c, const struct lg_expr *x)
{
	struct lg_expr *y = LG_NEW(c->arena, struct lg_expr);
	struct lg_value *v;

	*y = *x;
	copy_parts(c, x, y);
	if (x->constant != NULL) {
		v = x->op == X_LIT ? &y->literal : LG_NEW(c->arena, struct lg_value);
		*v = lg_value_copy(c->arena, x->constant);
		y->constant = v;
	}
	return y;
}

static void
copy_scope(struct copying *c, const struct lg_scope *from, struct lg_scope *to)
{
	to->type = lg_dup(c->arena, from->type);
	to->uids = LG_NEWS(c->arena, struct lg_euid, from->n);
	to->at = LG_NEWS(c->arena, uint32_t, from->n);
	for (uint32_t i = 0; i < from->n; i++) {
		to->uids[i] = lg_euid_dup(c->arena, &from->uids[i]);
		to->at[i] = from->at[i];
	}
}

/* Policies of one source share its copy. */
static const struct lg_source *
copy_source(struct copying *c, const struct lg_source *from)
{
	lg_str key = { (const char *)&from, sizeof(from) };
	void **slot = lg_map_at(c->sources, lg_dup(c->arena, key));
	struct lg_source *to;

	if (*slot == NULL) {
		*slot = to = LG_NEW(c->arena, struct lg_source);
		*to = (struct lg_source){ lg_dup(c->arena, from->name), lg_dup(c->arena, from->text) };
	}
	return *slot;
}

static void
copy_info(struct copying *c, const struct lg_policy *p, struct lg_policy *q)
{
	struct lg_policy_annotation *v = LG_NEWS(c->arena, struct lg_policy_annotation, p->info.nannotations);

	q->source = copy_source(c, p->source);
	q->info.id = lg_dup(c->arena, p->info.id);
	q->info.source = q->source->name;
	q->info.text = lg_str_sub(q->source->text, p->at, p->end - p->at);
	for (size_t i = 0; i < p->info.nannotations; i++) {
		const struct lg_policy_annotation *one = &p->info.annotations[i];

		v[i].name = lg_dup(c->arena, one->name);
		v[i].value = one->value.p == NULL ? LG_NONE : lg_dup(c->arena, one->value);
	}
	q->info.annotations = v;
}

struct lg_policy *
lg_policy_copy(struct lg_arena *a, struct lg_map *names, struct lg_map *sources, const struct lg_policy *p)
{
	struct copying c = { a, names, sources };
	struct lg_policy *q = LG_NEW(a, struct lg_policy);

	*q = *p;
	q->home = a;
	copy_info(&c, p, q);
	copy_scope(&c, &p->principal, &q->principal);
	copy_scope(&c, &p->action, &q->action);
	copy_scope(&c, &p->resource, &q->resource);
	q->clauses = LG_NEWS(a, struct lg_clause, p->nclauses);
	for (uint32_t i = 0; i < p->nclauses; i++)
		q->clauses[i] = (struct lg_clause){ p->clauses[i].when, p->clauses[i].at, copy_expr(&c, p->clauses[i].body) };
	return q;
}
