/* daemon.h: lightgated as it is built, started below a folder of its own. */
#ifndef LG_TESTS_SERVER_DAEMON_H
#define LG_TESTS_SERVER_DAEMON_H

#include <criterion/criterion.h>
#include <stdbool.h>
#include <sys/types.h>

#ifdef LG_SANITIZE
#define DAEMON "build/asan/bin/lightgated"
#else
#define DAEMON "build/bin/lightgated"
#endif

struct daemon {
	pid_t pid;
	char top[100], data[120], line[8192];
	int out;
};

bool daemon_skipped(void);		/* it is not built: said so */
void daemon_folder(struct daemon *d, uid_t uid);
void daemon_spawn(struct daemon *d, uid_t uid);	/* uid 0: as we are */
bool daemon_line(struct daemon *d);	/* the ready line; false if it ended or took 30 s */
void daemon_begin(struct daemon *d);	/* all of these */
bool daemon_end(struct daemon *d);	/* false if it was not gone, with status 0, in time */
pid_t daemon_child(const struct daemon *d, const char *name);	/* 0: there is none */
int daemon_socket(const struct daemon *d);	/* connected to its UNIX socket; -1 */
int daemon_get(const struct daemon *d, const char *path);	/* over the UNIX socket: the status, 0 if nobody answers */
bool daemon_becomes(const struct daemon *d, const char *path, int status);
int daemon_port(const struct daemon *d, const char *member);	/* of the ready line */
int daemon_connect(int port);

#endif
