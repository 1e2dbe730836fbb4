/* compile.c: from sources to an immutable set: ids, links, resolved entities, constants, index. */
#include <stdlib.h>

#include "policy/eval.h"
#include "policy/set.h"

struct build {
	struct lg_ctx *cx;
	struct lg_policies *set;
	const struct lg_policy_options *options;
	struct lg_policy_faults *faults;
	const struct lg_beside *beside;		/* or NULL */
	struct lg_parser ps;
	uint32_t size;
	struct lg_ctx fold_cx;			/* constants live as long as the set */
};

/* ---- ids ------------------------------------------------------------------------------------ */

/* policy7, or NAME:policy7 */
static lg_str
numbered(struct lg_arena *a, lg_str source, uint32_t position)
{
	char digits[16], *p = digits + sizeof(digits);
	lg_str name = source.n == 0 ? LG_STR("policy") : lg_cat(a, source, LG_STR(":policy"));

	do
		*--p = (char)('0' + position % 10);
	while ((position /= 10) > 0);
	return lg_cat(a, name, (lg_str){ p, (size_t)(digits + sizeof(digits) - p) });
}

static lg_str
policy_id(
    const struct build *b, size_t source, const struct lg_source *src, const struct lg_policy *p, uint32_t position)
{
	if (b->options->ids != NULL)
		return lg_dup(b->set->arena, b->options->ids[source]);
	if (b->options->ids_from_annotation)
		for (size_t i = 0; i < p->info.nannotations; i++)
			if (lg_str_eq(p->info.annotations[i].name, LG_STR("id")))
				return p->info.annotations[i].value;
	return numbered(b->set->arena, src->name, position);
}

/* The policy of this id, here or beside; NULL if it is free. */
static const struct lg_policy *
policy_of(const struct build *b, lg_str id)
{
	size_t at;

	if (lg_policies_find(b->set, id, &at))
		return b->set->v[at];
	if (b->beside != NULL && lg_policies_find(b->beside->was, id, &at) && !b->beside->gone[at])
		return b->beside->was->v[at];
	return NULL;
}

static bool
policy_add(struct build *b, struct lg_policy *p)
{
	struct lg_policies *set = b->set;

	if (set->n == LG_POLICY_COUNT_MAX) {
		lg_lex_fault(&b->ps.lx, p->at, "more than %d policies", LG_POLICY_COUNT_MAX);
		return false;
	}
	if (policy_of(b, p->info.id) != NULL)
		lg_lex_fault(&b->ps.lx, p->at, "the id `%.*s` is taken", LG_FMT(p->info.id));
	if (set->n == b->size) {
		struct lg_policy **v =
		    LG_NEWS(set->arena, struct lg_policy *, b->size = b->size == 0 ? 16 : b->size * 2);

		if (set->n > 0)
			memcpy(v, set->v, set->n * sizeof(*v));
		set->v = v;
	}
	set->v[set->n++] = p;
	*lg_map_at(&set->by_id, p->info.id) = (void *)(uintptr_t)set->n;
	return true;
}

/* ---- links ---------------------------------------------------------------------------------- */

static lg_err
slot_fill(struct build *b, struct lg_scope *sc, uint32_t at, const struct lg_euid *uid, const char *name)
{
	if (sc->slot != (uid != NULL))
		return lg_fail(b->cx, LG_E_INVALID, "link: the template %s ?%s", sc->slot ? "needs" : "has no", name);
	if (uid == NULL)
		return LG_OK;
	sc->slot = false;
	sc->n = 1;
	sc->uids = LG_NEW(b->set->arena, struct lg_euid);
	*sc->uids = lg_euid_of(lg_dup(b->set->arena, uid->type), lg_dup(b->set->arena, uid->id));
	sc->at = LG_NEW(b->set->arena, uint32_t);
	*sc->at = at;			/* the entity stands in no text: faults point to the template */
	return LG_OK;
}

static lg_err
link_one(struct build *b, const struct lg_policy_link *link)
{
	struct lg_policy *p = LG_NEW(b->set->arena, struct lg_policy);
	const struct lg_policy *of = policy_of(b, link->template_id);

	if (of == NULL || !of->info.is_template)
		return lg_fail(b->cx, LG_E_INVALID, "link `%.*s`: no template `%.*s`", LG_FMT(link->id),
		    LG_FMT(link->template_id));
	*p = *of;
	p->of = of;
	if (of->home != b->set->arena)
		p->home = NULL;		/* it lies here, and its clauses there */
	p->info.is_template = false;
	p->info.id = lg_dup(b->set->arena, link->id);
	LG_TRY(slot_fill(b, &p->principal, p->at, link->principal, "principal"));
	LG_TRY(slot_fill(b, &p->resource, p->at, link->resource, "resource"));
	if (policy_of(b, p->info.id) != NULL)
		return lg_fail(b->cx, LG_E_INVALID, "link: the id `%.*s` is taken", LG_FMT(p->info.id));
	return policy_add(b, p) ? LG_OK : LG_E_LIMIT;
}

/* ---- resolution of entity literals ---------------------------------------------------------- */

struct resolving {
	struct build *b;
	const struct lg_policy *p;
};

static void
resolve_one(const struct resolving *r, struct lg_euid *uid, uint32_t at)
{
	struct build *b = r->b;
	struct lg_euid to = *uid;

	if (b->options->resolve(b->options->self, b->cx, uid, &to) == LG_OK) {
		*uid = lg_euid_of(lg_dup(b->set->arena, to.type), lg_dup(b->set->arena, to.id));
		return;
	}
	b->ps.lx.policy = r->p->info.id;
	lg_lex_fault(&b->ps.lx, at, "%s", b->cx->error);
}

static bool
resolve_node(void *self, struct lg_expr *x)
{
	const struct resolving *r = self;
	struct lg_euid *uid;
	struct lg_value *v;

	if (x->op != X_LIT || x->constant->kind != LG_V_ENTITY)
		return true;
	uid = LG_NEW(r->b->set->arena, struct lg_euid);
	v = LG_NEW(r->b->set->arena, struct lg_value);
	*uid = *x->constant->u.e.uid;
	resolve_one(r, uid, x->at);
	*v = lg_value_entity(uid);
	x->constant = v;
	return true;
}

static void
resolve_policy(struct build *b, struct lg_policy *p)
{
	struct resolving r = { b, p };
	const struct lg_scope *scopes[] = { &p->principal, &p->action, &p->resource };

	if (b->options->resolve == NULL)
		return;
	for (size_t s = 0; s < LG_COUNT(scopes); s++)
		for (uint32_t i = 0; i < scopes[s]->n; i++)
			resolve_one(&r, &scopes[s]->uids[i], scopes[s]->at[i]);
	for (uint32_t i = 0; i < p->nclauses; i++)
		if (p->clauses[i].body != NULL)
			lg_expr_walk(p->clauses[i].body, resolve_node, &r);
	b->ps.lx.policy = LG_NONE;
}

/* ---- constants ------------------------------------------------------------------------------ */

static bool
is_constant(const struct lg_expr *x)
{
	return x != NULL && x->constant != NULL;
}

/* Can x be evaluated from its children alone, and are they known? */
static bool
foldable(const struct lg_expr *x)
{
	switch (x->op) {
	case X_NOT:
	case X_NEG:
	case X_IS_EMPTY:
	case X_LIKE: return is_constant(x->a);
	case X_IS: return x->in == NULL && is_constant(x->a);
	case X_HAS:
	case X_GET: return is_constant(x->a) && x->a->constant->kind == LG_V_RECORD;
	case X_IF: return is_constant(x->a) && is_constant(x->b) && is_constant(x->c);
	case X_AND:
	case X_OR:
	case X_SET:
	case X_RECORD:
	case X_CALL:
		for (uint32_t i = 0; i < x->n; i++)
			if (!is_constant(x->list[i]))
				return false;
		return true;
	case X_LIT:
	case X_VAR:
	case X_SLOT:
	case X_IN:
	case X_HAS_TAG:
	case X_GET_TAG: return false;
	default: return is_constant(x->a) && is_constant(x->b);
	}
}

/* What fails stays as it is, and fails again when it is evaluated. */
static bool
fold_node(void *self, struct lg_expr *x)
{
	struct build *b = self;
	struct lg_eval ev;
	struct lg_value v, *kept;

	if (!foldable(x))
		return true;
	lg_eval_init(&ev, &b->fold_cx, NULL, NULL, NULL);
	if (!lg_eval(&ev, x, &v))
		return true;
	kept = LG_NEW(b->set->arena, struct lg_value);
	*kept = v;
	x->constant = kept;
	return true;
}

/* ---- sources -------------------------------------------------------------------------------- */

/* While its tree is still in the processor's cache. */
static void
finish_policy(struct build *b, struct lg_policy *p)
{
	resolve_policy(b, p);
	for (uint32_t i = 0; i < p->nclauses; i++)
		if (p->clauses[i].body != NULL)
			lg_expr_walk(p->clauses[i].body, fold_node, b);
}

static void
source_parse(struct build *b, size_t number, const struct lg_policy_source *in)
{
	struct lg_source *src = LG_NEW(b->set->arena, struct lg_source);
	struct lg_place place = { 0, 1, 1 };
	uint32_t position = 0;

	*src = (struct lg_source){ lg_dup(b->set->arena, in->name), lg_dup(b->set->arena, in->text) };
	lg_lex_init(&b->ps.lx, b->cx, src->name, src->text, b->faults);
	while (b->ps.lx.tok.type != T_END) {
		struct lg_policy *p = lg_parse_policy(&b->ps);

		if (p != NULL) {
			p->home = b->set->arena;
			p->source = src;
			p->info.source = src->name;
			lg_place_move(&place, src->text, p->at);
			p->info.line = place.line;
			p->info.column = place.column;
			p->info.id = policy_id(b, number, src, p, position);
			if (!policy_add(b, p))
				return;
			finish_policy(b, p);
		}
		position++;
	}
}

/* ---- the whole ------------------------------------------------------------------------------ */

static int
by_number(const void *a, const void *b)
{
	const struct lg_name *x = a, *y = b;

	return x->id < y->id ? -1 : x->id > y->id;
}

void
lg_set_keep_names(struct lg_policies *set, const struct lg_map *names)
{
	uint32_t n = 0;
	size_t it = 0;
	lg_str key;
	void *value;

	if (set->base != NULL && set->base->nnames == set->nnames) {
		set->names = set->base->names;
		return;
	}
	set->names = LG_NEWS(set->arena, struct lg_name, set->nnames);
	while (lg_map_next(names, &it, &key, &value))
		set->names[n++] = *(struct lg_name *)value;
	if (n > 1)
		qsort(set->names, n, sizeof(*set->names), by_number);
}

struct lg_policies *
lg_set_new(const struct lg_schema *schema)
{
	struct lg_arena *a = lg_arena_new();
	struct lg_policies *set = LG_NEW(a, struct lg_policies);

	set->arena = a;
	atomic_init(&set->refs, 1);
	set->schema = schema == NULL ? NULL : lg_schema_ref(schema);
	lg_map_init(&set->by_id, a);
	return set;
}

lg_err
lg_set_compile(struct lg_ctx *cx, struct lg_policies *set, const struct lg_beside *beside, struct lg_map *names,
    const struct lg_policy_source *sources, size_t n, const struct lg_policy_options *options, struct lg_policy_faults *faults)
{
	struct build b = { .cx = cx, .set = set, .options = options, .faults = faults, .beside = beside };

	lg_ctx_init(&b.fold_cx, set->arena);
	b.ps = (struct lg_parser){ .arena = set->arena, .names = names, .nnames = &set->nnames };
	for (size_t i = 0; i < n; i++)
		source_parse(&b, i, &sources[i]);
	LG_TRY(lg_fault_status(cx, faults));
	for (size_t i = 0; i < options->nlinks; i++)
		LG_TRY(link_one(&b, &options->links[i]));
	return LG_OK;
}

lg_err
lg_policies_parse(struct lg_ctx *cx, const struct lg_policy_source *sources, size_t n,
    const struct lg_policy_options *options, struct lg_policy_faults *faults, struct lg_policies **ret)
{
	static const struct lg_policy_options none = { 0 };
	struct lg_policies *set;
	struct lg_map names;
	lg_err e;

	options = options == NULL ? &none : options;
	set = lg_set_new(options->schema);
	lg_map_init(&names, cx->arena);
	e = lg_set_compile(cx, set, NULL, &names, sources, n, options, faults);
	if (e != LG_OK) {
		lg_policies_unref(&set);
		return e;
	}
	lg_set_keep_names(set, &names);
	set->nrecent = set->n;
	lg_index_build(&set->index, set->arena, set->v, NULL, set->n);
	*ret = set;
	return LG_OK;
}
