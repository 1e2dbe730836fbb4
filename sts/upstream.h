/* upstream.h: signing in with another provider (OpenID Connect, as its relying party). */
#ifndef LG_STS_UPSTREAM_H
#define LG_STS_UPSTREAM_H

#include "sts/source.h"

/* What a sign-in at a provider was begun with; sealed in a cookie of the browser that began it. */
struct sts_errand {
	lg_str source, state, nonce, verifier;
	lg_str request;			/* what the person came for (struct sts_signin) */
	int64_t until;			/* microseconds */
};

/* Where the provider sends people back to. */
lg_str sts_upstream_redirect(const struct sts_rq *rq);
/*
 * upstream_token.c: redeems the code and judges what comes back (OpenID Connect Core 3.1.3.7, 5.3.2).  In cx's arena.  Waits for the
 * network.  LG_E_UNAUTHENTICATED: the provider says nothing that can be believed; LG_E_DENIED: of somebody who is not wanted here;
 * LG_E_UNAVAILABLE.
 */
LG_CHECKED lg_err sts_upstream_redeem(struct sts_rq *rq, const struct sts_source *s, const struct sts_errand *er, lg_str code,
    struct lg_sts_person *ret, lg_str *amr);

#endif
