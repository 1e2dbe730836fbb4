/* tenant.c: naming contexts: a row, a suffix entry and the usual containers each. */
#include "directory/tenant.h"

#include "directory/edit.h"
#include "directory/find.h"
#include "directory/result.h"
#include "directory/tables.h"

enum { TENANT_VERSION = 1 };

bool
lg_tenant_decode(lg_str value, struct lg_tenant_row *ret)
{
	struct lg_rd rd = lg_rd_of(value);
	bool known = lg_rd_u8(&rd) == TENANT_VERSION;
	lg_str uuid;

	ret->name = lg_rd_str32(&rd);
	ret->suffix = lg_rd_str32(&rd);
	ret->normal = lg_rd_str32(&rd);
	uuid = lg_rd_bytes(&rd, sizeof ret->uuid.b);
	ret->entry = lg_rd_u64(&rd);
	if (!known || !lg_rd_done(&rd))
		return false;
	memcpy(ret->uuid.b, uuid.p, sizeof ret->uuid.b);
	return true;
}

lg_err
lg_tenant_row(struct lg_ctx *cx, struct lg_view *v, uint32_t id, struct lg_tenant_row *ret)
{
	struct lg_dkey k = lg_key_tenant(id);
	lg_str row;

	LG_TRY(lg_get(cx, v, &lg_table_tenant, lg_dkey_str(&k), &row));
	if (!lg_tenant_decode(row, ret))
		return lg_fail(cx, LG_E_CORRUPT, "tenant %u does not decode", id);
	return LG_OK;
}

lg_err
lg_tenant_get(struct lg_ctx *cx, struct lg_view *v, uint32_t id, struct lg_tenant *ret)
{
	struct lg_tenant_row row;

	LG_TRY(lg_tenant_row(cx, v, id, &row));
	*ret = (struct lg_tenant){ id, row.name, row.suffix, row.uuid };
	return LG_OK;
}

lg_err
lg_tenant_list(struct lg_ctx *cx, struct lg_view *v, struct lg_tenant **ret, size_t *n)
{
	LG_AUTO(lg_cursor_end) struct lg_cursor c = { 0 };
	struct lg_tenant *list;
	struct lg_tenant_row row;
	uint64_t count;
	lg_str key, value;
	size_t at = 0;

	LG_TRY(lg_table_count(cx, v, &lg_table_tenant, &count));
	list = LG_NEWS(cx->arena, struct lg_tenant, count);
	LG_TRY(lg_scan(cx, v, &lg_table_tenant, LG_NONE, LG_NONE, &c));
	while (at < count && lg_cursor_next(&c, &key, &value)) {
		if (!lg_tenant_decode(value, &row))
			return lg_fail(cx, LG_E_CORRUPT, "a tenant does not decode");
		list[at++] = (struct lg_tenant){ (uint32_t)lg_id_of(key), row.name, row.suffix, row.uuid };
	}
	*ret = list;
	*n = at;
	return LG_OK;
}

lg_err
lg_tenant_by_name(struct lg_ctx *cx, struct lg_view *v, lg_str name, struct lg_tenant *ret)
{
	struct lg_tenant *list;
	size_t n;

	LG_TRY(lg_tenant_list(cx, v, &list, &n));
	for (size_t i = 0; i < n; i++)
		if (lg_str_eq_fold(list[i].name, name)) {
			*ret = list[i];
			return LG_OK;
		}
	return LG_E_NOT_FOUND;
}

/* ---- adding one ------------------------------------------------------------------------------------------------------ */

/* Neither the name nor a suffix at, above or below the new one. */
static lg_err
check_free(struct lg_ctx *cx, struct lg_view *v, uint32_t id, lg_str name, lg_str normal)
{
	LG_AUTO(lg_cursor_end) struct lg_cursor c = { 0 };
	struct lg_tenant_row row;
	lg_str key, value;
	size_t n = 0;

	LG_TRY(lg_scan(cx, v, &lg_table_tenant, LG_NONE, LG_NONE, &c));
	while (lg_cursor_next(&c, &key, &value)) {
		if (!lg_tenant_decode(value, &row))
			return lg_fail(cx, LG_E_CORRUPT, "a tenant does not decode");
		if (lg_id_of(key) == id || lg_str_eq_fold(row.name, name))
			return lg_fail(cx, LG_E_EXISTS, "tenant %u or the name '%.*s' is taken", id, LG_FMT(name));
		if (lg_str_starts(row.normal, normal) || lg_str_starts(normal, row.normal))
			return lg_fail(cx, LG_E_EXISTS, "the suffix overlaps '%.*s'", LG_FMT(row.suffix));
		if (++n >= LG_TENANTS)
			return lg_fail(cx, LG_E_LIMIT, "there are %d tenants already", LG_TENANTS);
	}
	return LG_OK;
}

/* What the first RDN of a suffix says of its entry's class. */
static const struct {
	uint16_t attr;
	const char *classes;
} suffix_classes[] = {
	{ LG_A_DC, "domain" },
	{ LG_A_O, "organization" },
	{ LG_A_OU, "organizationalUnit" },
};

static lg_err
add_suffix_entry(struct lg_ctx *cx, struct lg_edit *ed, const struct lg_dn *dn, struct lg_entry *ret)
{
	const struct lg_ava *ava = &dn->rdn[0].ava[0];

	for (size_t i = 0; i < LG_COUNT(suffix_classes); i++)
		if (ava->attr->id == suffix_classes[i].attr) {
			lg_str class = lg_str_of(suffix_classes[i].classes);
			struct lg_values values[] = { { LG_STR("objectClass"), &class, 1 }, { ava->type, &ava->value, 1 } };
			return lg_entry_insert(cx, ed, dn, 0, values, LG_COUNT(values), ret);
		}
	return lg_fail(cx, LG_E_INVALID, "a suffix begins with dc, o or ou");
}

static lg_err
add_row(struct lg_ctx *cx, struct lg_edit *ed, lg_str name, const struct lg_entry *e, lg_str normal)
{
	struct lg_buf b = LG_BUF(LG_ENTRY_BYTES);
	struct lg_dkey k = lg_key_tenant(ed->tenant);
	lg_str row;

	lg_buf_byte(&b, TENANT_VERSION);
	lg_buf_str32(&b, name);
	lg_buf_str32(&b, e->rdn);
	lg_buf_str32(&b, normal);
	lg_buf_bytes(&b, e->uuid.b, sizeof e->uuid.b);
	lg_buf_u64(&b, e->id);
	row = lg_dup(cx->arena, lg_buf_view(&b));
	lg_buf_free(&b);
	return lg_put(cx, ed->v, &lg_table_tenant, lg_dkey_str(&k), row);
}

lg_err
lg_tenant_add(struct lg_ctx *cx, struct lg_directory *dir, struct lg_view *v, uint32_t id, lg_str name, lg_str suffix)
{
	struct lg_edit ed = lg_edit_of(dir, v, id);
	struct lg_entry e;
	struct lg_dn dn;
	lg_str normal;

	if (id == 0 || name.n == 0 || name.n > LG_SUFFIX_MAX)
		return lg_fail(cx, LG_E_INVALID, "a tenant needs a number and a name");
	if (!lg_dn_parse(cx->arena, suffix, &dn) || dn.n == 0 || !lg_dn_known(&dn) || dn.rdn[0].n > 1)
		return lg_fail(cx, LG_E_INVALID, "'%.*s' is no suffix", LG_FMT(lg_str_sub(suffix, 0, 200)));
	normal = lg_dn_normal(cx->arena, &dn);
	if (normal.n > LG_SUFFIX_MAX)
		return lg_fail(cx, LG_E_LIMIT, "a suffix has at most %d octets", LG_SUFFIX_MAX);
	LG_TRY(check_free(cx, v, id, name, normal));
	LG_TRY(add_suffix_entry(cx, &ed, &dn, &e));
	LG_TRY(add_row(cx, &ed, name, &e, normal));
	for (unsigned t = 0; t < LG_TYPES; t++) {
		struct lg_entry container;
		if (lg_type_forms[t].container != NULL)
			LG_TRY(lg_container_make(cx, &ed, (enum lg_entry_type)t, &container));
	}
	return LG_OK;
}
