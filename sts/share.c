/*
 * share.c: room for what anybody may begin without being signed in (pushed requests, waiting devices), for what was used once
 * (replay.c), and on record for what was refused (refused.c).
 *
 * Their tables are bounded, and a bound that one stranger can reach keeps everybody else out.  So each has a share: a client that
 * proved itself one of its own, all others that of their address.  As long as a table is less than half full nobody's share matters;
 * from then on who has used his up waits, and the rest is for the others.
 */
#include <pthread.h>
#include <stdlib.h>

#include "sts/sts.h"

#include "base/clock.h"
#include "base/map.h"

#define SLOTS	4096
#define WAYS	4

struct share {
	uint64_t key;
	int64_t used_until;		/* when all that was begun will have been earned (the generic cell rate algorithm, ITU-T I.371) */
	uint64_t untold;		/* things that found no room */
};

struct sts_shares {
	pthread_mutex_t lock;
	int64_t every, burst;		/* one in this time; so many times that at once */
	uint64_t secret[2];
	struct share slot[SLOTS];
};

lg_err
sts_shares_new(struct lg_ctx *cx, int64_t burst, int64_t every, struct sts_shares **ret)
{
	struct sts_shares *s = calloc(1, sizeof *s);

	if (s == NULL)
		return lg_fail(cx, LG_E_INTERNAL, "sts: no room for shares");
	(void)pthread_mutex_init(&s->lock, NULL);
	lg_random(s->secret, sizeof s->secret);
	s->every = every;
	s->burst = burst;
	*ret = s;
	return LG_OK;
}

void
sts_shares_free(struct sts_shares **s)
{
	if (*s != NULL)
		(void)pthread_mutex_destroy(&(*s)->lock);
	free(*s);
	*s = NULL;
}

/* Its slot; or that of whoever owes least, who loses little by it. */
static struct share *
find(struct sts_shares *s, uint64_t key)
{
	struct share *at = &s->slot[key % (SLOTS / WAYS) * WAYS], *least = at;

	for (size_t i = 0; i < WAYS; i++) {
		if (at[i].key == key)
			return &at[i];
		if (at[i].used_until < least->used_until)
			least = &at[i];
	}
	*least = (struct share){ .key = key };
	return least;
}

/* With the lock.  *within: there is room for one more. */
static struct share *
share_of(struct sts_shares *s, uint32_t tenant, lg_str whose, int64_t now, bool *within)
{
	uint64_t key[2] = { s->secret[0], s->secret[1] ^ tenant };
	struct share *sh = find(s, lg_hash_keyed(key, whose));

	if (sh->used_until < now)
		sh->used_until = now;
	*within = sh->used_until - now <= (s->burst - 1) * s->every;
	return sh;
}

bool
sts_share_take(struct sts_shares *s, uint32_t tenant, lg_str whose, int64_t now)
{
	struct share *sh;
	bool within;

	(void)pthread_mutex_lock(&s->lock);
	sh = share_of(s, tenant, whose, now, &within);
	if (sh->used_until - now < 2 * s->burst * s->every)	/* who went on for long is not kept out for as long */
		sh->used_until += s->every;
	(void)pthread_mutex_unlock(&s->lock);
	return within;
}

/* Who goes on is told of all the same, one in `every`: what is not told costs nothing. */
bool
sts_share_tell(struct sts_shares *s, uint32_t tenant, lg_str whose, int64_t now, uint64_t *n)
{
	struct share *sh;
	bool within;

	(void)pthread_mutex_lock(&s->lock);
	sh = share_of(s, tenant, whose, now, &within);
	*n += sh->untold;
	sh->untold = within ? 0 : *n;
	if (within)
		sh->used_until += s->every;
	(void)pthread_mutex_unlock(&s->lock);
	return within;
}

lg_str
sts_share_stranger(struct sts_rq *rq)
{
	return lg_cat(rq->cx->arena, LG_STR("address "), sts_address_network(rq->cx->arena, lg_str_of(rq->ex->peer->address)));
}

lg_str
sts_share_whose(struct sts_rq *rq)
{
	if (rq->client.auth == LG_CLIENT_NONE)
		return sts_share_stranger(rq);
	return lg_cat(rq->cx->arena, LG_STR("client "), rq->client.id);
}

bool
sts_share_of(struct sts_rq *rq)
{
	return sts_share_take(rq->sts->shares, rq->tenant_id, sts_share_whose(rq), lg_boottime());
}

bool
sts_share_fits(uint64_t rows, uint64_t most, bool within)
{
	return rows < (within ? most : most / 2);
}
