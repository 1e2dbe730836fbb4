/*
 * factor.h: what people have besides their password: an authenticator application (TOTP), recovery codes, passkeys.
 *
 * A factor is a row; what is secret of it is a blob, sealed under the tenant's data key, that stands in no log record.
 */
#ifndef LG_STS_FACTOR_H
#define LG_STS_FACTOR_H

#include "sts/sts.h"

#define STS_FACTORS		16	/* of one person */
#define STS_FACTOR_NAME		64	/* octets of the name that a person gives it */
#define STS_RECOVERY_CODES	10
#define STS_RECOVERY_OCTETS	10	/* 80 bits: 16 characters */
#define STS_CREDENTIAL_MAX	1023	/* octets of a credential's id (WebAuthn 2 5.8.3) */
#define STS_TOTP_DRIFT		1	/* steps that a clock may be off, either way (RFC 6238 5.2) */

enum sts_factor_kind { STS_FACTOR_TOTP = 1, STS_FACTOR_RECOVERY, STS_FACTOR_PASSKEY };

struct sts_passkey {
	lg_str credential;		/* its id */
	int alg;			/* COSE: -7, -8, -257 */
	lg_str key;			/* public, as libfido2 has it */
	uint32_t count;			/* of signatures; an authenticator that counts never goes back */
	bool synced;			/* it may be on several devices (backup eligible) */
};

struct sts_factor {
	enum sts_factor_kind kind;
	lg_uuid id;
	lg_str name;
	int64_t created, used;		/* microseconds; used 0: never */
	lg_uuid blob;			/* TOTP: the key; RECOVERY: SHA-256 of each code */
	uint64_t step;			/* TOTP: the last that was accepted */
	uint16_t spent;			/* RECOVERY: bit i: code i was used */
	struct sts_passkey passkey;
};

extern const struct lg_table sts_factors;

LG_CHECKED lg_err sts_factor_put(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_uuid subject, const struct sts_factor *f);
LG_CHECKED lg_err sts_factor_get(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_uuid subject, enum sts_factor_kind kind, lg_uuid id,
    struct sts_factor *ret);
/* With its secret. */
LG_CHECKED lg_err sts_factor_del(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_uuid subject, const struct sts_factor *f);
/* Inside a mutation: one that somebody removes, and recovery codes with the last that they stand in for; its owner is told.  LG_E_NOT_FOUND. */
LG_CHECKED lg_err sts_factor_remove(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_uuid subject, enum sts_factor_kind kind, lg_uuid id);
const char *sts_factor_kind_name(enum sts_factor_kind kind);	/* "totp", "recovery", "passkey" */

struct sts_factor_set {
	struct sts_factor v[STS_FACTORS];
	size_t n;
	bool totp;
	size_t passkeys, codes;		/* codes: recovery codes that are left */
};
LG_CHECKED lg_err sts_factor_set_of(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_uuid subject, struct sts_factor_set *ret);
static inline bool
sts_factor_set_second(const struct sts_factor_set *s)	/* is there a second step? */
{
	return s->totp || s->passkeys > 0;
}

/* Inside a mutation, as factor.c's and others' audit rows: the new secret of a factor, sealed. */
LG_CHECKED lg_err sts_factor_seal(struct lg_ctx *cx, struct lg_sts *sts, struct lg_view *v, uint32_t tenant, lg_uuid subject, const char *what,
    lg_str plain, lg_uuid *blob);

/* ---- codes (code.c): of an authenticator application, or for recovery -------------------------------------------------- */

/* What a person typed, as a second step: LG_OK, then it is spent; LG_E_UNAUTHENTICATED; LG_E_LIMIT.  On a worker, no view open. */
LG_CHECKED lg_err sts_code_check(struct lg_ctx *cx, struct lg_sts *sts, const struct sts_attempt *from, lg_uuid subject, lg_str typed);
/* Is it the code of a key that is not stored yet?  *step: of which step. */
bool sts_totp_fits(const struct lg_secret *key, lg_str typed, int64_t now, uint64_t after, uint64_t *step);
/* New codes, as text to show once, and the SHA-256 of each, one after the other, as it is sealed. */
void sts_recovery_new(struct lg_arena *a, lg_str text[STS_RECOVERY_CODES], lg_str *hashes);

lg_str sts_otpauth(struct lg_arena *a, lg_str issuer, lg_str account, lg_str key);	/* otpauth://totp/... of the octets of a key */
LG_CHECKED lg_err sts_qr_svg(struct lg_ctx *cx, lg_str text, lg_str label, lg_str *ret);	/* an <svg> element */

#endif
