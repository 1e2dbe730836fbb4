/* test_constraints.c: name constraints as OpenSSL writes them, judged by us; the judgements are OpenSSL's too. */
#include <criterion/criterion.h>
#include <openssl/x509v3.h>

#include "base/ipnet.h"
#include "certs/chain.h"
#include "certs/constraints.h"
#include "tests/certs/world.h"

static struct lg_x509
constrained(struct world *w, const char *value)
{
	struct craft c = craft_good(w, TENANT_A);
	struct lg_x509 x;

	craft_ext(&c, "nameConstraints", value);
	cr_assert_eq(lg_x509_parse(&w->cx, craft_der(w, &c), &x), LG_OK, "%s", w->cx.error);
	return x;
}

static const struct {
	const char *constraints;
	enum lg_san kind;
	const char *name;
	bool permitted;
} cases[] = {
	{ "critical,permitted;DNS:a.example", LG_SAN_DNS, "a.example", true },
	{ "critical,permitted;DNS:a.example", LG_SAN_DNS, "x.y.a.example", true },
	{ "critical,permitted;DNS:a.example", LG_SAN_DNS, "X.A.EXAMPLE", true },
	{ "critical,permitted;DNS:a.example", LG_SAN_DNS, "ba.example", false },
	{ "critical,permitted;DNS:a.example", LG_SAN_DNS, "example", false },
	{ "critical,permitted;DNS:a.example", LG_SAN_URI, "spiffe://b.example/host/x", true },	/* nothing is said of URIs */
	{ "critical,excluded;DNS:a.example", LG_SAN_DNS, "x.a.example", false },
	{ "critical,excluded;DNS:a.example", LG_SAN_DNS, "b.example", true },
	{ "critical,permitted;DNS:a.example,excluded;DNS:x.a.example", LG_SAN_DNS, "y.x.a.example", false },
	{ "critical,permitted;URI:a.example", LG_SAN_URI, "spiffe://a.example/host/node1", true },
	{ "critical,permitted;URI:a.example", LG_SAN_URI, "spiffe://b.example/host/node1", false },
	{ "critical,permitted;URI:a.example", LG_SAN_URI, "spiffe://x.a.example/host/node1", false },
	{ "critical,permitted;URI:.a.example", LG_SAN_URI, "spiffe://x.a.example/host/node1", true },
	{ "critical,permitted;URI:.a.example", LG_SAN_URI, "spiffe://a.example/host/node1", false },
	{ "critical,permitted;IP:10.0.0.0/255.0.0.0", LG_SAN_IP, "10.1.2.3", true },
	{ "critical,permitted;IP:10.0.0.0/255.0.0.0", LG_SAN_IP, "11.1.2.3", false },
	{ "critical,permitted;IP:10.0.0.0/255.0.0.0", LG_SAN_IP, "fd00::1", false },
	{ "critical,excluded;IP:10.0.0.0/255.0.0.0", LG_SAN_IP, "10.1.2.3", false },
	{ "critical,permitted;email:a.example", LG_SAN_DNS, "b.example", true },
};

Test(constraints, each_kind_is_judged_by_its_own_rule)
{
	struct world *w = world_new();

	for (size_t i = 0; i < LG_COUNT(cases); i++) {
		struct lg_x509 ca = constrained(w, cases[i].constraints);
		struct lg_cert_names names = { .nuri = 0 };
		lg_str name = lg_str_of(cases[i].name);
		if (cases[i].kind == LG_SAN_DNS)
			names.dns[names.ndns++] = name;
		else if (cases[i].kind == LG_SAN_URI)
			names.uri[names.nuri++] = name;
		else
			cr_assert(lg_ip_octets_parse(w->arena, name, &names.ip[names.nip++]));
		cr_assert_eq(lg_x509_names_permitted(&w->cx, &ca, LG_NONE, &names), cases[i].permitted ? LG_OK : LG_E_DENIED, "%s %s",
		    cases[i].constraints, cases[i].name);
	}
	world_free(w);
}

Test(constraints, what_cannot_be_judged_is_refused)
{
	struct world *w = world_new();
	struct lg_x509 ca = constrained(w, "critical,permitted;otherName:1.2.3.4;UTF8:x");
	struct lg_cert_names names = { .dns = { LG_STR("a.example") }, .ndns = 1 };

	cr_assert_neq(lg_x509_names_permitted(&w->cx, &ca, LG_NONE, &names), LG_OK);
	ca.exts.value[LG_EXT_NAME_CONSTRAINTS] = LG_STR("\x30\x03\xa0\x05\x00");
	cr_assert_neq(lg_x509_names_permitted(&w->cx, &ca, LG_NONE, &names), LG_OK);
	world_free(w);
}

Test(constraints, a_ca_whose_constraints_are_not_critical_is_none)
{
	struct world *w = world_new();
	struct craft c = craft_good(w, TENANT_A);
	struct lg_x509 x;

	craft_ext(&c, "basicConstraints", "critical,CA:TRUE");
	craft_ext(&c, "keyUsage", "critical,keyCertSign,cRLSign");
	craft_ext(&c, "nameConstraints", "permitted;DNS:a.example");
	cr_assert_eq(lg_x509_parse(&w->cx, craft_der(w, &c), &x), LG_OK);
	cr_assert_eq(lg_x509_is_ca(&w->cx, &x, 0), LG_E_INVALID);
	craft_ext(&c, "nameConstraints", "critical,permitted;DNS:a.example");
	cr_assert_eq(lg_x509_parse(&w->cx, craft_der(w, &c), &x), LG_OK);
	cr_assert_eq(lg_x509_is_ca(&w->cx, &x, 0), LG_OK, "%s", w->cx.error);
	world_free(w);
}

/* The tenant's issuing CA is replaced by one that may name hosts.a.example alone. */
Test(constraints, issuing_and_verifying_keep_to_those_of_the_issuer)
{
	static const lg_str suffix[] = { LG_STR("a.example") };
	struct world *w = world_new();
	LG_AUTO(lg_key_free) struct lg_key *k = world_key(w, LG_KEY_P256);
	struct lg_cert_names inside = { .dns = { LG_STR("node2.hosts.a.example") }, .ndns = 1 };
	struct lg_certs_peer p;
	struct lg_issued before, is;

	cr_assert_eq(world_issue(w, TENANT_A, w->other_host, "host", k, NULL, &before), LG_OK, "%s", w->cx.error);
	struct craft c = { .signer = w->keys[1].root_key, .issuer = w->keys[1].root, .key = w->keys[1].issuer_key, .version = 2, .begins = -300,
		.ends = 86400 };
	craft_ext(&c, "basicConstraints", "critical,CA:TRUE,pathlen:0");
	craft_ext(&c, "keyUsage", "critical,keyCertSign,cRLSign");
	craft_ext(&c, "subjectKeyIdentifier", "hash");
	craft_ext(&c, "authorityKeyIdentifier", "keyid:always");
	craft_ext(&c, "nameConstraints", "critical,permitted;DNS:hosts.a.example");
	struct lg_authority au = { .tenant = TENANT_A, .issuer = LG_STR("https://a.example"), .trust_domain = LG_STR("a.example"),
		.http_url = LG_STR("http://a.example:8080"), .dns_suffixes = suffix, .ndns_suffixes = 1, .leaf_life = LG_DAY,
		.root = w->keys[1].root_der, .issuers = { craft_der(w, &c) }, .nissuers = 1 };
	cr_assert_eq(lg_certs_trust(&w->cx, w->certs, &au, 1), LG_OK, "%s", w->cx.error);
	cr_assert_eq(world_issue(w, TENANT_A, w->other_host, "host", k, NULL, &is), LG_E_DENIED);
	cr_assert_not_null(strstr(w->cx.error, "name constraints"), "%s", w->cx.error);
	cr_assert_eq(world_issue(w, TENANT_A, w->other_host, "host", k, &inside, &is), LG_OK, "%s", w->cx.error);
	cr_assert_eq(world_peer(w, is.cert, &p), LG_OK, "%s", w->cx.error);
	world_free(w);
}
