/*
 * op_write.h: what the writing operations share: an edit handed to the store, rights decided inside it against the state it changes,
 * the answer when the batch is durable.
 */
#ifndef LG_DIRECTORY_OP_WRITE_H
#define LG_DIRECTORY_OP_WRITE_H

#include "directory/conn.h"
#include "directory/edit.h"

struct lg_write {
	struct lg_job job;		/* first: the store gives it back */
	struct lg_op *op;
	struct lg_edit ed;
	lg_str dn;			/* what is changed: for the audit row */
	lg_str attributes;		/* names, as a JSON list, for the audit row */
	/* On the writer's thread; only the operation's own arena and what is handed in are touched. */
	lg_err (*edit)(struct lg_ctx *cx, struct lg_edit *ed, struct lg_write *w);
	/* request */
	struct lg_values *values;
	struct lg_modification *mods;
	size_t n;
	lg_str rdn, superior;
	bool delete_old, has_superior;
	lg_str *password;		/* the clear one among the values, until it is hashed */
	struct lg_filter *assertion;	/* NULL: none */
	lg_str before, after;		/* what the read controls show: entries, encoded */
	lg_str generated;		/* Password Modify: the new password that is shown */
	lg_str old;			/* the old password that came too, until it is verified; p NULL: none */
	lg_str verified;		/* the verifier it was right for: the entry's must still be that one */
};

/* A write of the entry `dn`; the state of the operation from now on. */
struct lg_write *lg_write_new(struct lg_op *op, lg_str dn, lg_err (*edit)(struct lg_ctx *, struct lg_edit *, struct lg_write *));
/* After a change of the connection's own password it goes on with the new one. */
void lg_write_own_password(struct lg_ldap_conn *c, struct lg_op *op);
/* Hands it to the store, after the one clear password in it (if any) has been hashed. */
void lg_write_submit(struct lg_op *op, struct lg_write *w, const char *operation, lg_str *password);

/* The clear password in w under the policy, before it is hashed; used: what it must not be.  Answers when it is refused. */
LG_CHECKED lg_err lg_write_check_password(struct lg_op *op, const struct lg_write *w, lg_str used[LG_HASH_USED], size_t *n);

/* Is it dn's password?  If so `then` goes on, on the loop, with the verifier; otherwise it is counted and answered (53). */
typedef void lg_old_verified(struct lg_op *op, lg_str verifier);
void lg_op_verify_old(struct lg_op *op, lg_str dn, lg_str old, lg_old_verified *then);
/* Inside: the verifier is the one that the old password was right for, if one was given. */
LG_CHECKED lg_err lg_old_still(struct lg_ctx *cx, struct lg_edit *ed, const struct lg_write *w, const struct lg_entry *e);

/* Inside: the entry, 34 or 32 (with what is visible of the path) otherwise.  ac is for further questions. */
LG_CHECKED lg_err lg_write_find(struct lg_ctx *cx, struct lg_edit *ed, lg_str dn, struct lg_access *ac, struct lg_entry *ret, lg_str *ret_dn);
/* Inside: 50, or 32 when not even the entry's existence may be known. */
LG_CHECKED lg_err lg_write_may(struct lg_ctx *cx, struct lg_edit *ed, struct lg_access *ac, enum lg_right right, const struct lg_entry *e, lg_str dn,
    const struct lg_attr *at);
/* Inside: may the entry be added, with each of these attributes?  relax: by relaxed rules, which is a right of its own. */
LG_CHECKED lg_err lg_add_may(struct lg_ctx *cx, struct lg_edit *ed, lg_str dn, const struct lg_values *values, size_t n, bool relax);
/* Inside, before the change and after it: the assertion (122), and what the read controls ask for. */
LG_CHECKED lg_err lg_write_before(struct lg_ctx *cx, struct lg_edit *ed, struct lg_write *w, struct lg_access *ac, const struct lg_entry *e, lg_str dn);
LG_CHECKED lg_err lg_write_after(struct lg_ctx *cx, struct lg_edit *ed, struct lg_write *w, const struct lg_entry *e);
/* Reads SET OF AttributeValue into the operation's arena; false: malformed. */
bool lg_write_values(struct lg_op *op, struct lg_ber *attribute, struct lg_values *ret);
/* The old password that a deletion of userPassword names: taken out of it, so that it deletes whatever there is.  As below. */
bool lg_write_old(struct lg_op *op, struct lg_write *w, struct lg_values *values);
/* The clear password among values, to be hashed in place.  Answers and gives false when it may not be sent like that. */
bool lg_write_password(struct lg_op *op, const struct lg_values *values, lg_str dn, lg_str **ret);

#endif
