/*
 * loop.h: the one event loop of the service, one thread a core.
 *
 * A turn: wait, run the callbacks of what is ready, run due timers, then the turn's hooks (send what was asked of the keeper,
 * give snapshots back, write LDAP replies), in the order of their places.  Everything of a loop is touched by its own
 * thread only; other threads post to its mailbox.  Callbacks run to completion and never block.
 */
#ifndef LG_SERVER_LOOP_H
#define LG_SERVER_LOOP_H

#include "base/mailbox.h"
#include "lightgate/base.h"

#define LG_LOOPS	64		/* at most, in one process */
#define LG_LOOP_EVENTS	256		/* taken by one epoll_wait */

struct lg_loop;

/* One watched descriptor; embedded in what it serves. */
struct lg_watch {
	int fd;
	void (*ready)(struct lg_watch *w, uint32_t events);	/* EPOLLIN, EPOLLOUT, EPOLLHUP, EPOLLERR: level-triggered */
	bool on;			/* the loop's own */
};

/* One timer; embedded likewise.  Zeroed is unset. */
struct lg_timer {
	void (*run)(struct lg_timer *t);
	int64_t due;			/* microseconds of CLOCK_BOOTTIME */
	size_t at;			/* the loop's own: place in its heap, from 1; 0 is unset */
};

/* What is done at the end of every turn, and when: what makes requests of others comes before what sends them. */
enum lg_turn_place { LG_TURN_SERVE, LG_TURN_SEND, LG_TURN_CLEAN };

struct lg_turn {
	void (*run)(struct lg_turn *t);	/* must not remove hooks */
	enum lg_turn_place place;
	struct lg_turn *next;		/* the loop's own */
};

LG_CHECKED lg_err lg_loop_new(struct lg_ctx *cx, struct lg_loop **ret);
void lg_loop_free(struct lg_loop **l);			/* after its thread has returned; safe on NULL */
/* Turns on the calling thread until lg_loop_stop.  What is in the mailbox then is still run. */
void lg_loop_run(struct lg_loop *l);
void lg_loop_stop(struct lg_loop *l);			/* from any thread */
struct lg_loop *lg_loop_self(void);			/* the calling thread's, NULL on others */
size_t lg_loop_index(const struct lg_loop *l);		/* 0, 1, ...: in the order of their making */
struct lg_mailbox *lg_loop_mailbox(struct lg_loop *l);	/* any thread may post; notes run on the loop in the order posted */

/* Runs fn on the loop and waits for it: from threads that may block.  The loop must be turning. */
void lg_loop_call(struct lg_loop *l, void (*fn)(void *arg), void *arg);

/* The rest: on the loop's thread, or before it runs. */

LG_CHECKED lg_err lg_watch_add(struct lg_ctx *cx, struct lg_loop *l, struct lg_watch *w, uint32_t events);
void lg_watch_set(struct lg_loop *l, struct lg_watch *w, uint32_t events);
/* Nothing is reported for w any more, not even what this turn has already found.  Call it before closing the descriptor. */
void lg_watch_del(struct lg_loop *l, struct lg_watch *w);

void lg_timer_set(struct lg_loop *l, struct lg_timer *t, int64_t after);	/* microseconds from now; sets again if set */
void lg_timer_unset(struct lg_loop *l, struct lg_timer *t);

void lg_turn_add(struct lg_loop *l, struct lg_turn *t);
void lg_turn_del(struct lg_loop *l, struct lg_turn *t);
/* From a hook or callback: do not wait before the next turn, there is more to do. */
void lg_loop_again(struct lg_loop *l);
/* From the same: somebody on this machine was answered, who may ask on at once (base/linger.h). */
void lg_loop_linger(struct lg_loop *l);

/* CLOCK_BOOTTIME in microseconds, read once a turn: good enough for deadlines. */
int64_t lg_loop_now(const struct lg_loop *l);
uint64_t lg_loop_turns(const struct lg_loop *l);	/* since its start; any thread: metrics, watchdogs */

#endif
