/*
 * cache.c: tokens whose signature has been verified: a bounded table that all threads share, under many locks.
 *
 * Key is SHA-256(token), so that a token text that was not itself verified is never found.  A value is good for one
 * revision of the tenant's keys; what can change meanwhile (time, revocation, audience, sender, subject) is not in it.
 * A table for each thread would hold a token once a thread, and verify it as often.
 */
#include <pthread.h>
#include <stdlib.h>

#include "sts/sts.h"

#define WAYS		8
#define SETS		4096	/* 32,768 places, so that 10,000 tokens in turn hardly meet; some 25 MB if all are used */
#define LOCKS		64
#define CACHED_TEXT	4096	/* octets of claims; what is larger is verified every time */

struct cached {
	lg_sha256 token;
	uint32_t tenant;
	uint64_t keys_revision;
	uint64_t used;
	struct lg_claims *claims;	/* with its text behind it, one block; NULL: empty */
};

struct sts_caches {
	struct {
		pthread_mutex_t lock;
		uint64_t clock;
	} part[LOCKS];			/* set i is part i % LOCKS's */
	struct cached slot[SETS][WAYS];
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
			free(c->slot[i][j].claims);
	for (size_t i = 0; i < LOCKS; i++)
		(void)pthread_mutex_destroy(&c->part[i].lock);
	free(c);
	*caches = NULL;
}

static size_t
set_of(const lg_sha256 *token)
{
	return ((size_t)token->b[0] << 8 | token->b[1]) % SETS;
}

/* ---- claims in one block: every slice, moved together --------------------------------------------------- */

static lg_str *
slice(struct lg_claims *c, size_t i)
{
	lg_str *named[] = {
		&c->issuer, &c->subject, &c->jti, &c->client_id, &c->scope, &c->act_sub, &c->sid, &c->acr, &c->cnf_x5t,
		&c->cnf_jkt, &c->payload,
	};

	if (i < LG_COUNT(named))
		return named[i];
	i -= LG_COUNT(named);
	if (i < c->naudience)
		return &c->audience[i];
	i -= c->naudience;
	return i < c->namr ? &c->amr[i] : NULL;
}

/* Most strings of a token stand in its payload as they are: those are kept once. */
static bool
within(lg_str outer, lg_str s)
{
	return outer.n > 0 && (uintptr_t)s.p >= (uintptr_t)outer.p && (uintptr_t)s.p + s.n <= (uintptr_t)outer.p + outer.n;
}

static size_t
text_size(struct lg_claims *c)
{
	size_t n = c->payload.n;

	for (size_t i = 0; slice(c, i) != NULL; i++)
		n += within(c->payload, *slice(c, i)) ? 0 : slice(c, i)->n;
	return n;
}

/* Copies c and its text to `to`, the text following it. */
static void
pack(const struct lg_claims *c, struct lg_claims *to)
{
	char *payload = (char *)(to + 1), *p = payload + c->payload.n;

	*to = *c;
	if (c->payload.n > 0)
		memcpy(payload, c->payload.p, c->payload.n);
	for (size_t i = 0; slice(to, i) != NULL; i++) {
		lg_str *s = slice(to, i);

		if (within(c->payload, *s)) {
			s->p = payload + (s->p - c->payload.p);
			continue;
		}
		if (s->n > 0)
			memcpy(p, s->p, s->n);
		s->p = p;
		p += s->n;
	}
}

bool
sts_cache_get(struct sts_caches *c, struct lg_arena *a, uint32_t tenant, uint64_t keys_revision, const lg_sha256 *token,
    struct lg_claims *ret)
{
	size_t n = set_of(token);
	struct cached *set = c->slot[n];
	struct lg_claims *copy = NULL;

	(void)pthread_mutex_lock(&c->part[n % LOCKS].lock);
	for (size_t i = 0; i < WAYS && copy == NULL; i++) {
		if (set[i].claims == NULL || set[i].tenant != tenant || set[i].keys_revision != keys_revision
		    || memcmp(set[i].token.b, token->b, sizeof token->b) != 0)
			continue;
		set[i].used = ++c->part[n % LOCKS].clock;
		copy = lg_alloc(a, sizeof *copy + text_size(set[i].claims));
		pack(set[i].claims, copy);
	}
	(void)pthread_mutex_unlock(&c->part[n % LOCKS].lock);
	if (copy != NULL)
		*ret = *copy;
	return copy != NULL;
}

void
sts_cache_put(struct sts_caches *c, uint32_t tenant, uint64_t keys_revision, const lg_sha256 *token, const struct lg_claims *claims)
{
	struct lg_claims from = *claims, *block, *old;
	size_t n = set_of(token);
	struct cached *set = c->slot[n], *oldest = set;

	if (text_size(&from) > CACHED_TEXT)
		return;
	block = malloc(sizeof *block + text_size(&from));
	if (block == NULL)
		return;
	pack(&from, block);
	(void)pthread_mutex_lock(&c->part[n % LOCKS].lock);
	for (size_t i = 1; i < WAYS; i++)
		if (set[i].used < oldest->used)
			oldest = &set[i];
	old = oldest->claims;
	*oldest = (struct cached){
		.token = *token, .tenant = tenant, .keys_revision = keys_revision, .used = ++c->part[n % LOCKS].clock, .claims = block,
	};
	(void)pthread_mutex_unlock(&c->part[n % LOCKS].lock);
	free(old);
}
