/* merge.c: two sets in one, and new ids for what would collide. */
#include "policy/set.h"

struct merging {
	struct lg_ctx *cx;
	const struct lg_policies *a, *b;
	struct lg_policy_source *sources;
	lg_str *ids;
	struct lg_policy_link *links;
	size_t n, nlinks;
	struct lg_map taken, renamed;		/* ids; of b: old id -> struct lg_policy_rename */
	struct lg_policy_rename *renames;
	size_t nrenames;
	bool rename;
};

static bool
same_slot(const struct lg_scope *x, const struct lg_scope *y)
{
	return x->n == y->n && (x->n == 0 || lg_euid_eq(&x->uids[0], &y->uids[0]));
}

bool
lg_policy_same(const struct lg_policy *x, const struct lg_policy *y)
{
	if ((x->of == NULL) != (y->of == NULL) || !lg_str_eq(x->info.text, y->info.text))
		return false;
	return x->of == NULL || (lg_str_eq(x->of->info.id, y->of->info.id) && same_slot(&x->principal, &y->principal) &&
	    same_slot(&x->resource, &y->resource));
}

static lg_str
new_id(struct merging *m, lg_str id)
{
	for (unsigned i = 1;; i++) {
		lg_str to = lg_print(m->cx->arena, "%.*s-%u", LG_FMT(id), i);
		size_t at;

		if (lg_map_get(&m->taken, to) == NULL && !lg_policies_find(m->a, to, &at) && !lg_policies_find(m->b, to, &at))
			return to;
	}
}

static lg_str
id_now(struct merging *m, const struct lg_policies *of, lg_str id)
{
	const struct lg_policy_rename *r = of == m->b ? lg_map_get(&m->renamed, id) : NULL;

	return r == NULL ? id : r->to;
}

static void
put_policy(struct merging *m, const struct lg_policies *of, const struct lg_policy *p)
{
	struct lg_policy_link *l;

	if (p->of == NULL) {
		m->ids[m->n] = id_now(m, of, p->info.id);
		m->sources[m->n++] = (struct lg_policy_source){ p->info.source, p->info.text };
		return;
	}
	l = &m->links[m->nlinks++];
	*l = (struct lg_policy_link){ id_now(m, of, p->of->info.id), id_now(m, of, p->info.id), NULL, NULL };
	l->principal = p->of->principal.slot ? &p->principal.uids[0] : NULL;
	l->resource = p->of->resource.slot ? &p->resource.uids[0] : NULL;
}

/* Decides on the ids of b; *skip[i] when the same policy is in a. */
static lg_err
choose_ids(struct merging *m, bool *skip)
{
	for (uint32_t i = 0; i < m->b->n; i++) {
		const struct lg_policy *p = m->b->v[i];
		struct lg_policy_rename *r;
		size_t at;

		if (!lg_policies_find(m->a, p->info.id, &at))
			continue;
		/* A link is the same only if its template was. */
		skip[i] = lg_policy_same(m->a->v[at], p) && (p->of == NULL || lg_map_get(&m->renamed, p->of->info.id) == NULL);
		if (skip[i])
			continue;
		if (!m->rename)
			return lg_fail(m->cx, LG_E_EXISTS, "both sets have a policy `%.*s`, and they differ", LG_FMT(p->info.id));
		r = &m->renames[m->nrenames++];
		*r = (struct lg_policy_rename){ lg_dup(m->cx->arena, p->info.id), new_id(m, p->info.id) };
		*lg_map_at(&m->taken, r->to) = r;
		*lg_map_at(&m->renamed, r->from) = r;
	}
	return LG_OK;
}

lg_err
lg_policies_merge(struct lg_ctx *cx, const struct lg_policies *a, const struct lg_policies *b,
    const struct lg_policy_options *options, bool rename, struct lg_policies **ret, const struct lg_policy_rename **renames,
    size_t *nrenames)
{
	struct merging m = { .cx = cx, .a = a, .b = b, .rename = rename };
	struct lg_policy_options o = options == NULL ? (struct lg_policy_options){ 0 } : *options;
	struct lg_policy_faults faults = { 0 };
	size_t all = (size_t)a->n + b->n;
	bool *skip = LG_NEWS(cx->arena, bool, b->n);

	m.sources = LG_NEWS(cx->arena, struct lg_policy_source, all);
	m.ids = LG_NEWS(cx->arena, lg_str, all);
	m.links = LG_NEWS(cx->arena, struct lg_policy_link, all);
	m.renames = LG_NEWS(cx->arena, struct lg_policy_rename, b->n);
	lg_map_init(&m.taken, cx->arena);
	lg_map_init(&m.renamed, cx->arena);
	LG_TRY(choose_ids(&m, skip));
	for (uint32_t i = 0; i < a->n; i++)
		put_policy(&m, a, a->v[i]);
	for (uint32_t i = 0; i < b->n; i++)
		if (!skip[i])
			put_policy(&m, b, b->v[i]);
	o.ids_from_annotation = false;
	o.ids = m.ids;
	o.links = m.links;
	o.nlinks = m.nlinks;
	LG_TRY(lg_policies_parse(cx, m.sources, m.n, &o, &faults, ret));
	*renames = m.renames;
	*nrenames = m.nrenames;
	return LG_OK;
}
