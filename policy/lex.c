/* lex.c: Cedar tokens.  One token of lookahead is stored, a second is had by copying the state. */
#include "policy/lex.h"

#include "base/text.h"

#define WORD_MIN	2
#define WORD_MAX	9

static const struct {
	lg_str text;
	enum lg_keyword word;
} words[] = {				/* by length */
	{ LG_STR("if"), K_IF }, { LG_STR("in"), K_IN }, { LG_STR("is"), K_IS }, { LG_STR("has"), K_HAS },
	{ LG_STR("true"), K_TRUE }, { LG_STR("then"), K_THEN }, { LG_STR("else"), K_ELSE }, { LG_STR("like"), K_LIKE },
	{ LG_STR("when"), K_WHEN }, { LG_STR("false"), K_FALSE }, { LG_STR("permit"), K_PERMIT },
	{ LG_STR("forbid"), K_FORBID }, { LG_STR("action"), K_ACTION }, { LG_STR("unless"), K_UNLESS },
	{ LG_STR("__cedar"), K_CEDAR }, { LG_STR("context"), K_CONTEXT }, { LG_STR("resource"), K_RESOURCE },
	{ LG_STR("principal"), K_PRINCIPAL }
};
static const unsigned char first_of_length[WORD_MAX + 2] = { 0, 0, 0, 3, 4, 9, 10, 14, 16, 17, LG_COUNT(words) };

static enum lg_keyword
word_of(lg_str s)
{
	if (s.n < WORD_MIN || s.n > WORD_MAX)
		return K_NONE;
	for (size_t i = first_of_length[s.n]; i < first_of_length[s.n + 1]; i++)
		if (words[i].text.p[0] == s.p[0] && memcmp(words[i].text.p, s.p, s.n) == 0)
			return words[i].word;
	return K_NONE;
}

static bool
is_digit(unsigned char c)
{
	return (unsigned)c - '0' < 10;
}

static bool
is_ident(unsigned char c)
{
	return ((unsigned)c | 0x20) - 'a' < 26 || is_digit(c) || c == '_';
}

/* White space beyond ASCII that the reference's lexer skips too (Unicode White_Space). */
static bool
is_wide_blank(uint32_t c)
{
	return c == 0x85 || c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 ||
	    c == 0x202f || c == 0x205f || c == 0x3000;
}

static uint32_t
skip_blanks(lg_str text, uint32_t at)
{
	while (at < text.n) {
		unsigned char c = (unsigned char)text.p[at];

		if (c == ' ' || (c >= '\t' && c <= '\r')) {
			at++;
		} else if (c == '/' && at + 1 < text.n && text.p[at + 1] == '/') {
			while (at < text.n && text.p[at] != '\n' && text.p[at] != '\r')
				at++;
		} else if (c >= 0x80) {
			lg_str rest = { text.p + at, text.n - at };

			if (!is_wide_blank(lg_utf8_next(&rest)))
				break;
			at = (uint32_t)(rest.p - text.p);
		} else {
			break;
		}
	}
	return at;
}

static struct lg_token
string_token(lg_str text, uint32_t at)
{
	const char *from = text.p + at + 1, *end = text.p + text.n, *quote, *escape;

	for (;;) {
		quote = memchr(from, '"', (size_t)(end - from));
		escape = memchr(from, '\\', (size_t)((quote == NULL ? end : quote) - from));
		if (escape == NULL)
			break;
		/* A backslash takes the next character with it; lg_unescape judges them. */
		from = end - escape > 1 ? escape + 2 : end;
	}
	if (quote == NULL)
		return (struct lg_token){ T_BAD, K_NONE, at, (uint32_t)text.n };
	return (struct lg_token){ T_STRING, K_NONE, at, (uint32_t)(quote - text.p) + 1 };
}

static const struct {
	unsigned char alone;			/* enum lg_token_type; T_END: nothing */
	char second;
	unsigned char both;			/* with that one behind it */
} signs[0x80] = {
	['@'] = { T_AT, '\0', T_END }, ['.'] = { T_DOT, '\0', T_END }, [','] = { T_COMMA, '\0', T_END },
	[';'] = { T_SEMICOLON, '\0', T_END }, [':'] = { T_COLON, ':', T_PATH }, ['('] = { T_LPAREN, '\0', T_END },
	[')'] = { T_RPAREN, '\0', T_END }, ['{'] = { T_LBRACE, '\0', T_END }, ['}'] = { T_RBRACE, '\0', T_END },
	['['] = { T_LBRACKET, '\0', T_END }, [']'] = { T_RBRACKET, '\0', T_END }, ['='] = { T_ASSIGN, '=', T_EQ },
	['!'] = { T_NOT, '=', T_NE }, ['<'] = { T_LT, '=', T_LE }, ['>'] = { T_GT, '=', T_GE }, ['|'] = { T_END, '|', T_OR },
	['&'] = { T_END, '&', T_AND }, ['+'] = { T_PLUS, '\0', T_END }, ['-'] = { T_MINUS, '\0', T_END },
	['*'] = { T_STAR, '\0', T_END }, ['/'] = { T_SLASH, '\0', T_END }, ['%'] = { T_PERCENT, '\0', T_END },
	['?'] = { T_QUESTION, '\0', T_END }
};

static struct lg_token
sign_token(lg_str text, uint32_t at)
{
	unsigned char c = (unsigned char)text.p[at];

	if (c < LG_COUNT(signs)) {
		if (signs[c].both != T_END && at + 1 < text.n && text.p[at + 1] == signs[c].second)
			return (struct lg_token){ (enum lg_token_type)signs[c].both, K_NONE, at, at + 2 };
		if (signs[c].alone != T_END)
			return (struct lg_token){ (enum lg_token_type)signs[c].alone, K_NONE, at, at + 1 };
	}
	return (struct lg_token){ T_BAD, K_NONE, at, at + 1 };
}

static struct lg_token
token_at(lg_str text, uint32_t at)
{
	struct lg_token t = { T_END, K_NONE, at, at };
	unsigned char c;

	if (at >= text.n)
		return t;
	c = (unsigned char)text.p[at];
	if (c == '"')
		return string_token(text, at);
	if (is_digit(c)) {
		t.type = T_NUMBER;
		while (t.end < text.n && is_digit((unsigned char)text.p[t.end]))
			t.end++;
		return t;
	}
	/* "?" stands alone in schemas (optional attribute) and starts a slot in policies. */
	if (c == '?' && at + 1 < text.n && is_ident((unsigned char)text.p[at + 1]) &&
	    !is_digit((unsigned char)text.p[at + 1]))
		t.type = T_SLOT;
	else if (is_ident(c))
		t.type = T_IDENT;
	else
		return sign_token(text, at);
	for (t.end++; t.end < text.n && is_ident((unsigned char)text.p[t.end]);)
		t.end++;
	if (t.type == T_IDENT)
		t.word = word_of((lg_str){ text.p + at, t.end - at });
	return t;
}

void
lg_lex_init(struct lg_lex *lx, struct lg_ctx *cx, lg_str source, lg_str text, struct lg_policy_faults *faults)
{
	*lx = (struct lg_lex){ .source = source, .text = text, .cx = cx, .faults = faults };
	if (text.n > LG_POLICY_SOURCE_MAX) {
		lx->text = LG_STR("");
		lg_lex_fault(lx, 0, "source of %zu bytes, at most %u are read", text.n, LG_POLICY_SOURCE_MAX);
	} else if (!lg_utf8_valid(text)) {
		lx->text = LG_STR("");
		lg_lex_fault(lx, 0, "source is not UTF-8");
	}
	lg_lex_next(lx);
}

void
lg_lex_next(struct lg_lex *lx)
{
	lx->tok = token_at(lx->text, skip_blanks(lx->text, lx->at));
	lx->at = lx->tok.end;
}

struct lg_token
lg_lex_peek(const struct lg_lex *lx)
{
	return token_at(lx->text, skip_blanks(lx->text, lx->at));
}

lg_str
lg_lex_text(const struct lg_lex *lx, const struct lg_token *t)
{
	return (lg_str){ lx->text.p + t->at, t->end - t->at };
}

bool
lg_lex_is(const struct lg_lex *lx, const char *word)
{
	return lx->tok.type == T_IDENT && lg_str_eq(lg_lex_text(lx, &lx->tok), lg_str_of(word));
}

bool
lg_lex_accept(struct lg_lex *lx, enum lg_token_type type)
{
	if (lx->tok.type != type)
		return false;
	lg_lex_next(lx);
	return true;
}

/* With room for a sign of two characters. */
static const char *
type_name(enum lg_token_type type, char room[3])
{
	static const char *const names[] = { "end of input", "a token", "an identifier", "a number", "a string",
		"a template slot" };

	if (type < LG_COUNT(names))
		return names[type];
	for (size_t c = 0; c < LG_COUNT(signs); c++)
		if (signs[c].alone == type || signs[c].both == type) {
			room[0] = (char)c;
			room[1] = signs[c].both == type ? signs[c].second : '\0';
			room[2] = '\0';
			return room;
		}
	return "another token";
}

bool
lg_lex_expect(struct lg_lex *lx, enum lg_token_type type)
{
	char room[3];

	if (lg_lex_accept(lx, type))
		return true;
	lg_lex_unexpected(lx, type_name(type, room));
	return false;
}

void
lg_lex_unexpected(struct lg_lex *lx, const char *expected)
{
	lg_str t = lg_str_sub(lg_lex_text(lx, &lx->tok), 0, 40);

	if (lx->tok.type == T_END)
		lg_lex_fault(lx, lx->tok.at, "expected %s, found the end of the text", expected);
	else if (lx->tok.type == T_BAD && t.p[0] == '"')
		lg_lex_fault(lx, lx->tok.at, "this string is not closed");
	else
		lg_lex_fault(lx, lx->tok.at, "expected %s, found `%.*s`", expected, LG_FMT(t));
}

bool
lg_lex_path(struct lg_lex *lx, struct lg_arena *a, lg_str *ret)
{
	uint32_t from = lx->tok.at, end = lx->tok.end;
	lg_str s = LG_NONE;
	bool ok = true, plain = true;

	for (;;) {
		lg_str part = lg_lex_text(lx, &lx->tok);

		if (lx->tok.type != T_IDENT) {
			lg_lex_unexpected(lx, "a name");
			return false;
		}
		if (lg_lex_reserved(lx->tok.word)) {
			lg_lex_fault(lx, lx->tok.at, "`%.*s` is reserved and cannot be part of a name", LG_FMT(part));
			ok = false;
		}
		plain = plain && (size_t)(lx->tok.at - from) == s.n + (s.n == 0 ? 0 : 2);
		s = s.n == 0 ? part : lg_cat(a, lg_cat(a, s, LG_STR("::")), part);
		end = lx->tok.end;
		lg_lex_next(lx);
		if (lx->tok.type != T_PATH || lg_lex_peek(lx).type != T_IDENT)
			break;
		lg_lex_next(lx);
	}
	*ret = plain ? (lg_str){ lx->text.p + from, end - from } : s;
	return ok;
}
