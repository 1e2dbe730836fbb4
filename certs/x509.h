/*
 * x509.h: certificates taken apart (RFC 5280 4), by our own bounded DER reader.
 *
 * Parsing says what stands in a certificate and refuses what is no certificate; lint.h says what is wrong with one of ours;
 * chain.h holds one to its issuer.  Slices point into the DER that was parsed.
 */
#ifndef LG_CERTS_X509_H
#define LG_CERTS_X509_H

#include "base/der.h"
#include "lightgate/certs.h"

#define LG_X509_EXTENSIONS	24	/* in one certificate or request */

enum lg_ext {
	LG_EXT_BASIC_CONSTRAINTS, LG_EXT_KEY_USAGE, LG_EXT_EKU, LG_EXT_SAN, LG_EXT_SKI, LG_EXT_AKI, LG_EXT_CRL_POINTS, LG_EXT_AIA,
	LG_EXT_NAME_CONSTRAINTS, LG_EXT_POLICIES, LG_EXT_POLICY_MAPPINGS, LG_EXT_POLICY_CONSTRAINTS, LG_EXT_INHIBIT_ANY,
	LG_EXT_FRESHEST_CRL, LG_EXT_IAN,
	LG_EXTS
};

enum lg_key_usage {			/* RFC 5280 4.2.1.3, as lg_der_named_bits numbers them */
	LG_KU_DIGITAL_SIGNATURE = 1 << 0,
	LG_KU_KEY_CERT_SIGN = 1 << 5,
	LG_KU_CRL_SIGN = 1 << 6
};

struct lg_x509_exts {
	unsigned present, critical;	/* bit per enum lg_ext */
	bool unknown_critical;
	lg_str value[LG_EXTS];		/* content of extnValue, empty if absent */
	bool ca;			/* basicConstraints */
	int64_t path_len;		/* -1: none */
	uint32_t key_usage;
	unsigned eku;			/* bits of enum lg_eku */
	bool eku_any, eku_other;	/* anyExtendedKeyUsage; purposes we do not know */
	struct lg_cert_names names;
	bool other_names;		/* kinds of names that we never issue: email, directory, other, registered id */
	lg_str ski, aki;		/* key identifiers */
};

struct lg_x509 {
	lg_str der;
	lg_str tbs;			/* whole TBSCertificate */
	lg_str alg, sig;		/* AlgorithmIdentifier outside, whole; signature octets */
	int64_t version;		/* as encoded: 0 is v1, 2 is v3 */
	lg_str serial;			/* two's complement, as it stands */
	lg_str tbs_alg;
	lg_str issuer, subject;		/* Names, whole */
	int64_t not_before, not_after;
	lg_str spki;			/* whole */
	bool unique_ids;		/* issuerUniqueID or subjectUniqueID */
	struct lg_x509_exts exts;
};

LG_CHECKED lg_err lg_x509_parse(struct lg_ctx *cx, lg_str der, struct lg_x509 *ret);
/* The TBSCertificate alone: der, alg and sig stay empty. */
LG_CHECKED lg_err lg_x509_parse_tbs(struct lg_ctx *cx, lg_str tbs, struct lg_x509 *ret);
/* Extensions ::= SEQUENCE OF Extension, whole; RFC 5280 4.2: no extension twice. */
LG_CHECKED lg_err lg_x509_exts_parse(struct lg_ctx *cx, lg_str whole, struct lg_x509_exts *ret);

/* The same Names?  Attribute by attribute in order; a text may be a PrintableString here and a UTF8String there (RFC 5280 7.1). */
bool lg_x509_name_eq(lg_str a, lg_str b);

static inline bool
lg_x509_has(const struct lg_x509_exts *x, enum lg_ext e)
{
	return (x->present & 1u << e) != 0;
}

static inline bool
lg_x509_critical(const struct lg_x509_exts *x, enum lg_ext e)
{
	return (x->critical & 1u << e) != 0;
}

extern const lg_str lg_eku_oids[2];	/* serverAuth, clientAuth: index is the bit of enum lg_eku */

/* The AlgorithmIdentifier, whole DER, that goes with a signature algorithm; empty for those we never see in X.509. */
lg_str lg_x509_alg(enum lg_alg a);
enum lg_alg lg_x509_alg_of(lg_str whole);	/* LG_ALG_NONE if it is none of ours */

#endif
