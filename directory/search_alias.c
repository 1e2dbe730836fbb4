/*
 * search_alias.c: aliases (RFC 4512 2.6): where a search begins, and what it goes into on the way (RFC 4511 4.5.1.3).
 *
 * Going into aliases while searching makes more vertices of the search, which are found out before it begins; candidates come in the
 * order of their ids all the same, so that each is sent once.
 */
#include "directory/entry.h"
#include "directory/find.h"
#include "directory/search.h"

/* One step: the alias that the DN meets is replaced by what it names (*to).  LG_E_NOT_FOUND: it meets none that the caller may know of. */
static lg_err
step(struct lg_op *op, struct lg_view *v, lg_str *dn, lg_str *to)
{
	struct lg_access ac;
	struct lg_place place;
	struct lg_entry e;
	struct lg_dn parsed;

	if (!lg_dn_parse(op->arena, *dn, &parsed))
		return LG_E_NOT_FOUND;
	LG_TRY(lg_dn_resolve(&op->cx, v, &parsed, &place));
	if (place.tenant == 0)
		return LG_E_NOT_FOUND;
	LG_TRY(lg_entry_by_id(&op->cx, v, place.tenant, place.id, &e));
	ac = lg_access_of(op->ldap->o.dir, &op->cx, v, place.tenant, op->ldap->memo);
	if (!lg_alias_of(&e, to) || !lg_may(&ac, LG_RIGHT_DISCLOSE, &e, LG_NONE, NULL))
		return LG_E_NOT_FOUND;
	parsed.n = place.missing;
	*to = *dn = lg_dup(op->arena, *to);
	if (place.missing > 0) {
		lg_str below = lg_dn_text(op->arena, &parsed);
		*dn = lg_print(op->arena, "%.*s,%.*s", LG_FMT(below), LG_FMT(*to));
	}
	return LG_OK;
}

static bool
names_an_entry(struct lg_op *op, struct lg_view *v, lg_str dn)
{
	struct lg_entry e;

	return lg_entry_by_dn(&op->cx, v, dn, &e) == LG_OK;
}

bool
lg_alias_base(struct lg_op *op, struct lg_view *v, lg_str *base)
{
	lg_str dn = *base, to = LG_NONE;
	lg_err e = LG_OK;
	int steps = 0;

	while (steps < LG_ALIAS_STEPS && (e = step(op, v, &dn, &to)) == LG_OK)
		steps++;
	/* RFC 4511 A.2: an alias that leads in a circle, or to no object. */
	if (e != LG_E_NOT_FOUND || (steps > 0 && !names_an_entry(op, v, to))) {
		lg_op_code(op, LG_LDAP_ALIAS_PROBLEM, "an alias leads nowhere");
		return false;
	}
	*base = dn;
	return true;
}

/* ---- while searching -------------------------------------------------------------------------------------------------- */

struct met {
	struct lg_entry alias;
	bool used;
};

struct vertices {
	struct lg_op *op;
	struct lg_view *v;
	struct met *met;
	size_t nmet;
	uint64_t *id;
	size_t n;
};

/* Every alias of the tenant; they are few. */
static lg_err
list_aliases(struct vertices *vs, uint32_t tenant)
{
	LG_AUTO(lg_cursor_end) struct lg_cursor c = { 0 };
	struct lg_ctx *cx = &vs->op->cx;
	struct lg_dkey k;
	lg_str normal, key, value;

	if (!lg_normal(cx->arena, LG_FORM_OID, LG_STR("alias"), &normal))
		return LG_E_INTERNAL;
	k = lg_key_equal(tenant, LG_A_OBJECT_CLASS, normal);
	vs->met = LG_NEWS(cx->arena, struct met, LG_ALIASES);
	LG_TRY(lg_scan(cx, vs->v, &lg_table_equal, lg_dkey_str(&k), LG_NONE, &c));
	while (lg_cursor_next(&c, &key, &value)) {
		if (vs->nmet == LG_ALIASES)
			return LG_E_LIMIT;
		LG_TRY(lg_entry_by_id(cx, vs->v, tenant, lg_id_of(key), &vs->met[vs->nmet++].alias));
	}
	return LG_OK;
}

static lg_err
is_met(struct vertices *vs, const struct lg_search *s, const struct lg_entry *alias, bool *ret)
{
	*ret = alias->id != s->base_id && alias->parent == s->base_id;
	if (s->scope == LG_SCOPE_ONE || alias->id == s->base_id)
		return LG_OK;
	*ret = false;
	LG_TRY(lg_entry_is_under(&vs->op->cx, vs->v, s->tenant, alias->parent, s->base_id, ret));
	for (size_t i = 0; i < vs->n && !*ret; i++)
		LG_TRY(lg_entry_is_under(&vs->op->cx, vs->v, s->tenant, alias->parent, vs->id[i], ret));
	return LG_OK;
}

/* What it names in the end; nothing when it leads nowhere: such an alias is passed over. */
static lg_err
go_into(struct vertices *vs, const struct lg_search *s, const struct lg_entry *alias)
{
	struct lg_op *op = vs->op;
	struct lg_entry to;
	lg_str dn, named;
	lg_err e = LG_OK;

	LG_TRY(lg_entry_dn(&op->cx, vs->v, alias, &dn));
	for (int steps = 0; steps < LG_ALIAS_STEPS && (e = step(op, vs->v, &dn, &named)) == LG_OK; steps++)
		;
	if (e != LG_E_NOT_FOUND || lg_entry_by_dn(&op->cx, vs->v, dn, &to) != LG_OK || to.tenant != s->tenant || to.id == s->base_id ||
	    lg_alias_of(&to, &dn))
		return LG_OK;
	for (size_t i = 0; i < vs->n; i++)
		if (vs->id[i] == to.id)
			return LG_OK;
	if (vs->n == LG_ALIAS_VERTICES)
		return LG_E_LIMIT;
	vs->id[vs->n++] = to.id;
	return LG_OK;
}

lg_err
lg_alias_vertices(struct lg_op *op, struct lg_view *v)
{
	struct lg_search *s = op->state;
	struct vertices vs = { .op = op, .v = v };
	bool more = true, met;

	LG_TRY(list_aliases(&vs, s->tenant));
	vs.id = LG_NEWS(op->arena, uint64_t, LG_ALIAS_VERTICES);
	/* A vertex may have aliases below it: until nothing new is met. */
	while (more) {
		more = false;
		for (size_t i = 0; i < vs.nmet; i++) {
			if (vs.met[i].used)
				continue;
			LG_TRY(is_met(&vs, s, &vs.met[i].alias, &met));
			if (!met)
				continue;
			vs.met[i].used = more = true;
			LG_TRY(go_into(&vs, s, &vs.met[i].alias));
		}
	}
	s->vertex = vs.id;
	s->nvertices = vs.n;
	return LG_OK;
}
