/* test_peer.c: who is at the other end, as long as it is there; processes in a namespace below are not ours. */
#include "base/peer.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/base/base_test.h"

static int
listener(struct sockaddr_un *un)
{
	int s = socket(AF_UNIX, SOCK_STREAM, 0);

	*un = (struct sockaddr_un){ .sun_family = AF_UNIX };
	snprintf(un->sun_path + 1, sizeof un->sun_path - 1, "lg-peer-%d", (int)getpid());
	cr_assert_eq(bind(s, (struct sockaddr *)un, sizeof *un), 0);
	cr_assert_eq(listen(s, 4), 0);
	return s;
}

/* A child that connects and then stays until its standard input ends, or goes at once. */
static pid_t
caller(const struct sockaddr_un *un, bool stays, bool below, int hold[2])
{
	cr_assert_eq(pipe(hold), 0);
	pid_t pid = fork();
	if (pid != 0) {
		close(hold[0]);
		return pid;
	}
	close(hold[1]);
	if (below && (unshare(CLONE_NEWPID) != 0 || (pid = fork()) != 0)) {
		int status = 0;
		_exit(pid > 0 && waitpid(pid, &status, 0) == pid ? WEXITSTATUS(status) : 77);
	}
	int c = socket(AF_UNIX, SOCK_STREAM, 0);
	char octet;
	if (connect(c, (const struct sockaddr *)un, sizeof *un) != 0)
		_exit(1);
	if (stays)
		(void)!read(hold[0], &octet, 1);
	_exit(0);
}

static struct ucred
credentials(int fd)
{
	struct ucred u;
	socklen_t n = sizeof u;

	cr_assert_eq(getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &u, &n), 0);
	return u;
}

Test(peer, a_process_beside_us_is_local_while_it_lives)
{
	struct sockaddr_un un;
	int s = listener(&un), hold[2];
	pid_t child = caller(&un, true, false, hold);
	int fd = accept(s, NULL, NULL), pinned = lg_peer_pin(fd, credentials(fd).pid);

	cr_assert_geq(pinned, 0);
	cr_assert(lg_peer_lives(pinned));
	cr_assert(lg_peer_is_local(pinned));
	close(hold[1]);
	cr_assert_eq(waitpid(child, NULL, 0), child);
	cr_assert_not(lg_peer_lives(pinned));
	cr_assert_not(lg_peer_is_local(pinned));
}

Test(peer, one_that_has_gone_is_nobody)
{
	struct sockaddr_un un;
	int s = listener(&un), hold[2];
	pid_t child = caller(&un, false, false, hold);
	int fd = accept(s, NULL, NULL);

	cr_assert_eq(waitpid(child, NULL, 0), child);
	int pinned = lg_peer_pin(fd, credentials(fd).pid);
	cr_assert_not(lg_peer_lives(pinned));
	cr_assert_not(lg_peer_is_local(pinned));
	cr_assert_not(lg_peer_is_local(-1));
	cr_assert_not(lg_peer_lives(-1));
}

Test(peer, one_in_a_namespace_below_is_not_local)
{
	struct sockaddr_un un;
	int s = listener(&un), hold[2];

	if (geteuid() != 0) {
		printf("SKIP a pid namespace needs root\n");
		return;
	}
	(void)caller(&un, true, true, hold);
	int fd = accept(s, NULL, NULL), pinned = lg_peer_pin(fd, credentials(fd).pid);

	cr_assert(lg_peer_lives(pinned));
	cr_assert_not(lg_peer_is_local(pinned));
	close(hold[1]);
}
