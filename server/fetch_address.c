/* fetch_address.c: which addresses may be looked at, where they come from, and the connection to one of them. */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "base/clock.h"
#include "server/fetch.h"

/* ---- what is public ---------------------------------------------------------------------------------------- */

struct block {
	uint8_t prefix[16];
	uint8_t bits;
};

/* IANA's special-purpose registries (RFC 6890, RFC 8190): what is not global, multicast and the reserved rest. */
static const struct block not_public4[] = {
	{ { 0 }, 8 }, { { 10 }, 8 }, { { 100, 64 }, 10 }, { { 127 }, 8 }, { { 169, 254 }, 16 }, { { 172, 16 }, 12 }, { { 192, 0, 0 }, 24 },
	{ { 192, 0, 2 }, 24 }, { { 192, 88, 99 }, 24 }, { { 192, 168 }, 16 }, { { 198, 18 }, 15 }, { { 198, 51, 100 }, 24 },
	{ { 203, 0, 113 }, 24 }, { { 224 }, 3 },
};

/* Inside 2000::/3, which is all that is given out: protocol assignments with Teredo, documentation, and 6to4, which leads to any IPv4
 * address. */
static const struct block not_public6[] = {
	{ { 0x20, 0x01, 0x00 }, 23 }, { { 0x20, 0x01, 0x0d, 0xb8 }, 32 }, { { 0x20, 0x02 }, 16 }, { { 0x3f, 0xff, 0x00 }, 20 },
};

static bool
in_block(const uint8_t *a, const struct block *b)
{
	size_t whole = b->bits / 8;
	uint8_t mask = (uint8_t)(0xff00 >> b->bits % 8);

	return memcmp(a, b->prefix, whole) == 0 && (b->bits % 8 == 0 || (a[whole] & mask) == (b->prefix[whole] & mask));
}

static bool
in_any(const uint8_t *a, const struct block *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (in_block(a, &v[i]))
			return true;
	return false;
}

bool
lg_fetch_public(const struct sockaddr *a)
{
	const uint8_t *b;

	if (a->sa_family == AF_INET) {
		b = (const uint8_t *)&((const struct sockaddr_in *)(const void *)a)->sin_addr;
		return !in_any(b, not_public4, LG_COUNT(not_public4));
	}
	b = ((const struct sockaddr_in6 *)(const void *)a)->sin6_addr.s6_addr;
	return (b[0] & 0xe0) == 0x20 && !in_any(b, not_public6, LG_COUNT(not_public6));
}

/* ---- names ----------------------------------------------------------------------------------------------------- */

struct targets {
	struct sockaddr_storage v[LG_FETCH_ADDRESSES];
	size_t n;
};

static void
add(struct targets *t, lg_str ip, uint16_t port)
{
	struct sockaddr_storage *s = &t->v[t->n++];

	if (ip.n == 4) {
		struct sockaddr_in *in = (struct sockaddr_in *)(void *)s;

		in->sin_family = AF_INET;
		in->sin_port = htons(port);
		memcpy(&in->sin_addr, ip.p, 4);
	} else {
		struct sockaddr_in6 *in = (struct sockaddr_in6 *)(void *)s;

		in->sin6_family = AF_INET6;
		in->sin6_port = htons(port);
		memcpy(&in->sin6_addr, ip.p, 16);
	}
}

static bool
literal(struct lg_arena *a, lg_str host, lg_str *ret)
{
	char *raw = lg_alloc(a, 16);
	lg_str z = lg_dup(a, host);

	ret->p = raw;
	ret->n = inet_pton(AF_INET, z.p, raw) == 1 ? 4 : inet_pton(AF_INET6, z.p, raw) == 1 ? 16 : 0;
	return ret->n > 0;
}

static lg_err
resolve(struct lg_ctx *cx, const struct lg_fetch *f, int64_t deadline, lg_str host, uint16_t port, struct targets *ret)
{
	static const enum lg_dns_type types[] = { LG_DNS_A, LG_DNS_AAAA };
	lg_str ip[LG_FETCH_ADDRESSES];
	lg_err e = LG_OK;
	size_t n;

	ret->n = 0;
	if (literal(cx->arena, host, &ip[0])) {
		add(ret, ip[0], port);
		return LG_OK;
	}
	if (lg_str_eq(host, LG_STR("localhost"))) {	/* RFC 6761 6.3 */
		add(ret, LG_STR("\x7f\0\0\x01"), port);
		return LG_OK;
	}
	for (size_t t = 0; t < LG_COUNT(types); t++) {
		e = lg_dns_ask(cx, f, deadline, host, types[t], LG_COUNT(ip) - ret->n, ip, &n);
		for (size_t i = 0; e == LG_OK && i < n; i++)
			add(ret, ip[i], port);
		if (ret->n > 0)
			return LG_OK;
	}
	return e;
}

/* ---- connections --------------------------------------------------------------------------------------------- */

bool
lg_fetch_wait(int fd, short events, int64_t deadline)
{
	struct pollfd p = { .fd = fd, .events = events };
	int64_t left = deadline - lg_boottime();

	return left > 0 && poll(&p, 1, (int)(left / 1000) + 1) > 0;
}

static int
connect_to(const struct sockaddr_storage *to, int64_t deadline)
{
	int fd = socket(to->ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), fault = 0;
	socklen_t n = sizeof fault, size = to->ss_family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);

	if (fd < 0)
		return -1;
	if (connect(fd, (const struct sockaddr *)to, size) == 0)
		return fd;
	if (errno == EINPROGRESS && lg_fetch_wait(fd, POLLOUT, deadline) &&
	    getsockopt(fd, SOL_SOCKET, SO_ERROR, &fault, &n) == 0 && fault == 0)
		return fd;
	close(fd);
	return -1;
}

lg_err
lg_fetch_reach(struct lg_ctx *cx, const struct lg_fetch *f, int64_t deadline, lg_str host, uint16_t port, int *ret)
{
	struct targets t = { .n = 0 };
	bool allowed = false;

	LG_TRY(resolve(cx, f, deadline, host, port, &t));
	for (size_t i = 0; i < t.n; i++) {
		if (!f->private_too && !lg_fetch_public((const struct sockaddr *)&t.v[i]))
			continue;
		allowed = true;
		*ret = connect_to(&t.v[i], deadline);
		if (*ret >= 0)
			return LG_OK;
	}
	if (!allowed)
		return lg_fail(cx, LG_E_DENIED, "%.*s leads to addresses that are not looked at", LG_FMT(host));
	return lg_fail(cx, LG_E_UNAVAILABLE, "no connection to %.*s port %u", LG_FMT(host), port);
}
