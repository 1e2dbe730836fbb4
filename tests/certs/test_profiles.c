/* test_profiles.c: profiles that an administrator adds and changes, and what they do to certificates. */
#include <criterion/criterion.h>

#include "base/ipnet.h"
#include "certs/profiles.h"
#include "certs/routes.h"
#include "tests/certs/http.h"

static void
has_profile(struct world *w, const char *name, const char *json)
{
	struct answer a = world_call(w, "PUT", lg_print(w->arena, "/v1/profiles/%s", name).p, "", lg_str_of(json));

	cr_assert_eq(a.e, LG_OK, "%s: %s", json, w->cx.error);
}

static lg_err
issue(struct world *w, lg_uuid entry, const char *profile, struct lg_issued *ret)
{
	LG_AUTO(lg_key_free) struct lg_key *k = world_key(w, LG_KEY_P256);

	return world_issue(w, TENANT_A, entry, profile, k, NULL, ret);
}

static struct lg_x509
parsed(struct world *w, lg_str der)
{
	struct lg_x509 x;

	cr_assert_eq(lg_x509_parse(&w->cx, der, &x), LG_OK, "%s", w->cx.error);
	return x;
}

#define SHORT "{\"subject\":\"Host\",\"keys\":[\"P-256\",\"Ed25519\"],\"usages\":[\"serverAuth\"],\"names\":[\"uri\",\"dns\"]," \
	"\"life_seconds\":600,\"longest_seconds\":1200,\"dns_permitted\":[\"hosts.a.example\",\"alias.a.example\"]," \
	"\"policies\":[\"1.3.6.1.4.1.99999.1\"]}"

Test(profiles, a_new_one_decides_keys_life_usages_names_and_policies)
{
	struct world *w = world_new();
	struct lg_issued is;

	has_profile(w, "short", SHORT);
	cr_assert_eq(issue(w, w->host, "short", &is), LG_OK, "%s", w->cx.error);
	struct lg_x509 x = parsed(w, is.cert);
	cr_assert_eq(x.exts.eku, LG_EKU_SERVER);
	cr_assert_eq(x.exts.names.ndns, 2);
	cr_assert_leq(x.not_after - w->cx.now, 600 * LG_SECOND);
	cr_assert(memmem(x.exts.value[LG_EXT_POLICIES].p, x.exts.value[LG_EXT_POLICIES].n, "\x2b\x06\x01\x04\x01\x86\x8d\x1f\x01", 9) != NULL);
	cr_assert(lg_str_eq(w->last_profile, LG_STR("short")), "policy is asked about this profile");

	LG_AUTO(lg_key_free) struct lg_key *rsa = world_key(w, LG_KEY_RSA2048);
	cr_assert_eq(world_issue(w, TENANT_A, w->host, "short", rsa, NULL, &is), LG_E_DENIED);
	cr_assert_eq(issue(w, w->service, "short", &is), LG_E_DENIED, "it is for hosts");
	world_free(w);
}

Test(profiles, names_outside_its_constraints_are_refused)
{
	struct world *w = world_new();
	struct lg_issued is;

	has_profile(w, "host", "{\"dns_permitted\":[\"hosts.a.example\"]}");
	cr_assert_eq(issue(w, w->host, "host", &is), LG_E_DENIED);
	cr_assert_not_null(strstr(w->cx.error, "node1.alias.a.example"), "%s", w->cx.error);
	has_profile(w, "host", "{\"dns_permitted\":[],\"dns_excluded\":[\"alias.a.example\"]}");
	cr_assert_eq(issue(w, w->host, "host", &is), LG_E_DENIED);

	/* A request may leave the name out. */
	LG_AUTO(lg_key_free) struct lg_key *k = world_key(w, LG_KEY_P256);
	struct lg_cert_names only = { .dns = { LG_STR("node1.hosts.a.example") }, .ndns = 1 };
	cr_assert_eq(world_issue(w, TENANT_A, w->host, "host", k, &only, &is), LG_OK, "%s", w->cx.error);
	world_free(w);
}

Test(profiles, a_changed_one_is_as_it_was_when_its_change_is_deleted)
{
	struct world *w = world_new();
	struct lg_issued is;

	has_profile(w, "host", "{\"life_seconds\":60,\"longest_seconds\":60}");
	cr_assert_eq(issue(w, w->host, "host", &is), LG_OK, "%s", w->cx.error);
	cr_assert_leq(is.expires - w->cx.now, 60 * LG_SECOND);
	cr_assert_eq(world_call(w, "DELETE", "/v1/profiles/host", "", LG_NONE).e, LG_OK, "%s", w->cx.error);
	cr_assert_eq(issue(w, w->host, "host", &is), LG_OK, "%s", w->cx.error);
	cr_assert_gt(is.expires - w->cx.now, LG_HOUR);
	cr_assert_eq(world_call(w, "DELETE", "/v1/profiles/host", "", LG_NONE).e, LG_E_NOT_FOUND);
	world_free(w);
}

static void
shorten(struct world *w)
{
	w->while_signing = NULL;
	has_profile(w, "host", "{\"life_seconds\":60,\"longest_seconds\":60}");
}

Test(profiles, a_certificate_under_a_profile_that_changed_meanwhile_is_not_handed_out)
{
	struct world *w = world_new();
	struct lg_issued is;

	w->while_signing = shorten;
	cr_assert_eq(issue(w, w->host, "host", &is), LG_E_CONFLICT, "%s", w->cx.error);
	world_free(w);
}

Test(profiles, senseless_ones_are_refused)
{
	static const char *const bad[] = {
		"{\"subject\":\"Image\"}",
		"{\"keys\":[]}",
		"{\"keys\":[\"DSA\"]}",
		"{\"usages\":[\"OCSPSigning\"]}",
		"{\"usages\":[\"clientAuth\"],\"names\":[\"dns\"]}",	/* nobody in particular */
		"{\"subject\":\"\"}",					/* proved names with an entry's uri */
		"{\"life_seconds\":0}",
		"{\"life_seconds\":100,\"longest_seconds\":50}",
		"{\"longest_seconds\":7776001}",
		"{\"dns_permitted\":[\"*.a.example\"]}",
		"{\"dns_excluded\":[\"a\",\"b\",\"c\",\"d\",\"e\",\"f\",\"g\",\"h\",\"i\"]}",
		"{\"policies\":[\"1.2.x\"]}",
		"{\"magic\":true}",
		"[]",
	};
	struct world *w = world_new();

	has_profile(w, "mine", SHORT);
	for (size_t i = 0; i < LG_COUNT(bad); i++)
		cr_assert_eq(world_call(w, "PUT", "/v1/profiles/mine", "", lg_str_of(bad[i])).e, LG_E_INVALID, "%s", bad[i]);
	cr_assert_eq(world_call(w, "PUT", "/v1/profiles/Mine", "", LG_STR(SHORT)).e, LG_E_INVALID);
	cr_assert_eq(world_call(w, "PUT", "/v1/profiles/a23456789012345678901234567890123", "", LG_STR(SHORT)).e, LG_E_INVALID);
	cr_assert_eq(world_call(w, "PUT", "/v1/profiles/new", "", LG_STR("{}")).e, LG_E_INVALID, "a new one says what it is");
	cr_assert_eq(world_call(w, "PUT", "/v1/profiles/root-ca", "", LG_STR("{}")).e, LG_E_DENIED);
	world_free(w);
}

Test(profiles, the_services_own_are_never_asked_for)
{
	struct world *w = world_new();
	struct lg_issued is;

	cr_assert_eq(issue(w, w->host, "root-ca", &is), LG_E_DENIED);
	cr_assert_eq(issue(w, w->host, "issuing-ca", &is), LG_E_DENIED);
	cr_assert_eq(issue(w, w->host, "none", &is), LG_E_INVALID);
	world_free(w);
}

Test(profiles, reading_and_changing_are_decided)
{
	struct world *w = world_new();

	w->deny = "admin:read";
	cr_assert_eq(world_call(w, "GET", "/v1/profiles", "", LG_NONE).e, LG_E_DENIED);
	cr_assert_eq(world_call(w, "GET", "/v1/profiles/host", "", LG_NONE).e, LG_E_DENIED);
	w->deny = "admin:write";
	cr_assert_eq(world_call(w, "PUT", "/v1/profiles/mine", "", LG_STR(SHORT)).e, LG_E_DENIED);
	cr_assert_eq(world_call(w, "DELETE", "/v1/profiles/mine", "", LG_NONE).e, LG_E_DENIED);
	w->deny = NULL;
	w->nobody = true;
	cr_assert_eq(world_call(w, "GET", "/v1/profiles", "", LG_NONE).e, LG_E_UNAUTHENTICATED);
	world_free(w);
}

Test(profiles, what_was_read_may_be_sent_back)
{
	struct world *w = world_new();
	struct answer a;

	cr_assert_eq(world_call(w, "PUT", "/v1/profiles/mine", "", LG_STR(SHORT)).status, 201);
	a = world_call(w, "GET", "/v1/profiles/mine", "", LG_NONE);
	cr_assert_eq(a.e, LG_OK);
	cr_assert_eq(world_call(w, "PUT", "/v1/profiles/mine", "", a.body).status, 204);
	struct answer again = world_call(w, "GET", "/v1/profiles/mine", "", LG_NONE);
	cr_assert(lg_str_eq(a.body, again.body));
	a = world_call(w, "GET", "/v1/profiles", "", LG_NONE);
	cr_assert_not_null(memmem(a.body.p, a.body.n, "\"name\":\"mine\"", 13));
	cr_assert_not_null(memmem(a.body.p, a.body.n, "\"name\":\"root-ca\"", 16));
	cr_assert_eq(world_call(w, "GET", "/v1/profiles/none", "", LG_NONE).e, LG_E_NOT_FOUND);
	world_free(w);
}

Test(profiles, a_tenant_has_at_most_so_many)
{
	struct world *w = world_new();

	for (int i = 0; i < LG_PROFILES; i++)
		has_profile(w, lg_print(w->arena, "p%d", i).p, SHORT);
	cr_assert_eq(world_call(w, "PUT", "/v1/profiles/another", "", LG_STR(SHORT)).e, LG_E_LIMIT);
	has_profile(w, "p0", SHORT);
	has_profile(w, "host", "{}");
	world_free(w);
}

Test(profiles, addresses_of_the_entry_lie_in_the_tenants_ranges)
{
	struct world *w = world_new();
	lg_uuid in = lg_uuid_new(), out = lg_uuid_new();
	struct lg_issued is;

	world_entry(w, TENANT_A, in, "Host", "addressed", "", true);
	world_entry(w, TENANT_A, out, "Host", "addressed-elsewhere", "", true);
	cr_assert_eq(issue(w, in, "host", &is), LG_OK, "%s", w->cx.error);
	struct lg_x509 x = parsed(w, is.cert);
	cr_assert_eq(x.exts.names.nip, 1);
	cr_assert(lg_str_eq(lg_ip_octets_text(w->arena, x.exts.names.ip[0]), LG_STR("10.1.2.3")));
	cr_assert_eq(issue(w, out, "host", &is), LG_E_DENIED);
	has_profile(w, "host", "{\"names\":[\"uri\",\"dns\"]}");
	cr_assert_eq(issue(w, out, "host", &is), LG_OK, "a profile without addresses leaves them out: %s", w->cx.error);
	world_free(w);
}
