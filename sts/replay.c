/*
 * replay.c: what was used once and must not be used again: ids of assertions and of proofs, kept in memory until they expire.
 *
 * They are lost when the service starts anew, so what was made before that is refused: its maker makes another.
 */
#include <pthread.h>
#include <stdlib.h>

#include "sts/sts.h"

#include "base/map.h"

#define SLOTS	65536		/* beyond it: come back later */
#define PROBES	64

struct used {
	uint64_t hash[2];
	int64_t until;
};

struct sts_replay {
	pthread_mutex_t lock;
	int64_t started;
	uint64_t key[2][2];
	struct used slot[SLOTS];
};

lg_err
sts_replay_new(struct lg_ctx *cx, struct sts_replay **ret)
{
	struct sts_replay *r = calloc(1, sizeof *r);

	if (r == NULL)
		return lg_fail(cx, LG_E_INTERNAL, "sts: no room for what was used");
	(void)pthread_mutex_init(&r->lock, NULL);
	lg_random(r->key, sizeof r->key);
	r->started = cx->now;
	*ret = r;
	return LG_OK;
}

void
sts_replay_free(struct sts_replay **r)
{
	if (*r != NULL)
		(void)pthread_mutex_destroy(&(*r)->lock);
	free(*r);
	*r = NULL;
}

int64_t
sts_replay_started(const struct sts_replay *r)
{
	return r->started;
}

/* Finds the id or a place for it, within a few steps of where its hash points. */
static lg_err
note(struct lg_ctx *cx, struct sts_replay *r, const uint64_t hash[2], int64_t until)
{
	struct used *free_slot = NULL;

	for (size_t i = 0; i < PROBES; i++) {
		struct used *u = &r->slot[(hash[0] + i) % SLOTS];

		if (u->until > cx->now && u->hash[0] == hash[0] && u->hash[1] == hash[1])
			return lg_fail(cx, LG_E_EXISTS, "used before");
		if (u->until <= cx->now && free_slot == NULL)
			free_slot = u;
	}
	if (free_slot == NULL)
		return lg_fail(cx, LG_E_BUSY, "too many at a time");
	*free_slot = (struct used){ { hash[0], hash[1] }, until };
	return LG_OK;
}

lg_err
sts_replay_use(struct lg_ctx *cx, struct sts_replay *r, lg_str id, int64_t until)
{
	uint64_t hash[2] = { lg_hash_keyed(r->key[0], id), lg_hash_keyed(r->key[1], id) };
	lg_err e;

	(void)pthread_mutex_lock(&r->lock);
	e = note(cx, r, hash, until);
	(void)pthread_mutex_unlock(&r->lock);
	return e;
}
