/* acme_key.c: another key for an account (RFC 8555 7.3.5): the old one signs what the new one has signed. */
#include "certs/acme.h"

struct change {
	struct lg_acme *q;
	lg_str spki;
	lg_sha256 thumbprint;
};

static lg_err
run_change(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	struct change *c = arg;
	uint32_t tenant = c->q->ex->tenant;
	struct lg_acme_account a, other;
	lg_err e = lg_acme_account_by_key(cx, v, tenant, &c->thumbprint, &other);

	if (e == LG_OK) {
		lg_http_header(c->q->ex, "Location", lg_acme_account_url(c->q, other.id));
		return lg_acme_fail(c->q, 409, "malformed", "the new key has an account");
	}
	if (e != LG_E_NOT_FOUND)
		return e;
	LG_TRY(lg_acme_account_get(cx, v, tenant, c->q->account.id, &a));
	a.spki = c->spki;
	a.thumbprint = c->thumbprint;
	return lg_acme_account_put(cx, v, tenant, &a);
}

/* The inner payload: {"account": its URL, "oldKey": its key}. */
static lg_err
check_inner(struct lg_acme *q, lg_str payload)
{
	LG_AUTO(lg_pubkey_unref) struct lg_pubkey *old = NULL;
	lg_str account = LG_NONE, key = LG_NONE, name;
	struct lg_json js;
	lg_sha256 print;

	lg_json_init(&js, q->cx->arena, payload);
	lg_json_object(&js);
	while (lg_json_member(&js, &name))
		if (lg_str_eq(name, LG_STR("account")))
			account = lg_json_str(&js);
		else if (lg_str_eq(name, LG_STR("oldKey")))
			key = lg_json_raw(&js);
		else
			lg_json_skip(&js);
	LG_TRY(lg_json_end(q->cx, &js));
	LG_TRY(lg_pubkey_from_jwk(q->cx, key, &old));
	print = lg_pubkey_thumbprint(old);
	if (!lg_str_eq(account, lg_acme_account_url(q, q->account.id)) ||
	    memcmp(print.b, q->account.thumbprint.b, sizeof print.b) != 0)
		return lg_acme_fail(q, 403, "unauthorized", "\"account\" or \"oldKey\" is another's");
	return LG_OK;
}

static lg_err
changed(struct lg_acme *q, void *arg)
{
	(void)arg;
	q->ex->status = 200;
	return LG_OK;
}

static lg_err
run_key_change(struct lg_acme *q)
{
	LG_AUTO(lg_pubkey_unref) struct lg_pubkey *fresh = NULL;
	struct change *c = LG_NEW(q->cx->arena, struct change);
	struct lg_jws inner;
	lg_str token;

	LG_TRY(lg_acme_compact(q->cx, q->jws.payload, &token));
	LG_TRY(lg_jws_verify_embedded(q->cx, token, "", &inner, &fresh));
	if (!lg_str_eq(inner.url, q->jws.url) || inner.nonce.n > 0)
		return lg_acme_fail(q, 400, "malformed", "the inner \"url\" is another, or it has a nonce");
	LG_TRY(check_inner(q, inner.payload));
	*c = (struct change){ q, lg_dup(q->cx->arena, lg_pubkey_spki(fresh)), lg_pubkey_thumbprint(fresh) };
	return lg_acme_apply(q, "acme.account.key", run_change, changed, c);
}

lg_err
lg_acme_key_change_route(void *self, struct lg_http *ex)
{
	return lg_acme_serve(self, ex, LG_ACME_KID, run_key_change);
}
