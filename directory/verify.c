/*
 * verify.c: is what is stored what the rules allow?  Every entry against the schema as it is now, every parent and member against the
 * entries there are.  (That index rows follow from the entries is lg_store_check's.)
 */
#include "directory/directory.h"
#include "directory/dynamic.h"
#include "directory/edit.h"
#include "directory/find.h"
#include "directory/groups.h"
#include "directory/rule.h"
#include "directory/tables.h"

struct walk {
	struct lg_ctx *cx;		/* its arena is wiped between rows */
	struct lg_view *v;
	lg_directory_fault *fault;
	void *arg;
	uint64_t rows;
};

static void
tell(struct walk *w, uint32_t tenant, uint64_t id, const char *what)
{
	w->fault(w->arg, lg_print(w->cx->arena, "entry %llu of tenant %u: %s", (unsigned long long)id, tenant, what));
}

/* Strings are prepared for comparison by rules that have changed before: what was written by older ones is not found. */
static bool
is_named_as_now(struct walk *w, const struct lg_entry *e)
{
	struct lg_dn dn;

	return lg_dn_parse(w->cx->arena, e->rdn, &dn) && dn.n > 0 &&
	    lg_str_eq(e->rdn_normal, e->parent == 0 ? lg_dn_normal(w->cx->arena, &dn) : dn.rdn[0].normal);
}

static void
look_at_entry(struct walk *w, lg_str key, lg_str value)
{
	struct lg_edit ed = { .v = w->v, .tenant = (uint32_t)lg_id_of(lg_str_sub(key, 0, 4)) };
	uint64_t id = lg_id_of(key), parent;
	bool agrees;
	struct lg_entry e;
	struct lg_draft d;

	if (!lg_entry_decode(key, value, &e)) {
		tell(w, ed.tenant, id, "it does not decode");
		return;
	}
	parent = e.parent;
	lg_draft_open(w->cx, &e, &d);
	d.has_members = e.type == LG_TYPE_GROUP && lg_has_members(w->cx, w->v, &e);
	if (lg_draft_check(w->cx, &ed, &d) != LG_OK)
		tell(w, ed.tenant, id, w->cx->error);
	else if (d.e.type != e.type || !lg_str_eq(d.e.name, e.name) || d.e.enabled != e.enabled)
		tell(w, ed.tenant, id, "its header is not what follows from its attributes");
	if (!is_named_as_now(w, &e))
		tell(w, ed.tenant, id, "its name is kept in a form by which it is not looked up any more");
	struct lg_dkey k = lg_key_id(ed.tenant, parent);
	if (parent != 0 && !lg_exists(w->cx, w->v, &lg_table_entry, lg_dkey_str(&k)))
		tell(w, ed.tenant, id, "the entry above it is missing");
	if (lg_dynamic_agrees(w->cx, w->v, &e, &agrees) != LG_OK || !agrees)
		tell(w, ed.tenant, id, "its memberships by rule are not what the rules say");
}

static void
look_at_member(struct walk *w, lg_str key, lg_str value)
{
	uint32_t tenant = (uint32_t)lg_id_of(lg_str_sub(key, 0, 4));
	uint64_t group = lg_id_of(lg_str_sub(key, 4, 8)), member = lg_id_of(key);
	struct lg_dkey k = lg_key_id(tenant, member);
	struct lg_entry e;

	if (lg_entry_by_id(w->cx, w->v, tenant, group, &e) != LG_OK || e.type != LG_TYPE_GROUP)
		tell(w, tenant, group, "it has members and is no group");
	else if (lg_is_by_rule(value) && !lg_is_dynamic(&e))
		tell(w, tenant, group, "it has members by rule and no rules");
	if (!lg_exists(w->cx, w->v, &lg_table_entry, lg_dkey_str(&k)))
		tell(w, tenant, group, "a member is an entry that is not there");
}

/* What is kept of a password belongs to an entry. */
static void
look_at_password(struct walk *w, lg_str key, lg_str value)
{
	(void)value;
	if (!lg_exists(w->cx, w->v, &lg_table_entry, key))
		tell(w, (uint32_t)lg_id_of(lg_str_sub(key, 0, 4)), lg_id_of(key), "what is kept of its password outlived it");
}

static lg_err
walk_table(struct walk *w, const struct lg_table *t, void (*look)(struct walk *, lg_str, lg_str))
{
	LG_AUTO(lg_cursor_end) struct lg_cursor c = { 0 };
	lg_str key, value;

	LG_TRY(lg_scan(w->cx, w->v, t, LG_NONE, LG_NONE, &c));
	while (lg_cursor_next(&c, &key, &value)) {
		lg_arena_reset(w->cx->arena);
		look(w, key, value);
		w->rows++;
	}
	return LG_OK;
}

lg_err
lg_directory_check(struct lg_ctx *cx, struct lg_store *st, lg_directory_fault *fault, void *arg, uint64_t *rows)
{
	LG_AUTO(lg_arena_free) struct lg_arena *a = lg_arena_new();
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;
	struct lg_ctx one = *cx;
	struct walk w = { &one, NULL, fault, arg, 0 };

	LG_TRY(lg_view_begin(cx, st, &v));
	one.arena = a;
	w.v = v;
	LG_TRY(walk_table(&w, &lg_table_entry, look_at_entry));
	LG_TRY(walk_table(&w, &lg_table_member, look_at_member));
	LG_TRY(walk_table(&w, &lg_table_password, look_at_password));
	*rows = w.rows;
	return LG_OK;
}
