/* test_heads.c: a log is held against what the keeper has signed. */
#include "server/heads.h"
#include "tests/server/place.h"

static struct place p;
static struct lg_head head;

static void
setup(void)
{
	place_start(&p);
	for (int i = 0; i < 5; i++)
		place_make(&p, LG_TYPE_USER, lg_print(p.cx.arena, "user%d", i).p, NULL, NULL);
	for (int i = 0; i < 5; i++)
		place_ok(&p, lg_segments_apply(&p.cx, p.segments, PLACE_TENANT, LG_STR("{\"decision\":true}")));
	head = lg_store_head(p.store);
}

static void
teardown(void)
{
	lg_store_turn(p.store);
	place_end(&p);
}

TestSuite(heads, .init = setup, .fini = teardown);

/* As the keeper makes it: from the digests that it was sent. */
static struct lg_mark
mark_at(lg_digests *digests, void *arg, const struct lg_head *h, uint64_t seq)
{
	struct lg_mark m = { .epoch = h->epoch };
	lg_str d;

	while (m.seq < seq) {
		place_ok(&p, digests(arg, &p.cx, m.seq + 1, &d));
		for (size_t at = 0; at < d.n && m.seq < seq; at += 32, m.seq++)
			m.hash = lg_sha256_pair(lg_sha256_str(&m.hash), lg_str_sub(d, at, 32));
	}
	return m;
}

static lg_err
check(const struct lg_mark *m)
{
	return lg_mark_check(&p.cx, m, &head, lg_digests_changes, p.store, "change log");
}

Test(heads, a_log_goes_on_from_any_of_its_marks)
{
	for (uint64_t seq = 0; seq <= head.seq; seq++) {
		struct lg_mark m = mark_at(lg_digests_changes, p.store, &head, seq);
		place_ok(&p, check(&m));
	}
}

Test(heads, the_decision_log_too)
{
	struct lg_head h = lg_segments_head(p.segments);

	cr_assert_eq(h.seq, 5);
	for (uint64_t seq = 0; seq <= h.seq; seq++) {
		struct lg_mark m = mark_at(lg_digests_decisions, p.segments, &h, seq);
		place_ok(&p, lg_mark_check(&p.cx, &m, &h, lg_digests_decisions, p.segments, "decision log"));
		m.hash.b[3] ^= seq > 0;
		if (seq > 0)
			place_err(&p, LG_E_CORRUPT, lg_mark_check(&p.cx, &m, &h, lg_digests_decisions, p.segments, "decision log"));
	}
}

Test(heads, a_log_that_ends_before_the_mark_has_lost_something)
{
	struct lg_mark m = mark_at(lg_digests_changes, p.store, &head, head.seq);

	m.seq++;
	place_err(&p, LG_E_CORRUPT, check(&m));
	cr_assert(strstr(p.cx.error, "restore") != NULL, "%s", p.cx.error);
}

Test(heads, a_rewritten_tail_is_found_however_long_it_has_become)
{
	for (uint64_t seq = 1; seq <= head.seq; seq++) {
		struct lg_mark m = mark_at(lg_digests_changes, p.store, &head, seq);
		m.hash.b[31] ^= 1;	/* the keeper has seen other records up to here */
		place_err(&p, LG_E_CORRUPT, check(&m));
	}
}

Test(heads, another_epoch_is_another_log)
{
	struct lg_mark m = mark_at(lg_digests_changes, p.store, &head, head.seq);

	m.epoch++;
	place_err(&p, LG_E_CORRUPT, check(&m));
	m.epoch -= 2;
	place_err(&p, LG_E_CORRUPT, check(&m));
}

Test(heads, a_keeper_that_has_signed_nothing_asks_for_nothing)
{
	struct lg_mark m = { .seq = 0 };

	place_ok(&p, check(&m));
}
