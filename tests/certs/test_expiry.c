/* test_expiry.c: the ends of authorities are told in time. */
#include <criterion/criterion.h>

#include "tests/certs/world.h"

static void
count(void *arg, const struct lg_ca_end *end)
{
	(void)end;
	++*(int *)arg;
}

Test(expiry, authorities_that_end_before_a_time_are_told_and_no_others)
{
	struct world *w = world_new();
	int n = 0;

	lg_certs_ending(w->certs, 0, w->cx.now + 300 * LG_DAY, count, &n);
	cr_assert_eq(n, 0);
	lg_certs_ending(w->certs, 0, w->cx.now + 400 * LG_DAY, count, &n);
	cr_assert_eq(n, 4, "a root and an issuing CA of two tenants");
	lg_certs_ending(w->certs, TENANT_B, w->cx.now + 400 * LG_DAY, count, &n);
	cr_assert_eq(n, 6, "or of one");
	world_free(w);
}

Test(expiry, metrics_have_every_authority)
{
	struct world *w = world_new();
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(64u << 10);

	lg_certs_metrics(w->certs, &b);
	cr_assert_not_null(memmem(b.p, b.n, "{tenant=\"1\",kind=\"root\"", 23));
	cr_assert_not_null(memmem(b.p, b.n, "{tenant=\"2\",kind=\"issuer\"", 25));
	world_free(w);
}
