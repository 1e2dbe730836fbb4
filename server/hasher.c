#include "server/hasher.h"

#include <stdlib.h>
#include <sys/sysinfo.h>

#include "server/loop.h"
#include "server/wait.h"

struct lg_hash_threads {
	struct lg_pool *pool;
	struct lg_password_cost cost;
	bool renew;
};

/* One piece of work, from its caller to a hash thread and back. */
struct work {
	struct lg_note note;		/* its way back to a loop */
	struct lg_mailbox *reply;	/* NULL: a worker waits */
	struct lg_waiter waiter;
	const struct lg_password_cost *cost;
	bool renew;
	bool make;			/* hash, not verify */
	lg_str used[LG_HASH_USED];	/* with make: what it must not be */
	size_t nused;
	lg_str stored;
	struct lg_secret password;
	lg_hash_done *done;		/* of verify */
	lg_hash_made *made;		/* of hash */
	void *arg;
	lg_err e;
	bool match, upgrade;
	struct lg_ctx cx;
};

static struct work *
work_new(struct lg_hash_threads *ht, lg_str stored, const struct lg_secret *password)
{
	struct work *w = calloc(1, sizeof *w);

	if (w == NULL)
		abort();
	lg_ctx_init(&w->cx, lg_arena_new());
	w->cost = &ht->cost;
	w->renew = ht->renew;
	w->stored = lg_dup(w->cx.arena, stored);
	w->password = lg_secret_copy((lg_str){ (const char *)password->p, password->n });
	return w;
}

static void
work_used(struct work *w, const lg_str *used, size_t n)
{
	for (size_t i = 0; i < n && i < LG_COUNT(w->used); i++)
		w->used[w->nused++] = lg_dup(w->cx.arena, used[i]);
}

static void
work_free(struct work *w)
{
	lg_secret_free(&w->password);
	lg_arena_free(&w->cx.arena);
	free(w);
}

/* One that no longer decodes is no reason to refuse a new password. */
static lg_err
is_unused(struct work *w)
{
	bool match, upgrade;

	for (size_t i = 0; i < w->nused; i++)
		if (lg_password_verify(&w->cx, w->used[i], &w->password, w->cost, &match, &upgrade) == LG_OK && match)
			return lg_fail(&w->cx, LG_E_EXISTS, "the password was used before");
	return LG_OK;
}

static lg_err
make(struct work *w)
{
	char salt[16];
	lg_str scram;

	LG_TRY(is_unused(w));
	LG_TRY(lg_password_hash(&w->cx, &w->password, w->cost, &w->stored));
	lg_random(salt, sizeof salt);
	LG_TRY(lg_scram_make(&w->cx, &w->password, (lg_str){ salt, sizeof salt }, LG_SCRAM_ITERATIONS, &scram));
	/* The directory keeps the second line only where the tenant wants SCRAM. */
	w->stored = lg_print(w->cx.arena, "%.*s\n%.*s", LG_FMT(w->stored), LG_FMT(scram));
	return LG_OK;
}

/* Nobody of that name costs what a wrong password costs. */
static void
compute(struct work *w)
{
	if (w->make)
		w->e = make(w);
	else if (w->stored.n == 0)
		lg_password_waste(&w->cx, &w->password, w->cost);
	else
		w->e = lg_password_verify(&w->cx, w->stored, &w->password, w->cost, &w->match, &w->upgrade);
	w->upgrade = w->upgrade && w->renew;
}

static void
work_run(void *arg)
{
	struct work *w = arg;

	compute(w);
	if (w->reply != NULL)
		lg_mailbox_post(w->reply, &w->note);
	else
		lg_waiter_done(&w->waiter);
}

static void
work_back(struct lg_note *note)
{
	struct work *w = (struct work *)note;

	if (w->make)
		w->made(w->arg, w->e, w->stored);
	else
		w->done(w->arg, w->e, w->match, w->upgrade);
	work_free(w);
}

/* Answered on the loop that asks. */
static lg_err
work_submit(struct lg_hash_threads *ht, struct work *w)
{
	lg_err e;

	w->note.run = work_back;
	w->reply = lg_loop_mailbox(lg_loop_self());
	e = lg_pool_submit(ht->pool, work_run, w);
	if (e != LG_OK)
		work_free(w);
	return e;
}

static lg_err
verify(void *self, lg_str stored, const struct lg_secret *password, lg_hash_done *done, void *arg)
{
	struct work *w = work_new(self, stored, password);

	w->done = done;
	w->arg = arg;
	return work_submit(self, w);
}

/* A digest costs less than the way to a thread and back. */
static bool
verify_now(void *self, struct lg_ctx *cx, lg_str stored, const struct lg_secret *password, bool *match, bool *upgrade)
{
	const struct lg_hash_threads *ht = self;

	if (!lg_password_cheap(stored))
		return false;
	if (lg_password_verify(cx, stored, password, &ht->cost, match, upgrade) != LG_OK)
		*match = *upgrade = false;
	*upgrade = *upgrade && ht->renew;
	return true;
}

static lg_err
renew(void *self, const lg_str *used, size_t n, const struct lg_secret *password, lg_hash_made *made, void *arg)
{
	struct work *w = work_new(self, LG_NONE, password);

	work_used(w, used, n);
	w->make = true;
	w->made = made;
	w->arg = arg;
	return work_submit(self, w);
}

static lg_err
hash(void *self, const struct lg_secret *password, lg_hash_made *made, void *arg)
{
	return renew(self, NULL, 0, password, made, arg);
}

static lg_err
run_and_wait(struct lg_hash_threads *ht, struct lg_ctx *cx, struct work *w)
{
	lg_waiter_init(&w->waiter);
	if (lg_pool_submit(ht->pool, work_run, w) != LG_OK)
		return lg_fail(cx, LG_E_BUSY, "too many passwords wait to be hashed");
	lg_waiter_wait(&w->waiter);
	lg_waiter_end(&w->waiter);
	return w->e == LG_OK ? LG_OK : lg_fail(cx, w->e, "%s", w->cx.error);
}

static lg_err
verify_wait(void *self, struct lg_ctx *cx, lg_str stored, const struct lg_secret *password, bool *match, bool *upgrade)
{
	struct work *w = work_new(self, stored, password);
	lg_err e = run_and_wait(self, cx, w);

	if (e == LG_OK) {
		*match = w->match;
		*upgrade = w->upgrade;
	}
	work_free(w);
	return e;
}

static lg_err
renew_wait(void *self, struct lg_ctx *cx, const lg_str *used, size_t n, const struct lg_secret *password, lg_str *stored)
{
	struct work *w = work_new(self, LG_NONE, password);
	lg_err e;

	w->make = true;
	work_used(w, used, n);
	e = run_and_wait(self, cx, w);
	if (e == LG_OK)
		*stored = lg_dup(cx->arena, w->stored);
	work_free(w);
	return e;
}

static lg_err
hash_wait(void *self, struct lg_ctx *cx, const struct lg_secret *password, lg_str *stored)
{
	return renew_wait(self, cx, NULL, 0, password, stored);
}

lg_err
lg_hash_threads_new(struct lg_ctx *cx, unsigned threads, const struct lg_password_cost *cost, bool renew, struct lg_hash_threads **ret)
{
	struct lg_hash_threads *ht = calloc(1, sizeof *ht);
	lg_err e;

	if (ht == NULL)
		abort();
	ht->cost = *cost;
	ht->renew = renew;
	e = lg_pool_new(cx, threads == 0 ? (unsigned)get_nprocs() : threads, LG_HASHER_QUEUE, 19, 0, &ht->pool);
	if (e != LG_OK) {
		free(ht);
		return e;
	}
	*ret = ht;
	return LG_OK;
}

void
lg_hash_threads_free(struct lg_hash_threads **ht)
{
	if (*ht == NULL)
		return;
	lg_pool_free(&(*ht)->pool);
	free(*ht);
	*ht = NULL;
}

void
lg_hash_threads_port(struct lg_hash_threads *ht, struct lg_hasher *ret)
{
	*ret = (struct lg_hasher){ .self = ht, .verify = verify, .verify_now = verify_now, .verify_wait = verify_wait, .hash_wait = hash_wait, .hash = hash,
		.renew = renew, .renew_wait = renew_wait };
}
