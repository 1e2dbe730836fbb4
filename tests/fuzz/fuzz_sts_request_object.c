/* Request objects (RFC 9101): without the client's signature no parameter is taken from one, whatever it looks like. */
#include <stdlib.h>

#include "sts/sts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct lg_sts sts;
static lg_str jwks;

static void
start(struct lg_ctx *cx)
{
	struct lg_buf b = LG_BUF(4096);
	struct lg_key *k = NULL;

	if (lg_key_generate(cx, LG_KEY_P256, &k) != LG_OK)
		abort();
	lg_buf_str(&b, LG_STR("{\"keys\":["));
	lg_pubkey_jwk(lg_key_public(k), LG_STR("k1"), LG_ALG_ES256, &b);
	lg_buf_str(&b, LG_STR("]}"));
	jwks = lg_buf_view(&b);		/* for ever */
	lg_key_free(&k);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct lg_ctx cx;

	lg_ctx_init(&cx, lg_arena_new());
	if (jwks.n == 0)
		start(&cx);
	struct lg_sts_client client = { .id = LG_STR("portal"), .enabled = true, .jwks = jwks };
	struct sts_rq rq = { .sts = &sts, .cx = &cx, .tenant_id = 1, .tenant = { .issuer = LG_STR("https://id.example") } };
	rq.form.v[0] = (struct lg_pair){ LG_STR("request"), { (const char *)data, size } };
	rq.form.n = 1;
	if (size > 0 && sts_request_object(&rq, &client) == LG_OK)
		abort();
	lg_arena_free(&cx.arena);
	return 0;
}
