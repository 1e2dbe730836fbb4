/*
 * Bundles of other trust domains, as fetched or within the settings that an administrator sends: what is accepted has a bounded number of
 * roots that are read again, and a time to come again within a minute and a day; its roots may be held against each other as a chain.
 */
#include <stdlib.h>

#include "base/clock.h"
#include "certs/chain.h"
#include "certs/foreign.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
look_at(struct lg_ctx *cx, lg_str json)
{
	struct lg_svid_bundle b;
	struct lg_svid svid;

	if (lg_svid_bundle_parse(cx, LG_STR("b.example"), json, &b) != LG_OK)
		return;
	if (b.nroots > LG_SVID_ROOTS || b.refresh < LG_MINUTE || b.refresh > LG_DAY)
		abort();
	for (size_t i = 0; i < b.nroots; i++) {
		struct lg_x509 x;

		if (lg_x509_parse(cx, b.root[i], &x) != LG_OK || lg_x509_is_ca(cx, &x, 0) != LG_OK)
			abort();
	}
	/* Roots are no leaves, in whatever order they come. */
	if (b.nroots > 0 && lg_svid_verify(cx, LG_STR("b.example"), &b, b.root, b.nroots > LG_SVID_CHAIN ? LG_SVID_CHAIN : b.nroots,
	    LG_EKU_CLIENT, &svid) == LG_OK)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	LG_AUTO(lg_arena_free) struct lg_arena *a = lg_arena_new();
	lg_str text = { (const char *)data, size };
	struct lg_http ex = { .body = text };
	struct lg_foreign f = { .domain = LG_STR("b.example") };
	struct lg_ctx cx;

	lg_ctx_init(&cx, a);
	ex.cx = &cx;
	look_at(&cx, text);
	if (lg_foreign_read(&ex, &f) != LG_OK)
		return 0;
	if ((f.profile == LG_FOREIGN_MANUAL) != (f.url.n == 0) || f.url.n > LG_WEB_URL || f.ca.n > LG_FOREIGN_CA)
		abort();
	look_at(&cx, f.bundle);
	return 0;
}
