/* shown.c: the values of an entry, for filters and answers. */
#include "directory/shown.h"

#include "base/text.h"
#include "directory/entry.h"
#include "directory/events.h"
#include "directory/find.h"
#include "directory/groups.h"
#include "directory/pwd.h"
#include "directory/tables.h"

/* ---- made on the way ---------------------------------------------------------------------------------------------- */

static bool
show_created(struct lg_shown *sh, lg_value_each *each, void *arg)
{
	return each(arg, lg_time_generalized(sh->ac->cx->arena, sh->e->created));
}

static bool
show_modified(struct lg_shown *sh, lg_value_each *each, void *arg)
{
	return each(arg, lg_time_generalized(sh->ac->cx->arena, sh->e->modified));
}

/* The DN of another entry, if there is one and the reader may know of it: a DN is no way around entry:disclose. */
static bool
visible_dn(struct lg_shown *sh, uint64_t id, lg_str *ret)
{
	struct lg_ctx *cx = sh->ac->cx;
	struct lg_entry other;

	return lg_entry_by_id(cx, sh->ac->v, sh->e->tenant, id, &other) == LG_OK && lg_entry_dn(cx, sh->ac->v, &other, ret) == LG_OK &&
	    lg_may(sh->ac, LG_RIGHT_DISCLOSE, &other, *ret, NULL);
}

/* The DN of who did it; one that is gone is still named, by what identified it; one that is hidden is not. */
static bool
show_actor(struct lg_shown *sh, lg_uuid id, lg_value_each *each, void *arg)
{
	struct lg_ctx *cx = sh->ac->cx;
	char text[LG_UUID_TEXT + 1];
	struct lg_entry e;
	lg_str dn;

	if (lg_uuid_is_nil(id))
		return each(arg, LG_STR("cn=lightgate"));
	if (lg_entry_by_uuid(cx, sh->ac->v, sh->e->tenant, id, &e) == LG_OK)
		return visible_dn(sh, e.id, &dn) && each(arg, dn);
	lg_uuid_text(id, text);
	return each(arg, lg_print(cx->arena, "entryUUID=%s", text));
}

static bool
show_creator(struct lg_shown *sh, lg_value_each *each, void *arg)
{
	return show_actor(sh, sh->e->creator, each, arg);
}

static bool
show_modifier(struct lg_shown *sh, lg_value_each *each, void *arg)
{
	return show_actor(sh, sh->e->modifier, each, arg);
}

static bool
show_subschema(struct lg_shown *sh, lg_value_each *each, void *arg)
{
	(void)sh;
	return each(arg, LG_STR(LG_SUBSCHEMA_DN));
}

static bool
show_structural(struct lg_shown *sh, lg_value_each *each, void *arg)
{
	const struct lg_class *c = lg_entry_structural(sh->e);

	return c != NULL && each(arg, lg_class_name(c));
}

static bool
show_uuid(struct lg_shown *sh, lg_value_each *each, void *arg)
{
	char *text = lg_alloc(sh->ac->cx->arena, LG_UUID_TEXT + 1);

	lg_uuid_text(sh->e->uuid, text);
	return each(arg, (lg_str){ text, LG_UUID_TEXT });
}

/* Time and number of the record, and where in it (the low octets of the stamp). */
static bool
show_csn(struct lg_shown *sh, lg_value_each *each, void *arg)
{
	return each(arg, lg_csn_print(sh->ac->cx->arena, lg_moment_of(sh->e->modified, sh->e->stamp), (unsigned)(sh->e->stamp & 0xffff)));
}

static bool
show_subordinates(struct lg_shown *sh, lg_value_each *each, void *arg)
{
	return each(arg, lg_has_children(sh->ac->cx, sh->ac->v, sh->e) ? LG_STR("TRUE") : LG_STR("FALSE"));
}

static bool
show_dn(struct lg_shown *sh, lg_value_each *each, void *arg)
{
	return each(arg, sh->dn);
}

/* DNs of the entries that the rows of a membership table name for this one. */
static bool
show_linked(struct lg_shown *sh, const struct lg_table *t, lg_value_each *each, void *arg)
{
	LG_AUTO(lg_cursor_end) struct lg_cursor c = { 0 };
	struct lg_dkey k = lg_key_id(sh->e->tenant, sh->e->id);
	lg_str key, value, dn;

	if (lg_scan(sh->ac->cx, sh->ac->v, t, lg_dkey_str(&k), LG_NONE, &c) != LG_OK)
		return false;
	while (lg_cursor_next(&c, &key, &value))
		if (!(sh->content && lg_is_by_rule(value)) && visible_dn(sh, lg_id_of(key), &dn) && each(arg, dn))
			return true;
	return false;
}

static bool
show_member_of(struct lg_shown *sh, lg_value_each *each, void *arg)
{
	return show_linked(sh, &lg_table_memberof, each, arg);
}

/* ---- kept beside its password ---- */

static bool
show_time(struct lg_shown *sh, int64_t t, lg_value_each *each, void *arg)
{
	return t != 0 && each(arg, t == LG_PWD_FOREVER ? LG_STR("000001010000Z") : lg_time_generalized(sh->ac->cx->arena, t));
}

static bool
show_pwd_changed(struct lg_shown *sh, lg_value_each *each, void *arg)
{
	struct lg_pwd_state s;

	return lg_pwd_state_get(sh->ac->cx, sh->ac->v, sh->e->tenant, sh->e->id, &s) == LG_OK && show_time(sh, s.changed, each, arg);
}

static bool
show_pwd_locked(struct lg_shown *sh, lg_value_each *each, void *arg)
{
	struct lg_pwd_state s;

	return lg_pwd_state_get(sh->ac->cx, sh->ac->v, sh->e->tenant, sh->e->id, &s) == LG_OK && show_time(sh, s.locked, each, arg);
}

static bool
show_pwd_graces(struct lg_shown *sh, lg_value_each *each, void *arg)
{
	struct lg_pwd_state s;

	if (lg_pwd_state_get(sh->ac->cx, sh->ac->v, sh->e->tenant, sh->e->id, &s) != LG_OK)
		return false;
	for (size_t i = 0; i < s.ngrace; i++)
		if (show_time(sh, s.grace[i], each, arg))
			return true;
	return false;
}

static bool
show_pwd_reset(struct lg_shown *sh, lg_value_each *each, void *arg)
{
	struct lg_pwd_state s;

	return lg_pwd_state_get(sh->ac->cx, sh->ac->v, sh->e->tenant, sh->e->id, &s) == LG_OK && s.reset && each(arg, LG_STR("TRUE"));
}

static const struct {
	uint16_t attr;
	bool (*show)(struct lg_shown *, lg_value_each *, void *);
	bool elsewhere;			/* follows from other entries, or from where it is asked */
} computed[] = {
	{ LG_A_CREATE_TIMESTAMP, show_created, false },
	{ LG_A_MODIFY_TIMESTAMP, show_modified, false },
	{ LG_A_CREATORS_NAME, show_creator, false },
	{ LG_A_MODIFIERS_NAME, show_modifier, false },
	{ LG_A_SUBSCHEMA_SUBENTRY, show_subschema, true },
	{ LG_A_STRUCTURAL_OBJECT_CLASS, show_structural, false },
	{ LG_A_ENTRY_UUID, show_uuid, false },
	{ LG_A_ENTRY_CSN, show_csn, false },
	{ LG_A_HAS_SUBORDINATES, show_subordinates, true },
	{ LG_A_MEMBER_OF, show_member_of, true },
	{ LG_A_ENTRY_DN, show_dn, true },
	{ LG_A_PWD_CHANGED, show_pwd_changed, true },
	{ LG_A_PWD_LOCKED, show_pwd_locked, true },
	{ LG_A_PWD_GRACE_USED, show_pwd_graces, true },
	{ LG_A_PWD_RESET, show_pwd_reset, true },
};

/* ---- stored ----------------------------------------------------------------------------------------------------------- */

static bool
show_stored(struct lg_shown *sh, struct lg_attr_values *av, lg_value_each *each, void *arg)
{
	lg_str v, dn;

	while (lg_value_next(av, &v)) {
		if ((av->attr->flags & LG_AF_REFERENCE) != 0) {
			/* A reference to an entry that is gone is no value any more. */
			if (!visible_dn(sh, lg_id_of(v), &dn))
				continue;
			v = dn;
		}
		if (each(arg, v))
			return true;
	}
	return false;
}

bool
lg_shown_values(struct lg_shown *sh, const struct lg_attr *at, lg_value_each *each, void *arg)
{
	struct lg_attr_values av;

	if (sh->e == NULL)
		return sh->made(sh, at, each, arg);
	if ((at->flags & LG_AF_SECRET) != 0)
		return false;
	if ((at->flags & LG_AF_MEMBER) != 0)
		return sh->e->type == LG_TYPE_GROUP && show_linked(sh, &lg_table_member, each, arg);
	if ((at->flags & LG_AF_COMPUTED) == 0)
		return lg_entry_values(sh->e, at->id, &av) && show_stored(sh, &av, each, arg);
	for (size_t i = 0; i < LG_COUNT(computed); i++)
		if (computed[i].attr == at->id)
			return computed[i].show(sh, each, arg);
	return false;
}

/* ---- for filters --------------------------------------------------------------------------------------------------------- */

static bool
may_search(void *self, const struct lg_attr *at)
{
	struct lg_shown *sh = self;

	return sh->e == NULL || lg_may(sh->ac, LG_RIGHT_SEARCH, sh->e, sh->dn, at);
}

static bool
exists(void *arg, lg_str value)
{
	(void)arg, (void)value;
	return true;
}

struct normalised {
	struct lg_shown *sh;
	enum lg_form form;
	lg_value_each *each;
	void *arg;
};

static bool
each_normalised(void *arg, lg_str value)
{
	struct normalised *n = arg;
	lg_str normal;

	return lg_normal(n->sh->ac->cx->arena, n->form, value, &normal) && n->each(n->arg, normal);
}

/* An attribute and, where the subject may search them too, its subtypes. */
static bool
with_subtypes(struct lg_shown *sh, const struct lg_attr *at, lg_value_each *each, void *arg)
{
	if (lg_shown_values(sh, at, each, arg))
		return true;
	for (unsigned i = 1; lg_attr_has_subtypes(at) && i < LG_ATTR_IDS; i++) {
		const struct lg_attr *sub = lg_attr_of(i);
		if (sub != NULL && sub != at && lg_attr_is(sub, at) && may_search(sh, sub) && lg_shown_values(sh, sub, each, arg))
			return true;
	}
	return false;
}

static bool
present(void *self, const struct lg_attr *at)
{
	struct lg_shown *sh = self;

	return with_subtypes(sh, at, exists, NULL);
}

static bool
any(void *self, const struct lg_attr *at, enum lg_form form, lg_value_each *each, void *arg)
{
	struct normalised n = { self, form, each, arg };

	return with_subtypes(self, at, each_normalised, &n);
}

/* A group that a chain may pass through: the reader knows of it and may search its members. */
static bool
passable(void *arg, uint64_t id)
{
	struct lg_shown *sh = arg;
	struct lg_entry group;

	return lg_entry_by_id(sh->ac->cx, sh->ac->v, sh->e->tenant, id, &group) == LG_OK &&
	    lg_may(sh->ac, LG_RIGHT_DISCLOSE, &group, LG_NONE, NULL) &&
	    lg_may(sh->ac, LG_RIGHT_SEARCH, &group, LG_NONE, lg_attr_of(LG_A_MEMBER));
}

/* (member=DN) of a group, (memberOf=DN) of anything: the DN is looked up and the rows tell. */
static bool
linked(void *self, const struct lg_attr *at, lg_str dn, bool chain)
{
	struct lg_shown *sh = self;
	bool down = at->id == LG_A_MEMBER, is = false;
	const struct lg_entry *group, *member;
	struct lg_entry other;

	if (sh->e == NULL || lg_entry_by_dn(sh->ac->cx, sh->ac->v, dn, &other) != LG_OK || other.tenant != sh->e->tenant ||
	    !lg_may(sh->ac, LG_RIGHT_DISCLOSE, &other, LG_NONE, NULL))
		return false;
	group = down ? sh->e : &other;
	member = down ? &other : sh->e;
	if (!chain)
		return lg_is_direct_member(sh->ac->cx, sh->ac->v, group->tenant, group->id, member->id);
	return lg_is_member_through(sh->ac->cx, sh->ac->v, member, group->id, passable, sh, &is) == LG_OK && is;
}

static bool
named(void *self, const struct lg_attr *at, enum lg_form form, lg_value_each *each, void *arg)
{
	struct lg_shown *sh = self;
	struct lg_arena *a = sh->ac->cx->arena;
	struct lg_dn dn;
	lg_str normal;

	if (!lg_dn_parse(a, sh->dn, &dn))
		return false;
	for (size_t i = 0; i < dn.n; i++)
		for (size_t k = 0; k < dn.rdn[i].n; k++) {
			const struct lg_ava *ava = &dn.rdn[i].ava[k];
			bool meant = ava->attr != NULL && (at == NULL ? lg_attr_form(ava->attr) == form : lg_attr_is(ava->attr, at));
			if (meant && lg_normal(a, form, ava->value, &normal) && each(arg, normal))
				return true;
		}
	return false;
}

struct lg_filter_port
lg_shown_port(struct lg_shown *sh)
{
	return (struct lg_filter_port){ sh, may_search, present, any, linked, named };
}

/* ---- for answers ------------------------------------------------------------------------------------------------------------- */

void
lg_selection_add(struct lg_selection *sel, lg_str name)
{
	const struct lg_attr *at = lg_attr_find(name);
	const struct lg_class *c;

	if (lg_str_eq(name, LG_STR("*")))
		sel->user = true;
	else if (lg_str_eq(name, LG_STR("+")))
		sel->operational = true;
	if (at != NULL)
		lg_attr_put(&sel->named, at->id);
	for (unsigned i = 1; at != NULL && lg_attr_has_subtypes(at) && i < LG_ATTR_IDS; i++)
		if (lg_attr_is(lg_attr_of(i), at))
			lg_attr_put(&sel->named, i);
	if (name.n < 2 || name.p[0] != '@' || (c = lg_class_find(lg_str_sub(name, 1, name.n))) == NULL)
		return;
	for (size_t i = 0; i < LG_COUNT(sel->named.bits); i++)
		sel->named.bits[i] |= lg_class_may(c)->bits[i];
}

static bool
selected(const struct lg_selection *sel, const struct lg_attr *at)
{
	return lg_attr_in(&sel->named, at->id) || ((at->flags & LG_AF_OPERATIONAL) != 0 ? sel->operational : sel->user);
}

struct attribute {
	struct lg_shown *sh;
	struct lg_berw *w;
	const struct lg_attr *attr;
	bool types_only, begun;
};

static bool
write_value(void *arg, lg_str value)
{
	struct attribute *at = arg;

	if (at->sh->nonly > 0 && !lg_value_wanted(at->sh, at->attr, value))
		return false;
	if (!at->begun) {
		lg_berw_open(at->w, LG_BER_SEQUENCE);
		lg_berw_str(at->w, LG_BER_OCTETS, lg_attr_name(at->attr));
		lg_berw_open(at->w, LG_BER_SET);
		at->begun = true;
	}
	if (!at->types_only)
		lg_berw_str(at->w, LG_BER_OCTETS, value);
	return at->types_only || at->w->out->full;
}

static bool
may_show(struct lg_shown *sh, const struct lg_selection *sel, const struct lg_attr *at)
{
	return selected(sel, at) && (sh->e == NULL || lg_may(sh->ac, LG_RIGHT_READ, sh->e, sh->dn, at));
}

static void
end_attribute(struct attribute *out)
{
	if (out->begun) {
		lg_berw_close(out->w);
		lg_berw_close(out->w);
	}
}

static void
write_made(struct lg_shown *sh, const struct lg_selection *sel, const struct lg_attr *at, struct lg_berw *w)
{
	struct attribute out = { sh, w, at, sel->types_only, false };

	if (may_show(sh, sel, at))
		lg_shown_values(sh, at, write_value, &out);
	end_attribute(&out);
}

static void
write_stored(struct lg_shown *sh, const struct lg_selection *sel, struct lg_attr_values *av, struct lg_berw *w)
{
	struct attribute out = { sh, w, av->attr, sel->types_only, false };

	if ((av->attr->flags & LG_AF_SECRET) == 0 && may_show(sh, sel, av->attr))
		show_stored(sh, av, write_value, &out);
	end_attribute(&out);
}

/* Stored attributes in the order they are stored, then what is made. */
void
lg_shown_attributes(struct lg_shown *sh, const struct lg_selection *sel, struct lg_berw *w)
{
	struct lg_attr_values av;
	struct lg_attr_it it;

	if (sh->e == NULL) {
		for (size_t i = 0; i < lg_nattrs; i++)
			write_made(sh, sel, &lg_attrs[i], w);
		return;
	}
	it = lg_attr_it_of(sh->e);
	while (lg_attr_next(&it, &av))
		write_stored(sh, sel, &av, w);
	if (sh->e->type == LG_TYPE_GROUP)
		write_made(sh, sel, lg_attr_of(LG_A_MEMBER), w);
	for (size_t i = 0; i < LG_COUNT(computed); i++)
		if (!sh->content || !computed[i].elsewhere)
			write_made(sh, sel, lg_attr_of(computed[i].attr), w);
}

void
lg_shown_put(struct lg_shown *sh, const struct lg_selection *sel, struct lg_berw *w)
{
	lg_berw_open(w, 0x64);			/* SearchResultEntry: [APPLICATION 4] */
	lg_berw_str(w, LG_BER_OCTETS, sh->dn);
	lg_berw_open(w, LG_BER_SEQUENCE);
	lg_shown_attributes(sh, sel, w);
	lg_berw_close(w);
	lg_berw_close(w);
}

void
lg_shown_write(struct lg_shown *sh, const struct lg_selection *sel, int32_t id, lg_str controls, struct lg_buf *out)
{
	struct lg_berw w = lg_berw_of(out);

	lg_berw_open(&w, LG_BER_SEQUENCE);
	lg_berw_int(&w, LG_BER_INTEGER, id);
	lg_shown_put(sh, sel, &w);
	if (controls.n > 0)
		lg_berw_str(&w, LG_BER_CONTEXT_SET(0), controls);
	lg_berw_close(&w);
}
