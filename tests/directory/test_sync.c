/* test_sync.c: a consumer that believes every message has, after each, what a search would find. */
#include <stdlib.h>

#include "base/mailbox.h"
#include "directory/sync.h"
#include "tests/directory/wire.h"

#define ALICE "uid=alice,ou=people," SUFFIX
#define BOB "uid=bob,ou=people," SUFFIX
#define PEOPLE "ou=people," SUFFIX
#define STAFF "cn=staff,ou=groups," SUFFIX
#define ADMINS "cn=admins,ou=groups," SUFFIX

enum { REFRESH = 1, PERSIST = 3, COPIES = 2048 };

struct copy {
	char uuid[16];
	lg_str text;			/* as wire_search prints it */
	bool present;
};

struct consumer {
	struct wire k;
	const char *base, *filter;
	struct copy copy[COPIES];
	size_t n;
	lg_str cookie;
	/* what has come */
	unsigned entries, deletes, named, cookies;
	bool refreshed, deletes_told;
	int ended;			/* code of the result, -1: none yet */
};

static struct world w;
static struct consumer a, b;

static void
begin_consumer(struct consumer *c)
{
	*c = (struct consumer){ .base = SUFFIX, .filter = "(objectClass=*)", .ended = -1 };
	wire_start(&c->k, &w);
}

static void
start(void)
{
	world_start(&w);
	world_people(&w);
	world_unview(&w);
	begin_consumer(&a);
	begin_consumer(&b);
}

static void
end(void)
{
	wire_end(&a.k);
	wire_end(&b.k);
	world_end(&w);
}

TestSuite(sync, .init = start, .fini = end);

/* ---- the consumer ------------------------------------------------------------------------------------------------------- */

static struct copy *
find(struct consumer *c, lg_str uuid)
{
	cr_assert_eq(uuid.n, 16);
	for (size_t i = 0; i < c->n; i++)
		if (memcmp(c->copy[i].uuid, uuid.p, 16) == 0)
			return &c->copy[i];
	return NULL;
}

static void
put(struct consumer *c, lg_str uuid, lg_str text)
{
	struct copy *at = find(c, uuid);

	if (at == NULL) {
		cr_assert_lt(c->n, (size_t)COPIES);
		at = &c->copy[c->n++];
		memcpy(at->uuid, uuid.p, 16);
	}
	at->text = text;
	at->present = true;
}

static void
drop(struct consumer *c, lg_str uuid)
{
	struct copy *at = find(c, uuid);

	if (at != NULL)
		*at = c->copy[--c->n];
}

static void
drop_missing(struct consumer *c)
{
	for (size_t i = 0; i < c->n;)
		if (c->copy[i].present)
			i++;
		else
			c->copy[i] = c->copy[--c->n];
}

static void
take_entry(struct consumer *c, struct answer *m)
{
	struct lg_ber control = lg_ber_of(m->controls), one = lg_ber_enter(&control, LG_BER_SEQUENCE), value;
	lg_str oid = lg_ber_str(&one, LG_BER_OCTETS), uuid, text;
	int64_t state;

	cr_assert(lg_str_eq(oid, LG_STR(LG_CONTROL_SYNC_STATE)));
	value = lg_ber_of(lg_ber_str(&one, LG_BER_OCTETS));
	one = lg_ber_enter(&value, LG_BER_SEQUENCE);
	state = lg_ber_int(&one, LG_BER_ENUMERATED);
	uuid = lg_ber_str(&one, LG_BER_OCTETS);
	text = wire_entry_text(&c->k, m);
	if (state == LG_SYNC_STATE_DELETE) {
		c->deletes++;
		drop(c, uuid);
	} else {
		c->entries++;
		put(c, uuid, text);
	}
}

static void
take_names(struct consumer *c, struct lg_ber *set)
{
	bool gone = lg_ber_peek(set) == LG_BER_BOOLEAN && lg_ber_bool(set, LG_BER_BOOLEAN);
	struct lg_ber uuids = lg_ber_enter(set, LG_BER_SET);

	cr_assert_leq(lg_ber_count(&uuids), (size_t)LG_SYNC_SET);
	while (lg_ber_more(&uuids)) {
		lg_str uuid = lg_ber_str(&uuids, LG_BER_OCTETS);
		struct copy *at = find(c, uuid);
		c->named++;
		if (gone)
			drop(c, uuid);
		else if (at != NULL)
			at->present = true;
	}
}

static void
take_info(struct consumer *c, struct answer *m)
{
	struct lg_ber b1 = lg_ber_of(m->value), in;
	int tag = lg_ber_peek(&b1);

	cr_assert(lg_str_eq(m->oid, LG_STR(LG_SYNC_INFO)));
	if (tag == LG_BER_CONTEXT(0)) {
		c->cookie = lg_dup(w.arena, lg_ber_str(&b1, tag));
		c->cookies++;
		return;
	}
	in = lg_ber_enter(&b1, tag);
	if (tag == LG_BER_CONTEXT_SET(3)) {
		take_names(c, &in);
		return;
	}
	c->cookie = lg_dup(w.arena, lg_ber_str(&in, LG_BER_OCTETS));
	c->refreshed = true;
	c->deletes_told = tag == LG_BER_CONTEXT_SET(1);
	if (tag == LG_BER_CONTEXT_SET(2))
		drop_missing(c);
}

static void
take_done(struct consumer *c, struct answer *m)
{
	struct lg_ber control = lg_ber_of(m->controls), one, value;

	c->ended = m->code;
	if (m->controls.n == 0)
		return;
	one = lg_ber_enter(&control, LG_BER_SEQUENCE);
	cr_assert(lg_str_eq(lg_ber_str(&one, LG_BER_OCTETS), LG_STR(LG_CONTROL_SYNC_DONE)));
	value = lg_ber_of(lg_ber_str(&one, LG_BER_OCTETS));
	one = lg_ber_enter(&value, LG_BER_SEQUENCE);
	c->cookie = lg_dup(w.arena, lg_ber_str(&one, LG_BER_OCTETS));
	c->deletes_told = lg_ber_peek(&one) == LG_BER_BOOLEAN && lg_ber_bool(&one, LG_BER_BOOLEAN);
	if (!c->deletes_told)
		drop_missing(c);
}

/* Takes all that has come or comes. */
static void
listen(struct consumer *c)
{
	struct answer m;

	world_unview(&w);
	lg_mailbox_drain(w.mailbox);	/* commits that were waited for have been posted */
	wire_pump(&c->k);
	while (wire_next(&c->k, &m)) {
		cr_assert_eq(m.id, 77);
		if (m.tag == 0x64)
			take_entry(c, &m);
		else if (m.tag == 0x79)
			take_info(c, &m);
		else if (m.tag == 0x65)
			take_done(c, &m);
		else
			cr_assert_fail("tag %x", (unsigned)m.tag);
	}
}

static void
ask(struct consumer *c, int mode)
{
	LG_AUTO(lg_buf_free) struct lg_buf v = LG_BUF(1024), all = LG_BUF(1024);
	struct lg_berw bw = lg_berw_of(&v), aw = lg_berw_of(&all);

	lg_berw_open(&bw, LG_BER_SEQUENCE);
	lg_berw_int(&bw, LG_BER_ENUMERATED, mode);
	if (c->cookie.n > 0)
		lg_berw_str(&bw, LG_BER_OCTETS, c->cookie);
	lg_berw_close(&bw);
	lg_berw_open(&aw, LG_BER_SEQUENCE);
	lg_berw_str(&aw, LG_BER_OCTETS, LG_STR(LG_CONTROL_SYNC));
	lg_berw_bool(&aw, LG_BER_BOOLEAN, true);
	lg_berw_str(&aw, LG_BER_OCTETS, lg_buf_view(&v));
	lg_berw_close(&aw);
	c->k.controls = lg_dup(w.arena, lg_buf_view(&all));
	for (size_t i = 0; i < c->n; i++)
		c->copy[i].present = false;
	c->entries = c->deletes = c->named = c->cookies = 0;
	c->refreshed = c->deletes_told = false;
	c->ended = -1;
	send_search(&c->k, 77, c->base, 2, c->filter, "* +", 0);
	listen(c);
}

static int
by_text(const void *x, const void *y)
{
	return lg_str_cmp(*(const lg_str *)x, *(const lg_str *)y);
}

/* What it has, and what a consumer without a past is given. */
static void
same(struct consumer *c)
{
	static struct consumer fresh;
	lg_str have[COPIES], want[COPIES];

	fresh = (struct consumer){ .base = c->base, .filter = c->filter };
	wire_start(&fresh.k, &w);
	fresh.k.l->o = c->k.l->o;
	if (c->k.c->actor.kind == LG_ACTOR_ENTRY)
		cr_assert_eq(wire_bind(&fresh.k, ALICE, "secret"), 0);
	ask(&fresh, REFRESH);
	cr_assert_eq(fresh.ended, 0);
	wire_end(&fresh.k);
	cr_assert_eq(c->n, fresh.n, "%zu entries, not %zu", c->n, fresh.n);
	for (size_t i = 0; i < c->n; i++) {
		have[i] = c->copy[i].text;
		want[i] = fresh.copy[i].text;
	}
	qsort(have, c->n, sizeof *have, by_text);
	qsort(want, c->n, sizeof *want, by_text);
	for (size_t i = 0; i < c->n; i++)
		cr_assert(lg_str_eq(have[i], want[i]), "'%.*s', not '%.*s'", LG_FMT(have[i]), LG_FMT(want[i]));
}

/* ---- refresh ---------------------------------------------------------------------------------------------------------------- */

Test(sync, the_first_refresh_gives_all_and_the_next_only_what_changed)
{
	ask(&a, REFRESH);
	cr_assert(a.ended == 0 && !a.deletes_told && a.n == 14, "%d, %zu", a.ended, a.n);
	ask(&a, REFRESH);
	cr_assert(a.ended == 0 && a.deletes_told && a.entries == 0 && a.named == 0 && a.n == 14);
	assert_result(&w, 0, world_modify(&w, ALICE, "replace: sn\nsn: New"));
	assert_result(&w, 0, world_delete(&w, BOB));
	ask(&a, REFRESH);
	cr_assert(a.deletes_told && a.entries == 2 && a.named == 1, "alice and the group that held bob: %u, %u", a.entries, a.named);
	same(&a);
}

Test(sync, the_cookie_is_one_that_openldap_keeps)
{
	ask(&a, REFRESH);
	cr_assert(lg_str_starts(a.cookie, LG_STR("rid=000,csn=2")) && a.cookie.n == 12 + LG_CSN_TEXT);
	a.cookie = lg_print(w.arena, "rid=007,%.*s", LG_FMT(lg_str_sub(a.cookie, 8, 100)));
	ask(&a, REFRESH);
	cr_assert(lg_str_starts(a.cookie, LG_STR("rid=007,csn=2")) && a.deletes_told);
}

Test(sync, neither_passwords_nor_what_others_decide_is_content)
{
	ask(&a, REFRESH);
	for (size_t i = 0; i < a.n; i++) {
		cr_assert_null(memmem(a.copy[i].text.p, a.copy[i].text.n, "userPassword", 12));
		cr_assert_null(memmem(a.copy[i].text.p, a.copy[i].text.n, "memberOf", 8));
		cr_assert_not_null(memmem(a.copy[i].text.p, a.copy[i].text.n, "entryCSN", 8));
	}
}

static void
all_again(const char *cookie)
{
	a.cookie = lg_str_of(cookie);
	ask(&a, REFRESH);
	cr_assert(a.ended == 0 && !a.deletes_told && a.entries == 14, "'%s': %d, %u", cookie, a.ended, a.entries);
	same(&a);
}

Test(sync, made_up_cookies_get_all_of_the_content)
{
	char *forged;

	ask(&a, REFRESH);
	forged = (char *)(uintptr_t)lg_dup(w.arena, a.cookie).p;
	forged[strlen(forged) - 1] = forged[strlen(forged) - 1] == '0' ? '1' : '0';
	all_again(forged);
	all_again("rid=001,csn=20200101000000.000000Z#000000#000#000000");
	all_again("rid=001,csn=29990101000000.000000Z#000000#000#000000");
	all_again("rid=001,csn=20201301000000.000000Z#000000#000#000000");
	all_again("rid=001");
	all_again("csn=,csn=,,,=;;;");
	all_again("\x01\x02\xff");
}

Test(sync, a_cookie_is_for_one_request_and_one_asker)
{
	lg_str cookie;

	ask(&a, REFRESH);
	cookie = a.cookie;
	a.base = PEOPLE;
	ask(&a, REFRESH);
	cr_assert(!a.deletes_told && a.n == 3);
	a.base = SUFFIX;
	a.cookie = cookie;
	cr_assert_eq(wire_bind(&a.k, ALICE, "secret"), 0);
	ask(&a, REFRESH);
	cr_assert(!a.deletes_told && a.entries == 14);
	ask(&a, REFRESH);
	cr_assert(a.deletes_told && a.entries == 0);
	assert_ok(&w, world_member(&w, ADMINS, ALICE, true));
	ask(&a, REFRESH);
	cr_assert(!a.deletes_told && a.entries == 14, "another group may mean other rights");
	w.policy++;
	ask(&a, REFRESH);
	cr_assert(!a.deletes_told && a.entries == 14);
}

Test(sync, what_leaves_the_filter_or_the_base_is_named)
{
	a.filter = "(sn=*)";
	a.base = PEOPLE;
	ask(&a, REFRESH);
	cr_assert_eq(a.n, 2);
	assert_result(&w, 0, world_rename(&w, ALICE, "uid=alice", false, "ou=services," SUFFIX));
	ask(&a, REFRESH);
	cr_assert(a.deletes_told && a.n == 1);
	same(&a);
	assert_result(&w, 0, world_rename(&w, "uid=alice,ou=services," SUFFIX, "uid=al", true, PEOPLE));
	ask(&a, REFRESH);
	cr_assert(a.n == 2);
	same(&a);
}

static lg_err
rename_many(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	struct lg_edit ed = lg_edit_of(w.dirp, v, 1);
	struct lg_entry e;

	for (int i = 0; i < *(int *)arg; i++) {
		LG_TRY(lg_entry_by_name(cx, v, 1, LG_TYPE_SERVICE, i % 2 == 0 ? LG_STR("s0") : LG_STR("s1"), &e));
		LG_TRY(lg_entry_rename(cx, &ed, &e, i % 2 == 0 ? LG_STR("cn=s1") : LG_STR("cn=s0"), true, NULL));
	}
	return LG_OK;
}

/* Each leaves a mark. */
static void
forget_by_renaming(int n)
{
	assert_ok(&w, lg_store_apply(&w.cx, w.store, 1, "test", rename_many, &n, NULL));
}

Test(sync, deletions_that_are_forgotten_cost_a_present_phase)
{
	struct lg_entry e;

	assert_ok(&w, world_create(&w, LG_TYPE_SERVICE, "s0", "", &e));
	ask(&a, REFRESH);
	assert_result(&w, 0, world_delete(&w, BOB));
	world_unview(&w);
	for (int i = 0; i <= LG_GONE_MAX / 500; i++)
		forget_by_renaming(500);
	ask(&a, REFRESH);
	cr_assert(a.ended == 0 && !a.deletes_told && a.named > 5 && a.entries < 8, "%u named, %u sent", a.named, a.entries);
	same(&a);
}

Test(sync, a_tree_that_moves_is_read_anew)
{
	ask(&a, REFRESH);
	assert_result(&w, 0, world_rename(&w, PEOPLE, "ou=folk", true, ""));
	ask(&a, REFRESH);
	cr_assert(!a.deletes_told && a.entries == 14);
	same(&a);
	ask(&a, REFRESH);
	cr_assert(a.deletes_told && a.entries == 0);
}

/* ---- persist ------------------------------------------------------------------------------------------------------------------ */

Test(sync, so_many_stay_on_a_loop_and_the_next_is_told_to_come_later)
{
	a.k.l->nsyncs = LG_SYNC_PERSISTS - 1;		/* those of other connections */
	ask(&a, PERSIST);
	cr_assert_eq(a.ended, -1);
	wire_reconnect(&a.k);
	cr_assert_eq(a.k.l->nsyncs, (size_t)LG_SYNC_PERSISTS - 1, "whoever goes makes room");
	a.k.l->nsyncs++;
	a.cookie = LG_NONE;
	ask(&a, PERSIST);
	cr_assert(a.ended == 51 && !a.refreshed, "busy: %d", a.ended);
	a.k.l->nsyncs = 0;
	ask(&a, PERSIST);
	cr_assert(a.ended == -1 && a.refreshed);
}

Test(sync, who_stays_is_told_of_changes_as_they_are_committed)
{
	unsigned woken;

	ask(&a, PERSIST);
	cr_assert(a.ended == -1 && a.refreshed && a.n == 14);
	woken = a.k.woken;
	assert_result(&w, 0, world_modify(&w, ALICE, "replace: sn\nsn: New"));
	world_drain(&w);
	cr_assert_gt(a.k.woken, woken);
	listen(&a);
	cr_assert(a.entries == 15 && a.cookies == 1);
	assert_result(&w, 0, world_delete(&w, BOB));
	listen(&a);
	cr_assert(a.deletes == 1);
	same(&a);
	/* and goes on from where it was */
	wire_reconnect(&a.k);
	assert_result(&w, 0, world_modify(&w, ALICE, "replace: sn\nsn: Newer"));
	ask(&a, PERSIST);
	cr_assert(a.refreshed && a.deletes_told && a.entries == 1);
	same(&a);
}

Test(sync, it_ends_by_abandon_and_by_a_bind)
{
	ask(&a, PERSIST);
	cr_assert_eq(a.k.l->nsyncs, 1);
	send_abandon(&a.k, 78, 77);
	wire_pump(&a.k);
	cr_assert_eq(a.k.l->nsyncs, 0);
	assert_result(&w, 0, world_delete(&w, BOB));
	world_drain(&w);
	wire_run(&a.k);
	wire_quiet(&a.k);
	ask(&a, PERSIST);
	cr_assert_eq(wire_bind(&a.k, ALICE, "secret"), 0);
	cr_assert_eq(a.k.l->nsyncs, 0);
}

Test(sync, a_new_policy_or_membership_ends_it)
{
	cr_assert_eq(wire_bind(&a.k, ALICE, "secret"), 0);
	ask(&a, PERSIST);
	w.policy++;
	assert_result(&w, 0, world_modify(&w, BOB, "replace: sn\nsn: New"));
	listen(&a);
	cr_assert_eq(a.ended, 4096);
	ask(&a, PERSIST);
	cr_assert(!a.deletes_told && a.entries == 14);
	assert_ok(&w, world_member(&w, ADMINS, ALICE, true));
	listen(&a);
	cr_assert_eq(a.ended, 4096);
}

Test(sync, what_may_not_be_seen_is_not_told)
{
	w.deny[w.ndeny++] = (struct denial){ .action = "entry:disclose", .dn = BOB };
	w.policy++;
	ask(&a, PERSIST);
	cr_assert_eq(a.n, 13);
	assert_result(&w, 0, world_modify(&w, BOB, "replace: sn\nsn: New"));
	listen(&a);
	cr_assert(a.entries == 13 && a.deletes == 0);
	assert_result(&w, 0, world_delete(&w, BOB));
	listen(&a);
	cr_assert(a.deletes == 0 && a.entries == 14, "of the group alone: %u", a.entries);
}

Test(sync, a_consumer_that_does_not_read_costs_no_memory)
{
	size_t used;

	ask(&a, PERSIST);
	for (int i = 0; i < 40; i++) {
		assert_result(&w, 0, world_modify(&w, ALICE, lg_print(w.arena, "replace: description\ndescription: %0100000d", i).p));
		world_drain(&w);
		lg_ldap_run(a.k.c);		/* and nothing is sent */
	}
	used = lg_ldap_output(a.k.c).n;
	cr_assert(used >= LG_LDAP_UNSENT && used < 2 * LG_LDAP_UNSENT, "%zu", used);
	listen(&a);
	same(&a);
}

Test(sync, it_is_neither_paged_nor_sorted_and_its_mode_is_known)
{
	a.k.controls = LG_STR("\x30\x28\x04\x18" "1.3.6.1.4.1.4203.1.9.1.1" "\x01\x01\xff\x04\x09\x30\x07\x0a\x01\x02\x01\x01\xff\x05\x00");
	send_search(&a.k, 77, SUFFIX, 2, "(objectClass=*)", "*", 0);
	wire_pump(&a.k);
	wire_expect(&a.k, 77, 0x65, 2);
}

/* ---- at random ------------------------------------------------------------------------------------------------------------------ */

static unsigned seed = 1;

static unsigned
any(unsigned n)
{
	seed = seed * 1103515245 + 12345;
	return (seed >> 16) % n;
}

static const char *
person(unsigned i)
{
	return lg_print(w.arena, "uid=p%u," PEOPLE, i).p;
}

static int
something(void)
{
	const char *dn = person(any(12)), *other = person(any(12));

	switch (any(7)) {
	case 0:
	case 1:
		return world_add(&w, dn, lg_print(w.arena, "objectClass: inetOrgPerson\nsn: %u\ncn: x\nuid: %.*s", any(9),
		    LG_FMT(lg_str_sub(lg_str_of(dn), 4, strcspn(dn, ",") - 4))).p);
	case 2:
		return world_modify(&w, dn, lg_print(w.arena, "replace: sn\nsn: %u", any(9)).p);
	case 3:
		return world_delete(&w, dn);
	case 4:
		return world_rename(&w, dn, lg_print(w.arena, "uid=p%u", any(12)).p, true, any(2) == 0 ? "ou=services," SUFFIX : "");
	case 5:
		return world_rename(&w, lg_print(w.arena, "uid=p%u,ou=services," SUFFIX, any(12)).p, lg_print(w.arena, "uid=p%u", any(12)).p,
		    true, PEOPLE);
	default:
		return world_modify(&w, STAFF, lg_print(w.arena, "%s: member\nmember: %s", any(2) == 0 ? "add" : "delete", other).p);
	}
}

Test(sync, copies_follow_whatever_happens)
{
	unsigned happened = 0;

	a.filter = "(|(sn=1)(sn=2)(sn=3)(objectClass=lgGroup))";
	b.base = PEOPLE;
	ask(&a, PERSIST);
	ask(&b, REFRESH);
	for (int i = 0; i < 300; i++) {
		happened += something() == 0;
		world_unview(&w);
		if (any(3) == 0)
			listen(&a);
		if (any(20) == 0) {
			wire_reconnect(&a.k);
			ask(&a, PERSIST);
		}
		if (any(10) == 0) {
			ask(&b, REFRESH);
			same(&b);
		}
		if (any(25) == 0) {
			listen(&a);
			same(&a);
		}
	}
	cr_assert_gt(happened, 60, "%u", happened);
	listen(&a);
	same(&a);
}
