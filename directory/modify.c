/* modify.c: changing attributes of an entry (RFC 4511 4.6, RFC 4525). */
#include "base/text.h"
#include "directory/directory.h"
#include "directory/dynamic.h"
#include "directory/edit.h"
#include "directory/groups.h"
#include "directory/pwd.h"
#include "directory/rule.h"
#include "directory/tables.h"

lg_err
lg_rights_taken(struct lg_ctx *cx, struct lg_edit *ed)
{
	const struct lg_directory_ports *ports = &ed->dir->ports;
	lg_err e = ports->rights_taken == NULL ? LG_OK : ports->rights_taken(ports->self, cx, ed->v, ed->tenant);

	if (e == LG_E_CONFLICT)
		ed->result = LG_LDAP_UNWILLING;
	return e;
}

/* ---- members: rows, not values --------------------------------------------------------------------------------------------------------- */

static bool
is_given(struct lg_ctx *cx, struct lg_edit *ed, const struct lg_dkey *k)
{
	lg_str row;

	return lg_get(cx, ed->v, &lg_table_member, lg_dkey_str(k), &row) == LG_OK && !lg_is_by_rule(row);
}

/* The row alone. */
lg_err
lg_member_put(struct lg_ctx *cx, struct lg_edit *ed, const struct lg_entry *group, const struct lg_entry *member)
{
	struct lg_dkey k = lg_key_pair(group->tenant, group->id, member->id);

	if (group->type != LG_TYPE_GROUP || group->tenant != member->tenant)
		return lg_refuse(cx, ed, LG_LDAP_OBJECT_CLASS_VIOLATION, "attribute 'member' not allowed");
	if (group->id == member->id)
		return lg_refuse(cx, ed, LG_LDAP_CONSTRAINT_VIOLATION, "a group cannot hold itself");
	if (is_given(cx, ed, &k))
		return lg_refuse(cx, ed, LG_LDAP_VALUE_EXISTS, "member: '%.*s' is one already", LG_FMT(lg_str_sub(member->rdn, 0, 200)));
	return lg_put(cx, ed->v, &lg_table_member, lg_dkey_str(&k), LG_NONE);
}

static lg_err
drop_member(struct lg_ctx *cx, struct lg_edit *ed, const struct lg_entry *group, const struct lg_entry *member)
{
	struct lg_dkey k = lg_key_pair(group->tenant, group->id, member->id);

	if (!is_given(cx, ed, &k))
		return lg_refuse(cx, ed, LG_LDAP_NO_SUCH_ATTRIBUTE, "member: '%.*s' is none", LG_FMT(lg_str_sub(member->rdn, 0, 200)));
	return lg_del(cx, ed->v, &lg_table_member, lg_dkey_str(&k));
}

lg_err
lg_group_touch(struct lg_ctx *cx, struct lg_edit *ed, uint64_t group)
{
	struct lg_draft d;
	struct lg_entry e;

	LG_TRY(lg_entry_by_id(cx, ed->v, ed->tenant, group, &e));
	lg_draft_open(cx, &e, &d);
	return lg_draft_write(cx, ed, &d, &e);
}

lg_err
lg_member_add(struct lg_ctx *cx, struct lg_edit *ed, const struct lg_entry *group, const struct lg_entry *member)
{
	LG_TRY(lg_member_put(cx, ed, group, member));
	return lg_group_touch(cx, ed, group->id);
}

lg_err
lg_member_del(struct lg_ctx *cx, struct lg_edit *ed, const struct lg_entry *group, const struct lg_entry *member)
{
	LG_TRY(drop_member(cx, ed, group, member));
	LG_TRY(lg_group_touch(cx, ed, group->id));
	LG_TRY(lg_dynamic_entry(cx, ed, member));	/* who was put there may be a member by rule as well */
	return lg_rights_taken(cx, ed);
}

/* ---- modifications of members ----------------------------------------------------------------------------------------- */

static lg_err
clear_members(struct lg_ctx *cx, struct lg_edit *ed, const struct lg_entry *group, bool *changed)
{
	LG_AUTO(lg_cursor_end) struct lg_cursor c = { 0 };
	struct lg_dkey k = lg_key_id(group->tenant, group->id);
	lg_str key, value;

	LG_TRY(lg_scan(cx, ed->v, &lg_table_member, lg_dkey_str(&k), LG_NONE, &c));
	while (lg_cursor_next(&c, &key, &value)) {
		if (lg_is_by_rule(value))
			continue;
		LG_TRY(lg_del(cx, ed->v, &lg_table_member, key));
		*changed = true;
	}
	return LG_OK;
}

static lg_err
del_member(struct lg_ctx *cx, struct lg_edit *ed, const struct lg_entry *group, const struct lg_attr *at, lg_str dn)
{
	struct lg_entry member;
	lg_err e = lg_value_entry(cx, ed, at, dn, &member);

	if (e == LG_OK)
		e = drop_member(cx, ed, group, &member);
	/* A name that no entry bears is no member either. */
	if (e == LG_E_NOT_FOUND || (e != LG_OK && ed->result == LG_LDAP_CONSTRAINT_VIOLATION))
		return lg_refuse(cx, ed, LG_LDAP_NO_SUCH_ATTRIBUTE, "member: no such value");
	return e;
}

static lg_err
modify_members(struct lg_ctx *cx, struct lg_edit *ed, const struct lg_entry *group, const struct lg_attr *at, const struct lg_modification *mod,
    bool *changed)
{
	struct lg_entry member;

	/* Only groups have members: nothing is there to be deleted, and to be replaced by nothing. */
	if (group->type != LG_TYPE_GROUP && mod->kind == LG_MODIFY_REPLACE && mod->values.n == 0)
		return LG_OK;
	if (group->type != LG_TYPE_GROUP && mod->kind == LG_MODIFY_DELETE)
		return lg_refuse(cx, ed, LG_LDAP_NO_SUCH_ATTRIBUTE, "member: no such attribute");
	if (group->type != LG_TYPE_GROUP)
		return lg_refuse(cx, ed, LG_LDAP_OBJECT_CLASS_VIOLATION, "attribute 'member' not allowed");
	if (mod->kind == LG_MODIFY_INCREMENT)
		return lg_refuse(cx, ed, LG_LDAP_CONSTRAINT_VIOLATION, "member: is no integer");
	if (mod->kind == LG_MODIFY_DELETE && mod->values.n == 0 && !lg_has_members(cx, ed->v, group))
		return lg_refuse(cx, ed, LG_LDAP_NO_SUCH_ATTRIBUTE, "member: no such attribute");
	if (mod->kind == LG_MODIFY_REPLACE || (mod->kind == LG_MODIFY_DELETE && mod->values.n == 0))
		LG_TRY(clear_members(cx, ed, group, changed));
	for (size_t i = 0; i < mod->values.n; i++) {
		if (mod->kind == LG_MODIFY_DELETE) {
			LG_TRY(del_member(cx, ed, group, at, mod->values.v[i]));
		} else {
			LG_TRY(lg_value_entry(cx, ed, at, mod->values.v[i], &member));
			LG_TRY(lg_member_put(cx, ed, group, &member));
		}
		*changed = true;
	}
	return LG_OK;
}

/* ---- values ------------------------------------------------------------------------------------------------------------- */

static lg_err
find_value(struct lg_ctx *cx, struct lg_edit *ed, const struct lg_draft_attr *da, lg_str stored, size_t *ret)
{
	lg_str wanted, normal;

	if (!lg_stored_normal(cx->arena, da->attr, stored, &wanted))
		return lg_refuse(cx, ed, LG_LDAP_INVALID_SYNTAX, "%.*s: a value cannot be compared", LG_FMT(lg_attr_name(da->attr)));
	for (*ret = 0; *ret < da->n; ++*ret)
		if (lg_stored_normal(cx->arena, da->attr, da->v[*ret], &normal) && lg_str_eq(normal, wanted))
			return LG_OK;
	return LG_E_NOT_FOUND;
}

static lg_err
add_values(struct lg_ctx *cx, struct lg_edit *ed, struct lg_draft *d, const struct lg_attr *at, const struct lg_values *values)
{
	lg_str stored;

	for (size_t i = 0; i < values->n; i++) {
		LG_TRY(lg_value_store(cx, ed, &d->e, at, values->v[i], &stored));
		lg_draft_put(cx, d, at, stored);	/* a value that was there is found by the check of the whole: 20 */
	}
	return LG_OK;
}

static lg_err
delete_values(struct lg_ctx *cx, struct lg_edit *ed, struct lg_draft *d, const struct lg_attr *at, const struct lg_values *values)
{
	struct lg_draft_attr *da = lg_draft_find(d, at);
	lg_str stored;
	size_t k;

	if (da == NULL)
		return lg_refuse(cx, ed, LG_LDAP_NO_SUCH_ATTRIBUTE, "%.*s: no such attribute", LG_FMT(lg_attr_name(at)));
	if (values->n == 0) {
		da->n = 0;
		return LG_OK;
	}
	if ((at->flags & LG_AF_SECRET) != 0)
		return lg_refuse(cx, ed, LG_LDAP_UNWILLING, "%.*s: its values cannot be named", LG_FMT(lg_attr_name(at)));
	for (size_t i = 0; i < values->n; i++) {
		LG_TRY(lg_value_store(cx, ed, &d->e, at, values->v[i], &stored));
		lg_err e = find_value(cx, ed, da, stored, &k);
		if (e == LG_E_NOT_FOUND)
			return lg_refuse(cx, ed, LG_LDAP_NO_SUCH_ATTRIBUTE, "%.*s: no such value", LG_FMT(lg_attr_name(at)));
		LG_TRY(e);
		da->v[k] = da->v[--da->n];
	}
	return LG_OK;
}

static lg_err
increment(struct lg_ctx *cx, struct lg_edit *ed, struct lg_draft *d, const struct lg_attr *at, const struct lg_values *values)
{
	struct lg_draft_attr *da = lg_draft_find(d, at);
	int64_t by, value;

	if (at->syntax != LG_SYN_INTEGER)
		return lg_refuse(cx, ed, LG_LDAP_CONSTRAINT_VIOLATION, "%.*s: is no integer", LG_FMT(lg_attr_name(at)));
	if (values->n != 1 || !lg_int_parse(values->v[0], &by))
		return lg_refuse(cx, ed, LG_LDAP_PROTOCOL_ERROR, "an increment has one integer");
	if (da == NULL)
		return lg_refuse(cx, ed, LG_LDAP_NO_SUCH_ATTRIBUTE, "%.*s: no such attribute", LG_FMT(lg_attr_name(at)));
	for (size_t i = 0; i < da->n; i++) {
		if (!lg_int_parse(da->v[i], &value) || __builtin_add_overflow(value, by, &value))
			return lg_refuse(cx, ed, LG_LDAP_CONSTRAINT_VIOLATION, "%.*s: out of range", LG_FMT(lg_attr_name(at)));
		da->v[i] = lg_print(cx->arena, "%lld", (long long)value);
	}
	return LG_OK;
}

static lg_err
modify_values(struct lg_ctx *cx, struct lg_edit *ed, struct lg_draft *d, const struct lg_attr *at, const struct lg_modification *mod)
{
	switch (mod->kind) {
	case LG_MODIFY_ADD:
		if (mod->values.n == 0)
			return lg_refuse(cx, ed, LG_LDAP_PROTOCOL_ERROR, "%.*s: no values given", LG_FMT(lg_attr_name(at)));
		return add_values(cx, ed, d, at, &mod->values);
	case LG_MODIFY_DELETE:
		return delete_values(cx, ed, d, at, &mod->values);
	case LG_MODIFY_REPLACE:
		lg_draft_clear(d, at);
		return add_values(cx, ed, d, at, &mod->values);
	case LG_MODIFY_INCREMENT:
		return increment(cx, ed, d, at, &mod->values);
	}
	return lg_refuse(cx, ed, LG_LDAP_PROTOCOL_ERROR, "unknown kind of modification");
}

/* RFC 4511 4.6: what names the entry cannot be taken from it; 67 rather than the check's 64. */
static lg_err
check_naming(struct lg_ctx *cx, struct lg_edit *ed, struct lg_draft *d)
{
	for (size_t i = 0; i < d->rdn.n; i++) {
		struct lg_draft_attr *da = lg_draft_find(d, d->rdn.ava[i].attr);
		size_t k;
		if (da == NULL || find_value(cx, ed, da, d->rdn.ava[i].value, &k) != LG_OK)
			return lg_refuse(cx, ed, LG_LDAP_NOT_ON_RDN, "%.*s names the entry", LG_FMT(lg_attr_name(d->rdn.ava[i].attr)));
	}
	return LG_OK;
}

static bool
same_as(struct lg_ctx *cx, struct lg_draft *d, const struct lg_entry *e)
{
	struct lg_draft old;

	lg_draft_open(cx, e, &old);
	for (size_t i = 0; i < d->n; i++) {
		const struct lg_draft_attr *a = &d->attr[i], *b = lg_draft_find(&old, a->attr);
		if (a->n != (b == NULL ? 0 : b->n))
			return false;
		for (size_t k = 0; k < a->n; k++)
			if (!lg_str_eq(a->v[k], b->v[k]))
				return false;
	}
	return true;		/* a draft keeps emptied attributes, so none of the old ones was passed over */
}

static lg_err
apply(struct lg_ctx *cx, struct lg_edit *ed, struct lg_draft *d, const struct lg_modification *mods, size_t n, bool *members, bool *state)
{
	const struct lg_attr *at;

	for (size_t i = 0; i < n; i++) {
		at = ed->relax ? lg_attr_find(mods[i].values.attribute) : NULL;
		if (lg_is_relaxed(at)) {
			LG_TRY(lg_relaxed_modify(cx, ed, d, at, &mods[i]));
			*state = true;
			continue;
		}
		LG_TRY(lg_attr_for_write(cx, ed, mods[i].values.attribute, &at));
		if ((at->flags & LG_AF_MEMBER) != 0)
			LG_TRY(modify_members(cx, ed, &d->e, at, &mods[i], members));
		else if ((at->flags & LG_AF_STATE) != 0)
			LG_TRY(lg_pwd_modify(cx, ed, &d->e, at, &mods[i], state));
		else
			LG_TRY(modify_values(cx, ed, d, at, &mods[i]));
	}
	return LG_OK;
}

/* What a group's members by rule follow from, beside the entries. */
static bool
changes_rules(const struct lg_entry *e, const struct lg_modification *mods, size_t n)
{
	bool rules = false;

	for (size_t i = 0; i < n; i++) {
		const struct lg_attr *at = lg_attr_find(mods[i].values.attribute);
		bool member = at != NULL && (at->flags & LG_AF_MEMBER) != 0 && mods[i].kind != LG_MODIFY_ADD && lg_is_dynamic(e);
		rules |= member || (at != NULL && (at->id == LG_A_MEMBER_URL || at->id == LG_A_OBJECT_CLASS));
	}
	return rules;
}

lg_err
lg_entry_modify(struct lg_ctx *cx, struct lg_edit *ed, struct lg_entry *e, const struct lg_modification *mods, size_t n, bool *changed)
{
	bool members = false, state = false, values;
	bool could = e->enabled && lg_entry_has_verifier(e), was = e->enabled, rules = changes_rules(e, mods, n);
	struct lg_draft d;
	lg_str secret = LG_NONE;

	lg_draft_open(cx, e, &d);
	LG_TRY(apply(cx, ed, &d, mods, n, &members, &state));
	d.has_members = e->type == LG_TYPE_GROUP && lg_has_members(cx, ed->v, e);
	LG_TRY(check_naming(cx, ed, &d));
	LG_TRY(lg_draft_check(cx, ed, &d));
	if (ed->relax)
		LG_TRY(lg_relaxed_before(cx, ed, &d, e));
	bool another = d.e.type != e->type || !lg_uuid_eq(d.e.uuid, e->uuid);
	values = !same_as(cx, &d, e);
	if (changed != NULL)
		*changed = members || state || values;
	if (!members && !state && !values)
		return LG_OK;
	const struct lg_draft_attr *password = lg_draft_find(&d, lg_attr_of(LG_A_USER_PASSWORD));
	bool had = lg_entry_first(e, LG_A_USER_PASSWORD, &secret);
	bool other = had ? password == NULL || !lg_str_eq(password->v[0], secret) : password != NULL;
	if (had && other)
		LG_TRY(lg_secret_drop(cx, ed, e, false));
	if (other)
		LG_TRY(lg_pwd_changed(cx, ed, e, lg_dup(cx->arena, secret), password != NULL));
	LG_TRY(lg_draft_write(cx, ed, &d, e));
	if (was && !e->enabled)
		LG_TRY(lg_secret_drop(cx, ed, e, false));
	if (rules && (members || values))
		LG_TRY(lg_dynamic_group(cx, ed, e));
	bool can = e->enabled && lg_entry_has_verifier(e);
	return members || another || (could && !can) ? lg_rights_taken(cx, ed) : LG_OK;
}
