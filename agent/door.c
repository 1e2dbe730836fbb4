/* door.c: see door.h. */
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/company.h"
#include "agent/door_own.h"
#include "agent/gate/gate.h"
#include "agent/image.h"
#include "agent/machine.h"
#include "agent/mounts.h"
#include "agent/strays.h"
#include "agent/svid.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "client/api.h"

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

/* ---- bundles ----------------------------------------------------------------------------------------------- */

static lg_str
private_bundle(struct visit *v)
{
	return lg_print(v->cx->arena, "%s/bundles/%.*s", v->door->at.state, LG_FMT(v->id));
}

static struct lg_oci_own
own_parts(const struct visit *v)
{
	const struct lg_door_settings *at = &v->door->at;
	struct lg_oci_own own = { .hook = lg_str_of(at->hook), .api = lg_str_of(at->api) };

	if (at->svids != NULL) {
		own.identities = lg_str_of(at->identities);
		own.identity = lg_print(v->cx->arena, "%s/%.*s", at->identities, LG_FMT(v->id));
	}
	return own;
}

static lg_err
read_bundle(struct visit *v)
{
	struct lg_oci_own own = own_parts(v);
	struct lg_ctx *cx = v->cx;
	const char *path;

	if (!lg_container_id_valid(v->id))
		return lg_fail(cx, LG_E_INVALID, "\"%.*s\" is not a container id that is taken here", LG_FMT(v->id));
	if (!lg_str_starts(v->bundle, LG_STR("/")))
		return lg_fail(cx, LG_E_INVALID, "the bundle's path is not absolute");
	LG_TRY(lg_cstr(cx, lg_cat(cx->arena, v->bundle, LG_STR("/config.json")), &path));
	LG_TRY(lg_file_read(cx, path, LG_OCI_MAX, &v->text));
	LG_TRY(lg_oci_parse(cx, v->text, v->bundle, &own, &v->oci));
	v->workload = v->oci.workload.n > 0 ? v->oci.workload : v->id;
	if (v->oci.ticket.n == 0)
		lg_door_expected(cx, v->door, v->id, &v->workload, &v->oci.ticket);
	return LG_OK;
}

/* ---- the ticket ------------------------------------------------------------------------------------------------ */

static int64_t
left(const struct visit *v)
{
	int64_t t = v->until - lg_boottime();

	return t > LG_SECOND / 100 ? t : LG_SECOND / 100;
}

static lg_err
verify_ticket(struct visit *v)
{
	return lg_ticket_check(v->cx, &v->up->id, v->up->keys, v->oci.ticket, v->workload, &v->ticket);
}

/* Without one the host asks for itself, which the service alone decides. */
static lg_err
check_ticket(struct visit *v)
{
	char sentence[LG_ERROR_TEXT];

	if (v->oci.ticket.n == 0) {
		v->ticket = (struct lg_ticket){ .workload = v->workload };
		return LG_OK;
	}
	lg_err e = verify_ticket(v);

	if (e == LG_E_UNAUTHENTICATED && lg_door_may_refresh(v->door)) {
		memcpy(sentence, v->cx->error, sizeof sentence);
		if (lg_door_refresh(v->cx, v->door, left(v) / 2) == LG_OK) {
			lg_upstream_unref(&v->up);
			v->up = lg_door_upstream(v->door);
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
	lg_str home = lg_running_home(v->cx, &v->oci, v->id);
	struct lg_verdict_of vd;

	LG_TRY(lg_image_check(v->cx, &v->oci, home, v->ticket.digest));
	LG_TRY(lg_upstream_start(v->cx, v->up, v->id, v->workload, &v->oci, left(v), &vd));
	if (!vd.permit)
		return refused(v, &vd);
	struct lg_admitted ad = { .container = v->id, .workload = v->workload, .admission = vd.admission, .sameness = v->oci.sameness,
		.time = v->cx->now, .home = home };
	if (v->ticket.jti.n > 0)
		LG_TRY(lg_redeemed_put(v->cx, state, v->ticket.jti, v->ticket.expires));
	LG_TRY(lg_admitted_put(v->cx, state, &ad));
	LG_TRY(lg_door_wrote(v->cx, v->door, v->id, v->ticket.jti));
	if (v->door->at.svids != NULL)
		lg_svids_forget(v->door->at.svids, v->id);
	pthread_mutex_lock(&v->door->lock);
	v->door->admitted = true;
	pthread_mutex_unlock(&v->door->lock);
	return LG_OK;
}

/* A later start, or an exec. */
static lg_err
again(struct visit *v, const char *verb)
{
	struct lg_verdict_of vd;

	lg_err e = lg_upstream_again(v->cx, v->up, v->id, verb, &v->oci, left(v), &vd);
	if (e == LG_E_UNAVAILABLE && v->door->at.bundles != NULL)
		return lg_door_again_locally(v->cx, v->door, v->id, verb, &v->oci);
	LG_TRY(e);
	return vd.permit ? LG_OK : refused(v, &vd);
}

/*
 * A fresh ticket makes a first start, of whatever the bundle is now.  Without one, what was admitted before may start again
 * (TRUST: engines restart containers by themselves), if it still is the same container.
 */
static lg_err
decide(struct visit *v)
{
	if (v->known && (v->oci.ticket.n == 0 || lg_ticket_spent(v->cx, v->door->at.state, v->oci.ticket)))
		return again(v, "restart");
	lg_err e = check_ticket(v);
	if (e == LG_OK)
		return first_start(v);
	return v->known ? again(v, "restart") : e;
}

static void
begin(struct visit *v, struct lg_ctx *cx, struct lg_door *door)
{
	*v = (struct visit){ .cx = cx, .door = door, .up = lg_door_upstream(door), .until = lg_boottime() + LG_DOOR_TIME };
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
	const struct lg_door_settings *at = &v->door->at;
	struct lg_oci_hook hook = { .path = lg_str_of(at->hook), .socket = lg_str_of(at->socket), .start = lg_token_new(v->cx->arena),
		.api = lg_str_of(at->api) };
	lg_str folder = private_bundle(v);

	v->start = hook.start;
	if (at->svids != NULL)
		LG_TRY(lg_svids_prepare(v->cx, at->svids, v->id, &hook.identity));
	LG_TRY(lg_oci_rewrite(v->cx, v->text, v->bundle, &hook, &b));
	if (b.n > LG_OCI_MAX)
		return lg_fail(v->cx, LG_E_LIMIT, "config.json is too large");
	if (mkdir(folder.p, 0700) != 0 && errno != EEXIST)
		return lg_fail(v->cx, LG_E_IO, "%s: %s", folder.p, strerror(errno));
	LG_TRY(lg_file_put(v->cx, lg_print(v->cx->arena, "%s/config.json", folder.p).p, 0600, lg_buf_view(&b)));
	lg_door_remember(v->door, v->id, v->start, lg_sha256_of(lg_buf_view(&b)));
	*ret = folder;
	return LG_OK;
}

lg_err
lg_door_create(struct lg_ctx *cx, struct lg_door *door, lg_str request, lg_str *text)
{
	LG_AUTO(end_visit) struct visit v;

	begin(&v, cx, door);
	(void)lg_str_cut(request, '\n', &v.id, &v.bundle);
	LG_TRY(read_bundle(&v));
	LG_TRY(look_up(&v));
	/* What can be refused without asking anybody is refused before the runtime does any work. */
	if (!v.known)
		LG_TRY(check_ticket(&v));
	if (!v.known && v.oci.ticket.n == 0)
		LG_TRY(lg_door_host_may(cx, door, v.workload, &v.oci));
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
	v->prepared = lg_door_was_prepared(v->door, v->id, v->start, v->oci.digest);
	if (ours && !v->prepared)
		return lg_fail(v->cx, LG_E_DENIED, "the bundle is not the one that was prepared for this start");
	LG_TRY(lg_mounts_check(v->cx, (pid_t)v->pid, &v->oci));
	LG_TRY(look_up(v));
	if (v->oci.joined != 0 && !lg_company_is_strange(v->cx, (pid_t)v->pid, v->oci.joined, v->door, v->workload))
		v->oci.shared_namespace = false;
	return decide(v);
}

/* ---- what follows from the answer ------------------------------------------------------------------------------------------- */

/* Only a bundle that we prepared has the folder mounted.  A workload that gets no identity runs without one. */
static void
give_identity(struct visit *v, lg_str workload)
{
	struct lg_svid_holder holder = { (pid_t)v->pid, v->oci.uid, v->oci.gid };
	struct lg_svids *svids = v->door->at.svids;

	if (svids == NULL || !v->prepared)
		return;
	if (lg_svids_start(v->cx, svids, v->up, v->id, &holder, left(v)) != LG_OK)
		lg_log(LG_WARN, "container %.*s starts as workload %.*s without all of its identity: %s", LG_FMT(v->id), LG_FMT(workload), v->cx->error);
}

static void
let_in(struct visit *v)
{
	lg_str workload = v->known ? v->admitted.workload : v->workload;

	lg_log(LG_INFO, "container %.*s starts as workload %.*s", LG_FMT(v->id), LG_FMT(workload));
	give_identity(v, workload);
	if (v->door->at.gate != NULL)
		lg_gate_started(v->door->at.gate, v->id, workload, (pid_t)v->pid);
}

static void
turn_away(struct visit *v)
{
	lg_log(LG_WARN, "container %.*s is refused: %s", LG_FMT(v->id), v->cx->error);
	if (!v->prepared)
		return;
	forget_bundle(v);
	if (v->door->at.svids != NULL)
		lg_svids_stop(v->cx, v->door->at.svids, v->id);
}

static void
has_stopped(struct visit *v)
{
	forget_bundle(v);
	if (v->door->at.svids != NULL && lg_container_id_valid(v->id))
		lg_svids_stop(v->cx, v->door->at.svids, v->id);
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
		has_stopped(&v);
		return LG_OK;
	}
	lg_err e = admit(&v);
	if (e == LG_OK)
		let_in(&v);
	else
		turn_away(&v);
	return e;
}

/* ---- exec -------------------------------------------------------------------------------------------------------------------- */

/* By whatever way somebody comes to the runtime: the container's admission says for whom it runs. */
lg_err
lg_door_exec(struct lg_ctx *cx, struct lg_door *door, lg_str request, lg_str *text)
{
	LG_AUTO(end_visit) struct visit v;

	*text = LG_NONE;
	begin(&v, cx, door);
	(void)lg_str_cut(request, '\n', &v.id, &v.text);
	LG_TRY(lg_oci_parse_process(cx, v.text, &v.oci));
	LG_TRY(lg_admitted_get(cx, door->at.state, v.id, &v.admitted));
	lg_err e = again(&v, "exec");
	if (e != LG_OK)
		lg_log(LG_WARN, "an exec in container %.*s is refused: %s", LG_FMT(v.id), cx->error);
	return e;
}

/* ---- machines: libvirt's hook ---------------------------------------------------------------------------------------------- */

enum machine { DECIDED, ADMITTED, TOLD };

/* What begins a machine's life on this host is decided; what only goes on must have been; the rest is told afterwards. */
static const struct {
	lg_str operation;
	enum machine what;
} operations[] = {
	{ LG_STR("prepare begin"), DECIDED }, { LG_STR("restore begin"), DECIDED }, { LG_STR("migrate begin"), DECIDED },
	{ LG_STR("start begin"), ADMITTED }, { LG_STR("attach begin"), ADMITTED }, { LG_STR("reconnect begin"), ADMITTED },
	{ LG_STR("started begin"), TOLD }, { LG_STR("stopped end"), TOLD }, { LG_STR("release end"), TOLD },
};

static lg_err
decide_machine(struct visit *v, lg_str xml, enum machine what)
{
	v->text = xml;
	LG_TRY(lg_machine_parse(v->cx, xml, &v->id, &v->oci));
	v->workload = v->oci.workload;
	LG_TRY(look_up(v));
	if (what == DECIDED)
		return decide(v);
	return v->known ? LG_OK : lg_fail(v->cx, LG_E_DENIED, "the machine was not admitted on this host as it is");
}

lg_err
lg_door_machine(struct lg_ctx *cx, struct lg_door *door, lg_str request, lg_str *text)
{
	LG_AUTO(end_visit) struct visit v;
	lg_str operation, xml;
	size_t i = 0;

	*text = LG_NONE;
	begin(&v, cx, door);
	(void)lg_str_cut(request, '\n', &operation, &xml);
	while (i < LG_COUNT(operations) && !lg_str_eq(operation, operations[i].operation))
		i++;
	if (i == LG_COUNT(operations))
		return lg_fail(cx, LG_E_DENIED, "libvirt's operation \"%.*s\" is not known here", LG_FMT(operation));
	if (operations[i].what == TOLD)
		return LG_OK;
	lg_err e = decide_machine(&v, xml, operations[i].what);
	if (e == LG_OK)
		lg_log(LG_INFO, "machine %.*s: %.*s as workload %.*s", LG_FMT(v.id), LG_FMT(operation), LG_FMT(v.workload));
	else
		lg_log(LG_WARN, "machine %.*s: %.*s is refused: %s", LG_FMT(v.id), LG_FMT(operation), cx->error);
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
	if (door->at.gate != NULL)
		lg_gate_ended(door->at.gate, v.id);
	if (door->at.svids != NULL)
		lg_svids_end(cx, door->at.svids, v.id);
	e = lg_upstream_end(cx, v.up, v.id);
	return e == LG_E_NOT_FOUND ? LG_OK : e;
}

