#include "tests/crypto/keeper_run.h"
#include "tests/crypto/tbs.h"

#include "base/clock.h"
#include "base/der.h"
#include "crypto/keeper/ca.h"
#include "crypto/keeper/tbs_check.h"
#include "crypto/oid.h"
#include "base/text.h"

struct scene {
	struct fixture f;
	struct lg_key *ca, *leaf;
	struct lg_issuer issuer;
	struct lg_ceiling ceiling;
	struct tbs tbs;
};

static void
scene_init(struct scene *s)
{
	LG_AUTO(lg_buf_free) struct lg_buf name = LG_BUF(256);
	lg_str cert;

	fixture_init(&s->f);
	s->ceiling = test_ceiling;
	assert_ok(s->f, lg_key_generate(&s->f.cx, LG_KEY_P256, &s->ca));
	assert_ok(s->f, lg_key_generate(&s->f.cx, LG_KEY_P256, &s->leaf));
	lg_x509_put_name(&name, LG_STR("test CA"));
	struct lg_ca_spec spec = {
		.subject = lg_buf_view(&name), .key = s->ca, .signer = s->ca, .not_before = s->f.cx.now,
		.not_after = s->f.cx.now + 10 * LG_HOUR, .path_len = 0,
	};
	assert_ok(s->f, lg_ca_make(&s->f.cx, &spec, &cert));
	assert_ok(s->f, lg_issuer_of(&s->f.cx, s->f.arena, cert, lg_key_public(s->ca), &s->issuer));
	s->tbs = tbs_good(s->f.cx.now, &s->issuer, lg_pubkey_spki(lg_key_public(s->leaf)));
}

static void
scene_end(struct scene *s)
{
	lg_key_free(&s->ca);
	lg_key_free(&s->leaf);
	fixture_end(&s->f);
}
#define SCENE(s) LG_AUTO(scene_end) struct scene s; scene_init(&s)

static lg_err
check(struct scene *s)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(1 << 16);

	tbs_write(&s->tbs, &b);
	return lg_tbs_check(&s->f.cx, lg_buf_view(&b), &s->ceiling, &s->issuer);
}

/* ---- what is wrong, one thing at a time ------------------------------------------------------------------------------------ */

typedef void spoil_fn(struct scene *s);
#define SPOIL(name, what) static void name(struct scene *s) { struct tbs *t = &s->tbs; (void)t; what; }

SPOIL(version_1, t->version = 0)
SPOIL(serial_zero, t->serial = LG_STR("\0"))
SPOIL(serial_short, t->serial = LG_STR("\x01\x02\x03\x04"))
SPOIL(serial_negative, t->serial = LG_STR("\x81\x02\x03\x04\x05\x06\x07\x08\x09"))
SPOIL(serial_long, t->serial = LG_STR("\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b"))
SPOIL(other_alg, t->alg = LG_STR("\x30\x05\x06\x03\x2b\x65\x70"))
SPOIL(other_issuer, t->issuer = LG_STR("\x30\x00"))
SPOIL(self_issued, t->subject = s->issuer.subject)
SPOIL(begins_early, t->from -= LG_HOUR)
SPOIL(begins_late, t->from += LG_HOUR)
SPOIL(ends_before_it_begins, t->to = t->from - LG_SECOND)
SPOIL(over_the_ceiling, s->ceiling.leaf_life = 30 * LG_MINUTE)
SPOIL(outlives_the_issuer, t->to += 11 * LG_HOUR)
SPOIL(bad_subject, t->subject = LG_STR("\x30\x03\x31\x05\x00"))
SPOIL(weak_key, t->spki = LG_STR("\x30\x03\x30\x01\x06"))
SPOIL(unique_id, t->unique_id = LG_STR("\0\x01"))
SPOIL(is_ca, t->basic = LG_STR("\x01\x01\xff"))
SPOIL(is_ca_with_path, t->basic = LG_STR("\x01\x01\xff\x02\x01\x00"))
SPOIL(encoded_default, t->basic = LG_STR("\x01\x01\x00"))
SPOIL(path_len_only, t->basic = LG_STR("\x02\x01\x00"))
SPOIL(no_key_usage, t->no_key_usage = true)
SPOIL(plain_key_usage, t->plain_key_usage = true)
SPOIL(cert_sign, t->key_usage = 1 | 1u << 5)
SPOIL(crl_sign, t->key_usage = 1u << 6)
SPOIL(non_repudiation, t->key_usage = 1u << 1)
SPOIL(empty_key_usage, t->key_usage = 0)
SPOIL(no_eku, t->no_eku = true)
SPOIL(empty_eku, t->eku[0] = t->eku[1] = LG_NONE)
SPOIL(any_eku, t->eku[1] = LG_STR("\x55\x1d\x25\x00"))
SPOIL(code_signing, t->eku[1] = LG_STR("\x2b\x06\x01\x05\x05\x07\x03\x03"))
SPOIL(ocsp_and_server, t->eku[1] = LG_OID_OCSP_SIGNING)
SPOIL(no_aki, t->no_aki = true)
SPOIL(critical_aki, t->critical_aki = true)
SPOIL(other_aki, t->key_id = LG_STR("01234567890123456789"))
SPOIL(no_san, t->no_san = true)
SPOIL(empty_san, t->name[0].tag = t->name[1].tag = 0)
SPOIL(email, t->name[1].tag = 0x81)
SPOIL(directory_name, t->name[1].tag = 0xa4; t->name[1].value = s->issuer.subject)
SPOIL(two_uris, t->name[1].tag = TBS_URI; t->name[1].value = t->name[0].value)
SPOIL(https_uri, t->name[0].value = LG_STR("https://acme.example.org/host/a"))
SPOIL(other_domain, t->name[0].value = LG_STR("spiffe://acme.example.com/host/a"))
SPOIL(domain_prefix, t->name[0].value = LG_STR("spiffe://acme.example.org.evil/host/a"))
SPOIL(domain_userinfo, t->name[0].value = LG_STR("spiffe://x@acme.example.org/host/a"))
SPOIL(domain_port, t->name[0].value = LG_STR("spiffe://acme.example.org:1/host/a"))
SPOIL(domain_case, t->name[0].value = LG_STR("spiffe://ACME.example.org/host/a"))
SPOIL(scheme_case, t->name[0].value = LG_STR("SPIFFE://acme.example.org/host/a"))
SPOIL(trust_domain_id, t->name[0].value = LG_STR("spiffe://acme.example.org"))
SPOIL(empty_path, t->name[0].value = LG_STR("spiffe://acme.example.org/"))
SPOIL(empty_segment, t->name[0].value = LG_STR("spiffe://acme.example.org/host//a"))
SPOIL(dots, t->name[0].value = LG_STR("spiffe://acme.example.org/host/../root"))
SPOIL(percent, t->name[0].value = LG_STR("spiffe://acme.example.org/host/a%2fb"))
SPOIL(query, t->name[0].value = LG_STR("spiffe://acme.example.org/host/a?b"))
SPOIL(nul_in_uri, t->name[0].value = LG_STR("spiffe://acme.example.org/host/a\0b"))
SPOIL(other_dns, t->name[1].value = LG_STR("www.example.com"))
SPOIL(dns_suffix_glued, t->name[1].value = LG_STR("evilacme.example.org"))
SPOIL(dns_suffix_of_tail, t->name[1].value = LG_STR("acme.example.org.evil.com"))
SPOIL(dns_upper, t->name[1].value = LG_STR("WEB.acme.example.org"))
SPOIL(dns_empty_label, t->name[1].value = LG_STR("a..acme.example.org"))
SPOIL(dns_dot, t->name[1].value = LG_STR(".acme.example.org"))
SPOIL(dns_trailing_dot, t->name[1].value = LG_STR("acme.example.org."))
SPOIL(dns_hyphen, t->name[1].value = LG_STR("-a.acme.example.org"))
SPOIL(dns_nul, t->name[1].value = LG_STR("a\0.acme.example.org"))
SPOIL(dns_star_inside, t->name[1].value = LG_STR("a.*.acme.example.org"))
SPOIL(dns_star_alone, t->name[1].value = LG_STR("*"))
SPOIL(dns_star_outside, t->name[1].value = LG_STR("*.org"))
SPOIL(dns_long_label, t->name[1].value = LG_STR(
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.acme.example.org"))
SPOIL(localhost, t->name[1].value = LG_STR("localhost"))
SPOIL(loopback, t->name[1].tag = TBS_IP; t->name[1].value = LG_STR("\x7f\0\0\x01"))
SPOIL(address_in_dev, s->ceiling.loopback = true; t->name[1].tag = TBS_IP; t->name[1].value = LG_STR("\x0a\0\0\x01"))
SPOIL(address_of_5, s->ceiling.loopback = true; t->name[1].tag = TBS_IP; t->name[1].value = LG_STR("\x7f\0\0\x01\0"))
SPOIL(unknown_critical, t->extra_oid = LG_STR("\x2a\x03\x04"); t->extra_critical = true; t->extra_value = LG_STR("\x05\0"))
SPOIL(unknown_plain, t->extra_oid = LG_STR("\x2a\x03\x04"); t->extra_value = LG_STR("\x05\0"))
SPOIL(name_constraints, t->extra_oid = LG_STR("\x55\x1d\x1e"); t->extra_critical = true; t->extra_value = LG_STR("\x30\0"))
SPOIL(twice, t->extra_oid = LG_OID_CDP; t->extra_value = LG_STR("\x30\0"); t->extra_twice = true)
SPOIL(second_san, t->extra_oid = LG_OID_SAN; t->extra_value = LG_STR("\x30\x04\x82\x02hi"))
SPOIL(second_basic, t->basic = LG_STR(""); t->extra_oid = LG_OID_BASIC; t->extra_value = LG_STR("\x30\x03\x01\x01\xff"))
SPOIL(bad_cdp, t->extra_oid = LG_OID_CDP; t->extra_value = LG_STR("\x30\x05\x00"))
SPOIL(too_many_names, t->name[0].tag = 0; t->repeat = 64)
SPOIL(trailing_octets, t->tail = LG_STR("\x05\x00"))

#define ROW(f) { #f, f }
static const struct {
	const char *name;
	spoil_fn *spoil;
} wrong[] = {
	ROW(version_1), ROW(serial_zero), ROW(serial_short), ROW(serial_negative), ROW(serial_long), ROW(other_alg),
	ROW(other_issuer), ROW(self_issued), ROW(begins_early), ROW(begins_late), ROW(ends_before_it_begins),
	ROW(over_the_ceiling), ROW(outlives_the_issuer), ROW(bad_subject), ROW(weak_key), ROW(unique_id), ROW(is_ca),
	ROW(is_ca_with_path), ROW(encoded_default), ROW(path_len_only), ROW(no_key_usage), ROW(plain_key_usage), ROW(cert_sign),
	ROW(crl_sign), ROW(non_repudiation), ROW(empty_key_usage), ROW(no_eku), ROW(empty_eku), ROW(any_eku), ROW(code_signing),
	ROW(ocsp_and_server), ROW(no_aki), ROW(critical_aki), ROW(other_aki), ROW(no_san), ROW(empty_san), ROW(email),
	ROW(directory_name), ROW(two_uris), ROW(https_uri), ROW(other_domain), ROW(domain_prefix), ROW(domain_userinfo),
	ROW(domain_port), ROW(domain_case), ROW(scheme_case), ROW(trust_domain_id), ROW(empty_path), ROW(empty_segment), ROW(dots),
	ROW(percent), ROW(query), ROW(nul_in_uri), ROW(other_dns), ROW(dns_suffix_glued), ROW(dns_suffix_of_tail), ROW(dns_upper),
	ROW(dns_empty_label), ROW(dns_dot), ROW(dns_trailing_dot), ROW(dns_hyphen), ROW(dns_nul), ROW(dns_star_inside),
	ROW(dns_star_alone), ROW(dns_star_outside), ROW(dns_long_label), ROW(localhost), ROW(loopback), ROW(address_in_dev),
	ROW(address_of_5), ROW(unknown_critical), ROW(unknown_plain), ROW(name_constraints), ROW(twice), ROW(second_san),
	ROW(second_basic), ROW(bad_cdp), ROW(too_many_names),
	ROW(trailing_octets),
};

Test(tbs, every_step_beyond_the_ceiling_is_refused)
{
	for (size_t i = 0; i < LG_COUNT(wrong); i++) {
		SCENE(s);
		assert_ok(s.f, check(&s));
		wrong[i].spoil(&s);
		lg_err e = check(&s);
		cr_expect(e == LG_E_DENIED || e == LG_E_INVALID || e == LG_E_UNSUPPORTED, "%s: %s", wrong[i].name, lg_err_name(e));
	}
}

SPOIL(wildcard, t->name[1].value = LG_STR("*.svc.internal"))
SPOIL(suffix_itself, t->name[1].value = LG_STR("acme.example.org"))
SPOIL(dev_names, s->ceiling.loopback = true; t->name[1].value = LG_STR("localhost"); t->name[2].tag = TBS_IP;
    t->name[2].value = LG_STR("\x7f\0\0\x01"); t->name[3].tag = TBS_IP;
    t->name[3].value = LG_STR("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01"))
SPOIL(ocsp_responder, t->eku[0] = LG_OID_OCSP_SIGNING; t->eku[1] = LG_NONE; t->no_san = true;
    t->extra_oid = LG_OID_OCSP_NOCHECK; t->extra_value = LG_STR("\x05\0"))
SPOIL(false_ca, t->basic = LG_STR(""))
SPOIL(no_common_name, t->common_name = LG_NONE)
SPOIL(uri_alone, t->name[1].tag = 0)
SPOIL(dns_alone, t->name[0].tag = 0)
SPOIL(many_names, t->name[0].tag = 0; t->repeat = 63)

Test(tbs, what_lies_within_the_ceiling_is_allowed)
{
	static const struct {
		const char *name;
		spoil_fn *alter;
	} right[] = {
		ROW(wildcard), ROW(suffix_itself), ROW(dev_names), ROW(ocsp_responder), ROW(false_ca), ROW(no_common_name),
		ROW(uri_alone), ROW(dns_alone), ROW(many_names),
	};

	for (size_t i = 0; i < LG_COUNT(right); i++) {
		SCENE(s);
		right[i].alter(&s);
		lg_err e = check(&s);
		cr_expect(e == LG_OK, "%s: %s", right[i].name, s.f.cx.error);
	}
}

Test(tbs, cut_short_anywhere_is_refused)
{
	SCENE(s);
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(1 << 16);

	tbs_write(&s.tbs, &b);
	for (size_t n = 0; n < b.n; n++)
		cr_assert(lg_tbs_check(&s.f.cx, lg_str_sub(lg_buf_view(&b), 0, n), &s.ceiling, &s.issuer) != LG_OK);
}

/* ---- through the keeper, judged by OpenSSL ------------------------------------------------------------------------------------- */

static void
issuer_of_run(struct run *r, struct lg_issuer *ret)
{
	struct lg_keeper_key k = run_key(r, 1, LG_PURPOSE_ISSUER, LG_KEY_ACTIVE);
	struct lg_pubkey *pub;

	assert_ok(r->f, lg_pubkey_from_spki(&r->f.cx, k.spki, &pub));
	assert_ok(r->f, lg_issuer_of(&r->f.cx, r->f.arena, k.cert, pub, ret));
	lg_pubkey_unref(&pub);
}

static lg_str
tbs_bytes(struct run *r, const struct tbs *t)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(1 << 16);

	tbs_write(t, &b);
	return lg_dup(r->f.arena, lg_buf_view(&b));
}

static const char *
pem_file(struct run *r, const char *name, const char *label, lg_str der)
{
	return run_file(r, name, lg_pem(r->f.arena, lg_str_of(label), der));
}

Test(keeper_ca, its_chain_verifies_strictly_before_and_after_rotation)
{
	KEEPER(r);
	LG_AUTO(lg_key_free) struct lg_key *leaf = NULL;
	struct lg_issuer issuer;

	assert_ok(r.f, lg_key_generate(&r.f.cx, LG_KEY_P256, &leaf));
	run_tenant(&r, 1);
	const char *root = pem_file(&r, "root.pem", "CERTIFICATE", r.reply);
	for (int round = 0; round < 2; round++) {
		issuer_of_run(&r, &issuer);
		struct tbs t = tbs_good(lg_wall(), &issuer, lg_pubkey_spki(lg_key_public(leaf)));
		const char *ca = pem_file(&r, "ca.pem", "CERTIFICATE", run_key(&r, 1, LG_PURPOSE_ISSUER, LG_KEY_ACTIVE).cert);
		assert_ok(r.f, ASK(r, server, lg_keeper_certificate, 1, tbs_bytes(&r, &t)));
		const char *cert = pem_file(&r, "leaf.pem", "CERTIFICATE", r.reply);
		cr_assert(run_shell(&r, "openssl verify -x509_strict -purpose sslclient -CAfile %s -untrusted %s %s >/dev/null 2>&1",
		    root, ca, cert) == 0);
		cr_assert(run_shell(&r, "openssl verify -x509_strict -purpose sslserver -verify_hostname web.acme.example.org "
		    "-CAfile %s -untrusted %s %s >/dev/null 2>&1", root, ca, cert) == 0);
		assert_ok(r.f, ASK(r, server, lg_keeper_successor, 1, LG_PURPOSE_ISSUER, LG_ALG_ES256));
		assert_ok(r.f, ASK(r, server, lg_keeper_activate, 1, r.reply));
		/* what names the CA of before is not signed any more */
		assert_err(r.f, LG_E_DENIED, ASK(r, server, lg_keeper_certificate, 1, tbs_bytes(&r, &t)));
	}
}

Test(keeper_ca, a_root_is_followed_and_signs_the_next_issuer)
{
	KEEPER(r);
	run_tenant(&r, 1);
	assert_ok(r.f, ASK(r, server, lg_keeper_successor, 1, LG_PURPOSE_ROOT, LG_ALG_ES256));
	assert_ok(r.f, ASK(r, server, lg_keeper_activate, 1, r.reply));
	assert_ok(r.f, ASK(r, server, lg_keeper_successor, 1, LG_PURPOSE_ISSUER, LG_ALG_ES256));
	const char *root = pem_file(&r, "root.pem", "CERTIFICATE", run_key(&r, 1, LG_PURPOSE_ROOT, LG_KEY_ACTIVE).cert);
	const char *ca = pem_file(&r, "ca.pem", "CERTIFICATE", run_key(&r, 1, LG_PURPOSE_ISSUER, LG_KEY_NEXT).cert);
	cr_assert(run_shell(&r, "openssl verify -x509_strict -CAfile %s %s >/dev/null 2>&1", root, ca) == 0);
	cr_assert(run_count(&r, 1, LG_PURPOSE_ROOT, LG_KEY_RETIRED) == 1);
}

Test(keeper_ca, retired_issuers_are_kept_up_to_the_limit_of_keys)
{
	KEEPER(r);
	lg_err e = LG_OK;
	int rounds = 0;

	run_tenant(&r, 1);
	for (; e == LG_OK && rounds < 100; rounds++) {
		e = ASK(r, server, lg_keeper_successor, 1, LG_PURPOSE_ISSUER, LG_ALG_ES256);
		if (e == LG_OK)
			assert_ok(r.f, ASK(r, server, lg_keeper_activate, 1, r.reply));
	}
	cr_assert(e == LG_E_LIMIT && rounds > 50, "%d rounds: %s", rounds, lg_err_name(e));
	cr_assert(run_stop(&r) == 0);
	run_start(&r);
	cr_assert(run_count(&r, 1, LG_PURPOSE_ISSUER, LG_KEY_ACTIVE) == 1);
}

Test(keeper_ca, one_tenants_names_are_not_signed_by_anothers_key)
{
	KEEPER(r);
	LG_AUTO(lg_key_free) struct lg_key *leaf = NULL;
	struct lg_ceiling other = test_ceiling;
	struct lg_issuer issuer;

	assert_ok(r.f, lg_key_generate(&r.f.cx, LG_KEY_P256, &leaf));
	run_tenant(&r, 1);
	other.trust_domain = LG_STR("other.example.org");
	assert_ok(r.f, ASK(r, control, lg_keeper_create_tenant, 2, LG_STR("other"), &other));
	issuer_of_run(&r, &issuer);
	struct tbs t = tbs_good(lg_wall(), &issuer, lg_pubkey_spki(lg_key_public(leaf)));
	assert_err(r.f, LG_E_DENIED, ASK(r, server, lg_keeper_certificate, 2, tbs_bytes(&r, &t)));
	assert_ok(r.f, ASK(r, server, lg_keeper_certificate, 1, tbs_bytes(&r, &t)));
}

/* ---- CRLs and OCSP ---------------------------------------------------------------------------------------------------------------- */

static lg_str
crl_bytes(struct run *r, const struct lg_issuer *issuer, size_t entries, int64_t this, int64_t next)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(8 << 20);
	size_t tbs = lg_derw_begin(&b, LG_DER_SEQUENCE);

	lg_derw_int(&b, 1);
	lg_derw_raw(&b, issuer->sig_alg);
	lg_derw_raw(&b, issuer->subject);
	lg_derw_time(&b, this);
	lg_derw_time(&b, next);
	size_t list = lg_derw_begin(&b, LG_DER_SEQUENCE);
	for (size_t i = 0; i < entries; i++) {
		size_t one = lg_derw_begin(&b, LG_DER_SEQUENCE);
		lg_derw_int(&b, 0x1000000 + (int64_t)i);
		lg_derw_time(&b, this);
		lg_derw_end(&b, one);
	}
	lg_derw_end(&b, list);
	lg_derw_end(&b, tbs);
	return lg_dup(r->f.arena, lg_buf_view(&b));
}

static lg_str
signed_document(struct run *r, const struct lg_issuer *issuer, lg_str tbs, lg_str sig)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(8 << 20);
	size_t seq = lg_derw_begin(&b, LG_DER_SEQUENCE);

	lg_derw_raw(&b, tbs);
	lg_derw_raw(&b, issuer->sig_alg);
	lg_derw_bits(&b, sig);
	lg_derw_end(&b, seq);
	return lg_dup(r->f.arena, lg_buf_view(&b));
}

static void
crls_verify(struct run *r)
{
	const char *ca = pem_file(r, "ca.pem", "CERTIFICATE", run_key(r, 1, LG_PURPOSE_ISSUER, LG_KEY_ACTIVE).cert);
	static const size_t sizes[] = { 1, 1200, 1500, 20000 };
	struct lg_issuer issuer;

	issuer_of_run(r, &issuer);
	for (size_t i = 0; i < LG_COUNT(sizes); i++) {
		lg_str tbs = crl_bytes(r, &issuer, sizes[i], lg_wall(), lg_wall() + LG_DAY);
		assert_ok(r->f, ASK(*r, server, lg_keeper_crl, 1, tbs));
		const char *crl = pem_file(r, "crl.pem", "X509 CRL", signed_document(r, &issuer, tbs, r->reply));
		cr_assert(run_shell(r, "openssl crl -in %s -CAfile %s -noout 2>&1 | grep -q OK", crl, ca) == 0, "%zu", sizes[i]);
	}
}

Test(keeper_ca, crls_of_any_length_are_signed_and_verify)
{
	KEEPER(r);

	run_tenant(&r, 1);
	crls_verify(&r);
}

/* It signs what the others sign the digest of (RFC 8032 5.1.6): lists in parts too, and its successor has a key like its own. */
Test(keeper_ca, an_ed25519_ca_signs_certificates_and_crls_of_any_length)
{
	KEEPER(r);
	LG_AUTO(lg_key_free) struct lg_key *leaf = NULL;
	struct lg_issuer issuer;

	run_tenant(&r, 1);
	assert_ok(r.f, ASK(r, control, lg_keeper_ca_new, 1, LG_CA_ROOT, LG_KEY_ED25519, LG_NONE));
	assert_ok(r.f, ASK(r, control, lg_keeper_ca_new, 1, LG_CA_ISSUER, LG_KEY_ED25519, LG_NONE));
	assert_ok(r.f, ASK(r, server, lg_keeper_activate, 1, r.reply));
	crls_verify(&r);
	assert_ok(r.f, ASK(r, server, lg_keeper_successor, 1, LG_PURPOSE_ISSUER, LG_ALG_NONE));
	assert_ok(r.f, ASK(r, server, lg_keeper_activate, 1, r.reply));
	cr_assert_eq(run_key(&r, 1, LG_PURPOSE_ISSUER, LG_KEY_ACTIVE).alg, LG_ALG_EDDSA);
	issuer_of_run(&r, &issuer);
	assert_ok(r.f, lg_key_generate(&r.f.cx, LG_KEY_P256, &leaf));
	struct tbs t = tbs_good(lg_wall(), &issuer, lg_pubkey_spki(lg_key_public(leaf)));
	assert_ok(r.f, ASK(r, server, lg_keeper_certificate, 1, tbs_bytes(&r, &t)));
	const char *cert = pem_file(&r, "leaf.pem", "CERTIFICATE", r.reply);
	const char *ca = pem_file(&r, "ca.pem", "CERTIFICATE", run_key(&r, 1, LG_PURPOSE_ISSUER, LG_KEY_ACTIVE).cert);
	const char *root = pem_file(&r, "root.pem", "CERTIFICATE", run_key(&r, 1, LG_PURPOSE_ROOT, LG_KEY_ACTIVE).cert);
	cr_assert(run_shell(&r, "openssl verify -x509_strict -purpose sslclient -CAfile %s -untrusted %s %s >/dev/null 2>&1", root, ca, cert) == 0);
}

Test(keeper_ca, crls_of_others_or_of_another_time_are_refused)
{
	KEEPER(r);
	struct lg_issuer issuer, other;
	int64_t now = lg_wall();

	run_tenant(&r, 1);
	issuer_of_run(&r, &issuer);
	other = issuer;
	other.subject = LG_STR("\x30\x00");
	assert_err(r.f, LG_E_DENIED, ASK(r, server, lg_keeper_crl, 1, crl_bytes(&r, &other, 3, now, now + LG_DAY)));
	assert_err(r.f, LG_E_DENIED, ASK(r, server, lg_keeper_crl, 1, crl_bytes(&r, &other, 20000, now, now + LG_DAY)));
	assert_err(r.f, LG_E_DENIED, ASK(r, server, lg_keeper_crl, 1, crl_bytes(&r, &issuer, 3, now, now + 40 * LG_DAY)));
	assert_err(r.f, LG_E_DENIED, ASK(r, server, lg_keeper_crl, 1, crl_bytes(&r, &issuer, 3, now - LG_DAY, now + LG_DAY)));
	assert_err(r.f, LG_E_DENIED, ASK(r, server, lg_keeper_crl, 1, crl_bytes(&r, &issuer, 3, now, now - LG_DAY)));
	/* longer or shorter than it says */
	lg_str tbs = crl_bytes(&r, &issuer, 20000, now, now + LG_DAY);
	assert_err(r.f, LG_E_INVALID, ASK(r, server, lg_keeper_crl, 1, lg_cat(r.f.arena, tbs, LG_STR("x"))));
	assert_err(r.f, LG_E_INVALID, ASK(r, server, lg_keeper_crl, 1, lg_str_sub(tbs, 0, tbs.n - 1)));
	assert_err(r.f, LG_E_INVALID, ASK(r, server, lg_keeper_crl, 1, LG_NONE));
	/* a certificate is no CRL, and a CRL no certificate */
	LG_AUTO(lg_key_free) struct lg_key *leaf = NULL;
	assert_ok(r.f, lg_key_generate(&r.f.cx, LG_KEY_P256, &leaf));
	struct tbs t = tbs_good(now, &issuer, lg_pubkey_spki(lg_key_public(leaf)));
	lg_err e = ASK(r, server, lg_keeper_crl, 1, tbs_bytes(&r, &t));
	cr_assert(e == LG_E_DENIED || e == LG_E_INVALID);
	e = ASK(r, server, lg_keeper_certificate, 1, crl_bytes(&r, &issuer, 1, now, now + LG_DAY));
	cr_assert(e == LG_E_DENIED || e == LG_E_INVALID);
	e = ASK(r, server, lg_keeper_ocsp, 1, tbs_bytes(&r, &t));
	cr_assert(e == LG_E_DENIED || e == LG_E_INVALID);
}

static lg_str
ocsp_bytes(struct run *r, const struct lg_issuer *issuer, int64_t now, int64_t next)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(4096);
	size_t data = lg_derw_begin(&b, LG_DER_SEQUENCE);
	size_t by_key = lg_derw_begin(&b, LG_DER_EXPLICIT(2));

	lg_derw_octets(&b, (lg_str){ (const char *)issuer->key_sha1, 20 });
	lg_derw_end(&b, by_key);
	lg_derw_generalized(&b, now);
	size_t list = lg_derw_begin(&b, LG_DER_SEQUENCE), one = lg_derw_begin(&b, LG_DER_SEQUENCE);
	size_t id = lg_derw_begin(&b, LG_DER_SEQUENCE);
	lg_derw_int(&b, 1);
	lg_derw_end(&b, id);
	lg_derw_element(&b, LG_DER_IMPLICIT(0), LG_NONE);
	lg_derw_generalized(&b, now);
	size_t when = lg_derw_begin(&b, LG_DER_EXPLICIT(0));
	lg_derw_generalized(&b, next);
	lg_derw_end(&b, when);
	lg_derw_end(&b, one);
	lg_derw_end(&b, list);
	lg_derw_end(&b, data);
	return lg_dup(r->f.arena, lg_buf_view(&b));
}

Test(keeper_ca, ocsp_answers_of_now_and_of_this_ca_are_signed)
{
	KEEPER(r);
	LG_AUTO(lg_pubkey_unref) struct lg_pubkey *pub = NULL;
	struct lg_issuer issuer, other;
	int64_t now = lg_wall();

	run_tenant(&r, 1);
	issuer_of_run(&r, &issuer);
	assert_ok(r.f, lg_pubkey_from_spki(&r.f.cx, run_key(&r, 1, LG_PURPOSE_ISSUER, LG_KEY_ACTIVE).spki, &pub));
	lg_str tbs = ocsp_bytes(&r, &issuer, now, now + LG_DAY);
	assert_ok(r.f, ASK(r, server, lg_keeper_ocsp, 1, tbs));
	cr_assert(lg_verify_der(pub, LG_ALG_ES256, tbs, r.reply));
	assert_err(r.f, LG_E_DENIED, ASK(r, server, lg_keeper_ocsp, 1, ocsp_bytes(&r, &issuer, now - LG_HOUR, now + LG_DAY)));
	assert_err(r.f, LG_E_DENIED, ASK(r, server, lg_keeper_ocsp, 1, ocsp_bytes(&r, &issuer, now, now + 60 * LG_DAY)));
	other = issuer;
	other.key_sha1[0] ^= 1;
	assert_err(r.f, LG_E_DENIED, ASK(r, server, lg_keeper_ocsp, 1, ocsp_bytes(&r, &other, now, now + LG_DAY)));
}
