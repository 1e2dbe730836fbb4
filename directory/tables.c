/* tables.c: table declarations, keys, and the index rows that follow from entries, memberships and tenants. */
#include "directory/tables.h"

#include <assert.h>

#include "directory/entry.h"
#include "directory/indexes.h"
#include "directory/tenant.h"

/* ---- keys ------------------------------------------------------------------------------------------------------ */

void
lg_dkey_bytes(struct lg_dkey *k, lg_str s)
{
	assert(s.n <= sizeof k->b - k->n);
	if (s.n > 0)
		memcpy(k->b + k->n, s.p, s.n);
	k->n += s.n;
}

static void
put_integer(struct lg_dkey *k, uint64_t v, size_t octets)
{
	char b[8];

	for (size_t i = 0; i < octets; i++)
		b[i] = (char)(v >> (8 * (octets - 1 - i)));
	lg_dkey_bytes(k, (lg_str){ b, octets });
}

void
lg_dkey_u8(struct lg_dkey *k, uint8_t v)
{
	put_integer(k, v, 1);
}

void
lg_dkey_u16(struct lg_dkey *k, uint16_t v)
{
	put_integer(k, v, 2);
}

static void
key_u32(struct lg_dkey *k, uint32_t v)
{
	put_integer(k, v, 4);
}

void
lg_dkey_u64(struct lg_dkey *k, uint64_t v)
{
	put_integer(k, v, 8);
}

/* Long values keep their beginning, for substring scans, and differ by their digest. */
static void
key_short(struct lg_dkey *k, lg_str normal)
{
	lg_sha256 digest;

	if (normal.n <= LG_SHORT_MAX) {
		lg_dkey_bytes(k, normal);
		return;
	}
	digest = lg_sha256_of(normal);
	lg_dkey_bytes(k, lg_str_sub(normal, 0, LG_SHORT_MAX - sizeof digest.b));
	lg_dkey_bytes(k, lg_sha256_str(&digest));
}

struct lg_dkey
lg_key_tenant(uint32_t tenant)
{
	struct lg_dkey k = { .n = 0 };

	key_u32(&k, tenant);
	return k;
}

struct lg_dkey
lg_key_id(uint32_t tenant, uint64_t id)
{
	struct lg_dkey k = lg_key_tenant(tenant);

	lg_dkey_u64(&k, id);
	return k;
}

struct lg_dkey
lg_key_pair(uint32_t tenant, uint64_t a, uint64_t b)
{
	struct lg_dkey k = lg_key_id(tenant, a);

	lg_dkey_u64(&k, b);
	return k;
}

struct lg_dkey
lg_key_dn(uint32_t tenant, uint64_t parent, lg_str rdn_normal)
{
	struct lg_dkey k = lg_key_id(tenant, parent);

	key_short(&k, rdn_normal);
	return k;
}

struct lg_dkey
lg_key_uuid(uint32_t tenant, lg_uuid uuid)
{
	struct lg_dkey k = lg_key_tenant(tenant);

	lg_dkey_bytes(&k, (lg_str){ (const char *)uuid.b, sizeof uuid.b });
	return k;
}

struct lg_dkey
lg_key_name(uint32_t tenant, enum lg_entry_type type, lg_str name_normal)
{
	struct lg_dkey k = lg_key_tenant(tenant);

	lg_dkey_u8(&k, (uint8_t)type);
	key_short(&k, name_normal);
	return k;
}

struct lg_dkey
lg_key_event(uint32_t tenant, int64_t time, uint64_t stamp)
{
	return lg_key_pair(tenant, (uint64_t)time, stamp);
}

struct lg_dkey
lg_key_initial(uint32_t tenant, uint16_t attr, lg_str initial)
{
	struct lg_dkey k = lg_key_tenant(tenant);

	lg_dkey_u16(&k, attr);
	lg_dkey_bytes(&k, lg_str_sub(initial, 0, LG_SHORT_MAX - sizeof(lg_sha256)));
	return k;
}

struct lg_dkey
lg_key_equal(uint32_t tenant, uint16_t attr, lg_str normal)
{
	struct lg_dkey k = lg_key_tenant(tenant);

	lg_dkey_u16(&k, attr);
	key_short(&k, normal);
	lg_dkey_u8(&k, 0);
	return k;
}

uint64_t
lg_id_of(lg_str bytes)
{
	uint64_t id = 0;

	for (size_t i = bytes.n < 8 ? 0 : bytes.n - 8; i < bytes.n; i++)
		id = id << 8 | (unsigned char)bytes.p[i];
	return id;
}

lg_str
lg_id_str(struct lg_arena *a, uint64_t id)
{
	struct lg_dkey k = { .n = 0 };

	lg_dkey_u64(&k, id);
	return lg_dup(a, lg_dkey_str(&k));
}

/* ---- index rows ---------------------------------------------------------------------------------------------------- */

static void
derive_tenant(struct lg_derive *d, lg_str key, lg_str value)
{
	struct lg_tenant_row row;

	if (lg_tenant_decode(value, &row))
		lg_emit(d, &lg_table_suffix, row.normal, key);
}

static void
emit_id(struct lg_derive *d, const struct lg_table *t, struct lg_dkey k, uint64_t id)
{
	lg_dkey_u64(&k, id);
	lg_emit(d, t, lg_dkey_str(&k), LG_NONE);
}

/* Every piece of the value; one that comes twice is one row. */
static void
derive_grams(struct lg_derive *d, const struct lg_entry *e, uint16_t attr, lg_str normal)
{
	if (normal.n > LG_GRAM_VALUE)
		emit_id(d, &lg_table_gram, lg_key_gram(e->tenant, attr, lg_gram_long), e->id);
	else
		for (size_t i = 0; i + LG_GRAM <= normal.n; i++)
			emit_id(d, &lg_table_gram, lg_key_gram(e->tenant, attr, normal.p + i), e->id);
}

static void
derive_values(struct lg_derive *d, const struct lg_entry *e, struct lg_arena *a)
{
	struct lg_attr_it it = lg_attr_it_of(e);
	struct lg_attr_values av;
	lg_str v, normal;

	while (lg_attr_next(&it, &av)) {
		unsigned wanted = lg_index_wanted(e->tenant, av.attr);
		if ((wanted & LG_INDEX_PRESENT) != 0)
			emit_id(d, &lg_table_present, lg_key_present(e->tenant, av.attr->id), e->id);
		while ((wanted & (LG_INDEX_EQUAL | LG_INDEX_SUBSTR)) != 0 && lg_value_next(&av, &v)) {
			if (!lg_stored_normal(a, av.attr, v, &normal))
				continue;
			if ((wanted & LG_INDEX_EQUAL) != 0)
				emit_id(d, &lg_table_equal, lg_key_equal(e->tenant, av.attr->id, normal), e->id);
			if ((wanted & LG_INDEX_SUBSTR) != 0)
				derive_grams(d, e, av.attr->id, normal);
		}
	}
}

static void
derive_entry(struct lg_derive *d, lg_str key, lg_str value)
{
	LG_AUTO(lg_arena_free) struct lg_arena *a = lg_arena_new();
	struct lg_entry e;
	struct lg_dkey k;
	lg_str id = lg_str_sub(key, 4, 8), normal;

	if (!lg_entry_decode(key, value, &e))
		return;
	k = lg_key_dn(e.tenant, e.parent, e.rdn_normal);
	lg_emit(d, &lg_table_dn, lg_dkey_str(&k), id);
	k = lg_key_uuid(e.tenant, e.uuid);
	lg_emit(d, &lg_table_uuid, lg_dkey_str(&k), id);
	if (e.name.n > 0 && lg_normal(a, LG_FORM_CASE_IGNORE, e.name, &normal)) {
		k = lg_key_name(e.tenant, e.type, normal);
		lg_emit(d, &lg_table_name, lg_dkey_str(&k), id);
	}
	k = lg_key_event(e.tenant, e.modified, e.stamp);
	lg_dkey_bytes(&k, id);
	lg_emit(d, &lg_table_changed, lg_dkey_str(&k), LG_NONE);
	derive_values(d, &e, a);
}

static void
derive_member(struct lg_derive *d, lg_str key, lg_str value)
{
	struct lg_dkey k = { .n = 0 };

	lg_dkey_bytes(&k, lg_str_sub(key, 0, 4));
	lg_dkey_bytes(&k, lg_str_sub(key, 12, 8));
	lg_dkey_bytes(&k, lg_str_sub(key, 4, 8));
	lg_emit(d, &lg_table_memberof, lg_dkey_str(&k), value);
}

/* ---- declarations ------------------------------------------------------------------------------------------------------- */

const struct lg_table lg_table_tenant = { "dir.tenant", 0x0101, false, true, LG_DOMAIN_NONE, derive_tenant };
const struct lg_table lg_table_entry = { "dir.entry", 0x0102, false, false, LG_DOMAIN_ENTRY, derive_entry };
const struct lg_table lg_table_member = { "dir.member", 0x0103, false, false, LG_DOMAIN_MEMBERSHIP, derive_member };
const struct lg_table lg_table_password = { "dir.password", 0x0104, false, false, LG_DOMAIN_NONE, NULL };
const struct lg_table lg_table_schema = { "dir.schema", 0x0107, false, false, LG_DOMAIN_SCHEMA, NULL };
const struct lg_table lg_table_index = { "dir.index", 0x0108, false, false, LG_DOMAIN_SCHEMA, NULL };
const struct lg_table lg_table_present = { "dir.present", 0x0118, true, false, LG_DOMAIN_NONE, NULL };
const struct lg_table lg_table_gram = { "dir.gram", 0x0119, true, false, LG_DOMAIN_NONE, NULL };
const struct lg_table lg_table_suffix = { "dir.suffix", 0x0111, true, true, LG_DOMAIN_NONE, NULL };
const struct lg_table lg_table_dn = { "dir.dn", 0x0112, true, false, LG_DOMAIN_NONE, NULL };
const struct lg_table lg_table_uuid = { "dir.uuid", 0x0113, true, false, LG_DOMAIN_NONE, NULL };
const struct lg_table lg_table_name = { "dir.name", 0x0114, true, false, LG_DOMAIN_NONE, NULL };
const struct lg_table lg_table_equal = { "dir.equal", 0x0115, true, false, LG_DOMAIN_NONE, NULL };
const struct lg_table lg_table_memberof = { "dir.memberof", 0x0116, true, false, LG_DOMAIN_NONE, NULL };
const struct lg_table lg_table_changed = { "dir.changed", 0x0117, true, false, LG_DOMAIN_NONE, NULL };
const struct lg_table lg_table_gone = { "dir.gone", 0x0105, false, false, LG_DOMAIN_NONE, NULL };
const struct lg_table lg_table_bounds = { "dir.bounds", 0x0106, false, false, LG_DOMAIN_NONE, NULL };

const struct lg_table *const lg_directory_tables[] = {
	&lg_table_tenant, &lg_table_entry, &lg_table_member, &lg_table_password, &lg_table_schema, &lg_table_index, &lg_table_present, &lg_table_gram, &lg_table_suffix, &lg_table_dn, &lg_table_uuid, &lg_table_name,
	&lg_table_equal, &lg_table_memberof, &lg_table_changed, &lg_table_gone, &lg_table_bounds,
};
const size_t lg_directory_ntables = LG_COUNT(lg_directory_tables);
