/*
 * tbs_check.h: what the keeper reads in a document before it signs it with an issuing CA's key.
 *
 * The three kinds cannot be taken for one another: a TBSCertificate begins with [0] version, a TBSCertList with
 * INTEGER 1, a ResponseData with a responder name.  Each check wants its own beginning.
 */
#ifndef LG_KEEPER_TBS_CHECK_H
#define LG_KEEPER_TBS_CHECK_H

#include "crypto/keeper/tenant.h"
#include "crypto/ssh.h"

/* Leaves within the ceiling only.  LG_E_DENIED, or LG_E_INVALID for what is not DER. */
LG_CHECKED lg_err lg_tbs_check(struct lg_ctx *cx, lg_str tbs, const struct lg_ceiling *c, const struct lg_issuer *issuer);
/* The beginning of a TBSCertList, to nextUpdate at least; *total is how long it says it is altogether. */
LG_CHECKED lg_err lg_tbs_crl_check(struct lg_ctx *cx, lg_str first_part, const struct lg_issuer *issuer, size_t *total);
/* The issuer field of either; for finding which of a tenant's issuers is meant. */
LG_CHECKED lg_err lg_tbs_crl_issuer(struct lg_ctx *cx, lg_str first_part, lg_str *name);
bool lg_tbs_ocsp_by(lg_str tbs, const struct lg_issuer *responder);	/* it names this one */
LG_CHECKED lg_err lg_tbs_ocsp_check(struct lg_ctx *cx, lg_str tbs, const struct lg_issuer *issuer);

/* "localhost" where the ceiling has loopback, otherwise below one of its suffixes. */
bool lg_tbs_dns_within(lg_str name, const struct lg_ceiling *c);

/* An SSH certificate up to the authority's key: ssh_check.c.  LG_E_DENIED. */
LG_CHECKED lg_err lg_ssh_check(struct lg_ctx *cx, lg_str tbs, enum lg_ssh_cert type, const struct lg_ceiling *c,
    const struct lg_pubkey *signer);

#endif
