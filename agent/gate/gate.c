/* gate.c: see gate.h. */
#include "agent/gate/gate.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "agent/gate/asked.h"
#include "agent/gate/cut.h"
#include "agent/gate/elements.h"
#include "agent/gate/nft.h"
#include "agent/gate/refused.h"
#include "agent/gate/table.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/thread.h"

#define TRY_AGAIN	LG_SECOND		/* after what failed */
#define WHEREABOUTS	(1u << 20)		/* octets of what the service is told */
#define NEWS_MAX	256			/* containers that began or ended since the thread looked */

struct news {
	char container[LG_CONTAINER_ID + 1], workload[LG_CONTAINER_ID + 1];
	pid_t pid;				/* 0: it ended */
};

struct lg_gate {
	struct lg_gate_settings at;
	struct lg_range range[LG_GATE_RANGES];
	size_t nrange;
	struct lg_bundles *bundles;
	pthread_t thread;
	int wake;				/* eventfd */

	pthread_mutex_t lock;			/* over what follows */
	struct news news[NEWS_MAX];
	size_t nnews;
	bool bundle_changed, closing;
	bool revoked;				/* some certificate, or no longer */
	struct lg_buf whereabouts;		/* what the service is to know of this host */
	uint64_t whereabouts_version;		/* 0: nothing has to be said */

	struct lg_trail *trail;
	struct lg_asked *asked;

	/* The gate's thread alone. */
	struct lg_gate_table *table;		/* in force */
	struct lg_batch *batch;
	struct lg_refused *refused;
	int events;				/* what others do to the packet filter */
	struct lg_places places;
	struct lg_arena *told_arena;		/* of what follows */
	struct lg_gate_elements told;		/* what the kernel has */
	uint64_t told_generation;
	bool broken;				/* who knows what it has */
	int64_t alive_at;			/* CLOCK_BOOTTIME */
	bool said_stale;
	int64_t said_at;			/* CLOCK_BOOTTIME */
};

/* ---- news ----------------------------------------------------------------------------------------------------------- */

static void
wake(struct lg_gate *g)
{
	(void)!write(g->wake, &(uint64_t){ 1 }, sizeof(uint64_t));
}

static void
tell(struct lg_gate *g, lg_str container, lg_str workload, pid_t pid)
{
	pthread_mutex_lock(&g->lock);
	if (g->nnews < NEWS_MAX && container.n <= LG_CONTAINER_ID && workload.n <= LG_CONTAINER_ID) {
		struct news *n = &g->news[g->nnews++];
		n->pid = pid;
		snprintf(n->container, sizeof n->container, "%.*s", LG_FMT(container));
		snprintf(n->workload, sizeof n->workload, "%.*s", LG_FMT(workload));
	}
	pthread_mutex_unlock(&g->lock);
	wake(g);
}

void
lg_gate_started(struct lg_gate *g, lg_str container, lg_str workload, pid_t pid)
{
	tell(g, container, workload, pid);
}

void
lg_gate_ended(struct lg_gate *g, lg_str container)
{
	tell(g, container, LG_NONE, 0);
}

static void
bundle_changed(void *arg, const struct lg_bundle *now)
{
	struct lg_gate *g = arg;

	(void)now;
	pthread_mutex_lock(&g->lock);
	g->bundle_changed = true;
	pthread_mutex_unlock(&g->lock);
	wake(g);
}

static void
certificates_changed(void *arg)
{
	struct lg_gate *g = arg;

	pthread_mutex_lock(&g->lock);
	g->revoked = true;
	pthread_mutex_unlock(&g->lock);
	wake(g);
}

/* True when the places or the bundle are not what the table was made of. */
static bool
take_news(struct lg_ctx *cx, struct lg_gate *g, bool *bundle)
{
	struct news news[NEWS_MAX];
	size_t n;

	pthread_mutex_lock(&g->lock);
	n = g->nnews;
	memcpy(news, g->news, n * sizeof news[0]);
	g->nnews = 0;
	*bundle = g->bundle_changed;
	g->bundle_changed = false;
	bool revoked = g->revoked;
	g->revoked = false;
	pthread_mutex_unlock(&g->lock);
	for (size_t i = 0; i < n; i++) {
		if (news[i].pid == 0)
			lg_places_remove(cx, &g->places, lg_str_of(news[i].container));
		else if (lg_places_add(cx, &g->places, lg_str_of(news[i].container), lg_str_of(news[i].workload), news[i].pid) != LG_OK)
			lg_log(LG_WARN, "the gate does not know container %s: %s", news[i].container, cx->error);
	}
	return n > 0 || revoked;
}

/* ---- the frame ------------------------------------------------------------------------------------------------------- */

/* What crosses a bridge passes the filter only where the kernel is told so. */
static void
call_for_bridges(void)
{
	static const char *const files[] = { "/proc/sys/net/bridge/bridge-nf-call-iptables", "/proc/sys/net/bridge/bridge-nf-call-ip6tables" };

	for (size_t i = 0; i < LG_COUNT(files); i++) {
		LG_AUTO(lg_fd_close) int fd = open(files[i], O_WRONLY | O_CLOEXEC);
		if (fd < 0 || write(fd, "1", 1) != 1)
			lg_log(LG_WARN, "%s: %s: what crosses a bridge is not seen", files[i], strerror(errno));
	}
}

static lg_err
install(struct lg_ctx *cx, struct lg_gate *g)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(LG_GATE_TEXT);

	lg_gate_write_frame(&b);
	lg_gate_write_ranges(g->range, g->nrange, &b);
	lg_buf_byte(&b, '\0');
	LG_TRY(lg_buf_status(cx, &b));
	LG_TRY(lg_nft_run(cx, b.p));
	LG_TRY(lg_nft_queue(cx, "ask", LG_GATE_QUEUE, (uint16_t)lg_asked_queues()));
	lg_refused_install(cx, g->refused);
	malloc_trim(0);			/* what nft needs to read commands is more than all else of the gate */
	call_for_bridges();
	return LG_OK;
}

/* Somebody else took our table away, or would not let it change: an empty one lets nothing through until it is filled again. */
static lg_err
begin_again(struct lg_ctx *cx, struct lg_gate *g)
{
	LG_TRY(install(cx, g));
	(void)lg_nft_lost(cx, g->events);	/* by ourselves */
	g->told = (struct lg_gate_elements){ .n = 0 };
	g->alive_at = 0;
	return LG_OK;
}

/* ---- the table -------------------------------------------------------------------------------------------------------- */

static void
put_in_force(struct lg_gate *g, struct lg_gate_table *t)
{
	struct lg_gate_table *old = g->table;

	lg_asked_use(g->asked, t);
	g->table = t;
	lg_gate_table_free(&old);
}

static void
remember_told(struct lg_gate *g, const struct lg_gate_table *t, struct lg_arena *a, const struct lg_gate_elements *now)
{
	lg_arena_free(&g->told_arena);
	g->told_arena = a;
	g->told = *now;
	g->told_generation = t->generation;
}

/* One change of the kernel's table, or none where nothing is different. */
static lg_err
tell_kernel(struct lg_ctx *cx, struct lg_gate *g, const struct lg_gate_table *t, const struct lg_gate_elements *now, bool *different)
{
	struct lg_gate_change c = lg_gate_write_change(&g->told, now, g->batch);

	*different = c.gone + c.new > 0 || t->generation != g->told_generation;
	if (!*different)
		return LG_OK;
	lg_gate_put_generation(t->generation, g->batch);
	LG_TRY(lg_batch_run(cx, g->batch));
	malloc_trim(0);			/* a list of all elements, and what it was made from */
	lg_log(LG_INFO, "the gate knows %zu addresses and %zu ways among them, by bundle %llu", t->nnamed, t->rows.n,
	    (unsigned long long)t->generation);
	return LG_OK;
}

/* The kernel first, then the queue, then what the queue had the kernel keep: a flow is ended by what holds already, and none begins anew
 * by what held before. */
static lg_err
replace(struct lg_ctx *cx, struct lg_gate *g, struct lg_gate_table *t, bool policies)
{
	struct lg_arena *a = lg_arena_new();
	struct lg_gate_elements now = lg_gate_elements_of(t, &g->places, a);
	bool different, first = g->table == NULL || g->broken;
	lg_err e = tell_kernel(cx, g, t, &now, &different);
	size_t cut;

	if (e != LG_OK) {
		lg_arena_free(&a);
		return e;
	}
	remember_told(g, t, a, &now);
	put_in_force(g, t);
	/* A container without an address began or ended: no flow is judged otherwise.  To look through all that are tracked takes milliseconds. */
	if (!different && !policies && !first)
		return LG_OK;
	lg_gate_forget_learned(g->batch);
	LG_TRY(lg_batch_run(cx, g->batch));
	LG_TRY(lg_cut_flows(cx, t, &g->places, policies, &cut));
	if (cut > 0)
		lg_log(LG_INFO, "%zu flows between containers are not allowed any more, and ended", cut);
	return LG_OK;
}

/* A host without ranges of its own has nothing to say. */
static void
note_whereabouts(struct lg_gate *g, const struct lg_bundle *b)
{
	LG_AUTO(lg_buf_free) struct lg_buf now = LG_BUF(WHEREABOUTS);
	struct lg_jsonw w = lg_jsonw_of(&now);

	if (b == NULL || !lg_bundle_delegates(b))
		return;
	lg_gate_whereabouts(g->table, b, &g->places, &w);
	pthread_mutex_lock(&g->lock);
	if (!now.full && !lg_str_eq(lg_buf_view(&now), lg_buf_view(&g->whereabouts))) {
		lg_buf_clear(&g->whereabouts);
		lg_buf_str(&g->whereabouts, lg_buf_view(&now));
		g->whereabouts_version++;
	}
	pthread_mutex_unlock(&g->lock);
}

bool
lg_gate_whereabouts_since(struct lg_gate *g, struct lg_arena *a, uint64_t *version, lg_str *ret)
{
	pthread_mutex_lock(&g->lock);
	bool newer = g->whereabouts_version != *version;
	if (newer)
		*ret = lg_dup(a, lg_buf_view(&g->whereabouts));
	*version = g->whereabouts_version;
	pthread_mutex_unlock(&g->lock);
	return newer;
}

/* Who got another certificate before we looked is nobody for this once: its flows end as those of everybody whose was revoked. */
static void
find_nobodies(struct lg_ctx *cx, struct lg_gate *g)
{
	struct lg_map revoked;

	lg_map_init(&revoked, cx->arena);
	if (g->at.svids != NULL && lg_svids_revoked(g->at.svids, &revoked))
		certificates_changed(g);
	for (size_t i = 0; i < g->places.n; i++)
		g->places.v[i].nobody = lg_map_get(&revoked, lg_str_of(g->places.v[i].container)) != NULL;
}

static lg_err
make_anew(struct lg_ctx *cx, struct lg_gate *g, bool policies)
{
	struct lg_follow_now now;
	struct lg_gate_table *t;

	find_nobodies(cx, g);
	lg_bundles_now(g->bundles, &now);
	lg_err e = lg_gate_table_make(cx, now.bundle, &g->places, g->range, g->nrange, &t);
	if (e == LG_OK) {
		e = replace(cx, g, t, policies);
		if (e != LG_OK && g->table != t)
			lg_gate_table_free(&t);
		else
			note_whereabouts(g, now.bundle);
	}
	lg_bundle_unref(&now.bundle);
	return e;
}

/* ---- staying alive ------------------------------------------------------------------------------------------------------- */

/* Once; that it is open all the same, again and again. */
static void
say_staleness(struct lg_gate *g, bool fresh, int64_t time, int64_t max_stale)
{
	bool again = !fresh && g->at.stale_open && time >= g->said_at + max_stale;

	if (fresh == !g->said_stale && !again)
		return;
	g->said_stale = !fresh;
	g->said_at = time;
	if (fresh)
		lg_log(LG_INFO, "the gate's policies are confirmed again");
	else if (g->at.stale_open)
		lg_log(LG_ERROR, "NOBODY CONFIRMS THE GATE'S POLICIES, and it was told to stay open all the same");
	else
		lg_log(LG_ERROR, "nobody confirms the gate's policies: the kernel closes the way between containers");
}

/* The element lives as long as the bundle is fresh, and is renewed when a third of that is over. */
static lg_err
stay_alive(struct lg_ctx *cx, struct lg_gate *g)
{
	struct lg_bundle_about about = { .max_stale = LG_MINUTE };
	struct lg_follow_now now;
	int64_t time = lg_boottime();

	if (time < g->alive_at)
		return LG_OK;
	lg_bundles_now(g->bundles, &now);
	if (now.bundle != NULL)
		lg_bundle_about(now.bundle, &about);
	lg_bundle_unref(&now.bundle);
	say_staleness(g, now.fresh, time, about.max_stale);
	int64_t left = now.fresh && now.age >= 0 && now.age < about.max_stale ? about.max_stale - now.age : about.max_stale;
	g->alive_at = time + (now.fresh ? left / 3 : LG_SECOND / 5);
	if (!now.fresh && !g->at.stale_open)
		return LG_OK;
	lg_gate_put_alive(left, g->batch);
	return lg_batch_run(cx, g->batch);
}

/* ---- the thread ------------------------------------------------------------------------------------------------------------ */

static lg_err
turn(struct lg_ctx *cx, struct lg_gate *g)
{
	bool policies, changed = take_news(cx, g, &policies);

	changed |= lg_places_refresh(cx, &g->places);
	if (!g->broken && lg_nft_lost(cx, g->events)) {
		lg_log(LG_ERROR, "somebody took the gate's table away: it is made anew");
		g->broken = true;
	}
	if (g->broken)
		LG_TRY(begin_again(cx, g));
	if (changed || g->broken || policies || g->table == NULL)
		LG_TRY(make_anew(cx, g, policies));
	if (policies)
		g->alive_at = 0;
	lg_refused_read(cx, g->refused, g->table, false);
	return stay_alive(cx, g);
}

static bool
is_closing(struct lg_gate *g)
{
	pthread_mutex_lock(&g->lock);
	bool closing = g->closing;
	pthread_mutex_unlock(&g->lock);
	return closing;
}

static void *
run(void *arg)
{
	struct lg_gate *g = arg;
	struct pollfd fd[] = { { .fd = g->wake, .events = POLLIN }, { .fd = g->places.wait, .events = POLLIN },
		{ .fd = g->events, .events = POLLIN }, { .fd = lg_refused_fd(g->refused), .events = POLLIN } };
	struct lg_ctx cx;
	uint64_t count;
	int64_t wait;

	while (!is_closing(g)) {
		lg_ctx_init(&cx, lg_arena_new());
		g->broken = turn(&cx, g) != LG_OK;
		if (g->broken)
			lg_log(LG_ERROR, "the gate's table is made anew: %s", cx.error);
		lg_arena_free(&cx.arena);
		wait = g->broken ? TRY_AGAIN : g->alive_at - lg_boottime();
		(void)poll(fd, g->broken ? 1 : LG_COUNT(fd), wait <= 0 ? 0 : (int)(wait / 1000) + 1);
		if (fd[0].revents != 0)
			(void)!read(g->wake, &count, sizeof count);
	}
	lg_ctx_init(&cx, lg_arena_new());
	lg_refused_read(&cx, g->refused, g->table, true);
	lg_arena_free(&cx.arena);
	return NULL;
}

/* ---- opening, closing ---------------------------------------------------------------------------------------------------------- */

static lg_err
read_ranges(struct lg_ctx *cx, struct lg_gate *g)
{
	lg_str one, rest = g->at.ranges;
	bool more = rest.n > 0;

	while (more) {
		more = lg_str_cut(rest, ',', &one, &rest);
		if (g->nrange == LG_GATE_RANGES)
			return lg_fail(cx, LG_E_LIMIT, "a gate has at most %d ranges", LG_GATE_RANGES);
		LG_TRY(lg_range_parse(cx, lg_str_trim(one), &g->range[g->nrange++]));
	}
	return g->nrange > 0 ? LG_OK : lg_fail(cx, LG_E_INVALID, "the gate needs the ranges of addresses that it guards");
}

static lg_err
prepare(struct lg_ctx *cx, struct lg_gate *g)
{
	uint32_t ours[LG_QUEUES_MAX + 1];

	LG_TRY(read_ranges(cx, g));
	LG_TRY(lg_places_open(cx, g->at.state, &g->places));
	LG_TRY(lg_batch_open(cx, &g->batch));
	g->trail = lg_trail_new(g->bundles, g->at.tally);
	g->refused = lg_refused_open(g->trail);
	LG_TRY(install(cx, g));
	LG_TRY(lg_asked_open(cx, LG_GATE_QUEUE, g->trail, &g->asked));
	ours[0] = lg_batch_port(g->batch);
	if ((g->events = lg_nft_events(ours, lg_asked_ports(g->asked, ours + 1) + 1)) < 0)
		return lg_fail(cx, LG_E_IO, "changes of the packet filter cannot be followed: %s", strerror(errno));
	return LG_OK;
}

static void
end(struct lg_gate *g)
{
	lg_asked_close(&g->asked);
	lg_refused_close(&g->refused);
	lg_trail_free(&g->trail);
	lg_batch_close(&g->batch);
	lg_places_close(&g->places);
	lg_fd_close(&g->events);
	lg_gate_table_free(&g->table);
	lg_arena_free(&g->told_arena);
	lg_buf_free(&g->whereabouts);
	lg_fd_close(&g->wake);
	pthread_mutex_destroy(&g->lock);
	free(g);
}

lg_err
lg_gate_open(struct lg_ctx *cx, const struct lg_gate_settings *s, struct lg_bundles *bundles, struct lg_gate **ret)
{
	struct lg_gate *g = calloc(1, sizeof *g);

	if (g == NULL)
		abort();
	g->at = *s;
	g->bundles = bundles;
	g->places.own = g->places.wait = g->events = -1;
	g->whereabouts = LG_BUF(WHEREABOUTS);
	g->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	pthread_mutex_init(&g->lock, NULL);
	lg_err e = prepare(cx, g);
	if (e != LG_OK) {
		end(g);
		return e;
	}
	lg_bundles_listen(bundles, bundle_changed, g);
	if (s->svids != NULL)
		lg_svids_listen(s->svids, certificates_changed, g);
	if (!lg_thread_start(&g->thread, 0, run, g))
		abort();
	lg_log(LG_INFO, "the gate guards %.*s", LG_FMT(s->ranges));
	*ret = g;
	return LG_OK;
}

void
lg_gate_stop(struct lg_gate *g)
{
	if (g == NULL)
		return;
	pthread_mutex_lock(&g->lock);
	g->closing = true;
	pthread_mutex_unlock(&g->lock);
	wake(g);
	pthread_join(g->thread, NULL);
	lg_asked_stop(g->asked);
}

void
lg_gate_free(struct lg_gate **gate)
{
	if (*gate != NULL)
		end(*gate);
	*gate = NULL;
}

lg_err
lg_gate_remove(struct lg_ctx *cx)
{
	return lg_nft_run(cx, "add table inet lightgate\ndelete table inet lightgate\nadd table bridge lightgate\ndelete table bridge lightgate\n");
}
