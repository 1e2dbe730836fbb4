/* test_acme.c: the ACME server as a client sees it: RFC 8555, 8737, 8738, 9773. */
#include <criterion/criterion.h>

#include "base/json.h"
#include "base/text.h"
#include "certs/acme.h"
#include "tests/certs/world.h"

#define ISSUER "https://a.example"

/* ---- a client ------------------------------------------------------------------------------------------ */

struct client {
	struct world *w;
	struct lg_key *key;
	lg_str kid;			/* account's URL; empty: the key goes with the request */
	lg_str nonce;			/* of the last answer */
	/* the last answer */
	lg_err e;
	int status;
	lg_str body, type, location, link;
};

static lg_str content_type = { "application/jose+json", 21 };

static lg_str
header(const struct lg_http *ex, const char *name)
{
	(void)ex;
	return strcmp(name, "Content-Type") == 0 ? content_type : LG_NONE;
}

static const struct lg_route *
find(const char *method, lg_str path, lg_str *tail)
{
	for (size_t i = 0; i < lg_certs_nroutes; i++) {
		const struct lg_route *r = &lg_certs_routes[i];
		lg_str p = lg_str_of(r->path);
		bool open = lg_str_ends(p, LG_STR("*"));

		*tail = open ? lg_str_sub(path, p.n - 1, path.n) : LG_NONE;
		if (strcmp(r->method, strcmp(method, "HEAD") == 0 ? "GET" : method) == 0 &&
		    (open ? lg_str_starts(path, lg_str_sub(p, 0, p.n - 1)) : lg_str_eq(p, path)))
			return r;
	}
	return NULL;
}

static void
call(struct client *c, const char *method, lg_str path, lg_str body)
{
	static const struct lg_peer peer = { .surface = LG_SURFACE_HTTPS, .address = "10.0.0.7:4711", .uid = -1, .gid = -1, .pid = -1 };
	struct world *w = c->w;
	struct lg_http ex = { .cx = &w->cx, .peer = &peer, .tenant = TENANT_A, .method = lg_str_of(method), .body = body, .header = header,
		.out = LG_BUF(LG_HTTP_RESPONSE_MAX) };
	const struct lg_route *r;

	lg_str_cut(path, '?', &ex.path, &ex.query);
	r = find(method, ex.path, &ex.tail);
	cr_assert_not_null(r, "%s %.*s", method, LG_FMT(path));
	lg_store_turn(w->store);
	w->cx.actor = &lg_anonymous;
	c->e = r->run(w->certs, &ex);
	c->status = ex.status;
	c->body = lg_dup(w->arena, lg_buf_view(&ex.out));
	c->type = c->location = c->link = LG_NONE;
	for (size_t i = 0; i < ex.nheaders; i++) {
		lg_str v = lg_dup(w->arena, ex.headers[i].value);

		if (lg_str_eq_fold(ex.headers[i].name, LG_STR("Content-Type")))
			c->type = v;
		else if (lg_str_eq_fold(ex.headers[i].name, LG_STR("Location")))
			c->location = v;
		else if (lg_str_eq_fold(ex.headers[i].name, LG_STR("Replay-Nonce")))
			c->nonce = v;
		else if (lg_str_eq_fold(ex.headers[i].name, LG_STR("Link")))
			c->link = v;
	}
	lg_buf_free(&ex.out);
	lg_store_turn(w->store);
}

static lg_str
jwk_of(struct world *w, const struct lg_key *k)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(8192);
	LG_AUTO(lg_buf_free) struct lg_buf out = LG_BUF(8192);
	struct lg_jsonw o = lg_jsonw_of(&out);
	struct lg_json js;
	lg_str name;

	lg_pubkey_jwk(lg_key_public(k), LG_NONE, lg_pubkey_default_alg(lg_key_public(k)), &b);
	lg_json_init(&js, w->arena, lg_buf_view(&b));
	lg_json_object(&js);
	lg_jsonw_object(&o);
	while (lg_json_member(&js, &name)) {
		lg_str raw = lg_json_raw(&js);

		if (lg_str_eq(name, LG_STR("kid")) || lg_str_eq(name, LG_STR("use")) || lg_str_eq(name, LG_STR("alg")))
			continue;
		lg_jsonw_name(&o, name);
		lg_jsonw_raw(&o, raw);
	}
	lg_jsonw_object_end(&o);
	return lg_dup(w->arena, lg_buf_view(&out));
}

static lg_str
flat(struct world *w, lg_str head, lg_str payload, lg_str sig)
{
	return lg_print(w->arena, "{\"protected\":\"%.*s\",\"payload\":\"%.*s\",\"signature\":\"%.*s\"}", LG_FMT(head), LG_FMT(payload),
	    LG_FMT(lg_base64url(w->arena, sig)));
}

static lg_str
jws(struct client *c, const struct lg_key *k, lg_str url, lg_str nonce, lg_str kid, lg_str payload)
{
	struct world *w = c->w;
	enum lg_alg alg = lg_pubkey_default_alg(lg_key_public(k));
	lg_str who = kid.n > 0 ? lg_print(w->arena, "\"kid\":\"%.*s\"", LG_FMT(kid)) : lg_print(w->arena, "\"jwk\":%.*s", LG_FMT(jwk_of(w, k)));
	lg_str once = nonce.n > 0 ? lg_print(w->arena, "\"nonce\":\"%.*s\",", LG_FMT(nonce)) : LG_NONE;
	lg_str head = lg_base64url(w->arena, lg_print(w->arena, "{\"alg\":\"%.*s\",%.*s\"url\":\"%.*s\",%.*s}", LG_FMT(lg_alg_name(alg)),
	    LG_FMT(once), LG_FMT(url), LG_FMT(who)));
	lg_str body = lg_base64url(w->arena, payload), sig;

	cr_assert_eq(lg_key_sign_jose(&w->cx, k, alg, lg_print(w->arena, "%.*s.%.*s", LG_FMT(head), LG_FMT(body)), &sig), LG_OK);
	return flat(w, head, body, sig);
}

static lg_str
path_of(lg_str url)
{
	return lg_str_starts(url, LG_STR(ISSUER)) ? lg_str_sub(url, sizeof ISSUER - 1, url.n) : url;
}

static int
post(struct client *c, lg_str url, lg_str payload)
{
	lg_str full = lg_cat(c->w->arena, LG_STR(ISSUER), path_of(url));

	if (c->nonce.n == 0)
		call(c, "HEAD", LG_STR("/acme/new-nonce"), LG_NONE);
	call(c, "POST", path_of(url), jws(c, c->key, full, c->nonce, c->kid, payload));
	cr_assert_eq(c->e, LG_OK, "%s", c->w->cx.error);
	return c->status;
}

static int
post_to(struct client *c, const char *path, const char *payload)
{
	return post(c, lg_str_of(path), lg_str_of(payload));
}

static lg_str
member(struct client *c, const char *name, size_t nth)
{
	lg_str key = lg_print(c->w->arena, "\"%s\":\"", name), text = c->body;
	const char *at = NULL;

	for (size_t i = 0; i <= nth; i++) {
		at = memmem(text.p, text.n, key.p, key.n);
		cr_assert_not_null(at, "no %s in %.*s", name, LG_FMT(c->body));
		text = lg_str_sub(text, (size_t)(at - text.p) + key.n, text.n);
	}
	return (lg_str){ text.p, (size_t)((const char *)memchr(text.p, '"', text.n) - text.p) };
}

static bool
shows(struct client *c, const char *text)
{
	return memmem(c->body.p, c->body.n, text, strlen(text)) != NULL;
}

#define assert_problem(c, want, kind) do { \
	cr_assert_eq((c)->status, (want), "%d %.*s", (c)->status, LG_FMT((c)->body)); \
	cr_assert(lg_str_eq((c)->type, LG_STR("application/problem+json"))); \
	cr_assert(shows((c), "\"urn:ietf:params:acme:error:" kind "\""), "%.*s", LG_FMT((c)->body)); \
	cr_assert_gt((c)->nonce.n, 0); \
} while (0)

/* An external account key for the service's entry. */
static void
eab(struct client *c, lg_str *kid, lg_str *secret)
{
	char id[LG_UUID_TEXT + 1];

	lg_uuid_text(c->w->service, id);
	call(c, "POST", LG_STR("/v1/eab"), lg_print(c->w->arena, "{\"entry\":\"%s\"}", id));
	cr_assert_eq(c->status, 201, "%s", c->w->cx.error);
	*kid = member(c, "kid", 0);
	cr_assert(lg_base64url_parse(c->w->arena, member(c, "hmac_key", 0), secret));
}

static lg_str
binding(struct client *c, lg_str kid, lg_str secret, const struct lg_key *k, const char *url)
{
	struct world *w = c->w;
	struct lg_secret s = { (uint8_t *)(uintptr_t)secret.p, secret.n };
	lg_str head = lg_base64url(w->arena, lg_print(w->arena, "{\"alg\":\"HS256\",\"kid\":\"%.*s\",\"url\":\"%s\"}", LG_FMT(kid), url));
	lg_str body = lg_base64url(w->arena, jwk_of(w, k));
	lg_sha256 mac = lg_hmac_sha256(&s, lg_print(w->arena, "%.*s.%.*s", LG_FMT(head), LG_FMT(body)));

	return flat(w, head, body, lg_sha256_str(&mac));
}

static int
register_with(struct client *c, lg_str bound)
{
	c->kid = LG_NONE;
	post(c, LG_STR("/acme/new-account"), lg_print(c->w->arena,
	    "{\"termsOfServiceAgreed\":true,\"contact\":[\"mailto:a@a.example\"],\"externalAccountBinding\":%.*s}", LG_FMT(bound)));
	c->kid = c->location;
	return c->status;
}

static struct client
client_new(struct world *w)
{
	struct client c = { .w = w, .key = world_key(w, LG_KEY_P256) };
	lg_str kid, secret;

	eab(&c, &kid, &secret);
	cr_assert_eq(register_with(&c, binding(&c, kid, secret, c.key, ISSUER "/acme/new-account")), 201, "%.*s", LG_FMT(c.body));
	return c;
}

static void
client_free(struct client *c)
{
	lg_key_free(&c->key);
	world_free(c->w);
}

static lg_str
authorization(struct client *c, lg_str token)
{
	lg_sha256 t = lg_pubkey_thumbprint(lg_key_public(c->key));

	return lg_print(c->w->arena, "%.*s.%.*s", LG_FMT(token), LG_FMT(lg_base64url(c->w->arena, lg_sha256_str(&t))));
}

struct order {
	lg_str url, finalize, authz;
};

static struct order
order(struct client *c, const char *identifiers)
{
	struct order o;

	cr_assert_eq(post(c, LG_STR("/acme/new-order"), lg_print(c->w->arena, "{\"identifiers\":%s}", identifiers)), 201, "%.*s", LG_FMT(c->body));
	o.url = c->location;
	o.finalize = member(c, "finalize", 0);
	o.authz = lg_print(c->w->arena, "%.*s/0", LG_FMT(lg_print(c->w->arena, "/acme/authz/%.*s", LG_FMT(lg_str_sub(o.url,
	    sizeof ISSUER "/acme/order/" - 1, o.url.n)))));
	return o;
}

/* The n-th challenge of the order's first name: its URL, and what its answer has to be. */
static lg_str
challenge(struct client *c, const struct order *o, size_t n, lg_str *expected)
{
	cr_assert_eq(post(c, o->authz, LG_NONE), 200);
	*expected = authorization(c, member(c, "token", n));
	return member(c, "url", n);
}

static void
prove(struct client *c, const struct order *o)
{
	lg_str url = challenge(c, o, 0, &c->w->net_http);

	cr_assert_eq(post(c, url, LG_STR("{}")), 200);
	cr_assert(shows(c, "\"status\":\"valid\""), "%.*s", LG_FMT(c->body));
}

static int
finalize(struct client *c, const struct order *o, const struct lg_key *k, const char *name)
{
	lg_str dns = lg_str_of(name);
	struct lg_csr_names names = { .dns = &dns, .ndns = 1 };
	lg_str csr = lg_base64url(c->w->arena, world_csr(c->w, k, &names));

	return post(c, o->finalize, lg_print(c->w->arena, "{\"csr\":\"%.*s\"}", LG_FMT(csr)));
}

#define WWW "[{\"type\":\"dns\",\"value\":\"WWW.a.example\"}]"

/* From a new account to the leaf, DER. */
static lg_str
obtain(struct client *c, const struct lg_key *k)
{
	struct order o = order(c, WWW);
	lg_str der;

	prove(c, &o);
	cr_assert_eq(finalize(c, &o, k, "www.a.example"), 200, "%.*s", LG_FMT(c->body));
	cr_assert(shows(c, "\"status\":\"valid\""));
	cr_assert_eq(post(c, member(c, "certificate", 0), LG_NONE), 200);
	cr_assert(lg_str_eq(c->type, LG_STR("application/pem-certificate-chain")));
	cr_assert(lg_pem_parse(c->w->arena, c->body, LG_STR("CERTIFICATE"), &der, NULL));
	return der;
}

/* ---- claims ------------------------------------------------------------------------------------------------- */

Test(acme, an_order_leads_to_a_certificate_with_exactly_the_proved_names)
{
	struct client c = client_new(world_new());
	LG_AUTO(lg_key_free) struct lg_key *k = world_key(c.w, LG_KEY_P256);
	lg_str der = obtain(&c, k);
	struct lg_certs_peer p;
	struct lg_x509 x;

	cr_assert_eq(lg_x509_parse(&c.w->cx, der, &x), LG_OK);
	cr_assert_eq(x.exts.names.ndns, 1);
	cr_assert_eq(x.exts.names.nuri + x.exts.names.nip, 0);
	cr_assert(lg_str_eq(x.exts.names.dns[0], LG_STR("www.a.example")));
	cr_assert_eq(x.exts.eku, LG_EKU_SERVER);
	cr_assert_str_eq(c.w->last_proof, "acme");
	cr_assert(lg_str_eq(c.w->last_profile, LG_STR("tls-server")));
	cr_assert_eq(world_peer(c.w, der, &p), LG_E_UNAUTHENTICATED, "a server's certificate is nobody's identity");
	client_free(&c);
}

Test(acme, policy_has_the_last_word)
{
	struct client c = client_new(world_new());
	LG_AUTO(lg_key_free) struct lg_key *k = world_key(c.w, LG_KEY_P256);
	struct order o = order(&c, WWW);

	prove(&c, &o);
	c.w->deny = "certificate:issue";
	finalize(&c, &o, k, "www.a.example");
	assert_problem(&c, 403, "unauthorized");
	cr_assert_eq(c.w->signed_certs, 0);
	c.w->deny = NULL;
	cr_assert_eq(finalize(&c, &o, k, "www.a.example"), 200, "the order is still ready");
	client_free(&c);
}

Test(acme, a_keeper_that_fails_ends_the_order)
{
	struct client c = client_new(world_new());
	LG_AUTO(lg_key_free) struct lg_key *k = world_key(c.w, LG_KEY_P256);
	struct order o = order(&c, WWW);

	prove(&c, &o);
	c.w->keeper_gone = true;
	finalize(&c, &o, k, "www.a.example");
	assert_problem(&c, 503, "serverInternal");
	c.w->keeper_gone = false;
	finalize(&c, &o, k, "www.a.example");
	assert_problem(&c, 403, "orderNotReady");
	client_free(&c);
}

Test(acme, finalize_wants_a_ready_order_and_a_request_for_its_names)
{
	struct client c = client_new(world_new());
	LG_AUTO(lg_key_free) struct lg_key *k = world_key(c.w, LG_KEY_P256);
	struct order o = order(&c, WWW);

	finalize(&c, &o, k, "www.a.example");
	assert_problem(&c, 403, "orderNotReady");
	prove(&c, &o);
	finalize(&c, &o, k, "other.a.example");
	assert_problem(&c, 400, "badCSR");
	post(&c, o.finalize, LG_STR("{\"csr\":\"AAAA\"}"));
	assert_problem(&c, 400, "badCSR");
	finalize(&c, &o, c.key, "www.a.example");
	assert_problem(&c, 400, "badCSR");
	cr_assert_eq(finalize(&c, &o, k, "www.a.example"), 200);
	finalize(&c, &o, k, "www.a.example");
	assert_problem(&c, 403, "orderNotReady");
	client_free(&c);
}

Test(acme, a_challenge_that_fails_ends_its_authorization)
{
	struct client c = client_new(world_new());
	struct order o = order(&c, WWW);
	lg_str url = challenge(&c, &o, 0, &c.w->net_http);

	c.w->net_http = LG_STR("something else");
	cr_assert_eq(post(&c, url, LG_STR("{}")), 200);
	cr_assert(shows(&c, "\"status\":\"invalid\"") && shows(&c, "error:unauthorized"), "%.*s", LG_FMT(c.body));
	post(&c, o.url, LG_NONE);
	cr_assert(shows(&c, "\"status\":\"invalid\""));
	o = order(&c, WWW);
	url = challenge(&c, &o, 0, &c.w->net_http);
	c.w->net_http = LG_NONE;
	post(&c, url, LG_STR("{}"));
	cr_assert(shows(&c, "error:connection"), "%.*s", LG_FMT(c.body));
	client_free(&c);
}

Test(acme, dns_01_looks_for_the_digest)
{
	struct client c = client_new(world_new());
	struct order o = order(&c, WWW);
	lg_str expected, url = challenge(&c, &o, 1, &expected);
	lg_sha256 h = lg_sha256_of(expected);

	c.w->net_txt = lg_base64url(c.w->arena, lg_sha256_str(&h));
	post(&c, url, LG_STR("{}"));
	cr_assert(shows(&c, "\"type\":\"dns-01\"") && shows(&c, "\"status\":\"valid\""), "%.*s", LG_FMT(c.body));
	cr_assert(lg_str_eq(c.w->net_asked, LG_STR("_acme-challenge.www.a.example")));
	client_free(&c);
}

static lg_str
alpn_certificate(struct world *w, const char *san, lg_str expected, const char *critical)
{
	struct craft cr = craft_good(w, TENANT_A);
	lg_sha256 h = lg_sha256_of(expected);

	craft_ext(&cr, "subjectAltName", san);
	craft_ext(&cr, "1.3.6.1.5.5.7.1.31", lg_print(w->arena, "%sDER:0420%.*s", critical, LG_FMT(lg_hex(w->arena, lg_sha256_str(&h)))).p);
	return craft_der(w, &cr);
}

Test(acme, tls_alpn_01_wants_the_critical_digest_for_this_name_alone)
{
	static const struct {
		const char *san, *critical;
		bool valid;
	} cases[] = {
		{ "DNS:www.a.example", "critical,", true }, { "DNS:www.a.example", "", false },
		{ "DNS:other.a.example", "critical,", false }, { "DNS:www.a.example,DNS:other.a.example", "critical,", false },
	};
	struct client c = client_new(world_new());

	for (size_t i = 0; i < LG_COUNT(cases); i++) {
		struct order o = order(&c, WWW);
		lg_str expected, url = challenge(&c, &o, 2, &expected);

		c.w->net_cert = alpn_certificate(c.w, cases[i].san, expected, cases[i].critical);
		post(&c, url, LG_STR("{}"));
		cr_assert_eq(shows(&c, "\"status\":\"valid\""), cases[i].valid, "%zu: %.*s", i, LG_FMT(c.body));
	}
	client_free(&c);
}

Test(acme, addresses_are_identifiers_of_their_own_type)
{
	struct client c = client_new(world_new());
	struct order o = order(&c, "[{\"type\":\"ip\",\"value\":\"127.0.0.1\"}]");
	lg_str expected, url = challenge(&c, &o, 1, &expected);

	cr_assert(shows(&c, "tls-alpn-01") && !shows(&c, "dns-01"));
	c.w->net_cert = alpn_certificate(c.w, "IP:127.0.0.1", expected, "critical,");
	post(&c, url, LG_STR("{}"));
	cr_assert(shows(&c, "\"status\":\"valid\""), "%.*s", LG_FMT(c.body));
	cr_assert(lg_str_eq(c.w->net_asked, LG_STR("1.0.0.127.in-addr.arpa")));
	client_free(&c);
}

Test(acme, identifiers_outside_the_authority_are_rejected)
{
	static const char *const bad[][2] = {
		{ "[{\"type\":\"dns\",\"value\":\"www.b.example\"}]", "rejectedIdentifier" },
		{ "[{\"type\":\"dns\",\"value\":\"*.a.example\"}]", "rejectedIdentifier" },
		{ "[{\"type\":\"dns\",\"value\":\"127.0.0.1\"}]", "rejectedIdentifier" },
		{ "[{\"type\":\"dns\",\"value\":\"www.a.example.\"}]", "rejectedIdentifier" },
		{ "[{\"type\":\"ip\",\"value\":\"10.0.0.1\"}]", "rejectedIdentifier" },
		{ "[{\"type\":\"ip\",\"value\":\"www.a.example\"}]", "malformed" },
		{ "[{\"type\":\"email\",\"value\":\"x@a.example\"}]", "unsupportedIdentifier" },
		{ "[]", "malformed" }, { "[1]", "malformed" }, { "{}", "malformed" },
	};
	struct client c = client_new(world_new());

	for (size_t i = 0; i < LG_COUNT(bad); i++) {
		post(&c, LG_STR("/acme/new-order"), lg_print(c.w->arena, "{\"identifiers\":%s}", bad[i][0]));
		cr_assert_geq(c.status, 400, "%s", bad[i][0]);
		cr_assert(shows(&c, bad[i][1]), "%s: %.*s", bad[i][0], LG_FMT(c.body));
	}
	client_free(&c);
}

Test(acme, an_external_account_key_is_good_once_and_for_one_key)
{
	struct client c = { .w = world_new() };
	LG_AUTO(lg_key_free) struct lg_key *other = world_key(c.w, LG_KEY_P256);
	lg_str kid, secret, wrong = LG_STR("0123456789abcdef0123456789abcdef");

	c.key = world_key(c.w, LG_KEY_RSA2048);
	eab(&c, &kid, &secret);
	post_to(&c, "/acme/new-account", "{}");
	assert_problem(&c, 403, "externalAccountRequired");
	register_with(&c, binding(&c, kid, wrong, c.key, ISSUER "/acme/new-account"));
	assert_problem(&c, 403, "unauthorized");
	register_with(&c, binding(&c, kid, secret, other, ISSUER "/acme/new-account"));
	assert_problem(&c, 403, "unauthorized");
	register_with(&c, binding(&c, kid, secret, c.key, ISSUER "/acme/new-order"));
	assert_problem(&c, 403, "unauthorized");
	cr_assert_eq(register_with(&c, binding(&c, kid, secret, c.key, ISSUER "/acme/new-account")), 201, "%.*s", LG_FMT(c.body));
	cr_assert_eq(register_with(&c, LG_STR("{}")), 200, "the key has its account");
	lg_key_free(&c.key);
	c.key = world_key(c.w, LG_KEY_P256);
	register_with(&c, binding(&c, kid, secret, c.key, ISSUER "/acme/new-account"));
	assert_problem(&c, 403, "unauthorized");
	c.w->deny = "admin:write";
	call(&c, "POST", LG_STR("/v1/eab"), LG_STR("{\"entry\":\"Host/node1\"}"));
	cr_assert_eq(c.e, LG_E_DENIED);
	client_free(&c);
}

Test(acme, a_request_counts_once_and_for_its_url)
{
	struct client c = client_new(world_new());
	lg_str nonce = c.nonce, url = LG_STR(ISSUER "/acme/new-order"), body = jws(&c, c.key, url, nonce, c.kid, LG_STR("{\"identifiers\":" WWW "}"));

	call(&c, "POST", path_of(url), body);
	cr_assert_eq(c.status, 201);
	call(&c, "POST", path_of(url), body);
	assert_problem(&c, 400, "badNonce");
	call(&c, "POST", path_of(url), jws(&c, c.key, LG_STR(ISSUER "/acme/key-change"), c.nonce, c.kid, LG_STR("{}")));
	assert_problem(&c, 403, "unauthorized");
	call(&c, "POST", path_of(url), jws(&c, c.key, url, LG_STR("AAAA"), c.kid, LG_STR("{}")));
	assert_problem(&c, 400, "badNonce");
	call(&c, "POST", path_of(url), jws(&c, c.key, url, c.nonce, LG_NONE, LG_STR("{}")));
	assert_problem(&c, 400, "malformed");
	call(&c, "POST", path_of(url), jws(&c, c.key, url, c.nonce, LG_STR(ISSUER "/acme/account/AAAAAAAAAAAAAAAAAAAAAA"), LG_STR("{}")));
	assert_problem(&c, 400, "accountDoesNotExist");
	call(&c, "POST", path_of(url), LG_STR("{}"));
	cr_assert_geq(c.status, 400);
	content_type = LG_STR("application/json");
	post(&c, url, LG_STR("{}"));
	assert_problem(&c, 415, "malformed");
	content_type = LG_STR("application/jose+json");
	client_free(&c);
}

Test(acme, an_account_sees_nothing_of_another)
{
	struct client a = client_new(world_new()), b = { .w = a.w, .key = world_key(a.w, LG_KEY_P256) };
	struct order o = order(&a, WWW);
	lg_str kid, secret;

	eab(&b, &kid, &secret);
	cr_assert_eq(register_with(&b, binding(&b, kid, secret, b.key, ISSUER "/acme/new-account")), 201);
	cr_assert_eq(post(&b, o.url, LG_NONE), 404);
	cr_assert_eq(post(&b, o.authz, LG_NONE), 404);
	cr_assert_eq(post(&b, a.kid, LG_NONE), 403);
	lg_key_free(&b.key);
	client_free(&a);
}

Test(acme, certificates_are_revoked_by_account_or_by_their_key)
{
	struct client c = client_new(world_new()), holder = { .w = c.w };
	lg_str der, body;

	holder.key = world_key(c.w, LG_KEY_P256);
	der = obtain(&c, holder.key);
	body = lg_print(c.w->arena, "{\"certificate\":\"%.*s\",\"reason\":4}", LG_FMT(lg_base64url(c.w->arena, der)));
	post(&c, LG_STR("/acme/revoke-cert"), lg_print(c.w->arena, "{\"certificate\":\"%.*s\",\"reason\":6}", LG_FMT(lg_base64url(c.w->arena, der))));
	assert_problem(&c, 400, "badRevocationReason");
	cr_assert_eq(post(&c, LG_STR("/acme/revoke-cert"), body), 200, "%.*s", LG_FMT(c.body));
	post(&c, LG_STR("/acme/revoke-cert"), body);
	assert_problem(&c, 400, "alreadyRevoked");
	der = obtain(&c, holder.key);
	body = lg_print(c.w->arena, "{\"certificate\":\"%.*s\"}", LG_FMT(lg_base64url(c.w->arena, der)));
	cr_assert_eq(post(&holder, LG_STR("/acme/revoke-cert"), body), 200, "%.*s", LG_FMT(holder.body));
	der = obtain(&c, holder.key);
	lg_key_free(&holder.key);
	holder.key = world_key(c.w, LG_KEY_P256);
	post(&holder, LG_STR("/acme/revoke-cert"), lg_print(c.w->arena, "{\"certificate\":\"%.*s\"}", LG_FMT(lg_base64url(c.w->arena, der))));
	assert_problem(&holder, 403, "unauthorized");
	lg_key_free(&holder.key);
	client_free(&c);
}

Test(acme, an_account_changes_its_key)
{
	struct client c = client_new(world_new());
	struct lg_key *fresh = world_key(c.w, LG_KEY_RSA2048);
	lg_str url = LG_STR(ISSUER "/acme/key-change"), inner = lg_print(c.w->arena, "{\"account\":\"%.*s\",\"oldKey\":%.*s}", LG_FMT(c.kid),
	    LG_FMT(jwk_of(c.w, c.key)));

	post(&c, url, jws(&c, fresh, LG_STR(ISSUER "/acme/new-order"), LG_NONE, LG_NONE, inner));
	assert_problem(&c, 400, "malformed");
	cr_assert_eq(post(&c, url, jws(&c, fresh, url, LG_NONE, LG_NONE, inner)), 200, "%.*s", LG_FMT(c.body));
	post(&c, c.kid, LG_NONE);
	cr_assert_eq(c.status, 403, "the old key is nobody's");
	lg_key_free(&c.key);
	c.key = fresh;
	cr_assert_eq(post(&c, c.kid, LG_NONE), 200);
	client_free(&c);
}

Test(acme, a_deactivated_account_or_a_disabled_entry_orders_nothing)
{
	struct client c = client_new(world_new());

	world_entry(c.w, TENANT_A, c.w->service, "Service", "controller", "", false);
	cr_assert_eq(post(&c, LG_STR("/acme/new-order"), LG_STR("{\"identifiers\":" WWW "}")), 403);
	world_entry(c.w, TENANT_A, c.w->service, "Service", "controller", "", true);
	cr_assert_eq(post(&c, c.kid, LG_STR("{\"status\":\"deactivated\"}")), 200);
	cr_assert_eq(post(&c, LG_STR("/acme/new-order"), LG_STR("{\"identifiers\":" WWW "}")), 403);
	client_free(&c);
}

Test(acme, orders_are_listed_in_pages_and_limited_by_the_hour)
{
	struct client c = client_new(world_new());
	lg_str list = lg_cat(c.w->arena, c.kid, LG_STR("/orders"));

	for (size_t i = 0; i < LG_ACME_PAGE + 1; i++)
		order(&c, WWW);
	cr_assert_eq(post(&c, list, LG_NONE), 200);
	cr_assert_not_null(memmem(c.link.p, c.link.n, "after=", 6), "%.*s", LG_FMT(c.link));
	for (size_t i = LG_ACME_PAGE + 1; i < LG_ACME_ORDERS_HOUR; i++)
		order(&c, WWW);
	post(&c, LG_STR("/acme/new-order"), LG_STR("{\"identifiers\":" WWW "}"));
	assert_problem(&c, 429, "rateLimited");
	c.w->cx.now += LG_HOUR;
	order(&c, WWW);
	client_free(&c);
}

Test(acme, renewal_information_names_a_window_and_moves_it_for_the_revoked)
{
	struct client c = client_new(world_new());
	LG_AUTO(lg_key_free) struct lg_key *k = world_key(c.w, LG_KEY_P256);
	lg_str der = obtain(&c, k), id;
	struct lg_x509 x;
	int64_t start;

	cr_assert_eq(lg_x509_parse(&c.w->cx, der, &x), LG_OK);
	id = lg_print(c.w->arena, "%.*s.%.*s", LG_FMT(lg_base64url(c.w->arena, x.exts.aki)), LG_FMT(lg_base64url(c.w->arena, x.serial)));
	call(&c, "GET", lg_cat(c.w->arena, LG_STR("/acme/renewal-info/"), id), LG_NONE);
	cr_assert_eq(c.status, 200, "%.*s", LG_FMT(c.body));
	cr_assert(lg_time_parse(member(&c, "start", 0), &start));
	cr_assert(start > c.w->cx.now && start < x.not_after);
	post(&c, LG_STR("/acme/new-order"), lg_print(c.w->arena, "{\"identifiers\":" WWW ",\"replaces\":\"%.*s\"}", LG_FMT(id)));
	cr_assert_eq(c.status, 201, "%.*s", LG_FMT(c.body));
	post_to(&c, "/acme/new-order", "{\"identifiers\":" WWW ",\"replaces\":\"AAAA.AAAA\"}");
	assert_problem(&c, 400, "malformed");
	post(&c, LG_STR("/acme/revoke-cert"), lg_print(c.w->arena, "{\"certificate\":\"%.*s\"}", LG_FMT(lg_base64url(c.w->arena, der))));
	call(&c, "GET", lg_cat(c.w->arena, LG_STR("/acme/renewal-info/"), id), LG_NONE);
	cr_assert(lg_time_parse(member(&c, "start", 0), &start));
	cr_assert(start <= c.w->cx.now + LG_MINUTE);
	call(&c, "GET", LG_STR("/acme/renewal-info/AAAA.AAAA"), LG_NONE);
	cr_assert_eq(c.status, 404);
	client_free(&c);
}

Test(acme, the_directory_and_nonces_need_no_account)
{
	struct client c = { .w = world_new() };

	call(&c, "GET", LG_STR("/acme/directory"), LG_NONE);
	cr_assert_eq(c.status, 200);
	cr_assert(lg_str_eq(c.type, LG_STR("application/json")));
	cr_assert(shows(&c, "\"newNonce\":\"" ISSUER "/acme/new-nonce\"") && shows(&c, "\"externalAccountRequired\":true"));
	call(&c, "GET", LG_STR("/acme/new-nonce"), LG_NONE);
	cr_assert_eq(c.status, 204);
	call(&c, "HEAD", LG_STR("/acme/new-nonce"), LG_NONE);
	cr_assert_eq(c.status, 200);
	cr_assert_gt(c.nonce.n, 0);
	world_free(c.w);
}

Test(acme_nonce, each_is_good_once_and_only_while_it_is_new)
{
	struct lg_acme_nonces *n = lg_acme_nonces_new(), *other = lg_acme_nonces_new();
	struct lg_arena *a = lg_arena_new();
	lg_str first = lg_dup(a, lg_acme_nonce_new(n, a)), second = lg_acme_nonce_new(n, a);
	struct lg_arena *scratch = lg_arena_new();

	cr_assert(!lg_acme_nonce_use(other, a, second), "another process's");
	cr_assert(lg_acme_nonce_use(n, a, second));
	cr_assert(!lg_acme_nonce_use(n, a, second));
	cr_assert(!lg_acme_nonce_use(n, a, LG_STR("")));
	for (unsigned i = 0; i < LG_ACME_NONCES; i++) {
		lg_acme_nonce_new(n, scratch);
		if (i % 4096 == 0)
			lg_arena_reset(scratch);
	}
	cr_assert(!lg_acme_nonce_use(n, a, first), "never used, but too old");
	lg_arena_free(&scratch);
	lg_arena_free(&a);
	lg_acme_nonces_free(&n);
	lg_acme_nonces_free(&other);
}
