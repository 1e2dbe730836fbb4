/*
 * schema_parse.c: schemas in Cedar syntax.  After a fault of syntax parsing goes on behind the next `;`.
 */
#include "policy/schema_decl.h"

#define ATTRS_MAX 4096

struct names {
	struct lg_decl_name v[256];
	uint32_t n;
};

/* ---- small things --------------------------------------------------------------------------- */

static bool
ident(struct lg_decls *d, lg_str *ret)
{
	lg_str text = lg_lex_text(&d->lx, &d->lx.tok);

	if (d->lx.tok.type != T_IDENT) {
		lg_lex_unexpected(&d->lx, "an identifier");
		return false;
	}
	if (lg_lex_reserved(d->lx.tok.word))
		lg_lex_fault(&d->lx, d->lx.tok.at, "`%.*s` is reserved", LG_FMT(text));
	*ret = text;
	lg_lex_next(&d->lx);
	return true;
}

/* `A::B::C` without blanks; `__cedar` may start it. */
static bool
path(struct lg_decls *d, lg_str *ret)
{
	lg_str part;

	if (d->lx.tok.type == T_IDENT && d->lx.tok.word == K_CEDAR) {
		*ret = lg_lex_text(&d->lx, &d->lx.tok);
		lg_lex_next(&d->lx);
	} else if (!ident(d, ret)) {
		return false;
	}
	while (d->lx.tok.type == T_PATH && lg_lex_peek(&d->lx).type == T_IDENT) {
		lg_lex_next(&d->lx);
		if (!ident(d, &part))
			return false;
		*ret = lg_decl_full(d->arena, *ret, part);
	}
	return true;
}

static bool
string(struct lg_decls *d, lg_str *ret)
{
	lg_str raw = lg_lex_text(&d->lx, &d->lx.tok);
	uint32_t at = d->lx.tok.at;
	size_t where = 0;
	const char *why;

	if (!lg_lex_expect(&d->lx, T_STRING))
		return false;
	why = lg_unescape(d->arena, lg_str_sub(raw, 1, raw.n - 2), false, ret, &where);
	if (why != NULL) {
		lg_lex_fault(&d->lx, at + 1 + (uint32_t)where, "%s", why);
		*ret = LG_STR("");
	}
	return true;
}

/* An identifier or a string: attribute and action names. */
static bool
name(struct lg_decls *d, lg_str *ret)
{
	return d->lx.tok.type == T_STRING ? string(d, ret) : ident(d, ret);
}

static bool
accept_word(struct lg_decls *d, const char *word)
{
	if (!lg_lex_is(&d->lx, word))
		return false;
	lg_lex_next(&d->lx);
	return true;
}

static bool
annotations(struct lg_decls *d, struct lg_decl_notes *ret)
{
	while (d->lx.tok.type == T_AT) {
		struct lg_policy_annotation note = { LG_NONE, LG_NONE };
		uint32_t at = d->lx.tok.at;

		lg_lex_next(&d->lx);
		note.name = lg_lex_text(&d->lx, &d->lx.tok);
		if (!lg_lex_expect(&d->lx, T_IDENT))
			return false;
		if (lg_lex_accept(&d->lx, T_LPAREN) && (!string(d, &note.value) || !lg_lex_expect(&d->lx, T_RPAREN)))
			return false;
		lg_decl_add_note(d, ret, note, at);
	}
	return true;
}

/* ---- types ---------------------------------------------------------------------------------- */

static const struct lg_decl_type *
type(struct lg_decls *d, unsigned depth);

static bool
attribute(struct lg_decls *d, unsigned depth, struct lg_decl_attr *ret)
{
	if (!annotations(d, &ret->notes) || !name(d, &ret->name))
		return false;
	ret->optional = lg_lex_accept(&d->lx, T_QUESTION);
	return lg_lex_expect(&d->lx, T_COLON) && (ret->type = type(d, depth)) != NULL;
}

static bool
attribute_list(struct lg_decls *d, unsigned depth, struct lg_decl_type *ret)
{
	struct lg_decl_attr *v = NULL;
	struct lg_map seen;
	uint32_t n = 0, size = 0;

	lg_map_init(&seen, d->lx.cx->arena);
	while (d->lx.tok.type != T_RBRACE) {
		uint32_t at = d->lx.tok.at;
		void **slot;

		if (n == size) {
			struct lg_decl_attr *more =
			    LG_NEWS(d->arena, struct lg_decl_attr, size = size == 0 ? 8 : size * 2);

			if (n > 0)
				memcpy(more, v, n * sizeof(*v));
			v = more;
		}
		if (n == ATTRS_MAX) {
			lg_lex_fault(&d->lx, at, "more than %d attributes", ATTRS_MAX);
			return false;
		}
		if (!attribute(d, depth, &v[n]))
			return false;
		slot = lg_map_at(&seen, v[n].name);
		if (*slot != NULL)
			lg_lex_fault(&d->lx, at, "attribute `%.*s` stands twice", LG_FMT(v[n].name));
		*slot = d;
		n++;
		if (d->lx.tok.type != T_RBRACE && !lg_lex_expect(&d->lx, T_COMMA))
			return false;
	}
	ret->attrs = v;
	ret->n = n;
	return lg_lex_expect(&d->lx, T_RBRACE);
}

static const struct lg_decl_type *
record(struct lg_decls *d, unsigned depth)
{
	struct lg_decl_type *t = LG_NEW(d->arena, struct lg_decl_type);

	t->kind = DECL_RECORD;
	t->at = d->lx.tok.at;
	return lg_lex_expect(&d->lx, T_LBRACE) && attribute_list(d, depth, t) ? t : NULL;
}

static const struct lg_decl_type *
type(struct lg_decls *d, unsigned depth)
{
	struct lg_decl_type *t;

	if (depth > LG_POLICY_DEPTH) {
		lg_lex_fault(&d->lx, d->lx.tok.at, "type nested deeper than %d", LG_POLICY_DEPTH);
		return NULL;
	}
	if (d->lx.tok.type == T_LBRACE)
		return record(d, depth + 1);
	t = LG_NEW(d->arena, struct lg_decl_type);
	t->at = d->lx.tok.at;
	if (lg_lex_is(&d->lx, "Set") && lg_lex_peek(&d->lx).type == T_LT) {
		t->kind = DECL_SET;
		lg_lex_next(&d->lx);
		lg_lex_next(&d->lx);
		t->element = type(d, depth + 1);
		return t->element != NULL && lg_lex_expect(&d->lx, T_GT) ? t : NULL;
	}
	t->kind = DECL_NAME;
	return path(d, &t->name) ? t : NULL;
}

/* ---- entities ------------------------------------------------------------------------------- */

/* One path, or several in brackets. */
static bool
type_names(struct lg_decls *d, struct lg_decl_names *ret)
{
	struct lg_decl_name one = { .at = d->lx.tok.at };

	if (!lg_lex_accept(&d->lx, T_LBRACKET)) {
		if (!path(d, &one.path))
			return false;
		lg_decl_add_name(d, ret, one);
		return true;
	}
	if (lg_lex_accept(&d->lx, T_RBRACKET))
		return true;
	do {			/* no comma behind the last, unlike in records */
		one.at = d->lx.tok.at;
		if (!path(d, &one.path))
			return false;
		lg_decl_add_name(d, ret, one);
	} while (lg_lex_accept(&d->lx, T_COMMA));
	return lg_lex_expect(&d->lx, T_RBRACKET);
}

static bool
comma_names(struct lg_decls *d, struct names *ret, bool (*one)(struct lg_decls *d, lg_str *ret))
{
	do {
		if (ret->n == LG_COUNT(ret->v)) {
			lg_lex_fault(&d->lx, d->lx.tok.at, "more than %zu names in one declaration", LG_COUNT(ret->v));
			return false;
		}
		ret->v[ret->n].at = d->lx.tok.at;
		if (!one(d, &ret->v[ret->n].id))
			return false;
		ret->n++;
	} while (lg_lex_accept(&d->lx, T_COMMA));
	return true;
}

static bool
enum_ids(struct lg_decls *d, struct lg_decl_entity *e)
{
	struct lg_decl_names l = { 0 };
	lg_str *ids;

	e->is_enum = true;
	if (!lg_lex_expect(&d->lx, T_LBRACKET))
		return false;
	do {
		struct lg_decl_name one = { .at = d->lx.tok.at };

		if (!string(d, &one.id))
			return false;
		lg_decl_add_name(d, &l, one);
	} while (lg_lex_accept(&d->lx, T_COMMA));
	ids = LG_NEWS(d->arena, lg_str, l.n);
	for (uint32_t i = 0; i < l.n; i++)
		ids[i] = l.v[i].id;
	e->ids = ids;
	e->nids = l.n;
	return lg_lex_expect(&d->lx, T_RBRACKET);
}

static bool
entity_body(struct lg_decls *d, struct lg_decl_entity *e)
{
	if (accept_word(d, "enum"))
		return enum_ids(d, e);
	if (accept_word(d, "in") && !type_names(d, &e->parents))
		return false;
	if (lg_lex_accept(&d->lx, T_ASSIGN) || d->lx.tok.type == T_LBRACE)
		if ((e->shape = record(d, 1)) == NULL)
			return false;
	if (accept_word(d, "tags") && (e->tags = type(d, 1)) == NULL)
		return false;
	return true;
}

static bool
entity_decl(struct lg_decls *d, lg_str ns, struct lg_decl_notes notes)
{
	struct lg_decl_entity e = { .ns = ns, .notes = notes };
	struct names l = { .n = 0 };

	if (!comma_names(d, &l, ident) || !entity_body(d, &e) || !lg_lex_expect(&d->lx, T_SEMICOLON))
		return false;
	for (uint32_t i = 0; i < l.n; i++) {
		struct lg_decl_entity *one = LG_NEW(d->arena, struct lg_decl_entity);

		*one = e;
		one->name = l.v[i].id;
		one->at = l.v[i].at;
		lg_decl_add_entity(d, one);
	}
	return true;
}

/* ---- actions -------------------------------------------------------------------------------- */

/* `read`, "read", or `NS::Action::"read"`. */
static bool
action_name(struct lg_decls *d, struct lg_decl_names *ret)
{
	struct lg_decl_name one = { .at = d->lx.tok.at };

	if (d->lx.tok.type == T_STRING || lg_lex_peek(&d->lx).type != T_PATH) {
		if (!name(d, &one.id))
			return false;
	} else if (!path(d, &one.path) || !lg_lex_expect(&d->lx, T_PATH) || !string(d, &one.id)) {
		return false;
	}
	lg_decl_add_name(d, ret, one);
	return true;
}

static bool
action_parents(struct lg_decls *d, struct lg_decl_names *ret)
{
	if (!lg_lex_accept(&d->lx, T_LBRACKET))
		return action_name(d, ret);
	do {
		if (!action_name(d, ret))
			return false;
	} while (lg_lex_accept(&d->lx, T_COMMA));
	return lg_lex_expect(&d->lx, T_RBRACKET);
}

static bool
context_decl(struct lg_decls *d, struct lg_decl_action *a)
{
	struct lg_decl_type *t;

	if (d->lx.tok.type == T_LBRACE)
		return (a->context = record(d, 1)) != NULL;
	t = LG_NEW(d->arena, struct lg_decl_type);
	t->kind = DECL_COMMON;
	t->at = d->lx.tok.at;
	a->context = t;
	return path(d, &t->name);
}

static bool
applies_part(struct lg_decls *d, struct lg_decl_action *a)
{
	struct lg_token t = d->lx.tok;
	struct lg_decl_names *l = t.word == K_PRINCIPAL ? &a->principals : &a->resources;

	if (t.type != T_IDENT || (t.word != K_PRINCIPAL && t.word != K_RESOURCE && t.word != K_CONTEXT)) {
		lg_lex_unexpected(&d->lx, "principal, resource or context");
		return false;
	}
	if (t.word == K_CONTEXT ? a->context != NULL : l->n > 0)
		lg_lex_fault(&d->lx, t.at, "`%.*s` stands twice in one appliesTo", LG_FMT(lg_lex_text(&d->lx, &t)));
	lg_lex_next(&d->lx);
	if (!lg_lex_expect(&d->lx, T_COLON))
		return false;
	if (t.word == K_CONTEXT)
		return context_decl(d, a);
	if (!type_names(d, l))
		return false;
	if (l->n == 0)
		lg_lex_fault(&d->lx, t.at, "an empty list of types: leave appliesTo out for a mere group");
	return true;
}

static bool
applies_to(struct lg_decls *d, struct lg_decl_action *a)
{
	uint32_t at = d->lx.tok.at;

	if (!lg_lex_expect(&d->lx, T_LBRACE))
		return false;
	while (d->lx.tok.type != T_RBRACE)
		if (!applies_part(d, a) || (d->lx.tok.type != T_RBRACE && !lg_lex_expect(&d->lx, T_COMMA)))
			return false;
	if (a->principals.n == 0 || a->resources.n == 0)
		lg_lex_fault(&d->lx, at, "appliesTo needs both principal and resource");
	return lg_lex_expect(&d->lx, T_RBRACE);
}

static bool
action_decl(struct lg_decls *d, lg_str ns, struct lg_decl_notes notes)
{
	struct lg_decl_action a = { .ns = ns, .notes = notes };
	struct names l = { .n = 0 };

	if (!comma_names(d, &l, name))
		return false;
	if (accept_word(d, "in") && !action_parents(d, &a.parents))
		return false;
	if (accept_word(d, "appliesTo") && !applies_to(d, &a))
		return false;
	if (accept_word(d, "attributes") && !(lg_lex_expect(&d->lx, T_LBRACE) && lg_lex_expect(&d->lx, T_RBRACE)))
		return false;
	if (!lg_lex_expect(&d->lx, T_SEMICOLON))
		return false;
	for (uint32_t i = 0; i < l.n; i++) {
		struct lg_decl_action *one = LG_NEW(d->arena, struct lg_decl_action);

		*one = a;
		one->id = l.v[i].id;
		one->at = l.v[i].at;
		lg_decl_add_action(d, one);
	}
	return true;
}

/* ---- declarations and namespaces ------------------------------------------------------------ */

static bool
common_decl(struct lg_decls *d, lg_str ns, struct lg_decl_notes notes)
{
	struct lg_decl_common *c = LG_NEW(d->arena, struct lg_decl_common);

	c->ns = ns;
	c->notes = notes;
	c->at = d->lx.tok.at;
	if (!ident(d, &c->name) || !lg_lex_expect(&d->lx, T_ASSIGN) || (c->type = type(d, 1)) == NULL ||
	    !lg_lex_expect(&d->lx, T_SEMICOLON))
		return false;
	lg_decl_add_common(d, c);
	return true;
}

static bool
declaration(struct lg_decls *d, lg_str ns, struct lg_decl_notes notes)
{
	if (accept_word(d, "entity"))
		return entity_decl(d, ns, notes);
	if (accept_word(d, "action"))
		return action_decl(d, ns, notes);
	if (accept_word(d, "type"))
		return common_decl(d, ns, notes);
	lg_lex_unexpected(&d->lx, ns.n == 0 ? "entity, action, type or namespace" : "entity, action, type or `}`");
	return false;
}

/* Behind the `;` that ends the declaration we are lost in; a namespace's end is left standing. */
static void
skip_declaration(struct lg_decls *d)
{
	unsigned open = 0;

	for (; d->lx.tok.type != T_END; lg_lex_next(&d->lx)) {
		if (d->lx.tok.type == T_LBRACE)
			open++;
		else if (d->lx.tok.type == T_RBRACE && open > 0)
			open--;
		else if (d->lx.tok.type == T_RBRACE && lg_lex_peek(&d->lx).type != T_SEMICOLON)
			return;
		else if (d->lx.tok.type == T_SEMICOLON && open == 0) {
			lg_lex_next(&d->lx);
			return;
		}
	}
}

static void
namespace_block(struct lg_decls *d, struct lg_decl_notes notes)
{
	uint32_t at = d->lx.tok.at;
	lg_str ns;

	if (!path(d, &ns) || !lg_lex_expect(&d->lx, T_LBRACE)) {
		skip_declaration(d);
		return;
	}
	lg_decl_add_ns(d, ns, notes, at);
	while (d->lx.tok.type != T_RBRACE && d->lx.tok.type != T_END) {
		struct lg_decl_notes inner = { 0 };

		if (!annotations(d, &inner) || !declaration(d, ns, inner))
			skip_declaration(d);
	}
	(void)lg_lex_expect(&d->lx, T_RBRACE);
}

void
lg_schema_read(struct lg_decls *d)
{
	while (d->lx.tok.type != T_END) {
		struct lg_decl_notes notes = { 0 };
		uint32_t at = d->lx.tok.at;
		bool ok = annotations(d, &notes);

		if (ok && accept_word(d, "namespace"))
			namespace_block(d, notes);
		else if (!ok || !declaration(d, LG_NONE, notes))
			skip_declaration(d);
		if (d->lx.tok.at == at)		/* a stray brace */
			lg_lex_next(&d->lx);
	}
}
