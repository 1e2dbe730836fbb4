/*
 * Any bytes as a decision segment, walked as the file that it would be; after a repair it must be clean, and hold what
 * the walk saw.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "store/segment.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct lg_head
start(const struct lg_segment_head *h)
{
	return (struct lg_head){ h->epoch, h->first - 1, h->prev, h->created };
}

static void
walk_and_repair(struct lg_ctx *cx, struct lg_segment_file *f)
{
	struct lg_head first = start(&f->head), again = first;
	struct lg_segment_end end;

	if (lg_segment_walk(cx, f, &first, NULL, NULL, &end) != LG_OK || end.at > f->size || !end.torn)
		return;
	if (lg_segment_repair(cx, f, f->size, &end) != LG_OK)
		return;		/* a file system without fallocate */
	if (lg_segment_walk(cx, f, &again, NULL, NULL, &end) != LG_OK || !end.clean || again.seq != first.seq ||
	    memcmp(&again.hash, &first.hash, sizeof first.hash) != 0)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	LG_AUTO(lg_arena_free) struct lg_arena *a = lg_arena_new();
	struct lg_segment_file f = { .path = "fuzz", .size = size };
	struct lg_block_head block;
	struct lg_ctx cx;

	lg_ctx_init(&cx, a);
	lg_str bytes = { (const char *)data, size };
	(void)lg_block_head_decode(bytes, &block);
	if (!lg_segment_head_decode(bytes, &f.head))
		return 0;
	f.fd = memfd_create("segment", MFD_CLOEXEC);
	if (f.fd < 0)
		return 0;
	if (write(f.fd, data, size) == (ssize_t)size)
		walk_and_repair(&cx, &f);
	close(f.fd);
	return 0;
}
