/* names.h: what a certificate may call its holder: SPIFFE URIs, DNS names, and how a request narrows them. */
#ifndef LG_CERTS_NAMES_H
#define LG_CERTS_NAMES_H

#include "lightgate/certs.h"

#define LG_SPIFFE_MAX	512		/* octets of a URI; ours are far shorter, SPIFFE-ID 2.3 allows 2048 */
#define LG_DNS_MAX	253		/* RFC 1035 3.1, as text without the last dot */

/* spiffe://<domain>/host/<name>, /service/<name>, /user/<name>, /project/<project>/workload/<name> */
struct lg_spiffe {
	lg_str domain, type, project, name;	/* type as in the directory: "Host" */
};
LG_CHECKED lg_err lg_spiffe_parse(struct lg_ctx *cx, lg_str uri, struct lg_spiffe *ret);
LG_CHECKED lg_err lg_spiffe_print(struct lg_ctx *cx, const struct lg_spiffe *id, lg_str *ret);

/* Any SPIFFE ID, of whatever shape another domain gives its paths (SPIFFE-ID 2); the path may be empty. */
#define LG_SPIFFE_ID_MAX 2048	/* octets, SPIFFE-ID 2.3 */
bool lg_spiffe_id_domain(lg_str uri, lg_str *domain);

bool lg_trust_domain_valid(lg_str s);
/* Letters, digits and hyphens in labels (RFC 1123 2.1); no wildcard, no last dot, lower case. */
bool lg_dns_valid(lg_str name);
/* What stands under the wildcard of "*.<name>" (RFC 9525 6.3: it stands for one whole label), or the name itself. */
static inline lg_str
lg_dns_base(lg_str name)
{
	return lg_str_starts(name, LG_STR("*.")) ? lg_str_sub(name, 2, name.n) : name;
}
/* name is the suffix or ends in "." and the suffix. */
bool lg_dns_below(lg_str name, lg_str suffix);

/* Is this DNS name or URI among them, in upper or lower case? */
bool lg_names_have(const lg_str *v, size_t n, lg_str name);
/* The same names of each kind, in whatever order. */
bool lg_cert_names_eq(const struct lg_cert_names *a, const struct lg_cert_names *b);

/* The names that the profile gives the entry in this authority, narrowed by `only` (NULL: all of them). */
LG_CHECKED lg_err lg_cert_names_of(struct lg_ctx *cx, const struct lg_authority *au, const struct lg_cert_profile *profile,
    const struct lg_cert_subject *entry, const struct lg_cert_names *only, struct lg_cert_names *ret);
/* DNS names below the authority's suffixes, addresses in its ranges.  LG_E_DENIED. */
LG_CHECKED lg_err lg_cert_names_within(struct lg_ctx *cx, const struct lg_authority *au, const struct lg_cert_names *names);
/* For the service's own listeners and for names that were proved: every one within the authority's suffixes and loopback, wildcards too. */
LG_CHECKED lg_err lg_cert_names_own(struct lg_ctx *cx, const struct lg_authority *au, const struct lg_cert_names *names);

#endif
