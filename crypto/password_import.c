/*
 * password_import.c: stored forms that other servers make: PBKDF2 of OpenLDAP and 389 Directory Server, and crypt(3).
 *
 * All ask to be replaced.  What they cost is said by the stored value, which came from outside: each has a bound.
 */
#include "crypto/password.h"

#include <crypt.h>
#include <openssl/evp.h>

#include "base/text.h"

#define ROUNDS_MAX	2000000		/* of PBKDF2: about a second */
#define CRYPT_ROUNDS	1000000		/* of SHA-crypt */
#define BCRYPT_COST	"14"
#define PACKED_SALT	64
#define PACKED_HASH	256

/* ---- PBKDF2 -------------------------------------------------------------------------------------------- */

static lg_err
derive_and_compare(struct lg_ctx *cx, const char *digest, const struct lg_secret *password, int64_t rounds, lg_str salt, lg_str want,
    bool *match)
{
	const EVP_MD *md = EVP_get_digestbyname(digest);
	uint8_t got[PACKED_HASH];

	if (rounds < 1 || rounds > ROUNDS_MAX || want.n > sizeof got || want.n < 16 || salt.n > 1024)
		return lg_fail(cx, LG_E_LIMIT, "a stored password asks for %lld rounds", (long long)rounds);
	if (PKCS5_PBKDF2_HMAC((const char *)password->p, (int)password->n, (const unsigned char *)salt.p, (int)salt.n, (int)rounds, md,
	    (int)want.n, got) != 1)
		return lg_fail(cx, LG_E_UNAVAILABLE, "%s is not available", digest);
	*match = lg_equal_bytes(got, want.p, want.n);
	return LG_OK;
}

/* passlib's adapted base64: '.' for '+', no padding. */
static bool
adapted_base64(struct lg_arena *a, lg_str text, lg_str *ret)
{
	lg_str full = lg_print(a, "%.*s%.*s", LG_FMT(text), (int)((4 - text.n % 4) % 4), "===");
	char *p = (char *)(uintptr_t)full.p;

	for (size_t i = 0; i < full.n; i++)
		if (p[i] == '.')
			p[i] = '+';
	return lg_base64_parse(a, full, ret);
}

/* OpenLDAP's pw-pbkdf2, and 389 since 2.1: rounds$salt$hash. */
lg_err
lg_password_pbkdf2(struct lg_ctx *cx, const struct lg_stored *st, const struct lg_secret *password, const struct lg_password_cost *cost,
    bool *match, bool *upgrade)
{
	lg_str first, rest, second, third, salt, hash;
	int64_t rounds;

	(void)cost;
	if (!lg_str_cut(st->value, '$', &first, &rest) || !lg_str_cut(rest, '$', &second, &third) || !lg_int_parse(first, &rounds) ||
	    !adapted_base64(cx->arena, second, &salt) || !adapted_base64(cx->arena, third, &hash))
		return lg_fail(cx, LG_E_CORRUPT, "a stored password does not decode");
	*upgrade = true;
	return derive_and_compare(cx, st->digest, password, rounds, salt, hash, match);
}

/* 389's older form: base64 of rounds (32 bits), 64 octets of salt, 256 of hash. */
lg_err
lg_password_pbkdf2_packed(struct lg_ctx *cx, const struct lg_stored *st, const struct lg_secret *password,
    const struct lg_password_cost *cost, bool *match, bool *upgrade)
{
	int64_t rounds = 0;
	lg_str raw;

	(void)cost;
	if (!lg_base64_parse(cx->arena, st->value, &raw) || raw.n != 4 + PACKED_SALT + PACKED_HASH)
		return lg_fail(cx, LG_E_CORRUPT, "a stored password does not decode");
	for (size_t i = 0; i < 4; i++)
		rounds = rounds << 8 | (unsigned char)raw.p[i];
	*upgrade = true;
	return derive_and_compare(cx, st->digest, password, rounds, lg_str_sub(raw, 4, PACKED_SALT),
	    lg_str_sub(raw, 4 + PACKED_SALT, PACKED_HASH), match);
}

/* ---- crypt(3) -------------------------------------------------------------------------------------------- */

static bool
bcrypt_bounded(lg_str v)
{
	return v.n == 60 && v.p[6] == '$' && lg_str_cmp(lg_str_sub(v, 4, 2), LG_STR(BCRYPT_COST)) <= 0;
}

static bool
rounds_bounded(lg_str v)
{
	lg_str rest = lg_str_sub(v, 3, v.n), number, salt;
	int64_t rounds;

	if (!lg_str_starts(rest, LG_STR("rounds=")))
		return true;
	return lg_str_cut(lg_str_sub(rest, 7, rest.n), '$', &number, &salt) && lg_int_parse(number, &rounds) && rounds <= CRYPT_ROUNDS;
}

/* "$y$jN.": N is log2 of the memory's blocks less one, 'A' for 8 MiB at r = 32 and 'D' for 256 MiB at most. */
static bool
yescrypt_bounded(lg_str v)
{
	return v.n > 7 && v.p[3] == 'j' && v.p[4] >= '.' && v.p[4] <= 'D' && v.p[5] >= '.' && v.p[5] <= 'T' && v.p[6] == '$';
}

static bool
always_bounded(lg_str v)
{
	return v.n > 0;
}

static const struct {
	lg_str prefix;
	bool (*bounded)(lg_str v);
} methods[] = {
	{ LG_STR("$2a$"), bcrypt_bounded },
	{ LG_STR("$2b$"), bcrypt_bounded },
	{ LG_STR("$2y$"), bcrypt_bounded },
	{ LG_STR("$y$"), yescrypt_bounded },
	{ LG_STR("$6$"), rounds_bounded },
	{ LG_STR("$5$"), rounds_bounded },
	{ LG_STR("$1$"), always_bounded },
};

static bool
is_bounded(lg_str v)
{
	for (size_t i = 0; i < LG_COUNT(methods); i++)
		if (lg_str_starts(v, methods[i].prefix))
			return methods[i].bounded(v);
	return v.n == 13 && v.p[0] != '$' && v.p[0] != '_' && v.p[0] != '*';	/* the traditional one */
}

lg_err
lg_password_crypt(struct lg_ctx *cx, const struct lg_stored *st, const struct lg_secret *password, const struct lg_password_cost *cost,
    bool *match, bool *upgrade)
{
	LG_AUTO(lg_secret_free) struct lg_secret work = lg_secret_new(sizeof(struct crypt_data)), clear = lg_secret_new(password->n + 1);
	const char *setting, *got;

	(void)cost;
	LG_TRY(lg_cstr(cx, st->value, &setting));
	if (!is_bounded(st->value))
		return lg_fail(cx, LG_E_UNSUPPORTED, "a crypt(3) form that is not known, or dearer than it may be");
	*upgrade = true;
	memcpy(clear.p, password->p, password->n);
	/* crypt(3) takes text: a password with a NUL cannot have been hashed by it, and some methods stop at 512 octets. */
	if (memchr(password->p, 0, password->n) != NULL)
		return LG_OK;
	got = crypt_r((const char *)clear.p, setting, (struct crypt_data *)(void *)work.p);
	if (got == NULL || got[0] == '*')
		return LG_OK;
	*match = strlen(got) == st->value.n && lg_equal_bytes(got, st->value.p, st->value.n);
	return LG_OK;
}
