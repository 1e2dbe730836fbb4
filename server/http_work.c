/*
 * http_work.c: where a handler runs, and how its answer comes back to the loop.
 *
 *	on the loop	at once; may give its exchange away and answer later
 *	on a core	one of as many threads as there are cores, for what computes and waits for nobody; likewise
 *	on a worker	one of many, for what waits; likewise
 *
 * Many workers computing at once would only take the cores from each other and from the loops.
 */
#include "base/clock.h"
#include "server/http_impl.h"

/* Set by lg_http_may_block for the handler that this thread is running: the exchange itself may be somebody else's by now. */
static _Thread_local bool wants_worker;

/* ---- back on the loop ---------------------------------------------------------------------------------- */

void
http_settle(struct http_x *x, lg_err e)
{
	x->stage = STAGE_DONE;
	if (e != LG_OK && x->ex.status == 0) {
		lg_buf_clear(&x->ex.out);
		lg_problem(&x->ex, e);
	}
}

static void
resume(struct http_x *x)
{
	x->suspended = false;
	x->conn->daemon->waiting--;
	MHD_resume_connection(x->mhd);
	http_daemon_due(x->conn->daemon);
}

static void worker_free(struct http_x *x);

static void
answer(struct http_x *x, lg_err e)
{
	http_settle(x, e);
	http_reply(x);
	resume(x);
	if (x->works)
		worker_free(x);
}

static struct http_x *
of_note(struct lg_note *note)
{
	return (struct http_x *)((char *)note - offsetof(struct http_x, note));
}

static void
post(struct http_x *x, void (*run)(struct lg_note *))
{
	x->note.run = run;
	lg_mailbox_post(lg_loop_mailbox(x->conn->daemon->hl->loop), &x->note);
}

static void
back(struct lg_note *note)
{
	struct http_x *x = of_note(note);

	answer(x, x->result);
}

/* The handler's late verdict, here or on another thread. */
static void
done(struct lg_http *ex, lg_err e)
{
	struct http_x *x = ex->server;

	if (lg_loop_self() != x->conn->daemon->hl->loop) {
		x->result = e;
		post(x, back);
	} else if (x->suspended) {
		answer(x, e);
	} else {
		http_settle(x, e);	/* before its handler returned: http_on_request goes on */
	}
}

/* ---- workers ------------------------------------------------------------------------------------------------ */

static void worker_next(struct http_loop *hl, struct http_kind *k);

/* What a handler gave away counts as its component's until it is answered. */
static void
worker_free(struct http_x *x)
{
	struct http_loop *hl = x->conn->daemon->hl;
	struct http_kind *k = &hl->kind[x->match.bound->kind];

	x->works = false;
	k->running--;
	worker_next(hl, k);
}

static lg_err
may_block_here(struct lg_http *ex)
{
	(void)ex;
	return LG_OK;
}

static void
turn_over(struct http_loop *hl)
{
	const struct lg_http_options *o = &hl->hs->o;

	if (o->after_work != NULL)
		o->after_work(o->after_arg);
}

static void
worker_run(void *arg)
{
	struct http_x *x = arg;
	struct http_loop *hl = x->conn->daemon->hl;
	lg_err e;

	x->ex.may_block = may_block_here;
	e = x->match.bound->route->run(x->match.bound->self, &x->ex);
	turn_over(hl);
	if (e != LG_PENDING) {		/* else it is no longer ours */
		x->result = e;
		post(x, back);
	}
}

static lg_err
worker_submit(struct http_x *x, struct http_kind *k)
{
	struct lg_pool *workers = x->conn->daemon->hl->hs->o.workers;

	if (workers == NULL || lg_pool_submit(workers, worker_run, x) != LG_OK)
		return lg_fail(&x->cx, LG_E_BUSY, "all workers are busy");
	x->works = true;
	k->running++;
	return LG_PENDING;
}

/* A loop's part of what one component may hold. */
static unsigned
worker_share(const struct lg_http_server *hs)
{
	unsigned part = hs->o.share / (unsigned)hs->nloops;

	return hs->o.share == 0 ? UINT32_MAX : part == 0 ? 1 : part;
}

static void
worker_next(struct http_loop *hl, struct http_kind *k)
{
	while (k->first != NULL && k->running < worker_share(hl->hs)) {
		struct http_x *x = k->first;

		k->first = x->next;
		if (k->first == NULL)
			k->last = &k->first;
		if (worker_submit(x, k) != LG_PENDING)
			answer(x, LG_E_BUSY);
	}
}

static lg_err
run_on_worker(struct http_x *x)
{
	struct http_loop *hl = x->conn->daemon->hl;
	struct http_kind *k = &hl->kind[x->match.bound->kind];

	if (k->running < worker_share(hl->hs))
		return worker_submit(x, k);
	x->next = NULL;
	*k->last = x;
	k->last = &x->next;
	return LG_PENDING;
}

/* ---- loops and cores ---------------------------------------------------------------------------------------------- */

static lg_err
may_block_elsewhere(struct lg_http *ex)
{
	(void)ex;
	wants_worker = true;
	return LG_PENDING;
}

/* Runs the handler on this thread; *moves: it wants to be run again on a worker, and the exchange is as it was. */
static lg_err
run_here(struct http_x *x, bool *moves)
{
	const struct lg_bound_route *b = x->match.bound;
	lg_err e;

	wants_worker = false;
	x->ex.may_block = may_block_elsewhere;
	e = b->route->run(b->self, &x->ex);
	*moves = e == LG_PENDING && wants_worker;
	if (*moves) {
		lg_buf_clear(&x->ex.out);
		x->ex.status = 0;
		x->ex.nheaders = 0;
	}
	return e;
}

static void
core_moves(struct lg_note *note)
{
	struct http_x *x = of_note(note);

	if (run_on_worker(x) != LG_PENDING)
		answer(x, LG_E_BUSY);
}

static void
core_run(void *arg)
{
	struct http_x *x = arg;
	struct http_loop *hl = x->conn->daemon->hl;
	bool moves;
	lg_err e = run_here(x, &moves);

	turn_over(hl);
	if (moves) {
		post(x, core_moves);
	} else if (e != LG_PENDING) {	/* else it is no longer ours */
		x->result = e;
		post(x, back);
	}
}

static lg_err
run_on_core(struct http_x *x)
{
	struct lg_pool *cores = x->conn->daemon->hl->hs->o.cores;

	if (cores == NULL || lg_pool_submit(cores, core_run, x) != LG_OK)
		return lg_fail(&x->cx, LG_E_BUSY, "all cores are busy");
	return LG_PENDING;
}

lg_err
http_work(struct http_x *x, enum lg_where where)
{
	bool moves;
	lg_err e;

	x->ex.done = done;
	if (where == LG_ON_WORKER)
		return run_on_worker(x);
	if (where == LG_ON_CORE)
		return run_on_core(x);
	e = run_here(x, &moves);
	return moves ? run_on_worker(x) : e;
}
