/* parent.h: what parent*.c share. */
#ifndef LG_SERVER_PARENT_H
#define LG_SERVER_PARENT_H

#include <sys/types.h>

#include "lightgate/keeper.h"
#include "server/process.h"

#define LG_BACKOFF_FIRST	(LG_SECOND / 10)
#define LG_BACKOFF_LAST		(5 * LG_SECOND)
#define LG_BACKOFF_CALM		(30 * LG_SECOND)	/* a child that lived this long starts with the first again */

struct lg_child {
	const char *name;
	pid_t pid;			/* 0: not running; never signalled once it was reaped */
	int64_t began;
	int64_t again;			/* when to start it once more; 0: not waiting */
	int64_t pause;			/* before the next start */
};

struct lg_parent {
	const struct lg_parent_options *o;
	struct lg_settings settings;
	struct lg_users users;
	struct lg_door doors[LG_DOORS];
	struct lg_ctx cx;
	struct lg_arena *arena;		/* as long as the process */
	struct lg_secret secret;
	struct lg_child keeper, server;
	struct lg_child hsm;		/* the PKCS#11 module's process; not there without one */
	int hsm_ends[LG_LOOPS];		/* its ends of the channels to the keeper: kept for the next one; -1 otherwise */
	bool hsm_reload;		/* it was told to end, for a PIN that changed */
	struct lg_child operator;	/* talks to one operator; at most one, since it borrows keeper_control */
	pid_t operator_keeper;		/* the keeper whose channel it borrowed */
	int recover;			/* listens at DATA/recover/recover.sock; -1: not offered */
	struct lg_keeper *keeper_control;
	int server_control;
	int channels[LG_LOOPS];		/* the server's ends, between the keeper's start and the server's; -1 otherwise */
	size_t nloops;
	int signals;
	bool ending, ready;
	int server_status;		/* exit status of the last server that ended by itself */
	lg_str line;			/* the ready line, of this start or the last */
};

/* parent_keeper.c */
LG_CHECKED lg_err lg_parent_keeper_start(struct lg_parent *p);	/* fills channels */
LG_CHECKED lg_err lg_parent_tenant(struct lg_parent *p);	/* makes the default tenant's keys unless they are there */
void lg_parent_keeper_stop(struct lg_parent *p);		/* closes the control channel: it ends by itself */

/* parent_hsm.c */
LG_CHECKED lg_err lg_parent_hsm_channels(struct lg_parent *p, int *keeper_ends);	/* nloops of them; all -1 without a module */
LG_CHECKED lg_err lg_parent_hsm_start(struct lg_parent *p);
void lg_parent_hsm_reload(struct lg_parent *p);			/* SIGHUP: the PIN is read anew */
void lg_parent_hsm_ended(struct lg_parent *p);			/* the keeper hears that it is not answered */

/* parent_server.c */
LG_CHECKED lg_err lg_parent_server_start(struct lg_parent *p);	/* takes channels */
void lg_parent_server_hear(struct lg_parent *p);		/* a message, or the end, at server_control */
void lg_parent_server_keeper(struct lg_parent *p);		/* hands channels of a new keeper over */

/* parent_operator.c */
LG_CHECKED lg_err lg_parent_recover_open(struct lg_parent *p);	/* the socket; DATA is the working directory */
void lg_parent_recover_close(struct lg_parent *p);
void lg_parent_operator_take(struct lg_parent *p);		/* a connection waits: a child is forked for it */
void lg_parent_operator_stop(struct lg_parent *p);		/* kills it, if there is one */
void lg_parent_operator_ended(struct lg_parent *p, int status);

void lg_parent_channels_close(struct lg_parent *p);

#endif
