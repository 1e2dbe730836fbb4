/*
 * authority.c: issuing CAs whose root is kept elsewhere, and issuing CAs on their way in and out.  The operator's alone.
 *
 * What comes from outside is a certificate for a key that was made here; OpenSSL reads it, once, and the operator vouches for it.
 */
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "base/text.h"
#include "crypto/keeper/ca.h"
#include "crypto/local.h"

static lg_err
malformed(struct lg_call *c)
{
	return lg_fail(c->cx, LG_E_INVALID, "malformed request to the keeper");
}

static struct lg_key_record *
find(struct lg_tenant_record *r, enum lg_key_state state)
{
	for (size_t i = 0; i < r->nkeys; i++)
		if (r->key[i].pub.purpose == LG_PURPOSE_ISSUER && r->key[i].pub.state == state)
			return &r->key[i];
	return NULL;
}

static struct lg_key_record *
find_kid(struct lg_tenant_record *r, lg_str kid)
{
	for (size_t i = 0; i < r->nkeys; i++)
		if (r->key[i].pub.purpose == LG_PURPOSE_ISSUER && lg_str_eq(r->key[i].pub.kid, kid))
			return &r->key[i];
	return NULL;
}

/* ---- a request for a root elsewhere, or a successor with constraints ------------------------------------------ */

static lg_err
put_request(struct lg_call *c, const struct lg_tenant_record *r, const struct lg_key_record *k)
{
	LG_AUTO(lg_key_free) struct lg_key *key = NULL;
	lg_str csr;

	LG_TRY(lg_key_record_open(c->cx, &c->kp->hsm, k, &key));
	struct lg_key_id id = lg_x509_key_id(lg_key_public(key));
	lg_str name = lg_print(c->cx->arena, "%.*s Issuing CA %.*s", LG_FMT(r->name), LG_FMT(lg_hex(c->cx->arena, (lg_str){ id.b, 4 })));
	LG_TRY(lg_csr_make(c->cx, key, &(struct lg_csr_names){ .common_name = name }, &csr));
	lg_buf_str(c->out, csr);
	return lg_buf_status(c->cx, c->out);
}

/* The one before is believed as long as it has issuers. */
static void
retire_root(struct lg_tenant_record *r, int64_t now)
{
	for (size_t i = 0; i < r->nkeys; i++)
		if (r->key[i].pub.purpose == LG_PURPOSE_ROOT && r->key[i].pub.state == LG_KEY_ACTIVE) {
			r->key[i].pub.state = LG_KEY_RETIRED;
			r->key[i].pub.since = now;
		}
}

static lg_err
add_ca(struct lg_call *c, struct lg_tenant_record *r, enum lg_ca_new kind, const struct lg_key_place *at, struct lg_key_record **ret)
{
	*ret = &r->key[r->nkeys];
	if (r->nkeys == LG_TENANT_KEYS)
		return lg_fail(c->cx, LG_E_LIMIT, "tenant %u has %d keys", r->id, LG_TENANT_KEYS);
	LG_TRY(lg_kp_new_ca(c->cx, c->kp, r, kind, at, *ret));
	if (kind == LG_CA_ROOT)
		retire_root(r, c->cx->now);
	r->nkeys++;
	return lg_kp_tenant_store(c->cx, c->kp, r);
}

/* body: u32 tenant, u8 enum lg_ca_new, u8 enum lg_key_type, the rest URI.  reply: CSR, DER; or the kid.
 * Asked again for a request, the same key answers. */
lg_err
lg_kp_ca_new(struct lg_call *c)
{
	LG_AUTO(lg_secret_free) struct lg_secret plain = { NULL, 0 };
	struct lg_tenant_record r;

	uint32_t id = lg_rd_u32(&c->rd);
	enum lg_ca_new kind = lg_rd_u8(&c->rd);
	struct lg_key_place at = { .type = lg_rd_u8(&c->rd) };
	at.uri = lg_rd_bytes(&c->rd, (size_t)(c->rd.end - c->rd.p));
	if (!lg_rd_done(&c->rd) || id == 0 || kind > LG_CA_ROOT || at.type > LG_KEY_RSA4096)
		return malformed(c);
	LG_TRY(lg_kp_tenant_read(c->cx, c->kp, id, &plain, &r));
	struct lg_key_record *next = kind == LG_CA_ROOT ? NULL : find(&r, LG_KEY_NEXT);
	if (next != NULL && (kind != LG_CA_REQUEST || next->pub.cert.n > 0))
		return lg_fail(c->cx, LG_E_CONFLICT, "an issuing CA is on its way already; cancel it first");
	if (next == NULL)
		LG_TRY(add_ca(c, &r, kind, &at, &next));
	if (kind == LG_CA_REQUEST)
		return put_request(c, &r, next);
	lg_buf_str(c->out, next->pub.kid);
	return LG_OK;
}

/* ---- its certificate comes back --------------------------------------------------------------------------------- */

static void
x509_free(X509 **x)
{
	X509_free(*x);
}

static X509 *
x509_of(lg_str der)
{
	const unsigned char *p = (const unsigned char *)der.p;
	X509 *x = d2i_X509(NULL, &p, (long)der.n);

	if (x != NULL && p != (const unsigned char *)der.p + der.n) {
		X509_free(x);
		x = NULL;
	}
	ERR_clear_error();
	return x;
}

static lg_err
check_ca(struct lg_ctx *cx, X509 *x, const char *what)
{
	uint32_t usage = X509_get_key_usage(x);

	if (X509_check_ca(x) != 1 || usage == UINT32_MAX || (usage & KU_KEY_CERT_SIGN) == 0)
		return lg_fail(cx, LG_E_INVALID, "%s: not a CA certificate that may sign certificates", what);
	if (X509_get0_subject_key_id(x) == NULL)
		return lg_fail(cx, LG_E_INVALID, "%s: no subject key identifier", what);
	if (X509_cmp_current_time(X509_get0_notBefore(x)) >= 0 || X509_cmp_current_time(X509_get0_notAfter(x)) <= 0)
		return lg_fail(cx, LG_E_INVALID, "%s: outside its time", what);
	return LG_OK;
}

static lg_err
check_pair(struct lg_ctx *cx, X509 *issuer, X509 *root)
{
	LG_TRY(check_ca(cx, issuer, "the issuing CA"));
	LG_TRY(check_ca(cx, root, "the root"));
	if ((X509_get_key_usage(issuer) & KU_CRL_SIGN) == 0)
		return lg_fail(cx, LG_E_INVALID, "the issuing CA: its key usage lacks cRLSign");
	bool chained = X509_verify(root, X509_get0_pubkey(root)) == 1 && X509_verify(issuer, X509_get0_pubkey(root)) == 1 &&
	    X509_check_issued(root, issuer) == X509_V_OK;
	ERR_clear_error();
	return chained ? LG_OK : lg_fail(cx, LG_E_INVALID, "the issuing CA's certificate is not signed by this root, or the root not by itself");
}

static const struct lg_key_record *
active_root(const struct lg_tenant_record *r)
{
	for (size_t i = 0; i < r->nkeys; i++)
		if (r->key[i].pub.purpose == LG_PURPOSE_ROOT && r->key[i].pub.state == LG_KEY_ACTIVE)
			return &r->key[i];
	return NULL;
}

/* A root without its key: what it signed is believed, it signs nothing here. */
static lg_err
take_root(struct lg_call *c, struct lg_tenant_record *r, X509 *root, lg_str der)
{
	LG_AUTO(lg_pubkey_unref) struct lg_pubkey *key = NULL;
	const struct lg_key_record *now = active_root(r);
	unsigned char *spki = NULL;
	int n;

	if (now != NULL && lg_str_eq(now->pub.cert, der))
		return LG_OK;
	if (r->nkeys == LG_TENANT_KEYS)
		return lg_fail(c->cx, LG_E_LIMIT, "tenant %u has %d keys", r->id, LG_TENANT_KEYS);
	n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(root), &spki);
	lg_crypto_must(n > 0);
	lg_str copy = lg_dup(c->cx->arena, (lg_str){ (char *)spki, (size_t)n });
	OPENSSL_free(spki);
	LG_TRY(lg_pubkey_from_spki(c->cx, copy, &key));
	lg_sha256 thumbprint = lg_pubkey_thumbprint(key);
	retire_root(r, c->cx->now);
	r->key[r->nkeys++] = (struct lg_key_record){ .pub = { .tenant = r->id, .purpose = LG_PURPOSE_ROOT, .state = LG_KEY_ACTIVE,
		.alg = lg_pubkey_default_alg(key), .created = c->cx->now, .since = c->cx->now, .spki = copy, .cert = der,
		.kid = lg_base64url(c->cx->arena, lg_sha256_str(&thumbprint)) } };
	return LG_OK;
}

static bool
is_for(X509 *x, const struct lg_key_record *k)
{
	unsigned char *spki = NULL;
	int n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &spki);
	bool same = n > 0 && lg_str_eq(k->pub.spki, (lg_str){ (char *)spki, (size_t)n });

	OPENSSL_free(spki);
	return same;
}

/* CRLs and OCSP answers say by this name whose they are. */
static lg_err
check_name_new(struct lg_ctx *cx, const struct lg_tenant_record *r, X509 *issuer)
{
	for (size_t i = 0; i < r->nkeys; i++) {
		LG_AUTO(x509_free) X509 *other = r->key[i].pub.purpose == LG_PURPOSE_ISSUER ? x509_of(r->key[i].pub.cert) : NULL;

		if (other != NULL && X509_NAME_cmp(X509_get_subject_name(other), X509_get_subject_name(issuer)) == 0)
			return lg_fail(cx, LG_E_CONFLICT, "an issuing CA of this tenant has this name already; another key has another name");
	}
	return LG_OK;
}

/* body: u32 tenant, str32 issuing CA, str32 root (empty: the present one).  reply: the kid. */
lg_err
lg_kp_ca_import(struct lg_call *c)
{
	LG_AUTO(lg_secret_free) struct lg_secret plain = { NULL, 0 };
	struct lg_tenant_record r;

	uint32_t id = lg_rd_u32(&c->rd);
	lg_str der = lg_rd_str32(&c->rd), root_der = lg_rd_str32(&c->rd);
	if (!lg_rd_done(&c->rd) || id == 0)
		return malformed(c);
	LG_TRY(lg_kp_tenant_read(c->cx, c->kp, id, &plain, &r));
	struct lg_key_record *next = find(&r, LG_KEY_NEXT);
	const struct lg_key_record *now = active_root(&r);
	if (root_der.n == 0 && now != NULL)
		root_der = now->pub.cert;
	LG_AUTO(x509_free) X509 *issuer = x509_of(der);
	LG_AUTO(x509_free) X509 *root = x509_of(root_der);
	if (issuer == NULL || root == NULL)
		return lg_fail(c->cx, LG_E_INVALID, "a certificate does not decode");
	if (next == NULL || next->pub.cert.n > 0 || !is_for(issuer, next))
		return lg_fail(c->cx, LG_E_CONFLICT, "the certificate is not for the key that was requested");
	LG_TRY(check_pair(c->cx, issuer, root));
	LG_TRY(check_name_new(c->cx, &r, issuer));
	next->pub.cert = der;
	next->pub.since = c->cx->now;		/* published from now on */
	lg_str kid = next->pub.kid;
	LG_TRY(take_root(c, &r, root, root_der));
	LG_TRY(lg_kp_tenant_store(c->cx, c->kp, &r));
	lg_buf_str(c->out, kid);
	return LG_OK;
}

/* ---- forward, back, out ------------------------------------------------------------------------------------------- */

static lg_err
ca_activate(struct lg_call *c, struct lg_tenant_record *r, struct lg_key_record *k)
{
	struct lg_key_record *active = find(r, LG_KEY_ACTIVE);

	if (k->pub.cert.n == 0 || k->secret.n == 0 || k->pub.state == LG_KEY_DISTRUSTED)
		return lg_fail(c->cx, LG_E_CONFLICT, "this issuing CA has no certificate or key, or is not trusted");
	if (active != NULL) {
		active->pub.state = LG_KEY_RETIRED;
		active->pub.since = c->cx->now;
	}
	k->pub.state = LG_KEY_ACTIVE;
	return LG_OK;
}

static lg_err
ca_cancel(struct lg_call *c, struct lg_tenant_record *r, struct lg_key_record *k)
{
	if (k->pub.state != LG_KEY_NEXT)
		return lg_fail(c->cx, LG_E_CONFLICT, "only one that has not signed yet can be cancelled");
	size_t at = (size_t)(k - r->key);
	r->nkeys--;
	memmove(&r->key[at], &r->key[at + 1], (r->nkeys - at) * sizeof r->key[0]);
	return LG_OK;
}

static lg_err
ca_distrust(struct lg_call *c, struct lg_tenant_record *r, struct lg_key_record *k)
{
	(void)r;
	if (k->pub.state != LG_KEY_RETIRED)
		return lg_fail(c->cx, LG_E_CONFLICT, "another issuing CA must have taken its place");
	k->pub.state = LG_KEY_DISTRUSTED;
	return LG_OK;
}

static lg_err
ca_trust(struct lg_call *c, struct lg_tenant_record *r, struct lg_key_record *k)
{
	(void)r;
	if (k->pub.state != LG_KEY_DISTRUSTED)
		return lg_fail(c->cx, LG_E_CONFLICT, "it is trusted");
	k->pub.state = LG_KEY_RETIRED;
	return LG_OK;
}

static lg_err (*const moves[])(struct lg_call *, struct lg_tenant_record *, struct lg_key_record *) = {
	[LG_CA_ACTIVATE] = ca_activate, [LG_CA_CANCEL] = ca_cancel, [LG_CA_DISTRUST] = ca_distrust, [LG_CA_TRUST] = ca_trust,
};

/* body: u32 tenant, u8 enum lg_ca_move, the rest kid.  reply: empty. */
lg_err
lg_kp_ca_move(struct lg_call *c)
{
	LG_AUTO(lg_secret_free) struct lg_secret plain = { NULL, 0 };
	struct lg_tenant_record r;

	uint32_t id = lg_rd_u32(&c->rd);
	uint8_t move = lg_rd_u8(&c->rd);
	lg_str kid = lg_rd_bytes(&c->rd, (size_t)(c->rd.end - c->rd.p));
	if (!lg_rd_done(&c->rd) || id == 0 || move >= LG_COUNT(moves))
		return malformed(c);
	LG_TRY(lg_kp_tenant_read(c->cx, c->kp, id, &plain, &r));
	struct lg_key_record *k = find_kid(&r, kid);
	if (k == NULL)
		return lg_fail(c->cx, LG_E_NOT_FOUND, "tenant %u has no issuing CA of this key", id);
	LG_TRY(moves[move](c, &r, k));
	if (move != LG_CA_CANCEL)
		k->pub.since = c->cx->now;
	return lg_kp_tenant_store(c->cx, c->kp, &r);
}
