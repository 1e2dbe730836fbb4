/* heirs.c: see heirs.h. */
#include "client/heirs.h"

#include "client/api.h"

void
lg_heirs_read(struct lg_json *js, struct lg_heirs *h)
{
	lg_json_array(js);
	while (lg_json_item(js)) {
		lg_str token = lg_json_str(js);
		if (h->n < LG_HEIRS)
			h->token[h->n++] = token;
	}
}

lg_str
lg_heirs_key(struct lg_ctx *cx, lg_str keys, lg_str kid)
{
	lg_str found = LG_NONE;
	struct lg_json js;

	lg_json_init(&js, cx->arena, lg_api_raw(cx, keys, "keys"));
	lg_json_array(&js);
	while (lg_json_item(&js)) {
		lg_str jwk = lg_json_raw(&js);
		if (found.n == 0 && lg_str_eq(lg_api_member(cx, jwk, "kid"), kid))
			found = jwk;
	}
	return found;
}

/* {"keys":[a,b]} and c -> {"keys":[a,b,c]} */
static lg_str
add_key(struct lg_ctx *cx, lg_str keys, lg_str jwk)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(LG_HEIRS_JWKS);
	lg_str inside = lg_str_trim(lg_api_raw(cx, keys, "keys"));

	lg_buf_str(&b, LG_STR("{\"keys\":"));
	lg_buf_str(&b, lg_str_sub(inside, 0, inside.n - 1));
	if (inside.n > 2)
		lg_buf_byte(&b, ',');
	lg_buf_str(&b, jwk);
	lg_buf_str(&b, LG_STR("]}"));
	return b.full ? keys : lg_dup(cx->arena, lg_buf_view(&b));
}

/* They may come in any order, so each round may add some. */
lg_str
lg_heirs_follow(struct lg_ctx *cx, lg_str keys, const struct lg_heirs *h, const char *typ)
{
	char kept[LG_ERROR_TEXT];
	bool more = true;

	memcpy(kept, cx->error, sizeof kept);
	for (size_t round = 0; more && round < h->n; round++) {
		LG_AUTO(lg_keyset_unref) struct lg_keyset *ks = NULL;
		more = false;
		if (lg_keyset_from_jwks(cx, keys, &ks) != LG_OK)
			break;
		for (size_t i = 0; i < h->n; i++) {
			struct lg_jws jws;
			if (lg_jws_verify(cx, h->token[i], ks, typ, &jws) != LG_OK)
				continue;
			lg_str jwk = lg_api_raw(cx, jws.payload, "jwk"), kid = lg_api_member(cx, jwk, "kid");
			if (kid.n == 0 || lg_heirs_key(cx, keys, kid).n > 0)
				continue;
			keys = add_key(cx, keys, jwk);
			more = true;
		}
	}
	memcpy(cx->error, kept, sizeof kept);		/* heirs that do not verify are nobody's failure */
	return keys;
}
