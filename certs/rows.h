/* rows.h: the authority's tables: keys, values, and the index rows that follow from them. */
#ifndef LG_CERTS_ROWS_H
#define LG_CERTS_ROWS_H

#include "lightgate/certs.h"

#define LG_CERTS_KEY	128

struct lg_certs_key {
	uint8_t b[LG_CERTS_KEY];
	size_t n;
};

static inline lg_str
lg_certs_key_str(const struct lg_certs_key *k)
{
	return (lg_str){ (const char *)k->b, k->n };
}

/* Keys begin with the tenant; parts are appended big-endian, so that key order is the order of their values. */
struct lg_certs_key lg_certs_key_of(uint32_t tenant);
void lg_certs_key_add(struct lg_certs_key *k, const void *p, size_t n);
void lg_certs_key_u64(struct lg_certs_key *k, uint64_t v);
struct lg_certs_key lg_certs_key_serial(uint32_t tenant, const lg_serial *s);

/* Inventory: (tenant, serial).  What is pending stands apart, because it hardly stays; revocations, because they alone change what is trusted. */
extern const struct lg_table lg_certs_pending, lg_certs_by_key, lg_certs_compromised, lg_certs_by_name;
extern const struct lg_table lg_certs_leaf, lg_certs_by_entry, lg_certs_by_expiry, lg_certs_revoked, lg_certs_invited,
    lg_certs_invited_by_expiry;
/* ACME's (acme_rows.c): account (tenant, id), order (tenant, id), external account key (tenant, kid). */
extern const struct lg_table lg_acme_account, lg_acme_by_key, lg_acme_order, lg_acme_by_account, lg_acme_by_expiry,
    lg_acme_by_replaced, lg_acme_eab;

#define LG_CERT_INDEXED_NAME	64	/* octets of a name in the index */
/* Keys of the index, up to the expiry and the serial number. */
struct lg_certs_key lg_certs_key_name(uint32_t tenant, lg_str name);

LG_CHECKED lg_err lg_cert_row_decode(struct lg_ctx *cx, const lg_serial *serial, lg_str value, struct lg_cert_row *ret);
/* One that was pending is no longer, unless the row says so. */
LG_CHECKED lg_err lg_cert_row_put(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, const struct lg_cert_row *row);
/* A row that may be absent. */
LG_CHECKED lg_err lg_certs_del(struct lg_ctx *cx, struct lg_view *v, const struct lg_table *t, const struct lg_certs_key *k);

struct lg_revoked_row {
	lg_serial serial;
	int64_t time, expires;
	enum lg_revocation why;
	lg_sha256 issuer;
	uint64_t seq;			/* of the record that it stands in; 0: before this was noted */
};
LG_CHECKED lg_err lg_revoked_row_decode(struct lg_ctx *cx, const lg_serial *serial, lg_str value, struct lg_revoked_row *ret);
LG_CHECKED lg_err lg_revoked_row_put(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, const struct lg_revoked_row *row);

/* A join token, by the SHA-256 of its secret. */
struct lg_invited_row {
	lg_uuid host;
	int64_t expires;
	bool redeemed;
	lg_sha256 spki;			/* whom it was redeemed for */
	lg_serial serial;		/* and with what */
	uint32_t refused;		/* attempts after that with another key */
};
LG_CHECKED lg_err lg_invited_row_get(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, const lg_sha256 *secret, struct lg_invited_row *ret);
LG_CHECKED lg_err lg_invited_row_put(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, const lg_sha256 *secret, const struct lg_invited_row *row);

#endif
