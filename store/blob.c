/*
 * blob.c: sealed secrets beside the log.  The record names a blob by id and SHA-256; the bytes are a row of a table that no
 * record repeats, so that deleting the row erases the secret and the chain still holds.  row = SHA-256, sealed bytes.
 */
#include "store/internal.h"

const struct lg_table lg_table_blob = { .name = "lg.blob", .id = LG_TABLE_OWN + 3 };

enum { KEY = sizeof(uint32_t) + sizeof(lg_uuid), HASH = sizeof(lg_sha256) };

static lg_str
blob_key(char key[KEY], uint32_t tenant, lg_uuid id)
{
	lg_be32(key, tenant);
	memcpy(key + sizeof tenant, id.b, sizeof id.b);
	return (lg_str){ key, KEY };
}

static lg_err
check(struct lg_ctx *cx, struct lg_view *v)
{
	if (v->scope == NULL)
		return lg_fail(cx, LG_E_INTERNAL, "a blob is written outside a mutation");
	return v->scope->fault;
}

lg_err
lg_blob_put(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_str sealed, lg_uuid *ret)
{
	lg_uuid id = lg_uuid_new();
	char key[KEY];

	LG_TRY(check(cx, v));
	if (sealed.n > LG_VALUE_MAX)
		return lg_scope_fault(cx, v, LG_E_LIMIT, "a blob of %zu octets", sealed.n);
	lg_sha256 h = lg_sha256_of(sealed);
	struct lg_effect effect = { .op = LG_EFFECT_BLOB_PUT, .table = lg_table_blob.id, .key = blob_key(key, tenant, id),
		.value = lg_sha256_str(&h) };
	LG_TRY(lg_scope_effect(cx, v, &effect));
	v->scope->bytes += sealed.n;
	if (v->scope->bytes > LG_MUTATION_BYTES)
		return lg_scope_fault(cx, v, LG_E_LIMIT, "a mutation writes more than %u bytes", LG_MUTATION_BYTES);
	lg_str row = lg_cat(v->scope->arena, lg_sha256_str(&h), sealed);
	LG_TRY(lg_row_change(cx, v, &lg_table_blob, effect.key, NULL, &row));
	*ret = id;
	return LG_OK;
}

lg_err
lg_blob_get(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_uuid id, lg_str *ret)
{
	char key[KEY];
	lg_str row;

	LG_TRY(lg_get(cx, v, &lg_table_blob, blob_key(key, tenant, id), &row));
	lg_str sealed = lg_str_sub(row, HASH, row.n);
	lg_sha256 h = lg_sha256_of(sealed);
	if (!lg_str_starts(row, lg_sha256_str(&h)))
		return lg_fail(cx, LG_E_CORRUPT, "a blob does not have the digest its record names");
	*ret = sealed;
	return LG_OK;
}

lg_err
lg_blob_del(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_uuid id)
{
	char key[KEY];
	lg_str row;

	LG_TRY(check(cx, v));
	lg_str k = blob_key(key, tenant, id);
	LG_TRY(lg_get(cx, v, &lg_table_blob, k, &row));
	struct lg_effect effect = { .op = LG_EFFECT_BLOB_DEL, .table = lg_table_blob.id, .key = k };
	LG_TRY(lg_scope_effect(cx, v, &effect));
	return lg_row_change(cx, v, &lg_table_blob, k, &row, NULL);
}
