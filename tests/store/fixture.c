#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void
derive_values(struct lg_derive *d, lg_str key, lg_str value)
{
	lg_str head, tail = value;
	char row[LG_KEY_MAX * 2];

	while (tail.n > 0) {
		lg_str_cut(tail, ',', &head, &tail);
		if (head.n == 0 || head.n + key.n > sizeof row - 1)
			continue;
		memcpy(row, key.p, 4);	/* tenant, value, NUL, the row's key */
		memcpy(row + 4, head.p, head.n);
		row[4 + head.n] = '\0';
		memcpy(row + 5 + head.n, key.p + 4, key.n - 4);
		lg_emit(d, &t_by_value, (lg_str){ row, 1 + head.n + key.n }, LG_NONE);
	}
}

const struct lg_table t_people = { .name = "people", .id = 1, .domain = LG_DOMAIN_ENTRY, .derive = derive_values };
const struct lg_table t_notes = { .name = "notes", .id = 2 };
const struct lg_table t_by_value = { .name = "by_value", .id = 3, .derived = true };
const struct lg_table t_counter = { .name = "counter", .id = 4, .service = true, .domain = LG_DOMAIN_POLICY };
const struct lg_table *const t_all[4] = { &t_people, &t_notes, &t_by_value, &t_counter };

void
fixture_init(struct fixture *f)
{
	const char *tmp = getenv("TMPDIR");

	*f = (struct fixture){ .arena = lg_arena_new() };
	lg_ctx_init(&f->cx, f->arena);
	snprintf(f->dir, sizeof f->dir, "%s/lg-store.XXXXXX", tmp == NULL ? "/tmp" : tmp);
	cr_assert_not_null(mkdtemp(f->dir));
	snprintf(f->store, sizeof f->store, "%s/store", f->dir);
	snprintf(f->archive, sizeof f->archive, "%s/archive", f->dir);
}

lg_err
fixture_open(struct fixture *f)
{
	struct lg_store_options o = { .dir = f->store, .archive = f->archive, .tables = t_all, .ntables = LG_COUNT(t_all),
		.node = LG_STR("n1"), .map_size = f->map_size };

	return lg_store_open(&f->cx, &o, &f->st);
}

void
fixture_start(struct fixture *f)
{
	fixture_init(f);
	assert_ok(f, fixture_open(f));
}

void
fixture_close(struct fixture *f)
{
	lg_store_close(&f->st);
}

void
fixture_end(struct fixture *f)
{
	char rm[320];

	fixture_close(f);
	lg_arena_free(&f->arena);
	snprintf(rm, sizeof rm, "rm -rf '%s'", f->dir);
	cr_assert_eq(system(rm), 0);
}

lg_str
fx_key(struct lg_arena *a, uint32_t tenant, const char *name)
{
	char t[4] = { (char)(tenant >> 24), (char)(tenant >> 16), (char)(tenant >> 8), (char)tenant };

	return lg_cat(a, (lg_str){ t, 4 }, lg_str_of(name));
}

lg_err
put_row(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	struct row *r = arg;

	return r->del ? lg_del(cx, v, r->table, r->key) : lg_put(cx, v, r->table, r->key, r->value);
}

lg_err
fx_put(struct fixture *f, const struct lg_table *t, const char *name, const char *value)
{
	struct row r = { t, fx_key(f->arena, 1, name), lg_str_of(value), false };

	return lg_store_apply(&f->cx, f->st, 1, "row.put", put_row, &r, NULL);
}

lg_err
fx_del(struct fixture *f, const struct lg_table *t, const char *name)
{
	struct row r = { t, fx_key(f->arena, 1, name), LG_NONE, true };

	return lg_store_apply(&f->cx, f->st, 1, "row.del", put_row, &r, NULL);
}

const char *
fx_get(struct fixture *f, const struct lg_table *t, const char *name)
{
	struct lg_view *v;
	lg_str row;

	assert_ok(f, lg_view_begin(&f->cx, f->st, &v));
	lg_err e = lg_get(&f->cx, v, t, fx_key(f->arena, 1, name), &row);
	const char *ret = e == LG_OK ? lg_dup(f->arena, row).p : NULL;
	lg_view_end(&v);
	lg_store_turn(f->st);
	return ret;
}

uint64_t
fx_count(struct fixture *f, const struct lg_table *t)
{
	struct lg_view *v;
	uint64_t n;

	assert_ok(f, lg_view_begin(&f->cx, f->st, &v));
	assert_ok(f, lg_table_count(&f->cx, v, t, &n));
	lg_view_end(&v);
	lg_store_turn(f->st);
	return n;
}
