/*
 * follow.h: one host's bundle, kept fresh: fetched, verified, stored before it is used, and fetched again when the watch stream says
 * that something has changed.
 *
 * Fresh means: within max_stale the service has confirmed that nothing newer exists.  The age is measured on CLOCK_BOOTTIME, which
 * no clock setting moves and which goes on while the machine sleeps; a contact survives a restart of the program, never of the machine.
 * Whoever finds the bundle stale denies.
 */
#ifndef LG_CLIENT_FOLLOW_H
#define LG_CLIENT_FOLLOW_H

#include "client/pin.h"

#define LG_FOLLOW_RETRY_MIN	(200 * INT64_C(1000))	/* microseconds between attempts, doubled each time, with jitter */
#define LG_FOLLOW_RETRY_MAX	(5 * INT64_C(1000000))

/* Where to, as whom, and whom to believe: asked for at every new connection, because certificates are renewed. */
struct lg_follow_at {
	struct lg_endpoint bundles, stream;	/* with the host's certificate */
	struct lg_bundle_pin pin;
	lg_str audit;			/* JWKS: keys that sign heads of the service's logs; empty: they are not looked at */
};

struct lg_follow_settings {
	void *self;
	/* Slices of the answer live in cx's arena or longer. */
	lg_err (*where)(void *self, struct lg_ctx *cx, struct lg_follow_at *ret);
	/* Other keys are pinned from now on, never two at a time: of bundles, heirs before one of them signs what is stored, and then no
	 * longer those before it; of heads, heirs beside those before them, which signed what was heard.  NULL: nobody wants to know. */
	lg_err (*pin)(void *self, struct lg_ctx *cx, enum lg_pinned which, lg_str keys);
	/* On the following thread, after another bundle was put in force.  NULL: nobody wants to know. */
	void (*changed)(void *self, const struct lg_bundle *b);
	/* On the following thread: a connection was of no use; `where` may say another place now.  NULL: there is one alone. */
	void (*in_vain)(void *self);
	const char *state;			/* folder of the stored copy; NULL: there is none */
	int64_t (*clock)(void);			/* NULL: CLOCK_BOOTTIME */
};

struct lg_follow;

/* Takes up the stored copy if it verifies (what is wrong with it, lg_follow_trouble says).  Nothing is asked yet.  The settings' strings are kept. */
LG_CHECKED lg_err lg_follow_open(struct lg_ctx *cx, const struct lg_follow_settings *s, struct lg_follow **ret);
void lg_follow_start(struct lg_follow *f);	/* a thread follows from now on */
void lg_follow_close(struct lg_follow **f);	/* ends it first; safe on NULL */

/* Asks now, on the calling thread: after something that only this host knows of. */
LG_CHECKED lg_err lg_follow_fetch(struct lg_ctx *cx, struct lg_follow *f);
/* A line of the watch stream: what the service says of itself.  The following thread's, and tests'. */
LG_CHECKED lg_err lg_follow_line(struct lg_ctx *cx, struct lg_follow *f, lg_str line);

struct lg_follow_now {
	struct lg_bundle *bundle;	/* a reference, or NULL */
	bool fresh;
	int64_t age;			/* microseconds since the last contact; -1: none in this boot */
};
/* The caller unrefs the bundle. */
void lg_follow_now(struct lg_follow *f, struct lg_follow_now *ret);
/* The same without a reference: may be called for every decision. */
bool lg_follow_fresh(struct lg_follow *f);
/* Why there was no contact last time; empty after one that went well.  In cx's arena. */
lg_str lg_follow_trouble(struct lg_ctx *cx, struct lg_follow *f);

#endif
