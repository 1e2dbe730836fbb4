#include "tests/crypto/keeper_run.h"

#include <jwt.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "crypto/merkle.h"

/* ---- tokens ---------------------------------------------------------------------------------------------------------- */

Test(keeper, a_token_verifies_and_says_what_was_asked)
{
	KEEPER(r);
	run_tenant(&r, 1);
	LG_AUTO(lg_keyset_unref) struct lg_keyset *ks = run_keyset(&r, 1, LG_PURPOSE_TOKEN);
	struct lg_token_request rq = test_token();
	struct lg_claims c;
	struct lg_jws jws;

	assert_ok(r.f, ASK(r, server, lg_keeper_token, &rq));
	assert_ok(r.f, lg_jws_verify(&r.f.cx, r.reply, ks, "at+jwt", &jws));
	assert_ok(r.f, lg_claims_parse(&r.f.cx, jws.payload, &c));
	assert_ok(r.f, lg_claims_check_time(&r.f.cx, &c));
	assert_str(c.issuer, test_ceiling.issuer);
	assert_str(c.subject, rq.subject);
	assert_str(c.scope, LG_STR("a b"));
	cr_assert(lg_claims_for(&c, LG_STR("api")) && !lg_claims_for(&c, LG_STR("other")));
	cr_assert(c.jti.n >= 22 && c.expires - c.issued == rq.life);
}

/* libjwt as a second reader; without a key it verifies nothing. */
Test(keeper, another_library_reads_the_same_claims)
{
	KEEPER(r);
	run_tenant(&r, 1);
	struct lg_token_request rq = test_token();
	jwt_t *jwt = NULL;

	rq.typ = LG_STR("JWT");
	rq.subject = LG_STR("b\"o\\b \xc3\xbc");
	rq.jti = LG_STR("given");
	assert_ok(r.f, ASK(r, server, lg_keeper_token, &rq));
	cr_assert(jwt_decode(&jwt, r.reply.p, NULL, 0) == 0);
	cr_assert(strcmp(jwt_get_grant(jwt, "sub"), rq.subject.p) == 0);
	cr_assert(strcmp(jwt_get_grant(jwt, "iss"), test_ceiling.issuer.p) == 0);
	cr_assert(strcmp(jwt_get_grant(jwt, "jti"), "given") == 0);
	cr_assert(jwt_get_grant_int(jwt, "exp") - jwt_get_grant_int(jwt, "iat") == 60);
	cr_assert(strcmp(jwt_get_header(jwt, "alg"), "ES256") == 0);
	jwt_free(jwt);
}

/* RFC 9701 5: what nobody can take for an access token. */
Test(keeper, an_answer_of_introspection_has_neither_subject_nor_end)
{
	KEEPER(r);
	run_tenant(&r, 1);
	struct lg_token_request rq = test_token();
	lg_str header, rest, payload, signature, json;

	rq.typ = LG_STR("token-introspection+jwt");
	cr_assert_eq(ASK(r, server, lg_keeper_token, &rq), LG_E_INVALID);
	rq.subject = LG_NONE;
	rq.extra = LG_STR("\"token_introspection\":{\"active\":false}");
	assert_ok(r.f, ASK(r, server, lg_keeper_token, &rq));
	cr_assert(lg_str_cut(r.reply, '.', &header, &rest) && lg_str_cut(rest, '.', &payload, &signature));
	cr_assert(lg_base64url_parse(r.f.arena, payload, &json));
	cr_assert(memmem(json.p, json.n, "\"sub\"", 5) == NULL && memmem(json.p, json.n, "\"exp\"", 5) == NULL);
	cr_assert(memmem(json.p, json.n, "\"iat\"", 5) != NULL && memmem(json.p, json.n, "{\"active\":false}", 16) != NULL);
	rq.typ = LG_STR("at+jwt");
	cr_assert_eq(ASK(r, server, lg_keeper_token, &rq), LG_E_INVALID);
}

Test(keeper, a_batch_is_answered_in_one_turn)
{
	KEEPER(r);
	run_tenant(&r, 1);
	struct lg_token_request rq = test_token();

	r.answered = 0;
	for (int i = 0; i < 500; i++)
		cr_assert(lg_keeper_token(r.server, &rq, run_done, &r) == LG_OK);
	cr_assert(lg_keeper_wait(r.server) == LG_OK);
	cr_assert(r.answered == 500 && r.err == LG_OK);
}

/* Signatures of a turn are made together: each must come to stand in its own token, whatever was refused between them. */
struct asked {
	struct run *r;
	struct lg_keyset *keys;
	char subject[24];
	bool wrong;			/* is refused */
};

static void
own_token(void *arg, lg_err e, lg_str reply)
{
	struct asked *a = arg;
	struct run *r = a->r;
	struct lg_claims c;
	struct lg_jws jws;

	r->answered++;
	cr_assert_eq(e, a->wrong ? LG_E_DENIED : LG_OK);
	if (a->wrong)
		return;
	assert_ok(r->f, lg_jws_verify(&r->f.cx, reply, a->keys, "at+jwt", &jws));
	assert_ok(r->f, lg_claims_parse(&r->f.cx, jws.payload, &c));
	assert_str(c.subject, lg_str_of(a->subject));
}

Test(keeper, each_of_a_turn_gets_its_own_token_and_whoever_is_refused_none)
{
	KEEPER(r);
	run_tenant(&r, 1);
	run_tenant(&r, 2);
	LG_AUTO(lg_keyset_unref) struct lg_keyset *one = run_keyset(&r, 1, LG_PURPOSE_TOKEN), *two = run_keyset(&r, 2, LG_PURPOSE_TOKEN);
	struct asked a[300];

	r.answered = 0;
	for (unsigned i = 0; i < LG_COUNT(a); i++) {
		struct lg_token_request rq = test_token();
		a[i] = (struct asked){ .r = &r, .keys = i % 3 == 0 ? two : one, .wrong = i % 7 == 0 };
		snprintf(a[i].subject, sizeof a[i].subject, "number-%u", i * i);
		rq.subject = lg_str_of(a[i].subject);
		rq.tenant = i % 3 == 0 ? 2 : 1;
		rq.life = a[i].wrong ? INT64_C(86400000000) * 3650 : rq.life;
		cr_assert(lg_keeper_token(r.server, &rq, own_token, &a[i]) == LG_OK);
	}
	cr_assert(lg_keeper_wait(r.server) == LG_OK);
	cr_assert_eq(r.answered, LG_COUNT(a));
}

Test(keeper, more_than_the_pending_limit_is_busy_at_once)
{
	KEEPER(r);
	run_tenant(&r, 1);
	r.answered = 0;
	for (int i = 0; i < LG_KEEPER_PENDING; i++)
		cr_assert(lg_keeper_mark(r.server, 0, run_done, &r) == LG_OK);
	cr_assert(lg_keeper_mark(r.server, 0, run_done, &r) == LG_E_BUSY);
	cr_assert(lg_keeper_wait(r.server) == LG_OK);
	cr_assert(r.answered == LG_KEEPER_PENDING);
}

Test(keeper, who_reads_slowly_gets_everything)
{
	KEEPER(r);
	static char big[6000];
	struct lg_token_request rq = test_token();

	run_tenant(&r, 1);
	memset(big, 'x', sizeof big);
	memcpy(big, "\"a\":\"", 5);
	big[sizeof big - 1] = '"';
	rq.extra = (lg_str){ big, sizeof big };
	r.answered = 0;
	for (int i = 0; i < 3000; i++) {	/* 18 MB of requests and 24 MB of tokens, nothing read meanwhile */
		cr_assert(lg_keeper_token(r.server, &rq, run_done, &r) == LG_OK);
		cr_assert(lg_keeper_flush(r.server) == LG_OK);
	}
	cr_assert(r.answered == 0 && lg_keeper_wants_write(r.server));
	cr_assert(lg_keeper_wait(r.server) == LG_OK);
	cr_assert(r.answered == 3000 && r.err == LG_OK);
}

Test(keeper, a_request_longer_than_a_frame_is_refused_and_leaves_no_trace)
{
	KEEPER(r);
	lg_str big = { lg_alloc(r.f.arena, LG_KEEPER_FRAME), LG_KEEPER_FRAME };

	cr_assert(lg_keeper_unwrap(r.server, 0, big, run_done, &r) == LG_E_LIMIT);
	assert_err(r.f, LG_E_NOT_FOUND, ASK(r, server, lg_keeper_mark, 0));
}

static void wrong_tenant(struct lg_token_request *rq) { rq->tenant = 2; }
static void wrong_purpose(struct lg_token_request *rq) { rq->purpose = LG_PURPOSE_ISSUER; }
static void audit_purpose(struct lg_token_request *rq) { rq->tenant = 0; rq->purpose = LG_PURPOSE_AUDIT; }
static void bundle_purpose(struct lg_token_request *rq) { rq->purpose = LG_PURPOSE_BUNDLE; rq->typ = LG_STR("lg-bundle+jwt"); }
static void no_such_purpose(struct lg_token_request *rq) { rq->purpose = (enum lg_purpose)99; }
static void no_such_alg(struct lg_token_request *rq) { rq->alg = (enum lg_alg)99; }
static void alg_without_key(struct lg_token_request *rq) { rq->alg = LG_ALG_RS256; }
static void ticket_typ(struct lg_token_request *rq) { rq->typ = LG_STR("lg-ticket+jwt"); }
static void own_typ(struct lg_token_request *rq) { rq->typ = LG_STR("dpop+jwt"); }
static void no_typ(struct lg_token_request *rq) { rq->typ = LG_NONE; }
static void ticket_too_long(struct lg_token_request *rq)
{
	rq->purpose = LG_PURPOSE_TICKET;
	rq->typ = LG_STR("lg-ticket+jwt");
	rq->life = 121 * LG_SECOND;
}
static void too_long(struct lg_token_request *rq) { rq->life = 301 * LG_SECOND; }
static void no_life(struct lg_token_request *rq) { rq->life = 0; }
static void negative_life(struct lg_token_request *rq) { rq->life = -LG_SECOND; }
static void in_the_future(struct lg_token_request *rq) { rq->issued += LG_HOUR; }
static void in_the_past(struct lg_token_request *rq) { rq->issued -= LG_HOUR; }
static void no_subject(struct lg_token_request *rq) { rq->subject = LG_NONE; }
static void bad_subject(struct lg_token_request *rq) { rq->subject = LG_STR("a\xff"); }
static void empty_audience(struct lg_token_request *rq) { rq->audience[0] = LG_NONE; }
static void says_iss(struct lg_token_request *rq) { rq->extra = LG_STR("\"iss\":\"x\""); }
static void says_exp(struct lg_token_request *rq) { rq->extra = LG_STR("\"a\":1,\"exp\":9999999999"); }
static void says_nbf(struct lg_token_request *rq) { rq->extra = LG_STR("\"nbf\":1"); }
static void says_escaped_sub(struct lg_token_request *rq) { rq->extra = LG_STR("\"\\u0073ub\":\"root\""); }
static void says_twice(struct lg_token_request *rq) { rq->extra = LG_STR("\"a\":1,\"a\":2"); }
static void breaks_out(struct lg_token_request *rq) { rq->extra = LG_STR("\"a\":1},\"b\":{\"c\":1"); }
static void breaks_out_more(struct lg_token_request *rq) { rq->extra = LG_STR("\"a\":1}.{\"iss\":1"); }
static void trailing_comma(struct lg_token_request *rq) { rq->extra = LG_STR("\"a\":1,"); }
static void no_json(struct lg_token_request *rq) { rq->extra = LG_STR("scope=a"); }
static void too_big(struct lg_token_request *rq)
{
	static char big[20000];
	memset(big, 'x', sizeof big);
	memcpy(big, "\"a\":\"", 5);
	big[sizeof big - 1] = '"';
	rq->extra = (lg_str){ big, sizeof big };
}

Test(keeper, tokens_beyond_the_ceiling_are_refused)
{
	KEEPER(r);
	static const struct {
		const char *name;
		void (*spoil)(struct lg_token_request *);
		lg_err want;
	} cases[] = {
		{ "wrong tenant", wrong_tenant, LG_E_NOT_FOUND }, { "wrong purpose", wrong_purpose, LG_E_DENIED },
		{ "audit key", audit_purpose, LG_E_DENIED }, { "bundle key", bundle_purpose, LG_E_DENIED },
		{ "no such purpose", no_such_purpose, LG_E_NOT_FOUND }, { "no such alg", no_such_alg, LG_E_NOT_FOUND },
		{ "alg without a key", alg_without_key, LG_E_NOT_FOUND }, { "ticket's typ", ticket_typ, LG_E_DENIED },
		{ "own typ", own_typ, LG_E_DENIED }, { "no typ", no_typ, LG_E_DENIED },
		{ "ticket too long", ticket_too_long, LG_E_DENIED }, { "too long", too_long, LG_E_DENIED },
		{ "no life", no_life, LG_E_DENIED }, { "negative life", negative_life, LG_E_DENIED },
		{ "in the future", in_the_future, LG_E_DENIED }, { "in the past", in_the_past, LG_E_DENIED },
		{ "no subject", no_subject, LG_E_INVALID }, { "bad subject", bad_subject, LG_E_INVALID },
		{ "empty audience", empty_audience, LG_E_INVALID },
		{ "iss", says_iss, LG_E_DENIED }, { "exp", says_exp, LG_E_DENIED }, { "nbf", says_nbf, LG_E_DENIED },
		{ "escaped sub", says_escaped_sub, LG_E_DENIED }, { "twice", says_twice, LG_E_INVALID },
		{ "breaks out", breaks_out, LG_E_INVALID }, { "breaks out more", breaks_out_more, LG_E_INVALID },
		{ "trailing comma", trailing_comma, LG_E_INVALID }, { "no JSON", no_json, LG_E_INVALID },
		{ "too big", too_big, LG_E_LIMIT },
	};
	struct lg_token_request rq = test_token();

	run_tenant(&r, 1);
	for (size_t i = 0; i < LG_COUNT(cases); i++) {
		rq = test_token();
		cases[i].spoil(&rq);
		lg_err e = ASK(r, server, lg_keeper_token, &rq);
		cr_expect(e == cases[i].want, "%s: %s (%s)", cases[i].name, lg_err_name(e), r.f.cx.error);
	}
	rq = test_token();
	assert_ok(r.f, ASK(r, server, lg_keeper_token, &rq));
}

/* ---- who may ask what -------------------------------------------------------------------------------------------------- */

Test(keeper, what_the_operator_alone_may_is_denied_on_a_server_channel)
{
	KEEPER(r);
	lg_sha256 h = { { 0 } };

	run_tenant(&r, 1);
	assert_err(r.f, LG_E_DENIED, ASK(r, server, lg_keeper_create_tenant, 2, LG_STR("x"), &test_ceiling));
	assert_err(r.f, LG_E_DENIED, ASK(r, server, lg_keeper_set_ceiling, 1, &test_ceiling));
	assert_err(r.f, LG_E_DENIED, ASK(r, server, lg_keeper_new_epoch, 0, 2, 0, &h));
	assert_err(r.f, LG_E_DENIED, ASK(r, server, lg_keeper_signed));
	assert_err(r.f, LG_E_DENIED, ASK(r, server, lg_keeper_signed_log, 0));
}

Test(keeper, a_ceiling_is_changed_by_the_operator_and_kept)
{
	KEEPER(r);
	struct lg_ceiling wide = test_ceiling;
	struct lg_token_request rq = test_token();

	run_tenant(&r, 1);
	wide.token_life = 900 * LG_SECOND;
	rq.life = 800 * LG_SECOND;
	assert_err(r.f, LG_E_DENIED, ASK(r, server, lg_keeper_token, &rq));
	assert_ok(r.f, ASK(r, control, lg_keeper_set_ceiling, 1, &wide));
	assert_ok(r.f, ASK(r, server, lg_keeper_token, &rq));
	cr_assert(run_stop(&r) == 0);
	run_start(&r);
	assert_ok(r.f, ASK(r, server, lg_keeper_token, &rq));
	wide.token_life = 2 * LG_HOUR;
	assert_err(r.f, LG_E_INVALID, ASK(r, control, lg_keeper_set_ceiling, 1, &wide));
	assert_err(r.f, LG_E_NOT_FOUND, ASK(r, control, lg_keeper_set_ceiling, 7, &test_ceiling));
}

Test(keeper, senseless_tenants_are_refused)
{
	KEEPER(r);
	struct lg_ceiling c = test_ceiling;

	run_tenant(&r, 1);
	assert_err(r.f, LG_E_EXISTS, ASK(r, control, lg_keeper_create_tenant, 1, LG_STR("x"), &c));
	assert_err(r.f, LG_E_EXISTS, ASK(r, control, lg_keeper_create_tenant, 0, LG_STR("x"), &c));
	assert_err(r.f, LG_E_INVALID, ASK(r, control, lg_keeper_create_tenant, 2, LG_NONE, &c));
	c.issuer = LG_STR("http://plain");
	assert_err(r.f, LG_E_INVALID, ASK(r, control, lg_keeper_create_tenant, 2, LG_STR("x"), &c));
	c = test_ceiling;
	c.trust_domain = LG_NONE;
	assert_err(r.f, LG_E_INVALID, ASK(r, control, lg_keeper_create_tenant, 2, LG_STR("x"), &c));
	c = test_ceiling;
	c.dns_suffixes[0] = LG_STR(".acme");
	assert_err(r.f, LG_E_INVALID, ASK(r, control, lg_keeper_create_tenant, 2, LG_STR("x"), &c));
}

/* ---- death and damage ------------------------------------------------------------------------------------------------------ */

Test(keeper, killed_with_requests_outstanding_all_are_answered_unavailable)
{
	KEEPER(r);
	struct lg_token_request rq = test_token();

	int status;

	run_tenant(&r, 1);
	kill(r.pid, SIGSTOP);
	cr_assert(waitpid(r.pid, &status, WUNTRACED) == r.pid && WIFSTOPPED(status));
	r.answered = 0;
	for (int i = 0; i < 20; i++)
		cr_assert(lg_keeper_token(r.server, &rq, run_done, &r) == LG_OK);
	cr_assert(lg_keeper_flush(r.server) == LG_OK);
	kill(r.pid, SIGKILL);
	cr_assert(lg_keeper_wait(r.server) == LG_E_UNAVAILABLE);
	cr_assert(r.answered == 20 && r.err == LG_E_UNAVAILABLE);
	cr_assert(lg_keeper_token(r.server, &rq, run_done, &r) == LG_E_UNAVAILABLE);
}

Test(keeper, closing_the_control_channel_ends_it)
{
	KEEPER(r);
	run_tenant(&r, 1);
	cr_assert(run_stop(&r) == 0);
}

Test(keeper, what_is_not_a_frame_closes_that_channel_alone)
{
	KEEPER(r);
	struct lg_token_request rq = test_token();
	static const char junk[] = "\xff\xff\xff\xff junk";

	run_tenant(&r, 1);
	cr_assert(send(lg_keeper_fd(r.server2), junk, sizeof junk, 0) == (ssize_t)sizeof junk);
	assert_err(r.f, LG_E_UNAVAILABLE, ASK(r, server2, lg_keeper_token, &rq));
	assert_ok(r.f, ASK(r, server, lg_keeper_token, &rq));
}

static lg_str
keeper_file(struct run *r, const char *name)
{
	return lg_print(r->f.arena, "%s/keeper/%s", r->dir, name);
}

static void
assert_does_not_start(struct run *r)
{
	struct lg_token_request rq = test_token();

	run_start(r);
	assert_err(r->f, LG_E_UNAVAILABLE, ASK(*r, server, lg_keeper_token, &rq));
	cr_assert(run_stop(r) == 1);
}

Test(keeper, files_do_not_open_under_another_secret)
{
	KEEPER(r);
	run_tenant(&r, 1);
	cr_assert(run_stop(&r) == 0);
	r.secret[0] ^= 1;
	assert_does_not_start(&r);
	r.secret[0] ^= 1;
	run_start(&r);
	run_key(&r, 1, LG_PURPOSE_ISSUER, LG_KEY_ACTIVE);
}

Test(keeper, a_changed_or_renamed_file_is_refused)
{
	KEEPER(r);
	lg_str data;

	run_tenant(&r, 1);
	cr_assert(run_stop(&r) == 0);
	assert_ok(r.f, lg_file_read(&r.f.cx, keeper_file(&r, "tenant-1").p, 1 << 20, &data));
	assert_ok(r.f, lg_file_write(&r.f.cx, keeper_file(&r, "tenant-2").p, 0600, data));
	assert_does_not_start(&r);
	cr_assert(unlink(keeper_file(&r, "tenant-2").p) == 0);
	lg_str bad = lg_dup(r.f.arena, data);
	((char *)(uintptr_t)bad.p)[bad.n / 2] ^= 1;
	assert_ok(r.f, lg_file_write(&r.f.cx, keeper_file(&r, "tenant-1").p, 0600, bad));
	assert_does_not_start(&r);
	assert_ok(r.f, lg_file_write(&r.f.cx, keeper_file(&r, "tenant-1").p, 0600, data));
	run_start(&r);
	run_key(&r, 1, LG_PURPOSE_TOKEN, LG_KEY_ACTIVE);
}

Test(keeper, private_keys_do_not_stand_in_its_files)
{
	KEEPER(r);
	run_tenant(&r, 1);
	struct lg_keeper_key k = run_key(&r, 1, LG_PURPOSE_TOKEN, LG_KEY_ACTIVE);

	cr_assert(run_shell(&r, "grep -rqa acme %s/keeper", r.dir) == 1, "the file is readable");
	cr_assert(run_shell(&r, "grep -rqa -e '%.*s' %s/keeper/tenant-1", LG_FMT(k.kid), r.dir) == 1);
	cr_assert(run_shell(&r, "test $(stat -c %%a %s/keeper/tenant-1) = 600", r.dir) == 0);
}

/* ---- rotation -------------------------------------------------------------------------------------------------------------- */

Test(keeper, a_token_key_is_followed_by_its_successor)
{
	KEEPER(r);
	struct lg_token_request rq = test_token();
	struct lg_jws jws;

	run_tenant(&r, 1);
	struct lg_keeper_key old = run_key(&r, 1, LG_PURPOSE_TOKEN, LG_KEY_ACTIVE);
	assert_ok(r.f, ASK(r, server, lg_keeper_token, &rq));
	lg_str before = r.reply;
	assert_ok(r.f, ASK(r, server, lg_keeper_successor, 1, LG_PURPOSE_TOKEN, LG_ALG_ES256));
	lg_str kid = r.reply;
	assert_ok(r.f, ASK(r, server, lg_keeper_successor, 1, LG_PURPOSE_TOKEN, LG_ALG_ES256));
	assert_str(r.reply, kid);
	assert_ok(r.f, ASK(r, server, lg_keeper_activate, 1, kid));
	assert_ok(r.f, ASK(r, server, lg_keeper_token, &rq));
	lg_str after = r.reply;
	LG_AUTO(lg_keyset_unref) struct lg_keyset *ks = run_keyset(&r, 1, LG_PURPOSE_TOKEN);
	assert_ok(r.f, lg_jws_verify(&r.f.cx, after, ks, "at+jwt", &jws));
	assert_str(jws.kid, kid);
	assert_ok(r.f, lg_jws_verify(&r.f.cx, before, ks, "at+jwt", &jws));
	assert_str(jws.kid, old.kid);
	assert_err(r.f, LG_E_CONFLICT, ASK(r, server, lg_keeper_activate, 1, old.kid));
	assert_err(r.f, LG_E_NOT_FOUND, ASK(r, server, lg_keeper_activate, 1, LG_STR("nobody")));
	assert_ok(r.f, ASK(r, server, lg_keeper_activate, 1, kid));
	cr_assert(run_stop(&r) == 0);
	run_start(&r);
	assert_str(run_key(&r, 1, LG_PURPOSE_TOKEN, LG_KEY_ACTIVE).kid, kid);
}

Test(keeper, algorithms_for_tokens_stand_side_by_side)
{
	KEEPER(r);
	static const enum lg_alg algs[] = { LG_ALG_EDDSA, LG_ALG_RS256 };
	struct lg_token_request rq = test_token();
	struct lg_jws jws;

	run_tenant(&r, 1);
	for (size_t i = 0; i < LG_COUNT(algs); i++) {
		assert_ok(r.f, ASK(r, server, lg_keeper_successor, 1, LG_PURPOSE_TOKEN, algs[i]));
		assert_ok(r.f, ASK(r, server, lg_keeper_activate, 1, r.reply));
		rq.alg = algs[i];
		assert_ok(r.f, ASK(r, server, lg_keeper_token, &rq));
		lg_str token = r.reply;
		LG_AUTO(lg_keyset_unref) struct lg_keyset *ks = run_keyset(&r, 1, LG_PURPOSE_TOKEN);
		assert_ok(r.f, lg_jws_verify(&r.f.cx, token, ks, "at+jwt", &jws));
		cr_assert(jws.alg == algs[i]);
	}
	rq.alg = LG_ALG_NONE;
	assert_ok(r.f, ASK(r, server, lg_keeper_token, &rq));
	cr_assert(run_count(&r, 1, LG_PURPOSE_TOKEN, LG_KEY_ACTIVE) == 3);
	assert_err(r.f, LG_E_UNSUPPORTED, ASK(r, server, lg_keeper_successor, 1, LG_PURPOSE_ISSUER, LG_ALG_PS256));
	assert_err(r.f, LG_E_UNSUPPORTED, ASK(r, server, lg_keeper_successor, 1, LG_PURPOSE_TICKET, LG_ALG_EDDSA));
	assert_err(r.f, LG_E_UNSUPPORTED, ASK(r, server, lg_keeper_successor, 0, LG_PURPOSE_TOKEN, LG_ALG_ES256));
	assert_err(r.f, LG_E_UNSUPPORTED, ASK(r, server, lg_keeper_successor, 1, LG_PURPOSE_CRL, LG_ALG_ES256));
}

Test(keeper, a_key_says_since_when_it_is_what_it_is)
{
	KEEPER(r);

	run_tenant(&r, 1);
	struct lg_keeper_key first = run_key(&r, 1, LG_PURPOSE_TICKET, LG_KEY_ACTIVE);
	cr_assert(first.since == first.created);
	assert_ok(r.f, ASK(r, server, lg_keeper_successor, 1, LG_PURPOSE_TICKET, LG_ALG_ES256));
	struct lg_keeper_key next = run_key(&r, 1, LG_PURPOSE_TICKET, LG_KEY_NEXT);
	assert_ok(r.f, ASK(r, server, lg_keeper_activate, 1, next.kid));
	struct lg_keeper_key old = run_key(&r, 1, LG_PURPOSE_TICKET, LG_KEY_RETIRED);
	assert_str(old.kid, first.kid);
	cr_assert(old.created == first.created && old.since >= next.created);
	cr_assert(run_key(&r, 1, LG_PURPOSE_TICKET, LG_KEY_ACTIVE).since == old.since);
	cr_assert(run_stop(&r) == 0);
	run_start(&r);
	cr_assert(run_key(&r, 1, LG_PURPOSE_TICKET, LG_KEY_RETIRED).since == old.since);
}

Test(keeper, the_server_may_read_ceilings_and_not_change_them)
{
	KEEPER(r);
	struct lg_keeper_tenant *t;
	struct lg_ceiling wider = test_ceiling;
	size_t n;

	run_tenant(&r, 1);
	run_tenant(&r, 7);
	wider.leaf_life = 2 * test_ceiling.leaf_life;
	assert_err(r.f, LG_E_DENIED, ASK(r, server, lg_keeper_set_ceiling, 7, &wider));
	assert_ok(r.f, ASK(r, control, lg_keeper_set_ceiling, 7, &wider));
	assert_ok(r.f, ASK(r, server, lg_keeper_tenants));
	assert_ok(r.f, lg_keeper_tenants_parse(&r.f.cx, r.reply, &t, &n));
	cr_assert(n == 2 && t[0].id == 1 && t[1].id == 7);
	assert_str(t[1].name, LG_STR("acme"));
	assert_str(t[1].ceiling.trust_domain, test_ceiling.trust_domain);
	cr_assert(t[0].ceiling.leaf_life == test_ceiling.leaf_life && t[1].ceiling.leaf_life == wider.leaf_life);
	assert_err(r.f, LG_E_INVALID, lg_keeper_tenants_parse(&r.f.cx, LG_STR("not a list"), &t, &n));
}

Test(keeper, rotating_often_forgets_the_oldest_token_keys)
{
	KEEPER(r);
	run_tenant(&r, 1);
	for (int i = 0; i < 20; i++) {
		assert_ok(r.f, ASK(r, server, lg_keeper_successor, 1, LG_PURPOSE_TOKEN, LG_ALG_ES256));
		assert_ok(r.f, ASK(r, server, lg_keeper_activate, 1, r.reply));
	}
	cr_assert(run_count(&r, 1, LG_PURPOSE_TOKEN, LG_KEY_RETIRED) < 10);
	cr_assert(run_count(&r, 1, LG_PURPOSE_TOKEN, LG_KEY_ACTIVE) == 1);
}

Test(keeper, a_key_that_hosts_pin_is_named_by_its_predecessor)
{
	static const struct {
		uint32_t tenant;
		enum lg_purpose purpose;
		const char *typ, *other;
	} rows[] = {
		{ 1, LG_PURPOSE_BUNDLE, "lg-bundle-key+jwt", "lg-audit-key+jwt" }, { 0, LG_PURPOSE_AUDIT, "lg-audit-key+jwt", "lg-bundle-key+jwt" },
	};
	KEEPER(r);
	struct lg_jws jws;

	run_tenant(&r, 1);
	for (size_t i = 0; i < LG_COUNT(rows); i++) {
		LG_AUTO(lg_keyset_unref) struct lg_keyset *ks = run_keyset(&r, rows[i].tenant, rows[i].purpose);
		assert_ok(r.f, ASK(r, server, lg_keeper_successor, rows[i].tenant, rows[i].purpose, LG_ALG_ES256));
		struct lg_keeper_key next = run_key(&r, rows[i].tenant, rows[i].purpose, LG_KEY_NEXT);
		assert_ok(r.f, lg_jws_verify(&r.f.cx, next.cert, ks, rows[i].typ, &jws));
		cr_assert(memmem(jws.payload.p, jws.payload.n, next.kid.p, next.kid.n) != NULL);
		cr_assert_neq(lg_jws_verify(&r.f.cx, next.cert, ks, rows[i].other, &jws), LG_OK, "one purpose's token says nothing of the other");
	}
}

/* ---- bundles ---------------------------------------------------------------------------------------------------------------- */

Test(keeper, bundle_versions_never_fall)
{
	KEEPER(r);
	struct lg_bundle_request rq = {
		.tenant = 1, .audience = LG_STR("host"), .epoch = 1, .version = 7, .issued = lg_wall(), .life = LG_HOUR,
	};
	struct lg_jws jws;

	run_tenant(&r, 1);
	LG_AUTO(lg_keyset_unref) struct lg_keyset *ks = run_keyset(&r, 1, LG_PURPOSE_BUNDLE);
	assert_ok(r.f, ASK(r, server, lg_keeper_bundle, &rq));
	assert_ok(r.f, lg_jws_verify(&r.f.cx, r.reply, ks, "lg-bundle+jwt", &jws));
	assert_ok(r.f, ASK(r, server, lg_keeper_bundle, &rq));
	rq.version = 6;
	assert_err(r.f, LG_E_CONFLICT, ASK(r, server, lg_keeper_bundle, &rq));
	cr_assert(run_stop(&r) == 0);
	run_start(&r);
	assert_err(r.f, LG_E_CONFLICT, ASK(r, server, lg_keeper_bundle, &rq));
	rq.epoch = 2;
	assert_ok(r.f, ASK(r, server, lg_keeper_bundle, &rq));
	rq.life = 2 * LG_BUNDLE_LIFE;
	assert_err(r.f, LG_E_DENIED, ASK(r, server, lg_keeper_bundle, &rq));
}

/* ---- data keys ---------------------------------------------------------------------------------------------------------------- */

Test(keeper, data_keys_open_again_for_their_tenant_alone)
{
	KEEPER(r);
	run_tenant(&r, 1);
	run_tenant(&r, 2);
	assert_ok(r.f, ASK(r, server, lg_keeper_wrap_new, 1));
	lg_str wrapped = r.reply;
	assert_ok(r.f, ASK(r, server, lg_keeper_unwrap, 1, wrapped));
	lg_str key = r.reply;
	cr_assert(key.n == 32);
	assert_err(r.f, LG_E_CORRUPT, ASK(r, server, lg_keeper_unwrap, 2, wrapped));
	assert_err(r.f, LG_E_CORRUPT, ASK(r, server, lg_keeper_unwrap, 1, lg_str_sub(wrapped, 0, wrapped.n - 1)));
	assert_err(r.f, LG_E_INVALID, ASK(r, server, lg_keeper_unwrap, 1, LG_NONE));
	assert_ok(r.f, ASK(r, server, lg_keeper_successor, 1, LG_PURPOSE_DATA, LG_ALG_NONE));
	assert_ok(r.f, ASK(r, server, lg_keeper_activate, 1, r.reply));
	cr_assert(run_stop(&r) == 0);
	run_start(&r);
	assert_ok(r.f, ASK(r, server, lg_keeper_unwrap, 1, wrapped));
	assert_str(r.reply, key);
	assert_ok(r.f, ASK(r, server, lg_keeper_wrap_new, 1));
	cr_assert(!lg_str_eq(lg_str_sub(r.reply, 0, 8), lg_str_sub(wrapped, 0, 8)), "wrapped by the successor");
}

/* ---- heads ---------------------------------------------------------------------------------------------------------------------- */

static lg_sha256
extend(lg_sha256 from, lg_str digests)
{
	for (size_t at = 0; at < digests.n; at += 32)
		from = lg_sha256_pair(lg_sha256_str(&from), lg_str_sub(digests, at, 32));
	return from;
}

/* A ledger of two entries, one more, and another that begins with the same one. */
Test(keeper, the_head_of_a_ledger_is_signed_only_when_it_goes_on_from_the_last)
{
	KEEPER(r);
	run_tenant(&r, 1);
	lg_sha256 a = lg_merkle_leaf(LG_STR("a")), b = lg_merkle_leaf(LG_STR("b")), c = lg_merkle_leaf(LG_STR("c")), x = lg_merkle_leaf(LG_STR("x"));
	lg_sha256 ab = lg_merkle_node(&a, &b), abc = lg_merkle_node(&ab, &c), ax = lg_merkle_node(&a, &x), axc = lg_merkle_node(&ax, &c);
	lg_str proof = lg_sha256_str(&c);		/* RFC 9162 2.1.4.1: from 2 to 3, the third leaf */
	LG_AUTO(lg_keyset_unref) struct lg_keyset *audit = run_keyset(&r, 0, LG_PURPOSE_AUDIT);
	LG_AUTO(lg_keyset_unref) struct lg_keyset *others = run_keyset(&r, 1, LG_PURPOSE_TOKEN);
	struct lg_ledger_signed h;

	assert_err(r.f, LG_E_NOT_FOUND, ASK(r, server, lg_keeper_ledger, 99, 2, &ab, LG_NONE));
	assert_ok(r.f, ASK(r, server, lg_keeper_ledger, 1, 2, &ab, LG_NONE));
	assert_ok(r.f, lg_ledger_head_verify(&r.f.cx, r.reply, audit, &h));
	cr_assert(h.size == 2 && memcmp(&h.root, &ab, sizeof ab) == 0 && h.domain.n > 0);
	cr_assert_eq(lg_ledger_head_verify(&r.f.cx, r.reply, others, &h), LG_E_UNAUTHENTICATED);
	/* another tree of that size, one that forks, no proof, a shorter one */
	assert_err(r.f, LG_E_CONFLICT, ASK(r, server, lg_keeper_ledger, 1, 2, &ax, LG_NONE));
	assert_err(r.f, LG_E_CONFLICT, ASK(r, server, lg_keeper_ledger, 1, 3, &axc, proof));
	assert_err(r.f, LG_E_CONFLICT, ASK(r, server, lg_keeper_ledger, 1, 3, &abc, LG_NONE));
	assert_err(r.f, LG_E_INVALID, ASK(r, server, lg_keeper_ledger, 1, 3, &abc, lg_str_sub(proof, 0, 31)));
	assert_err(r.f, LG_E_CONFLICT, ASK(r, server, lg_keeper_ledger, 1, 1, &a, LG_NONE));
	/* over a restart the keeper knows what it signed */
	cr_assert(run_stop(&r) == 0);
	run_start(&r);
	assert_err(r.f, LG_E_CONFLICT, ASK(r, server, lg_keeper_ledger, 1, 3, &axc, proof));
	assert_ok(r.f, ASK(r, server, lg_keeper_ledger, 1, 3, &abc, proof));
	assert_ok(r.f, lg_ledger_head_verify(&r.f.cx, r.reply, audit, &h));
	cr_assert_eq(h.size, 3);
	for (size_t i = 0; i < r.reply.n; i++) {
		lg_str bad = lg_dup(r.f.cx.arena, r.reply);

		((char *)(uintptr_t)bad.p)[i] ^= 1;
		cr_assert_neq(lg_ledger_head_verify(&r.f.cx, bad, audit, &h), LG_OK, "octet %zu", i);
	}
}

/* What the operator restored may be shorter; the server cannot say so. */
Test(keeper, after_a_restore_a_ledger_may_be_shorter)
{
	KEEPER(r);
	run_tenant(&r, 1);
	lg_sha256 a = lg_merkle_leaf(LG_STR("a")), b = lg_merkle_leaf(LG_STR("b")), ab = lg_merkle_node(&a, &b), none = { { 0 } };
	LG_AUTO(lg_keyset_unref) struct lg_keyset *audit = run_keyset(&r, 0, LG_PURPOSE_AUDIT);
	struct lg_ledger_signed h;

	assert_ok(r.f, ASK(r, server, lg_keeper_head, 0, 1, 1, lg_sha256_str(&none)));
	assert_ok(r.f, ASK(r, server, lg_keeper_ledger, 1, 2, &ab, LG_NONE));
	assert_err(r.f, LG_E_CONFLICT, ASK(r, server, lg_keeper_ledger, 1, 1, &a, LG_NONE));
	assert_ok(r.f, ASK(r, control, lg_keeper_new_epoch, 0, 2, 0, &none));
	assert_ok(r.f, ASK(r, server, lg_keeper_ledger, 1, 1, &a, LG_NONE));
	assert_ok(r.f, lg_ledger_head_verify(&r.f.cx, r.reply, audit, &h));
	cr_assert(h.epoch == 2 && h.size == 1);
}

Test(keeper, a_head_is_extended_by_the_keeper_and_never_falls_or_forks)
{
	KEEPER(r);
	char digests[96];
	lg_sha256 want = { { 0 } };
	struct lg_signed_head h;
	lg_str d = { digests, sizeof digests };

	lg_random(digests, sizeof digests);
	LG_AUTO(lg_keyset_unref) struct lg_keyset *audit = run_keyset(&r, 0, LG_PURPOSE_AUDIT);
	assert_err(r.f, LG_E_NOT_FOUND, ASK(r, server, lg_keeper_mark, 0));
	assert_err(r.f, LG_E_CONFLICT, ASK(r, server, lg_keeper_head, 0, 1, 2, d));
	assert_err(r.f, LG_E_INVALID, ASK(r, server, lg_keeper_head, 0, 1, 1, lg_str_sub(d, 0, 33)));
	assert_ok(r.f, ASK(r, server, lg_keeper_head, 0, 1, 1, d));
	assert_ok(r.f, lg_head_verify(&r.f.cx, r.reply, audit, &h));
	want = extend(want, d);
	cr_assert(h.chain == 0 && h.epoch == 1 && h.seq == 3 && memcmp(&h.hash, &want, 32) == 0);
	/* the same again, an older one, a gap, another epoch */
	assert_err(r.f, LG_E_CONFLICT, ASK(r, server, lg_keeper_head, 0, 1, 1, d));
	assert_err(r.f, LG_E_CONFLICT, ASK(r, server, lg_keeper_head, 0, 1, 3, lg_str_sub(d, 64, 32)));
	assert_err(r.f, LG_E_CONFLICT, ASK(r, server, lg_keeper_head, 0, 1, 5, d));
	assert_err(r.f, LG_E_CONFLICT, ASK(r, server, lg_keeper_head, 0, 2, 4, d));
	/* the mark as it stands, a second chain, and over a restart */
	assert_ok(r.f, ASK(r, server, lg_keeper_head, 0, 1, 4, LG_NONE));
	assert_ok(r.f, ASK(r, server, lg_keeper_head, 1, 1, 1, lg_str_sub(d, 0, 32)));
	cr_assert(run_stop(&r) == 0);
	run_start(&r);
	assert_ok(r.f, ASK(r, server, lg_keeper_head, 0, 1, 4, d));
	assert_ok(r.f, lg_head_verify(&r.f.cx, r.reply, audit, &h));
	want = extend(want, d);
	cr_assert(h.seq == 6 && memcmp(&h.hash, &want, 32) == 0);
}

Test(keeper, a_new_epoch_is_the_operators_and_only_higher)
{
	KEEPER(r);
	lg_sha256 h;

	lg_random(h.b, sizeof h.b);
	assert_ok(r.f, ASK(r, server, lg_keeper_head, 0, 1, 1, lg_sha256_str(&h)));
	assert_err(r.f, LG_E_CONFLICT, ASK(r, control, lg_keeper_new_epoch, 0, 1, 9, &h));
	assert_ok(r.f, ASK(r, control, lg_keeper_new_epoch, 0, 2, 9, &h));
	assert_ok(r.f, ASK(r, server, lg_keeper_head, 0, 2, 10, lg_sha256_str(&h)));
	assert_ok(r.f, ASK(r, server, lg_keeper_mark, 0));
	cr_assert(r.reply.n == 4 + 8 + 32 && r.reply.p[3] == 2 && r.reply.p[11] == 10);
}

Test(keeper, there_are_only_so_many_chains)
{
	KEEPER(r);
	lg_sha256 d = { { 1 } };

	for (uint32_t i = 0; i < 16; i++)
		assert_ok(r.f, ASK(r, server, lg_keeper_head, i, 1, 1, lg_sha256_str(&d)));
	assert_err(r.f, LG_E_LIMIT, ASK(r, server, lg_keeper_head, 16, 1, 1, lg_sha256_str(&d)));
	assert_err(r.f, LG_E_NOT_FOUND, ASK(r, server, lg_keeper_mark, 16));
}

Test(keeper, a_head_that_was_changed_does_not_verify)
{
	KEEPER(r);
	struct lg_signed_head h;
	lg_sha256 d = { { 1 } };

	LG_AUTO(lg_keyset_unref) struct lg_keyset *audit = run_keyset(&r, 0, LG_PURPOSE_AUDIT);
	assert_ok(r.f, ASK(r, server, lg_keeper_head, 0, 1, 1, lg_sha256_str(&d)));
	for (size_t i = 0; i < r.reply.n; i++) {
		lg_str bad = lg_dup(r.f.arena, r.reply);
		((char *)(uintptr_t)bad.p)[i] ^= 1;
		cr_assert(lg_head_verify(&r.f.cx, bad, audit, &h) != LG_OK, "octet %zu", i);
	}
}

/* ---- the record of signatures ---------------------------------------------------------------------------------------------------- */

static uint64_t
signed_count(struct run *r, enum lg_purpose purpose, uint32_t tenant)
{
	assert_ok(r->f, ASK(*r, control, lg_keeper_signed));
	struct lg_rd rd = lg_rd_of(r->reply);
	while (!lg_rd_done(&rd)) {
		uint8_t p = lg_rd_u8(&rd);
		uint32_t t = lg_rd_u32(&rd);
		uint64_t n = lg_rd_u64(&rd);
		(void)lg_rd_bytes(&rd, 32);
		cr_assert(!rd.bad);
		if (p == purpose && t == tenant)
			return n;
	}
	return 0;
}

Test(keeper, what_it_signed_is_counted_chained_and_listed_over_restarts)
{
	KEEPER(r);
	struct lg_token_request rq = test_token();
	lg_sha256 d = { { 1 } };

	run_tenant(&r, 1);
	for (int i = 0; i < 5; i++)
		assert_ok(r.f, ASK(r, server, lg_keeper_token, &rq));
	assert_ok(r.f, ASK(r, server, lg_keeper_head, 0, 1, 1, lg_sha256_str(&d)));
	assert_ok(r.f, ASK(r, server, lg_keeper_head, 0, 1, 2, lg_sha256_str(&d)));
	cr_assert(signed_count(&r, LG_PURPOSE_TOKEN, 1) == 5);
	cr_assert(signed_count(&r, LG_PURPOSE_AUDIT, 0) == 2);
	cr_assert(run_stop(&r) == 0);
	run_start(&r);
	cr_assert(signed_count(&r, LG_PURPOSE_TOKEN, 1) == 5);
	cr_assert(signed_count(&r, LG_PURPOSE_AUDIT, 0) == 2);
	assert_ok(r.f, ASK(r, control, lg_keeper_signed_log, 0));
	cr_assert(r.reply.n > 0 && r.reply.n % LG_SIGNED_ROW == 0);
	size_t rows = r.reply.n / LG_SIGNED_ROW;
	assert_ok(r.f, ASK(r, control, lg_keeper_signed_log, rows));
	cr_assert(r.reply.n == 0);
}
