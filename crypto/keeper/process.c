/* process.c: the keeper from its first call to its last. */
#include "crypto/keeper/process.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/file.h"
#include "crypto/confine.h"
#include "crypto/keeper/lane.h"
#include "crypto/local.h"

enum { SECRET = 32, TICK_MS = 1000 };

struct process {
	struct lg_kproc kp;
	struct lg_pool *slow;
	int stop_fd;
	struct lg_lane lane[LG_LANES_MAX];
	unsigned nlanes, running;
	struct lg_kchannel channel[LG_CHANNELS_MAX];
};

static lg_err
read_secret(struct lg_ctx *cx, int fd, struct lg_secret *ret)
{
	struct lg_secret s = lg_secret_new(SECRET);
	bool whole = lg_read_all(fd, s.p, s.n);

	close(fd);
	if (!whole) {
		lg_secret_free(&s);
		return lg_fail(cx, LG_E_UNAVAILABLE, "the sealing secret did not come");
	}
	*ret = s;
	return LG_OK;
}

/* Before any thread and before any key is read. */
static lg_err
confine(struct lg_ctx *cx, const struct lg_keeper_options *o)
{
	const struct lg_confine_path own = { o->dir, LG_CONFINE_READ | LG_CONFINE_WRITE };

	(void)lg_local();		/* OpenSSL reads its configuration now */
	if (!o->confine)
		return LG_OK;
	LG_TRY(lg_confine_no_dumps(cx));
	lg_confine_lock_memory();
	lg_err e = lg_confine_paths(cx, &own, 1);
	if (e != LG_OK && e != LG_E_UNSUPPORTED)	/* without Landlock the rest still holds */
		return e;
	return lg_confine_calls_keeper(cx);
}

static void *
lane_thread(void *arg)
{
	lg_lane_run(arg);
	return NULL;
}

static lg_err
open_lanes(struct lg_ctx *cx, struct process *ps, const struct lg_keeper_options *o, unsigned lanes)
{
	for (; ps->nlanes < lanes; ps->nlanes++)
		LG_TRY(lg_lane_open(cx, &ps->lane[ps->nlanes], &ps->kp, ps->slow, ps->stop_fd));
	LG_TRY(lg_lane_add(cx, &ps->lane[lanes - 1], &ps->channel[0], o->control, true));
	for (size_t i = 0; i < o->nchannels; i++)
		LG_TRY(lg_lane_add(cx, &ps->lane[i % lanes], &ps->channel[i + 1], o->channels[i], false));
	return LG_OK;
}

static lg_err
run(struct lg_ctx *cx, struct process *ps)
{
	struct pollfd stop = { ps->stop_fd, POLLIN, 0 };

	for (; ps->running < ps->nlanes; ps->running++)
		if (pthread_create(&ps->lane[ps->running].thread, NULL, lane_thread, &ps->lane[ps->running]) != 0)
			return lg_fail(cx, LG_E_UNAVAILABLE, "a thread did not start");
	while (poll(&stop, 1, TICK_MS) <= 0)
		lg_signed_tick(ps->kp.record);
	return LG_OK;
}

static void
end(struct process *ps)
{
	uint64_t one = 1;

	(void)!write(ps->stop_fd, &one, sizeof one);
	for (unsigned i = 0; i < ps->running; i++)
		pthread_join(ps->lane[i].thread, NULL);
	lg_pool_free(&ps->slow);	/* what was begun is finished */
	for (unsigned i = 0; i < ps->nlanes; i++)
		lg_lane_close(&ps->lane[i]);
	lg_kp_close(&ps->kp);
	close(ps->stop_fd);
}

static unsigned
lanes_for(const struct lg_keeper_options *o)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	unsigned n = o->threads != 0 ? o->threads : cores < 1 ? 1 : (unsigned)cores;

	if (n > o->nchannels)		/* a channel belongs to one lane */
		n = (unsigned)o->nchannels;
	return n < 1 ? 1 : n > LG_LANES_MAX ? LG_LANES_MAX : n;
}

static lg_err
serve(struct lg_ctx *cx, struct process *ps, const struct lg_keeper_options *o)
{
	LG_AUTO(lg_secret_free) struct lg_secret secret = { NULL, 0 };
	unsigned lanes = lanes_for(o);

	if (o->nchannels >= LG_CHANNELS_MAX)
		return lg_fail(cx, LG_E_LIMIT, "more than %d channels", LG_CHANNELS_MAX - 1);
	LG_TRY(read_secret(cx, o->secret_fd, &secret));
	LG_TRY(confine(cx, o));
	LG_TRY(lg_kp_open(cx, &ps->kp, o, &secret));
	LG_TRY(lg_pool_new(cx, lanes, LG_SLOW_QUEUE, 0, 0, &ps->slow));
	LG_TRY(open_lanes(cx, ps, o, lanes));
	return run(cx, ps);
}

int
lg_keeper_main(const struct lg_keeper_options *o)
{
	struct process *ps = calloc(1, sizeof *ps);
	struct lg_arena *arena = lg_arena_new();
	struct lg_ctx cx;

	lg_crypto_must(ps != NULL);
	/* A terminal's interrupt reaches the whole group; the keeper ends when its parent closes the control channel. */
	signal(SIGINT, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	lg_ctx_init(&cx, arena);
	ps->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	lg_err e = serve(&cx, ps, o);
	if (e != LG_OK)
		fprintf(stderr, "lightgate keeper: %s\n", cx.error);
	end(ps);
	lg_arena_free(&arena);
	free(ps);
	return e == LG_OK ? 0 : 1;
}
