/*
 * explain.c: a decision taken apart: what decided it, what erred, and for a deny the permits that came closest, each with the
 * part that failed and the values it saw.  For people; it looks at every policy and is not meant for hot paths.
 */
#include "policy/explain.h"

#include <stdlib.h>

#define TOLD_MAX	20		/* determining policies, erring policies */
#define NEAR_MISSES	5
#define VALUES_MAX	12		/* of one clause */
#define TEXT_MAX	200		/* octets of an expression's source */

struct explaining {
	struct lg_eval ev;
	const struct lg_policies *set;
	const struct lg_policy *p;
	struct lg_why *why;
	struct lg_why_value *values;	/* of the clause at hand */
	uint32_t nvalues;
};

struct miss {
	uint32_t policy;
	unsigned failed;
};

/* ---- values --------------------------------------------------------------------------------- */

lg_str
lg_why_text(struct lg_arena *a, const struct lg_policy *p, const struct lg_expr *x)
{
	lg_str s = lg_str_trim(lg_str_sub(p->source->text, x->at, x->end - x->at));
	char *to = lg_alloc(a, TEXT_MAX + 1);
	size_t n = 0, i;

	for (i = 0; i < s.n && n < TEXT_MAX; i++) {
		bool blank = s.p[i] == ' ' || (s.p[i] >= '\t' && s.p[i] <= '\r');

		if (!blank || (n > 0 && to[n - 1] != ' '))
			to[n++] = blank ? ' ' : s.p[i];
	}
	if (i == s.n)
		return (lg_str){ to, n };
	while (n > 0 && ((unsigned char)to[n - 1] & 0xc0) == 0x80)	/* no character is cut in two */
		n--;
	return lg_cat(a, (lg_str){ to, n > 0 ? n - 1 : 0 }, LG_STR(" ..."));
}

static void
note_value(struct explaining *e, const struct lg_expr *x)
{
	lg_str expression = lg_why_text(e->ev.cx->arena, e->p, x);
	struct lg_why_value *to;
	struct lg_value v;

	for (uint32_t i = 0; i < e->nvalues; i++)
		if (lg_str_eq(e->values[i].expression, expression))
			return;
	if (x->constant != NULL || e->nvalues == VALUES_MAX)
		return;
	to = &e->values[e->nvalues++];
	to->expression = expression;
	lg_eval_start(&e->ev);
	to->failed = !lg_eval(&e->ev, x, &v);
	to->value = to->failed ? e->ev.error : lg_value_text(e->ev.cx->arena, &v);
}

static bool
is_true(struct explaining *e, const struct lg_expr *x)
{
	struct lg_value v;

	lg_eval_start(&e->ev);
	return lg_eval(&e->ev, x, &v) && v.kind == LG_V_BOOL && v.u.b;
}

/* Walks down to what made x come out as it did, and notes the values there. */
static void
note_reasons(struct explaining *e, const struct lg_expr *x)
{
	switch (x->op) {
	case X_AND:
		for (uint32_t i = 0; i < x->n; i++)
			if (!is_true(e, x->list[i])) {
				note_reasons(e, x->list[i]);
				return;
			}
		for (uint32_t i = 0; i < x->n; i++)
			note_reasons(e, x->list[i]);
		break;
	case X_OR:
	case X_SET:
	case X_RECORD:
	case X_CALL:
		for (uint32_t i = 0; i < x->n; i++)
			note_reasons(e, x->list[i]);
		break;
	case X_NOT:
		note_reasons(e, x->a);
		break;
	case X_IF:
		note_value(e, x->a);
		note_reasons(e, is_true(e, x->a) ? x->b : x->c);
		break;
	case X_LIT:
	case X_VAR:
	case X_SLOT:
	case X_GET:
	case X_GET_TAG:
	case X_HAS:
	case X_HAS_TAG:
		note_value(e, x);
		break;
	case X_IS:
	case X_LIKE:
	case X_IS_EMPTY:
	case X_NEG:
		note_value(e, x->a);
		break;
	default:
		note_value(e, x->a);
		note_value(e, x->b);
	}
}

/* ---- parts ---------------------------------------------------------------------------------- */

static const enum lg_var scope_vars[] = { VAR_PRINCIPAL, VAR_ACTION, VAR_RESOURCE };

static const struct lg_scope *
scope_of(const struct lg_policy *p, enum lg_var var)
{
	return var == VAR_PRINCIPAL ? &p->principal : var == VAR_ACTION ? &p->action : &p->resource;
}

static bool
scope_holds(struct explaining *e, const struct lg_policy *p, enum lg_var var)
{
	lg_eval_start(&e->ev);
	return lg_scope_match(&e->ev, scope_of(p, var), var) == LG_PRESENT;
}

static bool
clause_holds(struct explaining *e, const struct lg_clause *c)
{
	struct lg_value v;

	lg_eval_start(&e->ev);
	return lg_eval(&e->ev, c->body, &v) && v.kind == LG_V_BOOL && v.u.b == c->when;
}

static struct lg_why_part
scope_part(struct explaining *e, enum lg_var var)
{
	static const lg_str names[] = { LG_STR("principal"), LG_STR("action"), LG_STR("resource") };
	struct lg_why_value *v = LG_NEW(e->ev.cx->arena, struct lg_why_value);

	*v = (struct lg_why_value){ names[var], lg_value_text(e->ev.cx->arena, &e->ev.var[var]), false };
	return (struct lg_why_part){ .var = var, .scope = scope_of(e->p, var), .v = v, .n = 1 };
}

static struct lg_why_part
clause_part(struct explaining *e, const struct lg_clause *c)
{
	struct lg_why_part part = { .clause = c, .holds = clause_holds(e, c) };

	e->values = LG_NEWS(e->ev.cx->arena, struct lg_why_value, VALUES_MAX);
	e->nvalues = 0;
	note_reasons(e, c->body);
	part.v = e->values;
	part.n = e->nvalues;
	return part;
}

/* `all`: clauses that hold as well. */
static void
note_parts(struct explaining *e, struct lg_why_policy *wp, bool all)
{
	struct lg_why_part *part = LG_NEWS(e->ev.cx->arena, struct lg_why_part, LG_COUNT(scope_vars) + e->p->nclauses);

	for (size_t i = 0; i < LG_COUNT(scope_vars); i++)
		if (!scope_holds(e, e->p, scope_vars[i]))
			part[wp->nparts++] = scope_part(e, scope_vars[i]);
	for (uint32_t i = 0; i < e->p->nclauses; i++)
		if (all || !clause_holds(e, &e->p->clauses[i]))
			part[wp->nparts++] = clause_part(e, &e->p->clauses[i]);
	wp->part = part;
}

static struct lg_why_policy *
note_policy(struct explaining *e, enum lg_why_role role, uint32_t number)
{
	struct lg_why_policy *wp = &e->why->v[e->why->n++];

	e->p = e->set->v[number];
	*wp = (struct lg_why_policy){ .role = role, .policy = number };
	note_parts(e, wp, role == WHY_DETERMINING);
	return wp;
}

/* ---- the whole ------------------------------------------------------------------------------ */

static int
by_failed(const void *a, const void *b)
{
	const struct miss *x = a, *y = b;

	if (x->failed != y->failed)
		return x->failed < y->failed ? -1 : 1;
	return x->policy < y->policy ? -1 : x->policy > y->policy;
}

static unsigned
failed_parts(struct explaining *e, const struct lg_policy *p)
{
	unsigned failed = 0;

	for (size_t i = 0; i < LG_COUNT(scope_vars); i++)
		failed += !scope_holds(e, p, scope_vars[i]);
	for (uint32_t i = 0; i < p->nclauses && failed <= 1; i++)
		failed += !clause_holds(e, &p->clauses[i]);
	return failed;
}

static bool
erred(const struct explaining *e, uint32_t policy)
{
	for (size_t i = 0; i < e->why->answer.nerrors; i++)
		if (e->why->answer.errors[i].policy == policy)
			return true;
	return false;
}

/* Those that erred are told as that. */
static void
note_misses(struct explaining *e)
{
	struct miss *v = LG_NEWS(e->ev.cx->arena, struct miss, e->set->n);
	uint32_t n = 0;

	for (uint32_t i = 0; i < e->set->n; i++)
		if (e->set->v[i]->info.effect == LG_PERMIT && !e->set->v[i]->info.is_template) {
			e->why->permits++;
			if (!erred(e, i))
				v[n++] = (struct miss){ i, failed_parts(e, e->set->v[i]) };
		}
	if (n > 1)
		qsort(v, n, sizeof(*v), by_failed);
	for (uint32_t i = 0; i < n && i < NEAR_MISSES; i++)
		note_policy(e, WHY_MISSED, v[i].policy);
	e->why->further[WHY_MISSED] = n > NEAR_MISSES ? n - NEAR_MISSES : 0;
}

static size_t
told(size_t n, size_t *further)
{
	*further = n > TOLD_MAX ? n - TOLD_MAX : 0;
	return n - *further;
}

void
lg_why(struct lg_ctx *cx, const struct lg_policies *set, const struct lg_entities *entities, const struct lg_request *rq,
    struct lg_why *ret)
{
	struct explaining e = { .set = set, .why = ret };
	const struct lg_answer *a = &ret->answer;
	size_t n;

	*ret = (struct lg_why){ .set = set, .rq = rq, .v = LG_NEWS(cx->arena, struct lg_why_policy, 2 * TOLD_MAX + NEAR_MISSES) };
	lg_authorize(cx, set, entities, rq, &ret->answer);
	lg_eval_init(&e.ev, cx, entities, set->schema, rq);
	n = told(a->ndetermining, &ret->further[WHY_DETERMINING]);
	for (size_t i = 0; i < n; i++)
		note_policy(&e, WHY_DETERMINING, a->determining[i]);
	n = told(a->nerrors, &ret->further[WHY_ERRED]);
	for (size_t i = 0; i < n; i++)
		note_policy(&e, WHY_ERRED, a->errors[i].policy)->error = a->errors[i].message;
	if (!a->allow && a->ndetermining == 0)
		note_misses(&e);
}
