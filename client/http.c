/*
 * http.c: libcurl behind struct lg_link.  A handle is lent to one call at a time; its connection stays open in it.  What plain.c can do goes
 * without it.
 */
#include "client/http_own.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void
start_curl(void)
{
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		abort();
}

/* ---- links ------------------------------------------------------------------------------------- */

lg_err
lg_link_new(struct lg_ctx *cx, const struct lg_endpoint *at, struct lg_link **ret)
{
	struct lg_arena *a;
	struct lg_link *l;
	const char *url;

	if (!lg_str_starts(at->url, LG_STR("https://")) && at->socket.n == 0 && !lg_str_starts(at->url, LG_STR("http://")))
		return lg_fail(cx, LG_E_INVALID, "\"%.*s\" is not a URL of the form https://host:port", LG_FMT(at->url));
	LG_TRY(lg_cstr(cx, at->url, &url));
	LG_TRY(lg_cstr(cx, at->socket, &url));
	pthread_once(&once, start_curl);
	a = lg_arena_new();
	l = LG_NEW(a, struct lg_link);
	l->arena = a;
	l->at = *at;
	l->at.url = lg_dup(a, at->url);
	l->at.socket = lg_dup(a, at->socket);
	l->at.ca = lg_dup(a, at->ca);
	l->at.cert = lg_dup(a, at->cert);
	l->at.key = lg_dup(a, at->key);
	l->url = l->at.url.p;
	l->socket = l->at.socket.n > 0 ? l->at.socket.p : NULL;
	lg_plain_init(&l->plain, l->socket, l->at.url);
	pthread_mutex_init(&l->lock, NULL);
	*ret = l;
	return LG_OK;
}

void
lg_link_free(struct lg_link **link)
{
	struct lg_link *l = *link;

	if (l == NULL)
		return;
	for (size_t i = 0; i < l->nidle; i++)
		curl_easy_cleanup(l->idle[i]);
	pthread_mutex_destroy(&l->lock);
	lg_plain_end(&l->plain);
	struct lg_arena *a = l->arena;
	lg_arena_free(&a);
	*link = NULL;
}

static CURL *
borrow(struct lg_link *l)
{
	CURL *c = NULL;

	pthread_mutex_lock(&l->lock);
	if (l->nidle > 0)
		c = l->idle[--l->nidle];
	pthread_mutex_unlock(&l->lock);
	if (c == NULL && (c = curl_easy_init()) == NULL)
		abort();		/* out of memory, as in lg_alloc */
	return c;
}

static void
give_back(struct lg_link *l, CURL *c)
{
	curl_easy_reset(c);		/* keeps the connection */
	pthread_mutex_lock(&l->lock);
	if (l->nidle < LG_LINK_IDLE) {
		l->idle[l->nidle++] = c;
		c = NULL;
	}
	pthread_mutex_unlock(&l->lock);
	if (c != NULL)
		curl_easy_cleanup(c);
}

/* ---- cut from outside ---------------------------------------------------------------------------------- */

void
lg_cut_init(struct lg_cut *c)
{
	pthread_mutex_init(&c->lock, NULL);
	c->fd = -1;
	c->done = false;
}

void
lg_cut_now(struct lg_cut *c)
{
	pthread_mutex_lock(&c->lock);
	c->done = true;
	if (c->fd >= 0)
		shutdown(c->fd, SHUT_RDWR);
	pthread_mutex_unlock(&c->lock);
}

void
lg_cut_end(struct lg_cut *c)
{
	pthread_mutex_destroy(&c->lock);
}

static curl_socket_t
open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *at)
{
	struct lg_cut *c = arg;
	int fd = -1;

	(void)purpose;
	pthread_mutex_lock(&c->lock);
	if (!c->done)
		c->fd = fd = socket(at->family, at->socktype | SOCK_CLOEXEC, at->protocol);
	pthread_mutex_unlock(&c->lock);
	return fd >= 0 ? fd : CURL_SOCKET_BAD;
}

/* The number may be another's at once: whoever cuts must not see it any more. */
static int
close_socket(void *arg, curl_socket_t fd)
{
	struct lg_cut *c = arg;

	pthread_mutex_lock(&c->lock);
	if (c->fd == fd)
		c->fd = -1;
	pthread_mutex_unlock(&c->lock);
	return close(fd);
}

/* A connection that can be cut is the call's own and ends with it. */
static void
set_long(const struct lg_call *call, CURL *c)
{
	if (call->silence > 0) {
		curl_easy_setopt(c, CURLOPT_LOW_SPEED_LIMIT, 1L);
		curl_easy_setopt(c, CURLOPT_LOW_SPEED_TIME, (long)((call->silence + 999999) / 1000000));
		curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, 0L);
		curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, (long)(call->silence / 1000));
	}
	if (call->cut == NULL)
		return;
	curl_easy_setopt(c, CURLOPT_OPENSOCKETFUNCTION, open_socket);
	curl_easy_setopt(c, CURLOPT_OPENSOCKETDATA, call->cut);
	curl_easy_setopt(c, CURLOPT_CLOSESOCKETFUNCTION, close_socket);
	curl_easy_setopt(c, CURLOPT_CLOSESOCKETDATA, call->cut);
	curl_easy_setopt(c, CURLOPT_FRESH_CONNECT, 1L);
	curl_easy_setopt(c, CURLOPT_FORBID_REUSE, 1L);
}

/* ---- one transfer ------------------------------------------------------------------------------- */

static size_t
take_body(char *p, size_t size, size_t n, void *arg)
{
	struct lg_transfer *t = arg;
	long status = 0;

	n *= size;
	if (t->call->sink != NULL && curl_easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &status) == CURLE_OK && status == 200)
		return t->call->sink(t->call->arg, (lg_str){ p, n }) ? n : 0;
	lg_buf_bytes(&t->body, p, n);
	return t->body.full ? 0 : n;
}

static void
add_header(struct lg_ctx *cx, struct lg_transfer *t, const char *name, lg_str value)
{
	struct curl_slist *more = curl_slist_append(t->headers, lg_print(cx->arena, "%s: %.*s", name, LG_FMT(value)).p);

	if (more == NULL)
		abort();
	t->headers = more;
}

/* A line break in a token or header would start another header. */
static bool
is_header_value(lg_str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < ' ' || s.p[i] == 0x7f)
			return false;
	return true;
}

static lg_err
check_call(struct lg_ctx *cx, const struct lg_link *l, const struct lg_call *call)
{
	if (call->token.n > 0 && l->at.unverified)
		return lg_fail(cx, LG_E_INTERNAL, "a token is never sent to a server that was not verified");
	if (!is_header_value(call->token))
		return lg_fail(cx, LG_E_INVALID, "the token has characters that no token has");
	if (!is_header_value(call->path) || (call->path.n > 0 && memchr(call->path.p, ' ', call->path.n) != NULL))
		return lg_fail(cx, LG_E_INVALID, "the path has characters that no path has");
	for (size_t i = 0; i < LG_CALL_HEADERS; i++)
		if (call->headers[i].name != NULL && !is_header_value(call->headers[i].value))
			return lg_fail(cx, LG_E_INVALID, "%s: characters that no header has", call->headers[i].name);
	return LG_OK;
}

static void
set_headers(struct lg_ctx *cx, struct lg_transfer *t)
{
	const struct lg_call *call = t->call;

	if (call->token.n > 0)
		add_header(cx, t, "Authorization", lg_cat(cx->arena, LG_STR("Bearer "), call->token));
	if (call->body.n > 0)
		add_header(cx, t, "Content-Type", lg_str_of(call->type == NULL ? "application/json" : call->type));
	add_header(cx, t, "Expect", LG_STR(""));		/* no 100-continue: a round trip for nothing */
	for (size_t i = 0; i < LG_CALL_HEADERS; i++)
		if (call->headers[i].name != NULL)
			add_header(cx, t, call->headers[i].name, call->headers[i].value);
	curl_easy_setopt(t->curl, CURLOPT_HTTPHEADER, t->headers);
}

static void
set_blob(CURL *c, CURLoption option, lg_str pem)
{
	struct curl_blob blob = { (void *)(uintptr_t)pem.p, pem.n, CURL_BLOB_COPY };

	if (pem.n > 0)
		curl_easy_setopt(c, option, &blob);
}

static void
set_trust(const struct lg_link *l, CURL *c)
{
	curl_easy_setopt(c, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	if (l->at.unverified) {
		curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, 0L);
		curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, 0L);
		curl_easy_setopt(c, CURLOPT_CERTINFO, 1L);
		return;
	}
	if (l->at.ca.n > 0) {
		/* With roots of its own the service is not vouched for by the system's: libcurl would add CAPATH. */
		set_blob(c, CURLOPT_CAINFO_BLOB, l->at.ca);
		curl_easy_setopt(c, CURLOPT_CAPATH, NULL);
	}
	set_blob(c, CURLOPT_SSLCERT_BLOB, l->at.cert);
	set_blob(c, CURLOPT_SSLKEY_BLOB, l->at.key);
}

static lg_err
set_up(struct lg_ctx *cx, const struct lg_link *l, struct lg_transfer *t)
{
	const struct lg_call *call = t->call;
	CURL *c = t->curl;
	int64_t time = call->time == 0 ? LG_CALL_TIME : call->time;
	const char *path;

	LG_TRY(check_call(cx, l, call));
	LG_TRY(lg_cstr(cx, call->path, &path));
	curl_easy_setopt(c, CURLOPT_URL, lg_print(cx->arena, "%s%s", l->url, path).p);
	curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "https,http");
	curl_easy_setopt(c, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(c, CURLOPT_PROXY, "");
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)(time / 1000));
	curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, (long)(call->connect / 1000));
	curl_easy_setopt(c, CURLOPT_ERRORBUFFER, t->fault);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, take_body);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, t);
	curl_easy_setopt(c, CURLOPT_UNIX_SOCKET_PATH, l->socket);
	set_trust(l, c);
	set_long(call, c);
	if (call->body.n > 0 || strcmp(call->method, "POST") == 0) {
		curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->body.n);
		curl_easy_setopt(c, CURLOPT_POSTFIELDS, call->body.n > 0 ? call->body.p : "");
	}
	curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, call->method);
	set_headers(cx, t);
	return LG_OK;
}

/* ---- the answer ------------------------------------------------------------------------------------ */

static lg_err
explain(struct lg_ctx *cx, const struct lg_link *l, const struct lg_transfer *t, CURLcode rc)
{
	const char *where = l->socket != NULL ? l->socket : l->url;
	const char *why = t->fault[0] != '\0' ? t->fault : curl_easy_strerror(rc);

	switch (rc) {
	case CURLE_OPERATION_TIMEDOUT:
		return lg_fail(cx, LG_E_UNAVAILABLE, "%s does not answer in time", where);
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_ISSUER_ERROR:
		return lg_fail(cx, LG_E_UNAUTHENTICATED, "%s does not prove that it is the service: %s", where, why);
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CACERT_BADFILE:
		return lg_fail(cx, LG_E_INVALID, "a certificate or key given for %s cannot be used: %s", where, why);
	case CURLE_WRITE_ERROR:
		if (t->body.full)
			return lg_fail(cx, LG_E_LIMIT, "%s answers with more than %u octets", where, LG_ANSWER_MAX);
		return lg_fail(cx, LG_E_IO, "what %s answers cannot be written", where);
	default:
		return lg_fail(cx, LG_E_UNAVAILABLE, "cannot reach %s: %s", where, why);
	}
}

static lg_str
presented(struct lg_ctx *cx, CURL *c)
{
	LG_AUTO(lg_buf_free) struct lg_buf out = LG_BUF(256u << 10);
	struct curl_certinfo *info = NULL;

	if (curl_easy_getinfo(c, CURLINFO_CERTINFO, &info) != CURLE_OK || info == NULL)
		return LG_NONE;
	for (int i = 0; i < info->num_of_certs; i++)
		for (const struct curl_slist *s = info->certinfo[i]; s != NULL; s = s->next)
			if (strncmp(s->data, "Cert:", 5) == 0) {
				lg_buf_str(&out, lg_str_of(s->data + 5));
				lg_buf_byte(&out, '\n');
			}
	return lg_dup(cx->arena, lg_buf_view(&out));
}

static void
read_answer(struct lg_ctx *cx, const struct lg_link *l, struct lg_transfer *t, struct lg_reply *ret)
{
	long status = 0;
	char *type = NULL;

	curl_easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(t->curl, CURLINFO_CONTENT_TYPE, &type);
	*ret = (struct lg_reply){
		.status = (int)status, .type = lg_dup(cx->arena, lg_str_of(type)),
		.body = lg_dup(cx->arena, lg_buf_view(&t->body)),
		.chain = l->at.unverified ? presented(cx, t->curl) : LG_NONE,
	};
}

lg_err
lg_transfer_begin(struct lg_ctx *cx, struct lg_link *link, const struct lg_call *call, struct lg_transfer *t)
{
	*t = (struct lg_transfer){ .curl = borrow(link), .call = call, .body = LG_BUF(LG_ANSWER_MAX) };
	return set_up(cx, link, t);
}

lg_err
lg_transfer_result(struct lg_ctx *cx, const struct lg_link *link, struct lg_transfer *t, CURLcode rc, struct lg_reply *ret)
{
	curl_off_t ready = 0;

	*ret = (struct lg_reply){ .status = 0 };
	if (rc == CURLE_OK) {
		read_answer(cx, link, t, ret);
		return LG_OK;
	}
	/* the time at which it could have been sent: never, if that is not known */
	ret->unsent = curl_easy_getinfo(t->curl, CURLINFO_PRETRANSFER_TIME_T, &ready) == CURLE_OK && ready == 0;
	return explain(cx, link, t, rc);
}

void
lg_transfer_end(struct lg_link *link, struct lg_transfer *t)
{
	give_back(link, t->curl);
	curl_slist_free_all(t->headers);
	lg_buf_wipe(&t->body);		/* it may have brought tokens */
}

lg_err
lg_link_call(struct lg_ctx *cx, struct lg_link *link, const struct lg_call *call, struct lg_reply *ret)
{
	struct lg_transfer t;

	*ret = (struct lg_reply){ .unsent = true };
	if (lg_plain_can(&link->plain, call)) {
		LG_TRY(check_call(cx, link, call));
		return lg_plain_call(cx, &link->plain, call, ret);
	}
	lg_err e = lg_transfer_begin(cx, link, call, &t);
	if (e == LG_OK)
		e = lg_transfer_result(cx, link, &t, curl_easy_perform(t.curl), ret);
	lg_transfer_end(link, &t);
	return e;
}
