/* warnings.h: what is about to end is told in the log in time. */
#ifndef LG_SERVER_WARNINGS_H
#define LG_SERVER_WARNINGS_H

#include "server/app.h"

/* Roots and issuing CAs; once a day. */
void lg_warn_authorities(struct lg_ctx *cx, struct lg_app *app);
/* Certificates that nobody renewed, at most once an hour; and the count behind the metrics.  arg: the lg_app.  A job of its own, because
 * many certificates take their time; `counting` ends with it. */
void lg_warn_certificates(void *arg);

#endif
