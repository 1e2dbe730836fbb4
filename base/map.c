/* map.c: open addressing with linear probing; SipHash-1-3, keyed, so that clients cannot aim at one slot. */
#include "base/map.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

enum { SMALLEST = 16 };

struct lg_map_slot {
	lg_str key;
	uint64_t hash;		/* 0 = free */
	void *value;
};

static uint64_t seed[2];
static pthread_once_t seeded = PTHREAD_ONCE_INIT;

static void
make_seed(void)
{
	if (getrandom(seed, sizeof seed, 0) != (ssize_t)sizeof seed) {
		fputs("lightgate: getrandom failed\n", stderr);
		abort();
	}
}

static inline uint64_t
rotate(uint64_t v, int by)
{
	return v << by | v >> (64 - by);
}

static inline void
sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = rotate(v[1], 13) ^ v[0];
	v[0] = rotate(v[0], 32);
	v[2] += v[3];
	v[3] = rotate(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = rotate(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = rotate(v[1], 17) ^ v[2];
	v[2] = rotate(v[2], 32);
}

static inline uint64_t
little_endian(const char *p, size_t n)
{
	uint64_t v = 0;

	memcpy(&v, p, n);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	v = __builtin_bswap64(v);
#endif
	return v;
}

/* One round a word, three at the end (Aumasson and Bernstein's SipHash, the variant for hash tables). */
uint64_t
lg_hash_keyed(const uint64_t key[2], lg_str s)
{
	uint64_t v[4] = {
		key[0] ^ UINT64_C(0x736f6d6570736575), key[1] ^ UINT64_C(0x646f72616e646f6d),
		key[0] ^ UINT64_C(0x6c7967656e657261), key[1] ^ UINT64_C(0x7465646279746573),
	};
	uint64_t word;
	size_t i = 0;

	for (; s.n - i >= 8; i += 8) {
		word = little_endian(s.p + i, 8);
		v[3] ^= word;
		sip_round(v);
		v[0] ^= word;
	}
	word = (s.n > i ? little_endian(s.p + i, s.n - i) : 0) | (uint64_t)s.n << 56;
	v[3] ^= word;
	sip_round(v);
	v[0] ^= word;
	v[2] ^= 0xff;
	sip_round(v);
	sip_round(v);
	sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

uint64_t
lg_hash(lg_str s)
{
	pthread_once(&seeded, make_seed);
	return lg_hash_keyed(seed, s);
}

void
lg_map_init(struct lg_map *m, struct lg_arena *a)
{
	*m = (struct lg_map){ .arena = a };
}

static uint64_t
hash_used(lg_str key)
{
	return lg_hash(key) | 1;	/* never the mark of a free slot */
}

/* The slot of the key, or the free one where it belongs.  There is always a free one. */
static struct lg_map_slot *
probe(const struct lg_map *m, lg_str key, uint64_t hash)
{
	/* the lowest bit is spent on the mark */
	for (size_t i = hash >> 1;; i++) {
		struct lg_map_slot *s = &m->slot[i & (m->size - 1)];
		if (s->hash == 0 || (s->hash == hash && lg_str_eq(s->key, key)))
			return s;
	}
}

static void
grow(struct lg_map *m)
{
	struct lg_map old = *m;

	m->size = old.size == 0 ? SMALLEST : old.size * 2;
	m->slot = LG_NEWS(m->arena, struct lg_map_slot, m->size);
	for (size_t i = 0; i < old.size; i++)
		if (old.slot[i].hash != 0)
			*probe(m, old.slot[i].key, old.slot[i].hash) = old.slot[i];
}

void *
lg_map_get(const struct lg_map *m, lg_str key)
{
	return m->size == 0 ? NULL : probe(m, key, hash_used(key))->value;
}

void **
lg_map_at(struct lg_map *m, lg_str key)
{
	uint64_t hash = hash_used(key);

	if (m->n >= m->size - m->size / 4)
		grow(m);
	struct lg_map_slot *s = probe(m, key, hash);
	if (s->hash == 0) {
		*s = (struct lg_map_slot){ .key = key, .hash = hash };
		m->n++;
	}
	return &s->value;
}

bool
lg_map_next(const struct lg_map *m, size_t *it, lg_str *key, void **value)
{
	while (*it < m->size) {
		const struct lg_map_slot *s = &m->slot[(*it)++];
		if (s->hash == 0)
			continue;
		*key = s->key;
		*value = s->value;
		return true;
	}
	return false;
}
