/* rows.c: how the authority's rows look on disk.  Every value begins with its version. */
#include "certs/ledger.h"
#include "certs/foreign.h"
#include "certs/hook.h"
#include "certs/profiles.h"

#define ROW_VERSION 1
#define REVOKED_VERSION 2		/* 1 had no seq */

/* ---- keys ----------------------------------------------------------------------------------- */

void
lg_certs_key_add(struct lg_certs_key *k, const void *p, size_t n)
{
	size_t room = sizeof k->b - k->n;

	if (n > room)
		n = room;
	memcpy(k->b + k->n, p, n);
	k->n += n;
}

void
lg_certs_key_u64(struct lg_certs_key *k, uint64_t v)
{
	uint8_t b[8];

	for (size_t i = 0; i < sizeof b; i++)
		b[i] = (uint8_t)(v >> (56 - 8 * i));
	lg_certs_key_add(k, b, sizeof b);
}

struct lg_certs_key
lg_certs_key_of(uint32_t tenant)
{
	struct lg_certs_key k = { .n = 4 };

	for (size_t i = 0; i < 4; i++)
		k.b[i] = (uint8_t)(tenant >> (24 - 8 * i));
	return k;
}

struct lg_certs_key
lg_certs_key_serial(uint32_t tenant, const lg_serial *s)
{
	struct lg_certs_key k = lg_certs_key_of(tenant);

	lg_certs_key_add(&k, s->b, sizeof s->b);
	return k;
}

/* ---- fixed-size fields ------------------------------------------------------------------------ */

static void
put_time(struct lg_buf *b, int64_t us)
{
	lg_buf_u64(b, (uint64_t)us);
}

static int64_t
get_time(struct lg_rd *r)
{
	return (int64_t)lg_rd_u64(r);
}

static lg_err
row_status(struct lg_ctx *cx, const struct lg_rd *r, uint8_t version, const char *what)
{
	if (version != ROW_VERSION || !lg_rd_done(r))
		return lg_fail(cx, LG_E_CORRUPT, "a row of %s does not decode", what);
	return LG_OK;
}

static lg_err
put_row(struct lg_ctx *cx, struct lg_view *v, const struct lg_table *t, const struct lg_certs_key *k, struct lg_buf *b)
{
	LG_TRY(lg_buf_status(cx, b));
	return lg_put(cx, v, t, lg_certs_key_str(k), lg_buf_view(b));
}

lg_err
lg_certs_del(struct lg_ctx *cx, struct lg_view *v, const struct lg_table *t, const struct lg_certs_key *k)
{
	lg_err e = lg_del(cx, v, t, lg_certs_key_str(k));

	return e == LG_E_NOT_FOUND ? LG_OK : e;
}

/* ---- inventory -------------------------------------------------------------------------------- */

lg_err
lg_cert_row_decode(struct lg_ctx *cx, const lg_serial *serial, lg_str value, struct lg_cert_row *ret)
{
	struct lg_rd r = lg_rd_of(value);
	struct lg_cert_row row = { .serial = *serial };
	uint8_t version = lg_rd_u8(&r);

	row.state = (enum lg_cert_state)lg_rd_u8(&r);
	row.why = (enum lg_revocation)lg_rd_u8(&r);
	lg_rd_fixed(&r, row.entry.b, sizeof row.entry.b);
	row.expires = get_time(&r);
	row.not_before = get_time(&r);
	row.revoked = get_time(&r);
	lg_rd_fixed(&r, row.issuer.b, sizeof row.issuer.b);
	lg_rd_fixed(&r, row.spki.b, sizeof row.spki.b);
	lg_rd_fixed(&r, row.sha256.b, sizeof row.sha256.b);
	row.type = lg_rd_str32(&r);
	row.name = lg_rd_str32(&r);
	row.profile = lg_rd_str32(&r);
	row.der = lg_rd_str32(&r);
	lg_rd_fixed(&r, row.order.b, sizeof row.order.b);
	for (size_t i = 0; i < LG_COUNT(row.ledger); i++)
		row.ledger[i] = lg_rd_u64(&r);
	LG_TRY(row_status(cx, &r, version, "certificates"));
	*ret = row;
	return LG_OK;
}

lg_err
lg_cert_row_put(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, const struct lg_cert_row *row)
{
	struct lg_certs_key k = lg_certs_key_serial(tenant, &row->serial);
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(LG_CERT_MAX + 4096);

	lg_buf_byte(&b, ROW_VERSION);
	lg_buf_byte(&b, (char)row->state);
	lg_buf_byte(&b, (char)row->why);
	lg_buf_bytes(&b, row->entry.b, sizeof row->entry.b);
	put_time(&b, row->expires);
	put_time(&b, row->not_before);
	put_time(&b, row->revoked);
	lg_buf_bytes(&b, row->issuer.b, sizeof row->issuer.b);
	lg_buf_bytes(&b, row->spki.b, sizeof row->spki.b);
	lg_buf_bytes(&b, row->sha256.b, sizeof row->sha256.b);
	lg_buf_str32(&b, row->type);
	lg_buf_str32(&b, row->name);
	lg_buf_str32(&b, row->profile);
	lg_buf_str32(&b, row->der);
	lg_buf_bytes(&b, row->order.b, sizeof row->order.b);
	for (size_t i = 0; i < LG_COUNT(row->ledger); i++)
		lg_buf_u64(&b, row->ledger[i]);
	if (row->state == LG_CERT_PENDING)
		return put_row(cx, v, &lg_certs_pending, &k, &b);
	LG_TRY(lg_certs_del(cx, v, &lg_certs_pending, &k));
	return put_row(cx, v, &lg_certs_leaf, &k, &b);
}

struct lg_certs_key
lg_certs_key_name(uint32_t tenant, lg_str name)
{
	struct lg_certs_key k = lg_certs_key_of(tenant);

	name = lg_str_sub(name, 0, LG_CERT_INDEXED_NAME);
	lg_certs_key_add(&k, name.p, name.n);
	lg_certs_key_add(&k, "", 1);		/* "node1" is not the beginning of "node10" */
	return k;
}

#define SPKI_AT		75		/* in a value: what stands before it has a fixed size */
#define TYPE_AT		139

static void
derive_name(struct lg_derive *d, lg_str tenant, lg_str expires, lg_str serial, lg_str value)
{
	struct lg_rd r = lg_rd_of(lg_str_sub(value, TYPE_AT, value.n));
	struct lg_rd t = lg_rd_of(tenant);
	struct lg_certs_key k;

	(void)lg_rd_str32(&r);
	k = lg_certs_key_name(lg_rd_u32(&t), lg_rd_str32(&r));
	lg_certs_key_add(&k, expires.p, expires.n);
	lg_certs_key_add(&k, serial.p, serial.n);
	lg_emit(d, &lg_certs_by_name, lg_certs_key_str(&k), LG_NONE);
}

/* (tenant, key, serial) of those alone that were revoked because the key is compromised: asked about at every issue, however many
 * certificates a key has had. */
static void
derive_compromised(struct lg_derive *d, lg_str tenant, lg_str serial, lg_str value)
{
	struct lg_certs_key k = { .n = 0 };
	lg_str spki = lg_str_sub(value, SPKI_AT, sizeof(lg_sha256));

	if (value.n < 3 || value.p[1] != LG_CERT_REVOKED || value.p[2] != LG_REVOKED_KEY_COMPROMISE)
		return;
	lg_certs_key_add(&k, tenant.p, tenant.n);
	lg_certs_key_add(&k, spki.p, spki.n);
	lg_certs_key_add(&k, serial.p, serial.n);
	lg_emit(d, &lg_certs_compromised, lg_certs_key_str(&k), LG_NONE);
}

/* What the census counts by: when it begins, and its profile (census.c). */
static struct lg_certs_key
counted_by(lg_str value)
{
	struct lg_rd r = lg_rd_of(lg_str_sub(value, TYPE_AT, value.n));
	struct lg_certs_key k = { .n = 0 };
	lg_str begins = lg_str_sub(value, 27, 8), profile;

	(void)lg_rd_str32(&r);
	(void)lg_rd_str32(&r);
	profile = lg_rd_str32(&r);
	lg_certs_key_add(&k, begins.p, begins.n);
	lg_certs_key_add(&k, profile.p, profile.n);
	return k;
}

/*
 * (tenant, expiry, serial), (tenant, entry, expiry, serial) and the same of its key and of its name: what one of them gets in a short time
 * is written to one page, over which serial numbers alone would scatter it.  All but names stand at fixed places in front of the value,
 * because a derive has no arena to decode into.
 */
static void
derive_leaf(struct lg_derive *d, lg_str key, lg_str value)
{
	struct lg_certs_key by_entry = { .n = 0 }, by_expiry = { .n = 0 }, by_key = { .n = 0 }, counted = counted_by(value);
	lg_str tenant = lg_str_sub(key, 0, 4), serial = lg_str_sub(key, 4, LG_CERT_SERIAL);
	lg_str entry = lg_str_sub(value, 3, 16), expires = lg_str_sub(value, 19, 8), spki = lg_str_sub(value, SPKI_AT, sizeof(lg_sha256));

	lg_certs_key_add(&by_expiry, tenant.p, tenant.n);
	lg_certs_key_add(&by_expiry, expires.p, expires.n);
	lg_certs_key_add(&by_expiry, serial.p, serial.n);
	lg_emit(d, &lg_certs_by_expiry, lg_certs_key_str(&by_expiry), lg_certs_key_str(&counted));
	lg_certs_key_add(&by_entry, tenant.p, tenant.n);
	lg_certs_key_add(&by_entry, entry.p, entry.n);
	lg_certs_key_add(&by_entry, expires.p, expires.n);
	lg_certs_key_add(&by_entry, serial.p, serial.n);
	lg_emit(d, &lg_certs_by_entry, lg_certs_key_str(&by_entry), LG_NONE);
	lg_certs_key_add(&by_key, tenant.p, tenant.n);
	lg_certs_key_add(&by_key, spki.p, spki.n);
	lg_certs_key_add(&by_key, expires.p, expires.n);
	lg_certs_key_add(&by_key, serial.p, serial.n);
	lg_emit(d, &lg_certs_by_key, lg_certs_key_str(&by_key), LG_NONE);
	derive_compromised(d, tenant, serial, value);
	derive_name(d, tenant, expires, serial, value);
}

/* ---- revocations ------------------------------------------------------------------------------ */

lg_err
lg_revoked_row_decode(struct lg_ctx *cx, const lg_serial *serial, lg_str value, struct lg_revoked_row *ret)
{
	struct lg_rd r = lg_rd_of(value);
	struct lg_revoked_row row = { .serial = *serial };
	uint8_t version = lg_rd_u8(&r);

	row.why = (enum lg_revocation)lg_rd_u8(&r);
	row.time = get_time(&r);
	row.expires = get_time(&r);
	lg_rd_fixed(&r, row.issuer.b, sizeof row.issuer.b);
	row.seq = version == REVOKED_VERSION ? lg_rd_u64(&r) : 0;
	LG_TRY(row_status(cx, &r, version == REVOKED_VERSION ? ROW_VERSION : version, "revocations"));
	*ret = row;
	return LG_OK;
}

lg_err
lg_revoked_row_put(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, const struct lg_revoked_row *row)
{
	struct lg_certs_key k = lg_certs_key_serial(tenant, &row->serial);
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(256);

	lg_buf_byte(&b, REVOKED_VERSION);
	lg_buf_byte(&b, (char)row->why);
	put_time(&b, row->time);
	put_time(&b, row->expires);
	lg_buf_bytes(&b, row->issuer.b, sizeof row->issuer.b);
	lg_buf_u64(&b, row->seq);
	return put_row(cx, v, &lg_certs_revoked, &k, &b);
}

/* ---- join tokens ------------------------------------------------------------------------------ */

static struct lg_certs_key
invited_key(uint32_t tenant, const lg_sha256 *secret)
{
	struct lg_certs_key k = lg_certs_key_of(tenant);

	lg_certs_key_add(&k, secret->b, sizeof secret->b);
	return k;
}

lg_err
lg_invited_row_get(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, const lg_sha256 *secret, struct lg_invited_row *ret)
{
	struct lg_certs_key k = invited_key(tenant, secret);
	struct lg_invited_row row = { 0 };
	uint8_t version;
	struct lg_rd r;
	lg_str value;

	LG_TRY(lg_get(cx, v, &lg_certs_invited, lg_certs_key_str(&k), &value));
	r = lg_rd_of(value);
	version = lg_rd_u8(&r);
	row.expires = get_time(&r);
	lg_rd_fixed(&r, row.host.b, sizeof row.host.b);
	row.redeemed = lg_rd_u8(&r) != 0;
	lg_rd_fixed(&r, row.spki.b, sizeof row.spki.b);
	lg_rd_fixed(&r, row.serial.b, sizeof row.serial.b);
	row.refused = lg_rd_u32(&r);
	LG_TRY(row_status(cx, &r, version, "join tokens"));
	*ret = row;
	return LG_OK;
}

lg_err
lg_invited_row_put(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, const lg_sha256 *secret, const struct lg_invited_row *row)
{
	struct lg_certs_key k = invited_key(tenant, secret);
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(256);

	lg_buf_byte(&b, ROW_VERSION);
	put_time(&b, row->expires);
	lg_buf_bytes(&b, row->host.b, sizeof row->host.b);
	lg_buf_byte(&b, row->redeemed);
	lg_buf_bytes(&b, row->spki.b, sizeof row->spki.b);
	lg_buf_bytes(&b, row->serial.b, sizeof row->serial.b);
	lg_buf_u32(&b, row->refused);
	return put_row(cx, v, &lg_certs_invited, &k, &b);
}

static void
derive_invited(struct lg_derive *d, lg_str key, lg_str value)
{
	struct lg_certs_key by_expiry = { .n = 0 };
	lg_str tenant = lg_str_sub(key, 0, 4), secret = lg_str_sub(key, 4, sizeof(lg_sha256));
	lg_str expires = lg_str_sub(value, 1, 8);

	lg_certs_key_add(&by_expiry, tenant.p, tenant.n);
	lg_certs_key_add(&by_expiry, expires.p, expires.n);
	lg_certs_key_add(&by_expiry, secret.p, secret.n);
	lg_emit(d, &lg_certs_invited_by_expiry, lg_certs_key_str(&by_expiry), LG_NONE);
}

/* ---- the tables: ids stand in log records and never change -------------------------------------- */

const struct lg_table lg_certs_leaf = { .name = "certs.leaf", .id = 0x0300, .derive = derive_leaf };
/* A row that is pending goes within a moment: it comes and goes on a page or two, where among all others it would be written at a place of
 * chance, twice. */
const struct lg_table lg_certs_pending = { .name = "certs.pending", .id = 0x0323 };
const struct lg_table lg_certs_by_entry = { .name = "certs.by_entry", .id = 0x0301, .derived = true };
const struct lg_table lg_certs_by_expiry = { .name = "certs.by_expiry", .id = 0x0302, .derived = true };
const struct lg_table lg_certs_by_key = { .name = "certs.by_key", .id = 0x0310, .derived = true };
const struct lg_table lg_certs_compromised = { .name = "certs.compromised", .id = 0x0322, .derived = true };
const struct lg_table lg_certs_by_name = { .name = "certs.by_name", .id = 0x0311, .derived = true };
const struct lg_table lg_certs_revoked = { .name = "certs.revoked", .id = 0x0303, .domain = LG_DOMAIN_TRUST };
const struct lg_table lg_certs_invited = { .name = "certs.invited", .id = 0x0304, .derive = derive_invited };
const struct lg_table lg_certs_invited_by_expiry = { .name = "certs.invited_by_expiry", .id = 0x0305, .derived = true };

const struct lg_table *const lg_certs_tables[] = {
	&lg_certs_leaf, &lg_certs_pending, &lg_certs_by_entry, &lg_certs_by_expiry, &lg_certs_revoked, &lg_certs_invited, &lg_certs_invited_by_expiry,
	&lg_ledger_rows, &lg_ledger_head, &lg_ledger_places,
	&lg_certs_by_key, &lg_certs_compromised, &lg_certs_by_name, &lg_certs_profile, &lg_acme_account, &lg_acme_by_key, &lg_acme_order, &lg_acme_by_account, &lg_acme_by_expiry, &lg_acme_eab,
	&lg_acme_by_replaced, &lg_certs_foreign, &lg_certs_hook,
};
const size_t lg_certs_ntables = LG_COUNT(lg_certs_tables);
