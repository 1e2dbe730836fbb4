/*
 * ldif_map.h: entries of other servers on their way in: names of classes and attributes that mean the same here, values that are
 * written otherwise, and what has no place here left out.  The tables stand in docs/migrating.md too.
 */
#ifndef LG_DIRECTORY_LDIF_MAP_H
#define LG_DIRECTORY_LDIF_MAP_H

#include "directory/ldif.h"

struct lg_ldif_map {
	enum lg_ldif_origin origin;
};

/* Changes the record in place (new values in cx's arena).  *skip: nothing of it is wanted here. */
LG_CHECKED lg_err lg_ldif_map(struct lg_ctx *cx, const struct lg_ldif_map *map, struct lg_ldif_record *r, bool *skip);

#endif
