/* test_issue.c: what comes out of lg_certs_issue, and what does not. */
#include <criterion/criterion.h>
#include <openssl/x509v3.h>

#include "base/text.h"
#include "certs/lint.h"
#include "certs/rows.h"
#include "certs/search.h"
#include "tests/certs/world.h"

static struct lg_cert_row
row_of(struct world *w, const lg_serial *serial)
{
	LG_AUTO(lg_view_end) struct lg_view *v = world_view(w);
	struct lg_cert_row row;

	cr_assert_eq(lg_cert_find(&w->cx, v, TENANT_A, serial, &row), LG_OK);
	row.name = lg_dup(w->arena, row.name);
	row.der = lg_dup(w->arena, row.der);
	return row;
}

/* Every kind of key, read back by OpenSSL and encoded by it again: the octets must be the same. */
Test(issue, every_key_type_gives_der_that_openssl_reads_and_writes_alike)
{
	static const enum lg_key_type types[] = { LG_KEY_P256, LG_KEY_P384, LG_KEY_ED25519, LG_KEY_RSA2048 };
	struct world *w = world_new();

	for (size_t i = 0; i < LG_COUNT(types); i++) {
		LG_AUTO(lg_key_free) struct lg_key *k = world_key(w, types[i]);
		struct lg_issued is;
		X509 *x;

		cr_assert_eq(world_issue(w, TENANT_A, w->host, "host", k, NULL, &is), LG_OK, "%s", w->cx.error);
		x = x509_of(is.cert);
		cr_assert_not_null(x);
		X509_free(x);
		x = x509_of(is.cert);
		/* Forget the cached encoding, so that i2d writes anew. */
		i2d_re_X509_tbs(x, NULL);
		cr_assert(lg_str_eq(der_of(w, x), is.cert));
		X509_free(x);
	}
	world_free(w);
}

static int
openssl_verifies(struct world *w, lg_str leaf, int purpose)
{
	X509_STORE *store = X509_STORE_new();
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	STACK_OF(X509) *chain = sk_X509_new_null();
	X509 *x = x509_of(leaf);
	int rc;

	X509_STORE_add_cert(store, w->keys[TENANT_A].root);
	sk_X509_push(chain, w->keys[TENANT_A].issuer);
	X509_STORE_CTX_init(ctx, store, x, chain);
	X509_STORE_CTX_set_flags(ctx, X509_V_FLAG_X509_STRICT);
	X509_STORE_CTX_set_purpose(ctx, purpose);
	X509_verify_cert(ctx);
	rc = X509_STORE_CTX_get_error(ctx);
	X509_STORE_CTX_free(ctx);
	X509_STORE_free(store);
	sk_X509_free(chain);
	X509_free(x);
	return rc;
}

Test(issue, openssl_verifies_the_chain_strictly_for_both_sides)
{
	struct world *w = world_new();
	LG_AUTO(lg_key_free) struct lg_key *k = world_key(w, LG_KEY_P256);
	struct lg_issued is;

	cr_assert_eq(world_issue(w, TENANT_A, w->host, "host", k, NULL, &is), LG_OK, "%s", w->cx.error);
	cr_assert_eq(openssl_verifies(w, is.cert, X509_PURPOSE_SSL_CLIENT), X509_V_OK);
	cr_assert_eq(openssl_verifies(w, is.cert, X509_PURPOSE_SSL_SERVER), X509_V_OK);
	cr_assert(lg_str_eq(is.chain, w->keys[TENANT_A].issuer_der));
	cr_assert(lg_str_eq(is.root, w->keys[TENANT_A].root_der));
	world_free(w);
}

Test(issue, names_come_from_the_entry)
{
	struct world *w = world_new();
	LG_AUTO(lg_key_free) struct lg_key *k = world_key(w, LG_KEY_P256);
	struct lg_issued is;
	struct lg_x509 x;

	cr_assert_eq(world_issue(w, TENANT_A, w->workload, "workload", k, NULL, &is), LG_OK, "%s", w->cx.error);
	cr_assert_eq(lg_x509_parse(&w->cx, is.cert, &x), LG_OK);
	cr_assert_eq(x.exts.names.nuri, 1);
	cr_assert(lg_str_eq(x.exts.names.uri[0], LG_STR("spiffe://a.example/project/shop/workload/web")));
	cr_assert_eq(x.exts.names.ndns, 2);
	cr_assert_eq(w->last_ndns, 2);
	cr_assert(lg_str_eq(w->last_profile, LG_STR("workload")));
	cr_assert_str_eq(w->last_proof, "self");
	cr_assert_eq(x.not_after - x.not_before, LG_HOUR + LG_CERT_BACKDATE);
	world_free(w);
}

Test(issue, a_request_can_leave_names_out)
{
	struct world *w = world_new();
	LG_AUTO(lg_key_free) struct lg_key *k = world_key(w, LG_KEY_P256);
	struct lg_cert_names only = { .dns = { LG_STR("NODE1.alias.a.example") }, .ndns = 1 };
	struct lg_issued is;
	struct lg_x509 x;

	cr_assert_eq(world_issue(w, TENANT_A, w->host, "host", k, &only, &is), LG_OK, "%s", w->cx.error);
	cr_assert_eq(lg_x509_parse(&w->cx, is.cert, &x), LG_OK);
	cr_assert_eq(x.exts.names.ndns, 1);
	cr_assert(lg_str_eq(x.exts.names.dns[0], LG_STR("node1.alias.a.example")));
	cr_assert_eq(x.exts.names.nuri, 1);
	world_free(w);
}

Test(issue, a_request_cannot_add_names)
{
	static const struct lg_cert_names wishes[] = {
		{ .dns = { LG_STR("node2.hosts.a.example") }, .ndns = 1 },
		{ .dns = { LG_STR("*.a.example") }, .ndns = 1 },
		{ .uri = { LG_STR("spiffe://a.example/host/node2") }, .nuri = 1 },
		{ .uri = { LG_STR("spiffe://a.example/host/node1"), LG_STR("spiffe://b.example/host/node1") }, .nuri = 2 },
		{ .ip = { LG_STR("\x7f\0\0\x01") }, .nip = 1 },
	};
	struct world *w = world_new();
	LG_AUTO(lg_key_free) struct lg_key *k = world_key(w, LG_KEY_P256);
	struct lg_issued is;

	for (size_t i = 0; i < LG_COUNT(wishes); i++)
		cr_assert_eq(world_issue(w, TENANT_A, w->host, "host", k, &wishes[i], &is), LG_E_DENIED, "wish %zu", i);
	cr_assert_eq(w->signed_certs, 0);
	cr_assert_eq(w->asked, 0);
	world_free(w);
}

Test(issue, names_outside_the_suffixes_of_the_tenant_are_refused)
{
	struct world *w = world_new();
	LG_AUTO(lg_key_free) struct lg_key *k = world_key(w, LG_KEY_P256);
	struct lg_issued is;

	/* The entry's name becomes a DNS label that is none. */
	world_entry(w, TENANT_A, w->host, "Host", "no_de", "", true);
	cr_assert_eq(world_issue(w, TENANT_A, w->host, "host", k, NULL, &is), LG_E_DENIED);
	world_entry(w, TENANT_A, w->host, "Host", "a/../b", "", true);
	cr_assert_eq(world_issue(w, TENANT_A, w->host, "host", k, NULL, &is), LG_E_INVALID);
	world_free(w);
}

Test(issue, a_profile_is_for_its_own_type_of_entry)
{
	struct world *w = world_new();
	LG_AUTO(lg_key_free) struct lg_key *k = world_key(w, LG_KEY_P256);
	struct lg_issued is;

	cr_assert_eq(world_issue(w, TENANT_A, w->user, "host", k, NULL, &is), LG_E_DENIED);
	cr_assert_eq(world_issue(w, TENANT_A, w->host, "tls-server", k, NULL, &is), LG_E_DENIED);
	cr_assert_eq(world_issue(w, TENANT_A, w->user, "user", k, NULL, &is), LG_OK, "%s", w->cx.error);
	cr_assert_eq(w->signed_certs, 1);
	world_free(w);
}

Test(issue, entries_that_are_disabled_absent_or_of_another_tenant_get_nothing)
{
	struct world *w = world_new();
	LG_AUTO(lg_key_free) struct lg_key *k = world_key(w, LG_KEY_P256);
	struct lg_issued is;

	cr_assert_eq(world_issue(w, TENANT_B, w->host, "host", k, NULL, &is), LG_E_NOT_FOUND);
	world_entry(w, TENANT_A, w->host, "Host", "node1", "", false);
	cr_assert_eq(world_issue(w, TENANT_A, w->host, "host", k, NULL, &is), LG_E_DENIED);
	world_entry_gone(w, TENANT_A, w->host);
	cr_assert_eq(world_issue(w, TENANT_A, w->host, "host", k, NULL, &is), LG_E_NOT_FOUND);
	cr_assert_eq(world_issue(w, 9, w->host, "host", k, NULL, &is), LG_E_NOT_FOUND);
	cr_assert_eq(w->signed_certs, 0);
	world_free(w);
}

Test(issue, life_is_bounded_by_profile_and_authority)
{
	struct world *w = world_new();
	LG_AUTO(lg_key_free) struct lg_key *k = world_key(w, LG_KEY_P256);
	struct lg_cert_request rq = { .tenant = TENANT_A, .profile = LG_STR("workload"), .proof = "self",
		.entry = w->workload, .spki = lg_pubkey_spki(lg_key_public(k)) };
	struct lg_issued is;

	rq.life = 2 * LG_HOUR;
	cr_assert_eq(lg_certs_issue(&w->cx, w->certs, &rq, &is), LG_E_DENIED);
	rq.life = -1;
	cr_assert_eq(lg_certs_issue(&w->cx, w->certs, &rq, &is), LG_E_DENIED);
	rq.life = 10 * LG_MINUTE;
	cr_assert_eq(lg_certs_issue(&w->cx, w->certs, &rq, &is), LG_OK, "%s", w->cx.error);
	cr_assert_eq(is.expires, w->cx.now - w->cx.now % LG_SECOND + 10 * LG_MINUTE);
	world_free(w);
}

Test(issue, policy_refuses_before_anything_is_signed_or_recorded)
{
	struct world *w = world_new();
	LG_AUTO(lg_key_free) struct lg_key *k = world_key(w, LG_KEY_P256);
	struct lg_head before = lg_store_head(w->store);
	struct lg_issued is;

	w->deny = "certificate:issue";
	cr_assert_eq(world_issue(w, TENANT_A, w->host, "host", k, NULL, &is), LG_E_DENIED);
	cr_assert_eq(w->signed_certs, 0);
	cr_assert_eq(lg_store_head(w->store).seq, before.seq);
	world_free(w);
}

static bool
take_row(void *arg, const struct lg_cert_row *row)
{
	struct lg_cert_row *ret = arg;

	*ret = *row;
	return true;
}

static struct lg_cert_row
only_row(struct world *w, lg_uuid entry)
{
	LG_AUTO(lg_view_end) struct lg_view *v = world_view(w);
	struct lg_cert_row row = { .state = 0 };

	cr_assert_eq(lg_cert_list_of(&w->cx, v, TENANT_A, entry, 0, NULL, take_row, &row), LG_OK, "%s", w->cx.error);
	row.der = lg_dup(w->arena, row.der);
	return row;
}

static void
disable_host(struct world *w)
{
	/* The keeper's thread is this one in the test; a context of its own, as another request would have. */
	struct lg_ctx saved = w->cx;

	world_entry(w, TENANT_A, w->host, "Host", "node1", "", false);
	w->cx = saved;
}

Test(issue, a_certificate_signed_and_then_refused_is_recorded_as_revoked)
{
	struct world *w = world_new();
	LG_AUTO(lg_key_free) struct lg_key *k = world_key(w, LG_KEY_P256);
	struct lg_cert_row row;
	struct lg_certs_peer peer;
	struct lg_issued is = { .expires = 0 };

	w->while_signing = disable_host;
	cr_assert_eq(world_issue(w, TENANT_A, w->host, "host", k, NULL, &is), LG_E_DENIED);
	cr_assert_eq(is.expires, 0);
	cr_assert_eq(w->signed_certs, 1);
	row = only_row(w, w->host);
	cr_assert_eq(row.state, LG_CERT_REVOKED);
	cr_assert_eq(row.why, LG_REVOKED_PRIVILEGE_WITHDRAWN);
	world_entry(w, TENANT_A, w->host, "Host", "node1", "", true);
	cr_assert_eq(world_peer(w, row.der, &peer), LG_E_UNAUTHENTICATED);
	world_free(w);
}

static void
deny_now(struct world *w)
{
	w->deny = "certificate:issue";
}

Test(issue, an_answer_that_depends_on_time_is_asked_again_at_completion)
{
	struct world *w = world_new();
	LG_AUTO(lg_key_free) struct lg_key *k = world_key(w, LG_KEY_P256);
	struct lg_issued is;

	cr_assert_eq(world_issue(w, TENANT_A, w->host, "host", k, NULL, &is), LG_OK, "%s", w->cx.error);
	cr_assert_eq(w->asked, 1);
	w->unstable = true;
	cr_assert_eq(world_issue(w, TENANT_A, w->host, "host", k, NULL, &is), LG_OK, "%s", w->cx.error);
	cr_assert_eq(w->asked, 3);
	w->while_signing = deny_now;
	cr_assert_eq(world_issue(w, TENANT_A, w->host, "host", k, NULL, &is), LG_E_DENIED);
	world_free(w);
}

static void
rename_host(struct world *w)
{
	struct lg_ctx saved = w->cx;

	world_entry(w, TENANT_A, w->host, "Host", "node9", "", true);
	w->cx = saved;
}

Test(issue, an_entry_renamed_meanwhile_does_not_get_its_old_name)
{
	struct world *w = world_new();
	LG_AUTO(lg_key_free) struct lg_key *k = world_key(w, LG_KEY_P256);
	struct lg_issued is;

	w->while_signing = rename_host;
	cr_assert_eq(world_issue(w, TENANT_A, w->host, "host", k, NULL, &is), LG_E_CONFLICT);
	cr_assert_eq(only_row(w, w->host).state, LG_CERT_REVOKED);
	world_free(w);
}

Test(issue, without_the_keeper_a_pending_row_remains_and_is_nobodys)
{
	struct world *w = world_new();
	LG_AUTO(lg_key_free) struct lg_key *k = world_key(w, LG_KEY_P256);
	struct lg_issued is;
	struct lg_cert_query q = { .has_entry = true, .entry = w->host, .state = LG_CERT_PENDING, .limit = 10 };
	struct lg_cert_row row = { .state = 0 };
	struct lg_view *v;
	lg_str next;

	w->keeper_gone = true;
	cr_assert_eq(world_issue(w, TENANT_A, w->host, "host", k, NULL, &is), LG_E_UNAVAILABLE);
	cr_assert_eq(only_row(w, w->host).state, 0, "among the host's certificates it is none");
	v = world_view(w);
	cr_assert_eq(lg_cert_search(&w->cx, v, TENANT_A, &q, take_row, &row, &next), LG_OK, "%s", w->cx.error);
	cr_assert_eq(row.state, LG_CERT_PENDING);
	cr_assert_eq(row.der.n, 0);
	lg_view_end(&v);
	world_free(w);
}

struct listed {
	struct lg_cert_row row[8];
	size_t n;
};

static bool
add_row(void *arg, const struct lg_cert_row *row)
{
	struct listed *l = arg;

	l->row[l->n++] = *row;
	return true;
}

/* `after` is the place in an earlier list, below 0 for all. */
static struct listed
list_after(struct world *w, const struct listed *earlier, int after)
{
	LG_AUTO(lg_view_end) struct lg_view *v = world_view(w);
	struct listed l = { .n = 0 };

	cr_assert_eq(lg_cert_list(&w->cx, v, TENANT_A, after < 0 ? NULL : &earlier->row[after].serial, add_row, &l), LG_OK, "%s", w->cx.error);
	return l;
}

Test(issue, what_is_pending_stands_behind_the_others_and_can_be_revoked_and_purged)
{
	struct world *w = world_new();
	LG_AUTO(lg_key_free) struct lg_key *k = world_key(w, LG_KEY_P256);
	struct lg_issued is, none;
	struct listed l;
	size_t gone = 0;
	bool more;

	cr_assert_eq(world_issue(w, TENANT_A, w->host, "host", k, NULL, &is), LG_OK);
	w->keeper_gone = true;
	for (int i = 0; i < 2; i++)
		cr_assert_eq(world_issue(w, TENANT_A, w->host, "host", k, NULL, &none), LG_E_UNAVAILABLE);
	l = list_after(w, NULL, -1);
	cr_assert_eq(l.n, 3);
	cr_assert(l.row[0].state == LG_CERT_ISSUED && l.row[1].state == LG_CERT_PENDING && l.row[2].state == LG_CERT_PENDING);
	cr_assert_eq(list_after(w, &l, 0).n, 2);
	cr_assert_eq(list_after(w, &l, 1).n, 1);
	cr_assert_eq(list_after(w, &l, 2).n, 0);
	cr_assert_eq(lg_certs_revoke(&w->cx, w->certs, TENANT_A, &l.row[1].serial, LG_REVOKED_KEY_COMPROMISE), LG_OK, "it may be signed");
	cr_assert_eq(row_of(w, &l.row[1].serial).state, LG_CERT_REVOKED);
	cr_assert_eq(row_of(w, &l.row[2].serial).state, LG_CERT_PENDING);
	cr_assert_eq(list_after(w, NULL, -1).n, 3, "nothing is there twice");
	w->cx.now = is.expires + LG_CERT_REJOIN + LG_MINUTE;
	cr_assert_eq(lg_certs_purge(&w->cx, w->certs, TENANT_A, w->cx.now, &gone, &more), LG_OK, "%s", w->cx.error);
	cr_assert_eq(gone, 3);
	cr_assert_eq(list_after(w, NULL, -1).n, 0);
	world_free(w);
}

static lg_serial compromised;

static void
key_is_out(struct world *w)
{
	struct lg_ctx saved = w->cx;

	cr_assert_eq(lg_certs_revoke(&w->cx, w->certs, TENANT_A, &compromised, LG_REVOKED_KEY_COMPROMISE), LG_OK, "%s", w->cx.error);
	w->cx = saved;
}

Test(issue, a_key_found_to_be_compromised_meanwhile_gets_no_certificate)
{
	struct world *w = world_new();
	LG_AUTO(lg_key_free) struct lg_key *k = world_key(w, LG_KEY_P256);
	struct lg_issued is;

	cr_assert_eq(world_issue(w, TENANT_A, w->host, "host", k, NULL, &is), LG_OK, "%s", w->cx.error);
	compromised = is.serial;
	w->while_signing = key_is_out;
	cr_assert_eq(world_issue(w, TENANT_A, w->host, "host", k, NULL, &is), LG_E_DENIED);
	cr_assert_not_null(strstr(w->cx.error, "compromised"), "%s", w->cx.error);
	world_free(w);
}

struct audit_seen {
	struct world *w;
	lg_str issue, prepare;
	lg_str target;
};

static bool
see_change(void *arg, const struct lg_change *c)
{
	struct audit_seen *s = arg;

	if (lg_str_eq(c->operation, LG_STR("certificate.issue"))) {
		s->issue = lg_dup(s->w->arena, c->detail);
		s->target = lg_dup(s->w->arena, c->target);
	}
	if (lg_str_eq(c->operation, LG_STR("certificate.prepare")))
		s->prepare = lg_dup(s->w->arena, c->detail);
	return true;
}

Test(issue, both_steps_are_on_record_with_names_and_serial_number)
{
	struct world *w = world_new();
	LG_AUTO(lg_key_free) struct lg_key *k = world_key(w, LG_KEY_P256);
	struct audit_seen s = { .w = w };
	struct lg_view *v;
	struct lg_issued is;

	cr_assert_eq(world_issue(w, TENANT_A, w->host, "host", k, NULL, &is), LG_OK, "%s", w->cx.error);
	v = world_view(w);
	cr_assert_eq(lg_changes(&w->cx, v, TENANT_A, 0, see_change, &s), LG_OK, "%s", w->cx.error);
	lg_view_end(&v);
	cr_assert(lg_str_eq(s.target, lg_serial_text(w->arena, &is.serial)));
	cr_assert_not_null(strstr(s.issue.p, "spiffe://a.example/host/node1"), "%s", s.issue.p);
	cr_assert_not_null(strstr(s.issue.p, "sha256"));
	cr_assert_not_null(strstr(s.prepare.p, "node1"));
	cr_assert(lg_str_eq(row_of(w, &is.serial).der, is.cert));
	world_free(w);
}

Test(issue, serial_numbers_are_positive_long_and_all_different)
{
	struct world *w = world_new();
	LG_AUTO(lg_key_free) struct lg_key *k = world_key(w, LG_KEY_P256);
	struct lg_issued a, b;

	for (int i = 0; i < 20; i++) {
		cr_assert_eq(world_issue(w, TENANT_A, w->host, "host", k, NULL, &a), LG_OK);
		cr_assert_eq(world_issue(w, TENANT_A, w->host, "host", k, NULL, &b), LG_OK);
		cr_assert(a.serial.b[0] >= 0x40 && a.serial.b[0] < 0x80);
		cr_assert_neq(memcmp(a.serial.b, b.serial.b, sizeof a.serial.b), 0);
	}
	world_free(w);
}

Test(issue, weak_and_odd_keys_are_refused)
{
	struct world *w = world_new();
	EVP_PKEY *keys[] = { EVP_RSA_gen(1024), EVP_EC_gen("P-192"), EVP_EC_gen("secp256k1"), EVP_EC_gen("P-521") };
	enum lg_key_type type;

	for (size_t i = 0; i < LG_COUNT(keys); i++) {
		unsigned char *p = NULL;
		int n = i2d_PUBKEY(keys[i], &p);

		cr_assert_eq(lg_spki_check(&w->cx, (lg_str){ (char *)p, (size_t)n }, &type), LG_E_INVALID, "key %zu", i);
		OPENSSL_free(p);
		EVP_PKEY_free(keys[i]);
	}
	world_free(w);
}

/* ---- the service's own listeners ------------------------------------------------------------------- */

Test(issue_own, only_the_system_certifies_its_listeners_within_suffixes_and_loopback)
{
	struct world *w = world_new();
	LG_AUTO(lg_key_free) struct lg_key *k = world_key(w, LG_KEY_P256);
	lg_str spki = lg_pubkey_spki(lg_key_public(k));
	struct lg_cert_names names = { .dns = { LG_STR("localhost"), LG_STR("www.a.example") }, .ndns = 2,
		.ip = { LG_STR("\x7f\0\0\x01") }, .nip = 1 };
	struct lg_certs_peer peer;
	struct lg_issued is;

	cr_assert_eq(lg_certs_issue_own(&w->cx, w->certs, TENANT_A, spki, &names, 0, &is), LG_E_DENIED);
	w->cx.actor = &lg_system;
	cr_assert_eq(lg_certs_issue_own(&w->cx, w->certs, TENANT_A, spki, &names, 0, &is), LG_OK, "%s", w->cx.error);
	cr_assert_eq(openssl_verifies(w, is.cert, X509_PURPOSE_SSL_SERVER), X509_V_OK);
	cr_assert_eq(w->asked, 0);
	struct lg_x509 x;
	cr_assert_eq(lg_x509_parse(&w->cx, is.cert, &x), LG_OK);
	cr_assert(x.exts.names.nuri == 1 && lg_str_eq(x.exts.names.uri[0], LG_STR("spiffe://a.example/lightgate")));
	cr_assert_eq(world_peer(w, is.cert, &peer), LG_E_UNAUTHENTICATED);
	cr_assert_eq(lg_certs_issue_own(&w->cx, w->certs, TENANT_B, spki, &names, 0, &is), LG_E_DENIED);	/* no loopback there */
	names.dns[1] = LG_STR("www.example.org");
	cr_assert_eq(lg_certs_issue_own(&w->cx, w->certs, TENANT_A, spki, &names, 0, &is), LG_E_DENIED);
	names.dns[1] = LG_STR("evila.example");
	cr_assert_eq(lg_certs_issue_own(&w->cx, w->certs, TENANT_A, spki, &names, 0, &is), LG_E_DENIED);
	world_free(w);
}
