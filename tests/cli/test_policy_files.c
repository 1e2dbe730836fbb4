/* test_policy_files.c: policies in files, without a service. */
#include "tests/cli/cli_test.h"

#define POLICIES "@id(\"ops\")\npermit (principal in Group::\"ops\", action == Action::\"container:start\", resource);\n" \
	"@id(\"frozen\")\nforbid (principal, action, resource) when { context.now > datetime(\"2030-01-01\") };\n"
#define CONTEXT "{\"now\":{\"__extn\":{\"fn\":\"datetime\",\"arg\":\"%s\"}},\"revision\":1,\"subject_proof\":\"self\"," \
	"\"asker\":{\"type\":\"User\",\"id\":\"a\",\"name\":\"a\"}}"
#define ENTITIES "[{\"uid\":{\"type\":\"User\",\"id\":\"alice\"},\"attrs\":{\"name\":\"alice\",\"enabled\":true}," \
	"\"parents\":[{\"type\":\"Group\",\"id\":\"ops\"}]},{\"uid\":{\"type\":\"Group\",\"id\":\"ops\"},\"attrs\":{\"name\":\"ops\"},\"parents\":[]}]"
#define REQUEST "{\"principal\":\"User::\\\"%s\\\"\",\"action\":\"Action::\\\"container:start\\\"\"," \
	"\"resource\":{\"type\":\"Workload\",\"id\":\"web\"},\"context\":" CONTEXT "}"

static lg_str
file(const char *name, const char *text)
{
	return lg_str_of(test_write(test_folder(), name, text));
}

/* run() with names of files put in */
static const struct run *LG_PRINTF(1, 2)
runf(const char *fmt, ...)
{
	static char line[4096];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof line, fmt, ap);
	va_end(ap);
	return run(line);
}

static lg_str
question(const char *who, const char *when)
{
	static char text[2048];

	snprintf(text, sizeof text, REQUEST, who, when);
	return file(who, text);
}

Test(files, valid_policies_are_said_to_be)
{
	lg_str a = file("a.cedar", POLICIES), b = file("b.cedar", "permit (principal, action == Action::\"connect\", resource);");

	const struct run *r = runf("lightgate policy validate %.*s %.*s", LG_FMT(a), LG_FMT(b));
	cr_assert_eq(r->code, CLI_YES, "%s", r->err);
	cr_assert_str_eq(r->out, "valid: 3 policies, 0 warnings\n");
}

Test(files, every_error_is_told_with_its_place_and_the_answer_is_no)
{
	lg_str a = file("a.cedar", "permit (principal, action, resource) when { principal.frob };\npermit (principal, action == Action::\"zap\", resource);");

	const struct run *r = runf("lightgate policy validate %.*s", LG_FMT(a));
	cr_assert_eq(r->code, CLI_NO, "%s", r->err);
	cr_assert_not_null(strstr(r->out, "a.cedar:1:"), "%s", r->out);
	cr_assert_not_null(strstr(r->out, "a.cedar:2:"), "%s", r->out);
	cr_assert_not_null(strstr(r->out, "not valid: "), "%s", r->out);
	cr_assert_not_null(strstr(runf("lightgate policy validate %.*s -o json", LG_FMT(a))->out, "{\"valid\":false,\"errors\":[{\"file\":"));
	cr_assert_eq(runf("lightgate policy validate --schema none %.*s", LG_FMT(a))->code, CLI_YES);
}

Test(files, a_schema_of_ones_own_counts)
{
	lg_str p = file("p.cedar", "permit (principal, action == Action::\"view\", resource) when { resource.open };");
	lg_str s = file("s.cedarschema", "entity U; entity P { open: Bool }; action view appliesTo { principal: [U], resource: [P] };");

	cr_assert_eq(runf("lightgate policy validate --schema %.*s %.*s", LG_FMT(s), LG_FMT(p))->code, CLI_YES);
	cr_assert_eq(runf("lightgate policy validate %.*s", LG_FMT(p))->code, CLI_NO);
}

Test(files, a_level_bounds_how_far_policies_reach)
{
	lg_str p = file("q.cedar", "permit (principal, action == Action::\"container:start\", resource) when { resource has host && resource.host.enabled };");
	cr_assert_eq(runf("lightgate policy validate --level 2 %.*s", LG_FMT(p))->code, CLI_YES);
	cr_assert_eq(runf("lightgate policy validate --level 1 %.*s", LG_FMT(p))->code, CLI_NO);
	cr_assert_eq(runf("lightgate policy validate --level x %.*s", LG_FMT(p))->code, CLI_ERROR);
}

Test(files, decisions_name_the_policies_that_made_them)
{
	lg_str p = file("p.cedar", POLICIES), e = file("e.json", ENTITIES), q = question("alice", "2026-01-01"), r = question("bob", "2026-01-01");

	const struct run *o = runf("lightgate policy authorize %.*s --entities %.*s --request %.*s", LG_FMT(p), LG_FMT(e), LG_FMT(q));
	cr_assert_eq(o->code, CLI_YES, "%s", o->err);
	cr_assert_str_eq(o->out, "allow\n  by        ops\n");
	o = runf("lightgate policy authorize %.*s --entities %.*s --request %.*s -o json", LG_FMT(p), LG_FMT(e), LG_FMT(r));
	cr_assert_eq(o->code, CLI_NO);
	cr_assert_str_eq(o->out, "{\"decision\":\"deny\",\"reason\":[],\"errors\":[]}\n");
	q = question("alice", "2031-01-01");
	o = runf("lightgate policy authorize %.*s --entities %.*s --request %.*s --explain", LG_FMT(p), LG_FMT(e), LG_FMT(q));
	cr_assert_eq(o->code, CLI_NO);
	cr_assert_not_null(strstr(o->out, "by        frozen"), "%s", o->out);
	o = runf("lightgate policy authorize %.*s --entities %.*s --request %.*s --explain -o json", LG_FMT(p), LG_FMT(e), LG_FMT(q));
	cr_assert_eq(o->code, CLI_NO);
	cr_assert_not_null(strstr(o->out, "\"errors\":[],\"explanation\":{\"decision\":\"deny\",\"verdict\":\"denied: forbidden\",\"determining\":[{\"policy\":\"frozen\""),
	    "%s", o->out);
	cr_assert_not_null(strstr(o->out, "{\"expression\":\"context.now\",\"value\":\"datetime(\\\"2031-01-01"), "%s", o->out);
}

static const struct {
	const char *line, *says;
} mistakes[] = {
	{ "lightgate policy authorize /nonexistent", "/nonexistent" },
	{ "lightgate policy authorize %s", "the request has no principal" },
	{ "lightgate policy authorize %s --schema none --principal a", "principal" },
	{ "lightgate policy authorize %s --schema none --principal U::\"a\" --action A::\"b\"", "the request has no resource" },
	{ "lightgate policy authorize %s --principal U::\"a\" --action Action::\"connect\" --resource U::\"a\"", "" },
	{ "lightgate policy evaluate 1+", "expression" },
	{ "lightgate policy evaluate 1+\"a\"", "" },
	{ "lightgate policy corpus /nonexistent", "/nonexistent" },
	{ "lightgate policy test %s %s", "array expected" },
	{ "lightgate policy translate", "usage: lightgate policy translate FILE" },
};

Test(files, mistakes_get_a_sentence_and_exit_two)
{
	const char *p = file("p.cedar", POLICIES).p;

	for (size_t i = 0; i < LG_COUNT(mistakes); i++) {
		char line[2048];
		const char *at = strchr(mistakes[i].line, '%');
		snprintf(line, sizeof line, "%.*s%s%s", at == NULL ? 1000 : (int)(at - mistakes[i].line), mistakes[i].line, at == NULL ? "" : p,
		    at == NULL ? "" : at + 2);
		at = strchr(line, '%');
		if (at != NULL)
			strcpy(line + (at - line), p);
		const struct run *r = run(line);
		cr_assert_eq(r->code, CLI_ERROR, "%s: %s", line, r->out);
		cr_assert_not_null(strstr(r->err, mistakes[i].says), "%s: %s", line, r->err);
		cr_assert_gt(strlen(r->err), strlen("lightgate: \n"), "%s", line);
	}
}

Test(files, expressions_have_values)
{
	cr_assert_str_eq(run("lightgate policy evaluate 1~+~2~*~3")->out, "7\n");
	cr_assert_eq(run("lightgate policy evaluate [1,~2].contains(3)")->code, CLI_NO);
	cr_assert_str_eq(run("lightgate policy evaluate ip(\"10.0.0.1\").isInRange(ip(\"10.0.0.0/8\"))")->out, "true\n");
}

Test(files, translations_come_back_the_same)
{
	const struct run *r = runf("lightgate policy translate %.*s", LG_FMT(file("p.cedar", POLICIES)));
	cr_assert_eq(r->code, CLI_YES, "%s", r->err);
	lg_str json = file("p.json", r->out);
	cr_assert_not_null(strstr(r->out, "{\"staticPolicies\":{\"ops\":"), "%s", r->out);
	r = runf("lightgate policy translate %.*s", LG_FMT(json));
	cr_assert_eq(r->code, CLI_YES, "%s", r->err);
	cr_assert_not_null(strstr(r->out, "@id(\"ops\")"), "%s", r->out);
	lg_str again = file("again.cedar", r->out);
	static char first[sizeof r->out];
	snprintf(first, sizeof first, "%s", runf("lightgate policy translate %.*s", LG_FMT(json))->out);
	cr_assert_str_eq(runf("lightgate policy translate %.*s", LG_FMT(file("p2.json", runf("lightgate policy translate %.*s", LG_FMT(again))->out)))->out, first);
}

Test(files, ids_that_only_json_has_become_annotations)
{
	lg_str p = file("p.json", "{\"staticPolicies\":{\"a \\\"b\\\"\":{\"effect\":\"permit\",\"principal\":{\"op\":\"All\"},"
	    "\"action\":{\"op\":\"All\"},\"resource\":{\"op\":\"All\"},\"conditions\":[]}}}");

	cr_assert_not_null(strstr(runf("lightgate policy translate %.*s", LG_FMT(p))->out, "@id(\"a \\\"b\\\"\")\npermit"));
}

Test(files, a_layout_is_written_once)
{
	lg_str p = file("p.cedar", "// who\npermit(principal,action,resource)when{true};");

	cr_assert_not_null(strstr(runf("lightgate policy format %.*s", LG_FMT(p))->out, "// who\npermit"));
	cr_assert_not_null(strstr(runf("lightgate policy format -w %.*s", LG_FMT(p))->out, "p.cedar"));
	cr_assert_str_eq(runf("lightgate policy format -w %.*s", LG_FMT(p))->out, "");
	cr_assert_eq(runf("lightgate policy format %.*s", LG_FMT(file("q.cedar", "permit(")))->code, CLI_ERROR);
}

Test(files, schemas_are_translated_too)
{
	lg_str s = file("s.cedarschema", "entity U in [G];\nentity G;\n");

	const struct run *r = runf("lightgate policy translate %.*s", LG_FMT(s));
	cr_assert_eq(r->code, CLI_YES, "%s", r->err);
	cr_assert_not_null(strstr(r->out, "\"memberOfTypes\":[\"G\"]"), "%s", r->out);
	r = runf("lightgate policy translate %.*s", LG_FMT(file("s.json", r->out)));
	cr_assert_not_null(strstr(r->out, "entity U in [G]"), "%s", r->out);
}

#define CASE(name, who, when, rest) "{\"name\":\"" name "\",\"request\":{\"principal\":\"User::\\\"" who "\\\"\",\"action\":" \
	"\"Action::\\\"container:start\\\"\",\"resource\":\"Workload::\\\"web\\\"\",\"context\":{\"now\":\"" when "\",\"revision\":1," \
	"\"subject_proof\":\"self\",\"asker\":{\"type\":\"User\",\"id\":\"a\",\"name\":\"a\"}}}," rest "}"

Test(files, cases_pass_and_fail_with_the_reason)
{
	lg_str p = file("p.cedar", POLICIES), e = file("e.json", ENTITIES);
	lg_str t = file("t.json", "[" CASE("members start", "alice", "2026-01-01", "\"decision\":\"allow\",\"reason\":[\"ops\"],\"num_errors\":0")
	    "," CASE("others do not", "bob", "2026-01-01", "\"decision\":\"deny\"")
	    "," CASE("wrong", "bob", "2026-01-01", "\"decision\":\"allow\"") "]");

	const struct run *r = runf("lightgate policy test %.*s %.*s --entities %.*s", LG_FMT(t), LG_FMT(p), LG_FMT(e));
	cr_assert_eq(r->code, CLI_NO, "%s", r->err);
	cr_assert(lg_str_starts(lg_str_of(r->out), LG_STR("ok    members start\nok    others do not\nFAIL  wrong: expected allow, got deny by: \n")),
	    "%s", r->out);
	cr_assert(lg_str_ends(lg_str_of(r->out), LG_STR("\n2 passed, 1 failed\n")), "%s", r->out);
}

Test(files, cases_tell_what_they_never_tried)
{
	lg_str p = file("p.cedar", "@id(\"ops\")\npermit (principal in Group::\"ops\", action == Action::\"container:start\", resource)\n"
	    "when { context.revision > 0 && (context.subject_proof == \"self\" ||\n  context has address) };\n"
	    "@id(\"frozen\")\nforbid (principal, action, resource) when { context.now > datetime(\"2030-01-01\") } unless { false };\n");
	lg_str e = file("e.json", ENTITIES), t = file("t.json", "[" CASE("one", "alice", "2026-01-01", "\"decision\":\"allow\"") "]");

	const struct run *r = runf("lightgate policy test %.*s %.*s --entities %.*s", LG_FMT(t), LG_FMT(p), LG_FMT(e));
	cr_assert_eq(r->code, CLI_YES, "%s", r->err);
	static const char *const said[] = { "p.cedar:3:8", "  when     never false", "p.cedar:3:8", "  operand  never false       context.revision > 0\n",
		"p.cedar:3:33", "context.subject_proof == \"self\" ||", "p.cedar:4:3", "  operand  never reached     context has address\n",
		"p.cedar:5:1", "  policy   never satisfied   frozen\n", "p.cedar:6:45", "  when     never true        context.now > datetime",
		"coverage: 6 of 14 outcomes, 42 %\n1 passed, 0 failed\n" };
	const char *at = r->out;
	for (size_t i = 0; i < LG_COUNT(said); i++) {
		const char *found = strstr(at, said[i]);

		cr_assert_not_null(found, "%s in %s", said[i], r->out);
		at = found;
	}
	cr_assert_null(strstr(r->out, "unless"), "%s", r->out);		/* a constant asks for no case */
	r = runf("lightgate policy test --min-coverage 42 %.*s %.*s --entities %.*s", LG_FMT(t), LG_FMT(p), LG_FMT(e));
	cr_assert_eq(r->code, CLI_YES, "%s", r->out);
	r = runf("lightgate policy test --min-coverage 43 %.*s %.*s --entities %.*s", LG_FMT(t), LG_FMT(p), LG_FMT(e));
	cr_assert_eq(r->code, CLI_NO, "%s", r->out);
	cr_assert_not_null(strstr(r->out, "the coverage is below 43 %\n"), "%s", r->out);
	r = runf("lightgate policy test --min-coverage 101 %.*s %.*s --entities %.*s", LG_FMT(t), LG_FMT(p), LG_FMT(e));
	cr_assert_eq(r->code, CLI_ERROR);
	r = runf("lightgate policy test %.*s %.*s --entities %.*s -o json", LG_FMT(t), LG_FMT(p), LG_FMT(e));
	cr_assert_not_null(strstr(r->out, "{\"passed\":1,\"failed\":0,\"coverage\":{\"seen\":6,\"all\":14,\"percent\":42,\"parts\":[{\"policy\":\"ops\","
	    "\"part\":\"policy\","), "%s", r->out);
	cr_assert_not_null(strstr(r->out, "\"line\":4,\"column\":3,\"text\":\"context has address\",\"true\":0,\"false\":0,\"errors\":0}"), "%s", r->out);
	cr_assert_not_null(strstr(r->out, "\"constant\":true"), "%s", r->out);
}

Test(files, a_corpus_is_counted_and_differences_are_shown)
{
	const char *top = test_folder();
	file("x.cedar", "permit (principal, action, resource) when { context.ok };");
	file("x.cedarschema", "entity U; action a appliesTo { principal: [U], resource: [U], context: { ok: Bool } };");
	file("x.entities.json", "[]");
	file("x.json", "{\"policies\":\"x.cedar\",\"schema\":\"x.cedarschema\",\"entities\":\"x.entities.json\",\"shouldValidate\":true,\"requests\":["
	    "{\"description\":\"yes\",\"principal\":{\"type\":\"U\",\"id\":\"1\"},\"action\":{\"type\":\"Action\",\"id\":\"a\"},\"resource\":{\"type\":\"U\",\"id\":\"2\"},"
	    "\"context\":{\"ok\":true},\"decision\":\"allow\",\"reason\":[\"policy0\"],\"errors\":[]},"
	    "{\"description\":\"no\",\"principal\":{\"type\":\"U\",\"id\":\"1\"},\"action\":{\"type\":\"Action\",\"id\":\"a\"},\"resource\":{\"type\":\"U\",\"id\":\"2\"},"
	    "\"context\":{\"ok\":false},\"decision\":\"allow\",\"reason\":[\"policy0\"],\"errors\":[]}]}");
	file("other.json", "{\"policyValidation\":{}}");
	const struct run *r = runf("lightgate policy corpus %s", top);

	cr_assert_eq(r->code, CLI_NO, "%s", r->err);
	cr_assert_not_null(strstr(r->out, "x.json: no: deny, expected allow\ncases 1, requests 2, equal 1, different 1\nvalidations 1, equal 1, different 0\n"),
	    "%s", r->out);
}

Test(files, what_changes_nothing_is_found)
{
	lg_str p = file("p.cedar", "@id(\"all\") permit (principal, action == Action::\"connect\", resource);\n"
	    "@id(\"some\") permit (principal, action == Action::\"connect\", resource is Workload);\n");
	const struct run *r = runf("lightgate policy analyze %.*s", LG_FMT(p));

	cr_assert_eq(r->code, CLI_NO, "%s", r->err);
	cr_assert_not_null(strstr(r->out, "changes nothing"), "%s", r->out);
	cr_assert_not_null(strstr(runf("lightgate policy analyze %.*s -o json", LG_FMT(p))->out, "\"kind\":\"redundant\""));
	cr_assert_not_null(strstr(runf("lightgate policy analyze --schema none %.*s", LG_FMT(p))->err, "takes a schema"));
}

Test(files, what_a_new_text_allows_more_is_shown)
{
	lg_str old = file("old.cedar", "permit (principal in Group::\"a\", action == Action::\"container:logs\", resource);");
	lg_str new = file("new.cedar", "@id(\"wide\") permit (principal, action in Action::\"container:view\", resource);");

	const struct run *r = runf("lightgate policy diff %.*s %.*s", LG_FMT(old), LG_FMT(new));
	cr_assert_eq(r->code, CLI_NO, "%s", r->err);
	cr_assert_not_null(strstr(r->out, "wide: allows what was not allowed"), "%s", r->out);
	cr_assert_not_null(strstr(r->out, "for example "), "%s", r->out);
	r = runf("lightgate policy diff %.*s %.*s", LG_FMT(new), LG_FMT(old));
	cr_assert_eq(r->code, CLI_YES, "%s", r->err);
	cr_assert_not_null(strstr(r->out, "nothing is allowed that was not"), "%s", r->out);
}
