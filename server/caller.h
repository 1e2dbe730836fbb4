/* caller.h: who sent an HTTP request, and whether policy lets them do what they ask. */
#ifndef LG_SERVER_CALLER_H
#define LG_SERVER_CALLER_H

#include "lightgate/certs.h"
#include "lightgate/directory.h"
#include "lightgate/sts.h"
#include "server/app.h"
#include "server/tenants.h"

#define LG_SCOPES 64		/* of one token; what is beyond narrows it */

struct lg_caller {
	struct lg_actor actor;
	const struct lg_tenant_view *tenant;
	struct lg_entity_id entity;
	const char *proof;		/* "token", "self" (certificate or socket) */
	struct lg_claims claims;	/* of the token; zeroed without one */
	bool has_token;
};

/*
 * Token, certificate or UNIX peer, in this order (docs/api.md); sets ex->cx->actor.  audience: "/v1" or "/access/v1" below the issuer.
 * LG_E_UNAUTHENTICATED or LG_E_EXPIRED.
 */
LG_CHECKED lg_err lg_caller_find(struct lg_app *app, struct lg_http *ex, struct lg_view *v, const char *audience, struct lg_caller *ret);
/* A service by its secret (HTTP Basic, EST): the one it has as an OAuth client.  LG_E_UNAUTHENTICATED. */
LG_CHECKED lg_err lg_caller_by_secret(struct lg_app *app, struct lg_http *ex, struct lg_view *v, lg_str name, lg_str secret,
    struct lg_caller *ret);
/* A host by its certificate, and nobody else: LG_E_DENIED. */
LG_CHECKED lg_err lg_caller_host(struct lg_app *app, struct lg_http *ex, struct lg_view *v, struct lg_caller *ret);
/* The same without looking at a token: for proxies, whose requests carry somebody else's. */
LG_CHECKED lg_err lg_caller_by_transport(struct lg_app *app, struct lg_http *ex, struct lg_view *v, struct lg_caller *ret);
/* Asks policy with the caller as principal and a directory entity as resource: early on the request's snapshot, and again inside the
 * mutation against the state that will change.  LG_E_DENIED with the reason. */
LG_CHECKED lg_err lg_caller_may(struct lg_app *app, struct lg_ctx *cx, struct lg_view *v, const struct lg_caller *who, const char *action,
    struct lg_entity_id resource);
/* The same on the request's snapshot; who would be permitted were they better known has the challenge (RFC 9470) as the answer. */
LG_CHECKED lg_err lg_caller_may_better(struct lg_app *app, struct lg_http *ex, struct lg_view *v, const struct lg_caller *who,
    const char *action, struct lg_entity_id resource);
void lg_caller_question(struct lg_ctx *cx, const struct lg_caller *who, const char *action, struct lg_entity_id resource,
    struct lg_question *ret);
lg_str *lg_caller_words(struct lg_ctx *cx, lg_str text, size_t max, size_t *n);	/* between blanks; in the arena */
/* What the token was issued for and how its holder signed in, for policies to look at: context.client, scopes, acr, amr and auth_age. */
void lg_caller_token_facts(struct lg_ctx *cx, const struct lg_claims *claims, struct lg_question *q);
/* The tenant as a resource: for admin:read and admin:write. */
struct lg_entity_id lg_tenant_entity(const struct lg_tenant_view *t);
/* Both steps for admin routes: "/v1", then `action` on the tenant.  The view is the caller's to end. */
LG_CHECKED lg_err lg_caller_admin(struct lg_app *app, struct lg_http *ex, struct lg_view *v, const char *action, struct lg_caller *ret);

#endif
