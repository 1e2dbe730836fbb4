/* log.c: the operator's log.  One write(2) a line, so that threads and processes do not mix theirs. */
#include "base/log.h"

#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"

enum { LINE_SIZE = 2048, CLOSING = 8 };

/* Set once by lg_log_open, before there are threads. */
static struct {
	const char *program;
	enum lg_level least;
	bool json;
} settings = { "lightgate", LG_INFO, false };

static const char *const levels[] = { "debug", "info", "warn", "error" };

void
lg_log_open(const char *program, enum lg_level least, bool json)
{
	settings.program = program;
	settings.least = least;
	settings.json = json;
}

/* Terminals obey C0, DEL and C1; a newline would forge a line. */
static bool
is_control(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0);
}

/* One character of the message as it may stand in a line, in both forms; how many bytes of it were used. */
static size_t
one_character(lg_str s, char ret[8], size_t *n)
{
	uint32_t c = 0;
	size_t used = lg_utf8_decode(s, &c);

	if (used == 0) {
		*n = lg_utf8_encode(0xfffd, ret);
		return 1;
	}
	if (is_control(c)) {
		*n = (size_t)sprintf(ret, "\\u%04x", c);
	} else if (settings.json && (c == '"' || c == '\\')) {
		ret[0] = '\\';
		ret[1] = (char)c;
		*n = 2;
	} else {
		*n = lg_utf8_encode(c, ret);
	}
	return used;
}

/* Appends the message as far as it fits; an ellipsis says that it did not. */
static void
put_message(struct lg_buf *line, lg_str message)
{
	char c[8];
	size_t n;

	while (message.n > 0) {
		size_t used = one_character(message, c, &n);
		if (n + CLOSING > line->max - line->n) {
			lg_buf_utf8(line, 0x2026);
			return;
		}
		lg_buf_bytes(line, c, n);
		message = lg_str_sub(message, used, message.n);
	}
}

void
lg_log(enum lg_level level, const char *fmt, ...)
{
	char message[LINE_SIZE], storage[LINE_SIZE], now[LG_TIME_TEXT + 1];
	/* a buffer that never needs the heap: its size is its maximum */
	struct lg_buf line = { storage, 0, sizeof storage, sizeof storage, false };
	va_list ap;

	if (level < settings.least)
		return;
	va_start(ap, fmt);
	int n = vsnprintf(message, sizeof message, fmt, ap);
	va_end(ap);
	size_t length = n < 0 ? 0 : (size_t)n < sizeof message ? (size_t)n : sizeof message - 1;
	lg_time_put(lg_wall(), now);
	lg_buf_printf(&line, settings.json ?
	    "{\"time\":\"%s\",\"level\":\"%s\",\"program\":\"%s\",\"message\":\"" : "%s %-5s %s: ",
	    now, levels[level], settings.program);
	put_message(&line, (lg_str){ message, length });
	lg_buf_str(&line, settings.json ? LG_STR("\"}\n") : LG_STR("\n"));
	/* nobody could be told that the log cannot be written */
	ssize_t written = write(STDERR_FILENO, line.p, line.n);
	(void)written;
}
