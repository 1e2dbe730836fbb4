/* test_doorman.c: the form of questions on the agent's socket. */
#include "agent/doorman.h"

#include <pthread.h>
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

static void *
say_too_much(void *arg)
{
	static char piece[4096];
	int fd = *(int *)arg;

	for (unsigned n = 0; n <= LG_DOORMAN_REQUEST; n += sizeof piece)
		if (send(fd, piece, sizeof piece, MSG_NOSIGNAL) < 0)
			break;
	shutdown(fd, SHUT_WR);
	return NULL;
}

Test(doorman, a_question_over_the_limit_is_a_deny)
{
	char answer[1024];
	pthread_t thread;
	int fds[2];

	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	pthread_create(&thread, NULL, say_too_much, &fds[0]);
	lg_doorman_serve(NULL, fds[1]);
	pthread_join(thread, NULL);
	close(fds[1]);
	ssize_t got = read(fds[0], answer, sizeof answer - 1);
	cr_assert_gt(got, 5);
	cr_assert_eq(strncmp(answer, "deny\n", 5), 0);
	close(fds[0]);
}

Test(doorman, a_caller_who_says_nothing_is_denied_after_a_second)
{
	char answer[1024];
	int fds[2];

	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	lg_doorman_serve(NULL, fds[1]);
	close(fds[1]);
	ssize_t got = read(fds[0], answer, sizeof answer - 1);
	cr_assert_gt(got, 5);
	cr_assert_eq(strncmp(answer, "deny\n", 5), 0);
	close(fds[0]);
}
