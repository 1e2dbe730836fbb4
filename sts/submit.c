/*
 * submit.c: a mutation in the middle of a request on a loop: handed to the store, resumed by the loop's mailbox.  The request waits for it,
 * or goes on beside it: then the mutation, which runs on the writer's thread, has a context and memory of its own.
 */
#include "sts/sts.h"

struct waiting {
	struct sts_rq *rq;
	lg_mutation *run;
	sts_finish *finish;
	void *arg;
};

static lg_err
run(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	struct waiting *w = arg;

	return w->run(cx, v, w->arg);
}

static void
resume(void *arg, lg_err e)
{
	struct waiting *w = arg;

	if (e == LG_OK)
		e = w->finish(w->rq, w->arg);
	if (e == LG_PENDING)
		return;
	if (e != LG_OK)
		(void)sts_answer_error(w->rq, e);
	lg_http_done(w->rq->ex);
}

lg_err
sts_submit(struct sts_rq *rq, const char *operation, lg_mutation *mutation, sts_finish *finish, void *arg)
{
	struct waiting *w = LG_NEW(rq->cx->arena, struct waiting);

	*w = (struct waiting){ .rq = rq, .run = mutation, .finish = finish, .arg = arg };
	return lg_store_later(rq->cx, rq->sts->store, rq->tenant_id, operation, run, resume, w, rq->sts->ports.mailbox(rq->sts->ports.self));
}

/* ---- beside the request ---------------------------------------------------------------------------------------------- */

struct beside {
	struct sts_rq *rq;
	struct lg_ctx cx;
	lg_mutation *run;
	sts_stored *stored;
	void *arg;
};

static lg_err
run_beside(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	struct beside *b = arg;

	cx->arena = lg_view_arena(v);
	return b->run(cx, v, b->rq);
}

static void
stored_beside(void *arg, lg_err e)
{
	struct beside *b = arg;

	b->stored(b->rq, b->arg, e == LG_OK ? LG_OK : lg_fail(b->rq->cx, e, "%s", b->cx.error));
}

lg_err
sts_submit_beside(struct sts_rq *rq, const char *operation, lg_mutation *mutation, sts_stored *done, void *arg)
{
	struct beside *b = LG_NEW(rq->cx->arena, struct beside);

	*b = (struct beside){ .rq = rq, .cx = *rq->cx, .run = mutation, .stored = done, .arg = arg };
	return lg_store_later(&b->cx, rq->sts->store, rq->tenant_id, operation, run_beside, stored_beside, b,
	    rq->sts->ports.mailbox(rq->sts->ports.self));
}
