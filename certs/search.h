/* search.h: the inventory, searched by whatever is known of a certificate; a page at a time, by the index that leaves least to read. */
#ifndef LG_CERTS_SEARCH_H
#define LG_CERTS_SEARCH_H

#include "certs/rows.h"

#define LG_CERT_SCAN	2000		/* rows that one page looks at; then it ends, and says where to go on */

struct lg_cert_query {
	bool has_serial, has_entry, has_key, has_issuer;
	lg_serial serial;
	lg_uuid entry;
	lg_sha256 key;			/* of the SubjectPublicKeyInfo */
	lg_sha256 issuer;		/* of the issuing certificate */
	lg_str name, type, profile;	/* empty: any; of name the beginning, when it ends in '*' */
	enum lg_cert_state state;	/* 0: any */
	int64_t expires_from, expires_to;	/* expires_to 0: no end */
	lg_str after;			/* what *next was */
	size_t limit;
};

/* Rows that fit, at most q->limit; those that are pending only where state or serial number ask for them.  *next: where the next page begins,
 * hex; empty: there is none.  Slices live as long as the view. */
LG_CHECKED lg_err lg_cert_search(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, const struct lg_cert_query *q,
    lg_cert_each *each, void *arg, lg_str *next);

#endif
