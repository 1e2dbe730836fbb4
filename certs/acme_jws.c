/* acme_jws.c: who asks: flattened JSON, signature, nonce, url, and the account of the key (RFC 8555 6.2 to 6.5). */
#include "base/text.h"
#include "certs/acme.h"
#include "certs/acme_keys.h"

lg_err
lg_acme_compact(struct lg_ctx *cx, lg_str json, lg_str *token)
{
	lg_str part[3] = { LG_NONE, LG_NONE, LG_NONE }, name;
	static const char *const names[3] = { "protected", "payload", "signature" };
	struct lg_json js;

	lg_json_init(&js, cx->arena, json);
	lg_json_object(&js);
	while (lg_json_member(&js, &name)) {
		size_t i = 0;

		while (i < 3 && !lg_str_eq(name, lg_str_of(names[i])))
			i++;
		if (i == 3)
			lg_json_unknown(&js, name);	/* an unprotected header among them */
		else
			part[i] = lg_json_str(&js);
	}
	LG_TRY(lg_json_end(cx, &js));
	if (part[0].n + part[1].n + part[2].n > LG_TOKEN_MAX)
		return lg_fail(cx, LG_E_LIMIT, "a JWS of more than %u octets", LG_TOKEN_MAX);
	*token = lg_print(cx->arena, "%.*s.%.*s.%.*s", LG_FMT(part[0]), LG_FMT(part[1]), LG_FMT(part[2]));
	return LG_OK;
}

lg_err
lg_acme_peek(struct lg_ctx *cx, lg_str token, struct lg_acme_head *ret)
{
	lg_str head, rest, json, name;
	struct lg_json js;

	lg_str_cut(token, '.', &head, &rest);
	ret->get = lg_str_starts(rest, LG_STR("."));
	if (!lg_base64url_parse(cx->arena, head, &json))
		return lg_fail(cx, LG_E_INVALID, "the protected header is not base64url");
	lg_json_init(&js, cx->arena, json);
	lg_json_object(&js);
	while (lg_json_member(&js, &name)) {
		lg_str *at = lg_str_eq(name, LG_STR("kid")) ? &ret->kid : lg_str_eq(name, LG_STR("nonce")) ? &ret->nonce :
		    lg_str_eq(name, LG_STR("url")) ? &ret->url : lg_str_eq(name, LG_STR("alg")) ? &ret->alg : NULL;

		ret->jwk = ret->jwk || lg_str_eq(name, LG_STR("jwk"));
		if (at != NULL)
			*at = lg_json_str(&js);
		else
			lg_json_skip(&js);
	}
	return lg_json_end(cx, &js);
}

/* ---- accounts ------------------------------------------------------------------------------------------ */

/* From here on the entry that the account is bound to acts. */
static void
act_as(struct lg_acme *q, const struct lg_cert_subject *entry)
{
	struct lg_actor *a = LG_NEW(q->cx->arena, struct lg_actor);

	*a = (struct lg_actor){ .kind = LG_ACTOR_ENTRY, .tenant = q->ex->tenant, .id = entry->id, .type = entry->type, .name = entry->name,
		.address = lg_str_of(q->ex->peer->address) };
	q->cx->actor = a;
}

static lg_err
take_account(struct lg_acme *q, struct lg_view *v, const struct lg_acme_account *found)
{
	struct lg_cert_subject entry;

	if (found->status != LG_ACME_VALID)		/* RFC 8555 7.3.6 */
		return lg_acme_fail(q, 401, "unauthorized", "the account is deactivated");
	LG_TRY(lg_certs_entry(q->cx, q->c, v, q->ex->tenant, found->entry, &entry));
	q->account = *found;
	q->account.spki = lg_dup(q->cx->arena, found->spki);
	q->account.contact = lg_dup(q->cx->arena, found->contact);
	act_as(q, &entry);
	return LG_OK;
}

static lg_err
find_account(struct lg_acme *q, lg_str kid)
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;
	lg_str prefix = lg_cat(q->cx->arena, q->base, LG_STR("/account/"));
	struct lg_acme_account found;
	lg_err e = LG_E_NOT_FOUND;
	lg_uuid id;

	LG_TRY(lg_view_begin(q->cx, q->c->ports.store, &v));
	if (lg_str_starts(kid, prefix) && lg_acme_id_parse(q->cx->arena, lg_str_sub(kid, prefix.n, kid.n), &id))
		e = lg_acme_account_get(q->cx, v, q->ex->tenant, id, &found);
	if (e == LG_E_NOT_FOUND)
		return lg_acme_fail(q, 400, "accountDoesNotExist", "there is no account %.*s", LG_FMT(kid));
	LG_TRY(e);
	return take_account(q, v, &found);
}

static lg_err
verify_by_account(struct lg_acme *q, lg_str token, lg_str kid)
{
	LG_AUTO(lg_keyset_unref) struct lg_keyset *ks = NULL;
	struct lg_keyset_key k = { .kid = kid };

	LG_TRY(find_account(q, kid));
	LG_TRY(lg_acme_keys_get(q->cx, q->c->acme_keys, &q->account.thumbprint, q->account.spki, &q->key));
	k.key = q->key;
	k.alg = lg_pubkey_default_alg(q->key);
	ks = lg_keyset_new(&k, 1);
	return lg_jws_verify(q->cx, token, ks, "", &q->jws);
}

/* ---- the request ------------------------------------------------------------------------------------------ */

const enum lg_alg lg_acme_algs[] = { LG_ALG_ES256, LG_ALG_ES384, LG_ALG_EDDSA, LG_ALG_RS256 };
const size_t lg_acme_nalgs = LG_COUNT(lg_acme_algs);

static bool
alg_known(enum lg_alg alg)
{
	for (size_t i = 0; i < lg_acme_nalgs; i++)
		if (lg_acme_algs[i] == alg)
			return true;
	return false;
}

static lg_err
verify(struct lg_acme *q, enum lg_acme_who who, lg_str token, const struct lg_acme_head *h)
{
	if (!alg_known(lg_alg_parse(h->alg)))
		return lg_acme_fail(q, 400, "badSignatureAlgorithm", "alg is none of those for account keys");
	if (h->jwk == (h->kid.n > 0) || (h->jwk ? who == LG_ACME_KID : who == LG_ACME_JWK))
		return lg_acme_fail(q, 400, "malformed", "the header needs \"%s\" and not \"%s\"", who == LG_ACME_JWK ? "jwk" : "kid",
		    who == LG_ACME_JWK ? "kid" : "jwk");
	return h->jwk ? lg_jws_verify_embedded(q->cx, token, "", &q->jws, &q->key) : verify_by_account(q, token, h->kid);
}

static void
act_unknown(struct lg_acme *q)
{
	struct lg_actor *a = LG_NEW(q->cx->arena, struct lg_actor);

	*a = lg_anonymous;
	a->tenant = q->ex->tenant;
	a->address = lg_str_of(q->ex->peer->address);
	q->cx->actor = a;
}

static lg_str
own_url(struct lg_acme *q)
{
	const struct lg_http *ex = q->ex;

	return lg_print(q->cx->arena, "%.*s%.*s%s%.*s", LG_FMT(q->ca->au.issuer), LG_FMT(ex->path), ex->query.n > 0 ? "?" : "",
	    LG_FMT(ex->query));
}

lg_err
lg_acme_read(struct lg_acme *q, enum lg_acme_who who)
{
	lg_str type = q->ex->header(q->ex, "Content-Type"), token;
	struct lg_acme_head h = { .jwk = false };

	act_unknown(q);
	if (!lg_str_eq_fold(type, LG_STR("application/jose+json")))
		return lg_acme_fail(q, 415, "malformed", "Content-Type is application/jose+json");
	LG_TRY(lg_acme_compact(q->cx, q->ex->body, &token));
	LG_TRY(lg_acme_peek(q->cx, token, &h));
	LG_TRY(verify(q, who, token, &h));
	/* RFC 8555 6.4: what was signed for another resource counts for no other. */
	if (!lg_str_eq(q->jws.url, own_url(q)))
		return lg_acme_fail(q, 403, "unauthorized", "\"url\" is not this resource's");
	if (!lg_acme_nonce_use(q->c->nonces, q->cx->arena, q->jws.nonce))
		return lg_acme_fail(q, 400, "badNonce", "the nonce is unknown, used or old");
	q->get = q->jws.payload.n == 0;
	return LG_OK;
}
