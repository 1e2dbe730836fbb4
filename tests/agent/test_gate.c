/* test_gate.c: ranges, what a table says, and the headers of packets that are asked about. */
#include "agent/gate/queue.h"
#include "agent/gate/table.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "tests/base/base_test.h"

static struct lg_address
address(const char *text)
{
	struct lg_address at = { .family = strchr(text, ':') != NULL ? AF_INET6 : AF_INET };

	cr_assert_eq(inet_pton(at.family, text, at.a), 1, "%s", text);
	return at;
}

Test(gate_range, ranges_have_nothing_behind_their_length)
{
	static const char *const bad[] = { "10.77.0.1/16", "10.77.0.0", "10.77.0.0/33", "10.77.0.0/-1", "10.77/16", "fd77::1/64", "fd77::/129", "/8",
		"x/8", "10.77.0.0/16x", "10.77.0.0/" };
	static const char *const good[] = { "10.77.0.0/16", "0.0.0.0/0", "10.77.3.4/32", "fd77::/64", "::/0", "fd77::1/128", "10.77.3.128/25" };
	TEST_CTX(cx);
	struct lg_range r;

	for (size_t i = 0; i < LG_COUNT(bad); i++)
		cr_assert_eq(lg_range_parse(cx, lg_str_of(bad[i]), &r), LG_E_INVALID, "%s", bad[i]);
	for (size_t i = 0; i < LG_COUNT(good); i++)
		cr_assert_eq(lg_range_parse(cx, lg_str_of(good[i]), &r), LG_OK, "%s: %s", good[i], cx->error);
}

Test(gate_range, a_range_holds_what_begins_like_it)
{
	static const struct {
		const char *range, *at;
		bool holds;
	} cases[] = {
		{ "10.77.0.0/16", "10.77.255.255", true }, { "10.77.0.0/16", "10.78.0.0", false }, { "10.77.3.128/25", "10.77.3.127", false },
		{ "10.77.3.128/25", "10.77.3.200", true }, { "10.77.3.4/32", "10.77.3.4", true }, { "10.77.3.4/32", "10.77.3.5", false },
		{ "0.0.0.0/0", "1.2.3.4", true }, { "0.0.0.0/0", "::1", false }, { "fd77::/64", "fd77::ffff:1", true }, { "fd77::/64", "fd77:0:0:1::", false },
	};
	TEST_CTX(cx);
	struct lg_range r;

	for (size_t i = 0; i < LG_COUNT(cases); i++) {
		struct lg_address at = address(cases[i].at);
		cr_assert_eq(lg_range_parse(cx, lg_str_of(cases[i].range), &r), LG_OK);
		cr_assert_eq(lg_range_holds(&r, &at), cases[i].holds, "%s %s", cases[i].range, cases[i].at);
	}
}

/* Two containers of one workload each, and one that took the address of another. */
struct world {
	struct lg_place v[4];
	struct lg_places ps;
	struct lg_range range[2];
};

static void
make(struct lg_ctx *cx, struct world *w)
{
	static const struct {
		const char *container, *workload, *at[2];
	} all[] = {
		{ "c1", "web", { "10.77.0.2", "fd77::2" } }, { "c2", "db", { "10.77.0.3", "fd77::3" } },
		{ "c3", "thief", { "10.77.0.4", "10.77.0.3" } }, { "c4", "outside", { "192.0.2.1", NULL } },
	};

	*w = (struct world){ .ps = { .v = w->v, .n = LG_COUNT(all), .own = -1 } };
	for (size_t i = 0; i < LG_COUNT(all); i++) {
		struct lg_place *p = &w->v[i];
		strcpy(p->container, all[i].container);
		strcpy(p->workload, all[i].workload);
		for (size_t k = 0; k < 2 && all[i].at[k] != NULL; k++)
			p->address[p->naddress++] = address(all[i].at[k]);
	}
	cr_assert_eq(lg_range_parse(cx, LG_STR("10.77.0.0/24"), &w->range[0]), LG_OK);
	cr_assert_eq(lg_range_parse(cx, LG_STR("fd77::/64"), &w->range[1]), LG_OK);
}

static enum lg_gate_says
ask(const struct lg_gate_table *t, const char *from, const char *to)
{
	struct lg_address f = address(from), d = address(to);
	lg_str source, destination;

	return lg_gate_table_ask(t, &f, &d, IPPROTO_TCP, 80, &source, &destination);
}

Test(gate_table, what_is_nobodys_and_what_two_claim_is_refused_without_any_policy)
{
	TEST_CTX(cx);
	struct world w;
	struct lg_gate_table *t;

	make(cx, &w);
	cr_assert_eq(lg_gate_table_make(cx, NULL, &w.ps, w.range, 2, &t), LG_OK);
	cr_assert_eq(ask(t, "10.77.0.2", "10.77.0.3"), LG_GATE_DENY, "no policies");
	cr_assert_eq(ask(t, "10.77.0.9", "198.51.100.1"), LG_GATE_DENY, "nobody's address, to elsewhere");
	cr_assert_eq(ask(t, "198.51.100.1", "10.77.0.9"), LG_GATE_DENY, "to nobody's");
	cr_assert_eq(ask(t, "10.77.0.3", "198.51.100.1"), LG_GATE_DENY, "two claim it");
	cr_assert_eq(ask(t, "10.77.0.2", "198.51.100.1"), LG_GATE_FOREIGN, "one end elsewhere");
	cr_assert_eq(ask(t, "198.51.100.1", "fd77::2"), LG_GATE_FOREIGN);
	cr_assert_eq(ask(t, "198.51.100.1", "192.0.2.1"), LG_GATE_FOREIGN, "not guarded");
	lg_gate_table_free(&t);
}

Test(gate_write, addresses_that_are_somebodys_are_known_and_no_others)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(1 << 20);
	TEST_CTX(cx);
	struct world w;
	struct lg_gate_table *t;

	make(cx, &w);
	strcpy(w.v[0].link[w.v[0].nlink++], "veth1");
	cr_assert_eq(lg_gate_table_make(cx, NULL, &w.ps, w.range, 2, &t), LG_OK);
	lg_gate_write_table(t, &b);
	lg_gate_write_links(&w.ps, &b);
	lg_buf_byte(&b, '\0');
	cr_assert(strstr(b.p, "known4 {10.77.0.2,10.77.0.4,192.0.2.1 }") != NULL, "%s", b.p);
	cr_assert(strstr(b.p, "known6 {fd77::2,fd77::3 }") != NULL, "%s", b.p);
	cr_assert(strstr(b.p, "device \"veth1\"") != NULL && strstr(b.p, "ip saddr != { 0.0.0.0, 10.77.0.2 } counter drop") != NULL, "%s", b.p);
	lg_gate_table_free(&t);
}

/* ---- packets --------------------------------------------------------------------------------------------------- */

#define V4(frag, proto) 0x45, 0, 0, 40, 0, 0, (frag) >> 8, (frag) & 255, 64, proto, 0, 0, 10, 77, 0, 2, 10, 77, 0, 3

Test(gate_queue, a_first_packet_is_read)
{
	static const uint8_t tcp[] = { V4(0x4000, 6), 0x9c, 0x40, 0x15, 0x38, 0, 0, 0, 0 };
	static const uint8_t options[] = { 0x46, 0, 0, 44, 0, 0, 0, 0, 64, 17, 0, 0, 10, 77, 0, 2, 10, 77, 0, 3, 1, 1, 1, 0, 0x9c, 0x40, 0, 53 };
	static const uint8_t six[] = { 0x60, 0, 0, 0, 0, 16, 0, 64, 0xfd, 0x77, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0xfd, 0x77, 0, 0, 0, 0, 0, 0, 0, 0, 0,
		0, 0, 0, 0, 3, 6, 0, 1, 4, 0, 0, 0, 0, 0x9c, 0x40, 0x15, 0x38 };
	struct lg_address db = address("10.77.0.3"), db6 = address("fd77::3");
	struct lg_queue_packet p;

	cr_assert(lg_queue_parse(tcp, sizeof tcp, &p));
	cr_assert(p.protocol == 6 && p.port == 5432 && memcmp(&p.to, &db, sizeof db) == 0);
	cr_assert(lg_queue_parse(options, sizeof options, &p));
	cr_assert(p.protocol == 17 && p.port == 53);
	cr_assert(lg_queue_parse(six, sizeof six, &p));
	cr_assert(p.protocol == 6 && p.port == 5432 && memcmp(&p.to, &db6, sizeof db6) == 0);
}

Test(gate_queue, what_is_cut_short_or_a_fragment_is_not_read)
{
	static const uint8_t tcp[] = { V4(0, 6), 0x9c, 0x40, 0x15, 0x38 }, first[] = { V4(0x2000, 6), 0x9c, 0x40, 0x15, 0x38 },
	    later[] = { V4(0x0010, 6), 0x9c, 0x40, 0x15, 0x38 }, sctp[] = { V4(0, 132), 0x9c, 0x40, 0x15, 0x38 }, five[] = { 0x55, 0, 0, 0 };
	struct lg_queue_packet p;

	for (size_t n = 0; n < sizeof tcp; n++)
		cr_assert(!lg_queue_parse(tcp, n, &p), "%zu octets", n);
	cr_assert(!lg_queue_parse(first, sizeof first, &p), "the first fragment");
	cr_assert(!lg_queue_parse(later, sizeof later, &p), "a later one");
	cr_assert(!lg_queue_parse(sctp, sizeof sctp, &p), "a protocol without a word in policies");
	cr_assert(!lg_queue_parse(five, sizeof five, &p), "another version");
}
