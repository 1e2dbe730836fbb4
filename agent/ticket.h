/* ticket.h: a ticket checked on the host, before anybody is asked. */
#ifndef LG_AGENT_TICKET_H
#define LG_AGENT_TICKET_H

#include "agent/identity.h"

#define LG_TICKET_TYP "lg-ticket+jwt"

struct lg_ticket {
	lg_str jti, workload;
	lg_str digest;			/* of the image; empty: any */
	int64_t expires;		/* microseconds */
};

/* Signature by a ticket key, issuer, this host as its only audience, time, and the workload. */
LG_CHECKED lg_err lg_ticket_check(struct lg_ctx *cx, const struct lg_identity *id, const struct lg_keyset *keys, lg_str text,
    lg_str workload, struct lg_ticket *ret);

/*
 * Does it say of itself that its time is over, or which ticket it is that was redeemed here?  Believed without its signature, which costs more
 * than all else of a later start: whoever forges this has a ticket that is good for nothing.
 */
bool lg_ticket_spent(struct lg_ctx *cx, const char *state, lg_str text);

#endif
