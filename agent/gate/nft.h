/* nft.h: the kernel's packet filter: its rules, by libnftables, which nft.c alone knows.  What sets hold is batch.h's. */
#ifndef LG_AGENT_GATE_NFT_H
#define LG_AGENT_GATE_NFT_H

#include "lightgate/base.h"

#define LG_NFT_FAMILY	"inet"
#define LG_NFT_LINKS	"bridge"	/* what crosses a bridge, on the side of its ports */
#define LG_NFT_TABLE	"lightgate"

/* nft(8) commands, all or none of them.  LG_E_IO with what nft says of the first that failed. */
LG_CHECKED lg_err lg_nft_run(struct lg_ctx *cx, const char *commands);
/* Appends a rule to a chain of our table that hands packets to n queues from `first` on, each to that of its processor (its number modulo
 * n): by nft's own statement, or as iptables' target where the kernel lacks that.  Without a listener they are dropped. */
LG_CHECKED lg_err lg_nft_queue(struct lg_ctx *cx, const char *chain, uint16_t first, uint16_t n);

/* What has passed each counter of the rules in our tables; comment: the rule's, or "". */
typedef void lg_nft_counted(void *arg, const char *chain, const char *comment, uint64_t packets);
LG_CHECKED lg_err lg_nft_counters(struct lg_ctx *cx, lg_nft_counted *each, void *arg);

/* A socket that becomes readable when somebody changes the packet filter; the caller's.  What the senders `ours` (lg_batch_port) do is not
 * told.  -1: there is none. */
int lg_nft_events(const uint32_t ours[], size_t n);
/* Reads all of them: did somebody take away our table, or a part of it?  Its elements come and go. */
bool lg_nft_lost(struct lg_ctx *cx, int events);

#endif
