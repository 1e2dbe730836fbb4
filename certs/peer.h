/* peer.h: the steps of verifying a peer, for those who need them one by one (rejoin, tests). */
#ifndef LG_CERTS_PEER_H
#define LG_CERTS_PEER_H

#include "certs/names.h"
#include "certs/trust.h"

struct lg_peer_found {
	struct lg_x509 x509;
	struct lg_spiffe id;
	const struct lg_ca *ca;
	const struct lg_ca_cert *issuer;
};
/* Form, identity and the issuer's signature, as of `now`; nothing of the store. */
LG_CHECKED lg_err lg_peer_certificate(struct lg_ctx *cx, const struct lg_trust *t, lg_str der, int64_t now, struct lg_peer_found *ret);
/* The inventory's row: issued under this name, not revoked. */
LG_CHECKED lg_err lg_peer_record(struct lg_ctx *cx, struct lg_view *v, const struct lg_peer_found *f, const lg_sha256 *sha256,
    struct lg_cert_row *ret);
/* The entry: there, enabled, under the same name. */
LG_CHECKED lg_err lg_peer_entry(struct lg_ctx *cx, struct lg_certs *c, struct lg_view *v, uint32_t tenant, lg_uuid id,
    const struct lg_spiffe *name, struct lg_cert_subject *ret);
lg_err lg_peer_refusal(struct lg_ctx *cx, lg_err e);

#endif
