/* process.c: the token's process from its first call to its last. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/thread.h"
#include "crypto/confine.h"
#include "crypto/hsm/module.h"
#include "crypto/local.h"

enum { TICK_MS = 1000, TRIES = 3 };

struct worker {
	pthread_t thread;
	struct lg_hsm_hand hand;
	int fd;
	_Atomic int64_t since;		/* in the module since then; 0: not in it */
	atomic_bool ended;
	char packet[LG_HSM_PACKET];
};

struct request {
	enum lg_hsm_op op;
	uint8_t what;			/* SIGN: lg_alg; MAKE: lg_key_type */
	lg_str text;
	struct lg_hsm_uri uri;
	lg_str bytes;
};

/* ---- one request ----------------------------------------------------------------------------------------------- */

static lg_err
parse(struct lg_ctx *cx, struct lg_rd *rd, struct request *ret)
{
	ret->op = lg_rd_u8(rd);
	ret->what = ret->op == LG_HSM_FIND ? 0 : lg_rd_u8(rd);
	ret->text = lg_rd_str32(rd);
	ret->bytes = lg_rd_bytes(rd, (size_t)(rd->end - rd->p));
	if (rd->bad || ret->op < LG_HSM_SIGN || ret->op > LG_HSM_MAKE || (ret->op == LG_HSM_SIGN && lg_alg_row(ret->what) == NULL)
	    || (ret->op == LG_HSM_MAKE && ret->what > LG_KEY_RSA4096))
		return lg_fail(cx, LG_E_INVALID, "malformed request to the token");
	return lg_hsm_uri_parse(cx, ret->text, &ret->uri);
}

/* Handles are good as long as their session. */
static lg_err
find_private(struct lg_ctx *cx, struct lg_hsm *h, struct lg_hsm_session *s, const struct request *rq, CK_OBJECT_HANDLE *ret)
{
	lg_sha256 uri = lg_sha256_of(rq->text);

	for (size_t i = 0; i < s->nfound; i++)
		if (memcmp(s->found[i].uri.b, uri.b, sizeof uri.b) == 0) {
			*ret = s->found[i].key;
			return LG_OK;
		}
	LG_TRY(lg_hsm_object(cx, h, s, &rq->uri, CKO_PRIVATE_KEY, ret));
	if (s->nfound == LG_HSM_FOUND)
		s->nfound = 0;
	s->found[s->nfound].uri = uri;
	s->found[s->nfound++].key = *ret;
	return LG_OK;
}

static lg_err
carry_out(struct lg_ctx *cx, struct lg_hsm_hand *me, const struct request *rq, lg_str *ret)
{
	struct lg_hsm *h = me->hsm;
	struct lg_hsm_session *s;
	CK_OBJECT_HANDLE o = 0;

	LG_TRY(lg_hsm_session(cx, me, &rq->uri, &s));
	switch (rq->op) {
	case LG_HSM_SIGN:
		LG_TRY(find_private(cx, h, s, rq, &o));
		return lg_hsm_sign(cx, h, s, o, lg_alg_row(rq->what), rq->bytes, ret);
	case LG_HSM_FIND:
		LG_TRY(find_private(cx, h, s, rq, &o));		/* the public half alone would be of no use */
		LG_TRY(lg_hsm_object(cx, h, s, &rq->uri, CKO_PUBLIC_KEY, &o));
		return lg_hsm_spki(cx, h, s, o, ret);
	case LG_HSM_MAKE:
		LG_TRY(lg_hsm_make(cx, h, s, &rq->uri, rq->what, &o));
		return lg_hsm_spki(cx, h, s, o, ret);
	}
	return LG_E_INTERNAL;
}

/* What is gone may be back: first a session is made anew, then the module is started again. */
static lg_err
try_all(struct lg_ctx *cx, struct worker *w, const struct request *rq, lg_str *ret)
{
	struct lg_hsm *h = w->hand.hsm;
	lg_err e = LG_E_UNAVAILABLE;

	for (int i = 0; i < TRIES && e == LG_E_UNAVAILABLE && (i == 0 || !atomic_load(&h->refused)); i++) {
		if (i == TRIES - 1)
			lg_hsm_again(h);
		pthread_rwlock_rdlock(&h->lock);
		e = carry_out(cx, &w->hand, rq, ret);
		if (e == LG_E_UNAVAILABLE)
			lg_hsm_forget(&w->hand);
		pthread_rwlock_unlock(&h->lock);
	}
	return e;
}

static void
answer(struct worker *w, struct lg_arena *arena, size_t n)
{
	LG_AUTO(lg_buf_free) struct lg_buf out = LG_BUF(LG_HSM_PACKET);
	struct lg_rd rd = lg_rd_of((lg_str){ w->packet, n });
	lg_str reply = LG_NONE;
	struct request rq;
	struct lg_ctx cx;

	lg_ctx_init(&cx, arena);
	uint32_t id = lg_rd_u32(&rd);
	atomic_store(&w->since, lg_boottime());
	lg_err e = parse(&cx, &rd, &rq);
	if (e == LG_OK)
		e = try_all(&cx, w, &rq, &reply);
	atomic_store(&w->since, 0);
	lg_buf_u32(&out, id);
	lg_buf_byte(&out, (char)e);
	lg_buf_str(&out, e == LG_OK ? reply : lg_str_of(cx.error));
	(void)send(w->fd, out.p, out.n, MSG_NOSIGNAL);
}

/* ---- the process ------------------------------------------------------------------------------------------------- */

static void *
worker_run(void *arg)
{
	struct lg_arena *arena = lg_arena_new();
	struct worker *w = arg;

	for (;;) {
		ssize_t n = recv(w->fd, w->packet, sizeof w->packet, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		answer(w, arena, (size_t)n);
		lg_arena_reset(arena);
	}
	lg_arena_free(&arena);
	atomic_store(&w->ended, true);
	return NULL;
}

/* The system's libraries and settings, and what the operator names.  Before the module's first line runs. */
static lg_err
confine(struct lg_ctx *cx, const struct lg_hsm_options *o)
{
	struct lg_confine_path paths[LG_CONFINE_PATHS] = {
		{ "/usr", LG_CONFINE_READ }, { "/lib", LG_CONFINE_READ }, { "/lib64", LG_CONFINE_READ }, { "/opt", LG_CONFINE_READ },
		{ "/etc", LG_CONFINE_READ }, { "/sys", LG_CONFINE_READ }, { "/dev/urandom", LG_CONFINE_READ },
		{ "/dev/null", LG_CONFINE_READ | LG_CONFINE_WRITE }, { o->module, LG_CONFINE_READ },
	};
	size_t n = 0;

	(void)lg_local();		/* OpenSSL reads its configuration now */
	if (!o->confine)
		return LG_OK;
	while (paths[n].path != NULL)
		n++;
	for (size_t i = 0; i < o->npaths; i++, n++) {
		if (n == LG_CONFINE_PATHS)
			return lg_fail(cx, LG_E_LIMIT, "more paths for the PKCS#11 module than %zu", LG_CONFINE_PATHS - (n - i));
		paths[n] = (struct lg_confine_path){ o->paths[i], LG_CONFINE_READ | LG_CONFINE_WRITE | LG_CONFINE_DEVICE };
	}
	LG_TRY(lg_confine_no_dumps(cx));
	lg_confine_lock_memory();
	lg_err e = lg_confine_paths(cx, paths, n);
	if (e != LG_OK && e != LG_E_UNSUPPORTED)	/* without Landlock the rest still holds */
		return e;
	return lg_confine_calls_server(cx);
}

/* Whoever hangs in the module will not come out of it: the next process may fare better. */
static bool
go_on(const struct worker *w, size_t n, int64_t hang)
{
	size_t live = 0;

	for (size_t i = 0; i < n; i++) {
		int64_t since = atomic_load(&w[i].since);
		live += !atomic_load(&w[i].ended);
		if (since != 0 && lg_boottime() - since > hang) {
			fputs("lightgate token: the PKCS#11 module hangs\n", stderr);
			_exit(1);
		}
	}
	return live > 0;
}

static lg_err
serve(struct lg_ctx *cx, struct lg_hsm_options *o, struct lg_hsm *h, struct worker *w)
{
	if (o->nchannels > LG_HSM_CHANNELS)
		return lg_fail(cx, LG_E_LIMIT, "more than %d channels", LG_HSM_CHANNELS);
	LG_TRY(confine(cx, o));
	h->pin = o->pin;
	LG_TRY(lg_hsm_load(cx, h, o->module));
	for (size_t i = 0; i < o->nchannels; i++) {
		w[i].fd = o->channels[i];
		w[i].hand.hsm = h;
		if (!lg_thread_start(&w[i].thread, 0, worker_run, &w[i]))
			return lg_fail(cx, LG_E_UNAVAILABLE, "a thread did not start");
	}
	while (go_on(w, o->nchannels, o->hang))
		poll(NULL, 0, TICK_MS);
	return LG_OK;
}

int
lg_hsm_main(struct lg_hsm_options *o)
{
	struct worker *w = calloc(LG_HSM_CHANNELS, sizeof *w);
	struct lg_hsm *h = calloc(1, sizeof *h);
	struct lg_arena *arena = lg_arena_new();
	struct lg_ctx cx;

	lg_crypto_must(w != NULL && h != NULL);
	signal(SIGINT, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	lg_ctx_init(&cx, arena);
	lg_err e = serve(&cx, o, h, w);
	if (e != LG_OK)
		fprintf(stderr, "lightgate token: %s\n", cx.error);
	lg_secret_free(&o->pin);
	/* Threads, and what the module has of its own, end with the process. */
	_exit(e == LG_OK ? 0 : 1);
}
