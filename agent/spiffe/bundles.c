/* bundles.c: see bundles.h. */
#include "agent/spiffe/bundles.h"

#include "base/json.h"
#include "base/text.h"

#define BUNDLE_MAX (64u << 10)

/* 4.2: what a key is for, and its certificate if it has one. */
static lg_err
read_key(struct lg_ctx *cx, lg_str json, lg_str *use, lg_str *cert, struct lg_jsonw *w)
{
	struct lg_json js;
	lg_str name;

	*use = *cert = LG_NONE;
	lg_json_init(&js, cx->arena, json);
	lg_json_object(&js);
	lg_jsonw_object(w);
	while (lg_json_member(&js, &name))
		if (lg_str_eq(name, LG_STR("use"))) {
			*use = lg_json_str(&js);
		} else if (lg_str_eq(name, LG_STR("x5c"))) {
			lg_json_array(&js);
			while (lg_json_item(&js))
				if (!lg_base64_parse(cx->arena, lg_json_str(&js), cert))
					lg_json_fault(&js, "x5c is a certificate in base64");
		} else {
			lg_jsonw_name(w, name);
			lg_jsonw_raw(w, lg_json_raw(&js));
		}
	lg_jsonw_object_end(w);
	return lg_json_end(cx, &js);
}

static lg_err
read_keys(struct lg_ctx *cx, struct lg_json *js, struct lg_buf *jwks, struct lg_spiffe_bundle *ret)
{
	struct lg_jsonw w = lg_jsonw_of(jwks);

	lg_jsonw_object(&w);
	lg_jsonw_name(&w, LG_STR("keys"));
	lg_jsonw_array(&w);
	lg_json_array(js);
	while (lg_json_item(js)) {
		LG_AUTO(lg_buf_free) struct lg_buf one = LG_BUF(BUNDLE_MAX);
		struct lg_jsonw key = lg_jsonw_of(&one);
		lg_str use, cert;

		LG_TRY(read_key(cx, lg_json_raw(js), &use, &cert, &key));
		if (lg_str_eq(use, LG_STR("x509-svid")))
			ret->roots = lg_cat(cx->arena, ret->roots, cert);
		else if (lg_str_eq(use, LG_STR("jwt-svid")))
			lg_jsonw_raw(&w, lg_dup(cx->arena, lg_buf_view(&one)));
	}
	lg_jsonw_array_end(&w);
	lg_jsonw_object_end(&w);
	return lg_buf_status(cx, jwks);
}

static lg_err
read_bundle(struct lg_ctx *cx, lg_str json, struct lg_spiffe_bundle *ret)
{
	LG_AUTO(lg_buf_free) struct lg_buf jwks = LG_BUF(BUNDLE_MAX);
	struct lg_json js;
	lg_str name;

	ret->roots = LG_STR("");
	lg_json_init(&js, cx->arena, json);
	lg_json_object(&js);
	while (lg_json_member(&js, &name))
		if (lg_str_eq(name, LG_STR("keys")))
			LG_TRY(read_keys(cx, &js, &jwks, ret));
		else
			lg_json_skip(&js);
	LG_TRY(lg_json_end(cx, &js));
	ret->token_keys = lg_dup(cx->arena, lg_buf_view(&jwks));
	return LG_OK;
}

lg_err
lg_spiffe_bundles(struct lg_ctx *cx, const struct lg_svid *s, struct lg_spiffe_bundle ret[LG_SPIFFE_DOMAINS], size_t *n)
{
	struct lg_json js;
	lg_str domain;

	*n = 0;
	if (s->federated.n == 0)
		return LG_OK;
	lg_json_init(&js, cx->arena, s->federated);
	lg_json_object(&js);
	while (lg_json_member(&js, &domain)) {
		lg_str bundle = lg_json_raw(&js);

		if (*n == LG_SPIFFE_DOMAINS)
			return lg_fail(cx, LG_E_LIMIT, "more than %d trust domains", LG_SPIFFE_DOMAINS);
		ret[*n].id = lg_cat(cx->arena, LG_STR("spiffe://"), domain);
		LG_TRY(read_bundle(cx, bundle, &ret[(*n)++]));
	}
	return lg_json_end(cx, &js);
}
