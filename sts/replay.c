/*
 * replay.c: what was used once and must not be used again: ids of assertions and of proofs, kept in memory until they expire.
 *
 * They are lost when the service starts anew, so what was made before that is refused: its maker makes another.  There is room for so
 * many; who has used more than a share of it (share.c) finds none where it is half full, and the others do.
 */
#include <pthread.h>
#include <stdlib.h>

#include "sts/sts.h"

#include "base/clock.h"
#include "base/map.h"

#define PROBES	64
/* A share is so much of all slots, at once and again in the time that an id is kept: 32 who use theirs up fill the other half. */
#define SHARE	128

/* 16 octets a slot, of which nothing is touched before it is used.  10,000 proofs a second that are dated right (13 s each) fill the half
 * that is anybody's; of assertions that live as long as they may, 180 a second. */
const struct sts_replay_size sts_replay_proofs = { 262144, 25 * LG_SECOND };
const struct sts_replay_size sts_replay_assertions = { 131072, 10 * LG_MINUTE };

struct used {
	uint64_t hash;
	int64_t until;
};

struct sts_replay {
	pthread_mutex_t lock;
	int64_t started;
	uint64_t key[2];
	struct sts_shares *shares;
	size_t slots;
	struct used slot[];
};

lg_err
sts_replay_new(struct lg_ctx *cx, const struct sts_replay_size *size, struct sts_replay **ret)
{
	const int64_t share = (int64_t)size->slots / SHARE;
	LG_AUTO(sts_replay_free) struct sts_replay *r = calloc(1, sizeof *r + size->slots * sizeof r->slot[0]);

	if (r == NULL)
		return lg_fail(cx, LG_E_INTERNAL, "sts: no room for what was used");
	(void)pthread_mutex_init(&r->lock, NULL);
	lg_random(r->key, sizeof r->key);
	r->started = cx->now;
	r->slots = size->slots;
	LG_TRY(sts_shares_new(cx, share, size->life / share, &r->shares));
	*ret = r;
	r = NULL;
	return LG_OK;
}

void
sts_replay_free(struct sts_replay **r)
{
	if (*r != NULL) {
		(void)pthread_mutex_destroy(&(*r)->lock);
		sts_shares_free(&(*r)->shares);
	}
	free(*r);
	*r = NULL;
}

int64_t
sts_replay_started(const struct sts_replay *r)
{
	return r->started;
}

/*
 * Finds the id or a place for it, within a few steps of where its hash points.  Nobody can choose where that is: how full it is there, it is
 * everywhere.
 */
static lg_err
note(struct lg_ctx *cx, struct sts_replay *r, uint64_t hash, int64_t until, bool within)
{
	struct used *free_slot = NULL;
	uint64_t live = 0;

	for (size_t i = 0; i < PROBES; i++) {
		struct used *u = &r->slot[(hash + i) % r->slots];

		if (u->until > cx->now && u->hash == hash)
			return lg_fail(cx, LG_E_EXISTS, "used before");
		if (u->until > cx->now)
			live++;
		else if (free_slot == NULL)
			free_slot = u;
	}
	if (free_slot == NULL || !sts_share_fits(live, PROBES, within))
		return lg_fail(cx, LG_E_BUSY, "too many at a time");
	*free_slot = (struct used){ hash, until };
	return LG_OK;
}

lg_err
sts_replay_use(struct lg_ctx *cx, struct sts_replay *r, uint32_t tenant, lg_str whose, lg_str id, int64_t until)
{
	uint64_t hash = lg_hash_keyed(r->key, id);
	bool within = sts_share_take(r->shares, tenant, whose, lg_boottime());
	lg_err e;

	(void)pthread_mutex_lock(&r->lock);
	e = note(cx, r, hash, until, within);
	(void)pthread_mutex_unlock(&r->lock);
	return e;
}
