/*
 * log.h: the operator's log: one line per event on stderr, JSON when it is not a terminal.
 * Only server/, agent/ and cli/ log; libraries report through struct lg_ctx.
 */
#ifndef LG_BASE_LOG_H
#define LG_BASE_LOG_H

#include "lightgate/base.h"

enum lg_level { LG_DEBUG, LG_INFO, LG_WARN, LG_ERROR };

void lg_log_open(const char *program, enum lg_level least, bool json);
/* Control characters in the message are escaped; lines over 2 KiB are cut. */
void lg_log(enum lg_level level, const char *fmt, ...) LG_PRINTF(2, 3);

#endif
