/*
 * archive.h: records that left the log: files "<first>-<last>.log" of frames, each compressed by itself, so that one record is
 * found by hopping over frame headers and unpacking one frame.
 *
 *	check = the first octets of SHA-256 over the packed bytes: zstd has bits that do not change what it unpacks
 *	frame = "LGAF", first u64, last u64, raw u32, packed u32, check 8, zstd bytes;  raw = records { seq u64, hash 32, body str32 }
 */
#ifndef LG_STORE_ARCHIVE_H
#define LG_STORE_ARCHIVE_H

#include "store/log.h"

#define LG_FRAME_HEADER		36
#define LG_FRAME_RAW		(1u << 20)	/* a frame is closed when it is longer */
#define LG_FRAME_MAX		((64u << 20) + (2u << 20))
#define LG_ARCHIVE_FILES	65536

struct lg_frame {
	uint64_t first, last;
	uint32_t raw, packed;
	uint64_t check;
};

struct lg_archive_file {
	uint64_t first, last;
};

/* archive_read.c.  The unpacked frame is kept for the next call: neighbours are in it. */
struct lg_archive {
	const char *dir;
	struct lg_archive_file *file;
	size_t n;
	struct lg_buf raw;
	uint64_t first, last;		/* of what raw holds; last 0: nothing */
};
LG_CHECKED lg_err lg_archive_open(struct lg_ctx *cx, const char *dir, struct lg_archive *ret);	/* a missing folder is empty */
void lg_archive_close(struct lg_archive *a);
/* Records from..to as far as they are here, each once, in order; *stopped when each returned false. */
LG_CHECKED lg_err lg_archive_read(struct lg_ctx *cx, struct lg_archive *a, uint64_t from, uint64_t to, lg_log_each *each, void *arg, bool *stopped);

/* Decodes what stands at the beginning of bytes. */
uint64_t lg_frame_check(lg_str packed);
void lg_frame_put(struct lg_buf *out, const struct lg_frame *f);

#endif
