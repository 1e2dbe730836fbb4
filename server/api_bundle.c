/* api_bundle.c: GET /v1/agent/bundle: a host's bundle, signed. */
#include <stdlib.h>

#include "base/text.h"
#include "server/app_own.h"
#include "server/bundle.h"

#define TRIES	4		/* another host's bundle of a later version may have been signed in between */

struct making {
	struct lg_app *app;
	struct lg_caller host;
	struct lg_bundle_request rq;
	char state[LG_BUNDLE_STATE];
	lg_str token;
};

/* ---- made and signed --------------------------------------------------------------------------------------------- */

static lg_err
write_body(struct lg_ctx *cx, struct making *m, struct lg_buf *body)
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;
	const struct lg_tenant_view *t = m->host.tenant;
	char *id = lg_alloc(cx->arena, LG_UUID_TEXT + 1);

	lg_buf_clear(body);
	lg_store_turn(m->app->store);
	LG_TRY(lg_view_begin(cx, m->app->store, &v));
	LG_TRY(lg_bundle_state(m->app, v, t->id, m->state));
	LG_TRY(lg_bundle_write(cx, m->app, v, t, m->host.entity.id, body));
	lg_uuid_text(m->host.entity.id, id);
	m->rq = (struct lg_bundle_request){
		.tenant = t->id, .audience = lg_str_of(id), .epoch = lg_store_head(m->app->store).epoch, .version = lg_view_seq(v),
		.issued = cx->now, .life = LG_BUNDLE_TIME, .digest = lg_sha256_of(lg_buf_view(body)),
	};
	return LG_OK;
}

static lg_err
ask_keeper(struct lg_keeper *k, void *arg, lg_keeper_done *done, void *done_arg)
{
	return lg_keeper_bundle(k, arg, done, done_arg);
}

static lg_err
make(struct lg_ctx *cx, struct making *m, struct lg_buf *body)
{
	lg_err e = LG_E_CONFLICT;

	for (int i = 0; i < TRIES && e == LG_E_CONFLICT; i++) {
		LG_TRY(write_body(cx, m, body));
		e = lg_keeper_link_wait(m->app->keeper, cx, ask_keeper, &m->rq, &m->token);
	}
	return e == LG_E_CONFLICT ? lg_fail(cx, LG_E_BUSY, "bundles are asked for faster than they can be signed") : e;
}

/* ---- on its way ------------------------------------------------------------------------------------------------------- */

struct sending {
	struct lg_buf text;
	size_t at;
};

static lg_err
next(void *self, struct lg_buf *out, size_t max)
{
	struct sending *s = self;
	lg_str piece = lg_str_sub(lg_buf_view(&s->text), s->at, max);

	if (piece.n == 0)
		return LG_E_NOT_FOUND;
	lg_buf_str(out, piece);
	s->at += piece.n;
	return LG_OK;
}

static void
end(void *self)
{
	struct sending *s = self;

	lg_buf_free(&s->text);
	free(s);
}

/* The token, the state, and the body unless the host has it already. */
static lg_err
answer(struct lg_http *ex, const struct making *m, const struct lg_buf *body, bool same)
{
	struct sending *s = calloc(1, sizeof *s);

	if (s == NULL)
		abort();
	s->text = LG_BUF(LG_BUNDLE_BODY_MAX + LG_TOKEN_MAX + 256);
	lg_buf_printf(&s->text, "%.*s\n%s\n", LG_FMT(m->token), m->state);
	if (!same)
		lg_buf_str(&s->text, lg_buf_view(body));
	lg_err e = lg_buf_status(ex->cx, &s->text);
	if (e != LG_OK) {
		end(s);
		return e;
	}
	lg_http_type(ex, "application/vnd.lightgate.bundle");
	lg_http_stream(ex, &(struct lg_http_stream){ next, end, s });
	return LG_OK;
}

static lg_err
find_host(struct lg_http *ex, struct making *m)
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;

	LG_TRY(lg_view_begin(ex->cx, m->app->store, &v));
	return lg_caller_host(m->app, ex, v, &m->host);
}

static lg_err
bundle(void *self, struct lg_http *ex)
{
	LG_AUTO(lg_buf_free) struct lg_buf body = LG_BUF(LG_BUNDLE_BODY_MAX);
	struct making m = { .app = self };
	struct lg_form query;
	lg_str have;

	LG_TRY(lg_form_parse(ex->cx, ex->query, &query));
	LG_TRY(find_host(ex, &m));
	LG_TRY(make(ex->cx, &m, &body));
	bool same = lg_base64url_parse(ex->cx->arena, lg_form_get(&query, "have"), &have) &&
	    lg_str_eq(have, lg_sha256_str(&m.rq.digest));
	return answer(ex, &m, &body, same);
}

const struct lg_route lg_api_bundle_routes[] = {
	{ "GET", "/v1/agent/bundle", LG_SURFACE_MTLS, LG_ON_WORKER, 0, bundle },
};
const size_t lg_api_bundle_nroutes = LG_COUNT(lg_api_bundle_routes);
