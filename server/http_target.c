#include "server/http_target.h"

#include "base/text.h"

/* "https://host:port/path" means "/path": the authority was decided by the connection. */
static lg_str
strip_authority(lg_str s)
{
	static const lg_str schemes[] = { LG_STR("http://"), LG_STR("https://") };
	lg_str host, path;

	for (size_t i = 0; i < LG_COUNT(schemes); i++)
		if (lg_str_starts(s, schemes[i])) {
			s = lg_str_sub(s, schemes[i].n, s.n);
			if (!lg_str_cut(s, '/', &host, &path))
				return LG_NONE;
			return lg_str_sub(s, host.n, s.n);
		}
	return s;
}

static bool
printable(lg_str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= 0x20 || s.p[i] >= 0x7f || s.p[i] == '#')
			return false;
	return true;
}

/* Decodes path into a buffer of the same length; false for what no path of ours can hold. */
static bool
decode(lg_str path, char *out, size_t *n, size_t *slash)
{
	*n = 0;
	*slash = SIZE_MAX;
	for (size_t i = 0; i < path.n; i++) {
		char c = path.p[i];

		if (c == '%') {
			int hi = i + 2 < path.n ? lg_hex_digit(path.p[i + 1]) : -1;
			int lo = i + 2 < path.n ? lg_hex_digit(path.p[i + 2]) : -1;

			if (hi < 0 || lo < 0)
				return false;
			c = (char)(hi << 4 | lo);
			if ((unsigned char)c < 0x20 || c == 0x7f)
				return false;
			if (c == '/' && *slash == SIZE_MAX)
				*slash = *n;
			i += 2;
		}
		out[(*n)++] = c;
	}
	return true;
}

/* RFC 3986 5.2.4: dots are resolved by clients; one that reaches us wants to confuse somebody.  An encoded slash counts as one
 * here, so that "..%2F" does not pass, except that two may stand together as base64 in a path's end has it. */
static bool
segments_ok(lg_str path, size_t slash)
{
	lg_str rest = lg_str_sub(path, 1, path.n), part;
	bool more = true;

	while (more) {
		size_t at = (size_t)(rest.p - path.p);

		more = lg_str_cut(rest, '/', &part, &rest);
		if (lg_str_eq(part, LG_STR(".")) || lg_str_eq(part, LG_STR("..")))
			return false;
		if (part.n == 0 && more && at <= slash)
			return false;
	}
	return true;
}

/*
 * How much of the path stands before "/t/<name>": nothing, or the name of a document, behind which RFC 8414 3.1 wants the path of whom it
 * is about.
 */
static size_t
before_tenant(lg_str path)
{
	static const lg_str documents[] = {
		LG_STR("/.well-known/oauth-authorization-server"), LG_STR("/.well-known/openid-configuration"),
		LG_STR("/.well-known/authzen-configuration"),
	};

	for (size_t i = 0; i < LG_COUNT(documents); i++)
		if (lg_str_starts(path, documents[i]))
			return documents[i].n;
	return 0;
}

/* "/t/<name>/...", "/.well-known/.../t/<name>" */
static lg_err
strip_tenant(struct lg_ctx *cx, struct lg_target *t)
{
	size_t before = before_tenant(t->path), end;
	lg_str rest = lg_str_sub(t->path, before, t->path.n), name, tail;

	if (!lg_str_starts(rest, LG_STR("/t/")))
		return LG_OK;
	if (lg_str_cut(lg_str_sub(rest, 3, rest.n), '/', &name, &tail) && before > 0)
		return LG_OK;
	end = before + 3 + name.n;
	if (name.n == 0 || name.n > LG_TENANT_NAME || (t->slash < t->path.n && t->slash <= end))
		return lg_fail(cx, LG_E_INVALID, "the path's tenant is malformed");
	t->tenant = name;
	if (before > 0) {
		t->path = lg_str_sub(t->path, 0, before);
		t->slash = before;
		return LG_OK;
	}
	t->path = lg_str_sub(t->path, end, t->path.n);
	t->slash -= end;
	if (t->path.n == 0)
		t->path = LG_STR("/");
	return LG_OK;
}

lg_err
lg_target_parse(struct lg_ctx *cx, lg_str text, struct lg_target *ret)
{
	struct lg_target t = { .tenant = LG_NONE };
	char *out;
	size_t n;

	text = strip_authority(text);
	if (text.n == 0 || text.p[0] != '/' || !printable(text))
		return lg_fail(cx, LG_E_INVALID, "the request target is malformed");
	if (!lg_str_cut(text, '?', &t.raw, &t.query))
		t.query = LG_NONE;
	out = lg_alloc(cx->arena, t.raw.n);
	if (!decode(t.raw, out, &n, &t.slash))
		return lg_fail(cx, LG_E_INVALID, "the path holds a bad percent code");
	t.path = (lg_str){ out, n };
	if (t.slash > n)
		t.slash = n;
	if (!segments_ok(t.path, t.slash) || !lg_utf8_valid(t.path))
		return lg_fail(cx, LG_E_INVALID, "the path is malformed");
	LG_TRY(strip_tenant(cx, &t));
	*ret = t;
	return LG_OK;
}
