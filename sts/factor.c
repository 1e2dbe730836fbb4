/* factor.c: second factors as rows. */
#include "sts/consent.h"
#include "sts/factor.h"
#include "sts/mail.h"

#define ROW_MAX		(8u << 10)
#define ROW_VERSION	1

const struct lg_table sts_factors = { .name = "sts_factors", .id = 0x0540 };

const char *
sts_factor_kind_name(enum sts_factor_kind kind)
{
	static const char *const names[] = { "", "totp", "recovery", "passkey" };

	return names[kind];
}

/* tenant, subject, kind, id */
static lg_str
key_of(struct lg_arena *a, uint32_t tenant, lg_uuid subject, enum sts_factor_kind kind, lg_uuid id)
{
	char rest[33];

	memcpy(rest, subject.b, 16);
	rest[16] = (char)kind;
	memcpy(rest + 17, id.b, 16);
	return sts_key(a, tenant, (lg_str){ rest, sizeof rest });
}

lg_err
sts_factor_put(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_uuid subject, const struct sts_factor *f)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(ROW_MAX);

	lg_buf_byte(&b, ROW_VERSION);
	lg_buf_str32(&b, f->name);
	lg_buf_u64(&b, (uint64_t)f->created);
	lg_buf_u64(&b, (uint64_t)f->used);
	lg_buf_uuid(&b, f->blob);
	lg_buf_u64(&b, f->step);
	lg_buf_u16(&b, f->spent);
	lg_buf_str32(&b, f->passkey.credential);
	lg_buf_u32(&b, (uint32_t)f->passkey.alg);
	lg_buf_str32(&b, f->passkey.key);
	lg_buf_u32(&b, f->passkey.count);
	lg_buf_byte(&b, f->passkey.synced);
	LG_TRY(lg_buf_status(cx, &b));
	return lg_put(cx, v, &sts_factors, key_of(cx->arena, tenant, subject, f->kind, f->id), lg_buf_view(&b));
}

static lg_err
decode(struct lg_ctx *cx, lg_str key, lg_str row, struct sts_factor *ret)
{
	struct lg_rd k = lg_rd_of(key), rd = lg_rd_of(lg_dup(cx->arena, row));
	struct sts_factor f = { .kind = STS_FACTOR_TOTP };

	(void)lg_rd_bytes(&k, 4 + 16);
	f.kind = (enum sts_factor_kind)lg_rd_u8(&k);
	f.id = lg_rd_uuid(&k);
	if (lg_rd_u8(&rd) != ROW_VERSION || f.kind < STS_FACTOR_TOTP || f.kind > STS_FACTOR_PASSKEY)
		rd.bad = true;
	f.name = lg_rd_str32(&rd);
	f.created = (int64_t)lg_rd_u64(&rd);
	f.used = (int64_t)lg_rd_u64(&rd);
	f.blob = lg_rd_uuid(&rd);
	f.step = lg_rd_u64(&rd);
	f.spent = lg_rd_u16(&rd);
	f.passkey.credential = lg_rd_str32(&rd);
	f.passkey.alg = (int)lg_rd_u32(&rd);
	f.passkey.key = lg_rd_str32(&rd);
	f.passkey.count = lg_rd_u32(&rd);
	f.passkey.synced = lg_rd_u8(&rd) != 0;
	if (!lg_rd_done(&rd) || !lg_rd_done(&k))
		return lg_fail(cx, LG_E_CORRUPT, "sts_factors: a row does not decode");
	*ret = f;
	return LG_OK;
}

lg_err
sts_factor_get(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_uuid subject, enum sts_factor_kind kind, lg_uuid id,
    struct sts_factor *ret)
{
	lg_str key = key_of(cx->arena, tenant, subject, kind, id), row;

	LG_TRY(lg_get(cx, v, &sts_factors, key, &row));
	return decode(cx, key, row, ret);
}

static lg_err
factors_of(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_uuid subject, struct sts_factor *ret, size_t *n)
{
	LG_AUTO(lg_cursor_end) struct lg_cursor c = { .started = false };
	lg_str key, row;

	*n = 0;
	LG_TRY(lg_scan(cx, v, &sts_factors, sts_key(cx->arena, tenant, sts_uuid_str(&subject)), LG_NONE, &c));
	while (*n < STS_FACTORS && lg_cursor_next(&c, &key, &row))
		LG_TRY(decode(cx, key, row, &ret[(*n)++]));
	return LG_OK;
}

lg_err
sts_factor_del(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_uuid subject, const struct sts_factor *f)
{
	lg_err e = lg_uuid_is_nil(f->blob) ? LG_OK : lg_blob_del(cx, v, tenant, f->blob);

	if (e != LG_OK && e != LG_E_NOT_FOUND)
		return e;
	return lg_del(cx, v, &sts_factors, key_of(cx->arena, tenant, subject, f->kind, f->id));
}

lg_err
sts_factor_set_of(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_uuid subject, struct sts_factor_set *ret)
{
	*ret = (struct sts_factor_set){ .n = 0 };
	LG_TRY(factors_of(cx, v, tenant, subject, ret->v, &ret->n));
	for (size_t i = 0; i < ret->n; i++) {
		ret->totp |= ret->v[i].kind == STS_FACTOR_TOTP;
		ret->passkeys += ret->v[i].kind == STS_FACTOR_PASSKEY;
		if (ret->v[i].kind == STS_FACTOR_RECOVERY)
			ret->codes = STS_RECOVERY_CODES - (size_t)__builtin_popcount(ret->v[i].spent);
	}
	return LG_OK;
}

lg_err
sts_factor_remove(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_uuid subject, enum sts_factor_kind kind, lg_uuid id)
{
	struct sts_factor_set *set = LG_NEW(cx->arena, struct sts_factor_set);
	bool last, found = false;

	LG_TRY(sts_factor_set_of(cx, v, tenant, subject, set));
	last = kind != STS_FACTOR_RECOVERY && set->passkeys + set->totp == 1;
	for (size_t i = 0; i < set->n; i++)
		found |= set->v[i].kind == kind && lg_uuid_eq(set->v[i].id, id);
	if (!found)
		return lg_fail(cx, LG_E_NOT_FOUND, "there is no such factor");
	for (size_t i = 0; i < set->n; i++) {
		const struct sts_factor *f = &set->v[i];

		if ((f->kind == kind && lg_uuid_eq(f->id, id)) || (last && f->kind == STS_FACTOR_RECOVERY))
			LG_TRY(sts_factor_del(cx, v, tenant, subject, f));
	}
	return sts_mail_notice(cx, v, tenant, subject, lg_print(cx->arena, "%s-removed", sts_factor_kind_name(kind)).p);
}

lg_err
lg_sts_forget(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_uuid subject)
{
	struct sts_factor_set *set = LG_NEW(cx->arena, struct sts_factor_set);

	LG_TRY(sts_factor_set_of(cx, v, tenant, subject, set));
	for (size_t i = 0; i < set->n; i++)
		LG_TRY(sts_factor_del(cx, v, tenant, subject, &set->v[i]));
	LG_TRY(sts_links_del(cx, v, tenant, subject));
	return sts_consents_del(cx, v, tenant, subject);
}
