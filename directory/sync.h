/*
 * sync.h: content synchronisation, provider's side (RFC 4533).  A search that also says what is no longer there (refresh), and then stays
 * and tells of changes (persist).  Nothing is queued for a consumer: it has a place in the log of events, and is told from there on as
 * far as its connection takes it.
 */
#ifndef LG_DIRECTORY_SYNC_H
#define LG_DIRECTORY_SYNC_H

#include "directory/events.h"
#include "directory/search.h"

#define LG_SYNC_SET		500	/* UUIDs of one message */
#define LG_SYNC_PERSISTS	1024	/* searches of one loop that stay */

#define LG_CONTROL_SYNC		"1.3.6.1.4.1.4203.1.9.1.1"
#define LG_CONTROL_SYNC_STATE	"1.3.6.1.4.1.4203.1.9.1.2"
#define LG_CONTROL_SYNC_DONE	"1.3.6.1.4.1.4203.1.9.1.3"
#define LG_SYNC_INFO		"1.3.6.1.4.1.4203.1.9.1.4"

enum lg_sync_phase {
	LG_SYNC_ALL,			/* everything is sent: the cookie says nothing that could be used */
	LG_SYNC_PRESENT,		/* what has changed is sent, the rest is named: too much was deleted to be remembered */
	LG_SYNC_CHANGES,		/* what has changed is sent, what is gone is named */
	LG_SYNC_PERSIST
};
enum lg_sync_state { LG_SYNC_STATE_PRESENT, LG_SYNC_STATE_ADD, LG_SYNC_STATE_MODIFY, LG_SYNC_STATE_DELETE };

struct lg_sync {
	enum lg_sync_phase phase;
	bool persist;
	lg_str rid;			/* the consumer's number, given back in cookies */
	struct lg_moment since;		/* the cookie's */
	struct lg_moment at;		/* everything up to here has been told */
	int64_t last_time;		/* and, of what follows, up to this event */
	uint64_t last_stamp;
	bool naming;			/* of the changes: first what is gone, so that no name is taken twice */
	struct lg_moment named;		/* up to here that has been told */
	lg_sha256 binding;		/* request, asker and rights: a change of it ends the synchronisation */
	char uuids[LG_SYNC_SET * 16];
	size_t nuuids;
	struct lg_op *op, *next, **prev;	/* of the loop's that stay */
};

/* ---- op_sync.c ------------------------------------------------------------------------------------------------------------ */

/* The search has been planned: how does it go on?  Answers and gives false when it does not. */
bool lg_sync_begin(struct lg_op *op, struct lg_view *v);
bool lg_sync_by_events(const struct lg_sync *sy);	/* rather than by the plan's walk */
void lg_sync_slice(struct lg_op *op);
/* A match of the walk. */
void lg_sync_match(struct lg_op *op, struct lg_shown *sh);
void lg_sync_refreshed(struct lg_op *op);
/* After commits: those that stay look whether it concerns them. */
void lg_syncs_changed(struct lg_ldap *l);

/* ---- sync_cookie.c ---------------------------------------------------------------------------------------------------------- */

/* What a cookie holds for: this request, of this asker, with these groups, under this policy, in this epoch. */
LG_CHECKED lg_err lg_sync_binding(struct lg_op *op, struct lg_view *v, lg_sha256 *ret);
LG_CHECKED lg_err lg_sync_cookie_print(struct lg_op *op, const struct lg_sync *sy, struct lg_moment m, lg_str *ret);
/* *known: we gave it, for this binding. */
LG_CHECKED lg_err lg_sync_cookie_read(struct lg_op *op, struct lg_sync *sy, lg_str cookie, bool *known);

/* ---- sync_wire.c: the messages ------------------------------------------------------------------------------------------------ */

void lg_sync_send_entry(struct lg_op *op, struct lg_shown *sh, enum lg_sync_state state);
void lg_sync_send_deleted(struct lg_op *op, lg_uuid uuid, lg_str dn);
/* Names one that is there, or is not; sent by the hundreds. */
void lg_sync_name(struct lg_op *op, lg_uuid uuid);
void lg_sync_flush_names(struct lg_op *op);
void lg_sync_send_cookie(struct lg_op *op, lg_str cookie);
void lg_sync_send_refreshed(struct lg_op *op, lg_str cookie);
void lg_sync_reply_done(struct lg_op *op, lg_str cookie);

#endif
