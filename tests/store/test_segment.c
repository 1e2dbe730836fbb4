/* Decision segments: durable, chained, torn ends put right, tampering found. */
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fixture.h"
#include "store/segment.h"

enum { SMALL = 8192, BUFFER = 1 << 20 };

struct seg {
	struct fixture f;
	char dir[300];
	struct lg_segments *sg;
};

static void
seg_init(struct seg *s)
{
	fixture_init(&s->f);
	snprintf(s->dir, sizeof s->dir, "%s/log", s->f.dir);
	s->sg = NULL;
}

static lg_err
seg_open(struct seg *s, uint64_t size)
{
	return lg_segments_open_sized(&s->f.cx, s->dir, BUFFER, size, &s->sg);
}

static void
seg_end(struct seg *s)
{
	lg_segments_close(&s->sg);
	fixture_end(&s->f);
}

/* n records "{"n":first}".. each waited for. */
static void
add(struct seg *s, int first, int n)
{
	for (int i = first; i < first + n; i++)
		assert_ok(&s->f, lg_segments_apply(&s->f.cx, s->sg, 7, lg_print(s->f.arena, "{\"n\":%d}", i)));
}

struct seen {
	int n;
	int next;
	bool wrong;
};

static bool
see(void *arg, uint64_t seq, uint32_t tenant, int64_t time, lg_str body)
{
	struct seen *x = arg;
	char want[32];

	x->next = x->next == 0 ? (int)seq : x->next;
	snprintf(want, sizeof want, "{\"n\":%d}", (int)seq);
	if ((int)seq != x->next++ || tenant != 7 || time == 0 || !lg_str_eq(body, lg_str_of(want)))
		x->wrong = true;
	x->n++;
	return true;
}

static int
count(struct seg *s, uint64_t from)
{
	struct seen x = { 0 };

	assert_ok(&s->f, lg_segments_read(&s->f.cx, s->dir, from, see, &x));
	cr_assert_not(x.wrong);
	return x.n;
}

/* The folder's newest (or oldest) segment. */
static void
file_of(struct seg *s, bool newest, char *ret, size_t size)
{
	uint64_t *first;
	size_t n;

	assert_ok(&s->f, lg_segment_list(&s->f.cx, s->dir, &first, &n));
	cr_assert_gt(n, 0);
	snprintf(ret, size, "%s/%016llx.seg", s->dir, (unsigned long long)first[newest ? n - 1 : 0]);
}

static lg_str
slurp(struct seg *s, const char *path)
{
	struct stat st;
	int fd = open(path, O_RDONLY);

	cr_assert(fd >= 0 && fstat(fd, &st) == 0);
	char *p = lg_alloc(s->f.arena, (size_t)st.st_size + 1);
	cr_assert_eq(read(fd, p, (size_t)st.st_size), st.st_size);
	close(fd);
	return (lg_str){ p, (size_t)st.st_size };
}

static void
spit(const char *path, lg_str bytes)
{
	int fd = open(path, O_WRONLY | O_TRUNC);

	cr_assert(fd >= 0);
	cr_assert_eq(write(fd, bytes.p, bytes.n), (ssize_t)bytes.n);
	close(fd);
}

/* Where the used part of a segment ends. */
static size_t
used(lg_str file)
{
	while (file.n > 0 && file.p[file.n - 1] == 0)
		file.n--;
	return file.n;
}

Test(segment, what_was_acknowledged_is_read_and_verifies)
{
	struct seg s;
	struct lg_head h;

	seg_init(&s);
	assert_ok(&s.f, seg_open(&s, SMALL));
	add(&s, 1, 20);
	cr_assert_eq(count(&s, 0), 20);
	cr_assert_eq(count(&s, 15), 6);
	cr_assert_eq(count(&s, 21), 0);
	assert_ok(&s.f, lg_segments_verify(&s.f.cx, s.dir, &h));
	cr_assert_eq(h.seq, 20);
	struct lg_head live = lg_segments_head(s.sg);
	cr_assert_eq(memcmp(&h.hash, &live.hash, sizeof h.hash), 0);
	seg_end(&s);
}

Test(segment, the_chain_goes_on_after_a_close)
{
	struct seg s;
	struct lg_head h;

	seg_init(&s);
	for (int n = 0; n < 15; n += 3) {
		assert_ok(&s.f, seg_open(&s, SMALL));
		cr_assert_eq(lg_segments_head(s.sg).seq, (uint64_t)n);
		add(&s, 1 + n, 3);
		lg_segments_close(&s.sg);
	}
	assert_ok(&s.f, lg_segments_verify(&s.f.cx, s.dir, &h));
	cr_assert_eq(h.seq, 15);
	cr_assert_eq(h.epoch, 1);
	seg_end(&s);
}

Test(segment, an_empty_folder_has_an_empty_head)
{
	struct seg s;
	struct lg_head h;

	seg_init(&s);
	assert_ok(&s.f, seg_open(&s, SMALL));
	cr_assert_eq(lg_segments_head(s.sg).seq, 0);
	assert_ok(&s.f, lg_segments_verify(&s.f.cx, s.dir, &h));
	cr_assert_eq(h.seq, 0);
	cr_assert_eq(count(&s, 0), 0);
	assert_err(&s.f, LG_E_IO, lg_segments_verify(&s.f.cx, "/nonexistent", &h));
	seg_end(&s);
}

Test(segment, segments_rotate_and_stay_one_chain)
{
	struct seg s;
	struct lg_head h;
	uint64_t *first;
	size_t n;

	seg_init(&s);
	assert_ok(&s.f, seg_open(&s, 1024));
	add(&s, 1, 60);
	assert_ok(&s.f, lg_segment_list(&s.f.cx, s.dir, &first, &n));
	cr_assert_gt(n, 3);
	lg_segments_close(&s.sg);
	assert_ok(&s.f, seg_open(&s, 1024));
	add(&s, 61, 20);
	cr_assert_eq(count(&s, 0), 80);
	cr_assert_eq(count(&s, 33), 48);
	assert_ok(&s.f, lg_segments_verify(&s.f.cx, s.dir, &h));
	cr_assert_eq(h.seq, 80);
	seg_end(&s);
}

/* A crash tears the end: whatever is left of the last record, the others stay and the chain goes on. */
Test(segment, a_torn_end_is_put_right_at_every_octet)
{
	struct seg s;
	struct lg_head h;
	char path[400];

	seg_init(&s);
	assert_ok(&s.f, seg_open(&s, 2048));
	add(&s, 1, 3);
	lg_segments_close(&s.sg);
	file_of(&s, true, path, sizeof path);
	lg_str before = lg_dup(s.f.arena, slurp(&s, path));
	assert_ok(&s.f, seg_open(&s, 2048));
	add(&s, 4, 1);
	lg_segments_close(&s.sg);
	lg_str after = lg_dup(s.f.arena, slurp(&s, path));
	for (size_t cut = used(before); cut < used(after); cut++) {
		for (int zeros = 0; zeros < 2; zeros++) {	/* the file ends there, or the rest was never written */
			char *p = lg_alloc(s.f.arena, after.n);
			memcpy(p, after.p, cut);
			spit(path, (lg_str){ p, zeros ? after.n : cut });
			assert_ok(&s.f, seg_open(&s, 2048));
			cr_assert_eq(lg_segments_head(s.sg).seq, 3, "cut at %zu", cut);
			add(&s, 4, 1);
			lg_segments_close(&s.sg);
			assert_ok(&s.f, lg_segments_verify(&s.f.cx, s.dir, &h));
			cr_assert_eq(h.seq, 4);
		}
	}
	seg_end(&s);
}

/* Pages of one write may reach the disk in any order. */
Test(segment, a_hole_in_the_last_block_is_put_right)
{
	struct seg s;
	struct lg_head h;
	char path[400];

	seg_init(&s);
	assert_ok(&s.f, seg_open(&s, SMALL));
	add(&s, 1, 4);
	lg_segments_close(&s.sg);
	file_of(&s, true, path, sizeof path);
	lg_str whole = slurp(&s, path);
	size_t end = used(whole);
	memset((char *)(uintptr_t)whole.p + end - 70, 0, 40);
	spit(path, whole);
	assert_ok(&s.f, seg_open(&s, SMALL));
	cr_assert_eq(lg_segments_head(s.sg).seq, 3);
	add(&s, 4, 2);
	assert_ok(&s.f, lg_segments_verify(&s.f.cx, s.dir, &h));
	cr_assert_eq(h.seq, 5);
	seg_end(&s);
}

/* Several records of one torn block: those that are whole stay. */
Test(segment, the_whole_records_of_a_torn_block_stay)
{
	struct seg s;
	char path[400];

	seg_init(&s);
	assert_ok(&s.f, seg_open(&s, SMALL));
	for (int i = 1; i <= 5; i++) {
		struct lg_decision d = { .tenant = 7, .time = 1, .body = lg_print(s.f.arena, "{\"n\":%d}", i) };
		assert_ok(&s.f, lg_segments_append(s.sg, &d));
	}
	lg_segments_close(&s.sg);	/* one block of five */
	file_of(&s, true, path, sizeof path);
	lg_str whole = slurp(&s, path);
	spit(path, lg_str_sub(whole, 0, used(whole) - 3));
	assert_ok(&s.f, seg_open(&s, SMALL));
	cr_assert_eq(lg_segments_head(s.sg).seq, 4);
	add(&s, 5, 1);
	cr_assert_eq(count(&s, 0), 5);
	seg_end(&s);
}

Test(segment, every_flipped_octet_is_found)
{
	struct seg s;
	struct lg_head h;
	char path[400];

	seg_init(&s);
	assert_ok(&s.f, seg_open(&s, 2048));
	add(&s, 1, 4);
	lg_segments_close(&s.sg);
	file_of(&s, true, path, sizeof path);
	lg_str whole = lg_dup(s.f.arena, slurp(&s, path));
	/* In another order than LG_VERIFY_TRIES would like: a few hundred octets with pauses; sample the body, take all headers. */
	for (size_t i = 0; i < used(whole); i += i < LG_SEGMENT_HEADER + LG_BLOCK_HEADER + LG_DECISION_HEADER ? 7 : 11) {
		lg_str bad = lg_dup(s.f.arena, whole);
		((char *)(uintptr_t)bad.p)[i] ^= 1;
		spit(path, bad);
		lg_err e = lg_segments_verify(&s.f.cx, s.dir, &h);
		cr_assert_eq(e, LG_E_CORRUPT, "octet %zu: %s", i, lg_err_name(e));
		cr_assert_not_null(strstr(s.f.cx.error, ".seg"));
	}
	seg_end(&s);
}

/* Not torn but changed: later blocks were synced, so that nothing is thrown away and the log does not open. */
Test(segment, a_fault_before_synced_records_is_not_repaired)
{
	struct seg s;
	char path[400];

	seg_init(&s);
	assert_ok(&s.f, seg_open(&s, SMALL));
	add(&s, 1, 6);
	lg_segments_close(&s.sg);
	file_of(&s, true, path, sizeof path);
	lg_str bad = slurp(&s, path);
	((char *)(uintptr_t)bad.p)[LG_SEGMENT_HEADER + LG_BLOCK_HEADER + LG_DECISION_HEADER + 2] ^= 1;
	spit(path, bad);
	assert_err(&s.f, LG_E_CORRUPT, seg_open(&s, SMALL));
	cr_assert_not_null(strstr(s.f.cx.error, "record 1 "));
	struct stat st;
	cr_assert_eq(stat(path, &st), 0);
	cr_assert_eq((size_t)st.st_size, bad.n);
	seg_end(&s);
}

Test(segment, a_missing_or_exchanged_segment_is_found)
{
	struct seg s;
	struct lg_head h;
	uint64_t *first;
	char a[400], b[400];
	size_t n;

	seg_init(&s);
	assert_ok(&s.f, seg_open(&s, 1024));
	add(&s, 1, 40);
	lg_segments_close(&s.sg);
	assert_ok(&s.f, lg_segment_list(&s.f.cx, s.dir, &first, &n));
	snprintf(a, sizeof a, "%s/%016llx.seg", s.dir, (unsigned long long)first[1]);
	snprintf(b, sizeof b, "%s/%016llx.off", s.dir, (unsigned long long)first[1]);
	cr_assert_eq(rename(a, b), 0);
	assert_err(&s.f, LG_E_CORRUPT, lg_segments_verify(&s.f.cx, s.dir, &h));
	cr_assert_eq(rename(b, a), 0);
	assert_ok(&s.f, lg_segments_verify(&s.f.cx, s.dir, &h));
	snprintf(b, sizeof b, "%s/%016llx.seg", s.dir, (unsigned long long)first[2]);
	spit(a, slurp(&s, b));
	assert_err(&s.f, LG_E_CORRUPT, lg_segments_verify(&s.f.cx, s.dir, &h));
	seg_end(&s);
}

Test(segment, oldest_segments_may_be_taken_away)
{
	struct seg s;
	struct lg_head h;
	char a[400];

	seg_init(&s);
	assert_ok(&s.f, seg_open(&s, 1024));
	add(&s, 1, 40);
	file_of(&s, false, a, sizeof a);
	cr_assert_eq(unlink(a), 0);
	assert_ok(&s.f, lg_segments_verify(&s.f.cx, s.dir, &h));
	cr_assert_eq(h.seq, 40);
	cr_assert_gt(count(&s, 0), 20);
	seg_end(&s);
}

/* ---- appending ------------------------------------------------------------------------------------------- */

static int noted;

static void
note_run(struct lg_note *n)
{
	(void)n;
	noted++;
}

Test(segment, waiters_hear_through_their_mailbox)
{
	struct seg s;
	struct lg_mailbox *box;
	struct lg_decision d[3];

	seg_init(&s);
	assert_ok(&s.f, seg_open(&s, SMALL));
	assert_ok(&s.f, lg_mailbox_new(&s.f.cx, &box));
	for (int i = 0; i < 3; i++) {
		d[i] = (struct lg_decision){ .tenant = 7, .body = LG_STR("{}"), .wait = i != 1, .reply = box };
		d[i].note.run = note_run;
		assert_ok(&s.f, lg_segments_append(s.sg, &d[i]));
	}
	for (int i = 0; i < 2000 && noted < 2; i++) {
		lg_mailbox_drain(box);
		usleep(1000);
	}
	cr_assert_eq(noted, 2);
	cr_assert_eq(d[0].result, LG_OK);
	cr_assert_eq(d[2].result, LG_OK);
	lg_segments_close(&s.sg);
	lg_mailbox_free(&box);
	seg_end(&s);
}

Test(segment, what_nobody_waits_for_is_synced_within_a_tenth_of_a_second)
{
	struct seg s;

	seg_init(&s);
	assert_ok(&s.f, seg_open(&s, SMALL));
	struct lg_decision d = { .tenant = 7, .body = LG_STR("{\"n\":1}") };
	assert_ok(&s.f, lg_segments_append(s.sg, &d));
	cr_assert_eq(lg_segments_head(s.sg).seq, 0);
	for (int i = 0; i < 100 && lg_segments_head(s.sg).seq == 0; i++)
		usleep(10000);		/* a busy machine gets a second */
	cr_assert_eq(lg_segments_head(s.sg).seq, 1);
	seg_end(&s);
}

Test(segment, empty_and_overlong_bodies_are_refused)
{
	struct seg s;

	seg_init(&s);
	assert_ok(&s.f, seg_open(&s, SMALL));
	lg_str body = { lg_alloc(s.f.arena, LG_DECISION_MAX + 1), LG_DECISION_MAX + 1 };
	assert_err(&s.f, LG_E_LIMIT, lg_segments_apply(&s.f.cx, s.sg, 7, body));
	assert_err(&s.f, LG_E_LIMIT, lg_segments_apply(&s.f.cx, s.sg, 7, LG_NONE));
	body.n--;
	assert_ok(&s.f, lg_segments_apply(&s.f.cx, s.sg, 7, body));	/* longer than a segment: it has one of its own */
	struct lg_head h;
	assert_ok(&s.f, lg_segments_verify(&s.f.cx, s.dir, &h));
	seg_end(&s);
}

Test(segment, a_full_buffer_answers_busy_at_once)
{
	struct seg s;
	lg_err e = LG_OK;

	seg_init(&s);
	assert_ok(&s.f, lg_segments_open_sized(&s.f.cx, s.dir, 4096, SMALL, &s.sg));
	lg_str body = { lg_alloc(s.f.arena, 1000), 1000 };
	int n = 0;
	for (; n < 100 && e == LG_OK; n++) {
		struct lg_decision d = { .tenant = 7, .body = body };
		e = lg_segments_append(s.sg, &d);
	}
	cr_assert_eq(e, LG_E_BUSY);
	cr_assert_lt(n, 6);
	seg_end(&s);
}

struct crowd {
	struct seg *s;
	lg_err e;
};

static void *
crowd_main(void *arg)
{
	struct crowd *c = arg;
	LG_AUTO(lg_arena_free) struct lg_arena *a = lg_arena_new();
	struct lg_ctx cx;

	lg_ctx_init(&cx, a);
	for (int i = 0; i < 20 && c->e == LG_OK; i++)
		c->e = lg_segments_apply(&cx, c->s->sg, 7, LG_STR("{\"by\":\"crowd\"}"));
	return NULL;
}

Test(segment, many_threads_make_one_chain)
{
	struct seg s;
	struct crowd c[16];
	pthread_t t[16];
	struct lg_head h;

	seg_init(&s);
	assert_ok(&s.f, seg_open(&s, SMALL));
	for (int i = 0; i < 16; i++) {
		c[i] = (struct crowd){ &s, LG_OK };
		cr_assert_eq(pthread_create(&t[i], NULL, crowd_main, &c[i]), 0);
	}
	for (int i = 0; i < 16; i++) {
		pthread_join(t[i], NULL);
		cr_assert_eq(c[i].e, LG_OK);
	}
	assert_ok(&s.f, lg_segments_verify(&s.f.cx, s.dir, &h));
	cr_assert_eq(h.seq, 320);
	seg_end(&s);
}

/* ---- digests and epochs --------------------------------------------------------------------------------------- */

Test(segment, digests_extend_an_older_head_to_the_newest)
{
	struct seg s;
	lg_str digests;

	seg_init(&s);
	assert_ok(&s.f, seg_open(&s, 1024));
	add(&s, 1, 12);
	struct lg_head old = lg_segments_head(s.sg);
	add(&s, 13, 30);
	struct lg_head now = lg_segments_head(s.sg);
	assert_ok(&s.f, lg_segments_digests(&s.f.cx, s.sg, old.seq, 1000, &digests));
	cr_assert_eq(digests.n, 30 * sizeof(lg_sha256));
	for (size_t i = 0; i < 30; i++)
		old.hash = lg_sha256_pair(lg_sha256_str(&old.hash), lg_str_sub(digests, i * 32, 32));
	cr_assert_eq(memcmp(&old.hash, &now.hash, sizeof now.hash), 0);
	assert_ok(&s.f, lg_segments_digests(&s.f.cx, s.sg, 5, 4, &digests));
	cr_assert_eq(digests.n, 4 * sizeof(lg_sha256));
	assert_ok(&s.f, lg_segments_digests(&s.f.cx, s.sg, now.seq, 4, &digests));
	cr_assert_eq(digests.n, 0);
	assert_ok(&s.f, lg_segments_digests(&s.f.cx, s.sg, now.seq + 9, 4, &digests));
	cr_assert_eq(digests.n, 0);
	seg_end(&s);
}

Test(segment, a_new_epoch_continues_the_numbers)
{
	struct seg s;
	struct lg_head h;

	seg_init(&s);
	assert_ok(&s.f, seg_open(&s, SMALL));
	add(&s, 1, 3);
	assert_err(&s.f, LG_E_CONFLICT, lg_segments_new_epoch(&s.f.cx, s.dir));	/* it is open */
	lg_segments_close(&s.sg);
	assert_ok(&s.f, lg_segments_new_epoch(&s.f.cx, s.dir));
	assert_ok(&s.f, seg_open(&s, SMALL));
	cr_assert_eq(lg_segments_head(s.sg).epoch, 2);
	add(&s, 4, 2);
	assert_ok(&s.f, lg_segments_verify(&s.f.cx, s.dir, &h));
	cr_assert_eq(h.epoch, 2);
	cr_assert_eq(h.seq, 5);
	seg_end(&s);
}
