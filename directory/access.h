/*
 * access.h: may the caller do this to that entry or attribute?  Every read and write of the LDAP side asks here, and here the decision
 * point is asked.
 *
 * Verdicts that depend on neither time nor the single entry are kept, per loop, for one state of policy, memberships and entries.
 */
#ifndef LG_DIRECTORY_ACCESS_H
#define LG_DIRECTORY_ACCESS_H

#include "directory/directory.h"
#include "directory/schema.h"

enum lg_right {
	/* kept in the memo */
	LG_RIGHT_DISCLOSE, LG_RIGHT_SEARCH, LG_RIGHT_COMPARE, LG_RIGHT_READ, LG_RIGHTS_KEPT,
	/* asked anew each time */
	LG_RIGHT_WRITE = LG_RIGHTS_KEPT, LG_RIGHT_ADD, LG_RIGHT_DELETE, LG_RIGHT_RENAME, LG_RIGHT_ACT_AS, LG_RIGHT_RELAX, LG_RIGHTS
};

struct lg_memo;
struct lg_memo *lg_memo_new(void);
void lg_memo_free(struct lg_memo **m);

/* Of one operation within one view and one tenant. */
struct lg_access {
	struct lg_directory *dir;
	struct lg_ctx *cx;
	struct lg_view *v;
	uint32_t tenant;
	struct lg_memo_row *row;	/* NULL: nothing is kept */
	bool service;			/* the service looks for itself: it may see all but what is secret */
};
/* memo: NULL inside a mutation. */
struct lg_access lg_access_of(struct lg_directory *dir, struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, struct lg_memo *memo);

/* at: NULL for rights on the whole entry.  dn: the entry's, or empty when it is yet to be found out.  Whatever goes wrong is a no. */
bool lg_may(struct lg_access *ac, enum lg_right right, const struct lg_entry *e, lg_str dn, const struct lg_attr *at);

/* What the service counts of itself: the right to read what the tenant that runs it administers (admin:read). */
bool lg_may_monitor(struct lg_access *ac);

#endif
