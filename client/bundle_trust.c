/* bundle_trust.c: whom a bundle vouches for: authorities, keys, and what is revoked. */
#include "client/bundle_reading.h"

#include "base/text.h"

/* ---- trust -------------------------------------------------------------------------------------------------------------------- */

static void
read_issuers(struct lg_bundle_reading *r, struct lg_json *js)
{
	struct lg_bundle_body *b = r->b;

	lg_json_array(js);
	while (lg_json_item(js)) {
		lg_str pem = lg_json_str(js), der;
		if (b->nissuers == LG_BUNDLE_ISSUERS || !lg_pem_parse(r->cx->arena, pem, LG_STR("CERTIFICATE"), &der, NULL)) {
			lg_bundle_reading_fail(r, js, LG_E_INVALID);
			return;
		}
		struct lg_cert *c = &b->issuer_cert[b->nissuers];
		if (lg_cert_parse(r->cx, der, c) != LG_OK || !c->ca ||
		    lg_pubkey_from_spki(r->cx, c->spki, &b->issuer_key[b->nissuers]) != LG_OK) {
			lg_bundle_reading_fail(r, js, LG_E_INVALID);
			return;
		}
		b->issuers[b->nissuers++] = der;
	}
}

static void
read_keys(struct lg_bundle_reading *r, struct lg_json *js, struct lg_keyset **ret)
{
	lg_str raw = lg_json_raw(js);

	if (*ret != NULL || (raw.n > 0 && lg_keyset_from_jwks(r->cx, raw, ret) != LG_OK))
		lg_bundle_reading_fail(r, js, LG_E_INVALID);
}

void
lg_bundle_read_trust(struct lg_bundle_reading *r, struct lg_json *js)
{
	lg_str name;

	lg_json_object(js);
	while (lg_json_member(js, &name)) {
		if (lg_str_eq(name, LG_STR("issuers")))
			read_issuers(r, js);
		else if (lg_str_eq(name, LG_STR("token_keys")))
			read_keys(r, js, &r->b->token_keys);
		else if (lg_str_eq(name, LG_STR("ticket_keys")))
			read_keys(r, js, &r->b->ticket_keys);
		else if (lg_str_eq(name, LG_STR("bundle_heirs")))
			lg_heirs_read(js, &r->b->heirs);
		else
			lg_json_skip(js);
	}
}

void
lg_bundle_heirs_read(struct lg_ctx *cx, lg_str text, struct lg_heirs *ret)
{
	struct lg_json js;
	lg_str name;

	lg_json_init(&js, cx->arena, text);
	if (lg_json_peek(&js) != LG_JSON_OBJECT)
		return;
	lg_json_object(&js);
	while (lg_json_member(&js, &name)) {
		if (!lg_str_eq(name, LG_STR("trust"))) {
			lg_json_skip(&js);
			continue;
		}
		lg_json_object(&js);
		while (lg_json_member(&js, &name))
			if (lg_str_eq(name, LG_STR("bundle_heirs")))
				lg_heirs_read(&js, ret);
			else
				lg_json_skip(&js);
		return;			/* what follows is not looked at before it is believed */
	}
}

/* ---- revocations ----------------------------------------------------------------------------------------------------------------- */

static void
read_tokens(struct lg_bundle_reading *r, struct lg_json *js)
{
	lg_json_array(js);
	while (lg_json_item(js)) {
		lg_str kind = LG_NONE, id = LG_NONE, name;
		int64_t *not_before = LG_NEW(r->cx->arena, int64_t);
		lg_json_object(js);
		while (lg_json_member(js, &name)) {
			if (lg_str_eq(name, LG_STR("kind")))
				kind = lg_json_str(js);
			else if (lg_str_eq(name, LG_STR("id")))
				id = lg_json_str(js);
			else if (lg_str_eq(name, LG_STR("not_before")))
				*not_before = lg_json_int(js);
			else
				lg_json_skip(js);
		}
		*lg_map_at(&r->b->tokens, lg_print(r->cx->arena, "%.*s/%.*s", LG_FMT(kind), LG_FMT(id))) = not_before;
	}
}

void
lg_bundle_read_revoked(struct lg_bundle_reading *r, struct lg_json *js)
{
	lg_str name;

	lg_json_object(js);
	while (lg_json_member(js, &name)) {
		if (lg_str_eq(name, LG_STR("certificates"))) {
			lg_json_array(js);
			while (lg_json_item(js))
				*lg_map_at(&r->b->certificates, lg_json_str(js)) = r->b;
		} else if (lg_str_eq(name, LG_STR("tokens"))) {
			read_tokens(r, js);
		} else if (lg_str_eq(name, LG_STR("whole"))) {
			r->b->all_revoked = lg_json_bool(js);
		} else {
			lg_json_skip(js);
		}
	}
}
