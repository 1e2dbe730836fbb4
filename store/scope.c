/*
 * scope.c: the inside of a mutation: rows changed, effects noted, limits kept.  A fault (a limit, a full map) is remembered
 * by the scope, so that a mutation that overlooks an error still leaves nothing.
 */
#include "store/internal.h"

#include <assert.h>
#include <stdio.h>

#define LG_SPLICE_LEAST	256	/* shorter values are put whole */
#define LG_AUDIT_TEXT	(64u << 10)

void
lg_scope_reset(struct lg_scope *sc, struct lg_batch *b, struct lg_ctx *cx)
{
	struct lg_arena *a = sc->arena;
	struct lg_buf effects = sc->effects;

	if (a == NULL) {
		a = lg_arena_new();
		effects = LG_BUF(2 * LG_MUTATION_BYTES + LG_MUTATION_ROWS * (LG_KEY_MAX + 16));
	}
	lg_arena_reset(a);
	lg_buf_clear(&effects);
	*sc = (struct lg_scope){ .batch = b, .arena = a, .effects = effects };
	if (cx != NULL)
		cx->error[0] = '\0';
}

void
lg_scope_free(struct lg_scope *sc)
{
	lg_buf_free(&sc->effects);
	lg_arena_free(&sc->arena);
}

lg_err
lg_scope_fault(struct lg_ctx *cx, struct lg_view *v, lg_err e, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(cx->error, sizeof cx->error, fmt, ap);
	va_end(ap);
	v->scope->fault = e;
	return e;
}

lg_err
lg_scope_effect(struct lg_ctx *cx, struct lg_view *v, const struct lg_effect *e)
{
	struct lg_scope *sc = v->scope;

	if (++sc->neffects > LG_MUTATION_ROWS)
		return lg_scope_fault(cx, v, LG_E_LIMIT, "a mutation changes more than %d rows", LG_MUTATION_ROWS);
	sc->bytes += e->value.n;
	if (sc->bytes > LG_MUTATION_BYTES)
		return lg_scope_fault(cx, v, LG_E_LIMIT, "a mutation writes more than %u bytes", LG_MUTATION_BYTES);
	lg_effect_put(&sc->effects, e);
	return sc->effects.full ? lg_scope_fault(cx, v, LG_E_LIMIT, "a mutation's effects are too long") : LG_OK;
}

lg_err
lg_row_change(struct lg_ctx *cx, struct lg_view *v, const struct lg_table *t, lg_str key, const lg_str *old, const lg_str *value)
{
	MDB_dbi dbi = lg_dbi(v->st, t);
	MDB_val k = lg_val(key);
	int rc;

	if (value != NULL) {
		MDB_val val = lg_val(*value);
		rc = mdb_put(v->txn, dbi, &k, &val, 0);
	} else {
		rc = mdb_del(v->txn, dbi, &k, NULL);
	}
	if (rc != 0)
		return lg_scope_fault(cx, v, lg_lmdb_err(rc), "table %s: %s", t->name, mdb_strerror(rc));
	lg_err e = lg_derive_apply(cx, v, t, key, old, value);
	if (e == LG_OK)
		e = lg_revision_bump(cx, v, t, key);
	if (e != LG_OK)
		v->scope->fault = e;	/* the row is there and its index is not: only the whole scope can be dropped */
	return e;
}

/* What a mutation may touch, and how its keys must look. */
static lg_err
check(struct lg_ctx *cx, struct lg_view *v, const struct lg_table *t, lg_str key)
{
	if (v->scope == NULL)
		return lg_fail(cx, LG_E_INTERNAL, "table %s is written outside a mutation", t->name);
	if (v->scope->fault != LG_OK)
		return v->scope->fault;
	if (lg_dbi(v->st, t) == 0 || t->derived || t->id >= LG_TABLE_OWN)
		return lg_scope_fault(cx, v, LG_E_INTERNAL, "table %s is not for mutations", t->name);
	if (key.n > LG_KEY_MAX)
		return lg_scope_fault(cx, v, LG_E_LIMIT, "table %s: a key of %zu octets", t->name, key.n);
	if (key.n == 0 || (!t->service && key.n < sizeof(uint32_t)))
		return lg_scope_fault(cx, v, LG_E_INTERNAL, "table %s: a key without its tenant", t->name);
	return LG_OK;
}

static size_t
common_front(lg_str a, lg_str b)
{
	size_t n = a.n < b.n ? a.n : b.n, i = 0;

	while (i < n && a.p[i] == b.p[i])
		i++;
	return i;
}

static size_t
common_back(lg_str a, lg_str b, size_t front)
{
	size_t n = (a.n < b.n ? a.n : b.n) - front, i = 0;

	while (i < n && a.p[a.n - 1 - i] == b.p[b.n - 1 - i])
		i++;
	return i;
}

/* One member more in a group of ten thousand is a few octets in the log, not the group. */
static struct lg_effect
shortest(const struct lg_table *t, lg_str key, const lg_str *old, lg_str value)
{
	struct lg_effect put = { .op = LG_EFFECT_PUT, .table = t->id, .key = key, .value = value };

	if (old == NULL || old->n < LG_SPLICE_LEAST || value.n < LG_SPLICE_LEAST)
		return put;
	size_t front = common_front(*old, value), back = common_back(*old, value, front);
	size_t fresh = value.n - front - back;
	if (fresh > value.n / 2)
		return put;
	return (struct lg_effect){ .op = LG_EFFECT_SPLICE, .table = t->id, .key = key, .at = (uint32_t)front,
		.cut = (uint32_t)(old->n - front - back), .value = lg_str_sub(value, front, fresh) };
}

lg_err
lg_put(struct lg_ctx *cx, struct lg_view *v, const struct lg_table *t, lg_str key, lg_str value)
{
	lg_str old;

	LG_TRY(check(cx, v, t, key));
	if (value.n > LG_VALUE_MAX)
		return lg_scope_fault(cx, v, LG_E_LIMIT, "table %s: a value of %zu octets", t->name, value.n);
	lg_err e = lg_get(cx, v, t, key, &old);
	if (e != LG_OK && e != LG_E_NOT_FOUND)
		return v->scope->fault = e;
	const lg_str *was = e == LG_OK ? &old : NULL;
	if (was != NULL && lg_str_eq(old, value))	/* nothing changes, nothing is recorded */
		return LG_OK;
	struct lg_effect effect = shortest(t, key, was, value);
	LG_TRY(lg_scope_effect(cx, v, &effect));
	return lg_row_change(cx, v, t, key, was, &value);
}

lg_err
lg_del(struct lg_ctx *cx, struct lg_view *v, const struct lg_table *t, lg_str key)
{
	lg_str old;

	LG_TRY(check(cx, v, t, key));
	LG_TRY(lg_get(cx, v, t, key, &old));
	LG_TRY(lg_scope_effect(cx, v, &(struct lg_effect){ .op = LG_EFFECT_DEL, .table = t->id, .key = key }));
	return lg_row_change(cx, v, t, key, &old, NULL);
}

/* ---- what else a mutation takes from its scope --------------------------------------------------- */

int64_t
lg_view_time(const struct lg_view *v)
{
	struct lg_head h;
	struct lg_ctx cx;

	if (v->scope != NULL)
		return v->scope->batch->head.time;
	lg_ctx_init(&cx, NULL);
	return v->st->log->engine->head(&cx, v->st->log, v->txn, &h) == LG_OK ? h.time : 0;
}

struct lg_arena *
lg_view_arena(struct lg_view *v)
{
	assert(v->scope != NULL);
	return v->scope->arena;
}

uint64_t
lg_view_new_id(struct lg_view *v)
{
	struct lg_scope *sc = v->scope;

	assert(sc != NULL);
	if (++sc->ids > LG_MUTATION_ROWS)
		sc->fault = LG_E_LIMIT;
	return sc->batch->head.seq << 16 | (sc->batch->ids++ & 0xffff);
}

void
lg_audit(struct lg_view *v, lg_str target, lg_str detail)
{
	struct lg_scope *sc = v->scope;

	assert(sc != NULL);
	if (target.n > LG_AUDIT_TEXT || detail.n > LG_AUDIT_TEXT) {
		sc->fault = LG_E_LIMIT;
		return;
	}
	sc->target = lg_dup(sc->arena, target);
	sc->detail = lg_dup(sc->arena, detail);
	sc->audited = true;
}
