/*
 * test_pkits.c: NIST's path validation suite against our two links (anchor, CA, leaf), as far as they claim to go:
 * signatures, validity, name chaining, basic constraints, key usage and critical extensions.  Policies, name constraints
 * and CRL processing are not walked by us (chain.c says why); longer chains are not our paths.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "certs/chain.h"
#include "tests/certs/world.h"

#define CORPUS "../shared/corpus/pki/pkits.tar.zst"
#define CHAIN 8

struct pkits {
	struct lg_ctx cx;
	lg_str dir;
	int checked, accepted, refused;
};

struct one {
	lg_str test, name, cert[CHAIN];
	size_t n;
	bool should;
};

/* Where we refuse what RFC 5280 lets pass. */
static const struct {
	const char *test, *why;
} stricter[] = {
	{ "4.1.4", "DSA" },
	{ "4.3.3", "names are compared octet by octet" },
	{ "4.3.4", "names are compared octet by octet" },
	{ "4.3.5", "names are compared octet by octet" },
	{ "4.3.10", "names are compared octet by octet" },
	{ "4.3.11", "names are compared octet by octet" },
	{ "4.6.4", "basic constraints of a CA must be critical (RFC 5280 4.2.1.9)" },
};

static bool
known_stricter(lg_str test)
{
	for (size_t i = 0; i < LG_COUNT(stricter); i++)
		if (lg_str_eq(test, lg_str_of(stricter[i].test)))
			return true;
	return false;
}

/* Critical policy extensions in a CA are refused as not understood. */
static bool
about_policies(lg_str test)
{
	return lg_str_starts(test, LG_STR("4.10.")) || lg_str_starts(test, LG_STR("4.11.")) || lg_str_starts(test, LG_STR("4.12."));
}

/* Sections whose negative cases our links answer for. */
static bool
covered(lg_str test)
{
	static const char *const sections[] = { "4.1.", "4.2.", "4.3.", "4.6.", "4.7.", "4.16." };
	/* The CA may not sign CRLs, which is no matter of the chain. */
	if (lg_str_eq(test, LG_STR("4.7.4")) || lg_str_eq(test, LG_STR("4.7.5")))
		return false;
	for (size_t i = 0; i < LG_COUNT(sections); i++)
		if (lg_str_starts(test, lg_str_of(sections[i])))
			return true;
	return false;
}

static lg_str
load(struct pkits *p, lg_str name)
{
	lg_str der;

	cr_assert_eq(lg_file_read(&p->cx, lg_print(p->cx.arena, "%.*s/pkits/certs/%.*s.crt", LG_FMT(p->dir), LG_FMT(name)).p,
	    1u << 16, &der), LG_OK, "%s", p->cx.error);
	return der;
}

static lg_err
check_chain(struct pkits *p, const struct one *o)
{
	struct lg_x509 x[CHAIN];

	for (size_t i = 0; i < o->n; i++) {
		LG_AUTO(lg_pubkey_unref) struct lg_pubkey *key = NULL;

		LG_TRY(lg_x509_parse(&p->cx, load(p, o->cert[i]), &x[i]));
		if (i + 1 < o->n)
			LG_TRY(lg_x509_is_ca(&p->cx, &x[i], (int64_t)(o->n - 2 - i)));
		if (i == 0)
			continue;
		LG_TRY(lg_pubkey_from_spki(&p->cx, x[i - 1].spki, &key));
		LG_TRY(lg_x509_link(&p->cx, &x[i - 1], key, &x[i], p->cx.now));
	}
	return x[o->n - 1].exts.unknown_critical ? LG_E_INVALID : LG_OK;
}

static void
check(struct pkits *p, const struct one *o)
{
	lg_err e;

	if (o->n > 3 || (o->should ? about_policies(o->test) : !covered(o->test)))
		return;
	e = check_chain(p, o);
	p->checked++;
	if (o->should && !known_stricter(o->test))
		cr_expect_eq(e, LG_OK, "%.*s %.*s: %s", LG_FMT(o->test), LG_FMT(o->name), p->cx.error);
	else
		cr_expect_neq(e, LG_OK, "%.*s %.*s is accepted", LG_FMT(o->test), LG_FMT(o->name));
	p->accepted += e == LG_OK;
	p->refused += e != LG_OK;
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

Test(pkits, chains_of_three_are_judged_as_nist_says_or_more_strictly)
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
	printf("PKITS: %d chains checked, %d accepted, %d refused\n", p.checked, p.accepted, p.refused);
	cr_assert_gt(p.checked, 80);
}
