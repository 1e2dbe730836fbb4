/*
 * entity.c: entries as policies see them: attributes of the Cedar schema by name, parents and ancestors.
 * What it answers is read from rows; nothing is built that was not asked for.
 */
#include "directory/entry.h"
#include "directory/groups.h"
#include "directory/tables.h"
#include "directory/tenant.h"

#define BIT(t) (1u << LG_TYPE_##t)

/* One row for each attribute of conf/lightgate.cedarschema that is stored as an LDAP attribute. */
static const struct {
	lg_str name;
	unsigned types;
	uint16_t attr;
	enum lg_fact_type as;
} facts[] = {
	{ LG_STR("mail"), BIT(USER), LG_A_MAIL, LG_FACT_STR },
	{ LG_STR("project"), BIT(SERVICE) | BIT(WORKLOAD), LG_A_LG_PROJECT, LG_FACT_ENTITY },
	{ LG_STR("image"), BIT(WORKLOAD), LG_A_LG_IMAGE, LG_FACT_ENTITY },
	{ LG_STR("host"), BIT(WORKLOAD), LG_A_LG_HOST, LG_FACT_ENTITY },
	{ LG_STR("labels"), BIT(WORKLOAD), LG_A_LG_LABEL, LG_FACT_SET },
	{ LG_STR("digest"), BIT(IMAGE), LG_A_LG_DIGEST, LG_FACT_STR },
	{ LG_STR("signed"), BIT(IMAGE), LG_A_LG_SIGNED, LG_FACT_BOOL },
};

static lg_err
set_fact(struct lg_ctx *cx, struct lg_attr_values *av, struct lg_fact *ret)
{
	lg_str *v = LG_NEWS(cx->arena, lg_str, av->n);
	size_t n = 0;

	while (n < av->n && lg_value_next(av, &v[n]))
		n++;
	ret->set = v;
	ret->n = n;
	return LG_OK;
}

static lg_err
stored_fact(struct lg_ctx *cx, struct lg_view *v, const struct lg_entry *e, uint16_t attr, struct lg_fact *ret)
{
	struct lg_attr_values av;
	struct lg_entry to;
	lg_str value;

	if (!lg_entry_values(e, attr, &av))
		return LG_E_NOT_FOUND;
	if (ret->type == LG_FACT_SET)
		return set_fact(cx, &av, ret);
	if (!lg_value_next(&av, &value))
		return LG_E_NOT_FOUND;
	ret->s = value;
	ret->i = lg_str_eq(value, LG_STR("TRUE"));
	if (ret->type == LG_FACT_ENTITY) {
		LG_TRY(lg_entry_by_id(cx, v, e->tenant, lg_id_of(value), &to));
		ret->s = lg_type_name(to.type);
		ret->id = to.uuid;
	}
	return LG_OK;
}

lg_err
lg_entry_fact(struct lg_ctx *cx, struct lg_view *v, const struct lg_entry *e, lg_str name, struct lg_fact *ret)
{
	const unsigned accounts = BIT(USER) | BIT(SERVICE) | BIT(HOST);
	struct lg_tenant_row tenant;
	struct lg_fact f = { .type = LG_FACT_STR };

	if (lg_str_eq(name, LG_STR("name"))) {
		f.name = "name";
		f.s = e->name;
		if (e->type == LG_TYPE_TENANT) {
			LG_TRY(lg_tenant_row(cx, v, e->tenant, &tenant));
			f.s = tenant.name;
		}
		*ret = f;
		return LG_OK;
	}
	if (lg_str_eq(name, LG_STR("enabled")) && (accounts >> e->type & 1) != 0) {
		*ret = (struct lg_fact){ .name = "enabled", .type = LG_FACT_BOOL, .i = e->enabled };
		return LG_OK;
	}
	for (size_t i = 0; i < LG_COUNT(facts); i++) {
		if (!lg_str_eq(name, facts[i].name) || (facts[i].types >> e->type & 1) == 0)
			continue;
		f.name = facts[i].name.p;
		f.type = facts[i].as;
		LG_TRY(stored_fact(cx, v, e, facts[i].attr, &f));
		*ret = f;
		return LG_OK;
	}
	return LG_E_NOT_FOUND;
}

/* ---- hierarchy ------------------------------------------------------------------------------------------------------ */

#define IN_PROJECTS	(BIT(SERVICE) | BIT(WORKLOAD) | BIT(IMAGE) | BIT(NETWORK))

static bool
in_project(const struct lg_entry *e, uint64_t project)
{
	struct lg_attr_values av;
	lg_str id;

	if ((IN_PROJECTS >> e->type & 1) == 0 || !lg_entry_values(e, LG_A_LG_PROJECT, &av))
		return false;
	while (lg_value_next(&av, &id))
		if (lg_id_of(id) == project)
			return true;
	return false;
}

lg_err
lg_entry_within(struct lg_ctx *cx, struct lg_view *v, const struct lg_entry *e, lg_uuid above, bool *ret)
{
	struct lg_entry to;
	lg_err found = lg_entry_by_uuid(cx, v, e->tenant, above, &to);

	*ret = false;
	if (found == LG_E_NOT_FOUND)
		return LG_OK;
	LG_TRY(found);
	if (to.type == LG_TYPE_TENANT)
		*ret = e->type != LG_TYPE_TENANT;
	else if (to.type == LG_TYPE_PROJECT)
		*ret = in_project(e, to.id);
	else if (to.type == LG_TYPE_GROUP)
		return lg_entry_is_member(cx, v, e, &to, ret);
	return LG_OK;
}

static lg_err
add_entity(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, uint64_t id, struct lg_entity_id *list, size_t *n)
{
	struct lg_entry e;
	lg_err found = lg_entry_by_id(cx, v, tenant, id, &e);

	if (found == LG_E_NOT_FOUND)		/* a reference to what was deleted */
		return LG_OK;
	LG_TRY(found);
	list[(*n)++] = lg_entry_entity(&e);
	return LG_OK;
}

static lg_err
hierarchy(struct lg_ctx *cx, struct lg_view *v, const struct lg_entry *e, bool nested, struct lg_entity_id **ret, size_t *n)
{
	struct lg_ids ids = lg_ids_of(cx->arena);
	struct lg_attr_values av;
	struct lg_tenant_row tenant;
	struct lg_entity_id *list;
	lg_str id;

	LG_TRY(lg_groups_of(cx, v, e->tenant, e->id, nested, 0, &ids));
	if ((IN_PROJECTS >> e->type & 1) != 0 && lg_entry_values(e, LG_A_LG_PROJECT, &av))
		while (lg_value_next(&av, &id))
			lg_ids_add(&ids, lg_id_of(id));
	LG_TRY(lg_tenant_row(cx, v, e->tenant, &tenant));
	if (e->type != LG_TYPE_TENANT)
		lg_ids_add(&ids, tenant.entry);
	list = LG_NEWS(cx->arena, struct lg_entity_id, ids.n);
	*n = 0;
	for (size_t i = 0; i < ids.n; i++)
		LG_TRY(add_entity(cx, v, e->tenant, ids.v[i], list, n));
	*ret = list;
	return LG_OK;
}

lg_err
lg_entry_parents(struct lg_ctx *cx, struct lg_view *v, const struct lg_entry *e, struct lg_entity_id **ret, size_t *n)
{
	return hierarchy(cx, v, e, false, ret, n);
}

lg_err
lg_entry_ancestors(struct lg_ctx *cx, struct lg_view *v, const struct lg_entry *e, struct lg_entity_id **ret, size_t *n)
{
	return hierarchy(cx, v, e, true, ret, n);
}
