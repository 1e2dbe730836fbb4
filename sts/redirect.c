/*
 * redirect.c: redirect URIs: which may be registered, and which equal a registered one (RFC 9700 4.1, RFC 8252 7).
 * Nothing is normalised: what is not the same octets is another URI.
 */
#include "sts/sts.h"

#include "base/text.h"

struct uri {
	lg_str scheme, host, port, rest;	/* host and port only of http and https; host with its brackets */
};

/* RFC 3986 2: the characters of a URI, without '#'; '%' with its two digits. */
static bool
uri_characters(lg_str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '%') {
			if (s.n - i < 3 || lg_hex_digit(s.p[i + 1]) < 0 || lg_hex_digit(s.p[i + 2]) < 0)
				return false;
		} else if (!lg_str_only(lg_str_sub(s, i, 1), "-._~:/?[]@!$&'()*+,;=")) {
			return false;
		}
	}
	return true;
}

static bool
is_port(lg_str s)
{
	for (size_t i = 1; i < s.n; i++)
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
	return s.p[0] == ':' && s.n >= 2 && s.n <= 6;
}

/* host[:port]; no user information, an address in brackets as it is. */
static bool
split_authority(lg_str s, struct uri *u)
{
	const char *end;

	if (s.n > 0 && s.p[0] == '[') {
		end = memchr(s.p, ']', s.n);
		if (end == NULL)
			return false;
		u->host = (lg_str){ s.p, (size_t)(end - s.p) + 1 };
		if (!lg_str_only((lg_str){ s.p + 1, u->host.n - 2 }, ":."))
			return false;
	} else {
		u->host = s;
		(void)lg_str_cut(s, ':', &u->host, &u->port);
		if (!lg_str_only(u->host, ".-"))
			return false;
	}
	u->port = lg_str_sub(s, u->host.n, s.n);
	return u->port.n == 0 || is_port(u->port);
}

static bool
split(lg_str s, struct uri *u)
{
	lg_str rest;
	size_t n = 0;

	*u = (struct uri){ .rest = LG_NONE };
	if (s.n > LG_CLIENT_URI_MAX || !uri_characters(s) || !lg_str_cut(s, ':', &u->scheme, &rest)
	    || !lg_str_only(u->scheme, "+-."))
		return false;
	u->rest = rest;
	if (!lg_str_eq(u->scheme, LG_STR("https")) && !lg_str_eq(u->scheme, LG_STR("http")))
		return true;
	if (!lg_str_starts(rest, LG_STR("//")))
		return false;
	rest = lg_str_sub(rest, 2, rest.n);
	while (n < rest.n && rest.p[n] != '/' && rest.p[n] != '?')
		n++;
	u->rest = lg_str_sub(rest, n, rest.n);
	return split_authority(lg_str_sub(rest, 0, n), u);
}

static bool
is_loopback_address(const struct uri *u)
{
	return lg_str_eq(u->scheme, LG_STR("http"))
	    && (lg_str_eq(u->host, LG_STR("127.0.0.1")) || lg_str_eq(u->host, LG_STR("[::1]")));
}

lg_err
sts_redirect_valid(struct lg_ctx *cx, lg_str uri)
{
	struct uri u;

	if (!split(uri, &u))
		return lg_fail(cx, LG_E_INVALID, "redirect URI: not an absolute URI without fragment, user and blanks");
	if (lg_str_eq(u.scheme, LG_STR("https")))
		return LG_OK;
	if (lg_str_eq(u.scheme, LG_STR("http"))) {
		if (is_loopback_address(&u) || lg_str_eq(u.host, LG_STR("localhost")))
			return LG_OK;
		return lg_fail(cx, LG_E_INVALID, "redirect URI: http only to 127.0.0.1, [::1] and localhost");
	}
	/* RFC 8252 7.1: a name in reverse, which javascript: and data: are not. */
	if (memchr(u.scheme.p, '.', u.scheme.n) == NULL || u.rest.n == 0 || u.rest.p[0] != '/')
		return lg_fail(cx, LG_E_INVALID, "redirect URI: a scheme of one's own is com.example.app:/path");
	return LG_OK;
}

lg_err
sts_https_valid(struct lg_ctx *cx, lg_str uri)
{
	struct uri u;

	if (!split(uri, &u) || !lg_str_eq(u.scheme, LG_STR("https")))
		return lg_fail(cx, LG_E_INVALID, "not an https URL without fragment, user and blanks");
	return LG_OK;
}

lg_err
sts_request_uri_valid(struct lg_ctx *cx, lg_str uri)
{
	lg_str url, fragment;

	(void)lg_str_cut(uri, '#', &url, &fragment);
	if (!lg_str_only(fragment, "-_") && fragment.n > 0)
		return lg_fail(cx, LG_E_INVALID, "a fragment that is no digest in base64url");
	return sts_https_valid(cx, url);
}

bool
sts_redirect_matches(lg_str registered, lg_str given)
{
	struct uri r, g;

	if (lg_str_eq(registered, given))
		return true;
	return split(registered, &r) && split(given, &g) && is_loopback_address(&r) && is_loopback_address(&g)
	    && lg_str_eq(r.host, g.host) && lg_str_eq(r.rest, g.rest);
}

lg_str
sts_redirect_origin(lg_str uri)
{
	struct uri u;

	if (!split(uri, &u))
		return LG_NONE;
	if (u.host.n > 0)
		return (lg_str){ uri.p, uri.n - u.rest.n };
	return (lg_str){ uri.p, u.scheme.n + 1 };
}
