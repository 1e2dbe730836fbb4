/* ipnet.c: see ipnet.h. */
#include "base/ipnet.h"

#include <arpa/inet.h>

#include "base/text.h"

#define TEXT_MAX 64

bool
lg_ip_octets_parse(struct lg_arena *a, lg_str text, lg_str *ret)
{
	char name[TEXT_MAX], *octets = lg_alloc(a, 16);
	int family = memchr(text.p == NULL ? "" : text.p, ':', text.n) != NULL ? AF_INET6 : AF_INET;

	if (text.n == 0 || text.n >= sizeof name || memchr(text.p, '\0', text.n) != NULL)
		return false;
	memcpy(name, text.p, text.n);
	name[text.n] = '\0';
	if (inet_pton(family, name, octets) != 1)
		return false;
	*ret = (lg_str){ octets, family == AF_INET ? 4 : 16 };
	return true;
}

lg_str
lg_ip_octets_text(struct lg_arena *a, lg_str octets)
{
	char name[TEXT_MAX];

	if ((octets.n != 4 && octets.n != 16) || inet_ntop(octets.n == 4 ? AF_INET : AF_INET6, octets.p, name, sizeof name) == NULL)
		return LG_NONE;
	return lg_dup(a, lg_str_of(name));
}

bool
lg_ipnet_parse(struct lg_arena *a, lg_str text, lg_str *ret)
{
	lg_str address, length, ip;
	int64_t bits;

	if (!lg_str_cut(text, '/', &address, &length) || !lg_ip_octets_parse(a, address, &ip) || !lg_int_parse(length, &bits) ||
	    bits < 0 || (uint64_t)bits > 8 * ip.n)
		return false;
	char *net = lg_alloc(a, 2 * ip.n);
	memcpy(net, ip.p, ip.n);
	for (size_t i = 0; i < ip.n; i++) {
		int64_t left = bits - (int64_t)(8 * i);
		uint8_t mask = (uint8_t)(left >= 8 ? 0xff : left <= 0 ? 0 : 0xff << (8 - left));
		net[ip.n + i] = (char)mask;
		if (((uint8_t)net[i] & ~mask & 0xff) != 0)
			return false;
	}
	*ret = (lg_str){ net, 2 * ip.n };
	return true;
}

lg_str
lg_ipnet_text(struct lg_arena *a, lg_str net)
{
	lg_str address = lg_ip_octets_text(a, lg_str_sub(net, 0, net.n / 2));
	int bits = 0;

	if (address.n == 0)
		return LG_NONE;
	for (size_t i = net.n / 2; i < net.n; i++)
		bits += __builtin_popcount((uint8_t)net.p[i]);
	return lg_print(a, "%.*s/%d", LG_FMT(address), bits);
}

bool
lg_ipnet_has(lg_str net, lg_str ip)
{
	if (net.n != 2 * ip.n || (ip.n != 4 && ip.n != 16))
		return false;
	for (size_t i = 0; i < ip.n; i++)
		if ((((uint8_t)net.p[i] ^ (uint8_t)ip.p[i]) & (uint8_t)net.p[ip.n + i]) != 0)
			return false;
	return true;
}
