/* outside.c: see outside.h. */
#include "tests/server/outside.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <net/if.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <openssl/x509.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* ---- a network -------------------------------------------------------------------------------------------- */

static bool
set_address(int fd, const char *name, const char *address)
{
	struct ifreq r = { .ifr_flags = 0 };
	struct sockaddr_in *in = (struct sockaddr_in *)(void *)&r.ifr_addr;

	snprintf(r.ifr_name, sizeof r.ifr_name, "%s", name);
	in->sin_family = AF_INET;
	return inet_pton(AF_INET, address, &in->sin_addr) == 1 && ioctl(fd, SIOCSIFADDR, &r) == 0;
}

bool
outside_network(const char *const *addresses, size_t n)
{
	struct ifreq up = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };
	bool fine;
	int fd;

	if (unshare(CLONE_NEWNET) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0)
		return false;
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	fine = fd >= 0 && ioctl(fd, SIOCSIFFLAGS, &up) == 0;
	for (size_t i = 0; i < n && fine; i++) {
		char name[] = "lo:0";

		name[3] = (char)('1' + i);
		fine = set_address(fd, name, addresses[i]);
	}
	close(fd);
	return fine;
}

static int
listen_at(int kind, uint16_t *port)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(*port), .sin_addr.s_addr = htonl(INADDR_ANY) };
	int fd = socket(AF_INET, kind, 0), on = 1;
	socklen_t n = sizeof at;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	cr_assert_eq(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
	cr_assert(kind == SOCK_DGRAM || listen(fd, 8) == 0);
	cr_assert_eq(getsockname(fd, (struct sockaddr *)&at, &n), 0);
	*port = ntohs(at.sin_port);
	return fd;
}

/* ---- HTTP -------------------------------------------------------------------------------------------------- */

static void
add_names(X509 *x)
{
	X509_EXTENSION *names = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1");

	X509_add_ext(x, names, -1);
	X509_EXTENSION_free(names);
}

static SSL_CTX *
tls_context(struct outside_http *s)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *x = X509_new();
	BIO *pem = BIO_new(BIO_s_mem());

	X509_set_version(x, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
	X509_gmtime_adj(X509_getm_notBefore(x), -60);
	X509_gmtime_adj(X509_getm_notAfter(x), s->expired ? -30 : 3600);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC, (const unsigned char *)"outside", -1, -1, 0);
	X509_set_issuer_name(x, X509_get_subject_name(x));
	X509_set_pubkey(x, key);
	add_names(x);
	cr_assert(X509_sign(x, key, EVP_sha256()) > 0 && SSL_CTX_use_certificate(ctx, x) == 1 && SSL_CTX_use_PrivateKey(ctx, key) == 1);
	PEM_write_bio_X509(pem, x);
	cr_assert(BIO_read(pem, s->pem, sizeof s->pem - 1) > 0);
	BIO_free(pem);
	X509_free(x);
	EVP_PKEY_free(key);
	return ctx;
}

static void
answer_tls(struct outside_http *s, int fd, size_t i)
{
	SSL *tls = SSL_new(s->ctx);

	SSL_set_fd(tls, fd);
	if (SSL_accept(tls) == 1) {
		SSL_read(tls, s->request[i], sizeof s->request[i] - 1);
		SSL_write(tls, s->reply[i], (int)strlen(s->reply[i]));
		if (!s->cut)
			SSL_shutdown(tls);
	}
	SSL_free(tls);
}

static void *
serve_http(void *arg)
{
	struct outside_http *s = arg;

	for (size_t i = 0; i < s->n; i++) {
		int fd = accept(s->fd, NULL, NULL);

		if (fd < 0)
			return NULL;
		atomic_fetch_add(&s->asked, 1);
		if (s->tls) {
			answer_tls(s, fd, i);
		} else if (recv(fd, s->request[i % LG_COUNT(s->request)], sizeof s->request[0] - 1, 0) > 0) {
			send(fd, s->reply[i], strlen(s->reply[i]), MSG_NOSIGNAL);
			shutdown(fd, SHUT_WR);
		}
		close(fd);
	}
	return NULL;
}

void
outside_http_start(struct outside_http *s, uint16_t port)
{
	s->ctx = s->tls ? tls_context(s) : NULL;
	s->port = port;
	s->fd = listen_at(SOCK_STREAM, &s->port);
	cr_assert_eq(pthread_create(&s->thread, NULL, serve_http, s), 0);
}

void
outside_http_end(struct outside_http *s)
{
	shutdown(s->fd, SHUT_RDWR);		/* ends an accept that still waits */
	pthread_join(s->thread, NULL);
	SSL_CTX_free(s->ctx);
	close(s->fd);
}

/* ---- DNS ------------------------------------------------------------------------------------------------------ */

static size_t
question(const uint8_t *q, size_t n, char name[256], uint16_t *type)
{
	size_t at = 12, out = 0;

	while (at < n && q[at] != 0) {
		if (out > 0)
			name[out++] = '.';
		for (size_t i = 0; i < q[at]; i++)
			name[out++] = (char)q[at + 1 + i];
		at += 1u + q[at];
	}
	name[out] = '\0';
	*type = (uint16_t)(q[at + 1] << 8 | q[at + 2]);
	return at + 5;
}

static size_t
put_record(uint8_t *r, const struct outside_record *rr)
{
	const uint8_t head[] = { 0xc0, 0x0c, (uint8_t)(rr->type >> 8), (uint8_t)rr->type, 0, 1, 0, 0, 0, 5, (uint8_t)(rr->data.n >> 8),
		(uint8_t)rr->data.n };

	memcpy(r, head, sizeof head);
	memcpy(r + sizeof head, rr->data.p, rr->data.n);
	return sizeof head + rr->data.n;
}

static size_t
dns_reply(struct outside_dns *s, const uint8_t *q, size_t n, bool cut, uint8_t *r)
{
	char name[256];
	uint16_t type, count = 0;
	size_t end = question(q, n, name, &type), size = end;

	memcpy(r, q, end);
	for (size_t i = 0; i < s->n && !cut && s->code == 0; i++) {
		struct outside_record *rr = &s->record[i];

		if (rr->type != type || strcmp(rr->name, name) != 0 || rr->times < 0)
			continue;
		size += put_record(r + size, rr);
		count++;
		if (rr->times > 0 && --rr->times == 0)
			rr->times = -1;
	}
	r[2] = (uint8_t)(0x81 | (cut ? 2 : 0));
	r[3] = (uint8_t)(0x80 | s->code);
	r[6] = 0;
	r[7] = (uint8_t)count;
	return size;
}

static void
answer_udp(struct outside_dns *s)
{
	static uint8_t r[16384];
	struct sockaddr_in from;
	socklen_t size = sizeof from;
	uint8_t q[512];
	ssize_t n = recvfrom(s->ufd, q, sizeof q, 0, (struct sockaddr *)&from, &size);
	size_t m;

	if (n < 17)
		return;
	atomic_fetch_add(&s->udp, 1);
	m = dns_reply(s, q, (size_t)n, s->truncated, r);
	if (s->liar) {
		r[0] ^= 1;
		sendto(s->ufd, r, m, 0, (struct sockaddr *)&from, size);
		r[0] ^= 1;
		r[13] ^= 1;
		sendto(s->ufd, r, m, 0, (struct sockaddr *)&from, size);
		r[13] ^= 1;
	}
	sendto(s->ufd, r, m, 0, (struct sockaddr *)&from, size);
}

static void
answer_tcp(struct outside_dns *s)
{
	static uint8_t r[16384];
	int fd = accept(s->tfd, NULL, NULL);
	uint8_t q[514];
	ssize_t n = fd < 0 ? -1 : recv(fd, q, sizeof q, 0);

	if (n > 19) {
		size_t m = dns_reply(s, q + 2, (size_t)n - 2, false, r + 2);

		atomic_fetch_add(&s->tcp, 1);
		r[0] = (uint8_t)(m >> 8);
		r[1] = (uint8_t)m;
		send(fd, r, 1, MSG_NOSIGNAL);		/* in two pieces, as networks do */
		send(fd, r + 1, m + 1, MSG_NOSIGNAL);
	}
	if (fd >= 0)
		close(fd);
}

static void *
serve_dns(void *arg)
{
	struct outside_dns *s = arg;

	while (!atomic_load(&s->over)) {
		struct pollfd p[2] = { { .fd = s->ufd, .events = POLLIN }, { .fd = s->tfd, .events = POLLIN } };

		if (poll(p, 2, 20) <= 0)
			continue;
		if (p[0].revents != 0)
			answer_udp(s);
		if (p[1].revents != 0)
			answer_tcp(s);
	}
	return NULL;
}

void
outside_dns_start(struct outside_dns *s)
{
	s->port = 0;
	s->ufd = listen_at(SOCK_DGRAM, &s->port);
	s->tfd = listen_at(SOCK_STREAM, &s->port);
	cr_assert_eq(pthread_create(&s->thread, NULL, serve_dns, s), 0);
}

void
outside_dns_end(struct outside_dns *s)
{
	atomic_store(&s->over, true);
	pthread_join(s->thread, NULL);
	close(s->ufd);
	close(s->tfd);
}

struct lg_web
outside_web(struct lg_arena *a, const struct outside_dns *dns, bool private_too)
{
	struct lg_settings *s = LG_NEW(a, struct lg_settings);

	s->outbound_private = private_too;
	if (dns != NULL)
		s->acme_resolver = lg_print(a, "127.0.0.1:%u", dns->port);
	return lg_fetch_web(a, s);
}

struct lg_acme_net
outside_net(struct lg_arena *a, const struct outside_dns *dns, uint16_t http, uint16_t alpn, bool private_too)
{
	struct lg_settings *s = LG_NEW(a, struct lg_settings);

	s->acme_private = private_too;
	s->acme_http_port = http;
	s->acme_alpn_port = alpn;
	if (dns != NULL)
		s->acme_resolver = lg_print(a, "127.0.0.1:%u", dns->port);
	return lg_fetch_net(a, s);
}
