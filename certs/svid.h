/*
 * svid.h: other trust domains: their bundles (SPIFFE Trust Domain and Bundle 4) and what is believed by them (X509-SVID 5).
 * A certificate is held to the bundle of the domain that its URI names, and to no other.
 */
#ifndef LG_CERTS_SVID_H
#define LG_CERTS_SVID_H

#include "certs/x509.h"

#define LG_SVID_BUNDLE	(64u << 10)	/* octets of a bundle, JSON */
#define LG_SVID_ROOTS	16		/* of one domain */
#define LG_SVID_CHAIN	6		/* certificates that a peer shows */
#define LG_SVID_REFRESH	(INT64_C(300) * 1000000)	/* of a bundle that says nothing (SPIFFE Federation 4.1: five minutes) */

struct lg_svid_bundle {		/* slices in cx's arena or the JSON */
	int64_t sequence;	/* -1: not said */
	int64_t refresh;	/* microseconds, within a minute and a day */
	lg_str root[LG_SVID_ROOTS];	/* DER */
	size_t nroots;
};
/* LG_E_INVALID: it is none, or not the domain's. */
LG_CHECKED lg_err lg_svid_bundle_parse(struct lg_ctx *cx, lg_str domain, lg_str json, struct lg_svid_bundle *ret);

struct lg_svid {		/* slices in the leaf's DER */
	lg_str id;		/* "spiffe://domain/path" */
	int64_t expires;
};
/* chain[0] is the leaf, the others lead to a root of the bundle, in any order.  eku: what it must be good for, if it says so.
 * LG_E_UNAUTHENTICATED, LG_E_EXPIRED. */
LG_CHECKED lg_err lg_svid_verify(struct lg_ctx *cx, lg_str domain, const struct lg_svid_bundle *b, const lg_str *chain, size_t n, unsigned eku,
    struct lg_svid *ret);
/* Whose bundle is asked for: the domain that the leaf's one URI names. */
LG_CHECKED lg_err lg_svid_domain(struct lg_ctx *cx, lg_str leaf, lg_str *ret);

#endif
