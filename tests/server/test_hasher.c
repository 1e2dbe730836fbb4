#include <criterion/criterion.h>
#include <pthread.h>
#include <unistd.h>

#include "base/clock.h"
#include "server/hasher.h"
#include "server/loop.h"

static const struct lg_password_cost cheap = { .passes = 1, .kib = 64, .lanes = 1 };

struct world {
	struct lg_ctx cx;
	struct lg_hash_threads *ht;
	struct lg_hasher h;
	struct lg_secret right, wrong;
	lg_str stored;
};

static void
begin(struct world *w, const struct lg_password_cost *cost)
{
	lg_ctx_init(&w->cx, lg_arena_new());
	cr_assert_eq(lg_hash_threads_new(&w->cx, 2, cost, true, &w->ht), LG_OK);
	lg_hash_threads_port(w->ht, &w->h);
	w->right = lg_secret_copy(LG_STR("right"));
	w->wrong = lg_secret_copy(LG_STR("wrong"));
}

static void
end(struct world *w)
{
	lg_hash_threads_free(&w->ht);
	lg_secret_free(&w->right);
	lg_secret_free(&w->wrong);
	lg_arena_free(&w->cx.arena);
}

/* What is made is the verifier, and SCRAM's in a second line, which the directory takes apart. */
static lg_str
verifier(lg_str stored)
{
	lg_str first, scram;

	cr_assert(lg_str_cut(stored, '\n', &first, &scram) && lg_str_starts(scram, LG_STR("{SCRAM-SHA-256}")), "%.*s", LG_FMT(stored));
	return first;
}

Test(hasher, a_worker_hashes_and_verifies)
{
	struct world w;
	bool match, upgrade;
	lg_str stored;

	begin(&w, &cheap);
	cr_assert_eq(w.h.hash_wait(w.h.self, &w.cx, &w.right, &stored), LG_OK, "%s", w.cx.error);
	stored = verifier(stored);
	cr_assert_eq(w.h.verify_wait(w.h.self, &w.cx, stored, &w.right, &match, &upgrade), LG_OK);
	cr_assert(match && !upgrade);
	cr_assert_eq(w.h.verify_wait(w.h.self, &w.cx, stored, &w.wrong, &match, &upgrade), LG_OK);
	cr_assert_not(match);
	cr_assert_eq(w.h.verify_wait(w.h.self, &w.cx, LG_NONE, &w.right, &match, &upgrade), LG_OK);
	cr_assert_not(match, "nobody has a password");
	end(&w);
}

Test(hasher, a_password_that_was_used_before_is_not_hashed)
{
	struct world w;
	lg_str used[2] = { LG_STR("{SHA}of no known length"), LG_NONE }, stored;

	begin(&w, &cheap);
	cr_assert_eq(w.h.hash_wait(w.h.self, &w.cx, &w.right, &used[1]), LG_OK);
	used[1] = verifier(used[1]);
	cr_assert_eq(w.h.renew_wait(w.h.self, &w.cx, used, 2, &w.right, &stored), LG_E_EXISTS);
	cr_assert_eq(w.h.renew_wait(w.h.self, &w.cx, used, 2, &w.wrong, &stored), LG_OK, "%s", w.cx.error);
	end(&w);
}

/* ---- on a loop -------------------------------------------------------------------------------------- */

static struct lg_loop *loop;
static int answers, matches, busy;
static struct world *world;

static void
verified(void *arg, lg_err e, bool match, bool upgrade)
{
	(void)arg, (void)upgrade;
	cr_assert_eq(e, LG_OK);
	cr_assert_eq(lg_loop_self(), loop);
	matches += match;
	__atomic_fetch_add(&answers, 1, __ATOMIC_SEQ_CST);
}

static void
made(void *arg, lg_err e, lg_str stored)
{
	struct world *w = arg;

	cr_assert_eq(e, LG_OK);
	stored = verifier(stored);
	cr_assert_eq(w->h.verify(w->h.self, stored, &w->right, verified, NULL), LG_OK);
	cr_assert_eq(w->h.verify(w->h.self, stored, &w->wrong, verified, NULL), LG_OK);
}

static void
ask(void *arg)
{
	(void)arg;
	cr_assert_eq(world->h.hash(world->h.self, &world->right, made, world), LG_OK);
}

static void
ask_too_much(void *arg)
{
	(void)arg;
	for (int i = 0; i < LG_HASHER_QUEUE * 2; i++)
		if (world->h.verify(world->h.self, LG_NONE, &world->right, verified, NULL) == LG_E_BUSY)
			busy++;
}

static void *
run(void *arg)
{
	lg_loop_run(arg);
	return NULL;
}

static void
on_loop(void (*fn)(void *), int want)
{
	pthread_t t;

	cr_assert_eq(lg_loop_new(&world->cx, &loop), LG_OK);
	pthread_create(&t, NULL, run, loop);
	lg_loop_call(loop, fn, NULL);
	for (int i = 0; i < 1000 && __atomic_load_n(&answers, __ATOMIC_SEQ_CST) < want - busy; i++)
		usleep(10000);
	lg_loop_stop(loop);
	pthread_join(t, NULL);
}

Test(hasher, a_loop_is_answered_on_its_own_thread)
{
	struct world w;

	world = &w;
	begin(&w, &cheap);
	on_loop(ask, 2);
	cr_assert_eq(answers, 2);
	cr_assert_eq(matches, 1);
	end(&w);
	lg_loop_free(&loop);
}

Test(hasher, a_digest_is_compared_at_once_and_nothing_else)
{
	struct world w;
	bool match = false, upgrade = false;
	lg_str stored;

	begin(&w, &cheap);
	cr_assert(w.h.verify_now(w.h.self, &w.cx, LG_STR("{SSHA}Q0dAUNYieUEh8DjAxxd1rE959TVzYWx0"), &w.right, &match, &upgrade));
	cr_assert(match && upgrade);
	cr_assert(w.h.verify_now(w.h.self, &w.cx, LG_STR("{SSHA}Q0dAUNYieUEh8DjAxxd1rE959TVzYWx0"), &w.wrong, &match, &upgrade));
	cr_assert_not(match);
	cr_assert(w.h.verify_now(w.h.self, &w.cx, LG_STR("{SSHA}!"), &w.right, &match, &upgrade));
	cr_assert_not(match);
	cr_assert_eq(w.h.hash_wait(w.h.self, &w.cx, &w.right, &stored), LG_OK);
	stored = verifier(stored);
	cr_assert_not(w.h.verify_now(w.h.self, &w.cx, stored, &w.right, &match, &upgrade));
	cr_assert_not(w.h.verify_now(w.h.self, &w.cx, LG_NONE, &w.right, &match, &upgrade), "nobody costs what a wrong password costs");
	end(&w);
}

Test(hasher, old_forms_stay_where_they_are_to_stay)
{
	struct world w;
	bool match, upgrade;

	begin(&w, &cheap);
	cr_assert_eq(w.h.verify_wait(w.h.self, &w.cx, LG_STR("{SSHA}Q0dAUNYieUEh8DjAxxd1rE959TVzYWx0"), &w.right, &match, &upgrade), LG_OK);
	cr_assert(match && upgrade);
	lg_hash_threads_free(&w.ht);
	cr_assert_eq(lg_hash_threads_new(&w.cx, 2, &cheap, false, &w.ht), LG_OK);
	lg_hash_threads_port(w.ht, &w.h);
	cr_assert_eq(w.h.verify_wait(w.h.self, &w.cx, LG_STR("{SSHA}Q0dAUNYieUEh8DjAxxd1rE959TVzYWx0"), &w.right, &match, &upgrade), LG_OK);
	cr_assert(match && !upgrade);
	end(&w);
}

Test(hasher, beyond_its_queue_it_is_busy_at_once)
{
	struct world w;

	world = &w;
	begin(&w, &cheap);
	on_loop(ask_too_much, LG_HASHER_QUEUE * 2);
	cr_assert_eq(answers + busy, LG_HASHER_QUEUE * 2);
	cr_assert_gt(busy, 0);
	end(&w);
	lg_loop_free(&loop);
}
