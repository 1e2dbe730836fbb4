/* What web servers answer: webhooks, bundle endpoints, challenges.  A reply that is accepted keeps to its sizes, and lies within what came. */
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "server/fetch.h"

#define BODY 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	LG_AUTO(lg_arena_free) struct lg_arena *a = lg_arena_new();
	struct lg_fetch_line l = { .deadline = lg_boottime() + LG_SECOND };
	struct lg_fetch_reply r;
	struct lg_ctx cx;
	int fd[2];

	lg_ctx_init(&cx, a);
	if (size > 65536 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fd) != 0)
		return 0;
	if (send(fd[1], data, size, MSG_NOSIGNAL) != (ssize_t)size || shutdown(fd[1], SHUT_WR) != 0)
		abort();
	l.fd = fd[0];
	if (lg_fetch_exchange(&cx, &l, LG_STR("GET / HTTP/1.0\r\n\r\n"), BODY, &r) == LG_OK &&
	    (r.status < 100 || r.status > 999 || r.body.n > BODY || r.body.n + r.location.n + r.type.n > size || r.max_age < 0))
		abort();
	close(fd[0]);
	close(fd[1]);
	return 0;
}
