/*
 * table.h: the connections that are allowed, as this process looks them up and as the kernel is told.
 *
 * The kernel's table is ours alone.  It judges what goes from a guarded address to a guarded one, and drops what comes from or goes to a
 * guarded address that is nobody's.  Everything it lets through hangs on the sets `alive` and
 * `open` (for packets of open flows), whose elements end by themselves, and together.
 */
#ifndef LG_AGENT_GATE_TABLE_H
#define LG_AGENT_GATE_TABLE_H

#include "agent/gate/places.h"
#include "base/json.h"
#include "base/map.h"
#include "client/bundle.h"

#define LG_GATE_RANGES		64		/* of guarded addresses */
#define LG_GATE_TEXT		(64u << 10)	/* octets of the frame */
#define LG_GATE_MARK		0x6c676174u	/* on a packet that was refused in the queue */
#define LG_GATE_LEARNED		65536		/* verdicts of the queue that the kernel remembers */

struct lg_range {
	uint8_t net[32];			/* as lg_ipnet_parse gives it */
	size_t n;
};
/* "10.77.0.0/16", "fd77::/64".  LG_E_INVALID: bits are set behind the length, too. */
LG_CHECKED lg_err lg_range_parse(struct lg_ctx *cx, lg_str text, struct lg_range *ret);
bool lg_range_holds(const struct lg_range *r, const struct lg_address *at);

enum lg_gate_says { LG_GATE_DENY, LG_GATE_PERMIT, LG_GATE_ASK, LG_GATE_FOREIGN };	/* FOREIGN: not between two guarded ones */

struct lg_gate_named {
	struct lg_address at;
	lg_str workload;		/* empty: nobody's */
	lg_str container;		/* of this host that was found first with it; empty: another host's */
};

/* One state of the world, immutable; in an arena of its own. */
struct lg_gate_table {
	struct lg_arena *arena;
	const struct lg_range *range;		/* the gate's */
	size_t nrange;
	const struct lg_gate_named *named;
	size_t nnamed;
	struct lg_map by_address;		/* struct lg_address -> place in `index`, from 1 */
	uint32_t *index;			/* of each named one: the workload's place in the rows, UINT32_MAX: none */
	struct lg_connect_table rows;
	uint64_t generation;
};

/* The places' addresses and what the bundle (may be NULL: nothing is allowed) says of their connections. */
LG_CHECKED lg_err lg_gate_table_make(struct lg_ctx *cx, const struct lg_bundle *b, const struct lg_places *ps, const struct lg_range *range,
    size_t nrange, struct lg_gate_table **ret);
void lg_gate_table_free(struct lg_gate_table **t);	/* safe on NULL */
/* The body of PUT /v1/whereabouts: the places' addresses that the bundle delegates to this host, and that no two claim. */
void lg_gate_whereabouts(const struct lg_gate_table *t, const struct lg_bundle *b, const struct lg_places *ps, struct lg_jsonw *w);
bool lg_gate_table_guards(const struct lg_gate_table *t, const struct lg_address *at);	/* is it in one of the ranges? */
/* protocol: IPPROTO_...; port in host order.  The workloads' names are told when both are known. */
enum lg_gate_says lg_gate_table_ask(const struct lg_gate_table *t, const struct lg_address *from, const struct lg_address *to, int protocol,
    uint16_t port, lg_str *source, lg_str *destination);

/* ---- as nft(8) commands ------------------------------------------------------------------------------------- */

void lg_gate_write_frame(struct lg_buf *out);	/* the table without contents, in place of one that is there */
void lg_gate_write_ranges(const struct lg_range *range, size_t n, struct lg_buf *out);

#endif
