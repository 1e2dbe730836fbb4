/*
 * op_sync.c: the refresh and persist stages of content synchronisation (RFC 4533 3).
 *
 * A refresh walks either the search's plan (all, present) or the events since the cookie (changes); the persist stage goes on with the
 * events.  What a consumer is told is what a search of its own would show it now, and of entries that are gone only what it could
 * have seen.  Attributes that follow from other entries (memberOf) are not part of the content: nothing would tell of their change.
 */
#include "base/clock.h"
#include "directory/directory.h"
#include "directory/hub.h"
#include "directory/sync.h"

#define REFRESH_REQUIRED 4096		/* e-syncRefreshRequired */

static struct lg_sync *
sync_of(const struct lg_op *op)
{
	const struct lg_search *s = op->state;

	return s->sync;
}

bool
lg_sync_by_events(const struct lg_sync *sy)
{
	return sy->phase == LG_SYNC_CHANGES || sy->phase == LG_SYNC_PERSIST;
}

/* ---- the beginning -------------------------------------------------------------------------------------------------------- */

/* A cookie that we know, of a time that can be told from. */
static lg_err
choose_phase(struct lg_op *op, struct lg_view *v, struct lg_sync *sy)
{
	const struct lg_search *s = op->state;
	struct lg_moment now = lg_moment_now(v);
	struct lg_event_bounds b;
	bool known;

	LG_TRY(lg_sync_binding(op, v, &sy->binding));
	LG_TRY(lg_sync_cookie_read(op, sy, op->controls.sync->cookie, &known));
	LG_TRY(lg_event_bounds(&op->cx, v, s->tenant, &b));
	if (!known || lg_moment_before(sy->since, b.reload) || lg_moment_before(now, sy->since))
		sy->phase = LG_SYNC_ALL;
	else
		sy->phase = lg_moment_before(sy->since, b.forgotten) ? LG_SYNC_PRESENT : LG_SYNC_CHANGES;
	sy->naming = sy->phase == LG_SYNC_CHANGES;
	sy->at = sy->naming ? sy->since : now;
	return LG_OK;
}

bool
lg_sync_begin(struct lg_op *op, struct lg_view *v)
{
	struct lg_search *s = op->state;
	struct lg_sync *sy = LG_NEW(op->arena, struct lg_sync);
	lg_err e;

	if (op->controls.paged || op->controls.sort != NULL || op->controls.nderef > 0) {
		lg_op_code(op, LG_LDAP_UNWILLING, "a synchronisation is neither paged nor sorted");
		return false;
	}
	sy->op = op;
	sy->persist = op->controls.sync->persist;
	s->sync = sy;
	if (s->asked_time == 0)
		s->deadline = 0;		/* it takes what it takes, unless the client says otherwise */
	e = choose_phase(op, v, sy);
	if (e != LG_OK)
		lg_op_error(op, e, NULL);
	return e == LG_OK;
}

/* ---- persist: among those that stay ------------------------------------------------------------------------------------------ */

static void
leave(struct lg_op *op)
{
	struct lg_sync *sy = sync_of(op);

	*sy->prev = sy->next;
	if (sy->next != NULL)
		sync_of(sy->next)->prev = sy->prev;
	if (--op->ldap->nsyncs == 0)
		lg_ear_hear_all(op->ldap->ear, false);
}

static bool
stay(struct lg_op *op)
{
	struct lg_ldap *l = op->ldap;
	struct lg_sync *sy = sync_of(op);

	if (l->nsyncs == LG_SYNC_PERSISTS)
		return false;
	sy->next = l->syncs;
	sy->prev = &l->syncs;
	if (sy->next != NULL)
		sync_of(sy->next)->prev = &sy->next;
	l->syncs = op;
	if (l->nsyncs++ == 0)
		lg_ear_hear_all(l->ear, true);
	op->ended = leave;
	return true;
}

void
lg_syncs_changed(struct lg_ldap *l)
{
	for (struct lg_op *op = l->syncs; op != NULL; op = sync_of(op)->next)
		if (op->slice == NULL) {
			op->slice = lg_sync_slice;
			lg_op_wake(op);
		}
}

/* ---- the walk of a plan -------------------------------------------------------------------------------------------------------- */

void
lg_sync_match(struct lg_op *op, struct lg_shown *sh)
{
	const struct lg_sync *sy = sync_of(op);

	if (sy->phase == LG_SYNC_PRESENT && !lg_moment_before(sy->since, lg_moment_of(sh->e->modified, sh->e->stamp)))
		lg_sync_name(op, sh->e->uuid);
	else
		lg_sync_send_entry(op, sh, LG_SYNC_STATE_ADD);
}

static void
done(struct lg_op *op, lg_str cookie)
{
	op->slice = NULL;
	lg_sync_reply_done(op, cookie);
	lg_op_code(op, LG_LDAP_SUCCESS, "");
}

void
lg_sync_refreshed(struct lg_op *op)
{
	struct lg_sync *sy = sync_of(op);
	lg_str cookie;
	lg_err e = lg_sync_cookie_print(op, sy, sy->at, &cookie);

	if (e != LG_OK) {
		lg_op_error(op, e, NULL);
		return;
	}
	lg_sync_flush_names(op);
	if (!sy->persist) {
		done(op, cookie);
	} else if (!stay(op)) {
		lg_op_code(op, LG_LDAP_BUSY, "too many synchronisations stay");
	} else {
		lg_sync_send_refreshed(op, cookie);
		sy->phase = LG_SYNC_PERSIST;
		op->slice = lg_sync_slice;
	}
}

/* ---- events --------------------------------------------------------------------------------------------------------------------- */

static void
tell_gone(struct lg_op *op, lg_uuid uuid, lg_str dn)
{
	if (sync_of(op)->phase == LG_SYNC_PERSIST)
		lg_sync_send_deleted(op, uuid, dn);
	else
		lg_sync_name(op, uuid);
}

/* An entry as it is now: within the content, or perhaps no longer; outside of the base it never was, or a mark of its move tells. */
static lg_err
tell_written(struct lg_op *op, struct lg_search_slice *sl, const struct lg_entry *e)
{
	struct lg_shown sh = { .ac = &sl->ac, .e = e };
	bool wanted;

	LG_TRY(lg_search_wants(op, sl, &sh, &wanted));
	if (wanted && !sync_of(op)->naming) {
		lg_sync_flush_names(op);
		lg_sync_send_entry(op, &sh, e->created == e->modified ? LG_SYNC_STATE_ADD : LG_SYNC_STATE_MODIFY);
	} else if (!wanted && sh.dn.n > 0 && lg_may(&sl->ac, LG_RIGHT_DISCLOSE, e, sh.dn, NULL)) {
		tell_gone(op, e->uuid, sh.dn);
	}
	return LG_OK;
}

/*
 * One that was deleted, or had this DN, is told to those who could see it there.  What was renamed follows again as it is now: so it
 * does not meet at the consumer's who had the name before, in whatever order both come.
 */
static void
tell_mark(struct lg_op *op, struct lg_search_slice *sl, const struct lg_event *ev)
{
	const struct lg_search *s = op->state;
	const struct lg_sync *sy = s->sync;
	struct lg_entry was = { .tenant = s->tenant, .type = ev->type, .uuid = ev->uuid };
	bool told = sy->phase == LG_SYNC_CHANGES && !sy->naming && !lg_moment_before(sy->named, ev->at);

	if (!told && lg_may(&sl->ac, LG_RIGHT_DISCLOSE, &was, ev->dn, NULL))
		tell_gone(op, ev->uuid, ev->dn);
}

static lg_err
tell(struct lg_op *op, struct lg_search_slice *sl, const struct lg_event *ev)
{
	const struct lg_search *s = op->state;
	struct lg_entry e;
	lg_err found;

	lg_arena_reset(op->ldap->entry);
	if (ev->id == 0) {
		tell_mark(op, sl, ev);
		return LG_OK;
	}
	found = lg_entry_by_id(&sl->one, sl->v, s->tenant, ev->id, &e);
	return found == LG_OK ? tell_written(op, sl, &e) : found == LG_E_NOT_FOUND ? LG_OK : found;
}

/* Tells a cookie; of a record that was told in part nothing counts. */
static lg_err
send_cookie(struct lg_op *op)
{
	const struct lg_sync *sy = sync_of(op);
	lg_str cookie;

	LG_TRY(lg_sync_cookie_print(op, sy, sy->at, &cookie));
	lg_sync_send_cookie(op, cookie);
	return LG_OK;
}

static lg_err
caught_up(struct lg_op *op, struct lg_search_slice *sl, bool any)
{
	struct lg_sync *sy = sync_of(op);

	if (sy->naming) {
		sy->naming = false;
		sy->named = lg_moment_now(sl->v);
		sy->at = sy->since;
		sy->last_time = 0;
		sy->last_stamp = 0;
		lg_sync_flush_names(op);
		return LG_OK;
	}
	sy->at = lg_moment_now(sl->v);
	if (sy->phase != LG_SYNC_PERSIST) {
		lg_sync_refreshed(op);
		return LG_OK;
	}
	op->slice = NULL;			/* until something is committed */
	return any ? send_cookie(op) : LG_OK;
}

/* The event is the next to be told: all records before its own have been. */
static void
arrive(struct lg_sync *sy, const struct lg_event *ev)
{
	struct lg_moment before = { ev->at.time, ev->at.seq - 1 };

	if (lg_moment_before(sy->at, before))
		sy->at = before;
}

static lg_err
tell_events(struct lg_op *op, struct lg_search_slice *sl)
{
	LG_AUTO(lg_events_end) struct lg_events events = { .more_gone = false };
	const struct lg_search *s = op->state;
	struct lg_sync *sy = sync_of(op);
	struct lg_moment begun = sy->at;
	struct lg_event ev;
	size_t n = 0;

	LG_TRY(lg_events_begin(&sl->cx, sl->v, s->tenant, begun, &events));
	while (lg_events_next(&events, &ev)) {
		if (ev.at.time == sy->last_time && ev.stamp <= sy->last_stamp)
			continue;
		arrive(sy, &ev);
		if (lg_search_slice_over(op, sl, ++n))
			return sy->phase == LG_SYNC_PERSIST && lg_moment_before(begun, sy->at) ? send_cookie(op) : LG_OK;
		LG_TRY(tell(op, sl, &ev));
		sy->last_time = ev.at.time;
		sy->last_stamp = ev.stamp;
	}
	return caught_up(op, sl, n > 0);
}

/* Rights, policy and what is remembered are as they were, or it has to begin anew. */
static lg_err
still_holds(struct lg_op *op, struct lg_view *v, bool *ret)
{
	const struct lg_search *s = op->state;
	const struct lg_sync *sy = s->sync;
	struct lg_event_bounds b;
	lg_sha256 now;

	LG_TRY(lg_sync_binding(op, v, &now));
	LG_TRY(lg_event_bounds(&op->cx, v, s->tenant, &b));
	*ret = memcmp(now.b, sy->binding.b, sizeof now.b) == 0 && !lg_moment_before(sy->at, b.reload) && !lg_moment_before(sy->at, b.forgotten);
	return LG_OK;
}

static void
run(struct lg_op *op, struct lg_search_slice *sl)
{
	bool holds = false;
	lg_err e = still_holds(op, sl->v, &holds);

	if (e == LG_OK && holds)
		e = tell_events(op, sl);
	if (e != LG_OK && e != LG_E_NOT_FOUND)
		lg_op_error(op, e, NULL);
	else if (!holds || e == LG_E_NOT_FOUND)		/* the asker's own entry is gone */
		lg_op_code(op, REFRESH_REQUIRED, "the content has to be read anew");
	else if (sync_of(op)->phase != LG_SYNC_PERSIST && !op->done)
		lg_search_late(op);
}

void
lg_sync_slice(struct lg_op *op)
{
	lg_search_in_slice(op, run);
}
