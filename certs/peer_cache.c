/* peer_cache.c: a small set-associative table per thread, made on first use and freed when the thread ends. */
#include "certs/peer_cache.h"

#include "base/thread.h"

struct cache {
	uint32_t clock;
	struct lg_peer_kept row[LG_PEER_SETS][LG_PEER_WAYS];
};

static _Thread_local struct cache *mine;

/* NULL without memory: then nothing is kept. */
static struct cache *
cache(void)
{
	if (mine == NULL)
		mine = lg_thread_alloc(sizeof *mine);
	return mine;
}

/* The digest is as good a hash as any: choosing a set means choosing a leaf of ours with that digest. */
static struct lg_peer_kept *
set_of(struct cache *c, const lg_sha256 *leaf)
{
	return c->row[leaf->b[0] % LG_PEER_SETS];
}

struct lg_peer_kept *
lg_peer_cache_find(const lg_sha256 *leaf)
{
	struct cache *c = cache();
	struct lg_peer_kept *set;

	if (c == NULL)
		return NULL;
	set = set_of(c, leaf);
	for (size_t i = 0; i < LG_PEER_WAYS; i++)
		if (set[i].trust != 0 && memcmp(set[i].sha256.b, leaf->b, sizeof leaf->b) == 0) {
			set[i].used = ++c->clock;
			return &set[i];
		}
	return NULL;
}

void
lg_peer_cache_put(const struct lg_peer_kept *row)
{
	struct lg_peer_kept *there = lg_peer_cache_find(&row->sha256), *set;
	struct cache *c = cache();

	if (c == NULL)
		return;
	set = set_of(c, &row->sha256);
	for (size_t i = 0; there == NULL && i < LG_PEER_WAYS; i++)
		if (set[i].trust == 0)
			there = &set[i];
	if (there == NULL) {
		there = &set[0];
		for (size_t i = 1; i < LG_PEER_WAYS; i++)
			if (set[i].used < there->used)
				there = &set[i];
	}
	*there = *row;
	there->used = ++c->clock;
}
