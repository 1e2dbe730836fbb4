/* routes.h: what the two files of routes share. */
#ifndef LG_CERTS_ROUTES_H
#define LG_CERTS_ROUTES_H

#include "base/json.h"
#include "certs/trust.h"

/* Public, plain HTTP: self is the struct lg_certs. */
lg_err lg_route_crl(void *self, struct lg_http *ex);
lg_err lg_route_ca(void *self, struct lg_http *ex);
lg_err lg_route_bundle(void *self, struct lg_http *ex);
lg_err lg_route_ocsp_post(void *self, struct lg_http *ex);
lg_err lg_route_ocsp_get(void *self, struct lg_http *ex);
/* The API. */
lg_err lg_route_join(void *self, struct lg_http *ex);
lg_err lg_route_rejoin(void *self, struct lg_http *ex);
lg_err lg_route_issue(void *self, struct lg_http *ex);
lg_err lg_route_list(void *self, struct lg_http *ex);
lg_err lg_route_revoke(void *self, struct lg_http *ex);
/* EST. */
lg_err lg_route_est_cacerts(void *self, struct lg_http *ex);
lg_err lg_route_est_csrattrs(void *self, struct lg_http *ex);
lg_err lg_route_est_enroll(void *self, struct lg_http *ex);
lg_err lg_route_est_reenroll(void *self, struct lg_http *ex);

#endif
