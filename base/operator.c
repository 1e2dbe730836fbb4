#include "base/operator.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "base/text.h"

enum { TEXT = 'T', DONE = 'D', FAILED = 'E' };

bool
lg_operator_parse(lg_str packet, struct lg_operator_words *ret)
{
	struct lg_operator_words w = { .n = 0 };

	if (packet.n == 0 || packet.n > LG_OPERATOR_REQUEST || packet.p[packet.n - 1] != '\0' || !lg_utf8_valid(packet))
		return false;
	while (packet.n > 0) {
		if (w.n == LG_OPERATOR_WORDS)
			return false;
		lg_str_cut(packet, '\0', &w.word[w.n++], &packet);
	}
	*ret = w;
	return true;
}

void
lg_operator_patience(int fd, int64_t us)
{
	struct timeval tv = { us / 1000000, us % 1000000 };

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv);
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof tv);
}

static bool
send_packet(int fd, lg_str packet)
{
	ssize_t n;

	do
		n = send(fd, packet.p, packet.n, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n == (ssize_t)packet.n;
}

/* A packet of at most max octets; a longer one is a fault.  Empty: the other side is gone. */
static lg_err
recv_packet(struct lg_ctx *cx, int fd, char *buffer, size_t max, lg_str *ret)
{
	ssize_t n;

	do
		n = recv(fd, buffer, max, MSG_TRUNC);
	while (n < 0 && errno == EINTR);
	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return lg_fail(cx, LG_E_UNAVAILABLE, "no answer in time");
	if (n < 0)
		return lg_fail(cx, LG_E_IO, "the operator's socket: %s", strerror(errno));
	if ((size_t)n > max)
		return lg_fail(cx, LG_E_LIMIT, "a packet of more than %zu octets", max);
	*ret = (lg_str){ buffer, (size_t)n };
	return LG_OK;
}

lg_err
lg_operator_ask(struct lg_ctx *cx, int fd, const struct lg_operator_words *w)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(LG_OPERATOR_REQUEST);

	for (size_t i = 0; i < w->n; i++) {
		if (w->word[i].n > 0 && memchr(w->word[i].p, '\0', w->word[i].n) != NULL)
			return lg_fail(cx, LG_E_INVALID, "a word with a NUL in it");
		lg_buf_str(&b, w->word[i]);
		lg_buf_byte(&b, '\0');
	}
	LG_TRY(lg_buf_status(cx, &b));
	return send_packet(fd, lg_buf_view(&b)) ? LG_OK : lg_fail(cx, LG_E_UNAVAILABLE, "nobody takes the request: %s", strerror(errno));
}

lg_err
lg_operator_hear(struct lg_ctx *cx, int fd, struct lg_operator_words *ret)
{
	char *buffer = lg_alloc(cx->arena, LG_OPERATOR_REQUEST);
	lg_str packet;

	LG_TRY(recv_packet(cx, fd, buffer, LG_OPERATOR_REQUEST, &packet));
	if (packet.n == 0)
		return lg_fail(cx, LG_E_UNAVAILABLE, "nothing was asked");
	if (!lg_operator_parse(packet, ret))
		return lg_fail(cx, LG_E_INVALID, "not a request");
	return LG_OK;
}

static lg_err
refusal(struct lg_ctx *cx, lg_str packet)
{
	lg_err e = packet.n < 2 ? LG_E_INTERNAL : (lg_err)(uint8_t)packet.p[1];

	if (e <= LG_PENDING || e > LG_E_INTERNAL)
		e = LG_E_INTERNAL;
	return lg_fail(cx, e, "%.*s", LG_FMT(lg_str_sub(packet, 2, packet.n)));
}

lg_err
lg_operator_answer(struct lg_ctx *cx, int fd, lg_str *text)
{
	LG_AUTO(lg_buf_wipe) struct lg_buf all = LG_BUF(LG_OPERATOR_REPLY);
	char *buffer = lg_alloc(cx->arena, LG_OPERATOR_PIECE + 1);
	lg_str packet;

	for (;;) {
		LG_TRY(recv_packet(cx, fd, buffer, LG_OPERATOR_PIECE + 1, &packet));
		if (packet.n == 0)
			return lg_fail(cx, LG_E_UNAVAILABLE, "the service ended before it answered");
		if (packet.p[0] != TEXT)
			break;
		lg_buf_str(&all, lg_str_sub(packet, 1, packet.n));
	}
	if (packet.p[0] != DONE)
		return refusal(cx, packet);
	LG_TRY(lg_buf_status(cx, &all));
	*text = lg_dup(cx->arena, lg_buf_view(&all));
	return LG_OK;
}

static bool
send_typed(int fd, char type, lg_str head, lg_str body)
{
	LG_AUTO(lg_buf_wipe) struct lg_buf b = LG_BUF(LG_OPERATOR_PIECE + 16);

	lg_buf_byte(&b, type);
	lg_buf_str(&b, head);
	lg_buf_str(&b, body);
	return !b.full && send_packet(fd, lg_buf_view(&b));
}

void
lg_operator_reply(struct lg_ctx *cx, int fd, lg_err e, lg_str text)
{
	char number = (char)e;
	bool heard = true;

	if (e != LG_OK) {
		(void)send_typed(fd, FAILED, (lg_str){ &number, 1 }, lg_str_of(cx->error));
		return;
	}
	for (size_t at = 0; heard && at < text.n; at += LG_OPERATOR_PIECE)
		heard = send_typed(fd, TEXT, LG_NONE, lg_str_sub(text, at, LG_OPERATOR_PIECE));
	if (heard)
		(void)send_typed(fd, DONE, LG_NONE, LG_NONE);
}
