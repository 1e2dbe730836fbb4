/* test_census.c: certificates are counted by profile and by their end; those that nobody renews are found, and told in time. */
#include <criterion/criterion.h>

#include "base/text.h"
#include "certs/census.h"
#include "certs/hook.h"
#include "tests/certs/http.h"

static struct lg_unrenewed
census(struct world *w)
{
	struct lg_unrenewed u;

	cr_assert_eq(lg_certs_census(&w->cx, w->certs, TENANT_A, &u), LG_OK, "%s", w->cx.error);
	return u;
}

static void
assert_metric(struct world *w, const char *line)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(64u << 10);

	lg_certs_metrics(w->certs, &b);
	cr_assert(memmem(b.p, b.n, line, strlen(line)) != NULL, "no %s in %.*s", line, (int)b.n, b.p);
}

Test(census, live_certificates_are_counted_by_profile_and_end)
{
	struct world *w = world_new();
	struct lg_issued a;

	world_issued(w, w->host, "host");
	a = world_issued(w, w->other_host, "host");
	world_issued(w, w->workload, "workload");
	w->cx.now -= LG_HOUR;		/* so that a day is more than a day */
	census(w);
	assert_metric(w, "lightgate_certificates_live{tenant=\"1\",profile=\"host\",within_days=\"1\"} 0\n");
	assert_metric(w, "lightgate_certificates_live{tenant=\"1\",profile=\"host\",within_days=\"3\"} 2\n");
	assert_metric(w, "lightgate_certificates_live{tenant=\"1\",profile=\"host\",within_days=\"+Inf\"} 2\n");
	assert_metric(w, "lightgate_certificates_live{tenant=\"1\",profile=\"workload\",within_days=\"1\"} 1\n");

	cr_assert_eq(lg_certs_revoke(&w->cx, w->certs, TENANT_A, &a.serial, LG_REVOKED_SUPERSEDED), LG_OK);
	w->cx.now += 2 * LG_HOUR;
	census(w);
	assert_metric(w, "lightgate_certificates_live{tenant=\"1\",profile=\"host\",within_days=\"1\"} 1\n");
	world_free(w);
}

Test(census, what_nobody_renewed_is_found_in_the_last_sixth_of_its_life)
{
	struct world *w = world_new();
	struct lg_issued a = world_issued(w, w->host, "host");
	struct lg_unrenewed u;

	world_issued(w, w->other_host, "host");
	world_issued(w, w->user, "user");
	w->cx.now += 19 * LG_HOUR;
	cr_assert_eq(census(w).count, 0, "there is time yet");
	world_issued(w, w->other_host, "host");
	w->cx.now += 2 * LG_HOUR;
	u = census(w);
	cr_assert_eq(u.count, 1, "%d", (int)u.count);
	cr_assert_eq(memcmp(u.v[0].serial.b, a.serial.b, sizeof a.serial.b), 0);
	cr_assert(lg_str_eq(u.v[0].name, LG_STR("node1")) && lg_str_eq(u.v[0].profile, LG_STR("host")));
	assert_metric(w, "lightgate_certificates_unrenewed{tenant=\"1\"} 1\n");
	world_issued(w, w->host, "host");
	cr_assert_eq(census(w).count, 0, "renewed");
	assert_metric(w, "lightgate_certificates_unrenewed{tenant=\"1\"} 0\n");
	world_free(w);
}

static void
issue_server(struct world *w, lg_str name)
{
	LG_AUTO(lg_key_free) struct lg_key *k = world_key(w, LG_KEY_P256);
	struct lg_cert_names names = { .dns = { name }, .ndns = 1 };
	struct lg_issued is;
	struct lg_actor system = { .kind = LG_ACTOR_SYSTEM };
	const struct lg_actor *was = w->cx.actor;

	w->cx.actor = &system;
	cr_assert_eq(lg_certs_issue_own(&w->cx, w->certs, TENANT_A, lg_pubkey_spki(lg_key_public(k)), &names, 0, &is), LG_OK, "%s", w->cx.error);
	w->cx.actor = was;
}

Test(census, a_server_is_renewed_by_a_certificate_of_its_own_names_alone)
{
	struct world *w = world_new();

	issue_server(w, LG_STR("localhost"));
	issue_server(w, LG_STR("www.a.example"));
	w->cx.now += 21 * LG_HOUR;
	cr_assert_eq(census(w).count, 2);
	issue_server(w, LG_STR("localhost"));
	cr_assert_eq(census(w).count, 1);
	issue_server(w, LG_STR("www.a.example"));
	cr_assert_eq(census(w).count, 0);
	world_free(w);
}

Test(census, the_route_tells_administrators_of_both)
{
	struct world *w = world_new();
	struct answer a;

	world_issued(w, w->host, "host");
	w->cx.now += 23 * LG_HOUR;
	a = world_call(w, "GET", "/v1/certificates/ending", NULL, LG_NONE);
	cr_assert_eq(a.e, LG_OK, "%s", w->cx.error);
	cr_assert_not_null(memmem(a.body.p, a.body.n, "\"unrenewed\":1", 13), "%.*s", (int)a.body.n, a.body.p);
	cr_assert_not_null(memmem(a.body.p, a.body.n, "\"authority\":\"issuing CA\"", 24), "%.*s", (int)a.body.n, a.body.p);
	w->deny = "admin:read";
	cr_assert_eq(world_call(w, "GET", "/v1/certificates/ending", NULL, LG_NONE).e, LG_E_DENIED);
	world_free(w);
}

/* ---- webhooks ---------------------------------------------------------------------------------------------- */

static bool
told(struct world *w, const char *text)
{
	bool found;

	cr_assert_eq(lg_certs_hooks(&w->cx, w->certs, TENANT_A), LG_OK, "%s", w->cx.error);
	found = w->web_sent.n > 0 && memmem(w->web_sent.p, w->web_sent.n, text, strlen(text)) != NULL;
	w->web_sent = LG_NONE;
	return found;
}

Test(census, the_end_of_a_ca_is_told_once_while_it_is_near)
{
	static const char hook[] = "{\"url\":\"https://hook.example/\",\"events\":[\"expiring\"],\"expiring_seconds\":86400}";
	struct world *w = world_new();

	w->web_status = 204;
	cr_assert_eq(world_call(w, "PUT", "/v1/webhooks/siem", NULL, LG_STR(hook)).status, 201, "%s", w->cx.error);
	cr_assert(!told(w, "expiring-ca-"), "its end is far");
	w->cx.now += 364 * LG_DAY;
	cr_assert(told(w, "\"authority\":\"issuing CA\""));
	cr_assert(!told(w, "expiring-ca-"), "once");
	world_free(w);
}
