/*
 * fuzz_client_bundle.c: a body's reader is reached only behind a signature; all the same no body crashes it, and what it has read
 * answers questions.  The first octet says whether only the heirs are looked at, as is done before the signature.
 */
#include <stdlib.h>

#include "client/bundle_own.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
use(struct lg_ctx *cx, struct lg_bundle_body *body)
{
	struct lg_bundle b = { .body = body };
	struct lg_bundle_question q = { .subject_type = LG_STR("Workload"), .subject = LG_STR("web"), .proof = "asserted",
		.action = LG_STR("connect"), .resource_type = LG_STR("Workload"), .resource = LG_STR("db"), .port = 5432 };
	struct lg_claims claims = { .jti = LG_STR("j"), .subject = LG_STR("s"), .sid = LG_STR("i"), .issued = 1 };
	struct lg_ruling r;

	lg_bundle_decide(cx, &b, &q, &r);
	if (r.reason.n == 0)
		abort();
	(void)lg_bundle_token_revoked(&b, &claims);
	(void)lg_bundle_certificate_revoked(&b, LG_STR("07"));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct lg_bundle_body *body;
	struct lg_heirs heirs = { .n = 0 };
	lg_str text = { (const char *)data + 1, size - 1 };
	struct lg_ctx cx;

	if (size < 1 || size > (1u << 20))
		return 0;
	lg_ctx_init(&cx, lg_arena_new());
	lg_bundle_heirs_read(&cx, text, &heirs);
	if (heirs.n > LG_HEIRS)
		abort();
	if (data[0] != 'h' && lg_bundle_body_read(&cx, text, &body) == LG_OK) {
		use(&cx, body);
		lg_bundle_body_unref(&body);
	}
	lg_arena_free(&cx.arena);
	return 0;
}
