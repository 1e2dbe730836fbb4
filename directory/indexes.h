/*
 * indexes.h: which attributes of a tenant are indexed how, beside those that always are (LG_AF_INDEXED: equality).
 *
 * A choice is a row; index rows follow from it by derive, from the commit on.  What was there before is made in steps beside the
 * running service (lg_index_work), resumed after a restart, and used by searches when it is complete.  Equality rows stand in the
 * order of their values, so that one index serves (=), (>=) and (<=).
 */
#ifndef LG_DIRECTORY_INDEXES_H
#define LG_DIRECTORY_INDEXES_H

#include "directory/tables.h"

#define LG_INDEXES	1024		/* choices of all tenants */
#define LG_GRAM		3		/* octets of a piece of a value in the substring index */
#define LG_GRAM_VALUE	512		/* octets of a value that are taken to pieces; longer ones are candidates of every search */

enum { LG_INDEX_EQUAL = 1, LG_INDEX_PRESENT = 2, LG_INDEX_SUBSTR = 4 };		/* bits */

/* Kept up by every write; and of these, those that are complete. */
unsigned lg_index_wanted(uint32_t tenant, const struct lg_attr *at);
unsigned lg_index_ready(uint32_t tenant, const struct lg_attr *at);

/* Rows of one value or attribute. */
struct lg_dkey lg_key_present(uint32_t tenant, uint16_t attr);
struct lg_dkey lg_key_gram(uint32_t tenant, uint16_t attr, const char *gram);
extern const char lg_gram_long[LG_GRAM];	/* the piece of values that are too long */

LG_CHECKED lg_err lg_indexes_follow(struct lg_ctx *cx, struct lg_store *st);

#endif
