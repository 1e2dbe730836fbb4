/* door_own.h: the inside of a door, for the files that keep it and decide at it. */
#ifndef LG_AGENT_DOOR_OWN_H
#define LG_AGENT_DOOR_OWN_H

#include <pthread.h>

#include "agent/door.h"
#include "agent/journal.h"
#include "agent/records.h"
#include "agent/ticket.h"
#include "agent/upstream.h"

#define LG_DOOR_REPORTED 64		/* strays that are remembered; the next ones are reported at every sweep */
#define LG_DOOR_UNSYNCED 32		/* first starts whose records are not on the disk yet; the next one waits */
#define LG_START	43		/* what lg_token_new makes */

struct lg_prepared {
	char id[LG_CONTAINER_ID + 1];
	char start[LG_START + 1];
	lg_sha256 digest;
};

/* Records of a first start that the disk may not have yet. */
struct lg_unsynced {
	char id[LG_CONTAINER_ID + 1];
	char jti[LG_CONTAINER_ID + 1];
};

struct lg_expected {
	char id[LG_CONTAINER_ID + 1], workload[LG_CONTAINER_ID + 1];
	char ticket[LG_DOOR_TICKET];
};

struct lg_door {
	struct lg_door_settings at;
	struct lg_journal *journal;		/* of what was decided here while the service was away */
	pthread_mutex_t changing;		/* held while the identity on disk is replaced; taken before `lock` */
	pthread_mutex_t lock;			/* over all below */
	struct lg_upstream *up;
	int64_t refreshed;			/* CLOCK_BOOTTIME */
	struct lg_prepared prepared[LG_DOOR_BUNDLES];
	size_t next;
	struct lg_expected *expected;		/* LG_DOOR_EXPECTED of them, when the first has come */
	size_t next_expected;
	int64_t renew_at, renew_due;		/* wall clock, and the same as CLOCK_BOOTTIME: whoever sets the clock back delays nothing */
	struct lg_unsynced unsynced[LG_DOOR_UNSYNCED];
	size_t nunsynced;
	bool admitted;				/* something of which the bundle does not say yet */
	/* Those below are the maintaining thread's alone; CLOCK_BOOTTIME. */
	int64_t renew_not_before;
	int64_t swept, strays_at, say_at, tell_at, say_full_at;
	uint64_t said;				/* version of the whereabouts that the service knows */
	lg_sha256 reported[LG_DOOR_REPORTED];	/* of ids: strays that the service was told of */
	size_t nreported;
};

/* door_upkeep.c */
bool lg_door_may_refresh(struct lg_door *d);			/* a ticket did not verify: may newer keys be asked for? */
LG_CHECKED lg_err lg_door_wrote(struct lg_ctx *cx, struct lg_door *d, lg_str container, lg_str jti);	/* for lg_door_settle */
LG_CHECKED lg_err lg_door_refresh(struct lg_ctx *cx, struct lg_door *d, int64_t time);

/* door_memory.c */
void lg_door_remember(struct lg_door *d, lg_str container, lg_str start, lg_sha256 digest);	/* of the bundle that is prepared for it */
/* Is this, octet for octet, what was prepared last for the container, and for this start? */
bool lg_door_was_prepared(struct lg_door *d, lg_str container, lg_str start, lg_sha256 digest);
/* What lg_door_expect was told last of this container, in cx's arena; untouched where nothing was. */
void lg_door_expected(struct lg_ctx *cx, struct lg_door *d, lg_str container, lg_str *workload, lg_str *ticket);

void lg_door_take_over(struct lg_door *d);	/* of what lg_door_hand_over left */

/* door_local.c: "restart" or "exec" while the service cannot be reached: decided from the bundle.  LG_E_DENIED with the reason. */
LG_CHECKED lg_err lg_door_again_locally(struct lg_ctx *cx, struct lg_door *d, lg_str container, const char *verb, const struct lg_oci *oci);

/*
 * A first start without a ticket, before the runtime does any work: LG_E_DENIED with the reason where the bundle is sure that the service
 * would not let the host itself.  LG_OK is no permit.
 */
LG_CHECKED lg_err lg_door_host_may(struct lg_ctx *cx, struct lg_door *d, lg_str workload, const struct lg_oci *oci);

/* door_strays.c: containers without admissions, and admissions without containers. */
void lg_door_strays(struct lg_ctx *cx, struct lg_door *d);

#endif
