/* pending.c: waits for the decision log and the keeper on a loop, without blocking it. */
#include "server/pending.h"

struct lg_pending {
	struct lg_app *app;
	struct lg_http *ex;
	void (*finish)(struct lg_pending *p, void *arg);
	void *arg;
	size_t waiting;
	bool sealed;
	lg_err error;
};

struct wait {
	struct lg_decision record;
	struct lg_pending *p;
	lg_str *ticket;
};

struct lg_pending *
lg_pending_new(struct lg_app *app, struct lg_http *ex, void (*finish)(struct lg_pending *p, void *arg), void *arg)
{
	struct lg_pending *p = LG_NEW(ex->cx->arena, struct lg_pending);

	*p = (struct lg_pending){ .app = app, .ex = ex, .finish = finish, .arg = arg };
	return p;
}

lg_err
lg_pending_error(const struct lg_pending *p)
{
	return p->error;
}

static void
came_back(struct lg_pending *p, lg_err e, const char *what)
{
	if (e != LG_OK && p->error == LG_OK)
		p->error = lg_fail(p->ex->cx, e, "%s", what);
	p->waiting--;
	if (p->waiting > 0 || !p->sealed)
		return;
	p->finish(p, p->arg);
	lg_http_done(p->ex);
}

static void
recorded(struct lg_note *note)
{
	struct wait *w = (struct wait *)(void *)((char *)note - offsetof(struct wait, record.note));

	came_back(w->p, w->record.result, "the decision log cannot be written");
}

static void
ticketed(void *arg, lg_err e, lg_str reply)
{
	struct wait *w = arg;

	if (e == LG_OK)
		*w->ticket = lg_dup(w->p->ex->cx->arena, reply);
	came_back(w->p, e, "the keeper does not issue tickets now");
}

static void
add_record(struct lg_pending *p, const struct lg_access *ac)
{
	struct wait *w = LG_NEW(p->ex->cx->arena, struct wait);

	w->p = p;
	w->record = (struct lg_decision){
		.tenant = ac->question.tenant, .time = p->ex->cx->now, .body = lg_access_record(p->ex->cx, ac),
		.wait = lg_access_waits(ac), .later = true, .reply = lg_loop_mailbox(lg_loop_self()), .note = { NULL, recorded },
	};
	lg_err e = lg_segments_append(p->app->segments, &w->record);
	if (e != LG_OK)
		p->error = lg_fail(p->ex->cx, e, "the decision log cannot be written");
	else if (w->record.wait)
		p->waiting++;
}

static void
add_ticket(struct lg_pending *p, const struct lg_token_request *rq, lg_str *ticket)
{
	struct wait *w = LG_NEW(p->ex->cx->arena, struct wait);

	w->p = p;
	w->ticket = ticket;
	p->waiting++;
	lg_err e = p->app->signer.token(p->app->signer.self, rq, ticketed, w);
	if (e != LG_OK) {
		p->waiting--;
		p->error = lg_fail(p->ex->cx, e, "the keeper does not issue tickets now");
	}
}

void
lg_pending_add(struct lg_pending *p, const struct lg_access *ac, const struct lg_caller *asker, lg_str *ticket)
{
	struct lg_token_request rq;

	if (p->error != LG_OK)
		return;
	if (lg_access_recorded(ac))
		add_record(p, ac);
	if (p->error == LG_OK && lg_ticket_request(p->app, p->ex->cx, ac, asker, &rq))
		add_ticket(p, &rq, ticket);
}

lg_err
lg_pending_seal(struct lg_pending *p)
{
	if (p->waiting == 0) {
		p->finish(p, p->arg);
		return LG_OK;
	}
	p->sealed = true;
	return LG_PENDING;
}
