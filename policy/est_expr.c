/*
 * est_expr.c: expressions from JSON.  Whatever the printer writes without quotes (entity types) is checked to be a name.
 */
#include "policy/est.h"
#include "policy/print.h"

#define EXPR_DEPTH	LG_POLICY_DEPTH
#define NODES_MAX	1000000			/* of one policy */

void *
lg_est_bad(struct lg_est_reader *rd, const char *why)
{
	lg_json_fault(rd->js, why);
	return NULL;
}

static struct lg_expr *
node(struct lg_est_reader *rd, enum lg_op op)
{
	return lg_expr_new(rd->cx->arena, op, 0, 0);
}

static const struct lg_name *
name_of(struct lg_est_reader *rd, lg_str text)
{
	struct lg_name *n = LG_NEW(rd->cx->arena, struct lg_name);

	*n = lg_name_of(text);
	return n;
}

static struct lg_expr *
literal(struct lg_est_reader *rd, struct lg_value v)
{
	struct lg_expr *x = node(rd, X_LIT);
	struct lg_value *kept = LG_NEW(rd->cx->arena, struct lg_value);

	*kept = v;
	x->constant = kept;
	return x;
}

/* ---- lists ---------------------------------------------------------------------------------- */

struct list {
	struct lg_expr **v;
	const struct lg_name **names;
	uint32_t n, size;
};

static void
list_add(struct lg_est_reader *rd, struct list *l, lg_str name, struct lg_expr *x)
{
	if (l->n == l->size) {
		struct lg_expr **v = LG_NEWS(rd->cx->arena, struct lg_expr *, l->size = l->size == 0 ? 4 : l->size * 2);
		const struct lg_name **names = LG_NEWS(rd->cx->arena, const struct lg_name *, l->size);

		if (l->n > 0) {
			memcpy(v, l->v, l->n * sizeof(*v));
			memcpy(names, l->names, l->n * sizeof(*names));
		}
		l->v = v;
		l->names = names;
	}
	l->names[l->n] = name_of(rd, name);
	l->v[l->n++] = x;
}

static struct lg_expr *
listed(struct lg_est_reader *rd, enum lg_op op, const struct list *l)
{
	struct lg_expr *x = node(rd, op);

	x->list = l->v;
	x->names = l->names;
	x->n = l->n;
	return rd->js->fault == NULL ? x : NULL;
}

static struct lg_expr *
array_of(struct lg_est_reader *rd, enum lg_op op, struct lg_expr *(*item)(struct lg_est_reader *rd))
{
	struct list l = { 0 };

	lg_json_array(rd->js);
	while (lg_json_item(rd->js))
		list_add(rd, &l, LG_STR(""), item(rd));
	return listed(rd, op, &l);
}

/* ---- values --------------------------------------------------------------------------------- */

bool
lg_est_uid(struct lg_json *js, struct lg_euid *ret)
{
	lg_str name, type = LG_NONE, id = LG_NONE;

	lg_json_object(js);
	while (lg_json_member(js, &name)) {
		if (lg_str_eq(name, LG_STR("__entity"))) {
			(void)lg_est_uid(js, ret);
			while (lg_json_member(js, &name))
				lg_json_skip(js);
			return js->fault == NULL;
		}
		if (lg_str_eq(name, LG_STR("type")))
			type = lg_json_str(js);
		else if (lg_str_eq(name, LG_STR("id")))
			id = lg_json_str(js);
		else
			lg_json_skip(js);
	}
	if (js->fault == NULL && (!lg_is_path(type) || id.p == NULL))
		lg_json_fault(js, "an entity needs a `type` that is a name, and an `id`");
	*ret = lg_euid_of(type, id);
	return js->fault == NULL;
}

static struct lg_expr *
entity_value(struct lg_est_reader *rd)
{
	struct lg_euid *uid = LG_NEW(rd->cx->arena, struct lg_euid);

	return lg_est_uid(rd->js, uid) ? literal(rd, lg_value_entity(uid)) : NULL;
}

static struct lg_expr *
value(struct lg_est_reader *rd);

static struct lg_expr *
call_of(struct lg_est_reader *rd, lg_str fn, struct lg_expr *args)
{
	const struct lg_ext *ext = lg_ext_find(fn);

	if (args == NULL)
		return NULL;
	if (ext == NULL)
		return lg_est_bad(rd, "no such extension function");
	if (ext->method && args->n == 0)
		return lg_est_bad(rd, "a method needs its receiver");
	args->op = X_CALL;
	args->ext = ext;
	return args;
}

/* {"fn": .., "arg": ..} or "args": [..] */
static struct lg_expr *
ext_value(struct lg_est_reader *rd)
{
	struct lg_expr *args = NULL;
	lg_str name, fn = LG_NONE;
	struct list one = { 0 };

	lg_json_object(rd->js);
	while (lg_json_member(rd->js, &name)) {
		if (lg_str_eq(name, LG_STR("fn"))) {
			fn = lg_json_str(rd->js);
		} else if (args == NULL && lg_str_eq(name, LG_STR("arg"))) {
			list_add(rd, &one, LG_STR(""), value(rd));
			args = listed(rd, X_SET, &one);
		} else if (args == NULL && lg_str_eq(name, LG_STR("args"))) {
			args = array_of(rd, X_SET, value);
		} else {
			return lg_est_bad(rd, "an extension value has `fn` and `arg` or `args`");
		}
	}
	return call_of(rd, fn, args);
}

static struct lg_expr *
object_value(struct lg_est_reader *rd)
{
	struct list l = { 0 };
	lg_str name;

	lg_json_object(rd->js);
	while (lg_json_member(rd->js, &name)) {
		bool entity = lg_str_eq(name, LG_STR("__entity"));
		struct lg_expr *x;

		if (!entity && !lg_str_eq(name, LG_STR("__extn"))) {
			list_add(rd, &l, name, value(rd));
			continue;
		}
		x = entity ? entity_value(rd) : ext_value(rd);
		return l.n > 0 || lg_json_member(rd->js, &name)
			   ? lg_est_bad(rd, "an escape stands alone in its object")
			   : x;
	}
	return listed(rd, X_RECORD, &l);
}

static struct lg_expr *
value(struct lg_est_reader *rd)
{
	struct lg_expr *x = NULL;

	if (++rd->nodes > NODES_MAX || ++rd->depth > EXPR_DEPTH)
		return lg_est_bad(rd, "nested too deeply or too large");
	switch (lg_json_peek(rd->js)) {
	case LG_JSON_BOOL: x = literal(rd, lg_value_bool(lg_json_bool(rd->js))); break;
	case LG_JSON_NUMBER: x = literal(rd, lg_value_long(lg_json_int(rd->js))); break;
	case LG_JSON_STRING: x = literal(rd, lg_value_string(lg_json_str(rd->js))); break;
	case LG_JSON_ARRAY: x = array_of(rd, X_SET, value); break;
	case LG_JSON_OBJECT: x = object_value(rd); break;
	default: return lg_est_bad(rd, "null is no value in Cedar");
	}
	rd->depth--;
	return rd->js->fault == NULL ? x : NULL;
}

/* ---- nodes: each reads what stands behind its name ------------------------------------------- */

struct parts {				/* members of {"left": .., "right": ..} and its kin */
	struct lg_expr *a, *b, *c;
	lg_str text;			/* attr, entity_type */
	struct lg_expr *pattern, *path;
	bool strange;			/* there was a member that is none: only `has` passes over those, as in the reference */
};

static struct lg_expr *
attr_item(struct lg_est_reader *rd)
{
	return literal(rd, lg_value_string(lg_json_str(rd->js)));
}

/* "Wildcard" or {"Literal": ".."}. */
static struct lg_expr *
pattern_item(struct lg_est_reader *rd)
{
	static const char star[] = { (char)LG_PATTERN_STAR };
	lg_str name, s = LG_NONE;

	if (lg_json_peek(rd->js) == LG_JSON_STRING) {
		if (!lg_str_eq(lg_json_str(rd->js), LG_STR("Wildcard")))
			return lg_est_bad(rd, "a pattern has \"Wildcard\" and {\"Literal\": ..} only");
		return literal(rd, lg_value_string((lg_str){ star, 1 }));
	}
	lg_json_object(rd->js);
	while (lg_json_member(rd->js, &name)) {
		if (!lg_str_eq(name, LG_STR("Literal")))
			return lg_est_bad(rd, "a pattern has \"Wildcard\" and {\"Literal\": ..} only");
		s = lg_json_str(rd->js);
	}
	return literal(rd, lg_value_string(s));
}

static bool
part(struct lg_est_reader *rd, lg_str name, struct parts *p)
{
	if (lg_str_eq(name, LG_STR("left")) || lg_str_eq(name, LG_STR("arg")) || lg_str_eq(name, LG_STR("if")))
		return (p->a = lg_est_expr(rd)) != NULL;
	if (lg_str_eq(name, LG_STR("right")) || lg_str_eq(name, LG_STR("then")) || lg_str_eq(name, LG_STR("in")))
		return (p->b = lg_est_expr(rd)) != NULL;
	if (lg_str_eq(name, LG_STR("else")))
		return (p->c = lg_est_expr(rd)) != NULL;
	if (lg_str_eq(name, LG_STR("pattern")))
		return (p->pattern = array_of(rd, X_SET, pattern_item)) != NULL;
	if (lg_str_eq(name, LG_STR("attr")) && lg_json_peek(rd->js) == LG_JSON_ARRAY)
		return (p->path = array_of(rd, X_SET, attr_item)) != NULL;
	if (lg_str_eq(name, LG_STR("attr")) || lg_str_eq(name, LG_STR("entity_type"))) {
		p->text = lg_json_str(rd->js);
		return rd->js->fault == NULL;
	}
	p->strange = true;
	lg_json_skip(rd->js);
	return rd->js->fault == NULL;
}

static struct lg_expr *
has_path(struct lg_est_reader *rd, const struct parts *p)
{
	struct lg_expr *on = p->a, *x = NULL;
	struct list l = { 0 };
	bool names = true;

	for (uint32_t i = 0; i < p->path->n; i++) {
		lg_str text = p->path->list[i]->constant->u.s;

		names &= lg_is_name(text);
		x = node(rd, X_HAS);
		x->a = on;
		x->name = name_of(rd, text);
		list_add(rd, &l, LG_STR(""), x);
		on = node(rd, X_GET);
		on->a = x->a;
		on->name = x->name;
	}
	if (l.n == 0)
		return lg_est_bad(rd, "an empty path of attributes");
	if (l.n == 1)
		return x;
	x = listed(rd, X_AND, &l);
	x->has_chain = names;		/* text has such a path of identifiers only; others are told in full */
	return x;
}

static struct lg_expr *
like_of(struct lg_est_reader *rd, const struct parts *p)
{
	struct lg_expr *x = node(rd, X_LIKE);
	struct lg_buf b = LG_BUF(LG_POLICY_JSON_MAX);

	for (uint32_t i = 0; i < p->pattern->n; i++)
		lg_buf_str(&b, p->pattern->list[i]->constant->u.s);
	x->a = p->a;
	x->pattern = lg_dup(rd->cx->arena, lg_buf_view(&b));
	lg_buf_free(&b);
	return x;
}

/* What the members must be for each node: nothing more, nothing less. */
static struct lg_expr *
compose(struct lg_est_reader *rd, lg_str name, const struct parts *p)
{
	static const struct {
		lg_str name;
		enum lg_op op;
		bool a, b, c, text;
	} rows[] = {
		{ LG_STR("!"), X_NOT, true, false, false, false }, { LG_STR("neg"), X_NEG, true, false, false, false },
		{ LG_STR("isEmpty"), X_IS_EMPTY, true, false, false, false }, { LG_STR("."), X_GET, true, false, false, true },
		{ LG_STR("has"), X_HAS, true, false, false, true }, { LG_STR("is"), X_IS, true, false, false, true },
		{ LG_STR("&&"), X_AND, true, true, false, false }, { LG_STR("||"), X_OR, true, true, false, false },
		{ LG_STR("if-then-else"), X_IF, true, true, true, false }
	};
	const struct lg_op_name *binary = lg_op_name_find(name);
	struct lg_expr *x;
	struct list l = { 0 };
	size_t i = 0;

	if (p->strange && !lg_str_eq(name, LG_STR("has")))
		return lg_est_bad(rd, "unknown member of an expression");
	if (binary != NULL && p->a != NULL && p->b != NULL && p->text.p == NULL && p->c == NULL) {
		x = node(rd, binary->op);
		x->a = p->a;
		x->b = p->b;
		return x;
	}
	if (lg_str_eq(name, LG_STR("like")) && p->a != NULL && p->pattern != NULL)
		return like_of(rd, p);
	if (lg_str_eq(name, LG_STR("has")) && p->a != NULL && p->path != NULL)
		return has_path(rd, p);
	while (i < LG_COUNT(rows) && !lg_str_eq(rows[i].name, name))
		i++;
	if (i == LG_COUNT(rows) || rows[i].a != (p->a != NULL) || (rows[i].b != (p->b != NULL) && rows[i].op != X_IS) ||
	    rows[i].c != (p->c != NULL) || rows[i].text != (p->text.p != NULL))
		return lg_est_bad(rd, "unknown expression, or members that do not fit it");
	x = node(rd, rows[i].op);
	if (x->op == X_AND || x->op == X_OR) {
		list_add(rd, &l, LG_STR(""), p->a);
		list_add(rd, &l, LG_STR(""), p->b);
		return listed(rd, x->op, &l);
	}
	x->a = p->a;
	if (x->op == X_GET || x->op == X_HAS) {
		x->name = name_of(rd, p->text);
	} else if (x->op == X_IS) {
		x->type = p->text;
		x->in = p->b;
		return lg_is_path(p->text) ? x : lg_est_bad(rd, "an entity type must be a name");
	} else if (x->op == X_IF) {
		x->b = p->b;
		x->c = p->c;
	}
	return x;
}

static struct lg_expr *
var_of(struct lg_est_reader *rd)
{
	static const char *const vars[] = { "principal", "action", "resource", "context" };
	lg_str name = lg_json_str(rd->js);
	struct lg_expr *x = node(rd, X_VAR);

	for (size_t i = 0; i < LG_COUNT(vars); i++)
		if (lg_str_eq(name, lg_str_of(vars[i]))) {
			x->var = (enum lg_var)i;
			return x;
		}
	return lg_est_bad(rd, "unknown variable");
}

static struct lg_expr *
record_of(struct lg_est_reader *rd)
{
	struct list l = { 0 };
	lg_str name;

	lg_json_object(rd->js);
	while (lg_json_member(rd->js, &name))
		list_add(rd, &l, name, lg_est_expr(rd));
	return listed(rd, X_RECORD, &l);
}

static struct lg_expr *
named_node(struct lg_est_reader *rd, lg_str name)
{
	struct parts p = { 0 };
	lg_str member;

	if (lg_str_eq(name, LG_STR("Value")))
		return value(rd);
	if (lg_str_eq(name, LG_STR("Var")))
		return var_of(rd);
	if (lg_str_eq(name, LG_STR("Slot")))
		return lg_est_bad(rd, "template slots stand in the scope only");
	if (lg_str_eq(name, LG_STR("Set")))
		return array_of(rd, X_SET, lg_est_expr);
	if (lg_str_eq(name, LG_STR("Record")))
		return record_of(rd);
	if (lg_ext_find(name) != NULL)
		return call_of(rd, name, array_of(rd, X_SET, lg_est_expr));
	lg_json_object(rd->js);
	while (lg_json_member(rd->js, &member))
		if (!part(rd, member, &p))
			return NULL;
	return rd->js->fault == NULL ? compose(rd, name, &p) : NULL;
}

struct lg_expr *
lg_est_expr(struct lg_est_reader *rd)
{
	struct lg_expr *x;
	lg_str name;

	if (++rd->nodes > NODES_MAX || ++rd->depth > EXPR_DEPTH)
		return lg_est_bad(rd, "nested too deeply or too large");
	lg_json_object(rd->js);
	if (!lg_json_member(rd->js, &name))
		return lg_est_bad(rd, "an empty expression");
	x = named_node(rd, name);
	if (x != NULL && lg_json_member(rd->js, &name))
		return lg_est_bad(rd, "an expression has one member");
	rd->depth--;
	return rd->js->fault == NULL ? x : NULL;
}
