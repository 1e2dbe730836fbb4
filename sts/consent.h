/* consent.h: what a person allowed an application (consent.c): asked once for its scopes, remembered, withdrawn on the account page. */
#ifndef LG_STS_CONSENT_H
#define LG_STS_CONSENT_H

#include "sts/sts.h"

#define STS_CONSENTS	64		/* that are shown, and families that are ended in one step */

extern const struct lg_table sts_consents, sts_grant_subjects;

/* Answers the request: by a redirect with a code, or by the page that asks the person first.  `cookie` is the session's; new_session:
 * it is stored with what follows.  On a worker, no view open. */
LG_CHECKED lg_err sts_consent_or_grant(struct sts_rq *rq, struct sts_signin *si, const struct sts_session *s, lg_str cookie, bool new_session);
/* An application as people read of it.  Anybody can call one anything: the name that is its own stands beside that. */
lg_str sts_client_called(struct lg_arena *a, const struct lg_sts_client *c);
lg_str sts_client_called_by_id(struct sts_rq *rq, lg_str id);	/* in the request's view; the id when there is none of it any more */
lg_str sts_meanings(struct sts_rq *rq, lg_str scope);	/* "know who you are, see your name" */
/* Rows of the account page: client, called, scope, since.  In the request's view. */
LG_CHECKED lg_err sts_consent_list(struct sts_rq *rq, lg_uuid subject, struct sts_rows *ret);
/* Inside a mutation: the consent, and every refresh family that the application holds for the person.  LG_E_NOT_FOUND: neither. */
LG_CHECKED lg_err sts_consent_withdraw(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_uuid subject, lg_str client);
/* Inside a mutation: all of a person's, without their families. */
LG_CHECKED lg_err sts_consents_del(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_uuid subject);
lg_err sts_http_consent(void *self, struct lg_http *ex);

#endif
