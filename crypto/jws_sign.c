/* jws_sign.c: tokens signed with a key of ours in this process: client assertions, proofs, tests. */
#include "crypto/key.h"


#include "base/json.h"
#include "base/text.h"

void
lg_jws_header(struct lg_buf *out, enum lg_alg alg, lg_str typ, lg_str kid)
{
	LG_AUTO(lg_buf_free) struct lg_buf json = LG_BUF(LG_TOKEN_MAX);
	struct lg_jsonw w = lg_jsonw_of(&json);

	lg_jsonw_object(&w);
	lg_jsonw_str_of(&w, "alg", lg_alg_name(alg));
	if (typ.n > 0)
		lg_jsonw_str_of(&w, "typ", typ);
	if (kid.n > 0)
		lg_jsonw_str_of(&w, "kid", kid);
	lg_jsonw_object_end(&w);
	lg_buf_base64url(out, lg_buf_view(&json));
}

lg_err
lg_jws_sign(struct lg_ctx *cx, const struct lg_key *k, enum lg_alg alg, const char *typ, lg_str kid, lg_str payload,
    lg_str *ret)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(LG_TOKEN_MAX);
	lg_str sig;

	lg_jws_header(&b, alg, lg_str_of(typ), kid);
	lg_buf_byte(&b, '.');
	lg_buf_base64url(&b, payload);
	LG_TRY(lg_buf_status(cx, &b));
	LG_TRY(lg_key_sign_jose(cx, k, alg, lg_buf_view(&b), &sig));
	lg_buf_byte(&b, '.');
	lg_buf_base64url(&b, sig);
	LG_TRY(lg_buf_status(cx, &b));
	*ret = lg_dup(cx->arena, lg_buf_view(&b));
	return LG_OK;
}
