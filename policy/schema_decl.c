/* schema_decl.c: lists of declarations; each name once. */
#include "policy/schema_decl.h"

#define NOTES_MAX 256
#define DECLS_MAX 16384		/* of one kind */

lg_str
lg_decl_full(struct lg_arena *a, lg_str ns, lg_str name)
{
	return ns.n == 0 ? name : lg_print(a, "%.*s::%.*s", LG_FMT(ns), LG_FMT(name));
}

/* Room for one more pointer. */
static void *
room(struct lg_decls *d, void *old, uint32_t n, uint32_t *size)
{
	void **v;

	if (n < *size)
		return old;
	if (n == DECLS_MAX)
		lg_lex_fault(&d->lx, d->lx.tok.at, "more than %d declarations", DECLS_MAX);
	*size = *size == 0 ? 16 : *size * 2;
	v = LG_NEWS(d->arena, void *, *size);
	if (n > 0)
		memcpy(v, old, n * sizeof(*v));
	return v;
}

static bool
declare(struct lg_decls *d, struct lg_map *m, lg_str name, void *what, uint32_t at, const char *kind)
{
	void **slot = lg_map_at(m, name);

	if (*slot != NULL) {
		lg_lex_fault(&d->lx, at, "%s `%.*s` is declared twice", kind, LG_FMT(name));
		return false;
	}
	*slot = what;
	return true;
}

void
lg_decl_add_common(struct lg_decls *d, struct lg_decl_common *c)
{
	static const char *const taken[] = {
	    "Bool", "Boolean", "Entity", "Extension", "Long", "Record", "Set", "String"};

	for (size_t i = 0; i < LG_COUNT(taken); i++)
		if (lg_str_eq(c->name, lg_str_of(taken[i])))
			lg_lex_fault(&d->lx, c->at, "`%s` cannot be declared: it is a type of the language", taken[i]);
	if (!declare(d, &d->common_by_name, lg_decl_full(d->arena, c->ns, c->name), c, c->at, "type"))
		return;
	d->common = room(d, d->common, d->ncommon, &d->common_size);
	d->common[d->ncommon++] = c;
}

void
lg_decl_add_entity(struct lg_decls *d, struct lg_decl_entity *e)
{
	if (lg_str_eq(e->name, LG_STR("Action")))
		lg_lex_fault(&d->lx, e->at, "the entity type Action belongs to actions");
	if (!declare(d, &d->entity_by_name, lg_decl_full(d->arena, e->ns, e->name), e, e->at, "entity type"))
		return;
	d->entity = room(d, d->entity, d->nentity, &d->entity_size);
	d->entity[d->nentity++] = e;
}

void
lg_decl_add_action(struct lg_decls *d, struct lg_decl_action *a)
{
	lg_str type = lg_decl_full(d->arena, a->ns, LG_STR("Action"));
	lg_str key = lg_print(d->arena, "%.*s::%.*s", LG_FMT(type), LG_FMT(a->id));

	if (!declare(d, &d->action_by_name, key, a, a->at, "action"))
		return;
	d->action = room(d, d->action, d->naction, &d->action_size);
	d->action[d->naction++] = a;
}

void
lg_decl_add_ns(struct lg_decls *d, lg_str name, struct lg_decl_notes notes, uint32_t at)
{
	struct lg_decl_ns *ns = LG_NEW(d->arena, struct lg_decl_ns);

	*ns = (struct lg_decl_ns){ name, notes };
	if (lg_str_starts(name, LG_STR("__cedar")))
		lg_lex_fault(&d->lx, at, "the namespace __cedar is reserved");
	if (!declare(d, &d->ns_by_name, name, ns, at, "namespace"))
		return;
	d->ns = room(d, d->ns, d->nns, &d->ns_size);
	d->ns[d->nns++] = ns;
}

void
lg_decl_add_note(struct lg_decls *d, struct lg_decl_notes *l, struct lg_policy_annotation note, uint32_t at)
{
	for (uint32_t i = 0; i < l->n; i++)
		if (lg_str_eq(l->v[i].name, note.name))
			lg_lex_fault(&d->lx, at, "annotation @%.*s stands twice", LG_FMT(note.name));
	if (l->n == NOTES_MAX) {
		lg_lex_fault(&d->lx, at, "more than %d annotations", NOTES_MAX);
		return;
	}
	if (l->n == l->size) {
		struct lg_policy_annotation *v =
		    LG_NEWS(d->arena, struct lg_policy_annotation, l->size = l->size * 2 + 2);

		if (l->n > 0)
			memcpy(v, l->v, l->n * sizeof(*v));
		l->v = v;
	}
	l->v[l->n++] = note;
}

void
lg_decls_init(struct lg_decls *d, struct lg_ctx *cx, struct lg_arena *a, lg_str name, lg_str text,
    struct lg_policy_faults *faults)
{
	*d = (struct lg_decls){ .arena = a };
	lg_map_init(&d->common_by_name, a);
	lg_map_init(&d->entity_by_name, a);
	lg_map_init(&d->action_by_name, a);
	lg_map_init(&d->ns_by_name, a);
	lg_lex_init(&d->lx, cx, name, lg_dup(a, text), faults);
}

void
lg_decl_add_name(struct lg_decls *d, struct lg_decl_names *l, struct lg_decl_name name)
{
	if (l->n == l->size) {
		struct lg_decl_name *v =
		    LG_NEWS(d->arena, struct lg_decl_name, l->size = l->size == 0 ? 4 : l->size * 2);

		if (l->n > 0)
			memcpy(v, l->v, l->n * sizeof(*v));
		l->v = v;
	}
	l->v[l->n++] = name;
}
