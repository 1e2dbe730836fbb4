#include "tests/sts/kit.h"

#include "base/clock.h"

TestSuite(share, .init = kit_start, .fini = kit_end);

static const int64_t now = 1000 * LG_SECOND;

/* How many of n fit in. */
static unsigned
take(const char *whose, unsigned n, int64_t at)
{
	unsigned good = 0;

	for (unsigned i = 0; i < n; i++)
		good += sts_share_take(kit.sts->shares, TENANT, lg_str_of(whose), at);
	return good;
}

Test(share, is_a_hundred_at_once_and_then_one_a_second)
{
	cr_assert_eq(take("a", 500, now), 100);
	cr_assert_eq(take("a", 10, now + LG_SECOND), 0);
	cr_assert_eq(take("b", 10, now), 10);
	cr_assert(sts_share_take(kit.sts->shares, TENANT + 1, LG_STR("a"), now));
}

Test(share, who_took_far_too_much_waits_no_longer_than_for_twice_a_share)
{
	take("a", 10000, now);
	cr_assert_eq(take("a", 1, now + 99 * LG_SECOND), 0);
	cr_assert_eq(take("a", 1, now + 102 * LG_SECOND), 1);
}

Test(share, matters_from_half_a_table_on)
{
	cr_assert(sts_share_fits(9999, 20000, false) && !sts_share_fits(10000, 20000, false));
	cr_assert(sts_share_fits(19999, 20000, true) && !sts_share_fits(20000, 20000, true));
}

/* ---- pushed requests and devices --------------------------------------------------------------------------------- */

static struct answer
push(const char *client)
{
	return kit_post("/oauth2/par", kit_authorize_query(client, ""), strcmp(client, "portal") == 0 ? kit_basic("portal", PORTAL_SECRET) : NULL);
}

static lg_err
fill(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	const struct lg_table *table = arg;

	for (unsigned i = 0; i < 5000; i++) {
		LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(256);
		uint8_t key[36];

		lg_random(key, sizeof key);
		sts_row_begin(&b, table, lg_view_time(v) + LG_HOUR);
		LG_TRY(lg_put(cx, v, table, (lg_str){ (const char *)key, sizeof key }, lg_buf_view(&b)));
	}
	return LG_OK;
}

static void
half_full(const struct lg_table *table)
{
	kit_apply(fill, (void *)(uintptr_t)table);
	kit_apply(fill, (void *)(uintptr_t)table);
}

Test(share, a_stranger_who_fills_the_table_does_not_keep_a_client_out)
{
	half_full(&sts_pushed);
	for (unsigned i = 0; i < 100; i++)
		assert_status(push("spa"), 201);
	assert_status(push("spa"), 503);
	assert_status(push("portal"), 201);
}

Test(share, of_devices_is_their_addresses_too)
{
	kit_client("{\"name\":\"spa\",\"type\":\"public\",\"redirect_uris\":[\"" REDIRECT "\"],"
	    "\"grants\":[\"authorization_code\",\"urn:ietf:params:oauth:grant-type:device_code\"]}", NULL, "c0000000-0000-4000-8000-000000000011");
	half_full(&sts_devices);
	for (unsigned i = 0; i < 100; i++)
		assert_status(kit_post("/oauth2/device_authorization", "client_id=spa&scope=openid", NULL), 200);
	assert_status(kit_post("/oauth2/device_authorization", "client_id=spa&scope=openid", NULL), 503);
}
