/*
 * keeper_link.c: channels belong to loops.  What components ask on a loop goes out with that turn's other requests; what
 * workers ask travels through a loop's mailbox, so that it is batched too and no channel is ever shared.
 */
#include "server/keeper_link.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "server/wait.h"

struct channel {
	struct lg_watch watch;
	struct lg_turn turn;
	struct lg_keeper_link *kl;
	struct lg_loop *loop;
	struct lg_keeper *keeper;	/* NULL while the keeper is away; the loop's thread only */
	bool writing;			/* EPOLLOUT is watched */
	atomic_bool up;
};

struct data_key {
	uint32_t tenant;
	struct lg_secret key;
};

struct lg_keeper_link {
	struct channel *channel;
	size_t n;
	atomic_uint next;		/* workers take the loops in turn */
	pthread_mutex_t lock;
	struct data_key data_key[LG_TENANTS];
	atomic_size_t ndata_keys;	/* those below it never change */
};

/* ---- on the loop ----------------------------------------------------------------------------------- */

/* The keeper is gone: all that waits is told, and the parent will bring another one. */
static void
channel_lost(struct channel *c)
{
	if (c->keeper == NULL)
		return;
	atomic_store(&c->up, false);
	lg_watch_del(c->loop, &c->watch);
	struct lg_keeper *keeper = c->keeper;

	c->keeper = NULL;		/* callbacks may ask again: they shall find nothing */
	lg_keeper_free(&keeper);
}

static void
channel_ready(struct lg_watch *w, uint32_t events)
{
	struct channel *c = (struct channel *)w;

	if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0 && lg_keeper_read(c->keeper) != LG_OK)
		channel_lost(c);
}

/* The turn's requests leave together. */
static void
channel_flush(struct lg_turn *t)
{
	struct channel *c = (struct channel *)((char *)t - offsetof(struct channel, turn));
	bool write;

	if (c->keeper == NULL)
		return;
	if (lg_keeper_flush(c->keeper) != LG_OK) {
		channel_lost(c);
		return;
	}
	write = lg_keeper_wants_write(c->keeper);
	if (write != c->writing)
		lg_watch_set(c->loop, &c->watch, EPOLLIN | (write ? EPOLLOUT : 0));
	c->writing = write;
}

struct connect_call {
	struct channel *c;
	int fd;
};

static void
connect_on_loop(void *arg)
{
	struct connect_call *call = arg;
	struct channel *c = call->c;
	struct lg_arena *arena = lg_arena_new();
	struct lg_ctx cx;

	lg_ctx_init(&cx, arena);
	channel_lost(c);
	c->keeper = lg_keeper_new(call->fd);
	c->writing = false;
	c->watch = (struct lg_watch){ .fd = lg_keeper_fd(c->keeper), .ready = channel_ready };
	if (lg_watch_add(&cx, c->loop, &c->watch, EPOLLIN) != LG_OK) {
		lg_log(LG_ERROR, "keeper: %s", cx.error);
		lg_keeper_free(&c->keeper);
	}
	atomic_store(&c->up, c->keeper != NULL);
	lg_arena_free(&arena);
}

void
lg_keeper_link_connect(struct lg_keeper_link *kl, size_t i, int fd)
{
	struct connect_call call = { &kl->channel[i], fd };

	lg_loop_call(kl->channel[i].loop, connect_on_loop, &call);
}

bool
lg_keeper_link_up(struct lg_keeper_link *kl)
{
	for (size_t i = 0; i < kl->n; i++)
		if (!atomic_load(&kl->channel[i].up))
			return false;
	return true;
}

struct lg_keeper *
lg_keeper_link_channel(struct lg_keeper_link *kl)
{
	const struct lg_loop *self = lg_loop_self();

	for (size_t i = 0; i < kl->n; i++)
		if (kl->channel[i].loop == self)
			return kl->channel[i].keeper;
	return NULL;
}

struct lg_loop *
lg_keeper_link_loop(struct lg_keeper_link *kl)
{
	struct lg_loop *self = lg_loop_self();

	return self != NULL ? self : kl->channel[atomic_fetch_add(&kl->next, 1) % kl->n].loop;
}

static lg_err
token(void *self, const struct lg_token_request *rq, lg_keeper_done *done, void *arg)
{
	struct lg_keeper *k = lg_keeper_link_channel(self);

	return k == NULL ? LG_E_UNAVAILABLE : lg_keeper_token(k, rq, done, arg);
}

static lg_err
ocsp(void *self, uint32_t tenant, lg_str tbs, lg_keeper_done *done, void *arg)
{
	struct lg_keeper *k = lg_keeper_link_channel(self);

	return k == NULL ? LG_E_UNAVAILABLE : lg_keeper_ocsp(k, tenant, tbs, done, arg);
}

/* ---- from workers -------------------------------------------------------------------------------------- */

/* Two hold it, the one who waits and the loop; who comes last frees it. */
struct ask {
	struct lg_note note;
	struct lg_waiter waiter;
	atomic_int holders;
	struct channel *c;
	lg_keeper_ask *ask;
	void *arg;
	bool cancelled;			/* under waiter.lock: arg is no longer there */
	lg_err e;
	struct lg_buf reply;
};

static void
ask_drop(struct ask *a)
{
	if (atomic_fetch_sub(&a->holders, 1) > 1)
		return;
	lg_waiter_end(&a->waiter);
	lg_buf_wipe(&a->reply);
	free(a);
}

static void
ask_done(void *arg, lg_err e, lg_str reply)
{
	struct ask *a = arg;

	a->e = e;
	lg_buf_str(&a->reply, reply);
	lg_waiter_done(&a->waiter);
	ask_drop(a);
}

static void
ask_on_loop(struct lg_note *note)
{
	struct ask *a = (struct ask *)note;
	lg_err e = LG_E_UNAVAILABLE;
	bool cancelled;

	/* The asker cannot leave while its arguments are being read. */
	pthread_mutex_lock(&a->waiter.lock);
	cancelled = a->cancelled;
	if (!cancelled && a->c->keeper != NULL)
		e = a->ask(a->c->keeper, a->arg, ask_done, a);
	pthread_mutex_unlock(&a->waiter.lock);
	if (cancelled || e != LG_OK)
		ask_done(a, e, e == LG_E_UNAVAILABLE ? LG_STR("the keeper is away") : LG_STR("too much is asked of the keeper"));
}

static struct ask *
ask_new(struct lg_keeper_link *kl, lg_keeper_ask *fn, void *arg)
{
	struct ask *a = calloc(1, sizeof *a);

	if (a == NULL)
		abort();
	lg_waiter_init(&a->waiter);
	atomic_init(&a->holders, 2);
	a->note.run = ask_on_loop;
	a->c = &kl->channel[atomic_fetch_add(&kl->next, 1) % kl->n];
	a->ask = fn;
	a->arg = arg;
	a->reply = LG_BUF(LG_KEEPER_REPLY);
	return a;
}

lg_err
lg_keeper_link_wait(struct lg_keeper_link *kl, struct lg_ctx *cx, lg_keeper_ask *ask, void *arg, lg_str *reply)
{
	struct ask *a = ask_new(kl, ask, arg);
	lg_err e;

	lg_mailbox_post(lg_loop_mailbox(a->c->loop), &a->note);
	if (!lg_waiter_wait_for(&a->waiter, LG_KEEPER_PATIENCE)) {
		pthread_mutex_lock(&a->waiter.lock);
		a->cancelled = true;
		pthread_mutex_unlock(&a->waiter.lock);
		ask_drop(a);
		return lg_fail(cx, LG_E_UNAVAILABLE, "the keeper does not answer");
	}
	e = a->e;
	if (e == LG_OK)
		*reply = lg_dup(cx->arena, lg_buf_view(&a->reply));
	else
		lg_fail(cx, e, "keeper: %.*s", LG_FMT(lg_buf_view(&a->reply)));
	ask_drop(a);
	return e;
}

static lg_err
ask_token(struct lg_keeper *k, void *arg, lg_keeper_done *done, void *done_arg)
{
	return lg_keeper_token(k, arg, done, done_arg);
}

static lg_err
token_wait(void *self, struct lg_ctx *cx, const struct lg_token_request *rq, lg_str *ret)
{
	return lg_keeper_link_wait(self, cx, ask_token, (void *)(uintptr_t)rq, ret);
}

struct tbs {
	uint32_t tenant;
	lg_str tbs;
};

static lg_err
ask_certificate(struct lg_keeper *k, void *arg, lg_keeper_done *done, void *done_arg)
{
	const struct tbs *t = arg;

	return lg_keeper_certificate(k, t->tenant, t->tbs, done, done_arg);
}

static lg_err
certificate_wait(void *self, struct lg_ctx *cx, uint32_t tenant, lg_str tbs, lg_str *der)
{
	struct tbs t = { tenant, tbs };

	return lg_keeper_link_wait(self, cx, ask_certificate, &t, der);
}

static lg_err
ask_crl(struct lg_keeper *k, void *arg, lg_keeper_done *done, void *done_arg)
{
	const struct tbs *t = arg;

	return lg_keeper_crl(k, t->tenant, t->tbs, done, done_arg);
}

static lg_err
crl_wait(void *self, struct lg_ctx *cx, uint32_t tenant, lg_str tbs, lg_str *sig)
{
	struct tbs t = { tenant, tbs };

	return lg_keeper_link_wait(self, cx, ask_crl, &t, sig);
}

struct ssh {
	uint32_t tenant;
	enum lg_purpose purpose;
	lg_str tbs;
};

static lg_err
ask_ssh(struct lg_keeper *k, void *arg, lg_keeper_done *done, void *done_arg)
{
	const struct ssh *s = arg;

	return lg_keeper_ssh(k, s->tenant, s->purpose, s->tbs, done, done_arg);
}

static lg_err
ssh_wait(void *self, struct lg_ctx *cx, uint32_t tenant, enum lg_purpose purpose, lg_str tbs, lg_str *cert)
{
	struct ssh s = { tenant, purpose, tbs };

	return lg_keeper_link_wait(self, cx, ask_ssh, &s, cert);
}

/* ---- data keys: few, added, never changed ------------------------------------------------------------------ */

static const struct lg_secret *
data_key_find(struct lg_keeper_link *kl, uint32_t tenant)
{
	size_t n = atomic_load_explicit(&kl->ndata_keys, memory_order_acquire);

	for (size_t i = 0; i < n; i++)
		if (kl->data_key[i].tenant == tenant)
			return &kl->data_key[i].key;
	return NULL;
}

static lg_err
data_key(void *self, struct lg_ctx *cx, uint32_t tenant, const struct lg_secret **ret)
{
	*ret = data_key_find(self, tenant);
	return *ret == NULL ? lg_fail(cx, LG_E_NOT_FOUND, "tenant %u has no data key", tenant) : LG_OK;
}

static lg_err
ask_unwrap(struct lg_keeper *k, void *arg, lg_keeper_done *done, void *done_arg)
{
	const struct tbs *t = arg;

	return lg_keeper_unwrap(k, t->tenant, t->tbs, done, done_arg);
}

lg_err
lg_keeper_link_data_key(struct lg_keeper_link *kl, struct lg_ctx *cx, uint32_t tenant, lg_str wrapped)
{
	struct tbs t = { tenant, wrapped };
	lg_err e = LG_OK;
	lg_str key;
	size_t n;

	if (data_key_find(kl, tenant) != NULL)
		return LG_OK;
	LG_TRY(lg_keeper_link_wait(kl, cx, ask_unwrap, &t, &key));
	pthread_mutex_lock(&kl->lock);
	n = atomic_load(&kl->ndata_keys);
	if (n >= LG_TENANTS) {
		e = lg_fail(cx, LG_E_LIMIT, "more than %d tenants", LG_TENANTS);
	} else if (data_key_find(kl, tenant) == NULL) {
		kl->data_key[n] = (struct data_key){ tenant, lg_secret_copy(key) };
		atomic_store_explicit(&kl->ndata_keys, n + 1, memory_order_release);
	}
	pthread_mutex_unlock(&kl->lock);
	return e;
}

/* ---- life ----------------------------------------------------------------------------------------------------- */

void
lg_keeper_link_signer(struct lg_keeper_link *kl, struct lg_signer *ret)
{
	*ret = (struct lg_signer){ .self = kl, .token = token, .token_wait = token_wait, .certificate_wait = certificate_wait,
		.crl_wait = crl_wait, .ocsp = ocsp, .ssh_wait = ssh_wait, .data_key = data_key };
}

lg_err
lg_keeper_link_new(struct lg_ctx *cx, struct lg_loop *const *loops, size_t n, struct lg_keeper_link **ret)
{
	struct lg_keeper_link *kl;

	if (n == 0 || n > LG_LOOPS)
		return lg_fail(cx, LG_E_INVALID, "a keeper link for %zu loops", n);
	kl = calloc(1, sizeof *kl);
	if (kl == NULL || (kl->channel = calloc(n, sizeof *kl->channel)) == NULL)
		abort();
	pthread_mutex_init(&kl->lock, NULL);
	kl->n = n;
	for (size_t i = 0; i < n; i++) {
		struct channel *c = &kl->channel[i];

		c->kl = kl;
		c->loop = loops[i];
		c->turn = (struct lg_turn){ .run = channel_flush, .place = LG_TURN_SEND };
		lg_turn_add(loops[i], &c->turn);
	}
	*ret = kl;
	return LG_OK;
}

void
lg_keeper_link_free(struct lg_keeper_link **kl)
{
	if (*kl == NULL)
		return;
	for (size_t i = 0; i < (*kl)->n; i++) {
		channel_lost(&(*kl)->channel[i]);
		lg_turn_del((*kl)->channel[i].loop, &(*kl)->channel[i].turn);
	}
	for (size_t i = 0; i < (*kl)->ndata_keys; i++)
		lg_secret_free(&(*kl)->data_key[i].key);
	pthread_mutex_destroy(&(*kl)->lock);
	free((*kl)->channel);
	free(*kl);
	*kl = NULL;
}
