/* world.c: see world.h. */
#include "tests/certs/world.h"

#include <criterion/criterion.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/der.h"
#include "base/ipnet.h"
#include "certs/rows.h"
#include "crypto/keeper/tbs_check.h"

/* ---- the directory: a table ------------------------------------------------------------------------ */

static const struct lg_table entries = { .name = "test.entries", .id = 0x7001, .domain = LG_DOMAIN_ENTRY };

static struct lg_certs_key
entry_key(uint32_t tenant, lg_uuid id)
{
	struct lg_certs_key k = lg_certs_key_of(tenant);

	lg_certs_key_add(&k, id.b, sizeof id.b);
	return k;
}

static lg_err
entry_decode(struct lg_ctx *cx, lg_uuid id, lg_str value, struct lg_cert_subject *ret)
{
	struct lg_rd r = lg_rd_of(value);
	lg_str *dns = LG_NEWS(cx->arena, lg_str, 2), *ip = LG_NEWS(cx->arena, lg_str, 1);

	*ret = (struct lg_cert_subject){ .id = id };
	ret->enabled = lg_rd_u8(&r) != 0;
	ret->type = lg_rd_str32(&r);
	ret->name = lg_rd_str32(&r);
	ret->project = lg_rd_str32(&r);
	if (!lg_str_eq(ret->type, LG_STR("User"))) {
		dns[0] = lg_print(cx->arena, "%.*s.hosts.a.example", LG_FMT(ret->name));
		dns[1] = lg_print(cx->arena, "%.*s.alias.a.example", LG_FMT(ret->name));
		ret->dns = dns;
		ret->ndns = 2;
	}
	if (lg_str_starts(ret->name, LG_STR("addressed"))) {
		cr_assert(lg_ip_octets_parse(cx->arena, lg_str_ends(ret->name, LG_STR("elsewhere")) ? LG_STR("192.0.2.7") : LG_STR("10.1.2.3"), &ip[0]));
		ret->ip = ip;
		ret->nip = 1;
	}
	return LG_OK;
}

static lg_err
by_id(void *self, struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_uuid id, struct lg_cert_subject *ret)
{
	struct lg_certs_key k = entry_key(tenant, id);
	lg_str value;

	(void)self;
	LG_TRY(lg_get(cx, v, &entries, lg_certs_key_str(&k), &value));
	return entry_decode(cx, id, value, ret);
}

static lg_err
by_name(void *self, struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_str type, lg_str name, struct lg_cert_subject *ret)
{
	struct lg_certs_key prefix = lg_certs_key_of(tenant);
	LG_AUTO(lg_cursor_end) struct lg_cursor c = { 0 };
	lg_str key, value;

	(void)self;
	LG_TRY(lg_scan(cx, v, &entries, lg_certs_key_str(&prefix), LG_NONE, &c));
	while (lg_cursor_next(&c, &key, &value)) {
		lg_uuid id;

		memcpy(id.b, key.p + 4, sizeof id.b);
		LG_TRY(entry_decode(cx, id, value, ret));
		if (lg_str_eq(ret->type, type) && lg_str_eq(ret->name, name))
			return LG_OK;
	}
	return lg_fail(cx, LG_E_NOT_FOUND, "no such entry");
}

struct entry_change {
	struct lg_certs_key key;
	lg_str value;
};

static lg_err
run_entry(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	struct entry_change *e = arg;

	if (e->value.n == 0)
		return lg_del(cx, v, &entries, lg_certs_key_str(&e->key));
	return lg_put(cx, v, &entries, lg_certs_key_str(&e->key), e->value);
}

void
world_entry(struct world *w, uint32_t tenant, lg_uuid id, const char *type, const char *name, const char *project, bool enabled)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(4096);
	struct entry_change e = { .key = entry_key(tenant, id) };

	lg_buf_byte(&b, enabled);
	lg_buf_str32(&b, lg_str_of(type));
	lg_buf_str32(&b, lg_str_of(name));
	lg_buf_str32(&b, lg_str_of(project));
	e.value = lg_buf_view(&b);
	cr_assert_eq(lg_store_apply(&w->cx, w->store, tenant, "test.entry", run_entry, &e, NULL), LG_OK, "%s", w->cx.error);
}

void
world_entry_gone(struct world *w, uint32_t tenant, lg_uuid id)
{
	struct entry_change e = { .key = entry_key(tenant, id) };

	cr_assert_eq(lg_store_apply(&w->cx, w->store, tenant, "test.entry", run_entry, &e, NULL), LG_OK, "%s", w->cx.error);
}

/* ---- policy, keeper, callers ---------------------------------------------------------------------------- */

static lg_err
ask(void *self, struct lg_ctx *cx, struct lg_view *v, const struct lg_question *q, struct lg_verdict *ret)
{
	struct world *w = self;

	(void)v;
	w->asked++;
	snprintf(w->last_action, sizeof w->last_action, "%s", q->action);
	for (size_t i = 0; i < q->ncontext; i++)
		if (strcmp(q->context[i].name, "subject_proof") == 0)
			snprintf(w->last_proof, sizeof w->last_proof, "%.*s", LG_FMT(q->context[i].s));
	for (size_t i = 0; i < q->nfacts; i++) {
		if (strcmp(q->facts[i].name, "profile") == 0)
			w->last_profile = lg_dup(w->arena, q->facts[i].s);
		if (strcmp(q->facts[i].name, "dns") == 0)
			w->last_ndns = q->facts[i].n;
		if (strcmp(q->facts[i].name, "principals") == 0)
			w->last_nprincipals = q->facts[i].n;
		if (strcmp(q->facts[i].name, "life") == 0)
			w->last_life = q->facts[i].i;
	}
	(void)cx;
	*ret = (struct lg_verdict){ .permit = w->deny == NULL || strcmp(w->deny, q->action) != 0, .reason = LG_STR("the test says so"),
		.stable = !w->unstable };
	return LG_OK;
}

static uint64_t
revision(void *self, uint32_t tenant)
{
	(void)self;
	(void)tenant;
	return 1;
}

static lg_str
spki_of(struct world *w, EVP_PKEY *key)
{
	unsigned char *p = NULL;
	int n = i2d_PUBKEY(key, &p);
	lg_str s;

	cr_assert(n > 0);
	s = lg_dup(w->arena, (lg_str){ (const char *)p, (size_t)n });
	OPENSSL_free(p);
	return s;
}

static lg_str
sign_with(struct world *w, EVP_PKEY *key, lg_str bytes)
{
	EVP_MD_CTX *m = EVP_MD_CTX_new();
	size_t n = 512;
	unsigned char *sig = lg_alloc(w->arena, n);

	cr_assert(EVP_DigestSignInit_ex(m, NULL, "SHA2-256", NULL, NULL, key, NULL) == 1);
	cr_assert(EVP_DigestSign(m, sig, &n, (const unsigned char *)bytes.p, bytes.n) == 1);
	EVP_MD_CTX_free(m);
	return (lg_str){ (const char *)sig, n };
}

/* What the keeper would see: its own checks run on everything that the fakes below sign. */
static struct lg_issuer
keeper_issuer(struct world *w, uint32_t tenant)
{
	struct lg_issuer is = { .sig_alg = lg_x509_alg(LG_ALG_ES256) };
	LG_AUTO(lg_trust_release) struct lg_trust *t = lg_trust_hold(w->certs);
	const struct lg_ca *ca;

	cr_assert_eq(lg_trust_tenant(&w->cx, t, tenant, &ca), LG_OK);
	is.subject = lg_dup(w->arena, ca->issuer[0].x509.subject);
	is.key_id = lg_dup(w->arena, ca->issuer[0].x509.exts.ski);
	is.not_after = ca->issuer[0].x509.not_after;
	memcpy(is.key_sha1, ca->issuer[0].digests.key_sha1, sizeof is.key_sha1);
	return is;
}

static void
keeper_accepts_certificate(struct world *w, struct lg_ctx *cx, uint32_t tenant, lg_str tbs)
{
	struct lg_ceiling ceiling = { .trust_domain = tenant == TENANT_A ? LG_STR("a.example") : LG_STR("b.example"),
		.dns_suffixes = { LG_STR("a.example"), LG_STR("b.example") }, .ndns = tenant == TENANT_A ? 1 : 2,
		.loopback = tenant == TENANT_A, .leaf_life = LG_DAY,
		.nets = { LG_STR("\x0a\x01\0\0\xff\xff\0\0") }, .nnets = tenant == TENANT_A };
	struct lg_issuer is = keeper_issuer(w, tenant);

	cr_assert_eq(lg_tbs_check(cx, tbs, &ceiling, &is), LG_OK, "%s", cx->error);
}

static lg_err
certificate_wait(void *self, struct lg_ctx *cx, uint32_t tenant, lg_str tbs, lg_str *der)
{
	struct world *w = self;
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(LG_CERT_MAX);
	size_t seq;

	if (w->keeper_gone)
		return lg_fail(cx, LG_E_UNAVAILABLE, "the keeper is gone");
	keeper_accepts_certificate(w, cx, tenant, tbs);
	w->signed_certs++;
	seq = lg_derw_begin(&b, LG_DER_SEQUENCE);
	lg_derw_raw(&b, tbs);
	lg_derw_raw(&b, lg_x509_alg(LG_ALG_ES256));
	lg_derw_bits(&b, sign_with(w, w->keys[tenant].issuer_key, tbs));
	lg_derw_end(&b, seq);
	*der = lg_dup(cx->arena, lg_buf_view(&b));
	if (w->while_signing != NULL)
		w->while_signing(w);
	return LG_OK;
}

static lg_err
crl_wait(void *self, struct lg_ctx *cx, uint32_t tenant, lg_str tbs, lg_str *sig)
{
	struct world *w = self;
	struct lg_issuer is;
	size_t total;

	if (w->keeper_gone)
		return lg_fail(cx, LG_E_UNAVAILABLE, "the keeper is gone");
	w->signed_crls++;
	is = keeper_issuer(w, tenant);
	cr_assert_eq(lg_tbs_crl_check(cx, tbs, &is, &total), LG_OK, "%s", cx->error);
	cr_assert_eq(total, tbs.n);
	*sig = sign_with(w, w->keys[tenant].issuer_key, tbs);
	return LG_OK;
}

static lg_err
ocsp(void *self, uint32_t tenant, lg_str tbs, lg_keeper_done *done, void *arg)
{
	struct world *w = self;
	struct lg_issuer is;

	if (w->keeper_gone)
		return LG_E_UNAVAILABLE;
	is = keeper_issuer(w, tenant);
	cr_assert_eq(lg_tbs_ocsp_check(&w->cx, tbs, &is), LG_OK, "%s", w->cx.error);
	w->signed_ocsp++;
	if (w->keeper_late)
		done(arg, LG_E_UNAVAILABLE, LG_STR("gone meanwhile"));
	else
		done(arg, LG_OK, sign_with(w, w->keys[tenant].issuer_key, tbs));
	return LG_OK;
}

/* As the keeper: with the issuer's key, whatever the purpose. */
static lg_err
ssh_wait(void *self, struct lg_ctx *cx, uint32_t tenant, enum lg_purpose purpose, lg_str tbs, lg_str *cert)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(LG_SSH_CERT_MAX), sig = LG_BUF(1024);
	struct world *w = self;
	LG_AUTO(lg_pubkey_unref) struct lg_pubkey *key = NULL;
	struct lg_ceiling ceiling = { .dns_suffixes = { LG_STR("a.example") }, .ndns = 1, .leaf_life = LG_DAY,
		.nets = { LG_STR("\x0a\x01\0\0\xff\xff\0\0") }, .nnets = 1 };
	uint8_t raw[64];

	if (w->keeper_gone)
		return lg_fail(cx, LG_E_UNAVAILABLE, "the keeper is gone");
	cr_assert_eq(lg_pubkey_from_spki(cx, spki_of(w, w->keys[tenant].issuer_key), &key), LG_OK);
	LG_TRY(lg_ssh_check(cx, tbs, purpose == LG_PURPOSE_SSH_USER ? LG_SSH_USER : LG_SSH_HOST, &ceiling, key));
	lg_str der = sign_with(w, w->keys[tenant].issuer_key, tbs);
	cr_assert(lg_ecdsa_from_der((const uint8_t *)der.p, der.n, 32, raw));
	lg_ssh_put_signature(&sig, LG_KIND_P256, (lg_str){ (char *)raw, sizeof raw });
	lg_buf_str(&b, tbs);
	lg_buf_str32(&b, lg_buf_view(&sig));
	*cert = lg_dup(cx->arena, lg_buf_view(&b));
	if (w->while_signing != NULL)
		w->while_signing(w);
	return LG_OK;
}

static lg_err
authenticate(void *self, struct lg_http *ex, const char *audience, struct lg_certs_caller *ret)
{
	struct world *w = self;

	cr_assert_str_eq(audience, "/v1");
	if (w->nobody)
		return lg_fail(ex->cx, LG_E_UNAUTHENTICATED, "nobody");
	*ret = w->caller;
	return LG_OK;
}

/* One service, one secret. */
static lg_err
by_secret(void *self, struct lg_http *ex, lg_str name, lg_str secret, struct lg_certs_caller *ret)
{
	struct world *w = self;

	if (!lg_str_eq(name, LG_STR("controller")) || !lg_str_eq(secret, LG_STR("sesame")))
		return lg_fail(ex->cx, LG_E_UNAUTHENTICATED, "nobody");
	*ret = (struct lg_certs_caller){ .id = w->service, .type = LG_STR("Service"), .name = name, .proof = "self" };
	return LG_OK;
}

static lg_err
ticket_keys(void *self, struct lg_ctx *cx, uint32_t tenant, lg_str *ret)
{
	(void)self;
	(void)cx;
	(void)tenant;
	*ret = LG_STR("{\"keys\":[]}");
	return LG_OK;
}

static lg_err
data_key(void *self, struct lg_ctx *cx, uint32_t tenant, const struct lg_secret **ret)
{
	static uint8_t bytes[32] = { 7 };
	static const struct lg_secret key = { bytes, sizeof bytes };

	(void)self;
	(void)cx;
	(void)tenant;
	*ret = &key;
	return LG_OK;
}

static lg_err
found(struct world *w, struct lg_ctx *cx, lg_str asked, lg_str what, lg_str *ret)
{
	w->net_asked = lg_dup(w->arena, asked);
	if (w->net_error != LG_OK)
		return lg_fail(cx, w->net_error, "the test says so");
	if (what.n == 0)
		return lg_fail(cx, LG_E_UNAVAILABLE, "nobody there");
	*ret = what;
	return LG_OK;
}

static lg_err
net_http(void *self, struct lg_ctx *cx, lg_str host, lg_str path, lg_str *body)
{
	struct world *w = self;

	return found(w, cx, lg_cat(cx->arena, host, path), w->net_http, body);
}

static lg_err
net_txt(void *self, struct lg_ctx *cx, lg_str name, lg_str *ret, size_t *n)
{
	struct world *w = self;

	*n = 1;
	return found(w, cx, name, w->net_txt, ret);
}

static lg_err
net_alpn(void *self, struct lg_ctx *cx, lg_str host, lg_str sni, lg_str *cert)
{
	struct world *w = self;

	(void)host;
	return found(w, cx, sni, w->net_cert, cert);
}

static lg_err
net_caa(void *self, struct lg_ctx *cx, lg_str name, lg_str *ret, size_t *n)
{
	struct world *w = self;

	lg_str label;

	w->caa_asked++;
	do {
		if (w->caa_fails != NULL && lg_str_eq(name, lg_str_of(w->caa_fails)))
			return lg_fail(cx, LG_E_IO, "SERVFAIL");
		if (w->caa_name != NULL && lg_str_eq(name, lg_str_of(w->caa_name))) {
			memcpy(ret, w->caa, w->ncaa * sizeof w->caa[0]);
			*n = w->ncaa;
			return LG_OK;
		}
	} while (lg_str_cut(name, '.', &label, &name));
	return lg_fail(cx, LG_E_NOT_FOUND, "no such record");
}

/* ---- authorities, by OpenSSL ------------------------------------------------------------------------------- */

X509 *
x509_of(lg_str der)
{
	const unsigned char *p = (const unsigned char *)der.p;

	return d2i_X509(NULL, &p, (long)der.n);
}

lg_str
der_of(struct world *w, X509 *x)
{
	unsigned char *p = NULL;
	int n = i2d_X509(x, &p);
	lg_str s;

	cr_assert(n > 0);
	s = lg_dup(w->arena, (lg_str){ (const char *)p, (size_t)n });
	OPENSSL_free(p);
	return s;
}

static void
add_ext(X509 *x, X509 *issuer, const char *name, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *e;

	X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
	X509V3_set_ctx_nodb(&ctx);
	e = X509V3_EXT_nconf(NULL, &ctx, name, value);
	cr_assert_not_null(e, "extension %s = %s", name, value);
	cr_assert(X509_add_ext(x, e, -1));
	X509_EXTENSION_free(e);
}

static X509 *
make_ca(const char *cn, EVP_PKEY *key, X509 *issuer, EVP_PKEY *signer, const char *constraints)
{
	X509 *x = X509_new();

	X509_set_version(x, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 1234);
	X509_gmtime_adj(X509_getm_notBefore(x), -86400);
	X509_gmtime_adj(X509_getm_notAfter(x), 86400L * 365);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_UTF8, (const unsigned char *)cn, -1, -1, 0);
	X509_set_issuer_name(x, X509_get_subject_name(issuer == NULL ? x : issuer));
	X509_set_pubkey(x, key);
	add_ext(x, x, "subjectKeyIdentifier", "hash");
	add_ext(x, issuer == NULL ? x : issuer, "authorityKeyIdentifier", "keyid:always");
	add_ext(x, x, "basicConstraints", constraints);
	add_ext(x, x, "keyUsage", "critical,keyCertSign,cRLSign");
	cr_assert(X509_sign(x, signer, EVP_sha256()) > 0);
	return x;
}

static void
make_authority(struct world *w, uint32_t tenant, const char *name)
{
	struct authority_keys *k = &w->keys[tenant];
	char cn[64];

	k->root_key = EVP_EC_gen("P-256");
	k->issuer_key = EVP_EC_gen("P-256");
	snprintf(cn, sizeof cn, "%s root", name);
	k->root = make_ca(cn, k->root_key, NULL, k->root_key, "critical,CA:TRUE");
	snprintf(cn, sizeof cn, "%s issuing", name);
	k->issuer = make_ca(cn, k->issuer_key, k->root, k->root_key, "critical,CA:TRUE,pathlen:0");
	k->root_der = der_of(w, k->root);
	k->issuer_der = der_of(w, k->issuer);
}

static void
trust(struct world *w)
{
	static const lg_str net_a[] = { LG_STR("\x0a\x01\0\0\xff\xff\0\0") };
	static const lg_str suffix_a[] = { LG_STR("a.example") }, suffix_b[] = { LG_STR("b.example"), LG_STR("a.example") };
	struct lg_authority v[2] = {
		{ .tenant = TENANT_A, .issuer = LG_STR("https://a.example"), .trust_domain = LG_STR("a.example"),
		    .http_url = LG_STR("http://a.example:8080"), .dns_suffixes = suffix_a, .ndns_suffixes = 1, .loopback = true, .nets = net_a, .nnets = 1,
		    .leaf_life = LG_DAY, .root = w->keys[1].root_der, .issuers = { w->keys[1].issuer_der }, .nissuers = 1 },
		{ .tenant = TENANT_B, .issuer = LG_STR("https://a.example/t/b"), .trust_domain = LG_STR("b.example"),
		    .http_url = LG_STR("http://a.example:8080/t/b"), .dns_suffixes = suffix_b, .ndns_suffixes = 2,
		    .leaf_life = LG_DAY, .root = w->keys[2].root_der, .issuers = { w->keys[2].issuer_der }, .nissuers = 1 },
	};

	v[0].ssh_user[0] = v[0].ssh_host[0] = spki_of(w, w->keys[1].issuer_key);
	v[0].nssh_user = v[0].nssh_host = 1;
	cr_assert_eq(lg_certs_trust(&w->cx, w->certs, v, 2), LG_OK, "%s", w->cx.error);
}

/* ---- the world ------------------------------------------------------------------------------------------------ */

static void
open_store(struct world *w)
{
	static const struct lg_table *tables[32];
	const char *tmp = getenv("TMPDIR");
	lg_str dir = lg_print(w->arena, "%s/certs.XXXXXX", tmp == NULL ? "/tmp" : tmp);
	struct lg_store_options o = { .map_size = 256u << 20, .tables = tables, .node = LG_STR("n1"), .nosync = true };

	cr_assert_not_null(mkdtemp((char *)(uintptr_t)dir.p));
	for (size_t i = 0; i < lg_certs_ntables; i++)
		tables[o.ntables++] = lg_certs_tables[i];
	tables[o.ntables++] = &entries;
	o.dir = lg_print(w->arena, "%s/store", dir.p).p;
	o.archive = lg_print(w->arena, "%s/archive", dir.p).p;
	cr_assert_eq(mkdir(o.dir, 0700), 0);
	cr_assert_eq(mkdir(o.archive, 0700), 0);
	cr_assert_eq(lg_store_open(&w->cx, &o, &w->store), LG_OK, "%s", w->cx.error);
}

static void
make_entries(struct world *w)
{
	w->host = lg_uuid_new();
	w->other_host = lg_uuid_new();
	w->service = lg_uuid_new();
	w->user = lg_uuid_new();
	w->workload = lg_uuid_new();
	w->host_b = lg_uuid_new();
	world_entry(w, TENANT_A, w->host, "Host", "node1", "", true);
	world_entry(w, TENANT_A, w->other_host, "Host", "node2", "", true);
	world_entry(w, TENANT_A, w->service, "Service", "controller", "", true);
	world_entry(w, TENANT_A, w->user, "User", "alice", "", true);
	world_entry(w, TENANT_A, w->workload, "Workload", "web", "shop", true);
	world_entry(w, TENANT_B, w->host_b, "Host", "node1", "", true);
}

static lg_err
web(void *self, struct lg_ctx *cx, const struct lg_web_request *rq, struct lg_web_reply *ret)
{
	struct world *w = self;

	w->web_url = lg_dup(w->arena, rq->url);
	w->web_sent = lg_dup(w->arena, rq->body);
	if (w->web_status == 0)
		return lg_fail(cx, LG_E_UNAVAILABLE, "no connection");
	if (rq->judge != NULL)
		LG_TRY(rq->judge(rq->judge_arg, cx, w->web_chain, w->web_nchain));
	*ret = (struct lg_web_reply){ .status = w->web_status, .body = w->web_body };
	return LG_OK;
}

static struct world *world_with(const char *open_entry, const unsigned limits[LG_ACME_LIMITS]);

struct world *
world_new(void)
{
	return world_open("");
}

struct world *
world_open(const char *open_entry)
{
	static const unsigned none[LG_ACME_LIMITS];

	return world_with(open_entry, none);
}

struct world *
world_limited(const unsigned acme_limits[LG_ACME_LIMITS])
{
	return world_with("Service/controller", acme_limits);
}

static struct world *
world_with(const char *open_entry, const unsigned limits[LG_ACME_LIMITS])
{
	struct world *w = calloc(1, sizeof *w);
	struct lg_certs_ports ports = { .subjects = { w, by_name, by_id }, .decider = { .self = w, .ask = ask, .revision = revision }, .callers = w,
		.authenticate = authenticate, .by_secret = by_secret, .ticket_keys = ticket_keys, .mtls_url = LG_STR("https://a.example:8444"),
		.join_address = LG_STR("a.example:8443") };

	w->arena = lg_arena_new();
	lg_ctx_init(&w->cx, w->arena);
	open_store(w);
	ports.store = w->store;
	ports.signer = (struct lg_signer){ .self = w, .certificate_wait = certificate_wait, .crl_wait = crl_wait,
		.ocsp = ocsp, .ssh_wait = ssh_wait, .data_key = data_key };
	ports.net = (struct lg_acme_net){ w, net_http, net_txt, net_alpn, net_caa };
	ports.caa_identity = LG_STR("ca.a.example");
	ports.acme_entry = lg_str_of(open_entry);
	ports.web = (struct lg_web){ .self = w, .ask = web };
	memcpy(ports.acme_limits, limits, sizeof ports.acme_limits);
	make_authority(w, TENANT_A, "A");
	make_authority(w, TENANT_B, "B");
	cr_assert_eq(lg_certs_new(&w->cx, &ports, &w->certs), LG_OK);
	trust(w);
	make_entries(w);
	w->caller = (struct lg_certs_caller){ .id = w->host, .type = LG_STR("Host"), .name = LG_STR("node1"), .proof = "self" };
	return w;
}

void
world_free(struct world *w)
{
	lg_store_turn(w->store);
	lg_certs_free(&w->certs);
	lg_store_close(&w->store);
	for (size_t i = 0; i < LG_COUNT(w->keys); i++) {
		EVP_PKEY_free(w->keys[i].root_key);
		EVP_PKEY_free(w->keys[i].issuer_key);
		X509_free(w->keys[i].root);
		X509_free(w->keys[i].issuer);
	}
	lg_arena_free(&w->arena);
	free(w);
}

struct lg_view *
world_view(struct world *w)
{
	struct lg_view *v;

	lg_store_turn(w->store);
	cr_assert_eq(lg_view_begin(&w->cx, w->store, &v), LG_OK, "%s", w->cx.error);
	return v;
}

/* ---- certificates by us ------------------------------------------------------------------------------------------- */

struct lg_key *
world_key(struct world *w, enum lg_key_type type)
{
	struct lg_key *k;

	cr_assert_eq(lg_key_generate(&w->cx, type, &k), LG_OK, "%s", w->cx.error);
	return k;
}

lg_str
world_csr(struct world *w, const struct lg_key *k, const struct lg_csr_names *names)
{
	static const struct lg_csr_names none;
	lg_str der;

	cr_assert_eq(lg_csr_make(&w->cx, k, names == NULL ? &none : names, &der), LG_OK, "%s", w->cx.error);
	return der;
}

lg_err
world_issue(struct world *w, uint32_t tenant, lg_uuid entry, const char *profile, const struct lg_key *k,
    const struct lg_cert_names *only, struct lg_issued *ret)
{
	struct lg_cert_request rq = { .tenant = tenant, .profile = lg_str_of(profile), .proof = "self",
		.asker = { .type = LG_STR("Host"), .id = entry, .name = LG_STR("x") }, .entry = entry,
		.spki = lg_pubkey_spki(lg_key_public(k)), .only = only };

	return lg_certs_issue(&w->cx, w->certs, &rq, ret);
}

struct lg_issued
world_issued(struct world *w, lg_uuid entry, const char *profile)
{
	LG_AUTO(lg_key_free) struct lg_key *k = world_key(w, LG_KEY_P256);
	struct lg_issued is;

	cr_assert_eq(world_issue(w, TENANT_A, entry, profile, k, NULL, &is), LG_OK, "%s", w->cx.error);
	return is;
}

struct copies {
	const lg_serial *of;
	unsigned from, to;
};

static lg_err
put_copies(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	const struct copies *c = arg;
	struct lg_cert_row row;

	LG_TRY(lg_cert_find(cx, v, TENANT_A, c->of, &row));
	row.type = lg_dup(cx->arena, row.type);
	row.name = lg_dup(cx->arena, row.name);
	row.profile = lg_dup(cx->arena, row.profile);
	row.der = lg_dup(cx->arena, row.der);
	for (unsigned i = c->from; i < c->to; i++) {
		memcpy(row.serial.b, &i, sizeof i);
		LG_TRY(lg_cert_row_put(cx, v, TENANT_A, &row));
	}
	return LG_OK;
}

void
world_copies(struct world *w, const lg_serial *of, unsigned n)
{
	struct copies c = { .of = of };

	for (; c.from < n; c.from = c.to) {
		c.to = n - c.from > 400 ? c.from + 400 : n;
		cr_assert_eq(lg_store_apply(&w->cx, w->store, TENANT_A, "test", put_copies, &c, NULL), LG_OK, "%s", w->cx.error);
	}
}

lg_err
world_peer(struct world *w, lg_str der, struct lg_certs_peer *ret)
{
	LG_AUTO(lg_view_end) struct lg_view *v = world_view(w);

	return lg_certs_peer(&w->cx, w->certs, v, der, ret);
}

/* ---- odd certificates ------------------------------------------------------------------------------------------------ */

struct craft
craft_good(struct world *w, uint32_t tenant)
{
	struct craft c = { .signer = w->keys[tenant].issuer_key, .issuer = w->keys[tenant].issuer, .version = 2, .begins = -300,
		.ends = 3600 };

	craft_ext(&c, "basicConstraints", "critical,CA:FALSE");
	craft_ext(&c, "keyUsage", "critical,digitalSignature");
	craft_ext(&c, "extendedKeyUsage", "serverAuth,clientAuth");
	craft_ext(&c, "subjectAltName", tenant == TENANT_A ? "URI:spiffe://a.example/host/node1" : "URI:spiffe://b.example/host/node1");
	craft_ext(&c, "subjectKeyIdentifier", "hash");
	craft_ext(&c, "authorityKeyIdentifier", "keyid:always");
	return c;
}

void
craft_ext(struct craft *c, const char *name, const char *value)
{
	size_t i = 0;

	while (i < LG_COUNT(c->ext) - 1 && c->ext[i][0] != NULL && strcmp(c->ext[i][0], name) != 0)
		i++;
	c->ext[i][0] = name;
	c->ext[i][1] = value;
}

void
craft_spoil(struct world *w, struct craft *c, const struct craft_fault *f)
{
	if (f->ext != NULL)
		craft_ext(c, f->ext, f->value);
	if (f->curve != NULL)
		c->key = EVP_EC_gen(f->curve);
	else if (f->rsa_bits != 0)
		c->key = EVP_RSA_gen((size_t)f->rsa_bits);
	if (f->digest != NULL)
		c->digest = f->digest();
	if (f->begins != 0)
		c->begins = f->begins;
	if (f->ends != 0)
		c->ends = f->ends;
	c->serial_kind = f->serial_kind;
	c->v1 = f->v1;
	if (f->make != NULL)
		f->make(w, c);
}

static void
set_serial(X509 *x, int kind)
{
	unsigned char b[24];
	BIGNUM *n;
	ASN1_INTEGER *s;

	lg_random(b, sizeof b);
	b[0] = 0x40;
	n = BN_bin2bn(b, kind == 3 ? 21 : LG_CERT_SERIAL, NULL);
	if (kind == 1)
		BN_zero(n);
	BN_set_negative(n, kind == 2);
	s = BN_to_ASN1_INTEGER(n, NULL);
	X509_set_serialNumber(x, s);
	ASN1_INTEGER_free(s);
	BN_free(n);
}

lg_str
craft_der(struct world *w, const struct craft *c)
{
	X509 *x = X509_new();
	EVP_PKEY *key = c->key == NULL ? EVP_EC_gen("P-256") : c->key;
	lg_str der;

	X509_set_version(x, c->version);
	set_serial(x, c->serial_kind);
	X509_gmtime_adj(X509_getm_notBefore(x), (long)c->begins);
	X509_gmtime_adj(X509_getm_notAfter(x), (long)c->ends);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_UTF8, (const unsigned char *)"node1", -1, -1, 0);
	X509_set_issuer_name(x, X509_get_subject_name(c->issuer));
	X509_set_pubkey(x, key);
	for (size_t i = 0; i < LG_COUNT(c->ext) && c->ext[i][0] != NULL && !c->v1; i++)
		if (c->ext[i][1] != NULL)
			add_ext(x, c->issuer, c->ext[i][0], c->ext[i][1]);
	if (c->v1)
		X509_set_version(x, 0);
	cr_assert(X509_sign(x, c->signer, c->digest == NULL ? EVP_sha256() : c->digest) > 0);
	der = der_of(w, x);
	X509_free(x);
	if (c->key == NULL)
		EVP_PKEY_free(key);
	return der;
}

struct record {
	uint32_t tenant;
	struct lg_cert_row row;
};

static lg_err
run_record(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	struct record *r = arg;

	return lg_cert_row_put(cx, v, r->tenant, &r->row);
}

void
world_record(struct world *w, uint32_t tenant, lg_uuid entry, const char *type, const char *name, lg_str der)
{
	struct record r = { .tenant = tenant };
	struct lg_x509 x;

	cr_assert_eq(lg_x509_parse(&w->cx, der, &x), LG_OK, "%s", w->cx.error);
	if (x.serial.n == sizeof r.row.serial.b)
		memcpy(r.row.serial.b, x.serial.p, sizeof r.row.serial.b);
	r.row.state = LG_CERT_ISSUED;
	r.row.entry = entry;
	r.row.type = lg_str_of(type);
	r.row.name = lg_str_of(name);
	r.row.profile = LG_STR("host");
	r.row.not_before = x.not_before;
	r.row.expires = x.not_after;
	r.row.issuer = lg_sha256_of(w->keys[tenant].issuer_der);
	r.row.spki = lg_sha256_of(x.spki);
	r.row.sha256 = lg_sha256_of(der);
	r.row.der = der;
	cr_assert_eq(lg_store_apply(&w->cx, w->store, tenant, "test.record", run_record, &r, NULL), LG_OK, "%s", w->cx.error);
}
