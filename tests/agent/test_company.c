/* test_company.c: who else is in a namespace that a container was made to join. */
#include "agent/company.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/door_own.h"
#include "tests/base/base_test.h"
#include "tests/client/responder.h"

#define POD	(1u << LG_NS_NETWORK | 1u << LG_NS_IPC | 1u << LG_NS_UTS)

/* A process that has namespaces of its own, or those of `with`; 0 where that is not allowed here. */
static pid_t
somebody(struct lg_ctx *cx, pid_t with)
{
	const char *path = lg_print(cx->arena, "/proc/%d/ns/uts", (int)with).p;
	int ready[2];
	char answer = 'n';

	cr_assert_eq(pipe(ready), 0);
	pid_t pid = fork();
	if (pid == 0) {
		int ns = with > 0 ? open(path, O_RDONLY) : -1;
		bool there = with > 0 ? setns(ns, CLONE_NEWUTS) == 0 : unshare(CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS) == 0;
		(void)!write(ready[1], there ? "y" : "n", 1);
		for (;;)
			pause();
	}
	(void)!read(ready[0], &answer, 1);
	close(ready[0]);
	close(ready[1]);
	return answer == 'y' ? pid : 0;
}

static void
end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

Test(company, a_namespace_with_nobody_else_in_it_is_not_shared)
{
	TEST_CTX(cx);
	struct lg_door door = { .at = { .state = test_folder() } };
	pid_t first = somebody(cx, 0);

	if (first == 0)
		cr_skip_test("needs root");
	cr_assert(!lg_company_is_strange(cx, first, POD, &door, LG_STR("web")));
	pid_t second = somebody(cx, first);
	cr_assert_neq(second, 0);
	cr_assert(lg_company_is_strange(cx, first, POD, &door, LG_STR("web")));
	cr_assert(!lg_company_is_strange(cx, first, 1u << LG_NS_NETWORK, &door, LG_STR("web")), "it is in the first one's host name, not in its network");
	end(second);
	cr_assert(!lg_company_is_strange(cx, first, POD, &door, LG_STR("web")));
	end(first);
}

Test(company, the_hosts_own_and_what_no_pod_shares_are_strange)
{
	TEST_CTX(cx);
	struct lg_door door = { .at = { .state = test_folder() } };
	pid_t alone = somebody(cx, 0);

	cr_assert(lg_company_is_strange(cx, getpid(), 1u << LG_NS_NETWORK, &door, LG_STR("web")));
	cr_assert(lg_company_is_strange(cx, 0, POD, &door, LG_STR("web")));
	if (alone == 0)
		cr_skip_test("needs root");
	for (int t = 0; t < LG_NS_TYPES; t++)
		cr_assert_eq(lg_company_is_strange(cx, alone, POD | 1u << t, &door, LG_STR("web")), (POD & 1u << t) == 0, "%s", lg_namespace_files[t]);
	end(alone);
	cr_assert(lg_company_is_strange(cx, alone, POD, &door, LG_STR("web")));
}
