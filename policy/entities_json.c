/* entities_json.c: the entities JSON of Cedar, and contexts. */
#include "policy/conform.h"
#include "policy/value_json.h"

enum { PART_ATTRS, PART_TAGS, PART_PARENTS, LATER_MAX };

struct row_reader {
	struct lg_value_reader rd;
	const struct lg_schema *schema;
	struct lg_entity_row row;
	bool has_uid;
};

static lg_err
record_read(struct lg_value_reader *rd, const struct lg_type *type, const struct lg_record **ret)
{
	struct lg_value v;

	if (lg_json_peek(rd->js) != LG_JSON_OBJECT) {
		lg_json_fault(rd->js, "an object was expected");
		return lg_reader_status(rd);
	}
	LG_TRY(lg_value_read(rd, type, &v));
	if (v.kind != LG_V_RECORD)
		return lg_fail(rd->cx, LG_E_INVALID, "a record was expected, not a %s", lg_kind_name(v.kind));
	*ret = v.u.record;
	return LG_OK;
}

static lg_err
attrs_read(struct row_reader *rr)
{
	const struct lg_schema_entity *e =
	    rr->schema == NULL ? NULL : lg_schema_entity_find(rr->schema, rr->row.uid.type);

	return record_read(&rr->rd, e == NULL ? NULL : e->shape, &rr->row.attrs);
}

/* Tags are a record whose attributes all have one type. */
static lg_err
tags_read(struct row_reader *rr)
{
	const struct lg_schema_entity *e =
	    rr->schema == NULL ? NULL : lg_schema_entity_find(rr->schema, rr->row.uid.type);
	const struct lg_type *type = e == NULL ? NULL : e->tags;
	struct lg_field *v = NULL;
	uint32_t n = 0, size = 0;
	struct lg_value record;
	lg_str name;

	lg_json_object(rr->rd.js);
	while (lg_json_member(rr->rd.js, &name)) {
		if (n == size) {
			struct lg_field *more =
			    LG_NEWS(rr->rd.cx->arena, struct lg_field, size = size == 0 ? 8 : size * 2);

			if (n > 0)
				memcpy(more, v, n * sizeof(*v));
			v = more;
		}
		v[n].name = lg_name_of(name);
		LG_TRY(lg_value_read(&rr->rd, type, &v[n].value));
		n++;
	}
	LG_TRY(lg_reader_status(&rr->rd));
	LG_TRY(lg_value_record(rr->rd.cx, v, n, &record));
	rr->row.tags = record.u.record;
	return LG_OK;
}

static lg_err
parents_read(struct row_reader *rr)
{
	struct lg_euid *v = NULL;
	size_t n = 0, size = 0;

	lg_json_array(rr->rd.js);
	while (lg_json_item(rr->rd.js)) {
		if (n == size) {
			struct lg_euid *more =
			    LG_NEWS(rr->rd.cx->arena, struct lg_euid, size = size == 0 ? 4 : size * 2);

			if (n > 0)
				memcpy(more, v, n * sizeof(*v));
			v = more;
		}
		LG_TRY(lg_euid_read(&rr->rd, &v[n]));
		n++;
	}
	rr->row.parents = v;
	rr->row.nparents = n;
	return lg_reader_status(&rr->rd);
}

/* Attributes are read by the type of the uid: what stands before it waits as text. */
static lg_err
later(struct row_reader *rr, lg_str text, lg_err (*read)(struct row_reader *rr))
{
	struct lg_json *outer = rr->rd.js, js;
	lg_err e;

	lg_json_init(&js, rr->rd.cx->arena, text);
	js.nul = true;
	rr->rd.js = &js;
	e = read(rr);
	rr->rd.js = outer;
	return e;
}

static lg_err
row_members(struct row_reader *rr)
{
	static const struct {
		lg_str name;
		lg_err (*read)(struct row_reader *rr);
	} parts[LATER_MAX] = {[PART_ATTRS] = {LG_STR("attrs"), attrs_read},
	    [PART_TAGS] = {LG_STR("tags"), tags_read},
	    [PART_PARENTS] = {LG_STR("parents"), parents_read}};
	lg_str waiting[LATER_MAX] = { LG_NONE, LG_NONE, LG_NONE }, name;
	bool seen[LATER_MAX] = { false };

	lg_json_object(rr->rd.js);
	while (lg_json_member(rr->rd.js, &name)) {
		size_t i = 0;

		if (lg_str_eq(name, LG_STR("uid"))) {
			LG_TRY(lg_euid_read(&rr->rd, &rr->row.uid));
			rr->has_uid = true;
			continue;
		}
		while (i < LATER_MAX && !lg_str_eq(parts[i].name, name))
			i++;
		if (i == LATER_MAX)
			lg_json_skip(rr->rd.js);
		else if (rr->has_uid)
			LG_TRY(parts[i].read(rr));
		else
			waiting[i] = lg_json_raw(rr->rd.js);
		if (i < LATER_MAX)
			seen[i] = true;
	}
	LG_TRY(lg_reader_status(&rr->rd));
	/* Tags alone may be left out: a misspelt `attrs` must not pass for an entity without any. */
	if (!rr->has_uid || !seen[PART_ATTRS] || !seen[PART_PARENTS])
		return lg_fail(rr->rd.cx, LG_E_INVALID, "an entity needs uid, attrs and parents");
	for (size_t i = 0; i < LATER_MAX; i++)
		if (waiting[i].p != NULL)
			LG_TRY(later(rr, waiting[i], parts[i].read));
	return LG_OK;
}

lg_err
lg_entity_store_json(struct lg_ctx *cx, struct lg_entity_store *st, const struct lg_schema *schema, lg_str json)
{
	struct lg_json js;

	lg_json_init(&js, cx->arena, json);
	js.nul = true;
	lg_json_array(&js);
	while (lg_json_item(&js)) {
		struct row_reader rr = { .rd = { .cx = cx, .js = &js }, .schema = schema };

		LG_TRY(row_members(&rr));
		if (schema != NULL)
			LG_TRY(lg_entity_validate(cx, schema, &rr.row));
		LG_TRY(lg_entity_store_add(cx, st, &rr.row));
	}
	return lg_json_end(cx, &js);
}

lg_err
lg_context_json(struct lg_ctx *cx, const struct lg_schema *schema, const struct lg_euid *action, lg_str json,
    const struct lg_record **ret)
{
	const struct lg_schema_action *a = schema == NULL ? NULL : lg_schema_action_find(schema, action);
	struct lg_json js;
	struct lg_value_reader rd = { .cx = cx, .js = &js };
	const struct lg_record *r;

	lg_json_init(&js, cx->arena, json);
	js.nul = true;
	LG_TRY(record_read(&rd, a == NULL ? NULL : a->context, &r));
	LG_TRY(lg_json_end(cx, &js));
	*ret = r;
	return LG_OK;
}
