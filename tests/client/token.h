/* token.h: keys and tokens of the tests' own. */
#ifndef LG_TESTS_TOKEN_H
#define LG_TESTS_TOKEN_H

#include <criterion/criterion.h>
#include <stdio.h>

#include "lightgate/crypto.h"

struct token_maker {
	struct lg_key *key;
	char jwks[2048];
};

static inline void
token_maker_init(struct lg_ctx *cx, struct token_maker *m, const char *kid)
{
	struct lg_buf b = LG_BUF(2000);

	cr_assert_eq(lg_key_generate(cx, LG_KEY_P256, &m->key), LG_OK);
	lg_buf_str(&b, LG_STR("{\"keys\":["));
	lg_pubkey_jwk(lg_key_public(m->key), lg_str_of(kid), LG_ALG_ES256, &b);
	lg_buf_str(&b, LG_STR("]}"));
	snprintf(m->jwks, sizeof m->jwks, "%.*s", LG_FMT(lg_buf_view(&b)));
	lg_buf_free(&b);
}

static inline const char *
token_make(struct lg_ctx *cx, const struct token_maker *m, const char *typ, const char *kid, const char *payload)
{
	lg_str token;

	cr_assert_eq(lg_jws_sign(cx, m->key, LG_ALG_ES256, typ, lg_str_of(kid), lg_str_of(payload), &token), LG_OK, "%s", cx->error);
	return lg_dup(cx->arena, token).p;
}

#endif
