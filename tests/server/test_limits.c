#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <sys/un.h>

#include "server/limits.h"

static struct sockaddr_storage
v4(const char *text)
{
	struct sockaddr_storage s = { 0 };
	struct sockaddr_in in = { .sin_family = AF_INET };

	inet_pton(AF_INET, text, &in.sin_addr);
	memcpy(&s, &in, sizeof in);
	return s;
}

static struct sockaddr_storage
v6(const char *text)
{
	struct sockaddr_storage s = { 0 };
	struct sockaddr_in6 in = { .sin6_family = AF_INET6 };

	inet_pton(AF_INET6, text, &in.sin6_addr);
	memcpy(&s, &in, sizeof in);
	return s;
}

#define TAKE(l, a) lg_limits_take(l, (struct sockaddr *)&(a))

Test(limits, one_address_cannot_take_everything)
{
	struct lg_limits *l = lg_limits_new(10, 2);
	struct sockaddr_storage a = v4("10.0.0.1"), b = v4("10.0.0.2");

	cr_assert(TAKE(l, a) && TAKE(l, a) && !TAKE(l, a));
	cr_assert(TAKE(l, b));
	lg_limits_give(l, (struct sockaddr *)&a);
	cr_assert(TAKE(l, a));
	cr_assert_eq(lg_limits_count(l), 3);
	cr_assert_eq(lg_limits_refused(l), 1);
	lg_limits_free(&l);
}

Test(limits, an_ipv6_network_is_one_address)
{
	struct lg_limits *l = lg_limits_new(10, 1);
	struct sockaddr_storage a = v6("2001:db8::1"), b = v6("2001:db8::2"), c = v6("2001:db8:0:1::1");

	cr_assert(TAKE(l, a) && !TAKE(l, b) && TAKE(l, c));
	lg_limits_free(&l);
}

Test(limits, the_total_counts_unix_peers_too)
{
	struct lg_limits *l = lg_limits_new(3, 1);
	struct sockaddr_storage u = { .ss_family = AF_UNIX }, a = v4("10.0.0.1");

	cr_assert(TAKE(l, u) && TAKE(l, u) && TAKE(l, a) && !TAKE(l, u));
	lg_limits_free(&l);
}
