/* door.c: see door.h. */
#include "agent/door.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "agent/join.h"
#include "agent/mounts.h"
#include "agent/records.h"
#include "agent/ticket.h"
#include "agent/upstream.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "client/api.h"

#define REFRESH_PAUSE	(10 * LG_SECOND)	/* between refreshes of the ticket keys that a bad ticket causes */
#define REFRESH_EVERY	(5 * LG_MINUTE)
#define SWEEP_EVERY	LG_HOUR
#define RETRY_RENEWAL	LG_MINUTE
#define LG_START	43			/* what lg_token_new makes */

struct prepared {
	char id[LG_CONTAINER_ID + 1];
	char start[LG_START + 1];
	lg_sha256 digest;
};

struct expected {
	char id[LG_CONTAINER_ID + 1], workload[LG_CONTAINER_ID + 1];
	char ticket[LG_DOOR_TICKET];
};

struct lg_door {
	struct lg_door_settings at;
	pthread_mutex_t changing;		/* held while the identity on disk is replaced; taken before `lock` */
	pthread_mutex_t lock;			/* over all below */
	struct lg_upstream *up;
	int64_t refreshed;			/* CLOCK_BOOTTIME */
	struct prepared prepared[LG_DOOR_BUNDLES];
	size_t next;
	struct expected *expected;		/* LG_DOOR_EXPECTED of them, when the first has come */
	size_t next_expected;
	int64_t renew_at;			/* wall clock */
	/* The two below are the maintaining thread's alone; CLOCK_BOOTTIME. */
	int64_t renew_not_before;
	int64_t swept;
};

/* One question on its way. */
struct visit {
	struct lg_ctx *cx;
	struct lg_door *door;
	struct lg_upstream *up;
	int64_t until;				/* CLOCK_BOOTTIME */
	lg_str start, id, bundle, workload, text;	/* start: of the prepared bundle; text: of config.json */
	struct lg_oci oci;
	int64_t pid;				/* of the container's first process, as the runtime says */
	struct lg_admitted admitted;
	bool known;				/* admitted before, and still the same container */
	bool prepared;				/* the bundle is the copy that was made for this start */
	struct lg_ticket ticket;
};

/* ---- the upstream in force ----------------------------------------------------------------------------- */

static struct lg_upstream *
hold(struct lg_door *door)
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
	pthread_mutex_init(&d->changing, NULL);
	pthread_mutex_init(&d->lock, NULL);
	publish(cx, d, up);
	*ret = d;
	return LG_OK;
}

void
lg_door_close(struct lg_door **door)
{
	struct lg_door *d = *door;

	*door = NULL;
	if (d == NULL)
		return;
	lg_upstream_unref(&d->up);
	pthread_mutex_destroy(&d->lock);
	pthread_mutex_destroy(&d->changing);
	free(d->expected);
	free(d);
}

struct lg_upstream *
lg_door_upstream(struct lg_door *door)
{
	return hold(door);
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
	LG_AUTO(lg_upstream_unref) struct lg_upstream *up = hold(door);

	return lg_print(cx->arena, "%.*s of %.*s", LG_FMT(up->id.host_name), LG_FMT(up->id.issuer));
}

/* ---- bundles ----------------------------------------------------------------------------------------------- */

static lg_str
private_bundle(struct visit *v)
{
	return lg_print(v->cx->arena, "%s/bundles/%.*s", v->door->at.state, LG_FMT(v->id));
}

static void
remember(struct visit *v, lg_sha256 digest)
{
	struct lg_door *d = v->door;

	pthread_mutex_lock(&d->lock);
	struct prepared *p = &d->prepared[d->next++ % LG_DOOR_BUNDLES];
	snprintf(p->id, sizeof p->id, "%.*s", LG_FMT(v->id));
	snprintf(p->start, sizeof p->start, "%.*s", LG_FMT(v->start));
	p->digest = digest;
	pthread_mutex_unlock(&d->lock);
}

/* Is this, octet for octet, what was prepared last for the container, and is it what the runtime has read? */
static bool
is_as_prepared(struct visit *v)
{
	struct lg_door *d = v->door;
	bool same = false;

	pthread_mutex_lock(&d->lock);
	for (size_t i = 1; i <= LG_DOOR_BUNDLES && i <= d->next; i++) {
		const struct prepared *p = &d->prepared[(d->next - i) % LG_DOOR_BUNDLES];
		if (!lg_str_eq(lg_str_of(p->id), v->id))
			continue;
		same = memcmp(&p->digest, &v->oci.digest, sizeof p->digest) == 0 && lg_str_eq(lg_str_of(p->start), v->start);
		break;
	}
	pthread_mutex_unlock(&d->lock);
	return same;
}

/* ---- tickets that did not come with the container ------------------------------------------------------------------- */

void
lg_door_expect(struct lg_door *door, lg_str container, lg_str workload, lg_str ticket)
{
	if (ticket.n >= LG_DOOR_TICKET || container.n > LG_CONTAINER_ID || workload.n > LG_CONTAINER_ID)
		return;
	pthread_mutex_lock(&door->lock);
	if (door->expected == NULL && (door->expected = calloc(LG_DOOR_EXPECTED, sizeof *door->expected)) == NULL)
		abort();
	struct expected *x = &door->expected[door->next_expected++ % LG_DOOR_EXPECTED];
	snprintf(x->id, sizeof x->id, "%.*s", LG_FMT(container));
	snprintf(x->workload, sizeof x->workload, "%.*s", LG_FMT(workload));
	snprintf(x->ticket, sizeof x->ticket, "%.*s", LG_FMT(ticket));
	pthread_mutex_unlock(&door->lock);
}

/* The latest for this container, unless the bundle brings one. */
static void
take_expected(struct visit *v)
{
	struct lg_door *d = v->door;

	if (v->oci.ticket.n > 0)
		return;
	pthread_mutex_lock(&d->lock);
	for (size_t i = 1; d->expected != NULL && i <= LG_DOOR_EXPECTED && i <= d->next_expected; i++) {
		const struct expected *x = &d->expected[(d->next_expected - i) % LG_DOOR_EXPECTED];
		if (!lg_str_eq(lg_str_of(x->id), v->id))
			continue;
		v->oci.ticket = lg_dup(v->cx->arena, lg_str_of(x->ticket));
		v->workload = lg_dup(v->cx->arena, lg_str_of(x->workload));
		break;
	}
	pthread_mutex_unlock(&d->lock);
}

static lg_err
read_bundle(struct visit *v)
{
	struct lg_ctx *cx = v->cx;
	const char *path;

	if (!lg_container_id_valid(v->id))
		return lg_fail(cx, LG_E_INVALID, "\"%.*s\" is not a container id that is taken here", LG_FMT(v->id));
	if (!lg_str_starts(v->bundle, LG_STR("/")))
		return lg_fail(cx, LG_E_INVALID, "the bundle's path is not absolute");
	LG_TRY(lg_cstr(cx, lg_cat(cx->arena, v->bundle, LG_STR("/config.json")), &path));
	LG_TRY(lg_file_read(cx, path, LG_OCI_MAX, &v->text));
	LG_TRY(lg_oci_parse(cx, v->text, v->bundle, lg_str_of(v->door->at.hook), &v->oci));
	v->workload = v->oci.workload.n > 0 ? v->oci.workload : v->id;
	take_expected(v);
	return LG_OK;
}

/* ---- the ticket ------------------------------------------------------------------------------------------------ */

static int64_t
left(const struct visit *v)
{
	int64_t t = v->until - lg_boottime();

	return t > LG_SECOND / 100 ? t : LG_SECOND / 100;
}

/* May a ticket that does not verify make us ask for newer keys?  Not more often than every ten seconds. */
static bool
may_refresh(struct lg_door *d)
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
	LG_AUTO(lg_upstream_unref) struct lg_upstream *up = hold(d);
	struct lg_upstream *newer;

	LG_TRY(lg_upstream_refresh(cx, up, d->at.state, time, &newer));
	publish(cx, d, newer);
	return LG_OK;
}

/* A renewal that is under way brings no ticket keys, but nobody at the door can wait for it. */
static lg_err
refresh_keys(struct lg_ctx *cx, struct lg_door *d, int64_t time)
{
	if (pthread_mutex_trylock(&d->changing) != 0)
		return lg_fail(cx, LG_E_BUSY, "the host's identity is being renewed");
	lg_err e = fetch_keys(cx, d, time);
	pthread_mutex_unlock(&d->changing);
	return e;
}

static lg_err
verify_ticket(struct visit *v)
{
	return lg_ticket_check(v->cx, &v->up->id, v->up->keys, v->oci.ticket, v->workload, &v->ticket);
}

static lg_err
check_ticket(struct visit *v)
{
	char sentence[LG_ERROR_TEXT];
	lg_err e = verify_ticket(v);

	if (e == LG_E_UNAUTHENTICATED && may_refresh(v->door)) {
		memcpy(sentence, v->cx->error, sizeof sentence);
		if (refresh_keys(v->cx, v->door, left(v) / 2) == LG_OK) {
			lg_upstream_unref(&v->up);
			v->up = hold(v->door);
			e = verify_ticket(v);
		} else {
			memcpy(v->cx->error, sentence, sizeof sentence);
		}
	}
	LG_TRY(e);
	if (lg_redeemed_has(v->cx, v->door->at.state, v->ticket.jti))
		return lg_fail(v->cx, LG_E_DENIED, "the ticket has been used before");
	return LG_OK;
}

static lg_err
look_up(struct visit *v)
{
	lg_err e = lg_admitted_get(v->cx, v->door->at.state, v->id, &v->admitted);

	v->known = e == LG_OK && memcmp(&v->admitted.sameness, &v->oci.sameness, sizeof v->oci.sameness) == 0;
	return e == LG_E_NOT_FOUND ? LG_OK : e;
}

/* ---- the decision --------------------------------------------------------------------------------------------------- */

static lg_err
refused(struct visit *v, const struct lg_verdict_of *vd)
{
	return lg_fail(v->cx, LG_E_DENIED, "%.*s", LG_FMT(vd->reason.n > 0 ? vd->reason : LG_STR("denied by policy")));
}

static lg_err
first_start(struct visit *v)
{
	const char *state = v->door->at.state;
	struct lg_verdict_of vd;

	LG_TRY(lg_upstream_start(v->cx, v->up, v->id, v->workload, &v->oci, left(v), &vd));
	if (!vd.permit)
		return refused(v, &vd);
	struct lg_admitted ad = { .container = v->id, .workload = v->workload, .admission = vd.admission, .sameness = v->oci.sameness,
		.time = v->cx->now };
	LG_TRY(lg_redeemed_put(v->cx, state, v->ticket.jti, v->ticket.expires));
	return lg_admitted_put(v->cx, state, &ad);
}

static lg_err
later_start(struct visit *v)
{
	struct lg_verdict_of vd;

	LG_TRY(lg_upstream_restart(v->cx, v->up, v->id, &v->oci, left(v), &vd));
	return vd.permit ? LG_OK : refused(v, &vd);
}

/*
 * A fresh ticket makes a first start, of whatever the bundle is now.  Without one, what was admitted before may start again
 * (TRUST: engines restart containers by themselves), if it still is the same container.
 */
static lg_err
decide(struct visit *v)
{
	lg_err e = check_ticket(v);

	if (e == LG_OK)
		return first_start(v);
	return v->known ? later_start(v) : e;
}

static void
begin(struct visit *v, struct lg_ctx *cx, struct lg_door *door)
{
	*v = (struct visit){ .cx = cx, .door = door, .up = hold(door), .until = lg_boottime() + LG_DOOR_TIME };
}

static void
end_visit(struct visit *v)
{
	lg_upstream_unref(&v->up);
}

/* ---- create: a bundle of our own ---------------------------------------------------------------------------------------- */

static lg_err
write_bundle(struct visit *v, lg_str *ret)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(2 * LG_OCI_MAX);
	struct lg_oci_hook hook = { lg_str_of(v->door->at.hook), lg_str_of(v->door->at.socket), lg_token_new(v->cx->arena) };
	lg_str folder = private_bundle(v);

	v->start = hook.start;
	LG_TRY(lg_oci_rewrite(v->cx, v->text, v->bundle, &hook, &b));
	if (b.n > LG_OCI_MAX)
		return lg_fail(v->cx, LG_E_LIMIT, "config.json is too large");
	LG_TRY(lg_dir_make(v->cx, folder.p, 0700));
	LG_TRY(lg_file_write(v->cx, lg_print(v->cx->arena, "%s/config.json", folder.p).p, 0600, lg_buf_view(&b)));
	remember(v, lg_sha256_of(lg_buf_view(&b)));
	*ret = folder;
	return LG_OK;
}

lg_err
lg_door_create(struct lg_ctx *cx, struct lg_door *door, lg_str request, lg_str *text)
{
	LG_AUTO(end_visit) struct visit v;
	lg_err e;

	begin(&v, cx, door);
	(void)lg_str_cut(request, '\n', &v.id, &v.bundle);
	LG_TRY(read_bundle(&v));
	LG_TRY(look_up(&v));
	/* What can be refused without asking anybody is refused before the runtime does any work. */
	e = check_ticket(&v);
	if (e != LG_OK && !v.known)
		return e;
	return write_bundle(&v, text);
}

/* ---- hook: the question ----------------------------------------------------------------------------------------------------- */

static lg_err
read_state(struct visit *v, lg_str request, bool *stopped)
{
	struct lg_json js;
	lg_str name, status = LG_NONE;

	lg_json_init(&js, v->cx->arena, request);
	lg_json_object(&js);
	while (lg_json_member(&js, &name)) {
		if (lg_str_eq(name, LG_STR("id")))
			v->id = lg_json_str(&js);
		else if (lg_str_eq(name, LG_STR("bundle")))
			v->bundle = lg_json_str(&js);
		else if (lg_str_eq(name, LG_STR("status")))
			status = lg_json_str(&js);
		else if (lg_str_eq(name, LG_STR("pid")))
			v->pid = lg_json_int(&js);
		else
			lg_json_skip(&js);
	}
	*stopped = lg_str_eq(status, LG_STR("stopped"));
	return lg_json_end(v->cx, &js);
}

static void
forget_bundle(struct visit *v)
{
	lg_str folder = private_bundle(v);

	if (!lg_container_id_valid(v->id) || !lg_str_eq(v->bundle, folder))
		return;
	(void)unlink(lg_print(v->cx->arena, "%s/config.json", folder.p).p);
	(void)rmdir(folder.p);
}

static lg_err
admit(struct visit *v)
{
	LG_TRY(read_bundle(v));
	bool ours = v->start.n > 0 || lg_str_starts(v->bundle, lg_print(v->cx->arena, "%s/bundles/", v->door->at.state));
	v->prepared = is_as_prepared(v);
	if (ours && !v->prepared)
		return lg_fail(v->cx, LG_E_DENIED, "the bundle is not the one that was prepared for this start");
	LG_TRY(lg_mounts_check(v->cx, (pid_t)v->pid, &v->oci));
	LG_TRY(look_up(v));
	return decide(v);
}

lg_err
lg_door_hook(struct lg_ctx *cx, struct lg_door *door, lg_str request, lg_str *text)
{
	LG_AUTO(end_visit) struct visit v;
	lg_str state;
	bool stopped;

	*text = LG_NONE;
	begin(&v, cx, door);
	(void)lg_str_cut(request, '\n', &v.start, &state);
	LG_TRY(read_state(&v, state, &stopped));
	if (stopped) {
		forget_bundle(&v);
		return LG_OK;
	}
	lg_err e = admit(&v);
	if (e == LG_OK) {
		lg_log(LG_INFO, "container %.*s starts as workload %.*s", LG_FMT(v.id), LG_FMT(v.workload));
	} else {
		lg_log(LG_WARN, "container %.*s is refused: %s", LG_FMT(v.id), cx->error);
		if (v.prepared)
			forget_bundle(&v);
	}
	return e;
}

lg_err
lg_door_end(struct lg_ctx *cx, struct lg_door *door, lg_str request, lg_str *text)
{
	LG_AUTO(end_visit) struct visit v;
	struct lg_admitted ad;
	lg_err e;

	*text = LG_NONE;
	begin(&v, cx, door);
	v.id = lg_str_trim(request);
	LG_TRY(lg_admitted_get(cx, door->at.state, v.id, &ad));
	/* First here: what the service does not hear of now cannot start without a ticket all the same. */
	LG_TRY(lg_admitted_del(cx, door->at.state, v.id));
	e = lg_upstream_end(cx, v.up, v.id);
	return e == LG_E_NOT_FOUND ? LG_OK : e;
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

void
lg_door_maintain(struct lg_ctx *cx, struct lg_door *d)
{
	int64_t now = lg_boottime();

	pthread_mutex_lock(&d->lock);
	bool old = cx->now >= d->renew_at && now >= d->renew_not_before, stale = now - d->refreshed > REFRESH_EVERY;
	pthread_mutex_unlock(&d->lock);
	if (old)
		renew(cx, d);
	if (stale && may_refresh(d) && refresh_keys(cx, d, 5 * LG_SECOND) != LG_OK)
		lg_log(LG_WARN, "the ticket keys cannot be refreshed: %s", cx->error);
	if (d->swept == 0 || now - d->swept > SWEEP_EVERY) {
		d->swept = now;
		if (lg_redeemed_sweep(cx, d->at.state) != LG_OK)
			lg_log(LG_WARN, "%s", cx->error);
	}
}
