/* lex.h: tokens of Cedar policies and schemas, and the faults found in a source. */
#ifndef LG_POLICY_LEX_H
#define LG_POLICY_LEX_H

#include "lightgate/policy.h"

enum lg_token_type {
	T_END, T_BAD, T_IDENT, T_NUMBER, T_STRING, T_SLOT,
	T_AT, T_DOT, T_COMMA, T_SEMICOLON, T_COLON, T_PATH, T_LPAREN, T_RPAREN, T_LBRACE, T_RBRACE, T_LBRACKET,
	T_RBRACKET, T_EQ, T_NE, T_LT, T_LE, T_GE, T_GT, T_OR, T_AND, T_PLUS, T_MINUS, T_STAR, T_SLASH, T_PERCENT,
	T_NOT, T_ASSIGN, T_QUESTION
};

/* What a T_IDENT means where it may mean something. */
enum lg_keyword {
	K_NONE, K_TRUE, K_FALSE, K_IF, K_THEN, K_ELSE, K_IN, K_IS, K_LIKE, K_HAS, K_CEDAR,	/* reserved up to here */
	K_PERMIT, K_FORBID, K_WHEN, K_UNLESS, K_PRINCIPAL, K_ACTION, K_RESOURCE, K_CONTEXT
};

struct lg_token {
	enum lg_token_type type;
	enum lg_keyword word;
	uint32_t at, end;		/* offsets; a string's include its quotes */
};

struct lg_lex {
	lg_str source;			/* name, for faults */
	lg_str text;
	uint32_t at;
	struct lg_token tok;		/* the current one */
	struct lg_ctx *cx;
	struct lg_policy_faults *faults;
	lg_str policy;			/* id for faults, empty outside a policy */
};

/* Checks size and UTF-8 (a fault and T_END on failure) and reads the first token. */
void lg_lex_init(struct lg_lex *lx, struct lg_ctx *cx, lg_str source, lg_str text, struct lg_policy_faults *faults);
void lg_lex_next(struct lg_lex *lx);
struct lg_token lg_lex_peek(const struct lg_lex *lx);		/* the one after the current */
bool lg_lex_accept(struct lg_lex *lx, enum lg_token_type type);	/* consumes it if it is next */
bool lg_lex_expect(struct lg_lex *lx, enum lg_token_type type);	/* the same, with a fault if it is not */
lg_str lg_lex_text(const struct lg_lex *lx, const struct lg_token *t);
bool lg_lex_is(const struct lg_lex *lx, const char *word);	/* current token is this identifier */
static inline bool
lg_lex_reserved(enum lg_keyword w)
{
	return w >= K_TRUE && w <= K_CEDAR;
}

/* `name`, `A::B`: T_IDENT {:: T_IDENT} into one normal form.  False after a fault; reserved words are faults. */
bool lg_lex_path(struct lg_lex *lx, struct lg_arena *a, lg_str *ret);

/* Faults at an offset of the source.  "expected X, found Y" is unexpected. */
void lg_lex_fault(struct lg_lex *lx, uint32_t at, const char *fmt, ...) LG_PRINTF(3, 4);
void lg_lex_unexpected(struct lg_lex *lx, const char *expected);

void lg_fault_add(struct lg_ctx *cx, struct lg_policy_faults *f, struct lg_policy_fault fault);
void lg_fault_place(lg_str text, uint32_t at, unsigned *line, unsigned *column);
/* The same for many places in rising order: goes on from the last one; start with { .line = 1, .column = 1 }. */
struct lg_place {
	uint32_t at;
	unsigned line, column;
};
void lg_place_move(struct lg_place *p, lg_str text, uint32_t at);
/* LG_OK, or LG_E_INVALID with the first error as the sentence. */
LG_CHECKED lg_err lg_fault_status(struct lg_ctx *cx, const struct lg_policy_faults *f);

/* ---- string literals ------------------------------------------------------------------------ */

#define LG_PATTERN_STAR	0xffu		/* never a byte of UTF-8: stands for the wildcard in a compiled pattern */

/* The contents of a literal (between the quotes), unescaped.  In a pattern an unescaped star becomes LG_PATTERN_STAR.
 * NULL or why it is refused; *where is the offset of the fault. */
const char *lg_unescape(struct lg_arena *a, lg_str raw, bool pattern, lg_str *ret, size_t *where);
/* With quotes, so that lg_unescape gives it back. */
void lg_escape(struct lg_buf *out, lg_str s, bool pattern);

#endif
