/* submit.c: a mutation in the middle of a request on a loop: handed to the store, resumed by the loop's mailbox. */
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
