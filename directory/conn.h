/*
 * conn.h: a connection and its operations, as the handlers see them.
 *
 * A handler gets a decoded request.  It either answers at once, asks to be called again for its next slice (lg_op_slice), or waits
 * for a callback of hasher or store.  While it waits the connection may go away: op->conn is NULL then and answers go nowhere.
 */
#ifndef LG_DIRECTORY_CONN_H
#define LG_DIRECTORY_CONN_H

#include "directory/access.h"
#include "directory/ber.h"
#include "directory/controls.h"
#include "directory/result.h"
#include "directory/session.h"
#include "directory/shown.h"

enum { LG_POOLED_OPERATIONS = 64, LG_REPLY_CONTROLS = 8 };

struct lg_ldap {
	struct lg_ldap_options o;
	struct lg_memo *memo;
	struct lg_op *pool;		/* finished ones, with their arenas */
	size_t npool;
	size_t outstanding;
	struct lg_arena *slice;		/* wiped between slices of searches */
	struct lg_arena *entry;		/* wiped between entries */
	struct lg_ldap_counts counts;
	struct lg_ear *ear;
	struct lg_ldap_conn *session[LG_SESSION_BUCKETS];	/* by entry */
	struct lg_op *syncs;		/* content synchronisations that stay */
	size_t nsyncs;
};

struct lg_op {
	struct lg_op *next;		/* of the connection, oldest first; or of the pool */
	struct lg_ldap *ldap;
	struct lg_ldap_conn *conn;	/* NULL: it was closed meanwhile */
	struct lg_arena *arena;
	struct lg_ctx cx;
	struct lg_actor actor;		/* as it was when the request came; whom it is done as */
	struct lg_actor proxy;		/* with proxied authorization: whose request it is */
	int32_t id;
	const struct lg_op_kind *kind;
	struct lg_controls controls;
	lg_str body;			/* of the request, in the arena */
	bool done, abandoned, waiting;
	bool held;			/* of a transaction: answered, but not done yet */
	void (*slice)(struct lg_op *op);	/* more to do on the loop */
	void *state;			/* the handler's */
	void *old;			/* an old password that is being verified (op_old.c) */
	void (*ended)(struct lg_op *op);	/* before it is taken apart */
	struct {
		const char *oid;
		lg_str value;		/* in the operation's arena */
	} reply[LG_REPLY_CONTROLS];	/* controls of the answer */
	size_t nreply;
};

struct lg_op_kind {
	int request, response;		/* tags; response 0: there is none */
	const char *name;
	uint64_t *(*count)(struct lg_ldap_counts *c);
	void (*run)(struct lg_op *op, struct lg_ber *body);
};

struct lg_ldap_conn {
	struct lg_ldap *ldap;
	struct lg_ldap_peer peer;	/* cert is ours */
	void (*wake)(void *arg);
	void *arg;
	struct lg_session session;
	struct lg_actor actor;
	struct lg_arena *identity;	/* what actor points to */
	bool bound;			/* a bind has succeeded: larger requests are taken */
	struct lg_buf in, out;
	size_t in_at;			/* what of `in` has been taken */
	struct lg_op *ops;
	struct lg_txn *txn;
	struct lg_sasl *sasl;		/* an exchange that goes on with the next bind */
	size_t nops;
	bool heard;			/* a whole request has come */
	bool must_change;		/* until the password is changed, nothing else is done for it */
	bool binding;			/* nothing else is begun meanwhile */
	bool paused;			/* for want of room in `out`: woken when it has been sent */
	bool blocked;			/* a bind waits for writes to be answered */
	bool start_tls, closing;
	bool running;			/* inside lg_ldap_run: no need to wake */
	int64_t opened;
};

/* ---- what handlers call ------------------------------------------------------------------------------------------ */

struct lg_op *lg_op_new(struct lg_ldap_conn *c, int32_t id, const struct lg_op_kind *kind, lg_str body);
/* Answers and ends the operation. */
void lg_op_result(struct lg_op *op, int code, lg_str matched, lg_str text);
static inline void
lg_op_code(struct lg_op *op, int code, const char *text)
{
	lg_op_result(op, code, LG_NONE, lg_str_of(text));
}
/* The answer to an error; ed (may be NULL) holds code and matchedDN if it came from an edit. */
void lg_op_error(struct lg_op *op, lg_err e, const struct lg_edit *ed);
/* A control that goes with the answer; value is copied. */
void lg_op_reply(struct lg_op *op, const char *oid, lg_str value);
/* A result with more behind it: response name and value of an extended operation. */
typedef void lg_result_tail(struct lg_berw *w, void *arg);
void lg_op_result_with(struct lg_op *op, int code, lg_str matched, lg_str text, lg_result_tail *inner, void *arg);
void lg_op_end(struct lg_op *op);		/* without an answer */
void lg_op_wait(struct lg_op *op);		/* a callback will come */
void lg_op_resume(struct lg_op *op);		/* it came; op may be ended by then: call this first */
void lg_op_wake(struct lg_op *op);		/* there may be output, or room for the next request */
/* What the operation needs of the connection's identity, copied into its own arena. */
void lg_op_own(struct lg_op *op);
bool lg_op_confidential(const struct lg_op *op);	/* TLS or loopback: passwords may pass */

/* Who it is from now on.  e NULL: anonymous; since (when the password was set) NULL: not by password. */
void lg_conn_actor(struct lg_ldap_conn *c, const struct lg_entry *e, const int64_t *since);
void lg_conn_notice(struct lg_ldap_conn *c, int code, lg_str text);
bool lg_conn_has_input(const struct lg_ldap_conn *c);

struct lg_pwd_verdict;
/*
 * What a verified password of `who` comes to (op_settle.c): counted, judged by the policy, an old form of verifier renewed, recorded.
 * `then` is called on the loop, perhaps at once; address, verifier and password live as long as the operation.
 */
typedef void lg_settled(struct lg_op *op, const struct lg_pwd_verdict *v);
void lg_op_settle(struct lg_op *op, const struct lg_entry *who, lg_str address, lg_str verifier, lg_str password, bool match, bool upgrade,
    lg_settled *then);
/* The password policy's words, if they were asked for: of a sign-in (may be NULL), and an enum lg_pwd_error. */
void lg_op_reply_password(struct lg_op *op, const struct lg_pwd_verdict *v, int error);

/* ---- helpers of several handlers ------------------------------------------------------------------------------------ */

/* The entry a DN names, if the caller may know of it.  Otherwise answers (34, 32 with the visible part, 80) and gives false. */
bool lg_op_find(struct lg_op *op, struct lg_view *v, lg_str dn, struct lg_access *ac, struct lg_entry *ret, lg_str *ret_dn);
/* The filter of the assertion control; answers and gives false when it is malformed. */
bool lg_op_assertion(struct lg_op *op, struct lg_filter **ret);
/* The view of this turn; answers and gives false when there is none. */
bool lg_op_view(struct lg_op *op, struct lg_view **ret);

/* RFC 4370: the operation goes on as who its control names; answers and gives false when the caller may not. */
bool lg_op_proxied(struct lg_op *op);
/* "dn:...", "u:..." or a bare DN (RFC 4513 5.2.1.8); u: is looked up in `tenant`. */
LG_CHECKED lg_err lg_authzid_entry(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_str authzid, struct lg_entry *ret);

/* ---- handlers --------------------------------------------------------------------------------------------------------- */

void lg_op_bind(struct lg_op *op, struct lg_ber *body);
void lg_op_unbind(struct lg_op *op, struct lg_ber *body);
void lg_op_search(struct lg_op *op, struct lg_ber *body);
void lg_op_modify(struct lg_op *op, struct lg_ber *body);
void lg_op_add(struct lg_op *op, struct lg_ber *body);
void lg_op_delete(struct lg_op *op, struct lg_ber *body);
void lg_op_rename(struct lg_op *op, struct lg_ber *body);
void lg_op_compare(struct lg_op *op, struct lg_ber *body);
void lg_op_abandon(struct lg_op *op, struct lg_ber *body);
void lg_op_extended(struct lg_op *op, struct lg_ber *body);
bool lg_op_changes_password(struct lg_op *op);		/* a modify request for userPassword alone */
bool lg_extended_before_change(const struct lg_op *op);	/* an extended request that is taken with a password that must be changed first */
void lg_op_password(struct lg_op *op, lg_str value);	/* Password Modify; from lg_op_extended */
void lg_op_cancel(struct lg_op *op, lg_str value);
bool lg_extended_oid(size_t i, lg_str *ret);		/* the i-th supported operation; false behind the last */

#endif
