/* scram.c: SCRAM-SHA-256 (RFC 5802, RFC 7677): what is kept of a password, and the proof that a client knows it. */
#include <openssl/evp.h>

#include "base/text.h"
#include "lightgate/crypto.h"

enum { KEY = sizeof(lg_sha256), SALT_MAX = 64, ITERATIONS_MIN = 4096, ITERATIONS_MAX = 1000000 };

static lg_str
bytes(const uint8_t *p)
{
	return (lg_str){ (const char *)p, KEY };
}

static lg_sha256
hmac(const uint8_t key[KEY], lg_str text)
{
	struct lg_secret k = { (uint8_t *)(uintptr_t)key, KEY };

	return lg_hmac_sha256(&k, text);
}

lg_err
lg_scram_make(struct lg_ctx *cx, const struct lg_secret *password, lg_str salt, uint32_t iterations, lg_str *ret)
{
	LG_AUTO(lg_secret_free) struct lg_secret salted = lg_secret_new(KEY);
	lg_sha256 client, stored, server;

	if (PKCS5_PBKDF2_HMAC((const char *)password->p, (int)password->n, (const uint8_t *)salt.p, (int)salt.n, (int)iterations, EVP_sha256(),
	    KEY, salted.p) != 1)
		return lg_fail(cx, LG_E_INTERNAL, "PBKDF2 failed");
	client = lg_hmac_sha256(&salted, LG_STR("Client Key"));
	stored = lg_sha256_of(lg_sha256_str(&client));
	server = lg_hmac_sha256(&salted, LG_STR("Server Key"));
	*ret = lg_print(cx->arena, "{SCRAM-SHA-256}%u$%.*s$%.*s$%.*s", iterations, LG_FMT(lg_base64(cx->arena, salt)),
	    LG_FMT(lg_base64(cx->arena, lg_sha256_str(&stored))), LG_FMT(lg_base64(cx->arena, lg_sha256_str(&server))));
	explicit_bzero(&client, sizeof client);
	return LG_OK;
}

static bool
parse_key(struct lg_arena *a, lg_str text, uint8_t ret[KEY])
{
	lg_str raw;

	if (!lg_base64_parse(a, text, &raw) || raw.n != KEY)
		return false;
	memcpy(ret, raw.p, KEY);
	return true;
}

bool
lg_scram_parse(struct lg_arena *a, lg_str text, struct lg_scram *ret)
{
	lg_str iterations, salt, stored, server;
	int64_t n;

	if (!lg_str_starts(text, LG_STR("{SCRAM-SHA-256}")))
		return false;
	text = lg_str_sub(text, 15, text.n);
	if (!lg_str_cut(text, '$', &iterations, &text) || !lg_str_cut(text, '$', &salt, &text) || !lg_str_cut(text, '$', &stored, &server) ||
	    !lg_int_parse(iterations, &n) || n < ITERATIONS_MIN || n > ITERATIONS_MAX || !lg_base64_parse(a, salt, &ret->salt) ||
	    ret->salt.n == 0 || ret->salt.n > SALT_MAX || !parse_key(a, stored, ret->stored) || !parse_key(a, server, ret->server))
		return false;
	ret->iterations = (uint32_t)n;
	return true;
}

/* ClientProof XOR ClientSignature is ClientKey, whose digest is what is kept. */
bool
lg_scram_verify(const struct lg_scram *s, lg_str message, lg_str proof, lg_sha256 *server_signature)
{
	lg_sha256 signature = hmac(s->stored, message), digest;
	uint8_t key[KEY];

	if (proof.n != KEY)
		return false;
	for (size_t i = 0; i < KEY; i++)
		key[i] = (uint8_t)proof.p[i] ^ signature.b[i];
	digest = lg_sha256_of(bytes(key));
	*server_signature = hmac(s->server, message);
	explicit_bzero(key, sizeof key);
	return lg_equal_bytes(digest.b, s->stored, KEY);
}
