/* test_tenant_record.c: a tenant's file, as this version writes it and as the one before did. */
#include <criterion/criterion.h>

#include "crypto/keeper/frame.h"
#include "crypto/keeper/tenant.h"
#include "tests/crypto/keeper_run.h"

static struct lg_tenant_record
record(void)
{
	struct lg_tenant_record r = { .id = 7, .name = LG_STR("acme"), .ceiling = test_ceiling };

	r.ceiling.nets[0] = LG_STR("\x0a\0\0\0\xff\0\0\0");
	r.ceiling.nnets = 1;
	return r;
}

Test(tenant_record, what_is_written_is_read)
{
	LG_AUTO(lg_arena_free) struct lg_arena *a = lg_arena_new();
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(LG_TENANT_MAX);
	struct lg_tenant_record r = record(), *again = LG_NEW(a, struct lg_tenant_record);
	struct lg_ctx cx;

	lg_ctx_init(&cx, a);
	lg_tenant_record_encode(&r, &b);
	cr_assert_eq(lg_tenant_record_decode(&cx, lg_buf_view(&b), again), LG_OK, "%s", cx.error);
	cr_assert_eq(again->ceiling.nnets, 1);
	cr_assert(lg_str_eq(again->ceiling.nets[0], r.ceiling.nets[0]));
	for (size_t n = 0; n < b.n; n++)
		cr_assert_eq(lg_tenant_record_decode(&cx, lg_str_sub(lg_buf_view(&b), 0, n), again), LG_E_CORRUPT);
}

/* Format 2 ended a ceiling with the life of leaves. */
Test(tenant_record, a_file_without_ranges_of_addresses_has_none)
{
	LG_AUTO(lg_arena_free) struct lg_arena *a = lg_arena_new();
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(LG_TENANT_MAX), ceiling = LG_BUF(LG_TENANT_MAX);
	struct lg_tenant_record r = record(), *again = LG_NEW(a, struct lg_tenant_record);
	struct lg_ctx cx;

	lg_ctx_init(&cx, a);
	r.ceiling.nnets = 0;
	lg_put_ceiling(&ceiling, &r.ceiling);
	lg_buf_byte(&b, 2);
	lg_buf_u32(&b, r.id);
	lg_buf_str32(&b, r.name);
	lg_buf_str(&b, lg_str_sub(lg_buf_view(&ceiling), 0, ceiling.n - 1));	/* without the count of ranges */
	lg_buf_u16(&b, 0);
	cr_assert_eq(lg_tenant_record_decode(&cx, lg_buf_view(&b), again), LG_OK, "%s", cx.error);
	cr_assert_eq(again->ceiling.nnets, 0);
	cr_assert_eq(again->ceiling.leaf_life, r.ceiling.leaf_life);
}

/* Format 3 said nothing of who answers OCSP. */
Test(tenant_record, a_file_that_does_not_say_who_answers_ocsp_leaves_it_open)
{
	LG_AUTO(lg_arena_free) struct lg_arena *a = lg_arena_new();
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(LG_TENANT_MAX);
	struct lg_tenant_record r = record(), *again = LG_NEW(a, struct lg_tenant_record);
	struct lg_ctx cx;

	lg_ctx_init(&cx, a);
	again->ocsp = LG_OCSP_DIRECT;
	lg_buf_byte(&b, 3);
	lg_buf_u32(&b, r.id);
	lg_buf_str32(&b, r.name);
	lg_put_ceiling(&b, &r.ceiling);
	lg_buf_u16(&b, 0);
	cr_assert_eq(lg_tenant_record_decode(&cx, lg_buf_view(&b), again), LG_OK, "%s", cx.error);
	cr_assert_eq(again->ocsp, LG_OCSP_AUTO);
	lg_buf_clear(&b);
	r.ocsp = LG_OCSP_DELEGATED;
	lg_tenant_record_encode(&r, &b);
	cr_assert_eq(lg_tenant_record_decode(&cx, lg_buf_view(&b), again), LG_OK, "%s", cx.error);
	cr_assert_eq(again->ocsp, LG_OCSP_DELEGATED);
}

Test(tenant_record, a_ceiling_with_a_malformed_range_is_refused)
{
	LG_AUTO(lg_arena_free) struct lg_arena *a = lg_arena_new();
	struct lg_tenant_record r = record();
	struct lg_ctx cx;

	lg_ctx_init(&cx, a);
	cr_assert_eq(lg_ceiling_check(&cx, &r.ceiling), LG_OK, "%s", cx.error);
	r.ceiling.nets[0] = LG_STR("\x0a\0\0\0");
	cr_assert_eq(lg_ceiling_check(&cx, &r.ceiling), LG_E_INVALID);
}
