/* test_pwd.c: password policy: new passwords, signing in, locks, what the control says. */
#include <stdio.h>

#include "base/clock.h"
#include "base/text.h"
#include "directory/pwd.h"
#include "tests/directory/wire.h"

#define ALICE "uid=alice,ou=people," SUFFIX
#define BOB "uid=bob,ou=people," SUFFIX
#define POLICY "cn=password-policy," SUFFIX
#define PASSMOD "1.3.6.1.4.1.4203.1.11.1"
#define ASK "1.3.6.1.4.1.42.2.27.8.5.1"

static struct world w;
static struct wire k;

static void
start(void)
{
	world_start(&w);
	world_people(&w);
	wire_start(&k, &w);
	snprintf(k.peer.address, sizeof k.peer.address, "10.0.0.1:1000");
	wire_reconnect(&k);
}

static void
end(void)
{
	wire_end(&k);
	world_end(&w);
}

TestSuite(pwd, .init = start, .fini = end);

static void
policy(const char *rules)
{
	lg_str text = lg_print(w.arena, "objectClass: lgPasswordPolicy\nobjectClass: pwdPolicy\ncn: password-policy\npwdAttribute: userPassword\n%s", rules);

	assert_result(&w, 0, world_add(&w, POLICY, text.p));
}

/* Asks for the control with the next request. */
static void
ask(void)
{
	struct lg_buf b = LG_BUF(256);
	struct lg_berw bw = lg_berw_of(&b);

	lg_berw_open(&bw, LG_BER_SEQUENCE);
	lg_berw_str(&bw, LG_BER_OCTETS, LG_STR(ASK));
	lg_berw_close(&bw);
	k.controls = lg_dup(w.arena, lg_buf_view(&b));
	lg_buf_free(&b);
}

/* What the control said: "error 1", "expires 86400", "grace 2", both, or "". */
static const char *
said(lg_str controls)
{
	struct lg_ber c = lg_ber_of(controls), one = lg_ber_enter(&c, LG_BER_SEQUENCE), value, seq, warning;
	const char *text = "";

	if (controls.n == 0)
		return "none";
	cr_assert(lg_str_eq(lg_ber_str(&one, LG_BER_OCTETS), LG_STR(ASK)));
	value = lg_ber_of(lg_ber_str(&one, LG_BER_OCTETS));
	seq = lg_ber_enter(&value, LG_BER_SEQUENCE);
	if (lg_ber_peek(&seq) == LG_BER_CONTEXT_SET(0)) {
		warning = lg_ber_enter(&seq, LG_BER_CONTEXT_SET(0));
		bool grace = lg_ber_peek(&warning) == LG_BER_CONTEXT(1);
		int64_t n = lg_ber_int(&warning, grace ? LG_BER_CONTEXT(1) : LG_BER_CONTEXT(0));
		text = lg_print(w.arena, "%s %lld ", grace ? "grace" : "expires", (long long)n).p;
	}
	if (lg_ber_more(&seq))
		text = lg_print(w.arena, "%serror %lld", text, (long long)lg_ber_int(&seq, LG_BER_CONTEXT(1))).p;
	cr_assert_not(seq.bad);
	return text;
}

static int
bind_as(const char *dn, const char *password, const char **control)
{
	struct answer a;

	ask();
	send_bind(&k, 1, dn, password);
	wire_pump(&k);
	cr_assert(wire_next(&k, &a));
	*control = said(a.controls);
	return a.code;
}

#define assert_bind(want, control, dn, password) do { \
		const char *said_; \
		int code_ = bind_as(dn, password, &said_); \
		cr_assert_eq(code_, (want), "bind gave %d (%s)", code_, said_); \
		assert_text(said_, control); \
	} while (0)

static int
change(const char *whose, const char *old, const char *new, const char **control)
{
	struct lg_buf b = LG_BUF(1024);
	struct lg_berw bw = lg_berw_of(&b);
	struct answer a;

	lg_berw_open(&bw, LG_BER_SEQUENCE);
	if (whose != NULL)
		lg_berw_str(&bw, LG_BER_CONTEXT(0), lg_str_of(whose));
	if (old != NULL)
		lg_berw_str(&bw, LG_BER_CONTEXT(1), lg_str_of(old));
	lg_berw_str(&bw, LG_BER_CONTEXT(2), lg_str_of(new));
	lg_berw_close(&bw);
	ask();
	send_extended(&k, 2, PASSMOD, lg_buf_view(&b));
	lg_buf_free(&b);
	wire_pump(&k);
	cr_assert(wire_next(&k, &a));
	*control = said(a.controls);
	return a.code;
}

#define assert_change(want, control, whose, old, new) do { \
		const char *said_; \
		int code_ = change(whose, old, new, &said_); \
		cr_assert_eq(code_, (want), "change gave %d (%s)", code_, said_); \
		assert_text(code_ == 0 ? "" : said_, control); \
	} while (0)

static const char *
shown(const char *dn, const char *attribute)
{
	const char *text;

	cr_assert_eq(wire_search(&k, dn, 0, "(objectClass=*)", attribute, &text), 0);
	return text;
}

struct aged {
	uint64_t id;
	struct lg_pwd_state s;
};

static lg_err
put_state(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	struct lg_edit ed = lg_edit_of(w.dirp, v, 1);
	struct aged *a = arg;

	return lg_pwd_state_put(cx, &ed, a->id, &a->s);
}

/* Makes it look as if the password had been changed so long ago. */
static void
age(const char *dn, int64_t us)
{
	struct aged a = { .id = world_entry(&w, dn).id };

	assert_ok(&w, lg_pwd_state_get(&w.cx, world_view, 1, a.id, &a.s));
	world_unview(&w);
	a.s.changed = lg_wall() - us;
	assert_ok(&w, lg_store_apply(&w.cx, w.store, 1, "test", put_state, &a, NULL));
}

/* ---- a new password --------------------------------------------------------------------------------------------------- */

Test(pwd, without_a_policy_a_password_is_not_known_and_one_of_ones_own_choice_not_short)
{
	assert_bind(0, "", ALICE, "secret");
	assert_change(19, "error 6", NULL, "secret", "sieben7");
	assert_change(0, "", NULL, "secret", "acht8888");
	assert_change(19, "error 5", NULL, "acht8888", "correcthorse");
	assert_change(19, "error 5", NULL, "acht8888", "my-Alice-pw");
	assert_ok(&w, world_password(&w, ALICE, "x"));		/* as somebody else chose it */
	assert_bind(0, "", ALICE, "x");
}

Test(pwd, a_policy_may_allow_short_ones)
{
	policy("pwdMinLength: 1");
	assert_bind(0, "", ALICE, "secret");
	assert_change(0, "", NULL, "secret", "x");
}

Test(pwd, length_is_counted_in_characters)
{
	policy("pwdMinLength: 8\npwdMaxLength: 12");
	assert_bind(0, "", ALICE, "secret");
	assert_change(19, "error 6", NULL, "secret", "sieben7");
	assert_change(19, "error 6", NULL, "secret", "\xc3\xa4\xc3\xb6\xc3\xbc\xc3\x9f");
	assert_change(19, "error 9", NULL, "secret", "thirteen chars");
	assert_change(0, "", NULL, "secret", "acht8888");
}

Test(pwd, the_rules_hold_for_modify_and_add_too)
{
	struct answer a;

	policy("pwdMinLength: 8");
	assert_bind(0, "", ALICE, "secret");
	ask();
	send_modify(&k, 3, BOB, 2, "userPassword", "short");
	wire_pump(&k);
	a = wire_expect(&k, 3, 0x67, 19);
	assert_text(said(a.controls), "error 6");
	ask();
	send_add(&k, 4, "uid=carol,ou=people," SUFFIX, "objectClass: inetOrgPerson\nuid: carol\ncn: c\nsn: c\nuserPassword: short");
	wire_pump(&k);
	a = wire_expect(&k, 4, 0x69, 19);
	assert_text(said(a.controls), "error 6");
	send_add(&k, 5, "uid=carol,ou=people," SUFFIX, "objectClass: inetOrgPerson\nuid: carol\ncn: c\nsn: c\nuserPassword: long enough");
	wire_pump(&k);
	wire_expect(&k, 5, 0x69, 0);
	assert_bind(0, "", "uid=carol,ou=people," SUFFIX, "long enough");
}

Test(pwd, earlier_passwords_are_not_taken_again_until_they_are_old)
{
	policy("pwdInHistory: 2");
	assert_bind(0, "", ALICE, "secret");
	assert_change(19, "error 8", NULL, "secret", "secret");
	assert_change(0, "", NULL, "secret", "second");
	assert_change(19, "error 8", NULL, "second", "secret");
	assert_change(0, "", NULL, "second", "third");
	assert_change(19, "error 8", NULL, "third", "secret");
	assert_change(0, "", NULL, "third", "fourth");
	assert_change(0, "", NULL, "fourth", "secret");
}

Test(pwd, the_history_goes_with_the_entry)
{
	uint64_t rows;

	policy("pwdInHistory: 5");
	assert_bind(0, "", ALICE, "secret");
	assert_change(0, "", BOB, NULL, "second");
	assert_change(0, "", BOB, NULL, "third");
	assert_result(&w, 0, world_delete(&w, BOB));
	struct lg_entry e = world_entry(&w, ALICE);
	(void)e;
	assert_ok(&w, lg_table_count(&w.cx, world_view, lg_directory_tables[3], &rows));
	cr_assert_eq(rows, 1, "what is kept of alice alone");
}

Test(pwd, a_password_is_not_changed_again_too_soon_except_by_others)
{
	policy("pwdMinAge: 3600");
	assert_bind(0, "", ALICE, "secret");
	assert_change(19, "error 7", NULL, "secret", "second");
	age(ALICE, 2 * LG_HOUR);
	assert_change(0, "", NULL, "secret", "second");
	assert_change(0, "", BOB, NULL, "another");
	assert_change(0, "", BOB, NULL, "and another");
}

Test(pwd, users_may_be_kept_from_changing_or_made_to_give_the_old_one)
{
	policy("pwdAllowUserChange: TRUE\npwdSafeModify: TRUE");
	assert_bind(0, "", ALICE, "secret");
	assert_change(50, "error 4", NULL, NULL, "second");
	assert_change(0, "", NULL, "secret", "second");
	assert_change(0, "", BOB, NULL, "second");
	assert_result(&w, 0, world_modify(&w, POLICY, "replace: pwdAllowUserChange\npwdAllowUserChange: FALSE"));
	assert_change(50, "error 3", NULL, "second", "third");
}

/* ---- signing in ---------------------------------------------------------------------------------------------------------- */

Test(pwd, an_old_form_of_verifier_is_renewed_by_signing_in)
{
	lg_str verifier;

	assert_result(&w, 0, world_modify(&w, ALICE, "replace: userPassword\nuserPassword: {OLDER}secret"));
	unsigned ended = w.ended;
	assert_bind(49, "", ALICE, "wrong");
	assert_bind(0, "", ALICE, "secret");
	cr_assert_eq(w.ended, ended, "nothing ends: the password is the same");
	struct lg_entry e = world_entry(&w, ALICE);
	assert_ok(&w, lg_entry_verifier(&w.cx, w.dirp, world_view, &e, &verifier));
	assert_text(verifier.p, "{PLAIN}secret");
	world_unview(&w);
	assert_bind(0, "", ALICE, "secret");
}

Test(pwd, an_expired_password_has_graces_and_then_ends)
{
	policy("pwdMaxAge: 86400\npwdExpireWarning: 7200\npwdGraceAuthNLimit: 2");
	assert_bind(0, "", ALICE, "secret");		/* set before there was a policy; its age counts from there */
	age(ALICE, LG_DAY - LG_HOUR);
	const char *text;
	cr_assert_eq(bind_as(ALICE, "secret", &text), 0);
	cr_assert(strcmp(text, "expires 3599 ") == 0 || strcmp(text, "expires 3600 ") == 0, "%s", text);
	age(ALICE, LG_DAY + 1);
	assert_bind(0, "grace 1 ", ALICE, "secret");
	assert_bind(49, "", ALICE, "wrong");
	assert_bind(0, "grace 0 ", ALICE, "secret");
	assert_bind(0, "error 0", ALICE, "secret");	/* who asks for the policy's words is let in to change it */
	cr_assert_eq(wire_bind(&k, ALICE, "secret"), 49, "who does not is not");
	assert_bind(0, "", BOB, "secret");
	cr_assert_not_null(strstr(shown(ALICE, "pwdGraceUseTime pwdChangedTime"), "pwdGraceUseTime="));
	assert_change(0, "", ALICE, NULL, "second");
	assert_bind(0, "", ALICE, "second");
	assert_text(shown(ALICE, "pwdGraceUseTime"), ALICE "\n");
}

Test(pwd, a_password_set_by_others_allows_only_its_change)
{
	const char *text;
	struct answer a;

	policy("pwdMustChange: TRUE");
	assert_bind(0, "", BOB, "secret");
	assert_change(0, "", ALICE, NULL, "given");
	assert_text(shown(ALICE, "pwdReset"), ALICE " pwdReset=TRUE\n");
	assert_bind(0, "error 2", ALICE, "given");
	cr_assert_eq(wire_search(&k, SUFFIX, 0, "(objectClass=*)", "", &text), 50);
	ask();
	send_modify(&k, 3, ALICE, 2, "title", "Dr");
	wire_pump(&k);
	a = wire_expect(&k, 3, 0x67, 50);
	assert_text(said(a.controls), "error 2");
	send_modify(&k, 4, ALICE, 2, "userPassword", "my own");
	wire_pump(&k);
	wire_expect(&k, 4, 0x67, 0);
	assert_text(shown(ALICE, "pwdReset"), ALICE "\n");
	assert_bind(0, "", ALICE, "my own");
}

/* "delete: userPassword, its old value; add: userPassword, the new one", in one request; NULL leaves its half out. */
static void
send_exchange(int32_t id, const char *dn, const char *old, const char *new)
{
	const char *const values[] = { old, new };
	struct lg_buf b = LG_BUF(1024);
	struct lg_berw bw = lg_berw_of(&b);

	lg_berw_open(&bw, LG_BER_SEQUENCE);
	lg_berw_int(&bw, LG_BER_INTEGER, id);
	lg_berw_open(&bw, 0x66);
	lg_berw_str(&bw, LG_BER_OCTETS, lg_str_of(dn));
	lg_berw_open(&bw, LG_BER_SEQUENCE);
	for (int kind = LG_MODIFY_DELETE; kind >= LG_MODIFY_ADD; kind--) {
		const char *value = values[kind == LG_MODIFY_ADD];
		if (value == NULL)
			continue;
		lg_berw_open(&bw, LG_BER_SEQUENCE);
		lg_berw_int(&bw, LG_BER_ENUMERATED, kind);
		lg_berw_open(&bw, LG_BER_SEQUENCE);
		lg_berw_str(&bw, LG_BER_OCTETS, LG_STR("userPassword"));
		lg_berw_open(&bw, LG_BER_SET);
		lg_berw_str(&bw, LG_BER_OCTETS, lg_str_of(value));
		for (int i = 0; i < 3; i++)
			lg_berw_close(&bw);
	}
	lg_berw_close(&bw);
	lg_berw_close(&bw);
	if (k.controls.n > 0)
		lg_berw_str(&bw, LG_BER_CONTEXT_SET(0), k.controls);
	k.controls = LG_NONE;
	lg_berw_close(&bw);
	lg_ldap_feed(k.c, lg_buf_view(&b));
	lg_buf_free(&b);
}

#define assert_exchange(want, control, dn, old, new) do { \
		ask(); \
		send_exchange(9, dn, old, new); \
		wire_pump(&k); \
		struct answer a_ = wire_expect(&k, 9, 0x67, want); \
		assert_text(said(a_.controls), control); \
	} while (0)

Test(pwd, a_modify_may_name_the_old_password)
{
	policy("pwdSafeModify: TRUE\npwdMinLength: 4\npwdLockout: TRUE\npwdMaxFailure: 3");
	assert_bind(0, "", ALICE, "secret");
	assert_exchange(50, "error 4", ALICE, NULL, "second");		/* the old one must come too */
	unsigned wrong = w.wrong;
	assert_exchange(53, "error 4", ALICE, "wrong", "second");
	cr_assert_eq(w.wrong, wrong + 1, "it is counted");
	assert_exchange(19, "error 6", ALICE, "secret", "abc");
	assert_exchange(0, "none", ALICE, "secret", "second");
	assert_bind(49, "", ALICE, "secret");
	assert_bind(0, "", ALICE, "second");
	assert_exchange(0, "none", ALICE, "second", NULL);
	struct lg_entry e = world_entry(&w, ALICE);
	cr_assert_not(lg_entry_has_verifier(&e));
}

Test(pwd, guessing_by_changes_locks_as_guessing_by_binds_does)
{
	policy("pwdLockout: TRUE\npwdMaxFailure: 3");
	assert_bind(0, "", ALICE, "secret");
	assert_exchange(53, "error 4", ALICE, "a", "second");
	assert_change(53, "error 4", NULL, "b", "second");
	assert_exchange(53, "error 4", ALICE, "c", "second");
	assert_exchange(53, "error 4", ALICE, "secret", "second");	/* locked: not told to be right */
	w.refuse_attempts = true;
	assert_exchange(51, "none", ALICE, "secret", "second");
}

Test(pwd, an_old_password_is_no_way_around_rights_or_tls)
{
	send_exchange(1, ALICE, "secret", "second");
	wire_pump(&k);
	wire_expect(&k, 1, 0x67, 8);				/* anonymous */
	assert_bind(0, "", BOB, "secret");
	w.deny[w.ndeny++] = (struct denial){ "attribute:write", "userPassword", NULL, ALICE };
	unsigned tried = w.wrong + w.right;
	send_exchange(2, ALICE, "secret", "second");
	wire_pump(&k);
	wire_expect(&k, 2, 0x67, 50);
	cr_assert_eq(w.wrong + w.right, tried, "it was not looked at");
	k.peer.tls = false;
	wire_reconnect(&k);
	send_exchange(3, ALICE, "secret", "second");
	wire_pump(&k);
	wire_expect(&k, 3, 0x67, 13);
}

Test(pwd, a_password_that_is_changed_meanwhile_is_not_the_one_that_was_given)
{
	assert_bind(0, "", ALICE, "secret");
	send_exchange(1, ALICE, "secret", "the second");
	wire_run(&k);						/* the old one is with the hasher */
	assert_ok(&w, world_password(&w, ALICE, "third"));
	wire_pump(&k);
	wire_expect(&k, 1, 0x67, 16);
	wire_reconnect(&k);					/* what was obtained with the old one has ended */
	assert_bind(0, "", ALICE, "third");
}

Test(pwd, an_expired_password_can_be_changed_and_do_nothing_else)
{
	const char *text;

	policy("pwdMaxAge: 86400");
	age(ALICE, LG_DAY + 1);
	assert_bind(0, "error 0", ALICE, "secret");
	cr_assert_eq(wire_search(&k, SUFFIX, 0, "(objectClass=*)", "", &text), 50);
	send_extended(&k, 2, "1.3.6.1.4.1.4203.1.11.3", LG_NONE);
	wire_pump(&k);
	wire_expect(&k, 2, 0x78, 50);
	assert_exchange(50, "error 2", BOB, NULL, "mine now");		/* nor somebody else's */
	assert_change(50, "error 2", BOB, NULL, "mine now");
	assert_exchange(0, "none", ALICE, "secret", "second");
	cr_assert_eq(wire_search(&k, SUFFIX, 0, "(objectClass=*)", "1.1", &text), 0);
	age(ALICE, LG_DAY + 1);
	assert_bind(0, "error 0", ALICE, "second");
	assert_change(0, "", NULL, "second", "third");
	assert_bind(0, "", ALICE, "third");
}

/* ---- locks -------------------------------------------------------------------------------------------------------------------- */

static void
from(const char *address)
{
	snprintf(k.peer.address, sizeof k.peer.address, "%s", address);
	wire_reconnect(&k);
}

Test(pwd, so_many_failures_lock_the_account_until_it_is_unlocked)
{
	policy("pwdLockout: TRUE\npwdMaxFailure: 3");
	assert_bind(0, "", ALICE, "secret");
	assert_bind(49, "", ALICE, "a");
	assert_bind(49, "", ALICE, "b");
	assert_bind(0, "", ALICE, "secret");		/* forgiven */
	assert_bind(49, "", ALICE, "a");
	assert_bind(49, "", ALICE, "b");
	assert_bind(49, "", ALICE, "c");
	assert_bind(49, "error 1", ALICE, "secret");
	assert_bind(49, "error 1", ALICE, "wrong");
	assert_bind(0, "", BOB, "secret");
	cr_assert_not_null(strstr(shown(ALICE, "pwdAccountLockedTime"), "pwdAccountLockedTime=20"));
	from("10.0.0.2:1");
	assert_bind(49, "error 1", ALICE, "secret");
	assert_result(&w, 0, world_modify(&w, ALICE, "delete: pwdAccountLockedTime"));
	assert_result(&w, 16, world_modify(&w, ALICE, "delete: pwdAccountLockedTime"));
	assert_bind(0, "", ALICE, "secret");
}

Test(pwd, strangers_lock_an_account_for_strangers_alone)
{
	policy("pwdLockout: TRUE\npwdMaxFailure: 3");
	assert_bind(0, "", ALICE, "secret");		/* from here she is known */
	for (int i = 0; i < 3; i++) {
		char address[64];
		snprintf(address, sizeof address, "192.0.2.%d:77", i);
		from(address);
		assert_bind(49, "", ALICE, "guess");
	}
	assert_bind(49, "error 1", ALICE, "secret");
	from("10.0.0.1:2000");
	assert_bind(0, "", ALICE, "secret");
	from("192.0.2.77:1");
	assert_bind(49, "error 1", ALICE, "secret");
}

Test(pwd, a_lock_ends_by_itself_and_failures_are_forgotten)
{
	policy("pwdLockout: TRUE\npwdMaxFailure: 2\npwdLockoutDuration: 60\npwdFailureCountInterval: 30");
	assert_bind(49, "", ALICE, "a");
	assert_bind(49, "", ALICE, "b");
	assert_bind(49, "error 1", ALICE, "secret");
	lg_str past = lg_time_generalized(w.arena, lg_wall() - 61 * LG_SECOND);
	assert_result(&w, 0, world_modify(&w, ALICE, lg_print(w.arena, "replace: pwdAccountLockedTime\npwdAccountLockedTime: %.*s", LG_FMT(past)).p));
	assert_bind(0, "", ALICE, "secret");
	assert_text(shown(ALICE, "pwdAccountLockedTime"), ALICE "\n");
	struct lg_pwd_counts *c = lg_pwd_counts_new();
	cr_assert_eq(lg_pwd_count(c, 1, 1, 0, LG_HOUR), 1);
	cr_assert_eq(lg_pwd_count(c, 1, 1, 0, LG_HOUR), 2);
	cr_assert_eq(lg_pwd_count(c, 1, 1, 5, LG_HOUR), 1, "by address");
	cr_assert_eq(lg_pwd_count(c, 2, 1, 0, LG_HOUR), 1, "by tenant");
	cr_assert_eq(lg_pwd_count(c, 1, 1, 0, 1), 1, "the interval is over");
	lg_pwd_counts_free(&c);
}

Test(pwd, an_administrator_locks_for_good)
{
	policy("pwdLockout: TRUE\npwdMaxFailure: 2\npwdLockoutDuration: 60");
	assert_bind(0, "", ALICE, "secret");
	assert_result(&w, 21, world_modify(&w, ALICE, "add: pwdAccountLockedTime\npwdAccountLockedTime: tomorrow"));
	assert_result(&w, 19, world_modify(&w, ALICE, "add: pwdChangedTime\npwdChangedTime: 20260101000000Z"));
	assert_result(&w, 21, world_modify(&w, ALICE, "add: pwdReset\npwdReset: yes"));
	assert_result(&w, 0, world_modify(&w, ALICE, "add: pwdAccountLockedTime\npwdAccountLockedTime: 000001010000Z"));
	assert_text(shown(ALICE, "pwdAccountLockedTime"), ALICE " pwdAccountLockedTime=000001010000Z\n");
	assert_bind(49, "error 1", ALICE, "secret");
}

Test(pwd, an_entry_can_have_rules_of_its_own)
{
	policy("pwdMinLength: 20");
	assert_result(&w, 0, world_add(&w, "cn=lax," SUFFIX, "objectClass: device\nobjectClass: pwdPolicy\ncn: lax\npwdAttribute: userPassword\npwdMinLength: 2"));
	assert_result(&w, 0, world_modify(&w, ALICE, "add: pwdPolicySubentry\npwdPolicySubentry: cn=lax," SUFFIX));
	assert_bind(0, "", ALICE, "secret");
	assert_change(0, "", NULL, "secret", "xy");
	assert_change(19, "error 6", BOB, NULL, "xy");
}

Test(pwd, what_is_kept_survives_being_read_and_refuses_nonsense)
{
	struct lg_pwd_policy p = { .max_age = LG_DAY, .lockout = true, .lockout_duration = LG_MINUTE };
	struct lg_pwd_state s = { .changed = 1, .locked = 100 * LG_SECOND };

	cr_assert_eq(lg_pwd_judge(&p, &s, 130 * LG_SECOND, false, true).outcome, LG_PWD_IS_LOCKED);
	cr_assert_eq(lg_pwd_judge(&p, &s, 161 * LG_SECOND, false, true).outcome, LG_PWD_GOOD);
	cr_assert_eq(lg_pwd_judge(&p, &s, 2 * LG_DAY, false, true).outcome, LG_PWD_IS_EXPIRED);
	s.strangers = true;
	cr_assert_eq(lg_pwd_judge(&p, &s, 130 * LG_SECOND, true, true).outcome, LG_PWD_GOOD);
	cr_assert_eq(lg_pwd_judge(&p, &s, 130 * LG_SECOND, false, true).outcome, LG_PWD_IS_LOCKED);
}
