/* invite.c: see invite.h. */
#include "agent/invite.h"

#include "base/text.h"

#define SECRET 32

bool
lg_invite_server_valid(lg_str s)
{
	lg_str host, path;
	size_t colon = 0;

	(void)lg_str_cut(s, '/', &host, &path);
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
		if (!letter && strchr(".-_:/[]", c) == NULL)
			return false;
		if (i < host.n && c == ':')
			colon = i;
	}
	/* the last colon of the host part stands before the port, also after an IPv6 address in brackets */
	lg_str port = lg_str_sub(host, colon + 1, host.n);
	int64_t n;
	return colon > 0 && lg_int_parse(port, &n) && n > 0 && n < 65536 && (host.p[0] == '[') == (host.p[colon - 1] == ']');
}

lg_err
lg_invite_parse(struct lg_ctx *cx, lg_str text, struct lg_invite *ret)
{
	struct lg_invite found = { .text = lg_str_trim(text) };
	lg_str version, server, root, secret, rest;

	if (found.text.n > LG_INVITE_MAX || !lg_str_cut(found.text, '.', &version, &rest) || !lg_str_eq(version, LG_STR("lgj1")) ||
	    !lg_str_cut(rest, '.', &server, &rest) || !lg_str_cut(rest, '.', &root, &secret) ||
	    !lg_base64url_parse(cx->arena, server, &found.server) || !lg_invite_server_valid(found.server) ||
	    !lg_base64url_parse(cx->arena, root, &root) || root.n != sizeof found.root.b ||
	    !lg_base64url_parse(cx->arena, secret, &secret) || secret.n != SECRET)
		return lg_fail(cx, LG_E_INVALID, "this is not a join token; make one with \"lightgate host create-join-token NAME\"");
	memcpy(found.root.b, root.p, root.n);
	*ret = found;
	return LG_OK;
}
