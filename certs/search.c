/* search.c: see search.h. */
#include "certs/search.h"

#include "base/text.h"

/* ---- what fits --------------------------------------------------------------------------------------- */

static bool
name_fits(lg_str wanted, lg_str name)
{
	if (lg_str_ends(wanted, LG_STR("*")))
		return lg_str_starts(name, lg_str_sub(wanted, 0, wanted.n - 1));
	return wanted.n == 0 || lg_str_eq(wanted, name);
}

static bool
fits(const struct lg_cert_query *q, const struct lg_cert_row *row)
{
	return (!q->has_serial || memcmp(q->serial.b, row->serial.b, sizeof q->serial.b) == 0) &&
	    (!q->has_entry || lg_uuid_eq(q->entry, row->entry)) &&
	    (!q->has_key || memcmp(q->key.b, row->spki.b, sizeof q->key.b) == 0) && name_fits(q->name, row->name) &&
	    (!q->has_issuer || memcmp(q->issuer.b, row->issuer.b, sizeof q->issuer.b) == 0) &&
	    (q->type.n == 0 || lg_str_eq(q->type, row->type)) && (q->profile.n == 0 || lg_str_eq(q->profile, row->profile)) &&
	    (q->state == 0 || q->state == row->state) && row->expires >= q->expires_from &&
	    (q->expires_to == 0 || row->expires < q->expires_to);
}

/* ---- where to look ------------------------------------------------------------------------------------- */

/* Rows of a table whose keys begin with prefix, from a key on. */
struct path {
	const struct lg_table *table;
	struct lg_certs_key prefix, from;
	struct lg_certs_key end;	/* rows from this key on do not fit; n 0: to the end of the prefix */
};

/* Also of one that is pending. */
static struct path
by_serial(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, const struct lg_cert_query *q)
{
	struct path p = { .table = &lg_certs_leaf, .prefix = lg_certs_key_serial(tenant, &q->serial) };

	if (!lg_exists(cx, v, p.table, lg_certs_key_str(&p.prefix)))
		p.table = &lg_certs_pending;
	return p;
}

static struct path
by_key(uint32_t tenant, const struct lg_cert_query *q)
{
	struct path p = { .table = &lg_certs_by_key, .prefix = lg_certs_key_of(tenant) };

	lg_certs_key_add(&p.prefix, q->key.b, sizeof q->key.b);
	return p;
}

static struct path
by_entry(uint32_t tenant, const struct lg_cert_query *q)
{
	struct path p = { .table = &lg_certs_by_entry, .prefix = lg_certs_key_of(tenant) };

	lg_certs_key_add(&p.prefix, q->entry.b, sizeof q->entry.b);
	return p;
}

static struct path
by_name(uint32_t tenant, const struct lg_cert_query *q)
{
	struct path p = { .table = &lg_certs_by_name };
	bool part = lg_str_ends(q->name, LG_STR("*"));

	p.prefix = lg_certs_key_name(tenant, part ? lg_str_sub(q->name, 0, q->name.n - 1) : q->name);
	p.prefix.n -= part;		/* without the end of the name */
	return p;
}

static struct path
by_expiry(uint32_t tenant, const struct lg_cert_query *q)
{
	struct path p = { .table = &lg_certs_by_expiry, .prefix = lg_certs_key_of(tenant) };

	p.from = p.end = p.prefix;
	lg_certs_key_u64(&p.from, (uint64_t)(q->expires_from < 0 ? 0 : q->expires_from));
	lg_certs_key_u64(&p.end, q->expires_to == 0 ? UINT64_MAX : (uint64_t)q->expires_to);
	return p;
}

static struct path
path_of(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, const struct lg_cert_query *q)
{
	if (q->has_serial)
		return by_serial(cx, v, tenant, q);
	if (q->state == LG_CERT_PENDING)
		return (struct path){ .table = &lg_certs_pending, .prefix = lg_certs_key_of(tenant) };
	if (q->has_key)
		return by_key(tenant, q);
	if (q->has_entry)
		return by_entry(tenant, q);
	if (q->name.n > 0 && !lg_str_eq(q->name, LG_STR("*")))
		return by_name(tenant, q);
	if (q->state == LG_CERT_REVOKED)
		return (struct path){ .table = &lg_certs_revoked, .prefix = lg_certs_key_of(tenant) };
	if (q->expires_from != 0 || q->expires_to != 0)
		return by_expiry(tenant, q);
	return (struct path){ .table = &lg_certs_leaf, .prefix = lg_certs_key_of(tenant) };
}

/* A cursor names the last key that was looked at, without its tenant. */
static lg_err
go_on(struct lg_ctx *cx, uint32_t tenant, const struct lg_cert_query *q, struct path *p)
{
	lg_str tail;

	if (q->after.n == 0)
		return LG_OK;
	p->from = lg_certs_key_of(tenant);
	if (!lg_hex_parse(cx->arena, q->after, &tail) || tail.n < LG_CERT_SERIAL || tail.n > LG_CERTS_KEY - p->from.n)
		return lg_fail(cx, LG_E_INVALID, "\"after\" is not what \"next\" was");
	lg_certs_key_add(&p->from, tail.p, tail.n);
	if (!lg_str_starts(lg_certs_key_str(&p->from), lg_certs_key_str(&p->prefix)))
		return lg_fail(cx, LG_E_INVALID, "\"after\" belongs to another question");
	return LG_OK;
}

static bool
past(const struct path *p, lg_str key)
{
	return p->end.n > 0 && lg_str_cmp(key, lg_certs_key_str(&p->end)) >= 0;
}

/* ---- one page --------------------------------------------------------------------------------------------- */

static lg_err
row_at(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, const struct path *p, lg_str key, lg_str value, struct lg_cert_row *ret)
{
	lg_serial serial;

	if (key.n < sizeof serial.b)
		return lg_fail(cx, LG_E_CORRUPT, "a key of certificates is too short");
	memcpy(serial.b, key.p + key.n - sizeof serial.b, sizeof serial.b);
	if (p->table == &lg_certs_leaf || p->table == &lg_certs_pending)
		return lg_cert_row_decode(cx, &serial, value, ret);
	return lg_cert_find(cx, v, tenant, &serial, ret);
}

lg_err
lg_cert_search(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, const struct lg_cert_query *q, lg_cert_each *each, void *arg,
    lg_str *next)
{
	struct path p = path_of(cx, v, tenant, q);
	LG_AUTO(lg_cursor_end) struct lg_cursor c = { 0 };
	lg_str key, value, last = LG_NONE;
	size_t looked = 0, found = 0;

	*next = LG_NONE;
	LG_TRY(go_on(cx, tenant, q, &p));
	LG_TRY(lg_scan(cx, v, p.table, lg_certs_key_str(&p.prefix), lg_certs_key_str(&p.from), &c));
	while (lg_cursor_next(&c, &key, &value) && !past(&p, key)) {
		struct lg_cert_row row;

		if (q->after.n > 0 && lg_str_eq(key, lg_certs_key_str(&p.from)))
			continue;
		if (found == q->limit || looked == LG_CERT_SCAN) {
			*next = lg_hex(cx->arena, lg_str_sub(last, 4, last.n));
			return LG_OK;
		}
		last = lg_dup(cx->arena, key);
		looked++;
		LG_TRY(row_at(cx, v, tenant, &p, key, value, &row));
		if (!fits(q, &row))
			continue;
		found++;
		if (!each(arg, &row))
			break;
	}
	return LG_OK;
}
