/*
 * throttle.c: guessing passwords, made slow: after a few failures an account or an address waits, longer each time.
 *
 * An attempt counts as failed until it is told otherwise, so that many at once gain nothing.  The table is bounded; names
 * that push others out of it come from addresses, which wait too.
 */
#include <pthread.h>
#include <stdlib.h>

#include "sts/sts.h"

#include "base/map.h"

#define SLOTS		8192
#define WAYS		8
#define FORGET		(15 * LG_MINUTE)	/* after this without a failure all is well again */
#define LONGEST_WAIT	(60 * LG_SECOND)

struct slot {
	uint64_t key;
	int64_t last, until;
	unsigned failures;
};

struct sts_throttle {
	pthread_mutex_t lock;
	uint64_t secret[2];
	struct slot slot[SLOTS];
};

/* Failures that cost nothing: a person mistypes, an office shares an address. */
static const struct {
	const char *name;
	unsigned free_failures;
} kinds[] = {
	{ "account", 5 },
	{ "address", 20 },
};

lg_err
sts_throttle_new(struct lg_ctx *cx, struct sts_throttle **ret)
{
	struct sts_throttle *t = calloc(1, sizeof *t);

	if (t == NULL)
		return lg_fail(cx, LG_E_INTERNAL, "sts: no room for the throttle");
	(void)pthread_mutex_init(&t->lock, NULL);
	lg_random(t->secret, sizeof t->secret);
	*ret = t;
	return LG_OK;
}

void
sts_throttle_free(struct sts_throttle **t)
{
	if (*t != NULL)
		(void)pthread_mutex_destroy(&(*t)->lock);
	free(*t);
	*t = NULL;
}

/* Without the port; a UNIX peer without its pid. */
static lg_str
host_of(lg_str address)
{
	for (size_t i = address.n; i > 0; i--)
		if (address.p[i - 1] == ':' || address.p[i - 1] == ' ')
			return lg_str_sub(address, 0, i - 1);
	return address;
}

static uint64_t
key_of(const struct sts_throttle *t, size_t kind, uint32_t tenant, lg_str what)
{
	uint64_t key[2] = { t->secret[0], t->secret[1] ^ ((uint64_t)kind << 32 | tenant) };

	return lg_hash_keyed(key, what);
}

/* The slot of a key, or the one among its places that was quiet for longest. */
static struct slot *
find(struct sts_throttle *t, uint64_t key, int64_t now)
{
	struct slot *at = &t->slot[key % (SLOTS / WAYS) * WAYS], *oldest = at;

	for (size_t i = 0; i < WAYS; i++) {
		if (at[i].key == key && now - at[i].last <= FORGET)
			return &at[i];
		if (at[i].last < oldest->last)
			oldest = &at[i];
	}
	*oldest = (struct slot){ .key = key, .last = now };
	return oldest;
}

static void
count(struct slot *s, size_t kind, int64_t now)
{
	int64_t wait = LG_SECOND;

	s->last = now;
	s->failures++;
	if (s->failures < kinds[kind].free_failures)
		return;
	for (unsigned i = kinds[kind].free_failures; i < s->failures && wait < LONGEST_WAIT; i++)
		wait *= 2;
	s->until = now + (wait < LONGEST_WAIT ? wait : LONGEST_WAIT);
}

/* Counts it as a failure when nobody has to wait and `counted` says so. */
static lg_err
enter(struct lg_ctx *cx, struct sts_throttle *t, uint32_t tenant, lg_str address, lg_str account, bool counted)
{
	int64_t now = lg_boottime();
	uint64_t key[2] = {
		key_of(t, 0, tenant, account), key_of(t, 1, tenant, host_of(address)),
	};
	bool wait = false;

	(void)pthread_mutex_lock(&t->lock);
	for (size_t i = 0; i < 2; i++)
		wait |= find(t, key[i], now)->until > now;
	for (size_t i = 0; counted && !wait && i < 2; i++)
		count(find(t, key[i], now), i, now);
	(void)pthread_mutex_unlock(&t->lock);
	if (wait)
		return lg_fail(cx, LG_E_LIMIT, "too many failed attempts; wait a minute");
	return LG_OK;
}

lg_err
sts_throttle_enter(struct lg_ctx *cx, struct sts_throttle *t, uint32_t tenant, lg_str address, lg_str account)
{
	return enter(cx, t, tenant, address, account, true);
}

lg_err
lg_sts_attempt_may(struct lg_ctx *cx, struct lg_sts *sts, uint32_t tenant, lg_str address, lg_str account)
{
	return enter(cx, sts->throttle, tenant, address, account, false);
}

void
lg_sts_attempt_done(struct lg_ctx *cx, struct lg_sts *sts, uint32_t tenant, lg_str address, lg_str account, bool good)
{
	struct sts_throttle *t = sts->throttle;
	uint64_t key[2] = {
		key_of(t, 0, tenant, account), key_of(t, 1, tenant, host_of(address)),
	};
	int64_t now = lg_boottime();

	(void)cx;
	(void)pthread_mutex_lock(&t->lock);
	for (size_t i = 0; !good && i < 2; i++)
		count(find(t, key[i], now), i, now);
	if (good)
		find(t, key[0], now)->failures = 0;
	(void)pthread_mutex_unlock(&t->lock);
}

void
sts_throttle_good(struct lg_ctx *cx, struct sts_throttle *t, uint32_t tenant, lg_str address, lg_str account)
{
	int64_t now = lg_boottime();
	struct slot *s;

	(void)cx;
	(void)pthread_mutex_lock(&t->lock);
	s = find(t, key_of(t, 0, tenant, account), now);
	s->failures = 0;
	s->until = 0;
	/* One good password does not excuse the address for the others it tried. */
	s = find(t, key_of(t, 1, tenant, host_of(address)), now);
	s->failures -= s->failures > 0;
	if (s->failures < kinds[1].free_failures)
		s->until = 0;
	(void)pthread_mutex_unlock(&t->lock);
}

void
lg_sts_forgive(struct lg_ctx *cx, struct lg_sts *sts, uint32_t tenant, lg_uuid subject)
{
	struct sts_throttle *t = sts->throttle;
	char id[LG_UUID_TEXT + 1];
	struct slot *s;

	lg_uuid_text(subject, id);
	(void)cx;
	(void)pthread_mutex_lock(&t->lock);
	s = find(t, key_of(t, 0, tenant, lg_str_of(id)), lg_boottime());
	s->failures = 0;
	s->until = 0;
	(void)pthread_mutex_unlock(&t->lock);
}
