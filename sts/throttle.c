/*
 * throttle.c: guessing passwords, made slow, and nobody kept out by it.
 *
 * A place is an account at an address.  After a few failures a place waits, longer each time, and so does an address, whatever the
 * accounts: nobody waits for what others did at their account elsewhere, and a right password at a new place is let in at once.
 *
 * Two things are beside that.  Who is known counts alone, also behind a guesser's address: a browser that the account signed in with
 * before (browser.c), and a place where its password was right lately, such as an application that binds for its people.  And an account
 * at which strangers guessed two thousand times, from hundreds of addresses, makes strangers wait: none of them knows how many guesses
 * the others have left.  Who is known then does not wait, nor who has a passkey or follows a link from their mail.
 *
 * An attempt counts as failed until it is told otherwise, so that many at once gain nothing.  The tables are bounded.  Whoever pushes
 * strangers out of theirs comes from addresses, which wait too; among those who are known comes only who had the right password.
 */
#include <pthread.h>
#include <stdlib.h>

#include "sts/sts.h"

#include "base/ipnet.h"
#include "base/map.h"

#define SLOTS		8192
#define WAYS		8
#define FORGET		(15 * LG_MINUTE)
#define KNOWN_FOR	(30 * LG_DAY)		/* a place, after the last right password */
#define NET6		8			/* octets of an IPv6 address that are one household's (RFC 6177) */

struct slot {
	uint64_t key, account;		/* account: whose device or place it is; 0: neither */
	int64_t last, until;
	int64_t counted;		/* ACCOUNT: up to when failures were forgotten, one by one */
	unsigned failures;
};

enum kind { ACCOUNT, ADDRESS, PLACE, DEVICE, LINK };

struct sts_throttle {
	pthread_mutex_t lock;
	uint64_t secret[2];
	struct slot strangers[SLOTS], known[SLOTS];
};

/*
 * Failures that cost nothing: a person mistypes, an office shares an address.  An address never waits long: its neighbours, not known yet,
 * get their turn between a guesser's.  An account does not forget because its guessers pause.
 */
static const struct {
	unsigned free_failures;
	int64_t longest, forget;	/* wait; after so long without a failure all is well again */
} kinds[] = {
	[ACCOUNT] = { STS_GUESSES, 60 * LG_SECOND, LG_DAY },
	[ADDRESS] = { 20, 8 * LG_SECOND, FORGET },
	[PLACE] = { 5, 60 * LG_SECOND, FORGET },
	[DEVICE] = { 5, 60 * LG_SECOND, FORGET },
	[LINK] = { 10, 10 * LG_MINUTE, FORGET },	/* asked for from an address, whoever it is for */
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

lg_str
sts_address_host(lg_str address)
{
	for (size_t i = address.n; i > 0; i--)
		if (address.p[i - 1] == ':' || address.p[i - 1] == ' ')
			return lg_str_sub(address, 0, i - 1);
	return address;
}

lg_str
sts_address_network(struct lg_arena *a, lg_str address)
{
	lg_str host = sts_address_host(address), octets;

	if (host.n > 2 && host.p[0] == '[' && lg_ip_octets_parse(a, lg_str_sub(host, 1, host.n - 2), &octets) && octets.n > NET6)
		return lg_str_sub(octets, 0, NET6);
	return host;
}

static uint64_t
key_of(const struct sts_throttle *t, enum kind kind, uint32_t tenant, lg_str what)
{
	uint64_t key[2] = { t->secret[0], t->secret[1] ^ ((uint64_t)kind << 32 | tenant) };

	return lg_hash_keyed(key, what);
}

/* Of a key, among its places: its slot; or, new_one, the one that was quiet for longest. */
static struct slot *
find(struct slot *table, uint64_t key, int64_t now, int64_t kept, bool new_one)
{
	struct slot *at = &table[key % (SLOTS / WAYS) * WAYS], *oldest = at;

	for (size_t i = 0; i < WAYS; i++) {
		if (at[i].key == key && now - at[i].last <= kept)
			return &at[i];
		if (at[i].last < oldest->last)
			oldest = &at[i];
	}
	if (!new_one)
		return NULL;
	*oldest = (struct slot){ .key = key, .last = now, .counted = now };
	return oldest;
}

static void
forget(struct slot *s)
{
	s->failures = 0;
	s->until = 0;
}

unsigned
sts_guesses_left(unsigned failures, int64_t *counted, int64_t now)
{
	int64_t over = (now - *counted) / STS_GUESS_FORGET;

	*counted += over * STS_GUESS_FORGET;
	return over < failures ? failures - (unsigned)over : 0;
}

/* What an attempt is counted by, and what it waits for. */
struct counters {
	struct {
		struct slot *slot;
		enum kind kind;
		bool waits;		/* not only counts */
	} by[3];
	size_t n;
};

static void
by(struct counters *c, struct slot *s, enum kind kind, bool waits, int64_t now)
{
	if (now - s->last > kinds[kind].forget)
		forget(s);
	if (kind == ACCOUNT)
		s->failures = sts_guesses_left(s->failures, &s->counted, now);
	c->by[c->n].slot = s;
	c->by[c->n].kind = kind;
	c->by[c->n++].waits = waits;
}

static uint64_t
place_of(const struct sts_throttle *t, const struct sts_attempt *at, lg_str host)
{
	uint64_t half[2] = { key_of(t, ACCOUNT, at->tenant, at->account), key_of(t, ADDRESS, at->tenant, host) };

	return key_of(t, PLACE, at->tenant, (lg_str){ (const char *)half, sizeof half });
}

/* With the lock. */
static struct counters
counters_of(struct lg_ctx *cx, struct sts_throttle *t, const struct sts_attempt *at, int64_t now)
{
	lg_str host = sts_address_network(cx->arena, at->address), device = sts_uuid_str(&at->device);
	uint64_t account = key_of(t, ACCOUNT, at->tenant, at->account);
	struct counters c = { .n = 0 };
	struct slot *known, *place;

	if (!lg_uuid_is_nil(at->device)) {
		uint64_t key = key_of(t, DEVICE, at->tenant, lg_cat(cx->arena, device, at->account));
		by(&c, find(t->known, key, now, KNOWN_FOR, true), DEVICE, true, now);
		c.by[0].slot->account = account;
		return c;
	}
	known = find(t->known, place_of(t, at, host), now, KNOWN_FOR, false);
	if (known == NULL)
		by(&c, find(t->strangers, account, now, LG_DAY, true), ACCOUNT, true, now);
	place = known != NULL ? known : find(t->strangers, place_of(t, at, host), now, FORGET, true);
	place->account = account;
	by(&c, place, PLACE, true, now);
	/* Guesses at an account that is known here count for the address, but it need not wait for others'. */
	by(&c, find(t->strangers, key_of(t, ADDRESS, at->tenant, host), now, FORGET, true), ADDRESS, known == NULL, now);
	return c;
}

static void
count(struct counters *c, int64_t now)
{
	for (size_t i = 0; i < c->n; i++) {
		struct slot *s = c->by[i].slot;
		int64_t wait = LG_SECOND, longest = kinds[c->by[i].kind].longest;
		unsigned allowed = kinds[c->by[i].kind].free_failures;

		s->last = now;
		s->failures++;
		if (s->failures < allowed)
			continue;
		for (unsigned n = allowed; n < s->failures && wait < longest; n++)
			wait *= 2;
		s->until = now + (wait < longest ? wait : longest);
	}
}

/* Counts it as a failure when nobody has to wait and `counted` says so. */
static lg_err
enter(struct lg_ctx *cx, struct sts_throttle *t, const struct sts_attempt *at, bool counted)
{
	int64_t now = lg_boottime();
	struct counters c;
	bool wait = false;

	(void)pthread_mutex_lock(&t->lock);
	c = counters_of(cx, t, at, now);
	for (size_t i = 0; i < c.n; i++)
		wait |= c.by[i].waits && c.by[i].slot->until > now;
	if (counted && !wait)
		count(&c, now);
	(void)pthread_mutex_unlock(&t->lock);
	if (wait)
		return lg_fail(cx, LG_E_LIMIT, "too many failed attempts; wait a minute");
	return LG_OK;
}

lg_err
sts_throttle_enter(struct lg_ctx *cx, struct sts_throttle *t, const struct sts_attempt *at)
{
	return enter(cx, t, at, true);
}

lg_err
sts_throttle_link(struct lg_ctx *cx, struct sts_throttle *t, uint32_t tenant, lg_str address)
{
	int64_t now = lg_boottime();
	struct counters c = { .n = 0 };
	bool wait;

	(void)pthread_mutex_lock(&t->lock);
	by(&c, find(t->strangers, key_of(t, LINK, tenant, sts_address_network(cx->arena, address)), now, FORGET, true), LINK, true, now);
	wait = c.by[0].slot->until > now;
	if (!wait)
		count(&c, now);
	(void)pthread_mutex_unlock(&t->lock);
	return wait ? lg_fail(cx, LG_E_LIMIT, "too many links were asked for; wait some minutes") : LG_OK;
}

/* counted: its failure was counted when it began. */
static void
good(struct lg_ctx *cx, struct sts_throttle *t, const struct sts_attempt *at, bool counted)
{
	int64_t now = lg_boottime();
	struct counters c;
	struct slot *place;

	(void)pthread_mutex_lock(&t->lock);
	c = counters_of(cx, t, at, now);
	for (size_t i = 0; i < c.n; i++) {
		struct slot *s = c.by[i].slot;

		/* One good password does not excuse the address for the others it tried, nor those who guess at the account elsewhere. */
		if (c.by[i].kind == ADDRESS || c.by[i].kind == ACCOUNT)
			s->failures -= counted && s->failures > 0;
		else
			s->failures = 0;
		if (s->failures < kinds[c.by[i].kind].free_failures)
			s->until = 0;
	}
	place = find(t->known, place_of(t, at, sts_address_network(cx->arena, at->address)), now, KNOWN_FOR, true);
	place->last = now;
	place->account = key_of(t, ACCOUNT, at->tenant, at->account);
	(void)pthread_mutex_unlock(&t->lock);
}

void
sts_throttle_good(struct lg_ctx *cx, struct sts_throttle *t, const struct sts_attempt *at)
{
	good(cx, t, at, true);
}

/* ---- passwords that are looked at elsewhere ---------------------------------------------------------------- */

lg_err
lg_sts_attempt_may(struct lg_ctx *cx, struct lg_sts *sts, uint32_t tenant, lg_str address, lg_str account)
{
	return enter(cx, sts->throttle, &(struct sts_attempt){ .tenant = tenant, .address = address, .account = account }, false);
}

void
lg_sts_attempt_done(struct lg_ctx *cx, struct lg_sts *sts, uint32_t tenant, lg_str address, lg_str account, bool was_good)
{
	const struct sts_attempt at = { .tenant = tenant, .address = address, .account = account };
	struct sts_throttle *t = sts->throttle;
	int64_t now = lg_boottime();
	struct counters c;

	if (was_good) {
		good(cx, t, &at, false);
		return;
	}
	(void)pthread_mutex_lock(&t->lock);
	c = counters_of(cx, t, &at, now);
	count(&c, now);
	(void)pthread_mutex_unlock(&t->lock);
}

void
lg_sts_forgive(struct lg_ctx *cx, struct lg_sts *sts, uint32_t tenant, lg_uuid subject)
{
	struct sts_throttle *t = sts->throttle;
	char id[LG_UUID_TEXT + 1];
	uint64_t account;

	(void)cx;
	lg_uuid_text(subject, id);
	account = key_of(t, ACCOUNT, tenant, lg_str_of(id));
	(void)pthread_mutex_lock(&t->lock);
	forget(find(t->strangers, account, lg_boottime(), LG_DAY, true));
	for (size_t i = 0; i < SLOTS; i++) {
		if (t->known[i].account == account)
			forget(&t->known[i]);
		if (t->strangers[i].account == account)
			forget(&t->strangers[i]);
	}
	(void)pthread_mutex_unlock(&t->lock);
}
