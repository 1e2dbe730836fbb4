/* entry.c: encoding and decoding of stored entries. */
#include "directory/entry.h"

/* Of a row: what follows from the rest is not written. */
enum { DISABLED = 1, CHANGED = 2, CREATOR = 4, MODIFIER = 8, NAMED = 16 };

/* The name is what stands behind the RDN's first '='. */
static bool
ends_with_name(lg_str rdn, lg_str name)
{
	size_t type = rdn.n - name.n;

	return rdn.n > name.n && memchr(rdn.p, '=', rdn.n) == rdn.p + type - 1 && lg_str_eq(lg_str_sub(rdn, type, rdn.n), name);
}

static lg_str
behind_type(lg_str rdn)
{
	lg_str type, name;

	return lg_str_cut(rdn, '=', &type, &name) ? name : LG_NONE;
}

static unsigned
flags_of(const struct lg_entry *e)
{
	return (e->enabled ? 0u : DISABLED) | (e->modified == e->created ? 0u : CHANGED) | (lg_uuid_is_nil(e->creator) ? 0u : CREATOR) |
	    (lg_uuid_is_nil(e->modifier) ? 0u : MODIFIER) | (ends_with_name(e->rdn, e->name) ? NAMED : 0u);
}

lg_str
lg_entry_encode(struct lg_arena *a, const struct lg_entry *e)
{
	struct lg_buf b = LG_BUF(e->body.n + 3 * UINT16_MAX);
	unsigned flags = flags_of(e);
	lg_str row;

	lg_buf_byte(&b, LG_ENTRY_VERSION);
	lg_buf_byte(&b, (char)e->type);
	lg_buf_byte(&b, (char)flags);
	lg_buf_varint(&b, e->parent);
	lg_buf_varint(&b, e->stamp);
	lg_buf_uuid(&b, e->uuid);
	lg_buf_u64(&b, (uint64_t)e->created);
	if ((flags & CHANGED) != 0)
		lg_buf_u64(&b, (uint64_t)e->modified);
	if ((flags & CREATOR) != 0)
		lg_buf_uuid(&b, e->creator);
	if ((flags & MODIFIER) != 0)
		lg_buf_uuid(&b, e->modifier);
	lg_buf_varstr(&b, e->rdn);
	lg_buf_varstr(&b, e->rdn_normal);
	if ((flags & NAMED) == 0)
		lg_buf_varstr(&b, e->name);
	lg_buf_str(&b, e->body);
	row = lg_dup(a, lg_buf_view(&b));
	lg_buf_free(&b);
	return row;
}

bool
lg_entry_decode(lg_str key, lg_str row, struct lg_entry *ret)
{
	struct lg_rd k = lg_rd_of(key), rd = lg_rd_of(row);
	struct lg_entry e = { .tenant = lg_rd_u32(&k), .id = lg_rd_u64(&k) };
	uint8_t type, flags;

	if (!lg_rd_done(&k) || lg_rd_u8(&rd) != LG_ENTRY_VERSION)
		return false;
	type = lg_rd_u8(&rd);
	flags = lg_rd_u8(&rd);
	e.type = (enum lg_entry_type)type;
	e.enabled = (flags & DISABLED) == 0;
	e.parent = lg_rd_varint(&rd);
	e.stamp = lg_rd_varint(&rd);
	e.uuid = lg_rd_uuid(&rd);
	e.created = (int64_t)lg_rd_u64(&rd);
	e.modified = (flags & CHANGED) != 0 ? (int64_t)lg_rd_u64(&rd) : e.created;
	if ((flags & CREATOR) != 0)
		e.creator = lg_rd_uuid(&rd);
	if ((flags & MODIFIER) != 0)
		e.modifier = lg_rd_uuid(&rd);
	e.rdn = lg_rd_varstr(&rd);
	e.rdn_normal = lg_rd_varstr(&rd);
	e.name = (flags & NAMED) != 0 ? behind_type(e.rdn) : lg_rd_varstr(&rd);
	e.body = (lg_str){ (const char *)rd.p, (size_t)(rd.end - rd.p) };
	if (rd.bad || type >= LG_TYPES)
		return false;
	*ret = e;
	return true;
}

/* ---- attributes ---------------------------------------------------------------------------------------------- */

struct lg_attr_it
lg_attr_it_of(const struct lg_entry *e)
{
	return (struct lg_attr_it){ lg_rd_of(e->body) };
}

/* Past the next block, whose values are not looked at; false at the end. */
static bool
next_block(struct lg_rd *rd, uint64_t *id, lg_str *block)
{
	if (rd->p >= rd->end || rd->bad)
		return false;
	*id = lg_rd_varint(rd);
	*block = lg_rd_varstr(rd);
	return !rd->bad && *id <= UINT16_MAX;
}

static bool
open_block(uint64_t id, lg_str block, struct lg_attr_values *ret)
{
	ret->rd = lg_rd_of(block);
	ret->n = (uint32_t)lg_rd_varint(&ret->rd);
	ret->attr = lg_attr_of((unsigned)id);
	return ret->attr != NULL;
}

bool
lg_attr_next(struct lg_attr_it *it, struct lg_attr_values *ret)
{
	uint64_t id;
	lg_str block;

	while (next_block(&it->rd, &id, &block))
		if (open_block(id, block, ret))
			return true;
	return false;
}

bool
lg_value_next(struct lg_attr_values *av, lg_str *ret)
{
	if (av->rd.p == av->rd.end)
		return false;
	*ret = lg_rd_varstr(&av->rd);
	return !av->rd.bad;
}

bool
lg_entry_values(const struct lg_entry *e, unsigned id, struct lg_attr_values *ret)
{
	struct lg_attr_it it = lg_attr_it_of(e);
	uint64_t at;
	lg_str block;

	while (next_block(&it.rd, &at, &block))
		if (at == id)
			return open_block(at, block, ret);
	return false;
}

bool
lg_entry_first(const struct lg_entry *e, unsigned id, lg_str *ret)
{
	struct lg_attr_values av;

	return lg_entry_values(e, id, &av) && lg_value_next(&av, ret);
}

const struct lg_class *
lg_entry_structural(const struct lg_entry *e)
{
	const struct lg_class *deepest = NULL;
	struct lg_attr_values av;
	lg_str name;

	if (!lg_entry_values(e, LG_A_OBJECT_CLASS, &av))
		return NULL;
	while (lg_value_next(&av, &name)) {
		const struct lg_class *c = lg_class_find(name);
		if (c == NULL || !lg_class_structural(c))
			continue;
		if (deepest == NULL || deepest->kind == LG_CLASS_BESIDE || (c->kind == LG_CLASS_STRUCTURAL && lg_class_is(c, deepest)))
			deepest = c;
	}
	return deepest;
}

bool
lg_alias_of(const struct lg_entry *e, lg_str *ret)
{
	const struct lg_class *c;

	return lg_entry_first(e, LG_A_ALIASED, ret) && (c = lg_entry_structural(e)) != NULL && lg_str_eq(lg_class_name(c), LG_STR("alias"));
}

bool
lg_entry_value(const struct lg_entry *e, lg_str attribute, size_t i, lg_str *ret)
{
	const struct lg_attr *at = lg_attr_find(attribute);
	struct lg_attr_values av;
	lg_str v;

	if (at == NULL || (at->flags & LG_AF_SECRET) != 0 || !lg_entry_values(e, at->id, &av))
		return false;
	while (lg_value_next(&av, &v))
		if (i-- == 0) {
			*ret = v;
			return true;
		}
	return false;
}

bool
lg_stored_normal(struct lg_arena *a, const struct lg_attr *at, lg_str stored, lg_str *ret)
{
	if ((at->flags & (LG_AF_SECRET | LG_AF_REFERENCE)) != 0) {
		*ret = stored;
		return true;
	}
	/* Without an equality rule, values are the same when their octets are (RFC 4512 2.5.1 allows to say so). */
	return lg_normal(a, lg_attr_form(at) == LG_FORM_NONE ? LG_FORM_OCTETS : lg_attr_form(at), stored, ret);
}

void
lg_body_attr(struct lg_buf *out, const struct lg_attr *at, const lg_str *v, size_t n)
{
	size_t size = lg_varint_size(n);

	for (size_t i = 0; i < n; i++)
		size += lg_varint_size(v[i].n) + v[i].n;
	lg_buf_varint(out, at->id);
	lg_buf_varint(out, size);
	lg_buf_varint(out, n);
	for (size_t i = 0; i < n; i++)
		lg_buf_varstr(out, v[i]);
}
