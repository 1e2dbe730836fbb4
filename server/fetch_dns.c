/* fetch_dns.c: a stub resolver (RFC 1035): one question to a server that does the recursion, over UDP, and over TCP what is cut off. */
#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "base/clock.h"
#include "lightgate/crypto.h"
#include "server/fetch.h"

#define HEAD		12		/* octets before the question */
#define QUERY_MAX	(HEAD + 255 + 4)	/* RFC 1035 3.1: a name of 255 octets, type and class */
#define TRUNCATED	0x0200
#define TRY_TIME	(LG_SECOND * 3 / 2)
#define CLIMB		8		/* names that are asked about at once */

/* ---- question -------------------------------------------------------------------------------------------- */

static lg_err
query_of(struct lg_ctx *cx, uint16_t id, lg_str name, enum lg_dns_type type, lg_str *ret)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(QUERY_MAX);
	lg_str label, rest = name;
	bool more = true;

	lg_buf_u16(&b, id);
	lg_buf_u16(&b, 0x0100);			/* recursion desired */
	lg_buf_u16(&b, 1);
	lg_buf_u16(&b, 0);
	lg_buf_u16(&b, 0);
	lg_buf_u16(&b, 0);
	while (more) {
		more = lg_str_cut(rest, '.', &label, &rest);
		if (label.n == 0 || label.n > 63)
			return lg_fail(cx, LG_E_NOT_FOUND, "\"%.*s\" is no DNS name", LG_FMT(name));
		lg_buf_byte(&b, (char)label.n);
		lg_buf_str(&b, label);
	}
	lg_buf_byte(&b, 0);
	lg_buf_u16(&b, (uint16_t)type);
	lg_buf_u16(&b, 1);			/* IN */
	if (lg_buf_status(cx, &b) != LG_OK)
		return lg_fail(cx, LG_E_NOT_FOUND, "\"%.*s\" is no DNS name", LG_FMT(name));
	*ret = lg_dup(cx->arena, lg_buf_view(&b));
	return LG_OK;
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

/* Is it a reply to this query: same id, same question? */
static bool
is_reply(lg_str reply, lg_str query)
{
	struct lg_rd r = lg_rd_of(reply), q = lg_rd_of(query);
	uint16_t id = lg_rd_u16(&r), flags = lg_rd_u16(&r), questions = lg_rd_u16(&r);

	return !r.bad && id == lg_rd_u16(&q) && (flags & 0x8000) != 0 && questions == 1 && reply.n >= query.n &&
	    query.n > HEAD &&
	    lg_str_eq_fold(lg_str_sub(reply, HEAD, query.n - HEAD), lg_str_sub(query, HEAD, query.n - HEAD));
}

static bool
fits(enum lg_dns_type type, uint16_t have, uint16_t size)
{
	return have == (uint16_t)type && (type != LG_DNS_A || size == 4) && (type != LG_DNS_AAAA || size == 16);
}

/* RFC 1035 4.1.3; whose records they are does not matter: the server has followed the aliases. */
static lg_err
read_records(struct lg_ctx *cx, struct lg_rd *r, unsigned answers, enum lg_dns_type type, size_t max, lg_str *ret, size_t *n)
{
	*n = 0;
	for (unsigned i = 0; i < answers && *n < max && !r->bad; i++) {
		uint16_t have, size;
		lg_str data;

		skip_name(r);
		have = lg_rd_u16(r);
		lg_rd_u16(r);
		lg_rd_u32(r);
		size = lg_rd_u16(r);
		data = lg_rd_bytes(r, size);
		if (!r->bad && fits(type, have, size))
			ret[(*n)++] = type == LG_DNS_TXT ? join_strings(cx->arena, data) : lg_dup(cx->arena, data);
	}
	if (r->bad)
		return lg_fail(cx, LG_E_INVALID, "the DNS server's reply is malformed");
	return *n > 0 ? LG_OK : lg_fail(cx, LG_E_NOT_FOUND, "the DNS name has no such record");
}

static uint16_t
flags_of(lg_str reply)
{
	struct lg_rd r = lg_rd_of(reply);

	lg_rd_u16(&r);
	return lg_rd_u16(&r);
}

lg_err
lg_dns_parse(struct lg_ctx *cx, lg_str reply, lg_str query, enum lg_dns_type type, size_t max, lg_str *ret, size_t *n)
{
	struct lg_rd r = lg_rd_of(reply);
	int code = flags_of(reply) & 0xf;
	uint16_t answers;

	if (!is_reply(reply, query))
		return lg_fail(cx, LG_E_INVALID, "the DNS server's reply is none");
	if (code == 3)
		return lg_fail(cx, LG_E_NOT_FOUND, "there is no such DNS name");
	if (code != 0)
		return lg_fail(cx, LG_E_IO, "the DNS server failed with code %d", code);
	lg_rd_bytes(&r, 6);
	answers = lg_rd_u16(&r);
	lg_rd_bytes(&r, query.n - 8);		/* two counts and the question */
	return read_records(cx, &r, answers, type, max, ret, n);
}

/* ---- UDP ------------------------------------------------------------------------------------------------------- */

/* A connected socket takes datagrams of the server alone; whoever guesses must guess port and id, and a wrong guess is passed over. */
static lg_err
exchange(struct lg_ctx *cx, int fd, int64_t until, lg_str query, lg_str *reply)
{
	char *b = lg_alloc(cx->arena, LG_DNS_REPLY);
	ssize_t got;

	if (send(fd, query.p, query.n, MSG_NOSIGNAL) < 0)
		return lg_fail(cx, LG_E_IO, "the DNS server cannot be asked");
	do {
		if (!lg_fetch_wait(fd, POLLIN, until) || (got = recv(fd, b, LG_DNS_REPLY, 0)) < 0)
			return lg_fail(cx, LG_E_IO, "the DNS server does not answer");
	} while (!is_reply((lg_str){ b, (size_t)got }, query));
	*reply = (lg_str){ b, (size_t)got };
	return LG_OK;
}

/* ---- TCP (RFC 7766 8): two octets of length before each message ---------------------------------------------------- */

static bool
read_exactly(int fd, char *p, size_t n, int64_t until)
{
	while (n > 0) {
		ssize_t got = recv(fd, p, n, 0);

		if (got == 0 || (got < 0 && (errno != EAGAIN || !lg_fetch_wait(fd, POLLIN, until))))
			return false;
		p += got > 0 ? got : 0;
		n -= got > 0 ? (size_t)got : 0;
	}
	return true;
}

static lg_err
exchange_tcp(struct lg_ctx *cx, int fd, int64_t until, lg_str query, lg_str *reply)
{
	char head[2] = { (char)(query.n >> 8), (char)query.n }, *b = lg_alloc(cx->arena, LG_DNS_REPLY);
	lg_str message = lg_cat(cx->arena, (lg_str){ head, sizeof head }, query);
	size_t n;

	/* So small a message leaves in one piece. */
	if (send(fd, message.p, message.n, MSG_NOSIGNAL) != (ssize_t)message.n || !read_exactly(fd, head, sizeof head, until))
		return lg_fail(cx, LG_E_IO, "the DNS server does not answer over TCP");
	n = (size_t)((uint8_t)head[0] << 8 | (uint8_t)head[1]);
	if (n > LG_DNS_REPLY || !read_exactly(fd, b, n, until))
		return lg_fail(cx, LG_E_IO, "the DNS server's answer over TCP is too long or ends early");
	*reply = (lg_str){ b, n };
	return LG_OK;
}

/* ---- one question over one socket ------------------------------------------------------------------------------------ */

static lg_err
connect_to(struct lg_ctx *cx, const struct lg_fetch *f, int kind, int64_t until, int *ret)
{
	int fd = socket(f->resolver.ss_family, kind | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), fault = 0;
	socklen_t n = sizeof fault;

	if (fd < 0)
		return lg_fail(cx, LG_E_IO, "no socket for the DNS server");
	if (connect(fd, (const struct sockaddr *)&f->resolver, f->resolver_size) != 0 && (errno != EINPROGRESS ||
	    !lg_fetch_wait(fd, POLLOUT, until) || getsockopt(fd, SOL_SOCKET, SO_ERROR, &fault, &n) != 0 || fault != 0)) {
		close(fd);
		return lg_fail(cx, LG_E_IO, "the DNS server cannot be reached");
	}
	*ret = fd;
	return LG_OK;
}

static lg_err
ask_over(struct lg_ctx *cx, const struct lg_fetch *f, int kind, int64_t until, lg_str query, lg_str *reply)
{
	lg_err e;
	int fd;

	LG_TRY(connect_to(cx, f, kind, until, &fd));
	e = (kind == SOCK_STREAM ? exchange_tcp : exchange)(cx, fd, until, query, reply);
	close(fd);
	return e;
}

/* ---- the question ---------------------------------------------------------------------------------------------------- */

lg_err
lg_dns_ask(struct lg_ctx *cx, const struct lg_fetch *f, int64_t deadline, lg_str name, enum lg_dns_type type, size_t max, lg_str *ret,
    size_t *n)
{
	lg_err e = LG_E_IO;
	lg_str query, reply;
	uint16_t id;

	if (f->resolver_size == 0)
		return lg_fail(cx, LG_E_IO, "there is no DNS server");
	lg_random(&id, sizeof id);
	LG_TRY(query_of(cx, id, name, type, &query));
	while (e == LG_E_IO && lg_boottime() < deadline) {
		int64_t until = lg_boottime() + TRY_TIME;

		e = ask_over(cx, f, SOCK_DGRAM, until < deadline ? until : deadline, query, &reply);
	}
	if (e == LG_OK && (flags_of(reply) & TRUNCATED) != 0)
		e = ask_over(cx, f, SOCK_STREAM, deadline, query, &reply);
	LG_TRY(e);
	return lg_dns_parse(cx, reply, query, type, max, ret, n);
}

/* ---- the same of a name and its parents, asked at once ----------------------------------------------------------------- */

struct climb {
	lg_str query[CLIMB], reply[CLIMB];	/* of the name, its parent, ...; a reply is empty until it came */
	size_t n, from;			/* those before `from` were looked at */
};

/* The names from *name upwards, as many as there is room for; *name: the first that was left out, empty after the last. */
static lg_err
climb_from(struct lg_ctx *cx, lg_str *name, enum lg_dns_type type, struct climb *ret)
{
	uint16_t id[CLIMB];
	lg_str label;

	ret->from = 0;
	lg_random(id, sizeof id);
	for (ret->n = 0; ret->n < CLIMB && name->n > 0; ret->n++) {
		LG_TRY(query_of(cx, id[ret->n], *name, type, &ret->query[ret->n]));
		ret->reply[ret->n] = LG_NONE;
		if (!lg_str_cut(*name, '.', &label, name))
			*name = LG_NONE;
	}
	return LG_OK;
}

/* It has records, or says that it does not know. */
static bool
ends_it(lg_str reply)
{
	int code = flags_of(reply) & 0xf;

	return (flags_of(reply) & TRUNCATED) != 0 || (code != 0 && code != 3) || (code == 0 && (reply.p[6] | reply.p[7]) != 0);
}

/* What is above the one that ends it need not come. */
static bool
is_settled(const struct climb *c)
{
	for (size_t i = c->from; i < c->n; i++) {
		if (c->reply[i].n == 0)
			return false;
		if (ends_it(c->reply[i]))
			return true;
	}
	return true;
}

static void
take_reply(struct lg_ctx *cx, struct climb *c, lg_str octets)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->reply[i].n == 0 && is_reply(octets, c->query[i]))
			c->reply[i] = lg_dup(cx->arena, octets);
}

static lg_err
exchange_all(struct lg_ctx *cx, int fd, int64_t until, struct climb *c)
{
	char *b = lg_alloc(cx->arena, LG_DNS_REPLY);

	for (size_t i = 0; i < c->n; i++)
		if (c->reply[i].n == 0 && send(fd, c->query[i].p, c->query[i].n, MSG_NOSIGNAL) < 0)
			return lg_fail(cx, LG_E_IO, "the DNS server cannot be asked");
	while (!is_settled(c)) {
		ssize_t got = recv(fd, b, LG_DNS_REPLY, 0);

		if (got > 0)
			take_reply(cx, c, (lg_str){ b, (size_t)got });
		else if ((got < 0 && errno != EAGAIN) || !lg_fetch_wait(fd, POLLIN, until))
			return lg_fail(cx, LG_E_IO, "the DNS server does not answer");
	}
	return LG_OK;
}

static lg_err
ask_all(struct lg_ctx *cx, const struct lg_fetch *f, int64_t deadline, struct climb *c)
{
	lg_err e = LG_E_IO;

	while (e == LG_E_IO && lg_boottime() < deadline) {
		int64_t until = lg_boottime() + TRY_TIME;
		int fd;

		e = connect_to(cx, f, SOCK_DGRAM, until, &fd);
		if (e != LG_OK)
			continue;
		e = exchange_all(cx, fd, until < deadline ? until : deadline, c);
		close(fd);
	}
	return e;
}

lg_err
lg_dns_climb(struct lg_ctx *cx, const struct lg_fetch *f, int64_t deadline, lg_str name, enum lg_dns_type type, size_t max, lg_str *ret,
    size_t *n)
{
	struct climb *c = LG_NEW(cx->arena, struct climb);
	lg_err e = LG_E_NOT_FOUND;

	if (f->resolver_size == 0)
		return lg_fail(cx, LG_E_IO, "there is no DNS server");
	while (e == LG_E_NOT_FOUND && name.n > 0) {
		LG_TRY(climb_from(cx, &name, type, c));
		for (size_t i = 0; i < c->n && e == LG_E_NOT_FOUND; i++) {
			c->from = i;
			if (c->reply[i].n == 0)		/* the first, or behind one that only seemed to end it (an alias alone) */
				LG_TRY(ask_all(cx, f, deadline, c));
			if ((flags_of(c->reply[i]) & TRUNCATED) != 0)
				LG_TRY(ask_over(cx, f, SOCK_STREAM, deadline, c->query[i], &c->reply[i]));
			e = lg_dns_parse(cx, c->reply[i], c->query[i], type, max, ret, n);
		}
	}
	return e;
}
