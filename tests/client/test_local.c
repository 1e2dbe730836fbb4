/* test_local.c: liblightgate with a host's bundle: decisions, tokens and certificates without asking; every doubt is a deny. */
#include <lightgate/client.h>

#include <regex.h>

#include "base/clock.h"
#include "tests/client/bundle_world.h"
#include "tests/client/responder.h"

struct place {
	struct bundle_world w;
	struct responder *r;
	struct responder_route routes[6];
	lg_str served, keys;
	char *folder, urls[128];		/* urls: of the settings, when not the responder's alone */
};

/* A service that gives this host its bundle, and a stream that says which state that is. */
static void
place_init(struct place *p, struct lg_ctx *cx)
{
	memset(p, 0, sizeof *p);
	bundle_world_init(&p->w, cx);
	p->folder = test_folder();
	p->routes[0] = (struct responder_route){ "GET /v1/agent/bundle", 200, "", 0 };
	p->routes[1] = (struct responder_route){ "GET /v1/watch", 200, "{\"state\":\"s\",\"up\":1}\n", 0 };
	p->routes[2] = (struct responder_route){ "GET /v1/agent/keys", 200, "", 0 };
	p->r = responder_start(p->routes);
	p->keys = lg_print(cx->arena, "{\"issuer\":\"" ISSUER "\",\"host\":\"" HOST "\",\"stream\":\"%s\",\"bundle_keys\":%s}", p->r->url, p->w.signer.jwks);
	p->routes[2].body = p->keys.p;
}

static void
serve(struct place *p, unsigned long version)
{
	lg_str body = bundle_body(&p->w);

	p->served = lg_print(p->w.cx->arena, "%.*s\ns\n%.*s", LG_FMT(bundle_token(&p->w, body, &(struct bundle_token){ .version = version })), LG_FMT(body));
	p->routes[0].body = p->served.p;
}

static lightgate *
open_at(struct place *p)
{
	struct lightgate_settings s = LIGHTGATE_SETTINGS;
	char why[256] = "", state[300];

	snprintf(state, sizeof state, "%s/state", p->folder);
	s.url = s.mtls_url = p->urls[0] != '\0' ? p->urls : p->r->url;
	s.issuer = ISSUER;
	s.cert_file = s.key_file = test_write(p->folder, "c.pem", "c");
	s.state = state;
	s.audience = "controller";
	lightgate *lg = lightgate_open(&s, why, sizeof why);
	cr_assert_not_null(lg, "%s", why);
	return lg;
}

static lightgate *
open_fresh(struct place *p)
{
	struct lightgate_bundle b = LIGHTGATE_BUNDLE;

	serve(p, 10);
	lightgate *lg = open_at(p);
	for (int i = 0; i < 1000 && !b.fresh; i++) {
		lightgate_bundle_look(lg, &b);
		usleep(10000);
	}
	cr_assert(b.fresh, "%s", b.trouble);
	return lg;
}

static struct lightgate_question
connecting(const char *from, const char *to, int port)
{
	struct lightgate_question q = LIGHTGATE_QUESTION;

	q.subject_type = "Workload";
	q.subject_id = from;
	q.action = "connect";
	q.resource_type = "Workload";
	q.resource_id = to;
	q.port = port;
	return q;
}

Test(local, decides_without_asking)
{
	TEST_CTX(cx);
	struct place p;
	place_init(&p, cx);
	lightgate *lg = open_fresh(&p);
	struct lightgate_question q = connecting("web", "db", 5432);
	lightgate_decision *d = lightgate_decide_local(lg, &q);

	cr_assert(lightgate_permits(d), "%s", lightgate_decision_reason(d));
	cr_assert_str_eq(lightgate_decision_policy(d), "web-to-db");
	lightgate_decision_free(d);
	q.port = 5433;
	d = lightgate_decide_local(lg, &q);
	cr_assert(!lightgate_permits(d) && lightgate_decided(d));
	lightgate_decision_free(d);
	q = connecting("web", "stranger", 5432);
	d = lightgate_decide_local(lg, &q);
	cr_assert(!lightgate_permits(d) && !lightgate_decided(d), "whom the bundle does not know it does not decide on");
	lightgate_decision_free(d);
	cr_assert_not(responder_was_asked(p.r, "/access/v1"));
	lightgate_close(lg);
	bundle_world_end(&p.w);
}

Test(local, the_bundle_is_had_from_whichever_server_is_there)
{
	TEST_CTX(cx);
	struct place p;
	place_init(&p, cx);
	snprintf(p.urls, sizeof p.urls, "http://127.0.0.1:1 %s", p.r->url);
	lightgate *lg = open_fresh(&p);

	lightgate_close(lg);
	bundle_world_end(&p.w);
}

Test(local, a_bundle_can_be_looked_at)
{
	TEST_CTX(cx);
	struct place p;
	place_init(&p, cx);
	lightgate *lg = open_fresh(&p);
	struct lightgate_bundle b = LIGHTGATE_BUNDLE;

	lightgate_bundle_look(lg, &b);
	cr_assert(b.held && b.fresh);
	cr_assert_eq(b.version, 10);
	cr_assert_eq(b.epoch, 1);
	cr_assert_eq(b.policies, 4);
	cr_assert_eq(b.entities, 9);
	cr_assert_eq(b.max_stale_ms, 60000);
	cr_assert(b.age_ms >= 0 && b.age_ms < 20000);
	lightgate_close(lg);
	bundle_world_end(&p.w);
}

Test(local, a_stale_bundle_denies_and_says_so)
{
	TEST_CTX(cx);
	struct place p;
	place_init(&p, cx);
	p.w.max_stale = 1;
	lightgate *lg = open_fresh(&p);
	struct lightgate_question q = connecting("web", "db", 5432);
	struct lightgate_bundle b = LIGHTGATE_BUNDLE;

	p.routes[0].status = p.routes[1].status = 503;
	for (int i = 0; i < 1000; i++) {
		lightgate_bundle_look(lg, &b);
		if (!b.fresh)
			break;
		usleep(10000);
	}
	cr_assert(b.held && !b.fresh);
	lightgate_decision *d = lightgate_decide_local(lg, &q);
	cr_assert(!lightgate_permits(d) && lightgate_decided(d));
	cr_assert_not_null(strstr(lightgate_decision_reason(d), "stale"), "%s", lightgate_decision_reason(d));
	lightgate_decision_free(d);
	lightgate_close(lg);
	bundle_world_end(&p.w);
}

Test(local, without_a_bundle_nothing_is_decided)
{
	TEST_CTX(cx);
	struct lightgate_settings s = LIGHTGATE_SETTINGS;
	struct lightgate_question q = connecting("web", "db", 5432);
	struct lightgate_peer peer = LIGHTGATE_PEER;
	char why[256] = "";
	struct place p;
	place_init(&p, cx);
	p.routes[0].status = 403;
	lightgate *lg = open_at(&p);
	lightgate_decision *d = lightgate_decide_local(lg, &q);

	cr_assert(!lightgate_permits(d) && !lightgate_decided(d));
	lightgate_decision_free(d);
	cr_assert_not(lightgate_verify_certificate(lg, "x", &peer, why, sizeof why));
	lightgate_close(lg);
	s.url = p.r->url;
	lg = lightgate_open(&s, NULL, 0);
	d = lightgate_decide_local(lg, &q);
	cr_assert_not_null(strstr(lightgate_decision_reason(d), "LIGHTGATE_STATE"));
	lightgate_decision_free(d);
	lightgate_close(lg);
	s.state = "/nonexistent/state";
	cr_assert_null(lightgate_open(&s, why, sizeof why), "a state without a certificate");
	cr_assert_not_null(strstr(why, "certificate"), "%s", why);
	bundle_world_end(&p.w);
}

/* ---- tokens ---------------------------------------------------------------------------------------------------------------- */

Test(local, tokens_prove_subjects_and_revoked_ones_do_not)
{
	TEST_CTX(cx);
	struct place p;
	place_init(&p, cx);
	lightgate *lg = open_fresh(&p);
	const struct {
		const char *rest, *why;
	} cases[] = {
		{ "\"jti\":\"j\",\"aud\":\"controller\"", NULL }, { "\"jti\":\"gone\",\"aud\":\"controller\"", "revoked" },
		{ "\"jti\":\"j\",\"aud\":\"portal\"", "somebody else" }, { "\"jti\":\"j\",\"aud\":\"controller\",\"cnf\":{\"jkt\":\"x\"}", "bound" },
	};

	for (size_t i = 0; i < LG_COUNT(cases); i++) {
		struct lightgate_question q = connecting(NULL, "web", 0);
		q.action = "container:exec";
		q.subject_token = token_make(cx, &p.w.tokens, "at+jwt", "t1", lg_print(cx->arena,
		    "{\"iss\":\"" ISSUER "\",\"sub\":\"" ALICE "\",\"iat\":1700000000,\"exp\":4000000000,\"client_id\":\"portal\",%s}", cases[i].rest).p);
		lightgate_decision *d = lightgate_decide_local(lg, &q);
		cr_assert_eq(lightgate_permits(d), cases[i].why == NULL, "case %zu: %s", i, lightgate_decision_reason(d));
		if (cases[i].why != NULL)
			cr_assert_not_null(strstr(lightgate_decision_reason(d), cases[i].why), "case %zu: %s", i, lightgate_decision_reason(d));
		lightgate_decision_free(d);
		if (cases[i].why == NULL || strcmp(cases[i].why, "bound") == 0)
			continue;
		char why[256] = "";
		cr_assert_null(lightgate_verify(lg, q.subject_token, "controller", NULL, why, sizeof why), "case %zu", i);
		cr_assert_not_null(strstr(why, cases[i].why), "case %zu: %s", i, why);
	}
	cr_assert_not(responder_was_asked(p.r, "/oauth2/jwks"), "the bundle has the keys");
	lightgate_close(lg);
	bundle_world_end(&p.w);
}

/* A proof by `key` over a request with that token. */
static const char *
dpop_proof(struct lg_ctx *cx, const struct lg_key *key, const char *method, const char *url, const char *token, const char *jti, int64_t iat)
{
	struct lg_buf head = LG_BUF(4096);
	lg_sha256 h = lg_sha256_of(lg_str_of(token));
	lg_str sig;

	lg_buf_str(&head, LG_STR("{\"typ\":\"dpop+jwt\",\"alg\":\"ES256\",\"jwk\":"));
	lg_pubkey_jwk(lg_key_public(key), LG_NONE, LG_ALG_ES256, &head);
	lg_buf_byte(&head, '}');
	lg_str payload = lg_print(cx->arena, "{\"jti\":\"%s\",\"htm\":\"%s\",\"htu\":\"%s\",\"iat\":%lld,\"ath\":\"%.*s\"}", jti, method, url, (long long)iat,
	    LG_FMT(lg_base64url(cx->arena, lg_sha256_str(&h))));
	lg_str text = lg_print(cx->arena, "%.*s.%.*s", LG_FMT(lg_base64url(cx->arena, lg_buf_view(&head))), LG_FMT(lg_base64url(cx->arena, payload)));
	lg_buf_free(&head);
	cr_assert_eq(lg_key_sign_jose(cx, key, LG_ALG_ES256, text, &sig), LG_OK);
	return lg_print(cx->arena, "%.*s.%.*s", LG_FMT(text), LG_FMT(lg_base64url(cx->arena, sig))).p;
}

Test(local, a_dpop_token_is_good_with_its_keys_proof_of_this_request_once)
{
	TEST_CTX(cx);
	struct place p;
	place_init(&p, cx);
	lightgate *lg = open_fresh(&p);
	LG_AUTO(lg_key_free) struct lg_key *own = NULL, *other = NULL;
	cr_assert_eq(lg_key_generate(cx, LG_KEY_P256, &own), LG_OK);
	cr_assert_eq(lg_key_generate(cx, LG_KEY_P256, &other), LG_OK);
	lg_sha256 thumb = lg_pubkey_thumbprint(lg_key_public(own));
	const char *token = token_make(cx, &p.w.tokens, "at+jwt", "t1", lg_print(cx->arena,
	    "{\"iss\":\"" ISSUER "\",\"sub\":\"u\",\"jti\":\"j\",\"aud\":\"controller\",\"iat\":1700000000,\"exp\":4000000000,\"cnf\":{\"jkt\":\"%.*s\"}}",
	    LG_FMT(lg_base64url(cx->arena, lg_sha256_str(&thumb)))).p);
	int64_t now = lg_wall() / LG_SECOND;
	const struct {
		const struct lg_key *key;
		const char *method, *url, *token, *jti;
		int64_t iat;
		const char *why;		/* NULL: good */
	} cases[] = {
		{ own, "POST", "https://c.example.org/run", token, "p1", now, NULL },
		{ own, "POST", "https://c.example.org/run", token, "p1", now, "used before" },
		{ own, "POST", "https://c.example.org/run", token, "p2", now, NULL },
		{ own, "POST", "https://c.example.org/run?x=1", token, "p3", now, NULL },
		{ other, "POST", "https://c.example.org/run", token, "p4", now, "another key" },
		{ own, "GET", "https://c.example.org/run", token, "p5", now, "another method" },
		{ own, "POST", "https://c.example.org/stop", token, "p6", now, "another URL" },
		{ own, "POST", "https://c.example.org/run", "another", "p7", now, "another token" },
		{ own, "POST", "https://c.example.org/run", token, "p8", now - 60, "too old" },
		{ own, "POST", "https://c.example.org/run", token, "p9", now + 60, "future" },
		{ own, "POST", "https://c.example.org/run", token, "", now, "jti" },
	};

	for (size_t i = 0; i < LG_COUNT(cases); i++) {
		struct lightgate_proof with = LIGHTGATE_PROOF;
		char why[256] = "";
		with.dpop = dpop_proof(cx, cases[i].key, cases[i].method, cases[i].url, cases[i].token, cases[i].jti, cases[i].iat);
		with.method = "POST";
		with.url = "https://c.example.org/run";
		lightgate_token *t = lightgate_verify_bound(lg, token, "controller", &with, why, sizeof why);
		cr_assert_eq(t != NULL, cases[i].why == NULL, "case %zu: %s", i, why);
		if (t == NULL)
			cr_assert_not_null(strstr(why, cases[i].why), "case %zu: %s", i, why);
		lightgate_token_free(t);
	}
	char why[256] = "";
	cr_assert_null(lightgate_verify(lg, token, "controller", NULL, why, sizeof why));
	cr_assert_not_null(strstr(why, "not proved"), "%s", why);
	lightgate_close(lg);
	bundle_world_end(&p.w);
}

/* ---- certificates ------------------------------------------------------------------------------------------------------------ */

Test(local, certificates)
{
	TEST_CTX(cx);
	struct lightgate_peer peer = LIGHTGATE_PEER;
	char why[256] = "";
	struct place p;
	place_init(&p, cx);
	lightgate *lg = open_fresh(&p);
	lg_str der = leaf_make(cx, p.w.leaf, &(struct leaf_options){ .uri = "spiffe://example.org/project/shop/workload/web", .begins = -60,
	    .ends = 60, .issuer = p.w.ca });
	lg_sha256 h = lg_sha256_of(der);

	cr_assert(lightgate_verify_certificate(lg, lg_pem(cx->arena, LG_STR("CERTIFICATE"), der).p, &peer, why, sizeof why), "%s", why);
	cr_assert_str_eq(peer.type, "Workload");
	cr_assert_str_eq(peer.name, "web");
	cr_assert_str_eq(peer.project, "shop");
	assert_str(lg_base64url(cx->arena, lg_sha256_str(&h)), peer.x5t);
	der = leaf_make(cx, p.w.leaf, &(struct leaf_options){ .uri = "spiffe://example.org/host/node1", .begins = -60, .ends = 60, .issuer = p.w.leaf });
	cr_assert_not(lightgate_verify_certificate(lg, lg_pem(cx->arena, LG_STR("CERTIFICATE"), der).p, &peer, why, sizeof why));
	cr_assert_not_null(strstr(why, "somebody else"), "%s", why);
	cr_assert_not(lightgate_verify_certificate(lg, NULL, &peer, why, sizeof why));
	cr_assert_not(lightgate_verify_certificate(lg, "no", &peer, NULL, 0));
	lightgate_close(lg);
	bundle_world_end(&p.w);
}

/* ---- what can be seen from outside ---------------------------------------------------------------------------------------------- */

Test(local, the_map_names_what_the_header_declares_and_nothing_else)
{
	TEST_CTX(cx);
	lg_str header = lg_dup(cx->arena, bundle_file(cx, "include/lightgate/client.h")), map = lg_dup(cx->arena, bundle_file(cx, "client/liblightgate.map"));
	const char *at = header.p;
	size_t declared = 0, exported = 0;
	regmatch_t m[2];
	regex_t call, line;

	cr_assert_eq(regcomp(&call, "LIGHTGATE_API[^;(]*(lightgate_[a-z_]+)\\(", REG_EXTENDED), 0);
	cr_assert_eq(regcomp(&line, "(lightgate_[a-z_]+);", REG_EXTENDED), 0);
	for (; regexec(&call, at, 2, m, 0) == 0; at += m[0].rm_eo) {
		lg_str name = lg_print(cx->arena, "\t%.*s;\n", (int)(m[1].rm_eo - m[1].rm_so), at + m[1].rm_so);
		cr_assert_not_null(strstr(map.p, name.p), "%s is declared and not exported", name.p);
		declared++;
	}
	for (at = map.p; regexec(&line, at, 2, m, 0) == 0; at += m[0].rm_eo)
		exported++;
	cr_assert_gt(declared, 20);
	cr_assert_eq(declared, exported);
	regfree(&call);
	regfree(&line);
}
