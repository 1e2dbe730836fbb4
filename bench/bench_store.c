/*
 * bench_store.c: durable writes and reads of the store beside their ceilings, measured in the same minute on the same
 * disk: raw fdatasync, bare LMDB commits of as many puts, bare LMDB gets.
 *
 *	make build/release/bench/store && build/release/bench/store [DIR [SECONDS [WHAT]]]
 *
 * With WHAT only the figures whose names begin so: "bare LMDB" is the probe that others measure themselves beside.
 */
#include <fcntl.h>
#include <lmdb.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "lightgate/store.h"

enum { WRITERS = 64, ROUNDS = 5, ROWS = 100000, GETS = 300000, VALUE = 200 };

static char dir[256];
static double seconds = 1;
static struct lg_store *st;
static const struct lg_table rows = { .name = "rows", .id = 1, .domain = LG_DOMAIN_ENTRY };
static const struct lg_table *const tables[] = { &rows };

static void
must(bool ok, const char *what)
{
	if (ok)
		return;
	perror(what);
	exit(1);
}

static double
since(int64_t start)
{
	return (double)(lg_monotonic_ns() - start) / 1e9;
}

static lg_str
row_key(char key[32], unsigned long i)
{
	int n = snprintf(key + 4, 28, "row/%016lx", i * 0x9E3779B97F4A7C15ul);

	memcpy(key, "\0\0\0\1", 4);
	return (lg_str){ key, 4 + (size_t)n };
}

/* ---- ceilings ---------------------------------------------------------------------------------------------- */

static double
raw_syncs(void)
{
	char path[300], page[4096] = { 1 };
	long n = 0;

	snprintf(path, sizeof path, "%s/raw", dir);
	int fd = open(path, O_RDWR | O_CREAT, 0600);
	must(fd >= 0 && posix_fallocate(fd, 0, 16 << 20) == 0, path);
	int64_t t = lg_monotonic_ns();
	for (; since(t) < seconds; n++)
		must(pwrite(fd, page, sizeof page, n % 4096 * 4096) == sizeof page && fdatasync(fd) == 0, path);
	double rate = (double)n / since(t);
	close(fd);
	return rate;
}

static MDB_env *env;
static MDB_dbi dbi;

static void
bare_put(MDB_txn *txn, unsigned long i)
{
	static char value[VALUE];
	char key[32];
	lg_str k = row_key(key, i);
	MDB_val mk = { k.n, key }, mv = { sizeof value, value };

	value[i % VALUE]++;
	must(mdb_put(txn, dbi, &mk, &mv, 0) == 0, "mdb_put");
}

static void
bare_open(void)
{
	char path[300];
	MDB_txn *txn;

	snprintf(path, sizeof path, "%s/bare", dir);
	mkdir(path, 0700);
	must(mdb_env_create(&env) == 0 && mdb_env_set_mapsize(env, 1ul << 32) == 0 && mdb_env_set_maxdbs(env, 4) == 0 &&
	    mdb_env_open(env, path, MDB_NOTLS, 0600) == 0, path);
	must(mdb_txn_begin(env, NULL, 0, &txn) == 0 && mdb_dbi_open(txn, "d", MDB_CREATE, &dbi) == 0, path);
	for (unsigned long i = 0; i < ROWS; i++)
		bare_put(txn, i);
	must(mdb_txn_commit(txn) == 0, path);
}

static double
bare_puts(int batch)
{
	int64_t t = lg_monotonic_ns();
	long n = 0;

	for (; since(t) < seconds; n += batch) {
		MDB_txn *txn;
		must(mdb_txn_begin(env, NULL, 0, &txn) == 0, "begin");
		for (int i = 0; i < batch; i++)
			bare_put(txn, (unsigned long)(random() % ROWS));
		must(mdb_txn_commit(txn) == 0, "commit");
	}
	return (double)n / since(t);
}

static double
bare_get(void)
{
	MDB_txn *txn;
	char key[32];
	MDB_val v;

	must(mdb_txn_begin(env, NULL, MDB_RDONLY, &txn) == 0, "begin");
	int64_t t = lg_monotonic_ns();
	for (unsigned long i = 0; i < GETS; i++) {
		lg_str k = row_key(key, i * 7919 % ROWS);
		MDB_val mk = { k.n, key };
		must(mdb_get(txn, dbi, &mk, &v) == 0, "mdb_get");
	}
	double us = since(t) * 1e6 / GETS;
	mdb_txn_abort(txn);
	return us;
}

/* ---- the store --------------------------------------------------------------------------------------------- */

static lg_err
put_one(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	char key[32], value[VALUE] = { 0 };
	unsigned long n = *(unsigned long *)arg;

	snprintf(value, sizeof value, "%lu %lld", n, (long long)lg_view_time(v));
	return lg_put(cx, v, &rows, row_key(key, n), (lg_str){ value, sizeof value });
}

static lg_err
put_some(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	unsigned long from = *(unsigned long *)arg;

	for (unsigned long i = from; i < from + 5000; i++)
		LG_TRY(put_one(cx, v, &i));
	return LG_OK;
}

static void
store_open(void)
{
	LG_AUTO(lg_arena_free) struct lg_arena *a = lg_arena_new();
	char path[300];
	struct lg_ctx cx;

	lg_ctx_init(&cx, a);
	snprintf(path, sizeof path, "%s/store", dir);
	struct lg_store_options o = { .dir = path, .tables = tables, .ntables = 1, .node = LG_STR("bench") };
	must(lg_store_open(&cx, &o, &st) == LG_OK, cx.error);
	for (unsigned long i = 0; i < ROWS; i += 5000)
		must(lg_store_apply(&cx, st, 1, "load", put_some, &i, NULL) == LG_OK, cx.error);
}

struct writer {
	unsigned seed;
	int64_t start;
	long n;
};

static void *
writer_main(void *arg)
{
	struct writer *w = arg;
	LG_AUTO(lg_arena_free) struct lg_arena *a = lg_arena_new();
	struct lg_ctx cx;

	for (; since(w->start) < seconds; w->n++) {
		unsigned long i = (unsigned long)rand_r(&w->seed) % ROWS;
		lg_arena_reset(a);
		lg_ctx_init(&cx, a);
		must(lg_store_apply(&cx, st, 1, "put", put_one, &i, NULL) == LG_OK, cx.error);
	}
	return NULL;
}

static double
store_puts(int writers)
{
	struct writer w[WRITERS];
	pthread_t t[WRITERS];
	int64_t start = lg_monotonic_ns();
	long n = 0;

	for (int i = 0; i < writers; i++) {
		w[i] = (struct writer){ (unsigned)i + 1, start, 0 };
		must(pthread_create(&t[i], NULL, writer_main, &w[i]) == 0, "thread");
	}
	for (int i = 0; i < writers; i++) {
		pthread_join(t[i], NULL);
		n += w[i].n;
	}
	return (double)n / since(start);
}

/* One event loop that keeps 64 changes under way. */
struct async {
	struct lg_job job;
	struct lg_ctx cx;
	struct lg_arena *arena;
	unsigned long i;
	long *done;
	bool again;
};

static lg_err
async_run(struct lg_ctx *cx, struct lg_view *v, struct lg_job *job)
{
	return put_one(cx, v, &((struct async *)job)->i);
}

static void
async_done(struct lg_note *note)
{
	struct async *x = (struct async *)((char *)note - offsetof(struct async, job.note));

	must(x->job.result == LG_OK, x->cx.error);
	++*x->done;
	x->i = (unsigned long)random() % ROWS;
	lg_arena_reset(x->arena);
	if (x->again)
		must(lg_store_submit(st, &x->job) == LG_OK, "submit");
}

static struct lg_mailbox *box;		/* outlives the store, which may still be inside its last post */

static double
store_submits(int jobs)
{
	struct async *x = calloc((size_t)jobs, sizeof *x);
	LG_AUTO(lg_arena_free) struct lg_arena *a = lg_arena_new();
	struct lg_ctx cx;
	long done = 0;

	lg_ctx_init(&cx, a);
	must(x != NULL && (box != NULL || lg_mailbox_new(&cx, &box) == LG_OK), "mailbox");
	int64_t t = lg_monotonic_ns();
	for (int i = 0; i < jobs; i++) {
		x[i] = (struct async){ .job = { .run = async_run, .reply = box, .cx = &x[i].cx, .tenant = 1, .operation = "put" },
			.arena = lg_arena_new(), .done = &done, .again = true };
		lg_ctx_init(&x[i].cx, x[i].arena);
		x[i].job.note.run = async_done;
		must(lg_store_submit(st, &x[i].job) == LG_OK, "submit");
	}
	struct pollfd p = { lg_mailbox_fd(box), POLLIN, 0 };
	while (since(t) < seconds && poll(&p, 1, 1000) >= 0)
		lg_mailbox_drain(box);
	double rate = (double)done / since(t);
	for (int i = 0; i < jobs; i++)
		x[i].again = false;
	const long last = done + jobs;
	while (done < last)
		lg_mailbox_drain(box);
	for (int i = 0; i < jobs; i++)
		lg_arena_free(&x[i].arena);
	free(x);
	return rate;
}

static double
store_get(bool turns)
{
	LG_AUTO(lg_arena_free) struct lg_arena *a = lg_arena_new();
	struct lg_ctx cx;
	char key[32];
	lg_str row;

	lg_ctx_init(&cx, a);
	int64_t t = lg_monotonic_ns();
	for (unsigned long i = 0; i < GETS; i++) {
		struct lg_view *v;
		must(lg_view_begin(&cx, st, &v) == LG_OK, cx.error);
		must(lg_get(&cx, v, &rows, row_key(key, i * 7919 % ROWS), &row) == LG_OK, cx.error);
		lg_view_end(&v);
		if (turns)
			lg_store_turn(st);
	}
	lg_store_turn(st);
	return since(t) * 1e6 / GETS;
}

/* ---- decision segments ---------------------------------------------------------------------------------------- */

static struct lg_segments *sg;

static void *
decider_main(void *arg)
{
	struct writer *w = arg;
	LG_AUTO(lg_arena_free) struct lg_arena *a = lg_arena_new();
	static char body[300];
	struct lg_ctx cx;

	lg_ctx_init(&cx, a);
	for (; since(w->start) < seconds; w->n++)
		must(lg_segments_apply(&cx, sg, 1, (lg_str){ body, sizeof body }) == LG_OK, cx.error);
	return NULL;
}

static double
decisions(int threads)
{
	struct writer w[WRITERS];
	pthread_t t[WRITERS];
	int64_t start = lg_monotonic_ns();
	long n = 0;

	for (int i = 0; i < threads; i++) {
		w[i] = (struct writer){ 0, start, 0 };
		must(pthread_create(&t[i], NULL, decider_main, &w[i]) == 0, "thread");
	}
	for (int i = 0; i < threads; i++) {
		pthread_join(t[i], NULL);
		n += w[i].n;
	}
	return (double)n / since(start);
}

/* ---- the table --------------------------------------------------------------------------------------------------- */

static double raw(void) { return raw_syncs(); }
static double bare1(void) { return bare_puts(1); }
static double bare64(void) { return bare_puts(WRITERS); }
static double store1(void) { return store_puts(1); }
static double store64(void) { return store_puts(WRITERS); }
static double submit64(void) { return store_submits(WRITERS); }
static double get_view(void) { return store_get(false); }
static double get_turn(void) { return store_get(true); }
static double decide1(void) { return decisions(1); }
static double decide64(void) { return decisions(WRITERS); }

static struct figure {
	const char *name, *unit;
	double (*run)(void);
	int ceiling;		/* row of its ceiling, -1: it is one */
	double v[ROUNDS];
} figures[] = {
	{ "write 4 KiB + fdatasync", "/s", raw, -1, { 0 } },
	{ "bare LMDB, 1 put a commit", "puts/s", bare1, -1, { 0 } },
	{ "bare LMDB, 64 puts a commit", "puts/s", bare64, -1, { 0 } },
	{ "lg_store_apply, 1 writer", "changes/s", store1, 1, { 0 } },
	{ "lg_store_apply, 64 writers", "changes/s", store64, 2, { 0 } },
	{ "lg_store_submit, 64 under way", "changes/s", submit64, 2, { 0 } },
	{ "lg_segments_apply, 1 thread", "decisions/s", decide1, 0, { 0 } },
	{ "lg_segments_apply, 64 threads", "decisions/s", decide64, 0, { 0 } },
	{ "bare mdb_get", "us", bare_get, -1, { 0 } },
	{ "lg_get, one snapshot", "us", get_view, 8, { 0 } },
	{ "lg_get, a turn each", "us", get_turn, 8, { 0 } },
};

static int
rising(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static bool
is_wanted(const struct figure *f, const char *what)
{
	return strncmp(f->name, what, strlen(what)) == 0;
}

/* The store's own part takes a while, and who asks for a ceiling alone does not need it. */
static void
set_up(const char *where, const char *what)
{
	LG_AUTO(lg_arena_free) struct lg_arena *a = lg_arena_new();
	char path[300];
	struct lg_ctx cx;

	lg_ctx_init(&cx, a);
	snprintf(dir, sizeof dir, "%s/lg-bench.XXXXXX", where);
	must(mkdtemp(dir) != NULL, dir);
	bare_open();
	if (strncmp(what, "bare", 4) == 0)
		return;
	store_open();
	snprintf(path, sizeof path, "%s/log", dir);
	must(lg_segments_open(&cx, path, 1 << 20, &sg) == LG_OK, cx.error);
}

int
main(int argc, char **argv)
{
	char cmd[300];

	const char *what = argc > 3 ? argv[3] : "";

	seconds = argc > 2 ? atof(argv[2]) : 1;
	set_up(argc > 1 ? argv[1] : "/var/tmp", what);
	for (int r = 0; r < ROUNDS; r++)	/* in turns, so that each meets the same disk */
		for (size_t i = 0; i < LG_COUNT(figures); i++)
			if (is_wanted(&figures[i], what))
				figures[i].v[r] = figures[i].run();
	printf("%-32s %12s %-12s %s\n", "", "median of 5", "", "of its ceiling");
	for (size_t i = 0; i < LG_COUNT(figures); i++) {
		struct figure *f = &figures[i];
		if (!is_wanted(f, what))
			continue;
		qsort(f->v, ROUNDS, sizeof *f->v, rising);
		printf("%-32s %12.*f %-12s", f->name, f->v[2] < 100 ? 2 : 0, f->v[2], f->unit);
		if (f->ceiling >= 0 && is_wanted(&figures[f->ceiling], what))
			printf(" %.2fx", f->v[2] / figures[f->ceiling].v[2]);
		printf("\n");
	}
	lg_segments_close(&sg);
	lg_store_close(&st);
	lg_mailbox_free(&box);
	mdb_env_close(env);
	snprintf(cmd, sizeof cmd, "rm -rf '%s'", dir);
	return system(cmd) == 0 ? 0 : 1;
}
