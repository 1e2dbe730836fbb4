/*
 * hook.h: web servers that are told what the authority did: certificates issued, revoked, about to expire.
 *
 * There is no queue: the ledger is the durable log of what was issued and revoked, and a webhook keeps how far it has been told.  So
 * nothing is lost while the other side is away, nothing grows, and what was delivered and not noted is delivered again (at least once).
 */
#ifndef LG_CERTS_HOOK_H
#define LG_CERTS_HOOK_H

#include "certs/ledger.h"
#include "certs/rows.h"

#define LG_HOOKS		16		/* of one tenant */
#define LG_HOOK_NAME		64		/* octets */
#define LG_HOOK_CA		(16u << 10)	/* octets of PEM */
#define LG_HOOK_BATCH		100		/* events of one delivery */
#define LG_HOOK_ERROR		200		/* octets that are kept of why a delivery failed */
#define LG_HOOK_SECRET		32		/* octets, told as base64url */
#define LG_HOOK_BEFORE		(INT64_C(400) * 86400)	/* seconds before its end that a certificate is "expiring", at most */
#define LG_HOOK_CAS		8		/* roots and issuing CAs whose end was told */

enum lg_hook_event { LG_HOOK_ISSUED = 1, LG_HOOK_REVOKED = 2, LG_HOOK_EXPIRING = 4 };

struct lg_hook {
	lg_str name, url, ca;		/* ca: PEM, empty: the host's public CAs */
	unsigned events;		/* enum lg_hook_event */
	int64_t before;			/* a certificate is "expiring" so long before its end; shorter-lived ones never are */
	lg_uuid secret;			/* blob: the sealed key of the signatures */
	uint64_t next;			/* entry of the ledger that is told next */
	int64_t told_to;		/* what ends until then has been told to be expiring */
	lg_str told_cas;		/* likewise of CAs: the SHA-256 of each, LG_HOOK_CAS at most */
	uint32_t attempts;		/* since the last delivery that was taken */
	int64_t due, delivered;		/* the next attempt; the last success, 0: none yet */
	lg_str error;			/* of the last attempt; empty: it was taken */
};

extern const struct lg_table lg_certs_hook;

/* ---- hook_rows.c: slices of what is read live in cx's arena ---- */
LG_CHECKED lg_err lg_hook_get(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_str name, struct lg_hook *ret);
LG_CHECKED lg_err lg_hook_put(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, const struct lg_hook *h);
LG_CHECKED lg_err lg_hook_del(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, const struct lg_hook *h);
LG_CHECKED lg_err lg_hook_all(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, struct lg_hook ret[LG_HOOKS], size_t *n);

/* ---- routes_hooks.c ---- */
/* The settings in a request's body; LG_E_INVALID. */
LG_CHECKED lg_err lg_hook_read(struct lg_http *ex, struct lg_hook *ret);

/* ---- hook_deliver.c ---- */
/* Posts {"events":[...]} signed; *status 0: nobody answered.  LG_E_UNAVAILABLE unless it was taken (2xx).  May wait. */
LG_CHECKED lg_err lg_hook_post(struct lg_ctx *cx, struct lg_certs *c, uint32_t tenant, const struct lg_hook *h, lg_str body, int *status);

#endif
