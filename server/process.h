/*
 * process.h: lightgated's processes.  The parent opens the listeners, starts keeper and server and restarts them; it reads
 * nothing from outside.  The server does the rest, confined.
 */
#ifndef LG_SERVER_PROCESS_H
#define LG_SERVER_PROCESS_H

#include "server/app.h"
#include "server/doors.h"
#include "server/layout.h"

/* What the server inherits. */
struct lg_server_start {
	struct lg_settings settings;
	struct lg_door doors[LG_DOORS];
	struct lg_users users;
	int control;			/* to the parent */
	int channels[LG_LOOPS];		/* to the keeper, one a loop */
	size_t nloops;
	lg_str load;			/* text of --load */
	lg_str before;			/* the last start's ready line */
	int argc;			/* flags: they override a file that is read again */
	char **argv;
	char **task;			/* NULL-terminated words: do this instead of serving */
};

/* User, files, system calls, dumps; the working directory is DATA.  LG_E_UNSUPPORTED: neither Landlock nor a user of its own
 * would keep it from the keeper's folder, and the settings do not say that this will do. */
LG_CHECKED lg_err lg_server_confine(struct lg_ctx *cx, const struct lg_settings *s, const struct lg_users *u);

/* The server's whole life, in a process just forked, without threads.  Returns its exit status. */
int lg_server_main(struct lg_server_start *s);

struct lg_parent_options {
	struct lg_settings settings;
	lg_str load;
	const char *config_file;	/* read again at SIGHUP; NULL: none */
	int argc;
	char **argv;
	char **task;			/* see struct lg_server_start; NULL: serve */
};
/* Runs until SIGTERM or SIGINT, or until the task is done.  Returns the exit status. */
int lg_parent_main(const struct lg_parent_options *o);

/* args.c: the command line. */
enum lg_command { LG_COMMAND_RUN, LG_COMMAND_CHECK, LG_COMMAND_HELP, LG_COMMAND_VERSION, LG_COMMAND_TOOL };
struct lg_args {
	enum lg_command command;
	struct lg_settings settings;
	const char *config_file, *load_file;
	int tool;			/* index in argv of the tool's name */
};
/* The settings among the flags, over those in s. */
LG_CHECKED lg_err lg_args_override(struct lg_ctx *cx, int argc, char **argv, struct lg_settings *s);
LG_CHECKED lg_err lg_args_parse(struct lg_ctx *cx, int argc, char **argv, struct lg_args *ret);

#endif
