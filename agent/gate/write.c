/*
 * write.c: the table as nft(8) commands.
 *
 * A pair of addresses is looked up in four maps, from what speaks of everything to what speaks of a range of ports; the first three are
 * hash tables, so that what is usual costs the same however much there is.
 */
#include <netinet/in.h>

#include "agent/gate/nft.h"
#include "agent/gate/table.h"
#include "base/ipnet.h"

#define T	LG_NFT_FAMILY " " LG_NFT_TABLE
#define LINKS	LG_NFT_LINKS " " LG_NFT_TABLE

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

/* What leaves a container by its interface has one of its addresses for its source: neither another's, nor one it made up.  A bridge's
 * ports are seen in its own family, with whatever else crosses it; other interfaces in ours. */
static void
write_links(const char *family, struct lg_buf *b)
{
	lg_buf_printf(b, "add set %s " LG_NFT_TABLE " links { type ifname; }\n", family);
	for (size_t f = 0; f < LG_COUNT(families); f++)
		lg_buf_printf(b, "add set %s " LG_NFT_TABLE " own%s { type ifname . %s; }\n", family, families[f].version, families[f].type);
	lg_buf_printf(b, "add chain %s " LG_NFT_TABLE " from { type filter hook prerouting priority -300; policy accept; }\n", family);
	lg_buf_printf(b, "add rule %s " LG_NFT_TABLE " from iifname != @links accept\n", family);
	lg_buf_printf(b, "add rule %s " LG_NFT_TABLE " from ip saddr != 0.0.0.0 iifname . ip saddr != @own4 counter drop\n", family);
	lg_buf_printf(b, "add rule %s " LG_NFT_TABLE " from ip6 saddr != { ::, fe80::/10 } iifname . ip6 saddr != @own6 counter drop\n", family);
}

void
lg_gate_write_frame(struct lg_buf *b)
{
	lg_buf_printf(b, "add table " LINKS "\ndelete table " LINKS "\nadd table " LINKS "\n");
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
	write_links(LG_NFT_FAMILY, b);
	write_links(LG_NFT_LINKS, b);
	lg_buf_printf(b, "add rule " LINKS " from arp saddr ip != 0.0.0.0 iifname . arp saddr ip != @own4 counter drop\n");
	lg_buf_printf(b, "add rule " LINKS " from ether type != { ip, ip6, arp } counter drop\n");
}

/* ---- what is in it --------------------------------------------------------------------------------------------- */

void
lg_gate_write_ranges(const struct lg_range *range, size_t n, struct lg_buf *b)
{
	LG_AUTO(lg_arena_free) struct lg_arena *a = lg_arena_new();

	for (size_t i = 0; i < n; i++) {
		lg_str text = lg_ipnet_text(a, (lg_str){ (const char *)range[i].net, range[i].n });
		lg_buf_printf(b, "add element " T " guarded%s { %.*s }\n", range[i].n == 8 ? "4" : "6", LG_FMT(text));
	}
}

void
lg_gate_write_forget(struct lg_buf *b)
{
	for (size_t f = 0; f < LG_COUNT(families); f++)
		lg_buf_printf(b, "flush set " T " learned%s\n", families[f].version);
}

void
lg_gate_write_generation(uint64_t generation, struct lg_buf *b)
{
	lg_buf_printf(b, "flush set " T " generation\nadd element " T " generation { %u }\n", (unsigned)(generation & 0xffffffffu));
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
	lg_buf_printf(b, "add element " T " learned%s { ", from->family == AF_INET ? "4" : "6");
	lg_address_put(b, from);
	lg_buf_str(b, LG_STR(" . "));
	lg_address_put(b, to);
	lg_buf_printf(b, " . %d . %u timeout %ds }\n", protocol, port, seconds);
}
