/*
 * census.h: how many certificates are alive, of which profile and for how long; and which of them are about to end although nobody has
 * renewed them.
 *
 * Counted from time to time, over the index by expiry alone, in slices of one snapshot each; what the metrics say is the last count.
 * A row that is pending counts: it may have been signed.
 */
#ifndef LG_CERTS_CENSUS_H
#define LG_CERTS_CENSUS_H

#include "certs/rows.h"

#define LG_CENSUS_SERIES	512		/* pairs of tenant and profile; what comes after them is not told */
#define LG_CENSUS_BOUNDS	8		/* the last one: all */
#define LG_CENSUS_SLICE		5000		/* rows of one snapshot */
#define LG_CENSUS_HELD		100000		/* certificates of one entry that are compared; beyond them they pass for renewed */

struct lg_census_series {
	uint32_t tenant;
	char profile[LG_PROFILE_NAME + 1];
	uint64_t within[LG_CENSUS_BOUNDS];	/* that end within so many days: lg_census_days */
};

struct lg_census_ends {			/* of one tenant */
	uint32_t tenant;
	uint64_t unrenewed;
};

struct lg_census {			/* what was counted last */
	struct lg_census_series series[LG_CENSUS_SERIES];
	size_t nseries;
	struct lg_census_ends ends[LG_TENANTS];
	size_t nends;
};

struct lg_census *lg_census_new(void);	/* for free() */
/* lightgate_certificates_live and lightgate_certificates_unrenewed; c->lock is held. */
void lg_census_put(const struct lg_census *t, struct lg_buf *out);

#endif
