#include "server/limits.h"

#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/map.h"

#define BUCKETS 4096

/* An address with at least one connection. */
struct source {
	struct source *next;
	uint8_t key[9];			/* family, then 4 octets or the first 8 */
	unsigned count;
};

struct lg_limits {
	pthread_mutex_t lock;
	unsigned connections, per_address;
	unsigned count;
	uint64_t refused;
	struct source *bucket[BUCKETS];
};

struct lg_limits *
lg_limits_new(unsigned connections, unsigned per_address)
{
	struct lg_limits *l = calloc(1, sizeof *l);

	if (l == NULL)
		abort();
	pthread_mutex_init(&l->lock, NULL);
	l->connections = connections < LG_LIMITS_CONNECTIONS ? connections : LG_LIMITS_CONNECTIONS;
	l->per_address = per_address;
	return l;
}

void
lg_limits_free(struct lg_limits **l)
{
	if (*l == NULL)
		return;
	for (size_t i = 0; i < BUCKETS; i++)
		for (struct source *s = (*l)->bucket[i], *next; s != NULL; s = next) {
			next = s->next;
			free(s);
		}
	pthread_mutex_destroy(&(*l)->lock);
	free(*l);
	*l = NULL;
}

/* False for peers without an address that could be counted. */
static bool
source_key(const struct sockaddr *from, uint8_t key[9])
{
	memset(key, 0, 9);
	key[0] = (uint8_t)from->sa_family;
	if (from->sa_family == AF_INET) {
		memcpy(key + 1, &((const struct sockaddr_in *)(const void *)from)->sin_addr, 4);
		return true;
	}
	if (from->sa_family == AF_INET6) {
		memcpy(key + 1, &((const struct sockaddr_in6 *)(const void *)from)->sin6_addr, 8);
		return true;
	}
	return false;
}

/* Where the source with this key hangs, or where it would. */
static struct source **
source_place(struct lg_limits *l, const uint8_t key[9])
{
	struct source **at = &l->bucket[lg_hash((lg_str){ (const char *)key, 9 }) % BUCKETS];

	while (*at != NULL && memcmp((*at)->key, key, 9) != 0)
		at = &(*at)->next;
	return at;
}

static bool
source_take(struct lg_limits *l, const uint8_t key[9])
{
	struct source **at = source_place(l, key);

	if (*at == NULL) {
		*at = calloc(1, sizeof **at);
		if (*at == NULL)
			abort();
		memcpy((*at)->key, key, 9);
	}
	if ((*at)->count >= l->per_address)
		return false;
	(*at)->count++;
	return true;
}

bool
lg_limits_take(struct lg_limits *l, const struct sockaddr *from)
{
	uint8_t key[9];
	bool ok;

	pthread_mutex_lock(&l->lock);
	ok = l->count < l->connections &&
	    (l->per_address == 0 || !source_key(from, key) || source_take(l, key));
	if (ok)
		l->count++;
	else
		l->refused++;
	pthread_mutex_unlock(&l->lock);
	return ok;
}

void
lg_limits_give(struct lg_limits *l, const struct sockaddr *from)
{
	uint8_t key[9];

	pthread_mutex_lock(&l->lock);
	l->count--;
	if (l->per_address != 0 && source_key(from, key)) {
		struct source **at = source_place(l, key), *s = *at;

		if (--s->count == 0) {
			*at = s->next;
			free(s);
		}
	}
	pthread_mutex_unlock(&l->lock);
}

unsigned
lg_limits_count(struct lg_limits *l)
{
	pthread_mutex_lock(&l->lock);
	unsigned n = l->count;
	pthread_mutex_unlock(&l->lock);
	return n;
}

uint64_t
lg_limits_refused(struct lg_limits *l)
{
	pthread_mutex_lock(&l->lock);
	uint64_t n = l->refused;
	pthread_mutex_unlock(&l->lock);
	return n;
}
