/* The writer thread: batches, their isolation, full queues, full maps, and who is told what. */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <unistd.h>

#include "fixture.h"
#include "store/segment.h"

/* ---- jobs over a mailbox ------------------------------------------------------------------------------ */

enum { JOBS = 40 };

struct job {
	struct lg_job job;		/* first */
	struct lg_ctx cx;
	struct row row;
	bool fails;
	int *order, at;
};

static lg_err
run_job(struct lg_ctx *cx, struct lg_view *v, struct lg_job *job)
{
	struct job *j = (struct job *)job;

	LG_TRY(put_row(cx, v, &j->row));
	return j->fails ? lg_fail(cx, LG_E_DENIED, "job %d", j->at) : LG_OK;
}

static void
done(struct lg_note *n)
{
	struct job *j = (struct job *)((char *)n - offsetof(struct job, job.note));

	j->at = ++*j->order;
}

static struct job *
make_jobs(struct fixture *f, struct lg_mailbox *box, int *order)
{
	struct job *j = LG_NEWS(f->arena, struct job, JOBS);

	for (int i = 0; i < JOBS; i++) {
		lg_ctx_init(&j[i].cx, f->arena);
		j[i].job = (struct lg_job){ .run = run_job, .reply = box, .cx = &j[i].cx, .tenant = 1, .operation = "row.put" };
		j[i].job.note.run = done;
		j[i].row = (struct row){ &t_people, fx_key(f->arena, 1, lg_print(f->arena, "p%d", i).p), LG_STR("red"), false };
		j[i].fails = i % 3 == 0;
		j[i].order = order;
	}
	return j;
}

static void
drain(struct lg_mailbox *box, const int *order, int want)
{
	for (int i = 0; i < 5000 && *order < want; i++) {
		lg_mailbox_drain(box);
		usleep(1000);
	}
	cr_assert_eq(*order, want);
}

Test(writer, the_good_jobs_of_a_batch_succeed_and_the_bad_leave_nothing)
{
	struct fixture f;
	struct lg_mailbox *box;
	int order = 0;

	fixture_start(&f);
	assert_ok(&f, lg_mailbox_new(&f.cx, &box));
	struct job *j = make_jobs(&f, box, &order);
	for (int i = 0; i < JOBS; i++)
		assert_ok(&f, lg_store_submit(f.st, &j[i].job));
	drain(box, &order, JOBS);
	for (int i = 0; i < JOBS; i++) {
		cr_assert_eq(j[i].at, i + 1, "answered in the order they came");
		cr_assert_eq(j[i].job.result, j[i].fails ? LG_E_DENIED : LG_OK);
		cr_assert_eq(j[i].job.seq == 0, j[i].fails);
		cr_assert_eq(fx_get(&f, &t_people, lg_print(f.arena, "p%d", i).p) == NULL, j[i].fails);
	}
	cr_assert_eq(fx_count(&f, &t_by_value), fx_count(&f, &t_people));
	cr_assert_lt(lg_store_head(f.st).seq, JOBS / 2, "several jobs made one record");
	fixture_close(&f);
	lg_mailbox_free(&box);	/* not before: the writer may still be inside its last post */
	fixture_end(&f);
}

struct told {
	struct row row;
	int retries;			/* how often it cannot decide yet */
	int times;
	lg_err e;
};

static lg_err
put_at_last(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	struct told *t = arg;

	if (t->retries-- > 0)
		return lg_fail(cx, LG_E_RETRY, "again");
	return put_row(cx, v, &t->row);
}

static void
told(void *arg, lg_err e)
{
	struct told *t = arg;

	t->times++;
	t->e = e;
}

Test(writer, who_does_not_wait_is_told_by_its_mailbox_once)
{
	struct fixture f;
	struct lg_mailbox *box;
	struct told t[] = {
		{ .row = { &t_people, LG_NONE, LG_STR("red"), false } }, { .row = { &t_people, LG_NONE, LG_STR("blue"), false }, .retries = 3 },
		{ .retries = 4 },
	};

	fixture_start(&f);
	t[0].row.key = fx_key(f.arena, 1, "ann");
	t[1].row.key = fx_key(f.arena, 1, "bob");
	assert_ok(&f, lg_mailbox_new(&f.cx, &box));
	for (size_t i = 0; i < 3; i++) {
		assert_err(&f, LG_PENDING, lg_store_later(&f.cx, f.st, 1, "row.put", put_at_last, told, &t[i], box));
		drain(box, &t[i].times, 1);
	}
	cr_assert_eq(t[0].e, LG_OK);
	cr_assert_eq(t[1].e, LG_OK, "three more tries");
	cr_assert_eq(t[2].e, LG_E_RETRY, "but no fourth");
	cr_assert_str_eq(fx_get(&f, &t_people, "ann"), "red");
	cr_assert_str_eq(fx_get(&f, &t_people, "bob"), "blue");
	cr_assert_eq(lg_mailbox_drain(box), 0);
	fixture_close(&f);
	lg_mailbox_free(&box);
	fixture_end(&f);
}

static sem_t held, go;

static lg_err
hold(struct lg_ctx *cx, struct lg_view *v, struct lg_job *job)
{
	(void)cx, (void)v, (void)job;
	sem_post(&held);
	sem_wait(&go);
	return LG_OK;
}

static lg_err
nothing(struct lg_ctx *cx, struct lg_view *v, struct lg_job *job)
{
	(void)cx, (void)v, (void)job;
	return LG_OK;
}

static int answered;

static void
count_answer(struct lg_note *n)
{
	(void)n;
	__atomic_add_fetch(&answered, 1, __ATOMIC_RELAXED);
}

Test(writer, a_full_queue_answers_busy_and_close_waits_for_the_rest)
{
	struct fixture f;
	struct lg_job *v;

	fixture_start(&f);
	sem_init(&held, 0, 0);
	sem_init(&go, 0, 0);
	v = LG_NEWS(f.arena, struct lg_job, LG_STORE_QUEUE + 2);
	for (int i = 0; i < LG_STORE_QUEUE + 2; i++) {
		v[i] = (struct lg_job){ .run = i == 0 ? hold : nothing, .cx = &f.cx, .operation = "x" };
		v[i].note.run = count_answer;
	}
	assert_ok(&f, lg_store_submit(f.st, &v[0]));
	sem_wait(&held);		/* the writer is at work: nothing is taken meanwhile */
	for (int i = 1; i <= LG_STORE_QUEUE; i++)
		assert_ok(&f, lg_store_submit(f.st, &v[i]));
	assert_err(&f, LG_E_BUSY, lg_store_submit(f.st, &v[LG_STORE_QUEUE + 1]));
	sem_post(&go);
	fixture_close(&f);
	cr_assert_eq(answered, LG_STORE_QUEUE + 1);
	fixture_end(&f);
}

/* ---- many writers ----------------------------------------------------------------------------------------- */

struct crowd {
	struct fixture *f;
	int who;
	lg_err e;
};

static lg_err
count_up(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	lg_str row, key = LG_STR("sum");
	lg_err e = lg_get(cx, v, &t_counter, key, &row);

	(void)arg;
	if (e != LG_OK && e != LG_E_NOT_FOUND)
		return e;
	long n = e == LG_OK ? strtol(lg_dup(cx->arena, row).p, NULL, 10) : 0;
	return lg_put(cx, v, &t_counter, key, lg_print(cx->arena, "%ld", n + 1));
}

static void *
crowd_main(void *arg)
{
	struct crowd *c = arg;
	LG_AUTO(lg_arena_free) struct lg_arena *a = lg_arena_new();
	struct lg_ctx cx;
	struct lg_view *v;
	uint64_t seq, last = 0;

	lg_ctx_init(&cx, a);
	for (int i = 0; i < 10 && c->e == LG_OK; i++) {
		c->e = lg_store_apply(&cx, c->f->st, 1, "count", count_up, NULL, &seq);
		if (c->e != LG_OK || seq <= last || lg_view_begin(&cx, c->f->st, &v) != LG_OK)
			break;
		if (lg_view_seq(v) < seq)	/* what it wrote is what it reads next */
			c->e = LG_E_INTERNAL;
		last = seq;
		lg_view_end(&v);
		lg_store_turn(c->f->st);
	}
	return NULL;
}

Test(writer, sixty_four_writers_lose_no_update)
{
	struct fixture f;
	struct crowd c[64];
	pthread_t t[64];
	struct lg_head h;
	struct lg_view *v;
	lg_str row;

	fixture_start(&f);
	for (int i = 0; i < 64; i++) {
		c[i] = (struct crowd){ &f, i, LG_OK };
		cr_assert_eq(pthread_create(&t[i], NULL, crowd_main, &c[i]), 0);
	}
	for (int i = 0; i < 64; i++) {
		pthread_join(t[i], NULL);
		cr_assert_eq(c[i].e, LG_OK);
	}
	assert_ok(&f, lg_view_begin(&f.cx, f.st, &v));
	assert_ok(&f, lg_get(&f.cx, v, &t_counter, LG_STR("sum"), &row));
	cr_assert(lg_str_eq(row, LG_STR("640")));
	lg_view_end(&v);
	assert_ok(&f, lg_log_verify(&f.cx, f.st, 0, NULL, NULL, &h));
	cr_assert_leq(h.seq, 640);
	fixture_end(&f);
}

/* ---- the hook ------------------------------------------------------------------------------------------------ */

struct heard {
	int n;
	uint64_t seq;
	unsigned long domains;
	bool visible;
};

static void
committed(void *arg, struct lg_view *v, const struct lg_head *head, unsigned long domains)
{
	struct heard *h = arg;

	h->n++;
	h->seq = head->seq;
	h->domains = domains;
	h->visible = lg_view_seq(v) == head->seq;
}

Test(writer, the_hook_hears_before_the_caller_does)
{
	struct fixture f;
	struct heard h = { 0 };

	fixture_start(&f);
	lg_store_on_commit(f.st, committed, &h);
	assert_ok(&f, fx_put(&f, &t_people, "alice", "red"));
	cr_assert_eq(h.n, 1);
	cr_assert_eq(h.seq, 1);
	cr_assert(h.visible);
	cr_assert_eq(h.domains, 1ul << LG_DOMAIN_ENTRY);
	assert_err(&f, LG_E_NOT_FOUND, fx_del(&f, &t_people, "nobody"));
	cr_assert_eq(h.n, 1);
	assert_ok(&f, fx_put(&f, &t_notes, "a", "1"));
	cr_assert_eq(h.n, 2);
	cr_assert_eq(h.domains, 0);
	fixture_end(&f);
}

/* ---- a full map ------------------------------------------------------------------------------------------------- */

static char big[20000];

static int
fill(struct fixture *f)
{
	lg_err e = LG_OK;
	int n = 0;

	memset(big, 'x', sizeof big - 1);
	for (; e == LG_OK && n < 1000; n++)
		e = fx_put(f, &t_notes, lg_print(f->arena, "k%d", n).p, big);
	cr_assert_eq(e, LG_E_FULL, "%s", lg_err_name(e));
	return n - 1;
}

Test(writer, a_full_map_refuses_writes_keeps_reading_and_recovers)
{
	struct fixture f;
	struct lg_head h;

	fixture_init(&f);
	f.map_size = 2 << 20;
	assert_ok(&f, fixture_open(&f));
	int n = fill(&f);
	cr_assert_gt(n, 10);
	cr_assert_str_eq(fx_get(&f, &t_notes, "k0"), big);
	cr_assert_eq(fx_count(&f, &t_notes), (uint64_t)n);
	assert_ok(&f, lg_log_verify(&f.cx, f.st, 0, NULL, NULL, &h));
	cr_assert_eq(h.seq, (uint64_t)n);
	for (int i = 0; i < 20; i++) {	/* as it is, it opens and is read */
		fixture_close(&f);
		assert_ok(&f, fixture_open(&f));
		cr_assert_eq(fx_count(&f, &t_notes), (uint64_t)n);
	}
	fixture_close(&f);
	f.map_size = 16 << 20;
	assert_ok(&f, fixture_open(&f));
	cr_assert_eq(fx_count(&f, &t_notes), (uint64_t)n);
	assert_ok(&f, fx_put(&f, &t_notes, "more", big));
	fixture_end(&f);
}

Test(writer, a_small_change_still_goes_into_a_map_that_refused_a_big_one)
{
	struct fixture f;

	fixture_init(&f);
	f.map_size = 2 << 20;
	assert_ok(&f, fixture_open(&f));
	int n = fill(&f);
	assert_ok(&f, fx_del(&f, &t_notes, "k0"));
	assert_ok(&f, fx_put(&f, &t_notes, "small", "1"));
	cr_assert_eq(fx_count(&f, &t_notes), (uint64_t)n);
	fixture_end(&f);
}

/* One job of a batch is too big for what is left: the others go through. */
Test(writer, others_of_the_batch_pass_one_that_does_not_fit)
{
	struct fixture f;
	struct lg_mailbox *box;
	int order = 0;

	fixture_init(&f);
	f.map_size = 2 << 20;
	assert_ok(&f, fixture_open(&f));
	assert_ok(&f, lg_mailbox_new(&f.cx, &box));
	struct job *j = make_jobs(&f, box, &order);
	j[7].row.table = &t_notes;
	j[7].row.value = (lg_str){ lg_alloc(f.arena, 1800000), 1800000 };
	j[7].fails = false;
	for (int i = 0; i < JOBS; i++)
		assert_ok(&f, lg_store_submit(f.st, &j[i].job));
	drain(box, &order, JOBS);
	for (int i = 0; i < JOBS; i++)
		cr_assert_eq(j[i].job.result, i == 7 ? LG_E_FULL : j[i].fails ? LG_E_DENIED : LG_OK, "%d: %s", i,
		    lg_err_name(j[i].job.result));
	fixture_close(&f);
	lg_mailbox_free(&box);	/* not before: the writer may still be inside its last post */
	fixture_end(&f);
}

/* ---- a full disk ---------------------------------------------------------------------------------------------- */

/* A small file system of this process alone; without the right to mount one there is nothing to test. */
static bool
small_disk(const char *dir, const char *size)
{
	char options[32];

	snprintf(options, sizeof options, "size=%s", size);
	if (unshare(CLONE_NEWNS) == 0 && mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	    mount("tmpfs", dir, "tmpfs", 0, options) == 0)
		return true;
	puts("SKIP full disk: no right to mount");
	fflush(stdout);
	return false;
}

Test(writer, a_full_disk_refuses_writes_keeps_reading_and_recovers_in_place)
{
	struct fixture f;
	struct lg_head h;
	char ballast[300];
	lg_err e = LG_OK;
	int n = 0;

	fixture_init(&f);
	if (!small_disk(f.dir, "4m")) {
		fixture_end(&f);
		return;
	}
	assert_ok(&f, fixture_open(&f));
	snprintf(ballast, sizeof ballast, "%s/ballast", f.dir);
	int fd = open(ballast, O_WRONLY | O_CREAT, 0600);
	cr_assert_eq(posix_fallocate(fd, 0, 1 << 20), 0);
	close(fd);
	memset(big, 'x', sizeof big - 1);
	for (; e == LG_OK && n < 1000; n++)
		e = fx_put(&f, &t_notes, lg_print(f.arena, "k%d", n).p, big);
	cr_assert(e == LG_E_FULL || e == LG_E_IO, "%s", lg_err_name(e));
	n--;
	cr_assert_eq(fx_count(&f, &t_notes), (uint64_t)n);
	cr_assert_str_eq(fx_get(&f, &t_notes, "k0"), big);
	cr_assert_eq(unlink(ballast), 0);
	assert_ok(&f, fx_put(&f, &t_notes, "again", big));
	assert_ok(&f, lg_log_verify(&f.cx, f.st, 0, NULL, NULL, &h));
	cr_assert_eq(h.seq, (uint64_t)n + 1);
	fixture_close(&f);
	assert_ok(&f, fixture_open(&f));
	cr_assert_eq(fx_count(&f, &t_notes), (uint64_t)n + 1);
	fixture_close(&f);
	umount2(f.dir, MNT_DETACH);
	fixture_end(&f);
}

Test(writer, a_decision_log_that_cannot_be_written_turns_waiters_away_and_recovers)
{
	struct lg_segments *sg;
	struct fixture f;
	char dir[300], ballast[300];
	struct lg_head h;
	lg_err e;

	fixture_init(&f);
	if (!small_disk(f.dir, "2m")) {
		fixture_end(&f);
		return;
	}
	snprintf(dir, sizeof dir, "%s/log", f.dir);
	snprintf(ballast, sizeof ballast, "%s/ballast", f.dir);
	assert_ok(&f, lg_segments_open_sized(&f.cx, dir, 1 << 20, 65536, &sg));
	assert_ok(&f, lg_segments_apply(&f.cx, sg, 1, LG_STR("{\"n\":1}")));
	int fd = open(ballast, O_WRONLY | O_CREAT, 0600);
	for (off_t size = 2 << 20; size > 0 && posix_fallocate(fd, 0, size) != 0; size -= 4096)
		;
	close(fd);
	memset(big, 'x', sizeof big - 1);
	int n = 1;
	while ((e = lg_segments_apply(&f.cx, sg, 1, lg_str_of(big))) == LG_OK)
		n++;
	cr_assert_eq(e, LG_E_FULL, "%s", lg_err_name(e));
	assert_err(&f, LG_E_BUSY, lg_segments_apply(&f.cx, sg, 1, LG_STR("{\"waits\":1}")));
	struct lg_decision lazy = { .tenant = 1, .body = LG_STR("{\"kept\":1}") };
	cr_assert_eq(lg_segments_append(sg, &lazy), LG_OK);	/* kept until it can be written */
	cr_assert_eq(unlink(ballast), 0);
	for (int i = 0; i < 500 && lg_segments_head(sg).seq <= (uint64_t)n; i++)
		usleep(10000);
	cr_assert_eq(lg_segments_head(sg).seq, (uint64_t)n + 1);
	assert_ok(&f, lg_segments_apply(&f.cx, sg, 1, LG_STR("{\"n\":2}")));
	lg_segments_close(&sg);
	assert_ok(&f, lg_segments_verify(&f.cx, dir, &h));
	cr_assert_eq(h.seq, (uint64_t)n + 2);
	umount2(f.dir, MNT_DETACH);
	fixture_end(&f);
}
