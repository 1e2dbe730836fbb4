/* partial_text.c: residuals as Cedar policies. */
#include "policy/partial.h"
#include "policy/print.h"

#define CLAUSES_MAX 4

/* A policy whose scope says which requests were meant, and whose clauses are what is left of the original's. */
struct standing {
	struct lg_policy p;
	struct lg_clause clauses[CLAUSES_MAX];
	struct lg_expr tests[3], vars[3], uids[3];
	struct lg_value values[3];
	struct lg_euid known[3];
};

static bool
is_known(const struct lg_partial *p, enum lg_var var)
{
	const struct lg_euid *u = var == VAR_PRINCIPAL ? &p->rq.principal : &p->rq.resource;

	return var == VAR_ACTION || u->id.p != NULL;
}

/* `principal in G::"g"` where the principal is known but what it is in could not be read. */
static void
add_test(struct standing *s, enum lg_var var, const struct lg_scope *sc)
{
	struct lg_expr *x = &s->tests[var];

	s->vars[var] = (struct lg_expr){ .op = X_VAR, .var = var };
	s->values[var] = lg_value_entity(&sc->uids[0]);
	s->uids[var] = (struct lg_expr){ .op = X_LIT, .constant = &s->values[var] };
	*x = (struct lg_expr){ .op = X_IN };
	x->a = &s->vars[var];
	x->b = &s->uids[var];
	s->clauses[s->p.nclauses++] = (struct lg_clause){ true, 0, x };
}

static void
stand_scope(struct standing *s, const struct lg_partial *p, const struct lg_partial_item *it, enum lg_var var,
    const struct lg_euid *uid, struct lg_scope *sc)
{
	struct lg_scope was = *sc;
	bool open = it->scope[var];

	if (is_known(p, var)) {
		s->known[var] = *uid;
		*sc = (struct lg_scope){ .kind = SCOPE_EQ, .n = 1, .uids = &s->known[var] };
		if (open)
			add_test(s, var, &was);
		return;
	}
	if (open && was.kind == SCOPE_EQ)
		return;
	*sc = (struct lg_scope){ .kind = open ? SCOPE_IS_IN : SCOPE_IS, .type = uid->type };
	if (open) {
		sc->n = 1;
		sc->uids = was.uids;
	}
}

/* The annotations with @id set to the policy's id. */
static void
put_annotations(struct lg_buf *out, const struct lg_policy_info *info)
{
	lg_buf_str(out, LG_STR("@id("));
	lg_escape(out, info->id, false);
	lg_buf_str(out, LG_STR(")\n"));
	for (size_t i = 0; i < info->nannotations; i++) {
		const struct lg_policy_annotation *an = &info->annotations[i];

		if (lg_str_eq(an->name, LG_STR("id")))
			continue;
		lg_buf_printf(out, "@%.*s", LG_FMT(an->name));
		if (an->value.p != NULL) {
			lg_buf_byte(out, '(');
			lg_escape(out, an->value, false);
			lg_buf_byte(out, ')');
		}
		lg_buf_byte(out, '\n');
	}
}

void
lg_residual_text(const struct lg_partial *p, size_t i, struct lg_buf *out)
{
	const struct lg_partial_item *it = &p->v[i];
	struct standing s = { .p = *p->set->v[it->policy] };

	s.p.clauses = s.clauses;
	s.p.nclauses = 0;
	s.p.info.nannotations = 0;
	stand_scope(&s, p, it, VAR_PRINCIPAL, &p->rq.principal, &s.p.principal);
	stand_scope(&s, p, it, VAR_ACTION, &p->rq.action, &s.p.action);
	stand_scope(&s, p, it, VAR_RESOURCE, &p->rq.resource, &s.p.resource);
	if (it->x != NULL)
		s.clauses[s.p.nclauses++] = (struct lg_clause){ true, 0, it->x };
	put_annotations(out, &p->set->v[it->policy]->info);
	lg_policy_print(out, &s.p);
}

void
lg_partial_text(const struct lg_partial *p, struct lg_buf *out)
{
	for (size_t i = 0; i < p->n; i++)
		lg_residual_text(p, i, out);
}
