/* test_fetch.c: looks outside: the guard, the stub resolver, and http-01 against small servers of our own. */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "tests/server/outside.h"

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
		"192.0.0.8", "192.0.2.1", "192.88.99.1", "192.168.1.1", "198.18.0.1", "198.51.100.7", "203.0.113.7", "224.0.0.1", "240.0.0.1", "255.255.255.255", "::", "::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1",
		"fc00::1", "fe80::1", "ff02::1", "2002:7f00:1::", "2001::1", "2001:db8::1", "3fff::1" };
	static const char *const yes[] = { "1.1.1.1", "100.63.0.1", "172.32.0.1", "192.0.1.1", "198.20.0.1", "223.1.1.1", "2001:200::1", "2a00::1", "2606:4700::1" };

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
	return lg_dns_parse(&cx, reply, LG_STR("\x12\x34\1\0\0\1\0\0\0\0\0\0" QUESTION), type, 4, ret, n);
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
	cr_assert_eq(parse(LG_STR(HEAD("\x81\x82", "\0") QUESTION), LG_DNS_A, got, &n), LG_E_IO, "SERVFAIL says nothing about the name");
	cr_assert_eq(parse(LG_STR(HEAD("\x81\x80", "\1") "\1b\0\0\1\0\1" RR("\1", "\4") "\1\2\3\4"), LG_DNS_A, got, &n), LG_E_INVALID,
	    "another question");
}

/* Asked once, unless this machine was so busy that a second question had to be sent. */
static bool
asked_once(const struct outside_dns *dns, int64_t began)
{
	return atomic_load(&dns->udp) == 1 || lg_boottime() - began > LG_SECOND;
}

/* ---- the exchange with the DNS server -------------------------------------------------------------------------- */

#define A(n, ...) { .name = n, .type = LG_DNS_A, .data = LG_STR(__VA_ARGS__) }

static struct lg_ctx
context(void)
{
	struct lg_ctx cx;

	lg_ctx_init(&cx, arena);
	return cx;
}

static lg_err
txt(struct outside_dns *dns, const char *name, lg_str *ret, size_t *n)
{
	struct lg_acme_net net = outside_net(arena, dns, 80, 443, true);
	struct lg_ctx cx = context();

	return net.txt(net.self, &cx, lg_str_of(name), ret, n);
}

Test(fetch, what_udp_cuts_off_comes_over_tcp)
{
	static char text[201] = { (char)200 };
	struct outside_record many[20];
	struct outside_dns dns = { .record = many, .n = LG_COUNT(many), .truncated = true };
	lg_str got[LG_ACME_TXT];
	int64_t began = lg_boottime();
	size_t n;

	memset(text + 1, 'x', 200);
	for (size_t i = 0; i < LG_COUNT(many); i++)
		many[i] = (struct outside_record){ "a.example", LG_DNS_TXT, { text, sizeof text }, 0 };
	outside_dns_start(&dns);
	cr_assert_eq(txt(&dns, "a.example", got, &n), LG_OK);
	cr_assert(n == LG_COUNT(many) && got[19].n == 200);
	cr_assert(asked_once(&dns, began) && atomic_load(&dns.tcp) == 1);
	outside_dns_end(&dns);
}

Test(fetch, replies_to_other_questions_are_passed_over)
{
	struct outside_record one = { "a.example", LG_DNS_TXT, LG_STR("\2hi"), 0 };
	struct outside_dns dns = { .record = &one, .n = 1, .liar = true };
	lg_str got[LG_ACME_TXT];
	int64_t began = lg_boottime();
	size_t n;

	outside_dns_start(&dns);
	cr_assert_eq(txt(&dns, "a.example", got, &n), LG_OK);
	cr_assert(n == 1 && lg_str_eq(got[0], LG_STR("hi")) && asked_once(&dns, began));
	outside_dns_end(&dns);
}

Test(fetch, a_dns_server_that_fails_is_not_one_without_records)
{
	struct outside_dns dns = { .code = 2 };
	lg_str got[LG_ACME_TXT], longest = { lg_alloc(arena, 300), 300 };
	size_t n;

	memset((char *)(uintptr_t)longest.p, 'x', 300);
	for (size_t i = 60; i < 300; i += 60)
		((char *)(uintptr_t)longest.p)[i] = '.';
	outside_dns_start(&dns);
	cr_assert_eq(txt(&dns, "a.example", got, &n), LG_E_IO);
	dns.code = 3;
	cr_assert_eq(txt(&dns, "a.example", got, &n), LG_E_NOT_FOUND);
	cr_assert_eq(txt(&dns, "a..example", got, &n), LG_E_NOT_FOUND);
	cr_assert_eq(txt(&dns, lg_dup(arena, longest).p, got, &n), LG_E_NOT_FOUND);
	outside_dns_end(&dns);
	cr_assert_eq(txt(NULL, "a.example", got, &n) == LG_OK, false);
}

Test(fetch, caa_sets_are_seen_whole_or_not_at_all)
{
	struct outside_record many[LG_ACME_CAA + 1];
	struct outside_dns dns = { .record = many, .n = LG_ACME_CAA };
	struct lg_ctx cx = context();
	struct lg_acme_net net;
	lg_str got[LG_ACME_CAA];
	size_t n;

	for (size_t i = 0; i < LG_COUNT(many); i++)
		many[i] = (struct outside_record){ "a.example", LG_DNS_CAA, LG_STR("\0\5issueca.example"), 0 };
	outside_dns_start(&dns);
	net = outside_net(arena, &dns, 80, 443, true);
	cr_assert_eq(net.caa(net.self, &cx, LG_STR("a.example"), got, &n), LG_OK);
	cr_assert(n == LG_ACME_CAA && lg_str_eq(got[0], LG_STR("\0\5issueca.example")));
	dns.n++;
	cr_assert_eq(net.caa(net.self, &cx, LG_STR("a.example"), got, &n), LG_E_IO);
	cr_assert_eq(net.caa(net.self, &cx, LG_STR("b.example"), got, &n), LG_E_NOT_FOUND);
	outside_dns_end(&dns);
}

/* RFC 8659 3: of a name and its parents the closest one with records decides; what is above it may fail. */
Test(fetch, caa_is_looked_for_from_the_name_upwards)
{
	struct outside_record records[] = { { "b.example", LG_DNS_CAA, LG_STR("\0\5issueb"), 0 },
		{ "example", LG_DNS_CAA, LG_STR("\0\5issuetop"), 0 } };
	struct outside_dns dns = { .record = records, .n = LG_COUNT(records) };
	struct lg_ctx cx = context();
	struct lg_acme_net net;
	lg_str got[LG_ACME_CAA];
	size_t n;

	outside_dns_start(&dns);
	net = outside_net(arena, &dns, 80, 443, true);
	cr_assert_eq(net.caa(net.self, &cx, LG_STR("x.y.b.example"), got, &n), LG_OK, "%s", cx.error);
	cr_assert(n == 1 && lg_str_eq(got[0], LG_STR("\0\5issueb")));
	cr_assert_eq(net.caa(net.self, &cx, LG_STR("a.b.c.d.e.f.g.h.i.j.k.example"), got, &n), LG_OK, "more names than are asked about at once");
	cr_assert(n == 1 && lg_str_eq(got[0], LG_STR("\0\5issuetop")));
	cr_assert_eq(net.caa(net.self, &cx, LG_STR("b.test"), got, &n), LG_E_NOT_FOUND);
	dns.code = 2;
	cr_assert_eq(net.caa(net.self, &cx, LG_STR("b.test"), got, &n), LG_E_IO, "who does not know has not said that there are none");
	outside_dns_end(&dns);
}

/* ---- HTTP -------------------------------------------------------------------------------------------------------- */

static lg_err
get(struct lg_ctx *cx, const char *const *replies, size_t n, lg_str *body)
{
	struct outside_http s = { .reply = replies, .n = n };
	struct lg_acme_net net;
	lg_err e;

	outside_http_start(&s, 0);
	net = outside_net(arena, NULL, s.port, 443, true);
	e = net.http(net.self, cx, LG_STR("127.0.0.1"), LG_STR("/x"), body);
	outside_http_end(&s);
	return e;
}

static lg_err
get_one(struct lg_ctx *cx, const char *reply, lg_str *body)
{
	return get(cx, &reply, 1, body);
}

Test(fetch, an_answer_is_its_body_within_the_limit)
{
	static char big[2 * LG_ACME_BODY], huge[4 * LG_FETCH_HEAD];
	struct lg_ctx cx = context();
	lg_str body;

	memset(big, 'x', sizeof big - 1);
	memcpy(big, "HTTP/1.0 200 OK\r\n\r\n", 19);
	memset(huge, 'x', sizeof huge - 1);
	memcpy(huge, "HTTP/1.0 200 OK\r\n", 17);
	cr_assert_eq(get_one(&cx, "HTTP/1.0 200 OK\r\nX: y\r\n\r\ntoken.print", &body), LG_OK, "%s", cx.error);
	cr_assert(lg_str_eq(body, LG_STR("token.print")));
	cr_assert_eq(get_one(&cx, "HTTP/1.1 404 No\r\n\r\ntoken.print", &body), LG_E_INVALID);
	cr_assert_eq(get_one(&cx, "nonsense", &body), LG_E_INVALID);
	cr_assert_eq(get_one(&cx, "", &body), LG_E_INVALID);
	cr_assert_eq(get_one(&cx, "HTTP/1.1 200 OK\r\nno end", &body), LG_E_INVALID);
	cr_assert_eq(get_one(&cx, big, &body), LG_E_INVALID);
	cr_assert_eq(get_one(&cx, huge, &body), LG_E_INVALID);
}

Test(fetch, redirects_are_followed_within_bounds)
{
	static const struct {
		const char *location;
		lg_err e;
	} cases[] = {
		{ "/y", LG_OK }, { "http://127.0.0.1/y?z", LG_OK }, { "http://localhost", LG_OK }, { "http://127.0.0.1/y#part", LG_OK },
		{ "http://127.0.0.1:22/", LG_E_DENIED }, { "ftp://127.0.0.1/", LG_E_INVALID }, { "//127.0.0.1/", LG_E_INVALID },
		{ "y", LG_E_INVALID }, { "", LG_E_INVALID }, { "http://", LG_E_INVALID }, { "http://u@127.0.0.1/", LG_E_INVALID },
		{ "http://127.0.0.1/a b", LG_E_INVALID }, { "http://127.0.0.1:x/", LG_E_DENIED },
	};
	struct lg_ctx cx = context();
	const char *loop[LG_FETCH_REDIRECTS + 2];
	lg_str body;

	for (size_t i = 0; i < LG_COUNT(cases); i++) {
		const char *replies[] = { lg_print(arena, "HTTP/1.1 302 Found\r\nlocation:  %s\r\n\r\n", cases[i].location).p,
			"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi" };

		cr_assert_eq(get(&cx, replies, cases[i].e == LG_OK ? 2 : 1, &body), cases[i].e, "%s: %s", cases[i].location, cx.error);
	}
	for (size_t i = 0; i < LG_COUNT(loop); i++)
		loop[i] = "HTTP/1.1 301 Moved\r\nLocation: /x\r\n\r\n";
	cr_assert_eq(get(&cx, loop, LG_COUNT(loop), &body), LG_E_INVALID);
	loop[LG_FETCH_REDIRECTS] = "HTTP/1.0 200 OK\r\n\r\nlast";
	cr_assert_eq(get(&cx, loop, LG_FETCH_REDIRECTS + 1, &body), LG_OK, "%s", cx.error);
}

Test(fetch, a_redirect_may_lead_to_tls)
{
	const char *there = "HTTP/1.0 200 OK\r\n\r\nsafe", *here = "HTTP/1.1 308 P\r\nLocation: https://localhost/y?z=1\r\n\r\n";
	struct outside_http plain = { .reply = &here, .n = 1 }, tls = { .reply = &there, .n = 1, .tls = true };
	struct lg_ctx cx = context();
	struct lg_acme_net net;
	lg_str body;

	outside_http_start(&plain, 0);
	outside_http_start(&tls, 0);
	net = outside_net(arena, NULL, plain.port, tls.port, true);
	cr_assert_eq(net.http(net.self, &cx, LG_STR("127.0.0.1"), LG_STR("/x"), &body), LG_OK, "%s", cx.error);
	outside_http_end(&plain);
	outside_http_end(&tls);
	cr_assert(lg_str_eq(body, LG_STR("safe")));
	cr_assert(lg_str_starts(lg_str_of(tls.request[0]), LG_STR("GET /y?z=1 HTTP/1.0\r\nHost: localhost\r\n")), "%s", tls.request[0]);
}

/* ---- what must not be reached, in a network where something else can be ------------------------------------------- */

#define PUBLIC_LITERAL "5.5.5.5"
#define PUBLIC "\5\5\5\5"

static bool
public_network(const char *test)
{
	static const char *const addresses[] = { PUBLIC_LITERAL, "10.0.0.1" };

	if (outside_network(addresses, LG_COUNT(addresses)))
		return true;
	printf("SKIP %s: no network namespace\n", test);
	return false;
}

Test(fetch, private_addresses_are_not_spoken_to_directly_by_name_or_by_redirect)
{
	struct outside_record records[] = { A("good.example", PUBLIC), A("inside.example", "\12\0\0\1"), A("mixed.example", "\12\0\0\1"),
		A("mixed.example", PUBLIC) };
	static const char *const targets[] = { "http://127.0.0.1/", "http://10.0.0.1/", "http://[::1]/", "http://localhost/",
		"http://inside.example/", "http://[::ffff:127.0.0.1]/" };
	struct outside_dns dns = { .record = records, .n = LG_COUNT(records) };
	struct lg_ctx cx = context();
	struct lg_acme_net net;
	lg_str body;

	if (!public_network("fetch: private addresses"))
		return;
	outside_dns_start(&dns);
	for (size_t i = 0; i < LG_COUNT(targets); i++) {
		const char *replies[] = { lg_print(arena, "HTTP/1.1 302 F\r\nLocation: %s\r\n\r\n", targets[i]).p, "HTTP/1.0 200 OK\r\n\r\nin" };
		struct outside_http s = { .reply = replies, .n = 2 };

		outside_http_start(&s, 80);
		net = outside_net(arena, &dns, 80, 443, false);
		cr_assert_eq(net.http(net.self, &cx, LG_STR("good.example"), LG_STR("/"), &body), LG_E_DENIED, "%s: %s", targets[i], cx.error);
		cr_assert_eq(net.http(net.self, &cx, LG_STR("inside.example"), LG_STR("/"), &body), LG_E_DENIED);
		cr_assert_eq(net.http(net.self, &cx, LG_STR("127.0.0.1"), LG_STR("/"), &body), LG_E_DENIED);
		cr_assert_eq(net.alpn(net.self, &cx, LG_STR("inside.example"), LG_STR("x"), &body), LG_E_DENIED);
		cr_assert_eq(atomic_load(&s.asked), 1, "only the first, public, server was spoken to");
		cr_assert_eq(net.http(net.self, &cx, LG_STR("mixed.example"), LG_STR("/"), &body), LG_OK, "%s", cx.error);
		outside_http_end(&s);
	}
	outside_dns_end(&dns);
}

Test(fetch, a_name_is_resolved_once_and_the_judged_address_is_spoken_to)
{
	struct outside_record records[] = { A("rebind.example", PUBLIC) };
	const char *reply = "HTTP/1.0 200 OK\r\n\r\nhi";
	struct outside_dns dns = { .record = records, .n = 1 };
	struct outside_http s = { .reply = &reply, .n = 1 };
	struct lg_ctx cx = context();
	int64_t began = lg_boottime();
	struct lg_acme_net net;
	lg_str body;

	if (!public_network("fetch: rebinding"))
		return;
	outside_dns_start(&dns);
	outside_http_start(&s, 80);
	net = outside_net(arena, &dns, 80, 443, false);
	cr_assert_eq(net.http(net.self, &cx, LG_STR("rebind.example"), LG_STR("/"), &body), LG_OK, "%s", cx.error);
	cr_assert(asked_once(&dns, began), "a second answer could lead elsewhere");
	records[0].data = LG_STR("\177\0\0\1");
	cr_assert_eq(net.http(net.self, &cx, LG_STR("rebind.example"), LG_STR("/"), &body), LG_E_DENIED, "rebound meanwhile");
	outside_http_end(&s);
	outside_dns_end(&dns);
}

Test(fetch, nobody_there_is_said_so)
{
	struct lg_acme_net net = outside_net(arena, NULL, 1, 1, true);
	struct lg_ctx cx = context();
	lg_str ret;

	cr_assert_eq(net.http(net.self, &cx, LG_STR("127.0.0.1"), LG_STR("/"), &ret), LG_E_UNAVAILABLE);
	cr_assert_eq(net.alpn(net.self, &cx, LG_STR("localhost"), LG_STR("localhost"), &ret), LG_E_UNAVAILABLE);
}

Test(fetch, a_server_that_says_nothing_costs_one_deadline)
{
	uint16_t port = 0;
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof at;
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	struct lg_ctx cx = context();
	struct lg_acme_net net;
	int64_t began = lg_boottime();
	lg_str ret;

	cr_assert(bind(fd, (struct sockaddr *)&at, sizeof at) == 0 && listen(fd, 1) == 0 && getsockname(fd, (struct sockaddr *)&at, &size) == 0);
	port = ntohs(at.sin_port);
	net = outside_net(arena, NULL, port, port, true);
	cr_assert_eq(net.http(net.self, &cx, LG_STR("127.0.0.1"), LG_STR("/"), &ret), LG_E_UNAVAILABLE);
	cr_assert(lg_boottime() - began < 4 * LG_FETCH_TIME);
	close(fd);
}
