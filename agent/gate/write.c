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
	lg_buf_printf(b, "add set " T " echoes%s { type %s . %s . inet_proto; flags timeout; size %d; }\n", v, t, t, LG_GATE_LEARNED);
}

/* What has no open flow behind it: what is nobody's goes, what has one end elsewhere stays, the rest is looked up. */
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
	lg_buf_printf(b, "add rule " T " judge%s ct state related accept\n", v);
	lg_buf_printf(b, "add rule " T " judge%s %s saddr != @guarded%s accept\n", v, ip, v);
	lg_buf_printf(b, "add rule " T " judge%s %s daddr != @guarded%s oif @links counter goto refuse comment \"to nobody\"\n", v, ip, v);
	lg_buf_printf(b, "add rule " T " judge%s %s daddr != @guarded%s accept\n", v, ip, v);
	lg_buf_printf(b, "add rule " T " judge%s %s saddr . %s daddr vmap @pairs%s\n", v, ip, ip, v);
	lg_buf_printf(b, "add rule " T " judge%s %s saddr . %s daddr . meta l4proto vmap @protocols%s\n", v, ip, ip, v);
	lg_buf_printf(b, "add rule " T " judge%s meta l4proto { tcp, udp } %s saddr . %s daddr . meta l4proto . th dport vmap @ports%s\n", v, ip, ip, v);
	lg_buf_printf(b, "add rule " T " judge%s meta l4proto { tcp, udp } %s saddr . %s daddr . meta l4proto . th dport vmap @ranges%s\n", v, ip, ip, v);
	lg_buf_printf(b, "add rule " T " judge%s goto refuse\n", v);
	lg_buf_printf(b, "add rule " T " ask meta l4proto { tcp, udp } %s saddr . %s daddr . meta l4proto . th dport @learned%s accept\n", ip, ip, v);
	lg_buf_printf(b, "add rule " T " ask %s saddr . %s daddr . meta l4proto @echoes%s accept\n", ip, ip, v);
}

/*
 * What leaves a container by its interface has one of its addresses for its source: neither another's, nor one it made up.  A bridge's
 * ports are seen in its own family, with whatever else crosses it, before the kernel's tracking.  Other interfaces are seen in ours where
 * packets are handed on, by the hook that judges them: an open flow pays for each hook, and a set that is looked into.  Interfaces are
 * their numbers: those are compared faster than names, and do not come again.
 *
 * In the order of what comes most.  In our family the chain is called for what comes from a container's interface.
 */
static const struct {
	bool ports, others;
	const char *rule;
} from[] = {
	{ true, true, "iif . ip saddr @own4 return" },
	{ true, false, "meta l4proto != ipv6-icmp iif . ip6 saddr @own6 return" },
	{ true, false, "iif != @links goto strangers" },
	{ true, true, "icmpv6 type { nd-router-advert, nd-redirect } counter drop comment \"no router\"" },
	/* Whose address an advertisement says is here (RFC 4861 4.4, after eight octets): the port's own, or one that a link made up. */
	{ true, false, "icmpv6 type nd-neighbor-advert @th,64,10 != 0x3fa iif . @th,64,128 != @told6 counter drop comment \"not its address\"" },
	{ true, true, "iif . ip6 saddr @own6 return" },
	{ true, true, "ip saddr 0.0.0.0 return" },
	{ true, true, "ip6 saddr { ::, fe80::/10 } return" },
	{ true, false, "arp saddr ip 0.0.0.0 return" },
	{ true, false, "iif . arp saddr ip @own4 return" },
	{ true, true, "counter drop" },
};

/* At a port that is no container's: the way to other hosts, or what came to the bridge by none of our doors.  Whatever it is, a container
 * of this host is not there. */
static void
write_strangers(struct lg_buf *b)
{
	static const char *const rules[] = {
		"ip saddr @here4", "ip6 saddr @here6", "arp saddr ip @here4", "icmpv6 type nd-neighbor-advert @th,64,128 @heard6",
	};

	for (size_t f = 0; f < LG_COUNT(families); f++)
		lg_buf_printf(b, "add set " LINKS " here%s { type %s; }\n", families[f].version, families[f].type);
	lg_buf_printf(b, "add set " LINKS " heard6 { typeof @th,64,128; }\nadd chain " LINKS " strangers\n");
	for (size_t i = 0; i < LG_COUNT(rules); i++)
		lg_buf_printf(b, "add rule " LINKS " strangers %s counter drop comment \"a container's address\"\n", rules[i]);
}

static void
write_from(const char *family, bool ports, struct lg_buf *b)
{
	lg_buf_printf(b, "add set %s " LG_NFT_TABLE " links { type iface_index; }\n", family);
	for (size_t f = 0; f < LG_COUNT(families); f++)
		lg_buf_printf(b, "add set %s " LG_NFT_TABLE " own%s { type iface_index . %s; }\n", family, families[f].version, families[f].type);
	if (ports)
		lg_buf_printf(b, "add set %s " LG_NFT_TABLE " told6 { typeof iif . @th,64,128; }\n", family);
	lg_buf_printf(b, "add chain %s " LG_NFT_TABLE " from%s\n", family, ports ? " { type filter hook prerouting priority -300; policy accept; }" : "");
	for (size_t i = 0; i < LG_COUNT(from); i++)
		if (ports ? from[i].ports : from[i].others)
			lg_buf_printf(b, "add rule %s " LG_NFT_TABLE " from %s\n", family, from[i].rule);
}

/*
 * What is for a container's address goes to its port alone, whoever says where it is.  From one container's port to another's goes what is
 * for an address that the other is judged by, and what finds its neighbour: nothing that goes to everybody, and nothing between addresses
 * that a link makes up for itself (fe80::), which no rule of ours would see.
 */
static void
write_between(struct lg_buf *b)
{
	lg_buf_printf(b, "add chain " LINKS " between { type filter hook forward priority -300; policy accept; }\n");
	lg_buf_printf(b, "add rule " LINKS " between oif . ip daddr @own4 accept\n");
	lg_buf_printf(b, "add rule " LINKS " between oif . ip6 daddr @own6 accept\n");
	lg_buf_printf(b, "add rule " LINKS " between ip daddr @here4 counter drop comment \"not its port\"\n");
	lg_buf_printf(b, "add rule " LINKS " between ip6 daddr @here6 counter drop comment \"not its port\"\n");
	lg_buf_printf(b, "add rule " LINKS " between oif != @links accept\n");
	lg_buf_printf(b, "add rule " LINKS " between iif != @links accept\n");
	lg_buf_printf(b, "add rule " LINKS " between ether type arp accept\n");
	lg_buf_printf(b, "add rule " LINKS " between icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept\n");
	lg_buf_printf(b, "add rule " LINKS " between counter drop\n");
}

/*
 * The packets of open flows, which are nearly all: what the flow's first packet was allowed is taken back by ending the flow (cut.h).  The
 * element that ends by itself is the state that a flow's packets have: one set is looked into for both.
 */
static void
write_open(struct lg_buf *b)
{
	lg_buf_printf(b, "add set " T " open { type ct_state; flags timeout; }\n");
	for (size_t f = 0; f < LG_COUNT(families); f++)
		lg_buf_printf(b, "add rule " T " forward iif . %s saddr @own%s ct state @open accept\n", families[f].ip, families[f].version);
	lg_buf_printf(b, "add rule " T " forward iif @links jump from\nadd rule " T " input iif @links jump from\n");
	lg_buf_printf(b, "add rule " T " forward ct state @open accept\n");
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
	lg_buf_printf(b, "add chain " T " input { type filter hook input priority -300; policy accept; }\n");
	lg_buf_printf(b, "add rule " T " refuse meta l4proto tcp counter reject with tcp reset\n");
	lg_buf_printf(b, "add rule " T " refuse counter reject with icmpx type admin-prohibited\n");
	for (size_t f = 0; f < LG_COUNT(families); f++)
		write_sets(f, b);
	write_strangers(b);
	write_from(LG_NFT_FAMILY, false, b);
	write_from(LG_NFT_LINKS, true, b);
	write_between(b);
	write_open(b);
	for (size_t f = 0; f < LG_COUNT(families); f++)
		write_rules(f, b);
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
