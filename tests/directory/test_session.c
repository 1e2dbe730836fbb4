/* test_session.c: a session lives no longer than what it was begun with. */
#include "tests/directory/wire.h"

#define ALICE "uid=alice,ou=people," SUFFIX
#define BOB "uid=bob,ou=people," SUFFIX

static struct world w;
static struct wire k;

static void
start(void)
{
	world_start(&w);
	world_people(&w);
	wire_start(&k, &w);
	world_drain(&w);
	cr_assert_eq(wire_bind(&k, ALICE, "secret"), 0);
}

static void
end(void)
{
	wire_end(&k);
	world_end(&w);
}

TestSuite(session, .init = start, .fini = end);

static void
ended(void)
{
	struct answer a;

	world_drain(&w);
	wire_run(&k);
	a = wire_expect(&k, 0, 0x78, 8);
	cr_assert(lg_str_eq(a.oid, LG_STR("1.3.6.1.4.1.1466.20036")));
	cr_assert((k.wants & LG_LDAP_CLOSE) != 0);
}

static void
goes_on(void)
{
	world_drain(&w);
	send_extended(&k, 9, "1.3.6.1.4.1.4203.1.11.3", LG_NONE);
	wire_pump(&k);
	cr_assert(lg_str_eq(wire_expect(&k, 9, 0x78, 0).value, LG_STR("dn:" ALICE)));
}

Test(session, ends_when_the_password_is_replaced)
{
	unsigned woken = k.woken;

	assert_ok(&w, world_password(&w, ALICE, "other"));
	world_drain(&w);
	cr_assert_gt(k.woken, woken, "an idle connection is told at once");
	ended();
}

Test(session, ends_when_the_account_is_disabled)
{
	assert_result(&w, 0, world_modify(&w, ALICE, "add: lgEnabled\nlgEnabled: FALSE"));
	ended();
}

Test(session, ends_when_an_administrator_locks_the_account)
{
	assert_result(&w, 0, world_modify(&w, ALICE, "replace: pwdAccountLockedTime\npwdAccountLockedTime: 000001010000Z"));
	ended();
}

Test(session, ends_when_the_entry_goes)
{
	assert_result(&w, 0, world_delete(&w, ALICE));
	ended();
}

Test(session, goes_on_when_others_change_or_its_other_attributes)
{
	assert_ok(&w, world_password(&w, BOB, "other"));
	assert_result(&w, 0, world_delete(&w, BOB));
	assert_result(&w, 0, world_modify(&w, ALICE, "add: title\ntitle: Dr"));
	goes_on();
}

Test(session, its_own_change_of_the_password_does_not_end_it)
{
	struct wire other;

	wire_start(&other, &w);
	cr_assert_eq(wire_bind(&other, ALICE, "secret"), 0);
	send_modify(&k, 1, ALICE, 2, "userPassword", "the next one");
	wire_pump(&k);
	wire_expect(&k, 1, 0x67, 0);
	goes_on();
	wire_run(&other);
	wire_expect(&other, 0, 0x78, 8);
	wire_end(&other);
	send_extended(&k, 2, "1.3.6.1.4.1.4203.1.11.1", LG_NONE);
	wire_pump(&k);
	wire_expect(&k, 2, 0x78, 0);
	goes_on();
	assert_ok(&w, world_password(&w, ALICE, "again"));
	ended();
}

Test(session, one_by_certificate_does_not_stand_on_the_password)
{
	w.cert_entry = world_entry(&w, ALICE).uuid;
	world_unview(&w);
	k.peer.cert = LG_STR("cert");
	wire_reconnect(&k);
	send_external(&k, 1, NULL);
	wire_pump(&k);
	wire_expect(&k, 1, 0x61, 0);
	assert_ok(&w, world_password(&w, ALICE, "other"));
	goes_on();
	assert_result(&w, 0, world_modify(&w, ALICE, "add: lgEnabled\nlgEnabled: FALSE"));
	ended();
}

Test(session, a_password_that_is_replaced_while_it_is_checked_begins_none)
{
	send_bind(&k, 1, ALICE, "secret");
	wire_run(&k);
	assert_ok(&w, world_password(&w, ALICE, "other"));
	world_drain(&w);
	wire_run(&k);
	wire_expect(&k, 1, 0x61, 0);
	wire_expect(&k, 0, 0x78, 8);
}

static lg_err
disable_and_enable(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	struct lg_edit ed = lg_edit_of(w.dirp, v, 1);
	lg_str text = LG_STR("x");
	struct lg_modification m = { LG_MODIFY_REPLACE, { LG_STR("description"), &text, 1 } };
	struct lg_entry e;

	for (int i = 0; i < 500; i++) {
		text = lg_print(cx->arena, "%d %d", *(int *)arg, i);
		LG_TRY(lg_entry_by_dn(cx, v, LG_STR(BOB), &e));
		LG_TRY(lg_entry_modify(cx, &ed, &e, &m, 1, NULL));
	}
	return LG_OK;
}

Test(session, more_changes_than_a_loop_hears_of_lose_nobody)
{
	assert_result(&w, 0, world_modify(&w, ALICE, "add: lgEnabled\nlgEnabled: FALSE"));
	world_unview(&w);
	for (int i = 0; i < 4; i++)
		assert_ok(&w, lg_store_apply(&w.cx, w.store, 1, "test", disable_and_enable, &i, NULL));
	ended();
}
