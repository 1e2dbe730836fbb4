/* freshness.c: which revision an answer was made at, and waiting for one. */
#include "server/freshness.h"

#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "server/http.h"

struct waiting {
	struct lg_timer timer;
	struct lg_app *app;
	struct lg_http *ex;
	uint64_t wanted;
	int64_t until;
	lg_fresh_again *again;
	void *arg;
};

void
lg_fresh_tell(struct lg_app *app, struct lg_http *ex, const struct lg_view *v)
{
	uint64_t seq = v != NULL ? lg_view_seq(v) : lg_store_head(app->store).seq;
	char text[20], *at = text + sizeof text;

	for (; seq > 0 || at == text + sizeof text; seq /= 10)
		*--at = (char)('0' + seq % 10);
	lg_http_header(ex, "Lightgate-Revision", (lg_str){ at, (size_t)(text + sizeof text - at) });
}

static lg_err
read_wanted(struct lg_http *ex, uint64_t *ret)
{
	lg_str text = ex->header(ex, "Lightgate-Min-Revision");
	int64_t n = 0;

	if (text.n > 0 && (!lg_int_parse(text, &n) || n < 0))
		return lg_fail(ex->cx, LG_E_INVALID, "Lightgate-Min-Revision is not a revision");
	*ret = (uint64_t)n;
	return LG_OK;
}

/* What counts is the snapshot that the handler will read: this turn's may be older than the store. */
static bool
is_there(struct lg_app *app, struct lg_http *ex, uint64_t wanted)
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;

	return wanted == 0 || (lg_view_begin(ex->cx, app->store, &v) == LG_OK && lg_view_seq(v) >= wanted);
}

static lg_err
behind(struct lg_app *app, struct lg_http *ex, uint64_t wanted)
{
	return lg_fail(ex->cx, LG_E_UNAVAILABLE, "the store is at revision %llu, and has not reached %llu",
	    (unsigned long long)lg_store_head(app->store).seq, (unsigned long long)wanted);
}

static void
look_again(struct lg_timer *t)
{
	struct waiting *w = (struct waiting *)(void *)((char *)t - offsetof(struct waiting, timer));

	if (is_there(w->app, w->ex, w->wanted))
		w->again(w->app, w->ex, w->arg, LG_OK);
	else if (lg_boottime() >= w->until)
		w->again(w->app, w->ex, w->arg, behind(w->app, w->ex, w->wanted));
	else
		lg_timer_set(lg_http_loop(w->ex), &w->timer, LG_FRESH_POLL);
}

lg_err
lg_fresh_await(struct lg_app *app, struct lg_http *ex, lg_fresh_again *again, void *arg)
{
	uint64_t wanted;

	LG_TRY(read_wanted(ex, &wanted));
	if (is_there(app, ex, wanted))
		return LG_OK;
	struct waiting *w = LG_NEW(ex->cx->arena, struct waiting);
	*w = (struct waiting){ { .run = look_again }, app, ex, wanted, lg_boottime() + LG_FRESH_WAIT, again, arg };
	lg_timer_set(lg_http_loop(ex), &w->timer, LG_FRESH_POLL);
	return LG_PENDING;
}

lg_err
lg_fresh_wait(struct lg_app *app, struct lg_http *ex)
{
	int64_t until = lg_boottime() + LG_FRESH_WAIT;
	uint64_t wanted;

	LG_TRY(read_wanted(ex, &wanted));
	while (!is_there(app, ex, wanted)) {
		if (lg_boottime() >= until)
			return behind(app, ex, wanted);
		lg_store_turn(app->store);
		usleep(LG_FRESH_POLL);
	}
	return LG_OK;
}
