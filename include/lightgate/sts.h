/*
 * sts.h: the security token service: clients, grants, tokens, sessions, sign-in, discovery, introspection, revocation.
 *
 * One struct lg_sts serves all tenants and all threads.  What it needs of other components it asks through the ports below;
 * what it stores are the tables of lg_sts_tables; what it offers over HTTP are the routes of lg_sts_routes (self = struct
 * lg_sts *).  Access tokens are stateless (RFC 9068, five minutes); only codes, grants (refresh families), browser sessions,
 * clients and revocations are rows.
 */
#ifndef LIGHTGATE_STS_H
#define LIGHTGATE_STS_H

#include "base/decide.h"
#include "base/http.h"
#include "base/json.h"
#include "base/mail.h"
#include "base/web.h"
#include "lightgate/crypto.h"
#include "lightgate/keeper.h"

struct lg_sts;
struct lg_store;
struct lg_table;
struct lg_mailbox;
struct lg_pool;

/* ---- ports: filled by server/, by fakes in tests ---------------------------------------------------- */

/* An entry that may hold tokens.  Slices live in cx's arena or as long as the view. */
struct lg_sts_subject {
	lg_uuid id;
	lg_str type;			/* Cedar type without namespace: "User", "Service", "Host", "Client" */
	lg_str name, display, mail;	/* display and mail may be empty */
	bool enabled;
	const lg_str *groups;		/* names; only when asked for */
	size_t ngroups;
};

/* What else the directory knows of a person; any text may be empty.  Slices as above. */
struct lg_sts_profile {
	lg_str given_name, family_name, website, locale, phone;
	lg_str formatted, street, locality, region, postal_code, country;	/* the address */
	bool mail_verified;		/* it was shown that mail to it reaches them */
	int64_t updated;		/* microseconds */
};

/* What a tenant is to the outside.  Valid to the end of the turn; keys are referenced by whoever keeps them longer. */
struct lg_sts_tenant {
	lg_str issuer;			/* "https://host" or "https://host/t/name" */
	lg_str mtls;			/* the same paths on 8444: "https://host:8444"; empty: none */
	struct lg_keyset *keys;		/* token keys: active, next and retired ones still in use */
	uint64_t keys_revision;		/* changes whenever keys does */
	unsigned algs;			/* bits, 1 << enum lg_alg: those that an active key has */
};

/* Somebody whom an identity source knows (docs/federation.md). */
struct lg_sts_person {
	lg_str source;			/* its name */
	lg_str id;			/* theirs, for ever */
	lg_str name, display, mail;	/* name: proposed for an entry; may be empty, as the others */
	bool mail_verified;
	bool create, link;		/* what the source allows */
	const lg_str *groups;		/* ours that they are in */
	const lg_str *managed;		/* ours that the source speaks of: who is not in one any more is taken out */
	size_t ngroups, nmanaged;
};

struct lg_sts_ports {
	void *self;
	/* A tenant that serves requests; LG_E_NOT_FOUND otherwise. */
	lg_err (*tenant)(void *self, struct lg_ctx *cx, uint32_t tenant, struct lg_sts_tenant *ret);
	/* People by login name; LG_E_NOT_FOUND. */
	lg_err (*subject_by_login)(void *self, struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_str name,
	    struct lg_sts_subject *ret);
	/* Any entry; LG_E_NOT_FOUND.  groups: fill them too, nested ones included. */
	lg_err (*subject_by_id)(void *self, struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_uuid id, bool groups,
	    struct lg_sts_subject *ret);
	/* LG_E_NOT_FOUND. */
	lg_err (*profile)(void *self, struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_uuid id, struct lg_sts_profile *ret);
	/* The stored password verifier, "{ARGON2}..."; LG_E_NOT_FOUND: no password. */
	lg_err (*verifier)(void *self, struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_uuid id, lg_str *ret);
	/* What a person's verified (or wrong) password comes to under the tenant's password policy: LG_OK signed in,
	 * LG_E_UNAUTHENTICATED wrong or locked, LG_E_EXPIRED right, but to be changed first.  On a worker, no view open.  May be NULL. */
	lg_err (*password_settle)(void *self, struct lg_ctx *cx, uint32_t tenant, lg_uuid id, lg_str address, lg_str verifier,
	    const struct lg_secret *password, bool match, bool upgrade);
	/* *least: how many characters one of theirs must have; 0: any number. */
	lg_err (*password_least)(void *self, struct lg_ctx *cx, uint32_t tenant, lg_uuid id, int64_t *least);
	/* A new password of a person, who is cx's actor: its verifier, if the tenant's rules take it, LG_E_INVALID or LG_E_DENIED with the
	 * reason; on a worker, no view open.  And, inside a mutation, in force, if policy permits; link: they proved who they are by one.
	 * What was obtained with the old one ends. */
	lg_err (*password_make)(void *self, struct lg_ctx *cx, uint32_t tenant, lg_uuid id, const struct lg_secret *password, lg_str *verifier);
	lg_err (*password_set)(void *self, struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_uuid id, lg_str verifier, bool link);
	/* The entry that a verified client certificate names; LG_E_NOT_FOUND or LG_E_DENIED when revoked. */
	lg_err (*peer_entry)(void *self, struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_str cert,
	    struct lg_sts_subject *ret);
	/* The entry of a name below the tenant's suffix, its parts in the order of a DN, the values as they are (not escaped); LG_E_NOT_FOUND. */
	lg_err (*subject_at)(void *self, struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, const struct lg_pair *rdn, size_t n,
	    struct lg_sts_subject *ret);
	/*
	 * Inside a mutation: the entry of somebody who was known as `known` (nil: not yet), brought up to date; created or linked with
	 * one that is there if need be and the source and policy allow it.  LG_E_DENIED with a sentence otherwise.
	 */
	lg_err (*person)(void *self, struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, const struct lg_sts_person *p, lg_uuid known,
	    struct lg_sts_subject *ret);
	/*
	 * Whether policy permits client:register of a client on the word of `who` (its type empty: nobody); LG_E_DENIED.  Inside a mutation: its
	 * entry, if so.  And its end.
	 */
	lg_err (*client_may)(void *self, struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, const struct lg_sts_subject *who);
	lg_err (*client_entry)(void *self, struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, const struct lg_sts_subject *who, lg_str name,
	    lg_uuid *ret);
	lg_err (*client_gone)(void *self, struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_uuid entry);
	/* The mailbox of the loop this is called on: where the store's answers come back. */
	struct lg_mailbox *(*mailbox)(void *self);
	/* A server of a source does not answer any more (why), or does again (why empty): for the operator's log.  May be NULL. */
	void (*server_silent)(void *self, lg_str source, lg_str url, lg_str why);
};

struct lg_sts_file {
	const char *name;		/* "web/login.html" */
	lg_str text;
};

struct lg_sts_options {
	struct lg_store *store;
	struct lg_sts_ports ports;
	struct lg_decider decider;
	struct lg_signer signer;
	struct lg_hasher hasher;
	struct lg_web outside;		/* issuers' keys and providers */
	struct lg_mailer mailer;
	struct lg_pool *workers;	/* what a request on a loop has to wait for */
	const struct lg_sts_file *files;	/* those of web/; must outlive the service */
	size_t nfiles;
};

LG_CHECKED lg_err lg_sts_new(struct lg_ctx *cx, const struct lg_sts_options *o, struct lg_sts **ret);
void lg_sts_free(struct lg_sts **sts);		/* after all threads that called it have ended */

extern const struct lg_table *const lg_sts_tables[];
extern const size_t lg_sts_table_count;
const struct lg_route *lg_sts_routes(size_t *n);

/* Deletes what has expired (codes, grants, sessions, revocations), at most 1,000 rows.  On a worker, every minute; *more: call again. */
LG_CHECKED lg_err lg_sts_sweep(struct lg_ctx *cx, struct lg_sts *sts, bool *more);

/*
 * Tells applications that sessions have ended (Back-Channel Logout 1.0), those of one of LG_STS_LANES lanes that are due.  On a worker, again
 * and again, each lane at most once at a time.
 */
#define LG_STS_LANES 4
LG_CHECKED lg_err lg_sts_notify(struct lg_ctx *cx, struct lg_sts *sts, unsigned lane);

/* ---- clients ------------------------------------------------------------------------------------------- */

#define LG_CLIENT_URIS		16
#define LG_CLIENT_SCOPES	32
#define LG_CLIENT_AUDIENCES	LG_AUDIENCES
#define LG_CLIENT_ID_MAX	64
#define LG_CLIENT_URI_MAX	1024
#define LG_CLIENT_JWKS_MAX	(16u << 10)
#define LG_CLIENT_CONTACTS	8
#define LG_CLIENT_ACRS		4
#define LG_CLIENT_TEXT_MAX	256	/* of what people are shown */

enum lg_client_auth {			/* token_endpoint_auth_method */
	LG_CLIENT_NONE = 0,		/* a public client: PKCE is forced */
	LG_CLIENT_SECRET,		/* client_secret_basic or client_secret_post */
	LG_CLIENT_TLS,			/* tls_client_auth: the certificate of the client's own entry, or one with the name in `certificate` (RFC 8705) */
	LG_CLIENT_JWT,			/* private_key_jwt (RFC 7523) */
	LG_CLIENT_FEDERATED,		/* federated_jwt: assertions of a trusted issuer of tokens, whose keys are in jwks */
	LG_CLIENT_SELF_TLS		/* self_signed_tls_client_auth: a certificate of one of the keys in jwks (RFC 8705 2.2) */
};

enum lg_client_grant {			/* bits */
	LG_GRANT_CODE = 1,
	LG_GRANT_REFRESH = 2,
	LG_GRANT_CLIENT = 4,
	LG_GRANT_DEVICE = 8,		/* RFC 8628 */
	LG_GRANT_EXCHANGE = 16,		/* RFC 8693 */
	LG_GRANT_BEARER = 32,		/* RFC 7523 2.1 */
	LG_GRANT_PASSWORD = 64		/* RFC 6749 4.3: for what cannot do better; never a default */
};

struct lg_sts_client {
	lg_str id;			/* client_id: the entry's name */
	lg_uuid entry;			/* its directory entry (Client or Service): who acts in client_credentials */
	lg_str type;			/* that entry's Cedar type: "Client", "Service" */
	bool enabled;
	enum lg_client_auth auth;
	unsigned grants;		/* of enum lg_client_grant */
	bool has_secret;
	lg_sha256 secret;		/* SHA-256 of the secret's text */
	lg_str jwks;			/* public keys for LG_CLIENT_JWT */
	enum lg_alg id_token_alg;	/* one of the issuer's: LG_ALG_ES256, RS256, PS256, EDDSA */
	bool introspect;		/* may introspect tokens that are not its own */
	bool dpop;			/* dpop_bound_access_tokens (RFC 9449 5.2): it gets no others */
	bool par;			/* require_pushed_authorization_requests (RFC 9126 6) */
	lg_str issuer, subject;		/* LG_CLIENT_FEDERATED: who speaks for it, and as whom */
	uint32_t access_life;		/* seconds; 0: LG_STS_ACCESS_LIFE */
	lg_str redirects[LG_CLIENT_URIS];
	size_t nredirects;
	lg_str logouts[LG_CLIENT_URIS];	/* post_logout_redirect_uris */
	size_t nlogouts;
	lg_str scopes[LG_CLIENT_SCOPES];
	size_t nscopes;
	lg_str audiences[LG_CLIENT_AUDIENCES];	/* resources it may name (RFC 8707) */
	size_t naudiences;
	/* What follows stands in the table of client_fields.c, by which it is read, judged, stored and written. */
	lg_str display, uri, logo, policy_uri, tos_uri;	/* what people are shown */
	lg_str contacts[LG_CLIENT_CONTACTS];
	size_t ncontacts;
	lg_str software, software_version;
	lg_str jwks_uri;		/* instead of jwks */
	lg_str certificate[LG_CERT_KINDS];	/* tls_client_auth_subject_dn, ..._san_dns, ... (RFC 8705 2.1.2), of LG_CLIENT_TLS: one at most */
	enum lg_alg access_alg;		/* LG_ALG_NONE: ES256 */
	enum lg_alg userinfo_alg;	/* LG_ALG_NONE: plain JSON */
	enum lg_alg introspection_alg;	/* LG_ALG_NONE: ES256 */
	enum lg_alg request_alg;	/* LG_ALG_NONE: its key's */
	bool signed_requests;		/* require_signed_request_object (RFC 9101 10.5) */
	lg_str request_uris[LG_CLIENT_URIS];
	size_t nrequest_uris;
	lg_str acrs[LG_CLIENT_ACRS];	/* default_acr_values */
	size_t nacrs;
	uint32_t max_age;		/* default_max_age, seconds; 0: none */
	lg_str initiate_login;		/* initiate_login_uri */
	lg_str backchannel, frontchannel;	/* where it is told that a session has ended */
	bool backchannel_session, frontchannel_session;	/* ... and which */
	bool mtls_bound;		/* tls_client_certificate_bound_access_tokens: it gets no others */
	bool secret_post;		/* it said client_secret_post when it registered */
	bool consent;			/* people are asked before it gets anything of theirs (consent.c) */
	bool fapi2;			/* held to the FAPI 2.0 Security Profile (fapi2.c) */
	uint32_t registered;		/* by itself (RFC 7591), seconds since 1970; 0: by an administrator */
	lg_str registration;		/* SHA-256 of its registration access token */
};

enum lg_sts_change { LG_STS_UNCHANGED, LG_STS_CHANGED, LG_STS_CREATED };

/*
 * Reads the members of one client from an object of /v1/apply (docs/tokens.md has them all).  base: what it is now, of which the
 * members that are not named stay; NULL: absent ones get the defaults of the type.  LG_E_INVALID names the member.
 */
LG_CHECKED lg_err lg_sts_client_read(struct lg_ctx *cx, lg_str json, const struct lg_sts_client *base, struct lg_sts_client *ret);
/* The defaults of a type, for services without JSON: client_credentials with a secret. */
void lg_sts_client_defaults(struct lg_sts_client *c, lg_str type);
void lg_sts_client_write(struct lg_jsonw *w, const struct lg_sts_client *c);	/* the same members; never the secret */
/*
 * Inside a mutation.  Creates or changes the client; c->entry must be set.  secret: the SHA-256 of a new secret's text
 * (lg_token_new), NULL: the old one stays.  LG_E_EXISTS: the id belongs to another entry.  Slices of a client that was read live as
 * long as the view.
 */
LG_CHECKED lg_err lg_sts_client_put(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, const struct lg_sts_client *c,
    const lg_sha256 *secret, enum lg_sts_change *ret);
LG_CHECKED lg_err lg_sts_client_get(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_str id, struct lg_sts_client *ret);
LG_CHECKED lg_err lg_sts_client_del(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_str id);	/* LG_E_NOT_FOUND */
/*
 * The algorithms that some client of the tenant wants to have tokens signed with, beside ES256, as bits (1 << enum lg_alg): the keys that
 * there have to be.  Whether some client may use the password grant.
 */
LG_CHECKED lg_err lg_sts_wanted_algs(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, unsigned *ret);
/* A client that needs a secret and has none yet: the caller makes one and shows it once. */
bool lg_sts_client_needs_secret(const struct lg_sts_client *c);

/* ---- identity sources: others whose word about who somebody is counts in a tenant (docs/federation.md) ------------- */

#define LG_SOURCES		64		/* of a tenant */
#define LG_SOURCE_NAME_MAX	32
#define LG_SOURCE_MAX		(48u << 10)	/* octets of its document */

/*
 * Reads a source's document (name, kind, ...), seals its secret; in cx's arena.  LG_E_INVALID names the member.  On a worker or a loop.
 */
struct sts_source;
LG_CHECKED lg_err lg_sts_source_read(struct lg_ctx *cx, struct lg_sts *sts, uint32_t tenant, lg_str json, struct sts_source **ret);
lg_str lg_sts_source_name(const struct sts_source *s);
/*
 * Inside a mutation.  A document without the secret keeps the one that is stored.  Whoever is turned off, or gets other keys or another
 * issuer, loses the tokens that were given for its word.  LG_E_EXISTS: the issuer is another source's; LG_E_LIMIT.
 */
LG_CHECKED lg_err lg_sts_source_put(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, const struct sts_source *s, enum lg_sts_change *ret);
LG_CHECKED lg_err lg_sts_source_del(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_str name);	/* LG_E_NOT_FOUND */
/* As it was read, without its secret; LG_E_NOT_FOUND. */
LG_CHECKED lg_err lg_sts_source_write(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_str name, struct lg_jsonw *w);
/* All of them, in an array, by name. */
LG_CHECKED lg_err lg_sts_sources_write(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, struct lg_jsonw *w);
/* Asks it what can be asked without anybody's credentials (keys, metadata, a bind); what it found, for the operator.  On a worker, no view
 * open. */
LG_CHECKED lg_err lg_sts_source_try(struct lg_ctx *cx, struct lg_sts *sts, uint32_t tenant, lg_str name, struct lg_jsonw *w);

/* ---- how well somebody can be known -------------------------------------------------------------------------- */

#define LG_STS_LEVELS 3
struct lg_sts_level {
	lg_str acr, amr;		/* amr: as policy is told of it, between blanks */
};
extern const struct lg_sts_level lg_sts_levels[LG_STS_LEVELS];	/* each better than the one before */

/* ---- mail to people: how a tenant sends it, links with which they set a password (docs/sign-in.md) ------------------ */

#define LG_MAIL_SETTINGS_MAX (24u << 10)	/* octets of the document */

/* Reads the document, seals its password; in cx's arena.  LG_E_INVALID names the member.  No view open. */
struct sts_mail_settings;
LG_CHECKED lg_err lg_sts_mail_read(struct lg_ctx *cx, struct lg_sts *sts, uint32_t tenant, lg_str json, struct sts_mail_settings **ret);
/* Inside a mutation.  A document without the password keeps the one that is stored, if it is for the same server and user. */
LG_CHECKED lg_err lg_sts_mail_put(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, const struct sts_mail_settings *s,
    enum lg_sts_change *ret);
LG_CHECKED lg_err lg_sts_mail_del(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant);	/* LG_E_NOT_FOUND */
/* As it was read, without its password; LG_E_NOT_FOUND. */
LG_CHECKED lg_err lg_sts_mail_write(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, struct lg_jsonw *w);
/* Sends a message to this address at once.  On a worker, no view open.  The failure is the mail server's word. */
LG_CHECKED lg_err lg_sts_mail_try(struct lg_ctx *cx, struct lg_sts *sts, uint32_t tenant, lg_str to);
/* Sends what is due of one of LG_STS_MAIL_LANES lanes, as lg_sts_notify does.  LG_E_UNAVAILABLE: a message was not delivered; it is tried
 * again for a while. */
#define LG_STS_MAIL_LANES 2
LG_CHECKED lg_err lg_sts_mail(struct lg_ctx *cx, struct lg_sts *sts, unsigned lane);

struct lg_sts_mail_figures {
	uint64_t waiting, sent, failed, dropped;	/* failed: attempts; dropped: given up, or nobody's */
};
void lg_sts_mail_figures(struct lg_sts *sts, struct lg_sts_mail_figures *ret);

/* Inside a mutation, whose caller has decided and names it to the audit: a link for an administrator to hand over. */
struct lg_sts_link {
	lg_str url;
	int64_t expires;		/* microseconds */
};
LG_CHECKED lg_err lg_sts_link_new(struct lg_ctx *cx, struct lg_sts *sts, struct lg_view *v, uint32_t tenant, lg_uuid subject,
    struct lg_sts_link *ret);
/* ... or one that is mailed.  LG_E_CONFLICT: they have no address, or the tenant no mail server. */
LG_CHECKED lg_err lg_sts_link_mail(struct lg_ctx *cx, struct lg_sts *sts, struct lg_view *v, uint32_t tenant, lg_uuid subject);
/* Inside a mutation: a password was changed, by whichever way; its owner is told if the tenant wants that. */
LG_CHECKED lg_err lg_sts_password_notice(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_uuid subject);
/* Inside a mutation: mail to this address reached them, or somebody whose word counts says so.  And whether that was said of it. */
LG_CHECKED lg_err lg_sts_mail_proved(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_uuid subject, lg_str mail);
bool lg_sts_mail_is_proved(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_uuid subject, lg_str mail);

/* ---- what people have, for administrators --------------------------------------------------------------------------- */

/* {"factors":[{"id","kind","name",...}]}: second factors, without anything secret. */
LG_CHECKED lg_err lg_sts_factors_write(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_uuid subject, struct lg_jsonw *w);
/* {"sessions":[{"id","began",...}]} */
LG_CHECKED lg_err lg_sts_sessions_write(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_uuid subject, struct lg_jsonw *w);
/* Inside a mutation, by their id in these lists; LG_E_NOT_FOUND.  Recovery codes go with the last factor that they stand in for. */
LG_CHECKED lg_err lg_sts_factor_del(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_uuid subject, lg_str id);
LG_CHECKED lg_err lg_sts_session_del(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_uuid subject, lg_uuid id);

/* ---- tokens -------------------------------------------------------------------------------------------------- */

#define LG_STS_ACCESS_LIFE	300		/* seconds */
#define LG_STS_ACCESS_LIFE_MAX	3600
#define LG_STS_SESSION_TOKEN_LIFE 3600		/* POST /v1/login */
#define LG_STS_CODE_LIFE	60
#define LG_STS_SESSION_LIFE	(12 * 3600)	/* browser session, and refresh without offline_access */
#define LG_STS_OFFLINE_LIFE	(30 * 86400)	/* refresh with offline_access */
#define LG_STS_REFRESH_GRACE	10

/* The holder of a good token. */
struct lg_sts_bearer {
	struct lg_claims claims;	/* slices in cx's arena */
	struct lg_sts_subject subject;	/* as the directory knows it now; without groups; in cx's arena */
};
/*
 * Accepts an at+jwt of this tenant for this audience: signature, type, issuer, times, revocation, sender constraint (peer_cert: DER,
 * empty without one) and that its subject still exists and is enabled.  Verified signatures are remembered; everything else is
 * checked at each use.  On any thread.  LG_E_UNAUTHENTICATED or LG_E_EXPIRED with a sentence.
 */
LG_CHECKED lg_err lg_sts_token_check(struct lg_ctx *cx, struct lg_sts *sts, struct lg_view *v, uint32_t tenant, lg_str token,
    lg_str audience, lg_str peer_cert, struct lg_sts_bearer *ret);
/*
 * The same for the token that a request brought in its Authorization header, as Bearer or with a DPoP proof (RFC 9449 7.1): the
 * certificate is its peer's, method and path its own.  What is wrong with it stands in the answer's WWW-Authenticate (RFC 6750 3, RFC 9449
 * 7.1), with the nonce that the next proof has to carry.
 */
LG_CHECKED lg_err lg_sts_request_check(struct lg_http *ex, struct lg_sts *sts, struct lg_view *v, lg_str audience,
    struct lg_sts_bearer *ret);
/* "Bearer x" of an Authorization header, scheme in any case; empty if it is something else. */
lg_str lg_sts_bearer_of(lg_str authorization);

/*
 * Name and password alone, counted and judged as every sign-in is: LG_OK or LG_E_EXPIRED when they are right, and *ret says whose they
 * are, who is cx's actor then.  On a worker, no view open.
 */
LG_CHECKED lg_err lg_sts_password_check(struct lg_ctx *cx, struct lg_sts *sts, uint32_t tenant, lg_str username,
    const struct lg_secret *password, const struct lg_peer *peer, struct lg_sts_subject *ret);

struct lg_sts_session_token {
	lg_str token;
	int64_t expires_in;		/* seconds */
	struct lg_sts_subject subject;
};
/*
 * POST /v1/login: checks name and password and issues a token with the audiences <issuer>/v1 and <issuer>/access/v1.  On a worker,
 * and not while a view of its is open: the hash takes long.
 * code: of the second factor of whoever has one (an application's, or for recovery); without it LG_E_DENIED.
 * LG_E_UNAUTHENTICATED for a wrong name, password or disabled account alike; LG_E_LIMIT when throttled; LG_E_DENIED by policy.
 */
LG_CHECKED lg_err lg_sts_issue_session_token(struct lg_ctx *cx, struct lg_sts *sts, uint32_t tenant, lg_str username,
    const struct lg_secret *password, lg_str code, const struct lg_peer *peer, struct lg_sts_session_token *ret);
/* What policy is asked when somebody signs in so; the principal is left out.  For whoever must know whether that is possible. */
LG_CHECKED lg_err lg_sts_signin_question(struct lg_ctx *cx, struct lg_sts *sts, uint32_t tenant, struct lg_question *ret);
/* The operator says that failed attempts on this entry's password shall be forgotten. */
void lg_sts_forgive(struct lg_ctx *cx, struct lg_sts *sts, uint32_t tenant, lg_uuid subject);

/* Inside a mutation: an entry is deleted; its second factors and consents go with it. */
LG_CHECKED lg_err lg_sts_forget(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_uuid subject);

/* ---- revocation ------------------------------------------------------------------------------------------------ */

enum lg_revoked {
	LG_REVOKED_JTI = 1,		/* one token */
	LG_REVOKED_SESSION,		/* tokens with this sid */
	LG_REVOKED_SUBJECT,		/* everything of an entry: tokens, sessions, refresh tokens */
	LG_REVOKED_TENANT		/* every token of the tenant; the id is empty */
};
#define LG_REVOKED_ID_MAX 64

/*
 * Passwords that are looked at elsewhere (LDAP's bind): one throttle for all.  `may` before the password is looked at, LG_E_LIMIT: too
 * many were wrong, wait; `done` afterwards.  Many at once are let through, since clients of LDAP bind one account on many
 * connections; what was wrong among them counts.  account: the entryUUID where there is one.
 */
LG_CHECKED lg_err lg_sts_attempt_may(struct lg_ctx *cx, struct lg_sts *sts, uint32_t tenant, lg_str address, lg_str account);
void lg_sts_attempt_done(struct lg_ctx *cx, struct lg_sts *sts, uint32_t tenant, lg_str address, lg_str account, bool good);

/*
 * Inside a mutation: tokens of (kind, id) issued at or before not_before (microseconds) are refused from the commit on.  The id is text
 * as it stands in the claim: jti, sid, the entryUUID in lower case.
 */
LG_CHECKED lg_err lg_sts_revoke(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, enum lg_revoked kind, lg_str id,
    int64_t not_before);
/* The whole set, for bundles; false from the callback ends it. */
typedef bool lg_sts_revoked_each(void *arg, enum lg_revoked kind, lg_str id, int64_t not_before);
LG_CHECKED lg_err lg_sts_revocations(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_sts_revoked_each *each, void *arg);

#endif
