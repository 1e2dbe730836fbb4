/*
 * kit.h: the token service with everything around it faked except the store: a directory of a few entries, a signer that
 * answers a turn later, a decider that can say no, and requests in one line.
 */
#ifndef TESTS_STS_KIT_H
#define TESTS_STS_KIT_H

#include <pthread.h>
#include <stdatomic.h>

#include <criterion/criterion.h>

#include "lightgate/store.h"
#include "lightgate/sts.h"
#include "sts/sts.h"

#define TENANT	1
#define ISSUER	"https://id.example"
#define REDIRECT "https://app.example/cb"
#define VERIFIER "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"		/* RFC 7636 appendix B */
#define CHALLENGE "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
#define PORTAL_SECRET "portal-secret"
#define WORKER_SECRET "worker secret+%"
#define SPARE_ID "c0000000-0000-4000-8000-0000000000ff"
#define ALICE_ID "a11ce000-0000-4000-8000-000000000001"

struct kit {
	char dir[256];
	pthread_t thread;		/* the test's own, the loop */
	struct lg_arena *arena;		/* as long as the test */
	struct lg_ctx cx;
	struct lg_store *store;
	struct lg_mailbox *mailbox;
	struct lg_pool *workers;
	struct lg_sts *sts;
	struct lg_key *key, *rsa, *client_key;
	struct lg_keyset *keys;
	uint64_t keys_revision;
	struct lg_secret data_key;
	uint32_t tenant;		/* of requests, checks and new clients */
	int64_t shift;			/* added to every request's clock */
	/* the fakes' answers and memories */
	unsigned refusals;		/* sign-ins and tokens that were put on record as refused; of whom the last, and why */
	lg_str refused, refused_why;
	bool deny, alice_disabled, worker_gone, no_rs256;
	bool may_register, alice_may_register;	/* clients by themselves */
	unsigned clients_gone;
	unsigned decisions, signed_tokens, hashes, wasted_hashes;
	lg_err signer_error;
	lg_str peer_cert, peer_shown;	/* of the next requests */
	/* what others' web servers answer: URL and body, in the order they were set; asked: how often anything was fetched */
	struct {
		const char *url, *body;
		int64_t max_age;
	} web[8];
	size_t nweb;
	atomic_uint asked;
	struct lg_sts_person person;	/* whom a source spoke of last */
	bool person_known;
	bool impersonation;		/* policy allows it */
	atomic_bool web_fails;
	char question[1024];		/* the last one on a token, decided or refused: "name=value;" of principal, facts and context */
	char web_post[4096];		/* the last form that was posted */
	lg_str question_proof, question_source;	/* of the last decision */
	char alice_verifier[128];	/* instead of the first one; empty: that */
	const char *alice_mail;		/* likewise; NULL: that */
	bool by_link;			/* her last password was set by a link */
	lg_str mail[16];		/* "FROM>TO\nMESSAGE" */
	size_t nmails;
	unsigned mail_attempts;
	char mail_server[256];		/* "HOST:PORT SECURITY USERNAME PASSWORD" of the last */
	lg_err mail_error;		/* the server's answer */
	const char *address;
	const char *policy_acr;		/* below it no token is permitted; NULL: any will do */
	int64_t policy_age;		/* seconds since the sign-in, beyond which none is; 0: any will do */
};
extern struct kit kit;

void kit_start(void);
void kit_end(void);

struct answer {
	int status;
	lg_str body;
	const struct lg_http *ex;
	lg_err result;
};
/* headers: "Name: value" lines, NULL-terminated list after body. */
struct answer kit_send(const char *method, const char *path, lg_str query, lg_str body, ...);
struct answer kit_get(const char *path, const char *query, const char *cookie);
struct answer kit_post(const char *path, const char *body, const char *authorization);
/* Two requests that are both begun before either is resumed. */
void kit_post_two(const char *path, const char *body, struct answer ret[2]);

/* The value of a form's hidden field; the Set-Cookie that names this, "" if there is none. */
const char *kit_field(lg_str html, const char *name);
const char *kit_set_cookie(const struct answer *a, const char *what);
const char *kit_percent(const char *s);
const char *kit_header(const struct answer *a, const char *name);	/* "" if absent */
lg_str kit_member(lg_str json, const char *name);			/* a string or raw value, empty if absent */
lg_str kit_parameter(const char *url, const char *name);
const char *kit_c(lg_str s);						/* with a NUL */
const char *kit_fmt(const char *fmt, ...) LG_PRINTF(1, 2);
const char *kit_basic(const char *id, const char *secret);		/* header value, form-encoded as RFC 6749 wants */
lg_str kit_payload(lg_str token);					/* unverified */
lg_str kit_token(const char *typ, const char *claims);			/* signed by the tenant's key */
lg_str kit_claims(const char *more);	/* a good set for alice with audience <issuer>/v1, and `more` in front */

/* Steps of the flows, asserted. */
const char *kit_authorize_query(const char *client, const char *more);
const char *kit_sign_in(void);			/* a session cookie of alice, as a Cookie header */
struct answer kit_allow(const struct answer *page, const char *query, const char *cookie);	/* "allow" on the consent page */
lg_str kit_code(const char *client, const char *more, const char *cookie);
struct answer kit_redeem(const char *client, lg_str code);	/* with verifier and redirect of the standard query */
struct answer kit_refresh(const char *client, lg_str token, const char *more);
lg_err kit_check(lg_str token, const char *audience, struct lg_sts_bearer *ret);
void kit_apply(lg_mutation *run, void *arg);
lg_err kit_try(lg_mutation *run, void *arg);	/* the same, which may fail; the sentence is kit.cx's */
/* Until a table has n rows: copies of its first one. */
void kit_fill(const struct lg_table *t, uint64_t n);
void kit_source(const char *json);
lg_err kit_mail(const char *json);		/* the settings of mail */
void kit_web(const char *url, const char *body, int64_t max_age);	/* replaces what the URL answered before */
const char *kit_jwks(const struct lg_key *k, const char *kid, const char *more);	/* {"keys":[...]}; more: members in front of each */
void kit_client(const char *json, const char *secret, const char *entry);

#define assert_status(a, want) \
	cr_assert_eq((a).status, (want), "%d, not %d: %.*s", (a).status, (want), LG_FMT((a).body))
#define assert_oauth(a, want_status, want_error) do { \
		assert_status(a, want_status); \
		cr_assert(lg_str_eq(kit_member((a).body, "error"), lg_str_of(want_error)), "%.*s, not %s", \
		    LG_FMT((a).body), want_error); \
	} while (0)

#endif
