/* nft.h: the kernel's packet filter.  nft.c alone knows libnftables and libnftnl. */
#ifndef LG_AGENT_GATE_NFT_H
#define LG_AGENT_GATE_NFT_H

#include "lightgate/base.h"

#define LG_NFT_FAMILY	"inet"
#define LG_NFT_LINKS	"bridge"	/* what crosses a bridge, on the side of its ports */
#define LG_NFT_TABLE	"lightgate"

struct lg_nft;		/* one thread's */

LG_CHECKED lg_err lg_nft_open(struct lg_ctx *cx, struct lg_nft **ret);
void lg_nft_close(struct lg_nft **n);	/* safe on NULL */

/* nft(8) commands, all or none of them.  LG_E_IO with what nft says of the first that failed. */
LG_CHECKED lg_err lg_nft_run(struct lg_ctx *cx, struct lg_nft *n, const char *commands);
/* Appends a rule to a chain of our table that hands packets to queue `number`: by nft's own statement, or as iptables' target where the
 * kernel lacks that.  Without a listener they are dropped. */
LG_CHECKED lg_err lg_nft_queue(struct lg_ctx *cx, struct lg_nft *n, const char *chain, uint16_t number);

/* A socket that becomes readable when somebody changes the packet filter; the caller's.  -1: there is none. */
int lg_nft_events(void);
/* Reads all of them: did somebody take away our table, or a part of it?  Its elements come and go. */
bool lg_nft_lost(struct lg_ctx *cx, struct lg_nft *n, int events);

#endif
