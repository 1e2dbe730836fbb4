/* test_replay.c: what was decided is asked again under a candidate: the question as logged, entries as they are now. */
#include "server/replay.h"

#include <stdio.h>

#include "base/clock.h"
#include "tests/server/place.h"

static struct place p;

static void
setup(void)
{
	place_start(&p);
	place_make(&p, LG_TYPE_PROJECT, "shop", NULL, NULL);
	place_make(&p, LG_TYPE_GROUP, "operators", NULL, NULL);
	place_make(&p, LG_TYPE_USER, "alice", NULL, NULL);
	place_make(&p, LG_TYPE_USER, "bob", NULL, NULL);
	place_make(&p, LG_TYPE_IMAGE, "busybox", NULL, NULL);
	place_make(&p, LG_TYPE_WORKLOAD, "web", "lgProject", "cn=shop,ou=projects,dc=example,dc=org");
	place_join(&p, "operators", LG_TYPE_USER, "alice");
}

static void
teardown(void)
{
	place_end(&p);
}

TestSuite(replay, .init = setup, .fini = teardown);

#define OPERATORS "@id(\"operators\") permit (principal in Group::\"operators\", action in Action::\"container:operate\", resource);\n"
#define NO_EXEC "@id(\"no-exec\") forbid (principal, action == Action::\"container:exec\", resource);\n"

/* ---- logging ----------------------------------------------------------------------------------------------------- */

static struct lg_entity_id
named(struct lg_view *v, enum lg_entry_type type, const char *name)
{
	struct lg_entry e;

	place_ok(&p, lg_entry_by_name(&p.cx, v, PLACE_TENANT, type, lg_str_of(name), &e));
	return lg_entry_entity(&e);
}

/* Decides and records, as a door does, and waits until the record can be read. */
static void
log_question(struct lg_question *q, const char *who)
{
	struct lg_view *v = NULL;
	struct lg_verdict ret;

	place_ok(&p, lg_view_begin(&p.cx, p.store, &v));
	q->principal = named(v, LG_TYPE_USER, who);
	if (q->resource.type.n == 0)
		q->resource = named(v, LG_TYPE_WORKLOAD, "web");
	place_ok(&p, lg_point_ask(p.point, &p.cx, v, q, &ret));
	place_ok(&p, lg_segments_apply(&p.cx, p.segments, PLACE_TENANT, lg_decision_body(&p.cx, q, &ret, LG_STR("d1"), LG_STR("token"))));
	lg_view_end(&v);
	lg_store_turn(p.store);
}

static void
log_action(const char *who, const char *action)
{
	struct lg_question q = { .tenant = PLACE_TENANT, .action = action };

	log_question(&q, who);
}

/* ---- replaying ---------------------------------------------------------------------------------------------------- */

struct found {
	size_t rows;
	char first[200];		/* who action: logged now candidate policy */
};

static const char *
word(const struct lg_verdict *v)
{
	return v->permit ? "permit" : "deny";
}

static void
note(void *arg, const struct lg_replay_row *row)
{
	struct found *f = arg;

	if (f->rows++ > 0)
		return;
	snprintf(f->first, sizeof f->first, "%.*s %s: %s %s %s %.*s", LG_FMT(row->past->question.principal.name),
	    row->past->question.action, word(&row->past->verdict), word(row->now), word(row->candidate), LG_FMT(row->candidate->policy));
}

static struct lg_policies *
candidate(const char *more)
{
	struct lg_policy_faults faults = { .n = 0 };
	struct lg_policies *set = NULL;

	place_ok(&p, lg_policy_candidate(&p.cx, p.point, PLACE_TENANT, lg_cat(p.cx.arena, place_defaults(), lg_str_of(more)), &faults, &set));
	lg_store_turn(p.store);
	return set;
}

static struct lg_replay
replay_since(const char *more, struct found *f, int64_t since)
{
	struct lg_policies *set = candidate(more);
	struct lg_replay r = { .point = p.point, .store = p.store, .log = p.log_dir, .tenant = PLACE_TENANT, .candidate = set };

	*f = (struct found){ .rows = 0 };
	place_ok(&p, lg_replay_begin(&p.cx, &r, lg_segments_head(p.segments).seq, since, LG_REPLAY_LIMIT));
	place_ok(&p, lg_replay_page(&p.cx, &r, note, f));
	lg_store_turn(p.store);
	lg_policies_unref(&set);
	return r;
}

static struct lg_replay
replay(const char *more, struct found *f)
{
	return replay_since(more, f, 0);
}

Test(replay, a_decision_that_the_candidate_changes_is_told)
{
	struct found f;

	place_ok(&p, place_activate(&p, OPERATORS, NULL));
	log_action("alice", "container:exec");
	log_action("alice", "container:stop");
	log_action("bob", "container:exec");
	struct lg_replay r = replay(OPERATORS NO_EXEC, &f);
	cr_assert_eq(r.replayed, 3);
	cr_assert_eq(r.changed, 1);
	cr_assert_eq(r.drifted, 0);
	cr_assert_eq(r.from, 0, "one page was enough");
	cr_assert_str_eq(f.first, "alice container:exec: permit permit deny no-exec");
	cr_assert_eq(lg_point_version(p.point, PLACE_TENANT), 2, "nothing was activated");
}

Test(replay, the_same_set_changes_nothing)
{
	struct found f;

	place_ok(&p, place_activate(&p, OPERATORS, NULL));
	log_action("alice", "container:exec");
	struct lg_replay r = replay(OPERATORS, &f);
	cr_assert(r.replayed == 1 && r.changed == 0 && r.drifted == 0 && f.rows == 0);
}

Test(replay, what_the_directory_changed_since_is_drift_and_not_the_candidate_s_doing)
{
	struct found f;

	place_ok(&p, place_activate(&p, OPERATORS, NULL));
	log_action("bob", "container:stop");
	place_join(&p, "operators", LG_TYPE_USER, "bob");
	struct lg_replay r = replay(OPERATORS NO_EXEC, &f);
	cr_assert(r.changed == 0 && r.drifted == 1, "%zu %zu", r.changed, r.drifted);
	cr_assert_str_eq(f.first, "bob container:stop: deny permit permit operators");
}

Test(replay, the_context_is_the_one_that_was_logged)
{
	struct lg_question q = { .tenant = PLACE_TENANT, .action = "container:stop", .ncontext = 1,
		.context = { { .name = "port", .type = LG_FACT_INT, .i = 5432 } } };
	struct found f;

	place_ok(&p, place_activate(&p, OPERATORS, NULL));
	log_question(&q, "alice");
	q.context[0].i = 80;
	log_question(&q, "alice");
	struct lg_replay r = replay(OPERATORS "@id(\"no-80\") forbid (principal, action, resource) when { context has port && context.port == 80 };\n", &f);
	cr_assert(r.replayed == 2 && r.changed == 1, "%zu %zu", r.replayed, r.changed);
}

Test(replay, the_clock_and_the_asker_are_those_of_then)
{
	static const struct lg_actor controller = { .kind = LG_ACTOR_ENTRY, .type = LG_STR("Service"), .name = LG_STR("ctl"), .address = LG_STR("10.0.0.7:1") };
	const struct lg_actor *was = p.cx.actor;
	struct found f;

	place_ok(&p, place_activate(&p, OPERATORS, NULL));
	p.cx.actor = &controller;
	log_action("alice", "container:stop");
	p.cx.actor = was;
	p.cx.now = lg_wall() + 400 * INT64_C(86400000000);
	struct lg_replay r = replay(OPERATORS "@id(\"then\") forbid (principal, action == Action::\"container:stop\", resource) when { "
	    "context.asker.name == \"ctl\" && context has address && context.address like \"10.0.0.7:*\" };\n", &f);
	cr_assert_eq(r.changed, 1, "asker and address");
	r = replay(OPERATORS "@id(\"later\") forbid (principal, action == Action::\"container:stop\", resource) when { "
	    "context.now > datetime(\"2100-01-01\") };\n", &f);
	cr_assert_eq(r.changed, 0, "a year from now is not asked about");
}

Test(replay, what_a_host_told_later_is_asked_at_the_time_when_it_decided)
{
	struct lg_question q = { .tenant = PLACE_TENANT, .action = "container:stop",
		.made = { .at = INT64_C(1262304000000000), .until = INT64_C(1262304001000000), .count = 3 } };	/* 2010 */
	struct lg_past past;
	struct found f;

	place_ok(&p, place_activate(&p, OPERATORS, NULL));
	lg_str body = lg_decision_body(&p.cx, &q, &(struct lg_verdict){ .permit = true }, LG_STR("d"), LG_STR("asserted"));
	place_ok(&p, lg_decision_parse(&p.cx, body, &past));
	cr_assert(memcmp(&past.question.made, &q.made, sizeof q.made) == 0, "%.*s", LG_FMT(body));
	log_question(&q, "alice");
	struct lg_replay r = replay(OPERATORS "@id(\"then\") forbid (principal, action, resource) when { context.now < datetime(\"2011-01-01\") };\n", &f);
	cr_assert_eq(r.changed, 1);
}

Test(replay, a_resource_without_an_entry_is_asked_about_as_it_was_claimed)
{
	static const lg_str labels[] = { LG_STR("tier=web") };
	static const struct lg_fact claims[] = { { .name = "labels", .type = LG_FACT_SET, .set = labels, .n = 1 } };
	struct lg_question q = { .tenant = PLACE_TENANT, .action = "container:create", .resource = { .type = LG_STR("Workload"), .name = LG_STR("new") },
		.nfacts = 2, .facts = { { .name = "name", .type = LG_FACT_STR, .s = LG_STR("new") },
			{ .name = "claimed", .type = LG_FACT_RECORD, .record = claims, .n = 1 } } };
	struct lg_view *v = NULL;
	struct found f;

	place_ok(&p, place_activate(&p, OPERATORS, NULL));
	place_ok(&p, lg_view_begin(&p.cx, p.store, &v));
	q.parent = named(v, LG_TYPE_PROJECT, "shop");
	lg_view_end(&v);
	log_question(&q, "alice");
	struct lg_replay r = replay("@id(\"web-only\") permit (principal in Group::\"operators\", action == Action::\"container:create\", "
	    "resource in Project::\"shop\") when { resource has claimed && resource.claimed has labels && "
	    "resource.claimed.labels.contains(\"tier=web\") };\n", &f);
	cr_assert(r.replayed == 1 && r.changed == 0, "the claim and the project are there: %s", f.first);
	r = replay("", &f);
	cr_assert_eq(r.changed, 1);
}

Test(replay, what_names_a_deleted_entry_is_counted_and_not_guessed)
{
	struct lg_question q = { .tenant = PLACE_TENANT, .action = "container:start", .ncontext = 1 };
	struct lg_view *v = NULL;
	struct found f;

	place_ok(&p, place_activate(&p, OPERATORS, NULL));
	place_ok(&p, lg_view_begin(&p.cx, p.store, &v));
	struct lg_entity_id image = named(v, LG_TYPE_IMAGE, "busybox");
	q.context[0] = (struct lg_fact){ .name = "image", .type = LG_FACT_ENTITY, .s = image.type, .id = image.id };
	lg_view_end(&v);
	log_question(&q, "alice");
	log_action("bob", "container:exec");
	struct lg_replay r = replay(OPERATORS, &f);
	cr_assert(r.replayed == 2 && r.gone == 0);
	place_remove(&p, LG_TYPE_IMAGE, "busybox");
	place_remove(&p, LG_TYPE_USER, "bob");
	r = replay(OPERATORS, &f);
	cr_assert(r.replayed == 0 && r.gone == 2 && r.changed == 0, "%zu %zu", r.replayed, r.gone);
}

Test(replay, arguments_of_processes_are_not_logged_and_that_is_said)
{
	static const lg_str args[] = { LG_STR("--password=hunter2") };
	static const lg_str nothing[1];
	static const struct lg_fact facts[] = {
		{ .name = "args", .type = LG_FACT_SET, .set = args, .n = 1 }, { .name = "capabilities", .type = LG_FACT_SET, .set = nothing },
		{ .name = "devices", .type = LG_FACT_SET, .set = nothing }, { .name = "mounts", .type = LG_FACT_SET, .set = nothing },
		{ .name = "hooks", .type = LG_FACT_SET, .set = nothing }, { .name = "user", .type = LG_FACT_STR, .s = LG_STR("0:0") },
		{ .name = "privileged", .type = LG_FACT_BOOL }, { .name = "host_network", .type = LG_FACT_BOOL },
		{ .name = "host_pid", .type = LG_FACT_BOOL }, { .name = "host_ipc", .type = LG_FACT_BOOL },
		{ .name = "shared_namespace", .type = LG_FACT_BOOL }, { .name = "sensitive_mount", .type = LG_FACT_BOOL },
	};
	struct lg_question q = { .tenant = PLACE_TENANT, .action = "container:start", .ncontext = 1,
		.context = { { .name = "container", .type = LG_FACT_RECORD, .record = facts, .n = LG_COUNT(facts) } } };
	struct lg_verdict v = { .permit = true, .revision = 1 };
	struct found f;

	place_ok(&p, place_activate(&p, OPERATORS, NULL));
	lg_str body = lg_decision_body(&p.cx, &q, &v, LG_STR("d"), LG_STR("token"));
	cr_assert_null(memmem(body.p, body.n, "hunter2", 7));
	log_question(&q, "alice");
	struct lg_replay r = replay(OPERATORS "@id(\"root\") forbid (principal, action, resource) when { context has container && "
	    "context.container.user == \"0:0\" };\n", &f);
	cr_assert(r.replayed == 1 && r.masked == 1 && r.changed == 1, "%zu %zu %zu", r.replayed, r.masked, r.changed);
}

Test(replay, records_without_a_question_are_counted)
{
	static const char *const bodies[] = {
		"{\"id\":\"d\",\"action\":\"container:stop\",\"subject\":{\"type\":\"User\",\"name\":\"alice\"},\"decision\":true,\"revision\":2}",
		"{\"id\":\"d\",\"action\":\"container:start\",\"decision\":false,\"reason\":\"no ticket\",\"revision\":0,\"question\":{\"context\":{}}}",
		"{\"action\":\"container:stop\",\"revision\":1,\"question\":{\"context\":{\"now\":1}}}",
		"not JSON", "{\"id\":3}", "{\"action\":\"x\",\"question\":{\"context\":{\"a\":null}}}",
		"{\"action\":\"x\",\"question\":{\"context\":{\"a\":[1]}}}", "{\"action\":\"x\",\"revision\":1,\"question\":{\"context\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":1}}}}}}}}",
	};
	struct found f;

	for (size_t i = 0; i < LG_COUNT(bodies); i++)
		place_ok(&p, lg_segments_apply(&p.cx, p.segments, PLACE_TENANT, lg_str_of(bodies[i])));
	place_ok(&p, lg_segments_apply(&p.cx, p.segments, 7, LG_STR("{}")));
	struct lg_replay r = replay("", &f);
	cr_assert(r.looked == LG_COUNT(bodies) + 1 && r.partial == LG_COUNT(bodies) && r.replayed == 0, "%zu %zu", r.looked, r.partial);
}

Test(replay, the_proof_of_the_subject_is_the_one_of_then)
{
	struct lg_question q = { .tenant = PLACE_TENANT, .action = "container:stop", .ncontext = 1,
		.context = { { .name = "subject_proof", .type = LG_FACT_STR, .s = LG_STR("token") } } };
	struct found f;

	place_ok(&p, place_activate(&p, OPERATORS, NULL));
	log_question(&q, "alice");
	struct lg_replay r = replay(OPERATORS "@id(\"proved\") forbid (principal, action == Action::\"container:stop\", resource) "
	    "unless { context.subject_proof == \"token\" };\n", &f);
	cr_assert(r.replayed == 1 && r.changed == 0, "%s", f.first);
}

Test(replay, pages_together_are_the_whole)
{
	struct lg_policies *set;
	struct found f = { .rows = 0 };
	size_t replayed = 0, pages = 0;

	place_ok(&p, place_activate(&p, OPERATORS, NULL));
	for (int i = 0; i < 40; i++)
		log_action(i % 2 == 0 ? "alice" : "bob", "container:exec");
	set = candidate(OPERATORS NO_EXEC);
	for (uint64_t from = 1; from != 0; pages++) {
		struct lg_replay r = { .point = p.point, .store = p.store, .log = p.log_dir, .tenant = PLACE_TENANT, .candidate = set,
			.from = from, .until = from + 6 > 40 ? 40 : from + 6 };
		place_ok(&p, lg_replay_page(&p.cx, &r, note, &f));
		cr_assert_eq(r.from, 0);
		replayed += r.replayed;
		from = r.until == 40 ? 0 : r.until + 1;
	}
	lg_policies_unref(&set);
	cr_assert(replayed == 40 && f.rows == 20 && pages == 6, "%zu %zu %zu", replayed, f.rows, pages);
}

Test(replay, since_and_limit_say_where_it_begins)
{
	struct lg_replay r = { .log = p.log_dir, .tenant = PLACE_TENANT };
	int64_t times[5];
	struct found f;

	place_ok(&p, place_activate(&p, OPERATORS, NULL));
	for (size_t i = 0; i < LG_COUNT(times); i++) {
		log_action("alice", "container:exec");
		times[i] = lg_wall();
	}
	place_ok(&p, lg_replay_begin(&p.cx, &r, 5, 0, 2));
	cr_assert(r.from == 4 && r.until == 5);
	cr_assert_eq(replay_since(OPERATORS, &f, times[4] + LG_SECOND).looked, 0);
	cr_assert_eq(replay_since(OPERATORS, &f, times[0] - LG_HOUR).looked, 5);
	place_ok(&p, lg_replay_begin(&p.cx, &r, 5, times[2] + 1, 100));
	cr_assert(r.from >= 4 && r.from <= 5, "%llu", (unsigned long long)r.from);
}
