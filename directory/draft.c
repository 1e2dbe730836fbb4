/* draft.c: an entry taken apart, values on their way into it, and the row it becomes. */
#include "directory/directory.h"
#include "directory/dynamic.h"
#include "directory/edit.h"
#include "directory/events.h"
#include "directory/find.h"
#include "directory/groups.h"
#include "directory/schema_own.h"
#include "directory/hub.h"
#include "directory/secret.h"
#include "directory/tables.h"

void
lg_draft_open(struct lg_ctx *cx, const struct lg_entry *e, struct lg_draft *ret)
{
	struct lg_attr_it it = lg_attr_it_of(e);
	struct lg_attr_values av;
	struct lg_dn rdn;
	lg_str v;

	*ret = (struct lg_draft){ .e = *e, .structural = lg_entry_structural(e) };
	if (lg_dn_parse(cx->arena, e->rdn, &rdn) && rdn.n > 0)
		ret->rdn = rdn.rdn[0];		/* of a suffix: its first */
	while (lg_attr_next(&it, &av))
		while (lg_value_next(&av, &v))
			lg_draft_put(cx, ret, av.attr, v);
}

struct lg_draft_attr *
lg_draft_find(struct lg_draft *d, const struct lg_attr *at)
{
	for (size_t i = 0; i < d->n; i++)
		if (d->attr[i].attr == at)
			return d->attr[i].n > 0 ? &d->attr[i] : NULL;
	return NULL;
}

static struct lg_draft_attr *
make_attr(struct lg_ctx *cx, struct lg_draft *d, const struct lg_attr *at)
{
	for (size_t i = 0; i < d->n; i++)
		if (d->attr[i].attr == at)
			return &d->attr[i];
	if (d->n == d->size) {
		size_t size = d->size == 0 ? 16 : d->size * 2;
		struct lg_draft_attr *attr = LG_NEWS(cx->arena, struct lg_draft_attr, size);
		if (d->n > 0)
			memcpy(attr, d->attr, d->n * sizeof *attr);
		d->attr = attr;
		d->size = size;
	}
	d->attr[d->n] = (struct lg_draft_attr){ .attr = at };
	return &d->attr[d->n++];
}

void
lg_draft_put(struct lg_ctx *cx, struct lg_draft *d, const struct lg_attr *at, lg_str v)
{
	struct lg_draft_attr *da = make_attr(cx, d, at);

	if (da->n == da->size) {
		size_t size = da->size == 0 ? 2 : da->size * 2;
		lg_str *list = LG_NEWS(cx->arena, lg_str, size);
		if (da->n > 0)
			memcpy(list, da->v, da->n * sizeof *list);
		da->v = list;
		da->size = size;
	}
	da->v[da->n++] = v;
}

void
lg_draft_clear(struct lg_draft *d, const struct lg_attr *at)
{
	struct lg_draft_attr *da = lg_draft_find(d, at);

	if (da != NULL)
		da->n = 0;
}

static bool
has_value(struct lg_ctx *cx, struct lg_draft *d, const struct lg_ava *ava)
{
	struct lg_draft_attr *da = lg_draft_find(d, ava->attr);
	lg_str normal;

	for (size_t i = 0; da != NULL && i < da->n; i++)
		if (lg_stored_normal(cx->arena, ava->attr, da->v[i], &normal) && lg_str_eq(normal, ava->normal))
			return true;
	return false;
}

void
lg_draft_name(struct lg_ctx *cx, struct lg_draft *d, const struct lg_rdn *rdn)
{
	for (size_t i = 0; i < rdn->n; i++)
		if (rdn->ava[i].attr != NULL && !has_value(cx, d, &rdn->ava[i]))
			lg_draft_put(cx, d, rdn->ava[i].attr, rdn->ava[i].value);
}

/* ---- values on their way in --------------------------------------------------------------------------------------- */

lg_err
lg_attr_for_write(struct lg_ctx *cx, struct lg_edit *ed, lg_str name, const struct lg_attr **ret)
{
	const struct lg_attr *at = lg_attr_find(name);

	if (at == NULL || !lg_attr_usable(cx, ed->v, ed->tenant, at))
		return lg_refuse(cx, ed, LG_LDAP_UNDEFINED_TYPE, "%.*s: attribute type undefined", LG_FMT(lg_str_sub(name, 0, 100)));
	if ((at->flags & LG_AF_READONLY) != 0)
		return lg_refuse(cx, ed, LG_LDAP_CONSTRAINT_VIOLATION, "%.*s: no user modification allowed", LG_FMT(lg_attr_name(at)));
	*ret = at;
	return LG_OK;
}

lg_err
lg_value_entry(struct lg_ctx *cx, struct lg_edit *ed, const struct lg_attr *at, lg_str text, struct lg_entry *ret)
{
	struct lg_place place;
	struct lg_dn dn;

	if (!lg_dn_parse(cx->arena, text, &dn) || dn.n == 0)
		return lg_refuse(cx, ed, LG_LDAP_INVALID_SYNTAX, "%.*s: value is no DN", LG_FMT(lg_attr_name(at)));
	LG_TRY(lg_dn_resolve(cx, ed->v, &dn, &place));
	if (place.tenant != ed->tenant || place.missing > 0)
		return lg_refuse(cx, ed, LG_LDAP_CONSTRAINT_VIOLATION, "%.*s: there is no entry '%.*s'", LG_FMT(lg_attr_name(at)),
		    LG_FMT(lg_str_sub(text, 0, 200)));
	return lg_entry_by_id(cx, ed->v, place.tenant, place.id, ret);
}

lg_err
lg_value_store(struct lg_ctx *cx, struct lg_edit *ed, const struct lg_entry *e, const struct lg_attr *at, lg_str v, lg_str *ret)
{
	struct lg_entry to;

	if ((at->flags & LG_AF_REFERENCE) != 0) {
		LG_TRY(lg_value_entry(cx, ed, at, v, &to));
		*ret = lg_id_str(cx->arena, to.id);
		return LG_OK;
	}
	if ((at->flags & LG_AF_SECRET) != 0)
		return lg_secret_seal(cx, ed, e, v, ret);
	if (!lg_syntaxes[at->syntax].check(cx->arena, v))
		return lg_refuse(cx, ed, LG_LDAP_INVALID_SYNTAX, "%.*s: a value is no %s", LG_FMT(lg_attr_name(at)),
		    lg_syntaxes[at->syntax].description);
	*ret = v;
	return LG_OK;
}

/* ---- writing --------------------------------------------------------------------------------------------------------- */

static lg_err
check_name_free(struct lg_ctx *cx, struct lg_edit *ed, const struct lg_entry *e)
{
	struct lg_entry other;
	lg_err found = lg_entry_by_name(cx, ed->v, e->tenant, e->type, e->name, &other);

	if (found == LG_E_NOT_FOUND || (found == LG_OK && other.id == e->id))
		return LG_OK;
	LG_TRY(found);
	ed->result = LG_LDAP_CONSTRAINT_VIOLATION;
	return lg_fail(cx, LG_E_EXISTS, "there is a %.*s named '%.*s' already", LG_FMT(lg_type_name(e->type)),
	    LG_FMT(lg_str_sub(e->name, 0, 200)));
}

/* What no two entries of the types named have in common, within a tenant.  Names are unique by lg_table_name, DNs by lg_table_dn. */
#define EVERY_TYPE	((1u << LG_TYPES) - 1)
static const struct {
	uint16_t attr;			/* indexed */
	unsigned types;
} unique[] = {
	{ LG_A_UID_NUMBER, EVERY_TYPE },
	{ LG_A_MAIL, 1u << LG_TYPE_USER },	/* people sign in by it */
};

static lg_err
check_value_free(struct lg_ctx *cx, struct lg_edit *ed, const struct lg_entry *e, const struct lg_attr *at, lg_str value, unsigned types)
{
	LG_AUTO(lg_cursor_end) struct lg_cursor c = { 0 };
	struct lg_entry other;
	lg_str normal, key, none;
	struct lg_dkey k;

	if (!lg_stored_normal(cx->arena, at, value, &normal))
		return LG_OK;
	k = lg_key_equal(e->tenant, at->id, normal);
	LG_TRY(lg_scan(cx, ed->v, &lg_table_equal, lg_dkey_str(&k), LG_NONE, &c));
	while (lg_cursor_next(&c, &key, &none)) {
		uint64_t id = lg_id_of(key);
		if (id == e->id)
			continue;
		LG_TRY(lg_entry_by_id(cx, ed->v, e->tenant, id, &other));
		if ((types >> other.type & 1) != 0)
			return lg_refuse(cx, ed, LG_LDAP_CONSTRAINT_VIOLATION, "%.*s '%.*s' is another entry's already (%.*s)",
			    LG_FMT(lg_attr_name(at)), LG_FMT(lg_str_sub(value, 0, 100)), LG_FMT(lg_str_sub(other.rdn, 0, 100)));
	}
	return LG_OK;
}

static lg_err
check_unique(struct lg_ctx *cx, struct lg_edit *ed, struct lg_draft *d)
{
	for (size_t i = 0; i < LG_COUNT(unique); i++) {
		const struct lg_draft_attr *da = lg_draft_find(d, lg_attr_of(unique[i].attr));
		if (da == NULL || (unique[i].types >> d->e.type & 1) == 0)
			continue;
		for (size_t k = 0; k < da->n; k++)
			LG_TRY(check_value_free(cx, ed, &d->e, da->attr, da->v[k], unique[i].types));
	}
	return LG_OK;
}

lg_err
lg_draft_body(struct lg_ctx *cx, struct lg_edit *ed, const struct lg_draft *d, lg_str *ret)
{
	struct lg_buf b = LG_BUF(LG_ENTRY_BYTES);

	for (size_t i = 0; i < d->n; i++)
		if (d->attr[i].n > 0)
			lg_body_attr(&b, d->attr[i].attr, d->attr[i].v, d->attr[i].n);
	*ret = lg_dup(cx->arena, lg_buf_view(&b));
	bool full = b.full;
	lg_buf_free(&b);
	if (full)
		return lg_refuse(cx, ed, LG_LDAP_ADMIN_LIMIT_EXCEEDED, "an entry has at most %u octets", LG_ENTRY_BYTES);
	return LG_OK;
}

lg_err
lg_draft_write(struct lg_ctx *cx, struct lg_edit *ed, struct lg_draft *d, struct lg_entry *ret)
{
	struct lg_entry *e = &d->e;
	struct lg_dkey k = lg_key_id(e->tenant, e->id);
	lg_uuid nobody = { { 0 } };

	LG_TRY(check_name_free(cx, ed, e));
	LG_TRY(check_unique(cx, ed, d));
	LG_TRY(lg_draft_body(cx, ed, d, &e->body));
	bool fresh = e->modified == 0;
	e->modified = d->modified != 0 ? d->modified : lg_view_time(ed->v);
	e->modifier = !lg_uuid_is_nil(d->modifier) ? d->modifier : cx->actor->kind == LG_ACTOR_ENTRY ? cx->actor->id : nobody;
	e->stamp = lg_view_new_id(ed->v);
	if (e->created == 0)
		e->created = e->modified;
	if (fresh && lg_uuid_is_nil(e->creator))
		e->creator = e->modifier;
	LG_TRY(lg_put(cx, ed->v, &lg_table_entry, lg_dkey_str(&k), lg_entry_encode(cx->arena, e)));
	if (d->modified != 0)		/* it stands in the order of changes where nobody looks for it */
		LG_TRY(lg_event_reload(cx, ed));
	if (!fresh)
		lg_hub_doubt(ed->dir->hub, e->tenant, e->id);
	*ret = *e;
	return lg_dynamic_entry(cx, ed, ret);
}
