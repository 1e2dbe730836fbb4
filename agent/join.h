/* join.h: how this machine becomes a host of the directory, and stays one. */
#ifndef LG_AGENT_JOIN_H
#define LG_AGENT_JOIN_H

#include "agent/identity.h"

/*
 * Redeems the join token for a new key and stores the identity.  server: "host:port" in place of the token's, or empty.
 * The token is sent only over a connection that leads to the root it names.  Repeating after a failure is safe: the
 * key is kept until the answer is stored.
 */
LG_CHECKED lg_err lg_join(struct lg_ctx *cx, const char *state, lg_str token, lg_str server);

/* Where, for joins without a token that says it. */
struct lg_join_at {
	lg_str server;			/* "host:port" */
	lg_str ca;			/* PEM: who stands behind the service's certificates */
};
/* By an access token (audience <issuer>/v1) of somebody who may invite the host (host:invite).  server: the HTTPS surface. */
LG_CHECKED lg_err lg_join_by_sign_in(struct lg_ctx *cx, const char *state, const struct lg_join_at *at, lg_str access_token, lg_str host);
/* By a certificate of this host that there is already (EST, another tool): the identity gets a key and certificate of its own.
 * server: the surface with client certificates. */
LG_CHECKED lg_err lg_join_by_certificate(struct lg_ctx *cx, const char *state, const struct lg_join_at *at, lg_str certificate, lg_str private_key);

/* A new certificate for a new key over the present one; after its expiry, for the same key (rejoin). */
LG_CHECKED lg_err lg_renew(struct lg_ctx *cx, const char *state);

/* When the certificate should be renewed: two thirds of its life, give or take a tenth by `chance` (0 to 1). */
LG_CHECKED lg_err lg_renewal_time(struct lg_ctx *cx, const struct lg_identity *id, double chance, int64_t *ret);

#endif
