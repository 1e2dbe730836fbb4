/*
 * pending.h: an access that is being made durable: its record in the decision log and, for a permit to create, its ticket.
 * One for each evaluation of a batch; the exchange is answered when the last of them is complete.
 */
#ifndef LG_SERVER_PENDING_H
#define LG_SERVER_PENDING_H

#include "lightgate/store.h"
#include "server/access.h"

struct lg_pending;

/* Lives in the exchange's arena.  finish is called on the loop, once, when everything is complete (also at once, inside seal). */
struct lg_pending *lg_pending_new(struct lg_app *app, struct lg_http *ex, void (*finish)(struct lg_pending *p, void *arg), void *arg);
/* Asks for what belongs to the decision.  ticket: where the ticket's text is put; untouched without one. */
void lg_pending_add(struct lg_pending *p, const struct lg_access *ac, const struct lg_caller *asker, lg_str *ticket);
/* No more additions.  LG_PENDING if something is still under way, else LG_OK and finish has run. */
lg_err lg_pending_seal(struct lg_pending *p);
/* The first failure: then nothing that was permitted may be told. */
lg_err lg_pending_error(const struct lg_pending *p);

#endif
