/* claims.c: the claims of a verified token (RFC 7519 4, RFC 9068 2, RFC 7800): typed once, here. */
#include "lightgate/crypto.h"

#include "base/clock.h"
#include "base/json.h"

#define SKEW		LG_MINUTE	/* clocks of two hosts may differ by this much */
#define NUMERIC_DATE_MAX INT64_C(253402300799)	/* the year 9999: what does not fit into microseconds is no date */

static int64_t
read_date(struct lg_json *js)
{
	if (lg_json_peek(js) != LG_JSON_NUMBER) {
		lg_json_fault(js, "a date must be a number");
		return 0;
	}
	/* RFC 7519 2: a NumericDate may have a fraction, which nobody needs. */
	double v = lg_json_double(js);
	if (!(v > 0) || v > (double)NUMERIC_DATE_MAX) {
		lg_json_fault(js, "a date out of range");
		return 0;
	}
	return (int64_t)v * LG_SECOND;
}

static void
add_audience(struct lg_json *js, struct lg_claims *c)
{
	lg_str aud = lg_json_str(js);

	if (c->naudience == LG_AUDIENCES)
		lg_json_fault(js, "too many audiences");
	else
		c->audience[c->naudience++] = aud;
}

static void
read_audience(struct lg_json *js, struct lg_claims *c)
{
	if (lg_json_peek(js) == LG_JSON_STRING) {
		add_audience(js, c);
		return;
	}
	lg_json_array(js);
	while (lg_json_item(js))
		add_audience(js, c);
}

static void
read_methods(struct lg_json *js, struct lg_claims *c)
{
	lg_json_array(js);
	while (lg_json_item(js)) {
		lg_str method = lg_json_str(js);

		if (c->namr == LG_CLAIM_AMR)
			lg_json_fault(js, "too many methods of authentication");
		else
			c->amr[c->namr++] = method;
	}
}

static void
read_confirmation(struct lg_json *js, struct lg_claims *c)
{
	lg_str name;

	lg_json_object(js);
	while (lg_json_member(js, &name)) {
		if (lg_str_eq(name, LG_STR("x5t#S256")))
			c->cnf_x5t = lg_json_str(js);
		else if (lg_str_eq(name, LG_STR("jkt")))
			c->cnf_jkt = lg_json_str(js);
		else
			lg_json_fault(js, "a confirmation method that is not known");
	}
}

static void
read_actor(struct lg_json *js, struct lg_claims *c)
{
	lg_str name;

	lg_json_object(js);
	while (lg_json_member(js, &name)) {
		if (lg_str_eq(name, LG_STR("sub")))
			c->act_sub = lg_json_str(js);
		else
			lg_json_skip(js);
	}
}

static void
read_claim(struct lg_json *js, lg_str name, struct lg_claims *c)
{
	const struct {
		lg_str name;
		lg_str *text;
		int64_t *date;
		void (*read)(struct lg_json *, struct lg_claims *);
	} known[] = {
		{ LG_STR("iss"), &c->issuer, NULL, NULL },
		{ LG_STR("sub"), &c->subject, NULL, NULL },
		{ LG_STR("jti"), &c->jti, NULL, NULL },
		{ LG_STR("client_id"), &c->client_id, NULL, NULL },
		{ LG_STR("scope"), &c->scope, NULL, NULL },
		{ LG_STR("sid"), &c->sid, NULL, NULL },
		{ LG_STR("acr"), &c->acr, NULL, NULL },
		{ LG_STR("amr"), NULL, NULL, read_methods },
		{ LG_STR("auth_time"), NULL, &c->auth_time, NULL },
		{ LG_STR("iat"), NULL, &c->issued, NULL },
		{ LG_STR("nbf"), NULL, &c->not_before, NULL },
		{ LG_STR("exp"), NULL, &c->expires, NULL },
		{ LG_STR("aud"), NULL, NULL, read_audience },
		{ LG_STR("cnf"), NULL, NULL, read_confirmation },
		{ LG_STR("act"), NULL, NULL, read_actor },
	};

	for (size_t i = 0; i < LG_COUNT(known); i++) {
		if (!lg_str_eq(name, known[i].name))
			continue;
		if (known[i].text != NULL)
			*known[i].text = lg_json_str(js);
		else if (known[i].date != NULL)
			*known[i].date = read_date(js);
		else
			known[i].read(js, c);
		return;
	}
	lg_json_skip(js);
}

lg_err
lg_claims_parse(struct lg_ctx *cx, lg_str payload, struct lg_claims *ret)
{
	struct lg_claims c = { .payload = payload };
	struct lg_json js;
	lg_str name;

	lg_json_init(&js, cx->arena, payload);
	lg_json_object(&js);
	while (lg_json_member(&js, &name))
		read_claim(&js, name, &c);
	if (lg_json_end(cx, &js) != LG_OK)
		return lg_fail_in(cx, LG_E_UNAUTHENTICATED, "claims");
	*ret = c;
	return LG_OK;
}

bool
lg_claims_for(const struct lg_claims *c, lg_str audience)
{
	for (size_t i = 0; i < c->naudience; i++)
		if (lg_str_eq(c->audience[i], audience))
			return true;
	return false;
}

lg_err
lg_claims_check_time(struct lg_ctx *cx, const struct lg_claims *c)
{
	if (c->expires == 0)
		return lg_fail(cx, LG_E_UNAUTHENTICATED, "token: no exp");
	if (cx->now >= c->expires + SKEW)
		return lg_fail(cx, LG_E_EXPIRED, "token: expired");
	if (c->not_before > cx->now + SKEW || c->issued > cx->now + SKEW)
		return lg_fail(cx, LG_E_UNAUTHENTICATED, "token: not valid yet");
	return LG_OK;
}
