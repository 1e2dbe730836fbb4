/* test_misuse.c: what the library makes of callers that ask for the impossible: a deny, never a crash. */
#include <lightgate/client.h>

#include <sys/wait.h>

#include "tests/base/base_test.h"
#include "tests/client/responder.h"

#define YES	"{\"decision\":true,\"context\":{\"reason\":\"yes\",\"ticket\":\"t\"}}"

static const struct responder_route yes[] = { { "POST", 200, YES, 0 }, { NULL, 0, NULL, 0 } };

static lightgate *
open_at(const struct responder *r)
{
	struct lightgate_settings s = LIGHTGATE_SETTINGS;
	lightgate *lg;

	s.url = r->url;
	lg = lightgate_open(&s, NULL, 0);
	cr_assert_not_null(lg);
	return lg;
}

static struct lightgate_question
question(void)
{
	struct lightgate_question q = LIGHTGATE_QUESTION;

	q.subject_id = "alice";
	q.action = "container:exec";
	q.resource_type = "Workload";
	q.resource_id = "web";
	return q;
}

static void
assert_undecided(lightgate_decision *d)
{
	cr_assert_not_null(d);
	cr_assert(!lightgate_permits(d) && !lightgate_decided(d));
	cr_assert_str_not_empty(lightgate_decision_reason(d));
	cr_assert_str_empty(lightgate_decision_ticket(d));
	lightgate_decision_free(d);
}

static void
never(void *arg, lightgate_decision *d)
{
	(void)arg;
	(void)d;
	cr_assert_fail("this was never asked");
}

static void
assert_denied(lightgate *lg)
{
	struct lightgate_question q = question();
	struct lightgate_bundle b = LIGHTGATE_BUNDLE;
	struct lightgate_peer peer = LIGHTGATE_PEER;
	lightgate_decision *all[2];
	char why[256] = "";

	assert_undecided(lightgate_decide(lg, &q));
	assert_undecided(lightgate_decide_local(lg, &q));
	lightgate_decide_batch(lg, &q, 1, all);
	assert_undecided(all[0]);
	cr_assert_null(lightgate_verify(lg, "t", "a", NULL, why, sizeof why));
	cr_assert_str_not_empty(why);
	cr_assert_not(lightgate_verify_certificate(lg, "p", &peer, why, sizeof why));
	lightgate_bundle_look(lg, &b);
	cr_assert(!b.held && !b.fresh && b.age_ms == -1);
	cr_assert_str_not_empty(b.trouble);
	cr_assert_null(lightgate_async_new(lg));
	lightgate_close(lg);
}

Test(misuse, without_a_handle_there_are_denies)
{
	assert_denied(NULL);
	lightgate_async_free(NULL);
	lightgate_async_run(NULL);
	cr_assert_eq(lightgate_async_fd(NULL), -1);
	lightgate_async_decide(NULL, NULL, never, NULL);
}

Test(misuse, without_a_question_a_token_or_room_for_the_answer_too)
{
	struct responder *r = responder_start(yes);
	lightgate *lg = open_at(r);
	lightgate_decision *all[LIGHTGATE_BATCH + 1];
	struct lightgate_question q = question();
	lightgate_async *a = lightgate_async_new(lg);

	assert_undecided(lightgate_decide(lg, NULL));
	assert_undecided(lightgate_decide_local(lg, NULL));
	lightgate_decide_batch(lg, NULL, 2, all);
	for (size_t i = 0; i < 2; i++)
		assert_undecided(all[i]);
	lightgate_decide_batch(lg, NULL, LIGHTGATE_BATCH + 1, all);
	for (size_t i = 0; i < LIGHTGATE_BATCH + 1; i++)
		assert_undecided(all[i]);
	lightgate_decide_batch(lg, NULL, 0, NULL);
	lightgate_decide_batch(lg, &q, 1, NULL);
	cr_assert_null(lightgate_verify_bound(lg, "t", "a", NULL, NULL, 0));
	cr_assert_null(lightgate_verify_bound(lg, NULL, NULL, NULL, NULL, 0));
	cr_assert_not(lightgate_verify_certificate(lg, NULL, NULL, NULL, 0));
	lightgate_bundle_look(lg, NULL);
	lightgate_async_decide(a, &q, NULL, NULL);
	cr_assert_eq(r->requests, 1, "no question left the program, but one for the issuer's keys");
	lightgate_async_free(a);
	lightgate_close(lg);
}

Test(misuse, nothing_has_no_claims_and_says_nothing)
{
	cr_assert_null(lightgate_token_claim(NULL, "sub"));
	cr_assert_eq(lightgate_token_expires(NULL), 0);
	lightgate_token_free(NULL);
	cr_assert_not(lightgate_permits(NULL));
	cr_assert_not(lightgate_decided(NULL));
	cr_assert_str_empty(lightgate_decision_reason(NULL));
	cr_assert_str_empty(lightgate_decision_policy(NULL));
	cr_assert_str_empty(lightgate_decision_id(NULL));
	cr_assert_str_empty(lightgate_decision_ticket(NULL));
	lightgate_decision_free(NULL);
}

/* What it would read there are its parent's answers. */
static void
be_child(lightgate *lg, lightgate_async *a, lightgate_decision *d, const struct responder *r)
{
	struct lightgate_question q = question();

	assert_denied(lg);
	cr_assert(lightgate_permits(d), "what was decided before is the child's to read");
	lightgate_decision_free(d);
	lightgate_async_decide(a, &q, never, NULL);
	lightgate_async_run(a);
	lightgate_async_free(a);
	lightgate *own = open_at(r);
	d = lightgate_decide(own, &q);
	cr_assert(lightgate_permits(d), "%s", lightgate_decision_reason(d));
	lightgate_decision_free(d);
	lightgate_close(own);
}

Test(misuse, a_child_process_needs_a_handle_of_its_own)
{
	struct responder *r = responder_start(yes);
	lightgate *lg = open_at(r);
	struct lightgate_question q = question();
	lightgate_async *a = lightgate_async_new(lg);
	lightgate_decision *d = lightgate_decide(lg, &q);
	int status = -1;

	pid_t child = fork();
	if (child == 0) {
		be_child(lg, a, d, r);
		_exit(0);
	}
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %d", status);
	lightgate_decision_free(d);
	d = lightgate_decide(lg, &q);
	cr_assert(lightgate_permits(d), "the parent's connection is as it was: %s", lightgate_decision_reason(d));
	cr_assert_eq(r->connections, 2);
	lightgate_decision_free(d);
	lightgate_async_free(a);
	lightgate_close(lg);
}
