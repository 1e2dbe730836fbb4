/*
 * test_pkits.c: NIST's path validation suite, all 247 cases, against what our paths are judged by: signatures, validity, name
 * chaining, basic constraints, key usage, name constraints and critical extensions, over as many CAs as a case has.
 * Every case whose verdict is another one than NIST's stands in the table below, with the reason.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "certs/chain.h"
#include "certs/constraints.h"
#include "tests/certs/world.h"

#define CORPUS "../shared/corpus/pki/pkits.tar.zst"
#define CHAIN 8

struct pkits {
	struct lg_ctx cx;
	lg_str dir;
	int checked, accepted, differ;
};

struct one {
	lg_str test, name, cert[CHAIN];
	size_t n;
	bool should;
};

/* Why a verdict is another one.  What begins with "accepted" lets pass what NIST refuses, the rest refuses what NIST lets pass. */
#define DSA		"DSA is no algorithm of ours"
#define OCTETS		"names are compared octet by octet: the certificates of a path were written by one program"
#define CRITICAL	"basic constraints of a CA must be critical (RFC 5280 4.2.1.9)"
#define KEY_ID		"the issuer is found by its key identifier, not tried by its name alone"
#define CRL_KEY		"a CA that only signs CRLs may not sign certificates, and a path through it is none"
#define INDIRECT	"CRLs of other issuers are not looked at, and the path is judged without them"
#define NO_POLICY	"critical constraints on policies are refused as not understood: no decision here depends on policies"
#define NAMES		"mail and directory names in subjectAltName are of kinds that are never issued, and not judged"
#define MAIL		"accepted: a mail address inside the subject is not looked at; subjects here are common names"
#define POLICY		"accepted: no decision here depends on certificate policies"
#define REVOKED		"accepted by the path alone: what is revoked is asked of the inventory, never of a CRL"

static const struct difference {
	const char *test, *name, *why;
} differences[] = {
	{ "4.1.4", "Section1ValidDSASignaturesTest4", DSA },
	{ "4.1.5", "Section1ValidDSAParameterInheritanceTest5", DSA },
	{ "4.3.3", "Section3ValidNameChainingWhitespaceTest3", OCTETS },
	{ "4.3.4", "Section3ValidNameChainingWhitespaceTest4", OCTETS },
	{ "4.3.5", "Section3ValidNameChainingCapitalizationTest5", OCTETS },
	{ "4.3.11", "Section3ValidUTF8StringCaseInsensitiveMatchTest11", OCTETS },
	{ "4.4.1", "Section4MissingCRLTest1", REVOKED },
	{ "4.4.2", "Section4InvalidRevokedCATest2", REVOKED },
	{ "4.4.3", "Section4InvalidRevokedEETest3", REVOKED },
	{ "4.4.4", "Section4InvalidBadCRLSignatureTest4", REVOKED },
	{ "4.4.5", "Section4InvalidBadCRLIssuerNameTest5", REVOKED },
	{ "4.4.6", "Section4InvalidWrongCRLTest6", REVOKED },
	{ "4.4.8", "Section4InvalidUnknownCRLEntryExtensionTest8", REVOKED },
	{ "4.4.9", "Section4InvalidUnknownCRLExtensionTest9", REVOKED },
	{ "4.4.10", "Section4InvalidUnknownCRLExtensionTest10", REVOKED },
	{ "4.4.11", "Section4InvalidOldCRLnextUpdateTest11", REVOKED },
	{ "4.4.12", "Section4Invalidpre2000CRLnextUpdateTest12", REVOKED },
	{ "4.4.15", "Section4InvalidNegativeSerialNumberTest15", REVOKED },
	{ "4.4.18", "Section4InvalidLongSerialNumberTest18", REVOKED },
	{ "4.4.19", "Section4ValidSeparateCertificateandCRLKeysTest19", CRL_KEY },
	{ "4.5.2", "Section5InvalidBasicSelfIssuedOldWithNewTest2", REVOKED },
	{ "4.5.4", "Section5ValidBasicSelfIssuedNewWithOldTest4", KEY_ID },
	{ "4.5.6", "Section5ValidBasicSelfIssuedCRLSigningKeyTest6", CRL_KEY },
	{ "4.6.4", "Section6ValidbasicConstraintsNotCriticalTest4", CRITICAL },
	{ "4.7.4", "Section7InvalidkeyUsageCriticalcRLSignFalseTest4", REVOKED },
	{ "4.7.5", "Section7InvalidkeyUsageNotCriticalcRLSignFalseTest5", REVOKED },
	{ "4.8.1", "Section8AllCertificatesSamePolicyTest1Subpart3", POLICY },
	{ "4.8.2", "Section8AllCertificatesNoPoliciesTest2Subpart2", POLICY },
	{ "4.8.3", "Section8DifferentPoliciesTest3Subpart2", POLICY },
	{ "4.8.3", "Section8DifferentPoliciesTest3Subpart3", POLICY },
	{ "4.8.4", "Section8DifferentPoliciesTest4", POLICY },
	{ "4.8.5", "Section8DifferentPoliciesTest5", POLICY },
	{ "4.8.6", "Section8OverlappingPoliciesTest6Subpart3", POLICY },
	{ "4.8.7", "Section8DifferentPoliciesTest7", POLICY },
	{ "4.8.8", "Section8DifferentPoliciesTest8", POLICY },
	{ "4.8.9", "Section8DifferentPoliciesTest9", POLICY },
	{ "4.8.12", "Section8DifferentPoliciesTest12", POLICY },
	{ "4.8.14", "Section8AnyPolicyTest14Subpart2", POLICY },
	{ "4.9.1", "Section9ValidRequireExplicitPolicyTest1", NO_POLICY },
	{ "4.9.2", "Section9ValidRequireExplicitPolicyTest2", NO_POLICY },
	{ "4.9.4", "Section9ValidRequireExplicitPolicyTest4", NO_POLICY },
	{ "4.9.6", "Section9ValidSelfIssuedrequireExplicitPolicyTest6", NO_POLICY },
	{ "4.10.1.1", "Section10ValidPolicyMappingTest1Subpart1", NO_POLICY },
	{ "4.10.3", "Section10ValidPolicyMappingTest3Subpart2", NO_POLICY },
	{ "4.10.5", "Section10ValidPolicyMappingTest5Subpart1", NO_POLICY },
	{ "4.10.6", "Section10ValidPolicyMappingTest6Subpart1", NO_POLICY },
	{ "4.10.9", "Section10ValidPolicyMappingTest9", NO_POLICY },
	{ "4.10.11", "Section10ValidPolicyMappingTest11", NO_POLICY },
	{ "4.10.12", "Section10ValidPolicyMappingTest12Subpart1", NO_POLICY },
	{ "4.10.12", "Section10ValidPolicyMappingTest12Subpart2", NO_POLICY },
	{ "4.10.13", "Section10ValidPolicyMappingTest13Subpart1", NO_POLICY },
	{ "4.10.13", "Section10ValidPolicyMappingTest13Subpart2", NO_POLICY },
	{ "4.10.14", "Section10ValidPolicyMappingTest14", NO_POLICY },
	{ "4.11.2", "Section11ValidinhibitPolicyMappingTest2", NO_POLICY },
	{ "4.11.4", "Section11ValidinhibitPolicyMappingTest4", NO_POLICY },
	{ "4.11.7", "Section11ValidSelfIssuedinhibitPolicyMappingTest7", NO_POLICY },
	{ "4.12.2", "Section12ValidinhibitAnyPolicyTest2", NO_POLICY },
	{ "4.12.3", "Section12inhibitAnyPolicyTest3Subpart1", NO_POLICY },
	{ "4.12.7", "Section12ValidSelfIssuedinhibitAnyPolicyTest7", NO_POLICY },
	{ "4.12.9", "Section12ValidSelfIssuedinhibitAnyPolicyTest9", NO_POLICY },
	{ "4.13.4", "Section13ValidDNnameConstraintsTest4", NAMES },
	{ "4.13.5", "Section13ValidDNnameConstraintsTest5", NAMES },
	{ "4.13.14", "Section13ValidDNnameConstraintsTest14", NAMES },
	{ "4.13.21", "Section13ValidRFC822nameConstraintsTest21", NAMES },
	{ "4.13.23", "Section13ValidRFC822nameConstraintsTest23", NAMES },
	{ "4.13.25", "Section13ValidRFC822nameConstraintsTest25", NAMES },
	{ "4.13.27", "Section13ValidDNandRFC822nameConstraintsTest27", NAMES },
	{ "4.13.29", "Section13InvalidDNandRFC822nameConstraintsTest29", MAIL },
	{ "4.14.2", "Section14InvaliddistributionPointTest2", REVOKED },
	{ "4.14.3", "Section14InvaliddistributionPointTest3", REVOKED },
	{ "4.14.6", "Section14InvaliddistributionPointTest6", REVOKED },
	{ "4.14.8", "Section14InvaliddistributionPointTest8", REVOKED },
	{ "4.14.9", "Section14InvaliddistributionPointTest9", REVOKED },
	{ "4.14.11", "Section14InvalidonlyContainsUserCertsCRLTest11", REVOKED },
	{ "4.14.12", "Section14InvalidonlyContainsCACertsCRLTest12", REVOKED },
	{ "4.14.14", "Section14InvalidonlyContainsAttributeCertsTest14", REVOKED },
	{ "4.14.15", "Section14InvalidonlySomeReasonsTest15", REVOKED },
	{ "4.14.16", "Section14InvalidonlySomeReasonsTest16", REVOKED },
	{ "4.14.17", "Section14InvalidonlySomeReasonsTest17", REVOKED },
	{ "4.14.20", "Section14InvalidonlySomeReasonsTest20", REVOKED },
	{ "4.14.21", "Section14InvalidonlySomeReasonsTest21", REVOKED },
	{ "4.14.23", "Section14InvalidIDPwithindirectCRLTest23", REVOKED },
	{ "4.14.24", "Section14ValidIDPwithindirectCRLTest24", INDIRECT },
	{ "4.14.25", "Section14ValidIDPwithindirectCRLTest25", INDIRECT },
	{ "4.14.28", "Section14ValidcRLIssuerTest28", CRL_KEY },
	{ "4.14.29", "Section14ValidcRLIssuerTest29", CRL_KEY },
	{ "4.14.30", "Section14ValidcRLIssuerTest30", CRL_KEY },
	{ "4.14.33", "Section14ValidcRLIssuerTest33", INDIRECT },
	{ "4.14.34", "Section14InvalidcRLIssuerTest34", REVOKED },
	{ "4.14.35", "Section14InvalidcRLIssuerTest35", REVOKED },
	{ "4.15.1", "Section15InvaliddeltaCRLIndicatorNoBaseTest1", REVOKED },
	{ "4.15.3", "Section15InvaliddeltaCRLTest3", REVOKED },
	{ "4.15.4", "Section15InvaliddeltaCRLTest4", REVOKED },
	{ "4.15.6", "Section15InvaliddeltaCRLTest6", REVOKED },
	{ "4.15.9", "Section15InvaliddeltaCRLTest9", REVOKED },
	{ "4.15.10", "Section15InvaliddeltaCRLTest10", REVOKED },
};

static lg_str
load(struct pkits *p, lg_str name)
{
	lg_str der;

	cr_assert_eq(lg_file_read(&p->cx, lg_print(p->cx.arena, "%.*s/pkits/certs/%.*s.crt", LG_FMT(p->dir), LG_FMT(name)).p,
	    1u << 16, &der), LG_OK, "%s", p->cx.error);
	return der;
}

/* Constraints bind all below; a CA's own certificate only when it is another's (RFC 5280 6.1.3 b: self-issued ones are passed over). */
static lg_err
check_names(struct pkits *p, const struct lg_x509 *x, size_t n)
{
	for (size_t ca = 0; ca + 1 < n; ca++)
		for (size_t i = ca + 1; i < n; i++) {
			if (i + 1 < n && lg_str_eq(x[i].subject, x[i].issuer))
				continue;
			LG_TRY(lg_x509_names_permitted(&p->cx, &x[ca], x[i].subject, &x[i].exts.names));
			if (lg_x509_has(&x[ca].exts, LG_EXT_NAME_CONSTRAINTS) && x[i].exts.other_names)
				return lg_fail(&p->cx, LG_E_DENIED, "a kind of name that we do not judge");
		}
	if (x[n - 1].exts.unknown_critical)
		return lg_fail(&p->cx, LG_E_INVALID, "a critical extension that is not understood");
	return LG_OK;
}

/* RFC 5280 4.2.1.9: self-issued certificates do not count for the length of a path. */
static int64_t
cas_below(struct pkits *p, const struct one *o, size_t i)
{
	int64_t n = 0;

	while (++i + 1 < o->n) {
		struct lg_x509 x;

		n += lg_x509_parse(&p->cx, load(p, o->cert[i]), &x) != LG_OK || !lg_str_eq(x.subject, x.issuer);
	}
	return n;
}

static lg_err
check_chain(struct pkits *p, const struct one *o)
{
	struct lg_x509 x[CHAIN];

	for (size_t i = 0; i < o->n; i++) {
		LG_AUTO(lg_pubkey_unref) struct lg_pubkey *key = NULL;

		LG_TRY(lg_x509_parse(&p->cx, load(p, o->cert[i]), &x[i]));
		if (i + 1 < o->n)
			LG_TRY(lg_x509_is_ca(&p->cx, &x[i], cas_below(p, o, i)));
		if (i == 0)
			continue;
		LG_TRY(lg_pubkey_from_spki(&p->cx, x[i - 1].spki, &key));
		LG_TRY(lg_x509_link(&p->cx, &x[i - 1], key, &x[i], p->cx.now));
	}
	return check_names(p, x, o->n);
}

static const struct difference *
known(const struct one *o)
{
	for (size_t i = 0; i < LG_COUNT(differences); i++)
		if (lg_str_eq(o->name, lg_str_of(differences[i].name)) && lg_str_eq(o->test, lg_str_of(differences[i].test)))
			return &differences[i];
	return NULL;
}

static void
check(struct pkits *p, const struct one *o)
{
	lg_err e = check_chain(p, o);
	const struct difference *d = known(o);

	p->checked++;
	p->accepted += e == LG_OK;
	p->differ += d != NULL;
	if (d == NULL)
		cr_expect_eq(e == LG_OK, o->should, "%.*s %.*s: %s", LG_FMT(o->test), LG_FMT(o->name), e == LG_OK ? "accepted" : p->cx.error);
	else
		cr_expect_eq(e == LG_OK, !o->should, "%.*s %.*s differs no longer: %s", LG_FMT(o->test), LG_FMT(o->name), d->why);
}

static void
read_case(struct pkits *p, struct lg_json *js)
{
	struct one o = { .n = 0 };
	lg_str name;

	lg_json_object(js);
	while (lg_json_member(js, &name)) {
		if (lg_str_eq(name, LG_STR("test"))) {
			o.test = lg_json_str(js);
		} else if (lg_str_eq(name, LG_STR("name"))) {
			o.name = lg_json_str(js);
		} else if (lg_str_eq(name, LG_STR("should_validate"))) {
			o.should = lg_json_bool(js);
		} else if (lg_str_eq(name, LG_STR("certs"))) {
			lg_json_array(js);
			while (lg_json_item(js)) {
				lg_str cert = lg_json_str(js);

				cr_assert_lt(o.n, CHAIN);
				o.cert[o.n++] = cert;
			}
		} else {
			lg_json_skip(js);
		}
	}
	check(p, &o);
}

Test(pkits, every_path_is_judged_as_nist_says_except_where_it_is_said)
{
	const char *tmp = getenv("TMPDIR");
	struct pkits p = { .checked = 0 };
	struct lg_json js;
	lg_str text;

	if (access(CORPUS, R_OK) != 0) {
		printf("SKIP PKITS: no %s\n", CORPUS);
		return;
	}
	LG_AUTO(lg_arena_free) struct lg_arena *a = lg_arena_new();
	lg_ctx_init(&p.cx, a);
	p.dir = lg_print(a, "%s/pkits.XXXXXX", tmp == NULL ? "/tmp" : tmp);
	cr_assert_not_null(mkdtemp((char *)(uintptr_t)p.dir.p));
	cr_assert_eq(system(lg_print(a, "tar --zstd -xf %s -C %.*s", CORPUS, LG_FMT(p.dir)).p), 0);
	cr_assert_eq(lg_file_read(&p.cx, lg_print(a, "%.*s/pkits/expectations.json", LG_FMT(p.dir)).p, 4u << 20, &text), LG_OK);
	lg_json_init(&js, a, text);
	lg_json_array(&js);
	while (lg_json_item(&js))
		read_case(&p, &js);
	cr_assert_eq(lg_json_end(&p.cx, &js), LG_OK, "%s", p.cx.error);
	printf("PKITS: %d paths judged, %d of them as NIST does; %d accepted\n", p.checked, p.checked - p.differ, p.accepted);
	cr_assert_eq(p.checked, 247);
	cr_assert_eq(p.differ, (int)LG_COUNT(differences), "a line for a case that there is not");
}
