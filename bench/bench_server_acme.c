/*
 * bench_server_acme.c: ACME clients, each ordering one certificate after the other by http-01, and what that costs the server.
 *
 *	server_acme [-c CLIENTS] [-n ORDERS] [-p PID]... DIRECTORY-URL HTTP-PORT DNS-PORT
 *
 * It is also the web server that answers all challenges and the DNS server in which every name is 127.0.0.1; neither is counted.
 * An order is newOrder, authorization, challenge, the order until it is ready, finalize, the order until it is valid, the certificate.
 * Works with any ACME server that takes accounts without a key; prints orders/s, CPU of the processes (us an order), p50 and p99 (us).
 */
#include <openssl/ssl.h>
#include <poll.h>
#include <pthread.h>

#include "base/json.h"
#include "base/text.h"
#include "bench/bench.h"
#include "lightgate/crypto.h"

enum { CLIENTS = 32, ANSWER = 65536, PATIENCE = 500 };

struct client {
	struct lg_ctx cx;
	struct lg_key *key, *leaf;
	lg_str kid, nonce;
	SSL *tls;
	lg_str body, location;
	int orders;
	unsigned number;
};

static struct {
	lg_str host, address, directory, nonce, account, order;	/* of the server */
	SSL_CTX *tls;
	int orders;
} run;
static struct bench bench;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* ---- who is looked at -------------------------------------------------------------------------------------- */

/* Token and thumbprint: the token comes in the path, the thumbprint is the same for all, because all clients have one key. */
static lg_str thumbprint;
static int web, dns;

static void *
serve_web(void *arg)
{
	char request[4096], reply[512];

	(void)arg;
	for (;;) {
		int fd = accept(web, NULL, NULL);
		ssize_t n = fd < 0 ? -1 : recv(fd, request, sizeof request - 1, 0);
		char *token = n <= 0 ? NULL : (request[n] = '\0', strstr(request, "/acme-challenge/"));

		if (token != NULL) {
			token += 16;
			n = snprintf(reply, sizeof reply, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n%.*s.%.*s",
			    strcspn(token, " ") + 1 + thumbprint.n, (int)strcspn(token, " "), token, LG_FMT(thumbprint));
			must(send(fd, reply, (size_t)n, MSG_NOSIGNAL) == n, "a challenge's answer");
		}
		if (fd >= 0)
			close(fd);
	}
	return NULL;
}

static void *
serve_dns(void *arg)
{
	static const uint8_t a[] = { 0xc0, 0x0c, 0, 1, 0, 1, 0, 0, 0, 1, 0, 4, 127, 0, 0, 1 };
	uint8_t q[1024];

	(void)arg;
	for (;;) {
		struct sockaddr_in from;
		socklen_t size = sizeof from;
		ssize_t n = recvfrom(dns, q, 512, 0, (struct sockaddr *)&from, &size);
		size_t end = 12;

		if (n < 17)
			continue;
		while (end < (size_t)n && q[end] != 0)
			end += 1u + q[end];
		end += 5;
		q[2] = 0x81;
		q[3] = 0x80;
		memset(q + 6, 0, 6);
		if (q[end - 3] == 1 && q[end - 4] == 0) {	/* A; nothing of other types */
			q[7] = 1;
			memcpy(q + end, a, sizeof a);
			end += sizeof a;
		}
		sendto(dns, q, end, 0, (struct sockaddr *)&from, size);
	}
	return NULL;
}

static int
bind_to(int kind, const char *port)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port)), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, kind | SOCK_CLOEXEC, 0), on = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	must(fd >= 0 && bind(fd, (struct sockaddr *)&at, sizeof at) == 0 && (kind == SOCK_DGRAM || listen(fd, 128) == 0), port);
	return fd;
}

/* ---- HTTP over TLS, one connection a client ------------------------------------------------------------------- */

static void
connect_tls(struct client *c)
{
	int fd = bench_connect(run.address.p);

	c->tls = SSL_new(run.tls);
	must(c->tls != NULL && SSL_set_fd(c->tls, fd) == 1 && SSL_connect(c->tls) == 1, "a TLS handshake");
}

static lg_str
header(lg_str head, const char *name)
{
	lg_str line, key, value, rest = head;

	while (rest.n > 0) {
		lg_str_cut(rest, '\n', &line, &rest);
		if (lg_str_cut(line, ':', &key, &value) && lg_str_eq_fold(key, lg_str_of(name)))
			return lg_str_trim(value);
	}
	return LG_NONE;
}

/* The body of an answer that is all there; pebble's longer ones come in one chunk and an empty one. */
static bool
body_of(lg_str answer, lg_str *head, lg_str *body)
{
	const char *end = memmem(answer.p, answer.n, "\r\n\r\n", 4);
	int64_t length = 0;
	lg_str size;

	if (end == NULL)
		return false;
	*head = (lg_str){ answer.p, (size_t)(end - answer.p) };
	*body = lg_str_sub(answer, head->n + 4, answer.n);
	if (header(*head, "Transfer-Encoding").n > 0) {
		lg_str_cut(*body, '\n', &size, body);
		return lg_str_ends(answer, LG_STR("\r\n0\r\n\r\n"));
	}
	(void)lg_int_parse(header(*head, "Content-Length"), &length);
	return body->n >= (size_t)length;
}

/* The answer's body, location and nonce; anything but 2xx ends the bench. */
static void
receive(struct client *c)
{
	char *b = lg_alloc(c->cx.arena, ANSWER);
	lg_str head = LG_NONE;
	size_t have = 0;

	do {
		int n = SSL_read(c->tls, b + have, (int)(ANSWER - have));

		must(n > 0, "an answer");
		have += (size_t)n;
	} while (!body_of((lg_str){ b, have }, &head, &c->body));
	if (b[9] != '2') {
		fprintf(stderr, "%.*s\n", (int)have, b);
		exit(1);
	}
	c->location = header(head, "Location");
	if (header(head, "Replay-Nonce").n > 0)
		c->nonce = header(head, "Replay-Nonce");
}

static void
ask(struct client *c, const char *method, lg_str url, lg_str body)
{
	lg_str path = lg_str_sub(url, run.host.n + 8, url.n);
	lg_str request = lg_print(c->cx.arena, "%s %.*s HTTP/1.1\r\nHost: %.*s\r\nUser-Agent: bench\r\n%sContent-Length: %zu\r\n\r\n", method,
	    LG_FMT(path), LG_FMT(run.host), body.n > 0 ? "Content-Type: application/jose+json\r\n" : "", body.n);

	request = lg_cat(c->cx.arena, request, body);
	must(SSL_write(c->tls, request.p, (int)request.n) == (int)request.n, "a request");
	receive(c);
}

static lg_str
member(struct client *c, const char *name)
{
	lg_str key = lg_print(c->cx.arena, "\"%s\"", name);
	const char *at = memmem(c->body.p, c->body.n, key.p, key.n), *from = at == NULL ? NULL : strchr(at + key.n, '"'),
	    *to = from == NULL ? NULL : strchr(from + 1, '"');

	must(to != NULL, name);
	return (lg_str){ from + 1, (size_t)(to - from - 1) };
}

static lg_str
jwk_of(struct client *c)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(4096);
	lg_str x, y, json;
	const char *at;

	lg_pubkey_jwk(lg_key_public(c->key), LG_NONE, LG_ALG_ES256, &b);
	json = lg_buf_view(&b);
	at = memmem(json.p, json.n, "\"x\":\"", 5);
	x = (lg_str){ at + 5, 43 };
	at = memmem(json.p, json.n, "\"y\":\"", 5);
	y = (lg_str){ at + 5, 43 };
	return lg_print(c->cx.arena, "{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"%.*s\",\"y\":\"%.*s\"}", LG_FMT(x), LG_FMT(y));
}

static void
post(struct client *c, lg_str url, lg_str payload)
{
	struct lg_arena *a = c->cx.arena;
	lg_str who = c->kid.n > 0 ? lg_print(a, "\"kid\":\"%.*s\"", LG_FMT(c->kid)) : lg_cat(a, LG_STR("\"jwk\":"), jwk_of(c));
	lg_str head = lg_base64url(a, lg_print(a, "{\"alg\":\"ES256\",\"nonce\":\"%.*s\",\"url\":\"%.*s\",%.*s}", LG_FMT(c->nonce), LG_FMT(url),
	    LG_FMT(who)));
	lg_str body = lg_base64url(a, payload), sig;

	must(lg_key_sign_jose(&c->cx, c->key, LG_ALG_ES256, lg_print(a, "%.*s.%.*s", LG_FMT(head), LG_FMT(body)), &sig) == LG_OK, "a signature");
	sig = lg_base64url(a, sig);
	ask(c, "POST", url, lg_print(a, "{\"protected\":\"%.*s\",\"payload\":\"%.*s\",\"signature\":\"%.*s\"}", LG_FMT(head), LG_FMT(body),
	    LG_FMT(sig)));
}

/* ---- an order --------------------------------------------------------------------------------------------------- */

static bool
shows(const struct client *c, const char *text)
{
	return memmem(c->body.p, c->body.n, text, strlen(text)) != NULL;
}

/* pebble writes a space behind the colon. */
static bool
is_status(const struct client *c, const char *status)
{
	char tight[64], wide[64];

	snprintf(tight, sizeof tight, "\"status\":\"%s\"", status);
	snprintf(wide, sizeof wide, "\"status\": \"%s\"", status);
	return shows(c, tight) || shows(c, wide);
}

static void
until(struct client *c, lg_str url, const char *status)
{
	for (int i = 0; !is_status(c, status); i++) {
		must(i < PATIENCE && !is_status(c, "invalid"), status);
		if (i > 0)
			poll(NULL, 0, 5);
		post(c, url, LG_NONE);
	}
}

static lg_str
challenge_url(struct client *c)
{
	const char *http = memmem(c->body.p, c->body.n, "\"http-01\"", 9), *begin = http, *end;
	struct client part = *c;

	must(http != NULL, "an http-01 challenge");
	while (*begin != '{')
		begin--;
	end = strchr(http, '}');
	part.body = (lg_str){ begin, (size_t)(end - begin) };
	return member(&part, "url");
}

static void
order_one(struct client *c)
{
	struct lg_arena *a = c->cx.arena;
	lg_str dns_name = lg_print(a, "n%u-%d.example.org", c->number, c->orders), order, finalize, authz, csr;
	struct lg_csr_names names = { .dns = &dns_name, .ndns = 1 };

	post(c, run.order, lg_print(a, "{\"identifiers\":[{\"type\":\"dns\",\"value\":\"%.*s\"}]}", LG_FMT(dns_name)));
	order = lg_dup(a, c->location);
	finalize = member(c, "finalize");
	authz = member(c, "authorizations");
	post(c, authz, LG_NONE);
	post(c, challenge_url(c), LG_STR("{}"));
	c->body = LG_NONE;
	until(c, order, "ready");
	must(lg_csr_make(&c->cx, c->leaf, &names, &csr) == LG_OK, "a request");
	csr = lg_base64url(a, csr);
	post(c, finalize, lg_print(a, "{\"csr\":\"%.*s\"}", LG_FMT(csr)));
	until(c, order, "valid");
	post(c, member(c, "certificate"), LG_NONE);
	must(lg_str_starts(c->body, LG_STR("-----BEGIN CERTIFICATE-----")), "a certificate");
}

static void
keep(lg_str *s, struct lg_arena *a)
{
	*s = lg_dup(a, *s);
}

static void *
run_client(void *arg)
{
	struct client *c = arg;
	struct lg_arena *life = c->cx.arena, *turn = lg_arena_new();
	char nonce[256];

	for (; c->orders < run.orders; c->orders++) {
		int64_t asked = lg_monotonic_ns();

		c->cx.arena = turn;
		order_one(c);
		pthread_mutex_lock(&lock);
		bench_answer(&bench, asked);
		pthread_mutex_unlock(&lock);
		must(c->nonce.n < sizeof nonce, "a nonce");
		memcpy(nonce, c->nonce.p, c->nonce.n);
		c->nonce = (lg_str){ nonce, c->nonce.n };
		lg_arena_reset(turn);
	}
	c->cx.arena = life;
	lg_arena_free(&turn);
	return NULL;
}

/* ---- set-up -------------------------------------------------------------------------------------------------------- */

/* Accounts are separate, their keys are too; but one key answers for all challenges, so all clients share it: one account. */
static void
make_client(struct client *c, unsigned number, struct lg_key *key)
{
	lg_ctx_init(&c->cx, lg_arena_new());
	c->number = number;
	c->key = key;
	must(lg_key_generate(&c->cx, LG_KEY_P256, &c->leaf) == LG_OK, "a key");
	connect_tls(c);
	ask(c, "HEAD", run.nonce, LG_NONE);
	post(c, run.account, LG_STR("{\"termsOfServiceAgreed\":true}"));
	c->kid = c->location;
	keep(&c->kid, c->cx.arena);
}

static void
find_server(struct client *c, const char *url)
{
	lg_str rest = lg_str_sub(lg_str_of(url), 8, SIZE_MAX);

	lg_str_cut(rest, '/', &run.host, &rest);
	run.address = lg_dup(c->cx.arena, run.host);
	run.tls = SSL_CTX_new(TLS_client_method());
	connect_tls(c);
	ask(c, "GET", lg_str_of(url), LG_NONE);
	run.nonce = member(c, "newNonce");
	run.account = member(c, "newAccount");
	run.order = member(c, "newOrder");
}

int
main(int argc, char **argv)
{
	static struct client client[CLIENTS], first;
	unsigned n = 8;
	pthread_t thread[CLIENTS], other;
	struct lg_key *key;
	lg_sha256 print;
	int opt;

	run.orders = 100;
	while ((opt = getopt(argc, argv, "c:n:p:")) != -1)
		if (opt == 'c')
			n = (unsigned)atoi(optarg);
		else if (opt == 'n')
			run.orders = atoi(optarg);
		else
			bench_pid(&bench, optarg);
	must(argc - optind == 3 && n > 0 && n <= CLIENTS, "server_acme [-c CLIENTS] [-n ORDERS] [-p PID]... DIRECTORY-URL HTTP-PORT DNS-PORT");
	lg_ctx_init(&first.cx, lg_arena_new());
	must(lg_key_generate(&first.cx, LG_KEY_P256, &key) == LG_OK, "a key");
	print = lg_pubkey_thumbprint(lg_key_public(key));
	thumbprint = lg_base64url(first.cx.arena, lg_sha256_str(&print));
	web = bind_to(SOCK_STREAM, argv[optind + 1]);
	dns = bind_to(SOCK_DGRAM, argv[optind + 2]);
	must(pthread_create(&other, NULL, serve_web, NULL) == 0 && pthread_create(&other, NULL, serve_dns, NULL) == 0, "threads");
	find_server(&first, argv[optind]);
	for (unsigned i = 0; i < n; i++)
		make_client(&client[i], i, key);
	bench_begin(&bench);
	for (unsigned i = 0; i < n; i++)
		must(pthread_create(&thread[i], NULL, run_client, &client[i]) == 0, "a thread");
	for (unsigned i = 0; i < n; i++)
		pthread_join(thread[i], NULL);
	bench_report(&bench);
	return 0;
}
