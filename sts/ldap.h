/* ldap.h: a person's name and password tried at a directory elsewhere (ldap.c: the one file that knows libldap). */
#ifndef LG_STS_LDAP_H
#define LG_STS_LDAP_H

#include "sts/source.h"

#define STS_LDAP_AT_ONCE 16		/* sign-ins that wait for other directories; then LG_E_BUSY */

/* A name and a password that are tried, and when that began (lg_boottime). */
struct sts_ldap_try {
	lg_str login;
	const struct lg_secret *password;
	int64_t began;
	bool silent_too;		/* also at servers that did not answer before it began */
};

/*
 * Waits for the network: for each server the source's timeout, a name's resolution apart.  LG_OK: they are right, and *ret says whose they are
 * (in cx's arena).  LG_E_UNAUTHENTICATED: wrong, or nobody of that name; LG_E_UNAVAILABLE: no server of the source answered as it should;
 * LG_E_BUSY: too many wait.
 */
LG_CHECKED lg_err sts_ldap_check(struct lg_ctx *cx, struct lg_sts *sts, uint32_t tenant, const struct sts_source *s,
    const struct sts_ldap_try *t, struct lg_sts_person *ret);
/* Each server of the source: reached, encrypted, signed in at; into an array.  Servers that fail are told of, not failed with. */
LG_CHECKED lg_err sts_ldap_knock(struct lg_ctx *cx, struct lg_sts *sts, uint32_t tenant, const struct sts_source *s, struct lg_jsonw *w);
/* RFC 4515 3: the filter with a name in it. */
lg_str sts_ldap_filter(struct lg_arena *a, lg_str filter, lg_str login);

/* ---- silent.c: servers that do not answer ---------------------------------------------------------------------------------- */

struct sts_silent;			/* shared by all threads */
LG_CHECKED lg_err sts_silent_new(struct lg_ctx *cx, struct sts_silent **ret);
void sts_silent_free(struct sts_silent **s);
/* Whether to ask this server now, which the caller then does and tells: it answers, its rest is over, or (before not 0, a lg_boottime) it
 * failed before then; and nobody else asks a silent one. */
bool sts_silent_ask(struct sts_silent *s, uint32_t tenant, lg_str url, int64_t before);
/* Whether it answered; true: other than the last time. */
bool sts_silent_told(struct sts_silent *s, uint32_t tenant, lg_str url, bool silent);

#endif
