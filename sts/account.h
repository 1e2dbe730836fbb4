/*
 * account.h: the pages on which a person sees and changes what is their own (account*.c): second factors, sessions, consents.
 *
 * Whoever changes a factor has signed in lately, with what second factor there is.  Every form is bound to the session's cookie.
 */
#ifndef LG_STS_ACCOUNT_H
#define LG_STS_ACCOUNT_H

#include "sts/webauthn.h"

#define STS_ACCOUNT_FRESH	(10 * LG_MINUTE)	/* since one signed in, for changing factors */

struct sts_account {
	struct sts_rq *rq;
	struct sts_session session;
	struct lg_sts_subject subject;
	struct sts_factor_set set;
	bool password;			/* there is one here, not elsewhere */
	lg_str cookie, csrf;		/* of the session; for its forms */
	lg_str then;			/* what the person came from, to go on with; empty: the account page */
};
enum sts_account_need { STS_ACCOUNT_SEEN, STS_ACCOUNT_PROVEN };	/* somebody signed in; lately, and with all that they have */
/* A whole endpoint: run, unless the person has to sign in first, for `path` (with the same `then`). */
lg_err sts_account_run(struct lg_sts *sts, struct lg_http *ex, const char *path, enum sts_account_need need,
    lg_err (*run)(struct sts_account *));
/* The form of this request is one of our pages'. */
bool sts_account_form_ok(struct sts_account *ac);
lg_err sts_account_go_on(struct sts_account *ac);	/* 303 to what the person came from */

#endif
