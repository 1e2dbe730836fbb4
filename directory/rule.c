/* rule.c: see rule.h. */
#include "directory/rule.h"

#include "base/text.h"
#include "directory/find.h"
#include "directory/schema_own.h"
#include "directory/shown.h"

/* ---- reading rules -------------------------------------------------------------------------------------------------------- */

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

/* Its truth for an entry changes only when the entry itself is written. */
static bool
is_own(const struct lg_attr *at)
{
	static const uint16_t made[] = { LG_A_CREATE_TIMESTAMP, LG_A_MODIFY_TIMESTAMP, LG_A_STRUCTURAL_OBJECT_CLASS, LG_A_ENTRY_UUID, LG_A_ENTRY_CSN };

	if ((at->flags & (LG_AF_MEMBER | LG_AF_SECRET)) != 0)
		return false;
	for (size_t i = 0; i < LG_COUNT(made); i++)
		if (made[i] == at->id)
			return true;
	return (at->flags & LG_AF_COMPUTED) == 0;
}

static void
restrict_attr(const struct lg_attr *at, struct lg_filter *f, struct lg_rule_of *r)
{
	f->undefined |= !is_own(at);
	r->references |= (at->flags & LG_AF_REFERENCE) != 0;
}

/* Terms that a rule cannot follow are Undefined, whatever the entry. */
static void
restrict_filter(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, struct lg_filter *f, struct lg_rule_of *r)
{
	if (f->kind == LG_FILTER_AND || f->kind == LG_FILTER_OR || f->kind == LG_FILTER_NOT) {
		for (size_t i = 0; i < f->n; i++)
			restrict_filter(cx, v, tenant, f->child[i], r);
		return;
	}
	if (f->attr == NULL || !lg_attr_usable(cx, v, tenant, f->attr)) {
		r->unknown |= f->kind != LG_FILTER_EXTENSIBLE || f->attr != NULL;
		f->undefined = true;
		return;
	}
	f->undefined |= f->dn_attributes;
	restrict_attr(f->attr, f, r);
	for (unsigned i = 1; lg_attr_has_subtypes(f->attr) && i < LG_ATTR_IDS; i++) {
		const struct lg_attr *sub = lg_attr_of(i);
		if (sub != NULL && lg_attr_is(sub, f->attr))
			restrict_attr(sub, f, r);
	}
}

/* "ldap:///base?attributes?scope?filter" (RFC 4516 2.1) of this directory: a URL that names a host is another server's. */
static void
read_rule(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_str url, struct lg_rule_of *ret)
{
	lg_str base, attributes, scope, filter, rest;

	*ret = (struct lg_rule_of){ .scope = LG_SCOPE_BASE };
	if (!lg_str_starts(url, LG_STR("ldap:///")))
		return;
	lg_str_cut(lg_str_sub(url, 8, url.n), '?', &base, &rest);
	lg_str_cut(rest, '?', &attributes, &rest);
	lg_str_cut(rest, '?', &scope, &rest);
	lg_str_cut(rest, '?', &filter, &rest);
	if (!parse_scope(scope, &ret->scope) || !lg_percent_parse(cx->arena, base, false, &base)
	    || !lg_percent_parse(cx->arena, filter, false, &filter))
		return;
	if (filter.n == 0)
		filter = LG_STR("(objectClass=*)");
	if (lg_filter_parse(cx, filter, &ret->filter) != LG_OK)
		return;
	restrict_filter(cx, v, tenant, ret->filter, ret);
	if (lg_entry_by_dn(cx, v, base, &ret->base) != LG_OK || ret->base.tenant != tenant)
		ret->base.id = 0;
}

static bool
is_of_urls(const struct lg_entry *e)
{
	const struct lg_class *wanted = lg_class_find(LG_STR("groupOfURLs"));
	struct lg_attr_values av;
	lg_str name;

	if (!lg_entry_values(e, LG_A_OBJECT_CLASS, &av))
		return false;
	while (lg_value_next(&av, &name))
		if (lg_class_find(name) == wanted)
			return true;
	return false;
}

bool
lg_is_dynamic(const struct lg_entry *group)
{
	lg_str url;

	return group->type == LG_TYPE_GROUP && lg_entry_first(group, LG_A_MEMBER_URL, &url) && is_of_urls(group);
}

void
lg_rule_group_read(struct lg_ctx *cx, struct lg_view *v, const struct lg_entry *e, struct lg_rule_group *ret)
{
	struct lg_attr_values av;
	lg_str url;

	*ret = (struct lg_rule_group){ .e = *e };
	if (!lg_is_dynamic(e) || !lg_entry_values(e, LG_A_MEMBER_URL, &av))
		return;
	ret->rule = LG_NEWS(cx->arena, struct lg_rule_of, av.n < LG_RULE_URLS ? av.n : LG_RULE_URLS);
	while (ret->n < LG_RULE_URLS && lg_value_next(&av, &url))
		read_rule(cx, v, e->tenant, url, &ret->rule[ret->n++]);
}

/* A cursor over all of the tenant's groups of URLs: the rows of an index that is always there. */
static lg_err
scan_groups(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, struct lg_dkey *k, struct lg_cursor *ret)
{
	lg_str normal;

	if (!lg_normal(cx->arena, LG_FORM_OID, LG_STR("groupOfURLs"), &normal))
		return LG_E_INTERNAL;
	*k = lg_key_equal(tenant, LG_A_OBJECT_CLASS, normal);
	return lg_scan(cx, v, &lg_table_equal, lg_dkey_str(k), LG_NONE, ret);
}

lg_err
lg_rule_groups_read(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, struct lg_rule_group **ret, size_t *n)
{
	LG_AUTO(lg_cursor_end) struct lg_cursor c = { 0 };
	struct lg_dkey k;
	struct lg_entry e;
	lg_str key, value;

	*n = 0;
	*ret = NULL;
	LG_TRY(scan_groups(cx, v, tenant, &k, &c));
	while (*n < LG_RULE_GROUPS && lg_cursor_next(&c, &key, &value)) {
		if (*ret == NULL)
			*ret = LG_NEWS(cx->arena, struct lg_rule_group, LG_RULE_GROUPS);
		LG_TRY(lg_entry_by_id(cx, v, tenant, lg_id_of(key), &e));
		if (lg_is_dynamic(&e))
			lg_rule_group_read(cx, v, &e, &(*ret)[(*n)++]);
	}
	return LG_OK;
}

lg_err
lg_rule_groups_count(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, size_t *ret)
{
	LG_AUTO(lg_cursor_end) struct lg_cursor c = { 0 };
	struct lg_dkey k;
	lg_str key, value;

	*ret = 0;
	LG_TRY(scan_groups(cx, v, tenant, &k, &c));
	while (*ret <= LG_RULE_GROUPS && lg_cursor_next(&c, &key, &value))
		(*ret)++;
	return LG_OK;
}

/* ---- asking rules ----------------------------------------------------------------------------------------------------------- */

static bool
in_scope(struct lg_ctx *cx, struct lg_view *v, const struct lg_rule_of *r, const struct lg_entry *e)
{
	bool under = false;

	if (r->base.id == 0)
		return false;
	if (e->id == r->base.id)
		return r->scope == LG_SCOPE_BASE || r->scope == LG_SCOPE_SUBTREE;
	if (r->scope == LG_SCOPE_BASE || e->parent == 0)
		return false;
	if (r->scope == LG_SCOPE_ONE)
		return e->parent == r->base.id;
	return lg_entry_is_under(cx, v, e->tenant, e->parent, r->base.id, &under) == LG_OK && under;
}

/* A group is no member of itself. */
bool
lg_rule_fits(struct lg_ctx *cx, struct lg_view *v, const struct lg_rule_group *g, const struct lg_entry *e)
{
	struct lg_access ac = { .cx = cx, .v = v, .tenant = e->tenant, .service = true };
	struct lg_shown sh = { .ac = &ac, .e = e };
	struct lg_filter_port port = lg_shown_port(&sh);

	for (size_t i = 0; i < g->n && e->id != g->e.id; i++)
		if (in_scope(cx, v, &g->rule[i], e) && lg_filter_match(g->rule[i].filter, &port) == LG_TRUE)
			return true;
	return false;
}

bool
lg_rule_asks_references(const struct lg_rule_group *g)
{
	for (size_t i = 0; i < g->n; i++)
		if (g->rule[i].references)
			return true;
	return false;
}

static bool
asks_for(const struct lg_filter *f, const struct lg_attr *at)
{
	bool set = f->kind == LG_FILTER_AND || f->kind == LG_FILTER_OR || f->kind == LG_FILTER_NOT;

	for (size_t i = 0; set && i < f->n; i++)
		if (asks_for(f->child[i], at))
			return true;
	return !set && f->attr == at;
}

lg_err
lg_rule_asks(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, const struct lg_attr *at, bool *ret)
{
	struct lg_rule_group *g;
	size_t n;

	*ret = false;
	LG_TRY(lg_rule_groups_read(cx, v, tenant, &g, &n));
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < g[i].n; k++)
			*ret = *ret || (g[i].rule[k].filter != NULL && asks_for(g[i].rule[k].filter, at));
	return LG_OK;
}
