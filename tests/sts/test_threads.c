/* What all threads share: the token caches, the throttle, the used assertions. */
#include <pthread.h>

#include "tests/sts/kit.h"

TestSuite(threads, .init = kit_start, .fini = kit_end);

#define THREADS	4
#define ROUNDS	200

struct worker {
	pthread_t thread;
	lg_str token[2];
	unsigned good, bad, waits;
};

static void
one_round(struct worker *w, struct lg_ctx *cx, int i)
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;
	struct lg_sts_bearer b;
	const struct sts_attempt at = { .tenant = TENANT, .address = LG_STR("10.0.0.1:1"), .account = lg_print(cx->arena, "account%d", i % 3) };

	if (lg_view_begin(cx, kit.store, &v) != LG_OK)
		return;
	if (lg_sts_token_check(cx, kit.sts, v, TENANT, w->token[i % 2], LG_STR(ISSUER "/v1"), LG_NONE, &b) == LG_OK)
		w->good++;
	else
		w->bad++;
	if (sts_throttle_enter(cx, kit.sts->throttle, &at) == LG_E_LIMIT)
		w->waits++;
	else
		sts_throttle_good(cx, kit.sts->throttle, &at);
}

static void *
work(void *arg)
{
	struct lg_arena *arena = lg_arena_new();
	struct worker *w = arg;
	struct lg_ctx cx;

	for (int i = 0; i < ROUNDS; i++) {
		lg_arena_reset(arena);
		lg_ctx_init(&cx, arena);
		one_round(w, &cx, i);
		lg_store_turn(kit.store);
	}
	lg_arena_free(&arena);
	return NULL;
}

Test(threads, check_tokens_and_count_attempts_together)
{
	struct worker w[THREADS] = { { .good = 0 } };
	lg_str good = kit_token("at+jwt", kit_c(kit_claims(""))), other = kit_token("at+jwt", kit_c(kit_claims("\"iss2\":1,")));

	for (size_t i = 0; i < THREADS; i++) {
		w[i].token[0] = good;
		w[i].token[1] = other;
		cr_assert_eq(pthread_create(&w[i].thread, NULL, work, &w[i]), 0);
	}
	for (size_t i = 0; i < THREADS; i++) {
		(void)pthread_join(w[i].thread, NULL);
		cr_assert_eq(w[i].good, ROUNDS);
		cr_assert_eq(w[i].bad, 0);
	}
}
