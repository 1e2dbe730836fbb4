/* follow_stream.c: the watch stream of a host, and the thread that listens to it. */
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/thread.h"
#include "client/api.h"
#include "client/follow_own.h"

#define STREAM_LINE	16384		/* octets of a line */
#define SILENCE_MIN	(2 * LG_SECOND)

/* ---- one line ----------------------------------------------------------------------------------------------------------- */

/*
 * When was that said?  The service's clock in the line tells how long the line was on its way, compared with the fastest one of
 * this connection: lines that somebody holds back do not keep a bundle fresh.
 */
static int64_t
said_at(struct lg_follow *f, int64_t up)
{
	int64_t now = lg_follow_clock(f);

	if (!f->has_ahead || up - now > f->ahead) {
		f->ahead = up - now;
		f->has_ahead = true;
	}
	return up - f->ahead;
}

/* The first line of a connection says how far the logs have come; later ones do when they have gone on. */
static lg_err
take_heads(struct lg_ctx *cx, struct lg_follow *f, lg_str heads)
{
	bool newer = false;
	lg_err e = LG_OK;

	if (f->audit == NULL || (heads.n == 0 && f->told))
		return LG_OK;
	f->told = true;
	if (heads.n == 0)
		e = lg_fail(cx, LG_E_DENIED, "the service does not say how far its logs have come");
	else
		e = lg_heads_take(cx, f->audit, heads, &f->heads, &newer);
	pthread_mutex_lock(&f->lock);
	f->disowned = e != LG_OK;
	if (f->disowned)
		memcpy(f->trouble, cx->error, sizeof f->trouble);
	pthread_mutex_unlock(&f->lock);
	return e == LG_OK && newer && f->s.state != NULL ? lg_heads_save(cx, f->s.state, &f->heads) : e;
}

static lg_err
believe(struct lg_ctx *cx, struct lg_follow *f, lg_str keys)
{
	lg_buf_clear(&f->audit_keys);
	lg_keyset_unref(&f->audit);
	if (keys.n == 0)
		return LG_OK;
	LG_TRY(lg_keyset_from_jwks(cx, keys, &f->audit));
	lg_buf_str(&f->audit_keys, keys);
	return lg_buf_status(cx, &f->audit_keys);
}

/* They are pinned before a head that one of them signed is kept. */
static lg_err
take_heirs(struct lg_ctx *cx, struct lg_follow *f, const struct lg_heirs *heirs)
{
	lg_str had = lg_buf_view(&f->audit_keys), keys;
	lg_err e = LG_OK;

	if (f->audit == NULL)
		return LG_OK;
	keys = lg_heirs_follow(cx, had, heirs, "lg-audit-key+jwt");
	if (keys.n == had.n)
		return LG_OK;
	pthread_mutex_lock(&f->fetching);
	if (f->s.pin != NULL)
		e = f->s.pin(f->s.self, cx, LG_PINNED_AUDIT, keys);
	pthread_mutex_unlock(&f->fetching);
	return e == LG_OK ? believe(cx, f, keys) : e;
}

/* By the keys that are pinned now; what was heard before comes from the file once. */
static lg_err
begin_heads(struct lg_ctx *cx, struct lg_follow *f, lg_str keys)
{
	bool known = f->heads.text[0][0] != '\0' || f->heads.text[1][0] != '\0';

	f->told = false;
	LG_TRY(believe(cx, f, keys));
	return keys.n == 0 || known || f->s.state == NULL ? LG_OK : lg_heads_load(cx, f->s.state, f->audit, &f->heads);
}

lg_err
lg_follow_line(struct lg_ctx *cx, struct lg_follow *f, lg_str line)
{
	lg_str state = LG_NONE, heads = LG_NONE, name;
	struct lg_heirs heirs = { .n = 0 };
	int64_t up = 0;
	struct lg_json js;

	lg_json_init(&js, cx->arena, line);
	lg_json_object(&js);
	while (lg_json_member(&js, &name)) {
		if (lg_str_eq(name, LG_STR("state")))
			state = lg_json_str(&js);
		else if (lg_str_eq(name, LG_STR("up")))
			up = lg_json_int(&js);
		else if (lg_str_eq(name, LG_STR("heads")))
			heads = lg_json_raw(&js);
		else if (lg_str_eq(name, LG_STR("audit_heirs")))
			lg_heirs_read(&js, &heirs);
		else
			lg_json_skip(&js);
	}
	LG_TRY(lg_json_end(cx, &js));
	LG_TRY(take_heirs(cx, f, &heirs));
	LG_TRY(take_heads(cx, f, heads));
	pthread_mutex_lock(&f->lock);
	bool same = f->bundle != NULL && state.n > 0 && lg_str_eq(state, lg_str_of(f->held));
	pthread_mutex_unlock(&f->lock);
	int64_t at = said_at(f, up);
	if (!same)
		return lg_follow_fetch(cx, f);
	lg_follow_contact(cx, f, at);
	return LG_OK;
}

struct stream {
	struct lg_follow *f;
	struct lg_buf line;
	bool spoke, refused;		/* a line was of use; one was not, and it is known why */
};

static bool
take_lines(void *arg, lg_str piece)
{
	struct stream *st = arg;
	struct lg_ctx cx;
	lg_str line, rest;
	bool good = true;

	lg_buf_str(&st->line, piece);
	while (good && memchr(st->line.p, '\n', st->line.n) != NULL) {
		(void)lg_str_cut(lg_buf_view(&st->line), '\n', &line, &rest);
		lg_ctx_init(&cx, lg_arena_new());
		good = lg_follow_line(&cx, st->f, line) == LG_OK;
		st->refused = !good;
		if (!good)
			lg_follow_failed(&cx, st->f);
		lg_arena_free(&cx.arena);
		lg_buf_drop(&st->line, line.n + 1);
		st->spoke = st->spoke || good;
	}
	return good && !st->line.full;
}

static int64_t
silence_of(const struct lg_follow *f)
{
	int64_t half = atomic_load(&f->max_stale) / 2;

	return half > SILENCE_MIN ? half : SILENCE_MIN;
}

/* Until the connection ends.  True if it was of use. */
static bool
watch(struct lg_ctx *cx, struct lg_follow *f)
{
	LG_AUTO(lg_link_free) struct lg_link *link = NULL;
	struct stream st = { f, LG_BUF(STREAM_LINE), false, false };
	struct lg_call call = { .method = "GET", .path = LG_STR("/v1/watch"), .sink = take_lines, .arg = &st, .cut = &f->cut,
		.silence = silence_of(f) };
	struct lg_follow_at at;
	struct lg_reply answer;

	f->has_ahead = false;
	f->held[0] = '\0';		/* the service may have been started anew: its first line leads to a question */
	lg_err e = f->s.where(f->s.self, cx, &at);
	if (e == LG_OK)
		e = begin_heads(cx, f, at.audit);
	if (e == LG_OK)
		e = lg_link_new(cx, &at.stream, &link);
	if (e == LG_OK)
		e = lg_api_call(cx, link, &call, &answer);
	if (e != LG_OK && !st.spoke && !st.refused)
		lg_follow_failed(cx, f);
	if (!st.spoke && f->s.in_vain != NULL)
		f->s.in_vain(f->s.self);
	lg_buf_free(&st.line);
	return st.spoke;
}

/* ---- the thread ------------------------------------------------------------------------------------------------------------- */

/* Hosts that lost the service together must not come back together. */
static int64_t
jitter(int64_t pause)
{
	uint16_t r;

	lg_random(&r, sizeof r);
	return pause / 2 + pause * r / UINT16_MAX / 2;
}

/* False when it is time to end. */
static bool
rest(struct lg_follow *f, int64_t pause)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	int64_t ns = until.tv_nsec + jitter(pause) * 1000;
	until.tv_sec += ns / 1000000000;
	until.tv_nsec = ns % 1000000000;
	pthread_mutex_lock(&f->lock);
	while (!f->stop && pthread_cond_timedwait(&f->wake, &f->lock, &until) == 0)
		;
	bool stop = f->stop;
	pthread_mutex_unlock(&f->lock);
	return !stop;
}

static void *
run(void *arg)
{
	struct lg_follow *f = arg;
	int64_t pause = LG_FOLLOW_RETRY_MIN;
	bool going = true;

	while (going) {
		struct lg_ctx cx;
		lg_ctx_init(&cx, lg_arena_new());
		/* the first line of the stream says the state, and what differs is fetched then */
		bool useful = watch(&cx, f);
		lg_arena_free(&cx.arena);
		pause = useful ? LG_FOLLOW_RETRY_MIN : pause * 2 < LG_FOLLOW_RETRY_MAX ? pause * 2 : LG_FOLLOW_RETRY_MAX;
		going = rest(f, pause);
	}
	return NULL;
}

void
lg_follow_start(struct lg_follow *f)
{
	f->running = lg_thread_start(&f->thread, 0, run, f);
	if (!f->running)
		abort();		/* as when there is no memory */
}
