/*
 * client_fields.c: what a client can say about itself beyond what every one has: one table for state documents, registration
 * (RFC 7591), rows and checks.  A new member is a line here and a place in struct lg_sts_client.
 */
#include "sts/sts.h"

#include "base/text.h"

#define AT(m)		offsetof(struct lg_sts_client, m)
#define TEXT(m)		STS_FIELD_TEXT, AT(m), 0, 1
#define LIST(m, max)	STS_FIELD_LIST, AT(m), AT(n##m), max
#define FLAG(m)		STS_FIELD_FLAG, AT(m), 0, 1
#define ALG(m)		STS_FIELD_ALG, AT(m), 0, 1
#define NUMBER(m)	STS_FIELD_NUMBER, AT(m), 0, 1
#define NOWHERE		{ NULL, 0 }
#define SAME(name)	LG_STR(name), LG_STR(name)

/* ---- values ------------------------------------------------------------------------------------------------------------ */

static lg_err
scope_name_valid(struct lg_ctx *cx, lg_str s)
{
	if (s.n == 0 || s.n > 64 || !sts_scope_valid(s) || memchr(s.p, ' ', s.n) != NULL)
		return lg_fail(cx, LG_E_INVALID, "\"%.*s\" is no scope", LG_FMT(s));
	return LG_OK;
}

static lg_err
audience_valid(struct lg_ctx *cx, lg_str s)
{
	if (s.n == 0 || s.n > 256 || !sts_scope_valid(s))
		return lg_fail(cx, LG_E_INVALID, "\"%.*s\" is no audience", LG_FMT(s));
	return LG_OK;
}

static lg_err
shown_valid(struct lg_ctx *cx, lg_str s)
{
	if (s.n == 0 || s.n > LG_CLIENT_TEXT_MAX)
		return lg_fail(cx, LG_E_INVALID, "1 to %d octets", LG_CLIENT_TEXT_MAX);
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
			return lg_fail(cx, LG_E_INVALID, "a control character");
	return LG_OK;
}

static lg_err
acr_valid(struct lg_ctx *cx, lg_str s)
{
	return sts_acr_level(s) > 0 ? LG_OK : lg_fail(cx, LG_E_INVALID, "\"%.*s\" is no acr of this issuer", LG_FMT(s));
}

/* ---- fields ------------------------------------------------------------------------------------------------------------ */

/* Tags are in rows: one is never given twice.  0: the row has a place of its own for it. */
const struct sts_client_field sts_client_fields[] = {
	{ SAME("redirect_uris"), 0, LIST(redirects, LG_CLIENT_URIS), sts_redirect_valid },
	{ SAME("post_logout_redirect_uris"), 0, LIST(logouts, LG_CLIENT_URIS), sts_redirect_valid },
	{ LG_STR("scopes"), NOWHERE, 0, LIST(scopes, LG_CLIENT_SCOPES), scope_name_valid },
	{ LG_STR("audiences"), NOWHERE, 0, LIST(audiences, LG_CLIENT_AUDIENCES), audience_valid },
	{ LG_STR("id_token_alg"), LG_STR("id_token_signed_response_alg"), 0, ALG(id_token_alg), NULL },
	{ LG_STR("introspect"), NOWHERE, 0, FLAG(introspect), NULL },
	{ SAME("dpop_bound_access_tokens"), 0, FLAG(dpop), NULL },
	{ SAME("require_pushed_authorization_requests"), 0, FLAG(par), NULL },
	{ LG_STR("issuer"), NOWHERE, 0, TEXT(issuer), NULL },
	{ LG_STR("subject"), NOWHERE, 0, TEXT(subject), NULL },
	{ LG_STR("enabled"), NOWHERE, 0, FLAG(enabled), NULL },
	{ LG_STR("display"), LG_STR("client_name"), 1, TEXT(display), shown_valid },
	{ SAME("client_uri"), 2, TEXT(uri), sts_https_valid },
	{ SAME("logo_uri"), 3, TEXT(logo), sts_https_valid },
	{ SAME("policy_uri"), 4, TEXT(policy_uri), sts_https_valid },
	{ SAME("tos_uri"), 5, TEXT(tos_uri), sts_https_valid },
	{ SAME("contacts"), 6, LIST(contacts, LG_CLIENT_CONTACTS), shown_valid },
	{ SAME("software_id"), 7, TEXT(software), shown_valid },
	{ SAME("software_version"), 8, TEXT(software_version), shown_valid },
	{ SAME("jwks_uri"), 9, TEXT(jwks_uri), sts_https_valid },
	{ LG_STR("access_token_alg"), NOWHERE, 10, ALG(access_alg), NULL },
	{ LG_STR("userinfo_alg"), LG_STR("userinfo_signed_response_alg"), 11, ALG(userinfo_alg), NULL },
	{ LG_STR("introspection_alg"), LG_STR("introspection_signed_response_alg"), 12, ALG(introspection_alg), NULL },
	{ LG_STR("request_object_alg"), LG_STR("request_object_signing_alg"), 13, ALG(request_alg), NULL },
	{ SAME("require_signed_request_object"), 14, FLAG(signed_requests), NULL },
	{ SAME("request_uris"), 15, LIST(request_uris, LG_CLIENT_URIS), sts_request_uri_valid },
	{ SAME("default_acr_values"), 16, LIST(acrs, LG_CLIENT_ACRS), acr_valid },
	{ SAME("default_max_age"), 17, NUMBER(max_age), NULL },
	{ SAME("initiate_login_uri"), 18, TEXT(initiate_login), sts_https_valid },
	{ SAME("backchannel_logout_uri"), 19, TEXT(backchannel), sts_https_valid },
	{ SAME("backchannel_logout_session_required"), 20, FLAG(backchannel_session), NULL },
	{ SAME("frontchannel_logout_uri"), 21, TEXT(frontchannel), sts_https_valid },
	{ SAME("frontchannel_logout_session_required"), 22, FLAG(frontchannel_session), NULL },
	{ SAME("tls_client_certificate_bound_access_tokens"), 23, FLAG(mtls_bound), NULL },
	{ NOWHERE, NOWHERE, 24, FLAG(secret_post), NULL },
	{ LG_STR("fapi2"), NOWHERE, 25, FLAG(fapi2), NULL },
	{ SAME("tls_client_auth_san_uri"), 29, TEXT(certificate[LG_CERT_URI]), NULL },
	{ SAME("tls_client_auth_subject_dn"), 30, TEXT(certificate[LG_CERT_SUBJECT]), NULL },
	{ SAME("tls_client_auth_san_dns"), 31, TEXT(certificate[LG_CERT_DNS]), NULL },
	{ SAME("tls_client_auth_san_ip"), 32, TEXT(certificate[LG_CERT_IP]), NULL },
	{ SAME("tls_client_auth_san_email"), 33, TEXT(certificate[LG_CERT_EMAIL]), NULL },
	{ LG_STR("consent"), NOWHERE, 28, FLAG(consent), NULL },
	{ NOWHERE, NOWHERE, 26, NUMBER(registered), NULL },
	{ NOWHERE, NOWHERE, 27, TEXT(registration), NULL },
};
const size_t sts_client_field_count = LG_COUNT(sts_client_fields);

#define MEMBER(type, of, offset) ((type *)(void *)((char *)(of) + (offset)))
#define CONST_MEMBER(type, of, offset) ((const type *)(const void *)((const char *)(of) + (offset)))

static const lg_str *
field_texts(const struct lg_sts_client *c, const struct sts_client_field *f, size_t *n)
{
	const lg_str *v = CONST_MEMBER(lg_str, c, f->at);

	*n = f->kind == STS_FIELD_LIST ? *CONST_MEMBER(size_t, c, f->count_at) : v->n > 0;
	return v;
}

static int64_t
field_number(const struct lg_sts_client *c, const struct sts_client_field *f)
{
	if (f->kind == STS_FIELD_FLAG)
		return *CONST_MEMBER(bool, c, f->at);
	if (f->kind == STS_FIELD_ALG)
		return (int64_t)*CONST_MEMBER(enum lg_alg, c, f->at);
	return *CONST_MEMBER(uint32_t, c, f->at);
}

static void
field_set_number(struct lg_sts_client *c, const struct sts_client_field *f, int64_t n)
{
	if (f->kind == STS_FIELD_FLAG)
		*MEMBER(bool, c, f->at) = n != 0;
	else if (f->kind == STS_FIELD_ALG)
		*MEMBER(enum lg_alg, c, f->at) = (enum lg_alg)n;
	else
		*MEMBER(uint32_t, c, f->at) = (uint32_t)n;
}

static bool
is_text(const struct sts_client_field *f)
{
	return f->kind == STS_FIELD_TEXT || f->kind == STS_FIELD_LIST;
}

/* ---- JSON ---------------------------------------------------------------------------------------------------- */

static void
read_list(struct lg_json *js, const struct sts_client_field *f, struct lg_sts_client *c)
{
	lg_str *v = MEMBER(lg_str, c, f->at);
	size_t n = 0;

	lg_json_array(js);
	while (lg_json_item(js)) {
		lg_str s = lg_json_str(js);

		if (n == f->max)
			lg_json_fault(js, "too many items");
		else
			v[n++] = s;
	}
	*MEMBER(size_t, c, f->count_at) = n;
}

static void
read_number(struct lg_json *js, const struct sts_client_field *f, struct lg_sts_client *c)
{
	int64_t n = 0;

	if (f->kind == STS_FIELD_FLAG) {
		n = lg_json_bool(js);
	} else if (f->kind == STS_FIELD_NUMBER) {
		n = lg_json_int(js);
		if (n < 0 || n > INT32_MAX)
			lg_json_fault(js, "a number out of range");
	} else {
		lg_str name = lg_json_str(js);

		n = (int64_t)lg_alg_parse(name);
		if (name.n > 0 && n == LG_ALG_NONE)
			lg_json_fault(js, "an algorithm that is not known");
	}
	if (js->fault == NULL)
		field_set_number(c, f, n);
}

void
sts_field_read(struct lg_json *js, const struct sts_client_field *f, struct lg_sts_client *c)
{
	if (f->kind == STS_FIELD_LIST)
		read_list(js, f, c);
	else if (f->kind == STS_FIELD_TEXT)
		*MEMBER(lg_str, c, f->at) = lg_json_str(js);
	else
		read_number(js, f, c);
}

static void
write_texts(struct lg_jsonw *w, lg_str name, const struct sts_client_field *f, const struct lg_sts_client *c)
{
	size_t n;
	const lg_str *v = field_texts(c, f, &n);

	/* The lists that every client has are written even when they are empty. */
	if (n == 0 && (f->tag != 0 || f->kind == STS_FIELD_TEXT))
		return;
	lg_jsonw_name(w, name);
	if (f->kind == STS_FIELD_TEXT) {
		lg_jsonw_str(w, v[0]);
		return;
	}
	lg_jsonw_array(w);
	for (size_t i = 0; i < n; i++)
		lg_jsonw_str(w, v[i]);
	lg_jsonw_array_end(w);
}

void
sts_field_write(struct lg_jsonw *w, lg_str name, const struct sts_client_field *f, const struct lg_sts_client *c)
{
	int64_t n;

	if (is_text(f)) {
		write_texts(w, name, f, c);
		return;
	}
	n = field_number(c, f);
	if (n == 0 && f->tag != 0)
		return;
	lg_jsonw_name(w, name);
	if (f->kind == STS_FIELD_FLAG)
		lg_jsonw_bool(w, n != 0);
	else if (f->kind == STS_FIELD_ALG)
		lg_jsonw_str(w, lg_alg_name((enum lg_alg)n));
	else
		lg_jsonw_int(w, n);
}

/* ---- rows: tag and value of what is not empty ------------------------------------------------------------------- */

void
sts_fields_encode(struct lg_buf *b, const struct lg_sts_client *c)
{
	for (size_t i = 0; i < sts_client_field_count; i++) {
		const struct sts_client_field *f = &sts_client_fields[i];
		size_t n = 0;
		const lg_str *v = is_text(f) ? field_texts(c, f, &n) : NULL;
		int64_t number = is_text(f) ? 0 : field_number(c, f);

		if (f->tag == 0 || (n == 0 && number == 0))
			continue;
		lg_buf_byte(b, (char)f->tag);
		if (v != NULL)
			sts_row_put_list(b, v, n);
		else
			lg_buf_u32(b, (uint32_t)number);
	}
}

static const struct sts_client_field *
by_tag(uint8_t tag)
{
	for (size_t i = 0; i < sts_client_field_count; i++)
		if (tag != 0 && sts_client_fields[i].tag == tag)
			return &sts_client_fields[i];
	return NULL;
}

void
sts_fields_decode(struct lg_rd *rd, struct lg_sts_client *c)
{
	while (!rd->bad && rd->p != rd->end) {
		const struct sts_client_field *f = by_tag(lg_rd_u8(rd));

		if (f == NULL) {
			rd->bad = true;		/* of a release that knows more than this one */
		} else if (is_text(f)) {
			size_t n = sts_row_get_list(rd, MEMBER(lg_str, c, f->at), f->max);

			if (f->kind == STS_FIELD_LIST)
				*MEMBER(size_t, c, f->count_at) = n;
		} else {
			field_set_number(c, f, lg_rd_u32(rd));
		}
	}
}

/* ---- checks -------------------------------------------------------------------------------------------------------- */

/* What is signed by us, and what is signed for us (request objects; none is never taken, RFC 9101 10.2). */
static bool
alg_good(const struct sts_client_field *f, int64_t alg)
{
	unsigned good = f->at == AT(request_alg) ? STS_CLIENT_ALG_BITS : STS_TOKEN_ALG_BITS;

	return alg == LG_ALG_NONE ? f->at != AT(id_token_alg) : (good & 1u << alg) != 0;
}

lg_err
sts_fields_check(struct lg_ctx *cx, const struct lg_sts_client *c)
{
	for (size_t i = 0; i < sts_client_field_count; i++) {
		const struct sts_client_field *f = &sts_client_fields[i];
		size_t n = 0;
		const lg_str *v = is_text(f) && f->check != NULL ? field_texts(c, f, &n) : NULL;

		if (f->kind == STS_FIELD_ALG && !alg_good(f, field_number(c, f)))
			return lg_fail(cx, LG_E_INVALID, "%.*s is ES256, RS256, PS256 or EdDSA", LG_FMT(f->name));
		for (size_t j = 0; j < n; j++)
			if (f->check(cx, v[j]) != LG_OK)
				return lg_fail_in(cx, LG_E_INVALID, lg_dup(cx->arena, f->name).p);
	}
	return LG_OK;
}
