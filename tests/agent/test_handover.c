/* test_handover.c: what one run of the agent leaves for the next. */
#include "agent/handover.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/base/base_test.h"

/* The program that takes our place has our number, so that this process stands for both. */
Test(handover, parts_are_taken_by_name_and_size_once)
{
	TEST_CTX(cx);
	char got[8] = "", other[4];

	lg_handover_put("one", "1234567", 8);
	lg_handover_put("two", "abc", 4);
	cr_assert_eq(lg_handover_send(cx, 64), LG_OK, "%s", cx->error);
	int fd = atoi(strchr(getenv("LIGHTGATE_HANDED"), ' ') + 1);
	cr_assert_geq(fd, 64);
	cr_assert_not(lg_handover_take("one", other, sizeof other), "another version's size");
	cr_assert_not(lg_handover_take("three", got, sizeof got));
	cr_assert(lg_handover_take("two", other, sizeof other));
	cr_assert_str_eq(other, "abc");
	cr_assert(lg_handover_take("one", got, sizeof got));
	cr_assert_str_eq(got, "1234567");
	cr_assert_not(lg_handover_take("one", got, sizeof got), "once");
	cr_assert_null(getenv("LIGHTGATE_HANDED"));
	cr_assert_eq(fcntl(fd, F_GETFD), -1, "it is closed");
	lg_handover_end();
	cr_assert_not(lg_handover_take("two", other, sizeof other));
}

Test(handover, what_is_not_ours_or_not_whole_is_nothing)
{
	char text[64], got[8];
	int p = open("/dev/zero", O_RDONLY | O_CLOEXEC);

	snprintf(text, sizeof text, "%d %d", (int)getppid(), p);
	setenv("LIGHTGATE_HANDED", text, 1);
	cr_assert_not(lg_handover_take("one", got, sizeof got));
	cr_assert_neq(fcntl(p, F_GETFD), -1, "of another process: left alone");
	close(p);
}

Test(handover, nothing_is_left_where_there_is_nothing)
{
	TEST_CTX(cx);
	static char large[LG_HANDOVER_MAX];

	cr_assert_eq(lg_handover_send(cx, 64), LG_OK);
	cr_assert_null(getenv("LIGHTGATE_HANDED"));
	lg_handover_put("large", large, sizeof large);
	cr_assert_eq(lg_handover_send(cx, 64), LG_OK, "more than is taken: the next one begins with nothing");
	cr_assert_null(getenv("LIGHTGATE_HANDED"));
}
