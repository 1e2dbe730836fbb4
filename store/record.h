/*
 * record.h: change records as bytes.
 *
 *	body   = header, changes
 *	header = "LGR1", epoch u32, nonce u64, seq u64, previous hash 32, node str16, incarnation u64, batch u64, time i64,
 *	         level u16, count u32
 *	change = tenant u32, kind u8, actor 16, type, name, address, operation, target, detail: str32, effects u32, effects
 *	effect = op u8, table u16, key str16, then put: value str32 | splice: at u32, cut u32, insert str32 | blob: SHA-256
 *	row    = hash 32, body;  hash = SHA-256(previous hash, SHA-256(body))
 *
 * All integers big-endian.  The change header is the audit row.  A splice is a put that says only what is new of a long
 * value; the chain guarantees the old one.
 */
#ifndef LG_STORE_RECORD_H
#define LG_STORE_RECORD_H

#include "lightgate/store.h"

#define LG_RECORD_MAX		(64u << 20)
#define LG_RECORD_CHANGES	65536
#define LG_RECORD_LEVEL		1		/* rises when a reader must know something new */
#define LG_NODE_MAX		255

struct lg_record_head {
	uint32_t epoch;
	uint64_t nonce;			/* drawn when the epoch began: two restores of one backup differ */
	uint64_t seq;
	lg_sha256 prev;
	lg_str node;
	uint64_t incarnation, batch;
	int64_t time;
	uint16_t level;
	uint32_t changes;
};

enum lg_effect_op { LG_EFFECT_PUT = 1, LG_EFFECT_DEL, LG_EFFECT_SPLICE, LG_EFFECT_BLOB_PUT, LG_EFFECT_BLOB_DEL };

struct lg_effect {
	enum lg_effect_op op;
	uint16_t table;
	lg_str key;
	lg_str value;			/* put, splice: the bytes; blob put: the SHA-256 of the sealed bytes */
	uint32_t at, cut;		/* splice: at old offset `at`, `cut` bytes give way to value */
};

struct lg_record_change {
	struct lg_change change;	/* seq, index and time filled from the header */
	uint32_t neffects;
	lg_str effects;			/* for lg_effect_next */
};

void lg_record_put_head(struct lg_buf *out, const struct lg_record_head *h);
void lg_record_set_count(struct lg_buf *body, size_t header_end, uint32_t count);
void lg_record_put_change(struct lg_buf *out, const struct lg_change *c, uint32_t neffects, lg_str effects);
void lg_effect_put(struct lg_buf *out, const struct lg_effect *e);
lg_sha256 lg_record_hash(const lg_sha256 *prev, const lg_sha256 *body);

/* A decoded record points into the bytes it was decoded from.  Everything is checked by lg_record_decode. */
struct lg_record {
	struct lg_record_head head;
	lg_str body;
	struct lg_rd at;		/* the next change */
	uint32_t index;
};
LG_CHECKED lg_err lg_record_decode_head(struct lg_ctx *cx, lg_str body, struct lg_record_head *ret);
LG_CHECKED lg_err lg_record_decode(struct lg_ctx *cx, lg_str body, struct lg_record *ret);
bool lg_record_next(struct lg_record *r, struct lg_record_change *ret);
bool lg_effect_next(lg_str *effects, struct lg_effect *ret);
/* The change whose header begins at `offset` of the body; for the audit index. */
size_t lg_record_offset(const struct lg_record *r);
LG_CHECKED lg_err lg_record_change_at(struct lg_ctx *cx, lg_str body, uint32_t index, size_t offset, struct lg_change *ret);

#endif
