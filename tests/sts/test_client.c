#include "tests/sts/kit.h"

TestSuite(client, .init = kit_start, .fini = kit_end);

#define ENTRY "c0000000-0000-4000-8000-000000000099"

static lg_err
read_client(const char *json)
{
	struct lg_sts_client c;

	return lg_sts_client_read(&kit.cx, lg_str_of(json), NULL, &c);
}

Test(client, defaults_follow_the_type)
{
	struct lg_sts_client c;

	cr_assert_eq(lg_sts_client_read(&kit.cx, LG_STR("{\"name\":\"a\",\"type\":\"public\",\"redirect_uris\":[\"" REDIRECT "\"]}"), NULL, &c),
	    LG_OK, "%s", kit.cx.error);
	cr_assert(c.auth == LG_CLIENT_NONE && c.grants == (LG_GRANT_CODE | LG_GRANT_REFRESH) && c.nscopes == 7 && c.enabled);
	cr_assert_not(lg_sts_client_needs_secret(&c));
	cr_assert_eq(lg_sts_client_read(&kit.cx, LG_STR("{\"name\":\"a\",\"type\":\"service\"}"), NULL, &c), LG_OK, "%s", kit.cx.error);
	cr_assert(c.auth == LG_CLIENT_SECRET && c.grants == LG_GRANT_CLIENT && c.nscopes == 0);
	cr_assert(lg_sts_client_needs_secret(&c));
	lg_sts_client_defaults(&c, LG_STR("service"));
	cr_assert(c.auth == LG_CLIENT_SECRET && c.grants == LG_GRANT_CLIENT && c.enabled);
}

Test(client, senseless_ones_are_refused)
{
	static const char *cases[] = {
		"{}", "[]", "{\"name\":\"\",\"type\":\"service\"}", "{\"name\":\"a b\",\"type\":\"service\"}",
		"{\"name\":\"a\",\"type\":\"public\"}", "{\"name\":\"a\",\"type\":\"web\"}", "{\"name\":\"a\",\"type\":\"service\",\"colour\":1}",
		"{\"name\":\"a\",\"name\":\"b\",\"type\":\"service\"}", "{\"name\":\"a\",\"type\":\"service\",\"auth\":\"password\"}",
		"{\"name\":\"a\",\"type\":\"service\",\"auth\":\"none\"}", "{\"name\":\"a\",\"type\":\"service\",\"grants\":[]}",
		"{\"name\":\"a\",\"type\":\"service\",\"grants\":[\"implicit\"]}", "{\"name\":\"a\",\"type\":\"service\",\"access_life\":3601}",
		"{\"name\":\"a\",\"type\":\"service\",\"access_life\":0}", "{\"name\":\"a\",\"type\":\"service\",\"scopes\":[\"a b\"]}",
		"{\"name\":\"a\",\"type\":\"service\",\"scopes\":[\"\"]}", "{\"name\":\"a\",\"type\":\"service\",\"audiences\":[\"\"]}",
		"{\"name\":\"a\",\"type\":\"service\",\"auth\":\"private_key_jwt\"}", "{\"name\":\"a\",\"type\":\"service\",\"jwks\":{\"keys\":1}}",
		"{\"name\":\"a\",\"type\":\"service\",\"auth\":\"private_key_jwt\",\"jwks\":{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\"}]}}",
		"{\"name\":\"a\",\"type\":\"service\",\"id_token_alg\":\"none\"}", "{\"name\":\"a\",\"type\":\"service\",\"id_token_alg\":\"HS256\"}",
		"{\"name\":\"a\",\"type\":\"public\",\"redirect_uris\":\"" REDIRECT "\"}",
	};

	for (size_t i = 0; i < LG_COUNT(cases); i++)
		cr_assert_eq(read_client(cases[i]), LG_E_INVALID, "%s", cases[i]);
}

Test(client, redirect_uris_that_may_and_may_not_be_registered)
{
	static const struct {
		const char *uri;
		bool good;
	} cases[] = {
		{ "https://app.example/cb", true }, { "https://app.example", true }, { "https://app.example:8443/a?b=c", true },
		{ "http://127.0.0.1/cb", true }, { "http://127.0.0.1:9000/cb", true }, { "http://[::1]:1/cb", true },
		{ "http://localhost:3000/cb", true }, { "com.example.app:/cb", true }, { "https://app.example/%C3%A9", true },
		{ "http://app.example/cb", false }, { "https://app.example/cb#f", false }, { "https://u@app.example/", false },
		{ "https://", false }, { "https:/app.example", false }, { "https:app", false }, { "javascript:alert(1)", false },
		{ "data:text/html,x", false }, { "com.example.app:cb", false }, { "/cb", false }, { "", false },
		{ "https://app.example/a b", false }, { "https://app.example/a\\b", false }, { "https://app.example/%zz", false },
		{ "https://app.example:x/", false }, { "https://app.example:/", false }, { "https://a;b/", false },
		{ "https://a'b/", false }, { "https://[::1/", false }, { "https://app.example\n/", false }, { "https://a/\"", false },
		{ "http://127.0.0.1.evil.example/", false }, { "http://localhost.evil.example/", false }, { "https://\xc3\xa9.example/", false },
	};

	for (size_t i = 0; i < LG_COUNT(cases); i++)
		cr_assert_eq(sts_redirect_valid(&kit.cx, lg_str_of(cases[i].uri)) == LG_OK, cases[i].good, "%s", cases[i].uri);
}

Test(client, form_action_names_the_origin)
{
	cr_assert(lg_str_eq(sts_redirect_origin(LG_STR("https://app.example:8443/cb?x")), LG_STR("https://app.example:8443")));
	cr_assert(lg_str_eq(sts_redirect_origin(LG_STR("com.example.app:/cb")), LG_STR("com.example.app:")));
	cr_assert_eq(sts_redirect_origin(LG_STR("not one")).n, 0);
}

Test(client, lists_and_lengths_are_bounded)
{
	struct lg_buf b = LG_BUF(1u << 16);
	char longer[LG_CLIENT_URI_MAX + 2];

	lg_buf_printf(&b, "{\"name\":\"a\",\"type\":\"public\",\"redirect_uris\":[");
	for (int i = 0; i <= LG_CLIENT_URIS; i++)
		lg_buf_printf(&b, "%s\"https://a.example/%d\"", i == 0 ? "" : ",", i);
	lg_buf_printf(&b, "]}");
	cr_assert_eq(read_client(kit_c(lg_buf_view(&b))), LG_E_INVALID);
	lg_buf_free(&b);
	memset(longer, 'a', sizeof longer - 1);
	longer[sizeof longer - 1] = '\0';
	cr_assert_eq(read_client(kit_fmt("{\"name\":\"a\",\"type\":\"public\",\"redirect_uris\":[\"https://a/%s\"]}", longer)), LG_E_INVALID);
	longer[LG_CLIENT_ID_MAX + 1] = '\0';
	cr_assert_eq(read_client(kit_fmt("{\"name\":\"%s\",\"type\":\"service\"}", longer)), LG_E_INVALID);
	/* as they stand in the document, blanks and all */
	const char *keys = kit_jwks(kit.client_key, "k", "");
	for (int more = 0; more < 2; more++) {
		int blanks = (int)(LG_CLIENT_JWKS_MAX - strlen(keys)) + more;
		const char *json = kit_fmt("{\"name\":\"a\",\"type\":\"service\",\"auth\":\"private_key_jwt\",\"jwks\":{%*s%s}", blanks, "", &keys[1]);
		cr_assert_eq(read_client(json), more == 0 ? LG_OK : LG_E_INVALID, "%s", kit.cx.error);
	}
}

struct put {
	struct lg_sts_client c;
	const lg_sha256 *secret;
	enum lg_sts_change change;
	lg_err result;
};

static lg_err
run(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	struct put *p = arg;

	p->result = lg_sts_client_put(cx, v, TENANT, &p->c, p->secret, &p->change);
	return p->result;
}

static enum lg_sts_change
put(const char *json, const lg_sha256 *secret)
{
	struct put p = { .secret = secret };

	cr_assert_eq(lg_sts_client_read(&kit.cx, lg_str_of(json), NULL, &p.c), LG_OK, "%s", kit.cx.error);
	cr_assert(lg_uuid_parse(LG_STR(ENTRY), &p.c.entry));
	kit_apply(run, &p);
	return p.change;
}

#define NEW "{\"name\":\"new\",\"type\":\"service\",\"scopes\":[\"a\"],\"audiences\":[\"https://api\"],\"introspect\":true}"

Test(client, applying_the_same_twice_changes_nothing_and_keeps_the_secret)
{
	lg_sha256 one = lg_sha256_of(LG_STR("one")), two = lg_sha256_of(LG_STR("two"));

	cr_assert_eq(put(NEW, &one), LG_STS_CREATED);
	cr_assert_eq(put(NEW, NULL), LG_STS_UNCHANGED);
	cr_assert_eq(put("{\"name\":\"new\",\"type\":\"service\"}", NULL), LG_STS_CHANGED);
	assert_status(kit_post("/oauth2/token", "grant_type=client_credentials", kit_basic("new", "one")), 401);	/* no entry */
	cr_assert_eq(put("{\"name\":\"new\",\"type\":\"service\"}", &two), LG_STS_CHANGED);
}

Test(client, what_was_written_reads_the_same)
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;
	struct lg_buf b = LG_BUF(1u << 16);
	struct lg_jsonw w = lg_jsonw_of(&b);
	struct lg_sts_client c, again;

	(void)put(NEW, NULL);
	cr_assert_eq(lg_view_begin(&kit.cx, kit.store, &v), LG_OK);
	cr_assert_eq(lg_sts_client_get(&kit.cx, v, TENANT, LG_STR("new"), &c), LG_OK, "%s", kit.cx.error);
	lg_sts_client_write(&w, &c);
	cr_assert(strstr(kit_c(lg_buf_view(&b)), "secret\"") != NULL && strstr(kit_c(lg_buf_view(&b)), "\"secret\":") == NULL);
	cr_assert_eq(lg_sts_client_read(&kit.cx, lg_buf_view(&b), NULL, &again), LG_OK, "%s", kit.cx.error);
	cr_assert(again.auth == c.auth && again.grants == c.grants && again.nscopes == 1 && again.naudiences == 1 && again.introspect);
	lg_buf_free(&b);
	cr_assert_eq(lg_sts_client_get(&kit.cx, v, TENANT + 1, LG_STR("new"), &c), LG_E_NOT_FOUND);
	cr_assert_eq(lg_sts_client_get(&kit.cx, v, TENANT, LG_STR(""), &c), LG_E_NOT_FOUND);
}

/* Every member that a state document can have. */
#define FULL "{\"name\":\"new\",\"type\":\"confidential\",\"auth\":\"private_key_jwt\",\"grants\":[\"authorization_code\"," \
	"\"refresh_token\"],\"jwks_uri\":\"https://a/jwks\",\"redirect_uris\":[\"https://a/cb\"],\"post_logout_redirect_uris\":[]," \
	"\"scopes\":[\"openid\"],\"audiences\":[],\"id_token_alg\":\"PS256\",\"introspect\":false," \
	"\"dpop_bound_access_tokens\":true,\"require_pushed_authorization_requests\":true,\"enabled\":true," \
	"\"display\":\"A shop\",\"client_uri\":\"https://a/\",\"logo_uri\":\"https://a/l\",\"policy_uri\":\"https://a/p\"," \
	"\"tos_uri\":\"https://a/t\",\"contacts\":[\"ops@a.example\"],\"software_id\":\"s\",\"software_version\":\"1\"," \
	"\"access_token_alg\":\"PS256\",\"userinfo_alg\":\"EdDSA\",\"introspection_alg\":\"ES256\"," \
	"\"request_object_alg\":\"PS256\",\"require_signed_request_object\":true,\"request_uris\":[\"https://a/r#x-_1\"]," \
	"\"default_acr_values\":[\"urn:lightgate:acr:mfa\"],\"default_max_age\":600,\"initiate_login_uri\":\"https://a/i\"," \
	"\"backchannel_logout_uri\":\"https://a/b\",\"backchannel_logout_session_required\":true," \
	"\"frontchannel_logout_uri\":\"https://a/f\",\"frontchannel_logout_session_required\":true," \
	"\"tls_client_certificate_bound_access_tokens\":true,\"fapi2\":true,\"access_life\":60}"

static lg_str
written(const char *id)
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;
	struct lg_buf b = LG_BUF(1u << 16);
	struct lg_jsonw w = lg_jsonw_of(&b);
	struct lg_sts_client c;
	lg_str text;

	cr_assert_eq(lg_view_begin(&kit.cx, kit.store, &v), LG_OK);
	cr_assert_eq(lg_sts_client_get(&kit.cx, v, TENANT, lg_str_of(id), &c), LG_OK, "%s", kit.cx.error);
	lg_sts_client_write(&w, &c);
	text = lg_dup(kit.arena, lg_buf_view(&b));
	lg_buf_free(&b);
	return text;
}

Test(client, every_member_is_stored_and_comes_back)
{
	struct lg_json js;
	lg_str name, text;

	cr_assert_eq(put(FULL, NULL), LG_STS_CREATED);
	cr_assert_eq(put(FULL, NULL), LG_STS_UNCHANGED);
	text = written("new");
	lg_json_init(&js, kit.arena, LG_STR(FULL));
	lg_json_object(&js);
	while (lg_json_member(&js, &name)) {
		lg_str value = lg_json_raw(&js), got = kit_member(text, kit_c(name));

		if (value.p[0] == '"')
			value = lg_str_sub(value, 1, value.n - 2);
		cr_assert(lg_str_eq(got, value), "%.*s: %.*s, not %.*s", LG_FMT(name), LG_FMT(got), LG_FMT(value));
	}
	cr_assert_eq(lg_json_end(&kit.cx, &js), LG_OK);
}

Test(client, members_have_their_bounds)
{
	static const char *bad[] = {
		"\"logo_uri\":\"http://a/\"", "\"logo_uri\":\"javascript:alert(1)\"", "\"jwks_uri\":\"https://u@a/\"",
		"\"backchannel_logout_uri\":\"https://a/#f\"", "\"request_uris\":[\"http://a/r\"]", "\"request_uris\":[\"https://a/r#a b\"]",
		"\"default_acr_values\":[\"gold\"]", "\"default_max_age\":-1", "\"default_max_age\":4294967296",
		"\"access_token_alg\":\"ES384\"", "\"userinfo_alg\":\"none\"", "\"request_object_alg\":\"HS256\"",
		"\"request_object_alg\":\"none\"", "\"display\":\"a\\nb\"", "\"contacts\":[\"\"]", "\"registration\":\"x\"",
		"\"contacts\":[\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\"]", "\"require_signed_request_object\":true",
		"\"auth\":\"self_signed_tls_client_auth\"", "\"jwks\":{\"keys\":[]},\"jwks_uri\":\"https://a/\"",
		"\"type\":\"public\",\"grants\":[\"password\"]", "\"tls_client_auth_san_uri\":\"spiffe://a/service/b\"",
		"\"auth\":\"tls_client_auth\",\"tls_client_auth_san_uri\":\"a b\"",
		"\"auth\":\"tls_client_auth\",\"tls_client_auth_san_uri\":\"spiffe://a/b\",\"tls_client_auth_san_dns\":\"a\"",
		"\"auth\":\"tls_client_auth\",\"tls_client_auth_subject_dn\":\"a\"", "\"auth\":\"tls_client_auth\",\"tls_client_auth_san_ip\":\"a\"",
		"\"tls_client_auth_san_email\":\"a@b\"",
	};
	char long_name[LG_CLIENT_TEXT_MAX + 2] = "";

	for (size_t i = 0; i < LG_COUNT(bad); i++)
		cr_assert_eq(read_client(kit_fmt("{\"name\":\"a\",%s,\"redirect_uris\":[\"https://a/cb\"]}", bad[i])), LG_E_INVALID, "%s", bad[i]);
	memset(long_name, 'a', sizeof long_name - 1);
	cr_assert_eq(read_client(kit_fmt("{\"name\":\"a\",\"redirect_uris\":[\"https://a/cb\"],\"display\":\"%s\"}", long_name)), LG_E_INVALID);
	long_name[LG_CLIENT_TEXT_MAX] = '\0';
	cr_assert_eq(read_client(kit_fmt("{\"name\":\"a\",\"redirect_uris\":[\"https://a/cb\"],\"display\":\"%s\"}", long_name)), LG_OK);
}

Test(client, a_patch_changes_what_it_names_and_nothing_else)
{
	struct lg_sts_client base, c;

	cr_assert_eq(lg_sts_client_read(&kit.cx, LG_STR(FULL), NULL, &base), LG_OK, "%s", kit.cx.error);
	cr_assert_eq(lg_sts_client_read(&kit.cx, LG_STR("{\"enabled\":false,\"display\":\"\",\"scopes\":[\"read\"]}"), &base, &c), LG_OK);
	cr_assert(!c.enabled && c.display.n == 0 && c.nscopes == 1 && lg_str_eq(c.scopes[0], LG_STR("read")));
	cr_assert(c.auth == LG_CLIENT_JWT && c.grants == base.grants && c.fapi2 && c.nredirects == 1 && c.max_age == 600);
	cr_assert_eq(lg_sts_client_read(&kit.cx, LG_STR("{\"redirect_uris\":[]}"), &base, &c), LG_E_INVALID);
}

Test(client, algorithms_are_wanted_as_long_as_an_enabled_client_asks_for_them)
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;
	unsigned algs;

	(void)put(FULL, NULL);
	cr_assert_eq(lg_view_begin(&kit.cx, kit.store, &v), LG_OK);
	cr_assert_eq(lg_sts_wanted_algs(&kit.cx, v, TENANT, &algs), LG_OK);
	cr_assert_eq(algs, 1u << LG_ALG_PS256 | 1u << LG_ALG_RS256 | 1u << LG_ALG_EDDSA);	/* RS256 is wanted by "spa" as well */
	lg_view_end(&v);
	(void)put("{\"name\":\"new\",\"type\":\"service\",\"id_token_alg\":\"PS256\",\"enabled\":false}", NULL);
	cr_assert_eq(lg_view_begin(&kit.cx, kit.store, &v), LG_OK);
	cr_assert_eq(lg_sts_wanted_algs(&kit.cx, v, TENANT, &algs), LG_OK);
	cr_assert_eq(algs, 1u << LG_ALG_RS256);
	cr_assert_eq(lg_sts_wanted_algs(&kit.cx, v, TENANT + 1, &algs), LG_OK);
	cr_assert_eq(algs, 0);
}

Test(client, an_id_belongs_to_one_entry)
{
	struct put p = { .secret = NULL };

	cr_assert_eq(lg_sts_client_read(&kit.cx, LG_STR("{\"name\":\"worker\",\"type\":\"service\"}"), NULL, &p.c), LG_OK);
	cr_assert(lg_uuid_parse(LG_STR(ENTRY), &p.c.entry));
	cr_assert_eq(lg_store_apply(&kit.cx, kit.store, TENANT, "test", run, &p, NULL), LG_E_EXISTS);
}

static lg_err
delete(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	return lg_sts_client_del(cx, v, TENANT, lg_str_of(arg));
}

Test(client, deleted_ones_are_gone)
{
	char name[] = "worker";

	kit_apply(delete, name);
	assert_oauth(kit_post("/oauth2/token", "grant_type=client_credentials", kit_basic("worker", WORKER_SECRET)), 401,
	    "invalid_client");
	cr_assert_eq(lg_store_apply(&kit.cx, kit.store, TENANT, "test", delete, name, NULL), LG_E_NOT_FOUND);
}

/* ---- scopes ----------------------------------------------------------------------------------------------- */

Test(client, scopes_are_sets_of_names)
{
	cr_assert(sts_scope_has(LG_STR("a b c"), LG_STR("b")));
	cr_assert_not(sts_scope_has(LG_STR("ab bc"), LG_STR("b")));
	cr_assert_not(sts_scope_has(LG_STR("a  b"), LG_STR("x")));
	cr_assert(sts_scope_within(LG_STR("b a"), LG_STR("a b c")));
	cr_assert(sts_scope_within(LG_STR(""), LG_STR("a")));
	cr_assert_not(sts_scope_within(LG_STR("a d"), LG_STR("a b c")));
	cr_assert(sts_scope_valid(LG_STR("a b")));
	cr_assert_not(sts_scope_valid(LG_STR("a\tb")));
	cr_assert_not(sts_scope_valid(LG_STR("a\\b")));
	cr_assert_not(sts_scope_valid(LG_STR("1 2 3 4 5 6 7 8 9 0 a b c d e f g h i j k l m n o p q r s t u v w x y z")));
}
