/* tally.h: how many decisions were made, by group of actions ("container" of "container:start"), permits and denies apart. */
#ifndef LG_SERVER_TALLY_H
#define LG_SERVER_TALLY_H

#include "lightgate/base.h"

struct lg_tally;

struct lg_tally *lg_tally_new(void);
void lg_tally_free(struct lg_tally **t);	/* safe on NULL */
size_t lg_tally_group(const char *action);
/* From any thread.  Loops have rows of their own, so that no two of them write to one cache line. */
void lg_tally_add(struct lg_tally *t, size_t group, bool permit);
uint64_t lg_tally_count(const struct lg_tally *t, size_t group, bool permit);
void lg_tally_print(const struct lg_tally *t, struct lg_buf *out);	/* OpenMetrics */

#endif
