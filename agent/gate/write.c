/*
 * write.c: the table as nft(8) commands.
 *
 * A pair of addresses is looked up in four maps, from what speaks of everything to what speaks of a range of ports; the first three are
 * hash tables, so that what is usual costs the same however much there is.
 */
#include <netinet/in.h>

#include "agent/gate/nft.h"
#include "agent/gate/table.h"

#define T	LG_NFT_FAMILY " " LG_NFT_TABLE
#define PORTS	65535
#define EVERY	((1u << LG_BUNDLE_PROTOCOLS) - 1)
#define BATCH		100000	/* elements of one command */

/* ---- the frame ------------------------------------------------------------------------------------------------ */

static const struct {
	const char *version, *type, *ip, *icmp;
	int family, icmp_number;
} families[] = {
	{ "4", "ipv4_addr", "ip", "icmp", AF_INET, IPPROTO_ICMP },
	{ "6", "ipv6_addr", "ip6", "icmpv6", AF_INET6, IPPROTO_ICMPV6 },
};

static void
write_sets(size_t f, struct lg_buf *b)
{
	const char *v = families[f].version, *t = families[f].type;

	lg_buf_printf(b, "add set " T " guarded%s { type %s; flags interval; auto-merge; }\n", v, t);
	lg_buf_printf(b, "add set " T " known%s { type %s; }\n", v, t);
	lg_buf_printf(b, "add map " T " pairs%s { type %s . %s : verdict; }\n", v, t, t);
	lg_buf_printf(b, "add map " T " protocols%s { type %s . %s . inet_proto : verdict; }\n", v, t, t);
	lg_buf_printf(b, "add map " T " ports%s { type %s . %s . inet_proto . inet_service : verdict; }\n", v, t, t);
	lg_buf_printf(b, "add map " T " ranges%s { type %s . %s . inet_proto . inet_service : verdict; flags interval; }\n", v, t, t);
	lg_buf_printf(b, "add set " T " learned%s { type %s . %s . inet_proto . inet_service; flags timeout; size %d; }\n", v, t, t,
	    LG_GATE_LEARNED);
}

/* Established flows, too, need somebody alive; then what is nobody's goes, what has one end elsewhere stays, the rest is looked up. */
static void
write_rules(size_t f, struct lg_buf *b)
{
	const char *v = families[f].version, *ip = families[f].ip;

	lg_buf_printf(b, "add rule " T " forward %s saddr @guarded%s goto judge%s\n", ip, v, v);
	lg_buf_printf(b, "add rule " T " forward %s daddr @guarded%s goto judge%s\n", ip, v, v);
	lg_buf_printf(b, "add rule " T " judge%s meta mark %u goto refuse\n", v, LG_GATE_MARK);
	lg_buf_printf(b, "add rule " T " judge%s meta nfproto != @alive counter drop comment \"nobody confirms\"\n", v);
	if (families[f].family == AF_INET6)
		lg_buf_printf(b, "add rule " T " judge6 icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-solicit, nd-router-advert } accept\n");
	lg_buf_printf(b, "add rule " T " judge%s %s saddr @guarded%s %s saddr != @known%s counter drop comment \"from nobody\"\n", v, ip, v, ip, v);
	lg_buf_printf(b, "add rule " T " judge%s %s daddr @guarded%s %s daddr != @known%s counter goto refuse comment \"to nobody\"\n", v, ip, v, ip, v);
	lg_buf_printf(b, "add rule " T " judge%s ct state established,related accept\n", v);
	lg_buf_printf(b, "add rule " T " judge%s %s saddr != @guarded%s accept\n", v, ip, v);
	lg_buf_printf(b, "add rule " T " judge%s %s daddr != @guarded%s accept\n", v, ip, v);
	lg_buf_printf(b, "add rule " T " judge%s %s saddr . %s daddr vmap @pairs%s\n", v, ip, ip, v);
	lg_buf_printf(b, "add rule " T " judge%s %s saddr . %s daddr . meta l4proto vmap @protocols%s\n", v, ip, ip, v);
	lg_buf_printf(b, "add rule " T " judge%s meta l4proto { tcp, udp } %s saddr . %s daddr . meta l4proto . th dport vmap @ports%s\n", v, ip, ip, v);
	lg_buf_printf(b, "add rule " T " judge%s meta l4proto { tcp, udp } %s saddr . %s daddr . meta l4proto . th dport vmap @ranges%s\n", v, ip, ip, v);
	lg_buf_printf(b, "add rule " T " judge%s goto refuse\n", v);
	lg_buf_printf(b, "add rule " T " ask meta l4proto { tcp, udp } %s saddr . %s daddr . meta l4proto . th dport @learned%s accept\n", ip, ip, v);
}

void
lg_gate_write_frame(struct lg_buf *b)
{
	lg_buf_printf(b, "add table " T "\ndelete table " T "\nadd table " T "\n");
	lg_buf_printf(b, "add set " T " alive { type nf_proto; flags timeout; }\n");
	lg_buf_printf(b, "add set " T " generation { type mark; }\n");
	lg_buf_printf(b, "add chain " T " refuse\nadd chain " T " ask\nadd chain " T " judge4\nadd chain " T " judge6\n");
	lg_buf_printf(b, "add chain " T " forward { type filter hook forward priority -5; policy accept; }\n");
	lg_buf_printf(b, "add rule " T " refuse meta l4proto tcp counter reject with tcp reset\n");
	lg_buf_printf(b, "add rule " T " refuse counter reject with icmpx type admin-prohibited\n");
	for (size_t f = 0; f < LG_COUNT(families); f++)
		write_sets(f, b);
	for (size_t f = 0; f < LG_COUNT(families); f++)
		write_rules(f, b);
}

/* ---- elements ---------------------------------------------------------------------------------------------------- */

struct list {
	struct lg_buf *out;
	struct lg_arena *arena;
	const char *set;
	size_t n;			/* in the command that is open */
};

static void
end_list(struct list *l)
{
	if (l->n > 0)
		lg_buf_str(l->out, LG_STR(" }\n"));
	l->n = 0;
}

static void
begin_element(struct list *l)
{
	if (l->n == BATCH)
		end_list(l);
	if (l->n++ == 0)
		lg_buf_printf(l->out, "add element " T " %s {", l->set);
	else
		lg_buf_byte(l->out, ',');
}

static void
put_address(struct lg_buf *b, struct lg_arena *a, const struct lg_address *at)
{
	if (at->family == AF_INET)
		lg_buf_printf(b, "%u.%u.%u.%u", at->a[0], at->a[1], at->a[2], at->a[3]);
	else
		lg_buf_str(b, lg_address_text(a, at));
}

void
lg_gate_write_ranges(const struct lg_range *range, size_t n, struct lg_buf *b)
{
	LG_AUTO(lg_arena_free) struct lg_arena *a = lg_arena_new();

	for (size_t i = 0; i < n; i++) {
		struct lg_address at = { .family = range[i].family };
		memcpy(at.a, range[i].a, sizeof at.a);
		lg_buf_printf(b, "add element " T " guarded%s { ", at.family == AF_INET ? "4" : "6");
		put_address(b, a, &at);
		lg_buf_printf(b, "/%u }\n", range[i].bits);
	}
}

/* In which map a row's protocol stands. */
enum kind { PAIRS, PROTOCOLS, PORT, RANGE, KINDS };

static const char *const maps[][KINDS] = { { "pairs4", "protocols4", "ports4", "ranges4" }, { "pairs6", "protocols6", "ports6", "ranges6" } };

static enum kind
kind_of(const struct lg_connect_row *r, unsigned bit)
{
	bool all = r->first == 0 && r->last == PORTS;

	if (all && (r->protocols & EVERY) == EVERY)
		return PAIRS;
	if (all || bit == 4)
		return PROTOCOLS;
	return r->first == r->last ? PORT : RANGE;
}

static void
put_element(struct list *l, const struct lg_connect_row *r, enum kind kind, int protocol, const struct lg_address *from,
    const struct lg_address *to)
{
	struct lg_buf *b = l->out;

	begin_element(l);
	put_address(b, l->arena, from);
	lg_buf_str(b, LG_STR(" . "));
	put_address(b, l->arena, to);
	if (kind != PAIRS)
		lg_buf_printf(b, " . %d", protocol);
	if (kind == PORT)
		lg_buf_printf(b, " . %u", r->first);
	else if (kind == RANGE)
		lg_buf_printf(b, " . %u-%u", r->first, r->last);
	lg_buf_str(b, r->ask ? LG_STR(" : goto ask") : LG_STR(" : accept"));
}

/* Which of the row's protocols stand in the map that is being written? */
static void
put_row(struct list *l, const struct lg_connect_row *r, size_t f, enum kind kind, const struct lg_address *from, const struct lg_address *to)
{
	const int number[LG_BUNDLE_PROTOCOLS] = { IPPROTO_TCP, IPPROTO_UDP, families[f].icmp_number };

	for (unsigned i = 0; i < LG_BUNDLE_PROTOCOLS; i++) {
		unsigned bit = 1u << i;
		bool there = (r->protocols & bit) != 0 && (bit != 4 || r->first == 0);
		if (!there || kind_of(r, bit) != kind)
			continue;
		put_element(l, r, kind, number[i], from, to);
		if (kind == PAIRS)
			return;
	}
}

/* The addresses of each workload, one list behind the other. */
struct addresses {
	const struct lg_address **v;
	size_t *first;			/* of a workload; the next one's is its end */
};

static struct addresses
by_workload(const struct lg_gate_table *t, struct lg_arena *a, int family)
{
	struct addresses by = { LG_NEWS(a, const struct lg_address *, t->nnamed + 1), LG_NEWS(a, size_t, t->nnamed + 2) };
	size_t *at = LG_NEWS(a, size_t, t->nnamed + 2);

	for (size_t i = 0; i < t->nnamed; i++)
		if (t->index[i] != UINT32_MAX && t->named[i].at.family == family)
			by.first[t->index[i] + 1]++;
	for (size_t w = 0; w < t->nnamed; w++)
		by.first[w + 1] += by.first[w];
	memcpy(at, by.first, (t->nnamed + 1) * sizeof *at);
	for (size_t i = 0; i < t->nnamed; i++)
		if (t->index[i] != UINT32_MAX && t->named[i].at.family == family)
			by.v[at[t->index[i]]++] = &t->named[i].at;
	return by;
}

static void
write_map(const struct lg_gate_table *t, size_t f, enum kind kind, const struct addresses *by, struct list *l)
{
	l->set = maps[f][kind];
	lg_buf_printf(l->out, "flush map " T " %s\n", l->set);
	for (size_t i = 0; i < t->rows.n; i++) {
		const struct lg_connect_row *r = &t->rows.v[i];
		for (size_t s = by->first[r->source]; s < by->first[r->source + 1]; s++)
			for (size_t d = by->first[r->destination]; d < by->first[r->destination + 1]; d++)
				put_row(l, r, f, kind, by->v[s], by->v[d]);
	}
	end_list(l);
}

static void
write_known(const struct lg_gate_table *t, size_t f, struct list *l)
{
	l->set = families[f].family == AF_INET ? "known4" : "known6";
	lg_buf_printf(l->out, "flush set " T " %s\n", l->set);
	for (size_t i = 0; i < t->nnamed; i++)
		if (t->named[i].at.family == families[f].family && t->named[i].workload.n > 0) {
			begin_element(l);
			put_address(l->out, l->arena, &t->named[i].at);
		}
	end_list(l);
}

void
lg_gate_write_table(const struct lg_gate_table *t, struct lg_buf *b)
{
	LG_AUTO(lg_arena_free) struct lg_arena *a = lg_arena_new();
	struct list l = { .out = b, .arena = a };

	for (size_t f = 0; f < LG_COUNT(families); f++) {
		write_known(t, f, &l);
		lg_buf_printf(b, "flush set " T " learned%s\n", families[f].version);
		if (t->index == NULL) {
			for (int k = 0; k < KINDS; k++)
				lg_buf_printf(b, "flush map " T " %s\n", maps[f][k]);
			continue;
		}
		struct addresses by = by_workload(t, a, families[f].family);
		for (int k = 0; k < KINDS; k++)
			write_map(t, f, (enum kind)k, &by, &l);
	}
	lg_buf_printf(b, "flush set " T " generation\nadd element " T " generation { %u }\n", (unsigned)(t->generation & 0xffffffffu));
}

/* ---- interfaces, time ------------------------------------------------------------------------------------------------ */

static void
write_link(const struct lg_place *p, const char *link, unsigned number, struct lg_buf *b)
{
	LG_AUTO(lg_arena_free) struct lg_arena *a = lg_arena_new();

	lg_buf_printf(b, "add chain netdev " LG_NFT_TABLE " from%u { type filter hook ingress device \"%s\" priority 0; policy accept; }\n", number, link);
	for (int f = 0; f < 2; f++) {
		lg_buf_printf(b, "add rule netdev " LG_NFT_TABLE " from%u %s saddr != { ", number, families[f].ip);
		lg_buf_str(b, f == 0 ? LG_STR("0.0.0.0") : LG_STR("::, fe80::/10"));
		for (size_t i = 0; i < p->naddress; i++)
			if (p->address[i].family == families[f].family) {
				lg_buf_str(b, LG_STR(", "));
				put_address(b, a, &p->address[i]);
			}
		lg_buf_str(b, LG_STR(" } counter drop\n"));
	}
	lg_buf_printf(b, "add rule netdev " LG_NFT_TABLE " from%u arp saddr ip != { 0.0.0.0", number);
	for (size_t i = 0; i < p->naddress; i++)
		if (p->address[i].family == AF_INET) {
			lg_buf_str(b, LG_STR(", "));
			put_address(b, a, &p->address[i]);
		}
	lg_buf_str(b, LG_STR(" } counter drop\n"));
}

/* What leaves a container by its interface has one of its addresses for its source: neither another's, nor one it made up. */
void
lg_gate_write_links(const struct lg_places *ps, struct lg_buf *b)
{
	unsigned number = 0;

	lg_buf_str(b, LG_STR("add table netdev " LG_NFT_TABLE "\ndelete table netdev " LG_NFT_TABLE "\nadd table netdev " LG_NFT_TABLE "\n"));
	for (size_t i = 0; i < ps->n; i++)
		for (size_t k = 0; k < ps->v[i].nlink; k++)
			write_link(&ps->v[i], ps->v[i].link[k], number++, b);
}

void
lg_gate_write_alive(int64_t left, struct lg_buf *b)
{
	lg_buf_printf(b, "flush set " T " alive\nadd element " T " alive { ipv4 timeout %lldms, ipv6 timeout %lldms }\n", (long long)(left / 1000),
	    (long long)(left / 1000));
}

void
lg_gate_write_learned(const struct lg_address *from, const struct lg_address *to, int protocol, uint16_t port, int seconds, struct lg_buf *b)
{
	LG_AUTO(lg_arena_free) struct lg_arena *a = lg_arena_new();

	lg_buf_printf(b, "add element " T " learned%s { ", from->family == AF_INET ? "4" : "6");
	put_address(b, a, from);
	lg_buf_str(b, LG_STR(" . "));
	put_address(b, a, to);
	lg_buf_printf(b, " . %d . %u timeout %ds }\n", protocol, port, seconds);
}
