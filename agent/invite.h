/* invite.h: the join token as the host reads it: lgj1.<server>.<SHA-256 of the root behind the service's certificates>.<secret>. */
#ifndef LG_AGENT_INVITE_H
#define LG_AGENT_INVITE_H

#include "lightgate/crypto.h"

#define LG_INVITE_MAX	1024		/* octets of a join token */

struct lg_invite {
	lg_str text;			/* the whole token: what is sent, once the server is verified */
	lg_str server;			/* "host:8443", perhaps with a tenant's path */
	lg_sha256 root;
};

/* Surrounding blanks are allowed: tokens come from files.  LG_E_INVALID: not a join token. */
LG_CHECKED lg_err lg_invite_parse(struct lg_ctx *cx, lg_str text, struct lg_invite *ret);
/* "host:port", optionally with a path; nothing that would mean something else in a URL. */
bool lg_invite_server_valid(lg_str s);

#endif
