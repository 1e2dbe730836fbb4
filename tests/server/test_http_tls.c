#include <poll.h>
#include <unistd.h>

#include "tests/server/kit.h"
#include "tests/server/pki.h"

static lg_err
whoami(void *self, struct lg_http *ex)
{
	(void)self;
	lg_buf_printf(&ex->out, "surface=%d cert=%zu", (int)ex->peer->surface, ex->peer->cert.n);
	if (ex->peer->shown.n > 0)
		lg_buf_printf(&ex->out, " shown=%zu", ex->peer->shown.n);
	return LG_OK;
}

enum { MUCH = 1 << 20, SOME = 2000 };

static lg_err
letters(void *self, struct lg_http *ex)
{
	size_t n = lg_str_eq(ex->path, LG_STR("/much")) ? MUCH : SOME;

	(void)self;
	for (size_t i = 0; i < n; i++)
		lg_buf_byte(&ex->out, (char)('a' + i % 26));
	return LG_OK;
}

static const struct lg_route routes[] = {
	{ "GET", "/whoami", LG_SURFACE_API | LG_SURFACE_STREAM, LG_ON_LOOP, 0, whoami },
	{ "GET", "/some", LG_SURFACE_API, LG_ON_LOOP, 0, letters },
	{ "GET", "/much", LG_SURFACE_API, LG_ON_LOOP, 0, letters },
};

struct world {
	struct kit k;
	struct pki_cert server, ca, good, bad;
	lg_str good_der;
	int judged;
};

/* One client is known. */
static lg_err
verify(void *self, struct lg_ctx *cx, const lg_str *chain, size_t n)
{
	struct world *w = self;

	__atomic_fetch_add(&w->judged, 1, __ATOMIC_RELAXED);
	if (n == 0 || !lg_str_eq(chain[0], w->good_der))
		return lg_fail(cx, LG_E_DENIED, "a stranger");
	return LG_OK;
}

static void
begin(struct world *w, enum lg_surface surface)
{
	*w = (struct world){ .judged = 0 };
	kit_init(&w->k);
	kit_new(&w->k);
	w->server = pki_make("server", NULL);
	w->ca = pki_make("ca", NULL);
	w->good = pki_make("good", &w->ca);
	w->bad = pki_make("bad", &w->ca);
	w->good_der = pki_der(w->k.cx.arena, &w->good);
	cr_assert_eq(lg_http_routes_add(&w->k.cx, w->k.hs, routes, LG_COUNT(routes), NULL), LG_OK);
	lg_http_verifier_set(w->k.hs, &(struct lg_http_verifier){ w, verify });
	cr_assert_eq(lg_http_identity_set(&w->k.cx, w->k.hs, pki_pem(w->k.cx.arena, &w->server), pki_key_pem(w->k.cx.arena, &w->server)),
	    LG_OK, "%s", w->k.cx.error);
	kit_attach(&w->k, LG_SURFACE_HTTPS | LG_SURFACE_MTLS | LG_SURFACE_STREAM);
	kit_open(&w->k, surface);
}

static void
end(struct world *w)
{
	pki_free(&w->server);
	pki_free(&w->ca);
	pki_free(&w->good);
	pki_free(&w->bad);
	kit_end(&w->k);
}

/* The answer's body, or NULL if there was none: TLS 1.3 clients learn of a refusal only when they read. */
static const char *
ask(SSL *ssl)
{
	static const char rq[] = "GET /whoami HTTP/1.1\r\nHost: x\r\n\r\n";
	static char buf[4096];
	int n, at = 0;

	if (ssl == NULL || SSL_write(ssl, rq, sizeof rq - 1) <= 0)
		return NULL;
	while ((n = SSL_read(ssl, buf + at, (int)sizeof buf - 1 - at)) > 0) {
		at += n;
		buf[at] = '\0';
		if (strstr(buf, "cert=") != NULL)
			return strstr(buf, "\r\n\r\n") + 4;
	}
	return NULL;
}

/* Asks on a new connection as this client; the session is for resumption. */
static bool
ask_as(struct world *w, const struct pki_cert *own, int version, const char *want, SSL_SESSION **session)
{
	int fd = kit_connect(&w->k);
	SSL *ssl = pki_connect(fd, own, session == NULL ? NULL : *session, version);
	const char *body = ask(ssl);
	bool ok = body != NULL && strcmp(body, want) == 0;

	if (session != NULL && ssl != NULL) {
		if (*session != NULL)
			cr_expect(SSL_session_reused(ssl), "the session was not resumed");
		else
			*session = SSL_get1_session(ssl);
	}
	if (ssl != NULL)
		SSL_shutdown(ssl);
	SSL_free(ssl);
	close(fd);
	return ok;
}

Test(http_tls, https_never_asks_for_a_certificate)
{
	struct world w;

	begin(&w, LG_SURFACE_HTTPS);
	cr_assert(ask_as(&w, NULL, TLS1_3_VERSION, "surface=1 cert=0", NULL));
	cr_assert(ask_as(&w, &w.good, TLS1_3_VERSION, "surface=1 cert=0", NULL));
	cr_assert(ask_as(&w, NULL, TLS1_2_VERSION, "surface=1 cert=0", NULL));
	cr_assert_eq(w.judged, 0);
	end(&w);
}

Test(http_tls, old_versions_are_refused)
{
	struct world w;

	begin(&w, LG_SURFACE_HTTPS);
	cr_assert_not(ask_as(&w, NULL, TLS1_1_VERSION, "surface=1 cert=0", NULL));
	end(&w);
}

Test(http_tls, sessions_are_resumed)
{
	struct world w;
	SSL_SESSION *session = NULL;

	begin(&w, LG_SURFACE_HTTPS);
	cr_assert(ask_as(&w, NULL, TLS1_3_VERSION, "surface=1 cert=0", &session));
	cr_assert(ask_as(&w, NULL, TLS1_3_VERSION, "surface=1 cert=0", &session));
	SSL_SESSION_free(session);
	session = NULL;
	cr_assert(ask_as(&w, NULL, TLS1_2_VERSION, "surface=1 cert=0", &session));
	cr_assert(ask_as(&w, NULL, TLS1_2_VERSION, "surface=1 cert=0", &session));
	SSL_SESSION_free(session);
	end(&w);
}

/* ---- answers --------------------------------------------------------------------------------------------- */

static void
tell(SSL *ssl, const char *request)
{
	cr_assert_eq(SSL_write(ssl, request, (int)strlen(request)), (int)strlen(request));
}

/* The octets that come, up to max or the end of the connection. */
static size_t
hear(SSL *ssl, char *ret, size_t max)
{
	size_t have = 0;

	for (int n; have < max && (n = SSL_read(ssl, ret + have, (int)(max - have))) > 0; )
		have += (size_t)n;
	return have;
}

/* Takes an answer of SOME octets; how long its head was. */
static size_t
hear_some(SSL *ssl)
{
	static char text[SOME + 1024];
	size_t have = 0;
	char *end = NULL;

	while (end == NULL || have < (size_t)(end + 4 - text) + SOME) {
		int n = SSL_read(ssl, text + have, (int)(sizeof text - 1 - have));
		cr_assert_gt(n, 0);
		have += (size_t)n;
		text[have] = '\0';
		end = strstr(text, "\r\n\r\n");
	}
	return (size_t)(end + 4 - text);
}

Test(http_tls, an_answer_s_head_and_body_leave_together)
{
	struct world w;
	uint8_t seen[8192];

	begin(&w, LG_SURFACE_HTTPS);
	int fd = kit_connect(&w.k);
	SSL *ssl = pki_connect(fd, NULL, NULL, TLS1_3_VERSION);
	for (int i = 0; i < 3; i++) {
		struct pollfd p = { fd, POLLIN, 0 };
		tell(ssl, "GET /some HTTP/1.1\r\nHost: x\r\n\r\n");
		cr_assert_eq(poll(&p, 1, 10000), 1);
		ssize_t n = recv(fd, seen, sizeof seen, MSG_PEEK);
		size_t head = hear_some(ssl);
		if (i > 0)	/* tickets are before the first */
			cr_assert_gt((size_t)n, head + SOME, "%zd octets of a head of %zu", n, head);
	}
	SSL_free(ssl);
	close(fd);
	end(&w);
}

Test(http_tls, answers_are_whole_with_a_body_without_one_and_for_those_who_read_late)
{
	static char text[MUCH + 4096];
	struct world w;
	int small = 4096;

	begin(&w, LG_SURFACE_HTTPS);
	int fd = kit_connect(&w.k);
	SSL *ssl = pki_connect(fd, NULL, NULL, TLS1_3_VERSION);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
	tell(ssl, "HEAD /some HTTP/1.1\r\nHost: x\r\n\r\n" "GET /some HTTP/1.1\r\nHost: x\r\n\r\n"
	    "GET /much HTTP/1.1\r\nHost: x\r\n\r\n" "HEAD /much HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
	usleep(100000);		/* the server cannot send on */
	size_t have = hear(ssl, text, sizeof text - 1), heads = 0;
	text[have] = '\0';
	for (char *at = text; (at = strstr(at, "HTTP/1.1 200")) != NULL; at++)
		heads++;
	cr_assert_eq(heads, 4);
	cr_assert_gt(have, SOME + MUCH);
	cr_assert(memcmp(text + have - 4, "\r\n\r\n", 4) == 0, "the last head has no end");
	SSL_free(ssl);
	close(fd);
	end(&w);
}

/* ---- handshakes ------------------------------------------------------------------------------------------ */

static uint64_t
turns(const struct world *w)
{
	uint64_t n = 0;

	for (size_t i = 0; i < KIT_LOOPS; i++)
		n += lg_loop_turns(w->k.loop[i]);
	return n;
}

Test(http_tls, a_client_that_takes_its_time_in_the_handshake_keeps_no_loop_busy)
{
	struct world w;

	begin(&w, LG_SURFACE_HTTPS);
	int fd = kit_connect(&w.k);
	struct pollfd flight = { .fd = fd, .events = POLLIN };
	SSL *ssl = pki_client(fd, NULL, NULL, TLS1_3_VERSION);

	SSL_set0_rbio(ssl, BIO_new(BIO_s_mem()));	/* it speaks, and does not listen */
	cr_assert_eq(SSL_connect(ssl), -1);
	cr_assert_eq(poll(&flight, 1, 5000), 1, "the server's part came");
	uint64_t before = turns(&w);
	usleep(500000);
	cr_expect_lt(turns(&w) - before, 2000);
	SSL_set_rfd(ssl, fd);
	cr_expect_eq(SSL_connect(ssl), 1, "and goes on as if nothing had been");
	SSL_free(ssl);
	close(fd);
	end(&w);
}

static void
mutual(enum lg_surface surface)
{
	struct world w;
	char want[64];

	begin(&w, surface);
	snprintf(want, sizeof want, "surface=%d cert=%zu", (int)surface, w.good_der.n);
	cr_assert(ask_as(&w, &w.good, TLS1_3_VERSION, want, NULL));
	cr_assert(ask_as(&w, &w.good, TLS1_2_VERSION, want, NULL));
	cr_assert_eq(w.judged, 2);
	for (int v = TLS1_2_VERSION; v <= TLS1_3_VERSION; v++) {
		cr_expect_not(ask_as(&w, &w.bad, v, want, NULL), "a stranger came in");
		cr_expect_not(ask_as(&w, NULL, v, want, NULL), "nobody came in");
	}
	cr_assert_eq(w.judged, 4);
	end(&w);
}

Test(http_tls, a_client_certificate_is_required_and_judged_in_the_handshake)
{
	mutual(LG_SURFACE_MTLS);
}

/* RFC 8705 2.2: its key is proved, nothing else; nobody who wants a certificate sees one. */
Test(http_tls, a_self_signed_certificate_is_shown_and_not_believed)
{
	struct pki_cert own = pki_make("own", NULL);
	struct world w;
	char want[64];

	begin(&w, LG_SURFACE_MTLS);
	snprintf(want, sizeof want, "surface=2 cert=0 shown=%zu", pki_der(w.k.cx.arena, &own).n);
	cr_assert(ask_as(&w, &own, TLS1_3_VERSION, want, NULL));
	cr_assert(ask_as(&w, &own, TLS1_2_VERSION, want, NULL));
	end(&w);
	begin(&w, LG_SURFACE_STREAM);
	cr_assert_not(ask_as(&w, &own, TLS1_3_VERSION, want, NULL));
	end(&w);
	pki_free(&own);
}

Test(http_tls, streams_want_a_certificate_too)
{
	mutual(LG_SURFACE_STREAM);
}

Test(http_tls, a_client_with_a_certificate_is_judged_every_time)
{
	struct world w;
	SSL_SESSION *session = NULL;
	char want[64];

	begin(&w, LG_SURFACE_MTLS);
	snprintf(want, sizeof want, "surface=2 cert=%zu", w.good_der.n);
	cr_assert(ask_as(&w, &w.good, TLS1_2_VERSION, want, &session));
	w.good_der = LG_STR("revoked");
	int fd = kit_connect(&w.k);
	SSL *ssl = pki_connect(fd, &w.good, session, TLS1_2_VERSION);
	cr_assert_null(ask(ssl));
	SSL_free(ssl);
	close(fd);
	SSL_SESSION_free(session);
	end(&w);
}

Test(http_tls, the_identity_is_swapped_while_running)
{
	struct world w;
	struct pki_cert fresh = pki_make("fresh", NULL);

	begin(&w, LG_SURFACE_HTTPS);
	for (int i = 0; i < 5; i++) {
		cr_assert_eq(lg_http_identity_set(&w.k.cx, w.k.hs, pki_pem(w.k.cx.arena, &fresh), pki_key_pem(w.k.cx.arena, &fresh)), LG_OK);
		int fd = kit_connect(&w.k);
		SSL *ssl = pki_connect(fd, NULL, NULL, TLS1_3_VERSION);
		cr_assert_not_null(ssl);
		cr_assert_eq(X509_cmp(SSL_get0_peer_certificate(ssl), fresh.x), 0);
		SSL_free(ssl);
		close(fd);
	}
	cr_assert_eq(lg_http_identity_set(&w.k.cx, w.k.hs, LG_STR("no PEM"), LG_STR("at all")), LG_E_INVALID);
	cr_assert(ask_as(&w, NULL, TLS1_3_VERSION, "surface=1 cert=0", NULL), "the old one is still there");
	pki_free(&fresh);
	end(&w);
}

Test(http_tls, a_handshake_that_stands_still_is_cut)
{
	struct world w;
	int fd;

	begin(&w, LG_SURFACE_HTTPS);
	fd = kit_connect(&w.k);
	KIT_SEND(fd, "\x16\x03\x01");
	cr_assert(kit_closed(fd, 7000));
	close(fd);
	end(&w);
}
