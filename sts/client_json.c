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
	{ LG_STR("self_signed_tls_client_auth"), LG_CLIENT_SELF_TLS },
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
	{ LG_STR("password"), LG_GRANT_PASSWORD },
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
	{ "openid", 6 }, { "profile", 7 }, { "email", 5 }, { "phone", 5 }, { "address", 7 }, { "groups", 6 }, { "offline_access", 14 },
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

unsigned
sts_grant_bit(lg_str name)
{
	for (size_t i = 0; i < LG_COUNT(grants); i++)
		if (lg_str_eq(grants[i].name, name))
			return grants[i].bit;
	return 0;
}

static void
read_grants(struct reader *r)
{
	r->has_grants = true;
	lg_json_array(r->js);
	while (lg_json_item(r->js)) {
		unsigned bit = sts_grant_bit(lg_json_str(r->js));

		if (bit == 0)
			lg_json_fault(r->js, "a grant that is not known");
		r->grants |= bit;
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

static void read_name(struct reader *r) { r->c->id = lg_json_str(r->js); }
static void read_type(struct reader *r) { r->type = lg_json_str(r->js); }
static void read_auth(struct reader *r) { r->auth = lg_json_str(r->js); }

/* null takes them away. */
static void
read_jwks(struct reader *r)
{
	bool none = lg_json_peek(r->js) == LG_JSON_NULL;
	lg_str text = lg_json_raw(r->js);

	r->c->jwks = none ? LG_NONE : text;
}

/* The members that are more than a line in the table of client_fields.c. */
static const struct {
	lg_str name;
	void (*read)(struct reader *r);
} members[] = {
	{ { "name", 4 }, read_name },
	{ { "type", 4 }, read_type },
	{ { "auth", 4 }, read_auth },
	{ { "grants", 6 }, read_grants },
	{ { "jwks", 4 }, read_jwks },
	{ { "access_life", 11 }, read_life },
};

static void
read_member(struct reader *r, lg_str name)
{
	for (size_t i = 0; i < LG_COUNT(members); i++)
		if (lg_str_eq(members[i].name, name)) {
			members[i].read(r);
			return;
		}
	for (size_t i = 0; i < sts_client_field_count; i++)
		if (name.n > 0 && lg_str_eq(sts_client_fields[i].name, name)) {
			r->has_scopes |= lg_str_eq(name, LG_STR("scopes"));
			sts_field_read(r->js, &sts_client_fields[i], r->c);
			return;
		}
	lg_json_unknown(r->js, name);
}

/* ---- defaults of the type, then what was said -------------------------------------------------------- */

bool
sts_auth_parse(lg_str name, enum lg_client_auth *ret)
{
	for (size_t i = 0; i < LG_COUNT(auths); i++)
		if (lg_str_eq(auths[i].name, name)) {
			*ret = auths[i].auth;
			return true;
		}
	return false;
}

lg_str
sts_auth_name(enum lg_client_auth auth)
{
	return auths[auth].name;
}

void
sts_person_scopes(struct lg_sts_client *c)
{
	memcpy(c->scopes, person_scopes, sizeof person_scopes);
	c->nscopes = LG_COUNT(person_scopes);
}

static lg_err
complete(struct lg_ctx *cx, struct reader *r, bool fresh)
{
	struct lg_sts_client *c = r->c;

	if ((fresh || r->type.n > 0) && !apply_type(c, r->type.n == 0 ? LG_STR("confidential") : r->type))
		return lg_fail(cx, LG_E_INVALID, "type: public, confidential or service");
	if (r->auth.n > 0 && !sts_auth_parse(r->auth, &c->auth))
		return lg_fail(cx, LG_E_INVALID, "auth: none, client_secret, tls_client_auth, self_signed_tls_client_auth, "
		    "private_key_jwt or federated_jwt");
	if (r->has_grants)
		c->grants = r->grants;
	if (fresh && !r->has_scopes && (c->grants & (LG_GRANT_CODE | LG_GRANT_DEVICE | LG_GRANT_PASSWORD)) != 0)
		sts_person_scopes(c);
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
check_keys(struct lg_ctx *cx, const struct lg_sts_client *c)
{
	LG_AUTO(lg_keyset_unref) struct lg_keyset *keys = NULL;
	/* An issuer's keys may be those of the identity source of that issuer. */
	bool needed = c->auth == LG_CLIENT_JWT || c->auth == LG_CLIENT_SELF_TLS || c->signed_requests;

	if (c->jwks.n > 0 && c->jwks_uri.n > 0)
		return lg_fail(cx, LG_E_INVALID, "jwks or jwks_uri, not both");
	if (needed && c->jwks.n == 0 && c->jwks_uri.n == 0)
		return lg_fail(cx, LG_E_INVALID, "jwks or jwks_uri is wanted: how else would its signatures be known?");
	if (c->jwks.n > LG_CLIENT_JWKS_MAX)
		return lg_fail(cx, LG_E_INVALID, "jwks: at most %u octets", LG_CLIENT_JWKS_MAX);
	return c->jwks.n == 0 ? LG_OK : lg_keyset_from_jwks(cx, c->jwks, &keys);
}

size_t
sts_client_certificates(const struct lg_sts_client *c)
{
	size_t n = 0;

	for (int kind = 0; kind < LG_CERT_KINDS; kind++)
		n += c->certificate[kind].n > 0;
	return n;
}

/* RFC 8705 2.1.2: one name, of whichever kind. */
static lg_err
check_certificate(struct lg_ctx *cx, const struct lg_sts_client *c)
{
	size_t n = sts_client_certificates(c);

	if (n > 0 && c->auth != LG_CLIENT_TLS)
		return lg_fail(cx, LG_E_INVALID, "names of a certificate (tls_client_auth_san_uri, ...) go with auth tls_client_auth");
	if (n > 1)
		return lg_fail(cx, LG_E_INVALID, "one of tls_client_auth_subject_dn and tls_client_auth_san_dns, _uri, _ip, _email, not several");
	for (int kind = 0; kind < LG_CERT_KINDS; kind++)
		if (c->certificate[kind].n > 0 && !lg_cert_name_valid((enum lg_cert_kind)kind, c->certificate[kind]))
			return lg_fail(cx, LG_E_INVALID, "\"%.*s\" is no such name of a certificate", LG_FMT(c->certificate[kind]));
	return LG_OK;
}

lg_err
sts_client_check(struct lg_ctx *cx, const struct lg_sts_client *c)
{
	if (!name_valid(c->id))
		return lg_fail(cx, LG_E_INVALID, "name: 1 to %d of A-Z a-z 0-9 . _ -", LG_CLIENT_ID_MAX);
	if (c->grants == 0)
		return lg_fail(cx, LG_E_INVALID, "grants: at least one");
	if ((c->grants & LG_GRANT_CODE) != 0 && c->nredirects == 0)
		return lg_fail(cx, LG_E_INVALID, "redirect_uris: at least one for authorization_code");
	if ((c->grants & (LG_GRANT_CLIENT | LG_GRANT_EXCHANGE | LG_GRANT_PASSWORD)) != 0 && c->auth == LG_CLIENT_NONE)
		return lg_fail(cx, LG_E_INVALID, "a public client cannot use client_credentials, token-exchange and password");
	if ((c->grants & LG_GRANT_BEARER) != 0 && c->auth != LG_CLIENT_FEDERATED)
		return lg_fail(cx, LG_E_INVALID, "jwt-bearer goes with auth federated_jwt");
	if (c->auth == LG_CLIENT_FEDERATED ? c->issuer.n == 0 || c->subject.n == 0 : c->issuer.n > 0 || c->subject.n > 0)
		return lg_fail(cx, LG_E_INVALID, "issuer and subject go with auth federated_jwt");
	if (c->issuer.n > FOREIGN_NAME || c->subject.n > FOREIGN_NAME)
		return lg_fail(cx, LG_E_INVALID, "issuer and subject have at most %d octets", FOREIGN_NAME);
	LG_TRY(sts_fields_check(cx, c));
	LG_TRY(check_certificate(cx, c));
	LG_TRY(sts_fapi2_client(cx, c));
	return check_keys(cx, c);
}

lg_err
lg_sts_client_read(struct lg_ctx *cx, lg_str json, const struct lg_sts_client *base, struct lg_sts_client *ret)
{
	struct lg_sts_client c;
	struct lg_json js;
	struct reader r = { .js = &js, .c = &c };
	lg_str name;

	lg_sts_client_defaults(&c, LG_NONE);
	if (base != NULL)
		c = *base;
	lg_json_init(&js, cx->arena, json);
	lg_json_object(&js);
	while (lg_json_member(&js, &name))
		read_member(&r, name);
	LG_TRY(lg_json_end(cx, &js));
	LG_TRY(complete(cx, &r, base == NULL));
	if (sts_client_check(cx, &c) != LG_OK)
		return lg_fail_in(cx, LG_E_INVALID, "client");
	*ret = c;
	return LG_OK;
}

/* ---- writing --------------------------------------------------------------------------------------------- */

void
sts_grants_write(struct lg_jsonw *w, lg_str name, unsigned bits)
{
	lg_jsonw_name(w, name);
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
	sts_grants_write(w, LG_STR("grants"), c->grants);
	if (c->jwks.n > 0) {
		lg_jsonw_name(w, LG_STR("jwks"));
		lg_jsonw_raw(w, c->jwks);
	}
	for (size_t i = 0; i < sts_client_field_count; i++)
		if (sts_client_fields[i].name.n > 0)
			sts_field_write(w, sts_client_fields[i].name, &sts_client_fields[i], c);
	if (c->access_life != 0)
		lg_jsonw_int_of(w, "access_life", c->access_life);
	lg_jsonw_object_end(w);
}
