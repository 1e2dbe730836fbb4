/*
 * derive.c: index rows from primary rows.  The rows of the old and of the new value are listed, sorted and compared, so
 * that only what differs is written: a changed attribute does not rewrite an entry's other thirty index rows.
 */
#include "store/internal.h"

#include <stdlib.h>

void
lg_emit(struct lg_derive *d, const struct lg_table *index, lg_str key, lg_str value)
{
	if (!index->derived || lg_dbi(d->st, index) == 0)
		d->fault = "an index table that is not of this store";
	else if (key.n == 0 || key.n > LG_KEY_MAX)
		d->fault = "an index key that is empty or too long";
	if (d->fault != NULL)
		return;
	if (d->n == d->size) {
		size_t size = d->size == 0 ? 32 : d->size * 2;
		struct lg_derived *v = LG_NEWS(d->arena, struct lg_derived, size);
		if (d->n > 0)
			memcpy(v, d->v, d->n * sizeof *v);
		d->v = v;
		d->size = size;
	}
	d->v[d->n] = (struct lg_derived){ index, lg_dup(d->arena, key), lg_dup(d->arena, value), d->n };
	d->n++;
}

static int
derived_cmp(const struct lg_derived *x, const struct lg_derived *y)
{
	return x->index->id != y->index->id ? (x->index->id < y->index->id ? -1 : 1) : lg_str_cmp(x->key, y->key);
}

static int
in_order(const void *a, const void *b)
{
	const struct lg_derived *x = a, *y = b;
	int c = derived_cmp(x, y);

	return c != 0 ? c : x->order < y->order ? -1 : x->order > y->order;
}

lg_err
lg_derive_rows(struct lg_ctx *cx, struct lg_store *st, struct lg_arena *a, const struct lg_table *t, lg_str key,
    const lg_str *value, struct lg_derive *ret)
{
	struct lg_derive d = { .st = st, .arena = a };

	if (value != NULL)
		t->derive(&d, key, *value);
	if (d.fault != NULL)
		return lg_fail(cx, LG_E_LIMIT, "%s derives %s", t->name, d.fault);
	if (d.n > 1)
		qsort(d.v, d.n, sizeof *d.v, in_order);
	size_t n = 0;	/* of rows with one key the last emitted stays */
	for (size_t i = 0; i < d.n; i++) {
		if (i + 1 < d.n && derived_cmp(&d.v[i], &d.v[i + 1]) == 0)
			continue;
		d.v[n++] = d.v[i];
	}
	d.n = n;
	*ret = d;
	return LG_OK;
}

/*
 * A lost index row is nothing that a change should fail over: lg_store_check finds it.  And a row under a unique key (a name)
 * may already be another's, when a mutation gave the name away before it took it: then it stays.
 */
static int
remove_row(struct lg_view *v, MDB_dbi dbi, MDB_val *k, lg_str was)
{
	MDB_val val;
	int rc = mdb_get(v->txn, dbi, k, &val);

	if (rc == MDB_NOTFOUND || (rc == 0 && !lg_str_eq(lg_val_str(val), was)))
		return 0;
	return rc != 0 ? rc : mdb_del(v->txn, dbi, k, NULL);
}

static lg_err
change(struct lg_ctx *cx, struct lg_view *v, const struct lg_derived *r, bool add)
{
	MDB_dbi dbi = lg_dbi(v->st, r->index);
	MDB_val k = lg_val(r->key), val = lg_val(r->value);

	if (++v->scope->derived > LG_DERIVED_ROWS)
		return lg_scope_fault(cx, v, LG_E_LIMIT, "a mutation changes more than %d index rows", LG_DERIVED_ROWS);
	int rc = add ? mdb_put(v->txn, dbi, &k, &val, 0) : remove_row(v, dbi, &k, r->value);
	if (rc != 0)
		return lg_scope_fault(cx, v, lg_lmdb_err(rc), "index %s: %s", r->index->name, mdb_strerror(rc));
	return LG_OK;
}

lg_err
lg_derive_apply(struct lg_ctx *cx, struct lg_view *v, const struct lg_table *t, lg_str key, const lg_str *old, const lg_str *value)
{
	struct lg_derive was, is;

	if (t->derive == NULL)
		return LG_OK;
	LG_TRY(lg_derive_rows(cx, v->st, v->scope->arena, t, key, old, &was));
	LG_TRY(lg_derive_rows(cx, v->st, v->scope->arena, t, key, value, &is));
	for (size_t i = 0, j = 0; i < was.n || j < is.n;) {
		int c = i == was.n ? 1 : j == is.n ? -1 : derived_cmp(&was.v[i], &is.v[j]);
		if (c < 0)
			LG_TRY(change(cx, v, &was.v[i++], false));
		else if (c > 0)
			LG_TRY(change(cx, v, &is.v[j++], true));
		else if (lg_str_eq(was.v[i++].value, is.v[j].value))
			j++;
		else
			LG_TRY(change(cx, v, &is.v[j++], true));
	}
	return LG_OK;
}
