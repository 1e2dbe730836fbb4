/* client_json.c: clients as /v1/apply and /v1/clients speak of them: read, completed by defaults, judged; and written. */
#include "sts/sts.h"

#include "base/text.h"

#define FOREIGN_NAME	512	/* octets of a trusted issuer and of its subject */

static const struct {
	lg_str name;
	enum lg_client_auth auth;
} auths[] = {
	{ { "none", 4 }, LG_CLIENT_NONE },
	{ { "client_secret", 13 }, LG_CLIENT_SECRET },
	{ { "tls_client_auth", 15 }, LG_CLIENT_TLS },
	{ { "private_key_jwt", 15 }, LG_CLIENT_JWT },
	{ { "federated_jwt", 13 }, LG_CLIENT_FEDERATED },
};

static const struct {
	lg_str name;
	enum lg_client_grant bit;
} grants[] = {
	{ { "authorization_code", 18 }, LG_GRANT_CODE },
	{ { "refresh_token", 13 }, LG_GRANT_REFRESH },
	{ { "client_credentials", 18 }, LG_GRANT_CLIENT },
	{ LG_STR("urn:ietf:params:oauth:grant-type:device_code"), LG_GRANT_DEVICE },
	{ LG_STR("urn:ietf:params:oauth:grant-type:token-exchange"), LG_GRANT_EXCHANGE },
	{ LG_STR("urn:ietf:params:oauth:grant-type:jwt-bearer"), LG_GRANT_BEARER },
};

/* type, and what an application of that type gets unless it says otherwise. */
static const struct {
	lg_str name;
	enum lg_client_auth auth;
	unsigned grants;
} types[] = {
	{ { "public", 6 }, LG_CLIENT_NONE, LG_GRANT_CODE | LG_GRANT_REFRESH },
	{ { "confidential", 12 }, LG_CLIENT_SECRET, LG_GRANT_CODE | LG_GRANT_REFRESH },
	{ { "service", 7 }, LG_CLIENT_SECRET, LG_GRANT_CLIENT },
};

static const lg_str person_scopes[] = {
	{ "openid", 6 }, { "profile", 7 }, { "email", 5 }, { "groups", 6 }, { "offline_access", 14 },
};

static bool
apply_type(struct lg_sts_client *c, lg_str type)
{
	for (size_t i = 0; i < LG_COUNT(types); i++)
		if (lg_str_eq(types[i].name, type)) {
			c->auth = types[i].auth;
			c->grants = types[i].grants;
			return true;
		}
	return false;
}

void
lg_sts_client_defaults(struct lg_sts_client *c, lg_str type)
{
	memset(c, 0, sizeof *c);
	c->type = LG_STR("Client");
	c->enabled = true;
	c->id_token_alg = LG_ALG_ES256;
	(void)apply_type(c, type);
}

/* ---- reading --------------------------------------------------------------------------------------- */

struct reader {
	struct lg_json *js;
	struct lg_sts_client *c;
	lg_str type, auth;
	bool has_scopes, has_grants;
	unsigned grants;
};

static size_t
read_list(struct lg_json *js, lg_str *v, size_t max)
{
	size_t n = 0;

	lg_json_array(js);
	while (lg_json_item(js)) {
		lg_str s = lg_json_str(js);

		if (n == max)
			lg_json_fault(js, "too many items");
		else
			v[n++] = s;
	}
	return n;
}

static void
read_grants(struct reader *r)
{
	lg_str name[LG_COUNT(grants)];
	size_t n = read_list(r->js, name, LG_COUNT(name));

	r->has_grants = true;
	for (size_t i = 0; i < n; i++) {
		size_t g = 0;

		while (g < LG_COUNT(grants) && !lg_str_eq(grants[g].name, name[i]))
			g++;
		if (g == LG_COUNT(grants))
			lg_json_fault(r->js, "a grant that is not known");
		else
			r->grants |= grants[g].bit;
	}
}

static void
read_life(struct reader *r)
{
	int64_t life = lg_json_int(r->js);

	if (life < 10 || life > LG_STS_ACCESS_LIFE_MAX)
		lg_json_fault(r->js, "access_life is 10 to 3600 seconds");
	else
		r->c->access_life = (uint32_t)life;
}

static void
read_alg(struct reader *r)
{
	r->c->id_token_alg = lg_alg_parse(lg_json_str(r->js));
	if (r->c->id_token_alg != LG_ALG_ES256 && r->c->id_token_alg != LG_ALG_RS256)
		lg_json_fault(r->js, "id_token_alg is ES256 or RS256");
}

static void read_name(struct reader *r) { r->c->id = lg_json_str(r->js); }
static void read_type(struct reader *r) { r->type = lg_json_str(r->js); }
static void read_auth(struct reader *r) { r->auth = lg_json_str(r->js); }
static void read_jwks(struct reader *r) { r->c->jwks = lg_json_raw(r->js); }
static void read_dpop(struct reader *r) { r->c->dpop = lg_json_bool(r->js); }
static void read_par(struct reader *r) { r->c->par = lg_json_bool(r->js); }
static void read_issuer(struct reader *r) { r->c->issuer = lg_json_str(r->js); }
static void read_subject(struct reader *r) { r->c->subject = lg_json_str(r->js); }
static void read_introspect(struct reader *r) { r->c->introspect = lg_json_bool(r->js); }
static void read_enabled(struct reader *r) { r->c->enabled = lg_json_bool(r->js); }

static void
read_redirects(struct reader *r)
{
	r->c->nredirects = read_list(r->js, r->c->redirects, LG_CLIENT_URIS);
}

static void
read_logouts(struct reader *r)
{
	r->c->nlogouts = read_list(r->js, r->c->logouts, LG_CLIENT_URIS);
}

static void
read_scopes(struct reader *r)
{
	r->has_scopes = true;
	r->c->nscopes = read_list(r->js, r->c->scopes, LG_CLIENT_SCOPES);
}

static void
read_audiences(struct reader *r)
{
	r->c->naudiences = read_list(r->js, r->c->audiences, LG_CLIENT_AUDIENCES);
}

static const struct {
	lg_str name;
	void (*read)(struct reader *r);
} members[] = {
	{ { "name", 4 }, read_name },
	{ { "type", 4 }, read_type },
	{ { "auth", 4 }, read_auth },
	{ { "grants", 6 }, read_grants },
	{ { "redirect_uris", 13 }, read_redirects },
	{ { "post_logout_redirect_uris", 25 }, read_logouts },
	{ { "scopes", 6 }, read_scopes },
	{ { "audiences", 9 }, read_audiences },
	{ { "jwks", 4 }, read_jwks },
	{ { "id_token_alg", 12 }, read_alg },
	{ { "introspect", 10 }, read_introspect },
	{ LG_STR("dpop_bound_access_tokens"), read_dpop },
	{ LG_STR("require_pushed_authorization_requests"), read_par },
	{ LG_STR("issuer"), read_issuer },
	{ LG_STR("subject"), read_subject },
	{ { "access_life", 11 }, read_life },
	{ { "enabled", 7 }, read_enabled },
};

static void
read_member(struct reader *r, lg_str name)
{
	for (size_t i = 0; i < LG_COUNT(members); i++)
		if (lg_str_eq(members[i].name, name)) {
			members[i].read(r);
			return;
		}
	lg_json_fault(r->js, "a member that is not known");
}

/* ---- defaults of the type, then what was said -------------------------------------------------------- */

static lg_err
complete(struct lg_ctx *cx, struct reader *r)
{
	struct lg_sts_client *c = r->c;
	size_t i = 0;

	if (!apply_type(c, r->type.n == 0 ? LG_STR("confidential") : r->type))
		return lg_fail(cx, LG_E_INVALID, "type: public, confidential or service");
	while (r->auth.n > 0 && i < LG_COUNT(auths) && !lg_str_eq(auths[i].name, r->auth))
		i++;
	if (i == LG_COUNT(auths))
		return lg_fail(cx, LG_E_INVALID, "auth: none, client_secret, tls_client_auth, private_key_jwt or federated_jwt");
	if (r->auth.n > 0)
		c->auth = auths[i].auth;
	if (r->has_grants)
		c->grants = r->grants;
	if (!r->has_scopes && (c->grants & (LG_GRANT_CODE | LG_GRANT_DEVICE)) != 0) {
		memcpy(c->scopes, person_scopes, sizeof person_scopes);
		c->nscopes = LG_COUNT(person_scopes);
	}
	return LG_OK;
}

static bool
name_valid(lg_str s)
{
	for (size_t i = 0; i < s.n; i++) {
		char ch = s.p[i];

		if (!((ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || (ch >= '0' && ch <= '9')
		    || ch == '.' || ch == '_' || ch == '-'))
			return false;
	}
	return s.n > 0 && s.n <= LG_CLIENT_ID_MAX;
}

static lg_err
check_lists(struct lg_ctx *cx, const struct lg_sts_client *c)
{
	for (size_t i = 0; i < c->nredirects; i++)
		LG_TRY(sts_redirect_valid(cx, c->redirects[i]));
	for (size_t i = 0; i < c->nlogouts; i++)
		LG_TRY(sts_redirect_valid(cx, c->logouts[i]));
	for (size_t i = 0; i < c->nscopes; i++)
		if (c->scopes[i].n == 0 || c->scopes[i].n > 64 || !sts_scope_valid(c->scopes[i])
		    || memchr(c->scopes[i].p, ' ', c->scopes[i].n) != NULL)
			return lg_fail(cx, LG_E_INVALID, "scopes: \"%.*s\" is none", LG_FMT(c->scopes[i]));
	for (size_t i = 0; i < c->naudiences; i++)
		if (c->audiences[i].n == 0 || c->audiences[i].n > 256 || !sts_scope_valid(c->audiences[i]))
			return lg_fail(cx, LG_E_INVALID, "audiences: \"%.*s\" is none", LG_FMT(c->audiences[i]));
	return LG_OK;
}

static lg_err
check_keys(struct lg_ctx *cx, const struct lg_sts_client *c)
{
	LG_AUTO(lg_keyset_unref) struct lg_keyset *keys = NULL;

	if (c->auth != LG_CLIENT_JWT && c->auth != LG_CLIENT_FEDERATED)
		return c->jwks.n == 0 ? LG_OK : lg_fail(cx, LG_E_INVALID, "jwks goes with auth private_key_jwt and federated_jwt");
	if (c->jwks.n == 0 || c->jwks.n > LG_CLIENT_JWKS_MAX)
		return lg_fail(cx, LG_E_INVALID, "jwks: wanted, at most %u octets", LG_CLIENT_JWKS_MAX);
	return lg_keyset_from_jwks(cx, c->jwks, &keys);
}

static lg_err
check(struct lg_ctx *cx, const struct lg_sts_client *c)
{
	if (!name_valid(c->id))
		return lg_fail(cx, LG_E_INVALID, "name: 1 to %d of A-Z a-z 0-9 . _ -", LG_CLIENT_ID_MAX);
	if (c->grants == 0)
		return lg_fail(cx, LG_E_INVALID, "grants: at least one");
	if ((c->grants & LG_GRANT_CODE) != 0 && c->nredirects == 0)
		return lg_fail(cx, LG_E_INVALID, "redirect_uris: at least one for authorization_code");
	if ((c->grants & (LG_GRANT_CLIENT | LG_GRANT_EXCHANGE)) != 0 && c->auth == LG_CLIENT_NONE)
		return lg_fail(cx, LG_E_INVALID, "a public client cannot use client_credentials and token-exchange");
	if ((c->grants & LG_GRANT_BEARER) != 0 && c->auth != LG_CLIENT_FEDERATED)
		return lg_fail(cx, LG_E_INVALID, "jwt-bearer goes with auth federated_jwt");
	if (c->auth == LG_CLIENT_FEDERATED ? c->issuer.n == 0 || c->subject.n == 0 : c->issuer.n > 0 || c->subject.n > 0)
		return lg_fail(cx, LG_E_INVALID, "issuer and subject go with auth federated_jwt");
	if (c->issuer.n > FOREIGN_NAME || c->subject.n > FOREIGN_NAME)
		return lg_fail(cx, LG_E_INVALID, "issuer and subject have at most %d octets", FOREIGN_NAME);
	LG_TRY(check_lists(cx, c));
	return check_keys(cx, c);
}

lg_err
lg_sts_client_read(struct lg_ctx *cx, lg_str json, struct lg_sts_client *ret)
{
	struct lg_sts_client c;
	struct lg_json js;
	struct reader r = { .js = &js, .c = &c };
	lg_str name;

	lg_sts_client_defaults(&c, LG_NONE);
	lg_json_init(&js, cx->arena, json);
	lg_json_object(&js);
	while (lg_json_member(&js, &name))
		read_member(&r, name);
	LG_TRY(lg_json_end(cx, &js));
	LG_TRY(complete(cx, &r));
	if (check(cx, &c) != LG_OK)
		return lg_fail_in(cx, LG_E_INVALID, "client");
	*ret = c;
	return LG_OK;
}

/* ---- writing --------------------------------------------------------------------------------------------- */

static void
write_list(struct lg_jsonw *w, lg_str name, const lg_str *v, size_t n)
{
	lg_jsonw_name(w, name);
	lg_jsonw_array(w);
	for (size_t i = 0; i < n; i++)
		lg_jsonw_str(w, v[i]);
	lg_jsonw_array_end(w);
}

static void
write_grants(struct lg_jsonw *w, unsigned bits)
{
	lg_jsonw_name(w, LG_STR("grants"));
	lg_jsonw_array(w);
	for (size_t i = 0; i < LG_COUNT(grants); i++)
		if ((bits & grants[i].bit) != 0)
			lg_jsonw_str(w, grants[i].name);
	lg_jsonw_array_end(w);
}

void
lg_sts_client_write(struct lg_jsonw *w, const struct lg_sts_client *c)
{
	lg_str type = types[1].name;

	if (c->auth == LG_CLIENT_NONE)
		type = types[0].name;
	else if (c->grants == LG_GRANT_CLIENT)
		type = types[2].name;
	lg_jsonw_object(w);
	lg_jsonw_str_of(w, "name", c->id);
	lg_jsonw_str_of(w, "type", type);
	lg_jsonw_str_of(w, "auth", auths[c->auth].name);
	write_grants(w, c->grants);
	write_list(w, LG_STR("redirect_uris"), c->redirects, c->nredirects);
	write_list(w, LG_STR("post_logout_redirect_uris"), c->logouts, c->nlogouts);
	write_list(w, LG_STR("scopes"), c->scopes, c->nscopes);
	write_list(w, LG_STR("audiences"), c->audiences, c->naudiences);
	if (c->jwks.n > 0) {
		lg_jsonw_name(w, LG_STR("jwks"));
		lg_jsonw_raw(w, c->jwks);
	}
	lg_jsonw_str_of(w, "id_token_alg", lg_alg_name(c->id_token_alg));
	lg_jsonw_bool_of(w, "introspect", c->introspect);
	lg_jsonw_bool_of(w, "dpop_bound_access_tokens", c->dpop);
	lg_jsonw_bool_of(w, "require_pushed_authorization_requests", c->par);
	if (c->issuer.n > 0) {
		lg_jsonw_str_of(w, "issuer", c->issuer);
		lg_jsonw_str_of(w, "subject", c->subject);
	}
	if (c->access_life != 0)
		lg_jsonw_int_of(w, "access_life", c->access_life);
	lg_jsonw_bool_of(w, "enabled", c->enabled);
	lg_jsonw_object_end(w);
}
