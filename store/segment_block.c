/* segment_block.c: the bytes of decision segments, to and fro; no files here. */
#include "store/segment.h"

enum { CHECK = 8 };

static const char segment_magic[4] = { 'L', 'G', 'S', 'G' }, block_magic[4] = { 'L', 'G', 'B', 'K' };

/* Pads the header that began at `from` to its size and seals it with its check. */
static void
seal(struct lg_buf *b, size_t from, size_t size)
{
	while (b->n - from < size - CHECK && !b->full)
		lg_buf_byte(b, 0);
	lg_sha256 h = lg_sha256_of(lg_str_sub(lg_buf_view(b), from, size - CHECK));
	lg_buf_bytes(b, h.b, CHECK);
}

static bool
sealed(lg_str bytes, size_t size, const char magic[4])
{
	if (bytes.n < size || memcmp(bytes.p, magic, 4) != 0)
		return false;
	lg_sha256 h = lg_sha256_of(lg_str_sub(bytes, 0, size - CHECK));
	return memcmp(bytes.p + size - CHECK, h.b, CHECK) == 0;
}

void
lg_segment_head_put(struct lg_buf *b, const struct lg_segment_head *h)
{
	size_t from = b->n;

	lg_buf_bytes(b, segment_magic, 4);
	lg_buf_u16(b, 1);
	lg_buf_u16(b, 0);
	lg_buf_u32(b, h->epoch);
	lg_buf_u64(b, h->first);
	lg_buf_bytes(b, h->prev.b, sizeof h->prev.b);
	lg_buf_u64(b, (uint64_t)h->created);
	seal(b, from, LG_SEGMENT_HEADER);
}

bool
lg_segment_head_decode(lg_str bytes, struct lg_segment_head *ret)
{
	struct lg_rd r = lg_rd_of(bytes);
	struct lg_segment_head h;

	if (!sealed(bytes, LG_SEGMENT_HEADER, segment_magic))
		return false;
	lg_rd_u32(&r);
	uint16_t version = lg_rd_u16(&r);
	lg_rd_u16(&r);
	h.epoch = lg_rd_u32(&r);
	h.first = lg_rd_u64(&r);
	lg_rd_fixed(&r, h.prev.b, sizeof h.prev.b);
	h.created = (int64_t)lg_rd_u64(&r);
	if (version != 1 || h.first == 0 || h.epoch == 0)
		return false;
	*ret = h;
	return true;
}

void
lg_block_head_put(struct lg_buf *b, const struct lg_block_head *h)
{
	size_t from = b->n;

	lg_buf_bytes(b, block_magic, 4);
	lg_buf_u32(b, h->size);
	lg_buf_u64(b, h->first);
	lg_buf_u32(b, h->count);
	lg_buf_u32(b, 0);
	seal(b, from, LG_BLOCK_HEADER);
}

bool
lg_block_head_decode(lg_str bytes, struct lg_block_head *ret)
{
	struct lg_rd r = lg_rd_of(bytes);
	struct lg_block_head h;

	if (!sealed(bytes, LG_BLOCK_HEADER, block_magic))
		return false;
	lg_rd_u32(&r);
	h.size = lg_rd_u32(&r);
	h.first = lg_rd_u64(&r);
	h.count = lg_rd_u32(&r);
	if (h.count == 0 || h.size > LG_BLOCK_MAX + LG_DECISION_MAX || h.size / LG_DECISION_HEADER < h.count)
		return false;
	*ret = h;
	return true;
}

/* What one record adds to the chain. */
static lg_sha256
digest_of(uint32_t epoch, uint64_t seq, uint32_t tenant, int64_t time, lg_str body)
{
	char head[24];
	struct lg_buf b = { head, 0, sizeof head, sizeof head, false };

	lg_buf_u32(&b, epoch);
	lg_buf_u64(&b, seq);
	lg_buf_u32(&b, tenant);
	lg_buf_u64(&b, (uint64_t)time);
	return lg_sha256_pair(lg_buf_view(&b), body);
}

lg_sha256
lg_segment_record_put(struct lg_buf *b, struct lg_head *chain, uint32_t tenant, int64_t time, lg_str body)
{
	lg_sha256 digest = digest_of(chain->epoch, chain->seq + 1, tenant, time, body);

	chain->hash = lg_sha256_pair(lg_sha256_str(&chain->hash), lg_sha256_str(&digest));
	chain->seq++;
	chain->time = time;
	lg_buf_u32(b, (uint32_t)body.n);
	lg_buf_u32(b, tenant);
	lg_buf_u64(b, (uint64_t)time);
	lg_buf_bytes(b, chain->hash.b, sizeof chain->hash.b);
	lg_buf_str(b, body);
	return digest;
}

bool
lg_segment_record_next(lg_str *rest, struct lg_head *chain, struct lg_segment_record *ret)
{
	struct lg_rd r = lg_rd_of(*rest);
	struct lg_segment_record x = { .seq = chain->seq + 1 };

	uint32_t n = lg_rd_u32(&r);
	x.tenant = lg_rd_u32(&r);
	x.time = (int64_t)lg_rd_u64(&r);
	lg_str hash = lg_rd_bytes(&r, sizeof x.hash.b);
	x.body = lg_rd_bytes(&r, n);
	if (r.bad || n > LG_DECISION_MAX)
		return false;
	x.digest = digest_of(chain->epoch, x.seq, x.tenant, x.time, x.body);
	x.hash = lg_sha256_pair(lg_sha256_str(&chain->hash), lg_sha256_str(&x.digest));
	if (!lg_str_eq(hash, lg_sha256_str(&x.hash)))
		return false;
	*rest = (lg_str){ (const char *)r.p, (size_t)(r.end - r.p) };
	*chain = (struct lg_head){ chain->epoch, x.seq, x.hash, x.time };
	*ret = x;
	return true;
}
