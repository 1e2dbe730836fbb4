/*
 * operator.h: what the local operator asks for through the recover socket.
 *
 * Two sides.  operator*.c run in the parent's child: they ask the keeper for what the server must not be able to do (new tenants,
 * ceilings, the record of what was signed).  operated.c runs in the server and does there what needs the store.
 */
#ifndef LG_SERVER_OPERATOR_H
#define LG_SERVER_OPERATOR_H

#include <sys/types.h>

#include "base/clock.h"
#include "base/operator.h"
#include "lightgate/keeper.h"
#include "server/app.h"

#define LG_OPERATOR_LIFE	300			/* seconds that a child may live */
#define LG_OPERATOR_PATIENCE	(10 * LG_SECOND)	/* with the client, each time */
#define LG_OPERATOR_WORK	(60 * LG_SECOND)	/* with the server */

struct lg_operator {
	struct lg_ctx cx;
	struct lg_keeper *keeper;	/* NULL: there is none now */
	int client, server;		/* server -1: there is none now */
	const struct lg_settings *settings;
	lg_str issuer;			/* of the default tenant */
	uid_t uid;			/* who asks */
	pid_t pid;
	struct lg_operator_words words;	/* what is asked */
	struct lg_buf out;		/* JSON */
	struct lg_keeper_told told;	/* the keeper's last answer */
};

/* The child: hears one request, carries it out and answers. */
void lg_operator_talk(struct lg_operator *op);

/* One word in, the request's answer out. */
typedef lg_err lg_operator_verb(struct lg_operator *op);
lg_operator_verb lg_operator_keys, lg_operator_ceiling, lg_operator_rotate, lg_operator_reconcile, lg_operator_ca_new, lg_operator_ca_ocsp, lg_operator_ca_import,
    lg_operator_ca_move;

/* Asks the server; the words follow who asks. */
LG_CHECKED lg_err lg_operator_server(struct lg_operator *op, const struct lg_operator_words *w, lg_str *reply);
/* May this issuing CA of the tenant word[1] sign beside those that are believed?  LG_E_CONFLICT. */
LG_CHECKED lg_err lg_operator_ca_room(struct lg_operator *op, lg_str kid);
/* The keeper's tenants; found: the one of that name, NULL if there is none. */
LG_CHECKED lg_err lg_operator_tenants(struct lg_operator *op, lg_str name, struct lg_keeper_tenant **all, size_t *n,
    const struct lg_keeper_tenant **found);
/* After a change in the keeper: recorded by the server, which reads keys and ceilings anew. */
LG_CHECKED lg_err lg_operator_changed(struct lg_operator *op, uint32_t tenant, const char *operation, lg_str detail);

/* ---- in the server -------------------------------------------------------------------------------------- */

/* Answers what comes on fd, on a worker, until the other side closes it. */
void lg_operated(struct lg_app *app, int fd);
/* Waits until nobody is being answered any more. */
void lg_operated_end(struct lg_app *app);

#endif
