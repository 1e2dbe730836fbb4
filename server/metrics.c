#include "server/metrics.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "server/loop.h"

/* Statuses worth a cell of their own; the last stands for all others. */
static const int statuses[] = { 200, 201, 204, 302, 303, 304, 400, 401, 403, 404, 405, 409, 413, 422, 429, 500, 503, 0 };

struct cell {
	_Atomic uint64_t count;
};

struct route_cells {
	struct cell status[LG_COUNT(statuses)];
	_Atomic uint64_t ns;
};

/* One loop's: written by its thread only. */
struct loop_cells {
	struct route_cells route[LG_METRICS_ROUTES + 1];
};

struct lg_metrics {
	struct {
		const char *method, *path;
	} route[LG_METRICS_ROUTES + 1];
	size_t nroutes;
	_Atomic(struct loop_cells *) loop[LG_LOOPS];
	struct {
		lg_metrics_source *fn;
		void *self;
	} source[LG_METRICS_SOURCES];
	size_t nsources;
};

lg_err
lg_metrics_new(struct lg_ctx *cx, struct lg_metrics **ret)
{
	struct lg_metrics *m = calloc(1, sizeof *m);

	(void)cx;
	if (m == NULL)
		abort();
	m->route[LG_METRICS_ROUTES].method = "";
	m->route[LG_METRICS_ROUTES].path = "";
	*ret = m;
	return LG_OK;
}

void
lg_metrics_free(struct lg_metrics **m)
{
	if (*m == NULL)
		return;
	for (size_t i = 0; i < LG_LOOPS; i++)
		free((*m)->loop[i]);
	free(*m);
	*m = NULL;
}

lg_err
lg_metrics_route_add(struct lg_ctx *cx, struct lg_metrics *m, const char *method, const char *path)
{
	if (m->nroutes >= LG_METRICS_ROUTES)
		return lg_fail(cx, LG_E_LIMIT, "more than %d routes", LG_METRICS_ROUTES);
	m->route[m->nroutes].method = method;
	m->route[m->nroutes++].path = path;
	return LG_OK;
}

/* Only one thread writes a cell, so that no locked addition is needed; readers see whole values. */
static void
add(_Atomic uint64_t *cell, uint64_t n)
{
	atomic_store_explicit(cell, atomic_load_explicit(cell, memory_order_relaxed) + n, memory_order_relaxed);
}

static size_t
status_cell(int status)
{
	size_t i = 0;

	while (i < LG_COUNT(statuses) - 1 && statuses[i] != status)
		i++;
	return i;
}

void
lg_metrics_request(struct lg_metrics *m, size_t loop, size_t route, int status, int64_t ns)
{
	struct loop_cells *cells = atomic_load_explicit(&m->loop[loop], memory_order_acquire);
	struct route_cells *r;

	if (cells == NULL) {
		cells = calloc(1, sizeof *cells);
		if (cells == NULL)
			abort();
		atomic_store_explicit(&m->loop[loop], cells, memory_order_release);
	}
	r = &cells->route[route < LG_METRICS_ROUTES ? route : LG_METRICS_ROUTES];
	add(&r->status[status_cell(status)].count, 1);
	add(&r->ns, (uint64_t)ns);
}

lg_err
lg_metrics_source_add(struct lg_ctx *cx, struct lg_metrics *m, lg_metrics_source *fn, void *self)
{
	if (m->nsources >= LG_METRICS_SOURCES)
		return lg_fail(cx, LG_E_LIMIT, "more than %d sources of metrics", LG_METRICS_SOURCES);
	m->source[m->nsources].fn = fn;
	m->source[m->nsources++].self = self;
	return LG_OK;
}

void
lg_metrics_gauge(struct lg_buf *out, const char *name, const char *help, int64_t value)
{
	lg_buf_printf(out, "# TYPE %s gauge\n# HELP %s %s\n%s %lld\n", name, name, help, name, (long long)value);
}

void
lg_metrics_counter(struct lg_buf *out, const char *name, const char *help, uint64_t value)
{
	lg_buf_printf(out, "# TYPE %s counter\n# HELP %s %s\n%s_total %llu\n", name, name, help, name, (unsigned long long)value);
}

/* ---- printing ------------------------------------------------------------------------------------- */

static uint64_t
sum_status(const struct lg_metrics *m, size_t route, size_t status)
{
	uint64_t n = 0;

	for (size_t i = 0; i < LG_LOOPS; i++) {
		const struct loop_cells *cells = atomic_load_explicit(&m->loop[i], memory_order_acquire);

		if (cells != NULL)
			n += atomic_load_explicit(&cells->route[route].status[status].count, memory_order_relaxed);
	}
	return n;
}

static uint64_t
sum_ns(const struct lg_metrics *m, size_t route)
{
	uint64_t n = 0;

	for (size_t i = 0; i < LG_LOOPS; i++) {
		const struct loop_cells *cells = atomic_load_explicit(&m->loop[i], memory_order_acquire);

		if (cells != NULL)
			n += atomic_load_explicit(&cells->route[route].ns, memory_order_relaxed);
	}
	return n;
}

static void
print_requests(const struct lg_metrics *m, size_t r, struct lg_buf *out)
{
	for (size_t s = 0; s < LG_COUNT(statuses); s++) {
		uint64_t n = sum_status(m, r, s);

		if (n == 0)
			continue;
		lg_buf_printf(out, "lightgate_http_requests_total{method=\"%s\",route=\"%s\",status=\"", m->route[r].method,
		    m->route[r].path);
		if (statuses[s] == 0)
			lg_buf_str(out, LG_STR("other"));
		else
			lg_buf_printf(out, "%d", statuses[s]);
		lg_buf_printf(out, "\"} %llu\n", (unsigned long long)n);
	}
}

static void
print_seconds(const struct lg_metrics *m, size_t r, struct lg_buf *out)
{
	uint64_t ns = sum_ns(m, r);

	if (ns != 0)
		lg_buf_printf(out, "lightgate_http_request_seconds_total{method=\"%s\",route=\"%s\"} %llu.%09llu\n", m->route[r].method,
		    m->route[r].path, (unsigned long long)(ns / 1000000000), (unsigned long long)(ns % 1000000000));
}

void
lg_metrics_print(struct lg_metrics *m, struct lg_buf *out)
{
	lg_buf_str(out, LG_STR("# TYPE lightgate_http_requests counter\n# HELP lightgate_http_requests Answered requests.\n"));
	for (size_t r = 0; r <= LG_METRICS_ROUTES; r++)
		print_requests(m, r, out);
	lg_buf_str(out, LG_STR("# TYPE lightgate_http_request_seconds counter\n# UNIT lightgate_http_request_seconds seconds\n"
	    "# HELP lightgate_http_request_seconds Time from a request's first line to the end of its answer.\n"));
	for (size_t r = 0; r <= LG_METRICS_ROUTES; r++)
		print_seconds(m, r, out);
	for (size_t i = 0; i < m->nsources; i++)
		m->source[i].fn(m->source[i].self, out);
	lg_buf_str(out, LG_STR("# EOF\n"));
}
