/*
 * cache.c: tokens whose signature has been verified, a bounded table for each thread.
 *
 * Key is SHA-256(token), so that a token text that was not itself verified is never found.  A value is good for one
 * revision of the tenant's keys; what can change meanwhile (time, revocation, audience, sender, subject) is not in it.
 */
#include <pthread.h>
#include <stdlib.h>

#include "sts/sts.h"

#define WAYS		4
#define SETS		128
#define CACHED_TEXT	4096	/* octets of claims; what is larger is verified every time */

struct cached {
	lg_sha256 token;
	uint32_t tenant;
	uint64_t keys_revision;
	uint64_t used;
	struct lg_claims *claims;	/* with its text behind it, one block; NULL: empty */
};

struct cache {
	struct cache *next;
	uint64_t clock;
	struct cached slot[SETS][WAYS];
};

struct sts_caches {
	pthread_key_t key;
	pthread_mutex_t lock;		/* of the list; taken once in a thread's life */
	struct cache *first;
};

lg_err
sts_caches_new(struct lg_ctx *cx, struct sts_caches **ret)
{
	struct sts_caches *c = calloc(1, sizeof *c);

	if (c == NULL || pthread_key_create(&c->key, NULL) != 0) {
		free(c);
		return lg_fail(cx, LG_E_INTERNAL, "sts: no room for token caches");
	}
	(void)pthread_mutex_init(&c->lock, NULL);
	*ret = c;
	return LG_OK;
}

void
sts_caches_free(struct sts_caches **caches)
{
	struct sts_caches *cs = *caches;
	struct cache *c, *next;

	if (cs == NULL)
		return;
	for (c = cs->first; c != NULL; c = next) {
		next = c->next;
		for (size_t i = 0; i < SETS; i++)
			for (size_t j = 0; j < WAYS; j++)
				free(c->slot[i][j].claims);
		free(c);
	}
	(void)pthread_key_delete(cs->key);
	(void)pthread_mutex_destroy(&cs->lock);
	free(cs);
	*caches = NULL;
}

static struct cache *
own(struct sts_caches *cs)
{
	struct cache *c = pthread_getspecific(cs->key);

	if (c != NULL)
		return c;
	c = calloc(1, sizeof *c);
	if (c == NULL)
		return NULL;
	(void)pthread_setspecific(cs->key, c);
	(void)pthread_mutex_lock(&cs->lock);
	c->next = cs->first;
	cs->first = c;
	(void)pthread_mutex_unlock(&cs->lock);
	return c;
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

static size_t
text_size(struct lg_claims *c)
{
	size_t n = 0;

	for (size_t i = 0; slice(c, i) != NULL; i++)
		n += slice(c, i)->n;
	return n;
}

/* Copies c and its text to `to`, the text following it. */
static void
pack(const struct lg_claims *c, struct lg_claims *to)
{
	char *p = (char *)(to + 1);

	*to = *c;
	for (size_t i = 0; slice(to, i) != NULL; i++) {
		lg_str *s = slice(to, i);

		if (s->n > 0)
			memcpy(p, s->p, s->n);
		s->p = p;
		p += s->n;
	}
}

static struct cached *
set_of(struct cache *c, const lg_sha256 *token)
{
	return c->slot[token->b[0] % SETS];
}

bool
sts_cache_get(struct sts_caches *cs, struct lg_arena *a, uint32_t tenant, uint64_t keys_revision, const lg_sha256 *token,
    struct lg_claims *ret)
{
	struct cache *c = own(cs);
	struct cached *set;

	if (c == NULL)
		return false;
	set = set_of(c, token);
	for (size_t i = 0; i < WAYS; i++) {
		struct lg_claims *copy;

		if (set[i].claims == NULL || set[i].tenant != tenant || set[i].keys_revision != keys_revision
		    || memcmp(set[i].token.b, token->b, sizeof token->b) != 0)
			continue;
		set[i].used = ++c->clock;
		copy = lg_alloc(a, sizeof *copy + text_size(set[i].claims));
		pack(set[i].claims, copy);
		*ret = *copy;
		return true;
	}
	return false;
}

void
sts_cache_put(struct sts_caches *cs, uint32_t tenant, uint64_t keys_revision, const lg_sha256 *token,
    const struct lg_claims *claims)
{
	struct cache *c = own(cs);
	struct lg_claims from = *claims, *block;
	struct cached *set, *oldest;

	if (c == NULL || text_size(&from) > CACHED_TEXT)
		return;
	block = malloc(sizeof *block + text_size(&from));
	if (block == NULL)
		return;
	pack(&from, block);
	oldest = set = set_of(c, token);
	for (size_t i = 1; i < WAYS; i++)
		if (set[i].used < oldest->used)
			oldest = &set[i];
	free(oldest->claims);
	*oldest = (struct cached){
		.token = *token, .tenant = tenant, .keys_revision = keys_revision, .used = ++c->clock, .claims = block,
	};
}
