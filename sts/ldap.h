/* ldap.h: a person's name and password tried at a directory elsewhere (ldap.c: the one file that knows libldap). */
#ifndef LG_STS_LDAP_H
#define LG_STS_LDAP_H

#include "sts/source.h"

#define STS_LDAP_AT_ONCE 16		/* sign-ins that wait for other directories; then LG_E_BUSY */

/*
 * Waits for the network.  LG_OK: they are right, and *ret says whose they are (in cx's arena).  LG_E_UNAUTHENTICATED: wrong, or nobody of
 * that name; LG_E_UNAVAILABLE: no server of the source answered as it should.
 */
LG_CHECKED lg_err sts_ldap_check(struct lg_ctx *cx, struct lg_sts *sts, uint32_t tenant, const struct sts_source *s, lg_str login,
    const struct lg_secret *password, struct lg_sts_person *ret);
/* Each server of the source: reached, encrypted, signed in at; into an array.  Servers that fail are told of, not failed with. */
LG_CHECKED lg_err sts_ldap_try(struct lg_ctx *cx, struct lg_sts *sts, uint32_t tenant, const struct sts_source *s, struct lg_jsonw *w);
/* RFC 4515 3: the filter with a name in it. */
lg_str sts_ldap_filter(struct lg_arena *a, lg_str filter, lg_str login);

#endif
