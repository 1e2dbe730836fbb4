/* token.c: POST /oauth2/token (RFC 6749 3.2): who asks, for which grant; the rest is the grant's. */
#include "sts/sts.h"

static const struct {
	lg_str name;
	enum lg_client_grant bit;
	lg_err (*run)(struct sts_rq *rq);
} grants[] = {
	{ { "client_credentials", 18 }, LG_GRANT_CLIENT, sts_grant_client_credentials },
	{ { "authorization_code", 18 }, LG_GRANT_CODE, sts_grant_code },
	{ { "refresh_token", 13 }, LG_GRANT_REFRESH, sts_grant_refresh },
	{ LG_STR("password"), LG_GRANT_PASSWORD, sts_grant_password },
	{ LG_STR("urn:ietf:params:oauth:grant-type:device_code"), LG_GRANT_DEVICE, sts_grant_device },
	{ LG_STR("urn:ietf:params:oauth:grant-type:token-exchange"), LG_GRANT_EXCHANGE, sts_grant_exchange },
	/* The assertion was the client's proof: what follows is the same. */
	{ LG_STR("urn:ietf:params:oauth:grant-type:jwt-bearer"), LG_GRANT_BEARER, sts_grant_client_credentials },
};

static lg_err
run(struct sts_rq *rq)
{
	lg_str type;

	LG_TRY(sts_rq_form(rq));
	LG_TRY(sts_client_authenticate(rq));
	rq->asks_token = true;
	sts_act_as(rq->cx, rq->tenant_id, rq->client.entry, rq->client.type, rq->client.id);
	LG_TRY(sts_dpop_of(rq));
	/* RFC 9449 5.2: of tokens; a pushed request may come without a proof. */
	if (rq->client.dpop && rq->jkt.n == 0)
		return sts_refuse(rq, STS_INVALID_DPOP_PROOF, "this client has to prove its key");
	LG_TRY(sts_fapi2_token(rq));
	type = lg_form_get(&rq->form, "grant_type");
	if (type.n == 0)
		return sts_refuse(rq, STS_INVALID_REQUEST, "grant_type is missing");
	for (size_t i = 0; i < LG_COUNT(grants); i++) {
		if (!lg_str_eq(type, grants[i].name))
			continue;
		if ((rq->client.grants & grants[i].bit) == 0)
			return sts_refuse(rq, STS_UNAUTHORIZED_CLIENT, "this client may not use this grant");
		rq->grant_run = grants[i].run;
		return grants[i].run(rq);
	}
	return sts_refuse(rq, STS_UNSUPPORTED_GRANT_TYPE, "grant_type is not supported");
}

lg_err
sts_http_token(void *self, struct lg_http *ex)
{
	return sts_rq_run(self, ex, run);
}
