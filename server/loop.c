/* loop.c: epoll, a heap of timers, the mailbox and the hooks of a turn. */
#include "server/loop.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/linger.h"
#include "server/wait.h"

struct lg_loop {
	int ep;
	size_t index;
	atomic_bool stop;
	bool again, lingers;
	struct lg_linger linger;
	int64_t now;
	_Atomic uint64_t turns;
	struct lg_mailbox *mailbox;
	struct lg_watch mail;
	struct lg_note stop_note;
	struct lg_turn *hooks;
	struct lg_timer **heap;		/* from 1; the earliest first */
	size_t timers, heap_size;
	struct epoll_event events[LG_LOOP_EVENTS];
	int nevents;			/* of this turn, so that lg_watch_del can strike one out */
};

static _Thread_local struct lg_loop *self;
static atomic_size_t made;

struct lg_loop *
lg_loop_self(void)
{
	return self;
}

size_t
lg_loop_index(const struct lg_loop *l)
{
	return l->index;
}

struct lg_mailbox *
lg_loop_mailbox(struct lg_loop *l)
{
	return l->mailbox;
}

int64_t
lg_loop_now(const struct lg_loop *l)
{
	return l->now;
}

uint64_t
lg_loop_turns(const struct lg_loop *l)
{
	return atomic_load_explicit(&l->turns, memory_order_relaxed);
}

void
lg_loop_again(struct lg_loop *l)
{
	l->again = true;
}

void
lg_loop_linger(struct lg_loop *l)
{
	l->lingers = true;
}

/* ---- descriptors ------------------------------------------------------------------------------ */

lg_err
lg_watch_add(struct lg_ctx *cx, struct lg_loop *l, struct lg_watch *w, uint32_t events)
{
	struct epoll_event e = { .events = events, .data.ptr = w };

	if (epoll_ctl(l->ep, EPOLL_CTL_ADD, w->fd, &e) != 0)
		return lg_fail(cx, LG_E_IO, "epoll: cannot watch descriptor %d: %s", w->fd, strerror(errno));
	w->on = true;
	return LG_OK;
}

void
lg_watch_set(struct lg_loop *l, struct lg_watch *w, uint32_t events)
{
	struct epoll_event e = { .events = events, .data.ptr = w };

	epoll_ctl(l->ep, EPOLL_CTL_MOD, w->fd, &e);
}

void
lg_watch_del(struct lg_loop *l, struct lg_watch *w)
{
	if (!w->on)
		return;
	epoll_ctl(l->ep, EPOLL_CTL_DEL, w->fd, NULL);
	w->on = false;
	for (int i = 0; i < l->nevents; i++)
		if (l->events[i].data.ptr == w)
			l->events[i].data.ptr = NULL;
}

static void
mail_ready(struct lg_watch *w, uint32_t events)
{
	(void)events;
	lg_mailbox_drain(((struct lg_loop *)((char *)w - offsetof(struct lg_loop, mail)))->mailbox);
}

/* ---- timers: a binary heap that tells each timer where it stands --------------------------------- */

static void
heap_put(struct lg_loop *l, size_t at, struct lg_timer *t)
{
	l->heap[at] = t;
	t->at = at;
}

static void
heap_up(struct lg_loop *l, size_t at, struct lg_timer *t)
{
	for (; at > 1 && l->heap[at / 2]->due > t->due; at /= 2)
		heap_put(l, at, l->heap[at / 2]);
	heap_put(l, at, t);
}

static void
heap_down(struct lg_loop *l, size_t at, struct lg_timer *t)
{
	for (size_t child; (child = at * 2) <= l->timers; at = child) {
		if (child < l->timers && l->heap[child + 1]->due < l->heap[child]->due)
			child++;
		if (l->heap[child]->due >= t->due)
			break;
		heap_put(l, at, l->heap[child]);
	}
	heap_put(l, at, t);
}

void
lg_timer_unset(struct lg_loop *l, struct lg_timer *t)
{
	size_t at = t->at;
	struct lg_timer *last;

	if (at == 0)
		return;
	t->at = 0;
	last = l->heap[l->timers--];
	if (last == t)
		return;
	if (at > 1 && l->heap[at / 2]->due > last->due)
		heap_up(l, at, last);
	else
		heap_down(l, at, last);
}

void
lg_timer_set(struct lg_loop *l, struct lg_timer *t, int64_t after)
{
	lg_timer_unset(l, t);
	t->due = l->now + after;
	if (l->timers + 1 >= l->heap_size) {
		l->heap_size = l->heap_size == 0 ? 64 : l->heap_size * 2;
		l->heap = reallocarray(l->heap, l->heap_size, sizeof(struct lg_timer *));
		if (l->heap == NULL)
			abort();
	}
	l->timers++;
	heap_up(l, l->timers, t);
}

static void
run_timers(struct lg_loop *l)
{
	/* At most those that are set now: one that sets itself again waits for the next turn. */
	for (size_t n = l->timers; n > 0 && l->timers > 0 && l->heap[1]->due <= l->now; n--) {
		struct lg_timer *t = l->heap[1];

		lg_timer_unset(l, t);
		t->run(t);
	}
}

/* ---- hooks ---------------------------------------------------------------------------------------- */

void
lg_turn_add(struct lg_loop *l, struct lg_turn *t)
{
	struct lg_turn **at = &l->hooks;

	while (*at != NULL && (*at)->place <= t->place)
		at = &(*at)->next;
	t->next = *at;
	*at = t;
}

void
lg_turn_del(struct lg_loop *l, struct lg_turn *t)
{
	for (struct lg_turn **at = &l->hooks; *at != NULL; at = &(*at)->next)
		if (*at == t) {
			*at = t->next;
			return;
		}
}

static void
run_hooks(struct lg_loop *l)
{
	for (struct lg_turn *t = l->hooks; t != NULL; t = t->next)
		t->run(t);
}

/* ---- turning ----------------------------------------------------------------------------------------- */

/* Milliseconds for epoll_wait: rounded up, so that a timer is due when it returns. */
static int
patience(struct lg_loop *l)
{
	int64_t left;

	if (l->again)
		return 0;
	if (l->timers == 0)
		return -1;
	left = l->heap[1]->due - lg_boottime();
	if (left <= 0)
		return 0;
	return left > LG_HOUR ? (int)(LG_HOUR / 1000) : (int)((left + 999) / 1000);
}

static bool
look(void *arg)
{
	struct lg_loop *l = arg;

	l->nevents = epoll_wait(l->ep, l->events, LG_LOOP_EVENTS, 0);
	return l->nevents > 0;
}

static void
await(struct lg_loop *l)
{
	int time = patience(l);
	bool lingers = l->lingers && time != 0;

	l->lingers = false;
	if (lingers && lg_linger(&l->linger, look, l))
		return;
	l->nevents = epoll_wait(l->ep, l->events, LG_LOOP_EVENTS, time);
}

static void
turn(struct lg_loop *l)
{
	await(l);
	l->again = false;
	l->now = lg_boottime();
	for (int i = 0; i < l->nevents; i++) {
		struct lg_watch *w = l->events[i].data.ptr;

		if (w != NULL)
			w->ready(w, l->events[i].events);
	}
	l->nevents = 0;
	run_timers(l);
	run_hooks(l);
	atomic_fetch_add_explicit(&l->turns, 1, memory_order_relaxed);
}

void
lg_loop_run(struct lg_loop *l)
{
	self = l;
	l->now = lg_boottime();
	while (!atomic_load_explicit(&l->stop, memory_order_relaxed))
		turn(l);
	lg_mailbox_drain(l->mailbox);
	run_hooks(l);
	self = NULL;
}

/* Only wakes the loop: the flag has been set. */
static void
stop_run(struct lg_note *note)
{
	(void)note;
}

void
lg_loop_stop(struct lg_loop *l)
{
	if (!atomic_exchange(&l->stop, true))
		lg_mailbox_post(l->mailbox, &l->stop_note);
}

/* ---- calls from other threads --------------------------------------------------------------------------- */

struct call {
	struct lg_note note;
	void (*fn)(void *arg);
	void *arg;
	struct lg_waiter waiter;
};

static void
call_run(struct lg_note *note)
{
	struct call *c = (struct call *)note;

	c->fn(c->arg);
	lg_waiter_done(&c->waiter);
}

void
lg_loop_call(struct lg_loop *l, void (*fn)(void *arg), void *arg)
{
	struct call c = { .note.run = call_run, .fn = fn, .arg = arg };

	if (self == l) {
		fn(arg);
		return;
	}
	lg_waiter_init(&c.waiter);
	lg_mailbox_post(l->mailbox, &c.note);
	lg_waiter_wait(&c.waiter);
	lg_waiter_end(&c.waiter);
}

/* ---- life ------------------------------------------------------------------------------------------------- */

lg_err
lg_loop_new(struct lg_ctx *cx, struct lg_loop **ret)
{
	struct lg_loop *l;
	lg_err e;

	if (atomic_load(&made) >= LG_LOOPS)
		return lg_fail(cx, LG_E_LIMIT, "more than %d event loops", LG_LOOPS);
	l = calloc(1, sizeof *l);
	if (l == NULL)
		abort();
	l->index = atomic_fetch_add(&made, 1);
	l->now = lg_boottime();
	l->stop_note.run = stop_run;
	l->ep = epoll_create1(EPOLL_CLOEXEC);
	e = l->ep < 0 ? lg_fail(cx, LG_E_IO, "epoll: %s", strerror(errno)) : lg_mailbox_new(cx, &l->mailbox);
	if (e == LG_OK) {
		l->mail = (struct lg_watch){ .fd = lg_mailbox_fd(l->mailbox), .ready = mail_ready };
		e = lg_watch_add(cx, l, &l->mail, EPOLLIN);
	}
	if (e != LG_OK) {
		lg_loop_free(&l);
		return e;
	}
	*ret = l;
	return LG_OK;
}

void
lg_loop_free(struct lg_loop **l)
{
	if (*l == NULL)
		return;
	if ((*l)->ep >= 0)
		close((*l)->ep);
	lg_mailbox_free(&(*l)->mailbox);
	free((*l)->heap);
	free(*l);
	*l = NULL;
}
