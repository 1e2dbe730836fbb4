/* plan.c: choosing the source of candidates, and walking it. */
#include "directory/plan.h"

#include "directory/entry.h"
#include "directory/find.h"
#include "directory/indexes.h"

struct planner {
	struct lg_ctx *cx;
	struct lg_view *v;
	uint32_t tenant;
};

static lg_err plan_filter(struct planner *p, const struct lg_filter *f, struct lg_plan *ret);

static struct lg_plan
plan_all(const struct planner *p)
{
	return (struct lg_plan){ .source = LG_SOURCE_ALL, .tenant = p->tenant, .estimate = SIZE_MAX };
}

static struct lg_plan
plan_list(const struct planner *p, struct lg_ids *ids)
{
	lg_ids_sort(ids);
	return (struct lg_plan){ .source = LG_SOURCE_LIST, .tenant = p->tenant, .id = ids->v, .n = ids->n, .estimate = ids->n };
}

/* ---- rows with a prefix -------------------------------------------------------------------------------------------- */

/* Counts rows up to `most`, for comparing sources. */
static lg_err
count_rows(struct planner *p, struct lg_plan *plan, size_t most)
{
	LG_AUTO(lg_cursor_end) struct lg_cursor c = { 0 };
	lg_str key, value;

	LG_TRY(lg_scan(p->cx, p->v, plan->table, lg_dkey_str(&plan->prefix), LG_NONE, &c));
	for (plan->estimate = 0; plan->estimate < most && lg_cursor_next(&c, &key, &value); plan->estimate++)
		;
	return LG_OK;
}

static lg_err
plan_prefix(struct planner *p, const struct lg_table *t, const struct lg_dkey *prefix, struct lg_plan *ret)
{
	*ret = (struct lg_plan){ .source = LG_SOURCE_PREFIX, .tenant = p->tenant, .table = t, .prefix = *prefix };
	return count_rows(p, ret, LG_PLAN_FEW);
}

/* Of a source that seemed large: how large? */
static lg_err
refine(struct planner *p, struct lg_plan *plan)
{
	return plan->source == LG_SOURCE_PREFIX && plan->estimate == LG_PLAN_FEW ? count_rows(p, plan, LG_PLAN_COUNT) : LG_OK;
}

/* Adds the ids at the ends of the keys (or, for the DN index, the values); false when there are too many. */
static lg_err
collect(struct planner *p, const struct lg_table *t, const struct lg_dkey *prefix, struct lg_ids *to, bool *fits)
{
	LG_AUTO(lg_cursor_end) struct lg_cursor c = { 0 };
	lg_str key, value;

	LG_TRY(lg_scan(p->cx, p->v, t, lg_dkey_str(prefix), LG_NONE, &c));
	while (*fits && lg_cursor_next(&c, &key, &value)) {
		lg_ids_add(to, lg_id_of(value.n == 8 ? value : key));
		*fits = to->n <= LG_PLAN_IDS;
	}
	return LG_OK;
}

static lg_err
plan_collected(struct planner *p, const struct lg_table *t, const struct lg_dkey *prefix, struct lg_plan *ret)
{
	struct lg_ids ids = lg_ids_of(p->cx->arena);
	bool fits = true;

	LG_TRY(collect(p, t, prefix, &ids, &fits));
	*ret = fits ? plan_list(p, &ids) : plan_all(p);
	return LG_OK;
}

/* ---- terms ------------------------------------------------------------------------------------------------------------- */

/* (member=DN), (memberOf=DN): the rows of the other side. */
static lg_err
plan_linked(struct planner *p, const struct lg_filter *f, bool chain, struct lg_plan *ret)
{
	struct lg_ids ids = lg_ids_of(p->cx->arena);
	bool groups_wanted = f->attr->id == LG_A_MEMBER;
	struct lg_entry other;
	lg_err e = lg_entry_by_dn(p->cx, p->v, f->value, &other);

	if (e == LG_E_NOT_FOUND || e == LG_E_INVALID || (e == LG_OK && other.tenant != p->tenant)) {
		*ret = plan_list(p, &ids);
		return LG_OK;
	}
	LG_TRY(e);
	if (chain && groups_wanted) {
		LG_TRY(lg_groups_of(p->cx, p->v, p->tenant, other.id, true, 0, &ids));
		*ret = plan_list(p, &ids);
		return LG_OK;
	}
	if (chain) {			/* all that is below a group: level by level, the set is its own queue */
		bool fits = true;
		struct lg_dkey k = lg_key_id(p->tenant, other.id);
		LG_TRY(collect(p, &lg_table_member, &k, &ids, &fits));
		for (size_t i = 0; i < ids.n && fits; i++) {
			k = lg_key_id(p->tenant, ids.v[i]);
			LG_TRY(collect(p, &lg_table_member, &k, &ids, &fits));
		}
		*ret = fits ? plan_list(p, &ids) : plan_all(p);
		return LG_OK;
	}
	struct lg_dkey k = lg_key_id(p->tenant, other.id);
	return plan_prefix(p, groups_wanted ? &lg_table_memberof : &lg_table_member, &k, ret);
}

static lg_err
plan_uuid(struct planner *p, const struct lg_filter *f, struct lg_plan *ret)
{
	struct lg_ids ids = lg_ids_of(p->cx->arena);
	struct lg_entry e;
	lg_uuid u;

	memcpy(u.b, f->normal.p, sizeof u.b);
	lg_err found = lg_entry_by_uuid(p->cx, p->v, p->tenant, u, &e);
	if (found != LG_OK && found != LG_E_NOT_FOUND)
		return found;
	if (found == LG_OK)
		lg_ids_add(&ids, e.id);
	*ret = plan_list(p, &ids);
	return LG_OK;
}

static lg_err
plan_equal(struct planner *p, const struct lg_filter *f, struct lg_plan *ret)
{
	struct lg_ids ids = lg_ids_of(p->cx->arena);
	lg_str normal = f->normal;
	struct lg_entry to;
	struct lg_dkey k;

	if (f->attr->id == LG_A_MEMBER || f->attr->id == LG_A_MEMBER_OF)
		return plan_linked(p, f, false, ret);
	if (f->attr->id == LG_A_ENTRY_UUID)
		return plan_uuid(p, f, ret);
	if ((lg_index_ready(p->tenant, f->attr) & LG_INDEX_EQUAL) == 0 || lg_attr_has_subtypes(f->attr)) {
		*ret = plan_all(p);
		return LG_OK;
	}
	if ((f->attr->flags & LG_AF_REFERENCE) != 0) {
		lg_err e = lg_entry_by_dn(p->cx, p->v, f->value, &to);
		if (e != LG_OK) {
			*ret = plan_list(p, &ids);
			return e == LG_E_NOT_FOUND || e == LG_E_INVALID ? LG_OK : e;
		}
		normal = lg_id_str(p->cx->arena, to.id);
	}
	k = lg_key_equal(p->tenant, f->attr->id, normal);
	return plan_prefix(p, &lg_table_equal, &k, ret);
}

/* The piece of the assertion that fewest entries have. */
static lg_err
rarest_gram(struct planner *p, const struct lg_filter *f, struct lg_plan *ret)
{
	struct lg_plan one;

	*ret = plan_all(p);
	for (size_t i = 0; i < f->n; i++)
		for (size_t k = 0; k + LG_GRAM <= f->piece[i].normal.n && k < LG_GRAM_VALUE && ret->estimate >= LG_PLAN_FEW; k++) {
			struct lg_dkey key = lg_key_gram(p->tenant, f->attr->id, f->piece[i].normal.p + k);
			LG_TRY(plan_prefix(p, &lg_table_gram, &key, &one));
			LG_TRY(refine(p, &one));
			if (one.estimate < ret->estimate)
				*ret = one;
		}
	return LG_OK;
}

static lg_err
plan_grams(struct planner *p, const struct lg_filter *f, struct lg_plan *ret)
{
	struct lg_dkey rest = lg_key_gram(p->tenant, f->attr->id, lg_gram_long);
	struct lg_ids ids = lg_ids_of(p->cx->arena);
	struct lg_plan rarest;
	bool fits = true;

	*ret = plan_all(p);
	LG_TRY(rarest_gram(p, f, &rarest));
	if (rarest.source == LG_SOURCE_ALL)		/* no piece is long enough */
		return LG_OK;
	LG_TRY(collect(p, &lg_table_gram, &rarest.prefix, &ids, &fits));
	LG_TRY(collect(p, &lg_table_gram, &rest, &ids, &fits));
	if (fits)
		*ret = plan_list(p, &ids);
	return LG_OK;
}

static lg_err
plan_substrings(struct planner *p, const struct lg_filter *f, struct lg_plan *ret)
{
	bool fits = (f->attr->flags & LG_AF_REFERENCE) == 0 && !lg_attr_has_subtypes(f->attr) && f->rule->form == lg_attr_form(f->attr);
	unsigned ready = fits ? lg_index_ready(p->tenant, f->attr) : 0;
	bool initial = f->piece[0].where == LG_PIECE_INITIAL && f->piece[0].normal.n > 0;
	struct lg_dkey k;

	*ret = plan_all(p);
	if ((ready & LG_INDEX_EQUAL) != 0 && initial) {
		k = lg_key_initial(p->tenant, f->attr->id, f->piece[0].normal);
		LG_TRY(plan_collected(p, &lg_table_equal, &k, ret));
	}
	return ret->source == LG_SOURCE_ALL && (ready & LG_INDEX_SUBSTR) != 0 ? plan_grams(p, f, ret) : LG_OK;
}

static lg_err
plan_present(struct planner *p, const struct lg_filter *f, struct lg_plan *ret)
{
	struct lg_dkey k = lg_key_present(p->tenant, f->attr->id);

	*ret = plan_all(p);
	if (lg_attr_has_subtypes(f->attr) || (lg_index_ready(p->tenant, f->attr) & LG_INDEX_PRESENT) == 0)
		return LG_OK;
	return plan_prefix(p, &lg_table_present, &k, ret);
}

/* (>=), (<=): equality rows stand in the order of their values.  A key holds the beginning of a long value, which must decide. */
static lg_err
plan_ordered(struct planner *p, const struct lg_filter *f, struct lg_plan *ret)
{
	LG_AUTO(lg_cursor_end) struct lg_cursor c = { 0 };
	struct lg_dkey all = lg_key_present(p->tenant, f->attr->id), at = lg_key_initial(p->tenant, f->attr->id, f->normal);
	struct lg_ids ids = lg_ids_of(p->cx->arena);
	bool up = f->kind == LG_FILTER_GREATER;
	lg_str key, value;

	*ret = plan_all(p);
	if ((lg_index_ready(p->tenant, f->attr) & LG_INDEX_EQUAL) == 0 || lg_attr_has_subtypes(f->attr) || f->rule->form != lg_attr_form(f->attr) ||
	    (f->attr->flags & LG_AF_REFERENCE) != 0 || f->normal.n > LG_SHORT_MAX - sizeof(lg_sha256))
		return LG_OK;
	LG_TRY(lg_scan(p->cx, p->v, &lg_table_equal, lg_dkey_str(&all), up ? lg_dkey_str(&at) : LG_NONE, &c));
	while (lg_cursor_next(&c, &key, &value)) {
		if (!up && lg_str_cmp(key, lg_dkey_str(&at)) > 0 && !lg_str_starts(key, lg_dkey_str(&at)))
			break;
		lg_ids_add(&ids, lg_id_of(key));
		if (ids.n > LG_PLAN_IDS)
			return LG_OK;
	}
	*ret = plan_list(p, &ids);
	return LG_OK;
}

/* ---- sets ------------------------------------------------------------------------------------------------------------------ */

/* A term that narrows to a few rows is mostly there; only without one is it worth counting further. */
static lg_err
plan_and(struct planner *p, const struct lg_filter *f, struct lg_plan *ret)
{
	struct lg_plan *plan = LG_NEWS(p->cx->arena, struct lg_plan, f->n);

	*ret = plan_all(p);
	for (size_t i = 0; i < f->n; i++) {
		LG_TRY(plan_filter(p, f->child[i], &plan[i]));
		if (plan[i].estimate < LG_PLAN_FEW) {
			*ret = plan[i];
			return LG_OK;
		}
	}
	for (size_t i = 0; i < f->n; i++) {
		LG_TRY(refine(p, &plan[i]));
		if (plan[i].estimate < ret->estimate)
			*ret = plan[i];
	}
	return LG_OK;
}

static lg_err
plan_or(struct planner *p, const struct lg_filter *f, struct lg_plan *ret)
{
	struct lg_ids ids = lg_ids_of(p->cx->arena);
	struct lg_plan one;
	bool fits = true;

	for (size_t i = 0; i < f->n && fits; i++) {
		LG_TRY(plan_filter(p, f->child[i], &one));
		if (one.source == LG_SOURCE_ALL)
			fits = false;
		else if (one.source == LG_SOURCE_PREFIX)
			LG_TRY(collect(p, one.table, &one.prefix, &ids, &fits));
		for (size_t k = 0; one.source == LG_SOURCE_LIST && k < one.n; k++)
			lg_ids_add(&ids, one.id[k]);
		fits = fits && ids.n <= LG_PLAN_IDS;
	}
	*ret = fits ? plan_list(p, &ids) : plan_all(p);
	return LG_OK;
}

static lg_err
plan_filter(struct planner *p, const struct lg_filter *f, struct lg_plan *ret)
{
	struct lg_ids none = lg_ids_of(p->cx->arena);

	*ret = plan_all(p);
	if (f->kind == LG_FILTER_AND)
		return plan_and(p, f, ret);
	if (f->kind == LG_FILTER_OR)
		return plan_or(p, f, ret);
	if (f->kind == LG_FILTER_NOT)
		return LG_OK;
	if (f->undefined) {		/* no entry makes it true */
		*ret = plan_list(p, &none);
		return LG_OK;
	}
	if (f->kind == LG_FILTER_EQUAL || f->kind == LG_FILTER_APPROX)
		return plan_equal(p, f, ret);
	if (f->kind == LG_FILTER_SUBSTRINGS)
		return plan_substrings(p, f, ret);
	if (f->kind == LG_FILTER_PRESENT)
		return plan_present(p, f, ret);
	if (f->kind == LG_FILTER_GREATER || f->kind == LG_FILTER_LESS)
		return plan_ordered(p, f, ret);
	if (f->kind == LG_FILTER_EXTENSIBLE && f->rule->kind == LG_RULE_IN_CHAIN)
		return plan_linked(p, f, true, ret);
	return LG_OK;
}

lg_err
lg_plan_make(struct lg_ctx *cx, struct lg_view *v, const struct lg_filter *f, enum lg_scope scope, const struct lg_entry *base, struct lg_plan *ret)
{
	struct planner p = { cx, v, base->tenant };
	struct lg_ids ids = lg_ids_of(cx->arena);
	struct lg_dkey k;
	struct lg_plan children;

	if (scope == LG_SCOPE_BASE) {
		lg_ids_add(&ids, base->id);
		*ret = plan_list(&p, &ids);
		return LG_OK;
	}
	LG_TRY(plan_filter(&p, f, ret));
	LG_TRY(refine(&p, ret));
	if (scope != LG_SCOPE_ONE || ret->estimate < LG_PLAN_COUNT)
		return LG_OK;
	/* Nothing narrows it well: the children themselves, if there are not too many. */
	k = lg_key_id(base->tenant, base->id);
	LG_TRY(plan_collected(&p, &lg_table_dn, &k, &children));
	if (children.source == LG_SOURCE_LIST && (ret->source == LG_SOURCE_ALL || children.n <= LG_PLAN_COUNT))
		*ret = children;
	return LG_OK;
}

/* ---- walking ----------------------------------------------------------------------------------------------------------------- */

lg_err
lg_walk_begin(struct lg_ctx *cx, struct lg_view *v, const struct lg_plan *plan, uint64_t last, struct lg_walk *ret)
{
	size_t low = 0, high = plan->n;

	*ret = (struct lg_walk){ .plan = plan, .v = v };
	if (plan->source == LG_SOURCE_LIST) {
		while (low < high) {
			size_t middle = low + (high - low) / 2;
			if (plan->id[middle] <= last)
				low = middle + 1;
			else
				high = middle;
		}
		ret->at = low;
		return LG_OK;
	}
	ret->from = plan->source == LG_SOURCE_ALL ? lg_key_tenant(plan->tenant) : plan->prefix;
	lg_dkey_u64(&ret->from, last + 1);
	/* Both prefixes outlive the walk: one is the plan's, the other the beginning of `from`. */
	if (plan->source == LG_SOURCE_ALL)
		return lg_scan(cx, v, &lg_table_entry, (lg_str){ ret->from.b, 4 }, lg_dkey_str(&ret->from), &ret->cursor);
	return lg_scan(cx, v, plan->table, lg_dkey_str(&plan->prefix), lg_dkey_str(&ret->from), &ret->cursor);
}

lg_err
lg_walk_next(struct lg_ctx *cx, struct lg_walk *w, uint64_t *id, bool *found, struct lg_entry *ret)
{
	lg_str key, value;

	*found = true;
	if (w->plan->source == LG_SOURCE_LIST) {
		if (w->at == w->plan->n)
			return LG_E_NOT_FOUND;
		*id = w->plan->id[w->at++];
	} else {
		if (!lg_cursor_next(&w->cursor, &key, &value))
			return LG_E_NOT_FOUND;
		if (w->plan->source == LG_SOURCE_ALL) {
			*id = lg_id_of(key);
			/* A row that does not decode is passed over here; check and rebuild are where it is reported. */
			*found = lg_entry_decode(key, value, ret);
			return LG_OK;
		}
		*id = lg_id_of(key);
	}
	lg_err e = lg_entry_by_id(cx, w->v, w->plan->tenant, *id, ret);
	*found = e == LG_OK;
	return e == LG_E_NOT_FOUND ? LG_OK : e;
}

void
lg_walk_end(struct lg_walk *w)
{
	lg_cursor_end(&w->cursor);
}
