/* secret.c: random bytes and the type that holds what must not be seen. */
#include "lightgate/crypto.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/text.h"

enum { TOKEN_OCTETS = 32 };

static void
die(const char *why)
{
	fprintf(stderr, "lightgate: %s\n", why);
	abort();
}

void
lg_random(void *p, size_t n)
{
	uint8_t *at = p;

	while (n > 0) {
		ssize_t got = getrandom(at, n, 0);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			die("getrandom failed");
		at += got;
		n -= (size_t)got;
	}
}

struct lg_secret
lg_secret_new(size_t n)
{
	struct lg_secret s = { calloc(1, n == 0 ? 1 : n), n };

	if (s.p == NULL)
		die("out of memory");
	return s;
}

struct lg_secret
lg_secret_random(size_t n)
{
	struct lg_secret s = lg_secret_new(n);

	lg_random(s.p, n);
	return s;
}

struct lg_secret
lg_secret_copy(lg_str bytes)
{
	struct lg_secret s = lg_secret_new(bytes.n);

	if (bytes.n > 0)
		memcpy(s.p, bytes.p, bytes.n);
	return s;
}

void
lg_secret_free(struct lg_secret *s)
{
	if (s->p != NULL)
		explicit_bzero(s->p, s->n);
	free(s->p);
	*s = (struct lg_secret){ NULL, 0 };
}

bool
lg_equal_bytes(const void *a, const void *b, size_t n)
{
	return CRYPTO_memcmp(a, b, n) == 0;
}

bool
lg_secret_eq(const struct lg_secret *a, const struct lg_secret *b)
{
	return a->n == b->n && lg_equal_bytes(a->p, b->p, a->n);
}

lg_str
lg_token_new(struct lg_arena *a)
{
	char raw[TOKEN_OCTETS];

	lg_random(raw, sizeof raw);
	lg_str text = lg_base64url(a, (lg_str){ raw, sizeof raw });
	explicit_bzero(raw, sizeof raw);
	return text;
}
