/* inventory.c: what was issued: one certificate, the list of them, and the end of what has long expired. */
#include "certs/ledger.h"
#include "certs/trust.h"

lg_err
lg_cert_find(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, const lg_serial *serial, struct lg_cert_row *ret)
{
	struct lg_certs_key k = lg_certs_key_serial(tenant, serial);
	lg_str value;

	lg_err e = lg_get(cx, v, &lg_certs_leaf, lg_certs_key_str(&k), &value);

	if (e == LG_E_NOT_FOUND)
		e = lg_get(cx, v, &lg_certs_pending, lg_certs_key_str(&k), &value);
	LG_TRY(e);
	return lg_cert_row_decode(cx, serial, value, ret);
}

/* The serial number ends the keys of all our tables of certificates. */
static bool
serial_of(lg_str key, lg_serial *ret)
{
	if (key.n < sizeof ret->b)
		return false;
	memcpy(ret->b, key.p + key.n - sizeof ret->b, sizeof ret->b);
	return true;
}

/* Rows of a table below prefix, from a key on, without the row of that very serial number.  *enough: the callback wants no more. */
static lg_err
walk(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, const struct lg_table *table, const struct lg_certs_key *prefix,
    const struct lg_certs_key *from, const lg_serial *after, lg_cert_each *each, void *arg, bool *enough)
{
	LG_AUTO(lg_cursor_end) struct lg_cursor c = { 0 };
	lg_str key, value;

	*enough = false;
	LG_TRY(lg_scan(cx, v, table, lg_certs_key_str(prefix), lg_certs_key_str(from), &c));
	while (!*enough && lg_cursor_next(&c, &key, &value)) {
		struct lg_cert_row row;
		lg_serial serial;

		if (!serial_of(key, &serial))
			return lg_fail(cx, LG_E_CORRUPT, "a key of certificates is too short");
		if (after != NULL && memcmp(serial.b, after->b, sizeof serial.b) == 0)
			continue;
		LG_TRY(lg_cert_find(cx, v, tenant, &serial, &row));
		*enough = !each(arg, &row);
	}
	return LG_OK;
}

lg_err
lg_cert_list(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, const lg_serial *after, lg_cert_each *each, void *arg)
{
	struct lg_certs_key prefix = lg_certs_key_of(tenant), from = prefix;
	bool enough = false;

	if (after != NULL)
		lg_certs_key_add(&from, after->b, sizeof after->b);
	if (after == NULL || !lg_exists(cx, v, &lg_certs_pending, lg_certs_key_str(&from))) {
		LG_TRY(walk(cx, v, tenant, &lg_certs_leaf, &prefix, &from, after, each, arg, &enough));
		from = prefix;
	}
	return enough ? LG_OK : walk(cx, v, tenant, &lg_certs_pending, &prefix, &from, after, each, arg, &enough);
}

lg_err
lg_cert_list_of(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_uuid entry, int64_t ends_from, const lg_serial *after,
    lg_cert_each *each, void *arg)
{
	struct lg_certs_key prefix = lg_certs_key_of(tenant), from;
	bool enough;

	lg_certs_key_add(&prefix, entry.b, sizeof entry.b);
	from = prefix;
	lg_certs_key_u64(&from, (uint64_t)ends_from);
	if (after != NULL)
		lg_certs_key_add(&from, after->b, sizeof after->b);
	return walk(cx, v, tenant, &lg_certs_by_entry, &prefix, &from, after, each, arg, &enough);
}

/* ---- purge -------------------------------------------------------------------------------------- */

struct purge {
	uint32_t tenant;
	int64_t before;
	size_t gone;
	bool more;
};

/* Keys of the expiry index below (tenant, before), copied, because deleting moves the cursor; tails of tail_size octets. */
static lg_err
collect(struct lg_ctx *cx, struct lg_view *v, const struct lg_table *index, const struct purge *p, size_t tail_size,
    lg_str ret[LG_CERTS_PURGE + 1], size_t *n)
{
	struct lg_certs_key prefix = lg_certs_key_of(p->tenant), end = prefix;
	LG_AUTO(lg_cursor_end) struct lg_cursor c = { 0 };
	lg_str key, value;

	lg_certs_key_u64(&end, (uint64_t)p->before);
	*n = 0;
	LG_TRY(lg_scan(cx, v, index, lg_certs_key_str(&prefix), LG_NONE, &c));
	while (*n <= LG_CERTS_PURGE && lg_cursor_next(&c, &key, &value) && lg_str_cmp(key, lg_certs_key_str(&end)) < 0)
		ret[(*n)++] = lg_dup(cx->arena, lg_str_sub(key, key.n - tail_size, tail_size));
	return LG_OK;
}

/* What is done before the rows of one tail are deleted. */
typedef lg_err before_delete(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_str tail);

static lg_err
keep_places(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_str tail)
{
	lg_serial serial;

	memcpy(serial.b, tail.p, sizeof serial.b);
	return lg_ledger_keep_places(cx, v, tenant, &serial);
}

/* Deletes the primary rows (tenant, tail) that an expiry index leads to. */
static lg_err
purge_index(struct lg_ctx *cx, struct lg_view *v, struct purge *p, const struct lg_table *index, size_t tail_size,
    const struct lg_table *const tables[2], before_delete *before)
{
	lg_str *tail = LG_NEWS(cx->arena, lg_str, LG_CERTS_PURGE + 1);
	size_t n;

	LG_TRY(collect(cx, v, index, p, tail_size, tail, &n));
	if (n > LG_CERTS_PURGE) {
		p->more = true;
		n = LG_CERTS_PURGE;
	}
	for (size_t i = 0; i < n; i++) {
		struct lg_certs_key k = lg_certs_key_of(p->tenant);

		lg_certs_key_add(&k, tail[i].p, tail[i].n);
		p->gone++;
		if (before != NULL)
			LG_TRY(before(cx, v, p->tenant, tail[i]));
		for (size_t t = 0; t < 2 && tables[t] != NULL; t++)
			LG_TRY(lg_certs_del(cx, v, tables[t], &k));
	}
	return LG_OK;
}

/* Of what came to nothing; there is so little of it that it has no index by expiry. */
static lg_err
purge_pending(struct lg_ctx *cx, struct lg_view *v, struct purge *p)
{
	struct lg_certs_key prefix = lg_certs_key_of(p->tenant), *old = LG_NEWS(cx->arena, struct lg_certs_key, LG_CERTS_PURGE);
	LG_AUTO(lg_cursor_end) struct lg_cursor c = { 0 };
	lg_str key, value;
	size_t n = 0, looked = 0;

	LG_TRY(lg_scan(cx, v, &lg_certs_pending, lg_certs_key_str(&prefix), LG_NONE, &c));
	while (n < LG_CERTS_PURGE && looked++ < LG_CERTS_PENDING && lg_cursor_next(&c, &key, &value)) {
		struct lg_cert_row row;
		lg_serial serial;

		if (!serial_of(key, &serial))
			return lg_fail(cx, LG_E_CORRUPT, "a key of certificates is too short");
		LG_TRY(lg_cert_row_decode(cx, &serial, value, &row));
		if (row.expires < p->before)
			old[n++] = lg_certs_key_serial(p->tenant, &serial);
	}
	p->more = p->more || n == LG_CERTS_PURGE;
	p->gone += n;
	for (size_t i = 0; i < n; i++)
		LG_TRY(lg_certs_del(cx, v, &lg_certs_pending, &old[i]));
	return LG_OK;
}

static lg_err
run_purge(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	static const struct lg_table *const certificates[2] = { &lg_certs_leaf, &lg_certs_revoked };
	static const struct lg_table *const invited[2] = { &lg_certs_invited, NULL };
	static const struct lg_table *const orders[2] = { &lg_acme_order, NULL };
	struct purge *p = arg;

	p->more = false;
	p->gone = 0;
	LG_TRY(purge_index(cx, v, p, &lg_certs_by_expiry, LG_CERT_SERIAL, certificates, keep_places));
	LG_TRY(purge_pending(cx, v, p));
	LG_TRY(purge_index(cx, v, p, &lg_certs_invited_by_expiry, sizeof(lg_sha256), invited, NULL));
	return purge_index(cx, v, p, &lg_acme_by_expiry, sizeof(lg_uuid), orders, NULL);
}

lg_err
lg_certs_purge(struct lg_ctx *cx, struct lg_certs *c, uint32_t tenant, int64_t before, size_t *gone, bool *more)
{
	struct purge p = { .tenant = tenant, .before = before };

	if (p.before > cx->now - LG_CERT_REJOIN)
		p.before = cx->now - LG_CERT_REJOIN;
	LG_TRY(lg_store_apply(cx, c->ports.store, tenant, "certificate.purge", run_purge, &p, NULL));
	*gone += p.gone;
	*more = p.more;
	return LG_OK;
}
