/* uuid.c: RFC 9562 ids: of chance alone (version 4), and in the order of their times (version 7). */
#include "lightgate/base.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/text.h"

bool
lg_uuid_is_nil(lg_uuid u)
{
	static const lg_uuid nil;

	return lg_uuid_eq(u, nil);
}

/* Ids are no secrets: each thread asks the kernel for a handful at once.  A forked child must not give its parent's again. */
static _Thread_local struct {
	lg_uuid id[16];
	size_t left;
	unsigned forks;
} pool;
static unsigned forks;

static void
forked(void)
{
	forks++;
}

static void
watch_forks(void)
{
	pthread_atfork(NULL, NULL, forked);
}

static void
fill(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, watch_forks);
	/* 256 bytes never come short; before the kernel's pool is ready the call waits. */
	if (getrandom(pool.id, sizeof pool.id, 0) != (ssize_t)sizeof pool.id)
		abort();
	pool.left = LG_COUNT(pool.id);
	pool.forks = forks;
}

static lg_uuid
draw(int version)
{
	if (pool.left == 0 || pool.forks != forks)
		fill();
	lg_uuid u = pool.id[--pool.left];
	u.b[6] = (uint8_t)((u.b[6] & 0x0f) | version << 4);
	u.b[8] = (uint8_t)((u.b[8] & 0x3f) | 0x80);
	return u;
}

lg_uuid
lg_uuid_new(void)
{
	return draw(4);
}

/* RFC 9562 5.7: 48 bits of milliseconds, then 74 of chance. */
lg_uuid
lg_uuid_ordered(int64_t now)
{
	uint64_t ms = (uint64_t)now / 1000;
	lg_uuid u = draw(7);

	for (int i = 0; i < 6; i++)
		u.b[i] = (uint8_t)(ms >> (40 - 8 * i));
	return u;
}

void
lg_uuid_text(lg_uuid u, char ret[LG_UUID_TEXT + 1])
{
	static const char digits[] = "0123456789abcdef";
	char *p = ret;

	for (int i = 0; i < 16; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*p++ = '-';
		*p++ = digits[u.b[i] >> 4];
		*p++ = digits[u.b[i] & 15];
	}
	*p = '\0';
}

bool
lg_uuid_parse(lg_str s, lg_uuid *ret)
{
	lg_uuid u;
	size_t at = 0;

	if (s.n != LG_UUID_TEXT)
		return false;
	for (size_t i = 0; i < 16; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			if (s.p[at++] != '-')
				return false;
		int hi = lg_hex_digit(s.p[at]), lo = lg_hex_digit(s.p[at + 1]);
		if (hi < 0 || lo < 0)
			return false;
		u.b[i] = (uint8_t)(hi << 4 | lo);
		at += 2;
	}
	*ret = u;
	return true;
}
