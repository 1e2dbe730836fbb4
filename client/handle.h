/* handle.h: what stands behind the handle of liblightgate. */
#ifndef LG_CLIENT_HANDLE_H
#define LG_CLIENT_HANDLE_H

#include <pthread.h>
#include <time.h>

#include "client/api.h"
#include "client/follow.h"
#include "client/servers.h"
#include "lightgate/client.h"
#include "lightgate/crypto.h"

#define LG_PROOFS	4096			/* DPoP proofs that are remembered at a time */
struct lg_proof_seen {
	lg_sha256 id;
	int64_t until;				/* CLOCK_BOOTTIME */
};

struct lightgate {
	struct lg_arena *arena;
	struct lg_servers public, own;		/* without and with the client's certificate */
	const char *cert_file, *key_file, *token_file, *state;
	lg_str audience;
	struct lg_follow *follow;		/* NULL without a state */
	struct lg_spare *spare;
	lg_str issuer;
	int64_t deadline;			/* microseconds */
	pthread_rwlock_t links;			/* read: a call is running; write: links of `own` are replaced */
	struct timespec cert_time;		/* of the file that they were made from */
	pthread_mutex_t lock;			/* over the keys */
	struct lg_keyset *keys;
	int64_t keys_at;			/* CLOCK_BOOTTIME; 0: never */
	struct lg_proof_seen *proofs;		/* LG_PROOFS of them, when the first has come */
};

/* Arenas of decisions that are over, for the next ones; shared by the handle and the decisions that may outlive it. */
#define LG_SPARE_ARENAS	16
struct lg_spare {
	bool *ours;			/* a page that fork(2) wipes; NULL: this kernel does not do that */
	pid_t maker;
	pthread_mutex_t lock;
	unsigned refs;
	struct lg_arena *arena[LG_SPARE_ARENAS];
	size_t n;
};
struct lg_spare *lg_spare_new(void);
void lg_spare_unref(struct lg_spare *sp);
/* False in a child of the process that made it: its locks may be held for ever there, and its connections are the parent's. */
bool lg_spare_is_ours(const struct lg_spare *sp);
/* Can it be used here: is there one, and of this process? */
LG_CHECKED lg_err lg_handle_check(struct lg_ctx *cx, const struct lightgate *lg);

struct lightgate_decision {
	struct lg_arena *arena;
	struct lg_spare *home;			/* NULL: it goes back to nobody */
	bool permit, decided;
	lg_str reason, policy, id, ticket;	/* each followed by a NUL */
};
/* Undecided; cx is its own, with its arena.  Also where lg_handle_check refuses lg. */
struct lightgate_decision *lg_decision_new(struct lightgate *lg, struct lg_ctx *cx);
/* The caller's question, perhaps of an older and smaller structure, or NULL. */
struct lightgate_question lg_question_of(const struct lightgate_question *q);
/* A decision by a way to decide; where that fails, undecided with its reason. */
typedef lg_err lg_decide(struct lg_ctx *cx, struct lightgate *lg, const struct lightgate_question *q, struct lightgate_decision *d);
struct lightgate_decision *lg_decision_by(struct lightgate *lg, const struct lightgate_question *question, lg_decide *decide);
#define LG_QUESTION_BODY	(256u << 10)	/* octets of a question, or of a batch of them */
/* decide.c: the call that asks it; its body is in b. */
LG_CHECKED lg_err lg_question_call(struct lg_ctx *cx, const struct lightgate *lg, const struct lightgate_question *q, struct lg_buf *b,
    struct lg_call *ret);
LG_CHECKED lg_err lg_decision_read(struct lg_ctx *cx, lg_str body, struct lightgate_decision *d);
/* Opens the links of *s, which was parsed for them, with the certificate as its file is now. */
LG_CHECKED lg_err lg_handle_own(struct lg_ctx *cx, const struct lightgate *lg, struct lg_servers *s);
LG_CHECKED lg_err lg_question_check(struct lg_ctx *cx, const struct lightgate_question *q);

/* local.c: begins to follow the service. */
LG_CHECKED lg_err lg_handle_follow(struct lg_ctx *cx, struct lightgate *lg);
/* verify.c: an access token's claims, or why not. */
LG_CHECKED lg_err lg_handle_claims(struct lg_ctx *cx, struct lightgate *lg, const char *token, const char *audience, struct lg_claims *ret);

/* proof.c: is whoever brought the token the one that it is bound to? */
LG_CHECKED lg_err lg_proof_check(struct lg_ctx *cx, struct lightgate *lg, const char *token, const struct lg_claims *c,
    const struct lightgate_proof *p);

#define LG_HANDLE_PEM	(256u << 10)		/* octets of a certificate's or key's file */

/* The sentence for a caller who brought room for one. */
void lg_handle_tell(const struct lg_ctx *cx, char *why, size_t size);

#endif
