/* process.c: the server process: confinement, threads, the application between start and drain. */
#include "server/process.h"

#include <malloc.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "crypto/confine.h"
#include "lightgate/store.h"
#include "server/control.h"
#include "server/hasher.h"
#include "server/health.h"
#include "server/ldap_listener.h"
#include "server/operator.h"

#define WORKER_QUEUE	1024
#define WORKER_STACK	(256u << 10)

struct server {
	struct lg_server_start *start;
	struct lg_settings settings;
	struct lg_endpoints at;
	struct lg_folders folders;
	struct lg_app app;
	struct lg_ctx cx;
	struct lg_loop *loops[LG_LOOPS];
	pthread_t threads[LG_LOOPS];
	struct lg_turn store_turn[LG_LOOPS];
	struct lg_pool *cores;
	struct lg_hash_threads *hash;
	struct lg_control_message message;
};

/* ---- threads --------------------------------------------------------------------------------------------- */

static void *
loop_thread(void *arg)
{
	prctl(PR_SET_NAME, "lg-loop");
	lg_store_loop_thread();
	lg_loop_run(arg);
	return NULL;
}

static lg_err
start_loops(struct server *sv)
{
	sv->app.nloops = sv->start->nloops;
	sv->app.loops = sv->loops;
	for (size_t i = 0; i < sv->app.nloops; i++)
		LG_TRY(lg_loop_new(&sv->cx, &sv->loops[i]));
	LG_TRY(lg_keeper_link_new(&sv->cx, sv->loops, sv->app.nloops, &sv->app.keeper));
	for (size_t i = 0; i < sv->app.nloops; i++)
		if (pthread_create(&sv->threads[i], NULL, loop_thread, sv->loops[i]) != 0)
			return lg_fail(&sv->cx, LG_E_UNAVAILABLE, "a loop's thread did not start");
	for (size_t i = 0; i < sv->app.nloops; i++)
		lg_keeper_link_connect(sv->app.keeper, i, sv->start->channels[i]);
	lg_keeper_link_signer(sv->app.keeper, &sv->app.signer);
	return LG_OK;
}

/* A worker's snapshot ends with its handler. */
static void
worker_turn(void *arg)
{
	struct lg_app *app = arg;

	if (app->store != NULL)
		lg_store_turn(app->store);
}

static lg_err
make_http(struct server *sv)
{
	const struct lg_settings *s = &sv->settings;
	struct lg_http_options o = {
		.request_time = s->request_time, .idle_time = s->idle_time, .reply_time = s->reply_time, .limits = sv->app.limits,
		.workers = sv->app.workers, .cores = sv->cores, .share = (unsigned)(s->workers + 1) / 2, .after_work = worker_turn, .after_arg = &sv->app, .metrics = sv->app.metrics,
		.log_requests = s->log_requests,
	};

	LG_TRY(lg_http_new(&sv->cx, &o, &sv->app.http));
	return lg_health_add(&sv->cx, &sv->app);
}

static lg_err
make_ldap(struct server *sv)
{
	struct lg_ldap_listener_options o = { .handshake_time = sv->settings.request_time, .limits = sv->app.limits };

	if (sv->start->doors[LG_DOOR_LDAP].fd < 0 && sv->start->doors[LG_DOOR_LDAPS].fd < 0 && sv->start->doors[LG_DOOR_LDAPI].fd < 0)
		return LG_OK;
	return lg_ldap_listener_new(&sv->cx, &o, &sv->app.ldap);
}

static lg_err
make_parts(struct server *sv)
{
	const struct lg_settings *s = &sv->settings;
	struct lg_ctx *cx = &sv->cx;

	LG_TRY(lg_metrics_new(cx, &sv->app.metrics));
	sv->app.limits = lg_limits_new((unsigned)s->connections, (unsigned)s->per_address);
	LG_TRY(start_loops(sv));
	LG_TRY(lg_pool_new(cx, (unsigned)s->workers, WORKER_QUEUE, 0, WORKER_STACK, &sv->app.workers));
	LG_TRY(lg_pool_new(cx, (unsigned)sv->app.nloops, WORKER_QUEUE, 0, WORKER_STACK, &sv->cores));
	LG_TRY(lg_hash_threads_new(cx, (unsigned)s->hashers, &lg_password_default, s->renew_passwords, &sv->hash));
	lg_hash_threads_port(sv->hash, &sv->app.hasher);
	LG_TRY(make_http(sv));
	return make_ldap(sv);
}

/* ---- opening the doors ------------------------------------------------------------------------------------- */

/* The loops' snapshots of the store end with each turn; the decisions of one turn share a sync. */
static void
store_turn(struct lg_turn *t)
{
	struct server *sv = (struct server *)((char *)(t - lg_loop_index(lg_loop_self())) - offsetof(struct server, store_turn));

	lg_store_turn(sv->app.store);
	lg_segments_hurry(sv->app.segments);
}

struct attach {
	struct server *sv;
	size_t i;
	lg_err e;
};

static void
attach_on_loop(void *arg)
{
	struct attach *a = arg;
	struct lg_loop *l = a->sv->loops[a->i];

	if (a->sv->app.store != NULL) {
		a->sv->store_turn[a->i] = (struct lg_turn){ .run = store_turn, .place = LG_TURN_CLEAN };
		lg_turn_add(l, &a->sv->store_turn[a->i]);
	}
	a->e = lg_http_attach(&a->sv->cx, a->sv->app.http, l,
	    LG_SURFACE_HTTPS | LG_SURFACE_MTLS | LG_SURFACE_STREAM | LG_SURFACE_HTTP | LG_SURFACE_UNIX);
}

static lg_err
attach_loops(struct server *sv)
{
	for (size_t i = 0; i < sv->app.nloops; i++) {
		struct attach a = { .sv = sv, .i = i };

		lg_loop_call(sv->loops[i], attach_on_loop, &a);
		LG_TRY(a.e);
	}
	return LG_OK;
}

static lg_err
open_doors(struct server *sv)
{
	static const struct {
		enum lg_door_id door;
		enum lg_surface surface;
	} http[] = {
		{ LG_DOOR_HTTPS, LG_SURFACE_HTTPS }, { LG_DOOR_MTLS, LG_SURFACE_MTLS }, { LG_DOOR_STREAM, LG_SURFACE_STREAM },
		{ LG_DOOR_HTTP, LG_SURFACE_HTTP }, { LG_DOOR_UNIX, LG_SURFACE_UNIX },
	};
	const struct lg_door *d = sv->start->doors;

	LG_TRY(lg_doors_listen(&sv->cx, d));
	for (size_t i = 0; i < LG_COUNT(http); i++)
		if (d[http[i].door].fd >= 0)
			LG_TRY(lg_http_open(&sv->cx, sv->app.http, d[http[i].door].fd, http[i].surface));
	if (d[LG_DOOR_LDAP].fd >= 0)
		LG_TRY(lg_ldap_listener_open(&sv->cx, sv->app.ldap, d[LG_DOOR_LDAP].fd, false));
	if (d[LG_DOOR_LDAPS].fd >= 0)
		LG_TRY(lg_ldap_listener_open(&sv->cx, sv->app.ldap, d[LG_DOOR_LDAPS].fd, true));
	if (d[LG_DOOR_LDAPI].fd >= 0)
		LG_TRY(lg_ldap_listener_open(&sv->cx, sv->app.ldap, d[LG_DOOR_LDAPI].fd, false));
	return LG_OK;
}

static void
isolation(const struct server *sv, struct lg_jsonw *w)
{
	lg_jsonw_name(w, LG_STR("isolation"));
	lg_jsonw_object(w);
	lg_jsonw_int_of(w, "landlock_abi", lg_confine_landlock_abi());
	lg_jsonw_bool_of(w, "seccomp", true);
	lg_jsonw_bool_of(w, "own_users", sv->start->users.own);
	lg_jsonw_object_end(w);
}

static lg_err
tell_ready(struct server *sv)
{
	struct lg_buf line = LG_BUF(LG_CONTROL_TEXT);
	struct lg_jsonw w = lg_jsonw_of(&line);
	lg_err e;

	lg_jsonw_object(&w);
	lg_doors_tell(sv->start->doors, &w);
	lg_jsonw_str_of(&w, "issuer", sv->at.issuer);
	lg_app_ready(&sv->cx, &sv->app, sv->start->before, &w);
	isolation(sv, &w);
	lg_jsonw_object_end(&w);
	e = lg_buf_status(&sv->cx, &line);
	if (e == LG_OK && !lg_control_send(sv->start->control, LG_CONTROL_READY, lg_buf_view(&line), NULL, 0))
		e = lg_fail(&sv->cx, LG_E_IO, "the parent is gone");
	lg_buf_wipe(&line);
	return e;
}

/* Without its parent it would only keep the listeners from the next one.  A change of user clears the signal, so it is asked for
 * afterwards; who died before that is seen by the channel. */
static lg_err
die_with_parent(struct server *sv)
{
	struct pollfd control = { .fd = sv->start->control };

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (poll(&control, 1, 0) > 0 && (control.revents & POLLHUP) != 0)
		return lg_fail(&sv->cx, LG_E_IO, "the parent is gone");
	return LG_OK;
}

static lg_err
start(struct server *sv)
{
	LG_TRY(lg_server_confine(&sv->cx, &sv->settings, &sv->start->users));
	LG_TRY(die_with_parent(sv));
	LG_TRY(make_parts(sv));
	LG_TRY(lg_app_start(&sv->cx, &sv->app));
	if (sv->app.store != NULL)
		lg_store_turn(sv->app.store);
	LG_TRY(attach_loops(sv));
	if (sv->start->task != NULL)
		return lg_app_task(&sv->cx, &sv->app, sv->start->task);
	LG_TRY(open_doors(sv));
	return tell_ready(sv);
}

/* ---- the parent's wishes --------------------------------------------------------------------------------------- */

static void
take_keeper(struct server *sv)
{
	const struct lg_control_message *m = &sv->message;

	for (size_t i = 0; i < m->nfds; i++)
		if (i < sv->app.nloops)
			lg_keeper_link_connect(sv->app.keeper, i, m->fds[i]);
		else
			close(m->fds[i]);
	lg_log(LG_INFO, "a new keeper is connected");
}

static void
take_operator(struct server *sv)
{
	for (size_t i = 1; i < sv->message.nfds; i++)
		close(sv->message.fds[i]);
	if (sv->message.nfds > 0)
		lg_operated(&sv->app, sv->message.fds[0]);
}

static void
reload(struct server *sv)
{
	struct lg_settings fresh;
	lg_str text = { sv->message.text + 1, sv->message.n - 1 };
	lg_err e = lg_settings_read(&sv->cx, sv->settings.dev, lg_dup(sv->app.arena, text), &fresh);

	if (e == LG_OK)
		e = lg_args_override(&sv->cx, sv->start->argc, sv->start->argv, &fresh);
	if (e == LG_OK)
		e = lg_settings_take_live(&sv->cx, &sv->settings, &fresh);
	if (e == LG_OK) {
		lg_log_open("lightgated", (enum lg_level)lg_settings_level(&sv->settings), !isatty(2));
		lg_http_log_requests(sv->app.http, sv->settings.log_requests);
		e = lg_app_reload(&sv->cx, &sv->app);
	}
	lg_log(e == LG_OK ? LG_INFO : LG_ERROR, "reload: %s", e == LG_OK ? "done" : sv->cx.error);
}

static void
obey(struct server *sv)
{
	while (lg_control_recv(sv->start->control, &sv->message) && sv->message.n > 0) {
		sv->cx.now = lg_wall();
		sv->cx.error[0] = '\0';
		switch (sv->message.text[0]) {
		case LG_CONTROL_KEEPER:
			take_keeper(sv);
			break;
		case LG_CONTROL_OPERATOR:
			take_operator(sv);
			break;
		case LG_CONTROL_RELOAD:
			reload(sv);
			break;
		case LG_CONTROL_END:
			return;
		default:
			break;
		}
		if (sv->app.store != NULL)
			lg_store_turn(sv->app.store);
	}
}

/* ---- the end --------------------------------------------------------------------------------------------------------- */

static void
detach_on_loop(void *arg)
{
	struct attach *a = arg;

	/* Its hook must not look into a store that is closed. */
	if (a->sv->app.store != NULL) {
		lg_turn_del(a->sv->loops[a->i], &a->sv->store_turn[a->i]);
		lg_store_turn(a->sv->app.store);
	}
	lg_http_detach(a->sv->app.http, a->sv->loops[a->i]);
	if (a->sv->app.ldap != NULL)
		lg_ldap_listener_detach(a->sv->app.ldap, a->sv->loops[a->i]);
}

static unsigned
live(struct server *sv)
{
	return lg_http_live(sv->app.http) + (sv->app.ldap == NULL ? 0 : lg_ldap_listener_live(sv->app.ldap));
}

/* True if nothing was live any more within the time that the settings give. */
static bool
drain(struct server *sv)
{
	int64_t until = lg_boottime() + sv->settings.drain_time;

	lg_http_quiesce(sv->app.http);
	if (sv->app.ldap != NULL)
		lg_ldap_listener_quiesce(sv->app.ldap);
	lg_doors_close(sv->start->doors);
	while (live(sv) > 0 && lg_boottime() < until)
		usleep(2000);
	return live(sv) == 0;
}

static void
stop(struct server *sv)
{
	for (size_t i = 0; i < sv->app.nloops; i++) {
		struct attach a = { .sv = sv, .i = i };

		lg_loop_call(sv->loops[i], detach_on_loop, &a);
	}
	/* A job may outlive the request it was for, and uses what lg_app_stop closes. */
	lg_app_quiesce(&sv->app);
	lg_pool_free(&sv->cores);
	lg_pool_free(&sv->app.workers);
	lg_app_stop(&sv->app);
	lg_hash_threads_free(&sv->hash);
	for (size_t i = 0; i < sv->app.nloops; i++) {
		lg_loop_stop(sv->loops[i]);
		pthread_join(sv->threads[i], NULL);
	}
	lg_keeper_link_free(&sv->app.keeper);
	lg_ldap_listener_free(&sv->app.ldap);
	lg_http_free(&sv->app.http);
	for (size_t i = 0; i < sv->app.nloops; i++)
		lg_loop_free(&sv->loops[i]);
	lg_limits_free(&sv->app.limits);
	lg_metrics_free(&sv->app.metrics);
}

static void
init(struct server *sv, struct lg_server_start *s)
{
	sv->start = s;
	sv->settings = s->settings;
	sv->folders = (struct lg_folders){ .data = s->settings.data.p, .store = "store", .log = "log", .archive = "archive", .run = "run" };
	sv->app.arena = lg_arena_new();
	lg_ctx_init(&sv->cx, lg_arena_new());
	sv->cx.actor = &lg_system;
	lg_doors_endpoints(sv->app.arena, &s->settings, s->doors, &sv->at);
	sv->app.settings = &sv->settings;
	sv->app.at = &sv->at;
	sv->app.folders = &sv->folders;
	sv->app.load = s->load;
}

int
lg_server_main(struct lg_server_start *s)
{
	struct server *sv = calloc(1, sizeof *sv);

	if (sv == NULL)
		abort();
	prctl(PR_SET_NAME, "lg-server");
	signal(SIGPIPE, SIG_IGN);
	/* What Argon2 took goes back: left to itself, glibc would keep its 19 MiB in the heap from the second hash on. */
	mallopt(M_ARENA_MAX, 4);
	mallopt(M_MMAP_THRESHOLD, 4 << 20);
	mallopt(M_TRIM_THRESHOLD, LG_HEAP_TRIM);
	lg_log_open("lightgated", (enum lg_level)lg_settings_level(&s->settings), !isatty(2));
	init(sv, s);
	if (start(sv) != LG_OK) {
		lg_log(LG_ERROR, "%s", sv->cx.error);
		_exit(1);		/* threads may run: nothing is to be taken from under them */
	}
	if (s->task == NULL)
		obey(sv);
	if (!drain(sv)) {
		lg_log(LG_WARN, "%u requests or connections did not end in time", live(sv));
		_exit(0);
	}
	stop(sv);
	lg_arena_free(&sv->cx.arena);
	lg_arena_free(&sv->app.arena);
	free(sv);
	return 0;
}
