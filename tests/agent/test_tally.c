/* test_tally.c: what comes by the thousand is few lines, and none of it is lost. */
#include "agent/tally.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "client/api.h"
#include "tests/base/base_test.h"
#include "tests/client/responder.h"

#define FIRST	INT64_C(1700000000000000)

struct world {
	struct lg_ctx *cx;
	struct lg_tally *t;
	struct lg_journal *j;
};

static void
set_up(struct world *w, struct lg_ctx *cx)
{
	*w = (struct world){ .cx = cx, .t = lg_tally_new() };
	cr_assert_eq(lg_journal_open(cx, lg_print(cx->arena, "%s/decisions", test_folder()).p, &w->j), LG_OK, "%s", cx->error);
}

static void
tear_down(struct world *w)
{
	lg_tally_free(&w->t);
	lg_journal_close(&w->j);
}

static void
refuse(struct world *w, const char *from, const char *to, int port, int64_t now)
{
	const struct lg_deed d = { .action = "connect", .reason = LG_STR("no policy permits it"), .subject_type = LG_STR("Workload"),
		.subject = lg_str_of(from), .resource_type = LG_STR("Workload"), .resource = lg_str_of(to), .protocol = LG_STR("tcp"), .port = port, .revision = 3 };

	lg_tally_add(w->t, &d, 1, now);
}

static void
told(struct world *w, bool all)
{
	cr_assert_eq(lg_tally_write(w->cx, w->t, w->j, all), LG_OK, "%s", w->cx->error);
}

/* How many records wait, and in how many of them each text is; nothing waits then. */
static size_t
records(struct world *w, const char *text, size_t *with)
{
	lg_str part, record;
	struct lg_json js;
	size_t n = 0;

	*with = 0;
	while (lg_journal_waits(w->j)) {
		uint64_t last = 0;
		cr_assert_eq(lg_journal_part(w->cx, w->j, &part), LG_OK, "%s", w->cx->error);
		lg_json_init(&js, w->cx->arena, lg_api_raw(w->cx, part, "decisions"));
		lg_json_array(&js);
		while (lg_json_item(&js)) {
			record = lg_json_raw(&js);
			*with += memmem(record.p, record.n, text, strlen(text)) != NULL;
			last = (uint64_t)strtoull(record.p + 7, NULL, 10);
			n++;
		}
		cr_assert_eq(lg_json_end(w->cx, &js), LG_OK, "%s", w->cx->error);
		cr_assert_eq(lg_journal_told(w->cx, w->j, last), LG_OK, "%s", w->cx->error);
	}
	return n;
}

Test(tally, the_first_is_told_at_once_and_the_rest_as_a_number)
{
	TEST_CTX(cx);
	struct world w;
	size_t with;

	set_up(&w, cx);
	refuse(&w, "web", "db", 22, FIRST);
	told(&w, false);
	cr_assert_eq(records(&w, "\"subject\":{\"type\":\"Workload\",\"id\":\"web\"},\"resource\":{\"type\":\"Workload\",\"id\":\"db\"},\"protocol\":\"tcp\",\"port\":22,"
	    "\"count\":1,\"until\":\"2023-11-14T22:13:20.000000Z\",\"action\":\"connect\",\"decision\":false", &with), 1);
	cr_assert_eq(with, 1);
	for (int i = 1; i <= 40; i++)
		refuse(&w, "web", "db", 22, FIRST + i * INT64_C(1000000));
	told(&w, false);
	cr_assert_eq(records(&w, "", &with), 0, "within the window");
	told(&w, true);
	cr_assert_eq(records(&w, "\"time\":\"2023-11-14T22:13:21.000000Z\"", &with), 1);
	cr_assert_eq(with, 1, "the first of them");
	told(&w, true);
	cr_assert_eq(records(&w, "", &with), 0, "and nothing twice");
	for (int i = 0; i < 3; i++)
		refuse(&w, "web", "db", 22, FIRST + i * INT64_C(1000000));
	told(&w, true);
	cr_assert_eq(records(&w, "\"count\":3,\"until\":\"2023-11-14T22:13:22.000000Z\"", &with), 1, "a window that closes before it was looked at");
	cr_assert_eq(with, 1);
	tear_down(&w);
}

Test(tally, what_differs_is_told_apart)
{
	TEST_CTX(cx);
	struct world w;
	size_t with;

	set_up(&w, cx);
	struct lg_deed d = { .action = "connect", .reason = LG_STR("after 61 s"), .subject_type = LG_STR("Workload"), .subject = LG_STR("web"),
		.resource_type = LG_STR("Workload"), .resource = LG_STR("db"), .protocol = LG_STR("tcp"), .port = 22 };
	lg_tally_add(w.t, &d, 1, FIRST);
	d.reason = LG_STR("after 62 s");	/* the same, however it is said */
	lg_tally_add(w.t, &d, 1, FIRST);
	d.permit = true;
	lg_tally_add(w.t, &d, 1, FIRST);
	d.policy = LG_STR("p");
	lg_tally_add(w.t, &d, 1, FIRST);
	d.protocol = LG_STR("udp");
	lg_tally_add(w.t, &d, 1, FIRST);
	d.action = "container:logs";
	lg_tally_add(w.t, &d, 1, FIRST);
	/* Of nobody in particular the reason is all that is known. */
	d = (struct lg_deed){ .action = "connect", .reason = LG_STR("one"), .port = LG_DEED_NO_PORT };
	lg_tally_add(w.t, &d, 7, FIRST);
	d.reason = LG_STR("other");
	lg_tally_add(w.t, &d, 8, FIRST);
	lg_tally_add(w.t, &d, 8, FIRST);
	told(&w, true);
	cr_assert_eq(records(&w, "\"count\":2,", &with), 7);
	cr_assert_eq(with, 1);
	tear_down(&w);
}

Test(tally, a_scan_of_all_ports_is_few_lines)
{
	TEST_CTX(cx);
	struct world w;
	size_t with;

	set_up(&w, cx);
	for (int port = 1; port <= 65535; port++)
		refuse(&w, "web", "db", port, FIRST);
	told(&w, true);
	cr_assert_eq(records(&w, lg_print(cx->arena, "\"count\":%d,", 65535 - LG_TALLY_PORTS).p, &with), LG_TALLY_PORTS + 1);
	cr_assert_eq(with, 1, "the ports that were too many are one line");
	tear_down(&w);
}

Test(tally, more_than_there_are_lines_for_is_counted_together)
{
	TEST_CTX(cx);
	struct world w;
	size_t with;
	char from[32];

	set_up(&w, cx);
	for (int i = 0; i < 2 * LG_TALLY_LINES; i++) {
		snprintf(from, sizeof from, "w%d", i);
		refuse(&w, from, "db", LG_DEED_NO_PORT, FIRST);
	}
	told(&w, true);
	cr_assert_eq(records(&w, lg_print(cx->arena, "\"count\":%d,", LG_TALLY_LINES).p, &with), LG_TALLY_LINES + 1);
	cr_assert_eq(with, 1);
	/* What has a name beyond all measure has no line of its own, either. */
	char *name = lg_alloc(cx->arena, 8193);
	memset(name, 'x', 8192);
	name[8192] = '\0';
	refuse(&w, name, "db", 1, FIRST);
	told(&w, true);
	cr_assert_eq(records(&w, "too many to be told", &with), 1);
	cr_assert_eq(with, 1);
	tear_down(&w);
}

Test(tally, what_the_journal_has_no_room_for_is_counted_on)
{
	TEST_CTX(cx);
	struct world w;
	size_t with, n = 0;
	char from[32];
	lg_err e = LG_OK;

	set_up(&w, cx);
	while (e == LG_OK) {
		for (int i = 0; i < LG_TALLY_LINES; i++) {
			snprintf(from, sizeof from, "w%d", i);
			refuse(&w, from, "db", LG_DEED_NO_PORT, FIRST);
		}
		n += LG_TALLY_LINES;
		e = lg_tally_write(cx, w.t, w.j, true);
	}
	cr_assert_eq(e, LG_E_BUSY, "%s", cx->error);
	cr_assert_lt(n * 300, LG_JOURNAL_COUNTED * 2, "a quarter of the journal is theirs");
	/* What a container does is still taken. */
	const struct lg_deed d = { .container = LG_STR("c1"), .action = "container:restart", .permit = true };
	cr_assert_eq(lg_journal_add(cx, w.j, &d), LG_OK, "%s", cx->error);
	size_t before = records(&w, "\"container\":\"c1\"", &with);
	cr_assert_eq(with, 1);
	told(&w, true);
	cr_assert_eq(before - 1 + records(&w, "", &with), n, "all of it is told in the end");
	tear_down(&w);
}
