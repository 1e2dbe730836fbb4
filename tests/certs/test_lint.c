/* test_lint.c: every rule of the table can fail, alone; and the reader's own refusals of extensions. */
#include <criterion/criterion.h>

#include "base/der.h"
#include "certs/lint.h"
#include "certs/rows.h"
#include "tests/certs/world.h"

static void v1(struct lg_x509 *x) { x->version = 0; }
static void serial_0(struct lg_x509 *x) { x->serial = LG_STR("\0"); }
static void unknown_alg(struct lg_x509 *x) { x->tbs_alg = LG_STR("\x30\x00"); }
static void no_issuer(struct lg_x509 *x) { x->issuer = LG_STR("\x30\x00"); }
static void backwards(struct lg_x509 *x) { x->not_after = x->not_before; }
static void no_key(struct lg_x509 *x) { x->spki = LG_STR("\x30\x00"); }
static void unique_ids(struct lg_x509 *x) { x->unique_ids = true; }
static void unknown_critical(struct lg_x509 *x) { x->exts.unknown_critical = true; }
static void critical_aki(struct lg_x509 *x) { x->exts.critical |= 1u << LG_EXT_AKI; }
static void no_ski(struct lg_x509 *x) { x->exts.ski = LG_NONE; }
static void plain_usage(struct lg_x509 *x) { x->exts.critical &= ~(1u << LG_EXT_KEY_USAGE); }
static void no_names(struct lg_x509 *x) { x->exts.names = (struct lg_cert_names){ .nuri = 0 }; }
static void empty_subject(struct lg_x509 *x) { x->subject = LG_STR("\x30\x00"); }
static void bad_dns(struct lg_x509 *x) { x->exts.names.dns[0] = LG_STR("*.a.example"); }
static void second_uri(struct lg_x509 *x) { x->exts.names.uri[x->exts.names.nuri++] = LG_STR("spiffe://a.example/host/b"); }
static void a_ca(struct lg_x509 *x) { x->exts.ca = true; }
static void constraints(struct lg_x509 *x) { x->exts.present |= 1u << LG_EXT_NAME_CONSTRAINTS; }
static void mappings(struct lg_x509 *x) { x->exts.present |= 1u << LG_EXT_POLICY_MAPPINGS; }
static void other_eku(struct lg_x509 *x) { x->exts.eku_other = true; }
static void critical_aia(struct lg_x509 *x) { x->exts.critical |= 1u << LG_EXT_AIA; }

/* In the order of lg_lints. */
static void (*const spoil[])(struct lg_x509 *) = {
	v1, serial_0, unknown_alg, no_issuer, backwards, no_key, unique_ids, unknown_critical, critical_aki, no_ski, plain_usage,
	no_names, empty_subject, bad_dns, second_uri, a_ca, constraints, mappings, other_eku, critical_aia,
};

Test(lint, every_rule_refuses_what_it_is_for_and_only_that)
{
	struct world *w = world_new();
	LG_AUTO(lg_key_free) struct lg_key *k = world_key(w, LG_KEY_P256);
	struct lg_issued is;
	struct lg_x509 good;

	cr_assert_eq(lg_nlints, LG_COUNT(spoil));
	cr_assert_eq(world_issue(w, TENANT_A, w->host, "host", k, NULL, &is), LG_OK, "%s", w->cx.error);
	cr_assert_eq(lg_x509_parse(&w->cx, is.cert, &good), LG_OK);
	cr_assert_eq(lg_x509_lint(&w->cx, &good), LG_OK, "%s", w->cx.error);
	for (size_t i = 0; i < lg_nlints; i++) {
		struct lg_x509 x = good;

		spoil[i](&x);
		for (size_t j = 0; j < lg_nlints; j++)
			cr_assert_eq(lg_lints[j].holds(&w->cx, &x), i != j, "%s spoilt: %s", lg_lints[i].claim, lg_lints[j].claim);
		cr_assert_eq(lg_x509_lint(&w->cx, &x), LG_E_INVALID);
		cr_assert_not_null(strstr(w->cx.error, lg_lints[i].clause), "%s", w->cx.error);
	}
	world_free(w);
}

/* ---- extensions ------------------------------------------------------------------------------------- */

static const struct {
	const char *what;
	lg_str list;			/* content of Extensions */
} bad_lists[] = {
	{ "none", LG_STR("") },
	{ "critical FALSE, encoded", LG_STR("\x30\x0c\x06\x03\x55\x1d\x13\x01\x01\x00\x04\x02\x30\x00") },
	{ "critical that is neither", LG_STR("\x30\x0c\x06\x03\x55\x1d\x13\x01\x01\x01\x04\x02\x30\x00") },
	{ "cA FALSE, encoded", LG_STR("\x30\x0c\x06\x03\x55\x1d\x13\x04\x05\x30\x03\x01\x01\x00") },
	{ "pathLen without cA", LG_STR("\x30\x0c\x06\x03\x55\x1d\x13\x04\x05\x30\x03\x02\x01\x00") },
	{ "something after the value", LG_STR("\x30\x0b\x06\x03\x55\x1d\x13\x04\x04\x30\x00\x05\x00") },
	{ "empty EKU", LG_STR("\x30\x09\x06\x03\x55\x1d\x25\x04\x02\x30\x00") },
	{ "empty SAN", LG_STR("\x30\x09\x06\x03\x55\x1d\x11\x04\x02\x30\x00") },
	{ "key usage without a bit", LG_STR("\x30\x09\x06\x03\x55\x1d\x0f\x04\x02\x03\x00") },
	{ "key usage with trailing zeros", LG_STR("\x30\x0b\x06\x03\x55\x1d\x0f\x04\x04\x03\x02\x00\x80") },
	{ "an address of five octets", LG_STR("\x30\x10\x06\x03\x55\x1d\x11\x04\x09\x30\x07\x87\x05" "12345") },
	{ "NUL in a DNS name", LG_STR("\x30\x0e\x06\x03\x55\x1d\x11\x04\x07\x30\x05\x82\x03" "a\0b") },
	{ "an empty DNS name", LG_STR("\x30\x0b\x06\x03\x55\x1d\x11\x04\x04\x30\x02\x82\x00") },
	{ "unknown twice", LG_STR("\x30\x06\x06\x02\x2a\x03\x04\x00\x30\x06\x06\x02\x2a\x03\x04\x00") },
	{ "AKI issuer without serial", LG_STR("\x30\x0b\x06\x03\x55\x1d\x23\x04\x04\x30\x02\xa1\x00") },
};

Test(exts, what_der_or_rfc_5280_forbids_is_refused)
{
	LG_AUTO(lg_arena_free) struct lg_arena *a = lg_arena_new();
	struct lg_x509_exts x;
	struct lg_ctx cx;

	lg_ctx_init(&cx, a);
	for (size_t i = 0; i < LG_COUNT(bad_lists); i++) {
		LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(4096);

		lg_derw_element(&b, LG_DER_SEQUENCE, bad_lists[i].list);
		cr_assert_eq(lg_x509_exts_parse(&cx, lg_buf_view(&b), &x), LG_E_INVALID, "%s", bad_lists[i].what);
	}
}

/* Neither inside nor outside, and even where nobody looks at the signature: others who are given the certificate would not read it. */
Test(x509, an_algorithm_is_one_even_where_nobody_asks_for_it)
{
	struct world *w = world_new();
	LG_AUTO(lg_key_free) struct lg_key *k = world_key(w, LG_KEY_P256);
	struct lg_issued is;
	struct lg_x509 x;

	cr_assert_eq(world_issue(w, TENANT_A, w->host, "host", k, NULL, &is), LG_OK, "%s", w->cx.error);
	for (int nth = 0; nth < 2; nth++) {
		char *der = (char *)(uintptr_t)lg_dup(w->arena, is.cert).p, *at = der;

		for (int i = 0; i <= nth; i++)
			at = (char *)memmem(at + 1, is.cert.n - (size_t)(at + 1 - der), "\x30\x0a\x06\x08\x2a\x86", 6);
		cr_assert_not_null(at);
		at[4] = (char)0x80;		/* X.690 8.19.2: an arc begins with no empty octet */
		cr_expect_eq(lg_x509_parse(&w->cx, (lg_str){ der, is.cert.n }, &x), LG_E_INVALID);
	}
	world_free(w);
}

Test(exts, there_are_at_most_24)
{
	LG_AUTO(lg_arena_free) struct lg_arena *a = lg_arena_new();
	struct lg_ctx cx;

	lg_ctx_init(&cx, a);
	for (uint8_t n = LG_X509_EXTENSIONS; n <= LG_X509_EXTENSIONS + 1; n++) {
		LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(4096);
		size_t list = lg_derw_begin(&b, LG_DER_SEQUENCE);
		struct lg_x509_exts x;

		for (uint8_t i = 0; i < n; i++) {
			const char oid[] = { 0x2a, (char)(i + 1) };
			size_t ext = lg_derw_begin(&b, LG_DER_SEQUENCE);

			lg_derw_oid(&b, (lg_str){ oid, sizeof oid });
			lg_derw_octets(&b, LG_NONE);
			lg_derw_end(&b, ext);
		}
		lg_derw_end(&b, list);
		cr_assert_eq(lg_x509_exts_parse(&cx, lg_buf_view(&b), &x), n > LG_X509_EXTENSIONS ? LG_E_LIMIT : LG_OK);
	}
}

/* ---- rows ---------------------------------------------------------------------------------------------- */

Test(rows, a_damaged_row_is_corrupt_not_believed)
{
	LG_AUTO(lg_arena_free) struct lg_arena *a = lg_arena_new();
	lg_serial s = { .b = { 0x41 } };
	struct lg_revoked_row r;
	struct lg_cert_row c;
	struct lg_ctx cx;

	lg_ctx_init(&cx, a);
	cr_assert_eq(lg_cert_row_decode(&cx, &s, LG_STR(""), &c), LG_E_CORRUPT);
	cr_assert_eq(lg_cert_row_decode(&cx, &s, LG_STR("\x01\x02"), &c), LG_E_CORRUPT);
	cr_assert_eq(lg_revoked_row_decode(&cx, &s, LG_STR("\x02"), &r), LG_E_CORRUPT);
	cr_assert_eq(lg_revoked_row_decode(&cx, &s, (lg_str){ lg_alloc(a, 51), 51 }, &r), LG_E_CORRUPT);	/* version 0 */
}
