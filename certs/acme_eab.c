/*
 * acme_eab.c: external account binding (RFC 8555 7.3.4): a shared secret says whose certificates an account orders.
 * An administrator makes it; the first account key that uses it owns it, and the secret is gone.
 */
#include "base/text.h"
#include "certs/acme.h"
#include "certs/ask.h"

#define SECRET 32

static lg_str
associated(struct lg_arena *a, lg_uuid id)
{
	return lg_cat(a, LG_STR("acme.eab"), (lg_str){ (const char *)id.b, sizeof id.b });
}

/* ---- making one ------------------------------------------------------------------------------------------- */

struct making {
	struct lg_certs *c;
	uint32_t tenant;
	const struct lg_secret *secret;
	lg_str name;
	struct lg_acme_eab eab;
};

static lg_err
run_make(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	struct making *m = arg;
	const struct lg_signer *signer = &m->c->ports.signer;
	lg_str plain = { (const char *)m->secret->p, m->secret->n }, sealed;
	struct lg_cert_subject entry;
	const struct lg_secret *key;

	LG_TRY(lg_certs_entry(cx, m->c, v, m->tenant, m->eab.entry, &entry));
	LG_TRY(signer->data_key(signer->self, cx, m->tenant, &key));
	LG_TRY(lg_seal(cx, key, associated(cx->arena, m->eab.id), plain, &sealed));
	LG_TRY(lg_blob_put(cx, v, m->tenant, sealed, &m->eab.secret));
	lg_audit(v, entry.name, LG_NONE);
	return lg_acme_eab_put(cx, v, m->tenant, &m->eab);
}

/* Who may: admin:write on the tenant.  For whom: "entry", an entryUUID or Type/name. */
static lg_err
decide(struct lg_certs *c, struct lg_http *ex, const struct lg_certs_caller *by, lg_str text, lg_uuid *entry)
{
	LG_AUTO(lg_trust_release) struct lg_trust *t = lg_trust_hold(c);
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;
	const struct lg_cert_subjects *port = &c->ports.subjects;
	struct lg_cert_subject found;
	const struct lg_ca *ca;
	lg_str type, name;

	LG_TRY(lg_trust_tenant(ex->cx, t, ex->tenant, &ca));
	LG_TRY(lg_view_begin(ex->cx, c->ports.store, &v));
	LG_TRY(lg_certs_ask_on(ex->cx, c, v, ex->tenant, by, "admin:write",
	    (struct lg_entity_id){ .type = LG_STR("Tenant"), .id = ca->au.id }));
	if (lg_uuid_parse(text, entry))
		return LG_OK;
	if (!lg_str_cut(text, '/', &type, &name))
		return lg_fail(ex->cx, LG_E_INVALID, "\"entry\" is an entryUUID or Type/name");
	LG_TRY(port->by_name(port->self, ex->cx, v, ex->tenant, type, name, &found));
	*entry = found.id;
	return LG_OK;
}

static lg_err
read_entry(struct lg_http *ex, lg_str *entry)
{
	struct lg_json js;
	lg_str name;

	*entry = LG_NONE;
	lg_json_init(&js, ex->cx->arena, ex->body);
	lg_json_object(&js);
	while (lg_json_member(&js, &name))
		if (lg_str_eq(name, LG_STR("entry")))
			*entry = lg_json_str(&js);
		else
			lg_json_unknown(&js, name);
	LG_TRY(lg_json_end(ex->cx, &js));
	return entry->n > 0 ? LG_OK : lg_fail(ex->cx, LG_E_INVALID, "\"entry\" is missing");
}

static lg_err
answer(struct lg_http *ex, const struct making *m)
{
	struct lg_jsonw w = lg_jsonw_of(&ex->out);

	ex->status = 201;
	lg_http_type(ex, "application/json");
	lg_http_header(ex, "Cache-Control", LG_STR("no-store"));
	lg_jsonw_object(&w);
	lg_jsonw_str_of(&w, "kid", lg_acme_id(ex->cx->arena, m->eab.id));
	lg_jsonw_str_of(&w, "hmac_key", lg_base64url(ex->cx->arena, (lg_str){ (const char *)m->secret->p, m->secret->n }));
	lg_jsonw_time_of(&w, "expires", m->eab.expires);
	lg_jsonw_object_end(&w);
	return lg_buf_status(ex->cx, &ex->out);
}

lg_err
lg_route_eab(void *self, struct lg_http *ex)
{
	LG_AUTO(lg_secret_free) struct lg_secret secret = lg_secret_random(SECRET);
	struct making m = { .c = self, .tenant = ex->tenant, .secret = &secret, .eab = { .id = lg_uuid_new() } };
	struct lg_certs_caller caller;
	lg_str entry;

	LG_TRY(m.c->ports.authenticate(m.c->ports.callers, ex, "/v1", &caller));
	LG_TRY(read_entry(ex, &entry));
	LG_TRY(decide(self, ex, &caller, entry, &m.eab.entry));
	m.eab.expires = ex->cx->now + LG_ACME_EAB_LIFE;
	LG_TRY(lg_store_apply(ex->cx, m.c->ports.store, ex->tenant, "acme.eab.create", run_make, &m, NULL));
	return answer(ex, &m);
}

/* ---- using it ------------------------------------------------------------------------------------------------ */

/* The shared secret under its kid, sealed under the tenant's data key; LG_E_NOT_FOUND once it is used. */
static lg_err
eab_open(struct lg_ctx *cx, struct lg_certs *c, struct lg_view *v, uint32_t tenant, const struct lg_acme_eab *e,
    struct lg_secret *ret)
{
	const struct lg_signer *signer = &c->ports.signer;
	const struct lg_secret *key;
	lg_str sealed;

	if (lg_uuid_is_nil(e->secret))
		return lg_fail(cx, LG_E_NOT_FOUND, "the external account key was used before");
	LG_TRY(lg_blob_get(cx, v, tenant, e->secret, &sealed));
	LG_TRY(signer->data_key(signer->self, cx, tenant, &key));
	return lg_unseal(cx, key, associated(cx->arena, e->id), sealed, ret);
}

static lg_err
kid_of(struct lg_acme *q, lg_str token, lg_uuid *ret)
{
	lg_str head, rest, json, name, kid = LG_NONE;
	struct lg_json js;

	lg_str_cut(token, '.', &head, &rest);
	if (!lg_base64url_parse(q->cx->arena, head, &json))
		return lg_acme_fail(q, 400, "malformed", "the binding's header is not base64url");
	lg_json_init(&js, q->cx->arena, json);
	lg_json_object(&js);
	while (lg_json_member(&js, &name))
		if (lg_str_eq(name, LG_STR("kid")))
			kid = lg_json_str(&js);
		else
			lg_json_skip(&js);
	LG_TRY(lg_json_end(q->cx, &js));
	if (!lg_acme_id_parse(q->cx->arena, kid, ret))
		return lg_acme_fail(q, 403, "unauthorized", "no such external account key");
	return LG_OK;
}

/* The inner JWS: HS256 under the shared secret, over the account's own key, for the same url, without a nonce. */
static lg_err
verify(struct lg_acme *q, lg_str token, const struct lg_secret *secret)
{
	LG_AUTO(lg_pubkey_unref) struct lg_pubkey *inner = NULL;
	struct lg_jws jws;
	lg_sha256 mine, theirs;

	LG_TRY(lg_jws_verify_hs256(q->cx, token, secret, "", &jws));
	if (!lg_str_eq(jws.url, q->jws.url) || jws.nonce.n > 0)
		return lg_acme_fail(q, 403, "unauthorized", "the binding's \"url\" is another, or it has a nonce");
	LG_TRY(lg_pubkey_from_jwk(q->cx, jws.payload, &inner));
	mine = lg_pubkey_thumbprint(q->key);
	theirs = lg_pubkey_thumbprint(inner);
	if (memcmp(mine.b, theirs.b, sizeof mine.b) != 0)
		return lg_acme_fail(q, 403, "unauthorized", "the binding is for another account key");
	return LG_OK;
}

lg_err
lg_acme_eab_check(struct lg_acme *q, struct lg_view *v, lg_str json, struct lg_acme_eab *ret)
{
	LG_AUTO(lg_secret_free) struct lg_secret secret = { NULL, 0 };
	lg_str token;
	lg_uuid kid;
	lg_err e;

	if (json.n == 0)
		return lg_acme_fail(q, 403, "externalAccountRequired", "an account is bound to an entry by an external account key");
	LG_TRY(lg_acme_compact(q->cx, json, &token));
	LG_TRY(kid_of(q, token, &kid));
	e = lg_acme_eab_get(q->cx, v, q->ex->tenant, kid, ret);
	if (e == LG_E_NOT_FOUND || (e == LG_OK && q->cx->now > ret->expires))
		return lg_acme_fail(q, 403, "unauthorized", "no such external account key");
	LG_TRY(e);
	e = eab_open(q->cx, q->c, v, q->ex->tenant, ret, &secret);
	if (e == LG_E_NOT_FOUND)
		return lg_acme_fail(q, 403, "unauthorized", "the external account key was used before");
	LG_TRY(e);
	return verify(q, token, &secret);
}
