/* hook_rows.c: a tenant's webhooks in the store: (tenant, name). */
#include "certs/hook.h"

enum { FORMAT = 2, ROW_MAX = LG_HOOK_CA + LG_WEB_URL + LG_HOOK_CAS * sizeof(lg_sha256) + 1024 };

const struct lg_table lg_certs_hook = { .name = "certs.hook", .id = 0x0341 };

static struct lg_certs_key
key_of(uint32_t tenant, lg_str name)
{
	struct lg_certs_key k = lg_certs_key_of(tenant);

	lg_certs_key_add(&k, name.p, name.n);
	return k;
}

static lg_err
decode(struct lg_ctx *cx, lg_str name, lg_str value, struct lg_hook *ret)
{
	struct lg_rd r = lg_rd_of(lg_dup(cx->arena, value));
	bool good = lg_rd_u8(&r) == FORMAT;
	struct lg_hook h = { .name = lg_dup(cx->arena, name) };

	h.url = lg_rd_str32(&r);
	h.ca = lg_rd_str32(&r);
	h.events = lg_rd_u8(&r);
	h.before = (int64_t)lg_rd_u64(&r);
	h.secret = lg_rd_uuid(&r);
	h.next = lg_rd_u64(&r);
	h.told_to = (int64_t)lg_rd_u64(&r);
	h.told_cas = lg_rd_str32(&r);
	h.attempts = lg_rd_u32(&r);
	h.due = (int64_t)lg_rd_u64(&r);
	h.delivered = (int64_t)lg_rd_u64(&r);
	h.error = lg_rd_str32(&r);
	if (!good || !lg_rd_done(&r))
		return lg_fail(cx, LG_E_CORRUPT, "a webhook does not decode");
	*ret = h;
	return LG_OK;
}

lg_err
lg_hook_get(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_str name, struct lg_hook *ret)
{
	struct lg_certs_key k;
	lg_str value;

	if (name.n == 0 || name.n > LG_HOOK_NAME)
		return lg_fail(cx, LG_E_INVALID, "a webhook's name has 1 to %d octets", LG_HOOK_NAME);
	k = key_of(tenant, name);
	lg_err e = lg_get(cx, v, &lg_certs_hook, lg_certs_key_str(&k), &value);
	if (e == LG_E_NOT_FOUND)
		return lg_fail(cx, e, "no webhook \"%.*s\"", LG_FMT(name));
	LG_TRY(e);
	return decode(cx, name, value, ret);
}

lg_err
lg_hook_put(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, const struct lg_hook *h)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(ROW_MAX);
	struct lg_certs_key k = key_of(tenant, h->name);

	lg_buf_byte(&b, FORMAT);
	lg_buf_str32(&b, h->url);
	lg_buf_str32(&b, h->ca);
	lg_buf_byte(&b, (char)h->events);
	lg_buf_u64(&b, (uint64_t)h->before);
	lg_buf_bytes(&b, h->secret.b, sizeof h->secret.b);
	lg_buf_u64(&b, h->next);
	lg_buf_u64(&b, (uint64_t)h->told_to);
	lg_buf_str32(&b, h->told_cas);
	lg_buf_u32(&b, h->attempts);
	lg_buf_u64(&b, (uint64_t)h->due);
	lg_buf_u64(&b, (uint64_t)h->delivered);
	lg_buf_str32(&b, lg_str_sub(h->error, 0, LG_HOOK_ERROR));
	LG_TRY(lg_buf_status(cx, &b));
	return lg_put(cx, v, &lg_certs_hook, lg_certs_key_str(&k), lg_buf_view(&b));
}

lg_err
lg_hook_del(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, const struct lg_hook *h)
{
	struct lg_certs_key k = key_of(tenant, h->name);

	LG_TRY(lg_blob_del(cx, v, tenant, h->secret));
	return lg_del(cx, v, &lg_certs_hook, lg_certs_key_str(&k));
}

lg_err
lg_hook_all(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, struct lg_hook ret[LG_HOOKS], size_t *n)
{
	struct lg_certs_key prefix = lg_certs_key_of(tenant);
	LG_AUTO(lg_cursor_end) struct lg_cursor c = { 0 };
	lg_str key, value;

	*n = 0;
	LG_TRY(lg_scan(cx, v, &lg_certs_hook, lg_certs_key_str(&prefix), LG_NONE, &c));
	while (*n < LG_HOOKS && lg_cursor_next(&c, &key, &value))
		LG_TRY(decode(cx, lg_str_sub(key, prefix.n, key.n), value, &ret[(*n)++]));
	return LG_OK;
}
