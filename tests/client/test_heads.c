/* test_heads.c: a service whose logs do not go on from what was heard of them is not believed. */
#include "client/heads.h"
#include "tests/client/bundle_world.h"
#include "tests/client/responder.h"

static struct lg_keyset *
audit_keys(const struct bundle_world *w)
{
	struct lg_keyset *ks;

	cr_assert_eq(lg_keyset_from_jwks(w->cx, lg_str_of(w->signer.jwks), &ks), LG_OK);
	return ks;
}

static lg_err
take(struct lg_ctx *cx, const struct lg_keyset *ks, struct lg_heads *h, lg_str one, bool *newer)
{
	return lg_heads_take(cx, ks, lg_print(cx->arena, "[%.*s]", LG_FMT(one)), h, newer);
}

Test(heads, they_only_go_on)
{
	TEST_CTX(cx);
	LG_AUTO(lg_keyset_unref) struct lg_keyset *ks = NULL;
	struct bundle_world w;
	struct lg_heads h = { .text = { "" } };
	bool newer;

	bundle_world_init(&w, cx);
	ks = audit_keys(&w);
	const struct {
		const char *what;
		lg_str head;
		lg_err e;
		bool newer;
		const char *why;
	} rows[] = {
		{ "the first", bundle_head(&w, &w.signer, 0, 2, 10, 'a'), LG_OK, true, NULL },
		{ "of the other log", bundle_head(&w, &w.signer, 1, 2, 3, 'b'), LG_OK, true, NULL },
		{ "a later one", bundle_head(&w, &w.signer, 0, 2, 11, 'c'), LG_OK, true, NULL },
		{ "a shorter log", bundle_head(&w, &w.signer, 0, 2, 10, 'a'), LG_E_DENIED, false, "changes ends at record 10, but had 11" },
		{ "another log", bundle_head(&w, &w.signer, 0, 2, 11, 'd'), LG_E_DENIED, false, "another one at record 11" },
		{ "an epoch before", bundle_head(&w, &w.signer, 1, 1, 99, 'e'), LG_E_DENIED, false, "decisions is of epoch 1, it was of epoch 2" },
		{ "nobody's", bundle_head(&w, &w.heir, 0, 2, 12, 'f'), LG_E_UNAUTHENTICATED, false, "no audit key" },
		{ "no such log", bundle_head(&w, &w.signer, 2, 2, 12, 'f'), LG_E_INVALID, false, "no log that is known" },
		{ "no head", LG_STR("{\"chain\":0}"), LG_E_INVALID, false, "malformed" },
		{ "nothing", LG_STR("null"), LG_E_INVALID, false, "" },
		{ "after a restore", bundle_head(&w, &w.signer, 0, 3, 5, '0'), LG_OK, true, NULL },
	};
	for (size_t i = 0; i < LG_COUNT(rows); i++) {
		struct lg_heads before = h;
		lg_err e = take(cx, ks, &h, rows[i].head, &newer);
		cr_assert_eq(e, rows[i].e, "%s: %s (%s)", rows[i].what, lg_err_name(e), cx->error);
		if (e == LG_OK)
			cr_assert_eq(newer, rows[i].newer, "%s", rows[i].what);
		else
			cr_assert(strstr(cx->error, rows[i].why) != NULL && memcmp(&before, &h, sizeof h) == 0, "%s: %s", rows[i].what, cx->error);
	}
	cr_assert_eq(take(cx, ks, &h, rows[10].head, &newer), LG_OK);
	cr_assert_not(newer, "the same again");
	lg_str long_one = lg_print(cx->arena, "%.*s%*s", (int)rows[10].head.n - 1, rows[10].head.p, LG_HEADS_TEXT, "}");
	cr_assert_eq(take(cx, ks, &h, long_one, &newer), LG_E_INVALID, "a head has fewer than LG_HEADS_TEXT octets");
	bundle_world_end(&w);
}

Test(heads, what_was_heard_is_kept)
{
	TEST_CTX(cx);
	LG_AUTO(lg_keyset_unref) struct lg_keyset *ks = NULL;
	const char *folder = test_folder();
	struct lg_heads h = { .text = { "" } }, again;
	struct bundle_world w;
	bool newer;

	bundle_world_init(&w, cx);
	ks = audit_keys(&w);
	cr_assert_eq(lg_heads_load(cx, folder, ks, &again), LG_OK);
	cr_assert_eq(again.text[0][0], '\0', "nothing was heard yet");
	cr_assert_eq(take(cx, ks, &h, bundle_head(&w, &w.signer, 0, 2, 10, 'a'), &newer), LG_OK);
	cr_assert_eq(lg_heads_save(cx, folder, &h), LG_OK);
	cr_assert_eq(lg_heads_load(cx, folder, ks, &again), LG_OK, "%s", cx->error);
	cr_assert_eq(take(cx, ks, &again, bundle_head(&w, &w.signer, 0, 2, 9, 'b'), &newer), LG_E_DENIED);
	memset(h.text[0] + 20, '9', 2);
	cr_assert_eq(lg_heads_save(cx, folder, &h), LG_OK);
	cr_assert_neq(lg_heads_load(cx, folder, ks, &again), LG_OK, "what somebody wrote there");
	bundle_world_end(&w);
}
