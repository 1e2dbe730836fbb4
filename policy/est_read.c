/*
 * est_read.c: one policy from JSON into a tree, which print.c makes text of and the parser checks like any other.
 * Whatever the printer writes without quotes (types, annotation names) is checked here to be a name.
 */
#include "base/map.h"
#include "policy/est.h"
#include "policy/print.h"

#define EXPR_DEPTH	LG_POLICY_DEPTH
#define NODES_MAX	1000000			/* of one policy */

struct reader {
	struct lg_ctx *cx;
	struct lg_json *js;
	unsigned depth, nodes;
};

static struct lg_expr *
expr(struct reader *rd);

static void *
bad(struct reader *rd, const char *why)
{
	lg_json_fault(rd->js, why);
	return NULL;
}

static struct lg_expr *
node(struct reader *rd, enum lg_op op)
{
	return lg_expr_new(rd->cx->arena, op, 0, 0);
}

static const struct lg_name *
name_of(struct reader *rd, lg_str text)
{
	struct lg_name *n = LG_NEW(rd->cx->arena, struct lg_name);

	*n = lg_name_of(text);
	return n;
}

static struct lg_expr *
literal(struct reader *rd, struct lg_value v)
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
list_add(struct reader *rd, struct list *l, lg_str name, struct lg_expr *x)
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
listed(struct reader *rd, enum lg_op op, const struct list *l)
{
	struct lg_expr *x = node(rd, op);

	x->list = l->v;
	x->names = l->names;
	x->n = l->n;
	return rd->js->fault == NULL ? x : NULL;
}

static struct lg_expr *
array_of(struct reader *rd, enum lg_op op, struct lg_expr *(*item)(struct reader *rd))
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
		if (lg_str_eq(name, LG_STR("__entity")))
			return lg_est_uid(js, ret) && (lg_json_member(js, &name) ? (lg_json_fault(js, "an escape stands alone"), false) :
			    js->fault == NULL);
		if (lg_str_eq(name, LG_STR("type")))
			type = lg_json_str(js);
		else if (lg_str_eq(name, LG_STR("id")))
			id = lg_json_str(js);
		else
			lg_json_fault(js, "an entity has `type` and `id` only");
	}
	if (js->fault == NULL && (!lg_is_path(type) || id.p == NULL))
		lg_json_fault(js, "an entity needs a `type` that is a name, and an `id`");
	*ret = lg_euid_of(type, id);
	return js->fault == NULL;
}

static struct lg_expr *
entity_value(struct reader *rd)
{
	struct lg_euid *uid = LG_NEW(rd->cx->arena, struct lg_euid);

	return lg_est_uid(rd->js, uid) ? literal(rd, lg_value_entity(uid)) : NULL;
}

static struct lg_expr *
value(struct reader *rd);

static struct lg_expr *
call_of(struct reader *rd, lg_str fn, struct lg_expr *args)
{
	const struct lg_ext *ext = lg_ext_find(fn);

	if (args == NULL)
		return NULL;
	if (ext == NULL)
		return bad(rd, "no such extension function");
	if (ext->method && args->n == 0)
		return bad(rd, "a method needs its receiver");
	args->op = X_CALL;
	args->ext = ext;
	return args;
}

/* {"fn": .., "arg": ..} or "args": [..] */
static struct lg_expr *
ext_value(struct reader *rd)
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
			return bad(rd, "an extension value has `fn` and `arg` or `args`");
		}
	}
	return call_of(rd, fn, args);
}

static struct lg_expr *
object_value(struct reader *rd)
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
		return l.n > 0 || lg_json_member(rd->js, &name) ? bad(rd, "an escape stands alone in its object") : x;
	}
	return listed(rd, X_RECORD, &l);
}

static struct lg_expr *
value(struct reader *rd)
{
	struct lg_expr *x = NULL;

	if (++rd->nodes > NODES_MAX || ++rd->depth > EXPR_DEPTH)
		return bad(rd, "nested too deeply or too large");
	switch (lg_json_peek(rd->js)) {
	case LG_JSON_BOOL: x = literal(rd, lg_value_bool(lg_json_bool(rd->js))); break;
	case LG_JSON_NUMBER: x = literal(rd, lg_value_long(lg_json_int(rd->js))); break;
	case LG_JSON_STRING: x = literal(rd, lg_value_string(lg_json_str(rd->js))); break;
	case LG_JSON_ARRAY: x = array_of(rd, X_SET, value); break;
	case LG_JSON_OBJECT: x = object_value(rd); break;
	default: return bad(rd, "null is no value in Cedar");
	}
	rd->depth--;
	return rd->js->fault == NULL ? x : NULL;
}

/* ---- nodes: each reads what stands behind its name ------------------------------------------- */

struct parts {				/* members of {"left": .., "right": ..} and its kin */
	struct lg_expr *a, *b, *c;
	lg_str text;			/* attr, entity_type */
	struct lg_expr *pattern, *path;
};

static struct lg_expr *
attr_item(struct reader *rd)
{
	return literal(rd, lg_value_string(lg_json_str(rd->js)));
}

/* "Wildcard" or {"Literal": ".."}. */
static struct lg_expr *
pattern_item(struct reader *rd)
{
	static const char star[] = { (char)LG_PATTERN_STAR };
	lg_str name, s = LG_NONE;

	if (lg_json_peek(rd->js) == LG_JSON_STRING) {
		if (!lg_str_eq(lg_json_str(rd->js), LG_STR("Wildcard")))
			return bad(rd, "a pattern has \"Wildcard\" and {\"Literal\": ..} only");
		return literal(rd, lg_value_string((lg_str){ star, 1 }));
	}
	lg_json_object(rd->js);
	while (lg_json_member(rd->js, &name)) {
		if (!lg_str_eq(name, LG_STR("Literal")))
			return bad(rd, "a pattern has \"Wildcard\" and {\"Literal\": ..} only");
		s = lg_json_str(rd->js);
	}
	return literal(rd, lg_value_string(s));
}

static bool
part(struct reader *rd, lg_str name, struct parts *p)
{
	if (lg_str_eq(name, LG_STR("left")) || lg_str_eq(name, LG_STR("arg")) || lg_str_eq(name, LG_STR("if")))
		return (p->a = expr(rd)) != NULL;
	if (lg_str_eq(name, LG_STR("right")) || lg_str_eq(name, LG_STR("then")) || lg_str_eq(name, LG_STR("in")))
		return (p->b = expr(rd)) != NULL;
	if (lg_str_eq(name, LG_STR("else")))
		return (p->c = expr(rd)) != NULL;
	if (lg_str_eq(name, LG_STR("pattern")))
		return (p->pattern = array_of(rd, X_SET, pattern_item)) != NULL;
	if (lg_str_eq(name, LG_STR("attr")) && lg_json_peek(rd->js) == LG_JSON_ARRAY)
		return (p->path = array_of(rd, X_SET, attr_item)) != NULL;
	if (lg_str_eq(name, LG_STR("attr")) || lg_str_eq(name, LG_STR("entity_type"))) {
		p->text = lg_json_str(rd->js);
		return rd->js->fault == NULL;
	}
	lg_json_fault(rd->js, "unknown member of an expression");
	return false;
}

static struct lg_expr *
has_path(struct reader *rd, const struct parts *p)
{
	struct lg_expr *on = p->a, *x = NULL;
	struct list l = { 0 };

	for (uint32_t i = 0; i < p->path->n; i++) {
		lg_str text = p->path->list[i]->constant->u.s;

		if (!lg_is_name(text))
			return bad(rd, "a path of attributes has identifiers only");
		x = node(rd, X_HAS);
		x->a = on;
		x->name = name_of(rd, text);
		list_add(rd, &l, LG_STR(""), x);
		on = node(rd, X_GET);
		on->a = x->a;
		on->name = x->name;
	}
	if (l.n == 0)
		return bad(rd, "an empty path of attributes");
	if (l.n == 1)
		return x;
	x = listed(rd, X_AND, &l);
	x->has_chain = true;
	return x;
}

static struct lg_expr *
like_of(struct reader *rd, const struct parts *p)
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
compose(struct reader *rd, lg_str name, const struct parts *p)
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
		return bad(rd, "unknown expression, or members that do not fit it");
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
		return lg_is_path(p->text) ? x : bad(rd, "an entity type must be a name");
	} else if (x->op == X_IF) {
		x->b = p->b;
		x->c = p->c;
	}
	return x;
}

static struct lg_expr *
var_of(struct reader *rd)
{
	static const char *const vars[] = { "principal", "action", "resource", "context" };
	lg_str name = lg_json_str(rd->js);
	struct lg_expr *x = node(rd, X_VAR);

	for (size_t i = 0; i < LG_COUNT(vars); i++)
		if (lg_str_eq(name, lg_str_of(vars[i]))) {
			x->var = (enum lg_var)i;
			return x;
		}
	return bad(rd, "unknown variable");
}

static struct lg_expr *
record_of(struct reader *rd)
{
	struct list l = { 0 };
	lg_str name;

	lg_json_object(rd->js);
	while (lg_json_member(rd->js, &name))
		list_add(rd, &l, name, expr(rd));
	return listed(rd, X_RECORD, &l);
}

static struct lg_expr *
named_node(struct reader *rd, lg_str name)
{
	struct parts p = { 0 };
	lg_str member;

	if (lg_str_eq(name, LG_STR("Value")))
		return value(rd);
	if (lg_str_eq(name, LG_STR("Var")))
		return var_of(rd);
	if (lg_str_eq(name, LG_STR("Slot")))
		return bad(rd, "template slots stand in the scope only");
	if (lg_str_eq(name, LG_STR("Set")))
		return array_of(rd, X_SET, expr);
	if (lg_str_eq(name, LG_STR("Record")))
		return record_of(rd);
	if (lg_ext_find(name) != NULL)
		return call_of(rd, name, array_of(rd, X_SET, expr));
	lg_json_object(rd->js);
	while (lg_json_member(rd->js, &member))
		if (!part(rd, member, &p))
			return NULL;
	return rd->js->fault == NULL ? compose(rd, name, &p) : NULL;
}

static struct lg_expr *
expr(struct reader *rd)
{
	struct lg_expr *x;
	lg_str name;

	if (++rd->nodes > NODES_MAX || ++rd->depth > EXPR_DEPTH)
		return bad(rd, "nested too deeply or too large");
	lg_json_object(rd->js);
	if (!lg_json_member(rd->js, &name))
		return bad(rd, "an empty expression");
	x = named_node(rd, name);
	if (x != NULL && lg_json_member(rd->js, &name))
		return bad(rd, "an expression has one member");
	rd->depth--;
	return rd->js->fault == NULL ? x : NULL;
}

/* ---- policies ------------------------------------------------------------------------------- */

static void
scope_entities(struct reader *rd, struct lg_scope *sc)
{
	if (sc->listed)
		lg_json_array(rd->js);
	while (!sc->listed || lg_json_item(rd->js)) {
		struct lg_euid *uids = LG_NEWS(rd->cx->arena, struct lg_euid, sc->n + 1);

		if (sc->n > 0)
			memcpy(uids, sc->uids, sc->n * sizeof(*uids));
		sc->uids = uids;
		if (!lg_est_uid(rd->js, &uids[sc->n++]) || !sc->listed)
			break;
	}
}

static void
scope_part(struct reader *rd, lg_str name, const char *slot, struct lg_scope *sc, lg_str *op)
{
	lg_str inner;

	if (lg_str_eq(name, LG_STR("op"))) {
		*op = lg_json_str(rd->js);
	} else if (lg_str_eq(name, LG_STR("slot"))) {
		sc->slot = true;
		if (!lg_str_eq(lg_json_str(rd->js), lg_str_of(slot)))
			bad(rd, "a template slot that cannot stand here");
	} else if (lg_str_eq(name, LG_STR("entity_type"))) {
		sc->type = lg_json_str(rd->js);
		if (rd->js->fault == NULL && !lg_is_path(sc->type))
			bad(rd, "an entity type must be a name");
	} else if (lg_str_eq(name, LG_STR("entity")) || lg_str_eq(name, LG_STR("entities"))) {
		sc->listed = lg_str_eq(name, LG_STR("entities"));
		scope_entities(rd, sc);
	} else if (lg_str_eq(name, LG_STR("in"))) {
		lg_json_object(rd->js);
		while (lg_json_member(rd->js, &inner))
			scope_part(rd, inner, slot, sc, op);
		sc->kind = SCOPE_IS_IN;
	} else {
		bad(rd, "unknown member of a scope");
	}
}

static void
scope(struct reader *rd, struct lg_scope *sc, const char *slot)
{
	static const char *const ops[] = { "All", "==", "in", "is" };
	lg_str name, op = LG_NONE;
	size_t i = 0;
	bool entity, type;

	lg_json_object(rd->js);
	while (lg_json_member(rd->js, &name))
		scope_part(rd, name, slot, sc, &op);
	while (i < LG_COUNT(ops) && !lg_str_eq(op, lg_str_of(ops[i])))
		i++;
	if (sc->kind != SCOPE_IS_IN)
		sc->kind = (enum lg_scope_kind)i;
	else if (i != SCOPE_IS)
		i = LG_COUNT(ops);
	entity = sc->kind == SCOPE_EQ || sc->kind == SCOPE_IN || sc->kind == SCOPE_IS_IN;
	type = sc->kind == SCOPE_IS || sc->kind == SCOPE_IS_IN;
	if (rd->js->fault == NULL && (i == LG_COUNT(ops) || entity != (sc->n > 0 || sc->slot || sc->listed) ||
	    type != (sc->type.p != NULL) || (sc->listed && sc->kind != SCOPE_IN)))
		bad(rd, "a scope whose members do not fit its op");
}

static void
conditions(struct reader *rd, struct lg_policy *p)
{
	lg_str name, kind;

	lg_json_array(rd->js);
	while (lg_json_item(rd->js)) {
		struct lg_clause *v = LG_NEWS(rd->cx->arena, struct lg_clause, p->nclauses + 1);

		if (p->nclauses > 0)
			memcpy(v, p->clauses, p->nclauses * sizeof(*v));
		p->clauses = v;
		v += p->nclauses++;
		kind = LG_NONE;
		lg_json_object(rd->js);
		while (lg_json_member(rd->js, &name)) {
			if (lg_str_eq(name, LG_STR("kind")))
				kind = lg_json_str(rd->js);
			else if (lg_str_eq(name, LG_STR("body")))
				v->body = expr(rd);
			else
				bad(rd, "a condition has `kind` and `body` only");
		}
		v->when = lg_str_eq(kind, LG_STR("when"));
		if (rd->js->fault == NULL && (v->body == NULL || (!v->when && !lg_str_eq(kind, LG_STR("unless")))))
			bad(rd, "a condition needs `kind` (when, unless) and `body`");
	}
}

static void
annotations(struct reader *rd, struct lg_policy *p)
{
	struct lg_policy_annotation *v;
	lg_str name;

	lg_json_object(rd->js);
	while (lg_json_member(rd->js, &name)) {
		v = LG_NEWS(rd->cx->arena, struct lg_policy_annotation, p->info.nannotations + 1);
		if (p->info.nannotations > 0)
			memcpy(v, p->info.annotations, p->info.nannotations * sizeof(*v));
		p->info.annotations = v;
		v += p->info.nannotations++;
		v->name = name;
		/* Reserved words may name annotations. */
		if (!lg_is_name(lg_print(rd->cx->arena, "%.*s_", LG_FMT(name))) || (name.n > 0 && name.p[0] >= '0' && name.p[0] <= '9'))
			bad(rd, "an annotation's name must be an identifier");
		if (lg_json_peek(rd->js) == LG_JSON_NULL)
			lg_json_null(rd->js);
		else
			v->value = lg_json_str(rd->js);
	}
}

static lg_err
policy(struct reader *rd, struct lg_policy *p)
{
	lg_str name, effect = LG_NONE;
	unsigned scopes = 0;

	lg_json_object(rd->js);
	while (lg_json_member(rd->js, &name)) {
		scopes += lg_str_eq(name, LG_STR("principal")) || lg_str_eq(name, LG_STR("action")) ||
		    lg_str_eq(name, LG_STR("resource"));
		if (lg_str_eq(name, LG_STR("effect")))
			effect = lg_json_str(rd->js);
		else if (lg_str_eq(name, LG_STR("principal")))
			scope(rd, &p->principal, "?principal");
		else if (lg_str_eq(name, LG_STR("action")))
			scope(rd, &p->action, "");
		else if (lg_str_eq(name, LG_STR("resource")))
			scope(rd, &p->resource, "?resource");
		else if (lg_str_eq(name, LG_STR("conditions")))
			conditions(rd, p);
		else if (lg_str_eq(name, LG_STR("annotations")))
			annotations(rd, p);
		else
			bad(rd, "unknown member of a policy");
	}
	if (rd->js->fault == NULL && scopes != 3)
		bad(rd, "a policy needs principal, action and resource");
	p->info.effect = lg_str_eq(effect, LG_STR("permit")) ? LG_PERMIT : LG_FORBID;
	if (rd->js->fault == NULL && p->info.effect == LG_FORBID && !lg_str_eq(effect, LG_STR("forbid")))
		bad(rd, "an effect is permit or forbid");
	return rd->js->fault == NULL ? LG_OK : lg_json_end(rd->cx, rd->js);
}

lg_err
lg_est_text(struct lg_ctx *cx, struct lg_json *js, lg_str *ret, bool *is_template)
{
	struct reader rd = { .cx = cx, .js = js };
	struct lg_policy *p = LG_NEW(cx->arena, struct lg_policy);
	struct lg_buf out = LG_BUF(LG_POLICY_SOURCE_MAX);
	lg_err e;

	LG_TRY(policy(&rd, p));
	*is_template = p->principal.slot || p->resource.slot;
	lg_policy_print(&out, p);
	e = lg_buf_status(cx, &out);
	if (e == LG_OK)
		*ret = lg_dup(cx->arena, lg_buf_view(&out));
	lg_buf_free(&out);
	return e;
}
