/* ca.c: root and issuing CA certificates (RFC 5280 4.1, 4.2), in our own DER. */
#include "crypto/keeper/ca.h"

#include "base/clock.h"
#include "base/der.h"
#include "base/text.h"
#include "crypto/hsm/uri.h"
#include "crypto/oid.h"

enum { CERT_MAX = 4096, SERIAL = 16 };
#define BACKDATE	(5 * LG_MINUTE)
#define KEY_CERT_SIGN	((1u << 5) | (1u << 6))		/* and cRLSign */
#define DIGITAL_SIGNATURE (1u << 0)			/* the issuer answers OCSP itself (RFC 6960 4.2.2.2) */

static void
put_serial(struct lg_buf *b)
{
	char serial[SERIAL];

	lg_random(serial, sizeof serial);
	serial[0] = (char)((serial[0] & 0x7f) | 0x40);	/* positive and never short */
	lg_derw_unsigned(b, (lg_str){ serial, sizeof serial });
}

static void
put_basic_constraints(struct lg_buf *b, int path_len)
{
	struct lg_x509_ext e = lg_x509_ext_begin(b, LG_OID_BASIC, true);
	size_t seq = lg_derw_begin(b, LG_DER_SEQUENCE);

	lg_derw_boolean(b, true);
	lg_derw_int(b, path_len);
	lg_derw_end(b, seq);
	lg_x509_ext_end(b, e);
}

static void
put_subtree(struct lg_buf *b, uint8_t tag, lg_str base)
{
	size_t seq = lg_derw_begin(b, LG_DER_SEQUENCE);

	lg_derw_element(b, tag, base);
	lg_derw_end(b, seq);
}

static void
put_permitted(struct lg_buf *b, const struct lg_ceiling *c)
{
	static const lg_str loopback[] = { LG_STR("\x7f\0\0\0\xff\0\0\0"),
		LG_STR("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff") };
	size_t list = lg_derw_begin(b, LG_DER_EXPLICIT(0));

	for (size_t i = 0; i < c->ndns; i++)
		put_subtree(b, LG_DER_IMPLICIT(2), c->dns_suffixes[i]);
	for (size_t i = 0; i < c->nnets; i++)
		put_subtree(b, LG_DER_IMPLICIT(7), c->nets[i]);
	if (c->loopback) {
		put_subtree(b, LG_DER_IMPLICIT(2), LG_STR("localhost"));
		for (size_t i = 0; i < LG_COUNT(loopback); i++)
			put_subtree(b, LG_DER_IMPLICIT(7), loopback[i]);
	}
	lg_derw_end(b, list);
}

/* Of a kind of which nothing is permitted everything is excluded: without a word of a kind all its names would be allowed. */
static void
put_excluded(struct lg_buf *b, const struct lg_ceiling *c)
{
	static const char zeros[32];
	size_t list = lg_derw_begin(b, LG_DER_EXPLICIT(1));

	if (c->ndns == 0 && !c->loopback)
		put_subtree(b, LG_DER_IMPLICIT(2), LG_NONE);
	if (c->nnets == 0 && !c->loopback) {
		put_subtree(b, LG_DER_IMPLICIT(7), (lg_str){ zeros, 8 });
		put_subtree(b, LG_DER_IMPLICIT(7), (lg_str){ zeros, 32 });
	}
	put_subtree(b, LG_DER_IMPLICIT(1), LG_NONE);	/* mail addresses are never issued */
	lg_derw_end(b, list);
}

/* RFC 5280 4.2.1.10.  Nothing is said of URIs: GnuTLS takes a constraint on them for a name that is not allowed, and the trust domain
 * is held by everybody who knows it. */
static void
put_name_constraints(struct lg_buf *b, const struct lg_ceiling *c)
{
	struct lg_x509_ext e = lg_x509_ext_begin(b, LG_OID_NAME_CONSTRAINTS, true);
	size_t seq = lg_derw_begin(b, LG_DER_SEQUENCE);

	if (c->ndns + c->nnets > 0 || c->loopback)
		put_permitted(b, c);
	put_excluded(b, c);
	lg_derw_end(b, seq);
	lg_x509_ext_end(b, e);
}

static void
put_key_ids(struct lg_buf *b, const struct lg_ca_spec *spec)
{
	struct lg_key_id own = lg_x509_key_id(lg_key_public(spec->key)), signer = lg_x509_key_id(lg_key_public(spec->signer));
	struct lg_x509_ext e = lg_x509_ext_begin(b, LG_OID_SKI, false);

	lg_derw_octets(b, (lg_str){ own.b, sizeof own.b });
	lg_x509_ext_end(b, e);
	e = lg_x509_ext_begin(b, LG_OID_AKI, false);
	size_t seq = lg_derw_begin(b, LG_DER_SEQUENCE);
	lg_derw_element(b, LG_DER_IMPLICIT(0), spec->signer_id.n > 0 ? spec->signer_id : (lg_str){ signer.b, sizeof signer.b });
	lg_derw_end(b, seq);
	lg_x509_ext_end(b, e);
}

/* RFC 6960 4.2.2.2 and 4.2.2.2.1: it may answer, and nobody asks about itself. */
static void
put_responder(struct lg_buf *b)
{
	struct lg_x509_ext e = lg_x509_ext_begin(b, LG_OID_EKU, false);
	size_t seq = lg_derw_begin(b, LG_DER_SEQUENCE);

	lg_derw_oid(b, LG_OID_OCSP_SIGNING);
	lg_derw_end(b, seq);
	lg_x509_ext_end(b, e);
	e = lg_x509_ext_begin(b, LG_OID_OCSP_NOCHECK, false);
	lg_derw_element(b, LG_DER_NULL, LG_NONE);
	lg_x509_ext_end(b, e);
}

static void
put_extensions(struct lg_buf *b, const struct lg_ca_spec *spec)
{
	size_t outer = lg_derw_begin(b, LG_DER_EXPLICIT(3)), seq = lg_derw_begin(b, LG_DER_SEQUENCE);

	if (spec->path_len >= 0)
		put_basic_constraints(b, spec->path_len);
	struct lg_x509_ext e = lg_x509_ext_begin(b, LG_OID_KEY_USAGE, true);
	lg_derw_named_bits(b, LG_DER_BIT_STRING, (spec->path_len >= 0 ? KEY_CERT_SIGN : 0) | (spec->path_len <= 0 ? DIGITAL_SIGNATURE : 0));
	lg_x509_ext_end(b, e);
	if (spec->path_len < 0)
		put_responder(b);
	put_key_ids(b, spec);
	if (spec->within != NULL)
		put_name_constraints(b, spec->within);
	lg_derw_end(b, seq);
	lg_derw_end(b, outer);
}

static void
put_tbs(struct lg_buf *b, const struct lg_ca_spec *spec, enum lg_alg alg)
{
	size_t tbs = lg_derw_begin(b, LG_DER_SEQUENCE), version = lg_derw_begin(b, LG_DER_EXPLICIT(0));

	lg_derw_int(b, 2);		/* v3 */
	lg_derw_end(b, version);
	put_serial(b);
	lg_x509_put_sig_alg(b, alg);
	lg_derw_raw(b, spec->issuer.n == 0 ? spec->subject : spec->issuer);
	size_t validity = lg_derw_begin(b, LG_DER_SEQUENCE);
	lg_derw_time(b, spec->not_before);
	lg_derw_time(b, spec->not_after);
	lg_derw_end(b, validity);
	lg_derw_raw(b, spec->subject);
	lg_derw_raw(b, lg_pubkey_spki(lg_key_public(spec->key)));
	put_extensions(b, spec);
	lg_derw_end(b, tbs);
}

lg_err
lg_ca_make(struct lg_ctx *cx, const struct lg_ca_spec *spec, lg_str *der)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(CERT_MAX);
	enum lg_alg alg = lg_pubkey_default_alg(lg_key_public(spec->signer));
	size_t cert = lg_derw_begin(&b, LG_DER_SEQUENCE), from = b.n;
	lg_str sig;

	put_tbs(&b, spec, alg);
	LG_TRY(lg_buf_status(cx, &b));
	LG_TRY(lg_key_sign_der(cx, spec->signer, alg, (lg_str){ b.p + from, b.n - from }, &sig));
	lg_x509_put_sig_alg(&b, alg);
	lg_derw_bits(&b, sig);
	lg_derw_end(&b, cert);
	LG_TRY(lg_buf_status(cx, &b));
	*der = lg_dup(cx->arena, lg_buf_view(&b));
	return LG_OK;
}

/* ---- a tenant's new keys ---------------------------------------------------------------------------------------- */

/* "acme Root CA 1f0a9c3b": the key's own digits keep the names of successive CAs apart. */
static lg_str
name_of(struct lg_ctx *cx, lg_str tenant, const char *what, const struct lg_key *key)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(512);
	struct lg_key_id id = lg_x509_key_id(lg_key_public(key));
	lg_str digits = lg_hex(cx->arena, (lg_str){ id.b, 4 });

	lg_x509_put_name(&b, lg_print(cx->arena, "%.*s %s %.*s", LG_FMT(tenant), what, LG_FMT(digits)));
	return lg_dup(cx->arena, lg_buf_view(&b));
}

static const char *
root_file(struct lg_ctx *cx, uint32_t tenant, lg_str kid)
{
	return lg_print(cx->arena, "root-%u-%.*s", tenant, LG_FMT(kid)).p;
}

static lg_err
certify_root(struct lg_ctx *cx, struct lg_kproc *kp, const struct lg_tenant_record *t, const struct lg_key *key,
    struct lg_key_record *r)
{
	struct lg_ca_spec spec = {
		.subject = name_of(cx, t->name, "Root CA", key), .key = key, .signer = key,
		.not_before = cx->now - BACKDATE, .not_after = cx->now + LG_ROOT_LIFE, .path_len = 1,
	};

	LG_TRY(lg_ca_make(cx, &spec, &r->pub.cert));
	if (lg_hsm_uri_is(r->secret))
		return LG_OK;
	LG_TRY(lg_kp_file_write(cx, kp, root_file(cx, t->id, r->pub.kid), r->secret));
	r->secret = LG_NONE;
	return LG_OK;
}

static const struct lg_key_record *
active_root(const struct lg_tenant_record *t)
{
	for (size_t i = 0; i < t->nkeys; i++)
		if (t->key[i].pub.purpose == LG_PURPOSE_ROOT && t->key[i].pub.state == LG_KEY_ACTIVE)
			return &t->key[i];
	return NULL;
}

/* In a token, or in a file that is read for this one signature. */
static lg_err
open_root(struct lg_ctx *cx, struct lg_kproc *kp, const struct lg_tenant_record *t, const struct lg_key_record *root, struct lg_key **ret)
{
	LG_AUTO(lg_secret_free) struct lg_secret der = { NULL, 0 };

	if (root->secret.n > 0)
		return lg_key_record_open(cx, &kp->hsm, root, ret);
	if (lg_kp_file_read(cx, kp, root_file(cx, t->id, root->pub.kid), &der) != LG_OK)
		return lg_fail(cx, LG_E_UNSUPPORTED, "the root of tenant %.*s is kept elsewhere: lightgate ca csr", LG_FMT(t->name));
	return lg_key_from_der(cx, (lg_str){ (char *)der.p, der.n }, ret);
}

static lg_err
certify_issuer(struct lg_ctx *cx, struct lg_kproc *kp, const struct lg_tenant_record *t, const struct lg_key *key,
    bool constrained, struct lg_key_record *r)
{
	LG_AUTO(lg_key_free) struct lg_key *root_key = NULL;
	const struct lg_key_record *root = active_root(t);
	struct lg_issuer name;

	if (root == NULL)
		return lg_fail(cx, LG_E_NOT_FOUND, "tenant %u has no root", t->id);
	LG_TRY(open_root(cx, kp, t, root, &root_key));
	LG_TRY(lg_issuer_of(cx, cx->arena, root->pub.cert, lg_key_public(root_key), &name));
	int64_t end = cx->now + LG_ISSUER_LIFE;
	struct lg_ca_spec spec = {
		.issuer = name.subject, .subject = name_of(cx, t->name, "Issuing CA", key), .key = key, .signer = root_key,
		.not_before = cx->now - BACKDATE, .not_after = end < name.not_after ? end : name.not_after, .path_len = 0,
		.within = constrained ? &t->ceiling : NULL,
	};
	return lg_ca_make(cx, &spec, &r->pub.cert);
}

/* Of keys that hosts pin: the one that is active names its successor, so that who pinned it can follow. */
static lg_err
endorse(struct lg_ctx *cx, struct lg_kproc *kp, const struct lg_tenant_record *t, const struct lg_key *key, struct lg_key_record *r)
{
	const char *typ = r->pub.purpose == LG_PURPOSE_BUNDLE ? "lg-bundle-key+jwt" : "lg-audit-key+jwt";
	LG_AUTO(lg_buf_free) struct lg_buf payload = LG_BUF(LG_SPKI_MAX);
	LG_AUTO(lg_key_free) struct lg_key *before = NULL;

	for (size_t i = 0; i < t->nkeys; i++) {
		const struct lg_key_record *k = &t->key[i];
		if (k->pub.purpose != r->pub.purpose || k->pub.state != LG_KEY_ACTIVE)
			continue;
		LG_TRY(lg_key_record_open(cx, &kp->hsm, k, &before));
		lg_buf_str(&payload, LG_STR("{\"jwk\":"));
		lg_pubkey_jwk(lg_key_public(key), r->pub.kid, r->pub.alg, &payload);
		lg_buf_byte(&payload, '}');
		LG_TRY(lg_buf_status(cx, &payload));
		return lg_jws_sign(cx, before, k->pub.alg, typ, k->pub.kid, lg_buf_view(&payload), &r->pub.cert);
	}
	return LG_OK;
}

static const struct {
	enum lg_alg alg;
	enum lg_key_type type;
} key_types[] = {
	{ LG_ALG_ES256, LG_KEY_P256 }, { LG_ALG_ES384, LG_KEY_P384 }, { LG_ALG_EDDSA, LG_KEY_ED25519 },
	{ LG_ALG_RS256, LG_KEY_RSA2048 }, { LG_ALG_PS256, LG_KEY_RSA2048 },
};

static lg_err
type_for(struct lg_ctx *cx, enum lg_alg alg, enum lg_key_type *ret)
{
	for (size_t i = 0; i < LG_COUNT(key_types); i++)
		if (key_types[i].alg == alg) {
			*ret = key_types[i].type;
			return LG_OK;
		}
	return lg_fail(cx, LG_E_UNSUPPORTED, "the keeper makes no keys for %.*s", LG_FMT(lg_alg_name(alg)));
}

static lg_err
new_data_key(struct lg_ctx *cx, struct lg_key_record *r)
{
	LG_AUTO(lg_secret_free) struct lg_secret key = lg_secret_random(32);
	lg_str label = LG_STR("lightgate data key");
	lg_sha256 h;

	for (; h = lg_sha256_pair(label, (lg_str){ (char *)key.p, key.n }), lg_kid_like_option(&h); key = lg_secret_random(32))
		lg_secret_free(&key);
	r->pub.alg = LG_ALG_NONE;
	r->secret = lg_dup(cx->arena, (lg_str){ (char *)key.p, key.n });
	r->pub.kid = lg_base64url(cx->arena, lg_sha256_str(&h));
	return LG_OK;
}

/* A key follows one in a token into the same token; otherwise the settings say which purposes have theirs in one. */
static lg_err
token_for(struct lg_ctx *cx, const struct lg_kproc *kp, const struct lg_tenant_record *t, enum lg_purpose purpose, lg_str *token)
{
	struct lg_hsm_uri u;

	*token = (kp->hsm.purposes & 1u << purpose) != 0 ? kp->hsm.token : LG_NONE;
	for (size_t i = 0; i < t->nkeys; i++)
		if (t->key[i].pub.purpose == purpose && t->key[i].pub.state == LG_KEY_ACTIVE && lg_hsm_uri_is(t->key[i].secret)) {
			LG_TRY(lg_hsm_uri_parse(cx, t->key[i].secret, &u));
			*token = u.token;
		}
	return LG_OK;
}

static lg_err
uri_for(struct lg_ctx *cx, const struct lg_kproc *kp, const struct lg_tenant_record *t, enum lg_purpose purpose, lg_str *ret)
{
	struct lg_hsm_uri u = { .token = LG_NONE };
	char id[8];

	LG_TRY(token_for(cx, kp, t, purpose, &u.token));
	lg_random(id, sizeof id);
	u.id = (lg_str){ id, sizeof id };
	u.object = lg_print(cx->arena, "lightgate %.*s %.*s %.*s", LG_FMT(t->name), LG_FMT(lg_purpose_name(purpose)),
	    LG_FMT(lg_hex(cx->arena, (lg_str){ id, 4 })));
	*ret = u.token.n == 0 ? LG_NONE : lg_hsm_uri_print(cx->arena, &u);
	return LG_OK;
}

static lg_err
make_pair(struct lg_ctx *cx, struct lg_kproc *kp, const struct lg_key_place *at, struct lg_key **key, lg_str *secret)
{
	LG_AUTO(lg_secret_free) struct lg_secret der = { NULL, 0 };

	if (at->uri.n > 0) {
		*secret = lg_dup(cx->arena, at->uri);
		return lg_hsm_key_open(cx, &kp->hsm, at->uri, true, at->type, key);
	}
	LG_TRY(lg_key_generate(cx, at->type, key));
	LG_TRY(lg_key_der(cx, *key, &der));
	*secret = lg_dup(cx->arena, (lg_str){ (char *)der.p, der.n });
	return LG_OK;
}

/* r: purpose and state are set; at: without a URI where the settings say. */
static lg_err
new_pair(struct lg_ctx *cx, struct lg_kproc *kp, const struct lg_tenant_record *t, const struct lg_key_place *at, struct lg_key **key,
    struct lg_key_record *r)
{
	struct lg_key_place place = *at;

	if (place.uri.n == 0)
		LG_TRY(uri_for(cx, kp, t, r->pub.purpose, &place.uri));
	LG_TRY(make_pair(cx, kp, &place, key, &r->secret));
	lg_sha256 thumbprint = lg_pubkey_thumbprint(lg_key_public(*key));
	r->pub.tenant = t->id;
	r->pub.created = r->pub.since = cx->now;
	r->pub.kid = lg_base64url(cx->arena, lg_sha256_str(&thumbprint));
	r->pub.spki = lg_dup(cx->arena, lg_pubkey_spki(lg_key_public(*key)));
	return LG_OK;
}

/* Ed25519 signs a CRL, not its digest, and what goes to a token has the length of a packet (LG_HSM_PACKET). */
static lg_err
check_ca_key(struct lg_ctx *cx, const struct lg_kproc *kp, const struct lg_key_record *r)
{
	if (r->pub.alg == LG_ALG_EDDSA && lg_hsm_uri_is(r->secret))
		return lg_fail(cx, LG_E_UNSUPPORTED, "a CA's key in a token is P-256, P-384 or RSA: Ed25519 signs a CRL whole, "
		    "which no token takes");
	for (size_t i = 0; i < kp->tenants->n; i++)
		for (size_t j = 0; j < kp->tenants->tenant[i]->nkeys; j++)
			if (lg_str_eq(kp->tenants->tenant[i]->key[j].pub.spki, r->pub.spki))
				return lg_fail(cx, LG_E_EXISTS, "this key is in use; a new CA has a new key");
	return LG_OK;
}

lg_err
lg_kp_new_ca(struct lg_ctx *cx, struct lg_kproc *kp, const struct lg_tenant_record *t, enum lg_ca_new kind, const struct lg_key_place *at,
    struct lg_key_record *ret)
{
	struct lg_key_record r = { .pub = { .purpose = LG_PURPOSE_ISSUER, .state = LG_KEY_NEXT } };
	LG_AUTO(lg_key_free) struct lg_key *key = NULL;

	if (kind == LG_CA_ROOT)
		r.pub = (struct lg_keeper_key){ .purpose = LG_PURPOSE_ROOT, .state = LG_KEY_ACTIVE };
	LG_TRY(new_pair(cx, kp, t, at, &key, &r));
	r.pub.alg = lg_pubkey_default_alg(lg_key_public(key));
	LG_TRY(check_ca_key(cx, kp, &r));
	if (kind == LG_CA_ROOT)
		LG_TRY(certify_root(cx, kp, t, key, &r));
	else if (kind != LG_CA_REQUEST)
		LG_TRY(certify_issuer(cx, kp, t, key, kind == LG_CA_CONSTRAINED, &r));
	*ret = r;
	return LG_OK;
}

lg_err
lg_kp_new_responder(struct lg_ctx *cx, struct lg_kproc *kp, const struct lg_tenant_record *t, const struct lg_key_record *issuer,
    struct lg_key_record *ret)
{
	struct lg_key_record r = { .pub = { .purpose = LG_PURPOSE_OCSP, .state = LG_KEY_ACTIVE, .alg = LG_ALG_ES256 } };
	LG_AUTO(lg_key_free) struct lg_key *key = NULL, *signer = NULL;
	struct lg_issuer name;

	LG_TRY(lg_key_record_open(cx, &kp->hsm, issuer, &signer));
	LG_TRY(lg_issuer_of(cx, cx->arena, issuer->pub.cert, lg_key_public(signer), &name));
	LG_TRY(new_pair(cx, kp, t, &(struct lg_key_place){ .type = LG_KEY_P256 }, &key, &r));
	int64_t end = cx->now + LG_KEEPER_RESPONDER;
	struct lg_ca_spec spec = {
		.issuer = name.subject, .subject = name_of(cx, t->name, "OCSP responder", key), .key = key, .signer = signer,
		.signer_id = name.key_id, .not_before = cx->now - BACKDATE, .not_after = end < name.not_after ? end : name.not_after,
		.path_len = -1,
	};
	LG_TRY(lg_ca_make(cx, &spec, &r.pub.cert));
	*ret = r;
	return LG_OK;
}

/* Of what follows another of its kind: RSA keys keep their length. */
static enum lg_key_type
type_like(const struct lg_tenant_record *t, enum lg_purpose purpose, enum lg_key_type otherwise)
{
	lg_str spki = LG_NONE;

	for (size_t i = 0; i < t->nkeys; i++)
		if (t->key[i].pub.purpose == purpose && t->key[i].pub.state == LG_KEY_ACTIVE)
			spki = t->key[i].pub.spki;
	if (otherwise != LG_KEY_RSA2048 || purpose != LG_PURPOSE_ISSUER)
		return otherwise;
	return spki.n > 500 ? LG_KEY_RSA4096 : spki.n > 400 ? LG_KEY_RSA3072 : LG_KEY_RSA2048;
}

lg_err
lg_kp_new_key(struct lg_ctx *cx, struct lg_kproc *kp, const struct lg_tenant_record *t, enum lg_purpose purpose,
    enum lg_alg alg, enum lg_key_state state, struct lg_key_record *ret)
{
	struct lg_key_record r = {
		.pub = { .tenant = t->id, .purpose = purpose, .state = state, .alg = alg, .created = cx->now, .since = cx->now },
	};
	LG_AUTO(lg_key_free) struct lg_key *key = NULL;
	enum lg_key_type type = LG_KEY_P256;

	*ret = r;
	if (purpose == LG_PURPOSE_DATA)
		return new_data_key(cx, ret);
	LG_TRY(type_for(cx, alg, &type));
	LG_TRY(new_pair(cx, kp, t, &(struct lg_key_place){ .type = type_like(t, purpose, type) }, &key, &r));
	if (purpose == LG_PURPOSE_ROOT)
		LG_TRY(certify_root(cx, kp, t, key, &r));
	else if (purpose == LG_PURPOSE_ISSUER)
		LG_TRY(certify_issuer(cx, kp, t, key, false, &r));
	else if (purpose == LG_PURPOSE_BUNDLE || purpose == LG_PURPOSE_AUDIT)
		LG_TRY(endorse(cx, kp, t, key, &r));
	*ret = r;
	return LG_OK;
}
