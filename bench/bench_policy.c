/*
 * bench_policy.c: one workload in one thread: `policy DIR` reads what bench_policy_work.c wrote there, decides every request and
 * prints JSON: p50 and p99 of a decision, times of parsing, loading and of adding one policy, resident memory, and the decisions for
 * comparison.
 */
#include "lightgate/policy.h"

#include <stdio.h>
#include <time.h>

#include "base/file.h"
#include "base/json.h"
#include "bench/bench.h"

enum { REQUESTS = 4096, ROUNDS = 40, WARM = 4, CHANGES = 401, TEXT_MAX = 256 << 20 };

struct world {
	struct lg_arena *kept;			/* requests and what they point at */
	struct lg_policies *set;
	struct lg_entity_store *store;
	struct lg_request rq[REQUESTS];
	size_t n;
	double parse_ms, load_ms;
	float change_us[CHANGES];		/* rising */
};

/* Of this thread: one thread and no waiting, so that other programs on the machine do not count. */
static double
cpu_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static lg_str
slurp(struct lg_ctx *cx, const char *dir, const char *name)
{
	lg_str path = lg_print(cx->arena, "%s/%s", dir, name), text;

	must(lg_file_read(cx, path.p, TEXT_MAX, &text) == LG_OK, path.p);
	return text;
}

static void
parse(struct world *w, const char *dir)
{
	struct lg_arena *a = lg_arena_new();
	struct lg_policy_faults faults = { .n = 0 };
	struct lg_ctx cx;

	lg_ctx_init(&cx, a);
	struct lg_policy_source src = { .text = slurp(&cx, dir, "policies.cedar") };
	double began = cpu_ms();
	must(lg_policies_parse(&cx, &src, 1, NULL, &faults, &w->set) == LG_OK, cx.error);
	w->parse_ms = cpu_ms() - began;
	lg_arena_free(&a);
}

static void
load(struct world *w, const char *dir)
{
	struct lg_arena *a = lg_arena_new();
	struct lg_ctx cx;

	lg_ctx_init(&cx, a);
	lg_str json = slurp(&cx, dir, "entities.json");
	double began = cpu_ms();
	w->store = lg_entity_store_new();
	must(lg_entity_store_json(&cx, w->store, NULL, json) == LG_OK, cx.error);
	must(lg_entity_store_finish(&cx, w->store) == LG_OK, cx.error);
	w->load_ms = cpu_ms() - began;
	lg_arena_free(&a);
}

static struct lg_euid
read_uid(struct lg_json *js)
{
	lg_str name, type = LG_NONE, id = LG_NONE;

	lg_json_object(js);
	while (lg_json_member(js, &name))
		*(lg_str_eq(name, LG_STR("type")) ? &type : &id) = lg_json_str(js);
	return lg_euid_of(type, id);
}

static void
read_requests(struct world *w, const char *dir)
{
	struct lg_ctx cx;
	struct lg_json js;
	lg_str name, context = LG_NONE;

	lg_ctx_init(&cx, w->kept = lg_arena_new());
	lg_json_init(&js, cx.arena, slurp(&cx, dir, "requests.json"));
	lg_json_array(&js);
	while (lg_json_item(&js)) {
		struct lg_request *rq = &w->rq[w->n++];
		must(w->n < REQUESTS, "too many requests");
		lg_json_object(&js);
		while (lg_json_member(&js, &name)) {
			if (lg_str_eq(name, LG_STR("context")))
				context = lg_json_raw(&js);
			else
				*(name.p[0] == 'p' ? &rq->principal : name.p[0] == 'a' ? &rq->action : &rq->resource) = read_uid(&js);
		}
		must(lg_context_json(&cx, NULL, &rq->action, context, &rq->context) == LG_OK, cx.error);
	}
	must(lg_json_end(&cx, &js) == LG_OK && w->n > 0, cx.error);
}

/* Every request in turn, ROUNDS times: what stays in the caches is what would in a service. */
static void
decide(struct world *w, float *ns, char *decisions)
{
	struct lg_entities port = lg_entity_store_port(w->store);
	struct lg_arena *a = lg_arena_new();
	struct lg_answer answer;
	struct lg_ctx cx;

	lg_ctx_init(&cx, a);
	for (size_t round = 0; round < WARM + ROUNDS; round++)
		for (size_t i = 0; i < w->n; i++) {
			int64_t began = lg_monotonic_ns();
			lg_authorize(&cx, w->set, &port, &w->rq[i], &answer);
			decisions[i] = answer.allow ? '1' : '0';
			lg_arena_reset(a);
			if (round >= WARM)
				ns[(round - WARM) * w->n + i] = (float)(lg_monotonic_ns() - began);
		}
	lg_arena_free(&a);
}

/* One policy more, again and again: each a set of its own that shares with the one before. */
static void
grow(struct world *w)
{
	struct lg_policies *set = lg_policies_ref(w->set), *next;

	for (int i = 0; i < CHANGES; i++) {
		struct lg_arena *a = lg_arena_new();
		struct lg_policy_faults faults = { .n = 0 };
		struct lg_ctx cx;

		lg_ctx_init(&cx, a);
		struct lg_policy_source one = { lg_print(a, "added%d", i), lg_print(a, "permit (principal == User::\"added%d\", action, "
		    "resource) when { context.port == %d };", i, i) };
		struct lg_policy_change change = { .add = &one, .nadd = 1 };
		double began = cpu_ms();
		must(lg_policies_change(&cx, set, &change, NULL, &faults, &next) == LG_OK, cx.error);
		w->change_us[i] = (float)((cpu_ms() - began) * 1e3);
		lg_policies_unref(&set);
		set = next;
		lg_arena_free(&a);
	}
	must(lg_policies_count(set) == lg_policies_count(w->set) + CHANGES, "a change was lost");
	lg_policies_unref(&set);
	qsort(w->change_us, CHANGES, sizeof w->change_us[0], bench_rising);
}

static long
resident_kib(void)
{
	char line[256];
	long kib = 0;
	FILE *f = fopen("/proc/self/status", "r");

	must(f != NULL, "/proc/self/status");
	while (fgets(line, sizeof line, f) != NULL)
		if (sscanf(line, "VmRSS: %ld", &kib) == 1)
			break;
	fclose(f);
	return kib;
}

int
main(int argc, char **argv)
{
	static struct world w;
	static char decisions[REQUESTS + 1];

	must(argc == 2, "usage: policy DIR");
	parse(&w, argv[1]);
	load(&w, argv[1]);
	read_requests(&w, argv[1]);
	size_t n = ROUNDS * w.n;
	float *ns = calloc(n, sizeof *ns);
	must(ns != NULL, "memory");
	decide(&w, ns, decisions);
	long kib = resident_kib();
	grow(&w);
	qsort(ns, n, sizeof *ns, bench_rising);
	printf("{\"p50_us\":%.3f,\"p99_us\":%.3f,\"parse_ms\":%.1f,\"load_ms\":%.1f,\"rss_mb\":%.1f,\"change_us\":%.1f,"
	    "\"change_max_us\":%.1f,\"entities\":%zu,\"policies\":%zu,\"decisions\":\"%s\"}\n", ns[n / 2] / 1e3, ns[n * 99 / 100] / 1e3,
	    w.parse_ms, w.load_ms, (double)kib / 1024, w.change_us[CHANGES / 2], w.change_us[CHANGES - 1],
	    lg_entity_store_count(w.store), lg_policies_count(w.set), decisions);
	free(ns);
	lg_policies_unref(&w.set);
	lg_entity_store_free(&w.store);
	lg_arena_free(&w.kept);
	return 0;
}
