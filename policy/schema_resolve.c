/*
 * schema_resolve.c: names to what they mean (Cedar RFCs 24, 70): in its own namespace first, then in the empty one, then
 * the builtins; in each a common type before an entity type.  Then hierarchies are closed.
 */
#include <stdlib.h>

#include "policy/schema_decl.h"

struct resolver {
	struct lg_decls *d;
	struct lg_schema *s;
	unsigned depth;
};

static const struct {
	lg_str name;
	struct lg_type type;
} builtins[] = {
	{ LG_STR("Long"), { .kind = TY_LONG } }, { LG_STR("String"), { .kind = TY_STRING } },
	{ LG_STR("Bool"), { .kind = TY_BOOL } },
	{ LG_STR("ipaddr"), { .kind = TY_EXT, .ext = LG_V_IP } }, { LG_STR("decimal"), { .kind = TY_EXT, .ext = LG_V_DECIMAL } },
	{ LG_STR("datetime"), { .kind = TY_EXT, .ext = LG_V_DATETIME } },
	{ LG_STR("duration"), { .kind = TY_EXT, .ext = LG_V_DURATION } }
};

static const struct lg_type never = { .kind = TY_NEVER };
static const struct lg_type empty_record = { .kind = TY_RECORD };

static const struct lg_type *
resolve(struct resolver *r, lg_str ns, const struct lg_decl_type *t);

/* ---- names ---------------------------------------------------------------------------------- */

static const struct lg_type *
builtin(lg_str name)
{
	if (lg_str_starts(name, LG_STR("__cedar::")))
		name = lg_str_sub(name, 9, name.n);
	for (size_t i = 0; i < LG_COUNT(builtins); i++)
		if (lg_str_eq(builtins[i].name, name))
			return &builtins[i].type;
	return NULL;
}

static const struct lg_type *
entity_type(struct resolver *r, lg_str full)
{
	struct lg_type *t = LG_NEW(r->s->arena, struct lg_type);
	lg_str *one = LG_NEW(r->s->arena, lg_str);

	*one = full;
	t->kind = TY_ENTITY;
	t->n = 1;
	t->entities = one;
	return t;
}

static const struct lg_type *
common_type(struct resolver *r, struct lg_decl_common *c, uint32_t at)
{
	if (c->busy) {
		lg_lex_fault(&r->d->lx, at, "type `%.*s` contains itself", LG_FMT(c->name));
		return &never;
	}
	if (c->resolved == NULL) {
		c->busy = true;
		c->resolved = resolve(r, c->ns, c->type);
		c->busy = false;
	}
	return c->resolved;
}

/* The full name an entity type is declared under, seen from ns; empty if it is not. */
static lg_str
entity_name(struct resolver *r, lg_str ns, lg_str name)
{
	lg_str full = lg_decl_full(r->s->arena, ns, name);

	if (lg_map_get(&r->d->entity_by_name, full) != NULL)
		return full;
	return lg_map_get(&r->d->entity_by_name, name) != NULL ? name : LG_NONE;
}

/* Actions are entities too, and attributes can name them: their type is there where actions are declared. */
static bool
is_action_type(const struct resolver *r, lg_str full)
{
	lg_str ns = lg_str_eq(full, LG_STR("Action")) ? LG_STR("") : lg_str_sub(full, 0, full.n > 8 ? full.n - 8 : 0);

	for (uint32_t i = 0; lg_type_is_action(full) && i < r->d->naction; i++)
		if (lg_str_eq(r->d->action[i]->ns, ns))
			return true;
	return false;
}

static const struct lg_type *
named(struct resolver *r, lg_str ns, const struct lg_decl_type *t)
{
	lg_str tries[2] = { lg_decl_full(r->s->arena, ns, t->name), t->name };
	const struct lg_type *b;

	for (int i = ns.n == 0 ? 1 : 0; i < 2; i++) {
		struct lg_decl_common *c = lg_map_get(&r->d->common_by_name, tries[i]);

		if (c != NULL && t->kind != DECL_ENTITY)
			return common_type(r, c, t->at);
		if (t->kind != DECL_COMMON &&
		    (lg_map_get(&r->d->entity_by_name, tries[i]) != NULL || is_action_type(r, tries[i])))
			return entity_type(r, tries[i]);
	}
	b = t->kind == DECL_NAME ? builtin(t->name) : NULL;
	if (b != NULL)
		return b;
	lg_lex_fault(&r->d->lx, t->at, "`%.*s` is not declared%s", LG_FMT(t->name),
	    t->kind == DECL_COMMON ? " as a common type" : "");
	return &never;
}

/* ---- types ---------------------------------------------------------------------------------- */

static int
by_name(const void *a, const void *b)
{
	return lg_str_cmp(((const struct lg_type_attr *)a)->name.text, ((const struct lg_type_attr *)b)->name.text);
}

static const struct lg_type *
record_type(struct resolver *r, lg_str ns, const struct lg_decl_type *t)
{
	struct lg_type_attr *v = LG_NEWS(r->s->arena, struct lg_type_attr, t->n);
	struct lg_type *rec = LG_NEW(r->s->arena, struct lg_type);

	for (uint32_t i = 0; i < t->n; i++) {
		v[i].name = lg_name_of(t->attrs[i].name);
		v[i].optional = t->attrs[i].optional;
		v[i].type = resolve(r, ns, t->attrs[i].type);
	}
	if (t->n > 1)
		qsort(v, t->n, sizeof(*v), by_name);
	*rec = (struct lg_type){ .kind = TY_RECORD, .n = t->n, .attrs = v };
	return rec;
}

static const struct lg_type *
resolve(struct resolver *r, lg_str ns, const struct lg_decl_type *t)
{
	const struct lg_type *ret;
	struct lg_type *set;

	if (r->depth >= LG_POLICY_DEPTH) {
		lg_lex_fault(&r->d->lx, t->at, "type nested deeper than %d", LG_POLICY_DEPTH);
		return &never;
	}
	r->depth++;
	switch (t->kind) {
	case DECL_SET:
		set = LG_NEW(r->s->arena, struct lg_type);
		set->kind = TY_SET;
		set->element = resolve(r, ns, t->element);
		ret = set;
		break;
	case DECL_RECORD:
		ret = record_type(r, ns, t);
		break;
	default:
		ret = named(r, ns, t);
	}
	r->depth--;
	return ret;
}

static const struct lg_type *
resolve_record(struct resolver *r, lg_str ns, const struct lg_decl_type *t, const char *what)
{
	const struct lg_type *ret = t == NULL ? &empty_record : resolve(r, ns, t);

	if (ret->kind == TY_NEVER)
		return &empty_record;		/* its fault is recorded */
	if (ret->kind != TY_RECORD) {
		lg_lex_fault(&r->d->lx, t->at, "%s must be a record", what);
		return &empty_record;
	}
	return ret;
}

/* ---- entities ------------------------------------------------------------------------------- */

static void
entity_make(struct resolver *r, const struct lg_decl_entity *d)
{
	struct lg_schema_entity *e = LG_NEW(r->s->arena, struct lg_schema_entity);

	e->type = lg_decl_full(r->s->arena, d->ns, d->name);
	if (d->ns.n > 0 && (lg_map_get(&r->d->entity_by_name, d->name) != NULL ||
			       lg_map_get(&r->d->common_by_name, d->name) != NULL))
		lg_lex_fault(&r->d->lx, d->at, "`%.*s` would hide the `%.*s` of the empty namespace", LG_FMT(e->type),
		    LG_FMT(d->name));
	e->shape = resolve_record(r, d->ns, d->shape, "an entity's shape");
	e->tags = d->tags == NULL ? NULL : resolve(r, d->ns, d->tags);
	e->is_enum = d->is_enum;
	e->ids = d->ids;
	e->nids = d->nids;
	*lg_map_at(&r->s->entities, e->type) = e;
	e->number = r->s->nentities;
	r->s->entity[r->s->nentities++] = e;
}

/* Collects what is above one entity type or action; each kind of thing by its number. */
struct climb {
	struct resolver *r;
	uint8_t *seen;
	uint32_t *found;
	uint32_t n, depth;
	uint32_t from;				/* whose ancestors these are */
	bool cycle;
};

static struct climb
climb_new(struct resolver *r, uint32_t n)
{
	struct lg_arena *a = r->d->lx.cx->arena;

	return (struct climb){ .r = r, .seen = LG_NEWS(a, uint8_t, n), .found = LG_NEWS(a, uint32_t, n) };
}

static void
climb_start(struct climb *c, uint32_t from)
{
	for (uint32_t i = 0; i < c->n; i++)
		c->seen[c->found[i]] = 0;
	c->n = 0;
	c->from = from;
	c->cycle = false;
}

/* False if it was met before, or the chain is too long. */
static bool
climb_to(struct climb *c, uint32_t number, uint32_t at)
{
	c->cycle = c->cycle || number == c->from;
	if (c->seen[number])
		return false;
	if (c->depth >= LG_POLICY_DEPTH) {
		lg_lex_fault(&c->r->d->lx, at, "a hierarchy of more than %d levels", LG_POLICY_DEPTH);
		return false;
	}
	c->seen[number] = 1;
	c->found[c->n++] = number;
	return true;
}

/* What d's declared parents are, and theirs; a type may be in itself. */
static void
parents_climb(struct climb *c, const struct lg_decl_entity *d)
{
	for (uint32_t i = 0; i < d->parents.n; i++) {
		lg_str full = entity_name(c->r, d->ns, d->parents.v[i].path);
		const struct lg_schema_entity *up = full.p == NULL ? NULL : lg_map_get(&c->r->s->entities, full);

		if (up == NULL || !climb_to(c, up->number, d->parents.v[i].at))
			continue;
		c->depth++;
		parents_climb(c, c->r->d->entity[up->number]);
		c->depth--;
	}
}

static void
parents_check(struct resolver *r, const struct lg_decl_entity *d)
{
	for (uint32_t k = 0; k < d->parents.n; k++)
		if (entity_name(r, d->ns, d->parents.v[k].path).p == NULL)
			lg_lex_fault(&r->d->lx, d->parents.v[k].at, "entity type `%.*s` is not declared",
			    LG_FMT(d->parents.v[k].path));
}

static void
entities_make(struct resolver *r)
{
	struct climb c = climb_new(r, r->d->nentity);

	r->s->entity = LG_NEWS(r->s->arena, struct lg_schema_entity *, r->d->nentity);
	for (uint32_t i = 0; i < r->d->nentity; i++)
		entity_make(r, r->d->entity[i]);
	for (uint32_t i = 0; i < r->d->nentity; i++) {
		struct lg_schema_entity *e = r->s->entity[i];

		parents_check(r, r->d->entity[i]);
		climb_start(&c, i);
		parents_climb(&c, r->d->entity[i]);
		e->parents = LG_NEWS(r->s->arena, const struct lg_schema_entity *, c.n);
		e->nparents = c.n;
		for (uint32_t k = 0; k < c.n; k++)
			e->parents[k] = r->s->entity[c.found[k]];
	}
}

/* ---- actions -------------------------------------------------------------------------------- */

static const lg_str *
applies(struct resolver *r, lg_str ns, const struct lg_decl_names *l, uint32_t *n)
{
	lg_str *v = LG_NEWS(r->s->arena, lg_str, l->n);

	*n = 0;
	for (uint32_t i = 0; i < l->n; i++) {
		lg_str full = entity_name(r, ns, l->v[i].path);
		bool twice = false;

		if (full.p == NULL) {
			lg_lex_fault(&r->d->lx, l->v[i].at, "entity type `%.*s` is not declared", LG_FMT(l->v[i].path));
			continue;
		}
		for (uint32_t k = 0; k < *n && !twice; k++)
			twice = lg_str_eq(v[k], full);
		if (!twice)
			v[(*n)++] = full;
	}
	return v;
}

static void
action_make(struct resolver *r, const struct lg_decl_action *d)
{
	struct lg_schema_action *a = LG_NEW(r->s->arena, struct lg_schema_action);

	a->uid = lg_euid_of(lg_decl_full(r->s->arena, d->ns, LG_STR("Action")), d->id);
	a->principals = applies(r, d->ns, &d->principals, &a->nprincipals);
	a->resources = applies(r, d->ns, &d->resources, &a->nresources);
	a->context = resolve_record(r, d->ns, d->context, "a context");
	a->number = r->s->nactions;
	r->s->action[r->s->nactions++] = a;
}

/* Which action does p, written in ns, name? */
static struct lg_schema_action *
action_parent(struct resolver *r, lg_str ns, const struct lg_decl_name *p)
{
	lg_str types[2] = { lg_decl_full(r->s->arena, ns, p->path.n == 0 ? LG_STR("Action") : p->path), p->path };

	for (int i = 0; i < 2; i++) {
		struct lg_euid uid = lg_euid_of(types[i], p->id);
		const struct lg_schema_action *a = types[i].n == 0 ? NULL : lg_schema_action_find(r->s, &uid);

		if (a != NULL)
			return r->s->action[a->number];
	}
	return NULL;
}

static void
groups_climb(struct climb *c, const struct lg_decl_action *d)
{
	for (uint32_t i = 0; i < d->parents.n; i++) {
		const struct lg_schema_action *up = action_parent(c->r, d->ns, &d->parents.v[i]);

		if (up == NULL || !climb_to(c, up->number, d->parents.v[i].at))
			continue;
		c->depth++;
		groups_climb(c, c->r->d->action[up->number]);
		c->depth--;
	}
}

static void
groups_check(struct resolver *r, const struct lg_decl_action *d)
{
	for (uint32_t k = 0; k < d->parents.n; k++)
		if (action_parent(r, d->ns, &d->parents.v[k]) == NULL)
			lg_lex_fault(&r->d->lx, d->parents.v[k].at, "action \"%.*s\" is not declared",
			    LG_FMT(d->parents.v[k].id));
}

static void
groups_make(struct resolver *r)
{
	struct climb c = climb_new(r, r->d->naction);

	for (uint32_t i = 0; i < r->d->naction; i++) {
		struct lg_schema_action *a = r->s->action[i];

		groups_check(r, r->d->action[i]);
		climb_start(&c, i);
		groups_climb(&c, r->d->action[i]);
		if (c.cycle)
			lg_lex_fault(&r->d->lx, r->d->action[i]->at, "action \"%.*s\" is in itself", LG_FMT(a->uid.id));
		a->ancestors = LG_NEWS(r->s->arena, const struct lg_euid *, c.n);
		a->nancestors = c.n;
		for (uint32_t k = 0; k < c.n; k++)
			a->ancestors[k] = &r->s->action[c.found[k]]->uid;
	}
}

static void
actions_index(struct lg_schema *s)
{
	s->action_slots = 8;
	while (s->action_slots < s->nactions * 2)
		s->action_slots *= 2;
	s->action_slot = LG_NEWS(s->arena, struct lg_schema_action *, s->action_slots);
	for (uint32_t i = 0; i < s->nactions; i++) {
		uint32_t k = (uint32_t)s->action[i]->uid.hash & (s->action_slots - 1);

		while (s->action_slot[k] != NULL)
			k = (k + 1) & (s->action_slots - 1);
		s->action_slot[k] = s->action[i];
	}
}

lg_err
lg_schema_resolve(struct lg_decls *d, struct lg_schema *s)
{
	struct resolver r = { .d = d, .s = s };

	for (uint32_t i = 0; i < d->ncommon; i++) {
		(void)common_type(&r, d->common[i], d->common[i]->at);
		if (d->common[i]->ns.n > 0 && (lg_map_get(&d->common_by_name, d->common[i]->name) != NULL ||
		    lg_map_get(&d->entity_by_name, d->common[i]->name) != NULL))
			lg_lex_fault(&d->lx, d->common[i]->at, "type `%.*s` would hide that of the empty namespace",
			    LG_FMT(d->common[i]->name));
	}
	entities_make(&r);
	s->action = LG_NEWS(s->arena, struct lg_schema_action *, d->naction);
	for (uint32_t i = 0; i < d->naction; i++)
		action_make(&r, d->action[i]);
	actions_index(s);
	groups_make(&r);
	return lg_fault_status(d->lx.cx, d->lx.faults);
}
