/*
 * bench_server_empty.c: the ceiling of every HTTP figure: libmicrohttpd run as server/http_daemon.c runs it, one daemon a thread in
 * external epoll, with a handler that reads the request's body and gives a fixed answer.
 *
 *	empty unix:PATH|ADDRESS:PORT [CERTIFICATE KEY]
 *
 * Prints its process id when it listens, and ends when its standard input does.
 */
#include <fcntl.h>
#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/epoll.h>

#include "bench/bench.h"
#include "server/tls_policy.h"

enum { THREADS = 2, PEM = 16384 };

static const char text[] =
    "{\"decision\":true,\"context\":{\"id\":\"00000000-0000-0000-0000-000000000000\",\"policy\":\"web-reaches-the-database\","
    "\"reason\":\"permitted by web-reaches-the-database\",\"revision\":2}}";
static char certificate[PEM], key[PEM];
static int listener;

struct server {
	unsigned index;
	pthread_t thread;
	struct MHD_Daemon *mhd;
	struct MHD_Response *answer;
};

static enum MHD_Result
handle(void *cls, struct MHD_Connection *c, const char *url, const char *method, const char *version, const char *data, size_t *n,
    void **state)
{
	static int begun;

	(void)url, (void)method, (void)version, (void)data;
	if (*state == NULL) {
		*state = &begun;
		return MHD_YES;
	}
	if (*n > 0) {
		*n = 0;
		return MHD_YES;
	}
	return MHD_queue_response(c, 200, ((struct server *)cls)->answer);
}

static void
start(struct server *s)
{
	unsigned flags = MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME;
	struct MHD_OptionItem tls[] = {
		{ MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)LG_TLS_GNUTLS_PRIORITIES },
		{ MHD_OPTION_HTTPS_MEM_CERT, 0, certificate }, { MHD_OPTION_HTTPS_MEM_KEY, 0, key }, { MHD_OPTION_END, 0, NULL },
	};

	if (key[0] != '\0')
		flags |= MHD_USE_TLS;
	s->mhd = MHD_start_daemon(flags, 0, NULL, NULL, handle, s, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)32768,
	    MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_ARRAY, key[0] != '\0' ? tls : tls + 3, MHD_OPTION_END);
	must(s->mhd != NULL, "libmicrohttpd");
	s->answer = MHD_create_response_from_buffer(sizeof text - 1, (void *)(uintptr_t)text, MHD_RESPMEM_PERSISTENT);
	MHD_add_response_header(s->answer, "Content-Type", "application/json");
}

/* Connections go to the threads in turn, as ours go to the loops. */
static void
admit(struct server *s)
{
	static atomic_uint turn;

	struct sockaddr_storage from = { 0 };
	socklen_t n = sizeof from;

	if (atomic_load(&turn) % THREADS != s->index)
		return;
	int fd = accept4(listener, (struct sockaddr *)&from, &n, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd < 0)
		return;
	atomic_fetch_add(&turn, 1);
	must(MHD_add_connection(s->mhd, fd, (struct sockaddr *)&from, n) == MHD_YES, "a connection");
}

static void *
serve(void *arg)
{
	struct server *s = arg;
	int ep = epoll_create1(0), mine = MHD_get_daemon_info(s->mhd, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
	struct epoll_event ev[2], e = { EPOLLIN, { .fd = mine } }, l = { EPOLLIN, { .fd = listener } };

	must(epoll_ctl(ep, EPOLL_CTL_ADD, mine, &e) == 0 && epoll_ctl(ep, EPOLL_CTL_ADD, listener, &l) == 0, "epoll");
	for (bool again = false;;) {
		MHD_UNSIGNED_LONG_LONG wait;
		int n = epoll_wait(ep, ev, 2, again ? 0 : -1);
		for (int i = 0; i < n; i++)
			if (ev[i].data.fd == listener)
				admit(s);
		MHD_run(s->mhd);
		again = MHD_get_timeout(s->mhd, &wait) == MHD_YES && wait == 0;
	}
	return NULL;
}

/* ---- the command --------------------------------------------------------------------------------------------- */

static void
read_pem(const char *path, char *to)
{
	int fd = open(path, O_RDONLY);

	must(fd >= 0 && read(fd, to, PEM - 1) > 0, path);
	close(fd);
}

int
main(int argc, char **argv)
{
	struct server s[THREADS];
	char byte;

	must(argc == 2 || argc == 4, "usage: empty WHERE [CERTIFICATE KEY]");
	if (argc == 4) {
		read_pem(argv[2], certificate);
		read_pem(argv[3], key);
	}
	listener = bench_listen(argv[1]);
	for (unsigned i = 0; i < THREADS; i++) {
		s[i].index = i;
		start(&s[i]);
		must(pthread_create(&s[i].thread, NULL, serve, &s[i]) == 0, "a thread");
	}
	while (read(0, &byte, 1) > 0)
		;
	return 0;
}
