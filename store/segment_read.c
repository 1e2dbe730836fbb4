/* segment_read.c: a folder of decision segments, read from its oldest file to its newest, lazily or strictly. */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "store/segment.h"

#define LG_VERIFY_TRIES	3
#define LG_VERIFY_PAUSE	20000	/* us: a block that is being written is whole by then */

struct walk {
	const char *dir;
	uint64_t *first;
	size_t n, i;
	struct lg_head chain;
	struct lg_segment_end end;
	bool strict;
};

/* The file's header continues the chain, or begins it. */
static lg_err
enter(struct lg_ctx *cx, struct walk *w, const struct lg_segment_file *f)
{
	if (w->chain.seq == 0 && w->chain.epoch == 0)
		w->chain = (struct lg_head){ f->head.epoch, f->head.first - 1, f->head.prev, f->head.created };
	if (f->head.first != w->chain.seq + 1 || memcmp(&f->head.prev, &w->chain.hash, sizeof f->head.prev) != 0 ||
	    f->head.epoch < w->chain.epoch)
		return lg_fail(cx, LG_E_CORRUPT, "%s: record %" PRIu64 " does not follow the segment before", f->path,
		    w->chain.seq + 1);
	w->chain.epoch = f->head.epoch;
	return LG_OK;
}

/* Only the newest file may have a torn end, and only for those who are not strict. */
static lg_err
leave(struct lg_ctx *cx, const struct walk *w, const struct lg_segment_file *f)
{
	bool newest = w->i + 1 == w->n;

	if (w->end.stopped || (w->end.clean && (newest || w->end.at == f->size)) || (newest && w->end.torn && !w->strict))
		return LG_OK;
	return lg_fail(cx, LG_E_CORRUPT, "%s: record %" PRIu64 " does not fit", f->path, w->chain.seq + 1);
}

static lg_err
walk_folder(struct lg_ctx *cx, struct walk *w, lg_segment_each *each, void *arg)
{
	for (; w->i < w->n && !w->end.stopped; w->i++) {
		struct lg_segment_file f;
		LG_TRY(lg_segment_open(cx, w->dir, w->first[w->i], O_RDONLY, &f));
		lg_err e = enter(cx, w, &f);
		if (e == LG_OK)
			e = lg_segment_walk(cx, &f, &w->chain, each, arg, &w->end);
		if (e == LG_OK)
			e = leave(cx, w, &f);
		lg_segment_close(&f);
		LG_TRY(e);
	}
	return LG_OK;
}

/* Starts with the file that holds `from`. */
static lg_err
begin(struct lg_ctx *cx, const char *dir, uint64_t from, struct walk *ret)
{
	*ret = (struct walk){ .dir = dir };
	LG_TRY(lg_segment_list(cx, dir, &ret->first, &ret->n));
	while (ret->i + 1 < ret->n && ret->first[ret->i + 1] <= from)
		ret->i++;
	return LG_OK;
}

struct reading {
	uint64_t from;
	lg_decision_each *each;
	void *arg;
};

static bool
give(void *arg, const struct lg_segment_record *r)
{
	struct reading *x = arg;

	return r->seq < x->from || x->each(x->arg, r->seq, r->tenant, r->time, r->body);
}

lg_err
lg_segments_read(struct lg_ctx *cx, const char *dir, uint64_t from, lg_decision_each *each, void *arg)
{
	struct reading x = { from, each, arg };
	struct walk w;

	LG_TRY(begin(cx, dir, from, &w));
	return walk_folder(cx, &w, give, &x);
}

lg_err
lg_segments_verify(struct lg_ctx *cx, const char *dir, struct lg_head *ret)
{
	struct walk w;
	lg_err e;

	for (int try = 0;; try++) {
		LG_TRY(begin(cx, dir, 0, &w));
		w.strict = true;
		e = walk_folder(cx, &w, NULL, NULL);
		if (e != LG_E_CORRUPT || try == LG_VERIFY_TRIES)
			break;
		usleep(LG_VERIFY_PAUSE);
	}
	if (e == LG_OK)
		*ret = w.chain;
	return e;
}

struct digests {
	struct lg_buf out;
	uint64_t from, to;
};

static bool
take_digest(void *arg, const struct lg_segment_record *r)
{
	struct digests *d = arg;

	if (r->seq > d->from && r->seq <= d->to)
		lg_buf_bytes(&d->out, r->digest.b, sizeof r->digest.b);
	return r->seq < d->to;
}

lg_err
lg_segments_digests_in(struct lg_ctx *cx, const char *dir, uint64_t from, uint64_t to, lg_str *ret)
{
	struct digests d = { LG_BUF((to - from) * sizeof(lg_sha256)), from, to };
	struct walk w;

	lg_err e = begin(cx, dir, from + 1, &w);
	if (e == LG_OK)
		e = walk_folder(cx, &w, take_digest, &d);
	if (e == LG_OK)
		e = lg_buf_status(cx, &d.out);
	if (e == LG_OK)
		*ret = lg_dup(cx->arena, lg_buf_view(&d.out));
	lg_buf_free(&d.out);
	return e;
}
