/*
 * register_metadata.c: what a client says when it registers itself (RFC 7591 2, OpenID Connect Dynamic Registration 2), read into a
 * client, judged, and told back.  Members that are not known are passed over, as RFC 7591 wants; what cannot be done is refused.
 */
#include "sts/register.h"

#include "base/text.h"

/* What a client can give itself; the rest is an administrator's to give. */
#define OWN_GRANTS (LG_GRANT_CODE | LG_GRANT_REFRESH | LG_GRANT_DEVICE)

struct reader {
	struct sts_rq *rq;
	struct lg_json *js;
	struct sts_registration *rg;
	lg_str method, application, scope;
	bool has_alg, has_scope, has_grants;
	unsigned grants;
	const char *refused;		/* a member that cannot be done */
};

/* ---- members ------------------------------------------------------------------------------------------------------ */

static void
read_grants(struct reader *r)
{
	r->has_grants = true;
	lg_json_array(r->js);
	while (lg_json_item(r->js)) {
		unsigned bit = sts_grant_bit(lg_json_str(r->js));

		if ((bit & OWN_GRANTS) == 0 && r->js->fault == NULL)
			r->refused = "grant_types: authorization_code, refresh_token and device_code are those that a client can give itself";
		r->grants |= bit;
	}
}

static void
read_responses(struct reader *r)
{
	lg_json_array(r->js);
	while (lg_json_item(r->js))
		if (!lg_str_eq(lg_json_str(r->js), LG_STR("code")) && r->js->fault == NULL)
			r->refused = "response_types: only code";
}

static void
read_subject_type(struct reader *r)
{
	if (!lg_str_eq(lg_json_str(r->js), LG_STR("public")) && r->js->fault == NULL)
		r->refused = "subject_type: only public";
}

static void
read_scope(struct reader *r)
{
	r->scope = lg_json_str(r->js);
	r->has_scope = true;
}

static void read_method(struct reader *r) { r->method = lg_json_str(r->js); }
static void read_application(struct reader *r) { r->application = lg_json_str(r->js); }
static void read_jwks(struct reader *r) { r->rg->client.jwks = lg_json_raw(r->js); }
static void read_sector(struct reader *r) { r->rg->sector = lg_json_str(r->js); }
static void read_id(struct reader *r) { r->rg->given_id = lg_json_str(r->js); }
static void read_secret(struct reader *r) { r->rg->given_secret = lg_json_str(r->js); }

static void
read_statement(struct reader *r)
{
	lg_json_skip(r->js);
	r->rg->statement = true;
}

static void
read_encryption(struct reader *r)
{
	lg_json_skip(r->js);
	r->refused = "nothing is encrypted for clients here, nor by them";
}

static const struct {
	lg_str name;
	void (*read)(struct reader *r);
} members[] = {
	{ LG_STR("token_endpoint_auth_method"), read_method }, { LG_STR("grant_types"), read_grants },
	{ LG_STR("response_types"), read_responses }, { LG_STR("scope"), read_scope }, { LG_STR("jwks"), read_jwks },
	{ LG_STR("application_type"), read_application }, { LG_STR("subject_type"), read_subject_type },
	{ LG_STR("sector_identifier_uri"), read_sector }, { LG_STR("client_id"), read_id }, { LG_STR("client_secret"), read_secret },
	{ LG_STR("software_statement"), read_statement }, { LG_STR("id_token_encrypted_response_alg"), read_encryption },
	{ LG_STR("userinfo_encrypted_response_alg"), read_encryption }, { LG_STR("introspection_encrypted_response_alg"), read_encryption },
	{ LG_STR("request_object_encryption_alg"), read_encryption },
};

static void
read_member(struct reader *r, lg_str name)
{
	if (lg_json_peek(r->js) == LG_JSON_NULL) {
		lg_json_null(r->js);
		return;
	}
	for (size_t i = 0; i < LG_COUNT(members); i++)
		if (lg_str_eq(members[i].name, name)) {
			members[i].read(r);
			return;
		}
	for (size_t i = 0; i < sts_client_field_count; i++)
		if (name.n > 0 && lg_str_eq(sts_client_fields[i].metadata, name)) {
			r->has_alg |= lg_str_eq(name, LG_STR("id_token_signed_response_alg"));
			sts_field_read(r->js, &sts_client_fields[i], &r->rg->client);
			return;
		}
	lg_json_skip(r->js);
}

/* ---- what follows from them ------------------------------------------------------------------------------------------- */

static lg_err
bad(struct reader *r, const char *why)
{
	return sts_refuse(r->rq, STS_INVALID_CLIENT_METADATA, "%s", why);
}

static lg_err
take_method(struct reader *r)
{
	struct lg_sts_client *c = &r->rg->client;
	lg_str m = r->method.n > 0 ? r->method : LG_STR("client_secret_basic");

	c->secret_post = lg_str_eq(m, LG_STR("client_secret_post"));
	if (c->secret_post || lg_str_eq(m, LG_STR("client_secret_basic")))
		c->auth = LG_CLIENT_SECRET;
	else if (!sts_auth_parse(m, &c->auth) || c->auth == LG_CLIENT_SECRET || c->auth == LG_CLIENT_FEDERATED)
		return bad(r, "token_endpoint_auth_method: client_secret_basic, client_secret_post, private_key_jwt, tls_client_auth, "
		    "self_signed_tls_client_auth or none");
	/* RFC 8705 2.1.2: exactly one, since it has no certificate of its own. */
	if (c->auth == LG_CLIENT_TLS && sts_client_certificates(c) == 0)
		return bad(r, "tls_client_auth: its certificate is named by tls_client_auth_subject_dn or tls_client_auth_san_dns, _uri, _ip, _email");
	return LG_OK;
}

/* Of what it asks for, what an application for people may have; without a wish, all of it. */
static void
take_scope(struct reader *r)
{
	struct lg_sts_client *c = &r->rg->client, all = { .nscopes = 0 };

	sts_person_scopes(c);
	if (!r->has_scope)
		return;
	all = *c;
	c->nscopes = 0;
	for (size_t i = 0; i < all.nscopes; i++)
		if (sts_scope_has(r->scope, all.scopes[i]))
			c->scopes[c->nscopes++] = all.scopes[i];
}

/* Core 15.5.1 makes RS256 the default; it is one where the issuer signs with it already. */
static void
take_alg(struct reader *r)
{
	if (!r->has_alg)
		r->rg->client.id_token_alg = (r->rq->tenant.algs & 1u << LG_ALG_RS256) != 0 ? LG_ALG_RS256 : LG_ALG_ES256;
}

/*
 * What may be registered is the same for both types: OpenID Connect Registration 2 keeps web applications to https for the implicit grant,
 * which there is none of, and programs on somebody's machine say "web" too.
 */
static lg_err
check_redirects(struct reader *r)
{
	const struct lg_sts_client *c = &r->rg->client;

	if (r->application.n > 0 && !lg_str_eq(r->application, LG_STR("web")) && !lg_str_eq(r->application, LG_STR("native")))
		return bad(r, "application_type: web or native");
	for (size_t i = 0; i < c->nredirects; i++)
		if (sts_redirect_valid(r->rq->cx, c->redirects[i]) != LG_OK)
			return sts_refuse(r->rq, STS_INVALID_REDIRECT_URI, "%s", lg_dup(r->rq->cx->arena, lg_str_of(r->rq->cx->error)).p);
	if ((c->grants & LG_GRANT_CODE) != 0 && c->nredirects == 0)
		return sts_refuse(r->rq, STS_INVALID_REDIRECT_URI, "redirect_uris: at least one");
	return LG_OK;
}

static lg_err
complete(struct reader *r)
{
	struct lg_sts_client *c = &r->rg->client;

	if (r->rg->statement)
		return sts_refuse(r->rq, STS_UNAPPROVED_SOFTWARE_STATEMENT, "software statements are not taken here");
	if (r->refused != NULL)
		return bad(r, r->refused);
	LG_TRY(take_method(r));
	c->grants = r->has_grants ? r->grants : LG_GRANT_CODE;
	take_scope(r);
	take_alg(r);
	LG_TRY(check_redirects(r));
	if (sts_client_check(r->rq->cx, c) != LG_OK)
		return bad(r, lg_dup(r->rq->cx->arena, lg_str_of(r->rq->cx->error)).p);
	return LG_OK;
}

lg_err
sts_registration_read(struct sts_rq *rq, lg_str json, lg_str id, struct sts_registration *ret)
{
	struct lg_json js;
	struct reader r = { .rq = rq, .js = &js, .rg = ret };
	lg_str name;

	*ret = (struct sts_registration){ .statement = false };
	lg_sts_client_defaults(&ret->client, LG_STR("confidential"));
	ret->client.id = id;
	lg_json_init(&js, rq->cx->arena, json);
	lg_json_object(&js);
	while (lg_json_member(&js, &name))
		read_member(&r, name);
	if (lg_json_end(rq->cx, &js) != LG_OK)
		return bad(&r, lg_dup(rq->cx->arena, lg_str_of(rq->cx->error)).p);
	return complete(&r);
}

/* ---- told back (RFC 7591 3.2.1) ------------------------------------------------------------------------------------------- */

static lg_str
method_name(const struct lg_sts_client *c)
{
	if (c->auth != LG_CLIENT_SECRET)
		return sts_auth_name(c->auth);
	return c->secret_post ? LG_STR("client_secret_post") : LG_STR("client_secret_basic");
}

static void
write_scope(struct lg_jsonw *w, struct lg_arena *a, const struct lg_sts_client *c)
{
	lg_str scope = LG_NONE;

	for (size_t i = 0; i < c->nscopes; i++)
		scope = lg_print(a, "%.*s%s%.*s", LG_FMT(scope), i > 0 ? " " : "", LG_FMT(c->scopes[i]));
	lg_jsonw_str_of(w, "scope", scope);
}

void
sts_registration_write(struct lg_jsonw *w, struct lg_arena *a, const struct lg_sts_client *c)
{
	lg_jsonw_str_of(w, "token_endpoint_auth_method", method_name(c));
	sts_grants_write(w, LG_STR("grant_types"), c->grants);
	lg_jsonw_name(w, LG_STR("response_types"));
	lg_jsonw_raw(w, (c->grants & LG_GRANT_CODE) != 0 ? LG_STR("[\"code\"]") : LG_STR("[]"));
	lg_jsonw_str_of(w, "subject_type", LG_STR("public"));
	write_scope(w, a, c);
	if (c->jwks.n > 0) {
		lg_jsonw_name(w, LG_STR("jwks"));
		lg_jsonw_raw(w, c->jwks);
	}
	for (size_t i = 0; i < sts_client_field_count; i++)
		if (sts_client_fields[i].metadata.n > 0)
			sts_field_write(w, sts_client_fields[i].metadata, &sts_client_fields[i], c);
}
