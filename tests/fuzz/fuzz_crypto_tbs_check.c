/* Any bytes as something an issuing CA is to sign: at most one of the three kinds takes it. */
#include <stdlib.h>

#include "base/clock.h"
#include "crypto/keeper/tbs_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* What the seeds name: their times are around this one. */
#define SEED_TIME	(INT64_C(1800000000) * LG_SECOND)

static const struct lg_ceiling ceiling = {
	.issuer = LG_STR("https://id.example.org"), .trust_domain = LG_STR("acme.example.org"),
	.dns_suffixes = { LG_STR("acme.example.org") }, .ndns = 1, .loopback = true, .leaf_life = LG_DAY,
};
static const struct lg_issuer issuer = {
	.subject = LG_STR("\x30\x0d\x31\x0b\x30\x09\x06\x03\x55\x04\x03\x0c\x02" "CA"), .key_id = LG_STR("01234567890123456789"),
	.sig_alg = LG_STR("\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02"), .not_after = INT64_MAX,
};

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct lg_arena *arena = lg_arena_new();
	lg_str tbs = { (const char *)data, n };
	size_t total;
	struct lg_ctx cx;

	lg_ctx_init(&cx, arena);
	cx.now = SEED_TIME;
	int taken = (lg_tbs_check(&cx, tbs, &ceiling, &issuer) == LG_OK)
	    + (lg_tbs_crl_check(&cx, tbs, &issuer, &total) == LG_OK) + (lg_tbs_ocsp_check(&cx, tbs, &issuer) == LG_OK);
	if (taken > 1)
		abort();
	lg_arena_free(&arena);
	return 0;
}
