/* test_txn.c: transactions do all or nothing; cancel answers both. */
#include "directory/txn.h"
#include "tests/directory/wired.h"

#define START "1.3.6.1.1.21.1"
#define END "1.3.6.1.1.21.3"
#define CANCEL "1.3.6.1.1.8"

TestSuite(txn, .init = start_as_alice, .fini = end);
TestSuite(cancel, .init = start_as_alice, .fini = end);

static lg_str
begin_txn(void)
{
	struct answer a;

	send_extended(&k, 1, START, LG_NONE);
	wire_pump(&k);
	a = wire_expect(&k, 1, 0x78, 0);
	cr_assert_gt(a.value.n, 0);
	return a.value;
}

static void
in(lg_str id, bool critical)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(4096);
	struct lg_berw bw = lg_berw_of(&b);

	lg_berw_open(&bw, LG_BER_SEQUENCE);
	lg_berw_str(&bw, LG_BER_OCTETS, LG_STR(LG_CONTROL_TXN));
	if (critical)
		lg_berw_bool(&bw, LG_BER_BOOLEAN, true);
	lg_berw_str(&bw, LG_BER_OCTETS, id);
	lg_berw_close(&bw);
	k.controls = lg_dup(w.arena, lg_buf_view(&b));
}

static void
end_txn(lg_str id, bool commit)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(4096);
	struct lg_berw bw = lg_berw_of(&b);

	lg_berw_open(&bw, LG_BER_SEQUENCE);
	if (!commit)
		lg_berw_bool(&bw, LG_BER_BOOLEAN, false);
	lg_berw_str(&bw, LG_BER_OCTETS, id);
	lg_berw_close(&bw);
	send_extended(&k, 9, END, lg_buf_view(&b));
}

static void
modify(int32_t id, const char *dn, const char *attr, const char *value, int code)
{
	send_modify(&k, id, dn, 2, attr, value);
	wire_pump(&k);
	wire_expect(&k, id, 0x67, code);
}

Test(txn, nothing_happens_before_its_end_and_then_all_at_once)
{
	uint64_t before = lg_store_head(w.store).seq;
	lg_str id = begin_txn();

	in(id, true);
	modify(2, BOB, "title", "Dr", 0);
	in(id, true);
	send_add(&k, 3, "uid=c,ou=people," SUFFIX, "objectClass: inetOrgPerson\nsn: c\ncn: c\nuid: c");
	wire_pump(&k);
	wire_expect(&k, 3, 0x69, 0);
	in(id, true);
	modify(4, "uid=c,ou=people," SUFFIX, "title", "Mr", 0);
	assert_text(world_value(&w, BOB, "title"), "");
	world_unview(&w);
	end_txn(id, true);
	wire_pump(&k);
	cr_assert_null(wire_expect(&k, 9, 0x78, 0).value.p);
	assert_text(world_value(&w, BOB, "title"), "Dr");
	assert_text(world_value(&w, "uid=c,ou=people," SUFFIX, "title"), "Mr");
	cr_assert_eq(lg_store_head(w.store).seq, before + 1);
}

/* One more of the next request: the attribute as it is after it. */
static void
and_read(const char *attribute)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(4096), list = LG_BUF(256);
	struct lg_berw bw = lg_berw_of(&b), lw = lg_berw_of(&list);

	lg_berw_open(&lw, LG_BER_SEQUENCE);
	lg_berw_str(&lw, LG_BER_OCTETS, lg_str_of(attribute));
	lg_berw_close(&lw);
	lg_buf_str(&b, k.controls);
	lg_berw_open(&bw, LG_BER_SEQUENCE);
	lg_berw_str(&bw, LG_BER_OCTETS, LG_STR(LG_CONTROL_POST_READ));
	lg_berw_str(&bw, LG_BER_OCTETS, lg_buf_view(&list));
	lg_berw_close(&bw);
	k.controls = lg_dup(w.arena, lg_buf_view(&b));
}

Test(txn, what_updates_have_read_comes_with_its_end)
{
	lg_str id = begin_txn();
	struct lg_ber b, all, one, control;
	struct answer a;

	in(id, true);
	modify(2, BOB, "sn", "New", 0);
	in(id, true);
	and_read("title");
	modify(3, BOB, "title", "Dr", 0);
	end_txn(id, true);
	wire_pump(&k);
	a = wire_expect(&k, 9, 0x78, 0);
	b = lg_ber_of(a.value);
	b = lg_ber_enter(&b, LG_BER_SEQUENCE);
	all = lg_ber_enter(&b, LG_BER_SEQUENCE);
	one = lg_ber_enter(&all, LG_BER_SEQUENCE);
	cr_assert(lg_ber_int(&one, LG_BER_INTEGER) == 3 && !lg_ber_more(&all), "the other one has read nothing");
	one = lg_ber_enter(&one, LG_BER_CONTEXT_SET(0));
	control = lg_ber_enter(&one, LG_BER_SEQUENCE);
	cr_assert(lg_str_eq(lg_ber_str(&control, LG_BER_OCTETS), LG_STR(LG_CONTROL_POST_READ)) && !lg_ber_more(&one));
	lg_str entry = lg_ber_str(&control, LG_BER_OCTETS);
	cr_assert_not_null(memmem(entry.p, entry.n, "Dr", 2));
}

Test(txn, one_that_fails_undoes_all_and_is_named)
{
	lg_str id = begin_txn();
	struct answer a;
	struct lg_ber b;

	in(id, true);
	modify(2, BOB, "title", "Dr", 0);
	in(id, true);
	modify(3, BOB, "cn", NULL, 0);
	in(id, true);
	modify(4, BOB, "sn", "New", 0);
	end_txn(id, true);
	wire_pump(&k);
	a = wire_expect(&k, 9, 0x78, 65);
	b = lg_ber_of(a.value);
	b = lg_ber_enter(&b, LG_BER_SEQUENCE);
	cr_assert_eq(lg_ber_int(&b, LG_BER_INTEGER), 3);
	assert_text(world_value(&w, BOB, "title"), "");
}

Test(txn, it_may_be_given_up)
{
	lg_str id = begin_txn();

	in(id, true);
	modify(2, BOB, "title", "Dr", 0);
	end_txn(id, false);
	wire_pump(&k);
	wire_expect(&k, 9, 0x78, 0);
	assert_text(world_value(&w, BOB, "title"), "");
	world_unview(&w);
	end_txn(id, true);
	wire_pump(&k);
	wire_expect(&k, 9, 0x78, 2);
}

Test(txn, a_bind_aborts_it_with_a_notice)
{
	lg_str id = begin_txn();
	struct answer a;

	in(id, true);
	modify(2, BOB, "title", "Dr", 0);
	send_bind(&k, 3, ALICE, "secret");
	wire_pump(&k);
	a = wire_expect(&k, 0, 0x78, 1);
	cr_assert(lg_str_eq(a.oid, LG_STR("1.3.6.1.1.21.4")) && lg_str_eq(a.value, id));
	wire_expect(&k, 3, 0x61, 0);
	assert_text(world_value(&w, BOB, "title"), "");
}

Test(txn, it_is_bounded)
{
	lg_str id = begin_txn();

	for (int i = 0; i < LG_TXN_UPDATES; i++) {
		in(id, true);
		modify(100 + i, BOB, "title", "Dr", 0);
	}
	in(id, true);
	modify(5, BOB, "title", "Dr", 11);
	wire_expect(&k, 0, 0x78, 11);
	id = begin_txn();
	in(id, true);
	modify(6, BOB, "description", lg_print(w.arena, "%0900000d", 1).p, 0);
	in(id, true);
	modify(7, BOB, "description", lg_print(w.arena, "%0900000d", 1).p, 11);
	wire_expect(&k, 0, 0x78, 11);
	id = begin_txn();
	send_extended(&k, 8, START, LG_NONE);
	wire_pump(&k);
	wire_expect(&k, 8, 0x78, 53);
}

Test(txn, what_is_no_transaction_of_this_connection_is_refused)
{
	lg_str id = begin_txn();

	in(LG_STR("other"), true);
	modify(2, BOB, "title", "Dr", 2);
	in(id, false);
	modify(3, BOB, "title", "Dr", 2);
	end_txn(LG_STR("other"), true);
	wire_pump(&k);
	wire_expect(&k, 9, 0x78, 2);
	send_extended(&k, 4, END, LG_STR("x"));
	wire_pump(&k);
	wire_expect(&k, 4, 0x78, 2);
	send_extended(&k, 5, START, LG_STR("x"));
	wire_pump(&k);
	wire_expect(&k, 5, 0x78, 2);
	in(id, true);
	cr_assert_eq(wire_search(&k, BOB, 0, "(objectClass=*)", "cn", NULL), 12);
}

Test(txn, rights_are_decided_at_the_end)
{
	lg_str id = begin_txn();

	in(id, true);
	modify(2, BOB, "title", "Dr", 0);
	w.deny[w.ndeny++] = (struct denial){ .action = "attribute:write", .attribute = "title" };
	end_txn(id, true);
	wire_pump(&k);
	wire_expect(&k, 9, 0x78, 50);
}

Test(txn, passwords_are_hashed_on_their_way_in)
{
	lg_str id = begin_txn();

	in(id, true);
	modify(2, BOB, "userPassword", "other words", 0);
	end_txn(id, true);
	wire_pump(&k);
	wire_expect(&k, 9, 0x78, 0);
	cr_assert_eq(wire_bind(&k, BOB, "other words"), 0);
}

Test(txn, the_connection_may_go_at_any_time)
{
	lg_str id = begin_txn();

	in(id, true);
	modify(2, BOB, "title", "Dr", 0);
	in(id, true);
	send_modify(&k, 3, BOB, 2, "userPassword", "other words");
	wire_run(&k);
	lg_ldap_conn_free(&k.c);
	world_drain(&w);
	assert_text(world_value(&w, BOB, "title"), "");
	world_unview(&w);
	wire_reconnect(&k);
	cr_assert_eq(wire_bind(&k, ALICE, "secret"), 0);
	id = begin_txn();
	in(id, true);
	modify(2, BOB, "title", "Dr", 0);
	end_txn(id, true);
	wire_run(&k);
	lg_ldap_conn_free(&k.c);
	world_drain(&w);
	assert_text(world_value(&w, BOB, "title"), "Dr");
	wire_reconnect(&k);
}

/* ---- cancel -------------------------------------------------------------------------------------------------------------- */

static void
cancel(int32_t id, int32_t other)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(64);
	struct lg_berw bw = lg_berw_of(&b);

	lg_berw_open(&bw, LG_BER_SEQUENCE);
	lg_berw_int(&bw, LG_BER_INTEGER, other);
	lg_berw_close(&bw);
	send_extended(&k, id, CANCEL, lg_buf_view(&b));
}

Test(cancel, a_search_that_goes_on_is_answered_as_canceled)
{
	/* a synchronisation that stays goes on for as long as one likes */
	k.controls = LG_STR("\x30\x24\x04\x18" "1.3.6.1.4.1.4203.1.9.1.1" "\x01\x01\xff\x04\x05\x30\x03\x0a\x01\x03");
	send_search(&k, 2, BOB, 0, "(objectClass=*)", "1.1", 0);
	wire_pump(&k);
	wire_expect(&k, 2, 0x64, 0);
	wire_expect(&k, 2, 0x79, 0);
	cancel(3, 2);
	wire_pump(&k);
	wire_expect(&k, 2, 0x65, 118);
	wire_expect(&k, 3, 0x78, 0);
}

Test(cancel, what_is_over_or_under_way_is_not)
{
	struct answer a;

	cancel(3, 2);
	wire_pump(&k);
	wire_expect(&k, 3, 0x78, 119);
	send_modify(&k, 4, BOB, 2, "userPassword", "other words");	/* waits for its hash, which is not made before wire_pump */
	cancel(5, 4);
	while (!wire_next(&k, &a))
		wire_run(&k);
	cr_assert(a.id == 5 && a.code == 120);
	wire_pump(&k);
	wire_expect(&k, 4, 0x67, 0);
	cancel(6, 6);
	wire_pump(&k);
	wire_expect(&k, 6, 0x78, 119);
	send_extended(&k, 7, CANCEL, LG_STR("\x30\x00"));
	wire_pump(&k);
	wire_expect(&k, 7, 0x78, 2);
	send_extended(&k, 8, CANCEL, LG_NONE);
	wire_pump(&k);
	wire_expect(&k, 8, 0x78, 2);
}
