/* dynamic.c: see dynamic.h. */
#include "directory/dynamic.h"

#include "base/text.h"
#include "directory/entry.h"
#include "directory/find.h"

struct rule {
	struct lg_entry base;
	enum lg_scope scope;
	struct lg_filter *filter;
};

static bool
parse_scope(lg_str text, enum lg_scope *ret)
{
	static const struct {
		lg_str name;
		enum lg_scope scope;
	} scopes[] = {
		{ LG_STR(""), LG_SCOPE_BASE }, { LG_STR("base"), LG_SCOPE_BASE }, { LG_STR("one"), LG_SCOPE_ONE }, { LG_STR("sub"), LG_SCOPE_SUBTREE },
		{ LG_STR("children"), LG_SCOPE_CHILDREN },
	};

	for (size_t i = 0; i < LG_COUNT(scopes); i++)
		if (lg_str_eq_fold(text, scopes[i].name)) {
			*ret = scopes[i].scope;
			return true;
		}
	return false;
}

/* RFC 4516 2.1: percent-encoded octets. */
static bool
decode(struct lg_arena *a, lg_str text, lg_str *ret)
{
	char *p = lg_alloc(a, text.n + 1);
	size_t n = 0;
	lg_str octet;

	for (size_t i = 0; i < text.n; i++) {
		p[n] = text.p[i];
		if (text.p[i] == '%') {
			if (!lg_hex_parse(a, lg_str_sub(text, i + 1, 2), &octet) || octet.n != 1)
				return false;
			p[n] = octet.p[0];
			i += 2;
		}
		n++;
	}
	*ret = (lg_str){ p, n };
	return true;
}

/* "ldap:///base?attributes?scope?filter" of this directory: a URL that names a host is another server's. */
static bool
read_rule(struct lg_ctx *cx, struct lg_view *v, const struct lg_entry *group, lg_str url, struct rule *ret)
{
	lg_str base, attributes, scope, filter, rest;

	if (!lg_str_starts(url, LG_STR("ldap:///")))
		return false;
	lg_str_cut(lg_str_sub(url, 8, url.n), '?', &base, &rest);
	lg_str_cut(rest, '?', &attributes, &rest);
	lg_str_cut(rest, '?', &scope, &rest);
	lg_str_cut(rest, '?', &filter, &rest);
	if (!parse_scope(scope, &ret->scope) || !decode(cx->arena, base, &base) || !decode(cx->arena, filter, &filter))
		return false;
	if (filter.n == 0)
		filter = LG_STR("(objectClass=*)");
	return lg_filter_parse(cx, filter, &ret->filter) == LG_OK && lg_entry_by_dn(cx, v, base, &ret->base) == LG_OK &&
	    ret->base.tenant == group->tenant;
}

bool
lg_is_dynamic(const struct lg_entry *group)
{
	lg_str url;

	return group->type == LG_TYPE_GROUP && lg_entry_first(group, LG_A_MEMBER_URL, &url);
}

static bool
in_scope(struct lg_ctx *cx, struct lg_view *v, const struct rule *r, const struct lg_entry *e)
{
	bool under = false;

	if (e->id == r->base.id)
		return r->scope == LG_SCOPE_BASE || r->scope == LG_SCOPE_SUBTREE;
	if (r->scope == LG_SCOPE_BASE || e->parent == 0)
		return false;
	if (r->scope == LG_SCOPE_ONE)
		return e->parent == r->base.id;
	return lg_entry_is_under(cx, v, e->tenant, e->parent, r->base.id, &under) == LG_OK && under;
}

/* A group is no member of itself, and a rule that asks for dynamic members finds none of them. */
static bool
fits(struct lg_shown *sh, const struct rule *r, const struct lg_entry *group, const struct lg_entry *e, lg_str *dn)
{
	struct lg_shown one = { .ac = sh->ac, .e = e, .within_rule = true };
	struct lg_filter_port port = lg_shown_port(&one);

	if (e->id == group->id || !in_scope(sh->ac->cx, sh->ac->v, r, e) || lg_entry_dn(sh->ac->cx, sh->ac->v, e, &one.dn) != LG_OK)
		return false;
	*dn = one.dn;
	return lg_may(sh->ac, LG_RIGHT_DISCLOSE, e, one.dn, NULL) && lg_filter_match(r->filter, &port) == LG_TRUE;
}

bool
lg_dynamic_has(struct lg_shown *sh, const struct lg_entry *group, const struct lg_entry *e)
{
	struct lg_attr_values av;
	struct rule r;
	lg_str url, dn;

	if (sh->within_rule || !lg_entry_values(group, LG_A_MEMBER_URL, &av))
		return false;
	for (int i = 0; i < LG_DYNAMIC_URLS && lg_value_next(&av, &url); i++)
		if (read_rule(sh->ac->cx, sh->ac->v, group, url, &r) && fits(sh, &r, group, e, &dn))
			return true;
	return false;
}

struct members {
	struct lg_shown *sh;
	const struct lg_entry *group;
	struct lg_ids seen;
	size_t looked;
	lg_value_each *each;
	void *arg;
};

static bool
walk(struct members *m, const struct rule *r)
{
	LG_AUTO(lg_walk_end) struct lg_walk w = { 0 };
	struct lg_ctx *cx = m->sh->ac->cx;
	struct lg_plan plan;
	struct lg_entry e;
	uint64_t id;
	lg_str dn;
	bool found;

	if (lg_plan_make(cx, m->sh->ac->v, r->filter, r->scope, &r->base, &plan) != LG_OK ||
	    lg_walk_begin(cx, m->sh->ac->v, &plan, 0, &w) != LG_OK)
		return false;
	while (m->looked++ < LG_DYNAMIC_LOOKED && lg_walk_next(cx, &w, &id, &found, &e) == LG_OK)
		if (found && fits(m->sh, r, m->group, &e, &dn) && lg_ids_add(&m->seen, e.id) && m->each(m->arg, dn))
			return true;
	return false;
}

bool
lg_dynamic_members(struct lg_shown *sh, const struct lg_entry *group, lg_value_each *each, void *arg)
{
	struct members m = { .sh = sh, .group = group, .seen = lg_ids_of(sh->ac->cx->arena), .each = each, .arg = arg };
	struct lg_attr_values av;
	struct rule r;
	lg_str url;

	if (sh->within_rule || !lg_entry_values(group, LG_A_MEMBER_URL, &av))
		return false;
	for (int i = 0; i < LG_DYNAMIC_URLS && lg_value_next(&av, &url); i++)
		if (read_rule(sh->ac->cx, sh->ac->v, group, url, &r) && walk(&m, &r))
			return true;
	return false;
}

lg_err
lg_dynamic_groups(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, struct lg_ids *ret)
{
	LG_AUTO(lg_cursor_end) struct lg_cursor c = { 0 };
	struct lg_dkey k;
	lg_str normal, key, value;

	if (!lg_normal(cx->arena, LG_FORM_OID, LG_STR("groupOfURLs"), &normal))
		return LG_E_INTERNAL;
	k = lg_key_equal(tenant, LG_A_OBJECT_CLASS, normal);
	LG_TRY(lg_scan(cx, v, &lg_table_equal, lg_dkey_str(&k), LG_NONE, &c));
	while (ret->n < LG_DYNAMIC_GROUPS && lg_cursor_next(&c, &key, &value))
		lg_ids_add(ret, lg_id_of(key));
	return LG_OK;
}
