/*
 * sts.h: what the files of this folder share: the service itself, one request, rows and their keys.
 * The HTTP endpoints, one a file, are at the bottom.
 */
#ifndef LG_STS_STS_H
#define LG_STS_STS_H

#include "base/clock.h"
#include "base/json.h"
#include "lightgate/store.h"
#include "lightgate/sts.h"

#define STS_SCOPE_MAX		1024	/* octets of a scope parameter */
#define STS_STATE_MAX		2048	/* of state and of nonce */
#define STS_AHEAD		10	/* seconds that a token may be dated ahead, for those revoked in one second after another */
#define STS_CLIENTS		100000	/* of all tenants; beyond it nobody registers by himself */
#define STS_LOGIN_MAX		256	/* of a user name */

struct lg_sts {
	struct lg_store *store;
	struct lg_sts_ports ports;
	struct lg_decider decider;
	struct lg_signer signer;
	struct lg_hasher hasher;
	struct sts_web *web;			/* pages and messages */
	struct lg_pool *workers;
	struct lg_web outside;
	struct lg_mailer mailer;
	struct sts_mail_counts *mail_counts;
	struct sts_foreign *foreign;		/* what identity sources publish */
	unsigned outside_waiting;		/* requests that have something fetched for them; atomic */
	unsigned ldap_waiting;			/* sign-ins at other directories; atomic */
	struct sts_silent *silent;		/* their servers that do not answer */
	struct sts_kept *tokens, *answers;	/* verified ones; those that were given */
	uint64_t instance;			/* of this process: no two are the same */
	struct sts_throttle *throttle;
	struct sts_shares *shares;
	struct sts_shares *refusals, *all_refusals;	/* of tokens, on record: of each, and of all together (refused.c) */
	struct sts_replay *replay;		/* client assertions that were used */
	struct sts_replay *proofs;		/* DPoP proofs that were used, devices that have just asked */
	struct lg_arena *arena;			/* as long as the service */
};

/* ---- OAuth errors (oauth_error.c): one list, one mapping ----------------------------------------------- */

enum sts_error {
	STS_NO_ERROR = 0,		/* then lg_err alone says what it is */
	STS_INVALID_REQUEST, STS_INVALID_CLIENT, STS_INVALID_GRANT, STS_UNAUTHORIZED_CLIENT, STS_UNSUPPORTED_GRANT_TYPE,
	STS_INVALID_SCOPE, STS_INVALID_TARGET, STS_ACCESS_DENIED, STS_UNSUPPORTED_RESPONSE_TYPE, STS_LOGIN_REQUIRED, STS_CONSENT_REQUIRED,
	STS_UNMET_AUTHENTICATION,
	STS_INVALID_REQUEST_OBJECT, STS_INVALID_REQUEST_URI, STS_REGISTRATION_NOT_SUPPORTED, STS_INVALID_REDIRECT_URI,
	STS_INVALID_CLIENT_METADATA, STS_UNAPPROVED_SOFTWARE_STATEMENT,
	STS_UNSUPPORTED_TOKEN_TYPE, STS_INVALID_TOKEN, STS_INSUFFICIENT_SCOPE,
	STS_INVALID_DPOP_PROOF, STS_USE_DPOP_NONCE, STS_AUTHORIZATION_PENDING, STS_SLOW_DOWN, STS_EXPIRED_TOKEN, STS_UNAVAILABLE, STS_SERVER_ERROR
};

/* ---- one request ------------------------------------------------------------------------------------------ */

struct sts_rq {
	struct lg_sts *sts;
	struct lg_http *ex;
	struct lg_ctx *cx;
	uint32_t tenant_id;
	struct lg_sts_tenant tenant;	/* issuer and mtls copied; keys only in this turn */
	struct lg_view *view;		/* only in this turn */
	struct lg_form form;
	/* RFC 8707, RFC 8693; not in the form, since they may be repeated */
	lg_str resource[LG_AUDIENCES], audience[LG_AUDIENCES];
	size_t nresources, naudiences;
	lg_str ui_locales;		/* languages that the application asks for, in order of preference */
	bool pushing, resumed;		/* an authorization request at its own endpoint; one whose sign-in is under way */
	struct lg_sts_client client;	/* after authentication; in the arena */
	bool signed_request;		/* its parameters came in a request object */
	bool asks_token;		/* the client is known, and wants one from the token endpoint */
	bool by_certificate;		/* it proved itself by its certificate: its tokens are bound to it */
	lg_str jkt;			/* thumbprint of the key it proved (RFC 9449); empty: none */
	enum sts_error error;
	void *grant;			/* the token endpoint's: what the grant keeps between its steps */
	/* What begins anew when others' keys are there: the endpoint, or, after the client has proved itself (which it can do once), the
	 * grant alone. */
	lg_err (*run)(struct sts_rq *), (*grant_run)(struct sts_rq *);
	lg_str source, source_sid;	/* the identity source that vouched for the client, and what its tokens are known by */
	int64_t not_after;		/* microseconds: what is issued ends before; 0: no such bound */
	unsigned looks;			/* in later turns, for what was not there yet */
};

/* Tenant's data into the arena; nothing is read of the store. */
LG_CHECKED lg_err sts_rq_new(struct lg_sts *sts, struct lg_http *ex, struct sts_rq **ret);
/* A whole endpoint that reads one snapshot: run, and the JSON answer when it fails. */
lg_err sts_rq_run(struct lg_sts *sts, struct lg_http *ex, lg_err (*run)(struct sts_rq *));
/* The same request, in another turn.  As a handler. */
lg_err sts_rq_again(struct sts_rq *rq);
/*
 * What the request names is not in this turn's snapshot: it may be newer, answered by another thread meanwhile.  LG_PENDING: the grant
 * begins anew in a later turn; LG_E_NOT_FOUND: that was done already.
 */
LG_CHECKED lg_err sts_rq_look_again(struct sts_rq *rq);
/* The POST body: form-encoded, nothing repeated. */
LG_CHECKED lg_err sts_rq_form(struct sts_rq *rq);
/* A form or query into rq->form and rq->resource (form.c). */
LG_CHECKED lg_err sts_form_read(struct sts_rq *rq, lg_str text);
/* Until somebody is known, and after: policy and audit rows are told from where. */
void sts_came_from(struct lg_ctx *cx, uint32_t tenant, const struct lg_peer *peer);
/* From here on audit rows and decisions name this entry as the one who acts. */
void sts_act_as(struct lg_ctx *cx, uint32_t tenant, lg_uuid id, lg_str type, lg_str name);
/* "User/alice", as the trail calls people; in the arena. */
lg_str sts_subject_called(struct lg_arena *a, const struct lg_sts_subject *s);
/* The running change is about this person (whose id stands there when the entry is gone). */
void sts_audit_person(struct lg_ctx *cx, struct lg_sts *sts, struct lg_view *v, uint32_t tenant, lg_uuid id, lg_str detail);
/* Somebody was not let in: on record, as decisions are.  who: as far as it is known, NULL or without an id else. */
void sts_signin_refused(struct lg_ctx *cx, struct lg_sts *sts, uint32_t tenant, const struct lg_sts_subject *who, lg_str why);
/* A program got no token, or was not let in: on record if there is room for it. */
void sts_token_refused(struct sts_rq *rq, enum sts_error e, lg_str why);
/* Likewise for who may not register a client; who: its type empty: nobody knows. */
void sts_registration_refused(struct sts_rq *rq, const struct lg_sts_subject *who, lg_str why);
/* Records the OAuth error beside the sentence; returns LG_E_INVALID. */
lg_err sts_refuse(struct sts_rq *rq, enum sts_error e, const char *fmt, ...) LG_PRINTF(3, 4);
/* The error that goes to a client when a function returned e. */
enum sts_error sts_error_of(const struct sts_rq *rq, lg_err e);
const char *sts_error_name(enum sts_error e);
int sts_error_status(enum sts_error e);
/* error_description: without what RFC 6749 does not allow in it, and without the sentence of our own faults. */
lg_str sts_error_text(const struct sts_rq *rq, enum sts_error e);
/* Writes the JSON answer with its status and headers.  Always LG_OK, so that handlers can return it. */
lg_err sts_answer_error(struct sts_rq *rq, lg_err e);
/* 401 or 403 of a protected resource with WWW-Authenticate: Bearer (RFC 6750 3). */
lg_err sts_answer_bearer_error(struct sts_rq *rq, lg_err e);
/* The headers alone, for an answer that somebody else writes. */
void sts_challenge(struct sts_rq *rq, lg_err e);
/* DPoP-Nonce, if the request brought a proof. */
void sts_give_nonce(struct sts_rq *rq);
void sts_no_store(struct lg_http *ex);
void sts_json(struct lg_http *ex);	/* Content-Type */
void sts_groups(struct lg_jsonw *w, const struct lg_sts_subject *s);	/* the claim: names, in an array */

/* ---- tables and rows (tables.c, rows.c) ------------------------------------------------------------------- */

extern const struct lg_table sts_clients, sts_codes, sts_grants, sts_sessions, sts_revoked, sts_expiry, sts_pushed, sts_devices, sts_wants,
    sts_session_subjects, sts_visits, sts_notices;
struct lg_derive;
void sts_client_derive(struct lg_derive *d, lg_str key, lg_str value);
bool sts_passwords_wanted(struct sts_rq *rq);	/* some client may use that grant */

lg_str sts_key(struct lg_arena *a, uint32_t tenant, lg_str rest);
void sts_derive_expiry(struct lg_derive *d, lg_str key, lg_str value);	/* of tables whose rows begin with sts_row_begin */
lg_str sts_uuid_str(const lg_uuid *u);		/* its 16 octets */
/* The first 10 octets of every row that expires: version, number of its table, second at which it may go. */
void sts_row_begin(struct lg_buf *b, const struct lg_table *t, int64_t drop_us);
struct lg_rd sts_row_open(lg_str row, const struct lg_table *t);	/* bad when the front is not as it should be */

void sts_row_put_list(struct lg_buf *b, const lg_str *v, size_t n);
size_t sts_row_get_list(struct lg_rd *rd, lg_str *v, size_t max);	/* marks rd bad beyond max */

/* How somebody signed in: what the session knows, and codes, grants and ID tokens carry on. */
struct sts_signed_in {
	lg_str acr;			/* one of acr.c; empty in rows of older releases: a password */
	lg_str amr;			/* RFC 8176, separated by blanks: "pwd otp" */
};

/* Claims that a request asked for one by one (OpenID Connect Core 5.5): names, separated by blanks. */
struct sts_wanted {
	lg_str id_token, userinfo;
};

/* An authorization code; key SHA-256(code). */
struct sts_code {
	lg_str client, redirect, nonce, scope, challenge;	/* challenge: 43 characters, or empty */
	lg_str audience[LG_AUDIENCES];
	size_t naudience;
	lg_uuid subject, session;
	int64_t auth_time, expires;	/* microseconds */
	lg_str jkt;			/* whoever redeems it proves this key; empty: any */
	struct sts_signed_in how;
	struct sts_wanted wanted;
	bool used;
	lg_uuid grant;			/* after its use */
	lg_str jti;			/* of the access token of its first use */
};
LG_CHECKED lg_err sts_code_get(struct lg_ctx *cx, struct lg_view *v, lg_str key, struct sts_code *ret);
LG_CHECKED lg_err sts_code_put(struct lg_ctx *cx, struct lg_view *v, lg_str key, const struct sts_code *c);

/* A device that waits for a person's answer; key its user code.  What it asked for, and then who allowed it, is in `code`. */
#define STS_USER_CODE	8
enum sts_device_state { STS_DEVICE_WAITING = 1, STS_DEVICE_ALLOWED, STS_DEVICE_REFUSED };
struct sts_device {
	lg_sha256 secret;		/* of the device code */
	enum sts_device_state state;
	struct sts_code code;
};
LG_CHECKED lg_err sts_device_get(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_str user_code, struct sts_device *ret);
LG_CHECKED lg_err sts_device_put(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_str user_code, const struct sts_device *d);
LG_CHECKED lg_err sts_device_del(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_str user_code);	/* LG_E_NOT_FOUND */
lg_str sts_user_code_read(struct lg_arena *a, lg_str typed);	/* as people type it; empty: it is none */
lg_str sts_user_code_show(struct lg_arena *a, lg_str code);	/* "BCDF-GHJK" */

/* A refresh family: what was granted, and which of its tokens is the living one; key its id. */
struct sts_grant {
	lg_uuid id;
	lg_str client, scope;
	lg_uuid client_entry;		/* a client that takes the name of one that is gone is another; nil: of an older release */
	lg_str audience[LG_AUDIENCES];
	size_t naudience;
	lg_uuid subject, session;
	int64_t auth_time, expires, rotated;
	struct sts_signed_in how;
	struct sts_wanted wanted;
	bool offline;			/* outlives its session */
	uint32_t generation;
	lg_sha256 current, previous;	/* of the tokens' text */
	lg_str jkt, x5t;		/* a public client's key and certificate, which every refresh proves; empty: none */
};
LG_CHECKED lg_err sts_grant_get(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_uuid id, struct sts_grant *ret);
LG_CHECKED lg_err sts_grant_put(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, const struct sts_grant *g);

/* A browser session; key its id.  The cookie is "<id>.<secret>": a step that proves more changes the secret and keeps the id, which
 * is the sid of tokens. */
#define STS_AGENT_MAX	200
struct sts_session {
	lg_uuid id;
	lg_uuid subject;
	int64_t auth_time, expires;
	struct sts_signed_in how;
	int64_t began;			/* microseconds */
	lg_sha256 cookie;		/* of the cookie's text */
	lg_str address, agent;		/* where it began, and what the browser says that it is */
};
LG_CHECKED lg_err sts_session_get(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_uuid id, struct sts_session *ret);
LG_CHECKED lg_err sts_session_put(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, const struct sts_session *s);
/* LG_E_NOT_FOUND when it expired or its subject was revoked since. */
LG_CHECKED lg_err sts_session_live(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_uuid id, struct sts_session *ret);
/* ---- the end of sessions (ended.c): all of it inside mutations, but for the lists ---------------------------------------- */

#define STS_VISITS	64		/* applications of one session that are told of its end */
#define STS_NOTICES	50000		/* that wait at a time; beyond it nobody is told */

/* This client got tokens in the session. */
LG_CHECKED lg_err sts_visit_put(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_uuid session, const struct lg_sts_client *client);
LG_CHECKED lg_err sts_visits_list(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_uuid session, lg_str ret[STS_VISITS], size_t *n);
/* A client has yet to be told; key: where the row is. */
struct sts_notice {
	lg_str key;
	uint32_t tenant;
	int64_t due;			/* microseconds */
	lg_uuid id;
	lg_str client;
	lg_uuid subject, session;
	uint8_t attempts;
};
LG_CHECKED lg_err sts_notice_put(struct lg_ctx *cx, struct lg_view *v, const struct sts_notice *nt);
bool sts_notice_read(struct lg_arena *a, lg_str key, lg_str row, struct sts_notice *ret);

/* ---- what is told to others, and tried again for a while (outbox.c): key u32 tenant, u64 when it is due, its id ------------- */

#define STS_OUTBOX_TURN	16		/* of one turn of a lane */
struct sts_outbox {
	lg_str key[STS_OUTBOX_TURN], row[STS_OUTBOX_TURN];	/* in cx's arena */
	size_t n;
};
lg_str sts_outbox_key(struct lg_arena *a, uint32_t tenant, int64_t due, lg_uuid id);
bool sts_outbox_place(lg_str key, uint32_t *tenant, int64_t *due, lg_uuid *id);
/* What of one of several lanes is due.  On a worker, no view open. */
LG_CHECKED lg_err sts_outbox_due(struct lg_ctx *cx, struct lg_sts *sts, const struct lg_table *t, unsigned lane, unsigned lanes,
    struct sts_outbox *ret);
int64_t sts_outbox_pause(unsigned attempts);	/* microseconds to the next attempt; 0: there is none */

/* Live and expired ones, at most max. */
LG_CHECKED lg_err sts_sessions_of(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_uuid subject, lg_uuid *ret, size_t max, size_t *n);
/* Every session of a subject that began at or before not_before. */
LG_CHECKED lg_err sts_subject_end(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_uuid subject, int64_t not_before);
/* The session and every token of it; its applications are told. */
LG_CHECKED lg_err sts_session_end(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_uuid id);

/* ---- revocation (revoked.c) ------------------------------------------------------------------------------- */

/* Whether (kind, id) stands in the set for something made at `issued` (microseconds). */
bool sts_is_revoked(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, enum lg_revoked kind, lg_str id, int64_t issued);
/* All four kinds, for a token. */
bool sts_token_revoked(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, const struct lg_claims *c);

/* ---- verified tokens (check.c, cache.c), answers that were given (again.c), what both are kept in (kept.c) --------------- */

#define STS_KEPT_MAX		6144	/* octets; of what is larger nothing is kept */

struct sts_kept;
LG_CHECKED lg_err sts_kept_new(struct lg_ctx *cx, struct sts_kept **ret);
void sts_kept_free(struct sts_kept **k);
/* A copy in cx's arena, aligned for whatever it was.  No lock: whoever reads waits for nobody. */
bool sts_kept_get(struct sts_kept *k, struct lg_ctx *cx, const lg_sha256 *key, lg_str *ret);
void sts_kept_put(struct sts_kept *k, struct lg_ctx *cx, const lg_sha256 *key, lg_str value);

bool sts_cache_get(struct lg_sts *sts, struct lg_ctx *cx, uint32_t tenant, uint64_t keys_revision, const lg_sha256 *token,
    struct lg_claims *ret);
void sts_cache_put(struct lg_sts *sts, struct lg_ctx *cx, uint32_t tenant, uint64_t keys_revision, const lg_sha256 *token,
    const struct lg_claims *claims);

/* A question, as it stands between its asking and its answer. */
struct sts_again {
	lg_sha256 question;
	bool keep;			/* its answer may be given again */
};
/*
 * With a view open.  True: the answer is in rq->ex, the same as before.  A question is all that a request says of who asks what; one
 * that brings a certificate or a proof is never answered so.
 */
bool sts_again(struct sts_rq *rq, const char *endpoint, struct sts_again *ret);
/* The answer that is in rq->ex holds as long as this token, the tenant's keys and all that answers are made from. */
void sts_again_keep(struct sts_rq *rq, const struct sts_again *again, const struct lg_claims *token);

/* Signature, typ, issuer and times; not audience, revocation, subject. */
LG_CHECKED lg_err sts_token_verify(struct lg_ctx *cx, struct lg_sts *sts, uint32_t tenant, const struct lg_sts_tenant *t,
    lg_str token, struct lg_claims *ret);
/* Copies what a port's answer points to: it may have been in a snapshot. */
void sts_subject_keep(struct lg_arena *a, struct lg_sts_subject *s);
/* An ID token of ours, however old: a hint, never a credential. */
LG_CHECKED lg_err sts_hint_verify(struct sts_rq *rq, lg_str token, struct lg_claims *ret);
/* jkt: the key that was proved, empty if none. */
LG_CHECKED lg_err sts_sender_check(struct lg_ctx *cx, const struct lg_claims *c, lg_str peer_cert, lg_str jkt);
bool sts_read_scheme(lg_str authorization, lg_str *token, bool *dpop);
/* A token that came with this request; dpop: under that scheme, with a proof. */
LG_CHECKED lg_err sts_request_check(struct sts_rq *rq, struct lg_view *v, lg_str token, bool dpop, lg_str audience,
    struct lg_sts_bearer *ret);
/* A token given to this client, or meant for it. */
bool sts_token_meant_for(const struct sts_rq *rq, const struct lg_claims *c);
lg_str sts_peer_cert(const struct lg_peer *peer);		/* verified or not; empty without one */
lg_str sts_thumbprint(struct lg_arena *a, lg_str cert);		/* x5t#S256 of a DER certificate */

/* ---- what is good once (replay.c), proofs of possession (dpop.c) ---------------------------------------------- */

/* Room for so many ids, each of which is kept for so long at most. */
struct sts_replay_size {
	size_t slots;
	int64_t life;
};
extern const struct sts_replay_size sts_replay_proofs, sts_replay_assertions;
LG_CHECKED lg_err sts_replay_new(struct lg_ctx *cx, const struct sts_replay_size *size, struct sts_replay **ret);
void sts_replay_free(struct sts_replay **r);
int64_t sts_replay_started(const struct sts_replay *r);
/* LG_E_EXISTS when the id was used and its time is not over; LG_E_BUSY when there is no room, or none for who has used his share up. */
LG_CHECKED lg_err sts_replay_use(struct lg_ctx *cx, struct sts_replay *r, uint32_t tenant, lg_str whose, lg_str id, int64_t until);

/* A request that brings a proof. */
struct sts_proved {
	lg_str method, path, proof;
	lg_str token;			/* at resources; empty at the token endpoint */
	lg_str whose;			/* share of the proofs that are remembered */
};
/* *jkt: the thumbprint of the key.  LG_E_UNAUTHENTICATED; *wants_nonce: a nonce is missing or too old. */
LG_CHECKED lg_err sts_dpop_check(struct lg_ctx *cx, struct lg_sts *sts, uint32_t tenant, const struct lg_sts_tenant *t,
    const struct sts_proved *r, lg_str *jkt, bool *wants_nonce);
/* The proof of a request to one of our endpoints for clients, if there is one, into rq->jkt. */
LG_CHECKED lg_err sts_dpop_of(struct sts_rq *rq);
#define STS_DPOP_ALGS	"ES256 EdDSA PS256 ES384"
LG_CHECKED lg_err sts_dpop_nonce(struct lg_ctx *cx, struct lg_sts *sts, uint32_t tenant, lg_str *ret);

/* ---- clients (client_auth.c, assertion.c, redirect.c) -------------------------------------------------------- */

/* Fills rq->client (a copy in the arena) or refuses with invalid_client. */
LG_CHECKED lg_err sts_client_authenticate(struct sts_rq *rq);
LG_CHECKED lg_err sts_client_load(struct sts_rq *rq, lg_str id, struct lg_sts_client *ret);	/* LG_E_NOT_FOUND */
/* The keys for a token that the client signed: its own, or those at its jwks_uri.  On a loop; LG_PENDING: they are fetched, and the request
 * begins anew then. */
LG_CHECKED lg_err sts_client_keys(struct sts_rq *rq, const struct lg_sts_client *c, lg_str token, struct lg_keyset **ret);
/* What is asked of an assertion beside who speaks of whom.  Refused with invalid_client. */
struct sts_assertion {
	const char *what;		/* "client assertion": in sentences */
	lg_str audience;		/* the one it must be for; empty: our issuer or token endpoint */
	int64_t life;			/* microseconds that it may still live */
};
LG_CHECKED lg_err sts_assertion_verify(struct sts_rq *rq, lg_str token, const struct lg_keyset *keys, const struct sts_assertion *want,
    struct lg_claims *ret);
LG_CHECKED lg_err sts_assertion_check(struct sts_rq *rq, const struct lg_sts_client *c, lg_str assertion);
LG_CHECKED lg_err sts_federated_check(struct sts_rq *rq, const struct lg_sts_client *c, lg_str assertion);
/* The claims of an assertion, before anything of it is believed. */
LG_CHECKED lg_err sts_assertion_peek(struct sts_rq *rq, lg_str assertion, struct lg_claims *ret);

/* ---- what a client says about itself (client_fields.c, client_json.c) ---------------------------------------- */

/* What tokens can be signed with, and what clients may sign with; bits 1 << enum lg_alg. */
#define STS_TOKEN_ALG_BITS	(1u << LG_ALG_ES256 | 1u << LG_ALG_RS256 | 1u << LG_ALG_PS256 | 1u << LG_ALG_EDDSA)
#define STS_CLIENT_ALG_BITS	(STS_TOKEN_ALG_BITS | 1u << LG_ALG_ES384)

enum sts_field_kind { STS_FIELD_TEXT, STS_FIELD_LIST, STS_FIELD_FLAG, STS_FIELD_ALG, STS_FIELD_NUMBER };
struct sts_client_field {
	lg_str name, metadata;		/* in state documents, in registrations (RFC 7591); empty: not there */
	uint8_t tag;			/* in rows */
	enum sts_field_kind kind;
	size_t at, count_at, max;	/* in struct lg_sts_client */
	lg_err (*check)(struct lg_ctx *cx, lg_str value);	/* of each text; NULL: any */
};
extern const struct sts_client_field sts_client_fields[];
extern const size_t sts_client_field_count;
void sts_field_read(struct lg_json *js, const struct sts_client_field *f, struct lg_sts_client *c);
void sts_field_write(struct lg_jsonw *w, lg_str name, const struct sts_client_field *f, const struct lg_sts_client *c);
void sts_fields_encode(struct lg_buf *b, const struct lg_sts_client *c);
void sts_fields_decode(struct lg_rd *rd, struct lg_sts_client *c);	/* to the end of the row */
LG_CHECKED lg_err sts_fields_check(struct lg_ctx *cx, const struct lg_sts_client *c);
LG_CHECKED lg_err sts_client_check(struct lg_ctx *cx, const struct lg_sts_client *c);	/* and how they go together */
size_t sts_client_certificates(const struct lg_sts_client *c);	/* names of its certificate that it says */
unsigned sts_grant_bit(lg_str name);				/* 0: not known */
void sts_grants_write(struct lg_jsonw *w, lg_str name, unsigned bits);
bool sts_auth_parse(lg_str name, enum lg_client_auth *ret);
lg_str sts_auth_name(enum lg_client_auth auth);
void sts_person_scopes(struct lg_sts_client *c);		/* what an application for people gets unless it says otherwise */
LG_CHECKED lg_err sts_https_valid(struct lg_ctx *cx, lg_str uri);		/* https, nothing after '#' (redirect.c) */
LG_CHECKED lg_err sts_request_uri_valid(struct lg_ctx *cx, lg_str uri);	/* https; RFC 9101 5.2: a fragment may name its digest */

/* What may be registered: https, loopback http, or a private-use scheme with a dot; no fragment, user, blank or escape tricks. */
LG_CHECKED lg_err sts_redirect_valid(struct lg_ctx *cx, lg_str uri);
/* Exactly a registered one, except for the port of a loopback address (RFC 8252 7.3). */
bool sts_redirect_matches(lg_str registered, lg_str given);
/* scheme://host:port of an http(s) URI, "scheme:" of another: for form-action. */
lg_str sts_redirect_origin(lg_str uri);

/* ---- scopes and audiences (scope.c) --------------------------------------------------------------------------- */

bool sts_scope_has(lg_str scope, lg_str one);
bool sts_scope_within(lg_str scope, lg_str wider);
/* RFC 6749 3.3: syntax, bounds. */
bool sts_scope_valid(lg_str scope);
/* The part of `asked` that the client may have; all it may have (without offline_access) when nothing was asked. */
lg_str sts_scope_allowed(struct lg_arena *a, const struct lg_sts_client *c, lg_str asked);
lg_str sts_scope_join(struct lg_arena *a, const lg_str *v, size_t n);
size_t sts_scope_split(struct lg_arena *a, lg_str scope, lg_str **ret);

/* ---- claims (claims.c) --------------------------------------------------------------------------------------------- */

/* A person as tokens and userinfo speak of them, in the arena. */
struct sts_said {
	struct lg_sts_subject subject;
	struct lg_sts_profile profile;
};
/* As the directory has them now; with what these scopes and names need.  LG_E_NOT_FOUND. */
LG_CHECKED lg_err sts_claims_read(struct sts_rq *rq, lg_uuid id, lg_str scope, lg_str names, struct sts_said *ret);
/* The same of a subject that was read in this view, without groups. */
LG_CHECKED lg_err sts_claims_of(struct sts_rq *rq, const struct lg_sts_subject *s, lg_str scope, lg_str names, struct sts_said *ret);
/* The claims for which a scope stands, and those named one by one. */
void sts_claims_write(struct lg_jsonw *w, lg_str scope, lg_str names, const struct sts_said *s);
void sts_claims_names(struct lg_jsonw *w);	/* all there are */
/* The names that userinfo was asked for, in an access token. */
void sts_claims_carry(struct lg_jsonw *w, lg_str names);
lg_str sts_claims_carried(struct lg_arena *a, lg_str payload);

/* An answer that is a token (signed.c). */
struct sts_signed {
	enum lg_alg alg;
	lg_str typ, subject, audience, claims;	/* claims: members as JSON text */
	const char *type;			/* Content-Type */
};
LG_CHECKED lg_err sts_answer_signed(struct sts_rq *rq, const struct sts_signed *s);

/* ---- issuing (issue.c) ----------------------------------------------------------------------------------------- */

/* What a token endpoint's answer will hold; filled by a grant, in the arena. */
struct sts_issue {
	struct lg_sts_subject subject;
	struct lg_sts_profile profile;	/* when the ID token was asked for some of it */
	lg_str scope;
	lg_str audience[LG_AUDIENCES];
	size_t naudience;
	lg_str sid;			/* browser session, empty without */
	lg_str jti;			/* empty: the keeper draws one */
	lg_str cnf_x5t, cnf_jkt;
	lg_str act;			/* JSON: who acts for the subject (RFC 8693 4.1); empty: nobody else */
	lg_str issued_type;		/* issued_token_type of the answer; empty: not said */
	int64_t auth_time;		/* microseconds; 0: nobody signed in */
	struct sts_signed_in how;	/* then, and what was asked for */
	struct sts_wanted wanted;
	int64_t issued, life;		/* microseconds */
	bool id_token;
	lg_str nonce;
	lg_str refresh;			/* the refresh token to hand out; empty: none */
};

/* Are there keys for all that this client's tokens are signed with?  A new algorithm's key is published for a while before it signs. */
LG_CHECKED lg_err sts_issue_ready(struct sts_rq *rq, lg_str scope);
/* A person's token: who they are now, kept for the answer; is->scope and is->wanted say what is needed.  Refused as invalid_grant when
 * they are gone or disabled. */
LG_CHECKED lg_err sts_issue_person(struct sts_rq *rq, lg_uuid id, struct sts_issue *is);
/* What policy is asked for a token. */
void sts_issue_question(struct sts_rq *rq, const struct sts_issue *is, struct lg_question *q);
/* Would policy permit it?  Not on record: nothing is issued by it. */
LG_CHECKED lg_err sts_issue_permitted(struct sts_rq *rq, const struct sts_issue *is, bool *ret);
/* May this subject have this token by way of rq->client?  LG_E_DENIED with access_denied. */
LG_CHECKED lg_err sts_issue_decide(struct sts_rq *rq, const struct sts_issue *is);
/* What a token is good for besides what its client registered (audiences). */
enum sts_reach {
	STS_REACH_USERINFO,		/* a person at a client: userinfo */
	STS_REACH_APIS,			/* whoever asks for itself: /v1 and /access/v1 */
	STS_REACH_REGISTERED		/* in another's name: nothing */
};

/* Audiences of a request: its resources (RFC 8707) if they may be named, the defaults otherwise. */
LG_CHECKED lg_err sts_issue_audience(struct sts_rq *rq, enum sts_reach reach, struct sts_issue *is);
/* The resources of a request, if it names any, which must be among the granted ones (form.c). */
LG_CHECKED lg_err sts_audience_narrow(struct sts_rq *rq, const lg_str *granted, size_t n, struct sts_issue *is);
/* When it is issued; how long it lives and, for clients known by their certificate, what it is bound to.  Need the view. */
void sts_issue_time(struct sts_rq *rq, struct sts_issue *is);
void sts_issue_lifetime(struct sts_rq *rq, struct sts_issue *is);

typedef lg_err sts_finish(struct sts_rq *rq, void *arg);
/* Signs what `is` says and answers the exchange; returns LG_PENDING or LG_OK as a handler does. */
LG_CHECKED lg_err sts_issue_sign(struct sts_rq *rq, struct sts_issue *is);
/*
 * The same while the store makes a mutation durable: neither the disk nor the keeper waits for the other.  The answer leaves when both have
 * succeeded and `finish`, asked after the mutation, has nothing against it; otherwise the tokens go nowhere.
 */
LG_CHECKED lg_err sts_issue_stored(struct sts_rq *rq, struct sts_issue *is, const char *operation, lg_mutation *run, sts_finish *finish);
/*
 * Runs a mutation on the request while the request goes on, then `done` on the same loop.  The mutation has a context of its own, whose memory
 * ends with it, and writes to nothing that the request reads before `done`.
 */
typedef void sts_stored(struct sts_rq *rq, void *arg, lg_err e);
LG_CHECKED lg_err sts_submit_beside(struct sts_rq *rq, const char *operation, lg_mutation *run, sts_stored *done, void *arg);
/* Runs a mutation, then `finish` on the same loop, whose result ends the exchange as a handler's does. */
LG_CHECKED lg_err sts_submit(struct sts_rq *rq, const char *operation, lg_mutation *run, sts_finish *finish, void *arg);

/* The grants: each verifies its request and ends in sts_issue_sign, at once or after a mutation. */
lg_err sts_grant_client_credentials(struct sts_rq *rq);
lg_err sts_grant_code(struct sts_rq *rq);
lg_err sts_grant_refresh(struct sts_rq *rq);
lg_err sts_grant_device(struct sts_rq *rq);
lg_err sts_grant_exchange(struct sts_rq *rq);
lg_err sts_grant_password(struct sts_rq *rq);

/* What a code, or an approved device, stands for: its person as they are now, audience, times; may they have it?  (grant_code.c) */
LG_CHECKED lg_err sts_code_issue(struct sts_rq *rq, const struct sts_code *c, struct sts_issue *is);
/* The refresh family that begins with it; its id stays nil if the client gets none. */
void sts_code_family(struct sts_rq *rq, const struct sts_code *c, struct sts_issue *is, struct sts_grant *g);

/* Refresh tokens: "<grant id>.<secret>", both base64url. */
lg_str sts_refresh_new(struct lg_arena *a, lg_uuid grant);
bool sts_refresh_parse(struct lg_arena *a, lg_str token, lg_uuid *grant);
/* The one successor that a token has. */
LG_CHECKED lg_err sts_refresh_next(struct sts_rq *rq, lg_uuid grant, lg_str token, lg_str *ret);
/* Not expired, nobody it depends on revoked, its session live. */
bool sts_grant_good(struct sts_rq *rq, const struct sts_grant *g);
/* Inside a mutation: ends a grant and the tokens that came of it. */
LG_CHECKED lg_err sts_grant_kill(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, const struct sts_grant *g);

/* ---- people: sign-in, sessions, pages ----------------------------------------------------------------------------- */

#define STS_GUESSES		2000		/* at one account, by strangers, before strangers have to wait for others' guesses */
#define STS_GUESS_FORGET	(36 * LG_SECOND)	/* in which one of them is forgotten: a hundred an hour */

/* What still counts of failures after *counted, which comes nearer to now. */
unsigned sts_guesses_left(unsigned failures, int64_t *counted, int64_t now);
LG_CHECKED lg_err sts_throttle_new(struct lg_ctx *cx, struct sts_throttle **ret);
void sts_throttle_free(struct sts_throttle **t);
lg_str sts_address_host(lg_str address);	/* without the port; of a UNIX peer without its pid */
lg_str sts_address_network(struct lg_arena *a, lg_str address);	/* the host; of IPv6 the network, whose owner has every address in it */
#define STS_SHARE 100			/* pushed requests and devices at once, and then one a second */
/* Refusals on record (refused.c): at once, and then one in so long a time. */
#define STS_REFUSALS		20		/* of one address or client */
#define STS_REFUSALS_EVERY	(6 * LG_SECOND)
#define STS_ALL_REFUSALS	200		/* of all strangers of a tenant, and of all its clients */
/* `burst` at once, and then one `every` so many microseconds. */
LG_CHECKED lg_err sts_shares_new(struct lg_ctx *cx, int64_t burst, int64_t every, struct sts_shares **ret);
void sts_shares_free(struct sts_shares **s);
/* Counts one thing that was begun; false: `whose` share is used up. now: of lg_boottime. */
bool sts_share_take(struct sts_shares *s, uint32_t tenant, lg_str whose, int64_t now);
/*
 * What happens is told as long as there is room for it.  *n: so many things, 1 usually, and then also those that were not told since the
 * last that was; false: they are kept for the next that is.
 */
bool sts_share_tell(struct sts_shares *s, uint32_t tenant, lg_str whose, int64_t now, uint64_t *n);
lg_str sts_share_stranger(struct sts_rq *rq);	/* by the address */
lg_str sts_share_whose(struct sts_rq *rq);	/* of a request whose client has proved itself, or has nothing to prove */
bool sts_share_of(struct sts_rq *rq);	/* the same of a request whose client is known: asked once, when nothing else can refuse it */
bool sts_share_fits(uint64_t rows, uint64_t most, bool within);		/* one more in a table that has so many */
/* Somebody tries a password or a code. */
struct sts_attempt {
	uint32_t tenant;
	lg_str address, account;
	lg_uuid device;			/* that this account signed in with before (browser.c); nil: none */
};
/* Counts an attempt as failed; LG_E_LIMIT while whoever it is counted by has to wait. */
LG_CHECKED lg_err sts_throttle_enter(struct lg_ctx *cx, struct sts_throttle *t, const struct sts_attempt *at);
/* Counts a link that was asked for from this address; LG_E_LIMIT. */
LG_CHECKED lg_err sts_throttle_link(struct lg_ctx *cx, struct sts_throttle *t, uint32_t tenant, lg_str address);
/* It was not a failure. */
void sts_throttle_good(struct lg_ctx *cx, struct sts_throttle *t, const struct sts_attempt *at);

/* A browser that somebody signed in with before. */
struct sts_browser {
	lg_uuid subject, id;		/* nil: nothing is known of it */
};
struct sts_browser sts_browser_of(struct sts_rq *rq);
LG_CHECKED lg_err sts_browser_remember(struct sts_rq *rq, lg_uuid subject);	/* sets its cookie */
/* lg_sts_password_check for a browser. */
LG_CHECKED lg_err sts_password_check(struct lg_ctx *cx, struct lg_sts *sts, uint32_t tenant, lg_str username,
    const struct lg_secret *password, const struct sts_browser *browser, const struct lg_peer *peer, struct lg_sts_subject *ret);

/* What a page is filled with (page.c says how). */
struct sts_slot {
	const char *name;
	lg_str value;
	const struct sts_rows *rows;	/* of a list; NULL: it is none */
};
struct sts_rows {
	const struct sts_slot *slots;	/* `per` for each row, one row after the other */
	size_t per, n;
};
/* web/<page>.html in the person's language.  A slot "script" with a value: the page has our script.  form_action: further origins that
 * a form's answer may redirect to, may be empty. */
lg_err sts_page(struct sts_rq *rq, int status, const char *page, const struct sts_slot *slots, size_t n, lg_str form_action);
/* The same with frames of these origins in it. */
lg_err sts_page_framing(struct sts_rq *rq, const char *page, const struct sts_slot *slots, size_t n, lg_str frames);
/* The same template language for what is no page: nothing is escaped.  rq may have no exchange; its language is ui_locales then. */
LG_CHECKED lg_err sts_plain(struct sts_rq *rq, lg_str text, const struct sts_slot *slots, size_t n, lg_str *ret);
/* A page that only says something: the messages <key>.title and <key>.text; detail: a sentence for whoever made the request. */
lg_err sts_message(struct sts_rq *rq, int status, const char *key, lg_str detail);
lg_str sts_service_name(lg_str issuer);			/* what people are told that this is: "id.example.org" */
lg_str sts_text(struct sts_rq *rq, const char *key);	/* a message (messages.c); NULL: nothing */
lg_str sts_minute(struct lg_arena *a, int64_t us);	/* "2026-11-22 16:00", UTC */
lg_str sts_language(struct sts_rq *rq);			/* its tag: "en" */
lg_str sts_base_path(const struct sts_rq *rq);		/* "" or "/t/name": what stands before our paths */

/* A new cookie for the session, whose hash becomes part of it. */
lg_str sts_session_cookie(struct sts_rq *rq, struct sts_session *s);
void sts_cookie_set(struct sts_rq *rq, const char *what, lg_str value, int64_t seconds);	/* 0 seconds: forget it */
lg_str sts_cookie_read(const struct sts_rq *rq, const char *what, size_t min, size_t max);	/* empty if it has not so many octets */
lg_str sts_cookie_of(const struct sts_rq *rq, const char *what);
/* The signed-in session of the request's cookie; LG_E_NOT_FOUND. */
LG_CHECKED lg_err sts_session_of(struct sts_rq *rq, struct sts_session *ret);

/* Forms carry this; it binds them to a cookie of the same browser and to `what`. */
LG_CHECKED lg_err sts_csrf_make(struct sts_rq *rq, lg_str cookie, lg_str what, lg_str *ret);
bool sts_csrf_ok(struct sts_rq *rq, lg_str cookie, lg_str what, lg_str given);
/* The browser does not say that the form came from another site. */
bool sts_origin_ok(const struct sts_rq *rq);

/* ---- how well somebody is known (acr.c) ----------------------------------------------------------------------------- */

#define STS_ACR_PASSWORD	"urn:lightgate:acr:password"
#define STS_ACR_MFA		"urn:lightgate:acr:mfa"		/* two factors */
#define STS_ACR_PASSKEY		"urn:lightgate:acr:passkey"	/* two factors that cannot be phished */

/* Higher is better; 0: none of ours. */
int sts_acr_level(lg_str acr);
/* What follows from methods; a key that asked nobody (no "mfa" beside it) is one factor. */
lg_str sts_acr_of(lg_str amr);
/* Methods of a step added to those before; "mfa" too when they are of different kinds. */
lg_str sts_amr_join(struct lg_arena *a, lg_str before, lg_str step);
/* What a token of ours says of how its subject signed in, for tokens that are made of it. */
struct sts_signed_in sts_signed_in_of(struct lg_arena *a, const struct lg_claims *c);
/* acr, amr and auth_age of the context, for policy. */
void sts_acr_facts(struct lg_ctx *cx, const struct sts_signed_in *how, int64_t auth_time, struct lg_question *q);
/* The least that meets one of several; 0: none of them is ours. */
int sts_acr_least(lg_str acrs);
void sts_acr_write(struct lg_jsonw *w, const struct sts_signed_in *how);	/* the claims acr and amr */

/* ---- authorization requests (authorize.c) --------------------------------------------------------------------------- */

/* What requests have fetched for them (outside.c), on their workers: so many at a time, so that a server that does not answer keeps nobody from
 * signing in who needs none; then LG_E_BUSY. */
#define STS_OUTSIDE_AT_ONCE	8
LG_CHECKED lg_err sts_outside_ask(struct lg_ctx *cx, struct lg_sts *sts, const struct lg_web_request *ask, struct lg_web_reply *ret);

struct sts_authorize {
	struct lg_sts_client client;
	lg_str redirect;		/* as it was given, and found registered */
	lg_str state, nonce, scope, challenge, login_hint;
	lg_str jkt;			/* dpop_jkt (RFC 9449 10) */
	lg_str pushed;			/* key of the pushed request it is; empty: none (par.c) */
	lg_str audience[LG_AUDIENCES];
	size_t naudience;
	bool prompt_none, prompt_login, prompt_consent;
	lg_uuid hinted;			/* id_token_hint's subject, or the `sub` that was asked for; nil: none */
	int64_t max_age;		/* seconds; -1: not asked */
	lg_str acr_values;		/* what would be good, in order of preference, separated by blanks; empty: anything */
	lg_str acr_essential;		/* one of these, or no answer at all (Core 5.5.1.1); empty: anything */
	struct sts_wanted wanted;
};
/* Parses and checks a request.  *redirectable says whether an error may go to ret->redirect: client and redirect URI were good. */
LG_CHECKED lg_err sts_authorize_parse(struct sts_rq *rq, lg_str query, struct sts_authorize *ret, bool *redirectable);
/* The claims parameter: what to say, and its conditions (claims.c). */
LG_CHECKED lg_err sts_claims_request(struct sts_rq *rq, lg_str json, struct sts_authorize *az);
/* Fetches what a request needs from elsewhere; its text may change.  On a worker, no view open (request_uri.c). */
LG_CHECKED lg_err sts_request_prepare(struct sts_rq *rq, lg_str *query);
/* The FAPI 2.0 Security Profile (fapi2.c), for clients that are held to it: each refusal names its rule. */
LG_CHECKED lg_err sts_fapi2_client(struct lg_ctx *cx, const struct lg_sts_client *c);
LG_CHECKED lg_err sts_fapi2_request(struct sts_rq *rq, const struct sts_authorize *az);
LG_CHECKED lg_err sts_fapi2_token(struct sts_rq *rq);
LG_CHECKED lg_err sts_fapi2_assertion(struct sts_rq *rq, const struct lg_jws *jws);
/* A request object of this client in rq->form; its members become the form (request_object.c). */
LG_CHECKED lg_err sts_request_object(struct sts_rq *rq, const struct lg_sts_client *client);
/* A request_uri of ours; its parameters become rq->form. */
bool sts_pushed_is(lg_str uri);
LG_CHECKED lg_err sts_pushed_open(struct sts_rq *rq, lg_str *key);
/* Answers by a redirect to the client with a code for this session; a new one is stored with it.  On a worker. */
LG_CHECKED lg_err sts_authorize_grant(struct sts_rq *rq, struct sts_authorize *az, const struct sts_session *s, bool new_session);
/* Stores a new session alone. */
LG_CHECKED lg_err sts_session_begin(struct sts_rq *rq, const struct sts_session *s);
/* Redirects the error to the client, or shows it when there is nobody to redirect to. */
lg_err sts_authorize_refuse(struct sts_rq *rq, const struct sts_authorize *az, bool redirectable, lg_err e);
lg_err sts_refused_page(struct sts_rq *rq, lg_err e);		/* shows it */
/* A page whose errors are shown. */
lg_err sts_page_run(struct lg_sts *sts, struct lg_http *ex, lg_err (*page)(struct sts_rq *));
/* Whether the session is good enough for the request; fresh: the sign-in took place for it. */
bool sts_authorize_satisfied(const struct sts_rq *rq, const struct sts_authorize *az, const struct sts_session *s, bool fresh);

/* ---- signing in (signin.c): a method proves who somebody is, one function goes on from there ------------------------ */

/* What somebody wants who signs in, and who it turned out to be. */
struct sts_signin {
	lg_str request;			/* the authorization request's text, a path of ours ("/device"), or empty */
	struct sts_authorize az;	/* that request, judged; max_age -1 without one */
	bool redirectable;		/* its errors may go to az.redirect */
	struct lg_sts_subject subject;
	lg_str amr;			/* what the steps before proved; empty before the first */
	int64_t auth_time;		/* of the first step; 0 before it */
};
/* A page of a sign-in comes back: run judges it and answers; what it refuses goes to the application where that may be told. */
typedef lg_err sts_signin_run(struct sts_rq *rq, struct sts_signin *si);
LG_CHECKED lg_err sts_signin_post(struct lg_sts *sts, struct lg_http *ex, sts_signin_run *run);
/* Judges si->request into si->az.  On a worker, no view open. */
LG_CHECKED lg_err sts_signin_open(struct sts_rq *rq, struct sts_signin *si);
/*
 * A step has succeeded: si->subject was proved by these methods (RFC 8176 names, separated by blanks; "fed"
 * when another provider vouched and says nothing of methods).  The session begins, or learns of it, under a new cookie; then the request goes on: the client gets
 * its code, the page of ours is shown.  Every method of signing in ends here: passwords, wherever they are verified, second factors,
 * passkeys, other providers.  On a worker, no view open.
 */
LG_CHECKED lg_err sts_signin_step(struct sts_rq *rq, struct sts_signin *si, lg_str amr);

enum sts_signin_lack {
	STS_SIGNIN_COMPLETE,
	STS_SIGNIN_OLD,			/* the first step anew */
	STS_SIGNIN_STEP,		/* a second step, which the person can do */
	STS_SIGNIN_NO_FACTOR,		/* a second step, for which there is nothing yet */
	STS_SIGNIN_NO_PASSKEY		/* a passkey, and there is none */
};
/* What is missing for the request, after what was proved so far.  On a worker, no view open. */
LG_CHECKED lg_err sts_signin_lacks(struct sts_rq *rq, const struct sts_signin *si, enum sts_signin_lack *ret);
/* Leads somebody who is signed in to what is missing: to a step, or to where it is set up. */
LG_CHECKED lg_err sts_signin_more(struct sts_rq *rq, const struct sts_signin *si, enum sts_signin_lack lack);
/* The page for the second step; problem: key of a message, or NULL. */
LG_CHECKED lg_err sts_step_page(struct sts_rq *rq, const struct sts_signin *si, int status, const char *problem);
/*
 * What was proved so far travels through a page, sealed for `what` is to follow, this browser's cookie and this request, for a few minutes.
 * Opened: si->subject and what was proved; LG_E_EXPIRED: too old, of another browser or request, or changed.
 */
LG_CHECKED lg_err sts_step_seal(struct sts_rq *rq, const struct sts_signin *si, const char *what, lg_str cookie, lg_str *ret);
/* The form of such a page ("request", "step"), with the request judged anew; *old: it is none of this browser's. */
LG_CHECKED lg_err sts_step_form(struct sts_rq *rq, struct sts_signin *si, const char *what, bool *old);
/* The person of that id, enabled, into si->subject; LG_E_EXPIRED.  On a worker, no view open. */
LG_CHECKED lg_err sts_signin_read(struct sts_rq *rq, struct sts_signin *si, lg_uuid id);
lg_err sts_to_page(struct sts_rq *rq, lg_str path);		/* 303 to a path of ours */
/* The path that a request of sts_signin stands for: a page of ours, or the authorization endpoint with its query. */
lg_str sts_request_path(struct sts_rq *rq, lg_str request);
/* The session of this request, in an arena; lets the snapshot go.  LG_E_NOT_FOUND.  On a worker, no view open. */
LG_CHECKED lg_err sts_session_read(struct sts_rq *rq, struct sts_session *ret);

/* The sign-in page for a request; problem: key of the message above the form, or NULL. */
lg_err sts_login_page(struct sts_rq *rq, const struct sts_authorize *az, lg_str query, int status, const char *problem);

/* ---- new passwords (password_new.c) ------------------------------------------------------------------------------------- */

/* A form's "password" and "again"; how somebody proved that they may, and what else the change does. */
struct sts_new_password {
	const struct lg_sts_subject *subject;
	const char *operation;		/* of the audit */
	bool link;
	lg_mutation *run;		/* in the same change, before; may be NULL */
	lg_mutation *after;		/* ... and behind; may be NULL */
	void *arg;
};
/* LG_E_INVALID or LG_E_DENIED: *problem is what people are told, a sentence.  On a worker, no view open. */
LG_CHECKED lg_err sts_password_renew(struct sts_rq *rq, const struct sts_new_password *np, lg_str *problem);
/* The page with its form. */
struct sts_password_page {
	const char *what;		/* messages <what>.title and <what>.text */
	const char *action;		/* where the form goes */
	const char *bound_name, *proof_name;	/* its hidden fields, and what stands in them */
	lg_str bound, proof;
	const struct lg_sts_subject *subject;
	bool old;			/* the old one is asked for too */
	lg_str leave;			/* an origin that the answer may redirect to */
};
lg_err sts_password_page(struct sts_rq *rq, const struct sts_password_page *p, int status, lg_str problem);
/* Do people of this tenant ask for a link themselves?  On a worker, no view open. */
LG_CHECKED lg_err sts_forgot_offered(struct sts_rq *rq, bool *ret);
/* The page for those whose password is right but has to be changed; problem: a sentence, or empty. */
LG_CHECKED lg_err sts_change_page(struct sts_rq *rq, const struct sts_signin *si, int status, lg_str problem);

/* ---- endpoints ---------------------------------------------------------------------------------------------------------- */

lg_err sts_http_discovery(void *self, struct lg_http *ex);
lg_err sts_http_jwks(void *self, struct lg_http *ex);
lg_err sts_http_authorize(void *self, struct lg_http *ex);
lg_err sts_http_par(void *self, struct lg_http *ex);
lg_err sts_http_device_authorization(void *self, struct lg_http *ex);
lg_err sts_http_device(void *self, struct lg_http *ex);
lg_err sts_http_token(void *self, struct lg_http *ex);
lg_err sts_http_userinfo(void *self, struct lg_http *ex);
lg_err sts_http_introspect(void *self, struct lg_http *ex);
lg_err sts_http_revoke(void *self, struct lg_http *ex);
lg_err sts_http_upstream(void *self, struct lg_http *ex);
lg_err sts_http_upstream_back(void *self, struct lg_http *ex);
lg_err sts_http_login_get(void *self, struct lg_http *ex);
lg_err sts_http_login_post(void *self, struct lg_http *ex);
lg_err sts_http_login_step(void *self, struct lg_http *ex);
lg_err sts_http_login_passkey(void *self, struct lg_http *ex);
lg_err sts_http_login_change(void *self, struct lg_http *ex);
lg_err sts_http_forgot(void *self, struct lg_http *ex);
lg_err sts_http_link(void *self, struct lg_http *ex);
lg_err sts_http_account_password(void *self, struct lg_http *ex);
lg_err sts_http_home(void *self, struct lg_http *ex);
lg_err sts_http_account(void *self, struct lg_http *ex);
lg_err sts_http_account_totp(void *self, struct lg_http *ex);
lg_err sts_http_account_passkey(void *self, struct lg_http *ex);
lg_err sts_http_account_codes(void *self, struct lg_http *ex);
lg_err sts_http_logout(void *self, struct lg_http *ex);
lg_err sts_http_register(void *self, struct lg_http *ex);
lg_err sts_http_registration(void *self, struct lg_http *ex);

#endif
