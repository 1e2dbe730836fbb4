/*
 * session.h: what a connection's identity stands on.  A session ends, with a notice, when its entry goes or is disabled, or when the
 * password it was begun with is replaced; commits say whose sessions are to be looked at.
 */
#ifndef LG_DIRECTORY_SESSION_H
#define LG_DIRECTORY_SESSION_H

#include "lightgate/directory.h"

enum { LG_SESSION_BUCKETS = 1024 };

struct lg_session {
	bool known;			/* of an entry, not anonymous */
	uint32_t tenant;
	uint64_t entry;
	bool by_password;
	int64_t since;			/* when the password that was checked had been set; a renewed form of it is the same password */
	bool doubted;			/* to be looked at when no operation waits */
	uint64_t seen;			/* the snapshot in which all was well; 0: look in any */
	struct lg_ldap_conn *next, **prev;	/* of the bucket */
};

struct lg_ldap_conn;
struct lg_ldap;
/* Begins the session of e (NULL: anonymous); since NULL: it was not by password. */
void lg_session_begin(struct lg_ldap_conn *c, const struct lg_entry *e, const int64_t *since);
void lg_session_end(struct lg_ldap_conn *c);
/* The connection has replaced its own password: it goes on with the new one. */
void lg_session_renew(struct lg_ldap_conn *c);
/* Looks at a session in doubt, unless an operation waits; closes the connection with a notice if its authority is gone. */
void lg_session_settle(struct lg_ldap_conn *c);
/* When the entry's password was set, 0 if that is not known; false: it has none. */
bool lg_password_since(struct lg_ctx *cx, struct lg_view *v, const struct lg_entry *e, int64_t *ret);
/* After commits. */
void lg_sessions_changed(struct lg_ldap *l);

#endif
