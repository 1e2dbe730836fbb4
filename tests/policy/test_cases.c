/* Requests in JSON, and cases. */
#include "policy_test.h"

static const char schema_text[] = "entity U; action a appliesTo { principal: [U], resource: [U], context: { n?: Long } };";

static lg_err
request(struct fixture *f, const struct lg_schema *schema, const char *json, struct lg_request *rq)
{
	return lg_request_json(&f->cx, schema, lg_str_of(json), rq);
}

Test(cases, requests_name_entities_as_text_or_as_objects)
{
	struct fixture f = fixture_new();
	struct lg_schema *schema = schema_of(&f, schema_text);
	struct lg_request rq;

	cr_assert_eq(request(&f, schema, "{\"principal\":\"U::\\\"1\\\"\",\"action\":{\"type\":\"Action\",\"id\":\"a\"},"
	    "\"resource\":{\"__entity\":{\"type\":\"U\",\"id\":\"2\"}},\"context\":{\"n\":7},\"name\":\"passed over\"}", &rq), LG_OK, "%s", f.cx.error);
	cr_expect(lg_str_eq(rq.principal.id, LG_STR("1")) && lg_str_eq(rq.resource.id, LG_STR("2")));
	cr_expect_eq(rq.context->n, 1);
	lg_schema_unref(&schema);
	fixture_free(&f);
}

Test(cases, requests_that_lack_something_or_do_not_fit_are_refused)
{
	static const char *const bad[] = { "", "[]", "{}", "{\"principal\":\"U::\\\"1\\\"\",\"action\":\"Action::\\\"a\\\"\"}",
		"{\"principal\":\"U\",\"action\":\"Action::\\\"a\\\"\",\"resource\":\"U::\\\"1\\\"\"}",
		"{\"principal\":{\"type\":\"U\"},\"action\":\"Action::\\\"a\\\"\",\"resource\":\"U::\\\"1\\\"\"}",
		"{\"principal\":\"U::\\\"1\\\"\",\"action\":\"Action::\\\"b\\\"\",\"resource\":\"U::\\\"1\\\"\"}",
		"{\"principal\":\"U::\\\"1\\\"\",\"action\":\"Action::\\\"a\\\"\",\"resource\":\"U::\\\"1\\\"\",\"context\":{\"n\":\"x\"}}",
		"{\"principal\":\"U::\\\"1\\\"\",\"action\":\"Action::\\\"a\\\"\",\"resource\":\"U::\\\"1\\\"\",\"context\":[]}" };
	struct fixture f = fixture_new();
	struct lg_schema *schema = schema_of(&f, schema_text);
	struct lg_request rq;

	for (size_t i = 0; i < LG_COUNT(bad); i++) {
		f.cx.error[0] = '\0';
		cr_expect_neq(request(&f, schema, bad[i], &rq), LG_OK, "%s", bad[i]);
		cr_expect(f.cx.error[0] != '\0', "%s", bad[i]);
	}
	lg_schema_unref(&schema);
	fixture_free(&f);
}

Test(cases, a_case_is_met_by_decision_reasons_and_errors_in_any_order)
{
	struct fixture f = fixture_new();
	struct lg_policies *set = policies_of(&f, "permit(principal, action, resource);permit(principal, action, resource);", NULL);
	uint32_t both[] = { 0, 1 };
	struct lg_answer a = { .allow = true, .determining = both, .ndetermining = 2 };
	struct lg_case tc;

	cr_assert_eq(lg_case_read(&f.cx, LG_STR("{\"policies\":\"p\",\"schema\":\"s\",\"entities\":\"e\",\"shouldValidate\":true,\"requests\":["
	    "{\"description\":\"d\",\"decision\":\"allow\",\"reason\":[\"policy1\",\"policy0\"],\"errors\":[]},"
	    "{\"decision\":\"allow\",\"reason\":[\"policy1\",\"policy2\"],\"errors\":[]},{\"decision\":\"deny\",\"reason\":[\"policy1\",\"policy0\"]},"
	    "{\"decision\":\"allow\",\"reason\":[\"policy0\"],\"validateRequest\":false}]}"), &tc), LG_OK, "%s", f.cx.error);
	cr_assert_eq(tc.n, 4);
	cr_expect(tc.has_verdict && tc.should_validate && lg_str_eq(tc.schema, LG_STR("s")));
	cr_expect(lg_case_met(set, &a, &tc.rq[0]));
	cr_expect_not(lg_case_met(set, &a, &tc.rq[1]));
	cr_expect_not(lg_case_met(set, &a, &tc.rq[2]));
	cr_expect_not(lg_case_met(set, &a, &tc.rq[3]));
	cr_expect(tc.rq[0].validate && !tc.rq[3].validate);
	cr_expect_eq(lg_case_read(&f.cx, LG_STR("{\"policyValidation\":{}}"), &tc), LG_E_NOT_FOUND);
	cr_expect_eq(lg_case_read(&f.cx, LG_STR("[]"), &tc), LG_E_NOT_FOUND);
	cr_expect_eq(lg_case_read(&f.cx, LG_STR("{\"policies\":"), &tc), LG_E_INVALID);
	lg_policies_unref(&set);
	fixture_free(&f);
}
