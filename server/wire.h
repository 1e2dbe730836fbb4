/* wire.h: the one place where the components meet: each port is filled from what the others offer. */
#ifndef LG_SERVER_WIRE_H
#define LG_SERVER_WIRE_H

#include "lightgate/certs.h"
#include "lightgate/directory.h"
#include "lightgate/sts.h"
#include "server/app.h"
#include "server/app_metrics.h"

/* The ports as the components keep them; lives as long as the app. */
struct lg_wiring {
	struct lg_decider decider;
	struct lg_directory_ports directory;
	struct lg_ldap *ldap[LG_LOOPS];	/* of each loop */
	struct lg_ldap_cells cells[LG_LOOPS];
	int64_t started, since;		/* lg_wall, lg_boottime */
};

LG_CHECKED lg_err lg_wire_directory(struct lg_ctx *cx, struct lg_app *app, struct lg_wiring *w);
LG_CHECKED lg_err lg_wire_certs(struct lg_ctx *cx, struct lg_app *app, struct lg_wiring *w);
LG_CHECKED lg_err lg_wire_sts(struct lg_ctx *cx, struct lg_app *app, struct lg_wiring *w);
void lg_wire_http(struct lg_app *app);
LG_CHECKED lg_err lg_wire_ldap(struct lg_ctx *cx, struct lg_app *app, struct lg_wiring *w);
void lg_unwire_ldap(struct lg_app *app, struct lg_wiring *w);	/* waits for the loops, which still turn */
/* Is the client's certificate one of ours?  For handshakes; self is the app. */
lg_err lg_wire_verify(void *self, struct lg_ctx *cx, const lg_str *chain, size_t n);

#endif
