/*
 * identity.h: who this host is: key, certificate, root, tenant and where the service is.  One file, STATE/identity.json
 * (0600), so that it is always of one piece; cert.pem, chain.pem and root.pem are copies for other programs.
 */
#ifndef LG_AGENT_IDENTITY_H
#define LG_AGENT_IDENTITY_H

#include "lightgate/crypto.h"

struct lg_identity {
	lg_str key, certificate, chain, root;	/* PEM */
	lg_str service_root;			/* PEM: behind the certificates that the service itself shows */
	lg_str host_id, host_name;		/* entryUUID as text */
	lg_str issuer, trust_domain;
	lg_str https, mtls;			/* URLs */
	lg_str ticket_keys;			/* JWKS */
};

LG_CHECKED lg_err lg_identity_load(struct lg_ctx *cx, const char *state, struct lg_identity *ret);
LG_CHECKED lg_err lg_identity_save(struct lg_ctx *cx, const char *state, const struct lg_identity *id);
bool lg_identity_exists(struct lg_ctx *cx, const char *state);
/* What the service answers to a join, a rejoin or an issue; members that it does not name stay as they are. */
LG_CHECKED lg_err lg_identity_take(struct lg_ctx *cx, lg_str answer, struct lg_identity *ret);

#endif
