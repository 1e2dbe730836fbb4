#include <criterion/criterion.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/clock.h"
#include "server/loop.h"

static void *
thread(void *loop)
{
	lg_loop_run(loop);
	return NULL;
}

static struct lg_loop *
make(void)
{
	struct lg_arena *a = lg_arena_new();
	struct lg_loop *l = NULL;
	struct lg_ctx cx;

	lg_ctx_init(&cx, a);
	cr_assert_eq(lg_loop_new(&cx, &l), LG_OK);
	lg_arena_free(&a);
	return l;
}

/* ---- timers ------------------------------------------------------------------------------------- */

static struct lg_loop *the_loop;
static int fired, order[16], nfired;

struct numbered {
	struct lg_timer t;
	int n;
};

static void
note_order(struct lg_timer *t)
{
	order[nfired++] = ((struct numbered *)t)->n;
	if (nfired == 5)
		lg_loop_stop(the_loop);
}

Test(loop, timers_run_in_the_order_in_which_they_are_due)
{
	static const int64_t due[5] = { 30000, 10000, 50000, 20000, 40000 };
	struct numbered t[5];

	the_loop = make();
	for (int i = 0; i < 5; i++) {
		t[i] = (struct numbered){ .t.run = note_order, .n = i };
		lg_timer_set(the_loop, &t[i].t, due[i]);
	}
	lg_loop_run(the_loop);
	cr_assert_arr_eq(order, ((int[]){ 1, 3, 0, 4, 2 }), sizeof(int) * 5);
	lg_loop_free(&the_loop);
}

Test(loop, the_heap_keeps_its_order_whatever_is_set_and_unset)
{
	enum { N = 500 };
	static struct lg_timer t[N];
	int64_t last = 0;

	the_loop = make();
	srand(7);
	for (int i = 0; i < 20000; i++) {
		struct lg_timer *one = &t[rand() % N];

		if (rand() % 3 == 0)
			lg_timer_unset(the_loop, one);
		else
			lg_timer_set(the_loop, one, rand() % 1000000);
	}
	for (;;) {
		struct lg_timer *first = NULL;

		for (int i = 0; i < N; i++)
			if (t[i].at == 1)
				first = &t[i];
		if (first == NULL)
			break;
		cr_assert_geq(first->due, last);
		last = first->due;
		lg_timer_unset(the_loop, first);
	}
	lg_loop_free(&the_loop);
}

static void
again(struct lg_timer *t)
{
	if (++fired == 3)
		lg_loop_stop(the_loop);
	lg_timer_set(the_loop, t, 0);
}

Test(loop, a_timer_may_set_itself_and_does_not_hold_the_loop)
{
	struct lg_timer t = { .run = again };

	the_loop = make();
	lg_timer_set(the_loop, &t, 0);
	lg_loop_run(the_loop);
	cr_assert_eq(fired, 3);
	lg_loop_free(&the_loop);
}

/* ---- the mailbox ---------------------------------------------------------------------------------- */

struct letter {
	struct lg_note note;
	int from, n;
};

static int seen[4], faults, total;

static void
receive(struct lg_note *note)
{
	struct letter *l = (struct letter *)note;

	if (l->n != seen[l->from]++ || lg_loop_self() != the_loop)
		faults++;
	total++;
	free(l);
}

static void *
sender(void *arg)
{
	for (int i = 0; i < 5000; i++) {
		struct letter *l = calloc(1, sizeof *l);

		*l = (struct letter){ .note.run = receive, .from = (int)(intptr_t)arg, .n = i };
		lg_mailbox_post(lg_loop_mailbox(the_loop), &l->note);
	}
	return NULL;
}

Test(loop, letters_of_one_thread_arrive_in_their_order_and_none_is_lost)
{
	pthread_t loop, senders[4];

	the_loop = make();
	pthread_create(&loop, NULL, thread, the_loop);
	for (intptr_t i = 0; i < 4; i++)
		pthread_create(&senders[i], NULL, sender, (void *)i);
	for (int i = 0; i < 4; i++)
		pthread_join(senders[i], NULL);
	lg_loop_stop(the_loop);
	pthread_join(loop, NULL);
	cr_assert_eq(faults, 0);
	cr_assert_eq(total, 20000);
	lg_loop_free(&the_loop);
}

static void
on_loop(void *arg)
{
	*(bool *)arg = lg_loop_self() == the_loop;
}

Test(loop, a_call_runs_there_and_is_waited_for)
{
	pthread_t loop;
	bool there = false;

	the_loop = make();
	cr_assert_null(lg_loop_self());
	pthread_create(&loop, NULL, thread, the_loop);
	lg_loop_call(the_loop, on_loop, &there);
	cr_assert(there);
	lg_loop_stop(the_loop);
	lg_loop_stop(the_loop);
	pthread_join(loop, NULL);
	lg_loop_free(&the_loop);
}

/* ---- descriptors and hooks --------------------------------------------------------------------------- */

static struct lg_watch first, second;
static int calls;

static void
kills_the_other(struct lg_watch *w, uint32_t events)
{
	(void)events;
	calls++;
	lg_watch_del(the_loop, w == &first ? &second : &first);
	lg_watch_del(the_loop, w);
	lg_loop_stop(the_loop);
}

Test(loop, what_was_removed_in_a_turn_is_not_reported_any_more)
{
	int a[2], b[2];
	struct lg_arena *arena = lg_arena_new();
	struct lg_ctx cx;

	lg_ctx_init(&cx, arena);
	the_loop = make();
	cr_assert_eq(pipe(a), 0);
	cr_assert_eq(pipe(b), 0);
	cr_assert_eq(write(a[1], "x", 1), 1);
	cr_assert_eq(write(b[1], "x", 1), 1);
	first = (struct lg_watch){ .fd = a[0], .ready = kills_the_other };
	second = (struct lg_watch){ .fd = b[0], .ready = kills_the_other };
	cr_assert_eq(lg_watch_add(&cx, the_loop, &first, EPOLLIN), LG_OK);
	cr_assert_eq(lg_watch_add(&cx, the_loop, &second, EPOLLIN), LG_OK);
	lg_loop_run(the_loop);
	cr_assert_eq(calls, 1);
	lg_loop_free(&the_loop);
	lg_arena_free(&arena);
}

static enum lg_turn_place places[8];
static int nplaces;

static void
note_place(struct lg_turn *t)
{
	if (nplaces < 8)
		places[nplaces++] = t->place;
	lg_loop_stop(the_loop);
	lg_loop_again(the_loop);
}

Test(loop, hooks_run_by_their_places)
{
	struct lg_turn clean = { .run = note_place, .place = LG_TURN_CLEAN }, serve = { .run = note_place, .place = LG_TURN_SERVE },
	    send = { .run = note_place, .place = LG_TURN_SEND };

	the_loop = make();
	lg_turn_add(the_loop, &clean);
	lg_turn_add(the_loop, &serve);
	lg_turn_add(the_loop, &send);
	lg_loop_again(the_loop);
	lg_loop_run(the_loop);
	cr_assert_eq(places[0], LG_TURN_SERVE);
	cr_assert_eq(places[1], LG_TURN_SEND);
	cr_assert_eq(places[2], LG_TURN_CLEAN);
	lg_loop_free(&the_loop);
}

/* ---- lingering -------------------------------------------------------------------------------------- */

static int pings[2], heard;

static void
hear(struct lg_watch *w, uint32_t events)
{
	char c;

	(void)events;
	heard += read(w->fd, &c, 1) == 1;
	lg_loop_linger(the_loop);
	if (heard == 300)
		lg_loop_stop(the_loop);
}

static void
ping_again(struct lg_timer *t)
{
	lg_loop_linger(the_loop);
	cr_assert_eq(write(pings[1], "x", 1), 1);
	lg_timer_set(the_loop, t, 1000);
}

static void *
ping(void *arg)
{
	(void)arg;
	for (int i = 0; i < 200; i++) {
		cr_assert_eq(write(pings[1], "x", 1), 1);
		usleep((useconds_t)(i % 7) * 20);
	}
	return NULL;
}

Test(loop, what_comes_while_it_lingers_or_sleeps_is_heard)
{
	struct lg_timer timer = { .run = ping_again };
	struct lg_watch watch = { .ready = hear };
	struct lg_ctx cx;
	pthread_t other;

	lg_ctx_init(&cx, lg_arena_new());
	the_loop = make();
	cr_assert_eq(pipe(pings), 0);
	watch.fd = pings[0];
	cr_assert_eq(lg_watch_add(&cx, the_loop, &watch, EPOLLIN), LG_OK);
	lg_timer_set(the_loop, &timer, 0);
	pthread_create(&other, NULL, ping, NULL);
	lg_loop_run(the_loop);
	pthread_join(other, NULL);
	cr_assert_eq(heard, 300);
	lg_arena_free(&cx.arena);
	lg_loop_free(&the_loop);
}
