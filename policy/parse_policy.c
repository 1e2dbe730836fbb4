/* parse_policy.c: annotations, effect, scope and clauses of one policy or template. */
#include "policy/ast.h"

#include "base/map.h"

#define ANNOTATIONS_MAX 256
#define CLAUSES_MAX 1024
#define ACTIONS_MAX 4096

/* ---- annotations ---------------------------------------------------------------------------- */

static bool
annotation(struct lg_parser *ps, struct lg_policy_annotation *ret)
{
	lg_lex_next(&ps->lx);			/* @ */
	if (ps->lx.tok.type != T_IDENT) {
		lg_lex_unexpected(&ps->lx, "an annotation's name");
		return false;
	}
	*ret = (struct lg_policy_annotation){ lg_lex_text(&ps->lx, &ps->lx.tok), LG_NONE };
	lg_lex_next(&ps->lx);
	if (!lg_lex_accept(&ps->lx, T_LPAREN))
		return true;
	if (ps->lx.tok.type != T_STRING) {
		lg_lex_unexpected(&ps->lx, "the annotation's value as a string");
		return false;
	}
	(void)lg_parse_string(ps, false, &ret->value);	/* its fault is recorded */
	return lg_lex_expect(&ps->lx, T_RPAREN);
}

static bool
annotations(struct lg_parser *ps, struct lg_policy *p)
{
	struct lg_policy_annotation *v = NULL;
	size_t n = 0, size = 0;

	for (; ps->lx.tok.type == T_AT; n++) {
		uint32_t at = ps->lx.tok.at;

		if (n == ANNOTATIONS_MAX) {
			lg_lex_fault(&ps->lx, at, "more than %d annotations", ANNOTATIONS_MAX);
			return false;
		}
		if (n == size) {
			struct lg_policy_annotation *more =
			    LG_NEWS(ps->arena, struct lg_policy_annotation, size = size * 2 + 2);

			if (n > 0)
				memcpy(more, v, n * sizeof(*v));
			v = more;
		}
		if (!annotation(ps, &v[n]))
			return false;
		for (size_t i = 0; i < n; i++)
			if (lg_str_eq(v[i].name, v[n].name))
				lg_lex_fault(&ps->lx, at, "annotation @%.*s stands twice", LG_FMT(v[n].name));
	}
	p->info.annotations = v;
	p->info.nannotations = n;
	return true;
}

/* ---- scope ---------------------------------------------------------------------------------- */

static bool
scope_slot(struct lg_parser *ps, struct lg_scope *sc, const char *variable)
{
	lg_str slot = lg_lex_text(&ps->lx, &ps->lx.tok);

	if (!lg_str_eq(lg_str_sub(slot, 1, slot.n), lg_str_of(variable)) || strcmp(variable, "action") == 0)
		lg_lex_fault(&ps->lx, ps->lx.tok.at, "`%.*s` cannot stand for %s", LG_FMT(slot), variable);
	lg_lex_next(&ps->lx);
	sc->slot = true;
	return true;
}

static bool
scope_uid(struct lg_parser *ps, struct lg_euid *uids, uint32_t *at)
{
	*at = ps->lx.tok.at;
	if (ps->lx.tok.type != T_IDENT) {
		lg_lex_unexpected(&ps->lx, "an entity like User::\"alice\"");
		return false;
	}
	return lg_parse_uid(ps, uids);
}

/* The entity behind `==` or `in`, in parentheses if somebody likes them. */
static bool
scope_entity(struct lg_parser *ps, struct lg_scope *sc, const char *variable)
{
	unsigned parens = 0;
	bool ok;

	while (lg_lex_accept(&ps->lx, T_LPAREN))
		parens++;
	if (ps->lx.tok.type == T_SLOT) {
		ok = scope_slot(ps, sc, variable);
	} else {
		sc->n = 1;
		sc->uids = LG_NEW(ps->arena, struct lg_euid);
		sc->at = LG_NEW(ps->arena, uint32_t);
		ok = scope_uid(ps, sc->uids, sc->at);
	}
	for (; ok && parens > 0; parens--)
		ok = lg_lex_expect(&ps->lx, T_RPAREN);
	return ok;
}

static bool
scope_constraint(struct lg_parser *ps, struct lg_scope *sc, const char *variable)
{
	bool is = false;

	if (ps->lx.tok.type == T_COLON) {
		lg_lex_fault(&ps->lx, ps->lx.tok.at, "type constraints with `:` are not supported; use `is`");
		return false;
	}
	if (ps->lx.tok.type == T_IDENT && ps->lx.tok.word == K_IS) {
		lg_lex_next(&ps->lx);
		is = true;
		sc->kind = SCOPE_IS;
		sc->type_at = ps->lx.tok.at;
		if (!lg_lex_path(&ps->lx, ps->arena, &sc->type))
			return false;
	}
	if (ps->lx.tok.type == T_IDENT && ps->lx.tok.word == K_IN) {
		lg_lex_next(&ps->lx);
		sc->kind = is ? SCOPE_IS_IN : SCOPE_IN;
		return scope_entity(ps, sc, variable);
	}
	if (ps->lx.tok.type == T_EQ) {
		if (is)
			lg_lex_fault(&ps->lx, ps->lx.tok.at, "`is` and `==` do not go together; try `is .. in`");
		lg_lex_next(&ps->lx);
		sc->kind = SCOPE_EQ;
		return scope_entity(ps, sc, variable);
	}
	return true;
}

static bool
action_list(struct lg_parser *ps, struct lg_scope *sc)
{
	uint32_t size = 0;

	sc->listed = true;
	lg_lex_next(&ps->lx);
	while (ps->lx.tok.type != T_RBRACKET) {
		if (sc->n == ACTIONS_MAX) {
			lg_lex_fault(&ps->lx, ps->lx.tok.at, "more than %d actions", ACTIONS_MAX);
			return false;
		}
		if (sc->n == size) {
			struct lg_euid *uids = LG_NEWS(ps->arena, struct lg_euid, size = size == 0 ? 4 : size * 2);
			uint32_t *at = LG_NEWS(ps->arena, uint32_t, size);

			if (sc->n > 0) {
				memcpy(uids, sc->uids, sc->n * sizeof(*uids));
				memcpy(at, sc->at, sc->n * sizeof(*at));
			}
			sc->uids = uids;
			sc->at = at;
		}
		if (!scope_uid(ps, &sc->uids[sc->n], &sc->at[sc->n]))
			return false;
		sc->n++;
		if (ps->lx.tok.type != T_RBRACKET && !lg_lex_expect(&ps->lx, T_COMMA))
			return false;
	}
	lg_lex_next(&ps->lx);
	return true;
}

static bool
action_constraint(struct lg_parser *ps, struct lg_scope *sc)
{
	struct lg_token t = ps->lx.tok;

	if (t.type == T_IDENT && t.word == K_IS) {
		lg_lex_fault(&ps->lx, t.at, "`is` cannot stand in the action's scope");
		return false;
	}
	if (t.type == T_IDENT && t.word == K_IN && lg_lex_peek(&ps->lx).type == T_LBRACKET) {
		lg_lex_next(&ps->lx);
		sc->kind = SCOPE_IN;
		if (!action_list(ps, sc))
			return false;
	} else if (!scope_constraint(ps, sc, "action")) {
		return false;
	}
	for (uint32_t i = 0; i < sc->n; i++)
		if (!lg_type_is_action(sc->uids[i].type))
			lg_lex_fault(&ps->lx, sc->at[i], "`%.*s` is no action: its type must be Action",
			    LG_FMT(lg_euid_text(ps->lx.cx->arena, &sc->uids[i])));
	return true;
}

static bool
scope(struct lg_parser *ps, struct lg_policy *p)
{
	static const struct {
		const char *name;
		enum lg_keyword word;
	} vars[] = { { "principal", K_PRINCIPAL }, { "action", K_ACTION }, { "resource", K_RESOURCE } };

	if (!lg_lex_expect(&ps->lx, T_LPAREN))
		return false;
	for (size_t i = 0; i < LG_COUNT(vars); i++) {
		if (ps->lx.tok.type != T_IDENT || ps->lx.tok.word != vars[i].word) {
			lg_lex_fault(&ps->lx, ps->lx.tok.at,
			    "the scope names principal, action and resource in this order; %s is missing here",
			    vars[i].name);
			return false;
		}
		lg_lex_next(&ps->lx);
		if (i == 1 ? !action_constraint(ps, &p->action) :
		    !scope_constraint(ps, i == 0 ? &p->principal : &p->resource, vars[i].name))
			return false;
		if (!(i == 2 && ps->lx.tok.type == T_RPAREN) && !lg_lex_expect(&ps->lx, T_COMMA))
			return false;
	}
	return lg_lex_expect(&ps->lx, T_RPAREN);
}

/* ---- clauses -------------------------------------------------------------------------------- */

/* Behind the brace that closes the clause whose inside we are lost in; false at the end of the policy. */
static bool
skip_clause(struct lg_parser *ps)
{
	unsigned open = 0;

	for (; ps->lx.tok.type != T_END && ps->lx.tok.type != T_SEMICOLON; lg_lex_next(&ps->lx)) {
		if (ps->lx.tok.type == T_LBRACE) {
			open++;
		} else if (ps->lx.tok.type == T_RBRACE && open-- == 0) {
			lg_lex_next(&ps->lx);
			return true;
		}
	}
	return false;
}

static bool
clause(struct lg_parser *ps, struct lg_clause *ret)
{
	ret->at = ps->lx.tok.at;
	ret->when = ps->lx.tok.word == K_WHEN;
	lg_lex_next(&ps->lx);
	if (!lg_lex_expect(&ps->lx, T_LBRACE))
		return false;
	if (ps->lx.tok.type == T_RBRACE) {
		lg_lex_fault(&ps->lx, ret->at, "an empty clause");
		lg_lex_next(&ps->lx);
		return true;
	}
	ps->depth = 0;
	ret->body = lg_parse_expr(ps);
	if (ret->body == NULL)
		return skip_clause(ps);
	if (lg_lex_accept(&ps->lx, T_RBRACE))
		return true;
	lg_lex_unexpected(&ps->lx, "an operator or `}`");
	return skip_clause(ps);
}

static bool
clauses(struct lg_parser *ps, struct lg_policy *p)
{
	uint32_t size = 0;

	while (ps->lx.tok.type == T_IDENT) {
		if (ps->lx.tok.word != K_WHEN && ps->lx.tok.word != K_UNLESS) {
			lg_lex_unexpected(&ps->lx, "`when`, `unless` or `;`");
			return false;
		}
		if (p->nclauses == CLAUSES_MAX) {
			lg_lex_fault(&ps->lx, ps->lx.tok.at, "more than %d clauses", CLAUSES_MAX);
			return false;
		}
		if (p->nclauses == size) {
			struct lg_clause *v = LG_NEWS(ps->arena, struct lg_clause, size = size == 0 ? 2 : size * 2);

			if (p->nclauses > 0)
				memcpy(v, p->clauses, p->nclauses * sizeof(*v));
			p->clauses = v;
		}
		if (!clause(ps, &p->clauses[p->nclauses]))
			return false;
		p->nclauses++;
	}
	return true;
}

static bool
effect(struct lg_parser *ps, struct lg_policy *p)
{
	if (ps->lx.tok.type != T_IDENT || (ps->lx.tok.word != K_PERMIT && ps->lx.tok.word != K_FORBID)) {
		lg_lex_unexpected(&ps->lx, "`permit` or `forbid`");
		return false;
	}
	p->info.effect = ps->lx.tok.word == K_PERMIT ? LG_PERMIT : LG_FORBID;
	lg_lex_next(&ps->lx);
	return true;
}

struct lg_policy *
lg_parse_policy(struct lg_parser *ps)
{
	struct lg_policy *p = LG_NEW(ps->arena, struct lg_policy);
	bool ok;

	p->at = ps->lx.tok.at;
	ok = annotations(ps, p) && effect(ps, p) && scope(ps, p) && clauses(ps, p);
	if (ok && ps->lx.tok.type != T_SEMICOLON) {
		lg_lex_unexpected(&ps->lx, "`when`, `unless` or `;`");
		ok = false;
	}
	while (ps->lx.tok.type != T_SEMICOLON && ps->lx.tok.type != T_END)
		lg_lex_next(&ps->lx);
	p->end = ps->lx.tok.end;
	(void)lg_lex_accept(&ps->lx, T_SEMICOLON);
	p->info.text = (lg_str){ ps->lx.text.p + p->at, p->end - p->at };
	p->info.is_template = p->principal.slot || p->resource.slot;
	return ok ? p : NULL;
}
