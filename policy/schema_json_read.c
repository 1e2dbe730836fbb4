/* schema_json_read.c: schema JSON into declarations.  Names are checked to be names: the printer writes them bare. */
#include "base/json.h"
#include "policy/print.h"
#include "policy/schema_decl.h"

#define TYPE_DEPTH (2 * LG_POLICY_DEPTH + 16)	/* of the JSON */

struct reader {
	struct lg_decls *d;
	struct lg_json js;
	unsigned depth;
};

static uint32_t
here(const struct reader *rd)
{
	return (uint32_t)rd->js.at;
}

/* A string that is a name, or a path of names (`__cedar` may start one); else a fault. */
static lg_str
name_checked(struct reader *rd, lg_str s, bool (*is)(lg_str))
{
	lg_str bare = lg_str_starts(s, LG_STR("__cedar::")) && is == lg_is_path ? lg_str_sub(s, 9, s.n) : s;

	if (rd->js.fault == NULL && !is(bare))
		lg_json_fault(&rd->js, "not a valid name");
	return s;
}

static lg_str
path(struct reader *rd)
{
	return name_checked(rd, lg_json_str(&rd->js), lg_is_path);
}

static void
notes(struct reader *rd, struct lg_decl_notes *ret)
{
	struct lg_policy_annotation note;

	lg_json_object(&rd->js);
	while (lg_json_member(&rd->js, &note.name)) {
		/* Reserved words may name annotations. */
		if (!lg_is_name(lg_print(rd->d->arena, "%.*s_", LG_FMT(note.name))))
			lg_json_fault(&rd->js, "not a valid annotation name");
		if (lg_json_peek(&rd->js) == LG_JSON_NULL) {
			lg_json_null(&rd->js);
			note.value = LG_NONE;
		} else {
			note.value = lg_json_str(&rd->js);
		}
		lg_decl_add_note(rd->d, ret, note, here(rd));
	}
}

static void
names(struct reader *rd, struct lg_decl_names *ret)
{
	lg_json_array(&rd->js);
	while (lg_json_item(&rd->js)) {
		struct lg_decl_name one = { .at = here(rd) };

		one.path = path(rd);
		lg_decl_add_name(rd->d, ret, one);
	}
}

/* ---- types ---------------------------------------------------------------------------------- */

/* The members that types, attributes and common types share the object of. */
struct type_members {
	lg_str type, name;
	const struct lg_decl_type *element;
	struct lg_decl_type *record;
	struct lg_decl_notes notes;
	bool required;
	uint32_t at;
};

static const struct lg_decl_type *
type(struct reader *rd, struct type_members *m);

static void
attributes(struct reader *rd, struct lg_decl_type *t)
{
	struct lg_decl_attr *v = NULL;
	uint32_t size = 0;
	lg_str name;

	t->kind = DECL_RECORD;
	lg_json_object(&rd->js);
	while (lg_json_member(&rd->js, &name)) {
		struct type_members m = { .required = true };

		if (t->n == size) {
			struct lg_decl_attr *more =
			    LG_NEWS(rd->d->arena, struct lg_decl_attr, size = size == 0 ? 8 : size * 2);

			if (t->n > 0)
				memcpy(more, v, t->n * sizeof(*v));
			v = more;
		}
		v[t->n].name = name;
		v[t->n].type = type(rd, &m);
		v[t->n].optional = !m.required;
		v[t->n++].notes = m.notes;
	}
	t->attrs = v;
}

static void
type_member(struct reader *rd, lg_str name, struct type_members *m)
{
	struct type_members inner = { .required = true };

	if (lg_str_eq(name, LG_STR("type"))) {
		m->type = path(rd);
	} else if (lg_str_eq(name, LG_STR("name"))) {
		m->name = path(rd);
	} else if (lg_str_eq(name, LG_STR("element"))) {
		m->element = type(rd, &inner);
	} else if (lg_str_eq(name, LG_STR("attributes"))) {
		m->record = LG_NEW(rd->d->arena, struct lg_decl_type);
		attributes(rd, m->record);
	} else if (lg_str_eq(name, LG_STR("required"))) {
		m->required = lg_json_bool(&rd->js);
	} else if (lg_str_eq(name, LG_STR("annotations"))) {
		notes(rd, &m->notes);
	} else if (lg_str_eq(name, LG_STR("additionalAttributes"))) {
		if (lg_json_bool(&rd->js))
			lg_json_fault(&rd->js, "additionalAttributes are not supported");
	} else {
		lg_json_fault(&rd->js, "unknown member of a type");
	}
}

static const struct lg_decl_type *
type_made(struct reader *rd, const struct type_members *m)
{
	static const lg_str simple[][2] = {{LG_STR("String"), LG_STR("__cedar::String")},
	    {LG_STR("Long"), LG_STR("__cedar::Long")}, {LG_STR("Boolean"), LG_STR("__cedar::Bool")},
	    {LG_STR("Bool"), LG_STR("__cedar::Bool")}};
	struct lg_decl_type *t = LG_NEW(rd->d->arena, struct lg_decl_type);
	bool named = lg_str_eq(m->type, LG_STR("Entity")) || lg_str_eq(m->type, LG_STR("EntityOrCommon")) ||
	    lg_str_eq(m->type, LG_STR("Extension"));
	bool set = lg_str_eq(m->type, LG_STR("Set")), record = lg_str_eq(m->type, LG_STR("Record"));

	if (rd->js.fault == NULL && (m->type.n == 0 || named != (m->name.n > 0) || set != (m->element != NULL) ||
	    record != (m->record != NULL)))
		lg_json_fault(&rd->js, "a type whose members do not fit it");
	t->at = m->at;
	if (record && m->record != NULL) {
		m->record->at = m->at;
		return m->record;
	}
	t->name = m->name;
	t->element = m->element;
	t->kind = set ? DECL_SET : lg_str_eq(m->type, LG_STR("Entity")) ? DECL_ENTITY : named ? DECL_NAME : DECL_COMMON;
	if (lg_str_eq(m->type, LG_STR("Extension")))
		t->name = lg_decl_full(rd->d->arena, LG_STR("__cedar"), m->name);
	if (t->kind != DECL_COMMON)
		return t;
	t->name = m->type;
	for (size_t i = 0; i < LG_COUNT(simple); i++)
		if (lg_str_eq(simple[i][0], m->type)) {
			t->kind = DECL_NAME;
			t->name = simple[i][1];
		}
	return t;
}

static const struct lg_decl_type *
type(struct reader *rd, struct type_members *m)
{
	const struct lg_decl_type *t;
	lg_str name;

	m->at = here(rd);
	if (rd->depth >= LG_POLICY_DEPTH)
		lg_json_fault(&rd->js, "types nested too deeply");
	rd->depth++;
	lg_json_object(&rd->js);
	while (lg_json_member(&rd->js, &name))
		type_member(rd, name, m);
	rd->depth--;
	t = type_made(rd, m);
	return t;
}

/* ---- declarations --------------------------------------------------------------------------- */

static void
enum_ids(struct reader *rd, struct lg_decl_entity *e)
{
	struct lg_decl_names l = { 0 };
	lg_str *ids;

	lg_json_array(&rd->js);
	while (lg_json_item(&rd->js)) {
		struct lg_decl_name one = { .at = here(rd) };

		one.id = lg_json_str(&rd->js);
		lg_decl_add_name(rd->d, &l, one);
	}
	if (rd->js.fault == NULL && l.n == 0)
		lg_json_fault(&rd->js, "an enumeration has at least one id");
	ids = LG_NEWS(rd->d->arena, lg_str, l.n);
	for (uint32_t i = 0; i < l.n; i++)
		ids[i] = l.v[i].id;
	e->is_enum = true;
	e->ids = ids;
	e->nids = l.n;
}

static void
entity(struct reader *rd, lg_str ns, lg_str id)
{
	struct lg_decl_entity *e = LG_NEW(rd->d->arena, struct lg_decl_entity);
	struct type_members shape = { .required = true }, tags = { .required = true };
	lg_str name;

	e->ns = ns;
	e->name = name_checked(rd, id, lg_is_name);
	e->at = here(rd);
	lg_json_object(&rd->js);
	while (lg_json_member(&rd->js, &name)) {
		if (lg_str_eq(name, LG_STR("memberOfTypes")))
			names(rd, &e->parents);
		else if (lg_str_eq(name, LG_STR("shape")))
			e->shape = type(rd, &shape);
		else if (lg_str_eq(name, LG_STR("tags")))
			e->tags = type(rd, &tags);
		else if (lg_str_eq(name, LG_STR("enum")))
			enum_ids(rd, e);
		else if (lg_str_eq(name, LG_STR("annotations")))
			notes(rd, &e->notes);
		else
			lg_json_fault(&rd->js, "unknown member of an entity type");
	}
	if (rd->js.fault == NULL && e->is_enum && (e->parents.n > 0 || e->shape != NULL || e->tags != NULL))
		lg_json_fault(&rd->js, "an enumeration has neither parents nor shape nor tags");
	lg_decl_add_entity(rd->d, e);
}

static void
action_parents(struct reader *rd, struct lg_decl_names *ret)
{
	lg_str name;

	if (lg_json_peek(&rd->js) == LG_JSON_NULL) {
		lg_json_null(&rd->js);
		return;
	}
	lg_json_array(&rd->js);
	while (lg_json_item(&rd->js)) {
		struct lg_decl_name one = { .at = here(rd) };

		lg_json_object(&rd->js);
		while (lg_json_member(&rd->js, &name)) {
			if (lg_str_eq(name, LG_STR("id")))
				one.id = lg_json_str(&rd->js);
			else if (lg_str_eq(name, LG_STR("type")))
				one.path = path(rd);
			else
				lg_json_fault(&rd->js, "an action's group has `id` and `type` only");
		}
		lg_decl_add_name(rd->d, ret, one);
	}
}

static void
applies_to(struct reader *rd, struct lg_decl_action *a)
{
	struct type_members context = { .required = true };
	bool principals = false, resources = false;
	lg_str name;

	if (lg_json_peek(&rd->js) == LG_JSON_NULL) {
		lg_json_null(&rd->js);
		return;
	}
	lg_json_object(&rd->js);
	while (lg_json_member(&rd->js, &name)) {
		if (lg_str_eq(name, LG_STR("principalTypes"))) {
			principals = true;
			names(rd, &a->principals);
		} else if (lg_str_eq(name, LG_STR("resourceTypes"))) {
			resources = true;
			names(rd, &a->resources);
		} else if (lg_str_eq(name, LG_STR("context"))) {
			a->context = type(rd, &context);
		} else {
			lg_json_fault(&rd->js, "unknown member of appliesTo");
		}
	}
	if (rd->js.fault == NULL && !(principals && resources))
		lg_json_fault(&rd->js, "appliesTo needs principalTypes and resourceTypes");
}

static void
action(struct reader *rd, lg_str ns, lg_str id)
{
	struct lg_decl_action *a = LG_NEW(rd->d->arena, struct lg_decl_action);
	lg_str name;

	a->ns = ns;
	a->id = id;
	a->at = here(rd);
	lg_json_object(&rd->js);
	while (lg_json_member(&rd->js, &name)) {
		if (lg_str_eq(name, LG_STR("memberOf")))
			action_parents(rd, &a->parents);
		else if (lg_str_eq(name, LG_STR("appliesTo")))
			applies_to(rd, a);
		else if (lg_str_eq(name, LG_STR("annotations")))
			notes(rd, &a->notes);
		else if (lg_str_eq(name, LG_STR("attributes")) && lg_json_peek(&rd->js) == LG_JSON_NULL)
			lg_json_null(&rd->js);		/* actions have none */
		else
			lg_json_fault(&rd->js, "unknown member of an action");
	}
	lg_decl_add_action(rd->d, a);
}

static void
common(struct reader *rd, lg_str ns, lg_str id)
{
	struct lg_decl_common *c = LG_NEW(rd->d->arena, struct lg_decl_common);
	struct type_members m = { .required = true };

	c->ns = ns;
	c->name = name_checked(rd, id, lg_is_name);
	c->at = here(rd);
	c->type = type(rd, &m);
	c->notes = m.notes;
	lg_decl_add_common(rd->d, c);
}

static void
each(struct reader *rd, lg_str ns, void (*one)(struct reader *rd, lg_str ns, lg_str id))
{
	lg_str id;

	lg_json_object(&rd->js);
	while (lg_json_member(&rd->js, &id))
		one(rd, ns, id);
}

static void
namespace_members(struct reader *rd, lg_str ns)
{
	struct lg_decl_notes l = { 0 };
	uint32_t at = here(rd);
	bool entities = false, actions = false;
	lg_str name;

	if (ns.n > 0)
		(void)name_checked(rd, ns, lg_is_path);
	lg_json_object(&rd->js);
	while (lg_json_member(&rd->js, &name)) {
		if (lg_str_eq(name, LG_STR("entityTypes"))) {
			entities = true;
			each(rd, ns, entity);
		} else if (lg_str_eq(name, LG_STR("actions"))) {
			actions = true;
			each(rd, ns, action);
		} else if (lg_str_eq(name, LG_STR("commonTypes"))) {
			each(rd, ns, common);
		} else if (lg_str_eq(name, LG_STR("annotations"))) {
			notes(rd, &l);
		} else {
			lg_json_fault(&rd->js, "unknown member of a namespace");
		}
	}
	if (rd->js.fault == NULL && ns.n == 0 && l.n > 0)
		lg_json_fault(&rd->js, "the empty namespace has no annotations");
	if (rd->js.fault == NULL && !(entities && actions))
		lg_json_fault(&rd->js, "a namespace needs entityTypes and actions");
	lg_decl_add_ns(rd->d, ns, l, at);
}

void
lg_schema_read_json(struct lg_decls *d)
{
	struct reader rd = { .d = d };
	lg_str ns;

	if (d->lx.text.n > LG_POLICY_JSON_MAX) {
		lg_lex_fault(
		    &d->lx, 0, "schema JSON of %zu bytes, at most %u are read", d->lx.text.n, LG_POLICY_JSON_MAX);
		return;
	}
	lg_json_init(&rd.js, d->arena, d->lx.text);
	rd.js.nul = true;
	rd.js.max_depth = TYPE_DEPTH;
	lg_json_object(&rd.js);
	while (lg_json_member(&rd.js, &ns))
		namespace_members(&rd, ns);
	if (rd.js.fault == NULL && lg_json_end(d->lx.cx, &rd.js) == LG_OK)
		return;
	lg_lex_fault(
	    &d->lx, (uint32_t)rd.js.fault_at, "%s", rd.js.fault == NULL ? "text behind the schema" : rd.js.fault);
}
