/*
 * lint.c: the rules for a leaf, one row each.
 *
 * Where RFC 5280 leaves a choice, ours is the stricter.  Stock verifiers accept much of what stands here as refused: anyExtendedKeyUsage,
 * name constraints in a leaf, serial 0, CA certificates as clients.
 */
#include "certs/lint.h"

#include "certs/names.h"

#define SERIAL_MAX 20		/* octets, RFC 5280 4.1.2.2 */

static bool
empty_name(lg_str name)
{
	return name.n == 2;	/* SEQUENCE of nothing */
}

static bool
version_is_3(struct lg_ctx *cx, const struct lg_x509 *x)
{
	(void)cx;
	return x->version == 2;
}

static bool
serial_is_positive(struct lg_ctx *cx, const struct lg_x509 *x)
{
	(void)cx;
	return x->serial.n >= 1 && x->serial.n <= SERIAL_MAX && (x->serial.p[0] & 0x80) == 0 &&
	    !(x->serial.n == 1 && x->serial.p[0] == 0);
}

static bool
signature_is_known(struct lg_ctx *cx, const struct lg_x509 *x)
{
	(void)cx;
	return lg_x509_alg_of(x->tbs_alg) != LG_ALG_NONE;
}

static bool
issuer_is_named(struct lg_ctx *cx, const struct lg_x509 *x)
{
	(void)cx;
	return !empty_name(x->issuer);
}

static bool
validity_is_ordered(struct lg_ctx *cx, const struct lg_x509 *x)
{
	(void)cx;
	return x->not_before < x->not_after;
}

static bool
key_is_sound(struct lg_ctx *cx, const struct lg_x509 *x)
{
	enum lg_key_type type;

	return lg_spki_check(cx, x->spki, &type) == LG_OK;
}

static bool
no_unique_ids(struct lg_ctx *cx, const struct lg_x509 *x)
{
	(void)cx;
	return !x->unique_ids;
}

static bool
nothing_unknown_is_critical(struct lg_ctx *cx, const struct lg_x509 *x)
{
	(void)cx;
	return !x->exts.unknown_critical;
}

static bool
aki_is_there(struct lg_ctx *cx, const struct lg_x509 *x)
{
	(void)cx;
	return x->exts.aki.n > 0 && !lg_x509_critical(&x->exts, LG_EXT_AKI);
}

static bool
ski_is_there(struct lg_ctx *cx, const struct lg_x509 *x)
{
	(void)cx;
	return x->exts.ski.n > 0 && !lg_x509_critical(&x->exts, LG_EXT_SKI);
}

static bool
key_usage_is_signing(struct lg_ctx *cx, const struct lg_x509 *x)
{
	(void)cx;
	return lg_x509_critical(&x->exts, LG_EXT_KEY_USAGE) && x->exts.key_usage == LG_KU_DIGITAL_SIGNATURE;
}

static bool
san_is_there(struct lg_ctx *cx, const struct lg_x509 *x)
{
	(void)cx;
	return x->exts.names.nuri + x->exts.names.ndns + x->exts.names.nip > 0 && !x->exts.other_names;
}

static bool
san_is_critical_for_empty_subjects(struct lg_ctx *cx, const struct lg_x509 *x)
{
	(void)cx;
	return lg_x509_critical(&x->exts, LG_EXT_SAN) == empty_name(x->subject);
}

static bool
dns_names_are_hosts(struct lg_ctx *cx, const struct lg_x509 *x)
{
	bool identity = x->exts.names.nuri > 0;

	(void)cx;
	for (size_t i = 0; i < x->exts.names.ndns; i++)
		if (!lg_dns_valid(identity ? x->exts.names.dns[i] : lg_dns_base(x->exts.names.dns[i])))
			return false;
	return true;
}

static bool
at_most_one_uri(struct lg_ctx *cx, const struct lg_x509 *x)
{
	(void)cx;
	return x->exts.names.nuri <= 1;
}

static bool
is_no_ca(struct lg_ctx *cx, const struct lg_x509 *x)
{
	(void)cx;
	return lg_x509_has(&x->exts, LG_EXT_BASIC_CONSTRAINTS) && !x->exts.ca;
}

static bool
no_name_constraints(struct lg_ctx *cx, const struct lg_x509 *x)
{
	(void)cx;
	return !lg_x509_has(&x->exts, LG_EXT_NAME_CONSTRAINTS);
}

static bool
no_policy_control(struct lg_ctx *cx, const struct lg_x509 *x)
{
	(void)cx;
	return !lg_x509_has(&x->exts, LG_EXT_POLICY_MAPPINGS) && !lg_x509_has(&x->exts, LG_EXT_POLICY_CONSTRAINTS) &&
	    !lg_x509_has(&x->exts, LG_EXT_INHIBIT_ANY) && !lg_x509_critical(&x->exts, LG_EXT_POLICIES);
}

static bool
eku_is_exact(struct lg_ctx *cx, const struct lg_x509 *x)
{
	(void)cx;
	return x->exts.eku != 0 && !x->exts.eku_any && !x->exts.eku_other;
}

static bool
pointers_are_not_critical(struct lg_ctx *cx, const struct lg_x509 *x)
{
	(void)cx;
	return !lg_x509_critical(&x->exts, LG_EXT_CRL_POINTS) && !lg_x509_critical(&x->exts, LG_EXT_AIA) &&
	    !lg_x509_critical(&x->exts, LG_EXT_FRESHEST_CRL);
}

const struct lg_lint lg_lints[] = {
	{ "RFC 5280 4.1.2.1", "a certificate with extensions is version 3", version_is_3 },
	{ "RFC 5280 4.1.2.2", "the serial number is positive and has at most 20 octets", serial_is_positive },
	{ "RFC 5280 4.1.2.3", "the signature algorithm is one of ours", signature_is_known },
	{ "RFC 5280 4.1.2.4", "the issuer has a name", issuer_is_named },
	{ "RFC 5280 4.1.2.5", "it ends after it begins", validity_is_ordered },
	{ "RFC 5280 4.1.2.7", "the key is of a known kind and strong enough", key_is_sound },
	{ "RFC 5280 4.1.2.8", "there are no unique identifiers", no_unique_ids },
	{ "RFC 5280 4.2",     "no unknown extension is critical", nothing_unknown_is_critical },
	{ "RFC 5280 4.2.1.1", "the authority key identifier is there and not critical", aki_is_there },
	{ "RFC 5280 4.2.1.2", "the subject key identifier is there and not critical", ski_is_there },
	{ "RFC 5280 4.2.1.3", "key usage is critical and is digitalSignature alone", key_usage_is_signing },
	{ "RFC 5280 4.2.1.6", "it names its holder, by kinds of names that we issue", san_is_there },
	{ "RFC 5280 4.2.1.6", "subjectAltName is critical exactly when the subject is empty", san_is_critical_for_empty_subjects },
	{ "RFC 5280 4.2.1.6", "DNS names are host names; wildcards only where no identity is", dns_names_are_hosts },
	{ "X509-SVID 2",      "there is at most one URI", at_most_one_uri },
	{ "RFC 5280 4.2.1.9", "basic constraints are there and say that it is no CA", is_no_ca },
	{ "RFC 5280 4.2.1.10", "name constraints stand in CA certificates only", no_name_constraints },
	{ "RFC 5280 4.2.1.11", "policy mappings and constraints stand in CA certificates only", no_policy_control },
	{ "RFC 5280 4.2.1.12", "the extended key usages are TLS server and client, nothing else", eku_is_exact },
	{ "RFC 5280 4.2.1.13", "pointers to CRLs and issuers are not critical", pointers_are_not_critical },
};
const size_t lg_nlints = LG_COUNT(lg_lints);

lg_err
lg_x509_lint(struct lg_ctx *cx, const struct lg_x509 *x)
{
	for (size_t i = 0; i < lg_nlints; i++)
		if (!lg_lints[i].holds(cx, x))
			return lg_fail(cx, LG_E_INVALID, "%s does not hold: %s", lg_lints[i].clause, lg_lints[i].claim);
	return LG_OK;
}
