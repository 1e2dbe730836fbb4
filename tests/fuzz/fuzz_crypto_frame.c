/* Any bytes as what the server sends to the keeper, and as what a tenant's file holds. */
#include <stdlib.h>

#include "crypto/keeper/frame.h"
#include "crypto/keeper/tenant.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void
read_body(struct lg_ctx *cx, lg_str body)
{
	struct lg_token_request token;
	struct lg_bundle_request bundle;
	struct lg_ceiling ceiling;
	struct lg_keeper_key *keys;
	struct lg_keeper_tenant *tenants;
	struct lg_rd rd = lg_rd_of(body);
	size_t n;

	if (lg_get_token_request(&rd, &token) && token.naudience > LG_AUDIENCES)
		abort();
	rd = lg_rd_of(body);
	(void)lg_get_bundle_request(&rd, &bundle);
	rd = lg_rd_of(body);
	if (lg_get_ceiling(&rd, true, &ceiling))
		(void)!lg_ceiling_check(cx, &ceiling);
	(void)!lg_keeper_keys_parse(cx, body, &keys, &n);
	(void)!lg_keeper_tenants_parse(cx, body, &tenants, &n);
}

static void
read_record(struct lg_ctx *cx, lg_str bytes)
{
	LG_AUTO(lg_buf_free) struct lg_buf once = LG_BUF(LG_TENANT_MAX), twice = LG_BUF(LG_TENANT_MAX);
	struct lg_tenant_record r;

	if (lg_tenant_record_decode(cx, bytes, &r) != LG_OK)
		return;
	/* Older formats are read and not written: what is read is written as today's, which stays as it is. */
	lg_tenant_record_encode(&r, &once);
	if (once.full)
		return;
	if (lg_tenant_record_decode(cx, lg_buf_view(&once), &r) != LG_OK)
		abort();
	lg_tenant_record_encode(&r, &twice);
	if (!lg_str_eq(lg_buf_view(&once), lg_buf_view(&twice)))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct lg_arena *arena = lg_arena_new();
	lg_str left = { (const char *)data, n };
	struct lg_frame f;
	struct lg_ctx cx;

	lg_ctx_init(&cx, arena);
	read_record(&cx, left);
	while (lg_frame_next(&left, LG_KEEPER_FRAME, &f) == LG_FRAME_ONE)
		read_body(&cx, f.body);
	lg_arena_free(&arena);
	return 0;
}
