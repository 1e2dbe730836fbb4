/*
 * plan.h: where a search looks.  A plan names a source of candidate ids that holds every match; what it yields too many, the filter takes
 * out.  Ids come in ascending order whatever the source, so that the last id is all a slice or a page needs to continue.
 */
#ifndef LG_DIRECTORY_PLAN_H
#define LG_DIRECTORY_PLAN_H

#include "directory/filter.h"
#include "directory/groups.h"
#include "directory/tables.h"

#define LG_PLAN_IDS	32768		/* a list longer than that is not made: all entries are walked instead */
#define LG_PLAN_COUNT	256		/* rows counted to compare two sources */
#define LG_PLAN_FEW	8		/* so few that no other source is looked for */

enum lg_source { LG_SOURCE_ALL, LG_SOURCE_PREFIX, LG_SOURCE_LIST };

struct lg_plan {
	enum lg_source source;
	uint32_t tenant;
	/* PREFIX: rows of an index whose keys end in the id */
	const struct lg_table *table;
	struct lg_dkey prefix;
	size_t estimate;
	/* LIST */
	const uint64_t *id;
	size_t n;
};

enum lg_scope { LG_SCOPE_BASE = 0, LG_SCOPE_ONE = 1, LG_SCOPE_SUBTREE = 2, LG_SCOPE_CHILDREN = 3 };

LG_CHECKED lg_err lg_plan_make(struct lg_ctx *cx, struct lg_view *v, const struct lg_filter *f, enum lg_scope scope, const struct lg_entry *base,
    struct lg_plan *ret);

/* A walk over the candidates behind `last`; of one slice. */
struct lg_walk {
	const struct lg_plan *plan;
	struct lg_cursor cursor;
	struct lg_dkey from;
	size_t at;
	struct lg_view *v;
};
LG_CHECKED lg_err lg_walk_begin(struct lg_ctx *cx, struct lg_view *v, const struct lg_plan *plan, uint64_t last, struct lg_walk *ret);
/* LG_E_NOT_FOUND at the end.  *found is false for an id whose entry is gone; *id says how far the walk is. */
LG_CHECKED lg_err lg_walk_next(struct lg_ctx *cx, struct lg_walk *w, uint64_t *id, bool *found, struct lg_entry *ret);
void lg_walk_end(struct lg_walk *w);

#endif
