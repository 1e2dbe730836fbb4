/* test_door.c: the door with a service that answers from a table: which start gets in, which does not, and why. */
#include "agent/door.h"

#include <sys/stat.h>

#include "agent/identity.h"
#include "agent/records.h"
#include "agent/ticket.h"
#include "agent/tally.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/text.h"
#include "tests/agent/bundle.h"
#include "tests/client/pem.h"
#include "tests/base/base_test.h"
#include "tests/client/responder.h"
#include "tests/client/token.h"

#define HOST	"11111111-1111-4111-8111-111111111111"
#define OTHER	"22222222-2222-4222-8222-222222222222"
#define PERMIT	"{\"decision\":true,\"context\":{\"id\":\"d\",\"admission\":\"a\",\"reason\":\"ok\"}}"
#define DENY	"{\"decision\":false,\"context\":{\"id\":\"d\",\"reason\":\"no policy permits it\"}}"

struct world {
	struct lg_ctx *cx;
	struct token_maker maker;
	const char *kid;
	struct responder *service;
	struct lg_door *door;
	struct lg_door_settings at;
	char bundle[300], config[16384];
	int tickets;
};

/* Nothing new is admitted; what was goes on. */
static const struct responder_route no_more[] = {
	{ "POST /v1/admissions/", 200, PERMIT, 0 }, { "POST /v1/admissions", 200, DENY, 0 }, { NULL, 0, NULL, 0 },
};
static const struct responder_route yes[] = {
	{ "POST /v1/admissions/", 200, PERMIT, 0 }, { "POST /v1/admissions", 200, PERMIT, 0 }, { NULL, 0, NULL, 0 },
};

static void
set_up(struct world *w, struct lg_ctx *cx, const struct responder_route *routes)
{
	struct lg_identity id = {
		.key = LG_STR(TEST_KEY), .certificate = LG_STR(TEST_CERT), .chain = LG_STR(TEST_ROOT), .root = LG_STR(TEST_ROOT),
		.host_id = LG_STR(HOST), .host_name = LG_STR("node1"), .issuer = LG_STR("https://id.example.org"),
		.trust_domain = LG_STR("example.org"), .https = LG_STR("https://127.0.0.1:1"),
	};

	lg_log_open("test", LG_ERROR, false);
	*w = (struct world){ .cx = cx, .kid = "t1" };
	token_maker_init(cx, &w->maker, "t1");
	w->service = routes != NULL ? responder_start(routes) : NULL;
	id.mtls = routes != NULL ? lg_str_of(w->service->url) : LG_STR("http://127.0.0.1:1");
	id.ticket_keys = lg_str_of(w->maker.jwks);
	w->at.state = test_folder();
	w->at.hook = "/usr/bin/lightgate-runc";
	w->at.socket = "/run/a.sock";
	w->at.tally = lg_tally_new();
	cr_assert_eq(lg_identity_save(cx, w->at.state, &id), LG_OK, "%s", cx->error);
	cr_assert_eq(lg_door_open(cx, &w->at, &w->door), LG_OK, "%s", cx->error);
	snprintf(w->bundle, sizeof w->bundle, "%s/b", w->at.state);
	cr_assert_eq(mkdir(w->bundle, 0700), 0);
}

static void
tear_down(struct world *w)
{
	lg_door_close(&w->door);
	lg_tally_free(&w->at.tally);
	lg_key_free(&w->maker.key);
}

static const char *
ticket(struct world *w, const char *aud, const char *wl, int64_t life)
{
	int64_t now = lg_wall() / LG_SECOND;
	lg_str payload = lg_print(w->cx->arena, "{\"iss\":\"https://id.example.org\",\"aud\":\"%s\",\"sub\":\"33333333-3333-4333-8333-333333333333\","
	    "\"sub_type\":\"User\",\"wl\":\"%s\",\"jti\":\"j%d\",\"iat\":%lld,\"exp\":%lld}", aud, wl, ++w->tickets, (long long)now - 200,
	    (long long)(now + life));

	return token_make(w->cx, &w->maker, "lg-ticket+jwt", w->kid, payload.p);
}

/* From now on another service answers. */
static void
serve(struct world *w, const struct responder_route *routes)
{
	struct lg_identity id;

	lg_door_close(&w->door);
	cr_assert_eq(lg_identity_load(w->cx, w->at.state, &id), LG_OK, "%s", w->cx->error);
	w->service = responder_start(routes);
	id.mtls = lg_str_of(w->service->url);
	cr_assert_eq(lg_identity_save(w->cx, w->at.state, &id), LG_OK, "%s", w->cx->error);
	cr_assert_eq(lg_door_open(w->cx, &w->at, &w->door), LG_OK, "%s", w->cx->error);
}

/* Puts the configuration into the bundle, with the ticket in its annotation. */
static void
configure(struct world *w, const char *ticket_text, const char *from, const char *to)
{
	const char *text = bundle_with(from, to), *at = strstr(text, "\"annotations\":{") + 15;

	snprintf(w->config, sizeof w->config, "%.*s\"lightgate.ticket\":\"%s\",%s", (int)(at - text), text, ticket_text, at);
	test_write(w->bundle, "config.json", w->config);
}

static lg_err
hook_of(struct world *w, const char *start, const char *id, const char *bundle)
{
	lg_str text;

	w->cx->error[0] = '\0';
	return lg_door_hook(w->cx, w->door, lg_print(w->cx->arena, "%s\n{\"ociVersion\":\"1.0.2\",\"id\":\"%s\",\"status\":\"creating\",\"pid\":1,"
	    "\"bundle\":\"%s\"}", start, id, bundle), &text);
}

static lg_err
hook(struct world *w, const char *id, const char *bundle)
{
	return hook_of(w, "", id, bundle);
}

/* What the hook's environment says in a configuration. */
static const char *
start_in(struct world *w, const char *bundle)
{
	const char *path = lg_print(w->cx->arena, "%s/config.json", bundle).p, *at;
	lg_str text;

	cr_assert_eq(lg_file_read(w->cx, path, 32768, &text), LG_OK);
	at = strstr(lg_dup(w->cx->arena, text).p, "LIGHTGATE_START=");
	cr_assert_not_null(at);
	return lg_dup(w->cx->arena, (lg_str){ at + 16, strcspn(at + 16, "\"") }).p;
}

static lg_err
create(struct world *w, const char *id, lg_str *private)
{
	return lg_door_create(w->cx, w->door, lg_print(w->cx->arena, "%s\n%s", id, w->bundle), private);
}

/* ---- tickets ---------------------------------------------------------------------------------------------------- */

Test(door, a_good_ticket_lets_in_once)
{
	TEST_CTX(cx);
	struct world w;

	set_up(&w, cx, yes);
	configure(&w, ticket(&w, HOST, "web", 60), "", "");
	cr_assert_eq(hook(&w, "c1", w.bundle), LG_OK, "%s", cx->error);
	cr_assert(responder_was_asked(w.service, "\"container\":\"c1\",\"workload\":\"web\""));
	cr_assert_eq(hook(&w, "c2", w.bundle), LG_E_DENIED);
	cr_assert_str_eq(cx->error, "the ticket has been used before");
	tear_down(&w);
}

Test(door, a_redeemed_ticket_stays_redeemed_when_the_agent_starts_again)
{
	TEST_CTX(cx);
	struct world w;

	set_up(&w, cx, yes);
	configure(&w, ticket(&w, HOST, "web", 60), "", "");
	cr_assert_eq(hook(&w, "c1", w.bundle), LG_OK, "%s", cx->error);
	lg_door_close(&w.door);
	cr_assert_eq(lg_door_open(cx, &w.at, &w.door), LG_OK);
	cr_assert_eq(hook(&w, "c2", w.bundle), LG_E_DENIED);
	cr_assert_eq(hook(&w, "c1", w.bundle), LG_OK, "%s", cx->error);
	tear_down(&w);
}

Test(door, tickets_that_are_not_for_this_are_refused_without_asking)
{
	TEST_CTX(cx);
	struct world w;
	char tampered[2048], none_alg[2048];

	set_up(&w, cx, (const struct responder_route[]){ { NULL, 0, NULL, 0 } });
	snprintf(tampered, sizeof tampered, "%s", ticket(&w, HOST, "web", 60));
	tampered[strlen(tampered) / 2] ^= 1;
	snprintf(none_alg, sizeof none_alg, "eyJhbGciOiJub25lIn0.%s", strchr(tampered, '.') + 1);
	const struct {
		const char *ticket, *why;
	} bad[] = {
		{ ticket(&w, HOST, "web", -120), "expired" }, { ticket(&w, OTHER, "web", 60), "another host" },
		{ ticket(&w, HOST, "db", 60), "workload \"db\"" }, { tampered, "not genuine" }, { none_alg, "not genuine" },
		{ "x.y.z", "not genuine" }, { token_make(cx, &w.maker, "at+jwt", "t1", "{\"exp\":4000000000}"), "not genuine" },
	};
	for (size_t i = 0; i < LG_COUNT(bad); i++) {
		configure(&w, bad[i].ticket, "", "");
		cr_assert_neq(hook(&w, "c1", w.bundle), LG_OK, "%s", bad[i].why);
		cr_assert_not_null(strstr(cx->error, bad[i].why), "%s: %s", bad[i].why, cx->error);
	}
	cr_assert_not(responder_was_asked(w.service, "/v1/admissions"));
	tear_down(&w);
}

/* Without a ticket nobody speaks for the container but its host, for which the service decides. */
Test(door, without_a_ticket_the_host_asks_for_itself)
{
	TEST_CTX(cx);
	struct world w;

	set_up(&w, cx, yes);
	configure(&w, "", "", "");
	cr_assert_eq(hook(&w, "c1", w.bundle), LG_OK, "%s", cx->error);
	cr_assert(responder_was_asked(w.service, "{\"ticket\":\"\",\"container\":\"c1\",\"workload\":\"web\""));
	serve(&w, no_more);
	cr_assert_eq(hook(&w, "c2", w.bundle), LG_E_DENIED);
	cr_assert_eq(hook(&w, "c2", w.bundle), LG_E_DENIED, "nothing was admitted by a refusal");
	tear_down(&w);
}

Test(door, a_ticket_of_a_newer_key_makes_the_agent_fetch_keys)
{
	TEST_CTX(cx);
	struct token_maker newer;
	struct responder_route routes[] = {
		{ "GET /v1/agent/keys", 200, NULL, 0 }, { "POST /v1/admissions", 200, PERMIT, 0 }, { NULL, 0, NULL, 0 },
	};
	struct world w;

	token_maker_init(cx, &newer, "t2");
	routes[0].body = lg_print(cx->arena, "{\"ticket_keys\":%s}", newer.jwks).p;
	set_up(&w, cx, routes);
	struct token_maker older = w.maker;
	configure(&w, ticket(&w, HOST, "web", 60), "", "");
	w.maker = newer;
	w.kid = "t2";
	configure(&w, ticket(&w, HOST, "web", 60), "", "");
	cr_assert_eq(hook(&w, "c1", w.bundle), LG_OK, "%s", cx->error);
	cr_assert(responder_was_asked(w.service, "GET /v1/agent/keys"));
	/* a bad one right after does not make it ask again */
	configure(&w, "x.y.z", "", "");
	int requests = w.service->requests;
	cr_assert_neq(hook(&w, "c2", w.bundle), LG_OK);
	cr_assert_eq(w.service->requests, requests);
	lg_key_free(&older.key);
	tear_down(&w);
}

/* ---- the service's word ---------------------------------------------------------------------------------------------- */

static const struct {
	int status;
	const char *body;
	const char *why;
} answers[] = {
	{ 200, DENY, "no policy permits it" }, { 200, "{}", "denied by policy" }, { 200, "", "denied by policy" },
	{ 200, "{\"decision\":\"true\"}", "denied by policy" }, { 403, "{\"detail\":\"only hosts\",\"code\":\"denied\"}", "only hosts" },
	{ 503, "", "busy" }, { 500, "oops", "HTTP 500" },
};

Test(door, only_the_services_yes_opens_and_a_refusal_spends_no_ticket)
{
	TEST_CTX(cx);

	for (size_t i = 0; i < LG_COUNT(answers); i++) {
		const struct responder_route routes[] = { { "POST", answers[i].status, answers[i].body, 0 }, { NULL, 0, NULL, 0 } };
		struct world w;
		lg_str id = lg_print(cx->arena, "c%zu", i);
		(void)rmdir(lg_print(cx->arena, "%s/b", test_folder()).p);
		set_up(&w, cx, routes);
		configure(&w, ticket(&w, HOST, "web", 60), "", "");
		cr_assert_neq(hook(&w, id.p, w.bundle), LG_OK, "%s", answers[i].body);
		cr_assert_not_null(strstr(cx->error, answers[i].why), "%s: %s", answers[i].body, cx->error);
		cr_assert_not(lg_redeemed_has(cx, w.at.state, lg_print(cx->arena, "j%d", w.tickets)));
		remove(lg_print(cx->arena, "%s/config.json", w.bundle).p);
		tear_down(&w);
	}
}

Test(door, without_the_service_nothing_new_starts_and_the_answer_comes_in_time)
{
	TEST_CTX(cx);
	static const struct responder_route slow[] = { { "POST", 200, PERMIT, 3000 }, { NULL, 0, NULL, 0 } };
	struct world w;

	set_up(&w, cx, slow);
	configure(&w, ticket(&w, HOST, "web", 60), "", "");
	int64_t begin = lg_boottime();
	cr_assert_eq(hook(&w, "c1", w.bundle), LG_E_UNAVAILABLE);
	cr_assert_lt(lg_boottime() - begin, 1900000);
	tear_down(&w);
}

/* ---- later starts -------------------------------------------------------------------------------------------------------- */

Test(door, what_was_admitted_starts_again_without_a_ticket_if_it_is_the_same)
{
	TEST_CTX(cx);
	struct world w;

	set_up(&w, cx, yes);
	configure(&w, ticket(&w, HOST, "web", 60), "", "");
	cr_assert_eq(hook(&w, "c1", w.bundle), LG_OK, "%s", cx->error);
	configure(&w, "", "", "");
	cr_assert_eq(hook(&w, "c1", w.bundle), LG_OK, "%s", cx->error);
	cr_assert(responder_was_asked(w.service, "POST /v1/admissions/c1/restart"));
	serve(&w, no_more);
	configure(&w, "", "\"hello\"", "\"something else\"");
	cr_assert_eq(hook(&w, "c1", w.bundle), LG_E_DENIED);
	configure(&w, "", "{\"type\":\"pid\"},", "");
	cr_assert_eq(hook(&w, "c1", w.bundle), LG_E_DENIED);
	configure(&w, "", "", "");
	cr_assert_eq(hook(&w, "c2", w.bundle), LG_E_DENIED);
	cr_assert_eq(hook(&w, "c1", w.bundle), LG_OK, "%s", cx->error);
	tear_down(&w);
}

/* "e30.<payload>.": by nobody. */
static const char *
forged(struct world *w, const char *payload)
{
	return lg_print(w->cx->arena, "e30.%.*s.AAAA", LG_FMT(lg_base64url(w->cx->arena, lg_str_of(payload)))).p;
}

Test(door, a_ticket_that_says_of_itself_that_it_is_spent_admits_nothing)
{
	TEST_CTX(cx);
	struct world w;

	set_up(&w, cx, yes);
	const char *good = ticket(&w, HOST, "web", 60), *over = forged(&w, "{\"exp\":1,\"jti\":\"x\"}"), *used = forged(&w, "{\"exp\":9999999999,\"jti\":\"j1\"}");
	configure(&w, good, "", "");
	cr_assert_eq(hook(&w, "c1", w.bundle), LG_OK, "%s", cx->error);
	cr_assert(lg_ticket_spent(cx, w.at.state, lg_str_of(good)));
	cr_assert(lg_ticket_spent(cx, w.at.state, lg_str_of(over)));
	cr_assert(lg_ticket_spent(cx, w.at.state, lg_str_of(used)));
	cr_assert(!lg_ticket_spent(cx, w.at.state, lg_str_of(ticket(&w, HOST, "web", 60))));
	cr_assert(!lg_ticket_spent(cx, w.at.state, lg_str_of(forged(&w, "{\"jti\":\"j1\"}"))), "without a time");
	cr_assert(!lg_ticket_spent(cx, w.at.state, LG_STR("e30")));
	/* what was admitted starts again, what was not does not */
	for (int i = 0; i < 2; i++) {
		configure(&w, i == 0 ? over : used, "", "");
		cr_assert_eq(hook(&w, "c1", w.bundle), LG_OK, "%s", cx->error);
		cr_assert_neq(hook(&w, "c2", w.bundle), LG_OK);
	}
	cr_assert(responder_was_asked(w.service, "POST /v1/admissions/c1/restart"));
	/* and a fresh one is a first start, of whatever it is now */
	configure(&w, ticket(&w, HOST, "web", 60), "\"hello\"", "\"something else\"");
	cr_assert_eq(hook(&w, "c1", w.bundle), LG_OK, "%s", cx->error);
	tear_down(&w);
}

Test(door, an_ended_admission_needs_a_ticket_again)
{
	TEST_CTX(cx);
	struct world w;
	lg_str text;

	set_up(&w, cx, yes);
	configure(&w, ticket(&w, HOST, "web", 60), "", "");
	cr_assert_eq(hook(&w, "c1", w.bundle), LG_OK, "%s", cx->error);
	cr_assert_eq(lg_door_end(cx, w.door, LG_STR("c1\n"), &text), LG_OK, "%s", cx->error);
	cr_assert(responder_was_asked(w.service, "POST /v1/admissions/c1/end"));
	cr_assert_eq(hook(&w, "c1", w.bundle), LG_E_DENIED);
	cr_assert_eq(lg_door_end(cx, w.door, LG_STR("c1"), &text), LG_E_NOT_FOUND);
	tear_down(&w);
}

/* ---- the private bundle ---------------------------------------------------------------------------------------------------- */

Test(door, the_bundle_that_was_prepared_is_decided_and_no_other)
{
	TEST_CTX(cx);
	struct world w;
	lg_str private;

	set_up(&w, cx, yes);
	configure(&w, ticket(&w, HOST, "web", 60), "", "");
	cr_assert_eq(create(&w, "c1", &private), LG_OK, "%s", cx->error);
	cr_assert_not(responder_was_asked(w.service, "/v1/admissions"));
	const char *copy = lg_dup(cx->arena, private).p;
	/* the user's own file does not matter any more; the copy does */
	configure(&w, "", "\"hello\"", "\"swapped\"");
	const char *start = start_in(&w, copy);
	lg_str kept;
	FILE *f = fopen(lg_print(cx->arena, "%s/config.json", copy).p, "r");
	char text[32768];
	size_t n = fread(text, 1, sizeof text - 1, f);
	fclose(f);
	text[n] = '\0';
	kept = lg_dup(cx->arena, lg_str_of(text));
	*strstr(text, "hello") = 'y';
	test_write(copy, "config.json", text);
	cr_assert_eq(hook_of(&w, start, "c1", copy), LG_E_DENIED);
	cr_assert_not_null(strstr(cx->error, "prepared"), "%s", cx->error);
	test_write(copy, "config.json", kept.p);
	cr_assert_eq(hook_of(&w, start, "c2", copy), LG_E_DENIED);
	cr_assert_eq(hook(&w, "c1", copy), LG_E_DENIED);
	cr_assert_eq(hook_of(&w, start, "c1", copy), LG_OK, "%s", cx->error);
	tear_down(&w);
}

/* Two starts with one id: the file is the second's when the first asks, but the first's runtime has read its own. */
Test(door, what_the_runtime_has_read_is_decided_not_what_lies_there_since)
{
	TEST_CTX(cx);
	struct world w;
	lg_str private;

	set_up(&w, cx, yes);
	configure(&w, ticket(&w, HOST, "web", 60), "\"hello\"", "\"evil\"");
	cr_assert_eq(create(&w, "c1", &private), LG_OK, "%s", cx->error);
	const char *copy = lg_dup(cx->arena, private).p, *evil = start_in(&w, copy);
	configure(&w, ticket(&w, HOST, "web", 60), "", "");
	cr_assert_eq(create(&w, "c1", &private), LG_OK, "%s", cx->error);
	cr_assert_eq(hook_of(&w, evil, "c1", copy), LG_E_DENIED);
	cr_assert_not_null(strstr(cx->error, "prepared"), "%s", cx->error);
	cr_assert_not(responder_was_asked(w.service, "/v1/admissions"));
	cr_assert_eq(hook_of(&w, start_in(&w, copy), "c1", copy), LG_OK, "%s", cx->error);
	tear_down(&w);
}

Test(door, what_can_be_refused_is_refused_before_the_runtime_works)
{
	TEST_CTX(cx);
	struct world w;
	lg_str private;

	set_up(&w, cx, NULL);
	configure(&w, ticket(&w, OTHER, "web", 60), "", "");
	cr_assert_eq(create(&w, "c1", &private), LG_E_UNAUTHENTICATED);
	configure(&w, ticket(&w, HOST, "web", 60), "\"mounts\":[", "\"Mounts\":[");
	cr_assert_eq(create(&w, "c1", &private), LG_E_INVALID);
	cr_assert_eq(create(&w, "../c1", &private), LG_E_INVALID);
	cr_assert_eq(lg_door_create(cx, w.door, LG_STR("c1\nrelative"), &private), LG_E_INVALID);
	cr_assert_eq(lg_door_create(cx, w.door, LG_STR("c1"), &private), LG_E_INVALID);
	cr_assert_eq(lg_door_create(cx, w.door, LG_STR("c1\n/nonexistent"), &private), LG_E_NOT_FOUND);
	tear_down(&w);
}

Test(door, a_state_that_is_not_understood_is_refused)
{
	TEST_CTX(cx);
	static const char *const bad[] = { "", "{}", "[]", "{\"id\":\"c1\"}", "{\"id\":\"c1\",\"bundle\":\"b\"}", "{\"id\":7,\"bundle\":\"/b\"}",
		"{\"id\":\"c1\",\"id\":\"c2\",\"bundle\":\"/b\"}", "{\"id\":\"c1\",\"bundle\":\"/nonexistent\"}" };
	struct world w;
	lg_str text;

	set_up(&w, cx, yes);
	for (size_t i = 0; i < LG_COUNT(bad); i++)
		cr_assert_neq(lg_door_hook(cx, w.door, lg_cat(cx->arena, LG_STR("\n"), lg_str_of(bad[i])), &text), LG_OK, "%s", bad[i]);
	tear_down(&w);
}

Test(door, a_stopped_container_leaves_no_copy_behind)
{
	TEST_CTX(cx);
	struct world w;
	lg_str private, text;

	set_up(&w, cx, yes);
	configure(&w, ticket(&w, HOST, "web", 60), "", "");
	cr_assert_eq(create(&w, "c1", &private), LG_OK, "%s", cx->error);
	cr_assert_eq(lg_door_hook(cx, w.door, lg_print(cx->arena, "\n{\"id\":\"c1\",\"status\":\"stopped\",\"bundle\":\"%.*s\"}", LG_FMT(private)), &text), LG_OK);
	cr_assert_neq(access(private.p, F_OK), 0);
	tear_down(&w);
}
