#include <stdio.h>

#include "tests/sts/kit.h"

TestSuite(refresh, .init = kit_start, .fini = kit_end);

static lg_str
first_token(const char *client, const char *more)
{
	struct answer a = kit_redeem(client, kit_code(client, more, kit_sign_in()));

	assert_status(a, 200);
	return kit_member(a.body, "refresh_token");
}

static lg_str
next_token(lg_str token)
{
	struct answer a = kit_refresh("spa", token, "");

	assert_status(a, 200);
	return kit_member(a.body, "refresh_token");
}

Test(refresh, rotates_and_gives_tokens_of_the_same_grant)
{
	lg_str one = first_token("spa", ""), two;
	struct answer a = kit_refresh("spa", one, "");
	struct lg_sts_bearer b;

	assert_status(a, 200);
	two = kit_member(a.body, "refresh_token");
	cr_assert_not(lg_str_eq(one, two));
	cr_assert_eq(kit_check(kit_member(a.body, "access_token"), ISSUER, &b), LG_OK);
	cr_assert(lg_str_eq(b.claims.scope, LG_STR("openid profile email groups")));
	/* OpenID Connect Core 12.2: the same sub, and no nonce. */
	cr_assert(lg_str_eq(kit_member(kit_payload(kit_member(a.body, "id_token")), "sub"), LG_STR(ALICE_ID)));
	cr_assert_eq(kit_member(kit_payload(kit_member(a.body, "id_token")), "nonce").n, 0);
	cr_assert_not(lg_str_eq(next_token(two), two));
}

Test(refresh, the_same_token_again_within_the_grace_window_gives_the_same_successor)
{
	lg_str one = first_token("spa", ""), two = next_token(one);

	cr_assert(lg_str_eq(next_token(one), two));
	kit.shift = 8 * LG_SECOND;
	cr_assert(lg_str_eq(next_token(one), two));
	(void)next_token(two);
}

Test(refresh, two_at_once_get_the_same_successor)
{
	lg_str one = first_token("spa", "");
	struct answer two[2];

	kit_post_two("/oauth2/token", kit_fmt("grant_type=refresh_token&client_id=spa&refresh_token=%.*s", LG_FMT(one)), two);
	assert_status(two[0], 200);
	assert_status(two[1], 200);
	cr_assert(lg_str_eq(kit_member(two[0].body, "refresh_token"), kit_member(two[1].body, "refresh_token")));
}

Test(refresh, a_keeper_that_fails_beside_the_rotation_costs_nobody_the_family)
{
	lg_str one = first_token("spa", "");
	uint64_t before = lg_store_head(kit.store).seq;

	kit.signer_error = LG_E_UNAVAILABLE;
	assert_oauth(kit_refresh("spa", one, ""), 503, "temporarily_unavailable");
	cr_assert_gt(lg_store_head(kit.store).seq, before, "the rotation was beside it");
	kit.signer_error = LG_OK;
	(void)next_token(next_token(one));
}

Test(refresh, reuse_after_the_grace_window_kills_the_family)
{
	lg_str one = first_token("spa", "");
	struct answer a = kit_refresh("spa", one, "");
	struct lg_sts_bearer b;

	kit.shift = 11 * LG_SECOND;
	assert_oauth(kit_refresh("spa", one, ""), 400, "invalid_grant");
	assert_oauth(kit_refresh("spa", kit_member(a.body, "refresh_token"), ""), 400, "invalid_grant");
	cr_assert_eq(kit_check(kit_member(a.body, "access_token"), ISSUER, &b), LG_E_UNAUTHENTICATED);
	cr_assert(strstr(kit.cx.error, "revoked") != NULL);
}

Test(refresh, the_token_before_the_last_has_no_grace)
{
	lg_str one = first_token("spa", ""), two = next_token(one), three = next_token(two);

	assert_oauth(kit_refresh("spa", one, ""), 400, "invalid_grant");
	assert_oauth(kit_refresh("spa", three, ""), 400, "invalid_grant");
}

Test(refresh, belongs_to_its_client)
{
	lg_str one = first_token("spa", "");

	assert_oauth(kit_refresh("portal", one, ""), 400, "invalid_grant");
	(void)next_token(one);		/* another client's attempt did not end it */
	assert_oauth(kit_post("/oauth2/token", kit_fmt("grant_type=refresh_token&refresh_token=%.*s", LG_FMT(one)),
	    kit_basic("worker", WORKER_SECRET)), 400, "unauthorized_client");
}

Test(refresh, confidential_clients_must_authenticate)
{
	lg_str one = first_token("portal", "");

	assert_oauth(kit_post("/oauth2/token", kit_fmt("grant_type=refresh_token&client_id=portal&refresh_token=%.*s",
	    LG_FMT(one)), NULL), 401, "invalid_client");
	assert_status(kit_refresh("portal", one, ""), 200);
}

Test(refresh, scope_narrows_for_this_token_and_never_widens)
{
	lg_str one = first_token("spa", ""), two;
	struct answer a = kit_refresh("spa", one, "&scope=openid");

	assert_status(a, 200);
	cr_assert(lg_str_eq(kit_member(a.body, "scope"), LG_STR("openid")));
	two = kit_member(a.body, "refresh_token");
	assert_oauth(kit_refresh("spa", two, "&scope=openid+offline_access"), 400, "invalid_scope");
	a = kit_refresh("spa", two, "");
	cr_assert(lg_str_eq(kit_member(a.body, "scope"), LG_STR("openid profile email groups")));
}

Test(refresh, what_was_never_issued_is_refused)
{
	lg_str one = first_token("spa", "");

	assert_oauth(kit_refresh("spa", LG_STR(""), ""), 400, "invalid_request");
	assert_oauth(kit_refresh("spa", LG_STR("abc"), ""), 400, "invalid_grant");
	assert_oauth(kit_refresh("spa", sts_refresh_new(kit.arena, lg_uuid_new()), ""), 400, "invalid_grant");
	assert_oauth(kit_refresh("spa", lg_str_sub(one, 0, one.n - 1), ""), 400, "invalid_grant");
	(void)next_token(one);
}

Test(refresh, ends_with_the_session_unless_offline_access_was_granted)
{
	lg_str bound = first_token("spa", "");

	kit.shift = (LG_STS_SESSION_LIFE + 60) * LG_SECOND;
	assert_oauth(kit_refresh("spa", bound, ""), 400, "invalid_grant");
	kit.shift = 0;
	struct answer a = kit_get("/oauth2/authorize", "response_type=code&client_id=spa&scope=openid+offline_access"
	    "&redirect_uri=https%3A%2F%2Fapp.example%2Fcb&code_challenge_method=S256&code_challenge=" CHALLENGE, kit_sign_in());
	a = kit_redeem("spa", kit_parameter(kit_header(&a, "Location"), "code"));
	kit.shift = (LG_STS_SESSION_LIFE + 60) * LG_SECOND;
	assert_status(kit_refresh("spa", kit_member(a.body, "refresh_token"), ""), 200);
	kit.shift = (LG_STS_OFFLINE_LIFE + 60) * LG_SECOND;
	assert_oauth(kit_refresh("spa", kit_member(a.body, "refresh_token"), ""), 400, "invalid_grant");
}

static lg_err
revoke_alice(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	(void)arg;
	return lg_sts_revoke(cx, v, TENANT, LG_REVOKED_SUBJECT, LG_STR(ALICE_ID), lg_view_time(v));
}

Test(refresh, ends_with_its_subject)
{
	lg_str one = first_token("spa", "");

	kit.alice_disabled = true;
	assert_oauth(kit_refresh("spa", one, ""), 400, "invalid_grant");
	kit.alice_disabled = false;
	kit_apply(revoke_alice, NULL);
	assert_oauth(kit_refresh("spa", one, ""), 400, "invalid_grant");
}

Test(refresh, who_signs_in_again_in_the_second_of_a_revocation_gets_good_tokens)
{
	struct lg_sts_bearer b;

	for (int i = 0; i < 5; i++) {
		kit_apply(revoke_alice, NULL);
		struct answer a = kit_redeem("spa", kit_code("spa", "", kit_sign_in()));
		cr_assert_eq(kit_check(kit_member(a.body, "access_token"), ISSUER, &b), LG_OK, "%s", kit.cx.error);
	}
}

Test(refresh, a_client_bound_by_its_key_keeps_its_token_and_nothing_is_written)
{
	const char *id = "50000000-0000-4000-8000-000000000014";

	kit_client("{\"name\":\"bound\",\"type\":\"confidential\",\"auth\":\"tls_client_auth\",\"redirect_uris\":[\"" REDIRECT "\"]}",
	    NULL, id);
	kit.peer_cert = lg_str_of(kit_fmt("cert:%s", id));
	struct answer a = kit_redeem("bound", kit_code("bound", "", kit_sign_in()));
	lg_str token = kit_member(a.body, "refresh_token");
	uint64_t before = lg_store_head(kit.store).seq;
	for (int i = 0; i < 2; i++) {
		a = kit_refresh("bound", token, "");
		assert_status(a, 200);
		cr_assert_eq(kit_member(a.body, "refresh_token").n, 0);
		kit.shift += 60 * LG_SECOND;
	}
	cr_assert_eq(lg_store_head(kit.store).seq, before);
}

/* RFC 8705 4: a public client's is bound to the certificate that its tokens are bound to. */
Test(refresh, a_public_clients_belongs_to_its_certificate)
{
	kit_client("{\"name\":\"spa\",\"type\":\"public\",\"redirect_uris\":[\"" REDIRECT "\"],\"tls_client_certificate_bound_access_tokens\":true}", NULL,
	    "c0000000-0000-4000-8000-000000000011");
	kit.peer_shown = LG_STR("its own certificate");
	struct answer a = kit_redeem("spa", kit_code("spa", "", kit_sign_in()));
	lg_str token = kit_member(a.body, "refresh_token");

	assert_status(a, 200);
	kit.peer_shown = LG_STR("another's");
	assert_oauth(kit_refresh("spa", token, ""), 400, "invalid_grant");
	kit.peer_shown = LG_NONE;
	assert_oauth(kit_refresh("spa", token, ""), 400, "invalid_request");
	kit.peer_shown = LG_STR("its own certificate");
	a = kit_refresh("spa", token, "");
	assert_status(a, 200);
	cr_assert_eq(kit_member(a.body, "refresh_token").n, 0, "it need not be rotated");
}

Test(refresh, no_token_and_no_code_stands_in_the_store)
{
	lg_str code = kit_code("spa", "", kit_sign_in());
	struct answer a = kit_redeem("spa", code);
	lg_str token = kit_member(a.body, "refresh_token"), id, secret, text;
	char path[400];
	FILE *f;

	cr_assert(lg_str_cut(token, '.', &id, &secret));
	(void)snprintf(path, sizeof path, "%s/store/data.mdb", kit.dir);
	f = fopen(path, "r");
	cr_assert(f != NULL);
	text = (lg_str){ lg_alloc(kit.arena, 8u << 20), 0 };
	text.n = fread((char *)(uintptr_t)text.p, 1, 8u << 20, f);
	(void)fclose(f);
	cr_assert(memmem(text.p, text.n, "sts_codes", 9) != NULL);	/* it is the right file */
	cr_assert(memmem(text.p, text.n, code.p, code.n) == NULL);
	cr_assert(memmem(text.p, text.n, secret.p, secret.n) == NULL);
	cr_assert(memmem(text.p, text.n, WORKER_SECRET, sizeof WORKER_SECRET - 1) == NULL);
}

/* ---- the sweep ------------------------------------------------------------------------------------------- */

Test(refresh, the_sweep_takes_what_has_expired_and_nothing_else)
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;
	uint64_t n;
	bool more;

	(void)first_token("spa", "");
	cr_assert_eq(lg_sts_sweep(&kit.cx, kit.sts, &more), LG_OK);
	lg_store_turn(kit.store);
	cr_assert_eq(lg_view_begin(&kit.cx, kit.store, &v), LG_OK);
	cr_assert_eq(lg_table_count(&kit.cx, v, &sts_expiry, &n), LG_OK);
	cr_assert_eq(n, 3);		/* a session, a code, a grant */
	cr_assert_not(more);
}

static lg_err
old_rows(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	(void)arg;
	for (int i = 0; i < 1100; i++) {
		struct sts_session s = { .id = lg_uuid_new(), .expires = 1000 * LG_SECOND + i };

		LG_TRY(sts_session_put(cx, v, TENANT, &s));
	}
	return LG_OK;
}

Test(refresh, the_sweep_works_in_bounded_steps)
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;
	uint64_t n;
	bool more;

	kit_apply(old_rows, NULL);
	cr_assert_eq(lg_sts_sweep(&kit.cx, kit.sts, &more), LG_OK, "%s", kit.cx.error);
	cr_assert(more);
	lg_store_turn(kit.store);
	cr_assert_eq(lg_sts_sweep(&kit.cx, kit.sts, &more), LG_OK);
	cr_assert_not(more);
	lg_store_turn(kit.store);
	cr_assert_eq(lg_view_begin(&kit.cx, kit.store, &v), LG_OK);
	cr_assert_eq(lg_table_count(&kit.cx, v, &sts_sessions, &n), LG_OK);
	cr_assert_eq(n, 0);
	cr_assert_eq(lg_table_count(&kit.cx, v, &sts_expiry, &n), LG_OK);
	cr_assert_eq(n, 0);
}
