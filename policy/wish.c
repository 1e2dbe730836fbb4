/*
 * wish.c: a made request bent towards the conditions of a policy, and one that shows something without what it does not need.
 *
 * Conditions of ten parts are hardly ever met by chance; here each part that is plain (an attribute beside a constant, an attribute that is
 * there, a group that holds somebody) gets what it asks for, where the schema has a place for that.
 */
#include "policy/analyse.h"

#define PATH_MAX 4

struct wishing {
	struct lg_sampler *sm;
	struct lg_ctx *cx;
	const struct lg_sample_env *env;
	struct lg_sample *s;
};

struct path {				/* principal.a.b: the variable and names */
	enum lg_var var;
	const struct lg_name *name[PATH_MAX];
	uint32_t n;
};

/* ---- where values go ------------------------------------------------------------------------ */

static bool
path_of(const struct lg_expr *x, struct path *ret)
{
	const struct lg_name *up[PATH_MAX];
	uint32_t n = 0;

	for (; x->constant == NULL && x->op == X_GET; x = x->a) {
		if (n == PATH_MAX)
			return false;
		up[n++] = x->name;
	}
	if (x->constant != NULL || x->op != X_VAR || x->var == VAR_ACTION)
		return false;
	ret->var = x->var;
	ret->n = n;
	for (uint32_t i = 0; i < n; i++)
		ret->name[i] = up[n - 1 - i];
	return true;
}

static struct lg_entity_row *
row_of(const struct wishing *w, enum lg_var var)
{
	const struct lg_euid *uid = var == VAR_PRINCIPAL ? &w->s->rq.principal : &w->s->rq.resource;

	for (uint32_t i = 0; i < w->s->nrows; i++)
		if (lg_euid_eq(&w->s->rows[i].uid, uid))
			return &w->s->rows[i];
	return NULL;
}

/* The record that a variable's attributes are in, with its type; NULL if there is none to write to. */
static const struct lg_record **
record_of(const struct wishing *w, enum lg_var var, const struct lg_type **type)
{
	struct lg_entity_row *row;
	const struct lg_schema_entity *e;

	if (var == VAR_CONTEXT) {
		*type = w->env->action->context;
		return &w->s->rq.context;
	}
	row = row_of(w, var);
	e = row == NULL ? NULL : lg_schema_entity_find(w->sm->schema, row->uid.type);
	if (e == NULL)
		return NULL;
	*type = e->shape;
	return &row->attrs;
}

static bool
fits(const struct lg_type *t, const struct lg_value *v)
{
	switch (t->kind) {
	case TY_BOOL: return v->kind == LG_V_BOOL && t->truth == BOOL_ANY;
	case TY_LONG: return v->kind == LG_V_LONG;
	case TY_STRING: return v->kind == LG_V_STRING;
	case TY_EXT: return v->kind == t->ext;
	case TY_ENTITY: return v->kind == LG_V_ENTITY && lg_str_eq(t->entities[0], v->u.e.uid->type);
	case TY_SET:
		for (uint32_t i = 0; v->kind == LG_V_SET && i < v->u.set->n; i++)
			if (t->element == NULL || !fits(t->element, &v->u.set->v[i]))
				return false;
		return v->kind == LG_V_SET;
	default: return false;
	}
}

/* The record with the value at the path, or (NULL) without it; what is missing on the way is made. */
static const struct lg_record *
with(const struct wishing *w, const struct lg_type *type, const struct lg_record *r, const struct path *at, uint32_t depth,
    const struct lg_value *value)
{
	struct lg_field *f = LG_NEWS(w->cx->arena, struct lg_field, type->n);
	struct lg_record *made = LG_NEW(w->cx->arena, struct lg_record);
	uint32_t n = 0;

	for (uint32_t i = 0; i < type->n; i++) {
		const struct lg_type_attr *a = &type->attrs[i];
		const struct lg_value *old = r == NULL ? NULL : lg_record_get(r, &a->name);
		struct lg_value v = old == NULL ? (struct lg_value){ .kind = LG_V_BOOL } : *old;

		if (!lg_str_eq(a->name.text, at->name[depth]->text)) {
			if (old != NULL)
				f[n++] = (struct lg_field){ a->name, v };
			continue;
		}
		if (depth + 1 < at->n && a->type->kind == TY_RECORD) {
			v = old != NULL ? v : lg_sample_value(w->sm, w->cx, a->type, w->s);
			v.u.record = with(w, a->type, v.u.record, at, depth + 1, value);
		} else if (depth + 1 == at->n && value == NULL) {
			if (a->optional)
				continue;
		} else if (depth + 1 == at->n && fits(a->type, value)) {
			v = *value;
		} else if (old == NULL) {
			continue;
		}
		f[n++] = (struct lg_field){ a->name, v };
	}
	*made = (struct lg_record){ n, f };
	return made;
}

static void
put(const struct wishing *w, const struct path *at, const struct lg_value *value)
{
	const struct lg_type *type = NULL;
	const struct lg_record **r = at->n == 0 ? NULL : record_of(w, at->var, &type);

	if (r != NULL)
		*r = with(w, type, *r, at, 0, value);
}

/* The type of what is at a path that leads through records; NULL elsewhere. */
static const struct lg_type *
type_at(const struct wishing *w, const struct path *at)
{
	const struct lg_type *type = NULL;

	if (at->n == 0 || record_of(w, at->var, &type) == NULL)
		return NULL;
	for (uint32_t i = 0; i < at->n; i++) {
		const struct lg_type *next = NULL;

		for (uint32_t k = 0; type->kind == TY_RECORD && k < type->n; k++)
			if (lg_str_eq(type->attrs[k].name.text, at->name[i]->text))
				next = type->attrs[k].type;
		if (next == NULL)
			return NULL;
		type = next;
	}
	return type;
}

/* ---- what conditions ask for ------------------------------------------------------------------ */

/* A value that compares so: the nearest, or one step further. */
static struct lg_value
near(const struct wishing *w, enum lg_op op, struct lg_value v)
{
	int64_t more = (int64_t)lg_sample_below(w->sm, 2);

	if (v.kind != LG_V_LONG && v.kind != LG_V_DATETIME && v.kind != LG_V_DURATION)
		return v;
	if (op == X_LT || op == X_LE)
		v.u.i = v.u.i > INT64_MIN + 2 ? v.u.i - more - (op == X_LT) : v.u.i;
	else if (op == X_GT || op == X_GE)
		v.u.i = v.u.i < INT64_MAX - 2 ? v.u.i + more + (op == X_GT) : v.u.i;
	return v;
}

static const struct lg_value *
value_at(const struct wishing *w, const struct path *at)
{
	const struct lg_type *type;
	const struct lg_record **r = at->n == 0 ? NULL : record_of(w, at->var, &type);
	const struct lg_value *v = NULL;

	for (uint32_t i = 0; r != NULL && i < at->n; i++) {
		v = i == 0 ? lg_record_get(*r, at->name[0]) : v->kind == LG_V_RECORD ? lg_record_get(v->u.record, at->name[i]) : NULL;
		if (v == NULL)
			return NULL;
	}
	return v;
}

static bool
compares(const struct lg_value *v, enum lg_op op, const struct lg_value *literal)
{
	if (op == X_EQ)
		return lg_value_eq(v, literal);
	if (v->kind != literal->kind)
		return false;
	return op == X_LT ? v->u.i < literal->u.i : op == X_LE ? v->u.i <= literal->u.i : op == X_GT ? v->u.i > literal->u.i :
	    v->u.i >= literal->u.i;
}

/* What holds already is mostly left: another condition may have asked for just that. */
static void
wish_comparison(const struct wishing *w, const struct lg_expr *x, bool positive)
{
	const struct lg_expr *e;
	const struct lg_value *literal, *old;
	struct lg_value v;
	struct path at;
	enum lg_op op;

	if (!lg_comparison(x, positive, &e, &literal, &op) || op == X_NE || !path_of(e, &at))
		return;
	old = value_at(w, &at);
	if (old != NULL && compares(old, op, literal) && lg_sample_below(w->sm, 4) > 0)
		return;
	v = near(w, op, *literal);
	put(w, &at, &v);
}

static void
wish_element(const struct wishing *w, const struct lg_expr *x, bool positive)
{
	struct lg_value *v = LG_NEWS(w->cx->arena, struct lg_value, 1), set;
	struct path at;

	if (!positive || x->b->constant == NULL || !path_of(x->a, &at))
		return;
	v[0] = *x->b->constant;
	if (lg_value_set(w->cx, v, 1, &set) == LG_OK)
		put(w, &at, &set);
}

static void
wish_presence(const struct wishing *w, const struct lg_expr *x, bool positive)
{
	struct path at;
	const struct lg_type *type;
	struct lg_value v;

	if (!path_of(x->a, &at) || at.n == PATH_MAX)
		return;
	at.name[at.n++] = x->name;
	type = type_at(w, &at);
	if (type == NULL)
		return;
	v = lg_sample_value(w->sm, w->cx, type, w->s);
	put(w, &at, positive ? &v : NULL);
}

static void
wish_pattern(const struct wishing *w, const struct lg_expr *x, bool positive)
{
	char *text = lg_alloc(w->cx->arena, x->pattern.n + 1);
	struct lg_value v;
	struct path at;
	size_t n = 0;

	for (size_t i = 0; i < x->pattern.n; i++)
		if ((unsigned char)x->pattern.p[i] != LG_PATTERN_STAR)
			text[n++] = x->pattern.p[i];
		else if (lg_sample_below(w->sm, 2) == 0)
			text[n++] = 'x';
	v = lg_value_string((lg_str){ text, n });
	if (positive && path_of(x->a, &at))
		put(w, &at, &v);
}

static void
wish_membership(const struct wishing *w, const struct lg_expr *x, bool positive)
{
	const struct lg_value *above = x->b->constant;
	struct lg_entity_row *row;
	struct lg_euid *parents;
	struct path at;

	if (!positive || above == NULL || above->kind != LG_V_ENTITY || !path_of(x->a, &at) || at.n > 0 || at.var == VAR_CONTEXT)
		return;
	row = row_of(w, at.var);
	if (row == NULL || lg_euid_eq(&row->uid, above->u.e.uid) || !lg_sample_may_be_in(w->sm, row->uid.type, above->u.e.uid->type))
		return;
	for (size_t i = 0; i < row->nparents; i++)
		if (lg_euid_eq(&row->parents[i], above->u.e.uid))
			return;
	parents = LG_NEWS(w->cx->arena, struct lg_euid, row->nparents + 1);
	if (row->nparents > 0)
		memcpy(parents, row->parents, row->nparents * sizeof(*parents));
	parents[row->nparents++] = *above->u.e.uid;
	row->parents = parents;
}

static void
wish(const struct wishing *w, const struct lg_expr *x, bool positive)
{
	struct lg_value yes = lg_value_bool(positive);
	struct path at;

	if (x->constant != NULL)
		return;
	switch (x->op) {
	case X_NOT: wish(w, x->a, !positive); break;
	case X_AND:
	case X_OR:
		if (positive == (x->op == X_AND))	/* from anywhere on: the last to ask for something gets it */
			for (uint32_t i = 0, from = lg_sample_below(w->sm, x->n); i < x->n; i++)
				wish(w, x->list[(from + i) % x->n], positive);
		else
			wish(w, x->list[lg_sample_below(w->sm, x->n)], positive);
		break;
	case X_HAS: wish_presence(w, x, positive); break;
	case X_CONTAINS: wish_element(w, x, positive); break;
	case X_LIKE: wish_pattern(w, x, positive); break;
	case X_IN: wish_membership(w, x, positive); break;
	case X_GET:
		if (path_of(x, &at))
			put(w, &at, &yes);
		break;
	default: wish_comparison(w, x, positive);
	}
}

void
lg_sample_wish(struct lg_sampler *sm, struct lg_ctx *cx, const struct lg_sample_env *env, const struct lg_policy *p, struct lg_sample *s)
{
	struct wishing w = { sm, cx, env, s };

	for (uint32_t i = 0; i < p->nclauses; i++)
		wish(&w, p->clauses[i].body, p->clauses[i].when);
}

void
lg_sample_shrink(struct lg_sampler *sm, struct lg_ctx *cx, const struct lg_sample_env *env, struct lg_sample *s,
    bool (*still)(void *self), void *self)
{
	static const enum lg_var vars[] = { VAR_PRINCIPAL, VAR_RESOURCE, VAR_CONTEXT };
	struct wishing w = { sm, cx, env, s };

	for (size_t v = 0; v < LG_COUNT(vars); v++) {
		const struct lg_type *type = NULL;
		const struct lg_record **r = record_of(&w, vars[v], &type), *old;

		for (uint32_t i = 0; r != NULL && i < type->n; i++) {
			struct path at = { vars[v], { &type->attrs[i].name }, 1 };

			if (!type->attrs[i].optional || lg_record_get(*r, &type->attrs[i].name) == NULL)
				continue;
			old = *r;
			*r = with(&w, type, old, &at, 0, NULL);
			if (!still(self))
				*r = old;
		}
	}
}
