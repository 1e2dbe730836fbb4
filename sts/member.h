/* member.h: documents whose members stand in a table: texts, numbers and flags are read into a struct and written from it (member.c). */
#ifndef LG_STS_MEMBER_H
#define LG_STS_MEMBER_H

#include "sts/sts.h"

/* RAW: any JSON, kept as its text.  What a document has beyond these, from OTHER on, it reads by itself. */
enum { STS_MEMBER_STR, STS_MEMBER_BOOL, STS_MEMBER_INT, STS_MEMBER_RAW, STS_MEMBER_OTHER };

struct sts_member {
	lg_str name;
	unsigned kinds;			/* of document that have it, as bits */
	int type;
	size_t at, max;			/* where it stands; octets, or the largest number (1 is the smallest) */
};

/* By its name; NULL: there is none. */
const struct sts_member *sts_member_find(const struct sts_member *members, size_t n, lg_str name);
void sts_member_read(struct lg_json *js, const struct sts_member *m, void *to);
void sts_member_write(struct lg_jsonw *w, const struct sts_member *m, const void *from);	/* no text: nothing */

#endif
