/*
 * webauthn.c: what a browser's answer proves: client data by our own reader, CBOR and signatures by libcbor and libfido2.
 *
 * libfido2 1.12 looks at neither client data nor, without attestation, at the relying party; both are judged here.
 */
#include "sts/webauthn.h"

#include <cbor.h>
#include <fido.h>
#include <fido/eddsa.h>
#include <fido/es256.h>
#include <fido/rs256.h>

#include "base/json.h"
#include "base/text.h"
#include "sts/cbor.h"

#define RP_HASH		32		/* WebAuthn 2 6.1: hash, flags, count */
#define AUTH_DATA_MIN	(RP_HASH + 1 + 4)
#define FLAG_UP		0x01
#define FLAG_UV		0x04
#define FLAG_BE		0x08
#define FLAG_AT		0x40
#define FLAG_ED		0x80
#define KEY_HEAD	(16 + 2)	/* 6.5.1: the model of the authenticator, how long the id is */
#define FMT_MAX		16

/* ---- client data ------------------------------------------------------------------------------------------------------ */

lg_err
sts_client_data_read(struct lg_ctx *cx, lg_str json, const char *type, lg_str origin, lg_str *challenge)
{
	lg_str name, said = LG_NONE, from = LG_NONE, text = LG_NONE;
	bool framed = false;
	struct lg_json js;

	if (json.n > STS_CLIENT_DATA_MAX)
		return lg_fail(cx, LG_E_UNAUTHENTICATED, "passkey: client data of over %u octets", STS_CLIENT_DATA_MAX);
	lg_json_init(&js, cx->arena, json);
	lg_json_object(&js);
	while (lg_json_member(&js, &name)) {
		if (lg_str_eq(name, LG_STR("type")))
			said = lg_json_str(&js);
		else if (lg_str_eq(name, LG_STR("challenge")))
			text = lg_json_str(&js);
		else if (lg_str_eq(name, LG_STR("origin")))
			from = lg_json_str(&js);
		else if (lg_str_eq(name, LG_STR("crossOrigin")))
			framed = lg_json_bool(&js);
		else
			lg_json_skip(&js);	/* 5.8.1: members may be added */
	}
	if (lg_json_end(cx, &js) != LG_OK)
		return lg_fail_in(cx, LG_E_UNAUTHENTICATED, "passkey: client data");
	if (!lg_str_eq(said, lg_str_of(type)) || !lg_str_eq(from, origin) || framed)
		return lg_fail(cx, LG_E_UNAUTHENTICATED, "passkey: the answer is for another page");
	if (!lg_base64url_parse(cx->arena, text, challenge))
		return lg_fail(cx, LG_E_UNAUTHENTICATED, "passkey: the challenge is no base64url");
	return LG_OK;
}

/* ---- authenticator data --------------------------------------------------------------------------------------------------- */

/* Of our relying party, and somebody was there (7.1 steps 13 to 15). */
static lg_err
check_flags(struct lg_ctx *cx, lg_str data, lg_str rp_id, uint8_t want, uint8_t *flags)
{
	lg_sha256 h = lg_sha256_of(rp_id);

	if (data.n < AUTH_DATA_MIN || memcmp(data.p, h.b, RP_HASH) != 0)
		return lg_fail(cx, LG_E_UNAUTHENTICATED, "passkey: the answer is for another site");
	*flags = (uint8_t)data.p[RP_HASH];
	if ((*flags & want) != want)
		return lg_fail(cx, LG_E_UNAUTHENTICATED, "passkey: nobody was there");
	return LG_OK;
}

/* What libfido2 reads in authenticator data is there: the key after its id in a registration, extensions. */
static bool
data_holds(lg_str data, uint8_t flags, bool registration)
{
	lg_str rest = lg_str_sub(data, AUTH_DATA_MIN, data.n);

	if (registration) {
		if (rest.n < KEY_HEAD)
			return false;
		size_t id = (size_t)((unsigned char)rest.p[KEY_HEAD - 2] << 8 | (unsigned char)rest.p[KEY_HEAD - 1]);
		rest = lg_str_sub(rest, KEY_HEAD + id, rest.n);
		if (!sts_cbor_item(&rest))
			return false;
	}
	return (flags & FLAG_ED) == 0 || sts_cbor_item(&rest);
}

/* ---- registration ------------------------------------------------------------------------------------------------------------ */

struct attestation {
	char fmt[FMT_MAX];
	lg_str data;			/* authenticator data */
	cbor_item_t *statement;		/* of the object */
};

static void
cbor_free(cbor_item_t **item)
{
	if (*item != NULL)
		cbor_decref(item);
}

static bool
is_key(const cbor_item_t *item, const char *name)
{
	return cbor_isa_string(item) && cbor_string_is_definite(item) && cbor_string_length(item) == strlen(name)
	    && memcmp(cbor_string_handle(item), name, strlen(name)) == 0;
}

static bool
read_member(const struct cbor_pair *p, struct attestation *at)
{
	if (is_key(p->key, "fmt") && at->fmt[0] == '\0') {
		if (!cbor_isa_string(p->value) || !cbor_string_is_definite(p->value) || cbor_string_length(p->value) >= FMT_MAX)
			return false;
		memcpy(at->fmt, cbor_string_handle(p->value), cbor_string_length(p->value));
		return true;
	}
	if (is_key(p->key, "authData") && at->data.p == NULL) {
		if (!cbor_isa_bytestring(p->value) || !cbor_bytestring_is_definite(p->value))
			return false;
		at->data = (lg_str){ (const char *)cbor_bytestring_handle(p->value), cbor_bytestring_length(p->value) };
		return true;
	}
	if (is_key(p->key, "attStmt") && at->statement == NULL && cbor_isa_map(p->value)) {
		at->statement = p->value;
		return true;
	}
	return false;
}

/* 6.5.4: three members; slices live as long as the object. */
static bool
read_object(const cbor_item_t *object, struct attestation *at)
{
	if (!cbor_isa_map(object) || !cbor_map_is_definite(object) || cbor_map_size(object) != 3)
		return false;
	for (size_t i = 0; i < 3; i++)
		if (!read_member(&cbor_map_handle(object)[i], at))
			return false;
	return at->data.n >= AUTH_DATA_MIN;
}

static void
cred_free(fido_cred_t **c)
{
	fido_cred_free(c);
}

/* The statement of "packed": by a certificate of the maker, or by the new key itself (8.2). */
static bool
statement_verifies(fido_cred_t *c, const struct attestation *at)
{
	unsigned char *raw = NULL;
	size_t allocated, n = cbor_serialize_alloc(at->statement, &raw, &allocated);
	bool good = n > 0 && fido_cred_set_fmt(c, at->fmt) == FIDO_OK && fido_cred_set_attstmt(c, raw, n) == FIDO_OK
	    && (fido_cred_x5c_len(c) > 0 ? fido_cred_verify(c) : fido_cred_verify_self(c)) == FIDO_OK;

	free(raw);
	return good;
}

/* Which algorithm the key is of shows only when libfido2 takes the data for one. */
static lg_err
open_credential(struct lg_ctx *cx, const struct attestation *at, lg_str rp_id, lg_str client_data, fido_cred_t **ret, int *alg)
{
	static const int algs[] = { COSE_ES256, COSE_EDDSA, COSE_RS256 };
	const char *rp;

	LG_TRY(lg_cstr(cx, rp_id, &rp));
	for (size_t i = 0; i < LG_COUNT(algs); i++) {
		fido_cred_free(ret);
		*ret = fido_cred_new();
		if (*ret != NULL && fido_cred_set_type(*ret, algs[i]) == FIDO_OK && fido_cred_set_rp(*ret, rp, NULL) == FIDO_OK
		    && fido_cred_set_clientdata(*ret, (const unsigned char *)client_data.p, client_data.n) == FIDO_OK
		    && fido_cred_set_authdata_raw(*ret, (const unsigned char *)at->data.p, at->data.n) == FIDO_OK) {
			*alg = algs[i];
			return LG_OK;
		}
	}
	return lg_fail(cx, LG_E_UNSUPPORTED, "passkey: a key of no algorithm that is known here");
}

static lg_err
verify_attestation(struct lg_ctx *cx, const struct attestation *at, lg_str rp_id, lg_str client_data, struct sts_passkey *ret)
{
	LG_AUTO(cred_free) fido_cred_t *c = NULL;
	int alg = 0;

	LG_TRY(open_credential(cx, at, rp_id, client_data, &c, &alg));
	if (strcmp(at->fmt, "none") == 0) {
		if (cbor_map_size(at->statement) != 0)
			return lg_fail(cx, LG_E_UNAUTHENTICATED, "passkey: an attestation \"none\" that says something");
	} else if (strcmp(at->fmt, "packed") != 0) {
		return lg_fail(cx, LG_E_UNSUPPORTED, "passkey: attestation \"%s\" is not known here", at->fmt);
	} else if (!statement_verifies(c, at)) {
		return lg_fail(cx, LG_E_UNAUTHENTICATED, "passkey: the attestation does not verify");
	}
	if (fido_cred_id_len(c) == 0 || fido_cred_id_len(c) > STS_CREDENTIAL_MAX || fido_cred_pubkey_len(c) == 0)
		return lg_fail(cx, LG_E_UNAUTHENTICATED, "passkey: no credential, or an id of over %d octets", STS_CREDENTIAL_MAX);
	*ret = (struct sts_passkey){
		.credential = lg_dup(cx->arena, (lg_str){ (const char *)fido_cred_id_ptr(c), fido_cred_id_len(c) }), .alg = alg,
		.key = lg_dup(cx->arena, (lg_str){ (const char *)fido_cred_pubkey_ptr(c), fido_cred_pubkey_len(c) }),
		.count = fido_cred_sigcount(c),
	};
	return LG_OK;
}

lg_err
sts_webauthn_create(struct lg_ctx *cx, lg_str rp_id, lg_str client_data, lg_str attestation, struct sts_passkey *ret, bool *verified)
{
	LG_AUTO(cbor_free) cbor_item_t *object = NULL;
	struct attestation at = { .statement = NULL };
	struct cbor_load_result read;
	lg_str rest = attestation;
	uint8_t flags;

	if (attestation.n == 0 || attestation.n > STS_ATTESTATION_MAX)
		return lg_fail(cx, LG_E_UNAUTHENTICATED, "passkey: an attestation of over %u octets", STS_ATTESTATION_MAX);
	if (sts_cbor_item(&rest))
		object = cbor_load((const unsigned char *)attestation.p, attestation.n, &read);
	if (object == NULL || read.read != attestation.n || !read_object(object, &at))
		return lg_fail(cx, LG_E_UNAUTHENTICATED, "passkey: the attestation is malformed");
	LG_TRY(check_flags(cx, at.data, rp_id, FLAG_UP | FLAG_AT, &flags));
	if (!data_holds(at.data, flags, true))
		return lg_fail(cx, LG_E_UNAUTHENTICATED, "passkey: the authenticator's data are malformed");
	LG_TRY(verify_attestation(cx, &at, rp_id, client_data, ret));
	ret->synced = (flags & FLAG_BE) != 0;
	*verified = (flags & FLAG_UV) != 0;
	return LG_OK;
}

/* ---- assertion ------------------------------------------------------------------------------------------------------------------ */

static void
assert_free(fido_assert_t **a)
{
	fido_assert_free(a);
}

/* The key, as libfido2 wants it; freed by free_key. */
static void *
new_key(const struct sts_passkey *k)
{
	union {
		void *any;
		es256_pk_t *es256;
		eddsa_pk_t *eddsa;
		rs256_pk_t *rs256;
	} pk = { NULL };
	int e = FIDO_ERR_INVALID_ARGUMENT;

	if (k->alg == COSE_ES256 && (pk.es256 = es256_pk_new()) != NULL)
		e = es256_pk_from_ptr(pk.es256, k->key.p, k->key.n);
	else if (k->alg == COSE_EDDSA && (pk.eddsa = eddsa_pk_new()) != NULL)
		e = eddsa_pk_from_ptr(pk.eddsa, k->key.p, k->key.n);
	else if (k->alg == COSE_RS256 && (pk.rs256 = rs256_pk_new()) != NULL)
		e = rs256_pk_from_ptr(pk.rs256, k->key.p, k->key.n);
	if (e == FIDO_OK)
		return pk.any;
	free(pk.any);			/* they are plain structs of their own size */
	return NULL;
}

lg_err
sts_webauthn_get(struct lg_ctx *cx, lg_str rp_id, lg_str client_data, lg_str authenticator, lg_str signature,
    const struct sts_passkey *key, uint32_t *count, bool *verified)
{
	LG_AUTO(assert_free) fido_assert_t *a = fido_assert_new();
	const char *rp;
	uint8_t flags;
	void *pk;
	bool good;

	LG_TRY(lg_cstr(cx, rp_id, &rp));
	LG_TRY(check_flags(cx, authenticator, rp_id, FLAG_UP, &flags));
	if (!data_holds(authenticator, flags, false))
		return lg_fail(cx, LG_E_UNAUTHENTICATED, "passkey: the authenticator's data are malformed");
	pk = new_key(key);
	good = pk != NULL && a != NULL && fido_assert_set_count(a, 1) == FIDO_OK && fido_assert_set_rp(a, rp) == FIDO_OK
	    && fido_assert_set_up(a, FIDO_OPT_TRUE) == FIDO_OK
	    && fido_assert_set_clientdata(a, (const unsigned char *)client_data.p, client_data.n) == FIDO_OK
	    && fido_assert_set_authdata_raw(a, 0, (const unsigned char *)authenticator.p, authenticator.n) == FIDO_OK
	    && fido_assert_set_sig(a, 0, (const unsigned char *)signature.p, signature.n) == FIDO_OK
	    && fido_assert_verify(a, 0, key->alg, pk) == FIDO_OK;
	free(pk);
	if (!good)
		return lg_fail(cx, LG_E_UNAUTHENTICATED, "passkey: the signature does not verify");
	*count = fido_assert_sigcount(a, 0);
	*verified = (flags & FLAG_UV) != 0;
	return LG_OK;
}
