/* heads.c: see heads.h. */
#include "client/heads.h"

#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "client/api.h"

static const char *const names[LG_HEADS_CHAINS] = { "changes", "decisions" };

/* ---- is it later? ------------------------------------------------------------------------------------------------------- */

/* Another epoch is the operator's word, `restore --accept-loss`, which the keeper keeps. */
static lg_err
goes_on(struct lg_ctx *cx, const struct lg_signed_head *was, const struct lg_signed_head *is)
{
	const char *name = names[is->chain];

	if (is->epoch != was->epoch)
		return is->epoch > was->epoch ? LG_OK : lg_fail(cx, LG_E_DENIED, "the service's log of %s is of epoch %u, it was of epoch %u", name,
		    is->epoch, was->epoch);
	if (is->seq < was->seq)
		return lg_fail(cx, LG_E_DENIED, "the service's log of %s ends at record %llu, but had %llu: it lost some, or hides them", name,
		    (unsigned long long)is->seq, (unsigned long long)was->seq);
	if (is->seq == was->seq && memcmp(&is->hash, &was->hash, sizeof is->hash) != 0)
		return lg_fail(cx, LG_E_DENIED, "the service's log of %s is another one at record %llu", name, (unsigned long long)is->seq);
	return LG_OK;
}

static lg_err
take_one(struct lg_ctx *cx, const struct lg_keyset *audit, lg_str text, struct lg_heads *h, bool *newer)
{
	struct lg_signed_head is;

	LG_TRY(lg_head_verify(cx, text, audit, &is));
	if (is.chain >= LG_HEADS_CHAINS || text.n >= LG_HEADS_TEXT)
		return lg_fail(cx, LG_E_INVALID, "a head of no log that is known");
	char *kept = h->text[is.chain];
	if (kept[0] != '\0')
		LG_TRY(goes_on(cx, &h->last[is.chain], &is));
	*newer = *newer || !lg_str_eq(text, lg_str_of(kept));
	h->last[is.chain] = is;
	memcpy(kept, text.p, text.n);
	kept[text.n] = '\0';
	return LG_OK;
}

lg_err
lg_heads_take(struct lg_ctx *cx, const struct lg_keyset *audit, lg_str json, struct lg_heads *h, bool *newer)
{
	struct lg_heads now = *h;
	struct lg_json js;

	*newer = false;
	lg_json_init(&js, cx->arena, json);
	lg_json_array(&js);
	while (lg_json_item(&js))
		LG_TRY(take_one(cx, audit, lg_json_raw(&js), &now, newer));
	LG_TRY(lg_json_end(cx, &js));
	*h = now;
	return LG_OK;
}

/* ---- on disk -------------------------------------------------------------------------------------------------------------- */

static const char *
path_of(struct lg_ctx *cx, const char *state)
{
	return lg_print(cx->arena, "%s/heads.json", state).p;
}

lg_err
lg_heads_load(struct lg_ctx *cx, const char *state, const struct lg_keyset *audit, struct lg_heads *ret)
{
	const char *path = path_of(cx, state);
	lg_str text;
	bool newer;

	*ret = (struct lg_heads){ .text = { "" } };
	if (access(path, F_OK) != 0)
		return LG_OK;
	LG_TRY(lg_file_read(cx, path, (LG_HEADS_CHAINS + 1) * LG_HEADS_TEXT, &text));
	lg_err e = lg_heads_take(cx, audit, lg_api_raw(cx, text, "heads"), ret, &newer);
	return e == LG_OK ? LG_OK : lg_fail_in(cx, e, path);
}

lg_err
lg_heads_save(struct lg_ctx *cx, const char *state, const struct lg_heads *h)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF((LG_HEADS_CHAINS + 1) * LG_HEADS_TEXT);
	struct lg_jsonw w = lg_jsonw_of(&b);

	lg_jsonw_object(&w);
	lg_jsonw_name(&w, LG_STR("heads"));
	lg_jsonw_array(&w);
	for (int chain = 0; chain < LG_HEADS_CHAINS; chain++)
		if (h->text[chain][0] != '\0')
			lg_jsonw_raw(&w, lg_str_of(h->text[chain]));
	lg_jsonw_array_end(&w);
	lg_jsonw_object_end(&w);
	LG_TRY(lg_buf_status(cx, &b));
	return lg_file_write(cx, path_of(cx, state), 0600, lg_buf_view(&b));
}
