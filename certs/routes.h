/* routes.h: what the two files of routes share. */
#ifndef LG_CERTS_ROUTES_H
#define LG_CERTS_ROUTES_H

#include "base/json.h"
#include "certs/trust.h"

/* ---- routes_common.c ---- */

/* Flat objects of strings. */
struct lg_routes_field {
	const char *name;
	lg_str *value;
	bool optional;
};
LG_CHECKED lg_err lg_routes_body(struct lg_http *ex, const struct lg_routes_field *fields, size_t n);
/* The same with "life_seconds": how long what is asked for shall live; *life stays where it is not said. */
LG_CHECKED lg_err lg_routes_body_life(struct lg_http *ex, const struct lg_routes_field *fields, size_t n, int64_t *life);
LG_CHECKED lg_err lg_routes_pem(struct lg_ctx *cx, lg_str text, lg_str label, lg_str *ret);
void lg_routes_unknown(struct lg_http *ex);	/* from here on the actor is an address */
/* Who calls; kept in cx's arena. */
LG_CHECKED lg_err lg_routes_who(struct lg_certs *c, struct lg_http *ex, struct lg_certs_caller *ret);
/* May the caller do this to the tenant?  LG_E_DENIED. */
LG_CHECKED lg_err lg_routes_may(struct lg_ctx *cx, struct lg_certs *c, struct lg_view *v, uint32_t tenant,
    const struct lg_certs_caller *caller, const char *action);
void lg_routes_put_subject(struct lg_jsonw *w, lg_str type, lg_str name);	/* "subject": whose certificate it is */
void lg_routes_put_pem(struct lg_ctx *cx, struct lg_jsonw *w, const char *name, lg_str der);
void lg_routes_put_issued(struct lg_ctx *cx, struct lg_jsonw *w, const struct lg_issued *is);
LG_CHECKED lg_err lg_routes_put_bundle(struct lg_http *ex, struct lg_jsonw *w, const struct lg_ca *ca);	/* the tenant's own */
struct lg_jsonw lg_routes_begin(struct lg_http *ex);	/* an answer that is a JSON object */
LG_CHECKED lg_err lg_routes_end(struct lg_http *ex, struct lg_jsonw *w);

/* ---- handlers ---- */

/* Public, plain HTTP: self is the struct lg_certs. */
lg_err lg_route_crl(void *self, struct lg_http *ex);
lg_err lg_route_ca(void *self, struct lg_http *ex);
lg_err lg_route_bundle(void *self, struct lg_http *ex);
lg_err lg_route_ocsp_post(void *self, struct lg_http *ex);
lg_err lg_route_ocsp_get(void *self, struct lg_http *ex);
/* The API. */
lg_err lg_route_list(void *self, struct lg_http *ex);
lg_err lg_route_ending(void *self, struct lg_http *ex);
lg_err lg_route_revoke(void *self, struct lg_http *ex);
lg_err lg_route_purge(void *self, struct lg_http *ex);
lg_err lg_route_revoke_many(void *self, struct lg_http *ex);
/* Profiles. */
lg_err lg_route_profiles(void *self, struct lg_http *ex);
lg_err lg_route_profile(void *self, struct lg_http *ex);
lg_err lg_route_profile_put(void *self, struct lg_http *ex);
lg_err lg_route_profile_delete(void *self, struct lg_http *ex);
/* Webhooks. */
lg_err lg_route_hooks(void *self, struct lg_http *ex);
lg_err lg_route_hook_put(void *self, struct lg_http *ex);
lg_err lg_route_hook_delete(void *self, struct lg_http *ex);
lg_err lg_route_hook_test(void *self, struct lg_http *ex);
/* The ledger. */
lg_err lg_route_ledger(void *self, struct lg_http *ex);
lg_err lg_route_ledger_signed(void *self, struct lg_http *ex);
lg_err lg_route_ledger_growth(void *self, struct lg_http *ex);
lg_err lg_route_ledger_entries(void *self, struct lg_http *ex);
lg_err lg_route_ledger_proof(void *self, struct lg_http *ex);
lg_err lg_route_ledger_consistency(void *self, struct lg_http *ex);
/* SSH. */
lg_err lg_route_ssh_issue(void *self, struct lg_http *ex);
lg_err lg_route_ssh_user_ca(void *self, struct lg_http *ex);
lg_err lg_route_ssh_host_ca(void *self, struct lg_http *ex);
lg_err lg_route_ssh_krl(void *self, struct lg_http *ex);
/* EST. */
LG_CHECKED lg_err lg_est_body(struct lg_http *ex, lg_str *ret);	/* the request, DER; LG_E_INVALID */
lg_err lg_route_est_cacerts(void *self, struct lg_http *ex);
lg_err lg_route_est_csrattrs(void *self, struct lg_http *ex);
lg_err lg_route_est_enroll(void *self, struct lg_http *ex);
lg_err lg_route_est_reenroll(void *self, struct lg_http *ex);
lg_err lg_route_est_serverkeygen(void *self, struct lg_http *ex);

#endif
