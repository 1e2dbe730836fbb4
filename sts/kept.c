/*
 * kept.c: byte strings by SHA-256: a bounded table that all threads share, and read without a lock.
 *
 * A place has a version, odd while it is written.  A reader copies what stands there and believes the copy if the version was even and
 * is the same afterwards.  So a reader may look at memory that is being written: it is read and written in words, each whole, and
 * stays what it is as long as the table lives.  A table for each thread would hold everything once a thread.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "sts/sts.h"

/* 20,480 places.  In wide sets 10,000 in turn hardly meet: one in two thousand finds its set full.  Some 12 MB if all are used by ordinary
 * tokens; a place that is found costs the look at the first word of those before it. */
#define WAYS		16
#define SETS		1280
#define LOCKS		64	/* for those who write */
#define STEP		128	/* memory of a place comes in multiples, so that the next value finds room in it */
#define WORDS(octets)	(((octets) + 7) / 8)

typedef _Atomic uint64_t word;

struct block {
	struct block *next;		/* among those that wait for a place */
	size_t room;			/* octets, for good */
	word at[];
};

struct place {
	word version;
	word key[WORDS(sizeof(lg_sha256))];
	word used;			/* the second of its last use */
	word n;				/* octets of the block that count; 0: empty */
	_Atomic(struct block *) block;
};

struct sts_kept {
	struct {
		pthread_mutex_t lock;
		struct block *outgrown;	/* a reader may still look at them: they are given other places, never back */
	} part[LOCKS];			/* set i is part i % LOCKS's */
	struct place place[SETS][WAYS];
};

lg_err
sts_kept_new(struct lg_ctx *cx, struct sts_kept **ret)
{
	/* Nothing of it takes memory before it is used: calloc's pages are the kernel's zeroes. */
	struct sts_kept *k = calloc(1, sizeof *k);

	if (k == NULL)
		return lg_fail(cx, LG_E_INTERNAL, "sts: no memory for what is kept");
	for (size_t i = 0; i < LOCKS; i++)
		(void)pthread_mutex_init(&k->part[i].lock, NULL);
	*ret = k;
	return LG_OK;
}

void
sts_kept_free(struct sts_kept **kept)
{
	struct sts_kept *k = *kept;

	if (k == NULL)
		return;
	for (size_t i = 0; i < SETS; i++)
		for (size_t j = 0; j < WAYS; j++)
			free(atomic_load(&k->place[i][j].block));
	for (size_t i = 0; i < LOCKS; i++) {
		for (struct block *b = k->part[i].outgrown, *next; b != NULL; b = next) {
			next = b->next;
			free(b);
		}
		(void)pthread_mutex_destroy(&k->part[i].lock);
	}
	free(k);
	*kept = NULL;
}

/* ---- words ---------------------------------------------------------------------------------------------------- */

/* What is read before the version is compared is read no later, and what is written after it was made odd no sooner. */
static uint64_t
get(const word *w)
{
	return atomic_load_explicit(w, memory_order_acquire);
}

static void
set(word *w, uint64_t v)
{
	atomic_store_explicit(w, v, memory_order_release);
}

static void
get_words(const word *from, uint64_t *to, size_t n)
{
	for (size_t i = 0; i < n; i++)
		to[i] = get(&from[i]);
}

static void
set_words(word *to, const void *from, size_t octets)
{
	uint64_t w;

	for (size_t i = 0; i < octets; i += 8) {
		w = 0;
		memcpy(&w, (const char *)from + i, octets - i < 8 ? octets - i : 8);
		set(&to[i / 8], w);
	}
}

/* ---- reading ---------------------------------------------------------------------------------------------------- */

struct wanted {
	uint64_t key[WORDS(sizeof(lg_sha256))];
	size_t set;
};

static struct wanted
wanted_of(const lg_sha256 *key)
{
	struct wanted w = { .set = ((size_t)key->b[0] << 8 | key->b[1]) % SETS };

	memcpy(w.key, key->b, sizeof key->b);
	return w;
}

static bool
is_of(const struct place *p, const struct wanted *w)
{
	uint64_t key[LG_COUNT(w->key)];

	if (get(&p->key[0]) != w->key[0])
		return false;
	get_words(p->key, key, LG_COUNT(key));
	return memcmp(key, w->key, sizeof key) == 0;
}

/* A copy in the arena; false if it is another's, or became so meanwhile. */
static bool
copy_of(const struct place *p, struct lg_arena *a, const struct wanted *w, lg_str *ret)
{
	uint64_t version = get(&p->version), *copy;
	const struct block *b;
	size_t n;

	if (version % 2 != 0 || !is_of(p, w))
		return false;
	n = get(&p->n);
	b = atomic_load_explicit(&p->block, memory_order_acquire);
	if (b == NULL || n == 0 || n > b->room)
		return false;
	copy = LG_NEWS(a, uint64_t, WORDS(n));
	get_words(b->at, copy, WORDS(n));
	*ret = (lg_str){ (const char *)copy, n };
	return atomic_load_explicit(&p->version, memory_order_relaxed) == version;
}

bool
sts_kept_get(struct sts_kept *k, struct lg_ctx *cx, const lg_sha256 *key, lg_str *ret)
{
	const struct wanted w = wanted_of(key);
	const uint64_t second = (uint64_t)(cx->now / LG_SECOND);
	struct place *p = k->place[w.set];

	for (size_t i = 0; i < WAYS; i++) {
		if (!copy_of(&p[i], cx->arena, &w, ret))
			continue;
		/* Most reads of a second write nothing that others read. */
		if (get(&p[i].used) != second)
			set(&p[i].used, second);
		return true;
	}
	return false;
}

/* ---- writing: with the part's lock held ---------------------------------------------------------------------------- */

/* One of the outgrown that is large enough, or a new one; NULL without memory. */
static struct block *
block_for(struct block **outgrown, size_t octets)
{
	size_t room = (octets + STEP - 1) / STEP * STEP;

	for (struct block **at = outgrown; *at != NULL; at = &(*at)->next)
		if ((*at)->room >= octets) {
			struct block *b = *at;

			*at = b->next;
			return b;
		}
	struct block *b = malloc(sizeof *b + room);

	if (b != NULL)
		*b = (struct block){ .room = room };
	return b;
}

/* The place's own block, or a larger one for it. */
static struct block *
make_room(struct place *p, struct block **outgrown, size_t octets)
{
	struct block *old = atomic_load_explicit(&p->block, memory_order_relaxed), *b;

	if (old != NULL && old->room >= octets)
		return old;
	b = block_for(outgrown, octets);
	if (b == NULL)
		return NULL;
	if (old != NULL) {
		old->next = *outgrown;
		*outgrown = old;
	}
	atomic_store_explicit(&p->block, b, memory_order_release);
	return b;
}

static void
fill(struct place *p, struct block **outgrown, const struct wanted *w, lg_str value, uint64_t second)
{
	uint64_t version = get(&p->version);
	struct block *b;

	atomic_store_explicit(&p->version, version + 1, memory_order_relaxed);
	set(&p->n, 0);
	b = make_room(p, outgrown, value.n);
	if (b != NULL) {
		set_words(b->at, value.p, value.n);
		set_words(p->key, w->key, sizeof w->key);
		set(&p->used, second);
		set(&p->n, value.n);
	}
	set(&p->version, version + 2);
}

void
sts_kept_put(struct sts_kept *k, struct lg_ctx *cx, const lg_sha256 *key, lg_str value)
{
	const struct wanted w = wanted_of(key);
	struct place *p = k->place[w.set], *at = p;

	if (value.n == 0 || value.n > STS_KEPT_MAX)
		return;
	(void)pthread_mutex_lock(&k->part[w.set % LOCKS].lock);
	for (size_t i = 0; i < WAYS && !is_of(at, &w); i++)
		if (is_of(&p[i], &w) || get(&p[i].used) < get(&at->used))
			at = &p[i];
	fill(at, &k->part[w.set % LOCKS].outgrown, &w, value, (uint64_t)(cx->now / LG_SECOND));
	(void)pthread_mutex_unlock(&k->part[w.set % LOCKS].lock);
}
