/* DPoP proofs: whatever is sent, no key is proved by it but by a signature over this request. */
#include <stdlib.h>

#include "sts/sts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct lg_sts sts;
static struct lg_secret key;

static lg_err
data_key(void *self, struct lg_ctx *cx, uint32_t tenant, const struct lg_secret **ret)
{
	(void)self; (void)cx; (void)tenant;
	*ret = &key;
	return LG_OK;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct lg_sts_tenant t = { .issuer = LG_STR("https://id.example") };
	struct sts_proved p = { .method = LG_STR("POST"), .path = LG_STR("/oauth2/token"), .proof = { (const char *)data, size } };
	struct lg_ctx cx;
	bool wants_nonce = false;
	lg_str jkt;

	lg_ctx_init(&cx, lg_arena_new());
	if (sts.proofs == NULL) {
		key = lg_secret_new(32);
		sts.signer.data_key = data_key;
		if (sts_replay_new(&cx, &sts_replay_proofs, &sts.proofs) != LG_OK)
			abort();
	}
	/* Every seed is of another time: a proof that is good now cannot be in a corpus. */
	if (sts_dpop_check(&cx, &sts, 1, &t, &p, &jkt, &wants_nonce) == LG_OK)
		abort();
	lg_arena_free(&cx.arena);
	return 0;
}
