/* http_exchange.c: one request from its first line to its answer: http_work.c runs its handler. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "server/http_impl.h"

/* ---- exchanges are kept and used again ------------------------------------------------------------ */

static lg_str
header(const struct lg_http *ex, const char *name)
{
	const struct http_x *x = ex->server;
	const char *value = NULL;
	size_t n = 0;

	if (MHD_lookup_connection_value_n(x->mhd, MHD_HEADER_KIND, name, strlen(name), &value, &n) != MHD_YES || value == NULL)
		return LG_NONE;
	return lg_str_trim((lg_str){ value, n });
}

static struct http_x *
take(struct http_loop *hl)
{
	struct http_x *x = hl->spare;

	if (x != NULL) {
		hl->spare = x->next;
		hl->nspare--;
		return x;
	}
	x = calloc(1, sizeof *x);
	if (x == NULL)
		abort();
	x->cx.arena = lg_arena_new();
	x->body = LG_BUF(0);
	x->ex.out = LG_BUF(LG_HTTP_RESPONSE_MAX);
	return x;
}

static void
drop(struct http_x *x)
{
	lg_arena_free(&x->cx.arena);
	lg_buf_wipe(&x->body);
	lg_buf_wipe(&x->ex.out);
	free(x);
}

/* Request and reply may hold secrets: nothing of them stays. */
static void
clear(struct lg_buf *b)
{
	if (b->size > HTTP_KEEP) {
		size_t max = b->max;

		lg_buf_wipe(b);
		*b = LG_BUF(max);
		return;
	}
	if (b->n > 0)
		explicit_bzero(b->p, b->n);
	lg_buf_clear(b);
}

static void
give(struct http_loop *hl, struct http_x *x)
{
	struct lg_arena *arena = x->cx.arena;
	struct lg_buf body = x->body, out = x->ex.out;

	hl->large -= x->large;
	if (hl->nspare >= HTTP_SPARE) {
		drop(x);
		return;
	}
	clear(&body);
	clear(&out);
	lg_arena_reset(arena);
	memset(x, 0, offsetof(struct http_x, cx));
	memset((char *)x + offsetof(struct http_x, body), 0, sizeof *x - offsetof(struct http_x, body));
	x->cx.arena = arena;
	x->body = body;
	x->ex.out = out;
	x->next = hl->spare;
	hl->spare = x;
	hl->nspare++;
}

void
http_spare_free(struct http_loop *hl)
{
	while (hl->spare != NULL) {
		struct http_x *x = hl->spare;

		hl->spare = x->next;
		drop(x);
	}
	hl->nspare = 0;
}

/* ---- the first line ------------------------------------------------------------------------------------ */

static void
live_add(struct http_loop *hl, int n)
{
	/* Only this thread writes it; others read. */
	atomic_store_explicit(&hl->live, atomic_load_explicit(&hl->live, memory_order_relaxed) + (unsigned)n, memory_order_relaxed);
}

void *
http_on_target(void *cls, const char *uri, struct MHD_Connection *mhd)
{
	struct http_daemon *d = cls;
	struct http_conn *c = http_conn_of(mhd);
	struct http_x *x = take(d->hl);

	lg_ctx_init(&x->cx, x->cx.arena);
	x->mhd = mhd;
	x->conn = c;
	x->began = lg_monotonic_ns();
	x->ex.cx = &x->cx;
	x->ex.peer = &c->peer;
	x->ex.header = header;
	x->ex.server = x;
	/* MHD will cut it into pieces where it stands. */
	x->raw = lg_dup(x->cx.arena, lg_str_of(uri));
	if (d->wants_cert && !c->known)
		http_tls_peer(c, mhd);
	http_due_set(c, DUE_REQUEST);
	live_add(d->hl, 1);
	return x;
}

/* ---- the request's id -------------------------------------------------------------------------------------- */

static bool
id_ok(lg_str s)
{
	if (s.n == 0 || s.n >= sizeof(((struct http_x *)0)->id))
		return false;
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.'))
			return false;
	}
	return true;
}

/* A random beginning for each loop, then a count: unique, and cheap. */
static void
id_make(struct http_loop *hl, char *ret)
{
	static const char hex[] = "0123456789abcdef";
	uint64_t word[2] = { hl->id_base, ++hl->id_count };

	for (size_t i = 0; i < 32; i++)
		ret[i] = hex[word[i / 16] >> (60 - i % 16 * 4) & 15];
	ret[32] = '\0';
}

static void
id_set(struct http_x *x)
{
	lg_str given = header(&x->ex, "X-Request-ID");

	if (id_ok(given))
		memcpy(x->id, given.p, given.n);
	else
		id_make(x->conn->daemon->hl, x->id);
}

/* ---- running ------------------------------------------------------------------------------------------------- */

static void
suspend(struct http_x *x)
{
	x->suspended = true;
	x->conn->daemon->waiting++;
	MHD_suspend_connection(x->mhd);
}

static lg_err
run(struct http_x *x)
{
	const struct lg_bound_route *b = x->match.bound;

	if (x->conn->daemon->waiting >= x->conn->daemon->max_waiting)
		return lg_fail(&x->cx, LG_E_BUSY, "too many requests are waiting");
	x->stage = STAGE_RUN;
	x->ex.body = lg_buf_view(&x->body);
	return http_work(x, b->route->where);
}

static void
refused(struct http_x *x)
{
	lg_problem_status(&x->ex, x->refusal, lg_err_name(x->refusal_code), lg_str_of(x->cx.error));
	if (x->refusal == 405)
		lg_http_header(&x->ex, "Allow", x->match.allow);
	x->stage = STAGE_DONE;
}

static enum MHD_Result
complete(struct http_x *x)
{
	lg_err e;

	http_due_set(x->conn, DUE_NEVER);
	if (x->too_large) {
		x->refusal = 413;
		x->refusal_code = LG_E_LIMIT;
		lg_fail(&x->cx, LG_E_LIMIT, "the body is too large");
	}
	if (x->refusal != 0) {
		refused(x);
		return http_reply(x);
	}
	e = run(x);
	if (e == LG_PENDING && x->stage != STAGE_DONE) {
		suspend(x);
		return MHD_YES;
	}
	if (e != LG_PENDING)
		http_settle(x, e);
	return http_reply(x);
}

static enum MHD_Result
on_head(struct http_x *x, const char *url, const char *method, const char *version)
{
	x->stage = STAGE_BODY;
	x->head_only = strcmp(method, MHD_HTTP_METHOD_HEAD) == 0;
	http_check(x, method, url, version);
	id_set(x);
	if (x->refusal == 0 || (!x->has_body && !x->bad_frame))
		return MHD_YES;
	/* A reply at this point refuses what would follow; MHD closes the connection after it. */
	refused(x);
	return http_reply(x);
}

/* A little too much is read and answered 413; much, which only a chunked body can be, is cut off. */
static enum MHD_Result
on_body(struct http_x *x, const char *data, size_t *size)
{
	size_t n = *size;

	*size = 0;
	x->taken += n;
	if (!x->too_large)
		lg_buf_bytes(&x->body, data, n);
	x->too_large |= x->body.full;
	return x->too_large && x->taken > x->body.max + LG_HTTP_BODY_MAX ? MHD_NO : MHD_YES;
}

enum MHD_Result
http_on_request(void *cls, struct MHD_Connection *mhd, const char *url, const char *method, const char *version,
    const char *data, size_t *size, void **context)
{
	struct http_x *x = *context;

	(void)mhd;
	((struct http_daemon *)cls)->moved = true;
	if (x == NULL)
		return MHD_NO;
	if (x->stage == STAGE_HEAD)
		return on_head(x, url, method, version);
	if (x->stage == STAGE_BODY && *size > 0)
		return on_body(x, data, size);
	if (x->stage == STAGE_BODY)
		return complete(x);
	return MHD_YES;
}

/* ---- the end ------------------------------------------------------------------------------------------------------- */

static void
account(struct http_x *x)
{
	struct http_loop *hl = x->conn->daemon->hl;
	const struct lg_http_options *o = &hl->hs->o;
	int64_t ns = lg_monotonic_ns() - x->began;
	size_t route = x->match.bound == NULL ? SIZE_MAX : x->match.bound->index;

	if (o->metrics != NULL)
		lg_metrics_request(o->metrics, lg_loop_index(hl->loop), route, x->ex.status, ns);
	/* 503 is what an overload looks like; a line for each would add to it. */
	if ((x->ex.status >= 500 && x->ex.status != 503) || atomic_load_explicit(&hl->hs->log_requests, memory_order_relaxed))
		lg_log(x->ex.status >= 500 ? LG_WARN : LG_INFO, "%s %.*s %.*s %d %lld us id=%s%s%s", x->conn->peer.address,
		    LG_FMT(x->ex.method), LG_FMT(x->target.raw), x->ex.status, (long long)(ns / 1000), x->id,
		    x->cx.error[0] == '\0' ? "" : ": ", x->cx.error);
}

void
http_on_completed(void *cls, struct MHD_Connection *mhd, void **context, enum MHD_RequestTerminationCode code)
{
	struct http_daemon *d = cls;
	struct http_x *x = *context;

	(void)mhd, (void)code;
	*context = NULL;
	if (x == NULL)
		return;
	http_link_out(&x->stream_link);
	if (x->stream.end != NULL)
		x->stream.end(x->stream.self);
	account(x);
	http_due_set(x->conn, DUE_IDLE);
	live_add(d->hl, -1);
	give(d->hl, x);
}
