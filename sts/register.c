/*
 * register.c: POST /oauth2/register (RFC 7591), and GET, PUT and DELETE of what was registered (RFC 7592), on a worker.
 *
 * Whoever registers brings an initial access token, which is an access token for <issuer>/v1, or none at all; policy says for whom
 * client:register is permitted.  What was registered is managed with the registration access token, of which the hash is kept.
 */
#include "sts/register.h"

#include "base/text.h"

#define SECTOR_MAX	(16u << 10)

struct registering {
	struct sts_rq *rq;
	struct lg_sts_subject who;	/* type empty: nobody */
	struct sts_registration rg;
	lg_str secret, token;		/* as they are shown */
	lg_sha256 secret_hash;
};

/* ---- answers ------------------------------------------------------------------------------------------------------ */

static lg_err
answer(struct registering *r, int status)
{
	struct sts_rq *rq = r->rq;
	struct lg_jsonw w = lg_jsonw_of(&rq->ex->out);
	const struct lg_sts_client *c = &r->rg.client;

	lg_jsonw_object(&w);
	lg_jsonw_str_of(&w, "client_id", c->id);
	lg_jsonw_int_of(&w, "client_id_issued_at", c->registered);
	if (r->secret.n > 0) {
		lg_jsonw_str_of(&w, "client_secret", r->secret);
		lg_jsonw_int_of(&w, "client_secret_expires_at", 0);
	}
	lg_jsonw_str_of(&w, "registration_access_token", r->token);
	lg_jsonw_str_of(&w, "registration_client_uri", lg_print(rq->cx->arena, "%.*s/oauth2/register/%.*s", LG_FMT(rq->tenant.issuer), LG_FMT(c->id)));
	sts_registration_write(&w, rq->cx->arena, c);
	lg_jsonw_object_end(&w);
	rq->ex->status = status;
	sts_json(rq->ex);
	sts_no_store(rq->ex);
	return lg_buf_status(rq->cx, &rq->ex->out);
}

/* OpenID Connect Dynamic Registration 5: the document there lists every redirect URI. */
static lg_err
check_sector(struct sts_rq *rq, const struct sts_registration *rg)
{
	const struct lg_web_request ask = { .url = rg->sector, .max = SECTOR_MAX };
	struct lg_web_reply reply;
	size_t found = 0;
	struct lg_json js;

	if (rg->sector.n == 0)
		return LG_OK;
	lg_err e = sts_https_valid(rq->cx, rg->sector);
	if (e == LG_OK)
		e = sts_outside_ask(rq->cx, rq->sts, &ask, &reply);
	if (e == LG_E_BUSY)
		return e;
	if (e != LG_OK || reply.status != 200)
		return sts_refuse(rq, STS_INVALID_CLIENT_METADATA, "sector_identifier_uri: nothing could be fetched there");
	for (size_t i = 0; i < rg->client.nredirects; i++) {
		bool listed = false;

		lg_json_init(&js, rq->cx->arena, reply.body);
		lg_json_array(&js);
		while (lg_json_item(&js))
			listed |= lg_str_eq(lg_json_str(&js), rg->client.redirects[i]);
		found += listed && lg_json_end(rq->cx, &js) == LG_OK;
	}
	if (found != rg->client.nredirects)
		return sts_refuse(rq, STS_INVALID_CLIENT_METADATA, "sector_identifier_uri: what is there does not list the redirect URIs");
	return LG_OK;
}

/* ---- a new one ------------------------------------------------------------------------------------------------------- */

static lg_err
find_bearer(struct registering *r)
{
	struct sts_rq *rq = r->rq;
	lg_str header = rq->ex->header(rq->ex, "Authorization"), token;
	struct lg_sts_bearer b;
	bool dpop;

	if (header.n == 0)
		return LG_OK;
	if (!sts_read_scheme(header, &token, &dpop))
		return sts_refuse(rq, STS_INVALID_TOKEN, "only Bearer and DPoP tokens are taken here");
	LG_TRY(sts_request_check(rq, rq->view, token, dpop, lg_cat(rq->cx->arena, rq->tenant.issuer, LG_STR("/v1")), &b));
	r->who = b.subject;
	sts_act_as(rq->cx, rq->tenant_id, b.subject.id, b.subject.type, b.subject.name);
	return LG_OK;
}

/* Policy is asked again by the mutation; but nothing is read or fetched for whom it refuses. */
static lg_err
may_register(struct registering *r)
{
	struct sts_rq *rq = r->rq;
	const struct lg_sts_ports *p = &rq->sts->ports;
	lg_err e;

	LG_TRY(lg_view_begin(rq->cx, rq->sts->store, &rq->view));
	e = find_bearer(r);
	if (e == LG_OK)
		e = p->client_may(p->self, rq->cx, rq->view, rq->tenant_id, &r->who);
	if (e == LG_E_DENIED)
		sts_registration_refused(rq, &r->who, lg_dup(rq->cx->arena, lg_str_of(rq->cx->error)));
	lg_view_end(&rq->view);
	lg_store_turn(rq->sts->store);
	return e;
}

static lg_err
create_run(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	struct registering *r = arg;
	const struct lg_sts_ports *p = &r->rq->sts->ports;
	enum lg_sts_change did;
	uint64_t n;

	LG_TRY(lg_table_count(cx, v, &sts_clients, &n));
	if (n >= STS_CLIENTS)
		return lg_fail(cx, LG_E_BUSY, "there are too many clients");
	LG_TRY(p->client_entry(p->self, cx, v, r->rq->tenant_id, &r->who, r->rg.client.id, &r->rg.client.entry));
	lg_audit(v, r->rg.client.id, LG_NONE);
	return lg_sts_client_put(cx, v, r->rq->tenant_id, &r->rg.client, r->secret.n > 0 ? &r->secret_hash : NULL, &did);
}

static void
new_secret(struct registering *r)
{
	if (r->rg.client.auth != LG_CLIENT_SECRET)
		return;
	r->secret = lg_token_new(r->rq->cx->arena);
	r->secret_hash = lg_sha256_of(r->secret);
}

static lg_err
create(struct registering *r)
{
	struct sts_rq *rq = r->rq;
	lg_uuid name = lg_uuid_new();
	lg_sha256 h;

	LG_TRY(may_register(r));
	LG_TRY(sts_registration_read(rq, rq->ex->body, lg_cat(rq->cx->arena, LG_STR("r-"), lg_base64url(rq->cx->arena, sts_uuid_str(&name))),
	    &r->rg));
	LG_TRY(check_sector(rq, &r->rg));
	new_secret(r);
	r->token = lg_token_new(rq->cx->arena);
	h = lg_sha256_of(r->token);
	r->rg.client.registration = lg_dup(rq->cx->arena, lg_sha256_str(&h));
	r->rg.client.registered = (uint32_t)(rq->cx->now / LG_SECOND);
	LG_TRY(lg_store_apply(rq->cx, rq->sts->store, rq->tenant_id, "client.register", create_run, r, NULL));
	return answer(r, 201);
}

lg_err
sts_http_register(void *self, struct lg_http *ex)
{
	struct registering r = { .secret = LG_NONE };
	lg_err e;

	LG_TRY(sts_rq_new(self, ex, &r.rq));
	e = create(&r);
	if (e == LG_OK)
		return LG_OK;
	/* Who brought nothing may try again with a token. */
	if (e == LG_E_DENIED && r.who.type.n == 0)
		r.rq->error = STS_INVALID_TOKEN;
	return sts_answer_bearer_error(r.rq, e);
}

/* ---- one that is there (RFC 7592) --------------------------------------------------------------------------------------- */

/* 2.1: what is not there and what is not yours look alike. */
static lg_err
find_own(struct registering *r, struct lg_sts_client *ret)
{
	struct sts_rq *rq = r->rq;
	lg_sha256 h;
	lg_err e;

	r->token = lg_sts_bearer_of(rq->ex->header(rq->ex, "Authorization"));
	h = lg_sha256_of(r->token);
	LG_TRY(lg_view_begin(rq->cx, rq->sts->store, &rq->view));
	e = sts_client_load(rq, rq->ex->tail, ret);
	lg_view_end(&rq->view);
	lg_store_turn(rq->sts->store);
	if (e != LG_OK && e != LG_E_NOT_FOUND)
		return e;
	if (e != LG_OK || ret->registration.n != sizeof h.b || !lg_equal_bytes(h.b, ret->registration.p, sizeof h.b))
		return sts_refuse(rq, STS_INVALID_TOKEN, "this is not the registration access token of such a client");
	sts_act_as(rq->cx, rq->tenant_id, ret->entry, ret->type, ret->id);
	return LG_OK;
}

static lg_err
show(struct registering *r, const struct lg_sts_client *own)
{
	r->rg.client = *own;
	return answer(r, 200);
}

static lg_err
change_run(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	struct registering *r = arg;
	enum lg_sts_change did;

	lg_audit(v, r->rg.client.id, r->secret.n > 0 ? LG_STR("{\"new_secret\":true}") : LG_NONE);
	return lg_sts_client_put(cx, v, r->rq->tenant_id, &r->rg.client, r->secret.n > 0 ? &r->secret_hash : NULL, &did);
}

/* What an administrator gave it stays. */
static void
keep_given(struct lg_sts_client *c, const struct lg_sts_client *own)
{
	c->entry = own->entry;
	c->type = own->type;
	c->enabled = own->enabled;
	c->introspect = own->introspect;
	c->fapi2 = own->fapi2;
	c->access_life = own->access_life;
	c->naudiences = own->naudiences;
	memcpy(c->audiences, own->audiences, sizeof c->audiences);
	c->registered = own->registered;
	c->registration = own->registration;
}

/* 2.2: all of the metadata anew.  A request that brings the secret keeps it, one without gets another: that is how it is rotated. */
static lg_err
change(struct registering *r, const struct lg_sts_client *own)
{
	struct sts_rq *rq = r->rq;
	lg_sha256 h;

	LG_TRY(sts_registration_read(rq, rq->ex->body, own->id, &r->rg));
	if (!lg_str_eq(r->rg.given_id, own->id))
		return sts_refuse(rq, STS_INVALID_CLIENT_METADATA, "client_id must be the client's own");
	h = lg_sha256_of(r->rg.given_secret);
	if (r->rg.given_secret.n > 0 && (!own->has_secret || !lg_equal_bytes(h.b, own->secret.b, sizeof h.b)))
		return sts_refuse(rq, STS_INVALID_CLIENT_METADATA, "client_secret is not the client's own");
	keep_given(&r->rg.client, own);
	if (sts_fapi2_client(rq->cx, &r->rg.client) != LG_OK)
		return sts_refuse(rq, STS_INVALID_CLIENT_METADATA, "%s", lg_dup(rq->cx->arena, lg_str_of(rq->cx->error)).p);
	LG_TRY(check_sector(rq, &r->rg));
	if (r->rg.given_secret.n == 0)
		new_secret(r);
	LG_TRY(lg_store_apply(rq->cx, rq->sts->store, rq->tenant_id, "client.change", change_run, r, NULL));
	return answer(r, 200);
}

static lg_err
remove_run(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	struct registering *r = arg;
	const struct lg_sts_ports *p = &r->rq->sts->ports;
	lg_err e = lg_sts_client_del(cx, v, r->rq->tenant_id, r->rg.client.id);

	lg_audit(v, r->rg.client.id, LG_NONE);
	if (e != LG_OK && e != LG_E_NOT_FOUND)
		return e;
	return p->client_gone(p->self, cx, v, r->rq->tenant_id, r->rg.client.entry);
}

static lg_err
remove_client(struct registering *r, const struct lg_sts_client *own)
{
	r->rg.client = *own;
	LG_TRY(lg_store_apply(r->rq->cx, r->rq->sts->store, r->rq->tenant_id, "client.delete", remove_run, r, NULL));
	r->rq->ex->status = 204;
	sts_no_store(r->rq->ex);
	return LG_OK;
}

lg_err
sts_http_registration(void *self, struct lg_http *ex)
{
	static const struct {
		lg_str method;
		lg_err (*run)(struct registering *r, const struct lg_sts_client *own);
	} deeds[] = {
		{ LG_STR("GET"), show }, { LG_STR("PUT"), change }, { LG_STR("DELETE"), remove_client },
	};
	struct registering r = { .secret = LG_NONE };
	struct lg_sts_client own;
	lg_err e;

	LG_TRY(sts_rq_new(self, ex, &r.rq));
	e = find_own(&r, &own);
	for (size_t i = 0; e == LG_OK && i < LG_COUNT(deeds); i++)
		if (lg_str_eq(deeds[i].method, ex->method)) {
			e = deeds[i].run(&r, &own);
			break;
		}
	return e == LG_OK ? LG_OK : sts_answer_bearer_error(r.rq, e);
}
