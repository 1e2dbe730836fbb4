/* totp.c: time-based one-time passwords (RFC 6238, RFC 4226), of the one kind that every authenticator application makes: HMAC-SHA-1, six
 * digits, thirty seconds. */
#include "lightgate/crypto.h"

#include <stdlib.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#define DIGITS	1000000u

uint32_t
lg_totp(const struct lg_secret *key, uint64_t step)
{
	uint8_t counter[8], mac[EVP_MAX_MD_SIZE];
	unsigned n = 0;
	uint32_t code;

	for (int i = 0; i < 8; i++)
		counter[i] = (uint8_t)(step >> (56 - 8 * i));
	if (HMAC(EVP_sha1(), key->p, (int)key->n, counter, sizeof counter, mac, &n) == NULL || n < 20)
		abort();
	/* RFC 4226 5.3 */
	const uint8_t *at = mac + (mac[n - 1] & 15);
	code = (uint32_t)(at[0] & 0x7f) << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
	OPENSSL_cleanse(mac, sizeof mac);
	return code % DIGITS;
}
