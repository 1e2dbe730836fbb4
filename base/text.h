/* text.h: encodings of bytes as text, UTF-8, and times as text. */
#ifndef LG_BASE_TEXT_H
#define LG_BASE_TEXT_H

#include "lightgate/base.h"

int lg_hex_digit(char c);			/* its value, -1 if it is none */
lg_str lg_hex(struct lg_arena *a, lg_str bytes);		/* lower case */
bool lg_hex_parse(struct lg_arena *a, lg_str text, lg_str *ret);	/* either case, even length */

/* RFC 4648.  Parsers are strict: canonical last bits, no blanks; base64 wants its padding, base64url refuses it. */
lg_str lg_base64(struct lg_arena *a, lg_str bytes);
bool lg_base64_parse(struct lg_arena *a, lg_str text, lg_str *ret);
lg_str lg_base64url(struct lg_arena *a, lg_str bytes);
bool lg_base64url_parse(struct lg_arena *a, lg_str text, lg_str *ret);
/* RFC 4648 6, upper case without padding; the parser takes either case and passes over blanks and '-', as people type. */
lg_str lg_base32(struct lg_arena *a, lg_str bytes);
bool lg_base32_parse(struct lg_arena *a, lg_str text, lg_str *ret);
void lg_buf_base64url(struct lg_buf *b, lg_str bytes);

bool lg_utf8_valid(lg_str s);			/* shortest forms only, no surrogates, up to U+10FFFF */

/* Bytes of the well-formed code point at the front, 0 if there is none (bad byte, or the end). */
size_t lg_utf8_decode(lg_str s, uint32_t *code_point);
/* One code point off the front of valid UTF-8; 0 at the end. */
uint32_t lg_utf8_next(lg_str *s);
size_t lg_utf8_encode(uint32_t code_point, char ret[4]);	/* how many bytes it took */
void lg_buf_utf8(struct lg_buf *b, uint32_t code_point);

/* Letters and digits of ASCII and the characters of `more`, and at least one of them. */
bool lg_str_only(lg_str s, const char *more);
/* application/x-www-form-urlencoded and URI components. */
bool lg_percent_parse(struct lg_arena *a, lg_str text, bool plus_is_blank, lg_str *ret);
void lg_buf_percent(struct lg_buf *b, lg_str s);	/* all but RFC 3986 unreserved */

void lg_buf_html(struct lg_buf *b, lg_str s);	/* & < > " ' escaped: text and quoted attributes */

bool lg_int_parse(lg_str s, int64_t *ret);	/* decimal, optional '-', no leading zeros, no overflow */

/* PEM blocks of one label: "CERTIFICATE".  Parse takes the first block and, when rest is given, what follows it. */
lg_str lg_pem(struct lg_arena *a, lg_str label, lg_str der);
bool lg_pem_parse(struct lg_arena *a, lg_str text, lg_str label, lg_str *der, lg_str *rest);

/* Microseconds since 1970 as "2026-11-22T16:00:00.000000Z" (RFC 3339) and "20261122160000Z" (generalizedTime, RFC 4517). */
#define LG_TIME_TEXT 27
void lg_time_put(int64_t us, char ret[LG_TIME_TEXT + 1]);	/* years 0000 to 9999, clamped */
lg_str lg_time_text(struct lg_arena *a, int64_t us);
bool lg_time_parse(lg_str s, int64_t *ret);		/* RFC 3339, Z or offset */
lg_str lg_time_generalized(struct lg_arena *a, int64_t us);
bool lg_time_generalized_parse(lg_str s, int64_t *ret);
/* The calendar beneath them (UTC); false when a field is out of its range.  Second 60 is a leap second. */
bool lg_time_of(const int ymdhms[6], int64_t *ret);
void lg_time_split(int64_t us, int ymdhms[6]);	/* clamped as above */

#endif
