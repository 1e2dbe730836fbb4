/*
 * alike.c: do the policies that may speak of some actions tell principals of one type apart?  If all they look at is in which of a few
 * entities a principal is, and one attribute of it, the answers for one principal are those for every other that is alike.
 */
#include "policy/set.h"

struct alike {
	lg_str attribute;
	struct lg_euid *above;
	size_t n, max;
	uint32_t seen, fine;		/* places where `principal` stands; those of them that are harmless */
	uint32_t context, parts;	/* the same of `context`, which names the asker and the address too */
	bool personal;
};

/* Nobody who acts is a Group, a Project or a Tenant: being in one is never being it. */
static void
take(struct alike *al, const struct lg_euid *uid)
{
	bool group = lg_str_eq(uid->type, LG_STR("Group")) || lg_str_eq(uid->type, LG_STR("Project")) || lg_str_eq(uid->type, LG_STR("Tenant"));

	for (size_t i = 0; i < al->n; i++)
		if (lg_euid_eq(&al->above[i], uid))
			return;
	if (!group || al->n == al->max)
		al->personal = true;
	else
		al->above[al->n++] = *uid;
}

static bool
is_var(const struct lg_expr *x, enum lg_var var)
{
	return x->op == X_VAR && x->var == var;
}

static void
take_place(struct alike *al, const struct lg_expr *x)
{
	if (x->op == X_LIT && x->constant->kind == LG_V_ENTITY)
		take(al, x->constant->u.e.uid);
	else if (x->op == X_SET)
		for (uint32_t i = 0; i < x->n; i++)
			take_place(al, x->list[i]);
	else
		al->personal = true;
}

static bool
look(void *self, struct lg_expr *x)
{
	struct alike *al = self;

	al->seen += is_var(x, VAR_PRINCIPAL);
	al->context += is_var(x, VAR_CONTEXT);
	if ((x->op == X_GET || x->op == X_HAS) && is_var(x->a, VAR_CONTEXT)) {
		al->parts++;
		al->personal |= lg_str_eq(x->name->text, LG_STR("asker")) || lg_str_eq(x->name->text, LG_STR("address"));
	}
	if ((x->op == X_GET || x->op == X_HAS) && is_var(x->a, VAR_PRINCIPAL))
		al->fine += lg_str_eq(x->name->text, al->attribute);
	if (x->op == X_IN && is_var(x->a, VAR_PRINCIPAL)) {
		al->fine++;
		take_place(al, x->b);
	}
	if (x->op == X_IS && is_var(x->a, VAR_PRINCIPAL)) {
		al->fine++;
		if (x->in != NULL)
			take_place(al, x->in);
	}
	return !al->personal;
}

/* A group of actions could hold any of them. */
static bool
speaks_of(const struct lg_scope *action, const lg_str *actions, size_t n)
{
	if (action->kind != SCOPE_EQ)
		return true;
	for (size_t i = 0; i < n; i++)
		if (lg_str_eq(action->uids[0].id, actions[i]))
			return true;
	return false;
}

static void
look_at(struct alike *al, const struct lg_policy *p)
{
	if (p->principal.kind == SCOPE_EQ)
		al->personal = true;
	for (uint32_t i = 0; i < p->principal.n && !al->personal; i++)
		take(al, &p->principal.uids[i]);
	for (uint32_t i = 0; i < p->nclauses && !al->personal; i++)
		if (p->clauses[i].body != NULL)
			lg_expr_walk(p->clauses[i].body, look, al);
}

bool
lg_policies_alike(const struct lg_policies *set, const lg_str *actions, size_t nactions, lg_str attribute, struct lg_euid *above, size_t max,
    size_t *n)
{
	struct alike al = { .attribute = attribute, .above = above, .n = *n, .max = max };

	for (uint32_t i = 0; i < set->n && !al.personal; i++)
		if (speaks_of(&set->v[i]->action, actions, nactions))
			look_at(&al, set->v[i]);
	*n = al.n;
	return !al.personal && al.seen == al.fine && al.context == al.parts;
}
