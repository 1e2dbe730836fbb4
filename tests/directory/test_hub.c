/* Whom commits wake. */
#include "base/mailbox.h"
#include "directory/directory.h"
#include "directory/hub.h"
#include "tests/directory/world.h"

static struct world w;
static struct lg_ear *ear;
static struct lg_mailbox *box;
static unsigned calls;

static void
changed(void *arg)
{
	cr_assert_eq(arg, &w);
	calls++;
}

static void
begin(void)
{
	world_start(&w);
	assert_ok(&w, lg_mailbox_new(&w.cx, &box));
	ear = lg_ear_new(w.dirp->hub, box, changed, &w);
	calls = 0;
}

static void
end(void)
{
	lg_ear_free(&ear);
	lg_mailbox_drain(box);		/* a note under way frees the ear */
	lg_mailbox_free(&box);
	world_end(&w);
}

TestSuite(hub, .init = begin, .fini = end);

/* arg: the entry whose account is in doubt, or NULL */
static lg_err
run_change(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	const uint64_t *doubted = arg;

	(void)cx;
	lg_audit(v, LG_STR("nothing"), LG_NONE);
	if (doubted != NULL)
		lg_hub_doubt(w.dirp->hub, 1, *doubted);
	return LG_OK;
}

/* How often a commit has the ear called. */
static unsigned
after_commit(uint64_t *doubted)
{
	calls = 0;
	assert_ok(&w, lg_store_apply(&w.cx, w.store, 1, "test", run_change, doubted, NULL));
	lg_mailbox_drain(box);
	return calls;
}

Test(hub, a_commit_that_nobody_waits_for_wakes_no_loop)
{
	cr_assert_eq(after_commit(NULL), 0);
}

Test(hub, a_doubt_wakes_every_loop_once)
{
	struct lg_doubt d[LG_DOUBTS];
	uint64_t id = 7;
	bool all;

	cr_assert_eq(after_commit(&id), 1);
	cr_assert_eq(lg_ear_doubts(ear, d, &all), 1);
	cr_assert_eq(d[0].id, 7);
	cr_assert_not(all);
	cr_assert_eq(after_commit(NULL), 0);
}

Test(hub, who_hears_all_is_called_at_once_and_after_every_commit_until_it_stops)
{
	lg_ear_hear_all(ear, true);
	lg_ear_hear_all(ear, true);
	lg_mailbox_drain(box);
	cr_assert_eq(calls, 1, "a commit just before may have been missed");
	cr_assert_eq(after_commit(NULL), 1);
	cr_assert_eq(after_commit(NULL), 1);
	lg_ear_hear_all(ear, false);
	cr_assert_eq(after_commit(NULL), 0);
}
