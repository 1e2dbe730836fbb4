/* groups.h: memberships by id. */
#ifndef LG_DIRECTORY_GROUPS_H
#define LG_DIRECTORY_GROUPS_H

#include "directory/schema.h"

/* A set of ids in the order they were added; in an arena. */
struct lg_ids {
	struct lg_arena *arena;
	uint64_t *v;
	size_t n, size;
	uint32_t *slot;			/* index + 1 into v, 0 free; made when the set outgrows a linear search */
	size_t nslot;
};
struct lg_ids lg_ids_of(struct lg_arena *a);
bool lg_ids_add(struct lg_ids *s, uint64_t id);		/* false: was there */
void lg_ids_sort(struct lg_ids *s);			/* ascending; nothing is added afterwards */

/* Of a row of lg_table_member, and of the one that follows from it: nobody but a rule says so. */
static inline bool
lg_is_by_rule(lg_str value)
{
	return value.n > 0;
}

/* Groups holding `member` directly or through groups.  stop: give up as soon as this one is found (0: never). */
LG_CHECKED lg_err lg_groups_of(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, uint64_t member, bool nested, uint64_t stop,
    struct lg_ids *ret);
/* Is `member` in the group, directly or through groups that `pass` lets by? */
LG_CHECKED lg_err lg_is_member_through(struct lg_ctx *cx, struct lg_view *v, const struct lg_entry *member, uint64_t group,
    bool (*pass)(void *arg, uint64_t group), void *arg, bool *ret);
bool lg_is_direct_member(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, uint64_t group, uint64_t member);
/* That somebody has put there: those by rule do not count. */
bool lg_has_members(struct lg_ctx *cx, struct lg_view *v, const struct lg_entry *group);

#endif
