/* object.c: keys of a token: found by label and id, made, read, signed with. */
#include <stdlib.h>

#include "base/der.h"
#include "crypto/hsm/module.h"
#include "crypto/oid.h"
#include "crypto/spki.h"

enum { VALUE_MAX = 1024 };

static void *
bytes_of(lg_str s)
{
	return (void *)(uintptr_t)s.p;		/* Cryptoki's templates are not const; it does not write to them */
}

/* ---- finding -------------------------------------------------------------------------------------------------- */

static size_t
name_template(const struct lg_hsm_uri *u, CK_ATTRIBUTE *t)
{
	size_t n = 0;

	if (u->object.n > 0)
		t[n++] = (CK_ATTRIBUTE){ CKA_LABEL, bytes_of(u->object), u->object.n };
	if (u->id.n > 0)
		t[n++] = (CK_ATTRIBUTE){ CKA_ID, bytes_of(u->id), u->id.n };
	return n;
}

lg_err
lg_hsm_object(struct lg_ctx *cx, struct lg_hsm *h, struct lg_hsm_session *s, const struct lg_hsm_uri *u, CK_OBJECT_CLASS class,
    CK_OBJECT_HANDLE *ret)
{
	CK_ATTRIBUTE t[3] = { { CKA_CLASS, &class, sizeof class } };
	CK_OBJECT_HANDLE found[2];
	CK_ULONG n = 0;
	CK_RV rv = h->f->C_FindObjectsInit(s->handle, t, 1 + name_template(u, t + 1));

	if (rv == CKR_OK) {
		rv = h->f->C_FindObjects(s->handle, found, LG_COUNT(found), &n);
		CK_RV end = h->f->C_FindObjectsFinal(s->handle);
		rv = rv == CKR_OK ? end : rv;
	}
	if (rv != CKR_OK)
		return lg_hsm_fail(cx, rv, "looking for a key");
	if (n == 0)
		return lg_fail(cx, LG_E_NOT_FOUND, "token %.*s holds no such key", LG_FMT(u->token));
	if (n > 1)
		return lg_fail(cx, LG_E_CONFLICT, "token %.*s holds more than one key of that name", LG_FMT(u->token));
	*ret = found[0];
	return LG_OK;
}

/* ---- the public half --------------------------------------------------------------------------------------------- */

static lg_err
read_value(struct lg_ctx *cx, struct lg_hsm *h, struct lg_hsm_session *s, CK_OBJECT_HANDLE o, CK_ATTRIBUTE_TYPE type, lg_str *ret)
{
	char value[VALUE_MAX];
	CK_ATTRIBUTE a = { type, value, sizeof value };
	CK_RV rv = h->f->C_GetAttributeValue(s->handle, o, &a, 1);

	if (rv != CKR_OK)
		return lg_hsm_fail(cx, rv, "reading a public key");
	*ret = lg_dup(cx->arena, (lg_str){ value, a.ulValueLen });
	return LG_OK;
}

/* CKA_EC_POINT is a DER octet string; some tokens give the n octets in it. */
static lg_str
unwrapped(lg_str point, size_t n)
{
	struct lg_der d = lg_der_of(point);

	return point.n == n ? point : lg_der_octets(&d);
}

static lg_str
without_zeros(lg_str s)
{
	while (s.n > 1 && s.p[0] == '\0')
		s = lg_str_sub(s, 1, s.n);
	return s;
}

static lg_err
elliptic(struct lg_ctx *cx, struct lg_hsm *h, struct lg_hsm_session *s, CK_OBJECT_HANDLE o, struct lg_pubkey_parts *ret)
{
	lg_str params, point;

	LG_TRY(read_value(cx, h, s, o, CKA_EC_PARAMS, &params));
	LG_TRY(read_value(cx, h, s, o, CKA_EC_POINT, &point));
	struct lg_der d = lg_der_of(params);
	lg_str curve = lg_der_oid(&d);
	size_t half = lg_str_eq(curve, LG_OID_P256) ? 32 : lg_str_eq(curve, LG_OID_P384) ? 48 : 0;
	point = unwrapped(point, 1 + 2 * half);
	if (half == 0 || point.n != 1 + 2 * half || point.p[0] != 4)
		return lg_fail(cx, LG_E_UNSUPPORTED, "the token's key is on a curve, or in a form, that is not known here");
	*ret = (struct lg_pubkey_parts){ .kind = half == 32 ? LG_KIND_P256 : LG_KIND_P384, .x = lg_str_sub(point, 1, half),
		.y = lg_str_sub(point, 1 + half, half) };
	return LG_OK;
}

static lg_err
edwards(struct lg_ctx *cx, struct lg_hsm *h, struct lg_hsm_session *s, CK_OBJECT_HANDLE o, struct lg_pubkey_parts *ret)
{
	lg_str point;

	LG_TRY(read_value(cx, h, s, o, CKA_EC_POINT, &point));
	point = unwrapped(point, 32);
	if (point.n != 32)
		return lg_fail(cx, LG_E_UNSUPPORTED, "the token's key is on an Edwards curve that is not known here");
	*ret = (struct lg_pubkey_parts){ .kind = LG_KIND_ED25519, .x = point };
	return LG_OK;
}

static lg_err
rsa(struct lg_ctx *cx, struct lg_hsm *h, struct lg_hsm_session *s, CK_OBJECT_HANDLE o, struct lg_pubkey_parts *ret)
{
	*ret = (struct lg_pubkey_parts){ .kind = LG_KIND_RSA };
	LG_TRY(read_value(cx, h, s, o, CKA_MODULUS, &ret->n));
	LG_TRY(read_value(cx, h, s, o, CKA_PUBLIC_EXPONENT, &ret->e));
	ret->n = without_zeros(ret->n);
	ret->e = without_zeros(ret->e);
	return LG_OK;
}

lg_err
lg_hsm_spki(struct lg_ctx *cx, struct lg_hsm *h, struct lg_hsm_session *s, CK_OBJECT_HANDLE public, lg_str *ret)
{
	static const struct {
		CK_KEY_TYPE type;
		lg_err (*read)(struct lg_ctx *, struct lg_hsm *, struct lg_hsm_session *, CK_OBJECT_HANDLE, struct lg_pubkey_parts *);
	} types[] = { { CKK_EC, elliptic }, { CKK_EC_EDWARDS, edwards }, { CKK_RSA, rsa } };
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(LG_SPKI_MAX);
	struct lg_pubkey_parts parts = { .kind = LG_KIND_P256 };
	CK_KEY_TYPE type = CKK_VENDOR_DEFINED;
	CK_ATTRIBUTE a = { CKA_KEY_TYPE, &type, sizeof type };
	size_t i = 0;

	CK_RV rv = h->f->C_GetAttributeValue(s->handle, public, &a, 1);
	if (rv != CKR_OK)
		return lg_hsm_fail(cx, rv, "reading a public key");
	while (i < LG_COUNT(types) && types[i].type != type)
		i++;
	if (i == LG_COUNT(types))
		return lg_fail(cx, LG_E_UNSUPPORTED, "the token's key is of a type that is not known here");
	LG_TRY(types[i].read(cx, h, s, public, &parts));
	lg_spki_write(&parts, &b);
	LG_TRY(lg_buf_status(cx, &b));
	*ret = lg_dup(cx->arena, lg_buf_view(&b));
	return lg_spki_parse(cx, *ret, &parts);
}

/* ---- making ---------------------------------------------------------------------------------------------------------- */

static const struct kind {
	CK_MECHANISM_TYPE mechanism;
	lg_str params;			/* DER of the curve's name */
	CK_ULONG bits;			/* RSA */
} kinds[] = {
	[LG_KEY_P256] = { CKM_EC_KEY_PAIR_GEN, LG_STR("\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07"), 0 },
	[LG_KEY_P384] = { CKM_EC_KEY_PAIR_GEN, LG_STR("\x06\x05\x2b\x81\x04\x00\x22"), 0 },
	[LG_KEY_ED25519] = { CKM_EC_EDWARDS_KEY_PAIR_GEN, LG_STR("\x06\x03\x2b\x65\x70"), 0 },
	[LG_KEY_RSA2048] = { CKM_RSA_PKCS_KEY_PAIR_GEN, LG_NONE, 2048 },
	[LG_KEY_RSA3072] = { CKM_RSA_PKCS_KEY_PAIR_GEN, LG_NONE, 3072 },
	[LG_KEY_RSA4096] = { CKM_RSA_PKCS_KEY_PAIR_GEN, LG_NONE, 4096 },
};

static size_t
kind_template(struct kind *k, CK_ATTRIBUTE *t)
{
	static CK_BYTE exponent[] = { 1, 0, 1 };

	if (k->bits == 0) {
		t[0] = (CK_ATTRIBUTE){ CKA_EC_PARAMS, bytes_of(k->params), k->params.n };
		return 1;
	}
	t[0] = (CK_ATTRIBUTE){ CKA_MODULUS_BITS, &k->bits, sizeof k->bits };
	t[1] = (CK_ATTRIBUTE){ CKA_PUBLIC_EXPONENT, exponent, sizeof exponent };
	return 2;
}

/* The private half is sensitive and never leaves the token. */
lg_err
lg_hsm_make(struct lg_ctx *cx, struct lg_hsm *h, struct lg_hsm_session *s, const struct lg_hsm_uri *u, enum lg_key_type type,
    CK_OBJECT_HANDLE *public)
{
	CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
	CK_ATTRIBUTE pub[6] = { { CKA_TOKEN, &yes, sizeof yes }, { CKA_VERIFY, &yes, sizeof yes } };
	CK_ATTRIBUTE priv[7] = { { CKA_TOKEN, &yes, sizeof yes }, { CKA_SIGN, &yes, sizeof yes }, { CKA_PRIVATE, &yes, sizeof yes },
		{ CKA_SENSITIVE, &yes, sizeof yes }, { CKA_EXTRACTABLE, &no, sizeof no } };
	struct kind kind = kinds[type];
	CK_MECHANISM mechanism = { kind.mechanism, NULL, 0 };
	CK_OBJECT_HANDLE private;
	size_t npub = 2, npriv = 5;
	lg_err e = lg_hsm_object(cx, h, s, u, CKO_PRIVATE_KEY, &private);

	if (e != LG_E_NOT_FOUND)
		return e == LG_OK || e == LG_E_CONFLICT ? lg_fail(cx, LG_E_EXISTS, "token %.*s holds a key of that name", LG_FMT(u->token)) : e;
	npub += kind_template(&kind, pub + npub);
	npub += name_template(u, pub + npub);
	npriv += name_template(u, priv + npriv);
	CK_RV rv = h->f->C_GenerateKeyPair(s->handle, &mechanism, pub, npub, priv, npriv, public, &private);
	return rv == CKR_OK ? LG_OK : lg_hsm_fail(cx, rv, "making a key");
}

/* ---- signing --------------------------------------------------------------------------------------------------------- */

static const struct hash {
	const char *name;
	CK_MECHANISM_TYPE mechanism;
	CK_RSA_PKCS_MGF_TYPE mgf;
	CK_ULONG size;
	lg_str info;			/* DigestInfo up to the digest, RFC 8017 9.2 note 1 */
} hashes[] = {
	{ "SHA256", CKM_SHA256, CKG_MGF1_SHA256, 32, LG_STR("\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20") },
	{ "SHA384", CKM_SHA384, CKG_MGF1_SHA384, 48, LG_STR("\x30\x41\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x02\x05\x00\x04\x30") },
	{ "SHA512", CKM_SHA512, CKG_MGF1_SHA512, 64, LG_STR("\x30\x51\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x03\x05\x00\x04\x40") },
};

static const struct hash *
hash_of(const struct lg_alg_row *row)
{
	for (size_t i = 0; row->digest != NULL && i < LG_COUNT(hashes); i++)
		if (strcmp(hashes[i].name, row->digest) == 0)
			return &hashes[i];
	return NULL;
}

lg_err
lg_hsm_sign(struct lg_ctx *cx, struct lg_hsm *h, struct lg_hsm_session *s, CK_OBJECT_HANDLE key, const struct lg_alg_row *row,
    lg_str bytes, lg_str *sig)
{
	const struct hash *hash = hash_of(row);
	CK_RSA_PKCS_PSS_PARAMS pss = { .hashAlg = 0 };
	CK_MECHANISM m = { CKM_EDDSA, NULL, 0 };
	CK_BYTE out[LG_SIG_MAX];
	CK_ULONG n = sizeof out;

	if (hash != NULL && bytes.n != hash->size)
		return lg_fail(cx, LG_E_INVALID, "a digest of %zu octets for %.*s", bytes.n, LG_FMT(row->name));
	if (row->half != 0) {
		m.mechanism = CKM_ECDSA;
	} else if (row->pss && hash != NULL) {
		pss = (CK_RSA_PKCS_PSS_PARAMS){ hash->mechanism, hash->mgf, hash->size };
		m = (CK_MECHANISM){ CKM_RSA_PKCS_PSS, &pss, sizeof pss };
	} else if (hash != NULL) {
		m.mechanism = CKM_RSA_PKCS;
		bytes = lg_cat(cx->arena, hash->info, bytes);
	}
	CK_RV rv = h->f->C_SignInit(s->handle, &m, key);
	if (rv == CKR_OK)
		rv = h->f->C_Sign(s->handle, bytes_of(bytes), bytes.n, out, &n);
	if (rv != CKR_OK)
		return lg_hsm_fail(cx, rv, "signing");
	*sig = lg_dup(cx->arena, (lg_str){ (char *)out, n });
	return LG_OK;
}
