/* tool_kit.h: what the tools on a stopped service's folders share: the folders' lock, the server's user, the keeper. */
#ifndef LG_SERVER_TOOL_KIT_H
#define LG_SERVER_TOOL_KIT_H

#include "lightgate/store.h"
#include "server/heads.h"
#include "server/parent.h"

struct lg_tool_world {
	struct lg_ctx cx;
	struct lg_parent parent;	/* as far as a keeper needs it */
	struct lg_store *store;
};

/*
 * Reads what only the parent's user may read, starts a keeper if one is wanted, and goes on as the server's user with DATA as the
 * working directory.  LG_E_CONFLICT: the service is running.
 */
LG_CHECKED lg_err lg_tool_enter(struct lg_tool_world *w, const struct lg_settings *s, bool keeper);
/* Closes everything and waits for the keeper; prints a failure's sentence.  The tool's exit status. */
int lg_tool_leave(struct lg_tool_world *w, lg_err e);

LG_CHECKED lg_err lg_tool_store(struct lg_tool_world *w, const char *dir, const char *archive);	/* into w->store */
LG_CHECKED lg_err lg_tool_mark(struct lg_tool_world *w, enum lg_chain chain, struct lg_mark *ret);
LG_CHECKED lg_err lg_tool_mark_epoch(struct lg_tool_world *w, enum lg_chain chain, const struct lg_head *head);

/* Certificates that the keeper signed, have not expired and are not in the store are recorded there as revoked; n: how many. */
LG_CHECKED lg_err lg_tool_revoke_lost(struct lg_tool_world *w, const char *operation, size_t *n);

/* "--name value" of a tool's own words; false with *ret untouched when it is not among them. */
bool lg_tool_option(int argc, char **argv, const char *name, const char **ret);
bool lg_tool_flag(int argc, char **argv, const char *name);

#endif
