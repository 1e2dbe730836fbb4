/* api_audit_verify.c: both logs walked, and held against what the keeper has signed, now and earlier. */
#include "base/http.h"
#include "base/text.h"
#include "server/api.h"
#include "server/heads.h"

#define LG_AUDIT_HEADS	16		/* that somebody kept, held against the logs at once */

static void
write_chain(struct lg_ctx *cx, struct lg_jsonw *w, const char *name, lg_err e, const struct lg_head *head, lg_str signed_head)
{
	lg_jsonw_name(w, lg_str_of(name));
	lg_jsonw_object(w);
	lg_jsonw_bool_of(w, "ok", e == LG_OK);
	if (e == LG_OK) {
		lg_jsonw_int_of(w, "epoch", head->epoch);
		lg_jsonw_int_of(w, "seq", (int64_t)head->seq);
		lg_jsonw_str_of(w, "hash", lg_hex(cx->arena, lg_sha256_str(&head->hash)));
	} else {
		lg_jsonw_str_of(w, "fault", lg_str_of(cx->error));
	}
	if (signed_head.n > 0) {
		lg_jsonw_name(w, LG_STR("signed"));
		lg_jsonw_raw(w, signed_head);
	}
	lg_jsonw_object_end(w);
}

/* The chain is walked, and its end must be what the keeper has signed. */
static lg_err
verify(struct lg_ctx *cx, struct lg_app *app, enum lg_chain chain, struct lg_head *head, lg_str *signed_head)
{
	struct lg_mark mark;

	LG_TRY(lg_heads_extend(cx, app, chain, signed_head));
	LG_TRY(lg_heads_mark(cx, app, chain, &mark));
	LG_TRY(chain == LG_CHAIN_CHANGES ? lg_log_verify(cx, app->store, 1, NULL, NULL, head)
					 : lg_segments_verify(cx, app->folders->log, head));
	if (mark.seq > head->seq)
		return lg_fail(cx, LG_E_CORRUPT, "the keeper has signed record %llu; the log ends at %llu", (unsigned long long)mark.seq,
		    (unsigned long long)head->seq);
	if (mark.seq == head->seq && mark.seq > 0 && !lg_equal_bytes(mark.hash.b, head->hash.b, sizeof mark.hash.b))
		return lg_fail(cx, LG_E_CORRUPT, "record %llu is not the one the keeper has signed", (unsigned long long)mark.seq);
	return LG_OK;
}

/* ---- heads that somebody kept ------------------------------------------------------------------------------------------------- */

struct kept {
	uint32_t chain;
	struct lg_mark mark;
};

/* CHAIN.EPOCH.SEQ.HASH: what a signed head says. */
static lg_err
read_kept(struct lg_ctx *cx, lg_str text, struct kept *ret)
{
	lg_str part[3], rest = text;
	int64_t number[3];

	for (size_t i = 0; i < LG_COUNT(part); i++)
		if (!lg_str_cut(rest, '.', &part[i], &rest) || !lg_int_parse(part[i], &number[i]) || number[i] < 0)
			return lg_fail(cx, LG_E_INVALID, "heads: CHAIN.EPOCH.SEQ.HASH is wanted");
	if (number[0] >= LG_CHAINS || number[1] > UINT32_MAX || !lg_hex_parse(cx->arena, rest, &rest) ||
	    rest.n != sizeof ret->mark.hash.b)
		return lg_fail(cx, LG_E_INVALID, "heads: no such log, epoch or hash");
	*ret = (struct kept){ (uint32_t)number[0], { .epoch = (uint32_t)number[1], .seq = (uint64_t)number[2] } };
	memcpy(ret->mark.hash.b, rest.p, rest.n);
	return LG_OK;
}

static lg_err
read_all_kept(struct lg_ctx *cx, lg_str list, struct kept ret[LG_AUDIT_HEADS], size_t *n)
{
	lg_str one;

	for (*n = 0; list.n > 0; (*n)++) {
		if (*n == LG_AUDIT_HEADS)
			return lg_fail(cx, LG_E_LIMIT, "at most %d heads at once", LG_AUDIT_HEADS);
		lg_str_cut(list, ',', &one, &list);
		LG_TRY(read_kept(cx, one, &ret[*n]));
	}
	return LG_OK;
}

/* Does today's log go on from it? */
static bool
write_kept(struct lg_ctx *cx, struct lg_app *app, struct lg_jsonw *w, const struct kept *k)
{
	bool changes = k->chain == LG_CHAIN_CHANGES;
	struct lg_head head = changes ? lg_store_head(app->store) : lg_segments_head(app->segments);
	lg_err e = changes ? lg_mark_check(cx, &k->mark, &head, lg_digests_changes, app->store, "change log")
			   : lg_mark_check(cx, &k->mark, &head, lg_digests_decisions, app->segments, "decision log");

	lg_jsonw_object(w);
	lg_jsonw_int_of(w, "chain", k->chain);
	lg_jsonw_int_of(w, "epoch", k->mark.epoch);
	lg_jsonw_int_of(w, "seq", (int64_t)k->mark.seq);
	lg_jsonw_bool_of(w, "ok", e == LG_OK);
	if (e != LG_OK)
		lg_jsonw_str_of(w, "fault", lg_str_of(cx->error));
	lg_jsonw_object_end(w);
	return e == LG_OK;
}

static bool
write_all_kept(struct lg_ctx *cx, struct lg_app *app, struct lg_jsonw *w, const struct kept *kept, size_t n)
{
	bool all = true;

	if (n == 0)
		return true;
	lg_jsonw_name(w, LG_STR("heads"));
	lg_jsonw_array(w);
	for (size_t i = 0; i < n; i++)
		all = write_kept(cx, app, w, &kept[i]) && all;
	lg_jsonw_array_end(w);
	return all;
}

lg_err
lg_api_audit_verify(void *self, struct lg_http *ex)
{
	static const char *const names[] = { "changes", "decisions" };
	struct lg_app *app = self;
	struct kept kept[LG_AUDIT_HEADS];
	struct lg_caller who;
	struct lg_form query;
	size_t n;

	LG_TRY(lg_form_parse(ex->cx, ex->query, &query));
	LG_TRY(read_all_kept(ex->cx, lg_form_get(&query, "heads"), kept, &n));
	{
		LG_AUTO(lg_view_end) struct lg_view *v = NULL;
		LG_TRY(lg_view_begin(ex->cx, app->store, &v));
		LG_TRY(lg_caller_admin(app, ex, v, "audit:read", &who));
	}
	struct lg_jsonw w = lg_api_json(ex);
	bool all = true;
	lg_jsonw_object(&w);
	for (int i = 0; i < LG_CHAINS; i++) {
		struct lg_head head;
		lg_str signed_head = LG_NONE;
		lg_err e = verify(ex->cx, app, (enum lg_chain)i, &head, &signed_head);
		if (e == LG_E_UNAVAILABLE || e == LG_E_BUSY) {	/* that says nothing of the chain */
			lg_buf_clear(&ex->out);
			return e;
		}
		write_chain(ex->cx, &w, names[i], e, &head, signed_head);
		all = all && e == LG_OK;
	}
	all = write_all_kept(ex->cx, app, &w, kept, n) && all;
	lg_jsonw_bool_of(&w, "ok", all);
	lg_jsonw_object_end(&w);
	return LG_OK;
}
