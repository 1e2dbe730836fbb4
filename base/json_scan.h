/* json_scan.h: private to the JSON reader and writer: single tokens, and eight bytes at a time. */
#ifndef LG_BASE_JSON_SCAN_H
#define LG_BASE_JSON_SCAN_H

#include "base/json.h"

struct lg_json_number {
	bool integer;		/* no fraction, no exponent: then i holds it */
	int64_t i;
	double d;
};

#define LG_EACH_BYTE(c)	(UINT64_C(0x0101010101010101) * (c))

/* The top bit of bytes below `limit`, which is at most 0x80; exact up to the first one found. */
static inline uint64_t
lg_json_bytes_below(uint64_t eight, uint64_t limit)
{
	return (eight - LG_EACH_BYTE(limit)) & ~eight & LG_EACH_BYTE(0x80);
}

/* How many bytes stand before the first whose top bit is set in `stops`; 0 where the byte order does not tell. */
static inline size_t
lg_json_bytes_before(uint64_t stops)
{
	if (stops == 0)
		return 8;
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	return (size_t)__builtin_ctzll(stops) / 8;
#else
	return 0;		/* the caller goes on by single bytes */
#endif
}

/* The top bit of quotes, backslashes and control characters; exact up to the first one. */
static inline uint64_t
lg_json_stops(uint64_t eight)
{
	return lg_json_bytes_below(eight, 0x20) | lg_json_bytes_below(eight ^ LG_EACH_BYTE('"'), 1) |
	    lg_json_bytes_below(eight ^ LG_EACH_BYTE('\\'), 1);
}

/* Skips blanks; the byte that is there, or -1 at the end. */
static inline int
lg_json_byte(struct lg_json *js)
{
	for (; js->at < js->text.n; js->at++) {
		unsigned char c = (unsigned char)js->text.p[js->at];
		if (c > ' ' || (c != ' ' && c != '\n' && c != '\r' && c != '\t'))
			return c;
	}
	return -1;
}

/* All three stand at the token's first byte and fault with LG_NONE, false or a zero. */
lg_str lg_json_scan_string(struct lg_json *js);
struct lg_json_number lg_json_scan_number(struct lg_json *js);
bool lg_json_scan_word(struct lg_json *js, lg_str word);
void lg_json_fault_at(struct lg_json *js, size_t at, const char *why);

#endif
