/* test_acme_refusals.c: everything a client can do wrong or with bad intent, and the problem it is answered with (RFC 8555 6.7). */
#include "base/clock.h"
#include "base/text.h"
#include "tests/certs/acme_client.h"

#define NEW_ORDER	"/acme/new-order"
#define ORDER		"{\"identifiers\":" WWW "}"
#define KID		"\"kid\":\"%k\""
#define HEAD(alg, who)	"{\"alg\":\"" alg "\",\"nonce\":\"%n\",\"url\":\"%u\"," who "}"

/* %k the account, %K another account, %n a fresh nonce, %N a used one, %u the URL, %j the key, %J the key with its private part. */
static lg_str
expand(struct acme_client *c, const char *text, const char *path, lg_str other)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(64u << 10);
	lg_str jwk = acme_jwk_of(c->w, c->key);

	for (; *text != '\0'; text++) {
		char what = *text == '%' ? *++text : '\0';

		if (what == '\0')
			lg_buf_byte(&b, *text);
		else if (what == 'k' || what == 'K')
			lg_buf_str(&b, what == 'k' ? c->kid : other);
		else if (what == 'n')
			lg_buf_str(&b, c->nonce);
		else if (what == 'u')
			lg_buf_str(&b, lg_cat(c->w->arena, LG_STR(ISSUER), lg_str_of(path)));
		else if (what == 'j')
			lg_buf_str(&b, jwk);
		else
			lg_buf_printf(&b, "%.*s,\"d\":\"AAAA\"}", (int)jwk.n - 1, jwk.p);
	}
	return lg_dup(c->w->arena, lg_buf_view(&b));
}

/* A JWS around this protected header, rightly signed with the client's key, whatever the header says. */
static lg_str
signed_as(struct acme_client *c, lg_str header, const char *payload)
{
	lg_str head = lg_base64url(c->w->arena, header), body = lg_base64url(c->w->arena, lg_str_of(payload)), sig;
	enum lg_alg alg = lg_pubkey_default_alg(lg_key_public(c->key));

	cr_assert_eq(lg_key_sign_jose(&c->w->cx, c->key, alg, lg_print(c->w->arena, "%.*s.%.*s", LG_FMT(head), LG_FMT(body)), &sig), LG_OK);
	return acme_flat(c->w, head, body, sig);
}

static void
assert_refused(struct acme_client *c, const char *name, int status, const char *type)
{
	cr_assert_eq(c->e, LG_OK, "%s: a problem document, not %s", name, c->w->cx.error);
	cr_assert_eq(c->status, status, "%s: %d %.*s", name, c->status, LG_FMT(c->body));
	cr_assert(lg_str_eq(c->type, LG_STR("application/problem+json")), "%s", name);
	cr_assert(acme_shows(c, lg_print(c->w->arena, "\"urn:ietf:params:acme:error:%s\"", type).p), "%s: %.*s", name, LG_FMT(c->body));
	cr_assert_gt(c->nonce.n, 0, "%s: RFC 8555 6.5: errors have a nonce too", name);
}

/* ---- headers ------------------------------------------------------------------------------------------------ */

static const struct {
	const char *name, *path, *header;
	int status;
	const char *type;
} headers[] = {
	{ "no nonce", NEW_ORDER, "{\"alg\":\"ES256\",\"url\":\"%u\"," KID "}", 400, "badNonce" },
	{ "an unknown nonce", NEW_ORDER, "{\"alg\":\"ES256\",\"nonce\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\",\"url\":\"%u\"," KID "}", 400, "badNonce" },
	{ "a nonce that is not base64url", NEW_ORDER, "{\"alg\":\"ES256\",\"nonce\":\"!!!\",\"url\":\"%u\"," KID "}", 400, "badNonce" },
	{ "no url", NEW_ORDER, "{\"alg\":\"ES256\",\"nonce\":\"%n\"," KID "}", 403, "unauthorized" },
	{ "the url of another resource", NEW_ORDER, "{\"alg\":\"ES256\",\"nonce\":\"%n\",\"url\":\"" ISSUER "/acme/key-change\"," KID "}", 403, "unauthorized" },
	{ "the url of another server", NEW_ORDER, "{\"alg\":\"ES256\",\"nonce\":\"%n\",\"url\":\"https://b.example/acme/new-order\"," KID "}", 403, "unauthorized" },
	{ "jwk and kid together", NEW_ORDER, HEAD("ES256", KID ",\"jwk\":%j"), 400, "malformed" },
	{ "neither jwk nor kid", NEW_ORDER, "{\"alg\":\"ES256\",\"nonce\":\"%n\",\"url\":\"%u\"}", 400, "malformed" },
	{ "jwk where an account is needed", NEW_ORDER, HEAD("ES256", "\"jwk\":%j"), 400, "malformed" },
	{ "kid where a key is needed", "/acme/new-account", HEAD("ES256", KID), 400, "malformed" },
	{ "an account that is none", NEW_ORDER, HEAD("ES256", "\"kid\":\"" ISSUER "/acme/account/AAAAAAAAAAAAAAAAAAAAAA\""), 400, "accountDoesNotExist" },
	{ "an account of another server", NEW_ORDER, HEAD("ES256", "\"kid\":\"https://b.example/acme/account/AAAAAAAAAAAAAAAAAAAAAA\""), 400, "accountDoesNotExist" },
	{ "another's account", NEW_ORDER, HEAD("ES256", "\"kid\":\"%K\""), 403, "unauthorized" },
	{ "alg none", NEW_ORDER, HEAD("none", KID), 400, "badSignatureAlgorithm" },
	{ "alg HS256", NEW_ORDER, HEAD("HS256", KID), 400, "badSignatureAlgorithm" },
	{ "alg RS256 of a P-256 account", NEW_ORDER, HEAD("RS256", KID), 403, "unauthorized" },
	{ "alg ES384 of a P-256 account", NEW_ORDER, HEAD("ES384", KID), 403, "unauthorized" },
	{ "alg RS256 with a P-256 jwk", "/acme/new-account", HEAD("RS256", "\"jwk\":%j"), 403, "unauthorized" },
	{ "alg in lower case", NEW_ORDER, HEAD("es256", KID), 400, "badSignatureAlgorithm" },
	{ "no alg", NEW_ORDER, "{\"nonce\":\"%n\",\"url\":\"%u\"," KID "}", 400, "badSignatureAlgorithm" },
	{ "a critical extension", NEW_ORDER, HEAD("ES256", KID ",\"crit\":[\"exp\"],\"exp\":1"), 403, "unauthorized" },
	{ "an unencoded payload (RFC 7797)", NEW_ORDER, HEAD("ES256", KID ",\"b64\":false,\"crit\":[\"b64\"]"), 403, "unauthorized" },
	{ "a member twice", NEW_ORDER, HEAD("ES256", KID ",\"alg\":\"none\""), 400, "malformed" },
	{ "a jwk with its private part", "/acme/new-account", HEAD("ES256", "\"jwk\":%J"), 403, "unauthorized" },
	{ "a symmetric jwk", "/acme/new-account", HEAD("ES256", "\"jwk\":{\"kty\":\"oct\",\"k\":\"AAAA\"}"), 403, "unauthorized" },
	{ "a jwk that is no object", "/acme/new-account", HEAD("ES256", "\"jwk\":1"), 403, "unauthorized" },
	{ "a header that is no object", NEW_ORDER, "[]", 400, "malformed" },
};

Test(acme_refusals, protected_headers)
{
	struct acme_client c = acme_client_new(world_new()), other = { .w = c.w, .key = world_key(c.w, LG_KEY_P256) };
	lg_str kid, secret;

	acme_eab(&other, &kid, &secret);
	cr_assert_eq(acme_register_with(&other, acme_binding(&other, kid, secret, other.key, ISSUER "/acme/new-account")), 201);
	for (size_t i = 0; i < LG_COUNT(headers); i++) {
		lg_str header = expand(&c, headers[i].header, headers[i].path, other.kid);

		acme_call(&c, "POST", lg_str_of(headers[i].path), signed_as(&c, header, ORDER));
		assert_refused(&c, headers[i].name, headers[i].status, headers[i].type);
		if (strcmp(headers[i].type, "badSignatureAlgorithm") == 0)
			cr_assert(acme_shows(&c, "\"algorithms\":[\"ES256\",\"ES384\",\"EdDSA\",\"RS256\"]"), "%.*s", LG_FMT(c.body));
	}
	cr_assert_eq(acme_post_to(&c, NEW_ORDER, ORDER), 201, "and the right one is taken: %.*s", LG_FMT(c.body));
	lg_key_free(&other.key);
	acme_client_free(&c);
}

/* ---- bodies --------------------------------------------------------------------------------------------------- */

Test(acme_refusals, bodies)
{
	struct acme_client c = acme_client_new(world_new());
	struct lg_arena *a = c.w->arena;
	lg_str url = LG_STR(ISSUER NEW_ORDER), good = acme_jws(&c, c.key, url, c.nonce, c.kid, LG_STR(ORDER));
	lg_str big = { memset(lg_alloc(a, LG_TOKEN_MAX), 'A', LG_TOKEN_MAX), LG_TOKEN_MAX };
	lg_str cut = lg_str_sub(good, 0, good.n - 1), sig = lg_str_sub(good, 0, good.n - 4);
	const struct {
		const char *name;
		lg_str body;
		int status;
		const char *type;
	} cases[] = {
		{ "nothing", LG_NONE, 400, "malformed" }, { "no JSON", LG_STR("x"), 400, "malformed" }, { "cut off", cut, 400, "malformed" },
		{ "something behind it", lg_cat(a, good, LG_STR("{}")), 400, "malformed" },
		{ "an unprotected header", lg_cat(a, cut, LG_STR(",\"header\":{\"alg\":\"none\"}}")), 400, "malformed" },
		{ "the general form", LG_STR("{\"payload\":\"\",\"signatures\":[]}"), 400, "malformed" },
		{ "a member twice", lg_cat(a, cut, LG_STR(",\"payload\":\"\"}")), 400, "malformed" },
		{ "a compact JWS", LG_STR("\"AAAA.AAAA.AAAA\""), 400, "malformed" },
		{ "no signature", LG_STR("{\"protected\":\"e30\",\"payload\":\"\"}"), 400, "badSignatureAlgorithm" },
		{ "another signature", lg_cat(a, sig, good.p[good.n - 4] == 'A' ? LG_STR("BA\"}") : LG_STR("AA\"}")), 403, "unauthorized" },
		{ "base64 that is not base64url", LG_STR("{\"protected\":\"e30=\",\"payload\":\"\",\"signature\":\"\"}"), 400, "malformed" },
		{ "more than a token may have", lg_cat(a, LG_STR("{\"protected\":\""), lg_cat(a, big, LG_STR("x\",\"payload\":\"\",\"signature\":\"\"}"))), 413, "malformed" },
		{ "members nested without end", lg_cat(a, LG_STR("{\"protected\":"), LG_STR("[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[")), 400,
		    "malformed" },
	};

	for (size_t i = 0; i < LG_COUNT(cases); i++) {
		acme_call(&c, "POST", LG_STR(NEW_ORDER), cases[i].body);
		assert_refused(&c, cases[i].name, cases[i].status, cases[i].type);
	}
	acme_call(&c, "POST", LG_STR(NEW_ORDER), good);
	cr_assert_eq(c.status, 201, "refused requests spend no nonce");
	acme_call(&c, "POST", LG_STR(NEW_ORDER), good);
	assert_refused(&c, "the same again", 400, "badNonce");
	acme_client_free(&c);
}

Test(acme_refusals, types_of_content)
{
	static const char *const types[] = { "application/json", "application/jose", "text/plain", "", "application/jose+json2" };
	struct acme_client c = acme_client_new(world_new());

	for (size_t i = 0; i < LG_COUNT(types); i++) {
		acme_content_type = lg_str_of(types[i]);
		acme_post_to(&c, NEW_ORDER, ORDER);
		assert_refused(&c, types[i], 415, "malformed");
	}
	acme_content_type = LG_STR("application/jose+json");
	acme_client_free(&c);
}

/* ---- what is said, rightly signed ----------------------------------------------------------------------------- */

static const struct {
	const char *name, *path, *payload;
	int status;
	const char *type;
} payloads[] = {
	{ "an order without identifiers", NEW_ORDER, "{}", 400, "malformed" },
	{ "an order that is no object", NEW_ORDER, "[]", 400, "malformed" },
	{ "an order read as if it were one", NEW_ORDER, "", 400, "malformed" },
	{ "a beginning", NEW_ORDER, "{\"identifiers\":" WWW ",\"notBefore\":\"2030-01-01T00:00:00Z\"}", 400, "malformed" },
	{ "an end beyond the profile's", NEW_ORDER, "{\"identifiers\":" WWW ",\"notAfter\":\"2090-01-01T00:00:00Z\"}", 400, "malformed" },
	{ "an end that is over", NEW_ORDER, "{\"identifiers\":" WWW ",\"notAfter\":\"2020-01-01T00:00:00Z\"}", 400, "malformed" },
	{ "an end that is no time", NEW_ORDER, "{\"identifiers\":" WWW ",\"notAfter\":\"tomorrow\"}", 400, "malformed" },
	{ "an end that is a number", NEW_ORDER, "{\"identifiers\":" WWW ",\"notAfter\":1900000000}", 400, "malformed" },
	{ "an address as a name", NEW_ORDER, "{\"identifiers\":[{\"type\":\"dns\",\"value\":\"127.0.0.1\"}]}", 400, "rejectedIdentifier" },
	{ "an address of 6 as a name", NEW_ORDER, "{\"identifiers\":[{\"type\":\"dns\",\"value\":\"::1\"}]}", 400, "rejectedIdentifier" },
	{ "a name of others", NEW_ORDER, "{\"identifiers\":[{\"type\":\"dns\",\"value\":\"a.example.org\"}]}", 403, "rejectedIdentifier" },
	{ "a suffix that only looks like ours", NEW_ORDER, "{\"identifiers\":[{\"type\":\"dns\",\"value\":\"evila.example\"}]}", 403, "rejectedIdentifier" },
	{ "an address of others", NEW_ORDER, "{\"identifiers\":[{\"type\":\"ip\",\"value\":\"8.8.8.8\"}]}", 403, "rejectedIdentifier" },
	{ "a kind of others", NEW_ORDER, "{\"identifiers\":[{\"type\":\"email\",\"value\":\"x@a.example\"}]}", 400, "unsupportedIdentifier" },
	{ "too many identifiers", NEW_ORDER, "{\"identifiers\":[" "%17" "]}", 400, "rejectedIdentifier" },
	{ "a certificate that is none to revoke", "/acme/revoke-cert", "{\"certificate\":\"AAAA\"}", 400, "malformed" },
	{ "nothing to revoke", "/acme/revoke-cert", "{}", 400, "malformed" },
	{ "a reason for others", "/acme/revoke-cert", "{\"certificate\":\"AAAA\",\"reason\":2}", 400, "badRevocationReason" },
	{ "a key change without an inner JWS", "/acme/key-change", "{}", 403, "unauthorized" },
};

static lg_str
payload_of(struct acme_client *c, const char *text)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(4096);
	const char *at = strstr(text, "%17");

	if (at == NULL)
		return lg_str_of(text);
	lg_buf_str(&b, (lg_str){ text, (size_t)(at - text) });
	for (int i = 0; i <= LG_ACME_NAMES; i++)
		lg_buf_printf(&b, "%s{\"type\":\"dns\",\"value\":\"n%d.a.example\"}", i > 0 ? "," : "", i);
	lg_buf_str(&b, lg_str_of(at + 3));
	return lg_dup(c->w->arena, lg_buf_view(&b));
}

Test(acme_refusals, payloads)
{
	struct acme_client c = acme_client_new(world_new());

	for (size_t i = 0; i < LG_COUNT(payloads); i++) {
		acme_post(&c, lg_str_of(payloads[i].path), payload_of(&c, payloads[i].payload));
		assert_refused(&c, payloads[i].name, payloads[i].status, payloads[i].type);
	}
	acme_client_free(&c);
}

Test(acme_refusals, requests_for_certificates)
{
	static const lg_str other[] = { LG_STR("other.a.example") }, more[] = { LG_STR("www.a.example"), LG_STR("other.a.example") },
	    all[] = { LG_STR("*.a.example") },
	    right[] = { LG_STR("www.a.example") }, uri[] = { LG_STR("spiffe://a.example/host/node1") };
	static const struct {
		const char *name;
		struct lg_csr_names names;
	} cases[] = {
		{ "no name", { .ndns = 0 } }, { "another name", { .dns = other, .ndns = 1 } }, { "a name too many", { .dns = more, .ndns = 2 } },
		{ "a wildcard instead", { .dns = all, .ndns = 1 } }, { "another common name", { .common_name = LG_STR("b.example"), .dns = right, .ndns = 1 } },
		{ "an identity beside the name", { .dns = right, .ndns = 1, .uri = uri, .nuri = 1 } },
	};
	struct acme_client c = acme_client_new(world_new());
	LG_AUTO(lg_key_free) struct lg_key *k = world_key(c.w, LG_KEY_P256);
	struct acme_order o = acme_order(&c, WWW);

	acme_prove(&c, &o);
	for (size_t i = 0; i < LG_COUNT(cases); i++) {
		lg_str csr = lg_base64url(c.w->arena, world_csr(c.w, k, &cases[i].names));

		acme_post(&c, o.finalize, lg_print(c.w->arena, "{\"csr\":\"%.*s\"}", LG_FMT(csr)));
		assert_refused(&c, cases[i].name, 400, "badCSR");
	}
	acme_finalize(&c, &o, c.key, "www.a.example");
	assert_refused(&c, "the account's own key", 400, "badCSR");
	cr_assert_eq(c.w->signed_certs, 0);
	cr_assert_eq(acme_finalize(&c, &o, k, "www.a.example"), 200, "refusals do not end the order");
	acme_client_free(&c);
}

/* ---- whose it is ------------------------------------------------------------------------------------------------ */

Test(acme_refusals, resources_of_others_and_accounts_that_are_over)
{
	struct acme_client a = acme_client_new(world_new()), b = { .w = a.w, .key = world_key(a.w, LG_KEY_P256) };
	struct acme_order o = acme_order(&a, WWW);
	lg_str kid, secret, expected, challenge = acme_challenge(&a, &o, 0, &expected);
	const struct {
		const char *name;
		lg_str url;
		const char *payload;
		int status;
		const char *type;
	} cases[] = {
		{ "another's order", o.url, "", 404, "malformed" }, { "its authorization", o.authz, "", 404, "malformed" },
		{ "its challenge", challenge, "{}", 404, "malformed" }, { "its end", o.finalize, "{}", 404, "malformed" },
		{ "another's account", a.kid, "{\"status\":\"deactivated\"}", 403, "unauthorized" },
		{ "another's list", lg_cat(a.w->arena, a.kid, LG_STR("/orders")), "", 403, "unauthorized" },
		{ "an order that is none", LG_STR("/acme/order/AAAAAAAAAAAAAAAAAAAAAA"), "", 404, "malformed" },
		{ "a certificate that is none", LG_STR("/acme/certificate/00"), "", 404, "malformed" },
	};

	acme_eab(&b, &kid, &secret);
	cr_assert_eq(acme_register_with(&b, acme_binding(&b, kid, secret, b.key, ISSUER "/acme/new-account")), 201);
	for (size_t i = 0; i < LG_COUNT(cases); i++) {
		acme_post(&b, cases[i].url, lg_str_of(cases[i].payload));
		assert_refused(&b, cases[i].name, cases[i].status, cases[i].type);
	}
	cr_assert_eq(acme_post(&b, b.kid, LG_STR("{\"status\":\"deactivated\"}")), 200);
	acme_post_to(&b, NEW_ORDER, ORDER);
	assert_refused(&b, "a deactivated account orders", 401, "unauthorized");
	acme_post(&b, b.kid, LG_STR("{\"status\":\"valid\"}"));
	assert_refused(&b, "and does not come back", 401, "unauthorized");
	b.kid = LG_NONE;
	acme_post_to(&b, "/acme/new-account", "{\"onlyReturnExisting\":true}");
	assert_refused(&b, "nor by its key", 401, "unauthorized");
	cr_assert_eq(acme_post(&a, o.url, LG_NONE), 200);
	lg_key_free(&b.key);
	acme_client_free(&a);
}

/* ---- what is found outside ---------------------------------------------------------------------------------------- */

Test(acme_refusals, challenges)
{
	static const struct {
		const char *name;
		lg_err e;
		const char *type[3];		/* of http-01, dns-01, tls-alpn-01 */
	} cases[] = {
		{ "nobody there", LG_E_UNAVAILABLE, { "connection", "connection", "connection" } },
		{ "a private address, of the name or of a redirect", LG_E_DENIED, { "connection", "connection", "connection" } },
		{ "no such name", LG_E_NOT_FOUND, { "dns", "dns", "dns" } },
		{ "a DNS server that fails", LG_E_IO, { "dns", "dns", "dns" } },
		{ "an answer that is none", LG_E_INVALID, { "unauthorized", "dns", "tls" } },
	};
	struct acme_client c = acme_client_new(world_new());

	for (size_t i = 0; i < LG_COUNT(cases); i++)
		for (size_t kind = 0; kind < 3; kind++) {
			struct acme_order o = acme_order(&c, WWW);
			lg_str expected, url = acme_challenge(&c, &o, kind, &expected);

			c.w->net_error = cases[i].e;
			cr_assert_eq(acme_post(&c, url, LG_STR("{}")), 200);
			cr_assert(acme_shows(&c, "\"status\":\"invalid\""));
			cr_assert(acme_shows(&c, lg_print(c.w->arena, "acme:error:%s\"", cases[i].type[kind]).p), "%s, %zu: %.*s", cases[i].name, kind,
			    LG_FMT(c.body));
			acme_post(&c, o.finalize, LG_STR("{}"));
			assert_refused(&c, cases[i].name, 403, "orderNotReady");
		}
	acme_client_free(&c);
}

