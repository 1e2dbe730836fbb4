/* test_bundle.c: a bundle is believed for good reasons only, and decides as it says. */
#include "tests/client/bundle_world.h"

struct opening {
	const char *what;
	struct bundle_token token;
	void (*change)(struct bundle_world *w);
	size_t cut;			/* octets off the body's end */
	bool flip;			/* one octet of it is another */
	lg_err e;
	const char *why;
};

static lg_err
open_with(struct bundle_world *w, const struct bundle_token *t, const struct lg_bundle_mark *floor, struct lg_bundle **ret)
{
	struct lg_bundle_pin pin = bundle_pin(w);
	lg_str body = bundle_body(w);

	return lg_bundle_open(w->cx, &pin, bundle_token(w, body, t), body, floor, ret);
}

static void other_format(struct bundle_world *w) { w->format = 2; }
static void other_host(struct bundle_world *w) { w->host = NOBODY; }
static void other_tenant(struct bundle_world *w) { w->issuer = "https://evil.example.org"; }
static void long_stale(struct bundle_world *w) { w->max_stale = 3601; }
static void no_stale(struct bundle_world *w) { w->max_stale = 0; }
static void bad_policy(struct bundle_world *w) { w->policies = "permit (principal, action"; }
static void stranger_named(struct bundle_world *w) { w->policies = "permit (principal == User::\"zoe\", action, resource);"; }
static void twice(struct bundle_world *w) { w->extra = ",\"host\":{}"; }
static void strange_heir(struct bundle_world *w) { w->heir_token = bundle_heir(w, &w->heir, "b2"); }
static void true_heir(struct bundle_world *w) { w->heir_token = bundle_heir(w, &w->signer, "b1"); }

Test(bundle, what_is_believed_and_what_is_not)
{
	TEST_CTX(cx);
	struct bundle_world w;
	bundle_world_init(&w, cx);
	const struct opening openings[] = {
		{ .what = "a good one", .e = LG_OK },
		{ .what = "another key", .token = { .by = &w.heir }, .e = LG_E_UNAUTHENTICATED, .why = "not signed with a key that is trusted" },
		{ .what = "a key nobody named", .token = { .by = &w.heir, .kid = "b2" }, .e = LG_E_UNAUTHENTICATED, .why = "not signed" },
		{ .what = "an heir that named itself", .token = { .by = &w.heir, .kid = "b2" }, .change = strange_heir, .e = LG_E_UNAUTHENTICATED, .why = "not signed" },
		{ .what = "an heir", .token = { .by = &w.heir, .kid = "b2" }, .change = true_heir, .e = LG_OK },
		{ .what = "a token of another kind", .token = { .typ = "at+jwt" }, .e = LG_E_UNAUTHENTICATED, .why = "not signed" },
		{ .what = "another tenant's", .token = { .issuer = "https://id.example.org/t/x" }, .e = LG_E_DENIED, .why = "another tenant" },
		{ .what = "another host's", .token = { .audience = NOBODY }, .e = LG_E_DENIED, .why = "another host" },
		{ .what = "an expired one", .token = { .from = -7200, .until = -3600 }, .e = LG_E_EXPIRED, .why = "the bundle" },
		{ .what = "one of tomorrow", .token = { .from = 7200, .until = 9000 }, .e = LG_E_EXPIRED, .why = "the bundle" },
		{ .what = "cut short", .cut = 1, .e = LG_E_UNAUTHENTICATED, .why = "not what was signed" },
		{ .what = "half of it", .cut = 5000, .e = LG_E_UNAUTHENTICATED, .why = "not what was signed" },
		{ .what = "a changed octet", .flip = true, .e = LG_E_UNAUTHENTICATED, .why = "not what was signed" },
		{ .what = "another format", .change = other_format, .e = LG_E_UNSUPPORTED, .why = "format 2" },
		{ .what = "a body for another host", .change = other_host, .e = LG_E_DENIED, .why = "names another host" },
		{ .what = "a body of another tenant", .change = other_tenant, .e = LG_E_DENIED, .why = "names another host or tenant" },
		{ .what = "stale for too long", .change = long_stale, .e = LG_E_INVALID, .why = "max_stale" },
		{ .what = "never fresh", .change = no_stale, .e = LG_E_INVALID, .why = "max_stale" },
		{ .what = "policies that do not parse", .change = bad_policy, .e = LG_E_INVALID, .why = "" },
		{ .what = "a name that was not resolved", .change = stranger_named, .e = LG_E_INVALID, .why = "not among the names" },
		{ .what = "a member twice", .change = twice, .e = LG_E_INVALID, .why = "the bundle" },
	};

	for (size_t i = 0; i < LG_COUNT(openings); i++) {
		const struct opening *o = &openings[i];
		struct bundle_world now = w;
		struct lg_bundle *b = NULL;
		if (o->change != NULL)
			o->change(&now);
		struct lg_bundle_pin pin = bundle_pin(&now);
		lg_str body = bundle_body(&now), token = bundle_token(&now, body, &o->token);
		if (o->flip)
			((char *)(uintptr_t)body.p)[body.n / 2] ^= 1;
		cx->error[0] = '\0';
		lg_err e = lg_bundle_open(cx, &pin, token, lg_str_sub(body, 0, body.n - o->cut), NULL, &b);
		cr_assert_eq(e, o->e, "%s: %s (%s)", o->what, lg_err_name(e), cx->error);
		if (e != LG_OK)
			cr_assert_not_null(strstr(cx->error, o->why), "%s: %s", o->what, cx->error);
		lg_bundle_unref(&b);
	}
	bundle_world_end(&w);
}

Test(bundle, versions_only_rise)
{
	TEST_CTX(cx);
	struct bundle_world w;
	struct lg_bundle *b, *c = NULL;
	struct lg_bundle_about a;

	bundle_world_init(&w, cx);
	cr_assert_eq(open_with(&w, &(struct bundle_token){ .epoch = 2, .version = 10 }, NULL, &b), LG_OK, "%s", cx->error);
	lg_bundle_about(b, &a);
	cr_assert_eq(a.mark.epoch, 2);
	cr_assert_eq(a.mark.version, 10);
	cr_assert_eq(open_with(&w, &(struct bundle_token){ .epoch = 2, .version = 9 }, &a.mark, &c), LG_E_DENIED);
	cr_assert_not_null(strstr(cx->error, "older than the one held (2, 10)"), "%s", cx->error);
	cr_assert_eq(open_with(&w, &(struct bundle_token){ .epoch = 1, .version = 99 }, &a.mark, &c), LG_E_DENIED);
	cr_assert_eq(open_with(&w, &(struct bundle_token){ .epoch = 2, .version = 10 }, &a.mark, &c), LG_OK);
	lg_bundle_unref(&c);
	w.max_stale = 30;
	cr_assert_eq(open_with(&w, &(struct bundle_token){ .epoch = 2, .version = 10 }, &a.mark, &c), LG_E_DENIED);
	cr_assert_not_null(strstr(cx->error, "differ"), "%s", cx->error);
	cr_assert_eq(open_with(&w, &(struct bundle_token){ .epoch = 2, .version = 11 }, &a.mark, &c), LG_OK);
	lg_bundle_unref(&c);
	cr_assert_eq(open_with(&w, &(struct bundle_token){ .epoch = 3, .version = 1 }, &a.mark, &c), LG_OK);
	lg_bundle_unref(&c);
	lg_bundle_unref(&b);
	bundle_world_end(&w);
}

Test(bundle, a_newer_token_for_the_same_octets_shares_them)
{
	TEST_CTX(cx);
	struct bundle_world w;
	struct lg_bundle *b, *c = NULL;
	struct lg_bundle_about a;

	bundle_world_init(&w, cx);
	struct lg_bundle_pin pin = bundle_pin(&w);
	lg_str body = bundle_body(&w);
	cr_assert_eq(open_with(&w, &(struct bundle_token){ .version = 10 }, NULL, &b), LG_OK);
	cr_assert_eq(lg_bundle_again(cx, &pin, bundle_token(&w, body, &(struct bundle_token){ .version = 9 }), b, &c), LG_E_DENIED);
	cr_assert_eq(lg_bundle_again(cx, &pin, bundle_token(&w, LG_STR("x"), &(struct bundle_token){ .version = 11 }), b, &c), LG_E_UNAUTHENTICATED);
	cr_assert_eq(lg_bundle_again(cx, &pin, bundle_token(&w, body, &(struct bundle_token){ .by = &w.heir, .version = 11 }), b, &c), LG_E_UNAUTHENTICATED);
	cr_assert_eq(lg_bundle_again(cx, &pin, bundle_token(&w, body, &(struct bundle_token){ .version = 11 }), b, &c), LG_OK, "%s", cx->error);
	lg_bundle_unref(&b);
	lg_bundle_about(c, &a);
	cr_assert_eq(a.mark.version, 11);
	cr_assert_not_null(lg_bundle_find(c, LG_STR("User"), LG_STR("alice")));
	lg_bundle_unref(&c);
	bundle_world_end(&w);
}

Test(bundle, it_says_what_stands_in_it)
{
	TEST_CTX(cx);
	struct bundle_world w;
	struct lg_bundle_admission ad;
	struct lg_bundle_about a;
	struct lg_bundle *b;

	bundle_world_init(&w, cx);
	true_heir(&w);
	cr_assert_eq(open_with(&w, &(struct bundle_token){ .version = 10 }, NULL, &b), LG_OK, "%s", cx->error);
	lg_bundle_about(b, &a);
	assert_str(a.tenant, "default");
	assert_str(a.issuer, ISSUER);
	assert_str(a.trust_domain, "example.org");
	assert_str(a.host, "node1");
	assert_str(a.host_id, HOST);
	cr_assert_eq(a.policy_version, 4);
	cr_assert_eq(a.max_stale, 60 * LG_SECOND);
	cr_assert_eq(a.entities, 9);
	cr_assert_not_null(strstr(a.keys.p, "b2"), "the heir is pinned from now on: %s", a.keys.p);
	cr_assert_not_null(strstr(a.keys.p, "b1"), "and who signs still: %s", a.keys.p);
	cr_assert(lg_bundle_admission(b, LG_STR("c1"), &ad));
	assert_str(ad.workload, "web");
	assert_str(ad.requester, ALICE);
	cr_assert_not(lg_bundle_admission(b, LG_STR("c2"), &ad));
	cr_assert_eq(lg_bundle_find(b, LG_STR("User"), LG_STR("alice")), lg_bundle_find(b, LG_STR("User"), LG_STR(ALICE)));
	cr_assert_null(lg_bundle_find(b, LG_STR("User"), LG_STR("zoe")));
	cr_assert_null(lg_bundle_find(b, LG_STR("Group"), LG_STR("alice")));
	lg_bundle_unref(&b);
	bundle_world_end(&w);
}

/* ---- decisions -------------------------------------------------------------------------------------------------------- */

Test(bundle, decisions)
{
	TEST_CTX(cx);
	struct lg_claims narrow = { .client_id = LG_STR("portal"), .scope = LG_STR("openid logs") }, none = { .client_id = LG_STR("portal") };
	const struct {
		const char *subject_type, *subject, *action, *resource, *host;
		int port;
		const struct lg_claims *claims;
		enum lg_ruled kind;
		const char *policy;
	} cases[] = {
		{ "Workload", "web", "connect", "db", "", 5432, NULL, LG_RULED_PERMIT, "web-to-db" },
		{ "Workload", WEB, "connect", DB, "", 5432, NULL, LG_RULED_PERMIT, "web-to-db" },
		{ "Workload", "web", "connect", "db", "", 5433, NULL, LG_RULED_NOTHING, "" },
		{ "Workload", "web", "connect", "db", "", 0, NULL, LG_RULED_NOTHING, "" },
		{ "Workload", "db", "connect", "web", "", 5432, NULL, LG_RULED_NOTHING, "" },
		{ "Workload", "web", "connect", "stranger", "", 5432, NULL, LG_RULED_UNKNOWN, "" },
		{ "Workload", "stranger", "connect", "db", "", 5432, NULL, LG_RULED_UNKNOWN, "" },
		{ "User", "alice", "container:exec", "web", "", 0, NULL, LG_RULED_PERMIT, "ops" },
		{ "User", "alice", "container:exec", "web", "node1", 0, NULL, LG_RULED_PERMIT, "ops" },
		{ "User", "alice", "container:exec", "web", "node2", 0, NULL, LG_RULED_UNKNOWN, "" },
		{ "User", "alice", "container:restart", "job", "", 0, NULL, LG_RULED_PERMIT, "ops" },
		{ "User", "bob", "container:exec", "web", "", 0, NULL, LG_RULED_FORBIDDEN, "disabled-people" },
		{ "User", "zoe", "container:exec", "web", "", 0, NULL, LG_RULED_UNKNOWN, "" },
		{ "User", "alice", "connect", "web", "", 0, NULL, LG_RULED_NOTHING, "" },
		{ "User", "alice", "no:such", "web", "", 0, NULL, LG_RULED_NOTHING, "" },
		{ "Host", "node1", "container:logs", "web", "", 0, &none, LG_RULED_NOTHING, "" },
		{ "User", "alice", "container:logs", "web", "", 0, &narrow, LG_RULED_PERMIT, "ops" },
	};
	struct bundle_world w;
	struct lg_bundle *b;

	bundle_world_init(&w, cx);
	cr_assert_eq(open_with(&w, &(struct bundle_token){ .version = 1 }, NULL, &b), LG_OK, "%s", cx->error);
	for (size_t i = 0; i < LG_COUNT(cases); i++) {
		struct lg_bundle_question q = { .subject_type = lg_str_of(cases[i].subject_type), .subject = lg_str_of(cases[i].subject),
			.proof = "asserted", .action = lg_str_of(cases[i].action), .resource_type = LG_STR("Workload"),
			.resource = lg_str_of(cases[i].resource), .host = lg_str_of(cases[i].host), .port = cases[i].port,
			.claims = cases[i].claims, .image = LG_STR("busybox") };
		struct lg_ruling r;
		lg_bundle_decide(cx, b, &q, &r);
		cr_assert_eq(r.kind, cases[i].kind, "case %zu: kind %d: %.*s", i, (int)r.kind, LG_FMT(r.reason));
		assert_str(r.policy, cases[i].policy);
		cr_assert(r.reason.n > 0, "case %zu", i);
	}
	lg_bundle_unref(&b);
	bundle_world_end(&w);
}

/* ---- revocation, certificates -------------------------------------------------------------------------------------------- */

Test(bundle, revoked_tokens)
{
	TEST_CTX(cx);
	struct lg_claims good = { .jti = LG_STR("j"), .subject = LG_STR(ALICE), .issued = cx->now }, gone = good;
	struct bundle_world w;
	struct lg_bundle *b;

	gone.jti = LG_STR("gone");
	bundle_world_init(&w, cx);
	cr_assert_eq(open_with(&w, &(struct bundle_token){ .version = 1 }, NULL, &b), LG_OK);
	cr_assert_not(lg_bundle_token_revoked(b, &good));
	cr_assert(lg_bundle_token_revoked(b, &gone));
	lg_bundle_unref(&b);
	w.whole = false;		/* a list that is not whole vouches for nobody */
	cr_assert_eq(open_with(&w, &(struct bundle_token){ .version = 1 }, NULL, &b), LG_OK);
	cr_assert(lg_bundle_token_revoked(b, &good));
	cr_assert(lg_bundle_certificate_revoked(b, LG_STR("07")));
	cr_assert_not(lg_bundle_certificate_listed(b, LG_STR("07")));
	lg_bundle_unref(&b);
	bundle_world_end(&w);
}

Test(bundle, certificates_are_checked_without_asking)
{
	TEST_CTX(cx);
	struct bundle_world w;
	struct lg_bundle *b;
	bundle_world_init(&w, cx);
	w.revoked_serial = "0a";
	const struct {
		struct leaf_options o;
		const char *why;		/* NULL: good */
	} cases[] = {
		{ { .uri = "spiffe://example.org/host/node1", .begins = -60, .ends = 60, .issuer = w.ca }, NULL },
		{ { .uri = "spiffe://example.org/project/shop/workload/web", .begins = -60, .ends = 60, .issuer = w.ca }, NULL },
		{ { .uri = "spiffe://example.org/host/node1", .begins = -60, .ends = 60, .issuer = w.leaf }, "issued by somebody else" },
		{ { .uri = "spiffe://other.org/host/node1", .begins = -60, .ends = 60, .issuer = w.ca }, "trust domain other.org" },
		{ { .uri = "spiffe://example.org/host/node1", .begins = -60, .ends = -1, .issuer = w.ca }, "outside its time" },
		{ { .uri = "spiffe://example.org/host/node1", .begins = 30, .ends = 60, .issuer = w.ca }, "outside its time" },
		{ { .uri = "spiffe://example.org/host/node1", .begins = -60, .ends = 60, .issuer = w.ca, .serial = 10 }, "revoked" },
		{ { .uri = "spiffe://example.org/host/node1", .begins = -60, .ends = 60, .issuer = w.ca, .server_only = true }, "not for clients" },
		{ { .uri = "spiffe://example.org/host/node1", .begins = -60, .ends = 60, .issuer = w.ca, .ca = true }, "not one that a client has" },
		{ { .uri = "spiffe://example.org/host/node1", .begins = -60, .ends = 60, .issuer = w.ca, .strange = true }, "not one that a client has" },
		{ { .uri = NULL, .begins = -60, .ends = 60, .issuer = w.ca }, "names nobody" },
		{ { .uri = "https://example.org/host/node1", .begins = -60, .ends = 60, .issuer = w.ca }, "names nobody" },
		{ { .uri = "spiffe://example.org/host/no/de", .begins = -60, .ends = 60, .issuer = w.ca }, "names nobody" },
		{ { .uri = "spiffe://example.org/user/bob", .begins = -60, .ends = 60, .issuer = w.ca }, "disabled" },
	};

	cr_assert_eq(open_with(&w, &(struct bundle_token){ .version = 1 }, NULL, &b), LG_OK, "%s", cx->error);
	for (size_t i = 0; i < LG_COUNT(cases); i++) {
		lg_str der = leaf_make(cx, w.leaf, &cases[i].o);
		struct lg_cert c;
		lg_err e = lg_bundle_certificate(cx, b, der, &c);
		cr_assert_eq(e == LG_OK, cases[i].why == NULL, "case %zu: %s", i, cx->error);
		if (e != LG_OK)
			cr_assert_not_null(strstr(cx->error, cases[i].why), "case %zu: %s", i, cx->error);
	}
	lg_str der = lg_dup(cx->arena, leaf_make(cx, w.leaf, &cases[0].o));
	for (size_t n = 0; n < der.n; n++) {
		struct lg_cert c;
		cr_assert_neq(lg_bundle_certificate(cx, b, lg_str_sub(der, 0, n), &c), LG_OK);
	}
	lg_bundle_unref(&b);
	bundle_world_end(&w);
}
