/*
 * http_tls.c: the GnuTLS side.  MHD makes the sessions; between their making and the handshake its STARTED notice lets us set what it
 * has no option for: tickets, that a client's certificate is required and judged inside the handshake, and who carries octets.
 */
#include <errno.h>
#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <poll.h>
#include <stdlib.h>

#include "base/clock.h"
#include "server/http_impl.h"
#include "server/tls_policy.h"

/* What handshakes show.  A swapped-out one is freed when no handshake that began with it can still run. */
struct http_identity {
	gnutls_pcert_st chain[LG_TLS_CHAIN];
	unsigned n;
	gnutls_privkey_t key;
	struct http_identity *older;
	int64_t retired;
};

static void
identity_free(struct http_identity *id)
{
	for (unsigned i = 0; i < id->n; i++)
		gnutls_pcert_deinit(&id->chain[i]);
	if (id->key != NULL)
		gnutls_privkey_deinit(id->key);
	free(id);
}

static lg_err
identity_load(struct lg_ctx *cx, lg_str chain, lg_str key, struct http_identity *id)
{
	gnutls_datum_t c = { (unsigned char *)(uintptr_t)chain.p, (unsigned)chain.n };
	gnutls_datum_t k = { (unsigned char *)(uintptr_t)key.p, (unsigned)key.n };
	unsigned n = LG_TLS_CHAIN;
	int e = gnutls_pcert_list_import_x509_raw(id->chain, &n, &c, GNUTLS_X509_FMT_PEM, 0);

	if (e == 0) {
		id->n = n;
		e = gnutls_privkey_init(&id->key);
	}
	if (e == 0)
		e = gnutls_privkey_import_x509_raw(id->key, &k, GNUTLS_X509_FMT_PEM, NULL, 0);
	if (e != 0)
		return lg_fail(cx, LG_E_INVALID, "the TLS identity does not load: %s", gnutls_strerror(e));
	return LG_OK;
}

/* Frees what has been retired for longer than any handshake lasts. */
static void
identity_prune(const struct lg_http_server *hs, struct http_identity *id)
{
	int64_t now = lg_boottime();

	for (struct http_identity **at = &id->older; *at != NULL;) {
		struct http_identity *old = *at;

		if (old->retired == 0)
			old->retired = now;
		if (now - old->retired > 2 * hs->o.request_time) {
			*at = old->older;
			identity_free(old);
		} else {
			at = &old->older;
		}
	}
}

lg_err
lg_http_identity_set(struct lg_ctx *cx, struct lg_http_server *hs, lg_str chain, lg_str key)
{
	struct http_identity *id = calloc(1, sizeof *id);
	lg_err e;

	if (id == NULL)
		abort();
	e = identity_load(cx, chain, key, id);
	if (e != LG_OK) {
		identity_free(id);
		return e;
	}
	id->older = atomic_exchange(&hs->identity, id);
	identity_prune(hs, id);
	return LG_OK;
}

void
http_tls_free(struct lg_http_server *hs)
{
	struct http_identity *id = atomic_exchange(&hs->identity, NULL);

	while (id != NULL) {
		struct http_identity *older = id->older;

		identity_free(id);
		id = older;
	}
	if (hs->tickets != NULL) {
		gnutls_datum_t *key = hs->tickets;

		gnutls_memset(key->data, 0, key->size);
		gnutls_free(key->data);
		free(key);
		hs->tickets = NULL;
	}
}

/* ---- in the handshake ------------------------------------------------------------------------------------- */

static struct http_daemon *
daemon_of(gnutls_session_t s)
{
	return http_conn_of(gnutls_session_get_ptr(s))->daemon;
}

static int
show(gnutls_session_t s, const gnutls_datum_t *rdn, int nrdn, const gnutls_pk_algorithm_t *alg, int nalg,
    gnutls_pcert_st **chain, unsigned *n, gnutls_privkey_t *key)
{
	struct http_identity *id = atomic_load(&daemon_of(s)->hl->hs->identity);

	(void)rdn, (void)nrdn, (void)alg, (void)nalg;
	if (id == NULL)
		return -1;
	*chain = id->chain;
	*n = id->n;
	*key = id->key;
	return 0;
}

/* RFC 8705 2.2: a client may be known by the key of its certificate alone.  Whether this one is, is for the token service to say; for
 * everybody else there is no certificate. */
static bool
is_self_signed(const gnutls_datum_t *sent)
{
	gnutls_x509_crt_t crt = NULL;
	bool yes = gnutls_x509_crt_init(&crt) == 0 && gnutls_x509_crt_import(crt, sent, GNUTLS_X509_FMT_DER) == 0 &&
	    gnutls_x509_crt_check_issuer(crt, crt) != 0;

	if (crt != NULL)
		gnutls_x509_crt_deinit(crt);
	return yes;
}

static int
judge(gnutls_session_t s)
{
	struct http_conn *c = http_conn_of(gnutls_session_get_ptr(s));
	struct http_loop *hl = daemon_of(s)->hl;
	const struct lg_http_verifier *port = &hl->hs->verifier;
	lg_str chain[LG_TLS_CHAIN];
	unsigned n = 0;
	const gnutls_datum_t *sent = gnutls_certificate_get_peers(s, &n);
	struct lg_ctx cx;
	lg_err e;

	if (sent == NULL || n == 0 || n > LG_TLS_CHAIN || port->verify == NULL)
		return GNUTLS_E_CERTIFICATE_ERROR;
	for (unsigned i = 0; i < n; i++)
		chain[i] = (lg_str){ (const char *)sent[i].data, sent[i].size };
	lg_ctx_init(&cx, hl->verify);
	e = port->verify(port->self, &cx, chain, n);
	lg_arena_reset(hl->verify);
	c->self_signed = e != LG_OK && n == 1 && c->daemon->surface == LG_SURFACE_MTLS && is_self_signed(&sent[0]);
	return e == LG_OK || c->self_signed ? 0 : GNUTLS_E_CERTIFICATE_ERROR;
}

/* ---- octets: as GnuTLS would carry them, but the daemon hears that something happened -------------------------- */

static ssize_t
moved(struct http_conn *c, ssize_t n)
{
	if (n >= 0)
		c->daemon->moved = true;
	return n;
}

static ssize_t
pull(gnutls_transport_ptr_t ptr, void *p, size_t n)
{
	struct http_conn *c = ptr;

	return moved(c, recv(c->fd, p, n, 0));
}

static int
pull_wait(gnutls_transport_ptr_t ptr, unsigned ms)
{
	struct pollfd p = { .fd = ((struct http_conn *)ptr)->fd, .events = POLLIN };

	return poll(&p, 1, ms == GNUTLS_INDEFINITE_TIMEOUT ? -1 : (int)ms);
}

/*
 * Of an answer MHD sends the head in one record and the body in another, at once.  The head waits here for the body, so that both leave
 * by one call; as the body is not taken before the head has left, whoever does not read is felt by MHD as ever.
 */

/* How many of the octets behind the head left; -1: none, and errno says why. */
static ssize_t
behind_head(struct http_conn *c, ssize_t sent)
{
	size_t head = c->head.n;

	if (sent < 0)
		return -1;
	if ((size_t)sent < head) {
		lg_buf_drop(&c->head, (size_t)sent);
		sent = (ssize_t)head;
	} else {
		lg_buf_free(&c->head);
	}
	errno = EAGAIN;
	return (size_t)sent > head ? sent - (ssize_t)head : -1;
}

static ssize_t
send_now(struct http_conn *c, const giovec_t *v, int n)
{
	struct iovec all[HTTP_PIECES + 1] = { { c->head.p, c->head.n } };
	struct msghdr m = { .msg_iov = all, .msg_iovlen = c->head.n > 0 };

	for (int i = 0; i < n && i < HTTP_PIECES; i++)
		all[m.msg_iovlen++] = (struct iovec){ v[i].iov_base, v[i].iov_len };
	ssize_t sent = sendmsg(c->fd, &m, MSG_NOSIGNAL);
	return c->head.n > 0 ? behind_head(c, sent) : sent;
}

/* The body did not come after all: MHD thought better of it. */
void
http_tls_flush(struct http_daemon *d)
{
	struct http_conn *c = d->held;

	d->held = NULL;
	if (c != NULL && c->head.n > 0)
		(void)send_now(c, NULL, 0);
}

static ssize_t
push(gnutls_transport_ptr_t ptr, const giovec_t *v, int n)
{
	struct http_conn *c = ptr;
	size_t before;

	if (!c->joins)
		return moved(c, send_now(c, v, n));
	http_tls_flush(c->daemon);
	c->joins = false;
	c->daemon->held = c;
	before = c->head.n;
	for (int i = 0; i < n; i++)
		lg_buf_bytes(&c->head, v[i].iov_base, v[i].iov_len);
	return moved(c, (ssize_t)(c->head.n - before));
}

void
http_tls_started(struct http_conn *c, struct MHD_Connection *mhd)
{
	gnutls_session_t s = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_GNUTLS_SESSION)->tls_session;

	c->head = LG_BUF(HTTP_RECORD);
	gnutls_transport_set_ptr(s, c);
	gnutls_transport_set_pull_function(s, pull);
	gnutls_transport_set_pull_timeout_function(s, pull_wait);
	gnutls_transport_set_vec_push_function(s, push);
	if (c->daemon->wants_cert) {
		/* No tickets here: a resumed session would not be judged again. */
		gnutls_certificate_server_set_request(s, GNUTLS_CERT_REQUIRE);
		gnutls_session_set_verify_function(s, judge);
	} else {
		gnutls_session_ticket_enable_server(s, c->daemon->hl->hs->tickets);
	}
}

void
http_tls_peer(struct http_conn *c, struct MHD_Connection *mhd)
{
	gnutls_session_t s = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_GNUTLS_SESSION)->tls_session;
	unsigned n = 0;
	const gnutls_datum_t *sent = gnutls_certificate_get_peers(s, &n);
	char *der;

	c->known = true;
	if (sent == NULL || n == 0)
		return;
	der = malloc(sent[0].size);
	if (der == NULL)
		abort();
	memcpy(der, sent[0].data, sent[0].size);
	*(c->self_signed ? &c->peer.shown : &c->peer.cert) = (lg_str){ der, sent[0].size };
}

size_t
http_tls_options(struct http_daemon *d, struct MHD_OptionItem *op)
{
	struct lg_http_server *hs = d->hl->hs;

	if (hs->tickets == NULL) {
		hs->tickets = calloc(1, sizeof(gnutls_datum_t));
		if (hs->tickets == NULL || gnutls_session_ticket_key_generate(hs->tickets) != 0)
			abort();
	}
	op[0] = (struct MHD_OptionItem){ MHD_OPTION_HTTPS_CERT_CALLBACK, 0, (void *)(uintptr_t)show };
	op[1] = (struct MHD_OptionItem){ MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)LG_TLS_GNUTLS_PRIORITIES };
	return 2;
}
