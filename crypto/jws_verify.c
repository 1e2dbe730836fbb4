/*
 * jws_verify.c: tokens, believed only after every one of these steps, cheapest first.
 *
 * Size, three segments, strict base64url, a header of known members only, typ, then the key by kid, the key's own
 * algorithm against what the header says, the signature.  Claims are another file's.
 */
#include "crypto/key.h"

#include "base/json.h"
#include "base/text.h"

static lg_err
refuse(struct lg_ctx *cx, const char *why)
{
	return lg_fail(cx, LG_E_UNAUTHENTICATED, "token: %s", why);
}

struct parts {
	lg_str header, payload, signature;	/* decoded */
	lg_str signed_bytes;
};

static lg_err
split(struct lg_ctx *cx, lg_str token, struct parts *ret)
{
	lg_str h, rest, p, s;

	if (token.n > LG_TOKEN_MAX)
		return refuse(cx, "longer than allowed");
	if (!lg_str_cut(token, '.', &h, &rest) || !lg_str_cut(rest, '.', &p, &s)
	    || memchr(s.p, '.', s.n) != NULL)
		return refuse(cx, "not three segments");
	if (h.n == 0 || s.n == 0)
		return refuse(cx, "an empty header or signature");
	if (!lg_base64url_parse(cx->arena, h, &ret->header) || !lg_base64url_parse(cx->arena, p, &ret->payload)
	    || !lg_base64url_parse(cx->arena, s, &ret->signature))
		return refuse(cx, "not strict base64url");
	ret->signed_bytes = (lg_str){ token.p, h.n + 1 + p.n };
	return LG_OK;
}

/* ---- header ------------------------------------------------------------------------------------------------ */

struct header {
	lg_str alg, kid, typ, jwk, url, nonce;
	lg_str hint;			/* x5t, x5t#S256: names a certificate, and is not looked at */
	bool has_alg, has_kid, has_typ, has_jwk, has_hint, acme;
};

/* The members that are allowed, and nothing else: crit, jku, x5u, x5c, b64, zip and cty among the refused. */
static void
read_member(struct lg_json *js, lg_str name, struct header *h)
{
	const struct {
		lg_str name;
		lg_str *to;
		bool *has;
	} known[] = {
		{ LG_STR("alg"), &h->alg, &h->has_alg },
		{ LG_STR("kid"), &h->kid, &h->has_kid },
		{ LG_STR("typ"), &h->typ, &h->has_typ },
		{ LG_STR("url"), &h->url, &h->acme },
		{ LG_STR("nonce"), &h->nonce, &h->acme },
		{ LG_STR("x5t"), &h->hint, &h->has_hint },
		{ LG_STR("x5t#S256"), &h->hint, &h->has_hint },
	};

	for (size_t i = 0; i < LG_COUNT(known); i++)
		if (lg_str_eq(name, known[i].name)) {
			*known[i].to = lg_json_str(js);
			*known[i].has = true;
			return;
		}
	if (!lg_str_eq(name, LG_STR("jwk"))) {
		lg_json_fault(js, "a header member that is not allowed");
		return;
	}
	h->jwk = lg_json_raw(js);
	h->has_jwk = true;
}

static bool
typ_is(const struct header *h, const char *want)
{
	static const lg_str prefix = { "application/", 12 };
	lg_str typ = h->typ;

	if (*want == '\0')
		return !h->has_typ;
	if (!h->has_typ)
		return strcmp(want, "JWT") == 0;
	/* RFC 7515 4.1.9: the prefix may be left out. */
	if (lg_str_eq_fold(lg_str_sub(typ, 0, prefix.n), prefix))
		typ = lg_str_sub(typ, prefix.n, typ.n);
	/* RFC 7515 4.1.9: "JOSE" says no more than no typ does; JWT-SVIDs may have it (SPIFFE JWT-SVID 2.3). */
	return lg_str_eq_fold(typ, lg_str_of(want)) || (strcmp(want, "JWT") == 0 && lg_str_eq_fold(typ, LG_STR("JOSE")));
}

static lg_err
read_header(struct lg_ctx *cx, lg_str json, const char *typ, struct header *h)
{
	struct lg_json js;
	lg_str name;

	*h = (struct header){ .has_alg = false };
	lg_json_init(&js, cx->arena, json);
	lg_json_object(&js);
	while (lg_json_member(&js, &name))
		read_member(&js, name, h);
	if (lg_json_end(cx, &js) != LG_OK)
		return lg_fail_in(cx, LG_E_UNAUTHENTICATED, "token header");
	if (!h->has_alg)
		return refuse(cx, "no alg");
	if (!typ_is(h, typ))
		return lg_fail(cx, LG_E_UNAUTHENTICATED, "token: typ is \"%.*s\", wanted is \"%s\"", LG_FMT(h->typ), typ);
	if (h->acme && *typ != '\0')
		return refuse(cx, "a header member that is not allowed");
	return LG_OK;
}

/* ---- with a set, with the key inside, with a shared secret --------------------------------------------------- */

static lg_err
find_key(struct lg_ctx *cx, const struct lg_keyset *ks, const struct header *h, const struct lg_keyset_key **ret)
{
	if (h->has_jwk)
		return refuse(cx, "brings its own key");
	if (!h->has_kid && ks->n == 1) {
		*ret = &ks->key[0];
		return LG_OK;
	}
	for (size_t i = 0; h->has_kid && i < ks->n; i++)
		if (lg_str_eq(ks->key[i].kid, h->kid)) {
			*ret = &ks->key[i];
			return LG_OK;
		}
	return refuse(cx, "no such key");
}

static lg_err
check(struct lg_ctx *cx, const struct lg_pubkey *key, enum lg_alg alg, const struct header *h, const struct parts *p)
{
	if (!lg_str_eq(h->alg, lg_alg_name(alg)))
		return refuse(cx, "alg is not the key's");
	if (!lg_verify_jose(key, alg, p->signed_bytes, p->signature))
		return refuse(cx, "the signature is wrong");
	return LG_OK;
}

static void
answer(const struct header *h, const struct parts *p, enum lg_alg alg, struct lg_jws *ret)
{
	*ret = (struct lg_jws){
		.kid = h->kid, .typ = h->typ, .url = h->url, .nonce = h->nonce, .payload = p->payload, .alg = alg,
	};
}

lg_err
lg_jws_verify(struct lg_ctx *cx, lg_str token, const struct lg_keyset *ks, const char *typ, struct lg_jws *ret)
{
	const struct lg_keyset_key *key = NULL;
	struct parts p;
	struct header h;

	LG_TRY(split(cx, token, &p));
	LG_TRY(read_header(cx, p.header, typ, &h));
	LG_TRY(find_key(cx, ks, &h, &key));
	LG_TRY(check(cx, key->key, key->alg, &h, &p));
	answer(&h, &p, key->alg, ret);
	return LG_OK;
}

static lg_err
embedded_key(struct lg_ctx *cx, const struct header *h, enum lg_alg *alg, struct lg_pubkey **ret)
{
	struct lg_jwk jwk;

	if (!h->has_jwk)
		return refuse(cx, "does not bring its key");
	if (lg_jwk_parse(cx, h->jwk, &jwk) != LG_OK)
		return lg_fail_in(cx, LG_E_UNAUTHENTICATED, "token key");
	if (!jwk.usable)
		return refuse(cx, "its key is not one for signatures we know");
	if (lg_pubkey_from_parts(cx, &jwk.parts, ret) != LG_OK)
		return lg_fail_in(cx, LG_E_UNAUTHENTICATED, "token key");
	*alg = jwk.alg;
	return LG_OK;
}

lg_err
lg_jws_verify_embedded(struct lg_ctx *cx, lg_str token, const char *typ, struct lg_jws *ret, struct lg_pubkey **key)
{
	LG_AUTO(lg_pubkey_unref) struct lg_pubkey *k = NULL;
	enum lg_alg alg = LG_ALG_NONE;
	struct parts p;
	struct header h;

	if (strcmp(typ, "dpop+jwt") != 0 && *typ != '\0')
		return lg_fail(cx, LG_E_INTERNAL, "a token of type %s does not bring its own key", typ);
	LG_TRY(split(cx, token, &p));
	LG_TRY(read_header(cx, p.header, typ, &h));
	if (h.has_kid && *typ == '\0')		/* RFC 8555 6.2: one or the other */
		return refuse(cx, "brings a key and names one");
	LG_TRY(embedded_key(cx, &h, &alg, &k));
	LG_TRY(check(cx, k, alg, &h, &p));
	answer(&h, &p, alg, ret);
	*key = k;
	k = NULL;
	return LG_OK;
}

lg_err
lg_jws_verify_hs256(struct lg_ctx *cx, lg_str token, const struct lg_secret *key, const char *typ, struct lg_jws *ret)
{
	struct parts p;
	struct header h;

	if (key->n < sizeof(lg_sha256))		/* RFC 7518 3.2 */
		return refuse(cx, "the shared secret is too short");
	LG_TRY(split(cx, token, &p));
	LG_TRY(read_header(cx, p.header, typ, &h));
	if (h.has_jwk || !lg_str_eq(h.alg, LG_STR("HS256")))
		return refuse(cx, "alg is not HS256");
	lg_sha256 mac = lg_hmac_sha256(key, p.signed_bytes);
	if (p.signature.n != sizeof mac.b || !lg_equal_bytes(mac.b, p.signature.p, sizeof mac.b))
		return refuse(cx, "the signature is wrong");
	answer(&h, &p, LG_ALG_NONE, ret);
	return LG_OK;
}
