/* fetch.c: the looks outside that ACME's challenges need, put together from the settings; see fetch.h. */
#include "server/fetch.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "server/listen.h"

#define CA_MAX	(1u << 20)

static lg_err
fetch_txt(void *self, struct lg_ctx *cx, lg_str name, lg_str *ret, size_t *n)
{
	return lg_dns_ask(cx, self, lg_boottime() + LG_FETCH_TIME, name, LG_DNS_TXT, LG_ACME_TXT, ret, n);
}

/* A set of which a part is not seen must not be judged. */
static lg_err
fetch_caa(void *self, struct lg_ctx *cx, lg_str name, lg_str *ret, size_t *n)
{
	lg_str all[LG_ACME_CAA + 1];

	LG_TRY(lg_dns_climb(cx, self, lg_boottime() + LG_FETCH_TIME, name, LG_DNS_CAA, LG_COUNT(all), all, n));
	if (*n > LG_ACME_CAA)
		return lg_fail(cx, LG_E_IO, "%.*s has more than %d CAA records", LG_FMT(name), LG_ACME_CAA);
	memcpy(ret, all, *n * sizeof all[0]);
	return LG_OK;
}

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

static lg_str
read_ca(struct lg_ctx *cx, lg_str file)
{
	const char *path;
	lg_str pem = LG_NONE;

	if (file.n > 0 && (lg_cstr(cx, file, &path) != LG_OK || lg_file_read(cx, path, CA_MAX, &pem) != LG_OK))
		lg_log(LG_ERROR, "outbound.ca_file: %s", cx->error);
	return pem;
}

struct lg_fetch *
lg_fetch_new(struct lg_arena *a, const struct lg_settings *s, bool private_too)
{
	struct lg_fetch *f = LG_NEW(a, struct lg_fetch);
	lg_str resolver = s->acme_resolver.n > 0 ? s->acme_resolver : host_resolver(a);
	struct lg_ctx cx;

	lg_ctx_init(&cx, a);
	if (resolver.n == 0 || lg_address_parse(&cx, resolver, &f->resolver, &f->resolver_size) != LG_OK)
		f->resolver_size = 0;
	f->http_port = (uint16_t)s->acme_http_port;
	f->alpn_port = (uint16_t)s->acme_alpn_port;
	f->private_too = private_too;
	f->ca = read_ca(&cx, s->outbound_ca);
	return f;
}

struct lg_acme_net
lg_fetch_net(struct lg_arena *a, const struct lg_settings *s)
{
	return (struct lg_acme_net){ lg_fetch_new(a, s, s->acme_private), lg_fetch_http, fetch_txt, lg_fetch_alpn, fetch_caa };
}
