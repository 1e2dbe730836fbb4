/* test_acme_limits.c: what may happen so often in an hour (RFC 8555 6.6): refused beyond it, with the time when it may happen again. */
#include "base/text.h"
#include "certs/acme_keys.h"
#include "certs/acme_limits.h"
#include "tests/certs/acme_client.h"

#define API "[{\"type\":\"dns\",\"value\":\"api.a.example\"}]"

static void
order(struct acme_client *c, const char *identifiers)
{
	acme_post(c, LG_STR("/acme/new-order"), lg_print(c->w->arena, "{\"identifiers\":%s}", identifiers));
}

static void
fail(struct acme_client *c, const char *identifiers)
{
	struct acme_order o = acme_order(c, identifiers);
	lg_str expected, url = acme_challenge(c, &o, 0, &expected);

	c->w->net_error = LG_E_UNAVAILABLE;
	acme_post(c, url, LG_STR("{}"));
}

/* Another account of the same address. */
static void
another(struct acme_client *c)
{
	lg_key_free(&c->key);
	c->key = world_key(c->w, LG_KEY_P256);
	c->kid = LG_NONE;
	acme_post(c, LG_STR("/acme/new-account"), LG_STR("{}"));
	if (c->status == 201)
		c->kid = c->location;
}

static void
orders(struct acme_client *c)
{
	order(c, WWW);
}

static void
orders_of_many(struct acme_client *c)
{
	another(c);
	order(c, WWW);
}

static void
fails(struct acme_client *c)
{
	static int n;

	fail(c, lg_print(c->w->arena, "[{\"type\":\"dns\",\"value\":\"n%d.a.example\"}]", n++).p);
}

static void
fails_for_www(struct acme_client *c)
{
	fail(c, WWW);
}

static const struct {
	const char *name;
	enum lg_acme_limit which;
	void (*once)(struct acme_client *c);
	int before;			/* by acme_client_new */
	int status;			/* of those that are allowed */
} cases[] = {
	{ "accounts of an address", LG_ACME_ACCOUNTS_ADDRESS, another, 1, 201 },
	{ "orders of an account", LG_ACME_ORDERS_ACCOUNT, orders, 0, 201 },
	{ "orders for a name", LG_ACME_ORDERS_NAME, orders_of_many, 0, 201 },
	{ "failures of an account", LG_ACME_FAILED_ACCOUNT, fails, 0, 200 },
	{ "failures for a name", LG_ACME_FAILED_NAME, fails_for_www, 0, 200 },
};

Test(acme_limits, each_is_kept_for_an_hour_and_says_when_it_is_over)
{
	for (size_t i = 0; i < LG_COUNT(cases); i++) {
		unsigned max[LG_ACME_LIMITS] = { 0 };
		struct acme_client c;
		int64_t wait = 0;

		max[cases[i].which] = 5;
		c = acme_client_new(world_limited(max));
		for (int n = cases[i].before; n < 5; n++) {
			cases[i].once(&c);
			cr_assert_eq(c.status, cases[i].status, "%s, %d: %.*s", cases[i].name, n, LG_FMT(c.body));
		}
		cases[i].once(&c);
		assert_problem(&c, 429, "rateLimited");
		cr_assert(lg_int_parse(c.retry_after, &wait) && wait > 0 && wait <= 3601, "%s: %.*s", cases[i].name, LG_FMT(c.retry_after));
		c.w->cx.now += LG_HOUR;
		c.w->net_error = LG_OK;
		cases[i].once(&c);
		cr_assert_eq(c.status, cases[i].status, "%s, an hour later: %.*s", cases[i].name, LG_FMT(c.body));
		acme_client_free(&c);
	}
}

Test(acme_limits, one_name_does_not_use_up_another)
{
	unsigned max[LG_ACME_LIMITS] = { [LG_ACME_ORDERS_NAME] = 2 };
	struct acme_client c = acme_client_new(world_limited(max));

	for (int i = 0; i < 3; i++)
		order(&c, WWW);
	assert_problem(&c, 429, "rateLimited");
	order(&c, API);
	cr_assert_eq(c.status, 201);
	acme_client_free(&c);
}

Test(acme_limits, an_account_that_is_found_again_counts_for_nothing)
{
	unsigned max[LG_ACME_LIMITS] = { [LG_ACME_ACCOUNTS_ADDRESS] = 2 };
	struct acme_client c = acme_client_new(world_limited(max));

	for (int i = 0; i < 5; i++) {
		c.kid = LG_NONE;
		cr_assert_eq(acme_post(&c, LG_STR("/acme/new-account"), LG_STR("{}")), 200, "%.*s", LG_FMT(c.body));
	}
	acme_client_free(&c);
}

/* ---- the table --------------------------------------------------------------------------------------------------- */

Test(acme_limits, tenants_and_kinds_are_counted_apart_and_zero_is_no_limit)
{
	unsigned max[LG_ACME_LIMITS] = { [LG_ACME_ORDERS_NAME] = 1, [LG_ACME_FAILED_NAME] = 1 };
	struct lg_acme_limits *l = lg_acme_limits_new(max);
	int64_t again = 0;

	cr_assert(lg_acme_limits_take(l, LG_ACME_ORDERS_NAME, 1, LG_STR("a"), LG_HOUR, &again));
	cr_assert_not(lg_acme_limits_left(l, LG_ACME_ORDERS_NAME, 1, LG_STR("a"), LG_HOUR, &again));
	cr_assert_eq(again, 2 * LG_HOUR);
	cr_assert(lg_acme_limits_left(l, LG_ACME_ORDERS_NAME, 2, LG_STR("a"), LG_HOUR, &again));
	cr_assert(lg_acme_limits_left(l, LG_ACME_FAILED_NAME, 1, LG_STR("a"), LG_HOUR, &again));
	for (int i = 0; i < 100; i++)
		cr_assert(lg_acme_limits_take(l, LG_ACME_ORDERS_ACCOUNT, 1, LG_STR("a"), LG_HOUR, &again));
	cr_assert(lg_acme_limits_take(l, LG_ACME_ORDERS_NAME, 1, LG_STR("a"), 2 * LG_HOUR, &again));
	/* a clock that was set back begins a new hour instead of refusing for ever */
	cr_assert(lg_acme_limits_take(l, LG_ACME_ORDERS_NAME, 1, LG_STR("a"), LG_HOUR / 2, &again));
	lg_acme_limits_free(&l);
}

Test(acme_limits, more_keys_than_there_is_room_for_are_counted_as_far_as_there_is)
{
	unsigned max[LG_ACME_LIMITS] = { [LG_ACME_ORDERS_NAME] = 1 };
	struct lg_acme_limits *l = lg_acme_limits_new(max);
	int n = 3 * LG_ACME_LIMIT_SETS * LG_ACME_LIMIT_WAYS, kept = 0;
	int64_t again;

	for (int i = 0; i < n; i++)
		cr_assert(lg_acme_limits_take(l, LG_ACME_ORDERS_NAME, 1, (lg_str){ (const char *)&i, sizeof i }, LG_HOUR + i, &again));
	for (int i = 0; i < n; i++)
		kept += !lg_acme_limits_left(l, LG_ACME_ORDERS_NAME, 1, (lg_str){ (const char *)&i, sizeof i }, LG_HOUR + n, &again);
	cr_assert(kept > 0 && kept <= LG_ACME_LIMIT_SETS * LG_ACME_LIMIT_WAYS, "%d", kept);
	lg_acme_limits_free(&l);
}

/* ---- keys ---------------------------------------------------------------------------------------------------------- */

Test(acme_limits, an_accounts_key_is_kept_and_is_the_same_one)
{
	struct world *w = world_new();
	struct lg_acme_keys *keys = lg_acme_keys_new();
	struct lg_key *pair = world_key(w, LG_KEY_P256);
	lg_str spki = lg_pubkey_spki(lg_key_public(pair));
	lg_sha256 print = lg_pubkey_thumbprint(lg_key_public(pair)), other = print;
	struct lg_pubkey *one = NULL, *two = NULL;

	cr_assert_eq(lg_acme_keys_get(&w->cx, keys, &print, spki, &one), LG_OK);
	cr_assert_eq(lg_acme_keys_get(&w->cx, keys, &print, spki, &two), LG_OK);
	cr_assert_eq(one, two);
	/* as many others of its set as there are places for: it gives way, and whoever has it keeps it */
	for (uint8_t i = 0; i < LG_ACME_KEY_WAYS; i++) {
		struct lg_pubkey *third = NULL;

		other.b[31] = (uint8_t)(print.b[31] ^ (i + 1));
		cr_assert_eq(lg_acme_keys_get(&w->cx, keys, &other, spki, &third), LG_OK);
		lg_pubkey_unref(&third);
	}
	lg_pubkey_unref(&two);
	cr_assert_eq(lg_acme_keys_get(&w->cx, keys, &print, spki, &two), LG_OK);
	cr_assert_neq(one, two);
	cr_assert(lg_str_eq(lg_pubkey_spki(one), spki));
	lg_pubkey_unref(&one);
	lg_pubkey_unref(&two);
	cr_assert_eq(lg_acme_keys_get(&w->cx, keys, &other, LG_STR("no key"), &one), LG_OK, "kept");
	lg_pubkey_unref(&one);
	lg_acme_keys_free(&keys);
	lg_key_free(&pair);
	world_free(w);
}
