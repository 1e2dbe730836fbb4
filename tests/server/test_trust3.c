/*
 * test_trust3.c: what the decision point promises, sentence by sentence.
 *
 * Proved elsewhere: that the policy library answers as Cedar specifies (tests/policy, the corpus); what a host's slice leaves out is
 * unknown (tests/policy/test_authorize.c); subject tokens, audiences and scopes as they come over the wire (tests/e2e/askers.sh); a
 * certificate that policy refuses after it was signed (tests/certs/test_issue.c); break-glass (tests/e2e/tenants.sh).
 */
#include <stdio.h>

#include "base/text.h"
#include "server/access.h"
#include "server/embedded.h"
#include "server/entities.h"
#include "server/tenants.h"
#include "tests/server/place.h"

static struct place p;

static void
setup(void)
{
	place_start(&p);
	place_make(&p, LG_TYPE_PROJECT, "shop", NULL, NULL);
	place_make(&p, LG_TYPE_PROJECT, "lab", NULL, NULL);
	place_make(&p, LG_TYPE_USER, "alice", NULL, NULL);
	place_make(&p, LG_TYPE_USER, "bob", NULL, NULL);
	place_make(&p, LG_TYPE_HOST, "node1", NULL, NULL);
	place_make(&p, LG_TYPE_HOST, "node2", NULL, NULL);
	place_make(&p, LG_TYPE_SERVICE, "controller", "lgProject", "cn=shop,ou=projects,dc=example,dc=org");
	place_make(&p, LG_TYPE_WORKLOAD, "web", "lgProject", "cn=shop,ou=projects,dc=example,dc=org");
	place_make(&p, LG_TYPE_WORKLOAD, "other", "lgProject", "cn=lab,ou=projects,dc=example,dc=org");
	place_make(&p, LG_TYPE_WORKLOAD, "placed", "lgHost", "cn=node1,ou=hosts,dc=example,dc=org");
}

static void
teardown(void)
{
	place_end(&p);
}

TestSuite(trust3, .init = setup, .fini = teardown);

#define ALL "@id(\"all\") permit (principal, action, resource);\n"
#define STOP(more) "forbid (principal, action == Action::\"container:stop\", resource) " more ";\n"

static struct lg_verdict
alice_stops(const struct lg_fact *context)
{
	return place_ask(&p, LG_TYPE_USER, "alice", "container:stop", LG_TYPE_WORKLOAD, "web", context);
}

static bool
says(const struct lg_verdict *v, const char *what)
{
	return memmem(v->reason.p, v->reason.n, what, strlen(what)) != NULL;
}

static void
expect_deny(struct lg_verdict v, const char *why)
{
	cr_assert(!v.permit && says(&v, why), "%d %.*s", v.permit, LG_FMT(v.reason));
}

/* ---- the decision point above the engine --------------------------------------------------------------------------- */

Test(trust3, a_forbid_that_errs_denies)
{
	const struct lg_fact port[] = { { .name = "port", .type = LG_FACT_INT, .i = 1 }, { .name = NULL } };

	place_ok(&p, place_activate(&p, ALL STOP("when { context has port && context.port + 9223372036854775807 > 0 }"), NULL));
	cr_assert(alice_stops(NULL).permit);
	expect_deny(alice_stops(port), "could not be evaluated");
}

Test(trust3, a_request_that_does_not_fit_the_schema_is_denied)
{
	const struct lg_fact wrong[] = { { .name = "port", .type = LG_FACT_STR, .s = LG_STR("http") }, { .name = NULL } };
	const struct lg_fact unheard[] = { { .name = "colour", .type = LG_FACT_STR, .s = LG_STR("red") }, { .name = NULL } };

	place_ok(&p, place_activate(&p, ALL, NULL));
	expect_deny(alice_stops(wrong), "schema");
	expect_deny(alice_stops(unheard), "schema");
	expect_deny(place_ask(&p, LG_TYPE_USER, "alice", "connect", LG_TYPE_WORKLOAD, "web", NULL), "schema");
}

Test(trust3, an_entity_that_cannot_be_read_denies)
{
	struct lg_question q = { .tenant = PLACE_TENANT, .action = "container:stop", .principal = { LG_STR("User"), { { 7 } }, LG_NONE } };
	struct lg_view *v = NULL;
	struct lg_verdict ret;
	struct lg_entry e;

	place_ok(&p, place_activate(&p, ALL, NULL));
	place_ok(&p, lg_view_begin(&p.cx, p.store, &v));
	place_ok(&p, lg_entry_by_name(&p.cx, v, PLACE_TENANT, LG_TYPE_WORKLOAD, LG_STR("web"), &e));
	q.resource = lg_entry_entity(&e);
	place_ok(&p, lg_point_ask(p.point, &p.cx, v, &q, &ret));
	lg_view_end(&v);
	cr_assert(!ret.permit, "the system's forbid could not be judged for a principal that is not there");
}

/* Value: an attribute.  Certainly absent: `has` is false, and nothing denies for it.  Unknown: more than a decision may touch. */
Test(trust3, the_getter_answers_value_absent_or_unknown_and_unknown_denies)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(64u << 10);

	place_ok(&p, place_activate(&p, ALL STOP("when { resource has image }"), NULL));
	cr_assert(alice_stops(NULL).permit, "certainly absent");
	place_ok(&p, place_activate(&p, ALL STOP("when { principal.name == \"alice\" }"), NULL));
	expect_deny(alice_stops(NULL), "forbidden");
	lg_buf_str(&b, LG_STR(ALL "@id(\"many\") forbid (principal, action == Action::\"container:stop\", resource) when { false"));
	for (int i = 0; i <= LG_NODES; i++) {
		char name[16];
		snprintf(name, sizeof name, "u%d", i);
		place_make(&p, LG_TYPE_USER, name, NULL, NULL);
		lg_buf_printf(&b, " || !User::\"%s\".enabled", name);
	}
	lg_buf_str(&b, LG_STR(" };\n"));
	place_ok(&p, place_activate(&p, lg_dup(p.cx.arena, lg_buf_view(&b)).p, NULL));
	expect_deny(alice_stops(NULL), "could not be read");
}

Test(trust3, only_a_strictly_validated_set_is_activated)
{
	place_err(&p, LG_E_INVALID, place_activate(&p, "permit (principal, action == Action::\"container:stop\", resource) when { resource.host == principal };\n", NULL));
	place_err(&p, LG_E_INVALID, place_activate(&p, "permit (principal, action == Action::\"container:stop\", resource) when { resource.name == 1 };\n", NULL));
	cr_assert_eq(lg_point_version(p.point, PLACE_TENANT), 1);
}

/* ---- two layers ------------------------------------------------------------------------------------------------------- */

Test(trust3, no_tenant_lifts_what_the_platform_forbids)
{
	place_ok(&p, place_activate(&p, ALL, NULL));
	cr_assert(alice_stops(NULL).permit);
	place_enable(&p, LG_TYPE_USER, "alice", false);
	expect_deny(alice_stops(NULL), "disabled-people");
}

Test(trust3, a_request_needs_a_permit_in_one_set_and_no_forbid_in_either)
{
	static const char *const system[] = {
		"@id(\"ours\") permit (principal, action == Action::\"container:stop\", resource);",
		"@id(\"ours\") forbid (principal, action == Action::\"container:stop\", resource);",
	};

	for (int i = 0; i < 4; i++) {
		bool forbids = i & 1, tenant_permits = i & 2;
		place_ok(&p, place_activate(&p, tenant_permits ? ALL : "", NULL));
		lg_point_free(&p.point);
		place_ok(&p, lg_point_new(&p.cx, p.store, lg_embedded_get("conf/lightgate.cedarschema")->data, lg_str_of(system[forbids]), &p.point));
		place_ok(&p, lg_point_load(&p.cx, p.point));
		lg_store_turn(p.store);
		cr_assert_eq(alice_stops(NULL).permit, !forbids, "%d", i);
		lg_point_free(&p.point);
		place_point(&p);
		place_ok(&p, lg_point_load(&p.cx, p.point));
		lg_store_turn(p.store);
	}
	place_ok(&p, place_activate(&p, STOP(""), NULL));
	expect_deny(alice_stops(NULL), "forbidden");
}

static lg_err
second_tenant(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	struct lg_edit ed = lg_edit_of(p.directory, v, 2);
	struct lg_entry e, group;

	LG_TRY(lg_tenant_add(cx, p.directory, v, 2, LG_STR("two"), LG_STR("dc=two,dc=org")));
	LG_TRY(lg_entry_create(cx, &ed, LG_TYPE_GROUP, LG_STR("administrators"), NULL, 0, &group));
	LG_TRY(lg_entry_create(cx, &ed, LG_TYPE_USER, LG_STR("alice"), NULL, 0, &e));
	LG_TRY(lg_entry_create(cx, &ed, LG_TYPE_WORKLOAD, LG_STR("web"), NULL, 0, &e));
	*(lg_uuid *)arg = e.uuid;
	return lg_policy_first(cx, p.point, v, 2, lg_cat(cx->arena, place_defaults(), LG_STR(ALL)));
}

static struct lg_verdict
ask_across(uint32_t tenant, uint32_t principals, uint32_t resources)
{
	struct lg_question q = { .tenant = tenant, .action = "container:stop" };
	struct lg_view *v = NULL;
	struct lg_verdict ret;
	struct lg_entry e;

	place_ok(&p, lg_view_begin(&p.cx, p.store, &v));
	place_ok(&p, lg_entry_by_name(&p.cx, v, principals, LG_TYPE_USER, LG_STR("alice"), &e));
	q.principal = lg_entry_entity(&e);
	place_ok(&p, lg_entry_by_name(&p.cx, v, resources, LG_TYPE_WORKLOAD, LG_STR("web"), &e));
	q.resource = lg_entry_entity(&e);
	place_ok(&p, lg_point_ask(p.point, &p.cx, v, &q, &ret));
	lg_view_end(&v);
	lg_store_turn(p.store);
	return ret;
}

/* No door asks across tenants; should one, nothing of the other tenant can be read in either. */
Test(trust3, across_tenants_nothing_is_permitted_though_both_permit_everything)
{
	lg_uuid web;

	place_ok(&p, place_activate(&p, ALL, NULL));
	place_ok(&p, lg_store_apply(&p.cx, p.store, 2, "tenant.create", second_tenant, &web, NULL));
	place_ok(&p, lg_point_load(&p.cx, p.point));
	lg_store_turn(p.store);
	cr_assert(ask_across(1, 1, 1).permit && ask_across(2, 2, 2).permit);
	for (uint32_t principals = 1; principals <= 2; principals++)
		for (uint32_t tenant = 1; tenant <= 2; tenant++)
			cr_assert(!ask_across(tenant, principals, 3 - principals).permit || principals == tenant, "%u %u", tenant, principals);
	cr_assert(!ask_across(2, 1, 1).permit && !ask_across(1, 2, 2).permit);
}

Test(trust3, a_tenant_s_policies_do_not_name_another_s_entries)
{
	char text[LG_UUID_TEXT + 1];
	lg_uuid web;

	place_ok(&p, lg_store_apply(&p.cx, p.store, 2, "tenant.create", second_tenant, &web, NULL));
	lg_store_turn(p.store);
	lg_uuid_text(web, text);
	place_err(&p, LG_E_INVALID, place_activate(&p, lg_print(p.cx.arena, "permit (principal, action, resource == Workload::\"%s\");\n", text).p, NULL));
}

Test(trust3, an_upgrade_does_not_change_a_tenant_s_set)
{
	place_ok(&p, place_activate(&p, "@id(\"mine\") permit (principal == User::\"alice\", action == Action::\"container:stop\", resource);\n", NULL));
	lg_point_free(&p.point);
	place_point(&p);		/* another program, with defaults of its own */
	place_ok(&p, lg_point_load(&p.cx, p.point));
	lg_store_turn(p.store);
	cr_assert(lg_str_eq(alice_stops(NULL).policy, LG_STR("mine")));
	cr_assert_eq(lg_point_version(p.point, PLACE_TENANT), 2);
}

/* ---- askers -------------------------------------------------------------------------------------------------------------- */

static const struct {
	enum lg_entry_type asker;
	const char *name, *resource, *proof, *asked, *address;
	bool may;
} askers[] = {
	{ LG_TYPE_SERVICE, "controller", "web", "token", "container:create", NULL, true },
	{ LG_TYPE_SERVICE, "controller", "other", "token", "container:create", NULL, false },	/* another project's */
	{ LG_TYPE_SERVICE, "controller", "web", "asserted", "container:create", NULL, false },	/* its bare word */
	{ LG_TYPE_SERVICE, "controller", "web", "asserted", "container:create", "uid=0 pid=7", true },	/* on a socket of this machine */
	{ LG_TYPE_SERVICE, "controller", "web", "asserted", "connect", NULL, true },		/* workloads have no tokens */
	{ LG_TYPE_HOST, "node1", "placed", "asserted", "container:logs", NULL, true },
	{ LG_TYPE_HOST, "node2", "placed", "asserted", "container:logs", NULL, false },		/* it does not run there */
	{ LG_TYPE_HOST, "node1", "web", "asserted", "container:logs", NULL, false },
	{ LG_TYPE_USER, "alice", "web", "self", "container:logs", NULL, true },
	{ LG_TYPE_USER, "alice", "web", "asserted", "container:logs", NULL, false },		/* about somebody else */
	{ LG_TYPE_USER, "alice", "web", "token", "container:logs", NULL, false },
	{ LG_TYPE_USER, "admin", "web", "asserted", "container:logs", NULL, true },
};

Test(trust3, policy_decides_who_may_ask_by_subject_action_and_the_resource_s_project_or_host)
{
	for (size_t i = 0; i < LG_COUNT(askers); i++) {
		struct lg_fact context[] = { lg_fact_str("subject_proof", lg_str_of(askers[i].proof)),
			lg_fact_str("asked_action", lg_str_of(askers[i].asked)), { .name = NULL } };
		struct lg_actor actor = { .kind = LG_ACTOR_ENTRY, .address = lg_str_of(askers[i].address) };
		const struct lg_actor *was = p.cx.actor;
		p.cx.actor = &actor;
		struct lg_verdict v = place_ask(&p, askers[i].asker, askers[i].name, "decision:ask", LG_TYPE_WORKLOAD, askers[i].resource, context);
		p.cx.actor = was;
		cr_assert_eq(v.permit, askers[i].may, "%zu: %.*s", i, LG_FMT(v.reason));
	}
}

/* One evaluation by an asker of the tenant, without HTTP. */
static lg_err
evaluate(enum lg_entry_type type, const char *asker, const struct lg_evaluation *ev, struct lg_access *ret)
{
	struct lg_tenant_view tenant = { .id = PLACE_TENANT };
	struct lg_app app = { .point = p.point, .store = p.store };
	struct lg_caller who = { .tenant = &tenant, .proof = "self" };
	struct lg_view *v = NULL;
	struct lg_entry e;

	place_ok(&p, lg_view_begin(&p.cx, p.store, &v));
	place_ok(&p, lg_entry_by_name(&p.cx, v, PLACE_TENANT, type, lg_str_of(asker), &e));
	who.entity = lg_entry_entity(&e);
	lg_err err = lg_access_probe(&app, &p.cx, v, &who, ev, LG_NONE, ret);
	lg_view_end(&v);
	lg_store_turn(p.store);
	return err;
}

#define ALICE_STOPS(name) .subject_type = LG_STR("User"), .subject_id = LG_STR("alice"), .action = LG_STR("container:stop"), \
	.resource_type = LG_STR("Workload"), .resource_id = LG_STR(name)

Test(trust3, for_entries_the_directory_s_attributes_win_and_claims_are_only_claims)
{
	static const lg_str labels[] = { LG_STR("tier=admin") };
	struct lg_evaluation ev = { ALICE_STOPS("other"), .project = LG_STR("shop"), .labels = labels, .nlabels = 1 };
	struct lg_access ac;

	place_ok(&p, place_activate(&p, "permit (principal, action == Action::\"container:stop\", resource in Project::\"shop\");\n"
	    "permit (principal, action == Action::\"container:stop\", resource) when { resource has labels && resource.labels.contains(\"tier=admin\") };\n", NULL));
	place_ok(&p, evaluate(LG_TYPE_USER, "alice", &ev, &ac));
	cr_assert(!ac.verdict.permit, "it is another project's, whatever is said");
	cr_assert_eq(ac.question.nfacts, 0);
	cr_assert_eq(ac.nignored, 2, "and that is said");
	ev.resource_id = LG_STR("new");
	ev.project = LG_STR("lab");
	place_ok(&p, evaluate(LG_TYPE_USER, "alice", &ev, &ac));
	cr_assert(!ac.verdict.permit, "a label that is claimed is no label");
	place_ok(&p, place_activate(&p, "permit (principal, action == Action::\"container:stop\", resource) when { resource has claimed && "
	    "resource.claimed has labels && resource.claimed.labels.contains(\"tier=admin\") };\n", NULL));
	place_ok(&p, evaluate(LG_TYPE_USER, "alice", &ev, &ac));
	cr_assert(ac.verdict.permit, "unless a policy says that a claim is enough");
	ev.resource_id = LG_STR("other");
	place_ok(&p, evaluate(LG_TYPE_USER, "alice", &ev, &ac));
	cr_assert(!ac.verdict.permit, "of what the directory knows nothing is claimed");
}

Test(trust3, the_service_itself_sets_clock_revision_asker_address_and_proof)
{
	static const struct lg_actor someone = { .kind = LG_ACTOR_ENTRY, .type = LG_STR("Service"), .name = LG_STR("ctl"), .address = LG_STR("10.0.0.7:1") };
	static const char *const facts[] = {
		"context.now == datetime(\"2026-01-02T03:04:05Z\")", "context.revision > 1", "context.asker.name == \"ctl\"",
		"context.asker.type == \"Service\"", "context has address && context.address == \"10.0.0.7:1\"", "context.subject_proof == \"asserted\"",
	};
	const struct lg_actor *was = p.cx.actor;

	cr_assert(lg_time_parse(LG_STR("2026-01-02T03:04:05Z"), &p.cx.now));
	for (size_t i = 0; i < LG_COUNT(facts); i++) {
		place_ok(&p, place_activate(&p, lg_print(p.cx.arena, ALL STOP("when { %s }"), facts[i]).p, NULL));
		p.cx.actor = &someone;
		struct lg_verdict v = alice_stops(NULL);
		p.cx.actor = was;
		expect_deny(v, "forbidden");
	}
}

static const char *const refused[] = { "now", "revision", "asker", "address", "acr", "amr", "auth_age", "client", "scopes", "subject_proof", "asked_action", "container" };

Test(trust3, and_refuses_them_from_outside)
{
	for (size_t i = 0; i < LG_COUNT(refused); i++) {
		struct lg_evaluation ev = { .port = 0 };
		struct lg_json js;
		lg_str name;
		lg_json_init(&js, p.cx.arena, lg_print(p.cx.arena, "{\"context\":{\"%s\":1}}", refused[i]));
		lg_json_object(&js);
		while (lg_json_member(&js, &name))
			cr_assert(lg_evaluation_member(&p.cx, &js, name, &ev));
		place_err(&p, LG_E_INVALID, lg_json_end(&p.cx, &js));
	}
}

Test(trust3, a_bare_id_is_asserted_and_oneself_is_self)
{
	struct lg_evaluation ev = { ALICE_STOPS("web") };
	struct lg_access ac;

	place_ok(&p, evaluate(LG_TYPE_USER, "alice", &ev, &ac));
	cr_assert_str_eq(ac.proof, "self");
	place_ok(&p, evaluate(LG_TYPE_USER, "admin", &ev, &ac));
	cr_assert_str_eq(ac.proof, "asserted");
	place_err(&p, LG_E_DENIED, evaluate(LG_TYPE_USER, "bob", &ev, &ac));
	place_err(&p, LG_E_DENIED, evaluate(LG_TYPE_SERVICE, "controller", &ev, &ac));
	place_err(&p, LG_E_DENIED, evaluate(LG_TYPE_HOST, "node1", &ev, &ac));
}

Test(trust3, a_name_and_its_entryUUID_ask_the_same)
{
	struct lg_evaluation ev = { ALICE_STOPS("web") };
	char user[LG_UUID_TEXT + 1], workload[LG_UUID_TEXT + 1];
	struct lg_access by_name, by_id;

	place_ok(&p, evaluate(LG_TYPE_USER, "alice", &ev, &by_name));
	lg_uuid_text(by_name.question.principal.id, user);
	lg_uuid_text(by_name.question.resource.id, workload);
	ev.subject_id = lg_str_of(user);
	ev.resource_id = lg_str_of(workload);
	place_ok(&p, evaluate(LG_TYPE_USER, "alice", &ev, &by_id));
	cr_assert(lg_uuid_eq(by_id.question.principal.id, by_name.question.principal.id));
	cr_assert(lg_uuid_eq(by_id.question.resource.id, by_name.question.resource.id));
	ev.subject_id = LG_STR("nobody");
	place_err(&p, LG_E_NOT_FOUND, evaluate(LG_TYPE_USER, "admin", &ev, &by_id));
	ev.resource_id = lg_str_of(user);		/* an id of another type */
	ev.subject_id = LG_STR("alice");
	place_err(&p, LG_E_NOT_FOUND, evaluate(LG_TYPE_USER, "alice", &ev, &by_id));
}

/* A token brings what it was issued for into the question, and nothing else: neither groups nor rights. */
Test(trust3, tokens_only_narrow)
{
	const struct lg_claims claims = { .client_id = LG_STR("portal"), .scope = LG_STR("openid groups"),
		.payload = LG_STR("{\"groups\":[\"administrators\"]}") };
	struct lg_question q = { .ncontext = 0 };

	lg_caller_token_facts(&p.cx, &claims, &q);
	cr_assert_eq(q.ncontext, 2);
	cr_assert_str_eq(q.context[0].name, "client");
	cr_assert_str_eq(q.context[1].name, "scopes");
	struct lg_fact context[] = { q.context[0], q.context[1], { .name = NULL } };
	cr_assert(!alice_stops(context).permit, "no scope permits");
	place_ok(&p, place_activate(&p, ALL STOP("when { context has scopes && !context.scopes.contains(\"operate\") }"), NULL));
	expect_deny(alice_stops(context), "forbidden");
	cr_assert(alice_stops(NULL).permit, "without a token there is no ceiling");
}

Test(trust3, full_reasons_are_told_to_who_asks_for_them_alone)
{
	struct lg_question q = { .tenant = PLACE_TENANT, .action = "container:stop" };
	struct lg_view *v = NULL;
	struct lg_verdict ret;
	struct lg_entry e;

	place_ok(&p, lg_view_begin(&p.cx, p.store, &v));
	place_ok(&p, lg_entry_by_name(&p.cx, v, PLACE_TENANT, LG_TYPE_USER, LG_STR("alice"), &e));
	q.principal = lg_entry_entity(&e);
	place_ok(&p, lg_entry_by_name(&p.cx, v, PLACE_TENANT, LG_TYPE_WORKLOAD, LG_STR("web"), &e));
	q.resource = lg_entry_entity(&e);
	place_ok(&p, lg_point_ask(p.point, &p.cx, v, &q, &ret));
	cr_assert_eq(ret.detail.n, 0);
	q.explain = true;
	place_ok(&p, lg_point_ask(p.point, &p.cx, v, &q, &ret));
	cr_assert_gt(ret.detail.n, 0);
	lg_view_end(&v);
	lg_store_turn(p.store);
	cr_assert(place_ask(&p, LG_TYPE_USER, "admin", "decision:explain", LG_TYPE_TENANT, NULL, NULL).permit);
	cr_assert(!place_ask(&p, LG_TYPE_USER, "alice", "decision:explain", LG_TYPE_TENANT, NULL, NULL).permit);
}

/* ---- mutations --------------------------------------------------------------------------------------------------------- */

static lg_err
demote_and_ask(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	struct lg_edit ed = lg_edit_of(p.directory, v, PLACE_TENANT);
	struct lg_question q = { .tenant = PLACE_TENANT, .action = "admin:write" };
	struct lg_verdict *ret = arg;
	struct lg_entry group, admin;
	struct lg_tenant tenant;

	LG_TRY(lg_entry_by_name(cx, v, PLACE_TENANT, LG_TYPE_GROUP, LG_STR("administrators"), &group));
	LG_TRY(lg_entry_by_name(cx, v, PLACE_TENANT, LG_TYPE_USER, LG_STR("admin"), &admin));
	LG_TRY(lg_tenant_get(cx, v, PLACE_TENANT, &tenant));
	q.principal = lg_entry_entity(&admin);
	q.resource = (struct lg_entity_id){ LG_STR("Tenant"), tenant.uuid, LG_NONE };
	LG_TRY(lg_point_ask(p.point, cx, v, &q, &ret[0]));
	LG_TRY(lg_member_del(cx, &ed, &group, &admin));
	LG_TRY(lg_point_ask(p.point, cx, v, &q, &ret[1]));
	return lg_fail(cx, LG_E_DENIED, "looked, and changed nothing");
}

Test(trust3, inside_a_mutation_the_state_that_it_changes_decides)
{
	struct lg_verdict verdict[2];

	place_err(&p, LG_E_DENIED, lg_store_apply(&p.cx, p.store, PLACE_TENANT, "test", demote_and_ask, verdict, NULL));
	lg_store_turn(p.store);
	cr_assert(verdict[0].permit && !verdict[1].permit, "the membership was gone inside the change alone");
	cr_assert(place_ask(&p, LG_TYPE_USER, "admin", "admin:write", LG_TYPE_TENANT, NULL, NULL).permit);
}

/* ---- no lock-out -------------------------------------------------------------------------------------------------------- */

static const char *const locking[] = {
	"forbid (principal, action == Action::\"policy:read\", resource);\n",
	"forbid (principal, action == Action::\"policy:activate\", resource);\n",
	"forbid (principal, action == Action::\"admin:read\", resource);\n",
	"forbid (principal, action == Action::\"admin:write\", resource);\n",
	"forbid (principal, action == Action::\"token:issue\", resource);\n",
	"forbid (principal in Group::\"administrators\", action, resource);\n",
};

static lg_err
signin(void *self, struct lg_ctx *cx, uint32_t tenant, struct lg_question *ret)
{
	static const lg_str audience[] = { LG_STR("https://localhost/v1") };

	(void)self, (void)cx;
	*ret = (struct lg_question){ .tenant = tenant, .action = "token:issue", .resource = { .type = LG_STR("Token"), .name = LG_STR("lightgate") },
		.nfacts = 3, .facts = { lg_fact_set("audience", audience, 1), lg_fact_set("scopes", NULL, 0), lg_fact_str("client", LG_STR("lightgate")) } };
	return LG_OK;
}

Test(trust3, no_set_is_activated_under_which_no_enabled_administrator_could_read_activate_and_roll_back)
{
	lg_point_signin(p.point, signin, NULL);
	for (size_t i = 0; i < LG_COUNT(locking); i++)
		place_err(&p, LG_E_CONFLICT, place_activate(&p, locking[i], NULL));
	cr_assert_eq(lg_point_version(p.point, PLACE_TENANT), 1);
	place_ok(&p, place_activate(&p, "forbid (principal == User::\"alice\", action == Action::\"token:issue\", resource);\n", NULL));
}

Test(trust3, who_is_disabled_or_has_no_password_is_no_administrator)
{
	place_join(&p, "administrators", LG_TYPE_USER, "alice");
	place_err(&p, LG_E_CONFLICT, place_activate(&p, "forbid (principal == User::\"admin\", action == Action::\"policy:activate\", resource);\n", NULL));
}
