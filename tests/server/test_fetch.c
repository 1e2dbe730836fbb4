/* test_fetch.c: looks outside: the guard, the stub resolver, and http-01 against small servers of our own. */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <pthread.h>
#include <unistd.h>

#include "server/fetch.h"

/* ---- addresses -------------------------------------------------------------------------------------------- */

static bool
is_public(const char *text)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };

	if (inet_pton(AF_INET, text, &in.sin_addr) == 1)
		return lg_fetch_public((const struct sockaddr *)&in);
	cr_assert_eq(inet_pton(AF_INET6, text, &in6.sin6_addr), 1, "%s", text);
	return lg_fetch_public((const struct sockaddr *)&in6);
}

Test(fetch, only_global_addresses_are_public)
{
	static const char *const no[] = { "0.0.0.0", "10.1.2.3", "100.64.0.1", "127.0.0.1", "169.254.169.254", "172.16.0.1", "172.31.255.255",
		"192.0.0.8", "192.168.1.1", "198.18.0.1", "224.0.0.1", "255.255.255.255", "::", "::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1",
		"fc00::1", "fe80::1", "ff02::1", "2002:7f00:1::", "2001::1" };
	static const char *const yes[] = { "1.1.1.1", "100.63.0.1", "172.32.0.1", "192.0.1.1", "198.20.0.1", "223.1.1.1", "2a00::1", "2606:4700::1" };

	for (size_t i = 0; i < LG_COUNT(no); i++)
		cr_assert(!is_public(no[i]), "%s", no[i]);
	for (size_t i = 0; i < LG_COUNT(yes); i++)
		cr_assert(is_public(yes[i]), "%s", yes[i]);
}

/* ---- DNS ------------------------------------------------------------------------------------------------------ */

#define HEAD(flags, answers)	"\x12\x34" flags "\0\1\0" answers "\0\0\0\0"
#define QUESTION		"\1a\0\0\1\0\1"
#define RR(type, n)		"\xc0\x0c\0" type "\0\1\0\0\0\5\0" n

static struct lg_arena *arena;

static void
make_arena(void)
{
	arena = lg_arena_new();
}

static void
free_arena(void)
{
	lg_arena_free(&arena);
}

TestSuite(fetch, .init = make_arena, .fini = free_arena);

static lg_err
parse(lg_str reply, enum lg_dns_type type, lg_str *ret, size_t *n)
{
	struct lg_ctx cx;

	lg_ctx_init(&cx, arena);
	return lg_dns_parse(&cx, reply, 0x1234, type, 4, ret, n);
}

Test(fetch, a_reply_gives_the_records_of_the_type)
{
	lg_str got[4], reply = LG_STR(HEAD("\x81\x80", "\3") QUESTION RR("\5", "\2") "\xc0\x0c" RR("\1", "\4") "\1\2\3\4" RR("\x10", "\6") "\2hi\2ho");
	size_t n;

	cr_assert_eq(parse(reply, LG_DNS_A, got, &n), LG_OK);
	cr_assert(n == 1 && lg_str_eq(got[0], LG_STR("\1\2\3\4")));
	cr_assert_eq(parse(reply, LG_DNS_TXT, got, &n), LG_OK);
	cr_assert(n == 1 && lg_str_eq(got[0], LG_STR("hiho")));
	cr_assert_eq(parse(reply, LG_DNS_AAAA, got, &n), LG_E_NOT_FOUND);
}

Test(fetch, a_reply_that_is_none_is_refused)
{
	static const lg_str bad[] = {
		LG_STR(""), LG_STR("\x12\x34"), LG_STR("\x99\x99\x81\x80\0\1\0\1\0\0\0\0" QUESTION RR("\1", "\4") "\1\2\3\4"),
		LG_STR(HEAD("\1\0", "\1") QUESTION RR("\1", "\4") "\1\2\3\4"), LG_STR(HEAD("\x81\x80", "\2") QUESTION RR("\1", "\4") "\1\2\3\4"),
		LG_STR(HEAD("\x81\x80", "\1") QUESTION RR("\1", "\x7f") "\1\2\3\4"),
	};
	lg_str got[4];
	size_t n;

	for (size_t i = 0; i < LG_COUNT(bad); i++)
		cr_assert_eq(parse(bad[i], LG_DNS_A, got, &n), LG_E_INVALID, "%zu", i);
	cr_assert_eq(parse(LG_STR(HEAD("\x81\x83", "\0") QUESTION), LG_DNS_A, got, &n), LG_E_NOT_FOUND);
	cr_assert_eq(parse(LG_STR(HEAD("\x81\x82", "\0") QUESTION), LG_DNS_A, got, &n), LG_E_NOT_FOUND);
}

/* ---- HTTP -------------------------------------------------------------------------------------------------------- */

struct server {
	int fd;
	uint16_t port;
	lg_str reply;
	pthread_t thread;
};

static void *
serve(void *arg)
{
	struct server *s = arg;
	char request[4096];
	int fd = accept(s->fd, NULL, NULL);

	cr_assert(recv(fd, request, sizeof request, 0) > 0);
	cr_assert(send(fd, s->reply.p, s->reply.n, MSG_NOSIGNAL) >= 0);
	shutdown(fd, SHUT_WR);
	close(fd);
	return NULL;
}

static void
listen_on(struct server *s)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof at;

	s->fd = socket(AF_INET, SOCK_STREAM, 0);
	cr_assert(bind(s->fd, (struct sockaddr *)&at, sizeof at) == 0 && listen(s->fd, 1) == 0);
	cr_assert(getsockname(s->fd, (struct sockaddr *)&at, &n) == 0);
	s->port = ntohs(at.sin_port);
}

static lg_err
get(struct lg_ctx *cx, lg_str reply, bool private_too, lg_str *body)
{
	struct lg_settings settings = { .acme_private = private_too, .acme_alpn_port = 443 };
	struct server s = { .reply = reply };
	struct lg_acme_net net;
	lg_err e;

	listen_on(&s);
	settings.acme_http_port = s.port;
	net = lg_fetch_net(cx->arena, &settings);
	if (private_too)
		pthread_create(&s.thread, NULL, serve, &s);
	e = net.http(net.self, cx, LG_STR("127.0.0.1"), LG_STR("/x"), body);
	if (private_too)
		pthread_join(s.thread, NULL);
	close(s.fd);
	return e;
}

Test(fetch, an_answer_is_its_body_within_the_limit)
{
	LG_AUTO(lg_arena_free) struct lg_arena *a = lg_arena_new();
	struct lg_ctx cx;
	lg_str body, big = { lg_alloc(a, 2 * LG_ACME_BODY), LG_ACME_BODY + 1 };

	lg_ctx_init(&cx, a);
	cr_assert_eq(get(&cx, LG_STR("HTTP/1.0 200 OK\r\nX: y\r\n\r\ntoken.print"), true, &body), LG_OK, "%s", cx.error);
	cr_assert(lg_str_eq(body, LG_STR("token.print")));
	cr_assert_eq(get(&cx, LG_STR("HTTP/1.1 404 No\r\n\r\ntoken.print"), true, &body), LG_E_INVALID);
	cr_assert_eq(get(&cx, LG_STR("HTTP/1.1 302 Found\r\nLocation: http://10.0.0.1/\r\n\r\n"), true, &body), LG_E_INVALID);
	cr_assert_eq(get(&cx, LG_STR("nonsense"), true, &body), LG_E_INVALID);
	cr_assert_eq(get(&cx, lg_cat(a, LG_STR("HTTP/1.0 200 OK\r\n\r\n"), big), true, &body), LG_E_INVALID);
	cr_assert_eq(get(&cx, LG_NONE, false, &body), LG_E_DENIED, "loopback is not looked at");
}

Test(fetch, nobody_there_is_said_so)
{
	LG_AUTO(lg_arena_free) struct lg_arena *a = lg_arena_new();
	struct lg_settings settings = { .acme_private = true, .acme_http_port = 1, .acme_alpn_port = 1 };
	struct lg_acme_net net = lg_fetch_net(a, &settings);
	struct lg_ctx cx;
	lg_str ret;

	lg_ctx_init(&cx, a);
	cr_assert_eq(net.http(net.self, &cx, LG_STR("127.0.0.1"), LG_STR("/"), &ret), LG_E_UNAVAILABLE);
	cr_assert_eq(net.alpn(net.self, &cx, LG_STR("localhost"), LG_STR("localhost"), &ret), LG_E_UNAVAILABLE);
}
