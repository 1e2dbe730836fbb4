/* ldap_tls.c: OpenSSL for LDAP: the identity, and the judgement of certificates that clients show. */
#include <openssl/err.h>
#include <openssl/pem.h>

#include "server/ldap_impl.h"
#include "server/tls_policy.h"

/* Our port judges, not OpenSSL's chain building: it knows which CA speaks for which tenant. */
static int
judge(X509_STORE_CTX *sc, void *arg)
{
	struct lg_ldap_listener *ll = arg;
	STACK_OF(X509) *sent = X509_STORE_CTX_get0_untrusted(sc);
	int n = sent == NULL ? 0 : sk_X509_num(sent);
	struct lg_arena *arena = lg_arena_new();
	lg_str chain[LG_TLS_CHAIN];
	struct lg_ctx cx;
	lg_err e = LG_E_LIMIT;

	lg_ctx_init(&cx, arena);
	if (n > 0 && n <= LG_TLS_CHAIN) {
		for (int i = 0; i < n; i++) {
			unsigned char *der = NULL;
			int size = i2d_X509(sk_X509_value(sent, i), &der);

			chain[i] = lg_dup(arena, (lg_str){ (char *)der, size < 0 ? 0 : (size_t)size });
			OPENSSL_free(der);
		}
		e = ll->verifier.verify(ll->verifier.self, &cx, chain, (size_t)n);
	}
	lg_arena_free(&arena);
	X509_STORE_CTX_set_error(sc, e == LG_OK ? X509_V_OK : X509_V_ERR_APPLICATION_VERIFICATION);
	return e == LG_OK;
}

static bool
load_chain(SSL_CTX *ctx, lg_str pem)
{
	BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.n);
	X509 *x = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	bool ok = x != NULL && SSL_CTX_use_certificate(ctx, x) == 1;

	X509_free(x);
	while (ok && (x = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
		ok = SSL_CTX_add1_chain_cert(ctx, x) == 1;
		X509_free(x);
	}
	BIO_free(bio);
	ERR_clear_error();		/* the end of the text counts as an error there */
	return ok;
}

static bool
load_key(SSL_CTX *ctx, lg_str pem)
{
	BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.n);
	EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
	bool ok = key != NULL && SSL_CTX_use_PrivateKey(ctx, key) == 1 && SSL_CTX_check_private_key(ctx) == 1;

	EVP_PKEY_free(key);
	BIO_free(bio);
	ERR_clear_error();
	return ok;
}

static bool
set_policy(SSL_CTX *ctx)
{
	SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_NO_COMPRESSION);
	SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
	/* A resumed session would bring a certificate that nobody judged again. */
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	return SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) == 1 &&
	    SSL_CTX_set_ciphersuites(ctx, LG_TLS_OPENSSL_SUITES) == 1 &&
	    SSL_CTX_set_cipher_list(ctx, LG_TLS_OPENSSL_CIPHERS) == 1 &&
	    SSL_CTX_set1_groups_list(ctx, LG_TLS_OPENSSL_GROUPS) == 1;
}

lg_err
lg_ldap_listener_identity(struct lg_ctx *cx, struct lg_ldap_listener *ll, lg_str chain, lg_str key)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method()), *old;

	if (ctx == NULL || !set_policy(ctx) || !load_chain(ctx, chain) || !load_key(ctx, key)) {
		SSL_CTX_free(ctx);
		return lg_fail(cx, LG_E_INVALID, "the TLS identity does not load");
	}
	if (ll->verifier.verify != NULL) {
		SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
		SSL_CTX_set_cert_verify_callback(ctx, judge, ll);
	}
	pthread_mutex_lock(&ll->lock);
	old = ll->ctx;
	ll->ctx = ctx;
	pthread_mutex_unlock(&ll->lock);
	SSL_CTX_free(old);		/* counted: connections that use it keep it */
	return LG_OK;
}

SSL *
ldap_tls_new(struct lg_ldap_listener *ll, int fd)
{
	SSL *ssl = NULL;

	pthread_mutex_lock(&ll->lock);
	if (ll->ctx != NULL)
		ssl = SSL_new(ll->ctx);
	pthread_mutex_unlock(&ll->lock);
	if (ssl != NULL && SSL_set_fd(ssl, fd) != 1) {
		SSL_free(ssl);
		return NULL;
	}
	if (ssl != NULL)
		SSL_set_accept_state(ssl);
	return ssl;
}

/* What SASL binds to this very connection: RFC 9266 2, RFC 5929 4.1. */
static void
channel_bindings(SSL *ssl, struct lg_ldap_peer *peer)
{
	static const char label[] = "EXPORTER-Channel-Binding";
	X509 *own = SSL_get_certificate(ssl);
	const EVP_MD *md = EVP_sha256();
	int digest = NID_undef;

	peer->has_exporter = SSL_version(ssl) >= TLS1_3_VERSION &&
	    SSL_export_keying_material(ssl, peer->exporter, sizeof peer->exporter, label, sizeof label - 1, NULL, 0, 0) == 1;
	if (own == NULL)
		return;
	/* The certificate's own digest, except that weak ones become SHA-256. */
	if (OBJ_find_sigid_algs(X509_get_signature_nid(own), &digest, NULL) == 1 && digest != NID_undef && digest != NID_md5 && digest != NID_sha1)
		md = EVP_get_digestbynid(digest);
	if (md == NULL || X509_digest(own, md, peer->end_point, &peer->nend_point) != 1)
		peer->nend_point = 0;
}

void
ldap_tls_peer(SSL *ssl, struct lg_arena *arena, struct lg_ldap_peer *peer)
{
	X509 *x = SSL_get0_peer_certificate(ssl);
	unsigned char *der = NULL;
	int n = x == NULL ? 0 : i2d_X509(x, &der);

	peer->tls = true;
	channel_bindings(ssl, peer);
	if (n > 0)
		peer->cert = lg_dup(arena, (lg_str){ (char *)der, (size_t)n });
	OPENSSL_free(der);
}
