#include "server/listen.h"

#include "lightgate/crypto.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/text.h"

/* The last colon parts host and port. */
static bool
split(lg_str text, lg_str *host, int64_t *port)
{
	size_t at = text.n;

	while (at > 0 && text.p[at - 1] != ':')
		at--;
	if (at == 0)
		return false;
	*host = lg_str_sub(text, 0, at - 1);
	return lg_int_parse(lg_str_sub(text, at, text.n), port) && *port >= 0 && *port <= 65535;
}

lg_err
lg_address_parse(struct lg_ctx *cx, lg_str text, struct sockaddr_storage *ret, socklen_t *size)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
	const char *name;
	lg_str host;
	int64_t port;

	if (!split(text, &host, &port))
		return lg_fail(cx, LG_E_INVALID, "\"%.*s\" is not address:port", LG_FMT(text));
	*ret = (struct sockaddr_storage){ 0 };
	if (host.n > 2 && host.p[0] == '[' && host.p[host.n - 1] == ']') {
		LG_TRY(lg_cstr(cx, lg_str_sub(host, 1, host.n - 2), &name));
		in6.sin6_port = htons((uint16_t)port);
		*size = sizeof in6;
		if (inet_pton(AF_INET6, name, &in6.sin6_addr) == 1) {
			memcpy(ret, &in6, sizeof in6);
			return LG_OK;
		}
	} else {
		LG_TRY(lg_cstr(cx, host, &name));
		in.sin_port = htons((uint16_t)port);
		*size = sizeof in;
		if (inet_pton(AF_INET, name, &in.sin_addr) == 1) {
			memcpy(ret, &in, sizeof in);
			return LG_OK;
		}
	}
	return lg_fail(cx, LG_E_INVALID, "\"%.*s\" is not an IP address", LG_FMT(host));
}

static unsigned
bound_port(int fd)
{
	struct sockaddr_storage a;
	socklen_t n = sizeof a;

	if (getsockname(fd, (struct sockaddr *)&a, &n) != 0)
		return 0;
	return a.ss_family == AF_INET ? ntohs(((struct sockaddr_in *)(void *)&a)->sin_port) :
	    ntohs(((struct sockaddr_in6 *)(void *)&a)->sin6_port);
}

#define BIND_PATIENCE	100		/* tries */
#define BIND_PAUSE	20000		/* microseconds */

static void
set_port(struct sockaddr_storage *a, unsigned port)
{
	if (a->ss_family == AF_INET)
		((struct sockaddr_in *)(void *)a)->sin_port = htons((uint16_t)port);
	else
		((struct sockaddr_in6 *)(void *)a)->sin6_port = htons((uint16_t)port);
}

/*
 * A free port that the next start will want again must not lie among those that the kernel hands to clients: one that connects
 * while we are down could be given it (and even be connected with itself).
 */
static bool
bind_free(int s, struct sockaddr_storage *a, socklen_t n)
{
	enum { LOWEST = 20000, COUNT = 12000, TRIES = 64 };

	for (int i = 0; i < TRIES; i++) {
		uint16_t r;
		lg_random(&r, sizeof r);
		set_port(a, LOWEST + r % COUNT);
		if (bind(s, (struct sockaddr *)a, n) == 0)
			return true;
		if (errno != EADDRINUSE && errno != EACCES)
			return false;
	}
	set_port(a, 0);
	return bind(s, (struct sockaddr *)a, n) == 0;
}

static bool
bind_to(int s, struct sockaddr_storage *a, socklen_t n)
{
	const struct sockaddr_in *in = (struct sockaddr_in *)(void *)a;
	const struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)(void *)a;

	int one = 1;

	/* On free ports too: who binds them again meets what connections that this one accepted and closed have left. */
	setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	if ((a->ss_family == AF_INET ? in->sin_port : in6->sin6_port) == 0)
		return bind_free(s, a, n);
	/* A service that was killed a moment ago may still be letting go of its sockets. */
	for (int waited = 0; bind(s, (struct sockaddr *)a, n) != 0; waited++) {
		if (errno != EADDRINUSE || waited == BIND_PATIENCE)
			return false;
		usleep(BIND_PAUSE);
	}
	return true;
}

lg_err
lg_bind_tcp(struct lg_ctx *cx, lg_str address, int *fd, unsigned *port)
{
	struct sockaddr_storage a;
	socklen_t n;
	int s, one = 1;

	LG_TRY(lg_address_parse(cx, address, &a, &n));
	s = socket(a.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (s < 0)
		return lg_fail(cx, LG_E_IO, "socket: %s", strerror(errno));
	setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	if (!bind_to(s, &a, n)) {
		lg_fail(cx, LG_E_IO, "cannot bind %.*s: %s", LG_FMT(address), strerror(errno));
		close(s);
		return LG_E_IO;
	}
	*fd = s;
	*port = bound_port(s);
	return LG_OK;
}

static bool
answers(const struct sockaddr_un *un)
{
	int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool yes = s >= 0 && connect(s, (const struct sockaddr *)un, sizeof *un) == 0;

	if (s >= 0)
		close(s);
	return yes;
}

lg_err
lg_bind_unix(struct lg_ctx *cx, lg_str path, int *fd)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int s;

	if (path.n >= sizeof un.sun_path)
		return lg_fail(cx, LG_E_INVALID, "the socket's path has %zu octets, at most %zu are possible", path.n,
		    sizeof un.sun_path - 1);
	memcpy(un.sun_path, path.p, path.n);
	if (answers(&un))
		return lg_fail(cx, LG_E_EXISTS, "somebody listens at %.*s already", LG_FMT(path));
	unlink(un.sun_path);
	s = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (s < 0)
		return lg_fail(cx, LG_E_IO, "socket: %s", strerror(errno));
	/*
	 * Anybody may connect: SO_PEERCRED says who it is, and policy what that is worth.  The mode comes from the umask: with --dev
	 * the folder is the server's, which could put a link where a chmod of root's would then follow it.
	 */
	mode_t before = umask(0111);
	bool bound = bind(s, (struct sockaddr *)&un, sizeof un) == 0;
	umask(before);
	if (!bound) {
		lg_fail(cx, LG_E_IO, "cannot bind %.*s: %s", LG_FMT(path), strerror(errno));
		close(s);
		return LG_E_IO;
	}
	*fd = s;
	return LG_OK;
}
