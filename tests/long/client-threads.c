/*
 * client-threads.c SECONDS TOKEN AUDIENCE: one handle of liblightgate used by many threads in every way it has, while the service changes
 * under it; built and run under ThreadSanitizer by tests/long/tsan.sh.  Prints how often each way was gone.
 */
#include <lightgate/client.h>

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static lightgate *lg;
static atomic_bool over;
static const char *token, *audience;

static struct lightgate_question
question(void)
{
	struct lightgate_question q = LIGHTGATE_QUESTION;

	q.subject_type = "Workload";
	q.subject_id = "web";
	q.action = "connect";
	q.resource_type = "Workload";
	q.resource_id = "db";
	q.port = 5432;
	q.protocol = "tcp";
	return q;
}

static void
decide(void)
{
	struct lightgate_question q = question();

	lightgate_decision_free(lightgate_decide(lg, &q));
}

static void
decide_many(void)
{
	struct lightgate_question q[3] = { question(), question(), question() };
	lightgate_decision *d[3];

	lightgate_decide_batch(lg, q, 3, d);
	for (int i = 0; i < 3; i++)
		lightgate_decision_free(d[i]);
}

static void
decide_here(void)
{
	struct lightgate_question q = question();

	lightgate_decision_free(lightgate_decide_local(lg, &q));
}

static void
look(void)
{
	struct lightgate_bundle b = LIGHTGATE_BUNDLE;

	lightgate_bundle_look(lg, &b);
}

static void
verify(void)
{
	lightgate_token_free(lightgate_verify(lg, token, audience, NULL, NULL, 0));
}

static void
done(void *arg, lightgate_decision *d)
{
	lightgate_decision_free(d);
	++*(int *)arg;
}

static void
decide_later(void)
{
	lightgate_async *a = lightgate_async_new(lg);
	struct pollfd p = { .fd = lightgate_async_fd(a), .events = POLLIN };
	struct lightgate_question q = question();
	int n = 0;

	for (int i = 0; i < 4; i++)
		lightgate_async_decide(a, &q, done, &n);
	while (n < 4 && poll(&p, 1, 3000) > 0)
		lightgate_async_run(a);
	lightgate_async_free(a);
}

static struct way {
	const char *name;
	void (*go)(void);
	atomic_long times;
} ways[] = {
	{ "decide", decide, 0 }, { "batch", decide_many, 0 }, { "local", decide_here, 0 }, { "look", look, 0 }, { "verify", verify, 0 }, { "async", decide_later, 0 },
};

static void *
run(void *arg)
{
	struct way *w = arg;

	while (!atomic_load(&over)) {
		w->go();
		atomic_fetch_add(&w->times, 1);
	}
	return NULL;
}

int
main(int argc, char **argv)
{
	enum { WAYS = sizeof ways / sizeof ways[0], THREADS = 2 * WAYS };
	pthread_t threads[THREADS];
	char why[256];

	if (argc != 4 || (lg = lightgate_open(NULL, why, sizeof why)) == NULL) {
		fprintf(stderr, "%s\n", argc != 4 ? "client-threads SECONDS TOKEN AUDIENCE" : why);
		return 1;
	}
	token = argv[2];
	audience = argv[3];
	for (int i = 0; i < THREADS; i++)
		if (pthread_create(&threads[i], NULL, run, &ways[i % WAYS]) != 0)
			abort();
	nanosleep(&(struct timespec){ .tv_sec = atoi(argv[1]) }, NULL);
	atomic_store(&over, true);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < WAYS; i++)
		printf("%s %ld\n", ways[i].name, atomic_load(&ways[i].times));
	lightgate_close(lg);
	return 0;
}
