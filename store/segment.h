/*
 * segment.h: decision segments as bytes.  A folder of files "<first sequence number, 16 hex digits>.seg", each preallocated:
 *
 *	file   = header 128, blocks, zeros (the newest) or the end (all others)
 *	header = "LGSG", version u16, 0 u16, epoch u32, first u64, previous hash 32, created i64, zeros, check 8
 *	block  = "LGBK", size u32 (of its records), first u64, count u32, 0 u32, check 8, records
 *	record = n u32, tenant u32, time i64, hash 32, body n
 *	digest = SHA-256(epoch u32, seq u64, tenant u32, time i64, body);  hash = SHA-256(previous hash, digest)
 *	check  = the first octets of SHA-256 of the header before it
 *
 * A block is one write and one sync, and the next one is written only after it: what a crash tears is the last block, and
 * a fault that a good block follows is not a crash's doing.
 */
#ifndef LG_STORE_SEGMENT_H
#define LG_STORE_SEGMENT_H

#include "lightgate/store.h"

#define LG_SEGMENT_SIZE		(8u << 20)	/* the newest is read at every start: some 30 ms when full */
#define LG_SEGMENT_RECENT	65536		/* digests of synced records that are remembered until the keeper has them */
#define LG_SEGMENT_HEADER	128
#define LG_BLOCK_HEADER		32
#define LG_BLOCK_MAX		(4u << 20)	/* of records, unless one record alone is longer */
#define LG_DECISION_MAX		(64u << 10)	/* body of one record */
#define LG_DECISION_HEADER	48
#define LG_SEGMENTS_MAX		65536		/* files in a folder */

struct lg_segment_head {
	uint32_t epoch;
	uint64_t first;
	lg_sha256 prev;
	int64_t created;
};

struct lg_block_head {
	uint32_t size, count;
	uint64_t first;
};

struct lg_segment_record {
	uint64_t seq;
	uint32_t tenant;
	int64_t time;
	lg_str body;
	lg_sha256 digest, hash;
};

/* segment_block.c: bytes only. */
void lg_segment_head_put(struct lg_buf *out, const struct lg_segment_head *h);
bool lg_segment_head_decode(lg_str bytes, struct lg_segment_head *ret);
void lg_block_head_put(struct lg_buf *out, const struct lg_block_head *h);
bool lg_block_head_decode(lg_str bytes, struct lg_block_head *ret);
/* Appends a record and moves the chain's head over it; its digest. */
lg_sha256 lg_segment_record_put(struct lg_buf *out, struct lg_head *chain, uint32_t tenant, int64_t time, lg_str body);
/* Takes one record off the front and moves the chain's head over it; false, with nothing changed, if it does not fit. */
bool lg_segment_record_next(lg_str *rest, struct lg_head *chain, struct lg_segment_record *ret);

/* segment_file.c: one file, walked. */
struct lg_segment_file {
	char path[512];
	int fd;
	uint64_t size;			/* of the file */
	struct lg_segment_head head;
};
void lg_segment_close(struct lg_segment_file *f);
LG_CHECKED lg_err lg_segment_open(struct lg_ctx *cx, const char *dir, uint64_t first, int flags, struct lg_segment_file *ret);
/* Makes, preallocates and names a new one, durably. */
LG_CHECKED lg_err lg_segment_create(struct lg_ctx *cx, const char *dir, uint64_t size, const struct lg_segment_head *h, struct lg_segment_file *ret);
/* The first sequence numbers of the folder's files, rising, in cx's arena. */
LG_CHECKED lg_err lg_segment_list(struct lg_ctx *cx, const char *dir, uint64_t **first, size_t *n);

typedef bool lg_segment_each(void *arg, const struct lg_segment_record *r);	/* false ends the walk */
struct lg_segment_end {
	uint64_t at;			/* where the next block belongs */
	uint64_t block;			/* a block that is good only at its beginning: where it begins, 0 without one */
	struct lg_block_head good;	/* and the good part of it */
	bool stopped;			/* each said so */
	bool clean;			/* nothing but zeros follows */
	bool torn;			/* what follows cannot have been synced */
};
/* Walks the blocks from the head that the chain is at, moving it.  Ends before the first block that does not fit. */
LG_CHECKED lg_err lg_segment_walk(struct lg_ctx *cx, const struct lg_segment_file *f, struct lg_head *chain, lg_segment_each *each, void *arg, struct lg_segment_end *ret);
/* Puts the file's end where the walk ended; what was torn becomes zeros. */
LG_CHECKED lg_err lg_segment_repair(struct lg_ctx *cx, const struct lg_segment_file *f, uint64_t size, const struct lg_segment_end *end);
/* Everything from `at` on is zeros again, and preallocated. */
LG_CHECKED lg_err lg_segment_wipe(struct lg_ctx *cx, int fd, uint64_t at, uint64_t size);

/* segment_read.c: the digests of records (from, to]. */
LG_CHECKED lg_err lg_segments_digests_in(struct lg_ctx *cx, const char *dir, uint64_t from, uint64_t to, lg_str *ret);

/* segment_writer.c: with segments of another size, for tests. */
LG_CHECKED lg_err lg_segments_open_sized(struct lg_ctx *cx, const char *dir, size_t buffer, uint64_t size, struct lg_segments **ret);

#endif
