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
	lg_uuid verifier;		/* the blob that was checked against */
	bool doubted;			/* to be looked at when no operation waits */
	struct lg_ldap_conn *next, **prev;	/* of the bucket */
};

struct lg_ldap_conn;
struct lg_ldap;
/* Begins the session of e (NULL: anonymous); verifier NULL: it was not by password. */
void lg_session_begin(struct lg_ldap_conn *c, const struct lg_entry *e, const lg_uuid *verifier);
void lg_session_end(struct lg_ldap_conn *c);
/* The connection has replaced its own password: it goes on with the new one. */
void lg_session_renew(struct lg_ldap_conn *c);
/* Looks at a session in doubt, unless an operation waits; closes the connection with a notice if its authority is gone. */
void lg_session_settle(struct lg_ldap_conn *c);
/* The blob of an entry's password; false: it has none. */
bool lg_verifier_id(const struct lg_entry *e, lg_uuid *ret);
/* After commits. */
void lg_sessions_changed(struct lg_ldap *l);

#endif
