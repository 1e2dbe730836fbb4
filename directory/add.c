/* add.c: new entries, by DN or by type and name. */
#include "directory/dynamic.h"
#include "directory/edit.h"
#include "directory/find.h"
#include "directory/groups.h"
#include "directory/pwd.h"
#include "directory/rule.h"

/* ---- by DN ------------------------------------------------------------------------------------------------------ */

/* Members are written after the entry: until then only their presence counts. */
static lg_err
take_values(struct lg_ctx *cx, struct lg_edit *ed, struct lg_draft *d, const struct lg_values *values)
{
	const struct lg_attr *at;
	lg_str stored;

	at = ed->relax ? lg_attr_find(values->attribute) : NULL;
	if (lg_is_relaxed(at) && values->n == 1)
		return lg_relaxed_take(cx, ed, d, at, values->v[0]);
	LG_TRY(lg_attr_for_write(cx, ed, values->attribute, &at));
	if (values->n == 0)
		return lg_refuse(cx, ed, LG_LDAP_INVALID_SYNTAX, "%.*s: no values given", LG_FMT(lg_attr_name(at)));
	if ((at->flags & LG_AF_STATE) != 0)
		return lg_refuse(cx, ed, LG_LDAP_CONSTRAINT_VIOLATION, "%.*s is set after the entry is there", LG_FMT(lg_attr_name(at)));
	for (size_t i = 0; i < values->n; i++) {
		if ((at->flags & LG_AF_MEMBER) != 0) {
			d->has_members = true;
			continue;
		}
		if ((at->flags & LG_AF_SECRET) != 0 && (i > 0 || lg_draft_find(d, at) != NULL))
			return lg_refuse(cx, ed, LG_LDAP_CONSTRAINT_VIOLATION, "%.*s has one value here", LG_FMT(lg_attr_name(at)));
		LG_TRY(lg_value_store(cx, ed, &d->e, at, values->v[i], &stored));
		lg_draft_put(cx, d, at, stored);
	}
	return LG_OK;
}

static lg_err
add_members(struct lg_ctx *cx, struct lg_edit *ed, const struct lg_entry *group, const struct lg_values *values)
{
	const struct lg_attr *at = lg_attr_find(values->attribute);
	struct lg_entry member;

	if ((at->flags & LG_AF_MEMBER) == 0)
		return LG_OK;
	if (group->type != LG_TYPE_GROUP)
		return lg_refuse(cx, ed, LG_LDAP_OBJECT_CLASS_VIOLATION, "attribute 'member' not allowed");
	for (size_t i = 0; i < values->n; i++) {
		LG_TRY(lg_value_entry(cx, ed, at, values->v[i], &member));
		LG_TRY(lg_member_put(cx, ed, group, &member));
	}
	return LG_OK;
}

/* uuids come from the scope's own randomness: a mutation that is run again draws others, which nobody has seen yet. */
lg_err
lg_entry_insert(struct lg_ctx *cx, struct lg_edit *ed, const struct lg_dn *dn, uint64_t parent, const struct lg_values *values, size_t n,
    struct lg_entry *ret)
{
	struct lg_draft d = { .rdn = dn->rdn[0], .has_members = ed->members_follow };
	struct lg_entry made;

	d.e = (struct lg_entry){ .tenant = ed->tenant, .id = lg_view_new_id(ed->v), .parent = parent, .uuid = lg_uuid_new() };
	d.e.rdn = parent == 0 ? lg_dn_text(cx->arena, dn) : lg_rdn_text(cx->arena, &d.rdn);
	d.e.rdn_normal = parent == 0 ? lg_dn_normal(cx->arena, dn) : d.rdn.normal;
	for (size_t i = 0; i < n; i++)
		LG_TRY(take_values(cx, ed, &d, &values[i]));
	lg_draft_name(cx, &d, &d.rdn);
	LG_TRY(lg_draft_check(cx, ed, &d));
	LG_TRY(lg_relaxed_check(cx, ed, &d));
	LG_TRY(lg_draft_write(cx, ed, &d, &made));
	if (lg_entry_has_verifier(&made))
		LG_TRY(lg_pwd_changed(cx, ed, &made, LG_NONE, true));
	for (size_t i = 0; i < n; i++)
		LG_TRY(add_members(cx, ed, &made, &values[i]));
	*ret = made;
	return lg_is_dynamic(&made) ? lg_dynamic_group(cx, ed, &made) : LG_OK;
}

/* RFC 4512 2.6: an alias has no entries below it. */
lg_err
lg_parent_check(struct lg_ctx *cx, struct lg_edit *ed, uint64_t id)
{
	struct lg_entry e;
	lg_str to;

	LG_TRY(lg_entry_by_id(cx, ed->v, ed->tenant, id, &e));
	return lg_alias_of(&e, &to) ? lg_refuse(cx, ed, LG_LDAP_ALIAS_PROBLEM, "an alias has no entries below it") : LG_OK;
}

lg_err
lg_entry_add(struct lg_ctx *cx, struct lg_edit *ed, lg_str text, const struct lg_values *values, size_t n, struct lg_entry *ret)
{
	struct lg_place place;
	struct lg_dn dn;

	if (!lg_dn_parse(cx->arena, text, &dn) || dn.n == 0)
		return lg_refuse(cx, ed, LG_LDAP_INVALID_DN, "invalid DN");
	if (!lg_rdn_known(&dn.rdn[0]))
		return lg_refuse(cx, ed, LG_LDAP_UNDEFINED_TYPE, "naming attribute type undefined");
	LG_TRY(lg_dn_resolve(cx, ed->v, &dn, &place));
	if (place.tenant == 0)
		return lg_refuse(cx, ed, LG_LDAP_UNWILLING, "no global superior knowledge");
	if (place.tenant != ed->tenant)
		return lg_refuse(cx, ed, LG_LDAP_INSUFFICIENT_ACCESS, "the entry would be another tenant's");
	if (place.missing == 0)
		return lg_refuse(cx, ed, LG_LDAP_ENTRY_EXISTS, "'%.*s' is there already", LG_FMT(lg_str_sub(text, 0, 200)));
	if (place.missing > 1) {
		LG_TRY(lg_dn_of_id(cx, ed->v, place.tenant, place.id, &ed->matched));
		return lg_refuse(cx, ed, LG_LDAP_NO_SUCH_OBJECT, "the entry above it is missing");
	}
	LG_TRY(lg_parent_check(cx, ed, place.id));
	return lg_entry_insert(cx, ed, &dn, place.id, values, n, ret);
}

/* ---- by type and name ---------------------------------------------------------------------------------------------------- */

static lg_err
child_dn(struct lg_ctx *cx, struct lg_edit *ed, const struct lg_entry *parent, const struct lg_attr *at, lg_str value, lg_str *ret)
{
	lg_str above, escaped = lg_dn_escaped(cx->arena, value);

	LG_TRY(lg_entry_dn(cx, ed->v, parent, &above));
	*ret = lg_print(cx->arena, "%.*s=%.*s,%.*s", LG_FMT(lg_attr_name(at)), LG_FMT(escaped), LG_FMT(above));
	return LG_OK;
}

lg_err
lg_container_make(struct lg_ctx *cx, struct lg_edit *ed, enum lg_entry_type type, struct lg_entry *ret)
{
	lg_str ou = lg_str_of(lg_type_forms[type].container), class = LG_STR("organizationalUnit"), dn;
	struct lg_values values[] = { { LG_STR("objectClass"), &class, 1 }, { LG_STR("ou"), &ou, 1 } };
	struct lg_tenant tenant;
	struct lg_entry top;

	LG_TRY(lg_tenant_get(cx, ed->v, ed->tenant, &tenant));
	LG_TRY(lg_entry_by_uuid(cx, ed->v, ed->tenant, tenant.uuid, &top));
	LG_TRY(child_dn(cx, ed, &top, lg_attr_of(LG_A_OU), ou, &dn));
	lg_err found = lg_entry_by_dn(cx, ed->v, dn, ret);
	return found == LG_E_NOT_FOUND ? lg_entry_add(cx, ed, dn, values, LG_COUNT(values), ret) : found;
}

static bool
name_is_plain(lg_str name)
{
	for (size_t i = 0; i < name.n; i++) {
		char c = name.p[i];
		bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
		if (!plain)
			return false;
	}
	return name.n > 0 && name.n <= 64;
}

static bool
has_attribute(const struct lg_values *values, size_t n, const struct lg_attr *at)
{
	for (size_t i = 0; i < n; i++)
		if (lg_attr_find(values[i].attribute) == at)
			return true;
	return false;
}

/* What the caller did not give: objectClass, the naming attribute, and cn and sn for people. */
static size_t
fill_values(struct lg_ctx *cx, enum lg_entry_type type, const lg_str *name, const struct lg_values *values, size_t n, struct lg_values *all)
{
	const unsigned wanted[] = { lg_type_forms[type].naming, LG_A_CN, type == LG_TYPE_USER ? LG_A_SN : LG_A_CN };
	const char *list = lg_type_forms[type].classes;
	lg_str *classes = LG_NEWS(cx->arena, lg_str, 4);
	size_t nclasses = 0, count = n;

	if (n > 0)
		memcpy(all, values, n * sizeof *all);
	if (!has_attribute(all, count, lg_attr_of(LG_A_OBJECT_CLASS))) {
		while (nclasses < 4 && lg_word_next(&list, &classes[nclasses]))
			nclasses++;
		all[count++] = (struct lg_values){ LG_STR("objectClass"), classes, nclasses };
	}
	for (size_t i = 0; i < LG_COUNT(wanted); i++) {
		const struct lg_attr *at = lg_attr_of(wanted[i]);
		if (!has_attribute(all, count, at))
			all[count++] = (struct lg_values){ lg_attr_name(at), name, 1 };
	}
	return count;
}

lg_err
lg_entry_create(struct lg_ctx *cx, struct lg_edit *ed, enum lg_entry_type type, lg_str name, const struct lg_values *values, size_t n,
    struct lg_entry *ret)
{
	struct lg_values *all = LG_NEWS(cx->arena, struct lg_values, n + 4);
	struct lg_entry container;
	lg_str dn;

	if (type >= LG_TYPES || lg_type_forms[type].container == NULL)
		return lg_fail(cx, LG_E_INVALID, "entries of that type are not made by name");
	if (!name_is_plain(name))
		return lg_fail(cx, LG_E_INVALID, "a name is 1 to 64 of A-Z a-z 0-9 . _ -");
	LG_TRY(lg_container_make(cx, ed, type, &container));
	LG_TRY(child_dn(cx, ed, &container, lg_attr_of(lg_type_forms[type].naming), name, &dn));
	n = fill_values(cx, type, &name, values, n, all);
	return lg_entry_add(cx, ed, dn, all, n, ret);
}
