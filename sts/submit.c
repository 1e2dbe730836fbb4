/* submit.c: a mutation in the middle of a request on a loop: handed to the store, resumed by the loop's mailbox. */
#include "sts/sts.h"

struct waiting {
	struct lg_job job;
	struct sts_rq *rq;
	lg_mutation *run;
	sts_finish *finish;
	void *arg;
};

static lg_err
run(struct lg_ctx *cx, struct lg_view *v, struct lg_job *job)
{
	struct waiting *w = (struct waiting *)job;

	return w->run(cx, v, w->arg);
}

static void
resume(struct lg_note *note)
{
	struct waiting *w = (struct waiting *)note;
	lg_err e = w->job.result;

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

	_Static_assert(offsetof(struct waiting, job) == 0 && offsetof(struct lg_job, note) == 0, "note and job are the front");
	*w = (struct waiting){ .rq = rq, .run = mutation, .finish = finish, .arg = arg };
	w->job = (struct lg_job){
		.note = { .run = resume }, .run = run, .reply = rq->sts->ports.mailbox(rq->sts->ports.self), .cx = rq->cx,
		.tenant = rq->tenant_id, .operation = operation,
	};
	LG_TRY(lg_store_submit(rq->sts->store, &w->job));
	return LG_PENDING;
}
