/*
 * password.c: stored password values, one scheme a row.
 *
 * New values are Argon2id.  The salted digests of RFC 2307 and its usual extensions, and what other servers make
 * (password_import.c), are verified, so that imported entries can sign in; every one of them asks to be replaced.
 */
#include "crypto/password.h"

#include <argon2.h>
#include <openssl/evp.h>
#include <stdio.h>

#include "base/text.h"
#include "crypto/local.h"

enum { SALT = 16, HASH = 32, STORED_MAX = 512 };

/* What a stored value may make us spend: imported values are not trusted with our memory and time. */
#define PASSES_MAX	16
#define KIB_MAX		(256u << 10)
#define LANES_MAX	8

const struct lg_password_cost lg_password_default = { .passes = 2, .kib = 19456, .lanes = 1 };

static lg_err
check_length(struct lg_ctx *cx, const struct lg_secret *password)
{
	if (password->n > LG_PASSWORD_MAX)
		return lg_fail(cx, LG_E_LIMIT, "a password of more than %d octets", LG_PASSWORD_MAX);
	return LG_OK;
}

static bool
cost_allowed(const struct lg_password_cost *c)
{
	return c->passes >= 1 && c->passes <= PASSES_MAX && c->lanes >= 1 && c->lanes <= LANES_MAX
	    && c->kib >= 8 * c->lanes && c->kib <= KIB_MAX;
}

lg_err
lg_password_hash(struct lg_ctx *cx, const struct lg_secret *password, const struct lg_password_cost *cost, lg_str *ret)
{
	static const char scheme[] = "{ARGON2}";
	uint8_t salt[SALT];

	LG_TRY(check_length(cx, password));
	if (!cost_allowed(cost))
		return lg_fail(cx, LG_E_INVALID, "Argon2id with t=%u m=%u p=%u is out of bounds",
		    cost->passes, cost->kib, cost->lanes);
	lg_random(salt, sizeof salt);
	size_t n = argon2_encodedlen(cost->passes, cost->kib, cost->lanes, SALT, HASH, Argon2_id);
	char *text = lg_alloc(cx->arena, sizeof scheme + n);
	memcpy(text, scheme, sizeof scheme - 1);
	int rc = argon2id_hash_encoded(cost->passes, cost->kib, cost->lanes, password->p, password->n,
	    salt, SALT, HASH, text + sizeof scheme - 1, n);
	if (rc != ARGON2_OK)
		return lg_fail(cx, LG_E_UNAVAILABLE, "Argon2id: %s", argon2_error_message(rc));
	*ret = lg_str_of(text);
	return LG_OK;
}

/* ---- schemes ----------------------------------------------------------------------------------------- */

static const struct {
	const char *form;
	argon2_type type;
} kinds[] = {
	{ "$argon2id$v=19$m=%9u,t=%9u,p=%9u$%n", Argon2_id },
	{ "$argon2i$v=19$m=%9u,t=%9u,p=%9u$%n", Argon2_i },	/* slappasswd's default */
	{ "$argon2d$v=19$m=%9u,t=%9u,p=%9u$%n", Argon2_d },
};

static bool
argon2_cost(const char *text, struct lg_password_cost *ret, argon2_type *type)
{
	int end;

	/* sscanf's %u takes a sign and wraps; the library parses the text again, strictly, before it hashes. */
	for (size_t i = 0; i < LG_COUNT(kinds); i++) {
		end = 0;
		if (sscanf(text, kinds[i].form, &ret->kib, &ret->passes, &ret->lanes, &end) == 3 && end > 0) {
			*type = kinds[i].type;
			return true;
		}
	}
	return false;
}

static lg_err
check_argon2(struct lg_ctx *cx, const struct lg_stored *st, const struct lg_secret *password,
    const struct lg_password_cost *cost, bool *match, bool *upgrade)
{
	struct lg_password_cost has;
	argon2_type type;
	const char *text;

	LG_TRY(lg_cstr(cx, st->value, &text));
	if (!argon2_cost(text, &has, &type))
		return lg_fail(cx, LG_E_CORRUPT, "not an Argon2 value of version 19");
	if (!cost_allowed(&has))
		return lg_fail(cx, LG_E_LIMIT, "a stored password asks for t=%u m=%u p=%u", has.passes, has.kib, has.lanes);
	int rc = argon2_verify(text, password->p, password->n, type);
	if (rc != ARGON2_OK && rc != ARGON2_VERIFY_MISMATCH)
		return lg_fail(cx, rc == ARGON2_MEMORY_ALLOCATION_ERROR ? LG_E_UNAVAILABLE : LG_E_CORRUPT,
		    "Argon2: %s", argon2_error_message(rc));
	*match = rc == ARGON2_OK;
	*upgrade = type != Argon2_id || has.passes < cost->passes || has.kib < cost->kib;
	return LG_OK;
}

/* RFC 2307 5.3 and its extensions: base64 of digest(password || salt) || salt. */
static lg_err
check_digest(struct lg_ctx *cx, const struct lg_stored *st, const struct lg_secret *password,
    const struct lg_password_cost *cost, bool *match, bool *upgrade)
{
	EVP_MD_CTX *ctx = lg_local()->digest;
	const EVP_MD *md = lg_md_named(st->digest);
	uint8_t got[EVP_MAX_MD_SIZE];
	lg_str raw;

	(void)cost;
	size_t size = (size_t)EVP_MD_get_size(md);
	if (!lg_base64_parse(cx->arena, st->value, &raw) || raw.n < size || (raw.n > size) != st->salted)
		return lg_fail(cx, LG_E_CORRUPT, "a stored password does not decode");
	lg_crypto_must(EVP_DigestInit_ex2(ctx, md, NULL));
	if (password->n > 0)
		lg_crypto_must(EVP_DigestUpdate(ctx, password->p, password->n));
	lg_crypto_must(EVP_DigestUpdate(ctx, raw.p + size, raw.n - size));
	lg_crypto_must(EVP_DigestFinal_ex(ctx, got, NULL));
	EVP_MD_CTX_reset(ctx);		/* nothing of the password stays */
	*match = lg_equal_bytes(got, raw.p, size);
	*upgrade = true;
	return LG_OK;
}

static const struct {
	lg_str name;
	lg_password_check *check;
	const char *digest;
	bool salted;
} schemes[] = {
	{ LG_STR("ARGON2"),  check_argon2, NULL,     true },
	{ LG_STR("SSHA"),    check_digest, "SHA1",   true },
	{ LG_STR("SSHA256"), check_digest, "SHA256", true },
	{ LG_STR("SSHA384"), check_digest, "SHA384", true },
	{ LG_STR("SSHA512"), check_digest, "SHA512", true },
	{ LG_STR("SHA"),     check_digest, "SHA1",   false },
	{ LG_STR("SHA256"),  check_digest, "SHA256", false },
	{ LG_STR("SHA384"),  check_digest, "SHA384", false },
	{ LG_STR("SHA512"),  check_digest, "SHA512", false },
	{ LG_STR("PBKDF2"),  lg_password_pbkdf2, "SHA1", true },
	{ LG_STR("PBKDF2-SHA1"), lg_password_pbkdf2, "SHA1", true },
	{ LG_STR("PBKDF2-SHA256"), lg_password_pbkdf2, "SHA256", true },
	{ LG_STR("PBKDF2-SHA512"), lg_password_pbkdf2, "SHA512", true },
	{ LG_STR("PBKDF2_SHA256"), lg_password_pbkdf2_packed, "SHA256", true },
	{ LG_STR("CRYPT"),   lg_password_crypt, NULL, true },
	{ LG_STR("BCRYPT"),  lg_password_crypt, NULL, true },
};

bool
lg_password_cheap(lg_str stored)
{
	lg_str name, value;

	if (!lg_str_starts(stored, LG_STR("{")) || !lg_str_cut(lg_str_sub(stored, 1, stored.n), '}', &name, &value))
		return false;
	for (size_t i = 0; i < LG_COUNT(schemes); i++)
		if (lg_str_eq_fold(name, schemes[i].name))
			return schemes[i].check == check_digest;
	return false;
}

lg_err
lg_password_verify(struct lg_ctx *cx, lg_str stored, const struct lg_secret *password,
    const struct lg_password_cost *cost, bool *match, bool *upgrade)
{
	lg_str name, value;

	*match = *upgrade = false;
	LG_TRY(check_length(cx, password));
	lg_str_cut(stored, '\n', &stored, &value);	/* what other mechanisms know of the same password stands on further lines */
	if (stored.n > STORED_MAX)
		return lg_fail(cx, LG_E_LIMIT, "a stored password of more than %d octets", STORED_MAX);
	if (!lg_str_starts(stored, LG_STR("{")) || !lg_str_cut(lg_str_sub(stored, 1, stored.n), '}', &name, &value))
		return lg_fail(cx, LG_E_UNSUPPORTED, "a stored password without a scheme");
	for (size_t i = 0; i < LG_COUNT(schemes); i++) {
		struct lg_stored st = { value, schemes[i].digest, schemes[i].salted };
		if (lg_str_eq_fold(name, schemes[i].name))
			return schemes[i].check(cx, &st, password, cost, match, upgrade);
	}
	return lg_fail(cx, LG_E_UNSUPPORTED, "password scheme {%.*s} is not known", LG_FMT(name));
}

bool
lg_password_known(lg_str stored)
{
	lg_str name, value;

	if (stored.n > STORED_MAX || !lg_str_starts(stored, LG_STR("{")) || !lg_str_cut(lg_str_sub(stored, 1, stored.n), '}', &name, &value))
		return false;
	for (size_t i = 0; i < LG_COUNT(schemes); i++)
		if (lg_str_eq_fold(name, schemes[i].name))
			return value.n > 0;
	return false;
}

void
lg_password_waste(struct lg_ctx *cx, const struct lg_secret *password, const struct lg_password_cost *cost)
{
	static const uint8_t salt[SALT];
	uint8_t hash[HASH];

	(void)cx;
	size_t n = password->n > LG_PASSWORD_MAX ? LG_PASSWORD_MAX : password->n;
	argon2id_hash_raw(cost->passes, cost->kib, cost->lanes, password->p, n, salt, sizeof salt, hash, sizeof hash);
}
