/*
 * freshness.h: reading what one has written.  Every answer of the API says at which revision of the store it was made
 * (Lightgate-Revision: a number that rises with every change); a request may ask for one that is not older
 * (Lightgate-Min-Revision).  It is waited for, and refused when it does not come.
 */
#ifndef LG_SERVER_FRESHNESS_H
#define LG_SERVER_FRESHNESS_H

#include "lightgate/store.h"
#include "server/app.h"

#define LG_FRESH_WAIT	INT64_C(1000000)	/* microseconds that a request waits for its revision */
#define LG_FRESH_POLL	5000			/* between two looks */

/* Tells the revision: of the view that was read, or (NULL) of all that is committed, after a change. */
void lg_fresh_tell(struct lg_app *app, struct lg_http *ex, const struct lg_view *v);
/*
 * For handlers on a loop: LG_OK when the store is as far as the request asks.  LG_PENDING: `again` will be called on the loop, once,
 * with what this function says then (LG_OK, or LG_E_UNAVAILABLE after LG_FRESH_WAIT), and must complete the exchange.
 * LG_E_INVALID: no number.
 */
typedef void lg_fresh_again(struct lg_app *app, struct lg_http *ex, void *arg, lg_err e);
LG_CHECKED lg_err lg_fresh_await(struct lg_app *app, struct lg_http *ex, lg_fresh_again *again, void *arg);
/* The same for handlers on workers, which wait in it. */
LG_CHECKED lg_err lg_fresh_wait(struct lg_app *app, struct lg_http *ex);

#endif
