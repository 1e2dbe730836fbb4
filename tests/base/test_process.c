/* test_process.c: when a process started. */
#include "tests/base/base_test.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/process.h"

Test(process, a_child_starts_no_earlier_than_its_parent_and_always_at_the_same_moment)
{
	TEST_CTX(cx);
	int64_t own = lg_process_started(cx, getpid());
	pid_t child = fork();

	if (child == 0) {
		pause();
		_exit(0);
	}
	int64_t its = lg_process_started(cx, child);
	cr_expect(own > 0 && its >= own);
	cr_expect_eq(lg_process_started(cx, child), its);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	cr_expect_eq(lg_process_started(cx, child), -1);
}

Test(process, a_name_that_looks_like_the_end_of_the_name_changes_nothing)
{
	TEST_CTX(cx);
	int64_t before = lg_process_started(cx, getpid());

	cr_assert_eq(prctl(PR_SET_NAME, "a) R 1 2 3 (b"), 0);
	cr_expect_eq(lg_process_started(cx, getpid()), before);
}

Test(process, no_process_has_no_start)
{
	TEST_CTX(cx);

	cr_expect_eq(lg_process_started(cx, -1), -1);
	cr_expect_eq(lg_process_started(cx, INT64_C(1) << 40), -1);
}
