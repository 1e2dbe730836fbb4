/* conform.c: values, entities and requests against a schema (cedar-spec, RequestEntityValidator.lean). */
#include "policy/conform.h"

static bool
enum_has(const struct lg_schema_entity *e, lg_str id)
{
	for (uint32_t i = 0; i < e->nids; i++)
		if (lg_str_eq(e->ids[i], id))
			return true;
	return !e->is_enum;
}

/* Is there such an entity, by its type, its enumeration or as an action? */
static lg_err
uid_conforms(struct lg_ctx *cx, const struct lg_schema *s, const struct lg_euid *uid)
{
	const struct lg_schema_entity *e = lg_schema_entity_find(s, uid->type);

	if (e == NULL && lg_schema_action_find(s, uid) == NULL)
		return lg_fail(
		    cx, LG_E_INVALID, "%.*s: its type is not in the schema", LG_FMT(lg_euid_text(cx->arena, uid)));
	if (e != NULL && !enum_has(e, uid->id))
		return lg_fail(
		    cx, LG_E_INVALID, "%.*s is not in the type's enumeration", LG_FMT(lg_euid_text(cx->arena, uid)));
	return LG_OK;
}

static lg_err
wrong(struct lg_ctx *cx, const char *wanted, const struct lg_value *v)
{
	return lg_fail(cx, LG_E_INVALID, "expected %s, got %.*s", wanted, LG_FMT(lg_value_text(cx->arena, v)));
}

static lg_err value_conforms(struct lg_ctx *cx, const struct lg_schema *s, const struct lg_type *t, const struct lg_value *v);

static lg_err
record_conforms(struct lg_ctx *cx, const struct lg_schema *s, const struct lg_type *t, const struct lg_record *r)
{
	uint32_t k = 0;

	/* Both are sorted by name: one walk finds what is missing and what is too much. */
	for (uint32_t i = 0; i < t->n; i++) {
		const struct lg_type_attr *a = &t->attrs[i];
		int c = k < r->n ? lg_str_cmp(r->v[k].name.text, a->name.text) : 1;

		if (c < 0)
			break;
		if (c > 0 && a->optional)
			continue;
		if (c > 0)
			return lg_fail(cx, LG_E_INVALID, "required attribute `%.*s` is missing", LG_FMT(a->name.text));
		if (value_conforms(cx, s, a->type, &r->v[k].value) != LG_OK)
			return lg_fail_in(cx, LG_E_INVALID, lg_dup(cx->arena, a->name.text).p);
		k++;
	}
	if (k < r->n && !t->open)
		return lg_fail(cx, LG_E_INVALID, "attribute `%.*s` is not in the schema", LG_FMT(r->v[k].name.text));
	return LG_OK;
}

static lg_err
entity_conforms(struct lg_ctx *cx, const struct lg_schema *s, const struct lg_type *t, const struct lg_value *v)
{
	if (v->kind != LG_V_ENTITY)
		return wrong(cx, "an entity", v);
	if (t->kind == TY_ENTITY) {
		bool fits = false;

		for (uint32_t i = 0; i < t->n; i++)
			fits = fits || lg_str_eq(t->entities[i], v->u.e.uid->type);
		if (!fits)
			return lg_fail(cx, LG_E_INVALID, "expected a %.*s, got %.*s", LG_FMT(t->entities[0]),
			    LG_FMT(lg_value_text(cx->arena, v)));
	}
	return uid_conforms(cx, s, v->u.e.uid);
}

/* Is v of type t?  LG_E_INVALID says where not. */
static lg_err
value_conforms(struct lg_ctx *cx, const struct lg_schema *s, const struct lg_type *t, const struct lg_value *v)
{
	switch (t->kind) {
	case TY_NEVER: return wrong(cx, "nothing", v);
	case TY_BOOL: return v->kind == LG_V_BOOL ? LG_OK : wrong(cx, "a bool", v);
	case TY_LONG: return v->kind == LG_V_LONG ? LG_OK : wrong(cx, "a long", v);
	case TY_STRING: return v->kind == LG_V_STRING ? LG_OK : wrong(cx, "a string", v);
	case TY_ENTITY:
	case TY_ANY_ENTITY: return entity_conforms(cx, s, t, v);
	case TY_EXT: return v->kind == t->ext ? LG_OK : wrong(cx, lg_kind_name(t->ext), v);
	case TY_RECORD:
		return v->kind == LG_V_RECORD ? record_conforms(cx, s, t, v->u.record) : wrong(cx, "a record", v);
	case TY_SET: break;
	}
	if (v->kind != LG_V_SET)
		return wrong(cx, "a set", v);
	for (uint32_t i = 0; i < v->u.set->n; i++)
		LG_TRY(t->element == NULL ? wrong(cx, "an empty set", v)
					  : value_conforms(cx, s, t->element, &v->u.set->v[i]));
	return LG_OK;
}

/* ---- entities ------------------------------------------------------------------------------- */

static lg_err
tags_conform(
    struct lg_ctx *cx, const struct lg_schema *s, const struct lg_schema_entity *e, const struct lg_record *tags)
{
	if (tags == NULL || tags->n == 0)
		return LG_OK;
	if (e->tags == NULL)
		return lg_fail(cx, LG_E_INVALID, "%.*s has no tags", LG_FMT(e->type));
	for (uint32_t i = 0; i < tags->n; i++)
		if (value_conforms(cx, s, e->tags, &tags->v[i].value) != LG_OK)
			return lg_fail_in(cx, LG_E_INVALID, lg_dup(cx->arena, tags->v[i].name.text).p);
	return LG_OK;
}

/* An action is just what the schema says: no attributes, no tags, the same groups. */
static lg_err
action_conforms(struct lg_ctx *cx, const struct lg_schema_action *a, const struct lg_entity_row *row)
{
	if ((row->attrs != NULL && row->attrs->n > 0) || (row->tags != NULL && row->tags->n > 0))
		return lg_fail(cx, LG_E_INVALID, "an action has no attributes and no tags");
	for (size_t i = 0; i < row->nparents; i++)
		if (!lg_schema_action_within(a, &row->parents[i]))
			return lg_fail(cx, LG_E_INVALID, "the schema does not put it in %.*s",
			    LG_FMT(lg_euid_text(cx->arena, &row->parents[i])));
	return LG_OK;
}

static lg_err
row_conforms(struct lg_ctx *cx, const struct lg_schema *s, const struct lg_entity_row *row)
{
	static const struct lg_record nothing = { 0, NULL };
	const struct lg_schema_entity *e = lg_schema_entity_find(s, row->uid.type);

	LG_TRY(uid_conforms(cx, s, &row->uid));
	if (e == NULL)
		return action_conforms(cx, lg_schema_action_find(s, &row->uid), row);
	LG_TRY(record_conforms(cx, s, e->shape, row->attrs == NULL ? &nothing : row->attrs));
	for (size_t i = 0; i < row->nparents; i++) {
		if (!lg_schema_type_within(e, row->parents[i].type))
			return lg_fail(cx, LG_E_INVALID, "a %.*s cannot be in a %.*s", LG_FMT(e->type),
			    LG_FMT(row->parents[i].type));
		LG_TRY(uid_conforms(cx, s, &row->parents[i]));
	}
	return tags_conform(cx, s, e, row->tags);
}

lg_err
lg_entity_validate(struct lg_ctx *cx, const struct lg_schema *s, const struct lg_entity_row *row)
{
	if (row_conforms(cx, s, row) == LG_OK)
		return LG_OK;
	return lg_fail_in(cx, LG_E_INVALID, lg_euid_text(cx->arena, &row->uid).p);
}

/* ---- requests ------------------------------------------------------------------------------- */

static lg_err
applies(struct lg_ctx *cx, const struct lg_schema_action *a, const lg_str *types, uint32_t n, const struct lg_euid *uid,
    const char *what)
{
	for (uint32_t i = 0; i < n; i++)
		if (lg_str_eq(types[i], uid->type))
			return LG_OK;
	return lg_fail(cx, LG_E_INVALID, "%s %.*s: action \"%.*s\" does not apply to its type", what,
	    LG_FMT(lg_euid_text(cx->arena, uid)), LG_FMT(a->uid.id));
}

lg_err
lg_request_validate(struct lg_ctx *cx, const struct lg_schema *s, const struct lg_request *rq)
{
	static const struct lg_record nothing = { 0, NULL };
	const struct lg_schema_action *a = lg_schema_action_find(s, &rq->action);

	if (a == NULL)
		return lg_fail(cx, LG_E_INVALID, "action %.*s is not in the schema",
		    LG_FMT(lg_euid_text(cx->arena, &rq->action)));
	LG_TRY(uid_conforms(cx, s, &rq->principal));
	LG_TRY(uid_conforms(cx, s, &rq->resource));
	LG_TRY(applies(cx, a, a->principals, a->nprincipals, &rq->principal, "principal"));
	LG_TRY(applies(cx, a, a->resources, a->nresources, &rq->resource, "resource"));
	if (record_conforms(cx, s, a->context, rq->context == NULL ? &nothing : rq->context) != LG_OK)
		return lg_fail_in(cx, LG_E_INVALID, "context");
	return LG_OK;
}
