/* maintenance.c: what the service does by itself, again and again: on workers, started by a timer of the first loop. */
#include <malloc.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "lightgate/store.h"
#include "server/admissions.h"
#include "server/app_own.h"
#include "server/bundle.h"
#include "server/heads.h"
#include "server/indexing.h"
#include "server/rotation.h"
#include "server/storage.h"
#include "server/tenants.h"
#include "server/warnings.h"
#include "server/whereabouts.h"

static void
complain(struct lg_ctx *cx, const char *what, lg_err e)
{
	if (e != LG_OK)
		lg_log(LG_ERROR, "%s: %s: %s", what, lg_err_name(e), cx->error);
}

void
lg_maintenance_heads(struct lg_ctx *cx, struct lg_app *app)
{
	lg_str head;

	for (int chain = 0; chain < LG_CHAINS; chain++)
		complain(cx, "signing the head of a log", lg_heads_extend(cx, app, (enum lg_chain)chain, &head));
}

static lg_err
sweep_certificates(struct lg_ctx *cx, struct lg_app *app, uint32_t tenant, bool *more)
{
	size_t gone = 0;

	return lg_certs_purge(cx, app->certs, tenant, cx->now - app->settings->certificates_keep, &gone, more);
}

static lg_err
sweep_sts(struct lg_ctx *cx, struct lg_app *app, uint32_t tenant, bool *more)
{
	(void)tenant;
	return lg_sts_sweep(cx, app->sts, more);
}

/* Rows that have outlived their use, a thousand at a time. */
static const struct {
	const char *what;
	lg_err (*run)(struct lg_ctx *cx, struct lg_app *app, uint32_t tenant, bool *more);
	bool of_tenant;			/* once a tenant */
} sweeps[] = {
	{ "expired sessions and codes", sweep_sts, false },
	{ "redeemed tickets", lg_redeemed_sweep, true },
	{ "expired certificates", sweep_certificates, true },
};

static void
sweep(struct lg_ctx *cx, struct lg_app *app)
{
	for (size_t i = 0; i < LG_COUNT(sweeps); i++) {
		const struct lg_tenant_view *t = lg_tenants_after(app->tenants, 0);
		while (t != NULL) {
			bool more = false;
			complain(cx, sweeps[i].what, sweeps[i].run(cx, app, t->id, &more));
			if (!more)
				t = sweeps[i].of_tenant ? lg_tenants_after(app->tenants, t->id) : NULL;
		}
	}
}

/* Copying a large store takes long, so it is a job of its own: heads are signed meanwhile. */
static void
snapshot(void *arg)
{
	struct lg_app *app = arg;
	struct lg_arena *arena = lg_arena_new();
	struct lg_ctx cx;

	lg_ctx_init(&cx, arena);
	cx.actor = &lg_system;
	complain(&cx, "taking a snapshot of the store", lg_store_snapshot(&cx, app->store, false));
	lg_store_turn(app->store);
	lg_arena_free(&arena);
	__atomic_store_n(&lg_own(app)->copying, false, __ATOMIC_RELEASE);
}

/* Others' servers may take their time, so these are jobs of their own, too; what is left of them ends with the service. */
static void
each_tenant(struct lg_app *app, const char *what, lg_err (*run)(struct lg_ctx *cx, struct lg_certs *certs, uint32_t tenant))
{
	struct lg_arena *arena = lg_arena_new();
	const struct lg_tenant_view *t = lg_tenants_after(app->tenants, 0);
	struct lg_ctx cx;

	for (; t != NULL && !__atomic_load_n(&lg_own(app)->stopping, __ATOMIC_ACQUIRE); t = lg_tenants_after(app->tenants, t->id)) {
		lg_arena_reset(arena);
		lg_ctx_init(&cx, arena);
		cx.actor = &lg_system;
		complain(&cx, what, run(&cx, app->certs, t->id));
		lg_store_turn(app->store);
	}
	lg_arena_free(&arena);
}

static void
refresh_bundles(void *arg)
{
	struct lg_app *app = arg;

	each_tenant(app, "bundles of other trust domains", lg_certs_refresh_bundles);
	__atomic_store_n(&lg_own(app)->refreshing, false, __ATOMIC_RELEASE);
}

static void
tell_hooks(void *arg)
{
	struct lg_app *app = arg;

	each_tenant(app, "telling webhooks", lg_certs_hooks);
	__atomic_store_n(&lg_own(app)->hooking, false, __ATOMIC_RELEASE);
}

/* Submits the job unless it is already under way. */
static void
submit_once(struct lg_app *app, bool *busy, void (*run)(void *arg))
{
	if (!__atomic_exchange_n(busy, true, __ATOMIC_ACQ_REL) && lg_pool_submit(app->workers, run, app) != LG_OK)
		__atomic_store_n(busy, false, __ATOMIC_RELEASE);
}

/* What is freed beside it takes the top of this thread's arena along. */
static void
give_back_top(void *arg)
{
	void *volatile p = malloc(LG_HEAP_TOP);

	(void)arg;
	free(p);
}

/*
 * What a burst of requests left behind.  malloc_trim leaves the tops of threads' arenas alone: they go back from a threshold on, which is
 * high, since batch after batch needs them again, and low for this moment.
 */
static void
give_back(struct lg_app *app)
{
	(void)mallopt(M_TRIM_THRESHOLD, LG_HEAP_TOP);
	for (size_t i = 0; i < app->nloops; i++)
		lg_loop_call(app->loops[i], give_back_top, NULL);
	give_back_top(NULL);
	(void)mallopt(M_TRIM_THRESHOLD, LG_HEAP_TRIM);
	malloc_trim(0);
}

static void
every_minute(struct lg_ctx *cx, struct lg_app *app)
{
	lg_str clock = lg_clock_complaint(lg_store_clock(app->store));

	if (clock.n > 0)
		lg_log(LG_ERROR, "%.*s", LG_FMT(clock));
	lg_warn_authorities(cx, app);
	sweep(cx, app);
	give_back(app);
	submit_once(app, &lg_own(app)->copying, snapshot);
	submit_once(app, &lg_own(app)->refreshing, refresh_bundles);
	if (!__atomic_load_n(&lg_own(app)->counting, __ATOMIC_ACQUIRE) && lg_boottime() >= lg_own(app)->census_due)
		submit_once(app, &lg_own(app)->counting, lg_warn_certificates);
}

/* Applications and mail servers that do not answer keep a worker waiting: this has jobs of its own. */
static void
notify(void *arg)
{
	struct lg_notice_lane *lane = arg;
	struct lg_arena *arena = lg_arena_new();
	struct lg_ctx cx;

	lg_ctx_init(&cx, arena);
	cx.actor = &lg_system;
	if (lane->n < LG_STS_LANES)
		complain(&cx, "telling applications that a session has ended", lg_sts_notify(&cx, lane->app->sts, lane->n));
	else
		complain(&cx, "sending mail", lg_sts_mail(&cx, lane->app->sts, lane->n - LG_STS_LANES));
	lg_store_turn(lane->app->store);
	lg_arena_free(&arena);
	__atomic_store_n(&lane->busy, false, __ATOMIC_RELEASE);
}

static void
start_notices(struct lg_app *app)
{
	for (unsigned i = 0; i < LG_COUNT(lg_own(app)->lanes); i++) {
		struct lg_notice_lane *lane = &lg_own(app)->lanes[i];

		if (__atomic_exchange_n(&lane->busy, true, __ATOMIC_ACQ_REL))
			continue;
		lane->app = app;
		lane->n = i;
		if (lg_pool_submit(app->workers, notify, lane) != LG_OK)
			__atomic_store_n(&lane->busy, false, __ATOMIC_RELEASE);
	}
}

static void
maintain(void *arg)
{
	struct lg_app *app = arg;
	struct lg_app_own *own = lg_own(app);
	struct lg_arena *arena = lg_arena_new();
	struct lg_ctx cx;

	lg_ctx_init(&cx, arena);
	cx.actor = &lg_system;
	lg_maintenance_heads(&cx, app);
	complain(&cx, "rotating keys", lg_rotation_run(&cx, app));
	submit_once(app, &own->hooking, tell_hooks);
	if (lg_own_identity_due(&cx, app)) {
		/* The roots first: who reads the file and then connects finds the one behind what is shown. */
		complain(&cx, "writing the file of roots", lg_own_roots_write(&cx, app));
		complain(&cx, "renewing the service's certificate", lg_own_identity_renew(&cx, app));
	}
	if (cx.now - own->swept > LG_MINUTE) {
		own->swept = cx.now;
		every_minute(&cx, app);
	}
	lg_store_turn(app->store);
	lg_arena_free(&arena);
	__atomic_store_n(&own->working, false, __ATOMIC_RELEASE);
}

/* Heads are signed at least every LG_HEADS_EVERY; a successor's time may be shorter where keys are turned for a test. */
static int64_t
maintenance_pause(const struct lg_settings *s)
{
	return s->rotation_publish < LG_HEADS_EVERY ? s->rotation_publish : LG_HEADS_EVERY;
}

static void
tick(struct lg_timer *t)
{
	struct lg_app_own *own = (struct lg_app_own *)(void *)((char *)t - offsetof(struct lg_app_own, maintenance));
	struct lg_app *app = own->wiring.directory.self;

	if (__atomic_load_n(&own->stopping, __ATOMIC_ACQUIRE))
		return;
	submit_once(app, &own->working, maintain);
	start_notices(app);
	lg_indexing_start(app);
	lg_timer_set(lg_loop_self(), t, maintenance_pause(app->settings));
}

struct starter {
	struct lg_note note;
	struct lg_app_own *own;
};

static void
start_timer(struct lg_note *note)
{
	struct starter *s = (struct starter *)(void *)note;

	s->own->maintenance.run = tick;
	lg_timer_set(lg_loop_self(), &s->own->maintenance, LG_SECOND);
	free(s);
}

void
lg_maintenance_start(struct lg_app *app)
{
	struct starter *s = calloc(1, sizeof *s);

	if (s == NULL)
		abort();
	*s = (struct starter){ { NULL, start_timer }, lg_own(app) };
	lg_mailbox_post(lg_loop_mailbox(app->loops[0]), &s->note);
}

static void
stop_timer(void *arg)
{
	struct lg_app_own *own = arg;

	__atomic_store_n(&own->stopping, true, __ATOMIC_RELEASE);
	lg_timer_unset(lg_loop_self(), &own->maintenance);
}

void
lg_maintenance_end(struct lg_app *app)
{
	lg_loop_call(app->loops[0], stop_timer, lg_own(app));
	/* A round of maintenance is a job that submits others. */
	while (__atomic_load_n(&lg_own(app)->working, __ATOMIC_ACQUIRE))
		usleep(1000);
}
