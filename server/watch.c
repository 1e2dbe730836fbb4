/*
 * watch.c: GET /v1/watch: one line of JSON whenever what a tenant's bundles are made of has changed, and a heartbeat in between.
 *
 * A watcher has no queue: it is told the state as it is when it can take a line, so a slow one misses nothing but states in
 * between, and one that takes nothing is cut by the reply's deadline.  A commit posts one note to each loop that has watchers; the
 * loop compares each one's last state with the tenant's and wakes those that differ.
 */
#include "server/watch.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "server/app_own.h"
#include "server/bundle.h"

struct watcher {
	struct watcher *next, **at;	/* among those of its loop */
	struct watch_loop *loop;
	struct lg_http *ex;
	uint32_t tenant;
	char said[LG_BUNDLE_STATE];	/* the state of the last line; empty before the first */
	int64_t said_at;		/* CLOCK_BOOTTIME */
	uint64_t heads;			/* the version of those it was told */
	int64_t heads_at;		/* when */
};

struct watch_loop {
	struct lg_note note;		/* a commit's */
	struct lg_note start;
	struct lg_timer beat;
	struct lg_watches *all;
	struct lg_loop *loop;
	struct watcher *first;
	atomic_size_t n;		/* of those; committing threads read it */
	bool posted;			/* atomic: the note is on its way */
	int64_t round;			/* when the last was */
	struct lg_timer due;		/* the next one */
	struct lg_arena *arena;
};

struct lg_watches {
	struct lg_app *app;
	int64_t beat;			/* microseconds between lines when nothing changes */
	size_t n;
	struct watch_loop loop[];
};

/* ---- one line ---------------------------------------------------------------------------------------------------------- */

static lg_err
state_of(struct watch_loop *wl, uint32_t tenant, char ret[LG_BUNDLE_STATE])
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;
	struct lg_ctx cx;

	lg_ctx_init(&cx, wl->arena);
	lg_err e = lg_view_begin(&cx, wl->all->app->store, &v);
	if (e == LG_OK)
		e = lg_bundle_state(wl->all->app, v, tenant, ret);
	lg_arena_reset(wl->arena);
	return e;
}

/* The stream outlives the handshake by days: a host that was disabled since, or whose certificate ended, hears no more. */
static bool
is_host_still(const struct watcher *w)
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;
	struct lg_app *app = w->loop->all->app;
	struct lg_certs_peer peer;
	struct lg_ctx cx;

	lg_ctx_init(&cx, w->loop->arena);
	bool is = lg_view_begin(&cx, app->store, &v) == LG_OK && lg_certs_peer(&cx, app->certs, v, w->ex->peer->cert, &peer) == LG_OK &&
	    peer.tenant == w->tenant;
	lg_arena_reset(w->loop->arena);
	return is;
}

/* The heads of both logs: in the first line, and then not oftener than there are lines without news. */
static void
put_heads(struct watcher *w, struct lg_jsonw *js)
{
	if (w->heads > 0 && w->said_at - w->heads_at < w->loop->all->beat)
		return;
	w->heads = lg_heads_put(w->loop->all->app, w->heads, js);
	w->heads_at = w->said_at;
}

static lg_err
next(void *self, struct lg_buf *out, size_t max)
{
	struct watcher *w = self;
	struct lg_jsonw js = lg_jsonw_of(out);
	char now[LG_BUNDLE_STATE];

	if (max < LG_WATCH_LINE || state_of(w->loop, w->tenant, now) != LG_OK)
		return LG_E_NOT_FOUND;
	if (strcmp(now, w->said) == 0 && lg_boottime() - w->said_at < w->loop->all->beat)
		return LG_PENDING;
	if (!is_host_still(w))
		return LG_E_NOT_FOUND;
	memcpy(w->said, now, sizeof now);
	w->said_at = lg_boottime();
	lg_jsonw_object(&js);
	lg_jsonw_str_of(&js, "state", lg_str_of(now));
	lg_jsonw_int_of(&js, "up", w->said_at);
	put_heads(w, &js);
	lg_jsonw_object_end(&js);
	lg_buf_byte(out, '\n');
	return LG_OK;
}

static void
gone(void *self)
{
	struct watcher *w = self;

	*w->at = w->next;
	if (w->next != NULL)
		w->next->at = w->at;
	atomic_fetch_sub(&w->loop->n, 1);
	free(w);
}

/* ---- rounds -------------------------------------------------------------------------------------------------------------- */

struct known {
	uint32_t tenant;
	char state[LG_BUNDLE_STATE];
};

/* Watchers of one tenant mostly follow one another: its state is looked up once for all of them. */
static const char *
known_state(struct watch_loop *wl, struct known *k, uint32_t tenant)
{
	if (k->tenant != tenant && state_of(wl, tenant, k->state) != LG_OK)
		k->state[0] = '\0';
	k->tenant = tenant;
	return k->state;
}

static void
round_of(struct watch_loop *wl)
{
	int64_t now = lg_loop_now(wl->loop);
	struct known k = { 0, "" };

	wl->round = now;
	for (struct watcher *w = wl->first; w != NULL; w = w->next)
		if (strcmp(known_state(wl, &k, w->tenant), w->said) != 0 || now - w->said_at >= wl->all->beat)
			lg_http_wake(w->ex);
}

static void
due(struct lg_timer *t)
{
	struct watch_loop *wl = (struct watch_loop *)(void *)((char *)t - offsetof(struct watch_loop, due));

	round_of(wl);
	lg_timer_set(wl->loop, t, LG_SECOND);
}

/*
 * Many commits a second make few rounds: what is told is the state then.  Never in this turn, whose snapshot may be older than the
 * commit.
 */
static void
round_soon(struct watch_loop *wl)
{
	int64_t left = wl->round + LG_WATCH_PAUSE - lg_loop_now(wl->loop);

	lg_timer_set(wl->loop, &wl->due, left > 0 ? left : 1);
}

static void
committed_on_loop(struct lg_note *note)
{
	struct watch_loop *wl = (struct watch_loop *)(void *)((char *)note - offsetof(struct watch_loop, note));

	__atomic_store_n(&wl->posted, false, __ATOMIC_RELEASE);
	if (wl->first != NULL)
		round_soon(wl);
}

static void
post(struct lg_watches *ws)
{
	for (size_t i = 0; i < ws->n; i++)
		if (atomic_load(&ws->loop[i].n) > 0 && !__atomic_exchange_n(&ws->loop[i].posted, true, __ATOMIC_ACQ_REL))
			lg_mailbox_post(lg_loop_mailbox(ws->loop[i].loop), &ws->loop[i].note);
}

/* On the committing thread. */
static void
committed(void *arg, struct lg_view *v, const struct lg_head *head, unsigned long domains)
{
	const unsigned long ours = 1ul << LG_DOMAIN_POLICY | 1ul << LG_DOMAIN_ENTRY | 1ul << LG_DOMAIN_MEMBERSHIP | 1ul << LG_DOMAIN_TRUST;

	(void)v;
	(void)head;
	if ((domains & ours) != 0)
		post(arg);
}

/* ---- arriving --------------------------------------------------------------------------------------------------------------- */

static struct watch_loop *
loop_of(struct lg_watches *ws, struct lg_loop *l)
{
	for (size_t i = 0; i < ws->n; i++)
		if (ws->loop[i].loop == l)
			return &ws->loop[i];
	return NULL;
}

static void
enter(struct watch_loop *wl, struct lg_http *ex)
{
	struct watcher *w = calloc(1, sizeof *w);

	if (w == NULL)
		abort();
	*w = (struct watcher){ .next = wl->first, .at = &wl->first, .loop = wl, .ex = ex, .tenant = ex->tenant };
	if (wl->first != NULL)
		wl->first->at = &w->next;
	wl->first = w;
	atomic_fetch_add(&wl->n, 1);
	/* Its first line may tell of this turn's snapshot, and a commit since then had nobody to post to. */
	round_soon(wl);
	lg_http_stream(ex, &(struct lg_http_stream){ next, gone, w });
}

static lg_err
watch(void *self, struct lg_http *ex)
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;
	struct lg_app *app = self;
	struct watch_loop *wl = loop_of(lg_own(app)->watches, lg_http_loop(ex));
	struct lg_caller host;

	LG_TRY(lg_view_begin(ex->cx, app->store, &v));
	LG_TRY(lg_caller_host(app, ex, v, &host));
	if (wl->n >= LG_WATCHERS)
		return lg_fail(ex->cx, LG_E_BUSY, "too many watchers");
	lg_http_type(ex, "application/x-ndjson");
	enter(wl, ex);
	return LG_OK;
}

const struct lg_route lg_watch_routes[] = {
	{ "GET", "/v1/watch", LG_SURFACE_STREAM, LG_ON_LOOP, 0, watch },
};
const size_t lg_watch_nroutes = LG_COUNT(lg_watch_routes);

/* ---- life --------------------------------------------------------------------------------------------------------------------- */

static void
start_on_loop(struct lg_note *note)
{
	struct watch_loop *wl = (struct watch_loop *)(void *)((char *)note - offsetof(struct watch_loop, start));

	lg_timer_set(wl->loop, &wl->due, LG_SECOND);
}

struct lg_watches *
lg_watches_new(struct lg_app *app)
{
	struct lg_watches *ws = calloc(1, sizeof *ws + app->nloops * sizeof ws->loop[0]);
	int64_t quarter = app->settings->max_stale / 4;

	if (ws == NULL)
		abort();
	ws->app = app;
	ws->beat = quarter < LG_WATCH_BEAT ? quarter : LG_WATCH_BEAT;
	ws->n = app->nloops;
	for (size_t i = 0; i < ws->n; i++) {
		ws->loop[i] = (struct watch_loop){ .note.run = committed_on_loop, .start.run = start_on_loop, .due.run = due,
			.all = ws, .loop = app->loops[i], .arena = lg_arena_new() };
		lg_mailbox_post(lg_loop_mailbox(app->loops[i]), &ws->loop[i].start);
	}
	lg_store_on_commit(app->store, committed, ws);
	return ws;
}

/* Behind every note that a commit has posted. */
static void
stop_on_loop(void *arg)
{
	struct watch_loop *wl = arg;

	lg_timer_unset(wl->loop, &wl->due);
}

void
lg_watches_free(struct lg_watches **ws)
{
	if (*ws == NULL)
		return;
	for (size_t i = 0; i < (*ws)->n; i++) {
		lg_loop_call((*ws)->loop[i].loop, stop_on_loop, &(*ws)->loop[i]);
		lg_arena_free(&(*ws)->loop[i].arena);
	}
	free(*ws);
	*ws = NULL;
}
