/*
 * keeper_between.c: a signature between two mutations.
 *
 *	worker	submits the first mutation and sleeps; a core only submits it
 *	loop	hears that it is durable, with all others of its batch, and asks the keeper for all of them in one write
 *	loop	hears from the keeper, looks at the certificate and submits the second mutation
 *	writer	says that this is durable, too, and wakes the worker
 *	loop	hears it instead where nobody sleeps, with all others of its batch, and calls back
 *
 * The context of whoever asks goes with the work: whoever runs a step has it to itself.
 */
#include <stdatomic.h>
#include <stdlib.h>

#include "base/clock.h"
#include "server/keeper_link.h"
#include "server/wait.h"

#define TRIES 3			/* of a mutation that another node's came before */

enum stage { STORING, ASKED };

struct flow {
	struct lg_keeper_link *kl;
	struct lg_store *store;
	struct lg_between *b;
	struct lg_ctx *cx;
	void (*done)(struct lg_between *b, lg_err e);	/* NULL: a worker sleeps */
	struct lg_waiter waiter;	/* its lock guards stage and given_up */
	atomic_int holders;		/* a worker that sleeps, and the chain; who comes last frees it */
	enum stage stage;
	bool given_up;			/* cx and b are no longer there */
	int tries;
	lg_err e;
};

static void
drop(struct flow *f)
{
	if (atomic_fetch_sub(&f->holders, 1) > 1)
		return;
	lg_waiter_end(&f->waiter);
	free(f);
}

static void
finish(struct flow *f, lg_err e)
{
	void (*done)(struct lg_between *, lg_err) = f->done;
	struct lg_between *b = f->b;

	f->e = e;
	if (done == NULL)
		lg_waiter_done(&f->waiter);
	drop(f);
	if (done != NULL)
		done(b, e);
}

static void
submit(struct flow *f, struct lg_job *job)
{
	lg_err e = lg_store_submit(f->store, job);

	if (e != LG_OK)
		finish(f, lg_fail(f->cx, e, e == LG_E_BUSY ? "too many changes wait" : "the store is closing"));
}

/* True when the job has succeeded; otherwise it was submitted again, or all is over. */
static bool
succeeded(struct flow *f, struct lg_job *job)
{
	if (job->result == LG_OK)
		return true;
	if (job->result == LG_E_RETRY && f->tries++ < TRIES)
		submit(f, job);
	else
		finish(f, job->result);
	return false;
}

/* ---- the steps, last to first -------------------------------------------------------------------------- */

static void
stored_after(struct lg_note *note)
{
	struct lg_between *b = (struct lg_between *)(void *)((char *)note - offsetof(struct lg_between, after.note));
	struct flow *f = b->owner;

	if (succeeded(f, &f->b->after))
		finish(f, LG_OK);
}

static void
signed_between(void *arg, lg_err e, lg_str reply)
{
	struct flow *f = arg;
	bool given_up;

	pthread_mutex_lock(&f->waiter.lock);
	given_up = f->given_up;
	f->stage = STORING;
	pthread_mutex_unlock(&f->waiter.lock);
	if (given_up) {
		drop(f);
		return;
	}
	if (e != LG_OK)
		lg_fail(f->cx, e, "keeper: %.*s", LG_FMT(reply));
	else
		e = f->b->take(f->b->arg, f->cx, reply);
	f->tries = 0;
	if (e == LG_OK)
		submit(f, &f->b->after);
	else
		finish(f, e);
}

static void
stored_before(struct lg_note *note)
{
	struct lg_between *b = (struct lg_between *)(void *)((char *)note - offsetof(struct lg_between, before.note));
	struct flow *f = b->owner;
	struct lg_keeper *k = lg_keeper_link_channel(f->kl);
	lg_err e;

	if (!succeeded(f, &b->before))
		return;
	pthread_mutex_lock(&f->waiter.lock);
	f->stage = ASKED;
	pthread_mutex_unlock(&f->waiter.lock);
	e = k == NULL ? LG_E_UNAVAILABLE : lg_keeper_certificate(k, b->tenant, b->tbs, signed_between, f);
	if (e != LG_OK)
		finish(f, lg_fail(f->cx, e, e == LG_E_UNAVAILABLE ? "keeper: the keeper is away" : "keeper: too much is asked of the keeper"));
}

/* ---- the worker --------------------------------------------------------------------------------------------- */

/* The store always answers; the keeper may not. */
static bool
wait_or_give_up(struct flow *f)
{
	while (!lg_waiter_wait_for(&f->waiter, LG_KEEPER_PATIENCE)) {
		pthread_mutex_lock(&f->waiter.lock);
		f->given_up = f->stage == ASKED;
		pthread_mutex_unlock(&f->waiter.lock);
		if (f->given_up)
			return false;
	}
	return true;
}

static void
prepare(struct flow *f, struct lg_job *job, struct lg_mailbox *reply, void (*run)(struct lg_note *))
{
	job->cx = f->cx;
	job->tenant = f->b->tenant;
	job->reply = reply;
	job->note.run = run;
}

lg_err
lg_keeper_between(struct lg_keeper_link *kl, struct lg_store *st, struct lg_ctx *cx, struct lg_between *b)
{
	struct flow *f = calloc(1, sizeof *f);
	struct lg_mailbox *loop;
	lg_err e = LG_E_UNAVAILABLE;
	bool sleeps;

	if (f == NULL)
		abort();
	*f = (struct flow){ .kl = kl, .store = st, .b = b, .cx = cx, .done = b->done };
	b->owner = f;
	lg_waiter_init(&f->waiter);
	sleeps = b->done == NULL;
	atomic_init(&f->holders, sleeps ? 2 : 1);
	loop = lg_loop_mailbox(lg_keeper_link_loop(kl));
	prepare(f, &b->before, loop, stored_before);
	prepare(f, &b->after, sleeps ? NULL : loop, stored_after);
	submit(f, &b->before);
	if (!sleeps)
		return LG_PENDING;		/* f, b and cx are the chain's */
	if (wait_or_give_up(f))
		e = f->e;
	else
		lg_fail(cx, e, "the keeper does not answer");
	drop(f);
	lg_store_turn(st);
	return e;
}
