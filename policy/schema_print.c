/* schema_print.c: declarations as a schema in Cedar syntax. */
#include "policy/print.h"
#include "policy/schema_decl.h"

static void
indent(struct lg_buf *out, unsigned depth)
{
	for (unsigned i = 0; i < depth; i++)
		lg_buf_str(out, LG_STR("  "));
}

static void
put_notes(struct lg_buf *out, const struct lg_decl_notes *l, unsigned depth)
{
	for (uint32_t i = 0; i < l->n; i++) {
		indent(out, depth);
		lg_buf_printf(out, "@%.*s", LG_FMT(l->v[i].name));
		if (l->v[i].value.n > 0) {
			lg_buf_byte(out, '(');
			lg_escape(out, l->v[i].value, false);
			lg_buf_byte(out, ')');
		}
		lg_buf_byte(out, '\n');
	}
}

static void
put_name(struct lg_buf *out, lg_str name)
{
	if (lg_is_name(name))
		lg_buf_str(out, name);
	else
		lg_escape(out, name, false);
}

static void
put_type(struct lg_buf *out, const struct lg_decl_type *t, unsigned depth)
{
	switch (t->kind) {
	case DECL_SET:
		lg_buf_str(out, LG_STR("Set<"));
		put_type(out, t->element, depth);
		lg_buf_byte(out, '>');
		break;
	case DECL_RECORD:
		lg_buf_str(out, t->n == 0 ? LG_STR("{") : LG_STR("{\n"));
		for (uint32_t i = 0; i < t->n; i++) {
			put_notes(out, &t->attrs[i].notes, depth + 1);
			indent(out, depth + 1);
			put_name(out, t->attrs[i].name);
			lg_buf_str(out, t->attrs[i].optional ? LG_STR("?: ") : LG_STR(": "));
			put_type(out, t->attrs[i].type, depth + 1);
			lg_buf_str(out, i + 1 < t->n ? LG_STR(",\n") : LG_STR("\n"));
		}
		if (t->n > 0)
			indent(out, depth);
		lg_buf_byte(out, '}');
		break;
	default:
		lg_buf_str(out, t->name);
	}
}

static void
put_names(struct lg_buf *out, const struct lg_decl_names *l)
{
	lg_buf_byte(out, '[');
	for (uint32_t i = 0; i < l->n; i++)
		lg_buf_printf(out, "%s%.*s", i == 0 ? "" : ", ", LG_FMT(l->v[i].path));
	lg_buf_byte(out, ']');
}

/* JSON may name a common type as shape; Cedar syntax wants it written out. */
static const struct lg_decl_type *
shape_of(const struct lg_decls *d, const struct lg_decl_entity *e)
{
	const struct lg_decl_type *t = e->shape;

	for (unsigned i = 0; t != NULL && t->kind != DECL_RECORD && i < LG_POLICY_DEPTH; i++) {
		const struct lg_decl_common *c = lg_map_get(&d->common_by_name, lg_decl_full(d->arena, e->ns, t->name));

		if (c == NULL)
			c = lg_map_get(&d->common_by_name, t->name);
		t = c == NULL ? NULL : c->type;
	}
	return t;
}

static void
put_entity(struct lg_buf *out, const struct lg_decls *d, const struct lg_decl_entity *e, unsigned depth)
{
	const struct lg_decl_type *shape = shape_of(d, e);

	put_notes(out, &e->notes, depth);
	indent(out, depth);
	lg_buf_printf(out, "entity %.*s", LG_FMT(e->name));
	if (e->is_enum) {
		lg_buf_str(out, LG_STR(" enum ["));
		for (uint32_t i = 0; i < e->nids; i++) {
			lg_buf_str(out, i == 0 ? LG_STR("") : LG_STR(", "));
			lg_escape(out, e->ids[i], false);
		}
		lg_buf_byte(out, ']');
	}
	if (e->parents.n > 0) {
		lg_buf_str(out, LG_STR(" in "));
		put_names(out, &e->parents);
	}
	if (shape != NULL && shape->n > 0) {
		lg_buf_byte(out, ' ');
		put_type(out, shape, depth);
	}
	if (e->tags != NULL) {
		lg_buf_str(out, LG_STR(" tags "));
		put_type(out, e->tags, depth);
	}
	lg_buf_str(out, LG_STR(";\n"));
}

static void
put_parents(struct lg_buf *out, const struct lg_decl_names *l)
{
	lg_buf_str(out, LG_STR(" in ["));
	for (uint32_t i = 0; i < l->n; i++) {
		lg_buf_str(out, i == 0 ? LG_STR("") : LG_STR(", "));
		if (l->v[i].path.n > 0) {
			lg_buf_str(out, l->v[i].path);
			lg_buf_str(out, LG_STR("::"));
		}
		lg_escape(out, l->v[i].id, false);
	}
	lg_buf_byte(out, ']');
}

static void
put_action(struct lg_buf *out, const struct lg_decl_action *a, unsigned depth)
{
	put_notes(out, &a->notes, depth);
	indent(out, depth);
	lg_buf_str(out, LG_STR("action "));
	lg_escape(out, a->id, false);
	if (a->parents.n > 0)
		put_parents(out, &a->parents);
	/* Without a type on either side it applies to nothing, which Cedar syntax says by leaving it out. */
	if (a->principals.n > 0 && a->resources.n > 0) {
		lg_buf_str(out, LG_STR(" appliesTo {\n"));
		indent(out, depth + 1);
		lg_buf_str(out, LG_STR("principal: "));
		put_names(out, &a->principals);
		lg_buf_str(out, LG_STR(",\n"));
		indent(out, depth + 1);
		lg_buf_str(out, LG_STR("resource: "));
		put_names(out, &a->resources);
		if (a->context != NULL) {
			lg_buf_str(out, LG_STR(",\n"));
			indent(out, depth + 1);
			lg_buf_str(out, LG_STR("context: "));
			put_type(out, a->context, depth + 1);
		}
		lg_buf_byte(out, '\n');
		indent(out, depth);
		lg_buf_byte(out, '}');
	}
	lg_buf_str(out, LG_STR(";\n"));
}

static void
put_namespace(struct lg_buf *out, const struct lg_decls *d, lg_str ns, unsigned depth)
{
	for (uint32_t i = 0; i < d->ncommon; i++) {
		if (!lg_str_eq(d->common[i]->ns, ns))
			continue;
		put_notes(out, &d->common[i]->notes, depth);
		indent(out, depth);
		lg_buf_printf(out, "type %.*s = ", LG_FMT(d->common[i]->name));
		put_type(out, d->common[i]->type, depth);
		lg_buf_str(out, LG_STR(";\n"));
	}
	for (uint32_t i = 0; i < d->nentity; i++)
		if (lg_str_eq(d->entity[i]->ns, ns))
			put_entity(out, d, d->entity[i], depth);
	for (uint32_t i = 0; i < d->naction; i++)
		if (lg_str_eq(d->action[i]->ns, ns))
			put_action(out, d->action[i], depth);
}

void
lg_schema_print(const struct lg_decls *d, struct lg_buf *out)
{
	put_namespace(out, d, LG_NONE, 0);
	for (uint32_t i = 0; i < d->nns; i++) {
		if (d->ns[i]->name.n == 0)
			continue;
		put_notes(out, &d->ns[i]->notes, 0);
		lg_buf_printf(out, "namespace %.*s {\n", LG_FMT(d->ns[i]->name));
		put_namespace(out, d, d->ns[i]->name, 1);
		lg_buf_str(out, LG_STR("}\n"));
	}
}
