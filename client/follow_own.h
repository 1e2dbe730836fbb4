/* follow_own.h: the inside of lg_follow, for fetching (follow.c) and for listening (follow_stream.c). */
#ifndef LG_CLIENT_FOLLOW_OWN_H
#define LG_CLIENT_FOLLOW_OWN_H

#include <stdatomic.h>

#include "client/follow.h"
#include "client/heads.h"
#include "client/heirs.h"

#define LG_FOLLOW_STATE	128		/* octets of what the service calls its state */

struct lg_follow {
	struct lg_follow_settings s;
	pthread_mutex_t fetching;		/* one fetch at a time; taken before `lock` */
	pthread_mutex_t lock;			/* over all below */
	pthread_cond_t wake;
	struct lg_bundle *bundle;
	struct lg_bundle_mark floor;
	bool has_floor;
	char held[LG_FOLLOW_STATE];			/* the service's state that the bundle is of */
	_Atomic int64_t contact, max_stale;	/* read without the lock */
	int64_t noted;				/* the contact on disk */
	int64_t ahead;				/* how far the service's clock is before ours, at least */
	bool has_ahead;
	char trouble[LG_ERROR_TEXT];
	bool disowned;				/* its logs do not go on from what was heard of them: no word of it counts */
	bool stop, running;
	pthread_t thread;
	struct lg_cut cut;
	/* the listening thread's own */
	struct lg_buf audit_keys;		/* JWKS, of this connection; empty: heads are not looked at */
	struct lg_keyset *audit;		/* the same */
	struct lg_heads heads;
	bool told;				/* this connection's first line has come */
};

int64_t lg_follow_clock(const struct lg_follow *f);
/* The service has said at `at` that nothing newer exists. */
void lg_follow_contact(struct lg_ctx *cx, struct lg_follow *f, int64_t at);
void lg_follow_failed(struct lg_ctx *cx, struct lg_follow *f);	/* cx's sentence is why there was no contact */

#endif
