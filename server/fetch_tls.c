/* fetch_tls.c: TLS to servers outside: whose certificate is looked at, not believed, or must be the right one; tls-alpn-01 (RFC 8737). */
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <unistd.h>

#include "base/clock.h"
#include "server/fetch.h"

void
lg_fetch_tls_end(lg_fetch_tls **s)
{
	SSL_free(*s);
	*s = NULL;
}

/* After a call on s that returned n: may it be repeated? */
static bool
again(SSL *s, int n, int64_t deadline)
{
	int why = SSL_get_error(s, n);

	if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE)
		return false;
	return lg_fetch_wait(SSL_get_fd(s), why == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT, deadline);
}

static SSL *
set_up(SSL_CTX *ctx, int fd, const char *name, const char *alpn)
{
	SSL *s = ctx == NULL ? NULL : SSL_new(ctx);

	if (s != NULL && SSL_set_min_proto_version(s, TLS1_2_VERSION) == 1 && SSL_set_fd(s, fd) == 1 &&
	    SSL_set_tlsext_host_name(s, name) == 1 &&
	    (alpn == NULL || SSL_set_alpn_protos(s, (const unsigned char *)alpn, (unsigned)strlen(alpn)) == 0))
		return s;
	SSL_free(s);
	return NULL;
}

static lg_err
handshake(struct lg_ctx *cx, SSL *s, int64_t deadline, lg_fetch_tls **ret)
{
	long fault;
	int n;

	if (s == NULL)
		return lg_fail(cx, LG_E_INTERNAL, "TLS cannot be set up");
	do
		n = SSL_connect(s);
	while (n != 1 && again(s, n, deadline));
	if (n == 1) {
		*ret = s;
		return LG_OK;
	}
	fault = SSL_get_verify_result(s);
	SSL_free(s);
	ERR_clear_error();
	if (fault != X509_V_OK)
		return lg_fail(cx, LG_E_UNAUTHENTICATED, "the server's certificate is not believed: %s", X509_verify_cert_error_string(fault));
	return lg_fail(cx, LG_E_INVALID, "the TLS handshake failed");
}

lg_err
lg_fetch_tls_begin(struct lg_ctx *cx, int fd, lg_str sni, const char *alpn, int64_t deadline, lg_fetch_tls **ret)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	const char *name;
	lg_err e = lg_cstr(cx, sni, &name);

	if (e == LG_OK)
		e = handshake(cx, set_up(ctx, fd, name, alpn), deadline, ret);
	SSL_CTX_free(ctx);		/* the connection keeps it */
	return e;
}

/* How many certificates there were. */
static int
add_ca(SSL_CTX *ctx, lg_str pem)
{
	BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.n);
	X509 *x;
	int n = 0;

	while ((x = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
		n += X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), x) == 1;
		X509_free(x);
	}
	BIO_free(bio);
	ERR_clear_error();
	return n;
}

bool
lg_fetch_tls_believe(void *ctx, lg_str alone, lg_str more)
{
	if (alone.n > 0)
		return add_ca(ctx, alone) > 0;
	return SSL_CTX_set_default_verify_paths(ctx) == 1 && (more.n == 0 || add_ca(ctx, more) > 0);
}

lg_err
lg_fetch_tls_trust(struct lg_ctx *cx, int fd, lg_str host, lg_str ca, lg_str more, int64_t deadline, lg_fetch_tls **ret)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	const char *name;
	SSL *s = NULL;
	lg_err e = lg_cstr(cx, host, &name);

	if (e == LG_OK && (ctx == NULL || !lg_fetch_tls_believe(ctx, ca, more)))
		e = lg_fail(cx, LG_E_INVALID, "there is no CA to believe");
	if (e == LG_OK) {
		SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
		s = set_up(ctx, fd, name, NULL);
		if (s != NULL && X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(s), name) != 1)
			(void)SSL_set1_host(s, name);
		e = handshake(cx, s, deadline, ret);
	}
	SSL_CTX_free(ctx);
	return e;
}

ssize_t
lg_fetch_tls_write(lg_fetch_tls *s, const void *p, size_t n, int64_t deadline)
{
	size_t done = 0;
	int got;

	do
		got = SSL_write_ex(s, p, n, &done);
	while (got != 1 && again(s, got, deadline));
	return got == 1 ? (ssize_t)done : -1;
}

ssize_t
lg_fetch_tls_read(lg_fetch_tls *s, void *p, size_t n, int64_t deadline)
{
	size_t done = 0;
	int got;

	ERR_clear_error();
	do
		got = SSL_read_ex(s, p, n, &done);
	while (got != 1 && again(s, got, deadline));
	if (got == 1)
		return (ssize_t)done;
	if (SSL_get_error(s, got) == SSL_ERROR_SSL && ERR_GET_REASON(ERR_peek_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING)
		return LG_FETCH_CUT;
	return SSL_get_error(s, got) == SSL_ERROR_ZERO_RETURN ? 0 : -1;
}

lg_err
lg_fetch_tls_chain(struct lg_ctx *cx, lg_fetch_tls *s, lg_str ret[LG_FETCH_CHAIN], size_t *n)
{
	STACK_OF(X509) *shown = SSL_get_peer_cert_chain(s);

	*n = 0;
	for (int i = 0; i < sk_X509_num(shown) && *n < LG_FETCH_CHAIN; i++) {
		unsigned char *der = NULL;
		int size = i2d_X509(sk_X509_value(shown, i), &der);

		if (size > 0)
			ret[(*n)++] = lg_dup(cx->arena, (lg_str){ (const char *)der, (size_t)size });
		OPENSSL_free(der);
	}
	return *n > 0 ? LG_OK : lg_fail(cx, LG_E_UNAUTHENTICATED, "the server shows no certificate");
}

/* ---- tls-alpn-01 ------------------------------------------------------------------------------------------------ */

static lg_err
take_certificate(struct lg_ctx *cx, SSL *s, lg_str *ret)
{
	const unsigned char *protocol = NULL;
	unsigned char *der = NULL;
	unsigned size = 0;
	X509 *x = SSL_get0_peer_certificate(s);
	int n;

	SSL_get0_alpn_selected(s, &protocol, &size);
	if (!lg_str_eq((lg_str){ (const char *)protocol, size }, LG_STR("acme-tls/1")))
		return lg_fail(cx, LG_E_INVALID, "the server does not speak acme-tls/1");
	n = x == NULL ? -1 : i2d_X509(x, &der);
	if (n <= 0 || (unsigned)n > LG_CERT_MAX) {
		OPENSSL_free(der);
		return lg_fail(cx, LG_E_INVALID, "the server shows no certificate, or too large a one");
	}
	*ret = lg_dup(cx->arena, (lg_str){ (const char *)der, (size_t)n });
	OPENSSL_free(der);
	return LG_OK;
}

lg_err
lg_fetch_alpn(void *self, struct lg_ctx *cx, lg_str host, lg_str sni, lg_str *cert)
{
	const struct lg_fetch *f = self;
	int64_t deadline = lg_boottime() + LG_FETCH_TIME;
	LG_AUTO(lg_fetch_tls_end) lg_fetch_tls *s = NULL;
	lg_err e;
	int fd;

	LG_TRY(lg_fetch_reach(cx, f, deadline, host, f->alpn_port, &fd));
	e = lg_fetch_tls_begin(cx, fd, sni, "\x0a" "acme-tls/1", deadline, &s);
	if (e == LG_OK)
		e = take_certificate(cx, s, cert);
	close(fd);
	return e;
}
