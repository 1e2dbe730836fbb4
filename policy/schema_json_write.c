/* schema_json_write.c: declarations as schema JSON; what is empty is left out. */
#include "base/json.h"
#include "policy/schema_decl.h"

static void
notes_json(struct lg_jsonw *w, const struct lg_decl_notes *l)
{
	if (l->n == 0)
		return;
	lg_jsonw_name(w, LG_STR("annotations"));
	lg_jsonw_object(w);
	for (uint32_t i = 0; i < l->n; i++) {
		lg_jsonw_name(w, l->v[i].name);
		lg_jsonw_str(w, l->v[i].value);
	}
	lg_jsonw_object_end(w);
}

/* The members of a type, inside an object that the caller opened. */
static void
type_json(struct lg_jsonw *w, const struct lg_decl_type *t)
{
	switch (t->kind) {
	case DECL_NAME:
	case DECL_ENTITY:
		lg_jsonw_str_of(w, "type", t->kind == DECL_NAME ? LG_STR("EntityOrCommon") : LG_STR("Entity"));
		lg_jsonw_str_of(w, "name", t->name);
		break;
	case DECL_COMMON:
		lg_jsonw_str_of(w, "type", t->name);
		break;
	case DECL_SET:
		lg_jsonw_str_of(w, "type", LG_STR("Set"));
		lg_jsonw_name(w, LG_STR("element"));
		lg_jsonw_object(w);
		type_json(w, t->element);
		lg_jsonw_object_end(w);
		break;
	case DECL_RECORD:
		lg_jsonw_str_of(w, "type", LG_STR("Record"));
		lg_jsonw_name(w, LG_STR("attributes"));
		lg_jsonw_object(w);
		for (uint32_t i = 0; i < t->n; i++) {
			lg_jsonw_name(w, t->attrs[i].name);
			lg_jsonw_object(w);
			type_json(w, t->attrs[i].type);
			notes_json(w, &t->attrs[i].notes);
			if (t->attrs[i].optional)
				lg_jsonw_bool_of(w, "required", false);
			lg_jsonw_object_end(w);
		}
		lg_jsonw_object_end(w);
		break;
	}
}

static void
type_of_json(struct lg_jsonw *w, const char *name, const struct lg_decl_type *t)
{
	if (t == NULL || (t->kind == DECL_RECORD && t->n == 0))
		return;
	lg_jsonw_name(w, lg_str_of(name));
	lg_jsonw_object(w);
	type_json(w, t);
	lg_jsonw_object_end(w);
}

static void
names_json(struct lg_jsonw *w, const char *name, const struct lg_decl_names *l)
{
	lg_jsonw_name(w, lg_str_of(name));
	lg_jsonw_array(w);
	for (uint32_t i = 0; i < l->n; i++)
		lg_jsonw_str(w, l->v[i].path);
	lg_jsonw_array_end(w);
}

static void
entity_json(struct lg_jsonw *w, const struct lg_decl_entity *e)
{
	lg_jsonw_name(w, e->name);
	lg_jsonw_object(w);
	if (e->is_enum) {
		lg_jsonw_name(w, LG_STR("enum"));
		lg_jsonw_array(w);
		for (uint32_t i = 0; i < e->nids; i++)
			lg_jsonw_str(w, e->ids[i]);
		lg_jsonw_array_end(w);
	}
	if (e->parents.n > 0)
		names_json(w, "memberOfTypes", &e->parents);
	type_of_json(w, "shape", e->shape);
	if (e->tags != NULL) {
		lg_jsonw_name(w, LG_STR("tags"));
		lg_jsonw_object(w);
		type_json(w, e->tags);
		lg_jsonw_object_end(w);
	}
	notes_json(w, &e->notes);
	lg_jsonw_object_end(w);
}

static void
action_json(struct lg_jsonw *w, const struct lg_decl_action *a)
{
	lg_jsonw_name(w, a->id);
	lg_jsonw_object(w);
	lg_jsonw_name(w, LG_STR("appliesTo"));
	lg_jsonw_object(w);
	names_json(w, "resourceTypes", &a->resources);
	names_json(w, "principalTypes", &a->principals);
	type_of_json(w, "context", a->context);
	lg_jsonw_object_end(w);
	if (a->parents.n > 0) {
		lg_jsonw_name(w, LG_STR("memberOf"));
		lg_jsonw_array(w);
		for (uint32_t i = 0; i < a->parents.n; i++) {
			lg_jsonw_object(w);
			lg_jsonw_str_of(w, "id", a->parents.v[i].id);
			if (a->parents.v[i].path.n > 0)
				lg_jsonw_str_of(w, "type", a->parents.v[i].path);
			lg_jsonw_object_end(w);
		}
		lg_jsonw_array_end(w);
	}
	notes_json(w, &a->notes);
	lg_jsonw_object_end(w);
}

static void
commons_json(struct lg_jsonw *w, const struct lg_decls *d, lg_str ns)
{
	bool any = false;

	for (uint32_t i = 0; i < d->ncommon; i++) {
		if (!lg_str_eq(d->common[i]->ns, ns))
			continue;
		if (!any) {
			lg_jsonw_name(w, LG_STR("commonTypes"));
			lg_jsonw_object(w);
			any = true;
		}
		lg_jsonw_name(w, d->common[i]->name);
		lg_jsonw_object(w);
		type_json(w, d->common[i]->type);
		notes_json(w, &d->common[i]->notes);
		lg_jsonw_object_end(w);
	}
	if (any)
		lg_jsonw_object_end(w);
}

static void
namespace_json(struct lg_jsonw *w, const struct lg_decls *d, lg_str ns, const struct lg_decl_notes *notes)
{
	lg_jsonw_name(w, ns);
	lg_jsonw_object(w);
	commons_json(w, d, ns);
	lg_jsonw_name(w, LG_STR("entityTypes"));
	lg_jsonw_object(w);
	for (uint32_t i = 0; i < d->nentity; i++)
		if (lg_str_eq(d->entity[i]->ns, ns))
			entity_json(w, d->entity[i]);
	lg_jsonw_object_end(w);
	lg_jsonw_name(w, LG_STR("actions"));
	lg_jsonw_object(w);
	for (uint32_t i = 0; i < d->naction; i++)
		if (lg_str_eq(d->action[i]->ns, ns))
			action_json(w, d->action[i]);
	lg_jsonw_object_end(w);
	notes_json(w, notes);
	lg_jsonw_object_end(w);
}

static bool
has_unnamed(const struct lg_decls *d)
{
	for (uint32_t i = 0; i < d->ncommon; i++)
		if (d->common[i]->ns.n == 0)
			return true;
	for (uint32_t i = 0; i < d->nentity; i++)
		if (d->entity[i]->ns.n == 0)
			return true;
	for (uint32_t i = 0; i < d->naction; i++)
		if (d->action[i]->ns.n == 0)
			return true;
	return false;
}

void
lg_schema_write_json(const struct lg_decls *d, struct lg_buf *out)
{
	static const struct lg_decl_notes none = { 0 };
	struct lg_jsonw w = lg_jsonw_of(out);

	lg_jsonw_object(&w);
	if (has_unnamed(d))
		namespace_json(&w, d, LG_STR(""), &none);
	for (uint32_t i = 0; i < d->nns; i++)
		if (d->ns[i]->name.n > 0)
			namespace_json(&w, d, d->ns[i]->name, &d->ns[i]->notes);
	lg_jsonw_object_end(&w);
}
