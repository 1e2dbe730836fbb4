/* peer.c: see peer.h. */
#include "base/peer.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SO_PEERPIDFD			/* Linux 6.5; not in Debian 12's headers */
#define SO_PEERPIDFD 77
#endif

static pthread_once_t once = PTHREAD_ONCE_INIT;
static int fdinfo = -1;

int
lg_peer_pin(int socket, pid_t pid)
{
	int pidfd;
	socklen_t n = sizeof pidfd;

	if (getsockopt(socket, SOL_SOCKET, SO_PEERPIDFD, &pidfd, &n) == 0)
		return pidfd;
	return pid > 0 ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;
}

bool
lg_peer_lives(int pidfd)
{
	struct pollfd p = { .fd = pidfd, .events = POLLIN };	/* readable when it has ended: pidfd_open(2) */

	return pidfd >= 0 && poll(&p, 1, 0) == 0;
}

/* Kept open for life: a Landlock rule holds for this very folder, and /proc makes another when it has forgotten it. */
static void
open_fdinfo(void)
{
	fdinfo = open("/proc/self/fdinfo", O_PATH | O_DIRECTORY | O_CLOEXEC);
}

void
lg_peer_prepare(void)
{
	(void)pthread_once(&once, open_fdinfo);
}

static bool
read_fdinfo(int pidfd, char *text, size_t size)
{
	char name[16];

	lg_peer_prepare();
	snprintf(name, sizeof name, "%d", pidfd);
	int fd = openat(fdinfo, name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	ssize_t n = read(fd, text, size - 1);
	close(fd);
	text[n < 0 ? 0 : n] = '\0';
	return n > 0;
}

/* "NSpid:\t12\t1": its numbers from our namespace down to its own; one number in ours, 0 or -1 when it is not below us or is gone. */
bool
lg_peer_is_local(int pidfd)
{
	char text[1024];
	const char *at;
	int pid, used = 0;

	if (pidfd < 0 || !read_fdinfo(pidfd, text, sizeof text) || (at = strstr(text, "\nNSpid:")) == NULL)
		return false;
	return sscanf(at, "\nNSpid: %d%n", &pid, &used) == 1 && pid > 0 && at[used] == '\n';
}

struct lg_peer_who
lg_peer_who(int socket)
{
	struct lg_peer_who who = { -1, -1, -1 };
	struct ucred u;
	socklen_t n = sizeof u;
	int pinned;

	if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &u, &n) != 0)
		return who;
	pinned = lg_peer_pin(socket, u.pid);
	who.gid = u.gid;
	who.pid = u.pid;
	/* In a container numbers are given away, and the socket may have been mounted into it. */
	if (lg_peer_is_local(pinned))
		who.uid = u.uid;
	if (pinned >= 0)
		close(pinned);
	return who;
}
