/*
 * authorize_request.c: an authorization request, parsed and judged (RFC 6749 4.1.1, RFC 7636 4.3, OpenID Connect Core 3.1.2.1).
 *
 * Client and redirect URI come first: until both are known to be good, an error is shown and never sent anywhere.
 */
#include "sts/sts.h"

#include "base/text.h"

static lg_err
find_client(struct sts_rq *rq, struct sts_authorize *az)
{
	lg_err e = sts_client_load(rq, lg_form_get(&rq->form, "client_id"), &az->client);

	if (e == LG_E_NOT_FOUND || (e == LG_OK && !az->client.enabled))
		return sts_refuse(rq, STS_INVALID_REQUEST, "The application is not registered here.");
	LG_TRY(e);
	rq->client = az->client;
	return LG_OK;
}

static lg_err
find_redirect(struct sts_rq *rq, struct sts_authorize *az)
{
	lg_str given = lg_form_get(&rq->form, "redirect_uri");

	for (size_t i = 0; i < az->client.nredirects; i++)
		if (sts_redirect_matches(az->client.redirects[i], given)) {
			az->redirect = given;
			return LG_OK;
		}
	return sts_refuse(rq, STS_INVALID_REQUEST, "The address to return to is not one that the application registered.");
}

/* ---- from here on errors go to the client ------------------------------------------------------------- */

static lg_err
check_kind(struct sts_rq *rq, struct sts_authorize *az)
{
	lg_str type = lg_form_get(&rq->form, "response_type"), mode = lg_form_get(&rq->form, "response_mode");

	if (lg_form_has(&rq->form, "registration"))
		return sts_refuse(rq, STS_REGISTRATION_NOT_SUPPORTED, "registration is not supported");
	/* One that was registered has become its object by now (request_uri.c). */
	if (lg_form_has(&rq->form, "request_uri"))
		return sts_refuse(rq, STS_INVALID_REQUEST_URI, "request_uri is not one that the client registered");
	if (az->client.signed_requests && !rq->signed_request && az->pushed.n == 0)
		return sts_refuse(rq, STS_INVALID_REQUEST, "this client has to sign its requests");
	if (az->client.par && az->pushed.n == 0 && !rq->pushing)
		return sts_refuse(rq, STS_INVALID_REQUEST, "this client has to push its requests");
	if (type.n == 0)
		return sts_refuse(rq, STS_INVALID_REQUEST, "response_type is missing");
	if (!lg_str_eq(type, LG_STR("code")))
		return sts_refuse(rq, STS_UNSUPPORTED_RESPONSE_TYPE, "response_type must be code");
	if (mode.n > 0 && !lg_str_eq(mode, LG_STR("query")))
		return sts_refuse(rq, STS_INVALID_REQUEST, "response_mode must be query");
	if ((az->client.grants & LG_GRANT_CODE) == 0)
		return sts_refuse(rq, STS_UNAUTHORIZED_CLIENT, "this client may not use authorization_code");
	return LG_OK;
}

/* RFC 7636 4.3; plain is refused, and so is a missing method, which means plain. */
static lg_err
read_challenge(struct sts_rq *rq, struct sts_authorize *az)
{
	lg_str challenge = lg_form_get(&rq->form, "code_challenge"), method = lg_form_get(&rq->form, "code_challenge_method");
	lg_str bytes;

	if (challenge.n == 0) {
		if (az->client.auth == LG_CLIENT_NONE || method.n > 0)
			return sts_refuse(rq, STS_INVALID_REQUEST, "code_challenge is missing");
		return LG_OK;
	}
	if (!lg_str_eq(method, LG_STR("S256")))
		return sts_refuse(rq, STS_INVALID_REQUEST, "code_challenge_method must be S256");
	if (!lg_base64url_parse(rq->cx->arena, challenge, &bytes) || bytes.n != sizeof(lg_sha256))
		return sts_refuse(rq, STS_INVALID_REQUEST, "code_challenge is not a SHA-256 in base64url");
	az->challenge = challenge;
	return LG_OK;
}

/* RFC 9449 10: the key that will redeem the code. */
static lg_err
read_key(struct sts_rq *rq, struct sts_authorize *az)
{
	lg_str jkt = lg_form_get(&rq->form, "dpop_jkt"), bytes;

	if (jkt.n > 0 && (!lg_base64url_parse(rq->cx->arena, jkt, &bytes) || bytes.n != sizeof(lg_sha256)))
		return sts_refuse(rq, STS_INVALID_REQUEST, "dpop_jkt is not a SHA-256 in base64url");
	az->jkt = jkt;
	return LG_OK;
}

static lg_err
read_scope(struct sts_rq *rq, struct sts_authorize *az)
{
	lg_str asked = lg_form_get(&rq->form, "scope");

	if (!sts_scope_valid(asked))
		return sts_refuse(rq, STS_INVALID_SCOPE, "scope is malformed");
	/* OpenID Connect Core 3.1.2.1: what is not understood is ignored; but something must be left. */
	az->scope = sts_scope_allowed(rq->cx->arena, &az->client, asked);
	if (az->scope.n == 0)
		return sts_refuse(rq, STS_INVALID_SCOPE, "the client may have none of these scopes");
	return sts_issue_ready(rq, az->scope);
}

static lg_err
read_prompt(struct sts_rq *rq, struct sts_authorize *az)
{
	lg_str prompt = lg_form_get(&rq->form, "prompt"), max_age = lg_form_get(&rq->form, "max_age");

	az->prompt_none = sts_scope_has(prompt, LG_STR("none"));
	az->prompt_login = sts_scope_has(prompt, LG_STR("login")) || sts_scope_has(prompt, LG_STR("select_account"));
	az->prompt_consent = sts_scope_has(prompt, LG_STR("consent"));
	if (az->prompt_none && !lg_str_eq(prompt, LG_STR("none")))
		return sts_refuse(rq, STS_INVALID_REQUEST, "prompt none goes with no other");
	if (!sts_scope_within(prompt, LG_STR("none login consent select_account")))
		return sts_refuse(rq, STS_INVALID_REQUEST, "prompt has a value that is not known");
	az->max_age = -1;
	if (max_age.n == 0 && az->client.max_age > 0)
		az->max_age = az->client.max_age;
	if (max_age.n > 0 && (!lg_int_parse(max_age, &az->max_age) || az->max_age < 0))
		return sts_refuse(rq, STS_INVALID_REQUEST, "max_age is not a number of seconds");
	return LG_OK;
}

static lg_err
read_hints(struct sts_rq *rq, struct sts_authorize *az)
{
	lg_str token = lg_form_get(&rq->form, "id_token_hint"), login = lg_form_get(&rq->form, "login_hint");
	struct lg_claims c;

	if (login.n <= STS_LOGIN_MAX)
		az->login_hint = login;
	if (token.n == 0)
		return LG_OK;
	if (sts_hint_verify(rq, token, &c) != LG_OK || !lg_uuid_parse(c.subject, &az->hinted))
		return sts_refuse(rq, STS_INVALID_REQUEST, "id_token_hint is not an ID token of ours");
	return LG_OK;
}

/* What is asked for comes before what the client registered; neither has to be met (Core 3.1.2.1). */
static lg_err
read_acr(struct sts_rq *rq, struct sts_authorize *az)
{
	az->acr_values = lg_form_get(&rq->form, "acr_values");
	if (az->acr_values.n > STS_SCOPE_MAX)
		return sts_refuse(rq, STS_INVALID_REQUEST, "acr_values is longer than %d octets", STS_SCOPE_MAX);
	for (size_t i = 0; !lg_form_has(&rq->form, "acr_values") && i < az->client.nacrs; i++)
		az->acr_values = lg_print(rq->cx->arena, "%.*s%s%.*s", LG_FMT(az->acr_values), i > 0 ? " " : "", LG_FMT(az->client.acrs[i]));
	return LG_OK;
}

static lg_err
read_audience(struct sts_rq *rq, struct sts_authorize *az)
{
	struct sts_issue is = { .naudience = 0 };

	LG_TRY(sts_issue_audience(rq, STS_REACH_USERINFO, &is));
	memcpy(az->audience, is.audience, sizeof az->audience);
	az->naudience = is.naudience;
	return LG_OK;
}

static lg_err
check_rest(struct sts_rq *rq, struct sts_authorize *az)
{
	az->nonce = lg_form_get(&rq->form, "nonce");
	if (az->nonce.n > STS_STATE_MAX)
		return sts_refuse(rq, STS_INVALID_REQUEST, "nonce is longer than %d octets", STS_STATE_MAX);
	LG_TRY(check_kind(rq, az));
	LG_TRY(read_scope(rq, az));
	LG_TRY(read_challenge(rq, az));
	LG_TRY(sts_fapi2_request(rq, az));
	LG_TRY(read_key(rq, az));
	LG_TRY(read_prompt(rq, az));
	LG_TRY(read_hints(rq, az));
	LG_TRY(read_acr(rq, az));
	LG_TRY(sts_claims_request(rq, lg_form_get(&rq->form, "claims"), az));
	return read_audience(rq, az);
}

/* What is wrong with an object is told where it was to go by what stands beside it, if that is registered. */
static lg_err
open_object(struct sts_rq *rq, struct sts_authorize *az, bool *redirectable)
{
	lg_str state = lg_form_get(&rq->form, "state");
	bool known = find_redirect(rq, az) == LG_OK && state.n <= STS_STATE_MAX;
	lg_err e;

	rq->error = STS_NO_ERROR;
	e = sts_request_object(rq, &az->client);
	if (e == LG_OK)
		return LG_OK;
	*redirectable = known;
	az->state = state;
	return e;
}

lg_err
sts_authorize_parse(struct sts_rq *rq, lg_str query, struct sts_authorize *ret, bool *redirectable)
{
	lg_str state, target = LG_NONE;

	*redirectable = false;
	*ret = (struct sts_authorize){ .max_age = -1 };
	/* A repeated parameter has two meanings (RFC 6749 3.1): nothing of such a request is followed. */
	lg_err e = sts_form_read(rq, query);
	if (e != LG_OK && rq->error != STS_INVALID_TARGET)
		return sts_refuse(rq, STS_INVALID_REQUEST, "The request is malformed.");
	if (e != LG_OK)
		target = lg_dup(rq->cx->arena, lg_str_of(rq->cx->error));
	rq->error = STS_NO_ERROR;
	if (sts_pushed_is(lg_form_get(&rq->form, "request_uri")))
		LG_TRY(sts_pushed_open(rq, &ret->pushed));
	LG_TRY(find_client(rq, ret));
	if (lg_form_has(&rq->form, "request"))
		LG_TRY(open_object(rq, ret, redirectable));
	LG_TRY(find_redirect(rq, ret));
	state = lg_form_get(&rq->form, "state");
	*redirectable = true;
	if (state.n > STS_STATE_MAX)
		return sts_refuse(rq, STS_INVALID_REQUEST, "state is longer than %d octets", STS_STATE_MAX);
	ret->state = state;
	if (target.n > 0)
		return sts_refuse(rq, STS_INVALID_TARGET, "%.*s", LG_FMT(target));
	return check_rest(rq, ret);
}
