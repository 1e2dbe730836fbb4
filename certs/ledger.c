/* ledger.c: see ledger.h. */
#include "certs/ledger.h"

/* ---- rows ------------------------------------------------------------------------------------------------ */

/*
 * (tenant, index): the entry's octets; then, from pairs upwards, the hashes of the whole subtrees that end with it, one on average.  Rows
 * of their own by level would touch a page a level at every entry; so an entry's hashes are where the next entry is written too.
 */
#define ROW_MAX	(LG_LEDGER_OCTETS + 64 * sizeof(lg_sha256))

const struct lg_table lg_ledger_rows = { .name = "certs.ledger", .id = 0x0330 };
const struct lg_table lg_ledger_head = { .name = "certs.ledger_head", .id = 0x0332 };
/* (tenant, serial): the places of a certificate's entries, once its row, which has them, was purged.  An index of all would be written at a
 * place of chance at every issue. */
const struct lg_table lg_ledger_places = { .name = "certs.ledger_places", .id = 0x0334 };

void
lg_ledger_octets(const struct lg_ledger_entry *e, struct lg_buf *out)
{
	lg_buf_byte(out, 1);
	lg_buf_byte(out, (char)e->kind);
	lg_buf_u64(out, (uint64_t)e->time);
	lg_buf_byte(out, (char)e->why);
	lg_buf_bytes(out, e->serial.b, sizeof e->serial.b);
	lg_buf_str(out, lg_sha256_str(&e->sha256));
}

static bool
parse(lg_str octets, struct lg_ledger_entry *ret)
{
	struct lg_rd r = lg_rd_of(octets);
	bool good = lg_rd_u8(&r) == 1;
	lg_str serial, sha256;

	*ret = (struct lg_ledger_entry){ .kind = (enum lg_ledger_kind)lg_rd_u8(&r) };
	ret->time = (int64_t)lg_rd_u64(&r);
	ret->why = (enum lg_revocation)lg_rd_u8(&r);
	serial = lg_rd_bytes(&r, sizeof ret->serial.b);
	sha256 = lg_rd_bytes(&r, sizeof ret->sha256.b);
	if (!good || !lg_rd_done(&r) || (ret->kind != LG_LEDGER_ISSUED && ret->kind != LG_LEDGER_REVOKED))
		return false;
	memcpy(ret->serial.b, serial.p, serial.n);
	memcpy(ret->sha256.b, sha256.p, sha256.n);
	return true;
}

static struct lg_certs_key
row_key(uint32_t tenant, uint64_t index)
{
	struct lg_certs_key k = lg_certs_key_of(tenant);

	lg_certs_key_u64(&k, index);
	return k;
}

/* Of leaves [index << level, (index + 1) << level), which are all there. */
static lg_err
node_get(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, unsigned level, uint64_t index, lg_sha256 *ret)
{
	struct lg_certs_key k = row_key(tenant, ((index + 1) << level) - 1);
	size_t end = LG_LEDGER_OCTETS + level * sizeof ret->b;
	lg_str value;

	LG_TRY(lg_get(cx, v, &lg_ledger_rows, lg_certs_key_str(&k), &value));
	if (value.n < end)
		return lg_fail(cx, LG_E_CORRUPT, "a hash of the ledger is missing");
	if (level == 0)
		*ret = lg_merkle_leaf(lg_str_sub(value, 0, LG_LEDGER_OCTETS));
	else
		memcpy(ret->b, value.p + end - sizeof ret->b, sizeof ret->b);
	return LG_OK;
}

/* ---- growing ------------------------------------------------------------------------------------------------ */

lg_err
lg_ledger_size(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, uint64_t *ret)
{
	struct lg_certs_key k = lg_certs_key_of(tenant);
	lg_str value;
	lg_err e = lg_get(cx, v, &lg_ledger_head, lg_certs_key_str(&k), &value);
	struct lg_rd r = lg_rd_of(e == LG_OK ? value : LG_NONE);

	*ret = 0;
	if (e == LG_E_NOT_FOUND)
		return LG_OK;
	LG_TRY(e);
	*ret = lg_rd_u64(&r);
	return lg_rd_done(&r) ? LG_OK : lg_fail(cx, LG_E_CORRUPT, "the ledger's size does not decode");
}

/* A leaf that is the right half of a pair completes it, and may complete the pair of that pair. */
static lg_err
grow(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, uint64_t index, struct lg_buf *row)
{
	lg_sha256 h = lg_merkle_leaf(lg_buf_view(row)), left;

	for (unsigned level = 0; (index & 1) != 0; level++, index >>= 1) {
		LG_TRY(node_get(cx, v, tenant, level, index - 1, &left));
		h = lg_merkle_node(&left, &h);
		lg_buf_str(row, lg_sha256_str(&h));
	}
	return LG_OK;
}

lg_err
lg_ledger_append(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, enum lg_ledger_kind kind, struct lg_cert_row *row)
{
	struct lg_ledger_entry e = { .kind = kind, .time = lg_view_time(v), .why = kind == LG_LEDGER_REVOKED ? row->why : 0,
		.serial = row->serial, .sha256 = row->sha256 };
	LG_AUTO(lg_buf_free) struct lg_buf value = LG_BUF(ROW_MAX), size = LG_BUF(8);
	struct lg_certs_key head = lg_certs_key_of(tenant), k;

	LG_TRY(lg_ledger_size(cx, v, tenant, &e.index));
	lg_ledger_octets(&e, &value);
	LG_TRY(grow(cx, v, tenant, e.index, &value));
	lg_buf_u64(&size, e.index + 1);
	row->ledger[kind == LG_LEDGER_REVOKED] = e.index + 1;
	k = row_key(tenant, e.index);
	LG_TRY(lg_put(cx, v, &lg_ledger_rows, lg_certs_key_str(&k), lg_buf_view(&value)));
	return lg_put(cx, v, &lg_ledger_head, lg_certs_key_str(&head), lg_buf_view(&size));
}

/* ---- reading ------------------------------------------------------------------------------------------------ */

lg_err
lg_ledger_get(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, uint64_t index, struct lg_ledger_entry *ret)
{
	struct lg_certs_key k = row_key(tenant, index);
	lg_str value;

	LG_TRY(lg_get(cx, v, &lg_ledger_rows, lg_certs_key_str(&k), &value));
	if (!parse(lg_str_sub(value, 0, LG_LEDGER_OCTETS), ret))
		return lg_fail(cx, LG_E_CORRUPT, "an entry of the ledger does not decode");
	ret->index = index;
	return LG_OK;
}

static lg_err
places_get(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, const lg_serial *serial, uint64_t ret[2])
{
	struct lg_certs_key k = lg_certs_key_serial(tenant, serial);
	struct lg_rd r;
	lg_str value;

	LG_TRY(lg_get(cx, v, &lg_ledger_places, lg_certs_key_str(&k), &value));
	r = lg_rd_of(value);
	ret[0] = lg_rd_u64(&r);
	ret[1] = lg_rd_u64(&r);
	return lg_rd_done(&r) ? LG_OK : lg_fail(cx, LG_E_CORRUPT, "places of the ledger do not decode");
}

lg_err
lg_ledger_find(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, const lg_serial *serial, uint64_t index[2], size_t *n)
{
	struct lg_cert_row row;
	lg_err e = lg_cert_find(cx, v, tenant, serial, &row);

	*n = 0;
	if (e == LG_E_NOT_FOUND)
		e = places_get(cx, v, tenant, serial, row.ledger);
	if (e == LG_E_NOT_FOUND)
		return LG_OK;
	LG_TRY(e);
	for (size_t i = 0; i < LG_COUNT(row.ledger); i++)
		if (row.ledger[i] != 0)
			index[(*n)++] = row.ledger[i] - 1;
	return LG_OK;
}

lg_err
lg_ledger_keep_places(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, const lg_serial *serial)
{
	struct lg_certs_key k = lg_certs_key_serial(tenant, serial);
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(16);
	struct lg_cert_row row;
	lg_err e = lg_cert_find(cx, v, tenant, serial, &row);

	if (e == LG_E_NOT_FOUND)	/* a lost row is nothing that a purge should fail over */
		return LG_OK;
	LG_TRY(e);
	lg_buf_u64(&b, row.ledger[0]);
	lg_buf_u64(&b, row.ledger[1]);
	return lg_put(cx, v, &lg_ledger_places, lg_certs_key_str(&k), lg_buf_view(&b));
}

/* ---- proofs: RFC 9162 2.1.1, 2.1.3.1, 2.1.4.1 ----------------------------------------------------------------- */

/* The largest power of two below n, which is 2 at least. */
static uint64_t
split(uint64_t n)
{
	return UINT64_C(1) << (63 - __builtin_clzll(n - 1));
}

/* Of leaves [from, from + n).  A power of two that begins at a multiple of itself is a subtree whose hash is kept. */
static lg_err
range_hash(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, uint64_t from, uint64_t n, lg_sha256 *ret)
{
	lg_sha256 left, right;
	unsigned level = 0;

	if ((n & (n - 1)) == 0) {
		level = (unsigned)__builtin_ctzll(n);
		return node_get(cx, v, tenant, level, from >> level, ret);
	}
	LG_TRY(range_hash(cx, v, tenant, from, split(n), &left));
	LG_TRY(range_hash(cx, v, tenant, from + split(n), n - split(n), &right));
	*ret = lg_merkle_node(&left, &right);
	return LG_OK;
}

static lg_err
check_size(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, uint64_t size)
{
	uint64_t have;

	LG_TRY(lg_ledger_size(cx, v, tenant, &have));
	return size <= have ? LG_OK : lg_fail(cx, LG_E_NOT_FOUND, "the ledger has %llu entries", (unsigned long long)have);
}

lg_err
lg_ledger_root(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, uint64_t size, lg_sha256 *ret)
{
	LG_TRY(check_size(cx, v, tenant, size));
	if (size == 0) {
		*ret = lg_sha256_of(LG_NONE);
		return LG_OK;
	}
	return range_hash(cx, v, tenant, 0, size, ret);
}

/* Proofs are found from the root down and told from the leaf up. */
static void
turn_round(lg_sha256 *path, size_t n)
{
	for (size_t i = 0; i < n / 2; i++) {
		lg_sha256 h = path[i];

		path[i] = path[n - 1 - i];
		path[n - 1 - i] = h;
	}
}

lg_err
lg_ledger_inclusion(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, uint64_t index, uint64_t size,
    lg_sha256 path[LG_MERKLE_PATH], size_t *n)
{
	uint64_t from = 0;

	*n = 0;
	LG_TRY(check_size(cx, v, tenant, size));
	if (index >= size)
		return lg_fail(cx, LG_E_NOT_FOUND, "the tree has %llu leaves", (unsigned long long)size);
	while (size > 1) {
		uint64_t k = split(size);

		if (index - from < k) {
			LG_TRY(range_hash(cx, v, tenant, from + k, size - k, &path[(*n)++]));
			size = k;
		} else {
			LG_TRY(range_hash(cx, v, tenant, from, k, &path[(*n)++]));
			from += k;
			size -= k;
		}
	}
	turn_round(path, *n);
	return LG_OK;
}

lg_err
lg_ledger_consistency(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, uint64_t first, uint64_t second,
    lg_sha256 path[LG_MERKLE_PATH], size_t *n)
{
	uint64_t from = 0, size = second, old = first;
	bool whole = true;		/* the old tree's root is known to who asks */

	*n = 0;
	LG_TRY(check_size(cx, v, tenant, second));
	if (first == 0 || first > second)
		return lg_fail(cx, LG_E_INVALID, "the first tree has 1 to %llu leaves", (unsigned long long)second);
	while (old < size) {
		uint64_t k = split(size);

		if (old <= k) {
			LG_TRY(range_hash(cx, v, tenant, from + k, size - k, &path[(*n)++]));
			size = k;
		} else {
			LG_TRY(range_hash(cx, v, tenant, from, k, &path[(*n)++]));
			from += k;
			size -= k;
			old -= k;
			whole = false;
		}
	}
	if (!whole)
		LG_TRY(range_hash(cx, v, tenant, from, size, &path[(*n)++]));
	turn_round(path, *n);
	return LG_OK;
}
