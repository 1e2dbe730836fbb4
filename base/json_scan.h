/* json_scan.h: private to the JSON reader: single tokens. */
#ifndef LG_BASE_JSON_SCAN_H
#define LG_BASE_JSON_SCAN_H

#include "base/json.h"

struct lg_json_number {
	bool integer;		/* no fraction, no exponent: then i holds it */
	int64_t i;
	double d;
};

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
