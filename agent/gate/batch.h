/*
 * batch.h: changes of what the kernel's sets hold, in the kernel's own words (nfnetlink), as one transaction.
 *
 * nft(8)'s language is for the rules, which are few: of a hundred thousand elements it makes text, a tree and lists before the kernel hears
 * of one, and each of its commands costs milliseconds.  batch.c alone knows how messages look.
 */
#ifndef LG_AGENT_GATE_BATCH_H
#define LG_AGENT_GATE_BATCH_H

#include "lightgate/base.h"

#define LG_BATCH_KEY	40		/* octets: two addresses of IPv6, a protocol and a port */
#define LG_BATCH_SIZE	(128u << 20)	/* of one transaction: a million elements */

struct lg_batch;		/* one thread's, with a socket of its own; used again and again */
enum lg_batch_verb { LG_BATCH_PUT, LG_BATCH_TAKE };

struct lg_batch_element {
	uint8_t key[LG_BATCH_KEY], end[LG_BATCH_KEY];	/* end: the last of an interval */
	size_t n;
	bool interval;
	const char *verdict;		/* NULL: of a set; "": accept; else a chain to go to */
	int64_t timeout;		/* milliseconds; 0: it stays */
};

/* Appends a part of the key, in as many registers as it fills. */
void lg_batch_join(struct lg_batch_element *e, const void *part, size_t n);
void lg_batch_join_ports(struct lg_batch_element *e, uint16_t first, uint16_t last);

LG_CHECKED lg_err lg_batch_open(struct lg_ctx *cx, struct lg_batch **ret);
void lg_batch_close(struct lg_batch **b);	/* safe on NULL */
/* family: NFPROTO_...; the set is one of our table's.  A set that is written in one go is written in few messages. */
void lg_batch_put(struct lg_batch *b, enum lg_batch_verb verb, int family, const char *set, const struct lg_batch_element *e);
void lg_batch_flush(struct lg_batch *b, int family, const char *set);	/* all of its elements go */
/* All of it or nothing; the batch is empty after that.  LG_E_IO with what the kernel says; LG_E_LIMIT. */
LG_CHECKED lg_err lg_batch_run(struct lg_ctx *cx, struct lg_batch *b);
size_t lg_batch_octets(const struct lg_batch *b);	/* waiting */
uint32_t lg_batch_port(const struct lg_batch *b);	/* what the kernel calls this sender */

#endif
