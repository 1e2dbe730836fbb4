/*
 * bulk_names.h: what a bulk load has seen: DNs with the ids of their entries, and names that may be given once.  In memory, by digests
 * of 128 bits, since the index rows are not there before the end.
 */
#ifndef LG_DIRECTORY_BULK_NAMES_H
#define LG_DIRECTORY_BULK_NAMES_H

#include "directory/tables.h"

#define LG_BULK_NAMES_MAX	(1u << 30)	/* slots: 24 GiB */

struct lg_bulk_slot {
	uint64_t a, b;			/* of the key */
	uint64_t id;			/* 0: free */
};
struct lg_bulk_names {
	struct lg_bulk_slot *slot;
	size_t n, size;
	uint64_t seed[2][2];
};

struct lg_bulk_names lg_bulk_names_new(void);
void lg_bulk_names_free(struct lg_bulk_names *s);
/* Notes the key; false: it was there. */
bool lg_bulk_names_add(struct lg_bulk_names *s, const struct lg_dkey *k, uint64_t id);
uint64_t lg_bulk_names_find(const struct lg_bulk_names *s, const struct lg_dkey *k);	/* 0: not there */

#endif
