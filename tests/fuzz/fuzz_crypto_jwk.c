/* Any text as a JWK, a JWKS, an SPKI: what is taken comes back equal. */
#include <stdlib.h>

#include "lightgate/crypto.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void
comes_back(struct lg_ctx *cx, struct lg_pubkey *key)
{
	LG_AUTO(lg_buf_free) struct lg_buf jwk = LG_BUF(8192);
	LG_AUTO(lg_pubkey_unref) struct lg_pubkey *again = NULL;

	lg_pubkey_jwk(key, LG_NONE, lg_pubkey_default_alg(key), &jwk);
	if (lg_pubkey_from_jwk(cx, lg_buf_view(&jwk), &again) != LG_OK
	    || !lg_str_eq(lg_pubkey_spki(key), lg_pubkey_spki(again)))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct lg_arena *arena = lg_arena_new();
	lg_str text = { (const char *)data, n };
	LG_AUTO(lg_pubkey_unref) struct lg_pubkey *jwk = NULL, *spki = NULL;
	LG_AUTO(lg_keyset_unref) struct lg_keyset *ks = NULL;
	struct lg_ctx cx;

	lg_ctx_init(&cx, arena);
	if (lg_pubkey_from_jwk(&cx, text, &jwk) == LG_OK)
		comes_back(&cx, jwk);
	if (lg_pubkey_from_spki(&cx, text, &spki) == LG_OK) {
		if (!lg_str_eq(lg_pubkey_spki(spki), text))
			abort();
		comes_back(&cx, spki);
	}
	(void)!lg_keyset_from_jwks(&cx, text, &ks);
	lg_arena_free(&arena);
	return 0;
}
