/* memo.c: questions as bytes, and permits that were given before. */
#include "server/memo.h"

#include "lightgate/policy.h"

enum { DEPTH = 4 };		/* records within records */

static void
put_entity(struct lg_buf *b, const struct lg_entity_id *e)
{
	lg_buf_str32(b, e->type);
	lg_buf_bytes(b, e->id.b, sizeof e->id.b);
	lg_buf_str32(b, e->name);
}

/* Lengths stand before what they measure, so that no two lists of facts are the same bytes. */
static void
put_facts(struct lg_buf *b, const struct lg_fact *f, size_t n, int depth)
{
	b->full = b->full || depth == 0;
	lg_buf_u32(b, (uint32_t)n);
	for (size_t i = 0; i < n && !b->full; i++) {
		lg_buf_str32(b, lg_str_of(f[i].name));
		lg_buf_byte(b, (char)f[i].type);
		lg_buf_str32(b, f[i].s);
		lg_buf_bytes(b, f[i].id.b, sizeof f[i].id.b);
		lg_buf_u64(b, (uint64_t)f[i].i);
		if (f[i].type == LG_FACT_RECORD)
			put_facts(b, f[i].record, f[i].n, depth - 1);
		if (f[i].type != LG_FACT_SET)
			continue;
		lg_buf_u32(b, (uint32_t)f[i].n);
		for (size_t k = 0; k < f[i].n; k++)
			lg_buf_str32(b, f[i].set[k]);
	}
}

lg_str
lg_memo_key(struct lg_ctx *cx, const struct lg_question *q)
{
	char *place = lg_alloc(cx->arena, LG_ANSWER_KEY);
	struct lg_buf b = { place, 0, LG_ANSWER_KEY, LG_ANSWER_KEY, false };
	const struct lg_actor *actor = cx->actor;

	lg_buf_str32(&b, lg_str_of(q->action));
	put_entity(&b, &q->principal);
	put_entity(&b, &q->resource);
	put_entity(&b, &q->parent);
	put_facts(&b, q->facts, q->nfacts, DEPTH);
	put_facts(&b, q->context, q->ncontext, DEPTH);
	put_entity(&b, &(struct lg_entity_id){ actor->type, actor->id, actor->name });
	lg_buf_str32(&b, actor->address);
	return b.full ? LG_NONE : lg_buf_view(&b);
}

static void
put_list(struct lg_buf *b, const lg_str *v, size_t n)
{
	lg_buf_byte(b, (char)n);
	for (size_t i = 0; i < n; i++)
		lg_buf_str32(b, v[i]);
}

static const lg_str *
get_list(struct lg_ctx *cx, struct lg_rd *rd, size_t *n)
{
	lg_str *v = LG_NEWS(cx->arena, lg_str, LG_RULED_NAMES);

	*n = lg_rd_u8(rd);
	for (size_t i = 0; i < *n && i < LG_RULED_NAMES; i++)
		v[i] = lg_rd_str32(rd);
	return v;
}

bool
lg_memo_get(struct lg_ctx *cx, struct lg_answers *as, struct lg_view *v, const struct lg_question *q, uint64_t policy, lg_str key,
    struct lg_verdict *ret)
{
	struct lg_kept kept;

	if (key.n == 0 || !lg_answers_get(as, v, q->tenant, policy, key, &kept))
		return false;
	struct lg_rd rd = lg_rd_of(lg_dup(cx->arena, kept.response));
	*ret = (struct lg_verdict){ .permit = true, .stable = true, .revision = policy };
	ret->general = lg_rd_u8(&rd) != 0;
	ret->reason = lg_rd_str32(&rd);
	ret->policies = get_list(cx, &rd, &ret->npolicies);
	ret->advice = get_list(cx, &rd, &ret->nadvice);
	ret->policy = ret->npolicies > 0 ? ret->policies[0] : LG_NONE;
	return lg_rd_done(&rd);
}

void
lg_memo_put(struct lg_answers *as, struct lg_view *v, const struct lg_question *q, uint64_t policy, lg_str key,
    const struct lg_verdict *verdict)
{
	char place[LG_ANSWER_KEY];
	struct lg_buf b = { place, 0, sizeof place, sizeof place, false };

	if (key.n == 0 || !verdict->permit || !verdict->stable)
		return;
	lg_buf_byte(&b, (char)verdict->general);
	lg_buf_str32(&b, verdict->reason);
	put_list(&b, verdict->policies, verdict->npolicies);
	put_list(&b, verdict->advice, verdict->nadvice);
	if (!b.full)
		lg_answers_put(as, v, q->tenant, policy, key, &(struct lg_kept){ .response = lg_buf_view(&b) });
}
