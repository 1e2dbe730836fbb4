/*
 * explain.c: a decision in words: what decided it, what erred, and for a deny the permits that came closest, each with
 * the part that failed and the values it saw.  For people; it looks at every policy and is not meant for hot paths.
 */
#include <stdlib.h>

#include "policy/decide.h"

#define EXPLAIN_MAX	(64u << 10)	/* bytes of text */
#define NEAR_MISSES	5
#define LINES_MAX	12		/* values shown for one clause */

struct explaining {
	struct lg_eval ev;
	const struct lg_policies *set;
	const struct lg_policy *p;
	struct lg_buf out;
	unsigned lines;			/* values shown for this clause */
};

struct miss {
	uint32_t policy;
	unsigned failed;
};

/* ---- pieces --------------------------------------------------------------------------------- */

static lg_str
source_text(const struct lg_policy *p, const struct lg_expr *x)
{
	return lg_str_sub(lg_str_trim(lg_str_sub(p->source->text, x->at, x->end - x->at)), 0, 200);
}

static void
heading(struct explaining *e, uint32_t number)
{
	struct lg_policy_info info;

	lg_policies_info(e->set, number, &info);
	e->p = e->set->v[number];
	lg_buf_printf(&e->out, "%s %.*s", info.effect == LG_PERMIT ? "permit" : "forbid", LG_FMT(info.id));
	if (info.source.n > 0)
		lg_buf_printf(&e->out, " (%.*s:%u)", LG_FMT(info.source), info.line);
	else
		lg_buf_printf(&e->out, " (line %u)", info.line);
}

static void
place(struct explaining *e, uint32_t at)
{
	unsigned line, column;

	lg_fault_place(e->p->source->text, at, &line, &column);
	lg_buf_printf(&e->out, "%u:%u", line, column);
}

static void
show_value(struct explaining *e, const struct lg_expr *x)
{
	struct lg_value v;

	if (x->constant != NULL || e->lines++ >= LINES_MAX)
		return;
	lg_buf_printf(&e->out, "      %.*s ", LG_FMT(source_text(e->p, x)));
	lg_eval_start(&e->ev);
	if (lg_eval(&e->ev, x, &v))
		lg_buf_printf(&e->out, "is %.*s\n", LG_FMT(lg_value_text(e->ev.cx->arena, &v)));
	else
		lg_buf_printf(&e->out, "fails: %.*s\n", LG_FMT(e->ev.error));
}

static bool
is_true(struct explaining *e, const struct lg_expr *x)
{
	struct lg_value v;

	lg_eval_start(&e->ev);
	return lg_eval(&e->ev, x, &v) && v.kind == LG_V_BOOL && v.u.b;
}

/* Walks down to what made x come out as it did, and shows the values there. */
static void
show_reasons(struct explaining *e, const struct lg_expr *x)
{
	switch (x->op) {
	case X_AND:
		for (uint32_t i = 0; i < x->n; i++)
			if (!is_true(e, x->list[i])) {
				show_reasons(e, x->list[i]);
				return;
			}
		for (uint32_t i = 0; i < x->n; i++)
			show_reasons(e, x->list[i]);
		break;
	case X_OR:
	case X_SET:
	case X_RECORD:
	case X_CALL:
		for (uint32_t i = 0; i < x->n; i++)
			show_reasons(e, x->list[i]);
		break;
	case X_NOT:
		show_reasons(e, x->a);
		break;
	case X_IF:
		show_value(e, x->a);
		show_reasons(e, is_true(e, x->a) ? x->b : x->c);
		break;
	case X_LIT:
	case X_VAR:
	case X_SLOT:
	case X_GET:
	case X_GET_TAG:
		show_value(e, x);
		break;
	case X_IS:
	case X_HAS:
	case X_LIKE:
	case X_IS_EMPTY:
	case X_NEG:
		show_value(e, x->a);
		break;
	default:
		show_value(e, x->a);
		show_value(e, x->b);
	}
}

/* ---- scope and clauses ---------------------------------------------------------------------- */

static const struct {
	const char *name;
	enum lg_var var;
} scope_vars[] = { { "principal", VAR_PRINCIPAL }, { "action", VAR_ACTION }, { "resource", VAR_RESOURCE } };

static const struct lg_scope *
scope_of(const struct lg_policy *p, size_t i)
{
	return i == 0 ? &p->principal : i == 1 ? &p->action : &p->resource;
}

static void
show_scope(struct explaining *e, size_t i)
{
	const struct lg_scope *sc = scope_of(e->p, i);

	lg_buf_printf(&e->out, "    %s %.*s is not", scope_vars[i].name,
	    LG_FMT(lg_value_text(e->ev.cx->arena, &e->ev.var[scope_vars[i].var])));
	if (sc->kind == SCOPE_IS || sc->kind == SCOPE_IS_IN)
		lg_buf_printf(&e->out, " a %.*s", LG_FMT(sc->type));
	if (sc->kind == SCOPE_IN || sc->kind == SCOPE_IS_IN)
		lg_buf_str(&e->out, LG_STR(" in"));
	for (uint32_t k = 0; k < sc->n && k < 8; k++)
		lg_buf_printf(
		    &e->out, "%s%.*s", k == 0 ? " " : ", ", LG_FMT(lg_euid_text(e->ev.cx->arena, &sc->uids[k])));
	lg_buf_byte(&e->out, '\n');
}

static bool
clause_holds(struct explaining *e, const struct lg_clause *c)
{
	struct lg_value v;

	lg_eval_start(&e->ev);
	return lg_eval(&e->ev, c->body, &v) && v.kind == LG_V_BOOL && v.u.b == c->when;
}

static void
show_clause(struct explaining *e, const struct lg_clause *c, const char *what)
{
	lg_buf_printf(&e->out, "    %s at ", c->when ? "when" : "unless");
	place(e, c->at);
	lg_buf_printf(&e->out, " %s: %.*s\n", what, LG_FMT(source_text(e->p, c->body)));
	e->lines = 0;
	show_reasons(e, c->body);
}

static unsigned
failed_parts(struct explaining *e, const struct lg_policy *p)
{
	unsigned failed = 0;

	for (size_t i = 0; i < LG_COUNT(scope_vars); i++) {
		lg_eval_start(&e->ev);
		failed += lg_scope_match(&e->ev, scope_of(p, i), scope_vars[i].var) != LG_PRESENT;
	}
	for (uint32_t i = 0; i < p->nclauses && failed <= 1; i++)
		failed += !clause_holds(e, &p->clauses[i]);
	return failed;
}

static void
show_failed(struct explaining *e, uint32_t number)
{
	lg_buf_str(&e->out, LG_STR("  "));
	heading(e, number);
	lg_buf_str(&e->out, LG_STR(" did not match:\n"));
	for (size_t i = 0; i < LG_COUNT(scope_vars); i++) {
		lg_eval_start(&e->ev);
		if (lg_scope_match(&e->ev, scope_of(e->p, i), scope_vars[i].var) != LG_PRESENT)
			show_scope(e, i);
	}
	for (uint32_t i = 0; i < e->p->nclauses; i++)
		if (!clause_holds(e, &e->p->clauses[i]))
			show_clause(e, &e->p->clauses[i], e->p->clauses[i].when ? "is not true" : "is not false");
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

static void
show_near_misses(struct explaining *e)
{
	struct miss *v = LG_NEWS(e->ev.cx->arena, struct miss, e->set->n);
	uint32_t n = 0;

	for (uint32_t i = 0; i < e->set->n; i++)
		if (e->set->v[i]->info.effect == LG_PERMIT && !e->set->v[i]->info.is_template)
			v[n++] = (struct miss){ i, failed_parts(e, e->set->v[i]) };
	if (n > 1)
		qsort(v, n, sizeof(*v), by_failed);
	if (n == 0)
		lg_buf_str(&e->out, LG_STR("  there is no permit at all\n"));
	for (uint32_t i = 0; i < n && i < NEAR_MISSES; i++)
		show_failed(e, v[i].policy);
	if (n > NEAR_MISSES)
		lg_buf_printf(&e->out, "  and %u further permits did not match\n", n - NEAR_MISSES);
}

static void
show_determining(struct explaining *e, const struct lg_answer *a)
{
	for (size_t i = 0; i < a->ndetermining; i++) {
		lg_buf_str(&e->out, LG_STR("  "));
		heading(e, a->determining[i]);
		lg_buf_str(&e->out, LG_STR(" matched\n"));
		for (uint32_t k = 0; k < e->p->nclauses; k++)
			show_clause(e, &e->p->clauses[k], e->p->clauses[k].when ? "is true" : "is false");
	}
}

static void
show_errors(struct explaining *e, const struct lg_answer *a)
{
	for (size_t i = 0; i < a->nerrors; i++) {
		lg_buf_str(&e->out, LG_STR("  "));
		heading(e, a->errors[i].policy);
		lg_buf_printf(&e->out, " failed and was left out: %.*s\n", LG_FMT(a->errors[i].message));
	}
}

static const char *
verdict(const struct lg_answer *a)
{
	if (a->allow)
		return "allowed";
	if (a->unknown)
		return "denied: an entity could not be read";
	return a->ndetermining > 0 ? "denied: forbidden" : "denied: nothing permits it";
}

lg_err
lg_policy_explain(struct lg_ctx *cx, const struct lg_policies *set, const struct lg_entities *entities,
    const struct lg_request *rq, lg_str *ret)
{
	struct explaining e = { .set = set, .out = LG_BUF(EXPLAIN_MAX) };
	struct lg_answer a;

	lg_authorize(cx, set, entities, rq, &a);
	lg_eval_init(&e.ev, cx, entities, set->schema, rq);
	lg_buf_printf(&e.out, "%s\n", verdict(&a));
	if (a.unknown)
		lg_buf_printf(&e.out, "  unreadable: %.*s\n", LG_FMT(lg_euid_text(cx->arena, &a.unknown_uid)));
	show_determining(&e, &a);
	show_errors(&e, &a);
	if (!a.allow && a.ndetermining == 0)
		show_near_misses(&e);
	*ret = e.out.full ? lg_cat(cx->arena, lg_buf_view(&e.out), LG_STR("...\n")) : lg_dup(cx->arena, lg_buf_view(&e.out));
	lg_buf_free(&e.out);
	return LG_OK;
}
