/* What a browser brings as a passkey: client data, the attestation of a new key, and an assertion under a fixed one.  The first octet
 * says which.  Nothing that was not made for it is believed. */
#include <stddef.h>
#include <stdint.h>

#include "sts/webauthn.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	LG_AUTO(lg_arena_free) struct lg_arena *a = lg_arena_new();
	struct sts_passkey key = { .alg = -7, .key = { (const char[64]){ 4, 1 }, 64 } }, made;
	lg_str text, challenge;
	struct lg_ctx cx;
	uint32_t count;
	bool verified;

	if (size == 0)
		return 0;
	lg_ctx_init(&cx, a);
	text = (lg_str){ (const char *)data + 1, size - 1 };
	lg_err e = data[0] % 3 == 0 ? sts_client_data_read(&cx, text, "webauthn.get", LG_STR("https://id.example"), &challenge)
	    : data[0] % 3 == 1 ? sts_webauthn_create(&cx, LG_STR("id.example"), LG_STR("{}"), text, &made, &verified)
	    : sts_webauthn_get(&cx, LG_STR("id.example"), LG_STR("{}"), text, text, &key, &count, &verified);
	if (data[0] % 3 == 2 && e == LG_OK)
		__builtin_trap();
	return 0;
}
