/*
 * sorter.h: rows in the order of their keys, however many there are.
 *
 * Rows are collected in memory; a full chunk is sorted by a thread of its own while the next one fills, and waits in a file without a
 * name.  Reading merges the chunks.  All keys begin with the same four octets (the tenant), which are not compared.
 */
#ifndef LG_STORE_SORTER_H
#define LG_STORE_SORTER_H

#include "lightgate/store.h"

#define LG_SORTER_CHUNK		((size_t)128 << 20)	/* octets of rows */
#define LG_SORTER_CHUNKS	4096
#define LG_SORTER_TAGS		256

struct lg_sorter;

struct lg_sorter_row {
	uint8_t tag;			/* sorts before the key */
	lg_str key, value;		/* good until the next row */
};

/* dir: the folder whose disk takes what does not fit.  chunk 0: LG_SORTER_CHUNK. */
struct lg_sorter *lg_sorter_new(const char *dir, size_t chunk);
void lg_sorter_free(struct lg_sorter **s);
LG_CHECKED lg_err lg_sorter_add(struct lg_ctx *cx, struct lg_sorter *s, uint8_t tag, lg_str key, lg_str value);
/* Nothing is added any more. */
LG_CHECKED lg_err lg_sorter_finish(struct lg_ctx *cx, struct lg_sorter *s);
/* LG_E_NOT_FOUND after the last row.  Rows of one tag and key come in the order they were added. */
LG_CHECKED lg_err lg_sorter_next(struct lg_ctx *cx, struct lg_sorter *s, struct lg_sorter_row *ret);

#endif
