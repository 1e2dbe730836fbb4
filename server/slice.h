/*
 * slice.h: the part of the directory that one host decides with: itself, what runs on it, who asked for that, the workloads that may
 * be at the other end of a connection, whom its tenant's policies name, and whatever all these are in.
 *
 * What is left out is unknown to the host, never absent: it denies, or asks the service.
 */
#ifndef LG_SERVER_SLICE_H
#define LG_SERVER_SLICE_H

#include "lightgate/directory.h"
#include "server/point.h"

#define LG_SLICE_ENTITIES	100000	/* of one host; what is beyond is left out */
#define LG_SLICE_BYTES		(48u << 20)	/* of their rows */
#define LG_SLICE_CHUNK		10000	/* rows in one array */

struct lg_slice {
	uint32_t tenant;
	struct lg_entry host;
	const struct lg_policy_name *named;	/* by the policies in force */
	size_t nnamed;
	bool mail;			/* policies read mail addresses */
	struct lg_buf admissions;	/* out: JSON rows, with commas between */
	size_t nadmissions;
	size_t n;			/* entities written */
	bool whole;			/* nothing was left out for its size */
};

/* Writes "entities":[[row,...],...] in Cedar's form, and fills the rest of *s (admissions: the caller's buffer). */
LG_CHECKED lg_err lg_slice_write(struct lg_ctx *cx, struct lg_view *v, struct lg_slice *s, struct lg_buf *out);

#endif
