/* entities.c: the policy engine's entity port over the directory. */
#include "server/entities.h"

#include "base/map.h"

struct lg_node {
	struct lg_euid uid;
	bool synthetic;
	struct lg_entry entry;			/* unless synthetic */
	const struct lg_fact *facts;		/* synthetic */
	size_t nfacts;
	lg_uuid parent;				/* synthetic: its nearest entry */
	bool has_parent;
	bool have_ancestors;
	const struct lg_euid *ancestors;
	size_t nancestors;
};

void
lg_entity_source_init(struct lg_entity_source *es, struct lg_ctx *cx, struct lg_view *v, uint32_t tenant)
{
	es->cx = cx;
	es->view = v;
	es->tenant = tenant;
	es->n = 0;
	es->many = NULL;
	es->failed = false;
	es->specific = false;
	es->any_entry = false;
}

void
lg_entity_source_init_many(struct lg_entity_source *es, struct lg_ctx *cx, struct lg_view *v, uint32_t tenant)
{
	lg_entity_source_init(es, cx, v, tenant);
	es->many = LG_NEW(cx->arena, struct lg_map);
	lg_map_init(es->many, cx->arena);
}

struct lg_euid
lg_entity_uid(struct lg_arena *a, const struct lg_entity_id *e)
{
	if (e->type.n == 0)
		return lg_euid_of(LG_STR("Anonymous"), LG_STR("anonymous"));
	if (lg_uuid_is_nil(e->id))
		return lg_euid_of(e->type, e->name);
	char *text = lg_alloc(a, LG_UUID_TEXT + 1);
	lg_uuid_text(e->id, text);
	return lg_euid_of(e->type, (lg_str){ text, LG_UUID_TEXT });
}

static struct lg_node *
node_new(struct lg_entity_source *es, const struct lg_euid *uid)
{
	if (es->n == (es->many != NULL ? LG_NODES_SEARCH : LG_NODES)) {
		es->failed = true;
		return NULL;
	}
	struct lg_node *nd = LG_NEW(es->cx->arena, struct lg_node);
	nd->uid = *uid;
	if (es->many != NULL)
		*lg_map_at(es->many, uid->id) = nd;
	else
		es->node[es->n] = nd;
	es->n++;
	return nd;
}

/* Of many, the newest of those with one id: ids are entryUUIDs, and a synthetic one has its own. */
static struct lg_node *
node_find(const struct lg_entity_source *es, const struct lg_euid *uid)
{
	if (es->many != NULL) {
		struct lg_node *nd = lg_map_get(es->many, uid->id);
		return nd != NULL && lg_euid_eq(&nd->uid, uid) ? nd : NULL;
	}
	for (size_t i = 0; i < es->n; i++)
		if (lg_euid_eq(&es->node[i]->uid, uid))
			return es->node[i];
	return NULL;
}

lg_err
lg_entity_source_know(struct lg_entity_source *es, const struct lg_entry *e, struct lg_euid *ret)
{
	struct lg_entity_id id = lg_entry_entity(e);

	*ret = lg_entity_uid(es->cx->arena, &id);
	if (node_find(es, ret) != NULL)
		return LG_OK;
	struct lg_node *nd = node_new(es, ret);
	if (nd == NULL)
		return lg_fail(es->cx, LG_E_LIMIT, "more than %d entities in one search", LG_NODES_SEARCH);
	nd->entry = *e;
	return LG_OK;
}

lg_err
lg_entity_source_add(struct lg_entity_source *es, const struct lg_euid *uid, const struct lg_fact *facts, size_t n,
    const struct lg_entity_id *parent)
{
	struct lg_node *nd;

	if (node_find(es, uid) != NULL)		/* by the question before, with the same facts */
		return LG_OK;
	nd = node_new(es, uid);
	if (nd == NULL)
		return lg_fail(es->cx, LG_E_LIMIT, "more than %d entities in one decision", LG_NODES);
	nd->synthetic = true;
	nd->facts = facts;
	nd->nfacts = n;
	nd->has_parent = parent != NULL;
	if (parent != NULL)
		nd->parent = parent->id;
	return LG_OK;
}

static enum lg_found
find(void *self, const struct lg_euid *uid, lg_entity *handle)
{
	struct lg_entity_source *es = self;
	enum lg_entry_type type;
	struct lg_entry entry;
	lg_uuid id;

	if (*handle != 0)
		return LG_PRESENT;
	struct lg_node *nd = node_find(es, uid);
	if (nd != NULL) {
		*handle = (lg_entity)nd;
		return LG_PRESENT;
	}
	if (!lg_type_parse(uid->type, &type) || type == LG_TYPE_CONTAINER || !lg_uuid_parse(uid->id, &id))
		return LG_ABSENT;
	lg_err e = lg_entry_by_uuid(es->cx, es->view, es->tenant, id, &entry);
	if (e == LG_E_NOT_FOUND || (e == LG_OK && entry.type != type))
		return LG_ABSENT;
	nd = e == LG_OK ? node_new(es, uid) : NULL;
	if (nd == NULL) {
		es->failed = true;
		return LG_UNKNOWN;
	}
	nd->entry = entry;
	*handle = (lg_entity)nd;
	return LG_PRESENT;
}

/* ---- attributes --------------------------------------------------------------------------------------- */

static lg_err
set_value(struct lg_ctx *cx, const struct lg_fact *f, struct lg_value *ret)
{
	struct lg_value *v = LG_NEWS(cx->arena, struct lg_value, f->n);

	for (size_t i = 0; i < f->n; i++)
		v[i] = lg_value_string(f->set[i]);
	return lg_value_set(cx, v, f->n, ret);
}

static lg_err
record_value(struct lg_ctx *cx, const struct lg_fact *f, size_t n, struct lg_value *ret)
{
	struct lg_field *fields = LG_NEWS(cx->arena, struct lg_field, n);

	for (size_t i = 0; i < n; i++) {
		fields[i].name = lg_name_of(lg_str_of(f[i].name));
		LG_TRY(lg_fact_value(cx, &f[i], &fields[i].value));
	}
	return lg_value_record(cx, fields, n, ret);
}

static lg_err
entity_value(struct lg_ctx *cx, const struct lg_fact *f, struct lg_value *ret)
{
	struct lg_euid *uid = LG_NEW(cx->arena, struct lg_euid);
	struct lg_entity_id id = { f->s, f->id, LG_NONE };

	*uid = lg_entity_uid(cx->arena, &id);
	*ret = lg_value_entity(uid);
	return LG_OK;
}

lg_err
lg_fact_value(struct lg_ctx *cx, const struct lg_fact *f, struct lg_value *ret)
{
	switch (f->type) {
	case LG_FACT_STR:
		*ret = lg_value_string(f->s);
		return LG_OK;
	case LG_FACT_INT:
		*ret = lg_value_long(f->i);
		return LG_OK;
	case LG_FACT_BOOL:
		*ret = lg_value_bool(f->i != 0);
		return LG_OK;
	case LG_FACT_SET:
		return set_value(cx, f, ret);
	case LG_FACT_ENTITY:
		return entity_value(cx, f, ret);
	case LG_FACT_RECORD:
		return record_value(cx, f->record, f->n, ret);
	}
	return lg_fail(cx, LG_E_INTERNAL, "a fact of unknown type");
}

static enum lg_found
found_of(struct lg_entity_source *es, lg_err e)
{
	if (e == LG_OK)
		return LG_PRESENT;
	if (e == LG_E_NOT_FOUND)
		return LG_ABSENT;
	es->failed = true;
	return LG_UNKNOWN;
}

static enum lg_found
attr(void *self, lg_entity e, const struct lg_name *name, struct lg_value *ret)
{
	struct lg_entity_source *es = self;
	const struct lg_node *nd = (const struct lg_node *)e;
	struct lg_fact f;

	if (nd->synthetic) {
		bool its_own = lg_str_eq(name->text, LG_STR("dn")) || lg_str_eq(name->text, LG_STR("owner"));
		es->specific |= its_own;
		if (its_own && es->any_entry)
			return LG_UNKNOWN;
		for (size_t i = 0; i < nd->nfacts; i++)
			if (lg_str_eq(lg_str_of(nd->facts[i].name), name->text))
				return found_of(es, lg_fact_value(es->cx, &nd->facts[i], ret));
		return LG_ABSENT;
	}
	lg_err err = lg_entry_fact(es->cx, es->view, &nd->entry, name->text, &f);
	if (err == LG_OK)
		err = lg_fact_value(es->cx, &f, ret);
	return found_of(es, err);
}

static enum lg_found
tag(void *self, lg_entity e, lg_str name, struct lg_value *ret)
{
	(void)self;
	(void)e;
	(void)name;
	(void)ret;
	return LG_ABSENT;			/* no type of the schema has tags */
}

/* ---- ancestors ------------------------------------------------------------------------------------------ */

static lg_err
nearest_entry(struct lg_entity_source *es, const struct lg_node *nd, struct lg_entry *ret)
{
	if (!nd->synthetic) {
		*ret = nd->entry;
		return LG_OK;
	}
	if (!nd->has_parent)
		return LG_E_NOT_FOUND;
	return lg_entry_by_uuid(es->cx, es->view, es->tenant, nd->parent, ret);
}

static enum lg_found
within(void *self, lg_entity e, const struct lg_euid *above, lg_entity above_handle)
{
	struct lg_entity_source *es = self;
	const struct lg_node *nd = (const struct lg_node *)e, *up = (const struct lg_node *)above_handle;
	struct lg_entry entry;
	lg_uuid id;
	bool is = false;

	if (up != NULL && !up->synthetic)
		id = up->entry.uuid;
	else if (!lg_uuid_parse(above->id, &id))
		return LG_ABSENT;
	lg_err err = nearest_entry(es, nd, &entry);
	if (err == LG_OK && nd->synthetic && lg_uuid_eq(entry.uuid, id))
		return LG_PRESENT;
	if (err == LG_OK)
		err = lg_entry_within(es->cx, es->view, &entry, id, &is);
	if (err == LG_OK && !is)
		return LG_ABSENT;
	return found_of(es, err);
}

static lg_err
read_ancestors(struct lg_entity_source *es, struct lg_node *nd)
{
	struct lg_entity_id *above = NULL;
	struct lg_entry entry;
	size_t n = 0;

	lg_err err = nearest_entry(es, nd, &entry);
	if (err == LG_E_NOT_FOUND)
		return LG_OK;
	if (err != LG_OK)
		return err;
	LG_TRY(lg_entry_ancestors(es->cx, es->view, &entry, &above, &n));
	struct lg_euid *uids = LG_NEWS(es->cx->arena, struct lg_euid, n + 1);
	for (size_t i = 0; i < n; i++)
		uids[i] = lg_entity_uid(es->cx->arena, &above[i]);
	if (nd->synthetic) {
		struct lg_entity_id parent = lg_entry_entity(&entry);
		uids[n++] = lg_entity_uid(es->cx->arena, &parent);
	}
	nd->ancestors = uids;
	nd->nancestors = n;
	return LG_OK;
}

static enum lg_found
ancestors(void *self, lg_entity e, const struct lg_euid *const **ret, size_t *n)
{
	struct lg_entity_source *es = self;
	struct lg_node *nd = (struct lg_node *)e;

	if (!nd->have_ancestors) {
		if (read_ancestors(es, nd) != LG_OK) {
			es->failed = true;
			return LG_UNKNOWN;
		}
		nd->have_ancestors = true;
	}
	const struct lg_euid **list = LG_NEWS(es->cx->arena, const struct lg_euid *, nd->nancestors);
	for (size_t i = 0; i < nd->nancestors; i++)
		list[i] = &nd->ancestors[i];
	*ret = list;
	*n = nd->nancestors;
	return LG_PRESENT;
}

struct lg_entities
lg_entity_source_port(struct lg_entity_source *es)
{
	return (struct lg_entities){ es, find, attr, tag, within, ancestors };
}
