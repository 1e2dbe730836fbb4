/*
 * bench_certs.c: CPU of the certificate authority's steps, all threads of the process counted (worker and writer), with a
 * P-256 issuer signing in this process instead of the keeper.  The store does not sync: what is measured is work, not the disk.
 */
#include <ftw.h>
#include <openssl/ocsp.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/der.h"
#include "certs/lint.h"
#include "certs/ocsp.h"
#include "certs/trust.h"
#include "lightgate/certs.h"

#define LEAVES 2000

static struct lg_arena *arena;		/* of what lasts */
static struct lg_store *store;
static struct lg_certs *certs;
static struct lg_key *issuer_key;
static X509 *issuer_x509;
static char dir[] = "/tmp/bench_certs.XXXXXX";
static lg_str leaf[LEAVES];
static lg_serial serial[LEAVES];

static void
must(struct lg_ctx *cx, lg_err e)
{
	if (e != LG_OK) {
		fprintf(stderr, "bench_certs: %s\n", cx->error);
		exit(1);
	}
}

/* ---- ports --------------------------------------------------------------------------------------- */

static lg_err
by_id(void *self, struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_uuid id, struct lg_cert_subject *ret)
{
	static const lg_str dns[] = { LG_STR("node1.a.example") };

	(void)self, (void)cx, (void)v, (void)tenant;
	*ret = (struct lg_cert_subject){ .id = id, .type = LG_STR("Host"), .name = LG_STR("node1"), .enabled = true, .dns = dns,
		.ndns = 1 };
	return LG_OK;
}

static lg_err
permit(void *self, struct lg_ctx *cx, struct lg_view *v, const struct lg_question *q, struct lg_verdict *ret)
{
	(void)self, (void)cx, (void)v, (void)q;
	*ret = (struct lg_verdict){ .permit = true, .stable = true };
	return LG_OK;
}

static lg_err
certificate_wait(void *self, struct lg_ctx *cx, uint32_t tenant, lg_str tbs, lg_str *der)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(LG_CERT_MAX);
	size_t seq = lg_derw_begin(&b, LG_DER_SEQUENCE);
	lg_str sig;

	(void)self, (void)tenant;
	LG_TRY(lg_key_sign_der(cx, issuer_key, LG_ALG_ES256, tbs, &sig));
	lg_derw_raw(&b, tbs);
	lg_derw_raw(&b, lg_x509_alg(LG_ALG_ES256));
	lg_derw_bits(&b, sig);
	lg_derw_end(&b, seq);
	*der = lg_dup(cx->arena, lg_buf_view(&b));
	return LG_OK;
}

static lg_err
sign(void *self, struct lg_ctx *cx, uint32_t tenant, lg_str tbs, lg_str *sig)
{
	(void)self, (void)tenant;
	return lg_key_sign_der(cx, issuer_key, LG_ALG_ES256, tbs, sig);
}

static lg_err
sign_ocsp(void *self, uint32_t tenant, lg_str tbs, lg_keeper_done *done, void *arg)
{
	LG_AUTO(lg_arena_free) struct lg_arena *a = lg_arena_new();
	struct lg_ctx cx;
	lg_str sig;

	lg_ctx_init(&cx, a);
	LG_TRY(sign(self, &cx, tenant, tbs, &sig));
	done(arg, LG_OK, sig);
	return LG_OK;
}

/* ---- set-up ------------------------------------------------------------------------------------------ */

static lg_str
make_ca(const char *cn, lg_str spki, EVP_PKEY *signer, X509 *issuer, X509 **ret)
{
	static const char *const exts[][2] = { { "subjectKeyIdentifier", "hash" }, { "authorityKeyIdentifier", "keyid:always" },
		{ "basicConstraints", "critical,CA:TRUE" }, { "keyUsage", "critical,keyCertSign,cRLSign" } };
	const unsigned char *p = (const unsigned char *)spki.p;
	EVP_PKEY *key = d2i_PUBKEY(NULL, &p, (long)spki.n);
	X509 *x = X509_new();
	unsigned char *der = NULL;
	X509V3_CTX ctx;
	int n;

	X509_set_version(x, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
	X509_gmtime_adj(X509_getm_notBefore(x), -3600);
	X509_gmtime_adj(X509_getm_notAfter(x), 86400L * 30);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_UTF8, (const unsigned char *)cn, -1, -1, 0);
	X509_set_issuer_name(x, X509_get_subject_name(issuer == NULL ? x : issuer));
	X509_set_pubkey(x, key);
	X509V3_set_ctx(&ctx, issuer == NULL ? x : issuer, x, NULL, NULL, 0);
	for (size_t i = 0; i < LG_COUNT(exts); i++) {
		X509_EXTENSION *e = X509V3_EXT_nconf(NULL, &ctx, exts[i][0], exts[i][1]);

		X509_add_ext(x, e, -1);
		X509_EXTENSION_free(e);
	}
	X509_sign(x, signer, EVP_sha256());
	n = i2d_X509(x, &der);
	EVP_PKEY_free(key);
	*ret = x;
	return lg_dup(arena, (lg_str){ (char *)der, (size_t)n });
}

static void
trust(struct lg_ctx *cx)
{
	static const lg_str suffix[] = { LG_STR("a.example") };
	struct lg_authority au = { .tenant = 1, .trust_domain = LG_STR("a.example"), .http_url = LG_STR("http://a.example:8080"),
		.dns_suffixes = suffix, .ndns_suffixes = 1, .leaf_life = LG_DAY, .nissuers = 1 };
	EVP_PKEY *root = EVP_EC_gen("P-256");
	unsigned char *spki = NULL;
	int n = i2d_PUBKEY(root, &spki);
	X509 *x;

	must(cx, lg_key_generate(cx, LG_KEY_P256, &issuer_key));
	au.root = make_ca("root", (lg_str){ (char *)spki, (size_t)n }, root, NULL, &x);
	au.issuers[0] = make_ca("issuing", lg_pubkey_spki(lg_key_public(issuer_key)), root, x, &issuer_x509);
	must(cx, lg_certs_trust(cx, certs, &au, 1));
}

static void
set_up(struct lg_ctx *cx)
{
	char archive[sizeof dir + 8];
	struct lg_store_options o = { .map_size = 1u << 30, .tables = lg_certs_tables, .ntables = lg_certs_ntables,
		.node = LG_STR("bench"), .nosync = true };
	struct lg_certs_ports ports = { .subjects.by_id = by_id, .decider.ask = permit, .signer.certificate_wait = certificate_wait,
		.signer.crl_wait = sign, .signer.ocsp = sign_ocsp };

	if (mkdtemp(dir) == NULL)
		exit(1);
	snprintf(archive, sizeof archive, "%s/archive", dir);
	mkdir(archive, 0700);
	o.dir = dir;
	o.archive = archive;
	must(cx, lg_store_open(cx, &o, &store));
	ports.store = store;
	must(cx, lg_certs_new(cx, &ports, &certs));
	trust(cx);
}

/* ---- measuring ------------------------------------------------------------------------------------------ */

static int64_t began;

static void
start(void)
{
	began = lg_cpu_ns();
}

static void
report(const char *what, int n)
{
	double us = (double)(lg_cpu_ns() - began) / 1000 / n;

	printf("%-44s %9.1f us %9.0f /s/core\n", what, us, 1e6 / us);
}

static void
bench_issue(struct lg_ctx *cx, lg_str spki)
{
	struct lg_cert_request rq = { .tenant = 1, .profile = LG_STR("host"), .proof = "self", .spki = spki,
		.entry = lg_uuid_new() };

	start();
	for (int i = 0; i < LEAVES; i++) {
		struct lg_issued is;

		must(cx, lg_certs_issue(cx, certs, &rq, &is));
		leaf[i] = lg_dup(arena, is.cert);
		serial[i] = is.serial;
		lg_arena_reset(cx->arena);
	}
	report("issue: two mutations, TBS, lint, sign", LEAVES);
}

static void
bench_csr(struct lg_ctx *cx, lg_str der)
{
	struct lg_csr csr;

	start();
	for (int i = 0; i < LEAVES; i++)
		must(cx, lg_csr_parse(cx, der, &csr));
	report("request: read and proof of possession", LEAVES);
}

static void
bench_peer(struct lg_ctx *cx)
{
	struct lg_certs_peer p;
	struct lg_view *v;
	struct lg_x509 x;

	must(cx, lg_view_begin(cx, store, &v));
	start();
	for (int i = 0; i < LEAVES; i++) {
		must(cx, lg_x509_parse(cx, leaf[i], &x));
		must(cx, lg_x509_lint(cx, &x));
	}
	report("certificate: read and lint", LEAVES);
	start();
	for (int i = 0; i < LEAVES; i++)
		must(cx, lg_certs_peer(cx, certs, v, leaf[i], &p));
	report("peer, cold", LEAVES);
	start();
	for (int i = 0; i < 100 * LEAVES; i++) {
		must(cx, lg_certs_peer(cx, certs, v, leaf[LEAVES - 1], &p));
		lg_arena_reset(cx->arena);
	}
	report("peer, cached", 100 * LEAVES);
	lg_view_end(&v);
	lg_store_turn(store);
}

static void
good(void *arg, const struct lg_ocsp_answer *a)
{
	(void)arg;
	if (a->status != LG_OCSP_SUCCESSFUL)
		exit(1);
}

static void
bench_ocsp(struct lg_ctx *cx)
{
	const unsigned char *p = (const unsigned char *)leaf[0].p;
	X509 *x = d2i_X509(NULL, &p, (long)leaf[0].n);
	OCSP_REQUEST *rq = OCSP_REQUEST_new();
	unsigned char *der = NULL;
	int n;

	OCSP_request_add0_id(rq, OCSP_cert_to_id(EVP_sha1(), x, issuer_x509));
	OCSP_request_add1_nonce(rq, NULL, 16);
	n = i2d_OCSP_REQUEST(rq, &der);
	start();
	for (int i = 0; i < LEAVES; i++) {
		must(cx, lg_certs_ocsp(cx, certs, 1, (lg_str){ (char *)der, (size_t)n }, good, NULL));
		lg_arena_reset(cx->arena);
	}
	report("OCSP: read, found, signed", LEAVES);
}

static void
bench_crl(struct lg_ctx *cx, lg_str kid)
{
	lg_str crl;

	start();
	for (int i = 0; i < LEAVES; i++)
		must(cx, lg_certs_revoke(cx, certs, 1, &serial[i], LG_REVOKED_SUPERSEDED));
	report("revoke", LEAVES);
	start();
	must(cx, lg_certs_crl(cx, certs, 1, kid, &crl));
	report("CRL of 2,000 entries, built and signed", 1);
	start();
	for (int i = 0; i < 100; i++)
		must(cx, lg_certs_crl(cx, certs, 1, kid, &crl));
	report("the same, kept", 100);
}

static int
remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st, (void)kind, (void)at;
	return remove(path);
}

int
main(void)
{
	struct lg_key *host;
	struct lg_ctx cx;
	struct lg_trust *t;
	lg_str csr;

	arena = lg_arena_new();
	lg_ctx_init(&cx, arena);
	set_up(&cx);
	must(&cx, lg_key_generate(&cx, LG_KEY_P256, &host));
	must(&cx, lg_csr_make(&cx, host, &(struct lg_csr_names){ .common_name = LG_STR("node1") }, &csr));
	cx.arena = lg_arena_new();
	bench_csr(&cx, csr);
	bench_issue(&cx, lg_pubkey_spki(lg_key_public(host)));
	bench_peer(&cx);
	bench_ocsp(&cx);
	t = lg_trust_hold(certs);
	bench_crl(&cx, t->ca[0].issuer[0].kid);
	lg_trust_release(&t);
	lg_certs_free(&certs);
	lg_store_close(&store);
	nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	return 0;
}
