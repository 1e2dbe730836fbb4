/* x509.h: the pieces of X.509 that requests, our own CA certificates and the check of a TBS share. */
#ifndef LG_CRYPTO_X509_H
#define LG_CRYPTO_X509_H

#include "base/der.h"
#include "lightgate/crypto.h"

/* Name of one common name; empty for none. */
void lg_x509_put_name(struct lg_buf *b, lg_str common_name);
/* AlgorithmIdentifier of a signature; nothing for an algorithm that X.509 does not have here. */
void lg_x509_put_sig_alg(struct lg_buf *b, enum lg_alg alg);

/* An Extension whose value is written between begin and end. */
struct lg_x509_ext {
	size_t ext, value;
};
struct lg_x509_ext lg_x509_ext_begin(struct lg_buf *b, lg_str oid, bool critical);
void lg_x509_ext_end(struct lg_buf *b, struct lg_x509_ext e);
void lg_x509_put_aki(struct lg_buf *b, lg_str key_id);	/* RFC 5280 4.2.1.1: the issuer by its key identifier */

/* RFC 7093 2 (1): the leftmost 160 bits of the SHA-256 of the key's bits. */
#define LG_KEY_ID 20
struct lg_key_id {
	char b[LG_KEY_ID];
};
struct lg_key_id lg_x509_key_id(const struct lg_pubkey *k);

/* Of a certificate, with their tags; false: malformed up to there. */
struct lg_x509_parts {
	lg_str subject, spki;
	struct lg_der rest;		/* of the TBSCertificate: extensions */
};
bool lg_x509_enter(lg_str der, struct lg_x509_parts *ret);

#endif
