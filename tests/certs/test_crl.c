/* test_crl.c: revocation, CRLs (read and verified by OpenSSL), purge. */
#include <criterion/criterion.h>
#include <openssl/x509v3.h>

#include "certs/crl.h"
#include "certs/revoke.h"
#include "certs/rows.h"
#include "tests/certs/world.h"

static lg_str
kid(struct world *w, uint32_t tenant)
{
	LG_AUTO(lg_trust_release) struct lg_trust *t = lg_trust_hold(w->certs);
	const struct lg_ca *ca;

	cr_assert_eq(lg_trust_tenant(&w->cx, t, tenant, &ca), LG_OK);
	return lg_dup(w->arena, ca->issuer[0].kid);
}

static X509_CRL *
crl(struct world *w, uint32_t tenant)
{
	const unsigned char *p;
	X509_CRL *c;
	lg_str der;

	lg_store_turn(w->store);
	cr_assert_eq(lg_certs_crl(&w->cx, w->certs, tenant, kid(w, tenant), &der), LG_OK, "%s", w->cx.error);
	p = (const unsigned char *)der.p;
	c = d2i_X509_CRL(NULL, &p, (long)der.n);
	cr_assert_not_null(c);
	cr_assert_eq(p, (const unsigned char *)der.p + der.n);
	cr_assert_eq(X509_CRL_verify(c, X509_get0_pubkey(w->keys[tenant].issuer)), 1);
	return c;
}

static X509_CRL *
list(struct world *w, enum lg_crl_kind kind, unsigned part)
{
	struct lg_crl_name name = { kind, part, kid(w, TENANT_A) };
	const unsigned char *p;
	X509_CRL *c;
	lg_str der;

	lg_store_turn(w->store);
	cr_assert_eq(lg_crl_get(&w->cx, w->certs, TENANT_A, &name, &der), LG_OK, "%s", w->cx.error);
	p = (const unsigned char *)der.p;
	c = d2i_X509_CRL(NULL, &p, (long)der.n);
	cr_assert_not_null(c);
	cr_assert_eq(X509_CRL_verify(c, X509_get0_pubkey(w->keys[TENANT_A].issuer)), 1);
	return c;
}

static int
entries(X509_CRL *c)
{
	return X509_CRL_get_REVOKED(c) == NULL ? 0 : sk_X509_REVOKED_num(X509_CRL_get_REVOKED(c));
}

static BIGNUM *
number(X509_CRL *c)
{
	ASN1_INTEGER *n = X509_CRL_get_ext_d2i(c, NID_crl_number, NULL, NULL);
	BIGNUM *b = ASN1_INTEGER_to_BN(n, NULL);

	ASN1_INTEGER_free(n);
	return b;
}

static int
entry_reason(X509_CRL *c, const struct lg_issued *is)
{
	X509 *x = x509_of(is->cert);
	X509_REVOKED *r = NULL;
	ASN1_ENUMERATED *e;
	int reason = -1;

	if (X509_CRL_get0_by_cert(c, &r, x) == 1) {
		e = X509_REVOKED_get_ext_d2i(r, NID_crl_reason, NULL, NULL);
		reason = e == NULL ? 0 : (int)ASN1_ENUMERATED_get(e);
		ASN1_ENUMERATED_free(e);
	}
	X509_free(x);
	return reason;
}

Test(crl, an_empty_list_is_signed_and_in_its_time)
{
	struct world *w = world_new();
	X509_CRL *c = crl(w, TENANT_A);

	cr_assert_eq(entries(c), 0);
	cr_assert_eq(X509_CRL_get_version(c), 1);
	cr_assert_lt(X509_cmp_current_time(X509_CRL_get0_lastUpdate(c)), 0);
	cr_assert_gt(X509_cmp_current_time(X509_CRL_get0_nextUpdate(c)), 0);
	X509_CRL_free(c);
	world_free(w);
}

Test(crl, revoked_certificates_stand_on_the_list_of_their_tenant_with_reason)
{
	struct world *w = world_new();
	struct lg_issued a = world_issued(w, w->host, "host"), b = world_issued(w, w->host, "host"), ok = world_issued(w, w->host, "host");
	X509_CRL *c;

	cr_assert_eq(lg_certs_revoke(&w->cx, w->certs, TENANT_A, &a.serial, LG_REVOKED_KEY_COMPROMISE), LG_OK);
	cr_assert_eq(lg_certs_revoke(&w->cx, w->certs, TENANT_A, &b.serial, LG_REVOKED_UNSPECIFIED), LG_OK);
	c = crl(w, TENANT_A);
	cr_assert_eq(entries(c), 2);
	cr_assert_eq(entry_reason(c, &a), 1);
	cr_assert_eq(entry_reason(c, &b), 0);
	cr_assert_eq(entry_reason(c, &ok), -1);
	X509_CRL_free(c);
	c = crl(w, TENANT_B);
	cr_assert_eq(entries(c), 0);
	X509_CRL_free(c);
	world_free(w);
}

Test(crl, a_list_is_kept_until_trust_changes_or_half_its_life_is_over)
{
	struct world *w = world_new();
	struct lg_issued a = world_issued(w, w->host, "host");
	BIGNUM *n[3];

	for (int i = 0; i < 3; i++) {
		X509_CRL *c;

		if (i == 1) {
			world_issued(w, w->host, "host");		/* issuing changes nothing on the list */
			X509_CRL_free(crl(w, TENANT_A));
			cr_assert_eq(w->signed_crls, 1);
			cr_assert_eq(lg_certs_revoke(&w->cx, w->certs, TENANT_A, &a.serial, LG_REVOKED_SUPERSEDED), LG_OK);
		}
		if (i == 2)
			w->cx.now += LG_DAY / 2 + LG_SECOND;
		c = crl(w, TENANT_A);
		cr_assert_eq(w->signed_crls, i + 1);
		n[i] = number(c);
		cr_assert(i == 0 || BN_cmp(n[i - 1], n[i]) < 0, "CRL numbers rise");
		X509_CRL_free(c);
	}
	for (int i = 0; i < 3; i++)
		BN_free(n[i]);
	world_free(w);
}

Test(crl, entries_leave_the_list_one_day_after_expiry)
{
	struct world *w = world_new();
	struct lg_issued a = world_issued(w, w->host, "host");
	X509_CRL *c;

	cr_assert_eq(lg_certs_revoke(&w->cx, w->certs, TENANT_A, &a.serial, LG_REVOKED_SUPERSEDED), LG_OK);
	w->cx.now = a.expires + LG_HOUR;
	c = crl(w, TENANT_A);
	cr_assert_eq(entries(c), 1);
	X509_CRL_free(c);
	w->cx.now = a.expires + LG_DAY + LG_SECOND;
	c = crl(w, TENANT_A);
	cr_assert_eq(entries(c), 0);
	X509_CRL_free(c);
	world_free(w);
}

Test(crl, unknown_issuers_and_a_missing_keeper_are_errors)
{
	struct world *w = world_new();
	lg_str der;

	cr_assert_eq(lg_certs_crl(&w->cx, w->certs, TENANT_A, LG_STR("x"), &der), LG_E_NOT_FOUND);
	cr_assert_eq(lg_certs_crl(&w->cx, w->certs, TENANT_A, kid(w, TENANT_B), &der), LG_E_NOT_FOUND);
	w->keeper_gone = true;
	cr_assert_eq(lg_certs_crl(&w->cx, w->certs, TENANT_A, kid(w, TENANT_A), &der), LG_E_UNAVAILABLE);
	world_free(w);
}

Test(crl, a_list_signed_by_another_key_is_not_served)
{
	struct world *w = world_new();
	EVP_PKEY *own = w->keys[TENANT_A].issuer_key;
	lg_str der;

	w->keys[TENANT_A].issuer_key = w->keys[TENANT_B].issuer_key;
	cr_assert_eq(lg_certs_crl(&w->cx, w->certs, TENANT_A, kid(w, TENANT_A), &der), LG_E_UNAVAILABLE);
	w->keys[TENANT_A].issuer_key = own;
	world_free(w);
}

/* ---- revoke ------------------------------------------------------------------------------------------ */

Test(revoke, twice_is_fine_and_the_first_reason_stays)
{
	struct world *w = world_new();
	struct lg_issued a = world_issued(w, w->host, "host");
	struct lg_cert_row row;
	struct lg_view *v;
	lg_serial none = { .b = { 0x41 } };

	cr_assert_eq(lg_certs_revoke(&w->cx, w->certs, TENANT_A, &a.serial, LG_REVOKED_KEY_COMPROMISE), LG_OK);
	cr_assert_eq(lg_certs_revoke(&w->cx, w->certs, TENANT_A, &a.serial, LG_REVOKED_SUPERSEDED), LG_OK);
	v = world_view(w);
	cr_assert_eq(lg_cert_find(&w->cx, v, TENANT_A, &a.serial, &row), LG_OK);
	cr_assert_eq(row.why, LG_REVOKED_KEY_COMPROMISE);
	cr_assert_gt(row.revoked, 0);
	lg_view_end(&v);
	cr_assert_eq(lg_certs_revoke(&w->cx, w->certs, TENANT_A, &none, LG_REVOKED_SUPERSEDED), LG_E_NOT_FOUND);
	cr_assert_eq(lg_certs_revoke(&w->cx, w->certs, TENANT_B, &a.serial, LG_REVOKED_SUPERSEDED), LG_E_NOT_FOUND);
	world_free(w);
}

struct of_entry {
	lg_uuid entry;
	size_t count;
};

static lg_err
run_revoke_entry(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	struct of_entry *o = arg;

	return lg_certs_revoke_entry(cx, v, TENANT_A, o->entry, LG_REVOKED_CESSATION, &o->count);
}

Test(revoke, all_certificates_of_an_entry_end_in_the_callers_mutation)
{
	struct world *w = world_new();
	struct lg_issued a = world_issued(w, w->host, "host"), b = world_issued(w, w->host, "host"), other = world_issued(w, w->other_host, "host");
	struct of_entry o = { .entry = w->host };
	struct lg_certs_peer p;

	cr_assert_eq(lg_store_apply(&w->cx, w->store, TENANT_A, "host.delete", run_revoke_entry, &o, NULL), LG_OK, "%s", w->cx.error);
	cr_assert_eq(o.count, 2);
	cr_assert_eq(world_peer(w, a.cert, &p), LG_E_UNAUTHENTICATED);
	cr_assert_eq(world_peer(w, b.cert, &p), LG_E_UNAUTHENTICATED);
	cr_assert_eq(world_peer(w, other.cert, &p), LG_OK, "%s", w->cx.error);
	world_free(w);
}

Test(revoke, so_many_certificates_of_an_entry_end_in_one_mutation)
{
	struct world *w = world_new();
	struct lg_issued first = world_issued(w, w->host, "host");
	struct of_entry o = { .entry = w->host };
	struct lg_certs_peer p;

	world_copies(w, &first.serial, LG_REVOKED_AT_ONCE);
	cr_assert_eq(lg_store_apply(&w->cx, w->store, TENANT_A, "host.delete", run_revoke_entry, &o, NULL), LG_E_LIMIT);
	cr_assert_not_null(strstr(w->cx.error, "disable it"), "%s", w->cx.error);
	cr_assert_eq(world_peer(w, first.cert, &p), LG_OK, "nothing is changed: %s", w->cx.error);
	cr_assert_eq(lg_certs_revoke(&w->cx, w->certs, TENANT_A, &first.serial, LG_REVOKED_CESSATION), LG_OK);
	cr_assert_eq(lg_store_apply(&w->cx, w->store, TENANT_A, "host.delete", run_revoke_entry, &o, NULL), LG_OK, "%s", w->cx.error);
	cr_assert_eq(o.count, LG_REVOKED_AT_ONCE);
	world_free(w);
}

Test(revoke, reasons_have_names_both_ways)
{
	static const enum lg_revocation all[] = { LG_REVOKED_UNSPECIFIED, LG_REVOKED_KEY_COMPROMISE, LG_REVOKED_AFFILIATION_CHANGED,
		LG_REVOKED_SUPERSEDED, LG_REVOKED_CESSATION, LG_REVOKED_PRIVILEGE_WITHDRAWN };
	enum lg_revocation r;

	for (size_t i = 0; i < LG_COUNT(all); i++)
		cr_assert(lg_revocation_parse(lg_revocation_name(all[i]), &r) && r == all[i]);
	cr_assert(!lg_revocation_parse(LG_STR("certificateHold"), &r));	/* nothing is ever taken off hold */
	cr_assert(!lg_revocation_parse(LG_STR("KEYCOMPROMISE"), &r));
}

/* ---- purge --------------------------------------------------------------------------------------------- */

static uint64_t
rows(struct world *w, const struct lg_table *t)
{
	LG_AUTO(lg_view_end) struct lg_view *v = world_view(w);
	uint64_t n;

	cr_assert_eq(lg_table_count(&w->cx, v, t, &n), LG_OK);
	return n;
}

Test(purge, long_expired_rows_go_and_rejoin_keeps_its_fortnight)
{
	struct world *w = world_new();
	struct lg_issued a = world_issued(w, w->host, "host"), b = world_issued(w, w->host, "host");
	int64_t expires;
	lg_str token;
	size_t gone = 0;
	bool more;

	cr_assert_eq(lg_certs_revoke(&w->cx, w->certs, TENANT_A, &a.serial, LG_REVOKED_SUPERSEDED), LG_OK);
	cr_assert_eq(lg_certs_invite(&w->cx, w->certs, TENANT_A, w->host, 0, &token, &expires), LG_OK);
	w->cx.now = b.expires + LG_CERT_REJOIN - LG_MINUTE;
	cr_assert_eq(lg_certs_purge(&w->cx, w->certs, TENANT_A, w->cx.now, &gone, &more), LG_OK, "%s", w->cx.error);
	cr_assert_eq(rows(w, &lg_certs_leaf), 2);
	w->cx.now = b.expires + LG_CERT_REJOIN + LG_MINUTE;
	cr_assert_eq(lg_certs_purge(&w->cx, w->certs, TENANT_B, w->cx.now, &gone, &more), LG_OK);
	cr_assert_eq(rows(w, &lg_certs_leaf), 2);
	cr_assert_eq(lg_certs_purge(&w->cx, w->certs, TENANT_A, w->cx.now, &gone, &more), LG_OK, "%s", w->cx.error);
	cr_assert(!more);
	cr_assert_eq(gone, 3, "two certificates and a join token: %zu", gone);
	for (size_t i = 0; i < lg_certs_ntables; i++)	/* the ledger forgets nothing */
		if (!lg_str_starts(lg_str_of(lg_certs_tables[i]->name), LG_STR("certs.ledger")))
			cr_assert_eq(rows(w, lg_certs_tables[i]), 0, "%s", lg_certs_tables[i]->name);
	world_free(w);
}

Test(purge, indexes_agree_with_their_tables)
{
	struct world *w = world_new();
	struct lg_issued a = world_issued(w, w->host, "host");
	uint64_t n, faults;
	int64_t expires;
	lg_str token;

	world_issued(w, w->user, "user");
	cr_assert_eq(lg_certs_revoke(&w->cx, w->certs, TENANT_A, &a.serial, LG_REVOKED_SUPERSEDED), LG_OK);
	cr_assert_eq(lg_certs_invite(&w->cx, w->certs, TENANT_A, w->host, 0, &token, &expires), LG_OK);
	lg_store_turn(w->store);
	cr_assert_eq(lg_store_check(&w->cx, w->store, &n, &faults), LG_OK, "%s", w->cx.error);
	cr_assert_eq(faults, 0);
	world_free(w);
}

/* ---- parts and deltas ------------------------------------------------------------------------------------ */

/* OpenSSL's verdict on the leaf with this one list. */
static int
verdict(struct world *w, lg_str leaf, X509_CRL *c)
{
	X509_STORE *store = X509_STORE_new();
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	STACK_OF(X509) *chain = sk_X509_new_null();
	X509 *x = x509_of(leaf);
	int rc;

	X509_STORE_add_cert(store, w->keys[TENANT_A].root);
	X509_STORE_add_crl(store, c);
	sk_X509_push(chain, w->keys[TENANT_A].issuer);
	X509_STORE_CTX_init(ctx, store, x, chain);
	X509_STORE_CTX_set_flags(ctx, X509_V_FLAG_CRL_CHECK);
	X509_verify_cert(ctx);
	rc = X509_STORE_CTX_get_error(ctx);
	X509_STORE_CTX_free(ctx);
	sk_X509_free(chain);
	X509_STORE_free(store);
	X509_free(x);
	return rc;
}

Test(crl, a_leafs_part_speaks_for_it_and_another_part_does_not)
{
	struct world *w = world_new();
	struct lg_issued a = world_issued(w, w->host, "host"), ok = world_issued(w, w->host, "host");
	unsigned part = a.serial.b[LG_CERT_SERIAL - 1] & (LG_CRL_PARTS - 1), of_ok = ok.serial.b[LG_CERT_SERIAL - 1] & (LG_CRL_PARTS - 1);
	X509_CRL *c;

	cr_assert_eq(lg_certs_revoke(&w->cx, w->certs, TENANT_A, &a.serial, LG_REVOKED_KEY_COMPROMISE), LG_OK);
	c = list(w, LG_CRL_PART, part);
	cr_assert_eq(entries(c), 1);
	cr_assert_eq(verdict(w, a.cert, c), X509_V_ERR_CERT_REVOKED);
	X509_CRL_free(c);
	c = list(w, LG_CRL_PART, of_ok);
	cr_assert_eq(verdict(w, ok.cert, c), X509_V_OK);
	X509_CRL_free(c);
	c = list(w, LG_CRL_PART, (part + 1) % LG_CRL_PARTS);
	cr_assert_eq(entries(c), 0);
	cr_assert_neq(verdict(w, a.cert, c), X509_V_OK, "a part that is not its own is no list of it");
	X509_CRL_free(c);
	world_free(w);
}

Test(crl, all_parts_together_are_the_full_list)
{
	struct world *w = world_new();
	int sum = 0;
	X509_CRL *c;

	for (int i = 0; i < 20; i++) {
		struct lg_issued a = world_issued(w, w->host, "host");
		cr_assert_eq(lg_certs_revoke(&w->cx, w->certs, TENANT_A, &a.serial, LG_REVOKED_SUPERSEDED), LG_OK);
	}
	for (unsigned part = 0; part < LG_CRL_PARTS; part++) {
		c = list(w, LG_CRL_PART, part);
		sum += entries(c);
		X509_CRL_free(c);
	}
	c = list(w, LG_CRL_FULL, 0);
	cr_assert_eq(entries(c), 20);
	cr_assert_eq(sum, 20);
	X509_CRL_free(c);
	world_free(w);
}

static uint64_t
base_of(X509_CRL *c)
{
	ASN1_INTEGER *n = X509_CRL_get_ext_d2i(c, NID_delta_crl, NULL, NULL);
	BIGNUM *b = ASN1_INTEGER_to_BN(n, NULL);
	uint64_t seq;

	cr_assert_not_null(n);
	BN_rshift(b, b, 32);
	seq = BN_get_word(b);
	BN_free(b);
	ASN1_INTEGER_free(n);
	return seq;
}

Test(crl, a_delta_is_the_rest_of_every_full_list_of_a_day)
{
	struct world *w = world_new();
	struct lg_issued a = world_issued(w, w->host, "host"), b = world_issued(w, w->host, "host");
	X509_CRL *full = list(w, LG_CRL_FULL, 0), *delta = list(w, LG_CRL_DELTA, 0);
	BIGNUM *n = number(full);

	cr_assert_eq(entries(delta), 0);
	cr_assert_geq(BN_num_bits(n), 32);
	BN_rshift(n, n, 32);
	cr_assert_leq(base_of(delta), BN_get_word(n), "the full list is no older than its base");
	X509_CRL_free(delta);
	cr_assert_eq(lg_certs_revoke(&w->cx, w->certs, TENANT_A, &a.serial, LG_REVOKED_SUPERSEDED), LG_OK);
	delta = list(w, LG_CRL_DELTA, 0);
	cr_assert_eq(entries(delta), 1);
	cr_assert_leq(base_of(delta), BN_get_word(n));
	X509_CRL_free(delta);

	/* A day and a half on the first revocation is in every full list that may still be about. */
	w->cx.now += 36 * LG_HOUR;
	cr_assert_eq(lg_certs_revoke(&w->cx, w->certs, TENANT_A, &b.serial, LG_REVOKED_SUPERSEDED), LG_OK);
	delta = list(w, LG_CRL_DELTA, 0);
	cr_assert_geq(base_of(delta), 1);
	X509_CRL_free(delta);
	BN_free(n);
	X509_CRL_free(full);
	world_free(w);
}

Test(crl, names_of_lists_are_exact)
{
	static const char *const bad[] = { "", ".crl", "kid", "kid.crlx", "kid/.crl", "kid/g.crl", "kid/10.crl", "/0.crl", ".delta.crl" };
	struct lg_crl_name name;

	cr_assert(lg_crl_name_parse(LG_STR("kid.crl"), &name) && name.kind == LG_CRL_FULL && lg_str_eq(name.kid, LG_STR("kid")));
	cr_assert(lg_crl_name_parse(LG_STR("kid.delta.crl"), &name) && name.kind == LG_CRL_DELTA && lg_str_eq(name.kid, LG_STR("kid")));
	cr_assert(lg_crl_name_parse(LG_STR("kid/a.crl"), &name) && name.kind == LG_CRL_PART && name.part == 10);
	for (size_t i = 0; i < LG_COUNT(bad); i++)
		cr_assert(!lg_crl_name_parse(lg_str_of(bad[i]), &name), "%s", bad[i]);
}
