/* map.h: a hash table from byte strings to pointers, in an arena; keyed hash (SipHash-1-3) with a per-process seed. */
#ifndef LG_BASE_MAP_H
#define LG_BASE_MAP_H

#include "lightgate/base.h"

struct lg_map {
	struct lg_arena *arena;
	struct lg_map_slot *slot;
	size_t n, size;
};

uint64_t lg_hash(lg_str s);						/* with the seed of this process: never stored */
uint64_t lg_hash_keyed(const uint64_t key[2], lg_str s);
void lg_map_init(struct lg_map *m, struct lg_arena *a);
void *lg_map_get(const struct lg_map *m, lg_str key);			/* NULL if absent */
/* The key is kept, not copied.  Returns the slot's value for reading or setting; NULL value for a new key. */
void **lg_map_at(struct lg_map *m, lg_str key);
bool lg_map_next(const struct lg_map *m, size_t *it, lg_str *key, void **value);	/* start with *it = 0; any order */

#endif
