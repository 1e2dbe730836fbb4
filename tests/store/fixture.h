/* fixture.h: a store in a folder of its own, three tables, and short ways to write and read them. */
#ifndef TESTS_STORE_FIXTURE_H
#define TESTS_STORE_FIXTURE_H

#include <criterion/criterion.h>

#include "lightgate/store.h"

struct fixture {
	char dir[256];			/* DATA */
	char store[300], archive[300];
	struct lg_arena *arena;
	struct lg_ctx cx;
	struct lg_store *st;
	size_t map_size;
};

/* Rows "name=value,value,..." of which each value becomes an index row (value, key). */
extern const struct lg_table t_people, t_notes, t_by_value, t_counter;
extern const struct lg_table *const t_all[4];

void fixture_init(struct fixture *f);		/* makes the folder, opens nothing */
lg_err fixture_open(struct fixture *f);
void fixture_start(struct fixture *f);		/* init and open, asserted */
void fixture_close(struct fixture *f);
void fixture_end(struct fixture *f);

struct row {
	const struct lg_table *table;
	lg_str key, value;
	bool del;
};
lg_err put_row(struct lg_ctx *cx, struct lg_view *v, void *arg);	/* mutation: arg is a struct row */
lg_err fx_put(struct fixture *f, const struct lg_table *t, const char *name, const char *value);
lg_err fx_del(struct fixture *f, const struct lg_table *t, const char *name);
/* The value, or NULL; copied to the fixture's arena. */
const char *fx_get(struct fixture *f, const struct lg_table *t, const char *name);
uint64_t fx_count(struct fixture *f, const struct lg_table *t);
lg_str fx_key(struct lg_arena *a, uint32_t tenant, const char *name);

#define assert_ok(f, call) do { \
		lg_err e_ = (call); \
		cr_assert_eq(e_, LG_OK, "%s: %s (%s)", #call, lg_err_name(e_), (f)->cx.error); \
	} while (0)
#define assert_err(f, want, call) do { \
		lg_err e_ = (call); \
		cr_assert_eq(e_, (want), "%s: %s (%s), not %s", #call, lg_err_name(e_), (f)->cx.error, lg_err_name(want)); \
	} while (0)

#endif
