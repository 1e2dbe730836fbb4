/* door_strays.c: what runs here: containers without admissions, admissions without containers, and whoever asks from inside one. */
#include <unistd.h>

#include "agent/cgroup.h"
#include "agent/door_own.h"
#include "agent/listener.h"
#include "agent/strays.h"
#include "base/clock.h"
#include "base/log.h"

#define SETTLING (10 * LG_SECOND)	/* from an admission until the runtime must know the container */

struct looking {
	struct lg_ctx *cx;
	struct lg_door *door;
};

static bool
was_reported(struct lg_door *d, lg_str id)
{
	lg_sha256 h = lg_sha256_of(id);

	for (size_t i = 0; i < d->nreported && i < LG_DOOR_REPORTED; i++)
		if (memcmp(&d->reported[i], &h, sizeof h) == 0)
			return true;
	d->reported[d->nreported++ % LG_DOOR_REPORTED] = h;
	return false;
}

static void
judge(void *arg, const struct lg_running *r)
{
	struct looking *l = arg;
	struct lg_ctx *cx = l->cx;
	struct lg_door *d = l->door;
	struct lg_admitted ad;

	if (lg_admitted_get(cx, d->at.state, r->id, &ad) == LG_OK)
		return;
	if (d->at.kill_strays)
		lg_running_kill(r);
	if (was_reported(d, r->id))
		return;
	lg_log(LG_ERROR, "container %.*s runs without an admission (process %lld)%s", LG_FMT(r->id), (long long)r->pid,
	    d->at.kill_strays ? "; killed" : "");
	LG_AUTO(lg_upstream_unref) struct lg_upstream *up = lg_door_upstream(d);
	if (lg_upstream_stray(cx, up, r->id) != LG_OK)
		lg_log(LG_WARN, "the service cannot be told: %s", cx->error);
}

/* Gone: the engine does not keep its files any more, and no runtime knows it.  A stop alone is neither. */
static bool
is_gone(struct lg_ctx *cx, struct lg_door *d, const struct lg_admitted *ad)
{
	const char *home;

	return ad->home.n > 0 && cx->now - ad->time > SETTLING && lg_cstr(cx, ad->home, &home) == LG_OK && access(home, F_OK) != 0 &&
	    !lg_running_known(cx, d->at.runtime_roots, ad->container);
}

static void
end_gone(struct lg_ctx *cx, struct lg_door *d)
{
	struct lg_admitted ad;
	lg_str *id = NULL, text;
	size_t n = 0;

	if (lg_admitted_ids(cx, d->at.state, &id, &n) != LG_OK) {
		lg_log(LG_WARN, "%s", cx->error);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		if (lg_admitted_get(cx, d->at.state, id[i], &ad) != LG_OK || !is_gone(cx, d, &ad))
			continue;
		lg_log(LG_INFO, "container %.*s is gone; its admission ends", LG_FMT(id[i]));
		if (lg_door_end(cx, d, id[i], &text) != LG_OK)
			lg_log(LG_WARN, "the end of container %.*s: %s", LG_FMT(id[i]), cx->error);
	}
}

void
lg_door_strays(struct lg_ctx *cx, struct lg_door *d)
{
	struct looking l = { cx, d };

	lg_running_each(cx, d->at.runtime_roots, judge, &l);
	end_gone(cx, d);
}

/* ---- who asks ------------------------------------------------------------------------------------------------------ */

struct place {
	struct lg_ctx *cx;
	lg_str text;			/* of the caller's cgroups */
	bool inside;
};

static void
compare(void *arg, const struct lg_running *r)
{
	struct place *p = arg;
	lg_str place;

	p->inside = p->inside || (lg_cgroup_apart(p->cx, (pid_t)r->pid, &place) == LG_OK && lg_cgroup_within(p->text, place));
}

/* Engines may have a mount namespace of their own; every container has one. */
static lg_err
outside_containers(struct lg_ctx *cx, void *door, pid_t pid)
{
	struct place p = { .cx = cx };
	struct lg_door *d = door;

	LG_TRY(lg_cgroup_text(cx, pid, &p.text));
	lg_running_each(cx, d->at.runtime_roots, compare, &p);
	return p.inside ? lg_fail(cx, LG_E_DENIED, "the caller is in a container") : LG_OK;
}

lg_err
lg_door_caller(struct lg_ctx *cx, struct lg_door *door, int fd)
{
	uid_t uid;

	LG_TRY(lg_caller_local(cx, fd, outside_containers, door, &uid));
	if (uid != 0 && uid != geteuid())
		return lg_fail(cx, LG_E_DENIED, "only root may ask here");
	return LG_OK;
}
