/* fetch.c: the looks outside that ACME's challenges need; see fetch.h. */
#include "server/fetch.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "server/listen.h"

#define HEAD_MAX 8192

/* ---- addresses -------------------------------------------------------------------------------------------- */

/* IANA's special-purpose registries (RFC 6890): what is not global. */
static bool
public4(const uint8_t b[4])
{
	return b[0] != 0 && b[0] != 10 && b[0] != 127 && b[0] < 224 && !(b[0] == 100 && (b[1] & 0xc0) == 64) &&
	    !(b[0] == 169 && b[1] == 254) && !(b[0] == 172 && (b[1] & 0xf0) == 16) && !(b[0] == 192 && b[1] == 168) &&
	    !(b[0] == 192 && b[1] == 0 && b[2] == 0) && !(b[0] == 198 && (b[1] & 0xfe) == 18);
}

bool
lg_fetch_public(const struct sockaddr *a)
{
	if (a->sa_family == AF_INET)
		return public4((const uint8_t *)&((const struct sockaddr_in *)(const void *)a)->sin_addr);
	/* 2000::/3 is all that is given out; 6to4 and the like lead to IPv4 addresses inside it. */
	const uint8_t *b = ((const struct sockaddr_in6 *)(const void *)a)->sin6_addr.s6_addr;
	return (b[0] & 0xe0) == 0x20 && !(b[0] == 0x20 && b[1] == 0x02) && !(b[0] == 0x20 && b[1] == 0x01 && b[2] == 0 && b[3] == 0);
}

struct targets {
	struct sockaddr_storage v[LG_FETCH_ADDRESSES];
	size_t n;
};

static void
add(struct targets *t, lg_str ip, uint16_t port)
{
	struct sockaddr_storage *s = &t->v[t->n++];

	if (ip.n == 4) {
		struct sockaddr_in *in = (struct sockaddr_in *)(void *)s;

		in->sin_family = AF_INET;
		in->sin_port = htons(port);
		memcpy(&in->sin_addr, ip.p, 4);
	} else {
		struct sockaddr_in6 *in = (struct sockaddr_in6 *)(void *)s;

		in->sin6_family = AF_INET6;
		in->sin6_port = htons(port);
		memcpy(&in->sin6_addr, ip.p, 16);
	}
}

static bool
literal(struct lg_arena *a, lg_str host, lg_str *ret)
{
	char *raw = lg_alloc(a, 16);
	lg_str z = lg_dup(a, host);

	ret->p = raw;
	ret->n = inet_pton(AF_INET, z.p, raw) == 1 ? 4 : inet_pton(AF_INET6, z.p, raw) == 1 ? 16 : 0;
	return ret->n > 0;
}

static lg_err
resolve(struct lg_ctx *cx, const struct lg_fetch *f, int64_t deadline, lg_str host, uint16_t port, struct targets *ret)
{
	static const enum lg_dns_type types[] = { LG_DNS_A, LG_DNS_AAAA };
	lg_str ip[LG_FETCH_ADDRESSES];
	lg_err e = LG_OK;
	size_t n;

	ret->n = 0;
	if (literal(cx->arena, host, &ip[0])) {
		add(ret, ip[0], port);
		return LG_OK;
	}
	if (lg_str_eq(host, LG_STR("localhost"))) {	/* RFC 6761 6.3 */
		add(ret, LG_STR("\x7f\0\0\x01"), port);
		return LG_OK;
	}
	for (size_t t = 0; t < LG_COUNT(types); t++) {
		e = lg_dns_ask(cx, f, deadline, host, types[t], LG_COUNT(ip) - ret->n, ip, &n);
		for (size_t i = 0; e == LG_OK && i < n; i++)
			add(ret, ip[i], port);
		if (ret->n > 0)
			return LG_OK;
	}
	return e;
}

/* ---- connections --------------------------------------------------------------------------------------------- */

static bool
wait_for(int fd, short events, int64_t deadline)
{
	struct pollfd p = { .fd = fd, .events = events };
	int64_t left = deadline - lg_boottime();

	return left > 0 && poll(&p, 1, (int)(left / 1000) + 1) > 0;
}

static int
connect_to(const struct sockaddr_storage *to, int64_t deadline)
{
	int fd = socket(to->ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), fault = 0;
	socklen_t n = sizeof fault, size = to->ss_family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);

	if (fd < 0)
		return -1;
	if (connect(fd, (const struct sockaddr *)to, size) == 0)
		return fd;
	if (errno == EINPROGRESS && wait_for(fd, POLLOUT, deadline) &&
	    getsockopt(fd, SOL_SOCKET, SO_ERROR, &fault, &n) == 0 && fault == 0)
		return fd;
	close(fd);
	return -1;
}

/* The address that was judged is the one that is spoken to: nothing is resolved twice. */
static lg_err
reach(struct lg_ctx *cx, const struct lg_fetch *f, int64_t deadline, lg_str host, uint16_t port, int *ret)
{
	struct targets t = { .n = 0 };
	bool allowed = false;

	LG_TRY(resolve(cx, f, deadline, host, port, &t));
	for (size_t i = 0; i < t.n; i++) {
		if (!f->private_too && !lg_fetch_public((const struct sockaddr *)&t.v[i]))
			continue;
		allowed = true;
		*ret = connect_to(&t.v[i], deadline);
		if (*ret >= 0)
			return LG_OK;
	}
	if (!allowed)
		return lg_fail(cx, LG_E_DENIED, "%.*s leads to addresses that are not looked at", LG_FMT(host));
	return lg_fail(cx, LG_E_UNAVAILABLE, "no connection to %.*s port %u", LG_FMT(host), port);
}

/* ---- http-01 ----------------------------------------------------------------------------------------------------- */

static bool
send_all(int fd, lg_str s, int64_t deadline)
{
	while (s.n > 0) {
		ssize_t n = send(fd, s.p, s.n, MSG_NOSIGNAL);

		if (n < 0 && (errno != EAGAIN || !wait_for(fd, POLLOUT, deadline)))
			return false;
		s = lg_str_sub(s, n > 0 ? (size_t)n : 0, s.n);
	}
	return true;
}

/* Everything up to the end of the connection, HTTP/1.0's own end. */
static bool
read_all(int fd, struct lg_buf *b, int64_t deadline)
{
	char part[2048];

	while (!b->full && wait_for(fd, POLLIN, deadline)) {
		ssize_t n = recv(fd, part, sizeof part, 0);

		if (n == 0)
			return true;
		if (n < 0 && errno != EAGAIN)
			return false;
		lg_buf_bytes(b, part, n > 0 ? (size_t)n : 0);
	}
	return false;
}

static lg_err
read_reply(struct lg_ctx *cx, lg_str reply, lg_str *body)
{
	const char *end = reply.n == 0 ? NULL : memmem(reply.p, reply.n, "\r\n\r\n", 4);

	if (end == NULL || !lg_str_starts(reply, LG_STR("HTTP/1.")) || reply.n < 12)
		return lg_fail(cx, LG_E_INVALID, "the answer is not HTTP/1");
	if (!lg_str_starts(lg_str_sub(reply, 8, reply.n), LG_STR(" 200")))
		return lg_fail(cx, LG_E_INVALID, "the answer's status is %.*s", 3, reply.p + 9);
	*body = lg_str_sub(reply, (size_t)(end - reply.p) + 4, reply.n);
	if (body->n > LG_ACME_BODY)
		return lg_fail(cx, LG_E_INVALID, "the answer has more than %d octets", LG_ACME_BODY);
	*body = lg_dup(cx->arena, *body);
	return LG_OK;
}

static lg_err
fetch_http(void *self, struct lg_ctx *cx, lg_str host, lg_str path, lg_str *body)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(HEAD_MAX + LG_ACME_BODY);
	const struct lg_fetch *f = self;
	int64_t deadline = lg_boottime() + LG_FETCH_TIME;
	bool six = memchr(host.p, ':', host.n) != NULL, fine;
	lg_str request;
	int fd;

	LG_TRY(reach(cx, f, deadline, host, f->http_port, &fd));
	request = lg_print(cx->arena, "GET %.*s HTTP/1.0\r\nHost: %s%.*s%s\r\nUser-Agent: lightgate\r\nAccept: */*\r\n\r\n", LG_FMT(path),
	    six ? "[" : "", LG_FMT(host), six ? "]" : "");
	fine = send_all(fd, request, deadline) && read_all(fd, &b, deadline);
	close(fd);
	if (!fine)
		return lg_fail(cx, LG_E_UNAVAILABLE, "%.*s did not answer in time, or with too much", LG_FMT(host));
	return read_reply(cx, lg_buf_view(&b), body);
}

/* ---- dns-01 --------------------------------------------------------------------------------------------------------- */

static lg_err
fetch_txt(void *self, struct lg_ctx *cx, lg_str name, lg_str *ret, size_t *n)
{
	return lg_dns_ask(cx, self, lg_boottime() + LG_FETCH_TIME, name, LG_DNS_TXT, LG_ACME_TXT, ret, n);
}

/* ---- tls-alpn-01 ------------------------------------------------------------------------------------------------------ */

static void
ctx_free(SSL_CTX **c)
{
	SSL_CTX_free(*c);
}

static void
ssl_free(SSL **s)
{
	SSL_free(*s);
}

static bool
handshake(SSL *s, int fd, int64_t deadline)
{
	for (;;) {
		int n = SSL_connect(s), why;

		if (n == 1)
			return true;
		why = SSL_get_error(s, n);
		if ((why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE) ||
		    !wait_for(fd, why == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT, deadline))
			return false;
	}
}

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

/* Nothing is verified here: the certificate is the challenge's answer, and signed by itself (RFC 8737 3). */
static lg_err
shake_hands(struct lg_ctx *cx, int fd, lg_str sni, int64_t deadline, lg_str *cert)
{
	static const unsigned char alpn[] = "\x0a" "acme-tls/1";
	LG_AUTO(ctx_free) SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	LG_AUTO(ssl_free) SSL *s = ctx == NULL ? NULL : SSL_new(ctx);
	const char *name;

	LG_TRY(lg_cstr(cx, sni, &name));
	if (s == NULL || SSL_set_min_proto_version(s, TLS1_2_VERSION) != 1 || SSL_set_fd(s, fd) != 1 ||
	    SSL_set_tlsext_host_name(s, name) != 1 || SSL_set_alpn_protos(s, alpn, sizeof alpn - 1) != 0)
		return lg_fail(cx, LG_E_INTERNAL, "TLS cannot be set up");
	if (!handshake(s, fd, deadline))
		return lg_fail(cx, LG_E_INVALID, "the TLS handshake failed");
	return take_certificate(cx, s, cert);
}

static lg_err
fetch_alpn(void *self, struct lg_ctx *cx, lg_str host, lg_str sni, lg_str *cert)
{
	const struct lg_fetch *f = self;
	int64_t deadline = lg_boottime() + LG_FETCH_TIME;
	lg_err e;
	int fd;

	LG_TRY(reach(cx, f, deadline, host, f->alpn_port, &fd));
	e = shake_hands(cx, fd, sni, deadline, cert);
	close(fd);
	return e;
}

/* ---- the port ------------------------------------------------------------------------------------------------------------- */

/* The first "nameserver" of /etc/resolv.conf, as an address with a port. */
static lg_str
host_resolver(struct lg_arena *a)
{
	struct lg_ctx cx;
	lg_str text, line, word, value;

	lg_ctx_init(&cx, a);
	if (lg_file_read(&cx, "/etc/resolv.conf", 64u << 10, &text) != LG_OK)
		return LG_NONE;
	while (text.n > 0) {
		lg_str_cut(text, '\n', &line, &text);
		if (lg_str_cut(lg_str_trim(line), ' ', &word, &value) && lg_str_eq(word, LG_STR("nameserver"))) {
			value = lg_str_trim(value);
			return lg_print(a, memchr(value.p, ':', value.n) != NULL ? "[%.*s]:53" : "%.*s:53", LG_FMT(value));
		}
	}
	return LG_NONE;
}

struct lg_acme_net
lg_fetch_net(struct lg_arena *a, const struct lg_settings *s)
{
	struct lg_fetch *f = LG_NEW(a, struct lg_fetch);
	lg_str resolver = s->acme_resolver.n > 0 ? s->acme_resolver : host_resolver(a);
	struct lg_ctx cx;

	lg_ctx_init(&cx, a);
	if (resolver.n == 0 || lg_address_parse(&cx, resolver, &f->resolver, &f->resolver_size) != LG_OK)
		f->resolver_size = 0;
	f->http_port = (uint16_t)s->acme_http_port;
	f->alpn_port = (uint16_t)s->acme_alpn_port;
	f->private_too = s->acme_private;
	return (struct lg_acme_net){ f, fetch_http, fetch_txt, fetch_alpn };
}
