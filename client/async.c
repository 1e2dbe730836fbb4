/* async.c: decisions for programs that do not wait. */
#include <stdlib.h>
#include <sys/stat.h>

#include "client/handle.h"

/* One question under way. */
struct asked {
	struct lightgate_async *a;
	struct asked *next;		/* of those that failed before they left */
	lightgate_decision *d;
	void (*done)(void *arg, lightgate_decision *d);
	void *arg;
	struct asked **at, *after;	/* among all */
};

struct lightgate_async {
	struct lightgate *lg;
	struct lg_calls *calls;
	struct lg_servers own;		/* links of its own: the handle's may be replaced while a call is under way */
	struct timespec cert_time;
	struct asked *all, *failed;
	bool opened;
	bool running, over;		/* lightgate_async_run is at work; it was freed meanwhile */
};

/* ---- links --------------------------------------------------------------------------------------------------------------- */

/* A renewed certificate is taken up when nothing is under way with the old one. */
static lg_err
open_links(struct lg_ctx *cx, struct lightgate_async *a)
{
	struct stat st = { .st_size = 0 };

	if (a->lg->cert_file != NULL && stat(a->lg->cert_file, &st) != 0 && !a->opened)
		return lg_fail(cx, LG_E_NOT_FOUND, "%s cannot be read", a->lg->cert_file);
	bool same = st.st_mtim.tv_sec == a->cert_time.tv_sec && st.st_mtim.tv_nsec == a->cert_time.tv_nsec;
	if (a->opened && (same || a->all != NULL))
		return LG_OK;
	lg_err e = lg_handle_own(cx, a->lg, &a->own);
	if (e != LG_OK)
		return a->opened ? LG_OK : e;	/* half of a renewal */
	a->cert_time = st.st_mtim;
	a->opened = true;
	return LG_OK;
}

static bool
is_usable(const struct lightgate *lg)
{
	return lg != NULL && lg_spare_is_ours(lg->spare);
}

lightgate_async *
lightgate_async_new(lightgate *lg)
{
	struct lightgate_async *a;

	if (!is_usable(lg))
		return NULL;
	a = calloc(1, sizeof *a);
	if (a == NULL)
		abort();
	a->lg = lg;
	a->calls = lg_calls_new();
	a->own.n = lg->own.n;
	memcpy(a->own.at, lg->own.at, sizeof a->own.at);
	return a;
}

static void
forget(struct asked *q)
{
	*q->at = q->after;
	if (q->after != NULL)
		q->after->at = q->at;
	free(q);
}

void
lightgate_async_free(lightgate_async *a)
{
	if (a == NULL || !is_usable(a->lg))
		return;
	if (a->running) {		/* by a callback: what called it is still at work with it */
		a->over = true;
		return;
	}
	lg_calls_free(&a->calls);
	while (a->all != NULL) {
		lightgate_decision_free(a->all->d);
		forget(a->all);
	}
	lg_servers_close(&a->own);
	free(a);
}

int
lightgate_async_fd(const lightgate_async *a)
{
	return a == NULL ? -1 : lg_calls_fd(a->calls);
}

/* ---- questions ------------------------------------------------------------------------------------------------------------ */

static void
deliver(struct asked *q)
{
	lightgate_decision *d = q->d;
	void (*done)(void *arg, lightgate_decision *) = q->done;
	void *arg = q->arg;
	bool over = q->a->over;

	forget(q);
	if (over)
		lightgate_decision_free(d);
	else
		done(arg, d);
}

static void
answered(void *arg, struct lg_ctx *cx, lg_err e, const struct lg_reply *reply)
{
	struct asked *q = arg;

	if (e == LG_OK)
		e = lg_decision_read(cx, reply->body, q->d);
	if (e != LG_OK)
		q->d->reason = lg_dup(q->d->arena, lg_str_of(cx->error));
	deliver(q);
}

static lg_err
begin(struct lg_ctx *cx, struct lightgate_async *a, const struct lightgate_question *question, struct asked *q)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(LG_QUESTION_BODY);
	struct lg_call call;

	LG_TRY(open_links(cx, a));
	LG_TRY(lg_question_call(cx, a->lg, question, &b, &call));
	return lg_calls_add(cx, a->calls, &a->own, &call, answered, q);
}

static struct asked *
asked_new(struct lightgate_async *a, lightgate_decision *d, void (*done)(void *arg, lightgate_decision *d), void *arg)
{
	struct asked *q = calloc(1, sizeof *q);

	if (q == NULL)
		abort();
	*q = (struct asked){ .a = a, .d = d, .done = done, .arg = arg, .at = &a->all, .after = a->all };
	if (q->after != NULL)
		q->after->at = &q->after;
	a->all = q;
	return q;
}

void
lightgate_async_decide(lightgate_async *a, const struct lightgate_question *question, void (*done)(void *arg, lightgate_decision *d),
    void *arg)
{
	struct lightgate_question own = lg_question_of(question);
	struct lg_ctx cx;
	struct asked *q;

	if (a == NULL || done == NULL || a->over || !is_usable(a->lg))
		return;
	lightgate_decision *d = lg_decision_new(a->lg, &cx);
	bool idle = a->all == NULL;
	/* links are opened before this question counts as under way */
	if (idle && open_links(&cx, a) != LG_OK)
		cx.error[0] = '\0';		/* begin says it again */
	q = asked_new(a, d, done, arg);
	if (begin(&cx, a, &own, q) == LG_OK)
		return;
	d->reason = lg_dup(d->arena, lg_str_of(cx.error));
	q->next = a->failed;
	a->failed = q;
	lg_calls_wake(a->calls);
}

static void
deliver_failed(struct lightgate_async *a)
{
	struct asked *q = a->failed;

	a->failed = NULL;
	while (q != NULL) {
		struct asked *next = q->next;
		deliver(q);
		q = next;
	}
}

void
lightgate_async_run(lightgate_async *a)
{
	if (a == NULL || a->running || !is_usable(a->lg))
		return;
	a->running = true;
	deliver_failed(a);
	lg_calls_run(a->calls);
	a->running = false;
	if (a->over)
		lightgate_async_free(a);
}
