/* test_names.c: SPIFFE IDs, DNS names, serial numbers, profiles. */
#include <criterion/criterion.h>

#include "certs/names.h"
#include "tests/certs/world.h"

static const struct {
	const char *uri, *type, *project, *name;	/* type NULL: refused */
} ids[] = {
	{ "spiffe://a.example/host/node1", "Host", "", "node1" },
	{ "spiffe://a.example/service/ctl", "Service", "", "ctl" },
	{ "spiffe://a.example/user/Alice_B.c-d", "User", "", "Alice_B.c-d" },
	{ "spiffe://a.example/project/shop/workload/web", "Workload", "shop", "web" },
	{ "spiffe://a_b-1/host/x", "Host", "", "x" },
	{ "spiffe://a.example", NULL, NULL, NULL },
	{ "spiffe://a.example/", NULL, NULL, NULL },
	{ "spiffe://a.example/host", NULL, NULL, NULL },
	{ "spiffe://a.example/host/", NULL, NULL, NULL },
	{ "spiffe://a.example//host/x", NULL, NULL, NULL },
	{ "spiffe://a.example/host/x/", NULL, NULL, NULL },
	{ "spiffe://a.example/host/x/y", NULL, NULL, NULL },
	{ "spiffe://a.example/host/.", NULL, NULL, NULL },
	{ "spiffe://a.example/host/..", NULL, NULL, NULL },
	{ "spiffe://a.example/host/a%20b", NULL, NULL, NULL },
	{ "spiffe://a.example/host/a b", NULL, NULL, NULL },
	{ "spiffe://a.example/host/x#y", NULL, NULL, NULL },
	{ "spiffe://a.example/Host/x", NULL, NULL, NULL },
	{ "spiffe://a.example/group/x", NULL, NULL, NULL },
	{ "spiffe://a.example/project/shop", NULL, NULL, NULL },
	{ "spiffe://a.example/project/shop/workload", NULL, NULL, NULL },
	{ "spiffe://a.example/project/shop/host/x", NULL, NULL, NULL },
	{ "spiffe://a.example/project//workload/x", NULL, NULL, NULL },
	{ "spiffe://a.example/project/shop/workload/x/y", NULL, NULL, NULL },
	{ "spiffe://A.example/host/x", NULL, NULL, NULL },
	{ "spiffe://a.example:8443/host/x", NULL, NULL, NULL },
	{ "spiffe://u@a.example/host/x", NULL, NULL, NULL },
	{ "spiffe:///host/x", NULL, NULL, NULL },
	{ "SPIFFE://a.example/host/x", NULL, NULL, NULL },
	{ "https://a.example/host/x", NULL, NULL, NULL },
	{ "spiffe:/a.example/host/x", NULL, NULL, NULL },
	{ "", NULL, NULL, NULL },
	{ "spiffe://a.example/host/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", NULL, NULL, NULL },
};

Test(spiffe, ids_are_read_strictly_and_written_alike)
{
	LG_AUTO(lg_arena_free) struct lg_arena *a = lg_arena_new();
	struct lg_ctx cx;

	lg_ctx_init(&cx, a);
	for (size_t i = 0; i < LG_COUNT(ids); i++) {
		struct lg_spiffe id;
		lg_err e = lg_spiffe_parse(&cx, lg_str_of(ids[i].uri), &id);
		lg_str text;

		cr_assert_eq(e, ids[i].type == NULL ? LG_E_INVALID : LG_OK, "%s", ids[i].uri);
		if (e != LG_OK)
			continue;
		cr_assert(lg_str_eq(id.type, lg_str_of(ids[i].type)) && lg_str_eq(id.name, lg_str_of(ids[i].name)));
		cr_assert(lg_str_eq(id.project, lg_str_of(ids[i].project)));
		cr_assert_eq(lg_spiffe_print(&cx, &id, &text), LG_OK);
		cr_assert(lg_str_eq(text, lg_str_of(ids[i].uri)));
	}
}

Test(dns, host_names_only)
{
	static const char *const good[] = { "a", "a.example", "xn--bcher-kva.example", "1.example", "a-b.c" };
	static const char *const bad[] = { "", ".", "a.", ".a", "a..b", "-a", "a-", "a_b", "A.example", "*.a", "a b", "10.0.0.1", "a/b",
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.b" };
	char longest[2 * 127 + 1];

	for (size_t i = 0; i < LG_COUNT(good); i++)
		cr_assert(lg_dns_valid(lg_str_of(good[i])), "%s", good[i]);
	for (size_t i = 0; i < LG_COUNT(bad); i++)
		cr_assert(!lg_dns_valid(lg_str_of(bad[i])), "%s", bad[i]);
	for (size_t i = 0; i < sizeof longest - 1; i++)
		longest[i] = i % 2 == 0 ? 'a' : '.';
	cr_assert(lg_dns_valid((lg_str){ longest, 253 }));
	longest[253] = 'a';
	cr_assert(!lg_dns_valid((lg_str){ longest, 255 }));
}

Test(dns, suffixes_end_at_labels)
{
	cr_assert(lg_dns_below(LG_STR("a.example"), LG_STR("a.example")));
	cr_assert(lg_dns_below(LG_STR("x.a.example"), LG_STR("a.example")));
	cr_assert(!lg_dns_below(LG_STR("xa.example"), LG_STR("a.example")));
	cr_assert(!lg_dns_below(LG_STR("example"), LG_STR("a.example")));
	cr_assert(!lg_dns_below(LG_STR("a.example.org"), LG_STR("a.example")));
	cr_assert(!lg_dns_below(LG_STR("a.example"), LG_NONE));
}

/* What an entry holds may be more than a certificate carries: as many names of each kind as fit, the same one twice is one. */
Test(names, of_each_kind_in_one_certificate_are_bounded)
{
	static const lg_str suffix = LG_STR("a.example"), net = LG_STR("\x0a\x00\x00\x00\xff\x00\x00\x00");
	const struct lg_authority au = { .trust_domain = suffix, .dns_suffixes = &suffix, .ndns_suffixes = 1, .nets = &net, .nnets = 1 };
	const struct lg_cert_profile profile = { .san = LG_SAN_DNS | LG_SAN_IP };
	LG_AUTO(lg_arena_free) struct lg_arena *a = lg_arena_new();
	lg_str dns[LG_CERT_NAMES + 2], ip[LG_CERT_NAMES + 2];
	struct lg_cert_names names;
	struct lg_ctx cx;

	lg_ctx_init(&cx, a);
	for (unsigned i = 0; i < LG_CERT_NAMES + 2; i++) {
		/* the second is the first once more */
		dns[i] = lg_print(a, "n%u.a.example", i == 1 ? 0 : i);
		ip[i] = lg_dup(a, (lg_str){ (const char[4]){ 10, 0, 0, (char)(i == 1 ? 0 : i) }, 4 });
	}
	struct lg_cert_subject entry = { .dns = dns, .ndns = LG_CERT_NAMES + 1, .ip = ip, .nip = LG_CERT_NAMES + 1 };
	cr_assert_eq(lg_cert_names_of(&cx, &au, &profile, &entry, NULL, &names), LG_OK, "%s", cx.error);
	cr_assert(names.ndns == LG_CERT_NAMES && names.nip == LG_CERT_NAMES);
	entry.ndns++;
	cr_assert_eq(lg_cert_names_of(&cx, &au, &profile, &entry, NULL, &names), LG_E_LIMIT);
	entry.ndns--;
	entry.nip++;
	cr_assert_eq(lg_cert_names_of(&cx, &au, &profile, &entry, NULL, &names), LG_E_LIMIT);
}

Test(serial, text_goes_both_ways_and_nothing_else_is_taken)
{
	LG_AUTO(lg_arena_free) struct lg_arena *a = lg_arena_new();
	lg_serial s, t;
	lg_str text;

	lg_random(s.b, sizeof s.b);
	text = lg_serial_text(a, &s);
	cr_assert_eq(text.n, LG_CERT_SERIAL_TEXT);
	cr_assert(lg_serial_parse(text, &t));
	cr_assert_eq(memcmp(&s, &t, sizeof s), 0);
	cr_assert(!lg_serial_parse(lg_str_sub(text, 0, text.n - 1), &t));
	cr_assert(!lg_serial_parse(lg_cat(a, text, LG_STR("0")), &t));
	cr_assert(!lg_serial_parse(LG_STR("4100000000000000000000000000000g00"), &t));
}

Test(profiles, identities_have_a_uri_and_listeners_have_none)
{
	for (size_t i = 0; i < lg_cert_nprofiles; i++) {
		const struct lg_cert_profile *p = &lg_cert_profiles[i];

		if (p->kind != LG_PROFILE_LEAF)
			continue;
		cr_assert_eq((p->san & LG_SAN_URI) != 0, p->type.n > 0);
		cr_assert_eq((p->eku & LG_EKU_CLIENT) != 0, p->type.n > 0);
		cr_assert_leq(p->life, p->longest);
		cr_assert_leq(p->longest, LG_DAY);
	}
}
