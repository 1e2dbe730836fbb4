#include "server/app_metrics.h"

#include <stdatomic.h>

#include "base/clock.h"
#include "lightgate/certs.h"
#include "lightgate/store.h"
#include "lightgate/sts.h"
#include "server/app_own.h"
#include "server/ldap_listener.h"
#include "server/point.h"

static void
store_metrics(struct lg_app *app, struct lg_buf *out)
{
	struct lg_store_stats s;
	struct lg_ctx cx;

	lg_ctx_init(&cx, NULL);
	lg_metrics_gauge(out, "lightgate_store_seq", "The last record of the change log.", (int64_t)lg_store_head(app->store).seq);
	lg_metrics_gauge(out, "lightgate_decision_log_seq", "The last synced record of the decision log.",
	    (int64_t)lg_segments_head(app->segments).seq);
	lg_metrics_gauge(out, "lightgate_clock_fine", "The clock is believed; otherwise nothing is issued.",
	    lg_store_clock(app->store) == LG_CLOCK_FINE);
	if (lg_store_stats(&cx, app->store, &s) != LG_OK)
		return;
	lg_metrics_gauge(out, "lightgate_store_used_bytes", "The store's file, free pages included.", (int64_t)s.used);
	lg_metrics_gauge(out, "lightgate_store_map_bytes", "What the store's file may grow to.", (int64_t)s.size);
	lg_metrics_gauge(out, "lightgate_store_reader_lag", "Commits since the oldest snapshot that is still held.", (int64_t)s.behind);
}

/* In the order of struct lg_ldap_counts. */
static const char *const operations[] = { "bind", "search", "compare", "add", "modify", "delete", "rename", "extended", "entry", "refused",
	"connection" };

_Static_assert(LG_COUNT(operations) == sizeof(struct lg_ldap_counts) / sizeof(uint64_t), "a name for each count");

static uint64_t
sum(const struct lg_app *app, size_t op)
{
	const struct lg_app_own *own = app->own;
	uint64_t n = 0;

	for (size_t i = 0; i < app->nloops; i++)
		n += atomic_load_explicit(&own->wiring.cells[i].n[op], memory_order_relaxed);
	return n;
}

void
lg_ldap_figures(void *self, struct lg_figures *ret)
{
	const struct lg_app *app = self;
	const struct lg_app_own *own = app->own;
	uint64_t n[LG_COUNT(operations)];

	for (size_t op = 0; op < LG_COUNT(operations); op++)
		n[op] = sum(app, op);
	memcpy(&ret->counts, n, sizeof n);
	ret->connections = app->ldap == NULL ? 0 : lg_ldap_listener_live(app->ldap);
	ret->started = own->wiring.started;
	ret->uptime = lg_boottime() - own->wiring.since;
}

static void
ldap_metrics(struct lg_app *app, struct lg_buf *out)
{
	lg_buf_str(out, LG_STR("# TYPE lightgate_ldap counter\n# HELP lightgate_ldap LDAP operations, entries sent, refusals, connections.\n"));
	for (size_t op = 0; op < LG_COUNT(operations); op++) {
		lg_buf_printf(out, "lightgate_ldap_total{what=\"%s\"} %llu\n", operations[op], (unsigned long long)sum(app, op));
	}
}

static void
mail_metrics(struct lg_app *app, struct lg_buf *out)
{
	struct lg_sts_mail_figures n;

	lg_sts_mail_figures(app->sts, &n);
	lg_metrics_gauge(out, "lightgate_mail_waiting", "Mail that waits to be sent, to be tried again, or for its turn.", (int64_t)n.waiting);
	lg_buf_printf(out, "# TYPE lightgate_mail counter\n# HELP lightgate_mail Mail that was sent, attempts that failed, mail that was given up.\n"
	    "lightgate_mail_total{what=\"sent\"} %llu\nlightgate_mail_total{what=\"failed\"} %llu\nlightgate_mail_total{what=\"dropped\"} %llu\n",
	    (unsigned long long)n.sent, (unsigned long long)n.failed, (unsigned long long)n.dropped);
}

static void
metrics(void *self, struct lg_buf *out)
{
	struct lg_app *app = self;

	store_metrics(app, out);
	lg_tally_print(lg_point_tally(app->point), out);
	lg_certs_metrics(app->certs, out);
	mail_metrics(app, out);
	if (app->ldap != NULL)
		ldap_metrics(app, out);
}

lg_err
lg_app_metrics_add(struct lg_ctx *cx, struct lg_app *app)
{
	return lg_metrics_source_add(cx, app->metrics, metrics, app);
}

static void
publish(struct lg_turn *t)
{
	struct lg_ldap_cells *c = (struct lg_ldap_cells *)(void *)t;
	uint64_t n[LG_COUNT(operations)];
	struct lg_ldap_counts counts;

	lg_ldap_counts(c->ldap, &counts);
	memcpy(n, &counts, sizeof n);
	for (size_t i = 0; i < LG_COUNT(n); i++)
		atomic_store_explicit(&c->n[i], n[i], memory_order_relaxed);
}

void
lg_ldap_cells_begin(struct lg_ldap_cells *c, struct lg_loop *l, const struct lg_ldap *ldap)
{
	c->ldap = ldap;
	c->turn = (struct lg_turn){ .run = publish, .place = LG_TURN_CLEAN };
	lg_turn_add(l, &c->turn);
}

void
lg_ldap_cells_end(struct lg_ldap_cells *c, struct lg_loop *l)
{
	lg_turn_del(l, &c->turn);
}
