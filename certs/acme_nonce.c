/*
 * acme_nonce.c: a nonce is a counter and its MAC; a window of bits says which of the newest were used.
 * Whoever asks for many only moves the window: memory is fixed, and an old nonce is refused, never believed twice.
 */
#include "certs/acme_nonce.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/text.h"
#include "lightgate/crypto.h"

#define COUNTER	8
#define MAC	16
#define BYTES	(LG_ACME_NONCES / 8)

struct lg_acme_nonces {
	pthread_mutex_t lock;		/* guards next and used */
	struct lg_secret key;
	uint64_t next;
	uint8_t used[BYTES];
};

struct lg_acme_nonces *
lg_acme_nonces_new(void)
{
	struct lg_acme_nonces *n = calloc(1, sizeof *n);

	if (n == NULL)
		abort();
	pthread_mutex_init(&n->lock, NULL);
	n->key = lg_secret_random(32);
	return n;
}

void
lg_acme_nonces_free(struct lg_acme_nonces **n)
{
	if (*n == NULL)
		return;
	lg_secret_free(&(*n)->key);
	pthread_mutex_destroy(&(*n)->lock);
	free(*n);
	*n = NULL;
}

static void
seal(const struct lg_acme_nonces *n, uint64_t number, uint8_t ret[COUNTER + MAC])
{
	lg_sha256 mac;

	for (size_t i = 0; i < COUNTER; i++)
		ret[i] = (uint8_t)(number >> (56 - 8 * i));
	/* Always the same length, and half of the digest is kept: nothing can be appended, which is all that HMAC's second pass is for. */
	mac = lg_sha256_pair((lg_str){ (const char *)n->key.p, n->key.n }, (lg_str){ (const char *)ret, COUNTER });
	memcpy(ret + COUNTER, mac.b, MAC);
}

lg_str
lg_acme_nonce_new(struct lg_acme_nonces *n, struct lg_arena *a)
{
	uint8_t b[COUNTER + MAC];
	uint64_t number, slot;

	pthread_mutex_lock(&n->lock);
	number = n->next++;
	slot = number % LG_ACME_NONCES;
	n->used[slot / 8] &= (uint8_t)~(1u << slot % 8);	/* was the one's that leaves the window */
	pthread_mutex_unlock(&n->lock);
	seal(n, number, b);
	return lg_base64url(a, (lg_str){ (const char *)b, sizeof b });
}

bool
lg_acme_nonce_use(struct lg_acme_nonces *n, struct lg_arena *a, lg_str text)
{
	uint8_t want[COUNTER + MAC];
	uint64_t number = 0, slot;
	lg_str raw;
	bool fresh;

	if (text.n > 64 || !lg_base64url_parse(a, text, &raw) || raw.n != sizeof want)
		return false;
	for (size_t i = 0; i < COUNTER; i++)
		number = number << 8 | (uint8_t)raw.p[i];
	seal(n, number, want);
	if (!lg_equal_bytes(want, raw.p, sizeof want))
		return false;
	slot = number % LG_ACME_NONCES;
	pthread_mutex_lock(&n->lock);
	fresh = number < n->next && n->next - number <= LG_ACME_NONCES && (n->used[slot / 8] & 1u << slot % 8) == 0;
	if (fresh)
		n->used[slot / 8] |= (uint8_t)(1u << slot % 8);
	pthread_mutex_unlock(&n->lock);
	return fresh;
}
