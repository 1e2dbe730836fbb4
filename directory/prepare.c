/*
 * prepare.c: string preparation for matching (RFC 4518): map, fold, normalise, prohibit, compress blanks.
 *
 * What is not ASCII is folded (RFC 3454 B.2 is Unicode's full case folding) and brought into NFKC by libunistring: a letter with its
 * accent and the two composed from parts are one string.  Both are stable for characters that are assigned, so that normal forms in the
 * indexes stay when the library is updated.
 */
#include <stdlib.h>

#include <unicase.h>
#include <uninorm.h>

#include "base/text.h"
#include "directory/schema.h"

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
	if (fold && c >= 'A' && c <= 'Z')
		c |= 0x20;
	write_utf8(w, c);
	return true;
}

static bool
is_ascii(lg_str v)
{
	for (size_t i = 0; i < v.n; i++)
		if ((unsigned char)v.p[i] >= 0x80)
			return false;
	return true;
}

/* Folded when asked, and in NFKC.  False: bad UTF-8. */
static bool
normalise(struct lg_arena *a, bool fold, lg_str v, lg_str *ret)
{
	const uint8_t *from = (const uint8_t *)v.p;
	uint8_t *p;
	size_t n;

	if (!lg_utf8_valid(v))
		return false;
	p = fold ? u8_casefold(from, v.n, NULL, UNINORM_NFKC, NULL, &n) : u8_normalize(UNINORM_NFKC, from, v.n, NULL, &n);
	if (p == NULL)
		return false;
	*ret = lg_dup(a, (lg_str){ (const char *)p, n });
	free(p);
	return true;
}

bool
lg_prepare(struct lg_arena *a, bool fold, enum lg_piece piece, lg_str v, lg_str *ret)
{
	struct writer w = { .n = 0 };
	bool ascii = is_ascii(v);
	bool keep_head = piece == LG_PIECE_ANY || piece == LG_PIECE_FINAL;
	bool keep_tail = piece == LG_PIECE_ANY || piece == LG_PIECE_INITIAL;

	if (!ascii && !normalise(a, fold, v, &v))
		return false;
	w.p = lg_alloc(a, v.n + 1);		/* one more for a blank that is kept */
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
	/* What stood between parts of one letter and is mapped to nothing has kept them apart. */
	return ascii || normalise(a, false, *ret, ret);
}
