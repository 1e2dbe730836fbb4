/* Any text as a token, a proof and claims: refused or accepted, never more memory or a crash. */
#include <stdlib.h>

#include "lightgate/crypto.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static struct lg_keyset *
keys(struct lg_ctx *cx)
{
	static const char jwks[] = "{\"keys\":[{\"kid\":\"k\",\"kty\":\"EC\",\"crv\":\"P-256\","
	    "\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\",\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}]}";
	struct lg_keyset *ks = NULL;

	if (lg_keyset_from_jwks(cx, LG_STR(jwks), &ks) != LG_OK)
		abort();
	return ks;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const char *const typs[] = { "at+jwt", "JWT", "" };
	struct lg_arena *arena = lg_arena_new();
	lg_str text = { (const char *)data, n };
	struct lg_claims claims;
	struct lg_jws jws;
	struct lg_ctx cx;

	lg_ctx_init(&cx, arena);
	LG_AUTO(lg_keyset_unref) struct lg_keyset *ks = keys(&cx);
	LG_AUTO(lg_secret_free) struct lg_secret secret = lg_secret_new(32);
	LG_AUTO(lg_pubkey_unref) struct lg_pubkey *key = NULL;
	for (size_t i = 0; i < LG_COUNT(typs); i++)
		if (lg_jws_verify(&cx, text, ks, typs[i], &jws) == LG_OK && jws.alg == LG_ALG_NONE)
			abort();
	(void)!lg_jws_verify_hs256(&cx, text, &secret, "", &jws);
	(void)!lg_jws_verify_embedded(&cx, text, "dpop+jwt", &jws, &key);
	(void)!lg_claims_parse(&cx, text, &claims);
	lg_arena_free(&arena);
	return 0;
}
