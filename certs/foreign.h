/*
 * foreign.h: trust domains beside ours that a tenant knows, each with its bundle: set by hand, or fetched from its bundle endpoint
 * and fetched again when it says (SPIFFE Federation 5: https_web, by a certificate of public CAs; https_spiffe, by one of the domain's own).
 */
#ifndef LG_CERTS_FOREIGN_H
#define LG_CERTS_FOREIGN_H

#include "base/web.h"
#include "certs/rows.h"
#include "certs/svid.h"
#include "certs/trust.h"

#define LG_FOREIGN_ERROR	200	/* octets of why a bundle was not fetched */
#define LG_FOREIGN_CA		(16u << 10)	/* octets, PEM */

enum lg_foreign_profile { LG_FOREIGN_MANUAL, LG_FOREIGN_WEB, LG_FOREIGN_SPIFFE, LG_FOREIGN_PROFILES };
lg_str lg_foreign_profile_name(enum lg_foreign_profile p);	/* "manual", "https_web", "https_spiffe" */
bool lg_foreign_profile_parse(lg_str name, enum lg_foreign_profile *ret);

struct lg_foreign {
	lg_str domain;
	enum lg_foreign_profile profile;
	lg_str url;			/* of the bundle endpoint */
	lg_str endpoint_id;		/* SPIFFE: whose certificate the endpoint shows; of this domain, or of another one whose bundle is known */
	lg_str ca;			/* WEB: PEM of whom to believe; empty: the host's public CAs */
	int64_t fetched;		/* when the bundle came; 0: there is none */
	lg_str error;			/* of the last look; empty: it went well */
	lg_str bundle;			/* JSON */
};

/* Slices live as long as the view.  LG_E_NOT_FOUND. */
LG_CHECKED lg_err lg_foreign_get(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_str domain, struct lg_foreign *ret);
LG_CHECKED lg_err lg_foreign_put(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, const struct lg_foreign *f);
LG_CHECKED lg_err lg_foreign_del(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_str domain);	/* LG_E_NOT_FOUND */
/* All of a tenant, at most LG_FOREIGN_DOMAINS, in cx's arena. */
LG_CHECKED lg_err lg_foreign_all(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, struct lg_foreign **ret, size_t *n);
/* What a change must look like. */
LG_CHECKED lg_err lg_foreign_check(struct lg_ctx *cx, const struct lg_foreign *f);
/* Fetches now; the row says what came of it.  On a worker, without a view. */
LG_CHECKED lg_err lg_foreign_fetch(struct lg_ctx *cx, struct lg_certs *c, uint32_t tenant, const struct lg_foreign *f);

extern const struct lg_table lg_certs_foreign;

/* ---- routes ---- */

/* The settings in a request's body, for f->domain; LG_E_INVALID. */
LG_CHECKED lg_err lg_foreign_read(struct lg_http *ex, struct lg_foreign *f);
lg_err lg_route_foreign_list(void *self, struct lg_http *ex);
lg_err lg_route_foreign_get(void *self, struct lg_http *ex);
lg_err lg_route_foreign_put(void *self, struct lg_http *ex);
lg_err lg_route_foreign_delete(void *self, struct lg_http *ex);
lg_err lg_route_foreign_post(void *self, struct lg_http *ex);	/* <domain>/refresh, verify */
lg_err lg_route_bundles(void *self, struct lg_http *ex);

#endif
