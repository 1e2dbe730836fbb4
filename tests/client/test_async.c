/* test_async.c: questions that nobody waits for, many at once, and a service at several addresses. */
#include <lightgate/client.h>

#include <poll.h>

#include "base/clock.h"
#include "tests/base/base_test.h"
#include "tests/client/responder.h"

#define YES	"{\"decision\":true,\"context\":{\"reason\":\"yes\"}}"

static lightgate *
open_at(const char *url, int deadline_ms)
{
	struct lightgate_settings s = LIGHTGATE_SETTINGS;
	char why[256] = "";

	s.url = url;
	s.deadline_ms = deadline_ms;
	lightgate *lg = lightgate_open(&s, why, sizeof why);
	cr_assert_not_null(lg, "%s", why);
	return lg;
}

static struct lightgate_question
question(const char *id)
{
	struct lightgate_question q = LIGHTGATE_QUESTION;

	q.subject_id = "alice";
	q.action = "container:exec";
	q.resource_type = "Workload";
	q.resource_id = id;
	return q;
}

struct tally {
	int permitted, denied, called;
	char reason[256];
};

static void
count(void *arg, lightgate_decision *d)
{
	struct tally *t = arg;

	t->called++;
	if (lightgate_permits(d))
		t->permitted++;
	else
		t->denied++;
	snprintf(t->reason, sizeof t->reason, "%s", lightgate_decision_reason(d));
	lightgate_decision_free(d);
}

/* A loop as a program would have one. */
static void
run_until(lightgate_async *a, const struct tally *t, int n)
{
	int64_t until = lg_boottime() + 20 * LG_SECOND;
	struct pollfd fd = { .fd = lightgate_async_fd(a), .events = POLLIN };

	while (t->called < n && lg_boottime() < until)
		if (poll(&fd, 1, 1000) > 0)
			lightgate_async_run(a);
	cr_assert_eq(t->called, n);
}

Test(async, many_questions_are_under_way_at_once)
{
	static const struct responder_route routes[] = { { "POST /access/v1/evaluation", 200, YES, 200 }, { NULL, 0, NULL, 0 } };
	struct responder *r = responder_start(routes);
	lightgate *lg = open_at(r->url, 10000);
	lightgate_async *a = lightgate_async_new(lg);
	struct tally t = { .called = 0 };
	int64_t began = lg_boottime();

	for (int i = 0; i < 20; i++) {
		char name[16];
		snprintf(name, sizeof name, "web%d", i);
		struct lightgate_question q = question(name);
		lightgate_async_decide(a, &q, count, &t);
	}
	cr_assert_eq(t.called, 0, "never from inside the asking");
	run_until(a, &t, 20);
	cr_assert_eq(t.permitted, 20, "%s", t.reason);
	cr_assert_lt(lg_boottime() - began, 3 * LG_SECOND, "20 answers of 0.2 s each");
	for (int i = 0; i < 20; i++) {
		char name[32];
		snprintf(name, sizeof name, "\"id\":\"web%d\"", i);
		cr_assert(responder_was_asked(r, name), "%s", name);
	}
	lightgate_async_free(a);
	lightgate_close(lg);
}

Test(async, whatever_goes_wrong_is_a_deny_by_the_callback)
{
	static const struct responder_route slow[] = { { "POST", 200, YES, 3000 }, { NULL, 0, NULL, 0 } }, bad[] = { { "POST", 200, "{}", 0 }, { NULL, 0, NULL, 0 } };
	struct responder *s = responder_start(slow), *b = responder_start(bad);
	const struct {
		const char *url;
		struct lightgate_question q;
		const char *why;
	} cases[] = {
		{ "http://127.0.0.1:1", question("web"), "cannot reach" }, { s->url, question("web"), "in time" },
		{ b->url, question("web"), "not a decision" }, { b->url, LIGHTGATE_QUESTION, "needs an action" },
	};

	for (size_t i = 0; i < LG_COUNT(cases); i++) {
		lightgate *lg = open_at(cases[i].url, 300);
		lightgate_async *a = lightgate_async_new(lg);
		struct tally t = { .called = 0 };
		lightgate_async_decide(a, &cases[i].q, count, &t);
		cr_assert_eq(t.called, 0);
		run_until(a, &t, 1);
		cr_assert_eq(t.denied, 1);
		cr_assert_not_null(strstr(t.reason, cases[i].why), "%s", t.reason);
		lightgate_async_free(a);
		lightgate_close(lg);
	}
}

Test(async, freeing_drops_what_is_under_way)
{
	static const struct responder_route slow[] = { { "POST", 200, YES, 2000 }, { NULL, 0, NULL, 0 } };
	lightgate *lg = open_at(responder_start(slow)->url, 10000);
	lightgate_async *a = lightgate_async_new(lg);
	struct lightgate_question q = question("web");
	struct tally t = { .called = 0 };

	for (int i = 0; i < 5; i++)
		lightgate_async_decide(a, &q, count, &t);
	lightgate_async_run(a);
	lightgate_async_free(a);
	lightgate_async_free(NULL);
	lightgate_close(lg);
	cr_assert_eq(t.called, 0);
}

/* ---- batches ------------------------------------------------------------------------------------------------------------- */

struct loop {
	lightgate_async *a;
	int called;
};

static void
free_it(void *arg, lightgate_decision *d)
{
	struct loop *l = arg;
	struct lightgate_question q = question("another");

	l->called++;
	lightgate_decision_free(d);
	lightgate_async_run(l->a);		/* it is running */
	lightgate_async_free(l->a);
	lightgate_async_decide(l->a, &q, free_it, l);
}

Test(async, a_callback_may_free_it_and_no_other_is_called)
{
	static const struct responder_route yes[] = { { "POST", 200, YES, 0 }, { NULL, 0, NULL, 0 } };
	lightgate *lg = open_at(responder_start(yes)->url, 5000);
	struct lightgate_question q = question("web"), bad = LIGHTGATE_QUESTION;

	for (int i = 0; i < 2; i++) {
		struct loop l = { .a = lightgate_async_new(lg) };
		struct pollfd fd = { .fd = lightgate_async_fd(l.a), .events = POLLIN };
		for (int n = 0; n < 3; n++)
			lightgate_async_decide(l.a, i == 0 ? &q : &bad, free_it, &l);
		while (l.called == 0 && poll(&fd, 1, 5000) > 0)
			lightgate_async_run(l.a);
		cr_assert_eq(l.called, 1);
	}
	lightgate_close(lg);
}

Test(batch, each_question_has_its_answer)
{
	static const struct responder_route routes[] = {
		{ "POST /access/v1/evaluations", 200, "{\"evaluations\":[{\"decision\":true},{\"decision\":false,\"context\":{\"reason\":\"no\"}},{\"decision\":true}]}", 0 },
		{ NULL, 0, NULL, 0 },
	};
	struct responder *r = responder_start(routes);
	lightgate *lg = open_at(r->url, 0);
	struct lightgate_question q[3] = { question("a"), question("b"), question("c") };
	lightgate_decision *d[3];

	lightgate_decide_batch(lg, q, 3, d);
	cr_assert(lightgate_permits(d[0]) && !lightgate_permits(d[1]) && lightgate_permits(d[2]));
	cr_assert_str_eq(lightgate_decision_reason(d[1]), "no");
	cr_assert_eq(r->requests, 1);
	for (int i = 0; i < 3; i++)
		lightgate_decision_free(d[i]);
	lightgate_close(lg);
}

Test(batch, what_could_not_be_decided_is_undecided_among_the_others)
{
	static const struct responder_route routes[] = {
		{ "POST /access/v1/evaluations", 200, "{\"evaluations\":[{\"decision\":true},"
		    "{\"decision\":false,\"context\":{\"error\":{\"status\":404,\"message\":\"there is no User bob\"}}},"
		    "{\"decision\":true,\"context\":{\"error\":{}}},{\"decision\":false,\"context\":{\"reason\":\"no\"}}]}", 0 },
		{ NULL, 0, NULL, 0 },
	};
	lightgate *lg = open_at(responder_start(routes)->url, 0);
	struct lightgate_question q[4] = { question("a"), question("b"), question("c"), question("d") };
	lightgate_decision *d[4];

	lightgate_decide_batch(lg, q, 4, d);
	cr_assert(lightgate_permits(d[0]) && !lightgate_permits(d[1]) && !lightgate_permits(d[2]) && !lightgate_permits(d[3]));
	cr_assert(!lightgate_decided(d[1]) && !lightgate_decided(d[2]) && lightgate_decided(d[3]));
	cr_assert_str_eq(lightgate_decision_reason(d[1]), "there is no User bob");
	cr_assert_str_not_empty(lightgate_decision_reason(d[2]));
	for (int i = 0; i < 4; i++)
		lightgate_decision_free(d[i]);
	lightgate_close(lg);
}

Test(batch, one_bad_answer_makes_all_of_them_denies)
{
	static const char *const bodies[] = {
		"{\"evaluations\":[{\"decision\":true}]}", "{\"evaluations\":[{\"decision\":true},{\"decision\":true},{\"decision\":true}]}",
		"{\"evaluations\":[{\"decision\":true},{\"decision\":\"true\"}]}", "{}", "[]", "",
	};

	for (size_t i = 0; i < LG_COUNT(bodies); i++) {
		const struct responder_route routes[] = { { "POST", 200, bodies[i], 0 }, { NULL, 0, NULL, 0 } };
		lightgate *lg = open_at(responder_start(routes)->url, 0);
		struct lightgate_question q[2] = { question("a"), question("b") };
		lightgate_decision *d[2];
		lightgate_decide_batch(lg, q, 2, d);
		for (int k = 0; k < 2; k++) {
			cr_assert(!lightgate_permits(d[k]) && !lightgate_decided(d[k]), "%s", bodies[i]);
			cr_assert_str_neq(lightgate_decision_reason(d[k]), "");
			lightgate_decision_free(d[k]);
		}
		lightgate_close(lg);
	}
}

Test(batch, more_than_the_limit_is_not_asked)
{
	static const struct responder_route routes[] = { { "POST", 200, "{}", 0 }, { NULL, 0, NULL, 0 } };
	struct responder *r = responder_start(routes);
	lightgate *lg = open_at(r->url, 0);
	static struct lightgate_question q[LIGHTGATE_BATCH + 1];
	static lightgate_decision *d[LIGHTGATE_BATCH + 1];

	for (size_t i = 0; i < LG_COUNT(q); i++)
		q[i] = question("a");
	lightgate_decide_batch(lg, q, LG_COUNT(q), d);
	for (size_t i = 0; i < LG_COUNT(q); i++) {
		cr_assert_not(lightgate_permits(d[i]));
		lightgate_decision_free(d[i]);
	}
	cr_assert_eq(r->requests, 0);
	lightgate_close(lg);
}

/* ---- several addresses ------------------------------------------------------------------------------------------------------ */

Test(servers, another_is_asked_when_nothing_was_sent)
{
	static const struct responder_route yes[] = { { "POST", 200, YES, 0 }, { NULL, 0, NULL, 0 } }, busy[] = { { "POST", 503, "{}", 0 }, { NULL, 0, NULL, 0 } };
	struct responder *good = responder_start(yes), *full = responder_start(busy);
	struct lightgate_question q = question("web");
	char urls[256];

	snprintf(urls, sizeof urls, "http://127.0.0.1:1 %s, %s", full->url, good->url);
	lightgate *lg = open_at(urls, 5000);
	for (int i = 0; i < 3; i++) {
		lightgate_decision *d = lightgate_decide(lg, &q);
		cr_assert(lightgate_permits(d), "%s", lightgate_decision_reason(d));
		lightgate_decision_free(d);
	}
	cr_assert_eq(full->requests, 1, "who answered is asked first the next time");
	cr_assert_eq(good->requests, 3);
	lightgate_close(lg);
}

Test(servers, what_may_have_been_done_is_not_asked_again)
{
	static const struct responder_route slow[] = { { "POST", 200, YES, 5000 }, { NULL, 0, NULL, 0 } }, yes[] = { { "POST", 200, YES, 0 }, { NULL, 0, NULL, 0 } };
	struct responder *first = responder_start(slow), *second = responder_start(yes);
	struct lightgate_question q = question("web");
	char urls[256];

	snprintf(urls, sizeof urls, "%s %s", first->url, second->url);
	lightgate *lg = open_at(urls, 300);
	lightgate_decision *d = lightgate_decide(lg, &q);
	cr_assert(!lightgate_permits(d) && !lightgate_decided(d));
	cr_assert_eq(second->requests, 0);
	lightgate_decision_free(d);
	lightgate_close(lg);
}

/* It takes no connections: two wait already, and what comes then gets no answer, not even a refusal. */
static void
start_full(char *url, size_t size)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof at;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	cr_assert_eq(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
	cr_assert_eq(listen(fd, 0), 0);
	cr_assert_eq(getsockname(fd, (struct sockaddr *)&at, &n), 0);
	for (int i = 0; i < 2; i++)
		(void)connect(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), (struct sockaddr *)&at, sizeof at);
	snprintf(url, size, "http://127.0.0.1:%d", ntohs(at.sin_port));
}

Test(servers, who_takes_no_connections_has_a_share_of_the_time)
{
	static const struct responder_route yes[] = { { "POST", 200, YES, 0 }, { NULL, 0, NULL, 0 } };
	struct responder *good = responder_start(yes);
	struct lightgate_question q = question("web");
	char urls[256], full[64];
	struct tally t = { 0 };

	start_full(full, sizeof full);
	snprintf(urls, sizeof urls, "%s %s", full, good->url);
	lightgate *lg = open_at(urls, 1000);
	lightgate_decision *d = lightgate_decide(lg, &q);
	cr_assert(lightgate_permits(d), "%s", lightgate_decision_reason(d));
	lightgate_decision_free(d);
	lightgate_async *a = lightgate_async_new(lg);
	lightgate_async_decide(a, &q, count, &t);
	run_until(a, &t, 1);
	cr_assert_eq(t.permitted, 1, "%s", t.reason);
	lightgate_async_free(a);
	lightgate_close(lg);
}

Test(servers, who_says_nothing_in_time_is_not_asked_first_again)
{
	static const struct responder_route slow[] = { { "POST", 200, YES, 5000 }, { NULL, 0, NULL, 0 } }, yes[] = { { "POST", 200, YES, 0 }, { NULL, 0, NULL, 0 } };
	struct responder *first = responder_start(slow), *second = responder_start(yes);
	struct lightgate_question q = question("web");
	char urls[256];
	struct tally t = { 0 };

	snprintf(urls, sizeof urls, "%s %s", first->url, second->url);
	lightgate *lg = open_at(urls, 200);
	for (int i = 0; i < 3; i++) {
		lightgate_decision *d = lightgate_decide(lg, &q);
		cr_assert_eq(lightgate_permits(d), i > 0, "%s", lightgate_decision_reason(d));
		lightgate_decision_free(d);
	}
	cr_assert(first->requests == 1 && second->requests == 2);
	lightgate_async *a = lightgate_async_new(lg);
	for (int i = 0; i < 2; i++) {
		lightgate_async_decide(a, &q, count, &t);
		run_until(a, &t, i + 1);
	}
	cr_assert(t.denied == 1 && t.permitted == 1, "%s", t.reason);
	cr_assert(first->requests == 2 && second->requests == 3);
	lightgate_async_free(a);
	lightgate_close(lg);
}

Test(servers, without_waiting_another_is_asked_as_well)
{
	static const struct responder_route yes[] = { { "POST", 200, YES, 0 }, { NULL, 0, NULL, 0 } }, busy[] = { { "POST", 503, "{}", 0 }, { NULL, 0, NULL, 0 } };
	struct responder *good = responder_start(yes), *full = responder_start(busy);
	struct lightgate_question q = question("web");
	char urls[256];
	struct tally t = { 0 };

	snprintf(urls, sizeof urls, "http://127.0.0.1:1 %s, %s", full->url, good->url);
	lightgate *lg = open_at(urls, 5000);
	lightgate_async *a = lightgate_async_new(lg);
	for (int i = 0; i < 3; i++) {
		lightgate_async_decide(a, &q, count, &t);
		run_until(a, &t, i + 1);
	}
	cr_assert_eq(t.permitted, 3, "%s", t.reason);
	cr_assert_eq(full->requests, 1, "who answered is asked first the next time");
	cr_assert_eq(good->requests, 3);
	lightgate_async_free(a);
	lightgate_close(lg);
}

Test(servers, a_refusal_is_an_answer)
{
	static const struct responder_route no[] = { { "POST", 403, "{\"detail\":\"not you\"}", 0 }, { NULL, 0, NULL, 0 } }, yes[] = { { "POST", 200, YES, 0 }, { NULL, 0, NULL, 0 } };
	struct responder *first = responder_start(no), *second = responder_start(yes);
	struct lightgate_question q = question("web");
	char urls[256];

	snprintf(urls, sizeof urls, "%s %s", first->url, second->url);
	lightgate *lg = open_at(urls, 0);
	lightgate_decision *d = lightgate_decide(lg, &q);
	cr_assert_str_eq(lightgate_decision_reason(d), "not you");
	cr_assert_eq(second->requests, 0);
	lightgate_decision_free(d);
	lightgate_close(lg);
}
