/* acme_limits.c: a set-associative table of counters.  Keys are digests under a secret, so that nobody can aim at another's set. */
#include "certs/acme_limits.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/clock.h"

struct counter {
	uint8_t key[16];
	int64_t since;			/* the hour begins; 0: free */
	uint32_t n;
};

struct lg_acme_limits {
	pthread_mutex_t lock;		/* guards the counters */
	unsigned max[LG_ACME_LIMITS];
	struct lg_secret secret;
	struct counter row[LG_ACME_LIMIT_SETS][LG_ACME_LIMIT_WAYS];
};

struct lg_acme_limits *
lg_acme_limits_new(const unsigned max[LG_ACME_LIMITS])
{
	struct lg_acme_limits *l = calloc(1, sizeof *l);

	if (l == NULL)
		abort();
	pthread_mutex_init(&l->lock, NULL);
	memcpy(l->max, max, sizeof l->max);
	l->secret = lg_secret_random(32);
	return l;
}

void
lg_acme_limits_free(struct lg_acme_limits **l)
{
	if (*l == NULL)
		return;
	lg_secret_free(&(*l)->secret);
	pthread_mutex_destroy(&(*l)->lock);
	free(*l);
	*l = NULL;
}

static lg_sha256
key_of(const struct lg_acme_limits *l, enum lg_acme_limit which, uint32_t tenant, lg_str whose)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(1024);

	lg_buf_byte(&b, (char)which);
	lg_buf_u32(&b, tenant);
	lg_buf_str(&b, lg_str_sub(whose, 0, 512));
	return lg_hmac_sha256(&l->secret, lg_buf_view(&b));
}

/* The counter of a key; if there is none, the one that gives way to it. */
static struct counter *
find(struct lg_acme_limits *l, const lg_sha256 *key, int64_t now)
{
	struct counter *set = l->row[(key->b[16] | key->b[17] << 8) % LG_ACME_LIMIT_SETS], *oldest = set;

	for (size_t i = 0; i < LG_ACME_LIMIT_WAYS; i++) {
		if (memcmp(set[i].key, key->b, sizeof set[i].key) == 0 && set[i].since != 0) {
			if (now - set[i].since >= LG_HOUR || now < set[i].since)
				set[i] = (struct counter){ .since = 0 };
			return &set[i];
		}
		if (set[i].since < oldest->since)
			oldest = &set[i];
	}
	return oldest;
}

/* Counts `more` times when the limit is not reached. */
static bool
count(struct lg_acme_limits *l, enum lg_acme_limit which, uint32_t tenant, lg_str whose, int64_t now, uint32_t more, int64_t *again)
{
	lg_sha256 key;
	struct counter *c;
	bool left = true;

	if (l->max[which] == 0)
		return true;
	key = key_of(l, which, tenant, whose);
	pthread_mutex_lock(&l->lock);
	c = find(l, &key, now);
	if (c->since != 0 && memcmp(c->key, key.b, sizeof c->key) == 0 && c->n >= l->max[which]) {
		*again = c->since + LG_HOUR;
		left = false;
	} else if (more > 0) {
		if (c->since == 0 || memcmp(c->key, key.b, sizeof c->key) != 0) {
			*c = (struct counter){ .since = now };
			memcpy(c->key, key.b, sizeof c->key);
		}
		c->n += more;
	}
	pthread_mutex_unlock(&l->lock);
	return left;
}

bool
lg_acme_limits_left(struct lg_acme_limits *l, enum lg_acme_limit which, uint32_t tenant, lg_str whose, int64_t now, int64_t *again)
{
	return count(l, which, tenant, whose, now, 0, again);
}

bool
lg_acme_limits_take(struct lg_acme_limits *l, enum lg_acme_limit which, uint32_t tenant, lg_str whose, int64_t now, int64_t *again)
{
	return count(l, which, tenant, whose, now, 1, again);
}
