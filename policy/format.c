/*
 * format.c: policies laid out afresh from their tokens, so that comments stay where they stood.
 * The text has been parsed before: only what is well formed comes here.
 */
#include "policy/lex.h"

#define WIDTH 90			/* columns of a clause on one line */
#define TAB 2

struct format {
	struct lg_lex lx;
	struct lg_buf *out;
	struct lg_token last;		/* the one written before, T_END at first */
	bool after_dot, unary;		/* about the last one */
	bool fresh;			/* at the start of a line */
	unsigned indent;
};

/* ---- lines and comments --------------------------------------------------------------------- */

static void
line_end(struct format *f)
{
	if (!f->fresh)
		lg_buf_byte(f->out, '\n');
	f->fresh = true;
}

static void
write_text(struct format *f, lg_str s)
{
	for (unsigned i = 0; f->fresh && i < f->indent; i++)
		lg_buf_byte(f->out, ' ');
	f->fresh = false;
	lg_buf_str(f->out, s);
}

static bool
is_word(const struct format *f)
{
	enum lg_keyword w = f->last.word;

	return f->last.type == T_IDENT && !f->after_dot && ((w >= K_IF && w <= K_HAS) || w == K_WHEN || w == K_UNLESS);
}

/* Did a value end here, so that `-` is an operator and `[` an index? */
static bool
ends_value(const struct format *f)
{
	switch (f->last.type) {
	case T_IDENT: return !is_word(f);
	case T_NUMBER:
	case T_STRING:
	case T_SLOT:
	case T_RPAREN:
	case T_RBRACKET:
	case T_RBRACE: return true;
	default: return false;
	}
}

/* Comments between the last token and the next; one on the last token's line stays on it.  True if there were any. */
static bool
write_comments(struct format *f, uint32_t from, uint32_t to, bool blank_lines)
{
	lg_str text = f->lx.text;
	unsigned lines = 0;
	bool any = false;

	for (uint32_t at = from; at < to; at++) {
		uint32_t end = at;

		/* A comment ends at a carriage return too, which begins a line unless a newline does. */
		lines += text.p[at] == '\n' || (text.p[at] == '\r' && (at + 1 == text.n || text.p[at + 1] != '\n'));
		if (text.p[at] != '/')
			continue;
		while (end < to && text.p[end] != '\n' && text.p[end] != '\r')
			end++;
		if (lines == 0 && f->last.type != T_END && !f->fresh)
			lg_buf_str(f->out, LG_STR("  "));
		else
			line_end(f);
		if (blank_lines && lines > 1 && f->out->n > 0)
			lg_buf_byte(f->out, '\n');
		write_text(f, lg_str_trim(lg_str_sub(text, at, end - at)));
		line_end(f);
		any = true;
		lines = 0;
		at = end - 1;
	}
	if (blank_lines && lines > 1 && any)
		lg_buf_byte(f->out, '\n');
	return any;
}

/* Ends the line behind the comments that stand before the next token: those on this line stay on it. */
static void
close_line(struct format *f)
{
	(void)write_comments(f, f->last.end, f->lx.tok.at, false);
	f->last.end = f->lx.tok.at;
	line_end(f);
}

static bool
needs_blank(const struct format *f, const struct lg_token *t)
{
	switch (t->type) {
	case T_COMMA:
	case T_SEMICOLON:
	case T_RPAREN:
	case T_RBRACKET:
	case T_RBRACE:
	case T_DOT:
	case T_PATH:
	case T_COLON: return false;
	case T_LPAREN:
		if (f->last.type == T_IDENT && !is_word(f))
			return false;
		break;
	case T_LBRACKET:
		if (ends_value(f))
			return false;
		break;
	default: break;
	}
	switch (f->last.type) {
	case T_LPAREN:
	case T_LBRACKET:
	case T_LBRACE:
	case T_DOT:
	case T_PATH:
	case T_NOT:
	case T_AT: return false;
	case T_MINUS: return !f->unary;
	default: return true;
	}
}

/* The current token, and on to the next. */
static void
write_token(struct format *f)
{
	struct lg_token t = f->lx.tok;
	bool unary = t.type == T_MINUS && !ends_value(f);

	(void)write_comments(f, f->last.end, t.at, false);
	if (!f->fresh && f->last.type != T_END && needs_blank(f, &t))
		lg_buf_byte(f->out, ' ');
	write_text(f, lg_lex_text(&f->lx, &t));
	f->after_dot = f->last.type == T_DOT;
	f->unary = unary;
	f->last = t;
	lg_lex_next(&f->lx);
}

/* ---- clauses -------------------------------------------------------------------------------- */

/* Up to the brace that closes the clause.  `broken`: a line for each operand of the outermost && and ||. */
static void
write_body(struct format *f, bool broken)
{
	unsigned depth = 0, base = f->indent;

	while (depth > 0 || f->lx.tok.type != T_RBRACE) {
		enum lg_token_type type = f->lx.tok.type;

		if (type == T_RPAREN || type == T_RBRACKET || type == T_RBRACE)
			depth--;
		f->indent = base + depth * TAB;
		write_token(f);
		if (type == T_LPAREN || type == T_LBRACKET || type == T_LBRACE)
			depth++;
		if (broken && depth == 0 && (type == T_AND || type == T_OR))
			close_line(f);
	}
	f->indent = base;
}

/* On one line if it fits there. */
static bool
fits(const struct format *f)
{
	struct format probe = *f;
	struct lg_buf line = LG_BUF(LG_POLICY_SOURCE_MAX);
	bool ok;

	probe.out = &line;
	write_body(&probe, false);
	(void)write_comments(&probe, probe.last.end, probe.lx.tok.at, false);
	ok = line.n <= WIDTH && memchr(line.p, '\n', line.n) == NULL;
	lg_buf_free(&line);
	return ok;
}

static void
write_clause(struct format *f)
{
	close_line(f);
	write_token(f);				/* when, unless */
	write_token(f);				/* { */
	f->indent = TAB;
	close_line(f);
	write_body(f, !fits(f));
	close_line(f);
	f->indent = 0;
	write_token(f);				/* } */
}

/* ---- policies ------------------------------------------------------------------------------- */

static void
write_annotation(struct format *f)
{
	write_token(f);				/* @ */
	write_token(f);				/* its name: any word */
	f->after_dot = true;
	if (f->lx.tok.type == T_LPAREN) {
		write_token(f);
		write_token(f);
		write_token(f);
	}
	close_line(f);
}

static void
write_scope(struct format *f)
{
	unsigned depth = 0;

	write_token(f);				/* permit, forbid */
	f->after_dot = true;
	write_token(f);				/* ( */
	f->indent = TAB;
	close_line(f);
	while (depth > 0 || f->lx.tok.type != T_RPAREN) {
		enum lg_token_type type = f->lx.tok.type;

		depth += type == T_LPAREN || type == T_LBRACKET;
		depth -= type == T_RPAREN || type == T_RBRACKET;
		write_token(f);
		if (type == T_COMMA && depth == 0) {
			close_line(f);
		}
	}
	close_line(f);
	f->indent = 0;
	write_token(f);				/* ) */
}

static void
write_policy(struct format *f)
{
	while (f->lx.tok.type == T_AT)
		write_annotation(f);
	write_scope(f);
	while (f->lx.tok.type == T_IDENT)
		write_clause(f);
	write_token(f);				/* ; */
}

/* Behind the line that `from` is on; a lone carriage return ends one as well, for comments end there. */
static uint32_t
next_line(lg_str text, uint32_t from, uint32_t to)
{
	while (from < to && text.p[from] != '\n' && text.p[from] != '\r')
		from++;
	if (from + 1 < to && text.p[from] == '\r' && text.p[from + 1] == '\n')
		from++;
	return from < to ? from + 1 : to;
}

/* What stands before a policy, or at the end: comments in their groups, a blank line between policies. */
static void
write_between(struct format *f, bool first)
{
	uint32_t from = f->last.end, to = f->lx.tok.at;
	uint32_t rest = next_line(f->lx.text, from, to);

	if (!first) {
		(void)write_comments(f, from, rest, false);	/* on the last line of the policy before */
		line_end(f);
		if (f->lx.tok.type != T_END || memchr(f->lx.text.p + rest, '/', to - rest) != NULL)
			lg_buf_byte(f->out, '\n');
	}
	f->last = (struct lg_token){ .type = T_END, .at = from, .end = from };
	/* The blank line is written: what is blank up to the first comment is not a second one. */
	for (; rest < to && !first && f->lx.text.p[rest] != '/'; rest++)
		;
	(void)write_comments(f, first ? from : rest, to, true);
	f->last.end = to;
}

lg_err
lg_policy_format(struct lg_ctx *cx, lg_str name, lg_str text, struct lg_policy_faults *faults, lg_str *ret)
{
	struct lg_policy_source src = { name, text };
	struct lg_buf out = LG_BUF(2 * (size_t)LG_POLICY_SOURCE_MAX);
	struct format f = { .out = &out, .fresh = true };
	struct lg_policies *set = NULL;
	lg_err e;

	LG_TRY(lg_policies_parse(cx, &src, 1, NULL, faults, &set));
	lg_policies_unref(&set);
	lg_lex_init(&f.lx, cx, name, text, faults);
	for (bool first = true; f.lx.tok.type != T_END; first = false) {
		write_between(&f, first);
		write_policy(&f);
	}
	f.lx.tok.at = (uint32_t)text.n;
	write_between(&f, out.n == 0);
	line_end(&f);
	e = lg_buf_status(cx, &out);
	if (e == LG_OK)
		*ret = lg_dup(cx->arena, lg_buf_view(&out));
	lg_buf_free(&out);
	return e;
}
