/* pki.h: certificates for tests, made with OpenSSL. */
#ifndef LG_TESTS_SERVER_PKI_H
#define LG_TESTS_SERVER_PKI_H

#include <openssl/ssl.h>

#include "lightgate/base.h"

struct pki_cert {
	EVP_PKEY *key;
	X509 *x;
};

struct pki_cert pki_make(const char *cn, const struct pki_cert *issuer);	/* NULL: self-signed CA */
void pki_free(struct pki_cert *c);
lg_str pki_pem(struct lg_arena *a, const struct pki_cert *c);
lg_str pki_key_pem(struct lg_arena *a, const struct pki_cert *c);
lg_str pki_der(struct lg_arena *a, const struct pki_cert *c);
/* A client's TLS connection over fd, before its handshake; and after it, NULL if that failed. */
SSL *pki_client(int fd, const struct pki_cert *own, SSL_SESSION *resume, int max_version);
SSL *pki_connect(int fd, const struct pki_cert *own, SSL_SESSION *resume, int max_version);

#endif
