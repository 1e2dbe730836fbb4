/*
 * code.c: six digits of an authenticator application (RFC 6238), or a recovery code.
 *
 * A wrong code writes nothing.  A right one is spent in a mutation that judges it again: of two requests with the same code one
 * succeeds.  A step of time is good once, and so is every one before it.
 */
#include "sts/factor.h"

#include <stdio.h>

#include "base/text.h"

/* Its own associated data: a blob opens for its person and purpose alone. */
static lg_str
associated(struct lg_arena *a, uint32_t tenant, lg_uuid subject, const char *what)
{
	char uuid[LG_UUID_TEXT + 1];

	lg_uuid_text(subject, uuid);
	return lg_print(a, "%u/%s/%s", tenant, uuid, what);
}

lg_err
sts_factor_seal(struct lg_ctx *cx, struct lg_sts *sts, struct lg_view *v, uint32_t tenant, lg_uuid subject, const char *what, lg_str plain,
    lg_uuid *blob)
{
	const struct lg_secret *key;
	lg_str sealed;

	LG_TRY(sts->signer.data_key(sts->signer.self, cx, tenant, &key));
	LG_TRY(lg_seal(cx, key, associated(cx->arena, tenant, subject, what), plain, &sealed));
	return lg_blob_put(cx, v, tenant, sealed, blob);
}

static lg_err
open_secret(struct lg_ctx *cx, struct lg_sts *sts, struct lg_view *v, uint32_t tenant, lg_uuid subject, const struct sts_factor *f,
    struct lg_secret *ret)
{
	const struct lg_secret *key;
	lg_str sealed;

	LG_TRY(sts->signer.data_key(sts->signer.self, cx, tenant, &key));
	LG_TRY(lg_blob_get(cx, v, tenant, f->blob, &sealed));
	return lg_unseal(cx, key, associated(cx->arena, tenant, subject, sts_factor_kind_name(f->kind)), sealed, ret);
}

/* ---- what was typed ------------------------------------------------------------------------------------------------- */

struct typed {
	uint32_t digits;		/* of a TOTP */
	lg_sha256 hash;			/* of a recovery code's octets */
	enum sts_factor_kind kind;
};

/* Blanks and hyphens are how people group what they copy. */
static bool
read_typed(struct lg_arena *a, lg_str text, struct typed *ret)
{
	uint32_t digits = 0;
	size_t n = 0;
	lg_str octets;

	if (text.n > 64)
		return false;
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] == ' ' || text.p[i] == '-')
			continue;
		digits = digits * 10 + (uint32_t)(text.p[i] - '0') % 10;
		n = text.p[i] >= '0' && text.p[i] <= '9' ? n + 1 : 64;
	}
	if (n == 6) {
		*ret = (struct typed){ .kind = STS_FACTOR_TOTP, .digits = digits };
		return true;
	}
	if (!lg_base32_parse(a, text, &octets) || octets.n != STS_RECOVERY_OCTETS)
		return false;
	*ret = (struct typed){ .kind = STS_FACTOR_RECOVERY, .hash = lg_sha256_of(octets) };
	return true;
}

static bool
step_of(const struct lg_secret *key, uint32_t digits, int64_t now, uint64_t after, uint64_t *step)
{
	uint64_t middle = (uint64_t)(now / LG_SECOND) / LG_TOTP_STEP;
	bool found = false;

	/* All are looked at, whichever fits. */
	for (uint64_t s = middle - STS_TOTP_DRIFT; s <= middle + STS_TOTP_DRIFT; s++) {
		uint32_t code = lg_totp(key, s);

		if (lg_equal_bytes(&code, &digits, sizeof code) && s > after) {
			*step = s;
			found = true;
		}
	}
	return found;
}

bool
sts_totp_fits(const struct lg_secret *key, lg_str text, int64_t now, uint64_t after, uint64_t *step)
{
	LG_AUTO(lg_arena_free) struct lg_arena *a = lg_arena_new();
	struct typed t;

	return read_typed(a, text, &t) && t.kind == STS_FACTOR_TOTP && step_of(key, t.digits, now, after, step);
}

/* ---- judged against what is stored -------------------------------------------------------------------------------------- */

/* Marks in *f what is spent by it. */
static bool
fits(const struct typed *t, const struct lg_secret *secret, int64_t now, struct sts_factor *f)
{
	if (f->kind == STS_FACTOR_TOTP)
		return step_of(secret, t->digits, now, f->step, &f->step);
	for (unsigned i = 0; i < STS_RECOVERY_CODES && (i + 1) * sizeof t->hash <= secret->n; i++)
		if ((f->spent & 1u << i) == 0 && lg_equal_bytes(secret->p + i * sizeof t->hash, t->hash.b, sizeof t->hash)) {
			f->spent = (uint16_t)(f->spent | 1u << i);
			return true;
		}
	return false;
}

struct checking {
	struct lg_sts *sts;
	uint32_t tenant;
	lg_uuid subject;
	int64_t now;			/* the request's: the mutation may run later */
	struct typed typed;
};

static lg_err
judge(struct lg_ctx *cx, struct lg_view *v, const struct checking *c, struct sts_factor *ret)
{
	LG_AUTO(lg_secret_free) struct lg_secret secret = { NULL, 0 };
	lg_uuid nil = { { 0 } };
	lg_err e = sts_factor_get(cx, v, c->tenant, c->subject, c->typed.kind, nil, ret);

	if (e == LG_E_NOT_FOUND)
		return lg_fail(cx, LG_E_UNAUTHENTICATED, "wrong code");
	LG_TRY(e);
	LG_TRY(open_secret(cx, c->sts, v, c->tenant, c->subject, ret, &secret));
	return fits(&c->typed, &secret, c->now, ret) ? LG_OK : lg_fail(cx, LG_E_UNAUTHENTICATED, "wrong code");
}

static lg_err
spend(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	struct checking *c = arg;
	struct sts_factor f;

	LG_TRY(judge(cx, v, c, &f));
	f.used = lg_view_time(v);
	sts_audit_person(cx, c->sts, v, c->tenant, c->subject, lg_print(cx->arena, "{\"factor\":\"%s\"}", sts_factor_kind_name(f.kind)));
	return sts_factor_put(cx, v, c->tenant, c->subject, &f);
}

static lg_err
check(struct lg_ctx *cx, struct checking *c)
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;
	struct sts_factor f;
	lg_err e;

	LG_TRY(lg_view_begin(cx, c->sts->store, &v));
	e = judge(cx, v, c, &f);
	lg_view_end(&v);
	lg_store_turn(c->sts->store);
	LG_TRY(e);
	return lg_store_apply(cx, c->sts->store, c->tenant, "factor.use", spend, c, NULL);
}

lg_err
sts_code_check(struct lg_ctx *cx, struct lg_sts *sts, const struct sts_attempt *from, lg_uuid subject, lg_str typed)
{
	struct checking c = { .sts = sts, .tenant = from->tenant, .subject = subject, .now = cx->now };
	struct sts_attempt at = *from;
	char id[LG_UUID_TEXT + 1];

	if (!read_typed(cx->arena, typed, &c.typed))
		return lg_fail(cx, LG_E_UNAUTHENTICATED, "wrong code");
	/* Counted apart from passwords: whoever only guesses those keeps nobody from the second step. */
	lg_uuid_text(subject, id);
	at.account = lg_print(cx->arena, "code %s", id);
	LG_TRY(sts_throttle_enter(cx, sts->throttle, &at));
	LG_TRY(check(cx, &c));
	sts_throttle_good(cx, sts->throttle, &at);
	return LG_OK;
}

/* ---- new ones -------------------------------------------------------------------------------------------------------------- */

void
sts_recovery_new(struct lg_arena *a, lg_str text[STS_RECOVERY_CODES], lg_str *hashes)
{
	char *all = lg_alloc(a, STS_RECOVERY_CODES * sizeof(lg_sha256));

	for (size_t i = 0; i < STS_RECOVERY_CODES; i++) {
		char octets[STS_RECOVERY_OCTETS];
		lg_sha256 h;
		lg_str t;

		lg_random(octets, sizeof octets);
		h = lg_sha256_of((lg_str){ octets, sizeof octets });
		memcpy(all + i * sizeof h, h.b, sizeof h);
		t = lg_base32(a, (lg_str){ octets, sizeof octets });
		text[i] = lg_print(a, "%.4s-%.4s-%.4s-%.4s", t.p, t.p + 4, t.p + 8, t.p + 12);
	}
	*hashes = (lg_str){ all, STS_RECOVERY_CODES * sizeof(lg_sha256) };
}

/* The "Key Uri Format" that authenticator applications read. */
lg_str
sts_otpauth(struct lg_arena *a, lg_str issuer, lg_str account, lg_str key)
{
	LG_AUTO(lg_buf_wipe) struct lg_buf b = LG_BUF(4096);

	lg_buf_str(&b, LG_STR("otpauth://totp/"));
	lg_buf_percent(&b, issuer);
	lg_buf_byte(&b, ':');
	lg_buf_percent(&b, account);
	lg_buf_str(&b, LG_STR("?secret="));
	lg_buf_str(&b, lg_base32(a, key));
	lg_buf_str(&b, LG_STR("&issuer="));
	lg_buf_percent(&b, issuer);
	return lg_dup(a, lg_buf_view(&b));
}
