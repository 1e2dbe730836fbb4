/* dynamic.c: see dynamic.h. */
#include "directory/dynamic.h"

#include "directory/directory.h"
#include "directory/find.h"
#include "directory/rule.h"

enum { CHUNK = 512, STEP = 2000 };

/* ---- settling ------------------------------------------------------------------------------------------------------------------- */

/* What has been changed so far. */
struct settled {
	size_t rows;
	bool taken;
};

static lg_err
settle(struct lg_ctx *cx, struct lg_edit *ed, uint64_t group, uint64_t member, bool is, struct settled *done)
{
	struct lg_dkey k = lg_key_pair(ed->tenant, group, member);
	lg_str row;
	lg_err e = lg_get(cx, ed->v, &lg_table_member, lg_dkey_str(&k), &row);

	if (e != LG_OK && e != LG_E_NOT_FOUND)
		return e;
	if (e == LG_OK ? is || !lg_is_by_rule(row) : !is)
		return LG_OK;
	done->rows++;
	if (is)
		return lg_put(cx, ed->v, &lg_table_member, lg_dkey_str(&k), LG_STR("r"));
	done->taken = true;
	return lg_del(cx, ed->v, &lg_table_member, lg_dkey_str(&k));
}

static lg_err
settle_entry(struct lg_ctx *cx, struct lg_edit *ed, const struct lg_rule_group *g, size_t n, const struct lg_entry *e,
    struct settled *done)
{
	for (size_t i = 0; i < n; i++)
		LG_TRY(settle(cx, ed, g[i].e.id, e->id, lg_rule_fits(cx, ed->v, &g[i], e), done));
	return LG_OK;
}

lg_err
lg_dynamic_entry(struct lg_ctx *cx, struct lg_edit *ed, const struct lg_entry *e)
{
	struct settled done = { 0 };
	struct lg_rule_group *g;
	size_t n;

	LG_TRY(lg_rule_groups_read(cx, ed->v, ed->tenant, &g, &n));
	LG_TRY(settle_entry(cx, ed, g, n, e, &done));
	return done.taken ? lg_rights_taken(cx, ed) : LG_OK;
}

/* A group's members looked at anew. */
struct anew {
	struct lg_ctx *cx, one;		/* one: for a single entry */
	struct lg_edit *ed;
	struct lg_rule_group *g;
	size_t looked;
	struct settled done;
};

static lg_err
look(struct anew *a)
{
	lg_arena_reset(a->one.arena);
	if (a->done.rows > LG_DYNAMIC_CHANGED)
		return lg_refuse(a->cx, a->ed, LG_LDAP_ADMIN_LIMIT_EXCEEDED, "more than %d members by rule would change at once", LG_DYNAMIC_CHANGED);
	if (++a->looked <= LG_DYNAMIC_LOOKED)
		return LG_OK;
	return lg_refuse(a->cx, a->ed, LG_LDAP_ADMIN_LIMIT_EXCEEDED, "a rule would look at more than %d entries: its base is too high, or what it "
	    "asks for has no index", LG_DYNAMIC_LOOKED);
}

/* Those who were members by rule and are none. */
static lg_err
drop_others(struct anew *a)
{
	LG_AUTO(lg_cursor_end) struct lg_cursor c = { 0 };
	struct lg_dkey k = lg_key_id(a->ed->tenant, a->g->e.id);
	struct lg_entry e;
	lg_str key, value;

	LG_TRY(lg_scan(a->cx, a->ed->v, &lg_table_member, lg_dkey_str(&k), LG_NONE, &c));
	while (lg_cursor_next(&c, &key, &value)) {
		if (!lg_is_by_rule(value))
			continue;
		LG_TRY(look(a));
		LG_TRY(lg_entry_by_id(&a->one, a->ed->v, a->ed->tenant, lg_id_of(key), &e));
		LG_TRY(settle(a->cx, a->ed, a->g->e.id, e.id, lg_rule_fits(&a->one, a->ed->v, a->g, &e), &a->done));
	}
	return LG_OK;
}

/* Some of the candidates behind *last: no row is written under a cursor. */
static lg_err
find_some(struct anew *a, const struct lg_plan *plan, uint64_t *last, uint64_t id[CHUNK], size_t *n, bool *more)
{
	LG_AUTO(lg_walk_end) struct lg_walk w = { 0 };
	struct lg_entry e;
	bool found;

	*n = 0;
	LG_TRY(lg_walk_begin(a->cx, a->ed->v, plan, *last, &w));
	for (size_t i = 0; i < CHUNK; i++) {
		LG_TRY(look(a));
		lg_err err = lg_walk_next(&a->one, &w, last, &found, &e);
		*more = err == LG_OK;
		if (!*more)
			return err == LG_E_NOT_FOUND ? LG_OK : err;
		if (found && lg_rule_fits(&a->one, a->ed->v, a->g, &e))
			id[(*n)++] = e.id;
	}
	return LG_OK;
}

static lg_err
find_members(struct anew *a, const struct lg_rule_of *r)
{
	struct lg_plan plan;
	uint64_t id[CHUNK], last = 0;
	bool more = r->base.id != 0;
	size_t n;

	if (more)
		LG_TRY(lg_plan_make(a->cx, a->ed->v, r->filter, r->scope, &r->base, &plan));
	while (more) {
		LG_TRY(find_some(a, &plan, &last, id, &n, &more));
		for (size_t i = 0; i < n; i++)
			LG_TRY(settle(a->cx, a->ed, a->g->e.id, id[i], true, &a->done));
	}
	return LG_OK;
}

static lg_err
settle_group(struct lg_ctx *cx, struct lg_edit *ed, struct lg_rule_group *g)
{
	LG_AUTO(lg_arena_free) struct lg_arena *arena = lg_arena_new();
	struct anew a = { .cx = cx, .one = *cx, .ed = ed, .g = g };

	a.one.arena = arena;
	LG_TRY(drop_others(&a));
	for (size_t i = 0; i < g->n; i++)
		LG_TRY(find_members(&a, &g->rule[i]));
	return a.done.taken ? lg_rights_taken(cx, ed) : LG_OK;
}

static lg_err
check_room(struct lg_ctx *cx, struct lg_edit *ed, const struct lg_entry *group)
{
	struct lg_attr_values av;
	size_t n;

	LG_TRY(lg_rule_groups_count(cx, ed->v, ed->tenant, &n));
	if (n > LG_RULE_GROUPS)
		return lg_refuse(cx, ed, LG_LDAP_ADMIN_LIMIT_EXCEEDED, "there are %d groups by rule already", LG_RULE_GROUPS);
	if (lg_entry_values(group, LG_A_MEMBER_URL, &av) && av.n > LG_RULE_URLS)
		return lg_refuse(cx, ed, LG_LDAP_ADMIN_LIMIT_EXCEEDED, "a group has at most %d rules", LG_RULE_URLS);
	return LG_OK;
}

lg_err
lg_dynamic_group(struct lg_ctx *cx, struct lg_edit *ed, const struct lg_entry *group)
{
	struct lg_rule_group *g = LG_NEW(cx->arena, struct lg_rule_group);

	lg_rule_group_read(cx, ed->v, group, g);
	if (g->n > 0)
		LG_TRY(check_room(cx, ed, group));
	for (size_t i = 0; i < g->n; i++)
		if (g->rule[i].unknown)
			return lg_refuse(cx, ed, LG_LDAP_INVALID_SYNTAX, "memberURL: a rule asks for an attribute that is not defined");
	return settle_group(cx, ed, g);
}

/* ---- other names and places ---------------------------------------------------------------------------------------------------- */

struct lg_dynamic_places {
	struct lg_rule_group *g;
	size_t n;
	bool (*under)[LG_RULE_URLS];		/* does the rule look below a place above the entry? */
};

lg_err
lg_dynamic_places(struct lg_ctx *cx, struct lg_edit *ed, const struct lg_entry *e, struct lg_dynamic_places **ret)
{
	struct lg_dynamic_places *p = LG_NEW(cx->arena, struct lg_dynamic_places);

	LG_TRY(lg_rule_groups_read(cx, ed->v, ed->tenant, &p->g, &p->n));
	if (p->n > 0)
		p->under = lg_alloc(cx->arena, p->n * sizeof *p->under);
	for (size_t i = 0; i < p->n; i++)
		for (size_t k = 0; k < p->g[i].n; k++) {
			uint64_t base = p->g[i].rule[k].base.id;
			p->under[i][k] = false;
			if (base != 0)
				LG_TRY(lg_entry_is_under(cx, ed->v, ed->tenant, e->parent, base, &p->under[i][k]));
		}
	*ret = p;
	return LG_OK;
}

static bool
looks_elsewhere(const struct lg_dynamic_places *a, const struct lg_dynamic_places *b, size_t i)
{
	if (i >= a->n || a->g[i].e.id != b->g[i].e.id || a->g[i].n != b->g[i].n)
		return true;
	for (size_t k = 0; k < b->g[i].n; k++)
		if (a->g[i].rule[k].base.id != b->g[i].rule[k].base.id || a->under[i][k] != b->under[i][k])
			return true;
	return false;
}

lg_err
lg_dynamic_moved(struct lg_ctx *cx, struct lg_edit *ed, const struct lg_entry *e, const struct lg_dynamic_places *before, bool elsewhere)
{
	struct lg_dynamic_places *now;

	if (!elsewhere && !lg_is_dynamic(e))
		return LG_OK;
	LG_TRY(lg_dynamic_places(cx, ed, e, &now));
	for (size_t i = 0; i < now->n; i++)
		if (now->g[i].e.id == e->id || looks_elsewhere(before, now, i) || lg_rule_asks_references(&now->g[i]))
			LG_TRY(settle_group(cx, ed, &now->g[i]));
	return LG_OK;
}

lg_err
lg_dynamic_dangling(struct lg_ctx *cx, struct lg_edit *ed)
{
	struct lg_rule_group *g;
	size_t n;

	LG_TRY(lg_rule_groups_read(cx, ed->v, ed->tenant, &g, &n));
	for (size_t i = 0; i < n; i++)
		if (lg_rule_asks_references(&g[i]))
			LG_TRY(settle_group(cx, ed, &g[i]));
	return LG_OK;
}

/* ---- many at once, and what is there --------------------------------------------------------------------------------------------- */

static lg_err
step_ids(struct lg_ctx *cx, struct lg_edit *ed, uint64_t last, struct lg_ids *ret)
{
	LG_AUTO(lg_cursor_end) struct lg_cursor c = { 0 };
	struct lg_dkey all = lg_key_tenant(ed->tenant), from = lg_key_id(ed->tenant, last + 1);
	lg_str key, value;

	LG_TRY(lg_scan(cx, ed->v, &lg_table_entry, lg_dkey_str(&all), lg_dkey_str(&from), &c));
	while (ret->n < STEP && lg_cursor_next(&c, &key, &value))
		lg_ids_add(ret, lg_id_of(key));
	return LG_OK;
}

lg_err
lg_dynamic_step(struct lg_ctx *cx, struct lg_edit *ed, uint64_t *last, bool *more)
{
	LG_AUTO(lg_arena_free) struct lg_arena *arena = lg_arena_new();
	struct lg_ids ids = lg_ids_of(cx->arena);
	struct lg_ctx one = *cx;
	struct lg_entry e;
	struct settled done = { 0 };
	struct lg_rule_group *g;
	size_t n, i;

	one.arena = arena;
	LG_TRY(lg_rule_groups_read(cx, ed->v, ed->tenant, &g, &n));
	if (n > 0)
		LG_TRY(step_ids(cx, ed, *last, &ids));
	for (i = 0; i < ids.n && done.rows < LG_DYNAMIC_CHANGED; i++) {
		lg_arena_reset(arena);
		LG_TRY(lg_entry_by_id(cx, ed->v, ed->tenant, ids.v[i], &e));
		LG_TRY(settle_entry(&one, ed, g, n, &e, &done));
		*last = e.id;
	}
	*more = i < ids.n || ids.n == STEP;
	return done.taken ? lg_rights_taken(cx, ed) : LG_OK;
}

lg_err
lg_dynamic_agrees(struct lg_ctx *cx, struct lg_view *v, const struct lg_entry *e, bool *ret)
{
	struct lg_rule_group *g;
	lg_str row;
	size_t n;

	*ret = true;
	LG_TRY(lg_rule_groups_read(cx, v, e->tenant, &g, &n));
	for (size_t i = 0; i < n && *ret; i++) {
		struct lg_dkey k = lg_key_pair(e->tenant, g[i].e.id, e->id);
		lg_err found = lg_get(cx, v, &lg_table_member, lg_dkey_str(&k), &row);
		if (found != LG_OK && found != LG_E_NOT_FOUND)
			return found;
		*ret = lg_rule_fits(cx, v, &g[i], e) ? found == LG_OK : found == LG_E_NOT_FOUND || !lg_is_by_rule(row);
	}
	return LG_OK;
}
