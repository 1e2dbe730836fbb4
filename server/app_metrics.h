/* app_metrics.h: what /metrics says of the store, of decisions and of LDAP. */
#ifndef LG_SERVER_APP_METRICS_H
#define LG_SERVER_APP_METRICS_H

#include "lightgate/directory.h"
#include "server/app.h"

/* An LDAP server's counts as other threads may read them; the loop it belongs to writes them at the end of each turn. */
struct lg_ldap_cells {
	struct lg_turn turn;
	const struct lg_ldap *ldap;
	_Atomic uint64_t n[sizeof(struct lg_ldap_counts) / sizeof(uint64_t)];
};

LG_CHECKED lg_err lg_app_metrics_add(struct lg_ctx *cx, struct lg_app *app);
/* cn=Monitor's: the same cells; self is the app. */
void lg_ldap_figures(void *self, struct lg_figures *ret);
/* On the loop's thread. */
void lg_ldap_cells_begin(struct lg_ldap_cells *c, struct lg_loop *l, const struct lg_ldap *ldap);
void lg_ldap_cells_end(struct lg_ldap_cells *c, struct lg_loop *l);

#endif
