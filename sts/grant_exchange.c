/*
 * grant_exchange.c: token exchange (RFC 8693): a service that was called with a token gets one for whom it calls in turn.
 *
 * The new token is the subject's, never wider and never longer than the old one, and says in `act` who holds it, and who held
 * it before.  Without that it would be taken for one that the subject got: such a token (impersonate=true) policy must allow by an
 * action of its own, and what `act` said before stays all the same.
 */
#include "sts/source.h"

#define ACCESS_TOKEN	"urn:ietf:params:oauth:token-type:access_token"
#define JWT		"urn:ietf:params:oauth:token-type:jwt"
#define ACTORS		4	/* of one token, one within the other */

/* ---- tokens that are shown ---------------------------------------------------------------------------------------- */

struct shown {
	struct lg_claims c;
	struct lg_sts_subject subject;	/* of another issuer's token: whom its source knows; type empty: as the claims say */
	lg_str scope;			/* that it allows */
};

/* A live token of ours that this client may show: one given to it, or meant for it. */
static lg_err
read_own(struct sts_rq *rq, const char *name, struct shown *ret)
{
	struct lg_claims *c = &ret->c;

	if (sts_token_verify(rq->cx, rq->sts, rq->tenant_id, &rq->tenant, lg_form_get(&rq->form, name), c) != LG_OK
	    || sts_token_revoked(rq->cx, rq->view, rq->tenant_id, c))
		return sts_refuse(rq, STS_INVALID_REQUEST, "%s is not a good token of this issuer", name);
	if (!sts_token_meant_for(rq, c))
		return sts_refuse(rq, STS_INVALID_REQUEST, "%s is neither for this client nor its own", name);
	/* What is bound to a key is taken only from who proves that key. */
	if ((c->cnf_jkt.n > 0 || c->cnf_x5t.n > 0)
	    && sts_sender_check(rq->cx, c, sts_peer_cert(rq->ex->peer), c->cnf_jkt.n > 0 ? rq->jkt : LG_NONE) != LG_OK)
		return sts_refuse(rq, STS_INVALID_REQUEST, "%s belongs to a key that was not proved", name);
	ret->scope = c->scope;
	return LG_OK;
}

/* Somebody signed in at this client, and the session lives: that allows no scope yet. */
static lg_err
read_id_token(struct sts_rq *rq, const char *name, struct shown *ret)
{
	if (sts_hint_verify(rq, lg_form_get(&rq->form, name), &ret->c) != LG_OK || lg_claims_check_time(rq->cx, &ret->c) != LG_OK
	    || sts_token_revoked(rq->cx, rq->view, rq->tenant_id, &ret->c))
		return sts_refuse(rq, STS_INVALID_REQUEST, "%s is not a good ID token of this issuer", name);
	/* Signed userinfo is for the client too, but is nobody's sign-in. */
	if (ret->c.auth_time == 0 || ret->c.naudience != 1 || !lg_str_eq(ret->c.audience[0], rq->client.id))
		return sts_refuse(rq, STS_INVALID_REQUEST, "%s is not this client's", name);
	return LG_OK;
}

/* One of ours, or a workload's of an issuer that is trusted. */
static lg_err
read_jwt(struct sts_rq *rq, const char *name, struct shown *ret)
{
	struct sts_source *s = LG_NEW(rq->cx->arena, struct sts_source);
	lg_str token = lg_form_get(&rq->form, name);
	lg_err e = sts_workload_subject(rq, token, s, &ret->c, &ret->subject);

	if (e == LG_E_NOT_FOUND)
		return read_own(rq, name, ret);
	if (e == LG_E_INVALID)
		rq->error = STS_INVALID_REQUEST;	/* the client is who it is: the token is at fault */
	LG_TRY(e);
	ret->scope = sts_scope_join(rq->cx->arena, s->scopes.v, s->scopes.n);
	ret->c.sid = rq->source_sid;
	return LG_OK;
}

static const struct {
	lg_str type;
	lg_err (*read)(struct sts_rq *rq, const char *name, struct shown *ret);
} types[] = {
	{ LG_STR(ACCESS_TOKEN), read_own },
	{ LG_STR(JWT), read_jwt },
	{ LG_STR("urn:ietf:params:oauth:token-type:id_token"), read_id_token },
};

static lg_err
read_token(struct sts_rq *rq, const char *name, const char *type, struct shown *ret)
{
	lg_str t = lg_form_get(&rq->form, type);

	if (lg_form_get(&rq->form, name).n == 0)
		return sts_refuse(rq, STS_INVALID_REQUEST, "%s is missing", name);
	for (size_t i = 0; i < LG_COUNT(types); i++)
		if (lg_str_eq(types[i].type, t))
			return types[i].read(rq, name, ret);
	return sts_refuse(rq, STS_INVALID_REQUEST, "%s is no type of token that is taken here", type);
}

/* ---- who acts ----------------------------------------------------------------------------------------------------------- */

/* A member of an object as its text; empty without. */
static lg_str
member_of(struct sts_rq *rq, lg_str object, lg_str wanted)
{
	lg_str name, found = LG_NONE;
	struct lg_json js;

	lg_json_init(&js, rq->cx->arena, object);
	lg_json_object(&js);
	while (lg_json_member(&js, &name)) {
		if (lg_str_eq(name, wanted))
			found = lg_json_raw(&js);
		else
			lg_json_skip(&js);
	}
	return found;
}

/* The `act` of a token as its text, and how many actors are in it. */
static lg_str
actors_of(struct sts_rq *rq, lg_str payload, size_t *depth)
{
	lg_str act = member_of(rq, payload, LG_STR("act")), inner = act;

	for (*depth = 0; inner.n > 0 && *depth < ACTORS; ++*depth)
		inner = member_of(rq, inner, LG_STR("act"));
	return act;
}

/*
 * 4.4: a subject token may say who may act for its subject; then nobody else does.  What it says in other words than these nobody
 * meets.  issuer, sub: of the one who wants to act.
 */
static bool
may_act(struct sts_rq *rq, const struct lg_claims *subject, lg_str issuer, lg_str sub)
{
	lg_str name, text = member_of(rq, subject->payload, LG_STR("may_act")), of = subject->issuer, who = LG_NONE, client = LG_NONE;
	struct lg_json js;

	if (text.n == 0)
		return true;
	lg_json_init(&js, rq->cx->arena, text);
	lg_json_object(&js);
	while (lg_json_member(&js, &name)) {
		if (lg_str_eq(name, LG_STR("sub")))
			who = lg_json_str(&js);
		else if (lg_str_eq(name, LG_STR("iss")))
			of = lg_json_str(&js);
		else if (lg_str_eq(name, LG_STR("client_id")))
			client = lg_json_str(&js);
		else
			return false;
	}
	return lg_json_end(rq->cx, &js) == LG_OK && who.n + client.n > 0
	    && (who.n == 0 || (lg_str_eq(who, sub) && lg_str_eq(of, issuer))) && (client.n == 0 || lg_str_eq(client, rq->client.id));
}

static lg_err
write_actor(struct sts_rq *rq, const struct lg_claims *subject, lg_uuid actor, struct sts_issue *is)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(8u << 10);
	struct lg_jsonw w = lg_jsonw_of(&b);
	size_t depth;
	lg_str before = actors_of(rq, subject->payload, &depth);

	if (depth >= ACTORS)
		return sts_refuse(rq, STS_INVALID_REQUEST, "the token went through %d hands already", ACTORS);
	lg_jsonw_object(&w);
	lg_jsonw_uuid_of(&w, "sub", actor);
	if (before.n > 0) {
		lg_jsonw_name(&w, LG_STR("act"));
		lg_jsonw_raw(&w, before);
	}
	lg_jsonw_object_end(&w);
	LG_TRY(lg_buf_status(rq->cx, &b));
	is->act = lg_dup(rq->cx->arena, lg_buf_view(&b));
	return LG_OK;
}

/* Nobody will be seen to act: that is for policy to say, of this client and this subject. */
static lg_err
impersonate(struct sts_rq *rq, const struct lg_claims *subject, struct sts_issue *is)
{
	struct lg_question *q = LG_NEW(rq->cx->arena, struct lg_question);
	struct lg_verdict verdict = { .permit = false };
	struct lg_decider *d = &rq->sts->decider;
	size_t depth;

	*q = (struct lg_question){ .tenant = rq->tenant_id, .action = "token:impersonate", .record = true,
		.principal = { rq->client.type, rq->client.entry, rq->client.id },
		.resource = { is->subject.type, is->subject.id, is->subject.name },
		.context = { lg_fact_str("subject_proof", LG_STR("self")), lg_fact_str("client", rq->client.id) }, .ncontext = 2 };
	LG_TRY(d->ask(d->self, rq->cx, rq->view, q, &verdict));
	if (!verdict.permit) {
		rq->error = STS_INVALID_REQUEST;	/* 2.2.2 */
		return lg_fail(rq->cx, LG_E_DENIED, "token:impersonate: %.*s", LG_FMT(verdict.reason));
	}
	is->act = lg_dup(rq->cx->arena, actors_of(rq, subject->payload, &depth));
	return LG_OK;
}

/* Who acts: the client's own entry, or the one of a token that the client brings for it. */
static lg_err
read_actor(struct sts_rq *rq, const struct lg_claims *subject, struct sts_issue *is)
{
	lg_str alone = lg_form_get(&rq->form, "impersonate");
	bool other = lg_form_has(&rq->form, "actor_token");
	lg_uuid actor = rq->client.entry;
	char text[LG_UUID_TEXT + 1];
	struct shown a = { .scope = LG_NONE };

	if (alone.n > 0 && (other || !lg_str_eq(alone, LG_STR("true"))))
		return sts_refuse(rq, STS_INVALID_REQUEST, "impersonate is true, and goes without actor_token");
	if (!other && lg_form_has(&rq->form, "actor_token_type"))
		return sts_refuse(rq, STS_INVALID_REQUEST, "actor_token is missing");
	lg_uuid_text(actor, text);
	a.c = (struct lg_claims){ .issuer = rq->tenant.issuer, .subject = lg_str_of(text) };
	if (other) {
		LG_TRY(read_token(rq, "actor_token", "actor_token_type", &a));
		actor = a.subject.id;
		if (a.subject.type.n == 0 && !lg_uuid_parse(a.c.subject, &actor))
			return sts_refuse(rq, STS_INVALID_REQUEST, "actor_token names nobody here");
	}
	if (!may_act(rq, subject, a.c.issuer, a.c.subject))
		return sts_refuse(rq, STS_INVALID_REQUEST, "the subject token's may_act names somebody else");
	return alone.n > 0 ? impersonate(rq, subject, is) : write_actor(rq, subject, actor, is);
}

/* ---- for whom, and how much ------------------------------------------------------------------------------------------------- */

static lg_err
read_subject(struct sts_rq *rq, const struct shown *sh, struct sts_issue *is)
{
	struct lg_sts_ports *p = &rq->sts->ports;
	lg_uuid id = sh->subject.id;
	lg_err e;

	if (sh->subject.type.n == 0 && !lg_uuid_parse(sh->c.subject, &id))
		return sts_refuse(rq, STS_INVALID_REQUEST, "subject_token names nobody here");
	e = p->subject_by_id(p->self, rq->cx, rq->view, rq->tenant_id, id, false, &is->subject);
	if (e == LG_E_NOT_FOUND || (e == LG_OK && !is->subject.enabled))
		return sts_refuse(rq, STS_INVALID_REQUEST, "the subject is gone or disabled");
	LG_TRY(e);
	sts_subject_keep(rq->cx->arena, &is->subject);
	return LG_OK;
}

/* What the old token had, the client may have and was asked for. */
static lg_err
read_scope(struct sts_rq *rq, const struct shown *sh, struct sts_issue *is)
{
	lg_str asked = lg_form_get(&rq->form, "scope");

	if (!sts_scope_valid(asked) || !sts_scope_within(asked, sh->scope))
		return sts_refuse(rq, STS_INVALID_SCOPE, "scope is wider than the subject token's");
	is->scope = sh->scope.n == 0 ? LG_NONE : sts_scope_allowed(rq->cx->arena, &rq->client, asked.n > 0 ? asked : sh->scope);
	if (!sts_scope_within(asked, is->scope))
		return sts_refuse(rq, STS_INVALID_SCOPE, "the client may not have this scope");
	return LG_OK;
}

/* 2.1: logical names and URIs mean the same here, and each may be several.  The service's own APIs are none of them unless they are registered: whoever
 * showed a service its token did not thereby let it administer. */
static lg_err
read_audience(struct sts_rq *rq, struct sts_issue *is)
{
	if (rq->nresources + rq->naudiences > LG_AUDIENCES - 1)
		return sts_refuse(rq, STS_INVALID_TARGET, "more than %d resources", LG_AUDIENCES - 1);
	memcpy(rq->resource + rq->nresources, rq->audience, rq->naudiences * sizeof rq->audience[0]);
	rq->nresources += rq->naudiences;
	if (rq->nresources == 0 && rq->client.naudiences == 0)
		return sts_refuse(rq, STS_INVALID_TARGET, "the client may call nobody in another's name");
	return sts_issue_audience(rq, STS_REACH_REGISTERED, is);
}

/* 2.2.2: what policy has against these tokens is an error of the request. */
static lg_err
decide(struct sts_rq *rq, const struct sts_issue *is)
{
	lg_err e = sts_issue_decide(rq, is);

	if (e == LG_E_DENIED)
		rq->error = STS_INVALID_REQUEST;
	return e;
}

lg_err
sts_grant_exchange(struct sts_rq *rq)
{
	struct sts_issue *is = LG_NEW(rq->cx->arena, struct sts_issue);
	lg_str wanted = lg_form_get(&rq->form, "requested_token_type");
	struct shown sh = { .scope = LG_NONE };

	/* Ours are both. */
	is->issued_type = wanted.n > 0 ? wanted : LG_STR(ACCESS_TOKEN);
	if (!lg_str_eq(is->issued_type, LG_STR(ACCESS_TOKEN)) && !lg_str_eq(is->issued_type, LG_STR(JWT)))
		return sts_refuse(rq, STS_INVALID_REQUEST, "requested_token_type must be " ACCESS_TOKEN " or " JWT);
	LG_TRY(read_token(rq, "subject_token", "subject_token_type", &sh));
	LG_TRY(read_subject(rq, &sh, is));
	LG_TRY(read_actor(rq, &sh.c, is));
	LG_TRY(read_scope(rq, &sh, is));
	LG_TRY(read_audience(rq, is));
	is->auth_time = sh.c.auth_time;
	is->how = sts_signed_in_of(rq->cx->arena, &sh.c);
	LG_TRY(decide(rq, is));
	is->sid = sh.c.sid;
	rq->not_after = sh.c.expires;
	sts_issue_lifetime(rq, is);
	return sts_issue_sign(rq, is);
}
