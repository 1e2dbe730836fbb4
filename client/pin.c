/* pin.c: see pin.h. */
#include "client/pin.h"

#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "client/api.h"

#define PIN_MAX (256u << 10)

static const char *
path_of(struct lg_ctx *cx, const char *state)
{
	return lg_print(cx->arena, "%s/pin.json", state).p;
}

static lg_err
read_pin(struct lg_ctx *cx, lg_str json, struct lg_pin *ret)
{
	LG_AUTO(lg_keyset_unref) struct lg_keyset *keys = NULL;
	struct lg_pin pin = {
		.bundle = { .keys = lg_api_raw(cx, json, "bundle_keys"), .issuer = lg_api_member(cx, json, "issuer"),
		    .host = lg_api_member(cx, json, "host") },
		.stream = lg_api_member(cx, json, "stream"), .audit = lg_api_raw(cx, json, "audit_keys"),
	};

	if (pin.bundle.keys.n == 0 || pin.bundle.issuer.n == 0 || pin.bundle.host.n == 0 || pin.stream.n == 0)
		return lg_fail(cx, LG_E_INVALID, "bundle keys, issuer, host or the address of the stream are missing");
	LG_TRY(lg_keyset_from_jwks(cx, pin.bundle.keys, &keys));
	*ret = pin;
	return LG_OK;
}

static lg_err
load(struct lg_ctx *cx, const char *state, struct lg_pin *ret)
{
	const char *path = path_of(cx, state);
	lg_str text;

	if (access(path, F_OK) != 0)
		return lg_fail(cx, LG_E_NOT_FOUND, "%s is not there", path);
	LG_TRY(lg_file_read(cx, path, PIN_MAX, &text));
	lg_err e = read_pin(cx, text, ret);
	return e == LG_OK ? LG_OK : lg_fail_in(cx, LG_E_CORRUPT, path);
}

static lg_err
save(struct lg_ctx *cx, const char *state, const struct lg_pin *pin)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(PIN_MAX);
	struct lg_jsonw w = lg_jsonw_of(&b);

	lg_jsonw_object(&w);
	lg_jsonw_str_of(&w, "issuer", pin->bundle.issuer);
	lg_jsonw_str_of(&w, "host", pin->bundle.host);
	lg_jsonw_str_of(&w, "stream", pin->stream);
	lg_jsonw_name(&w, LG_STR("bundle_keys"));
	lg_jsonw_raw(&w, pin->bundle.keys);
	if (pin->audit.n > 0) {
		lg_jsonw_name(&w, LG_STR("audit_keys"));
		lg_jsonw_raw(&w, pin->audit);
	}
	lg_jsonw_object_end(&w);
	LG_TRY(lg_buf_status(cx, &b));
	return lg_file_write(cx, path_of(cx, state), 0600, lg_buf_view(&b));
}

lg_err
lg_pin_keys(struct lg_ctx *cx, const char *state, enum lg_pinned which, lg_str keys)
{
	struct lg_pin pin;

	LG_TRY(load(cx, state, &pin));
	*(which == LG_PINNED_AUDIT ? &pin.audit : &pin.bundle.keys) = keys;
	return save(cx, state, &pin);
}

lg_err
lg_pin_get(struct lg_ctx *cx, const char *state, const struct lg_endpoint *at, struct lg_pin *ret)
{
	struct lg_call call = { .method = "GET", .path = LG_STR("/v1/agent/keys") };
	LG_AUTO(lg_link_free) struct lg_link *link = NULL;
	struct lg_reply answer;
	lg_err e = load(cx, state, ret);

	if (e != LG_E_NOT_FOUND)
		return e;
	LG_TRY(lg_link_new(cx, at, &link));
	LG_TRY(lg_api_call(cx, link, &call, &answer));
	e = read_pin(cx, answer.body, ret);
	return e == LG_OK ? save(cx, state, ret) : lg_fail_in(cx, e, "the service's answer");
}
