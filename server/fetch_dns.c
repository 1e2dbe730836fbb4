/* fetch_dns.c: a stub resolver (RFC 1035): one question, one reply, over UDP, of a server that does the recursion. */
#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "base/clock.h"
#include "lightgate/crypto.h"
#include "server/fetch.h"

#define QUERY_MAX	300
#define REPLY_MAX	4096
#define TRY_TIME	(LG_SECOND * 3 / 2)

/* ---- question -------------------------------------------------------------------------------------------- */

static lg_err
write_query(struct lg_ctx *cx, struct lg_buf *b, uint16_t id, lg_str name, enum lg_dns_type type)
{
	lg_str label, rest = name;
	bool more = true;

	lg_buf_u16(b, id);
	lg_buf_u16(b, 0x0100);			/* recursion desired */
	lg_buf_u16(b, 1);
	lg_buf_u16(b, 0);
	lg_buf_u16(b, 0);
	lg_buf_u16(b, 0);
	while (more) {
		more = lg_str_cut(rest, '.', &label, &rest);
		if (label.n == 0 || label.n > 63)
			return lg_fail(cx, LG_E_NOT_FOUND, "\"%.*s\" is no DNS name", LG_FMT(name));
		lg_buf_byte(b, (char)label.n);
		lg_buf_str(b, label);
	}
	lg_buf_byte(b, 0);
	lg_buf_u16(b, (uint16_t)type);
	lg_buf_u16(b, 1);			/* IN */
	return lg_buf_status(cx, b);
}

/* ---- reply ------------------------------------------------------------------------------------------------- */

/* A name's own octets; where a pointer leads does not matter here. */
static void
skip_name(struct lg_rd *r)
{
	for (uint8_t n = lg_rd_u8(r); n != 0 && !r->bad; n = lg_rd_u8(r)) {
		if ((n & 0xc0) == 0xc0) {
			lg_rd_u8(r);
			return;
		}
		if (n > 63)
			r->bad = true;
		lg_rd_bytes(r, n);
	}
}

/* TXT: strings of up to 255 octets, joined (RFC 8555 8.4 by way of RFC 7208 3.3). */
static lg_str
join_strings(struct lg_arena *a, lg_str data)
{
	char *p = lg_alloc(a, data.n + 1);
	struct lg_rd r = lg_rd_of(data);
	size_t n = 0;

	while (!lg_rd_done(&r) && !r.bad) {
		lg_str s = lg_rd_bytes(&r, lg_rd_u8(&r));

		memcpy(p + n, s.n > 0 ? s.p : "", s.n);
		n += s.n;
	}
	return (lg_str){ p, n };
}

lg_err
lg_dns_parse(struct lg_ctx *cx, lg_str reply, uint16_t id, enum lg_dns_type type, size_t max, lg_str *ret, size_t *n)
{
	struct lg_rd r = lg_rd_of(reply);
	uint16_t got = lg_rd_u16(&r), flags = lg_rd_u16(&r), questions = lg_rd_u16(&r), answers = lg_rd_u16(&r);

	lg_rd_u32(&r);
	if (r.bad || got != id || (flags & 0x8000) == 0 || questions != 1)
		return lg_fail(cx, LG_E_INVALID, "the DNS server's reply is none");
	if ((flags & 0xf) == 3)
		return lg_fail(cx, LG_E_NOT_FOUND, "there is no such DNS name");
	if ((flags & 0xf) != 0)
		return lg_fail(cx, LG_E_NOT_FOUND, "the DNS server failed with code %d", flags & 0xf);
	skip_name(&r);
	lg_rd_u32(&r);
	*n = 0;
	for (unsigned i = 0; i < answers && *n < max && !r.bad; i++) {
		uint16_t have, size;
		lg_str data;

		skip_name(&r);
		have = lg_rd_u16(&r);
		lg_rd_u16(&r);
		lg_rd_u32(&r);
		size = lg_rd_u16(&r);
		data = lg_rd_bytes(&r, size);
		if (r.bad || have != (uint16_t)type || (type == LG_DNS_A && size != 4) || (type == LG_DNS_AAAA && size != 16))
			continue;
		ret[(*n)++] = type == LG_DNS_TXT ? join_strings(cx->arena, data) : lg_dup(cx->arena, data);
	}
	if (r.bad)
		return lg_fail(cx, LG_E_INVALID, "the DNS server's reply is malformed");
	return *n > 0 ? LG_OK : lg_fail(cx, LG_E_NOT_FOUND, "the DNS name has no such record");
}

/* ---- the exchange --------------------------------------------------------------------------------------------- */

/* A connected socket takes datagrams of the server alone; whoever guesses must guess port and id. */
static lg_err
exchange(struct lg_ctx *cx, int fd, int64_t until, lg_str query, lg_str *reply)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char *b = lg_alloc(cx->arena, REPLY_MAX);
	int64_t left = until - lg_boottime();
	ssize_t got;

	if (send(fd, query.p, query.n, MSG_NOSIGNAL) < 0)
		return lg_fail(cx, LG_E_UNAVAILABLE, "the DNS server cannot be asked");
	if (left <= 0 || poll(&p, 1, (int)(left / 1000) + 1) <= 0)
		return lg_fail(cx, LG_E_UNAVAILABLE, "the DNS server does not answer");
	got = recv(fd, b, REPLY_MAX, 0);
	if (got < 0)
		return lg_fail(cx, LG_E_UNAVAILABLE, "the DNS server does not answer");
	*reply = (lg_str){ b, (size_t)got };
	return LG_OK;
}

static lg_err
ask_once(struct lg_ctx *cx, const struct lg_fetch *f, int64_t until, lg_str query, lg_str *reply)
{
	int fd = socket(f->resolver.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	lg_err e;

	if (fd < 0)
		return lg_fail(cx, LG_E_UNAVAILABLE, "no socket for the DNS server");
	if (connect(fd, (const struct sockaddr *)&f->resolver, f->resolver_size) != 0)
		e = lg_fail(cx, LG_E_UNAVAILABLE, "the DNS server cannot be reached");
	else
		e = exchange(cx, fd, until, query, reply);
	close(fd);
	return e;
}

lg_err
lg_dns_ask(struct lg_ctx *cx, const struct lg_fetch *f, int64_t deadline, lg_str name, enum lg_dns_type type, size_t max, lg_str *ret,
    size_t *n)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(QUERY_MAX);
	lg_err e = LG_E_UNAVAILABLE;
	uint16_t id;
	lg_str reply;

	if (f->resolver_size == 0)
		return lg_fail(cx, LG_E_UNAVAILABLE, "there is no DNS server");
	lg_random(&id, sizeof id);
	LG_TRY(write_query(cx, &b, id, name, type));
	while (e == LG_E_UNAVAILABLE && lg_boottime() < deadline) {
		int64_t until = lg_boottime() + TRY_TIME;

		e = ask_once(cx, f, until < deadline ? until : deadline, lg_buf_view(&b), &reply);
		if (e == LG_OK)
			return lg_dns_parse(cx, reply, id, type, max, ret, n);
	}
	return e;
}
