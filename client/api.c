/* api.c: problem documents (RFC 9457) and OAuth errors (RFC 6749 5.2) as errors of ours. */
#include "client/api.h"

#include "base/json.h"
#include "base/text.h"

static const struct {
	int status;
	lg_err e;
	const char *text;
} statuses[] = {
	{ 400, LG_E_INVALID, "the request is malformed" },
	{ 401, LG_E_UNAUTHENTICATED, "not signed in" },
	{ 403, LG_E_DENIED, "not allowed" },
	{ 404, LG_E_NOT_FOUND, "there is no such thing" },
	{ 409, LG_E_CONFLICT, "the present state does not allow it" },
	{ 413, LG_E_LIMIT, "the request is too large" },
	{ 422, LG_E_INVALID, "the request is not acceptable" },
	{ 429, LG_E_BUSY, "too many requests: wait a little" },
	{ 503, LG_E_BUSY, "the service is busy or not ready: try again" },
};

static lg_err
by_status(int status, const char **text)
{
	for (size_t i = 0; i < LG_COUNT(statuses); i++)
		if (statuses[i].status == status) {
			*text = statuses[i].text;
			return statuses[i].e;
		}
	*text = "the service answers with an error";
	return status >= 500 ? LG_E_UNAVAILABLE : LG_E_INVALID;
}

static lg_err
by_code(lg_str code, lg_err otherwise)
{
	for (int e = LG_E_INVALID; e <= LG_E_INTERNAL; e++)
		if (lg_str_eq(code, lg_str_of(lg_err_name((lg_err)e))))
			return (lg_err)e;
	return otherwise;
}

lg_str
lg_api_raw(struct lg_ctx *cx, lg_str json, const char *name)
{
	lg_str found = LG_NONE, member;
	char kept[LG_ERROR_TEXT];
	struct lg_json js;

	lg_json_init(&js, cx->arena, json);
	if (lg_json_peek(&js) != LG_JSON_OBJECT)
		return LG_NONE;
	lg_json_object(&js);
	while (lg_json_member(&js, &member)) {
		lg_str value = lg_json_raw(&js);
		if (lg_str_eq(member, lg_str_of(name)))
			found = value;
	}
	memcpy(kept, cx->error, sizeof kept);		/* a malformed text has no member; nobody failed */
	if (lg_json_end(cx, &js) != LG_OK)
		found = LG_NONE;
	memcpy(cx->error, kept, sizeof kept);
	return found;
}

lg_str
lg_api_member(struct lg_ctx *cx, lg_str json, const char *name)
{
	lg_str value = lg_api_raw(cx, json, name);
	struct lg_json js;

	lg_json_init(&js, cx->arena, value);
	return lg_json_peek(&js) == LG_JSON_STRING ? lg_json_str(&js) : value;
}

bool
lg_api_is_true(struct lg_ctx *cx, lg_str json, const char *name)
{
	return lg_str_eq(lg_api_raw(cx, json, name), LG_STR("true"));
}

lg_err
lg_api_check(struct lg_ctx *cx, const struct lg_reply *answer)
{
	const char *text;
	lg_str detail;
	lg_err e;

	if (answer->status < 400)
		return LG_OK;
	e = by_code(lg_api_member(cx, answer->body, "code"), by_status(answer->status, &text));
	detail = lg_api_member(cx, answer->body, "detail");
	if (detail.n == 0)
		detail = lg_api_member(cx, answer->body, "error_description");
	if (detail.n == 0)
		detail = lg_api_member(cx, answer->body, "title");
	if (detail.n == 0)
		detail = lg_print(cx->arena, "%s (HTTP %d)", text, answer->status);
	return lg_fail(cx, e, "%.*s", LG_FMT(detail));
}

lg_err
lg_api_call(struct lg_ctx *cx, struct lg_link *link, const struct lg_call *call, struct lg_reply *ret)
{
	LG_TRY(lg_link_call(cx, link, call, ret));
	return lg_api_check(cx, ret);
}

lg_str
lg_api_path(struct lg_ctx *cx, const lg_str *pieces, size_t n)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(8u << 10);

	for (size_t i = 0; i < n; i++) {
		lg_buf_byte(&b, '/');
		lg_buf_percent(&b, pieces[i]);
	}
	return lg_dup(cx->arena, lg_buf_view(&b));
}
