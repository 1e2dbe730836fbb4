/* door_upkeep.c: a door's identity: opened, renewed in time, its ticket keys refreshed. */
#include <stdio.h>
#include <stdlib.h>

#include "agent/door_own.h"
#include "agent/gate/gate.h"
#include "agent/join.h"
#include "agent/strays.h"
#include "agent/svid.h"
#include "agent/tally.h"
#include "base/clock.h"
#include "base/log.h"

#define REFRESH_PAUSE	(10 * LG_SECOND)	/* between refreshes of the ticket keys that a bad ticket causes */
#define REFRESH_EVERY	(5 * LG_MINUTE)
#define SWEEP_EVERY	LG_HOUR
#define SAY_AGAIN	(5 * LG_SECOND)		/* what the service refused */
#define RETRY_RENEWAL	LG_MINUTE
#define TELL_AGAIN	(2 * LG_SECOND)		/* what the service did not take */
#define TELL_TIME	(3 * LG_SECOND)
#define TELL_EVERY	(5 * LG_SECOND)		/* each report is a change of the service's store */

/* ---- the upstream in force ----------------------------------------------------------------------------- */

struct lg_upstream *
lg_door_upstream(struct lg_door *door)
{
	pthread_mutex_lock(&door->lock);
	struct lg_upstream *up = lg_upstream_ref(door->up);
	pthread_mutex_unlock(&door->lock);
	return up;
}

static double
chance(void)
{
	uint16_t r;

	lg_random(&r, sizeof r);
	return (double)r / UINT16_MAX;
}

static void
publish(struct lg_ctx *cx, struct lg_door *door, struct lg_upstream *up)
{
	int64_t at = cx->now + LG_HOUR;

	if (lg_renewal_time(cx, &up->id, chance(), &at) != LG_OK)
		lg_log(LG_ERROR, "%s", cx->error);
	pthread_mutex_lock(&door->lock);
	struct lg_upstream *old = door->up;
	door->up = up;
	door->renew_at = at;
	door->renew_due = lg_boottime() + (at > cx->now ? at - cx->now : 0);
	pthread_mutex_unlock(&door->lock);
	lg_upstream_unref(&old);
}

lg_err
lg_door_open(struct lg_ctx *cx, const struct lg_door_settings *settings, struct lg_door **ret)
{
	struct lg_door *d;
	struct lg_upstream *up;

	LG_TRY(lg_records_open(cx, settings->state));
	LG_TRY(lg_upstream_new(cx, settings->state, &up));
	if ((d = calloc(1, sizeof *d)) == NULL)
		abort();
	d->at = *settings;
	lg_err e = lg_journal_open(cx, lg_print(up->arena, "%s/decisions", settings->state).p, &d->journal);
	if (e != LG_OK) {
		lg_upstream_unref(&up);
		free(d);
		return e;
	}
	pthread_mutex_init(&d->changing, NULL);
	pthread_mutex_init(&d->lock, NULL);
	lg_door_take_over(d);
	publish(cx, d, up);
	*ret = d;
	return LG_OK;
}

/* What was counted goes into the journal, on the disk, before anybody is told. */
static void
write_tally(struct lg_ctx *cx, struct lg_door *d, bool all)
{
	lg_err e = lg_tally_write(cx, d->at.tally, d->journal, all);

	if (e == LG_OK)
		e = lg_journal_sync(cx, d->journal);
	if (e != LG_OK && lg_boottime() >= d->say_full_at) {
		d->say_full_at = lg_boottime() + LG_MINUTE;
		lg_log(LG_WARN, "what was decided here is only counted: %s", cx->error);
	}
}

static void
write_rest(struct lg_door *d)
{
	struct lg_ctx cx;

	lg_ctx_init(&cx, lg_arena_new());
	write_tally(&cx, d, true);
	lg_arena_free(&cx.arena);
}

void
lg_door_close(struct lg_door **door)
{
	struct lg_door *d = *door;

	*door = NULL;
	if (d == NULL)
		return;
	write_rest(d);
	lg_upstream_unref(&d->up);
	lg_journal_close(&d->journal);
	pthread_mutex_destroy(&d->lock);
	pthread_mutex_destroy(&d->changing);
	free(d->expected);
	free(d);
}

lg_err
lg_door_admitted(struct lg_ctx *cx, struct lg_door *door, lg_str container, lg_str *workload)
{
	struct lg_admitted ad;

	LG_TRY(lg_admitted_get(cx, door->at.state, container, &ad));
	*workload = ad.workload;
	return LG_OK;
}

lg_str
lg_door_host(struct lg_ctx *cx, struct lg_door *door)
{
	LG_AUTO(lg_upstream_unref) struct lg_upstream *up = lg_door_upstream(door);

	return lg_print(cx->arena, "%.*s of %.*s", LG_FMT(up->id.host_name), LG_FMT(up->id.issuer));
}

/* ---- records that nobody waits for ----------------------------------------------------------------------------- */

lg_err
lg_door_wrote(struct lg_ctx *cx, struct lg_door *d, lg_str container, lg_str jti)
{
	bool room = false;

	pthread_mutex_lock(&d->lock);
	if (d->nunsynced < LG_DOOR_UNSYNCED && jti.n <= LG_CONTAINER_ID) {
		struct lg_unsynced *u = &d->unsynced[d->nunsynced++];
		snprintf(u->id, sizeof u->id, "%.*s", LG_FMT(container));
		snprintf(u->jti, sizeof u->jti, "%.*s", LG_FMT(jti));
		room = true;
	}
	pthread_mutex_unlock(&d->lock);
	return room ? LG_OK : lg_records_sync(cx, d->at.state, container, jti);
}

void
lg_door_settle(struct lg_ctx *cx, struct lg_door *d)
{
	struct lg_unsynced mine[LG_DOOR_UNSYNCED];

	pthread_mutex_lock(&d->lock);
	size_t n = d->nunsynced;
	memcpy(mine, d->unsynced, n * sizeof *mine);
	d->nunsynced = 0;
	pthread_mutex_unlock(&d->lock);
	for (size_t i = 0; i < n; i++)
		if (lg_records_sync(cx, d->at.state, lg_str_of(mine[i].id), lg_str_of(mine[i].jti)) != LG_OK)
			lg_log(LG_ERROR, "the admission of container %s is not durable: %s", mine[i].id, cx->error);
	if (lg_journal_sync(cx, d->journal) != LG_OK)
		lg_log(LG_ERROR, "what was decided here is not durable: %s", cx->error);
}

/* ---- the ticket keys ------------------------------------------------------------------------------------------ */

/* May a ticket that does not verify make us ask for newer keys?  Not more often than every ten seconds. */
bool
lg_door_may_refresh(struct lg_door *d)
{
	int64_t now = lg_boottime();

	pthread_mutex_lock(&d->lock);
	bool may = d->refreshed == 0 || now - d->refreshed > REFRESH_PAUSE;
	if (may)
		d->refreshed = now;
	pthread_mutex_unlock(&d->lock);
	return may;
}

static lg_err
fetch_keys(struct lg_ctx *cx, struct lg_door *d, int64_t time)
{
	LG_AUTO(lg_upstream_unref) struct lg_upstream *up = lg_door_upstream(d);
	struct lg_upstream *newer;

	LG_TRY(lg_upstream_refresh(cx, up, d->at.state, time, &newer));
	publish(cx, d, newer);
	return LG_OK;
}

/* A renewal that is under way brings no ticket keys, but nobody at the door can wait for it. */
lg_err
lg_door_refresh(struct lg_ctx *cx, struct lg_door *d, int64_t time)
{
	if (pthread_mutex_trylock(&d->changing) != 0)
		return lg_fail(cx, LG_E_BUSY, "the host's identity is being renewed");
	lg_err e = fetch_keys(cx, d, time);
	pthread_mutex_unlock(&d->changing);
	return e;
}

/* ---- what falls due ------------------------------------------------------------------------------------------------------------ */

static lg_err
replace_identity(struct lg_ctx *cx, struct lg_door *d)
{
	struct lg_upstream *up;

	LG_TRY(lg_renew(cx, d->at.state));
	LG_TRY(lg_upstream_new(cx, d->at.state, &up));
	publish(cx, d, up);
	return LG_OK;
}

static void
renew(struct lg_ctx *cx, struct lg_door *d)
{
	pthread_mutex_lock(&d->changing);
	lg_err e = replace_identity(cx, d);
	pthread_mutex_unlock(&d->changing);
	if (e == LG_OK) {
		lg_log(LG_INFO, "the host's certificate is renewed");
		return;
	}
	lg_log(LG_ERROR, "the host's certificate cannot be renewed: %s", cx->error);
	d->renew_not_before = lg_boottime() + (int64_t)((double)RETRY_RENEWAL * (0.5 + chance()));
}

static void
renew_workloads(struct lg_ctx *cx, struct lg_door *d)
{
	LG_AUTO(lg_upstream_unref) struct lg_upstream *up = lg_door_upstream(d);

	lg_svids_maintain(cx, d->at.svids, up);
}

/* Other hosts' gates go by it. */
static void
say_whereabouts(struct lg_ctx *cx, struct lg_door *d)
{
	LG_AUTO(lg_upstream_unref) struct lg_upstream *up = lg_door_upstream(d);
	uint64_t version = d->said;
	lg_str body;

	if (lg_boottime() < d->say_at || !lg_gate_whereabouts_since(d->at.gate, cx->arena, &version, &body))
		return;
	if (lg_upstream_whereabouts(cx, up, body) == LG_OK) {
		d->said = version;
		return;
	}
	lg_log(LG_WARN, "the service does not take the containers' addresses: %s", cx->error);
	d->say_at = lg_boottime() + SAY_AGAIN;
}

static lg_err
tell_part(struct lg_ctx *cx, struct lg_door *d)
{
	LG_AUTO(lg_upstream_unref) struct lg_upstream *up = lg_door_upstream(d);
	uint64_t taken;
	lg_str body;

	LG_TRY(lg_journal_part(cx, d->journal, &body));
	lg_err e = lg_upstream_tell(cx, up, body, TELL_TIME, &taken);
	if (e == LG_OK)
		e = lg_journal_told(cx, d->journal, taken);
	if (e != LG_E_CONFLICT)
		return e;
	lg_log(LG_ERROR, "%s", cx->error);
	return lg_journal_renew(cx, d->journal);
}

/* What was decided here comes on the service's record as soon as it is back. */
static void
tell_decisions(struct lg_ctx *cx, struct lg_door *d)
{
	while (lg_boottime() >= d->tell_at && lg_journal_waits(d->journal)) {
		lg_err e = tell_part(cx, d);
		if (e == LG_OK && lg_journal_waits(d->journal))
			continue;
		if (e == LG_OK) {
			d->tell_at = lg_boottime() + TELL_EVERY;
			return;
		}
		d->tell_at = lg_boottime() + TELL_AGAIN;
		if (e != LG_E_UNAVAILABLE)
			lg_log(LG_WARN, "the service does not take what was decided here: %s", cx->error);
	}
}

/* The bundle shall know of a new container before the service is away. */
static void
fetch_bundle(struct lg_ctx *cx, struct lg_door *d)
{
	if (d->at.bundles != NULL && lg_bundles_fetch(cx, d->at.bundles) != LG_OK)
		lg_log(LG_WARN, "the bundle cannot be fetched: %s", cx->error);
}

void
lg_door_maintain(struct lg_ctx *cx, struct lg_door *d)
{
	int64_t now = lg_boottime();

	pthread_mutex_lock(&d->lock);
	bool admitted = d->admitted;
	d->admitted = false;
	bool old = (cx->now >= d->renew_at || now >= d->renew_due) && now >= d->renew_not_before, stale = now - d->refreshed > REFRESH_EVERY;
	pthread_mutex_unlock(&d->lock);
	if (old)
		renew(cx, d);
	if (admitted)
		fetch_bundle(cx, d);
	if (d->at.gate != NULL)
		say_whereabouts(cx, d);
	write_tally(cx, d, false);
	tell_decisions(cx, d);
	if (d->at.svids != NULL)
		renew_workloads(cx, d);
	if (stale && lg_door_may_refresh(d) && lg_door_refresh(cx, d, 5 * LG_SECOND) != LG_OK)
		lg_log(LG_WARN, "the ticket keys cannot be refreshed: %s", cx->error);
	if (now - d->strays_at >= LG_STRAYS_EVERY - LG_SECOND) {
		d->strays_at = now;
		lg_door_strays(cx, d);
	}
	if (d->swept == 0 || now - d->swept > SWEEP_EVERY) {
		d->swept = now;
		if (lg_redeemed_sweep(cx, d->at.state) != LG_OK)
			lg_log(LG_WARN, "%s", cx->error);
	}
}
