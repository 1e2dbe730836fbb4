/*
 * pwd.h: password policy (draft-behera-ldap-password-policy-11): the rules, what is kept of an entry's password, and what follows for
 * who signs in and for who changes a password.
 *
 * The rules are an entry: the one an entry's pwdPolicySubentry names, otherwise cn=password-policy below the tenant's suffix, otherwise
 * the defaults.  What is kept (times, earlier verifiers, where the owner has signed in from) is a row beside the entry, so that signing
 * in does not change the entry.
 */
#ifndef LG_DIRECTORY_PWD_H
#define LG_DIRECTORY_PWD_H

#include "directory/edit.h"

#define LG_PWD_RDN	"cn=password-policy"
#define LG_PWD_HISTORY	24		/* earlier verifiers that are kept, the present one apart */
#define LG_PWD_GRACES	16		/* sign-ins after the end */
#define LG_PWD_KNOWN	8		/* addresses the owner has signed in from */

enum lg_pwd_error {			/* of the response control; one more than in the draft, so that 0 is none */
	LG_PWD_NO_ERROR, LG_PWD_EXPIRED, LG_PWD_LOCKED, LG_PWD_CHANGE_AFTER_RESET, LG_PWD_MOD_NOT_ALLOWED, LG_PWD_MUST_SUPPLY_OLD,
	LG_PWD_QUALITY, LG_PWD_TOO_SHORT, LG_PWD_TOO_YOUNG, LG_PWD_IN_HISTORY, LG_PWD_TOO_LONG
};

#define LG_PWD_OWN_LENGTH 8		/* where nothing is said: characters of a password that its owner chooses */

struct lg_pwd_policy {
	int64_t min_age, max_age, expire_warning, lockout_duration, failure_interval;	/* microseconds; 0: none */
	int64_t in_history, check_quality, min_length, max_length, grace_limit, max_failure;
	int64_t own_length;		/* of a password that its owner chooses, at least; in the entry there is one length for all */
	bool lockout, must_change, allow_change, safe_modify;
};

struct lg_pwd_state {
	int64_t changed, locked;	/* 0: not known, not locked */
	bool reset;			/* somebody else set it: the owner is to change it */
	bool strangers;			/* the lock is for addresses the owner has not signed in from */
	int64_t grace[LG_PWD_GRACES];
	size_t ngrace;
	uint64_t known[LG_PWD_KNOWN];	/* the newest first */
	size_t nknown;
	struct {
		int64_t time;
		lg_uuid blob;
	} history[LG_PWD_HISTORY];	/* the newest first */
	size_t nhistory;
};
#define LG_PWD_FOREVER 1		/* `locked` of an account that only an administrator unlocks */

LG_CHECKED lg_err lg_pwd_policy_get(struct lg_ctx *cx, struct lg_view *v, const struct lg_entry *e, struct lg_pwd_policy *ret);
int64_t lg_pwd_own_length(const struct lg_pwd_policy *p);	/* in characters */
/* All zero when nothing is kept. */
LG_CHECKED lg_err lg_pwd_state_get(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, uint64_t id, struct lg_pwd_state *ret);

/* ---- inside mutations --------------------------------------------------------------------------------------------- */

LG_CHECKED lg_err lg_pwd_state_put(struct lg_ctx *cx, struct lg_edit *ed, uint64_t id, const struct lg_pwd_state *s);
/* e's password is another now (has: it has one).  old: the blob id of the one before, or empty; it moves to the history or goes. */
LG_CHECKED lg_err lg_pwd_changed(struct lg_ctx *cx, struct lg_edit *ed, const struct lg_entry *e, lg_str old, bool has);
LG_CHECKED lg_err lg_pwd_forget(struct lg_ctx *cx, struct lg_edit *ed, const struct lg_entry *e);	/* the entry is deleted */
/* A modification of pwdReset or pwdAccountLockedTime. */
LG_CHECKED lg_err lg_pwd_modify(struct lg_ctx *cx, struct lg_edit *ed, const struct lg_entry *e, const struct lg_attr *at,
    const struct lg_modification *mod, bool *changed);

/* ---- a new password ----------------------------------------------------------------------------------------------------- */

/* Is it good enough, and may it be changed now?  Refuses with code and ed->password_error.  e: NULL for an entry that is being added. */
LG_CHECKED lg_err lg_pwd_check_new(struct lg_ctx *cx, struct lg_edit *ed, const struct lg_pwd_policy *p, const struct lg_entry *e, lg_str name,
    lg_str password, bool old_given);
/* Verifiers that a new password must not match: the present one and the history, as far as the policy goes back. */
LG_CHECKED lg_err lg_pwd_used(struct lg_ctx *cx, struct lg_directory *dir, struct lg_view *v, const struct lg_pwd_policy *p,
    const struct lg_entry *e, lg_str ret[LG_HASH_USED], size_t *n);

/* ---- signing in ------------------------------------------------------------------------------------------------------------ */

enum lg_pwd_outcome { LG_PWD_GOOD, LG_PWD_WRONG, LG_PWD_IS_LOCKED, LG_PWD_IS_EXPIRED };

struct lg_pwd_verdict {
	enum lg_pwd_outcome outcome;
	bool must_change;
	int64_t expires_in;		/* seconds, to warn of; -1: nothing to say */
	int grace_left;			/* after this one; -1: none was needed */
};

/* Pure: what a right or wrong password means now.  known: the address is one the owner has signed in from. */
struct lg_pwd_verdict lg_pwd_judge(const struct lg_pwd_policy *p, const struct lg_pwd_state *s, int64_t now, bool known, bool match);

/* One sign-in between verification and answer. */
struct lg_settle {
	struct lg_directory *dir;
	uint32_t tenant;
	uint64_t id;			/* of the entry */
	lg_str address;			/* of the client */
	bool match, upgrade;
	lg_str verifier;		/* that was checked */
	lg_str renewed;			/* its successor; empty: none */
	/* found out */
	bool lock, lock_strangers, write;
	struct lg_pwd_verdict verdict;
};
/* What it comes to, in a view; counts failures.  s->write: it must be recorded by lg_settle_edit before it is answered. */
LG_CHECKED lg_err lg_settle_look(struct lg_ctx *cx, struct lg_view *v, struct lg_settle *s);
/* Inside a mutation: judged again, recorded. */
LG_CHECKED lg_err lg_settle_edit(struct lg_ctx *cx, struct lg_edit *ed, struct lg_settle *s);

/* ---- failures, counted in memory: bounded, and gone when the process ends ------------------------------------------------------ */

struct lg_pwd_counts;
struct lg_pwd_counts *lg_pwd_counts_new(void);
void lg_pwd_counts_free(struct lg_pwd_counts **c);
/* One more failure of the entry from the address (0: any unknown one); how many within the interval (0: since the last success). */
unsigned lg_pwd_count(struct lg_pwd_counts *c, uint32_t tenant, uint64_t id, uint64_t address, int64_t interval);
void lg_pwd_uncount(struct lg_pwd_counts *c, uint32_t tenant, uint64_t id, uint64_t address);

#endif
