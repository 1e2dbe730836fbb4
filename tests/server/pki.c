#include "tests/server/pki.h"

#include <criterion/criterion.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <signal.h>

struct pki_cert
pki_make(const char *cn, const struct pki_cert *issuer)
{
	struct pki_cert c = { EVP_EC_gen("P-256"), X509_new() };
	X509_NAME *name = X509_get_subject_name(c.x);
	static long serial = 1;

	X509_set_version(c.x, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(c.x), serial++);
	X509_gmtime_adj(X509_getm_notBefore(c.x), -60);
	X509_gmtime_adj(X509_getm_notAfter(c.x), 3600);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)cn, -1, -1, 0);
	X509_set_issuer_name(c.x, issuer == NULL ? name : X509_get_subject_name(issuer->x));
	X509_set_pubkey(c.x, c.key);
	cr_assert_gt(X509_sign(c.x, issuer == NULL ? c.key : issuer->key, EVP_sha256()), 0);
	return c;
}

void
pki_free(struct pki_cert *c)
{
	EVP_PKEY_free(c->key);
	X509_free(c->x);
}

static lg_str
bio_text(struct lg_arena *a, BIO *bio)
{
	char *p;
	long n = BIO_get_mem_data(bio, &p);
	lg_str s = lg_dup(a, (lg_str){ p, (size_t)n });

	BIO_free(bio);
	return s;
}

lg_str
pki_pem(struct lg_arena *a, const struct pki_cert *c)
{
	BIO *bio = BIO_new(BIO_s_mem());

	PEM_write_bio_X509(bio, c->x);
	return bio_text(a, bio);
}

lg_str
pki_key_pem(struct lg_arena *a, const struct pki_cert *c)
{
	BIO *bio = BIO_new(BIO_s_mem());

	PEM_write_bio_PKCS8PrivateKey(bio, c->key, NULL, NULL, 0, NULL, NULL);
	return bio_text(a, bio);
}

lg_str
pki_der(struct lg_arena *a, const struct pki_cert *c)
{
	BIO *bio = BIO_new(BIO_s_mem());

	i2d_X509_bio(bio, c->x);
	return bio_text(a, bio);
}

SSL *
pki_client(int fd, const struct pki_cert *own, SSL_SESSION *resume, int max_version)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	SSL *ssl;

	signal(SIGPIPE, SIG_IGN);	/* OpenSSL writes to what the server may have closed */
	SSL_CTX_set_max_proto_version(ctx, max_version);
	if (own != NULL) {
		SSL_CTX_use_certificate(ctx, own->x);
		SSL_CTX_use_PrivateKey(ctx, own->key);
	}
	ssl = SSL_new(ctx);
	SSL_CTX_free(ctx);
	SSL_set_fd(ssl, fd);
	if (resume != NULL)
		SSL_set_session(ssl, resume);
	return ssl;
}

SSL *
pki_connect(int fd, const struct pki_cert *own, SSL_SESSION *resume, int max_version)
{
	SSL *ssl = pki_client(fd, own, resume, max_version);

	if (SSL_connect(ssl) == 1)
		return ssl;
	SSL_free(ssl);
	ERR_clear_error();
	return NULL;
}
