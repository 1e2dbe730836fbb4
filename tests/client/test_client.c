/* test_client.c: liblightgate from outside: tokens and decisions; every doubt is a deny. */
#include <lightgate/client.h>

#include "tests/base/base_test.h"
#include "tests/client/responder.h"
#include "tests/client/token.h"

static lightgate *
open_at(const char *url, int deadline_ms)
{
	struct lightgate_settings s = LIGHTGATE_SETTINGS;
	char why[256] = "";
	lightgate *lg;

	s.url = url;
	s.issuer = "https://id.example.org";
	s.deadline_ms = deadline_ms;
	lg = lightgate_open(&s, why, sizeof why);
	cr_assert_not_null(lg, "%s", why);
	return lg;
}

static const struct lightgate_question *
question(void)
{
	static struct lightgate_question q = LIGHTGATE_QUESTION;

	q.subject_type = "User";
	q.subject_id = "alice";
	q.action = "container:create";
	q.resource_type = "Workload";
	q.resource_id = "web";
	q.host = "node1";
	q.port = 5432;
	return &q;
}

/* ---- opening ------------------------------------------------------------------------------------------------ */

Test(open, settings_that_cannot_work_are_refused_with_a_sentence)
{
	struct lightgate_settings s = LIGHTGATE_SETTINGS;
	char why[256];

	unsetenv("LIGHTGATE_URL");
	unsetenv("LIGHTGATE_SOCKET");
	cr_assert_null(lightgate_open(NULL, why, sizeof why));
	cr_assert_not_null(strstr(why, "LIGHTGATE_URL"));
	s.url = "ftp://x";
	cr_assert_null(lightgate_open(&s, why, sizeof why));
	s.url = "https://127.0.0.1:1";
	s.cert_file = "/nonexistent";
	cr_assert_null(lightgate_open(&s, why, sizeof why));
	s.key_file = "/nonexistent";
	s.ca_file = "/nonexistent/ca.pem";
	cr_assert_null(lightgate_open(&s, why, sizeof why));
	cr_assert_null(lightgate_open(&s, NULL, 0));
	lightgate_close(NULL);
}

Test(open, the_environment_fills_what_settings_leave_out)
{
	lightgate *lg;

	setenv("LIGHTGATE_URL", "https://127.0.0.1:1", 1);
	lg = lightgate_open(NULL, NULL, 0);
	cr_assert_not_null(lg);
	lightgate_close(lg);
}

/* ---- decisions --------------------------------------------------------------------------------------------------- */

Test(decide, a_permit_brings_reason_policy_and_ticket)
{
	const struct responder_route routes[] = {
		{ "POST /access/v1/evaluation", 200, "{\"decision\":true,\"context\":{\"id\":\"d1\",\"policy\":\"p\",\"reason\":\"permitted by p\","
		    "\"ticket\":\"t.i.c\"}}", 0 },
		{ NULL, 0, NULL, 0 },
	};
	struct responder *r = responder_start(routes);
	lightgate *lg = open_at(r->url, 0);
	lightgate_decision *d = lightgate_decide(lg, question());

	cr_assert(lightgate_permits(d) && lightgate_decided(d));
	cr_assert_str_eq(lightgate_decision_reason(d), "permitted by p");
	cr_assert_str_eq(lightgate_decision_policy(d), "p");
	cr_assert_str_eq(lightgate_decision_id(d), "d1");
	cr_assert_str_eq(lightgate_decision_ticket(d), "t.i.c");
	cr_assert(responder_was_asked(r, "{\"subject\":{\"type\":\"User\",\"id\":\"alice\"},\"action\":{\"name\":\"container:create\"},"
	    "\"resource\":{\"type\":\"Workload\",\"id\":\"web\",\"properties\":{\"host\":\"node1\"}},\"context\":{\"port\":5432}}"));
	lightgate_decision_free(d);
	lightgate_close(lg);
}

Test(decide, only_a_clear_yes_permits)
{
	static const char *const bodies[] = {
		"{\"decision\":false,\"context\":{\"reason\":\"no policy permits it\"}}", "{\"decision\":\"true\"", "{}", "", "true",
		"{\"decision\":1}", "{\"decision\":\"true\"}", "{\"decision\":null}", "{\"decision\":true,\"decision\":true}", "{\"decision\":[true]}", "<html>true</html>",
	};

	for (size_t i = 0; i < LG_COUNT(bodies); i++) {
		const struct responder_route routes[] = { { "POST", 200, bodies[i], 0 }, { NULL, 0, NULL, 0 } };
		struct responder *r = responder_start(routes);
		lightgate *lg = open_at(r->url, 0);
		lightgate_decision *d = lightgate_decide(lg, question());
		cr_assert_not(lightgate_permits(d), "%s", bodies[i]);
		cr_assert_eq(lightgate_decided(d), i == 0, "%s", bodies[i]);
		cr_assert_str_neq(lightgate_decision_reason(d), "", "%s", bodies[i]);
		lightgate_decision_free(d);
		lightgate_close(lg);
	}
}

Test(decide, a_problem_is_a_deny_with_the_services_sentence)
{
	const struct responder_route routes[] = {
		{ "POST", 403, "{\"title\":\"Forbidden\",\"status\":403,\"detail\":\"controller may not ask about this\",\"code\":\"denied\"}", 0 },
		{ NULL, 0, NULL, 0 },
	};
	struct responder *r = responder_start(routes);
	lightgate *lg = open_at(r->url, 0);
	lightgate_decision *d = lightgate_decide(lg, question());

	cr_assert_not(lightgate_permits(d));
	cr_assert_not(lightgate_decided(d));
	cr_assert_str_eq(lightgate_decision_reason(d), "controller may not ask about this");
	lightgate_decision_free(d);
	lightgate_close(lg);
}

Test(decide, nobody_there_and_nobody_answering_in_time_are_denies)
{
	const struct responder_route slow[] = { { "POST", 200, "{\"decision\":true}", 2000 }, { NULL, 0, NULL, 0 } };
	struct responder *r = responder_start(slow);
	lightgate *lg = open_at("http://127.0.0.1:1", 0);
	lightgate_decision *d = lightgate_decide(lg, question());

	cr_assert_not(lightgate_permits(d));
	lightgate_decision_free(d);
	lightgate_close(lg);
	lg = open_at(r->url, 100);
	d = lightgate_decide(lg, question());
	cr_assert_not(lightgate_permits(d));
	cr_assert_not_null(strstr(lightgate_decision_reason(d), "in time"), "%s", lightgate_decision_reason(d));
	lightgate_decision_free(d);
	lightgate_close(lg);
	cr_assert_not(lightgate_permits(NULL));
}

Test(decide, a_question_without_subject_action_or_resource_is_not_asked)
{
	lightgate *lg = open_at("http://127.0.0.1:1", 0);
	struct lightgate_question q = LIGHTGATE_QUESTION;
	lightgate_decision *d = lightgate_decide(lg, &q);

	cr_assert_not_null(strstr(lightgate_decision_reason(d), "action"));
	lightgate_decision_free(d);
	q.action = "connect";
	q.resource_type = "Workload";
	q.resource_id = "db";
	d = lightgate_decide(lg, &q);
	cr_assert_not_null(strstr(lightgate_decision_reason(d), "subject"));
	lightgate_decision_free(d);
	lightgate_close(lg);
}

Test(decide, connections_are_kept_and_tokens_read_at_every_call)
{
	const struct responder_route routes[] = { { "POST", 200, "{\"decision\":true}", 0 }, { NULL, 0, NULL, 0 } };
	struct responder *r = responder_start(routes);
	struct lightgate_settings s = LIGHTGATE_SETTINGS;
	char *folder = test_folder();

	s.url = r->url;
	s.token_file = test_write(folder, "token", "first\n");
	lightgate *lg = lightgate_open(&s, NULL, 0);
	for (int i = 0; i < 5; i++) {
		lightgate_decision *d = lightgate_decide(lg, question());
		cr_assert(lightgate_permits(d), "%s", lightgate_decision_reason(d));
		lightgate_decision_free(d);
		test_write(folder, "token", "second\n");
	}
	cr_assert_eq(r->connections, 1);
	cr_assert_eq(r->requests, 5);
	cr_assert(responder_was_asked(r, "Authorization: Bearer first\r\n"));
	cr_assert(responder_was_asked(r, "Authorization: Bearer second\r\n"));
	lightgate_close(lg);
}

Test(decide, a_token_with_a_line_end_inside_makes_no_header)
{
	const struct responder_route routes[] = { { "POST", 200, "{\"decision\":true}", 0 }, { NULL, 0, NULL, 0 } };
	struct responder *r = responder_start(routes);
	lightgate *lg = open_at(r->url, 0);
	struct lightgate_question q = *question();

	q.subject_token = "a\r\nAuthorization: Bearer b";
	lightgate_decision *d = lightgate_decide(lg, &q);
	cr_assert_not(lightgate_permits(d));
	cr_assert_eq(r->requests, 0);
	lightgate_decision_free(d);
	lightgate_close(lg);
}

static void *
ask_often(void *lg)
{
	for (int i = 0; i < 20; i++) {
		lightgate_decision *d = lightgate_decide(lg, question());
		cr_assert(lightgate_permits(d), "%s", lightgate_decision_reason(d));
		lightgate_decision_free(d);
	}
	return NULL;
}

Test(decide, threads_share_a_handle)
{
	const struct responder_route routes[] = { { "POST", 200, "{\"decision\":true}", 0 }, { NULL, 0, NULL, 0 } };
	struct responder *r = responder_start(routes);
	lightgate *lg = open_at(r->url, 10000);
	pthread_t t[4];

	question();
	for (size_t i = 0; i < LG_COUNT(t); i++)
		pthread_create(&t[i], NULL, ask_often, lg);
	for (size_t i = 0; i < LG_COUNT(t); i++)
		pthread_join(t[i], NULL);
	cr_assert_eq(r->requests, 80);
	lightgate_close(lg);
}

Test(decide, the_unix_socket_serves_as_well)
{
	const struct responder_route routes[] = { { "POST", 200, "{\"decision\":true}", 0 }, { NULL, 0, NULL, 0 } };
	struct lightgate_settings s = LIGHTGATE_SETTINGS;
	char path[300];

	snprintf(path, sizeof path, "%s/s", test_folder());
	responder_start_unix(routes, path);
	s.socket = path;
	lightgate *lg = lightgate_open(&s, NULL, 0);
	lightgate_decision *d = lightgate_decide(lg, question());
	cr_assert(lightgate_permits(d), "%s", lightgate_decision_reason(d));
	lightgate_decision_free(d);
	lightgate_close(lg);
}

/* ---- tokens -------------------------------------------------------------------------------------------------------- */

#define CLAIMS(rest) "{\"iss\":\"https://id.example.org\",\"sub\":\"u1\",\"aud\":\"controller\",\"iat\":1700000000,\"jti\":\"j\"," rest "}"
#define GOOD CLAIMS("\"exp\":4000000000,\"client_id\":\"portal\",\"groups\":[\"a\"]")

static const struct {
	const char *typ, *payload, *audience, *x5t, *why;	/* why NULL: good */
} cases[] = {
	{ "at+jwt", GOOD, "controller", NULL, NULL },
	{ "at+jwt", CLAIMS("\"exp\":4000000000,\"cnf\":{\"x5t#S256\":\"abc\"}"), "controller", "abc", NULL },
	{ "at+jwt", CLAIMS("\"exp\":4000000000,\"cnf\":{\"x5t#S256\":\"abc\"}"), "controller", "abd", "another certificate" },
	{ "at+jwt", CLAIMS("\"exp\":4000000000,\"cnf\":{\"x5t#S256\":\"abc\"}"), "controller", NULL, "another certificate" },
	{ "at+jwt", CLAIMS("\"exp\":4000000000,\"cnf\":{\"jkt\":\"abc\"}"), "controller", NULL, "not proved" },
	{ "at+jwt", CLAIMS("\"exp\":1700000001"), "controller", NULL, "expired" },
	{ "at+jwt", CLAIMS("\"nbf\":3900000000,\"exp\":4000000000"), "controller", NULL, "" },
	{ "at+jwt", CLAIMS("\"scope\":\"x\""), "controller", NULL, "" },
	{ "at+jwt", GOOD, "portal", NULL, "somebody else" },
	{ "at+jwt", GOOD, "", NULL, "audience" },
	{ "JWT", GOOD, "controller", NULL, "" },
	{ "at+jwt", "{\"iss\":\"https://evil.example.org\",\"sub\":\"u1\",\"aud\":\"controller\",\"iat\":1700000000,\"exp\":4000000000}", "controller", NULL,
	    "issued by somebody else: https://evil.example.org, not " },
};

Test(verify, what_is_good_and_what_is_not)
{
	TEST_CTX(cx);
	struct token_maker m;
	token_maker_init(cx, &m, "k1");
	const struct responder_route routes[] = { { "GET /oauth2/jwks", 200, m.jwks, 0 }, { NULL, 0, NULL, 0 } };
	lightgate *lg = open_at(responder_start(routes)->url, 0);

	for (size_t i = 0; i < LG_COUNT(cases); i++) {
		char why[256] = "";
		lightgate_token *t = lightgate_verify(lg, token_make(cx, &m, cases[i].typ, "k1", cases[i].payload), cases[i].audience,
		    cases[i].x5t, why, sizeof why);
		cr_assert_eq(t != NULL, cases[i].why == NULL, "case %zu: %s", i, why);
		if (t == NULL)
			cr_assert_not_null(strstr(why, cases[i].why), "case %zu: %s", i, why);
		lightgate_token_free(t);
	}
	cr_assert_null(lightgate_verify(lg, NULL, "controller", NULL, NULL, 0));
	cr_assert_null(lightgate_verify(lg, "", "controller", NULL, NULL, 0));
	lg_key_free(&m.key);
	lightgate_close(lg);
}

Test(verify, claims_can_be_read_and_keys_are_fetched_once)
{
	TEST_CTX(cx);
	struct token_maker m;
	token_maker_init(cx, &m, "k1");
	const struct responder_route routes[] = { { "GET /oauth2/jwks", 200, m.jwks, 0 }, { NULL, 0, NULL, 0 } };
	struct responder *r = responder_start(routes);
	lightgate *lg = open_at(r->url, 0);
	const char *token = token_make(cx, &m, "at+jwt", "k1", GOOD);

	for (int i = 0; i < 3; i++) {
		lightgate_token *t = lightgate_verify(lg, token, "controller", NULL, NULL, 0);
		cr_assert_not_null(t);
		cr_assert_str_eq(lightgate_token_claim(t, "sub"), "u1");
		cr_assert_str_eq(lightgate_token_claim(t, "client_id"), "portal");
		cr_assert_str_eq(lightgate_token_claim(t, "groups"), "[\"a\"]");
		cr_assert_null(lightgate_token_claim(t, "scope"));
		cr_assert_eq(lightgate_token_expires(t), 4000000000);
		lightgate_token_free(t);
	}
	/* a forged one right after does not make us ask again */
	char *forged = strdup(token);
	forged[strlen(forged) - 10] ^= 1;
	cr_assert_null(lightgate_verify(lg, forged, "controller", NULL, NULL, 0));
	cr_assert_eq(r->requests, 1);
	free(forged);
	lg_key_free(&m.key);
	lightgate_close(lg);
}

Test(verify, without_keys_nothing_is_good)
{
	TEST_CTX(cx);
	struct token_maker m;
	token_maker_init(cx, &m, "k1");
	lightgate *lg = open_at("http://127.0.0.1:1", 200);
	char why[256];

	cr_assert_null(lightgate_verify(lg, token_make(cx, &m, "at+jwt", "k1", GOOD), "controller", NULL, why, sizeof why));
	cr_assert_not_null(strstr(why, "cannot reach"), "%s", why);
	lg_key_free(&m.key);
	lightgate_close(lg);
}
