/*
 * ber.h: the part of BER that LDAP uses (RFC 4511 5.1): one-octet tags, definite lengths of at most four octets, read in place.
 * A reader remembers the first fault; what is read after it is empty.
 */
#ifndef LG_DIRECTORY_BER_H
#define LG_DIRECTORY_BER_H

#include "lightgate/base.h"

enum lg_ber_tag {
	LG_BER_BOOLEAN = 0x01, LG_BER_INTEGER = 0x02, LG_BER_OCTETS = 0x04, LG_BER_ENUMERATED = 0x0a, LG_BER_SEQUENCE = 0x30, LG_BER_SET = 0x31
};
#define LG_BER_CONTEXT(n)	((int)(0x80u | (unsigned)(n)))
#define LG_BER_CONTEXT_SET(n)	((int)(0xa0u | (unsigned)(n)))	/* constructed */

/* ---- reading ------------------------------------------------------------------------------------------------- */

struct lg_ber {
	const uint8_t *p, *end;
	bool bad;
};

/* How many octets the message at the front of `s` has: 0 not known yet, -1 none of ours (or longer than max). */
int64_t lg_ber_frame(lg_str s, size_t max);

struct lg_ber lg_ber_of(lg_str s);
bool lg_ber_more(const struct lg_ber *b);
int lg_ber_peek(const struct lg_ber *b);			/* the next tag, -1 at the end */
lg_str lg_ber_any(struct lg_ber *b, int *tag);		/* content of the next element */
lg_str lg_ber_str(struct lg_ber *b, int tag);
struct lg_ber lg_ber_enter(struct lg_ber *b, int tag);
int64_t lg_ber_int(struct lg_ber *b, int tag);		/* at most eight octets */
bool lg_ber_bool(struct lg_ber *b, int tag);
size_t lg_ber_count(const struct lg_ber *b);		/* elements that are left; bounded by the bytes there are */

/* ---- writing: lengths are put in when an element is closed ---------------------------------------------------------- */

#define LG_BER_OPEN 8

struct lg_berw {
	struct lg_buf *out;
	size_t open[LG_BER_OPEN];
	unsigned n;
};

struct lg_berw lg_berw_of(struct lg_buf *out);
void lg_berw_open(struct lg_berw *w, int tag);
void lg_berw_close(struct lg_berw *w);
void lg_berw_str(struct lg_berw *w, int tag, lg_str s);
void lg_berw_int(struct lg_berw *w, int tag, int64_t v);
void lg_berw_bool(struct lg_berw *w, int tag, bool v);

#endif
