/* warnings.c: see warnings.h. */
#include "server/warnings.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "lightgate/certs.h"
#include "server/app_own.h"

/* Two months are enough for a root elsewhere to sign; our own issuing CAs are followed long before. */
#define WARN_BEFORE (60 * LG_DAY)

static void
warn_of(void *arg, const struct lg_ca_end *end)
{
	struct lg_ctx *cx = arg;

	lg_log(LG_WARN, "the %s of %.*s ends %.*s: see lightgate ca --help", end->what, LG_FMT(end->trust_domain),
	    LG_FMT(lg_time_text(cx->arena, end->ends)));
}

static void
warn_of_unrenewed(struct lg_ctx *cx, const struct lg_tenant_view *t, const struct lg_unrenewed *u)
{
	lg_str names = LG_NONE;

	for (size_t i = 0; i < u->count && i < LG_UNRENEWED; i++)
		names = lg_print(cx->arena, "%.*s%s%.*s %.*s (%.*s)", LG_FMT(names), i == 0 ? "" : ", ", LG_FMT(u->v[i].profile),
		    LG_FMT(u->v[i].name), LG_FMT(lg_time_text(cx->arena, u->v[i].expires)));
	lg_log(LG_WARN, "%llu certificates of %.*s end soon and nobody renewed them: %.*s", (unsigned long long)u->count,
	    LG_FMT(t->trust_domain), LG_FMT(names));
}

#define CENSUS_EVERY	(5 * LG_MINUTE)
#define CENSUS_SHARE	100		/* and of a worker's time one part in so many */

void
lg_warn_certificates(void *arg)
{
	struct lg_app *app = arg;
	struct lg_app_own *own = lg_own(app);
	struct lg_arena *arena = lg_arena_new();
	const struct lg_tenant_view *t = lg_tenants_after(app->tenants, 0);
	int64_t began = lg_boottime(), took;
	struct lg_unrenewed u;
	struct lg_ctx cx;

	for (; t != NULL && !__atomic_load_n(&own->stopping, __ATOMIC_ACQUIRE); t = lg_tenants_after(app->tenants, t->id)) {
		lg_arena_reset(arena);
		lg_ctx_init(&cx, arena);
		cx.actor = &lg_system;
		lg_err e = lg_certs_census(&cx, app->certs, t->id, &u);
		if (e != LG_OK)
			lg_log(LG_ERROR, "counting certificates: %s: %s", lg_err_name(e), cx.error);
		else if (u.count > 0 && began >= own->unrenewed_told)
			warn_of_unrenewed(&cx, t, &u);
		lg_store_turn(app->store);
	}
	lg_arena_free(&arena);
	if (began >= own->unrenewed_told)
		own->unrenewed_told = began + LG_HOUR;
	took = lg_boottime() - began;
	own->census_due = began + (took * CENSUS_SHARE > CENSUS_EVERY ? took * CENSUS_SHARE : CENSUS_EVERY);
	__atomic_store_n(&own->counting, false, __ATOMIC_RELEASE);
}

void
lg_warn_authorities(struct lg_ctx *cx, struct lg_app *app)
{
	struct lg_app_own *own = lg_own(app);

	if (cx->now - own->warned < LG_DAY)
		return;
	own->warned = cx->now;
	lg_certs_ending(app->certs, 0, cx->now + WARN_BEFORE, warn_of, cx);
}
