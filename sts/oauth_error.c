/* oauth_error.c: OAuth's error names, and the one place where lg_err becomes one of them and an HTTP status. */
#include <stdio.h>

#include "sts/sts.h"

static const struct {
	const char *name;
	int status;
} errors[] = {
	[STS_NO_ERROR] = { "server_error", 500 },
	[STS_INVALID_REQUEST] = { "invalid_request", 400 },
	[STS_INVALID_CLIENT] = { "invalid_client", 401 },
	[STS_INVALID_GRANT] = { "invalid_grant", 400 },
	[STS_UNAUTHORIZED_CLIENT] = { "unauthorized_client", 400 },
	[STS_UNSUPPORTED_GRANT_TYPE] = { "unsupported_grant_type", 400 },
	[STS_INVALID_SCOPE] = { "invalid_scope", 400 },
	[STS_INVALID_TARGET] = { "invalid_target", 400 },
	[STS_ACCESS_DENIED] = { "access_denied", 403 },
	[STS_UNSUPPORTED_RESPONSE_TYPE] = { "unsupported_response_type", 400 },
	[STS_LOGIN_REQUIRED] = { "login_required", 400 },
	[STS_CONSENT_REQUIRED] = { "consent_required", 400 },
	[STS_UNMET_AUTHENTICATION] = { "unmet_authentication_requirements", 400 },	/* OpenID Connect's error of that name, 1.0 */
	[STS_INVALID_REQUEST_OBJECT] = { "invalid_request_object", 400 },
	[STS_INVALID_REQUEST_URI] = { "invalid_request_uri", 400 },
	[STS_INVALID_REDIRECT_URI] = { "invalid_redirect_uri", 400 },
	[STS_INVALID_CLIENT_METADATA] = { "invalid_client_metadata", 400 },
	[STS_UNAPPROVED_SOFTWARE_STATEMENT] = { "unapproved_software_statement", 400 },
	[STS_REGISTRATION_NOT_SUPPORTED] = { "registration_not_supported", 400 },
	[STS_UNSUPPORTED_TOKEN_TYPE] = { "unsupported_token_type", 400 },
	[STS_INVALID_TOKEN] = { "invalid_token", 401 },
	[STS_INSUFFICIENT_SCOPE] = { "insufficient_scope", 403 },
	[STS_INVALID_DPOP_PROOF] = { "invalid_dpop_proof", 400 },
	[STS_AUTHORIZATION_PENDING] = { "authorization_pending", 400 },
	[STS_SLOW_DOWN] = { "slow_down", 400 },
	[STS_EXPIRED_TOKEN] = { "expired_token", 400 },
	[STS_USE_DPOP_NONCE] = { "use_dpop_nonce", 400 },
	[STS_UNAVAILABLE] = { "temporarily_unavailable", 503 },
	[STS_SERVER_ERROR] = { "server_error", 500 },
};

lg_err
sts_refuse(struct sts_rq *rq, enum sts_error e, const char *fmt, ...)
{
	char text[LG_ERROR_TEXT];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	rq->error = e;
	return lg_fail(rq->cx, LG_E_INVALID, "%s", text);
}

enum sts_error
sts_error_of(const struct sts_rq *rq, lg_err e)
{
	if (rq->error != STS_NO_ERROR)
		return rq->error;
	switch (e) {
	case LG_E_INVALID:
	case LG_E_LIMIT:
		return STS_INVALID_REQUEST;
	case LG_E_UNAUTHENTICATED:
	case LG_E_EXPIRED:
		return STS_INVALID_TOKEN;
	case LG_E_DENIED:
		return STS_ACCESS_DENIED;
	case LG_E_BUSY:
	case LG_E_RETRY:
	case LG_E_UNAVAILABLE:
		return STS_UNAVAILABLE;
	default:
		return STS_SERVER_ERROR;
	}
}

const char *
sts_error_name(enum sts_error e)
{
	return errors[e].name;
}

int
sts_error_status(enum sts_error e)
{
	return errors[e].status;
}

/* RFC 6749 5.2: %x20-21 / %x23-5B / %x5D-7E. */
lg_str
sts_error_text(const struct sts_rq *rq, enum sts_error e)
{
	lg_str text = lg_dup(rq->cx->arena, lg_str_of(rq->cx->error));
	char *p = (char *)(uintptr_t)text.p;

	if (e == STS_SERVER_ERROR || e == STS_NO_ERROR)
		return LG_NONE;
	for (size_t i = 0; i < text.n; i++) {
		if (p[i] == '"' || p[i] == '\\')
			p[i] = '\'';
		else if (p[i] < 0x20 || p[i] > 0x7e)
			p[i] = '?';
	}
	return text;
}

void
sts_no_store(struct lg_http *ex)
{
	lg_http_header(ex, "Cache-Control", LG_STR("no-store"));
	lg_http_header(ex, "Pragma", LG_STR("no-cache"));
}

void
sts_json(struct lg_http *ex)
{
	lg_http_type(ex, "application/json");
}

static void
write_error(struct sts_rq *rq, enum sts_error e, lg_str text, int status)
{
	struct lg_jsonw w = lg_jsonw_of(&rq->ex->out);

	lg_buf_clear(&rq->ex->out);
	lg_jsonw_object(&w);
	lg_jsonw_str_of(&w, "error", lg_str_of(errors[e].name));
	if (text.n > 0)
		lg_jsonw_str_of(&w, "error_description", text);
	lg_jsonw_object_end(&w);
	rq->ex->status = status;
	sts_json(rq->ex);
	sts_no_store(rq->ex);
}

/* RFC 9449 8.2: who proves a key learns the nonce of its next proof. */
void
sts_give_nonce(struct sts_rq *rq)
{
	lg_str nonce;

	if (rq->ex->header(rq->ex, "DPoP").n > 0 && sts_dpop_nonce(rq->cx, rq->sts, rq->tenant_id, &nonce) == LG_OK)
		lg_http_header(rq->ex, "DPoP-Nonce", nonce);
}

lg_err
sts_answer_error(struct sts_rq *rq, lg_err e)
{
	enum sts_error error = sts_error_of(rq, e);
	lg_str text = sts_error_text(rq, error);

	sts_token_refused(rq, error, text);
	/* RFC 6749 5.2, RFC 8628 3.5: here a refusal is an error like the others; 403 is a protected resource's. */
	write_error(rq, error, text, error == STS_ACCESS_DENIED ? 400 : errors[error].status);
	sts_give_nonce(rq);
	/* RFC 6749 5.2: 401 goes with the scheme that a client may use. */
	if (error == STS_INVALID_CLIENT)
		lg_http_header(rq->ex, "WWW-Authenticate", LG_STR("Basic realm=\"lightgate\", charset=\"UTF-8\""));
	else if (error == STS_UNAVAILABLE)
		lg_http_header(rq->ex, "Retry-After", LG_STR("1"));
	return LG_OK;
}

/* RFC 6750 3, RFC 9449 7.1: by the scheme that was tried. */
static void
challenge(struct sts_rq *rq, enum sts_error error)
{
	lg_str text = sts_error_text(rq, error), token;
	bool dpop = false;

	(void)sts_read_scheme(rq->ex->header(rq->ex, "Authorization"), &token, &dpop);
	dpop |= rq->ex->header(rq->ex, "DPoP").n > 0;
	lg_http_header(rq->ex, "WWW-Authenticate",
	    lg_print(rq->cx->arena, "%s realm=\"lightgate\", error=\"%s\", error_description=\"%.*s\"%s", dpop ? "DPoP" : "Bearer",
	    errors[error].name, LG_FMT(text), dpop ? ", algs=\"" STS_DPOP_ALGS "\"" : ""));
}

void
sts_challenge(struct sts_rq *rq, lg_err e)
{
	enum sts_error error = sts_error_of(rq, e);

	if (error == STS_SERVER_ERROR || error == STS_UNAVAILABLE)
		return;
	sts_give_nonce(rq);
	challenge(rq, error);
}

lg_err
sts_answer_bearer_error(struct sts_rq *rq, lg_err e)
{
	static const enum sts_error of_tokens[] = {
		STS_INVALID_REQUEST, STS_INVALID_TOKEN, STS_INSUFFICIENT_SCOPE, STS_INVALID_DPOP_PROOF, STS_USE_DPOP_NONCE,
	};
	enum sts_error error = sts_error_of(rq, e);

	write_error(rq, error, sts_error_text(rq, error), error == STS_INVALID_DPOP_PROOF || error == STS_USE_DPOP_NONCE ? 401 : errors[error].status);
	sts_give_nonce(rq);
	for (size_t i = 0; i < LG_COUNT(of_tokens); i++)
		if (error == of_tokens[i])
			challenge(rq, error);
	return LG_OK;
}
