/*
 * clock_guard.h: the signing port with a condition in front: while the clock is not believed (lg_store_clock), no token, ticket
 * or certificate is signed.  CRLs and OCSP answers go on, since what was revoked stays revoked; so do the service's own
 * certificates, without which nobody could connect to ask what is wrong.
 */
#ifndef LG_SERVER_CLOCK_GUARD_H
#define LG_SERVER_CLOCK_GUARD_H

#include "lightgate/keeper.h"
#include "lightgate/store.h"

struct lg_clock_guard {
	struct lg_signer inner;
	enum lg_clock_state (*state)(struct lg_store *st);	/* lg_store_clock; another one in tests */
	struct lg_store *store;
};

/* Puts the guard in front of *signer, which is changed.  The guard must outlive it. */
void lg_clock_guard(struct lg_clock_guard *g, struct lg_store *st, struct lg_signer *signer);
/* May the actor's certificate be signed now?  LG_E_UNAVAILABLE; the service's own always may. */
LG_CHECKED lg_err lg_clock_believed(struct lg_clock_guard *g, struct lg_ctx *cx);
/* What to tell the operator; empty while all is well. */
lg_str lg_clock_complaint(enum lg_clock_state state);

#endif
