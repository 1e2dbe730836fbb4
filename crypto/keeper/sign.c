/* sign.c: what an issuing CA's key signs: certificates, CRLs and OCSP answers; nothing unread. */
#include "base/clock.h"
#include "base/der.h"
#include "crypto/keeper/process.h"
#include "crypto/keeper/tbs_check.h"
#include "crypto/local.h"

static lg_str
rest(struct lg_call *c)
{
	return lg_rd_bytes(&c->rd, (size_t)(c->rd.end - c->rd.p));
}

/* ---- certificates ---------------------------------------------------------------------------------------------------- */

/* Of a TBSCertificate that was checked. */
static struct lg_signed_leaf
leaf_of(lg_str tbs, lg_str kid)
{
	struct lg_der d = lg_der_of(tbs), t = lg_der_enter(&d, LG_DER_SEQUENCE), validity;
	struct lg_signed_leaf leaf = { .kid = kid };

	lg_der_whole(&t, LG_DER_EXPLICIT(0));
	leaf.serial = lg_der_integer(&t);
	lg_der_whole(&t, LG_DER_SEQUENCE);	/* signature */
	lg_der_whole(&t, LG_DER_SEQUENCE);	/* issuer */
	validity = lg_der_enter(&t, LG_DER_SEQUENCE);
	(void)lg_der_time(&validity);
	leaf.ends = lg_der_time(&validity);
	return leaf;
}

lg_err
lg_kp_certificate(struct lg_call *c)
{
	const struct lg_loaded_key *k;
	const struct lg_tenant *t;
	uint8_t sig[LG_SIG_MAX];
	size_t n, from = c->out->n;

	uint32_t tenant = lg_rd_u32(&c->rd);
	lg_str tbs = rest(c);
	LG_TRY(lg_kp_active(c, tenant, LG_PURPOSE_ISSUER, LG_ALG_NONE, &t, &k));
	LG_TRY(lg_tbs_check(c->cx, tbs, &t->ceiling, &k->issuer));
	LG_TRY(lg_key_sign(c->cx, k->key, k->pub.alg, false, tbs, sig, &n));
	size_t cert = lg_derw_begin(c->out, LG_DER_SEQUENCE);
	lg_derw_raw(c->out, tbs);
	lg_derw_raw(c->out, k->issuer.sig_alg);
	lg_derw_bits(c->out, (lg_str){ (char *)sig, n });
	lg_derw_end(c->out, cert);
	LG_TRY(lg_buf_status(c->cx, c->out));
	lg_sha256 digest = lg_sha256_of((lg_str){ c->out->p + from, c->out->n - from });
	struct lg_signed_leaf leaf = leaf_of(tbs, k->pub.kid);
	lg_signed_add_leaf(c->kp->record, LG_PURPOSE_ISSUER, t->id, &digest, &leaf);
	return LG_OK;
}

/* ---- SSH certificates -------------------------------------------------------------------------------------------------- */

/* Likewise; the serial number is 8 octets of tbs. */
static struct lg_signed_leaf
ssh_leaf_of(lg_str tbs, lg_str kid)
{
	struct lg_rd rd = lg_rd_of(tbs);
	lg_str name = lg_rd_str32(&rd);
	struct lg_pubkey_parts key;

	(void)lg_rd_str32(&rd);			/* nonce */
	lg_crypto_must(lg_ssh_take_key_fields(&rd, name, &key));
	struct lg_signed_leaf leaf = { .serial = lg_rd_bytes(&rd, 8), .kid = kid };
	(void)lg_rd_u32(&rd);			/* type */
	(void)lg_rd_str32(&rd);			/* key id */
	(void)lg_rd_str32(&rd);			/* principals */
	(void)lg_rd_u64(&rd);
	leaf.ends = (int64_t)lg_rd_u64(&rd) * LG_SECOND;
	return leaf;
}

lg_err
lg_kp_ssh(struct lg_call *c)
{
	const struct lg_loaded_key *k;
	const struct lg_tenant *t;
	uint8_t sig[LG_SIG_MAX];
	size_t n, from = c->out->n;

	uint32_t tenant = lg_rd_u32(&c->rd);
	enum lg_purpose purpose = lg_rd_u8(&c->rd);
	lg_str tbs = rest(c);
	if (purpose != LG_PURPOSE_SSH_USER && purpose != LG_PURPOSE_SSH_HOST)
		return lg_fail(c->cx, LG_E_DENIED, "keys of this purpose sign no SSH certificates");
	LG_TRY(lg_kp_active(c, tenant, purpose, LG_ALG_NONE, &t, &k));
	LG_TRY(lg_ssh_check(c->cx, tbs, purpose == LG_PURPOSE_SSH_USER ? LG_SSH_USER : LG_SSH_HOST, &t->ceiling, lg_key_public(k->key)));
	LG_TRY(lg_key_sign(c->cx, k->key, k->pub.alg, true, tbs, sig, &n));
	lg_buf_clear(c->scratch);
	lg_ssh_put_signature(c->scratch, lg_key_public(k->key)->parts.kind, (lg_str){ (char *)sig, n });
	lg_buf_str(c->out, tbs);
	lg_buf_str32(c->out, lg_buf_view(c->scratch));
	LG_TRY(lg_buf_status(c->cx, c->out));
	lg_sha256 digest = lg_sha256_of((lg_str){ c->out->p + from, c->out->n - from });
	struct lg_signed_leaf leaf = ssh_leaf_of(tbs, k->pub.kid);
	lg_signed_add_leaf(c->kp->record, purpose, t->id, &digest, &leaf);
	return LG_OK;
}

/* ---- OCSP -------------------------------------------------------------------------------------------------------------- */

/* Active, or retired: what it issued must be answered for until it expires. */
static bool
answers(const struct lg_loaded_key *k)
{
	return k->pub.purpose == LG_PURPOSE_ISSUER && k->pub.state != LG_KEY_NEXT && k->key != NULL;
}

static bool
responds(const struct lg_ctx *cx, const struct lg_loaded_key *k)
{
	return answers(k) || (k->pub.purpose == LG_PURPOSE_OCSP && k->key != NULL && cx->now < k->issuer.not_after);
}

lg_err
lg_kp_ocsp(struct lg_call *c)
{
	lg_err e = LG_E_NOT_FOUND;
	const struct lg_loaded_key *active;
	const struct lg_tenant *t;
	uint8_t sig[LG_SIG_MAX];
	size_t n;

	uint32_t tenant = lg_rd_u32(&c->rd);
	lg_str tbs = rest(c);
	LG_TRY(lg_kp_active(c, tenant, LG_PURPOSE_ISSUER, LG_ALG_NONE, &t, &active));
	for (size_t i = 0; i < t->nkeys; i++) {
		const struct lg_loaded_key *k = &t->key[i];
		if (!responds(c->cx, k) || (e = lg_tbs_ocsp_check(c->cx, tbs, &k->issuer)) != LG_OK)
			continue;
		LG_TRY(lg_key_sign(c->cx, k->key, k->pub.alg, false, tbs, sig, &n));
		lg_buf_bytes(c->out, sig, n);
		lg_sha256 digest = lg_sha256_of(tbs);
		lg_signed_add(c->kp->record, LG_PURPOSE_CRL, t->id, &digest);
		return LG_OK;
	}
	return e;
}

/* ---- CRLs: hashed as the parts come; held whole for Ed25519 alone ------------------------------------------------------- */

/* The issuer that the first part names. */
static lg_err
crl_issuer(struct lg_call *c, uint32_t tenant, lg_str name, const struct lg_loaded_key **ret)
{
	const struct lg_loaded_key *active;
	const struct lg_tenant *t;

	LG_TRY(lg_kp_active(c, tenant, LG_PURPOSE_ISSUER, LG_ALG_NONE, &t, &active));
	for (size_t i = 0; i < t->nkeys; i++)
		if (answers(&t->key[i]) && lg_str_eq(name, t->key[i].issuer.subject)) {
			*ret = &t->key[i];
			return LG_OK;
		}
	return lg_fail(c->cx, LG_E_DENIED, "CRL: its issuer is no CA of this tenant");
}

static bool
hashes_itself(const struct lg_crl_parts *p)
{
	return lg_alg_row(p->alg)->digest == NULL;
}

static lg_err
crl_begin(struct lg_call *c, uint32_t tenant, lg_str part)
{
	struct lg_crl_parts *p = c->crl;
	const struct lg_loaded_key *k;
	lg_str name;

	LG_TRY(lg_tbs_crl_issuer(c->cx, part, &name));
	LG_TRY(crl_issuer(c, tenant, name, &k));
	LG_TRY(lg_tbs_crl_check(c->cx, part, &k->issuer, &p->declared));
	if (name.n > sizeof p->issuer)
		return lg_fail(c->cx, LG_E_LIMIT, "CRL: an issuer's name of %zu octets", name.n);
	memcpy(p->issuer, name.p, name.n);
	p->nissuer = name.n;
	p->alg = k->pub.alg;
	if (p->hash == NULL) {
		p->hash = EVP_MD_CTX_new();
		p->digest = EVP_MD_CTX_new();
		lg_crypto_must(p->hash != NULL && p->digest != NULL);
	}
	if (hashes_itself(p))
		p->whole = LG_BUF(p->declared);
	else
		lg_crypto_must(EVP_DigestInit_ex2(p->hash, EVP_get_digestbyname(lg_alg_row(p->alg)->digest), NULL));
	lg_crypto_must(EVP_DigestInit_ex2(p->digest, lg_md_sha256(), NULL));
	return LG_OK;
}

static lg_err
crl_part(struct lg_call *c, uint32_t tenant, uint8_t flags, lg_str part)
{
	struct lg_crl_parts *p = c->crl;

	if ((flags & LG_CRL_FIRST) != 0) {
		lg_buf_free(&p->whole);
		*p = (struct lg_crl_parts){ .open = true, .id = c->id, .hash = p->hash, .digest = p->digest };
		LG_TRY(crl_begin(c, tenant, part));
	}
	if (!p->open || p->id != c->id)
		return lg_fail(c->cx, LG_E_INVALID, "a part of a CRL that was not begun");
	if (p->failed != LG_OK)
		return lg_fail(c->cx, p->failed, "%s", p->why);
	p->n += part.n;
	if (p->n > p->declared || ((flags & LG_CRL_LAST) != 0 && p->n != p->declared))
		return lg_fail(c->cx, LG_E_INVALID, "a CRL that is not as long as it says");
	if (hashes_itself(p))
		lg_buf_str(&p->whole, part);
	else
		lg_crypto_must(EVP_DigestUpdate(p->hash, part.p, part.n));
	lg_crypto_must(EVP_DigestUpdate(p->digest, part.p, part.n));
	return lg_buf_status(c->cx, &p->whole);
}

static lg_err
crl_sign(struct lg_call *c, const struct lg_key *key, uint8_t *sig, size_t *n)
{
	struct lg_crl_parts *p = c->crl;
	unsigned char hash[EVP_MAX_MD_SIZE];
	unsigned nhash;

	if (hashes_itself(p))
		return lg_key_sign(c->cx, key, p->alg, false, lg_buf_view(&p->whole), sig, n);
	lg_crypto_must(EVP_DigestFinal_ex(p->hash, hash, &nhash));
	return lg_key_sign_digest(c->cx, key, p->alg, (lg_str){ (char *)hash, nhash }, sig, n);
}

static lg_err
crl_finish(struct lg_call *c, uint32_t tenant)
{
	struct lg_crl_parts *p = c->crl;
	const struct lg_loaded_key *k;
	uint8_t sig[LG_SIG_MAX];
	lg_sha256 digest;
	size_t n;

	LG_TRY(crl_issuer(c, tenant, (lg_str){ p->issuer, p->nissuer }, &k));
	LG_TRY(crl_sign(c, k->key, sig, &n));
	lg_crypto_must(EVP_DigestFinal_ex(p->digest, digest.b, NULL));
	lg_buf_bytes(c->out, sig, n);
	lg_signed_add(c->kp->record, LG_PURPOSE_CRL, tenant, &digest);
	return LG_OK;
}

/* An early part that is wrong is remembered, and answered when the last has come. */
lg_err
lg_kp_crl(struct lg_call *c)
{
	uint32_t tenant = lg_rd_u32(&c->rd);
	uint8_t flags = lg_rd_u8(&c->rd);
	lg_str part = rest(c);

	lg_err e = crl_part(c, tenant, flags, part);
	if ((flags & LG_CRL_LAST) == 0) {
		if (e != LG_OK && c->crl->failed == LG_OK) {
			c->crl->failed = e;
			memcpy(c->crl->why, c->cx->error, sizeof c->crl->why);
		}
		return LG_PENDING;
	}
	if (e == LG_OK)
		e = crl_finish(c, tenant);
	c->crl->open = false;
	lg_buf_free(&c->crl->whole);
	return e;
}
