/* filter.c: filters from the wire.  Each term is bound to its attribute and rule here, once. */
#include "directory/filter.h"

struct reader {
	struct lg_ctx *cx;
	size_t terms;
};

static lg_err read_filter(struct reader *rd, struct lg_ber *b, unsigned depth, struct lg_filter **ret);

static lg_err
malformed(struct reader *rd)
{
	return lg_fail(rd->cx, LG_E_INVALID, "malformed filter");
}

/* ---- sets ----------------------------------------------------------------------------------------------------------- */

static lg_err
read_set(struct reader *rd, lg_str content, unsigned depth, struct lg_filter *f)
{
	struct lg_ber b = lg_ber_of(content);

	f->child = LG_NEWS(rd->cx->arena, struct lg_filter *, lg_ber_count(&b));
	while (lg_ber_more(&b))
		LG_TRY(read_filter(rd, &b, depth + 1, &f->child[f->n++]));
	return b.bad ? malformed(rd) : LG_OK;
}

static lg_err
read_not(struct reader *rd, lg_str content, unsigned depth, struct lg_filter *f)
{
	struct lg_ber b = lg_ber_of(content);

	f->child = LG_NEW(rd->cx->arena, struct lg_filter *);
	f->n = 1;
	LG_TRY(read_filter(rd, &b, depth + 1, &f->child[0]));
	return b.bad || lg_ber_more(&b) ? malformed(rd) : LG_OK;
}

/* ---- terms ------------------------------------------------------------------------------------------------------------- */

/* The rule that a term of that kind uses; NULL when the attribute has none. */
static const struct lg_rule *
rule_for(const struct lg_attr *at, enum lg_filter_kind kind)
{
	enum lg_rule_id id = at->equality;

	if (kind == LG_FILTER_GREATER || kind == LG_FILTER_LESS)
		id = at->ordering;
	else if (kind == LG_FILTER_SUBSTRINGS)
		id = at->substrings;
	return id == LG_R_NONE ? NULL : &lg_rules[id];
}

static void
bind_attr(struct lg_filter *f, lg_str description)
{
	f->attr = lg_attr_find(description);
	if (f->attr != NULL)
		f->rule = rule_for(f->attr, f->kind);
	f->undefined = f->attr == NULL || (f->rule == NULL && f->kind != LG_FILTER_PRESENT);
}

static void
bind_value(struct lg_ctx *cx, struct lg_filter *f, lg_str value)
{
	bool class = f->attr != NULL && (f->attr->id == LG_A_OBJECT_CLASS || f->attr->id == LG_A_STRUCTURAL_OBJECT_CLASS);

	f->value = value;
	/* RFC 4517 4.2.26: a name that the schema does not know can be neither equal nor unequal. */
	if (class && lg_class_find(value) == NULL)
		f->undefined = true;
	if (!f->undefined)
		f->undefined = !lg_syntaxes[f->rule->syntax].check(cx->arena, value) || !lg_normal(cx->arena, f->rule->form, value, &f->normal);
}

static lg_err
read_assertion(struct reader *rd, lg_str content, unsigned depth, struct lg_filter *f)
{
	struct lg_ber b = lg_ber_of(content);
	lg_str description = lg_ber_str(&b, LG_BER_OCTETS), value = lg_ber_str(&b, LG_BER_OCTETS);

	(void)depth;
	if (b.bad || lg_ber_more(&b))
		return malformed(rd);
	bind_attr(f, description);
	bind_value(rd->cx, f, value);
	return LG_OK;
}

static lg_err
read_present(struct reader *rd, lg_str content, unsigned depth, struct lg_filter *f)
{
	(void)rd, (void)depth;
	bind_attr(f, content);
	return LG_OK;
}

/* No IA5 string and no telephone number has a piece beyond ASCII. */
static bool
piece_fits(struct lg_arena *a, const struct lg_rule *rule, lg_str piece)
{
	return (rule->syntax != LG_SYN_IA5 && rule->syntax != LG_SYN_TELEPHONE) || lg_syntaxes[LG_SYN_IA5].check(a, piece);
}

/* RFC 4511 4.5.1.7.2: at least one piece; initial only first, final only last. */
static lg_err
read_pieces(struct reader *rd, struct lg_ber *b, struct lg_filter *f)
{
	size_t n = lg_ber_count(b);

	if (n == 0)
		return malformed(rd);
	if (n > LG_FILTER_TERMS - rd->terms)
		return lg_fail(rd->cx, LG_E_LIMIT, "a filter has at most %d terms", LG_FILTER_TERMS);
	rd->terms += n;
	f->piece = LG_NEWS(rd->cx->arena, struct lg_filter_piece, n);
	for (f->n = 0; f->n < n; f->n++) {
		struct lg_filter_piece *p = &f->piece[f->n];
		int tag;
		lg_str value = lg_ber_any(b, &tag);
		if (b->bad || tag < LG_BER_CONTEXT(0) || tag > LG_BER_CONTEXT(2) || value.n == 0 ||
		    (tag == LG_BER_CONTEXT(0) && f->n > 0) || (tag == LG_BER_CONTEXT(2) && f->n + 1 < n))
			return malformed(rd);
		p->where = tag == LG_BER_CONTEXT(0) ? LG_PIECE_INITIAL : tag == LG_BER_CONTEXT(2) ? LG_PIECE_FINAL : LG_PIECE_ANY;
		if (!f->undefined)
			f->undefined = !piece_fits(rd->cx->arena, f->rule, value) ||
			    !lg_normal_piece(rd->cx->arena, f->rule->form, p->where, value, &p->normal);
	}
	return LG_OK;
}

static lg_err
read_substrings(struct reader *rd, lg_str content, unsigned depth, struct lg_filter *f)
{
	struct lg_ber b = lg_ber_of(content), pieces;

	(void)depth;
	bind_attr(f, lg_ber_str(&b, LG_BER_OCTETS));
	pieces = lg_ber_enter(&b, LG_BER_SEQUENCE);
	if (b.bad || lg_ber_more(&b))
		return malformed(rd);
	return read_pieces(rd, &pieces, f);
}

static void
bind_extensible(struct lg_ctx *cx, struct lg_filter *f, lg_str rule, lg_str type, lg_str value)
{
	if (type.n > 0) {
		bind_attr(f, type);
		if (f->attr == NULL)
			return;
		f->undefined = false;
	}
	if (rule.n > 0)
		f->rule = lg_rule_find(rule);
	/* A rule meant for another kind of value compares nothing here; without attribute only equality makes sense. */
	f->undefined = f->rule == NULL || f->rule->kind == LG_RULE_SUBSTRINGS || (f->attr == NULL && f->rule->kind != LG_RULE_EQUALITY) ||
	    (f->rule->kind == LG_RULE_IN_CHAIN && (f->attr->id != LG_A_MEMBER && f->attr->id != LG_A_MEMBER_OF));
	bind_value(cx, f, value);
}

static lg_err
read_extensible(struct reader *rd, lg_str content, unsigned depth, struct lg_filter *f)
{
	struct lg_ber b = lg_ber_of(content);
	lg_str rule = LG_NONE, type = LG_NONE, value;

	(void)depth;
	if (lg_ber_peek(&b) == LG_BER_CONTEXT(1))
		rule = lg_ber_str(&b, LG_BER_CONTEXT(1));
	if (lg_ber_peek(&b) == LG_BER_CONTEXT(2))
		type = lg_ber_str(&b, LG_BER_CONTEXT(2));
	value = lg_ber_str(&b, LG_BER_CONTEXT(3));
	if (lg_ber_peek(&b) == LG_BER_CONTEXT(4))
		f->dn_attributes = lg_ber_bool(&b, LG_BER_CONTEXT(4));
	if (b.bad || lg_ber_more(&b) || (rule.n == 0 && type.n == 0))
		return malformed(rd);
	bind_extensible(rd->cx, f, rule, type, value);
	return LG_OK;
}

/* ---- all of them ----------------------------------------------------------------------------------------------------------- */

static const struct {
	int tag;
	lg_err (*read)(struct reader *, lg_str, unsigned, struct lg_filter *);
} kinds[] = {
	[LG_FILTER_AND] = { LG_BER_CONTEXT_SET(0), read_set },
	[LG_FILTER_OR] = { LG_BER_CONTEXT_SET(1), read_set },
	[LG_FILTER_NOT] = { LG_BER_CONTEXT_SET(2), read_not },
	[LG_FILTER_EQUAL] = { LG_BER_CONTEXT_SET(3), read_assertion },
	[LG_FILTER_SUBSTRINGS] = { LG_BER_CONTEXT_SET(4), read_substrings },
	[LG_FILTER_GREATER] = { LG_BER_CONTEXT_SET(5), read_assertion },
	[LG_FILTER_LESS] = { LG_BER_CONTEXT_SET(6), read_assertion },
	[LG_FILTER_PRESENT] = { LG_BER_CONTEXT(7), read_present },
	[LG_FILTER_APPROX] = { LG_BER_CONTEXT_SET(8), read_assertion },
	[LG_FILTER_EXTENSIBLE] = { LG_BER_CONTEXT_SET(9), read_extensible },
};

static lg_err
read_filter(struct reader *rd, struct lg_ber *b, unsigned depth, struct lg_filter **ret)
{
	struct lg_filter *f;
	unsigned kind;
	int tag;
	lg_str content = lg_ber_any(b, &tag);

	kind = (unsigned)tag & 0x1f;
	if (b->bad || kind >= LG_COUNT(kinds) || kinds[kind].tag != tag)
		return malformed(rd);
	if (depth > LG_FILTER_DEPTH)
		return lg_fail(rd->cx, LG_E_LIMIT, "a filter is at most %d deep", LG_FILTER_DEPTH);
	if (++rd->terms > LG_FILTER_TERMS)
		return lg_fail(rd->cx, LG_E_LIMIT, "a filter has at most %d terms", LG_FILTER_TERMS);
	f = LG_NEW(rd->cx->arena, struct lg_filter);
	f->kind = (enum lg_filter_kind)kind;
	*ret = f;
	return kinds[kind].read(rd, content, depth, f);
}

lg_err
lg_filter_read(struct lg_ctx *cx, struct lg_ber *b, struct lg_filter **ret)
{
	struct reader rd = { cx, 0 };

	return read_filter(&rd, b, 1, ret);
}
