/* handlers.c: see handlers.h. */
#include "tests/server/handlers.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <unistd.h>

static lg_err
hello(void *self, struct lg_http *ex)
{
	(void)self;
	lg_http_type(ex, "text/plain");
	lg_buf_str(&ex->out, LG_STR("hello"));
	return LG_OK;
}

static lg_err
echo(void *self, struct lg_http *ex)
{
	(void)self;
	lg_buf_printf(&ex->out, "%.*s|%.*s|%.*s|%.*s", LG_FMT(ex->path), LG_FMT(ex->query), LG_FMT(ex->tail), LG_FMT(ex->body));
	return LG_OK;
}

static lg_err
whoami(void *self, struct lg_http *ex)
{
	(void)self;
	lg_buf_printf(&ex->out, "%s uid=%lld surface=%d", ex->peer->address, (long long)ex->peer->uid, (int)ex->peer->surface);
	return LG_OK;
}

static lg_err
fails(void *self, struct lg_http *ex)
{
	(void)self;
	return lg_fail(ex->cx, LG_E_DENIED, "not for you");
}

static lg_err
breaks(void *self, struct lg_http *ex)
{
	(void)self;
	return lg_fail(ex->cx, LG_E_CORRUPT, "the inside of the machine");
}

lg_err
handler_slow(void *self, struct lg_http *ex)
{
	(void)self;
	cr_assert_null(lg_loop_self());
	usleep(100000);
	lg_buf_str(&ex->out, LG_STR("slow"));
	return LG_OK;
}

/* Gives itself away and is answered by a note on the loop's mailbox, as a keeper's or a store's reply would. */
struct later {
	struct lg_note note;
	struct lg_http *ex;
};

static void
later_done(struct lg_note *note)
{
	struct later *l = (struct later *)note;

	lg_buf_str(&l->ex->out, LG_STR("later"));
	lg_http_done(l->ex);
}

static lg_err
pending(void *self, struct lg_http *ex)
{
	struct later *l = LG_NEW(ex->cx->arena, struct later);

	(void)self;
	l->note.run = later_done;
	l->ex = ex;
	lg_mailbox_post(lg_loop_mailbox(lg_http_loop(ex)), &l->note);
	return LG_PENDING;
}

/* On a worker: the slow part first, then it gives itself away. */
static lg_err
slow_pending(void *self, struct lg_http *ex)
{
	cr_assert_null(lg_loop_self());
	usleep(100000);
	return pending(self, ex);
}

static lg_err
at_once(void *self, struct lg_http *ex)
{
	(void)self;
	lg_buf_str(&ex->out, LG_STR("at once"));
	lg_http_done(ex);
	return LG_PENDING;
}

/* A stream of three pieces, the last after a wait. */
struct pieces {
	struct lg_timer timer;
	struct lg_http *ex;
	int n;
	bool rested;
};

static void
pieces_go_on(struct lg_timer *t)
{
	lg_http_wake(((struct pieces *)t)->ex);
}

static lg_err
pieces_next(void *self, struct lg_buf *out, size_t max)
{
	struct pieces *p = self;

	(void)max;
	if (p->n == 3)
		return LG_E_NOT_FOUND;
	if (p->n == 2 && !p->rested) {
		p->rested = true;
		p->timer.run = pieces_go_on;
		lg_timer_set(lg_http_loop(p->ex), &p->timer, 50000);
		return LG_PENDING;
	}
	lg_buf_printf(out, "piece %d;", p->n++);
	return LG_OK;
}

int handlers_ended;

static void
pieces_end(void *self)
{
	(void)self;
	__atomic_fetch_add(&handlers_ended, 1, __ATOMIC_SEQ_CST);
}

static lg_err
stream(void *self, struct lg_http *ex)
{
	struct pieces *p = LG_NEW(ex->cx->arena, struct pieces);

	(void)self;
	p->ex = ex;
	lg_http_stream(ex, &(struct lg_http_stream){ pieces_next, pieces_end, p });
	return LG_OK;
}

static lg_err
large(void *self, struct lg_http *ex)
{
	(void)self;
	lg_buf_reserve(&ex->out, 8u << 20);
	for (int i = 0; i < 1 << 20; i++)
		lg_buf_str(&ex->out, LG_STR("01234567"));
	return LG_OK;
}

/* Waits until the test lets all go. */
static struct later *held;
static pthread_mutex_t held_lock = PTHREAD_MUTEX_INITIALIZER;
static int nheld;

static lg_err
hold(void *self, struct lg_http *ex)
{
	struct later *l = LG_NEW(ex->cx->arena, struct later);

	(void)self;
	l->note.run = later_done;
	l->ex = ex;
	pthread_mutex_lock(&held_lock);
	l->note.next = (struct lg_note *)held;
	held = l;
	nheld++;
	pthread_mutex_unlock(&held_lock);
	return LG_PENDING;
}

int
handlers_held(void)
{
	pthread_mutex_lock(&held_lock);
	int n = nheld;
	pthread_mutex_unlock(&held_lock);
	return n;
}

void
handlers_release(void)
{
	pthread_mutex_lock(&held_lock);
	for (struct later *l = held, *next; l != NULL; l = next) {
		next = (struct later *)l->note.next;
		lg_mailbox_post(lg_loop_mailbox(lg_http_loop(l->ex)), &l->note);
	}
	held = NULL;
	pthread_mutex_unlock(&held_lock);
}

/* On a core: answers at once, from another thread later, or wants a worker first. */
static void *
answer_later(void *arg)
{
	struct lg_http *ex = arg;

	usleep(20000);
	lg_buf_str(&ex->out, LG_STR("from elsewhere"));
	lg_http_done(ex);
	return NULL;
}

static lg_err
core(void *self, struct lg_http *ex)
{
	pthread_t thread;

	(void)self;
	cr_assert_null(lg_loop_self());
	if (lg_str_eq(ex->tail, LG_STR("fails")))
		return lg_fail(ex->cx, LG_E_DENIED, "not here");
	if (lg_str_eq(ex->tail, LG_STR("later"))) {
		cr_assert(pthread_create(&thread, NULL, answer_later, ex) == 0 && pthread_detach(thread) == 0);
		return LG_PENDING;
	}
	if (lg_str_eq(ex->tail, LG_STR("blocks"))) {
		lg_buf_str(&ex->out, LG_STR("not twice: "));
		lg_http_header(ex, "X-Once", LG_STR("once"));
		LG_TRY(lg_http_may_block(ex));
	}
	lg_buf_str(&ex->out, ex->tail);
	return LG_OK;
}

static lg_err
moves(void *self, struct lg_http *ex)
{
	(void)self;
	if (lg_loop_self() == NULL)
		lg_buf_str(&ex->out, LG_STR("worker"));
	return lg_http_may_block(ex);
}

const struct lg_route handlers[] = {
	{ "GET", "/hello", PLAIN, LG_ON_LOOP, 0, hello },
	{ "POST", "/echo", PLAIN, LG_ON_LOOP, 0, echo },
	{ "GET", "/echo", PLAIN, LG_ON_LOOP, 0, echo },
	{ "GET", "/open/*", PLAIN, LG_ON_LOOP, 0, echo },
	{ "POST", "/small", PLAIN, LG_ON_LOOP, 10, echo },
	{ "GET", "/whoami", PLAIN, LG_ON_LOOP, 0, whoami },
	{ "GET", "/fails", PLAIN, LG_ON_LOOP, 0, fails },
	{ "GET", "/breaks", PLAIN, LG_ON_LOOP, 0, breaks },
	{ "GET", "/slow", PLAIN, LG_ON_WORKER, 0, handler_slow },
	{ "GET", "/core/*", PLAIN, LG_ON_CORE, 0, core },
	{ "GET", "/moves", PLAIN, LG_ON_LOOP, 0, moves },
	{ "GET", "/pending", PLAIN, LG_ON_LOOP, 0, pending },
	{ "GET", "/slow-pending", PLAIN, LG_ON_WORKER, 0, slow_pending },
	{ "GET", "/at-once", PLAIN, LG_ON_LOOP, 0, at_once },
	{ "GET", "/large", PLAIN, LG_ON_LOOP, 0, large },
	{ "GET", "/hold", PLAIN, LG_ON_LOOP, 0, hold },
	{ "GET", "/stream", PLAIN, LG_ON_LOOP, 0, stream },
	{ "GET", "/elsewhere", LG_SURFACE_HTTPS, LG_ON_LOOP, 0, hello },
};
const size_t nhandlers = LG_COUNT(handlers);

/* ---- the server ------------------------------------------------------------------------------------------------ */

struct kit k;
char buf[4096];

void
begin_with(enum lg_surface surface)
{
	kit_new(&k);
	cr_assert_eq(lg_http_routes_add(&k.cx, k.hs, handlers, nhandlers, NULL), LG_OK, "%s", k.cx.error);
	kit_attach(&k, PLAIN);
	kit_open(&k, surface);
}

void
handlers_begin(void)
{
	kit_init(&k);
	begin_with(LG_SURFACE_HTTP);
}

void
handlers_init(void)
{
	kit_init(&k);
}

void
handlers_end(void)
{
	kit_end(&k);
}
