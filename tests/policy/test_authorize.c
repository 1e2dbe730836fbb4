/* Decisions: effects, errors, the index, unknown entities, links, explanations. */
#include "policy_test.h"

#include <stdio.h>

static const char world[] =
    "[{\"uid\":{\"type\":\"User\",\"id\":\"alice\"},\"attrs\":{\"level\":3},\"parents\":[{\"type\":\"Group\",\"id\":\"ops\"}]},"
    "{\"uid\":{\"type\":\"Group\",\"id\":\"ops\"},\"attrs\":{},\"parents\":[{\"type\":\"Group\",\"id\":\"all\"}]},"
    "{\"uid\":{\"type\":\"Group\",\"id\":\"all\"},\"attrs\":{},\"parents\":[]},"
    "{\"uid\":{\"type\":\"Doc\",\"id\":\"d\"},\"attrs\":{\"owner\":{\"__entity\":{\"type\":\"User\",\"id\":\"alice\"}}},"
    "\"parents\":[{\"type\":\"Folder\",\"id\":\"f\"}]},{\"uid\":{\"type\":\"Folder\",\"id\":\"f\"},\"attrs\":{},\"parents\":[]},"
    "{\"uid\":{\"type\":\"Action\",\"id\":\"read\"},\"attrs\":{},\"parents\":[{\"type\":\"Action\",\"id\":\"any\"}]}]";

struct scene {
	struct fixture f;
	struct lg_entity_store *st;
	struct lg_entities port;
	struct lg_request rq;
	struct lg_policies *set;
	struct lg_answer a;
};

static struct scene
scene_new(const char *json)
{
	struct scene s = { .f = fixture_new() };

	s.st = store_of(&s.f, json, NULL);
	s.port = lg_entity_store_port(s.st);
	s.rq.principal = uid_of(&s.f, "User::\"alice\"");
	s.rq.action = uid_of(&s.f, "Action::\"read\"");
	s.rq.resource = uid_of(&s.f, "Doc::\"d\"");
	return s;
}

static void
scene_free(struct scene *s)
{
	lg_policies_unref(&s->set);
	lg_entity_store_free(&s->st);
	fixture_free(&s->f);
}

/* "allow 0 2" / "deny 1 !3": determining policies, then erring ones. */
static const char *
decide(struct scene *s, const char *policies)
{
	struct lg_buf b = LG_BUF(4096);
	const char *text;

	lg_policies_unref(&s->set);
	s->set = policies_of(&s->f, policies, NULL);
	lg_authorize(&s->f.cx, s->set, &s->port, &s->rq, &s->a);
	lg_buf_str(&b, s->a.allow ? LG_STR("allow") : LG_STR("deny"));
	for (size_t i = 0; i < s->a.ndetermining; i++)
		lg_buf_printf(&b, " %u", s->a.determining[i]);
	for (size_t i = 0; i < s->a.nerrors; i++)
		lg_buf_printf(&b, " !%u", s->a.errors[i].policy);
	text = lg_dup(s->f.arena, lg_buf_view(&b)).p;
	lg_buf_free(&b);
	return text;
}

#define P "permit(principal, action, resource)"
#define F "forbid(principal, action, resource)"

Test(authorize, default_is_deny_forbid_overrides_and_an_erring_policy_is_left_out)
{
	struct scene s = scene_new(world);

	cr_expect_str_eq(decide(&s, ""), "deny");
	cr_expect_str_eq(decide(&s, P ";" P ";"), "allow 0 1");
	cr_expect_str_eq(decide(&s, P ";" F " when { principal.level > 2 };"), "deny 1");
	cr_expect_str_eq(decide(&s, P ";" F " when { principal.level > 3 };"), "allow 0");
	cr_expect_str_eq(decide(&s, P ";" F " when { principal.nothing };"), "allow 0 !1");
	cr_expect(s.a.forbid_erred);
	cr_expect_str_eq(decide(&s, P ";" P " when { 1 + true == 2 };"), "allow 0 !1");
	cr_expect_not(s.a.forbid_erred);
	cr_expect_str_eq(decide(&s, P " when { principal.level };"), "deny !0");
	cr_expect_str_eq(decide(&s, P " when { false } when { 1 == true.x };"), "deny");
	cr_expect_str_eq(decide(&s, P " unless { 1 };"), "deny !0");
	scene_free(&s);
}

Test(authorize, scopes)
{
	struct scene s = scene_new(world);

	cr_expect_str_eq(decide(&s,
	    "permit(principal == User::\"alice\", action, resource);"		/* 0 */
	    "permit(principal == User::\"bob\", action, resource);"
	    "permit(principal in Group::\"all\", action, resource);"		/* 2 */
	    "permit(principal in User::\"alice\", action, resource);"		/* 3 */
	    "permit(principal == Group::\"all\", action, resource);"
	    "permit(principal is User, action, resource);"			/* 5 */
	    "permit(principal is Group, action, resource);"
	    "permit(principal is User in Group::\"ops\", action, resource);"	/* 7 */
	    "permit(principal is Group in Group::\"ops\", action, resource);"
	    "permit(principal, action == Action::\"read\", resource);"		/* 9 */
	    "permit(principal, action == Action::\"any\", resource);"
	    "permit(principal, action in Action::\"any\", resource);"		/* 11 */
	    "permit(principal, action in [Action::\"x\", Action::\"any\", Action::\"read\"], resource);"	/* 12, once */
	    "permit(principal, action in [], resource);"
	    "permit(principal, action in [Action::\"x\"], resource);"
	    "permit(principal, action, resource in Folder::\"f\");"		/* 15 */
	    "permit(principal, action, resource is Doc in Folder::\"f\");"	/* 16 */
	    "permit(principal, action, resource is Folder);"
	    "permit(principal in Group::\"ops\", action == Action::\"read\", resource == Doc::\"d\");"	/* 18 */
	    "permit(principal == ?principal, action, resource);"), "allow 0 2 3 5 7 9 11 12 15 16 18");
	scene_free(&s);
}

Test(authorize, the_index_leaves_only_what_can_match)
{
	struct scene s = scene_new(world);
	struct lg_buf b = LG_BUF(1u << 22);

	for (int i = 0; i < 5000; i++)
		lg_buf_printf(&b, "permit(principal in Group::\"g%d\", action == Action::\"read\", resource);"
		    "permit(principal in Group::\"ops\", action == Action::\"read\", resource in Folder::\"f%d\");"
		    "permit(principal is T%d, action, resource);permit(principal, action == Action::\"a%d\", resource);", i, i, i, i);
	lg_buf_str(&b, LG_STR("permit(principal in Group::\"all\", action, resource);"));
	lg_buf_byte(&b, '\0');
	cr_expect_str_eq(decide(&s, b.p), "allow 20000");
	cr_expect_eq(s.a.evaluated, 1);
	lg_buf_free(&b);
	scene_free(&s);
}

Test(authorize, what_could_not_be_read_denies_and_is_named)
{
	struct scene s = { .f = fixture_new() };

	s.st = lg_entity_store_new();
	cr_assert_eq(lg_entity_store_json(&s.f.cx, s.st, NULL, lg_str_of(world)), LG_OK);
	lg_entity_store_holds(s.st, LG_STR("User"));
	lg_entity_store_holds(s.st, LG_STR("Group"));
	lg_entity_store_holds(s.st, LG_STR("Action"));
	cr_assert_eq(lg_entity_store_finish(&s.f.cx, s.st), LG_OK);
	s.port = lg_entity_store_port(s.st);
	s.rq = (struct lg_request){ .principal = uid_of(&s.f, "User::\"alice\""), .action = uid_of(&s.f, "Action::\"read\""),
	    .resource = uid_of(&s.f, "Doc::\"e\"") };
	cr_expect_str_eq(decide(&s, P ";"), "allow 0");
	cr_expect_str_eq(decide(&s, P ";" P " when { resource has x };"), "deny 0 !1");
	cr_expect(s.a.unknown && lg_str_eq(s.a.unknown_uid.id, LG_STR("e")));
	cr_expect_str_eq(decide(&s, P ";" P " when { User::\"zoe\" has x };"), "allow 0");
	cr_expect_not(s.a.unknown);
	cr_expect_str_eq(decide(&s, P "; forbid(principal, action, resource in Folder::\"f\");"), "deny 0");
	cr_expect(s.a.unknown);
	/* Doc d is there and so is its folder, but something above the doc could be missing only if it were unknown. */
	s.rq.resource = uid_of(&s.f, "Doc::\"d\"");
	cr_expect_str_eq(decide(&s, P " when { !(resource in Folder::\"g\") };"), "allow 0");
	scene_free(&s);
}

Test(authorize, a_parent_outside_the_slice_makes_ancestry_unknown)
{
	struct scene s = { .f = fixture_new() };

	s.st = lg_entity_store_new();
	cr_assert_eq(lg_entity_store_json(&s.f.cx, s.st, NULL, LG_STR(
	    "[{\"uid\":{\"type\":\"Doc\",\"id\":\"d\"},\"attrs\":{},\"parents\":[{\"type\":\"Folder\",\"id\":\"far\"}]}]")), LG_OK);
	lg_entity_store_holds(s.st, LG_STR("Doc"));
	lg_entity_store_holds(s.st, LG_STR("User"));
	cr_assert_eq(lg_entity_store_finish(&s.f.cx, s.st), LG_OK);
	s.port = lg_entity_store_port(s.st);
	s.rq = (struct lg_request){ .principal = uid_of(&s.f, "User::\"alice\""), .action = uid_of(&s.f, "Action::\"read\""),
	    .resource = uid_of(&s.f, "Doc::\"d\"") };
	cr_expect_str_eq(decide(&s, P " when { resource in Folder::\"far\" };"), "allow 0");
	cr_expect_str_eq(decide(&s, P " unless { resource in Folder::\"top\" };"), "deny !0");
	cr_expect(s.a.unknown);
	scene_free(&s);
}

Test(authorize, templates_decide_through_their_links_only)
{
	struct scene s = scene_new(world);
	struct lg_policy_source src = { LG_NONE, LG_STR("permit(principal in ?principal, action, resource == ?resource) "
	    "when { principal.level == 3 };") };
	struct lg_euid ops = uid_of(&s.f, "Group::\"ops\""), doc = uid_of(&s.f, "Doc::\"d\""), other = uid_of(&s.f, "Doc::\"x\"");
	struct lg_policy_link links[] = { { LG_STR("policy0"), LG_STR("here"), &ops, &doc },
		{ LG_STR("policy0"), LG_STR("there"), &ops, &other } };
	struct lg_policy_options opt = { .links = links, .nlinks = 2 };
	struct lg_policy_faults faults = { 0 };
	struct lg_policy_info info;

	cr_assert_eq(lg_policies_parse(&s.f.cx, &src, 1, &opt, &faults, &s.set), LG_OK, "%s", s.f.cx.error);
	lg_authorize(&s.f.cx, s.set, &s.port, &s.rq, &s.a);
	cr_assert(s.a.allow && s.a.ndetermining == 1);
	lg_policies_info(s.set, s.a.determining[0], &info);
	cr_expect(lg_str_eq(info.id, LG_STR("here")));
	lg_policies_unref(&s.set);
	links[0].resource = NULL;
	cr_expect_eq(lg_policies_parse(&s.f.cx, &src, 1, &opt, &faults, &s.set), LG_E_INVALID);
	links[0] = (struct lg_policy_link){ LG_STR("nope"), LG_STR("here"), &ops, &doc };
	cr_expect_eq(lg_policies_parse(&s.f.cx, &src, 1, &opt, &faults, &s.set), LG_E_INVALID);
	scene_free(&s);
}

Test(authorize, an_explanation_names_the_part_that_failed_and_its_values)
{
	struct scene s = scene_new(world);
	lg_str text;

	decide(&s, "permit(principal in Group::\"none\", action, resource);\n"
	    "permit(principal, action, resource)\nwhen { principal.level >= 2 && principal.level * 2 > 10 };\n"
	    F " when { principal.missing };");
	cr_assert_eq(lg_policy_explain(&s.f.cx, s.set, &s.port, &s.rq, &text), LG_OK);
	cr_expect(strstr(text.p, "denied: nothing permits it") != NULL, "%s", text.p);
	cr_expect(strstr(text.p, "permit policy1 (line 2) did not match:\n    when at 3:1 is not true") != NULL, "%s", text.p);
	cr_expect(strstr(text.p, "principal.level * 2 is 6") != NULL, "%s", text.p);
	cr_expect(strstr(text.p, "principal User::\"alice\" is not in Group::\"none\"") != NULL, "%s", text.p);
	cr_expect(strstr(text.p, "forbid policy2 (line 4) failed and was left out") != NULL, "%s", text.p);
	decide(&s, P " when { resource.owner == principal };" F " unless { principal.level == 3 };");
	cr_assert_eq(lg_policy_explain(&s.f.cx, s.set, &s.port, &s.rq, &text), LG_OK);
	cr_expect(strstr(text.p, "allowed\n") != NULL, "%s", text.p);
	cr_expect(strstr(text.p, "resource.owner is User::\"alice\"") != NULL, "%s", text.p);
	scene_free(&s);
}

static bool
told(const struct lg_buf *b, const char *what)
{
	return memmem(b->p, b->n, what, strlen(what)) != NULL;
}

Test(authorize, an_explanation_for_programs_has_parts_values_errors_and_what_nearly_permitted)
{
	struct scene s = scene_new(world);
	struct lg_buf b = LG_BUF(1u << 20);

	decide(&s, "@id(\"x\")\npermit(principal in Group::\"none\", action, resource) when { principal.level > 1 };\n"
	    P " when { principal.level >= 2 &&\n   principal has mail }\nunless { principal.level == 3 };\n" P " when { principal.missing == 1 };");
	lg_policy_explain_json(&s.f.cx, s.set, &s.port, &s.rq, &b);
	static const char *const says[] = { "{\"decision\":\"deny\",\"verdict\":\"denied: nothing permits it\",\"determining\":[],\"erred\":[{\"policy\":\"policy2\"",
		"\"error\":\"User::\\\"alice\\\" has no attribute `missing`\",\"parts\":[{\"part\":\"when\"",
		"{\"expression\":\"principal.missing\",\"error\":",
		"\"missed\":[{\"policy\":\"policy0\",\"effect\":\"permit\",\"line\":1,\"column\":1,\"parts\":[{\"part\":\"principal\",\"text\":\"in Group::\\\"none\\\"\","
		"\"holds\":false,\"values\":[{\"expression\":\"principal\",\"value\":\"User::\\\"alice\\\"\"}]}]}",
		"{\"part\":\"when\",\"line\":3,\"column\":37,\"text\":\"principal.level >= 2 && principal has mail\",\"holds\":false,"
		"\"values\":[{\"expression\":\"principal has mail\",\"value\":\"false\"}]}",
		"{\"part\":\"unless\",\"line\":5,\"column\":1," };
	for (size_t i = 0; i < LG_COUNT(says); i++)
		cr_expect(told(&b, says[i]), "%s in %.*s", says[i], LG_FMT(lg_buf_view(&b)));
	/* what erred is not told a second time as missed */
	cr_expect_not(told(&b, "\"missed\":[{\"policy\":\"policy2\""));
	lg_buf_clear(&b);
	decide(&s, P ";" F " when { principal.level + principal.level == 6 };");
	lg_policy_explain_json(&s.f.cx, s.set, &s.port, &s.rq, &b);
	cr_expect(told(&b, "\"verdict\":\"denied: forbidden\",\"determining\":[{\"policy\":\"policy1\",\"effect\":\"forbid\""), "%.*s", LG_FMT(lg_buf_view(&b)));
	cr_expect(told(&b, "\"holds\":true,\"values\":[{\"expression\":\"principal.level + principal.level\",\"value\":\"6\"}]"), "%.*s", LG_FMT(lg_buf_view(&b)));
	lg_buf_free(&b);
	scene_free(&s);
}

Test(authorize, an_explanation_of_many_is_cut_and_says_so)
{
	struct scene s = scene_new(world);
	struct lg_buf policies = LG_BUF(1u << 20), b = LG_BUF(1u << 20);
	lg_str text;

	for (int i = 0; i < 30; i++)
		lg_buf_str(&policies, LG_STR(P " when { principal.level == 3 };" P " when { principal.level == 4 };"));
	lg_buf_byte(&policies, '\0');
	decide(&s, policies.p);
	cr_assert_eq(lg_policy_explain(&s.f.cx, s.set, &s.port, &s.rq, &text), LG_OK);
	cr_expect(strstr(text.p, "  and 10 further policies matched\n") != NULL, "%s", text.p);
	s.rq.principal = uid_of(&s.f, "User::\"nobody\"");
	lg_policy_explain_json(&s.f.cx, s.set, &s.port, &s.rq, &b);
	cr_expect(told(&b, "\"erred_further\":40"), "%.*s", LG_FMT(lg_buf_view(&b)));
	lg_buf_free(&policies);
	lg_buf_free(&b);
	scene_free(&s);
}

Test(authorize, a_request_with_context)
{
	struct scene s = scene_new(world);

	cr_assert_eq(lg_context_json(&s.f.cx, NULL, &s.rq.action, LG_STR("{\"port\":443,\"from\":{\"__extn\":{\"fn\":\"ip\",\"arg\":\"10.0.0.9\"}}}"),
	    &s.rq.context), LG_OK, "%s", s.f.cx.error);
	cr_expect_str_eq(decide(&s, P " when { context.port == 443 && context.from.isInRange(ip(\"10.0.0.0/8\")) && "
	    "context == {from: ip(\"10.0.0.9\"), port: 443} && !(context has x) };"), "allow 0");
	scene_free(&s);
}
