/* keyset.c: sets of public keys for verifying tokens: immutable, counted, published by pointer. */
#include "crypto/key.h"

#include <stdlib.h>

#include "base/json.h"
#include "crypto/local.h"

#define KEYSET_MAX	64		/* keys of somebody's JWKS */

struct lg_keyset *
lg_keyset_new(const struct lg_keyset_key *keys, size_t n)
{
	struct lg_keyset *ks = calloc(1, sizeof *ks + n * sizeof ks->key[0]);

	lg_crypto_must(ks != NULL);
	atomic_init(&ks->refs, 1);
	ks->n = n;
	for (size_t i = 0; i < n; i++) {
		char *kid = malloc(keys[i].kid.n + 1);
		lg_crypto_must(kid != NULL);
		if (keys[i].kid.n > 0)
			memcpy(kid, keys[i].kid.p, keys[i].kid.n);
		ks->key[i] = (struct lg_keyset_key){ { kid, keys[i].kid.n }, keys[i].alg, lg_pubkey_ref(keys[i].key) };
	}
	return ks;
}

struct lg_keyset *
lg_keyset_ref(struct lg_keyset *ks)
{
	atomic_fetch_add_explicit(&ks->refs, 1, memory_order_relaxed);
	return ks;
}

void
lg_keyset_unref(struct lg_keyset **ks)
{
	struct lg_keyset *s = *ks;

	*ks = NULL;
	if (s == NULL || atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) != 1)
		return;
	for (size_t i = 0; i < s->n; i++) {
		free((char *)(uintptr_t)s->key[i].kid.p);
		lg_pubkey_unref(&s->key[i].key);
	}
	free(s);
}

bool
lg_keyset_has_key(const struct lg_keyset *ks, const struct lg_pubkey *k)
{
	for (size_t i = 0; i < ks->n; i++)
		if (lg_str_eq(lg_pubkey_spki(ks->key[i].key), lg_pubkey_spki(k)))
			return true;
	return false;
}

bool
lg_keyset_has(const struct lg_keyset *ks, lg_str kid)
{
	for (size_t i = 0; i < ks->n; i++)
		if (lg_str_eq(ks->key[i].kid, kid))
			return true;
	return false;
}

void
lg_keyset_jwks(const struct lg_keyset *ks, struct lg_buf *out)
{
	lg_buf_str(out, LG_STR("{\"keys\":["));
	for (size_t i = 0; i < ks->n; i++) {
		if (i > 0)
			lg_buf_byte(out, ',');
		lg_pubkey_jwk(ks->key[i].key, ks->key[i].kid, ks->key[i].alg, out);
	}
	lg_buf_str(out, LG_STR("]}"));
}

/* ---- from a JWKS --------------------------------------------------------------------------------------------- */

struct loading {
	struct lg_keyset_key key[KEYSET_MAX];
	size_t n;
};

static void
loading_end(struct loading *l)
{
	for (size_t i = 0; i < l->n; i++)
		lg_pubkey_unref(&l->key[i].key);
}

static bool
has_kid(const struct loading *l, lg_str kid)
{
	for (size_t i = 0; i < l->n; i++)
		if (lg_str_eq(l->key[i].kid, kid))
			return true;
	return false;
}

/* RFC 7517 5: what we do not understand is passed over; of two keys with one kid the first counts. */
static lg_err
load_key(struct lg_ctx *cx, lg_str json, struct loading *l)
{
	struct lg_pubkey *key;
	struct lg_jwk jwk;

	LG_TRY(lg_jwk_parse(cx, json, &jwk));
	if (!jwk.usable || has_kid(l, jwk.kid))
		return LG_OK;
	lg_err e = lg_pubkey_from_parts(cx, &jwk.parts, &key);
	if (e == LG_E_UNSUPPORTED)
		return LG_OK;
	LG_TRY(e);
	l->key[l->n++] = (struct lg_keyset_key){ jwk.kid, jwk.alg, key };
	return LG_OK;
}

static lg_err
load_keys(struct lg_ctx *cx, struct lg_json *js, struct loading *l)
{
	lg_json_array(js);
	while (lg_json_item(js)) {
		lg_str one = lg_json_raw(js);
		if (js->fault != NULL)
			return LG_OK;		/* lg_json_end has the sentence */
		if (l->n == KEYSET_MAX)
			return lg_fail(cx, LG_E_LIMIT, "a key set of more than %d keys", KEYSET_MAX);
		LG_TRY(load_key(cx, one, l));
	}
	return LG_OK;
}

lg_err
lg_keyset_from_jwks(struct lg_ctx *cx, lg_str json, struct lg_keyset **ret)
{
	LG_AUTO(loading_end) struct loading l = { .n = 0 };
	bool found = false;
	struct lg_json js;
	lg_str name;

	lg_json_init(&js, cx->arena, json);
	lg_json_object(&js);
	while (lg_json_member(&js, &name)) {
		if (lg_str_eq(name, LG_STR("keys"))) {
			found = true;
			LG_TRY(load_keys(cx, &js, &l));
		} else {
			lg_json_skip(&js);
		}
	}
	LG_TRY(lg_json_end(cx, &js));
	if (!found)
		return lg_fail(cx, LG_E_INVALID, "a JWKS without keys");
	*ret = lg_keyset_new(l.key, l.n);
	return LG_OK;
}
