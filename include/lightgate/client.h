/*
 * client.h: liblightgate, for controllers and other programs that must ask before they act.  Plain C, nothing else needed.
 *
 * No global state: everything hangs on the handle, which threads share.  Whatever is in doubt is a deny: a decision that
 * could not be had is a decision that does not permit, and says why.  Strings that are returned live as long as the object
 * they were asked of.
 *
 * NULL where something is needed is a doubt like any other: no permit, false, NULL or "", and nothing happens.  A handle, and the
 * lightgate_async made of it, belong to the process that opened it: a child of fork(2) opens its own.  With its parent's it gets denies,
 * its questions are not called back, and what it closes is left as it is.
 *
 *	struct lightgate_settings at = LIGHTGATE_SETTINGS;	// or NULL: LIGHTGATE_* in the environment
 *	char why[256];
 *	lightgate *lg = lightgate_open(&at, why, sizeof why);
 *	struct lightgate_question q = LIGHTGATE_QUESTION;
 *	q.subject_token = token; q.action = "container:create"; q.resource_type = "Workload"; q.resource_id = "web";
 *	lightgate_decision *d = lightgate_decide(lg, &q);
 *	if (!lightgate_permits(d))
 *		refuse(lightgate_decision_reason(d));
 *	lightgate_decision_free(d);
 */
#ifndef LIGHTGATE_CLIENT_H
#define LIGHTGATE_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define LIGHTGATE_API __attribute__((visibility("default")))

typedef struct lightgate lightgate;
typedef struct lightgate_token lightgate_token;
typedef struct lightgate_decision lightgate_decision;

/* ---- the service ------------------------------------------------------------------------------------- */

/* What is NULL comes from the environment: LIGHTGATE_URL and so on.  url or socket must be given in one of the two ways. */
struct lightgate_settings {
	size_t size;			/* of this structure, so that it can grow: LIGHTGATE_SETTINGS sets it */
	const char *url;		/* https://host:8443; several, at most 8, separated by blanks, are one service: another is asked when that is safe */
	const char *mtls_url;		/* https://host:8444: where calls go when cert_file is given (LIGHTGATE_MTLS_URL) */
	const char *socket;		/* the service's UNIX socket, used in place of url */
	const char *ca_file;		/* PEM: the roots to trust (LIGHTGATE_CA); without it the system's */
	const char *cert_file;		/* PEM with its chain; read again when it changes (LIGHTGATE_CERT) */
	const char *key_file;		/* PEM (LIGHTGATE_KEY) */
	const char *token_file;		/* access token for /access/v1, read at every call (LIGHTGATE_TOKEN_FILE) */
	const char *issuer;		/* of tokens to verify (LIGHTGATE_ISSUER); without it the first of url */
	int deadline_ms;		/* of one call, to however many addresses it goes; 0: 2000 */
	const char *state;		/* folder (0700) of a host's bundle: decides here; needs mtls_url and a host's cert_file (LIGHTGATE_STATE) */
	const char *audience;		/* that people's tokens must be for, in decisions made here (LIGHTGATE_AUDIENCE) */
};
#define LIGHTGATE_SETTINGS { sizeof(struct lightgate_settings), NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0, NULL, NULL }

/* Connects to nobody yet; with `state` a thread begins to follow the service.  NULL on a mistake in the settings, with a sentence in `why` (which may be NULL). */
LIGHTGATE_API lightgate *lightgate_open(const struct lightgate_settings *settings, char *why, size_t size);
LIGHTGATE_API void lightgate_close(lightgate *lg);	/* when no call is running; NULL is fine */

/* ---- tokens, verified here -------------------------------------------------------------------------------- */

/*
 * Checks an access token (RFC 9068) without asking anybody: signature by a key of the issuer (fetched when needed and kept),
 * issuer, audience, time.  A token that is bound to a certificate is good only with that certificate's SHA-256 in base64url
 * (x5t, RFC 8705 3; NULL: none); one that is bound to anything else is refused.  NULL: refused, with a sentence in `why`.
 * Who was removed or blocked since the token was issued is not seen here: ask for a decision.
 */
LIGHTGATE_API lightgate_token *lightgate_verify(lightgate *lg, const char *token, const char *audience, const char *x5t,
    char *why, size_t size);
/* What came with the token, for tokens that are bound to something (RFC 8705, RFC 9449).  What does not apply is NULL. */
struct lightgate_proof {
	size_t size;			/* LIGHTGATE_PROOF sets it */
	const char *x5t;		/* SHA-256 of the client's certificate, base64url */
	const char *dpop;		/* the DPoP header ... */
	const char *method, *url;	/* ... and the request it came with, the URL as the client sees it */
};
#define LIGHTGATE_PROOF { sizeof(struct lightgate_proof), NULL, NULL, NULL, NULL }
/* The same with every kind of binding.  A DPoP proof is good once, for 10 seconds. */
LIGHTGATE_API lightgate_token *lightgate_verify_bound(lightgate *lg, const char *token, const char *audience, const struct lightgate_proof *proof,
    char *why, size_t size);
/* A token is used by one thread at a time.  A claim: the text of a string, the JSON of anything else, NULL if absent: "sub", "client_id", "scope". */
LIGHTGATE_API const char *lightgate_token_claim(lightgate_token *t, const char *name);
LIGHTGATE_API int64_t lightgate_token_expires(const lightgate_token *t);	/* seconds since 1970 */
LIGHTGATE_API void lightgate_token_free(lightgate_token *t);		/* NULL is fine */

/* ---- certificates, verified here: with a host's bundle (settings.state) --------------------------------------------------------- */

struct lightgate_peer {
	size_t size;			/* LIGHTGATE_PEER sets it */
	char type[16], name[128], project[128];	/* "Workload", "web", "shop"; project: of workloads */
	char x5t[48];			/* SHA-256, base64url: what tokens are bound to */
	int64_t expires;		/* seconds since 1970 */
};
#define LIGHTGATE_PEER { sizeof(struct lightgate_peer), "", "", "", "", 0 }
/* Whose certificate (PEM) is this: issued by the tenant's authority, for clients, in time, not revoked?  false with a sentence in `why`.
 * That its holder has the key is the handshake's to prove.  ret may be NULL. */
LIGHTGATE_API bool lightgate_verify_certificate(lightgate *lg, const char *pem, struct lightgate_peer *ret, char *why, size_t size);

/* ---- decisions, asked of the service ------------------------------------------------------------------------ */

struct lightgate_question {
	size_t size;			/* LIGHTGATE_QUESTION sets it */
	const char *subject_token;	/* who acts, proved by their token for this asker ... */
	const char *subject_type;	/* ... or merely named: "User" */
	const char *subject_id;		/* name or entryUUID */
	const char *action;		/* "container:create" */
	const char *resource_type;	/* "Workload" */
	const char *resource_id;	/* name or entryUUID */
	const char *project, *image, *host;	/* of a resource; NULL: not said */
	const char *protocol;		/* of a connection; NULL: not said */
	int port;			/* 0: not said */
	const char *request_id;		/* comes back in logs; NULL: none */
};
#define LIGHTGATE_QUESTION { sizeof(struct lightgate_question), NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0, NULL }

/* Never NULL.  No answer within the deadline, or one that is not understood, is a decision that does not permit. */
LIGHTGATE_API lightgate_decision *lightgate_decide(lightgate *lg, const struct lightgate_question *q);
/* n questions in one call, at most LIGHTGATE_BATCH; ret[0..n) are filled as by lightgate_decide.  All of them name the same subject token,
 * or none.  They stand in an array of the structures that LIGHTGATE_QUESTION makes.  One that the service could not decide is undecided
 * like one alone; a question that cannot be asked, or an answer that is none, makes all of them undecided. */
#define LIGHTGATE_BATCH 256
LIGHTGATE_API void lightgate_decide_batch(lightgate *lg, const struct lightgate_question *q, size_t n, lightgate_decision **ret);
LIGHTGATE_API bool lightgate_permits(const lightgate_decision *d);	/* false for NULL */
LIGHTGATE_API bool lightgate_decided(const lightgate_decision *d);	/* false: there was no answer, and reason says why */
LIGHTGATE_API const char *lightgate_decision_reason(const lightgate_decision *d);	/* these four are never NULL; "" if there is none */
LIGHTGATE_API const char *lightgate_decision_policy(const lightgate_decision *d);
LIGHTGATE_API const char *lightgate_decision_id(const lightgate_decision *d);
LIGHTGATE_API const char *lightgate_decision_ticket(const lightgate_decision *d);	/* for the host's agent */
LIGHTGATE_API void lightgate_decision_free(lightgate_decision *d);	/* NULL is fine */

/* ---- decisions without waiting: for programs with an event loop ---------------------------------------------------------- */

typedef struct lightgate_async lightgate_async;		/* used by one thread */

LIGHTGATE_API lightgate_async *lightgate_async_new(lightgate *lg);	/* lg must outlive it */
/* What is under way is dropped, its callbacks are not called; a callback may do that.  NULL is fine. */
LIGHTGATE_API void lightgate_async_free(lightgate_async *a);
/* For poll(2) or epoll(7): when it is readable, call lightgate_async_run, which calls back. */
LIGHTGATE_API int lightgate_async_fd(const lightgate_async *a);
LIGHTGATE_API void lightgate_async_run(lightgate_async *a);
/* The decision is the callback's to free.  It comes by lightgate_async_run, never from inside this call, which copies the question; always,
 * and within the deadline, as long as that is called.  Servers are asked as by lightgate_decide. */
LIGHTGATE_API void lightgate_async_decide(lightgate_async *a, const struct lightgate_question *q,
    void (*done)(void *arg, lightgate_decision *d), void *arg);

/* ---- decisions, made here --------------------------------------------------------------------------------------------- */

/*
 * From the host's bundle (settings.state): policies, and the people, workloads and groups that this host has to do with.  Nobody is asked.
 * Never NULL.  Whom the bundle does not know it does not decide on: lightgate_decided is false, and lightgate_decide may know.  A bundle
 * that nobody has confirmed for longer than max_stale decides nothing but denies.  No ticket comes with it: what is to be created is
 * asked of the service.
 */
LIGHTGATE_API lightgate_decision *lightgate_decide_local(lightgate *lg, const struct lightgate_question *q);

struct lightgate_bundle {
	size_t size;			/* LIGHTGATE_BUNDLE sets it */
	bool held, fresh;		/* fresh: confirmed within max_stale */
	int64_t age_ms;			/* since the service confirmed it, on a clock that nobody sets; -1: not since this boot */
	int64_t max_stale_ms;
	uint64_t epoch, version, policies;
	uint64_t entities;
	char trouble[256];		/* why the service could not confirm it last time; "" */
};
#define LIGHTGATE_BUNDLE { sizeof(struct lightgate_bundle), false, false, -1, 0, 0, 0, 0, 0, "" }
LIGHTGATE_API void lightgate_bundle_look(lightgate *lg, struct lightgate_bundle *ret);

#ifdef __cplusplus
}
#endif

#endif
