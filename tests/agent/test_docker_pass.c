/* test_docker_pass.c: a pass names one request, once before the engine acts and then after it. */
#include "agent/docker_pass.h"

#include "tests/base/base_test.h"

struct lab {
	struct lg_passes ps;
	struct lg_pass p;
	struct lg_pass_shown shown;
	int64_t uid;
	bool self;
};

static void
begin(struct lab *l)
{
	*l = (struct lab){ .p = { .uid = 1000, .method = LG_STR("POST"), .uri = LG_STR("/containers/create"), .has_body = true,
		.body = lg_sha256_of(LG_STR("{}")) } };
	lg_passes_init(&l->ps);
	lg_pass_add(&l->ps, &l->p);
	l->shown = (struct lg_pass_shown){ .token = lg_str_of(l->p.token), .method = l->p.method, .uri = l->p.uri, .has_body = true,
		.body = l->p.body };
}

static bool
take(struct lab *l)
{
	return lg_pass_take(&l->ps, &l->shown, &l->uid, &l->self);
}

Test(docker_pass, a_pass_is_taken_once_and_known_afterwards)
{
	struct lab l;

	begin(&l);
	cr_assert(!lg_pass_again(&l.ps, &l.shown, &l.uid, &l.self), "before it was shown");
	cr_assert(take(&l));
	cr_assert_eq(l.uid, 1000);
	cr_assert(!l.self);
	cr_assert(!take(&l), "a second time");
	cr_assert(lg_pass_again(&l.ps, &l.shown, &l.uid, &l.self));
	lg_pass_remove(&l.ps, &l.p);
	cr_assert(!lg_pass_again(&l.ps, &l.shown, &l.uid, &l.self));
	lg_passes_end(&l.ps);
}

Test(docker_pass, it_fits_no_other_request)
{
	struct lab l;

	begin(&l);
	const struct lg_pass_shown right = l.shown;
	l.shown.method = LG_STR("DELETE");
	cr_assert(!take(&l));
	l.shown = right;
	l.shown.uri = LG_STR("/containers/create?name=x");
	cr_assert(!take(&l));
	l.shown = right;
	l.shown.body = lg_sha256_of(LG_STR("{ }"));
	cr_assert(!take(&l));
	l.shown.has_body = false;
	cr_assert(!take(&l));
	l.shown = right;
	l.shown.token = LG_STR("");
	cr_assert(!take(&l));
	l.shown = right;
	cr_assert(take(&l), "what was tried in between does not use it up");
	lg_pass_remove(&l.ps, &l.p);
	lg_passes_end(&l.ps);
}
