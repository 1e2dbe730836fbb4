/* decision.c: decisions as their caller holds them. */
#include <stdlib.h>

#include "client/handle.h"

/* ---- arenas that are used again ------------------------------------------------------------------------------------ */

struct lg_spare *
lg_spare_new(void)
{
	struct lg_spare *sp = calloc(1, sizeof *sp);

	if (sp == NULL)
		abort();
	pthread_mutex_init(&sp->lock, NULL);
	sp->refs = 1;
	return sp;
}

static struct lg_arena *
take_arena(struct lg_spare *sp)
{
	struct lg_arena *a = NULL;

	pthread_mutex_lock(&sp->lock);
	sp->refs++;
	if (sp->n > 0)
		a = sp->arena[--sp->n];
	pthread_mutex_unlock(&sp->lock);
	return a != NULL ? a : lg_arena_new();
}

/* True: the last reference went, and nobody else can see it any more. */
static bool
give_arena(struct lg_spare *sp, struct lg_arena **a)
{
	pthread_mutex_lock(&sp->lock);
	bool last = --sp->refs == 0;
	if (*a != NULL && sp->n < LG_SPARE_ARENAS) {
		sp->arena[sp->n++] = *a;
		*a = NULL;
	}
	pthread_mutex_unlock(&sp->lock);
	lg_arena_free(a);
	return last;
}

static void
release(struct lg_spare *sp, struct lg_arena *a)
{
	if (!give_arena(sp, &a))
		return;
	for (size_t i = 0; i < sp->n; i++)
		lg_arena_free(&sp->arena[i]);
	pthread_mutex_destroy(&sp->lock);
	free(sp);
}

void
lg_spare_unref(struct lg_spare *sp)
{
	if (sp != NULL)
		release(sp, NULL);
}

/* ---- a decision ------------------------------------------------------------------------------------------------------- */

struct lightgate_decision *
lg_decision_new(struct lightgate *lg, struct lg_ctx *cx)
{
	struct lg_arena *a = take_arena(lg->spare);
	struct lightgate_decision *d = LG_NEW(a, struct lightgate_decision);

	lg_ctx_init(cx, a);
	*d = (struct lightgate_decision){ .arena = a, .home = lg->spare, .reason = LG_STR(""), .policy = LG_STR(""), .id = LG_STR(""),
		.ticket = LG_STR("") };
	return d;
}

struct lightgate_decision *
lg_decision_by(struct lightgate *lg, const struct lightgate_question *question, lg_decide *decide)
{
	struct lightgate_question q = lg_question_of(question);
	struct lg_ctx cx;
	struct lightgate_decision *d = lg_decision_new(lg, &cx);

	if (decide(&cx, lg, &q, d) != LG_OK)
		d->reason = lg_dup(d->arena, lg_str_of(cx.error));
	return d;
}

void
lightgate_decision_free(lightgate_decision *d)
{
	if (d == NULL)
		return;
	struct lg_arena *a = d->arena;
	struct lg_spare *home = d->home;
	lg_arena_reset(a);
	release(home, a);
}

bool
lightgate_permits(const lightgate_decision *d)
{
	return d != NULL && d->decided && d->permit;
}

bool
lightgate_decided(const lightgate_decision *d)
{
	return d != NULL && d->decided;
}

const char *
lightgate_decision_reason(const lightgate_decision *d)
{
	return d == NULL ? "" : d->reason.p;
}

const char *
lightgate_decision_policy(const lightgate_decision *d)
{
	return d == NULL ? "" : d->policy.p;
}

const char *
lightgate_decision_id(const lightgate_decision *d)
{
	return d == NULL ? "" : d->id.p;
}

const char *
lightgate_decision_ticket(const lightgate_decision *d)
{
	return d == NULL ? "" : d->ticket.p;
}
