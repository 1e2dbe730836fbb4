/* test_clock_guard.c: what a clock that is not believed stops, and what it does not. */
#include <criterion/criterion.h>

#include "server/clock_guard.h"

static enum lg_clock_state now = LG_CLOCK_FINE;
static int signatures;

static enum lg_clock_state
state(struct lg_store *st)
{
	(void)st;
	return now;
}

static lg_err
token(void *self, const struct lg_token_request *rq, lg_keeper_done *done, void *arg)
{
	(void)self, (void)rq, (void)done, (void)arg;
	signatures++;
	return LG_OK;
}

static lg_err
token_wait(void *self, struct lg_ctx *cx, const struct lg_token_request *rq, lg_str *ret)
{
	(void)self, (void)cx, (void)rq, (void)ret;
	signatures++;
	return LG_OK;
}

static lg_err
tbs_wait(void *self, struct lg_ctx *cx, uint32_t tenant, lg_str tbs, lg_str *ret)
{
	(void)self, (void)cx, (void)tenant, (void)tbs, (void)ret;
	signatures++;
	return LG_OK;
}

static struct lg_clock_guard guard;
static struct lg_signer signer;
static struct lg_ctx cx;

static void
setup(void)
{
	lg_ctx_init(&cx, lg_arena_new());
	signer = (struct lg_signer){ .token = token, .token_wait = token_wait, .certificate_wait = tbs_wait, .crl_wait = tbs_wait };
	lg_clock_guard(&guard, NULL, &signer);
	guard.state = state;
	signatures = 0;
}

static void
teardown(void)
{
	lg_arena_free(&cx.arena);
}

TestSuite(clock_guard, .init = setup, .fini = teardown);

static void
assert_issues(lg_err wanted)
{
	struct lg_token_request rq = { .tenant = 1 };
	lg_str out;

	cr_assert_eq(signer.token(signer.self, &rq, NULL, NULL), wanted);
	cr_assert_eq(signer.token_wait(signer.self, &cx, &rq, &out), wanted);
	cr_assert_eq(signer.certificate_wait(signer.self, &cx, 1, LG_NONE, &out), wanted);
	cr_assert_eq(signatures, wanted == LG_OK ? 3 : 0);
	cr_assert_eq(lg_clock_believed(&guard, &cx), wanted);
}

Test(clock_guard, a_good_clock_stops_nothing)
{
	now = LG_CLOCK_FINE;
	assert_issues(LG_OK);
}

Test(clock_guard, nothing_is_issued_while_the_clock_is_ahead)
{
	now = LG_CLOCK_AHEAD;
	assert_issues(LG_E_UNAVAILABLE);
	cr_assert(strstr(cx.error, "clock accept") != NULL, "%s", cx.error);
}

Test(clock_guard, nothing_is_issued_while_the_clock_is_behind_the_log)
{
	now = LG_CLOCK_BACK;
	assert_issues(LG_E_UNAVAILABLE);
}

Test(clock_guard, revocations_are_still_published)
{
	lg_str sig;

	now = LG_CLOCK_BACK;
	cr_assert_eq(signer.crl_wait(signer.self, &cx, 1, LG_NONE, &sig), LG_OK);
	cr_assert_null(signer.ocsp, "OCSP is offered only where the keeper offers it");
}

Test(clock_guard, the_service_still_gets_its_own_certificate)
{
	lg_str der;

	now = LG_CLOCK_AHEAD;
	cx.actor = &lg_system;
	cr_assert_eq(signer.certificate_wait(signer.self, &cx, 1, LG_NONE, &der), LG_OK);
}
