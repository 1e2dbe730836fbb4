/*
 * http_calls.c: calls that do not wait: libcurl's multi interface behind one descriptor.
 *
 * That descriptor is an epoll set with libcurl's sockets and a timer for its deadlines in it: whoever polls it in a loop of their own
 * needs to know nothing else.
 */
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "client/api.h"
#include "client/http_own.h"
#include "client/servers.h"

#define EVENTS 64

/* One call under way, in an arena of its own. */
struct flight {
	struct flight *next, **place;
	struct lg_ctx cx;
	struct lg_servers *servers;
	size_t asked, at;		/* how many were asked before this one, and which it is */
	int64_t until;			/* CLOCK_BOOTTIME */
	struct lg_call call;
	struct lg_transfer t;
	lg_call_done *done;
	void *arg;
};

struct lg_calls {
	CURLM *multi;
	int ep, timer;
	struct flight *first;
};

/* ---- what libcurl wants watched --------------------------------------------------------------------------------------- */

static int
watch_socket(CURL *curl, curl_socket_t fd, int what, void *arg, void *known)
{
	struct lg_calls *c = arg;
	struct epoll_event e = { .data.fd = fd };

	(void)curl;
	if (what == CURL_POLL_REMOVE) {
		epoll_ctl(c->ep, EPOLL_CTL_DEL, fd, NULL);
		return 0;
	}
	e.events = (what & CURL_POLL_IN ? EPOLLIN : 0u) | (what & CURL_POLL_OUT ? EPOLLOUT : 0u);
	epoll_ctl(c->ep, known == NULL ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd, &e);
	curl_multi_assign(c->multi, fd, c);
	return 0;
}

/* 0 ms is "now", which a timer cannot say: the shortest time then. */
static int
set_timer(CURLM *multi, long ms, void *arg)
{
	struct lg_calls *c = arg;
	struct itimerspec at = { .it_value = { .tv_sec = ms / 1000, .tv_nsec = ms == 0 ? 1 : ms % 1000 * 1000000 } };

	(void)multi;
	if (ms < 0)
		at = (struct itimerspec){ .it_value = { .tv_sec = 0 } };
	timerfd_settime(c->timer, 0, &at, NULL);
	return 0;
}

/* ---- life ------------------------------------------------------------------------------------------------------------------ */

struct lg_calls *
lg_calls_new(void)
{
	struct lg_calls *c = calloc(1, sizeof *c);
	struct epoll_event e = { .events = EPOLLIN };

	if (c == NULL)
		abort();
	c->multi = curl_multi_init();
	c->ep = epoll_create1(EPOLL_CLOEXEC);
	c->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	e.data.fd = c->timer;
	if (c->multi == NULL || c->ep < 0 || c->timer < 0 || epoll_ctl(c->ep, EPOLL_CTL_ADD, c->timer, &e) != 0)
		abort();		/* out of memory or descriptors, as in lg_alloc */
	curl_multi_setopt(c->multi, CURLMOPT_SOCKETFUNCTION, watch_socket);
	curl_multi_setopt(c->multi, CURLMOPT_SOCKETDATA, c);
	curl_multi_setopt(c->multi, CURLMOPT_TIMERFUNCTION, set_timer);
	curl_multi_setopt(c->multi, CURLMOPT_TIMERDATA, c);
	return c;
}

static void
leave(struct lg_calls *c, struct flight *f)
{
	curl_multi_remove_handle(c->multi, f->t.curl);
	lg_transfer_end(f->servers->link[f->at], &f->t);
}

static void
forget(struct flight *f)
{
	*f->place = f->next;
	if (f->next != NULL)
		f->next->place = f->place;
	struct lg_arena *a = f->cx.arena;
	lg_arena_free(&a);
}

void
lg_calls_free(struct lg_calls **c)
{
	if (*c == NULL)
		return;
	while ((*c)->first != NULL) {
		leave(*c, (*c)->first);
		forget((*c)->first);
	}
	curl_multi_cleanup((*c)->multi);
	close((*c)->timer);
	close((*c)->ep);
	free(*c);
	*c = NULL;
}

int
lg_calls_fd(const struct lg_calls *c)
{
	return c->ep;
}

/* ---- calls -------------------------------------------------------------------------------------------------------------------- */

static void
keep_call(struct flight *f, const struct lg_call *call)
{
	struct lg_arena *a = f->cx.arena;

	f->call = *call;
	f->call.path = lg_dup(a, call->path);
	f->call.body = lg_dup(a, call->body);
	f->call.token = lg_dup(a, call->token);
	for (size_t i = 0; i < LG_CALL_HEADERS; i++)
		f->call.headers[i].value = lg_dup(a, call->headers[i].value);
}

/* Whatever it returns, leave follows. */
static lg_err
depart(struct lg_calls *c, struct flight *f)
{
	f->call = lg_servers_attempt(&f->call, f->until, f->servers->n - 1 - f->asked);
	LG_TRY(lg_transfer_begin(&f->cx, f->servers->link[f->at], &f->call, &f->t));
	curl_easy_setopt(f->t.curl, CURLOPT_PRIVATE, f);
	if (curl_multi_add_handle(c->multi, f->t.curl) != CURLM_OK)
		return lg_fail(&f->cx, LG_E_UNAVAILABLE, "the call cannot be begun");
	return LG_OK;
}

lg_err
lg_calls_add(struct lg_ctx *cx, struct lg_calls *c, struct lg_servers *s, const struct lg_call *call, lg_call_done *done, void *arg)
{
	struct lg_arena *a = lg_arena_new();
	struct flight *f = LG_NEW(a, struct flight);

	lg_ctx_init(&f->cx, a);
	f->servers = s;
	f->at = atomic_load(&s->first);
	f->until = lg_boottime() + (call->time == 0 ? LG_CALL_TIME : call->time);
	f->done = done;
	f->arg = arg;
	keep_call(f, call);
	f->next = c->first;
	f->place = &c->first;
	if (f->next != NULL)
		f->next->place = &f->next;
	c->first = f;
	lg_err e = depart(c, f);
	if (e != LG_OK) {
		memcpy(cx->error, f->cx.error, sizeof cx->error);
		leave(c, f);
		forget(f);
	}
	return e;
}

/* The next of the servers, if there is one and time for it. */
static bool
ask_another(struct lg_calls *c, struct flight *f)
{
	if (f->asked + 1 == f->servers->n || f->until - lg_boottime() < 1000)
		return false;
	f->asked++;
	f->at = (f->at + 1) % f->servers->n;
	if (depart(c, f) == LG_OK)
		return true;
	leave(c, f);
	return false;
}

/* Its connection is back before the caller hears of it: they may have the links closed. */
static void
finish(struct lg_calls *c, CURL *curl, CURLcode rc)
{
	struct lg_reply reply;
	struct flight *f = NULL;

	curl_easy_getinfo(curl, CURLINFO_PRIVATE, (char **)&f);
	lg_err e = lg_transfer_result(&f->cx, f->servers->link[f->at], &f->t, rc, &reply);
	leave(c, f);
	if (e == LG_OK)
		e = lg_api_check(&f->cx, &reply);
	if (!lg_servers_over(f->servers, f->at, e, &reply) && ask_another(c, f))
		return;
	f->done(f->arg, &f->cx, e, &reply);
	forget(f);
}

void
lg_calls_run(struct lg_calls *c)
{
	struct epoll_event ready[EVENTS];
	int n = epoll_wait(c->ep, ready, EVENTS, 0), left;
	CURLMsg *m;
	uint64_t times;

	for (int i = 0; i < n; i++) {
		int what = (ready[i].events & EPOLLIN ? CURL_CSELECT_IN : 0) | (ready[i].events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
		    (ready[i].events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0);
		if (ready[i].data.fd != c->timer) {
			curl_multi_socket_action(c->multi, ready[i].data.fd, what, &left);
		} else if (read(c->timer, &times, sizeof times) == sizeof times) {
			curl_multi_socket_action(c->multi, CURL_SOCKET_TIMEOUT, 0, &left);
		}
	}
	while ((m = curl_multi_info_read(c->multi, &left)) != NULL)
		if (m->msg == CURLMSG_DONE)
			finish(c, m->easy_handle, m->data.result);
}

void
lg_calls_wake(struct lg_calls *c)
{
	(void)set_timer(c->multi, 0, c);
}
