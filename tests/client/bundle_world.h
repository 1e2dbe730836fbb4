/* bundle_world.h: a tenant's keys, certificates and bundles, made as the service makes them. */
#ifndef LG_TESTS_BUNDLE_WORLD_H
#define LG_TESTS_BUNDLE_WORLD_H

#include "base/clock.h"
#include "base/der.h"
#include "base/file.h"
#include "base/json.h"
#include "base/text.h"
#include "client/bundle.h"
#include "crypto/x509.h"
#include "tests/base/base_test.h"
#include "tests/client/token.h"

#define ISSUER	"https://id.example.org"
#define HOST	"11111111-1111-4111-8111-111111111111"
#define TENANT	"22222222-2222-4222-8222-222222222222"
#define OPS	"33333333-3333-4333-8333-333333333333"
#define ALICE	"44444444-4444-4444-8444-444444444444"
#define BOB	"55555555-5555-4555-8555-555555555555"
#define SHOP	"66666666-6666-4666-8666-666666666666"
#define WEB	"77777777-7777-4777-8777-777777777777"
#define DB	"88888888-8888-4888-8888-888888888888"
#define NOBODY	"99999999-9999-4999-8999-999999999999"

#define POLICIES \
	"@id(\"web-to-db\") permit (principal == Workload::\"web\", action == Action::\"connect\", resource == Workload::\"db\")" \
	" when { context has port && context.port == 5432 };\n" \
	"@id(\"ops\") permit (principal in Group::\"ops\", action in Action::\"container:operate\", resource in Project::\"shop\");\n" \
	"@id(\"scoped\") permit (principal in Group::\"ops\", action == Action::\"container:logs\", resource)" \
	" when { context has scopes && context.scopes.contains(\"logs\") };\n" \
	"@id(\"no-old-web\") forbid (principal, action, resource is Workload)" \
	" when { resource has image && resource.image has signed && !resource.image.signed };\n"

struct bundle_world {
	struct lg_ctx *cx;
	struct token_maker signer, heir, tokens;
	struct lg_key *ca, *leaf;
	lg_str ca_der, pin;
	/* of the next body; may be changed */
	int format, max_stale;
	const char *host, *issuer, *policies, *revoked_serial, *revoked_jti, *extra;
	lg_str heir_token;
	bool whole;
};

/* ---- certificates -------------------------------------------------------------------------------------------------- */

struct leaf_options {
	const char *uri;
	bool ca, server_only, strange;
	int64_t begins, ends;		/* seconds from now */
	const struct lg_key *issuer;
	uint8_t serial;
};

static inline void
leaf_extensions(struct lg_buf *b, const struct leaf_options *o)
{
	size_t outer = lg_derw_begin(b, LG_DER_EXPLICIT(3)), list = lg_derw_begin(b, LG_DER_SEQUENCE);
	struct lg_x509_ext e = lg_x509_ext_begin(b, LG_STR("\x55\x1d\x13"), true);
	size_t seq = lg_derw_begin(b, LG_DER_SEQUENCE);
	if (o->ca)
		lg_derw_boolean(b, true);
	lg_derw_end(b, seq);
	lg_x509_ext_end(b, e);
	e = lg_x509_ext_begin(b, LG_STR("\x55\x1d\x25"), false);
	seq = lg_derw_begin(b, LG_DER_SEQUENCE);
	lg_derw_oid(b, o->server_only ? LG_STR("\x2b\x06\x01\x05\x05\x07\x03\x01") : LG_STR("\x2b\x06\x01\x05\x05\x07\x03\x02"));
	lg_derw_end(b, seq);
	lg_x509_ext_end(b, e);
	if (o->uri != NULL) {
		e = lg_x509_ext_begin(b, LG_STR("\x55\x1d\x11"), false);
		seq = lg_derw_begin(b, LG_DER_SEQUENCE);
		lg_derw_element(b, LG_DER_IMPLICIT(6), lg_str_of(o->uri));
		lg_derw_end(b, seq);
		lg_x509_ext_end(b, e);
	}
	if (o->strange) {
		e = lg_x509_ext_begin(b, LG_STR("\x55\x1d\x63"), true);
		lg_derw_null(b);
		lg_x509_ext_end(b, e);
	}
	lg_derw_end(b, list);
	lg_derw_end(b, outer);
}

static inline lg_str
leaf_make(struct lg_ctx *cx, const struct lg_key *key, const struct leaf_options *o)
{
	struct lg_buf tbs = LG_BUF(8192), out = LG_BUF(8192);
	size_t seq = lg_derw_begin(&tbs, LG_DER_SEQUENCE), part = lg_derw_begin(&tbs, LG_DER_EXPLICIT(0));
	lg_str sig, der;

	lg_derw_int(&tbs, 2);
	lg_derw_end(&tbs, part);
	lg_derw_int(&tbs, o->serial == 0 ? 7 : o->serial);
	lg_x509_put_sig_alg(&tbs, LG_ALG_ES256);
	lg_x509_put_name(&tbs, LG_STR("CA"));
	part = lg_derw_begin(&tbs, LG_DER_SEQUENCE);
	lg_derw_time(&tbs, cx->now + o->begins * LG_SECOND);
	lg_derw_time(&tbs, cx->now + o->ends * LG_SECOND);
	lg_derw_end(&tbs, part);
	lg_x509_put_name(&tbs, LG_STR("leaf"));
	lg_derw_raw(&tbs, lg_pubkey_spki(lg_key_public(key)));
	leaf_extensions(&tbs, o);
	lg_derw_end(&tbs, seq);
	cr_assert_eq(lg_key_sign_der(cx, o->issuer, LG_ALG_ES256, lg_buf_view(&tbs), &sig), LG_OK, "%s", cx->error);
	seq = lg_derw_begin(&out, LG_DER_SEQUENCE);
	lg_derw_raw(&out, lg_buf_view(&tbs));
	lg_x509_put_sig_alg(&out, LG_ALG_ES256);
	lg_derw_bits(&out, sig);
	lg_derw_end(&out, seq);
	der = lg_dup(cx->arena, lg_buf_view(&out));
	lg_buf_free(&tbs);
	lg_buf_free(&out);
	return der;
}

/* ---- the world ------------------------------------------------------------------------------------------------------- */

static inline void
bundle_world_init(struct bundle_world *w, struct lg_ctx *cx)
{
	*w = (struct bundle_world){ .cx = cx, .format = 1, .max_stale = 60, .host = HOST, .issuer = ISSUER, .policies = POLICIES,
		.revoked_serial = "", .revoked_jti = "gone", .whole = true };
	token_maker_init(cx, &w->signer, "b1");
	token_maker_init(cx, &w->heir, "b2");
	token_maker_init(cx, &w->tokens, "t1");
	cr_assert_eq(lg_key_generate(cx, LG_KEY_P256, &w->ca), LG_OK);
	cr_assert_eq(lg_key_generate(cx, LG_KEY_P256, &w->leaf), LG_OK);
	w->ca_der = leaf_make(cx, w->ca, &(struct leaf_options){ .ca = true, .begins = -60, .ends = 3600, .issuer = w->ca });
	w->pin = lg_str_of(w->signer.jwks);
}

static inline void
bundle_world_end(struct bundle_world *w)
{
	lg_key_free(&w->signer.key);
	lg_key_free(&w->heir.key);
	lg_key_free(&w->tokens.key);
	lg_key_free(&w->ca);
	lg_key_free(&w->leaf);
}

static inline struct lg_bundle_pin
bundle_pin(const struct bundle_world *w)
{
	return (struct lg_bundle_pin){ w->pin, LG_STR(ISSUER), LG_STR(HOST) };
}

#define UID(type, id)	"{\"type\":\"" type "\",\"id\":\"" id "\"}"
#define REF(type, id)	"{\"__entity\":" UID(type, id) "}"
#define ROW(type, id, attrs, parents) "{\"uid\":" UID(type, id) ",\"attrs\":{" attrs "},\"parents\":[" parents "]}"

static const char bundle_entities[] =
    "[[" ROW("Tenant", TENANT, "\"name\":\"default\"", "") ","
    ROW("Host", HOST, "\"name\":\"node1\",\"enabled\":true", UID("Tenant", TENANT)) ","
    ROW("Group", OPS, "\"name\":\"ops\"", UID("Tenant", TENANT)) ","
    ROW("Project", SHOP, "\"name\":\"shop\"", UID("Tenant", TENANT)) ","
    ROW("User", ALICE, "\"name\":\"alice\",\"enabled\":true", UID("Group", OPS)) "],["
    ROW("User", BOB, "\"name\":\"bob\",\"enabled\":false", UID("Group", OPS)) ","
    ROW("Workload", WEB, "\"name\":\"web\",\"project\":" REF("Project", SHOP), UID("Project", SHOP)) ","
    ROW("Workload", DB, "\"name\":\"db\",\"project\":" REF("Project", SHOP), UID("Project", SHOP)) ","
    ROW("Workload", "job", "\"name\":\"job\",\"claimed\":{\"host\":\"node1\"}", UID("Project", SHOP)) "]]";

static inline lg_str
bundle_file(struct lg_ctx *cx, const char *path)
{
	lg_str s;

	cr_assert_eq(lg_file_read(cx, path, 1u << 20, &s), LG_OK, "%s", cx->error);
	return s;
}

static inline void
bundle_names(struct lg_jsonw *w)
{
	static const char *const rows[][3] = { { "Workload", "web", WEB }, { "Workload", "db", DB }, { "Group", "ops", OPS },
		{ "Project", "shop", SHOP } };

	lg_jsonw_name(w, LG_STR("names"));
	lg_jsonw_array(w);
	for (size_t i = 0; i < LG_COUNT(rows); i++) {
		lg_jsonw_object(w);
		lg_jsonw_str_of(w, "type", lg_str_of(rows[i][0]));
		lg_jsonw_str_of(w, "name", lg_str_of(rows[i][1]));
		lg_jsonw_str_of(w, "id", lg_str_of(rows[i][2]));
		lg_jsonw_object_end(w);
	}
	lg_jsonw_array_end(w);
}

static inline void
bundle_rules(const struct bundle_world *bw, struct lg_jsonw *w)
{
	lg_jsonw_name(w, LG_STR("policies"));
	lg_jsonw_object(w);
	lg_jsonw_int_of(w, "version", 4);
	lg_jsonw_str_of(w, "schema", bundle_file(bw->cx, "conf/lightgate.cedarschema"));
	lg_jsonw_str_of(w, "system", bundle_file(bw->cx, "conf/policies/system.cedar"));
	lg_jsonw_str_of(w, "tenant", lg_str_of(bw->policies));
	bundle_names(w);
	lg_jsonw_object_end(w);
}

static inline void
bundle_trust(const struct bundle_world *bw, struct lg_jsonw *w)
{
	lg_jsonw_name(w, LG_STR("trust"));
	lg_jsonw_object(w);
	lg_jsonw_name(w, LG_STR("issuers"));
	lg_jsonw_array(w);
	lg_jsonw_str(w, lg_pem(bw->cx->arena, LG_STR("CERTIFICATE"), bw->ca_der));
	lg_jsonw_array_end(w);
	lg_jsonw_name(w, LG_STR("token_keys"));
	lg_jsonw_raw(w, lg_str_of(bw->tokens.jwks));
	lg_jsonw_name(w, LG_STR("ticket_keys"));
	lg_jsonw_raw(w, lg_str_of(bw->tokens.jwks));
	lg_jsonw_name(w, LG_STR("bundle_heirs"));
	lg_jsonw_array(w);
	if (bw->heir_token.n > 0)
		lg_jsonw_str(w, bw->heir_token);
	lg_jsonw_array_end(w);
	lg_jsonw_object_end(w);
}

static inline lg_str
bundle_body(const struct bundle_world *bw)
{
	struct lg_buf b = LG_BUF(1u << 20);
	struct lg_jsonw w = lg_jsonw_of(&b);

	lg_jsonw_object(&w);
	lg_jsonw_int_of(&w, "format", bw->format);
	lg_buf_printf(&b, ",\"tenant\":{\"id\":\"" TENANT "\",\"name\":\"default\",\"issuer\":\"%s\",\"trust_domain\":\"example.org\"},"
	    "\"host\":{\"id\":\"%s\",\"name\":\"node1\"}", bw->issuer, bw->host);
	lg_jsonw_int_of(&w, "max_stale", bw->max_stale);
	bundle_rules(bw, &w);
	bundle_trust(bw, &w);
	lg_buf_printf(&b, ",\"revoked\":{\"certificates\":[\"%s\"],\"tokens\":[{\"kind\":\"jti\",\"id\":\"%s\",\"not_before\":4000000000000000}],"
	    "\"whole\":%s},\"entities\":%s,\"whole\":true,\"admissions\":[{\"container\":\"c1\",\"workload\":\"web\",\"project\":\"shop\","
	    "\"image\":\"busybox\",\"requester\":" UID("User", ALICE) "}]", bw->revoked_serial, bw->revoked_jti,
	    bw->whole ? "true" : "false", bundle_entities);
	if (bw->extra != NULL)
		lg_buf_str(&b, lg_str_of(bw->extra));
	lg_jsonw_object_end(&w);
	lg_str body = lg_dup(bw->cx->arena, lg_buf_view(&b));
	cr_assert_not(b.full);
	lg_buf_free(&b);
	return body;
}

struct bundle_token {
	const struct token_maker *by;	/* NULL: the signer */
	const char *typ, *kid, *issuer, *audience;
	int64_t from, until;		/* seconds from now; until 0: an hour */
	unsigned epoch;
	unsigned long version;
};

static inline lg_str
bundle_token(const struct bundle_world *w, lg_str body, const struct bundle_token *o)
{
	lg_sha256 digest = lg_sha256_of(body);
	int64_t now = w->cx->now / LG_SECOND;
	lg_str payload = lg_print(w->cx->arena, "{\"iss\":\"%s\",\"aud\":\"%s\",\"iat\":%lld,\"exp\":%lld,\"epoch\":%u,\"version\":%lu,\"sha256\":\"%.*s\"}",
	    o->issuer != NULL ? o->issuer : ISSUER, o->audience != NULL ? o->audience : HOST, (long long)(now + o->from),
	    (long long)(now + (o->until == 0 ? 3600 : o->until)), o->epoch == 0 ? 1 : o->epoch, o->version == 0 ? 10 : o->version,
	    LG_FMT(lg_base64url(w->cx->arena, lg_sha256_str(&digest))));

	return lg_str_of(token_make(w->cx, o->by != NULL ? o->by : &w->signer, o->typ != NULL ? o->typ : "lg-bundle+jwt",
	    o->kid != NULL ? o->kid : "b1", payload.p));
}

/* The token by which `by` names the heir, as the next key of bundles or of heads. */
static inline lg_str
named_heir(const struct bundle_world *w, const struct token_maker *by, const char *kid, const char *typ)
{
	lg_str keys = lg_str_of(w->heir.jwks);		/* {"keys":[JWK]} */

	return lg_str_of(token_make(w->cx, by, typ, kid,
	    lg_print(w->cx->arena, "{\"jwk\":%.*s}", LG_FMT(lg_str_sub(keys, 9, keys.n - 11))).p));
}

static inline lg_str
bundle_heir(const struct bundle_world *w, const struct token_maker *by, const char *kid)
{
	return named_heir(w, by, kid, "lg-bundle-key+jwt");
}

/* A head as the keeper signs it; `by` has the kid "b2" when it is the heir. */
static inline lg_str
bundle_head(const struct bundle_world *w, const struct token_maker *by, unsigned chain, unsigned epoch, unsigned long seq, char hash)
{
	char hex[65] = "";
	lg_str sig, text;

	memset(hex, hash, 64);
	text = lg_print(w->cx->arena, "{\"chain\":%u,\"epoch\":%u,\"seq\":%lu,\"hash\":\"%s\",\"time\":\"2026-11-23T05:00:00Z\",\"kid\":\"%s\"",
	    chain, epoch, seq, hex, by == &w->heir ? "b2" : "b1");
	cr_assert_eq(lg_key_sign_jose(w->cx, by->key, LG_ALG_ES256, text, &sig), LG_OK);
	return lg_print(w->cx->arena, "%.*s,\"sig\":\"%.*s\"}", LG_FMT(text), LG_FMT(lg_base64url(w->cx->arena, sig)));
}

#endif
