/* test_records.c: what was redeemed and admitted outlives the agent. */
#include "agent/records.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "tests/base/base_test.h"
#include "tests/client/responder.h"

Test(records, a_ticket_is_redeemed_once)
{
	TEST_CTX(cx);
	const char *state = test_folder();

	cr_assert_eq(lg_records_open(cx, state), LG_OK, "%s", cx->error);
	cr_assert_not(lg_redeemed_has(cx, state, LG_STR("j1")));
	cr_assert_eq(lg_redeemed_put(cx, state, LG_STR("j1"), cx->now + LG_MINUTE), LG_OK);
	cr_assert(lg_redeemed_has(cx, state, LG_STR("j1")));
	cr_assert_eq(lg_redeemed_put(cx, state, LG_STR("j1"), cx->now + LG_MINUTE), LG_E_DENIED);
	cr_assert_not(lg_redeemed_has(cx, state, LG_STR("j2")));
}

Test(records, a_folder_that_others_can_write_to_is_refused)
{
	TEST_CTX(cx);
	const char *state = test_folder();

	cr_assert_eq(chmod(state, 0777), 0);
	cr_assert_eq(lg_records_open(cx, state), LG_E_DENIED);
	cr_assert_eq(chmod(state, 0770), 0);
	cr_assert_eq(lg_records_open(cx, state), LG_E_DENIED);
	cr_assert_eq(chmod(state, 0755), 0);
	cr_assert_eq(lg_records_open(cx, state), LG_OK, "%s", cx->error);
	if (geteuid() != 0)
		return;
	cr_assert_eq(chown(state, 61099, 0), 0);
	cr_assert_eq(lg_records_open(cx, state), LG_E_DENIED);
}

Test(records, expired_tickets_are_swept_but_not_fresh_ones)
{
	TEST_CTX(cx);
	const char *state = test_folder();

	cr_assert_eq(lg_records_open(cx, state), LG_OK);
	cr_assert_eq(lg_redeemed_put(cx, state, LG_STR("old"), cx->now - 6 * LG_MINUTE), LG_OK);
	cr_assert_eq(lg_redeemed_put(cx, state, LG_STR("recent"), cx->now - 4 * LG_MINUTE), LG_OK);
	test_write(lg_print(cx->arena, "%s/redeemed", state).p, "cut-short", "");
	cr_assert_eq(lg_redeemed_sweep(cx, state), LG_OK);
	cr_assert_not(lg_redeemed_has(cx, state, LG_STR("old")));
	cr_assert(lg_redeemed_has(cx, state, LG_STR("recent")));
	cr_assert_eq(access(lg_print(cx->arena, "%s/redeemed/cut-short", state).p, F_OK), 0);
}

Test(records, where_nothing_can_be_read_or_kept_nothing_is_redeemed)
{
	TEST_CTX(cx);

	cr_assert(lg_redeemed_has(cx, test_write(test_folder(), "file", ""), LG_STR("j")));
	cr_assert_eq(lg_redeemed_put(cx, "/nonexistent", LG_STR("j"), 0), LG_E_IO);
}

Test(records, an_admission_is_read_as_it_was_written)
{
	TEST_CTX(cx);
	const char *state = test_folder();
	struct lg_admitted ad = { .container = LG_STR("c1"), .workload = LG_STR("web"), .admission = LG_STR("a"), .time = 7 }, got;

	memset(ad.sameness.b, 0x5a, 32);
	cr_assert_eq(lg_records_open(cx, state), LG_OK);
	cr_assert_eq(lg_admitted_get(cx, state, LG_STR("c1"), &got), LG_E_NOT_FOUND);
	cr_assert_eq(lg_admitted_put(cx, state, &ad), LG_OK, "%s", cx->error);
	cr_assert_eq(lg_admitted_get(cx, state, LG_STR("c1"), &got), LG_OK, "%s", cx->error);
	assert_str(got.workload, "web");
	cr_assert_arr_eq(got.sameness.b, ad.sameness.b, 32);
	cr_assert_eq(lg_admitted_del(cx, state, LG_STR("c1")), LG_OK);
	cr_assert_eq(lg_admitted_get(cx, state, LG_STR("c1"), &got), LG_E_NOT_FOUND);
	test_write(lg_print(cx->arena, "%s/admissions", state).p, "c1.json", "{\"container\":\"c2\"}");
	cr_assert_eq(lg_admitted_get(cx, state, LG_STR("c1"), &got), LG_E_CORRUPT);
}

Test(records, ids_that_lead_elsewhere_are_refused)
{
	TEST_CTX(cx);
	static const char *const bad[] = { "", ".", "..", "../x", "a/b", ".hidden", "a b", "a\n", "\xc3\xa4" };
	struct lg_admitted got;

	for (size_t i = 0; i < LG_COUNT(bad); i++) {
		cr_assert_not(lg_container_id_valid(lg_str_of(bad[i])), "%s", bad[i]);
		cr_assert_eq(lg_admitted_get(cx, "/tmp", lg_str_of(bad[i]), &got), LG_E_INVALID);
	}
	char text[LG_CONTAINER_ID + 2];
	memset(text, 'a', sizeof text);
	cr_assert(lg_container_id_valid((lg_str){ text, LG_CONTAINER_ID }));
	cr_assert_not(lg_container_id_valid((lg_str){ text, LG_CONTAINER_ID + 1 }));
}
