/*
 * cache.c: tokens whose signature has been verified: a bounded table that all threads share, and read without a lock.
 *
 * Key is SHA-256(token), so that a token text that was not itself verified is never found.  A value is good for one
 * revision of the tenant's keys; what can change meanwhile (time, revocation, audience, sender, subject) is not in it.
 * A table for each thread would hold a token once a thread, and verify it as often.
 *
 * A place has a version, odd while it is written.  A reader copies what stands there and believes the copy if the version was even and
 * is the same afterwards.  So a reader may look at memory that is being written: it is read and written in words, each whole, and
 * stays what it is as long as the table lives.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "sts/sts.h"

#define WAYS		8
#define SETS		4096	/* 32,768 places, so that 10,000 tokens in turn hardly meet; some 25 MB if all are used */
#define LOCKS		64	/* for those who write */
#define CACHED_TEXT	4096	/* octets of claims; what is larger is verified every time */
#define SLICES		(11 + LG_AUDIENCES + LG_CLAIM_AMR)
#define STEP		256	/* memory of a place comes in multiples, so that the next token finds room in it */

typedef _Atomic uint64_t word;

/* Claims, and their text behind them; slices are offsets from the beginning. */
struct block {
	struct block *next;		/* among those that wait for a place */
	size_t room;			/* octets, for good */
	word at[];
};

struct place {
	word version;
	word token[sizeof(lg_sha256) / 8];
	word tenant, keys_revision;
	word used;			/* the second of its last use */
	word n;				/* octets of the block that count; 0: empty */
	_Atomic(struct block *) block;
};

struct sts_caches {
	struct {
		pthread_mutex_t lock;
		struct block *outgrown;	/* a reader may still look at them: they are given other places, never back */
	} part[LOCKS];			/* set i is part i % LOCKS's */
	struct place place[SETS][WAYS];
};

lg_err
sts_caches_new(struct lg_ctx *cx, struct sts_caches **ret)
{
	/* Nothing of it takes memory before it is used: calloc's pages are the kernel's zeroes. */
	struct sts_caches *c = calloc(1, sizeof *c);

	if (c == NULL)
		return lg_fail(cx, LG_E_INTERNAL, "sts: no room for the tokens that were verified");
	for (size_t i = 0; i < LOCKS; i++)
		(void)pthread_mutex_init(&c->part[i].lock, NULL);
	*ret = c;
	return LG_OK;
}

void
sts_caches_free(struct sts_caches **caches)
{
	struct sts_caches *c = *caches;

	if (c == NULL)
		return;
	for (size_t i = 0; i < SETS; i++)
		for (size_t j = 0; j < WAYS; j++)
			free(atomic_load(&c->place[i][j].block));
	for (size_t i = 0; i < LOCKS; i++) {
		for (struct block *b = c->part[i].outgrown, *next; b != NULL; b = next) {
			next = b->next;
			free(b);
		}
		(void)pthread_mutex_destroy(&c->part[i].lock);
	}
	free(c);
	*caches = NULL;
}

/* ---- claims in one piece ------------------------------------------------------------------------------------- */

static size_t
slices_of(struct lg_claims *c, lg_str *ret[SLICES])
{
	lg_str *const named[] = {
		&c->issuer, &c->subject, &c->jti, &c->client_id, &c->scope, &c->act_sub, &c->sid, &c->acr, &c->cnf_x5t,
		&c->cnf_jkt, &c->payload,
	};
	size_t n = LG_COUNT(named);

	_Static_assert(LG_COUNT(named) + LG_AUDIENCES + LG_CLAIM_AMR == SLICES, "every slice has a place");
	memcpy(ret, named, sizeof named);
	for (size_t i = 0; i < c->naudience; i++)
		ret[n++] = &c->audience[i];
	for (size_t i = 0; i < c->namr; i++)
		ret[n++] = &c->amr[i];
	return n;
}

/* Most strings of a token stand in its payload as they are: those are kept once. */
static bool
within(lg_str outer, lg_str s)
{
	return outer.n > 0 && (uintptr_t)s.p >= (uintptr_t)outer.p && (uintptr_t)s.p + s.n <= (uintptr_t)outer.p + outer.n;
}

static lg_str
pack(struct lg_arena *a, const struct lg_claims *claims)
{
	struct lg_claims c = *claims;
	lg_str *slice[SLICES], payload = c.payload;
	size_t n = slices_of(&c, slice), size = sizeof c + payload.n;

	for (size_t i = 0; i < n; i++)
		size += within(payload, *slice[i]) ? 0 : slice[i]->n;
	char *to = lg_alloc(a, size), *end = to + sizeof c + payload.n;

	if (payload.n > 0)
		memcpy(to + sizeof c, payload.p, payload.n);
	for (size_t i = 0; i < n; i++) {
		char *at = end;

		if (within(payload, *slice[i]))
			at = to + sizeof c + (slice[i]->p - payload.p);
		else if (slice[i]->n > 0)
			end = mempcpy(end, slice[i]->p, slice[i]->n);
		slice[i]->p = (const char *)(uintptr_t)(at - to);
	}
	memcpy(to, &c, sizeof c);
	return (lg_str){ to, size };
}

static void
unpack(const char *from, struct lg_claims *ret)
{
	lg_str *slice[SLICES];

	memcpy(ret, from, sizeof *ret);
	for (size_t i = 0, n = slices_of(ret, slice); i < n; i++)
		slice[i]->p = from + (uintptr_t)slice[i]->p;
}

/* ---- words ---------------------------------------------------------------------------------------------------- */

#define WORDS(octets) (((octets) + 7) / 8)

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

static struct place *
set_of(struct sts_caches *c, const lg_sha256 *token, size_t *n)
{
	*n = ((size_t)token->b[0] << 8 | token->b[1]) % SETS;
	return c->place[*n];
}

struct wanted {
	uint64_t token[sizeof(lg_sha256) / 8];
	uint64_t tenant, keys_revision;
};

static struct wanted
wanted_of(uint32_t tenant, uint64_t keys_revision, const lg_sha256 *token)
{
	struct wanted w = { .tenant = tenant, .keys_revision = keys_revision };

	memcpy(w.token, token->b, sizeof w.token);
	return w;
}

static bool
is_of(const struct place *p, const struct wanted *w)
{
	uint64_t token[LG_COUNT(w->token)];

	get_words(p->token, token, LG_COUNT(token));
	return memcmp(token, w->token, sizeof token) == 0 && get(&p->tenant) == w->tenant && get(&p->keys_revision) == w->keys_revision;
}

/* A copy of the block in the arena; NULL if it is another's, or became so meanwhile. */
static const char *
copy_of(const struct place *p, struct lg_arena *a, const struct wanted *w)
{
	uint64_t version = get(&p->version), *copy;
	const struct block *b;
	size_t n;

	if (version % 2 != 0 || !is_of(p, w))
		return NULL;
	n = get(&p->n);
	b = atomic_load_explicit(&p->block, memory_order_acquire);
	if (b == NULL || n == 0 || n > b->room)
		return NULL;
	copy = LG_NEWS(a, uint64_t, WORDS(n));
	get_words(b->at, copy, WORDS(n));
	return atomic_load_explicit(&p->version, memory_order_relaxed) == version ? (const char *)copy : NULL;
}

bool
sts_cache_get(struct sts_caches *c, struct lg_ctx *cx, uint32_t tenant, uint64_t keys_revision, const lg_sha256 *token,
    struct lg_claims *ret)
{
	const struct wanted w = wanted_of(tenant, keys_revision, token);
	const uint64_t second = (uint64_t)(cx->now / LG_SECOND);
	size_t n;
	struct place *p = set_of(c, token, &n);

	for (size_t i = 0; i < WAYS; i++) {
		const char *copy = get(&p[i].token[0]) == w.token[0] ? copy_of(&p[i], cx->arena, &w) : NULL;

		if (copy == NULL)
			continue;
		unpack(copy, ret);
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
fill(struct place *p, struct block **outgrown, const struct wanted *w, lg_str packed, uint64_t second)
{
	uint64_t version = get(&p->version);
	struct block *b;

	atomic_store_explicit(&p->version, version + 1, memory_order_relaxed);
	set(&p->n, 0);
	b = make_room(p, outgrown, packed.n);
	if (b != NULL) {
		set_words(b->at, packed.p, packed.n);
		set_words(p->token, w->token, sizeof w->token);
		set(&p->tenant, w->tenant);
		set(&p->keys_revision, w->keys_revision);
		set(&p->used, second);
		set(&p->n, packed.n);
	}
	set(&p->version, version + 2);
}

void
sts_cache_put(struct sts_caches *c, struct lg_ctx *cx, uint32_t tenant, uint64_t keys_revision, const lg_sha256 *token,
    const struct lg_claims *claims)
{
	const struct wanted w = wanted_of(tenant, keys_revision, token);
	lg_str packed = pack(cx->arena, claims);
	size_t n;
	struct place *p = set_of(c, token, &n), *oldest = p;

	if (packed.n > sizeof *claims + CACHED_TEXT)
		return;
	(void)pthread_mutex_lock(&c->part[n % LOCKS].lock);
	for (size_t i = 1; i < WAYS; i++)
		if (get(&p[i].used) < get(&oldest->used))
			oldest = &p[i];
	fill(oldest, &c->part[n % LOCKS].outgrown, &w, packed, (uint64_t)(cx->now / LG_SECOND));
	(void)pthread_mutex_unlock(&c->part[n % LOCKS].lock);
}
