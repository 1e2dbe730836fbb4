/* bulk_names.c: a table of digests with open places (see bulk_names.h). */
#include "directory/bulk_names.h"

#include <stdlib.h>

#include "base/map.h"

struct lg_bulk_names
lg_bulk_names_new(void)
{
	struct lg_bulk_names s = { .size = 1u << 16 };

	lg_random(s.seed, sizeof s.seed);
	s.slot = calloc(s.size, sizeof *s.slot);
	if (s.slot == NULL)
		abort();
	return s;
}

void
lg_bulk_names_free(struct lg_bulk_names *s)
{
	free(s->slot);
	*s = (struct lg_bulk_names){ 0 };
}

static struct lg_bulk_slot
digest(const struct lg_bulk_names *s, const struct lg_dkey *k)
{
	return (struct lg_bulk_slot){ lg_hash_keyed(s->seed[0], lg_dkey_str(k)), lg_hash_keyed(s->seed[1], lg_dkey_str(k)), 0 };
}

/* The slot that has it, or the free one where it would be. */
static struct lg_bulk_slot *
place(struct lg_bulk_slot *slot, size_t size, const struct lg_bulk_slot *d)
{
	size_t i = d->a & (size - 1);

	while (slot[i].id != 0 && (slot[i].a != d->a || slot[i].b != d->b))
		i = (i + 1) & (size - 1);
	return &slot[i];
}

static void
grow(struct lg_bulk_names *s)
{
	size_t size = s->size * 2;
	struct lg_bulk_slot *slot = size > LG_BULK_NAMES_MAX ? NULL : calloc(size, sizeof *slot);

	if (slot == NULL)
		abort();
	for (size_t i = 0; i < s->size; i++)
		if (s->slot[i].id != 0)
			*place(slot, size, &s->slot[i]) = s->slot[i];
	free(s->slot);
	s->slot = slot;
	s->size = size;
}

bool
lg_bulk_names_add(struct lg_bulk_names *s, const struct lg_dkey *k, uint64_t id)
{
	struct lg_bulk_slot d = digest(s, k);

	if (s->n > s->size / 10 * 7)
		grow(s);
	struct lg_bulk_slot *at = place(s->slot, s->size, &d);
	if (at->id != 0)
		return false;
	d.id = id;
	*at = d;
	s->n++;
	return true;
}

uint64_t
lg_bulk_names_find(const struct lg_bulk_names *s, const struct lg_dkey *k)
{
	struct lg_bulk_slot d = digest(s, k);

	return place(s->slot, s->size, &d)->id;
}
