/* caller.c: who sent an HTTP request: token, certificate, or the user at the other end of the UNIX socket. */
#include "server/caller.h"

#include "base/clock.h"
#include "server/point.h"

static lg_err
tenant_of(struct lg_app *app, struct lg_http *ex, struct lg_caller *ret)
{
	*ret = (struct lg_caller){ .tenant = lg_tenants_get(app->tenants, ex->tenant) };
	return ret->tenant != NULL ? LG_OK : lg_fail(ex->cx, LG_E_NOT_FOUND, "there is no such tenant");
}

static void
set_actor(struct lg_http *ex, const struct lg_entity_id *who, struct lg_caller *ret)
{
	/* The actor outlives the view: mutations and records name it later. */
	ret->entity = (struct lg_entity_id){ lg_dup(ex->cx->arena, who->type), who->id, lg_dup(ex->cx->arena, who->name) };
	who = &ret->entity;
	ret->actor = (struct lg_actor){
		.kind = LG_ACTOR_ENTRY, .tenant = ret->tenant->id, .id = who->id, .type = who->type, .name = who->name,
		.address = lg_str_of(ex->peer->address),
	};
	struct lg_actor *kept = LG_NEW(ex->cx->arena, struct lg_actor);
	*kept = ret->actor;
	ex->cx->actor = kept;
}

/* Whoever shows by the transport itself, or by a secret, who it is. */
static lg_err
as_itself(struct lg_http *ex, const struct lg_entity_id *who, struct lg_caller *ret)
{
	ret->proof = "self";
	set_actor(ex, who, ret);
	return LG_OK;
}

/* The handshake's certificate may have been revoked since, or name another tenant than the request does. */
static lg_err
check_peer(struct lg_app *app, struct lg_http *ex, struct lg_view *v, const struct lg_caller *who, struct lg_certs_peer *ret)
{
	LG_TRY(lg_certs_peer(ex->cx, app->certs, v, ex->peer->cert, ret));
	if (ret->tenant != who->tenant->id)
		return lg_fail(ex->cx, LG_E_UNAUTHENTICATED, "the certificate belongs to another tenant");
	return LG_OK;
}

static lg_err
by_token(struct lg_app *app, struct lg_http *ex, struct lg_view *v, const char *audience, struct lg_caller *ret)
{
	lg_str wanted = lg_cat(ex->cx->arena, ret->tenant->sts.issuer, lg_str_of(audience));
	struct lg_sts_bearer bearer;
	struct lg_certs_peer peer;

	if (ex->peer->cert.n > 0)
		LG_TRY(check_peer(app, ex, v, ret, &peer));
	LG_TRY(lg_sts_request_check(ex, app->sts, v, wanted, &bearer));
	ret->claims = bearer.claims;
	ret->has_token = true;
	ret->proof = "token";
	set_actor(ex, &(struct lg_entity_id){ bearer.subject.type, bearer.subject.id, bearer.subject.name }, ret);
	return LG_OK;
}

static lg_err
by_certificate(struct lg_app *app, struct lg_http *ex, struct lg_view *v, struct lg_caller *ret)
{
	struct lg_certs_peer peer;

	LG_TRY(check_peer(app, ex, v, ret, &peer));
	return as_itself(ex, &(struct lg_entity_id){ peer.type, peer.id, peer.name }, ret);
}

static lg_err
by_socket(struct lg_http *ex, struct lg_view *v, struct lg_caller *ret)
{
	struct lg_entry e;
	lg_err err = lg_entry_by_uid_number(ex->cx, v, ret->tenant->id, ex->peer->uid, &e);

	if (err == LG_E_NOT_FOUND || (err == LG_OK && !e.enabled))
		return lg_fail(ex->cx, LG_E_UNAUTHENTICATED, "no entry has the uidNumber %lld: sign in first", (long long)ex->peer->uid);
	LG_TRY(err);
	struct lg_entity_id who = lg_entry_entity(&e);
	return as_itself(ex, &who, ret);
}

lg_err
lg_caller_by_secret(struct lg_app *app, struct lg_http *ex, struct lg_view *v, lg_str name, lg_str secret, struct lg_caller *ret)
{
	lg_sha256 given = lg_sha256_of(secret);
	struct lg_sts_client client;
	struct lg_entry e;
	lg_err err;

	LG_TRY(tenant_of(app, ex, ret));
	err = lg_sts_client_get(ex->cx, v, ex->tenant, name, &client);
	if (err == LG_E_NOT_FOUND || (err == LG_OK && (!client.enabled || client.auth != LG_CLIENT_SECRET || !client.has_secret ||
	    !lg_equal_bytes(client.secret.b, given.b, sizeof given.b))))
		return lg_fail(ex->cx, LG_E_UNAUTHENTICATED, "no such service, or another secret");
	LG_TRY(err);
	err = lg_entry_by_uuid(ex->cx, v, ex->tenant, client.entry, &e);
	if (err == LG_E_NOT_FOUND || (err == LG_OK && (!e.enabled || e.type != LG_TYPE_SERVICE)))
		return lg_fail(ex->cx, LG_E_UNAUTHENTICATED, "no such service, or another secret");
	LG_TRY(err);
	struct lg_entity_id who = lg_entry_entity(&e);
	return as_itself(ex, &who, ret);
}

lg_err
lg_caller_by_transport(struct lg_app *app, struct lg_http *ex, struct lg_view *v, struct lg_caller *ret)
{
	LG_TRY(tenant_of(app, ex, ret));
	if (ex->peer->cert.n > 0)
		return by_certificate(app, ex, v, ret);
	if (ex->peer->surface == LG_SURFACE_UNIX && ex->peer->uid >= 0)
		return by_socket(ex, v, ret);
	return lg_fail(ex->cx, LG_E_UNAUTHENTICATED, "a bearer token or a client certificate is needed");
}

lg_err
lg_caller_find(struct lg_app *app, struct lg_http *ex, struct lg_view *v, const char *audience, struct lg_caller *ret)
{
	if (ex->header(ex, "Authorization").n == 0)
		return lg_caller_by_transport(app, ex, v, ret);
	LG_TRY(tenant_of(app, ex, ret));
	return by_token(app, ex, v, audience, ret);
}

lg_err
lg_caller_host(struct lg_app *app, struct lg_http *ex, struct lg_view *v, struct lg_caller *ret)
{
	LG_TRY(lg_caller_find(app, ex, v, "/v1", ret));
	if (!lg_str_eq(ret->entity.type, LG_STR("Host")) || ret->has_token)
		return lg_fail(ex->cx, LG_E_DENIED, "this is for a host with its certificate");
	return LG_OK;
}

struct lg_entity_id
lg_tenant_entity(const struct lg_tenant_view *t)
{
	return (struct lg_entity_id){ LG_STR("Tenant"), t->uuid, t->name };
}

lg_str *
lg_caller_words(struct lg_ctx *cx, lg_str text, size_t max, size_t *n)
{
	lg_str *words = LG_NEWS(cx->arena, lg_str, max), one;
	bool more = text.n > 0;

	*n = 0;
	while (more && *n < max) {
		more = lg_str_cut(text, ' ', &one, &text);
		if (one.n > 0)
			words[(*n)++] = one;
	}
	return words;
}

void
lg_caller_token_facts(struct lg_ctx *cx, const struct lg_claims *claims, struct lg_question *q)
{
	struct lg_fact *f = &q->context[q->ncontext];
	size_t n;
	lg_str *scope = lg_caller_words(cx, claims->scope, LG_SCOPES, &n);

	if (claims->acr.n > 0) {
		/* The claims may be gone before the question is recorded. */
		lg_str *amr = LG_NEWS(cx->arena, lg_str, LG_CLAIM_AMR);
		memcpy(amr, claims->amr, claims->namr * sizeof *amr);
		*f++ = lg_fact_str("acr", claims->acr);
		*f++ = lg_fact_set("amr", amr, claims->namr);
		*f++ = lg_fact_int("auth_age", (cx->now - claims->auth_time) / LG_SECOND);
		q->ncontext += 3;
	}
	*f++ = (struct lg_fact){ .name = "client", .type = LG_FACT_STR, .s = claims->client_id };
	*f = (struct lg_fact){ .name = "scopes", .type = LG_FACT_SET, .set = scope, .n = n };
	q->ncontext += 2;
}

void
lg_caller_question(struct lg_ctx *cx, const struct lg_caller *who, const char *action, struct lg_entity_id resource, struct lg_question *ret)
{
	*ret = (struct lg_question){
		.tenant = who->tenant->id, .principal = who->entity, .action = action, .resource = resource, .ncontext = 1,
		.context = { { .name = "subject_proof", .type = LG_FACT_STR, .s = lg_str_of(who->proof) } },
	};
	if (who->has_token)
		lg_caller_token_facts(cx, &who->claims, ret);
}

lg_err
lg_caller_may(struct lg_app *app, struct lg_ctx *cx, struct lg_view *v, const struct lg_caller *who, const char *action,
    struct lg_entity_id resource)
{
	struct lg_question q;
	struct lg_verdict verdict;

	lg_caller_question(cx, who, action, resource, &q);
	LG_TRY(lg_point_ask(app->point, cx, v, &q, &verdict));
	if (!verdict.permit)
		return lg_fail(cx, LG_E_DENIED, "%s: %.*s", action, LG_FMT(verdict.reason));
	return LG_OK;
}

lg_err
lg_caller_admin(struct lg_app *app, struct lg_http *ex, struct lg_view *v, const char *action, struct lg_caller *ret)
{
	LG_TRY(lg_caller_find(app, ex, v, "/v1", ret));
	return lg_caller_may_better(app, ex, v, ret, action, lg_tenant_entity(ret->tenant));
}
