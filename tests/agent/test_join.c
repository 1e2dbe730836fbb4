/* test_join.c: renewal: when, with which key, and what is believed of the answer.  (Joining needs TLS: tests/e2e/agent.sh.) */
#include "agent/join.h"

#include "client/cert.h"
#include "base/clock.h"
#include "base/text.h"
#include "tests/client/pem.h"
#include "tests/base/base_test.h"
#include "tests/client/responder.h"

static struct lg_identity
identity(const char *url)
{
	return (struct lg_identity){
		.key = LG_STR(TEST_KEY), .certificate = LG_STR(TEST_CERT), .chain = LG_STR(TEST_ROOT), .root = LG_STR(TEST_ROOT),
		.host_id = LG_STR("h"), .host_name = LG_STR("node1"), .issuer = LG_STR("https://id.example.org"),
		.trust_domain = LG_STR("example.org"), .https = lg_str_of(url), .mtls = lg_str_of(url), .ticket_keys = LG_STR("{\"keys\":[]}"),
	};
}

/* An answer with this certificate, as JSON. */
static const char *
issued(struct lg_ctx *cx, const char *pem)
{
	struct lg_buf b = LG_BUF(16384);

	lg_buf_str(&b, LG_STR("{\"certificate\":\""));
	for (const char *p = pem; *p != '\0'; p++)
		lg_buf_str(&b, *p == '\n' ? LG_STR("\\n") : (lg_str){ p, 1 });
	lg_buf_str(&b, LG_STR("\",\"chain\":\"\",\"mtls\":\"https://new:1\"}"));
	const char *text = lg_dup(cx->arena, lg_buf_view(&b)).p;
	lg_buf_free(&b);
	return text;
}

Test(renewal, is_due_at_two_thirds_give_or_take_a_twentieth)
{
	TEST_CTX(cx);
	struct lg_identity id = identity("");
	struct lg_cert c;
	lg_str der;
	int64_t early, middle, late;

	cr_assert(lg_pem_parse(cx->arena, id.certificate, LG_STR("CERTIFICATE"), &der, NULL));
	cr_assert_eq(lg_cert_parse(cx, der, &c), LG_OK);
	double life = (double)(c.not_after - c.not_before);
	cr_assert_eq(lg_renewal_time(cx, &id, 0, &early), LG_OK);
	cr_assert_eq(lg_renewal_time(cx, &id, 0.5, &middle), LG_OK);
	cr_assert_eq(lg_renewal_time(cx, &id, 1, &late), LG_OK);
	cr_assert_float_eq((double)(middle - c.not_before) / life, 2.0 / 3, 1e-6);
	cr_assert_float_eq((double)(early - c.not_before) / life, 2.0 / 3 - 0.05, 1e-6);
	cr_assert_float_eq((double)(late - c.not_before) / life, 2.0 / 3 + 0.05, 1e-6);
	id.certificate = LG_STR("nothing");
	cr_assert_eq(lg_renewal_time(cx, &id, 0, &early), LG_E_CORRUPT);
}

Test(renewal, asks_for_a_new_key_and_keeps_the_old_identity_when_the_answer_is_wrong)
{
	TEST_CTX(cx);
	const struct responder_route routes[] = { { "POST /v1/certificates", 200, issued(cx, TEST_CERT), 0 }, { NULL, 0, NULL, 0 } };
	struct responder *r = responder_start(routes);
	struct lg_identity id = identity(r->url), after;

	cr_assert_eq(lg_identity_save(cx, test_folder(), &id), LG_OK);
	cr_assert_eq(lg_renew(cx, test_folder()), LG_E_INVALID);
	cr_assert_str_eq(cx->error, "the certificate is for another key");
	cr_assert(responder_was_asked(r, "\"profile\":\"host\""));
	cr_assert_not(responder_was_asked(r, "PRIVATE KEY"));
	cr_assert_eq(lg_identity_load(cx, test_folder(), &after), LG_OK);
	assert_str(after.key, TEST_KEY);
	assert_str(after.mtls, r->url);
}

Test(renewal, after_expiry_the_same_key_rejoins)
{
	TEST_CTX(cx);
	const struct responder_route routes[] = { { "POST /v1/rejoin", 200, issued(cx, TEST_CERT), 0 }, { NULL, 0, NULL, 0 } };
	struct responder *r = responder_start(routes);
	struct lg_identity id = identity(r->url), after;

	cr_assert_eq(lg_identity_save(cx, test_folder(), &id), LG_OK);
	cr_assert(lg_time_parse(LG_STR("2060-01-01T00:00:00Z"), &cx->now));
	cr_assert_eq(lg_renew(cx, test_folder()), LG_OK, "%s", cx->error);
	cr_assert(responder_was_asked(r, "\"certificate\":\"-----BEGIN CERTIFICATE"));
	cr_assert_eq(lg_identity_load(cx, test_folder(), &after), LG_OK);
	assert_str(after.mtls, "https://new:1");
	assert_str(after.host_name, "node1");
}

Test(renewal, a_certificate_of_another_root_is_not_taken)
{
	TEST_CTX(cx);
	const struct responder_route routes[] = { { "POST /v1/rejoin", 200, issued(cx, TEST_CERT), 0 }, { NULL, 0, NULL, 0 } };
	struct lg_identity id = identity(responder_start(routes)->url);

	id.root = LG_STR(TEST_CERT);
	cr_assert_eq(lg_identity_save(cx, test_folder(), &id), LG_OK);
	cr_assert(lg_time_parse(LG_STR("2060-01-01T00:00:00Z"), &cx->now));
	cr_assert_eq(lg_renew(cx, test_folder()), LG_E_INVALID);
	cr_assert_not_null(strstr(cx->error, "root"), "%s", cx->error);
}

Test(identity, an_incomplete_or_foreign_file_is_refused)
{
	TEST_CTX(cx);
	struct lg_identity id;

	cr_assert_eq(lg_identity_load(cx, test_folder(), &id), LG_E_NOT_FOUND);
	test_write(test_folder(), "identity.json", "{}");
	cr_assert_eq(lg_identity_load(cx, test_folder(), &id), LG_E_CORRUPT);
	test_write(test_folder(), "identity.json", "{\"more\":1}");
	cr_assert_eq(lg_identity_load(cx, test_folder(), &id), LG_E_INVALID);
}
