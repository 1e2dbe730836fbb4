/* test_ipnet.c: addresses and ranges as octets. */
#include <criterion/criterion.h>

#include "base/ipnet.h"

static bool
within(const char *net, const char *ip)
{
	LG_AUTO(lg_arena_free) struct lg_arena *a = lg_arena_new();
	lg_str n, i;

	cr_assert(lg_ipnet_parse(a, lg_str_of(net), &n), "%s", net);
	cr_assert(lg_ip_octets_parse(a, lg_str_of(ip), &i), "%s", ip);
	return lg_ipnet_has(n, i);
}

Test(ipnet, a_range_has_its_addresses_and_no_others)
{
	cr_assert(within("10.0.0.0/8", "10.255.0.1"));
	cr_assert(!within("10.0.0.0/8", "11.0.0.1"));
	cr_assert(within("10.1.2.128/25", "10.1.2.129"));
	cr_assert(!within("10.1.2.128/25", "10.1.2.127"));
	cr_assert(within("0.0.0.0/0", "192.0.2.1"));
	cr_assert(within("fd00::/8", "fd12::1"));
	cr_assert(!within("fd00::/8", "fe80::1"));
	cr_assert(!within("0.0.0.0/0", "::1"), "families are different things");
}

Test(ipnet, texts_come_back)
{
	static const char *const nets[] = { "10.0.0.0/8", "192.0.2.7/32", "0.0.0.0/0", "fd00::/8", "2001:db8::1/128" };
	LG_AUTO(lg_arena_free) struct lg_arena *a = lg_arena_new();

	for (size_t i = 0; i < LG_COUNT(nets); i++) {
		lg_str net;
		cr_assert(lg_ipnet_parse(a, lg_str_of(nets[i]), &net), "%s", nets[i]);
		cr_assert(lg_str_eq(lg_ipnet_text(a, net), lg_str_of(nets[i])), "%s", nets[i]);
	}
	cr_assert_eq(lg_ip_octets_text(a, LG_STR("abc")).n, 0);
}

Test(ipnet, what_is_no_range_is_refused)
{
	static const char *const bad[] = { "", "/", "10.0.0.0", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.1/8", "10.0.0/8",
		"fd00::/129", "fd00::1/8", "host/8", "10.0.0.0/8 " };
	LG_AUTO(lg_arena_free) struct lg_arena *a = lg_arena_new();
	lg_str ret;

	for (size_t i = 0; i < LG_COUNT(bad); i++)
		cr_assert(!lg_ipnet_parse(a, lg_str_of(bad[i]), &ret), "%s", bad[i]);
	cr_assert(!lg_ip_octets_parse(a, LG_STR("10.0.0.7\0"), &ret));
	cr_assert(!lg_ip_octets_parse(a, LG_NONE, &ret));
}
