/*
 * metrics.h: counters that cost an addition: each loop has its own cells and only it writes them; /metrics adds them up
 * and prints OpenMetrics text.
 */
#ifndef LG_SERVER_METRICS_H
#define LG_SERVER_METRICS_H

#include "lightgate/base.h"

#define LG_METRICS_TEXT		(4u << 20)
#define LG_METRICS_SOURCES	32
#define LG_METRICS_ROUTES	512

struct lg_metrics;

LG_CHECKED lg_err lg_metrics_new(struct lg_ctx *cx, struct lg_metrics **ret);
void lg_metrics_free(struct lg_metrics **m);

/* The next route: 0, 1, ... in the order of these calls, all before the first request.  Labels are kept, not copied. */
LG_CHECKED lg_err lg_metrics_route_add(struct lg_ctx *cx, struct lg_metrics *m, const char *method, const char *path);
/* One answered request, on the loop of that index; route SIZE_MAX: none matched. */
void lg_metrics_request(struct lg_metrics *m, size_t loop, size_t route, int status, int64_t ns);

/* Further families: the source appends complete families ("# TYPE ...", "# HELP ...", samples).  Called on a loop: must not block. */
typedef void lg_metrics_source(void *self, struct lg_buf *out);
LG_CHECKED lg_err lg_metrics_source_add(struct lg_ctx *cx, struct lg_metrics *m, lg_metrics_source *fn, void *self);
/* One family with one sample, for sources. */
void lg_metrics_gauge(struct lg_buf *out, const char *name, const char *help, int64_t value);
void lg_metrics_counter(struct lg_buf *out, const char *name, const char *help, uint64_t value);

/* All of it, closed with "# EOF". */
void lg_metrics_print(struct lg_metrics *m, struct lg_buf *out);

#endif
