/* acme_client.c: see acme_client.h. */
#include "tests/certs/acme_client.h"

#include "base/json.h"
#include "base/text.h"

lg_str acme_content_type = { "application/jose+json", 21 };

static lg_str
header(const struct lg_http *ex, const char *name)
{
	(void)ex;
	return strcmp(name, "Content-Type") == 0 ? acme_content_type : LG_NONE;
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

void
acme_call(struct acme_client *c, const char *method, lg_str path, lg_str body)
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
	c->type = c->location = c->link = c->retry_after = LG_NONE;
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
		else if (lg_str_eq_fold(ex.headers[i].name, LG_STR("Retry-After")))
			c->retry_after = v;
	}
	lg_buf_free(&ex.out);
	lg_store_turn(w->store);
}

lg_str
acme_jwk_of(struct world *w, const struct lg_key *k)
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

lg_str
acme_flat(struct world *w, lg_str head, lg_str payload, lg_str sig)
{
	return lg_print(w->arena, "{\"protected\":\"%.*s\",\"payload\":\"%.*s\",\"signature\":\"%.*s\"}", LG_FMT(head), LG_FMT(payload),
	    LG_FMT(lg_base64url(w->arena, sig)));
}

lg_str
acme_jws(struct acme_client *c, const struct lg_key *k, lg_str url, lg_str nonce, lg_str kid, lg_str payload)
{
	struct world *w = c->w;
	enum lg_alg alg = lg_pubkey_default_alg(lg_key_public(k));
	lg_str who = kid.n > 0 ? lg_print(w->arena, "\"kid\":\"%.*s\"", LG_FMT(kid)) : lg_print(w->arena, "\"jwk\":%.*s", LG_FMT(acme_jwk_of(w, k)));
	lg_str once = nonce.n > 0 ? lg_print(w->arena, "\"nonce\":\"%.*s\",", LG_FMT(nonce)) : LG_NONE;
	lg_str head = lg_base64url(w->arena, lg_print(w->arena, "{\"alg\":\"%.*s\",%.*s\"url\":\"%.*s\",%.*s}", LG_FMT(lg_alg_name(alg)),
	    LG_FMT(once), LG_FMT(url), LG_FMT(who)));
	lg_str body = lg_base64url(w->arena, payload), sig;

	cr_assert_eq(lg_key_sign_jose(&w->cx, k, alg, lg_print(w->arena, "%.*s.%.*s", LG_FMT(head), LG_FMT(body)), &sig), LG_OK);
	return acme_flat(w, head, body, sig);
}

lg_str
acme_path_of(lg_str url)
{
	return lg_str_starts(url, LG_STR(ISSUER)) ? lg_str_sub(url, sizeof ISSUER - 1, url.n) : url;
}

int
acme_post(struct acme_client *c, lg_str url, lg_str payload)
{
	lg_str full = lg_cat(c->w->arena, LG_STR(ISSUER), acme_path_of(url));

	if (c->nonce.n == 0)
		acme_call(c, "HEAD", LG_STR("/acme/new-nonce"), LG_NONE);
	acme_call(c, "POST", acme_path_of(url), acme_jws(c, c->key, full, c->nonce, c->kid, payload));
	cr_assert_eq(c->e, LG_OK, "%s", c->w->cx.error);
	return c->status;
}

int
acme_post_to(struct acme_client *c, const char *path, const char *payload)
{
	return acme_post(c, lg_str_of(path), lg_str_of(payload));
}

lg_str
acme_member(struct acme_client *c, const char *name, size_t nth)
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

bool
acme_shows(struct acme_client *c, const char *text)
{
	return memmem(c->body.p, c->body.n, text, strlen(text)) != NULL;
}

/* An external account key for the service's entry. */
void
acme_eab(struct acme_client *c, lg_str *kid, lg_str *secret)
{
	char id[LG_UUID_TEXT + 1];

	lg_uuid_text(c->w->service, id);
	acme_call(c, "POST", LG_STR("/v1/eab"), lg_print(c->w->arena, "{\"entry\":\"%s\"}", id));
	cr_assert_eq(c->status, 201, "%s", c->w->cx.error);
	*kid = acme_member(c, "kid", 0);
	cr_assert(lg_base64url_parse(c->w->arena, acme_member(c, "hmac_key", 0), secret));
}

lg_str
acme_binding(struct acme_client *c, lg_str kid, lg_str secret, const struct lg_key *k, const char *url)
{
	struct world *w = c->w;
	struct lg_secret s = { (uint8_t *)(uintptr_t)secret.p, secret.n };
	lg_str head = lg_base64url(w->arena, lg_print(w->arena, "{\"alg\":\"HS256\",\"kid\":\"%.*s\",\"url\":\"%s\"}", LG_FMT(kid), url));
	lg_str body = lg_base64url(w->arena, acme_jwk_of(w, k));
	lg_sha256 mac = lg_hmac_sha256(&s, lg_print(w->arena, "%.*s.%.*s", LG_FMT(head), LG_FMT(body)));

	return acme_flat(w, head, body, lg_sha256_str(&mac));
}

int
acme_register_with(struct acme_client *c, lg_str bound)
{
	c->kid = LG_NONE;
	acme_post(c, LG_STR("/acme/new-account"), lg_print(c->w->arena,
	    "{\"termsOfServiceAgreed\":true,\"contact\":[\"mailto:a@a.example\"],\"externalAccountBinding\":%.*s}", LG_FMT(bound)));
	c->kid = c->location;
	return c->status;
}

struct acme_client
acme_client_new(struct world *w)
{
	struct acme_client c = { .w = w, .key = world_key(w, LG_KEY_P256) };
	lg_str kid, secret;

	acme_eab(&c, &kid, &secret);
	cr_assert_eq(acme_register_with(&c, acme_binding(&c, kid, secret, c.key, ISSUER "/acme/new-account")), 201, "%.*s", LG_FMT(c.body));
	return c;
}

void
acme_client_free(struct acme_client *c)
{
	lg_key_free(&c->key);
	world_free(c->w);
}

lg_str
acme_authorization(struct acme_client *c, lg_str token)
{
	lg_sha256 t = lg_pubkey_thumbprint(lg_key_public(c->key));

	return lg_print(c->w->arena, "%.*s.%.*s", LG_FMT(token), LG_FMT(lg_base64url(c->w->arena, lg_sha256_str(&t))));
}

struct acme_order
acme_order(struct acme_client *c, const char *identifiers)
{
	struct acme_order o;

	cr_assert_eq(acme_post(c, LG_STR("/acme/new-order"), lg_print(c->w->arena, "{\"identifiers\":%s}", identifiers)), 201, "%.*s", LG_FMT(c->body));
	o.url = c->location;
	o.finalize = acme_member(c, "finalize", 0);
	o.authz = lg_print(c->w->arena, "%.*s/0", LG_FMT(lg_print(c->w->arena, "/acme/authz/%.*s", LG_FMT(lg_str_sub(o.url,
	    sizeof ISSUER "/acme/order/" - 1, o.url.n)))));
	return o;
}

/* The n-th challenge of the order's first name: its URL, and what its answer has to be. */
lg_str
acme_challenge(struct acme_client *c, const struct acme_order *o, size_t n, lg_str *expected)
{
	cr_assert_eq(acme_post(c, o->authz, LG_NONE), 200);
	*expected = acme_authorization(c, acme_member(c, "token", n));
	return acme_member(c, "url", n);
}

void
acme_prove(struct acme_client *c, const struct acme_order *o)
{
	lg_str url = acme_challenge(c, o, 0, &c->w->net_http);

	cr_assert_eq(acme_post(c, url, LG_STR("{}")), 200);
	cr_assert(acme_shows(c, "\"status\":\"valid\""), "%.*s", LG_FMT(c->body));
}

int
acme_finalize(struct acme_client *c, const struct acme_order *o, const struct lg_key *k, const char *name)
{
	lg_str dns = lg_str_of(name);
	struct lg_csr_names names = { .dns = &dns, .ndns = 1 };
	lg_str csr = lg_base64url(c->w->arena, world_csr(c->w, k, &names));

	return acme_post(c, o->finalize, lg_print(c->w->arena, "{\"csr\":\"%.*s\"}", LG_FMT(csr)));
}

/* From a new account to the leaf, DER. */
lg_str
acme_obtain(struct acme_client *c, const struct lg_key *k)
{
	struct acme_order o = acme_order(c, WWW);
	lg_str der;

	acme_prove(c, &o);
	cr_assert_eq(acme_finalize(c, &o, k, "www.a.example"), 200, "%.*s", LG_FMT(c->body));
	cr_assert(acme_shows(c, "\"status\":\"valid\""));
	cr_assert_eq(acme_post(c, acme_member(c, "certificate", 0), LG_NONE), 200);
	cr_assert(lg_str_eq(c->type, LG_STR("application/pem-certificate-chain")));
	cr_assert(lg_pem_parse(c->w->arena, c->body, LG_STR("CERTIFICATE"), &der, NULL));
	return der;
}
