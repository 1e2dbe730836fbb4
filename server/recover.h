/* recover.h: break-glass: what lets the administrators in again, by the recover socket or on a stopped service. */
#ifndef LG_SERVER_RECOVER_H
#define LG_SERVER_RECOVER_H

#include "server/app.h"

struct lg_recover {
	uint32_t tenant;
	const char *verb;		/* "password", "rollback", "unlock" */
	lg_str argument;		/* an administrator's name; a policy version */
};

/* cx->actor is LG_ACTOR_RECOVER.  text: what to tell the operator, for password the new one, in cx's arena.  May wait. */
LG_CHECKED lg_err lg_recover(struct lg_ctx *cx, struct lg_app *app, const struct lg_recover *rc, lg_str *text);

#endif
