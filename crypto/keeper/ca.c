/* ca.c: root and issuing CA certificates (RFC 5280 4.1, 4.2), in our own DER. */
#include "crypto/keeper/ca.h"

#include "base/clock.h"
#include "base/der.h"
#include "base/text.h"
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
	lg_derw_element(b, LG_DER_IMPLICIT(0), (lg_str){ signer.b, sizeof signer.b });
	lg_derw_end(b, seq);
	lg_x509_ext_end(b, e);
}

static void
put_extensions(struct lg_buf *b, const struct lg_ca_spec *spec)
{
	size_t outer = lg_derw_begin(b, LG_DER_EXPLICIT(3)), seq = lg_derw_begin(b, LG_DER_SEQUENCE);

	put_basic_constraints(b, spec->path_len);
	struct lg_x509_ext e = lg_x509_ext_begin(b, LG_OID_KEY_USAGE, true);
	lg_derw_named_bits(b, LG_DER_BIT_STRING, KEY_CERT_SIGN | (spec->path_len == 0 ? DIGITAL_SIGNATURE : 0));
	lg_x509_ext_end(b, e);
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
ca_name(struct lg_ctx *cx, lg_str tenant, const char *what, const struct lg_key *key)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(512);
	struct lg_key_id id = lg_x509_key_id(lg_key_public(key));
	lg_str digits = lg_hex(cx->arena, (lg_str){ id.b, 4 });

	lg_x509_put_name(&b, lg_print(cx->arena, "%.*s %s CA %.*s", LG_FMT(tenant), what, LG_FMT(digits)));
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
		.subject = ca_name(cx, t->name, "Root", key), .key = key, .signer = key,
		.not_before = cx->now - BACKDATE, .not_after = cx->now + LG_ROOT_LIFE, .path_len = 1,
	};

	LG_TRY(lg_ca_make(cx, &spec, &r->pub.cert));
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

/* The root is read from its file for this one signature. */
static lg_err
certify_issuer(struct lg_ctx *cx, struct lg_kproc *kp, const struct lg_tenant_record *t, const struct lg_key *key,
    bool constrained, struct lg_key_record *r)
{
	LG_AUTO(lg_secret_free) struct lg_secret der = { NULL, 0 };
	LG_AUTO(lg_key_free) struct lg_key *root_key = NULL;
	const struct lg_key_record *root = active_root(t);
	struct lg_issuer name;

	if (root == NULL)
		return lg_fail(cx, LG_E_NOT_FOUND, "tenant %u has no root", t->id);
	if (lg_kp_file_read(cx, kp, root_file(cx, t->id, root->pub.kid), &der) != LG_OK)
		return lg_fail(cx, LG_E_UNSUPPORTED, "the root of tenant %.*s is kept elsewhere: lightgate ca csr", LG_FMT(t->name));
	LG_TRY(lg_key_from_der(cx, (lg_str){ (char *)der.p, der.n }, &root_key));
	LG_TRY(lg_issuer_of(cx, cx->arena, root->pub.cert, lg_key_public(root_key), &name));
	int64_t end = cx->now + LG_ISSUER_LIFE;
	struct lg_ca_spec spec = {
		.issuer = name.subject, .subject = ca_name(cx, t->name, "Issuing", key), .key = key, .signer = root_key,
		.not_before = cx->now - BACKDATE, .not_after = end < name.not_after ? end : name.not_after, .path_len = 0,
		.within = constrained ? &t->ceiling : NULL,
	};
	return lg_ca_make(cx, &spec, &r->pub.cert);
}

/* The one that is active names its successor, so that who pinned it can follow. */
static lg_err
endorse_bundle_key(struct lg_ctx *cx, const struct lg_tenant_record *t, const struct lg_key *key, struct lg_key_record *r)
{
	LG_AUTO(lg_buf_free) struct lg_buf payload = LG_BUF(LG_SPKI_MAX);
	LG_AUTO(lg_key_free) struct lg_key *before = NULL;

	for (size_t i = 0; i < t->nkeys; i++) {
		const struct lg_key_record *k = &t->key[i];
		if (k->pub.purpose != LG_PURPOSE_BUNDLE || k->pub.state != LG_KEY_ACTIVE)
			continue;
		LG_TRY(lg_key_from_der(cx, k->secret, &before));
		lg_buf_str(&payload, LG_STR("{\"jwk\":"));
		lg_pubkey_jwk(lg_key_public(key), r->pub.kid, r->pub.alg, &payload);
		lg_buf_byte(&payload, '}');
		LG_TRY(lg_buf_status(cx, &payload));
		return lg_jws_sign(cx, before, k->pub.alg, "lg-bundle-key+jwt", k->pub.kid, lg_buf_view(&payload), &r->pub.cert);
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
generate(struct lg_ctx *cx, enum lg_alg alg, struct lg_key **ret)
{
	for (size_t i = 0; i < LG_COUNT(key_types); i++)
		if (key_types[i].alg == alg)
			return lg_key_generate(cx, key_types[i].type, ret);
	return lg_fail(cx, LG_E_UNSUPPORTED, "the keeper makes no keys for %.*s", LG_FMT(lg_alg_name(alg)));
}

static lg_err
new_data_key(struct lg_ctx *cx, struct lg_key_record *r)
{
	LG_AUTO(lg_secret_free) struct lg_secret key = lg_secret_random(32);
	lg_str label = LG_STR("lightgate data key");

	r->pub.alg = LG_ALG_NONE;
	r->secret = lg_dup(cx->arena, (lg_str){ (char *)key.p, key.n });
	lg_sha256 h = lg_sha256_pair(label, r->secret);
	r->pub.kid = lg_base64url(cx->arena, lg_sha256_str(&h));
	return LG_OK;
}

static lg_err
new_pair(struct lg_ctx *cx, uint32_t tenant, enum lg_purpose purpose, enum lg_alg alg, enum lg_key_state state, struct lg_key **key,
    struct lg_key_record *ret)
{
	LG_AUTO(lg_secret_free) struct lg_secret der = { NULL, 0 };

	*ret = (struct lg_key_record){
		.pub = { .tenant = tenant, .purpose = purpose, .state = state, .alg = alg, .created = cx->now, .since = cx->now },
	};
	LG_TRY(generate(cx, alg, key));
	LG_TRY(lg_key_der(cx, *key, &der));
	lg_sha256 thumbprint = lg_pubkey_thumbprint(lg_key_public(*key));
	ret->pub.kid = lg_base64url(cx->arena, lg_sha256_str(&thumbprint));
	ret->pub.spki = lg_dup(cx->arena, lg_pubkey_spki(lg_key_public(*key)));
	ret->secret = lg_dup(cx->arena, (lg_str){ (char *)der.p, der.n });
	return LG_OK;
}

lg_err
lg_kp_new_issuer(struct lg_ctx *cx, struct lg_kproc *kp, const struct lg_tenant_record *t, enum lg_ca_new kind,
    struct lg_key_record *ret)
{
	LG_AUTO(lg_key_free) struct lg_key *key = NULL;

	LG_TRY(new_pair(cx, t->id, LG_PURPOSE_ISSUER, LG_ALG_ES256, LG_KEY_NEXT, &key, ret));
	return kind == LG_CA_REQUEST ? LG_OK : certify_issuer(cx, kp, t, key, true, ret);
}

lg_err
lg_kp_new_key(struct lg_ctx *cx, struct lg_kproc *kp, const struct lg_tenant_record *t, enum lg_purpose purpose,
    enum lg_alg alg, enum lg_key_state state, struct lg_key_record *ret)
{
	struct lg_key_record r = {
		.pub = { .tenant = t->id, .purpose = purpose, .state = state, .alg = alg, .created = cx->now, .since = cx->now },
	};
	LG_AUTO(lg_key_free) struct lg_key *key = NULL;

	*ret = r;
	if (purpose == LG_PURPOSE_DATA)
		return new_data_key(cx, ret);
	LG_TRY(new_pair(cx, t->id, purpose, alg, state, &key, &r));
	if (purpose == LG_PURPOSE_ROOT)
		LG_TRY(certify_root(cx, kp, t, key, &r));
	else if (purpose == LG_PURPOSE_ISSUER)
		LG_TRY(certify_issuer(cx, kp, t, key, false, &r));
	else if (purpose == LG_PURPOSE_BUNDLE)
		LG_TRY(endorse_bundle_key(cx, t, key, &r));
	*ret = r;
	return LG_OK;
}
