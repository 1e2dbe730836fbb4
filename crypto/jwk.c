/* jwk.c: keys as JSON (RFC 7517, 7518 6, 8037): read strictly, written canonically. */
#include "crypto/key.h"

#include "base/json.h"
#include "base/text.h"

/* ---- reading -------------------------------------------------------------------------------------------- */

enum member { KTY, CRV, X, Y, N, E, ALG, USE, KID, TEXTS };
static const lg_str texts[TEXTS] = {
	[KTY] = LG_STR("kty"), [CRV] = LG_STR("crv"), [X] = LG_STR("x"), [Y] = LG_STR("y"), [N] = LG_STR("n"),
	[E] = LG_STR("e"), [ALG] = LG_STR("alg"), [USE] = LG_STR("use"), [KID] = LG_STR("kid"),
};
static const lg_str privates[] = {
	LG_STR("d"), LG_STR("p"), LG_STR("q"), LG_STR("dp"), LG_STR("dq"), LG_STR("qi"), LG_STR("oth"),
};

struct raw {
	lg_str text[TEXTS];
	bool has[TEXTS];
	bool no_verify;			/* key_ops is there and does not name it (RFC 7517 4.3) */
};

static bool
is_private(lg_str name)
{
	for (size_t i = 0; i < LG_COUNT(privates); i++)
		if (lg_str_eq(name, privates[i]))
			return true;
	return false;
}

static void
read_key_ops(struct lg_json *js, struct raw *raw)
{
	raw->no_verify = true;
	lg_json_array(js);
	while (lg_json_item(js))
		if (lg_str_eq(lg_json_str(js), LG_STR("verify")))
			raw->no_verify = false;
}

static void
read_member(struct lg_json *js, lg_str name, struct raw *raw)
{
	for (size_t i = 0; i < TEXTS; i++)
		if (lg_str_eq(name, texts[i])) {
			raw->text[i] = lg_json_str(js);
			raw->has[i] = true;
			return;
		}
	if (lg_str_eq(name, LG_STR("key_ops")))
		read_key_ops(js, raw);
	else if (is_private(name))
		lg_json_fault(js, "a private member in a public key");
	else
		lg_json_skip(js);
}

/* Base64url of exactly `size` octets; 0: a positive number without leading zeros (RFC 7518 2). */
static bool
take(struct lg_ctx *cx, const struct raw *raw, enum member m, size_t size, lg_str *ret)
{
	if (!raw->has[m] || !lg_base64url_parse(cx->arena, raw->text[m], ret))
		return false;
	return size != 0 ? ret->n == size : ret->n > 0 && ret->p[0] != 0;
}

static const struct kind_row {
	lg_str kty, crv;
	enum lg_kind kind;
	enum lg_alg alg;		/* what a key says that does not say */
	size_t size;			/* octets of a coordinate */
} kinds[] = {
	{ LG_STR("EC"),  LG_STR("P-256"),   LG_KIND_P256,    LG_ALG_ES256, 32 },
	{ LG_STR("EC"),  LG_STR("P-384"),   LG_KIND_P384,    LG_ALG_ES384, 48 },
	{ LG_STR("OKP"), LG_STR("Ed25519"), LG_KIND_ED25519, LG_ALG_EDDSA, 32 },
	{ LG_STR("RSA"), { NULL, 0 },       LG_KIND_RSA,     LG_ALG_RS256, 0 },
};

static const struct kind_row *
kind_of(const struct raw *raw)
{
	for (size_t i = 0; i < LG_COUNT(kinds); i++)
		if (lg_str_eq(raw->text[KTY], kinds[i].kty)
		    && (kinds[i].crv.n == 0 || lg_str_eq(raw->text[CRV], kinds[i].crv)))
			return &kinds[i];
	return NULL;
}

static bool
take_parts(struct lg_ctx *cx, const struct raw *raw, const struct kind_row *row, struct lg_pubkey_parts *p)
{
	*p = (struct lg_pubkey_parts){ .kind = row->kind };
	if (row->kind == LG_KIND_RSA)
		return take(cx, raw, N, 0, &p->n) && take(cx, raw, E, 0, &p->e);
	return take(cx, raw, X, row->size, &p->x)
	    && (row->kind == LG_KIND_ED25519 || take(cx, raw, Y, row->size, &p->y));
}

/* "jwt-svid": SPIFFE's bundles say so (SPIFFE Trust Domain and Bundle 4.2.2). */
static bool
for_signatures(lg_str use)
{
	return lg_str_eq(use, LG_STR("sig")) || lg_str_eq(use, LG_STR("jwt-svid"));
}

static lg_err
interpret(struct lg_ctx *cx, const struct raw *raw, struct lg_jwk *ret)
{
	struct lg_jwk jwk = { .kid = raw->text[KID] };
	const struct kind_row *row = kind_of(raw);

	if (!raw->has[KTY])
		return lg_fail(cx, LG_E_INVALID, "a JWK without kty");
	if (row != NULL) {
		if (!take_parts(cx, raw, row, &jwk.parts))
			return lg_fail(cx, LG_E_INVALID, "a JWK of type %.*s lacks its numbers", LG_FMT(row->kty));
		jwk.alg = raw->has[ALG] ? lg_alg_parse(raw->text[ALG]) : row->alg;
		const struct lg_alg_row *alg = lg_alg_row(jwk.alg);
		jwk.usable = alg != NULL && alg->kind == row->kind && !raw->no_verify && (!raw->has[USE] || for_signatures(raw->text[USE]));
	}
	*ret = jwk;
	return LG_OK;
}

lg_err
lg_jwk_parse(struct lg_ctx *cx, lg_str json, struct lg_jwk *ret)
{
	struct raw raw = { .no_verify = false };
	struct lg_json js;
	lg_str name;

	lg_json_init(&js, cx->arena, json);
	lg_json_object(&js);
	while (lg_json_member(&js, &name))
		read_member(&js, name, &raw);
	LG_TRY(lg_json_end(cx, &js));
	return interpret(cx, &raw, ret);
}

/* ---- writing ----------------------------------------------------------------------------------------------- */

static void
put(struct lg_buf *out, const char *name, lg_str bytes)
{
	lg_buf_printf(out, "\"%s\":\"", name);
	lg_buf_base64url(out, bytes);
	lg_buf_byte(out, '"');
}

/* The required members in lexicographic order, without blanks: what is hashed, and what a key set shows. */
static void
put_members(const struct lg_pubkey_parts *p, struct lg_buf *out)
{
	const struct kind_row *row = &kinds[0];

	if (p->kind == LG_KIND_RSA) {
		put(out, "e", p->e);
		lg_buf_str(out, LG_STR(",\"kty\":\"RSA\","));
		put(out, "n", p->n);
		return;
	}
	while (row->kind != p->kind)
		row++;
	lg_buf_printf(out, "\"crv\":\"%.*s\",\"kty\":\"%.*s\",", LG_FMT(row->crv), LG_FMT(row->kty));
	put(out, "x", p->x);
	if (p->kind != LG_KIND_ED25519) {
		lg_buf_byte(out, ',');
		put(out, "y", p->y);
	}
}

void
lg_pubkey_canonical_jwk(const struct lg_pubkey_parts *p, struct lg_buf *out)
{
	lg_buf_byte(out, '{');
	put_members(p, out);
	lg_buf_byte(out, '}');
}

void
lg_pubkey_jwk(const struct lg_pubkey *k, lg_str kid, enum lg_alg alg, struct lg_buf *out)
{
	struct lg_jsonw w = lg_jsonw_of(out);

	lg_buf_byte(out, '{');
	put_members(&k->parts, out);
	lg_buf_byte(out, ',');
	if (kid.n > 0)
		lg_jsonw_str_of(&w, "kid", kid);
	lg_jsonw_str_of(&w, "use", LG_STR("sig"));
	if (alg != LG_ALG_NONE)
		lg_jsonw_str_of(&w, "alg", lg_alg_name(alg));
	lg_buf_byte(out, '}');
}
