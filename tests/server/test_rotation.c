/* When a key gets a successor, when that signs, and when the old one is told to nobody any more. */
#include <criterion/criterion.h>

#include "base/clock.h"
#include "lightgate/certs.h"
#include "server/rotation.h"

static const struct lg_ceiling ceiling = { .token_life = LG_HOUR, .ticket_life = 2 * LG_MINUTE, .leaf_life = LG_DAY };

static struct lg_keeper_key
key(enum lg_key_state state, enum lg_purpose purpose, int64_t since)
{
	return (struct lg_keeper_key){ .tenant = 1, .purpose = purpose, .state = state, .alg = LG_ALG_ES256, .since = since };
}

Test(rotation, a_successor_is_made_so_early_that_it_is_known_when_it_signs)
{
	struct lg_keeper_key active = key(LG_KEY_ACTIVE, LG_PURPOSE_TOKEN, 0);

	cr_assert(lg_rotation_step(&active, NULL, 30 * LG_DAY, LG_HOUR, 30 * LG_DAY - LG_HOUR - 1) == LG_ROTATION_WAIT);
	cr_assert(lg_rotation_step(&active, NULL, 30 * LG_DAY, LG_HOUR, 30 * LG_DAY - LG_HOUR) == LG_ROTATION_SUCCESSOR);
}

Test(rotation, it_signs_when_it_was_published_long_enough)
{
	struct lg_keeper_key active = key(LG_KEY_ACTIVE, LG_PURPOSE_TOKEN, 0), next = key(LG_KEY_NEXT, LG_PURPOSE_TOKEN, 29 * LG_DAY);

	cr_assert(lg_rotation_step(&active, &next, 30 * LG_DAY, LG_HOUR, 29 * LG_DAY) == LG_ROTATION_WAIT);
	cr_assert(lg_rotation_step(&active, &next, 30 * LG_DAY, LG_HOUR, 29 * LG_DAY + LG_HOUR - 1) == LG_ROTATION_WAIT);
	cr_assert(lg_rotation_step(&active, &next, 30 * LG_DAY, LG_HOUR, 29 * LG_DAY + LG_HOUR) == LG_ROTATION_ACTIVATE);
}

Test(rotation, a_successor_that_the_operator_made_early_is_not_left_waiting)
{
	struct lg_keeper_key active = key(LG_KEY_ACTIVE, LG_PURPOSE_TOKEN, 0), next = key(LG_KEY_NEXT, LG_PURPOSE_TOKEN, LG_DAY);

	cr_assert(lg_rotation_step(&active, &next, 30 * LG_DAY, LG_HOUR, LG_DAY + LG_HOUR) == LG_ROTATION_ACTIVATE);
}

Test(rotation, a_clock_that_went_back_turns_nothing)
{
	struct lg_keeper_key active = key(LG_KEY_ACTIVE, LG_PURPOSE_TOKEN, 40 * LG_DAY), next = key(LG_KEY_NEXT, LG_PURPOSE_TOKEN, 40 * LG_DAY);

	cr_assert(lg_rotation_step(&active, NULL, 30 * LG_DAY, LG_HOUR, LG_DAY) == LG_ROTATION_WAIT);
	cr_assert(lg_rotation_step(&active, &next, 30 * LG_DAY, LG_HOUR, LG_DAY) == LG_ROTATION_WAIT);
}

Test(rotation, a_retired_key_is_told_as_long_as_what_it_signed_may_live)
{
	static const struct {
		enum lg_purpose purpose;
		int64_t life;
	} v[] = {
		{ LG_PURPOSE_TOKEN, LG_HOUR }, { LG_PURPOSE_TICKET, 2 * LG_MINUTE }, { LG_PURPOSE_ISSUER, LG_DAY + LG_CERT_REJOIN },
		{ LG_PURPOSE_BUNDLE, LG_BUNDLE_LIFE }, { LG_PURPOSE_AUDIT, 0 },
	};

	for (size_t i = 0; i < LG_COUNT(v); i++) {
		struct lg_keeper_key old = key(LG_KEY_RETIRED, v[i].purpose, 1000);
		cr_assert(lg_rotation_believed(&old, &ceiling, 1000 + v[i].life + LG_ROTATION_SKEW));
		cr_assert(!lg_rotation_believed(&old, &ceiling, 1001 + v[i].life + LG_ROTATION_SKEW));
	}
}

Test(rotation, keys_that_sign_or_will_sign_are_always_told)
{
	struct lg_keeper_key active = key(LG_KEY_ACTIVE, LG_PURPOSE_TOKEN, 0), next = key(LG_KEY_NEXT, LG_PURPOSE_TICKET, 0);

	cr_assert(lg_rotation_until(&active, &ceiling) == INT64_MAX);
	cr_assert(lg_rotation_until(&next, &ceiling) == INT64_MAX);
}
