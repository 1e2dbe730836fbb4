/* fuzz_agent_grpc.c: whatever comes over the Workload API's socket: frames, headers, messages.  Answers stay within their limits. */
#include <stdlib.h>

#include "agent/spiffe/answers.h"
#include "agent/spiffe/grpc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct lg_svid svid = {
	.spiffe_id = { "spiffe://example.org/project/shop/workload/web", 46 },
	.certificate = { "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n", 59 },
	.roots = { "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n", 59 },
	.token_keys = { "{\"keys\":[]}", 11 },
};

/* Without the service behind: the first octet of the name says which. */
static lg_err
answer(void *self, struct lg_ctx *cx, lg_str method, lg_str message, struct lg_buf *out, bool *stream)
{
	lg_str audience[LG_SPIFFE_AUDIENCES];
	size_t n;

	(void)self;
	if (message.n > LG_GRPC_MESSAGE)
		abort();
	*stream = true;
	if (lg_str_eq(method, LG_STR("SpiffeWorkloadAPI/FetchX509SVID")))
		return lg_spiffe_x509(cx, &svid, out);
	if (lg_str_eq(method, LG_STR("SpiffeWorkloadAPI/FetchX509Bundles")))
		return lg_spiffe_x509_bundles(cx, &svid, out);
	if (lg_str_eq(method, LG_STR("SpiffeWorkloadAPI/FetchJWTBundles")))
		return lg_spiffe_jwt_bundles(cx, &svid, out);
	*stream = false;
	if (lg_str_eq(method, LG_STR("SpiffeWorkloadAPI/ValidateJWTSVID")))
		return lg_spiffe_validate(cx, &svid, message, out);
	LG_TRY(lg_spiffe_jwt_read(cx, &svid, message, audience, &n));
	return lg_spiffe_jwt(cx, &svid, audience[0], out);
}

static bool
drain(struct lg_ctx *cx, struct lg_grpc *g)
{
	lg_str octets;

	do {
		if (lg_grpc_next(cx, g, &octets) != LG_OK)
			return false;
	} while (octets.n > 0);
	return true;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct lg_grpc_service service = { .header = "workload.spiffe.io", .answer = answer };
	struct lg_grpc *g = NULL;
	struct lg_ctx cx;

	lg_ctx_init(&cx, lg_arena_new());
	if (lg_grpc_new(&cx, &service, &g) != LG_OK)
		abort();
	/* in pieces, as a socket gives them */
	bool alive = drain(&cx, g);
	for (size_t at = 0; alive && at < size; ) {
		size_t n = size - at < 61 ? size - at : 61;
		alive = lg_grpc_feed(&cx, g, (lg_str){ (const char *)data + at, n }) == LG_OK && drain(&cx, g);
		at += n;
		lg_grpc_renew(g);
		if (lg_grpc_calls(g) > LG_GRPC_STREAMS)
			abort();
	}
	lg_grpc_free(&g);
	lg_arena_free(&cx.arena);
	return 0;
}
