/* decision.c: decisions as their caller holds them. */
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "client/handle.h"

/* ---- arenas that are used again ------------------------------------------------------------------------------------ */

static size_t
page_size(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

/* A question to the kernel for each decision would cost more than some decisions. */
static bool *
map_ours(void)
{
	bool *ours = mmap(NULL, page_size(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (ours == MAP_FAILED)
		abort();
	if (madvise(ours, page_size(), MADV_WIPEONFORK) != 0) {
		munmap(ours, page_size());
		return NULL;
	}
	*ours = true;
	return ours;
}

bool
lg_spare_is_ours(const struct lg_spare *sp)
{
	return sp->ours != NULL ? *sp->ours : sp->maker == getpid();
}

lg_err
lg_handle_check(struct lg_ctx *cx, const struct lightgate *lg)
{
	if (lg == NULL)
		return lg_fail(cx, LG_E_INVALID, "there is no handle: lightgate_open makes one");
	if (!lg_spare_is_ours(lg->spare))
		return lg_fail(cx, LG_E_INVALID, "the handle is the parent process's: after fork(2) a child opens its own");
	return LG_OK;
}

struct lg_spare *
lg_spare_new(void)
{
	struct lg_spare *sp = calloc(1, sizeof *sp);

	if (sp == NULL)
		abort();
	sp->ours = map_ours();
	sp->maker = getpid();
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
	if (sp->ours != NULL)
		munmap(sp->ours, page_size());
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
	struct lg_spare *home = lg != NULL && lg_spare_is_ours(lg->spare) ? lg->spare : NULL;
	struct lg_arena *a = home != NULL ? take_arena(home) : lg_arena_new();
	struct lightgate_decision *d = LG_NEW(a, struct lightgate_decision);

	lg_ctx_init(cx, a);
	*d = (struct lightgate_decision){ .arena = a, .home = home, .reason = LG_STR(""), .policy = LG_STR(""), .id = LG_STR(""),
		.ticket = LG_STR("") };
	return d;
}

struct lightgate_decision *
lg_decision_by(struct lightgate *lg, const struct lightgate_question *question, lg_decide *decide)
{
	struct lightgate_question q = lg_question_of(question);
	struct lg_ctx cx;
	struct lightgate_decision *d = lg_decision_new(lg, &cx);

	if (lg_handle_check(&cx, lg) != LG_OK || decide(&cx, lg, &q, d) != LG_OK)
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
	if (home == NULL || !lg_spare_is_ours(home)) {
		lg_arena_free(&a);
		return;
	}
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
