/*
 * confusable.c: warnings about text that looks like other text: direction marks, letters of several scripts in one word,
 * characters in names that cannot be seen or are no letters (cedar, validator/str_checks.rs; UTS 39 5.1, 3.1).
 * The tables name the scripts in wide use; a character of none of them belongs to all.
 */
#include "base/text.h"
#include "policy/check.h"

enum script {
	S_LATIN = 1 << 0, S_GREEK = 1 << 1, S_CYRILLIC = 1 << 2, S_ARMENIAN = 1 << 3, S_HEBREW = 1 << 4, S_ARABIC = 1 << 5,
	S_DEVANAGARI = 1 << 6, S_BENGALI = 1 << 7, S_TAMIL = 1 << 8, S_THAI = 1 << 9, S_GEORGIAN = 1 << 10,
	S_HANGUL = 1 << 11, S_KANA = 1 << 12, S_BOPOMOFO = 1 << 13, S_CHEROKEE = 1 << 14, S_ETHIOPIC = 1 << 15,
	S_HAN = 1 << 16, S_ALL = (1 << 17) - 1
};

/* Han is written together with each of these, and so counts as all of them. */
#define S_WITH_HAN (S_HAN | S_HANGUL | S_KANA | S_BOPOMOFO)

static const struct {
	uint32_t first, last, scripts;
} ranges[] = {
	{ 'A', 'Z', S_LATIN }, { 'a', 'z', S_LATIN }, { 0xaa, 0xaa, S_LATIN }, { 0xba, 0xba, S_LATIN }, { 0xc0, 0xd6, S_LATIN },
	{ 0xd8, 0xf6, S_LATIN }, { 0xf8, 0x2b8, S_LATIN }, { 0x370, 0x3ff, S_GREEK }, { 0x400, 0x52f, S_CYRILLIC },
	{ 0x531, 0x58f, S_ARMENIAN }, { 0x591, 0x5f4, S_HEBREW }, { 0x600, 0x6ff, S_ARABIC }, { 0x750, 0x77f, S_ARABIC },
	{ 0x900, 0x97f, S_DEVANAGARI }, { 0x980, 0x9ff, S_BENGALI }, { 0xb80, 0xbff, S_TAMIL }, { 0xe01, 0xe5b, S_THAI },
	{ 0x10a0, 0x10ff, S_GEORGIAN },
	{ 0x1100, 0x11ff, S_HANGUL }, { 0x1200, 0x139f, S_ETHIOPIC }, { 0x13a0, 0x13ff, S_CHEROKEE },
	{ 0x1c80, 0x1c8f, S_CYRILLIC }, { 0x1e00, 0x1eff, S_LATIN }, { 0x1f00, 0x1fff, S_GREEK }, { 0x2de0, 0x2dff, S_CYRILLIC },
	{ 0x2e80, 0x2fd5, S_WITH_HAN }, { 0x3005, 0x3007, S_WITH_HAN }, { 0x3041, 0x30ff, S_KANA }, { 0x3105, 0x312f, S_BOPOMOFO },
	{ 0x3131, 0x318e, S_HANGUL }, { 0x3400, 0x9fff, S_WITH_HAN }, { 0xa640, 0xa69f, S_CYRILLIC }, { 0xa722, 0xa7ff, S_LATIN },
	{ 0xab30, 0xab64, S_LATIN }, { 0xab70, 0xabbf, S_CHEROKEE }, { 0xac00, 0xd7a3, S_HANGUL }, { 0xf900, 0xfaff, S_WITH_HAN },
	{ 0xfb00, 0xfb06, S_LATIN }, { 0xff21, 0xff3a, S_LATIN }, { 0xff41, 0xff5a, S_LATIN }, { 0x20000, 0x323af, S_WITH_HAN }
};

/* Beyond ASCII and no part of a name: controls, blanks, marks, symbols, private use. */
static const struct {
	uint32_t first, last;
} unfit[] = {
	{ 0, 0x1f }, { 0x7f, 0xa9 }, { 0xab, 0xb6 }, { 0xb8, 0xb9 }, { 0xbb, 0xbf }, { 0xd7, 0xd7 }, { 0xf7, 0xf7 }, { 0x34f, 0x34f },
	{ 0x115f, 0x1160 }, { 0x17b4, 0x17b5 }, { 0x180b, 0x180f }, { 0x2000, 0x2bff }, { 0x2e00, 0x2e7f }, { 0x3000, 0x3004 },
	{ 0x3164, 0x3164 }, { 0xd800, 0xf8ff }, { 0xfe00, 0xfe0f }, { 0xfe10, 0xfe6f }, { 0xfeff, 0xff20 }, { 0xff3b, 0xff40 },
	{ 0xff5b, 0xff65 }, { 0xffa0, 0xffa0 }, { 0xffe0, 0xffff }, { 0x1d000, 0x1dfff }, { 0x1f000, 0x1faff }, { 0xe0000, 0x10ffff }
};

static bool
is_direction(uint32_t c)
{
	return (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

static uint32_t
scripts_of(uint32_t c)
{
	for (size_t i = 0; i < LG_COUNT(ranges); i++)
		if (c >= ranges[i].first && c <= ranges[i].last)
			return ranges[i].scripts;
	return S_ALL;
}

static bool
is_unfit(uint32_t c)
{
	for (size_t i = 0; i < LG_COUNT(unfit); i++)
		if (c >= unfit[i].first && c <= unfit[i].last)
			return true;
	return false;
}

static void
text_check(struct lg_checker *ck, lg_str text, uint32_t at, bool name)
{
	uint32_t scripts = S_ALL, c, bad = 0;
	const char *what = name ? "this name" : "this string";

	for (size_t n; text.n > 0; text = lg_str_sub(text, n, text.n)) {
		n = lg_utf8_decode(text, &c);
		if (n == 0) {			/* a pattern's wildcard */
			n = 1;
			continue;
		}
		if (is_direction(c)) {
			lg_check_warn(ck, at, "%s holds U+%04X, which changes the direction of text", what, c);
			return;
		}
		scripts &= scripts_of(c);
		bad = bad == 0 && name && is_unfit(c) ? c + 1 : bad;
	}
	if (bad != 0)
		lg_check_warn(ck, at, "this name holds U+%04X, which is no letter that can be told from others", bad - 1);
	else if (scripts == 0)
		lg_check_warn(ck, at, "%s mixes letters of several scripts that look alike", what);
}

static bool
node_check(void *self, struct lg_expr *x)
{
	switch (x->op) {
	case X_LIT:
		if (x->constant->kind == LG_V_STRING)
			text_check(self, x->constant->u.s, x->at, false);
		else if (x->constant->kind == LG_V_ENTITY)
			text_check(self, x->constant->u.e.uid->id, x->at, true);
		break;
	case X_LIKE: text_check(self, x->pattern, x->at, false); break;
	case X_HAS:
	case X_GET: text_check(self, x->name->text, x->at, true); break;
	case X_RECORD:
		for (uint32_t i = 0; i < x->n; i++)
			text_check(self, x->names[i]->text, x->at, true);
		break;
	default: break;
	}
	return true;
}

void
lg_check_confusable(struct lg_checker *ck)
{
	const struct lg_policy *p = ck->policy;
	const struct lg_scope *scopes[] = { &p->principal, &p->action, &p->resource };

	for (size_t s = 0; s < LG_COUNT(scopes); s++)
		for (uint32_t i = 0; i < scopes[s]->n; i++)
			text_check(ck, scopes[s]->uids[i].id, scopes[s]->at[i], true);
	for (uint32_t i = 0; i < p->nclauses && p->of == NULL; i++)	/* a link's are its template's */
		lg_expr_walk(p->clauses[i].body, node_check, ck);
}
