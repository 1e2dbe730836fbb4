/*
 * records.h: what the agent must not forget when it is killed: which tickets were redeemed, which containers were
 * admitted.  Each record is a file below STATE.  Threads share the folder.
 *
 * The service has made both durable before the agent writes them, and takes no ticket twice, so no container waits for the disk of
 * its host: lg_records_sync follows when it has been let in.  Power that fails in between costs a new ticket for the next start.
 */
#ifndef LG_AGENT_RECORDS_H
#define LG_AGENT_RECORDS_H

#include "lightgate/crypto.h"

#define LG_CONTAINER_ID	128		/* octets of a container's id */
#define LG_RECORDS_MAX	100000		/* files of each kind that a sweep looks at */

/* STATE/redeemed and STATE/admissions are made if need be. */
LG_CHECKED lg_err lg_records_open(struct lg_ctx *cx, const char *state);
/* Makes the state folder.  One that others own or may write to is refused: they would put their own key, or an old record, in it. */
LG_CHECKED lg_err lg_state_open(struct lg_ctx *cx, const char *state);
bool lg_container_id_valid(lg_str id);	/* A-Z a-z 0-9 . _ -, not beginning with '.' */

/* STATE/redeemed/<SHA-256 of the jti>.  LG_E_DENIED when it is there already: of two at once one wins. */
LG_CHECKED lg_err lg_redeemed_put(struct lg_ctx *cx, const char *state, lg_str jti, int64_t expires);
bool lg_redeemed_has(struct lg_ctx *cx, const char *state, lg_str jti);
LG_CHECKED lg_err lg_redeemed_sweep(struct lg_ctx *cx, const char *state);	/* those that expired 5 minutes ago */

struct lg_admitted {
	lg_str container, workload;
	lg_str admission;		/* the service's id of it */
	lg_sha256 sameness;		/* struct lg_oci's */
	int64_t time;
	lg_str home;			/* lg_running_home; empty: not known */
};
/* STATE/admissions/<container>.json; the latest counts.  LG_E_NOT_FOUND without one. */
LG_CHECKED lg_err lg_admitted_put(struct lg_ctx *cx, const char *state, const struct lg_admitted *ad);
LG_CHECKED lg_err lg_admitted_get(struct lg_ctx *cx, const char *state, lg_str container, struct lg_admitted *ret);
/* The ids of all that are admitted, at most LG_RECORDS_MAX. */
LG_CHECKED lg_err lg_admitted_ids(struct lg_ctx *cx, const char *state, lg_str **ret, size_t *n);
LG_CHECKED lg_err lg_admitted_del(struct lg_ctx *cx, const char *state, lg_str container);

/* Both records of a first start reach the disk; jti: empty without a ticket.  One that is gone by now is none to be kept. */
LG_CHECKED lg_err lg_records_sync(struct lg_ctx *cx, const char *state, lg_str container, lg_str jti);

#endif
