/* test_gate.c: ranges, what a table says, and the headers of packets that are asked about. */
#include "agent/gate/elements.h"
#include "agent/gate/inside.h"
#include "agent/gate/nft.h"
#include "agent/gate/queue.h"
#include "agent/gate/table.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
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

/* A pod of two containers, a container of another workload, and one that took that one's address. */
struct world {
	struct lg_place v[5];
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
		{ "c5", "web", { "10.77.0.2", "fd77::2" } },
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

Test(gate_table, whoevers_certificate_is_revoked_is_nobody_and_so_is_who_shares_the_address)
{
	TEST_CTX(cx);
	struct world w;
	struct lg_gate_table *t;

	make(cx, &w);
	cr_assert_eq(lg_gate_table_make(cx, NULL, &w.ps, w.range, 2, &t), LG_OK);
	cr_assert_eq(ask(t, "198.51.100.1", "fd77::2"), LG_GATE_FOREIGN);
	lg_gate_table_free(&t);
	for (size_t i = 0; i < 5; i += 4) {			/* either of the pod's */
		w.v[i].nobody = true;
		cr_assert_eq(lg_gate_table_make(cx, NULL, &w.ps, w.range, 2, &t), LG_OK);
		cr_assert_eq(ask(t, "198.51.100.1", "fd77::2"), LG_GATE_DENY);
		cr_assert_eq(ask(t, "10.77.0.2", "198.51.100.1"), LG_GATE_DENY);
		cr_assert_eq(ask(t, "fd77::3", "198.51.100.1"), LG_GATE_FOREIGN, "others are as before");
		lg_gate_table_free(&t);
		w.v[i].nobody = false;
	}
}

/* ---- the kernel's table, in a network namespace of the test's own ------------------------------------------------ */

static bool
own_filter(struct lg_ctx *cx, const struct world *w, struct lg_batch **ret)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(LG_GATE_TEXT);

	if (geteuid() != 0 || system("command -v nft >/dev/null") != 0) {
		printf("SKIP the kernel's table: needs root and nft\n");
		cr_skip_test("needs root and nft");
	}
	if (unshare(CLONE_NEWNET) != 0)
		return false;
	lg_gate_write_frame(&b);
	lg_gate_write_ranges(w->range, 2, &b);
	lg_buf_byte(&b, '\0');
	return !b.full && lg_nft_run(cx, b.p) == LG_OK && lg_batch_open(cx, ret) == LG_OK;
}

/* What nft(8) lists of it, on one line, without what is left of times; NULL: nothing. */
static void
holds(const char *set, const char *elements)
{
	char command[400], *p = command;

	p += sprintf(p, "got=$(nft -n list %s | sed 's/ expires [0-9a-z]*//g' | tr -s ' \\t\\n' ' '); case $got in ", set);
	if (elements == NULL)
		sprintf(p, "*elements*) echo \"$got\"; exit 1;; esac");
	else
		sprintf(p, "*'elements = %s'*) ;; *) echo \"$got\"; exit 1;; esac", elements);
	cr_expect_eq(system(command), 0, "%s %s", set, elements);
}

Test(gate_elements, addresses_that_are_somebodys_are_known_and_no_others)
{
	TEST_CTX(cx);
	struct world w;
	struct lg_gate_table *t;
	struct lg_batch *b;

	make(cx, &w);
	w.v[0].link[w.v[0].nlink++] = 7;
	w.v[3].link[w.v[3].nlink++] = 8;
	cr_assert_eq(lg_gate_table_make(cx, NULL, &w.ps, w.range, 2, &t), LG_OK);
	struct lg_gate_elements none = { .n = 0 }, all = lg_gate_elements_of(t, &w.ps, cx->arena);
	cr_assert(own_filter(cx, &w, &b));
	cr_expect_eq(lg_gate_write_change(&none, &all, b).new, 11);
	cr_assert_eq(lg_batch_run(cx, b), LG_OK, "%s", cx->error);
	holds("set inet lightgate known4", "{ 10.77.0.2, 10.77.0.4, 192.0.2.1 }");
	holds("set inet lightgate known6", "{ fd77::2, fd77::3 }");
	holds("set inet lightgate links", "{ 7, 8 }");
	holds("set inet lightgate own4", "{ 7 . 10.77.0.2 }");		/* what is not guarded is nobody's to send from */
	holds("set inet lightgate own6", "{ 7 . fd77::2 }");
	holds("set bridge lightgate links", "{ 7, 8 }");
	holds("set bridge lightgate own4", "{ 7 . 10.77.0.2 }");
	holds("set bridge lightgate own6", "{ 7 . fd77::2 }");
	holds("set bridge lightgate told6", "{ 7 . 0xfd770000000000000000000000000002 }");
	holds("set bridge lightgate here4", "{ 10.77.0.2 }");
	holds("set bridge lightgate here6", "{ fd77::2 }");
	holds("set bridge lightgate heard6", "{ 0xfd770000000000000000000000000002 }");
	lg_batch_close(&b);
	lg_gate_table_free(&t);
}

static struct lg_gate_elements
rows_as_elements(struct lg_ctx *cx, struct world *w, struct lg_connect_row *rows, size_t n)
{
	struct lg_gate_table *t;
	uint32_t *index = LG_NEWS(cx->arena, uint32_t, 8);

	cr_assert_eq(lg_gate_table_make(cx, NULL, &w->ps, w->range, 2, &t), LG_OK);
	for (uint32_t i = 0; i < t->nnamed; i++)
		index[i] = i;
	t->index = index;
	t->rows = (struct lg_connect_table){ .v = rows, .n = n };
	struct lg_gate_elements all = lg_gate_elements_of(t, &w->ps, cx->arena);
	lg_gate_table_free(&t);
	return all;
}

Test(gate_elements, a_change_says_what_is_different_and_nothing_else)
{
	struct lg_connect_row rows[] = {
		{ .source = 0, .destination = 2, .first = 5432, .last = 5432, .protocols = 1 },
		{ .source = 0, .destination = 2, .first = 6000, .last = 6010, .protocols = 1 },
		{ .source = 2, .destination = 0, .last = 65535, .protocols = 7 },
		{ .source = 3, .destination = 1, .last = 65535, .protocols = 4, .ask = true },
	};
	struct lg_gate_elements none = { .n = 0 };
	TEST_CTX(cx);
	struct lg_batch *b;
	struct world w;

	make(cx, &w);
	w.ps.n = 2;			/* web and db, with two addresses each */
	struct lg_gate_elements before = rows_as_elements(cx, &w, rows, 4);
	cr_assert(own_filter(cx, &w, &b));
	struct lg_gate_change c = lg_gate_write_change(&before, &before, b);
	cr_expect(c.gone == 0 && c.new == 0);
	cr_expect_eq(lg_batch_octets(b), 0);
	(void)lg_gate_write_change(&none, &before, b);
	cr_assert_eq(lg_batch_run(cx, b), LG_OK, "%s", cx->error);
	holds("map inet lightgate pairs4", "{ 10.77.0.3 . 10.77.0.2 : accept }");
	holds("map inet lightgate protocols6", "{ fd77::3 . fd77::2 . 58 : goto ask }");
	holds("map inet lightgate ports4", "{ 10.77.0.2 . 10.77.0.3 . 6 . 5432 : accept }");
	holds("map inet lightgate ranges4", "{ 10.77.0.2 . 10.77.0.3 . 6 . 6000-6010 : accept }");

	rows[0].ask = true;
	rows[1].last = 6011;
	struct lg_gate_elements after = rows_as_elements(cx, &w, rows, 3);
	c = lg_gate_write_change(&before, &after, b);
	cr_expect(c.gone == 3 && c.new == 2);
	cr_assert_eq(lg_batch_run(cx, b), LG_OK, "%s", cx->error);
	holds("map inet lightgate pairs4", "{ 10.77.0.3 . 10.77.0.2 : accept }");
	holds("map inet lightgate protocols6", NULL);
	holds("map inet lightgate ports4", "{ 10.77.0.2 . 10.77.0.3 . 6 . 5432 : goto ask }");
	holds("map inet lightgate ranges4", "{ 10.77.0.2 . 10.77.0.3 . 6 . 6000-6011 : accept }");
	lg_batch_close(&b);
}

Test(gate_elements, a_transaction_is_done_whole_or_not_at_all)
{
	TEST_CTX(cx);
	struct lg_batch *b;
	struct world w;

	make(cx, &w);
	w.ps.n = 2;
	struct lg_connect_row row = { .source = 0, .destination = 2, .first = 1, .last = 1, .protocols = 1 };
	struct lg_gate_elements one = rows_as_elements(cx, &w, &row, 1), none = { .n = 0 };
	cr_assert(own_filter(cx, &w, &b));
	lg_gate_put_generation(7, b);
	(void)lg_gate_write_change(&one, &none, b);		/* what is not there cannot be taken out */
	cr_expect_eq(lg_batch_run(cx, b), LG_E_IO);
	holds("set inet lightgate generation", NULL);
	lg_gate_put_generation(8, b);
	cr_expect_eq(lg_batch_run(cx, b), LG_OK, "%s", cx->error);
	holds("set inet lightgate generation", "{ 0x00000008 }");
	cr_expect_eq(lg_batch_run(cx, b), LG_OK, "an empty one");
	lg_batch_close(&b);
}

Test(gate_elements, many_take_several_messages_and_one_transaction)
{
	enum { MANY = 5000 };		/* of some 100 octets each: a message has room for 600 */
	struct lg_gate_elements all = { .n = MANY }, none = { .n = 0 };
	TEST_CTX(cx);
	struct lg_batch *b;
	struct world w;

	make(cx, &w);
	all.v = LG_NEWS(cx->arena, struct lg_gate_element, MANY);
	for (unsigned i = 0; i < MANY; i++)
		all.v[i] = (struct lg_gate_element){ .set = LG_GATE_PORTS, .six = 1, .protocol = 6, .first = 80, .last = 80,
		    .from = { 0xfd, 0x77, [14] = (uint8_t)(i >> 8), (uint8_t)i }, .to = { 0xfd, 0x77, [15] = 1 } };
	cr_assert(own_filter(cx, &w, &b));
	cr_expect_eq(lg_gate_write_change(&none, &all, b).new, MANY);
	cr_assert_eq(lg_batch_run(cx, b), LG_OK, "%s", cx->error);
	cr_expect_eq(system("test $(nft -n list map inet lightgate ports6 | grep -o accept | wc -l) = 5000"), 0);
	cr_expect_eq(lg_gate_write_change(&all, &none, b).gone, MANY);
	cr_assert_eq(lg_batch_run(cx, b), LG_OK, "%s", cx->error);
	holds("map inet lightgate ports6", NULL);
	lg_batch_close(&b);
}

Test(gate_elements, what_has_a_time_ends_by_itself)
{
	struct lg_queue_packet p = { .from = address("fd77::2"), .to = address("fd77::3"), .protocol = 6, .port = 5433 };
	TEST_CTX(cx);
	const struct lg_queue_packet echo = { .from = address("10.77.0.2"), .to = address("10.77.0.3"), .protocol = IPPROTO_ICMP },
	    nowhere = { .from = address("10.77.0.2"), .to = address("10.77.0.3"), .protocol = IPPROTO_TCP };
	struct lg_batch *b;
	struct world w;

	make(cx, &w);
	cr_assert(own_filter(cx, &w, &b));
	lg_gate_put_alive(59 * LG_SECOND, b);
	lg_gate_put_learned(&p, 10, b);
	lg_gate_put_learned(&echo, 10, b);
	lg_gate_put_learned(&nowhere, 10, b);
	cr_assert_eq(lg_batch_run(cx, b), LG_OK, "%s", cx->error);
	holds("set inet lightgate alive", "{ 2 timeout 59s, 10 timeout 59s }");
	holds("set inet lightgate open", "{ 0x2 timeout 59s }");
	holds("set inet lightgate learned6", "{ fd77::2 . fd77::3 . 6 . 5433 timeout 10s }");
	holds("set inet lightgate learned4", NULL);
	holds("set inet lightgate echoes4", "{ 10.77.0.2 . 10.77.0.3 . 1 timeout 10s }");
	lg_gate_put_alive(1000, b);
	lg_gate_forget_learned(b);
	cr_assert_eq(lg_batch_run(cx, b), LG_OK, "%s", cx->error);
	holds("set inet lightgate learned6", NULL);
	holds("set inet lightgate echoes4", NULL);
	while (system("nft list set inet lightgate alive | grep -q expires || nft list set inet lightgate open | grep -q expires") == 0)
		;
	lg_batch_close(&b);
}

Test(gate_events, only_what_others_take_away_is_told)
{
	TEST_CTX(cx);
	struct lg_batch *b;
	struct world w;

	make(cx, &w);
	cr_assert(own_filter(cx, &w, &b));
	const uint32_t ours[] = { lg_batch_port(b) };
	struct pollfd fd = { .fd = lg_nft_events(ours, 1), .events = POLLIN };
	lg_gate_put_generation(7, b);
	lg_gate_forget_learned(b);
	cr_assert_eq(lg_batch_run(cx, b), LG_OK, "%s", cx->error);
	cr_expect_eq(poll(&fd, 1, 0), 0, "our own");
	cr_assert_eq(lg_nft_run(cx, "add table inet other\ndelete table inet other\n"), LG_OK, "%s", cx->error);
	cr_expect_eq(poll(&fd, 1, 0), 1);
	cr_expect(!lg_nft_lost(cx, fd.fd), "another's table");
	cr_assert_eq(lg_nft_run(cx, "flush chain inet lightgate forward\n"), LG_OK, "%s", cx->error);
	cr_expect(lg_nft_lost(cx, fd.fd), "a part of ours");
	cr_expect(!lg_nft_lost(cx, fd.fd), "once");
	cr_expect_eq(lg_nft_run(cx, "flush chain inet lightgate nowhere\n"), LG_E_IO);
	close(fd.fd);
	lg_batch_close(&b);
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

struct answers {
	atomic_uint asked, times;
};

static bool
permit_one_port(void *arg, const struct lg_queue_packet *p)
{
	struct answers *a = arg;

	a->asked++;
	return p->port == 5433;
}

static void
note_answered(void *arg)
{
	struct answers *a = arg;

	a->times++;
}

/* Those of our table are for what is forwarded; this one hands over what the test itself sends. */
static const char output[] =
    "add chain inet lightgate output { type filter hook output priority 0; }\n"
    "add rule inet lightgate output meta mark 1818714484 drop\n"
    "add rule inet lightgate output udp dport { 5433, 5434 } goto ask\n";

static int
receiver(uint16_t port)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_DGRAM, 0), size = 4 << 20;

	cr_assert_eq(bind(fd, (const struct sockaddr *)&at, sizeof at), 0);
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
	return fd;
}

static void
send_to(int fd, uint16_t port, unsigned number)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	(void)sendto(fd, &number, sizeof number, 0, (const struct sockaddr *)&at, sizeof at);
}

/* A packet filter of the test's own, in which n queues from 77 on are asked about datagrams to ports 5433 and 5434. */
static void
hand_over(struct lg_ctx *cx, uint16_t n, struct lg_batch **ret)
{
	struct world w;

	cr_assert_eq(LG_GATE_MARK, 1818714484u, "as in the rule above");
	make(cx, &w);
	cr_assert(own_filter(cx, &w, ret));
	cr_assert_eq(system("ip link set lo up"), 0);
	cr_assert_eq(lg_nft_run(cx, output), LG_OK, "%s", cx->error);
	cr_assert_eq(lg_nft_queue(cx, "ask", 77, n), LG_OK, "%s", cx->error);
}

Test(gate_queue, each_packet_has_its_own_answer_however_many_wait)
{
	enum { MANY = 1000 };
	struct answers a = { 0 };
	const struct lg_queue_asked asked = { permit_one_port, note_answered, &a };
	TEST_CTX(cx);
	unsigned number;
	struct lg_batch *b;
	struct lg_queue *q;

	hand_over(cx, 1, &b);
	int yes = receiver(5433), no = receiver(5434), from = receiver(5000);
	cr_assert_eq(lg_queue_open(cx, &(struct lg_queue_share){ .number = 77, .of = 1 }, &asked, &q), LG_OK, "%s", cx->error);
	for (unsigned i = 0; i < MANY; i++)
		send_to(from, i % 2 == 0 ? 5433 : 5434, i);
	for (unsigned i = 0; i < MANY; i += 2) {
		cr_assert_eq(recv(yes, &number, sizeof number, 0), (ssize_t)sizeof number);
		cr_expect_eq(number, i, "in their order");
	}
	send_to(from, 5433, MANY);
	cr_assert_eq(recv(yes, &number, sizeof number, 0), (ssize_t)sizeof number);
	cr_expect_eq(number, MANY);
	cr_expect_eq(recv(no, &number, sizeof number, MSG_DONTWAIT), -1);
	lg_queue_close(&q);
	cr_expect_eq(a.asked, MANY + 1);
	cr_expect(a.times >= 1 && a.times <= a.asked, "%u times", a.times);

	send_to(from, 5433, 0);
	cr_expect_eq(recv(yes, &number, sizeof number, MSG_DONTWAIT), -1, "nobody is there to ask");
	close(yes);
	close(no);
	close(from);
	lg_batch_close(&b);
}

static void
note_nothing(void *arg)
{
	(void)arg;
}

static bool
permit_on(void *arg, const struct lg_queue_packet *p)
{
	atomic_int *processor = arg;

	*processor = sched_getcpu();
	return p->port == 5433;
}

Test(gate_queue, a_packet_is_asked_about_where_it_arises)
{
	atomic_int processor[2];
	const struct lg_queue_asked asked[2] = { { permit_on, note_nothing, &processor[0] }, { permit_on, note_nothing, &processor[1] } };
	struct lg_queue *q[2];
	struct lg_batch *b;
	unsigned number;
	TEST_CTX(cx);

	if (sysconf(_SC_NPROCESSORS_ONLN) < 2) {
		printf("SKIP queues of several processors: there is one\n");
		cr_skip_test("one processor");
	}
	hand_over(cx, 2, &b);
	int yes = receiver(5433), from = receiver(5000);
	for (unsigned i = 0; i < 2; i++)
		cr_assert_eq(lg_queue_open(cx, &(struct lg_queue_share){ (uint16_t)(77 + i), i, 2 }, &asked[i], &q[i]), LG_OK, "%s", cx->error);
	for (unsigned i = 0; i < 20; i++) {
		cpu_set_t here;
		CPU_ZERO(&here);
		CPU_SET(i % 2, &here);
		cr_assert_eq(sched_setaffinity(0, sizeof here, &here), 0);
		processor[0] = processor[1] = -1;
		send_to(from, 5433, i);
		cr_assert_eq(recv(yes, &number, sizeof number, 0), (ssize_t)sizeof number);
		cr_expect_eq(processor[i % 2], (int)i % 2, "by its thread, there");
		cr_expect_eq(processor[1 - i % 2], -1, "and not by another");
	}
	for (unsigned i = 0; i < 2; i++)
		lg_queue_close(&q[i]);
	close(yes);
	close(from);
	lg_batch_close(&b);
}

/* ---- places ------------------------------------------------------------------------------------------------------ */

/* A process in a network namespace of its own, which makes an interface there when it is told to, and ends when its input does. */
static pid_t
contain(int *tell)
{
	int to[2], from[2];
	char c;

	cr_assert(pipe(to) == 0 && pipe(from) == 0);
	pid_t pid = fork();
	if (pid == 0) {
		close(to[1]);
		if (unshare(CLONE_NEWNET) != 0 || write(from[1], "x", 1) != 1)
			_exit(1);
		while (read(to[0], &c, 1) == 1)
			if (system("ip link add e0 type veth peer name e1 && ip addr add 10.77.0.5/24 dev e0 && ip addr add 10.77.0.6/24 dev lo") != 0)
				_exit(1);
		_exit(0);
	}
	close(to[0]);
	close(from[1]);
	cr_assert_eq(read(from[0], &c, 1), 1);
	close(from[0]);
	*tell = to[1];
	return pid;
}

static bool
soon(const struct lg_places *ps)
{
	struct pollfd fd = { .fd = ps->wait, .events = POLLIN };

	return poll(&fd, 1, 5000) == 1;
}

Test(gate_places, a_containers_addresses_are_known_when_it_has_them_and_go_with_it)
{
	TEST_CTX(cx);
	struct lg_address own = address("10.77.0.5");
	char state[] = "/tmp/lg-places.XXXXXX";
	struct lg_places ps, again;
	int tell;

	if (geteuid() != 0 || system("command -v ip >/dev/null") != 0) {
		printf("SKIP places: needs root and ip\n");
		return;
	}
	cr_assert_not_null(mkdtemp(state));
	cr_assert_eq(lg_places_open(cx, state, &ps), LG_OK, "%s", cx->error);
	pid_t pid = contain(&tell);
	cr_assert_eq(lg_places_add(cx, &ps, LG_STR("c1"), LG_STR("web"), pid), LG_OK, "%s", cx->error);
	cr_expect(!lg_places_refresh(cx, &ps) && ps.n == 1 && ps.v[0].naddress == 0);
	cr_expect_eq(poll(&(struct pollfd){ .fd = ps.wait, .events = POLLIN }, 1, 0), 0, "nothing happens there");

	cr_assert_eq(write(tell, "x", 1), 1);
	while (ps.v[0].naddress == 0 && soon(&ps))
		(void)lg_places_refresh(cx, &ps);
	cr_assert_eq(ps.v[0].naddress, 1, "a loopback's does not count");
	cr_expect(memcmp(&ps.v[0].address[0], &own, sizeof own) == 0);

	cr_assert_eq(lg_places_open(cx, state, &again), LG_OK);
	cr_expect(lg_places_refresh(cx, &again) && again.n == 1 && again.v[0].naddress == 1, "the next agent knows it");

	close(tell);
	waitpid(pid, NULL, 0);
	while (ps.n > 0 && soon(&ps))
		(void)lg_places_refresh(cx, &ps);
	cr_expect_eq(ps.n, 0);
	lg_places_close(&again);
	cr_assert_eq(lg_places_open(cx, state, &again), LG_OK);
	cr_expect_eq(again.n, 0);
	lg_places_close(&again);
	lg_places_close(&ps);
	cr_expect_eq(rmdir(lg_print(cx->arena, "%s/gate", state).p), 0, "no file is left");
	rmdir(state);
}

/* Whoever says so of the host's uplink would have it closed. */
Test(gate_places, an_interface_has_an_end_here_when_it_is_one_of_a_pair_and_not_because_the_container_says_so)
{
	TEST_CTX(cx);
	char state[] = "/tmp/lg-places.XXXXXX", command[400];
	struct lg_places ps;
	int tell;

	if (geteuid() != 0 || system("command -v ip >/dev/null") != 0) {
		printf("SKIP places: needs root and ip\n");
		return;
	}
	cr_assert_eq(unshare(CLONE_NEWNET), 0);
	cr_assert_eq(system("ip link set lo up && ip link add up index 77 type veth peer name down"), 0);
	cr_assert_not_null(mkdtemp(state));
	cr_assert_eq(lg_places_open(cx, state, &ps), LG_OK, "%s", cx->error);
	pid_t pid = contain(&tell);
	snprintf(command, sizeof command, "nsenter -t %d -n sh -c 'ip link add one0 index 77 type veth peer name one1 && ip link add link one0 name two type macvlan'"
	    " && ip link add host index 99 type veth peer name e2 netns %d", (int)pid, (int)pid);
	cr_assert_eq(system(command), 0);
	cr_assert_eq(lg_places_add(cx, &ps, LG_STR("c1"), LG_STR("web"), pid), LG_OK, "%s", cx->error);
	(void)lg_places_refresh(cx, &ps);
	cr_expect_eq(ps.v[0].nlink, 1);
	cr_expect_eq(ps.v[0].link[0], 99);
	close(tell);
	waitpid(pid, NULL, 0);
	lg_places_remove(cx, &ps, LG_STR("c1"));
	lg_places_close(&ps);
	rmdir(lg_print(cx->arena, "%s/gate", state).p);
	rmdir(state);
}

Test(gate_places, what_shares_the_hosts_namespace_has_no_address_and_what_ended_is_not_taken)
{
	TEST_CTX(cx);
	char state[] = "/tmp/lg-places.XXXXXX";
	struct lg_places ps;

	cr_assert_not_null(mkdtemp(state));
	cr_assert_eq(lg_places_open(cx, state, &ps), LG_OK, "%s", cx->error);
	cr_assert_eq(lg_places_add(cx, &ps, LG_STR("c1"), LG_STR("web"), getpid()), LG_OK, "%s", cx->error);
	cr_expect_eq(ps.v[0].naddress, 0);
	pid_t pid = fork();
	if (pid == 0)
		_exit(0);
	waitpid(pid, NULL, 0);
	cr_expect_eq(lg_places_add(cx, &ps, LG_STR("c2"), LG_STR("web"), pid), LG_E_NOT_FOUND);
	cr_expect_eq(ps.n, 1);
	lg_places_remove(cx, &ps, LG_STR("c1"));
	lg_places_close(&ps);
	rmdir(lg_print(cx->arena, "%s/gate", state).p);
	rmdir(state);
}

/* ---- connections ---------------------------------------------------------------------------------------------------- */

static int
listen_on(const char *text)
{
	struct lg_address at = address(text);
	struct sockaddr_in6 own = { .sin6_family = AF_INET6, .sin6_addr = { .s6_addr = { [10] = 255, [11] = 255 } } };
	int off = 0, fd = socket(AF_INET6, SOCK_STREAM, 0);

	/* As programs do that take both: IPv4's addresses within IPv6's. */
	memcpy(&own.sin6_addr.s6_addr[at.family == AF_INET ? 12 : 0], at.a, at.family == AF_INET ? 4 : 16);
	cr_assert_eq(setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off), 0);
	cr_assert_eq(bind(fd, (struct sockaddr *)&own, sizeof own), 0, "%s", text);
	cr_assert_eq(listen(fd, 8), 0);
	return fd;
}

/* Both ends of a connection to it, and as the caller sees it. */
static void
call(int listener, const char *text, int two[2], struct lg_connection *ret)
{
	struct sockaddr_in6 own, peer;
	socklen_t n = sizeof own;

	cr_assert_eq(getsockname(listener, (struct sockaddr *)&peer, &n), 0);
	two[0] = socket(AF_INET6, SOCK_STREAM, 0);
	cr_assert_eq(connect(two[0], (struct sockaddr *)&peer, n), 0);
	two[1] = accept(listener, NULL, NULL);
	cr_assert(two[1] >= 0 && getsockname(two[0], (struct sockaddr *)&own, &n) == 0);
	*ret = (struct lg_connection){ .own = address(text), .peer = address(text), .own_port = own.sin6_port, .peer_port = peer.sin6_port };
}

Test(gate_connections, one_that_waits_hears_that_it_is_ended_and_the_listener_stays)
{
	static const char *const texts[] = { "127.0.0.1", "::1" };
	char c;

	if (unshare(CLONE_NEWNET) != 0 || system("ip link set lo up") != 0) {
		printf("SKIP connections that are ended: needs root\n");
		cr_skip_test("needs root");
	}
	for (size_t i = 0; i < LG_COUNT(texts); i++) {
		struct lg_connection caller, other, called;
		int listener = listen_on(texts[i]), two[2], others[2];
		call(listener, texts[i], two, &caller);
		called = (struct lg_connection){ caller.peer, caller.own, caller.peer_port, caller.own_port };
		lg_inside_end((const struct lg_connection *const[]){ &caller, &called, &caller, &called }, 4);
		cr_expect(recv(two[0], &c, 1, 0) == -1 && errno == ECONNABORTED, "%s: the caller", texts[i]);
		cr_expect(recv(two[1], &c, 1, 0) == -1 && (errno == ECONNABORTED || errno == ECONNRESET), "%s: the called", texts[i]);
		call(listener, texts[i], others, &other);
		lg_inside_end((const struct lg_connection *const[]){ &caller, &called }, 2);
		cr_expect(send(others[0], "x", 1, 0) == 1 && recv(others[1], &c, 1, 0) == 1, "%s: another one", texts[i]);
		for (size_t k = 0; k < 2; k++) {
			close(two[k]);
			close(others[k]);
		}
		close(listener);
	}
}
