/*
 * prepare.c: string preparation for matching (RFC 4518): map, fold, prohibit, compress blanks.
 *
 * Folding covers the scripts that have case, by ranges, so that normal forms in the indexes do not change with the C
 * library.  Compatibility normalisation (NFKC) is not applied: a letter with its accent and the two composed from
 * parts are different strings here.
 */
#include "base/text.h"
#include "directory/schema.h"

/* Code points from..to (every `step`-th) have their small letter `delta` further on. */
static const struct fold {
	uint32_t from, to;
	int32_t delta;
	uint32_t step;
} folds[] = {
	{ 0x00c0, 0x00d6, 32, 1 }, { 0x00d8, 0x00de, 32, 1 },		/* Latin-1 */
	{ 0x0100, 0x012e, 1, 2 }, { 0x0132, 0x0136, 1, 2 }, { 0x0139, 0x0147, 1, 2 }, { 0x014a, 0x0176, 1, 2 },
	{ 0x0178, 0x0178, -121, 1 }, { 0x0179, 0x017d, 1, 2 },		/* Latin Extended-A */
	{ 0x01cd, 0x01db, 1, 2 }, { 0x01de, 0x01ee, 1, 2 }, { 0x01f8, 0x021e, 1, 2 }, { 0x0222, 0x0232, 1, 2 },
	{ 0x0386, 0x0386, 38, 1 }, { 0x0388, 0x038a, 37, 1 }, { 0x038c, 0x038c, 64, 1 }, { 0x038e, 0x038f, 63, 1 },
	{ 0x0391, 0x03a1, 32, 1 }, { 0x03a3, 0x03ab, 32, 1 },		/* Greek */
	{ 0x03c2, 0x03c2, 1, 1 },					/* final sigma */
	{ 0x0400, 0x040f, 80, 1 }, { 0x0410, 0x042f, 32, 1 }, { 0x0460, 0x0480, 1, 2 }, { 0x048a, 0x04be, 1, 2 },
	{ 0x04c1, 0x04cd, 1, 2 }, { 0x04d0, 0x052e, 1, 2 },		/* Cyrillic */
	{ 0x0531, 0x0556, 48, 1 },					/* Armenian */
	{ 0x1e00, 0x1e94, 1, 2 }, { 0x1ea0, 0x1efe, 1, 2 },		/* Latin Extended Additional */
	{ 0xff21, 0xff3a, 32, 1 },					/* fullwidth */
};

static uint32_t
fold_code_point(uint32_t c)
{
	for (size_t i = 0; i < LG_COUNT(folds) && c >= folds[i].from; i++)
		if (c <= folds[i].to && (c - folds[i].from) % folds[i].step == 0)
			return (uint32_t)((int32_t)c + folds[i].delta);
	return c;
}

/* RFC 4518 2.2 and 2.6.1: what counts as a blank. */
static bool
is_blank(uint32_t c)
{
	return c == ' ' || (c >= 0x09 && c <= 0x0d) || c == 0x85 || c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) ||
	    c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000;
}

/* RFC 4518 2.2: mapped to nothing. */
static bool
is_nothing(uint32_t c)
{
	return c == 0xad || c == 0x1806 || (c >= 0x180b && c <= 0x180e) || c == 0x034f || (c >= 0xfe00 && c <= 0xfe0f) ||
	    c == 0xfffc || c < 0x09 || (c >= 0x0e && c <= 0x1f) || (c >= 0x7f && c <= 0x84) || (c >= 0x86 && c <= 0x9f) ||
	    c == 0x06dd || c == 0x070f || (c >= 0x200b && c <= 0x200f) || (c >= 0x202a && c <= 0x202e) ||
	    (c >= 0x2060 && c <= 0x2063) || (c >= 0x206a && c <= 0x206f) || c == 0xfeff || (c >= 0xfff9 && c <= 0xfffb) ||
	    (c >= 0xe0001 && c <= 0xe007f);
}

/* RFC 4518 2.4: private use, non-characters, the replacement character. */
static bool
is_prohibited(uint32_t c)
{
	return (c >= 0xe000 && c <= 0xf8ff) || c >= 0xf0000 || (c >= 0xfdd0 && c <= 0xfdef) || (c & 0xfffe) == 0xfffe || c == 0xfffd;
}

struct writer {
	char *p;
	size_t n;
	bool blank;		/* one is owed before the next character */
};

static void
write_utf8(struct writer *w, uint32_t c)
{
	if (c < 0x80) {
		w->p[w->n++] = (char)c;
	} else if (c < 0x800) {
		w->p[w->n++] = (char)(0xc0 | c >> 6);
		w->p[w->n++] = (char)(0x80 | (c & 0x3f));
	} else if (c < 0x10000) {
		w->p[w->n++] = (char)(0xe0 | c >> 12);
		w->p[w->n++] = (char)(0x80 | (c >> 6 & 0x3f));
		w->p[w->n++] = (char)(0x80 | (c & 0x3f));
	} else {
		w->p[w->n++] = (char)(0xf0 | c >> 18);
		w->p[w->n++] = (char)(0x80 | (c >> 12 & 0x3f));
		w->p[w->n++] = (char)(0x80 | (c >> 6 & 0x3f));
		w->p[w->n++] = (char)(0x80 | (c & 0x3f));
	}
}

static bool
prepare_one(struct writer *w, uint32_t c, bool fold, bool keep_head)
{
	if (is_prohibited(c))
		return false;
	if (is_blank(c)) {
		w->blank = w->n > 0 || keep_head;
		return true;
	}
	if (is_nothing(c))
		return true;
	if (w->blank)
		w->p[w->n++] = ' ';
	w->blank = false;
	if (fold && c < 0x80)
		c = c >= 'A' && c <= 'Z' ? c | 0x20 : c;
	else if (fold)
		c = fold_code_point(c);
	write_utf8(w, c);
	return true;
}

bool
lg_prepare(struct lg_arena *a, bool fold, enum lg_piece piece, lg_str v, lg_str *ret)
{
	/* Folding never lengthens a character's encoding in the ranges above; one more for a blank that is kept. */
	struct writer w = { lg_alloc(a, v.n + 1), 0, false };
	bool keep_head = piece == LG_PIECE_ANY || piece == LG_PIECE_FINAL;
	bool keep_tail = piece == LG_PIECE_ANY || piece == LG_PIECE_INITIAL;

	while (v.n > 0) {
		unsigned char c = (unsigned char)v.p[0];
		uint32_t code_point = c;
		size_t n = c < 0x80 ? 1 : lg_utf8_decode(v, &code_point);
		if (n == 0 || !prepare_one(&w, code_point, fold, keep_head))
			return false;
		v = lg_str_sub(v, n, v.n - n);
	}
	if (w.blank && keep_tail && (w.n > 0 || keep_head))
		w.p[w.n++] = ' ';
	*ret = (lg_str){ w.p, w.n };
	return true;
}
