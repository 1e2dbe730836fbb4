/* value_json.c: JSON to values, with and without the schema's help. */
#include "policy/value_json.h"

#include "policy/ast.h"
#include "policy/print.h"

lg_err
lg_reader_status(struct lg_value_reader *rd)
{
	return rd->js->fault == NULL ? LG_OK : lg_json_end(rd->cx, rd->js);
}

/* ---- growing lists -------------------------------------------------------------------------- */

static void *
grown(struct lg_arena *a, void *old, uint32_t n, uint32_t *size, size_t each)
{
	void *v;

	if (n < *size)
		return old;
	*size = *size == 0 ? 8 : *size * 2;
	v = lg_alloc_array(a, *size, each);
	if (n > 0)
		memcpy(v, old, n * each);
	return v;
}

/* ---- entities ------------------------------------------------------------------------------- */

static lg_err
uid_members(struct lg_value_reader *rd, lg_str first, struct lg_euid *ret)
{
	lg_str name = first, type = LG_NONE, id = LG_NONE;
	bool has_type = false, has_id = false;

	do {
		if (lg_str_eq(name, LG_STR("type"))) {
			type = lg_json_str(rd->js);
			has_type = true;
		} else if (lg_str_eq(name, LG_STR("id"))) {
			id = lg_json_str(rd->js);
			has_id = true;
		} else {
			lg_json_skip(rd->js);		/* as the reference does */
		}
	} while (lg_json_member(rd->js, &name));
	LG_TRY(lg_reader_status(rd));
	if (!has_type || !has_id)
		return lg_fail(rd->cx, LG_E_INVALID, "an entity needs `type` and `id`");
	if (!lg_is_path(type))
		return lg_fail(rd->cx, LG_E_INVALID, "`%.*s` is no name of an entity type", LG_FMT(type));
	*ret = lg_euid_of(type, id);
	return LG_OK;
}

static lg_err
uid_object(struct lg_value_reader *rd, struct lg_euid *ret)
{
	lg_str name;

	lg_json_object(rd->js);
	if (!lg_json_member(rd->js, &name)) {
		LG_TRY(lg_reader_status(rd));
		return lg_fail(rd->cx, LG_E_INVALID, "an entity needs `type` and `id`");
	}
	return uid_members(rd, name, ret);
}

/* The end of an object that began with an escape: what else it holds does not count. */
static lg_err
escape_end(struct lg_value_reader *rd)
{
	lg_str name;

	while (lg_json_member(rd->js, &name))
		lg_json_skip(rd->js);
	return lg_reader_status(rd);
}

lg_err
lg_euid_read(struct lg_value_reader *rd, struct lg_euid *ret)
{
	lg_str name;

	lg_json_object(rd->js);
	if (!lg_json_member(rd->js, &name)) {
		LG_TRY(lg_reader_status(rd));
		return lg_fail(rd->cx, LG_E_INVALID, "an entity needs `type` and `id`");
	}
	if (!lg_str_eq(name, LG_STR("__entity")))
		return uid_members(rd, name, ret);
	LG_TRY(uid_object(rd, ret));
	return escape_end(rd);
}

static lg_err
entity_value(struct lg_value_reader *rd, lg_str first, bool escaped, struct lg_value *ret)
{
	struct lg_euid *uid = LG_NEW(rd->cx->arena, struct lg_euid);

	if (escaped) {
		LG_TRY(uid_object(rd, uid));
		LG_TRY(escape_end(rd));
	} else {
		LG_TRY(uid_members(rd, first, uid));
	}
	*ret = lg_value_entity(uid);
	return LG_OK;
}

/* ---- extension values ----------------------------------------------------------------------- */

static lg_err
ext_call(struct lg_value_reader *rd, lg_str fn, struct lg_value *args, uint32_t n, struct lg_value *ret)
{
	const struct lg_ext *ext = lg_ext_find(fn);
	const char *why;

	if (ext == NULL)
		return lg_fail(rd->cx, LG_E_INVALID, "`%.*s` is not an extension function", LG_FMT(fn));
	if (n != ext->nargs)
		return lg_fail(
		    rd->cx, LG_E_INVALID, "`%.*s` takes %u argument(s), %u given", LG_FMT(fn), ext->nargs, n);
	for (uint32_t i = 0; i < n; i++)
		if (args[i].kind != ext->args[i])
			return lg_fail(
			    rd->cx, LG_E_INVALID, "`%.*s` takes a %s here", LG_FMT(fn), lg_kind_name(ext->args[i]));
	why = ext->run(rd->cx, args, ret);
	if (why != NULL)
		return lg_fail(rd->cx, LG_E_INVALID, "%.*s: %.*s %s", LG_FMT(fn),
		    LG_FMT(lg_value_text(rd->cx->arena, &args[0])), why);
	return LG_OK;
}

static lg_err
ext_args(struct lg_value_reader *rd, struct lg_value args[LG_EXT_ARGS], uint32_t *n)
{
	lg_json_array(rd->js);
	while (lg_json_item(rd->js)) {
		if (*n == LG_EXT_ARGS) {
			lg_json_fault(rd->js, "too many arguments");
			break;
		}
		LG_TRY(lg_value_read(rd, NULL, &args[(*n)++]));
	}
	return lg_reader_status(rd);
}

/* {"fn": "ip", "arg": "10.0.0.1"}, or "args": [..]. */
static lg_err
ext_members(struct lg_value_reader *rd, lg_str first, struct lg_value *ret)
{
	struct lg_value args[LG_EXT_ARGS];
	lg_str name = first, fn = LG_NONE;
	uint32_t n = 0;

	do {
		if (lg_str_eq(name, LG_STR("fn")))
			fn = lg_json_str(rd->js);
		else if (n == 0 && lg_str_eq(name, LG_STR("arg")))
			LG_TRY(lg_value_read(rd, NULL, &args[n++]));
		else if (n == 0 && lg_str_eq(name, LG_STR("args")))
			LG_TRY(ext_args(rd, args, &n));
		else
			lg_json_skip(rd->js);
	} while (lg_json_member(rd->js, &name));
	LG_TRY(lg_reader_status(rd));
	return ext_call(rd, fn, args, n, ret);
}

static lg_err
ext_escaped(struct lg_value_reader *rd, struct lg_value *ret)
{
	lg_str name;

	lg_json_object(rd->js);
	if (!lg_json_member(rd->js, &name)) {
		LG_TRY(lg_reader_status(rd));
		return lg_fail(rd->cx, LG_E_INVALID, "an extension value needs `fn`");
	}
	LG_TRY(ext_members(rd, name, ret));
	return escape_end(rd);
}

/* ---- sets and records ----------------------------------------------------------------------- */

static lg_err
set_value(struct lg_value_reader *rd, const struct lg_type *type, struct lg_value *ret)
{
	const struct lg_type *element = type != NULL && type->kind == TY_SET ? type->element : NULL;
	struct lg_value *v = NULL;
	uint32_t n = 0, size = 0;

	lg_json_array(rd->js);
	while (lg_json_item(rd->js)) {
		v = grown(rd->cx->arena, v, n, &size, sizeof(*v));
		LG_TRY(lg_value_read(rd, element, &v[n]));
		n++;
	}
	LG_TRY(lg_reader_status(rd));
	return lg_value_set(rd->cx, v, n, ret);
}

static const struct lg_type *
attr_type(const struct lg_type *record, lg_str name)
{
	if (record == NULL || record->kind != TY_RECORD)
		return NULL;
	for (uint32_t i = 0; i < record->n; i++)
		if (lg_str_eq(record->attrs[i].name.text, name))
			return record->attrs[i].type;
	return NULL;
}

static lg_err
record_members(struct lg_value_reader *rd, const struct lg_type *type, lg_str first, struct lg_value *ret)
{
	struct lg_field *v = NULL;
	uint32_t n = 0, size = 0;
	lg_str name = first;

	do {
		v = grown(rd->cx->arena, v, n, &size, sizeof(*v));
		v[n].name = lg_name_of(name);
		LG_TRY(lg_value_read(rd, attr_type(type, name), &v[n].value));
		n++;
	} while (lg_json_member(rd->js, &name));
	LG_TRY(lg_reader_status(rd));
	return lg_value_record(rd->cx, v, n, ret);
}

static lg_err
object_value(struct lg_value_reader *rd, const struct lg_type *type, struct lg_value *ret)
{
	lg_str name;

	lg_json_object(rd->js);
	if (!lg_json_member(rd->js, &name)) {
		LG_TRY(lg_reader_status(rd));
		return lg_value_record(rd->cx, NULL, 0, ret);
	}
	if (lg_str_eq(name, LG_STR("__entity")))
		return entity_value(rd, name, true, ret);
	if (lg_str_eq(name, LG_STR("__extn")))
		return ext_escaped(rd, ret);
	if (lg_str_eq(name, LG_STR("__expr"))) {
		lg_json_fault(rd->js, "`__expr` is no longer part of the format");
		return lg_reader_status(rd);
	}
	if (type != NULL && type->kind == TY_ENTITY)
		return entity_value(rd, name, false, ret);
	if (type != NULL && type->kind == TY_EXT)
		return ext_members(rd, name, ret);
	return record_members(rd, type, name, ret);
}

static lg_err
string_value(struct lg_value_reader *rd, const struct lg_type *type, struct lg_value *ret)
{
	*ret = lg_value_string(lg_json_str(rd->js));
	LG_TRY(lg_reader_status(rd));
	if (type != NULL && type->kind == TY_EXT)
		return lg_value_extension(rd->cx, type->ext, ret->u.s, ret);
	return LG_OK;
}

lg_err
lg_value_read(struct lg_value_reader *rd, const struct lg_type *type, struct lg_value *ret)
{
	switch (lg_json_peek(rd->js)) {
	case LG_JSON_BOOL:
		*ret = lg_value_bool(lg_json_bool(rd->js));
		return lg_reader_status(rd);
	case LG_JSON_NUMBER:
		*ret = lg_value_long(lg_json_int(rd->js));
		return lg_reader_status(rd);
	case LG_JSON_STRING:
		return string_value(rd, type, ret);
	case LG_JSON_ARRAY:
		return set_value(rd, type, ret);
	case LG_JSON_OBJECT:
		return object_value(rd, type, ret);
	default:
		lg_json_fault(rd->js, "null is no value in Cedar");
		return lg_reader_status(rd);
	}
}
