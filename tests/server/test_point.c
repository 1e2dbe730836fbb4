/* test_point.c: the decision point and the life of policies, over a real store and directory. */
#include "tests/server/place.h"

#include <pthread.h>

#include "server/tally.h"

static struct place p;

static void
setup(void)
{
	place_start(&p);
	place_make(&p, LG_TYPE_PROJECT, "shop", NULL, NULL);
	place_make(&p, LG_TYPE_USER, "alice", NULL, NULL);
	place_make(&p, LG_TYPE_WORKLOAD, "web", "lgProject", "cn=shop,ou=projects,dc=example,dc=org");
}

static void
teardown(void)
{
	place_end(&p);
}

TestSuite(point, .init = setup, .fini = teardown);

#define PERMIT_ALICE "@id(\"alice-may\") permit (principal == User::\"alice\", action == Action::\"container:stop\", resource);\n"

static bool
alice_may_stop(void)
{
	return place_ask(&p, LG_TYPE_USER, "alice", "container:stop", LG_TYPE_WORKLOAD, "web", NULL).permit;
}

static bool
says(const struct lg_verdict *v, const char *what)
{
	return memmem(v->reason.p, v->reason.n, what, strlen(what)) != NULL;
}

Test(point, what_no_policy_permits_is_denied)
{
	struct lg_verdict v = place_ask(&p, LG_TYPE_USER, "alice", "container:stop", LG_TYPE_WORKLOAD, "web", NULL);

	cr_assert(!v.permit && says(&v, "no policy permits"), "%.*s", LG_FMT(v.reason));
}

Test(point, a_permit_names_its_policy)
{
	place_ok(&p, place_activate(&p, PERMIT_ALICE, NULL));
	struct lg_verdict v = place_ask(&p, LG_TYPE_USER, "alice", "container:stop", LG_TYPE_WORKLOAD, "web", NULL);

	cr_assert(v.permit);
	cr_assert(lg_str_eq(v.policy, LG_STR("alice-may")), "%.*s", LG_FMT(v.policy));
	cr_assert_eq(v.revision, 2);
}

Test(point, a_forbid_that_errs_denies)
{
	/* An integer overflow is an error at evaluation; Cedar alone would overlook the forbid. */
	place_ok(&p, place_activate(&p, PERMIT_ALICE "@id(\"errs\") forbid (principal, action == Action::\"container:stop\", resource) "
	    "when { context has port && context.port + 9223372036854775807 > 0 };\n", NULL));
	cr_assert(alice_may_stop());
	const struct lg_fact port[] = { { .name = "port", .type = LG_FACT_INT, .i = 1 }, { .name = NULL } };
	struct lg_verdict v = place_ask(&p, LG_TYPE_USER, "alice", "container:stop", LG_TYPE_WORKLOAD, "web", port);
	cr_assert(!v.permit && says(&v, "errs could not be evaluated"), "%.*s", LG_FMT(v.reason));
}

Test(point, a_request_that_does_not_fit_the_schema_is_denied)
{
	const struct lg_fact wrong[] = { { .name = "port", .type = LG_FACT_STR, .s = LG_STR("http") }, { .name = NULL } };

	place_ok(&p, place_activate(&p, PERMIT_ALICE, NULL));
	struct lg_verdict v = place_ask(&p, LG_TYPE_USER, "alice", "container:stop", LG_TYPE_WORKLOAD, "web", wrong);
	cr_assert(!v.permit && says(&v, "schema"), "%.*s", LG_FMT(v.reason));
	v = place_ask(&p, LG_TYPE_USER, "alice", "container:stop", LG_TYPE_PROJECT, "shop", NULL);
	cr_assert(!v.permit && says(&v, "schema"), "%.*s", LG_FMT(v.reason));
	v = place_ask(&p, LG_TYPE_USER, "alice", "no:such", LG_TYPE_WORKLOAD, "web", NULL);
	cr_assert(!v.permit && says(&v, "schema"), "%.*s", LG_FMT(v.reason));
}

Test(point, a_tenant_s_permit_does_not_lift_the_system_s_forbid)
{
	place_ok(&p, place_activate(&p, "@id(\"all\") permit (principal, action, resource);\n", NULL));
	cr_assert(alice_may_stop());
	place_enable(&p, LG_TYPE_USER, "alice", false);
	struct lg_verdict v = place_ask(&p, LG_TYPE_USER, "alice", "container:stop", LG_TYPE_WORKLOAD, "web", NULL);
	cr_assert(!v.permit && says(&v, "disabled"), "%.*s", LG_FMT(v.reason));
	place_enable(&p, LG_TYPE_USER, "alice", true);
	cr_assert(alice_may_stop(), "enabled again, at once");
}

Test(point, a_principal_that_is_gone_gets_nothing)
{
	struct lg_entry bob = place_make(&p, LG_TYPE_USER, "bob", NULL, NULL);
	struct lg_question q = { .tenant = PLACE_TENANT, .action = "container:stop", .principal = { LG_STR("User"), bob.uuid, LG_STR("bob") } };
	struct lg_verdict ret;
	struct lg_view *v = NULL;
	struct lg_entry web;

	place_ok(&p, place_activate(&p, "@id(\"all\") permit (principal, action, resource);\n", NULL));
	place_remove(&p, LG_TYPE_USER, "bob");
	place_ok(&p, lg_view_begin(&p.cx, p.store, &v));
	place_ok(&p, lg_entry_by_name(&p.cx, v, PLACE_TENANT, LG_TYPE_WORKLOAD, LG_STR("web"), &web));
	q.resource = lg_entry_entity(&web);
	place_ok(&p, lg_point_ask(p.point, &p.cx, v, &q, &ret));
	lg_view_end(&v);
	cr_assert(!ret.permit, "the entity could not be read, so the system's forbid could not be judged: %.*s", LG_FMT(ret.reason));
}

Test(point, a_name_that_is_used_again_is_another_entity)
{
	place_ok(&p, place_activate(&p, PERMIT_ALICE, NULL));
	cr_assert(alice_may_stop());
	place_remove(&p, LG_TYPE_USER, "alice");
	place_make(&p, LG_TYPE_USER, "alice", NULL, NULL);
	cr_assert(!alice_may_stop(), "the policy speaks of the one before");
	place_ok(&p, lg_point_load(&p.cx, p.point));
	cr_assert(!alice_may_stop(), "after a restart too");
	place_ok(&p, place_activate(&p, PERMIT_ALICE, NULL));
	cr_assert(alice_may_stop(), "activated again it means the new one");
}

Test(point, a_name_that_does_not_exist_is_refused)
{
	struct lg_policy_faults faults = { .n = 0 };
	uint64_t version;

	place_err(&p, LG_E_INVALID, lg_policy_activate(&p.cx, p.point, PLACE_TENANT,
	    LG_STR("permit (principal == User::\"nobody\", action, resource);"), "policy.activate", &faults, &version));
	cr_assert_geq(faults.n, 1);
	cr_assert_eq(lg_point_version(p.point, PLACE_TENANT), 1);
}

Test(point, every_fault_is_listed)
{
	struct lg_policy_faults faults = { .n = 0 };
	uint64_t version;

	place_err(&p, LG_E_INVALID, lg_policy_activate(&p.cx, p.point, PLACE_TENANT,
	    LG_STR("permit (principal, action == Action::\"connect\", resource) when { context.port == \"x\" };\n"
		   "permit (principal, action == Action::\"connect\", resource) when { principal.nonsense };\n"),
	    "policy.activate", &faults, &version));
	cr_assert_geq(faults.n, 2);
}

Test(point, a_set_that_locks_everybody_out_is_refused)
{
	struct lg_policy_faults faults = { .n = 0 };
	uint64_t version;

	place_err(&p, LG_E_CONFLICT, lg_policy_activate(&p.cx, p.point, PLACE_TENANT, LG_STR("permit (principal, action == Action::\"connect\", resource);"),
	    "policy.activate", &faults, &version));
	place_err(&p, LG_E_CONFLICT, lg_policy_activate(&p.cx, p.point, PLACE_TENANT,
	    lg_cat(p.cx.arena, place_defaults(), LG_STR("forbid (principal, action == Action::\"policy:activate\", resource);")),
	    "policy.activate", &faults, &version));
	cr_assert_eq(lg_point_version(p.point, PLACE_TENANT), 1, "what was in force still is");
}

/* ---- versions ---------------------------------------------------------------------------------------------------------- */

Test(point, versions_rise_and_the_old_text_comes_back_as_a_new_one)
{
	struct lg_policy_faults faults = { .n = 0 };
	struct lg_policy_version pv;
	struct lg_view *v = NULL;
	uint64_t version;

	place_ok(&p, place_activate(&p, PERMIT_ALICE, &version));
	cr_assert_eq(version, 2);
	place_ok(&p, lg_policy_activate(&p.cx, p.point, PLACE_TENANT, place_defaults(), "policy.rollback", &faults, &version));
	cr_assert_eq(version, 3);
	cr_assert(!alice_may_stop());
	place_ok(&p, lg_view_begin(&p.cx, p.store, &v));
	place_ok(&p, lg_policy_version_get(&p.cx, v, PLACE_TENANT, 0, &pv));
	cr_assert(pv.active && pv.version == 3 && lg_str_eq(pv.source, place_defaults()));
	place_ok(&p, lg_policy_version_get(&p.cx, v, PLACE_TENANT, 2, &pv));
	cr_assert(!pv.active && lg_str_ends(pv.source, LG_STR(PERMIT_ALICE)));
	place_err(&p, LG_E_NOT_FOUND, lg_policy_version_get(&p.cx, v, PLACE_TENANT, 4, &pv));
	lg_view_end(&v);
}

struct racer {
	pthread_t thread;
	lg_err e;
	uint64_t version;
};

static void *
race(void *arg)
{
	struct racer *r = arg;
	struct lg_policy_faults faults = { .n = 0 };
	struct lg_ctx cx;

	lg_ctx_init(&cx, lg_arena_new());
	cx.actor = &lg_system;
	r->e = lg_policy_activate(&cx, p.point, PLACE_TENANT, place_defaults(), "policy.activate", &faults, &r->version);
	lg_store_turn(p.store);
	lg_arena_free(&cx.arena);
	return NULL;
}

Test(point, of_activations_at_once_each_wins_a_version_or_is_told_of_the_conflict)
{
	struct racer r[6];
	size_t won = 0;

	for (size_t i = 0; i < LG_COUNT(r); i++)
		pthread_create(&r[i].thread, NULL, race, &r[i]);
	for (size_t i = 0; i < LG_COUNT(r); i++)
		pthread_join(r[i].thread, NULL);
	for (size_t i = 0; i < LG_COUNT(r); i++) {
		cr_assert(r[i].e == LG_OK || r[i].e == LG_E_CONFLICT, "%s", lg_err_name(r[i].e));
		won += r[i].e == LG_OK;
		for (size_t j = 0; j < i; j++)
			cr_assert(r[i].e != LG_OK || r[j].e != LG_OK || r[i].version != r[j].version);
	}
	cr_assert_geq(won, 1);
	cr_assert_eq(lg_point_version(p.point, PLACE_TENANT), 1 + won, "the newest is in force, whoever published last");
}

static lg_err
not_any_more(void *arg, struct lg_ctx *cx, struct lg_view *v)
{
	cr_assert(lg_view_writable(v), "it is asked inside the change");
	*(bool *)arg = true;
	return lg_fail(cx, LG_E_DENIED, "not any more");
}

Test(point, whoever_lost_the_right_meanwhile_activates_nothing)
{
	struct lg_policy_faults faults = { .n = 0 };
	uint64_t version = 0;
	bool asked = false;

	place_err(&p, LG_E_DENIED, lg_policy_activate_if(&p.cx, p.point, PLACE_TENANT, place_defaults(), "policy.activate",
	    &(struct lg_policy_terms){ not_any_more, &asked, 0 }, &faults, &version));
	cr_assert(asked && version == 0);
	cr_assert_eq(lg_point_version(p.point, PLACE_TENANT), 1);
}

Test(point, an_activation_may_name_the_version_that_it_replaces)
{
	struct lg_policy_faults faults = { .n = 0 };
	uint64_t version = 0;

	place_ok(&p, place_activate(&p, PERMIT_ALICE, &version));
	place_err(&p, LG_E_CONFLICT, lg_policy_activate_if(&p.cx, p.point, PLACE_TENANT, place_defaults(), "policy.activate",
	    &(struct lg_policy_terms){ .replaces = 1 }, &faults, &version));
	cr_assert(alice_may_stop(), "what was in force still is");
	place_ok(&p, lg_policy_activate_if(&p.cx, p.point, PLACE_TENANT, place_defaults(), "policy.activate",
	    &(struct lg_policy_terms){ .replaces = 2 }, &faults, &version));
	cr_assert_eq(version, 3);
}

/* ---- what cannot be put in force -------------------------------------------------------------------------------------- */

static lg_err
spoil(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	static const char key[] = { 0, 0, 0, PLACE_TENANT, 0, 0, 0, 0, 0, 0, 0, 2 };

	return lg_put(cx, v, lg_point_tables[0], (lg_str){ key, sizeof key }, *(lg_str *)arg);
}

/* Version 2 as it might stand after a fault of the disk, or as another release left it. */
static void
spoil_version_2(lg_str row)
{
	place_ok(&p, lg_store_apply(&p.cx, p.store, PLACE_TENANT, "test", spoil, &row, NULL));
	lg_store_turn(p.store);
}

static lg_str
row_of(lg_str source)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(4096);

	lg_buf_u64(&b, 1);
	lg_buf_str32(&b, LG_STR("admin"));
	lg_buf_str32(&b, source);
	lg_buf_u32(&b, 0);
	return lg_dup(p.cx.arena, lg_buf_view(&b));
}

static void
start_again(void)
{
	lg_point_free(&p.point);
	place_point(&p);
	place_ok(&p, lg_point_load(&p.cx, p.point));
	lg_store_turn(p.store);
}

Test(point, a_set_that_is_not_readable_any_more_does_not_replace_the_one_in_force)
{
	place_ok(&p, place_activate(&p, PERMIT_ALICE, NULL));
	spoil_version_2(LG_STR("garbage"));
	place_ok(&p, lg_point_load(&p.cx, p.point));
	lg_store_turn(p.store);
	cr_assert_eq(lg_point_version(p.point, PLACE_TENANT), 2);
	cr_assert(alice_may_stop());
}

Test(point, a_start_without_a_readable_set_denies_and_lets_the_operator_roll_back)
{
	static const char *const sources[] = {
		"permit (", "permit (principal, action, resource) when { principal.nonsense };", "permit (principal == User::\"alice\", action, resource);",
	};
	struct lg_policy_faults faults = { .n = 0 };
	uint64_t version;

	place_ok(&p, place_activate(&p, PERMIT_ALICE, NULL));
	for (size_t i = 0; i <= LG_COUNT(sources); i++) {
		spoil_version_2(i == LG_COUNT(sources) ? LG_STR("garbage") : row_of(lg_str_of(sources[i])));
		start_again();
		cr_assert_eq(lg_point_version(p.point, PLACE_TENANT), 0, "version 1 would bring back what 2 took away");
		cr_assert(!lg_point_ready(p.point, PLACE_TENANT));
		struct lg_verdict v = place_ask(&p, LG_TYPE_USER, "admin", "admin:read", LG_TYPE_TENANT, NULL, NULL);
		cr_assert(!v.permit && says(&v, "no policy is in force"), "%.*s", LG_FMT(v.reason));
	}
	place_ok(&p, lg_policy_activate(&p.cx, p.point, PLACE_TENANT, place_defaults(), "recover.rollback", &faults, &version));
	cr_assert_eq(version, 3);
	cr_assert(place_ask(&p, LG_TYPE_USER, "admin", "admin:read", LG_TYPE_TENANT, NULL, NULL).permit);
}

/* ---- the port ------------------------------------------------------------------------------------------------------------ */

Test(point, a_door_s_decision_that_cannot_be_recorded_is_a_deny)
{
	struct lg_question q = { .tenant = PLACE_TENANT, .action = "container:stop", .record = true };
	struct lg_view *v = NULL;
	struct lg_verdict ret;
	struct lg_entry e;

	place_ok(&p, place_activate(&p, PERMIT_ALICE, NULL));
	place_ok(&p, lg_view_begin(&p.cx, p.store, &v));
	place_ok(&p, lg_entry_by_name(&p.cx, v, PLACE_TENANT, LG_TYPE_USER, LG_STR("alice"), &e));
	q.principal = lg_entry_entity(&e);
	place_ok(&p, lg_entry_by_name(&p.cx, v, PLACE_TENANT, LG_TYPE_WORKLOAD, LG_STR("web"), &e));
	q.resource = lg_entry_entity(&e);
	place_ok(&p, p.decider.ask(p.decider.self, &p.cx, v, &q, &ret));
	cr_assert(ret.permit);
	lg_point_log(p.point, NULL);
	cr_assert_neq(p.decider.ask(p.decider.self, &p.cx, v, &q, &ret), LG_OK);
	cr_assert(!ret.permit);
	lg_view_end(&v);
}

Test(point, a_tenant_without_policies_is_denied)
{
	struct lg_question q = { .tenant = 7, .action = "container:stop" };
	struct lg_view *v = NULL;
	struct lg_verdict ret;

	place_ok(&p, lg_view_begin(&p.cx, p.store, &v));
	place_ok(&p, lg_point_ask(p.point, &p.cx, v, &q, &ret));
	lg_view_end(&v);
	cr_assert(!ret.permit && says(&ret, "no policy is in force"));
}

Test(point, decisions_are_counted)
{
	size_t group = lg_tally_group("container:stop");
	uint64_t before = lg_tally_count(lg_point_tally(p.point), group, false);

	alice_may_stop();
	cr_assert_eq(lg_tally_count(lg_point_tally(p.point), group, false), before + 1);
}
