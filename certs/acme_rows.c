/* acme_rows.c: ACME's rows on disk.  Every value begins with its version. */
#include "base/text.h"
#include "certs/acme.h"

#define ROW_VERSION	1
#define ACCOUNT_VERSION	2		/* 1: with counters of an hour before the key */
#define ORDER_VERSION	4		/* 4: with notAfter at the end */
#define ORDER_OLDEST	3		/* that is read */
#define ROW_MAX		(32u << 10)

enum {	/* where an order has what indexes need */
	AT_ACCOUNT = 1, AT_EXPIRES = 17, AT_REPLACED = 50 + LG_CERT_SERIAL,	/* behind the serial number */
	ORDER_HEAD = AT_REPLACED + LG_CERT_SERIAL
};

lg_str
lg_acme_id(struct lg_arena *a, lg_uuid id)
{
	return lg_base64url(a, (lg_str){ (const char *)id.b, sizeof id.b });
}

bool
lg_acme_id_parse(struct lg_arena *a, lg_str text, lg_uuid *ret)
{
	lg_str raw;

	if (text.n != 22 || !lg_base64url_parse(a, text, &raw) || raw.n != sizeof ret->b)
		return false;
	memcpy(ret->b, raw.p, raw.n);
	return true;
}

static struct lg_certs_key
key_of(uint32_t tenant, lg_uuid id)
{
	struct lg_certs_key k = lg_certs_key_of(tenant);

	lg_certs_key_add(&k, id.b, sizeof id.b);
	return k;
}

/* newest: the version that is written now; older ones are read where the caller says what they were, in *version. */
static lg_err
get_row(struct lg_ctx *cx, struct lg_view *v, const struct lg_table *t, uint8_t newest, uint32_t tenant, lg_uuid id, struct lg_rd *ret,
    uint8_t *version)
{
	struct lg_certs_key k = key_of(tenant, id);
	uint8_t have;
	lg_str value;

	LG_TRY(lg_get(cx, v, t, lg_certs_key_str(&k), &value));
	*ret = lg_rd_of(value);
	have = lg_rd_u8(ret);
	if (have != newest && (version == NULL || have == 0 || have > newest))
		ret->bad = true;
	if (version != NULL)
		*version = have;
	return LG_OK;
}

static lg_err
end_row(struct lg_ctx *cx, const struct lg_rd *r, const char *what)
{
	return lg_rd_done(r) ? LG_OK : lg_fail(cx, LG_E_CORRUPT, "a row of %s does not decode", what);
}

static lg_err
put_row(struct lg_ctx *cx, struct lg_view *v, const struct lg_table *t, uint32_t tenant, lg_uuid id, struct lg_buf *b)
{
	struct lg_certs_key k = key_of(tenant, id);

	LG_TRY(lg_buf_status(cx, b));
	return lg_put(cx, v, t, lg_certs_key_str(&k), lg_buf_view(b));
}

/* ---- accounts --------------------------------------------------------------------------------------- */

lg_err
lg_acme_account_get(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_uuid id, struct lg_acme_account *ret)
{
	struct lg_acme_account a = { .id = id };
	uint8_t version;
	struct lg_rd r;

	LG_TRY(get_row(cx, v, &lg_acme_account, ACCOUNT_VERSION, tenant, id, &r, &version));
	lg_rd_fixed(&r, a.thumbprint.b, sizeof a.thumbprint.b);
	lg_rd_fixed(&r, a.entry.b, sizeof a.entry.b);
	a.status = (enum lg_acme_status)lg_rd_u8(&r);
	a.created = (int64_t)lg_rd_u64(&r);
	if (version == 1)
		lg_rd_bytes(&r, 16);
	a.spki = lg_rd_str32(&r);
	a.contact = lg_rd_str32(&r);
	LG_TRY(end_row(cx, &r, "ACME accounts"));
	*ret = a;
	return LG_OK;
}

lg_err
lg_acme_account_by_key(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, const lg_sha256 *thumbprint, struct lg_acme_account *ret)
{
	struct lg_certs_key k = lg_certs_key_of(tenant);
	lg_str value;
	lg_uuid id;

	lg_certs_key_add(&k, thumbprint->b, sizeof thumbprint->b);
	LG_TRY(lg_get(cx, v, &lg_acme_by_key, lg_certs_key_str(&k), &value));
	if (value.n != sizeof id.b)
		return lg_fail(cx, LG_E_CORRUPT, "an index row of ACME accounts does not decode");
	memcpy(id.b, value.p, value.n);
	return lg_acme_account_get(cx, v, tenant, id, ret);
}

lg_err
lg_acme_account_put(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, const struct lg_acme_account *a)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(ROW_MAX);

	lg_buf_byte(&b, ACCOUNT_VERSION);
	lg_buf_bytes(&b, a->thumbprint.b, sizeof a->thumbprint.b);
	lg_buf_bytes(&b, a->entry.b, sizeof a->entry.b);
	lg_buf_byte(&b, (char)a->status);
	lg_buf_u64(&b, (uint64_t)a->created);
	lg_buf_str32(&b, a->spki);
	lg_buf_str32(&b, a->contact);
	return put_row(cx, v, &lg_acme_account, tenant, a->id, &b);
}

/* (tenant, thumbprint) leads to the account: a key has one account. */
static void
derive_account(struct lg_derive *d, lg_str key, lg_str value)
{
	struct lg_certs_key k = { .n = 0 };
	lg_str thumbprint = lg_str_sub(value, 1, sizeof(lg_sha256));

	lg_certs_key_add(&k, key.p, 4);
	lg_certs_key_add(&k, thumbprint.p, thumbprint.n);
	lg_emit(d, &lg_acme_by_key, lg_certs_key_str(&k), lg_str_sub(key, 4, sizeof(lg_uuid)));
}

/* ---- orders ------------------------------------------------------------------------------------------- */

static void
get_name(struct lg_rd *r, struct lg_acme_name *n)
{
	n->ip = lg_rd_u8(r) != 0;
	n->status = (enum lg_acme_status)lg_rd_u8(r);
	n->by = (enum lg_acme_kind)lg_rd_u8(r);
	n->at = (int64_t)lg_rd_u64(r);
	n->name = lg_rd_str32(r);
	n->error_type = lg_rd_str32(r);
	n->error = lg_rd_str32(r);
}

lg_err
lg_acme_order_get(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_uuid id, struct lg_acme_order *ret)
{
	struct lg_acme_order o = { .id = id };
	uint8_t version;
	struct lg_rd r;

	LG_TRY(get_row(cx, v, &lg_acme_order, ORDER_VERSION, tenant, id, &r, &version));
	if (version < ORDER_OLDEST)
		r.bad = true;
	lg_rd_fixed(&r, o.account.b, sizeof o.account.b);
	o.expires = (int64_t)lg_rd_u64(&r);
	o.created = (int64_t)lg_rd_u64(&r);
	o.status = (enum lg_acme_status)lg_rd_u8(&r);
	lg_rd_fixed(&r, o.seed, sizeof o.seed);
	lg_rd_fixed(&r, o.serial.b, sizeof o.serial.b);
	lg_rd_fixed(&r, o.replaced.b, sizeof o.replaced.b);
	o.replaces = lg_rd_str32(&r);
	o.profile = lg_rd_str32(&r);
	o.nnames = lg_rd_u8(&r);
	if (o.nnames > LG_ACME_NAMES)
		r.bad = true;
	for (size_t i = 0; i < o.nnames && !r.bad; i++)
		get_name(&r, &o.name[i]);
	if (version > 3)
		o.not_after = (int64_t)lg_rd_u64(&r);
	LG_TRY(end_row(cx, &r, "ACME orders"));
	*ret = o;
	return LG_OK;
}

lg_err
lg_acme_order_put(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, const struct lg_acme_order *o)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(ROW_MAX);

	lg_buf_byte(&b, ORDER_VERSION);
	lg_buf_bytes(&b, o->account.b, sizeof o->account.b);
	lg_buf_u64(&b, (uint64_t)o->expires);
	lg_buf_u64(&b, (uint64_t)o->created);
	lg_buf_byte(&b, (char)o->status);
	lg_buf_bytes(&b, o->seed, sizeof o->seed);
	lg_buf_bytes(&b, o->serial.b, sizeof o->serial.b);
	lg_buf_bytes(&b, o->replaced.b, sizeof o->replaced.b);
	lg_buf_str32(&b, o->replaces);
	lg_buf_str32(&b, o->profile);
	lg_buf_byte(&b, (char)o->nnames);
	for (size_t i = 0; i < o->nnames; i++) {
		const struct lg_acme_name *n = &o->name[i];

		lg_buf_byte(&b, n->ip);
		lg_buf_byte(&b, (char)n->status);
		lg_buf_byte(&b, (char)n->by);
		lg_buf_u64(&b, (uint64_t)n->at);
		lg_buf_str32(&b, n->name);
		lg_buf_str32(&b, n->error_type);
		lg_buf_str32(&b, n->error);
	}
	lg_buf_u64(&b, (uint64_t)o->not_after);
	return put_row(cx, v, &lg_acme_order, tenant, o->id, &b);
}

void
lg_acme_order_keep(struct lg_arena *a, struct lg_acme_order *o)
{
	o->replaces = lg_dup(a, o->replaces);
	o->profile = lg_dup(a, o->profile);
	for (size_t i = 0; i < o->nnames; i++) {
		o->name[i].name = lg_dup(a, o->name[i].name);
		o->name[i].error_type = lg_dup(a, o->name[i].error_type);
		o->name[i].error = lg_dup(a, o->name[i].error);
	}
}

static bool
is_zero(lg_str s)
{
	static const char zero[LG_CERT_SERIAL];

	return s.n == sizeof zero && memcmp(s.p, zero, sizeof zero) == 0;
}

/* (tenant, part, order) */
static void
emit_order(struct lg_derive *d, const struct lg_table *index, lg_str key, lg_str part)
{
	struct lg_certs_key k = { .n = 0 };

	lg_certs_key_add(&k, key.p, 4);
	lg_certs_key_add(&k, part.p, part.n);
	lg_certs_key_add(&k, key.p + 4, sizeof(lg_uuid));
	lg_emit(d, index, lg_certs_key_str(&k), LG_NONE);
}

static void
derive_order(struct lg_derive *d, lg_str key, lg_str value)
{
	lg_str replaced = lg_str_sub(value, AT_REPLACED, LG_CERT_SERIAL);

	emit_order(d, &lg_acme_by_account, key, lg_str_sub(value, AT_ACCOUNT, sizeof(lg_uuid)));
	emit_order(d, &lg_acme_by_expiry, key, lg_str_sub(value, AT_EXPIRES, 8));
	if (value.n < ORDER_HEAD || (uint8_t)value.p[0] < ORDER_OLDEST)
		return;
	if (!is_zero(replaced))
		emit_order(d, &lg_acme_by_replaced, key, replaced);
}

/* An index ends its keys with the order. */
static bool
next_order(struct lg_cursor *c, lg_uuid *ret)
{
	lg_str key, value;

	if (!lg_cursor_next(c, &key, &value) || key.n < sizeof ret->b)
		return false;
	memcpy(ret->b, key.p + key.n - sizeof ret->b, sizeof ret->b);
	return true;
}

lg_err
lg_acme_order_replaces(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, const lg_serial *serial, bool *ret)
{
	struct lg_acme_order *o = LG_NEW(cx->arena, struct lg_acme_order);
	struct lg_certs_key k = lg_certs_key_serial(tenant, serial);
	LG_AUTO(lg_cursor_end) struct lg_cursor c = { 0 };
	lg_uuid id;

	*ret = false;
	LG_TRY(lg_scan(cx, v, &lg_acme_by_replaced, lg_certs_key_str(&k), LG_NONE, &c));
	while (!*ret && next_order(&c, &id)) {
		LG_TRY(lg_acme_order_get(cx, v, tenant, id, o));
		*ret = lg_acme_order_status(o, cx->now) != LG_ACME_INVALID;
	}
	return LG_OK;
}

enum lg_acme_status
lg_acme_order_status(const struct lg_acme_order *o, int64_t now)
{
	bool ready = true;

	if (o->status != LG_ACME_PENDING)
		return o->status;
	if (now > o->expires)
		return LG_ACME_INVALID;
	for (size_t i = 0; i < o->nnames; i++) {
		if (o->name[i].status != LG_ACME_PENDING && o->name[i].status != LG_ACME_VALID)
			return LG_ACME_INVALID;
		ready = ready && o->name[i].status == LG_ACME_VALID;
	}
	return ready ? LG_ACME_READY : LG_ACME_PENDING;
}

/* ---- external account keys ------------------------------------------------------------------------------ */

lg_err
lg_acme_eab_get(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_uuid id, struct lg_acme_eab *ret)
{
	struct lg_acme_eab e = { .id = id };
	struct lg_rd r;

	LG_TRY(get_row(cx, v, &lg_acme_eab, ROW_VERSION, tenant, id, &r, NULL));
	lg_rd_fixed(&r, e.entry.b, sizeof e.entry.b);
	lg_rd_fixed(&r, e.secret.b, sizeof e.secret.b);
	lg_rd_fixed(&r, e.account.b, sizeof e.account.b);
	e.expires = (int64_t)lg_rd_u64(&r);
	LG_TRY(end_row(cx, &r, "external account keys"));
	*ret = e;
	return LG_OK;
}

lg_err
lg_acme_eab_put(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, const struct lg_acme_eab *e)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(256);

	lg_buf_byte(&b, ROW_VERSION);
	lg_buf_bytes(&b, e->entry.b, sizeof e->entry.b);
	lg_buf_bytes(&b, e->secret.b, sizeof e->secret.b);
	lg_buf_bytes(&b, e->account.b, sizeof e->account.b);
	lg_buf_u64(&b, (uint64_t)e->expires);
	return put_row(cx, v, &lg_acme_eab, tenant, e->id, &b);
}

/* ---- the tables: ids stand in log records and never change -------------------------------------------------- */

const struct lg_table lg_acme_account = { .name = "acme.account", .id = 0x0306, .derive = derive_account };
const struct lg_table lg_acme_by_key = { .name = "acme.by_key", .id = 0x0307, .derived = true };
const struct lg_table lg_acme_order = { .name = "acme.order", .id = 0x0308, .derive = derive_order };
const struct lg_table lg_acme_by_account = { .name = "acme.by_account", .id = 0x0309, .derived = true };
const struct lg_table lg_acme_by_expiry = { .name = "acme.by_expiry", .id = 0x030a, .derived = true };
const struct lg_table lg_acme_eab = { .name = "acme.eab", .id = 0x030b };
const struct lg_table lg_acme_by_replaced = { .name = "acme.by_replaced", .id = 0x0321, .derived = true };
