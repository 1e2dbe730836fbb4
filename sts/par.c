/*
 * par.c: POST /oauth2/par (RFC 9126): an authorization request that the client hands over itself, so that neither the browser nor
 * its person can change it.  What comes back names it for a minute, and until its sign-in is complete.
 */
#include "sts/sts.h"

#include "base/text.h"

#define PREFIX		"urn:ietf:params:oauth:request_uri:"
#define PUSHED_LIFE	60			/* seconds until the browser must have come with it */
#define PUSHED_SIGN_IN	(15 * LG_MINUTE)	/* how long the sign-in may then take */
#define PUSHED_MAX	(8u << 10)		/* octets of a request */
#define PUSHED_ROWS	20000			/* at a time */

struct pushed {
	lg_str key, client, text;
	int64_t expires;
	lg_str uri;
	bool within;			/* its pusher's share */
};

static lg_err
put(struct lg_ctx *cx, struct lg_view *v, const struct pushed *p)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(PUSHED_MAX + 1024);

	sts_row_begin(&b, &sts_pushed, p->expires + PUSHED_SIGN_IN);
	lg_buf_str32(&b, p->client);
	lg_buf_str32(&b, p->text);
	lg_buf_u64(&b, (uint64_t)p->expires);
	LG_TRY(lg_buf_status(cx, &b));
	return lg_put(cx, v, &sts_pushed, p->key, lg_buf_view(&b));
}

static lg_str
key_of(struct sts_rq *rq, lg_str token)
{
	lg_sha256 h = lg_sha256_of(token);

	return sts_key(rq->cx->arena, rq->tenant_id, lg_sha256_str(&h));
}

/* ---- the browser comes with it ------------------------------------------------------------------------------- */

bool
sts_pushed_is(lg_str uri)
{
	return lg_str_starts(uri, LG_STR(PREFIX));
}

lg_err
sts_pushed_open(struct sts_rq *rq, lg_str *key)
{
	lg_str uri = lg_form_get(&rq->form, "request_uri"), client = lg_form_get(&rq->form, "client_id"), row;
	struct pushed p;
	struct lg_rd rd;

	*key = key_of(rq, lg_str_sub(uri, sizeof PREFIX - 1, uri.n));
	if (lg_get(rq->cx, rq->view, &sts_pushed, *key, &row) != LG_OK)
		return sts_refuse(rq, STS_INVALID_REQUEST, "The request has expired or was used. Start again at the application.");
	rd = sts_row_open(lg_dup(rq->cx->arena, row), &sts_pushed);
	p.client = lg_rd_str32(&rd);
	p.text = lg_rd_str32(&rd);
	p.expires = (int64_t)lg_rd_u64(&rd);
	if (!lg_rd_done(&rd))
		return lg_fail(rq->cx, LG_E_CORRUPT, "sts_pushed: a row does not decode");
	if (!lg_str_eq(p.client, client))
		return sts_refuse(rq, STS_INVALID_REQUEST, "The request was made by another application.");
	if (rq->cx->now >= p.expires + (rq->resumed ? PUSHED_SIGN_IN : 0))
		return sts_refuse(rq, STS_INVALID_REQUEST, "The request has expired. Start again at the application.");
	return sts_form_read(rq, p.text);
}

/* ---- the endpoint ----------------------------------------------------------------------------------------------- */

/* The request without the client's credentials; the key that it proved stands in it. */
static lg_err
request_text(struct sts_rq *rq, lg_str *ret)
{
	static const lg_str left_out[] = {
		LG_STR("client_id"), LG_STR("client_secret"), LG_STR("client_assertion"), LG_STR("client_assertion_type"), LG_STR("dpop_jkt"),
	};
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(PUSHED_MAX);
	lg_str jkt = lg_form_get(&rq->form, "dpop_jkt");

	if (jkt.n > 0 && rq->jkt.n > 0 && !lg_str_eq(jkt, rq->jkt))
		return sts_refuse(rq, STS_INVALID_DPOP_PROOF, "dpop_jkt is not the key that was proved");
	lg_form_put(&b, LG_STR("client_id"), rq->client.id);
	if (jkt.n > 0 || rq->jkt.n > 0)
		lg_form_put(&b, LG_STR("dpop_jkt"), jkt.n > 0 ? jkt : rq->jkt);
	for (size_t i = 0; i < rq->form.n; i++) {
		size_t j = 0;

		while (j < LG_COUNT(left_out) && !lg_str_eq(rq->form.v[i].name, left_out[j]))
			j++;
		if (j == LG_COUNT(left_out))
			lg_form_put(&b, rq->form.v[i].name, rq->form.v[i].value);
	}
	for (size_t i = 0; i < rq->nresources; i++)
		lg_form_put(&b, LG_STR("resource"), rq->resource[i]);
	if (lg_buf_status(rq->cx, &b) != LG_OK)
		return sts_refuse(rq, STS_INVALID_REQUEST, "the request is longer than %u octets", PUSHED_MAX);
	*ret = lg_dup(rq->cx->arena, lg_buf_view(&b));
	return LG_OK;
}

static lg_err
push_run(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	struct sts_rq *rq = arg;
	struct pushed *p = rq->grant;
	uint64_t n;

	LG_TRY(lg_table_count(cx, v, &sts_pushed, &n));
	if (!sts_share_fits(n, PUSHED_ROWS, p->within))
		return lg_fail(cx, LG_E_BUSY, "too many requests are pushed at a time");
	return put(cx, v, p);
}

static lg_err
push_finish(struct sts_rq *rq, void *arg)
{
	struct lg_jsonw w = lg_jsonw_of(&rq->ex->out);
	struct pushed *p = rq->grant;

	(void)arg;
	lg_jsonw_object(&w);
	lg_jsonw_str_of(&w, "request_uri", p->uri);
	lg_jsonw_int_of(&w, "expires_in", PUSHED_LIFE);
	lg_jsonw_object_end(&w);
	rq->ex->status = 201;
	sts_json(rq->ex);
	sts_no_store(rq->ex);
	sts_give_nonce(rq);
	return LG_OK;
}

static lg_err
run(struct sts_rq *rq)
{
	struct pushed *p = LG_NEW(rq->cx->arena, struct pushed);
	lg_str token = lg_token_new(rq->cx->arena);
	struct sts_authorize az;
	bool redirectable;

	LG_TRY(sts_rq_form(rq));
	LG_TRY(sts_client_authenticate(rq));
	if (lg_form_has(&rq->form, "request_uri"))
		return sts_refuse(rq, STS_INVALID_REQUEST, "request_uri has no place in a pushed request");
	/* RFC 9126 3: what is stored is what the object says, judged now. */
	if (lg_form_has(&rq->form, "request"))
		LG_TRY(sts_request_object(rq, &rq->client));
	/* The proof comes last: one that was used is used, and fetching the client's keys begins the request anew. */
	LG_TRY(sts_dpop_of(rq));
	LG_TRY(request_text(rq, &p->text));
	rq->pushing = true;
	LG_TRY(sts_authorize_parse(rq, p->text, &az, &redirectable));
	p->key = key_of(rq, token);
	p->client = az.client.id;
	p->expires = rq->cx->now + PUSHED_LIFE * LG_SECOND;
	p->uri = lg_cat(rq->cx->arena, LG_STR(PREFIX), token);
	p->within = sts_share_of(rq);
	rq->grant = p;
	return sts_submit(rq, "token.push", push_run, push_finish, rq);
}

lg_err
sts_http_par(void *self, struct lg_http *ex)
{
	return sts_rq_run(self, ex, run);
}
