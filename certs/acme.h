/*
 * acme.h: the ACME server (RFC 8555) inside: its rows, a request on its way, and what the files of one resource each share.
 *
 * acme_jws.c checks who asks, acme_answer.c writes answers and problem documents; acme_account.c, acme_order.c, acme_authz.c, acme_revoke.c,
 * acme_finalize.c, acme_key.c and acme_ari.c are the resources, acme_check.c the challenges, acme_profile.c what kinds of certificates
 * there are, acme_caa.c what the domain's owner says about authorities, acme_eab.c the keys that bind accounts to entries.
 * An authorization lives in its order: it is never reused for another one.
 */
#ifndef LG_CERTS_ACME_H
#define LG_CERTS_ACME_H

#include "base/json.h"
#include "certs/issue.h"
#include "certs/trust.h"

#define LG_ACME_NAMES		LG_CERT_NAMES	/* identifiers of one order */
#define LG_ACME_PROFILE		LG_STR("tls-server")	/* of an order that names none */
#define LG_ACME_CONTACT		1024		/* octets of an account's contact, JSON */
#define LG_ACME_ORDER_LIFE	(INT64_C(86400) * 1000000)
#define LG_ACME_EAB_LIFE	(7 * INT64_C(86400) * 1000000)	/* of an external account key that nobody uses */
#define LG_ACME_PAGE		50		/* orders of one page */
#define LG_ACME_SCAN		1000		/* of an account's orders that one request looks at */
#define LG_ACME_CAA_AGE		(8 * INT64_C(3600) * 1000000)	/* RFC 8659 3: older answers do not count at issue */

/* ---- rows ---------------------------------------------------------------------------------------- */

enum lg_acme_status {		/* of accounts, orders and authorizations alike (RFC 8555 7.1.6) */
	LG_ACME_PENDING = 1, LG_ACME_READY, LG_ACME_PROCESSING, LG_ACME_VALID, LG_ACME_INVALID, LG_ACME_DEACTIVATED, LG_ACME_EXPIRED,
	LG_ACME_REVOKED
};
enum lg_acme_kind { LG_ACME_HTTP = 1, LG_ACME_DNS, LG_ACME_ALPN };

struct lg_acme_account {
	lg_uuid id, entry;		/* entry: whose certificates it orders */
	enum lg_acme_status status;	/* VALID, DEACTIVATED */
	int64_t created;
	lg_str spki;
	lg_sha256 thumbprint;		/* RFC 7638 */
	lg_str contact;			/* JSON array */
};
LG_CHECKED lg_err lg_acme_account_get(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_uuid id, struct lg_acme_account *ret);
LG_CHECKED lg_err lg_acme_account_by_key(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, const lg_sha256 *thumbprint,
    struct lg_acme_account *ret);
LG_CHECKED lg_err lg_acme_account_put(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, const struct lg_acme_account *a);

struct lg_acme_name {			/* an identifier and its authorization */
	bool ip;
	lg_str name;			/* lower case; an address as text; "*." before it for a wildcard */
	enum lg_acme_status status;	/* PENDING, VALID, INVALID, DEACTIVATED */
	enum lg_acme_kind by;		/* the challenge that was answered; 0 none yet */
	int64_t at;			/* when */
	lg_str error_type, error;	/* why it is INVALID */
};
struct lg_acme_order {
	lg_uuid id, account;
	int64_t created, expires;	/* once VALID, at least as long as the certificate: its account may revoke it */
	enum lg_acme_status status;	/* PENDING until finalized, then PROCESSING, VALID, INVALID */
	uint8_t seed[16];		/* of the challenges' tokens */
	struct lg_acme_name name[LG_ACME_NAMES];
	size_t nnames;
	lg_serial serial;		/* of the certificate; unless PENDING */
	lg_str replaces;		/* RFC 9773 5: a certificate's ARI id; empty: none */
	lg_serial replaced;		/* its serial number */
	lg_str profile;			/* what was chosen, or LG_ACME_PROFILE */
	int64_t not_after;		/* the certificate's; 0: as the profile says */
};
LG_CHECKED lg_err lg_acme_order_get(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_uuid id, struct lg_acme_order *ret);
/* Does another order replace this certificate, one that is not invalid? */
LG_CHECKED lg_err lg_acme_order_replaces(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, const lg_serial *serial, bool *ret);
LG_CHECKED lg_err lg_acme_order_put(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, const struct lg_acme_order *o);
/* What the client is told: READY when all names are proved, INVALID when one cannot be any more or time is over. */
enum lg_acme_status lg_acme_order_status(const struct lg_acme_order *o, int64_t now);
/* All text is copied out of the view. */
void lg_acme_order_keep(struct lg_arena *a, struct lg_acme_order *o);

struct lg_acme_eab {
	lg_uuid id, entry;		/* id: the kid, as 22 characters */
	lg_uuid secret;			/* blob; nil once the key is used */
	lg_uuid account;		/* whom it was used for */
	int64_t expires;
};
LG_CHECKED lg_err lg_acme_eab_get(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_uuid id, struct lg_acme_eab *ret);
LG_CHECKED lg_err lg_acme_eab_put(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, const struct lg_acme_eab *e);

lg_str lg_acme_id(struct lg_arena *a, lg_uuid id);		/* 22 characters */
bool lg_acme_id_parse(struct lg_arena *a, lg_str text, lg_uuid *ret);

/* ---- a request ------------------------------------------------------------------------------------- */

enum lg_acme_who { LG_ACME_NOBODY, LG_ACME_KID, LG_ACME_JWK, LG_ACME_EITHER };
struct lg_acme {
	struct lg_certs *c;
	struct lg_http *ex;
	struct lg_ctx *cx;
	const struct lg_ca *ca;
	struct lg_trust *trust;		/* what ca belongs to; held until the answer */
	lg_str base;			/* "https://host/t/x/acme" */
	/* after lg_acme_read */
	struct lg_jws jws;
	struct lg_pubkey *key;		/* that signed */
	struct lg_acme_account account;	/* of it, kept; id nil when the key came with the request */
	bool get;			/* an empty payload: POST-as-GET (RFC 8555 6.3) */
	enum lg_acme_who who;		/* must have asked */
	/* a problem of our own choice */
	const char *type;
	int status;
	int64_t retry;			/* of rateLimited: microseconds from now */
};
typedef lg_err lg_acme_run(struct lg_acme *q);	/* LG_PENDING: lg_acme_ended will be called */
/* Of account keys. */
extern const enum lg_alg lg_acme_algs[];
extern const size_t lg_acme_nalgs;

/* Runs a handler as a route: reads the JWS as `who` wants it, adds nonce and links, makes problem documents of errors. */
LG_CHECKED lg_err lg_acme_serve(void *self, struct lg_http *ex, enum lg_acme_who who, lg_acme_run *run);
LG_CHECKED lg_err lg_acme_read(struct lg_acme *q, enum lg_acme_who who);
/* After LG_PENDING: what the handler would have returned.  From any thread. */
void lg_acme_ended(struct lg_acme *q, lg_err e);
/* A mutation, then `finish`, whose result is the handler's.  Nobody sleeps where the server is: LG_PENDING, and `finish` runs on the exchange's
 * loop. */
typedef lg_err lg_acme_finish(struct lg_acme *q, void *arg);
LG_CHECKED lg_err lg_acme_apply(struct lg_acme *q, const char *operation, lg_mutation *run, lg_acme_finish *finish, void *arg);
/* The header members that a request is told apart by, before its signature is looked at; the verifier reads the header again, strictly. */
struct lg_acme_head {
	lg_str kid, nonce, url, alg;
	bool jwk;
	bool get;			/* the payload is empty */
};
LG_CHECKED lg_err lg_acme_peek(struct lg_ctx *cx, lg_str token, struct lg_acme_head *ret);
/* Flattened JSON (RFC 7515 7.2.2) as the compact form that crypto.h verifies. */
LG_CHECKED lg_err lg_acme_compact(struct lg_ctx *cx, lg_str json, lg_str *token);
/* Fails as `type` ("badNonce"). */
lg_err lg_acme_fail(struct lg_acme *q, int status, const char *type, const char *fmt, ...) LG_PRINTF(4, 5);
/* The account, as `whose` of what follows. */
static inline lg_str
lg_acme_account_key(const struct lg_acme *q)
{
	return (lg_str){ (const char *)q->account.id.b, sizeof q->account.id.b };
}
/* May this happen to `whose` once more?  rateLimited when it may not.  take: it happens, and counts. */
LG_CHECKED lg_err lg_acme_limit(struct lg_acme *q, enum lg_acme_limit which, lg_str whose, bool take);

struct lg_jsonw lg_acme_begin(struct lg_acme *q, int status);	/* an object */
LG_CHECKED lg_err lg_acme_end(struct lg_acme *q, struct lg_jsonw *w);
void lg_acme_url(struct lg_acme *q, struct lg_jsonw *w, const char *name, const char *fmt, ...) LG_PRINTF(4, 5);
void lg_acme_problem_put(struct lg_jsonw *w, lg_str type, lg_str detail, int status);
lg_str lg_acme_status_name(enum lg_acme_status s);
lg_str lg_acme_account_url(struct lg_acme *q, lg_uuid id);

/* The caller's order, by the id in the path; NOT_FOUND for those of others. */
LG_CHECKED lg_err lg_acme_order_of(struct lg_acme *q, struct lg_view *v, lg_str id, struct lg_acme_order *ret);
LG_CHECKED lg_err lg_acme_order_answer(struct lg_acme *q, int status, const struct lg_acme_order *o);
LG_CHECKED lg_err lg_acme_finalize(struct lg_acme *q, struct lg_acme_order *o);
/* Does this request ask to finalize an order whose proofs are so old that somebody outside is asked again?  Nothing is checked yet. */
bool lg_acme_finalize_waits(struct lg_certs *c, struct lg_http *ex);
/* Whose certificates accounts without an external account key order; LG_E_NOT_FOUND: nobody's. */
LG_CHECKED lg_err lg_acme_open_entry(struct lg_acme *q, struct lg_view *v, struct lg_cert_subject *ret);
/* Sees whether a name is proved.  LG_OK, or the problem in name->error_type and ->error. */
lg_err lg_acme_check(struct lg_acme *q, const struct lg_acme_order *o, size_t i, enum lg_acme_kind kind, struct lg_acme_name *name);
/* CAA (RFC 8659, 8657): may this authority certify the name for this account, proved this way?  LG_OK, or the problem as above. */
lg_err lg_acme_caa(struct lg_acme *q, struct lg_acme_name *name, enum lg_acme_kind kind);
/* draft-ietf-acme-profiles: those that orders may name, as members of a JSON object, with a description each; and may they name
 * this one, with this end (0: none)? */
LG_CHECKED lg_err lg_acme_profiles_put(struct lg_acme *q, struct lg_view *v, struct lg_jsonw *w);
LG_CHECKED lg_err lg_acme_profile_check(struct lg_acme *q, lg_str name, int64_t not_after);
lg_err lg_acme_wrong(struct lg_acme_name *n, const char *type, lg_str why);	/* the problem; returns LG_E_DENIED */
lg_str lg_acme_kind_name(enum lg_acme_kind kind);			/* "http-01" */
lg_str lg_acme_token(struct lg_arena *a, const struct lg_acme_order *o, size_t i, enum lg_acme_kind kind);
LG_CHECKED lg_err lg_acme_address(lg_str text, lg_str *ret, struct lg_arena *a);	/* 4 or 16 octets of an IP address */
/* By "<AKI>.<serial>" (RFC 9773 4.1). */
LG_CHECKED lg_err lg_acme_ari_find(struct lg_acme *q, struct lg_view *v, lg_str id, struct lg_cert_row *ret);
/* The EAB of a newAccount: whose entry it is bound to. */
LG_CHECKED lg_err lg_acme_eab_check(struct lg_acme *q, struct lg_view *v, lg_str json, struct lg_acme_eab *ret);

/* ---- routes; self is the struct lg_certs ------------------------------------------------------------- */

lg_err lg_route_eab(void *self, struct lg_http *ex);
lg_err lg_acme_directory(void *self, struct lg_http *ex);
lg_err lg_acme_new_nonce(void *self, struct lg_http *ex);
lg_err lg_acme_new_account(void *self, struct lg_http *ex);
lg_err lg_acme_account_route(void *self, struct lg_http *ex);
lg_err lg_acme_new_order(void *self, struct lg_http *ex);
lg_err lg_acme_order_route(void *self, struct lg_http *ex);
lg_err lg_acme_authz_route(void *self, struct lg_http *ex);
lg_err lg_acme_challenge_route(void *self, struct lg_http *ex);
lg_err lg_acme_certificate_route(void *self, struct lg_http *ex);
lg_err lg_acme_revoke_route(void *self, struct lg_http *ex);
lg_err lg_acme_key_change_route(void *self, struct lg_http *ex);
lg_err lg_acme_renewal_route(void *self, struct lg_http *ex);

#endif
