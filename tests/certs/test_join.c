/* test_join.c: join tokens: who may redeem one, how often, and what is on record when somebody else tries. */
#include <criterion/criterion.h>

#include "base/text.h"
#include "certs/join.h"
#include "certs/rows.h"
#include "tests/certs/world.h"

static lg_str
invite(struct world *w, uint32_t tenant, lg_uuid host)
{
	int64_t expires;
	lg_str token;

	cr_assert_eq(lg_certs_invite(&w->cx, w->certs, tenant, host, 0, &token, &expires), LG_OK, "%s", w->cx.error);
	cr_assert_eq(expires, w->cx.now + LG_JOIN_LIFE);
	return token;
}

static lg_err
join(struct world *w, lg_str token, const struct lg_key *k, struct lg_joined *ret)
{
	w->cx.actor = &lg_anonymous;
	return lg_certs_join(&w->cx, w->certs, TENANT_A, token, world_csr(w, k, NULL), ret);
}

struct count {
	const char *operation;
	int n;
	lg_str target, actor, detail;
	struct lg_arena *arena;
};

static bool
count_change(void *arg, const struct lg_change *c)
{
	struct count *n = arg;

	if (lg_str_eq(c->operation, lg_str_of(n->operation))) {
		n->n++;
		n->target = lg_dup(n->arena, c->target);
		n->actor = lg_dup(n->arena, c->actor_name);
		n->detail = lg_dup(n->arena, c->detail);
	}
	return true;
}

static struct count
audited(struct world *w, const char *operation)
{
	struct count n = { .operation = operation, .arena = w->arena };
	LG_AUTO(lg_view_end) struct lg_view *v = world_view(w);

	cr_assert_eq(lg_changes(&w->cx, v, TENANT_A, 0, count_change, &n), LG_OK, "%s", w->cx.error);
	return n;
}

Test(join, a_token_brings_a_host_certificate)
{
	struct world *w = world_new();
	LG_AUTO(lg_key_free) struct lg_key *k = world_key(w, LG_KEY_P256);
	lg_str token = invite(w, TENANT_A, w->host);
	struct lg_certs_peer p;
	struct lg_joined j;

	cr_assert_eq(join(w, token, k, &j), LG_OK, "%s", w->cx.error);
	cr_assert(lg_uuid_eq(j.host.id, w->host));
	cr_assert(lg_str_eq(j.host.name, LG_STR("node1")));
	cr_assert_eq(world_peer(w, j.issued.cert, &p), LG_OK, "%s", w->cx.error);
	cr_assert(lg_uuid_eq(p.id, w->host));
	cr_assert_eq(audited(w, "host.invite").n, 1);
	cr_assert(lg_str_eq(audited(w, "certificate.issue").actor, LG_STR("node1")));
	world_free(w);
}

Test(join, the_token_holds_server_fingerprint_and_secret_and_only_its_digest_is_stored)
{
	struct world *w = world_new();
	lg_str token = invite(w, TENANT_A, w->host), secret = LG_NONE, rest = token, part;
	struct lg_join_token parsed;
	lg_sha256 root = lg_sha256_of(w->keys[TENANT_A].root_der);
	struct lg_invited_row row;
	struct lg_view *v;

	cr_assert(lg_str_starts(token, LG_STR("lgj1.")));
	cr_assert_eq(lg_join_token_parse(&w->cx, token, &parsed), LG_OK);
	cr_assert(lg_str_eq(parsed.server, LG_STR("a.example:8443")));
	cr_assert_eq(memcmp(&parsed.root, &root, sizeof root), 0);
	while (lg_str_cut(rest, '.', &part, &rest))
		;
	cr_assert(lg_base64url_parse(w->arena, part, &secret));
	cr_assert_eq(secret.n, 32);
	v = world_view(w);
	cr_assert_eq(lg_invited_row_get(&w->cx, v, TENANT_A, &parsed.secret, &row), LG_OK);
	lg_view_end(&v);
	cr_assert_null(memmem(audited(w, "host.invite").detail.p, audited(w, "host.invite").detail.n, part.p, part.n));
	world_free(w);
}

Test(join, same_token_and_key_return_the_same_certificate)
{
	struct world *w = world_new();
	LG_AUTO(lg_key_free) struct lg_key *k = world_key(w, LG_KEY_P256);
	lg_str token = invite(w, TENANT_A, w->host);
	struct lg_joined a, b;

	cr_assert_eq(join(w, token, k, &a), LG_OK, "%s", w->cx.error);
	cr_assert_eq(join(w, token, k, &b), LG_OK, "%s", w->cx.error);
	cr_assert(lg_str_eq(a.issued.cert, b.issued.cert));
	cr_assert(lg_str_eq(a.issued.chain, b.issued.chain));
	cr_assert_eq(a.issued.expires, b.issued.expires);
	cr_assert_eq(w->signed_certs, 1);
	world_free(w);
}

Test(join, another_key_is_refused_counted_and_audited)
{
	struct world *w = world_new();
	LG_AUTO(lg_key_free) struct lg_key *k = world_key(w, LG_KEY_P256);
	LG_AUTO(lg_key_free) struct lg_key *thief = world_key(w, LG_KEY_P256);
	lg_str token = invite(w, TENANT_A, w->host);
	struct lg_join_token parsed;
	struct lg_invited_row row;
	struct lg_joined j;
	struct lg_view *v;
	struct count n;

	cr_assert_eq(join(w, token, k, &j), LG_OK, "%s", w->cx.error);
	for (int i = 0; i < 3; i++)
		cr_assert_eq(join(w, token, thief, &j), LG_E_DENIED);
	cr_assert_not_null(strstr(w->cx.error, "another key"), "%s", w->cx.error);
	n = audited(w, "host.join.refuse");
	cr_assert_eq(n.n, 3);
	cr_assert(lg_str_eq(n.target, LG_STR("node1")));
	cr_assert(!lg_str_eq(n.actor, LG_STR("node1")));		/* nobody has proved to be the host */
	cr_assert_eq(lg_join_token_parse(&w->cx, token, &parsed), LG_OK);
	v = world_view(w);
	cr_assert_eq(lg_invited_row_get(&w->cx, v, TENANT_A, &parsed.secret, &row), LG_OK);
	cr_assert_eq(row.refused, 3);
	lg_view_end(&v);
	cr_assert_eq(join(w, token, k, &j), LG_OK, "%s", w->cx.error);	/* the rightful one is not locked out */
	/* Even when the token is over, a thief's attempt is on record. */
	w->cx.now += LG_JOIN_LIFE + 1;
	cr_assert_eq(join(w, token, thief, &j), LG_E_DENIED);
	cr_assert_eq(audited(w, "host.join.refuse").n, 4);
	world_free(w);
}

Test(join, a_token_ends_with_its_life)
{
	struct world *w = world_new();
	LG_AUTO(lg_key_free) struct lg_key *k = world_key(w, LG_KEY_P256);
	lg_str token = invite(w, TENANT_A, w->host);
	struct lg_joined j;

	w->cx.now += LG_JOIN_LIFE + 1;
	cr_assert_eq(join(w, token, k, &j), LG_E_DENIED);
	cr_assert_not_null(strstr(w->cx.error, "expired"), "%s", w->cx.error);
	cr_assert_eq(w->signed_certs, 0);
	world_free(w);
}

Test(join, a_token_is_for_its_own_tenant)
{
	struct world *w = world_new();
	LG_AUTO(lg_key_free) struct lg_key *k = world_key(w, LG_KEY_P256);
	lg_str token = invite(w, TENANT_B, w->host_b);
	struct lg_joined j;

	cr_assert_eq(join(w, token, k, &j), LG_E_DENIED);
	cr_assert_not_null(strstr(w->cx.error, "another authority"), "%s", w->cx.error);
	world_free(w);
}

Test(join, what_is_no_token_is_refused)
{
	static const char *const texts[] = {
		"", "lgj1", "lgj1...", "lgj2.YQ.YQ.YQ", "lgj1.YQ.YQ.YQ", "lgj1.YTo4NDQz.AAAA", "lgj1.Y Q.YQ.YQ",
		"lgj1.YTo4NDQz.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
		"lgj1.YTo4NDQz.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA.x",
		"lgj1..AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
	};
	struct world *w = world_new();
	struct lg_join_token t;
	char *big = lg_alloc(w->arena, LG_JOIN_TEXT_MAX + 1);

	for (size_t i = 0; i < LG_COUNT(texts); i++)
		cr_assert_eq(lg_join_token_parse(&w->cx, lg_str_of(texts[i]), &t), LG_E_INVALID, "%s", texts[i]);
	memset(big, 'a', LG_JOIN_TEXT_MAX + 1);
	cr_assert_eq(lg_join_token_parse(&w->cx, (lg_str){ big, LG_JOIN_TEXT_MAX + 1 }, &t), LG_E_INVALID);
	world_free(w);
}

Test(join, an_unknown_secret_is_refused_and_leaves_no_trace)
{
	struct world *w = world_new();
	LG_AUTO(lg_key_free) struct lg_key *k = world_key(w, LG_KEY_P256);
	lg_str token = lg_dup(w->arena, invite(w, TENANT_A, w->host));
	struct lg_head before;
	struct lg_joined j;

	char *p = (char *)(uintptr_t)token.p + token.n - 5;	/* base64url before and after */
	*p = *p == 'A' ? 'B' : 'A';
	before = lg_store_head(w->store);
	cr_assert_eq(join(w, token, k, &j), LG_E_DENIED);
	cr_assert_eq(lg_store_head(w->store).seq, before.seq);
	world_free(w);
}

Test(join, policy_has_the_last_word)
{
	struct world *w = world_new();
	LG_AUTO(lg_key_free) struct lg_key *k = world_key(w, LG_KEY_P256);
	lg_str token = invite(w, TENANT_A, w->host);
	struct lg_joined j;

	w->deny = "host:join";
	cr_assert_eq(join(w, token, k, &j), LG_E_DENIED);
	cr_assert_str_eq(w->last_proof, "ticket");
	w->deny = "certificate:issue";
	cr_assert_eq(join(w, token, k, &j), LG_E_DENIED);
	cr_assert_str_eq(w->last_proof, "self");
	w->deny = NULL;
	world_entry(w, TENANT_A, w->host, "Host", "node1", "", false);
	cr_assert_eq(join(w, token, k, &j), LG_E_DENIED);
	cr_assert_eq(w->signed_certs, 0);
	world_entry(w, TENANT_A, w->host, "Host", "node1", "", true);
	cr_assert_eq(join(w, token, k, &j), LG_OK, "%s", w->cx.error);	/* none of this used the token up */
	world_free(w);
}

Test(join, a_redemption_that_came_to_nothing_can_be_tried_again_by_the_same_key)
{
	struct world *w = world_new();
	LG_AUTO(lg_key_free) struct lg_key *k = world_key(w, LG_KEY_P256);
	LG_AUTO(lg_key_free) struct lg_key *other = world_key(w, LG_KEY_P256);
	lg_str token = invite(w, TENANT_A, w->host);
	struct lg_joined j;

	w->keeper_gone = true;
	cr_assert_eq(join(w, token, k, &j), LG_E_UNAVAILABLE);
	w->keeper_gone = false;
	cr_assert_eq(join(w, token, other, &j), LG_E_DENIED);
	cr_assert_eq(join(w, token, k, &j), LG_OK, "%s", w->cx.error);
	world_free(w);
}

Test(join, a_token_whose_certificate_is_revoked_is_used_up)
{
	struct world *w = world_new();
	LG_AUTO(lg_key_free) struct lg_key *k = world_key(w, LG_KEY_P256);
	lg_str token = invite(w, TENANT_A, w->host);
	struct lg_joined j;

	cr_assert_eq(join(w, token, k, &j), LG_OK, "%s", w->cx.error);
	cr_assert_eq(lg_certs_revoke(&w->cx, w->certs, TENANT_A, &j.issued.serial, LG_REVOKED_SUPERSEDED), LG_OK);
	cr_assert_eq(join(w, token, k, &j), LG_E_DENIED);
	cr_assert_not_null(strstr(w->cx.error, "revoked"), "%s", w->cx.error);
	world_free(w);
}

/* The same key twice at once: while the first is being signed, the second goes all the way. */
static lg_str racing_token;
static struct lg_key *racing_key;
static struct lg_joined second;

static void
join_again(struct world *w)
{
	struct lg_ctx saved = w->cx;

	w->while_signing = NULL;
	cr_assert_eq(join(w, racing_token, racing_key, &second), LG_OK, "%s", w->cx.error);
	w->cx = saved;
}

Test(join, of_two_requests_at_once_one_certificate_remains)
{
	struct world *w = world_new();
	LG_AUTO(lg_key_free) struct lg_key *k = world_key(w, LG_KEY_P256);
	struct lg_certs_peer p;
	struct lg_joined j;

	racing_token = invite(w, TENANT_A, w->host);
	racing_key = k;
	w->while_signing = join_again;
	cr_assert_eq(join(w, racing_token, k, &j), LG_E_CONFLICT);
	cr_assert_eq(world_peer(w, second.issued.cert, &p), LG_OK, "%s", w->cx.error);
	cr_assert_eq(join(w, racing_token, k, &j), LG_OK, "%s", w->cx.error);
	cr_assert(lg_str_eq(j.issued.cert, second.issued.cert));
	cr_assert_eq(audited(w, "host.join.refuse").n, 0);
	world_free(w);
}

Test(join, only_hosts_are_invited_and_not_for_long)
{
	struct world *w = world_new();
	int64_t expires;
	lg_str token;

	cr_assert_eq(lg_certs_invite(&w->cx, w->certs, TENANT_A, w->user, 0, &token, &expires), LG_E_INVALID);
	cr_assert_eq(lg_certs_invite(&w->cx, w->certs, TENANT_A, lg_uuid_new(), 0, &token, &expires), LG_E_NOT_FOUND);
	cr_assert_eq(lg_certs_invite(&w->cx, w->certs, TENANT_A, w->host, LG_JOIN_LIFE + 1, &token, &expires), LG_E_INVALID);
	cr_assert_eq(lg_certs_invite(&w->cx, w->certs, TENANT_A, w->host, -5, &token, &expires), LG_E_INVALID);
	world_free(w);
}

/* ---- rejoin ----------------------------------------------------------------------------------------- */

Test(rejoin, a_host_that_overslept_proves_its_key_again)
{
	struct world *w = world_new();
	LG_AUTO(lg_key_free) struct lg_key *k = world_key(w, LG_KEY_P256);
	struct lg_certs_peer p;
	struct lg_issued is;
	struct lg_joined j;
	lg_str csr = world_csr(w, k, NULL);

	cr_assert_eq(world_issue(w, TENANT_A, w->host, "host", k, NULL, &is), LG_OK, "%s", w->cx.error);
	w->cx.now = is.expires + LG_CERT_REJOIN;
	cr_assert_eq(lg_certs_rejoin(&w->cx, w->certs, TENANT_A, is.cert, csr, &j), LG_OK, "%s", w->cx.error);
	cr_assert(lg_uuid_eq(j.host.id, w->host));
	cr_assert_eq(world_peer(w, j.issued.cert, &p), LG_OK, "%s", w->cx.error);
	w->deny = "host:rejoin";
	cr_assert_eq(lg_certs_rejoin(&w->cx, w->certs, TENANT_A, is.cert, csr, &j), LG_E_DENIED);
	w->deny = NULL;
	w->cx.now = is.expires + LG_CERT_REJOIN + 1;
	cr_assert_eq(lg_certs_rejoin(&w->cx, w->certs, TENANT_A, is.cert, csr, &j), LG_E_EXPIRED);
	world_free(w);
}

Test(rejoin, another_key_tenant_type_or_a_revoked_certificate_is_refused)
{
	struct world *w = world_new();
	LG_AUTO(lg_key_free) struct lg_key *k = world_key(w, LG_KEY_P256);
	LG_AUTO(lg_key_free) struct lg_key *other = world_key(w, LG_KEY_P256);
	struct lg_issued is, user;
	struct lg_joined j;
	lg_str csr = world_csr(w, k, NULL);

	cr_assert_eq(world_issue(w, TENANT_A, w->host, "host", k, NULL, &is), LG_OK, "%s", w->cx.error);
	cr_assert_eq(world_issue(w, TENANT_A, w->user, "user", k, NULL, &user), LG_OK, "%s", w->cx.error);
	cr_assert_eq(lg_certs_rejoin(&w->cx, w->certs, TENANT_A, is.cert, world_csr(w, other, NULL), &j), LG_E_UNAUTHENTICATED);
	cr_assert_eq(lg_certs_rejoin(&w->cx, w->certs, TENANT_B, is.cert, csr, &j), LG_E_UNAUTHENTICATED);
	cr_assert_eq(lg_certs_rejoin(&w->cx, w->certs, TENANT_A, user.cert, csr, &j), LG_E_UNAUTHENTICATED);
	cr_assert_eq(lg_certs_rejoin(&w->cx, w->certs, TENANT_A, csr, csr, &j), LG_E_UNAUTHENTICATED);
	cr_assert_eq(lg_certs_revoke(&w->cx, w->certs, TENANT_A, &is.serial, LG_REVOKED_KEY_COMPROMISE), LG_OK);
	cr_assert_eq(lg_certs_rejoin(&w->cx, w->certs, TENANT_A, is.cert, csr, &j), LG_E_UNAUTHENTICATED);
	cr_assert_not_null(strstr(w->cx.error, "revoked"), "%s", w->cx.error);
	world_free(w);
}
