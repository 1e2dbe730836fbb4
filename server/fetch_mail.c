/*
 * fetch_mail.c: mail to a server that is believed: SMTP by libcurl, over a connection that fetch_address.c made, so that the rules on
 * addresses and names hold here too.
 */
#include <curl/curl.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "server/fetch.h"

struct sending {
	const struct lg_fetch *f;
	const struct lg_mail_server *to;
	lg_str text;			/* of it, what is not sent yet */
	int fd;				/* -1: curl has it */
	bool no_ca;
	char fault[CURL_ERROR_SIZE];
};

/* ---- what libcurl calls ------------------------------------------------------------------------------------------- */

/* Ours is connected, and there is one. */
static curl_socket_t
give_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct sending *s = arg;
	curl_socket_t fd = s->fd < 0 ? CURL_SOCKET_BAD : s->fd;

	(void)purpose, (void)address;
	s->fd = -1;
	return fd;
}

static int
is_connected(void *arg, curl_socket_t fd, curlsocktype purpose)
{
	(void)arg, (void)fd, (void)purpose;
	return CURL_SOCKOPT_ALREADY_CONNECTED;
}

static CURLcode
trust(CURL *c, void *ctx, void *arg)
{
	struct sending *s = arg;

	(void)c;
	s->no_ca = !lg_fetch_tls_believe(ctx, s->to->ca, s->f->ca);
	return s->no_ca ? CURLE_SSL_CACERT_BADFILE : CURLE_OK;
}

static size_t
give_text(char *to, size_t size, size_t n, void *arg)
{
	struct sending *s = arg;
	size_t take = size * n < s->text.n ? size * n : s->text.n;

	if (take > 0)
		memcpy(to, s->text.p, take);
	s->text = lg_str_sub(s->text, take, SIZE_MAX);
	return take;
}

/* Whatever the server says beside its codes. */
static size_t
ignore(char *from, size_t size, size_t n, void *arg)
{
	(void)from, (void)arg;
	return size * n;
}

/* ---- one message ----------------------------------------------------------------------------------------------------- */

static void
set_up_tls(CURL *c, struct sending *s)
{
	curl_easy_setopt(c, CURLOPT_USE_SSL, s->to->security == LG_MAIL_PLAIN ? (long)CURLUSESSL_NONE : (long)CURLUSESSL_ALL);
	curl_easy_setopt(c, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(c, CURLOPT_CAINFO, NULL);
	curl_easy_setopt(c, CURLOPT_CAPATH, NULL);
	curl_easy_setopt(c, CURLOPT_SSL_CTX_FUNCTION, trust);
	curl_easy_setopt(c, CURLOPT_SSL_CTX_DATA, s);
}

static void
set_up_line(CURL *c, struct sending *s, int64_t deadline)
{
	curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
	curl_easy_setopt(c, CURLOPT_PROXY, "");
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)((deadline - lg_boottime()) / 1000 + 1));
	curl_easy_setopt(c, CURLOPT_ERRORBUFFER, s->fault);
	curl_easy_setopt(c, CURLOPT_OPENSOCKETFUNCTION, give_socket);
	curl_easy_setopt(c, CURLOPT_OPENSOCKETDATA, s);
	curl_easy_setopt(c, CURLOPT_SOCKOPTFUNCTION, is_connected);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, ignore);
	curl_easy_setopt(c, CURLOPT_UPLOAD, 1L);
	curl_easy_setopt(c, CURLOPT_READFUNCTION, give_text);
	curl_easy_setopt(c, CURLOPT_READDATA, s);
}

static lg_err
log_in(struct lg_ctx *cx, CURL *c, const struct lg_mail_server *to)
{
	const char *name, *password;

	if (to->username.n == 0)
		return LG_OK;
	if (to->security == LG_MAIL_PLAIN)
		return lg_fail(cx, LG_E_INVALID, "no password is said without TLS");
	LG_TRY(lg_cstr(cx, to->username, &name));
	LG_TRY(lg_cstr(cx, (lg_str){ (const char *)to->password->p, to->password->n }, &password));
	curl_easy_setopt(c, CURLOPT_USERNAME, name);
	curl_easy_setopt(c, CURLOPT_PASSWORD, password);
	return LG_OK;
}

/* 4xx may pass, and a wrong password may be put right; of other 5xx nothing will come. */
static lg_err
judge(struct lg_ctx *cx, const struct sending *s, CURLcode code, long said)
{
	if (code == CURLE_OK)
		return LG_OK;
	if (s->no_ca)
		return lg_fail(cx, LG_E_INVALID, "there is no CA to believe");
	if (said >= 500 && said <= 599 && code != CURLE_LOGIN_DENIED)
		return lg_fail(cx, LG_E_DENIED, "refused: %s", s->fault[0] != '\0' ? s->fault : curl_easy_strerror(code));
	return lg_fail(cx, LG_E_UNAVAILABLE, "%s", s->fault[0] != '\0' ? s->fault : curl_easy_strerror(code));
}

static lg_err
perform(struct lg_ctx *cx, CURL *c, struct sending *s, const struct lg_mail_message *m, int64_t deadline)
{
	bool six = memchr(s->to->host.p, ':', s->to->host.n) != NULL;
	lg_str host = lg_print(cx->arena, "%s%.*s%s", six ? "[" : "", LG_FMT(s->to->host), six ? "]" : "");
	struct curl_slist *rcpt, *resolve;
	long said = 0;
	CURLcode code;

	curl_easy_setopt(c, CURLOPT_URL, lg_print(cx->arena, "%s://%.*s:%u/%.*s", s->to->security == LG_MAIL_TLS ? "smtps" : "smtp", LG_FMT(host),
	    s->to->port, LG_FMT(s->to->hello)).p);
	curl_easy_setopt(c, CURLOPT_MAIL_FROM, lg_print(cx->arena, "<%.*s>", LG_FMT(m->from)).p);
	/* The name was resolved before: this address is never spoken to. */
	resolve = curl_slist_append(NULL, lg_print(cx->arena, "%.*s:%u:192.0.2.1", LG_FMT(host), s->to->port).p);
	rcpt = curl_slist_append(NULL, lg_print(cx->arena, "<%.*s>", LG_FMT(m->to)).p);
	curl_easy_setopt(c, CURLOPT_RESOLVE, resolve);
	curl_easy_setopt(c, CURLOPT_MAIL_RCPT, rcpt);
	set_up_line(c, s, deadline);
	set_up_tls(c, s);
	code = curl_easy_perform(c);
	(void)curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &said);
	curl_easy_cleanup(c);
	curl_slist_free_all(rcpt);
	curl_slist_free_all(resolve);
	return judge(cx, s, code, said);
}

static void
set_up_curl(void)
{
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		abort();
}

static lg_err
send_mail(void *self, struct lg_ctx *cx, const struct lg_mail_server *to, const struct lg_mail_message *m)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	int64_t deadline = lg_boottime() + LG_MAIL_TIME * LG_SECOND, reach = lg_boottime() + LG_FETCH_TIME;
	struct sending s = { .f = self, .to = to, .text = m->text, .fd = -1 };
	CURL *c;
	lg_err e;

	(void)pthread_once(&once, set_up_curl);
	LG_TRY(lg_fetch_reach(cx, s.f, reach, to->host, to->port, &s.fd));
	c = curl_easy_init();
	e = c == NULL ? lg_fail(cx, LG_E_INTERNAL, "libcurl cannot be set up") : log_in(cx, c, to);
	if (e == LG_OK)
		e = perform(cx, c, &s, m, deadline);
	else
		curl_easy_cleanup(c);
	if (s.fd >= 0)
		close(s.fd);
	return e == LG_OK ? LG_OK : lg_fail_in(cx, e, lg_dup(cx->arena, to->host).p);
}

struct lg_mailer
lg_fetch_mailer(struct lg_arena *a, const struct lg_settings *s)
{
	return (struct lg_mailer){ lg_fetch_new(a, s, s->outbound_private), send_mail };
}
