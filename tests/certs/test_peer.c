/* test_peer.c: what a listener must not believe.  Every attack is signed by a real issuing key and stands in the inventory
 * where it can, so that only the rule under test can refuse it. */
#include <criterion/criterion.h>
#include <openssl/x509v3.h>
#include <pthread.h>

#include "certs/lint.h"
#include "certs/peer_cache.h"
#include "certs/rows.h"
#include "tests/certs/world.h"

static struct lg_issued
issue_host(struct world *w, const struct lg_key *k)
{
	struct lg_issued is;

	cr_assert_eq(world_issue(w, TENANT_A, w->host, "host", k, NULL, &is), LG_OK, "%s", w->cx.error);
	return is;
}

Test(peer, an_issued_certificate_names_its_entry)
{
	struct world *w = world_new();
	LG_AUTO(lg_key_free) struct lg_key *k = world_key(w, LG_KEY_P256);
	struct lg_issued is = issue_host(w, k);
	lg_sha256 h = lg_sha256_of(is.cert);
	struct lg_certs_peer p;

	for (int i = 0; i < 3; i++) {		/* cold, then from the cache */
		cr_assert_eq(world_peer(w, is.cert, &p), LG_OK, "%s", w->cx.error);
		cr_assert_eq(p.tenant, TENANT_A);
		cr_assert(lg_uuid_eq(p.id, w->host));
		cr_assert(lg_str_eq(p.type, LG_STR("Host")));
		cr_assert(lg_str_eq(p.name, LG_STR("node1")));
		cr_assert_eq(memcmp(&p.sha256, &h, sizeof h), 0);
		cr_assert_eq(memcmp(&p.serial, &is.serial, sizeof p.serial), 0);
		cr_assert_eq(p.expires, is.expires);
	}
	cr_assert_not_null(lg_peer_cache_find(&h));
	world_free(w);
}

Test(peer, a_workload_is_known_with_its_project)
{
	struct world *w = world_new();
	LG_AUTO(lg_key_free) struct lg_key *k = world_key(w, LG_KEY_P256);
	struct lg_certs_peer p;
	struct lg_issued is;

	cr_assert_eq(world_issue(w, TENANT_A, w->workload, "workload", k, NULL, &is), LG_OK, "%s", w->cx.error);
	cr_assert_eq(world_peer(w, is.cert, &p), LG_OK, "%s", w->cx.error);
	cr_assert(lg_str_eq(p.project, LG_STR("shop")));
	/* Moved to another project: what the certificate says is no longer so. */
	world_entry(w, TENANT_A, w->workload, "Workload", "web", "bank", true);
	cr_assert_eq(world_peer(w, is.cert, &p), LG_E_UNAUTHENTICATED);
	world_free(w);
}

/* ---- the attack table ----------------------------------------------------------------------------- */

struct attack {
	const char *what, *says;
	struct craft_fault fault;
	lg_err expect;
};

static void
tenant_b_signs_under_as_name(struct world *w, struct craft *c)
{
	c->signer = w->keys[TENANT_B].issuer_key;	/* issuer name and key identifier are still A's */
}

static void
signed_by_root(struct world *w, struct craft *c)
{
	c->signer = w->keys[TENANT_A].root_key;
	c->issuer = w->keys[TENANT_A].root;
}

#define REFUSED LG_E_UNAUTHENTICATED
static const struct attack attacks[] = {
	{ "A's CA signs B's names", "does not speak for trust domain b.example", SAN("URI:spiffe://b.example/host/node1"), REFUSED },
	{ "B's key under A's name", "not its issuer's", { .make = tenant_b_signs_under_as_name }, REFUSED },
	{ "a domain that is nobody's", "is not ours", SAN("URI:spiffe://c.example/host/node1"), REFUSED },
	{ "signed by the root", "does not speak", { .make = signed_by_root }, REFUSED },
	{ "expired", "has expired", { .begins = -7200, .ends = -2 }, LG_E_EXPIRED },
	{ "not valid yet", "not valid yet", { .begins = 60 }, LG_E_EXPIRED },
	{ "a CA", "4.2.1.9", EXT("basicConstraints", "critical,CA:TRUE"), REFUSED },
	{ "no basic constraints", "4.2.1.9", EXT("basicConstraints", NULL), REFUSED },
	{ "no EKU", "4.2.1.12", EXT("extendedKeyUsage", NULL), REFUSED },
	{ "any EKU", "4.2.1.12", EXT("extendedKeyUsage", "clientAuth,anyExtendedKeyUsage"), REFUSED },
	{ "EKU of another trade", "4.2.1.12", EXT("extendedKeyUsage", "clientAuth,codeSigning"), REFUSED },
	{ "EKU for servers", "not for clients", EXT("extendedKeyUsage", "serverAuth"), REFUSED },
	{ "no SAN", "4.2.1.6", EXT("subjectAltName", NULL), REFUSED },
	{ "no URI", "exactly one URI", SAN("DNS:node1.a.example"), REFUSED },
	{ "two URIs", "at most one URI", SAN("URI:spiffe://a.example/host/node1,URI:spiffe://a.example/user/alice"), REFUSED },
	{ "an e-mail address", "4.2.1.6", SAN("URI:spiffe://a.example/host/node1,email:root@a.example"), REFUSED },
	{ "an IP address", "not in a range", SAN("URI:spiffe://a.example/host/node1,IP:10.0.0.1"), REFUSED },
	{ "another tenant's DNS name", "not below a suffix", SAN("URI:spiffe://a.example/host/node1,DNS:node1.b.example"), REFUSED },
	{ "a wildcard", "4.2.1.6", SAN("URI:spiffe://a.example/host/node1,DNS:*.a.example"), REFUSED },
	{ "critical SAN beside a subject", "4.2.1.6", SAN("critical,URI:spiffe://a.example/host/node1"), REFUSED },
	{ "another URI scheme", "not a SPIFFE ID", SAN("URI:https://a.example/host/node1"), REFUSED },
	{ "a trust domain alone", "not a SPIFFE ID", SAN("URI:spiffe://a.example"), REFUSED },
	{ "..", "not a SPIFFE ID", SAN("URI:spiffe://a.example/host/.."), REFUSED },
	{ "a query", "not a SPIFFE ID", SAN("URI:spiffe://a.example/host/node1?x"), REFUSED },
	{ "upper case trust domain", "not a SPIFFE ID", SAN("URI:spiffe://A.example/host/node1"), REFUSED },
	{ "name constraints", "4.2.1.10", EXT("nameConstraints", "permitted;DNS:a.example"), REFUSED },
	{ "critical name constraints", "4.2.1.10", EXT("nameConstraints", "critical,permitted;DNS:a.example"), REFUSED },
	{ "unknown critical extension", "4.2 does not hold", EXT("1.3.6.1.4.1.99999.1", "critical,DER:05:00"), REFUSED },
	{ "policy constraints", "4.2.1.11", EXT("policyConstraints", "critical,requireExplicitPolicy:0"), REFUSED },
	{ "no key usage", "4.2.1.3", EXT("keyUsage", NULL), REFUSED },
	{ "key usage of a CA", "4.2.1.3", EXT("keyUsage", "critical,digitalSignature,keyCertSign"), REFUSED },
	{ "key usage not critical", "4.2.1.3", EXT("keyUsage", "digitalSignature"), REFUSED },
	{ "no authority key identifier", "4.2.1.1", EXT("authorityKeyIdentifier", NULL), REFUSED },
	{ "version 1", "4.1.2.1", { .v1 = true }, REFUSED },
	{ "serial number 0", "4.1.2.2", { .serial_kind = 1 }, REFUSED },
	{ "negative serial number", "4.1.2.2", { .serial_kind = 2 }, REFUSED },
	{ "serial number of 21 octets", "4.1.2.2", { .serial_kind = 3 }, REFUSED },
	{ "P-192", "4.1.2.7", { .curve = "P-192" }, REFUSED },
	{ "RSA-1024", "4.1.2.7", { .rsa_bits = 1024 }, REFUSED },
};

Test(peer, every_attack_is_refused_for_its_own_reason)
{
	struct world *w = world_new();

	for (size_t i = 0; i < LG_COUNT(attacks); i++) {
		struct craft c = craft_good(w, TENANT_A);
		struct lg_certs_peer p;
		lg_str der;

		craft_spoil(w, &c, &attacks[i].fault);
		der = craft_der(w, &c);
		world_record(w, TENANT_A, w->host, "Host", "node1", der);
		cr_assert_eq(world_peer(w, der, &p), attacks[i].expect, "%s", attacks[i].what);
		cr_assert_not_null(strstr(w->cx.error, attacks[i].says), "%s: %s", attacks[i].what, w->cx.error);
		EVP_PKEY_free(c.key);
	}
	world_free(w);
}

Test(peer, the_same_certificate_without_an_attack_is_believed)
{
	struct world *w = world_new();
	struct craft c = craft_good(w, TENANT_A);
	struct lg_certs_peer p;
	lg_str der = craft_der(w, &c);

	cr_assert_eq(world_peer(w, der, &p), LG_E_UNAUTHENTICATED);
	cr_assert_not_null(strstr(w->cx.error, "inventory"), "%s", w->cx.error);	/* a stolen CA key is not enough */
	world_record(w, TENANT_A, w->host, "Host", "node1", der);
	cr_assert_eq(world_peer(w, der, &p), LG_OK, "%s", w->cx.error);
	world_free(w);
}

Test(peer, the_inventory_ties_a_certificate_to_its_octets_and_entry)
{
	struct world *w = world_new();
	struct craft c = craft_good(w, TENANT_A);
	struct lg_certs_peer p;
	lg_str der = craft_der(w, &c);

	/* Recorded for another name: the URI is not believed alone. */
	world_record(w, TENANT_A, w->other_host, "Host", "node2", der);
	cr_assert_eq(world_peer(w, der, &p), LG_E_UNAUTHENTICATED);
	/* Recorded for an entry whose name is another now. */
	world_record(w, TENANT_A, w->other_host, "Host", "node1", der);
	cr_assert_eq(world_peer(w, der, &p), LG_E_UNAUTHENTICATED);
	cr_assert_not_null(strstr(w->cx.error, "another name"), "%s", w->cx.error);
	world_free(w);
}

/* A bit changed anywhere is refused, and never crashes. */
Test(peer, a_changed_octet_anywhere_is_refused)
{
	struct world *w = world_new();
	LG_AUTO(lg_key_free) struct lg_key *k = world_key(w, LG_KEY_P256);
	struct lg_issued is = issue_host(w, k);
	struct lg_view *v = world_view(w);

	for (size_t i = 0; i < is.cert.n; i++) {
		lg_str bad = lg_dup(w->arena, is.cert);
		struct lg_certs_peer p;
		lg_err e;

		((char *)(uintptr_t)bad.p)[i] ^= 1;
		e = lg_certs_peer(&w->cx, w->certs, v, bad, &p);
		cr_assert(e == LG_E_UNAUTHENTICATED || e == LG_E_EXPIRED, "octet %zu: %d %s", i, e, w->cx.error);
		e = lg_certs_peer(&w->cx, w->certs, v, lg_str_sub(is.cert, 0, i), &p);
		cr_assert_eq(e, LG_E_UNAUTHENTICATED);
	}
	lg_view_end(&v);
	world_free(w);
}

/* ---- what changes after the first look ------------------------------------------------------------- */

Test(peer, a_revocation_counts_at_once_even_for_a_cached_peer)
{
	struct world *w = world_new();
	LG_AUTO(lg_key_free) struct lg_key *k = world_key(w, LG_KEY_P256);
	struct lg_issued is = issue_host(w, k);
	struct lg_certs_peer p;

	cr_assert_eq(world_peer(w, is.cert, &p), LG_OK, "%s", w->cx.error);
	cr_assert_eq(lg_certs_revoke(&w->cx, w->certs, TENANT_A, &is.serial, LG_REVOKED_KEY_COMPROMISE), LG_OK, "%s", w->cx.error);
	cr_assert_eq(world_peer(w, is.cert, &p), LG_E_UNAUTHENTICATED);
	cr_assert_not_null(strstr(w->cx.error, "revoked"), "%s", w->cx.error);
	world_free(w);
}

Test(peer, a_cached_peer_ends_with_its_certificate)
{
	struct world *w = world_new();
	LG_AUTO(lg_key_free) struct lg_key *k = world_key(w, LG_KEY_P256);
	struct lg_issued is = issue_host(w, k);
	struct lg_certs_peer p;

	cr_assert_eq(world_peer(w, is.cert, &p), LG_OK);
	w->cx.now = is.expires;
	cr_assert_eq(world_peer(w, is.cert, &p), LG_OK);
	w->cx.now = is.expires + 1;
	cr_assert_eq(world_peer(w, is.cert, &p), LG_E_EXPIRED);
	w->cx.now = is.expires - LG_DAY - LG_CERT_BACKDATE - LG_SECOND;
	cr_assert_eq(world_peer(w, is.cert, &p), LG_E_EXPIRED);
	world_free(w);
}

Test(peer, disabled_renamed_and_deleted_entries_are_refused_even_when_cached)
{
	struct world *w = world_new();
	LG_AUTO(lg_key_free) struct lg_key *k = world_key(w, LG_KEY_P256);
	struct lg_issued is = issue_host(w, k);
	struct lg_certs_peer p;
	lg_uuid again = lg_uuid_new();

	cr_assert_eq(world_peer(w, is.cert, &p), LG_OK);
	world_entry(w, TENANT_A, w->host, "Host", "node1", "", false);
	cr_assert_eq(world_peer(w, is.cert, &p), LG_E_UNAUTHENTICATED);
	world_entry(w, TENANT_A, w->host, "Host", "node1", "", true);
	cr_assert_eq(world_peer(w, is.cert, &p), LG_OK);
	world_entry(w, TENANT_A, w->host, "Host", "renamed", "", true);
	cr_assert_eq(world_peer(w, is.cert, &p), LG_E_UNAUTHENTICATED);
	/* Another entry takes the name: it is not the certificate's. */
	world_entry_gone(w, TENANT_A, w->host);
	world_entry(w, TENANT_A, again, "Host", "node1", "", true);
	cr_assert_eq(world_peer(w, is.cert, &p), LG_E_UNAUTHENTICATED);
	cr_assert_not_null(strstr(w->cx.error, "gone"), "%s", w->cx.error);
	world_free(w);
}

Test(peer, an_authority_taken_away_is_no_longer_believed)
{
	struct world *w = world_new();
	LG_AUTO(lg_key_free) struct lg_key *k = world_key(w, LG_KEY_P256);
	struct lg_issued is = issue_host(w, k);
	struct lg_certs_peer p;

	cr_assert_eq(world_peer(w, is.cert, &p), LG_OK);
	cr_assert_eq(lg_certs_trust(&w->cx, w->certs, NULL, 0), LG_OK);
	cr_assert_eq(world_peer(w, is.cert, &p), LG_E_UNAUTHENTICATED);
	world_free(w);
}

/* More peers than the cache holds: old ones give way, none is mistaken for another. */
Test(peer, the_cache_is_bounded_and_never_mixes_up_peers)
{
	struct lg_peer_kept kept = { .trust = 1 };

	for (uint32_t i = 0; i < 3 * LG_PEER_SETS * LG_PEER_WAYS; i++) {
		const struct lg_peer_kept *found;

		kept.sha256 = lg_sha256_of((lg_str){ (const char *)&i, sizeof i });
		kept.tenant = i;
		lg_peer_cache_put(&kept);
		found = lg_peer_cache_find(&kept.sha256);
		cr_assert_not_null(found);
		cr_assert_eq(found->tenant, i);
	}
}

/* ---- authorities -------------------------------------------------------------------------------------- */

static struct lg_authority
authority(struct world *w, uint32_t tenant, lg_str domain)
{
	return (struct lg_authority){ .tenant = tenant, .trust_domain = domain, .root = w->keys[1].root_der,
		.issuers = { w->keys[1].issuer_der }, .nissuers = 1, .leaf_life = LG_DAY };
}

Test(trust, authorities_that_do_not_hold_together_are_refused_and_the_old_ones_stay)
{
	struct world *w = world_new();
	LG_AUTO(lg_key_free) struct lg_key *k = world_key(w, LG_KEY_P256);
	struct lg_issued is = issue_host(w, k);
	struct lg_authority v[2] = { authority(w, 1, LG_STR("a.example")), authority(w, 2, LG_STR("a.example")) };
	struct lg_certs_peer p;

	cr_assert_eq(lg_certs_trust(&w->cx, w->certs, v, 2), LG_E_CONFLICT);		/* one domain twice */
	v[1] = authority(w, 1, LG_STR("c.example"));
	cr_assert_eq(lg_certs_trust(&w->cx, w->certs, v, 2), LG_E_CONFLICT);		/* one tenant twice */
	v[0] = authority(w, 1, LG_STR("A.Example"));
	cr_assert_eq(lg_certs_trust(&w->cx, w->certs, v, 1), LG_E_INVALID);
	v[0] = authority(w, 1, LG_STR("a.example"));
	v[0].root = w->keys[2].root_der;
	cr_assert_eq(lg_certs_trust(&w->cx, w->certs, v, 1), LG_E_UNAUTHENTICATED);	/* another's root */
	v[0].root = w->keys[1].issuer_der;
	cr_assert_neq(lg_certs_trust(&w->cx, w->certs, v, 1), LG_OK);			/* pathlen 0 is no root */
	v[0] = authority(w, 1, LG_STR("a.example"));
	v[0].issuers[0] = is.cert;
	cr_assert_eq(lg_certs_trust(&w->cx, w->certs, v, 1), LG_E_INVALID);		/* a leaf is no issuer */
	v[0].nissuers = 0;
	cr_assert_eq(lg_certs_trust(&w->cx, w->certs, v, 1), LG_E_INVALID);
	v[0] = authority(w, 1, LG_STR("a.example"));
	v[0].leaf_life = 0;
	cr_assert_eq(lg_certs_trust(&w->cx, w->certs, v, 1), LG_E_INVALID);
	cr_assert_eq(world_peer(w, is.cert, &p), LG_OK, "%s", w->cx.error);
	world_free(w);
}

static void *
verify_many(void *arg)
{
	struct world *w = arg;
	struct lg_arena *a = lg_arena_new();
	struct lg_ctx cx;

	lg_ctx_init(&cx, a);
	for (int i = 0; i < 200; i++) {
		struct lg_certs_peer p;
		struct lg_view *v;

		if (lg_view_begin(&cx, w->store, &v) != LG_OK)
			return w;
		lg_err e = lg_certs_peer(&cx, w->certs, v, w->keys[0].root_der, &p);
		lg_view_end(&v);
		lg_store_turn(w->store);
		if (e != LG_OK)
			return w;
	}
	lg_arena_free(&a);
	return NULL;
}

Test(trust, there_are_as_many_authorities_as_tenants_and_no_more)
{
	struct world *w = world_new();
	struct lg_authority *v = LG_NEWS(w->arena, struct lg_authority, LG_TENANTS + 1);

	cr_assert_eq(lg_certs_trust(&w->cx, w->certs, v, LG_TENANTS + 1), LG_E_LIMIT);
	world_free(w);
}

Test(trust, authorities_may_be_replaced_while_others_verify)
{
	struct world *w = world_new();
	LG_AUTO(lg_key_free) struct lg_key *k = world_key(w, LG_KEY_P256);
	struct lg_issued is = issue_host(w, k);
	static const lg_str suffix[] = { LG_STR("a.example") };
	struct lg_authority v = authority(w, 1, LG_STR("a.example"));
	pthread_t t[2];

	v.dns_suffixes = suffix;
	v.ndns_suffixes = 1;

	w->keys[0].root_der = is.cert;		/* for the threads */
	for (size_t i = 0; i < LG_COUNT(t); i++)
		cr_assert_eq(pthread_create(&t[i], NULL, verify_many, w), 0);
	for (int i = 0; i < 50; i++)
		cr_assert_eq(lg_certs_trust(&w->cx, w->certs, &v, 1), LG_OK, "%s", w->cx.error);
	for (size_t i = 0; i < LG_COUNT(t); i++) {
		void *failed;

		cr_assert_eq(pthread_join(t[i], &failed), 0);
		cr_assert_null(failed);
	}
	world_free(w);
}
