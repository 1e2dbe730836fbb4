/* bundle_reading.h: a body on its way to being a bundle, for the files that read its parts. */
#ifndef LG_CLIENT_BUNDLE_READING_H
#define LG_CLIENT_BUNDLE_READING_H

#include "base/json.h"
#include "client/bundle_own.h"

struct lg_bundle_reading {
	struct lg_ctx *cx;		/* its arena is the body's */
	struct lg_bundle_body *b;
	struct lg_map types;		/* each kept once */
	lg_str schema, system, tenant;
	lg_str *chunk;			/* arrays of entities, as they stand */
	size_t nchunks;
	int64_t format;
	lg_err e;			/* the first failure that is not of the syntax */
};

/* Remembers the first failure that is not of the syntax, and ends the reading. */
void lg_bundle_reading_fail(struct lg_bundle_reading *r, struct lg_json *js, lg_err e);
/* bundle_trust.c: the members "trust" and "revoked". */
void lg_bundle_read_trust(struct lg_bundle_reading *r, struct lg_json *js);
void lg_bundle_read_revoked(struct lg_bundle_reading *r, struct lg_json *js);

#endif
