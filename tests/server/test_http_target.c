#include <criterion/criterion.h>

#include "server/http_target.h"

static const struct {
	const char *text, *path, *query, *tenant;
} good[] = {
	{ "/", "/", "", "" },
	{ "/v1/users/alice", "/v1/users/alice", "", "" },
	{ "/v1/users?limit=1&x=%20", "/v1/users", "limit=1&x=%20", "" },
	{ "/v1/users/", "/v1/users/", "", "" },
	{ "/a%20b", "/a b", "", "" },
	{ "/%C3%BC", "/\xc3\xbc", "", "" },
	{ "/t/acme/oauth2/token", "/oauth2/token", "", "acme" },
	{ "/t/acme", "/", "", "acme" },
	{ "/t/acme?x", "/", "x", "acme" },
	{ "/t", "/t", "", "" },
	{ "/.well-known/oauth-authorization-server/t/acme?x", "/.well-known/oauth-authorization-server", "x", "acme" },
	{ "/.well-known/openid-configuration/t/acme", "/.well-known/openid-configuration", "", "acme" },
	{ "/.well-known/openid-configuration/t/acme/x", "/.well-known/openid-configuration/t/acme/x", "", "" },
	{ "/.well-known/openid-configuration", "/.well-known/openid-configuration", "", "" },
	{ "/.well-known/est/t/acme", "/.well-known/est/t/acme", "", "" },
	{ "/ocsp/a%2F%2Fb%3D", "/ocsp/a//b=", "", "" },
	{ "https://host:1/x?y", "/x", "y", "" },
	{ "/...", "/...", "", "" },
	{ "/a/..b/.c", "/a/..b/.c", "", "" },
};

static const char *const bad[] = {
	"", "x", "*", "host:443", "http://host", "ftp://host/x", "//x", "/a//b", "/a/./b", "/a/../b", "/a/..", "/.", "/a/%2e%2e/b",
	"/a/.%2e", "/a/..%2fb", "/a%2f../b", "/%", "/%4", "/%zz", "/%00", "/%0a", "/%7f", "/%ff", "/a b", "/a\tb", "/a#b", "/a\x80",
	"/.well-known/openid-configuration/t/", "/.well-known/openid-configuration/t%2facme", "/.well-known%2fopenid-configuration/t/a",
	"/t//x", "/t/a%2fb/x", "/t%2fa/x", "/t/a%2f/x",
	"/t/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/x",
};

Test(http_target, is_taken_apart)
{
	for (size_t i = 0; i < LG_COUNT(good); i++) {
		struct lg_arena *a = lg_arena_new();
		struct lg_target t;
		struct lg_ctx cx;

		lg_ctx_init(&cx, a);
		cr_expect_eq(lg_target_parse(&cx, lg_str_of(good[i].text), &t), LG_OK, "%s: %s", good[i].text, cx.error);
		cr_expect(lg_str_eq(t.path, lg_str_of(good[i].path)), "%s: %.*s", good[i].text, LG_FMT(t.path));
		cr_expect(lg_str_eq(t.query, lg_str_of(good[i].query)), "%s", good[i].text);
		cr_expect(lg_str_eq(t.tenant, lg_str_of(good[i].tenant)), "%s", good[i].text);
		lg_arena_free(&a);
	}
}

Test(http_target, whatever_could_mean_another_path_is_refused)
{
	for (size_t i = 0; i < LG_COUNT(bad); i++) {
		struct lg_arena *a = lg_arena_new();
		struct lg_target t;
		struct lg_ctx cx;

		lg_ctx_init(&cx, a);
		cr_expect_eq(lg_target_parse(&cx, lg_str_of(bad[i]), &t), LG_E_INVALID, "%s", bad[i]);
		lg_arena_free(&a);
	}
}
