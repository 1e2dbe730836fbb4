/* uri.c: pkcs11:token=ca;object=issuing;id=%01;type=private. */
#include "crypto/hsm/uri.h"

#include "base/text.h"

static const lg_str scheme = LG_STR("pkcs11:");

static const struct {
	lg_str name;
	size_t at, most;
} attributes[] = {
	{ LG_STR("token"), offsetof(struct lg_hsm_uri, token), LG_HSM_TOKEN },
	{ LG_STR("serial"), offsetof(struct lg_hsm_uri, serial), LG_HSM_SERIAL },
	{ LG_STR("object"), offsetof(struct lg_hsm_uri, object), LG_HSM_NAME },
	{ LG_STR("id"), offsetof(struct lg_hsm_uri, id), LG_HSM_NAME },
};

static lg_str *
member(struct lg_hsm_uri *u, size_t i)
{
	return (lg_str *)(void *)((char *)u + attributes[i].at);
}

static lg_err
take(struct lg_ctx *cx, lg_str name, lg_str value, struct lg_hsm_uri *u)
{
	if (lg_str_eq(name, LG_STR("type"))) {
		if (!lg_str_eq(value, LG_STR("private")))
			return lg_fail(cx, LG_E_INVALID, "pkcs11 URI: type is private, or is not said");
		return LG_OK;
	}
	for (size_t i = 0; i < LG_COUNT(attributes); i++) {
		if (!lg_str_eq(name, attributes[i].name))
			continue;
		if (member(u, i)->n > 0)
			return lg_fail(cx, LG_E_INVALID, "pkcs11 URI: %.*s is said twice", LG_FMT(name));
		if (value.n == 0 || value.n > attributes[i].most)
			return lg_fail(cx, LG_E_INVALID, "pkcs11 URI: %.*s has 1 to %zu octets", LG_FMT(name), attributes[i].most);
		*member(u, i) = value;
		return LG_OK;
	}
	return lg_fail(cx, LG_E_INVALID, "pkcs11 URI: \"%.*s\" is not taken here", LG_FMT(name));
}

bool
lg_hsm_uri_is(lg_str text)
{
	return lg_str_starts(text, scheme);
}

lg_err
lg_hsm_uri_parse(struct lg_ctx *cx, lg_str text, struct lg_hsm_uri *ret)
{
	struct lg_hsm_uri u = { .token = LG_NONE };
	lg_str rest, one, name, value, decoded;

	if (!lg_hsm_uri_is(text) || text.n > LG_HSM_URI_MAX)
		return lg_fail(cx, LG_E_INVALID, "not a pkcs11 URI of at most %d octets", LG_HSM_URI_MAX);
	if (memchr(text.p, '?', text.n) != NULL)
		return lg_fail(cx, LG_E_INVALID, "pkcs11 URI: the PIN and the module are named in the settings, not here");
	rest = lg_str_sub(text, scheme.n, text.n);
	while (rest.n > 0) {
		lg_str_cut(rest, ';', &one, &rest);
		if (!lg_str_cut(one, '=', &name, &value) || !lg_percent_parse(cx->arena, value, false, &decoded))
			return lg_fail(cx, LG_E_INVALID, "pkcs11 URI: name=value is wanted, not \"%.*s\"", LG_FMT(one));
		LG_TRY(take(cx, name, decoded, &u));
	}
	if (u.token.n == 0 || u.object.n + u.id.n == 0)
		return lg_fail(cx, LG_E_INVALID, "pkcs11 URI: the token, and the key's object or id, must be said");
	*ret = u;
	return LG_OK;
}

lg_str
lg_hsm_uri_print(struct lg_arena *a, const struct lg_hsm_uri *u)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(3 * LG_HSM_URI_MAX);
	struct lg_hsm_uri copy = *u;

	lg_buf_str(&b, scheme);
	for (size_t i = 0; i < LG_COUNT(attributes); i++) {
		if (member(&copy, i)->n == 0)
			continue;
		lg_buf_printf(&b, "%.*s=", LG_FMT(attributes[i].name));
		lg_buf_percent(&b, *member(&copy, i));
		lg_buf_byte(&b, ';');
	}
	lg_buf_str(&b, LG_STR("type=private"));
	return lg_dup(a, lg_buf_view(&b));
}
