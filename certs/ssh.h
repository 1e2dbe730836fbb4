/* ssh.h: SSH certificates (OpenSSH, PROTOCOL.certkeys, PROTOCOL.krl), on the one issuing path. */
#ifndef LG_CERTS_SSH_H
#define LG_CERTS_SSH_H

#include "certs/issue.h"

#define LG_SSH_REQUEST	(16u << 10)	/* octets of a request's body */

/* An SSH serial number has 64 bits: the inventory's ends in it and begins with these letters, which no other does by chance. */
void lg_ssh_draw_serial(lg_serial *s);
void lg_ssh_serial_of(uint64_t number, lg_serial *ret);
bool lg_ssh_serial(const lg_serial *s, uint64_t *ret);	/* false: of an X.509 certificate */

static inline bool
lg_profile_is_ssh(const struct lg_cert_profile *p)
{
	return p->kind == LG_PROFILE_SSH_USER || p->kind == LG_PROFILE_SSH_HOST;
}

/* Whom the certificate is good for: what was asked for, else the entry's name (people), its DNS names and addresses (hosts).  Hosts get
 * theirs only. */
LG_CHECKED lg_err lg_ssh_principals(struct lg_ctx *cx, const struct lg_cert_profile *p, const struct lg_cert_subject *entry,
    const struct lg_cert_request *rq, struct lg_ssh_names *ret);
/* The certificate up to the authority's key, into is->tbs. */
LG_CHECKED lg_err lg_ssh_write(struct lg_ctx *cx, struct lg_issuing *is);
/* Asks the keeper, and holds the answer to what was asked for. */
LG_CHECKED lg_err lg_ssh_sign(struct lg_ctx *cx, struct lg_issuing *is, lg_str *ret);

/* The tenant's revoked SSH certificates as a KRL, from one snapshot. */
LG_CHECKED lg_err lg_ssh_krl(struct lg_ctx *cx, struct lg_certs *c, struct lg_view *v, uint32_t tenant, lg_str *ret);

#endif
