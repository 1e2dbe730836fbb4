/* told.h: how far each host's journal of its own decisions is on our record. */
#ifndef LG_SERVER_TOLD_H
#define LG_SERVER_TOLD_H

#include "lightgate/store.h"

#define LG_TOLD_MAX	1024		/* decisions in one call */

extern const struct lg_table lg_told_table;

struct lg_told {
	lg_uuid journal;
	uint64_t taken;			/* number of its newest record that is on ours */
	lg_sha256 hash;			/* of that record's text */
	uint64_t upto;			/* those after `taken` and up to this may be on the decision log, */
	uint64_t from;			/* in its records from this one on; 0: none are */
};

/* Zeroed for a host that never told anything. */
LG_CHECKED lg_err lg_told_get(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_uuid host, struct lg_told *ret);
LG_CHECKED lg_err lg_told_put(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_uuid host, const struct lg_told *t);	/* inside a mutation */

#endif
