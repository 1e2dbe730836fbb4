/* SIGKILL at any moment: every acknowledged change is there and the chains verify. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fixture.h"

enum { WRITERS = 4, KILLS = 10 };

struct ack {
	uint32_t who, n;
};

static int
kills(void)
{
	const char *s = getenv("LG_KILLS");

	return s == NULL ? KILLS : atoi(s);
}

/* ---- the store ---------------------------------------------------------------------------------------------- */

struct child {
	struct fixture *f;
	uint32_t who, from;
	int out;
};

/* Two rows that must come together, and a blob. */
static lg_err
pair(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	const struct ack *a = arg;
	lg_str key = fx_key(cx->arena, 1, lg_print(cx->arena, "w%u-%u", a->who, a->n).p);
	lg_uuid id;

	LG_TRY(lg_put(cx, v, &t_people, key, lg_print(cx->arena, "v%u,odd%u", a->n, a->n % 2)));
	LG_TRY(lg_blob_put(cx, v, 1, key, &id));
	return lg_put(cx, v, &t_notes, key, (lg_str){ (char *)id.b, sizeof id.b });
}

static void *
write_on(void *arg)
{
	struct child *c = arg;
	struct lg_arena *a = lg_arena_new();
	struct lg_ctx cx;

	for (struct ack x = { c->who, c->from };; x.n++) {
		lg_arena_reset(a);
		lg_ctx_init(&cx, a);
		if (lg_store_apply(&cx, c->f->st, 1, "pair", pair, &x, NULL) != LG_OK)
			_exit(3);
		if (write(c->out, &x, sizeof x) != sizeof x)
			_exit(4);
	}
	return NULL;
}

static void
be_writer(struct fixture *f, const uint32_t next[WRITERS], int out)
{
	struct child c[WRITERS];
	pthread_t t;

	if (fixture_open(f) != LG_OK)
		_exit(2);
	for (uint32_t i = 0; i < WRITERS; i++) {
		c[i] = (struct child){ f, i, next[i], out };
		if (pthread_create(&t, NULL, write_on, &c[i]) != 0)
			_exit(5);
	}
	for (;;)
		pause();
}

/* What was acknowledged is there whole; what comes after it is there whole or not at all. */
static bool
check_rows(struct fixture *f, uint32_t who, uint32_t n, bool must)
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;
	lg_str key = fx_key(f->arena, 1, lg_print(f->arena, "w%u-%u", who, n).p), row, sealed;
	lg_uuid id;

	assert_ok(f, lg_view_begin(&f->cx, f->st, &v));
	lg_err e = lg_get(&f->cx, v, &t_people, key, &row);
	cr_assert(e == LG_OK || (e == LG_E_NOT_FOUND && !must), "%u of writer %u was acknowledged and is lost", n, who);
	cr_assert_eq(lg_exists(&f->cx, v, &t_notes, key), e == LG_OK);
	if (e != LG_OK)
		return false;
	assert_ok(f, lg_get(&f->cx, v, &t_notes, key, &row));
	memcpy(id.b, row.p, sizeof id.b);
	assert_ok(f, lg_blob_get(&f->cx, v, 1, id, &sealed));
	cr_assert(lg_str_eq(sealed, key));
	return true;
}

static void
check_all(struct fixture *f, uint32_t next[WRITERS])
{
	uint64_t rows, faults;
	struct lg_head h;

	assert_ok(f, fixture_open(f));
	for (uint32_t i = 0; i < WRITERS; i++) {
		for (uint32_t n = 0; n < next[i]; n++)
			check_rows(f, i, n, true);
		next[i] += check_rows(f, i, next[i], false);	/* at work when it was killed */
	}
	lg_store_turn(f->st);
	assert_ok(f, lg_log_verify(&f->cx, f->st, 0, NULL, NULL, &h));
	assert_ok(f, lg_store_check(&f->cx, f->st, &rows, &faults));
	cr_assert_eq(faults, 0);
	fixture_close(f);
}

/* Any moment: every second time only after something was acknowledged, so that a slow machine gets somewhere too. */
static bool
random_pause(unsigned *seed, int round, int in, struct ack *first)
{
	bool some = round % 2 == 1 && read(in, first, sizeof *first) == sizeof *first;

	usleep((unsigned)rand_r(seed) % 100000);
	return some;
}

Test(crash, no_acknowledged_change_is_lost)
{
	uint32_t next[WRITERS] = { 0 };
	unsigned seed = (unsigned)getpid();
	struct fixture f;
	struct ack a;
	int p[2];

	fixture_init(&f);
	for (int round = 0; round < kills(); round++) {
		cr_assert_eq(pipe(p), 0);
		pid_t pid = fork();
		if (pid == 0)
			be_writer(&f, next, p[1]);
		close(p[1]);
		if (random_pause(&seed, round, p[0], &a))
			next[a.who] = a.n + 1;
		kill(pid, SIGKILL);
		int status;
		cr_assert_eq(waitpid(pid, &status, 0), pid);
		cr_assert(WIFSIGNALED(status), "the writer ended by itself: %d", WEXITSTATUS(status));
		while (read(p[0], &a, sizeof a) == sizeof a)
			next[a.who] = a.n + 1;
		close(p[0]);
		check_all(&f, next);
	}
	uint32_t sum = 0;
	for (int i = 0; i < WRITERS; i++)
		sum += next[i];
	cr_assert_geq(sum, (uint32_t)kills() / 2);
	fixture_end(&f);
}

/* ---- the decision segments -------------------------------------------------------------------------------------- */

static void
be_logger(struct fixture *f, const char *dir, uint32_t from, int out)
{
	struct lg_segments *sg;

	if (lg_segments_open(&f->cx, dir, 1 << 20, &sg) != LG_OK)
		_exit(2);
	for (struct ack x = { 0, from };; x.n++) {
		lg_arena_reset(f->arena);
		if (lg_segments_apply(&f->cx, sg, 1, lg_print(f->arena, "{\"n\":%u}", x.n)) != LG_OK)
			_exit(3);
		if (write(out, &x, sizeof x) != sizeof x)
			_exit(4);
	}
}

static bool
gapless(void *arg, uint64_t seq, uint32_t tenant, int64_t time, lg_str body)
{
	uint32_t *n = arg;
	char want[32];

	(void)seq, (void)tenant, (void)time;
	snprintf(want, sizeof want, "{\"n\":%u}", *n);
	cr_assert(lg_str_eq(body, lg_str_of(want)));
	++*n;
	return true;
}

Test(crash, no_acknowledged_decision_is_lost)
{
	unsigned seed = (unsigned)getpid();
	struct lg_segments *sg;
	struct fixture f;
	char dir[300];
	uint32_t acked = 0, there = 0;
	struct lg_head h;
	struct ack a;
	int p[2];

	fixture_init(&f);
	snprintf(dir, sizeof dir, "%s/log", f.dir);
	for (int round = 0; round < kills(); round++) {
		cr_assert_eq(pipe(p), 0);
		pid_t pid = fork();
		if (pid == 0)
			be_logger(&f, dir, there, p[1]);
		close(p[1]);
		if (random_pause(&seed, round, p[0], &a))
			acked = a.n + 1;
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		while (read(p[0], &a, sizeof a) == sizeof a)
			acked = a.n + 1;
		close(p[0]);
		assert_ok(&f, lg_segments_open(&f.cx, dir, 1 << 20, &sg));
		lg_segments_close(&sg);
		assert_ok(&f, lg_segments_verify(&f.cx, dir, &h));
		there = 0;
		assert_ok(&f, lg_segments_read(&f.cx, dir, 0, gapless, &there));
		cr_assert(there == acked || there == acked + 1, "%u acknowledged, %u there", acked, there);
		cr_assert_eq(h.seq, there);
		acked = there;		/* what is there now stays, answered or not */
	}
	cr_assert_gt(there, 0);
	fixture_end(&f);
}
