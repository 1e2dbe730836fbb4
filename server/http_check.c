/*
 * http_check.c: the head of a request, judged before anything believes it.
 *
 * MHD reads leniently: bare LF as line end, folded lines, NULs, contradicting lengths.  Behind a proxy that reads otherwise each of
 * them smuggles a request.  It cuts the head into strings where it stands, in one block of memory, overwriting each CR and LF
 * with NUL; so whatever it was lenient about shows as a gap: in an honest head every piece begins exactly where the one before
 * it, and what ended it, end, and the last ends where MHD says the head does.  (A folded line is moved elsewhere, a NUL ends its
 * string early, a bare LF leaves one NUL, not two.)
 *
 * What cannot be told is an octet that MHD would have overwritten too and that stands where CR or LF should: a NUL before LF, and a
 * ':' or NUL at the beginning of a line, which ends the head for MHD, or before the request line is an empty line to it (RFC 9112
 * 2.2).  Such a line is no header of anybody's; a proxy that writes the head anew, as all do, drops or refuses it or ends it in CRLF,
 * and then it shows.
 */
#include "base/text.h"
#include "server/http_impl.h"

/* Headers that may stand only once; what they say is believed. */
static const lg_str singles[] = {
	LG_STR("Host"), LG_STR("Content-Length"), LG_STR("Transfer-Encoding"), LG_STR("Authorization"), LG_STR("Content-Type"),
	LG_STR("Cookie"), LG_STR("Origin"), LG_STR("DPoP"), LG_STR("Lightgate-Subject-Token"), LG_STR("X-Request-ID"),
	LG_STR("Lightgate-Min-Revision"), LG_STR("X-Original-Method"), LG_STR("X-Original-URI"), LG_STR("X-Original-Host"),
	LG_STR("X-Client-Cert"),
};
enum { HOST, CONTENT_LENGTH, TRANSFER_ENCODING, AUTHORIZATION, CONTENT_TYPE, COOKIE, ORIGIN, DPOP, SUBJECT_TOKEN, REQUEST_ID };

struct head {
	const char *next;		/* where the next header's name must begin */
	unsigned n;
	unsigned seen;			/* bit per single */
	lg_str value[LG_COUNT(singles)];
	const char *fault;
};

/* True if none of eight octets is below 0x20 or 0x7f; false may be wrong. */
static bool
plain(const char *p)
{
	const uint64_t ones = UINT64_C(0x0101010101010101), high = ones * 0x80;
	uint64_t w, del;

	memcpy(&w, p, sizeof w);
	del = w ^ ones * 0x7f;
	return ((((w - ones * 0x20) & ~w) | ((del - ones) & ~del)) & high) == 0;
}

/* RFC 9110 5.5: visible characters, blanks, and the octets above ASCII.  Tokens are long: eight octets at once. */
static bool
is_value(lg_str s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		for (; s.n - i > 8 && plain(s.p + i); i += 8)
			c = (unsigned char)s.p[i + 8];
		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return false;
	}
	return true;
}

static void
note_single(struct head *h, lg_str name, lg_str value)
{
	for (size_t i = 0; i < LG_COUNT(singles); i++) {
		if (singles[i].n != name.n || !lg_str_eq_fold(singles[i], name))
			continue;
		if ((h->seen & 1u << i) != 0)
			h->fault = "a header that may stand once is repeated";
		h->seen |= 1u << i;
		h->value[i] = value;
		return;
	}
}

static enum MHD_Result
on_header(void *cls, enum MHD_ValueKind kind, const char *key, size_t key_n, const char *value, size_t value_n)
{
	struct head *h = cls;
	lg_str name = { key, key_n }, v = { value, value_n };

	(void)kind;
	if (h->fault != NULL)
		return MHD_NO;
	if (key != h->next || value <= key + key_n || value[value_n + 1] != '\0')
		h->fault = "a line of the head does not end in CRLF or is folded";
	else if (!lg_http_token(name) || !is_value(v))
		h->fault = "a header holds characters that it may not";
	else
		note_single(h, name, lg_str_trim(v));
	h->n++;
	h->next = value + value_n + 2;
	return h->fault == NULL ? MHD_YES : MHD_NO;
}

static void
refuse(struct http_x *x, int status, lg_err code, const char *why)
{
	x->refusal = status;
	x->refusal_code = code;
	lg_fail(&x->cx, code, "%s", why);
}

static void
refuse_frame(struct http_x *x, const char *why)
{
	x->bad_frame = true;
	refuse(x, 400, LG_E_INVALID, why);
}

/* RFC 9112 6.3: both lengths, a length that is no number, or another coding than chunked: nobody knows where the body ends. */
static bool
check_length(struct http_x *x, const struct head *h, const char *version)
{
	lg_str cl = h->value[CONTENT_LENGTH], te = h->value[TRANSFER_ENCODING];
	int64_t n = 0;

	if (te.n > 0 || (h->seen & 1u << TRANSFER_ENCODING) != 0) {
		x->has_body = true;
		if ((h->seen & 1u << CONTENT_LENGTH) != 0 || !lg_str_eq_fold(te, LG_STR("chunked")) ||
		    strcmp(version, "HTTP/1.1") != 0) {
			refuse_frame(x, "the body's length is ambiguous");
			return false;
		}
		return true;
	}
	if ((h->seen & 1u << CONTENT_LENGTH) == 0)
		return true;
	if (cl.n == 0 || cl.p[0] == '-' || !lg_int_parse(cl, &n)) {
		refuse_frame(x, "Content-Length is malformed");
		return false;
	}
	x->content_length = (uint64_t)n;
	x->has_body = n > 0;
	return true;
}

/* The request line's pieces stand side by side too: method SP target SP version CRLF. */
static bool
check_line(struct http_x *x, const char *method, const char *url, const char *version)
{
	size_t n = strlen(method);

	return lg_http_token((lg_str){ method, n }) && url == method + n + 1 && version == url + x->raw.n + 1 &&
	    (strcmp(version, "HTTP/1.1") == 0 || strcmp(version, "HTTP/1.0") == 0);
}

static bool
check_head(struct http_x *x, const char *method, const char *url, const char *version)
{
	struct head h = { .next = version + 10 };
	const union MHD_ConnectionInfo *size;

	if (!check_line(x, method, url, version)) {
		refuse_frame(x, "the request line is malformed");
		return false;
	}
	MHD_get_connection_values_n(x->mhd, MHD_HEADER_KIND, on_header, &h);
	size = MHD_get_connection_info(x->mhd, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
	/* The blank line: the last header's CRLF is followed by another, and then by the body. */
	if (h.fault == NULL && (size == NULL || h.next + 2 != method + size->header_size || h.next[0] != '\0' || h.next[1] != '\0'))
		h.fault = "the head does not end in CRLF";
	if (h.fault != NULL) {
		refuse_frame(x, h.fault);
		return false;
	}
	if (h.n > LG_HTTP_HEADERS) {
		refuse(x, 431, LG_E_LIMIT, "too many headers");
		return false;
	}
	if ((h.seen & 1u << HOST) != 0 && h.value[HOST].n == 0 && strcmp(version, "HTTP/1.1") == 0) {
		refuse_frame(x, "Host is empty");
		return false;
	}
	return check_length(x, &h, version);
}

static void
check_route(struct http_x *x, lg_str method)
{
	struct lg_http_server *hs = x->conn->daemon->hl->hs;

	if (x->raw.n > LG_HTTP_TARGET_MAX) {
		refuse(x, 414, LG_E_LIMIT, "the request target is too long");
		return;
	}
	if (lg_target_parse(&x->cx, x->raw, &x->target) != LG_OK) {
		x->refusal = 400;
		x->refusal_code = LG_E_INVALID;
		return;
	}
	x->ex.path = x->target.path;
	x->ex.query = x->target.query;
	lg_router_match(&hs->router, x->cx.arena, x->conn->daemon->surface, method, &x->target, &x->match);
	x->ex.tail = x->match.tail;
	if (x->match.bound == NULL)
		refuse(x, x->match.status, LG_E_NOT_FOUND,
		    x->match.status == 405 ? "this path does not take that method" : "there is nothing at this path");
}

static void
check_tenant(struct http_x *x)
{
	const struct lg_http_tenants *port = &x->conn->daemon->hl->hs->tenants;
	lg_err e;

	if (port->find == NULL)
		e = x->target.tenant.n == 0 ? LG_OK : lg_fail(&x->cx, LG_E_NOT_FOUND, "there is nothing at this path");
	else
		e = port->find(port->self, &x->cx, &x->conn->peer, x->target.tenant, &x->ex.tenant);
	if (e != LG_OK) {
		x->refusal = lg_problem_status_of(e);
		x->refusal_code = e;
	}
}

static size_t
body_max(const struct http_x *x)
{
	size_t max = x->match.bound->route->max_body;

	return max == 0 ? LG_HTTP_BODY_MAX : max;
}

/* Bodies are read before anybody knows who sends them: strangers may fill so much memory and no more. */
static bool
take_room(struct http_x *x)
{
	struct http_loop *hl = x->conn->daemon->hl;
	size_t want = x->content_length > 0 ? (size_t)x->content_length : x->has_body ? x->body.max : 0;

	if (want <= LG_HTTP_BODY_MAX)
		return true;
	if (hl->large > 0 && hl->large + want > LG_HTTP_LARGE / hl->hs->nloops)
		return false;
	hl->large += want;
	x->large = want;
	return true;
}

void
http_check(struct http_x *x, const char *method, const char *url, const char *version)
{
	x->ex.method = lg_str_of(method);
	if (!check_head(x, method, url, version))
		return;
	check_route(x, x->ex.method);
	if (x->refusal == 0)
		check_tenant(x);
	if (x->refusal != 0)
		return;
	x->body.max = body_max(x);
	if (x->content_length > x->body.max) {
		/* A little too much is read first: who still sends when the connection is closed may never see the answer.  Who asks before
		 * sending (RFC 9110 10.1.1) sees it. */
		if (x->content_length <= x->body.max + LG_HTTP_BODY_MAX && x->ex.header(&x->ex, "Expect").n == 0)
			x->too_large = true;
		else
			refuse(x, 413, LG_E_LIMIT, "the body is too large");
		return;
	}
	if (!take_room(x)) {
		refuse(x, 503, LG_E_BUSY, "too many large requests at a time");
		return;
	}
	if (x->content_length > 0)
		lg_buf_reserve(&x->body, (size_t)x->content_length);
}
