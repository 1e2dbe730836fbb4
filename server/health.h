/* health.h: /healthz, /readyz and /metrics: the routes that the process itself answers. */
#ifndef LG_SERVER_HEALTH_H
#define LG_SERVER_HEALTH_H

#include "server/app.h"

extern const struct lg_route lg_health_routes[];
extern const size_t lg_health_nroutes;
LG_CHECKED lg_err lg_health_add(struct lg_ctx *cx, struct lg_app *app);

#endif
