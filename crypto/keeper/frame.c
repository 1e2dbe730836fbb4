/* frame.c: frames and their typed bodies, written and read. */
#include "crypto/keeper/frame.h"

enum { LENGTH = 4, HEAD = 5 };		/* id and operation */

enum lg_frame_got
lg_frame_next(lg_str *in, size_t max, struct lg_frame *ret)
{
	struct lg_rd rd = lg_rd_of(*in);

	if (in->n < LENGTH)
		return LG_FRAME_NONE;
	size_t n = lg_rd_u32(&rd);
	if (n < HEAD || n > max)
		return LG_FRAME_BAD;
	if (in->n - LENGTH < n)
		return LG_FRAME_NONE;
	ret->id = lg_rd_u32(&rd);
	ret->op = lg_rd_u8(&rd);
	ret->body = lg_rd_bytes(&rd, n - HEAD);
	*in = (lg_str){ in->p + LENGTH + n, in->n - LENGTH - n };
	return LG_FRAME_ONE;
}

size_t
lg_frame_begin(struct lg_buf *b, uint32_t id, uint8_t op)
{
	size_t begun = b->n;

	lg_buf_u32(b, 0);
	lg_buf_u32(b, id);
	lg_buf_byte(b, (char)op);
	return begun;
}

void
lg_frame_end(struct lg_buf *b, size_t begun)
{
	if (b->full)
		return;
	size_t n = b->n - begun - LENGTH;
	for (size_t i = 0; i < LENGTH; i++)
		b->p[begun + i] = (char)(n >> (24 - 8 * i));
}

/* ---- bodies ------------------------------------------------------------------------------------------------- */

static void
put_strs(struct lg_buf *b, const lg_str *s, size_t n)
{
	lg_buf_byte(b, (char)n);
	for (size_t i = 0; i < n; i++)
		lg_buf_str32(b, s[i]);
}

static bool
get_strs(struct lg_rd *rd, lg_str *s, size_t max, size_t *n)
{
	*n = lg_rd_u8(rd);
	if (*n > max)
		return false;
	for (size_t i = 0; i < *n; i++)
		s[i] = lg_rd_str32(rd);
	return !rd->bad;
}

static int64_t
get_time(struct lg_rd *rd)
{
	return (int64_t)lg_rd_u64(rd);
}

void
lg_put_token_request(struct lg_buf *b, const struct lg_token_request *rq)
{
	lg_buf_u32(b, rq->tenant);
	lg_buf_byte(b, (char)rq->alg);		/* the fifth octet: it decides the lane */
	lg_buf_byte(b, (char)rq->purpose);
	lg_buf_str32(b, rq->typ);
	lg_buf_str32(b, rq->subject);
	put_strs(b, rq->audience, rq->naudience);
	lg_buf_u64(b, (uint64_t)rq->issued);
	lg_buf_u64(b, (uint64_t)rq->life);
	lg_buf_str32(b, rq->jti);
	lg_buf_str32(b, rq->extra);
}

bool
lg_get_token_request(struct lg_rd *rd, struct lg_token_request *ret)
{
	ret->tenant = lg_rd_u32(rd);
	ret->alg = lg_rd_u8(rd);
	ret->purpose = lg_rd_u8(rd);
	ret->typ = lg_rd_str32(rd);
	ret->subject = lg_rd_str32(rd);
	if (!get_strs(rd, ret->audience, LG_AUDIENCES, &ret->naudience))
		return false;
	ret->issued = get_time(rd);
	ret->life = get_time(rd);
	ret->jti = lg_rd_str32(rd);
	ret->extra = lg_rd_str32(rd);
	return lg_rd_done(rd);
}

void
lg_put_bundle_request(struct lg_buf *b, const struct lg_bundle_request *rq)
{
	lg_buf_u32(b, rq->tenant);
	lg_buf_str32(b, rq->audience);
	lg_buf_u32(b, rq->epoch);
	lg_buf_u64(b, rq->version);
	lg_buf_u64(b, (uint64_t)rq->issued);
	lg_buf_u64(b, (uint64_t)rq->life);
	lg_buf_str(b, lg_sha256_str(&rq->digest));
}

bool
lg_get_bundle_request(struct lg_rd *rd, struct lg_bundle_request *ret)
{
	ret->tenant = lg_rd_u32(rd);
	ret->audience = lg_rd_str32(rd);
	ret->epoch = lg_rd_u32(rd);
	ret->version = lg_rd_u64(rd);
	ret->issued = get_time(rd);
	ret->life = get_time(rd);
	lg_rd_fixed(rd, ret->digest.b, sizeof ret->digest.b);
	return lg_rd_done(rd);
}

void
lg_put_ceiling(struct lg_buf *b, const struct lg_ceiling *c)
{
	lg_buf_str32(b, c->issuer);
	lg_buf_str32(b, c->trust_domain);
	put_strs(b, c->dns_suffixes, c->ndns);
	lg_buf_byte(b, c->loopback ? 1 : 0);
	lg_buf_u64(b, (uint64_t)c->token_life);
	lg_buf_u64(b, (uint64_t)c->ticket_life);
	lg_buf_u64(b, (uint64_t)c->leaf_life);
	put_strs(b, c->nets, c->nnets);
}

bool
lg_get_ceiling(struct lg_rd *rd, bool nets, struct lg_ceiling *ret)
{
	ret->issuer = lg_rd_str32(rd);
	ret->trust_domain = lg_rd_str32(rd);
	if (!get_strs(rd, ret->dns_suffixes, LG_COUNT(ret->dns_suffixes), &ret->ndns))
		return false;
	ret->loopback = lg_rd_u8(rd) != 0;
	ret->token_life = get_time(rd);
	ret->ticket_life = get_time(rd);
	ret->leaf_life = get_time(rd);
	ret->nnets = 0;
	return !rd->bad && (!nets || get_strs(rd, ret->nets, LG_COUNT(ret->nets), &ret->nnets));
}

void
lg_put_keeper_key(struct lg_buf *b, const struct lg_keeper_key *k)
{
	lg_buf_u32(b, k->tenant);
	lg_buf_byte(b, (char)k->purpose);
	lg_buf_byte(b, (char)k->state);
	lg_buf_byte(b, (char)k->alg);
	lg_buf_u64(b, (uint64_t)k->created);
	lg_buf_u64(b, (uint64_t)k->since);
	lg_buf_str32(b, k->kid);
	lg_buf_str32(b, k->spki);
	lg_buf_str32(b, k->cert);
}

bool
lg_get_keeper_key(struct lg_rd *rd, struct lg_keeper_key *ret)
{
	ret->tenant = lg_rd_u32(rd);
	ret->purpose = lg_rd_u8(rd);
	ret->state = lg_rd_u8(rd);
	ret->alg = lg_rd_u8(rd);
	ret->created = get_time(rd);
	ret->since = get_time(rd);
	ret->kid = lg_rd_str32(rd);
	ret->spki = lg_rd_str32(rd);
	ret->cert = lg_rd_str32(rd);
	return !rd->bad;
}

void
lg_put_keeper_tenant(struct lg_buf *b, const struct lg_keeper_tenant *t)
{
	lg_buf_u32(b, t->id);
	lg_buf_str32(b, t->name);
	lg_put_ceiling(b, &t->ceiling);
	lg_buf_byte(b, (char)t->ocsp);
}

bool
lg_get_keeper_tenant(struct lg_rd *rd, struct lg_keeper_tenant *ret)
{
	ret->id = lg_rd_u32(rd);
	ret->name = lg_rd_str32(rd);
	if (!lg_get_ceiling(rd, true, &ret->ceiling))
		return false;
	ret->ocsp = lg_rd_u8(rd);
	return !rd->bad && ret->ocsp <= LG_OCSP_DELEGATED;
}
