/* fuzz_crypto_ssh.c: SSH keys and lines from clients: what is taken is written again as it was. */
#include <stdlib.h>

#include "crypto/spki.h"
#include "crypto/ssh.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(16u << 10);
	struct lg_arena *arena = lg_arena_new();
	lg_str input = { (const char *)data, n }, blob, spki;
	struct lg_pubkey_parts parts;
	struct lg_ctx cx;

	lg_ctx_init(&cx, arena);
	if (lg_ssh_line_parse(&cx, input, &blob) != LG_OK)
		blob = input;
	if (lg_ssh_key_parse(&cx, blob, &spki) == LG_OK) {
		if (lg_spki_parse(&cx, spki, &parts) != LG_OK)
			abort();
		lg_ssh_put_key(&b, &parts);
		if (!lg_str_eq(lg_buf_view(&b), blob))
			abort();
	}
	lg_arena_free(&arena);
	return 0;
}
