/*
 * published.h: one pointer to something immutable that readers use without a lock and writers replace.
 *
 * A reader announces what it holds in a slot of its thread (a hazard pointer); a writer frees what it replaced once no slot
 * names it.  Threads are the loops' and workers': each takes one slot for life.
 */
#ifndef LG_SERVER_PUBLISHED_H
#define LG_SERVER_PUBLISHED_H

#include "lightgate/base.h"

#define LG_PUBLISHED_THREADS	512

struct lg_published;

struct lg_published *lg_published_new(void (*release)(void *value));
void lg_published_free(struct lg_published **p);	/* no reader may be inside; safe on NULL */
/* What is in force, or NULL.  Held until lg_published_end on the same thread; does not nest. */
void *lg_published_begin(struct lg_published *p);
void lg_published_end(struct lg_published *p);
/* Puts a new value in force.  The old one is released as soon as nobody holds it: now, or by a later set. */
void lg_published_set(struct lg_published *p, void *value);

#endif
