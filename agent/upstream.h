/*
 * upstream.h: this host's connections to the service, with the identity they are made with.  Renewal publishes a new
 * one; whoever holds the old one finishes with it.
 */
#ifndef LG_AGENT_UPSTREAM_H
#define LG_AGENT_UPSTREAM_H

#include <stdatomic.h>

#include "agent/identity.h"
#include "agent/oci.h"
#include "client/http.h"

struct lg_upstream {
	atomic_uint refs;
	struct lg_arena *arena;
	struct lg_identity id;
	struct lg_keyset *keys;		/* of tickets */
	struct lg_link *link;		/* to the listener that asks for certificates */
};

/* Reads the identity below `state`. */
LG_CHECKED lg_err lg_upstream_new(struct lg_ctx *cx, const char *state, struct lg_upstream **ret);
/* The same with ticket keys as the service has them now, stored. */
LG_CHECKED lg_err lg_upstream_refresh(struct lg_ctx *cx, struct lg_upstream *up, const char *state, int64_t time, struct lg_upstream **ret);
struct lg_upstream *lg_upstream_ref(struct lg_upstream *up);
void lg_upstream_unref(struct lg_upstream **up);	/* safe on NULL */

struct lg_verdict_of {
	bool permit;
	lg_str reason, admission;
	lg_str ticket;			/* of a permit to create */
};
/* Somebody at a door of this host, and what they want. */
struct lg_knock {
	int64_t uid;			/* when certificate is empty */
	lg_str certificate;		/* DER */
	const char *action;
	const char *type;		/* of the resource */
	lg_str id, project, image;	/* empty: unknown */
	lg_str container;		/* a runtime's id of it; empty: not made yet, or none */
	const struct lg_oci *facts;	/* NULL: nothing is known about what a container could do */
};
/* POST /v1/doors. */
LG_CHECKED lg_err lg_upstream_knock(struct lg_ctx *cx, struct lg_upstream *up, const struct lg_knock *k, int64_t time,
    struct lg_verdict_of *ret);
/* POST /v1/admissions.  time: microseconds that are left. */
LG_CHECKED lg_err lg_upstream_start(struct lg_ctx *cx, struct lg_upstream *up, lg_str container, lg_str workload,
    const struct lg_oci *oci, int64_t time, struct lg_verdict_of *ret);
/* What was admitted goes on: verb "restart", or "exec" (then the facts are the new process's alone). */
LG_CHECKED lg_err lg_upstream_again(struct lg_ctx *cx, struct lg_upstream *up, lg_str container, const char *verb, const struct lg_oci *oci,
    int64_t time, struct lg_verdict_of *ret);
/* The body is lg_gate_whereabouts_since's. */
LG_CHECKED lg_err lg_upstream_whereabouts(struct lg_ctx *cx, struct lg_upstream *up, lg_str body);
/* The body is lg_journal_part's; the service has the journal's records up to *taken then.  LG_E_CONFLICT: it had later ones of that journal. */
LG_CHECKED lg_err lg_upstream_tell(struct lg_ctx *cx, struct lg_upstream *up, lg_str body, int64_t time, uint64_t *taken);
LG_CHECKED lg_err lg_upstream_end(struct lg_ctx *cx, struct lg_upstream *up, lg_str container);

/* Tells the service of a container that runs without an admission: a deny on its record. */
LG_CHECKED lg_err lg_upstream_stray(struct lg_ctx *cx, struct lg_upstream *up, lg_str container);

#endif
