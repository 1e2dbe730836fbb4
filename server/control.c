#include "server/control.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/uio.h>

bool
lg_control_pair(int pair[2])
{
	int size = 2 * LG_CONTROL_TEXT;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		return false;
	for (int i = 0; i < 2; i++)
		setsockopt(pair[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
	return true;
}

bool
lg_control_send(int fd, enum lg_control type, lg_str text, const int *fds, size_t nfds)
{
	char kind = (char)type;
	struct iovec iov[2] = { { &kind, 1 }, { (void *)(uintptr_t)text.p, text.n } };
	union {
		struct cmsghdr h;
		char room[CMSG_SPACE(sizeof(int) * LG_LOOPS)];
	} control = { 0 };
	struct msghdr m = { .msg_iov = iov, .msg_iovlen = 2 };
	ssize_t n;

	if (text.n > LG_CONTROL_TEXT || nfds > LG_LOOPS)
		return false;
	if (nfds > 0) {
		m.msg_control = &control;
		m.msg_controllen = CMSG_SPACE(sizeof(int) * nfds);
		struct cmsghdr *c = CMSG_FIRSTHDR(&m);

		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int) * nfds);
		memcpy(CMSG_DATA(c), fds, sizeof(int) * nfds);
	}
	do
		n = sendmsg(fd, &m, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n == (ssize_t)(1 + text.n);
}

bool
lg_control_recv(int fd, struct lg_control_message *ret)
{
	struct iovec iov = { ret->text, sizeof ret->text };
	union {
		struct cmsghdr h;
		char room[CMSG_SPACE(sizeof(int) * LG_LOOPS)];
	} control;
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control };
	ssize_t n;

	do
		n = recvmsg(fd, &m, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return false;
	ret->n = (size_t)n;
	ret->nfds = 0;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c != NULL; c = CMSG_NXTHDR(&m, c))
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS) {
			ret->nfds = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
			memcpy(ret->fds, CMSG_DATA(c), ret->nfds * sizeof(int));
		}
	return (m.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) == 0;
}
