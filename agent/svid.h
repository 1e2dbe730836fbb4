/*
 * svid.h: the identities of the workloads on this host: certificate, key, what they believe in, and a token.
 *
 * They are fetched when a container has been admitted, renewed at two thirds of their life, or at once when they are revoked, and forgotten
 * with its admission.  Each
 * running container has them as files in a folder of its own, below one that is root's alone and on a tmpfs (ROOT/<container>); the
 * runtime mounts that folder into the container, read-only.  The programs in it may also ask for them (agent/spiffe/).
 *
 *	certificate.pem	the certificate and what leads to a root
 *	key.pem		its private key (PKCS#8)
 *	identity.pem	both, of one moment: key.pem and certificate.pem are renewed one after the other
 *	bundle.pem	the roots of the trust domain
 *	federated.json	bundles of other trust domains by their names, which policy lets it see (SPIFFE Trust Domain and Bundle 4)
 *	token		a JWT-SVID for the issuer of the tenant's tokens
 *	revoked		only while the certificate is revoked and there is no other: its serial number
 */
#ifndef LG_AGENT_SVID_H
#define LG_AGENT_SVID_H

#include <stdatomic.h>
#include <sys/types.h>

#include "agent/bundle.h"
#include "agent/upstream.h"
#include "base/map.h"

#define LG_SVIDS_MAX		1024		/* containers of one host that have identities at once */
#define LG_SVID_RETRY		(5 * INT64_C(1000000))	/* microseconds before what failed is tried again, doubled up to: */
#define LG_SVID_RETRY_MAX	(5 * INT64_C(60000000))

/* One identity at one moment.  Immutable, counted. */
struct lg_svid {
	atomic_uint refs;
	struct lg_arena *arena;
	lg_str spiffe_id;
	lg_str serial;				/* of the certificate: lower-case hex */
	lg_str certificate, chain, key;		/* PEM */
	lg_str roots;				/* PEM: one or more, the newest first */
	lg_str token_keys;			/* JWKS of the trust domain; empty: not known yet */
	lg_str federated;			/* JSON: of other trust domains that policy lets it see the bundles; empty: not known yet */
	lg_str token;				/* empty: none could be had */
	int64_t issued, expires;		/* of the certificate, microseconds; notBefore lies before its issue */
	int64_t token_issued, token_expires;
};
struct lg_svid *lg_svid_ref(struct lg_svid *s);
void lg_svid_unref(struct lg_svid **s);		/* safe on NULL */

struct lg_svids;

/* root: absolute, made if need be; LG_E_INVALID unless it is on a tmpfs.  runtime_roots: as strays.h; containers that these or the usual
 * folders do not know have no files any more.  Strings are kept. */
LG_CHECKED lg_err lg_svids_open(struct lg_ctx *cx, const char *root, const char *const *runtime_roots, struct lg_svids **ret);
void lg_svids_close(struct lg_svids **s);	/* the files stay: the containers may outlive us */

/* The folder that will be mounted; made. */
LG_CHECKED lg_err lg_svids_prepare(struct lg_ctx *cx, struct lg_svids *s, lg_str container, lg_str *path);

/* The container's process runs as this; pid: of its first process, whose user namespace and cgroup it lives in. */
struct lg_svid_holder {
	pid_t pid;
	int64_t uid, gid;		/* in the container's user namespace */
};
/*
 * The container was admitted and is about to run: what is held is written, what is not is asked for, until `time` (microseconds) has
 * passed; what could not be had is asked for again by lg_svids_maintain.  The failure is for the log, not a refusal.
 */
LG_CHECKED lg_err lg_svids_start(struct lg_ctx *cx, struct lg_svids *s, struct lg_upstream *up, lg_str container,
    const struct lg_svid_holder *holder, int64_t time);
void lg_svids_stop(struct lg_ctx *cx, struct lg_svids *s, lg_str container);	/* it does not run: its files go */
void lg_svids_forget(struct lg_svids *s, lg_str container);	/* it was admitted anew, perhaps as another workload: what is held is not its own */
void lg_svids_end(struct lg_ctx *cx, struct lg_svids *s, lg_str container);	/* its admission is over: so is its identity */
/* What is due, for half a second and what is begun by then, so that the caller is not kept from other things. */
void lg_svids_maintain(struct lg_ctx *cx, struct lg_svids *s, struct lg_upstream *up);

/*
 * A certificate that a bundle lists as revoked is due at once, and nobody gets it any more; its container is without one until the service
 * has given another, whether or not the list goes on naming what has expired.  A list that is not whole says nothing of what it does not
 * name.  Before lg_bundles_start; the bundles end before lg_svids_close.
 */
void lg_svids_follow(struct lg_svids *s, struct lg_bundles *b);
/* Called on any thread after lg_svids_revoked says something else.  Before lg_svids_follow; one listener. */
void lg_svids_listen(struct lg_svids *s, void (*changed)(void *arg), void *arg);
/*
 * The containers whose certificate is revoked, as keys in the map's arena, and those whose was and that got another before anybody asked
 * here.  True: there are some of these, and the next call leaves them out.
 */
bool lg_svids_revoked(struct lg_svids *s, struct lg_map *ret);

/*
 * Whose process is this?  LG_OK with the container's id, in cx's arena: the one in whose cgroup, or below it, the process is.  LG_E_DENIED: in
 * none, or in one that two containers share.  The caller keeps the number from being used again (base/peer.h).
 */
LG_CHECKED lg_err lg_svids_caller(struct lg_ctx *cx, struct lg_svids *s, pid_t pid, lg_str *container);
/* What the container has now, with a reference.  LG_E_UNAVAILABLE: nothing yet; LG_E_NOT_FOUND: it does not run (any more). */
LG_CHECKED lg_err lg_svids_get(struct lg_ctx *cx, struct lg_svids *s, lg_str container, struct lg_svid **ret);
uint64_t lg_svids_revision(struct lg_svids *s);	/* rises whenever some identity changed or ended */

/* svid_issue.c: what the service gives; with a certificate comes a token, where policy gives one.  now: what is there already, NULL for
 * nothing; a new one with its certificate or token replaced. */
LG_CHECKED lg_err lg_svid_certify(struct lg_ctx *cx, struct lg_upstream *up, lg_str container, const struct lg_svid *now, int64_t time,
    struct lg_svid **ret);
LG_CHECKED lg_err lg_svid_tokenise(struct lg_ctx *cx, struct lg_upstream *up, lg_str container, const struct lg_svid *now, int64_t time,
    struct lg_svid **ret);
/* One token for others; in cx's arena. */
LG_CHECKED lg_err lg_svid_token(struct lg_ctx *cx, struct lg_upstream *up, lg_str container, const lg_str *audience, size_t n, int64_t time,
    lg_str *ret);
/* From text that was kept; the certificate says how long. */
LG_CHECKED lg_err lg_svid_of(struct lg_ctx *cx, lg_str certificate, lg_str key, lg_str roots, struct lg_svid **ret);

/* svid_files.c: a container's folder. */
LG_CHECKED lg_err lg_svid_write(struct lg_ctx *cx, const char *folder, const struct lg_svid *svid, uid_t uid, gid_t gid);
/* The certificate in it is revoked: said there, too, until the next lg_svid_write. */
LG_CHECKED lg_err lg_svid_mark(struct lg_ctx *cx, const char *folder, const struct lg_svid *svid, uid_t uid, gid_t gid);
bool lg_svid_marked(struct lg_ctx *cx, const char *folder);
/* LG_E_NOT_FOUND: no identity was ever there; after any other failure uid and gid are known all the same. */
LG_CHECKED lg_err lg_svid_read(struct lg_ctx *cx, const char *folder, uid_t *uid, gid_t *gid, struct lg_svid **ret);
void lg_svid_remove(struct lg_ctx *cx, const char *folder);	/* with its files; fine if it is not there */

#endif
