/* test_log.c: one line an event, whatever the message holds. */
#include "tests/base/base_test.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/json.h"
#include "base/log.h"
#include "base/text.h"

/* What one call wrote to stderr. */
static lg_str
logged(struct lg_ctx *cx, enum lg_level level, const char *message)
{
	int fd[2], kept = dup(STDERR_FILENO);
	char *p = lg_alloc(cx->arena, 8192);

	cr_assert_eq(pipe2(fd, O_NONBLOCK), 0);
	dup2(fd[1], STDERR_FILENO);
	lg_log(level, "%s", message);
	dup2(kept, STDERR_FILENO);
	ssize_t n = read(fd[0], p, 8192);
	close(fd[0]);
	close(fd[1]);
	close(kept);
	return (lg_str){ p, n < 0 ? 0 : (size_t)n };
}

static lg_str
message_of(struct lg_ctx *cx, lg_str line)
{
	struct lg_json js;
	lg_str name, message = LG_NONE;
	int64_t us;

	lg_json_init(&js, cx->arena, line);
	lg_json_object(&js);
	while (lg_json_member(&js, &name)) {
		lg_str value = lg_json_str(&js);
		if (lg_str_eq(name, LG_STR("message")))
			message = value;
		if (lg_str_eq(name, LG_STR("time")))
			cr_assert(lg_time_parse(value, &us));
	}
	cr_assert_eq(lg_json_end(cx, &js), LG_OK, "%s: %.*s", cx->error, LG_FMT(line));
	return message;
}

Test(log, levels_below_the_least_are_silent)
{
	TEST_CTX(cx);

	lg_log_open("test", LG_WARN, false);
	cr_assert_eq(logged(cx, LG_INFO, "x").n, 0);
	lg_str line = logged(cx, LG_WARN, "hello");
	cr_assert(lg_str_ends(line, LG_STR("Z warn  test: hello\n")), "%.*s", LG_FMT(line));
}

Test(log, control_characters_cannot_forge_a_line)
{
	TEST_CTX(cx);

	lg_log_open("test", LG_INFO, false);
	lg_str line = logged(cx, LG_INFO, "a\nb\x1b[31m\x7f\xc2\x9b\xff\xc3\xa9");
	cr_assert(lg_str_ends(line, LG_STR("test: a\\u000ab\\u001b[31m\\u007f\\u009b\xef\xbf\xbd\xc3\xa9\n")), "%.*s",
	    LG_FMT(line));
}

Test(log, json_lines_are_json_with_the_message_in_it)
{
	TEST_CTX(cx);

	lg_log_open("test", LG_INFO, true);
	assert_str(message_of(cx, logged(cx, LG_ERROR, "say \"hi\" \\ \n\x1b \xc3\xa9")), "say \"hi\" \\ \n\x1b \xc3\xa9");
}

Test(log, long_messages_are_cut_whole_characters_and_all)
{
	static const char *const fill[] = { "a", "\n", "\xc3\xa9", "\"", "\xf0\x9f\x98\x80" };
	TEST_CTX(cx);

	for (size_t i = 0; i < LG_COUNT(fill); i++)
		for (size_t shift = 0; shift < 8; shift++) {
			struct lg_buf b = LG_BUF(1 << 16);
			lg_buf_str(&b, lg_str_sub(LG_STR("xxxxxxxx"), 0, shift));
			while (b.n < 4000)
				lg_buf_str(&b, lg_str_of(fill[i]));
			lg_buf_byte(&b, 0);
			lg_log_open("test", LG_INFO, true);
			lg_str line = logged(cx, LG_INFO, b.p);
			cr_assert_leq(line.n, 2048);
			cr_assert(lg_str_ends(message_of(cx, line), LG_STR("\xe2\x80\xa6")));
			lg_buf_free(&b);
		}
}
