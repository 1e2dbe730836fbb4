/*
 * request_uri.c: what an authorization request needs from elsewhere, fetched before anything of it is judged: the request object
 * behind a registered request_uri (RFC 9101 5.2, OpenID Connect Core 6.2), and the keys it is signed with.
 *
 * The object then stands in the request instead of its address: a sign-in that goes on for minutes goes on with the same object.
 * On a worker; no snapshot is open while the network is waited for.
 */
#include "sts/source.h"

#include "base/text.h"

static lg_err
bad_uri(struct sts_rq *rq, const char *why)
{
	return sts_refuse(rq, STS_INVALID_REQUEST_URI, "request_uri: %s", why);
}

static bool
is_registered(const struct lg_sts_client *c, lg_str uri)
{
	for (size_t i = 0; i < c->nrequest_uris; i++)
		if (lg_str_eq(c->request_uris[i], uri))
			return true;
	return false;
}

/* Core 6.2: a fragment is the digest of what is there. */
static bool
digest_fits(struct sts_rq *rq, lg_str uri, lg_str body)
{
	lg_sha256 h = lg_sha256_of(body);
	lg_str url, digest;

	return !lg_str_cut(uri, '#', &url, &digest) || lg_str_eq(digest, lg_base64url(rq->cx->arena, lg_sha256_str(&h)));
}

static lg_err
fetch(struct sts_rq *rq, lg_str uri, lg_str *object)
{
	struct lg_web_request ask = { .max = LG_TOKEN_MAX };
	struct lg_web_reply reply;
	lg_str digest;

	(void)lg_str_cut(uri, '#', &ask.url, &digest);
	lg_err e = sts_outside_ask(rq->cx, rq->sts, &ask, &reply);
	if (e == LG_E_BUSY)
		return e;
	if (e != LG_OK || reply.status != 200)
		return bad_uri(rq, "nothing could be fetched there");
	if (!digest_fits(rq, uri, reply.body))
		return bad_uri(rq, "what is there has another digest than its fragment says");
	*object = lg_str_trim(reply.body);
	return LG_OK;
}

/* The same request, with the object in the place of its address. */
static lg_err
replace(struct sts_rq *rq, const struct lg_form *form, lg_str object, lg_str *query)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(LG_HTTP_BODY_MAX);

	for (size_t i = 0; i < form->n; i++) {
		bool here = lg_str_eq(form->v[i].name, LG_STR("request_uri"));

		lg_form_put(&b, here ? LG_STR("request") : form->v[i].name, here ? object : form->v[i].value);
	}
	LG_TRY(lg_buf_status(rq->cx, &b));
	*query = lg_dup(rq->cx->arena, lg_buf_view(&b));
	return LG_OK;
}

static lg_err
find_client(struct sts_rq *rq, lg_str id, struct lg_sts_client *ret)
{
	lg_err e = lg_view_begin(rq->cx, rq->sts->store, &rq->view);

	if (e == LG_OK)
		e = sts_client_load(rq, id, ret);
	lg_view_end(&rq->view);
	lg_store_turn(rq->sts->store);
	return e;
}

lg_err
sts_request_prepare(struct sts_rq *rq, lg_str *query)
{
	struct lg_sts_client *client = LG_NEW(rq->cx->arena, struct lg_sts_client);
	struct lg_form *form = LG_NEW(rq->cx->arena, struct lg_form);
	lg_str object, uri;

	/* What is wrong with a request is said by whoever judges it. */
	if (lg_form_parse(rq->cx, *query, form) != LG_OK)
		return LG_OK;
	object = lg_form_get(form, "request");
	uri = lg_form_get(form, "request_uri");
	if ((object.n == 0) == (uri.n == 0) || sts_pushed_is(uri) || find_client(rq, lg_form_get(form, "client_id"), client) != LG_OK)
		return LG_OK;
	if (uri.n > 0 && !is_registered(client, uri))
		return LG_OK;
	if (uri.n > 0) {
		LG_TRY(fetch(rq, uri, &object));
		LG_TRY(replace(rq, form, object, query));
	}
	if (client->jwks_uri.n > 0) {
		struct sts_source place = sts_client_place(client);

		/* Failing is remembered, and said by whoever asks for the keys. */
		if (sts_foreign_fetch(rq->cx, rq->sts, &place, sts_token_kid(rq->cx->arena, object)) != LG_OK)
			rq->cx->error[0] = '\0';
	}
	return LG_OK;
}
