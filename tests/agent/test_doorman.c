/* test_doorman.c: the form of questions on the agent's socket. */
#include "agent/doorman.h"

#include <sys/socket.h>
#include <unistd.h>

#include "tests/base/base_test.h"

/* What is said to a question on a connection of our own; no door is needed for what is refused before it. */
static void
assert_answer(const char *question, size_t n, const char *want)
{
	char answer[1024];
	int fds[2];

	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	cr_assert_eq(write(fds[0], question, n), (ssize_t)n);
	cr_assert_eq(shutdown(fds[0], SHUT_WR), 0);
	lg_doorman_serve(NULL, fds[1]);
	close(fds[1]);
	ssize_t got = read(fds[0], answer, sizeof answer - 1);
	cr_assert_geq(got, 0);
	answer[got] = '\0';
	cr_assert_str_eq(answer, want);
	close(fds[0]);
}

Test(doorman, a_question_that_is_not_known_is_a_deny)
{
	assert_answer("", 0, "deny\nunknown question");
	assert_answer("permit\n", 7, "deny\nunknown question");
	assert_answer("hook ", 5, "deny\nunknown question");
	assert_answer("HOOK\n{}", 7, "deny\nunknown question");
	assert_answer("hook\0\n{}", 8, "deny\nunknown question");
}
