/*
 * bundle.h: what a host decides with by itself: policies, its slice of the directory, trust anchors, keys and revocations.
 *
 * A bundle is a token of the keeper (typ lg-bundle+jwt: issuer, host, epoch and version, life, digest), a line end, and the body that
 * the digest is of: one JSON object, the same octets for the same state (docs/api.md).  The version is the log's sequence number at
 * the snapshot that the body was made from.
 */
#ifndef LG_SERVER_BUNDLE_H
#define LG_SERVER_BUNDLE_H

#include "server/caller.h"

#define LG_BUNDLE_BODY_MAX	(60u << 20)	/* octets */
#define LG_BUNDLE_TIME		(3600 * INT64_C(1000000))	/* a signature is good for so long */
#define LG_BUNDLE_REVOKED	60000		/* revocations of each kind; beyond, the bundle says that it has not all */
#define LG_BUNDLE_STATE		112		/* octets of lg_bundle_state's text */

/* Of a tenant: changes whenever a bundle might.  Opaque to hosts, compared for equality only. */
LG_CHECKED lg_err lg_bundle_state(struct lg_app *app, struct lg_view *v, uint32_t tenant, char ret[LG_BUNDLE_STATE]);
/* The body for one host, from one snapshot. */
LG_CHECKED lg_err lg_bundle_write(struct lg_ctx *cx, struct lg_app *app, struct lg_view *v, const struct lg_tenant_view *t, lg_uuid host,
    struct lg_buf *out);
/* "https://host:8445", with the tenant's path. */
lg_str lg_bundle_stream(struct lg_arena *a, const struct lg_app *app, const struct lg_tenant_view *t);

extern const struct lg_route lg_api_bundle_routes[];	/* self = struct lg_app * */
extern const size_t lg_api_bundle_nroutes;

#endif
