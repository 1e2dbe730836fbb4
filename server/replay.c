/* replay.c: the decision log against a candidate, a bounded page at a time. */
#include "server/replay.h"

#include "base/clock.h"
#include "lightgate/directory.h"

struct line {
	uint64_t seq;
	int64_t time;
	uint32_t tenant;
	lg_str body;
};

struct page {
	struct lg_ctx *cx;
	struct lg_replay *r;
	struct line *line;
	size_t n, bytes;
};

/* ---- reading ----------------------------------------------------------------------------------------------------- */

/* Lines are read before the first is judged: no snapshot is held while files are read. */
static bool
take(void *arg, uint64_t seq, uint32_t tenant, int64_t time, lg_str body)
{
	struct page *p = arg;

	if (seq > p->r->until)
		return false;
	bool ours = tenant == p->r->tenant;
	p->line[p->n++] = (struct line){ seq, time, tenant, ours ? lg_dup(p->cx->arena, body) : LG_NONE };
	p->bytes += ours ? body.n : 0;
	return p->n < LG_REPLAY_RECORDS && p->bytes < LG_REPLAY_BYTES;
}

static bool
take_time(void *arg, uint64_t seq, uint32_t tenant, int64_t time, lg_str body)
{
	(void)seq, (void)tenant, (void)body;
	*(int64_t *)arg = time;
	return false;
}

/* Times rise with the log, give or take the moment that two loops are apart. */
static lg_err
first_since(struct lg_ctx *cx, const struct lg_replay *r, int64_t since, uint64_t *from)
{
	uint64_t low = *from, high = r->until + 1;

	while (low < high) {
		uint64_t middle = low + (high - low) / 2;
		int64_t time = INT64_MAX;
		LG_TRY(lg_segments_read(cx, r->log, middle, take_time, &time));
		if (time < since)
			low = middle + 1;
		else
			high = middle;
	}
	*from = low;
	return LG_OK;
}

lg_err
lg_replay_begin(struct lg_ctx *cx, struct lg_replay *r, uint64_t head, int64_t since, uint64_t limit)
{
	r->until = head;
	r->from = head > limit ? head - limit + 1 : 1;
	if (since > 0)
		LG_TRY(first_since(cx, r, since, &r->from));
	if (r->from > r->until)
		r->from = 0;
	return LG_OK;
}

/* ---- judging ----------------------------------------------------------------------------------------------------- */

static bool
is_gone(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_uuid id)
{
	struct lg_entry e;

	return !lg_uuid_is_nil(id) && lg_entry_by_uuid(cx, v, tenant, id, &e) != LG_OK;
}

static bool
names_gone(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, const struct lg_fact *f, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (f[i].type == LG_FACT_ENTITY && is_gone(cx, v, tenant, f[i].id))
			return true;
		if (f[i].type == LG_FACT_RECORD && names_gone(cx, v, tenant, f[i].record, f[i].n))
			return true;
	}
	return false;
}

static bool
asks_of_gone(struct lg_ctx *cx, struct lg_view *v, const struct lg_question *q)
{
	return is_gone(cx, v, q->tenant, q->principal.id) || is_gone(cx, v, q->tenant, q->resource.id) ||
	    is_gone(cx, v, q->tenant, q->parent.id) || names_gone(cx, v, q->tenant, q->facts, q->nfacts) ||
	    names_gone(cx, v, q->tenant, q->context, q->ncontext);
}

static void
compare(struct lg_replay *r, const struct line *l, const struct lg_past *past, const struct lg_verdict *now,
    const struct lg_verdict *candidate, lg_replay_each *each, void *arg)
{
	struct lg_replay_row row = { l->seq, l->time, past, now, candidate, now->permit != candidate->permit };

	r->replayed++;
	r->masked += past->masked;
	r->changed += row.changed;
	if (!row.changed && now->permit == past->verdict.permit)
		return;
	r->drifted += !row.changed;
	each(arg, &row);
}

/* Under both sets, as whoever asked then, at the time it was. */
static void
judge(struct lg_ctx *cx, struct lg_replay *r, struct lg_view *v, const struct line *l, lg_replay_each *each, void *arg)
{
	struct lg_verdict now, candidate;
	struct lg_past past;

	if (lg_decision_parse(cx, l->body, &past) != LG_OK || !past.whole || past.verdict.revision == 0) {
		r->partial++;
		return;
	}
	past.question.tenant = past.asker.tenant = r->tenant;
	cx->actor = &past.asker;
	cx->now = past.question.made.at != 0 ? past.question.made.at : l->time;
	if (asks_of_gone(cx, v, &past.question)) {
		r->gone++;
		return;
	}
	if (lg_point_ask_under(r->point, cx, v, NULL, &past.question, &now) != LG_OK ||
	    lg_point_ask_under(r->point, cx, v, r->candidate, &past.question, &candidate) != LG_OK)
		r->partial++;		/* no question that can be asked: a fact stands in it twice */
	else
		compare(r, l, &past, &now, &candidate, each, arg);
}

static lg_err
judge_all(struct page *p, lg_replay_each *each, void *arg)
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;
	LG_AUTO(lg_arena_free) struct lg_arena *scratch = lg_arena_new();
	int64_t end = lg_monotonic_ns() + LG_REPLAY_TIME;
	struct lg_replay *r = p->r;

	LG_TRY(lg_view_begin(p->cx, r->store, &v));
	for (size_t i = 0; i < p->n; i++) {
		struct lg_ctx cx = *p->cx;
		if (r->changed + r->drifted == LG_REPLAY_ROWS || lg_monotonic_ns() > end)
			return LG_OK;
		r->looked++;
		r->from = p->line[i].seq + 1;
		if (p->line[i].tenant != r->tenant)
			continue;
		lg_arena_reset(scratch);
		cx.arena = scratch;
		judge(&cx, r, v, &p->line[i], each, arg);
	}
	return LG_OK;
}

lg_err
lg_replay_page(struct lg_ctx *cx, struct lg_replay *r, lg_replay_each *each, void *arg)
{
	struct page p = { .cx = cx, .r = r, .line = LG_NEWS(cx->arena, struct line, LG_REPLAY_RECORDS) };

	r->looked = r->replayed = r->changed = r->drifted = r->masked = r->gone = r->partial = 0;
	if (r->from == 0)
		return LG_OK;
	LG_TRY(lg_segments_read(cx, r->log, r->from, take, &p));
	LG_TRY(judge_all(&p, each, arg));
	if (p.n == 0 || r->from > r->until)
		r->from = 0;
	return LG_OK;
}
