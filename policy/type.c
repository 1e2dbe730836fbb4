/* type.c: subtypes, least upper bounds, attributes. */
#include "policy/type.h"

#include "policy/schema.h"

#define TYPE_TEXT_MAX 2048

const struct lg_type lg_type_never = { .kind = TY_NEVER };
const struct lg_type lg_type_bool = { .kind = TY_BOOL };
const struct lg_type lg_type_true = { .kind = TY_BOOL, .truth = BOOL_TRUE };
const struct lg_type lg_type_false = { .kind = TY_BOOL, .truth = BOOL_FALSE };
const struct lg_type lg_type_long = { .kind = TY_LONG };
const struct lg_type lg_type_string = { .kind = TY_STRING };
const struct lg_type lg_type_any_entity = { .kind = TY_ANY_ENTITY };
const struct lg_type lg_type_any_set = { .kind = TY_SET };
const struct lg_type lg_type_any_record = { .kind = TY_RECORD, .open = true };
const struct lg_type lg_type_entity_set = { .kind = TY_SET, .element = &lg_type_any_entity };

bool
lg_type_is_bool(const struct lg_type *t, enum lg_bool_type truth)
{
	return t->kind == TY_BOOL && t->truth == truth;
}

static bool
has_entity(const struct lg_type *t, lg_str name)
{
	for (uint32_t i = 0; i < t->n; i++)
		if (lg_str_eq(t->entities[i], name))
			return true;
	return false;
}

static bool
entities_sub(const struct lg_type *low, const struct lg_type *high, bool strict)
{
	if (strict && low->n != high->n)
		return false;
	for (uint32_t i = 0; i < low->n; i++)
		if (!has_entity(high, low->entities[i]))
			return false;
	return true;
}

static const struct lg_type_attr *
record_attr(const struct lg_type *t, lg_str name)
{
	uint32_t lo = 0, hi = t->n;

	while (lo < hi) {
		uint32_t mid = (lo + hi) / 2;
		int c = lg_str_cmp(t->attrs[mid].name.text, name);

		if (c == 0)
			return &t->attrs[mid];
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

static bool
records_sub(const struct lg_type *low, const struct lg_type *high, bool strict)
{
	bool wide = high->open && !strict;

	if ((low->open && !high->open) || (!wide && low->n != high->n))
		return false;
	for (uint32_t i = 0; i < high->n; i++) {
		const struct lg_type_attr *h = &high->attrs[i], *l = record_attr(low, h->name.text);

		if (l == NULL || (strict ? l->optional != h->optional : l->optional && !h->optional) ||
		    !lg_type_sub(l->type, h->type, strict))
			return false;
	}
	return true;
}

bool
lg_type_sub(const struct lg_type *low, const struct lg_type *high, bool strict)
{
	if (low == high || low->kind == TY_NEVER)
		return true;
	if (low->kind == TY_ENTITY && high->kind == TY_ANY_ENTITY)
		return !strict;
	if (low->kind != high->kind)
		return false;
	switch (low->kind) {
	case TY_BOOL: return high->truth == BOOL_ANY || low->truth == high->truth;
	case TY_ENTITY: return entities_sub(low, high, strict);
	case TY_SET:
		return high->element == NULL ||
		       (low->element != NULL && lg_type_sub(low->element, high->element, strict));
	case TY_RECORD: return records_sub(low, high, strict);
	case TY_EXT: return low->ext == high->ext;
	default: return true;
	}
}

/* ---- least upper bounds --------------------------------------------------------------------- */

const struct lg_type *
lg_type_entity(struct lg_arena *a, lg_str type)
{
	struct lg_type *t = LG_NEW(a, struct lg_type);
	lg_str *one = LG_NEW(a, lg_str);

	*one = type;
	*t = (struct lg_type){ .kind = TY_ENTITY, .n = 1, .entities = one };
	return t;
}

const struct lg_type *
lg_type_set(struct lg_arena *a, const struct lg_type *element)
{
	struct lg_type *t = LG_NEW(a, struct lg_type);

	*t = (struct lg_type){ .kind = TY_SET, .element = element };
	return t;
}

static const struct lg_type *
entities_lub(struct lg_arena *a, const struct lg_type *x, const struct lg_type *y)
{
	struct lg_type *t = LG_NEW(a, struct lg_type);
	lg_str *v = LG_NEWS(a, lg_str, x->n + y->n);

	*t = *x;
	if (x->n > 0)
		memcpy(v, x->entities, x->n * sizeof(*v));
	for (uint32_t i = 0; i < y->n; i++)
		if (!has_entity(x, y->entities[i]))
			v[t->n++] = y->entities[i];
	t->entities = v;
	return t;
}

/* Permissive: what both have; strict: they must have the same. */
static const struct lg_type *
records_lub(struct lg_arena *a, const struct lg_type *x, const struct lg_type *y, bool strict)
{
	struct lg_type *t = LG_NEW(a, struct lg_type);
	struct lg_type_attr *v = LG_NEWS(a, struct lg_type_attr, x->n);

	if (strict && x->n != y->n)
		return NULL;
	*t = (struct lg_type){ .kind = TY_RECORD, .attrs = v };
	for (uint32_t i = 0; i < x->n; i++) {
		const struct lg_type_attr *other = record_attr(y, x->attrs[i].name.text);
		const struct lg_type *lub =
		    other == NULL ? NULL : lg_type_lub(a, x->attrs[i].type, other->type, strict);

		if (strict && (lub == NULL || other->optional != x->attrs[i].optional))
			return NULL;
		if (lub != NULL)
			v[t->n++] =
			    (struct lg_type_attr){x->attrs[i].name, lub, x->attrs[i].optional || other->optional};
	}
	t->open = x->open || y->open || t->n != x->n || t->n != y->n;
	return t;
}

const struct lg_type *
lg_type_lub(struct lg_arena *a, const struct lg_type *x, const struct lg_type *y, bool strict)
{
	const struct lg_type *element;

	if (lg_type_sub(x, y, strict))
		return y;
	if (lg_type_sub(y, x, strict))
		return x;
	if (x->kind != y->kind)
		return NULL;
	switch (x->kind) {
	case TY_BOOL: return &lg_type_bool;
	case TY_ENTITY: return strict ? NULL : entities_lub(a, x, y);
	case TY_RECORD: return records_lub(a, x, y, strict);
	case TY_SET:
		if (x->element == NULL || y->element == NULL)
			return &lg_type_any_set;
		element = lg_type_lub(a, x->element, y->element, strict);
		return element == NULL ? NULL : lg_type_set(a, element);
	default: return NULL;
	}
}

bool
lg_type_disjoint(const struct lg_type *x, const struct lg_type *y)
{
	if (x->kind != TY_ENTITY || y->kind != TY_ENTITY)
		return false;
	for (uint32_t i = 0; i < x->n; i++)
		if (has_entity(y, x->entities[i]))
			return false;
	return true;
}

/* ---- attributes ----------------------------------------------------------------------------- */

struct lg_type_attr
lg_type_attr_of(struct lg_arena *a, const struct lg_schema *s, const struct lg_type *t, lg_str name)
{
	struct lg_type_attr ret = { .type = NULL };

	if (t->kind == TY_RECORD) {
		const struct lg_type_attr *at = record_attr(t, name);

		return at == NULL ? ret : *at;
	}
	for (uint32_t i = 0; t->kind == TY_ENTITY && i < t->n; i++) {
		const struct lg_schema_entity *e = lg_schema_entity_find(s, t->entities[i]);
		const struct lg_type_attr *at = e == NULL ? NULL : record_attr(e->shape, name);

		if (at == NULL)
			return (struct lg_type_attr){ .type = NULL };
		if (i == 0) {
			ret = *at;
			continue;
		}
		ret.optional = ret.optional || at->optional;
		ret.type = lg_type_lub(a, ret.type, at->type, false);
		if (ret.type == NULL)
			return ret;
	}
	return ret;
}

bool
lg_type_may_have(const struct lg_schema *s, const struct lg_type *t, lg_str name)
{
	if (t->kind == TY_NEVER || t->kind == TY_ANY_ENTITY)
		return true;
	if (t->kind == TY_RECORD)
		return t->open || record_attr(t, name) != NULL;
	for (uint32_t i = 0; t->kind == TY_ENTITY && i < t->n; i++) {
		const struct lg_schema_entity *e = lg_schema_entity_find(s, t->entities[i]);

		if (e != NULL && record_attr(e->shape, name) != NULL)
			return true;
	}
	return false;
}

/* ---- text ----------------------------------------------------------------------------------- */

static void
type_put(struct lg_buf *out, const struct lg_type *t)
{
	static const char *const names[] = {
	    "__cedar::internal::Never", "Bool", "Long", "String", "", "an entity", "Set", "", ""};

	switch (t->kind) {
	case TY_ENTITY:
		for (uint32_t i = 0; i < t->n; i++) {
			lg_buf_str(out, i == 0 ? LG_STR("") : LG_STR(" or "));
			lg_buf_str(out, t->entities[i]);
		}
		break;
	case TY_SET:
		lg_buf_str(out, LG_STR("Set<"));
		if (t->element != NULL)
			type_put(out, t->element);
		lg_buf_byte(out, '>');
		break;
	case TY_RECORD:
		lg_buf_byte(out, '{');
		for (uint32_t i = 0; i < t->n; i++) {
			lg_buf_printf(out, "%s%.*s%s: ", i == 0 ? "" : ", ", LG_FMT(t->attrs[i].name.text),
			    t->attrs[i].optional ? "?" : "");
			type_put(out, t->attrs[i].type);
		}
		lg_buf_byte(out, '}');
		break;
	case TY_EXT: lg_buf_str(out, lg_str_of(lg_kind_name(t->ext))); break;
	default: lg_buf_str(out, lg_str_of(names[t->kind]));
	}
}

lg_str
lg_type_text(struct lg_arena *a, const struct lg_type *t)
{
	struct lg_buf out = LG_BUF(TYPE_TEXT_MAX);
	lg_str s;

	type_put(&out, t);
	s = out.full ? lg_cat(a, lg_buf_view(&out), LG_STR("...")) : lg_dup(a, lg_buf_view(&out));
	lg_buf_free(&out);
	return s;
}
