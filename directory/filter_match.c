/* filter_match.c: three-valued evaluation of a filter (RFC 4511 4.5.1.7, X.511 7.8). */
#include "directory/filter.h"

static enum lg_truth
match_not(enum lg_truth t)
{
	return t == LG_UNDEFINED ? LG_UNDEFINED : t == LG_TRUE ? LG_FALSE : LG_TRUE;
}

/* And: False wins over Undefined over True; or: True wins over Undefined over False.  The empty ones are RFC 4526's. */
static enum lg_truth
match_set(const struct lg_filter *f, const struct lg_filter_port *port)
{
	enum lg_truth wins = f->kind == LG_FILTER_AND ? LG_FALSE : LG_TRUE, all = match_not(wins);

	for (size_t i = 0; i < f->n; i++) {
		enum lg_truth t = lg_filter_match(f->child[i], port);
		if (t == wins)
			return wins;
		if (t == LG_UNDEFINED)
			all = LG_UNDEFINED;
	}
	return all;
}

/* ---- comparing one value -------------------------------------------------------------------------------------- */

static bool
is_equal(void *arg, lg_str normal)
{
	const struct lg_filter *f = arg;

	return lg_str_eq(normal, f->normal);
}

static bool
is_greater(void *arg, lg_str normal)
{
	const struct lg_filter *f = arg;

	return lg_str_cmp(normal, f->normal) >= 0;
}

static bool
is_less(void *arg, lg_str normal)
{
	const struct lg_filter *f = arg;

	return lg_str_cmp(normal, f->normal) <= 0;
}

/* An ordering rule in an extensible match means "less than" (RFC 4517 4.2.5). */
static bool
is_before(void *arg, lg_str normal)
{
	const struct lg_filter *f = arg;

	return lg_str_cmp(normal, f->normal) < 0;
}

static bool
has_pieces(void *arg, lg_str normal)
{
	const struct lg_filter *f = arg;

	for (size_t i = 0; i < f->n; i++) {
		lg_str piece = f->piece[i].normal;
		if (f->piece[i].where == LG_PIECE_INITIAL) {
			if (!lg_str_starts(normal, piece))
				return false;
			normal = lg_str_sub(normal, piece.n, normal.n);
		} else if (f->piece[i].where == LG_PIECE_FINAL) {
			if (!lg_str_ends(normal, piece))
				return false;
		} else {
			const char *at = piece.n == 0 ? normal.p : normal.n == 0 ? NULL : memmem(normal.p, normal.n, piece.p, piece.n);
			if (at == NULL)
				return false;
			normal = lg_str_sub(normal, (size_t)(at - normal.p) + piece.n, normal.n);
		}
	}
	return true;
}

/* ---- terms ------------------------------------------------------------------------------------------------------------ */

static enum lg_truth
truth(bool b)
{
	return b ? LG_TRUE : LG_FALSE;
}

static enum lg_truth
match_extensible(const struct lg_filter *f, const struct lg_filter_port *port)
{
	bool (*each)(void *, lg_str) = f->rule->kind == LG_RULE_ORDERING ? is_before : is_equal;
	void *arg = (void *)(uintptr_t)f;
	bool found = false;

	if (f->rule->kind == LG_RULE_IN_CHAIN)
		return truth(port->linked(port->self, f->attr, f->value, true));
	if (f->attr != NULL)
		found = port->any(port->self, f->attr, f->rule->form, each, arg);
	for (size_t i = 0; f->attr == NULL && i < LG_ATTR_IDS && !found; i++) {
		const struct lg_attr *at = lg_attr_of((unsigned)i);
		if (at == NULL)
			continue;
		/* RFC 4511 4.5.1.7.7: every attribute that the rule is for. */
		if (at->equality != LG_R_NONE && lg_attr_form(at) == f->rule->form && port->may(port->self, at))
			found = port->any(port->self, at, f->rule->form, each, arg);
	}
	return truth(found || (f->dn_attributes && port->named(port->self, f->attr, f->rule->form, each, arg)));
}

static enum lg_truth
match_term(const struct lg_filter *f, const struct lg_filter_port *port)
{
	void *arg = (void *)(uintptr_t)f;

	switch (f->kind) {
	case LG_FILTER_PRESENT:
		return truth(port->present(port->self, f->attr));
	case LG_FILTER_EQUAL:
	case LG_FILTER_APPROX:		/* RFC 4511 4.5.1.7.6: like equality where no other notion is known */
		if (f->attr->id == LG_A_MEMBER || f->attr->id == LG_A_MEMBER_OF)
			return truth(port->linked(port->self, f->attr, f->value, false));
		return truth(port->any(port->self, f->attr, f->rule->form, is_equal, arg));
	case LG_FILTER_GREATER:
		return truth(port->any(port->self, f->attr, f->rule->form, is_greater, arg));
	case LG_FILTER_LESS:
		return truth(port->any(port->self, f->attr, f->rule->form, is_less, arg));
	case LG_FILTER_SUBSTRINGS:
		return truth(port->any(port->self, f->attr, f->rule->form, has_pieces, arg));
	default:
		return match_extensible(f, port);
	}
}

enum lg_truth
lg_filter_match(const struct lg_filter *f, const struct lg_filter_port *port)
{
	if (f->kind == LG_FILTER_NOT)
		return match_not(lg_filter_match(f->child[0], port));
	if (f->kind == LG_FILTER_AND || f->kind == LG_FILTER_OR)
		return match_set(f, port);
	if (f->undefined || (f->attr != NULL && !port->may(port->self, f->attr)))
		return LG_UNDEFINED;
	return match_term(f, port);
}
