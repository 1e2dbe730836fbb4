/* indexes.c: choosing indexes, and building them beside the running service. */
#include "directory/indexes.h"

#include <stdio.h>
#include <stdlib.h>

#include "directory/directory.h"
#include "directory/result.h"
#include "directory/schema_own.h"

enum { STATE_WANTED = 1, STATE_DROPPED = 2, STEP_ROWS = 500 };

const char lg_gram_long[LG_GRAM] = { '\xff', '\xff', '\xff' };

static const struct {
	const char *name;
	unsigned bit;
	const struct lg_table *table;
} kinds[] = {
	{ "equality", LG_INDEX_EQUAL, &lg_table_equal },
	{ "ordering", LG_INDEX_EQUAL, &lg_table_equal },	/* the same rows, in the order of their values */
	{ "presence", LG_INDEX_PRESENT, &lg_table_present },
	{ "substring", LG_INDEX_SUBSTR, &lg_table_gram },
};

/* ---- the choices in force, as all threads see them --------------------------------------------------------------------- */

struct choice {
	uint32_t tenant;
	uint16_t attr;
	uint8_t wanted, ready;
};

/* Replaced as a whole; old ones stay for whoever reads them, linked so that they can be found. */
static struct set {
	struct set *before;
	size_t n;
	struct choice row[];
} *in_force;

static const struct choice *
choice_of(uint32_t tenant, uint16_t attr)
{
	const struct set *s = __atomic_load_n(&in_force, __ATOMIC_ACQUIRE);

	for (size_t i = 0; s != NULL && i < s->n; i++)
		if (s->row[i].tenant == tenant && s->row[i].attr == attr)
			return &s->row[i];
	return NULL;
}

unsigned
lg_index_wanted(uint32_t tenant, const struct lg_attr *at)
{
	const struct choice *c = choice_of(tenant, at->id);

	return (c == NULL ? 0u : c->wanted) | ((at->flags & LG_AF_INDEXED) != 0 ? LG_INDEX_EQUAL : 0u);
}

unsigned
lg_index_ready(uint32_t tenant, const struct lg_attr *at)
{
	const struct choice *c = choice_of(tenant, at->id);

	return (c == NULL ? 0u : c->ready) | ((at->flags & LG_AF_INDEXED) != 0 ? LG_INDEX_EQUAL : 0u);
}

/* ---- rows: T u16 attribute u8 kind -> u8 state, u64 generation, u64 entries at the beginning ----------------------------- */

struct lg_dkey
lg_key_present(uint32_t tenant, uint16_t attr)
{
	struct lg_dkey k = lg_key_tenant(tenant);

	lg_dkey_u16(&k, attr);
	return k;
}

struct lg_dkey
lg_key_gram(uint32_t tenant, uint16_t attr, const char *gram)
{
	struct lg_dkey k = lg_key_present(tenant, attr);

	lg_dkey_bytes(&k, (lg_str){ gram, LG_GRAM });
	return k;
}

static struct lg_dkey
row_key(uint32_t tenant, uint16_t attr, unsigned kind)
{
	struct lg_dkey k = lg_key_present(tenant, attr);

	lg_dkey_u8(&k, (uint8_t)kind);
	return k;
}

struct row {
	uint32_t tenant;
	uint16_t attr;
	unsigned kind;			/* index of kinds[] */
	unsigned state;
	uint64_t generation;
	char mark[64];
	uint64_t done;
};

static bool
decode(lg_str key, lg_str value, struct row *ret)
{
	struct lg_rd rd = lg_rd_of(value);

	if (key.n != 7 || value.n != 9)
		return false;
	*ret = (struct row){ .tenant = (uint32_t)lg_id_of(lg_str_sub(key, 0, 4)), .attr = (uint16_t)lg_id_of(lg_str_sub(key, 4, 2)),
		.kind = (unsigned char)key.p[6] };
	ret->state = lg_rd_u8(&rd);
	ret->generation = lg_rd_u64(&rd);
	(void)snprintf(ret->mark, sizeof ret->mark, "index.%u.%u.%u.%llu", ret->tenant, ret->attr, ret->kind,
	    (unsigned long long)ret->generation);
	return ret->kind < LG_COUNT(kinds) && lg_attr_of(ret->attr) != NULL;
}

static lg_err
list_rows(struct lg_ctx *cx, struct lg_view *v, lg_str prefix, struct row **ret, size_t *n)
{
	LG_AUTO(lg_cursor_end) struct lg_cursor c = { 0 };
	struct row *list = LG_NEWS(cx->arena, struct row, LG_INDEXES);
	lg_str key, value;

	*n = 0;
	LG_TRY(lg_scan(cx, v, &lg_table_index, prefix, LG_NONE, &c));
	while (*n < LG_INDEXES && lg_cursor_next(&c, &key, &value))
		if (decode(key, value, &list[*n])) {
			LG_TRY(lg_store_mark(cx, v, list[*n].mark, &list[*n].done));
			++*n;
		}
	*ret = list;
	return LG_OK;
}

static lg_err
load(struct lg_ctx *cx, struct lg_view *v)
{
	struct row *row;
	struct set *s;
	size_t n;

	LG_TRY(list_rows(cx, v, LG_NONE, &row, &n));
	s = calloc(1, sizeof *s + n * sizeof s->row[0]);
	if (s == NULL)
		abort();
	for (size_t i = 0; i < n; i++) {
		struct choice *c = s->n > 0 ? &s->row[s->n - 1] : NULL;
		if (row[i].state != STATE_WANTED)
			continue;
		if (c == NULL || c->tenant != row[i].tenant || c->attr != row[i].attr) {
			c = &s->row[s->n++];
			*c = (struct choice){ .tenant = row[i].tenant, .attr = row[i].attr };
		}
		c->wanted |= (uint8_t)kinds[row[i].kind].bit;
		if (row[i].done == LG_MARK_DONE)
			c->ready |= (uint8_t)kinds[row[i].kind].bit;
	}
	s->before = __atomic_load_n(&in_force, __ATOMIC_ACQUIRE);
	__atomic_store_n(&in_force, s, __ATOMIC_RELEASE);
	return LG_OK;
}

static lg_err
load_now(struct lg_ctx *cx, struct lg_store *st)
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;

	lg_store_turn(st);
	LG_TRY(lg_view_begin(cx, st, &v));
	return load(cx, v);
}

lg_err
lg_indexes_follow(struct lg_ctx *cx, struct lg_store *st)
{
	static struct lg_schema_rows_reader reader = { load };

	return lg_schema_rows_follow(cx, st, &reader);
}

/* ---- choosing ------------------------------------------------------------------------------------------------------------------ */

static bool
kind_of(lg_str name, unsigned *ret)
{
	for (unsigned i = 0; i < LG_COUNT(kinds); i++)
		if (lg_str_eq_fold(name, lg_str_of(kinds[i].name))) {
			*ret = kinds[i].bit == LG_INDEX_EQUAL ? 0 : i;
			return true;
		}
	return false;
}

/* What an index could not serve. */
static lg_err
check_fit(struct lg_ctx *cx, struct lg_edit *ed, const struct lg_attr *at, unsigned kind)
{
	unsigned unfit = LG_AF_COMPUTED | LG_AF_MEMBER | LG_AF_SECRET;

	if ((at->flags & unfit) != 0)
		return lg_refuse(cx, ed, LG_LDAP_UNWILLING, "%.*s is not stored in entries: it needs no index", LG_FMT(lg_attr_name(at)));
	if (kinds[kind].bit == LG_INDEX_EQUAL && (at->flags & LG_AF_INDEXED) != 0)
		return lg_refuse(cx, ed, LG_LDAP_VALUE_EXISTS, "%.*s has that index always", LG_FMT(lg_attr_name(at)));
	if (kinds[kind].bit == LG_INDEX_EQUAL && lg_attr_form(at) == LG_FORM_NONE)
		return lg_refuse(cx, ed, LG_LDAP_INAPPROPRIATE_MATCHING, "%.*s has no equality rule", LG_FMT(lg_attr_name(at)));
	if (kinds[kind].bit == LG_INDEX_SUBSTR && (at->substrings == LG_R_NONE || lg_rules[at->substrings].form != lg_attr_form(at)))
		return lg_refuse(cx, ed, LG_LDAP_INAPPROPRIATE_MATCHING, "%.*s has no substring rule", LG_FMT(lg_attr_name(at)));
	return LG_OK;
}

static lg_err
put_state(struct lg_ctx *cx, struct lg_edit *ed, const struct lg_dkey *k, unsigned state)
{
	struct lg_dkey value = { .n = 0 };

	lg_dkey_u8(&value, (uint8_t)state);
	lg_dkey_u64(&value, lg_view_new_id(ed->v));
	return lg_put(cx, ed->v, &lg_table_index, lg_dkey_str(k), lg_dup(cx->arena, lg_dkey_str(&value)));
}

lg_err
lg_index_choose(struct lg_ctx *cx, struct lg_edit *ed, lg_str attribute, lg_str kind, bool on)
{
	const struct lg_attr *at = lg_attr_find(attribute);
	struct lg_dkey k;
	uint64_t rows;
	struct row row;
	unsigned i;
	lg_str value;

	if (at == NULL || !lg_attr_usable(cx, ed->v, ed->tenant, at))
		return lg_refuse(cx, ed, LG_LDAP_UNDEFINED_TYPE, "there is no attribute '%.*s'", LG_FMT(lg_str_sub(attribute, 0, 100)));
	if (!kind_of(kind, &i))
		return lg_fail(cx, LG_E_INVALID, "an index is equality, ordering, presence or substring");
	LG_TRY(check_fit(cx, ed, at, i));
	k = row_key(ed->tenant, at->id, i);
	lg_err found = lg_get(cx, ed->v, &lg_table_index, lg_dkey_str(&k), &value);
	if (found != LG_OK && found != LG_E_NOT_FOUND)
		return found;
	bool there = found == LG_OK && decode(lg_dkey_str(&k), value, &row) && row.state == STATE_WANTED;
	if (there == on)
		return lg_fail(cx, on ? LG_E_EXISTS : LG_E_NOT_FOUND, on ? "that index is there already" : "there is no such index");
	LG_TRY(lg_table_count(cx, ed->v, &lg_table_index, &rows));
	if (found != LG_OK && rows >= LG_INDEXES)	/* one that is there has its row */
		return lg_refuse(cx, ed, LG_LDAP_ADMIN_LIMIT_EXCEEDED, "there are %d indexes already", LG_INDEXES);
	return put_state(cx, ed, &k, on ? STATE_WANTED : STATE_DROPPED);
}

lg_err
lg_index_list(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, struct lg_index **ret, size_t *n)
{
	struct lg_dkey k = lg_key_tenant(tenant);
	struct row *row;
	size_t rows, count = 0;

	LG_TRY(list_rows(cx, v, lg_dkey_str(&k), &row, &rows));
	*ret = LG_NEWS(cx->arena, struct lg_index, rows + LG_ATTR_IDS);
	for (unsigned id = 1; id < LG_ATTR_IDS; id++) {
		const struct lg_attr *at = lg_attr_of(id);
		if (at != NULL && (at->flags & LG_AF_INDEXED) != 0)
			(*ret)[count++] = (struct lg_index){ lg_attr_name(at), kinds[0].name, LG_INDEX_ALWAYS, 0 };
	}
	for (size_t i = 0; i < rows; i++)
		(*ret)[count++] = (struct lg_index){ lg_attr_name(lg_attr_of(row[i].attr)), kinds[row[i].kind].name,
			row[i].state == STATE_DROPPED ? LG_INDEX_DROPPED : row[i].done == LG_MARK_DONE ? LG_INDEX_USED : LG_INDEX_BUILDING,
			row[i].done == LG_MARK_DONE ? 0 : row[i].done };
	*n = count;
	return LG_OK;
}

/* ---- building ------------------------------------------------------------------------------------------------------------------- */

static lg_err
forget(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	const struct row *row = arg;
	struct lg_dkey k = row_key(row->tenant, row->attr, row->kind);
	struct row now;
	lg_str value;

	lg_err e = lg_get(cx, v, &lg_table_index, lg_dkey_str(&k), &value);
	if (e != LG_OK || !decode(lg_dkey_str(&k), value, &now) || now.generation != row->generation)
		return e == LG_E_NOT_FOUND ? LG_OK : e;		/* chosen again meanwhile */
	return lg_del(cx, v, &lg_table_index, lg_dkey_str(&k));
}

static lg_err
work_on(struct lg_ctx *cx, struct lg_store *st, struct row *row)
{
	struct lg_dkey prefix = lg_key_present(row->tenant, row->attr), rows = lg_key_tenant(row->tenant);
	struct lg_index_step s = { &lg_table_entry, lg_dkey_str(&rows), kinds[row->kind].table, lg_dkey_str(&prefix), STEP_ROWS, row->mark };
	bool done;

	if (row->state == STATE_DROPPED) {
		LG_TRY(lg_store_purge_step(cx, st, s.index, s.prefix, STEP_ROWS, NULL, &done));
		return done ? lg_store_apply(cx, st, row->tenant, "index.dropped", forget, row, NULL) : LG_OK;
	}
	if (row->done == 0)		/* what an earlier generation may have left */
		return lg_store_purge_step(cx, st, s.index, s.prefix, STEP_ROWS, row->mark, &done);
	LG_TRY(lg_store_derive_step(cx, st, &s, &done));
	return done ? load_now(cx, st) : LG_OK;
}

static lg_err
next_work(struct lg_ctx *cx, struct lg_store *st, struct row *ret, bool *found)
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;
	struct row *row;
	size_t n;

	*found = false;
	LG_TRY(lg_view_begin(cx, st, &v));
	LG_TRY(list_rows(cx, v, LG_NONE, &row, &n));
	for (size_t i = 0; i < n && !*found; i++)
		if (row[i].state == STATE_DROPPED || row[i].done != LG_MARK_DONE) {
			*ret = row[i];
			*found = true;
		}
	return LG_OK;
}

lg_err
lg_index_work(struct lg_ctx *cx, struct lg_directory *dir, bool *more)
{
	struct row row;

	lg_store_turn(dir->store);
	LG_TRY(next_work(cx, dir->store, &row, more));
	lg_store_turn(dir->store);
	return *more ? work_on(cx, dir->store, &row) : LG_OK;
}

lg_err
lg_index_pending(struct lg_ctx *cx, struct lg_store *st, size_t *ret)
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;
	struct row *row;
	size_t n;

	*ret = 0;
	LG_TRY(lg_view_begin(cx, st, &v));
	LG_TRY(list_rows(cx, v, LG_NONE, &row, &n));
	for (size_t i = 0; i < n; i++)
		*ret += row[i].state == STATE_DROPPED || row[i].done != LG_MARK_DONE;
	return LG_OK;
}
